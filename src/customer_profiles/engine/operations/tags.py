"""Tags of domains and of the resources in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import tags as store

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection


@operation("TagResource")
def tag_resource(context: Context, request: Wire) -> Wire:
    """Add tags; a tag that exists gets the new value."""
    with context.database.write() as connection:
        resource = _resource(context, connection, request["resourceArn"])
        tagging.check_number(context, {**store.of(connection, resource), **request["tags"]})
        store.put(connection, resource, request["tags"])
    return {}


@operation("UntagResource")
def untag_resource(context: Context, request: Wire) -> Wire:
    """Remove tags; a key that the resource does not have is no error."""
    # Assumed: removing a tag that the resource does not have succeeds.
    with context.database.write() as connection:
        resource = _resource(context, connection, request["resourceArn"])
        store.remove(connection, resource, request["tagKeys"])
    return {}


@operation("ListTagsForResource", read_only=True)
def list_tags_for_resource(context: Context, request: Wire) -> Wire:
    """List the tags of a resource."""
    with context.database.read() as connection:
        resource = _resource(context, connection, request["resourceArn"])
        return tagging.answer(store.of(connection, resource), "tags")


def _resource(context: Context, connection: Connection, resource: str) -> str:
    path = resource.removeprefix(context.arn("domains/"))
    # Assumed: an ARN of another region or account names a resource that does not exist.
    if path == resource or not _exists(connection, *path.partition("/")):
        raise not_found(f"Resource {resource} does not exist")
    return resource


def _exists(connection: Connection, name: str, slash: str, rest: str) -> bool:
    """Return whether a domain exists, and in it the resource of a path like `layouts/explorer`."""
    domain = re.fullmatch("[a-zA-Z0-9_-]+", name) and domain_store.find_row(connection, name)
    if not domain:
        return False
    # The name of an integration is a URI, whose slashes are part of the ARN.
    path, _, inner = rest.partition("/")
    return tagging.is_stored(connection, domain.id, path, inner) if slash else True

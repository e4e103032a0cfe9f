"""Tags of domains, object types and integrations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import integrations as integration_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import tags as store

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]


@operation("TagResource")
def tag_resource(context: Context, request: Wire) -> Wire:
    """Add tags, or give those that are there new values."""
    with context.database.write() as connection:
        resource = _resource(context, connection, request["resourceArn"])
        tagging.check_number(context, {**store.of(connection, resource), **request["tags"]})
        store.put(connection, resource, request["tags"])
    return {}


@operation("UntagResource")
def untag_resource(context: Context, request: Wire) -> Wire:
    """Remove tags; what is not there is no error."""
    # Assumed: removing a tag that the resource does not have succeeds.
    with context.database.write() as connection:
        resource = _resource(context, connection, request["resourceArn"])
        store.remove(connection, resource, request["tagKeys"])
    return {}


@operation("ListTagsForResource")
def list_tags_for_resource(context: Context, request: Wire) -> Wire:
    """Show the tags of a resource."""
    with context.database.read() as connection:
        resource = _resource(context, connection, request["resourceArn"])
        return tagging.answer(store.of(connection, resource), "tags")


def _resource(context: Context, connection: Connection, resource: str) -> str:
    path = resource.removeprefix(context.arn("domains/"))
    # Assumed: an ARN of another region or account names a resource that does not exist.
    if path == resource or not _is_known(connection, *path.partition("/")):
        raise not_found(f"Resource {resource} does not exist")
    return resource


def _is_known(connection: Connection, name: str, slash: str, part: str) -> bool:
    """Say whether there is a domain, or what a path such as `object-types/Order` leads to in it."""
    domain = re.fullmatch("[a-zA-Z0-9_-]+", name) and domain_store.place(connection, name)
    if not domain:
        return False
    kind, _, inner = part.partition("/")
    if kind == "object-types":
        return type_store.find(connection, domain.id, inner) is not None
    if kind == "integrations":
        # A URI may have slashes and colons, which are part of the ARN as they are.
        return integration_store.find(connection, domain.id, inner) is not None
    return not slash

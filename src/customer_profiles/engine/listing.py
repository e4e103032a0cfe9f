"""Lists that the service has no operation for: what is in a domain, all of it, page by page.

Pages are read by row number, so that a page costs the same at the end of a large domain as at its
beginning, and none is kept in memory. What is stored while a list is read comes at its end.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from pydantic_core import to_json

from customer_profiles._standard_objects import PROFILE

from . import documents
from .audiences import segments
from .audiences.segment_groups import NOUN
from .audiences.snapshots import ENHANCED
from .ingestion import compiled_types
from .profiles import owned_keys
from .profiles.access import domain_row, existing_profile
from .profiles.expiry import purge_all, reading
from .service.refusals import bad_request, not_found
from .store import domains as domain_store
from .store import object_types as type_store
from .store import objects, profiles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles._wire import Wire

    from .service.context import Context

_ALL = 1 << 30


def list_profiles(context: Context, domain_name: str, request: Wire) -> bytes:
    """Return a page of all profiles of a domain, in the order in which they were created."""
    now = context.clock.now()
    with context.database.read() as connection:
        domain = domain_row(connection, domain_name).id
        found, token = context.pages.read_page(
            ["all profiles", domain],
            request,
            lambda after, most: profiles.listed(connection, domain, after, now, most),
            itemgetter(0),
            start=0,
        )
    return _page((body for _, body in found), token)


def list_segment_members(context: Context, request: Wire) -> bytes:
    """Return a page of the profiles in a segment, in the order in which they were created."""
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        definition = documents.existing(documents.KINDS[NOUN], scope, request)
        if "SegmentGroups" not in definition.body:
            raise bad_request(ENHANCED)
        audience = segments.compile_groups(scope, definition.body["SegmentGroups"])
        found, token = context.pages.read_page(
            ["members", scope.domain, definition.name, definition.created],
            request,
            lambda after, most: segments.members_after(scope, audience, after, most),
            itemgetter(0),
            start=0,
        )
    return _page((body for _, body in found), token)


def list_objects(context: Context, domain_name: str, name: str, request: Wire) -> bytes:
    """Return a page of all objects of a type, each with the ProfileId of its profile."""
    now = context.clock.now()
    with context.database.read() as connection:
        domain = domain_row(connection, domain_name).id
        if name == PROFILE:
            raise not_found("The objects of type _profile are the profiles; list those")
        if not compiled_types.is_known(connection, domain, name):
            raise compiled_types.unknown(connection, domain, name)
        found, token = context.pages.read_page(
            ["all objects", domain, name],
            request,
            lambda after, most: objects.listed(
                connection, domain, name, after, now=now, limit=most
            ),
            attrgetter("id"),
            start=0,
        )
    items = [
        {
            "ObjectTypeName": name,
            "ProfileObjectUniqueKey": stored.unique_key,
            "Object": stored.body.decode(),
            "ProfileId": stored.profile_id.hex(),
        }
        for stored in found
    ]
    return _page(map(to_json, items), token)


def contents(context: Context, domain_name: str) -> Wire:
    """Return what is in a domain: counts, the names of its object types, and those of its keys."""
    purge_all(context)
    with context.database.read() as connection:
        domain = domain_row(connection, domain_name).id
        counts = domain_store.counts(connection, domain)
        object_types = [stored.name for stored in type_store.page(connection, domain, "", _ALL)]
        keys = type_store.key_names(connection, domain)
    return {
        "ProfileCount": counts.profiles,
        "ObjectCount": counts.objects,
        "TotalSize": counts.bytes,
        "ObjectTypeNames": object_types,
        "KeyNames": keys,
    }


def profile_keys(context: Context, domain_name: str, profile_id: str) -> list[Wire]:
    """Return the search keys of a profile, with their values as the index compares them."""
    with reading(context) as connection:
        domain = domain_row(connection, domain_name)
        profile = existing_profile(context, connection, domain, profile_id)
        fields = owned_keys.without_objects(connection, profile)
        added = owned_keys.added_keys(connection, profile.id)
        sources = {key: "added" if key in added else PROFILE for key in fields}
        for stored in owned_keys.objects_of(connection, profile.id):
            for key in owned_keys.read_keys(stored.keys):
                sources.setdefault(key, stored.type)
    return [
        {"KeyName": name, "Value": value, "Source": source}
        for (name, value), source in sorted(sources.items())
    ]


def _page(items: Iterable[bytes], token: str | None) -> bytes:
    next_token = b"null" if token is None else to_json(token)
    return b'{"Items":[%b],"NextToken":%b}' % (b",".join(items), next_token)

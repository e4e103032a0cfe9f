"""Removing the objects of an object type, and the values that they set in other records."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

from . import owned_keys, provenance, removal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeVar

    from customer_profiles._standard_objects import StandardObject
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

    Row = TypeVar("Row", profile_store.Stored, object_store.StoredObject)

_PAGE, _BATCH = 500, 10_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def remove_contents(  # noqa: PLR0913, PLR0917  (the type, and what ingestion knows of types)
    context: Context,
    connection: Connection,
    domain: int,
    name: str,
    lost_keys: set[str],
    standard: Mapping[str, StandardObject],
) -> None:
    """Remove the objects of a type, all values that they set, and the profiles left empty.

    Args:
        context: the engine's parts.
        connection: the open transaction.
        domain: the domain's id.
        name: the object type.
        lost_keys: the key names that no other object type has.
        standard: the standard objects by their names.
    """
    changed = _remove_objects(context, connection, domain, name)
    # AG:delete-customer-profile-connection: the values that a mapping set are deleted with it.
    mention = provenance.mention(name)
    for profile in all_rows(profile_store.filled_by, connection, domain, mention):
        _remove_from_profile(connection, profile, name)
        changed.add(profile.id)
    for stored in all_rows(object_store.filled_by, connection, domain, mention):
        _remove_from_standard_object(connection, stored, name, lost_keys, standard[stored.type])
        changed.add(stored.profile)
    _remove_empty_profiles(connection, changed)


def all_rows(
    read: Callable[[Connection, int, str, int, int], list[Row]],
    connection: Connection,
    domain: int,
    what: str,
) -> Iterator[Row]:
    """Yield all rows of a domain, reading 500 at a time."""
    rows = read(connection, domain, what, 0, _PAGE)
    while rows:
        yield from rows
        rows = read(connection, domain, what, rows[-1].id, _PAGE)


def replace_object(
    connection: Connection, old: object_store.StoredObject, new: object_store.StoredObject
) -> None:
    """Store a changed object, and index it by its new keys."""
    before, after = owned_keys.object_slots(old), owned_keys.object_slots(new)
    key_store.remove(connection, old.id, before - after)
    key_store.add(connection, [(key, new.id) for key in after - before])
    object_store.put(connection, [new])


def _remove_objects(context: Context, connection: Connection, domain: int, name: str) -> set[int]:
    """Remove all objects of a type; return the rows of the profiles that had them."""
    found = all_rows(object_store.of_type, connection, domain, name)
    changed: set[int] = set()
    while batch := list(islice(found, _BATCH)):
        removal.remove_objects(connection, batch, "DELETED_BY_CUSTOMER", context.clock.now())
        changed.update(stored.profile for stored in batch)
    return changed


def _remove_from_profile(connection: Connection, profile: profile_store.Stored, name: str) -> None:
    """Remove the values that objects of a type set in a profile."""
    old = json.loads(profile.body)
    sources = provenance.read_by_path(profile.sources, old, "ProfileId")
    paths = provenance.of_type(sources, name)
    new = provenance.without(old, paths)
    for path in paths:
        del sources.named[path]
    body = _encode(new).encode()
    # NULL would mean that the profile is unchanged since it was created.
    changed = profile._replace(body=body, sources=provenance.write(sources) or b"[]")
    profile_store.replace(connection, [changed])
    owned_keys.replace(connection, changed, old, new)
    size = len(body) - len(profile.body)
    domain_store.count(connection, profile.domain, domain_store.Counts(0, 0, size))


def _remove_from_standard_object(
    connection: Connection,
    stored: object_store.StoredObject,
    name: str,
    lost_keys: set[str],
    standard: StandardObject,
) -> None:
    """Remove the values that objects of a type set in a standard object, or the whole object."""
    old = json.loads(stored.body)
    sources = provenance.read_by_path(stored.sources, old, standard.id_member)
    paths = provenance.of_type(sources, name)
    new = provenance.without(old, paths)
    own_objects = {("", sources.named.pop(path).unique_key) for path in paths}
    if not sources.named:
        removal.remove_objects(connection, [stored], "DELETED_BY_CUSTOMER", 0)
        return
    default_keys = owned_keys.default_keys(standard.keys, new)
    own_keys = owned_keys.read_keys(stored.own_keys) - own_objects
    changed = stored._replace(
        body=_encode(new).encode(),
        sources=provenance.write(sources),
        keys=owned_keys.write_keys(default_keys),
        own_keys=owned_keys.write_keys(key for key in own_keys if key[0] not in lost_keys),
    )
    replace_object(connection, stored, changed)
    profile = profile_store.at(connection, stored.profile)
    if profile is not None:
        owned_keys.release(connection, profile, owned_keys.read_keys(stored.keys) - default_keys)


def _remove_empty_profiles(connection: Connection, rows: set[int]) -> None:
    """Remove the profiles that have no members but their ids, no objects and no added keys."""
    for row in rows:
        profile = profile_store.at(connection, row)
        if profile is None or json.loads(profile.body).keys() - {"ProfileId"}:
            continue
        if not owned_keys.objects_of(connection, row) and not owned_keys.added_keys(
            connection, row
        ):
            removal.remove_profiles(connection, [profile])

"""Removing the objects of an object type, and the values that they set in other records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import from_json, to_json

from customer_profiles._standard_objects import standard
from customer_profiles.engine.events import feed
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store.rows import first_row

from . import owned_keys, provenance, removal

if TYPE_CHECKING:
    from customer_profiles._standard_objects import StandardObject
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_IDS_A_WINDOW, _MOST_WINDOWS = 200, 20


def start(domain: domain_store.DomainRow, name: str, lost_keys: set[str]) -> Wire:
    """Return the state of a removal that begins.

    Args:
        domain: the domain, whose rows up to now are visited.
        name: the object type.
        lost_keys: the key names that no other object type has.
    """
    first = first_row(domain.id) - 1
    rows = {"first": first, "after": first, "last": domain.last_row}
    return {"name": name, "lost": sorted(lost_keys), **rows, "dirty": False}


def remove_some(
    context: Context,
    connection: Connection,
    removal_state: Wire,
) -> Wire | None:
    """Remove some objects of a deleted type, the values that they set, and profiles left empty.

    Objects and profiles are visited in the order of their rows. As a merge moves values between
    rows meanwhile, they are visited until nothing is found.

    Args:
        context: the engine's parts.
        connection: the open transaction.
        removal_state: how far the removal is, from `start`.

    Returns:
        The state to continue with; None if nothing is left.
    """
    name, last, after = (removal_state[member] for member in ("name", "last", "after"))
    # AG:delete-customer-profile-connection: the values that a mapping set are deleted with it.
    now = context.clock.now()
    mention, lost, count = provenance.mention(name), set(removal_state["lost"]), 0
    for _ in range(_MOST_WINDOWS):
        after = profile_store.next_row(connection, after) - 1
        if after >= last:
            break
        until = min(after + _IDS_A_WINDOW, last)
        objects = object_store.touched_by(connection, name, mention, after, until)
        own = [stored for stored in objects if stored.type == name]
        removal.remove_objects(connection, own, "DELETED_BY_CUSTOMER", now)
        profiles = profile_store.filled_by(connection, mention, after, until)
        for profile in profiles:
            _remove_from_profile(connection, profile, name, now)
        for stored in objects:
            if stored.type != name:
                _remove_from_standard_object(
                    connection, stored, name, lost, standard()[stored.type], now=now
                )
        changed = {profile.id for profile in profiles} | {stored.profile for stored in objects}
        _remove_empty_profiles(connection, changed, now)
        after, count = until, count + len(objects) + len(profiles)
        if count >= _IDS_A_WINDOW:
            break
    is_dirty = removal_state["dirty"] or count > 0
    if after < last:
        return {**removal_state, "after": after, "dirty": is_dirty}
    is_first_step = removal_state["after"] == removal_state["first"]
    if is_first_step or not is_dirty:
        return None
    return {**removal_state, "after": removal_state["first"], "dirty": False}


def replace_object(
    connection: Connection, old: object_store.StoredObject, new: object_store.StoredObject
) -> None:
    """Store a changed object, and index it by its new keys."""
    before, after = owned_keys.object_slots(old), owned_keys.object_slots(new)
    key_store.remove(connection, old.id, before - after)
    key_store.add(connection, [(key, new.id) for key in after - before])
    object_store.put(connection, [new])


def _remove_from_profile(
    connection: Connection, profile: profile_store.Stored, name: str, now: float
) -> None:
    """Remove the values that objects of a type set in a profile."""
    old = from_json(profile.body)
    sources = provenance.read_by_path(profile.sources, old, "ProfileId")
    paths = provenance.of_type(sources, name)
    new = provenance.without(old, paths)
    for path in paths:
        del sources.named[path]
    body = to_json(new)
    # NULL would mean that the profile is unchanged since it was created.
    changed = profile._replace(body=body, sources=provenance.write(sources) or b"[]")
    profile_store.replace(connection, [changed])
    if body != profile.body:
        feed.updated(connection, changed, now)
    owned_keys.replace(connection, changed, old, new)
    size = len(body) - len(profile.body)
    domain_store.count(connection, profile.domain, domain_store.Counts(0, 0, size))


def _remove_from_standard_object(  # noqa: PLR0913 - what is removed, and from what
    connection: Connection,
    stored: object_store.StoredObject,
    name: str,
    lost_keys: set[str],
    standard: StandardObject,
    *,
    now: float,
) -> None:
    """Remove the values that objects of a type set in a standard object, or the whole object."""
    old = from_json(stored.body)
    sources = provenance.read_by_path(stored.sources, old, standard.id_member)
    paths = provenance.of_type(sources, name)
    new = provenance.without(old, paths)
    own_objects = {("", sources.named.pop(path).unique_key) for path in paths}
    if not sources.named:
        removal.remove_objects(connection, [stored], "DELETED_BY_CUSTOMER", now)
        return
    default_keys = owned_keys.default_keys(standard.keys, new)
    own_keys = owned_keys.read_keys(stored.own_keys) - own_objects
    changed = stored._replace(
        body=to_json(new),
        sources=provenance.write(sources),
        keys=owned_keys.write_keys(default_keys),
        own_keys=owned_keys.write_keys(key for key in own_keys if key[0] not in lost_keys),
    )
    replace_object(connection, stored, changed)
    profile = profile_store.at(connection, stored.profile)
    if profile is not None:
        feed.object_updated(connection, changed, profile.profile_id, now)
        owned_keys.release(connection, profile, owned_keys.read_keys(stored.keys) - default_keys)


def _remove_empty_profiles(connection: Connection, rows: set[int], now: float) -> None:
    """Remove the profiles that have no members but their ids, no objects and no added keys."""
    for row in rows:
        profile = profile_store.at(connection, row)
        if profile is None or from_json(profile.body).keys() - {"ProfileId"}:
            continue
        if not owned_keys.objects_of(connection, row) and not owned_keys.added_keys(
            connection, row
        ):
            removal.remove_profiles(connection, [profile], now)

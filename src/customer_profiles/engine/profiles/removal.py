"""What profiles hold, their keys and objects, and how it is taken away without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import history, objects
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import profiles as profile_store

from . import keys
from .keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject

Wire = dict[str, Any]

_ALL = 1 << 30


def objects_of(connection: Connection, profile: int, name: str | None = None) -> list[StoredObject]:
    """Read the objects of a profile, of one type or of all, in the order of their ids."""
    ids = key_store.holders(connection, keys.place_of_objects(profile), 0, _ALL)
    return objects.by_ids(connection, ids, name) if ids else []


def keys_in(written: bytes | None) -> set[Key]:
    """Read keys from JSON."""
    return {(name, normal) for name, normal in from_json(written)} if written else set()


def written(held: Iterable[Key]) -> bytes:
    """Write keys as JSON."""
    return to_json(sorted(held))


def default_keys(indexes: Iterable[tuple[str, str]], body: Wire) -> set[Key]:
    """Give the keys that a standard object's own members hold."""
    found = ((name, body.get(member)) for name, member in indexes)
    return {(name, keys.normalize(name, value)) for name, value in found if isinstance(value, str)}


def added_keys(connection: Connection, profile: int) -> set[Key]:
    """Give the keys that were added to a profile by hand."""
    return {(one.name, one.normal) for one in key_store.added(connection, profile)}


def keys_of(connection: Connection, profile: profile_store.Stored) -> set[Key]:
    """Give all keys of a profile: its fields', the added ones, and its objects'."""
    held = keys.of_fields(from_json(profile.body)) | added_keys(connection, profile.id)
    return held.union(*(keys_in(one.keys) for one in objects_of(connection, profile.id)))


def release(connection: Connection, profile: profile_store.Stored, gone: set[Key]) -> None:
    """Take keys away from a stored profile that nothing of it holds any more."""
    if not gone:
        return
    gone = gone - keys.of_fields(from_json(profile.body)) - added_keys(connection, profile.id)
    place = keys.place_of_objects(profile.id)
    for held in objects.keys_among(connection, place, [to_json(key) for key in gone]):
        gone -= keys_in(held)
    key_store.remove(connection, profile.id, keys.hashes(profile.domain, gone))


def remove_objects(
    connection: Connection, removed: Iterable[StoredObject], action: str, now: float
) -> None:
    """Remove objects with the keys that only they give their profiles, and remember that."""
    by_profile: dict[int, list[StoredObject]] = {}
    for stored in removed:
        _forget_object(connection, stored)
        by_profile.setdefault(stored.profile, []).append(stored)
    for row, gone in by_profile.items():
        profile = profile_store.at(connection, row)
        if profile is not None:
            release(connection, profile, set[Key]().union(*(keys_in(one.keys) for one in gone)))
        counted = [one for one in gone if not one.is_standard]
        if counted:
            size = sum(len(one.body) for one in counted)
            profile_store.count_object(connection, row, -len(counted), -size)
            more = domain_store.Counts(0, -len(counted), -size)
            domain_store.count(connection, counted[0].domain, more)
        for one in counted:
            history.add(connection, (ingested(one), ended(one, action, now)))


def ingested(stored: StoredObject) -> history.Event:
    """Give the record of an object's ingestion, to be kept when the object changes or goes."""
    return history.Event(
        stored.profile, stored.type, "INGESTED", stored.ingested, stored.unique_key, stored.body
    )


def ended(stored: StoredObject, action: str, now: float) -> history.Event:
    """Give the record of an object's end."""
    return history.Event(stored.profile, stored.type, action, now, stored.unique_key, stored.body)


def is_as_made(connection: Connection, profile: profile_store.Stored) -> bool:
    """Say whether a profile's row still is what it was when the profile was made."""
    return profile.sources is None and not history.knows(connection, profile.id, "UPDATED")


def places_of(stored: StoredObject) -> set[int]:
    """Give where the index has an object itself."""
    own = keys_in(stored.own_keys)
    places = {keys.place_of_object(stored.domain, stored.type, key) for key in own}
    places.add(keys.place_of_objects(stored.profile))
    return places


def remove_profiles(connection: Connection, profiles: Iterable[profile_store.Stored]) -> None:
    """Remove profiles with their keys and objects, and count them out."""
    for profile in profiles:
        held = keys.of_fields(from_json(profile.body)) | added_keys(connection, profile.id)
        size = len(profile.body) + profile.object_bytes
        for stored in objects_of(connection, profile.id):
            _forget_object(connection, stored)
            held |= keys_in(stored.keys)
        key_store.remove(connection, profile.id, keys.hashes(profile.domain, held))
        profile_store.delete(connection, profile.id)
        more = domain_store.Counts(-1, -profile.objects, -size)
        domain_store.count(connection, profile.domain, more)


def _forget_object(connection: Connection, stored: StoredObject) -> None:
    key_store.remove(connection, stored.id, places_of(stored))
    objects.delete(connection, stored.id)

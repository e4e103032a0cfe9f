"""The search keys and objects that a profile owns, and their entries in the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import from_json, to_json

from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects
from customer_profiles.engine.store.rows import key_slots, object_slot, owned_objects_slot

from . import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject
    from customer_profiles.engine.store.profiles import Stored

    from .keys import Key

_ALL = 1 << 30
_FEWEST_READ, _MOST_READ = 50, 1_000


def objects_of(connection: Connection, profile: int) -> list[StoredObject]:
    """Read the objects of a profile in the order of their ids."""
    ids = key_store.holders(connection, owned_objects_slot(profile), 0, _ALL)
    return objects.by_ids(connection, ids) if ids else []


def listed_objects(
    connection: Connection, profile: Stored, name: str, after: int, wanted: set[Key] | None
) -> Iterator[StoredObject]:
    """Iterate over the objects that ListProfileObjects lists beyond the id `after`.

    Objects without any of the wanted keys are left out.
    """
    if name == PROFILE:
        if after < profile.id and (wanted is None or provided(connection, profile, wanted)):
            yield _itself(profile)
        return
    slot, size = owned_objects_slot(profile.id), _FEWEST_READ
    # Assumed: ListProfileObjects answers in the order in which objects first came.
    while ids := key_store.holders(connection, slot, after, size):
        yield from objects.by_ids(connection, ids, name, wanted)
        after, size = ids[-1], min(2 * size, _MOST_READ)


def _itself(profile: Stored) -> StoredObject:
    # Assumed: the objects of type _profile are the profile itself.
    return objects.StoredObject(
        id=profile.id,
        domain=profile.domain,
        profile=profile.id,
        type=PROFILE,
        unique_key=keys.unique_key(PROFILE, profile.profile_id.hex()),
        ingested=0,
        changed=0,
        expires=profile.expires,
        keys=b"[]",
        own_keys=b"[]",
        sources=None,
        body=profile.body,
    )


def read_keys(written: bytes | None) -> set[Key]:
    """Read keys from JSON."""
    return {(name, normal) for name, normal in from_json(written)} if written else set()


def write_keys(owned: Iterable[Key]) -> bytes:
    """Write keys as JSON."""
    return to_json(sorted(owned))


def default_keys(indexes: Iterable[tuple[str, str]], body: Wire) -> set[Key]:
    """Return the keys of a standard object, given pairs of a key and the member it indexes."""
    found = ((name, body.get(member)) for name, member in indexes)
    return {(name, keys.normalize(name, value)) for name, value in found if isinstance(value, str)}


def added_keys(connection: Connection, profile: int) -> set[Key]:
    """Return the keys that were added to a profile by hand."""
    return {(key.name, key.normal) for key in key_store.added(connection, profile)}


def without_objects(connection: Connection, profile: Stored) -> set[Key]:
    """Return the keys of a profile's fields, and those that were added by hand."""
    return keys.of_fields(from_json(profile.body)) | added_keys(connection, profile.id)


def keys_of(connection: Connection, profile: Stored) -> set[Key]:
    """Return all keys of a profile: those of its fields and objects, and the added ones."""
    provided = (read_keys(stored.keys) for stored in objects_of(connection, profile.id))
    return without_objects(connection, profile).union(*provided)


def enter(connection: Connection, profile: Stored, new: Iterable[Key]) -> None:
    """Add keys of a profile to the index."""
    slots = key_slots(profile.domain, new)
    key_store.add(connection, [(slot, profile.id) for slot in slots])


def add(connection: Connection, profile: Stored, new: dict[Key, str]) -> None:
    """Add keys to a profile by hand; each comes with its value before normalization."""
    added = [key_store.AddedKey(name, normal, value) for (name, normal), value in new.items()]
    key_store.put_added(connection, profile.id, added)
    enter(connection, profile, new)


def provided(connection: Connection, profile: Stored, wanted: set[Key]) -> set[Key]:
    """Return those of the wanted keys that a profile has, without reading all that it has."""
    found = wanted & keys.of_fields(from_json(profile.body))
    found |= key_store.added_among(connection, profile.id, wanted - found)
    return found | objects.keys_among(connection, profile.id, wanted - found)


def release(connection: Connection, profile: Stored, released: set[Key]) -> None:
    """Remove keys from a profile that none of its fields or objects provide any more."""
    if released:
        unused = released - provided(connection, profile, released)
        key_store.remove(connection, profile.id, key_slots(profile.domain, unused))


def replace(connection: Connection, profile: Stored, old: Wire, new: Wire) -> None:
    """Update the index after the fields of a stored profile have changed."""
    before, after = keys.of_fields(old), keys.of_fields(new)
    release(connection, profile, before - after)
    enter(connection, profile, after - before)


def object_slots(stored: StoredObject) -> set[int]:
    """Return the slots of the index that hold an object."""
    own = read_keys(stored.own_keys)
    slots = {object_slot(stored.domain, stored.type, key) for key in own}
    slots.add(owned_objects_slot(stored.profile))
    return slots

"""The rows that a batch of objects touches: looked up together and written together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject
    from customer_profiles.engine.store.profiles import Stored

_ALL = 1 << 30
_UNKNOWN = -1


class Batch:
    """The reads and writes of several objects, within one transaction.

    Most objects are new, or find their profile by a key that no other profile has. For these, one
    query reads the index for the whole batch, and rows are written at the end. Rare cases flush
    pending writes first, then query the database.
    """

    def __init__(self, connection: Connection, now: float, slots: Collection[int]) -> None:
        """Look up slots of the key index."""
        self.connection = connection
        self._now = now
        self._found = key_store.single_holders(connection, slots)
        self._entered: dict[int, list[int]] = {}
        self._profiles: dict[int, Stored] = {}
        self._objects: dict[int, StoredObject] = {}
        self._new_profiles: set[int] = set()
        self._entries: list[tuple[int, int]] = []

    def profiles(self, slot: int) -> list[Stored]:
        """Return the profiles that have a key and have not expired, two at the most."""
        rows = self._rows(slot)
        if rows is None:
            self.flush()
            return profile_store.holding(self.connection, slot, self._now, 2)
        found = [self._profiles.get(row) or profile_store.at(self.connection, row) for row in rows]
        return [stored for stored in found if stored is not None and stored.expires > self._now]

    def objects(self, slot: int, name: str) -> list[StoredObject]:
        """Return the objects of a type in a slot of the index."""
        rows = self._rows(slot)
        if rows is None:
            self.flush()
            rows = set(key_store.holders(self.connection, slot, 0, _ALL))
        found = [self._objects.get(row) or object_store.find(self.connection, row) for row in rows]
        return [stored for stored in found if stored is not None and stored.type == name]

    def insert_profile(self, profile: Stored) -> None:
        """Write a new profile."""
        self._new_profiles.add(profile.id)
        self._profiles[profile.id] = profile

    def replace_profile(self, profile: Stored) -> None:
        """Write a changed profile."""
        self._profiles[profile.id] = profile

    def put_object(self, stored: StoredObject) -> None:
        """Write an object."""
        self._objects[stored.id] = stored

    def enter(self, holder: int, slots: Iterable[int]) -> None:
        """Add the row of a profile or an object to slots of the index."""
        entries, entered = self._entries, self._entered
        for slot in slots:
            entries.append((slot, holder))
            if slot in entered:
                entered[slot].append(holder)
            else:
                entered[slot] = [holder]

    def flush(self) -> None:
        """Write what is pending; from now on, every lookup queries the database."""
        changed = self._profiles
        new = self._new_profiles
        profile_store.insert(self.connection, [changed[row] for row in new])
        profile_store.replace(
            self.connection, [profile for row, profile in changed.items() if row not in new]
        )
        object_store.put(self.connection, self._objects.values())
        key_store.add(self.connection, self._entries)
        for cache in (self._found, self._entered, self._profiles, self._objects):
            cache.clear()
        self._new_profiles.clear()
        self._entries.clear()

    def _rows(self, slot: int) -> set[int] | None:
        """Return the rows in a slot; None unless the database is known to have one at the most."""
        row = self._found.get(slot, _UNKNOWN)
        if row == _UNKNOWN:
            return None
        entered = self._entered.get(slot, ())
        return {row, *entered} if row else set(entered)

"""The rows that a batch of objects touches: looked up together, written together."""

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


class Batch:
    """What is read and written on behalf of several objects, within one transaction.

    Most objects are new, or find their profile by a key that no other profile has. For these the
    index is asked once for all, and rows are written at the end. Whatever is rarer asks the
    database itself, after `settle` has brought that up to date.
    """

    def __init__(self, connection: Connection, now: float, places: Collection[int]) -> None:
        """Look places of the index up."""
        self.connection = connection
        self._now = now
        self._found = key_store.single_holders(connection, places)
        self._entered: dict[int, list[int]] = {}
        self._profiles: dict[int, Stored] = {}
        self._objects: dict[int, StoredObject] = {}
        self._new_profiles: set[int] = set()
        self._entries: list[tuple[int, int]] = []

    def profiles(self, place: int) -> list[Stored]:
        """Give the profiles that hold a key and have not expired, two at the most."""
        rows = self._rows(place)
        if rows is None:
            self.settle()
            return profile_store.holding(self.connection, place, self._now, 2)
        found = [self._profiles.get(row) or self._read(row) for row in rows]
        return [one for one in found if one is not None and one.expires > self._now]

    def objects(self, place: int, name: str) -> list[StoredObject]:
        """Give the objects of a type that the index has at a place."""
        rows = self._rows(place)
        if rows is None:
            self.settle()
            rows = set(key_store.holders(self.connection, place, 0, _ALL))
        found = [self._objects.get(row) or object_store.find(self.connection, row) for row in rows]
        return [one for one in found if one is not None and one.type == name]

    def insert_profile(self, profile: Stored) -> None:
        """Write a new profile."""
        self._new_profiles.add(profile.id)
        self._profiles[profile.id] = profile

    def replace_profile(self, profile: Stored) -> None:
        """Write a profile anew."""
        self._profiles[profile.id] = profile

    def put_object(self, stored: StoredObject) -> None:
        """Write an object."""
        self._objects[stored.id] = stored

    def enter(self, holder: int, places: Iterable[int]) -> None:
        """Enter a profile or an object at places of the index."""
        entries, entered = self._entries, self._entered
        for place in places:
            entries.append((place, holder))
            if place in entered:
                entered[place].append(holder)
            else:
                entered[place] = [holder]

    def settle(self) -> None:
        """Bring the database up to date, and ask it from now on."""
        changed = self._profiles
        new = self._new_profiles
        profile_store.insert(self.connection, [changed[row] for row in new])
        profile_store.replace(
            self.connection, [one for row, one in changed.items() if row not in new]
        )
        object_store.put(self.connection, self._objects.values())
        key_store.add(self.connection, self._entries)
        for kept in (self._found, self._entered, self._profiles, self._objects):
            kept.clear()
        self._new_profiles.clear()
        self._entries.clear()

    def _rows(self, place: int) -> set[int] | None:
        """Give the holders of a place if these are known to be one at the most in the database."""
        found = self._found.get(place, _UNKNOWN)
        if found == _UNKNOWN:
            return None
        entered = self._entered.get(place, ())
        return {found, *entered} if found else set(entered)

    def _read(self, row: int) -> Stored | None:
        return profile_store.at(self.connection, row)


_UNKNOWN = -1

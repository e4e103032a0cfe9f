"""The rows that a batch of objects touches: looked up together and written together."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from customer_profiles.engine.store import changes as change_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from customer_profiles.engine.store.changes import Change
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject
    from customer_profiles.engine.store.profiles import Stored

_ALL = 1 << 30
_UNKNOWN = -1


class Batch:
    """The reads and writes of several records, within one transaction.

    Most records are new, or find their profile by a key that no other profile has. For these, one
    query reads the index for the whole batch, and rows are written at the end. Slots with several
    holders are read from the database when they are needed. A caller that removes entries of the
    index, or changes rows without the batch, flushes before that, and calls `forget` after it.
    """

    def __init__(
        self, connection: Connection, now: float, slots: Collection[int], feed: int
    ) -> None:
        """Look up slots of the key index.

        Args:
            connection: the open transaction.
            now: the time by which profiles have expired.
            slots: the slots.
            feed: who reads the changes of the domain, as bits.
        """
        self.connection = connection
        self._now, self._feed = now, feed
        self._changes: list[Change] = []
        self._found: dict[int, int] = {}
        self._entered = defaultdict[int, list[int]](list)
        self._profiles: dict[int, Stored] = {}
        self._objects: dict[int, StoredObject] = {}
        self._new_profiles: dict[int, bytes] = {}
        self._changed_profiles: set[int] = set()
        self._changed_objects: set[int] = set()
        self._entries: list[tuple[int, int]] = []
        self.look_up(slots)

    def look_up(self, slots: Collection[int]) -> None:
        """Read the holders of slots that are needed next."""
        found = key_store.single_holders(self.connection, slots)
        self._found.update(found)
        rows = {row for row in found.values() if row} - self._profiles.keys() - self._objects.keys()
        if rows:
            self._profiles.update(profile_store.at_rows(self.connection, rows))
            self._objects.update(object_store.at_rows(self.connection, rows))

    def profiles(self, slot: int, limit: int = 2) -> list[Stored]:
        """Return the first `limit` profiles that have a key and have not expired."""
        row = self._found.get(slot, _UNKNOWN)
        entered = self._entered.get(slot, ())
        if row == _UNKNOWN:
            stored = profile_store.holding(self.connection, slot, self._now, limit)
            rows = sorted({*entered, *(profile.id for profile in stored)})
        elif entered:
            rows = sorted({row, *entered} - {0})
        elif row:
            rows = [row]
        else:
            return []
        found = [self.profile(row) for row in rows]
        return [stored for stored in found if stored and stored.expires > self._now][:limit]

    def profile(self, row: int) -> Stored | None:
        """Return the profile of a row, expired or not."""
        return self._profiles.get(row) or profile_store.at(self.connection, row)

    def profile_by_id(self, domain: int, profile_id: bytes) -> Stored | None:
        """Return a profile that has not expired by its id."""
        stored = profile_store.find(self.connection, domain, profile_id, self._now)
        if stored is not None:
            return self._profiles.get(stored.id, stored)
        new = self._new_profiles
        return next((self._profiles[row] for row in new if new[row] == profile_id), None)

    def objects(self, slot: int, name: str) -> list[StoredObject]:
        """Return the objects of a type in a slot of the index."""
        row = self._found.get(slot, _UNKNOWN)
        entered = self._entered.get(slot, ())
        if not entered and not row:
            return []
        if row == _UNKNOWN:
            rows = sorted({*entered, *key_store.holders(self.connection, slot, 0, _ALL)})
        else:
            rows = sorted({row, *entered} - {0})
        found = [self._objects.get(row) or object_store.find(self.connection, row) for row in rows]
        return [stored for stored in found if stored is not None and stored.type == name]

    def insert_profile(self, profile: Stored) -> None:
        """Write a new profile."""
        self._new_profiles[profile.id] = profile.profile_id
        self._profiles[profile.id] = profile

    def replace_profile(self, profile: Stored) -> None:
        """Write a changed profile."""
        if profile.id not in self._new_profiles:
            self._changed_profiles.add(profile.id)
        self._profiles[profile.id] = profile

    def put_object(self, stored: StoredObject) -> None:
        """Write an object."""
        self._changed_objects.add(stored.id)
        self._objects[stored.id] = stored

    def record(self, change: Change) -> None:
        """Add a change to the feed, after those that were added before."""
        self._changes.append(change)

    def enter(self, holder: int, slots: Iterable[int]) -> None:
        """Add the row of a profile or an object to slots of the index."""
        entries, entered = self._entries, self._entered
        for slot in slots:
            entries.append((slot, holder))
            entered[slot].append(holder)

    def write(self) -> None:
        """Write what is pending, at the end of the batch."""
        profiles, objects = self._profiles, self._objects
        profile_store.insert(self.connection, [profiles[row] for row in self._new_profiles])
        profile_store.replace(self.connection, [profiles[row] for row in self._changed_profiles])
        object_store.put(self.connection, [objects[row] for row in self._changed_objects])
        # In the order of the table, many rows are inserted faster.
        self._entries.sort()
        key_store.add(self.connection, self._entries)
        if self._changes:
            change_store.add(self.connection, self._feed, self._changes)

    def flush(self) -> None:
        """Write what is pending, in the midst of the batch."""
        self.write()
        for slot, entered in self._entered.items():
            rows = {self._found.get(slot, _UNKNOWN), *entered} - {0}
            if len(rows) == 1:
                (self._found[slot],) = rows
            else:
                self._found.pop(slot, None)
        self._new_profiles.clear()
        self._changed_profiles.clear()
        self._changed_objects.clear()
        self._entered.clear()
        self._entries.clear()
        self._changes.clear()

    def forget(self, slots: Iterable[int], rows: Iterable[int] = ()) -> None:
        """Read slots from which entries were removed, and changed rows, from the database."""
        for slot in slots:
            self._found.pop(slot, None)
        for row in rows:
            self._profiles.pop(row, None)
            self._objects.pop(row, None)

    def forget_all(self) -> None:
        """Read everything from the database from now on."""
        self._found.clear()
        self._profiles.clear()
        self._objects.clear()

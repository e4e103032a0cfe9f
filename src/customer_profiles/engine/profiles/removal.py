"""Removing profiles and objects, together with their keys and counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine.events import feed
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import history as history_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store.rows import key_slots

from . import history
from .keys import Key
from .owned_keys import object_slots, objects_of, read_keys, release, without_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject


def remove_objects(
    connection: Connection, removed: Iterable[StoredObject], action: str, now: float
) -> None:
    """Remove objects and the keys that only they provide, and add this to the history."""
    by_profile: dict[int, list[StoredObject]] = {}
    for stored in removed:
        _remove_object(connection, stored)
        by_profile.setdefault(stored.profile, []).append(stored)
    for row, objects in by_profile.items():
        profile = profile_store.at(connection, row)
        if profile is not None:
            feed.objects_removed(connection, objects, profile.profile_id, now)
            provided = set[Key]().union(*(read_keys(stored.keys) for stored in objects))
            release(connection, profile, provided)
        counted = [stored for stored in objects if not stored.is_standard]
        if counted:
            size = sum(len(stored.body) for stored in counted)
            profile_store.count_object(connection, row, -len(counted), -size)
            change = domain_store.Counts(0, -len(counted), -size)
            domain_store.count(connection, counted[0].domain, change)
        for stored in counted:
            events = (history.ingested(stored), history.ended(stored, action, now))
            history_store.add(connection, events)


def remove_profiles(
    connection: Connection, profiles: Sequence[profile_store.Stored], now: float
) -> None:
    """Remove profiles with their keys and objects."""
    feed.removed(connection, profiles, now)
    for profile in profiles:
        owned = without_objects(connection, profile)
        size = len(profile.body) + profile.object_bytes
        for stored in objects_of(connection, profile.id):
            _remove_object(connection, stored)
            owned |= read_keys(stored.keys)
        key_store.remove(connection, profile.id, key_slots(profile.domain, owned))
        profile_store.delete(connection, profile.id)
        change = domain_store.Counts(-1, -profile.objects, -size)
        domain_store.count(connection, profile.domain, change)


def _remove_object(connection: Connection, stored: StoredObject) -> None:
    key_store.remove(connection, stored.id, object_slots(stored))
    object_store.delete(connection, stored.id)

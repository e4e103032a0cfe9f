"""Removing the profiles whose time is over."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from customer_profiles.engine import keys
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import profiles as store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.engine.context import Context
    from customer_profiles.engine.store.database import Connection

_A_FEW, _MANY = 20, 1_000
SECONDS_A_DAY = 86_400


def purge_some(context: Context, connection: Connection) -> None:
    """Remove a few expired profiles, so that a write stays short."""
    remove(connection, store.expired(connection, context.clock.now(), _A_FEW))


def purge_all(context: Context) -> None:
    """Remove all expired profiles, many at a time, so that other writers get their turn."""
    now = context.clock.now()
    with context.database.read() as connection:
        waiting = store.expired(connection, now, 1)
    while waiting:
        with context.database.write() as connection:
            waiting = store.expired(connection, now, _MANY)
            remove(connection, waiting)


def remove(connection: Connection, profiles: Iterable[store.Stored]) -> None:
    """Remove profiles with their keys, and count them out."""
    gone, size = Counter[int](), Counter[int]()
    for profile in profiles:
        key_store.remove(connection, profile.id, all_hashes(connection, profile))
        store.delete(connection, [profile.id])
        gone[profile.domain] += 1
        size[profile.domain] += len(profile.body)
    for domain, count in gone.items():
        domain_store.count_profiles(connection, domain, -count, -size[domain])


def all_hashes(connection: Connection, profile: store.Stored) -> set[int]:
    """Give the places of all keys of a profile, its fields' and the added ones."""
    held = keys.of_fields(json.loads(profile.body))
    held |= added_keys(connection, profile.id)
    return keys.hashes(profile.domain, held)


def added_keys(connection: Connection, profile: int) -> set[keys.Key]:
    """Give the keys that were added to a profile by hand."""
    return {(one.name, one.normal) for one in key_store.added(connection, profile)}

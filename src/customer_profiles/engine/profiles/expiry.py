"""Removing the profiles and objects whose time is over."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

from . import removal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_A_FEW, _MANY = 20, 1_000


def purge_some(context: Context, connection: Connection, limit: int = _A_FEW) -> int:
    """Remove a few expired profiles and objects, so that a write stays short; say how many."""
    now = context.clock.now()
    profiles = profile_store.expired(connection, now, limit)
    removal.remove_profiles(connection, profiles)
    objects = object_store.expired(connection, now, limit)
    removal.remove_objects(connection, objects, "EXPIRED", now)
    return len(profiles) + len(objects)


@contextmanager
def reading(context: Context) -> Iterator[Connection]:
    """Open a read in which no expired object lends its profile a key."""
    with context.database.read() as connection:
        is_fresh = not object_store.expired(connection, context.clock.now(), 1)
        if is_fresh:
            yield connection
    if not is_fresh:
        purge_all(context)
        with context.database.read() as connection:
            yield connection


@contextmanager
def writing(context: Context) -> Iterator[Connection]:
    """Open a write in which nothing expired is left."""
    with context.database.write() as connection:
        is_fresh = purge_some(context, connection) < _A_FEW
        if is_fresh:
            yield connection
    if not is_fresh:
        purge_all(context)
        with context.database.write() as connection:
            yield connection


def purge_all(context: Context) -> None:
    """Remove all that has expired, many at a time, so that other writers get their turn."""
    now = context.clock.now()
    with context.database.read() as connection:
        waiting = len(profile_store.expired(connection, now, 1))
        waiting += len(object_store.expired(connection, now, 1))
    while waiting:
        with context.database.write() as connection:
            waiting = purge_some(context, connection, _MANY)

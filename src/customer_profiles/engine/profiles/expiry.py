"""When profiles and objects expire, and the removal of expired ones."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store.database import turns

from . import removal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_A_FEW, _MANY = 20, 250
_SECONDS_PER_DAY = 86_400


def expires_after(now: float, days: int) -> int:
    """Return the time in epoch seconds at which something of today expires."""
    # AG:customer-profiles-data-expiration has the rule.
    # Assumed: a later change of DefaultExpirationDays does not move the expiry of stored profiles.
    return int(now) + days * _SECONDS_PER_DAY


def purge_some(context: Context, connection: Connection, limit: int = _A_FEW) -> int:
    """Remove up to `limit` expired profiles and as many objects; return how many were removed."""
    now = context.clock.now()
    if not profile_store.any_expired(connection, now):
        return 0
    profiles = profile_store.expired(connection, now, limit)
    removal.remove_profiles(connection, profiles, now)
    objects = object_store.expired(connection, now, limit)
    removal.remove_objects(connection, objects, "EXPIRED", now)
    return len(profiles) + len(objects)


@contextmanager
def reading(context: Context) -> Iterator[Connection]:
    """Open a read transaction in which no expired object provides a key to its profile."""
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
    """Open a write transaction in which nothing expired is left."""
    with context.database.write() as connection:
        is_fresh = purge_some(context, connection) < _A_FEW
        if is_fresh:
            yield connection
    if not is_fresh:
        purge_all(context)
        with context.database.write() as connection:
            yield connection


def purge_all(context: Context) -> None:
    """Remove everything expired, in several transactions, so that other writers can interleave."""
    now = context.clock.now()
    with context.database.read() as connection:
        is_waiting = profile_store.any_expired(connection, now)
    if is_waiting:
        for _ in turns():
            with context.database.write() as connection:
                if not purge_some(context, connection, _MANY):
                    return

"""The change feed of a domain: what writers record, and how readers follow it.

A record is stored in the transaction of its change. The records of one change are in this order:
the profile, the object that changed it, the standard objects that the object fills. What did not
change has no record. A removed profile has one record, which stands for its objects too. A merge
has a record for each merged profile, whose objects the main profile has from then on, and then one
for the main profile.
"""

from __future__ import annotations

import hashlib
import math
import time
from typing import TYPE_CHECKING

from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.store import changes as store
from customer_profiles.engine.store import consumers
from customer_profiles.engine.store.changes import (
    CREATED,
    DELETED,
    KEPT,
    MERGED,
    STREAMED,
    UPDATED,
    Change,
)
from customer_profiles.engine.store.database import turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject
    from customer_profiles.engine.store.profiles import Stored

STREAM = "event stream"
"""The name of the consumer that delivers a domain's changes to its event stream."""
_FOLLOWER = "follower "
_ROWS_A_TRIM = 5_000
_SECONDS_BETWEEN_TRIMS = 60.0
_POLL_SECONDS = 0.5
_DAY = 86_400.0


def profile_written(stored: Stored, now: float, *, created: bool = False) -> Change:
    """Return the change of a profile that was created or updated."""
    event = CREATED if created else UPDATED
    return Change(
        stored.domain, stored.id, stored.profile_id, event, PROFILE, None, now, stored.body
    )


def object_written(
    stored: StoredObject, profile_id: bytes, now: float, *, created: bool
) -> Change:  # fmt: skip
    """Return the change of an object that was put, or of a standard object that was filled."""
    event = CREATED if created else UPDATED
    # fmt: off
    return Change(
        stored.domain, stored.profile, profile_id, event, stored.type, stored.unique_key, now,
        stored.body,
    )
    # fmt: on


def removed(connection: Connection, profiles: Iterable[Stored], now: float) -> None:
    """Record that profiles were removed, with all their objects."""
    for stored in profiles:
        if feed := store.readers(connection, stored.domain):
            change = Change(
                stored.domain, stored.id, stored.profile_id, DELETED, PROFILE, None, now, None
            )
            store.add(connection, feed, [change])


def objects_removed(
    connection: Connection, objects: Sequence[StoredObject], profile_id: bytes, now: float
) -> None:
    """Record that objects of one profile were removed."""
    domain = objects[0].domain
    if feed := store.readers(connection, domain):
        found = [
            Change(
                *(domain, stored.profile, profile_id, DELETED, stored.type),
                *(stored.unique_key, now, None),
            )
            for stored in objects
        ]
        store.add(connection, feed, found)


def merged(connection: Connection, main: Stored, others: Iterable[Stored], now: float) -> None:
    """Record that profiles were merged into a main profile, whose new values are given."""
    if feed := store.readers(connection, main.domain):
        found = [
            Change(
                *(stored.domain, stored.id, stored.profile_id, MERGED, PROFILE, None, now),
                b'{"MainProfileId":"%b"}' % main.profile_id.hex().encode(),
                main.id,
            )
            for stored in others
        ]
        # Assumed: a merge is an UPDATED event of the main profile; the merged ones have none.
        store.add(connection, feed, [*found, profile_written(main, now)])


def updated(connection: Connection, stored: Stored, now: float) -> None:
    """Record that a profile was updated."""
    if feed := store.readers(connection, stored.domain):
        store.add(connection, feed, [profile_written(stored, now)])


def object_updated(
    connection: Connection, stored: StoredObject, profile_id: bytes, now: float
) -> None:
    """Record that an object was updated."""
    if feed := store.readers(connection, stored.domain):
        store.add(connection, feed, [object_written(stored, profile_id, now, created=False)])


def enable(connection: Connection, domain: int, keep_days: float) -> None:
    """Keep a domain's changes for readers from now on, each for so many days."""
    store.set_reader(connection, domain, KEPT, is_on=True)
    store.keep(connection, domain, keep_days * _DAY)


def disable(connection: Connection, domain: int) -> None:
    """Keep no changes for readers any more, and forget the positions of followers."""
    store.set_reader(connection, domain, KEPT, is_on=False)
    store.keep(connection, domain, None)
    for consumer in consumers.of_domain(connection, domain):
        if consumer.name.startswith(_FOLLOWER):
            consumers.delete(connection, domain, consumer.name)


def wait(context: Context, domain: int, after: int, seconds: float) -> None:
    """Wait until the domain has a change beyond a position, or the time is over."""
    end = time.monotonic() + seconds
    while not context.closing.is_set():
        count = context.feed.count
        with context.database.read() as connection:
            if store.last_of(connection, domain) > after:
                return
        left = end - time.monotonic()
        if left <= 0:
            return
        with context.feed.changed:
            if context.feed.count == count:
                # Other processes cannot notify this one.
                context.feed.changed.wait(min(left, _POLL_SECONDS))


def position_of(connection: Connection, domain: int, name: str) -> int | None:
    """Return the position that a follower stored; None if it stored none."""
    consumer = consumers.find(connection, domain, _FOLLOWER + name)
    return consumer and consumer.position


def move(
    connection: Connection, domain: int, name: str, old: int | None, new: int
) -> bool:  # fmt: skip
    """Move the position of a follower, unless another process moved it meanwhile."""
    consumer = consumers.find(connection, domain, _FOLLOWER + name)
    if (consumer and consumer.position) != old:
        return False
    moved = consumer or consumers.Consumer(domain, _FOLLOWER + name)
    return consumers.replace(connection, consumer, moved._replace(position=new))


def notify(context: Context) -> None:
    """Wake the threads that wait for changes."""
    with context.feed.changed:
        context.feed.count += 1
        context.feed.changed_at = time.monotonic()
        context.feed.changed.notify_all()


def trim_all(context: Context) -> None:
    """Remove the changes that nobody will read, in steps."""
    now = context.clock.now()
    context.feed.trim_at = now + _SECONDS_BETWEEN_TRIMS
    with context.database.read() as connection:
        domains = [
            kept.domain
            for kept in store.feeds(connection)
            if store.readers(connection, kept.domain) == 0
            or store.has_unread(connection, _unread(connection, kept.domain, now))
        ]
    for domain in domains:
        for _ in turns():
            with context.database.write() as connection:
                removed = store.trim(connection, _unread(connection, domain, now), _ROWS_A_TRIM)
                if removed < _ROWS_A_TRIM and store.readers(connection, domain) == 0:
                    store.forget(connection, domain)
            if removed < _ROWS_A_TRIM:
                break


def _unread(connection: Connection, domain: int, now: float) -> store.Unread:
    """Describe the changes of a domain that no reader needs."""
    kept = store.feed(connection, domain)
    streamed = store.readers(connection, domain) & STREAMED
    consumer = consumers.find(connection, domain, STREAM) if streamed else None
    until = consumer.position if consumer else store.last(connection)
    before = math.inf if kept is None or kept.keep is None else now - kept.keep
    return store.Unread(domain, until, before, STREAM)


def is_trim_due(context: Context) -> bool:
    """Return whether old changes were not removed for a while."""
    return context.clock.now() >= context.feed.trim_at


class EventIds:
    """The ids of changes, which are the same whenever a change is sent."""

    # Assumed: the EventId of a change is a UUID that ends with its position in the feed.
    def __init__(self, secret: bytes) -> None:
        digits = hashlib.blake2b(b"change feed", key=secret, digest_size=20).hexdigest()
        self._event, self._partition = _uuid(digits[:20]), _uuid(digits[20:])

    def of(self, position: int) -> tuple[str, str]:
        """Return the EventId and the partition key of a change."""
        end = f"{position:012x}"
        return self._event + end, self._partition + end


def _uuid(digits: str) -> str:
    """Return a UUID with the bits of version 4, but for its last twelve digits."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-"

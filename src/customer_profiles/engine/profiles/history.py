"""The history of a profile: stored events, and events that follow from its current rows.

An event is stored once it no longer follows from the rows: the ingestion of an object, for example,
when that object changes or is removed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.service.clock import made_at
from customer_profiles.engine.store import history as store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store.history import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject
    from customer_profiles.engine.store.profiles import Stored


class Record(NamedTuple):
    """A history record of an event."""

    identity: tuple[object, ...]
    """What tells it apart from the other records of its profile."""
    event: Event

    @property
    def id(self) -> str:
        """The id of the record."""
        return hashlib.blake2b(repr(self.identity).encode(), digest_size=16).hexdigest()


def add(
    context: Context, connection: Connection, before: Stored, action: str, content: bytes
) -> None:
    """Store an event of a profile; before the first update, store its creation too."""
    events = []
    if action == "UPDATED" and is_unchanged(connection, before):
        events = [created(before, before.body)]
    event = Event(before.id, PROFILE, action, context.clock.now(), None, content)
    store.add(connection, [*events, event])


def created(profile: Stored, body: bytes | None) -> Event:
    """Return the event of a profile's creation."""
    made = made_at(profile.profile_id)
    return Event(profile.id, PROFILE, "CREATED", made, None, body)


def ingested(stored: StoredObject) -> Event:
    """Return the event of an object's ingestion."""
    return Event(
        stored.profile, stored.type, "INGESTED", stored.ingested, stored.unique_key, stored.body
    )


def ended(stored: StoredObject, action: str, now: float) -> Event:
    """Return the event of an object's removal."""
    return Event(stored.profile, stored.type, action, now, stored.unique_key, stored.body)


def is_unchanged(connection: Connection, profile: Stored) -> bool:
    """Return whether the profile's row is unchanged since it was created."""
    return profile.sources is None and not store.latest(connection, profile.id, "UPDATED")


def records(connection: Connection, profile: Stored, *, with_content: bool) -> list[Record]:
    """Return the history records of a profile, the oldest first."""
    seen = Counter[tuple[object, ...]]()
    found = []
    for event in _events(connection, profile, with_content=with_content):
        subject = (event.profile, event.type, event.action)
        # An object that is put again changes the time of its ingestion, but not the record's id.
        times = () if event.action == "INGESTED" else (event.created,)
        identity = (*subject, *times, event.unique_key)
        seen[identity] += 1
        found.append(Record((identity, seen[identity]), event))
    # Assumed: ListProfileHistoryRecords answers with the oldest record first.
    return sorted(
        found, key=lambda record: (record.event.action != "CREATED", record.event.created)
    )


def _events(connection: Connection, profile: Stored, *, with_content: bool) -> list[Event]:
    events = store.of(connection, profile.id, with_content=with_content)
    if not any(event.action == "CREATED" for event in events):
        body = profile.body if is_unchanged(connection, profile) else None
        events.insert(0, created(profile, body))
    events += [
        Event(profile.id, name, "INGESTED", time, unique_key, body)
        for name, time, unique_key, body in object_store.ingestions(
            connection, profile.id, with_body=with_content
        )
    ]
    return _with_contents(events) if with_content else events


def _with_contents(events: Iterable[Event]) -> list[Event]:
    """Fill in the contents of repeated ingestions, which are stored only with the last one."""
    later: dict[str | None, bytes | None] = {}
    filled = []
    for event in reversed([*events]):
        content = event.content
        if event.action == "INGESTED":
            content = later[event.unique_key] = content or later.get(event.unique_key)
        filled.append(event._replace(content=content))
    return filled[::-1]

"""What happened to profiles, where it is no longer plain from what is stored now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class Event(NamedTuple):
    """Something that happened to a profile."""

    profile: int
    """The profile's row."""
    type: str
    action: str
    created: float
    unique_key: str | None
    content: bytes | None


def add(connection: Connection, events: Iterable[Event]) -> None:
    """Remember events."""
    connection.executemany(
        "INSERT INTO history (profile, type, action, created, unique_key, content) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        events,
    )


def of(connection: Connection, profile: int) -> list[Event]:
    """Read what is remembered of a profile, the oldest first."""
    rows = connection.execute(
        "SELECT profile, type, action, created, unique_key, content FROM history "
        "WHERE profile = ? ORDER BY id",
        (profile,),
    )
    return [Event(*row) for row in rows.fetchall()]


def knows(connection: Connection, profile: int, action: str) -> bool:
    """Say whether an action on a profile is remembered."""
    row = connection.execute(
        "SELECT 1 FROM history WHERE profile = ? AND action = ? LIMIT 1", (profile, action)
    )
    return row.fetchone() is not None

"""The history of profiles: past events that the stored rows no longer show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .rows import row_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class Event(NamedTuple):
    """An event of a profile."""

    profile: int
    """The profile's row."""
    type: str
    action: str
    created: float
    unique_key: str | None
    content: bytes | None


def add(connection: Connection, events: Iterable[Event]) -> None:
    """Store events."""
    connection.executemany(
        "INSERT INTO history (profile, type, action, created, unique_key, content) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        events,
    )


def of(connection: Connection, profile: int, *, with_content: bool) -> list[Event]:
    """Read the stored events of a profile, the oldest first."""
    content = "content" if with_content else "NULL"
    rows = connection.execute(
        f"SELECT profile, type, action, created, unique_key, {content} "  # noqa: S608 - a constant
        "FROM history WHERE profile = ? ORDER BY id",
        (profile,),
    )
    return [Event(*row) for row in rows.fetchall()]


def merged_into(connection: Connection, domain: int, quoted_id: bytes) -> int | None:
    """Return the row of the profile whose latest merges name a profile, by its id as JSON."""
    row = connection.execute(
        "SELECT profile FROM history WHERE profile BETWEEN ? AND ? AND action = 'MERGED' "
        "AND instr(content, ?) ORDER BY id DESC LIMIT 1",
        (*row_range(domain), quoted_id),
    ).fetchone()
    return row and int(row[0])


def latest(connection: Connection, profile: int, action: str) -> Event | None:
    """Read the latest stored event of a profile with this action."""
    row = connection.execute(
        "SELECT profile, type, action, created, unique_key, content FROM history "
        "WHERE profile = ? AND action = ? ORDER BY id DESC LIMIT 1",
        (profile, action),
    ).fetchone()
    return row and Event(*row)

"""Profiles, as the JSON that answers with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection


class Stored(NamedTuple):
    """A profile's row."""

    id: int
    domain: int
    body: bytes


def insert(connection: Connection, profile: Stored, profile_id: bytes, expires: int) -> None:
    """Store a new profile."""
    connection.execute(
        "INSERT INTO profiles (id, domain, profile_id, expires, body) VALUES (?, ?, ?, ?, ?)",
        (profile.id, profile.domain, profile_id, expires, profile.body),
    )


def replace(connection: Connection, profile: int, body: bytes, expires: int) -> None:
    """Store a profile anew."""
    connection.execute(
        "UPDATE profiles SET body = ?, expires = ? WHERE id = ?", (body, expires, profile)
    )


def find(connection: Connection, domain: int, profile_id: bytes, now: float) -> Stored | None:
    """Read a profile that has not expired."""
    row = connection.execute(
        "SELECT id, domain, body FROM profiles WHERE profile_id = ? AND domain = ? AND expires > ?",
        (profile_id, domain, now),
    ).fetchone()
    return row and Stored(*row)


def row_of(connection: Connection, domain: int, profile_id: bytes) -> int | None:
    """Give the id of a profile's row."""
    row = connection.execute(
        "SELECT id FROM profiles WHERE profile_id = ? AND domain = ?", (profile_id, domain)
    ).fetchone()
    return row and int(row[0])


def bodies(connection: Connection, profiles: Sequence[int], now: float) -> dict[int, bytes]:
    """Read profiles that have not expired, by their rows' ids."""
    rows = connection.execute(
        "SELECT id, body FROM profiles "
        "WHERE id IN (SELECT value FROM json_each(?)) AND expires > ?",
        (json.dumps(profiles), now),
    )
    return dict(rows.fetchall())


def delete(connection: Connection, profiles: Iterable[int]) -> None:
    """Remove profiles and the keys that were added to them by hand."""
    rows = [(profile,) for profile in profiles]
    connection.executemany("DELETE FROM added_keys WHERE profile = ?", rows)
    connection.executemany("DELETE FROM profiles WHERE id = ?", rows)


def expired(connection: Connection, now: float, limit: int) -> list[Stored]:
    """Read some of the profiles whose time is over."""
    rows = connection.execute(
        "SELECT id, domain, body FROM profiles WHERE expires <= ? ORDER BY expires LIMIT ?",
        (now, limit),
    )
    return [Stored(*row) for row in rows]

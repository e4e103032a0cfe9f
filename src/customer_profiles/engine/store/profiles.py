"""Profiles, stored as the JSON that the service answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .rows import json_list, row_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection


class Stored(NamedTuple):
    """A profile's row."""

    id: int
    domain: int
    profile_id: bytes
    expires: int
    body: bytes
    sources: bytes | None = None
    """Which objects set its values, as JSON; a value without a source was set by hand."""
    objects: int = 0
    """How many objects of other systems it has."""
    object_bytes: int = 0
    """The total size of these objects."""


_COLUMNS = ", ".join(Stored._fields)
_PLACEHOLDERS = ", ".join("?" * len(Stored._fields))


def insert(connection: Connection, profiles: Iterable[Stored]) -> None:
    """Store new profiles."""
    connection.executemany(
        f"INSERT INTO profiles ({_COLUMNS}) VALUES ({_PLACEHOLDERS})",  # noqa: S608 - constants
        profiles,
    )


def replace(connection: Connection, profiles: Iterable[Stored]) -> None:
    """Update the rows of profiles."""
    connection.executemany(
        "UPDATE profiles SET expires = ?, body = ?, sources = ?, objects = ?, object_bytes = ? "
        "WHERE id = ?",
        [
            (row.expires, row.body, row.sources, row.objects, row.object_bytes, row.id)
            for row in profiles
        ],
    )


def count_object(connection: Connection, profile: int, objects: int, size: int) -> None:
    """Add to a profile's counters; negative numbers subtract."""
    connection.execute(
        "UPDATE profiles SET objects = objects + ?, object_bytes = object_bytes + ? WHERE id = ?",
        (objects, size, profile),
    )


def find(connection: Connection, domain: int, profile_id: bytes, now: float) -> Stored | None:
    """Read a profile that has not expired."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM profiles "  # noqa: S608 - constants
        "WHERE profile_id = ? AND domain = ? AND expires > ?",
        (profile_id, domain, now),
    ).fetchone()
    return row and Stored(*row)


def at(connection: Connection, row: int) -> Stored | None:
    """Read the profile of a row, expired or not."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM profiles WHERE id = ?",  # noqa: S608 - constants
        (row,),
    ).fetchone()
    return found and Stored(*found)


def at_rows(connection: Connection, rows: Iterable[int]) -> dict[int, Stored]:
    """Read the profiles among many rows, expired or not."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM profiles "  # noqa: S608 - constants
        "WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(rows),),
    )
    return {row[0]: Stored(*row) for row in found.fetchall()}


def holding(connection: Connection, slot: int, now: float, limit: int) -> list[Stored]:
    """Read the first `limit` profiles that hold a slot of the index and have not expired."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM profiles WHERE id IN ("  # noqa: S608 - constants
        "SELECT holder FROM keys WHERE slot = :slot UNION ALL "
        "SELECT holder FROM fresh_keys WHERE slot = :slot) AND expires > :now "
        "ORDER BY id LIMIT :limit",
        {"slot": slot, "now": now, "limit": limit},
    )
    return [Stored(*row) for row in rows.fetchall()]


def filled_by(connection: Connection, source: str, after: int, until: int) -> list[Stored]:
    """Read the profiles whose sources contain a text, in a range of rows."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM profiles "  # noqa: S608 - constants
        "WHERE id > ? AND id <= ? AND instr(sources, CAST(? AS BLOB)) ORDER BY id",
        (after, until, source),
    )
    return [Stored(*row) for row in rows.fetchall()]


def next_row(connection: Connection, after: int) -> int:
    """Return the next row of a profile or object beyond `after`, or a number beyond all rows."""
    (row,) = connection.execute(
        "SELECT min(row) FROM (SELECT min(id) AS row FROM profiles WHERE id > :after "
        "UNION ALL SELECT min(id) FROM objects WHERE id > :after)",
        {"after": after},
    ).fetchone()
    return 1 << 62 if row is None else int(row)


def listed(
    connection: Connection, domain: int, after: int, now: float, limit: int
) -> list[tuple[int, bytes]]:
    """Read the rows and bodies of a domain's profiles beyond the row `after`, in order."""
    first, last = row_range(domain)
    rows = connection.execute(
        "SELECT id, body FROM profiles WHERE id > ? AND id <= ? AND expires > ? "
        "ORDER BY id LIMIT ?",
        (max(after, first - 1), last, now, limit),
    )
    return rows.fetchall()


def row_of(connection: Connection, domain: int, profile_id: bytes, now: float = 0.0) -> int | None:
    """Return the row number of a profile, unless it has expired at a time."""
    row = connection.execute(
        "SELECT id FROM profiles WHERE profile_id = ? AND domain = ? AND expires > ?",
        (profile_id, domain, now),
    ).fetchone()
    return row and int(row[0])


def bodies(connection: Connection, profiles: Sequence[int], now: float) -> dict[int, bytes]:
    """Read the bodies of the profiles that have not expired, by their rows."""
    rows = connection.execute(
        "SELECT id, body FROM profiles "
        "WHERE id IN (SELECT value FROM json_each(?)) AND expires > ?",
        (json_list(profiles), now),
    )
    return dict(rows.fetchall())


def delete(connection: Connection, profile: int) -> None:
    """Remove a profile with its history and the keys that were added by hand."""
    connection.execute("DELETE FROM added_keys WHERE profile = ?", (profile,))
    connection.execute("DELETE FROM history WHERE profile = ?", (profile,))
    connection.execute("DELETE FROM profiles WHERE id = ?", (profile,))


def any_expired(connection: Connection, now: float) -> bool:
    """Return whether any profile or object has expired."""
    # One statement, because every request that writes makes this check.
    query = (
        "SELECT 1 FROM profiles WHERE expires <= :now "
        "UNION ALL SELECT 1 FROM objects WHERE expires <= :now LIMIT 1"
    )
    return connection.execute(query, {"now": now}).fetchone() is not None


def expired(connection: Connection, now: float, limit: int) -> list[Stored]:
    """Read up to `limit` expired profiles."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM profiles "  # noqa: S608 - constants
        "WHERE expires <= ? ORDER BY expires LIMIT ?",
        (now, limit),
    )
    return [Stored(*row) for row in rows.fetchall()]

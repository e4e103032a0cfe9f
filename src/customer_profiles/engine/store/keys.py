"""The search index: which profiles hold a key, by the key's hash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .database import Connection


class AddedKey(NamedTuple):
    """A key value that was added by hand."""

    name: str
    normal: str
    value: str


def add(connection: Connection, profile: int, hashes: Collection[int]) -> None:
    """Enter a profile under keys; what is there already stays."""
    connection.executemany(
        "INSERT OR IGNORE INTO fresh_keys VALUES (?, ?)", [(key, profile) for key in hashes]
    )
    connection.fresh_rows += len(hashes)


def remove(connection: Connection, profile: int, hashes: Iterable[int]) -> None:
    """Take a profile from under keys."""
    rows = [(key, profile) for key in hashes]
    connection.executemany("DELETE FROM fresh_keys WHERE hash = ? AND profile = ?", rows)
    connection.executemany("DELETE FROM keys WHERE hash = ? AND profile = ?", rows)


def holders(connection: Connection, key: int, after: int, limit: int) -> list[int]:
    """Give the first profiles beyond `after` that hold a key, in order.

    Two keys of one 64-bit hash are expected among billions, not millions; none tells them apart.
    """
    rows = connection.execute(
        "SELECT profile FROM keys WHERE hash = :key AND profile > :after "
        "UNION SELECT profile FROM fresh_keys WHERE hash = :key AND profile > :after "
        "ORDER BY profile LIMIT :limit",
        {"key": key, "after": after, "limit": limit},
    )
    return [row[0] for row in rows.fetchall()]


def held(connection: Connection, hashes: Sequence[int], profiles: Sequence[int]) -> set[int]:
    """Give those of `profiles` that hold one of the keys."""
    rows = connection.execute(
        "WITH key AS (SELECT value FROM json_each(:keys)), "
        "candidate AS (SELECT value FROM json_each(:profiles)) "
        "SELECT profile FROM keys "
        "WHERE hash IN (SELECT value FROM key) AND profile IN (SELECT value FROM candidate) "
        "UNION SELECT profile FROM fresh_keys "
        "WHERE hash IN (SELECT value FROM key) AND profile IN (SELECT value FROM candidate)",
        {"keys": json.dumps(hashes), "profiles": json.dumps(profiles)},
    )
    return {row[0] for row in rows.fetchall()}


def frequency(connection: Connection, key: int, limit: int) -> int:
    """Count the profiles that hold a key, no further than `limit`."""
    (found,) = connection.execute(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM keys WHERE hash = :key LIMIT :limit)) "
        "+ (SELECT count(*) FROM (SELECT 1 FROM fresh_keys WHERE hash = :key LIMIT :limit))",
        {"key": key, "limit": limit},
    ).fetchone()
    return int(found)


def added(connection: Connection, profile: int) -> list[AddedKey]:
    """Read the keys that were added to a profile by hand."""
    rows = connection.execute(
        "SELECT name, normal, value FROM added_keys WHERE profile = ?", (profile,)
    )
    return [AddedKey(*row) for row in rows]


def put_added(connection: Connection, profile: int, added: Iterable[AddedKey]) -> None:
    """Remember keys that were added to a profile by hand."""
    connection.executemany(
        "INSERT OR IGNORE INTO added_keys VALUES (?, ?, ?, ?)",
        [(profile, *one) for one in added],
    )


def remove_added(connection: Connection, profile: int, name: str, normals: Iterable[str]) -> None:
    """Forget keys that were added to a profile by hand."""
    connection.executemany(
        "DELETE FROM added_keys WHERE profile = ? AND name = ? AND normal = ?",
        [(profile, name, normal) for normal in normals],
    )

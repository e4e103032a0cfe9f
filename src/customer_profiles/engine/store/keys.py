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


def add(connection: Connection, entries: Collection[tuple[int, int]]) -> None:
    """Enter holders under keys, given as pairs of hash and row; what is there already stays."""
    connection.executemany("INSERT OR IGNORE INTO fresh_keys VALUES (?, ?)", entries)
    connection.fresh_rows += len(entries)


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


def single_holders(connection: Connection, places: Collection[int]) -> dict[int, int]:
    """Give the only holder of each key, 0 for none; keys of several holders are left out."""
    rows = connection.execute(
        "SELECT value, "
        "(SELECT min(profile) FROM keys WHERE hash = value), "
        "(SELECT max(profile) FROM keys WHERE hash = value), "
        "(SELECT min(profile) FROM fresh_keys WHERE hash = value), "
        "(SELECT max(profile) FROM fresh_keys WHERE hash = value) FROM json_each(?)",
        (json.dumps(list(places)),),
    )
    found: dict[int, int] = {}
    for place, *holders in rows.fetchall():
        different = {holder for holder in holders if holder is not None}
        if len(different) < 2:  # noqa: PLR2004 - none or one
            found[place] = different.pop() if different else 0
    return found


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

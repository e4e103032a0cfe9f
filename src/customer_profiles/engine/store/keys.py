"""The search index: which rows hold a slot (see `rows`), and the keys that were added by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .rows import json_list

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .database import Connection


class AddedKey(NamedTuple):
    """A key value that was added by hand."""

    name: str
    normal: str
    value: str


def add(connection: Connection, entries: Collection[tuple[int, int]]) -> None:
    """Add entries, which are pairs of a slot and a holder's row; known ones are skipped."""
    connection.executemany("INSERT OR IGNORE INTO fresh_keys VALUES (?, ?)", entries)
    connection.fresh_rows += len(entries)


def add_missing(connection: Connection, entries: Iterable[tuple[int, int]]) -> None:
    """Add entries that neither table of the index has."""
    connection.executemany(
        "INSERT OR IGNORE INTO fresh_keys SELECT :slot, :holder "
        "WHERE NOT EXISTS (SELECT 1 FROM keys WHERE slot = :slot AND holder = :holder)",
        [{"slot": slot, "holder": holder} for slot, holder in entries],
    )


def remove(connection: Connection, holder: int, slots: Iterable[int]) -> None:
    """Remove a holder from slots."""
    entries = [(slot, holder) for slot in slots]
    connection.executemany("DELETE FROM fresh_keys WHERE slot = ? AND holder = ?", entries)
    connection.executemany("DELETE FROM keys WHERE slot = ? AND holder = ?", entries)


def holders(connection: Connection, slot: int, after: int, limit: int) -> list[int]:
    """Return the first holders of a slot beyond the row `after`, in order.

    Two keys that share a 64-bit hash are expected among billions of keys, not among millions;
    they are not told apart.
    """
    rows = connection.execute(
        "SELECT holder FROM keys WHERE slot = :slot AND holder > :after "
        "UNION SELECT holder FROM fresh_keys WHERE slot = :slot AND holder > :after "
        "ORDER BY holder LIMIT :limit",
        {"slot": slot, "after": after, "limit": limit},
    )
    return [row[0] for row in rows.fetchall()]


def single_holders(connection: Connection, slots: Collection[int]) -> dict[int, int]:
    """Return the only holder of each slot, 0 for none; slots with several holders are left out."""
    rows = connection.execute(
        "SELECT value, "
        "(SELECT min(holder) FROM keys WHERE slot = value), "
        "(SELECT max(holder) FROM keys WHERE slot = value), "
        "(SELECT min(holder) FROM fresh_keys WHERE slot = value), "
        "(SELECT max(holder) FROM fresh_keys WHERE slot = value) FROM json_each(?)",
        (json_list(slots),),
    )
    found: dict[int, int] = {}
    for slot, *extremes in rows.fetchall():
        different = {holder for holder in extremes if holder is not None}
        if len(different) < 2:  # noqa: PLR2004 - none or one
            found[slot] = different.pop() if different else 0
    return found


def holders_among(connection: Connection, slots: Sequence[int], rows: Sequence[int]) -> set[int]:
    """Return those of `rows` that hold at least one of the slots."""
    found = connection.execute(
        "WITH wanted AS (SELECT value FROM json_each(:slots)), "
        "candidate AS (SELECT value FROM json_each(:rows)) "
        "SELECT holder FROM keys "
        "WHERE slot IN (SELECT value FROM wanted) AND holder IN (SELECT value FROM candidate) "
        "UNION SELECT holder FROM fresh_keys "
        "WHERE slot IN (SELECT value FROM wanted) AND holder IN (SELECT value FROM candidate)",
        {"slots": json_list(slots), "rows": json_list(rows)},
    )
    return {holder for (holder,) in found.fetchall()}


def frequency(connection: Connection, slot: int, limit: int) -> int:
    """Count the holders of a slot, up to about `limit`."""
    (found,) = connection.execute(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM keys WHERE slot = :slot LIMIT :limit)) "
        "+ (SELECT count(*) FROM (SELECT 1 FROM fresh_keys WHERE slot = :slot LIMIT :limit))",
        {"slot": slot, "limit": limit},
    ).fetchone()
    return int(found)


def added_among(
    connection: Connection, profile: int, wanted: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return those keys (a name and a normalized value) that were added to a profile by hand."""
    query = "SELECT 1 FROM added_keys WHERE profile = ? AND name = ? AND normal = ?"
    return {key for key in wanted if connection.execute(query, (profile, *key)).fetchone()}


def added(connection: Connection, profile: int) -> list[AddedKey]:
    """Read the keys that were added to a profile by hand."""
    rows = connection.execute(
        "SELECT name, normal, value FROM added_keys WHERE profile = ?", (profile,)
    )
    return [AddedKey(*row) for row in rows]


def put_added(connection: Connection, profile: int, keys: Iterable[AddedKey]) -> None:
    """Store keys that were added to a profile by hand."""
    connection.executemany(
        "INSERT OR IGNORE INTO added_keys VALUES (?, ?, ?, ?)",
        [(profile, *key) for key in keys],
    )


def remove_added(connection: Connection, profile: int, name: str, normals: Iterable[str]) -> None:
    """Remove keys that were added to a profile by hand."""
    connection.executemany(
        "DELETE FROM added_keys WHERE profile = ? AND name = ? AND normal = ?",
        [(profile, name, normal) for normal in normals],
    )

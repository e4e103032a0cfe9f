"""The change feed: what happened to the profiles and objects of a domain, in order of commit.

Ids order the changes of all domains. There is one writer at a time, so a reader that has seen an id
has seen every smaller one.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from .rows import json_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection

KEPT, STREAMED = 1, 2
"""The bits of a domain's feed: changes are kept for readers, and delivered to an event stream."""
CREATED, UPDATED, DELETED, MERGED = "CREATED", "UPDATED", "DELETED", "MERGED"
HEALTH_CHECK = "HEALTH_CHECK"


class Change(NamedTuple):
    """A change of a profile or an object."""

    domain: int
    profile: int
    """The row of the profile."""
    profile_id: bytes
    event: str
    type: str
    """The object type; `_profile` for the profile itself."""
    unique_key: str | None
    """The ProfileObjectUniqueKey of an object."""
    created: float
    body: bytes | None
    """The profile or object as JSON; None if it is gone."""
    target: int | None = None
    """The row of the profile into which this one was merged."""
    id: int = 0
    """The position in the feed; 0 until it is stored."""


class Feed(NamedTuple):
    """What is kept of a domain's changes."""

    domain: int
    keep: float | None
    """For how many seconds changes are kept for readers; None: until they are delivered."""
    trimmed: int
    """The position from which a reader can continue; earlier ones are no longer possible."""


_COLUMNS = ", ".join(Change._fields)
_PLACEHOLDERS = ", ".join("?" * (len(Change._fields) - 1)) + ", nullif(?, 0)"
_ROWS_A_STATEMENT = 50
_INSERT = f"INSERT INTO changes ({_COLUMNS}) VALUES ({_PLACEHOLDERS})"  # noqa: S608
_MORE = ", ".join([f"({_PLACEHOLDERS})"] * (_ROWS_A_STATEMENT - 1))


def readers(connection: Connection, domain: int) -> int:
    """Return who reads a domain's changes, as bits; 0 if none are recorded."""
    row = connection.execute("SELECT feed FROM domains WHERE id = ?", (domain,)).fetchone()
    return int(row[0]) if row else 0


def add(connection: Connection, feed: int, changes: Iterable[Change]) -> None:
    """Store changes of a domain whose readers are `feed`, in the transaction that makes them."""
    rows = [*changes]
    # Statements with many rows take a quarter less than as many statements.
    whole = len(rows) - len(rows) % _ROWS_A_STATEMENT
    for start in range(0, whole, _ROWS_A_STATEMENT):
        values = chain.from_iterable(rows[start : start + _ROWS_A_STATEMENT])
        connection.execute(f"{_INSERT}, {_MORE}", [*values])
    connection.executemany(_INSERT, rows[whole:])
    connection.changed_feeds |= feed


def page(
    connection: Connection, domain: int, after: int, limit: int, most_bytes: int = 1 << 62
) -> list[Change]:
    """Read changes beyond a position, in order, until their bodies exceed a size."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM changes "  # noqa: S608 - constants
        "WHERE domain = ? AND id > ? ORDER BY id LIMIT ?",
        (domain, after, limit),
    )
    found: list[Change] = []
    size = 0
    for row in rows:
        change = Change(*row)
        size += len(change.body or b"")
        if found and size > most_bytes:
            break
        found.append(change)
    return found


def by_ids(connection: Connection, domain: int, ids: Iterable[int]) -> list[Change]:
    """Read changes by their positions, in order; those that are gone are left out."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM changes WHERE domain = ? "  # noqa: S608 - constants
        "AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (domain, json_list(ids)),
    )
    return [Change(*row) for row in rows.fetchall()]


def count(connection: Connection, domain: int, after: int) -> int:
    """Count the changes of a domain beyond a position."""
    (number,) = connection.execute(
        "SELECT count(*) FROM changes WHERE domain = ? AND id > ?", (domain, after)
    ).fetchone()
    return int(number)


def last(connection: Connection) -> int:
    """Return the highest position that was ever given out, in any domain."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return int(row[0]) if row else 0


def last_of(connection: Connection, domain: int) -> int:
    """Return the position of the newest change of a domain; 0 if none is stored."""
    (found,) = connection.execute(
        "SELECT max(id) FROM changes WHERE domain = ?", (domain,)
    ).fetchone()
    return int(found or 0)


def erase(connection: Connection, domain: int, profile: int) -> int:
    """Remove all changes of a profile and of those that were merged into it; return how many."""
    return connection.execute(
        "DELETE FROM changes WHERE domain = :domain AND profile IN ("
        "WITH RECURSIVE merged (row) AS (VALUES (:profile) UNION "
        "SELECT profile FROM changes JOIN merged ON target = merged.row) SELECT row FROM merged)",
        {"domain": domain, "profile": profile},
    ).rowcount


def feed(connection: Connection, domain: int) -> Feed | None:
    """Read what is kept of a domain's changes; None if none are."""
    row = connection.execute(
        "SELECT domain, keep, trimmed FROM feeds WHERE domain = ?", (domain,)
    ).fetchone()
    return row and Feed(*row)


def feeds(connection: Connection) -> list[Feed]:
    """Read what is kept of the changes of each domain that records any."""
    return [Feed(*row) for row in connection.execute("SELECT domain, keep, trimmed FROM feeds")]


def set_reader(connection: Connection, domain: int, bit: int, *, is_on: bool) -> None:
    """Begin or end the recording of a domain's changes for a reader, from now on."""
    before = readers(connection, domain)
    after = before | bit if is_on else before & ~bit
    connection.execute("UPDATE domains SET feed = ? WHERE id = ?", (after, domain))
    if before == 0 and after:
        # Nothing was recorded, so that no earlier position can be continued from.
        connection.execute(
            "INSERT OR REPLACE INTO feeds (domain, keep, trimmed) VALUES (?, NULL, ?)",
            (domain, last(connection)),
        )


def keep(connection: Connection, domain: int, seconds: float | None) -> None:
    """Set for how long changes are kept for readers; None: until they are delivered."""
    connection.execute("UPDATE feeds SET keep = ? WHERE domain = ?", (seconds, domain))


_DELIVERED = "id NOT IN (SELECT item FROM undelivered WHERE domain = :domain AND name = :name)"


class Unread(NamedTuple):
    """The changes of a domain that no reader needs."""

    domain: int
    until: int
    """They are not beyond this position,"""
    before: float
    """not younger than this time,"""
    name: str
    """and not to be delivered again to this consumer."""


def has_unread(connection: Connection, unread: Unread) -> bool:
    """Return whether there is a change that no reader needs."""
    row = connection.execute(
        "SELECT created <= :before FROM changes WHERE domain = :domain AND id <= :until "  # noqa: S608
        f"AND {_DELIVERED} ORDER BY id LIMIT 1",
        unread._asdict(),
    ).fetchone()
    return bool(row and row[0])


def trim(connection: Connection, unread: Unread, limit: int) -> int:
    """Remove up to `limit` changes that no reader needs, the oldest first; return how many."""
    bounds = unread._asdict() | {"limit": limit}
    (bounds["until"],) = connection.execute(
        "SELECT max(id) FROM (SELECT id FROM changes WHERE domain = :domain AND id <= :until "  # noqa: S608
        f"AND {_DELIVERED} ORDER BY id LIMIT :limit)",
        bounds,
    ).fetchone()
    if math.isfinite(unread.before):
        (young,) = connection.execute(
            "SELECT min(id) FROM changes WHERE domain = :domain AND id <= :until "
            "AND created > :before",
            bounds,
        ).fetchone()
        bounds["until"] = bounds["until"] if young is None else young - 1
    removed = connection.execute(
        f"DELETE FROM changes WHERE domain = :domain AND id <= :until AND {_DELIVERED}",  # noqa: S608
        bounds,
    ).rowcount
    if removed:
        connection.execute(
            "UPDATE feeds SET trimmed = max(trimmed, :until) WHERE domain = :domain", bounds
        )
    return removed


def forget(connection: Connection, domain: int) -> None:
    """Remove what is known of a feed that nobody reads any more."""
    connection.execute("DELETE FROM feeds WHERE domain = ?", (domain,))

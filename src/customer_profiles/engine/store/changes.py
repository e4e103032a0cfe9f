"""The change feed: what happened to the profiles and objects of a domain, in order of commit.

Ids order the changes of all domains. There is one writer at a time, so a reader that has seen an id
has seen every smaller one.
"""

from __future__ import annotations

from itertools import chain, takewhile
from typing import TYPE_CHECKING, NamedTuple

from .rows import json_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


# --- what is kept ---


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


def trimmable(  # noqa: PLR0913 - the range, and what is kept of it
    connection: Connection, domain: int, until: int, before: float, *, consumer: str, limit: int
) -> list[int]:
    """Return the oldest changes up to a position and a time, but for those to be delivered yet."""
    rows = connection.execute(
        "SELECT id, created FROM changes WHERE domain = :domain AND id <= :until "
        "AND id NOT IN (SELECT item FROM undelivered WHERE domain = :domain AND name = :name) "
        "ORDER BY id LIMIT :limit",
        {"domain": domain, "until": until, "name": consumer, "limit": limit},
    )
    return [row for row, _ in takewhile(lambda found: found[1] <= before, rows.fetchall())]


def trim(connection: Connection, domain: int, ids: Sequence[int]) -> None:
    """Remove the oldest changes, beyond which readers can no longer begin."""
    connection.execute(
        "DELETE FROM changes WHERE id IN (SELECT value FROM json_each(?))", (json_list(ids),)
    )
    connection.execute(
        "UPDATE feeds SET trimmed = max(trimmed, ?) WHERE domain = ?", (ids[-1], domain)
    )


def forget(connection: Connection, domain: int) -> None:
    """Remove what is known of a feed that nobody reads any more."""
    connection.execute("DELETE FROM feeds WHERE domain = ?", (domain,))

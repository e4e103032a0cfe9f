"""Dead letters: objects that ingestion rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .rows import json_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class DeadLetter(NamedTuple):
    """An object that was rejected, and why."""

    domain: int
    type: str
    body: str
    message: str
    failed: float
    id: int = 0
    """The row; 0 until it is stored."""


def add(connection: Connection, letter: DeadLetter) -> None:
    """Store an object that was rejected, under a new id."""
    connection.execute(
        "INSERT INTO dead_letters (domain, type, body, message, failed) "
        "VALUES (:domain, :type, :body, :message, :failed)",
        letter._asdict(),
    )


def of_domain(connection: Connection, domain: int) -> list[DeadLetter]:
    """Read a domain's dead letters, the oldest first."""
    rows = connection.execute(
        "SELECT domain, type, body, message, failed, id FROM dead_letters "
        "WHERE domain = ? ORDER BY id",
        (domain,),
    )
    return [DeadLetter(*row) for row in rows.fetchall()]


def unsent(connection: Connection, domain: int, after: int, limit: int) -> list[DeadLetter]:
    """Read dead letters of a domain beyond an id that a queue may accept.

    Versions before the schema's eleventh marked those that no queue accepts in the row itself.
    """
    rows = connection.execute(
        "SELECT domain, type, body, message, failed, id FROM dead_letters "
        "WHERE domain = ? AND id > ? AND NOT undeliverable ORDER BY id LIMIT ?",
        (domain, after, limit),
    )
    return [DeadLetter(*row) for row in rows.fetchall()]


def count_unsent(connection: Connection, domain: int, after: int) -> int:
    """Count the dead letters of a domain beyond an id that a queue may accept."""
    (number,) = connection.execute(
        "SELECT count(*) FROM dead_letters WHERE domain = ? AND id > ? AND NOT undeliverable",
        (domain, after),
    ).fetchone()
    return int(number)


def by_ids(connection: Connection, domain: int, ids: Iterable[int]) -> list[DeadLetter]:
    """Read dead letters by their ids, in order; those that are gone are left out."""
    rows = connection.execute(
        "SELECT domain, type, body, message, failed, id FROM dead_letters "
        "WHERE domain = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (domain, json_list(ids)),
    )
    return [DeadLetter(*row) for row in rows.fetchall()]


def domains_with_unsent(connection: Connection) -> list[str]:
    """Read the names of the domains with dead letters that a queue may accept."""
    rows = connection.execute(
        "SELECT name FROM domains "
        "WHERE id IN (SELECT domain FROM dead_letters WHERE NOT undeliverable)"
    )
    return [name for (name,) in rows.fetchall()]


def remove(connection: Connection, ids: Iterable[int]) -> None:
    """Remove dead letters by their ids, as those that a queue has accepted."""
    connection.executemany("DELETE FROM dead_letters WHERE id = ?", [(item,) for item in ids])

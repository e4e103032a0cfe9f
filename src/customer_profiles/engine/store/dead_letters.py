"""Dead letters: objects that ingestion rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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


def unsent(connection: Connection, domain: int, limit: int) -> list[DeadLetter]:
    """Read the oldest dead letters of a domain that a queue may still accept."""
    rows = connection.execute(
        "SELECT domain, type, body, message, failed, id FROM dead_letters "
        "WHERE domain = ? AND NOT undeliverable ORDER BY id LIMIT ?",
        (domain, limit),
    )
    return [DeadLetter(*row) for row in rows.fetchall()]


def domains_with_unsent(connection: Connection) -> list[str]:
    """Read the names of the domains with dead letters that a queue may still accept."""
    rows = connection.execute(
        "SELECT name FROM domains "
        "WHERE id IN (SELECT domain FROM dead_letters WHERE NOT undeliverable)"
    )
    return [name for (name,) in rows.fetchall()]


def mark_undeliverable(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep dead letters that no queue accepts out of further deliveries."""
    connection.executemany(
        "UPDATE dead_letters SET undeliverable = 1 WHERE id = ?",
        [(letter.id,) for letter in letters],
    )


def remove(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Remove dead letters, as those that a queue has accepted."""
    connection.executemany(
        "DELETE FROM dead_letters WHERE id = ?", [(letter.id,) for letter in letters]
    )

"""Objects that wait to be ingested, and those that were rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class Waiting(NamedTuple):
    """An object that is not seen yet."""

    id: int
    domain: str
    """The name of its domain."""
    type: str
    body: str


class DeadLetter(NamedTuple):
    """An object that was rejected, and why."""

    id: int
    domain: int
    type: str
    body: str
    message: str
    failed: float


def wait(connection: Connection, domain: int, name: str, bodies: Iterable[str], due: float) -> None:
    """Put objects aside until they are due."""
    connection.executemany(
        "INSERT INTO inbox (domain, type, body, due) VALUES (?, ?, ?, ?)",
        [(domain, name, body, due) for body in bodies],
    )


def anything_waits(connection: Connection) -> bool:
    """Say whether objects wait, due or not."""
    return connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone() is not None


def due(connection: Connection, now: float, limit: int) -> list[Waiting]:
    """Read objects that are due, in the order in which they came."""
    rows = connection.execute(
        "SELECT inbox.id, domains.name, type, body FROM inbox "
        "JOIN domains ON domains.id = inbox.domain WHERE due <= ? ORDER BY inbox.id LIMIT ?",
        (now, limit),
    )
    return [Waiting(*row) for row in rows.fetchall()]


def taken(connection: Connection, waiting: Waiting) -> None:
    """Forget an object that waited."""
    connection.execute("DELETE FROM inbox WHERE id = ?", (waiting.id,))


def forget(connection: Connection, domain: int, name: str) -> None:
    """Forget the objects of a type that wait."""
    connection.execute("DELETE FROM inbox WHERE domain = ? AND type = ?", (domain, name))


def reject(connection: Connection, letter: DeadLetter) -> None:
    """Keep an object that was rejected; it gets an id."""
    connection.execute(
        "INSERT INTO dead_letters (domain, type, body, message, failed) VALUES (?, ?, ?, ?, ?)",
        letter[1:],
    )


def rejected(connection: Connection, domain: int, limit: int = -1) -> list[DeadLetter]:
    """Read a domain's rejected objects, the oldest first."""
    rows = connection.execute(
        "SELECT id, domain, type, body, message, failed FROM dead_letters "
        "WHERE domain = ? ORDER BY id LIMIT ?",
        (domain, limit),
    )
    return [DeadLetter(*row) for row in rows.fetchall()]


def unsent(connection: Connection, domain: int, limit: int) -> list[DeadLetter]:
    """Read rejected objects that a queue may still take, the oldest first."""
    rows = connection.execute(
        "SELECT id, domain, type, body, message, failed FROM dead_letters "
        "WHERE domain = ? AND NOT held ORDER BY id LIMIT ?",
        (domain, limit),
    )
    return [DeadLetter(*row) for row in rows.fetchall()]


def domains_with_unsent(connection: Connection) -> list[str]:
    """Read the names of the domains with rejected objects that a queue may still take."""
    rows = connection.execute(
        "SELECT name FROM domains WHERE id IN (SELECT domain FROM dead_letters WHERE NOT held)"
    )
    return [name for (name,) in rows.fetchall()]


def hold(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep rejected objects that no queue takes."""
    connection.executemany(
        "UPDATE dead_letters SET held = 1 WHERE id = ?", [(letter.id,) for letter in letters]
    )


def delivered(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Forget rejected objects that are in a queue now."""
    connection.executemany(
        "DELETE FROM dead_letters WHERE id = ?", [(letter.id,) for letter in letters]
    )

"""Objects that were accepted and are ingested later, after the engine's ingestion delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class PendingObject(NamedTuple):
    """An object that is not ingested yet."""

    id: int
    domain: str
    """The name of its domain."""
    type: str
    body: str


def add(connection: Connection, domain: int, name: str, bodies: Iterable[str], due: float) -> None:
    """Store objects of the type `name` until they are due."""
    connection.executemany(
        "INSERT INTO inbox (domain, type, body, due) VALUES (?, ?, ?, ?)",
        [(domain, name, body, due) for body in bodies],
    )


def is_empty(connection: Connection) -> bool:
    """Return whether no object is pending, due or not."""
    return connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone() is None


def due(connection: Connection, now: float, limit: int) -> list[PendingObject]:
    """Read the next objects that are due, in the order in which they were put."""
    rows = connection.execute(
        "SELECT inbox.id, domains.name, type, body FROM inbox "
        "JOIN domains ON domains.id = inbox.domain WHERE due <= ? ORDER BY inbox.id LIMIT ?",
        (now, limit),
    )
    return [PendingObject(*row) for row in rows.fetchall()]


def of_domain(connection: Connection, domain: int) -> list[PendingObject]:
    """Read all pending objects of a domain, due or not, in the order in which they were put."""
    rows = connection.execute(
        "SELECT inbox.id, domains.name, type, body FROM inbox "
        "JOIN domains ON domains.id = inbox.domain WHERE domain = ? ORDER BY inbox.id",
        (domain,),
    )
    return [PendingObject(*row) for row in rows.fetchall()]


def remove(connection: Connection, pending: PendingObject) -> None:
    """Remove an object."""
    connection.execute("DELETE FROM inbox WHERE id = ?", (pending.id,))


def remove_type(connection: Connection, domain: int, name: str) -> None:
    """Remove the pending objects of a type."""
    connection.execute("DELETE FROM inbox WHERE domain = ? AND type = ?", (domain, name))

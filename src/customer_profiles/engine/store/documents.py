"""Named documents of a domain: JSON by kind and name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .database import Connection


class Document(NamedTuple):
    """A stored document."""

    name: str
    body: dict[str, Any]
    """The members that requests set and those that the service added, under its own names."""
    created: float
    updated: float


_SELECT = "SELECT name, body, created, updated FROM documents WHERE domain = ? AND kind = ?"


def count(connection: Connection, domain: int, kind: str) -> int:
    """Count a domain's documents of a kind, without changed defaults, which have no creation."""
    row = connection.execute(
        "SELECT count(*) FROM documents WHERE domain = ? AND kind = ? AND created > 0",
        (domain, kind),
    )
    return int(row.fetchone()[0])


def put(connection: Connection, domain: int, kind: str, document: Document) -> None:
    """Store a document; it replaces an earlier one of its name."""
    name, body, created, updated = document
    connection.execute(
        "INSERT OR REPLACE INTO documents (domain, kind, name, body, created, updated) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (domain, kind, name, json.dumps(body), created, updated),
    )


def find(connection: Connection, domain: int, kind: str, name: str) -> Document | None:
    """Read a document by its name."""
    row = connection.execute(f"{_SELECT} AND name = ?", (domain, kind, name)).fetchone()
    return row and _document(row)


def page(
    connection: Connection, domain: int, kind: str, after: str = "", limit: int = -1
) -> list[Document]:
    """Read documents in the order of their names; a limit of -1 reads all."""
    rows = connection.execute(
        f"{_SELECT} AND name > ? ORDER BY name LIMIT ?", (domain, kind, after, limit)
    )
    return [_document(row) for row in rows.fetchall()]


def containing(connection: Connection, domain: int, kind: str, text: str) -> list[Document]:
    """Read the documents of a kind whose bodies contain a text, without changed defaults."""
    rows = connection.execute(
        f"{_SELECT} AND created > 0 AND instr(body, ?) ORDER BY name", (domain, kind, text)
    )
    return [_document(row) for row in rows.fetchall()]


def delete(connection: Connection, domain: int, kind: str, name: str) -> None:
    """Remove a document."""
    connection.execute(
        "DELETE FROM documents WHERE domain = ? AND kind = ? AND name = ?", (domain, kind, name)
    )


def _document(row: Any) -> Document:
    name, body, created, updated = row
    return Document(name, json.loads(body), created, updated)

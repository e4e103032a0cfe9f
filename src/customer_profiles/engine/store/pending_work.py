"""Work that is done in steps: one short transaction each, after its request was answered.

A step reads how far the work is, and stores that again, in the transaction of its changes. So
several processes can work on it, and a killed one loses at most the step that it was doing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .database import Connection

DOMAIN, OBJECT_TYPE, RULES = "domain", "object type", "rules"
CALCULATED_ATTRIBUTE, UPLOAD = "calculated attribute", "upload"
ESTIMATE, SNAPSHOT = "segment estimate", "segment snapshot"
"""The kinds of work: removing the rows of a domain or of an object type, applying rules,
completing a calculated attribute, importing the file of an upload job, and making an estimate or
a snapshot of a segment."""


class Work(NamedTuple):
    """Work that is not finished."""

    id: int
    domain: int
    kind: str
    detail: dict[str, Any]
    """The arguments of the work, and how far it is."""


def add(
    connection: Connection, domain: int, kind: str, detail: dict[str, Any], due: float = 0.0
) -> None:
    """Store work that begins once it is due."""
    connection.execute(
        "INSERT INTO pending_work (domain, kind, due, detail) VALUES (?, ?, ?, ?)",
        (domain, kind, due, json.dumps(detail)),
    )


def next_due(connection: Connection, now: float, kind: str | None = None) -> Work | None:
    """Read the oldest work that is due, of one kind or of any."""
    row = connection.execute(
        "SELECT id, domain, kind, detail FROM pending_work "
        "WHERE due <= :now AND (:kind IS NULL OR kind = :kind) ORDER BY id LIMIT 1",
        {"now": now, "kind": kind},
    ).fetchone()
    return row and _work(row)


def of_domain(connection: Connection, domain: int, kind: str) -> list[Work]:
    """Read the work of a kind in a domain, due or not."""
    rows = connection.execute(
        "SELECT id, domain, kind, detail FROM pending_work WHERE domain = ? AND kind = ?",
        (domain, kind),
    )
    return [_work(row) for row in rows.fetchall()]


def is_current(connection: Connection, work: Work) -> bool:
    """Return whether work is still pending, and no further than when it was read."""
    query = "SELECT domain, kind, detail FROM pending_work WHERE id = ?"
    row = connection.execute(query, (work.id,)).fetchone()
    return row is not None and _work((work.id, *row)) == work


def is_removing(connection: Connection, domain: int, object_type: str) -> bool:
    """Return whether objects of a deleted type are still being removed."""
    found = of_domain(connection, domain, OBJECT_TYPE)
    return any(work.detail["name"] == object_type for work in found)


def update(connection: Connection, work: Work, detail: dict[str, Any] | None) -> None:
    """Store how far work is; None means that it is finished."""
    if detail is None:
        connection.execute("DELETE FROM pending_work WHERE id = ?", (work.id,))
    else:
        connection.execute(
            "UPDATE pending_work SET detail = ? WHERE id = ?", (json.dumps(detail), work.id)
        )


def clear(connection: Connection, domain: int, kind: str | None = None) -> None:
    """Remove the work of a domain, of one kind or of all."""
    connection.execute(
        "DELETE FROM pending_work WHERE domain = :domain AND (:kind IS NULL OR kind = :kind)",
        {"domain": domain, "kind": kind},
    )


def _work(row: Any) -> Work:
    identity, domain, kind, detail = row
    return Work(identity, domain, kind, json.loads(detail))

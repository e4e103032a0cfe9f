"""Integrations: the sources of a domain's objects, and the progress of their flows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .database import Connection


class Integration(NamedTuple):
    """A stored integration."""

    domain: int
    domain_name: str
    uri: str
    definition: dict[str, Any]
    """What requests set, including its flow, under the service's names."""
    created: float
    updated: float
    next_run: float | None
    """When its flow runs next, if it has a schedule."""
    position: dict[str, Any] | None
    """How far an incremental flow has imported its source."""


_SELECT = (
    "SELECT domain, name, uri, definition, integrations.created, integrations.updated, "
    "next_run, position FROM integrations JOIN domains ON domains.id = domain "
)


def count(connection: Connection, domain: int) -> int:
    """Count a domain's integrations."""
    row = connection.execute("SELECT count(*) FROM integrations WHERE domain = ?", (domain,))
    return int(row.fetchone()[0])


def put(connection: Connection, integration: Integration) -> None:
    """Store an integration; it replaces an earlier one of its URI."""
    connection.execute(
        "INSERT OR REPLACE INTO integrations "
        "(domain, uri, definition, created, updated, next_run, position) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            integration.domain,
            integration.uri,
            json.dumps(integration.definition),
            integration.created,
            integration.updated,
            integration.next_run,
            _written(integration.position),
        ),
    )


def find(connection: Connection, domain: int, uri: str) -> Integration | None:
    """Read an integration by its URI."""
    row = connection.execute(
        f"{_SELECT} WHERE domain = ? AND uri = ?",
        (domain, uri),
    ).fetchone()
    return row and _integration(row)


def exists(connection: Connection, domain: int, uri: str) -> bool:
    """Return whether a domain has an integration."""
    return find(connection, domain, uri) is not None


def page(connection: Connection, domain: int, after: str, limit: int) -> list[Integration]:
    """Read a domain's integrations in the order of their URIs."""
    rows = connection.execute(
        f"{_SELECT} WHERE domain = ? AND uri > ? ORDER BY uri LIMIT ?",
        (domain, after, limit),
    )
    return [_integration(row) for row in rows.fetchall()]


def page_of_uri(connection: Connection, uri: str, after: str, limit: int) -> list[Integration]:
    """Read the integrations of a URI in the order of their domains' names."""
    rows = connection.execute(
        f"{_SELECT} WHERE uri = ? AND name > ? ORDER BY name LIMIT ?",
        (uri, after, limit),
    )
    return [_integration(row) for row in rows.fetchall()]


def delete(connection: Connection, domain: int, uri: str) -> None:
    """Remove an integration; the objects that it imported stay."""
    connection.execute("DELETE FROM integrations WHERE domain = ? AND uri = ?", (domain, uri))


def due(connection: Connection, now: float) -> list[Integration]:
    """Read the integrations whose flows are due, the most overdue first."""
    rows = connection.execute(f"{_SELECT} WHERE next_run <= ? ORDER BY next_run, uri", (now,))
    return [_integration(row) for row in rows.fetchall()]


def plan(connection: Connection, integration: Integration, next_run: float | None) -> None:
    """Store when an integration's flow runs next."""
    connection.execute(
        "UPDATE integrations SET next_run = ? WHERE domain = ? AND uri = ?",
        (next_run, integration.domain, integration.uri),
    )


def disable(connection: Connection, domain: int, object_type: str) -> None:
    """Remove the flows of an object type's integrations from their schedules."""
    connection.execute(
        "UPDATE integrations SET next_run = NULL "
        "WHERE domain = ? AND json_extract(definition, '$.ObjectTypeName') = ?",
        (domain, object_type),
    )


def advance(connection: Connection, integration: Integration, position: dict[str, Any]) -> None:
    """Store how far an integration's flow has imported its source."""
    connection.execute(
        "UPDATE integrations SET position = ? WHERE domain = ? AND uri = ?",
        (_written(position), integration.domain, integration.uri),
    )


def _written(position: dict[str, Any] | None) -> str | None:
    return None if position is None else json.dumps(position)


def _integration(row: Any) -> Integration:
    domain, name, uri, definition, created, updated, next_run, position = row
    return Integration(
        domain,
        name,
        uri,
        json.loads(definition),
        created,
        updated,
        next_run,
        position and json.loads(position),
    )

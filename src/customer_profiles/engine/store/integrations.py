"""Integrations: where the objects of a domain come from, and how far their flows are."""

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
    """What requests set, its flow included, under the service's names."""
    created: float
    updated: float
    next_run: float | None
    """When its flow runs next, if it runs by a schedule."""
    position: dict[str, Any] | None
    """What an incremental flow has pulled already."""


_SELECT = (
    "SELECT domain, name, uri, definition, integrations.created, integrations.updated, "
    "next_run, position FROM integrations JOIN domains ON domains.id = domain "
)


def count(connection: Connection, domain: int) -> int:
    """Count a domain's integrations."""
    row = connection.execute("SELECT count(*) FROM integrations WHERE domain = ?", (domain,))
    return int(row.fetchone()[0])


def put(connection: Connection, one: Integration) -> None:
    """Store an integration, in place of an earlier one of its URI."""
    connection.execute(
        "INSERT OR REPLACE INTO integrations "
        "(domain, uri, definition, created, updated, next_run, position) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            one.domain,
            one.uri,
            json.dumps(one.definition),
            one.created,
            one.updated,
            one.next_run,
            _written(one.position),
        ),
    )


def find(connection: Connection, domain: int, uri: str) -> Integration | None:
    """Read an integration by its URI."""
    row = connection.execute(
        f"{_SELECT} WHERE domain = ? AND uri = ?",
        (domain, uri),
    ).fetchone()
    return row and _integration(row)


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
    """Remove an integration; what it brought stays."""
    connection.execute("DELETE FROM integrations WHERE domain = ? AND uri = ?", (domain, uri))


def due(connection: Connection, now: float) -> list[Integration]:
    """Read the integrations whose flows are due, the most overdue first."""
    rows = connection.execute(f"{_SELECT} WHERE next_run <= ? ORDER BY next_run, uri", (now,))
    return [_integration(row) for row in rows.fetchall()]


def plan(connection: Connection, one: Integration, next_run: float | None) -> None:
    """Say when an integration's flow runs next."""
    connection.execute(
        "UPDATE integrations SET next_run = ? WHERE domain = ? AND uri = ?",
        (next_run, one.domain, one.uri),
    )


def advance(connection: Connection, one: Integration, position: dict[str, Any]) -> None:
    """Say what an integration's flow has pulled."""
    connection.execute(
        "UPDATE integrations SET position = ? WHERE domain = ? AND uri = ?",
        (_written(position), one.domain, one.uri),
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

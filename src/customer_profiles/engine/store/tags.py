"""Tags, by the ARN of their resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


def of(connection: Connection, resource: str) -> dict[str, str]:
    """Read the tags of a resource."""
    rows = connection.execute(
        "SELECT name, value FROM tags WHERE resource = ? ORDER BY name", (resource,)
    )
    return dict(rows.fetchall())


def put(connection: Connection, resource: str, tags: dict[str, str]) -> None:
    """Add tags to a resource; a tag that exists gets the new value."""
    connection.executemany(
        "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
        [(resource, name, value) for name, value in tags.items()],
    )


def remove(connection: Connection, resource: str, names: Iterable[str]) -> None:
    """Remove tags from a resource."""
    connection.executemany(
        "DELETE FROM tags WHERE resource = ? AND name = ?", [(resource, name) for name in names]
    )


def clear(connection: Connection, resource: str) -> None:
    """Remove all tags of a resource and of the resources in it."""
    connection.execute(
        "DELETE FROM tags WHERE resource = ? OR substr(resource, 1, ?) = ?",
        (resource, len(resource) + 1, f"{resource}/"),
    )

"""Object types: the mappings of objects of other systems, and the key names of a domain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class ObjectType(NamedTuple):
    """A stored object type."""

    name: str
    definition: dict[str, Any]
    """The members that requests set, under the service's names."""
    created: float
    updated: float


class KeyName(NamedTuple):
    """A key name of a domain."""

    name: str
    content_types: tuple[str, ...]
    """The content types of the fields that make up a value."""


_COLUMNS = "name, definition, created, updated"


def count(connection: Connection, domain: int) -> int:
    """Count a domain's object types."""
    row = connection.execute("SELECT count(*) FROM object_types WHERE domain = ?", (domain,))
    return int(row.fetchone()[0])


def put(  # noqa: PLR0913, PLR0917  (a row's columns)
    connection: Connection,
    domain: int,
    name: str,
    definition: dict[str, Any],
    created: float,
    updated: float,
) -> None:
    """Store an object type; it replaces an earlier one of its name."""
    connection.execute(
        "INSERT OR REPLACE INTO object_types (domain, name, definition, created, updated) "
        "VALUES (?, ?, ?, ?, ?)",
        (domain, name, json.dumps(definition), created, updated),
    )


def find(connection: Connection, domain: int, name: str) -> ObjectType | None:
    """Read an object type by its name."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM object_types WHERE domain = ? AND name = ?",  # noqa: S608
        (domain, name),
    ).fetchone()
    return row and _object_type(row)


def exists(connection: Connection, domain: int, name: str) -> bool:
    """Return whether a domain has an object type."""
    return written(connection, domain, name) is not None


def written(connection: Connection, domain: int, name: str) -> str | None:
    """Read an object type's definition as JSON text."""
    row = connection.execute(
        "SELECT definition FROM object_types WHERE domain = ? AND name = ?", (domain, name)
    ).fetchone()
    return row and str(row[0])


def page(connection: Connection, domain: int, after: str, limit: int) -> list[ObjectType]:
    """Read object types in the order of their names."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM object_types "  # noqa: S608
        "WHERE domain = ? AND name > ? ORDER BY name LIMIT ?",
        (domain, after, limit),
    )
    return [_object_type(row) for row in rows.fetchall()]


def every(connection: Connection, domain: int) -> list[ObjectType]:
    """Read all object types of a domain; its quota keeps them few."""
    return page(connection, domain, "", -1)


def delete(connection: Connection, domain: int, name: str) -> None:
    """Remove an object type, but not its objects."""
    connection.execute("DELETE FROM object_types WHERE domain = ? AND name = ?", (domain, name))


def key_name(connection: Connection, domain: int, name: str) -> KeyName | None:
    """Read a key name that is not predefined."""
    row = connection.execute(
        "SELECT name, content_types FROM key_names WHERE domain = ? AND name = ?", (domain, name)
    ).fetchone()
    return row and KeyName(row[0], tuple(json.loads(row[1])))


def key_names(connection: Connection, domain: int) -> list[str]:
    """Read the names of the keys that are not predefined, in order."""
    rows = connection.execute(
        "SELECT name FROM key_names WHERE domain = ? ORDER BY name", (domain,)
    )
    return [name for (name,) in rows.fetchall()]


def added_key_names(connection: Connection, domain: int) -> list[KeyName]:
    """Read the key names that AddProfileKey introduced."""
    rows = connection.execute(
        "SELECT name, content_types FROM key_names WHERE domain = ? AND added", (domain,)
    )
    return [KeyName(name, tuple(json.loads(types))) for name, types in rows.fetchall()]


def add_key_name(connection: Connection, domain: int, name: str) -> None:
    """Store a key name of AddProfileKey; it keeps the content types that it has."""
    connection.execute(
        "INSERT INTO key_names (domain, name) VALUES (?, ?) "
        "ON CONFLICT (domain, name) DO UPDATE SET added = 1",
        (domain, name),
    )


def put_key_names(connection: Connection, domain: int, names: Iterable[KeyName]) -> None:
    """Replace the key names of object types; those of AddProfileKey stay."""
    connection.execute("DELETE FROM key_names WHERE domain = ? AND NOT added", (domain,))
    connection.executemany(
        "INSERT INTO key_names (domain, name, content_types, added) VALUES (?, ?, ?, 0) "
        "ON CONFLICT (domain, name) DO UPDATE SET content_types = excluded.content_types",
        [(domain, name, json.dumps(types)) for name, types in names],
    )


def _object_type(row: Any) -> ObjectType:
    name, definition, created, updated = row
    return ObjectType(name, json.loads(definition), created, updated)

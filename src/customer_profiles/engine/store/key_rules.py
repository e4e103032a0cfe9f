"""Reading all that has search keys, to renew the keys of a file of an earlier version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .keys import AddedKey
from .objects import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .database import Connection

_BATCH = 10_000


def version(connection: Connection) -> int:
    """Return the version of the rules by which the keys of the file are normalized."""
    row = connection.execute("SELECT version FROM key_rules").fetchone()
    return int(row[0]) if row else 1


def put_version(connection: Connection, number: int) -> None:
    """Store the version of the rules."""
    connection.execute("DELETE FROM key_rules")
    connection.execute("INSERT INTO key_rules VALUES (?)", (number,))


def bodies(connection: Connection) -> Iterator[tuple[int, int, bytes]]:
    """Yield the row, the domain and the body of every profile."""
    return _rows(connection, "SELECT id, domain, body FROM profiles")


def objects(connection: Connection) -> Iterator[StoredObject]:
    """Yield every object."""
    columns = ", ".join(StoredObject._fields)
    return map(StoredObject._make, _rows(connection, f"SELECT {columns} FROM objects"))  # noqa: S608


def _rows(connection: Connection, select: str) -> Iterator[Any]:
    """Yield the rows of a table in batches, so that those already yielded can be written."""
    after = 0
    query = f"{select} WHERE id > ? ORDER BY id LIMIT {_BATCH}"
    while rows := connection.execute(query, (after,)).fetchall():
        yield from rows
        after = rows[-1][0]


def added(connection: Connection) -> list[tuple[int, AddedKey]]:
    """Read the keys that were added by hand, each with its profile's row."""
    rows = connection.execute("SELECT profile, name, normal, value FROM added_keys")
    return [(profile, AddedKey(*key)) for profile, *key in rows.fetchall()]

"""The newest rows of a domain, from which attributes and their values are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .rows import row_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .database import Connection

    Body = tuple[float, bytes]
    """When a profile expires or an object was ingested, and its JSON."""


def newest_profiles(connection: Connection, domain: int, most: int) -> Iterator[Body]:
    """Read the profiles that were written last, the latest first."""
    # The plus sign keeps SQLite from the range of rows, which it would have to sort.
    yield from connection.execute(
        "SELECT expires, body FROM profiles WHERE +id BETWEEN ? AND ? "
        "ORDER BY expires DESC, id DESC LIMIT ?",
        (*row_range(domain), most),
    )


def newest_objects(
    connection: Connection, domain: int, name: str, most: int, *, rows: tuple[int, int]
) -> Iterator[Body]:
    """Read the objects of a type that were put last, the latest first.

    Args:
        connection: the open transaction.
        domain: the id of the domain.
        name: the object type.
        most: the number of objects.
        rows: the highest row of the domain, and how many rows before it are searched. There is no
            index by type.
    """
    first, last = row_range(domain)
    highest, searched = rows
    yield from connection.execute(
        "SELECT ingested, body FROM objects WHERE id BETWEEN ? AND ? AND type = ? "
        "ORDER BY id DESC LIMIT ?",
        (max(first, highest - searched), last, name, most),
    )

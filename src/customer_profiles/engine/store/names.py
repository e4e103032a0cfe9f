"""Names in a database file, read without opening it as an engine does: nothing is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from .database import APPLICATION_ID

if TYPE_CHECKING:
    import os

_DOMAINS = "SELECT name FROM domains ORDER BY name"
_OBJECT_TYPES = (
    "SELECT object_types.name FROM object_types JOIN domains ON domains.id = domain "
    "WHERE domains.name = ? ORDER BY object_types.name"
)


def domain_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of a file's domains; none if it is no readable database of ours."""
    return _names(path, _DOMAINS)


def object_type_names(path: str | os.PathLike[str], domain: str) -> list[str]:
    """Return the names of a domain's object types; none if they cannot be read."""
    return _names(path, _OBJECT_TYPES, domain)


def _names(path: str | os.PathLike[str], query: str, *values: str) -> list[str]:
    file = Path(path).absolute()
    if not file.is_file():
        return []
    # Without a write-ahead log nobody has the file open, and SQLite need not create one to read.
    has_log = file.with_name(f"{file.name}-wal").exists()
    uri = f"{file.as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0.2)) as connection:
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            if owner != APPLICATION_ID:
                return []
            return [name for (name,) in connection.execute(query, values)]
    except sqlite3.Error:
        return []

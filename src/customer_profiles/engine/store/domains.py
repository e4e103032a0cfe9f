"""Domains: their settings and their counters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json

from .rows import ROW_BITS, row_range

if TYPE_CHECKING:
    from .database import Connection


class Domain(NamedTuple):
    """A stored domain."""

    id: int
    name: str
    settings: dict[str, Any]
    """The members that requests set, under the service's names."""
    created: float
    updated: float


class DomainRow(NamedTuple):
    """The columns of a domain that most operations on profiles need."""

    id: int
    expiration_days: int
    last_row: int
    """The highest id of a profile's row in the domain."""
    created: float
    feed: int
    """Who reads the domain's changes, as bits; 0 if none are recorded."""


class Counts(NamedTuple):
    """A domain's counters."""

    profiles: int
    objects: int
    bytes: int


_COLUMNS = "id, name, settings, created, updated"


def count_domains(connection: Connection) -> int:
    """Count the domains."""
    return int(connection.execute("SELECT count(*) FROM domains").fetchone()[0])


def insert(connection: Connection, name: str, settings: dict[str, Any], now: float) -> None:
    """Store a new domain."""
    domain = connection.execute(
        "INSERT INTO domains (name, settings, expiration_days, created, updated, last_row) "
        "VALUES (?, ?, ?, ?, ?, 0)",
        (name, json.dumps(settings), settings["DefaultExpirationDays"], now, now),
    ).lastrowid
    # No row is used yet; the next one is the first row of the domain's range.
    connection.execute(
        f"UPDATE domains SET last_row = id << {ROW_BITS} WHERE id = ?",  # noqa: S608
        (domain,),
    )


def replace(connection: Connection, domain: int, settings: dict[str, Any], now: float) -> None:
    """Replace a domain's settings."""
    connection.execute(
        "UPDATE domains SET settings = ?, expiration_days = ?, updated = ? WHERE id = ?",
        (json.dumps(settings), settings["DefaultExpirationDays"], now, domain),
    )


def find(connection: Connection, name: str) -> Domain | None:
    """Read a domain by its name."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM domains WHERE name = ?",  # noqa: S608 - a constant
        (name,),
    ).fetchone()
    return row and _domain(row)


def settings_of(connection: Connection, domain: int) -> dict[str, Any]:
    """Read a domain's settings by its id."""
    row = connection.execute("SELECT settings FROM domains WHERE id = ?", (domain,)).fetchone()
    settings: dict[str, Any] = from_json(row[0])
    return settings


def row_of(connection: Connection, domain: int) -> DomainRow:
    """Read a domain that exists, without its settings, by its id."""
    row = connection.execute(
        "SELECT id, expiration_days, last_row, created, feed FROM domains WHERE id = ?", (domain,)
    ).fetchone()
    return DomainRow(*row)


def find_row(connection: Connection, name: str) -> DomainRow | None:
    """Read the columns of a domain that most operations on profiles need."""
    row = connection.execute(
        "SELECT id, expiration_days, last_row, created, feed FROM domains WHERE name = ?", (name,)
    ).fetchone()
    return row and DomainRow(*row)


def page(connection: Connection, after: str, limit: int) -> list[Domain]:
    """Read domains in the order of their names."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM domains WHERE name > ? ORDER BY name LIMIT ?",  # noqa: S608
        (after, limit),
    )
    return [_domain(row) for row in rows]


def with_matching(connection: Connection) -> list[Domain]:
    """Read the domains whose machine matching is enabled."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM domains "  # noqa: S608 - a constant
        "WHERE json_extract(settings, '$.Matching.Enabled')"
    )
    return [_domain(row) for row in rows.fetchall()]


def _domain(row: Any) -> Domain:
    identity, name, settings, created, updated = row
    return Domain(identity, name, from_json(settings), created, updated)


def counts(connection: Connection, domain: int) -> Counts:
    """Read the counters; every write keeps them up to date, so nothing is counted here."""
    row = connection.execute(
        "SELECT profile_count, object_count, total_size FROM domains WHERE id = ?", (domain,)
    ).fetchone()
    return Counts(*row)


def count_further(connection: Connection, domain: int) -> int:
    """Return how often profiles count once more, which they do for each hundred objects."""
    row = connection.execute(
        "SELECT total((objects - 1) / 100) FROM profiles WHERE domain = ? AND objects > 100",
        (domain,),
    )
    return int(row.fetchone()[0])


def count_rows(connection: Connection, domain: int, last_row: int, more: Counts) -> None:
    """Add to the counters, and store the highest id of a profile's row."""
    connection.execute(
        "UPDATE domains SET last_row = ?, profile_count = profile_count + ?, "
        "object_count = object_count + ?, total_size = total_size + ? WHERE id = ?",
        (last_row, *more, domain),
    )


def count(connection: Connection, domain: int, more: Counts) -> None:
    """Add to the counters; negative numbers subtract."""
    connection.execute(
        "UPDATE domains SET profile_count = profile_count + ?, object_count = object_count + ?, "
        "total_size = total_size + ? WHERE id = ?",
        (*more, domain),
    )


# A column with one of these names holds row numbers, and a column named domain a domain's id.
# Profiles come after the tables of their rows, so that triggers have nothing left to update.
_CLEARED_TABLES = """
SELECT tables.name, min(columns.name) AS "column"
FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND columns.name IN ('domain', 'holder', 'profile')
AND tables.name <> 'pending_work' GROUP BY tables.name ORDER BY "column" = 'domain', tables.name
"""
# Tables without an index by domain or row number, with their primary keys, in whose order they are
# scanned. Rows of fresh_keys can move to keys, which is scanned later.
_SCANNED = {
    "dead_letters": "id",
    "fresh_keys": "slot, holder",
    "identity_keys": "key, profile",
    "inbox": "id",
    "keys": "slot, holder",
}


def delete(connection: Connection, domain: int) -> None:
    """Remove a domain, and all rows of it that can be found without its name.

    Its other rows, which nothing reads any more, are removed by `remove_rows` in steps.
    """
    read_by_all = ("integrations", "pending_work", "rule_domains", "identity_indexes", "feeds")
    # Without its row, the file of an upload job is not imported, and is removed.
    for table in (*read_by_all, "consumers", "upload_jobs"):
        connection.execute(f"DELETE FROM {table} WHERE domain = ?", (domain,))  # noqa: S608
    connection.execute("DELETE FROM domains WHERE id = ?", (domain,))


def remove_rows(
    connection: Connection, domain: int, position: list[Any], limit: int
) -> list[Any] | None:
    """Remove up to `limit` rows of a deleted domain, or scan as many rows for them.

    A table belongs to domains if it has a column `domain`, or a column `profile` or `holder` with
    row numbers.

    Args:
        connection: the open transaction.
        domain: the id of the domain.
        position: the table and the primary key after which to continue; empty at the beginning.
        limit: how many rows a step may remove and scan.

    Returns:
        The position of the next step; None if no row is left.
    """
    tables = connection.execute(_CLEARED_TABLES).fetchall()
    names = [name for name, _ in tables]
    start = names.index(position[0]) if position else 0
    after = position[1:]
    for table, column in tables[start:]:
        within = (column, *row_range(domain)) if column != "domain" else (column, domain, domain)
        if table in {"objects", "profiles"}:
            within = ("id", *row_range(domain))
        if table in _SCANNED:
            count, after = _remove_scanned(connection, table, within, after, limit)
        else:
            count, after = _remove_indexed(connection, table, within, limit), []
        limit -= count
        if limit <= 0:
            return [table, *after]
        after = []
    return None


def _remove_scanned(
    connection: Connection, table: str, within: tuple[str, int, int], after: list[Any], limit: int
) -> tuple[int, list[Any]]:
    """Scan `limit` rows after a primary key; return the work done and the last key, if any."""
    column, *bounds = within
    key = _SCANNED[table]
    marks = ", ".join("?" * len(key.split(", ")))
    beyond = f"({key}) > ({marks})" if after else "TRUE"
    last = connection.execute(
        f"SELECT {key} FROM {table} WHERE {beyond} ORDER BY {key} LIMIT 1 OFFSET ?",  # noqa: S608
        (*after, limit - 1),
    ).fetchone()
    until = f"({key}) <= ({marks})" if last else "TRUE"
    removed = connection.execute(
        f"DELETE FROM {table} WHERE {beyond} AND {until} AND {column} BETWEEN ? AND ?",  # noqa: S608
        (*after, *(last or ()), *bounds),
    ).rowcount
    return (limit, list(last)) if last else (removed, [])


def _remove_indexed(
    connection: Connection, table: str, within: tuple[str, int, int], limit: int
) -> int:
    """Remove up to `limit` rows of a table with an index; return how many were removed."""
    column, *bounds = within
    key = ", ".join(
        name
        for (name,) in connection.execute(
            "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,)
        )
    )
    return connection.execute(
        f"DELETE FROM {table} WHERE ({key}) IN "  # noqa: S608 - from the schema
        f"(SELECT {key} FROM {table} WHERE {column} BETWEEN ? AND ? LIMIT ?)",
        (*bounds, limit),
    ).rowcount

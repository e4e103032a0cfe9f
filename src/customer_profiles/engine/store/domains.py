"""Domains: their settings and their counters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from . import rule_matches
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
    settings: dict[str, Any] = json.loads(row[0])
    return settings


def find_row(connection: Connection, name: str) -> DomainRow | None:
    """Read the columns of a domain that most operations on profiles need."""
    row = connection.execute(
        "SELECT id, expiration_days, last_row, created FROM domains WHERE name = ?", (name,)
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
    return Domain(identity, name, json.loads(settings), created, updated)


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


def count_new_profile(connection: Connection, row: int, domain: int, size: int) -> None:
    """Count a new profile, whose row has the highest id."""
    count_rows(connection, domain, row, Counts(1, 0, size))


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
_CLEARED_TABLES = """
SELECT tables.name, min(columns.name) AS "column"
FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND columns.name IN ('domain', 'holder', 'profile')
GROUP BY tables.name ORDER BY "column" = 'domain'
"""


def delete(connection: Connection, domain: int) -> None:
    """Remove a domain and every row of every table that belongs to it.

    A table belongs to domains if it has a column `domain`, or a column `profile` or `holder` with
    row numbers.
    """
    rule_matches.drop_domain(connection, domain)
    # Profiles come after the tables of their rows, so that triggers have nothing left to update.
    for table, column in connection.execute(_CLEARED_TABLES).fetchall():
        bounds = (domain, domain) if column == "domain" else row_range(domain)
        connection.execute(
            f"DELETE FROM {table} WHERE {column} BETWEEN ? AND ?",  # noqa: S608 - from the schema
            bounds,
        )
    connection.execute("DELETE FROM domains WHERE id = ?", (domain,))

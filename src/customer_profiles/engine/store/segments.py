"""Scans of profiles by the conditions of segments, and the state of estimates and snapshots."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from . import conditions
from .rows import json_list, row_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .conditions import Query
    from .database import Connection

_IN_RANGE = "id BETWEEN :first AND :last AND domain = :domain AND expires > :now"


class Rows(NamedTuple):
    """A range of a domain's rows, at a time."""

    domain: int
    first: int
    last: int
    now: float


class Estimate(NamedTuple):
    """The number of profiles that match a query, or the reason why there is none."""

    estimate_id: str
    query: dict[str, Any]
    created: float
    status: str
    estimate: int | None = None
    message: str | None = None


class Snapshot(NamedTuple):
    """A snapshot of a segment's members in files."""

    segment: str
    snapshot_id: str
    request: dict[str, Any]
    created: float
    status: str
    message: str | None = None


def ranges(domain: int, last_row: int, size: int, most: int, now: float) -> list[Rows]:
    """Divide the used rows of a domain into up to `most` ranges of at least `size` rows."""
    first, _ = row_range(domain)
    step = max(size, (last_row - first) // most + 1)
    return [
        Rows(domain, start, min(start + step - 1, last_row), now)
        for start in range(first, last_row + 1, step)
    ]


def count(connection: Connection, query: Query, rows: Rows) -> int:
    """Count the profiles in a range that surely match."""
    conditions.prepare(connection, query)
    found = connection.execute(
        f"SELECT count(*) FROM profiles WHERE {_IN_RANGE} AND {query.surely}",  # noqa: S608
        rows._asdict() | query.parameters,
    )
    return int(found.fetchone()[0])


def matching(
    connection: Connection, query: Query, rows: Rows, limit: int = -1
) -> list[tuple[int, bool]]:
    """Read the rows of profiles in a range that may match, and whether they surely do, in order."""
    conditions.prepare(connection, query)
    found = connection.execute(
        f"SELECT id, {query.surely} FROM profiles "  # noqa: S608 - written from conditions
        f"WHERE {_IN_RANGE} AND {query.may} ORDER BY id LIMIT :limit",
        rows._asdict() | query.parameters | {"limit": limit},
    )
    return [(row, bool(surely)) for row, surely in found]


def uncertain(connection: Connection, query: Query, rows: Rows) -> list[int]:
    """Read the rows of profiles in a range that match or not by their open conditions."""
    conditions.prepare(connection, query)
    found = connection.execute(
        f"SELECT id FROM profiles "  # noqa: S608 - written from conditions
        f"WHERE {_IN_RANGE} AND {query.may} AND NOT {query.surely}",
        rows._asdict() | query.parameters,
    )
    return [row for (row,) in found]


def profiles(
    connection: Connection, rows: Iterable[int], now: float
) -> list[tuple[int, bytes, bytes]]:
    """Read the rows, ids and bodies of profiles that have not expired, in the order of `rows`."""
    found = connection.execute(
        "SELECT profiles.id, profile_id, body FROM json_each(:rows) AS listed "
        "CROSS JOIN profiles ON profiles.id = listed.value WHERE expires > :now "
        "ORDER BY listed.key",
        {"rows": json_list(rows), "now": now},
    )
    return found.fetchall()


def put_estimate(connection: Connection, domain: int, estimate: Estimate) -> None:
    """Store an estimate; it replaces an earlier state of it."""
    connection.execute(
        "INSERT OR REPLACE INTO segment_estimates "
        "(domain, estimate_id, query, created, status, estimate, message) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (domain, *estimate._replace(query=json.dumps(estimate.query))),  # type: ignore[arg-type]
    )


def find_estimate(
    connection: Connection, domain: int, estimate_id: str, since: float
) -> Estimate | None:
    """Read an estimate that is not older than `since`."""
    row = connection.execute(
        "SELECT estimate_id, query, created, status, estimate, message FROM segment_estimates "
        "WHERE domain = ? AND estimate_id = ? AND created > ?",
        (domain, estimate_id, since),
    ).fetchone()
    return row and Estimate(row[0], json.loads(row[1]), *row[2:])


def remove_estimates(connection: Connection, domain: int, until: float) -> None:
    """Remove the estimates of a domain that are as old as `until`."""
    connection.execute(
        "DELETE FROM segment_estimates WHERE domain = ? AND created <= ?", (domain, until)
    )


def put_snapshot(connection: Connection, domain: int, snapshot: Snapshot) -> None:
    """Store a snapshot; it replaces an earlier state of it."""
    connection.execute(
        "INSERT OR REPLACE INTO segment_snapshots "
        "(domain, segment, snapshot_id, request, created, status, message) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (domain, *snapshot._replace(request=json.dumps(snapshot.request))),  # type: ignore[arg-type]
    )


def find_snapshot(
    connection: Connection, domain: int, segment: str, snapshot_id: str
) -> Snapshot | None:
    """Read a snapshot of a segment."""
    row = connection.execute(
        "SELECT segment, snapshot_id, request, created, status, message FROM segment_snapshots "
        "WHERE domain = ? AND segment = ? AND snapshot_id = ?",
        (domain, segment, snapshot_id),
    ).fetchone()
    return row and Snapshot(row[0], row[1], json.loads(row[2]), *row[3:])


def count_snapshots(connection: Connection, domain: int, since: float) -> int:
    """Count the snapshots of a domain that were made after a time."""
    row = connection.execute(
        "SELECT count(*) FROM segment_snapshots WHERE domain = ? AND created > ?", (domain, since)
    )
    return int(row.fetchone()[0])


def remove_snapshots(connection: Connection, domain: int, segment: str) -> None:
    """Remove all snapshots of a segment, with the files that are still to be written."""
    connection.execute(
        "DELETE FROM segment_parts WHERE domain = :domain AND snapshot_id IN (SELECT snapshot_id "
        "FROM segment_snapshots WHERE domain = :domain AND segment = :segment)",
        {"domain": domain, "segment": segment},
    )
    connection.execute(
        "DELETE FROM segment_snapshots WHERE domain = ? AND segment = ?", (domain, segment)
    )


def put_parts(
    connection: Connection, domain: int, snapshot_id: str, parts: Sequence[Sequence[int]]
) -> None:
    """Store the members of the files of a snapshot."""
    connection.executemany(
        "INSERT OR REPLACE INTO segment_parts (domain, snapshot_id, part, members) "
        "VALUES (?, ?, ?, ?)",
        [
            (domain, snapshot_id, number, json_list(members))
            for number, members in enumerate(parts)
        ],
    )  # fmt: skip


def part(connection: Connection, domain: int, snapshot_id: str, number: int) -> list[int]:
    """Read the members of a file of a snapshot; none if it is not there."""
    row = connection.execute(
        "SELECT members FROM segment_parts WHERE domain = ? AND snapshot_id = ? AND part = ?",
        (domain, snapshot_id, number),
    ).fetchone()
    return [] if row is None else json.loads(row[0])


def remove_parts(
    connection: Connection, domain: int, snapshot_id: str, number: int | None = None
) -> None:
    """Remove the members of a file of a snapshot, or of all its files."""
    connection.execute(
        "DELETE FROM segment_parts WHERE domain = :domain AND snapshot_id = :snapshot "
        "AND (:number IS NULL OR part = :number)",
        {"domain": domain, "snapshot": snapshot_id, "number": number},
    )

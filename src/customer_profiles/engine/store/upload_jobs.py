"""Upload jobs: files of customers that are imported once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from .rows import row_range

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .database import Connection

CREATED, IN_PROGRESS, STOPPED = "CREATED", "IN_PROGRESS", "STOPPED"
SUCCEEDED, PARTIALLY_SUCCEEDED, FAILED = "SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED"
NEWEST = 1 << 62
"""The position before the first page of a list."""


class Results(NamedTuple):
    """How many rows of a file had which outcome."""

    updated: int = 0
    created: int = 0
    failed: int = 0


class UploadJob(NamedTuple):
    """A job."""

    id: int
    domain: int
    job_id: str
    name: str
    fields: dict[str, Any]
    """The mapping, as the service has it."""
    unique_key: str
    expiry_days: int
    status: str
    reason: str | None
    created: float
    completed: float | None
    valid_until: float | None
    """The time until which its latest address accepts a file; None before the first one."""
    results: Results


_COLUMNS = (
    "id, domain, job_id, name, fields, unique_key, expiry_days, status, reason, created, "
    "completed, valid_until, updated_rows, created_rows, failed_rows"
)


def insert(connection: Connection, job: UploadJob) -> None:
    """Store a new job under a new id."""
    connection.execute(
        "INSERT INTO upload_jobs (domain, job_id, name, fields, unique_key, expiry_days, status, "
        "created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(job.domain, job.job_id, job.name, json.dumps(job.fields)),
            *(job.unique_key, job.expiry_days, job.status, job.created),
        ),
    )


def find(connection: Connection, job_id: str) -> UploadJob | None:
    """Read a job of any domain."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM upload_jobs WHERE job_id = ?",  # noqa: S608 - a constant
        (job_id,),
    ).fetchone()
    return row and _job(row)


def page(connection: Connection, domain: int, before: int, limit: int) -> list[UploadJob]:
    """Read the jobs of a domain below an id, the newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM upload_jobs "  # noqa: S608 - a constant
        "WHERE domain = ? AND id < ? ORDER BY id DESC LIMIT ?",
        (domain, before, limit),
    )
    return [_job(row) for row in rows.fetchall()]


def waiting(connection: Connection, job_ids: Collection[str]) -> dict[str, UploadJob]:
    """Read those of the jobs that are not over."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM upload_jobs "  # noqa: S608 - a constant
        "WHERE job_id IN (SELECT value FROM json_each(?)) AND status IN (?, ?)",
        (json.dumps([*job_ids]), CREATED, IN_PROGRESS),
    )
    return {job.job_id: job for job in map(_job, rows.fetchall())}


def waiting_in(connection: Connection, domain: int) -> list[str]:
    """Return the jobs of a domain whose file may have been uploaded and is not imported yet."""
    rows = connection.execute(
        "SELECT job_id FROM upload_jobs WHERE domain = ? AND status IN (?, ?) "
        "AND valid_until IS NOT NULL",
        (domain, CREATED, IN_PROGRESS),
    )
    return [job_id for (job_id,) in rows.fetchall()]


def change(connection: Connection, job: UploadJob, **values: str | float | None) -> None:
    """Set columns of a job."""
    names = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE upload_jobs SET {names} WHERE id = ?",  # noqa: S608 - names of columns
        (*values.values(), job.id),
    )


def add_results(connection: Connection, job: UploadJob, more: Results) -> None:
    """Add to the counters of a job."""
    connection.execute(
        "UPDATE upload_jobs SET updated_rows = updated_rows + ?, created_rows = created_rows + ?, "
        "failed_rows = failed_rows + ? WHERE id = ?",
        (*more, job.id),
    )


def rows_with_text(
    connection: Connection, domain: int, path: tuple[str, ...], now: float
) -> Iterator[tuple[int, str]]:
    """Iterate over the profiles of a domain that have a text at a path: their rows and texts.

    It reads all profiles of the domain.
    """
    member = json.dumps(path[-1], ensure_ascii=False)
    steps = "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in path)
    yield from connection.execute(
        # The first condition is cheap, and leaves out most profiles without a value.
        "SELECT id, json_extract(CAST(body AS TEXT), :path) AS text FROM profiles "
        "WHERE id BETWEEN :first AND :last AND instr(body, CAST(:member AS BLOB)) "
        "AND expires > :now AND text IS NOT NULL",
        {
            **dict(zip(("first", "last"), row_range(domain), strict=True)),
            "path": f"${steps}",
            "member": member,
            "now": now,
        },
    )


def _job(row: Any) -> UploadJob:
    *values, updated, created, failed = row
    job: UploadJob = UploadJob._make([*values, Results(updated, created, failed)])
    return job._replace(fields=json.loads(row[4]))

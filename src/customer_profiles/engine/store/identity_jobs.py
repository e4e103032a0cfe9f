"""Identity-resolution jobs: runs of the machine-learning-based matching."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .database import Connection

FINISHED = ("COMPLETED", "PARTIAL_SUCCESS", "FAILED")


class Job(NamedTuple):
    """A job."""

    id: int
    domain: int
    job_id: str
    status: str
    message: str | None
    started: float
    ended: float | None
    updated: float
    settings: dict[str, Any]
    """The domain's Matching when the job began."""
    reviewed: int
    found: int
    merged: int


_COLUMNS = ", ".join(Job._fields)


def insert(connection: Connection, job: Job, heartbeat: float) -> None:
    """Store a new job under a new id."""
    values = job._asdict() | {"settings": json.dumps(job.settings), "heartbeat": heartbeat}
    del values["id"]
    names, placeholders = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO identity_jobs ({names}) VALUES ({placeholders})",  # noqa: S608
        (*values.values(),),
    )


def change(connection: Connection, job_id: str, **values: str | float | None) -> None:
    """Set columns of a job."""
    names = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE identity_jobs SET {names} WHERE job_id = ?",  # noqa: S608 - names of columns
        (*values.values(), job_id),
    )


def count_merges(connection: Connection, job_id: str, count: int) -> None:
    """Add to the number of merges that a job has done."""
    connection.execute(
        "UPDATE identity_jobs SET merged = merged + ? WHERE job_id = ?", (count, job_id)
    )


def find(connection: Connection, domain: int, job_id: str) -> Job | None:
    """Read a job by its id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM identity_jobs "  # noqa: S608 - a constant
        "WHERE domain = ? AND job_id = ?",
        (domain, job_id),
    ).fetchone()
    return row and _job(row)


def page(connection: Connection, domain: int, before: int, limit: int) -> list[Job]:
    """Read the jobs of a domain with an id below `before`, the latest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM identity_jobs "  # noqa: S608 - a constant
        "WHERE domain = ? AND id < ? ORDER BY id DESC LIMIT ?",
        (domain, before, limit),
    )
    return [_job(row) for row in rows.fetchall()]


def stale(connection: Connection, since: float) -> list[str]:
    """Return the ids of unfinished jobs without a heartbeat since a time."""
    rows = connection.execute(
        "SELECT job_id FROM identity_jobs WHERE status NOT IN (?, ?, ?) AND heartbeat < ?",
        (*FINISHED, since),
    )
    return [job_id for (job_id,) in rows.fetchall()]


def is_running(connection: Connection, domain: int) -> bool:
    """Return whether a domain has an unfinished job."""
    row = connection.execute(
        "SELECT 1 FROM identity_jobs WHERE domain = ? AND status NOT IN (?, ?, ?) LIMIT 1",
        (domain, *FINISHED),
    )
    return row.fetchone() is not None


def remove_ended(connection: Connection, before: float) -> None:
    """Remove the jobs that ended before a time."""
    connection.execute("DELETE FROM identity_jobs WHERE ended < ?", (before,))


def _job(row: Any) -> Job:
    job = Job(*row)
    return job._replace(settings=json.loads(str(job.settings)))

"""Runs of the machine matching."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .database import Connection

OVER = ("COMPLETED", "PARTIAL_SUCCESS", "FAILED")


class Job(NamedTuple):
    """A run."""

    id: int
    domain: int
    job_id: str
    status: str
    message: str | None
    started: float
    ended: float | None
    updated: float
    settings: dict[str, Any]
    """The domain's Matching as it was when the run began."""
    reviewed: int
    found: int
    merged: int


_COLUMNS = ", ".join(Job._fields)


def insert(connection: Connection, job: Job, heartbeat: float) -> None:
    """Store a new run; it gets an id."""
    values = job._replace(settings=json.dumps(job.settings))[1:]  # type: ignore[arg-type]
    names = ", ".join(Job._fields[1:])
    places = ", ".join("?" * (len(values) + 1))
    connection.execute(
        f"INSERT INTO identity_jobs ({names}, heartbeat) VALUES ({places})",  # noqa: S608
        (*values, heartbeat),
    )


def change(connection: Connection, job_id: str, **values: Any) -> None:
    """Set columns of a run."""
    names = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE identity_jobs SET {names} WHERE job_id = ?",  # noqa: S608 - our own names
        (*values.values(), job_id),
    )


def count_merges(connection: Connection, job_id: str, done: int) -> None:
    """Add to the number of merges that a run has done."""
    connection.execute(
        "UPDATE identity_jobs SET merged = merged + ? WHERE job_id = ?", (done, job_id)
    )


def find(connection: Connection, domain: int, job_id: str) -> Job | None:
    """Read a run by its id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM identity_jobs "  # noqa: S608 - a constant
        "WHERE domain = ? AND job_id = ?",
        (domain, job_id),
    ).fetchone()
    return row and _job(row)


def page(connection: Connection, domain: int, before: int, limit: int) -> list[Job]:
    """Read the runs of a domain, the latest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM identity_jobs "  # noqa: S608 - a constant
        "WHERE domain = ? AND id < ? ORDER BY id DESC LIMIT ?",
        (domain, before, limit),
    )
    return [_job(row) for row in rows.fetchall()]


def unfinished(connection: Connection, since: float) -> list[str]:
    """Give the ids of runs that are not over and gave no sign of life since a time."""
    rows = connection.execute(
        "SELECT job_id FROM identity_jobs WHERE status NOT IN (?, ?, ?) AND heartbeat < ?",
        (*OVER, since),
    )
    return [job_id for (job_id,) in rows.fetchall()]


def is_running(connection: Connection, domain: int) -> bool:
    """Say whether a run of a domain is not over."""
    row = connection.execute(
        "SELECT 1 FROM identity_jobs WHERE domain = ? AND status NOT IN (?, ?, ?) LIMIT 1",
        (domain, *OVER),
    )
    return row.fetchone() is not None


def forget(connection: Connection, now: float, life: float) -> None:
    """Remove runs that were over so many seconds ago."""
    connection.execute("DELETE FROM identity_jobs WHERE ended < ?", (now - life,))


def _job(row: Any) -> Job:
    job = Job(*row)
    return job._replace(settings=json.loads(str(job.settings)))

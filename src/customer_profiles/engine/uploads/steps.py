"""The steps of an import: getting and checking the file, importing rows, and cleaning up.

What reads a whole file or waits for S3 runs outside of transactions. Rows are imported some at a
time, in the transaction that also stores the counters and the position in the file.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import AwsError, MissingFileError
from customer_profiles.engine.events import streams
from customer_profiles.engine.loading import pace
from customer_profiles.engine.matching import rules
from customer_profiles.engine.store import domains, pending_work, rule_matches
from customer_profiles.engine.store import upload_jobs as store
from customer_profiles.engine.store.database import StorageError

from . import location, reading, spool
from .fields import compile_fields
from .importing import Import

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.pending_work import Work
    from customer_profiles.engine.store.upload_jobs import Results, UploadJob

    from .fields import Plan
    from .reading import Row

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_INVALID, _INTERNAL = "VALIDATION_FAILURE", "INTERNAL_FAILURE"
_PACE, _FIRST = "upload", 500
# Rows of a step in a domain with rules, and of one that reads all profiles of the domain.
_ROWS_WITH_RULES, _ROWS_OF_A_SCAN = 50, 5_000
_STALE_SECONDS = 3_600
"""The age at which a file that was not received to its end is removed."""


def begin(connection: Connection, job: UploadJob) -> None:
    """Mark a job as started, and store its work."""
    store.change(connection, job, status=store.IN_PROGRESS)
    pending_work.add(connection, job.domain, pending_work.UPLOAD, {"job": job.job_id})


def stop(context: Context, connection: Connection, job: UploadJob) -> None:
    """Mark a job as stopped; its work finds that and ends."""
    _end(context, connection, job, store.STOPPED)


def step(context: Context, connection: Connection, work: Work) -> Wire | None:
    """Import the next rows of a job; return the work if its file is not checked yet."""
    job = store.find(connection, work.detail["job"])
    if job is None or job.status != store.IN_PROGRESS:
        return None
    if "position" not in work.detail:
        return work.detail
    try:
        position = _import(context, connection, job, work.detail["position"])
    except (OSError, UnicodeDecodeError, reading.FileProblem) as error:
        # The file was whole when it was checked.
        _fail(context, connection, job, _INTERNAL, type(error).__name__)
        return None
    if position is None:
        _finish(context, connection, job)
    else:
        # Under a new id, so that other work gets its turn between two steps of a long import.
        detail = {"job": job.job_id, "position": position}
        pending_work.add(connection, work.domain, pending_work.UPLOAD, detail)
    return None


def after_step(context: Context, work: Work) -> None:
    """Do what must be outside of the transaction of a step: check the file, or clean up."""
    if readers := context.database.take_changed_feeds():
        streams.changed(context, readers)
    with context.database.read() as connection:
        job = store.find(connection, work.detail["job"])
    if job is None or job.status != store.IN_PROGRESS:
        clean(context, [work.detail["job"]])
    elif "position" not in work.detail:
        # By one thread: several would get the same file from a bucket.
        with context.spool.checking:
            _prepare(context, job, work)


def clean(context: Context, job_ids: list[str]) -> None:
    """Remove the files of jobs that are over."""
    for job_id in job_ids if context.spool.files() else ():
        context.spool.file(job_id).unlink(missing_ok=True)
    location.remove(context, job_ids)


def sweep(context: Context) -> None:
    """Remove files whose job is over or was deleted, and those that are kept for too long."""
    files = context.spool.files()
    if not files:
        return
    with context.database.read() as connection:
        jobs = store.waiting(connection, {spool.job_of(file) for file in files})
    now = context.clock.now()
    for file in files:
        if _is_stale(file, jobs.get(spool.job_of(file)), now):
            # What cannot be removed now is found again.
            with suppress(OSError):
                file.unlink()


def _is_stale(file: Path, job: UploadJob | None, now: float) -> bool:
    if job is None:
        return True
    if file.suffix == spool.PART:
        with suppress(FileNotFoundError):
            return time.time() - file.stat().st_mtime > _STALE_SECONDS
        return False
    until = (job.valid_until or job.created) + spool.KEPT_SECONDS
    return job.status == store.CREATED and until < now


def _prepare(context: Context, job: UploadJob, work: Work) -> None:
    """Get and check the file of a job, and store the position of its first row, or why it fails."""
    with context.database.read() as connection:
        if not pending_work.is_current(connection, work):
            return
    reason, problem, position = "", "", None
    try:
        file = _local_file(context, job)
        limit = context.quotas.upload_bytes
        position = reading.check(file, _plan(job), limit, context.closing.is_set)
    except (FileNotFoundError, MissingFileError):
        reason, problem = _INVALID, "no file was uploaded"
    except reading.FileProblem as error:
        reason, problem = _INVALID, str(error)
    except (OSError, AwsError, StorageError) as error:
        reason, problem = _INTERNAL, f"its file cannot be read ({error})"
    if position is None and not problem:
        return  # The engine is being closed; its next process begins again.
    with context.database.write() as connection:
        stored = store.find(connection, job.job_id)
        # The job may be stopped, and another process may have done the same.
        if stored is None or not pending_work.is_current(connection, work):
            return
        if position is not None:
            pending_work.update(connection, work, {"job": job.job_id, "position": position})
        elif stored.status == store.IN_PROGRESS:
            _fail(context, connection, stored, reason, problem)


def _local_file(context: Context, job: UploadJob) -> Path:
    file = context.spool.file(job.job_id)
    folder = location.parse(context.upload_uri)
    if folder is not None and not file.exists():
        descriptor, part = context.spool.new_part(job.job_id)
        key, limit = spool.key_of(context, job.job_id), context.quotas.upload_bytes
        try:
            context.aws.download(folder.bucket, folder.key(job.job_id), key, descriptor, limit)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    return file


def _plan(job: UploadJob) -> Plan:
    return compile_fields(job.fields, job.unique_key)


def _import(context: Context, connection: Connection, job: UploadJob, position: int) -> int | None:
    """Import the next rows from a position on; return the position after them, None at the end."""
    plan = _plan(job)
    has_rules = rule_matches.domain(connection, job.domain) is not None
    if has_rules:
        most = _ROWS_WITH_RULES
    elif plan.unique.search_key is None:
        most = _ROWS_OF_A_SCAN
    else:
        most = context.pace.get(_PACE, _FIRST)
    with context.spool.file(job.job_id).open("rb") as stream:
        names, _ = reading.header(stream)
        found = list(islice(reading.rows(stream, position), most))
    used = {field.column for field in plan.fields}
    rows: list[dict[str, str]] = []
    failed = 0
    for row in found:
        record = _record(row, names)
        if record is None:
            failed += row.records
        else:
            rows.append({name: record[name] for name in used if name in record})
    store.add_results(connection, job, store.Results(0, 0, failed))
    with pace.measured(context, _PACE, 0 if has_rules else len(rows)):
        # Profiles match by rules as they are written, which depends on the order of all writes.
        for part in [[row] for row in rows] if has_rules else [rows]:
            domain = domains.row_of(connection, job.domain)
            results = Import(context, connection, job, domain, plan).all(part)
            store.add_results(connection, job, results)
            while has_rules and rules.apply_some(context, connection):
                pass
    return found[-1].end if len(found) == most else None


def _record(row: Row, names: Sequence[str]) -> dict[str, str] | None:
    """Return the values of a row by column; None if it is no record."""
    # Assumed: a row with more values than the header has columns is a failed record.
    if row.cells is None or len(row.cells) > len(names):
        return None
    return dict(zip(names, row.cells, strict=False))


def _finish(context: Context, connection: Connection, job: UploadJob) -> None:
    """Store the state in which an import ends."""
    stored = store.find(connection, job.job_id)
    results: Results = job.results if stored is None else stored.results
    if not results.failed:
        _end(context, connection, job, store.SUCCEEDED)
    elif results.updated or results.created:
        _end(context, connection, job, store.PARTIALLY_SUCCEEDED)
    else:
        # Assumed: an upload job of whose records none could be imported is FAILED.
        _fail(context, connection, job, _INVALID, "none of its records could be imported")


def _fail(
    context: Context, connection: Connection, job: UploadJob, reason: str, problem: str
) -> None:
    log.warning("upload job %s failed: %s", job.job_id, problem)
    _end(context, connection, job, store.FAILED, reason)


def _end(
    context: Context, connection: Connection, job: UploadJob, status: str, reason: str | None = None
) -> None:
    now = round(context.clock.now(), 3)
    store.change(connection, job, status=status, reason=reason, completed=now)

"""Runs of the machine matching: find, store, merge, export, one step after the other.

A run is a thread of the engine. Each step is stored when it is done, so whoever asks sees how far
the run is, and a run that is killed leaves what the one before it found.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.aws import AwsError
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import identity_jobs as store
from customer_profiles.engine.store import matches as match_store
from customer_profiles.engine.store.database import StorageError

from . import consolidation, export, machine, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.identity_jobs import Job

Wire = dict[str, Any]

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_BEAT, _DEAD = 5.0, 30.0
_INTERRUPTED = "The job was interrupted; what it stored and merged until then stays, start it again"
_CLOSED = "The engine was closed; what the job stored and merged until then stays, start it again"
# Assumed: the engine forgets a job 30 days after its end.
_LIFE = 30 * 86_400
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
# AG:how-identity-resolution-works: Saturday at midnight, UTC, unless it is told otherwise.
_DAY, _TIME = "SATURDAY", "00:00"
_WEEK = timedelta(days=7)


def start(context: Context, domain_name: str) -> str:
    """Begin a run of a domain's matching, and give its id.

    Raises:
        Refusal: there is no such domain, its matching is not enabled, or a run is not over.
    """
    bury(context)
    job_id = context.clock.new_profile_id()
    now = context.clock.now()
    with context.database.write() as connection:
        domain = domain_store.find(connection, domain_name)
        matching = domain.settings.get("Matching", {}) if domain else {}
        if domain is None or not matching.get("Enabled"):
            raise bad_request(
                f"Matching of domain {domain_name} is not enabled; enable it with UpdateDomain"
            )
        if store.is_running(connection, domain.id):
            # Assumed: a domain has one job at a time; starting another one is refused.
            raise bad_request(f"A job of domain {domain_name} is running; wait until it is over")
        store.forget(connection, now, _LIFE)
        job = store.Job(
            0, domain.id, job_id, "PENDING", None, now, None, now, matching, 0, 0, 0
        )  # fmt: skip
        store.insert(connection, job, time.time())
    run = _Run(context, domain.id, domain_name, job_id, matching)
    context.jobs[job_id] = thread = threading.Thread(target=run.go, name=f"identity-{job_id}")
    thread.daemon = True
    thread.start()
    return job_id


def bury(context: Context) -> None:
    """Say of runs that were killed that they failed."""
    with context.database.read() as connection:
        dead = store.unfinished(connection, time.time() - _DEAD)
    for job_id in set(dead) - set(context.jobs):
        _end(context, job_id, "FAILED", _INTERRUPTED)


def close(context: Context) -> None:
    """Let runs come to an end at their next step, and wait for that."""
    context.closing.set()
    for thread in list(context.jobs.values()):
        if thread is not threading.current_thread():
            thread.join()


def run_due(context: Context) -> None:
    """Run the matching of all domains whose time has come since they last ran; wait for it."""
    bury(context)
    with context.database.read() as connection:
        domains = domain_store.with_matching(connection)
        latest = {one.id: store.page(connection, one.id, 1 << 60, 1) for one in domains}
    for domain in domains:
        due = _due(domain.settings["Matching"].get("JobSchedule", {}), context.clock.now())
        # AG:how-identity-resolution-works: the first job runs within a day of enabling.
        # Assumed: it runs as soon as the schedule is looked at, and so does one that was cut short.
        done = [one for one in latest[domain.id] if one.message not in {_INTERRUPTED, _CLOSED}]
        if done and done[0].started >= due:
            continue
        try:
            job_id = start(context, domain.name)
        except Refusal as refusal:
            log.warning("the job of domain %s was not begun: %s", domain.name, refusal.message)
            continue
        thread = context.jobs.get(job_id)
        if thread is not None:
            thread.join()


def _due(schedule: Wire, now: float) -> float:
    """Give the latest moment of a weekly schedule that is not after now."""
    today = datetime.fromtimestamp(now, UTC)
    hour, _, minute = schedule.get("Time", _TIME).partition(":")
    moment = today.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    moment -= timedelta(
        days=(today.weekday() - _DAYS.index(schedule.get("DayOfTheWeek", _DAY))) % 7
    )
    return (moment if moment <= today else moment - _WEEK).timestamp()


def listed(domain_name: str, job: Job) -> Wire:
    """Describe a run as lists of runs do."""
    exporting = job.settings.get("ExportingConfig", {}).get("S3Exporting")
    if job.settings.get("AutoMerging", {}).get("Enabled"):
        # AG:enable-identity-resolution: nothing is exported where matches are merged.
        exporting = None
    location = {"S3Exporting": export.location(exporting, domain_name, job.job_id)}
    return {
        "DomainName": domain_name,
        "JobId": job.job_id,
        "Status": job.status,
        "JobStartTime": job.started,
        "JobStats": {
            "NumberOfProfilesReviewed": job.reviewed,
            "NumberOfMatchesFound": job.found,
            "NumberOfMergesDone": job.merged,
        },
        **({"JobEndTime": job.ended} if job.ended is not None else {}),
        **({"ExportingLocation": location} if exporting else {}),
        **({"Message": job.message} if job.message else {}),
    }


def described(domain_name: str, job: Job) -> Wire:
    """Describe a run."""
    merging = job.settings.get("AutoMerging")
    return {
        **listed(domain_name, job),
        "LastUpdatedAt": job.updated,
        "JobExpirationTime": (job.ended or job.started) + _LIFE,
        **({"AutoMerging": merging} if merging else {}),
    }


def _end(context: Context, job_id: str, status: str, message: str | None) -> None:
    now = context.clock.now()
    with context.database.write() as connection:
        if job_id not in store.unfinished(connection, math.inf):
            return
        store.change(connection, job_id, status=status, message=message, ended=now, updated=now)


class _StoppedError(Exception):
    """The run is not to go on; the message says why."""


class _Run:
    """One run."""

    def __init__(
        self, context: Context, domain: int, domain_name: str, job_id: str, matching: Wire
    ) -> None:
        self._context, self._domain, self._name = context, domain, domain_name
        self._job_id, self._matching = job_id, matching
        self._over = threading.Event()

    def go(self) -> None:
        """Run all steps, and say how it ended."""
        heart = threading.Thread(target=self._beat, daemon=True)
        heart.start()
        try:
            status, message = self._steps()
        except _StoppedError as error:
            status, message = "FAILED", str(error)
        except ModuleNotFoundError as error:
            status, message = "FAILED", str(error)
        except (Refusal, StorageError) as error:
            log.warning("job %s of domain %s failed: %s", self._job_id, self._name, error)
            status, message = "FAILED", str(error)
        except Exception as error:  # noqa: BLE001  (a thread has nobody to raise to)
            # Its words might hold a customer's values; where it happened does not.
            where = traceback.format_list(traceback.extract_tb(error.__traceback__))
            what = f"{type(error).__name__} at\n{''.join(where)}"
            log.error("job %s of domain %s failed: %s", self._job_id, self._name, what)  # noqa: TRY400
            status, message = "FAILED", f"The job failed: {type(error).__name__}"
        finally:
            self._over.set()
        try:
            _end(self._context, self._job_id, status, message)
        except StorageError as error:
            log.warning("the end of job %s cannot be stored: %s", self._job_id, error)
        self._context.jobs.pop(self._job_id, None)

    def _beat(self) -> None:
        while not self._over.wait(_BEAT):
            try:
                with self._context.database.write() as connection:
                    store.change(connection, self._job_id, heartbeat=time.time())
            except StorageError as error:
                log.warning("job %s cannot say that it is alive: %s", self._job_id, error)

    def _steps(self) -> tuple[str, str | None]:
        context = self._context
        self._note(status="PREPROCESSING")
        rules.settle(context)
        self._note(status="FIND_MATCHING")
        found, model, reviewed = self._found()
        with context.database.write() as connection:
            self._check_wanted(connection)
            match_store.replace(connection, self._domain, found, context.clock.now())
            match_store.put_model(connection, self._domain, model, context.clock.now())
            self._change(connection, reviewed=reviewed, found=len(found.found))
        merging = self._matching.get("AutoMerging", {})
        if merging.get("Enabled"):
            self._note(status="MERGING")
            self._merge(merging)
            return "COMPLETED", None
        return self._exported()

    def _found(self) -> tuple[match_store.Matches, str, int]:
        """Match all profiles; give what was found, by which model, and of how many profiles."""
        seen: list[int] = []
        resolution = machine.find(self._bodies(seen))
        if resolution is None:
            return match_store.Matches([], []), "", sum(seen)
        # Assumed: a match has a new id with every job; it is the job's with a number at its end.
        with ThreadPoolExecutor(1) as aside:
            # A second or so of a job of a million, which another core has time for.
            model = aside.submit(getattr, resolution, "model")
            found = machine.found(resolution, self._job_id[:-8])
            return found, model.result().to_json(), sum(seen)

    def _bodies(self, seen: list[int]) -> Iterator[list[tuple[int, bytes]]]:
        """Read all profiles, many at a time, so that nobody waits long for the database."""
        after, now = 0, self._context.clock.now()
        while True:
            self._check()
            with self._context.database.read() as connection:
                rows = match_store.bodies(connection, self._domain, after, now)
            if not rows:
                return
            seen.append(len(rows))
            self._note(reviewed=sum(seen))
            after = rows[-1][0]
            yield rows

    def _merge(self, settings: Wire) -> None:
        context, now, after = self._context, self._context.clock.now(), 0
        while True:
            with context.database.read() as connection:
                matches = match_store.page(connection, self._domain, after, 100)
            if not matches:
                return
            for match in matches:
                self._check()
                with context.database.write() as connection:
                    self._check_wanted(connection, "AutoMerging")
                    rows = [row for row, _ in match_store.profiles_of(connection, match, now)]
                    done = consolidation.run(context, connection, match.confidence, rows, settings)
                    store.count_merges(connection, self._job_id, done)
            after = matches[-1].id

    def _exported(self) -> tuple[str, str | None]:
        exporting = self._matching.get("ExportingConfig", {}).get("S3Exporting")
        if not exporting:
            return "COMPLETED", None
        try:
            export.export(self._context, self._domain, self._name, self._job_id, exporting)
        except AwsError as error:
            log.warning("matches of domain %s were not exported: %s", self._name, error)
            return "PARTIAL_SUCCESS", f"Matches were found but not exported: {error}"
        return "COMPLETED", None

    def _note(self, **values: Any) -> None:
        self._check()
        with self._context.database.write() as connection:
            self._change(connection, **values)

    def _change(self, connection: Connection, **values: Any) -> None:
        self._check_wanted(connection)
        store.change(connection, self._job_id, updated=self._context.clock.now(), **values)

    def _check_wanted(self, connection: Connection, part: str | None = None) -> None:
        """Stop if the domain is gone or does not match any more, or the run was given up."""
        domain = domain_store.find(connection, self._name)
        matching = domain.settings.get("Matching", {}) if domain else {}
        if domain is None or domain.id != self._domain or not matching.get("Enabled"):
            message = "The domain's Matching was disabled; what was merged until then stays"
            raise _StoppedError(message)
        if part and not matching.get(part, {}).get("Enabled"):
            message = f"The domain's {part} was disabled; what was merged until then stays"
            raise _StoppedError(message)
        job = store.find(connection, self._domain, self._job_id)
        if job is None or job.status in store.OVER:
            raise _StoppedError(_INTERRUPTED)

    def _check(self) -> None:
        if self._context.closing.is_set():
            raise _StoppedError(_CLOSED)

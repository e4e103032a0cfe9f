"""Identity-resolution jobs of domains: starting them, by request or by schedule, and their state.

A job runs in a thread of the engine.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import identity_jobs as store

from . import export
from .job_run import CLOSED, INTERRUPTED, JobRun, finish

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.identity_jobs import Job

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_STALE_SECONDS = 30.0
# Assumed: the engine forgets a job 30 days after its end.
_RETENTION_SECONDS = 30 * 86_400
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
# AG:how-identity-resolution-works: the default schedule is Saturday at midnight, UTC.
_DAY, _TIME = "SATURDAY", "00:00"
_WEEK = timedelta(days=7)
_NO_JOB = 1 << 60


def start(context: Context, domain_name: str) -> str:
    """Start a job of a domain and return its id.

    Raises:
        Refusal: there is no such domain, its matching is not enabled, or a job is running.
    """
    fail_stale_jobs(context)
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
            raise bad_request(f"A job of domain {domain_name} is running; wait until it has ended")
        store.remove_ended(connection, now - _RETENTION_SECONDS)
        job = store.Job(
            0, domain.id, job_id, "PENDING", None, now, None, now, matching, 0, 0, 0
        )  # fmt: skip
        store.insert(connection, job, time.time())
    run = JobRun(context, domain.id, domain_name, job_id, matching)
    context.jobs[job_id] = thread = threading.Thread(target=run.run, name=f"identity-{job_id}")
    thread.daemon = True
    thread.start()
    return job_id


def fail_stale_jobs(context: Context) -> None:
    """Mark the jobs of killed processes, which stopped sending heartbeats, as failed."""
    with context.database.read() as connection:
        stale = store.stale(connection, time.time() - _STALE_SECONDS)
    for job_id in set(stale) - set(context.jobs):
        finish(context, job_id, "FAILED", INTERRUPTED)


def close(context: Context) -> None:
    """Stop the engine's jobs at their next step and wait for their threads to end."""
    context.closing.set()
    for thread in list(context.jobs.values()):
        if thread is not threading.current_thread():
            thread.join()


def run_due(context: Context) -> None:
    """Run the jobs of all domains that are due by their schedule, and wait for each to end."""
    fail_stale_jobs(context)
    with context.database.read() as connection:
        domains = domain_store.with_matching(connection)
        latest = {
            domain.id: store.page(connection, domain.id, _NO_JOB, 1) for domain in domains
        }  # fmt: skip
    for domain in domains:
        due = _due(domain.settings["Matching"].get("JobSchedule", {}), context.clock.now())
        # AG:how-identity-resolution-works: the first job runs within a day of enabling.
        # Assumed: the first job runs at the next check of the schedule, as does an interrupted one.
        done = [job for job in latest[domain.id] if job.message not in {INTERRUPTED, CLOSED}]
        if done and done[0].started >= due:
            continue
        try:
            job_id = start(context, domain.name)
        except Refusal as refusal:
            log.warning("the job of domain %s was not started: %s", domain.name, refusal.message)
            continue
        thread = context.jobs.get(job_id)
        if thread is not None:
            thread.join()


def _due(schedule: Wire, now: float) -> float:
    """Return the latest time of a weekly schedule that is not after now."""
    today = datetime.fromtimestamp(now, UTC)
    hour, _, minute = schedule.get("Time", _TIME).partition(":")
    due = today.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    due -= timedelta(days=(today.weekday() - _DAYS.index(schedule.get("DayOfTheWeek", _DAY))) % 7)
    return (due if due <= today else due - _WEEK).timestamp()


def list_item(domain_name: str, job: Job) -> Wire:
    """Describe a job as an item of a list."""
    exporting = job.settings.get("ExportingConfig", {}).get("S3Exporting")
    if job.settings.get("AutoMerging", {}).get("Enabled"):
        # AG:enable-identity-resolution: a domain that merges its matches exports none.
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


def describe(domain_name: str, job: Job) -> Wire:
    """Describe a job."""
    merging = job.settings.get("AutoMerging")
    return {
        **list_item(domain_name, job),
        "LastUpdatedAt": job.updated,
        "JobExpirationTime": (job.ended or job.started) + _RETENTION_SECONDS,
        **({"AutoMerging": merging} if merging else {}),
    }

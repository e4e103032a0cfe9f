"""The steps of an identity-resolution job: find matches, store them, merge or export them.

The state of a job is stored after each step, so that its progress can be read. The matches of the
job before stay until those of this one are stored.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import AwsError
from customer_profiles.engine.service.refusals import Refusal
from customer_profiles.engine.store import decisions as decision_store
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import identity_jobs as store
from customer_profiles.engine.store import matches as match_store
from customer_profiles.engine.store.database import StorageError

from . import consolidation, export, machine, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

log: logging.Logger = logging.getLogger("customer_profiles.engine")

# Both messages are stored with jobs, and `jobs.run_due` recognises them: do not reword them.
INTERRUPTED = "The job was interrupted; what it stored and merged until then stays, start it again"
CLOSED = "The engine was closed; what the job stored and merged until then stays, start it again"
_HEARTBEAT_SECONDS = 5.0
_MOST_OF_MESSAGE = 2048


def finish(context: Context, job_id: str, status: str, message: str | None) -> None:
    """Store the end of a job, unless it has ended already."""
    now = context.clock.now()
    with context.database.write() as connection:
        if job_id not in store.stale(connection, math.inf):
            return
        store.change(connection, job_id, status=status, message=message, ended=now, updated=now)


class _StoppedError(Exception):
    """The job was stopped before its end; the message says why."""


class JobRun:
    """The execution of one job, in a thread of its own."""

    def __init__(
        self, context: Context, domain: int, domain_name: str, job_id: str, matching: Wire
    ) -> None:
        """Prepare a job that is stored as pending; `matching` is the domain's Matching."""
        self._context, self._domain, self._name = context, domain, domain_name
        self._job_id, self._matching = job_id, matching
        self._ended = threading.Event()
        self._verdict = ""

    def run(self) -> None:
        """Run all steps and store how the job ended."""
        threading.Thread(target=self._send_heartbeats, daemon=True).start()
        try:
            status, message = self._steps()
        except (_StoppedError, ModuleNotFoundError) as error:
            status, message = "FAILED", str(error)
        except (Refusal, StorageError) as error:
            log.warning("job %s of domain %s failed: %s", self._job_id, self._name, error)
            status, message = "FAILED", str(error)
        except Exception as error:  # noqa: BLE001  (a thread has no caller to raise to)
            # The exception's message may contain a customer's values, the stack does not.
            where = traceback.format_list(traceback.extract_tb(error.__traceback__))
            stack = f"{type(error).__name__} at\n{''.join(where)}"
            log.error("job %s of domain %s failed: %s", self._job_id, self._name, stack)  # noqa: TRY400
            status, message = "FAILED", f"The job failed: {type(error).__name__}"
        finally:
            self._ended.set()
        try:
            finish(self._context, self._job_id, status, message)
        except StorageError as error:
            log.warning("the end of job %s cannot be stored: %s", self._job_id, error)
        self._context.jobs.pop(self._job_id, None)

    def _send_heartbeats(self) -> None:
        while not self._ended.wait(_HEARTBEAT_SECONDS):
            try:
                with self._context.database.write() as connection:
                    store.change(connection, self._job_id, heartbeat=time.time())
            except StorageError as error:
                log.warning("the heartbeat of job %s cannot be stored: %s", self._job_id, error)

    def _steps(self) -> tuple[str, str | None]:
        context = self._context
        self._update(status="PREPROCESSING")
        rules.apply(context)
        self._update(status="FIND_MATCHING")
        matches, model, reviewed = self._find_matches()
        with context.database.read() as connection:
            had_run = match_store.model_made(connection, self._domain) is not None
            before = match_store.members(connection, self._domain)
            ids = match_store.match_ids(connection, self._domain)
        changes = ""
        if had_run and model:
            found, changes = machine.continued(before, ids, matches.found)
            matches = matches._replace(found=found)
        # Assumed: a job that ends well says how reliable its matches are and what has changed.
        message = " ".join(filter(None, (self._verdict, changes)))[:_MOST_OF_MESSAGE] or None
        if message:
            log.info("job %s of domain %s: %s", self._job_id, self._name, message)
        with context.database.write() as connection:
            self._check_still_enabled(connection)
            match_store.replace(connection, self._domain, matches, context.clock.now())
            match_store.put_model(connection, self._domain, model, context.clock.now())
            self._change(connection, reviewed=reviewed, found=len(matches.found))
        merging = self._matching.get("AutoMerging", {})
        if merging.get("Enabled"):
            self._update(status="MERGING")
            self._merge(merging)
            return "COMPLETED", message
        status, failure = self._export()
        return status, failure or message

    def _find_matches(self) -> tuple[match_store.Matches, str, int]:
        """Match all profiles; return the matches, the model's JSON and the number of profiles."""
        counts: list[int] = []
        with self._context.database.read() as connection:
            decided = decision_store.of_domain(connection, self._domain)
        resolution = machine.find(self._bodies(counts), decided)
        if resolution is None:
            return match_store.Matches([], []), "", sum(counts)
        # Assumed: a match keeps the id of the last job's match that has most of its profiles.
        # A new match has an id made of the job's id and a number.
        with ThreadPoolExecutor(1) as pool:
            # The model of a million profiles takes about a second, so another core makes it.
            model = pool.submit(getattr, resolution, "model")
            matches = machine.matches(resolution, self._job_id[:-8])
            self._verdict = machine.verdict(resolution)
            return matches, model.result().to_json(), sum(counts)

    def _bodies(self, counts: list[int]) -> Iterator[list[tuple[int, bytes]]]:
        """Yield the profiles in chunks, and store how many were read."""
        for rows in machine.bodies(self._context, self._domain):
            counts.append(len(rows))
            self._update(reviewed=sum(counts))
            yield rows

    def _merge(self, settings: Wire) -> None:
        context, now, after = self._context, self._context.clock.now(), 0
        while True:
            with context.database.read() as connection:
                matches = match_store.page(connection, self._domain, after, 100)
            if not matches:
                return
            for match in matches:
                self._check_open()
                with context.database.write() as connection:
                    self._check_still_enabled(connection, "AutoMerging")
                    rows = [row for row, _ in match_store.profiles_of(connection, match, now)]
                    merges = consolidation.run(
                        context, connection, match.confidence, rows, settings
                    )
                    store.count_merges(connection, self._job_id, merges)
            after = matches[-1].id

    def _export(self) -> tuple[str, str | None]:
        exporting = self._matching.get("ExportingConfig", {}).get("S3Exporting")
        if not exporting:
            return "COMPLETED", None
        try:
            export.export(self._context, self._domain, self._name, self._job_id, exporting)
        except AwsError as error:
            log.warning("matches of domain %s were not exported: %s", self._name, error)
            return "PARTIAL_SUCCESS", f"Matches were found but not exported: {error}"
        return "COMPLETED", None

    def _update(self, **values: str | float | None) -> None:
        self._check_open()
        with self._context.database.write() as connection:
            self._change(connection, **values)

    def _change(self, connection: Connection, **values: str | float | None) -> None:
        self._check_still_enabled(connection)
        store.change(connection, self._job_id, updated=self._context.clock.now(), **values)

    def _check_still_enabled(self, connection: Connection, part: str | None = None) -> None:
        """Stop if the domain or its Matching is gone, or another process failed the job."""
        domain = domain_store.find(connection, self._name)
        matching = domain.settings.get("Matching", {}) if domain else {}
        if domain is None or domain.id != self._domain or not matching.get("Enabled"):
            message = "The domain's Matching was disabled; what was merged until then stays"
            raise _StoppedError(message)
        if part and not matching.get(part, {}).get("Enabled"):
            message = f"The domain's {part} was disabled; what was merged until then stays"
            raise _StoppedError(message)
        job = store.find(connection, self._domain, self._job_id)
        if job is None or job.status in store.FINISHED:
            raise _StoppedError(INTERRUPTED)

    def _check_open(self) -> None:
        if self._context.closing.is_set():
            raise _StoppedError(CLOSED)

"""Runs of S3 flows: the files of a bucket become objects of a domain.

An embedded engine has no background process. `Engine.run_flow` runs one flow, as AppFlow's
StartFlow does; `Engine.run_due` runs all scheduled flows that are due.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from customer_profiles import _wire
from customer_profiles.engine.aws import AwsError
from customer_profiles.engine.ingestion import dead_letter_queue
from customer_profiles.engine.ingestion.put import put_objects
from customer_profiles.engine.service.protocol import encode
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import dead_letters
from customer_profiles.engine.store import integrations as store

from . import definitions, schedules
from .definitions import existing_integration
from .files import BadRecord, FileProblem, read
from .tasks import DatasetDropped, Tasks, compile_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.engine.aws import File
    from customer_profiles.engine.service.context import Context

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_BATCH = 500
# Assumed: the first incremental run without FirstExecutionFrom takes files of the last 30 days.
_HISTORY = timedelta(days=30).total_seconds()
# The next run is later than this one, in seconds.
_AFTER = 0.001


def run(context: Context, domain_name: str, uri: str) -> Wire:
    """Run the flow of an integration now, whatever its trigger is.

    Raises:
        Refusal: the integration does not exist, or has no S3 flow.
    """
    with context.database.read() as connection:
        found = existing_integration(connection, {"DomainName": domain_name, "Uri": uri})
    flow = found.definition.get("FlowDefinition")
    if flow is None or definitions.bucket_of(flow) is None:
        raise bad_request(f"Integration {uri} has no flow of S3; only such flows run in the engine")
    return _Run(context, found).execute()


def run_due(context: Context) -> list[Wire]:
    """Run the scheduled S3 flows that are due; several missed runs become one."""
    now = context.clock.now()
    with context.database.write() as connection:
        due = store.due(connection, now)
        for integration in due:
            # The next run is stored first, so that no other process runs the flow as well.
            trigger = definitions.scheduled(integration.definition["FlowDefinition"]) or {}
            next_run = schedules.first_run(trigger, integration.created, now + _AFTER)
            store.plan(connection, integration, next_run)
    return [
        _Run(context, integration).execute()
        for integration in due
        if definitions.bucket_of(integration.definition["FlowDefinition"])
    ]


@dataclass(slots=True)
class _Run:
    """One run of a flow, and its results."""

    context: Context
    integration: store.Integration
    files: int = 0
    records: int = 0
    put: int = 0
    dropped: int = 0
    rejected: int = 0
    problems: list[Wire] = field(default_factory=list)
    message: str = ""

    def execute(self) -> Wire:
        """Import the files, and return the report."""
        try:
            self._import()
        except DatasetDropped:
            self.message = "A record failed a validation with DropDataset; nothing was imported"
        except (AwsError, Refusal) as error:
            self.message = error.message if isinstance(error, Refusal) else str(error)
        dead_letter_queue.deliver(self.context, self.integration.domain_name)
        if self.message:
            log.warning("flow %s ended early: %s", self.integration.uri, self.message)
        return self._report()

    def _report(self) -> Wire:
        report = {
            "DomainName": self.integration.domain_name,
            "Uri": self.integration.uri,
            "Status": "Error" if self.message or self.problems else "Successful",
            "Files": self.files,
            "Records": self.records,
            "Put": self.put,
            "Dropped": self.dropped,
            "Rejected": self.rejected,
            "Problems": self.problems,
        }
        return report | ({"Message": self.message} if self.message else {})

    def _import(self) -> None:
        flow = self.integration.definition["FlowDefinition"]
        bucket, folder = definitions.bucket_of(flow) or ("", "")
        found = self.context.aws.files(bucket, folder)
        new = [file for file in found if self._is_new(flow, file)]
        tasks = compile_tasks(flow["Tasks"], "S3")
        if tasks.may_drop_all:
            # All records are checked before the first is imported.
            for file in new:
                for record in self._read(bucket, file):
                    if isinstance(record, dict):
                        tasks.apply(record)
            self.problems.clear()
        objects = self._objects(bucket, new, tasks)
        while batch := list(islice(objects, _BATCH)):
            self._put(batch)
        if definitions.is_incremental(flow) and new:
            with self.context.database.write() as connection:
                store.advance(
                    connection, self.integration, _position(new, self.integration.position)
                )

    def _is_new(self, flow: Wire, file: File) -> bool:
        """Return whether a file is pulled; an incremental flow pulls new files only."""
        if not definitions.is_incremental(flow):
            return True
        # Assumed: an incremental flow of S3 goes by files' times, not by IncrementalPullConfig.
        position = self.integration.position
        if position is None:
            first = (definitions.scheduled(flow) or {}).get("FirstExecutionFrom")
            since = self.context.clock.now() - _HISTORY if first is None else first
            return bool(file.modified >= since)
        if file.modified == position["Modified"]:
            # S3 counts whole seconds: a file can arrive in the same second as the last one.
            return bool(position["Files"].get(file.key) != file.etag)
        return bool(file.modified > position["Modified"])

    def _objects(self, bucket: str, new: Iterable[File], tasks: Tasks) -> Iterator[str]:
        """Yield the objects of the files as JSON; records that are none become dead letters."""
        for file in new:
            self.files += 1
            for record in self._read(bucket, file):
                self.records += 1
                if isinstance(record, BadRecord):
                    self._reject([(record.text, record.reason)])
                elif (changed := tasks.apply(record)) is None:
                    self.dropped += 1
                else:
                    yield encode(changed)

    def _read(self, bucket: str, file: File) -> Iterator[Wire | BadRecord]:
        try:
            with self.context.aws.open(bucket, file.key) as body:
                yield from read(file.key, body)
        except FileProblem as problem:
            # Assumed: a file that cannot be read to its end is imported up to there.
            self.problems.append({"File": file.key, "Message": str(problem)})

    def _put(self, texts: list[str]) -> None:
        good = [text for text in texts if _wire.is_unicode(text)]
        bad = [(_escaped(text), _NO_UNICODE) for text in texts if not _wire.is_unicode(text)]
        name = self.integration.definition["ObjectTypeName"]
        results = put_objects(self.context, self.integration.domain_name, name, good)
        for text, result in zip(good, results, strict=True):
            if isinstance(result, Refusal):
                bad.append((text, result.message))
        self.put += len(texts) - len(bad)
        self._reject(bad)

    def _reject(self, found: list[tuple[str, str]]) -> None:
        """Add records that PutProfileObject refuses to the dead letters, with the reason."""
        self.rejected += len(found)
        if not found:
            return
        now, name = self.context.clock.now(), self.integration.definition["ObjectTypeName"]
        with self.context.database.write() as connection:
            for text, reason in found:
                letter = dead_letters.DeadLetter(
                    self.integration.domain, name, _escaped(text), reason, now
                )
                dead_letters.add(connection, letter)


_NO_UNICODE = "The object holds text that is not valid Unicode"


def _escaped(text: str) -> str:
    """Write halves of surrogate pairs as JSON escapes; they cannot be stored as they are."""
    return text.encode("utf-8", "backslashreplace").decode()


def _position(new: list[File], old: Wire | None) -> Wire:
    """Return the new position: the newest time, and the files that were written at it."""
    newest = max(file.modified for file in new)
    same = {file.key: file.etag for file in new if file.modified == newest}
    before = old["Files"] if old is not None and old["Modified"] == newest else {}
    return {"Modified": newest, "Files": before | same}

"""Estimates and snapshots of segments, which the engine makes after their requests were answered.

A snapshot first finds the members in their order and stores them by files, then writes one file a
step. So a killed process loses at most the file that it was writing, and the next one writes the
same members to the same name.
"""

from __future__ import annotations

import logging
import re
import traceback
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.engine import documents
from customer_profiles.engine.aws import AwsError
from customer_profiles.engine.documents import Scope
from customer_profiles.engine.service.refusals import Refusal
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import pending_work
from customer_profiles.engine.store import segments as store
from customer_profiles.engine.store.database import StorageError

from . import predicates, segment_groups, segments, snapshot_files
from .segment_groups import NOUN
from .segments import StoppedError, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.pending_work import Work
    from customer_profiles.engine.store.segments import Rows, Snapshot

log: logging.Logger = logging.getLogger("customer_profiles.engine")

ENHANCED = (
    "The segment is defined by SegmentSqlQuery, which this engine cannot run; "
    "define it by SegmentGroups instead"
)
# Assumed: a file of a snapshot has up to 250,000 profiles.
_PROFILES_A_PART = 250_000
_LONGEST_MESSAGE = 255
_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
_READERS = {"NUMBER": predicates.number, "DATE": predicates.instant, "STRING": predicates.text}
_PARTS, _COLUMNS = "parts", "columns"


class Location(NamedTuple):
    """A folder of a bucket."""

    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """Return the key of a file in the folder."""
        return f"{self.prefix}/{name}" if self.prefix else name


class FailedError(Exception):
    """An estimate or snapshot cannot be made; the message says why."""


def location(uri: str) -> Location | None:
    """Return the folder that a DestinationUri names, if it names one."""
    found = _LOCATION.fullmatch(uri)
    return Location(found[1], (found[2] or "").strip("/")) if found else None


def run(context: Context, work: Work) -> None:
    """Do one step of making an estimate or a snapshot, and store what came of it.

    Raises:
        StorageError: the database failed; the work stays.
    """
    # Two threads may take the same work: the engine's own, and one that calls `run_due`.
    with context.long_steps:
        with context.database.read() as connection:
            if work not in pending_work.of_domain(connection, work.domain, work.kind):
                return
        step = _count if work.kind == pending_work.ESTIMATE else _snapshot
        try:
            step(context, work)
        except StoppedError:
            return
        except (FailedError, AwsError, ModuleNotFoundError) as error:
            _fail(context, work, str(error))
        except Refusal as error:
            _fail(context, work, error.message)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001  (else the work would begin again forever)
            # The exception's message may contain a customer's values, the stack does not.
            stack = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
            log.error("a %s failed: %s at\n%s", work.kind, type(error).__name__, stack)  # noqa: TRY400
            _fail(context, work, f"The {work.kind} failed: {type(error).__name__}")


def _fail(context: Context, work: Work, message: str) -> None:
    def store_failure(connection: Connection) -> None:
        if work.kind == pending_work.ESTIMATE:
            _update_estimate(connection, work, "FAILED", message=message[:_LONGEST_MESSAGE])
            return
        store.remove_parts(connection, work.domain, work.detail["id"])
        _update_snapshot(connection, work, "FAILED", message)

    _finish_step(context, work, None, store_failure)


def _finish_step(
    context: Context, work: Work, detail: Wire | None, change: Callable[[Connection], None]
) -> None:
    """Store the result of a step, unless another process has done the same step before."""
    with context.database.write() as connection:
        if work in pending_work.of_domain(connection, work.domain, work.kind):
            change(connection)
            pending_work.update(connection, work, detail)


def _update_estimate(
    connection: Connection,
    work: Work,
    status: str,
    *,
    estimate: int | None = None,
    message: str | None = None,
) -> None:
    found = store.find_estimate(connection, work.domain, work.detail["id"], 0)
    if found is not None:
        changed = found._replace(status=status, estimate=estimate, message=message)
        store.put_estimate(connection, work.domain, changed)


def _update_snapshot(
    connection: Connection, work: Work, status: str, message: str | None = None
) -> None:
    found = _stored_snapshot(connection, work)
    if found is not None:
        store.put_snapshot(connection, work.domain, found._replace(status=status, message=message))


def _stored_snapshot(connection: Connection, work: Work) -> Snapshot | None:
    detail = work.detail
    return store.find_snapshot(connection, work.domain, detail["segment"], detail["id"])


def _count(context: Context, work: Work) -> None:
    with context.database.read() as connection:
        estimate = store.find_estimate(connection, work.domain, work.detail["id"], 0)
        scope = _scope(context, connection, work)
        if estimate is None:
            raise FailedError("The estimate was removed")
        if "SegmentGroups" not in estimate.query:
            raise FailedError(ENHANCED)
        audience = segments.compile_groups(scope, estimate.query["SegmentGroups"])

    def count(scope: Scope, rows: Rows) -> int:
        return segments.count(scope, audience, rows)

    number = sum(segments.scan(scope, count))
    _finish_step(
        context,
        work,
        None,
        lambda connection: _update_estimate(connection, work, "SUCCEEDED", estimate=number),
    )


def _scope(context: Context, connection: Connection, work: Work) -> Scope:
    domain = domain_store.find_row(connection, work.detail["domain"])
    if domain is None or domain.id != work.domain:
        raise StoppedError
    return Scope(context, connection, work.detail["domain"], domain.id, domain.created)


def _snapshot(context: Context, work: Work) -> None:
    with context.database.read() as connection:
        scope = _scope(context, connection, work)
        snapshot = _stored_snapshot(connection, work)
        definition = documents.find(documents.KINDS[NOUN], scope, work.detail["segment"])
    if snapshot is None or definition is None:
        raise FailedError("The segment was deleted")
    if _PARTS in work.detail:
        _write_part(context, work, snapshot)
    else:
        _find_members(scope, work, snapshot, definition.body)


def _find_members(scope: Scope, work: Work, snapshot: Snapshot, definition: Wire) -> None:
    if "SegmentGroups" not in definition:
        raise FailedError(ENHANCED)
    context, request = scope.context, snapshot.request
    folder = _folder(request)
    # The service writes such a file too. The name does not end in .csv, so that readers skip it.
    # Assumed: the test file that is written before a snapshot is empty and has this name.
    snapshot_files.check_format(request["DataFormat"])
    key = folder.key("aws-customer-profiles-test")
    context.aws.put(folder.bucket, key, b"", request.get("EncryptionKey"))
    with context.database.read() as connection:
        scope = scope._replace(connection=connection)
        audience = segments.compile_groups(scope, definition["SegmentGroups"])

    def find(scope: Scope, rows: Rows) -> list[int]:
        return segments.members(scope, audience, rows)

    found = list(chain.from_iterable(segments.scan(scope, find)))
    rows, columns = _sorted(scope, found, definition.get("SegmentSort", {}).get("Attributes", ()))
    parts = [
        rows[start : start + _PROFILES_A_PART] for start in range(0, len(rows), _PROFILES_A_PART)
    ] or [[]]
    detail = {**work.detail, _PARTS: len(parts), _COLUMNS: columns, "part": 0}

    def store_parts(connection: Connection) -> None:
        store.put_parts(connection, work.domain, work.detail["id"], parts)

    _finish_step(context, work, detail, store_parts)


def _sorted(scope: Scope, rows: Sequence[int], sort: Sequence[Wire]) -> tuple[list[int], list[str]]:
    """Return members in the order of a segment's sort, and the columns that they fill."""
    with scope.context.database.read() as connection:
        scope = scope._replace(connection=connection)
        is_calculated = [segment_groups.is_calculated(scope, item) for item in sort]
    windows = [
        Window(item["Name"])
        for item, calculated in zip(sort, is_calculated, strict=True)
        if calculated
    ]
    shapes: set[snapshot_files.Shape] = set()
    found: list[tuple[bytes, int, list[str | None]]] = []
    for row, profile_id, subject in segments.read_subjects(scope, windows, rows):
        shapes.add(snapshot_files.shape_of(subject.profile))
        values = [
            subject.value(predicates.Reference(calculated, item["Name"]))
            for item, calculated in zip(sort, is_calculated, strict=True)
        ]
        found.append((profile_id, row, values))
    # Assumed: members with equal values, or without a sort, are in the order of their ids.
    found.sort(key=itemgetter(0))
    for position in reversed(range(len(sort))):
        found = _by_value(found, position, sort[position])
    return [row for _, row, _ in found], snapshot_files.columns(shapes)


def _by_value(
    found: list[tuple[bytes, int, list[str | None]]], position: int, item: Wire
) -> list[tuple[bytes, int, list[str | None]]]:
    """Sort members by one value; the sort keeps the order of equal ones."""
    texts = [values[position] for _, _, values in found]
    read = _READERS[item.get("DataType") or _data_type(texts)]
    keys = [read(text) for text in texts]
    present = [number for number, key in enumerate(keys) if key is not None]
    present.sort(key=keys.__getitem__, reverse=item["Order"] == "DESC")  # type: ignore[arg-type]
    # Assumed: members without a value that can be read come last, in both orders.
    absent = [number for number, key in enumerate(keys) if key is None]
    return [found[number] for number in (*present, *absent)]


def _data_type(texts: Sequence[str | None]) -> str:
    # Assumed: a sort without DataType is by numbers or dates if all values are, and else by text.
    for name, read in _READERS.items():
        if all(read(text) is not None for text in texts if text is not None):
            return name
    return "STRING"


def _write_part(context: Context, work: Work, snapshot: Snapshot) -> None:
    detail, request = work.detail, snapshot.request
    number, file_format = detail["part"], request["DataFormat"]
    with context.database.read() as connection:
        rows = store.part(connection, work.domain, detail["id"], number)
    body = snapshot_files.write(file_format, detail[_COLUMNS], _bodies(context, rows))
    folder = _folder(request)
    key = folder.key(f"{detail['id']}/part-{number:05}.{file_format.lower()}")
    context.aws.put(folder.bucket, key, body, request.get("EncryptionKey"))
    is_last = number + 1 == detail[_PARTS]

    def store_progress(connection: Connection) -> None:
        store.remove_parts(connection, work.domain, detail["id"], number)
        if is_last:
            _update_snapshot(connection, work, "COMPLETED")

    _finish_step(context, work, None if is_last else {**detail, "part": number + 1}, store_progress)


def _bodies(context: Context, rows: Sequence[int]) -> Iterator[bytes]:
    """Yield the bodies of the members that still exist, in their order."""
    for start in range(0, len(rows), segments.PROFILES_A_BATCH):
        if context.closing.is_set():
            raise StoppedError
        batch = rows[start : start + segments.PROFILES_A_BATCH]
        with context.database.read() as connection:
            found = store.profiles(connection, batch, context.clock.now())
        for _, _, body in found:
            yield body


def _folder(request: Wire) -> Location:
    found = location(request["DestinationUri"])
    if found is None:
        raise FailedError("DestinationUri is no folder of a bucket")
    return found

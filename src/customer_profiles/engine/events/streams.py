"""Event streams: the delivery of a domain's changes to a data stream of Kinesis.

The records of a domain are sent in the order of its changes; one that is not accepted is sent again
with the later ones of its profile. AG:set-up-real-time-export describes the records.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from customer_profiles import _wire
from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.aws import DataRecord
from customer_profiles.engine.store import changes, consumers, documents
from customer_profiles.engine.store.changes import CREATED, HEALTH_CHECK, STREAMED, UPDATED, Change
from customer_profiles.engine.store.database import StorageError, page_secret

from . import delivery, feed
from .delivery import Item, Page, Route, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.aws import Sent
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.consumers import Consumer
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.documents import Document

log: logging.Logger = logging.getLogger("customer_profiles.engine")

# Assumed: a record may be sent more than once, with the same EventId, in the order of its profile.
KIND = "event stream"
"""The kind of the documents that describe event streams."""
RUNNING, STOPPED = "RUNNING", "STOPPED"
# API:PutRecords of Kinesis: 500 records, 1 MiB each and 5 MiB in all, with their partition keys.
_MOST_RECORDS = 500
_MOST_BYTES = 5 << 20
_LARGEST_RECORD = 1 << 20
_PARTITION_KEY = 36
_SENT = (CREATED, UPDATED, HEALTH_CHECK)
_STOPPED_AFTER = 86_400.0
_DELIVERY = "event-streams"
_GATHER_SECONDS = 0.1
"""How long to wait for further changes, so that many are sent in one request."""
_POLL_SECONDS = 1.0
_CLOSE_SECONDS = 5.0
_WRITING_SECONDS = 0.5
"""How long after a change its writer counts as busy."""
_PAUSES = 4
"""How many times as long as a request the pause after it is, while others write."""
_FAR_BEHIND = 100_000
"""With more changes to deliver than this, there are no pauses."""


def start(connection: Connection, domain: int, uri: str, now: float) -> Wire:
    """Begin to deliver a domain's changes; return the members of the stream's document."""
    changes.set_reader(connection, domain, STREAMED, is_on=True)
    position = changes.last(connection)
    consumer = consumers.Consumer(domain, feed.STREAM, position, destination=uri)
    consumers.replace(connection, None, consumer)
    # Assumed: one HEALTH_CHECK record is sent when an event stream is created.
    changes.add(connection, STREAMED, [Change(domain, 0, b"", HEALTH_CHECK, "", None, now, None)])
    # Assumed: a new event stream is RUNNING and HEALTHY until a record is not accepted.
    return {"State": RUNNING, "DestinationDetails": {"Uri": uri, "Status": "HEALTHY"}}


def stop(connection: Connection, domain: int) -> None:
    """End the delivery of a domain's changes; what was not delivered is removed."""
    changes.set_reader(connection, domain, STREAMED, is_on=False)
    consumers.delete(connection, domain, feed.STREAM)


def _document(connection: Connection, domain: int) -> Document | None:
    """Return the document of a domain's stream; a domain has one at most."""
    return next(iter(documents.page(connection, domain, KIND)), None)


def _failed(context: Context, connection: Connection, target: Target, consumer: Consumer) -> None:
    """Note that a stream accepts nothing, and stop it after a day."""
    document = _document(connection, target.domain)
    if document is None:
        return
    now, since = context.clock.now(), consumer.failing_since or 0.0
    # Assumed: an event stream is UNHEALTHY from the first failure until the next success.
    details = {
        "Uri": target.destination,
        "Status": "UNHEALTHY",
        "UnhealthySince": since,
        "Message": consumer.problem,
    }
    body = {**document.body, "DestinationDetails": details}
    if now - since >= _STOPPED_AFTER:
        # Assumed: an event stream is STOPPED after 24 hours of failures, for good.
        # Assumed: the changes that a stopped event stream did not deliver are lost to it.
        log.warning("the event stream of domain %s is stopped", target.domain_name)
        stop(connection, target.domain)
        body |= {"State": STOPPED, "StoppedSince": now}
    documents.put(connection, target.domain, KIND, document._replace(body=body))


def _recovered(_: Context, connection: Connection, target: Target) -> None:
    document = _document(connection, target.domain)
    if document is not None:
        details = {"Uri": target.destination, "Status": "HEALTHY"}
        body = {**document.body, "DestinationDetails": details}
        documents.put(connection, target.domain, KIND, document._replace(body=body))


def _read(connection: Connection, target: Target, after: int) -> Page:
    found = changes.page(connection, target.domain, after, _MOST_RECORDS, _MOST_BYTES)
    items = _items(connection, target, found)
    return Page(items, found[-1].id if found else after)


def _find(connection: Connection, target: Target, ids: Iterable[int]) -> list[Item]:
    return _items(connection, target, changes.by_ids(connection, target.domain, ids))


def _items(connection: Connection, target: Target, found: Iterable[Change]) -> list[Item]:
    writer = RecordWriter(target.domain_name, page_secret(connection))
    items: list[Item] = []
    for change in found:
        # Assumed: removals, expiry and added or deleted keys send no record, as on AWS.
        if change.event in _SENT:
            body, partition_key = writer.write(change)
            size = len(body) + _PARTITION_KEY
            items.append(Item(change.id, change.profile, size, body, partition_key))
    return items


class RecordWriter:
    """Writes the changes of a domain as records. Observed in the service."""

    def __init__(self, domain_name: str, secret: bytes) -> None:
        self._domain_name = domain_name.encode()
        self._ids = feed.EventIds(secret)
        self._moment, self._timestamp = math.nan, b""

    def write(self, change: Change) -> tuple[bytes, str]:
        """Return the record of a change as JSON, and its partition key."""
        event_id, partition_key = self._ids.of(change.id)
        if change.created != self._moment:
            # Many changes of one transaction have one time.
            self._moment, self._timestamp = change.created, _iso(change.created)
        # Assumed: a HEALTH_CHECK record has neither an ObjectTypeName nor an Object.
        subject = content = b""
        if change.unique_key is not None:
            subject = _OBJECT % (
                change.type.encode(),
                change.profile_id.hex().encode(),
                to_json(change.unique_key),
            )
        elif change.type:
            subject = _SUBJECT % change.type.encode()
        if change.body is not None:
            body = _with_both_genders(change.body) if change.type == PROFILE else change.body
            content = b'"Object":%b,' % body
        record = _RECORD % (
            *(event_id.encode(), self._timestamp, change.event.encode(), self._domain_name),
            *(subject, content),
        )
        return record, partition_key


# Names of domains and types have no character that JSON escapes.
_RECORD = (
    b'{"SchemaVersion":0,"EventId":"%b","EventTimestamp":"%b","EventType":"%b","DomainName":"%b",'
    b'%b%b"IsMessageRealTime":true}'
)
_SUBJECT = b'"ObjectTypeName":"%b",'
_OBJECT = b'"ObjectTypeName":"%b","AssociatedProfileId":"%b","ProfileObjectUniqueKey":%b,'


def _iso(moment: float) -> bytes:
    """Return a time as the service writes it, in UTC with milliseconds."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").encode()


def _with_both_genders(body: bytes) -> bytes:
    """Return a profile with its gender under both of the service's names. Observed in it."""
    if b'"Gender' not in body:
        return body
    profile = from_json(body)
    gender = profile.get("GenderString") or profile.get("Gender")
    if gender is None:
        return body
    profile.setdefault("GenderString", gender)
    # Assumed: a GenderString that is no Gender of the model has no Gender beside it.
    known: Any = _wire.service().shape_for("Gender")
    if gender in known.enum:
        profile.setdefault("Gender", gender)
    return to_json(profile)


def _is_sendable(item: Item) -> bool:
    # Assumed: a record that is too large for Kinesis is not sent, not even in part.
    return item.size <= _LARGEST_RECORD


def _send(context: Context, uri: str, items: Sequence[Item]) -> Sent:
    records = [DataRecord(item.id, item.body, item.reason) for item in items]
    return context.aws.put_records(uri, records)


def _delivered(_connection: Connection, _target: Target, _ids: set[int]) -> None:
    """Do nothing: changes are removed together, when nobody reads them any more."""


ROUTE = Route(
    name=feed.STREAM,
    what="changes",
    most_items=_MOST_RECORDS,
    most_bytes=_MOST_BYTES,
    read=_read,
    find=_find,
    is_sendable=_is_sendable,
    send=_send,
    count=changes.count,
    delivered=_delivered,
    failed=_failed,
    recovered=_recovered,
)


def deliver_all(context: Context, after_request: Callable[[float], object] = lambda _: None) -> int:
    """Deliver the changes of all domains that are due; return how many records were accepted."""
    with context.database.read() as connection:
        targets = _targets(connection)
    return sum(delivery.deliver(context, ROUTE, target, after_request) for target in targets)


def _let_writers_go_first(context: Context, seconds: float) -> None:
    """Pause while others write, so that ingestion of many objects is hardly slowed down."""
    if time.monotonic() - context.feed.changed_at > _WRITING_SECONDS:
        return
    with context.database.read() as connection:
        positions = [
            consumer.position
            for domain, _ in consumers.domains_of(connection, feed.STREAM)
            if (consumer := consumers.find(connection, domain, feed.STREAM))
        ]
        behind = changes.last(connection) - min(positions, default=0)
    if behind < _FAR_BEHIND:
        context.closing.wait(min(seconds * _PAUSES, _POLL_SECONDS))


def _targets(connection: Connection) -> list[Target]:
    """Return the domains with a stream that is not stopped."""
    found = []
    for domain, name in consumers.domains_of(connection, feed.STREAM):
        document = _document(connection, domain)
        if document is not None:
            found.append(Target(domain, name, document.body["DestinationDetails"]["Uri"]))
    return found


def changed(context: Context, readers: int) -> None:
    """Deliver stored changes soon, in a thread of the engine, and wake those that wait for any.

    Call this after the transaction that stored changes.
    """
    feed.notify(context)
    if readers & STREAMED or feed.is_trim_due(context):
        _start_thread(context)


def resume(context: Context) -> None:
    """Deliver the changes that an earlier process left, if a domain has a stream."""
    with context.database.read() as connection:
        targets = _targets(connection)
    if targets:
        _start_thread(context)


def close(context: Context) -> None:
    """End the thread that delivers, after its request; wait for a short time only."""
    feed.notify(context)
    thread = context.jobs.pop(_DELIVERY, None)
    if thread is not None:
        # What Kinesis did not answer is delivered again by the next engine.
        thread.join(_CLOSE_SECONDS)


def _start_thread(context: Context) -> None:
    with context.feed.changed:
        thread = context.jobs.get(_DELIVERY)
        if (thread is None or not thread.is_alive()) and not context.closing.is_set():
            thread = threading.Thread(target=_run, args=(context,), name=_DELIVERY, daemon=True)
            context.jobs[_DELIVERY] = thread
            thread.start()


def _run(context: Context) -> None:
    """Deliver changes as they are stored, until no domain has a stream or the engine is closed."""
    try:
        while not context.closing.wait(_GATHER_SECONDS):
            count = context.feed.count
            accepted = deliver_all(context, partial(_let_writers_go_first, context))
            with context.database.read() as connection:
                has_streams = bool(_targets(connection))
            if accepted or not has_streams or feed.is_trim_due(context):
                feed.trim_all(context)
            with context.feed.changed:
                if context.feed.count == count:
                    if not has_streams:
                        context.jobs.pop(_DELIVERY, None)
                        return
                    # Other processes cannot notify this one, and pauses end by the clock.
                    context.feed.changed.wait(_POLL_SECONDS)
    except StorageError as error:
        # What is left is stored, and delivered by the next engine or `run_due`.
        log.warning("changes were not delivered: %s", error)

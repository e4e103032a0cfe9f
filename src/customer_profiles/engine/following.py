"""Reading the change feed of a domain in this process, and how deliveries from it do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import feed, streams
from .ingestion import dead_letter_queue
from .profiles.access import domain_row
from .service.refusals import bad_request
from .store import changes, consumers
from .store.database import page_secret

if TYPE_CHECKING:
    from customer_profiles._wire import Wire

    from .service.context import Context
    from .store.database import Connection

_MOST_BYTES = 8 << 20
_ROUTES = (dead_letter_queue.ROUTE, streams.ROUTE)


def enable(context: Context, domain_name: str, keep_days: float) -> None:
    """Keep a domain's changes for readers from now on."""
    if not 0 < keep_days < float("inf"):
        raise bad_request("keep_days must be a number of days that is greater than 0")
    with context.database.write() as connection:
        feed.enable(connection, domain_row(connection, domain_name).id, keep_days)


def disable(context: Context, domain_name: str) -> None:
    """Keep no changes for readers any more."""
    with context.database.write() as connection:
        feed.disable(connection, domain_row(connection, domain_name).id)
    feed.trim_all(context)


def read(
    context: Context, domain_name: str, after: int | None, limit: int, seconds: float
) -> bytes:  # fmt: skip
    """Return changes beyond a position as JSON, after waiting for some if there are none."""
    if feed.is_trim_due(context):
        feed.trim_all(context)
    with context.database.read() as connection:
        domain = _kept(connection, domain_name)
    if seconds > 0 and after is not None:
        feed.wait(context, domain, after, seconds)
    with context.database.read() as connection:
        domain = _kept(connection, domain_name)
        kept = changes.feed(connection, domain)
        first = kept.trimmed if kept else 0
        found = changes.page(
            connection, domain, first if after is None else after, limit, _MOST_BYTES
        )
        writer = streams.RecordWriter(domain_name, page_secret(connection))
        last = max(first, changes.last_of(connection, domain))
    items = [_record(change, writer) for change in found if change.event != changes.HEALTH_CHECK]
    reached = found[-1].id if found else (first if after is None else after)
    return b'{"First":%d,"Last":%d,"Position":%d,"Items":[%b]}' % (
        *(first, last, reached),
        b",".join(items),
    )


def position(context: Context, domain_name: str, name: str) -> int | None:
    """Return the position that a follower stored; None if it stored none."""
    with context.database.read() as connection:
        return feed.position_of(connection, _kept(connection, domain_name), name)


def move(
    context: Context, domain_name: str, name: str, old: int | None, new: int
) -> bool:  # fmt: skip
    """Move the position of a follower, unless another process moved it meanwhile."""
    with context.database.write() as connection:
        return feed.move(connection, _kept(connection, domain_name), name, old, new)


def deliveries(context: Context, domain_name: str) -> list[Wire]:
    """Describe how the deliveries of a domain do."""
    found: list[Wire] = []
    with context.database.read() as connection:
        domain = domain_row(connection, domain_name)
        for route in _ROUTES:
            consumer = consumers.find(connection, domain.id, route.name)
            if consumer is not None:
                count = consumers.count(connection, domain.id, route.name)
                described = {
                    "What": route.what,
                    "Destination": consumer.destination,
                    "Waiting": count.waiting
                    + route.count(connection, domain.id, consumer.position),
                    "Undeliverable": count.undeliverable,
                    "Failures": consumer.failures,
                    "FailingSince": consumer.failing_since,
                    "RetryAt": consumer.retry_at or None,
                    "Problem": consumer.problem
                    or consumers.held_problem(connection, domain.id, route.name),
                }
                found.append(
                    {name: value for name, value in described.items() if value is not None}
                )
    return found


def retry(context: Context, domain_name: str) -> int:
    """Try undeliverable items again; return how many there are."""
    with context.database.write() as connection:
        domain = domain_row(connection, domain_name)
        count = sum(consumers.release(connection, domain.id, route.name) for route in _ROUTES)
    streams.changed(context, domain.feed)
    return count


def _kept(connection: Connection, domain_name: str) -> int:
    """Return the id of a domain whose changes are kept for readers, or refuse."""
    domain = domain_row(connection, domain_name)
    if not domain.feed & changes.KEPT:
        raise bad_request(
            f"Domain {domain_name} keeps no changes; enable them first, with changes.enable() of "
            "the domain; those that are made from then on are kept"
        )
    return domain.id


def _record(change: changes.Change, writer: streams.RecordWriter) -> bytes:
    record, _ = writer.write(change)
    ids = (change.id, change.profile_id.hex().encode())
    return b'{"Position":%d,"ProfileId":"%b",%b' % (*ids, record[1:])

"""Delivery of numbered items to somebody else, at least once and in order.

Items are sent outside of any transaction; then, in one, the position of the consumer moves on if
nobody moved it meanwhile. A process that is killed in between sends the same items again.

* A destination that accepts nothing is tried again later, after longer and longer pauses. Nothing
  is given up meanwhile.
* An item that is not accepted, while others are, is tried again with the later ones of its series.
  After several attempts, or at once if it can never be accepted, it is undeliverable: it stays
  stored, is counted, and blocks nothing, until somebody has it tried again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.engine.aws import THROTTLED, AwsError, PausedError, Sent
from customer_profiles.engine.store import consumers
from customer_profiles.engine.store.consumers import Consumer, Undelivered
from customer_profiles.engine.store.database import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

log: logging.Logger = logging.getLogger("customer_profiles.engine")

MOST_ATTEMPTS = 12
"""After so many attempts an item is undeliverable that is not accepted while others are."""
_AT_ONCE = 2
"""So many attempts are repeated without a pause."""
_LONGEST_PAUSE = 300.0
_WINDOW = 2_000


class Item(NamedTuple):
    """Something to deliver."""

    id: int
    series: int
    """Items of one series are delivered in the order of their ids; 0: in any order."""
    size: int
    """The bytes that it takes of a request."""
    body: bytes
    reason: str = ""
    """Why an object was rejected, for a dead letter."""


class Page(NamedTuple):
    """The next items of a source."""

    items: Sequence[Item]
    reached: int
    """The position up to which the source has no other items."""


def _ignore(*_: object) -> None:
    """Do nothing: the route stores no health of its destination."""


@dataclass(frozen=True, slots=True)
class Route:
    """What differs between kinds of deliveries."""

    name: str
    """The name of the consumer in each domain."""
    what: str
    """What is delivered, in messages."""
    most_items: int
    most_bytes: int
    """How many items and bytes one request takes."""
    read: Callable[[Connection, Target, int], Page]
    """Read the items of about one request beyond a position."""
    find: Callable[[Connection, Target, Iterable[int]], Sequence[Item]]
    """Read items by their ids, in order; those that are gone are left out."""
    is_sendable: Callable[[Item], bool]
    """Return whether the destination can ever accept an item."""
    send: Callable[[Context, str, Sequence[Item]], Sent]
    """Send items to a destination, or raise an AwsError if it accepts none."""
    count: Callable[[Connection, int, int], int]
    """Count a domain's items beyond a position."""
    delivered: Callable[[Connection, Target, set[int]], None]
    """Note that items were accepted, in the transaction that moves the position."""
    failed: Callable[[Context, Connection, Target, Consumer], None] = _ignore
    """Note that the destination accepts nothing."""
    recovered: Callable[[Context, Connection, Target], None] = _ignore
    """Note that the destination accepts again."""


class Target(NamedTuple):
    """Where the items of a domain go."""

    domain: int
    domain_name: str
    destination: str


class _Batch(NamedTuple):
    """What the next request sends, and what is known before it."""

    before: Consumer | None
    position: int
    """The consumer's position after the request."""
    chosen: list[Item]
    attempts: dict[int, int]
    """How often the chosen items were tried already, if they were."""
    parked: list[Item]
    """New items that wait for an earlier one of their series."""
    unsendable: list[Item]
    gone: list[int]
    """Undelivered items that no longer exist."""


def pause_after(failures: int) -> float:
    """Return how many seconds to wait after so many failures in a row."""
    return 0.0 if failures <= _AT_ONCE else min(2.0 ** (failures - _AT_ONCE - 1), _LONGEST_PAUSE)


def deliver(
    context: Context,
    route: Route,
    target: Target,
    after_request: Callable[[float], object] = _ignore,
) -> int:
    """Send all that is due to a destination; return how many items it accepted.

    Failures are logged and not raised, because the caller that wrote the items did not cause them.

    Args:
        context: the engine's parts.
        route: what is sent.
        target: the domain and the destination.
        after_request: called after each request that was not the last, with the seconds it took.
    """
    accepted = 0
    try:
        with context.aws.sending(route.name):
            while not context.closing.is_set():
                began = time.perf_counter()
                batch = _next(context, route, target)
                if batch is None:
                    break
                sent = _send(context, route, target, batch)
                if sent is None or not _record(context, route, target, batch, sent):
                    break
                accepted += len(sent.accepted)
                if len(sent.accepted | sent.refused) < len(batch.chosen):
                    break
                after_request(time.perf_counter() - began)
    except StorageError as error:
        log.warning("%s of domain %s were not delivered: %s", route.what, target.domain_name, error)
    return accepted


def _next(context: Context, route: Route, target: Target) -> _Batch | None:
    """Return what to send next; None if nothing is due."""
    now = context.clock.now()
    with context.database.read() as connection:
        before = consumers.find(connection, target.domain, route.name)
        if before and before.destination == target.destination and before.retry_at > now:
            return None
        batch = _Batch(before, before.position if before else 0, [], {}, [], [], [])
        filling = _Filling(route, batch, waiting=set())
        if before:
            _choose_undelivered(context, connection, route, target, filling)
        page = route.read(connection, target, batch.position)
    position = batch.position
    for item in page.items:
        if item.series in filling.waiting:
            batch.parked.append(item)
        elif not filling.add(item):
            break
        position = item.id
    else:
        position = max(position, page.reached)
    batch = batch._replace(position=position)
    has_news = batch.chosen or batch.parked or batch.unsendable or batch.gone
    return batch if has_news or position > (before.position if before else 0) else None


class _Filling:
    """The items of a request, as it is filled."""

    def __init__(self, route: Route, batch: _Batch, waiting: set[int]) -> None:
        self._route, self._batch, self.waiting = route, batch, waiting
        self._size = 0

    def add(self, item: Item) -> bool:
        """Add an item unless the request is full; return whether it was added or cannot be sent."""
        if not self._route.is_sendable(item):
            self._batch.unsendable.append(item)
            return True
        chosen = self._batch.chosen
        is_full = len(chosen) >= self._route.most_items
        if is_full or self._size + item.size > self._route.most_bytes:
            return False
        self._size += item.size
        chosen.append(item)
        return True


def _choose_undelivered(
    context: Context, connection: Connection, route: Route, target: Target, filling: _Filling
) -> None:
    """Choose what was not delivered before and is due; what is not due keeps its series waiting."""
    batch, now = filling._batch, context.clock.now()  # noqa: SLF001 - the same request
    known = consumers.undelivered(connection, target.domain, route.name, _WINDOW)
    if not known:
        return
    found = {
        item.id: item for item in route.find(connection, target, [entry.item for entry in known])
    }
    for entry in known:
        item = found.get(entry.item)
        if item is None:
            batch.gone.append(entry.item)
        elif entry.due <= now and entry.series not in filling.waiting and filling.add(item):
            batch.attempts[item.id] = entry.attempts
        elif entry.series:
            filling.waiting.add(entry.series)
    if len(known) == _WINDOW:
        # Series of entries beyond the window wait too.
        filling.waiting |= consumers.waiting_series(connection, target.domain, route.name)


def _send(context: Context, route: Route, target: Target, batch: _Batch) -> Sent | None:
    """Send a batch; None if the destination accepts nothing, which is stored."""
    if not batch.chosen:
        return Sent(set(), set())
    try:
        sent = route.send(context, target.destination, batch.chosen)
    except PausedError as error:
        log.warning("%s of domain %s were not delivered: %s", route.what, target.domain_name, error)
        return None
    except AwsError as error:
        problem = str(error)
    else:
        if sent.accepted or sent.refused:
            return sent
        problem = next(iter(sent.failed.values()), "the destination accepted nothing")
    log.warning("%s of domain %s were not delivered: %s", route.what, target.domain_name, problem)
    _record_failure(context, route, target, batch.before, problem)
    return None


def _record_failure(
    context: Context, route: Route, target: Target, before: Consumer | None, problem: str
) -> None:
    now = context.clock.now()
    old = _for_destination(before, target, route)
    failures = old.failures + 1
    new = old._replace(
        failures=failures,
        failing_since=now if old.failing_since is None else old.failing_since,
        retry_at=now + pause_after(failures),
        problem=problem,
    )
    with context.database.write() as connection:
        if consumers.replace(connection, before, new):
            route.failed(context, connection, target, new)


def _for_destination(before: Consumer | None, target: Target, route: Route) -> Consumer:
    """Return the consumer; failures of another destination do not count."""
    if before is not None and before.destination == target.destination:
        return before
    position, turn = (before.position, before.turn) if before else (0, 0)
    return Consumer(target.domain, route.name, position, turn, target.destination)


def _record(context: Context, route: Route, target: Target, batch: _Batch, sent: Sent) -> bool:
    """Store what became of a batch; return whether nobody else delivered it meanwhile."""
    now = context.clock.now()
    entries = [
        *_failed_entries(batch, sent, now),
        *(Undelivered(item.id, item.series, 0, now) for item in batch.parked),
        *(
            Undelivered(
                item.id, item.series, 0, now, is_held=True, problem="it can never be accepted"
            )
            for item in batch.unsendable
        ),
    ]
    undeliverable = sum(entry.is_held for entry in entries)
    if undeliverable:
        log.warning(
            "%d %s of %s are undeliverable: see Engine.deliveries",
            undeliverable,
            route.what,
            target.domain_name,
        )
    new = _for_destination(batch.before, target, route)._replace(position=batch.position)
    if batch.chosen:
        new = new._replace(failures=0, failing_since=None, retry_at=0.0, problem=None)
    with context.database.write() as connection:
        if not consumers.replace(connection, batch.before, new):
            return False
        stored = {entry.item for entry in entries}
        done = {item.id for item in batch.chosen} - stored
        consumers.remove_undelivered(
            connection, target.domain, route.name, [*batch.gone, *(done & batch.attempts.keys())]
        )
        consumers.put_undelivered(connection, target.domain, route.name, entries)
        route.delivered(connection, target, done)
        if batch.before is not None and batch.before.failures > new.failures:
            route.recovered(context, connection, target)
    return True


def _failed_entries(batch: _Batch, sent: Sent, now: float) -> Iterable[Undelivered]:
    """Yield the items of a request that must be sent again, or are undeliverable."""
    behind = set[int]()
    for item in batch.chosen:
        attempts = batch.attempts.get(item.id, 0)
        if item.id in sent.refused:
            yield Undelivered(
                item.id, item.series, attempts + 1, now, is_held=True, problem="it was refused"
            )
        elif item.id not in sent.accepted:
            problem = sent.failed.get(item.id)
            attempts += problem not in THROTTLED
            is_held = attempts >= MOST_ATTEMPTS
            due = now + pause_after(attempts)
            yield Undelivered(item.id, item.series, attempts, due, is_held, problem)
            if item.series and not is_held:
                behind.add(item.series)
        elif item.series in behind:
            # It overtook an earlier one of its series, so it is sent again after that.
            yield Undelivered(item.id, item.series, attempts, now)

"""Delivery of dead letters to the SQS queue of their domain."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import Message
from customer_profiles.engine.events import delivery
from customer_profiles.engine.events.delivery import Item, Page, Route, Target
from customer_profiles.engine.store import dead_letters
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store.database import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles.engine.aws import Sent
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.dead_letters import DeadLetter

log: logging.Logger = logging.getLogger("customer_profiles.engine")

# API:SendMessageBatch of SQS: ten messages and 1 MiB in a request, in characters that XML allows.
_MOST_MESSAGES = 10
_MOST_BYTES = 1_048_576
_ATTRIBUTE = len("Message") + len("String")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def deliver(context: Context, domain_name: str) -> int:
    """Send a domain's dead letters to its queue, if it has one, and remove those that it accepted.

    Call this after the transaction in which objects were rejected. Those that the queue can never
    accept stay in `Engine.dead_letters`.

    Returns:
        How many dead letters the queue accepted.
    """
    try:
        with context.database.read() as connection:
            domain = domain_store.find(connection, domain_name)
    except StorageError as error:
        # The caller's objects are stored; it did not cause this.
        log.warning("dead letters of domain %s were not delivered: %s", domain_name, error)
        return 0
    queue_url = domain and domain.settings.get("DeadLetterQueueUrl")
    if domain is None or not queue_url:
        return 0
    return delivery.deliver(context, ROUTE, Target(domain.id, domain_name, queue_url))


def deliver_all(context: Context) -> int:
    """Send the dead letters of all domains that have a queue; return how many were accepted."""
    with context.database.read() as connection:
        names = dead_letters.domains_with_unsent(connection)
    return sum(deliver(context, name) for name in names)


def _read(connection: Connection, target: Target, after: int) -> Page:
    letters = dead_letters.unsent(connection, target.domain, after, _MOST_MESSAGES)
    return Page([_item(letter) for letter in letters], after)


def _find(connection: Connection, target: Target, ids: Iterable[int]) -> list[Item]:
    return [_item(letter) for letter in dead_letters.by_ids(connection, target.domain, ids)]


def _item(letter: DeadLetter) -> Item:
    body = letter.body.encode()
    size = len(body) + len(letter.message.encode()) + _ATTRIBUTE
    return Item(letter.id, 0, size, body, letter.message)


def _is_sendable(item: Item) -> bool:
    # Assumed: an object that SQS cannot accept is not sent at all, not even in part.
    return (
        bool(item.body) and item.size <= _MOST_BYTES and not _FORBIDDEN.search(item.body.decode())
    )


def _send(context: Context, queue_url: str, items: Sequence[Item]) -> Sent:
    messages = [Message(item.id, item.body.decode(), item.reason) for item in items]
    return context.aws.send(queue_url, messages)


def _delivered(connection: Connection, _: Target, ids: set[int]) -> None:
    dead_letters.remove(connection, ids)


ROUTE = Route(
    name="dead letters",
    what="dead letters",
    most_items=_MOST_MESSAGES,
    most_bytes=_MOST_BYTES,
    read=_read,
    find=_find,
    is_sendable=_is_sendable,
    send=_send,
    count=dead_letters.count_unsent,
    delivered=_delivered,
)

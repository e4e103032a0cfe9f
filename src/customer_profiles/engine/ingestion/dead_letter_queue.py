"""Delivery of dead letters to the SQS queue of their domain."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import AwsError, Message, Sent
from customer_profiles.engine.store import dead_letters
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store.database import StorageError

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.dead_letters import DeadLetter

log: logging.Logger = logging.getLogger("customer_profiles.engine")

# API:SendMessageBatch of SQS: ten messages and 1 MiB in a request, in characters that XML allows.
_MOST_MESSAGES = 10
_MOST_BYTES = 1_048_576
_ATTRIBUTE = len("Message") + len("String")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def deliver(context: Context, domain_name: str) -> int:
    """Send a domain's dead letters to its queue, if it has one, and remove those that it accepted.

    Call this after the transaction in which objects were rejected. Messages that the queue does not
    accept now are sent again by the next call; those that it can never accept stay in
    `Engine.dead_letters`. Failures are logged and not raised, because the caller that put the
    objects did not cause them.

    Returns:
        How many dead letters the queue accepted.
    """
    delivered = 0
    try:
        with context.aws.sending:
            while batch := _unsent(context, domain_name):
                queue_url, waiting = batch
                chosen, unsendable = _divided(waiting)
                sent = _send(context, queue_url, chosen) if chosen else Sent(set(), set())
                _record(context, domain_name, waiting, sent.accepted, sent.refused | unsendable)
                delivered += len(sent.accepted)
                if len(sent.accepted | sent.refused) < len(chosen):
                    break
    except (AwsError, StorageError) as error:
        log.warning("dead letters of domain %s were not delivered: %s", domain_name, error)
    return delivered


def deliver_all(context: Context) -> int:
    """Send the dead letters of all domains that have a queue; return how many were accepted."""
    with context.database.read() as connection:
        names = dead_letters.domains_with_unsent(connection)
    return sum(deliver(context, name) for name in names)


def _unsent(context: Context, domain_name: str) -> tuple[str, list[DeadLetter]] | None:
    """Return the queue's URL and the next dead letters for it; None if there are none."""
    with context.database.read() as connection:
        domain = domain_store.find(connection, domain_name)
        queue_url = domain and domain.settings.get("DeadLetterQueueUrl")
        if domain is None or not queue_url:
            return None
        found = dead_letters.unsent(connection, domain.id, _MOST_MESSAGES)
    return (queue_url, found) if found else None


def _divided(waiting: list[DeadLetter]) -> tuple[list[DeadLetter], set[int]]:
    """Return the dead letters that fit into one request, and the ids of those that never fit."""
    chosen: list[DeadLetter] = []
    unsendable: set[int] = set()
    total = 0
    for letter in waiting:
        size = len(letter.body.encode()) + len(letter.message.encode()) + _ATTRIBUTE
        # Assumed: an object that SQS cannot accept is not sent at all, not even in part.
        if size > _MOST_BYTES or not letter.body or _FORBIDDEN.search(letter.body):
            unsendable.add(letter.id)
        elif total + size <= _MOST_BYTES:
            total += size
            chosen.append(letter)
    return chosen, unsendable


def _send(context: Context, queue_url: str, chosen: list[DeadLetter]) -> Sent:
    messages = [Message(letter.id, letter.body, letter.message) for letter in chosen]
    return context.aws.send(queue_url, messages)


def _record(
    context: Context,
    domain_name: str,
    waiting: list[DeadLetter],
    delivered: set[int],
    unsendable: set[int],
) -> None:
    """Remove delivered dead letters, and keep those that SQS cannot accept out of requests."""
    if unsendable:
        log.warning("SQS cannot accept %d dead letters of %s", len(unsendable), domain_name)
    with context.database.write() as connection:
        dead_letters.remove(connection, (letter for letter in waiting if letter.id in delivered))
        dead_letters.mark_undeliverable(
            connection, (letter for letter in waiting if letter.id in unsendable)
        )

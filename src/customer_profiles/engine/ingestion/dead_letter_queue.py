"""Dead letters on their way to the SQS queue of their domain."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import AwsError, Message, Sent
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import letters
from customer_profiles.engine.store.database import StorageError

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.letters import DeadLetter

log: logging.Logger = logging.getLogger("customer_profiles.engine")

# API:SendMessageBatch of SQS: ten messages and 1 MiB at once, in characters that XML has.
_MOST_MESSAGES = 10
_MOST_BYTES = 1_048_576
_ATTRIBUTE = len("Message") + len("String")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def deliver(context: Context, domain_name: str) -> int:
    """Send a domain's dead letters to its queue, if it has one, and forget those that it took.

    Call it after the transaction in which objects were rejected. What the queue does not take
    now stays for the next call; what it never can take stays among `Engine.dead_letters`. Neither
    is an error of whoever put the objects, so nothing is raised: it is logged.

    Returns:
        How many letters the queue took.
    """
    sent = 0
    try:
        with context.aws.sending:
            while found := _unsent(context, domain_name):
                queue_url, waiting = found
                chosen, held = _divided(waiting)
                taken = _send(context, queue_url, chosen) if chosen else Sent(set(), set())
                _settle(context, domain_name, waiting, taken, held)
                sent += len(taken.taken)
                if len(taken.taken | taken.refused) < len(chosen):
                    break
    except (AwsError, StorageError) as error:
        log.warning("dead letters of domain %s stay where they are: %s", domain_name, error)
    return sent


def deliver_all(context: Context) -> int:
    """Send what queues did not take before, of all domains; give how many letters went."""
    with context.database.read() as connection:
        names = letters.domains_with_unsent(connection)
    return sum(deliver(context, name) for name in names)


def _unsent(context: Context, domain_name: str) -> tuple[str, list[DeadLetter]] | None:
    """Give the queue's URL and the next letters for it."""
    with context.database.read() as connection:
        domain = domain_store.find(connection, domain_name)
        queue_url = domain and domain.settings.get("DeadLetterQueueUrl")
        if domain is None or not queue_url:
            return None
        found = letters.unsent(connection, domain.id, _MOST_MESSAGES)
    return (queue_url, found) if found else None


def _divided(waiting: list[DeadLetter]) -> tuple[list[DeadLetter], set[int]]:
    """Choose what fits into one request, and find the ids of what fits into none."""
    chosen: list[DeadLetter] = []
    held: set[int] = set()
    total = 0
    for letter in waiting:
        size = len(letter.body.encode()) + len(letter.message.encode()) + _ATTRIBUTE
        # Assumed: an object that SQS cannot take is not sent in part, and no queue hears of it.
        if size > _MOST_BYTES or not letter.body or _FORBIDDEN.search(letter.body):
            held.add(letter.id)
        elif total + size <= _MOST_BYTES:
            total += size
            chosen.append(letter)
    return chosen, held


def _send(context: Context, queue_url: str, chosen: list[DeadLetter]) -> Sent:
    messages = [Message(letter.id, letter.body, letter.message) for letter in chosen]
    return context.aws.send(queue_url, messages)


def _settle(
    context: Context, domain_name: str, waiting: list[DeadLetter], sent: Sent, held: set[int]
) -> None:
    held = held | sent.refused
    if held:
        log.warning("%d dead letters of domain %s are not what SQS takes", len(held), domain_name)
    with context.database.write() as connection:
        letters.delivered(connection, (letter for letter in waiting if letter.id in sent.taken))
        letters.hold(connection, (letter for letter in waiting if letter.id in held))

"""Put objects into a domain, at once or after the engine's ingestion delay."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.profiles.expiry import writing
from customer_profiles.engine.service.refusals import Refusal
from customer_profiles.engine.store import letters
from customer_profiles.engine.store import object_types as type_store

from .dead_letter_queue import deliver
from .intake import Intake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_APPLIED_AT_ONCE = 500


def put_objects(
    context: Context, domain_name: str, object_type_name: str, texts: Sequence[str]
) -> list[str | Refusal]:
    """Ingest objects in one transaction; give the key of each, or why it is refused."""
    results: list[str | Refusal] = []
    with writing(context) as connection:
        domain = domain_row(connection, domain_name)
        intake = Intake(context, connection, domain, object_type_name)
        accepted = []
        for text in texts:
            try:
                accepted.append(intake.accept(text))
            except Refusal as refusal:
                results.append(refusal)
            else:
                results.append(accepted[-1].unique_key)
        if context.ingestion_delay:
            due = context.clock.now() + context.ingestion_delay
            waiting = [one.body.decode() for one in accepted]
            letters.wait(connection, domain.id, object_type_name, waiting, due)
        else:
            intake.take(accepted)
    if intake.rejected:
        deliver(context, domain_name)
    return results


def apply_pending(context: Context) -> None:
    """Ingest the objects that waited for their moment, in the order in which they came."""
    applied = _APPLIED_AT_ONCE
    while applied == _APPLIED_AT_ONCE:
        rejected = set()
        with writing(context) as connection:
            waiting = letters.due(connection, context.clock.now(), _APPLIED_AT_ONCE)
            for (domain, name), group in groupby(waiting, key=lambda one: (one.domain, one.type)):
                if _apply(context, connection, domain, name, list(group)):
                    rejected.add(domain)
            applied = len(waiting)
        for domain in rejected:
            deliver(context, domain)


def _apply(
    context: Context,
    connection: Connection,
    domain: str,
    name: str,
    waiting: Sequence[letters.Waiting],
) -> int:
    """Ingest objects of one type; give how many were rejected."""
    for one in waiting:
        letters.taken(connection, one)
    row = domain_row(connection, domain)
    if type_store.written(connection, row.id, name) is None:
        # Assumed: an object whose type is deleted before it is ingested is lost with the type.
        return 0
    intake = Intake(context, connection, row, name)
    accepted = []
    for one in waiting:
        try:
            accepted.append(intake.accept(one.body))
        except Refusal as refusal:
            # The type was put anew since the object was accepted.
            intake.reject(one.body, refusal.message)
    intake.take(accepted)
    return intake.rejected

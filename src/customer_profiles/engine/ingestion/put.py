"""Putting objects into a domain, at once or after the engine's ingestion delay."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.profiles.expiry import writing
from customer_profiles.engine.service.refusals import Refusal
from customer_profiles.engine.store import inbox
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store.database import turns

from . import compiled_types
from .dead_letter_queue import deliver
from .intake import Accepted, Intake, accept, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

    from .compiled_types import CompiledType

_OBJECTS_A_TRANSACTION = 500


def put_objects(
    context: Context, domain_name: str, object_type_name: str, texts: Sequence[str]
) -> list[str | Refusal]:
    """Ingest objects in one transaction; return the unique key or the refusal of each."""
    parsed = [parse(text) for text in texts]
    with writing(context) as connection:
        intake = Intake(context, connection, domain_row(connection, domain_name), object_type_name)
        results = [_attempt(intake.type, *item) for item in parsed]
        _put(context, connection, intake, results)
    if intake.rejected:
        deliver(context, domain_name)
    return _outcomes(results)


def put_first(
    context: Context,
    domain_name: str,
    object_type_name: str,
    texts: Sequence[str],
    seconds: float,
) -> list[str | Refusal]:
    """Ingest the first of many objects; return the unique keys or the refusals of these.

    Objects are read before the transaction, so that it is short.
    """
    parsed = [parse(text) for text in texts]
    with context.database.read() as connection:
        domain = domain_row(connection, domain_name)
        compiled, _ = compiled_types.load(context, connection, domain.id, object_type_name)
    results = [_attempt(compiled, *item) for item in parsed]
    with writing(context) as connection:
        intake = Intake(context, connection, domain_row(connection, domain_name), object_type_name)
        if intake.type is not compiled:
            # The type was replaced in between.
            results = [_attempt(intake.type, *item) for item in parsed]
        results = results[: _put(context, connection, intake, results, seconds)]
    if intake.rejected:
        deliver(context, domain_name)
    return _outcomes(results)


def _attempt(compiled: CompiledType, body: bytes, source: object) -> Accepted | Refusal:
    try:
        return accept(compiled, body, source)
    except Refusal as refusal:
        return refusal


def _put(
    context: Context,
    connection: Connection,
    intake: Intake,
    results: Sequence[Accepted | Refusal],
    seconds: float = math.inf,
) -> int:
    """Ingest what was accepted, until the time is over; return how many results that covers."""
    accepted = [item for item in results if isinstance(item, Accepted)]
    if accepted and intake.is_implicit:
        compiled_types.keep(context, connection, intake.domain.id, intake.type.name)
    if context.ingestion_delay:
        due = context.clock.now() + context.ingestion_delay
        waiting = [item.body.decode() for item in accepted]
        inbox.add(connection, intake.domain.id, intake.type.name, waiting, due)
        return len(results)
    done = intake.ingest(accepted, seconds)
    if done == len(accepted):
        return len(results)
    return next(at for at, item in enumerate(results) if item is accepted[done])


def _outcomes(results: Sequence[Accepted | Refusal]) -> list[str | Refusal]:
    return [item.unique_key if isinstance(item, Accepted) else item for item in results]


def apply_pending(context: Context) -> None:
    """Ingest the objects whose delay is over, in the order in which they were put."""
    for _ in turns():
        rejected = set()
        with writing(context) as connection:
            waiting = inbox.due(connection, context.clock.now(), _OBJECTS_A_TRANSACTION)
            for (domain, name), group in groupby(
                waiting, key=lambda item: (item.domain, item.type)
            ):
                if _ingest_waiting(context, connection, domain, name, list(group)):
                    rejected.add(domain)
        for domain in rejected:
            deliver(context, domain)
        if len(waiting) < _OBJECTS_A_TRANSACTION:
            return


def _ingest_waiting(
    context: Context,
    connection: Connection,
    domain: str,
    name: str,
    waiting: Sequence[inbox.PendingObject],
) -> int:
    """Ingest objects of one type; return how many were rejected."""
    for item in waiting:
        inbox.remove(connection, item)
    row = domain_row(connection, domain)
    if type_store.written(connection, row.id, name) is None:
        # Assumed: an object whose type is deleted before it is ingested is lost with the type.
        return 0
    intake = Intake(context, connection, row, name)
    accepted = []
    for item in waiting:
        try:
            accepted.append(intake.accept(*parse(item.body)))
        except Refusal as refusal:
            # The type was replaced after the object was accepted.
            intake.reject(item.body, refusal.message)
    intake.ingest(accepted)
    return intake.rejected

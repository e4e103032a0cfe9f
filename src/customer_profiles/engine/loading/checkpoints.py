"""How far loads are: stored with the records themselves, so that a killed load can continue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.store import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_KIND = "Load"


class Checkpoint(NamedTuple):
    """What is stored in the transaction of a call, to tell later how far a load is."""

    name: str
    """What identifies the load in its domain."""
    position: Callable[[Sequence[Any]], dict[str, Any]]
    """Returns the position after records with these outcomes, just before they are committed."""


def write(
    context: Context,
    connection: Connection,
    domain: int,
    checkpoint: Checkpoint | None,
    outcomes: Sequence[Any],
) -> None:
    """Store how far a load is, in the transaction of its records."""
    if checkpoint is not None:
        now = context.clock.now()
        document = documents.Document(checkpoint.name, checkpoint.position(outcomes), now, now)
        documents.put(connection, domain, _KIND, document)


def read(context: Context, domain_name: str, name: str) -> dict[str, Any] | None:
    """Return the position of a load that did not end; None if there is none."""
    with context.database.read() as connection:
        domain = domain_row(connection, domain_name)
        document = documents.find(connection, domain.id, _KIND, name)
    return document and document.body


def remove(context: Context, domain_name: str, name: str) -> None:
    """Remove the position of a load that has ended."""
    with context.database.write() as connection:
        domain = domain_row(connection, domain_name)
        documents.delete(connection, domain.id, _KIND, name)

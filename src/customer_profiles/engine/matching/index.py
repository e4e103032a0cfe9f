"""Matching one record against all profiles of a domain, by the model of its latest job.

The index of blocking keys is made from columns when it is first needed. Triggers note the profiles
that are written later; their keys are updated before the next record is matched.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import identity_index as store
from customer_profiles.engine.store import matches as match_store
from customer_profiles.engine.store import profiles as profile_store

from . import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.identity import Candidate, Index, Model

_PROFILES_A_TRANSACTION, _KEYS_A_TRANSACTION = 1_000, 100_000
_HALF, _ALL = 1 << 63, 1 << 64


@dataclass(frozen=True, slots=True)
class DomainModel:
    """A domain's model and its index, kept in memory."""

    made: float
    model: Model
    index: Index


def find(
    context: Context, domain_name: str, record: Wire, least: float, limit: int
) -> list[Candidate]:
    """Find the profiles that may describe the same person as a record, the most probable first.

    Raises:
        Refusal: there is no such domain, or no job of it has made a model.
    """
    if not 0 <= least <= 1 or limit < 1:
        raise bad_request("least is a probability from 0 to 1, and limit at least 1")
    is_updated = False
    while True:
        with context.database.read() as connection:
            domain = domain_row(connection, domain_name).id
            latest = _latest_model(context, connection, domain)
            made = store.find(connection, domain)
            is_ready = made is not None and made.ready and made.made == latest.made
            # Profiles that are written meanwhile are indexed before the next record is matched.
            if is_ready and (is_updated or not store.changed(connection, domain, 1)):
                stored = _Stored(connection, domain, context.clock.now())
                members = machine.compared(record)
                return latest.index.find(members, stored, least=least, limit=limit)
        if not is_ready:
            _build(context, domain, latest)
        _update(context, domain, latest)
        is_updated = True


def _latest_model(context: Context, connection: Connection, domain: int) -> DomainModel:
    """Return the model of the latest job, from memory unless there is a newer one."""
    made = match_store.model_made(connection, domain)
    if made is None:
        # Assumed: a record can be matched only after a job of the domain has made a model.
        raise bad_request("No job of the domain has compared two profiles yet; run a job first")
    latest = context.models.get(domain)
    if latest is not None and latest.made == made:
        return latest
    from customer_profiles.identity import Index, Model

    model = None
    # The error quotes the model, which has customers' names in it.
    with suppress(ValueError):
        model = Model.from_json(match_store.model(connection, domain))
    if model is None:
        raise bad_request("The domain's latest job is of another release; run a job again")
    latest = context.models[domain] = DomainModel(made, model, Index(model))
    return latest


class _Stored:
    """The profiles of a domain, as an `Index` reads them."""

    def __init__(self, connection: Connection, domain: int, now: float) -> None:
        self._connection, self._domain, self._now = connection, domain, now

    def holders(self, keys: Iterable[int], most: int) -> Iterable[Sequence[int]]:
        """Return the rows that have each key."""
        signed = map(_signed, keys)
        return store.holders(self._connection, self._domain, signed, most, self._now)

    def records(self, rows: Sequence[int]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield profiles with their ids."""
        bodies = profile_store.bodies(self._connection, rows, self._now)
        for row in rows:
            if row in bodies:
                profile = from_json(bodies[row])
                yield profile["ProfileId"], machine.compared(profile)


def _signed(key: int) -> int:
    return key - _ALL if key >= _HALF else key


def _build(context: Context, domain: int, latest: DomainModel) -> None:
    """Build the index of a model."""
    with context.database.write() as connection:
        if match_store.model_made(connection, domain) != latest.made:
            return
        store.begin(connection, domain, latest.made)
    for keys in machine.keys_of(machine.bodies(context, domain), latest.model, _KEYS_A_TRANSACTION):
        with context.database.write() as connection:
            store.add(connection, keys)
    with context.database.write() as connection:
        store.end(connection, domain, latest.made)


def _update(context: Context, domain: int, latest: DomainModel) -> None:
    """Index the profiles that were written since the index was built."""
    while True:
        with context.database.read() as connection:
            if not store.changed(connection, domain, 1):
                return
        with context.database.write() as connection:
            made = store.find(connection, domain)
            if made is None or made.made != latest.made:
                # A newer model has replaced this one, and its index has other keys.
                return
            rows = store.changed(connection, domain, _PROFILES_A_TRANSACTION)
            store.add(connection, _keys(connection, rows, context.clock.now(), latest.index))
            store.mark_indexed(connection, rows)


def _keys(
    connection: Connection, rows: Sequence[int], now: float, index: Index
) -> Iterator[tuple[int, int]]:
    for row, body in profile_store.bodies(connection, rows, now).items():
        for key in index.keys(machine.compared(from_json(body))):
            yield _signed(key), row

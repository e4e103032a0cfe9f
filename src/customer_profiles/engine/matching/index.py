"""Matching one record against all profiles of a domain, by the model of its latest job.

The index is made when it is first needed, straight from columns. What is written later is noted by
triggers, and gets its keys before the next record is matched.
"""

from __future__ import annotations

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

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.identity import Candidate, Index, Model

Wire = dict[str, Any]

_A_FEW, _AT_ONCE = 1_000, 100_000
_HALF, _ALL = 1 << 63, 1 << 64


@dataclass(frozen=True, slots=True)
class Known:
    """A domain's model, kept in memory."""

    made: float
    model: Model
    index: Index


def find(
    context: Context, domain_name: str, record: Wire, least: float, limit: int
) -> list[Candidate]:
    """Find the profiles that may be one person's with a record, the most probable first.

    Raises:
        Refusal: there is no such domain, or no job of it has made a model.
    """
    if not 0 <= least <= 1 or limit < 1:
        raise bad_request("least is a probability from 0 to 1, and limit at least 1")
    is_settled = False
    while True:
        with context.database.read() as connection:
            domain = domain_row(connection, domain_name).id
            known = _known(context, connection, domain)
            made = store.find(connection, domain)
            is_ready = made is not None and made.ready and made.made == known.made
            # What is written while this goes on can wait for the next record.
            if is_ready and (is_settled or not store.changed(connection, domain, 1)):
                stored = _Stored(connection, domain, context.clock.now())
                wanted = machine.compared(record)
                return known.index.find(wanted, stored, least=least, limit=limit)
        if not is_ready:
            _make(context, domain, known)
        _settle(context, domain, known)
        is_settled = True


def _known(context: Context, connection: Connection, domain: int) -> Known:
    """Give the model of the latest job, read again if there is a newer one."""
    made = match_store.model_made(connection, domain)
    if made is None:
        # Assumed: one record can be matched after a job has made a model of how.
        raise bad_request("No job of the domain has compared two profiles yet; run one first")
    known = context.models.get(domain)
    if known is not None and known.made == made:
        return known
    from customer_profiles.identity import Index, Model

    try:
        model = Model.from_json(match_store.model(connection, domain))
    except ValueError as error:
        raise bad_request("The domain's latest job is of another release; run one again") from error
    known = context.models[domain] = Known(made, model, Index(model))
    return known


class _Stored:
    """The profiles of a domain, as the matcher asks for them."""

    def __init__(self, connection: Connection, domain: int, now: float) -> None:
        self._connection, self._domain, self._now = connection, domain, now

    def holders(self, keys: Iterable[int], most: int) -> Iterable[Sequence[int]]:
        """Give the rows that have each key."""
        signed = map(_signed, keys)
        return store.holders(self._connection, self._domain, signed, most, self._now)

    def records(self, rows: Sequence[int]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give profiles with their ids."""
        bodies = profile_store.bodies(self._connection, rows, self._now)
        for row in rows:
            if row in bodies:
                profile = from_json(bodies[row])
                yield profile["ProfileId"], machine.compared(profile)


def _signed(key: int) -> int:
    return key - _ALL if key >= _HALF else key


def _make(context: Context, domain: int, known: Known) -> None:
    """Make the index of a model."""
    with context.database.write() as connection:
        if match_store.model_made(connection, domain) != known.made:
            return
        store.begin(connection, domain, known.made)
    for keys in machine.keys_of(_bodies(context, domain), known.model, _AT_ONCE):
        with context.database.write() as connection:
            store.add(connection, keys)
    with context.database.write() as connection:
        store.end(connection, domain, known.made)


def _bodies(context: Context, domain: int) -> Iterator[list[tuple[int, bytes]]]:
    after, now = 0, context.clock.now()
    while True:
        with context.database.read() as connection:
            rows = match_store.bodies(connection, domain, after, now)
        if not rows:
            return
        after = rows[-1][0]
        yield rows


def _settle(context: Context, domain: int, known: Known) -> None:
    """Give keys to what was written since."""
    while True:
        with context.database.read() as connection:
            if not store.changed(connection, domain, 1):
                return
        with context.database.write() as connection:
            made = store.find(connection, domain)
            if made is None or made.made != known.made:
                # The keys of another model are wanted by now.
                return
            rows = store.changed(connection, domain, _A_FEW)
            store.add(connection, _keys(connection, rows, context.clock.now(), known.index))
            store.settled(connection, rows)


def _keys(
    connection: Connection, rows: Sequence[int], now: float, index: Index
) -> Iterator[tuple[int, int]]:
    for row, body in profile_store.bodies(connection, rows, now).items():
        for key in index.keys(machine.compared(from_json(body))):
            yield _signed(key), row

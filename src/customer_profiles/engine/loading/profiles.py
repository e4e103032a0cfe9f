"""Many profiles: created, or found by a key and updated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import from_json

from customer_profiles import _wire
from customer_profiles.engine.events import feed
from customer_profiles.engine.ingestion.batch import Batch
from customer_profiles.engine.profiles import changes, history, keys, owned_keys
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.profiles.expiry import writing
from customer_profiles.engine.service import protocol
from customer_profiles.engine.service.refusals import Refusal, bad_request, invalid
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import rule_matches
from customer_profiles.engine.store.rows import key_slot, key_slots

from . import checkpoints, pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.profiles.keys import Key
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.domains import DomainRow
    from customer_profiles.engine.store.profiles import Stored

    from .checkpoints import Checkpoint

_CREATE, _UPDATE = "CreateProfileRequest", "UpdateProfileRequest"
_UPSERT = "upsert"
KEYS = {"AccountNumber": "_account", "EmailAddress": "_email", "PhoneNumber": "_phone"}
"""The members that can identify a customer, and the search key of each."""
_MOST_HOLDERS = 10


class Upserted(NamedTuple):
    """What became of a record with a key."""

    outcome: str
    """created, updated, kept, or several: more than one profile may be meant."""
    profile_id: str
    holders: int = 0
    """How many profiles have the key, up to ten, if they are several."""


def _checked(shape: str, request: Wire) -> Wire:
    """Return a request that is not broken, as `Engine.answer` checks it."""
    if problems := _wire.problems(request, _wire.shape(shape)):
        raise invalid(problems)
    return request


def create(
    context: Context, domain_name: str, records: Sequence[Wire], checkpoint: Checkpoint | None
) -> list[str | Refusal]:
    """Create the first of the records; return the new id or the refusal of each.

    Raises:
        Refusal: there is no such domain; nothing is stored.
    """
    outcomes: list[str | Refusal] = []
    new: list[changes.NewProfile] = []
    size = 0
    for record in records[: pace.most_records(context, domain_name, _CREATE)]:
        try:
            request = {**protocol.cleaned(record), "DomainName": domain_name}
            profile = changes.new_profile(context, _checked(_CREATE, request))
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        new.append(profile)
        outcomes.append(profile.profile_id)
        size += len(profile.body)
        if size > pace.MOST_BYTES:
            break
    if not new and checkpoint is None:
        return outcomes
    with (
        pace.measured(context, _CREATE, len(new)),
        writing(context) as connection,
    ):
        domain = domain_row(connection, domain_name)
        if len(new) > 1 and rule_matches.domain(connection, domain.id) is not None:
            # The domain got rules since the records were counted.
            outcomes = outcomes[: outcomes.index(new[0].profile_id) + 1]
            new = new[:1]
        if new:
            changes.insert(context, connection, domain, new)
        checkpoints.write(context, connection, domain.id, checkpoint, outcomes)
    return outcomes


def upsert(  # noqa: PLR0913  (the parts of a request)
    context: Context,
    domain_name: str,
    records: Sequence[Wire],
    member: str,
    *,
    keep_stored: bool,
    checkpoint: Checkpoint | None,
) -> list[Upserted | Refusal]:
    """Find the profile of each of the first records by a key; update it, or create one.

    Raises:
        Refusal: there is no such domain, or the member is no key; nothing is stored.
    """
    if member not in KEYS:
        raise bad_request(f"{member} is no key of profiles; give one of {', '.join(KEYS)}")
    chunk: list[Wire | Refusal] = []
    for record in records[: pace.most_records(context, domain_name, _UPSERT)]:
        try:
            chunk.append({**protocol.cleaned(record), "DomainName": domain_name})
        except Refusal as refusal:
            chunk.append(refusal)
    with (
        pace.measured(context, _UPSERT, len(chunk)),
        writing(context) as connection,
    ):
        domain = domain_row(connection, domain_name)
        if len(chunk) > 1 and rule_matches.domain(connection, domain.id) is not None:
            chunk = chunk[:1]
        outcomes = _Upsert(context, connection, domain, member, keep_stored=keep_stored).all(chunk)
        checkpoints.write(context, connection, domain.id, checkpoint, outcomes)
    return outcomes


class _KeyOf(NamedTuple):
    """The value by which the profile of a record is found."""

    normal: str
    slot: int
    """The slot of the index that has the profiles with this value."""


class _Upsert:
    """The upsert of records within one transaction."""

    def __init__(
        self,
        context: Context,
        connection: Connection,
        domain: DomainRow,
        member: str,
        *,
        keep_stored: bool,
    ) -> None:
        self._context, self._connection, self._domain = context, connection, domain
        self._member, self._key, self._keep_stored = member, KEYS[member], keep_stored
        self._last_row = domain.last_row
        self._created = self._bytes = 0

    def all(self, chunk: Sequence[Wire | Refusal]) -> list[Upserted | Refusal]:
        """Upsert records in their order; return their outcomes."""
        outcomes: list[Upserted | Refusal] = []
        keyed = [(record, self._key_of(record)) for record in chunk]
        slots = {key.slot for _, key in keyed if key is not None}
        now = self._context.clock.now()
        self._batch = Batch(self._connection, now, slots, self._domain.feed)
        for record, key in keyed:
            try:
                outcomes.append(
                    record if isinstance(record, Refusal) else self._upsert(record, key)
                )
            except Refusal as refusal:
                outcomes.append(refusal)
            if self._bytes > pace.MOST_BYTES:
                break
        self._batch.write()
        more = domain_store.Counts(self._created, 0, self._bytes)
        domain_store.count_rows(self._connection, self._domain.id, self._last_row, more)
        return outcomes

    def _key_of(self, record: Wire | Refusal) -> _KeyOf | None:
        """Return the key of a record; None if it has none."""
        value = None if isinstance(record, Refusal) else record.get(self._member)
        if not isinstance(value, str) or not value:
            return None
        normal = keys.normalize(self._key, value)
        return _KeyOf(normal, key_slot(self._domain.id, (self._key, normal)))

    def _upsert(self, record: Wire, key: _KeyOf | None) -> Upserted:
        if key is None:
            raise bad_request(f"{self._member} is empty, but it is the key of the records")
        holders = self._batch.profiles(key.slot, _MOST_HOLDERS) if key.normal else []
        same = [stored for stored in holders if self._value(stored) == key.normal]
        if holders and len(same) != 1:
            return Upserted("several", "", len(holders))
        if not same:
            return self._create(record)
        (stored,) = same
        profile_id = stored.profile_id.hex()
        if self._keep_stored:
            return Upserted("kept", profile_id)
        self._update(stored, _checked(_UPDATE, {**record, "ProfileId": profile_id}))
        return Upserted("updated", profile_id)

    def _value(self, stored: Stored) -> str | None:
        """Return the value of the member itself: a search key covers related members too."""
        value = from_json(stored.body).get(self._member)
        return keys.normalize(self._key, value) if value else None

    def _create(self, record: Wire) -> Upserted:
        profile = changes.new_profile(self._context, _checked(_CREATE, record))
        self._last_row += 1
        stored = profile.at(self._context, self._domain, self._last_row)
        self._batch.insert_profile(stored)
        self._batch.enter(stored.id, self._slots(profile.keys))
        if self._domain.feed:
            self._batch.record(
                feed.profile_written(stored, self._context.clock.now(), created=True)
            )
        self._created += 1
        self._bytes += len(stored.body)
        return Upserted("created", profile.profile_id)

    def _update(self, stored: Stored, request: Wire) -> None:
        update = changes.update(self._context, self._domain, stored, request)
        history.add(self._context, self._connection, stored, "UPDATED", update.stored.body)
        self._batch.replace_profile(update.stored)
        if self._domain.feed and update.stored.body != stored.body:
            self._batch.record(feed.profile_written(update.stored, self._context.clock.now()))
        if update.released:
            self._batch.flush()
            owned_keys.release(self._connection, update.stored, update.released)
            self._batch.forget(self._slots(update.released))
        self._batch.enter(stored.id, self._slots(update.gained))
        self._bytes += len(update.stored.body) - len(stored.body)

    def _slots(self, owned: set[Key]) -> set[int]:
        return key_slots(self._domain.id, owned)

"""Ingestion of objects: from their JSON to a profile and standard objects."""

from __future__ import annotations

import math
import time
from bisect import insort
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import from_json, to_json

from customer_profiles._standard_objects import PROFILE, standard
from customer_profiles.engine.events import feed
from customer_profiles.engine.profiles import history as profile_history
from customer_profiles.engine.profiles import keys, owned_keys, provenance, removal
from customer_profiles.engine.profiles.expiry import expires_after
from customer_profiles.engine.profiles.keys import Key
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import dead_letters, history
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store.rows import (
    key_slot,
    key_slots,
    object_slot,
    object_slot_beside,
    owned_objects_slot,
)

from . import compiled_types
from .batch import Batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject

    from .compiled_types import CompiledType
    from .mapping import KeyValue, Reading

# AG:enable-customer-profiles has these messages of the dead-letter queue.
_NO_KEY = "The UNIQUE key or PROFILE key does not exist in the profile object"
_AMBIGUOUS = "All keys of this object are binding to more than one profiles"
_TOO_LARGE = "Your data contains profile object larger than {} bytes"
# Assumed: the message for an object that finds no profile and may not create one is our own.
_NO_PROFILE = "No profile matches the object and AllowProfileCreation is false"
# AG:examples-object-type-mappings: an ambiguous standard object is rejected.
# Assumed: the message for keys that find several standard objects of one type is our own.
_AMBIGUOUS_STANDARD = "The keys of this object are binding to more than one {} objects"
_WEB_ANALYTICS, _MOST_WEB_ANALYTICS = "_webAnalytics", 250
_WEB_ANALYTICS_SINCE = datetime(2026, 9, 1, tzinfo=UTC).timestamp()


_OBJECTS_A_BATCH = 500


class Rejected(Exception):  # noqa: N818 - an outcome of ingestion, not a fault
    """The object becomes a dead letter; the message says why."""


class Accepted(NamedTuple):
    """An object that passed the checks of the request."""

    body: bytes
    reading: Reading
    own_key: Key
    """The UNIQUE key and its value."""
    unique_key: str
    """The ProfileObjectUniqueKey, which is derived from it."""


@dataclass(slots=True)
class _StandardObject:
    """A standard object as it was and will be stored, and the search keys of its members."""

    old: StoredObject | None
    new: StoredObject
    search_keys: set[Key]


def parse(text: str) -> tuple[bytes, object]:
    """Return an object's JSON as bytes and parsed; None if it is not valid JSON.

    It needs no transaction, so that large objects do not keep other writers waiting.
    """
    body = b""
    try:
        body = text.encode()
        # Assumed: an object that is nested more than 200 levels deep is refused.
        return body, from_json(body, allow_inf_nan=False)
    except ValueError:
        return body, None


class _Slots(dict[Key, int]):
    """The slots of search keys, which are computed when they are first needed."""

    def __init__(self, domain: int) -> None:
        self._domain = domain

    def __missing__(self, key: Key) -> int:
        slot = self[key] = key_slot(self._domain, key)
        return slot


def accept(compiled: CompiledType, body: bytes, source: object) -> Accepted:
    """Read the values of an object of a type that `parse` parsed.

    It needs no transaction either.

    Raises:
        Refusal: the text was not a JSON object, or the object lacks its UNIQUE key or all its
            PROFILE keys, or has too many values.
    """
    if not isinstance(source, dict):
        # AG:object-type-mapping-troubleshooting; the message is our own.
        raise bad_request("Object is not valid JSON; give the text of one JSON object")
    reading = compiled.mapping.read(source)
    own_key = reading.own_key
    if own_key is None or not reading.has_profile_key:
        # Seen from the service, as PutProfileObject's own error.
        raise bad_request(_NO_KEY)
    return Accepted(body, reading, own_key, keys.unique_key(compiled.name, own_key[1]))


class Intake:
    """The ingestion of objects of one type into a domain, within one transaction."""

    def __init__(
        self, context: Context, connection: Connection, domain: domain_store.DomainRow, name: str
    ) -> None:
        """Load the object type.

        Raises:
            Refusal: there is no such type.
        """
        self._context, self._connection = context, connection
        self.domain: domain_store.DomainRow = domain
        self.type: CompiledType
        self.is_implicit: bool
        self.type, self.is_implicit = compiled_types.load(context, connection, domain.id, name)
        self._now = context.clock.now()
        self._last_row = domain.last_row
        self._new_profiles = self._new_objects = self._new_bytes = 0
        self._slot_of = _Slots(domain.id)
        # The ages of the objects of profiles that had too many, and the limits of types.
        self._ages: dict[int, list[object_store.Age]] = {}
        self._limits: dict[str, int | None] = {}
        # How many standard objects of web analytics the profiles have that got any.
        self._browsing: dict[int, int] = {}
        self.rejected: int = 0
        """The number of objects that became dead letters."""

    def accept(self, body: bytes, source: object) -> Accepted:
        """Read the values of an object that `parse` parsed, or refuse it as `accept` does."""
        return accept(self.type, body, source)

    def ingest(self, accepted: Sequence[Accepted], seconds: float = math.inf) -> int:
        """Ingest objects or store them as dead letters; to be called once.

        Objects that depend on each other have the outcome of objects that are put one by one.

        Args:
            accepted: the objects, in their order.
            seconds: the time after which no further object is begun, but for the first one.

        Returns:
            How many objects were ingested or became dead letters.
        """
        done, end = 0, time.perf_counter() + seconds
        while done < len(accepted) and (not done or time.perf_counter() < end):
            done += self._ingest_batch(accepted[done : done + _OBJECTS_A_BATCH], end)
        more = domain_store.Counts(self._new_profiles, self._new_objects, self._new_bytes)
        domain_store.count_rows(self._connection, self.domain.id, self._last_row, more)
        return done

    def _ingest_batch(self, accepted: Sequence[Accepted], end: float) -> int:
        """Ingest at least one object; return how many were ingested until the time was over."""
        self._slot_of.clear()
        slots = self._slots(accepted)
        self._batch = Batch(self._connection, self._now, slots, self.domain.feed)
        done = 0
        for item in accepted:
            try:
                self._ingest(item)
            except Rejected as reason:
                self.reject(item.body.decode(), str(reason))
            done += 1
            if time.perf_counter() > end:
                break
        self._batch.write()
        return done

    def reject(self, text: str, reason: str) -> None:
        """Store an object as a dead letter."""
        self.rejected += 1
        letter = dead_letters.DeadLetter(self.domain.id, self.type.name, text, reason, self._now)
        dead_letters.add(self._connection, letter)

    def _slots(self, accepted: Iterable[Accepted]) -> set[int]:
        """Return the slots of the index in which objects are looked up."""
        found, slots = set[int](), self._slot_of
        for item in accepted:
            found.add(object_slot_beside(slots[item.own_key]))
            reading = item.reading
            for key in reading.keys:
                if "PROFILE" in key.identifiers:
                    found.add(slots[key.name, key.normal])
            for name in reading.standard:
                if name != PROFILE:
                    own = _own_keys(name, reading, item.unique_key)
                    found.update(object_slot(self.domain.id, name, key) for key in own)
        return found

    def _ingest(self, accepted: Accepted) -> None:
        reading, body = accepted.reading, self._checked_size(accepted.body)
        earlier = self._earlier(accepted)
        found = self._find_profile(reading.keys) or self._profile_of(earlier)
        if found is None and not self.type.creates_profiles:
            raise Rejected(_NO_PROFILE)
        source = provenance.Source(
            self.type.name,
            accepted.unique_key,
            self._now if reading.timestamp is None else reading.timestamp,
            self.type.priority,
            self._now,
        )
        # Everything that can fail is done before the first row is written.
        profile = self._new_profile() if found is None else found
        old = {} if found is None else from_json(found.body)
        new, profile = self._updated(old, profile, reading, source)
        previous = earlier if earlier and earlier.profile == profile.id else None
        keys_before = owned_keys.read_keys(previous.keys) if previous else set()
        search_keys = _stored_keys(reading.keys, keys_before, created=found is None)
        standard_objects = [
            self._standard_object(name, reading, source, profile.id)
            for name in reading.standard
            if name != PROFILE
        ]
        stored = self._object(accepted, profile.id, search_keys, source, earlier)
        size = profile.object_bytes + len(body) - (len(previous.body) if previous else 0)
        # A tuple with new counters; `_replace` takes three times as long.
        profile = profile_store.Stored(*profile[:-2], profile.objects + (previous is None), size)
        self._write_profile(found, profile)
        slots = {
            object_slot_beside(self._slot_of[accepted.own_key]),
            owned_objects_slot(profile.id),
        }
        self._write_object(earlier, stored, slots)
        for item in standard_objects:
            if item.new.type == _WEB_ANALYTICS:
                self._count_web_analytics(item)
            self._write_object(item.old, item.new, owned_keys.object_slots(item.new))
        if self.domain.feed:
            self._record(found, profile, (earlier, stored), standard_objects)
        had, has = self._key_change(
            profile, (old, new), (keys_before, search_keys), standard_objects
        )
        self._batch.enter(profile.id, map(self._slot_of.__getitem__, has - had))
        self._new_objects += earlier is None
        self._new_bytes += len(body) - (len(earlier.body) if earlier else 0)
        if released := had - has:
            self._batch.flush()
            owned_keys.release(self._connection, profile, released)
            self._batch.forget(map(self._slot_of.__getitem__, released))
        for moved in (earlier, *(item.old for item in standard_objects)):
            if moved is not None and moved.profile != profile.id:
                self._remove_from_former_profile(moved)
        if self._is_full(profile.objects, profile.object_bytes):
            self._evict(profile.id, stored.id)
        if self._browsing.get(profile.id, 0) > _MOST_WEB_ANALYTICS:
            self._evict_web_analytics(profile.id)

    def _checked_size(self, body: bytes) -> bytes:
        """Return JSON that is not too large, or reject the object."""
        limit = self._context.quotas.profile_bytes
        if len(body) > limit:
            raise Rejected(_TOO_LARGE.format(limit))
        return body

    def _earlier(self, accepted: Accepted) -> StoredObject | None:
        """Find the stored object with the same UNIQUE key."""
        slot = object_slot_beside(self._slot_of[accepted.own_key])
        found = self._batch.objects(slot, self.type.name)
        if not found:
            return None
        # Objects of earlier versions keep the unique key of an earlier form of the value.
        return next(
            (
                item
                for item in found
                if item.unique_key == accepted.unique_key
                or accepted.own_key in owned_keys.read_keys(item.own_keys)
            ),
            None,
        )

    def _find_profile(self, object_keys: Sequence[KeyValue]) -> profile_store.Stored | None:
        """Find the profile by an object's keys; None if it has none yet."""
        # AG:profile-matching: primary keys first, then SECONDARY ones; a key that finds several
        # profiles is skipped.
        # Assumed: keys of one rank are tried in the order in which the type declares them.
        usable = ambiguous = 0
        for is_secondary in (False, True):
            for key in object_keys:
                identifiers = key.identifiers
                if "PROFILE" in identifiers and ("SECONDARY" in identifiers) is is_secondary:
                    holders = self._holders(key)
                    if len(holders) == 1:
                        return holders[0]
                    usable += 1
                    ambiguous += len(holders) > 1
        # The message of the dead-letter queue says "all keys".
        # Assumed: if one PROFILE key finds no profile, AllowProfileCreation decides.
        if ambiguous == usable:
            raise Rejected(_AMBIGUOUS)
        return None

    def _profile_of(self, earlier: StoredObject | None) -> profile_store.Stored | None:
        """Return the profile of the stored object with the same unique key, unless it expired."""
        if earlier is None:
            return None
        # Assumed: an object that is put again stays with its profile if its keys find none.
        profile = self._batch.profile(earlier.profile)
        return profile if profile is not None and profile.expires > self._now else None

    def _holders(self, key: KeyValue) -> list[profile_store.Stored]:
        if key.name == "_profileId":
            profile_id = keys.id_bytes(key.value)
            stored = self._batch.profile_by_id(self.domain.id, profile_id)
            return [stored] if stored else []
        return self._batch.profiles(self._slot_of[key.name, key.normal])

    def _next_row(self) -> int:
        self._last_row += 1
        return self._last_row

    def _new_profile(self) -> profile_store.Stored:
        """Make the row of the profile that an object creates."""
        profile_id = self._context.clock.new_profile_id()
        row = self._next_row()
        return profile_store.Stored(row, self.domain.id, bytes.fromhex(profile_id), 0, b"")

    def _expires(self) -> int:
        # AG:customer-profiles-data-expiration: the type's ExpirationDays, else the domain's.
        days = self.type.expiration_days or self.domain.expiration_days
        return expires_after(self._now, days)

    def _updated(
        self, old: Wire, stored: profile_store.Stored, reading: Reading, source: provenance.Source
    ) -> tuple[Wire, profile_store.Stored]:
        """Merge an object's values into its profile; return its values and its row."""
        values = reading.standard.get(PROFILE) or {}
        sources = provenance.read(stored.sources)
        if not old:
            # AG:inferred-profiles: content types fill a new profile, even without a target.
            values = {**reading.inferred, **values}
            old = {"ProfileId": stored.profile_id.hex()}
        new = provenance.merged(old, sources, values, source, "ProfileId") if values else old
        body = stored.body if new is old and stored.body else self._checked_size(to_json(new))
        # Assumed: an object extends its profile's expiry to its own, if that is later.
        expires = max(stored.expires, self._expires())
        written = provenance.write(sources) or stored.sources
        row = profile_store.Stored(*stored[:3], expires, body, written, *stored[6:])
        return new, row

    def _write_profile(
        self, found: profile_store.Stored | None, profile: profile_store.Stored
    ) -> None:
        if found is None:
            self._batch.insert_profile(profile)
            self._new_profiles += 1
            self._new_bytes += len(profile.body)
        else:
            self._batch.replace_profile(profile)
            self._new_bytes += len(profile.body) - len(found.body)

    def _record(
        self,
        found: profile_store.Stored | None,
        profile: profile_store.Stored,
        own: tuple[StoredObject | None, StoredObject],
        standard_objects: Iterable[_StandardObject],
    ) -> None:
        """Add what an object changed to the change feed."""
        now = self._now
        if found is None or found.body != profile.body:
            self._batch.record(feed.profile_written(profile, now, created=found is None))
        self._record_object(profile, *own)
        for item in standard_objects:
            self._record_object(profile, item.old, item.new)

    def _record_object(
        self, profile: profile_store.Stored, old: StoredObject | None, new: StoredObject
    ) -> None:
        # Assumed: an object that is put again unchanged has no record.
        if old is None or old.body != new.body or old.profile != new.profile:
            change = feed.object_written(new, profile.profile_id, self._now, created=old is None)
            self._batch.record(change)

    def _object(
        self,
        accepted: Accepted,
        profile: int,
        search_keys: set[Key],
        source: provenance.Source,
        earlier: StoredObject | None,
    ) -> StoredObject:
        return object_store.StoredObject(
            earlier.id if earlier else self._next_row(),
            self.domain.id,
            profile,
            self.type.name,
            accepted.unique_key,
            self._now,
            source.time,
            # AG:additional-properties-object-types: retention is fixed at ingestion.
            self._expires(),
            owned_keys.write_keys(search_keys),
            owned_keys.write_keys([accepted.own_key]),
            None,
            accepted.body,
        )

    def _standard_object(
        self, name: str, reading: Reading, source: provenance.Source, profile: int
    ) -> _StandardObject:
        """Find or make a standard object and write an object's values into it."""
        definition = standard()[name]
        id_member = definition.id_member
        found_by = _own_keys(name, reading, source.unique_key)
        old = self._find_standard_object(name, found_by)
        object_id = from_json(old.body)[id_member] if old else self._context.clock.new_profile_id()
        before = from_json(old.body) if old else {id_member: object_id}
        sources = provenance.read(old.sources if old else None)
        new = provenance.merged(before, sources, reading.standard[name], source, id_member)
        own_keys = owned_keys.read_keys(old.own_keys) if old else set()
        identified = _identified(name, reading)
        own_keys |= _stored_keys(identified, own_keys, created=old is None)
        own_keys |= {key for key in found_by if not key[0]}
        # Assumed: a standard object is found by its id under the key that its page names for it.
        own_keys |= {(key, object_id) for key, member in definition.keys if member == id_member}
        search_keys = owned_keys.default_keys(definition.keys, new)
        body = self._checked_size(to_json(new))
        stored = object_store.StoredObject(
            old.id if old else self._next_row(),
            self.domain.id,
            # Assumed: a standard object belongs to the profile of the object that filled it last.
            profile,
            name,
            old.unique_key if old else keys.unique_key(name, object_id),
            self._now,
            source.time,
            max(old.expires if old else 0, self._expires()),
            owned_keys.write_keys(search_keys),
            owned_keys.write_keys(own_keys),
            provenance.write(sources),
            body,
        )
        return _StandardObject(old, stored, search_keys)

    def _find_standard_object(self, name: str, found_by: set[Key]) -> StoredObject | None:
        found = {
            stored.id: stored
            for key in found_by
            for stored in self._batch.objects(object_slot(self.domain.id, name, key), name)
            if stored.expires > self._now
        }
        if len(found) > 1:
            raise Rejected(_AMBIGUOUS_STANDARD.format(name))
        return next(iter(found.values()), None)

    def _write_object(self, old: StoredObject | None, new: StoredObject, slots: set[int]) -> None:
        if old is not None:
            old_slots = owned_keys.object_slots(old)
            if unused := old_slots - slots:
                self._batch.flush()
                key_store.remove(self._connection, old.id, unused)
                self._batch.forget(unused)
            slots = slots - old_slots
            if not old.is_standard:
                event = profile_history.ingested(old)
                # The content of an object that was put again unchanged is stored once.
                is_same = old.body == new.body and old.profile == new.profile
                event = event._replace(content=None) if is_same else event
                history.add(self._connection, (event,))
        if self._ages and not new.is_standard:
            self._note_age(old, new)
        self._batch.put_object(new)
        self._batch.enter(new.id, slots)

    def _key_change(
        self,
        profile: profile_store.Stored,
        values: tuple[Wire, Wire],
        search_keys: tuple[set[Key], set[Key]],
        standard_objects: Iterable[_StandardObject],
    ) -> tuple[set[Key], set[Key]]:
        """Return the keys that the profile had and has, as far as this object touches them.

        `values` are the profile's and `search_keys` the object's, each before and after.
        """
        old, new = values
        had, has = set(search_keys[0]), set(search_keys[1])
        if not old:
            has |= keys.of_fields(new)
        elif not keys.are_same(old, new):
            had |= keys.of_fields(old)
            has |= keys.of_fields(new)
        for item in standard_objects:
            has |= item.search_keys
            if item.old is not None and item.old.profile == profile.id:
                had |= owned_keys.read_keys(item.old.keys)
        return had, has

    def _remove_from_former_profile(self, moved: StoredObject) -> None:
        """Remove an object's keys from the profile that it belonged to before."""
        # Assumed: an object whose keys find another profile than before moves to that profile.
        self._batch.flush()
        if not moved.is_standard:
            profile_store.count_object(self._connection, moved.profile, -1, -len(moved.body))
        profile = profile_store.at(self._connection, moved.profile)
        if profile is not None:
            owned_keys.release(self._connection, profile, owned_keys.read_keys(moved.keys))
        self._batch.forget_all()

    def _is_full(self, objects: int, size: int) -> bool:
        """Return whether a profile has too many objects or too large ones."""
        quotas = self._context.quotas
        # Assumed: objects are evicted for their total size as they are for their number.
        return objects > 1 and (objects > quotas.objects or size > quotas.objects_bytes)

    def _evict(self, profile: int, newest: int) -> None:
        """Remove objects of a full profile, except the newest. AG:customer-profiles-data-limits."""
        self._batch.flush()
        if profile not in self._ages:
            self._ages[profile] = object_store.ages(self._connection, profile)
        present = self._ages[profile]
        counts = Counter(name for _, _, name, _ in present)
        size, victims = sum(size for *_, size in present), set[int]()

        def oldest(types: Collection[str]) -> Iterator[object_store.Age]:
            return (
                age
                for age in present
                if age[2] in types and age[1] != newest and age[1] not in victims
            )

        oldest_of = {name: oldest({name}) for name in {*counts, self.type.name}}
        oldest_of_all = oldest(counts)
        while self._is_full(counts.total(), size):
            excess = {
                name: counts[name] - limit
                for name in sorted(counts)
                if (limit := self._object_limit(name)) is not None and counts[name] > limit
            }
            name = max(excess, key=lambda name: excess[name]) if excess else self.type.name
            # Assumed: an object that is the only one of its type evicts the oldest of all.
            _, victim, name, length = next(oldest_of[name], None) or next(oldest_of_all)
            victims.add(victim)
            counts[name] -= 1
            size -= length
        present[:] = [age for age in present if age[1] not in victims]
        # Assumed: the history calls an evicted object expired.
        self._remove(profile, object_store.by_ids(self._connection, [*victims]))

    def _remove(self, profile: int, evicted: Sequence[StoredObject]) -> None:
        removal.remove_objects(self._connection, evicted, "EXPIRED", self._now)
        provided = set[Key]().union(*(owned_keys.read_keys(stored.keys) for stored in evicted))
        slots = key_slots(self.domain.id, provided).union(*map(owned_keys.object_slots, evicted))
        self._batch.forget(slots, (profile, *(stored.id for stored in evicted)))

    def _note_age(self, old: StoredObject | None, new: StoredObject) -> None:
        """Keep the ages of the objects of full profiles up to date."""
        if old is not None and old.profile in self._ages:
            ages = self._ages[old.profile]
            ages[:] = [age for age in ages if age[1] != old.id]
        if new.profile in self._ages:
            age = (new.ingested, new.id, new.type, len(new.body))
            insort(self._ages[new.profile], age)

    def _count_web_analytics(self, item: _StandardObject) -> None:
        """Count a standard object of web analytics, before it is written."""
        # AG:customer-profiles-data-limits: in domains created after 2026-09-01.
        if self.domain.created < _WEB_ANALYTICS_SINCE:
            return
        counts, profile = self._browsing, item.new.profile
        if profile not in counts:
            self._batch.flush()
            counts[profile] = object_store.count_of_type(self._connection, profile, _WEB_ANALYTICS)
        earlier = item.old.profile if item.old is not None else None
        counts[profile] += profile != earlier
        if earlier != profile and earlier in counts:
            counts[earlier] -= 1

    def _evict_web_analytics(self, profile: int) -> None:
        """Remove the oldest standard objects of web analytics that are too many."""
        # Assumed: the oldest of too many `_webAnalytics` objects are removed at once.
        self._batch.flush()
        evicted = object_store.older(self._connection, profile, _WEB_ANALYTICS, _MOST_WEB_ANALYTICS)
        self._remove(profile, evicted)
        self._browsing[profile] = _MOST_WEB_ANALYTICS

    def _object_limit(self, name: str) -> int | None:
        if name not in self._limits:
            definition = type_store.written(self._connection, self.domain.id, name)
            limit = compiled_types.object_limit(from_json(definition)) if definition else None
            self._limits[name] = limit
        return self._limits[name]


def _identified(name: str, reading: Reading) -> list[KeyValue]:
    """Return the keys that connect an object with a standard object."""
    identifier = standard()[name].identifier
    return [key for key in reading.keys if identifier in key.identifiers]


def _own_keys(name: str, reading: Reading, unique_key: str) -> set[Key]:
    """Return the keys by which a standard object is found."""
    identified = _identified(name, reading)
    own_keys = {(key.name, key.normal) for key in identified}
    # Assumed: a standard object that no stored key identifies is that of the object itself.
    if all("LOOKUP_ONLY" in key.identifiers for key in identified):
        own_keys.add(("", unique_key))
    return own_keys


def _stored_keys(object_keys: Iterable[KeyValue], before: set[Key], *, created: bool) -> set[Key]:
    """Return the keys that are stored. AG:how-keys-are-added-index."""
    return {
        (key.name, key.normal)
        for key in object_keys
        if "LOOKUP_ONLY" not in key.identifiers
        # Assumed: a NEW_ONLY key that created its profile stays when the object is put again.
        and ("NEW_ONLY" not in key.identifiers or created or (key.name, key.normal) in before)
    }

"""Ingestion: what becomes of an object, from its JSON to a profile and standard objects."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json, to_json

from customer_profiles.engine.profiles import keys, provenance, removal
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import history, letters
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

from . import compiled_types
from .batch import Batch
from .standard import standard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from customer_profiles.engine.profiles.keys import Key
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject

    from .mapping import KeyValue, Reading

Wire = dict[str, Any]

SECONDS_A_DAY = 86_400

# AG:enable-customer-profiles has these messages of the dead-letter queue.
_NO_KEY = "The UNIQUE key or PROFILE key does not exist in the profile object"
_AMBIGUOUS = "All keys of this object are binding to more than one profiles"
_TOO_LARGE = "Your data contains profile object larger than {} bytes"
# Assumed: the words for an object that may not create the profile that it lacks.
_NO_PROFILE = "No profile matches the object and AllowProfileCreation is false"
# AG:examples-object-type-mappings: an ambiguous standard object is rejected.
# Assumed: the words for an object whose keys find several standard objects of a kind.
_AMBIGUOUS_STANDARD = "The keys of this object are binding to more than one {} objects"


class Rejected(Exception):  # noqa: N818 - an object's fate, not a fault
    """An object that goes to the dead letters, and why."""


class Accepted(NamedTuple):
    """An object that passed what is checked at once."""

    body: bytes
    reading: Reading
    own_key: Key
    """The UNIQUE key and its value."""
    unique_key: str
    """What the service makes of it."""


@dataclass(slots=True)
class _Filled:
    """A standard object as it will be stored, and the keys that search for its profile by it."""

    old: StoredObject | None
    new: StoredObject
    added: set[Key]


class Intake:
    """Takes objects of one type into a domain, within one transaction."""

    def __init__(
        self, context: Context, connection: Connection, domain: domain_store.Place, name: str
    ) -> None:
        """Make ready to take objects of the type of a name."""
        self._context, self._connection, self._domain = context, connection, domain
        self._kind = compiled_types.load(context, connection, domain.id, name)
        self._now = context.clock.now()
        self._last_row = domain.last_row
        self._profiles = self._objects = self._bytes = 0
        self._known: dict[Key, int] = {}
        self.rejected: int = 0
        """How many objects went to the dead letters."""

    def accept(self, text: str) -> Accepted:
        """Check what is checked at once, or refuse."""
        source, body = None, b""
        # What cannot be read is refused below, in our words.
        with suppress(ValueError):
            body = text.encode()
            # Assumed: an object that is nested more than 200 levels deep is refused.
            source = from_json(body, allow_inf_nan=False)
        if not isinstance(source, dict):
            # AG:object-type-mapping-troubleshooting; the words are ours.
            raise bad_request("Object is not valid JSON; give the text of one JSON object")
        reading = self._kind.mapping.read(source)
        own_key = reading.own_key
        if own_key is None:
            # There is no ProfileObjectUniqueKey to answer with.
            # Assumed: an object without its UNIQUE key is refused at once.
            raise bad_request(_NO_KEY)
        return Accepted(body, reading, own_key, keys.unique_key(self._kind.name, own_key[1]))

    def take(self, accepted: Sequence[Accepted]) -> None:
        """Ingest objects, or put them among the dead letters; to be called once."""
        places = {place for one in accepted for place in self._places(one)}
        self._batch = Batch(self._connection, self._now, places)
        for one in accepted:
            try:
                self._ingest(one)
            except Rejected as reason:
                self.reject(one.body.decode(), str(reason))
        self._batch.settle()
        more = domain_store.Counts(self._profiles, self._objects, self._bytes)
        domain_store.count_rows(self._connection, self._domain.id, self._last_row, more)

    def reject(self, text: str, reason: str) -> None:
        """Put an object among the dead letters."""
        self.rejected += 1
        letter = letters.DeadLetter(0, self._domain.id, self._kind.name, text, reason, self._now)
        letters.reject(self._connection, letter)

    def _places(self, accepted: Accepted) -> Iterator[int]:
        """Give the places of the index that an object is looked up at."""
        yield keys.beside(self._place(accepted.own_key))
        for key in accepted.reading.keys:
            if "PROFILE" in key.identifiers:
                yield self._place((key.name, key.normal))
        for name in accepted.reading.standard:
            if name != PROFILE:
                own = _own_keys(name, accepted.reading, accepted.unique_key)
                yield from (keys.place_of_object(self._domain.id, name, key) for key in own)

    def _place(self, key: Key) -> int:
        """Give where the index has a search key; a batch asks for most several times."""
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = keys.hash_of(self._domain.id, key)
        return place

    def _ingest(self, accepted: Accepted) -> None:
        reading, body = accepted.reading, self._sized(accepted.body)
        earlier = self._earlier(accepted)
        found = self._resolved(reading.keys) or self._of_before(earlier)
        if found is None and not self._kind.creates:
            raise Rejected(_NO_PROFILE)
        source = provenance.Source(
            self._kind.name,
            accepted.unique_key,
            self._now if reading.timestamp is None else reading.timestamp,
            self._kind.priority,
            self._now,
        )
        # Everything that can fail is done before the first row is written.
        profile = self._made() if found is None else found
        old = {} if found is None else from_json(found.body)
        new, profile = self._changed(old, profile, reading, source)
        mine = earlier if earlier and earlier.profile == profile.id else None
        before = removal.keys_in(mine.keys) if mine else set()
        held = _stored_keys(reading.keys, before, created=found is None)
        filled = [
            self._filled(name, reading, source, profile.id)
            for name in reading.standard
            if name != PROFILE
        ]
        stored = self._object(accepted, profile.id, held, source, earlier)
        profile = profile._replace(
            objects=profile.objects + (mine is None),
            object_bytes=profile.object_bytes + len(body) - (len(mine.body) if mine else 0),
        )
        self._write_profile(found, profile)
        places = {keys.beside(self._place(accepted.own_key)), keys.place_of_objects(profile.id)}
        self._write_object(earlier, stored, places)
        for one in filled:
            self._write_object(one.old, one.new, removal.places_of(one.new))
        had, has = self._searched(profile, old, new, held, before, filled)
        self._batch.enter(profile.id, map(self._place, has - had))
        self._objects += earlier is None
        self._bytes += len(body) - (len(earlier.body) if earlier else 0)
        if had - has:
            self._batch.settle()
            removal.release(self._connection, profile, had - has)
        for moved in (earlier, *(one.old for one in filled)):
            if moved is not None and moved.profile != profile.id:
                self._leave(moved)
        self._make_room(profile, stored)

    def _sized(self, body: bytes) -> bytes:
        """Give JSON that is not too large, or reject the object."""
        limit = self._context.quotas.profile_bytes
        if len(body) > limit:
            raise Rejected(_TOO_LARGE.format(limit))
        return body

    def _earlier(self, accepted: Accepted) -> StoredObject | None:
        """Find the object of this unique key that is stored already."""
        place = keys.beside(self._place(accepted.own_key))
        found = self._batch.objects(place, self._kind.name)
        return next((one for one in found if one.unique_key == accepted.unique_key), None)

    # --- the profile ---

    def _resolved(self, found: Iterable[KeyValue]) -> profile_store.Stored | None:
        """Give the profile that the keys lead to; None if there is none yet."""
        usable = [key for key in found if "PROFILE" in key.identifiers]
        if not usable:
            raise Rejected(_NO_KEY)
        # AG:profile-matching: primary keys first, then SECONDARY ones; a key that leads to several
        # profiles is passed over.
        # Assumed: keys of one rank are tried in the order in which the type declares them.
        ambiguous = 0
        for key in sorted(usable, key=lambda key: "SECONDARY" in key.identifiers):
            holders = self._holders(key)
            if len(holders) == 1:
                return holders[0]
            ambiguous += len(holders) > 1
        # The messages of the dead-letter queue say all keys.
        # Assumed: if one PROFILE key leads to no profile, AllowProfileCreation decides.
        if ambiguous == len(usable):
            raise Rejected(_AMBIGUOUS)
        return None

    def _of_before(self, earlier: StoredObject | None) -> profile_store.Stored | None:
        """Give the profile that an object had before, if it is still there."""
        if earlier is None:
            return None
        # Assumed: an object that comes again stays where it is if its keys lead to no profile.
        self._batch.settle()
        profile = profile_store.at(self._connection, earlier.profile)
        return profile if profile is not None and profile.expires > self._now else None

    def _holders(self, key: KeyValue) -> list[profile_store.Stored]:
        if key.name == "_profileId":
            profile_id = keys.id_bytes(key.value)
            self._batch.settle()
            stored = profile_store.find(self._connection, self._domain.id, profile_id, self._now)
            return [stored] if stored else []
        place = self._place((key.name, key.normal))
        return self._batch.profiles(place)

    def _next_row(self) -> int:
        self._last_row += 1
        return self._last_row

    def _made(self) -> profile_store.Stored:
        """Make the row of the profile that an object brings about."""
        profile_id = self._context.clock.new_profile_id()
        row = self._next_row()
        return profile_store.Stored(row, self._domain.id, bytes.fromhex(profile_id), 0, b"")

    def _expires(self) -> int:
        # AG:customer-profiles-data-expiration: the type's ExpirationDays, else the domain's.
        days = self._kind.expiration_days or self._domain.expiration_days
        return int(self._now) + days * SECONDS_A_DAY

    def _changed(
        self, old: Wire, stored: profile_store.Stored, reading: Reading, source: provenance.Source
    ) -> tuple[Wire, profile_store.Stored]:
        """Write an object's values into its profile."""
        values = reading.standard.get(PROFILE) or {}
        sources = provenance.read(stored.sources)
        if not old:
            # AG:inferred-profiles: content types fill a new profile, even without a target.
            values = {**reading.inferred, **values}
            old = {"ProfileId": stored.profile_id.hex()}
        new = provenance.merged(old, sources, values, source, "ProfileId") if values else old
        body = stored.body if new is old and stored.body else self._sized(to_json(new))
        # Assumed: an object renews its profile's expiry to its own, if that is later.
        expires = max(stored.expires, self._expires())
        written = provenance.write(sources) or stored.sources
        return new, stored._replace(expires=expires, body=body, sources=written)

    def _write_profile(
        self, found: profile_store.Stored | None, profile: profile_store.Stored
    ) -> None:
        if found is None:
            self._batch.insert_profile(profile)
            self._profiles += 1
            self._bytes += len(profile.body)
        else:
            self._batch.replace_profile(profile)
            self._bytes += len(profile.body) - len(found.body)

    # --- the object itself and the standard objects ---

    def _object(
        self,
        accepted: Accepted,
        profile: int,
        held: set[Key],
        source: provenance.Source,
        earlier: StoredObject | None,
    ) -> StoredObject:
        return object_store.StoredObject(
            earlier.id if earlier else self._next_row(),
            self._domain.id,
            profile,
            self._kind.name,
            accepted.unique_key,
            self._now,
            source.time,
            # AG:additional-properties-object-types: retention is fixed at ingestion.
            self._expires(),
            removal.written(held),
            removal.written([accepted.own_key]),
            None,
            accepted.body,
        )

    def _filled(
        self, name: str, reading: Reading, source: provenance.Source, profile: int
    ) -> _Filled:
        """Find or make a standard object and write an object's values into it."""
        kind = standard()[name]
        own = _own_keys(name, reading, source.unique_key)
        old = self._standard(name, own)
        object_id = (
            from_json(old.body)[kind.id_member] if old else self._context.clock.new_profile_id()
        )
        before = from_json(old.body) if old else {kind.id_member: object_id}
        sources = provenance.read(old.sources if old else None)
        values = reading.standard[name]
        new = provenance.merged(before, sources, values, source, kind.id_member)
        own_keys = removal.keys_in(old.own_keys) if old else set()
        identified = _identified(name, reading)
        own_keys |= _stored_keys(identified, own_keys, created=old is None)
        own_keys |= {key for key in own if not key[0]}
        # Assumed: a standard object is found by its id under the key that its page names for it.
        own_keys |= {(key, object_id) for key, member in kind.keys if member == kind.id_member}
        held = removal.default_keys(kind.keys, new)
        body = self._sized(to_json(new))
        stored = object_store.StoredObject(
            old.id if old else self._next_row(),
            self._domain.id,
            # Assumed: a standard object belongs to the profile of the object that filled it last.
            profile,
            name,
            old.unique_key if old else keys.unique_key(name, object_id),
            self._now,
            source.time,
            max(old.expires if old else 0, self._expires()),
            removal.written(held),
            removal.written(own_keys),
            provenance.write(sources),
            body,
        )
        return _Filled(old, stored, held)

    def _standard(self, name: str, own: set[Key]) -> StoredObject | None:
        found = {
            one.id: one
            for key in own
            for one in self._batch.objects(keys.place_of_object(self._domain.id, name, key), name)
            if one.expires > self._now
        }
        if len(found) > 1:
            raise Rejected(_AMBIGUOUS_STANDARD.format(name))
        return next(iter(found.values()), None)

    def _write_object(self, old: StoredObject | None, new: StoredObject, places: set[int]) -> None:
        if old is not None:
            before = removal.places_of(old)
            if gone := before - places:
                self._batch.settle()
                key_store.remove(self._connection, old.id, gone)
            places = places - before
            if not old.is_standard:
                event = removal.ingested(old)
                # What came again unchanged is kept once.
                is_same = old.body == new.body and old.profile == new.profile
                event = event._replace(content=None) if is_same else event
                history.add(self._connection, (event,))
        self._batch.put_object(new)
        self._batch.enter(new.id, places)

    # --- what follows ---

    def _searched(  # noqa: PLR0913, PLR0917  (what was and what is)
        self,
        profile: profile_store.Stored,
        old: Wire,
        new: Wire,
        held: set[Key],
        before: set[Key],
        filled: Iterable[_Filled],
    ) -> tuple[set[Key], set[Key]]:
        """Give the keys that the profile had and has, as far as this object touches them."""
        had, has = set(before), set(held)
        if not keys.are_same(old, new):
            had |= keys.of_fields(old)
            has |= keys.of_fields(new)
        for one in filled:
            has |= one.added
            if one.old is not None and one.old.profile == profile.id:
                had |= removal.keys_in(one.old.keys)
        return had, has

    def _leave(self, moved: StoredObject) -> None:
        """Take an object's keys from the profile that it was moved away from."""
        # Assumed: an object whose keys lead to another profile than before moves there.
        self._batch.settle()
        if not moved.is_standard:
            profile_store.count_object(self._connection, moved.profile, -1, -len(moved.body))
        profile = profile_store.at(self._connection, moved.profile)
        if profile is not None:
            removal.release(self._connection, profile, removal.keys_in(moved.keys))

    def _make_room(self, profile: profile_store.Stored, new: StoredObject) -> None:
        """Evict objects of a profile that has too many or too large ones."""
        quotas = self._context.quotas
        objects, size = profile.objects, profile.object_bytes
        # Assumed: objects are evicted for their total size as they are for their number.
        while objects > 1 and (objects > quotas.objects or size > quotas.objects_bytes):
            self._batch.settle()
            victim = self._victim(profile.id, new)
            if victim is None:
                break
            # Assumed: the history calls an evicted object expired.
            removal.remove_objects(self._connection, [victim], "EXPIRED", self._now)
            objects, size = objects - 1, size - len(victim.body)

    def _victim(self, profile: int, new: StoredObject) -> StoredObject | None:
        """Choose the object to evict. AG:customer-profiles-data-limits."""
        place = keys.place_of_objects(profile)
        over = {
            name: count - most
            for name, count in object_store.counts(self._connection, place).items()
            if (most := self._most(name)) is not None and count > most
        }
        name = max(over, key=lambda name: over[name]) if over else new.type
        # Assumed: an object that is the only one of its type evicts the oldest of all.
        return object_store.oldest(self._connection, place, name, new.id) or object_store.oldest(
            self._connection, place, None, new.id
        )

    def _most(self, name: str) -> int | None:
        written = type_store.written(self._connection, self._domain.id, name)
        return compiled_types.most_objects(from_json(written)) if written else None


def _identified(name: str, reading: Reading) -> list[KeyValue]:
    """Give the keys that tie an object to a standard object."""
    identifier = standard()[name].identifier
    return [key for key in reading.keys if identifier in key.identifiers]


def _own_keys(name: str, reading: Reading, unique_key: str) -> set[Key]:
    """Give the keys that a standard object is found by."""
    identified = _identified(name, reading)
    own = {(key.name, key.normal) for key in identified}
    # Assumed: a standard object that no stored key identifies is that of the object itself.
    if all("LOOKUP_ONLY" in key.identifiers for key in identified):
        own.add(("", unique_key))
    return own


def _stored_keys(found: Iterable[KeyValue], before: set[Key], *, created: bool) -> set[Key]:
    """Give the keys that are stored. AG:how-keys-are-added-index."""
    return {
        (key.name, key.normal)
        for key in found
        if "LOOKUP_ONLY" not in key.identifiers
        # Assumed: a NEW_ONLY key that an object brought with its profile stays when it comes again.
        and ("NEW_ONLY" not in key.identifiers or created or (key.name, key.normal) in before)
    }

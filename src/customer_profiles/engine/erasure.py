"""Erasing a person: everything that the database stores about a profile, with a receipt."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from .audiences import statistics
from .profiles import keys, owned_keys, removal
from .profiles.access import domain_row, find_profile
from .service.refusals import not_found
from .store import (
    changes,
    dead_letters,
    decisions,
    identity_index,
    inbox,
    matches,
    upload_jobs,
)
from .store import history as history_store
from .store import profiles as profile_store
from .store.database import page_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customer_profiles._wire import Wire

    from .service.context import Context
    from .store.database import Connection
    from .store.profiles import Stored

_MERGED = "MERGED"
# Shorter values of keys, such as a customer number 12, occur in objects of other people too.
_SHORTEST = 5
_NAMES = ("FirstName", "LastName")


def current_id(context: Context, domain_name: str, profile_id: str) -> str:
    """Return the id of the profile that a profile was merged into, or its own.

    Raises:
        Refusal: there is no such domain or profile, and no merge names it.
    """
    with context.database.read() as connection:
        return _stored(context, connection, domain_name, profile_id).profile_id.hex()


def erase(context: Context, domain_name: str, profile_id: str) -> Wire:
    """Remove a profile with all that is stored about it, and return a receipt without values.

    Objects that were rejected or are not ingested yet belong to no profile. Those of the person
    are found by the values of the profile's keys, or by both of its names.

    Raises:
        Refusal: there is no such domain or profile, and no merge names it.
    """
    with context.database.write_securely() as connection:
        stored = _stored(context, connection, domain_name, profile_id)
        domain, row = stored.domain, stored.id
        owned = owned_keys.keys_of(connection, stored)
        objects = owned_keys.objects_of(connection, row)
        events = history_store.of(connection, row, with_content=True)
        match = matches.of_profile(connection, row)
        decided = decisions.count_of(connection, row)
        known = _Person(owned, [stored.body, *(item.body for item in objects)])
        letters = [
            letter
            for letter in dead_letters.of_domain(connection, domain)
            if known.is_in(letter.body)
        ]
        pending = [
            item for item in inbox.of_domain(connection, domain) if known.is_in(item.body)
        ]  # fmt: skip
        recorded = changes.erase(connection, domain, row)
        removal.remove_profiles(connection, [stored], context.clock.now())
        identity_index.remove(connection, row)
        matches.remove_dissolved(connection, domain)
        statistics.forget(connection, domain)
        dead_letters.remove(connection, (letter.id for letter in letters))
        for item in pending:
            inbox.remove(connection, item)
        left = (
            len(dead_letters.of_domain(connection, domain)),
            len(inbox.of_domain(connection, domain)),
            len(upload_jobs.waiting_in(connection, domain)),
        )
        seal = _Seal(page_secret(connection))
    return {
        "DomainName": domain_name,
        "ProfileId": stored.profile_id.hex(),
        "MergedProfileIds": sorted(_merged_ids(events)),
        "ErasedAt": context.clock.now(),
        "Removed": {
            "Profiles": 1,
            "Keys": len(owned),
            "Objects": len(objects),
            "HistoryRecords": len(events),
            "Matches": int(match is not None),
            "Decisions": decided,
            "Changes": recorded,
            "DeadLetters": len(letters),
            "PendingObjects": len(pending),
        },
        "ObjectsByType": dict(Counter(item.type for item in objects)),
        "Hashes": {
            "Profile": seal([stored.body]),
            "Objects": seal(item.body for item in objects),
            "DeadLetters": seal(item.body.encode() for item in letters),
        },
        "OtherDeadLetters": left[0],
        "OtherPendingObjects": left[1],
        # Their files are not read: an import that follows may bring the person back.
        "PendingUploads": left[2],
    }


class _Seal:
    """Hashes with the database's own secret: who lacks it cannot guess values by hashing them."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __call__(self, parts: Iterable[bytes]) -> str:
        whole = hmac.new(self._secret, digestmod=hashlib.sha256)
        for part in parts:
            whole.update(hashlib.sha256(part).digest())
        return whole.hexdigest()


class _Person:
    """The values that tell whether an object without a profile is about a person."""

    def __init__(self, owned: set[keys.Key], bodies: Iterable[bytes]) -> None:
        normal = {_folded(value) for name, value in owned if name != "_profileId"}
        texts: set[str] = set()
        self._names: list[tuple[str, ...]] = []
        for body in bodies:
            values = from_json(body)
            if isinstance(values, dict) and all(values.get(name) for name in _NAMES):
                self._names.append(tuple(_folded(values[name]) for name in _NAMES))
            texts |= {text for text in _texts(values) if _normal_forms(text) & normal}
        self._values = {value for value in normal | texts if len(value) >= _SHORTEST}

    def is_in(self, body: str) -> bool:
        """Return whether an object contains an identifying value, or all names, of the person."""
        try:
            found = set(_texts(from_json(body)))
        except ValueError:
            text = body.casefold()
            return any(value in text for value in self._values)
        if any(_normal_forms(text) & self._values for text in found):
            return True
        return any(found.issuperset(names) for names in self._names)


def _normal_forms(text: str) -> set[str]:
    return {text, *(_folded(keys.normalize(name, text)) for name in ("_email", "_phone"))}


def _folded(text: object) -> str:
    return str(text).strip().casefold()


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts and numbers in JSON at any depth."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, (str, int, float)):
        yield _folded(value)


def _merged_ids(events: Iterable[history_store.Event]) -> set[str]:
    """Return the ids of the profiles that were merged into a profile."""
    found: set[str] = set()
    for event in events:
        if event.action == _MERGED and event.content:
            found.update(from_json(event.content).get("ProfileIdsToBeMerged", ()))
    return found


def _stored(
    context: Context, connection: Connection, domain_name: str, profile_id: str
) -> Stored:  # fmt: skip
    domain = domain_row(connection, domain_name)
    found = find_profile(context, connection, domain, profile_id)
    if found is None:
        # A merge writes the ids of the merged profiles to the history of the one that is kept. If
        # that one is merged again, its history is removed, and the earlier ids with it.
        row = history_store.merged_into(connection, domain.id, to_json(profile_id))
        found = None if row is None else profile_store.at(connection, row)
    if found is None:
        message = (
            f"Domain {domain_name} has no profile {profile_id}, and no profile that it was "
            "merged into"
        )
        raise not_found(message)
    return found

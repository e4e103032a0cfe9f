"""Creating and changing profiles by requests, and writing them as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json

from customer_profiles.engine.events import feed
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import changes as change_store
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import profiles as store
from customer_profiles.engine.store.rows import key_slots

from . import keys, provenance
from .expiry import expires_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.domains import DomainRow


_URI_MEMBERS = frozenset(("DomainName", "ProfileId"))


def changed(old: Wire, request: Wire) -> Wire:
    """Return a profile with the members of a request applied; maps change member by member.

    The model's text on UpdateProfile: an empty string removes a value, a missing member is kept.
    """
    new = dict(old)
    for name, value in request.items():
        if name in _URI_MEMBERS:
            continue
        # Assumed: members of addresses, Attributes and EngagementPreferences change one by one.
        updated = _merged(new.get(name, {}), value) if isinstance(value, dict) else value
        # Assumed: an address or a map without members is removed from the profile.
        if updated:
            new[name] = updated
        else:
            new.pop(name, None)
    return new


def _merged(old: Wire, changes: Wire) -> Wire:
    # Assumed: a list in EngagementPreferences replaces the earlier one, an empty list clears it.
    merged = {**old, **changes}
    return {name: value for name, value in merged.items() if value}


def encode_profile(context: Context, profile: Wire) -> bytes:
    """Write a profile as JSON, or refuse one that is too large."""
    body = to_json(profile)
    limit = context.quotas.profile_bytes
    if len(body) > limit:
        # AG:amazon-connect-service-limits: object and profile maximum size.
        # Assumed: a profile's size is that of its JSON in UTF-8.
        raise bad_request(f"The profile is {len(body)} bytes; the limit is {limit} bytes")
    return body


class NewProfile(NamedTuple):
    """A profile that is not stored yet."""

    profile_id: str
    body: bytes
    keys: set[keys.Key]

    def at(self, context: Context, domain: DomainRow, row: int) -> store.Stored:
        """Return the profile as it is stored in a row."""
        expires = expires_after(context.clock.now(), domain.expiration_days)
        return store.Stored(row, domain.id, bytes.fromhex(self.profile_id), expires, self.body)


def new_profile(context: Context, request: Wire) -> NewProfile:
    """Return the profile that a request creates, under a new id; or refuse a too large one.

    It needs no transaction, so that other writers do not wait for it.
    """
    profile_id = context.clock.new_profile_id()
    profile = changed({"ProfileId": profile_id}, request)
    return NewProfile(profile_id, encode_profile(context, profile), keys.of_fields(profile))


def insert(
    context: Context, connection: Connection, domain: DomainRow, profiles: Sequence[NewProfile]
) -> None:
    """Store new profiles with their keys, and count them."""
    rows = [profile.at(context, domain, row) for row, profile in _numbered(domain, profiles)]
    store.insert(connection, rows)
    entries = [
        (slot, row)
        for row, profile in _numbered(domain, profiles)
        for slot in key_slots(domain.id, profile.keys)
    ]
    # In the order of the table, many rows are inserted faster.
    key_store.add(connection, sorted(entries))
    if domain.feed:
        now = context.clock.now()
        created = [feed.profile_written(stored, now, created=True) for stored in rows]
        change_store.add(connection, domain.feed, created)
    size = sum(len(profile.body) for profile in profiles)
    more = domain_store.Counts(len(profiles), 0, size)
    domain_store.count_rows(connection, domain.id, domain.last_row + len(profiles), more)


def _numbered(domain: DomainRow, profiles: Sequence[NewProfile]) -> enumerate[NewProfile]:
    """Return the profiles with the next rows of their domain."""
    return enumerate(profiles, domain.last_row + 1)


class Update(NamedTuple):
    """A stored profile, as a request changes it."""

    stored: store.Stored
    released: set[keys.Key]
    """The keys that its fields provided before."""
    gained: set[keys.Key]
    """The keys that its fields provide now and did not provide before."""


def update(context: Context, domain: DomainRow, stored: store.Stored, request: Wire) -> Update:
    """Return a profile with the changes of a request; or refuse a too large one."""
    old = json.loads(stored.body)
    new = changed(old, request)
    body = encode_profile(context, new)
    # AG:customer-profiles-data-expiration: a profile that is updated in time stays.
    expires = max(stored.expires, expires_after(context.clock.now(), domain.expiration_days))
    sources = provenance.by_hand(stored.sources, old, request, "ProfileId")
    before, after = keys.of_fields(old), keys.of_fields(new)
    row = stored._replace(expires=expires, body=body, sources=sources)
    return Update(row, before - after, after - before)

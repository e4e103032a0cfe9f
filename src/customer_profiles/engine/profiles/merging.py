"""Storing a merge of several profiles: values, keys and objects, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import from_json, to_json

from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.events import feed
from customer_profiles.engine.service.clock import made_at
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import decisions, history
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store.rows import key_slots

from . import keys, owned_keys, provenance
from .merged_values import Merged, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.profiles import Stored

_ID = "ProfileId"
_CHANGED = "LastChangedAt"


def part(connection: Connection, stored: Stored) -> Part:
    """Read what a merge needs of a profile: values, sources, and the time of its last change."""
    values = from_json(stored.body)
    sources = provenance.read_by_path(stored.sources, values, _ID)
    return Part(values[_ID], values, sources.named, _changed(connection, stored))


def _changed(connection: Connection, stored: Stored) -> float:
    """Return when a profile, or one that was merged into it, was last changed by hand."""
    updated = history.latest(connection, stored.id, "UPDATED")
    # The latest merge knows about all earlier ones.
    merged = history.latest(connection, stored.id, "MERGED")
    return max(
        made_at(stored.profile_id),
        updated.created if updated else 0.0,
        from_json(merged.content).get(_CHANGED, 0.0) if merged and merged.content else 0.0,
    )


def fits(context: Context, merged: Merged) -> bool:
    """Return whether merged values are small enough for one profile."""
    return len(to_json({_ID: "0" * 32} | merged.values)) <= context.quotas.profile_bytes


def merge(
    context: Context,
    connection: Connection,
    main: Stored,
    others: Sequence[Stored],
    merged: Merged,
) -> None:
    """Store a merge: keys and objects move to the main profile, and the others are removed.

    Raises:
        Refusal: the merged profile is too large; the caller must roll back.
    """
    profiles = (main, *others)
    body = to_json({_ID: main.profile_id.hex()} | merged.values)
    limit = context.quotas.profile_bytes
    if len(body) > limit:
        raise bad_request(f"The merged profile is {len(body)} bytes; the limit is {limit} bytes")
    # The main profile's other keys, from its objects or added by hand, stay as they are.
    gained = keys.of_fields(from_json(main.body))
    changed = max(_changed(connection, profile) for profile in profiles)
    for profile in others:
        owned = owned_keys.keys_of(connection, profile)
        gained |= owned
        object_store.move(connection, profile.id, main.id)
        key_store.remove(connection, profile.id, key_slots(profile.domain, owned))
        decisions.move(connection, profile.id, main.id)
        profile_store.delete(connection, profile.id)
    whole = main._replace(
        expires=max(profile.expires for profile in profiles),
        body=body,
        sources=provenance.write(provenance.Sources(merged.sources)),
        # Assumed: a merge evicts no object; the next object that is put evicts all excess ones.
        objects=sum(profile.objects for profile in profiles),
        object_bytes=sum(profile.object_bytes for profile in profiles),
    )
    profile_store.replace(connection, [whole])
    _keep_keys(connection, whole, gained)
    size = len(body) - sum(len(profile.body) for profile in profiles)
    domain_store.count(connection, main.domain, domain_store.Counts(-len(others), 0, size))
    now = context.clock.now()
    feed.merged(connection, whole, others, now)
    # Assumed: the content of a merge has the merged ids, and when any of the profiles last changed.
    merged_ids = [profile.profile_id.hex() for profile in others]
    content = to_json({"ProfileIdsToBeMerged": merged_ids, _CHANGED: changed})
    # Assumed: a merge removes the history of the merged profiles, except that of their objects.
    history.add(connection, [history.Event(main.id, PROFILE, "MERGED", now, None, content)])


def _keep_keys(connection: Connection, profile: Stored, gained: set[keys.Key]) -> None:
    """Add keys to the main profile; those that it does not provide become added keys."""
    # It may provide new ones: a first name and the last name of another make a new full name.
    owned_keys.enter(connection, profile, gained | keys.of_fields(from_json(profile.body)))
    unprovided = gained - owned_keys.provided(connection, profile, gained)
    owned_keys.add(connection, profile, {key: key[1] for key in unprovided})

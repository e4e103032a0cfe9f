"""Making one profile of several: its values, keys and objects, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.clock import made_at
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import history
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

from . import keys, provenance, removal
from .merged_values import Merged, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.profiles import Stored

Wire = dict[str, Any]

_ID = "ProfileId"
_CHANGED = "LastChangedAt"


def part(connection: Connection, stored: Stored) -> Part[provenance.Source]:
    """Read a profile's values, who set them, and when it was last changed by hand."""
    values = from_json(stored.body)
    sources = provenance.spelled_out(stored.sources, values, _ID)
    return Part(values[_ID], values, sources.named, _changed(connection, stored))


def _changed(connection: Connection, stored: Stored) -> float:
    """Say when a profile, or one that was merged into it, was last changed by hand."""
    times = [made_at(stored.profile_id)]
    for one in history.of(connection, stored.id):
        if one.action == "UPDATED":
            times.append(one.created)
        elif one.action == "MERGED" and one.content:
            times.append(from_json(one.content).get(_CHANGED, 0.0))
    return max(times)


def fits(context: Context, merged: Merged[provenance.Source]) -> bool:
    """Say whether what was merged is not too large for one profile."""
    return len(to_json({_ID: "0" * 32} | merged.values)) <= context.quotas.profile_bytes


def merge(
    context: Context,
    connection: Connection,
    main: Stored,
    others: Sequence[Stored],
    merged: Merged[provenance.Source],
) -> None:
    """Store what was merged: keys and objects move to the main profile, the others are removed.

    Raises:
        Refusal: the merged profile is too large; nothing is to be stored then.
    """
    body = to_json({_ID: main.profile_id.hex()} | merged.values)
    limit = context.quotas.profile_bytes
    if len(body) > limit:
        raise bad_request(f"The merged profile is {len(body)} bytes; the limit is {limit} bytes")
    held = set[keys.Key]().union(*(removal.keys_of(connection, one) for one in (main, *others)))
    changed = max(_changed(connection, one) for one in (main, *others))
    for one in others:
        _move_objects(connection, one, main.id)
        key_store.remove(connection, one.id, keys.hashes(one.domain, held))
        profile_store.delete(connection, one.id)
    whole = main._replace(
        expires=max(one.expires for one in (main, *others)),
        body=body,
        sources=provenance.write(provenance.Sources(merged.sources)),
        # Assumed: a merge evicts no object; the next one that is put evicts all that are too many.
        objects=main.objects + sum(one.objects for one in others),
        object_bytes=main.object_bytes + sum(one.object_bytes for one in others),
    )
    profile_store.replace(connection, [whole])
    _keep_keys(connection, whole, held)
    size = len(body) - sum(len(one.body) for one in (main, *others))
    more = domain_store.Counts(-len(others), 0, size)
    domain_store.count(connection, main.domain, more)
    now = context.clock.now()
    # Assumed: the content of a merge is who was merged, and when any of them was last changed.
    merged_ids = [one.profile_id.hex() for one in others]
    content = to_json({"ProfileIdsToBeMerged": merged_ids, _CHANGED: changed})
    # Assumed: the history of a merged profile ends with it, but for that of its objects.
    history.add(connection, [history.Event(main.id, PROFILE, "MERGED", now, None, content)])


def _move_objects(connection: Connection, profile: Stored, main: int) -> None:
    moved = removal.objects_of(connection, profile.id)
    place, new_place = keys.place_of_objects(profile.id), keys.place_of_objects(main)
    object_store.put(connection, [one._replace(profile=main) for one in moved])
    for one in moved:
        key_store.remove(connection, one.id, [place])
    key_store.add(connection, [(new_place, one.id) for one in moved])


def _keep_keys(connection: Connection, profile: Stored, held: set[keys.Key]) -> None:
    """Have the main profile hold all keys; those that nothing of it gives are added ones now."""
    # A first name and another profile's last name make a full name that none had.
    given = removal.keys_of(connection, profile)
    added = held - given
    key_store.put_added(
        connection,
        profile.id,
        [key_store.AddedKey(name, normal, normal) for name, normal in added],
    )
    hashes = keys.hashes(profile.domain, held | given)
    key_store.add(connection, [(key, profile.id) for key in hashes])

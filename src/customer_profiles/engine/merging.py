"""Making one profile of several: its values, keys and objects, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json, to_json

from . import holdings, keys, provenance
from .refusals import bad_request
from .standard import PROFILE
from .store import domains as domain_store
from .store import history
from .store import keys as key_store
from .store import objects as object_store
from .store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .context import Context
    from .store.database import Connection
    from .store.profiles import Stored

Wire = dict[str, Any]

_ID = "ProfileId"
_ATTRIBUTES = "Attributes"
# Assumed: the free text of a gender or party type is taken from where its enum is taken from.
_TOGETHER = {"GenderString": "Gender", "PartyTypeString": "PartyType"}


class Part(NamedTuple):
    """A profile that takes part in a merge."""

    id: str
    values: Wire
    sources: provenance.Sources


class Merged(NamedTuple):
    """What a merge makes of the values of several profiles."""

    values: Wire
    sources: provenance.Sources


def part(stored: Stored) -> Part:
    """Read a profile's values and who set them."""
    values = from_json(stored.body)
    sources = provenance.spelled_out(stored.sources, values, _ID)
    return Part(values[_ID], values, sources)


def united(main: Part, others: Sequence[Part], chosen: Mapping[str, Any]) -> Merged:
    """Unite the values: the main profile's where it has one, unless another is chosen.

    Args:
        main: the profile that stays.
        others: those that it takes in; of values that only they have the first one's counts.
        chosen: FieldSourceProfileIds, by which a field is taken from one profile, even if it is
            not there.
    """
    # Assumed: an address is one field, and so are EngagementPreferences; a merge mixes neither.
    parts = {one.id: one for one in (main, *others)}
    merged = Merged({_ID: main.id}, provenance.Sources())
    for name in dict.fromkeys(name for one in parts.values() for name in one.values):
        if name not in (_ID, _ATTRIBUTES):
            taken = chosen.get(_TOGETHER.get(name, name))
            _take(merged, [parts[taken]] if taken else parts.values(), (name,))
    attributes = (one.values.get(_ATTRIBUTES, {}) for one in parts.values())
    for name in dict.fromkeys(name for found in attributes for name in found):
        taken = chosen.get(_ATTRIBUTES, {}).get(name)
        _take(merged, [parts[taken]] if taken else parts.values(), (_ATTRIBUTES, name))
    return merged


def _take(merged: Merged, parts: Any, path: provenance.Path) -> None:
    """Take a field from the first profile that has it, with who set it."""
    for one in parts:
        *outer, name = path
        inner: Any = one.values
        for step in outer:
            inner = inner.get(step, {})
        if name in inner:
            target = merged.values
            for step in outer:
                target = target.setdefault(step, {})
            target[name] = inner[name]
            for leaf, source in one.sources.named.items():
                if leaf[: len(path)] == path:
                    merged.sources.named[leaf] = source
            return


def merge(
    context: Context, connection: Connection, main: Stored, others: Sequence[Stored], merged: Merged
) -> None:
    """Store what was merged: keys and objects move to the main profile, the others are removed.

    Raises:
        Refusal: the merged profile is too large; nothing is to be stored then.
    """
    body = to_json(merged.values)
    limit = context.quotas.profile_bytes
    if len(body) > limit:
        raise bad_request(f"The merged profile is {len(body)} bytes; the limit is {limit} bytes")
    held = set[keys.Key]().union(*(holdings.keys_of(connection, one) for one in (main, *others)))
    for one in others:
        _move_objects(connection, one, main.id)
        key_store.remove(connection, one.id, keys.hashes(one.domain, held))
        profile_store.delete(connection, one.id)
    whole = main._replace(
        expires=max(one.expires for one in (main, *others)),
        body=body,
        sources=provenance.write(merged.sources),
        # Assumed: a merge evicts no object, however many the profile has then.
        objects=main.objects + sum(one.objects for one in others),
        object_bytes=main.object_bytes + sum(one.object_bytes for one in others),
    )
    profile_store.replace(connection, [whole])
    _keep_keys(connection, whole, held)
    size = len(body) - sum(len(one.body) for one in (main, *others))
    more = domain_store.Counts(-len(others), 0, size)
    domain_store.count(connection, main.domain, more)
    now = context.clock.now()
    content = to_json({"ProfileIdsToBeMerged": [one.profile_id.hex() for one in others]})
    # Assumed: the history of a merged profile ends with it, but for that of its objects.
    history.add(connection, [history.Event(main.id, PROFILE, "MERGED", now, None, content)])


def _move_objects(connection: Connection, profile: Stored, main: int) -> None:
    moved = holdings.objects_of(connection, profile.id)
    place, new_place = keys.place_of_objects(profile.id), keys.place_of_objects(main)
    object_store.put(connection, [one._replace(profile=main) for one in moved])
    for one in moved:
        key_store.remove(connection, one.id, [place])
    key_store.add(connection, [(new_place, one.id) for one in moved])


def _keep_keys(connection: Connection, profile: Stored, held: set[keys.Key]) -> None:
    """Have the main profile hold all keys; those that nothing of it gives are added ones now."""
    # A first name and another profile's last name make a full name that none had.
    given = holdings.keys_of(connection, profile)
    added = held - given
    key_store.put_added(
        connection,
        profile.id,
        [key_store.AddedKey(name, normal, normal) for name, normal in added],
    )
    hashes = keys.hashes(profile.domain, held | given)
    key_store.add(connection, [(key, profile.id) for key in hashes])

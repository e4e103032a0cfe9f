"""Merging the profiles of a match that meet the domain's criteria."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from customer_profiles import _wire
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.merged_values import Merged, Part, S, merged
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles.engine.profiles.provenance import Source
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.profiles import Stored

Wire = dict[str, Any]


@dataclass(frozen=True)
class Consolidated(Generic[S]):
    """Profiles of a match group that become one, or a single one that stays as it is."""

    ids: tuple[str, ...]
    """Their ids, in order."""
    merged: Merged[S]
    """What they become."""


def check(settings: Wire) -> None:
    """Refuse consolidation criteria with attributes that no profile has.

    Raises:
        Refusal: an attribute is not known.
    """
    members: Any = _wire.service().shape_for("Profile")
    known = set[str]()
    for name, member in members.members.items():
        known.add(name)
        known.update(f"{name}.{inner}" for inner in getattr(member, "members", ()))
    for criterion in settings.get("Consolidation", {}).get("MatchingAttributesList", []):
        for name in criterion:
            if name not in known and not name.startswith("Attributes."):
                # Assumed: consolidation criteria with an unknown attribute are refused.
                raise bad_request(
                    f"MatchingAttributesList: {name} is no attribute of a profile; name one such "
                    "as EmailAddress, Address.City or Attributes.tier"
                )


def plan(
    connection: Connection, confidence: float, rows: Sequence[int], settings: Wire
) -> list[Consolidated[Source]]:
    """Say which profiles of a match become one, by an AutoMerging; nothing is written."""
    # Assumed: without MinAllowedConfidenceScoreForMerging every match is merged.
    if confidence < settings.get("MinAllowedConfidenceScoreForMerging", 0.0):
        return []
    criteria = settings.get("Consolidation", {}).get("MatchingAttributesList", [])
    stored = [one for row in rows if (one := profile_store.at(connection, row))]
    parts = [merging.part(connection, one) for one in stored]
    found = consolidated(parts, criteria, settings.get("ConflictResolution"))
    return [one for one in found if len(one.ids) > 1]


def run(
    context: Context, connection: Connection, confidence: float, rows: Sequence[int], settings: Wire
) -> int:
    """Merge the profiles of a match that meet a criterion; say how many merges were done."""
    done = 0
    for one in plan(connection, confidence, rows, settings):
        wanted = {bytes.fromhex(profile_id) for profile_id in one.ids}
        stored = [
            found
            for row in sorted(rows)
            if (found := profile_store.at(connection, row)) and found.profile_id in wanted
        ]
        done += unite(context, connection, stored, one.merged)
    return done


def unite(
    context: Context, connection: Connection, stored: Sequence[Stored], merged: Merged[Source]
) -> bool:
    """Merge profiles, given in the order of their rows, without asking; say whether it was done."""
    # Assumed: of profiles that are merged without asking the oldest one keeps its id.
    try:
        merging.merge(context, connection, stored[0], stored[1:], merged)
    except Refusal:
        # Assumed: profiles that would be too large as one are not merged, and stay a match.
        return False
    return True


def consolidated(
    profiles: Iterable[Part[S]], criteria: Iterable[Sequence[str]], resolution: Wire | None = None
) -> list[Consolidated[S]]:
    """Merge the profiles of one match group that meet a criterion, criterion by criterion.

    Profiles meet a criterion if all of its attributes are there and exactly equal. Each
    criterion is applied to what the one before made.

    Args:
        profiles: the profiles of one match group.
        criteria: the MatchingAttributesList of a Consolidation.
        resolution: the ConflictResolution.

    Returns:
        All profiles, also those that stay alone, by their smallest ids.
    """
    # AG23:create-consolidation-criteria has this order, and an example.
    units = [([one], Merged(one.values, dict(one.sources))) for one in profiles]
    for criterion in criteria:
        alike: dict[object, list[Part[S]]] = {}
        for members, one in units:
            # A profile that lacks a value is alike to itself alone.
            key = _values_at(one.values, criterion) or members[0].id
            alike.setdefault(key, []).extend(members)
        before = {members[0].id: (len(members), one) for members, one in units}
        units = []
        for members in alike.values():
            count, one = before[members[0].id]
            grown = len(members) > count
            units.append((members, merged(members, resolution) if grown else one))
    found = [Consolidated(tuple(sorted(it.id for it in some)), one) for some, one in units]
    return sorted(found, key=lambda one: one.ids)


def _values_at(values: Wire, names: Sequence[str]) -> tuple[str, ...] | None:
    """Give values as texts that are equal if they are; None if one is missing."""
    found = [value_at(values, name) for name in names]
    if not all(found):
        return None
    return tuple(json.dumps(value, sort_keys=True) for value in found)


def value_at(values: Wire, name: str) -> Any:
    """Give a value by a name such as `FirstName`, `Address.City` or `Attributes.tier`."""
    first, _, rest = name.partition(".")
    found = values.get(first)
    return (found.get(rest) if isinstance(found, dict) else None) if rest else found

"""Merging the profiles of a match that meet the domain's criteria."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.merged_values import Merged, Part, merged
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import decisions as decision_store
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.profiles import Stored


@dataclass(frozen=True)
class Consolidated:
    """Profiles of a match that are merged, or a single profile that stays as it is."""

    ids: tuple[str, ...]
    """The profiles' ids, in order."""
    merged: Merged
    """The merged profile."""


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
) -> list[Consolidated]:
    """Return the merges that an AutoMerging makes of a match's profiles; write nothing."""
    # Assumed: without MinAllowedConfidenceScoreForMerging every match is merged.
    if confidence < settings.get("MinAllowedConfidenceScoreForMerging", 0.0):
        return []
    criteria = settings.get("Consolidation", {}).get("MatchingAttributesList", [])
    stored = [profile for row in rows if (profile := profile_store.at(connection, row))]
    parts = [merging.part(connection, profile) for profile in stored]
    units = consolidated(parts, criteria, settings.get("ConflictResolution"))
    return [unit for unit in units if len(unit.ids) > 1]


def run(
    context: Context, connection: Connection, confidence: float, rows: Sequence[int], settings: Wire
) -> int:
    """Merge the profiles of a match that meet a criterion; return the number of merges."""
    merges = 0
    for unit in plan(connection, confidence, rows, settings):
        wanted = {bytes.fromhex(profile_id) for profile_id in unit.ids}
        stored = [
            profile
            for row in sorted(rows)
            if (profile := profile_store.at(connection, row)) and profile.profile_id in wanted
        ]
        merges += merge(context, connection, stored, unit.merged)
    return merges


def merge(
    context: Context, connection: Connection, stored: Sequence[Stored], merged: Merged
) -> bool:
    """Merge profiles, the oldest first.

    Returns:
        Whether they were merged: the merged profile is small enough, and nobody decided that two
        of them do not match.
    """
    rows = [profile.id for profile in stored]
    if decision_store.separating(connection, rows, rows):
        # Assumed: profiles that are decided to be no match are not merged by rules either.
        return False
    # Assumed: of profiles that are merged automatically, the oldest one keeps its id.
    try:
        merging.merge(context, connection, stored[0], stored[1:], merged)
    except Refusal:
        # Assumed: profiles whose merged profile would be too large are not merged and stay a match.
        return False
    return True


def consolidated(
    profiles: Iterable[Part], criteria: Iterable[Sequence[str]], resolution: Wire | None = None
) -> list[Consolidated]:
    """Merge the profiles of one match that meet a criterion, criterion by criterion.

    Profiles meet a criterion if all of its attributes are present and exactly equal. Each
    criterion is applied to the result of the one before.

    Args:
        profiles: the profiles of one match.
        criteria: the MatchingAttributesList of a Consolidation.
        resolution: the ConflictResolution.

    Returns:
        All profiles, merged or single, by their smallest ids.
    """
    # AG23:create-consolidation-criteria has this order, and an example.
    units = [([part], Merged(part.values, dict(part.sources))) for part in profiles]
    for criterion in criteria:
        by_values: dict[object, list[Part]] = {}
        for members, result in units:
            # A profile that lacks a value equals no other.
            key = _values_at(result.values, criterion) or members[0].id
            by_values.setdefault(key, []).extend(members)
        before = {members[0].id: (len(members), result) for members, result in units}
        units = []
        for members in by_values.values():
            count, result = before[members[0].id]
            grown = len(members) > count
            units.append((members, merged(members, resolution) if grown else result))
    found = [
        Consolidated(tuple(sorted(part.id for part in members)), result)
        for members, result in units
    ]
    return sorted(found, key=lambda unit: unit.ids)


def _values_at(values: Wire, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the JSON of values, for comparison; None if one is missing."""
    found = [_value_at(values, name) for name in names]
    if not all(found):
        return None
    return tuple(json.dumps(value, sort_keys=True) for value in found)


def _value_at(values: Wire, name: str) -> object:
    """Return a value by a name such as `FirstName`, `Address.City` or `Attributes.tier`."""
    first, _, rest = name.partition(".")
    value = values.get(first)
    return (value.get(rest) if isinstance(value, dict) else None) if rest else value

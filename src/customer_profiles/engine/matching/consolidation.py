"""Merging the profiles of a match that meet the domain's criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles.engine.profiles import merged_values as identity
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.profiles.merged_values import Consolidated, Merged
    from customer_profiles.engine.profiles.provenance import Source
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.profiles import Stored

Wire = dict[str, Any]


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
    found = identity.consolidated(parts, criteria, settings.get("ConflictResolution"))
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

"""The matches that GetSimilarProfiles describes: of a profile, or with an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine.profiles.access import domain_row, existing_profile
from customer_profiles.engine.store import matches as store

from . import rule_matches

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection


def by_job(
    context: Context, connection: Connection, domain: int, request: Wire
) -> tuple[Wire, list[str]]:
    """Return the description and the profiles of a match that a job found."""
    now = context.clock.now()
    if request["SearchKey"] == "matchId":
        match = store.find(connection, domain, request["SearchValue"])
    else:
        match = store.of_profile(connection, _row(context, connection, request))
    profiles = store.profiles_of(connection, match, now) if match else []
    if match is None or len(profiles) < 2:  # noqa: PLR2004  (a match is of two)
        return {}, []
    found = {"MatchId": match.match_id, "ConfidenceScore": match.confidence}
    return found, [profile_id for _, profile_id in profiles]


def by_rules(
    context: Context, connection: Connection, domain: int, request: Wire
) -> tuple[Wire, list[str]]:
    """Return the description and the profiles of a match by rule."""
    if request["SearchKey"] == "matchId":
        match = rule_matches.find(connection, domain, request["SearchValue"])
    else:
        match = rule_matches.of_profile(connection, _row(context, connection, request))
    if match is None:
        return {}, []
    profiles = store.present(connection, match.rows, context.clock.now())
    found = {"MatchId": match.match_id, "RuleLevel": match.level}
    return found, [profile_id for _, profile_id in profiles]


def _row(context: Context, connection: Connection, request: Wire) -> int:
    domain = domain_row(connection, request["DomainName"])
    return existing_profile(context, connection, domain, request["SearchValue"]).id

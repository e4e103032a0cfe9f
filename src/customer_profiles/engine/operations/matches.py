"""Which profiles seem to be one person's: what the weekly job and the rules found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles.engine.matching import consolidation, jobs, rule_matches, rules
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.access import domain_row, existing_domain, existing_profile
from customer_profiles.engine.profiles.expiry import purge_all
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import identity_jobs as job_store
from customer_profiles.engine.store import matches as store

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

# Assumed: lists of matches and jobs give 20 a page unless they are told otherwise.
_PAGE = 20
# Assumed: a preview looks at up to 1,000 matches, chosen at random but always the same ones.
_SAMPLE = 1_000


@operation("GetMatches")
def get_matches(context: Context, request: Wire) -> Wire:
    """List what the latest job found, page by page."""
    purge_all(context)
    limit, now = request.get("MaxResults", _PAGE), context.clock.now()
    query = ["matches", request["DomainName"]]
    after = int(context.pages.position(query, request.get("NextToken")) or 0)
    with context.database.read() as connection:
        domain = _matching(connection, request["DomainName"], "Matching")
        found = store.page(connection, domain, after, limit + 1)
        items = [_described(connection, one, now) for one in found[:limit]]
        total = store.count(connection, domain)
    more = len(found) > limit
    token = context.pages.token(query, str(found[limit - 1].id)) if more else None
    generated = {"MatchGenerationDate": found[0].generated} if found else {}
    return {"Matches": items, "PotentialMatches": total, "NextToken": token, **generated}


def _described(connection: Connection, match: store.Match, now: float) -> Wire:
    profiles = store.profiles_of(connection, match, now)
    return {
        "MatchId": match.match_id,
        "ProfileIds": [profile_id for _, profile_id in profiles],
        "ConfidenceScore": match.confidence,
    }


@operation("ListRuleBasedMatches")
def list_rule_based_matches(context: Context, request: Wire) -> Wire:
    """List the ids of what the rules match now, page by page."""
    purge_all(context)
    rules.apply(context)
    limit = request.get("MaxResults", _PAGE)
    query = ["rule-based", request["DomainName"]]
    after = int(context.pages.position(query, request.get("NextToken")) or 0)
    with context.database.read() as connection:
        domain = _matching(connection, request["DomainName"], "RuleBasedMatching")
        found, more = rule_matches.page(connection, domain, after, limit)
    token = context.pages.token(query, str(more)) if more is not None else None
    return {"MatchIds": [one.match_id for one in found], "NextToken": token}


@operation("GetSimilarProfiles")
def get_similar_profiles(context: Context, request: Wire) -> Wire:
    """Give the match that a profile is in, or one by its id."""
    purge_all(context)
    rules.apply(context)
    name, key = request["DomainName"], request["SearchKey"]
    by_rules = request["MatchType"] == "RULE_BASED_MATCHING"
    if key not in {"matchId", "profileId"}:
        # Assumed: SearchKey is matchId or profileId, in this spelling.
        raise bad_request(f"SearchKey is matchId or profileId, not {key}")
    with context.database.read() as connection:
        domain = _matching(connection, name, "RuleBasedMatching" if by_rules else "Matching")
        find = _by_rules if by_rules else _by_job
        found, profile_ids = find(context, connection, domain, request)
    # Assumed: who asks for the match of a profile that is in none gets no ProfileIds.
    query = ["similar", name, request["MatchType"], key, request["SearchValue"]]
    limit = request.get("MaxResults", _PAGE)
    start = int(context.pages.position(query, request.get("NextToken")) or 0)
    more = start + limit < len(profile_ids)
    token = context.pages.token(query, str(start + limit)) if more else None
    return {
        "ProfileIds": profile_ids[start : start + limit],
        "MatchType": request["MatchType"],
        "NextToken": token,
        **found,
    }


def _by_job(
    context: Context, connection: Connection, domain: int, request: Wire
) -> tuple[Wire, list[str]]:
    value, now = request["SearchValue"], context.clock.now()
    if request["SearchKey"] == "matchId":
        match = store.find(connection, domain, value)
    else:
        match = store.of_profile(connection, _row(context, connection, request))
    profiles = store.profiles_of(connection, match, now) if match else []
    if match is None or len(profiles) < 2:  # noqa: PLR2004  (a match is of two)
        return {}, []
    found = {"MatchId": match.match_id, "ConfidenceScore": match.confidence}
    return found, [profile_id for _, profile_id in profiles]


def _by_rules(
    context: Context, connection: Connection, domain: int, request: Wire
) -> tuple[Wire, list[str]]:
    if request["SearchKey"] == "matchId":
        match = rule_matches.find(connection, domain, request["SearchValue"])
    else:
        row = _row(context, connection, request)
        match = rule_matches.of_profile(connection, row)
    if match is None:
        return {}, []
    now = context.clock.now()
    found = {"MatchId": match.match_id, "RuleLevel": match.level}
    return found, rule_matches.profile_ids(connection, match.rows, now)


def _row(context: Context, connection: Connection, request: Wire) -> int:
    domain = domain_row(connection, request["DomainName"])
    return existing_profile(context, connection, domain, request["SearchValue"]).id


def _matching(connection: Connection, name: str, setting: str) -> int:
    """Give a domain's id, or refuse: its matching is not enabled."""
    domain = existing_domain(connection, name)
    if not domain.settings.get(setting, {}).get("Enabled"):
        # Assumed: matches of a domain that does not match are refused.
        raise bad_request(f"{setting} of domain {name} is not enabled; enable it with UpdateDomain")
    return domain.id


@operation("GetAutoMergingPreview")
def get_auto_merging_preview(context: Context, request: Wire) -> Wire:
    """Try auto-merging on what the latest job found; merges nothing."""
    consolidation.check(request)
    now = context.clock.now()
    matches = profiles = merged = 0
    with context.database.read() as connection:
        domain = _matching(connection, request["DomainName"], "Matching")
        for match in store.sample(connection, domain, _SAMPLE):
            rows = [row for row, _ in store.profiles_of(connection, match, now)]
            matches, profiles = matches + 1, profiles + len(rows)
            plan = consolidation.plan(connection, match.confidence, rows, request)
            # Assumed: profiles that will be merged are counted with the one that stays.
            # What would be too large as one stays apart, as in the job.
            merged += sum(len(one.ids) for one in plan if merging.fits(context, one.merged))
    return {
        "DomainName": request["DomainName"],
        "NumberOfMatchesInSample": matches,
        "NumberOfProfilesInSample": profiles,
        "NumberOfProfilesWillBeMerged": merged,
    }


@operation("ListIdentityResolutionJobs")
def list_identity_resolution_jobs(context: Context, request: Wire) -> Wire:
    """List the runs of the machine matching, the latest first."""
    jobs.fail_stale_jobs(context)
    limit = request.get("MaxResults", _PAGE)
    query = ["jobs", request["DomainName"]]
    before = int(context.pages.position(query, request.get("NextToken")) or 1 << 60)
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        # Assumed: ListIdentityResolutionJobs gives the latest job first.
        found = job_store.page(connection, domain.id, before, limit + 1)
    more = len(found) > limit
    token = context.pages.token(query, str(found[limit - 1].id)) if more else None
    listed = [jobs.list_item(request["DomainName"], one) for one in found[:limit]]
    return {"IdentityResolutionJobsList": listed, "NextToken": token}


@operation("GetIdentityResolutionJob")
def get_identity_resolution_job(context: Context, request: Wire) -> Wire:
    """Describe a run of the machine matching, while it runs too."""
    jobs.fail_stale_jobs(context)
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        job = job_store.find(connection, domain.id, request["JobId"])
    if job is None:
        raise not_found("The domain has no identity resolution job with this id")
    return jobs.describe(request["DomainName"], job)

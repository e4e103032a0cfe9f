"""Matches of identity-resolution jobs and of rules, and the jobs themselves."""

from __future__ import annotations

from functools import partial
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from customer_profiles.engine.matching import consolidation, jobs, rule_matches, rules, similar
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.access import domain_row, matching_domain
from customer_profiles.engine.profiles.expiry import purge_all
from customer_profiles.engine.service.paging import PAGE_SIZE
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import identity_jobs as job_store
from customer_profiles.engine.store import matches as store

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

# Assumed: a preview samples up to 1,000 matches, which are the same ones at every call.
_SAMPLE = 1_000


@operation("GetMatches")
def get_matches(context: Context, request: Wire) -> Wire:
    """List the matches that the latest job found, page by page."""
    purge_all(context)
    query, now = ["matches", request["DomainName"]], context.clock.now()
    with context.database.read() as connection:
        domain = matching_domain(connection, request["DomainName"], "Matching")
        read = partial(store.page, connection, domain)
        found, token = context.pages.read_page(query, request, read, attrgetter("id"), start=0)
        items = [_described(connection, match, now) for match in found]
        total = store.count(connection, domain)
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
    """List the ids of the matches by rule, page by page."""
    purge_all(context)
    rules.apply(context)
    limit = request.get("MaxResults", PAGE_SIZE)
    query = ["rule-based", request["DomainName"]]
    after = int(context.pages.position(query, request.get("NextToken")) or 0)
    with context.database.read() as connection:
        domain = matching_domain(connection, request["DomainName"], "RuleBasedMatching")
        found, more = rule_matches.page(connection, domain, after, limit)
    token = context.pages.token(query, str(more)) if more is not None else None
    return {"MatchIds": [match.match_id for match in found], "NextToken": token}


@operation("GetSimilarProfiles")
def get_similar_profiles(context: Context, request: Wire) -> Wire:
    """Describe the match of a profile, or a match by its id."""
    purge_all(context)
    rules.apply(context)
    name, key = request["DomainName"], request["SearchKey"]
    by_rules = request["MatchType"] == "RULE_BASED_MATCHING"
    if key not in {"matchId", "profileId"}:
        # Assumed: SearchKey is matchId or profileId, in this spelling.
        raise bad_request(f"SearchKey is matchId or profileId, not {key}")
    with context.database.read() as connection:
        domain = matching_domain(connection, name, "RuleBasedMatching" if by_rules else "Matching")
        find = similar.by_rules if by_rules else similar.by_job
        found, profile_ids = find(context, connection, domain, request)
    # Assumed: GetSimilarProfiles of a profile without a match answers with no ProfileIds.
    query = ["similar", name, request["MatchType"], key, request["SearchValue"]]
    numbered = list(enumerate(profile_ids, 1))
    page, token = context.pages.read_page(
        query, request, lambda after, _: numbered[after:], itemgetter(0), start=0
    )
    ids = [profile_id for _, profile_id in page]
    return {"ProfileIds": ids, "MatchType": request["MatchType"], "NextToken": token, **found}


@operation("GetAutoMergingPreview")
def get_auto_merging_preview(context: Context, request: Wire) -> Wire:
    """Count what auto-merging would merge in a sample of the latest job's matches."""
    consolidation.check(request)
    now = context.clock.now()
    matches = profiles = merged = 0
    with context.database.read() as connection:
        domain = matching_domain(connection, request["DomainName"], "Matching")
        for match in store.sample(connection, domain, _SAMPLE):
            rows = [row for row, _ in store.profiles_of(connection, match, now)]
            matches, profiles = matches + 1, profiles + len(rows)
            plan = consolidation.plan(connection, match.confidence, rows, request)
            # Assumed: profiles that will be merged are counted with the one that stays.
            # As in a job, profiles that would be too large when merged are not merged.
            merged += sum(len(group.ids) for group in plan if merging.fits(context, group.merged))
    return {
        "DomainName": request["DomainName"],
        "NumberOfMatchesInSample": matches,
        "NumberOfProfilesInSample": profiles,
        "NumberOfProfilesWillBeMerged": merged,
    }


@operation("ListIdentityResolutionJobs")
def list_identity_resolution_jobs(context: Context, request: Wire) -> Wire:
    """List the identity-resolution jobs of a domain, the latest first."""
    jobs.fail_stale_jobs(context)
    query = ["jobs", request["DomainName"]]
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        # Assumed: ListIdentityResolutionJobs answers with the latest job first.
        read = partial(job_store.page, connection, domain.id)
        found, token = context.pages.read_page(query, request, read, attrgetter("id"), 1 << 60)
    listed = [jobs.list_item(request["DomainName"], job) for job in found]
    return {"IdentityResolutionJobsList": listed, "NextToken": token}


@operation("GetIdentityResolutionJob")
def get_identity_resolution_job(context: Context, request: Wire) -> Wire:
    """Describe an identity-resolution job, finished or not."""
    jobs.fail_stale_jobs(context)
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        job = job_store.find(connection, domain.id, request["JobId"])
    if job is None:
        raise not_found("The domain has no identity resolution job with this id")
    return jobs.describe(request["DomainName"], job)

"""`customer-profiles matches`: which profiles are one customer's, why, and making them one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from customer_profiles import (
    AutoMerging,
    Consolidation,
    Domain,
    Match,
    MatchingConfig,
    NoResultError,
)

from .console import err, fail, out, told_plainly
from .target import Db, DomainName, EndpointUrl, ProfileName, Region, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles import CustomerProfiles, IdentityResolutionJob
    from customer_profiles.models.match import MatchType

app: typer.Typer = typer.Typer(
    help="Profiles that are one customer's: find, explain and merge them.", no_args_is_help=True
)

MatchId = Annotated[str, typer.Argument(help="The match's id, as `matches list` shows it.")]
_FAILED = 1


@app.command()
def run(
    *,
    domain: DomainName,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Find the duplicates of an embedded domain now; its Matching is enabled if it is not.

    On AWS only the weekly schedule of the domain's Matching starts a job.

    Exit code: 0 found (or nothing to find), 1 the job failed, 2 an error.
    """
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        shop = cp.domains.get(domain)
        if db is not None:
            _enable(shop)
        with err.status("comparing profiles"):
            job = shop.matches.run().wait()
        _tell(job)
        if job.status == "FAILED":
            raise typer.Exit(_FAILED)


def _enable(shop: Domain) -> None:
    if not (shop.matching and shop.matching.enabled):
        matching = shop.matching or MatchingConfig()
        matching.enabled = True
        shop.matching = matching
        shop.save()
        err.print(f"matching of domain {escape(shop.domain_name)} is enabled now")


def _tell(job: IdentityResolutionJob) -> None:
    stats = job.job_stats
    if stats is not None:
        out.print(
            f"{stats.number_of_profiles_reviewed or 0:,} profiles compared, "
            f"{stats.number_of_matches_found or 0:,} matches found, "
            f"{stats.number_of_merges_done or 0:,} merges done",
            soft_wrap=True,
        )
    if job.message:
        err.print(escape(job.message), soft_wrap=True)


@app.command(name="list")
def list_(  # noqa: PLR0913  (the command's options)
    *,
    domain: DomainName,
    rules: Annotated[
        bool, typer.Option("--rules", help="What the domain's rules match, not what the job did.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List matches: their ids, how sure they are, and the ids of their profiles."""
    table = Table("match", "level" if rules else "confidence", "profiles", box=None)
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        matches = cp.domain(domain).matches
        found = matches.rule_based(limit=limit) if rules else matches.all(limit=limit)
        for match in found:
            if rules:
                match.refresh()
            sure = match.rule_level if rules else f"{match.confidence_score or 0:.1%}"
            table.add_row(match.match_id, str(sure), "\n".join(match.profile_ids))
    if table.row_count:
        out.print(table)
    else:
        out.print("no matches")


@app.command()
def explain(  # noqa: PLR0913  (the command's options)
    match_id: MatchId,
    *,
    domain: DomainName,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the first pair as a waterfall into this file.")
    ] = None,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say why the profiles of a match are taken for one customer's, pair by pair.

    Weights are in bits and add up to the score. No values of the profiles are shown.
    """
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        explanations = _match(cp, domain, match_id).explain()
        for explanation in explanations:
            out.print(f"{explanation.left} and {explanation.right}", soft_wrap=True)
            out.print(explanation)
        if plot is not None:
            _draw(explanations[0].plot, plot)


def _draw(draw: Callable[[], Any], file: Path) -> None:
    try:
        axes = draw()
    except ImportError as error:
        fail(str(error))
    try:
        axes.figure.savefig(file)
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be written: {error}")


@app.command()
def merge(  # noqa: PLR0913  (the command's options)
    match_id: MatchId,
    *,
    domain: DomainName,
    keep: Annotated[str, typer.Option(help="The id of the profile that stays.")],
    take: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=PROFILE_ID", help="Take a field from another profile."),
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="The match is one of the domain's rules.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Make one profile of all profiles of a match; this cannot be undone."""
    taken = dict(_taken(one) for one in take or ())
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        match = _match(
            cp, domain, match_id, "RULE_BASED_MATCHING" if rules else "ML_BASED_MATCHING"
        )
        count = len(match.profile_ids)
        if not yes:
            typer.confirm(f"Merge {count} profiles into {keep}? It cannot be undone.", abort=True)
        match.merge(keep, take=taken)
        out.print(f"{count} profiles are {keep} now", soft_wrap=True)


def _taken(text: str) -> tuple[str, str]:
    field, sign, profile_id = text.partition("=")
    if not (field and sign and profile_id):
        fail(f"--take is FIELD=PROFILE_ID, such as email_address=0123…, not {text}")
    return field, profile_id


@app.command()
def preview(  # noqa: PLR0913  (the command's options)
    *,
    domain: DomainName,
    criterion: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE,…",
            help="Attributes that must be equal, such as LastName,EmailAddress; may be repeated. "
            "Without any, the domain's own criteria are tried.",
        ),
    ] = None,
    least: Annotated[
        float | None,
        typer.Option("--min-confidence", min=0, max=1, help="The least confidence to merge at."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw what each minimum confidence would merge into this file."),
    ] = None,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say how many profiles auto-merging would merge; merges nothing."""
    config = None
    if criterion:
        attributes = [[it.strip() for it in one.split(",")] for one in criterion]
        consolidation = Consolidation(matching_attributes_list=attributes)
        config = AutoMerging(enabled=True, consolidation=consolidation)
        config.min_allowed_confidence_score_for_merging = least
    elif least is not None:
        fail("--min-confidence needs a --criterion")
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        found = cp.domain(domain).matches.preview(config)
        out.print(
            f"{found.number_of_profiles_will_be_merged or 0:,} of "
            f"{found.number_of_profiles_in_sample or 0:,} profiles in "
            f"{found.number_of_matches_in_sample or 0:,} matches would be merged",
            soft_wrap=True,
        )
        if plot is not None:
            _draw(found.plot, plot)


def _match(
    cp: CustomerProfiles, domain: str, match_id: str, match_type: MatchType = "ML_BASED_MATCHING"
) -> Match:
    matches = cp.domain(domain).matches
    try:
        return matches.get(match_id, match_type=match_type)
    except NoResultError:
        fail(
            "the domain has no match with this id; `matches list` lists what the job found, "
            "`matches list --rules` what rules match, which `matches merge --rules` merges"
        )

"""`customer-profiles matches`: find, explain and merge the profiles of one customer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

from .console import confirm, draw, err, fail, out
from .target import Target, with_target

if TYPE_CHECKING:
    from customer_profiles import IdentityResolutionJob
    from customer_profiles.models.match import MatchType

app: typer.Typer = typer.Typer(
    help="Find, explain and merge profiles of one customer.", no_args_is_help=True
)

MatchId = Annotated[str, typer.Argument(help="The match's id, as `matches list` shows it.")]
_FAILED = 1


@app.command()
@with_target
def run(*, target: Target) -> None:
    """Find the duplicates of an embedded domain now, and enable its Matching if necessary.

    On AWS only the weekly schedule of the domain's Matching starts a job.

    Exit code: 0 found (or nothing to find), 1 the job failed, 2 an error.
    """
    with target.open() as domain:
        domain.refresh()
        if target.db is not None:
            _enable_matching(domain)
        with err.status("comparing profiles"):
            job = domain.matches.run().wait()
        _report(job)
        if job.status == "FAILED":
            raise typer.Exit(_FAILED)


def _enable_matching(domain: Domain) -> None:
    if not (domain.matching and domain.matching.enabled):
        matching = domain.matching or MatchingConfig()
        matching.enabled = True
        domain.matching = matching
        domain.save()
        err.print(f"matching is now enabled in domain {escape(domain.domain_name)}")


def _report(job: IdentityResolutionJob) -> None:
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
@with_target
def list_(
    *,
    rules: Annotated[
        bool,
        typer.Option(
            "--rules", help="List the matches of the domain's rules instead of the job's."
        ),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="The number of matches to list.")] = 20,
    target: Target,
) -> None:
    """List matches: their ids, their confidence or rule level, and the ids of their profiles."""
    table = Table("match", "level" if rules else "confidence", "profiles", box=None)
    with target.open() as domain:
        matches = domain.matches
        found = matches.rule_based(limit=limit) if rules else matches.all(limit=limit)
        for match in found:
            if rules:
                match.refresh()
            confidence = match.rule_level if rules else f"{match.confidence_score or 0:.1%}"
            table.add_row(match.match_id, str(confidence), "\n".join(match.profile_ids))
    out.print(table if table.row_count else "no matches")


@app.command()
@with_target
def explain(
    match_id: MatchId,
    *,
    plot: Annotated[
        Path | None, typer.Option(help="Draw a waterfall chart of the first pair into this file.")
    ] = None,
    target: Target,
) -> None:
    """Explain, pair by pair, why the profiles of a match are one customer's.

    Match weights are in bits and add up to the score. No profile values are shown.
    """
    with target.open() as domain:
        explanations = _match(domain, match_id).explain()
        for explanation in explanations:
            out.print(f"{explanation.left} and {explanation.right}", soft_wrap=True)
            out.print(explanation)
        if plot is not None:
            draw(explanations[0].plot, plot)


@app.command()
@with_target
def merge(  # noqa: PLR0913  (the command's options)
    match_id: MatchId,
    *,
    keep: Annotated[str, typer.Option(help="The id of the profile to keep.")],
    take: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=PROFILE_ID",
            help="Keep the value that another profile has in this field.",
        ),
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="The match was found by the domain's rules.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Merge all profiles of a match into one. This cannot be undone."""
    taken = dict(_parse_take(option) for option in take or ())
    with target.open() as domain:
        match = _match(domain, match_id, "RULE_BASED_MATCHING" if rules else "ML_BASED_MATCHING")
        count = len(match.profile_ids)
        if not yes:
            confirm(f"Merge {count} profiles into {keep}? It cannot be undone.")
        match.merge(keep, take=taken)
        out.print(f"merged {count} profiles into {keep}", soft_wrap=True)


def _parse_take(text: str) -> tuple[str, str]:
    field, sign, profile_id = text.partition("=")
    if not (field and sign and profile_id):
        fail(f"--take is FIELD=PROFILE_ID, such as email_address=0123…, not {text}")
    return field, profile_id


@app.command()
@with_target
def preview(
    *,
    criterion: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE,…",
            help="Attributes that must be equal, such as LastName,EmailAddress; may be repeated. "
            "Default: the criteria of the domain's Matching.",
        ),
    ] = None,
    least: Annotated[
        float | None,
        typer.Option("--min-confidence", min=0, max=1, help="The minimum confidence of a merge."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw what each minimum confidence would merge into this file."),
    ] = None,
    target: Target,
) -> None:
    """Print how many profiles auto-merging would merge, without merging any."""
    config = None
    if criterion:
        attributes = [[name.strip() for name in names.split(",")] for names in criterion]
        consolidation = Consolidation(matching_attributes_list=attributes)
        config = AutoMerging(enabled=True, consolidation=consolidation)
        config.min_allowed_confidence_score_for_merging = least
    elif least is not None:
        fail("--min-confidence needs a --criterion")
    with target.open() as domain:
        found = domain.matches.preview(config)
        out.print(
            f"{found.number_of_profiles_will_be_merged or 0:,} of "
            f"{found.number_of_profiles_in_sample or 0:,} profiles in "
            f"{found.number_of_matches_in_sample or 0:,} matches would be merged",
            soft_wrap=True,
        )
        if plot is not None:
            draw(found.plot, plot)


def _match(domain: Domain, match_id: str, match_type: MatchType = "ML_BASED_MATCHING") -> Match:
    try:
        return domain.matches.get(match_id, match_type=match_type)
    except NoResultError:
        fail(
            "the domain has no match with this id; `matches list` lists the job's matches, "
            "`matches list --rules` those of the rules, which `matches merge --rules` merges"
        )

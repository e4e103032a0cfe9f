"""`customer-profiles matches`: find, explain and merge the profiles of one customer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from customer_profiles import (
    AutoMerging,
    Consolidation,
    CustomerProfilesError,
    Domain,
    Match,
    MatchDecision,
    MatchingConfig,
    NoResultError,
)

from .console import confirm, draw, err, fail, out
from .output import Limit, Output, shown
from .side_by_side import decisions_of, match_row, print_match, rows_of
from .target import Target, with_target

if TYPE_CHECKING:
    from customer_profiles import IdentityResolutionJob
    from customer_profiles.models.match import MatchType

app: typer.Typer = typer.Typer(
    help="Find, explain and merge profiles of one customer.", no_args_is_help=True
)

MatchId = Annotated[str, typer.Argument(help="The match's id, as `matches list` shows it.")]
_FAILED = 1
_COLUMNS = shown("match_id", "confidence_score", "rule_level", "state", "profile_ids", "fullest")


@app.command()
@with_target
def run(
    *,
    reveal: Annotated[
        bool | None,
        typer.Option(
            "--reveal/--mask",
            help="Print the profiles of the first match in the clear, or masked (the default).",
            envvar="CUSTOMER_PROFILES_REVEAL",
            show_default=False,
        ),
    ] = None,
    target: Target,
) -> None:
    """Find the duplicates of an embedded domain now, and enable its Matching if necessary.

    The first match is shown with the reasons why its profiles are one customer's. On AWS only the
    weekly schedule of the domain's Matching starts a job.

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
        _show_first(domain, target, Output(reveal=reveal))


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


def _show_first(domain: Domain, target: Target, output: Output) -> None:
    """Print the profiles of the first match and why they are one customer's, if there is one."""
    match = domain.matches.all(limit=1).first()
    if match is None:
        return
    out.print()
    print_match(match_row(match, decisions_of(domain), reveal=output.reveals(target.db)))
    out.print()
    out.print(match.explain()[0], soft_wrap=True)
    where = f"--domain {target.domain}" + (f" --db {target.db}" if target.db else "")
    err.print(f"all of them: customer-profiles matches list {escape(where)}", soft_wrap=True)


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
    output: Output,
) -> None:
    """List matches: the profiles of each, masked, with what agrees and what differs."""
    with target.open() as domain:
        matches = domain.matches
        found = matches.rule_based(limit=limit) if rules else matches.all(limit=limit)
        decided = decisions_of(domain)
        reveal = output.reveals(target.db)
        if output.format != "table":
            output.show(rows_of(found, decided, reveal=reveal), columns=_COLUMNS, private=False)
            return
        rows = rows_of(found, decided, reveal=reveal, whole=False)
        is_empty = True
        for row in rows:
            is_empty = False
            print_match(row)
        if is_empty:
            err.print("no matches")


@app.command()
@with_target
def show(
    match_id: MatchId,
    *,
    rules: Annotated[
        bool, typer.Option("--rules", help="The match was found by the domain's rules.")
    ] = False,
    target: Target,
    output: Output,
) -> None:
    """Show the profiles of a match side by side, field by field."""
    with target.open() as domain:
        match = _match(domain, match_id, "RULE_BASED_MATCHING" if rules else "ML_BASED_MATCHING")
        row = match_row(match, decisions_of(domain), reveal=output.reveals(target.db))
        if output.format == "table":
            print_match(row)
        else:
            output.show([row], columns=_COLUMNS, private=False)


@app.command()
@with_target
def decisions(*, limit: Limit = None, target: Target, output: Output) -> None:
    """List what was decided about pairs of profiles, the oldest first."""
    with target.open() as domain:
        output.show(
            domain.matches.decisions(),
            columns=shown("profile_ids", "is_match", "decided_at", whole=True),
            model=MatchDecision,
            limit=limit,
            private=False,
            empty="no decisions; `matches review` makes them",
        )


@app.command()
@with_target
def forget(
    left: Annotated[str, typer.Argument(metavar="PROFILE_ID", help="A profile.")],
    right: Annotated[str, typer.Argument(metavar="PROFILE_ID", help="The other profile.")],
    *,
    target: Target,
) -> None:
    """Remove the decision about two profiles, so that the next job judges them again."""
    with target.open() as domain:
        domain.matches.forget(left, right)
        out.print("removed the decision")


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
            out.print(explanation, soft_wrap=True)
        if plot is not None:
            draw(explanations[0].plot, plot)


Undo = Annotated[
    Path | None,
    typer.Option(
        "--undo-dir",
        file_okay=False,
        help="The folder for the undo files of merges. Default: beside the database file, or on "
        "AWS in the working directory, with the suffix .undo.",
        show_default=False,
    ),
]


def undo_folder(target: Target, chosen: Path | None) -> Path:
    """Return the folder for undo files."""
    if chosen is not None:
        return chosen
    if target.db is not None:
        return target.db.with_name(f"{target.db.name}.undo")
    return Path(f"{target.domain}.undo")


@app.command()
@with_target
def merge(  # noqa: PLR0913  (the command's options)
    match_id: Annotated[
        str | None,
        typer.Argument(help="The match's id, as `matches list` shows it.", show_default=False),
    ] = None,
    *,
    keep: Annotated[
        str | None,
        typer.Option(help="The id of the profile to keep. Default: the one with most values."),
    ] = None,
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
    every: Annotated[
        bool, typer.Option("--all", help="Merge all matches of the latest job.")
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            "--min-confidence", min=0, max=1, help="With --all: the lowest confidence of a match."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be merged, and merge nothing.")
    ] = False,
    undo_dir: Undo = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
    output: Output,
) -> None:
    """Merge the profiles of a match into one, or those of all matches.

    Before each merge, its profiles are written into an undo file with their keys and objects, from
    which `matches restore` recreates them.

    Exit code: 0 merged (or nothing to merge), 1 some matches failed, 2 an error.
    """
    if every == (match_id is not None):
        fail("give the id of a match, or --all")
    folder = undo_folder(target, undo_dir)
    if match_id is None:
        if keep or take or rules:
            fail("--keep, --take and --rules are of a single match; leave them out, or --all")
        if least is None:
            fail("--all needs --min-confidence, such as 0.99; `matches preview` shows the effect")
        _merge_all(least, folder, dry_run=dry_run, yes=yes, target=target, output=output)
        return
    if least is not None:
        fail("--min-confidence needs --all")
    taken = dict(_parse_take(option) for option in take or ())
    with target.open() as domain:
        match = _match(domain, match_id, "RULE_BASED_MATCHING" if rules else "ML_BASED_MATCHING")
        row = match_row(match, decisions_of(domain), reveal=output.reveals(target.db), whole=False)
        kept = keep or row["fullest"]
        count = len(row["profile_ids"])
        if dry_run or not yes:
            print_match(row)
        if dry_run:
            out.print(f"would merge {count} profiles into {kept}", soft_wrap=True)
            return
        if not yes:
            confirm(f"Merge {count} profiles into {kept}?")
        file = match.merge(kept, take=taken, undo=folder)
        out.print(f"merged {count} profiles into {kept}", soft_wrap=True)
        print_undo(file)


def print_undo(file: object) -> None:
    """Print the path of the undo file of a merge on standard error."""
    err.print(
        f"undo: `matches restore {escape(str(file))}`, with the same options",
        soft_wrap=True,
        highlight=False,
    )


def _merge_all(  # noqa: PLR0913  (the options)
    least: float, folder: Path, *, dry_run: bool, yes: bool, target: Target, output: Output
) -> None:
    with target.open() as domain:
        decided = decisions_of(domain)
        reveal = output.reveals(target.db)
        chosen = [
            match
            for match in domain.matches.all()
            if (match.confidence_score or 0.0) >= least and len(match.profile_ids) > 1
        ]
        apart = [match for match in chosen if decided.separates(match.profile_ids)]
        chosen = [match for match in chosen if match not in apart]
        count = sum(len(match.profile_ids) for match in chosen)
        summary = f"{count:,} profiles in {len(chosen):,} matches into {len(chosen):,}"
        if apart:
            err.print(f"{len(apart)} matches are left out: somebody decided to keep profiles apart")
        if dry_run:
            if output.format != "table":
                rows = rows_of(chosen, decided, reveal=reveal)
                output.show(rows, columns=_COLUMNS, private=False)
                return
            for row in rows_of(chosen, decided, reveal=reveal, whole=False):
                print_match(row)
            out.print(f"would merge {summary}")
            return
        if not chosen:
            out.print("no matches")
            return
        if not yes:
            confirm(f"Merge {summary}? --dry-run shows them.")
        failed = 0
        for match in chosen:
            try:
                match.merge(match.compare().fullest, undo=folder)
            except CustomerProfilesError as error:
                failed += 1
                err.print(escape(f"match {match.match_id}: {error}"), soft_wrap=True)
        done = len(chosen) - failed
        out.print(f"merged {done:,} of {len(chosen):,} matches", soft_wrap=True)
        err.print(f"undo files are in {escape(str(folder))}", soft_wrap=True, highlight=False)
        if failed:
            raise typer.Exit(_FAILED)


@app.command()
@with_target
def restore(
    file: Annotated[
        Path, typer.Argument(help="The undo file of a merge.", exists=True, dir_okay=False)
    ],
    *,
    apart: Annotated[
        bool,
        typer.Option(
            "--apart/--no-apart",
            help="Also decide that the profiles are not the same customer, so that later jobs do "
            "not match them again.",
        ),
    ] = True,
    target: Target,
) -> None:
    """Recreate the profiles of a merge from its undo file. They get new ids.

    After an interruption, give the same command again.
    """
    with target.open() as domain:
        restored = domain.matches.restore(file, apart=apart and target.db is not None)
        for old, new in restored.profile_ids.items():
            out.print(f"restored {old} as {new}", soft_wrap=True, highlight=False)
        for difference in restored.differences:
            err.print(escape(difference), soft_wrap=True, highlight=False)


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

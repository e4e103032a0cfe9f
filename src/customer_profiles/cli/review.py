"""`customer-profiles matches review`: decide about matches, one after the other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import click
import typer
from rich.markup import escape

from customer_profiles import CustomerProfilesError

from .console import err, fail, out
from .matches import Undo, undo_folder
from .output import Output  # noqa: TC001  (typer reads it)
from .side_by_side import match_row, print_match
from .target import Target, with_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles.repositories.reviewing import MatchReview, ReviewItem

_HELP = "m merge · a keep apart · s skip · u undo · 1-9 choose profiles · q quit"
_QUIT, _SKIP, _UNDO, _MERGE, _APART, _YES = "q", "s", "u", "m", "a", "y"


@with_target
def review(  # noqa: PLR0913  (the command's options)
    *,
    least: Annotated[
        float, typer.Option("--min-confidence", min=0, max=1, help="The lowest confidence.")
    ] = 0.0,
    most: Annotated[
        float, typer.Option("--max-confidence", min=0, max=1, help="The highest confidence.")
    ] = 1.0,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="Ask about no further match, and merge what was decided before."
        ),
    ] = False,
    undo_dir: Undo = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Merge at the end without asking for confirmation.")
    ] = False,
    target: Target,
    output: Output,
) -> None:
    """Decide about matches, one after the other: merge, keep apart, or skip.

    Press a key for each: m (one customer), a (different customers), s (skip), u (take the answer
    before back) or q (quit). Before m and a, digits choose some of the profiles, of which m keeps
    the first; without them, all are meant, and the one with most values is kept.

    Decisions are stored at once, so that the next review continues where this one stopped, and
    later jobs do not match profiles again that are kept apart. Merges happen at the end, when you
    confirm them, each with an undo file for `matches restore`.

    Exit code: 0 done, 2 an error.
    """
    if output.format != "table":
        fail("a review is a conversation; `matches list --json` prints matches for programs")
    with target.open() as domain:
        session = domain.matches.review(least=least, most=most)
        if not apply:
            _converse(session, reveal=output.reveals(target.db))
        count = len(session.pending)
        if not count:
            out.print("nothing to merge")
            return
        noun = "match" if count == 1 else "matches"
        err.print(f"{count} {noun} to merge; merge now? y or n", highlight=False)
        if not yes and _read_key() != _YES:
            out.print("nothing was merged; `matches review --apply` merges them later")
            return
        applied = session.apply(undo=undo_folder(target, undo_dir))
        for merged in applied:
            number = len(merged.merged_profile_ids) + 1
            out.print(f"merged {number} profiles into {merged.kept_profile_id}", soft_wrap=True)
            err.print(
                escape(f"undo: `matches restore {merged.undo_file}`"),
                soft_wrap=True,
                highlight=False,
            )


def _converse(session: MatchReview, *, reveal: bool) -> None:
    counts = {_MERGE: 0, _APART: 0, _SKIP: 0}
    answers: list[str] = []
    for item in session:
        row = match_row(item.match, session._decided, reveal=reveal)
        print_match(row, f"match {item.match.match_id}, {session.remaining} more")
        key = _ask(session, item)
        if key == _QUIT:
            break
        if key == _UNDO:
            counts[answers.pop()] -= 1
            continue
        counts[key] += 1
        answers.append(key)
    out.print(
        f"{counts[_MERGE]} to merge, {counts[_APART]} kept apart, {counts[_SKIP]} skipped",
        highlight=False,
    )


def _ask(session: MatchReview, item: ReviewItem) -> str:
    """Read keys until one of them is an answer, and store it; return the key."""
    chosen: list[str] = []
    ids = [profile.profile_id for profile in item.profiles]
    err.print(_HELP, highlight=False)
    while True:
        key = _read_key()
        if key == _QUIT:
            return key
        if key == _UNDO:
            if session.undo() is not None:
                return key
            err.print("there is no answer to take back")
        elif key.isdigit() and 0 < int(key) <= len(ids):
            profile_id = ids[int(key) - 1]
            (chosen.remove if profile_id in chosen else chosen.append)(profile_id)
            numbers = ", ".join(str(ids.index(other) + 1) for other in chosen)
            err.print(f"chosen: {numbers or 'all'}", highlight=False)
        elif (answer := _answers(item, chosen).get(key)) is not None:
            try:
                answer()
            except CustomerProfilesError as error:
                err.print(escape(str(error)), soft_wrap=True)
                continue
            return key
        else:
            err.print(_HELP, highlight=False)


def _answers(item: ReviewItem, chosen: list[str]) -> dict[str, Callable[[], object]]:
    profiles = chosen if len(chosen) > 1 else None
    keep = chosen[0] if chosen else None
    return {
        _MERGE: lambda: item.merge(keep, profiles=profiles),
        _APART: lambda: item.keep_apart(profiles=profiles),
        _SKIP: item.skip,
    }


def _read_key() -> str:
    """Read a key of a terminal, or a character of a pipe; its end is q."""
    if sys.stdin is None:
        return _QUIT
    if sys.stdin.isatty():
        try:
            key = click.getchar()
        except (EOFError, KeyboardInterrupt):
            return _QUIT
        return _QUIT if key in ("\x03", "\x04", "\x1b") else key.lower()
    while (key := sys.stdin.read(1)).isspace():
        pass
    return key.lower() or _QUIT

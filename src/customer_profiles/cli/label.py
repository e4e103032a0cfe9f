"""`customer-profiles label`: label the pairs of rows from which matching learns most."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from .console import err, fail, out
from .dedupe import (
    FileArgument,
    LinkOnlyOption,
    SourceOption,
    UniqueSourcesOption,
    parse_kind,
    read_labels,
    read_table,
    resolved,
    source_options,
)
from .load import DelimiterOption, EncodingOption, SheetOption  # noqa: TC001  (read by typer)

if TYPE_CHECKING:
    from customer_profiles.identity import Question, Resolution

_AT_ONCE = 20
"""After so many labels the rows are compared again, so that the next pairs follow from them."""
_ANSWERS = {"y": True, "n": False, "u": None}
_BACK, _QUIT = "b", "q"


def label(  # noqa: PLR0913  (the command's options)
    file: FileArgument,
    *,
    labels: Annotated[
        Path | None,
        typer.Option(help="The file of the labels; default: FILE.labels.csv beside the file."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many pairs to label.")] = 50,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=KIND", help="The kind of a column, as in `dedupe`."),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option("--id", help="The column of the rows' ids; without one, rows are numbered."),
    ] = None,
    source: SourceOption = None,
    link_only: LinkOnlyOption = False,
    unique_sources: UniqueSourcesOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
) -> None:
    """Label the pairs of rows whose labels teach most; `dedupe --labels` learns from them.

    Each pair is shown side by side. Answer y (one person), n (two people), u (unsure), b (go back
    to the pair before) or q (quit). Each answer is stored at once, so that you can stop at any
    time, and continue with the same command later.

    Exit code: 0 done, 2 an error.
    """
    if file.is_dir():
        fail(f"{file} is a folder; give a file")
    table = read_table(file, delimiter, encoding, sheet)
    kinds = dict(parse_kind(option) for option in kind or ())
    target = labels or file.with_name(f"{file.stem}.labels.csv")
    options = source_options(source, link_only=link_only, unique_sources=unique_sources)
    if id_column is None and not {"ProfileId", "id"} & set(table.column_names):
        err.print(
            "labels name rows by their numbers, so do not reorder the file; --id COLUMN names ids"
        )
    asked = 0
    while asked < count:
        known = read_labels(target) if target.exists() else ()
        resolution = resolved(file, table, kinds, id_column, labels=known, **options)
        questions = resolution.uncertain(min(_AT_ONCE, count - asked))
        if not questions:
            out.print("no other pair is uncertain")
            break
        answered, is_over = _ask(resolution, questions, target, asked, count)
        asked += answered
        if is_over:
            break
    out.print(f"{asked} labels written to {escape(str(target))}", soft_wrap=True)


def _ask(
    resolution: Resolution, questions: list[Question], target: Path, before: int, count: int
) -> tuple[int, bool]:
    """Show pairs and store the answers; return how many, and whether the user wants to stop."""
    number = 0
    while number < len(questions):
        question = questions[number]
        _show(resolution, question, f"{before + number + 1} of {count}")
        answer = _read_answer()
        if answer == _QUIT:
            return number, True
        if answer == _BACK:
            # The label of the pair before is replaced by the next answer.
            number = max(number - 1, 0)
            continue
        _store(target, question, answer)
        number += 1
    return number, False


def _show(resolution: Resolution, question: Question, title: str) -> None:
    left, right = resolution.record(question.left), resolution.record(question.right)
    table = Table("", escape(str(question.left)), escape(str(question.right)), title=title)
    for name, value in left.items():
        other = right[name]
        if value is None and other is None:
            continue
        style = None if value == other else "bold"
        table.add_row(escape(name), escape(value or ""), escape(other or ""), style=style)
    out.print(table)


def _read_answer() -> str:
    """Read an answer; the end of the input and Ctrl-C mean that the user wants to stop."""
    while True:
        try:
            text = typer.prompt(f"one person? {'/'.join((*_ANSWERS, _BACK, _QUIT))}")
        except typer.Abort:
            return _QUIT
        answer = str(text).strip().lower()[:1]
        if answer in {*_ANSWERS, _BACK, _QUIT}:
            return answer
        err.print("answer y (one person), n (two people), u (unsure), b (back) or q (quit)")


def _store(target: Path, question: Question, answer: str) -> None:
    from customer_profiles.identity import Label
    from customer_profiles.identity.review.labels import append

    try:
        append(target, Label(str(question.left), str(question.right), _ANSWERS[answer]))
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror or error}; earlier answers are in it")

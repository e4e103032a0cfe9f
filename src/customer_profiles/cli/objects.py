"""`customer-profiles objects`: put objects of other systems from a file into a domain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from customer_profiles import CustomerProfilesError

from .console import (
    INPUT,
    INTERRUPTED,
    USAGE,
    check_is_no_folder,
    err,
    errors_as_messages,
    out,
    progress,
    reading,
)
from .loading import Rejects
from .putting import Progress, Run, csv_lines, json_lines
from .target import Target, with_target

app: typer.Typer = typer.Typer(help="Objects of other systems.", no_args_is_help=True)

_JOBS_ON_AWS = 4


@app.callback()
def objects() -> None:
    """Objects of other systems."""


@app.command()
@with_target
def put(  # noqa: PLR0913  (the command's options)
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines (.jsonl) or CSV (.csv); - reads JSON lines from standard input."
        ),
    ],
    *,
    object_type: Annotated[str, typer.Option("--type", help="The object type's name.")],
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="The file for rejected lines; default: FILE.rejects.csv beside the file."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="The number of concurrent requests; default: 4 on AWS, else 1."
        ),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Start from the first line, although an earlier run was interrupted."
        ),
    ] = False,
    delimiter: Annotated[str, typer.Option(help="The delimiter of a CSV file.")] = ",",
    encoding: Annotated[str, typer.Option(help="The file's encoding.")] = "utf-8-sig",
    target: Target,
) -> None:
    """Put objects from a file into a domain, ten in each request.

    Each line of JSON is an object. Each row of CSV is an object whose members are the columns;
    empty cells are omitted. Rejected lines go to a rejects file with their number and the reason.
    An interrupted run continues where it stopped when you run the same command again.

    Exit code: 0 all objects put, 1 some rejected, 2 an error (the message says what is stored),
    130 interrupted.
    """
    check_is_no_folder(file)
    name = Path("stdin.jsonl") if file == INPUT else file
    rejects_file = Rejects(rejects or name.with_suffix(".rejects.csv"), ["object"])
    progress_file = (
        None
        if file == INPUT
        else Progress(file, target.domain, object_type, str(target.db or "aws"))
    )
    with errors_as_messages(), reading(file) as raw:
        done = progress_file.read() if progress_file and not restart else None
        used = [path for path in (file, target.db, progress_file and progress_file.path) if path]
        rejects_file.check(used, keep=done.rejects_size if done else 0)
        if done:
            err.print(f"continuing after line {done.line}; --restart starts from the first line")
        read = csv_lines if name.suffix.lower() == ".csv" else json_lines
        first = done.line if done else 0
        lines = read(raw, delimiter=delimiter, encoding=encoding)
        with target.open() as domain, progress() as bar:
            task = bar.add_task(
                name.name, total=None if progress_file is None else file.stat().st_size
            )
            run = Run(
                domain.objects(object_type),
                rejects_file,
                progress_file,
                report=lambda position: bar.update(task, completed=position),
                done=done,
            )
            problem = None
            try:
                left = (line for line in lines if line.number > first)
                run.put(left, jobs or (1 if target.db else _JOBS_ON_AWS))
            except CustomerProfilesError as error:
                problem = error
    _report(run, rejects_file, problem)


def _report(run: Run, rejects_file: Rejects, problem: CustomerProfilesError | None) -> None:
    out.print(f"{run.stored} put, {run.rejected} rejected", soft_wrap=True)
    for line, reason in rejects_file.first:
        err.print(f"line {line}: {escape(reason)}", soft_wrap=True)
    if run.rejected:
        err.print(f"all rejected lines: {escape(str(rejects_file.path))}", soft_wrap=True)
    if problem is not None:
        err.print(f"[red]error:[/] {escape(str(problem))}", soft_wrap=True)
    if problem is not None or run.interrupted:
        again = "; the same command continues from there" if run.can_resume else ""
        err.print(f"all lines up to {run.line} are processed{again}")
        raise typer.Exit(USAGE if problem is not None else INTERRUPTED)
    if run.rejected:
        raise typer.Exit(1)

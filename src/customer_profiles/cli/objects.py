"""`customer-profiles objects`: objects of other systems from a file into a domain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from customer_profiles import CustomerProfilesError

from .console import INPUT, INTERRUPTED, USAGE, err, out, progress, reading, told_plainly
from .loading import Rejects
from .putting import Line, Progress, Run, csv_lines, json_lines
from .target import Db, DomainName, EndpointUrl, ProfileName, Region, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

app: typer.Typer = typer.Typer(help="Objects of other systems.", no_args_is_help=True)

_JOBS_ON_AWS = 4


@app.callback()
def objects() -> None:
    """Objects of other systems."""


@app.command()
def put(  # noqa: PLR0913  (the command's options)
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines (.jsonl) or CSV (.csv); - reads JSON lines of the input."),
    ],
    *,
    domain: DomainName,
    object_type: Annotated[str, typer.Option("--type", help="The object type's name.")],
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where rejected lines go; default: FILE.rejects.csv beside the file."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Requests at once; default 4 on AWS, else 1."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin again where an earlier run was interrupted.")
    ] = False,
    delimiter: Annotated[str, typer.Option(help="What separates the columns of CSV.")] = ",",
    encoding: Annotated[str, typer.Option(help="The file's encoding.")] = "utf-8-sig",
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Put objects from a file into a domain, ten with a request.

    A line of JSON is an object; a row of CSV is one whose members are the columns, empty cells
    left out. Lines that are refused go to a rejects file, each with its number and the reason.
    An interrupted run goes on where it stopped when the command is given again.

    Exit code: 0 all objects put, 1 some rejected, 2 an error (the message says what is stored),
    130 interrupted.
    """
    named = Path("stdin.jsonl") if file == INPUT else file
    aside = Rejects(rejects or named.with_suffix(".rejects.csv"), ["object"])
    notes = None if file == INPUT else Progress(file, domain, object_type, str(db or "aws"))
    with told_plainly(), reading(file) as raw:
        done = notes.read() if notes and not restart else None
        used = [one for one in (file, db, notes and notes.path) if one]
        aside.check(used, keep=done.rejects_size if done else 0)
        if done:
            err.print(f"going on after line {done.line}; --restart begins again")
        read = csv_lines if named.suffix.lower() == ".csv" else json_lines
        lines = _after(read(raw, delimiter=delimiter, encoding=encoding), done.line if done else 0)
        with opened(db, region, profile, endpoint_url) as cp, progress() as bar:
            task = bar.add_task(named.name, total=None if notes is None else file.stat().st_size)
            run = Run(
                cp.domain(domain).objects(object_type),
                aside,
                notes,
                report=lambda position: bar.update(task, completed=position),
                done=done,
            )
            problem = _put(run, lines, jobs or (1 if db else _JOBS_ON_AWS))
    _tell(run, aside, problem)


def _put(run: Run, lines: Iterator[Line], jobs: int) -> CustomerProfilesError | None:
    """Put the lines; give the error that ended it early, if there was one."""
    try:
        run.put(lines, jobs)
    except CustomerProfilesError as error:
        return error
    return None


def _after(lines: Iterator[Line], line: int) -> Iterator[Line]:
    return (one for one in lines if one.number > line)


def _tell(run: Run, aside: Rejects, problem: CustomerProfilesError | None) -> None:
    out.print(f"{run.stored} put, {run.rejected} rejected", soft_wrap=True)
    for line, reason in aside.first:
        err.print(f"line {line}: {escape(reason)}", soft_wrap=True)
    if run.rejected:
        err.print(f"all rejected lines: {escape(str(aside.path))}", soft_wrap=True)
    if problem is not None:
        err.print(f"[red]error:[/] {escape(str(problem))}", soft_wrap=True)
    if problem is not None or run.interrupted:
        again = "; the same command goes on from there" if run.can_go_on else ""
        err.print(f"all up to line {run.line} is dealt with{again}")
        raise typer.Exit(USAGE if problem is not None else INTERRUPTED)
    if run.rejected:
        raise typer.Exit(1)

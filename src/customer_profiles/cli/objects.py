"""`customer-profiles objects`: objects of other systems: put, list, show and delete them."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from customer_profiles import CustomerProfilesError

from .completion import object_type_names
from .console import (
    INPUT,
    INTERRUPTED,
    USAGE,
    check_is_no_folder,
    confirm,
    err,
    errors_as_messages,
    fail,
    out,
    progress,
)
from .load import DelimiterOption, EncodingOption, SheetOption, opened
from .loading import Rejects
from .output import Column, Limit, Output, shown
from .profiles import Search  # noqa: TC001  (read by `with_target`)
from .putting import Progress, Run, lines_of
from .target import Target, naming_profile, naming_type, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain, StoredObject

app: typer.Typer = typer.Typer(help="Objects of other systems.", no_args_is_help=True)

_JOBS_ON_AWS = 4


@app.callback()
def objects() -> None:
    """Objects of other systems."""


Type = Annotated[
    str,
    typer.Option("--type", help="The object type's name.", autocompletion=object_type_names),
]
_Owner = Annotated[
    str, typer.Option("--profile-id", help="The id of the profile that the object belongs to.")
]
_UniqueKey = Annotated[
    str,
    typer.Argument(metavar="UNIQUE_KEY", help="The service's key of it, as `objects list` shows."),
]
_ID_COLUMNS = ("profile_object_unique_key", "profile_id", "object_type_name")


@app.command(name="list")
@with_target
def list_(  # noqa: PLR0913  (the command's options)
    *,
    object_type: Type,
    profile_id: Annotated[
        str | None,
        typer.Option(
            "--profile-id", help="The profile whose objects to list; default: all, embedded only."
        ),
    ] = None,
    keys: Search,
    limit: Limit = None,
    target: Target,
    output: Output,
) -> None:
    """List objects of a type: those of a profile, of profiles found by keys, or of the domain."""
    if profile_id is not None and not keys.is_empty:
        fail("give --profile-id, or keys such as --email, not both")
    if target.db is None and profile_id is None and keys.is_empty:
        fail(
            "only an embedded domain (--db) can list all objects of a type: AWS has no operation "
            "for it. Give --profile-id, or keys such as --email"
        )
    with target.open() as domain, naming_type(domain, object_type):
        most = output.limit(limit)
        if profile_id is not None:
            found = _of_profile(domain, profile_id, object_type, most)
        elif not keys.is_empty:
            ids = [profile.profile_id for profile in keys.run(domain, None)]
            listed = (_of_profile(domain, owner, object_type, most) for owner in ids)
            found = islice(chain.from_iterable(listed), most)
        else:
            found = iter(domain.objects(object_type).all(limit=most))
        output.show(
            (_row(stored) for stored in found),
            columns=[
                *shown("profile_object_unique_key", whole=True),
                Column("object.*"),
                *shown("profile_id", "object_type_name"),
            ],
            db=target.db,
            limit=limit,
            empty="no objects",
        )


def _of_profile(
    domain: Domain, profile_id: str, object_type: str, limit: int | None
) -> Iterator[StoredObject]:
    with naming_profile(domain, profile_id), naming_type(domain, object_type):
        yield from domain.profiles.objects(profile_id, object_type, limit=limit)


def _row(stored: StoredObject) -> dict[str, Any]:
    return {name: getattr(stored, name) for name in _ID_COLUMNS} | {"object": stored.data}


@app.command()
@with_target
def get(
    unique_key: _UniqueKey,
    *,
    object_type: Type,
    profile_id: _Owner,
    target: Target,
    output: Output,
) -> None:
    """Show an object of a profile."""
    with target.open() as domain:
        stored = _find(domain, profile_id, object_type, unique_key)
        output.show([_row(stored)], columns=shown(*_ID_COLUMNS), db=target.db, vertical=True)


def _find(domain: Domain, profile_id: str, object_type: str, unique_key: str) -> StoredObject:
    """Read an object; the service has no operation that reads one by its key."""
    listed = _of_profile(domain, profile_id, object_type, None)
    found = next((o for o in listed if o.profile_object_unique_key == unique_key), None)
    if found is None:
        fail(
            f"profile {profile_id} has no object of type {object_type} with this key; "
            f"`objects list --type {object_type} --profile-id {profile_id}` lists them"
        )
    return found


@app.command()
@with_target
def delete(
    unique_key: _UniqueKey,
    *,
    object_type: Type,
    profile_id: _Owner,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Delete an object of a profile. The values that it set in the profile stay."""
    with target.open() as domain:
        stored = _find(domain, profile_id, object_type, unique_key)
        if not yes:
            confirm(f"Delete this {object_type} of profile {profile_id}? It cannot be undone.")
        stored.delete()
        out.print("deleted", soft_wrap=True)


@app.command()
@with_target
def put(  # noqa: PLR0913  (the command's options)
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines, a JSON array, CSV, Parquet or a workbook; - reads standard input."
        ),
    ],
    *,
    object_type: Type,
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
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    target: Target,
) -> None:
    """Put objects from a file into a domain: ten with a request, with --db hundreds at once.

    Each line or element of JSON is an object. Each row of another file is an object whose members
    are the columns; empty cells are omitted. Rejected lines go to a rejects file with their number
    and the reason.
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
    options = {"delimiter": delimiter, "encoding": encoding, "sheet": sheet}
    with errors_as_messages(), opened(file, **options) as table:
        done = progress_file.read() if progress_file and not restart else None
        used = [path for path in (file, target.db, progress_file and progress_file.path) if path]
        rejects_file.check(used, keep=done.rejects_size if done else 0)
        if done:
            err.print(f"continuing after line {done.line}; --restart starts from the first line")
        first = done.line if done else 0
        lines = lines_of(table)
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
        done = f"all lines up to {run.line} are processed{again}" if run.line else "nothing was put"
        err.print(done)
        raise typer.Exit(USAGE if problem is not None else INTERRUPTED)
    if run.rejected:
        raise typer.Exit(1)

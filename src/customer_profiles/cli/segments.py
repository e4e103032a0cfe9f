"""`customer-profiles segments`: list, explain, create, count, use and delete segments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, cast

import typer
from rich.markup import escape

from customer_profiles import (
    BatchError,
    JobFailedError,
    Profile,
    ResourceNotFoundError,
    Segment,
    where,
)
from customer_profiles.conditions import explain

from .conditions import (
    Where,
    WhereAny,
    condition_of,
    field_of,
    mask_literals,
    masked,
    masked_groups,
)
from .console import confirm, err, fail, out
from .definitions import naming, read_definition, read_wire, warnings_as_remarks
from .output import Limit, Output, members_of, shown
from .profiles import COLUMNS as PROFILE_COLUMNS
from .target import Target, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from customer_profiles import Domain

app: typer.Typer = typer.Typer(
    help="Segments: audiences by conditions on profiles.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The segment's name.")]
_COLUMNS = shown("segment_definition_name", whole=True) + shown(
    *("display_name", "segment_type", "created_at", "description"),
)
_MEMBERS = [*shown("profile_id", whole=True), *shown("is_member"), *PROFILE_COLUMNS[1:]]
_PART = 1
_FORMATS = ("csv", "jsonl", "orc")


@app.command(name="list")
@with_target
def list_(*, limit: Limit = None, target: Target, output: Output) -> None:
    """List the segments of a domain."""
    with target.open() as domain:
        output.show(
            domain.segments.all(limit=output.limit(limit)),
            columns=_COLUMNS,
            model=Segment,
            limit=limit,
            private=False,
            empty="no segments; `segments create` creates one",
        )


@app.command()
@with_target
def show(name: Name, *, target: Target, output: Output) -> None:
    """Explain a segment in words; as JSON, also show its definition.

    Values that are compared with those of profiles are masked unless they are revealed.
    """
    with target.open() as domain, _naming(domain, name), warnings_as_remarks():
        segment = domain.segments.get(name)
        row = _row(segment, reveal=output.reveals(target.db))
        if output.format == "table":
            row.pop("segment_groups", None)
        output.show([row], private=False, vertical=True)


def _row(segment: Segment, *, reveal: bool) -> dict[str, Any]:
    """Return the members of a segment with its condition in words."""
    row = members_of(segment, reveal=True)
    if not reveal and segment.segment_sql_query is not None:
        row["segment_sql_query"] = mask_literals(segment.segment_sql_query)
    if (condition := segment.condition) is not None:
        row["condition"] = explain(condition if reveal else masked(condition))
        row["segment_groups"] = (
            segment.segment_groups if reveal else masked_groups(segment.segment_groups)
        )
    return row


@app.command()
@with_target
def create(  # noqa: PLR0913  (the command's options)
    name: Name,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A JSON file in the format of AWS; `-` is standard input.", show_default=False
        ),
    ] = None,
    *,
    texts: Where = None,
    any_of: WhereAny = False,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="All profiles are members.")
    ] = False,
    display_name: Annotated[
        str | None, typer.Option(help="The name that people see. Default: the name.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What the segment is for.")] = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD[:desc]",
            help="What snapshots are sorted by, such as 'last_name' or 'calculated.spend:desc'; "
            "may be repeated.",
        ),
    ] = None,
    target: Target,
) -> None:
    """Create a segment by conditions, or from a JSON file in the format of AWS.

    The file has a request of CreateSegmentDefinition, an answer of GetSegmentDefinition, or the
    groups alone. A segment cannot be changed later.
    """
    if sum((file is not None, bool(texts), everybody)) != 1:
        fail("give conditions (--where), --everybody or a file")
    options: dict[str, Any] = {
        "display_name": display_name,
        "description": description,
        "sort": [_sort_key(text) for text in sort or ()] or None,
    }
    settings = {field: value for field, value in options.items() if value is not None}
    if file is not None:
        settings = _in_file(file) | settings
    elif texts:
        settings["condition"] = condition_of(texts, any_of=any_of)
    else:
        settings["condition"] = where.everybody
    with target.open() as domain, warnings_as_remarks():
        domain.segments.create(name, settings.pop("condition", None), **settings)
        out.print(f"created segment {escape(name)}", soft_wrap=True, highlight=False)


def _in_file(file: Path) -> dict[str, Any]:
    """Return the settings of a segment in a file."""
    wire = read_wire(file)
    if "Groups" in wire or "SegmentQuery" in wire:
        return {"condition": wire.get("SegmentQuery", wire)}
    segment = read_definition(file, Segment, wire)
    found = {
        "condition": segment.segment_groups,
        "sql": segment.segment_sql_query,
        "display_name": segment.display_name,
        "description": segment.description,
        "sort": segment.segment_sort,
        "tags": segment.tags or None,
    }
    return {field: value for field, value in found.items() if value is not None}


def _sort_key(text: str) -> Any:
    name, _, order = text.rpartition(":")
    if order not in ("asc", "desc") or not name:
        name, order = text, "asc"
    field = field_of(name, "--sort")
    return field.descending() if order == "desc" else field.ascending()


@app.command()
@with_target
def estimate(
    name: Annotated[
        str | None, typer.Argument(help="The segment's name.", show_default=False)
    ] = None,
    *,
    texts: Where = None,
    any_of: WhereAny = False,
    target: Target,
    output: Output,
) -> None:
    """Count the profiles of a segment, or of conditions that are not stored.

    Exit code: 0 counted, 1 the service failed to, 2 an error.
    """
    if bool(name) == bool(texts):
        fail("give the name of a segment, or conditions (--where)")
    with target.open() as domain:
        if name:
            with _naming(domain, name):
                started = domain.segments.estimate(name)
        else:
            started = domain.segments.estimate(condition_of(texts or (), any_of=any_of))
        try:
            with err.status("counting"):
                found = started.wait()
        except JobFailedError as error:
            _fail_softly(error)
        if output.format == "table":
            out.print(f"{found.count:,} profiles", highlight=False)
        else:
            output.show([{"estimate_id": found.estimate_id, "count": found.count}], private=False)


def _fail_softly(error: JobFailedError) -> NoReturn:
    """End the command because the service failed to do what it was asked for."""
    err.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
    raise typer.Exit(_PART)


@app.command()
@with_target
def members(
    name: Name,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROFILE_ID]...", help="Ids of profiles.", show_default=False),
    ] = None,
    *,
    limit: Limit = None,
    target: Target,
    output: Output,
) -> None:
    """Show which profiles are members of a segment; without ids, list all its members.

    AWS does not list members: `segments snapshot` exports them to S3 there.

    Exit code: 0 done, 1 some ids do not exist, 2 an error.
    """
    if not ids and target.db is None:
        fail(
            "only an embedded domain (--db) lists the members of a segment; give ids of profiles, "
            "or export the members to S3 with `segments snapshot`"
        )
    missing: list[str] = []
    with target.open() as domain, _naming(domain, name):
        rows = _members(domain, name, ids, missing) if ids else None
        output.show(
            domain.segments.profiles(name, limit=output.limit(limit)) if rows is None else rows,
            columns=PROFILE_COLUMNS if rows is None else _MEMBERS,
            db=target.db,
            model=Profile if rows is None else None,
            limit=limit,
            empty="the segment has no members" if rows is None else "none of them exists",
        )
    for profile_id in missing:
        err.print(
            f"the domain has no profile {escape(profile_id)}; `profiles search` finds ids",
            soft_wrap=True,
            highlight=False,
        )
    if missing:
        raise typer.Exit(_PART)


def _members(domain: Domain, name: str, ids: list[str], missing: list[str]) -> list[dict[str, Any]]:
    """Return a row for each profile, and note the ids of those that do not exist."""
    try:
        present = domain.segments.members(name, ids).present
    except BatchError as error:
        for profile_id, failure in error.failed.items():
            if not isinstance(failure, ResourceNotFoundError):
                raise failure from error
            missing.append(str(profile_id))
        present = tuple(error.succeeded)
    found = {profile.profile_id: profile for profile in present}
    return [
        {
            "profile_id": profile_id,
            "is_member": profile_id in found,
            **(members_of(found[profile_id], reveal=True) if profile_id in found else {}),
        }
        for profile_id in dict.fromkeys(ids)
        if profile_id not in missing
    ]


@app.command()
@with_target
def snapshot(  # noqa: PLR0913  (the command's options)
    name: Name,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="s3://BUCKET/PREFIX",
            help="The folder; one of its own for each snapshot.",
        ),
    ],
    role_arn: Annotated[
        str,
        typer.Option(
            help="The ARN of the role with which AWS writes; the embedded engine does not use it."
        ),
    ],
    data_format: Annotated[
        str, typer.Option("--format", metavar="csv|jsonl|orc", help="The format of the files.")
    ] = "csv",
    encryption_key: Annotated[
        str | None, typer.Option(help="The ARN of the KMS key that encrypts the files.")
    ] = None,
    read: Annotated[
        bool, typer.Option("--read", help="Print the profiles that were written.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the files are written.")
    ] = True,
    limit: Limit = None,
    target: Target,
    output: Output,
) -> None:
    """Export the members of a segment to S3.

    Exit code: 0 exported (or begun, with --no-wait), 1 the service failed to, 2 an error.
    """
    if data_format.lower() not in _FORMATS:
        fail(f"--format is one of {', '.join(_FORMATS)}, not {data_format}")
    if read and not wait:
        fail("--read needs to wait; leave out --no-wait")
    chosen = cast("Literal['CSV', 'JSONL', 'ORC']", data_format.upper())
    with target.open() as domain, _naming(domain, name):
        started = domain.segments.snapshot(
            name, to, role_arn=role_arn, data_format=chosen, encryption_key=encryption_key
        )
        if not wait:
            out.print(f"snapshot {started.snapshot_id} was begun", highlight=False)
            return
        try:
            with err.status("exporting"):
                started.wait()
        except JobFailedError as error:
            _fail_softly(error)
        if not read:
            out.print(
                f"exported segment {escape(name)} to {escape(started.destination_uri or to)}",
                soft_wrap=True,
                highlight=False,
            )
            return
        output.show(
            started.read(),
            columns=PROFILE_COLUMNS,
            db=target.db,
            model=Profile,
            limit=limit,
            empty="the segment has no members",
        )


@app.command()
@with_target
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Delete a segment. Its profiles stay."""
    with target.open() as domain, _naming(domain, name):
        segment = domain.segments.get(name)
        if not yes:
            confirm(f"Delete segment {name} of {target.domain}?")
        segment.delete()
        out.print(f"deleted segment {escape(name)}", soft_wrap=True, highlight=False)


def _naming(domain: Domain, name: str) -> AbstractContextManager[None]:
    def names() -> Iterator[str]:
        return (item.segment_definition_name for item in domain.segments.all())

    return naming("segment", name, names)

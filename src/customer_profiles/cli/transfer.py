"""`customer-profiles export` and `import`: move a whole domain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from customer_profiles import ResourceNotFoundError, TransferError

from .completion import domain_names
from .console import err, fail, out, reading
from .target import Connection, check_domain, with_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PART = 1


@with_target
def export(  # noqa: PLR0913  (the command's options)
    name: Annotated[
        str,
        typer.Argument(
            metavar="DOMAIN", help="The domain.", autocompletion=domain_names, show_default=False
        ),
    ],
    *,
    to: Annotated[
        Path, typer.Option("--to", help="A folder that is new or empty, or has this export.")
    ],
    part_format: Annotated[
        str, typer.Option("--format", metavar="jsonl|parquet", help="The format of the parts.")
    ] = "jsonl",
    ids: Annotated[
        Path | None,
        typer.Option(
            help="A file with the ids of the profiles to export, one a line; `-` is standard "
            "input. Default: all profiles."
        ),
    ] = None,
    snapshot: Annotated[
        str | None,
        typer.Option(
            metavar="s3://BUCKET/PREFIX",
            help="On AWS, which lists no profiles: the address at which a snapshot of all profiles "
            "is made, read and removed.",
        ),
    ] = None,
    role_arn: Annotated[
        str | None, typer.Option(help="The ARN of the role with which AWS writes the snapshot.")
    ] = None,
    connection: Connection,
) -> None:
    """Export a domain with all that is in it into a folder.

    After an interruption, give the same command again: it continues. The files hold personal data
    in the clear, and can be read by their owner only.

    Exit code: 0 all is exported, 1 some profiles are not, 2 an error.
    """
    if part_format not in ("jsonl", "parquet"):
        fail(f"--format is jsonl or parquet, not {part_format}")
    chosen: Literal["jsonl", "parquet"] = "parquet" if part_format == "parquet" else "jsonl"
    with connection.connect() as cp, err.status("exporting") as status:
        try:
            report = cp.domain(name).export(
                to,
                part_format=chosen,
                ids=None if ids is None else _ids_in(ids),
                snapshot=snapshot,
                role_arn=role_arn,
                on_progress=_progress(status),
            )
        except ResourceNotFoundError:
            check_domain(cp, name)
            raise
        except ModuleNotFoundError as error:
            fail(str(error))
    _print_counts("exported", report.counts)
    for text in report.not_included:
        said = text.replace("`snapshot`", "--snapshot and --role-arn")
        err.print(escape(f"not included: {said}"), soft_wrap=True, highlight=False)
    if not report.is_complete:
        raise typer.Exit(_PART)


def _ids_in(file: Path) -> Iterator[str]:
    with reading(file) as lines:
        for line in lines:
            if text := line.decode("utf-8", "replace").strip().strip('",'):
                yield text


@with_target
def import_(  # noqa: PLR0913  (the command's options)
    folder: Annotated[Path, typer.Argument(help="The folder of an export.")],
    *,
    name: Annotated[
        str | None,
        typer.Option("--as", help="The name of the new domain. Default: that of the export."),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(help="A CSV file to write the former and new ids of the profiles to."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="A folder for the state of the import, if FOLDER is read-only."),
    ] = None,
    encryption_key: Annotated[
        str | None,
        typer.Option(help="The ARN of the KMS key of the domain, instead of that of the export."),
    ] = None,
    dead_letter_queue_url: Annotated[
        str | None,
        typer.Option(help="The URL of the SQS queue, instead of that of the export."),
    ] = None,
    event_stream_uri: Annotated[
        str | None,
        typer.Option(
            help="The ARN of the Kinesis data stream to which the event stream sends; without it, "
            "no event stream is created."
        ),
    ] = None,
    connection: Connection,
) -> None:
    """Import an export as a new domain.

    All files are checked before anything is stored, and what was stored is counted at the end.
    Profiles get new ids. After an interruption, give the same command again: it continues.

    Exit code: 0 all is imported, 1 some is not as it was, 2 an error.
    """
    chosen = {
        "default_encryption_key": encryption_key,
        "dead_letter_queue_url": dead_letter_queue_url,
    }
    settings: Any = {field: value for field, value in chosen.items() if value}
    if not folder.is_dir():  # Before the database file is created.
        fail(f"{folder} is not a folder; give the folder of an export")
    with connection.connect(create=True) as cp, err.status("importing") as status:
        try:
            report = cp.domains.import_from(
                folder,
                name,
                state=state,
                ids=ids,
                event_stream_uri=event_stream_uri,
                on_progress=_progress(status),
                **settings,
            )
        except ModuleNotFoundError as error:
            fail(str(error))
        except TransferError as error:
            fail(str(error).replace("give its folder", "give its folder by --state"))
    _print_counts(f"imported domain {report.domain_name}:", report.counts)
    for text in report.not_imported:
        said = text.replace("event_stream_uri", "--event-stream-uri")
        err.print(escape(f"not as it was: {said}"), soft_wrap=True, highlight=False)
    if not report.is_complete:
        raise typer.Exit(_PART)


def _progress(status: Any) -> Callable[[str, int], None]:
    def report(kind: str, count: int) -> None:
        status.update(f"{kind}: {count:,}")

    return report


def _print_counts(verb: str, counts: dict[str, int]) -> None:
    nouns = {kind: kind.replace("_", " ") for kind in counts}
    parts = [
        f"{count:,} {nouns[kind].removesuffix('s') if count == 1 else nouns[kind]}"
        for kind, count in counts.items()
        if count
    ]
    out.print(escape(f"{verb} {', '.join(parts) or 'nothing'}"), soft_wrap=True, highlight=False)

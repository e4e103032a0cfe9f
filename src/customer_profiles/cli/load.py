"""`customer-profiles load`: load customers from a CSV file into an embedded domain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from customer_profiles import CustomerProfiles

from .console import (
    INPUT,
    INTERRUPTED,
    check_is_no_folder,
    err,
    errors_as_messages,
    fail,
    out,
    progress,
    reading,
)
from .loading import KEYS, Rejects, Tally, load_rows
from .records import CsvFile, map_columns
from .target import get_or_create


def load(  # noqa: PLR0913  (the command's options)
    file: Annotated[Path, typer.Argument(help="The CSV file; - reads the standard input.")],
    *,
    domain: Annotated[str, typer.Option(help="The domain, created if it is missing.")],
    db: Annotated[Path, typer.Option(help="The database file, created if it is missing.")],
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Map a column to a field, such as 'Mail=email_address', 'Town=address.city' or "
            "'Tier=attributes.tier'; may be repeated. Columns that have the name of a field "
            "are mapped automatically.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=f"The field that identifies a customer ({', '.join(KEYS)}). A row whose value is "
            "stored already updates that profile, so that loading a file again creates none."
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="The file for rejected rows; default: FILE.rejects.csv beside the file."),
    ] = None,
    delimiter: Annotated[str, typer.Option(help="The delimiter of the columns.")] = ",",
    encoding: Annotated[str, typer.Option(help="The file's encoding.")] = "utf-8-sig",
) -> None:
    """Load customers from a CSV file into an embedded domain.

    Rejected rows go to a rejects file with their line number and the reason. The other rows are
    stored one by one, so that Ctrl-C loses no row that was counted.

    Exit code: 0 all rows stored, 1 some rejected, 2 an error and nothing stored,
    130 interrupted.
    """
    if key is not None and key not in KEYS:
        fail(f"--key must be one of {', '.join(KEYS)}; it was {key!r}")
    check_is_no_folder(file)
    name = Path("stdin") if file == INPUT else file
    with errors_as_messages(), reading(file) as raw:
        source = CsvFile(raw, delimiter=delimiter, encoding=encoding)
        mapping = map_columns(source.header, pairs or [])
        if key is not None and key not in mapping.columns.values():
            fail(f"--key {key}: no column is mapped to that field; map one with --map")
        rejects_file = Rejects(rejects or name.with_suffix(".rejects.csv"), mapping.header)
        rejects_file.check((file, db))
        with CustomerProfiles.embedded(db) as cp, progress() as bar:
            task = bar.add_task(name.name, total=None if file == INPUT else file.stat().st_size)
            tally = load_rows(
                source,
                mapping,
                get_or_create(cp, domain).profiles,
                rejects_file,
                key=key,
                report=lambda _: bar.update(task, completed=source.position),
            )
    if mapping.unmapped:
        err.print(f"not loaded: {escape(', '.join(mapping.unmapped))} (map them with --map)")
    _report(tally, rejects_file, domain, db)


def _report(tally: Tally, rejects_file: Rejects, domain: str, db: Path) -> None:
    out.print(
        f"{tally.created} created, {tally.updated} updated, {tally.rejected} rejected "
        f"in domain {escape(domain)} of {escape(str(db))}",
        soft_wrap=True,
    )
    if not tally.rows and not tally.interrupted:
        err.print("the file has a header but no rows: nothing was loaded")
    for line, reason in rejects_file.first:
        err.print(f"line {line}: {escape(reason)}", soft_wrap=True)
    if tally.rejected:
        err.print(f"all rejected rows: {escape(str(rejects_file.path))}", soft_wrap=True)
    if tally.interrupted:
        err.print(f"interrupted after {tally.rows} rows; these rows are stored, the others are not")
        raise typer.Exit(INTERRUPTED)
    if tally.rejected:
        raise typer.Exit(1)

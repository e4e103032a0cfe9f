"""`customer-profiles load`: a CSV file of one's own into an embedded domain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from customer_profiles import CustomerProfiles

from .console import INPUT, INTERRUPTED, err, fail, out, progress, reading, told_plainly
from .loading import KEYS, Rejects, Tally, load_rows
from .records import CsvFile, map_columns
from .target import made


def load(  # noqa: PLR0913  (the command's options)
    file: Annotated[Path, typer.Argument(help="The CSV file; - reads the standard input.")],
    *,
    domain: Annotated[str, typer.Option(help="The domain; it is created when it is missing.")],
    db: Annotated[Path, typer.Option(help="The database file; it is made when it is missing.")],
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Which column goes into which field, such as 'Mail=email_address', "
            "'Town=address.city' or 'Tier=attributes.tier'; may be repeated. Columns that "
            "are named like a field map by themselves.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=f"The field that tells whether a row is stored already ({', '.join(KEYS)}): "
            "such a row updates its profile, so that loading again makes no twins."
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where rejected rows go; default: FILE.rejects.csv beside the file."),
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What separates the columns.")] = ",",
    encoding: Annotated[str, typer.Option(help="The file's encoding.")] = "utf-8-sig",
) -> None:
    """Load customers from a CSV file into an embedded domain.

    Rows that cannot be stored go to a rejects file with their line and the reason; the others
    are stored one by one, so that Ctrl-C loses nothing that was counted.

    Exit code: 0 all rows stored, 1 some rejected, 2 nothing done (the message says why),
    130 interrupted.
    """
    if key is not None and key not in KEYS:
        fail(f"--key must be one of {', '.join(KEYS)}; it was {key!r}")
    named = Path("stdin") if file == INPUT else file
    with told_plainly(), reading(file) as raw:
        source = CsvFile(raw, delimiter=delimiter, encoding=encoding)
        mapping = map_columns(source.header, pairs or [])
        if key is not None and key not in mapping.columns.values():
            fail(f"--key {key}: no column goes into that field; name it with --map")
        aside = Rejects(rejects or named.with_suffix(".rejects.csv"), mapping.header)
        aside.check((file, db))
        with CustomerProfiles.embedded(db) as cp, progress() as bar:
            task = bar.add_task(named.name, total=_size(file))
            tally = load_rows(
                source,
                mapping,
                made(cp, domain).profiles,
                aside,
                key=key,
                report=lambda _: bar.update(task, completed=source.position),
            )
    if mapping.unmapped:
        err.print(f"not loaded: {escape(', '.join(mapping.unmapped))} (map them with --map)")
    _tell(tally, aside, domain, db)


def _size(file: Path) -> int | None:
    return None if file == INPUT else file.stat().st_size


def _tell(tally: Tally, aside: Rejects, domain: str, db: Path) -> None:
    out.print(
        f"{tally.created} created, {tally.updated} updated, {tally.rejected} rejected "
        f"in domain {escape(domain)} of {escape(str(db))}",
        soft_wrap=True,
    )
    if not tally.rows and not tally.interrupted:
        err.print("the file has a header and no rows: nothing to load")
    for line, reason in aside.first:
        err.print(f"line {line}: {escape(reason)}", soft_wrap=True)
    if tally.rejected:
        err.print(f"all rejected rows: {escape(str(aside.path))}", soft_wrap=True)
    if tally.interrupted:
        err.print(f"interrupted after {tally.rows} rows; they are stored, the rest is not")
        raise typer.Exit(INTERRUPTED)
    if tally.rejected:
        raise typer.Exit(1)

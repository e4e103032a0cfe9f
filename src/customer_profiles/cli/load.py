"""`customer-profiles load`: load customers from a file of any format into a domain."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.markup import escape

from customer_profiles import BadRequestError, InvalidInputError
from customer_profiles.files import FileError, open_table

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
from .loading import KEYS, LeftOut, Load, Rejects, Tally
from .masking import mask_text
from .records import map_columns
from .tables import print_table, shown
from .target import Target, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Profiles
    from customer_profiles.files import Table
    from customer_profiles.repositories.bulk import Key

    from .records import Mapping, Record

_MOST_SHOWN = 40
"""How many columns of a kind are listed."""
_LOOKED_UP = 10
"""How many rows are looked up to find out whether they were loaded before."""
_EXAMPLES = 200
_SEARCHES = (
    ("account_number", "account"),
    ("email_address", "email"),
    ("personal_email_address", "email"),
    ("phone_number", "phone"),
    ("mobile_phone_number", "phone"),
)
DelimiterOption = Annotated[
    str | None,
    typer.Option(help="The delimiter of delimited text, a tab is \\t; default: it is found."),
]
EncodingOption = Annotated[
    str | None, typer.Option(help="The encoding of a text file; default: it is found.")
]
SheetOption = Annotated[
    str | None,
    typer.Option(help="The sheet of a workbook; default: the first that has a table."),
]


@with_target
def load(  # noqa: PLR0913  (the command's options)
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or other delimited text, JSON lines, a JSON array, Parquet, a workbook "
            "(.xlsx, .xls, .ods) or vCards; - reads the standard input."
        ),
    ],
    *,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Map a column to a field, such as 'Mail=email_address', 'Town=address.city' or "
            "'Tier=attributes.tier'; may be repeated. Columns with the name of a field or a "
            "known meaning are mapped automatically.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=f"The field that identifies a customer ({', '.join(KEYS)}). A row whose value is "
            "stored already updates that profile, so that loading a file again creates none."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would be loaded, with masked examples, and store nothing.",
        ),
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(help="The file for rejected rows; default: FILE.rejects.csv beside the file."),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Start from the first row, although an earlier run was interrupted."
        ),
    ] = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    target: Target,
) -> None:
    """Load customers from a file into a domain, which is created if it is embedded and missing.

    Format, encoding and columns are found; --dry-run prints how, and stores nothing.

    Rejected rows go to a rejects file with their line number and the reason, values that are not
    loaded to FILE.left-out.csv.

    With --db, thousands of rows are stored in a transaction. A run that was interrupted or killed
    continues where it stopped when you run the same command again.

    Exit code: 0 all rows stored, 1 some rejected, 2 an error and nothing stored,
    130 interrupted.
    """
    if key is not None and key not in KEYS:
        fail(f"--key must be one of {', '.join(KEYS)}; it was {key!r}")
    check_is_no_folder(file)
    name = Path("stdin") if file == INPUT else file
    options = {"delimiter": delimiter, "encoding": encoding, "sheet": sheet}
    with opened(file, **options) as table:
        with errors_as_messages():
            mapping = map_columns(table.header, pairs or [])
        if key is not None and key not in mapping.used.values():
            fail(f"--key {key}: no column is mapped to that field; map one with --map")
        if dry_run:
            _try(table, mapping, name)
            return
        rejects_file = Rejects(rejects or name.with_suffix(".rejects.csv"), mapping.header)
        left = LeftOut(Rejects(name.with_suffix(".left-out.csv"), ["column", "value"]))
        with errors_as_messages():
            used = [file, *([target.db] if target.db else [])]
            rejects_file.check(used, keep=rejects_file.size)
            others = [rejects_file.path] if rejects_file.path else []
            left.file.check([*used, *others], keep=left.file.size)
        _print_mapping(table, mapping)
        records = mapping.records(table.rows())
        with target.open(create=True) as domain, progress() as bar:
            run = Load(
                domain.profiles,
                rejects_file,
                _name_of(file, key, pairs or [], options),
                left=left,
                key=cast("Key | None", key),
                in_columns=mapping.in_columns,
                report=lambda _: bar.update(task, completed=table.position),
            )
            if restart or file == INPUT:
                run.restart()
            first = list(islice(records, _LOOKED_UP))
            if run.line:
                err.print(f"continuing after {table.unit} {run.line}; --restart starts anew")
            elif key is None:
                _warn_of_twins(first, domain.profiles)
            task = bar.add_task(name.name, total=None if file == INPUT else file.stat().st_size)
            tally = run.run(_chained(first, records))
    _print_left(table, mapping, left)
    where = f"of {escape(str(target.db))}" if target.db else "on AWS"
    again = run.can_continue and file != INPUT
    where = f"domain {escape(target.domain)} {where}"
    _report(tally, rejects_file, where, table.unit, _next(target), can_continue=again)


def _name_of(file: Path, key: str | None, pairs: list[str], options: dict[str, Any]) -> str:
    """Return what identifies a load: the file as it is now, and how it is read."""
    if file == INPUT:
        return "standard input"
    stat = file.stat()
    parts = [file.name, stat.st_size, stat.st_mtime_ns, key, pairs, options]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@contextmanager
def opened(file: Path, **options: Any) -> Iterator[Table]:
    """Open a file as a table, or end the command with the reason why it cannot be read."""
    delimiter = options.get("delimiter")
    if delimiter is not None:
        options["delimiter"] = checked_delimiter(delimiter)
    name = "" if file == INPUT else file.name
    with reading(file) as raw:
        try:
            table = open_table(raw, name, **options)
        except FileError as error:
            fail(f"{name or 'the standard input'} cannot be read: {error}")
        yield table


def checked_delimiter(text: str) -> str:
    """Return the delimiter of delimited text, or end the command."""
    delimiter = {"\\t": "\t"}.get(text, text)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        fail("--delimiter must be one ASCII character, such as ; or \\t")
    return delimiter


def _chained(first: list[Record], rest: Iterator[Record]) -> Iterator[Record]:
    yield from first
    yield from rest


def _warn_of_twins(records: list[Record], profiles: Profiles) -> None:
    """Warn if the first rows are stored already: without a key they are created again."""
    stored = looked_up = 0
    for record in records:
        keys = [
            (search, dict(record.fields)[name])
            for name, search in _SEARCHES
            if name in record.fields
        ][:1]
        if record.problem or not keys:
            continue
        looked_up += 1
        search: Any = dict(keys)
        try:
            stored += profiles.search(**search).first() is not None
        except (InvalidInputError, BadRequestError):
            # The row's own request says more about it.
            continue
    if stored:
        err.print(
            f"[yellow]warning:[/] {stored} of the first {looked_up} rows are stored already; "
            "without --key each row creates a profile again, so that customers are stored twice. "
            "--key email_address (or account_number, phone_number) updates them instead",
            soft_wrap=True,
        )


def _print_mapping(table: Table, mapping: Mapping, *, is_dry: bool = False) -> None:
    """Print what was found, and which columns are loaded as what."""
    err.print(f"found: {escape(table.found)}", soft_wrap=True)
    for remark in table.remarks:
        err.print(escape(remark), soft_wrap=True)
    # Others may come while the rows are read.
    table.remarks.clear()
    by_field: dict[str, list[str]] = {}
    for column, name in mapping.used.items():
        label = mapping.plan.labels.get(column)
        by_field.setdefault(name, []).append(f"{column} (kind: {label})" if label else column)
    found = [f"{name} from {', '.join(columns)}" for name, columns in by_field.items()]
    err.print(f"loaded: {escape('; '.join(_listed(found)))}", soft_wrap=True)
    if mapping.unmapped and not is_dry:
        names = ", ".join(_listed(mapping.unmapped))
        err.print(f"not loaded: {escape(names)} (map them with --map)", soft_wrap=True)


def _listed(names: list[str]) -> list[str]:
    more = len(names) - _MOST_SHOWN
    return [*names[:_MOST_SHOWN], f"and {more:,} more"] if more > 0 else names


def _try(table: Table, mapping: Mapping, name: Path) -> None:
    """Print what would be loaded, and store nothing."""
    _print_mapping(table, mapping, is_dry=True)
    examples: dict[str, str] = {}
    left = LeftOut(Rejects(None, []))
    rejected: dict[str, tuple[int, int]] = {}
    good = 0
    with errors_as_messages():
        for number, record in enumerate(mapping.records(table.rows())):
            if record.problem:
                count, line = rejected.get(record.problem, (0, record.line))
                rejected[record.problem] = count + 1, line
                continue
            good += 1
            left.add(record.line, record.left)
            if number < _EXAMPLES:
                for field, value in _flat(dict(record.fields)):
                    examples.setdefault(field, mask_text(value, field))
    used = list(mapping.used.items())
    rows = [
        {"column": column, "field": field, "example": examples.get(field, "")}
        for column, field in used[:_MOST_SHOWN]
    ]
    print_table(rows, shown("column", "field", "example"))
    if len(used) > _MOST_SHOWN:
        out.print(f"and {len(used) - _MOST_SHOWN:,} more columns")
    _print_left(table, mapping, left, is_dry=True)
    for reason, (count, line) in list(rejected.items())[:_MOST_SHOWN]:
        err.print(
            f"{count} rejected, first on {table.unit} {line}: {escape(reason)}", soft_wrap=True
        )
    bad = sum(count for count, _ in rejected.values())
    out.print(
        f"{good} rows of {escape(name.name)} would be loaded, {bad} rejected; nothing was stored",
        soft_wrap=True,
    )


def _flat(fields: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", str(value)


def _print_left(table: Table, mapping: Mapping, left: LeftOut, *, is_dry: bool = False) -> None:
    """Print what was not loaded, and why, and what was found while the rows were read."""
    for remark in table.remarks:
        err.print(escape(remark), soft_wrap=True)
    table.remarks.clear()
    if is_dry:
        by_reason: dict[str, list[str]] = {}
        for column in mapping.unmapped:
            empty = "" if column in mapping.seen else "it is empty"
            by_reason.setdefault(empty or mapping.reason(column), []).append(column)
        for reason, columns in by_reason.items():
            names = ", ".join(_listed(columns))
            err.print(f"not loaded, as {escape(reason)}: {escape(names)}", soft_wrap=True)
    for (column, reason), count in list(left.counts.items())[:_MOST_SHOWN]:
        values = "1 value" if count == 1 else f"{count:,} values"
        first = f"{table.unit} {left.lines[column, reason]}"
        err.print(
            f"not loaded: {values} of {escape(repr(column))}, first on {first}: {escape(reason)}",
            soft_wrap=True,
        )
    if left.counts and left.file.path is not None:
        err.print(f"all values that were not loaded: {escape(str(left.file.path))}", soft_wrap=True)


def _next(target: Target) -> str:
    """Return the command that finds the duplicates of what was loaded, on an embedded engine."""
    if target.db is None:
        return ""
    return f"customer-profiles matches run --domain {target.domain} --db {target.db} --reveal"


def _report(  # noqa: PLR0913  (what it prints)
    tally: Tally,
    rejects_file: Rejects,
    where: str,
    unit: str,
    following: str,
    *,
    can_continue: bool,
) -> None:
    out.print(
        f"{tally.created} created, {tally.updated} updated, {tally.rejected} rejected in {where}",
        soft_wrap=True,
    )
    if tally.created and following and not tally.interrupted:
        err.print(f"duplicates among them: {escape(following)}", soft_wrap=True)
    if not tally.rows and not tally.interrupted:
        err.print("the file has a header but no rows: nothing was loaded")
    for line, reason in rejects_file.first:
        err.print(f"{unit} {line}: {escape(reason)}", soft_wrap=True)
    if tally.rejected:
        err.print(f"all rejected rows: {escape(str(rejects_file.path))}", soft_wrap=True)
    if tally.interrupted:
        again = "; the same command continues from there" if can_continue else ""
        stored = f"interrupted after {tally.rows} rows; these rows are stored, the others are not"
        err.print(f"{stored}{again}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED)
    if tally.rejected:
        raise typer.Exit(1)

"""`customer-profiles dedupe`: find the duplicates of a file of any format."""

from __future__ import annotations

import csv
import time
import warnings
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from customer_profiles._hints.extras import install

from .console import draw, err, fail, out
from .load import DelimiterOption, EncodingOption, SheetOption, checked_delimiter, opened
from .spreadsheets import FORMULA

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from customer_profiles.files import Row
    from customer_profiles.files import Table as FileTable
    from customer_profiles.identity import ColumnUse, Labels, Resolution

_GROUP, _CONFIDENCE = "match_group", "match_confidence"
_MOST_SHOWN = 50
_BATCH = 20_000
_WRITTEN = frozenset({".csv", ".tsv", ".txt", ".parquet", ".pq"})
# Kinds whose values many people share: alone they identify nobody.
_SHARED = {"middle_name", "gender", "city", "state", "postal_code", "country", "text", "ignored"}

# What `label` takes, too.
FileArgument = Annotated[
    Path,
    typer.Argument(
        help="A file with a header: CSV or other delimited text, JSON lines, Parquet, a workbook."
    ),
]
SourceOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column of the rows' sources.")
]
LinkOnlyOption = Annotated[
    bool, typer.Option("--link-only", help="Link rows of different sources only.")
]
UniqueSourcesOption = Annotated[
    bool, typer.Option("--unique-sources", help="No source has duplicates of its own.")
]


def dedupe(  # noqa: PLR0913  (the command's options)
    file: FileArgument,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write; default: FILE.matches beside the file."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=1,
            help="The minimum probability at which two rows are linked; default: 0.95.",
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=0.9999,
            help="In place of --threshold, the expected share of linked pairs that are right.",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=KIND",
            help="The kind of a column that is recognised wrongly or not at all, such as "
            "c=given_name.",
        ),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option("--id", help="The column that holds the ids of the rows; it is not compared."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels of `customer-profiles label`, which are learned and obeyed."),
    ] = None,
    source: SourceOption = None,
    link_only: LinkOnlyOption = False,
    unique_sources: UniqueSourcesOption = False,
    explain: Annotated[
        int,
        typer.Option(
            min=0, help="Explain this many groups, those with the lowest confidence first."
        ),
    ] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw a chart of scores and thresholds into this file.")
    ] = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing output file.")
    ] = False,
) -> None:
    """Find the rows of a file that describe the same person, without training or rules.

    The output is the file with two more columns: the number of the row's group and the group's
    confidence; both are empty in rows without a duplicate. The kind of each column is recognised
    by its name, such as FirstName, Nachname, BirthDate, e-mail, PhoneNumber, Address1, City or
    PLZ, else by its values. What each column was taken and used for, and why, is printed on
    standard error. So is what makes the result doubtful, such as too few duplicates to learn from,
    with the remedy.

    Exit code: 0 done, 2 an error.
    """
    if file.is_dir():
        fail(f"{file} is a folder; give a file")
    ending = file.suffix if file.suffix.lower() in _WRITTEN else ".csv"
    target = output or file.with_name(f"{file.stem}.matches{ending}")
    if target.exists() and not force:
        fail(f"{target} exists already; --force replaces it, --output names another file")
    if plot is not None and find_spec("matplotlib") is None:
        fail(f"--plot needs matplotlib: {install('plots')}")
    began = time.perf_counter()
    table = read_table(file, delimiter, encoding, sheet)
    if taken := {_GROUP, _CONFIDENCE} & set(table.column_names):
        fail(f"{file} has the column {min(taken)} already; is it an output of `dedupe`?")
    chosen_kinds = dict(parse_kind(option) for option in kind or ())
    if threshold is not None and precision is not None:
        fail("give --threshold or --precision, not both: the precision chooses the threshold")
    options: dict[str, Any] = {
        "threshold": threshold,
        "precision": precision,
        "labels": read_labels(labels) if labels else (),
        **source_options(source, link_only=link_only, unique_sources=unique_sources),
    }
    resolution = resolved(file, table, chosen_kinds, id_column, **options)
    _print_columns(resolution.columns)
    _print_verdict(resolution)
    tab = "\t" if target.suffix.lower() == ".tsv" else ","
    mark = checked_delimiter(delimiter) if delimiter is not None else tab
    _write(_with_groups(table, resolution), target, mark)
    rows = sum(len(group.ids) for group in resolution.groups)
    out.print(
        f"{table.num_rows:,} rows, {len(resolution.groups):,} groups of {rows:,} rows, "
        f"{rows - len(resolution.groups):,} duplicate rows "
        f"({time.perf_counter() - began:.1f} s)",
        soft_wrap=True,
    )
    out.print(f"written to {escape(str(target))}", soft_wrap=True)
    for group in sorted(resolution.groups, key=lambda group: group.confidence)[:explain]:
        explanation = resolution.explain(group.ids[0], group.ids[1])
        out.print(f"{explanation.left} and {explanation.right}", soft_wrap=True)
        out.print(explanation)
    if plot is not None:
        draw(resolution.plot, plot)


def parse_kind(text: str) -> tuple[str, str]:
    """Return the column and the kind of an option, or end the command."""
    column, sign, kind = text.rpartition("=")
    if not sign:
        fail(f"--kind is COLUMN=KIND, such as vorname=given_name, not {text}")
    return column, kind


def _identify_nobody(columns: Mapping[str, ColumnUse]) -> bool:
    """Return whether columns tell no people apart, or are named by values for want of a header."""
    from customer_profiles.identity.preparing.classifying import seems_a_record

    return {use.kind for use in columns.values()} <= _SHARED or seems_a_record(columns)


def _print_verdict(resolution: Resolution) -> None:
    """Print the threshold that a precision chose, and what is doubtful or worth knowing."""
    if resolution.precision is not None:
        (found,) = resolution.expected([]).thresholds
        err.print(
            f"threshold {found.threshold:.4g}: expected precision {found.precision}, "
            f"recall {found.recall}",
            soft_wrap=True,
        )
    verdict = resolution.verdict
    if not verdict:
        err.print(f"[yellow]the result is {verdict.level}:[/]")
    for reason in verdict.reasons:
        if (reason.kind, reason.level) == ("columns_say_nothing", "reliable"):
            # The table of the columns says so already.
            continue
        err.print(escape(str(reason)), soft_wrap=True)


def _print_columns(columns: Mapping[str, ColumnUse]) -> None:
    """Print what each column was taken for, how it was used, and why."""
    table = Table(box=None, pad_edge=False)
    for title in ("column", "taken for", "use", "why"):
        table.add_column(title, overflow="fold")
    for name, use in list(columns.items())[:_MOST_SHOWN]:
        table.add_row(escape(name), use.kind, use.role, escape(use.reason))
    err.print(table)
    if len(columns) > _MOST_SHOWN:
        err.print(f"and {len(columns) - _MOST_SHOWN} more columns", soft_wrap=True)
    err.print("--kind COLUMN=KIND corrects what a column is taken for", soft_wrap=True)


def source_options(source: str | None, *, link_only: bool, unique_sources: bool) -> dict[str, Any]:
    """Return the options of sources as `resolve` has them."""
    link = "link_only" if link_only else "link_and_dedupe"
    return {"source": source, "link": link, "unique_sources": unique_sources}


def resolved(
    file: Path, table: pa.Table, kinds: dict[str, Any], id_column: str | None, **options: Any
) -> Resolution:
    """Resolve the rows of a file's table, or end the command."""
    from customer_profiles.identity import resolve

    try:
        with err.status("comparing rows"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            resolution = resolve(table, kinds=kinds, id_column=id_column, **options)
    except (ModuleNotFoundError, TypeError, ValueError) as error:
        fail(str(error))
    if _identify_nobody(resolution.columns) and set(kinds.values()) <= {"ignored"}:
        # A file without a header has values instead of names, so the message shows none.
        fail(
            f"none of the {len(table.column_names)} columns of {file} is recognised; "
            "is the first row a header? Name the kinds with --kind COLUMN=KIND, such as "
            "--kind vorname=given_name"
        )
    for warning in caught:
        err.print(f"[yellow]warning:[/] {escape(str(warning.message))}", soft_wrap=True)
    return resolution


def read_labels(file: Path) -> Labels:
    """Read a file of labels, or end the command."""
    from customer_profiles.identity import Labels

    try:
        return Labels.read(file)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror or error}")
    except (ValueError, csv.Error) as error:
        fail(str(error))


def read_table(
    file: Path, delimiter: str | None, encoding: str | None, sheet: str | None = None
) -> pa.Table:
    """Read a file of any format, or end the command."""
    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        fail(f"matching needs pyarrow: {install('identity')}")
    if file.suffix.lower() in {".parquet", ".pq"}:
        try:
            from pyarrow import parquet

            return parquet.read_table(file)
        except OSError as error:
            fail(f"{file} cannot be read: {error.strerror or error}")
        except pa.ArrowInvalid as error:
            # Arrow's message may quote a row: personal data must not be printed.
            fail(f"{file} cannot be read: {str(error).partition(': ')[0]}")
    with opened(file, delimiter=delimiter, encoding=encoding, sheet=sheet) as table:
        found = _arrow(file, table)
        for remark in (f"found: {table.found}", *table.remarks):
            err.print(escape(remark), soft_wrap=True)
        return found


def _arrow(file: Path, table: FileTable) -> pa.Table:
    """Return the rows of a table, batch by batch, as columns of text; empty cells are null."""
    import pyarrow as pa

    header = table.header
    if len(header) < 2:  # noqa: PLR2004  (columns)
        fail(f"{file} has no header of several different columns; check --delimiter")
    schema = pa.schema([(name, pa.string()) for name in header])
    batches: list[pa.RecordBatch] = []
    invalid: list[tuple[int, str]] = []
    rows = (row for row in table.rows() if _is_valid(row, len(header), invalid))
    while batch := [row.cells for row in islice(rows, _BATCH)]:
        columns = [
            pa.array([cell or None for cell in column], pa.string())
            for column in zip(*batch, strict=True)
        ]
        batches.append(pa.record_batch(columns, schema))
    if invalid:
        line, reason = invalid[0]
        fail(
            f"{file}: {len(invalid)} rows cannot be read, the first of them on {table.unit} "
            f"{line}: {reason}; nothing was written"
        )
    return pa.Table.from_batches(batches, schema)


def _is_valid(row: Row, width: int, invalid: list[tuple[int, str]]) -> bool:
    problem = row.problem
    if not problem and row.extra:
        problem = f"the row has {width + len(row.extra)} columns, the header has {width}"
    if problem:
        invalid.append((row.line, problem))
    return not problem


def _with_groups(table: pa.Table, resolution: Resolution) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    label = resolution.labels
    sizes = np.bincount(label, minlength=len(label))
    several = sizes[label] > 1
    _, numbers = np.unique(label[several], return_inverse=True)
    group = np.zeros(len(label), np.int64)
    group[several] = numbers + 1
    confidence = resolution.confidence
    return table.append_column(_GROUP, pa.array(group, mask=~several)).append_column(
        _CONFIDENCE, pa.array(np.round(confidence, 4), mask=~several)
    )


def _write(table: pa.Table, target: Path, delimiter: str) -> None:
    """Write to a temporary file and rename it, so that the target is never incomplete."""
    from pyarrow import csv as arrow
    from pyarrow import parquet

    part = target.with_name(f"{target.name}.part")
    try:
        if target.suffix.lower() in {".parquet", ".pq"}:
            parquet.write_table(table, part)
        else:
            options = arrow.WriteOptions(delimiter=delimiter, quoting_style="needed")
            arrow.write_csv(_guarded(table), part, options)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        fail(f"{target} cannot be written: {error.strerror or error}")


def _guarded(table: pa.Table) -> pa.Table:
    """Return the table with a quote before each cell that a spreadsheet would run."""
    import pyarrow as pa

    from customer_profiles.identity.preparing.normalize import pc

    for index, name in enumerate(table.column_names):
        column = table.column(index)
        if pa.types.is_string(column.type):
            is_formula = pc.match_substring_regex(column, FORMULA)
            quoted = pc.binary_join_element_wise("'", column, "")
            table = table.set_column(index, name, pc.if_else(is_formula, quoted, column))
    return table

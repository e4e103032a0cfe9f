"""`customer-profiles dedupe`: the duplicates of a file, for people who have just a file."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .console import err, fail, out

if TYPE_CHECKING:
    import pyarrow as pa

    from customer_profiles.identity import Resolution

_GROUP, _CONFIDENCE = "match_group", "match_confidence"
# Kinds that many people have in common: alone they tell nobody from anybody.
_SHARED = {"middle_name", "gender", "city", "state", "postal_code", "country", "text", "ignored"}


def dedupe(  # noqa: PLR0913  (the command's options)
    file: Annotated[Path, typer.Argument(help="A CSV file with a header, or a Parquet file.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where the result goes; default: FILE.matches beside it."
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.5, max=1, help="The least probability that joins two rows.")
    ] = 0.95,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=KIND",
            help="What a column holds whose name does not tell, such as vorname=given_name.",
        ),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", help="The column of the rows' ids, which is not compared.")
    ] = None,
    explain: Annotated[
        int, typer.Option(min=0, help="Explain so many of the groups, the least sure first.")
    ] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw scores and thresholds into this file.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What separates the columns of CSV.")] = ",",
    encoding: Annotated[
        str, typer.Option(help="The file's encoding; the output is UTF-8.")
    ] = "utf-8-sig",
    force: Annotated[bool, typer.Option("--force", help="Replace the output.")] = False,
) -> None:
    """Find the rows of a file that are one person's, without training or rules.

    The output is the file with two more columns: the number of the row's group and how sure that
    group is; both are empty in rows that are alone. What columns hold is told by their names, such
    as FirstName, Nachname, BirthDate, e-mail, PhoneNumber, Address1, City, PLZ, else by their
    values; what each was taken for is said on the standard error.

    Exit code: 0 done, 2 an error.
    """
    if file.is_dir():
        fail(f"{file} is a folder; give a CSV or Parquet file")
    target = output or file.with_name(f"{file.stem}.matches{file.suffix}")
    if target.exists() and not force:
        fail(f"{target} is there already; --force replaces it, --output names another file")
    began = time.perf_counter()
    delimiter = {"\\t": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        fail("--delimiter is one plain character, such as ; or \\t")
    table = _read(file, delimiter, encoding)
    if taken := {_GROUP, _CONFIDENCE} & set(table.column_names):
        fail(f"{file} has the column {min(taken)} already; is it a result of `dedupe`?")
    given = dict(_kind(one) for one in kind or ())
    kinds = _kinds_of(table, given, id_column)
    if set(kinds.values()) <= _SHARED and set(given.values()) <= {"ignored"}:
        # A file without a header has values where names should be, so they are not shown.
        fail(
            f"nothing tells what the {len(kinds)} columns of {file} hold; is the first row a "
            "header? --kind COLUMN=KIND says it, such as --kind vorname=given_name"
        )
    resolution = _resolved(table, given, id_column, threshold)
    _tell({**kinds, **resolution.model.kinds})
    _write(_with_groups(table, resolution), target, delimiter)
    rows = sum(len(group.ids) for group in resolution.groups)
    out.print(
        f"{table.num_rows:,} rows, {len(resolution.groups):,} groups of {rows:,} rows, "
        f"{rows - len(resolution.groups):,} rows too many "
        f"({time.perf_counter() - began:.1f} s)",
        soft_wrap=True,
    )
    out.print(f"written to {escape(str(target))}", soft_wrap=True)
    for group in sorted(resolution.groups, key=lambda one: one.confidence)[:explain]:
        explanation = resolution.explain(group.ids[0], group.ids[1])
        out.print(f"{explanation.left} and {explanation.right}", soft_wrap=True)
        out.print(explanation)
    if plot is not None:
        _draw(resolution, plot)


def _kind(text: str) -> tuple[str, str]:
    column, sign, kind = text.rpartition("=")
    if not sign:
        fail(f"--kind is COLUMN=KIND, such as vorname=given_name, not {text}")
    return column, kind


def _kinds_of(table: pa.Table, given: dict[str, str], id_column: str | None) -> dict[str, str]:
    from customer_profiles.identity.columns.kinds import kind_of

    names = [name for name in table.column_names if name != id_column]
    return {name: given.get(name) or kind_of(name) for name in names}


def _tell(kinds: dict[str, str]) -> None:
    """Say what columns were taken for."""
    known = [f"{name} is {kind}" for name, kind in kinds.items() if kind not in {"text", "ignored"}]
    if known:
        err.print(escape(", ".join(known)), soft_wrap=True)
    for kind, what in (("text", "compared as plain text"), ("ignored", "not compared")):
        if names := [name for name, one in kinds.items() if one == kind]:
            err.print(
                f"{what}: {escape(', '.join(names))}; --kind COLUMN=KIND says what a column holds",
                soft_wrap=True,
            )


def _resolved(
    table: pa.Table, kinds: dict[str, Any], id_column: str | None, threshold: float
) -> Resolution:
    from customer_profiles.identity import resolve

    try:
        with err.status("comparing rows"):
            return resolve(table, kinds=kinds, id_column=id_column, threshold=threshold)
    except (ModuleNotFoundError, TypeError, ValueError) as error:
        fail(str(error))


def _read(file: Path, delimiter: str, encoding: str) -> pa.Table:
    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        fail("matching needs pyarrow: pip install 'customer-profiles[identity]'")
    try:
        if file.suffix.lower() in {".parquet", ".pq"}:
            from pyarrow import parquet

            return parquet.read_table(file)
        return _read_csv(file, delimiter, encoding)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror or error}")
    except (pa.ArrowInvalid, UnicodeError, LookupError, csv.Error) as error:
        # Arrow's message may quote a row, which is nobody's business here.
        fail(f"{file} cannot be read: {str(error).partition(': ')[0]}; is it {encoding} text?")


def _read_csv(file: Path, delimiter: str, encoding: str) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow

    with file.open(encoding=encoding, newline="") as text:
        header = next(csv.reader(text, delimiter=delimiter), [])
        rest = text.read()
    if len(header) < 2 or len(set(header)) < len(header):  # noqa: PLR2004  (columns)
        fail(f"{file} has no header of several different columns; is --delimiter right?")
    wrong: list[Any] = []

    def skip(row: Any) -> str:
        wrong.append(row)
        return "skip"

    if not rest.strip():
        return pa.table({name: pa.array([], pa.string()) for name in header})
    table = arrow.read_csv(
        io.BytesIO(rest.encode()),
        read_options=arrow.ReadOptions(column_names=header),
        parse_options=arrow.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=arrow.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        ),
    )
    if wrong:
        fail(
            f"{file}: {len(wrong)} rows do not have {len(header)} columns, the first of them has "
            f"{wrong[0].actual_columns}; nothing was written"
        )
    return table


def _with_groups(table: pa.Table, resolution: Resolution) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    label = resolution.labels
    sizes = np.bincount(label, minlength=len(label))
    several = sizes[label] > 1
    _, numbers = np.unique(label[several], return_inverse=True)
    group = np.zeros(len(label), np.int64)
    group[several] = numbers + 1
    sure = resolution.confidence
    return table.append_column(_GROUP, pa.array(group, mask=~several)).append_column(
        _CONFIDENCE, pa.array(np.round(sure, 4), mask=~several)
    )


def _write(table: pa.Table, target: Path, delimiter: str) -> None:
    """Write to a file beside the target first, so that what is there is whole or not there."""
    from pyarrow import csv as arrow
    from pyarrow import parquet

    part = target.with_name(f"{target.name}.part")
    try:
        if target.suffix.lower() in {".parquet", ".pq"}:
            parquet.write_table(table, part)
        else:
            options = arrow.WriteOptions(delimiter=delimiter, quoting_style="needed")
            arrow.write_csv(table, part, options)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        fail(f"{target} cannot be written: {error.strerror or error}")


def _draw(resolution: Resolution, file: Path) -> None:
    try:
        resolution.plot().figure.savefig(file)
    except (ImportError, OSError, ValueError) as error:
        fail(f"{file} cannot be drawn: {error}")

"""How commands print rows: as tables for people, as JSON or CSV for pipes, masked or revealed.

Rows are records of this library or mappings. Data goes to standard output, remarks to standard
error. `show` prints rows in a format, and `Output` is the options that choose it.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from customer_profiles._hints.nearest import did_you_mean
from customer_profiles.models.base import Model, UnredactedModel
from customer_profiles.models.tables import leaves

from .console import err, fail, without_controls
from .masking import mask
from .settings import reveals_by_setting
from .spreadsheets import guarded
from .tables import Column, encodable, paged, print_members, print_table, shown, to_cell, to_json

__all__ = [
    "TABLE_ROWS",
    "Column",
    "Format",
    "Limit",
    "Output",
    "Row",
    "flatten",
    "members_of",
    "show",
    "shown",
]

Format: TypeAlias = Literal["table", "json", "jsonl", "csv"]
Row: TypeAlias = Mapping[str, Any] | Model

_FOR_PIPES: tuple[Format, ...] = ("json", "jsonl", "csv")
TABLE_ROWS = 50
"""The rows of a table without `--limit`."""

# CSV columns are known after the last row; longer output waits in an unnamed file.
_SPOOL_BYTES = 32 << 20


_PANEL = "Output"

Limit = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"The most rows to print; default: {TABLE_ROWS} in a table, all as JSON or CSV.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command prints its rows; each field is an option."""

    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array.", rich_help_panel=_PANEL)
    ] = False
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print a JSON object a line.", rich_help_panel=_PANEL)
    ] = False
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.", rich_help_panel=_PANEL)] = False
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            help="The columns to print, such as 'profile_id,address.city'.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    reveal: Annotated[
        bool | None,
        typer.Option(
            "--reveal/--mask",
            help="Print personal data in the clear, or masked. Default: masked, unless your "
            "configuration file says otherwise for this --db.",
            envvar="CUSTOMER_PROFILES_REVEAL",
            show_default=False,
            rich_help_panel=_PANEL,
        ),
    ] = None
    pager: Annotated[
        bool,
        typer.Option(
            "--pager/--no-pager",
            help="Page tables that are longer than the terminal.",
            rich_help_panel=_PANEL,
        ),
    ] = True

    @property
    def format(self) -> Format:
        """The format that the options choose."""
        chosen: list[Format] = [name for name in _FOR_PIPES if getattr(self, name)]
        if len(chosen) > 1:
            fail(f"give one of --{' and --'.join(chosen)}")
        return chosen[0] if chosen else "table"

    def reveals(self, db: Path | None) -> bool:
        """Return whether personal data is printed in the clear.

        Args:
            db: the database file of the command; None for AWS.
        """
        return reveals_by_setting(db) if self.reveal is None else self.reveal

    def limit(self, limit: int | None) -> int | None:
        """Return how many rows to read: one more than a table shows, to know whether it is cut."""
        if limit is not None:
            return limit
        return TABLE_ROWS + 1 if self.format == "table" else None

    def show(  # noqa: PLR0913  (what differs between commands)
        self,
        rows: Iterable[Row],
        *,
        columns: Iterable[str | Column] = (),
        db: Path | None = None,
        model: type[Model] | None = None,
        limit: int | None = None,
        empty: str = "nothing found",
        private: bool = True,
        vertical: bool = False,
    ) -> int:
        """Print rows as the options say; the arguments are those of `show`."""
        names = (name.strip() for name in (self.columns or "").split(","))
        chosen = [name for name in names if name] or None
        return show(
            rows,
            columns=columns,
            format=self.format,
            reveal=self.reveals(db),
            model=model,
            chosen=chosen,
            limit=limit,
            empty=empty,
            private=private,
            vertical=vertical,
            pager=self.pager,
        )


def show(  # noqa: PLR0913  (what differs between commands)
    rows: Iterable[Row],
    *,
    columns: Iterable[str | Column] = (),
    format: Format = "table",  # noqa: A002  (the option's name)
    reveal: bool = False,
    model: type[Model] | None = None,
    chosen: list[str] | None = None,
    limit: int | None = None,
    empty: str = "nothing found",
    private: bool = True,
    vertical: bool = False,
    pager: bool = True,
) -> int:
    """Print rows, and return how many.

    Args:
        rows: records or mappings, which may be nested; they are read as they are printed.
        columns: the columns of a table, the most important first. CSV has these and all others
            that rows have. JSON has all members that are not empty.
        format: table, json, jsonl or csv.
        reveal: print personal data in the clear.
        model: the model of the rows, whose fields are the columns of CSV even without rows.
        chosen: the columns that the user wants; replaces `columns`.
        limit: the number of rows that the user wants. Without it a table has the first 50, and
            standard error says so if there are more.
        empty: what standard error says of a table without rows.
        private: whether the rows have personal data at all.
        vertical: print each row of a table as a list of its members, one a line.
        pager: page a table that is longer than the terminal.
    """
    listed = [column if isinstance(column, Column) else Column(column) for column in columns]
    open_names = frozenset(column.name for column in listed if column.shown)
    plain = (_plain_row(row, open_names, reveal=reveal or not private) for row in rows)
    if format in ("json", "jsonl"):
        known = _Known(listed, model)
        return _write_json(_picked(plain, chosen, known), as_lines=format == "jsonl")
    flat_rows: Iterable[dict[str, Any]] = (dict(flatten(row)) for row in plain)
    if format == "csv":
        return _write_csv(flat_rows, _Known(listed, model), chosen)
    is_cut = False
    if limit is None and not vertical:
        first = list(islice(flat_rows, TABLE_ROWS + 1))
        is_cut, flat_rows = len(first) > TABLE_ROWS, first[:TABLE_ROWS]
    table = list(flat_rows)
    if not table:
        err.print(empty, soft_wrap=True, highlight=False)
        return 0
    if chosen:
        _Known(listed, model).check(chosen, [name for row in table for name in row])
    with paged(pager):
        if vertical:
            print_members(table, chosen)
        else:
            print_table(table, [Column(name) for name in chosen] if chosen else listed)
    if is_cut:
        err.print(f"the first {TABLE_ROWS}; --limit N prints more", soft_wrap=True, highlight=False)
    return len(table)


def _plain_row(row: Row, open_names: frozenset[str], *, reveal: bool) -> dict[str, Any]:
    """Return a row as nested mappings, masked if it is not revealed."""
    if isinstance(row, Model):
        return members_of(row, reveal=reveal, open_names=open_names)
    return {
        name: _member(value, name, reveal=reveal or name in open_names)
        for name, value in row.items()
    }


def members_of(
    record: Model, *, reveal: bool, open_names: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the members of a record that are set; without `reveal`, personal data is masked.

    Args:
        record: the record; it knows which of its fields are no personal data.
        reveal: whether to return all values in the clear.
        open_names: other fields that are no personal data here.
    """
    known = open_names | record._shown
    reveal = reveal or isinstance(record, UnredactedModel)
    found = {name: getattr(record, name) for name in type(record).model_fields}
    return {
        name: _member(value, name, reveal=reveal or name in known)
        for name, value in found.items()
        if value not in (None, "", [], {})
    }


def _member(value: Any, name: str, *, reveal: bool) -> Any:
    if isinstance(value, Model):
        return members_of(value, reveal=reveal)
    if isinstance(value, list):
        return [_member(item, name, reveal=reveal) for item in value]
    if isinstance(value, Mapping):
        return {key: _member(inner, str(key), reveal=reveal) for key, inner in value.items()}
    return value if reveal else mask(value, name)


def flatten(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the members of a row with the dotted names of nested ones; lists stay whole."""
    for name, value in row.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


class _Known:
    """The columns that rows may have, whether or not a row has a value for them."""

    def __init__(self, columns: list[Column], model: type[Model] | None) -> None:
        fixed = [column.name for column in columns if not column.name.endswith(".*")]
        fields = leaves(model) if model else ()
        self.names: list[str] = [leaf.name for leaf in fields if not leaf.is_mapping] or fixed
        self._prefixes = (
            *(column.name[:-1] for column in columns if column.name.endswith(".*")),
            *(f"{leaf.name}." for leaf in fields if leaf.is_mapping),
        )

    def check(self, chosen: list[str], found: Iterable[str]) -> None:
        """End the command if the user wants a column that rows cannot have."""
        known = dict.fromkeys([*self.names, *found])
        for name in chosen:
            if name in known or name.startswith(self._prefixes):
                continue
            hint = did_you_mean(name, known) or f"known are {', '.join(known)}"
            fail(f"--columns: there is no column {name!r}; {hint}")


def _picked(
    rows: Iterable[dict[str, Any]], chosen: list[str] | None, known: _Known
) -> Iterator[dict[str, Any]]:
    """Yield rows with the chosen members only, flat."""
    for number, row in enumerate(rows):
        if chosen is None:
            yield row
            continue
        members = dict(flatten(row))
        if number == 0:
            known.check(chosen, [*row, *members])
        yield {name: members.get(name, row.get(name)) for name in chosen}


def _write_json(rows: Iterable[dict[str, Any]], *, as_lines: bool) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        if as_lines:
            _write(f"{to_json(row)}\n")
        else:
            text = to_json(row, indent=2).replace("\n", "\n  ")
            _write(f"{'[' if count == 1 else ','}\n  {text}")
    if not as_lines:
        _write("\n]\n" if count else "[]\n")
    return count


def _write_csv(rows: Iterable[dict[str, Any]], known: _Known, chosen: list[str] | None) -> int:
    names: dict[str, None] = dict.fromkeys(chosen or known.names)
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, "w+", encoding="utf-8") as spool:
        found: dict[str, None] = {}
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007  (how many there are)
            found |= dict.fromkeys(row)
            spool.write(json.dumps({name: to_cell(value) for name, value in row.items()}) + "\n")
        if chosen is None:
            names |= found
            for name in found:  # An empty mapping has no members of its own in a row.
                if any(other.startswith(f"{name}.") for other in found):
                    names.pop(name, None)
        elif found:
            known.check(chosen, found)
        spool.seek(0)
        _write_csv_row(list(names))
        for line in spool:
            cells = json.loads(line)
            _write_csv_row([guarded(cells.get(name, "")) for name in names])
    return count


def _write_csv_row(cells: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    _write(without_controls(text.getvalue()) if is_terminal else text.getvalue())


def _write(text: str) -> None:
    typer.echo(encodable(text), nl=False)

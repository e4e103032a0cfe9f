"""How commands print rows: as tables for people, as JSON or CSV for pipes, masked or revealed.

Rows are records of this library or mappings. Data goes to standard output, remarks to standard
error. `show` prints rows in a format, and `Output` is the options that choose it.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import os
import pydoc
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice, zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from customer_profiles.models.base import Model, UnredactedModel
from customer_profiles.models.tables import leaves

from .console import CONTROLS, err, fail, out, without_controls
from .masking import DOT, mask
from .spreadsheets import guarded

Format: TypeAlias = Literal["table", "json", "jsonl", "csv"]
Row: TypeAlias = Mapping[str, Any] | Model

_FOR_PIPES: tuple[Format, ...] = ("json", "jsonl", "csv")
TABLE_ROWS = 50
"""The rows of a table without `--limit`."""

_GAP = 2
_WIDEST_CELL, _NARROWEST_CELL = 60, 12
# CSV columns are known after the last row; longer output waits in an unnamed file.
_SPOOL_BYTES = 32 << 20
_UNBOUNDED = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of a CSV file.

    Rows that are mappings are masked but for the columns that are `shown`. Records know by
    themselves which of their fields are no personal data.
    """

    name: str
    """The name in rows, with dots for nested members, such as `address.city`. `object.*` stands
    for all members of `object` that rows have."""
    shown: bool = False
    """Whether the values are no personal data, as ids, counts and times are."""
    whole: bool = False
    """Whether a table never cuts the values, as ids are there to be copied."""


def shown(*names: str, whole: bool = False) -> list[Column]:
    """Return columns without personal data."""
    return [Column(name, shown=True, whole=whole) for name in names]


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
    with _paged(pager):
        if vertical:
            _print_members(table, chosen)
        else:
            _print_table(table, [Column(name) for name in chosen] if chosen else listed)
    if is_cut:
        err.print(f"the first {TABLE_ROWS}; --limit N prints more", soft_wrap=True, highlight=False)
    return len(table)


def reveals_by_setting(db: Path | None) -> bool:
    """Return whether the user's configuration file reveals the values of a database file.

    The setting is in the user's own file and not in the database, because a database file is
    passed on to others.
    """
    if db is None:
        return False
    folders = [path.expanduser().resolve() for path in _revealed_paths()]
    file = db.expanduser().resolve()
    return any(path in (file, *file.parents) for path in folders)


def configuration_file() -> Path:
    """Return the path of the user's configuration file, which need not exist."""
    path = os.environ.get("CUSTOMER_PROFILES_CONFIG")
    return Path(path) if path else Path(typer.get_app_dir("customer-profiles")) / "config.toml"


def _revealed_paths() -> list[Path]:
    file = configuration_file()
    try:
        settings = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be read: {error}")
    unknown = settings.keys() - {"reveal"}
    if unknown:
        fail(f"{file} has no setting {min(unknown)!r}; known is reveal")
    paths = settings.get("reveal", [])
    if not (isinstance(paths, list) and all(isinstance(path, str) for path in paths)):
        fail(f'{file}: reveal is a list of database files or folders, such as ["~/shop.db"]')
    return [Path(path) for path in paths]


def _plain_row(row: Row, open_names: frozenset[str], *, reveal: bool) -> dict[str, Any]:
    """Return a row as nested mappings, masked if it is not revealed."""
    if isinstance(row, Model):
        return members_of(row, reveal=reveal, open_names=open_names)
    if reveal:
        return dict(row)
    return {name: value if name in open_names else mask(value, name) for name, value in row.items()}


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
            close = difflib.get_close_matches(name, known, n=2)
            hint = (
                f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"
            )
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
            _write(f"{_json(row)}\n")
        else:
            text = _json(row, indent=2).replace("\n", "\n  ")
            _write(f"{'[' if count == 1 else ','}\n  {text}")
    if not as_lines:
        _write("\n]\n" if count else "[]\n")
    return count


def _json(value: Any, indent: int | None = None) -> str:
    is_unicode = _encoding().lower().startswith("utf")
    text = json.dumps(value, ensure_ascii=not is_unicode, indent=indent, default=_plain)
    # Such characters occur within strings only, where JSON may escape them.
    return CONTROLS.sub(
        lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times in ISO 8601, decimal numbers as texts."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def _write_csv(rows: Iterable[dict[str, Any]], known: _Known, chosen: list[str] | None) -> int:
    names: dict[str, None] = dict.fromkeys(chosen or known.names)
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, "w+", encoding="utf-8") as spool:
        found: dict[str, None] = {}
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007  (how many there are)
            found |= dict.fromkeys(row)
            spool.write(json.dumps({name: _cell(value) for name, value in row.items()}) + "\n")
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
    typer.echo(_encodable(text), nl=False)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


_IN_ASCII = str.maketrans({DOT: "*", "…": "~"})


def _encodable(text: str) -> str:
    """Return a text whose marks of masked and cut values the output's encoding has."""
    try:
        f"{DOT}…".encode(_encoding())
    except UnicodeEncodeError:
        return text.translate(_IN_ASCII)
    return text


def _cell(value: Any) -> str:
    """Return a value as a cell of a table or of a CSV file."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (list, Mapping)):
        return _json(value)
    return str(_plain(value))


def _table_cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(without_controls(_cell(value)).split())


def _print_table(rows: list[dict[str, Any]], columns: list[Column]) -> None:
    """Print as many columns as fit, and say which do not."""
    texts = [{name: _table_cell(value) for name, value in row.items()} for row in rows]
    names = dict.fromkeys(name for row in texts for name, text in row.items() if text)
    present = _present(columns, list(names))
    listed = {column.name for column in present}
    others = [name for name in names if name not in listed]
    headings = _headings(present)
    widths = [
        max(
            *(cell_len(word) for word in heading.split()),
            *(cell_len(row.get(column.name, "")) for row in texts),
        )
        for column, heading in zip(present, headings, strict=True)
    ]
    kept = _fit(present, headings, widths, _terminal_width())
    shown_columns = present[: len(kept)]
    rights = [_is_number(column.name, rows) for column in shown_columns]
    # Only as many headings as fit.
    wrapped = [textwrap.wrap(text, width) for text, width in zip(headings, kept, strict=False)]
    for line in zip_longest(*wrapped, fillvalue=""):
        _print_line(list(line), kept, rights, style="bold")
    for row in texts:
        _print_line([row.get(column.name, "") for column in shown_columns], kept, rights)
    left_out = [column.name for column in present[len(kept) :]] + others
    if left_out:
        noun = "column" if len(left_out) == 1 else "columns"
        few = ", ".join(left_out[:4]) + (", …" if len(left_out) > 4 else "")  # noqa: PLR2004
        err.print(
            f"{len(left_out)} {noun} left out: {few} (--columns NAME,… or --json prints them)",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


def _headings(columns: list[Column]) -> list[str]:
    """Return the last part of each column's name, or all of it where two would be the same."""
    last = [column.name.rpartition(".")[2] for column in columns]
    return [
        (name if last.count(name) == 1 else column.name).replace("_", " ").replace(".", " ")
        for column, name in zip(columns, last, strict=True)
    ]


def _present(columns: list[Column], names: list[str]) -> list[Column]:
    """Return the columns of which any row has a value, or all if none has."""
    listed: list[Column] = []
    for column in columns or map(Column, names):
        if column.name.endswith(".*"):
            listed += [Column(name) for name in names if name.startswith(column.name[:-1])]
        else:
            listed.append(column)
    return [column for column in listed if column.name in names] or listed


def _is_number(name: str, rows: list[dict[str, Any]]) -> bool:
    values = [row[name] for row in rows if row.get(name) is not None]
    return bool(values) and all(isinstance(value, (int, float, Decimal)) for value in values)


def _terminal_width() -> int:
    """Return the columns of the terminal; a pipe without COLUMNS has room for any row."""
    return out.width if out.is_terminal or "COLUMNS" in os.environ else _UNBOUNDED


def _fit(columns: list[Column], headings: list[str], natural: list[int], total: int) -> list[int]:
    """Return the widths of the columns that fit: the first ones, cut as little as possible."""
    least = [
        width if column.whole else min(width, _NARROWEST_CELL)
        for column, width in zip(columns, natural, strict=True)
    ]
    number, used = 0, -_GAP
    for width in least:
        used += width + _GAP
        if used > total and number:
            break
        number += 1
    whole = list(map(max, natural, map(cell_len, headings)))
    if total == _UNBOUNDED:
        return whole
    widths = least[:number]
    spare = total - sum(widths) - _GAP * (number - 1)
    # Values first; then headings, so that as few as possible are wrapped.
    for wanted in (natural, whole):
        bounds = [min(width, _WIDEST_CELL) for width in wanted[:number]]
        while spare > 0 and (growing := [n for n in range(number) if widths[n] < bounds[n]]):
            for position in growing[:spare]:
                widths[position] += 1
            spare -= len(growing[:spare])
    return [min(width, total) for width in widths]


def _print_line(
    cells: list[str], widths: list[int], rights: list[bool] | None = None, style: str = ""
) -> None:
    rights = rights or [False] * len(cells)
    parts = [
        _cut(cell, width, right=right)
        for cell, width, right in zip(cells, widths, rights, strict=True)
    ]
    line = Text(_encodable((" " * _GAP).join(parts).rstrip()), style=style)
    out.print(line, soft_wrap=True, highlight=False)


def _cut(cell: str, width: int, *, right: bool = False) -> str:
    """Return a cell in a width of terminal columns, with an ellipsis if it is longer."""
    length = cell_len(cell)
    if length > width:
        return set_cell_size(cell, width - 1) + "…"
    padding = " " * (width - length)
    return padding + cell if right else cell + padding


def _print_members(rows: list[dict[str, Any]], chosen: list[str] | None) -> None:
    """Print each row as a list of its members; long values are wrapped."""
    total = _terminal_width()
    for number, row in enumerate(rows):
        if number:
            out.print()
        names = chosen or [name for name, value in row.items() if _cell(value)]
        width = max((cell_len(name) for name in names), default=0)
        for name in names:
            text = Text(_encodable(_table_cell(row.get(name))))
            room = max(total - width - _GAP, _NARROWEST_CELL)
            for position, line in enumerate(text.wrap(out, room) or [Text()]):
                label = (name if not position else "").ljust(width + _GAP)
                out.print(Text.assemble((label, "bold"), line), soft_wrap=True, highlight=False)


@contextmanager
def _paged(pager: bool) -> Iterator[None]:  # noqa: FBT001  (the option)
    """Print the block's lines through the user's pager if they do not fit on the terminal."""
    if not (pager and out.is_terminal and sys.stdin is not None and sys.stdin.isatty()):
        yield
        return
    with out.capture() as capture:
        yield
    text = capture.get()
    if text.count("\n") < out.height:
        typer.echo(text, nl=False)
        return
    # As git does: quit if it fits, keep colours, leave the screen as it is.
    os.environ.setdefault("LESS", "FRX")
    pydoc.pager(text)

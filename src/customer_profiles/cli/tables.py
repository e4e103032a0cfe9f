"""Tables that fit the terminal: which columns, how wide, what is cut, and the pager."""

from __future__ import annotations

import json
import os
import pydoc
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from .console import CONTROLS, err, out, without_controls
from .masking import DOT

_GAP = 2
_WIDEST_CELL, _NARROWEST_CELL = 60, 12
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


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


_IN_ASCII = str.maketrans({DOT: "*", "…": "~"})


def encodable(text: str) -> str:
    """Return a text whose marks of masked and cut values the output's encoding has."""
    try:
        f"{DOT}…".encode(_encoding())
    except UnicodeEncodeError:
        return text.translate(_IN_ASCII)
    return text


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON; control characters are escaped."""
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


def to_cell(value: Any) -> str:
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
        return to_json(value)
    return str(_plain(value))


def _table_cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(without_controls(to_cell(value)).split())


def print_table(rows: list[dict[str, Any]], columns: list[Column]) -> None:
    """Print as many columns as fit, and say which do not."""
    texts = [{name: _table_cell(value) for name, value in row.items()} for row in rows]
    names = dict.fromkeys(name for row in texts for name, text in row.items() if text)
    present = _present(columns, list(names))
    listed = {column.name for column in present}
    others = [name for name in names if name not in listed]
    headings = _headings(present)
    widths = [
        max(map(cell_len, [*heading.split(), *(row.get(column.name, "") for row in texts)]))
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
    names = [
        name if last.count(name) == 1 else column.name
        for column, name in zip(columns, last, strict=True)
    ]
    return [without_controls(name).replace("_", " ").replace(".", " ") for name in names]


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
    columns = os.environ.get("COLUMNS", "")
    # rich reads the variable only when it is imported.
    if columns.isascii() and columns.isdigit() and int(columns):
        return int(columns)
    return out.width if out.is_terminal else _UNBOUNDED


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
    line = Text(encodable((" " * _GAP).join(parts).rstrip()), style=style)
    out.print(line, soft_wrap=True, highlight=False)


def _cut(cell: str, width: int, *, right: bool = False) -> str:
    """Return a cell in a width of terminal columns, with an ellipsis if it is longer."""
    length = cell_len(cell)
    if length > width:
        return set_cell_size(cell, width - 1) + "…"
    padding = " " * (width - length)
    return padding + cell if right else cell + padding


def print_members(rows: list[dict[str, Any]], chosen: list[str] | None) -> None:
    """Print each row as a list of its members; long values are wrapped."""
    total = _terminal_width()
    for number, row in enumerate(rows):
        if number:
            out.print()
        names = chosen or [name for name, value in row.items() if to_cell(value)]
        labels = [" ".join(without_controls(name).split()) for name in names]
        width = min(max(map(cell_len, labels), default=0), total // 2)
        for name, label in zip(names, labels, strict=True):
            text = Text(encodable(_table_cell(row.get(name))))
            room = max(total - width - _GAP, 1)
            for position, line in enumerate(text.wrap(out, room) or [Text()]):
                start = encodable(_cut(label if not position else "", width)) + " " * _GAP
                out.print(Text.assemble((start, "bold"), line), soft_wrap=True, highlight=False)


@contextmanager
def paged(pager: bool) -> Iterator[None]:  # noqa: FBT001  (the option)
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

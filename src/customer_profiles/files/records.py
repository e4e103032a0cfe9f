"""Tables of nested records: their members become columns such as `address.city`."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .layout import plural
from .table import FileError, ObjectLine, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .source import Source

_SAMPLED = 1_000
"""How many records the header is made of."""
SEVERAL = " ::: "
"""Separates the values of a list in one cell."""
_MOST_ITEMS = 10
_MOST_COLUMNS = 20_000
_NESTED = 8
NO_JSON, NO_OBJECT = "the line is not JSON", "the record is not a JSON object"
LEFT_TO_CONSUMERS = frozenset({NO_JSON, NO_OBJECT})


class Record(NamedTuple):
    """A record of a file."""

    line: int
    value: Any
    """The record, if it can be read."""
    text: str = ""
    """The record as it is in the file, if it can be one."""
    problem: str = ""
    """The reason why it cannot be read."""


class RecordTable(Table):
    """A table whose rows are nested records. The first records have all columns of the header."""

    def __init__(self, source: Source, what: str, records: Iterator[Record]) -> None:
        first = list(islice(records, _SAMPLED))
        self._records = chain(first, records)
        header: dict[str, None] = {}
        for record in first:
            if not record.problem:
                header.update(dict.fromkeys(flat(record.value)))
        if not header:
            problem = next((record.problem for record in first if record.problem), "")
            msg = f"the file has no rows{f': {problem}' if problem else ''}"
            raise FileError(msg)
        if len(header) > _MOST_COLUMNS:
            msg = f"its records have {len(header):,} members; at most {_MOST_COLUMNS:,} can be read"
            raise FileError(msg)
        super().__init__(source, f"{what}, {plural(len(header), 'column')}", list(header))

    def rows(self) -> Iterator[Row]:
        """Yield the records as rows; members that the first ones do not have are extra values."""
        header = self.header
        known = set(header)
        for line, value, text, problem in self._records:
            if problem:
                yield Row(line, [text] if text else [], problem)
                continue
            members = flat(value)
            cells = [members.get(name, "") for name in header]
            extra = (
                [(name, cell) for name, cell in members.items() if cell and name not in known]
                if not members.keys() <= known
                else ()
            )
            if extra or any(cells):
                yield Row(line, cells, "", extra)

    def objects(self) -> Iterator[ObjectLine]:
        """Yield the records as JSON objects, as they are in the file."""
        for line, value, text, problem in self._records:
            if text and problem in LEFT_TO_CONSUMERS:
                # Whoever takes objects says more about them.
                yield ObjectLine(line, text)
            elif problem or text:
                yield ObjectLine(line, text, problem)
            else:
                yield ObjectLine(line, json.dumps(plain(value), ensure_ascii=False))


def flat(value: Any) -> dict[str, str]:
    """Return the members of a record as text by their paths; those of lists are numbered."""
    found: dict[str, str] = {}
    _flatten(value, "", found, 0)
    return found


def _flatten(value: Any, path: str, found: dict[str, str], depth: int) -> None:
    if isinstance(value, dict) and value and depth < _NESTED:
        for name, inner in value.items():
            _flatten(inner, f"{path}.{name}" if path else str(name), found, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value[:_MOST_ITEMS], 1):
            if isinstance(item, dict):
                for name, inner in item.items():
                    _flatten(inner, f"{path} {number} - {name}", found, depth + 1)
            else:
                _flatten(item, f"{path} {number}", found, depth + 1)
        if rest := value[_MOST_ITEMS:]:
            found[f"{path} (further)"] = json.dumps(plain(rest), ensure_ascii=False)
    elif isinstance(value, list):
        found[path] = SEVERAL.join(filter(None, map(text_of, value)))
    else:
        found[path] = text_of(value)


def text_of(value: Any) -> str:  # noqa: PLR0911  (one for each type)
    """Return a value of JSON, Parquet or a workbook as the text that a person would write."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # A workbook and pandas store integers as floats.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else _float(value)  # noqa: PLR2004
    if isinstance(value, datetime):
        is_day = value.time() == time(0) and value.tzinfo is None
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict | list):
        return json.dumps(plain(value), ensure_ascii=False) if value else ""
    return str(value)


def _float(value: float) -> str:
    return "" if value != value else repr(value)  # noqa: PLR0124  (NaN)


def plain(value: Any) -> Any:
    """Return a value with nothing but what JSON has."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124
        return None
    return value if isinstance(value, str | int | float | bool) or value is None else text_of(value)

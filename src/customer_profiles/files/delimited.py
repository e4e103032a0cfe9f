"""Read delimited text: find the delimiter, the header and what is around the table."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from . import encodings
from .layout import Layout, find_header, is_footer, named, plural
from .table import FileError, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .encodings import Encoding
    from .source import Source

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_SEP = re.compile(r'^"?sep=(.)"?\r?\n?$', re.IGNORECASE)
_SAMPLED_ROWS = 200
_FOOTER = 12
"""The most rows that a footer has."""
csv.field_size_limit(1 << 20)


class _Lines:
    """The lines of a text, with those of the current row, which can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.current: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        self.current.append(line)
        return line

    def back(self) -> str:
        """Go back behind the first line of the current row, and return that line."""
        first, *rest = self.current
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        self.current = []
        return first


class Format(NamedTuple):
    """The format of delimited text."""

    delimiter: str
    layout: Layout
    skipped: int
    """The lines before the first row: 1 if the file names its delimiter."""


def find_format(sample: str, delimiter: str | None, *, is_whole: bool) -> Format:
    """Find the delimiter and the header.

    Args:
        sample: the beginning of the text.
        delimiter: the delimiter, if the user names it.
        is_whole: whether the sample is the whole text.
    """
    first, _, _ = sample.partition("\n")
    skipped = 0
    if match := _SEP.match(first):
        sample = sample[len(first) + 1 :]
        skipped = 1
        delimiter = delimiter or match[1]
    if delimiter is None:
        delimiter = max(_DELIMITERS, key=lambda mark: _score(sample, mark, is_whole=is_whole))
    return Format(delimiter, find_header(_rows_of(sample, delimiter, is_whole=is_whole)), skipped)


def _rows_of(sample: str, delimiter: str, *, is_whole: bool) -> list[list[str]]:
    lines = sample.splitlines(keepends=True)
    reader = csv.reader(iter(lines), delimiter=delimiter)
    rows = list(islice(reader, _SAMPLED_ROWS))
    # The last row of a sample may be cut.
    return rows if is_whole or reader.line_num < len(lines) or len(rows) == 1 else rows[:-1]


def _score(sample: str, delimiter: str, *, is_whole: bool) -> tuple[float, float]:
    """Return how well a delimiter splits the rows of a sample into one number of cells."""
    counts = Counter(
        len(row)
        for row in _rows_of(sample, delimiter, is_whole=is_whole)
        if any(cell.strip() for cell in row)
    )
    several = {width: count for width, count in counts.items() if width > 1}
    if not several:
        return 0.0, 0.0
    width, count = max(several.items(), key=lambda item: (item[1], item[0]))
    # Rows are shorter where trailing empty cells are left out.
    near = sum(number for other, number in several.items() if other <= width) - count
    share = (count + near / 2) / counts.total()
    return share * width**0.5, share


class DelimitedTable(Table):
    """A table of delimited text."""

    def __init__(self, source: Source, found: Encoding, delimiter: str | None) -> None:
        sample = encodings.decoded_sample(source, found.name).removeprefix("\ufeff")
        self._encoding = found
        try:
            form = find_format(sample, delimiter, is_whole=source.is_whole)
        except (csv.Error, TypeError) as error:
            msg = f"the header cannot be read: {error}"
            raise FileError(msg) from error
        layout = form.layout
        if not any(layout.header):
            msg = "the file has no header: its first line must name the columns"
            raise FileError(msg)
        header, remarks = named(layout.header)
        name = found.name.removesuffix("-sig").upper().replace("CP125", "Windows-125")
        mark = _NAMES.get(form.delimiter, repr(form.delimiter))
        text = f"{name} text, {plural(len(header), 'column')} separated by {mark}"
        if layout.start:
            text += f", header after {plural(layout.start, 'other row')}"
        super().__init__(source, text, header)
        self.remarks = remarks
        self.delimiter: str = form.delimiter
        self._format = form

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty, each with the number of its first line.

        A row that cannot be read has a problem instead of cells. The footer of a report is left
        out.
        """
        text = encodings.open_text(self._source, self._encoding.name)
        waiting: deque[Row] = deque()
        width = len(self.header)
        short = 0
        for row in self._parsed(text):
            if row.problem:
                yield from waiting
                waiting.clear()
                yield row
                continue
            if waiting or (len(row.cells) != width or not row.cells[-1]):
                is_over = is_footer(row.cells, width, is_after=bool(waiting))
                if is_over and len(waiting) < _FOOTER:
                    waiting.append(row)
                    continue
                for earlier in waiting:
                    short += len(earlier.cells) < width
                    yield self._fitted(earlier, width)
                waiting.clear()
                short += len(row.cells) < width
                row = self._fitted(row, width)  # noqa: PLW2901  (the row in the header's width)
            yield row
        if waiting:
            numbers = f"{waiting[0].line} to {waiting[-1].line}"
            where = f"line {waiting[0].line} is" if len(waiting) == 1 else f"lines {numbers} are"
            self.remarks.append(f"{where} the footer of a report, and left out")
        if short:
            self.remarks.append(
                f"{plural(short, 'row')} shorter than the header; missing cells count as empty"
            )
        text.detach()

    def _fitted(self, row: Row, width: int) -> Row:
        cells = row.cells
        if len(cells) < width:
            return row._replace(cells=cells + [""] * (width - len(cells)))
        if len(cells) == width:
            return row
        extra = [
            (f"cell {number}", cell)
            for number, cell in enumerate(cells[width:], width + 1)
            if cell.strip()
        ]
        return row._replace(cells=cells[:width], extra=extra)

    def _parsed(self, text: Iterator[str]) -> Iterator[Row]:
        """Yield the rows as they are, without the header."""
        lines = _Lines(iter(text))
        for _ in range(self._format.skipped):
            next(lines, None)
        lines.current = []
        reader = csv.reader(lines, delimiter=self._format.delimiter, strict=True)
        left = self._format.layout.start + 1
        is_sure, name = self._encoding.is_sure, self._encoding.name.removesuffix("-sig")
        while True:
            line = lines.number + 1
            lines.current = []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # A quote without an end swallows other rows, which are read again.
                first = lines.back()
                if left:
                    left -= 1
                else:
                    # The csv module's messages contain no value.
                    yield Row(line, [first.rstrip("\r\n")], f"the row cannot be read: {error}")
                reader = csv.reader(lines, delimiter=self._format.delimiter, strict=True)
                continue
            except UnicodeError:
                yield Row(
                    line, [], f"from about here on the file is not {name}; give its --encoding"
                )
                return
            if left:
                left -= 1
                continue
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            if not is_sure and any(map(encodings.DAMAGED.search, cells)):
                kept = [encodings.DAMAGED.sub("\ufffd", cell) for cell in cells]
                reason = (
                    f"the row has bytes that are not {name}; correct them, "
                    "or give its --encoding, such as cp1252"
                )
                yield Row(line, kept, reason)
                continue
            yield Row(line, cells)

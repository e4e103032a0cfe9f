"""The rows of an uploaded file: CSV in UTF-8, read from any row on."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from .fields import Plan

_PIECE = 1 << 20
_LONGEST_LINE = 1 << 20
"""Bytes of a line; a longer one is no row."""


class FileProblem(Exception):  # noqa: N818 - reported as a VALIDATION_FAILURE
    """A file cannot be imported; the message says why, without the file's content."""


class Row(NamedTuple):
    """A row of the file."""

    cells: Sequence[str] | None
    """The values; None if it is no row of CSV."""
    end: int
    """The position in the file after the row."""
    records: int = 1
    """How many records it counts as."""


def check(file: Path, plan: Plan, limit: int, is_stopped: Callable[[], bool]) -> int | None:
    """Check a whole file; return the position of its first row, None if it was stopped.

    Args:
        file: the file.
        plan: the mapping, whose unique column must be in the header.
        limit: the size in bytes below which a file must be.
        is_stopped: whether to stop reading.

    Raises:
        FileProblem: the file cannot be imported.
        OSError: the file cannot be read.
    """
    if file.stat().st_size >= limit:
        raise FileProblem(f"it has {limit} bytes or more")
    with file.open("rb") as stream:
        if stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            # AG:customer-segments-imported-files: a file with a byte order mark is refused.
            raise FileProblem("it begins with a byte order mark; save it as UTF-8 without BOM")
        stream.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        try:
            while piece := stream.read(_PIECE):
                decoder.decode(piece)
                if is_stopped():
                    return None
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise FileProblem("it is not UTF-8") from None
        names, begin = header(stream)
    # Assumed: only the columns that a job maps must be named once, and only UniqueKey's be there.
    if plan.unique.column not in names:
        raise FileProblem("its header has no column with the name in UniqueKey's Source")
    if any(names.count(field.column) > 1 for field in plan.fields):
        raise FileProblem("its header has a mapped column twice")
    return begin


def header(stream: BinaryIO) -> tuple[Sequence[str], int]:
    """Return the names of the columns, and the position of the first row.

    Raises:
        FileProblem: the file has no header.
    """
    stream.seek(0)
    is_blank = not stream.readline(_LONGEST_LINE).strip()
    first = next(rows(stream, 0), None)
    if is_blank or first is None or first.cells is None:
        raise FileProblem("its first line is no header")
    return first.cells, first.end


def rows(stream: BinaryIO, begin: int) -> Iterator[Row]:
    """Yield the rows from a position on; blank lines are none."""
    stream.seek(begin)
    lines = _Lines(stream, begin)
    while True:
        try:
            # A reader that has failed cannot be used again.
            for cells in csv.reader(lines, strict=True):
                if cells:
                    yield Row(cells, lines.end)
                lines.pending = 0
        except (csv.Error, _TooLongError):
            # Assumed: of a quotation that is not CSV, each line that it covers is a failed record.
            yield Row(None, lines.end, lines.pending)
            lines.pending = 0
        else:
            return


class _TooLongError(Exception):
    """A line is longer than a row may be."""


class _Lines:
    """The lines of a file, with the position after the last one that was read."""

    def __init__(self, stream: BinaryIO, end: int) -> None:
        self._stream = stream
        self.end = end
        self.pending = 0
        """How many lines were read since the last row."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.end += len(line)
        self.pending += 1
        is_long = len(line) == _LONGEST_LINE
        while is_long and not line.endswith(b"\n") and (line := self._stream.readline(_PIECE)):
            self.end += len(line)
        if is_long:
            raise _TooLongError
        return line.decode()

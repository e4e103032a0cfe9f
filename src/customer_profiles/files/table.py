"""What every reader of a file gives: a header, rows with line numbers, and remarks."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .source import Source


class FileError(ValueError):
    """A file cannot be read; the message says why and what to do, without the file's content."""


class Row(NamedTuple):
    """A row of a table, and the number of the line on which it begins."""

    line: int
    cells: list[str]
    """A cell for each column of the header; empty if the row cannot be read."""
    problem: str = ""
    """The reason why the row cannot be read."""
    extra: Sequence[tuple[str, str]] = ()
    """Values beyond the header, each with the name of its column."""


class ObjectLine(NamedTuple):
    """A row as a JSON object."""

    line: int
    text: str
    """The object as JSON, or the row itself if it cannot be read."""
    problem: str = ""
    """The reason why the row cannot be read."""


class Table(ABC):
    """A table that is read row by row, once."""

    unit: str = "line"
    """What the numbers of rows count."""

    def __init__(self, source: Source, found: str, header: Sequence[str]) -> None:
        self._source = source
        self.found: str = found
        """What was found about the file, in one line."""
        self.header: list[str] = list(header)
        """The names of the columns, each different."""
        self.remarks: list[str] = []
        """What the user should know; it is complete when all rows are read."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty."""

    def objects(self) -> Iterator[ObjectLine]:
        """Yield each row as a JSON object whose members are the columns, without empty cells."""
        header = self.header
        for row in self.rows():
            problem = row.problem
            if not problem and row.extra:
                count = len(header) + len(row.extra)
                problem = f"the row has {count} columns, the header has {len(header)}"
            if problem:
                cells = [*row.cells, *(value for _, value in row.extra)]
                yield ObjectLine(row.line, json.dumps(cells, ensure_ascii=False), problem)
                continue
            members = {name: cell for name, cell in zip(header, row.cells, strict=True) if cell}
            yield ObjectLine(row.line, json.dumps(members, ensure_ascii=False))

    @property
    def position(self) -> int:
        """The number of bytes that were read."""
        return self._source.position

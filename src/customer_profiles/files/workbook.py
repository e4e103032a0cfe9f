"""Read workbooks of Excel and OpenDocument by python-calamine."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from .layout import Layout, find_header, is_footer, named, plural
from .records import text_of
from .table import FileError, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .source import Source

_SAMPLED_ROWS = 200
_FEWEST_ROWS = 2


class WorkbookTable(Table):
    """A table of a workbook's sheet."""

    unit = "row"

    def __init__(self, source: Source, sheet: str | None) -> None:
        try:
            import python_calamine
        except ModuleNotFoundError as error:
            msg = "a workbook needs python-calamine: pip install python-calamine, or save it as CSV"
            raise FileError(msg) from error
        try:
            book = python_calamine.load_workbook(source.whole())
        except python_calamine.PasswordError as error:
            msg = "the workbook has a password; save it without one"
            raise FileError(msg) from error
        except (python_calamine.CalamineError, ValueError, OSError) as error:
            msg = "the file is no workbook that can be read; save it as CSV or .xlsx"
            raise FileError(msg) from error
        name, rows, layout, first = _sheet(book, sheet)
        if not any(layout.header):
            msg = f"no sheet has a table; the sheets are {', '.join(book.sheet_names)}"
            raise FileError(msg)
        header, remarks = named(layout.header)
        found = f"sheet {name!r} of a workbook"
        others = [other for other in book.sheet_names if other != name]
        if others:
            found += f" (others: {', '.join(others)}; --sheet chooses)"
        found += f", {plural(len(header), 'column')}"
        if layout.start:
            found += f", header after {plural(layout.start, 'other row')}"
        super().__init__(source, found, header)
        self.remarks = remarks
        self._rows, self._layout, self._first = rows, layout, first

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty, with the numbers that the program shows."""
        width = len(self.header)
        footer: list[Row] = []
        for number, values in enumerate(self._rows, self._first):
            if number <= self._first + self._layout.start:
                continue
            cells = list(map(text_of, values))
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            extra = [
                (f"cell {position}", cell)
                for position, cell in enumerate(cells[width:], width + 1)
                if cell
            ]
            row = Row(number, (cells + [""] * width)[:width], "", extra)
            if is_footer(cells, width, is_after=bool(footer)):
                footer.append(row)
                continue
            yield from footer
            footer = []
            yield row
        if footer:
            self.remarks.append(f"the footer from row {footer[0].line} on is left out")


def _sheet(book: Any, wanted: str | None) -> tuple[str, list[list[Any]], Layout, int]:
    """Return the sheet that is wanted, or the first with a table: its name, rows and layout."""
    names: list[str] = book.sheet_names
    if wanted is not None and wanted not in names:
        close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.4)
        hint = f"did you mean {close[0]!r}?" if close else f"the sheets are {', '.join(names)}"
        msg = f"there is no sheet {wanted!r}; {hint}"
        raise FileError(msg)
    best: tuple[str, list[list[Any]], Layout, int] = ("", [], Layout([], 0), 1)
    for name in names if wanted is None else [wanted]:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        rows = sheet.to_python(skip_empty_area=True)
        texts = [list(map(text_of, row)) for row in rows[:_SAMPLED_ROWS]]
        layout = find_header(texts)
        table = (name, rows, layout, sheet.start[0] + 1)
        is_table = len(rows) - layout.start >= _FEWEST_ROWS and sum(map(bool, layout.header)) > 1
        if is_table or wanted is not None:
            return table
        if any(layout.header) and not best[0]:
            best = table
    return best

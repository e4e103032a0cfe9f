"""Find the header of a table among rows of cells, and what stands before and after the table."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .table import FileError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_BEFORE = 50
"""The most rows before a header."""
_DATA = re.compile(
    r"[^@\s]+@[^@\s]+\.\w+|[+(]?\d[\d\s()./-]{5,}|-?\d+([.,]\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*"
    r"|https?://\S+|(?i:true|false|null)"
)
_FOOTER = re.compile(
    r"\W{0,9}(?:grand |sub)?(?:totals?|sum|summe|gesamt\w*|insgesamt|anzahl|total\w*|somme|"
    r"nombre de|suma|número de|totale|totaal|razem|celkem|итого|всего|合计|合計|총계)\b.{0,60}$"
    r"|.*(?:©|copyright|all rights reserved|confidential|generated (?:by|on|at)|"
    r"exported (?:by|on|at)|report (?:by|generated)|end of (?:report|file)|"
    r"erstellt (?:von|am)|exportiert|ende der|exporté|généré|exportado|generado|出力日).*"
    r"|\W{0,9}\d{1,12} {1,9}(?:records?|rows?|contacts?|customers?|results?|entries|datens\w+|"
    r"zeilen|kontakte|enregistrements?|lignes?|contactos?|registros?|filas?|件)\W{0,9}$"
    r"|\W{0,9}(?:page|seite|página) \d.*",
    re.IGNORECASE | re.DOTALL,
)
_FEW_CELLS, _LONGEST_FOOTER = 3, 300
_LONGEST_NAME = 1_000


class Layout(NamedTuple):
    """Where the header of a table is."""

    header: list[str]
    start: int
    """The number of rows before the header."""


def find_header(rows: Sequence[Sequence[str]]) -> Layout:
    """Find the header: the first row that fills most columns of the table, and holds no values."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    widths = Counter(len(row) for row, count in zip(rows, filled, strict=True) if count)
    if not widths:
        return Layout([], 0)
    width = max(widths, key=lambda size: (widths[size] * size**0.5, size))
    first = next(index for index, count in enumerate(filled) if count)
    best = first
    if filled[first] <= width / 2 or _is_data(rows[first]):
        for index in range(first, min(len(rows), _MOST_BEFORE)):
            if filled[index] > width / 2 and not _is_data(rows[index]):
                best = index
                break
    header = [cell.strip() for cell in rows[best]]
    while header and not header[-1]:
        header.pop()
    # Trailing delimiters belong to no column, unless rows have values there.
    used = max(
        (
            max((index for index, cell in enumerate(row, 1) if cell.strip()), default=0)
            for row in rows[best + 1 :]
            if len(row) <= len(rows[best])
        ),
        default=0,
    )
    header += [""] * (min(used, len(rows[best])) - len(header))
    return Layout(header, best)


def _is_data(row: Sequence[str]) -> bool:
    return any(_DATA.fullmatch(cell.strip()) for cell in row)


def named(header: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return different names for all columns, and what the user should know about them.

    Raises:
        FileError: a name is too long for one.
    """
    if (longest := max(map(len, header), default=0)) > _LONGEST_NAME:
        msg = f"the name of a column has {longest:,} characters; its first line must be a header"
        raise FileError(msg)
    counts = Counter(name for name in header if name)
    used = set(counts)
    seen: Counter[str] = Counter()
    names: list[str] = []
    again: dict[str, list[str]] = {}
    unnamed: list[str] = []
    for position, name in enumerate(header, 1):
        new = name or f"column {position}"
        seen[name] += 1
        if (name and seen[name] > 1) or (not name and new in used):
            number = seen[name] if name else 2
            base = new
            while (new := f"{base} ({number})") in used:
                number += 1
            if name:
                again.setdefault(name, []).append(new)
        used.add(new)
        if not name:
            unnamed.append(new)
        names.append(new)
    remarks = [
        f"the header names {name} {len(others) + 1} times; the further ones are read as "
        f"{', '.join(others)}; choose with --map '{others[0]}=FIELD' or '{name}='"
        for name, others in again.items()
    ]
    if unnamed:
        remarks.append(f"columns without a name are read as {', '.join(unnamed[:10])}")
    return names, remarks


def is_footer(cells: Sequence[str], width: int, *, is_after: bool) -> bool:
    """Return whether a row seems to be the footer of a report, if no other rows follow.

    Args:
        cells: the row.
        width: the number of columns.
        is_after: whether the row before seems to be of the footer.
    """
    filled = [text for cell in cells if (text := cell.strip())]
    begin = filled[0][:_LONGEST_FOOTER] if filled else ""
    if "@" in "".join(filled):
        return bool(filled) and bool(_FOOTER.match(begin)) and len(filled) == 1
    if len(filled) == 1 and is_after:
        return True
    return (
        len(filled) < min(width, _FEW_CELLS)
        and bool(cells[0].strip())
        and bool(_FOOTER.match(begin))
    )


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

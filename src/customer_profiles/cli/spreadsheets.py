"""Guard the cells of written CSV files against spreadsheets that run formulas."""

from __future__ import annotations

import re

# A number or a phone number may begin with a sign; anything else after one may be a formula.
FORMULA = r"(?s)^([=@\t\r]|[+-].*[^0-9\s().-])"
_FORMULA = re.compile(FORMULA)


def guarded(cell: str) -> str:
    """Return a cell with a quote before it if a spreadsheet would run it as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return a cell without the quote that `guarded` added."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell

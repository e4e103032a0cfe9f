"""Describe columns of text by their values: what they contain, and whether they repeat others."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from customer_profiles.identity.preparing.normalize import pc, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.identity.arrays import Integers
    from customer_profiles.identity.preparing.prepared import Columns, Prepared, Values

Content = Literal["words", "free text", "numbers", "dates", "few values"]
"""What a column of text contains; only `words` may identify a person."""

_SAMPLED_VALUES, _MOST = 1_000, 0.9
_FEW_DISTINCT, _FEW_VALUES = 12, 0.05
"""A column has few values if it has so few, or if two random records agree on one so often."""
_FREE_WORDS = 4
"""The mean number of words of free text."""
_SAMPLED_ROWS, _FEWEST_ROWS, _SEED = 500, 30, 20_240_229
_REPEATED, _BY_CHANCE = 0.9, 0.3
"""The least share of rows whose value is made of the row's other values, and the greatest share of
rows whose value is made of another row's values."""
_MOST_SOURCES = 3
_NUMBER = re.compile(r"[\d ]+")
_DATE = re.compile(r"(?:18|19|20)\d\d ?\d\d? ?\d\d?(?: .*)?|\d\d? \d\d? (?:18|19|20)\d\d(?: .*)?")


def agreement(codes: Integers) -> float:
    """Return the probability that two random records have the same value.

    Args:
        codes: the number of each record's value among the distinct ones, or -1.
    """
    return agreement_of(np.bincount(codes[codes >= 0].ravel()))


def agreement_of(counts: Integers, times: Integers | float = 1.0) -> float:
    """Return the probability that two random records have the same value.

    Args:
        counts: numbers of records that have the same value.
        times: how many values have each of these counts.
    """
    shares = counts / max((counts * times).sum(), 1)
    return float((shares * times) @ shares)


def content_of(values: Values) -> Content:
    """Return what a column of text contains."""
    texts = values.text[:_SAMPLED_VALUES].tolist()

    def mostly(pattern: re.Pattern[str]) -> bool:
        return sum(pattern.fullmatch(text) is not None for text in texts) >= _MOST * len(texts)

    if mostly(_DATE):
        return "dates"
    if len(values.text) <= _FEW_DISTINCT:
        return "few values"
    if mostly(_NUMBER):
        return "numbers"
    if agreement(values.codes) > _FEW_VALUES:
        return "few values"
    if sum(text.count(" ") + 1 for text in texts) >= _FREE_WORDS * len(texts):
        return "free text"
    return "words"


def repeated(columns: Columns, prepared: Prepared) -> dict[str, str]:
    """Return the columns of text that only repeat values of other columns, and why.

    Such a column is a copy, or it joins other columns, as `Ada Lovelace` joins two names. Columns
    of few values are left out: `redundant_columns` finds those that another column determines.

    Args:
        columns: all columns.
        prepared: the same, prepared.
    """
    texts = prepared.texts
    distinct = [name for name, values in texts.items() if agreement(values.codes) <= _FEW_VALUES]
    if not distinct or prepared.count < _FEWEST_ROWS:
        return {}
    draw = np.random.default_rng(_SEED)
    size = min(prepared.count, _SAMPLED_ROWS)
    rows = pa.array(np.sort(draw.choice(prepared.count, size, replace=False)))
    cells = _Cells(size)
    # The columns of known kinds come first: of two columns with equal values, the text repeats.
    for kind, names in prepared.by_kind.items():
        for name in names if kind != "text" else ():
            cells.add(name, _words(columns[name].take(rows)))
    found: dict[str, str] = {}
    for name in distinct:
        own = _words(columns[name].take(rows))
        if sources := _sources(own, cells):
            found[name] = f"it repeats {', '.join(sources)}"
        else:
            cells.add(name, own)
    return found


class _Cells:
    """The words of a sample of rows, by row and by column."""

    def __init__(self, rows: int) -> None:
        self.columns_of: list[dict[str, list[str]]] = [{} for _ in range(rows)]
        """For each row, the columns that have each word."""

    def add(self, name: str, texts: list[list[str]]) -> None:
        for columns_of, parts in zip(self.columns_of, texts, strict=True):
            for part in {*parts, "".join(parts)}:
                columns_of.setdefault(part, []).append(name)

    def has(self, row: int, part: str, sources: Sequence[str]) -> bool:
        return any(name in sources for name in self.columns_of[row].get(part, ()))


def _words(column: pa.ChunkedArray | pa.Array) -> list[list[str]]:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    # Columns in canonical order are dictionaries.
    texts = pc.fill_null(pc.cast(whole, pa.string()), "")
    return [text.split() for text in words(texts).to_pylist()]


def _sources(own: list[list[str]], cells: _Cells) -> tuple[str, ...]:
    """Return the columns whose values a column repeats: as few as make up most of its values."""
    having = [row for row, parts in enumerate(own) if parts]
    sources: list[str] = []
    while len(having) >= _FEWEST_ROWS and len(sources) < _MOST_SOURCES:
        gains = Counter(
            name
            for row in having
            for part in own[row]
            if not cells.has(row, part, sources)
            for name in cells.columns_of[row].get(part, ())
        )
        gains += Counter(
            name for row in having for name in cells.columns_of[row].get("".join(own[row]), ())
        )
        if not gains:
            return ()
        sources.append(max(gains, key=gains.__getitem__))
        if _made_of(own, cells, sources, having, having) >= _REPEATED:
            others = having[1:] + having[:1]
            is_by_chance = _made_of(own, cells, sources, having, others) > _BY_CHANCE
            return () if is_by_chance else tuple(sources)
    return ()


def _made_of(
    own: list[list[str]], cells: _Cells, sources: list[str], rows: list[int], others: list[int]
) -> float:
    """Return the share of the rows whose value consists of words of the sources in other rows."""
    made = sum(
        cells.has(other, "".join(own[row]), sources)
        or all(cells.has(other, part, sources) for part in own[row])
        for row, other in zip(rows, others, strict=True)
    )
    return made / len(rows)

"""Whole names that stand where only a part of them should: `FirstName` with both, no `LastName`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from .normalize import Coded, encode, hash_of, look_up
from .scripts import script_of

if TYPE_CHECKING:
    from collections.abc import Callable

Parts = tuple[Coded, Coded, Coded]
"""Given, middle and family names."""


class Split(NamedTuple):
    """The parts of a whole name."""

    given: str | None
    middle: str | None
    family: str | None


class Words(NamedTuple):
    """Which words, by their hashes, are given and which are family names, as a rule."""

    given: frozenset[int]
    family: frozenset[int]

    @classmethod
    def of(cls, parts: Parts) -> Words:
        """Tell from the records that have both names."""
        first, _, last = parts
        both = (first.codes >= 0) & (last.codes >= 0)
        given, family = _counted(first, both, 0), _counted(last, both, -1)
        return cls(
            frozenset(hash_of(word) for word, count in given.items() if count > family[word]),
            frozenset(hash_of(word) for word, count in family.items() if count > given[word]),
        )

    def split(self, text: str, parts: Split, place: int) -> Split | None:
        """Give the parts of a whole name, if it is one.

        Args:
            text: the name, cleaned.
            parts: what it would be as a full name.
            place: 0 if it stands where given names do, 2 if it stands where family names do.
        """
        if script_of(text):
            # These names begin with the family name, without a space.
            size = next((n for n in (2, 1) if n < len(text) and self._is_family(text[:n])), 0)
            return Split(text[size:], None, text[:size]) if size else None
        if not (parts.given and parts.family):
            return None
        is_whole = (
            self._is_family(parts.family) if place == 0 else hash_of(parts.given) in self.given
        )
        return parts if is_whole else None

    def _is_family(self, word: str) -> bool:
        return hash_of(word) in self.family


def moved(
    parts: Parts,
    given: Coded,
    family: Coded,
    split: Callable[[Coded], Parts],
    words: Words | None = None,
) -> tuple[Parts, Words | None]:
    """Split whole names in the column of given or of family names, where the other is empty.

    Args:
        parts: the names, cleaned.
        given: what stands in the column of given names.
        family: what stands in that of family names.
        split: splits full names.
        words: which words are which names; without it the other records tell.

    Returns:
        The names, and which words are which names, if there are any to split.
    """
    for whole, place in ((given, 0), (family, 2)):
        missing = parts[2 - place]
        rows = np.flatnonzero((missing.codes < 0) & (whole.codes >= 0))
        if len(rows):
            words = words or Words.of(parts)
            held, which = np.unique(whole.codes[rows], return_inverse=True)
            some = Coded(np.arange(len(held), dtype=np.int32), whole.values.take(pa.array(held)))
            first = np.unique(which, return_index=True)[1]
            cleaned = parts[place].values.take(_at(parts[place], rows[first]))
            names = zip(cleaned.to_pylist(), *map(_texts, split(some)), strict=True)
            found = [words.split(text or "", Split(*of), place) for text, *of in names]
            known = np.array([one is not None for one in found])[which]
            rows, which = rows[known], which[known]
            if len(rows):
                parts = _replaced(parts, rows, [found[one] for one in which.tolist()])
    return parts, words


def _counted(column: Coded, rows: Any, place: int) -> Counter[str]:
    counts = np.bincount(column.codes[rows], minlength=len(column.values))
    result = Counter[str]()
    for text, count in zip(column.values.to_pylist(), counts.tolist(), strict=True):
        if count:
            result[text.split(" ")[place]] += count
    return result


def _at(column: Coded, rows: Any) -> pa.Array:
    codes = column.codes[rows]
    return pa.array(codes, mask=codes < 0)


def _texts(column: Coded) -> list[str | None]:
    texts: list[str | None] = column.values.take(_at(column, slice(None))).to_pylist()
    return texts


def _replaced(parts: Parts, rows: Any, names: list[Split | None]) -> Parts:
    result = []
    for column, values in zip(parts, zip(*filter(None, names), strict=True), strict=True):
        new = encode(pa.array(values, pa.string()))
        codes = column.codes.copy()
        codes[rows] = np.where(new.codes < 0, -1, new.codes + len(column.values))
        again = encode(pa.concat_arrays([column.values, new.values]))
        result.append(Coded(look_up(again.codes, codes), again.values))
    first, second, last = result
    return first, second, last

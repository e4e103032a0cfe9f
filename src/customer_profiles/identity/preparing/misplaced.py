"""Detect full names in columns for parts of names: both names in `FirstName`, and no `LastName`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from customer_profiles.identity.scripts.letters import Script, script_of

from .normalize import Coded, encode, fill, hash_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles.identity.arrays import Integers, Mask


class FullName(NamedTuple):
    """The parts of one full name."""

    given: str | None
    middle: str | None
    family: str | None


class NameColumns(NamedTuple):
    """The parts of the names of all records."""

    given: Coded
    middle: Coded
    family: Coded


class NameWords(NamedTuple):
    """Which words are mostly given names and which mostly family names, as hashes."""

    given: frozenset[int]
    family: frozenset[int]

    @classmethod
    def from_names(cls, names: NameColumns) -> NameWords:
        """Classify words by the records that have both a given and a family name."""
        return cls.from_counts(*cls.counted(names))

    @staticmethod
    def counted(names: NameColumns) -> tuple[Counter[str], Counter[str]]:
        """Count the words of given and of family names of the records that have both."""
        both = (names.given.codes >= 0) & (names.family.codes >= 0)
        return _count(names.given, both, 0), _count(names.family, both, -1)

    @classmethod
    def from_counts(cls, given_name: Counter[str], family: Counter[str]) -> NameWords:
        """Classify words by where they occur more often."""
        return cls(
            frozenset(hash_of(word) for word, count in given_name.items() if count > family[word]),
            frozenset(hash_of(word) for word, count in family.items() if count > given_name[word]),
        )

    def split(self, text: str, parts: FullName, *, is_family: bool) -> FullName | None:
        """Return the parts of a value if it is a full name, otherwise None.

        Args:
            text: the value, cleaned.
            parts: the value, split as a full name.
            is_family: whether it comes from the column of family names, not of given names.
        """
        if script_of(text) in {Script.HAN, Script.HANGUL}:
            # Chinese and Korean names begin with the family name, often without a space after it.
            text = text.replace(" ", "")
            if hash_of(text) in (self.family if is_family else self.given):
                return None
            size = next(
                (n for n in (2, 1) if n < len(text) and hash_of(text[:n]) in self.family), 0
            )
            return FullName(text[size:], None, text[:size]) if size else None
        if not (parts.given and parts.family):
            return None
        word, known = (parts.given, self.given) if is_family else (parts.family, self.family)
        return parts if hash_of(word) in known else None


def split_misplaced_names(
    names: NameColumns,
    given_name: Coded,
    family: Coded,
    split: Callable[[Coded], NameColumns],
    words: NameWords | None = None,
) -> tuple[NameColumns, NameWords | None]:
    """Split full names in the column of given or of family names, where the other is empty.

    Args:
        names: the names, cleaned.
        given_name: the column of given names, as it was read.
        family: the column of family names, as it was read.
        split: splits a column of full names.
        words: which words are given and family names; counted from the records by default.

    Returns:
        The names, and the words if they were needed.
    """
    for column, is_family in ((given_name, False), (family, True)):
        present, missing = names.given, names.family
        if is_family:
            present, missing = missing, present
        rows = np.flatnonzero((missing.codes < 0) & (column.codes >= 0))
        if not len(rows):
            continue
        words = words or NameWords.from_names(names)
        distinct, first, which = np.unique(
            column.codes[rows], return_index=True, return_inverse=True
        )
        numbers = np.arange(len(distinct), dtype=np.int32)
        full = split(Coded(numbers, column.values.take(pa.array(distinct))))
        texts = _texts(present, rows[first])
        parts = zip(*(_texts(part, numbers) for part in full), strict=True)
        found = [
            words.split(text or "", FullName(*name), is_family=is_family)
            for text, name in zip(texts, parts, strict=True)
        ]
        is_full = np.array([name is not None for name in found])[which]
        if is_full.any():
            names = _replace(names, rows[is_full], [found[n] for n in which[is_full].tolist()])
    return names, words


def _count(column: Coded, rows: Mask, position: int) -> Counter[str]:
    """Count the first (0) or last (-1) words of the names of some records."""
    counts = np.bincount(column.codes[rows], minlength=len(column.values))
    result = Counter[str]()
    for text, count in zip(column.values.to_pylist(), counts.tolist(), strict=True):
        if count:
            result[text.split(" ")[position]] += count
    return result


def _texts(column: Coded, rows: Integers) -> list[str | None]:
    codes = column.codes[rows]
    texts: list[str | None] = column.values.take(pa.array(codes, mask=codes < 0)).to_pylist()
    return texts


def _replace(names: NameColumns, rows: Integers, found: list[FullName | None]) -> NameColumns:
    columns = []
    for column, values in zip(names, zip(*filter(None, found), strict=True), strict=True):
        new = encode(pa.array(values, pa.string()))
        kept, replaced = column.codes.copy(), np.full(len(column.codes), -1, np.int32)
        kept[rows], replaced[rows] = -1, new.codes
        columns.append(fill(Coded(kept, column.values), Coded(replaced, new.values)))
    return NameColumns(*columns)

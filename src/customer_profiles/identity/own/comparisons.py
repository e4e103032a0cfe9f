"""Comparisons and kinds of your own: levels as functions of two values."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from customer_profiles.identity.matching import comparing
from customer_profiles.identity.matching.levels import EXACT, MISSING, level_type
from customer_profiles.identity.matching.term_frequency import TEXT_SHARE, tf_of
from customer_profiles.identity.preparing.normalize import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from enum import IntEnum

    from customer_profiles.identity.arrays import Codes, Levels, Rows
    from customer_profiles.identity.matching.comparing import Found
    from customer_profiles.identity.model import TermFrequencies
    from customer_profiles.identity.preparing.prepared import Columns

    # Any: the text of one column, a tuple of the texts of several, or what `normalize` returns.
    Value: TypeAlias = Any
    Agreed: TypeAlias = tuple[int, tuple[tuple[str, str], ...]]
    """A level, and the values agreed on with their vocabulary."""

_DIFFERENT = "different"
_MOST_LEVELS = 100
_CACHED, _MOST_KNOWN = 200_000, 2_000_000


class Weight(NamedTuple):
    """Fixed probabilities of a level; what is None is estimated."""

    m: float | None = None
    """The probability of the level among records of one person."""
    u: float | None = None
    """The probability of the level among records of different people."""


_ESTIMATED = Weight()


@dataclass(frozen=True, slots=True)
class Level:
    """How similar two values can be."""

    label: str
    """The level's name in explanations."""
    test: Callable[[Value, Value], object]
    """Returns whether two values have this level. The order of the two values means nothing."""
    m: float | None = None
    """The fixed probability of the level among records of one person; by default estimated."""
    u: float | None = None
    """The fixed probability of the level among records of different people."""
    vectorised: bool = False
    """Whether `test` accepts two numpy arrays of values and returns an array of booleans."""
    term_frequency: bool = False
    """Whether rare values count more than common ones; only for equal values, see `exact`."""

    def __post_init__(self) -> None:
        if self.term_frequency and self.test is not operator.eq:
            msg = f"level {self.label!r}: only equal values have a term frequency; use Level.exact"
            raise ValueError(msg)
        check_weight(f"level {self.label!r}", self)

    @classmethod
    def exact(
        cls, *, m: float | None = None, u: float | None = None, term_frequency: bool = True
    ) -> Level:
        """Return the level of equal values.

        Args:
            m: the fixed probability among records of one person.
            u: the fixed probability among records of different people; it replaces the term
                frequencies.
            term_frequency: whether rare values count more than common ones.
        """
        return cls("exact", operator.eq, m, u, term_frequency=term_frequency and u is None)


def check_weight(what: str, weight: Level | Weight) -> None:
    """Check fixed probabilities.

    Raises:
        ValueError: one is not a probability; the message names it.
    """
    for name, value in (("m", weight.m), ("u", weight.u)):
        if value is not None and not 0 < value <= 1:
            msg = f"{what}: {name} is a probability above 0 and at most 1, not {value!r}"
            raise ValueError(msg)


@dataclass(frozen=True)
class Comparison:
    """An attribute that is compared by levels of your own.

    The levels are tried in their order; two values that have none of them are `different`. A record
    without a value is `missing`, which is no evidence. A column of text or of identifiers that such
    a comparison reads is not compared otherwise; a comparison with the name of a built-in attribute
    (`birth date`) replaces it.

    Args:
        name: the attribute's name in explanations and models.
        columns: the column that it reads, or several: tests then get tuples of texts, in which
            missing ones are None.
        levels: the levels, the most similar first.
        different: fixed probabilities of values that have no level.
        normalize: returns the form of a value that is compared, or None for no value.
        shared: whether related people may share a value, as those of one household do.
    """

    name: str
    columns: str | Sequence[str]
    levels: Sequence[Level]
    different: Weight = _ESTIMATED
    normalize: Callable[[Value], Hashable | None] | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        names = (self.columns,) if isinstance(self.columns, str) else tuple(self.columns)
        object.__setattr__(self, "columns", names)
        object.__setattr__(self, "levels", tuple(self.levels))
        labels = [level.label for level in self.levels]
        what = f"comparison {self.name!r}"
        if not self.name or not names or not labels:
            msg = f"{what} needs a name, a column and a level"
            raise ValueError(msg)
        if len({*labels, "missing", _DIFFERENT}) < len(labels) + 2 or len(labels) > _MOST_LEVELS:
            msg = (
                f"{what}: its levels need labels that differ from each other, from 'missing' and "
                f"from {_DIFFERENT!r}, and are at most {_MOST_LEVELS}; they are {labels}"
            )
            raise ValueError(msg)
        check_weight(f"{what}, level {_DIFFERENT!r}", self.different)
        check_sums(what, [Weight(level.m, level.u) for level in self.levels] + [self.different])

    @cached_property
    def _level(self) -> type[IntEnum]:
        labels = ["missing", *(level.label for level in self.levels), _DIFFERENT]
        return level_type(labels)

    @property
    def fixed(self) -> dict[int, tuple[float | None, float | None]]:
        """The fixed probabilities m and u of each level."""
        weights = [*((level.m, level.u) for level in self.levels), (*self.different,)]
        return {number: weight for number, weight in enumerate(weights, 1) if any(weight)}

    def compared(self, columns: Columns) -> comparing.Comparison:
        """Return the comparison of the records in columns.

        Raises:
            ValueError: the records lack one of its columns.
        """
        codes, values = _encoded(columns, self)
        texts = np.array([text_of(value) for value in values], object)
        level = self._level
        tf_level = next((n for n, level in enumerate(self.levels, 1) if level.term_frequency), 0)
        tf = tf_of(self.name, codes, texts, TEXT_SHARE) if tf_level else None
        array = np.empty(len(values), object)
        array[:] = values
        known: dict[int, int] = {}

        def find(i: Rows, j: Rows) -> Found:
            a, b = codes[i].astype(np.int64), codes[j].astype(np.int64)
            result = np.full(len(i), MISSING, np.uint8)
            both = np.flatnonzero((a >= 0) & (b >= 0))
            # Values are numbered in order, so the order of the two records means nothing.
            low, high = np.minimum(a, b)[both], np.maximum(a, b)[both]
            pairs, position = np.unique(low << 32 | high, return_inverse=True)
            result[both] = self._levels_of(array, pairs, known)[position]
            tf_class = np.zeros(len(i), np.uint8) if tf is None else tf.class_of[a]
            return result, tf_class

        tfs = {} if tf is None else {tf_level: tf}
        return comparing.Comparison(
            self.name, level, find, tfs, shared=self.shared, fixed=self.fixed
        )

    def _levels_of(self, values: Any, pairs: Rows, known: dict[int, int]) -> Levels:
        """Return the levels of distinct pairs of values, and remember them."""
        levels = np.array([known.get(pair, 0) for pair in pairs.tolist()], np.uint8)
        fresh = np.flatnonzero(levels == 0)
        left, right = values[pairs[fresh] >> 32], values[pairs[fresh] & 0xFFFFFFFF]
        levels[fresh] = self._tested(left, right)
        if len(known) < _MOST_KNOWN:
            known.update(zip(pairs[fresh].tolist(), levels[fresh].tolist(), strict=True))
        return levels

    def _tested(self, left: Any, right: Any) -> Levels:
        result = np.full(len(left), len(self.levels) + 1, np.uint8)
        rest = np.arange(len(left))
        for number, level in enumerate(self.levels, EXACT):
            if not len(rest):
                break
            try:
                if level.vectorised:
                    found = np.asarray(level.test(left[rest], right[rest]), bool)
                else:
                    pairs = zip(left[rest].tolist(), right[rest].tolist(), strict=True)
                    found = np.fromiter(
                        (bool(level.test(*pair)) for pair in pairs), bool, len(rest)
                    )
            except Exception as error:
                msg = (
                    f"comparison {self.name!r}: the test of the level {level.label!r} raised "
                    f"{type(error).__name__}; it gets two values that are not missing, in any order"
                )
                raise ValueError(msg) from error
            if found.shape != rest.shape:
                msg = (
                    f"comparison {self.name!r}: the vectorised test of the level {level.label!r} "
                    f"returned an array of shape {found.shape} for {len(rest)} pairs"
                )
                raise ValueError(msg)
            result[rest[found]] = number
            rest = rest[~found]
        return result

    def columns_of(self, names: Iterable[str]) -> list[str]:
        """Return which of the columns the comparison reads."""
        return [name for name in names if name in self.columns]

    def value(self, record: Mapping[str, str | None]) -> Value:
        """Return a record's value, or None if it has none."""
        texts = tuple(record.get(name) or None for name in self.columns)
        return normalized(self, texts[0] if len(texts) == 1 else texts) if any(texts) else None

    def single(self, _frequencies: TermFrequencies) -> Callable[[Value, Value], Agreed]:
        """Return the comparison of single values."""
        with_tf = {n for n, level in enumerate(self.levels, 1) if level.term_frequency}

        @lru_cache(_CACHED)
        def level_of(left: Value, right: Value) -> Agreed:
            low, high = sorted((left, right), key=text_of)
            pair = np.empty((2, 1), object)
            pair[0, 0], pair[1, 0] = low, high
            level = int(self._tested(*pair)[0])
            return level, ((self.name, text_of(left)),) if level in with_tf else ()

        return lambda left, right: (MISSING, ()) if None in (left, right) else level_of(left, right)


def check_sums(what: str, weights: Sequence[Weight]) -> None:
    """Check that fixed probabilities leave room for those that are estimated.

    Raises:
        ValueError: they do not.
    """
    for name, values in zip(("m", "u"), zip(*weights, strict=True), strict=True):
        known = [value for value in values if value is not None]
        if sum(known) > 1 + 1e-6 or (sum(known) > 1 - 1e-9 and len(known) < len(values)):
            msg = f"{what}: the fixed {name} of its levels add up to {sum(known):g}; lower them"
            raise ValueError(msg)


@dataclass(frozen=True)
class OwnKind:
    """A kind of values of your own: a normaliser and the levels by which values are compared.

    Pass it in `kinds`, for one column or for several: `kinds={"plate": LICENCE_PLATE}`.

    Args:
        levels: the levels, the most similar first.
        normalize: returns the form of a value that is compared, or None for no value.
        different: fixed probabilities of values that have no level.
        shared: whether related people may share a value.
    """

    levels: Sequence[Level]
    normalize: Callable[[str], Hashable | None] | None = None
    different: Weight = _ESTIMATED
    shared: bool = False

    def comparison(self, column: str) -> Comparison:
        """Return the comparison of a column, which has the column's name."""
        return Comparison(
            column, column, self.levels, self.different, self.normalize, shared=self.shared
        )


def text_of(value: Value) -> str:
    """Return a value as text, by which values are ordered and counted."""
    return value if isinstance(value, str) else repr(value)


def normalized(comparison: Comparison, value: Value) -> Value:
    """Return a value in the form that is compared.

    Raises:
        ValueError: the comparison's `normalize` failed.
    """
    if comparison.normalize is None:
        return value
    try:
        form = comparison.normalize(value)
        hash(form)
    except Exception as error:
        msg = (
            f"comparison {comparison.name!r}: normalize raised {type(error).__name__}, or returned "
            "what cannot be hashed"
        )
        raise ValueError(msg) from error
    return form


def column_of(columns: Columns, name: str, what: str) -> Any:
    """Return a column.

    Raises:
        ValueError: the records do not have it; the message names it and those that they have.
    """
    if name not in columns:
        msg = f"{what} reads the column {name!r}, which the records do not have: {[*columns]}"
        raise ValueError(msg)
    return columns[name]


def distinct_rows(columns: Columns, names: Sequence[str], what: str) -> tuple[Rows, list[Any]]:
    """Return the number of each record's combination of texts, and the distinct combinations."""
    coded = [encode(column_of(columns, name, what)) for name in names]
    texts = [[*column.values.to_pylist(), None] for column in coded]
    rows, numbers = np.unique(
        np.stack([column.codes for column in coded], axis=1), axis=0, return_inverse=True
    )
    tuples = [tuple(of[code] for of, code in zip(texts, row, strict=True)) for row in rows.tolist()]
    return numbers.reshape(-1), tuples


def _encoded(columns: Columns, comparison: Comparison) -> tuple[Codes, list[Value]]:
    """Return the code of each record's value, and the distinct values in their order."""
    what = f"comparison {comparison.name!r}"
    numbers, rows = distinct_rows(columns, comparison.columns, what)
    values = [comparison.value(dict(zip(comparison.columns, row, strict=True))) for row in rows]
    distinct = sorted({value for value in values if value is not None}, key=text_of)
    code_of = {value: code for code, value in enumerate(distinct)}
    codes = np.array([code_of.get(value, -1) for value in values], np.int32)
    return codes[numbers] if len(codes) else np.empty(0, np.int32), distinct

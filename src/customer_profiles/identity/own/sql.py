"""Comparisons whose levels are SQL conditions, evaluated by DuckDB."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from customer_profiles._hints.extras import install
from customer_profiles.identity.matching import comparing
from customer_profiles.identity.matching.levels import MISSING, level_type
from customer_profiles.identity.matching.scoring import Attribute
from customer_profiles.identity.matching.term_frequency import TermFrequency
from customer_profiles.identity.preparing.normalize import encode, look_up

from .comparisons import column_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from enum import IntEnum

    from duckdb import DuckDBPyConnection

    from customer_profiles.identity.arrays import Floats, Integers, Levels, Rows
    from customer_profiles.identity.matching.comparing import Found
    from customer_profiles.identity.model import TermFrequencies
    from customer_profiles.identity.preparing.prepared import Columns

    from .comparisons import Agreed

_LEAST = 1e-300
"""The least probability of a level, as splink has it."""
_MOST_CODES = 250
_NO_FREQUENCY = "\0none"
"""Stands for the values of two records without a value whose frequency counts."""
_CACHED = 20_000
# A column's value of the first record, as `"first name_l"` or `surname_l`.
_LEFT = re.compile(r'"([^"]+)_l"|\b(\w+)_l\b', re.IGNORECASE)
_LOCAL = threading.local()


class SqlLevel(NamedTuple):
    """A level of a comparison of splink."""

    label: str
    condition: str
    m: float
    u: float
    tf_column: str | None
    tf_weight: float
    tf_exact: float
    """The u probability of the exact agreement that term frequencies adjust."""
    tf_least: float
    """The least term frequency."""

    def chance(self, share: Floats) -> Floats:
        """Return the u probability of agreeing on a value that such a share of the records has."""
        ratio = np.maximum(share, self.tf_least) / self.tf_exact
        return np.asarray(self.u * ratio**self.tf_weight)


@dataclass(frozen=True)
class SqlComparison:
    """A comparison of splink: levels as SQL conditions."""

    name: str
    levels: tuple[SqlLevel, ...]
    conditions: tuple[tuple[str, int], ...]
    """The conditions in the order in which they are tried, and the numbers of their levels."""

    @cached_property
    def _level(self) -> type[IntEnum]:
        return level_type(["missing", *(level.label for level in self.levels)])

    @cached_property
    def _sql(self) -> str:
        whens = " ".join(f"WHEN {sql} THEN {n}" for sql, n in self.conditions if not is_else(sql))
        last = next((n for sql, n in self.conditions if is_else(sql)), MISSING)
        return f"CAST(CASE {whens} ELSE {last} END AS UTINYINT) AS level"

    @cached_property
    def _named(self) -> list[str]:
        """The columns that the conditions name, by their values on the left."""
        return [
            quoted or plain for sql, _ in self.conditions for quoted, plain in _LEFT.findall(sql)
        ]

    def columns_of(self, names: Iterable[str]) -> list[str]:
        """Return which of the columns the conditions read."""
        text = " ".join(condition for condition, _ in self.conditions).lower()
        tf = {level.tf_column for level in self.levels}
        return [name for name in names if name in tf or f"{name.lower()}_l" in text]

    def levels_of(self, left: Mapping[str, pa.Array], right: Mapping[str, pa.Array]) -> Levels:
        """Return the level of each pair of rows.

        Raises:
            ValueError: a condition cannot be evaluated; the message names the comparison.
        """
        pairs = {f"{name}_l": column for name, column in left.items()}
        pairs |= {f"{name}_r": column for name, column in right.items()}
        with connection(f"comparison {self.name!r}") as duck:
            table = duck.from_arrow(pa.table(pairs)).project(self._sql).to_arrow_table()
        return np.asarray(table["level"].to_numpy(), np.uint8)

    def compared(self, columns: Columns) -> Compiled:
        """Return the comparison of the records in columns, with its weights.

        Raises:
            ValueError: the records lack a column whose term frequencies count.
        """
        read = {name: columns[name] for name in self.columns_of(columns)}
        read = {
            name: column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            for name, column in read.items()
        }
        if not read:
            names = [*dict.fromkeys(self._named)]
            msg = f"comparison {self.name!r} reads {names}, no column of the records"
            raise ValueError(msg)
        with_tf = [(n, level) for n, level in enumerate(self.levels, 1) if level.tf_column]
        most = (_MOST_CODES - len(self.levels)) // max(len(with_tf), 1)
        tf_columns = dict.fromkeys(level.tf_column for _, level in with_tf if level.tf_column)
        tfs = {name: self._frequencies(columns, name, most) for name in tf_columns}

        def find(i: Rows, j: Rows) -> Found:
            left = {name: column.take(pa.array(i)) for name, column in read.items()}
            right = {name: column.take(pa.array(j)) for name, column in read.items()}
            level = self.levels_of(left, right)
            tf_class = np.zeros(len(i), np.uint8)
            for number, of_level in with_tf:
                at = np.flatnonzero(level == number)
                of_rows = tfs[of_level.tf_column or ""].of_rows
                a, b = of_rows[i[at]], of_rows[j[at]]
                tf_class[at] = np.where(np.minimum(a, b) == 0, np.maximum(a, b), np.minimum(a, b))
            return level, tf_class

        count = len(next(iter(columns.values())))
        by_level = {number: tfs[level.tf_column or ""] for number, level in with_tf}
        return Compiled(
            self.name, self._level, find, dict(by_level), attribute=self._attribute(by_level),
            records=count,
        )  # fmt: skip

    def _frequencies(self, columns: Columns, name: str, most: int) -> SqlTermFrequency:
        """Return the term frequencies of a column in at most so many classes."""
        coded = encode(column_of(columns, name, f"comparison {self.name!r}"))
        counts = np.bincount(coded.codes[coded.codes >= 0], minlength=len(coded.values))
        class_of, of_classes = classes_of(counts, most - 1)
        texts = [*coded.values.to_pylist(), _NO_FREQUENCY]
        return SqlTermFrequency(
            # The first class stands for no frequency.
            class_of=np.append(class_of + 1, [0, 0]).astype(np.uint8),
            share=np.append(1.0, of_classes / max(int(counts.sum()), 1)),
            pairs=np.zeros(len(of_classes) + 1),
            name=self.vocabulary(name),
            rarest=len(of_classes),
            text=texts.__getitem__,
            of_rows=look_up((class_of + 1).astype(np.uint8), coded.codes, 0),
        )

    def vocabulary(self, column: str) -> str:
        """Return the name under which the term frequencies of a column are stored."""
        return f"{self.name}\0{column}"

    def _attribute(self, by_level: Mapping[int, SqlTermFrequency]) -> Attribute:
        sizes = [1] + [
            len(by_level[number].share) if number in by_level else 1
            for number in range(1, len(self.levels) + 1)
        ]
        level_of = np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes)
        match = np.array([1.0, *(max(level.m, _LEAST) for level in self.levels)])
        chance = np.array([1.0, *(max(level.u, _LEAST) for level in self.levels)])
        share, strangers = np.ones(len(level_of)), np.ones(len(level_of))
        for number, tf in by_level.items():
            level, codes = self.levels[number - 1], level_of == number
            share[codes] = tf.share
            adjusted = np.append(level.u, level.chance(tf.share[1:]))
            strangers[codes] = adjusted / tf.share
        return Attribute(
            name=self.name,
            levels=tuple(level.name for level in self._level),
            # Related pairs have the densities of other pairs.
            shared=True,
            implied_by=(),
            level_of=level_of,
            has_tf=np.isin(level_of, [*by_level]),
            share=share,
            pairs=np.zeros(len(level_of)),
            group=np.arange(len(level_of)),
            observed=chance.copy(),
            match=match,
            related=chance.copy(),
            chance=chance,
            strangers=strangers,
        )

    def value(self, record: Mapping[str, str | None]) -> tuple[tuple[str, str | None], ...]:
        """Return the names and texts of the columns that the comparison reads."""
        return tuple((name, record.get(name)) for name in self.columns_of(record))

    def single(self, frequencies: TermFrequencies) -> Callable[[Any, Any], Agreed]:
        """Return the comparison of single values."""

        @lru_cache(_CACHED)
        def compare(left: Any, right: Any) -> Agreed:
            a, b = dict(left), dict(right)
            known = dict.fromkeys([*a, *b])
            # A record may lack columns that the conditions name.
            lower = {name.lower() for name in known}
            names = [*known, *dict.fromkeys(n for n in self._named if n.lower() not in lower)]
            level = int(
                self.levels_of(*(
                    {name: pa.array([of.get(name)], pa.string()) for name in names} for of in (a, b)
                ))[0]
            )  # fmt: skip
            column = self.levels[level - 1].tf_column if level else None
            if column is None:
                return level, ()
            name = self.vocabulary(column)
            texts = [text for text in (a.get(column), b.get(column)) if text is not None]
            # The more common of two different values counts.
            text = min(texts, key=lambda text: frequencies.class_of(name, text), default=None)
            return level, ((name, _NO_FREQUENCY if text is None else text),)

        return compare


@dataclass(slots=True)
class SqlTermFrequency(TermFrequency):
    """The term frequencies of a column as splink counts them, in classes of equal counts."""

    of_rows: Integers
    """The class of each record's value; 0 without a value."""

    @property
    def common(self) -> int:
        """The rarest class that a model stores: all but the rarest."""
        return self.rarest - 1


@dataclass(frozen=True, slots=True)
class Compiled(comparing.Comparison):
    """A comparison of splink for some records, with its weights."""

    attribute: Attribute | None = None
    records: int = 0

    @property
    def levels(self) -> tuple[str, ...]:
        """The label of each level."""
        return self.weighted.levels

    @property
    def level_of(self) -> Levels:
        """The level of each code."""
        return self.weighted.level_of

    @property
    def weighted(self) -> Attribute:
        """The weights."""
        if self.attribute is None:  # pragma: no cover  (a dataclass's field needs a default)
            raise AttributeError
        return self.attribute

    def codes(self, i: Rows, j: Rows) -> Levels:
        """Compare pairs and return the code of each: its level and term-frequency class."""
        level, tf_class = self.find(i, j)
        first = np.array(self.weighted.first_codes(), np.uint8)
        return first[level] + tf_class


def is_else(condition: str) -> bool:
    """Return whether a condition is that of all other pairs."""
    return condition.strip().upper() == "ELSE"


def classes_of(counts: Integers, most: int) -> tuple[Rows, Floats]:
    """Return the class of each value by its count, the most common first, and the classes' counts.

    Each count is a class of its own, unless that would be too many: then similar counts share one.
    """
    distinct, number = np.unique(-counts, return_inverse=True)
    logs = np.log(np.maximum(-distinct, 1))
    step, bins = 0.0, np.arange(len(distinct))
    while len(np.unique(bins)) > most:
        step = max(step * 1.5, 0.005)
        bins = np.unique(np.round(-logs / step), return_inverse=True)[1]
    sizes = np.maximum(np.bincount(bins), 1)
    return bins[number], np.exp(np.bincount(bins, weights=logs) / sizes)


@contextmanager
def connection(what: str) -> Iterator[DuckDBPyConnection]:
    """Return this thread's connection to DuckDB.

    Raises:
        ValueError: DuckDB refuses the SQL; the message names what it belongs to.
        ModuleNotFoundError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        msg = f"models of splink need duckdb: {install('splink')}"
        raise ModuleNotFoundError(msg, name=error.name) from error
    if not hasattr(_LOCAL, "connection"):
        # A model is data: its SQL must not read or write files.
        _LOCAL.connection = duckdb.connect(config={"enable_external_access": "false"})
        _LOCAL.connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    try:
        yield _LOCAL.connection
    except duckdb.Error as error:
        msg = f"{what} cannot be evaluated: {str(error).splitlines()[0]}"
        raise ValueError(msg) from error

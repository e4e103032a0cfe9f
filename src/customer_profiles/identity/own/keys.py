"""Blocking keys of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from customer_profiles.identity.single.keys import BUILT_IN
from customer_profiles.identity.single.record import words

from .comparisons import column_of, distinct_rows

if TYPE_CHECKING:
    from customer_profiles.identity.arrays import Codes, Texts
    from customer_profiles.identity.preparing.prepared import Columns

Row: TypeAlias = Mapping[str, str | None]
"""A record's texts by column."""
KeyFunction: TypeAlias = Callable[[Row], str | Iterable[str] | None]
BlockingKey: TypeAlias = str | Sequence[str] | KeyFunction
"""A column, several columns, or a function that returns a record's key, its keys, or None.

In place of columns, a key may combine the parts of records of the built-in keys, such as
("given sound", "postal").
"""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A blocking key: records that share one of its values are compared."""

    name: str
    columns: tuple[str, ...] = ()
    """The columns whose values it combines, without regard to case, accents and punctuation; or
    parts of records, by the names that the built-in keys use."""
    are_parts: bool = False
    """Whether `columns` are parts of records."""
    function: KeyFunction | None = None

    @classmethod
    def of(cls, key: BlockingKey) -> OwnKey:
        """Make a key of what a user passes.

        Raises:
            ValueError: it is neither columns nor a function.
        """
        if callable(key):
            name = getattr(key, "__name__", type(key).__name__)
            return cls(name, function=key)
        columns = (key,) if isinstance(key, str) else tuple(key)
        if not columns or not _are_texts(columns):
            msg = f"blocking: a key is a column, several columns or a function, not {key!r}"
            raise ValueError(msg)
        return cls(", ".join(columns), columns)

    @property
    def atom(self) -> str:
        """The name of the key among the atoms of blocking keys."""
        return f"own {self.name}"

    def resolved(self, columns: Columns) -> OwnKey:
        """Return the key with what its names mean: columns of these records, or parts.

        Raises:
            ValueError: it names something that is neither.
        """
        strange = [name for name in self.columns if name not in columns]
        if strange and not set(self.columns) <= {*BUILT_IN}:
            msg = (
                f"blocking key {self.name!r}: {strange[0]!r} is no column of the records "
                f"({', '.join(columns)}), and no part of records ({', '.join(BUILT_IN)})"
            )
            raise ValueError(msg)
        return replace(self, are_parts=bool(strange))

    def values(self, row: Row) -> tuple[str, ...]:
        """Return a record's values of the key.

        Raises:
            ValueError: the function failed, or returned something else.
        """
        if self.function is None:
            texts = [words(row.get(name) or "") for name in self.columns]
            return ("\0".join(texts),) if all(texts) else ()
        try:
            found = self.function(row)
            values = (found,) if isinstance(found, str) else tuple(found or ())
        except Exception as error:
            msg = f"blocking: the key function {self.name!r} raised {type(error).__name__}"
            raise ValueError(msg) from error
        if not _are_texts(values):
            msg = f"blocking: the key function {self.name!r} returned what is not text"
            raise ValueError(msg)
        return tuple(filter(None, dict.fromkeys(values)))

    def encoded(self, columns: Columns) -> tuple[Codes, Texts]:
        """Return the codes of the records' values, of shape (records, values), and the values.

        Raises:
            ValueError: the records lack one of its columns, or the function failed.
        """
        what = f"blocking key {self.name!r}"
        if self.function is None:
            numbers, rows = distinct_rows(columns, self.columns, what)
            found = [self.values(dict(zip(self.columns, row, strict=True))) for row in rows]
        else:
            texts = {name: column_of(columns, name, what).to_pylist() for name in columns}
            found = [
                self.values(dict(zip(texts, row, strict=True)))
                for row in zip(*texts.values(), strict=True)
            ]
            numbers = np.arange(len(found))
        distinct = {text: code for code, text in enumerate({v for values in found for v in values})}
        width = max([1, *map(len, found)])
        codes = np.full((len(found), width), -1, np.int32)
        for number, values in enumerate(found):
            codes[number, : len(values)] = [distinct[value] for value in values]
        texts_of: Any = np.empty(len(distinct), object)
        texts_of[:] = [*distinct]
        return codes[numbers], texts_of


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)

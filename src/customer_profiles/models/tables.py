"""Tables of records: flat columns with stable types, as Arrow, pandas and polars have them.

The columns come from the model and not from the values, so that an empty list has them too. A
nested member is called `address.city`. The members of a mapping such as `attributes` are columns
in the order in which they first occur.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel
from pydantic_core import to_json

from customer_profiles.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

_ROWS = 10_000
"""The rows of a chunk: so many records are in memory while a table is made."""
_DIGITS, _DECIMALS = 38, 18
_COLLECTIONS = (list, set, frozenset, tuple, Collection, Iterable)


class _Leaf(NamedTuple):
    """A member of a model that is a column, or a mapping whose members are columns."""

    path: tuple[str, ...]
    type: Any
    """The type of the values: a class, `list[...]` of one, or Any for values written as JSON."""
    is_mapping: bool = False

    @property
    def name(self) -> str:
        """The column's name, or the part of it before the names of a mapping's members."""
        return ".".join(self.path)


@cache
def leaves(model: type[BaseModel]) -> tuple[_Leaf, ...]:
    """Return the columns of a model, in the order of its fields."""
    return tuple(_leaves(model, (), ()))


def _leaves(
    model: type[BaseModel], path: tuple[str, ...], outer: tuple[type[BaseModel], ...]
) -> Iterator[_Leaf]:
    for name, field in model.model_fields.items():
        plain = _plain(field.annotation)
        inner = (*path, name)
        if _is_model(plain) and plain not in outer:
            yield from _leaves(plain, inner, (*outer, model))
        elif get_origin(plain) in (dict, Mapping):
            value = _plain(get_args(plain)[1])
            is_scalar = isinstance(value, type) and not _is_model(value)
            yield _Leaf(inner, value if is_scalar else Any, is_mapping=True)
        else:
            yield _Leaf(inner, Any if _is_model(plain) else plain)


def _is_model(plain: Any) -> bool:
    return isinstance(plain, type) and issubclass(plain, BaseModel)


def _plain(annotation: Any) -> Any:
    """Return a type without None and without what validates it."""
    if hasattr(annotation, "__value__"):  # An alias of Python 3.12.
        return _plain(annotation.__value__)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(args[0])
    if origin in (Union, types.UnionType):
        kinds = {_plain(arg) for arg in args if arg is not type(None)}
        return kinds.pop() if len(kinds) == 1 else Any
    if origin is Literal:
        kinds = {type(value) for value in args}
        return kinds.pop() if len(kinds) == 1 else Any
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        kinds = {type(member.value) for member in annotation}
        return kinds.pop() if len(kinds) == 1 else Any
    return getattr(annotation, "__supertype__", annotation)


def to_arrow(
    model: type[BaseModel],
    records: Iterable[Any],
    first: Mapping[str, Callable[[Any], str | None]] | None = None,
) -> pa.Table:
    """Return a table of records.

    Args:
        model: the model of the records.
        records: the records, which are read in chunks.
        first: further columns of text before those of the model, by their names.
    """
    pa = _imported("to_arrow", "pyarrow")
    chunk: list[Any] = []
    tables: list[Any] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _ROWS:
            tables.append(_chunk(pa, model, chunk, first or {}))
            chunk = []
    if chunk or not tables:
        tables.append(_chunk(pa, model, chunk, first or {}))
    if len(tables) == 1:
        return tables[0]
    table = pa.concat_tables(tables, promote_options="default")
    # Members of mappings that only later chunks have go to the place of their mapping.
    order = [name for leaf in leaves(model) for name in table.column_names if _is_of(leaf, name)]
    return table.select([*(name for name in first or ()), *dict.fromkeys(order)])


def _is_of(leaf: _Leaf, name: str) -> bool:
    return name.startswith(f"{leaf.name}.") if leaf.is_mapping else name == leaf.name


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a table as pandas has it: with nullable integers, and dates and decimals as such."""
    pd = _imported("to_pandas", "pandas")
    pa = _imported("to_pandas", "pyarrow")
    mapped: dict[Any, Any] = {
        pa.string(): pd.StringDtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        **{
            kind: pd.ArrowDtype(kind)
            for kind in (pa.date32(), pa.time64("us"), pa.decimal128(_DIGITS, _DECIMALS))
        },
    }
    frame: Any = table.to_pandas(types_mapper=mapped.get)
    return frame


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Return a table as polars has it."""
    frame: pl.DataFrame = _imported("to_polars", "polars").from_arrow(table)
    return frame


def check_installed(method: str, *libraries: str) -> None:
    """Refuse a method whose libraries are missing, before anything is fetched for it.

    Raises:
        ModuleNotFoundError: the message says what to install.
    """
    for library in libraries:
        _imported(method, library)


def _imported(method: str, library: str) -> Any:
    from importlib import import_module

    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        needed = {"to_pandas": "pandas pyarrow", "to_polars": "polars pyarrow"}
        packages = needed.get(method, library)
        msg = (
            f"{method}() needs {packages.replace(' ', ' and ')}, and {library} is not "
            f"installed; run: pip install {packages}"
        )
        raise ModuleNotFoundError(msg, name=error.name) from None


def _chunk(
    pa: Any,
    model: type[BaseModel],
    records: list[Any],
    first: Mapping[str, Callable[[Any], str | None]],
) -> Any:
    names: list[str] = []
    arrays: list[Any] = []

    def add(name: str, values: list[Any], kind: Any) -> None:
        try:
            arrays.append(pa.array(values, kind))
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            # The library's own message contains the value.
            msg = (
                f"a value of {name} does not fit into a column of {kind}; "
                "reveal() of each record returns its values as they are"
            )
            raise InvalidInputError(msg) from None
        names.append(name)

    known = leaves(model)
    for name, read in first.items():
        if name not in {leaf.name for leaf in known}:
            add(name, [read(record) for record in records], pa.string())
    # The records, and the nested ones of each path that has any, so that each is read once.
    owners: dict[tuple[str, ...], list[Any]] = {(): records}
    for leaf in known:
        values = _members_at(owners, leaf.path)
        kind = _arrow_type(pa, leaf.type)
        if not leaf.is_mapping:
            add(leaf.name, _column(values, leaf.type), kind)
            continue
        members = dict.fromkeys(member for value in values if value for member in value)
        for member in members:
            column = [value.get(member) if value else None for value in values]
            add(f"{leaf.name}.{member}", _column(column, leaf.type), kind)
    return pa.Table.from_arrays(arrays, names=names)


def _members_at(owners: dict[tuple[str, ...], list[Any]], path: tuple[str, ...]) -> list[Any]:
    """Return a member of each record; `owners` has the nested records that are read already."""
    above = path[:-1]
    if above not in owners:
        owners[above] = _members_at(owners, above)
    name = path[-1]
    return [None if owner is None else getattr(owner, name) for owner in owners[above]]


def _column(values: list[Any], plain: Any) -> list[Any]:
    """Return values as Arrow reads them."""
    if plain in _AS_IS and {plain, type(None)}.issuperset(map(type, values)):
        return values
    return [_converted(value, plain) for value in values]


def _arrow_type(pa: Any, plain: Any) -> Any:
    """Return the Arrow type of a column's values; text for those that are written as JSON."""
    if (item := _item(plain)) is not None:
        return pa.list_(_arrow_type(pa, item))
    if _is_model(plain):
        return pa.struct([(name, _arrow_type(pa, kind)) for name, kind in _members(plain)])
    for kind, arrow in (
        (bool, pa.bool_()),
        (int, pa.int64()),
        (float, pa.float64()),
        (Decimal, pa.decimal128(_DIGITS, _DECIMALS)),
        (datetime, pa.timestamp("us", "UTC")),
        (date, pa.date32()),
        (time, pa.time64("us")),
        (bytes, pa.binary()),
    ):
        if isinstance(plain, type) and issubclass(plain, kind):
            return arrow
    return pa.string()


@cache
def _members(model: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """Return the members of a structure; mappings, and models within themselves, are JSON."""
    found = ((name, _plain(field.annotation)) for name, field in model.model_fields.items())
    return tuple((name, Any if kind is model else kind) for name, kind in found)


def _item(plain: Any) -> Any:
    """Return the type of the items of a list; None for other types."""
    origin, args = get_origin(plain), get_args(plain)
    if not (isinstance(origin, type) and issubclass(origin, _COLLECTIONS)) or not args:
        return None
    if issubclass(origin, Mapping):
        return None
    return _plain(args[0])


_AS_IS = (str, bool, int, float, Decimal, date, time, bytes)


def _converted(value: Any, plain: Any) -> Any:
    """Return a value as Arrow reads it."""
    if value is None:
        return None
    if isinstance(value, Enum):
        value = value.value
    if (item := _item(plain)) is not None:
        return [_converted(inner, item) for inner in value]
    if _is_model(plain) and isinstance(value, BaseModel):
        return {name: _converted(getattr(value, name), kind) for name, kind in _members(plain)}
    if isinstance(plain, type) and issubclass(plain, _AS_IS):
        return value
    if plain is Any or isinstance(value, (BaseModel, Mapping, list)):
        return value if isinstance(value, str) else to_json(value, by_alias=False).decode()
    return str(value)

"""Read records of any usual form into columns of text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain
from os import PathLike
from typing import Protocol, TypeAlias

import pyarrow as pa

from .normalize import empty_as_null, pc


class ArrowStream(Protocol):
    """A table that exports its data as Arrow, as those of pandas, polars and Arrow do."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table."""
        ...


Records: TypeAlias = Iterable[object] | ArrowStream
"""An iterable of mappings, a mapping of columns, or a pandas, polars or Arrow table."""

_ID_COLUMNS = ("ProfileId", "profile_id", "id", "ID", "Id", "rec_id", "record_id")


def read(records: Records, id_column: str | None = None) -> tuple[pa.Array, dict[str, pa.Array]]:
    """Return the records' ids, and their columns as text; nested values as `Address.City`.

    Raises:
        TypeError: records are of no form that can be read.
        ValueError: there is no such id column, or its values are missing or not distinct.
    """
    return read_with_id(records, id_column)[1:]


def read_with_id(
    records: Records, id_column: str | None = None
) -> tuple[str | None, pa.Array, dict[str, pa.Array]]:
    """Return the name of the id column, if there is one, and what `read` returns."""
    table = _table(records, id_column)
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    columns = {name: table.column(name) for name in table.column_names}
    if len(columns) < len(table.column_names):
        msg = "two columns of the records have the same name; rename one of them"
        raise ValueError(msg)
    id_name = _id_name(columns, id_column)
    ids = _pop_ids(columns, id_column, table.num_rows)
    # The number of records is read off the columns, so there has to be one.
    columns = columns or {"nothing": pa.nulls(table.num_rows, pa.string())}
    return id_name, ids, {name: _as_text(name, column) for name, column in columns.items()}


def _table(records: object, id_column: str | None) -> pa.Table:
    if isinstance(records, pa.Table):
        return records
    if isinstance(records, pa.RecordBatch):
        return pa.Table.from_batches([records])
    to_arrow = getattr(records, "to_arrow", None)
    if to_arrow is not None:
        return to_arrow()
    if hasattr(records, "__arrow_c_stream__"):
        return pa.table(records)
    if isinstance(records, Mapping):
        return pa.table(dict(records))
    if isinstance(records, Iterable) and not isinstance(records, str | bytes):
        return _from_mappings(records, id_column)
    msg = (
        "records are an iterable of mappings, a mapping of columns, or a pandas, polars or Arrow "
        f"table, not {type(records).__name__}"
    )
    if isinstance(records, str | PathLike):
        msg += "; read a file first, for example with pandas.read_csv or pyarrow.csv.read_csv"
    raise TypeError(msg)


def _from_mappings(records: Iterable[object], id_column: str | None) -> pa.Table:
    rows, mappings = [], []
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            msg = f"record {number} is not a mapping but {type(record).__name__}"
            raise TypeError(msg)
        rows.append(dict(flatten(record)))
        mappings.append(record)
    names = dict.fromkeys(chain.from_iterable(rows))
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    name = _id_name(columns, id_column)
    if name is not None and name in columns:
        ids = [record.get(name) for record in mappings]
        if not any(isinstance(value, Mapping | list) for value in ids):
            # Ids are returned to the caller in their own type.
            columns[name] = _id_array(name, ids)
    # A table without columns has no rows.
    return pa.table(columns or {"nothing": pa.nulls(len(rows), pa.string())})


def _id_array(name: str, ids: list[object]) -> pa.Array:
    array = None
    with suppress(pa.ArrowException, OverflowError, TypeError):
        array = pa.array(ids)
    if array is None or isinstance(array.type, pa.BaseExtensionType):
        # Raised outside the suppressed block: Arrow's own message may quote an id.
        msg = f"id_column: ids in {name!r} are not all text or all numbers below 2**63"
        raise ValueError(msg)
    return array


def _text_of(value: object) -> str | None:
    """Return a value as Arrow casts it to text; None for the missing values of pandas."""
    if value is None or type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def flatten(record: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, str | None]]:
    """Yield a record's columns and their values as text, nested ones as `Address.City`."""
    for name, value in record.items():
        if type(value) is str:
            yield prefix + name, value
        elif isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple | set):
            for number, item in enumerate(value, 1):
                yield f"{prefix}{name}{number}", _text_of(item)
        else:
            yield prefix + name, _text_of(value)


def _pop_ids(columns: dict[str, pa.ChunkedArray], id_column: str | None, count: int) -> pa.Array:
    """Remove the id column from the columns and return it; without one, number the rows from 0."""
    if id_column is not None and id_column not in columns:
        msg = f"id_column: the records have no column {id_column!r}"
        raise ValueError(msg)
    name = _id_name(columns, id_column)
    if name is None:
        return pa.array(range(count), pa.int64())
    ids = columns.pop(name).combine_chunks()
    if ids.null_count:
        msg = f"id_column: {name!r} has {ids.null_count} records without an id"
        raise ValueError(msg)
    if len(pc.unique(ids)) < count:
        msg = f"id_column: ids in {name!r} are not distinct; name another column"
        raise ValueError(msg)
    return ids


def _id_name(columns: Mapping[str, pa.ChunkedArray], id_column: str | None) -> str | None:
    return id_column or next((name for name in _ID_COLUMNS if name in columns), None)


def _as_text(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        msg = (
            f"column {name!r} holds {column.type}, and only text, numbers and dates are compared; "
            f"leave it out, or make columns such as '{name}1' and '{name}2' of it"
        )
        raise ValueError(msg)
    try:
        text = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        msg = f"column {name!r} holds {column.type}, which is not text; leave it out or cast it"
        raise ValueError(msg) from error
    return empty_as_null(text) if pc.any(pc.equal(text, "")).as_py() else text

"""Reading records of any usual form into columns of text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import pyarrow as pa

from .normalize import pc

Records = Any
"""An iterable of mappings, a mapping of columns, or a pandas, polars or Arrow table."""

_ID_COLUMNS = ("ProfileId", "profile_id", "id", "ID", "Id", "rec_id", "record_id")


def read(records: Records, id_column: str | None = None) -> tuple[pa.Array, dict[str, pa.Array]]:
    """Give the records' ids and their columns, each as text; nested ones as `Address.City`.

    Raises:
        TypeError: records are of no form that can be read.
        ValueError: there is no such id column, or its values are missing or not distinct.
    """
    table = _table(records, id_column)
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    columns = {name: table.column(name) for name in table.column_names}
    if len(columns) < len(table.column_names):
        msg = "two columns have the same name"
        raise ValueError(msg)
    ids = _ids(columns, id_column, table.num_rows)
    # Without a column nothing would tell how many records there are.
    columns = columns or {"nothing": pa.nulls(table.num_rows, pa.string())}
    return ids, {name: _text(name, column) for name, column in columns.items()}


def _table(records: Records, id_column: str | None) -> pa.Table:
    if isinstance(records, pa.Table):
        return records
    if isinstance(records, pa.RecordBatch):
        return pa.Table.from_batches([records])
    if hasattr(records, "to_arrow"):
        return records.to_arrow()
    if hasattr(records, "__arrow_c_stream__"):
        return pa.table(records)
    if isinstance(records, Mapping):
        return pa.table({name: _list_of(values) for name, values in records.items()})
    if isinstance(records, Iterable) and not isinstance(records, str | bytes):
        return _from_mappings(records, id_column)
    msg = (
        "records are an iterable of mappings, a mapping of columns, or a pandas, polars or Arrow "
        f"table, not {type(records).__name__}"
    )
    raise TypeError(msg)


def _list_of(values: Any) -> Any:
    return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)


def _from_mappings(records: Iterable[Any], id_column: str | None) -> pa.Table:
    rows, ids = [], []
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            msg = f"record {number} is not a mapping but {type(record).__name__}"
            raise TypeError(msg)
        rows.append(dict(flat(record)))
        ids.append(record)
    names = dict.fromkeys(chain.from_iterable(rows))
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    name = _id_name(columns, id_column)
    if (
        name is not None
        and name in columns
        and not any(isinstance(it.get(name), Mapping | list) for it in ids)
    ):
        # Ids are given back as they came.
        columns[name] = _ids_as_they_came(name, [record.get(name) for record in ids])
    # A table without columns has no rows.
    return pa.table(columns or {"nothing": pa.nulls(len(rows), pa.string())})


def _ids_as_they_came(name: str, ids: list[Any]) -> pa.Array:
    array = None
    with suppress(pa.ArrowException, OverflowError, TypeError):
        array = pa.array(ids)
    if array is None or isinstance(array.type, pa.BaseExtensionType):
        # Arrow's own words may hold an id.
        msg = f"id_column: ids in {name!r} are not all text or all numbers below 2**63"
        raise ValueError(msg)
    return array


def _text_of(value: Any) -> str | None:
    """Give a value as text, as Arrow does: what pandas has where nothing is, is nothing."""
    if value is None or type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def flat(record: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str | None]]:
    """Yield a record's columns and their values as text, nested ones as `Address.City`."""
    for name, value in record.items():
        if type(value) is str:
            yield before + name, value
        elif isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        elif isinstance(value, list | tuple | set):
            for place, one in enumerate(value, 1):
                yield f"{before}{name}{place}", _text_of(one)
        else:
            yield before + name, _text_of(value)


def _ids(columns: dict[str, Any], id_column: str | None, count: int) -> pa.Array:
    """Take the column of ids out of the columns; without one, rows are numbered from 0."""
    if id_column is not None and id_column not in columns:
        msg = f"id_column: the records have no column {id_column!r}"
        raise ValueError(msg)
    name = _id_name(columns, id_column)
    if name is None:
        return pa.array(range(count), pa.int64())
    ids = columns.pop(name)
    ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    if ids.null_count:
        msg = f"id_column: {name!r} has {ids.null_count} records without an id"
        raise ValueError(msg)
    if len(pc.unique(ids)) < count:
        msg = f"id_column: ids in {name!r} are not distinct; name another column"
        raise ValueError(msg)
    return ids


def _id_name(columns: Mapping[str, Any], id_column: str | None) -> str | None:
    return id_column or next((one for one in _ID_COLUMNS if one in columns), None)


def _text(name: str, column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        msg = f"column {name!r} holds {column.type}; only text, numbers and dates are compared"
        raise ValueError(msg)
    try:
        text = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    except pa.ArrowNotImplementedError as error:
        msg = f"column {name!r} holds {column.type}, which is not text; leave it out or cast it"
        raise ValueError(msg) from error
    empty = pc.equal(text, "")
    if not pc.any(empty).as_py():
        return text
    return pc.if_else(empty, pa.scalar(None, pa.string()), text)

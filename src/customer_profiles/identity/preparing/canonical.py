"""Put records into an order that follows from their values.

Samples are drawn, values numbered, sums added and ties broken in the order of rows and columns. In
an order that follows from the values, the result is the same however the records were sorted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from .normalize import Coded, encode, hash_of, hashes_of, look_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from customer_profiles.identity.arrays import Hashes, Rows


def _add(total: Hashes, by_name: Hashes, name: str, of_rows: Hashes) -> None:
    """Add the hashes of a column's values to the numbers by which records are sorted."""
    total += of_rows
    # Records may have the same values in other columns.
    of_rows *= np.uint64(2 * hash_of(name) + 1)
    by_name += of_rows ^ (of_rows >> np.uint64(31))


def canonical_numbers(columns: Mapping[str, pa.ChunkedArray]) -> tuple[Hashes, Hashes]:
    """Return the numbers by which `in_canonical_order` sorts records, the first one first."""
    total = np.zeros(len(next(iter(columns.values()))), np.uint64)
    by_name = total.copy()
    for name in sorted(columns):
        column = encode(columns[name])
        hashes = np.append(hashes_of(column.values), np.uint64(0))
        _add(total, by_name, name, hashes[column.codes])
    return total, by_name


def in_canonical_order(
    columns: Mapping[str, pa.ChunkedArray], pool: Executor, ties: Rows | None = None
) -> tuple[dict[str, pa.DictionaryArray], Rows]:
    """Sort columns by their names, and records and distinct values by hashes of their text.

    Args:
        columns: the records.
        pool: encodes several columns at a time.
        ties: numbers that order the records whose values are equal.

    Returns:
        The columns, dictionary-encoded, and the former row of each record.
    """

    def sort(name: str) -> tuple[Coded, Hashes]:
        column = encode(columns[name])
        hashes = hashes_of(column.values)
        order = np.argsort(hashes)
        numbers = np.empty(len(order), np.int32)
        numbers[order] = np.arange(len(order), dtype=np.int32)
        codes = look_up(numbers, column.codes)
        return Coded(codes, column.values.take(pa.array(order))), hashes[order]

    names = sorted(columns)
    total = np.zeros(len(columns[names[0]]), np.uint64)
    by_name = total.copy()
    coded: list[Coded] = []
    for name, (column, hashes) in zip(names, pool.map(sort, names), strict=True):
        _add(total, by_name, name, np.append(hashes, np.uint64(0))[column.codes])
        coded.append(column)
    # Other names of the columns give another order only where values do not tell records apart.
    order = np.argsort(total, kind="stable")
    equal = total[order][1:] == total[order][:-1]
    if equal.any():
        rows = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        tied = order[rows]
        keys = (by_name[tied], total[tied])
        order[rows] = tied[np.lexsort(keys if ties is None else (ties[tied], *keys))]

    def permute(column: Coded) -> pa.DictionaryArray:
        codes = column.codes[order]
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), column.values)

    return dict(zip(names, pool.map(permute, coded), strict=True)), order

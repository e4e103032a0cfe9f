"""Read Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .records import Record, RecordTable
from .table import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .source import Source

_BATCH = 5_000


def open_parquet(source: Source) -> RecordTable:
    """Open a Parquet file, which is read a batch at a time.

    Raises:
        FileError: the file is damaged, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        msg = "a Parquet file needs pyarrow; install the extra `identity`, or pyarrow alone"
        raise FileError(msg) from error
    try:
        file = parquet.ParquetFile(source.whole())
    except (pa.ArrowException, OSError) as error:
        msg = "the Parquet file is damaged or cut"
        raise FileError(msg) from error
    table = RecordTable(source, "Parquet", _records(file, pa))
    table.unit = "row"
    return table


def _records(file: Any, pa: Any) -> Iterator[Record]:
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH):
            for value in batch.to_pylist():
                number += 1
                yield Record(number, value)
    except (pa.ArrowException, OSError):
        yield Record(number + 1, None, "", "the Parquet file is damaged from about here on")

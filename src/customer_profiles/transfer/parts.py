"""The parts of an export: files of rows, as JSON lines or Parquet."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from customer_profiles.errors import TransferError
from customer_profiles.models.profile import Profile
from customer_profiles.models.tables import check_installed, leaves
from customer_profiles.repositories.private_files import private_file

from .manifest import FileEntry, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .manifest import PartFormat

Row = dict[str, Any]

_BATCH = 1_000
_ROW = "row"
"""The column of Parquet files that has the whole row as JSON."""


def check_format(part_format: PartFormat) -> None:
    """Refuse Parquet without pyarrow."""
    if part_format == "parquet":
        check_installed("an export as Parquet", "pyarrow")


class PartWriter:
    """Writes one part, which appears under its name when it is closed.

    Args:
        folder: the folder of the export.
        kind: what the rows are.
        number: the part's number among those of its kind.
        part_format: jsonl or parquet.
    """

    def __init__(self, folder: Path, kind: Any, number: int, part_format: PartFormat) -> None:
        self._name = f"{kind}-{number:05}.{part_format}"
        self._folder, self._kind = folder, kind
        self._stack = ExitStack()
        self._file = self._stack.enter_context(private_file(folder / self._name))
        self._table = None if part_format == "jsonl" else _Table(self._file, kind)
        self.rows: int = 0

    def write(self, row: Row) -> None:
        """Add a row."""
        self.rows += 1
        if self._table is None:
            self._file.write(_json(row).encode() + b"\n")
        else:
            self._table.write(row)

    def close(self) -> FileEntry:
        """Write what is left, and return the entry of the manifest."""
        try:
            if self._table is not None:
                self._table.close()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self._stack.close()
        path = self._folder / self._name
        return FileEntry(
            name=self._name,
            kind=self._kind,
            rows=self.rows,
            bytes=path.stat().st_size,
            sha256=hash_of(path),
        )

    def discard(self, error: BaseException) -> None:
        """Remove the part that was not finished."""
        self._stack.__exit__(type(error), error, error.__traceback__)


class _Table:
    """Writes rows as Parquet: a column for each field, and the whole row as JSON."""

    def __init__(self, file: Any, kind: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._is_profiles = kind == "profiles"
        names = [*_profile_columns(), _ROW] if self._is_profiles else _COLUMNS[kind]
        self._schema = pa.schema([(name, pa.string()) for name in names])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Mapping[str, Any]] = []

    def write(self, row: Row) -> None:
        self._rows.append({**_flat(row), _ROW: _json(row)} if self._is_profiles else row)
        if len(self._rows) == _BATCH:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        self._flush()
        self._writer.close()


_COLUMNS = {"objects": ["ProfileId", "ObjectTypeName", "ProfileObjectUniqueKey", "Object"]}


@cache
def _profile_columns() -> list[str]:
    names = [leaf.name for leaf in leaves(Profile) if leaf.name != "found_by"]
    return [*names, "added_keys"]


def _flat(row: Row) -> dict[str, str | None]:
    profile = Profile._from_wire(row["Profile"])
    found: dict[str, str | None] = {"added_keys": _text(row.get("AddedKeys"))}
    for leaf in leaves(Profile):
        value: Any = profile
        for step in leaf.path:
            value = getattr(value, step, None)
        found[leaf.name] = _text(value)
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    plain = [item.reveal() for item in value] if isinstance(value, list) else value
    return _json(plain)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_rows(folder: Path, entries: list[FileEntry], start: int = 0) -> Iterator[Row]:
    """Yield the rows of parts in their order.

    Args:
        folder: the folder of the export.
        entries: the parts.
        start: how many rows to leave out at the beginning.

    Raises:
        TransferError: a row cannot be read.
    """
    for entry in entries:
        if start >= entry.rows:
            start -= entry.rows
            continue
        path = folder / entry.name
        rows = _read_parquet(path) if entry.name.endswith(".parquet") else _read_lines(path)
        yield from islice(rows, start, None)
        start = 0


def _read_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                msg = f"{path}, line {number} is not a row of an export"
                raise TransferError(msg)
            yield row


def _read_parquet(path: Path) -> Iterator[Row]:
    check_installed("an import of Parquet", "pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            columns = [_ROW] if _ROW in names else names
            for batch in file.iter_batches(_BATCH, columns=columns):
                for row in batch.to_pylist():
                    yield json.loads(row[_ROW]) if _ROW in row else row
    except (pa.ArrowInvalid, ValueError) as error:
        msg = f"{path} cannot be read as Parquet"
        raise TransferError(msg) from error

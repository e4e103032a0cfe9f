"""Open a file of any format as a table."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from . import encodings
from .source import Source
from .table import FileError

if TYPE_CHECKING:
    from .table import Table

_ZIP, _OLE, _PARQUET, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1", b"%PDF"
_SAMPLE = 1 << 14
_DATABASE = b"SQLite format 3\x00"


def open_table(
    raw: IO[bytes],
    name: str = "",
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Table:
    """Open a file as a table: delimited text, JSON, Parquet, a workbook or vCards.

    Args:
        raw: the file's bytes, which are read while the rows are consumed.
        name: the file's name, a hint at its format.
        delimiter: the delimiter of the columns; None finds it.
        encoding: the encoding of the text; None finds it.
        sheet: the sheet of a workbook; None finds the first with a table.

    Raises:
        FileError: the file cannot be read; the message says why.
    """
    source = Source(raw, name)
    head = source.sample
    if head.startswith((_ZIP, _OLE)):
        from .workbook import WorkbookTable

        return WorkbookTable(source, sheet)
    if sheet is not None:
        msg = "only a workbook has sheets; leave out --sheet"
        raise FileError(msg)
    if head.startswith(_PARQUET):
        from .parquet import open_parquet

        return open_parquet(source)
    if head.startswith((_DATABASE, _PDF)):
        what = "a database" if head.startswith(_DATABASE) else "a PDF"
        msg = f"the file is {what}, not a table; export it as CSV"
        raise FileError(msg)
    return _open_text(source, name.lower().removesuffix(".gz"), delimiter, encoding)


def _open_text(source: Source, name: str, delimiter: str | None, encoding: str | None) -> Table:
    found = encodings.find(source, encoding)
    is_wide = found.name.replace("-", "_").lower().startswith(("utf_16", "utf_32"))
    if not is_wide and b"\0" in source.sample[:_SAMPLE]:
        msg = "the file is binary, not text; export it as CSV"
        raise FileError(msg)
    sample = encodings.decoded_sample(source, found.name)[:_SAMPLE]
    from . import json_text, vcard

    if vcard.is_vcard(sample):
        return vcard.open_vcards(source, found)
    # Text whose delimiter is named is a table.
    is_json = name.endswith((".json", ".jsonl", ".ndjson")) or json_text.is_json(sample)
    if delimiter is None and is_json and sample.strip("\ufeff \t\r\n"):
        return json_text.open_json(source, found, name)
    from .delimited import DelimitedTable

    return DelimitedTable(source, found, delimiter)

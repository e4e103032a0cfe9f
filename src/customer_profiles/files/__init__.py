"""Read tables from files of any common format, with line numbers, problems and what was found.

The formats are delimited text in any encoding, JSON lines, JSON arrays, Parquet, workbooks and
vCard. The format is found by content; a file's name is only a hint. A file is read as a stream.
This package knows nothing of the service and of the command line.
"""

from __future__ import annotations

from .opening import open_table
from .table import FileError, ObjectLine, Row, Table

__all__ = ["FileError", "ObjectLine", "Row", "Table", "open_table"]

"""The records of the files that a flow of S3 pulls: CSV, JSON and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from customer_profiles.engine.service.protocol import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles._wire import Wire

_JSON_LINES, _JSON = (".jsonl", ".ndjson"), ".json"


class FileProblem(Exception):  # noqa: N818 - reported to the user, with the file's name
    """A file cannot be read; the message says why, without the file's content."""


class BadRecord(NamedTuple):
    """A record that is no JSON object: its text, and the reason."""

    text: str
    reason: str


def read(name: str, body: BinaryIO) -> Iterator[Wire | BadRecord]:
    """Yield the records of a file.

    Args:
        name: the file's name; its ending decides the format.
        body: the file's bytes, which are read while the records are consumed.

    Raises:
        FileProblem: the file cannot be read, or not to its end.
    """
    # AppFlow's S3InputFormatConfig has the format; Customer Profiles' model lacks it.
    # Assumed: files whose names end in .json, .jsonl or .ndjson are JSON, all others CSV.
    ending = name.lower()
    text = io.TextIOWrapper(body, encoding="utf-8-sig", newline="")
    try:
        if ending.endswith(_JSON_LINES):
            yield from (_object(line.strip()) for line in text if line.strip())
        elif ending.endswith(_JSON):
            yield from _json(text.read())
        else:
            yield from _csv(text)
    except UnicodeDecodeError:
        message = "it is not UTF-8"
        raise FileProblem(message) from None


def _csv(text: io.TextIOWrapper) -> Iterator[Wire | BadRecord]:
    rows = csv.reader(text, strict=True)
    try:
        header = next((row for row in rows if row), None)
        if header is None:
            return
        _check_header(header)
        for row in rows:
            if row:
                yield _record(header, row)
    except csv.Error as error:
        # The csv module's messages contain no value.
        message = f"line {rows.line_num} is not CSV: {error}"
        raise FileProblem(message) from None


def _check_header(header: list[str]) -> None:
    # AG:customer-profiles-object-type-mappings: headers with dots are not supported.
    earlier: set[str] = set()
    for number, name in enumerate(header, start=1):
        problem = (
            "is empty"
            if not name
            else "has a dot in its name, which files for Customer Profiles cannot have"
            if "." in name
            else "has the name of an earlier one"
            if name in earlier
            else None
        )
        if problem:
            message = f"column {number} of the header {problem}"
            raise FileProblem(message)
        earlier.add(name)


def _record(header: list[str], row: list[str]) -> Wire | BadRecord:
    if len(row) > len(header):
        reason = f"The row has {len(row)} values, and the header {len(header)}"
        return BadRecord(encode(row), reason)
    # Assumed: an empty value of a CSV file, or one missing at the end of a row, is left out.
    return {name: value for name, value in zip(header, row, strict=False) if value}


def _json(text: str) -> Iterator[Wire | BadRecord]:
    """Yield one object, those of a list, or else those of the lines."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        yield from (_object(line) for line in text.split("\n") if line.strip())
        return
    for record in whole if isinstance(whole, list) else [whole]:
        yield record if isinstance(record, dict) else BadRecord(encode(record), _NO_OBJECT)


def _object(line: str) -> Wire | BadRecord:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return BadRecord(line, _NO_OBJECT)
    return found if isinstance(found, dict) else BadRecord(line, _NO_OBJECT)


_NO_OBJECT = "The record is not a JSON object"

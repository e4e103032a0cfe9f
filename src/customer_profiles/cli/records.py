"""Read customers from a CSV file: columns become fields, rows keep their line numbers."""

from __future__ import annotations

import csv
import difflib
import io
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from customer_profiles import AddressFields, InvalidInputError, ProfileFields, _wire

from .spreadsheets import unguarded

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESSES = ("address", "shipping_address", "mailing_address", "billing_address")
_MEMBERS = tuple(AddressFields.__annotations__)
_TEXTS = tuple(
    name
    for name in ProfileFields.__annotations__
    if name not in (*_ADDRESSES, "attributes", "engagement_preferences")
)
_FIELDS = (*_TEXTS, *(f"{address}.{member}" for address in _ADDRESSES for member in _MEMBERS))
# Other delimiters, quoted for a shell.
_MARKS = {";": '";"', "\t": r"$'\t'", "|": '"|"'}


class Row(NamedTuple):
    """A row of the file, and the number of its first line."""

    line: int
    cells: list[str]
    problem: str = ""
    """The reason why the row could not be read."""


_NO_TEXT = "the file is not {}; give its --encoding, such as cp1252 or utf-16"


@dataclass(frozen=True)
class Mapping:
    """The fields that the columns are mapped to."""

    columns: dict[str, str]
    """The fields by column name."""
    header: list[str]
    """All columns, in the order of the file."""

    @property
    def unmapped(self) -> list[str]:
        """The columns that are not loaded."""
        return [column for column in self.header if column and column not in self.columns]

    def fields(self, cells: list[str]) -> ProfileFields:
        """Return a row's cells as keyword arguments of a profile, without the empty ones.

        Raises:
            InvalidInputError: the row has more or fewer cells than the header.
        """
        if len(cells) != len(self.header):
            msg = f"the row has {len(cells)} columns, the header has {len(self.header)}"
            raise InvalidInputError(msg)
        fields: dict[str, Any] = {}
        for column, cell in zip(self.header, cells, strict=True):
            field, value = self.columns.get(column), cell.strip()
            if field and value:
                top, _, inner = field.partition(".")
                if inner:
                    fields.setdefault(top, {})[inner] = value
                else:
                    fields[top] = value
        return cast("ProfileFields", fields)

    def in_columns(self, reason: str) -> str:
        """Return an error message with the column of each field that it names."""
        reason = reason.rpartition(" was not sent: ")[2]
        for column, field in self.columns.items():
            label = f"{column!r} ({field})".replace("\\", r"\\")
            reason = re.sub(rf"(?<![\w.]){re.escape(field)}(?![\w.])", label, reason)
        return reason


def map_columns(header: list[str], pairs: list[str]) -> Mapping:
    """Return the mapping of a header, extended by `Column=field` pairs.

    Raises:
        InvalidInputError: a pair names a column or a field that does not exist.
    """
    columns = _fields_of(header)
    for pair in pairs:
        column, equals, field = pair.rpartition("=")
        if not equals:
            msg = f"--map takes Column=field; it was {pair!r}"
            raise InvalidInputError(msg)
        if column not in header:
            raise _unknown(column, header, what="column", hint=_delimiter(header))
        if field and field not in _FIELDS and not re.fullmatch(r"attributes\..+", field):
            raise _unknown(field, [*_FIELDS, "attributes.<name>"], what="field")
        columns[column] = field
    columns = {column: field for column, field in columns.items() if field}
    twice = {field for field in columns.values() if list(columns.values()).count(field) > 1}
    if twice:
        msg = f"two columns go into one field: {', '.join(sorted(twice))}; choose with --map"
        raise InvalidInputError(msg)
    if not columns:
        hint = _delimiter(header) or "name them with --map Column=field"
        msg = f"no column is mapped to a field; {hint}"
        raise InvalidInputError(msg)
    return Mapping(columns, header)


def _fields_of(header: list[str]) -> dict[str, str]:
    """Return the fields of columns that are named like a field, or else by their meaning."""
    from customer_profiles.engine.ingestion.profile_members import members_of

    named = {column: field for column in header if (field := _field_of(column))}
    known = {column: _member_of(field) for column, field in named.items()}
    members = members_of(header, known)
    return {column: named.get(column) or _field_name(members[column]) for column in members}


def _field_name(member: str) -> str:
    return ".".join(map(_wire.field_name, member.split(".")))


def _member_of(field: str) -> str:
    return ".".join(part.title().replace("_", "") for part in field.split("."))


def _field_of(column: str) -> str | None:
    """Return the field that a header names, in any case and with any separators."""
    plain = re.sub(r"[^a-z0-9]", "", column.lower())
    for field in _TEXTS:
        if plain == field.replace("_", ""):
            return field
    for member in _MEMBERS:
        if plain == member.replace("_", ""):
            return f"address.{member}"
    return None


def _delimiter(header: list[str]) -> str:
    """Return a hint at the delimiter, if a header of one column looks like several."""
    for mark, quoted in _MARKS.items():
        if len(header) == 1 and mark in header[0]:
            return f"the header is one column; give --delimiter {quoted}"
    return ""


def _unknown(name: str, known: list[str], *, what: str, hint: str = "") -> InvalidInputError:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    guess = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"
    return InvalidInputError(f"there is no {what} {name!r}; {hint or guess}")


class CsvFile:
    """A CSV file that is read row by row, with its position."""

    def __init__(
        self, raw: IO[bytes], *, delimiter: str = ",", encoding: str = "utf-8-sig"
    ) -> None:
        self._raw = raw
        try:
            self._text = io.TextIOWrapper(raw, encoding=encoding, newline="")
            self._reader = csv.reader(self._text, delimiter=delimiter, strict=True)
            self.header: list[str] = [column.strip() for column in next(self._reader, [])]
        except UnicodeDecodeError as error:
            raise InvalidInputError(_NO_TEXT.format(encoding)) from error
        except LookupError as error:
            msg = f"there is no encoding {encoding!r}; give one such as utf-8 or cp1252"
            raise InvalidInputError(msg) from error
        except (csv.Error, TypeError) as error:
            msg = f"the header cannot be read: {error}"
            raise InvalidInputError(msg) from error
        if not any(self.header):
            msg = "the file has no header: its first line must name the columns"
            raise InvalidInputError(msg)
        if duplicates := {name for name in self.header if name and self.header.count(name) > 1}:
            msg = f"the header names columns twice: {', '.join(sorted(duplicates))}"
            raise InvalidInputError(msg)

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty, each with the number of its first line.

        A row that cannot be read has a problem instead of cells. A row that is not in the file's
        encoding is the last.
        """
        read = unguarded if self.header[:2] == ["line", "reason"] else str
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, [], f"the row cannot be read: {error}")
            except UnicodeDecodeError:
                yield Row(line, [], f"from about here on {_NO_TEXT.format(self._text.encoding)}")
                return
            else:
                if any(cell.strip() for cell in cells):
                    yield Row(line, [read(cell) for cell in cells])

    @property
    def position(self) -> int:
        """The number of bytes read; 0 if it is unknown, as for a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def release(self) -> None:
        """Detach from the file without closing it."""
        self._text.detach()

"""Reading customers from a CSV file: columns to fields, rows to keywords, with line numbers."""

from __future__ import annotations

import csv
import difflib
import io
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from customer_profiles import AddressFields, InvalidInputError, ProfileFields

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
# Some headers are so common that to demand a --map for them would be pedantic.
_USUAL = {
    "email": "email_address",
    "phone": "phone_number",
    "mobile": "mobile_phone_number",
    "mobilephone": "mobile_phone_number",
    "zip": "address.postal_code",
    "zipcode": "address.postal_code",
    "street": "address.address1",
    "company": "business_name",
}


# Other delimiters, as a shell takes them.
_MARKS = {";": '";"', "\t": r"$'\t'", "|": '"|"'}


class Row(NamedTuple):
    """A row of the file, and the line that it begins on."""

    line: int
    cells: list[str]
    problem: str = ""
    """Why the row could not be read."""


_NO_TEXT = "the file is not {}; give its --encoding, such as cp1252 or utf-16"


@dataclass(frozen=True)
class Mapping:
    """Which column goes into which field."""

    columns: dict[str, str]
    """The fields by their columns' names."""
    header: list[str]
    """All columns, in the file's order."""

    @property
    def unmapped(self) -> list[str]:
        """The columns that are not loaded."""
        return [column for column in self.header if column and column not in self.columns]

    def fields(self, cells: list[str]) -> ProfileFields:
        """Give a row's cells as the keywords of a profile; empty cells say nothing.

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
        """Say a reason in the words of the file: each field with its column."""
        reason = reason.rpartition(" was not sent: ")[2]
        for column, field in self.columns.items():
            named = f"{column!r} ({field})".replace("\\", r"\\")
            reason = re.sub(rf"(?<![\w.]){re.escape(field)}(?![\w.])", named, reason)
        return reason


def map_columns(header: list[str], pairs: list[str]) -> Mapping:
    """Work out the mapping from a header and `Column=field` pairs.

    Raises:
        InvalidInputError: a pair names a column or a field that is not there.
    """
    columns = {column: field for column in header if (field := _field_of(column))}
    for pair in pairs:
        column, equals, field = pair.rpartition("=")
        if not equals:
            msg = f"--map takes Column=field; it was {pair!r}"
            raise InvalidInputError(msg)
        if column not in header:
            raise _not_there(column, header, what="column", hint=_delimiter(header))
        if field and not _is_field(field):
            raise _not_there(field, [*_FIELDS, "attributes.<name>"], what="field")
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


def _field_of(column: str) -> str | None:
    """Give the field that a header names by itself, in any case and with any separators."""
    plain = re.sub(r"[^a-z0-9]", "", column.lower())
    for field in _TEXTS:
        if plain == field.replace("_", ""):
            return field
    for member in _MEMBERS:
        if plain == member.replace("_", ""):
            return f"address.{member}"
    return _USUAL.get(plain)


def _is_field(field: str) -> bool:
    return field in _FIELDS or bool(re.fullmatch(r"attributes\..+", field))


def _delimiter(header: list[str]) -> str:
    """Say which delimiter to give, where a header of one column looks like several."""
    for mark, given in _MARKS.items():
        if len(header) == 1 and mark in header[0]:
            return f"the header is one column; give --delimiter {given}"
    return ""


def _not_there(name: str, known: list[str], *, what: str, hint: str = "") -> InvalidInputError:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    guess = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"
    return InvalidInputError(f"there is no {what} {name!r}; {hint or guess}")


class CsvFile:
    """A CSV file that is read row by row, and knows how far it is."""

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
        """Give the rows that hold anything, each with the line that it begins on.

        A row that cannot be read has a problem in place of cells; where the file is not in its
        encoding, that row is the last.
        """
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
                    yield Row(line, cells)

    @property
    def position(self) -> int:
        """How many bytes have been read; 0 where that cannot be known, as in a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def release(self) -> None:
        """Leave the file to whoever opened it."""
        self._text.detach()

"""Normalised records as Spark columns, which the conditions of `levels` compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customer_profiles.identity.columns.addresses import SEPARATOR
from customer_profiles.identity.columns.kinds import address_of, kind_of
from customer_profiles.identity.single.compare import name_of
from customer_profiles.identity.single.record import DIGIT, split_email

from .levels import other_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from customer_profiles.identity.columns.kinds import Kind
    from customer_profiles.identity.model import TermFrequencies
    from customer_profiles.identity.single.record import Record

    Row = dict[str, Any]

ID, KEYS = "record_id", "keys"
_TEXTS = (
    *("given", "middle", "family", "suffix", "first_word", "last_word", "family_sound"),
    *("birth", "gender"),
)
_NAMES = ("given", "middle", "family")
_NUMBERS = tuple(f"{name}_{what}" for name in _NAMES for what in ("size", "script"))
_LISTS = ("formal", "emails", "locals", "phones", "phone_ends")
_OF_ADDRESS = ("street", "line", "core", "number", "city", "postal")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns the normalised records have."""

    addresses: int
    """The number of addresses."""
    others: tuple[str, ...]
    """Identifiers and texts, by the columns that hold them."""
    identifiers: frozenset[str]

    @classmethod
    def of(cls, columns: list[str], kinds: Mapping[str, Kind]) -> Layout:
        """Return the layout for records with these columns."""
        kind_by_name = {name: kinds.get(name) or kind_of(name) for name in columns}
        parts = ("street", "city", "state", "postal_code")
        addresses = {address_of(name) for name, kind in kind_by_name.items() if kind in parts}
        others = tuple(
            name for name, kind in kind_by_name.items() if kind in ("identifier", "text")
        )
        identifiers = frozenset(name for name in others if kind_by_name[name] == "identifier")
        return cls(len(addresses), others, identifiers)

    def fields(self) -> Iterator[tuple[str, pa.DataType]]:
        """Yield the names and types of the columns."""
        yield from ((name, pa.string()) for name in _TEXTS)
        yield from ((name, pa.int32()) for name in _NUMBERS)
        yield from ((name, pa.list_(pa.string())) for name in _LISTS)
        for number in range(self.addresses):
            yield from ((f"{name}_{number}", pa.string()) for name in _OF_ADDRESS)
        yield from ((other_column(name), pa.string()) for name in self.others)

    def tf_fields(self) -> Iterator[tuple[str, pa.DataType]]:
        """Yield the names and types of the columns of term-frequency classes."""
        for columns in self.vocabularies().values():
            for column in columns:
                kind = pa.map_(pa.string(), pa.int32()) if is_list(column) else pa.int32()
                yield f"{column}_tf", kind

    def values(self, record: Record) -> Row:
        """Return a record's values of these columns."""
        first, middle, last = (
            name_of(name) if name else None for name in (record.given, record.middle, record.family)
        )
        row: Row = {
            "given": record.given,
            "middle": record.middle,
            "family": record.family,
            "suffix": record.suffix,
            "first_word": last and last.first_word,
            "last_word": last and last.last_word,
            "family_sound": last and last.sound,
            "birth": f"{record.birth:08x}" if record.birth else None,
            "gender": record.gender,
            "formal": first and sorted(first.formal),
            "emails": list(record.emails) or None,
            "locals": [
                local for email in record.emails if DIGIT.search(local := split_email(email)[0])
            ],
            "phones": list(record.phones) or None,
            "phone_ends": [phone[2:] for phone in record.phones],
        }
        for part, name in zip(_NAMES, (first, middle, last), strict=True):
            if name is not None:
                row |= {f"{part}_size": name.length, f"{part}_script": name.script}
        for number, address in enumerate(record.addresses):
            line = address.line and SEPARATOR.join(filter(None, address.line))
            values = (
                address.street, line, address.core, address.number, address.city, address.postal
            )  # fmt: skip
            row |= dict(zip((f"{name}_{number}" for name in _OF_ADDRESS), values, strict=True))
        return row | {other_column(name): text for name, text in record.others.items()}

    def tf_classes(self, frequencies: TermFrequencies, values: Row) -> Row:
        """Return the term-frequency classes of a record's values."""
        classes: Row = {}
        for name, columns in self.vocabularies().items():
            for column in columns:
                value = values.get(column)
                if value and is_list(column):
                    classes[f"{column}_tf"] = [
                        (text, frequencies.class_of(name, text_of(name, text))) for text in value
                    ]
                elif value:
                    classes[f"{column}_tf"] = frequencies.class_of(name, text_of(name, value))
        return classes

    def vocabularies(self) -> dict[str, list[str]]:
        """Return the columns of each vocabulary whose term frequencies count."""
        numbers = range(self.addresses)
        columns = {
            "given": ["given"],
            "middle": ["middle"],
            "family": ["family"],
            "birth": ["birth"],
            "email": ["emails"],
            "phone": ["phones"],
            "street": [f"line_{number}" for number in numbers],
            "postal": [f"postal_{number}" for number in numbers],
            "city": [f"city_{number}" for number in numbers],
            **{name: [other_column(name)] for name in self.others},
        }
        return {name: of_name for name, of_name in columns.items() if of_name}


def text_of(name: str, value: str) -> str:
    """Return a value as `TermFrequencies` has it: numbers without leading zeros."""
    return value.lstrip("0") if name in {"birth", "phone"} else value


def is_list(column: str) -> bool:
    """Return whether a column holds several values."""
    return column in _LISTS

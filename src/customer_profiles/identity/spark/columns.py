"""Records as Spark's columns: what `spark_levels` compares, made of one record after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customer_profiles.identity.columns.addresses import SEPARATOR
from customer_profiles.identity.columns.kinds import kind_of, place_of
from customer_profiles.identity.single.compare import name_of
from customer_profiles.identity.single.record import DIGIT, split_email

from .levels import other_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from customer_profiles.identity.columns.kinds import Kind
    from customer_profiles.identity.single.record import Record

ID, KEYS = "record_id", "keys"
_TEXTS = (
    *("given", "middle", "family", "suffix", "first_word", "last_word", "family_sound"),
    *("birth", "gender"),
)
_NAMES = ("given", "middle", "family")
_NUMBERS = tuple(f"{name}_{what}" for name in _NAMES for what in ("size", "script"))
_LISTS = ("formal", "emails", "locals", "phones", "phone_ends")
_OF_PLACE = ("street", "line", "core", "number", "city", "postal")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns records have."""

    places: int
    """How many addresses."""
    others: tuple[str, ...]
    """Identifiers and texts, by the columns they come from."""
    identifiers: frozenset[str]

    @classmethod
    def of(cls, columns: list[str], kinds: Mapping[str, Kind]) -> Layout:
        """Tell from the names of the records' columns."""
        kind = {name: kinds.get(name) or kind_of(name) for name in columns}
        parts = ("street", "city", "state", "postal_code")
        places = {place_of(name) for name, one in kind.items() if one in parts}
        others = tuple(name for name, one in kind.items() if one in ("identifier", "text"))
        identifiers = frozenset(name for name in others if kind[name] == "identifier")
        return cls(len(places), others, identifiers)

    def fields(self) -> Iterator[tuple[str, pa.DataType]]:
        """Yield the columns that are compared."""
        yield from ((name, pa.string()) for name in _TEXTS)
        yield from ((name, pa.int32()) for name in _NUMBERS)
        yield from ((name, pa.list_(pa.string())) for name in _LISTS)
        for place in range(self.places):
            yield from ((f"{name}_{place}", pa.string()) for name in _OF_PLACE)
        yield from ((other_column(name), pa.string()) for name in self.others)

    def values(self, record: Record) -> dict[str, Any]:
        """Give what a record has in these columns."""
        given = name_of(record.given) if record.given else None
        middle = name_of(record.middle) if record.middle else None
        family = name_of(record.family) if record.family else None
        found: dict[str, Any] = {
            "given": record.given,
            "middle": record.middle,
            "family": record.family,
            "suffix": record.suffix,
            "first_word": family and family.first_word,
            "last_word": family and family.last_word,
            "family_sound": family and family.sound,
            "birth": f"{record.birth:08x}" if record.birth else None,
            "gender": record.gender,
            "formal": given and sorted(given.formal),
            "emails": list(record.emails) or None,
            "locals": [one for it in record.emails if DIGIT.search(one := split_email(it)[0])],
            "phones": list(record.phones) or None,
            "phone_ends": [one[2:] for one in record.phones],
        }
        for part, name in zip(_NAMES, (given, middle, family), strict=True):
            if name is not None:
                found |= {f"{part}_size": name.length, f"{part}_script": name.script}
        for place, at in enumerate(record.places):
            line = at.line and SEPARATOR.join(filter(None, at.line))
            values = (at.street, line, at.core, at.number, at.city, at.postal)
            found |= dict(zip((f"{name}_{place}" for name in _OF_PLACE), values, strict=True))
        return found | {other_column(name): it for name, it in record.others.items()}

    def lists(self) -> dict[str, list[str]]:
        """Give the columns of each list of values whose rarity counts."""
        places = range(self.places)
        found: dict[str, Any] = {
            "given": ["given"],
            "middle": ["middle"],
            "family": ["family"],
            "birth": ["birth"],
            "email": ["emails"],
            "phone": ["phones"],
            "street": [f"line_{place}" for place in places],
            "postal": [f"postal_{place}" for place in places],
            "city": [f"city_{place}" for place in places],
            **{name: [other_column(name)] for name in self.others},
        }
        return {name: columns for name, columns in found.items() if columns}


def text_of(name: str, value: str) -> str:
    """Give a value of a list as `TermFrequencies` holds it: numbers without leading zeros."""
    return value.lstrip("0") if name in {"birth", "phone"} else value


def is_list(column: str) -> bool:
    """Say whether a column holds several values."""
    return column in _LISTS

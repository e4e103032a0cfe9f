"""The keys of one record, as `blocking` makes those of many; a test holds the two equal."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from customer_profiles.identity.columns.normalize import hash_of
from customer_profiles.identity.matching.blocking import ODD

from .compare import name_of
from .record import split_email

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .record import Place, Record

_ALL = (1 << 64) - 1


def keys_of(record: Record, keys: Sequence[tuple[str, ...]]) -> set[int]:
    """Give the values of keys that a record has, as numbers of 64 bits."""
    parts: dict[str, set[int]] = {}
    found: set[int] = set()
    for salt, key in enumerate(keys):
        for name in key:
            if name not in parts:
                parts[name] = set(_atoms(record, name))
        for values in product(*(parts[name] for name in key)):
            combined = salt * 2 + 1
            for value, odd in zip(values, ODD, strict=False):
                combined = ((combined ^ value) * odd) & _ALL
                combined ^= combined >> 29
            found.add(combined)
    return found


def _atoms(record: Record, name: str) -> Iterable[int]:
    make = _MADE_OF.get(name)
    if make is not None:
        return make(record)
    _, _, column = name.partition(" ")
    return _texts(record.others.get(column))


def _texts(*texts: str | None) -> Iterable[int]:
    return [hash_of(one) for one in texts if one]


def _formal(record: Record) -> Iterable[int]:
    return _texts(*name_of(record.given).formal) if record.given else ()


def _of_name(part: str, attribute: str) -> Callable[[Record], Iterable[int]]:
    def make(record: Record) -> Iterable[int]:
        name = getattr(record, part)
        return _texts(getattr(name_of(name), attribute)) if name else ()

    return make


def _family_words(record: Record) -> Iterable[int]:
    name = name_of(record.family) if record.family else None
    return _texts(name.first_word, name.last_word) if name else ()


def _in_order(choose: Callable[[Iterable[int]], int]) -> Callable[[Record], Iterable[int]]:
    def make(record: Record) -> Iterable[int]:
        both = _texts(record.given, record.family)
        return (choose(both),) if record.given and record.family else ()

    return make


def _emails(part: int) -> Callable[[Record], Iterable[int]]:
    return lambda record: _texts(*(split_email(one)[part] for one in record.emails))


def _phones(start: int | None, end: int | None) -> Callable[[Record], Iterable[int]]:
    return lambda record: [int(one[start:end], 16) for one in record.phones]


def _birth(record: Record) -> Iterable[int]:
    return (record.birth,) if record.birth & 0xFF else ()


def _places(make: Callable[[Place], int | None]) -> Callable[[Record], Iterable[int]]:
    return lambda record: [one for it in record.places if (one := make(it)) is not None]


def _mixed(one: int, other: int) -> int:
    return (((one * ODD[0]) ^ (other * ODD[1])) & _ALL) >> 2


def _street(place: Place) -> int | None:
    if place.number and place.core:
        return _mixed(hash_of(place.number), hash_of(place.core))
    return _mixed(hash_of(place.street), hash_of(place.street)) if place.street else None


def _house(place: Place) -> int | None:
    if place.number is None or place.core is None:
        return None
    return _mixed(hash_of(place.number), hash_of(place.core.partition(" ")[0]))


def _part(name: str) -> Callable[[Record], Iterable[int]]:
    return lambda record: _texts(*(getattr(one, name) for one in record.places))


_MADE_OF: dict[str, Callable[[Record], Iterable[int]]] = {
    "given": lambda record: _texts(record.given),
    "formal given": _formal,
    "given sound": _of_name("given", "sound"),
    "initial": _of_name("given", "initial"),
    "family": lambda record: _texts(record.family),
    "family sound": _of_name("family", "sound"),
    "family initial": _of_name("family", "initial"),
    "middle": lambda record: _texts(record.middle),
    "family word": _family_words,
    "lesser name": _in_order(min),
    "greater name": _in_order(max),
    "any name": lambda record: _texts(record.given, record.family),
    "birth": _birth,
    "year": lambda record: (record.birth >> 16,) if record.birth else (),
    "day": lambda record: (record.birth & 0xFFFF,) if record.birth & 0xFF else (),
    "local": _emails(0),
    "domain": _emails(1),
    "phone end": _phones(-7, None),
    "phone tail": _phones(-4, None),
    "phone head": _phones(None, -4),
    "street": _places(_street),
    "house": _places(_house),
    "house number": _part("number"),
    "postal": _part("postal"),
    "city": _part("city"),
    "state": _part("state"),
}

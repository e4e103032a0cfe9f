"""Make the blocking keys of one record, as `matching.blocking` does for many.

Tests hold the results equal.
"""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import TYPE_CHECKING

from customer_profiles.identity.matching.blocking import (
    NAME_ENDS,
    ODD,
    OTHER_ENDS,
    OWN,
    READ_IN,
)
from customer_profiles.identity.preparing.normalize import hash_of
from customer_profiles.identity.scripts.letters import Script
from customer_profiles.identity.scripts.readings import readings

from .compare import name_of
from .record import split_email

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .record import Address, Record

    Atoms = Callable[[Record], Iterable[int]]
    """Returns the values that a record has for one component of blocking keys, as numbers."""

_ALL = (1 << 64) - 1


def keys_of(record: Record, keys: Sequence[tuple[str, ...]]) -> set[int]:
    """Return a record's blocking keys, hashed to 64 bits.

    Args:
        record: the record.
        keys: the components of each key; a component with several values yields several keys.
    """
    components: dict[str, set[int]] = {}
    result: set[int] = set()
    for salt, key in enumerate(keys):
        for name in key:
            if name not in components:
                components[name] = set(_atoms(record, name))
        for values in product(*(components[name] for name in key)):
            combined = salt * 2 + 1
            for value, odd in zip(values, ODD, strict=False):
                combined = ((combined ^ value) * odd) & _ALL
                combined ^= combined >> 29
            result.add(combined)
    return result


def _atoms(record: Record, name: str) -> Iterable[int]:
    make = _ATOMS.get(name)
    if make is not None:
        return make(record)
    if name in record.own:
        return _hashes(*record.own[name])
    if name.startswith(OWN):
        parts = [[*_atoms(record, part)] for part in name.removeprefix(OWN).split(", ")]
        return reduce(lambda left, right: [_mixed(a, b) for a in left for b in right], parts)
    part, is_reading, script = name.partition(READ_IN)
    if is_reading:
        text = getattr(record, part)
        return _hashes(*readings(text, Script[script])) if text else ()
    _, _, column = name.partition(" ")
    return _hashes(record.others.get(column))


def _hashes(*texts: str | None) -> Iterable[int]:
    return [hash_of(text) for text in texts if text]


def _of_name(part: str, *attributes: str) -> Atoms:
    def make(record: Record) -> Iterable[int]:
        name = getattr(record, part)
        return _hashes(*(getattr(name_of(name), a) for a in attributes)) if name else ()

    return make


def _of_both_names(choose: Callable[[Iterable[int]], int]) -> Atoms:
    return lambda record: (
        (choose(_hashes(record.given, record.family)),) if record.given and record.family else ()
    )


def _emails(part: int) -> Atoms:
    return lambda record: _hashes(*(split_email(email)[part] for email in record.emails))


def _phones(start: int | None, end: int | None) -> Atoms:
    return lambda record: [int(phone[start:end], 16) for phone in record.phones]


def _of_addresses(make: Callable[[Address], Iterable[int]]) -> Atoms:
    return lambda record: [atom for address in record.addresses for atom in make(address)]


def _mixed(a: int, b: int) -> int:
    return (((a * ODD[0]) ^ (b * ODD[1])) & _ALL) >> 2


def _mix(a: str, b: str) -> tuple[int]:
    return (_mixed(hash_of(a), hash_of(b)),)


def _street(address: Address) -> Iterable[int]:
    if address.number and address.core:
        return _mix(address.number, address.core)
    return _mix(address.street, address.street) if address.street else ()


def _house(address: Address) -> Iterable[int]:
    if address.number is None or address.core is None:
        return ()
    return _mix(address.number, address.core.partition(" ")[0])


def _part(name: str) -> Atoms:
    return lambda record: _hashes(*(getattr(address, name) for address in record.addresses))


def _ends_of_name(part: str, end: slice) -> Atoms:
    def make(record: Record) -> Iterable[int]:
        name: str | None = getattr(record, part)
        return _hashes(name[end]) if name else ()

    return make


def _ends_of_addresses(part: str, end: slice) -> Atoms:
    def make(address: Address) -> Iterable[int]:
        text: str | None = getattr(address, part)
        return _hashes(text[end]) if text else ()

    return _of_addresses(make)


def _ends(
    make: Callable[[str, slice], Atoms], parts: Sequence[str], sizes: Sequence[int]
) -> dict[str, Atoms]:
    """Return the atoms of the first and last letters of texts."""
    return {
        f"{part} {end} {size}": make(part, letters)
        for part in parts
        for size in sizes
        for end, letters in (("first", slice(size)), ("last", slice(-size, None)))
    }


_ATOMS: dict[str, Atoms] = {
    "given": lambda record: _hashes(record.given),
    "formal given": lambda record: _hashes(*name_of(record.given).formal) if record.given else (),
    "given sound": _of_name("given", "sound"),
    "initial": _of_name("given", "initial"),
    "family": lambda record: _hashes(record.family),
    "family sound": _of_name("family", "sound"),
    "family initial": _of_name("family", "initial"),
    "middle": lambda record: _hashes(record.middle),
    "family word": _of_name("family", "first_word", "last_word"),
    "lesser name": _of_both_names(min),
    "greater name": _of_both_names(max),
    "any name": lambda record: _hashes(record.given, record.family),
    "birth": lambda record: (record.birth,) if record.birth & 0xFF else (),
    "year": lambda record: (record.birth >> 16,) if record.birth else (),
    "day": lambda record: (record.birth & 0xFFFF,) if record.birth & 0xFF else (),
    "local": _emails(0),
    "domain": _emails(1),
    "phone end": _phones(-7, None),
    "phone tail": _phones(-4, None),
    "phone head": _phones(None, -4),
    "street": _of_addresses(_street),
    "house": _of_addresses(_house),
    "house number": _part("number"),
    "postal": _part("postal"),
    "city": _part("city"),
    "state": _part("state"),
    **_ends(_ends_of_name, ("given", "family"), NAME_ENDS),
    **_ends(_ends_of_addresses, ("postal", "city"), OTHER_ENDS),
}

BUILT_IN = tuple(_ATOMS)
"""The parts of records that blocking keys combine."""

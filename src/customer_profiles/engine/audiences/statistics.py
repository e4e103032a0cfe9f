"""The attributes of an object type, their values, and the statistics of these.

All are computed from the newest profiles or objects when they are requested. The statistics of an
attribute are kept for a day.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import accumulate
from math import ceil, fsum, sqrt
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import from_json

from customer_profiles._standard_objects import PROFILE, standard
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import attributes as store
from customer_profiles.engine.store import documents
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store.documents import Document

from .calculated_attributes import attribute_reader
from .predicates import number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.domains import DomainRow

# Reading 20,000 profiles takes a tenth of a second, and more would delay other requests.
# Assumed: attributes and values are those of the 20,000 profiles or objects written last.
# Assumed: statistics are those of the 100,000 profiles or objects written last.
# Assumed: which objects were written last follows from when they were first put.
# Assumed: objects of a type are looked for among the last million profiles and objects of a domain.
_LISTED, _COUNTED, _SEARCHED = 20_000, 100_000, 1_000_000
# The model's text on ListObjectTypeAttributes.
_MOST_ATTRIBUTES = 1_000
# API:ListObjectTypeAttributeValues says about 350 KB.
_MOST_BYTES = 350 * 1024
_LONGEST = 1_000
_SECONDS_PER_DAY = 86_400
_KIND = "attribute statistics"
_LARGEST = 10**100
_PERCENTILES = (5, 25, 50, 75, 95)


class Found(NamedTuple):
    """An attribute or a value, and when a profile or object that has it was written last."""

    name: str
    time: float


class Type(NamedTuple):
    """An object type of a domain."""

    connection: Connection
    domain: DomainRow
    name: str
    now: float
    definition: Wire
    """The definition with its template; empty for standard objects."""
    updated: float

    def bodies(self, most: int) -> Iterator[tuple[float, Wire]]:
        """Yield the newest profiles or objects with the times of their last change."""
        if self.name == PROFILE:
            lifetime = self.domain.expiration_days * _SECONDS_PER_DAY
            rows = store.newest_profiles(self.connection, self.domain.id, most)
            for expires, body in rows:
                # Assumed: an attribute's LastUpdatedAt is when a profile with it was last changed.
                # Assumed: that time is approximate after a change of DefaultExpirationDays.
                changed = max(expires - lifetime, self.domain.created)
                yield min(changed, self.now), from_json(body)
            return
        rows = store.newest_objects(
            self.connection,
            self.domain.id,
            self.name,
            most,
            rows=(self.domain.last_row, _SEARCHED),
        )
        for ingested, body in rows:
            yield ingested, from_json(body)

    @property
    def fields(self) -> dict[str, Wire]:
        """The fields of the mapping, by their names."""
        return self.definition.get("Fields") or {}


def open_type(connection: Connection, domain: DomainRow, name: str, now: float) -> Type:
    """Return an object type of a domain, or refuse."""
    if name in standard():
        return Type(connection, domain, name, now, {}, domain.created)
    stored = type_store.find(connection, domain.id, name)
    if stored is None:
        raise compiled_types.unknown(connection, domain.id, name)
    definition = compiled_types.with_template(stored.definition)
    return Type(connection, domain, name, now, definition, stored.updated)


def attributes(of: Type) -> list[Found]:
    """Return the attributes of an object type, in the order of their names."""
    # Assumed: the attributes of a type with a mapping are its fields, with values or without.
    # Assumed: those of profiles and standard objects are the members in use, without ids and lists.
    found = _used_fields(of) if of.definition else _used_members(of)
    # Assumed: attributes are listed in the order of their names.
    newest = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_ATTRIBUTES]
    return sorted(Found(*item) for item in newest)


def _used_members(of: Type) -> dict[str, float]:
    found: dict[str, float] = {}
    for time, body in of.bodies(_LISTED):
        for name in _members(body):
            if name not in found or found[name] < time:
                found[name] = time
    found.pop(standard()[of.name].id_member, None)
    return found


def _members(body: Wire, above: str = "") -> Iterator[str]:
    for name, value in body.items():
        if isinstance(value, dict):
            yield from _members(value, f"{above}{name}.")
        elif text(value) is not None:
            yield above + name


def _used_fields(of: Type) -> dict[str, float]:
    readers = {name: reader(of, name) for name in of.fields}
    # Assumed: LastUpdatedAt of a field without values is that of its object type.
    found = dict.fromkeys(readers, of.updated)
    for time, body in of.bodies(_LISTED):
        for name in [name for name, read in readers.items() if read(body) is not None]:
            # Objects come in the order in which they were first put, the newest first.
            found[name] = time
            del readers[name]
        if not readers:
            break
    return found


def values(of: Type, name: str, longest: int = _LONGEST) -> list[Found]:
    """Return the different values of an attribute, the newest first, up to about 350 KB."""
    read, latest = reader(of, name), dict[str, float]()
    for time, body in of.bodies(_LISTED):
        value = read(body)
        if value is not None and time > latest.get(value, -1.0):
            latest[value] = time
    return list(_limited(latest, longest))


def _limited(latest: dict[str, float], longest: int) -> Iterator[Found]:
    size = 0
    # Assumed: values of the same time are listed in their own order.
    for value, time in sorted(latest.items(), key=lambda item: (-item[1], item[0])):
        # Assumed: a value that is longer than an answer's value may be is not listed.
        if len(value) > longest:
            continue
        size += len(value.encode())
        if size > _MOST_BYTES:
            return
        yield Found(value, time)


def after(found: Sequence[Found], position: str) -> list[tuple[str, Found]]:
    """Return the values behind a position, each with its own position.

    A position is a time and how many values of that time come before, not a value: page tokens are
    part of URLs, and values may be about persons.
    """
    seen = Counter[float]()
    placed = []
    for item in found:
        seen[item.time] += 1
        placed.append((f"{item.time!r} {seen[item.time]}", item))
    if not position:
        return placed
    time, _, number = position.partition(" ")
    return [
        (own, item)
        for own, item in placed
        if (-item.time, int(own.partition(" ")[2])) > (-float(time), int(number))
    ]


def reader(of: Type, name: str) -> Callable[[Wire], str | None]:
    """Return the function that reads an attribute of a profile or object, or refuse its name."""
    if not of.definition:
        try:
            standard()[of.name].resolve(name)
        except ValueError as problem:
            # Assumed: an attribute that profiles and standard objects cannot have is refused.
            raise bad_request(f"AttributeName: {problem}") from None
    read = attribute_reader(of.definition)(name)
    return lambda body: text(read(body))


def kept_today(connection: Connection, domain: int, of: Type, name: str) -> Document | None:
    """Return the statistics of an attribute if they were computed today."""
    kept = documents.find(connection, domain, _KIND, _key(of, name))
    return kept if kept is not None and kept.created >= _midnight(of.now) else None


def compute(of: Type, name: str) -> Document:
    """Compute the statistics of an attribute."""
    read = reader(of, name)
    counts = Counter(read(body) for _, body in of.bodies(_COUNTED))
    return Document(_key(of, name), _described(counts), of.now, of.now)


def keep(connection: Connection, domain: int, made: Document) -> None:
    """Store statistics for the rest of the day, and remove those of earlier days."""
    # Assumed: statistics are computed at the first request of a day in UTC, and kept for the day.
    for other in documents.page(connection, domain, _KIND):
        if other.created < _midnight(made.created):
            documents.delete(connection, domain, _KIND, other.name)
    documents.put(connection, domain, _KIND, made)


def _key(of: Type, name: str) -> str:
    return json.dumps([of.name, name])


def _midnight(now: float) -> float:
    return now // _SECONDS_PER_DAY * _SECONDS_PER_DAY


def forget(connection: Connection, domain: int) -> None:
    """Remove the statistics of a domain, whose extremes may be values of a person."""
    for kept in documents.page(connection, domain, _KIND):
        documents.delete(connection, domain, _KIND, kept.name)


def _described(counts: Counter[str | None]) -> Wire:
    # Assumed: values that are no numbers do not count; without any number all members are null.
    # Assumed: numbers beyond 1E100 do not count in statistics.
    pairs = ((number(value), count) for value, count in counts.items())
    numbers = sorted(
        (float(value), count)
        for value, count in pairs
        if value is not None and abs(value) <= _LARGEST
    )
    if not numbers:
        empty = dict.fromkeys(("Maximum", "Minimum", "Average", "StandardDeviation"))
        return {**empty, "Percentiles": dict.fromkeys(f"P{share}" for share in _PERCENTILES)}
    total = sum(count for _, count in numbers)
    average = fsum(value * count for value, count in numbers) / total
    # Assumed: StandardDeviation is that of a population, and percentiles interpolate linearly.
    variance = fsum(count * (value - average) ** 2 for value, count in numbers) / total
    return {
        "Maximum": numbers[-1][0],
        "Minimum": numbers[0][0],
        "Average": average,
        "StandardDeviation": sqrt(variance),
        "Percentiles": {
            f"P{share}": _percentile(numbers, (total - 1) * share / 100) for share in _PERCENTILES
        },
    }


def _percentile(numbers: Sequence[tuple[float, int]], position: float) -> float:
    """Return the value at a position, which may be between two values."""
    below, above = int(position), ceil(position)
    lower, upper = _at(numbers, below), _at(numbers, above)
    return lower + (upper - lower) * (position - below)


def _at(numbers: Sequence[tuple[float, int]], position: int) -> float:
    ends = accumulate(count for _, count in numbers)
    return next(value for (value, _), end in zip(numbers, ends, strict=True) if position < end)

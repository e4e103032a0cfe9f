"""Calculated attributes: values that are computed from a profile's objects when they are read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from math import inf, nextafter
from operator import eq, gt, lt, ne
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json

from customer_profiles._standard_objects import PROFILE
from customer_profiles._type_rules import source_path
from customer_profiles.engine import documents
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.sources import compile_source
from customer_profiles.engine.ingestion.values import Counted, TooManyValuesError, follow
from customer_profiles.engine.service.clock import made_at
from customer_profiles.engine.service.protocol import encode
from customer_profiles.engine.store import documents as document_store
from customer_profiles.engine.store import object_types as object_type_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store

from . import expressions, predicates
from .expressions import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.documents import Scope
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.documents import Document
    from customer_profiles.engine.store.objects import CountedObject

    Read = Callable[[Wire], Any]
    Holds = Callable[[Wire], bool]
    # An object that counts, unless there are enough newer ones: its time, when it was ingested, its
    # row, and its value. Entries sort by time.
    Entry = tuple[float, float, int, Any]

NOUN = "calculated attribute definition"
"""The noun of the kind of documents."""
COVERS = "CoversDays"
"""A stored member that is not answered: how many days before its creation a definition with
historical data covers; a range that is widened later brings in no older objects."""

_DAY = 86_400
_LONGEST = 255
# Assumed: RECENT_OCCURRENCES has 100 values at most, unless ObjectCount says less.
_MOST_RECENT = 100
# Times of creation are rounded to milliseconds, those of ingestion are not.
_ROUNDING = 0.0005
_AVERAGE_UNIT = Decimal("1e-10")
_NUMERIC = frozenset(("SUM", "AVERAGE", "MINIMUM", "MAXIMUM"))
_THRESHOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQUAL_TO": eq,
    "NOT_EQUAL_TO": ne,
    "GREATER_THAN": gt,
    "LESS_THAN": lt,
}
_MOST_SECONDS = 100_000_000_000
# When the year 1 begins and the year 9999 ends.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799


class Value(NamedTuple):
    """The value of a calculated attribute for a profile."""

    text: str | None
    """The Value of answers; None without data."""
    items: tuple[str, ...] | None
    """All values of RECENT_OCCURRENCES without a threshold, of which `text` may have fewer."""
    is_partial: bool
    latest: float | None
    """The time of the newest object that counted, in epoch seconds."""

    @property
    def comparable(self) -> list[str] | str | None:
        """What the operators of conditions compare: the items of a list, else the text."""
        return self.text if self.items is None else [*self.items]


class Window(NamedTuple):
    """The times of the objects that count, in epoch seconds."""

    first: float
    last: float
    days: float | None
    """The length that must have passed until the data are no longer partial; None if unlimited."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A definition, compiled to compute values."""

    name: str
    object_type: str
    statistic: str
    conditions: Wire
    since: float
    """The earliest ingestion of objects that count, in epoch seconds."""
    covers: float
    """The earliest time of objects that count."""
    made: float
    """When the definition began to collect data."""
    read: Read
    """Returns the value of the expression for an object: a number or a text, or None."""
    time: Read | None
    """Returns the time of an object; None if that is the time of its ingestion."""
    holds: Holds | None
    """Returns whether an object passes the filter; None without a filter."""

    def values(
        self, scope: Scope, profiles: Sequence[int], override: Wire | None = None
    ) -> dict[int, Value]:
        """Compute the values of many profiles, with few queries.

        Args:
            scope: the domain and the transaction.
            profiles: the rows of profiles, which must exist.
            override: the ConditionOverrides, which replace the range.

        Returns:
            The value of each profile, by its row.
        """
        now = scope.context.clock.now()
        rows = _objects(scope, profiles, [self.object_type], now)
        return self.values_of(rows, profiles, now, override)

    def values_of(
        self,
        rows: Iterable[CountedObject],
        profiles: Sequence[int],
        now: float,
        override: Wire | None = None,
    ) -> dict[int, Value]:
        """Compute the values of profiles from the objects of the attribute's type."""
        window = self._window(now, override)
        first, last, _ = window
        # Local names, as this loop runs for each object of each profile.
        since, time_of, holds, read = self.since, self.time, self.holds, self.read
        entries: dict[int, list[Entry]] = {}
        for profile, _, ingested, row, body in rows:
            if ingested < since:
                continue
            if time_of is None:
                time = ingested
                if not first <= time <= last:
                    continue
                source = _parsed(body)
            else:
                source = _parsed(body)
                # Assumed: an object whose TimestampSource cannot be read does not count.
                time = time_of(source)
                if time is None or not first <= time <= last:
                    continue
            if holds is None or holds(source):
                entry = (time, ingested, row, read(source))
                if profile in entries:
                    entries[profile].append(entry)
                else:
                    entries[profile] = [entry]
        values = dict.fromkeys(profiles, self._value([], window, now))
        for profile, found in entries.items():
            values[profile] = self._value(found, window, now)
        return values

    def _window(self, now: float, override: Wire | None) -> Window:
        chosen = (override or self.conditions).get("Range", {})
        chosen = chosen if override else chosen.get("ValueRange") or chosen
        days: float | None = None
        first, last = -inf, inf
        if "Start" in chosen:
            start, end = chosen["Start"], chosen.get("End", 0)
            # Assumed: both ends of a ValueRange and of an override are inside.
            # Assumed: End of an override is 0 unless it is given.
            first, last, days = now - start * _DAY, now - end * _DAY, start - end
        elif chosen.get("Value"):
            # Assumed: a Range of n days is the last n times 86,400 seconds, without its beginning.
            # Assumed: a Range without Value and ValueRange, or with a Value of 0, has no limit.
            days = float(chosen["Value"])
            first, last = _after(now - days * _DAY), now
        return Window(max(first, self.covers), last, days)

    def _value(self, found: list[Entry], window: Window, now: float) -> Value:
        found.sort()
        most = self.conditions.get("ObjectCount")
        if most:
            # Assumed: ObjectCount keeps the newest of the objects that the filter and range leave.
            found, count = found[-most:], len(found)
            is_partial = count < most and not self._has_passed(window, now)
        else:
            is_partial = window.days is not None and not self._has_passed(window, now)
        # Assumed: objects without a value count for ObjectCount, but for no statistic.
        counted = [entry for entry in found if entry[-1] is not None]
        text, items = self._statistic([entry[-1] for entry in counted], now)
        threshold = self.conditions.get("Threshold")
        if threshold and text is not None:
            text, items = _compare(text, threshold), None
        return Value(text, items, is_partial, counted[-1][0] if counted else None)

    def _has_passed(self, window: Window, now: float) -> bool:
        """Return whether the length of the window has passed since data are collected."""
        return window.days is not None and now >= self.made + window.days * _DAY

    def _statistic(
        self, values: list[Any], now: float
    ) -> tuple[str | None, tuple[str, ...] | None]:
        # Assumed: without data every statistic is null, COUNT too.
        if not values:
            return None, None
        if self.statistic in _NUMERIC:
            number = _aggregate(self.statistic, values)
            return None if number is None else _number_text(number), None
        if self.statistic == "COUNT":
            return str(len(values)), None
        if self.statistic == "RECENT_OCCURRENCES":
            # Assumed: RECENT_OCCURRENCES is a JSON array, the newest first, with repetitions.
            recent = tuple(values[: -_MOST_RECENT - 1 : -1])
            return _list_text(recent), recent
        return self._occurrence(values, now), None

    def _occurrence(self, values: list[str], now: float) -> str | None:
        if self.statistic == "FIRST_OCCURRENCE":
            return values[0][:_LONGEST]
        if self.statistic == "LAST_OCCURRENCE":
            return values[-1][:_LONGEST]
        if self.statistic == "MAX_OCCURRENCE":
            # Assumed: of several values that are equally frequent, the one seen last is taken.
            counts = Counter(values)
            most = max(counts.values())
            return next(value for value in reversed(values) if counts[value] == most)[:_LONGEST]
        # Assumed: TIME_DIFFERENCE_FROM_NOW, of a default attribute, is a number of whole days.
        moment = predicates.instant(values[-1])
        return None if moment is None else str(int((now - moment) // _DAY))


def find(scope: Scope, name: str) -> Attribute | None:
    """Return an attribute of a domain by its name, ready to compute values."""
    document = documents.find(documents.KINDS[NOUN], scope, name)
    return document and load(scope, document)


def values_of_many(
    scope: Scope, wanted: Sequence[tuple[Attribute, Wire | None]], profiles: Sequence[int]
) -> list[dict[int, Value]]:
    """Compute the values of several attributes, and read each object once for all of them.

    Args:
        scope: the domain and the transaction.
        wanted: the attributes, each with its ConditionOverrides or None.
        profiles: the rows of profiles, which must exist.

    Returns:
        The value of each profile by its row, for each of the attributes in their order.
    """
    if len(wanted) == 1:
        # The times of ingestion can exclude an object before it is parsed.
        return [attribute.values(scope, profiles, override) for attribute, override in wanted]
    now = scope.context.clock.now()
    names = sorted({attribute.object_type for attribute, _ in wanted})
    rows: dict[str, list[CountedObject]] = {name: [] for name in names}
    for profile, object_type, ingested, row, body in _objects(scope, profiles, names, now):
        source = _parsed(body)
        rows[object_type].append((profile, object_type, ingested, row, source))
    return [
        attribute.values_of(rows[attribute.object_type], profiles, now, override)
        for attribute, override in wanted
    ]


def complete(connection: Connection, domain: int, name: str) -> None:
    """Mark a definition with historical data as completed, as values are computed when read."""
    stored = document_store.find(connection, domain, NOUN, name)
    if stored is not None:
        # Assumed: historical data are ready from the engine's next step on, without IN_PROGRESS.
        body = stored.body | {"Status": "COMPLETED", "Readiness": {"ProgressPercentage": 100}}
        document_store.put(connection, domain, NOUN, stored._replace(body=body))


def load(scope: Scope, document: Document) -> Attribute:
    """Compile a definition."""
    body = document.body
    expression = expressions.parse(body["AttributeDetails"]["Expression"])
    if expression is None:
        raise ValueError(f"the stored expression of {document.name} is not valid")
    object_type, statistic = expression.object_types[0], body["Statistic"]
    conditions = body.get("Conditions", {})
    reader = _reader(scope, object_type)
    covers = body.get(COVERS)
    is_historical = bool(body.get("UseHistoricalData")) or not document.created
    # Assumed: a default attribute collects data since its domain was created.
    made = document.created or scope.created
    return Attribute(
        name=document.name,
        object_type=object_type,
        statistic=statistic,
        conditions=conditions,
        since=-inf if is_historical else document.created - _ROUNDING,
        covers=-inf if covers is None else made - covers * _DAY,
        made=made,
        read=_expression_reader(expression, [reader(name) for name in expression.names], statistic),
        time=_time_reader(conditions.get("Range", {}), reader),
        holds=_filter(body["Filter"], reader) if "Filter" in body else None,
    )


def _objects(
    scope: Scope, profiles: Sequence[int], names: Sequence[str], now: float
) -> Iterable[CountedObject]:
    """Read the objects of types that belong to profiles; `_profile` is the profile itself."""
    others = [name for name in names if name != PROFILE]
    found = object_store.of_profiles(scope.connection, profiles, others, now) if others else ()
    return chain(_profiles(scope, profiles), found) if PROFILE in names else found


def _parsed(body: bytes | Wire) -> Wire:
    return body if isinstance(body, dict) else from_json(body, cache_strings="keys")


def _profiles(scope: Scope, profiles: Sequence[int]) -> Iterator[CountedObject]:
    for row in profile_store.at_rows(scope.connection, profiles).values():
        # Assumed: the object of type _profile was ingested when the profile was created.
        made = made_at(row.profile_id)
        yield row.id, PROFILE, made, row.id, _profile(row, made)


def _profile(row: profile_store.Stored, made: float) -> bytes:
    # Assumed: {_profile.createdAt}, of a default attribute, is the time of the profile's creation.
    moment = datetime.fromtimestamp(made, UTC).isoformat()
    return row.body[:-1] + b',"createdAt":"' + moment.encode() + b'"}'


def _after(moment: float) -> float:
    """Return the smallest time beyond a moment."""
    return nextafter(moment, inf)


def _reader(scope: Scope, object_type: str) -> Callable[..., Read]:
    """Return the function that compiles the names of attributes of an object type."""
    stored = object_type_store.find(scope.connection, scope.domain, object_type)
    return attribute_reader(compiled_types.with_template(stored.definition) if stored else {})


def attribute_reader(definition: Wire) -> Callable[..., Read]:
    """Return the function that compiles the names of attributes of an object type's definition.

    A standard object has no definition, only members.
    """
    fields = definition.get("Fields") or {}
    # Assumed: attributes of a template's type are paths in the object first, then field names.
    paths_first = "TemplateId" in definition

    def compile_name(name: str, *, is_path: bool = paths_first) -> Read:
        # TRAVEL counts a field whose name is no property of the source.
        # Assumed: the name of an attribute is that of a mapping's field, else a path in the object.
        by_path = _path_reader(name)
        field = fields.get(name)
        if field is None:
            return by_path
        by_field = _field_reader(field.get("Source") or "")
        if not is_path:
            return by_field

        def read(source: Wire) -> Any:
            value = by_path(source)
            return by_field(source) if value is None else value

        return read

    return compile_name


def _path_reader(path: str) -> Read:
    if "." not in path:
        return lambda source: source.get(path)
    return lambda source: _follow(source, path)


def _follow(value: object, path: str) -> object:
    """Return the value at a path; the names of members may have dots themselves."""
    if not isinstance(value, dict):
        return follow(value, path.split("."))
    if path in value:
        return value[path]
    dot = path.find(".")
    while dot > 0:
        if (name := path[:dot]) in value:
            return _follow(value[name], path[dot + 1 :])
        dot = path.find(".", dot + 1)
    return None


def _field_reader(source: str) -> Read:
    # A path keeps the type of the value; a list or an object that it leads to is no value.
    groups = source_path(source) if source and "{{" not in source else []
    if len(groups) == 1:
        (names,) = groups
        return _path_reader(names[0]) if len(names) == 1 else lambda item: follow(item, names)
    if not source:
        return lambda _source: None
    read = compile_source(source).read

    def read_counted(item: Wire) -> Any:
        try:
            return read(Counted(item))
        except TooManyValuesError:
            # Only a mapping that was changed since can read more of an object than it may.
            return None

    return read_counted


def _expression_reader(
    expression: expressions.Expression, reads: list[Read], statistic: str
) -> Read:
    is_numeric = statistic in _NUMERIC
    if expression.operators:

        def compute(source: Wire) -> Any:
            result = expression.compute(read(source) for read in reads)
            return result if is_numeric or result is None else _number_text(result)

        return compute
    (read,) = reads
    convert: Callable[[object], Any] = predicates.number if is_numeric else predicates.text
    return lambda source: convert(read(source))


def _time_reader(chosen: Wire, reader: Callable[..., Read]) -> Read | None:
    source = chosen.get("TimestampSource")
    if source is None:
        # Assumed: without a TimestampSource, the time of an object is that of its ingestion.
        return None
    (name,) = (attribute[2] for attribute in expressions.ATTRIBUTE.finditer(source))
    # The model's text on TimestampSource: it is a path in the object.
    # Assumed: a TimestampSource that is no path in the object is the name of a field.
    read = reader(name, is_path=True)
    converts = _FORMATS[chosen.get("TimestampFormat", "")]

    def time_of(source: Wire) -> float | None:
        value = read(source)
        moment = None
        for convert in converts:
            if (moment := convert(value)) is not None:
                break
        # An answer can hold a time from the year 1 to 9999; others do not count.
        return moment if moment is not None and _FIRST <= moment <= _LAST else None

    return time_of


def _epoch(value: object) -> float | None:
    """Read a number of seconds or milliseconds since 1970."""
    number = predicates.number(value)
    # Assumed: an EPOCHMILLI below 100,000,000,000 is in seconds, else in milliseconds.
    if number is None:
        return None
    return float(number) / (1 if abs(number) < _MOST_SECONDS else 1000)


def _iso_8601(value: object) -> float | None:
    return predicates.instant(value) if isinstance(value, str) and "-" in value else None


_FORMATS: Mapping[str, tuple[Callable[[object], float | None], ...]] = {
    "EPOCHMILLI": (_epoch,),
    "ISO_8601": (_iso_8601,),
    # Assumed: without a TimestampFormat, timestamps of both formats are read.
    "": (predicates.instant, _epoch),
}
TIMESTAMP_FORMATS = frozenset(name for name in _FORMATS if name)
"""The values of TimestampFormat."""


def _filter(definition: Wire, reader: Callable[..., Read]) -> Holds:
    # Assumed: several attributes of one Dimension of a filter must all hold.
    groups = [
        _combined(
            group["Type"],
            [
                _combined(
                    "ALL",
                    [
                        _test(reader(name), test["DimensionType"], test["Values"])
                        for name, test in dimension["Attributes"].items()
                    ],
                )
                for dimension in group["Dimensions"]
            ],
        )
        for group in definition["Groups"]
    ]
    return _combined(definition["Include"], groups)


def _test(read: Read, operator: str, values: list[str]) -> Holds:
    matches = predicates.matcher(operator, values)
    return lambda source: matches(read(source))


def _combined(include: str, tests: list[Holds]) -> Holds:
    if len(tests) == 1 and include != "NONE":
        return tests[0]
    return lambda source: predicates.combine(include, (test(source) for test in tests))


def _aggregate(statistic: str, numbers: list[Decimal]) -> Decimal | None:
    if statistic == "MINIMUM":
        return min(numbers)
    if statistic == "MAXIMUM":
        return max(numbers)
    result = expressions.total(numbers)
    if statistic == "SUM" or result is None:
        return result
    average = CONTEXT.divide(result, Decimal(len(numbers)))
    exponent = average.as_tuple().exponent
    # Assumed: an average is rounded to ten decimal places.
    is_long = isinstance(exponent, int) and exponent < _AVERAGE_UNIT.adjusted()
    return average.quantize(_AVERAGE_UNIT, context=CONTEXT) if is_long else average


def _number_text(number: Decimal) -> str:
    # Assumed: numbers are written without exponent, without zeros at the end of their fraction.
    # Assumed: a Value is cut to 255 characters.
    return predicates.decimal_text(number or Decimal(0))[:_LONGEST]


def _list_text(values: tuple[str, ...]) -> str:
    # Assumed: a list that is longer than 255 characters loses its oldest values.
    items = [value[:_LONGEST] for value in values]
    while len(text := encode(items)) > _LONGEST:
        items = items[:-1] if len(items) > 1 else [items[0][:-1]]
    return text


def _compare(text: str, threshold: Wire) -> str:
    bound = threshold["Value"]
    numbers = (predicates.number(text), predicates.number(bound))
    # Assumed: a threshold compares numbers if both are numbers, else exact texts.
    pair = (text, bound) if None in numbers else numbers
    # Assumed: the result of a threshold is true or false in lower case; without data there is none.
    return "true" if _THRESHOLDS[threshold["Operator"]](*pair) else "false"

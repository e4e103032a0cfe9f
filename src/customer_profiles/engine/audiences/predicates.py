"""The operators of conditions over single values; `store.conditions` has them as SQL.

A value is a text, or another scalar of JSON, which is compared by its text. A value is absent if
it is None, an empty text, an object, or a list where the operator is not one of lists.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from math import isfinite
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic_core import from_json

from customer_profiles.engine.service.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Test = Callable[[object], bool]

Ordered = TypeVar("Ordered", Decimal, float)

# Assumed: a number is an optional sign, ASCII digits with one decimal point, and an exponent.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
# Assumed: a date is ISO 8601; without a time it is midnight, without an offset UTC.
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?:Z|([+-])([0-9]{2}):?([0-9]{2})?)?)?"
)
# The commonest form of the same dates, which Python's own reader reads faster.
_COMMON_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
# Assumed: an integer is a date in epoch seconds, and in milliseconds from 100,000,000,000 on.
_EPOCH = re.compile(r"-?[0-9]{1,18}")
_LEAST_MILLISECONDS = 100_000_000_000
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_DAY = 86_400
_BOUNDS = 2
# Assumed: a reference to another attribute is a whole value, without spaces in its braces.
_REFERENCE = re.compile(r"\{\{(_profile|_calculated_attribute)\.([^{}]+)\}\}")

_ORDERS = {
    "GREATER_THAN": gt,
    "GREATER_THAN_OR_EQUAL": ge,
    "LESS_THAN": lt,
    "LESS_THAN_OR_EQUAL": le,
    "EQUAL": lambda value, bound: value == bound,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "CONTAINS": lambda value, part: part in value,
    "BEGINS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
}
NUMBERS = frozenset(_ORDERS)
"""The operators that compare numbers."""
DATES = frozenset(("BEFORE", "AFTER", "ON"))
"""The operators that compare dates."""
RANGES = frozenset(("BETWEEN", "NOT_BETWEEN"))
"""The operators with two bounds, which are numbers or dates."""
LISTS = frozenset(("LIST_CONTAINS", "LIST_CONTAINS_ALL"))


class Reference(NamedTuple):
    """A value that stands for another attribute of the same profile."""

    is_calculated: bool
    name: str


def test(  # not one of pytest
    operator: str,
    values: Sequence[str],
    *,
    is_date: bool = False,  # noqa: PT028
) -> Test:
    """Return the function that tests a value.

    Args:
        operator: the DimensionType.
        values: the values of the condition.
        is_date: whether bounds are dates even if they are numbers too, as those of BirthDate.

    Raises:
        Refusal: the operator cannot have these values.
    """
    if found := list(problems(operator, values, is_date=is_date)):
        raise bad_request("; ".join(found))
    return matcher(operator, values, is_date=is_date)


def problems(
    operator: str, values: Sequence[str], *, is_date: bool = False, references: bool = False
) -> Iterator[str]:
    """Describe what is wrong with the values of an operator.

    Args:
        operator: the DimensionType.
        values: the values of the condition.
        is_date: whether bounds are dates even if they are numbers too.
        references: whether a value may be a reference, which is not checked here.
    """
    checked = [
        (position, value)
        for position, value in enumerate(values, 1)
        if not (references and reference(value))
    ]
    if operator in RANGES:
        if len(values) != _BOUNDS:
            yield f"{operator} needs two values, the first and the last, not {len(values)}"
            return
        if not is_date and all(number(value) is not None for _, value in checked):
            return
    if operator in NUMBERS:
        for position, value in checked:
            if number(value) is None:
                yield f"{operator} compares numbers, and value {position} is no number"
    # Assumed: relative dates, whose form AWS does not document, are refused.
    if operator in DATES or operator in RANGES:
        for position, value in checked:
            if instant(value) is None:
                yield (
                    f"{operator} compares dates, and value {position} is no date such as "
                    "2024-05-31 or 2024-05-31T18:30:00Z; relative dates are not supported"
                )


def matcher(operator: str, values: Iterable[str], *, is_date: bool = False) -> Test:
    """Return the function that tests a value; bounds that cannot be read match nothing."""
    # Assumed: where a condition has several values, any may match; EXCLUSIVE means none of them.
    bounds = list(values)
    if operator in {"INCLUSIVE", "EXCLUSIVE"}:
        return _equality(frozenset(bounds), is_excluded=operator == "EXCLUSIVE")
    if operator in _TEXTS:
        return _text_test(_TEXTS[operator], bounds)
    if operator in NUMBERS:
        return _number_test(_ORDERS[operator], bounds)
    if operator in DATES:
        return _date_test(operator, bounds)
    if operator in RANGES:
        return _range_test(bounds, is_date=is_date, is_inside=operator == "BETWEEN")
    return _list_test(frozenset(bounds), every=operator == "LIST_CONTAINS_ALL")


def combine(include: str, results: Iterable[bool]) -> bool:
    """Combine results by ALL, ANY or NONE."""
    # Assumed: NONE means that none of the combined conditions is true.
    if include == "ALL":
        return all(results)
    return any(results) is (include == "ANY")


def text(value: object) -> str | None:
    """Return the text by which a scalar is compared; None if it is absent."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return decimal_text(Decimal(repr(value))) if isfinite(value) else None
    return str(value) if isinstance(value, (int, Decimal)) else None


def decimal_text(value: Decimal) -> str:
    """Write a number without an exponent and without zeros at the end of its fraction."""
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def number(value: object) -> Decimal | None:
    """Return the number that a value is, if it is one."""
    written = value if isinstance(value, str) else text(value)
    return Decimal(written) if written and _NUMBER.fullmatch(written) else None


def instant(value: object) -> float | None:
    """Return the date that a value is, in epoch seconds, if it is one."""
    written = value if isinstance(value, str) else text(value)
    if not written:
        return None
    if _COMMON_DATE.fullmatch(written):
        return _common_instant(written)
    if _EPOCH.fullmatch(written):
        epoch = int(written)
        return epoch / (1 if abs(epoch) < _LEAST_MILLISECONDS else 1000)
    found = _DATE.fullmatch(written)
    if found is None:
        return None
    year, month, date, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(
            int(year),
            int(month),
            int(date),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(((fraction or "") + "000000")[:6]),
            zone,
        )
    except ValueError:
        return None
    return (moment - _EPOCH_START).total_seconds()


def _common_instant(written: str) -> float | None:
    try:
        return datetime.fromisoformat(written).timestamp()
    except ValueError:
        return None


def day(moment: float) -> int:
    """Return the number of a calendar day in UTC."""
    return int(moment // _SECONDS_PER_DAY)


def reference(value: str) -> Reference | None:
    """Return what a value refers to, if it is a reference."""
    found = _REFERENCE.fullmatch(value)
    return Reference(found[1] != "_profile", found[2]) if found else None


def _equality(values: frozenset[str], *, is_excluded: bool) -> Test:
    # Assumed: EXCLUSIVE is true of an absent value, and every other operator false.
    return lambda value: (text(value) in values) is not is_excluded


def _text_test(holds: Callable[[str, str], bool], parts: list[str]) -> Test:
    def matches(value: object) -> bool:
        written = text(value)
        return written is not None and any(holds(written, part) for part in parts)

    return matches


def _number_test(holds: Callable[[Decimal, Decimal], bool], values: list[str]) -> Test:
    bounds = [bound for bound in map(number, values) if bound is not None]

    def matches(value: object) -> bool:
        found = number(value)
        return found is not None and any(holds(found, bound) for bound in bounds)

    return matches


def _date_test(operator: str, values: list[str]) -> Test:
    bounds = [bound for bound in map(instant, values) if bound is not None]
    # Assumed: ON compares calendar days in UTC.
    days = frozenset(map(day, bounds))
    earliest, latest = min(bounds, default=0.0), max(bounds, default=0.0)

    def matches(value: object) -> bool:
        found = instant(value)
        if found is None or not bounds:
            return False
        if operator == "ON":
            return day(found) in days
        return found < latest if operator == "BEFORE" else found > earliest

    return matches


def _range_test(values: list[str], *, is_date: bool, is_inside: bool) -> Test:
    # Assumed: bounds of a custom or calculated attribute that are both numbers compare numbers.
    if not is_date and all(number(value) is not None for value in values):
        return _between(number, values, is_inside=is_inside)
    return _between(instant, values, is_inside=is_inside)


def _between(
    read: Callable[[object], Ordered | None], values: list[str], *, is_inside: bool
) -> Test:
    bounds = [bound for bound in map(read, values) if bound is not None]
    if len(bounds) != _BOUNDS:
        return lambda _: False
    first, last = bounds

    def matches(value: object) -> bool:
        # NOT_BETWEEN is false of what cannot be read, as the admin guide describes it.
        found = read(value)
        return found is not None and (first <= found <= last) is is_inside

    return matches


def _list_test(values: frozenset[str], *, every: bool) -> Test:
    def matches(value: object) -> bool:
        texts = {text(item) for item in _items(value)}
        return values <= texts if every else not values.isdisjoint(texts)

    return matches


def _items(value: object) -> list[object]:
    """Return the items of a list, or of a text that is one in JSON; of others none."""
    if isinstance(value, str):
        # Assumed: the value of a profile is a list if its text is an array in JSON.
        try:
            value = from_json(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []

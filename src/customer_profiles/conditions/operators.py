"""The operators of the service, and what the values of conditions mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATORS = {
    "is_in": "INCLUSIVE",
    "is_not_in": "EXCLUSIVE",
    "contains": "CONTAINS",
    "begins_with": "BEGINS_WITH",
    "ends_with": "ENDS_WITH",
    "before": "BEFORE",
    "after": "AFTER",
    "on": "ON",
    "between": "BETWEEN",
    "not_between": "NOT_BETWEEN",
    "equal_to": "EQUAL",
    "over": "GREATER_THAN",
    "at_least": "GREATER_THAN_OR_EQUAL",
    "under": "LESS_THAN",
    "at_most": "LESS_THAN_OR_EQUAL",
    "contains_any": "LIST_CONTAINS",
    "contains_all": "LIST_CONTAINS_ALL",
}
"""The operators of the service by the methods that write them."""
METHODS = {operator: method for method, operator in OPERATORS.items()}
OPPOSITES = {"INCLUSIVE": "EXCLUSIVE", "EXCLUSIVE": "INCLUSIVE"}
"""The operators of which each is true where the other one is false, also of absent values."""
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": eq,
    "GREATER_THAN": gt,
    "GREATER_THAN_OR_EQUAL": ge,
    "LESS_THAN": lt,
    "LESS_THAN_OR_EQUAL": le,
}
"""What compares numbers."""
DATES: dict[str, Callable[[Any, Any], bool]] = {
    "BEFORE": lt,
    "AFTER": gt,
    "ON": lambda value, day: value // _DAY == day // _DAY,
}
"""What compares dates, in seconds since 1970."""
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "CONTAINS": lambda value, part: part in value,
    "BEGINS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
}
"""What compares texts."""
RANGES = frozenset({"BETWEEN", "NOT_BETWEEN"})
LISTS = frozenset({"LIST_CONTAINS", "LIST_CONTAINS_ALL"})
FOR_ALL = frozenset({"EXCLUSIVE", "LIST_CONTAINS_ALL"})
"""The operators that hold only if they hold for each of the values."""

_NUMBER = re.compile(r"[+-]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
_EPOCH = re.compile(r"-?[0-9]{1,18}")
_LEAST_MILLISECONDS = 100_000_000_000
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
REFERENCE = re.compile(r"\{\{(_profile|_calculated_attribute)\.([^{}]+)\}\}")
"""A value that stands for another field of the same profile."""


def snake(name: str) -> str:
    """Return our name of a member: `first_name` for `FirstName`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def number(text: str) -> Decimal | None:
    """Return the number that a text says."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def instant(text: str) -> float | None:
    """Return the seconds since 1970 of a date: ISO 8601, or epoch seconds or milliseconds."""
    if _EPOCH.fullmatch(text):
        epoch = int(text)
        return epoch / (1 if abs(epoch) < _LEAST_MILLISECONDS else 1000)
    try:
        moment = datetime.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH_START).total_seconds()


def reader(*, is_date: bool) -> Callable[[str], Any]:
    """Return what reads the values of an operator as dates or as numbers."""
    return instant if is_date else number


def number_text(value: object) -> str | None:
    """Write a number without an exponent; None if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return format(exact, "f") if exact.is_finite() else None


def date_text(value: object) -> str | None:
    """Write a date, or a time with its zone, as ISO 8601; None if it is neither."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return None
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else None

"""The operators of a flow's tasks, as functions over values and records."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.ingestion import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles._wire import Wire

_DATES = ("date", "datetime", "timestamp")
_NUMBERS = ("byte", "short", "integer", "int", "bigint", "long", "float", "double", "decimal")


def value_of(record: Wire, name: str) -> object:
    """Return the value of a field; None if the record has no such field."""
    # Assumed: dots in the names of fields lead into the nested objects of JSON files.
    if name in record or "." not in name:
        return record.get(name)
    first, _, rest = name.partition(".")
    inner = record.get(first)
    return value_of(inner, rest) if isinstance(inner, dict) else None


def text_of(record: Wire, name: str) -> str | None:
    """Return the value of a field as text; None if it is empty."""
    return values.text(value_of(record, name))


def put(record: Wire, name: str, value: object) -> None:
    """Set a field; nested objects that lead to it are copied first."""
    if name in record or "." not in name:
        record[name] = value
        return
    first, _, rest = name.partition(".")
    inner = record.get(first)
    record[first] = dict(inner) if isinstance(inner, dict) else {}
    put(record[first], rest, value)


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_NUMBER = re.compile(r"\s*[+-]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*")


def _time(text: str) -> float | None:
    """Read ISO 8601, in UTC without an offset, or epoch milliseconds; None for other text."""
    number = _number(text)
    if number is not None:
        return float(number) / 1_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def reader(data_type: str) -> Callable[[str], Any]:
    """Return the reader of a DATA_TYPE, whose values compare; it returns None for other text."""
    # Assumed: a filter compares numbers, times or text by its DATA_TYPE, and text without one.
    # Assumed: times are in ISO 8601 or epoch milliseconds.
    if data_type.lower() in _NUMBERS:
        return _number
    return _time if data_type.lower() in _DATES else str


def compare(operator: str, value: Any, bounds: list[Any]) -> bool:
    """Return whether a value passes a filter."""
    if operator == "BETWEEN":
        # Assumed: BETWEEN includes both bounds.
        return bool(bounds[0] <= value <= bounds[1])
    return _COMPARISONS[operator](value, bounds)


_COMPARISONS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "LESS_THAN": lambda value, bounds: value < bounds[0],
    "GREATER_THAN": lambda value, bounds: value > bounds[0],
    "LESS_THAN_OR_EQUAL_TO": lambda value, bounds: value <= bounds[0],
    "GREATER_THAN_OR_EQUAL_TO": lambda value, bounds: value >= bounds[0],
    "EQUAL_TO": lambda value, bounds: value in bounds,
    "NOT_EQUAL_TO": lambda value, bounds: value not in bounds,
    "CONTAINS": lambda value, bounds: any(str(bound) in str(value) for bound in bounds),
}


def _passes(test: Callable[[Decimal], bool]) -> Callable[[str | None], bool]:
    # Assumed: a value that is not a number passes VALIDATE_NON_ZERO and VALIDATE_NON_NEGATIVE.
    return lambda text: (number := _number(text or "")) is None or test(number)


FITS: dict[str, Callable[[str | None], bool]] = {
    "VALIDATE_NON_NULL": lambda text: text is not None,
    "VALIDATE_NON_ZERO": _passes(lambda number: number != 0),
    "VALIDATE_NON_NEGATIVE": _passes(lambda number: number >= 0),
    # Assumed: an empty field passes every validation but VALIDATE_NON_NULL.
    "VALIDATE_NUMERIC": lambda text: text is None or _number(text) is not None,
}
"""Whether a value, as text, passes a validation."""


MASKS: dict[str, Callable[[str, str, int], str]] = {
    # Assumed: MASK_ALL with MASK_LENGTH writes that many characters, whatever the value's length.
    "MASK_ALL": lambda text, sign, length: sign * (length or len(text)),
    "MASK_FIRST_N": lambda text, sign, length: sign * len(text[:length]) + text[length:],
    "MASK_LAST_N": lambda text, sign, length: text[:-length] + sign * len(text[-length:]),
}
"""How each operator masks a text, with the character to write and how many of them."""
_CALCULATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "ADDITION": lambda left, right: left + right,
    "SUBTRACTION": lambda left, right: left - right,
    "MULTIPLICATION": lambda left, right: left * right,
    "DIVISION": lambda left, right: left / right,
}


def calculate(operator: str, left: str, right: str) -> str | None:
    """Return the result of two numbers as text; None if there is none."""
    numbers = _number(left), _number(right)
    # Assumed: a calculation that fails, such as a division by zero, has no result.
    if numbers[0] is None or numbers[1] is None:
        return None
    try:
        result = _CALCULATIONS[operator](numbers[0], numbers[1])
    except DecimalException:
        return None
    # Assumed: the result of Arithmetic is text without an exponent, without trailing zeros.
    text = f"{result:f}" if result else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text

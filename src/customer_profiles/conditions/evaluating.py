"""Evaluating conditions on a profile in memory, without the service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from customer_profiles._problems import unknown
from customer_profiles.errors import InvalidInputError

from .fields import referenced
from .nodes import And, Comparison, Condition, Field, InSegment, Not, Or, check_is_condition
from .operators import (
    DATES,
    LISTS,
    METHODS,
    OPPOSITES,
    ORDERS,
    RANGES,
    TEXTS,
    number,
    number_text,
    reader,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from customer_profiles.models.profile import Profile


Calculated: TypeAlias = "Mapping[str, object] | Callable[[str, tuple[int, int] | None], object]"
"""The values of calculated attributes by name, or a function of the name and the days."""


def evaluate(
    condition: Condition,
    profile: Profile | Mapping[str, Any],
    *,
    calculated: Calculated | None = None,
    segments: Collection[str] | None = None,
) -> bool:
    """Return whether a profile meets a condition, as the service would decide.

    Args:
        condition: the condition.
        profile: a profile, or a mapping with the service's names, such as
            `{"Address": {"City": "Seattle"}}`; for a condition of a filter, the fields of an
            object.
        calculated: the values of the profile's calculated attributes by name; a value of None is
            absent. A function receives the name and the days of the condition.
        segments: the names of the segments that the profile is a member of.

    Raises:
        InvalidInputError: the condition needs a calculated attribute or segment, and these are
            not given.
    """
    check_is_condition(condition)
    wire: Any = profile if isinstance(profile, Mapping) else profile._to_wire()  # noqa: SLF001
    return _meets(condition, _Subject(wire, calculated, segments))


class _Subject(NamedTuple):
    """What conditions are evaluated on."""

    wire: Mapping[str, Any]
    calculated: Calculated | None
    segments: Collection[str] | None

    def value(self, field: Field[Any], days: tuple[int, int] | None = None) -> Any:
        """Return the value of a field; None if it is absent."""
        if field.kind == "calculated":
            return self._calculated(field, days)
        if field.kind == "attribute":
            return (self.wire.get("Attributes") or {}).get(field.name)
        if field.kind == "object" and field.name in self.wire:
            return self.wire[field.name]
        return reduce(_member, field.name.split("."), self.wire)

    def _calculated(self, field: Field[Any], days: tuple[int, int] | None) -> Any:
        if self.calculated is None:
            msg = f"{field!r} is needed: give its value as calculated={{{field.name!r}: ...}}"
            raise InvalidInputError(msg)
        if callable(self.calculated):
            return self.calculated(field.name, days)
        return self.calculated.get(field.name)

    def is_in_segment(self, name: str) -> bool:
        """Return whether it is a member of a segment."""
        if self.segments is None:
            msg = (
                f"where.segment({name!r}) is needed: give the names of the profile's segments as "
                "segments=[...]"
            )
            raise InvalidInputError(msg)
        return name in self.segments


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _meets(condition: Condition, subject: _Subject) -> bool:
    if isinstance(condition, And):
        return all(_meets(part, subject) for part in condition.parts)
    if isinstance(condition, Or):
        return any(_meets(part, subject) for part in condition.parts)
    if isinstance(condition, Not):
        return not _meets(condition.condition, subject)
    if isinstance(condition, InSegment):
        return subject.is_in_segment(condition.name)
    if not isinstance(condition, Comparison):
        return True
    value = subject.value(condition.field, condition.days)
    bounds = [
        subject.value(reference) if (reference := referenced(bound)) is not None else bound
        for bound in condition.values
    ]
    return _compares(condition, value, bounds)


def _compares(comparison: Comparison, value: Any, bounds: list[Any]) -> bool:
    operator = comparison.operator
    if operator not in METHODS:
        raise InvalidInputError(unknown(operator, METHODS, "evaluate()", "operator"))
    if operator in LISTS:
        items = {_scalar_text(item) for item in _items(value)} - {None}
        has = [bound in items for bound in map(_scalar_text, bounds)]
        return all(has) if operator == "LIST_CONTAINS_ALL" else any(has)
    text, texts = _scalar_text(value), [_scalar_text(bound) for bound in bounds]
    if operator in OPPOSITES:
        return (text is not None and text in texts) is (operator == "INCLUSIVE")
    known = [bound for bound in texts if bound is not None]
    if text is None:
        return False
    if operator in RANGES:
        return _is_in_range(comparison, text, known)
    if operator in TEXTS:
        return any(TEXTS[operator](text, bound) for bound in known)
    read = reader(is_date=operator in DATES)
    compare = ORDERS.get(operator) or DATES[operator]
    found = read(text)
    return found is not None and any(
        compare(found, bound) for bound in map(read, known) if bound is not None
    )


def _is_in_range(comparison: Comparison, text: str, bounds: list[str]) -> bool:
    is_birth_date = comparison.field == Field("profile", "BirthDate")
    read = reader(is_date=is_birth_date or None in map(number, bounds))
    found, limits = read(text), [read(bound) for bound in bounds]
    if found is None or None in limits or len(limits) != 2:  # noqa: PLR2004  (a range has two ends)
        return False
    return bool(limits[0] <= found <= limits[1]) is (comparison.operator == "BETWEEN")


def _items(value: Any) -> list[Any]:
    """Return the items of a list, or of a text that is a list in JSON; of others none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []


def _scalar_text(value: object) -> str | None:
    """Return the text by which a value is compared; None if it is absent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        text = number_text(value)
        return text.rstrip("0").rstrip(".") if text and "." in text else text
    return value or None if isinstance(value, str) else None

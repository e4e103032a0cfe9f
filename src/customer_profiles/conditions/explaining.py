"""Describing conditions in words."""

from __future__ import annotations

from typing import Any

from .fields import referenced
from .nodes import (
    NOBODY,
    And,
    Comparison,
    Condition,
    Field,
    InSegment,
    Joined,
    Not,
    check_is_condition,
)
from .operators import DATES, FOR_ALL, METHODS, ORDERS, RANGES, snake

_WORDS = {
    "is_in": "is",
    "is_not_in": "is not",
    "begins_with": "begins with",
    "ends_with": "ends with",
    "before": "is before",
    "after": "is after",
    "on": "is on",
    "between": "is between",
    "not_between": "is outside of",
    "equal_to": "equals",
    "over": "is over",
    "at_least": "is at least",
    "under": "is under",
    "at_most": "is at most",
    "contains_any": "is a list with",
    "contains_all": "is a list with all of",
}


def explain(condition: Condition) -> str:
    """Describe a condition in words, with its values in the clear.

    ```python
    conditions.explain(where.first_name.is_in("Ada") & ~where.segment("gold"))
    # 'first_name is "Ada", and not in segment gold'
    ```
    """
    check_is_condition(condition)
    return _explained(condition)


def _explained(condition: Condition) -> str:
    if isinstance(condition, Joined):
        word = "and" if isinstance(condition, And) else "or"
        parts = [
            f"({_explained(part)})" if isinstance(part, Joined) else _explained(part)
            for part in condition.parts
        ]
        return f", {word} ".join(parts)
    if isinstance(condition, Not):
        return "nobody" if condition == NOBODY else f"not ({_explained(condition.condition)})"
    if isinstance(condition, InSegment):
        return f"in segment {condition.name}"
    return _comparison_in_words(condition) if isinstance(condition, Comparison) else "everybody"


def _comparison_in_words(comparison: Comparison) -> str:
    method = METHODS.get(comparison.operator, comparison.operator)
    values = [_value_in_words(value, comparison.operator) for value in comparison.values]
    word = "and" if comparison.operator in FOR_ALL | RANGES else "or"
    if comparison.operator == "EXCLUSIVE":
        word = "nor"
    *others, last = values
    listed_values = f"{', '.join(others)} {word} {last}" if others else last
    text = f"{_field_in_words(comparison.field)} {_WORDS.get(method, method)} {listed_values}"
    if comparison.days is None:
        return text
    start, end = comparison.days
    return (
        f"{text} in the last {start} days"
        if not end
        else (f"{text} from {start} to {end} days ago")
    )


def _field_in_words(field: Field[Any]) -> str:
    if field.kind == "attribute":
        return f"attribute {field.name}"
    if field.kind == "calculated":
        return f"calculated attribute {field.name}"
    if field.kind == "object":
        return f"field {field.name}"
    return ".".join(map(snake, field.name.split(".")))


def _value_in_words(value: str, operator: str) -> str:
    if (reference := referenced(value)) is not None:
        return f"the {_field_in_words(reference)}"
    return value if operator in ORDERS.keys() | DATES | RANGES else f'"{value}"'

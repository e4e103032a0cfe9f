"""Expressions of calculated attributes: attributes of one object type and + - * / between them."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, NamedTuple

from . import predicates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ATTRIBUTE = re.compile(r"\{([a-zA-Z_][a-zA-Z_0-9-]*)\.([a-zA-Z0-9_.-]+)\}")
"""An attribute of an object type, such as `{order.total}`."""
_OPERATOR = re.compile(r"\s*([-+*/])\s*")
_MOST_ATTRIBUTES = 2
# A result that is too large becomes an infinity, and is left out.
CONTEXT = Context(traps=[])
"""The arithmetic of numbers: 28 digits, as Python's default, and no exceptions."""


class Expression(NamedTuple):
    """A parsed expression."""

    object_types: tuple[str, ...]
    """The object types of the attributes; a valid expression names one."""
    names: tuple[str, ...]
    """The names of the attributes, in their order, repeated ones too."""
    operators: tuple[str, ...]
    """The operators between them."""

    def compute(self, values: Iterable[object]) -> Decimal | None:
        """Return the result for the values of the attributes; None if there is none."""
        # Assumed: an object without a number for each attribute of an arithmetic is left out.
        operands = [_operand(value) for value in values]
        terms = [operands[0]]
        for operator, operand in zip(self.operators, operands[1:], strict=True):
            if operand is None or terms[-1] is None:
                return None
            if operator == "*":
                terms[-1] = CONTEXT.multiply(terms[-1], operand)
            elif operator == "/":
                # Assumed: an object whose division is by zero is left out.
                terms[-1] = CONTEXT.divide(terms[-1], operand) if operand else None
            else:
                terms.append(operand if operator == "+" else CONTEXT.minus(operand))
        return total(terms)


def parse(text: str) -> Expression | None:
    """Parse an expression; None if it is none."""
    found, position = [], 0
    operators: list[str] = []
    while attribute := ATTRIBUTE.match(text.strip(), position):
        found.append(attribute.groups())
        operator = _OPERATOR.match(text.strip(), attribute.end())
        if operator is None:
            types, names = zip(*found, strict=True)
            is_whole = attribute.end() == len(text.strip())
            return Expression(types, names, tuple(operators)) if is_whole else None
        operators.append(operator[1])
        position = operator.end()
    return None


def problems(text: str, attributes: Sequence[str]) -> Iterator[str]:
    """Describe what is wrong with an expression and the list of its attributes."""
    expression = parse(text)
    # AG:customerprofiles-calculated-attributes-apis: + - * / and two attributes at most.
    # Assumed: an expression has neither parentheses nor numbers, and no path through a list.
    if expression is None:
        yield (
            "Expression must be attributes such as {order.total} with + - * / between them; "
            "parentheses, numbers and [] are not supported"
        )
        return
    types = list(dict.fromkeys(expression.object_types))
    if len(types) > 1:
        yield f"Expression names the object types {', '.join(types)}; use attributes of one type"
    if len(attributes) > _MOST_ATTRIBUTES:
        yield f"Attributes has {len(attributes)} attributes; an expression has two at most"
    for name in dict.fromkeys(expression.names):
        if name not in attributes:
            yield f"Expression uses {name}, which Attributes does not name"
    for name in attributes:
        if name not in expression.names:
            yield f"Attributes names {name}, which Expression does not use"


def total(numbers: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of numbers; None if one is missing, or the sum is too large."""
    result = Decimal(0)
    for number in numbers:
        if number is None:
            return None
        result = CONTEXT.add(result, number)
    return result if result.is_finite() else None


def _operand(value: object) -> Decimal | None:
    number = predicates.number(value)
    if number is None:
        # Assumed: a timestamp in an arithmetic counts as its milliseconds since 1970.
        moment = predicates.instant(value)
        return None if moment is None else Decimal(round(moment * 1000))
    return number

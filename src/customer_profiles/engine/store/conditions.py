"""Conditions on profiles as SQL, so that a scan of many profiles runs without Python.

A tree of conditions becomes an expression over the body of a profile. The expression itself decides
where a value is written in a common form, and calls the condition's own test in Python for the
others, such as a number with an exponent or a time with an offset.

A condition that SQL cannot evaluate is open. A tree with open conditions becomes two expressions:
which profiles may match, and which surely do.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .database import Connection

    Test = Callable[[Any], bool]

Tree: TypeAlias = "bool | Condition | Combined"
"""A condition, several that are combined, or what is true of every profile or of none."""

_FUNCTION = "condition_matches"
_TEXTS = frozenset(("INCLUSIVE", "EXCLUSIVE", "CONTAINS", "BEGINS_WITH", "ENDS_WITH"))
_LISTS = frozenset(("LIST_CONTAINS", "LIST_CONTAINS_ALL"))
# More values than these are looked up in a set, which SQLite builds once for a query.
_MOST_LISTED = 8
# The real numbers of SQLite have about 15 digits; nearer to a bound, the test compares decimals.
_NEAR = 1e-12
# No offset of a time is longer.
_MARGIN = timedelta(days=2)
_FIRST_DAY, _LAST_DAY = "0000", "9999-99"
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_IS_NUMBER = (
    "value GLOB '[-+.0-9]*' AND substr(value, 2) NOT GLOB '*[^.0-9]*' "
    "AND value NOT GLOB '*.*.*' AND value GLOB '*[0-9]*'"
)
# SQLite reads the 31st of every month, and only computing with it shows that there is none.
_IS_DATE = (
    "value >= '0001' AND value = CASE length(value) WHEN 10 THEN date(value, '+0 days') "
    "WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', value, '+0 days') END"
)
_HAS_DAY = "value GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
_DECIDED = "CASE WHEN {no} THEN 0 WHEN {yes} THEN 1 ELSE {test} END"


class Condition(NamedTuple):
    """A condition on one attribute of a profile."""

    path: tuple[str, ...]
    """The names of the member, such as `Address` and `City`."""
    operator: str
    values: tuple[str, ...]
    test: Test
    """Tests a value as the expression does; of an open condition it tests something else."""
    bounds: tuple[float, ...] = ()
    """The values as numbers, rounded, or as dates in epoch seconds, where the operator has them."""
    is_date: bool = False
    """Whether the bounds are dates."""
    is_open: bool = False
    """Whether the condition needs more than the attribute and its values."""


class Combined(NamedTuple):
    """Conditions that are combined by ALL, ANY or NONE."""

    include: str
    parts: tuple[Tree, ...]


class Query(NamedTuple):
    """The profiles that match a tree of conditions, as SQL."""

    may: str
    """The expression that is true of profiles that match, and of some that open conditions rule
    out."""
    surely: str
    """The expression that is true only of profiles that match, whatever the open conditions say."""
    parameters: dict[str, object]
    tests: tuple[Test, ...]

    @property
    def is_exact(self) -> bool:
        """Whether no condition is open, so that both expressions are the same."""
        return self.may == self.surely


def compile_tree(tree: Tree) -> Query:
    """Return a tree of conditions as expressions over the columns of a profile."""
    writer = _Writer()
    may, surely = writer.write(tree, is_optimistic=True), writer.write(tree, is_optimistic=False)
    return Query(may, surely, writer.parameters, tuple(writer.tests))


def prepare(connection: Connection, query: Query) -> None:
    """Let a connection call the tests of a query, in place of those of the query before."""
    if query.tests:

        def test(number: int, value: object) -> bool:
            return query.tests[number](value)

        connection.create_function(_FUNCTION, 2, test, deterministic=True)


class _Writer:
    """A writer of expressions that are 0 or 1 for every profile, and their parameters."""

    def __init__(self) -> None:
        """Begin without parameters and tests."""
        self.parameters: dict[str, object] = {}
        self.tests: list[Test] = []
        self._names: dict[object, str] = {}
        self._numbers: dict[int, int] = {}

    def write(self, tree: Tree, *, is_optimistic: bool) -> str:
        """Return a tree as an expression; an open condition is 1 if it is optimistic."""
        if isinstance(tree, bool):
            return "1" if tree else "0"
        if isinstance(tree, Condition):
            if tree.is_open:
                return "1" if is_optimistic else "0"
            return self._condition(tree)
        is_negative = tree.include == "NONE"
        written = [
            self.write(part, is_optimistic=is_optimistic is not is_negative)
            for part in sorted(_merged(tree), key=_cost)
        ]
        if tree.include == "ALL":
            return _joined("AND", written, neutral="1", final="0")
        found = _joined("OR", written, neutral="0", final="1")
        if not is_negative:
            return found
        return {"1": "0", "0": "1"}.get(found, f"(NOT {found})")

    def _condition(self, condition: Condition) -> str:
        path = "".join(f'."{name}"' for name in condition.path)
        value = f"json_extract(CAST(body AS TEXT), {self._parameter(f'${path}')})"
        if condition.operator in _TEXTS:
            return self._text(condition, value)
        test = f"{_FUNCTION}({self._number(condition)}, value)"
        if condition.operator in _LISTS:
            decided = f"CASE WHEN instr(value, '[') THEN {test} ELSE 0 END"
        elif condition.is_date:
            decided = self._date(condition, test)
        else:
            near = map(_near, condition.bounds)
            no, yes = self._limits(condition, "CAST(value AS REAL)", near)
            decided = _DECIDED.format(
                no=f"value IS NULL OR {no}", yes=f"{yes} AND {_IS_NUMBER}", test=test
            )
        # Without the subquery, SQLite would read the value at each mention of it.
        return f"(SELECT {decided} FROM (SELECT {value} AS value))"  # noqa: S608

    def _text(self, condition: Condition, value: str) -> str:
        operator, values = condition.operator, condition.values
        if operator == "INCLUSIVE":
            return f"ifnull({value} IN {self._set(values)}, 0)"
        if operator == "EXCLUSIVE":
            return f"ifnull({value} NOT IN {self._set(values)}, 1)"
        form = {
            "CONTAINS": "instr({0}, {2}) <> 0",
            "BEGINS_WITH": "substr({0}, 1, {1}) = {2}",
            "ENDS_WITH": "substr({0}, -{1}) = {2}",
        }[operator]
        found = [form.format(value, len(part), self._parameter(part)) for part in values]
        return f"ifnull({' OR '.join(found)}, 0)"

    def _date(self, condition: Condition, test: str) -> str:
        days = [(_day(bound, -_MARGIN), _day(bound, _MARGIN)) for bound in condition.bounds]
        no, yes = self._limits(condition, "substr(value, 1, 10)", days)
        decided = _DECIDED.format(no=no, yes=f"{yes} AND {_IS_DATE}", test=test)
        # Digits alone are an epoch.
        return (
            f"CASE WHEN {_HAS_DAY} THEN {decided} "
            f"WHEN value NOT GLOB '*[^-0-9]*' THEN {test} ELSE 0 END"
        )

    def _limits(
        self,
        condition: Condition,
        value: str,
        near: Iterable[tuple[float, float]] | Iterable[tuple[str, str]],
    ) -> tuple[str, str]:
        """Return when a value is too far from the bounds to match, and when to miss.

        Args:
            condition: the condition.
            value: the expression that is compared.
            near: the smallest and the largest value that may equal each bound.
        """
        operator, bounds = condition.operator, list(near)
        if operator not in {"BETWEEN", "NOT_BETWEEN"}:
            bounds.sort()
        low, high = map(self._parameter, bounds[0])
        last_low, last_high = map(self._parameter, bounds[-1])
        if operator in {"GREATER_THAN", "GREATER_THAN_OR_EQUAL", "AFTER"}:
            return f"{value} < {low}", f"{value} > {high}"
        if operator in {"LESS_THAN", "LESS_THAN_OR_EQUAL", "BEFORE"}:
            return f"{value} > {last_high}", f"{value} < {last_low}"
        if operator in {"EQUAL", "ON"}:
            equal = " OR ".join(
                f"{value} BETWEEN {self._parameter(least)} AND {self._parameter(most)}"
                for least, most in bounds
            )
            return f"NOT ({equal})", "FALSE"
        inside = f"({value} > {high} AND {value} < {last_low})"
        outside = f"({value} < {low} OR {value} > {last_high})"
        return (outside, inside) if operator == "BETWEEN" else (inside, outside)

    def _set(self, values: Sequence[str]) -> str:
        if len(values) > _MOST_LISTED:
            listed = self._parameter(json.dumps(values))
            return f"(SELECT value FROM json_each({listed}))"  # noqa: S608 - a parameter's name
        return f"({', '.join(map(self._parameter, values))})"

    def _parameter(self, value: object) -> str:
        name = self._names.setdefault(value, f"c{len(self._names)}")
        self.parameters[name] = value
        return f":{name}"

    def _number(self, condition: Condition) -> int:
        if id(condition.test) not in self._numbers:
            self._numbers[id(condition.test)] = len(self.tests)
            self.tests.append(condition.test)
        return self._numbers[id(condition.test)]


def _merged(tree: Combined) -> list[Tree]:
    """Return the parts of a tree, with one set of values where any value of an attribute matches.

    A long list of ids is written as many conditions of 50 values each.
    """
    if tree.include == "ALL":
        return [*tree.parts]
    sets: dict[tuple[str, ...], Condition] = {}
    others: list[Tree] = []
    for part in tree.parts:
        if isinstance(part, Condition) and part.operator == "INCLUSIVE" and not part.is_open:
            before = sets.get(part.path)
            values = (*before.values, *part.values) if before else part.values
            sets[part.path] = part._replace(values=values)
        else:
            others.append(part)
    return [*sets.values(), *others]


def _cost(part: Tree) -> int:
    """Return how expensive a condition is, because SQLite evaluates them in their order."""
    if not isinstance(part, Condition):
        return 3
    return 0 if part.operator in _TEXTS else 1 + part.is_date


def _joined(operator: str, parts: list[str], *, neutral: str, final: str) -> str:
    needed = [part for part in dict.fromkeys(parts) if part != neutral]
    if final in needed:
        return final
    return f"({f' {operator} '.join(needed)})" if needed else neutral


def _near(bound: float) -> tuple[float, float]:
    """Return a range of real numbers outside of which a number is not equal to a bound."""
    if math.isinf(bound):
        return bound, bound
    margin = abs(bound) * _NEAR
    return bound - margin, bound + margin


def _day(seconds: float, margin: timedelta) -> str:
    try:
        return (_EPOCH_START + margin + timedelta(seconds=seconds)).date().isoformat()
    except OverflowError:
        return _FIRST_DAY if seconds < 0 else _LAST_DAY

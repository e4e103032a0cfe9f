"""The nodes of a condition: comparisons, negations, and what joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from customer_profiles.errors import InvalidInputError

from .operators import METHODS, OPPOSITES, snake

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

T = TypeVar("T")

Kind = Literal["profile", "attribute", "calculated", "object"]
"""Whether a field is of the profile, a custom or calculated attribute, or of counted objects."""

_MOST_NESTED = 100
_MOST_SHOWN = 300


class Condition:
    """A condition on profiles, or on the objects that a calculated attribute counts.

    `&`, `|` and `~` combine conditions; `and`, `or` and `not` raise.
    """

    __slots__ = ()

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both hold."""
        if not isinstance(other, Condition):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        return joined(And, (self, other))

    def __or__(self, other: Condition) -> Condition:
        """Return the condition that at least one of both holds."""
        if not isinstance(other, Condition):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        return joined(Or, (self, other))

    def __invert__(self) -> Condition:
        """Return the condition that this one does not hold."""
        return Not(self)

    # Not bool, so that pyright reports `if condition:`; mypy has no such check.
    def __bool__(self) -> str:
        """Refuse: `and`, `or`, `not` and `if` would drop a part of the condition.

        Raises:
            InvalidInputError: always.
        """
        msg = (
            "a condition is neither true nor false before it meets a profile; join conditions "
            "with & and |, negate them with ~, and test one profile with conditions.evaluate()"
        )
        raise InvalidInputError(msg)


@dataclass(frozen=True, slots=True)
class Everybody(Condition):
    """The condition that every profile meets."""

    def __repr__(self) -> str:
        return "where.everybody"


@dataclass(frozen=True, slots=True)
class InSegment(Condition):
    """The condition that the members of another segment meet."""

    name: str
    """The name of the segment's definition."""

    def __repr__(self) -> str:
        return f"where.segment({self.name!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Field(Generic[T]):
    """A field that conditions compare; its methods are the operators of the service."""

    kind: Kind
    """Whether it is of the profile, a custom or calculated attribute, or of counted objects."""
    name: str
    """The service's name, such as `Address.City`, or the name of the attribute."""

    def __eq__(self, other: object) -> bool:
        """Compare with another field; a value is refused, as nothing would be compared.

        Raises:
            InvalidInputError: the other side is no field.
        """
        if not isinstance(other, Field):
            msg = f"{self!r} == ... compares nothing; use a method, such as {self!r}.is_in(...)"
            raise InvalidInputError(msg)
        return (self.kind, self.name) == (other.kind, other.name)

    def __hash__(self) -> int:
        return hash((self.kind, self.name))

    def __repr__(self) -> str:
        if self.kind == "profile":
            return "where." + ".".join(map(snake, self.name.split(".")))
        if self.kind == "attribute":
            return f"where.attributes[{self.name!r}]"
        return f"where.{'calculated' if self.kind == 'calculated' else 'field'}({self.name!r})"

    def ascending(self) -> SortKey:
        """Return the order of a segment's snapshots by this field, the smallest value first."""
        return SortKey(self, "ASC")

    def descending(self) -> SortKey:
        """Return the order of a segment's snapshots by this field, the largest value first."""
        return SortKey(self, "DESC")


class SortKey(NamedTuple):
    """A field that orders the snapshots of a segment."""

    field: Field[Any]
    """The field."""
    order: Literal["ASC", "DESC"]
    """The direction."""


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """The comparison of a field with values."""

    field: Field[Any]
    """The field."""
    operator: str
    """The service's name of the operator, such as `INCLUSIVE`."""
    values: tuple[str, ...]
    """The values as the service reads them."""
    days: tuple[int, int] | None = None
    """The days of a calculated attribute: from how many days ago, and until how many."""

    def __invert__(self) -> Condition:
        """Return the opposite comparison where the service has one."""
        if self.operator not in OPPOSITES:
            return Not(self)
        return Comparison(self.field, OPPOSITES[self.operator], self.values, self.days)

    def __repr__(self) -> str:
        """Return the comparison as Python, with the number of its values in place of them."""
        count = len(self.values)
        values = f"<{count} value{'s' * (count != 1)}>"
        if self.days is not None:
            start, end = self.days
            values += f", days={self.days if end else start}"
        return f"{self.field!r}.{METHODS.get(self.operator, self.operator)}({values})"


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The negation of a condition that has no opposite of its own."""

    condition: Condition
    """The condition that does not hold; never an `And`, an `Or` or another `Not`."""

    def __invert__(self) -> Condition:
        """Return the condition itself."""
        return self.condition

    def __repr__(self) -> str:
        return f"~{self.condition!r}"


class Joined(Condition):
    """Conditions joined by `&` or `|`: a flat tuple, however long the chain was."""

    __slots__ = ("_depth", "parts")

    parts: tuple[Condition, ...]
    """The conditions, in the order in which they were written."""
    _depth: int
    _sign: str

    def __init__(self, parts: tuple[Condition, ...]) -> None:
        depth = 1 + max(getattr(part, "_depth", 0) for part in parts)
        if depth > _MOST_NESTED:
            msg = (
                f"conditions are nested more than {_MOST_NESTED} deep; create a segment for an "
                "inner part, and use where.segment('its name') in its place"
            )
            raise InvalidInputError(msg)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_depth", depth)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: conditions do not change."""
        msg = f"cannot set {name!r}: conditions do not change; combine them to new ones"
        raise AttributeError(msg)

    def __eq__(self, other: object) -> bool:
        """Compare with another condition; the order of the parts makes no difference."""
        if type(other) is not type(self):
            return NotImplemented
        return frozenset(self.parts) == frozenset(other.parts)

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.parts)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.parts,)

    def __repr__(self) -> str:
        parts = (f"({part!r})" if isinstance(part, Joined) else repr(part) for part in self.parts)
        return f" {self._sign} ".join(parts)


class And(Joined):
    """Conditions that all hold."""

    __slots__ = ()
    _sign = "&"

    def __invert__(self) -> Condition:
        """Return the condition that one of the parts does not hold."""
        return joined(Or, tuple(~part for part in self.parts))


class Or(Joined):
    """Conditions of which at least one holds."""

    __slots__ = ()
    _sign = "|"

    def __invert__(self) -> Condition:
        """Return the condition that none of the parts holds."""
        return joined(And, tuple(~part for part in self.parts))


EVERYBODY = Everybody()
NOBODY = Not(EVERYBODY)


def joined(join: type[And | Or], conditions: Collection[Condition]) -> Condition:
    """Join conditions without nesting, repetitions, and parts that make no difference."""
    neutral, decisive = (EVERYBODY, NOBODY) if join is And else (NOBODY, EVERYBODY)
    flat = dict.fromkeys(part for condition in conditions for part in parts_of(join, condition))
    flat.pop(neutral, None)
    if decisive in flat:
        return decisive
    if not flat:
        return neutral
    return join(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def parts_of(join: type[And | Or], condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that `join` joins in a condition: itself if there is none."""
    return condition.parts if isinstance(condition, join) else (condition,)


def shown(condition: Condition) -> str:
    """Return the `repr` of a condition for a message, cut if it is long."""
    text = repr(condition)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def leaves(condition: Condition) -> Iterator[Condition]:
    """Yield the comparisons and segments of which a condition is made."""
    if isinstance(condition, Joined):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition.condition if isinstance(condition, Not) else condition


def check_is_condition(condition: object) -> None:
    """Refuse what is no condition.

    Raises:
        InvalidInputError: it is a field alone, or another object.
    """
    if not isinstance(condition, Condition):
        kind = "a field alone" if isinstance(condition, Field) else type(condition).__name__
        msg = f"a condition is needed, such as where.last_name.is_in('Lovelace'), not {kind}"
        raise InvalidInputError(msg)

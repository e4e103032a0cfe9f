"""Conditions as texts of options, such as `address.city=Seattle,Bellevue`, and in words."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from customer_profiles import where
from customer_profiles._hints.nearest import did_you_mean
from customer_profiles.conditions import And, Comparison, Not, Or

from .console import fail
from .masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles.conditions import Condition

_TEXTS = ("is_in", "is_not_in", "contains", "begins_with", "ends_with")
_LISTS = ("contains_any", "contains_all")
_DATES = ("before", "after", "on")
_NUMBERS = ("equal_to", "over", "at_least", "under", "at_most")
_RANGES = ("between", "not_between")
METHODS: tuple[str, ...] = (*_TEXTS, *_NUMBERS, *_DATES, *_RANGES, *_LISTS)
"""The methods of fields that a condition of an option may name."""

_LITERAL = re.compile("'[^']*'")
_EXAMPLES = "'address.city=Seattle,Bellevue' or 'calculated.spend over 500 days=30'"

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="A condition, such as 'address.city=Seattle,Bellevue', 'birth_date before "
        "2000-01-01', 'attributes.tier!=gold', 'calculated.spend over 500 days=30' or "
        "'segment.gold'; may be repeated: all of them must hold.",
    ),
]
WhereAny = Annotated[
    bool, typer.Option("--any", help="Any of the conditions must hold, instead of all.")
]


def condition_of(texts: Sequence[str], *, any_of: bool = False) -> Condition:
    """Return the condition on profiles that texts of options describe together."""
    parts = [_parse(text, field_of) for text in texts]
    return _join(parts, any_of=any_of)


def filter_of(texts: Sequence[str], *, any_of: bool = False) -> Condition:
    """Return the condition on objects that texts of options describe together."""
    parts = [_parse(text, where.field) for text in texts]
    return _join(parts, any_of=any_of)


def _join(parts: list[Condition], *, any_of: bool) -> Condition:
    joined, *others = parts
    for other in others:
        joined = joined | other if any_of else joined & other
    return joined


def masked(condition: Condition) -> Condition:
    """Return a condition whose values are masked where they are compared with those of profiles."""
    match condition:
        case Comparison(field=field, values=values) if field.kind in ("profile", "attribute"):
            return replace(condition, values=tuple(mask(value, field.name) for value in values))
        case Not(condition=inner):
            return Not(masked(inner))
        case And(parts=parts) | Or(parts=parts):
            # Masked parts may be equal; they stay as many as they are.
            return type(condition)(tuple(map(masked, parts)))
    return condition


def masked_groups(value: Any, name: str = "", *, is_private: bool = False) -> Any:
    """Return the groups of a segment whose values are masked where `masked` masks them."""
    if isinstance(value, list) and name != "Values":
        return [masked_groups(item, name, is_private=is_private) for item in value]
    if isinstance(value, list):
        return mask(value) if is_private else value
    if isinstance(value, dict):
        return {
            member: masked_groups(
                inner, member, is_private=is_private or member == "ProfileAttributes"
            )
            for member, inner in value.items()
        }
    return value


def mask_literals(sql: str) -> str:
    """Return a query whose texts between quotes are masked."""
    return _LITERAL.sub(lambda found: f"'{mask(found[0][1:-1])}'", sql)


def _parse(text: str, find: Callable[[str], Any]) -> Condition:
    name, method, rest = _split(text)
    if method is None:
        if name.startswith("segment.") and find is field_of:
            return where.segment(name.removeprefix("segment."))
        fail(f"--where is FIELD=VALUE,… or FIELD METHOD VALUE, such as {_EXAMPLES}")
    field = find(name)
    options: dict[str, Any] = {}
    values, sign, days = rest.rpartition(" days=")
    if sign and name.startswith("calculated.") and days.isascii() and days.isdecimal():
        rest, options["days"] = values, int(days)
    if method == "is_in" and not hasattr(field, "is_in"):
        method = "on"
    call = getattr(field, method, None)
    if call is None:
        known = ", ".join(known for known in METHODS if hasattr(field, known))
        fail(f"--where: {name} has no {method}; known are {known}")
    arguments = [_value(part, method) for part in _parts(rest)]
    try:
        condition: Condition = call(*arguments, **options)
    except TypeError:
        count = "two values" if method in _RANGES else "one value"
        fail(f"--where: {name} {method} takes {count}, not {len(arguments)}")
    return condition


def _split(text: str) -> tuple[str, str | None, str]:
    """Return the field, the method and the values of a condition."""
    name, sign, rest = text.partition("=")
    # A word such as `on` after the sign belongs to a value.
    named = [(at, method) for method in METHODS if (at := name.find(f" {method} ")) > 0]
    if named:
        at, method = min(named)
        return name[:at].strip(), method, text[at + len(method) + 2 :]
    if sign:
        is_not = name.endswith("!")
        return name.removesuffix("!").strip(), "is_not_in" if is_not else "is_in", rest
    name, _, rest = text.strip().partition(" ")
    method = rest.partition(" ")[0]
    if method and (hint := did_you_mean(method, METHODS, 1)):
        fail(f"--where: there is no method {method!r}; {hint}")
    return name, None, ""


def _parts(text: str) -> list[str]:
    """Return the values between commas; one with a comma stands in double quotes."""
    return next(csv.reader([text.strip()], skipinitialspace=True), [])


def _value(text: str, method: str) -> Any:
    """Return a value as the method of a field takes it."""
    value: Any = text
    wanted = "a text"
    if method in _NUMBERS:
        value, wanted = _number(text), "a number"
    elif method in _DATES:
        value, wanted = _moment(text), "a date such as 2000-01-31"
    elif method in _RANGES:
        number = _number(text)
        value, wanted = _moment(text) if number is None else number, "numbers or dates"
    if value is None:
        fail(f"--where: {method} takes {wanted}")
    return value


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> date | None:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def field_of(name: str, option: str = "--where") -> Any:
    """Return the field of a profile by its dotted name, or end the command with the nearest one."""
    group, dot, rest = name.partition(".")
    if dot and rest and group == "attributes":
        return where.attributes[rest]
    if dot and rest and group == "calculated":
        return where.calculated(rest)
    found: Any = where
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            fail(f"{option}: {error}")
    if not any(hasattr(found, method) for method in METHODS):
        fail(f"{option}: {name} is no field; fields are such as address.city or attributes.tier")
    return found

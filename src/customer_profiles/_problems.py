"""Messages about wrong requests: they name fields as the caller does, and show no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _wire
from ._hints.nearest import did_you_mean, listed
from .errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ._wire import Path, Problem

    Names = Mapping[Path, str]
    """The caller's name for a path in the request, where it is not our name of the member."""


_SHOWN = 20


def refuse(problems: list[Problem], operation: str, names: Names | None = None) -> None:
    """Raise an error that names each wrong field and its rule, if there are any.

    Raises:
        InvalidInputError: there is a problem.
    """
    if not problems:
        return
    # An empty value also breaks its pattern; that it is empty says enough.
    empty = {p.path for p in problems if (p.kind, p.bound) == ("min_length", 1)}
    shown = [p for p in problems if p.kind != "pattern" or p.path not in empty]
    reasons = [describe(problem, operation, names) for problem in shown[:_SHOWN]]
    if len(shown) > _SHOWN:
        reasons.append("and there are more problems")
    msg = f"{operation} was not sent: {'; '.join(reasons)}"
    raise InvalidInputError(msg)


def unknown(name: str, known: Collection[str], where: str, what: str = "field") -> str:
    """Describe a misspelled name, with the known names that may have been meant.

    Args:
        name: the name that the caller wrote.
        known: the names that exist.
        where: what has these names, such as the model's name.
        what: what is named.
    """
    hint = did_you_mean(name, known) or f"known are {listed(known)}"
    return f"{where} has no {what} {name!r}; {hint}"


def describe(problem: Problem, operation: str, names: Names | None = None) -> str:
    """Describe a problem of a request to an operation by the field and its rule."""
    names = names or {}
    field, rule = _spell(problem.path, names), _RULES[problem.kind]
    if problem.kind == "clear":
        return f"{field} {_describe_clear(problem)}"
    if problem.kind in _EMPTY and problem.bound == 1:
        shape = _wire.input_shape(operation)
        optional = problem.path not in names and _wire.may_lack(shape, problem.path)
        remedy = "leave it out instead" if optional else _EMPTY[problem.kind]
        return f"{field} must not be empty; {remedy}"
    bound = problem.bound
    if problem.kind in ("enum", "unknown"):
        bound = ", ".join(bound if problem.kind == "enum" else map(_wire.field_name, bound))
    advice = _ID_ADVICE if problem.kind == "pattern" and bound == _PROFILE_ID else ""
    return f"{field} {rule.format(bound)}{advice}"


_RULES = {
    "missing": "is required",
    "unknown": "is not known here; known are {}",
    "type": "must be a {}",
    "min_length": "must have {} or more characters",
    "max_length": "must have at most {} characters",
    "min_items": "must have {} or more items",
    "max_items": "must have at most {} items",
    "min_value": "must be {} or more",
    "max_value": "must be at most {}",
    "pattern": "must match {}",
    "enum": "must be one of {}",
    "clear": "",
}

_PROFILE_ID = "[a-f0-9]{32}"
_ID_ADVICE = (
    ", as the service's ids of profiles do; to find a profile by another value, use "
    "search(account=...), search(email=...) or another key"
)
_EMPTY = {"min_length": "give a value", "min_items": "give at least one"}
_INSTEAD = {"Gender": "gender_string", "PartyType": "party_type_string"}


def _describe_clear(problem: Problem) -> str:
    last = str(problem.path[-1])
    if last in _INSTEAD:
        return (
            "cannot be cleared, the service has no way to; "
            f"use {_INSTEAD[last]} for a value that can"
        )
    if problem.bound == "map":
        return "cannot be cleared as a whole without knowing its keys; set each key to None"
    return "cannot be cleared, the service has no way to; give it another value"


def _spell(path: Path, names: Names) -> str:
    named = next((end for end in range(len(path), 0, -1) if path[:end] in names), 0)
    spelled = names[path[:named]] if named else ""
    for part in path[named:]:
        if isinstance(part, tuple):
            number, what = part
            spelled = f"the {what} of entry {number} in {spelled.lstrip('.')}"
        else:
            spelled += f"[{part}]" if isinstance(part, int) else f".{_wire.field_name(part)}"
    return spelled.lstrip(".") or "the request"

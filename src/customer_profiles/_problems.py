"""What is wrong with a request, in words that name our fields and never hold a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore import xform_name

from . import _wire
from .errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ._wire import Path, Problem

    Names = Mapping[Path, str]
    """What the caller wrote for a place in the request, where that is not our spelling of it."""


def refuse(problems: list[Problem], operation: str, names: Names | None = None) -> None:
    """Raise an error that names each field as the caller does, and its rule, if there is any."""
    if not problems:
        return
    # That it breaks its pattern as well is no news of what is empty.
    empty = {it.path for it in problems if (it.kind, it.bound) == ("min_length", 1)}
    told = [it for it in problems if it.kind != "pattern" or it.path not in empty]
    reasons = "; ".join(_say(problem, operation, names or {}) for problem in told)
    msg = f"{operation} was not sent: {reasons}"
    raise InvalidInputError(msg)


def unknown(name: str, known: Collection[str], where: str, what: str = "field") -> str:
    """Say that a name is misspelled, and what may have been meant."""
    import difflib

    close = difflib.get_close_matches(name, known, n=2)
    close = close or sorted((it for it in known if name in it or it in name), key=len)[:2]
    hint = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"
    return f"{where} has no {what} {name!r}; {hint}"


def _say(problem: Problem, operation: str, names: Names) -> str:
    field, rule = _spell(problem.path, names), _RULES[problem.kind]
    if problem.kind == "clear":
        return f"{field} {_say_clear(problem)}"
    if problem.kind in _EMPTY and problem.bound == 1:
        shape: Any = _wire.operation(operation).input_shape
        optional = problem.path not in names and _wire.may_lack(shape, problem.path)
        remedy = "leave it out instead" if optional else _EMPTY[problem.kind]
        return f"{field} must not be empty; {remedy}"
    bound = problem.bound
    if problem.kind in ("enum", "unknown"):
        bound = ", ".join(bound if problem.kind == "enum" else map(xform_name, bound))
    return f"{field} {rule.format(bound)}"


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

_EMPTY = {"min_length": "give a value", "min_items": "give at least one"}
_INSTEAD = {"Gender": "gender_string", "PartyType": "party_type_string"}


def _say_clear(problem: Problem) -> str:
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
            spelled += f"[{part}]" if isinstance(part, int) else f".{xform_name(part)}"
    return spelled.lstrip(".") or "the request"

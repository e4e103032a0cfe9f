"""What is wrong with a request, in words that name our fields and never hold a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore import xform_name

from customer_profiles.errors import InvalidInputError

if TYPE_CHECKING:
    from customer_profiles._wire import Path, Problem


def refuse(problems: list[Problem], what: str) -> None:
    """Raise an error that names each field in our spelling and its rule, if there is any."""
    if problems:
        msg = f"{what}: " + "; ".join(_say(problem) for problem in problems)
        raise InvalidInputError(msg)


def unknown_field(name: str, known: Any, where: str) -> InvalidInputError:
    """Make the error for a misspelled field, with what may have been meant."""
    import difflib

    close = difflib.get_close_matches(name, known, n=2)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"
    return InvalidInputError(f"{where} has no field {name!r}; {hint}")


def _say(problem: Problem) -> str:
    field, rule = _spell(problem.path), _RULES[problem.kind]
    if problem.kind == "clear":
        return f"{field} {_say_clear(problem)}"
    if problem.kind == "min_length" and problem.bound == 1:
        return f"{field} must not be empty; leave it out instead"
    bound = problem.bound
    if problem.kind in ("enum", "unknown"):
        bound = ", ".join(bound if problem.kind == "enum" else map(xform_name, bound))
    return f"{field} {rule.format(bound)}"


_RULES = {
    "missing": "is required",
    "unknown": "is not known here; known are {}",
    "type": "must be a {}",
    "min_length": "must have {} or more characters or items",
    "max_length": "must have at most {} characters or items",
    "min_value": "must be {} or more",
    "max_value": "must be at most {}",
    "pattern": "must match {}",
    "enum": "must be one of {}",
    "clear": "",
}

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


def _spell(path: Path) -> str:
    spelled = ""
    for part in path:
        spelled += f"[{part}]" if isinstance(part, int) else f".{xform_name(part)}"
    return spelled.lstrip(".") or "the request"

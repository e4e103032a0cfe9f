"""What the service answers when it says no: the code, the status and the words."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

from customer_profiles import _wire

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 20


@cache
def _statuses() -> dict[str, int]:
    return {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for shape in _wire.service().error_shapes
    }


class Refusal(Exception):  # noqa: N818 - a refusal is an answer of the service, not a fault
    """The service's no: an exception of its model with a message that holds no customer value."""

    def __init__(self, code: str, message: str) -> None:
        """Say no with one of the service's exceptions."""
        super().__init__(code, message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status that the service's model gives the exception."""
        return _statuses()[self.code]

    def __str__(self) -> str:
        """Show the code and the message."""
        return f"{self.code}: {self.message}"


def bad_request(message: str) -> Refusal:
    """Refuse a request that asks for what cannot be."""
    return Refusal("BadRequestException", message)


def not_found(message: str) -> Refusal:
    """Refuse a request for what is not there."""
    return Refusal("ResourceNotFoundException", message)


def invalid(problems: Sequence[_wire.Problem]) -> Refusal:
    """Refuse a request that breaks its shape, in the words of AWS's framework."""
    count = len(problems)
    plural = "error" if count == 1 else "errors"
    # Assumed: validation messages list 20 broken constraints at most and never repeat the value.
    words = "; ".join(_sentence(problem) for problem in problems[:_SHOWN])
    return bad_request(f"{count} validation {plural} detected: {words}")


def _sentence(problem: _wire.Problem) -> str:
    if problem.kind == "unknown":
        return _unknown(problem)
    where = f"Value at '{_place(problem.path)}'" if problem.path else "The request"
    return f"{where} failed to satisfy constraint: {_constraint(problem)}"


def _unknown(problem: _wire.Problem) -> str:
    # Assumed: a member that the service's model does not have is refused, not ignored.
    name = str(problem.path[-1])
    close = difflib.get_close_matches(name, problem.bound, n=1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    where = f" at '{_place(problem.path[:-1])}'" if problem.path[1:] else ""
    return f"Unknown member '{name}'{where}{hint}"


def _place(path: _wire.Path) -> str:
    # The framework counts list items from one and lets member names begin in lower case.
    return ".".join(
        f"{step + 1}.member" if isinstance(step, int) else step[:1].lower() + step[1:]
        for step in path
        # The names in a map are the customer's words, so a place stops at the map itself.
        if not isinstance(step, tuple)
    )


def _constraint(problem: _wire.Problem) -> str:
    words = _WORDS[problem.kind]
    bound = problem.bound
    shown = ", ".join(bound) if isinstance(bound, (tuple, list)) else bound
    return words.format(shown)


_WORDS = {
    "missing": "Member must not be null",
    "type": "Member must be a {}",
    "min_length": "Member must have length greater than or equal to {}",
    "max_length": "Member must have length less than or equal to {}",
    "min_items": "Member must have length greater than or equal to {}",
    "max_items": "Member must have length less than or equal to {}",
    "min_value": "Member must have value greater than or equal to {}",
    "max_value": "Member must have value less than or equal to {}",
    "pattern": "Member must satisfy regular expression pattern: {}",
    "enum": "Member must satisfy enum value set: [{}]",
}

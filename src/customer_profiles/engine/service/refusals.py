"""Refusals: the service's exceptions, with code, status and message."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from customer_profiles import _wire
from customer_profiles._hints.nearest import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_SHOWN = 20


_NOT_BUILT = "NotImplementedException"
# What AWS answers to signatures before a service sees the request; not in the service's model.
_OF_SIGNATURES = (
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
)
_PAGE = "https://github.com/customer-profiles/customer-profiles/blob/main/docs/fidelity.md"


@cache
def _statuses() -> dict[str, int]:
    """Return the statuses of the service's exceptions, of those before it, and of the engine's."""
    return (
        {_NOT_BUILT: 501}
        | dict.fromkeys(_OF_SIGNATURES, 403)
        | {
            shape.name: shape.metadata["error"]["httpStatusCode"]
            for shape in _wire.service().error_shapes
        }
    )


class Refusal(Exception):  # noqa: N818 - a refusal is an answer of the service, not a fault
    """One of the service's exceptions; its message contains no values of customers."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        """Refuse with one of the service's exceptions, by its name; others need a status."""
        super().__init__(code, message)
        self.code = code
        self.message = message
        self._status = status

    @property
    def status(self) -> int:
        """The HTTP status of the exception."""
        return self._status or _statuses()[self.code]

    def __str__(self) -> str:
        """Return the code and the message."""
        return f"{self.code}: {self.message}"


def has_status(code: str) -> bool:
    """Return whether a code is one of the service's exceptions, whose status is known."""
    return code in _statuses()


def bad_request(message: str) -> Refusal:
    """Refuse a request that is not valid."""
    return Refusal("BadRequestException", message)


def not_found(message: str, name: str = "", known: Collection[str] = ()) -> Refusal:
    """Refuse a request for a resource that does not exist.

    Args:
        message: what does not exist.
        name: the name in the request.
        known: the names that exist; those that may be meant are added to the message.
    """
    # Assumed: the service's messages about missing names do not suggest others, as these do.
    close = did_you_mean(name, known)
    return Refusal("ResourceNotFoundException", f"{message}; {close}" if close else message)


def not_built(operation: str) -> Refusal:
    """Refuse an operation that the engine lacks, with a code that the service never answers."""
    message = f"{operation} is not built into this engine yet; {_PAGE} lists what is built"
    return Refusal(_NOT_BUILT, message)


def invalid(problems: Sequence[_wire.Problem]) -> Refusal:
    """Refuse a request that breaks its shape, with the message of AWS's framework."""
    count = f"{len(problems)} validation error{'s' * (len(problems) > 1)}"
    if len(problems) > _wire.MOST_PROBLEMS:
        # Assumed: a request is checked up to its 101st broken constraint.
        count = f"More than {_wire.MOST_PROBLEMS} validation errors"
    # Assumed: validation messages list 20 broken constraints at most and never repeat the value.
    sentences = "; ".join(_sentence(problem) for problem in problems[:_SHOWN])
    return bad_request(f"{count} detected: {sentences}")


def _sentence(problem: _wire.Problem) -> str:
    if problem.kind == "unknown":
        return _unknown(problem)
    where = f"Value at '{_path(problem.path)}'" if problem.path else "The request"
    return f"{where} failed to satisfy constraint: {_constraint(problem)}"


def _unknown(problem: _wire.Problem) -> str:
    # Assumed: a member that the service's model does not have is refused, not ignored.
    name = str(problem.path[-1])
    close = nearest(name, problem.bound, 1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    where = f" at '{_path(problem.path[:-1])}'" if problem.path[1:] else ""
    return f"Unknown member '{name}'{where}{hint}"


def _path(path: _wire.Path) -> str:
    # The framework counts list items from 1 and writes member names with a lower first letter.
    return ".".join(
        f"{step + 1}.member" if isinstance(step, int) else step[:1].lower() + step[1:]
        for step in path
        # The keys of a map are values of the customer, so the path ends at the map.
        if not isinstance(step, tuple)
    )


def _constraint(problem: _wire.Problem) -> str:
    bound = problem.bound
    shown = ", ".join(bound) if isinstance(bound, (tuple, list)) else bound
    return _CONSTRAINTS[problem.kind].format(shown)


_CONSTRAINTS = {
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

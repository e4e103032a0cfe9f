"""The table of operations that the engine has, each a function under AWS's name for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles import _wire

from .refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Context

    Answer = dict[str, Any] | bytes
    Operation = Callable[[Context, dict[str, Any]], Answer]

OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Callable[[Operation], Operation]:
    """Enter a function into the table under the service's own name of the operation."""
    if name not in _wire.service().operation_names:
        message = f"{name} is no operation of the service's model"
        raise LookupError(message)

    def enter(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return enter


def find(name: str) -> Operation:
    """Give the function of an operation, or refuse."""
    function = OPERATIONS.get(name)
    if function is None:
        known = name in _wire.service().operation_names
        what = "is not built into this engine yet" if known else "is no operation of this service"
        raise bad_request(f"{name} {what}; it has {', '.join(sorted(OPERATIONS))}")
    return function

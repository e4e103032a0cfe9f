"""The functions of the operations that the engine implements, by AWS's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles import _wire

from .refusals import bad_request, not_built

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles._wire import Wire

    from .context import Context

    Operation = Callable[[Context, Wire], Wire | bytes]

OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Callable[[Operation], Operation]:
    """Register a function as the implementation of an operation."""
    if name not in _wire.service().operation_names:
        message = f"{name} is not an operation of the service's model"
        raise LookupError(message)

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register


def find(name: str) -> Operation:
    """Return the function of an operation, or refuse."""
    function = OPERATIONS.get(name)
    if function is None:
        if name in _wire.service().operation_names:
            raise not_built(name)
        raise bad_request(f"{name} is no operation of this service")
    return function

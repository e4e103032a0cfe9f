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
READ_ONLY: set[str] = set()
"""The operations that need no write transaction, unless data have expired."""


def operation(name: str, *, read_only: bool = False) -> Callable[[Operation], Operation]:
    """Register a function as the implementation of an operation.

    Args:
        name: the operation, by AWS's name.
        read_only: whether it is quick and begins no write transaction, so that a server may answer
            it in its event loop.
    """
    if name not in _wire.service().operation_names:
        message = f"{name} is not an operation of the service's model"
        raise LookupError(message)

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        if read_only:
            READ_ONLY.add(name)
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

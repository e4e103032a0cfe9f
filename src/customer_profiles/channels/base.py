"""The protocol that all channels have."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from customer_profiles._wire import Wire


class _Limit(threading.local):
    end: float | None = None
    """The time, as `time.monotonic()` has it, at which the request must be over; None: never."""


limit: _Limit = _Limit()
"""The deadline of what this thread sends. The gateway sets it, and channels keep it."""


class Channel(Protocol):
    """A way to the service."""

    @property
    def retries(self) -> int:
        """How often the channel itself sends a request at most; 0 leaves that to the gateway."""
        ...

    def send(self, operation: str, request: Wire) -> bytes:
        """Send one request once, and return the JSON of a successful answer.

        Args:
            operation: the service's name for it, such as `CreateDomain`.
            request: the request in the service's own names.

        Raises:
            ServiceError: the service refused the request.
            ConnectionFailedError: no answer came.
            UnreadableAnswerError: the answer is a success, but not one of the service.
        """
        ...

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`."""
        ...

    def close(self) -> None:
        """Close the connections or files that the channel has open."""
        ...

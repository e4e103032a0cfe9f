"""The protocol that all channels have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from customer_profiles._wire import Wire


class Channel(Protocol):
    """A way to the service."""

    retries: bool
    """Whether the channel retries by itself, so that the gateway must not."""

    def send(self, operation: str, request: Wire) -> bytes:
        """Send one request once, and return the JSON of a successful answer.

        Args:
            operation: the service's name for it, such as `CreateDomain`.
            request: the request in the service's own names.

        Raises:
            ServiceError: the service refused the request.
            ConnectionFailedError: no answer came.
        """
        ...

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`."""
        ...

    def close(self) -> None:
        """Close the connections or files that the channel has open."""
        ...

"""Event streams, which send each change of a domain to Kinesis, and how well that works."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from .base import Identifier, OpenEnum, Record, UnredactedModel

EventStreamState = Literal["RUNNING", "STOPPED"]
EventStreamDestinationStatus = Literal["HEALTHY", "UNHEALTHY"]


class EventStreamDestination(UnredactedModel):
    """The Kinesis data stream that gets the records, and its health."""

    uri: str | None = None
    """The ARN of the data stream."""
    status: Annotated[EventStreamDestinationStatus, OpenEnum()] | None = None
    """UNHEALTHY while the data stream does not accept records, which are kept meanwhile."""
    unhealthy_since: datetime | None = None
    """When the data stream began not to accept records."""
    message: str | None = None
    """The reason; listed streams do not have it."""


class EventStream(Record):
    """The stream of all changes of a domain's profiles and objects to Kinesis.

    One that was just created has its name, ARN and `uri`; `refresh()` reads the rest.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("domain_name", "event_stream_name", "event_stream_arn", "uri", "created_at"),
            *("state", "stopped_since", "destination_details", "destination_summary"),
        }
    )

    domain_name: Annotated[str, Identifier()] = ""
    """The name of the domain."""
    event_stream_name: Annotated[str, Identifier()] = ""
    """The name: up to 64 letters, digits, `_` and `-`."""
    event_stream_arn: str | None = None
    """The ARN of the event stream; read only."""
    uri: str | None = None
    """The ARN of the Kinesis data stream."""
    created_at: datetime | None = None
    """When the event stream was created; read only, and not in lists."""
    state: Annotated[EventStreamState, OpenEnum()] | None = None
    """STOPPED after lasting failures, and then no records are kept; read only."""
    stopped_since: datetime | None = None
    """When the event stream was stopped; read only."""
    destination_details: EventStreamDestination | None = None
    """The data stream and its health, as `get` and `refresh` read it."""
    destination_summary: EventStreamDestination | None = None
    """The data stream and its health, as lists have it."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""

    @property
    def destination(self) -> EventStreamDestination | None:
        """The data stream and its health; None until it was read."""
        return self.destination_details or self.destination_summary

    @property
    def is_healthy(self) -> bool:
        """Whether the stream runs, and its data stream accepts records, as it was read last."""
        status = self.destination.status if self.destination else None
        return self.state == "RUNNING" and status == "HEALTHY"

    @model_validator(mode="after")
    def _read_uri(self) -> Self:
        if self.uri is None and self.destination is not None:
            # Not by assignment, which would validate again.
            vars(self)["uri"] = self.destination.uri
        return self


class Delivery(UnredactedModel):
    """How well the embedded engine delivers something of a domain."""

    what: str
    """`changes`, to the event stream, or `dead letters`, to the SQS queue."""
    destination: str | None = None
    """The ARN of the data stream, or the URL of the queue."""
    waiting: int = 0
    """How many records are not delivered yet."""
    undeliverable: int = 0
    """How many are no longer tried, because the destination accepts others and not them.

    `domain.retry_deliveries()` tries them again.
    """
    failures: int = 0
    """How many attempts in a row failed."""
    failing_since: datetime | None = None
    """When the first of them was."""
    retry_at: datetime | None = None
    """When the next attempt is."""
    problem: str | None = None
    """Why the destination accepts nothing, or not the newest of the undeliverable records."""

"""`customer-profiles streams`: event streams, which send changes to Kinesis."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from customer_profiles import EventStream

from .console import confirm, err, fail, out
from .definitions import naming
from .output import Limit, Output, shown
from .target import Target, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from customer_profiles import Delivery, Domain

app: typer.Typer = typer.Typer(
    help="Event streams: changes of profiles and objects, sent to Kinesis.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The event stream's name.")]
_COLUMNS = shown("event_stream_name", whole=True) + shown(
    *("state", "destination_summary.status", "uri"),
)
_DELIVERIES = shown("destination", "waiting", "undeliverable", "failures", "retry_at", "problem")
_UNHEALTHY = _LEFT = 1
_POLL_SECONDS = 0.05
_ARN = re.compile("arn:[^:]+:kinesis:[^:]+:[^:]+:stream/.+")


@app.command(name="list")
@with_target
def list_(*, limit: Limit = None, target: Target, output: Output) -> None:
    """List the event streams of a domain, which has one at most."""
    with target.open() as domain:
        output.show(
            domain.event_streams.all(limit=output.limit(limit)),
            columns=_COLUMNS,
            model=EventStream,
            limit=limit,
            private=False,
            empty="no event stream; `streams create` creates one",
        )


@app.command()
@with_target
def show(name: Name, *, target: Target, output: Output) -> None:
    """Show whether an event stream runs, and whether Kinesis accepts its records.

    Exit code: 0 it does, 1 it is stopped or Kinesis does not accept records, 2 an error.
    """
    with target.open() as domain, _naming(domain, name):
        stream = domain.event_streams.get(name)
        output.show([stream], private=False, vertical=True)
        if not stream.is_healthy:
            raise typer.Exit(_UNHEALTHY)


@app.command()
@with_target
def create(
    name: Name,
    uri: Annotated[str, typer.Argument(metavar="ARN", help="The ARN of a Kinesis data stream.")],
    *,
    target: Target,
) -> None:
    """Send each change of profiles and objects to a Kinesis data stream from now on.

    With --db, every command that changes something sends it, with your AWS credentials; what
    Kinesis did not accept is sent by a later command, `serve`, or `streams deliver`.
    """
    if not _ARN.fullmatch(uri):
        fail(
            f"{uri} is not the ARN of a Kinesis data stream, such as "
            "arn:aws:kinesis:us-east-1:111122223333:stream/changes"
        )
    with target.open() as domain:
        domain.event_streams.create(name, uri)
        out.print(f"created event stream {escape(name)}", soft_wrap=True)


@app.command()
@with_target
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Delete an event stream; records that were not delivered are lost."""
    with target.open() as domain, _naming(domain, name):
        stream = domain.event_streams.get(name)
        if not yes:
            waiting = ""
            if target.db is not None and (count := sum(map(_count, _deliveries(domain)))):
                waiting = f" with {count:,} records that were not delivered"
            confirm(f"Delete event stream {name} of {target.domain}{waiting}?")
        stream.delete()
        out.print(f"deleted event stream {escape(name)}", soft_wrap=True)


@app.command()
@with_target
def deliver(
    *,
    timeout: Annotated[
        float, typer.Option(min=0, help="The most seconds to deliver records for.")
    ] = 60.0,
    target: Target,
    output: Output,
) -> None:
    """Deliver now what waits, and what Kinesis did not accept before; embedded only.

    Exit code: 0 all delivered, 1 some is left, 2 an error.
    """
    if target.db is None:
        fail(
            "only an embedded domain (--db) delivers records itself; on AWS the service does, and "
            "`streams show` shows whether Kinesis accepts them"
        )
    with target.open() as domain:
        domain.retry_deliveries()
        until = time.monotonic() + timeout
        with err.status("delivering"):
            # The engine delivers in a thread of its own, and pauses where it is refused.
            while time.monotonic() < until and any(
                delivery.waiting and not delivery.failures for delivery in _deliveries(domain)
            ):
                time.sleep(_POLL_SECONDS)
        found = _deliveries(domain)
        if output.format == "table" and found and not sum(map(_count, found)):
            out.print("all records are delivered")
        else:
            output.show(found, columns=_DELIVERIES, private=False, empty="no event stream")
        if sum(map(_count, found)):
            raise typer.Exit(_LEFT)


def _deliveries(domain: Domain) -> list[Delivery]:
    return [delivery for delivery in domain.deliveries if delivery.what == "changes"]


def _count(delivery: Delivery) -> int:
    return delivery.waiting + delivery.undeliverable


def _naming(domain: Domain, name: str) -> AbstractContextManager[None]:
    def names() -> Iterator[str]:
        return (item.event_stream_name for item in domain.event_streams.all())

    return naming("event stream", name, names)

"""Event streams: where the changes of a domain are sent."""

from __future__ import annotations

import re
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn

from customer_profiles.engine.events import streams
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import documents as store
from customer_profiles.engine.store import tags as tag_store
from customer_profiles.engine.store.documents import Document

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_ARN = "event-streams"
_URI = re.compile(r"arn:aws[a-z-]*:kinesis:([a-z0-9-]+):(\d{12}):stream/[a-zA-Z0-9_.-]{1,128}")
_NO_ACCOUNT = "000000000000"
"""The account of an engine that was not given one."""


@operation("CreateEventStream")
def create_event_stream(context: Context, request: Wire) -> Wire:
    """Send the changes of a domain to a data stream of Kinesis from now on."""
    uri, name, tags = request["Uri"], request["EventStreamName"], request.get("Tags", {})
    _check_uri(context, uri)
    tagging.check_number(context, tags)
    now = round(context.clock.now(), 3)
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        if store.count(connection, domain.id, streams.KIND):
            # Observed in the service.
            raise bad_request(
                f"The Customer Profiles Domain: {request['DomainName']} is already associated "
                "with an active EventStream"
            )
        # Assumed: whether the data stream exists is found out by the first record, not here.
        body = streams.start(connection, domain.id, uri, now)
        store.put(connection, domain.id, streams.KIND, Document(name, body, now, now))
        tag_store.put(connection, _arn(context, request), tags)
        return {"EventStreamArn": _arn(context, request), **tagging.answer(tags)}


@operation("GetEventStream", read_only=True)
def get_event_stream(context: Context, request: Wire) -> Wire:
    """Describe an event stream, with the health of its destination."""
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        document = _existing(connection, domain.id, request)
        described = _described(context, connection, request["DomainName"], document)
    del described["EventStreamName"]
    return {**described, "CreatedAt": document.created}


@operation("ListEventStreams", read_only=True)
def list_event_streams(context: Context, request: Wire) -> Wire:
    """List the event streams of a domain, which has one at most."""
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        page, token = context.pages.read_page(
            [_ARN, request["DomainName"]],
            request,
            partial(store.page, connection, domain.id, streams.KIND),
            attrgetter("name"),
        )
        items = [
            _summary(_described(context, connection, request["DomainName"], document))
            for document in page
        ]
    return {"Items": items, "NextToken": token}


@operation("DeleteEventStream")
def delete_event_stream(context: Context, request: Wire) -> Wire:
    """Send no changes any more; those that were not delivered are removed."""
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        document = _existing(connection, domain.id, request)
        store.delete(connection, domain.id, streams.KIND, document.name)
        tag_store.clear(connection, _arn(context, request))
        # Assumed: changes that were not delivered when their event stream is deleted are lost.
        streams.stop(connection, domain.id)
    return {}


def _check_uri(context: Context, uri: str) -> None:
    match = _URI.fullmatch(uri)
    if match is None:
        # Assumed: a Uri that is not the ARN of a data stream is refused.
        raise bad_request(
            "Uri is not the ARN of a Kinesis data stream, such as "
            f"arn:aws:kinesis:{context.region}:123456789012:stream/my-stream"
        )
    region, account = match.groups()
    # The model's text: the stream is in the region and the account of the domain.
    if region != context.region:
        # Assumed: a stream of another region is refused, in our words.
        raise bad_request(
            f"Uri names a stream in {region}; the stream must be in the domain's region, "
            f"{context.region}"
        )
    if context.account_id not in (_NO_ACCOUNT, account):
        # Assumed: a stream of another account is refused, if the engine was given its account.
        raise bad_request(
            "Uri names a stream of another account; the stream must be in the domain's account"
        )


def _described(context: Context, connection: Connection, name: str, document: Document) -> Wire:
    members = {"DomainName": name, "EventStreamName": document.name}
    arn = _arn(context, members)
    tags = tagging.answer(tag_store.of(connection, arn))
    return {**members, "EventStreamArn": arn, **document.body, **tags}


def _summary(described: Wire) -> Wire:
    details = described.pop("DestinationDetails")
    return {
        **described,
        "DestinationSummary": {name: value for name, value in details.items() if name != "Message"},
    }


def _existing(connection: Connection, domain: int, request: Wire) -> Document:
    name = request["EventStreamName"]
    found = store.find(connection, domain, streams.KIND, name)
    return found or _missing(name)


def _missing(name: str) -> NoReturn:
    # Assumed: the message for a missing event stream names it.
    raise not_found(f"Event stream {name} does not exist")


def _arn(context: Context, request: Wire) -> str:
    path = f"domains/{request['DomainName']}/{_ARN}/{request['EventStreamName']}"
    return context.arn(path)


def _is_stored(connection: Connection, domain: int, name: str) -> bool:
    return store.find(connection, domain, streams.KIND, name) is not None


tagging.register(_ARN, _is_stored)

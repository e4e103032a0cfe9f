"""The event stream of a domain, which sends each change to Kinesis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from customer_profiles.errors import InvalidInputError
from customer_profiles.models.event_stream import EventStream

from .base import Collection, with_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles._problems import Names

    from .base import Extra


_NAMES: Names = {("EventStreamName",): "name"}


class EventStreams(Collection[EventStream]):
    """The event streams of one domain, which has one at most.

    Source: CreateEventStream, GetEventStream, ListEventStreams and DeleteEventStream of the
    service's API reference.
    """

    _model, _noun, _arn, _key = EventStream, "event stream", "event-streams", "event_stream_name"
    _CREATE = "CreateEventStream"
    _GET = "GetEventStream"
    _LIST = "ListEventStreams"
    _DELETE = "DeleteEventStream"

    def create(
        self,
        name: str,
        /,
        uri: str,
        *,
        tags: Mapping[str, str] | None = None,
        extra: Extra = None,
    ) -> EventStream:
        """Send each change of the domain to a Kinesis data stream from now on.

        The records arrive after the changes are stored: at least once, and in the order of the
        changes of each profile. `ChangeEvent.from_json` reads one. What was stored before is not
        sent.

        Args:
            name: up to 64 letters, digits, `_` and `-`.
            uri: the ARN of the data stream, which is in the region and account of the domain.
            tags: tags of the event stream.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.

        Raises:
            BadRequestError: the domain has an event stream, or the ARN is not that of a stream
                in its region.
            InvalidInputError: an argument breaks the service's rules; nothing was sent.
        """
        wire = {"EventStreamName": name, "Uri": uri} | ({"Tags": dict(tags)} if tags else {})
        request = self._request(with_extra(wire, extra, self._model, self._CREATE))
        read = self._model._from_wire
        stream, body = self._gateway.read(self._CREATE, request, read, _NAMES)
        vars(stream).update(domain_name=self.domain_name, event_stream_name=name, uri=uri)
        return stream._attach(self, {**json.loads(body), **wire})

    def get(self, name: str) -> EventStream:
        """Read an event stream by its name, with the health of its destination.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        return self._read_by_name(name)

    def delete(self, name: str) -> None:
        """Send no more changes; records that were not delivered are lost.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        self._delete_by_name(name)

    def save(self, _record: EventStream, /) -> NoReturn:
        """Refuse to change an event stream."""
        msg = "an event stream cannot be changed; delete it and create another one"
        raise InvalidInputError(msg)

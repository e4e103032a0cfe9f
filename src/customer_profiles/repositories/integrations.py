"""The integrations of a domain, and of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.base import attach_all
from customer_profiles.models.integration import (
    Flow,
    FlowRun,
    FlowTask,
    Integration,
    IntegrationFields,
    MarketoFlow,
    OnDemand,
    OnEvent,
    S3Flow,
    SalesforceFlow,
    Scheduled,
    ServiceNowFlow,
    ZendeskFlow,
)

from .base import Answer, build, name_of, source_of

if TYPE_CHECKING:
    from typing import Unpack

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.channels.embedded import EngineOnly

_PUT = "PutIntegration"
_GET = "GetIntegration"
_LIST = "ListIntegrations"
_LIST_ACCOUNT = "ListAccountIntegrations"
_DELETE = "DeleteIntegration"

_FIELDS = frozenset(IntegrationFields.__annotations__)
# What a connector is called as a type, and as the name of its own members.
_CONNECTORS: dict[type[Any], tuple[str, str]] = {
    SalesforceFlow: ("Salesforce", "Salesforce"),
    MarketoFlow: ("Marketo", "Marketo"),
    ZendeskFlow: ("Zendesk", "Zendesk"),
    ServiceNowFlow: ("Servicenow", "ServiceNow"),
    S3Flow: ("S3", "S3"),
}
_TRIGGERS: dict[type[Any], str] = {OnDemand: "OnDemand", OnEvent: "Event", Scheduled: "Scheduled"}


class _Page(Answer):
    items: list[Integration] | None = Field(default=None, validation_alias="Items")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


class Integrations:
    """The integrations of one domain.

    Source: PutIntegration, GetIntegration, ListIntegrations and DeleteIntegration of the
    service's API reference.
    """

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self.domain_name = domain_name

    @overload
    def put(self, uri: str, /, **settings: Unpack[IntegrationFields]) -> Integration: ...

    @overload
    def put(self, /, *, flow: Flow, **settings: Unpack[IntegrationFields]) -> Integration: ...

    def put(
        self,
        uri: str | None = None,
        /,
        *,
        flow: Flow | None = None,
        **settings: Unpack[IntegrationFields],
    ) -> Integration:
        """Connect a source to the domain, or change how it is connected.

        Args:
            uri: the source: the ARN or URI of a bucket, a flow, a Connect instance or another.
            flow: a flow that is made for the integration, in place of `uri`.
            settings: `object_type_name` as a name or a class, or `object_type_names` for each
                kind of event, and what else there is to set.

        Raises:
            InvalidInputError: neither or both of uri and flow, or a setting that breaks the
                service's rules; nothing was sent.
            BadRequestError: there is a flow of that name.
        """
        if (uri is None) == (flow is None):
            msg = "give the uri of a source, or a flow, and not both"
            raise InvalidInputError(msg)
        fields: dict[str, Any] = dict(settings)
        if fields.get("object_type_name") is not None:
            fields["object_type_name"] = name_of(fields["object_type_name"])
        given = build(Integration, fields, _FIELDS)._to_wire()
        source = {"Uri": uri} if flow is None else {"FlowDefinition": _definition(flow)}
        return self._read(_PUT, source | given)

    def get(self, uri: str) -> Integration:
        """Read an integration.

        Raises:
            ResourceNotFoundError: the domain has no such integration.
        """
        return self._read(_GET, {"Uri": uri})

    def delete(self, uri: str) -> None:
        """Delete an integration; the objects that it brought stay.

        Raises:
            ResourceNotFoundError: the domain has no such integration.
        """
        self._gateway.call(_DELETE, self._request({"Uri": uri}))

    def all(
        self,
        *,
        include_hidden: bool = False,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> Results[Integration]:
        """List the integrations; pages are fetched as you iterate.

        Args:
            include_hidden: whether to give those that the service made for itself too.
            limit: how many to give at the most.
            page_size: how many to ask for at once, up to 100.
            start: a `next_token` to resume at.
        """

        def fetch(size: int, token: str | None) -> tuple[list[Integration], str | None]:
            request = self._request(_page(size, token, include_hidden=include_hidden))
            answer, body = self._gateway.read(_LIST, request, _read_page)
            items = answer.items or []
            attach_all(items, self, body, "Items")
            return items, answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

    def run(self, uri: str) -> FlowRun:
        """Import the files of an S3 flow now, whatever its trigger is; embedded only.

        On AWS a scheduled flow runs by itself, and any is started by the method `start_flow` of
        boto3's client `appflow`.

        Raises:
            InvalidInputError: this is AWS.
            ResourceNotFoundError: the domain has no such integration.
            BadRequestError: the integration has no flow of S3.
        """
        channel = _engine(self._gateway)
        return FlowRun._from_wire(channel.run_flow(self.domain_name, uri))

    def save(self, record: Integration) -> None:
        """Put an integration again, if it changed since it was read."""
        stored = Integration._from_wire(source_of(record))
        for name in ("domain_name", "uri"):
            if getattr(record, name) != getattr(stored, name):
                msg = f"{name} cannot be changed: it names the integration that is saved"
                raise InvalidInputError(msg)
        before, wanted = (_wire.fit(one._to_wire(), _shape()) for one in (stored, record))
        if (before.pop("Tags", None) or {}) != (wanted.pop("Tags", None) or {}):
            msg = "an integration's tags are changed by cp.tags.add() and cp.tags.remove()"
            raise InvalidInputError(msg)
        if before != wanted:
            record._attach(*self._read(_PUT, wanted)._origin())

    def _reread(self, record: Integration) -> Integration:
        """Read an integration again."""
        return self.get(str(source_of(record)["Uri"]))

    def _erase(self, record: Integration) -> None:
        """Delete an integration."""
        self.delete(str(source_of(record)["Uri"]))

    def _read(self, operation: str, request: Wire) -> Integration:
        request = self._request(request)
        integration, body = self._gateway.read(operation, request, Integration._from_wire)
        return integration._attach(self, body)

    def _request(self, members: Wire) -> Wire:
        return {"DomainName": self.domain_name} | members


class AccountIntegrations:
    """The integrations of all domains of an account and region.

    Source: ListAccountIntegrations of the service's API reference.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(
        self,
        uri: str,
        /,
        *,
        include_hidden: bool = False,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> Results[Integration]:
        """List the integrations of one source; pages are fetched as you iterate.

        Args:
            uri: the source, such as the ARN of a Connect instance.
            include_hidden: whether to give those that the service made for itself too.
            limit: how many to give at the most.
            page_size: how many to ask for at once, up to 100.
            start: a `next_token` to resume at.
        """

        def fetch(size: int, token: str | None) -> tuple[list[Integration], str | None]:
            request = {"Uri": uri} | _page(size, token, include_hidden=include_hidden)
            answer, body = self._gateway.read(_LIST_ACCOUNT, request, _read_page)
            items = answer.items or []
            for position, item in enumerate(items):
                home = Integrations(self._gateway, item.domain_name)
                item._attach(home, body, ("Items", position))
            return items, answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

    def run_due(self) -> list[FlowRun]:
        """Run what is scheduled in all domains and whose time has come; embedded only.

        That is the flows of S3, which are given, and the weekly identity-resolution jobs, which
        `domain.jobs` lists; both are over when this returns. The embedded engine has no process of
        its own: call this as often as schedules should be looked at. Dead letters that a queue did
        not take before are sent again as well.

        Raises:
            InvalidInputError: this is AWS, where schedules run by themselves.
        """
        return [FlowRun._from_wire(run) for run in _engine(self._gateway).run_due()]


def _engine(gateway: Gateway) -> EngineOnly:
    return embedded(
        gateway.channel,
        "only the embedded engine runs flows on request; on AWS schedules run by themselves, "
        "and the method start_flow of boto3's client appflow starts any flow",
    )


def _page(size: int, token: str | None, *, include_hidden: bool) -> Wire:
    page: Wire = {"MaxResults": size}
    if token:
        page["NextToken"] = token
    return page | ({"IncludeHidden": True} if include_hidden else {})


def _definition(flow: Flow) -> Wire:
    """Give a flow as the service takes it: one structure for all connectors."""
    connector, member = _CONNECTORS[type(flow)]
    wire = flow._to_wire()
    source: Wire = {
        "ConnectorType": connector,
        "SourceConnectorProperties": {member: _wire.fit(wire, _properties_shape(member))},
    }
    if "ConnectorProfileName" in wire:
        source["ConnectorProfileName"] = wire["ConnectorProfileName"]
    if "DatetimeTypeFieldName" in wire:
        source["IncrementalPullConfig"] = {"DatetimeTypeFieldName": wire["DatetimeTypeFieldName"]}
    common = {name: wire[name] for name in ("FlowName", "KmsArn", "Description") if name in wire}
    return common | {
        "SourceFlowConfig": source,
        "Tasks": [_task(task, member) for task in flow.tasks],
        "TriggerConfig": _trigger(flow.trigger),
    }


def _task(task: FlowTask, member: str) -> Wire:
    wire = task._to_wire()
    operator = wire.pop("Operator", None)
    return wire | ({"ConnectorOperator": {member: operator}} if operator else {})


def _trigger(trigger: OnDemand | OnEvent | Scheduled) -> Wire:
    wire: Wire = {"TriggerType": _TRIGGERS[type(trigger)]}
    if isinstance(trigger, Scheduled):
        wire["TriggerProperties"] = {"Scheduled": trigger._to_wire()}
    return wire


def _properties_shape(member: str) -> Any:
    shape: Any = _wire.service().shape_for("SourceConnectorProperties")
    return shape.members[member]


def _shape() -> Any:
    return _wire.operation(_PUT).input_shape

"""The integrations of a domain, and of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from customer_profiles import _wire
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import InvalidInputError
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

from .base import Collection, Page, build, name_of, page_reader

if TYPE_CHECKING:
    from typing import Unpack

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.channels.embedded import EngineOnly

_PUT = "PutIntegration"

_FIELDS = frozenset(IntegrationFields.__annotations__)
# The names of a connector: as a ConnectorType, and as a member of structures.
_CONNECTORS: dict[type[Any], tuple[str, str]] = {
    SalesforceFlow: ("Salesforce", "Salesforce"),
    MarketoFlow: ("Marketo", "Marketo"),
    ZendeskFlow: ("Zendesk", "Zendesk"),
    ServiceNowFlow: ("Servicenow", "ServiceNow"),
    S3Flow: ("S3", "S3"),
}
_TRIGGERS: dict[type[Any], str] = {OnDemand: "OnDemand", OnEvent: "Event", Scheduled: "Scheduled"}


class Integrations(Collection[Integration]):
    """The integrations of one domain.

    Source: PutIntegration, GetIntegration, ListIntegrations and DeleteIntegration of the
    service's API reference.
    """

    _model, _key, _noun = Integration, "uri", "integration"
    _GET = "GetIntegration"
    _LIST = "ListIntegrations"
    _DELETE = "DeleteIntegration"

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
            uri: the ARN or URI of the source: a bucket, a flow, a Connect instance or another.
            flow: a new flow for the integration, in place of `uri`.
            settings: `object_type_name` as a name or a class, or `object_type_names` for each
                kind of event, and any other setting.

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
        wire = build(Integration, fields, _FIELDS)._to_wire()
        source = {"Uri": uri} if flow is None else {"FlowDefinition": _definition(flow)}
        return self._read(_PUT, source | wire)

    def get(self, uri: str) -> Integration:
        """Read an integration.

        Raises:
            ResourceNotFoundError: the domain has no such integration.
        """
        return self._read_by_name(uri)

    def delete(self, uri: str) -> None:
        """Delete an integration; the objects that it imported stay.

        Raises:
            ResourceNotFoundError: the domain has no such integration.
        """
        self._delete_by_name(uri)

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
            include_hidden: whether to list those that the service created for itself too.
            limit: the largest number of items; None lists all.
            page_size: how many items to request at a time, up to 100.
            start: a `next_token` to resume at.
        """
        filters = {"IncludeHidden": True} if include_hidden else {}
        return self._list(filters, limit=limit, page_size=page_size, start=start)

    def run(self, uri: str) -> FlowRun:
        """Import the files of an S3 flow now, whatever its trigger is; embedded only.

        On AWS a scheduled flow runs by itself, and `start_flow` of boto3's client `appflow`
        starts any flow.

        Raises:
            InvalidInputError: this is AWS.
            ResourceNotFoundError: the domain has no such integration.
            BadRequestError: the integration has no flow of S3.
        """
        channel = _engine(self._gateway)
        return FlowRun._from_wire(channel.run_flow(self.domain_name, uri))

    def save(self, record: Integration) -> None:
        """Put an integration again, if it changed since it was read."""
        before, wanted = self._before_and_after(record, _PUT, "domain_name")
        if before != wanted:
            record._attach(*self._read(_PUT, wanted)._origin())


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
            include_hidden: whether to list those that the service created for itself too.
            limit: the largest number of items; None lists all.
            page_size: how many items to request at a time, up to 100.
            start: a `next_token` to resume at.
        """

        def attach(answer: Page[Integration], body: bytes) -> None:
            for position, item in enumerate(answer.items or []):
                home = Integrations(self._gateway, item.domain_name)
                item._attach(home, body, ("Items", position))

        request = {"Uri": uri} | ({"IncludeHidden": True} if include_hidden else {})
        list_account = "ListAccountIntegrations"
        page = Page[Integration]
        fetch = page_reader(self._gateway, list_account, page, request, on_page=attach)
        return Results(fetch, limit=limit, page_size=page_size, start=start, model=Integration)

    def run_due(self) -> list[FlowRun]:
        """Run all flows and jobs that are due in any domain; embedded only.

        Flows of S3 are returned; the weekly identity-resolution jobs are in `domain.jobs`. Both
        are over when this returns. Dead letters that an SQS queue refused are sent again. The
        embedded engine has no process of its own: call this as often as schedules should be
        checked.

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


def _definition(flow: Flow) -> Wire:
    """Return the wire form of a flow: one structure for all connectors."""
    connector, member = _CONNECTORS[type(flow)]
    properties: Any = _wire.service().shape_for("SourceConnectorProperties")
    wire = flow._to_wire()
    source: Wire = {
        "ConnectorType": connector,
        "SourceConnectorProperties": {member: _wire.fit(wire, properties.members[member])},
    }
    if "ConnectorProfileName" in wire:
        source["ConnectorProfileName"] = wire["ConnectorProfileName"]
    if "DatetimeTypeFieldName" in wire:
        source["IncrementalPullConfig"] = {"DatetimeTypeFieldName": wire["DatetimeTypeFieldName"]}
    trigger: Wire = {"TriggerType": _TRIGGERS[type(flow.trigger)]}
    if isinstance(flow.trigger, Scheduled):
        trigger["TriggerProperties"] = {"Scheduled": flow.trigger._to_wire()}
    common = {name: wire[name] for name in ("FlowName", "KmsArn", "Description") if name in wire}
    return common | {
        "SourceFlowConfig": source,
        "Tasks": [_task(task, member) for task in flow.tasks],
        "TriggerConfig": trigger,
    }


def _task(task: FlowTask, member: str) -> Wire:
    wire = task._to_wire()
    operator = wire.pop("Operator", None)
    return wire | ({"ConnectorOperator": {member: operator}} if operator else {})

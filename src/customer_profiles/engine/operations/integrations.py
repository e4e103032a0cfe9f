"""Integrations: where the objects of a domain come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles.engine.flows import definitions, schedules
from customer_profiles.engine.flows.definitions import existing_integration
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.templates import templates
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import integrations as store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import tags as tag_store

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

# Assumed: lists of integrations have 20 a page unless MaxResults says otherwise.
_PAGE = 20
_UNSTRUCTURED = "_unstructured"
_LONGEST_URI = 255
# The model's text on ObjectTypeNames has these kinds of events.
_EVENTS = (
    "SegmentIdentify",
    "ShopifyCreateCustomers",
    "ShopifyUpdateCustomers",
    "ShopifyCreateDraftOrders",
    "ShopifyUpdateDraftOrders",
    "ShopifyCreateOrders",
    "ShopifyUpdatedOrders",
)


@operation("PutIntegration")
def put_integration(context: Context, request: Wire) -> Wire:
    """Connect a source to a domain, or change how it is connected."""
    now, given = context.clock.now(), request.get("Tags", {})
    _check(request, now)
    tagging.check_number(context, given)
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        _check_types(connection, domain.id, request)
        uri = request.get("Uri") or _uri(context, connection, request["FlowDefinition"])
        old = store.find(connection, domain.id, uri)
        if old is None:
            _check_room(context, connection, domain.id)
            tag_store.put(connection, _arn(context, request["DomainName"], uri), given)
        new = _stored(request, domain.id, uri, now, old)
        store.put(connection, new)
        return _described(context, connection, new)


@operation("GetIntegration")
def get_integration(context: Context, request: Wire) -> Wire:
    """Describe an integration; how its flow pulls is not told."""
    with context.database.read() as connection:
        return _described(context, connection, existing_integration(connection, request))


@operation("ListIntegrations")
def list_integrations(context: Context, request: Wire) -> Wire:
    """List the integrations of a domain, page by page."""
    limit, query = request.get("MaxResults", _PAGE), ["integrations", request["DomainName"]]
    # Assumed: ListIntegrations answers in the order of URIs, and no integration is hidden.
    after = context.pages.position(query, request.get("NextToken"))
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        found = store.page(connection, domain.id, after or "", limit + 1)
        items = [_described(context, connection, one) for one in found[:limit]]
    token = context.pages.token(query, found[limit - 1].uri) if len(found) > limit else None
    return {"Items": items, "NextToken": token}


@operation("ListAccountIntegrations")
def list_account_integrations(context: Context, request: Wire) -> Wire:
    """List the integrations of one source in all domains, page by page."""
    limit, query = request.get("MaxResults", _PAGE), ["account integrations", request["Uri"]]
    # Assumed: ListAccountIntegrations answers in the order of the domains' names.
    after = context.pages.position(query, request.get("NextToken"))
    with context.database.read() as connection:
        found = store.page_of_uri(connection, request["Uri"], after or "", limit + 1)
        items = [_described(context, connection, one) for one in found[:limit]]
    more = len(found) > limit
    token = context.pages.token(query, found[limit - 1].domain_name) if more else None
    return {"Items": items, "NextToken": token}


@operation("DeleteIntegration")
def delete_integration(context: Context, request: Wire) -> Wire:
    """Remove an integration and its flow; the objects that it brought stay."""
    with context.database.write() as connection:
        found = existing_integration(connection, request)
        # Assumed: the flow that was made with an integration goes with it.
        store.delete(connection, found.domain, found.uri)
        resource = _arn(context, found.domain_name, found.uri)
        # Not all beneath it: one URI may begin with another and a slash.
        tag_store.remove(connection, resource, tag_store.of(connection, resource))
    # Assumed: DeleteIntegration's Message is OK, as DeleteProfileObject was seen to answer.
    return {"Message": "OK"}


def _check(request: Wire, now: float) -> None:
    flow = request.get("FlowDefinition")
    if ("Uri" in request) == (flow is not None):
        # Assumed: a request has Uri or FlowDefinition, never both.
        raise bad_request("Give Uri or FlowDefinition, and not both")
    if "ObjectTypeName" in request and "ObjectTypeNames" in request:
        # Assumed: a request has ObjectTypeName or ObjectTypeNames, never both.
        raise bad_request("ObjectTypeName and ObjectTypeNames exclude each other; give only one")
    if flow is not None:
        if "ObjectTypeName" not in request:
            # Assumed: what a flow brings has one object type.
            raise bad_request("ObjectTypeName is missing; a flow's records are objects of it")
        definitions.check(flow, now)
    elif not request.keys() & {"ObjectTypeName", "ObjectTypeNames", "EventTriggerNames"}:
        # Assumed: an integration says what it brings, or which event trigger it serves.
        raise bad_request("Give ObjectTypeName or ObjectTypeNames")
    for event in request.get("ObjectTypeNames", {}):
        if event not in _EVENTS:
            raise bad_request(
                f"ObjectTypeNames has the event type '{event}'; it takes {', '.join(_EVENTS)}"
            )


def _check_types(connection: Connection, domain: int, request: Wire) -> None:
    single = [request["ObjectTypeName"]] if "ObjectTypeName" in request else []
    for name in (*single, *request.get("ObjectTypeNames", {}).values()):
        # AG:implicit-profile-object-types: a template's name is an object type too.
        # Assumed: the object types of an integration must exist when it is put.
        if name == _UNSTRUCTURED or name in templates():
            continue
        if type_store.find(connection, domain, name) is None:
            raise compiled_types.unknown(name)


def _uri(context: Context, connection: Connection, flow: Wire) -> str:
    name = flow["FlowName"]
    # Seen from the service: an integration with a flow has the flow's ARN as its Uri.
    uri = f"arn:aws:appflow:{context.region}:{context.account_id}:flow/{name}"
    if len(uri) > _LONGEST_URI:
        # Assumed: a flow whose ARN does not fit into Uri is refused.
        raise bad_request(
            f"FlowName is {len(uri) - _LONGEST_URI} characters too long for the Uri that it makes"
        )
    if store.page_of_uri(connection, uri, "", 1):
        # Seen from the service, with the full stop.
        raise bad_request(f"Flow with name {name} already exists.")
    return uri


def _check_room(context: Context, connection: Connection, domain: int) -> None:
    most = context.quotas.integrations
    if store.count(connection, domain) >= most:
        raise bad_request(f"The limit of {most} integrations in the domain is reached")


def _stored(
    request: Wire, domain: int, uri: str, now: float, old: store.Integration | None
) -> store.Integration:
    left_out = {"DomainName", "Uri", "Tags"}
    definition = {name: value for name, value in request.items() if name not in left_out}
    if old is not None:
        # Assumed: PutIntegration with a Uri that is known replaces all settings but the flow.
        # Assumed: its Tags are then ignored, as in an update of an object type.
        kept = {name: old.definition[name] for name in old.definition if name == "FlowDefinition"}
        return old._replace(definition=definition | kept, updated=now)
    flow = definition.get("FlowDefinition")
    trigger = flow and definitions.scheduled(flow)
    next_run = schedules.first_run(trigger, now, now) if trigger else None
    return store.Integration(
        domain, request["DomainName"], uri, definition, now, now, next_run, None
    )


def _described(context: Context, connection: Connection, one: store.Integration) -> Wire:
    shown = {name: value for name, value in one.definition.items() if name != "FlowDefinition"}
    flow_is_given = ":appflow:" in one.uri and "FlowDefinition" not in one.definition
    return {
        "DomainName": one.domain_name,
        "Uri": one.uri,
        # The model's text on Scope: it is PROFILE by default.
        "Scope": "PROFILE",
        # The model's text on IsUnstructured: flows made in AppFlow itself, or of this type.
        "IsUnstructured": flow_is_given or shown.get("ObjectTypeName") == _UNSTRUCTURED,
        **shown,
        "CreatedAt": round(one.created, 3),
        "LastUpdatedAt": round(one.updated, 3),
        **tagging.answer(tag_store.of(connection, _arn(context, one.domain_name, one.uri))),
    }


def _arn(context: Context, domain_name: str, uri: str) -> str:
    return context.arn(f"domains/{domain_name}/integrations/{uri}")

"""Integrations: the sources of the objects of a domain."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

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
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_UNSTRUCTURED = "_unstructured"
_LONGEST_URI = 255


@operation("PutIntegration")
def put_integration(context: Context, request: Wire) -> Wire:
    """Connect a source to a domain, or change how it is connected."""
    now, tags = context.clock.now(), request.get("Tags", {})
    _check(request, now)
    tagging.check_number(context, tags)
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        _check_types(connection, domain.id, request)
        uri = request.get("Uri") or _uri(context, connection, request["FlowDefinition"])
        old = store.find(connection, domain.id, uri)
        if old is None:
            _check_new(context, connection, domain.id, uri)
            tag_store.put(connection, _arn(context, request["DomainName"], uri), tags)
        new = _stored(request, domain.id, uri, now, old)
        store.put(connection, new)
        return _described(context, connection, new)


@operation("GetIntegration", read_only=True)
def get_integration(context: Context, request: Wire) -> Wire:
    """Describe an integration, without the definition of its flow."""
    with context.database.read() as connection:
        return _described(context, connection, existing_integration(connection, request))


@operation("ListIntegrations", read_only=True)
def list_integrations(context: Context, request: Wire) -> Wire:
    """List the integrations of a domain, page by page."""
    query = ["integrations", request["DomainName"]]
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        # Assumed: ListIntegrations answers in the order of URIs, and no integration is hidden.
        integrations, token = context.pages.read_page(
            query, request, partial(store.page, connection, domain.id), attrgetter("uri")
        )
        items = [_described(context, connection, integration) for integration in integrations]
    return {"Items": items, "NextToken": token}


@operation("ListAccountIntegrations", read_only=True)
def list_account_integrations(context: Context, request: Wire) -> Wire:
    """List the integrations of one source in all domains, page by page."""
    query = ["account integrations", request["Uri"]]
    with context.database.read() as connection:
        # Assumed: ListAccountIntegrations answers in the order of the domains' names.
        integrations, token = context.pages.read_page(
            query,
            request,
            partial(store.page_of_uri, connection, request["Uri"]),
            attrgetter("domain_name"),
        )
        items = [_described(context, connection, integration) for integration in integrations]
    return {"Items": items, "NextToken": token}


@operation("DeleteIntegration")
def delete_integration(context: Context, request: Wire) -> Wire:
    """Remove an integration and its flow; the objects that it imported stay."""
    with context.database.write() as connection:
        found = existing_integration(connection, request)
        # Assumed: DeleteIntegration also deletes the flow that PutIntegration created.
        store.delete(connection, found.domain, found.uri)
        resource = _arn(context, found.domain_name, found.uri)
        # Not `clear`: the URI of another integration may begin with this one and a slash.
        tag_store.remove(connection, resource, tag_store.of(connection, resource))
    # Assumed: DeleteIntegration's Message is OK, as seen in answers of DeleteProfileObject.
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
            # Assumed: all records of a flow have one object type.
            raise bad_request("ObjectTypeName is missing; a flow's records are objects of it")
        definitions.check(flow, now)
    elif not request.keys() & {"ObjectTypeName", "ObjectTypeNames", "EventTriggerNames"}:
        # Assumed: an integration has object types or event triggers.
        raise bad_request("Give ObjectTypeName or ObjectTypeNames")


def _check_types(connection: Connection, domain: int, request: Wire) -> None:
    single = [request["ObjectTypeName"]] if "ObjectTypeName" in request else []
    for name in (*single, *request.get("ObjectTypeNames", {}).values()):
        # AG:implicit-profile-object-types: a template's name is an object type too.
        # Assumed: the object types of an integration must exist when it is put.
        if name == _UNSTRUCTURED or name in templates():
            continue
        if type_store.find(connection, domain, name) is None:
            raise compiled_types.unknown(connection, domain, name)


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


def _check_new(context: Context, connection: Connection, domain: int, uri: str) -> None:
    if others := store.page_of_uri(connection, uri, "", 1):
        # The model's text on PutIntegration: an integration can belong to only one domain.
        # Assumed: an integration of another domain is refused with a message of our own.
        raise bad_request(
            f"Integration {uri} belongs to domain {others[0].domain_name}; delete it there first"
        )
    most = context.quotas.integrations
    if store.count(connection, domain) >= most:
        raise bad_request(f"The limit of {most} integrations in the domain is reached")


def _stored(
    request: Wire, domain: int, uri: str, now: float, old: store.Integration | None
) -> store.Integration:
    left_out = {"DomainName", "Uri", "Tags"}
    definition = {name: value for name, value in request.items() if name not in left_out}
    flow = (old.definition if old else definition).get("FlowDefinition")
    trigger = flow and definitions.scheduled(flow)
    next_run = schedules.first_run(trigger, now, now) if trigger else None
    if old is not None:
        # Assumed: PutIntegration with the Uri of an integration replaces all settings but the flow.
        # Assumed: PutIntegration ignores Tags in an update, as PutProfileObjectType does.
        kept = {"FlowDefinition": flow} if flow else {}
        next_run = old.next_run or next_run
        return old._replace(definition=definition | kept, updated=now, next_run=next_run)
    return store.Integration(
        domain, request["DomainName"], uri, definition, now, now, next_run, None
    )


def _described(context: Context, connection: Connection, integration: store.Integration) -> Wire:
    settings = {**integration.definition}
    is_own_flow = settings.pop("FlowDefinition", None) is not None
    is_appflow = ":appflow:" in integration.uri
    return {
        "DomainName": integration.domain_name,
        "Uri": integration.uri,
        # The model's text on Scope: it is PROFILE by default.
        "Scope": "PROFILE",
        # The model's text on IsUnstructured: flows made in AppFlow itself, or of this type.
        "IsUnstructured": (is_appflow and not is_own_flow)
        or settings.get("ObjectTypeName") == _UNSTRUCTURED,
        **settings,
        "CreatedAt": round(integration.created, 3),
        "LastUpdatedAt": round(integration.updated, 3),
        **tagging.answer(
            tag_store.of(connection, _arn(context, integration.domain_name, integration.uri))
        ),
    }


def _arn(context: Context, domain_name: str, uri: str) -> str:
    return context.arn(f"domains/{domain_name}/integrations/{uri}")


tagging.register("integrations", store.exists)

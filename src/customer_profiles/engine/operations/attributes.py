"""The attributes of object types: lists, values and statistics."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.audiences import statistics
from customer_profiles.engine.ingestion.compiled_types import has_data_store
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.profiles.expiry import purge_all
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.documents import Document

# The model's text on ListObjectTypeAttributeValues: MaxResults is 100 by default.
_PAGE_SIZE = 100
# Assumed: ListProfileAttributeValues answers with up to 1,000 values, the newest first.
_MOST_VALUES = 1_000
_LONGEST_VALUE = 255


@operation("ListObjectTypeAttributes")
def list_object_type_attributes(context: Context, request: Wire) -> Wire:
    """List the attributes of an object type, page by page."""
    purge_all(context)
    with context.database.read() as connection:
        found = statistics.attributes(_type(context, connection, request))
    query = ["attributes", request["DomainName"], request["ObjectTypeName"]]
    page, token = context.pages.read_page(
        query,
        request,
        lambda after, _: [item for item in found if item.name > after],
        attrgetter("name"),
    )
    items = [{"AttributeName": item.name, "LastUpdatedAt": item.time} for item in page]
    return {"Items": items, "NextToken": token}


@operation("ListObjectTypeAttributeValues")
def list_object_type_attribute_values(context: Context, request: Wire) -> Wire:
    """List the values of an attribute, the newest first, page by page."""
    purge_all(context)
    with context.database.read() as connection:
        of = _type(context, connection, request)
        found = statistics.values(of, request["AttributeName"])
    names = ("DomainName", "ObjectTypeName", "AttributeName")
    page, token = context.pages.read_page(
        ["attribute values", *(request[name] for name in names)],
        {"MaxResults": _PAGE_SIZE, **request},
        lambda after, _: statistics.after(found, after),
        itemgetter(0),
    )
    items = [{"Value": item.name, "LastUpdatedAt": item.time} for _, item in page]
    return {"Items": items, "NextToken": token}


@operation("ListProfileAttributeValues")
def list_profile_attribute_values(context: Context, request: Wire) -> Wire:
    """List the newest values of a profile's attribute."""
    purge_all(context)
    with context.database.read() as connection:
        of = _type(context, connection, {**request, "ObjectTypeName": PROFILE})
        found = statistics.values(of, request["AttributeName"], _LONGEST_VALUE)
    return {
        "DomainName": request["DomainName"],
        "AttributeName": request["AttributeName"],
        "Items": [{"Value": item.name} for item in found[:_MOST_VALUES]],
    }


@operation("GetObjectTypeAttributeStatistics")
def get_object_type_attribute_statistics(context: Context, request: Wire) -> Wire:
    """Describe the numbers among the values of an attribute, as they were computed today."""
    purge_all(context)
    name = request["AttributeName"]
    with context.database.read() as connection:
        of = _type(context, connection, request)
        if not has_data_store(domain_store.settings_of(connection, of.domain.id)):
            # Assumed: statistics of a domain without a data store are refused.
            raise bad_request(
                f"Statistics need a data store, and domain {request['DomainName']} has none; "
                "enable DataStore with UpdateDomain"
            )
        made = statistics.kept_today(connection, of.domain.id, of, name)
        if made is not None:
            return _described(made)
        made = statistics.compute(of, name)
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"]).id
        # Another request may have computed them in between.
        earlier = statistics.kept_today(connection, domain, of, name)
        if earlier is None:
            statistics.keep(connection, domain, made)
    return _described(earlier or made)


def _described(made: Document) -> Wire:
    return {"Statistics": made.body, "CalculatedAt": made.created}


def _type(context: Context, connection: Connection, request: Wire) -> statistics.Type:
    domain = domain_row(connection, request["DomainName"])
    return statistics.open_type(connection, domain, request["ObjectTypeName"], context.clock.now())

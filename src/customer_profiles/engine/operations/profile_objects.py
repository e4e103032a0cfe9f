"""Objects of other systems: put, list and delete them."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.compiled_types import key_content_types
from customer_profiles.engine.ingestion.put import put_objects
from customer_profiles.engine.profiles import keys, owned_keys, removal
from customer_profiles.engine.profiles.access import changing, domain_row, existing_profile
from customer_profiles.engine.profiles.expiry import reading
from customer_profiles.engine.service.refusals import Refusal, bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import objects as store

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.objects import StoredObject


@operation("PutProfileObject")
def put_profile_object(context: Context, request: Wire) -> Wire:
    """Ingest an object; an object that ingestion rejects becomes a dead letter."""
    (result,) = put_objects(
        context, request["DomainName"], request["ObjectTypeName"], [request["Object"]]
    )
    if isinstance(result, Refusal):
        raise result
    return {"ProfileObjectUniqueKey": result}


@operation("BatchPutProfileObject")
def batch_put_profile_object(context: Context, request: Wire) -> Wire:
    """Ingest several objects of one type, each independently of the others."""
    items = request["Items"]
    counts = Counter(item["Id"] for item in items)
    duplicates = [item_id for item_id, count in counts.items() if count > 1]
    if duplicates:
        # Assumed: two items of a batch with one Id are refused.
        raise bad_request(
            f"Items has the Id {duplicates[0]} more than once; give each item its own"
        )
    results = put_objects(
        context,
        request["DomainName"],
        request["ObjectTypeName"],
        [item["Object"] for item in items],
    )
    successful: list[Wire] = []
    failed: list[Wire] = []
    for item, result in zip(items, results, strict=True):
        if isinstance(result, Refusal):
            failed.append({"Id": item["Id"], "Code": result.status, "Message": result.message})
        else:
            successful.append({"Id": item["Id"], "ProfileObjectUniqueKey": result})
    return {"Successful": successful, "Failed": failed}


@operation("ListProfileObjects", read_only=True)
def list_profile_objects(context: Context, request: Wire) -> Wire:
    """List the objects of a type that belong to a profile, page by page."""
    name, object_filter = request["ObjectTypeName"], request.get("ObjectFilter")
    query = ["objects", request["DomainName"], request["ProfileId"], name, object_filter]
    with reading(context) as connection:
        domain = domain_row(connection, request["DomainName"])
        if not compiled_types.is_known(connection, domain.id, name):
            # Seen from the service: a type that is not mapped in the domain is not found.
            raise compiled_types.unknown(connection, domain.id, name)
        profile = existing_profile(context, connection, domain, request["ProfileId"])
        wanted = _filter_keys(connection, domain.id, object_filter)

        def read(after: int, most: int) -> list[StoredObject]:
            listed = owned_keys.listed_objects(connection, profile, name, after, wanted)
            return list(islice(listed, most))

        found, token = context.pages.read_page(query, request, read, attrgetter("id"), start=0)
    items = [
        {
            "ObjectTypeName": stored.type,
            "ProfileObjectUniqueKey": stored.unique_key,
            "Object": stored.body.decode(),
        }
        for stored in found
    ]
    return {"Items": items, "NextToken": token}


def _filter_keys(
    connection: Connection, domain: int, object_filter: Wire | None
) -> set[keys.Key] | None:
    if object_filter is None:
        return None
    name = object_filter["KeyName"]
    types = key_content_types(connection, domain, name) or ("STRING",)
    return set(keys.by_key(name, types, object_filter["Values"]))


@operation("DeleteProfileObject")
def delete_profile_object(context: Context, request: Wire) -> Wire:
    """Delete an object; the values that it set in its profile are kept."""
    name = request["ObjectTypeName"]
    with changing(context, request) as (connection, _, profile):
        unique_key = request["ProfileObjectUniqueKey"]
        found = store.of_profile(connection, profile.id, name, unique_key)
        if found is None:
            # Assumed: deleting an object that the profile does not have is refused as not found.
            raise not_found(f"The profile has no object of type {name} with this unique key")
        # Assumed: the values that a deleted object set in its profile are kept.
        now = context.clock.now()
        removal.remove_objects(connection, [found], "DELETED_BY_CUSTOMER", now)
    # Seen from the service.
    return {"Message": "OK"}

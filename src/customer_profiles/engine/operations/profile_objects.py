"""Objects of other systems: put, list and remove them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.compiled_types import key_content_types
from customer_profiles.engine.ingestion.put import put_objects
from customer_profiles.engine.profiles import keys, removal
from customer_profiles.engine.profiles.access import changing, domain_row, existing_profile
from customer_profiles.engine.profiles.expiry import reading
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.refusals import Refusal, bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import objects as store
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

# Assumed: ListProfileObjects gives 20 objects a page unless it is told otherwise.
_PAGE = 20


@operation("PutProfileObject")
def put_profile_object(context: Context, request: Wire) -> Wire:
    """Ingest an object; what ingestion rejects goes to the dead letters."""
    (result,) = put_objects(
        context, request["DomainName"], request["ObjectTypeName"], [request["Object"]]
    )
    if isinstance(result, Refusal):
        raise result
    return {"ProfileObjectUniqueKey": result}


@operation("BatchPutProfileObject")
def batch_put_profile_object(context: Context, request: Wire) -> Wire:
    """Ingest several objects of one type; a bad one keeps no other from being ingested."""
    items = request["Items"]
    twice = [name for name, count in Counter(item["Id"] for item in items).items() if count > 1]
    if twice:
        # Assumed: two items of a batch with one Id are refused.
        raise bad_request(f"Items has the Id {twice[0]} more than once; give each item its own")
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


@operation("ListProfileObjects")
def list_profile_objects(context: Context, request: Wire) -> Wire:
    """List the objects of a type that a profile has, page by page."""
    name, limit = request["ObjectTypeName"], request.get("MaxResults", _PAGE)
    wanted = request.get("ObjectFilter")
    query = ["objects", request["DomainName"], request["ProfileId"], name, wanted]
    after = int(context.pages.position(query, request.get("NextToken")) or 0)
    with reading(context) as connection:
        domain = domain_row(connection, request["DomainName"])
        if not compiled_types.is_known(connection, domain.id, name):
            # Seen from the service: a type that is not mapped in the domain is not found.
            raise compiled_types.unknown(name)
        profile = existing_profile(context, connection, domain, request["ProfileId"])
        accepted = _accepted(connection, domain.id, wanted)
        found = [
            one
            # Assumed: ListProfileObjects answers in the order in which objects first came.
            for one in _objects(connection, profile, name)
            if one.id > after and (accepted is None or accepted & removal.keys_in(one.keys))
        ]
    more = len(found) > limit
    token = context.pages.token(query, str(found[limit - 1].id)) if more else None
    return {"Items": [_item(one) for one in found[:limit]], "NextToken": token}


def _objects(
    connection: Connection, profile: profile_store.Stored, name: str
) -> list[store.StoredObject]:
    if name != PROFILE:
        return removal.objects_of(connection, profile.id, name)
    # Assumed: the objects of type _profile are the profile itself.
    written = json.dumps(sorted(removal.keys_of(connection, profile))).encode()
    return [
        store.StoredObject(
            profile.id,
            profile.domain,
            profile.id,
            name,
            keys.unique_key(name, profile.profile_id.hex()),
            0,
            0,
            profile.expires,
            written,
            b"[]",
            None,
            profile.body,
        )
    ]


def _accepted(connection: Connection, domain: int, wanted: Wire | None) -> set[keys.Key] | None:
    if wanted is None:
        return None
    name = wanted["KeyName"]
    types = key_content_types(connection, domain, name) or ("STRING",)
    return {
        (name, normal) for value in wanted["Values"] for normal in keys.normals(name, types, value)
    }


def _item(stored: store.StoredObject) -> Wire:
    return {
        "ObjectTypeName": stored.type,
        "ProfileObjectUniqueKey": stored.unique_key,
        "Object": stored.body.decode(),
    }


@operation("DeleteProfileObject")
def delete_profile_object(context: Context, request: Wire) -> Wire:
    """Remove an object from a profile; the values that it set stay."""
    name = request["ObjectTypeName"]
    with changing(context, request) as (connection, _, profile):
        unique_key = request["ProfileObjectUniqueKey"]
        objects = removal.objects_of(connection, profile.id, name)
        found = next((one for one in objects if one.unique_key == unique_key), None)
        if found is None:
            # Assumed: deleting an object that the profile does not have is refused as not found.
            raise not_found(f"The profile has no object of type {name} with this unique key")
        # Assumed: what a deleted object set in its profile stays there.
        now = context.clock.now()
        removal.remove_objects(connection, [found], "DELETED_BY_CUSTOMER", now)
    # Seen from the service.
    return {"Message": "OK"}

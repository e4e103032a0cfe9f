"""Profiles: create, update, delete, read and search them, and add and delete their keys."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from pydantic_core import to_json

from customer_profiles.engine.events import feed
from customer_profiles.engine.ingestion.compiled_types import key_content_types
from customer_profiles.engine.ingestion.templates import predefined_keys
from customer_profiles.engine.profiles import (
    changes,
    history,
    keys,
    owned_keys,
    removal,
    search,
)
from customer_profiles.engine.profiles.access import changing, domain_row, find_profile
from customer_profiles.engine.profiles.expiry import purge_some, reading
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import profiles as store
from customer_profiles.engine.store.rows import key_slots

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context


@operation("CreateProfile")
def create_profile(context: Context, request: Wire) -> Wire:
    """Store a new profile under a new id."""
    profile = changes.new_profile(context, request)
    with context.database.write() as connection:
        purge_some(context, connection)
        changes.insert(
            context, connection, domain_row(connection, request["DomainName"]), [profile]
        )
    return {"ProfileId": profile.profile_id}


@operation("UpdateProfile")
def update_profile(context: Context, request: Wire) -> Wire:
    """Change the members that the request has; an empty string clears a member."""
    with changing(context, request) as (connection, domain, stored):
        update = changes.update(context, domain, stored, request)
        store.replace(connection, [update.stored])
        owned_keys.release(connection, update.stored, update.released)
        owned_keys.enter(connection, update.stored, update.gained)
        size = len(update.stored.body) - len(stored.body)
        domain_store.count(connection, domain.id, domain_store.Counts(0, 0, size))
        history.add(context, connection, stored, "UPDATED", update.stored.body)
        # Assumed: an update that changes nothing sends no record to an event stream.
        if domain.feed and update.stored.body != stored.body:
            feed.updated(connection, update.stored, context.clock.now())
    return {"ProfileId": request["ProfileId"]}


@operation("DeleteProfile")
def delete_profile(context: Context, request: Wire) -> Wire:
    """Remove a profile with its keys and objects."""
    with changing(context, request) as (connection, _, stored):
        removal.remove_profiles(connection, [stored], context.clock.now())
    # Assumed: DeleteProfile's Message is OK, as DeleteProfileObject was seen to answer.
    return {"Message": "OK"}


@operation("BatchGetProfile", read_only=True)
def batch_get_profile(context: Context, request: Wire) -> bytes:
    """Read profiles by their ids."""
    found: list[bytes] = []
    errors: list[Wire] = []
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        # Assumed: BatchGetProfile answers in the order of the ids, each id once.
        for profile_id in dict.fromkeys(request["ProfileIds"]):
            stored = find_profile(context, connection, domain, profile_id)
            if stored:
                found.append(stored.body)
            else:
                # Assumed: BatchGetProfile reports an unknown id as a ResourceNotFoundException.
                error = {
                    "Code": "ResourceNotFoundException",
                    "Message": "Profile does not exist in the domain",
                }
                errors.append(error | {"ProfileId": profile_id})
    return b'{"Errors":%b,"Profiles":[%b]}' % (to_json(errors), b",".join(found))


@operation("SearchProfiles", read_only=True)
def search_profiles(context: Context, request: Wire) -> bytes:
    """Find profiles by one to five keys, joined by AND or OR."""
    searched = [
        (key["KeyName"], key["Values"])
        for key in (request, *request.get("AdditionalSearchKeys", ()))
    ]
    # The model's text on SearchProfiles.LogicalOperator: OR is the default.
    joined_by = request.get("LogicalOperator", "OR")
    with reading(context) as connection:
        domain = domain_row(connection, request["DomainName"])
        query = [domain.id, joined_by, searched]
        criteria: list[search.Criterion] = []
        for name, values in searched:
            types = key_content_types(connection, domain.id, name)
            criteria.append(search.criterion(connection, domain.id, name, values, types))
        plan = search.AllOf(connection, criteria) if joined_by == "AND" else search.AnyOf(criteria)
        found, token = context.pages.read_page(
            query,
            request,
            lambda after, most: search.run(connection, plan, after, most, context.clock.now()),
            attrgetter("row"),
            start=0,
        )
    return search.page(criteria, found, token)


@operation("AddProfileKey")
def add_profile_key(context: Context, request: Wire) -> Wire:
    """Make a profile found by further values of a key."""
    name, values = request["KeyName"], request["Values"]
    keys.check_own(name, values, predefined_keys())
    with changing(context, request) as (connection, domain, stored):
        if name not in predefined_keys():
            # Assumed: AddProfileKey makes a custom key's name known in its domain, for good.
            type_store.add_key_name(connection, domain.id, name)
        added = keys.by_key(name, key_content_types(connection, domain.id, name), values)
        owned_keys.add(connection, stored, added)
        # Assumed: adding a key does not renew a profile's expiry.
        content = to_json({"KeyName": name, "Values": values})
        history.add(context, connection, stored, "ADDED_PROFILE_KEY", content)
    # Assumed: AddProfileKey answers with the values of the request.
    return {"KeyName": name, "Values": values}


@operation("DeleteProfileKey")
def delete_profile_key(context: Context, request: Wire) -> Wire:
    """Delete values of a key that were added to a profile."""
    name, values = request["KeyName"], request["Values"]
    keys.check_own(name, values, predefined_keys())
    with changing(context, request) as (connection, domain, stored):
        deleted = set(keys.by_key(name, key_content_types(connection, domain.id, name), values))
        key_store.remove_added(connection, stored.id, name, [normal for _, normal in deleted])
        if owned_keys.provided(connection, stored, deleted):
            # Assumed: a key value that a field or an object provides cannot be deleted as a key.
            raise bad_request(
                f"A field or an object of the profile holds this value of {name}; "
                "clear the field with UpdateProfile, or delete the object"
            )
        # Assumed: deleting a key value that the profile does not have succeeds.
        key_store.remove(connection, stored.id, key_slots(domain.id, deleted))
        content = to_json({"KeyName": name, "Values": values})
        history.add(context, connection, stored, "DELETED_PROFILE_KEY", content)
    # Assumed: DeleteProfileKey's Message is OK, as DeleteProfileObject was seen to answer.
    return {"Message": "OK"}

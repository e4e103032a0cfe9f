"""Profiles: create, change, remove, find and key them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.ingestion.compiled_types import key_content_types
from customer_profiles.engine.ingestion.intake import SECONDS_A_DAY
from customer_profiles.engine.ingestion.templates import predefined_keys
from customer_profiles.engine.profiles import keys, provenance, removal, search
from customer_profiles.engine.profiles.access import (
    changing,
    domain_row,
    find_profile,
)
from customer_profiles.engine.profiles.changes import changed
from customer_profiles.engine.profiles.expiry import purge_some, reading
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.clock import made_at
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import history
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import profiles as store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

# The model's text on SearchProfiles.MaxResults.
_PAGE = 20
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@operation("CreateProfile")
def create_profile(context: Context, request: Wire) -> Wire:
    """Store a new profile under a new id."""
    profile_id = context.clock.new_profile_id()
    profile = changed({"ProfileId": profile_id}, request)
    body = _body(context, profile)
    with context.database.write() as connection:
        purge_some(context, connection)
        domain = domain_row(connection, request["DomainName"])
        expires = _expires(context, domain)
        row = domain.last_row + 1
        stored = store.Stored(row, domain.id, bytes.fromhex(profile_id), expires, body)
        store.insert(connection, [stored])
        _enter(connection, stored, keys.of_fields(profile))
        domain_store.count_new_profile(connection, row, domain.id, len(body))
    return {"ProfileId": profile_id}


@operation("UpdateProfile")
def update_profile(context: Context, request: Wire) -> Wire:
    """Change the members that are given; an empty string clears one."""
    with changing(context, request) as (connection, domain, stored):
        old = json.loads(stored.body)
        new = changed(old, request)
        body = _body(context, new)
        # AG:customer-profiles-data-expiration: a profile that is updated in time stays.
        expires = max(stored.expires, _expires(context, domain))
        sources = provenance.by_hand(stored.sources, old, request, "ProfileId")
        changed_row = stored._replace(expires=expires, body=body, sources=sources)
        store.replace(connection, [changed_row])
        _rekey(connection, changed_row, keys.of_fields(old), keys.of_fields(new))
        size = len(body) - len(stored.body)
        domain_store.count(connection, domain.id, domain_store.Counts(0, 0, size))
        _remember(context, connection, stored, "UPDATED", body)
    return {"ProfileId": request["ProfileId"]}


@operation("DeleteProfile")
def delete_profile(context: Context, request: Wire) -> Wire:
    """Remove a profile with its keys."""
    with changing(context, request) as (connection, _, stored):
        removal.remove_profiles(connection, [stored])
    # Assumed: DeleteProfile's Message is OK, as DeleteProfileObject was seen to answer.
    return {"Message": "OK"}


@operation("BatchGetProfile")
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
                errors.append(_unknown(profile_id))
    return b'{"Errors":%b,"Profiles":[%b]}' % (_encode(errors).encode(), b",".join(found))


def _unknown(profile_id: str) -> Wire:
    # Assumed: BatchGetProfile reports an unknown id with the code ResourceNotFoundException.
    message = "Profile does not exist in the domain"
    return {"Code": "ResourceNotFoundException", "Message": message, "ProfileId": profile_id}


@operation("SearchProfiles")
def search_profiles(context: Context, request: Wire) -> bytes:
    """Find profiles by one to five keys, joined by AND or OR."""
    asked = [request, *request.get("AdditionalSearchKeys", ())]
    # The model's text on SearchProfiles.LogicalOperator: OR is the default.
    joined_by = request.get("LogicalOperator", "OR")
    limit = request.get("MaxResults", _PAGE)
    with reading(context) as connection:
        domain = domain_row(connection, request["DomainName"])
        query = [domain.id, joined_by, [(one["KeyName"], one["Values"]) for one in asked]]
        after = int(context.pages.position(query, request.get("NextToken")) or 0)
        criteria = [_criterion(connection, domain.id, one) for one in asked]
        plan = search.AllOf(connection, criteria) if joined_by == "AND" else None
        found = search.run(
            connection,
            plan or search.AnyOf(criteria),
            after,
            limit + 1,
            context.clock.now(),
        )
    more = len(found) > limit
    token = context.pages.token(query, str(found[limit - 1].row)) if more else None
    return _page(criteria, found[:limit], token)


def _criterion(connection: Connection, domain: int, asked: Wire) -> search.Criterion:
    name, values = asked["KeyName"], asked["Values"]
    _check_key(name, values)
    types = key_content_types(connection, domain, name)
    if not types:
        # Assumed: searching by a key name that the domain does not know is refused.
        raise bad_request(
            f"Key {name} is not known in this domain; AddProfileKey makes it known, "
            "and so does an object type that has it"
        )
    if name == "_profileId":
        rows = {value: store.row_of(connection, domain, keys.id_bytes(value)) for value in values}
        terms = [search.Term(value, row=row) for value, row in rows.items() if row]
    else:
        terms = [
            search.Term(value, keys.hash_of(domain, (name, normal)))
            for value in dict.fromkeys(values)
            for normal in sorted(keys.normals(name, types, value))
            if normal
        ]
    return search.Criterion(name, tuple(terms))


def _page(
    criteria: Sequence[search.Criterion], found: Sequence[search.Find], token: str | None
) -> bytes:
    """Join stored profiles, each with what found it, into an answer."""
    written: dict[tuple[tuple[int, str], ...], bytes] = {}
    items: list[bytes] = []
    for one in found:
        hits = tuple(one.hits)
        if hits not in written:
            written[hits] = _encode(_found_by(criteria, hits)).encode()
        items.append(b'%b,"FoundByItems":%b}' % (one.body[:-1], written[hits]))
    # Seen from the service: a page without a successor says so with null.
    next_token = b"null" if token is None else b'"%b"' % token.encode()
    return b'{"Items":[%b],"NextToken":%b}' % (b",".join(items), next_token)


def _found_by(criteria: Sequence[search.Criterion], hits: Iterable[tuple[int, str]]) -> list[Wire]:
    # Assumed: a search by a single key answers with FoundByItems too.
    values: dict[int, list[str]] = {}
    for position, value in dict.fromkeys(hits):
        values.setdefault(position, []).append(value)
    return [{"KeyName": criteria[position].name, "Values": values[position]} for position in values]


@operation("AddProfileKey")
def add_profile_key(context: Context, request: Wire) -> Wire:
    """Make a profile found by further values of a key."""
    name, values = request["KeyName"], request["Values"]
    _check_own_key(name, values)
    with changing(context, request) as (connection, domain, stored):
        if name not in predefined_keys():
            # Assumed: AddProfileKey makes a custom key's name known in its domain, for good.
            type_store.add_key_name(connection, domain.id, name)
        added = _added(key_content_types(connection, domain.id, name), name, values)
        key_store.put_added(connection, stored.id, added)
        # Assumed: adding a key does not renew a profile's expiry.
        _enter(connection, stored, [(one.name, one.normal) for one in added])
        _remember(context, connection, stored, "ADDED_PROFILE_KEY", _key_content(name, values))
    # Assumed: AddProfileKey answers with the values of the request.
    return {"KeyName": name, "Values": values}


@operation("DeleteProfileKey")
def delete_profile_key(context: Context, request: Wire) -> Wire:
    """Take back values that were added to a profile."""
    name, values = request["KeyName"], request["Values"]
    _check_own_key(name, values)
    with changing(context, request) as (connection, domain, stored):
        types = key_content_types(connection, domain.id, name)
        gone = {(one.name, one.normal) for one in _added(types, name, values)}
        key_store.remove_added(connection, stored.id, name, [normal for _, normal in gone])
        if gone & removal.keys_of(connection, stored):
            # Assumed: a key value that a field or an object holds cannot be deleted as a key.
            raise bad_request(
                f"A field or an object of the profile holds this value of {name}; "
                "clear the field with UpdateProfile, or delete the object"
            )
        # Assumed: deleting a key value that the profile does not have succeeds.
        key_store.remove(connection, stored.id, keys.hashes(domain.id, gone))
        _remember(context, connection, stored, "DELETED_PROFILE_KEY", _key_content(name, values))
    # Assumed: DeleteProfileKey's Message is OK, as DeleteProfileObject was seen to answer.
    return {"Message": "OK"}


def _check_own_key(name: str, values: Sequence[str]) -> None:
    if name == "_profileId":
        # Assumed: a profile's own id cannot be added or deleted as a key.
        raise bad_request("Key _profileId is the profile's own id; it cannot be added or deleted")
    _check_key(name, values)


def _check_key(name: str, values: Sequence[str]) -> None:
    if name.startswith("_") and name not in predefined_keys():
        # AG:mapping-key-definitions: names that begin with an underscore are the service's own.
        known = ", ".join(sorted(predefined_keys()))
        raise bad_request(f"Key {name} does not exist; predefined keys are {known}")
    if not values:
        # Assumed: a key without values is refused.
        raise bad_request(f"Values of key {name} must not be empty")


def _added(types: Sequence[str], name: str, values: Sequence[str]) -> list[key_store.AddedKey]:
    normals = {normal: value for value in values for normal in keys.normals(name, types, value)}
    # Assumed: a value of white space only is no value of a key that ignores white space.
    return [key_store.AddedKey(name, normal, normals[normal]) for normal in normals if normal]


def _key_content(name: str, values: Sequence[str]) -> bytes:
    return _encode({"KeyName": name, "Values": values}).encode()


def _rekey(
    connection: Connection, stored: store.Stored, old: set[keys.Key], new: set[keys.Key]
) -> None:
    """Bring the index up to date with a profile that is stored already."""
    removal.release(connection, stored, old - new)
    _enter(connection, stored, new - old)


def _enter(connection: Connection, stored: store.Stored, added: Iterable[keys.Key]) -> None:
    hashes = keys.hashes(stored.domain, added)
    key_store.add(connection, [(key, stored.id) for key in hashes])


def _remember(
    context: Context, connection: Connection, before: store.Stored, action: str, content: bytes
) -> None:
    """Keep what happened to a profile, and first of all what it was when it was made."""
    events = []
    if action == "UPDATED" and removal.is_as_made(connection, before):
        made = made_at(before.profile_id)
        events = [history.Event(before.id, PROFILE, "CREATED", made, None, before.body)]
    now = context.clock.now()
    event = history.Event(before.id, PROFILE, action, now, None, content)
    history.add(connection, [*events, event])


def _body(context: Context, profile: Wire) -> bytes:
    body = _encode(profile).encode()
    limit = context.quotas.profile_bytes
    if len(body) > limit:
        # AG:amazon-connect-service-limits: object and profile maximum size.
        # Assumed: a profile's size is that of its JSON in UTF-8.
        raise bad_request(f"The profile is {len(body)} bytes; the limit is {limit} bytes")
    return body


def _expires(context: Context, domain: domain_store.DomainRow) -> int:
    # AG:customer-profiles-data-expiration has the rule.
    # Assumed: a later change of DefaultExpirationDays does not move the expiry of stored profiles.
    return int(context.clock.now()) + domain.expiration_days * SECONDS_A_DAY

"""Object types: how objects of other systems become profiles, and the ready-made templates."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.ingestion import compiled_types, detection
from customer_profiles.engine.ingestion.standard import standard
from customer_profiles.engine.ingestion.templates import templates
from customer_profiles.engine.ingestion.type_checks import check, content_types
from customer_profiles.engine.profiles import keys, provenance, removal
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import letters
from customer_profiles.engine.store import object_types as store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store import tags as tag_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

    Row = TypeVar("Row", profile_store.Stored, object_store.StoredObject)

Wire = dict[str, Any]

# Assumed: object types and templates are listed 20 a page unless MaxResults says otherwise.
_PAGE = 20
_AT_ONCE, _MANY = 500, 10_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@operation("PutProfileObjectType")
def put_profile_object_type(context: Context, request: Wire) -> Wire:
    """Make an object type, or put another in its place; objects that are there stay as they are."""
    name, given = request["ObjectTypeName"], request.get("Tags", {})
    tagging.check_number(context, given)
    left_out = {"DomainName", "ObjectTypeName", "Tags"}
    definition = {member: value for member, value in request.items() if member not in left_out}
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        old = store.find(connection, domain.id, name)
        known = _known_keys(connection, domain.id, name)
        check(request, known, key_quota=context.quotas.keys)
        if old is None:
            compiled_types.check_room(context, connection, domain.id)
            tag_store.put(connection, _arn(context, request["DomainName"], name), given)
        _check_encryption_key(connection, domain.id, old, definition)
        compiled_types.check_names(connection, domain.id, name)
        # AG:update-and-validate-mapping: an update ignores tags and does not touch what was
        # ingested before.
        # Assumed: a setting that an update of an object type leaves out is gone.
        now = round(context.clock.now(), 3)
        store.put(connection, domain.id, name, definition, old.created if old else now, now)
        compiled_types.update_key_names(connection, domain.id)
        if old and _unique(old.definition) != _unique(definition):
            _rename_own_keys(context, connection, domain.id, name)
        return _described(
            context, connection, request["DomainName"], _existing(connection, domain.id, name)
        )


@operation("GetProfileObjectType")
def get_profile_object_type(context: Context, request: Wire) -> Wire:
    """Describe an object type with its fields and keys."""
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        found = _existing(connection, domain.id, request["ObjectTypeName"])
        return _described(context, connection, request["DomainName"], found)


@operation("ListProfileObjectTypes")
def list_profile_object_types(context: Context, request: Wire) -> Wire:
    """List the object types of a domain, page by page."""
    limit, query = request.get("MaxResults", _PAGE), ["object types", request["DomainName"]]
    # Assumed: ListProfileObjectTypes answers in the order of names.
    after = context.pages.position(query, request.get("NextToken"))
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        found = store.page(connection, domain.id, after or "", limit + 1)
        items = [_listed(context, connection, request["DomainName"], one) for one in found[:limit]]
    more = len(found) > limit
    token = context.pages.token(query, found[limit - 1].name) if more else None
    return {"Items": items, "NextToken": token}


@operation("DeleteProfileObjectType")
def delete_profile_object_type(context: Context, request: Wire) -> Wire:
    """Remove an object type, its objects, and what these set, all in one transaction."""
    name = request["ObjectTypeName"]
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        _existing(connection, domain.id, name)
        touched = _remove_objects(context, connection, domain.id, name)
        touched |= _scrub(connection, domain.id, name)
        _remove_empty(connection, touched)
        store.delete(connection, domain.id, name)
        letters.forget(connection, domain.id, name)
        compiled_types.update_key_names(connection, domain.id)
        tag_store.clear(connection, _arn(context, request["DomainName"], name))
    # Assumed: DeleteProfileObjectType's Message is OK, as DeleteProfileObject was seen to answer.
    return {"Message": "OK"}


@operation("GetProfileObjectTypeTemplate")
def get_profile_object_type_template(_context: Context, request: Wire) -> Wire:
    """Describe a template with its fields and keys."""
    template = templates().get(request["TemplateId"])
    if template is None:
        raise not_found(f"Template {request['TemplateId']} does not exist")
    return template


@operation("ListProfileObjectTypeTemplates")
def list_profile_object_type_templates(context: Context, request: Wire) -> Wire:
    """List the templates, page by page."""
    limit = request.get("MaxResults", _PAGE)
    after = context.pages.position("templates", request.get("NextToken")) or ""
    # Assumed: ListProfileObjectTypeTemplates answers in the order of ids.
    found = [template for name, template in sorted(templates().items()) if name > after]
    more = len(found) > limit
    token = context.pages.token("templates", found[limit - 1]["TemplateId"]) if more else None
    shown = ("TemplateId", "SourceName", "SourceObject")
    items = [{name: one[name] for name in shown} for one in found[:limit]]
    return {"Items": items, "NextToken": token}


@operation("DetectProfileObjectType")
def detect_profile_object_type(context: Context, request: Wire) -> Wire:
    """Guess the object type that fits sample objects."""
    with context.database.read() as connection:
        domain_row(connection, request["DomainName"])
    return {"DetectedProfileObjectTypes": detection.detect(request["Objects"])}


def _unique(definition: Wire) -> list[str]:
    """Give the name of a type's UNIQUE key."""
    key_map = compiled_types.with_template(definition)["Keys"]
    return [
        name
        for name, variants in key_map.items()
        if any("UNIQUE" in one.get("StandardIdentifiers", ()) for one in variants)
    ]


def _rename_own_keys(context: Context, connection: Connection, domain: int, name: str) -> None:
    """Have the objects of a type found by the name that its UNIQUE key has now."""
    mapping = compiled_types.load(context, connection, domain, name).mapping
    for stored in _every(object_store.of_type, connection, domain, name):
        own_key = mapping.read(json.loads(stored.body)).own_key
        if own_key is not None and keys.unique_key(name, own_key[1]) == stored.unique_key:
            _replace(connection, stored, stored._replace(own_keys=removal.written([own_key])))


def _replace(
    connection: Connection, old: object_store.StoredObject, new: object_store.StoredObject
) -> None:
    """Store an object anew, and have it found by its new keys."""
    before, places = removal.places_of(old), removal.places_of(new)
    key_store.remove(connection, old.id, before - places)
    key_store.add(connection, [(place, new.id) for place in places - before])
    object_store.put(connection, [new])


def _existing(connection: Connection, domain: int, name: str) -> store.ObjectType:
    found = store.find(connection, domain, name)
    if found is None:
        raise compiled_types.unknown(name)
    return found


def _known_keys(connection: Connection, domain: int, but: str) -> dict[str, tuple[str, ...]]:
    """Give the content types of the domain's keys but for those that one type alone has."""
    known = dict(store.added_key_names(connection, domain))
    for stored in store.every(connection, domain):
        if stored.name != but:
            known |= content_types(compiled_types.with_template(stored.definition))
    return known


def _check_encryption_key(
    connection: Connection, domain: int, old: store.ObjectType | None, new: Wire
) -> None:
    is_other = old and old.definition.get("EncryptionKey") != new.get("EncryptionKey")
    # AG:update-and-validate-mapping: with a data store the encryption key stays.
    if is_other and compiled_types.has_data_store(domain_store.settings_of(connection, domain)):
        raise bad_request("EncryptionKey cannot be changed in a domain with a data store")


def _described(
    context: Context, connection: Connection, domain: str, stored: store.ObjectType
) -> Wire:
    listed = _listed(context, connection, domain, stored)
    return {
        "ObjectTypeName": stored.name,
        **compiled_types.with_template(stored.definition),
        **listed,
    }


def _listed(
    context: Context, connection: Connection, domain: str, stored: store.ObjectType
) -> Wire:
    definition = stored.definition
    shown = ("Description", "SourcePriority")
    most = compiled_types.object_limit(definition)
    # Assumed: MaxAvailableProfileObjectCount is the limit of objects of one profile.
    limits = {"MaxProfileObjectCount": most} if most else {}
    return {
        "ObjectTypeName": stored.name,
        **{name: definition[name] for name in shown if name in definition},
        **limits,
        "MaxAvailableProfileObjectCount": context.quotas.objects,
        "CreatedAt": stored.created,
        "LastUpdatedAt": stored.updated,
        **tagging.answer(tag_store.of(connection, _arn(context, domain, stored.name))),
    }


def _arn(context: Context, domain: str, name: str) -> str:
    return context.arn(f"domains/{domain}/object-types/{name}")


def _remove_objects(context: Context, connection: Connection, domain: int, name: str) -> set[int]:
    """Remove all objects of a type; give the profiles that had them."""
    found = _every(object_store.of_type, connection, domain, name)
    touched: set[int] = set()
    while some := list(islice(found, _MANY)):
        removal.remove_objects(connection, some, "DELETED_BY_CUSTOMER", context.clock.now())
        touched.update(stored.profile for stored in some)
    return touched


def _scrub(connection: Connection, domain: int, name: str) -> set[int]:
    """Take back all values that objects of a type set; give the profiles that had them."""
    # AG:delete-customer-profile-connection: what a mapping populated goes with it.
    touched: set[int] = set()
    mention = provenance.mention(name)
    for profile in _every(profile_store.filled_by, connection, domain, mention):
        _scrub_profile(connection, profile, name)
        touched.add(profile.id)
    lost = _lost_names(connection, domain, name)
    for stored in _every(object_store.filled_by, connection, domain, mention):
        _scrub_standard(connection, stored, name, lost)
        touched.add(stored.profile)
    return touched


def _every(
    read: Callable[[Connection, int, str, int, int], list[Row]],
    connection: Connection,
    domain: int,
    what: str,
) -> Iterator[Row]:
    """Give all rows of a domain, a few in memory at once."""
    rows = read(connection, domain, what, 0, _AT_ONCE)
    while rows:
        yield from rows
        rows = read(connection, domain, what, rows[-1].id, _AT_ONCE)


def _lost_names(connection: Connection, domain: int, name: str) -> set[str]:
    """Give the key names that only one type has, and that go with it."""
    names = {
        one.name: set(content_types(compiled_types.with_template(one.definition)))
        for one in store.every(connection, domain)
    }
    return names.pop(name).difference(*names.values())


def _scrub_profile(connection: Connection, profile: profile_store.Stored, name: str) -> None:
    old = json.loads(profile.body)
    sources = provenance.spelled_out(profile.sources, old, "ProfileId")
    gone = provenance.of_type(sources, name)
    new = provenance.without(old, gone)
    for path in gone:
        del sources.named[path]
    body = _encode(new).encode()
    # No sources at all would say that the profile still is as it was made.
    changed = profile._replace(body=body, sources=provenance.write(sources) or b"[]")
    profile_store.replace(connection, [changed])
    removal.release(connection, changed, keys.of_fields(old) - keys.of_fields(new))
    # Without its middle name a person has another full name.
    added = keys.hashes(profile.domain, keys.of_fields(new) - keys.of_fields(old))
    key_store.add(connection, [(key, profile.id) for key in added])
    size = len(body) - len(profile.body)
    domain_store.count(connection, profile.domain, domain_store.Counts(0, 0, size))


def _scrub_standard(
    connection: Connection, stored: object_store.StoredObject, name: str, lost: set[str]
) -> None:
    kind, old = standard()[stored.type], json.loads(stored.body)
    sources = provenance.spelled_out(stored.sources, old, kind.id_member)
    gone = provenance.of_type(sources, name)
    new = provenance.without(old, gone)
    own_objects = {("", sources.named.pop(path).unique_key) for path in gone}
    if not sources.named:
        removal.remove_objects(connection, [stored], "DELETED_BY_CUSTOMER", 0)
        return
    held = removal.default_keys(kind.keys, new)
    changed = stored._replace(
        body=_encode(new).encode(),
        sources=provenance.write(sources),
        keys=removal.written(held),
        own_keys=removal.written(
            key for key in removal.keys_in(stored.own_keys) - own_objects if key[0] not in lost
        ),
    )
    _replace(connection, stored, changed)
    profile = profile_store.at(connection, stored.profile)
    if profile is not None:
        removal.release(connection, profile, removal.keys_in(stored.keys) - held)


def _remove_empty(connection: Connection, rows: set[int]) -> None:
    """Remove the profiles of which nothing is left but their ids."""
    for row in rows:
        profile = profile_store.at(connection, row)
        if profile is None:
            continue
        is_empty = json.loads(profile.body).keys() <= {"ProfileId"}
        held = removal.objects_of(connection, row) or removal.added_keys(connection, row)
        if is_empty and not held:
            removal.remove_profiles(connection, [profile])

"""Object types: how objects of other systems become profiles, and the ready-made templates."""

from __future__ import annotations

import json
from functools import partial
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from customer_profiles._type_rules import content_types
from customer_profiles.engine import background, documents
from customer_profiles.engine.audiences.attribute_definitions import OBJECT_TYPE
from customer_profiles.engine.ingestion import compiled_types, detection
from customer_profiles.engine.ingestion.templates import templates
from customer_profiles.engine.profiles import keys, owned_keys, type_removal
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import inbox, pending_work
from customer_profiles.engine.store import integrations as integration_store
from customer_profiles.engine.store import object_types as store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store import tags as tag_store

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_ROWS_A_READ = 500


@operation("PutProfileObjectType")
def put_profile_object_type(context: Context, request: Wire) -> Wire:
    """Create or replace an object type; stored objects stay as they are."""
    name, tags = request["ObjectTypeName"], request.get("Tags", {})
    tagging.check_number(context, tags)
    left_out = {"DomainName", "ObjectTypeName", "Tags"}
    definition = {member: value for member, value in request.items() if member not in left_out}
    # Assumed: an object type can be created again at once; its earlier objects are removed first.
    background.finish_removal(context, request["DomainName"], name)
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        old = store.find(connection, domain.id, name)
        known = _known_keys(connection, domain.id, name)
        compiled_types.check(request, known, key_quota=context.quotas.keys)
        if old is None:
            compiled_types.check_room(context, connection, domain.id)
            tag_store.put(connection, _arn(context, request["DomainName"], name), tags)
        _check_encryption_key(connection, domain.id, old, definition)
        compiled_types.check_names(connection, domain.id, name)
        # AG:update-and-validate-mapping: an update ignores tags and leaves ingested objects as
        # they are.
        # Assumed: an update of an object type clears the settings that it leaves out.
        now = round(context.clock.now(), 3)
        store.put(connection, domain.id, name, definition, old.created if old else now, now)
        compiled_types.update_key_names(connection, domain.id)
        if old and _unique_keys(old.definition) != _unique_keys(definition):
            _rename_own_keys(context, connection, domain.id, name)
        return _described(
            context, connection, request["DomainName"], _existing(connection, domain.id, name)
        )


@operation("GetProfileObjectType", read_only=True)
def get_profile_object_type(context: Context, request: Wire) -> Wire:
    """Describe an object type with its fields and keys."""
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        found = _existing(connection, domain.id, request["ObjectTypeName"])
        return _described(context, connection, request["DomainName"], found)


@operation("ListProfileObjectTypes", read_only=True)
def list_profile_object_types(context: Context, request: Wire) -> Wire:
    """List the object types of a domain, page by page."""
    query = ["object types", request["DomainName"]]
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        # Assumed: ListProfileObjectTypes answers in the order of names.
        stored_types, token = context.pages.read_page(
            query, request, partial(store.page, connection, domain.id), attrgetter("name")
        )
        items = [
            _listed(context, connection, request["DomainName"], stored) for stored in stored_types
        ]
    return {"Items": items, "NextToken": token}


@operation("DeleteProfileObjectType")
def delete_profile_object_type(context: Context, request: Wire) -> Wire:
    """Remove an object type, its objects and the values that they set; many are removed later."""
    name = request["ObjectTypeName"]
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        _existing(connection, domain.id, name)
        documents.refuse_used(connection, domain.id, OBJECT_TYPE, name)
        removal_state = type_removal.start(
            domain, name, _own_key_names(connection, domain.id, name)
        )
        # Assumed: a deleted type is gone at once; its objects and their values go step by step.
        # Assumed: objects of a deleted type count in DomainStats until they are removed.
        remaining = type_removal.remove_some(context, connection, removal_state)
        if remaining:
            pending_work.add(connection, domain.id, pending_work.OBJECT_TYPE, remaining)
        store.delete(connection, domain.id, name)
        # The model's text on DeleteProfileObjectType: it disables the integrations of the type.
        # Assumed: a disabled integration stays listed, and PutIntegration enables it again.
        integration_store.disable(connection, domain.id, name)
        inbox.remove_type(connection, domain.id, name)
        compiled_types.update_key_names(connection, domain.id)
        tag_store.clear(connection, _arn(context, request["DomainName"], name))
    # Assumed: DeleteProfileObjectType's Message is OK, as seen in answers of DeleteProfileObject.
    return {"Message": "OK"}


@operation("GetProfileObjectTypeTemplate", read_only=True)
def get_profile_object_type_template(_context: Context, request: Wire) -> Wire:
    """Describe a template with its fields and keys."""
    template = templates().get(request["TemplateId"])
    if template is None:
        raise not_found(f"Template {request['TemplateId']} does not exist")
    return template


@operation("ListProfileObjectTypeTemplates", read_only=True)
def list_profile_object_type_templates(context: Context, request: Wire) -> Wire:
    """List the templates, page by page."""

    def read(after: str, _limit: int) -> list[Wire]:
        # Assumed: ListProfileObjectTypeTemplates answers in the order of ids.
        return [template for name, template in sorted(templates().items()) if name > after]

    found, token = context.pages.read_page("templates", request, read, itemgetter("TemplateId"))
    shown = ("TemplateId", "SourceName", "SourceObject")
    items = [{name: template[name] for name in shown} for template in found]
    return {"Items": items, "NextToken": token}


@operation("DetectProfileObjectType")
def detect_profile_object_type(context: Context, request: Wire) -> Wire:
    """Guess the object type that fits sample objects."""
    with context.database.read() as connection:
        domain_row(connection, request["DomainName"])
    return {"DetectedProfileObjectTypes": detection.detect(request["Objects"])}


def _unique_keys(definition: Wire) -> list[str]:
    """Return the names of the keys with a UNIQUE definition."""
    key_map = compiled_types.with_template(definition)["Keys"]
    return [
        name
        for name, variants in key_map.items()
        if any("UNIQUE" in variant.get("StandardIdentifiers", ()) for variant in variants)
    ]


def _rename_own_keys(context: Context, connection: Connection, domain: int, name: str) -> None:
    """Index the objects of a type under the new name of its UNIQUE key."""
    compiled, _ = compiled_types.load(context, connection, domain, name)
    after = 0
    while found := object_store.of_type(connection, domain, name, after, _ROWS_A_READ):
        after = found[-1].id
        for stored in found:
            own_key = compiled.mapping.read(json.loads(stored.body)).own_key
            if own_key is not None and keys.unique_key(name, own_key[1]) == stored.unique_key:
                renamed = stored._replace(own_keys=owned_keys.write_keys([own_key]))
                type_removal.replace_object(connection, stored, renamed)


def _own_key_names(connection: Connection, domain: int, name: str) -> set[str]:
    """Return the key names that only this type has."""
    names = {
        stored.name: set(content_types(compiled_types.with_template(stored.definition)))
        for stored in store.every(connection, domain)
    }
    return names.pop(name).difference(*names.values())


def _existing(connection: Connection, domain: int, name: str) -> store.ObjectType:
    found = store.find(connection, domain, name)
    if found is None:
        raise compiled_types.unknown(connection, domain, name)
    return found


def _known_keys(connection: Connection, domain: int, other_than: str) -> dict[str, tuple[str, ...]]:
    """Return the content types of the keys that are added by hand or belong to other types."""
    known = dict(store.added_key_names(connection, domain))
    for stored in store.every(connection, domain):
        if stored.name != other_than:
            known |= content_types(compiled_types.with_template(stored.definition))
    return known


def _check_encryption_key(
    connection: Connection, domain: int, old: store.ObjectType | None, new: Wire
) -> None:
    is_changed = old and old.definition.get("EncryptionKey") != new.get("EncryptionKey")
    # AG:update-and-validate-mapping: the encryption key cannot change in a data store.
    if is_changed and compiled_types.has_data_store(domain_store.settings_of(connection, domain)):
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


tagging.register("object-types", store.exists)

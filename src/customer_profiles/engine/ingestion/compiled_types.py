"""Object types as ingestion uses them: compiled once, kept until they are put anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import object_types as store

from .mapping import Mapping, compile_mapping
from .standard import standard
from .templates import templates
from .type_checks import content_types, predefined_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

_KEPT = 1_000


class Kind(NamedTuple):
    """An object type, ready to read objects."""

    name: str
    mapping: Mapping
    creates: bool
    """Whether an object that fits no profile makes one."""
    expiration_days: int | None
    priority: int | None


def whole(own: Wire) -> Wire:
    """Give a type's whole definition; what it does not say itself is its template's."""
    template = templates().get(own.get("TemplateId", ""))
    if template is None:
        return own
    # AG:profile-matching: a template's AllowProfileCreation cannot be overridden.
    taken = ("Fields", "Keys", "AllowProfileCreation", "SourceLastUpdatedTimestampFormat")
    return own | {name: template[name] for name in taken if name in template}


def most_objects(definition: Wire) -> int | None:
    """Give how many objects of a type a profile should have at the most."""
    # AG:customer-profiles-data-limits: a clickstream's template has a limit of its own.
    template = templates().get(definition.get("TemplateId", ""), {})
    given = definition.get("MaxProfileObjectCount", template.get("DefaultMaxProfileObjectCount"))
    return given and int(given)


def load(context: Context, connection: Connection, domain: int, name: str) -> Kind:
    """Give a type to ingest objects with, or refuse."""
    written = store.written(connection, domain, name)
    if written is None:
        return _implicit(context, connection, domain, name)
    kind = context.kinds.get((name, written))
    if kind is None:
        if len(context.kinds) >= _KEPT:
            context.kinds.clear()
        kind = context.kinds[name, written] = _compiled(name, json.loads(written))
    return kind


def _implicit(context: Context, connection: Connection, domain: int, name: str) -> Kind:
    if name in standard():
        # AG:standard-objects: a mapping fills them, a request cannot.
        raise bad_request(
            f"ObjectTypeName '{name}' is a standard object, which is filled through mappings; "
            "put an object of a type whose fields target it"
        )
    if name not in templates():
        raise unknown(name)
    check_room(context, connection, domain)
    check_names(connection, domain, name)
    # AG:implicit-profile-object-types: a template's name needs no PutProfileObjectType.
    # Assumed: such an implicit object type is listed from its first object on.
    now = context.clock.now()
    definition = {"Description": name, "TemplateId": name}
    store.put(connection, domain, name, definition, now, now)
    learn_keys(connection, domain)
    return load(context, connection, domain, name)


def _compiled(name: str, own: Wire) -> Kind:
    definition = whole(own)
    return Kind(
        name,
        compile_mapping(definition),
        # The model's text on AllowProfileCreation: false is the default.
        bool(definition.get("AllowProfileCreation")),
        definition.get("ExpirationDays"),
        definition.get("SourcePriority"),
    )


def check_room(context: Context, connection: Connection, domain: int) -> None:
    """Refuse one more object type than a domain may have."""
    limit = context.quotas.object_types
    if store.count(connection, domain) >= limit:
        raise bad_request(f"The limit of {limit} object types in a domain is reached")


def has_data_store(settings: Wire) -> bool:
    """Say whether a domain's settings enable its data store."""
    return bool(settings.get("DataStore", {}).get("Enabled"))


def check_names(connection: Connection, domain: int, *more: str) -> None:
    """Refuse object types that a data store cannot tell apart. AG:enable-customer-profiles."""
    if not has_data_store(domain_store.settings_of(connection, domain)):
        return
    plain: dict[str, str] = {}
    for name in dict.fromkeys([*(one.name for one in store.every(connection, domain)), *more]):
        other = plain.setdefault(name.lower().replace("-", "_"), name)
        if other != name:
            raise bad_request(
                f"The object types {other} and {name} are one name in the data store; keep one"
            )


def learn_keys(connection: Connection, domain: int) -> None:
    """Make the key names of a domain those of its object types."""
    # AG:update-and-validate-mapping: a key name goes with the last type that has it.
    found = {
        name: types
        for stored in store.every(connection, domain)
        for name, types in content_types(whole(stored.definition)).items()
    }
    store.put_key_names(
        connection, domain, [store.KeyName(name, types) for name, types in found.items()]
    )


def is_known(connection: Connection, domain: int, name: str) -> bool:
    """Say whether a profile may have objects of a type."""
    known = store.written(connection, domain, name) is not None
    return known or name in standard() or name in templates()


def unknown(name: str) -> Exception:
    """Make the refusal of a type that does not exist."""
    return not_found(f"Object type {name} does not exist in the domain")


def key_content_types(connection: Connection, domain: int, name: str) -> Sequence[str]:
    """Give the content types of a key's fields; none are those of a key that nobody knows."""
    if name in predefined_keys():
        return ("STRING",)
    known = store.key_name(connection, domain, name)
    return known.content_types if known else ()

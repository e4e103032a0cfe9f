"""Object types: checked when they are put, compiled to read objects, cached by definition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles._standard_objects import standard
from customer_profiles._type_rules import MOST_KEYS, Rule, content_types, violations
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import object_types as store
from customer_profiles.engine.store import pending_work

from .mapping import Mapping
from .sources import compile_source
from .targets import compile_target
from .templates import predefined_keys, templates

if TYPE_CHECKING:
    from collections.abc import Mapping as Map
    from collections.abc import Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_CACHED_TYPES = 1_000


class CompiledType(NamedTuple):
    """An object type, ready to read objects."""

    name: str
    mapping: Mapping
    creates_profiles: bool
    """Whether an object that finds no profile creates one."""
    expiration_days: int | None
    priority: int | None


def check(
    definition: Wire, known_keys: Map[str, tuple[str, ...]], *, key_quota: int = MOST_KEYS
) -> None:
    """Check the rules of an object type that the service's model cannot say.

    Args:
        definition: the request of PutProfileObjectType, or a template.
        known_keys: the content types of the keys that the domain has already, by name.
        key_quota: how many key definitions an object type may have.

    Raises:
        Refusal: a rule is broken; the message names the field or key and the rule.
    """
    has_mapping = _has_mapping(definition)
    for violation in violations(definition, known_keys, key_quota=key_quota):
        # Without fields and keys, only the rules of the object type itself can be broken.
        if has_mapping or violation.rule is Rule.TYPE_NAME:
            raise bad_request(violation.message())
    for name, field in (definition.get("Fields") or {}).items():
        _check_compiles(name, field)


def _has_mapping(definition: Wire) -> bool:
    # API:PutProfileObjectType: Fields and Keys, or TemplateId, never all three.
    present = [name for name in ("Fields", "Keys") if definition.get(name)]
    template = definition.get("TemplateId")
    # A template itself, as GetProfileObjectTypeTemplate answers it, has both.
    if template is None or "SourceObject" in definition:
        if len(present) == 1:
            other = "Keys" if present == ["Fields"] else "Fields"
            raise bad_request(f"{present[0]} is given without {other}; give both, or a TemplateId")
        if not present:
            raise bad_request("Give Fields and Keys, or a TemplateId")
        return True
    # The model's text on TemplateId: beside it, the service may refuse these members.
    # Assumed: AllowProfileCreation and SourceLastUpdatedTimestampFormat are refused beside it.
    timestamp_format = "SourceLastUpdatedTimestampFormat"
    present += [name for name in ("AllowProfileCreation", timestamp_format) if name in definition]
    if present:
        raise bad_request(f"{present[0]} and TemplateId exclude each other; give only one of them")
    if template not in templates():
        raise bad_request(
            f"TemplateId '{template}' names no template; ListProfileObjectTypeTemplates lists them"
        )
    return False


def _check_compiles(name: str, field: Wire) -> None:
    member = "Source"
    try:
        if field.get("Source"):
            compile_source(field["Source"])
        member = "Target"
        if field.get("Target"):
            compile_target(field["Target"])
    except ValueError as problem:
        raise bad_request(f"Field '{name}': {member}: {problem}") from None


def with_template(own: Wire) -> Wire:
    """Return a type's definition, completed by its template."""
    template = templates().get(own.get("TemplateId", ""))
    if template is None:
        return own
    # AG:profile-matching: a template's AllowProfileCreation cannot be overridden.
    members = ("Fields", "Keys", "AllowProfileCreation", "SourceLastUpdatedTimestampFormat")
    return own | {name: template[name] for name in members if name in template}


def object_limit(definition: Wire) -> int | None:
    """Return how many objects of a type a profile may have; None without a limit."""
    # AG:customer-profiles-data-limits: a clickstream's template has a limit of its own.
    template = templates().get(definition.get("TemplateId", ""), {})
    limit = definition.get("MaxProfileObjectCount", template.get("DefaultMaxProfileObjectCount"))
    return limit and int(limit)


def load(
    context: Context, connection: Connection, domain: int, name: str
) -> tuple[CompiledType, bool]:
    """Return a type to ingest objects with, and whether `keep` must store it, or refuse."""
    written = store.written(connection, domain, name)
    is_implicit = written is None
    if written is None:
        if name in templates() and pending_work.is_removing(connection, domain, name):
            # Assumed: an implicit type that is being removed is refused until that is finished.
            raise bad_request(f"Object type {name} is being deleted; repeat the request later")
        written = json.dumps(_implicit(connection, domain, name))
    compiled = context.compiled_types.get((name, written))
    if compiled is None:
        if len(context.compiled_types) >= _CACHED_TYPES:
            context.compiled_types.clear()
        compiled = _compiled(name, json.loads(written))
        context.compiled_types[name, written] = compiled
    return compiled, is_implicit


def keep(context: Context, connection: Connection, domain: int, name: str) -> None:
    """Store an implicit type, which a domain has from its first object on."""
    check_room(context, connection, domain)
    check_names(connection, domain, name)
    # Assumed: such an implicit object type exists from its first accepted object on.
    now = context.clock.now()
    store.put(connection, domain, name, _implicit(connection, domain, name), now, now)
    update_key_names(connection, domain)


def _implicit(connection: Connection, domain: int, name: str) -> Wire:
    """Return the definition of a type that a request uses without having put it, or refuse."""
    if name in standard():
        # AG:standard-objects: a mapping fills them, a request cannot.
        raise bad_request(
            f"ObjectTypeName '{name}' is a standard object, which is filled through mappings; "
            "put an object of a type whose fields target it"
        )
    if name not in templates():
        raise unknown(connection, domain, name)
    # AG:implicit-profile-object-types: a template's name needs no PutProfileObjectType.
    return {"Description": name, "TemplateId": name}


def _compiled(name: str, own: Wire) -> CompiledType:
    definition = with_template(own)
    return CompiledType(
        name,
        Mapping(definition),
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
    """Return whether a domain's settings enable its data store."""
    return bool(settings.get("DataStore", {}).get("Enabled"))


def check_names(connection: Connection, domain: int, *more: str) -> None:
    """Refuse object types that a data store cannot tell apart. AG:enable-customer-profiles."""
    if not has_data_store(domain_store.settings_of(connection, domain)):
        return
    plain: dict[str, str] = {}
    for name in dict.fromkeys(
        [*(stored.name for stored in store.every(connection, domain)), *more]
    ):
        other = plain.setdefault(name.lower().replace("-", "_"), name)
        if other != name:
            raise bad_request(
                f"The object types {other} and {name} have the same name in the data store; "
                "rename or delete one of them"
            )


def update_key_names(connection: Connection, domain: int) -> None:
    """Replace the key names of a domain by those of its object types."""
    # AG:update-and-validate-mapping: a key name is removed with the last type that has it.
    found = {
        name: types
        for stored in store.every(connection, domain)
        for name, types in content_types(with_template(stored.definition)).items()
    }
    store.put_key_names(
        connection, domain, [store.KeyName(name, types) for name, types in found.items()]
    )


def is_known(connection: Connection, domain: int, name: str) -> bool:
    """Return whether a profile may have objects of a type."""
    return name in standard() or store.exists(connection, domain, name)


def unknown(connection: Connection, domain: int, name: str) -> Exception:
    """Make the refusal of a type that does not exist."""
    names = [known.name for known in store.every(connection, domain)]
    return not_found(f"Object type {name} does not exist in the domain", name, names)


def key_content_types(connection: Connection, domain: int, name: str) -> Sequence[str]:
    """Return the content types of a key's fields; empty if the domain has no such key."""
    if name in predefined_keys():
        return ("STRING",)
    known = store.key_name(connection, domain, name)
    return known.content_types if known else ()

"""The rules of PutProfileObjectType that the service's model cannot say."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from customer_profiles import _timestamps
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.refusals import Refusal, bad_request

from . import standard
from .sources import compile_source
from .targets import Target, compile_target
from .templates import templates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from customer_profiles._wire import Wire

T = TypeVar("T")

# AG:mapping-field-definitions: the most fields of an object type.
FIELDS = 250
# AG:amazon-connect-service-limits: the most key definitions of an object type.
KEYS = 10

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_TAGS = ("Tags", "tags")
# AG:standard-objects: keys that the service itself keeps.
_RESERVED = ("_profileId", "_orderId", "_caseId", "_assetId")
_EXCLUSIVE = (("Gender", "GenderString"), ("PartyType", "PartyTypeString"))
_SYSTEM = ("_profile.ImportIds", "_profile.FoundByItems")
_PASSING = frozenset(("LOOKUP_ONLY", "NEW_ONLY"))


def check(
    definition: Wire, known_keys: Mapping[str, tuple[str, ...]], *, key_quota: int = KEYS
) -> None:
    """Check the wire form of an object type.

    Args:
        definition: the request of PutProfileObjectType, or a template.
        known_keys: the content types of the keys that the domain has already, by name.
        key_quota: how many key definitions an object type may have.

    Raises:
        Refusal: a rule is broken; the message names the field or key and the rule.
    """
    _check_type_name(definition.get("ObjectTypeName", ""))
    if not _has_mapping(definition):
        return
    fields, key_map = definition["Fields"], definition["Keys"]
    targets = _check_fields(fields)
    _check_timestamp(definition, targets)
    _check_exclusive(targets)
    _check_keys(fields, key_map, known_keys, key_quota)
    _check_unique(key_map)
    _check_profile(key_map, creating=definition.get("AllowProfileCreation") is True)
    _check_identifiers(key_map, targets)


def content_types(definition: Wire) -> dict[str, tuple[str, ...]]:
    """Give the content types of each key's fields, by the key's name."""
    fields = definition.get("Fields") or {}
    return {
        name: _types(variant, fields)
        for name, variants in (definition.get("Keys") or {}).items()
        for variant in variants
    }


def _types(variant: Wire, fields: Wire) -> tuple[str, ...]:
    return tuple(fields[name].get("ContentType") or "STRING" for name in variant["FieldNames"])


def _check_type_name(name: str) -> None:
    # AG:object-type-mapping-requirements: the underscore is for standard objects.
    if name.startswith("_"):
        raise bad_request(
            f"ObjectTypeName '{name}' begins with '_', which only standard objects do; "
            "begin it with a letter"
        )


def _has_mapping(definition: Wire) -> bool:
    # API:PutProfileObjectType: Fields and Keys, or TemplateId, never all three.
    given = [name for name in ("Fields", "Keys") if definition.get(name)]
    template = definition.get("TemplateId")
    # A template itself, as GetProfileObjectTypeTemplate answers it, has both.
    if template is None or "SourceObject" in definition:
        if len(given) == 1:
            other = "Keys" if given == ["Fields"] else "Fields"
            raise bad_request(f"{given[0]} is given without {other}; give both, or a TemplateId")
        if not given:
            raise bad_request("Give Fields and Keys, or a TemplateId")
        return True
    if given:
        raise bad_request(f"{given[0]} and TemplateId exclude each other; give only one of them")
    if template not in templates():
        raise bad_request(
            f"TemplateId '{template}' names no template; ListProfileObjectTypeTemplates lists them"
        )
    return False


def _check_fields(fields: Wire) -> dict[str, Target]:
    if len(fields) > FIELDS:
        raise bad_request(f"Fields has {len(fields)} fields; the most are {FIELDS}")
    targets: dict[str, Target] = {}
    for name, definition in fields.items():
        _check_name("Field", name, _NAME)
        if definition.get("Source"):
            _try(name, "Source", definition["Source"], compile_source)
        if definition.get("Target"):
            targets[name] = _check_target(name, definition["Target"])
    return targets


def _check_name(kind: str, name: str, allowed: re.Pattern[str]) -> None:
    # AG:mapping-field-definitions, AG:mapping-key-definitions
    if name in _TAGS:
        raise bad_request(f"{kind} '{name}': the name is reserved; choose another")
    if not allowed.fullmatch(name):
        raise bad_request(
            f"{kind} '{name}': a name begins with a letter and goes on with letters, digits, "
            "'_', '.' or '-'"
        )


def _try(name: str, member: str, text: str, compile_it: Callable[[str], T]) -> T:
    try:
        return compile_it(text)
    except ValueError as problem:
        raise _refused(name, member, str(problem)) from None


def _refused(name: str, member: str, problem: str) -> Refusal:
    return bad_request(f"Field '{name}': {member}: {problem}")


def _check_target(name: str, text: str) -> Target:
    # AG:mapping-field-definitions: what the service itself fills is no target.
    if any(text == path or text.startswith((f"{path}.", f"{path}[")) for path in _SYSTEM):
        raise _refused(name, "Target", f"'{text}' is filled by the service; choose another member")
    target = _try(name, "Target", text, compile_target)
    id_member = standard.standard()[target.object].id_member
    if target.keys == (id_member,):
        raise _refused(
            name,
            "Target",
            f"'{text}' is the id that the service gives; use an attribute, "
            f"{target.object}.Attributes.{id_member}",
        )
    return target


def _check_timestamp(definition: Wire, targets: Mapping[str, Target]) -> None:
    pattern = definition.get("SourceLastUpdatedTimestampFormat")
    if pattern:
        try:
            # Assumed: a format that cannot be followed is refused when it is put.
            _timestamps.timestamp_format(pattern)
        except ValueError as problem:
            raise bad_request(f"SourceLastUpdatedTimestampFormat: {problem}") from None
        return
    for name, target in targets.items():
        # AG:mapping-field-definitions: only the profile's timestamp asks for a format.
        if target.object == PROFILE and target.keys == (standard.TIMESTAMP,):
            raise bad_request(
                f"Field '{name}': its Target _profile.{standard.TIMESTAMP} needs "
                "SourceLastUpdatedTimestampFormat; give EpochMilli or a SimpleDateFormat pattern"
            )


def _check_exclusive(targets: Mapping[str, Target]) -> None:
    names = {
        target.keys[0]: name
        for name, target in targets.items()
        if target.object == PROFILE and len(target.keys) == 1
    }
    # AG:mapping-field-definitions: the enum and the free text exclude each other.
    for one, other in _EXCLUSIVE:
        if one in names and other in names:
            raise bad_request(
                f"Fields '{names[one]}' and '{names[other]}': _profile.{one} and _profile.{other} "
                "exclude each other; target only one of them"
            )


def _check_keys(
    fields: Wire, key_map: Wire, known: Mapping[str, tuple[str, ...]], quota: int
) -> None:
    count = sum(len(variants) for variants in key_map.values())
    if count > quota:
        raise bad_request(f"Keys has {count} definitions; the most are {quota}")
    for name, variants in key_map.items():
        _check_key_name(name, known)
        if not variants:
            raise bad_request(f"Key '{name}': it has no definition; give one with FieldNames")
        expected = known.get(name)
        for variant in variants:
            _check_variant(name, variant, fields)
            types = _types(variant, fields)
            if expected is not None and types != expected:
                raise bad_request(
                    f"Key '{name}': its fields have the content types {', '.join(types)}, but the "
                    f"domain's key has {', '.join(expected)}; use the same, or another key name"
                )
            expected = types


def _check_key_name(name: str, known: Mapping[str, tuple[str, ...]]) -> None:
    # AG:mapping-key-definitions: a name with '_' must be a key that exists.
    if name.startswith("_"):
        if name not in known and name not in predefined_keys():
            raise bad_request(
                f"Key '{name}': only predefined keys begin with '_'; begin it with a letter"
            )
        return
    _check_name("Key", name, _NAME)


@cache
def predefined_keys() -> frozenset[str]:
    """Give the names of the keys that every domain has."""
    indexes = (name for item in standard.standard().values() for name, _ in item.keys)
    of_templates = (name for template in templates().values() for name in template["Keys"])
    return keys.PREDEFINED.union(indexes, of_templates)


def _check_variant(name: str, variant: Wire, fields: Wire) -> None:
    field_names = variant.get("FieldNames") or []
    if not field_names:
        raise bad_request(f"Key '{name}': FieldNames names no field; name at least one")
    for field in field_names:
        if field not in fields:
            raise bad_request(
                f"Key '{name}': FieldNames has '{field}', which Fields does not define"
            )
    identifiers = set(variant.get("StandardIdentifiers") or ())
    # AG:standard-objects: such a key is looked up, never stored.
    if name in _RESERVED and "LOOKUP_ONLY" not in identifiers:
        raise bad_request(f"Key '{name}': the service keeps this key; add LOOKUP_ONLY to it")
    # AG:standard-identifiers: the UNIQUE key is always stored.
    if "UNIQUE" in identifiers and (clash := sorted(identifiers & _PASSING)):
        raise bad_request(f"Key '{name}': UNIQUE and {clash[0]} exclude each other; remove one")


def _identified(key_map: Wire, identifier: str) -> Iterator[tuple[str, set[str]]]:
    for name, variants in key_map.items():
        for variant in variants:
            identifiers = set(variant.get("StandardIdentifiers") or ())
            if identifier in identifiers:
                yield name, identifiers


def _check_unique(key_map: Wire) -> None:
    # AG:mapping-key-definitions: exactly one key is UNIQUE.
    found = [name for name, _ in _identified(key_map, "UNIQUE")]
    if not found:
        raise bad_request("Keys has no UNIQUE key; give one key the identifier UNIQUE")
    if len(found) > 1:
        named = ", ".join(f"'{name}'" for name in found)
        raise bad_request(f"Keys {named}: only one definition can be UNIQUE; keep one of them")


def _check_profile(key_map: Wire, *, creating: bool) -> None:
    # AG:mapping-key-definitions, AG:examples-object-type-mappings
    found = list(_identified(key_map, "PROFILE"))
    if not found:
        raise bad_request("Keys has no PROFILE key; give at least one key the identifier PROFILE")
    lasting = any(name == "_profileId" or not given & _PASSING for name, given in found)
    if creating and not lasting:
        raise bad_request(
            f"Key '{found[0][0]}': a PROFILE key without LOOKUP_ONLY and NEW_ONLY is needed where "
            "AllowProfileCreation is true; add one"
        )


def _check_identifiers(key_map: Wire, targets: Mapping[str, Target]) -> None:
    # AG:standard-objects: the communication record needs no identifier of its own.
    for name, target in targets.items():
        identifier = standard.standard()[target.object].identifier
        exempt = target.object == "_communicationRecord"
        if not exempt and not any(_identified(key_map, identifier)):
            raise bad_request(
                f"Field '{name}': its Target is in {target.object}, so a key needs the identifier "
                f"{identifier}"
            )

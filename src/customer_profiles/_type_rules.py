"""The rules of object types over their wire form, for SDK and engine alike.

A broken rule is a `Violation`: the rule, the path, and details for the message. SDK and engine
spell the members in it as their callers do. Lengths, enums
and ranges are not rules of this module: they are checked against the service's own shapes.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from . import _timestamps
from ._hints.nearest import did_you_mean
from ._standard_objects import PROFILE, STANDARD_OBJECTS
from ._standard_objects import standard as standard_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ._wire import Wire

TIMESTAMP = "_profile.SourceLastUpdatedTimestamp"
"""The target of the time at which the source last changed the object."""
# AG:mapping-field-definitions, AG:amazon-connect-service-limits
MOST_FIELDS = 250
MOST_KEYS = 10
UNTIED = "_communicationRecord"
"""AG:standard-objects: the standard object that needs no key with its identifier."""

# The model's text on SearchProfiles.KeyName lists these.
SEARCH_KEYS = frozenset(
    [
        "_account", "_assetId", "_caseId", "_ctrContactId", "_email", "_fullName", "_marketoLeadId",
        "_orderId", "_phone", "_profileId", "_salesforceAccountId", "_salesforceAssetId",
        "_salesforceContactId", "_segmentUserId", "_serviceNowIncidentId", "_serviceNowSystemId",
        "_shopifyCustomerId", "_shopifyOrderId", "_zendeskExternalId", "_zendeskTicketId",
        "_zendeskUserId",
    ]
)  # fmt: skip
# AG:standard-objects and the templates add the others.
PREDEFINED_KEYS = SEARCH_KEYS.union(
    [
        "_airBookingId", "_airBookingRef", "_airPreferenceId", "_airPreferenceRef",
        "_airReferenceId", "_airSegmentId", "_assetName", "_communicationRecordId",
        "_hotelPreferenceId", "_hotelPreferenceRef", "_hotelReferenceId", "_hotelReservationId",
        "_hotelStayRevenueId", "_loyaltyId", "_loyaltyMembershipId", "_loyaltyPromotionId",
        "_loyaltyTransactionId", "_serialNumber", "_serviceNowTaskId",
        "_webAnalyticsAnonymousUserId", "_webAnalyticsClickstreamEventId", "_webAnalyticsDeviceId",
        "_webAnalyticsOrderId", "_webAnalyticsUserId",
    ]
)  # fmt: skip

_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,254}")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_SEGMENT = re.compile(r"[^.\[\]{}]+")
_SOURCE_ROOT = "_source."
_RESERVED_NAMES = ("Tags", "tags")
# AG:standard-objects: the service keeps these keys itself.
_LOOKED_UP_KEYS = ("_profileId", "_orderId", "_caseId", "_assetId")
# AG:mapping-field-definitions: the enum and the free text exclude each other.
_EXCLUSIVE = (("Gender", "GenderString"), ("PartyType", "PartyTypeString"))
# AG:mapping-field-definitions: the service fills these members.
_FILLED = ("_profile.ImportIds", "_profile.FoundByItems")
_NOT_STORED = frozenset(("LOOKUP_ONLY", "NEW_ONLY"))


class Rule(Enum):
    """A rule that an object type can break; its value is the message about a violation."""

    TYPE_NAME = (
        "{name!r} must be a letter, then letters, digits, '_' or '-'; at most 255 characters"
    )
    FIELD_COUNT = "it has {count} fields; the most are {most}"
    FIELD_RESERVED = "the name is reserved; choose another"
    FIELD_NAME = "it must be a letter, then letters, digits, '_', '.' or '-'; at most 64 characters"
    SOURCE = "its path is wrong: {problem}"
    TARGET_OBJECT = "'{object}' is not a standard object; {hint}{known}"
    TARGET_MEMBER = "'{object}' is a whole object; name a member, such as {object}.Attributes.Name"
    TARGET_ID = "'{target}' is the id that the service gives; use {object}.Attributes.{member}"
    TARGET_FILLED = "'{target}' is filled by the service; choose another member"
    TARGET_PATH = "{problem}"
    TARGETS_EXCLUSIVE = "{target} and {other} exclude each other; target only one of them"
    TIMESTAMP_FORMAT = "{SourceLastUpdatedTimestampFormat}: {problem}"
    TIMESTAMP_FORMAT_MISSING = (
        "{target} needs {SourceLastUpdatedTimestampFormat}, such as EpochMilli"
    )
    KEY_COUNT = "it has {count} definitions of keys; the most are {most}"
    KEY_RESERVED = "the name is reserved; choose another key"
    KEY_NAME = "it must be a letter, then letters, digits, '_' or '-'; at most 64 characters"
    KEY_PREDEFINED = "only predefined keys begin with '_'; begin it with a letter"
    KEY_EMPTY = "it has no definition; add one with {FieldNames}"
    KEY_FIELDS_MISSING = "{FieldNames} names no field; name at least one"
    KEY_FIELD_UNKNOWN = "{FieldNames} has '{field}', which is not a field"
    KEY_FIELD_DOT = "{FieldNames} has '{field}', but a name with '.' cannot be part of a key"
    KEY_LOOKED_UP = "the service keeps this key itself; add {LOOKUP_ONLY}"
    KEY_UNIQUE_STORED = "UNIQUE and {flag} exclude each other; remove one"
    KEY_CONTENT_TYPES = "it has the content types {types}, but elsewhere {expected}; use the same"
    UNIQUE_MISSING = "no key is UNIQUE; add {UNIQUE} to the one that identifies an object"
    UNIQUE_SEVERAL = "only one key can be UNIQUE, not {names}; keep one of them"
    PROFILE_MISSING = "no key is a PROFILE key; add {PROFILE} to one that finds the profile"
    PROFILE_STORED = "{AllowProfileCreation} needs a PROFILE key without LOOKUP_ONLY and NEW_ONLY"
    IDENTIFIER_MISSING = "a target in {object} needs a key with the identifier {identifier}"


_SPELLED = (
    *("UNIQUE", "PROFILE", "LOOKUP_ONLY"),
    *("AllowProfileCreation", "FieldNames", "SourceLastUpdatedTimestampFormat"),
)


class Violation(NamedTuple):
    """A rule that an object type breaks."""

    rule: Rule
    path: tuple[str | int, ...]
    """The members, names and positions that lead to the broken part of the wire form."""
    details: Mapping[str, str | int]
    """The values for the message."""

    def message(self, spell: Callable[[str], str] = str) -> str:
        """Describe the violation; `spell` returns a member or an identifier as callers write it."""
        spelled = {name: spell(name) for name in _SPELLED}
        message = self.rule.value.format(**self.details, **spelled)
        match self.path:
            case ("Fields" | "Keys" as group, name, *rest):
                members = [f"{member}: " for member in rest if isinstance(member, str)]
                return f"{group[:-1]} '{name}': {''.join(members)}{message}"
            case _:
                return message


class _Definition(NamedTuple):
    """One definition of a key."""

    key: str
    position: int
    fields: list[str]
    identifiers: frozenset[str]

    def breaks(self, rule: Rule, **details: str | int) -> Violation:
        return Violation(rule, ("Keys", self.key, self.position), details)


def violations(
    definition: Wire,
    known_keys: Mapping[str, tuple[str, ...]] | None = None,
    *,
    key_quota: int = MOST_KEYS,
) -> Iterator[Violation]:
    """Yield the rules that an object type with fields and keys breaks.

    Args:
        definition: the object type, as a request of PutProfileObjectType or a template has it.
        known_keys: the content types of the keys that the domain has already, by name.
        key_quota: how many definitions of keys an object type may have.
    """
    fields: Wire = definition.get("Fields") or {}
    keys: Wire = definition.get("Keys") or {}
    name = definition.get("ObjectTypeName")
    # AG:object-type-mapping-requirements: the underscore is for standard objects.
    if name is not None and not _TYPE_NAME.fullmatch(name):
        yield Violation(Rule.TYPE_NAME, ("ObjectTypeName",), {"name": name})
    if len(fields) > MOST_FIELDS:
        yield Violation(Rule.FIELD_COUNT, ("Fields",), {"count": len(fields), "most": MOST_FIELDS})
    for name, field in fields.items():
        yield from _check_field(name, field)
    targets = {name: field["Target"] for name, field in fields.items() if field.get("Target")}
    yield from _check_timestamp(definition, targets)
    yield from _check_exclusive_targets(targets)
    definitions = _definitions(keys)
    if len(definitions) > key_quota:
        yield Violation(Rule.KEY_COUNT, ("Keys",), {"count": len(definitions), "most": key_quota})
    for name, variants in keys.items():
        own = [item for item in definitions if item.key == name]
        yield from _check_key_name(name, known_keys or {})
        if not variants:
            yield Violation(Rule.KEY_EMPTY, ("Keys", name), {})
        yield from _check_key(own, fields, (known_keys or {}).get(name))
    yield from _check_unique(definitions)
    yield from _check_profile(definitions, creates=definition.get("AllowProfileCreation") is True)
    yield from _check_identifiers(definitions, targets)


def content_types(definition: Wire) -> dict[str, tuple[str, ...]]:
    """Return the content types of each key's fields, by the key's name."""
    fields: Wire = definition.get("Fields") or {}
    return {
        item.key: _content_types(item, fields)
        for item in _definitions(definition.get("Keys") or {})
    }


def source_path(source: str) -> list[list[str]]:
    """Split a source's path into the names between its arrays.

    `_source.a[].b.c` is `[["a"], ["b", "c"]]`; the last list is empty if the path ends in `[]`.

    Raises:
        ValueError: it is not a path; the message says why.
    """
    if not source.startswith(_SOURCE_ROOT):
        raise ValueError(f"it must begin with {_SOURCE_ROOT}; {_USE}")
    groups: list[list[str]] = [[]]
    for segment in source.removeprefix(_SOURCE_ROOT).split("."):
        name = segment.removesuffix("[]")
        if not is_path_segment(name):
            raise ValueError(f"'{segment}' is not a valid name in a path; {_USE}")
        groups[-1].append(name)
        if name != segment:
            groups.append([])
    return groups


_USE = "use a path such as _source.a.b or _source.items[].name, or a Handlebars template"


def is_path_segment(name: str) -> bool:
    """Return whether a name can be a part of a source's path."""
    return _SEGMENT.fullmatch(name) is not None


def standard_object(target: str) -> str:
    """Return the name of the standard object that a target is in."""
    return target.partition(".")[0]


def _definitions(keys: Wire) -> list[_Definition]:
    return [
        _Definition(
            name,
            position,
            variant.get("FieldNames") or [],
            frozenset(variant.get("StandardIdentifiers") or ()),
        )
        for name, variants in keys.items()
        for position, variant in enumerate(variants)
    ]


def _content_types(definition: _Definition, fields: Wire) -> tuple[str, ...]:
    return tuple(fields[name].get("ContentType") or "STRING" for name in definition.fields)


def _check_field(name: str, field: Wire) -> Iterator[Violation]:
    path = ("Fields", name)
    if name in _RESERVED_NAMES:
        yield Violation(Rule.FIELD_RESERVED, path, {})
    elif not _FIELD_NAME.fullmatch(name):
        yield Violation(Rule.FIELD_NAME, path, {})
    source, target = field.get("Source") or "", field.get("Target") or ""
    if source and "{{" not in source:
        try:
            source_path(source)
        except ValueError as error:
            yield Violation(Rule.SOURCE, (*path, "Source"), {"problem": str(error)})
    if target:
        yield from _check_target(name, target)


def _check_target(name: str, target: str) -> Iterator[Violation]:
    object_name, _, member = target.partition(".")
    path = ("Fields", name, "Target")
    details = {"target": target, "object": object_name, "member": member}
    standard = STANDARD_OBJECTS.get(object_name)
    if standard is None:
        close = did_you_mean(object_name, STANDARD_OBJECTS)
        names = ", ".join(STANDARD_OBJECTS)
        known = {
            "hint": f"{close} " if close else "",
            "known": f"(they are {names})" if close else f"use one of {names}",
        }
        yield Violation(Rule.TARGET_OBJECT, path, details | known)
    elif not member:
        yield Violation(Rule.TARGET_MEMBER, path, details)
    elif member == standard.id_member:
        yield Violation(Rule.TARGET_ID, path, details)
    elif any(
        target == filled or target.startswith((f"{filled}.", f"{filled}[")) for filled in _FILLED
    ):
        yield Violation(Rule.TARGET_FILLED, path, details)
    else:
        try:
            standard_objects()[object_name].resolve(member)
        except ValueError as error:
            yield Violation(Rule.TARGET_PATH, path, details | {"problem": str(error)})


def _check_timestamp(definition: Wire, targets: Mapping[str, str]) -> Iterator[Violation]:
    member = "SourceLastUpdatedTimestampFormat"
    if pattern := definition.get(member):
        try:
            # Assumed: a timestamp's format that is not supported is refused when it is put.
            _timestamps.timestamp_format(pattern)
        except ValueError as error:
            yield Violation(Rule.TIMESTAMP_FORMAT, (member,), {"problem": str(error)})
        return
    # AG:mapping-field-definitions: only the profile's timestamp needs a format.
    for name, target in targets.items():
        if target == TIMESTAMP:
            path = ("Fields", name, "Target")
            yield Violation(Rule.TIMESTAMP_FORMAT_MISSING, path, {"target": target})


def _check_exclusive_targets(targets: Mapping[str, str]) -> Iterator[Violation]:
    names = {target: name for name, target in targets.items()}
    for members in _EXCLUSIVE:
        target, other = (f"{PROFILE}.{member}" for member in members)
        if target in names and other in names:
            path, details = ("Fields", names[other], "Target"), {"target": target, "other": other}
            yield Violation(Rule.TARGETS_EXCLUSIVE, path, details)


def _check_key_name(name: str, known_keys: Mapping[str, object]) -> Iterator[Violation]:
    # AG:mapping-key-definitions: a name with '_' must be a key that exists.
    path = ("Keys", name, 0)
    if name in _RESERVED_NAMES:
        yield Violation(Rule.KEY_RESERVED, path, {})
    elif not _KEY_NAME.fullmatch(name):
        yield Violation(Rule.KEY_NAME, path, {})
    elif name.startswith("_") and name not in PREDEFINED_KEYS and name not in known_keys:
        yield Violation(Rule.KEY_PREDEFINED, path, {})


def _check_key(
    definitions: list[_Definition], fields: Wire, expected: tuple[str, ...] | None
) -> Iterator[Violation]:
    for item in definitions:
        found = list(_check_definition(item, fields))
        yield from found
        if found:
            continue
        types = _content_types(item, fields)
        if expected is not None and types != expected:
            details = {"types": ", ".join(types), "expected": ", ".join(expected)}
            yield item.breaks(Rule.KEY_CONTENT_TYPES, **details)
        expected = types


def _check_definition(definition: _Definition, fields: Wire) -> Iterator[Violation]:
    if not definition.fields:
        yield definition.breaks(Rule.KEY_FIELDS_MISSING)
    for field in definition.fields:
        if field not in fields:
            yield definition.breaks(Rule.KEY_FIELD_UNKNOWN, field=field)
        elif "." in field:
            yield definition.breaks(Rule.KEY_FIELD_DOT, field=field)
    # AG:standard-objects: such a key is looked up, never stored.
    if definition.key in _LOOKED_UP_KEYS and "LOOKUP_ONLY" not in definition.identifiers:
        yield definition.breaks(Rule.KEY_LOOKED_UP)
    # AG:standard-identifiers: the UNIQUE key is always stored.
    if "UNIQUE" in definition.identifiers and (flags := definition.identifiers & _NOT_STORED):
        yield definition.breaks(Rule.KEY_UNIQUE_STORED, flag=min(flags))


def _check_unique(definitions: list[_Definition]) -> Iterator[Violation]:
    # AG:mapping-key-definitions: exactly one key is UNIQUE.
    unique = [item for item in definitions if "UNIQUE" in item.identifiers]
    if not unique:
        yield Violation(Rule.UNIQUE_MISSING, ("Keys",), {})
    elif len(unique) > 1:
        names = ", ".join(f"'{item.key}'" for item in unique)
        yield unique[1].breaks(Rule.UNIQUE_SEVERAL, names=names)


def _check_profile(definitions: list[_Definition], *, creates: bool) -> Iterator[Violation]:
    # AG:mapping-key-definitions, AG:examples-object-type-mappings
    found = [item for item in definitions if "PROFILE" in item.identifiers]
    if not found:
        yield Violation(Rule.PROFILE_MISSING, ("Keys",), {})
    elif creates and not any(
        item.key == "_profileId" or not item.identifiers & _NOT_STORED for item in found
    ):
        yield found[0].breaks(Rule.PROFILE_STORED)


def _check_identifiers(
    definitions: list[_Definition], targets: Mapping[str, str]
) -> Iterator[Violation]:
    identifiers = {identifier for item in definitions for identifier in item.identifiers}
    for name, target in targets.items():
        object_name = standard_object(target)
        standard = STANDARD_OBJECTS.get(object_name)
        if standard and standard.identifier not in identifiers and object_name != UNTIED:
            details = {"object": object_name, "identifier": standard.identifier}
            yield Violation(Rule.IDENTIFIER_MISSING, ("Fields", name, "Target"), details)

"""The rules of object types, in the words of declarations: snake_case, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, get_args

from customer_profiles._type_rules import Rule, Violation, violations
from customer_profiles.models.object_type import ContentType, StandardIdentifier

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.models.object_type import ObjectType

Wrong = Callable[[str | None, str], Exception]
"""Makes the error from the name of a field, or None for the whole object type, and the rule."""

_LONGEST_TEXT = 1000
_RANGES = {
    "expiration_days": (1, 1098),
    "max_profile_object_count": (1, None),
    "source_priority": (1, None),
}


def check(object_type: ObjectType, wrong: Wrong) -> None:
    """Raise the error for the first rule that an object type with fields and keys breaks."""
    wire = object_type._to_wire()
    for violation in violations(wire):
        raise wrong(_field(violation, wire), _WORDS[violation.rule].format(**violation.details))
    _check_settings(object_type, wrong)
    _check_fields(object_type, wrong)
    _check_identifiers(object_type, wrong)


def _check_settings(object_type: ObjectType, wrong: Wrong) -> None:
    if not 1 <= len(object_type.description or "") <= _LONGEST_TEXT:
        raise wrong(None, f"description must have 1 to {_LONGEST_TEXT} characters")
    for name, (low, high) in _RANGES.items():
        value = getattr(object_type, name)
        if value is not None and (value < low or (high and value > high)):
            raise wrong(None, f"{name} must be {low} {f'to {high}' if high else 'or more'}")


def _check_fields(object_type: ObjectType, wrong: Wrong) -> None:
    for name, field in (object_type.fields or {}).items():
        if not field.source:
            raise wrong(name, _WORDS[Rule.SOURCE])
        for member, text in (("source", field.source), ("target", field.target)):
            if len(text or "") > _LONGEST_TEXT:
                raise wrong(name, f"its {member} has more than {_LONGEST_TEXT} characters")
        if field.content_type is not None and field.content_type not in get_args(ContentType):
            raise wrong(name, f"its content type must be one of {', '.join(get_args(ContentType))}")


def _check_identifiers(object_type: ObjectType, wrong: Wrong) -> None:
    known = {name for group in get_args(StandardIdentifier) for name in get_args(group)}
    for key, variants in (object_type.keys or {}).items():
        for variant in variants:
            if unknown := sorted(set(variant.standard_identifiers or ()) - known):
                where = variant.field_names[0] if variant.field_names else None
                raise wrong(
                    where, f"key {key}: {unknown[0]!r} is not an identifier; use {sorted(known)}"
                )


def _field(violation: Violation, wire: Wire) -> str | None:
    """Return the field that a violation is about: of a key, the first of its fields."""
    match violation.path:
        case ("Fields", str(name), *_):
            return name
        case ("Keys", key, int(position)) if variants := wire["Keys"][key][position : position + 1]:
            names: Iterable[str] = variants[0].get("FieldNames") or ()
            return next(iter(names), None)
        case _:
            return None


_WORDS = {
    Rule.TYPE_NAME: "the object type's name begins with a letter, followed by letters, "
    "digits, '_' or '-', up to 255 characters",
    Rule.FIELD_COUNT: "it has {count} fields; the most are {most}",
    Rule.FIELD_RESERVED: "the name {name} is reserved; choose another",
    Rule.FIELD_NAME: "the name {name!r} must begin with a letter, followed by letters, digits, "
    "'_', '.' or '-', up to 64 characters",
    Rule.SOURCE: "its source is a path such as _source.a.b or _source.items[].name, or a "
    "Handlebars template",
    Rule.TARGET_OBJECT: "its target must be in one of {known}",
    Rule.TARGET_MEMBER: "its target names a member, such as {object}.Attributes.Name",
    Rule.TARGET_ID: "its target {target} is the id that the service assigns; use an attribute, "
    "such as {object}.Attributes.{member}",
    Rule.TARGET_PATH: "its target {target}: {problem}",
    Rule.TARGET_FILLED: "its target {target} is filled by the service; choose another",
    Rule.TARGETS_EXCLUSIVE: "{target} and {other_target} exclude each other; target only one of "
    "them",
    Rule.TIMESTAMP_FORMAT: "source_last_updated_timestamp_format: {problem}",
    Rule.TIMESTAMP_FORMAT_MISSING: "its target {target} needs "
    "source_last_updated_timestamp_format; set it to EpochMilli or a SimpleDateFormat pattern",
    Rule.KEY_COUNT: "it has {count} definitions of keys; the most are {most}",
    Rule.KEY_RESERVED: "key {name}: the name is reserved; choose another",
    Rule.KEY_NAME: "key {name!r}: a key's name begins with a letter, followed by letters, digits, "
    "'_' or '-', up to 64 characters",
    Rule.KEY_PREDEFINED: "key {name}: only predefined keys begin with '_'; begin it with a letter",
    Rule.KEY_EMPTY: "key {name} has no definition; add one with field_names",
    Rule.KEY_FIELDS_MISSING: "key {name} has no field; name at least one",
    Rule.KEY_FIELD_UNKNOWN: "key {name} is made of {field}, which is not a field",
    Rule.KEY_FIELD_DOT: "key {name}: a field with '.' in its name, as {field}, cannot be part of "
    "a key",
    Rule.KEY_LOOKED_UP: "key {name}: the service keeps this key itself; add lookup_only=True",
    Rule.KEY_UNIQUE_STORED: "key {name}: unique excludes lookup_only and new_only; remove one",
    Rule.KEY_CONTENT_TYPES: "key {name}: all its definitions must have the same content types, "
    "not {expected} and {types}",
    Rule.UNIQUE_MISSING: "no key is UNIQUE; mark the one that identifies an object unique=True",
    Rule.UNIQUE_SEVERAL: "only one key can be UNIQUE, not {names}",
    Rule.PROFILE_MISSING: "no key is a PROFILE key; mark one that finds the profile profile=True",
    Rule.PROFILE_STORED: "key {name}: where allow_profile_creation is true, a profile key is "
    "neither lookup_only nor new_only; add one",
    Rule.IDENTIFIER_MISSING: "its target is in {object}, so a key needs standard={identifier!r}",
}

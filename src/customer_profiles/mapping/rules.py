"""The rules of object types, as declarations spell them: in snake_case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, get_args

from pydantic.alias_generators import to_snake

from customer_profiles._type_rules import Violation, violations
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
        raise wrong(_field(violation, wire), violation.message(_spell))
    if not 1 <= len(object_type.description or "") <= _LONGEST_TEXT:
        raise wrong(None, f"description must have 1 to {_LONGEST_TEXT} characters")
    for setting, (low, high) in _RANGES.items():
        value = getattr(object_type, setting)
        if value is not None and (value < low or (high and value > high)):
            raise wrong(None, f"{setting} must be {low} {f'to {high}' if high else 'or more'}")
    for name, rule in _broken(object_type):
        raise wrong(name, rule)


def _broken(object_type: ObjectType) -> Iterator[tuple[str | None, str]]:
    """Yield the broken rules of the service's shapes of fields and keys, each with its field."""
    for name, field in (object_type.fields or {}).items():
        if not field.source:
            yield name, "its source is missing; use a path such as _source.a.b, or a template"
        for member, text in (("source", field.source), ("target", field.target)):
            if len(text or "") > _LONGEST_TEXT:
                yield name, f"its {member} has more than {_LONGEST_TEXT} characters"
        if field.content_type not in (None, *get_args(ContentType)):
            yield name, f"its content type must be one of {', '.join(get_args(ContentType))}"
    known = {name for group in get_args(StandardIdentifier) for name in get_args(group)}
    for key, variants in (object_type.keys or {}).items():
        for variant in variants:
            if unknown := sorted(set(variant.standard_identifiers or ()) - known):
                where = next(iter(variant.field_names or ()), None)
                yield where, f"key {key}: {unknown[0]!r} is not an identifier; use {sorted(known)}"


def _spell(name: str) -> str:
    return f"{name.lower()}=True" if name.isupper() else to_snake(name)


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

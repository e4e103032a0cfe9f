"""From the class that a user wrote to the object type that it declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic import ValidationError
from pydantic.alias_generators import to_pascal

from customer_profiles._standard_objects import PROFILE, STANDARD_OBJECTS
from customer_profiles._type_rules import (
    TIMESTAMP,
    UNTIED,
    is_path_segment,
    source_path,
    standard_object,
)
from customer_profiles.models.object_type import (
    ContentType,
    ObjectType,
    ObjectTypeField,
    ObjectTypeKey,
)

from . import rules
from .field_types import EMAILS, SUPPORTED, ClassField, FieldType, class_fields
from .markers import Content, Key, Source, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from customer_profiles.models.object_type import StandardIdentifier

    from .markers import Marker
    from .profile_object import ProfileObject

CONTENT_OF_KEYS: dict[str, ContentType] = {
    "_email": "EMAIL_ADDRESS",
    "_phone": "PHONE_NUMBER",
    "_fullName": "NAME",
}
"""The content types of the fields of predefined keys."""


class Declared(NamedTuple):
    """What a class declares."""

    object_type: ObjectType
    paths: dict[str, tuple[str, ...]]
    """The path in an object of each field of the class, by the field's name in JSON."""
    timestamps: tuple[tuple[str, ...], ...]
    """The fields with the source's timestamp, each as the attribute names that lead to it."""


class _MappedField(NamedTuple):
    """One field of the object type, and its declaration in the class."""

    attribute: str
    """The field of the class; dots lead into nested classes."""
    name: str
    source: str
    type: FieldType
    markers: tuple[Marker, ...]


@dataclass(slots=True)
class _Reading:
    """What is known of a class while it is read."""

    model: type[ProfileObject]
    mapped: list[_MappedField] = field(default_factory=list)
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def error(self, attribute: str | None, rule: str) -> TypeError:
        """Return the error that names the class, the field and the rule."""
        where = self.model.__qualname__ + (f".{attribute}" if attribute else "")
        return TypeError(f"{where}: {rule}")


def declare(
    model: type[ProfileObject], settings: Mapping[str, object], keys: Sequence[Key]
) -> Declared:
    """Read the object type that a class declares.

    Args:
        model: the class.
        settings: its class keywords, but for `keys`, as fields of `ObjectType`.
        keys: the keys of the class keyword `keys`.

    Raises:
        TypeError: the class breaks a rule; the message names the class, the field and the rule.
    """
    reading = _Reading(model)
    _read_fields(reading)
    _read_sources(reading)
    _check_names(reading)
    fields = {item.name: _object_type_field(item, keys, reading) for item in reading.mapped}
    lines = (vars(model).get("__doc__") or "").strip().splitlines()
    values = {
        "description": next(iter(lines), model.object_type_name),
        **settings,
        "fields": fields or None,
        "keys": _object_type_keys(reading, keys, fields),
    }
    try:
        object_type = ObjectType.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)[0]
        setting = ".".join(map(str, details["loc"]))
        raise reading.error(None, f"{setting}: {details['msg']}") from None
    attributes = {item.name: item.attribute for item in reading.mapped}
    rules.check(
        object_type, lambda name, rule: reading.error(attributes.get(name or "", name), rule)
    )
    timestamps = (
        tuple(item.attribute.split("."))
        for item in reading.mapped
        if fields[item.name].target == TIMESTAMP and item.type.value_type is datetime
    )
    return Declared(object_type, reading.paths, tuple(timestamps))


def _read_fields(reading: _Reading) -> None:
    for item in class_fields(reading.model):
        path = _path(reading, item)
        reading.paths[item.member] = path
        markers = tuple(marker for marker in item.type.markers if not isinstance(marker, Source))
        source = ".".join(("_source", *path))
        whole = _MappedField(item.name, item.member, source, item.type, markers)
        reading.mapped += _leaves(reading, whole, (reading.model,))


def _path(reading: _Reading, item: ClassField) -> tuple[str, ...]:
    """Return the path of a field in the object: that of its Source, else its name in JSON."""
    sources = [marker for marker in item.type.markers if isinstance(marker, Source)]
    if not sources:
        _check_segment(reading, item.name, item.member)
        return (item.member,)
    if len(sources) > 1 or not (path := plain_path(sources[0].expression)):
        raise reading.error(
            item.name,
            "a field with a type has one Source with a path such as _source.a.b; for a "
            f"template or an array write {item.name} = Source(...) without a type",
        )
    if sources[0].markers or sources[0].name:
        raise reading.error(item.name, "write the other markers beside Source, not within it")
    return path


def plain_path(source: str) -> tuple[str, ...]:
    """Return the names of a source's path; none if it is a template or goes through an array."""
    groups = path_groups(source)
    return tuple(groups[0]) if len(groups) == 1 else ()


def path_groups(source: str) -> list[list[str]]:
    """Return the names of a source's path between its arrays; none if it is a template."""
    try:
        return source_path(source)
    except ValueError:
        return []


def _check_segment(reading: _Reading, attribute: str, member: str) -> None:
    if not is_path_segment(member):
        raise reading.error(attribute, f"the name {member!r} cannot be part of a path of _source")


def _leaves(
    reading: _Reading, item: _MappedField, enclosing: tuple[type, ...]
) -> Iterator[_MappedField]:
    """Yield the mapped fields of a field: itself, or those of its nested class."""
    field_type = item.type
    if field_type.value_type is None:
        raise reading.error(item.attribute, f"its type is not supported; use {SUPPORTED}")
    source = item.source + ("[]" if field_type.is_list else "")
    if field_type.nested is None:
        if _is_mapped(reading, item, source):
            yield item._replace(source=source)
        return
    if item.markers:
        raise reading.error(item.attribute, "write markers beside the fields of a nested class")
    if field_type.nested in enclosing:
        raise reading.error(item.attribute, "a nested class cannot contain itself")
    for inner in class_fields(field_type.nested):
        attribute = f"{item.attribute}.{inner.name}"
        if any(isinstance(marker, Source) for marker in inner.type.markers):
            raise reading.error(attribute, "a nested class cannot have Source; use an alias")
        _check_segment(reading, attribute, inner.member)
        name, path = f"{item.name}_{inner.member}", f"{source}.{inner.member}"
        below = _MappedField(attribute, name, path, inner.type, inner.type.markers)
        yield from _leaves(reading, below, (*enclosing, field_type.nested))


def _is_mapped(reading: _Reading, item: _MappedField, source: str) -> bool:
    """Return whether a value is a field of the object type; in a list it needs a Target."""
    kinds = [type(marker) for marker in item.markers]
    if item.type.value_type is dict:
        if kinds:
            raise reading.error(item.attribute, "a dict is stored as it is and has no markers")
        return False
    if "[]" not in source:
        return True
    if Key in kinds:
        raise reading.error(item.attribute, "a key cannot be made of a list")
    return Target in kinds


def _read_sources(reading: _Reading) -> None:
    """Read the sources that are assigned to names of the class and its bases."""
    sources: dict[str, Source] = {}
    for base in reversed(reading.model.__mro__):
        sources |= {name: item for name, item in vars(base).items() if isinstance(item, Source)}
    for attribute, source in sources.items():
        if any(isinstance(marker, Source) for marker in source.markers):
            raise reading.error(attribute, "a Source cannot contain another")
        name = source.name or to_pascal(attribute)
        reading.mapped.append(
            _MappedField(attribute, name, source.expression, FieldType(str), source.markers)
        )


def _check_names(reading: _Reading) -> None:
    """Refuse two fields with the same name, or of which one's path leads into the other's."""
    attributes: dict[str, str] = {}
    for mapped in reading.mapped:
        other = attributes.setdefault(mapped.name, mapped.attribute)
        if other != mapped.attribute:
            rule = f"it and {other} have the same name, {mapped.name}; give one an alias"
            raise reading.error(mapped.attribute, rule)
    members: set[str] = set()
    taken: list[tuple[str, ...]] = []
    for item in class_fields(reading.model):
        if item.member in members:
            rule = f"two fields have the same name, {item.member}; give one an alias"
            raise reading.error(item.name, rule)
        members.add(item.member)
        path = reading.paths[item.member]
        if overlaps(path, taken):
            raise reading.error(
                item.name,
                f"another field has the path _source.{'.'.join(path)} or a part of it; assign "
                "the second without a type, as name = Source(...)",
            )
        taken.append(path)


def overlaps(path: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Return whether a path is one of others, leads into one or contains one."""
    return any(path[: len(other)] == other[: len(path)] for other in others)


def _object_type_field(
    item: _MappedField, keys: Sequence[Key], reading: _Reading
) -> ObjectTypeField:
    targets = [marker.path for marker in item.markers if isinstance(marker, Target)]
    if len(targets) > 1:
        raise reading.error(
            item.attribute,
            "a field has one Target; for another one write name = Source("
            f'"{item.source}", Target(...)) without a type',
        )
    values = {"source": item.source, "content_type": _content_type(item, keys)}
    if targets:
        values["target"] = targets[0]
    try:
        return ObjectTypeField.model_validate(values)
    except ValidationError as error:
        message = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise reading.error(item.attribute, f"its content type: {message}") from None


def _content_type(item: _MappedField, keys: Sequence[Key]) -> ContentType:
    """Return the content type of a marker, else that which keys and type imply."""
    contents: list[ContentType] = [
        marker.type for marker in item.markers if isinstance(marker, Content)
    ]
    if contents:
        return contents[-1]
    if item.type.value_type in EMAILS:
        return "EMAIL_ADDRESS"
    names = [marker.name for marker in item.markers if isinstance(marker, Key)]
    names += [key.name for key in keys if list(key.fields) == [item.attribute]]
    implied: list[ContentType] = [
        CONTENT_OF_KEYS[name] for name in names if name in CONTENT_OF_KEYS
    ]
    return implied[0] if implied else "NUMBER" if item.type.is_number else "STRING"


def _object_type_keys(
    reading: _Reading, keys: Sequence[Key], fields: Mapping[str, ObjectTypeField]
) -> dict[str, list[ObjectTypeKey]]:
    definitions: dict[str, list[ObjectTypeKey]] = {}

    def add(key: Key, names: list[str]) -> None:
        try:
            definition = ObjectTypeKey(standard_identifiers=key.identifiers, field_names=names)
        except ValidationError:
            rule = f"key {key.name}: standard= must be the identifier of a standard object"
            raise reading.error(names[0], rule) from None
        definitions.setdefault(key.name, []).append(definition)

    for item in reading.mapped:
        for key in item.markers:
            if isinstance(key, Key):
                if key.fields:
                    rule = f"key {key.name}: fields= is for the class keyword keys=[...]"
                    raise reading.error(item.attribute, rule)
                add(key, [item.name])
    names = {item.attribute: item.name for item in reading.mapped}
    for key in keys:
        unknown = next((attribute for attribute in key.fields if attribute not in names), None)
        if unknown is not None or not key.fields:
            rule = f"key {key.name}: fields= names fields of the class; it has no {unknown!r}"
            raise reading.error(None, rule)
        add(key, [names[attribute] for attribute in key.fields])
    _tie([key for variants in definitions.values() for key in variants], fields)
    return definitions


def _tie(definitions: Sequence[ObjectTypeKey], fields: Mapping[str, ObjectTypeField]) -> None:
    """Add to the UNIQUE key the identifiers of standard objects that are filled and not tied."""
    tied = {name for key in definitions for name in key.standard_identifiers or ()}
    unique = [key for key in definitions if "UNIQUE" in (key.standard_identifiers or ())]
    targets = (item.target for item in fields.values() if item.target)
    for name in dict.fromkeys(map(standard_object, targets)):
        standard = STANDARD_OBJECTS.get(name)
        if (
            unique
            and standard
            and standard.identifier not in tied
            and name not in (PROFILE, UNTIED)
        ):
            identifier = cast("StandardIdentifier", standard.identifier)
            unique[0].standard_identifiers = [*(unique[0].standard_identifiers or ()), identifier]

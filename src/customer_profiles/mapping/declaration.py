"""From the class that a user wrote to the object type that it means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_pascal

from customer_profiles.models.object_type import (
    ContentType,
    ObjectType,
    ObjectTypeField,
    ObjectTypeKey,
)

from . import rules
from .markers import Content, Key, Source, Target
from .shapes import SUPPORTED, Shape, markers_of, places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .profile_object import ProfileObject

_CONTENT_OF_KEYS: dict[str, ContentType] = {
    "_email": "EMAIL_ADDRESS",
    "_phone": "PHONE_NUMBER",
    "_fullName": "NAME",
}
_PATH = re.compile(r"_source((?:\.[^.\[\]{}]+)+)")
_PLAIN = re.compile(r"[^.\[\]{}]+")


class Declared(NamedTuple):
    """What a class declares."""

    object_type: ObjectType
    places: dict[str, tuple[str, ...]]
    """Where in an object each field of the class is, by the field's alias."""
    stamps: tuple[tuple[str, ...], ...]
    """The fields that hold the source's timestamp, by the names that lead to them."""


class _Line(NamedTuple):
    """One field of the object type, and where it was declared."""

    spelled: str
    """The field of the class, with dots for nested ones."""
    name: str
    source: str
    shape: Shape
    markers: tuple[Any, ...]


@dataclass(slots=True)
class _Reading:
    """What is known of a class while it is read."""

    kind: type[ProfileObject]
    lines: list[_Line] = field(default_factory=list)
    places: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def wrong(self, spelled: str | None, rule: str) -> TypeError:
        """Make the error that names the class, the field and the rule."""
        where = self.kind.__qualname__ + (f".{spelled}" if spelled else "")
        return TypeError(f"{where}: {rule}")


def declare(kind: type[ProfileObject], settings: dict[str, Any], keys: Sequence[Key]) -> Declared:
    """Read a class.

    Raises:
        TypeError: it breaks a rule; the message names the class, the field and the rule.
    """
    reading = _Reading(kind)
    _read_fields(reading)
    _read_sources(reading)
    _check_names(reading)
    described = {"description": _description(kind), **settings}
    fields = {line.name: _field(line, keys, reading) for line in reading.lines}
    try:
        object_type = ObjectType(
            **described, fields=fields or None, keys=_keys(reading, keys, fields)
        )
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        item = details[0]
        raise reading.wrong(None, f"{'.'.join(map(str, item['loc']))}: {item['msg']}") from None
    spelled = {line.name: line.spelled for line in reading.lines}
    rules.check(object_type, lambda name, rule: reading.wrong(spelled.get(name or "", name), rule))
    return Declared(object_type, reading.places, _stamps(reading, fields))


def _description(kind: type[ProfileObject]) -> str:
    lines = (vars(kind).get("__doc__") or "").strip().splitlines()
    return lines[0] if lines else kind.object_type_name


def _read_fields(reading: _Reading) -> None:
    for place in places(reading.kind):
        markers = markers_of(place.shape)
        path = _path(reading, place.field, place.member, markers)
        reading.places[place.member] = path
        rest = tuple(one for one in markers if not isinstance(one, Source))
        line = _Line(place.field, place.member, ".".join(("_source", *path)), place.shape, rest)
        reading.lines += _leaves(reading, line, (reading.kind,))


def _path(reading: _Reading, name: str, member: str, markers: tuple[Any, ...]) -> tuple[str, ...]:
    sources = [one for one in markers if isinstance(one, Source)]
    if not sources:
        if not _PLAIN.fullmatch(member):
            raise reading.wrong(name, f"the name {member!r} cannot be part of a path of _source")
        return (member,)
    found = _PATH.fullmatch(sources[0].expression)
    if found is None or len(sources) > 1:
        raise reading.wrong(
            name,
            "a field that has a value has one Source with a path such as _source.a.b; for a "
            f"template or an array write {name} = Source(...) without a type",
        )
    if sources[0].markers or sources[0].name:
        raise reading.wrong(name, "the other markers stand beside Source, not within it")
    return tuple(found[1][1:].split("."))


def _leaves(reading: _Reading, line: _Line, around: tuple[type, ...]) -> Iterator[_Line]:
    shape = line.shape
    if shape.kind is None:
        raise reading.wrong(line.spelled, f"its type is not supported; use {SUPPORTED}")
    source = line.source + ("[]" if shape.many else "")
    if shape.part is None:
        if _is_mapped(reading, line, source):
            yield line._replace(source=source)
        return
    if line.markers:
        raise reading.wrong(line.spelled, "markers stand beside the fields of a nested class")
    if shape.part in around:
        raise reading.wrong(line.spelled, "a nested class cannot contain itself")
    for place in places(shape.part):
        yield from _leaves(reading, _below(reading, line, source, place), (*around, shape.part))


def _below(reading: _Reading, line: _Line, source: str, place: Any) -> _Line:
    spelled, markers = f"{line.spelled}.{place.field}", markers_of(place.shape)
    if any(isinstance(one, Source) for one in markers):
        raise reading.wrong(spelled, "Source cannot stand in a nested class; give it an alias")
    if not _PLAIN.fullmatch(place.member):
        raise reading.wrong(spelled, f"the name {place.member!r} cannot be part of a path")
    name = f"{line.name}_{place.member}"
    return _Line(spelled, name, f"{source}.{place.member}", place.shape, markers)


def _is_mapped(reading: _Reading, line: _Line, source: str) -> bool:
    """Say whether a value has a field of its own: what is listed or a dict has one if marked."""
    kinds = [type(one) for one in line.markers]
    if line.shape.kind is dict:
        if kinds:
            raise reading.wrong(line.spelled, "a dict is only carried and takes no markers")
        return False
    if "[]" not in source:
        return True
    if Key in kinds:
        raise reading.wrong(line.spelled, "a key cannot be made of a list")
    return Target in kinds


def _read_sources(reading: _Reading) -> None:
    held: dict[str, Source] = {}
    for base in reversed(reading.kind.__mro__):
        held |= {name: one for name, one in vars(base).items() if isinstance(one, Source)}
    for name, one in held.items():
        if any(isinstance(marker, Source) for marker in one.markers):
            raise reading.wrong(name, "a Source cannot stand within another")
        called = one.name or to_pascal(name)
        reading.lines.append(_Line(name, called, one.expression, Shape(str), one.markers))


def _check_names(reading: _Reading) -> None:
    seen: dict[str, str] = {}
    for line in reading.lines:
        if (other := seen.setdefault(line.name, line.spelled)) != line.spelled:
            raise reading.wrong(
                line.spelled, f"it and {other} have one name, {line.name}; give one an alias"
            )
    members = [place.member for place in places(reading.kind)]
    for place in places(reading.kind):
        if members.count(place.member) > 1:
            rule = f"two fields have one name, {place.member}; give one an alias"
            raise reading.wrong(place.field, rule)
    _check_places(reading)


def _check_places(reading: _Reading) -> None:
    taken: list[tuple[str, ...]] = []
    for place in places(reading.kind):
        path = reading.places[place.member]
        for other in taken:
            short = min(len(path), len(other))
            if path[:short] == other[:short]:
                raise reading.wrong(
                    place.field,
                    f"two fields have one place, _source.{'.'.join(path)}; assign the second "
                    "without a type, as name = Source(...)",
                )
        taken.append(path)


def _field(line: _Line, keys: Sequence[Key], reading: _Reading) -> ObjectTypeField:
    targets = [one.path for one in line.markers if isinstance(one, Target)]
    if len(targets) > 1:
        raise reading.wrong(
            line.spelled,
            "a field has one Target; for another one write name = Source("
            f'"{line.source}", Target(...)) without a type',
        )
    content = _content(line, keys)
    fields: dict[str, Any] = {"source": line.source, "content_type": content}
    if targets:
        fields["target"] = targets[0]
    try:
        return ObjectTypeField(**fields)
    except ValidationError as error:
        message = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise reading.wrong(line.spelled, f"its content type: {message}") from None


def _content(line: _Line, keys: Sequence[Key]) -> str:
    """Infer what a field's values are, where no marker says it."""
    names = [one.name for one in line.markers if isinstance(one, Key)]
    names += [key.name for key in keys if list(key.fields) == [line.spelled]]
    given = [one.type for one in line.markers if isinstance(one, Content)]
    if given:
        return given[-1]
    if line.shape.is_email:
        return "EMAIL_ADDRESS"
    of_keys = [_CONTENT_OF_KEYS[name] for name in names if name in _CONTENT_OF_KEYS]
    return of_keys[0] if of_keys else "NUMBER" if line.shape.is_number else "STRING"


def _keys(
    reading: _Reading, keys: Sequence[Key], fields: dict[str, ObjectTypeField]
) -> dict[str, list[ObjectTypeKey]]:
    made: dict[str, list[ObjectTypeKey]] = {}
    for line in reading.lines:
        for key in line.markers:
            if isinstance(key, Key):
                if key.fields:
                    rule = f"key {key.name}: fields= is for the class keyword keys=[...]"
                    raise reading.wrong(line.spelled, rule)
                made.setdefault(key.name, []).append(_key(key, [line.name], reading))
    names = {line.spelled: line.name for line in reading.lines}
    for key in keys:
        unknown = next((one for one in key.fields if one not in names), None)
        if unknown is not None or not key.fields:
            rule = f"key {key.name}: fields= names fields of the class; it has no {unknown!r}"
            raise reading.wrong(None, rule)
        made.setdefault(key.name, []).append(_key(key, [names[one] for one in key.fields], reading))
    _tie(made, fields)
    return made


def _key(key: Key, names: list[str], reading: _Reading) -> ObjectTypeKey:
    try:
        return ObjectTypeKey(standard_identifiers=key.identifiers, field_names=names)
    except ValidationError:
        rule = f"key {key.name}: standard= must be the identifier of a standard object"
        raise reading.wrong(names[0], rule) from None


def _tie(made: dict[str, list[ObjectTypeKey]], fields: dict[str, ObjectTypeField]) -> None:
    """Let the UNIQUE key tie to each standard object that is filled and that no key ties to."""
    variants = [variant for group in made.values() for variant in group]
    given = {one for variant in variants for one in variant.standard_identifiers or ()}
    unique = [one for one in variants if "UNIQUE" in (one.standard_identifiers or ())]
    roots = dict.fromkeys(
        rules.standard_object(one.target) for one in fields.values() if one.target
    )
    for root in roots:
        identifier: Any = rules.STANDARD_OBJECTS.get(root, ("PROFILE", ""))[0]
        if unique and identifier not in given and root not in (rules.PROFILE, _UNTIED):
            unique[0].standard_identifiers = [*(unique[0].standard_identifiers or ()), identifier]


# Records of communication are tied to by no key of their own.
_UNTIED = "_communicationRecord"


def _stamps(reading: _Reading, fields: dict[str, ObjectTypeField]) -> tuple[tuple[str, ...], ...]:
    from datetime import datetime

    return tuple(
        tuple(line.spelled.split("."))
        for line in reading.lines
        if fields[line.name].target == rules.TIMESTAMP and line.shape.kind is datetime
    )


def is_complete(kind: type[BaseModel]) -> bool:
    """Say whether all types of a class are known, which later classes may have to define."""
    return bool(kind.__pydantic_fields_complete__)

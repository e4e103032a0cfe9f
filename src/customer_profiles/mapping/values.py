"""Objects as JSON: exact numbers, the paths of nested values, and members not declared."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel

from customer_profiles._timestamps import TimestampFormat, timestamp_format
from customer_profiles.errors import InvalidInputError

from .field_types import ClassField, class_fields

if TYPE_CHECKING:
    from .declaration import Declared
    from .profile_object import ProfileObject

    Json = dict[str, Any]

_PLAIN = frozenset((str, int, float, bool))


def write(item: ProfileObject, declared: Declared) -> str:
    """Write an object as JSON; members that were read and are not declared are part of it."""
    dumped = _renamed(item, _declared_only(item).model_dump(mode="json", exclude_none=True))
    _restore_extra(item, dumped)
    _write_timestamps(item, dumped, declared)
    document: Json = {}
    for member, path in declared.paths.items():
        if member in dumped:
            if len(path) == 1:
                document[path[0]] = dumped[member]
            else:
                _put(document, path, dumped[member])
    _merge(document, item.model_extra or {})
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:
        return _encode_exactly(document)


def read(model: type[ProfileObject], text: str | bytes, declared: Declared) -> ProfileObject:
    """Read an object from JSON; members that are not declared are kept in `model_extra`."""
    document = _parse(model, text)
    values: Json = {}
    for member, path in declared.paths.items():
        _take(document, path, values, member)
    _prepare(model, values)
    for names in declared.timestamps:
        _read_timestamp(model, names, values, declared)
    item = model.model_validate(values, extra="allow", by_alias=True, by_name=False)
    # Not through validation: the names of members may be those of fields.
    object.__setattr__(item, "__pydantic_extra__", document)
    return item


def _parse(model: type[ProfileObject], text: str | bytes) -> Json:
    problem = "the object is not JSON"
    # The parser's error contains the text, so ours is raised without it as a context.
    with suppress(ValueError, RecursionError):
        document = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        if isinstance(document, dict):
            return document
        problem = "the object is JSON, but no JSON object"
    msg = f"{model.__name__}: {problem}"
    raise InvalidInputError(msg)


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python's parser accepts."""
    raise ValueError(name)


def _restore_extra(item: BaseModel, dumped: Json) -> None:
    """Add the members that nested objects do not declare to the dumped objects, as they were."""
    for field in _nested_fields(type(item)):
        value = getattr(item, field.name)
        objects = value if isinstance(value, list) else [] if value is None else [value]
        written = dumped.get(field.member, [])
        written = written if isinstance(written, list) else [written]
        for inner, inner_dumped in zip(objects, written, strict=False):
            if isinstance(inner, BaseModel) and isinstance(inner_dumped, dict):
                inner_dumped.update(inner.model_extra or {})
                _restore_extra(inner, inner_dumped)


M = TypeVar("M", bound=BaseModel)


def _declared_only(item: M) -> M:
    """Return an object without undeclared members, whose names may be those of fields."""
    updates: dict[str, object] = {}
    for field in _nested_fields(type(item)):
        value = getattr(item, field.name)
        items = value if isinstance(value, list) else [value]
        inner = [_declared_only(v) if isinstance(v, BaseModel) else v for v in items]
        if any(new is not old for new, old in zip(inner, items, strict=True)):
            updates[field.name] = inner if items is value else inner[0]
    if item.model_extra:
        item = item.model_copy(update=updates)
        object.__setattr__(item, "__pydantic_extra__", {})
        return item
    return item.model_copy(update=updates) if updates else item


def _renamed(value: object, dumped: Any) -> Any:
    """Return what was dumped of a value with the names of its fields in JSON."""
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        members = _members(type(value))
        return {
            members[name]: inner
            if type(inner) in _PLAIN
            else _renamed(getattr(value, name, None), inner)
            for name, inner in dumped.items()
        }
    if isinstance(value, (list, tuple)) and isinstance(dumped, list):
        return [_renamed(*both) for both in zip(value, dumped, strict=False)]
    if isinstance(value, dict) and isinstance(dumped, dict):
        return {name: _renamed(value.get(name), inner) for name, inner in dumped.items()}
    return dumped


class _Members(dict[str, str]):
    """The names of a class's fields in JSON by those in the class; other names are their own."""

    def __missing__(self, name: str) -> str:
        return name


@cache
def _members(model: type[BaseModel]) -> _Members:
    return _Members((field.name, field.member) for field in _fields(model))


@cache
def _nested_fields(model: type[BaseModel]) -> tuple[ClassField, ...]:
    return tuple(field for field in _fields(model) if field.type.nested)


@cache
def _fields(model: type[BaseModel]) -> tuple[ClassField, ...]:
    return tuple(class_fields(model))


def _put(document: Json, path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value


def _take(document: Json, path: tuple[str, ...], values: Json, member: str) -> None:
    """Move the value at a path of the document to the values, under a member's name."""
    inner: object = document
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if isinstance(inner, dict) and path[-1] in inner:
        values[member] = inner.pop(path[-1])


def _merge(document: Json, extra: Json) -> None:
    for name, value in extra.items():
        if name not in document:
            document[name] = value
        elif isinstance(document[name], dict) and isinstance(value, dict):
            _merge(document[name], value)


def _encode_exactly(value: object) -> str:
    """Write JSON in which a Decimal is a number with the digits that were read."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=False)}:{_encode_exactly(value[name])}"
            for name in value
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_encode_exactly, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _prepare(model: type[BaseModel], values: Json) -> None:
    """Convert texts that pydantic does not: empty ones to no value, numbers to enum members."""
    for field in _fields(model):
        value = values.get(field.member)
        kind = field.type
        is_empty = value in ("", None) and field.member in values
        if is_empty and not (kind.value_type is str and value == ""):
            if not field.is_required:
                del values[field.member]
            elif kind.is_optional:
                values[field.member] = None
        elif kind.nested:
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    _prepare(kind.nested, inner)
        elif type(value) is str and kind.value_type and issubclass(kind.value_type, Enum):
            values[field.member] = _members_by_text(kind.value_type).get(value, value)


@cache
def _members_by_text(enum: type[Enum]) -> dict[str, Enum]:
    """Return an enum's members whose values are not strings, by the text of the value."""
    return {str(member.value): member for member in enum if not isinstance(member.value, str)}


def _format(declared: Declared) -> TimestampFormat:
    return timestamp_format(declared.object_type.source_last_updated_timestamp_format or "")


def _write_timestamps(item: BaseModel, dumped: Json, declared: Declared) -> None:
    """Write the source's timestamps in the source's format into the dumped object."""
    for *names, last in declared.timestamps:
        inner: BaseModel | None = item
        written = dumped
        for name in names:
            if inner is not None and (nested := getattr(inner, name)) is not None:
                written = written[_member(type(inner), name)]
                inner = nested
            else:
                inner = None
        if inner is not None and (moment := getattr(inner, last)) is not None:
            written[_member(type(inner), last)] = _format(declared).write(moment)


def _member(model: type[BaseModel], name: str) -> str:
    return next(field.member for field in _fields(model) if field.name == name)


def _read_timestamp(
    model: type[BaseModel], names: tuple[str, ...], values: Json, declared: Declared
) -> None:
    *enclosing, last = names
    for name in enclosing:
        field = next(field for field in _fields(model) if field.name == name)
        inner = values.get(field.member)
        if not isinstance(inner, dict) or field.type.nested is None:
            return
        model, values = field.type.nested, inner
    member = _member(model, last)
    if isinstance(values.get(member), (str, int, Decimal)):
        try:
            values[member] = _format(declared).read(values[member])
        except ValueError:
            # Pydantic reads a timestamp in ISO 8601, or reports what it cannot read.
            return

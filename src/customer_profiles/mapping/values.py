"""Objects as JSON: exact numbers, the places of nested values, and what is not declared."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from customer_profiles._timestamps import TimestampFormat, timestamp_format
from customer_profiles.errors import InvalidInputError

from .shapes import Place, places

if TYPE_CHECKING:
    from .declaration import Declared
    from .profile_object import ProfileObject


def write(item: ProfileObject, declared: Declared) -> str:
    """Give an object as JSON; what was read and is not declared is part of it."""
    dumped = _bare(item).model_dump(mode="json", by_alias=True, exclude_none=True)
    _restore(item, dumped)
    _stamp(item, dumped, declared)
    document: dict[str, Any] = {}
    for member, path in declared.places.items():
        if member in dumped:
            _put(document, path, dumped[member])
    _merge(document, item.__pydantic_extra__ or {})
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:
        return _exact(document)


def read(kind: type[ProfileObject], text: str | bytes, declared: Declared) -> ProfileObject:
    """Read an object from JSON, kept whole: what is not declared is in `model_extra`."""
    document = _parse(kind, text)
    values: dict[str, Any] = {}
    for member, path in declared.places.items():
        _take(document, path, values, member)
    _prepare(kind, values)
    for names in declared.stamps:
        _read_stamp(kind, names, values, declared)
    item = kind.model_validate(values, extra="allow", by_alias=True, by_name=False)
    object.__setattr__(item, "__pydantic_extra__", document)
    return item


def _parse(kind: type[ProfileObject], text: str | bytes) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # Not the parser's error: it holds the text.
        msg = f"{kind.__name__}: the object is not JSON"
        raise InvalidInputError(msg) from None
    if not isinstance(document, dict):
        msg = f"{kind.__name__}: the object is JSON, but no JSON object"
        raise InvalidInputError(msg)
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _bare(item: ProfileObject) -> ProfileObject:
    """Give the object without what is not declared, whose names may be those of fields."""
    if not item.__pydantic_extra__:
        return item
    bare = item.model_copy()
    object.__setattr__(bare, "__pydantic_extra__", {})
    return bare


def _restore(item: BaseModel, dumped: dict[str, Any]) -> None:
    """Put what nested objects have and do not declare back as it was read."""
    for place in _parts(type(item)):
        value = getattr(item, place.field)
        values = value if isinstance(value, list) else [] if value is None else [value]
        written = dumped.get(place.member, [])
        for one, its in zip(
            values, written if isinstance(written, list) else [written], strict=False
        ):
            if isinstance(one, BaseModel) and isinstance(its, dict):
                its.update(one.__pydantic_extra__ or {})
                _restore(one, its)


@cache
def _parts(kind: type[BaseModel]) -> tuple[Place, ...]:
    return tuple(place for place in _places(kind) if place.shape.part)


@cache
def _places(kind: type[BaseModel]) -> tuple[Place, ...]:
    return tuple(places(kind))


def _put(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value


def _take(
    document: dict[str, Any], path: tuple[str, ...], values: dict[str, Any], member: str
) -> None:
    inner: Any = document
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if isinstance(inner, dict) and path[-1] in inner:
        values[member] = inner.pop(path[-1])


def _merge(document: dict[str, Any], extra: dict[str, Any]) -> None:
    for name, value in extra.items():
        if name not in document:
            document[name] = value
        elif isinstance(document[name], dict) and isinstance(value, dict):
            _merge(document[name], value)


def _exact(value: Any) -> str:
    """Write JSON whose decimals are numbers, digit by digit as they were read."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=False)}:{_exact(value[name])}" for name in value
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_exact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _prepare(kind: type[BaseModel], values: dict[str, Any]) -> None:
    """Make of a source's texts what pydantic does not: an empty one is no value."""
    for place in _places(kind):
        value = values.get(place.member)
        shape = place.shape
        if value in ("", None) and place.member in values and not (shape.is_text and value == ""):
            if not place.required:
                del values[place.member]
            elif shape.optional:
                values[place.member] = None
        elif shape.part:
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    _prepare(shape.part, inner)
        elif type(value) is str and isinstance(shape.kind, type) and issubclass(shape.kind, Enum):
            values[place.member] = _numbered(shape.kind).get(value, value)


@cache
def _numbered(kind: type[Enum]) -> dict[str, Enum]:
    """Give an enum's members that are not texts by their text."""
    return {str(one.value): one for one in kind if not isinstance(one.value, str)}


def _format(declared: Declared) -> TimestampFormat:
    return timestamp_format(declared.object_type.source_last_updated_timestamp_format or "")


def _stamp(item: BaseModel, dumped: dict[str, Any], declared: Declared) -> None:
    for names in declared.stamps:
        value: Any = item
        inner, member = dumped, ""
        for at, name in enumerate(names):
            if value is None:
                break
            inner = inner[member] if at else inner
            member = _member(type(value), name)
            value = getattr(value, name)
        if value is not None:
            inner[member] = _format(declared).write(value)


def _member(kind: type[BaseModel], name: str) -> str:
    return next(place.member for place in _places(kind) if place.field == name)


def _read_stamp(
    kind: type[BaseModel], names: tuple[str, ...], values: Any, declared: Declared
) -> None:
    *around, last = names
    for name in around:
        place = next(place for place in _places(kind) if place.field == name)
        values = values.get(place.member)
        if not isinstance(values, dict) or place.shape.part is None:
            return
        kind = place.shape.part
    member = _member(kind, last)
    if isinstance(values.get(member), (str, int, Decimal)):
        try:
            values[member] = _format(declared).read(values[member])
        except ValueError:
            # Pydantic reads what follows another format, or says that it cannot.
            return

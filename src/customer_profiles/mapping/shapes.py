"""What the type of a declared field says: its kind of value, and the markers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic import BaseModel

from .markers import Content, Key, Source, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

# Pydantic's dates with a condition are no dates before a value is validated.
_STAND_FOR: dict[Any, type] = {
    pydantic.AwareDatetime: datetime,
    pydantic.NaiveDatetime: datetime,
    pydantic.PastDatetime: datetime,
    pydantic.FutureDatetime: datetime,
    pydantic.PastDate: date,
    pydantic.FutureDate: date,
}
_SCALARS = (str, bool, int, float, Decimal, datetime, date, time, UUID)
_NUMBERS = (int, float, Decimal)
SUPPORTED = (
    "str, EmailStr, int, float, Decimal, bool, datetime, date, time, UUID, an Enum, a Literal, "
    "a pydantic class, a list of these, or a dict that is only carried"
)


@dataclass(slots=True)
class Shape:
    """What the type of a field says."""

    kind: Any = None
    """The class of a single value; None where the type is not supported."""
    part: type[BaseModel] | None = None
    """The nested class, if it is one."""
    many: bool = False
    """Whether it is a list of that."""
    optional: bool = False
    """Whether None is a value."""
    markers: tuple[Any, ...] = ()
    """What stands beside the type."""

    @property
    def is_text(self) -> bool:
        """Whether an empty text is a value of it."""
        return self.kind is str

    @property
    def is_number(self) -> bool:
        """Whether it is counted as a number."""
        return isinstance(self.kind, type) and issubclass(self.kind, _NUMBERS) and not self.is_bool

    @property
    def is_bool(self) -> bool:
        """Whether it is true or false."""
        return self.kind is bool

    @property
    def is_email(self) -> bool:
        """Whether it is an e-mail address."""
        return self.kind in (pydantic.EmailStr, pydantic.NameEmail)


class Place(NamedTuple):
    """A field of a class, and how it is called in JSON."""

    field: str
    """The name in the class."""
    member: str
    """The name in JSON."""
    shape: Shape
    required: bool
    """Whether a value must be given."""


def places(model: type[BaseModel]) -> Iterator[Place]:
    """Give the fields of a class, in the order of their declaration."""
    for name, info in model.model_fields.items():
        shape = read_type(info.annotation)
        shape.markers = (*info.metadata, *shape.markers)
        member = info.serialization_alias or info.alias or name
        yield Place(name, member, shape, info.is_required())


def read_type(annotation: Any) -> Shape:
    """Read a type; `kind` stays None where it is not supported."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *markers = get_args(annotation)
        shape = read_type(inner)
        shape.markers = (*shape.markers, *markers)
        return shape
    if origin in (Union, UnionType):
        return _read_union(get_args(annotation))
    # A name for a type (PEP 695), or a NewType.
    named = getattr(annotation, "__value__", getattr(annotation, "__supertype__", None))
    if named is not None:
        return read_type(named)
    if origin is list:
        shape = read_type(get_args(annotation)[0])
        # No path of a source leads through a list of lists.
        kind = None if shape.many else shape.kind
        return Shape(kind, shape.part, many=True, markers=shape.markers)
    if origin is Literal:
        kinds = {type(value) for value in get_args(annotation)}
        return Shape(kinds.pop() if len(kinds) == 1 else None)
    return _read_class(origin if origin is dict else annotation)


def _read_union(members: tuple[Any, ...]) -> Shape:
    values = [member for member in members if member is not NoneType]
    if len(values) != 1:
        return Shape(optional=True)
    shape = read_type(values[0])
    shape.optional = shape.optional or len(values) < len(members)
    return shape


def _read_class(annotation: Any) -> Shape:
    kind = _STAND_FOR.get(annotation, annotation)
    if kind in (pydantic.EmailStr, pydantic.NameEmail, dict):
        return Shape(kind)
    if not isinstance(kind, type):
        return Shape()
    if issubclass(kind, BaseModel):
        return Shape(kind, part=kind)
    return Shape(kind) if issubclass(kind, (*_SCALARS, Enum)) else Shape()


def markers_of(shape: Shape) -> tuple[Any, ...]:
    """Give our markers of a field; what stands beside a type for others is theirs."""
    return tuple(one for one in shape.markers if isinstance(one, (Key, Target, Content, Source)))

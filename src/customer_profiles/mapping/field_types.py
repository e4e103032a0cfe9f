"""What the type of a declared field says: the type of its value, and the markers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Union, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic import BaseModel

from customer_profiles.models.base import wire_name

from .markers import Content, Key, Source, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .markers import Marker

# Pydantic's constrained dates are not subclasses of the date that validation returns.
_VALIDATED_AS: dict[object, type] = {
    pydantic.AwareDatetime: datetime,
    pydantic.NaiveDatetime: datetime,
    pydantic.PastDatetime: datetime,
    pydantic.FutureDatetime: datetime,
    pydantic.PastDate: date,
    pydantic.FutureDate: date,
}
EMAILS: tuple[object, ...] = (pydantic.EmailStr, pydantic.NameEmail)
_SCALARS = (str, bool, int, float, Decimal, datetime, date, time, UUID)
_NUMBERS = (int, float, Decimal)
SUPPORTED = (
    "str, EmailStr, int, float, Decimal, bool, datetime, date, time, UUID, an Enum, a Literal, "
    "a pydantic class, a list of these, or a dict that is stored as it is"
)


@dataclass(slots=True)
class FieldType:
    """What the type of a field says."""

    value_type: type | None = None
    """The class of a single value; None if the type is not supported."""
    nested: type[BaseModel] | None = None
    """The same class, if it is a pydantic class with fields of its own."""
    is_list: bool = False
    """Whether the field is a list of such values."""
    is_optional: bool = False
    """Whether None is a value."""
    metadata: tuple[object, ...] = ()
    """What `Annotated` adds to the type."""

    @property
    def is_number(self) -> bool:
        """Whether the service treats the value as a number; it does not for a bool."""
        kind = self.value_type
        return kind is not None and kind is not bool and issubclass(kind, _NUMBERS)

    @property
    def markers(self) -> tuple[Marker, ...]:
        """The markers of this package; other libraries may add metadata of their own."""
        return tuple(
            item for item in self.metadata if isinstance(item, (Key, Target, Content, Source))
        )


class ClassField(NamedTuple):
    """A field of a pydantic class."""

    name: str
    """The name in the class."""
    member: str
    """The name in JSON."""
    type: FieldType
    is_required: bool


def class_fields(model: type[BaseModel]) -> Iterator[ClassField]:
    """Yield the fields of a class, in the order of their declaration."""
    for name, info in model.model_fields.items():
        field_type = read_type(info.annotation)
        field_type.metadata = (*info.metadata, *field_type.metadata)
        yield ClassField(name, wire_name(name, info), field_type, info.is_required())


def read_type(annotation: object) -> FieldType:
    """Analyse a type; `value_type` is None if it is not supported."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        field_type = read_type(inner)
        field_type.metadata = (*field_type.metadata, *metadata)
        return field_type
    if origin in (Union, UnionType):
        return _read_union(get_args(annotation))
    # The type behind an alias (PEP 695) or a NewType.
    alias_of = getattr(annotation, "__value__", getattr(annotation, "__supertype__", None))
    if alias_of is not None:
        return read_type(alias_of)
    if origin is list:
        item = read_type(get_args(annotation)[0])
        # A source's path has no notation for a list of lists.
        value_type = None if item.is_list else item.value_type
        return FieldType(value_type, item.nested, is_list=True, metadata=item.metadata)
    if origin is Literal:
        types = {type(value) for value in get_args(annotation)}
        return FieldType(types.pop() if len(types) == 1 else None)
    return _read_class(origin if origin is dict else annotation)


def _read_union(members: tuple[object, ...]) -> FieldType:
    values = [member for member in members if member is not NoneType]
    if len(values) != 1:
        return FieldType(is_optional=True)
    field_type = read_type(values[0])
    field_type.is_optional = field_type.is_optional or len(values) < len(members)
    return field_type


def _read_class(annotation: object) -> FieldType:
    kind = _VALIDATED_AS.get(annotation, annotation)
    if not isinstance(kind, type):
        return FieldType()
    if issubclass(kind, BaseModel):
        return FieldType(kind, nested=kind)
    is_supported = kind is dict or kind in EMAILS or issubclass(kind, (*_SCALARS, Enum))
    return FieldType(kind if is_supported else None)

"""What repositories share: where a record came from, and what it was when it was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from customer_profiles._problems import unknown
from customer_profiles.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from customer_profiles._wire import Wire
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.models.base import Model, Record
    from customer_profiles.models.object_type import ObjectType

M = TypeVar("M", bound="Model")


class Home(Protocol):
    """A repository, as the records that it handed out see it."""

    def save(self, record: Any, /) -> None:
        """Send what changed since the record was read."""
        ...

    def _reread(self, record: Any, /) -> Any:
        """Read the record again."""
        ...

    def _erase(self, record: Any, /) -> None:
        """Delete the record."""
        ...


class Answer(BaseModel):
    """The envelope of an answer; what AWS adds to it one day is no error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore", defer_build=True, hide_input_in_errors=True
    )


def source_of(record: Record) -> Wire:
    """Give the wire form that a record was read from, out of the answer that brought it.

    Decoding it only when something is saved makes reading free of copies.
    """
    origin = record._origin()
    wire: Any = origin.source
    if isinstance(wire, bytes):
        wire = json.loads(wire)
    for step in origin.path:
        wire = wire[step]
    return dict(wire)


def build(model: type[M], fields: Mapping[str, Any], known: Collection[str]) -> M:
    """Make a model of keywords; a wrong one is an error that names it, never its value."""
    for name in fields:
        if name not in known:
            raise InvalidInputError(unknown(name, sorted(known), model.__name__))
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        msg = f"{model.__name__}: {reasons_of(error)}"
        raise InvalidInputError(msg) from None


def reasons_of(error: ValidationError) -> str:
    """Name each field that is wrong and its rule, never its value."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    )


def name_of(object_type: type[ProfileObject] | ObjectType | str) -> str:
    """Give the name of an object type, however it is given.

    Raises:
        TypeError: the class declares no object type.
    """
    if isinstance(object_type, str):
        return object_type
    if isinstance(object_type, type) and not object_type.object_type_name:
        # The declaration knows best why it is none.
        return object_type.object_type().object_type_name
    return object_type.object_type_name

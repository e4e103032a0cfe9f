"""Objects as the service keeps them, and those that it could not keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias

from .base import Identifier, Model, Record


class StoredObject(Record):
    """An object of another system, or a standard object, as a profile has it.

    `save()` puts `object` again, and an object with another unique value is another object.
    """

    _shown: ClassVar[frozenset[str]] = frozenset({"object_type_name"})

    object_type_name: Annotated[str, Identifier()] = ""
    """The object type's name."""
    profile_object_unique_key: Annotated[str, Identifier()] = ""
    """The service's key of the object."""
    object: Annotated[str, Identifier()] = ""
    """The whole object as JSON text."""

    @property
    def data(self) -> dict[str, Any]:
        """The object's members."""
        return read_members(self.object)


JsonObject: TypeAlias = StoredObject | Mapping[str, Any] | str
"""An object without a class of its own: a mapping, JSON text, or one that was read."""


class DeadLetter(Model):
    """An object that ingestion rejected, and why."""

    _shown: ClassVar[frozenset[str]] = frozenset({"object_type_name", "message", "failed_at"})

    object_type_name: str
    """The object type that it was put as."""
    message: str
    """The service's reason."""
    object: str
    """The whole object as JSON text."""
    failed_at: datetime
    """When it was rejected."""

    @property
    def data(self) -> dict[str, Any]:
        """The object's members."""
        return read_members(self.object)


def read_members(text: str | None) -> dict[str, Any]:
    """Read the members of a JSON object; a text that is none has no members."""
    if not text:
        return {}
    members = json.loads(text)
    return members if isinstance(members, dict) else {}

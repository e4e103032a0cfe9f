"""Objects as the service stores them, and objects that ingestion rejected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias

from customer_profiles.errors import DetachedError, UnreadableAnswerError

from .base import Identifier, Model, Record


class StoredObject(Record):
    """An object of another system, or a standard object, that belongs to a profile.

    `save()` puts `object` again; with another unique value it is stored as another object.
    """

    _shown: ClassVar[frozenset[str]] = frozenset({"object_type_name"})

    object_type_name: Annotated[str, Identifier()] = ""
    """The object type's name."""
    profile_object_unique_key: Annotated[str, Identifier()] = ""
    """The service's key of the object."""
    object: Annotated[str, Identifier()] = ""
    """The object as JSON text."""

    @property
    def data(self) -> dict[str, Any]:
        """The members of the object."""
        return read_members(self.object)

    @property
    def profile_id(self) -> str | None:
        """The id of the profile that it belongs to; None if no repository returned it."""
        try:
            home: Any = self._origin().home
        except DetachedError:
            return None
        return str(home.profile_id)


JsonObject: TypeAlias = StoredObject | Mapping[str, Any] | str
"""An object without a class of its own: a mapping, JSON text, or a stored object."""


class DeadLetter(Model):
    """An object that ingestion rejected, with the reason."""

    _shown: ClassVar[frozenset[str]] = frozenset({"object_type_name", "message", "failed_at"})

    object_type_name: str
    """The name of the object type with which it was put."""
    message: str
    """The service's reason."""
    object: str
    """The object as JSON text."""
    failed_at: datetime
    """When it was rejected."""

    @property
    def data(self) -> dict[str, Any]:
        """The members of the object."""
        return read_members(self.object)


def read_members(text: str | None) -> dict[str, Any]:
    """Return the members of a JSON object; other JSON, and no text, have none.

    Raises:
        UnreadableAnswerError: the text is not JSON; the error does not hold it.
    """
    with suppress(ValueError, RecursionError):
        members = json.loads(text or "{}")
        return members if isinstance(members, dict) else {}
    msg = "the text of this object is not JSON, so it has no members"
    raise UnreadableAnswerError(msg)

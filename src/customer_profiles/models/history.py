"""The history of a profile, and the origin of its values."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from .base import Identifier, Model, OpenEnum, Record
from .profile_object import read_members

ActionType = Literal[
    "ADDED_PROFILE_KEY",
    "DELETED_PROFILE_KEY",
    "CREATED",
    "UPDATED",
    "INGESTED",
    "DELETED_BY_CUSTOMER",
    "EXPIRED",
    "MERGED",
    "DELETED_BY_MERGE",
]


class HistoryRecord(Record):
    """An event in the history of a profile, one of its objects or one of its keys.

    Listed records have no content; `refresh()` reads it.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"id", "object_type_name", "action_type", "created_at", "last_updated_at"}
    )

    id: Annotated[str, Identifier()] = ""
    """The record's id: 32 hexadecimal digits."""
    object_type_name: Annotated[str, Identifier()] = ""
    """The type of the object that the event is about; `_profile` for the profile itself."""
    created_at: datetime | None = None
    """When the record was created."""
    last_updated_at: datetime | None = None
    """When the record was last changed."""
    action_type: Annotated[ActionType, OpenEnum()] | None = None
    """The kind of event."""
    profile_object_unique_key: str | None = None
    """The service's key of the object."""
    content: str | None = None
    """The profile, object or key as JSON text; only `get` and `refresh` read it."""
    performed_by: str | None = None
    """The ARN of the person or service that caused the event."""

    @property
    def data(self) -> dict[str, Any]:
        """The members of the content; empty if there is no content."""
        return read_members(self.content)


class Provenance(Model):
    """The origin of a value of a profile."""

    _shown: ClassVar[frozenset[str]] = frozenset({"object_type_name", "set_at"})

    object_type_name: str | None = None
    """The type of the object that set the value; None if no object did."""
    profile_object_unique_key: str | None = None
    """The service's key of that object."""
    set_at: datetime | None = None
    """When the object set the value."""

    @property
    def is_manual(self) -> bool:
        """Whether no object set the value: it was set in the profile itself, or there is none."""
        return self.object_type_name is None

"""What happened to a profile, and where its values come from."""

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
    """Something that happened to a profile, one of its objects or one of its keys.

    Listed ones have no content; `refresh()` reads it.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"id", "object_type_name", "action_type", "created_at", "last_updated_at"}
    )

    id: Annotated[str, Identifier()] = ""
    """The record's id: 32 hexadecimal digits."""
    object_type_name: Annotated[str, Identifier()] = ""
    """What it happened to: an object type's name, `_profile` for the profile itself."""
    created_at: datetime | None = None
    """When the record was made."""
    last_updated_at: datetime | None = None
    """When the record was last changed."""
    action_type: Annotated[ActionType, OpenEnum()] | None = None
    """What happened."""
    profile_object_unique_key: str | None = None
    """The service's key of the object."""
    content: str | None = None
    """The profile, object or key as JSON text; only on what `get` and `refresh` read."""
    performed_by: str | None = None
    """The ARN of the person or service that did it."""

    @property
    def data(self) -> dict[str, Any]:
        """The content's members; empty where there is no content."""
        return read_members(self.content)


class Provenance(Model):
    """Where a value of a profile comes from."""

    _shown: ClassVar[frozenset[str]] = frozenset({"object_type_name", "set_at"})

    object_type_name: str | None = None
    """The type of the object that set it; None where no object did."""
    profile_object_unique_key: str | None = None
    """The service's key of that object."""
    set_at: datetime | None = None
    """When the object set it."""

    @property
    def is_manual(self) -> bool:
        """Whether no object set it, so that a value, if there is one, was set by hand."""
        return self.object_type_name is None

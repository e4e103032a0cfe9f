"""A change of a profile or an object, as an event stream sends it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import model_validator

from customer_profiles.errors import NoResultError

from .base import Model, OpenEnum
from .profile import Profile

if TYPE_CHECKING:
    from customer_profiles.mapping.profile_object import ProfileObject

EventType = Literal["CREATED", "UPDATED", "HEALTH_CHECK", "DELETED", "MERGED"]

ObjectT = TypeVar("ObjectT", bound="ProfileObject")


class ChangeEvent(Model):
    """A change of a profile or an object.

    `ChangeEvent.from_json` reads a record of an event stream, from Kinesis. Those of
    `domain.changes` also have a `position`, and there are events of removals and merges, of which
    an event stream sends none.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("position", "event_id", "event_timestamp", "event_type", "domain_name"),
            *("object_type_name", "profile_id"),
        }
    )

    position: int | None = None
    """The position in the feed of the embedded engine; None in records of Kinesis."""
    schema_version: int | None = None
    """The version of the record's form."""
    event_id: str = ""
    """The id of the change, a UUID; a record that is sent again has the same."""
    event_timestamp: datetime | None = None
    """When the change was made."""
    event_type: Annotated[EventType, OpenEnum()]
    """CREATED or UPDATED; HEALTH_CHECK only in Kinesis, DELETED and MERGED only embedded.

    A DELETED profile is gone with its objects. The objects of a MERGED profile belong to the
    profile `merged_into` from then on, of which an UPDATED event follows.
    """
    domain_name: str | None = None
    """The name of the domain."""
    object_type_name: str | None = None
    """`_profile` for a profile; else the type of the object, or a standard one such as `_order`."""
    profile_id: str | None = None
    """The id of the profile that changed, or whose object changed."""
    associated_profile_id: str | None = None
    """The id of an object's profile; None if the profile itself changed."""
    profile_object_unique_key: str | None = None
    """The service's key of the object; None if the profile itself changed."""
    object: dict[str, Any] | None = None
    """The members of the profile or object after the change; None if it was deleted."""
    is_message_real_time: bool | None = None
    """Whether the record is sent as the change happens."""

    @classmethod
    def from_json(cls, record: str | bytes) -> Self:
        """Read a record of an event stream, such as the data of a record of Kinesis.

        Raises:
            pydantic.ValidationError: the text is not such a record.
        """
        return cls.model_validate_json(record, extra="allow")

    @property
    def is_profile(self) -> bool:
        """Whether a profile changed, and not an object."""
        return self.object_type_name == "_profile"

    @property
    def profile(self) -> Profile | None:
        """The profile after the change; None if an object changed, or the profile is gone."""
        if not self.is_profile or self.object is None or self.event_type == "MERGED":
            return None
        return Profile._from_wire(self.object)

    @property
    def merged_into(self) -> str | None:
        """The id of the profile into which a MERGED one was merged; else None."""
        is_merge = self.event_type == "MERGED" and self.object is not None
        return str(self.object["MainProfileId"]) if is_merge and self.object else None

    def read(self, object_type: type[ObjectT]) -> ObjectT:
        """Return the object after the change as an instance of a class.

        Args:
            object_type: the class of the object type `object_type_name`.

        Raises:
            NoResultError: a profile changed, or the object was deleted.
            pydantic.ValidationError: the object does not fit the class.
        """
        if self.is_profile or self.object is None:
            msg = "the event has no object; check object_type_name and event_type first"
            raise NoResultError(msg)
        text = json.dumps(self.object)
        return object_type.from_object(text, unique_key=self.profile_object_unique_key)

    @model_validator(mode="after")
    def _read_profile_id(self) -> Self:
        if self.profile_id is None:
            inside = (self.object or {}).get("ProfileId") if self.is_profile else None
            # Not by assignment, which would validate again.
            vars(self)["profile_id"] = self.associated_profile_id or inside
        return self

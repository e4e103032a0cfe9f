"""The markers of `ProfileObject` fields: what the service does with a field's values."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.models.object_type import (
        ContentType,
        StandardIdentifier,
        StandardObjectIdentifier,
    )


@dataclass(frozen=True, slots=True)
class Key:
    """Make a field, or several fields together, a search key of the domain.

    Inside `Annotated`, it is a key of that field: `Annotated[str, Key("_email", profile=True)]`.
    The same name on several fields means that each field alone is a value of the key. In the
    class keyword `keys`, one key joins the values of several fields, which `fields` names.
    """

    name: str
    """The key's name: up to 64 letters, digits, `_` and `-`. Object types of a domain that use
    the same name share the key; names with a leading `_` are the service's predefined keys."""
    _: KW_ONLY
    unique: bool = False
    """Whether the key identifies the object in its source; exactly one key does."""
    profile: bool = False
    """Whether the key finds the profile that the object belongs to; at least one key does."""
    secondary: bool = False
    """Whether the key is tried only when no other profile key finds a profile."""
    lookup_only: bool = False
    """Whether the key's values are looked up and never stored."""
    new_only: bool = False
    """Whether the key's values are stored only when the object creates a profile."""
    standard: StandardObjectIdentifier | Sequence[StandardObjectIdentifier] = ()
    """The standard objects that the key ties the object to, such as `"ORDER"`."""
    fields: Sequence[str] = ()
    """The fields that the key joins, by their names in the class; `a.b` for nested fields.
    Only for the class keyword `keys`."""

    @property
    def identifiers(self) -> list[StandardIdentifier]:
        """The service's standard identifiers of the key, such as `["UNIQUE", "ORDER"]`."""
        flags: dict[StandardIdentifier, bool] = {
            "UNIQUE": self.unique,
            "PROFILE": self.profile,
            "SECONDARY": self.secondary,
            "LOOKUP_ONLY": self.lookup_only,
            "NEW_ONLY": self.new_only,
        }
        standard = [self.standard] if isinstance(self.standard, str) else list(self.standard)
        objects = cast("list[StandardIdentifier]", standard)
        return [*(name for name, is_set in flags.items() if is_set), *objects]


@dataclass(frozen=True, slots=True)
class Target:
    """Write a field's value to a member of a standard object."""

    path: str
    """The member, such as `_profile.EmailAddress` or `_order.OrderItems[].Title`."""


@dataclass(frozen=True, slots=True)
class Content:
    """Set how the values of a field's keys are compared, where its type does not imply it."""

    type: ContentType
    """`"STRING"` (exactly), `"NUMBER"`, `"PHONE_NUMBER"`, `"EMAIL_ADDRESS"` or `"NAME"`."""


class Source:
    """Set the path of a value in the object's JSON, such as `_source.contact.phone`.

    Inside `Annotated`, the field is read from that path and written to it. Assigned to a name
    of the class, without a type, a path or a Handlebars template with its markers is a field of
    the object type that the class has no value for:
    `full_name = Source("{{_source.First}} {{_source.Last}}", Content("NAME"))`.

    Args:
        expression: the path, or the template.
        markers: the markers of a field without a type.
        name: the name of a field without a type; by default the PascalCase of the name that it
            is assigned to.
    """

    __slots__ = ("expression", "markers", "name")

    def __init__(
        self, expression: str, /, *markers: Key | Target | Content, name: str | None = None
    ) -> None:
        self.expression: str = expression
        """The path or the template."""
        self.markers: tuple[Key | Target | Content, ...] = markers
        """The markers of a field without a type."""
        self.name: str | None = name
        """The name of a field without a type; None for the PascalCase of its attribute."""


Marker = Key | Target | Content | Source

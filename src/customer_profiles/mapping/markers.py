"""The markers that say, beside a field's type, what the service does with the field."""

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
    """Make a field, or several together, a search key of the domain.

    Beside a field's type it is a key of that field; the same name on several fields means
    that each of them alone is a value of the key. `fields` is for the class keyword `keys`:
    there, one key joins the values of several fields.
    """

    name: str
    """The key's name, shared by all object types of the domain."""
    _: KW_ONLY
    unique: bool = False
    """Whether it tells the objects apart; exactly one key does."""
    profile: bool = False
    """Whether it finds the profile that the object belongs to; at least one key does."""
    secondary: bool = False
    """Whether it is tried only after the other profile keys."""
    lookup_only: bool = False
    """Whether its values are looked up and never stored."""
    new_only: bool = False
    """Whether its values are stored only when the object made a new profile."""
    standard: StandardObjectIdentifier | Sequence[StandardObjectIdentifier] = ()
    """The standard objects that it ties the object to, such as "ORDER"."""
    fields: Sequence[str] = ()
    """The fields that it joins, by their names in the class; `a.b` for those of nested ones."""

    @property
    def identifiers(self) -> list[StandardIdentifier]:
        """The service's names for what the key is for."""
        flags: dict[StandardIdentifier, bool] = {
            "UNIQUE": self.unique,
            "PROFILE": self.profile,
            "SECONDARY": self.secondary,
            "LOOKUP_ONLY": self.lookup_only,
            "NEW_ONLY": self.new_only,
        }
        standard = [self.standard] if isinstance(self.standard, str) else list(self.standard)
        named = cast("list[StandardIdentifier]", standard)
        return [*(name for name, is_set in flags.items() if is_set), *named]


@dataclass(frozen=True, slots=True)
class Target:
    """Say which member of a standard object takes a field's value."""

    path: str
    """The member, such as `_profile.EmailAddress` or `_order.OrderItems[].Title`."""


@dataclass(frozen=True, slots=True)
class Content:
    """Say how the values of a field's keys are compared, where its type does not say it."""

    type: ContentType
    """The service's name for it, such as "NAME"."""


class Source:
    """Say where in the object a value is: a path such as `_source.contact.phone`.

    Beside a field's type it takes a path, and the field is read from there and written to
    there. Assigned to a name of the class, without a type, it takes a path or a Handlebars
    template and the markers of one more field of the object type, which has no value of its
    own: `full_name = Source("{{_source.First}} {{_source.Last}}", Content("NAME"))`.
    """

    __slots__ = ("expression", "markers", "name")

    def __init__(
        self, expression: str, /, *markers: Key | Target | Content, name: str | None = None
    ) -> None:
        self.expression: str = expression
        """The path or the template."""
        self.markers: tuple[Key | Target | Content, ...] = markers
        """The markers of a field that has no value of its own."""
        self.name: str | None = name
        """Such a field's name, where it is not the PascalCase of the name assigned to."""


Marker = Key | Target | Content | Source

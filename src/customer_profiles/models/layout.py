"""A layout: how the agent application arranges the data of a domain."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypedDict

from .base import Identifier, OpenEnum, Record

LayoutType = Literal["PROFILE_EXPLORER"]


class Layout(Record):
    """How the agent application arranges customer data.

    Listed ones do not have `layout` and `version`; `refresh()` reads them.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"layout_definition_name", "layout_type", "is_default", "version", "created_at"}
    )

    layout_definition_name: Annotated[str, Identifier()] = ""
    """The name: up to 64 letters, digits, `_` and `-`."""
    description: str | None = None
    """What the layout is for."""
    display_name: str | None = None
    """The name that users see."""
    is_default: bool | None = None
    """Whether the layout is the default of its type; setting it ends that of another layout."""
    layout_type: Annotated[LayoutType, OpenEnum()] | None = None
    """Where the layout is used."""
    layout: str | None = None
    """The layout as JSON text, up to 2,000,000 characters."""
    version: str | None = None
    """The version; read only."""
    created_at: datetime | None = None
    """When the layout was created; read only."""
    last_updated_at: datetime | None = None
    """When the layout was last changed; read only."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""


class LayoutFields(TypedDict, total=False):
    """The settings of a layout as keywords."""

    description: str
    display_name: str
    is_default: bool
    layout_type: LayoutType
    layout: str
    tags: dict[str, str]

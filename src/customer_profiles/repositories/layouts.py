"""The layouts of a domain: how the agent application arranges customer data."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from customer_profiles.models.layout import Layout, LayoutFields

from .documents import Documents

if TYPE_CHECKING:
    from typing import Unpack

    from .base import Extra


class Layouts(Documents[Layout]):
    """The layouts of one domain.

    AWS takes these operations from the Amazon Connect admin website only; the embedded engine
    takes them from you. Listed layouts do not have `layout` and `version`; `refresh()` reads them.

    Source: CreateDomainLayout, GetDomainLayout, ListDomainLayouts, UpdateDomainLayout and
    DeleteDomainLayout of the service's API reference.
    """

    _model, _noun, _arn = Layout, "layout", "layouts"
    _key, _fields = "layout_definition_name", frozenset(LayoutFields.__annotations__)
    _defaults: ClassVar = {"layout_type": "PROFILE_EXPLORER"}
    _CREATE = "CreateDomainLayout"
    _GET = "GetDomainLayout"
    _LIST = "ListDomainLayouts"
    _UPDATE = "UpdateDomainLayout"
    _DELETE = "DeleteDomainLayout"

    def create(
        self,
        name: str,
        /,
        *,
        extra: Extra = None,
        **settings: Unpack[LayoutFields],
    ) -> Layout:
        """Create a layout.

        Args:
            name: up to 64 letters, digits, `_` and `-`.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: `display_name`, `description` and `layout` are required; `layout_type` is
                PROFILE_EXPLORER when it is left out.

        Raises:
            BadRequestError: the domain has a layout of that name.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
        """
        return self._create(name, settings, extra)

    def update(
        self,
        name: str,
        /,
        *,
        extra: Extra = None,
        **settings: Unpack[LayoutFields],
    ) -> Layout:
        """Change settings of a layout; those that you leave out are kept.

        Args:
            name: the name.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: the settings to change.

        Raises:
            ResourceNotFoundError: the domain has no such layout.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
        """
        return self._update(name, settings, extra)

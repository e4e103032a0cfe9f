"""The service's ready-made mappings for objects of well-known sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles._results import Results
from customer_profiles.models.object_type import ObjectTypeTemplate

from .base import Page, page_reader

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway

_GET = "GetProfileObjectTypeTemplate"
_LIST = "ListProfileObjectTypeTemplates"


class Templates:
    """The service's own mappings; an object type uses one by its `template_id`.

    Listed templates have their id and source; `get` reads the rest.

    Source: GetProfileObjectTypeTemplate and ListProfileObjectTypeTemplates of the service's
    API reference.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def get(self, template_id: str) -> ObjectTypeTemplate:
        """Read a template with its fields and keys.

        Raises:
            ResourceNotFoundError: there is no such template.
        """
        request = {"TemplateId": template_id}
        template, _ = self._gateway.read(_GET, request, ObjectTypeTemplate._from_wire)
        return template

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[ObjectTypeTemplate]:
        """List the templates; pages are fetched as you iterate.

        Args:
            limit: the largest number of items; None lists all.
            page_size: how many items to request at a time, up to 100.
            start: a `next_token` to resume at.
        """
        fetch = page_reader(self._gateway, _LIST, Page[ObjectTypeTemplate], {})
        return Results(
            fetch, limit=limit, page_size=page_size, start=start, model=ObjectTypeTemplate
        )

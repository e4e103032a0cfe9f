"""The mappings that the service has ready for the objects of well-known sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from customer_profiles._results import Results
from customer_profiles.models.object_type import ObjectTypeTemplate

from .base import Answer

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway

_GET = "GetProfileObjectTypeTemplate"
_LIST = "ListProfileObjectTypeTemplates"


class _Page(Answer):
    items: list[ObjectTypeTemplate] | None = Field(default=None, validation_alias="Items")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


class Templates:
    """The service's own mappings, which an object type is made of by its `template_id`.

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

        Listed templates know their id and source; `get` reads the rest.
        """

        def fetch(size: int, token: str | None) -> tuple[list[ObjectTypeTemplate], str | None]:
            request = {"MaxResults": size} | ({"NextToken": token} if token else {})
            answer, _ = self._gateway.read(_LIST, request, _read_page)
            return answer.items or [], answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

"""Tags of domains and of what is in them, or of any resource by its ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from pydantic import Field

from customer_profiles.errors import InvalidInputError
from customer_profiles.models.calculated_attribute import CalculatedAttribute
from customer_profiles.models.domain import Domain
from customer_profiles.models.event_stream import EventStream
from customer_profiles.models.integration import Integration
from customer_profiles.models.layout import Layout
from customer_profiles.models.object_type import ObjectType
from customer_profiles.models.segment import Segment

from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names

    from .base import Collection

Taggable: TypeAlias = (
    Domain | ObjectType | Integration | Layout | EventStream | CalculatedAttribute | Segment | str
)

_NAMES: Names = {("resourceArn",): "resource", ("tagKeys",): "keys"}


class _Answer(Answer):
    tags: dict[str, str] | None = Field(default=None, validation_alias="tags")


class Tags:
    """The tags of a `Domain`, `ObjectType`, `Segment` or another record with tags, or of an ARN.

    All but domains and integrations must have been read from their domain.

    Source: TagResource, UntagResource and ListTagsForResource of the service's API reference.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self, resource: Taggable) -> dict[str, str]:
        """Read all tags of a resource.

        Raises:
            ResourceNotFoundError: there is no such resource.
        """
        request = {"resourceArn": self._arn(resource)}
        read = _Answer.model_validate_json
        answer, _ = self._gateway.read("ListTagsForResource", request, read, _NAMES)
        return answer.tags or {}

    def add(self, resource: Taggable, tags: Mapping[str, str]) -> None:
        """Add tags to a resource; a tag that exists gets the new value.

        Raises:
            ResourceNotFoundError: there is no such resource.
            InvalidInputError: no tag, more than 50, or a key that breaks the rules.
        """
        request = {"resourceArn": self._arn(resource), "tags": dict(tags)}
        self._gateway.call("TagResource", request, _NAMES)

    def remove(self, resource: Taggable, *keys: str) -> None:
        """Remove tags from a resource by their keys; missing keys are ignored.

        Raises:
            ResourceNotFoundError: there is no such resource.
        """
        if not keys:
            msg = "give at least one key of a tag"
            raise InvalidInputError(msg)
        request = {"resourceArn": self._arn(resource), "tagKeys": list(keys)}
        self._gateway.call("UntagResource", request, _NAMES)

    def _arn(self, resource: Taggable) -> str:
        if isinstance(resource, str):
            return resource
        if isinstance(resource, Domain):
            path = resource.domain_name
        elif isinstance(resource, Integration):
            path = f"{resource.domain_name}/integrations/{resource.uri}"
        else:
            # Other records do not contain the name of their domain.
            home = cast(
                "Collection[ObjectType | Layout | EventStream | CalculatedAttribute | Segment]",
                resource._origin().home,
            )
            path = home.arn_path(resource)
        return self._gateway.channel.arn(f"domains/{path}")

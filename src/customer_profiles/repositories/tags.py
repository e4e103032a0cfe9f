"""Tags on what can be tagged: domains, object types, integrations, or anything with an ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from pydantic import Field

from customer_profiles.errors import InvalidInputError
from customer_profiles.models.domain import Domain
from customer_profiles.models.integration import Integration
from customer_profiles.models.object_type import ObjectType

from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names

    from .object_types import ObjectTypes

Taggable: TypeAlias = Domain | ObjectType | Integration | str

_NAMES: Names = {("resourceArn",): "resource", ("tagKeys",): "keys"}


class _Answer(Answer):
    tags: dict[str, str] | None = Field(default=None, validation_alias="tags")


class Tags:
    """The tags of resources: of a `Domain`, an `ObjectType`, an `Integration`, or of an ARN.

    An object type must be one that `object_types` handed out, which knows its domain.

    Source: TagResource, UntagResource and ListTagsForResource of the service's API reference.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self, resource: Taggable) -> dict[str, str]:
        """Give all tags of a resource.

        Raises:
            ResourceNotFoundError: there is no such resource.
        """
        request = {"resourceArn": self._arn(resource)}
        read = _Answer.model_validate_json
        answer, _ = self._gateway.read("ListTagsForResource", request, read, _NAMES)
        return answer.tags or {}

    def add(self, resource: Taggable, tags: Mapping[str, str]) -> None:
        """Add tags to a resource; a tag that it has gets the new value.

        Raises:
            ResourceNotFoundError: there is no such resource.
            InvalidInputError: no tag, more than 50, or a key that breaks the rules.
        """
        request = {"resourceArn": self._arn(resource), "tags": dict(tags)}
        self._gateway.call("TagResource", request, _NAMES)

    def remove(self, resource: Taggable, *keys: str) -> None:
        """Remove tags from a resource by their keys; a key that it lacks is no error.

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
            # An object type does not say itself in which domain it is.
            home = cast("ObjectTypes", resource._origin().home)
            path = f"{home.domain_name}/object-types/{resource.object_type_name}"
        return self._gateway.channel.arn(f"domains/{path}")

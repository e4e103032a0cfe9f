"""Tags on what can be tagged: a domain, or anything with an ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from customer_profiles.errors import InvalidInputError
from customer_profiles.models.domain import Domain
from customer_profiles.repositories.base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names


_NAMES: Names = {("resourceArn",): "resource", ("tagKeys",): "keys"}


class _Answer(Answer):
    tags: dict[str, str] | None = Field(default=None, validation_alias="tags")


class Tags:
    """The tags of resources; a resource is a `Domain` or an ARN.

    Source: TagResource, UntagResource and ListTagsForResource of the service's API reference.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self, resource: Domain | str) -> dict[str, str]:
        """Give all tags of a resource.

        Raises:
            ResourceNotFoundError: there is no such resource.
        """
        request = {"resourceArn": self._arn(resource)}
        read = _Answer.model_validate_json
        answer, _ = self._gateway.read("ListTagsForResource", request, read, _NAMES)
        return answer.tags or {}

    def add(self, resource: Domain | str, tags: Mapping[str, str]) -> None:
        """Add tags to a resource; a tag that it has gets the new value.

        Raises:
            ResourceNotFoundError: there is no such resource.
            InvalidInputError: no tag, more than 50, or a key that breaks the rules.
        """
        request = {"resourceArn": self._arn(resource), "tags": dict(tags)}
        self._gateway.call("TagResource", request, _NAMES)

    def remove(self, resource: Domain | str, *keys: str) -> None:
        """Remove tags from a resource by their keys; a key that it lacks is no error.

        Raises:
            ResourceNotFoundError: there is no such resource.
        """
        if not keys:
            msg = "give at least one key of a tag"
            raise InvalidInputError(msg)
        request = {"resourceArn": self._arn(resource), "tagKeys": list(keys)}
        self._gateway.call("UntagResource", request, _NAMES)

    def _arn(self, resource: Domain | str) -> str:
        if isinstance(resource, Domain):
            return self._gateway.channel.arn(f"domains/{resource.domain_name}")
        return resource

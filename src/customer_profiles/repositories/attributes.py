"""The attributes of an object type: which there are, their values and statistics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from customer_profiles._results import Results
from customer_profiles._standard_objects import PROFILE
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.attribute import Attribute, AttributeStatistics, AttributeValue

from .base import Page, name_of, page_reader
from .provenance import member_path

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.mapping.profile_object import ProfileObject

    from .base import PageOptions


class Attributes:
    """The attributes of one object type: names, values and statistics, to choose conditions.

    The attributes of profiles may also be named as this library names fields: `address.city` is
    `Address.City`, and `attributes.tier` is `Attributes.tier`. Those of object types with a mapping
    are its fields. The service lists what the newest profiles and objects have, not all.

    Source: ListObjectTypeAttributes, ListObjectTypeAttributeValues, ListProfileAttributeValues and
    GetObjectTypeAttributeStatistics of the service's API reference.
    """

    def __init__(
        self, gateway: Gateway, domain_name: str, object_type: type[ProfileObject] | str
    ) -> None:
        self._gateway = gateway
        self.domain_name: str = domain_name
        self.object_type_name: str = name_of(object_type)

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[Attribute]:
        """List the attributes that are in use, up to 1,000; pages are fetched as you iterate.

        Args:
            limit: the largest number of attributes; None lists all.
            page_size: how many to request at a time, up to 100.
            start: a `next_token` to resume at.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
        """
        options: PageOptions = {"limit": limit, "page_size": page_size, "start": start}
        return self._list("ListObjectTypeAttributes", Attribute, {}, options)

    def values(
        self,
        attribute_name: str,
        /,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> Results[AttributeValue]:
        """List the different values of an attribute, the newest first.

        Args:
            attribute_name: the attribute, such as `address.city`, or the field of an object type.
            limit: the largest number of values; None lists all that the service has, about 350 KB.
            page_size: how many to request at a time, up to 100.
            start: a `next_token` to resume at.

        Raises:
            InvalidInputError: profiles have no such attribute.
            ResourceNotFoundError: the domain has no such object type.
        """
        name = {"AttributeName": self._path(attribute_name)}
        options: PageOptions = {"limit": limit, "page_size": page_size, "start": start}
        return self._list("ListObjectTypeAttributeValues", AttributeValue, name, options)

    def suggestions(self, attribute_name: str, /) -> list[str]:
        """Return the newest values of an attribute of profiles in one request, without times.

        Args:
            attribute_name: the attribute, such as `address.city`.

        Raises:
            InvalidInputError: profiles have no such attribute, or these are not the attributes of
                profiles.
        """
        if self.object_type_name != PROFILE:
            msg = (
                f"only profiles have suggestions; values({attribute_name!r}) lists the values of "
                f"{self.object_type_name}"
            )
            raise InvalidInputError(msg)
        page: Any = Page[AttributeValue]
        request = {
            "DomainName": self.domain_name,
            "AttributeName": self._path(attribute_name),
        }
        answer, _ = self._gateway.read(
            "ListProfileAttributeValues", request, page.model_validate_json
        )
        return [item.value for item in answer.items or []]

    def statistics(self, attribute_name: str, /) -> AttributeStatistics:
        """Return the statistics of an attribute's numbers, which are computed once a day.

        Values that are no numbers do not count; if there are none, the statistics are None.

        Args:
            attribute_name: the attribute, such as `attributes.score`, or the field of an object
                type.

        Raises:
            BadRequestError: the domain has no data store; `domain.data_store` enables it.
            ResourceNotFoundError: the domain has no such object type.
        """
        request = self._request({"AttributeName": self._path(attribute_name)})
        found, _ = self._gateway.read("GetObjectTypeAttributeStatistics", request, _statistics)
        return found

    def _path(self, name: str) -> str:
        if self.object_type_name != PROFILE or name[:1].isupper():
            return name
        return member_path(name)

    def _list(
        self, operation: str, model: Any, members: Wire, options: PageOptions
    ) -> Results[Any]:
        page: Any = Page[model]
        fetch = page_reader(self._gateway, operation, page, self._request(members))
        return Results(fetch, model=model, **options)

    def _request(self, members: Wire) -> Wire:
        return {
            "DomainName": self.domain_name,
            "ObjectTypeName": self.object_type_name,
            **members,
        }


def _statistics(body: bytes) -> AttributeStatistics:
    """Read statistics without their envelope."""
    answer = json.loads(body)
    numbers = dict(answer.get("Statistics") or {})
    return AttributeStatistics._from_wire(numbers | {"CalculatedAt": answer.get("CalculatedAt")})

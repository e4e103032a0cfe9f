"""What happened to a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import Field

from customer_profiles._results import Results
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.base import attach_all
from customer_profiles.models.history import HistoryRecord

from .base import Answer, name_of, source_of

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.models.history import ActionType

_GET = "GetProfileHistoryRecord"
_LIST = "ListProfileHistoryRecords"


class _Page(Answer):
    items: list[HistoryRecord] | None = Field(
        default=None, validation_alias="ProfileHistoryRecords"
    )
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


class History(Results[HistoryRecord]):
    """What happened to one profile; pages are fetched as you iterate.

    Source: GetProfileHistoryRecord and ListProfileHistoryRecords of the service's API
    reference.
    """

    def __init__(  # noqa: PLR0913  (what a list is asked by)
        self,
        gateway: Gateway,
        domain_name: str,
        profile_id: str,
        *,
        action_type: ActionType | None = None,
        object_type_name: str | type[ProfileObject] | None = None,
        performed_by: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> None:
        self._home = _Home(gateway, domain_name, profile_id)
        name = None if object_type_name is None else name_of(object_type_name)
        given = {"ActionType": action_type, "ObjectTypeName": name, "PerformedBy": performed_by}
        self._filters = {member: value for member, value in given.items() if value is not None}
        super().__init__(self._fetch_page, limit=limit, page_size=page_size, start=start)

    def get(self, record_id: str) -> HistoryRecord:
        """Read one record with its content.

        Raises:
            ResourceNotFoundError: the profile has no such record.
        """
        return self._home.get(record_id)

    def _fetch_page(self, size: int, token: str | None) -> tuple[list[HistoryRecord], str | None]:
        page = {"MaxResults": size} | ({"NextToken": token} if token else {})
        return self._home.page(self._filters | page)


class _Home:
    """The history of a profile, as its records see it."""

    def __init__(self, gateway: Gateway, domain_name: str, profile_id: str) -> None:
        self._gateway = gateway
        self._place = {"DomainName": domain_name, "ProfileId": profile_id}

    def page(self, request: dict[str, Any]) -> tuple[list[HistoryRecord], str | None]:
        """Read one page."""
        answer, body = self._gateway.read(_LIST, self._place | request, _read_page)
        items = answer.items or []
        attach_all(items, self, body, "ProfileHistoryRecords")
        return items, answer.next_token

    def get(self, record_id: str) -> HistoryRecord:
        """Read one record with its content."""
        record, body = self._gateway.read(
            _GET, self._place | {"Id": record_id}, HistoryRecord._from_wire
        )
        return record._attach(self, body)

    def save(self, _record: HistoryRecord) -> NoReturn:
        """Refuse: what happened cannot be changed."""
        msg = "a record of the history cannot be changed"
        raise InvalidInputError(msg)

    def _reread(self, record: HistoryRecord) -> HistoryRecord:
        """Read a record again, with its content."""
        return self.get(str(source_of(record)["Id"]))

    def _erase(self, _record: HistoryRecord) -> NoReturn:
        """Refuse: what happened cannot be deleted."""
        msg = "a record of the history cannot be deleted; it goes with its profile"
        raise InvalidInputError(msg)

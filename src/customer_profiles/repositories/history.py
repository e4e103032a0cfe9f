"""What happened to a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles._results import Results
from customer_profiles.models.history import HistoryRecord

from .base import ReadOnlyCollection, name_of

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.models.history import ActionType


class History(Results[HistoryRecord]):
    """What happened to one profile; pages are fetched as you iterate.

    Source: GetProfileHistoryRecord and ListProfileHistoryRecords of the service's API
    reference.
    """

    def __init__(  # noqa: PLR0913  (the filters of the list)
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
        self._records = _Records(gateway, domain_name, profile_id)
        name = None if object_type_name is None else name_of(object_type_name)
        filters = {"ActionType": action_type, "ObjectTypeName": name, "PerformedBy": performed_by}
        fetch = self._records._fetch({name: value for name, value in filters.items() if value})
        super().__init__(fetch, limit=limit, page_size=page_size, start=start, model=HistoryRecord)

    def get(self, record_id: str) -> HistoryRecord:
        """Read one record with its content.

        Raises:
            ResourceNotFoundError: the profile has no such record.
        """
        return self._records._read_by_name(record_id)


class _Records(ReadOnlyCollection[HistoryRecord]):
    """The history of a profile, as its records see it."""

    _model, _key = HistoryRecord, "id"
    _GET = "GetProfileHistoryRecord"
    _LIST = "ListProfileHistoryRecords"
    _why_not_saved = "a record of the history cannot be changed"
    _why_not_deleted = "a record of the history cannot be deleted; it is deleted with its profile"

    def __init__(self, gateway: Gateway, domain_name: str, profile_id: str) -> None:
        super().__init__(gateway, domain_name)
        self._scope["ProfileId"] = profile_id

"""The history records of profiles: list and get."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from customer_profiles.engine.profiles.access import domain_row, existing_profile
from customer_profiles.engine.profiles.history import Record, records
from customer_profiles.engine.service.refusals import not_found
from customer_profiles.engine.service.registry import operation

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context


@operation("ListProfileHistoryRecords", read_only=True)
def list_profile_history_records(context: Context, request: Wire) -> Wire:
    """List the history records of a profile, without their contents, page by page."""
    filters = {name: request.get(name) for name in ("ActionType", "ObjectTypeName", "PerformedBy")}
    query = ["history", request["DomainName"], request["ProfileId"], filters]
    listed = [
        record
        for record in _records(context, request, with_content=False)
        # Assumed: PerformedBy is never known, so a filter by it finds nothing.
        if filters["ActionType"] in {None, record.event.action}
        and filters["ObjectTypeName"] in {None, record.event.type}
        and filters["PerformedBy"] is None
    ]
    # Records are only ever appended, so a count of them is a stable page position.
    numbered = list(enumerate(listed, 1))
    found, token = context.pages.read_page(
        query, request, lambda after, _: numbered[after:], itemgetter(0), start=0
    )
    items = [_described(record) for _, record in found]
    return {"ProfileHistoryRecords": items, "NextToken": token}


@operation("GetProfileHistoryRecord", read_only=True)
def get_profile_history_record(context: Context, request: Wire) -> Wire:
    """Describe a history record, with its content."""
    found = next(
        (
            record
            for record in _records(context, request, with_content=True)
            if record.id == request["Id"]
        ),
        None,
    )
    if found is None:
        raise not_found("The profile has no history record with this id")
    content = found.event.content
    # Assumed: a record's content is the profile, the object or the key as JSON.
    return _described(found) | ({"Content": content.decode()} if content else {})


def _records(context: Context, request: Wire, *, with_content: bool) -> list[Record]:
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        profile = existing_profile(context, connection, domain, request["ProfileId"])
        return records(connection, profile, with_content=with_content)


def _described(record: Record) -> Wire:
    event = record.event
    unique_key = {"ProfileObjectUniqueKey": event.unique_key} if event.unique_key else {}
    return {
        "Id": record.id,
        "ObjectTypeName": event.type,
        "CreatedAt": event.created,
        "ActionType": event.action,
        **unique_key,
    }

"""What happened to profiles, from what is remembered and what is plain from the rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles.engine.profiles import removal
from customer_profiles.engine.profiles.access import domain_row, existing_profile
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.clock import made_at
from customer_profiles.engine.service.refusals import not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import history as store

if TYPE_CHECKING:
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store import profiles as profile_store
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

# Assumed: ListProfileHistoryRecords gives 20 records a page unless it is told otherwise.
_PAGE = 20


class _Record(NamedTuple):
    id: str
    event: store.Event


@operation("ListProfileHistoryRecords")
def list_profile_history_records(context: Context, request: Wire) -> Wire:
    """List what happened to a profile, without the contents, page by page."""
    limit = request.get("MaxResults", _PAGE)
    filters = {name: request.get(name) for name in ("ActionType", "ObjectTypeName", "PerformedBy")}
    query = ["history", request["DomainName"], request["ProfileId"], filters]
    after = context.pages.position(query, request.get("NextToken"))
    records = [one for one in _records(context, request) if _fits(one.event, filters)]
    if after is not None:
        # What came before goes on to be there, so the place of a record does not move.
        records = records[int(after) :]
    start = int(after or 0)
    more = len(records) > limit
    token = context.pages.token(query, str(start + limit)) if more else None
    items = [_described(one) for one in records[:limit]]
    return {"ProfileHistoryRecords": items, "NextToken": token}


@operation("GetProfileHistoryRecord")
def get_profile_history_record(context: Context, request: Wire) -> Wire:
    """Describe something that happened to a profile, with its content."""
    found = next((one for one in _records(context, request) if one.id == request["Id"]), None)
    if found is None:
        raise not_found("The profile has no history record with this id")
    content = found.event.content
    # Assumed: a record's content is the profile, the object or the key as JSON.
    return _described(found) | ({"Content": content.decode()} if content else {})


def _fits(event: store.Event, filters: Wire) -> bool:
    # Assumed: PerformedBy is never known, so a filter by it finds nothing.
    return (
        filters["ActionType"] in {None, event.action}
        and filters["ObjectTypeName"] in {None, event.type}
        and filters["PerformedBy"] is None
    )


def _described(record: _Record) -> Wire:
    event = record.event
    unique = {"ProfileObjectUniqueKey": event.unique_key} if event.unique_key else {}
    return {
        "Id": record.id,
        "ObjectTypeName": event.type,
        "CreatedAt": event.created,
        "ActionType": event.action,
        **unique,
    }


def _records(context: Context, request: Wire) -> list[_Record]:
    """Give all that happened to a profile, the oldest first."""
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"])
        profile = existing_profile(context, connection, domain, request["ProfileId"])
        events = _events(connection, profile)
    seen = Counter[tuple[Any, ...]]()
    records = []
    for event in events:
        what = event[:5] if event.action != "INGESTED" else event[:3] + event[4:5]
        seen[what] += 1
        records.append(_Record(_id(what, seen[what]), event))
    # Assumed: ListProfileHistoryRecords answers with the oldest record first.
    return sorted(records, key=lambda one: (one.event.action != "CREATED", one.event.created))


def _events(connection: Connection, profile: profile_store.Stored) -> list[store.Event]:
    remembered = store.of(connection, profile.id)
    if not any(event.action == "CREATED" for event in remembered):
        body = profile.body if removal.is_as_made(connection, profile) else None
        made = made_at(profile.profile_id)
        created = store.Event(profile.id, PROFILE, "CREATED", made, None, body)
        remembered = [created, *remembered]
    present = removal.objects_of(connection, profile.id)
    return _with_contents(
        remembered + [removal.ingested(one) for one in present if not one.is_standard]
    )


def _with_contents(events: list[store.Event]) -> list[store.Event]:
    """Give what came unchanged again later the content that is kept of it then."""
    later: dict[str | None, bytes | None] = {}
    whole = []
    for event in reversed(events):
        if event.action == "INGESTED":
            content = event.content or later.get(event.unique_key)
            later[event.unique_key] = content
            event = event._replace(content=content)  # noqa: PLW2901
        whole.append(event)
    return whole[::-1]


def _id(what: tuple[Any, ...], number: int) -> str:
    return hashlib.blake2b(repr((what, number)).encode(), digest_size=16).hexdigest()

"""Segments: their definitions, estimates, members and snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine import background, documents
from customer_profiles.engine.audiences import segment_groups, segments, snapshots
from customer_profiles.engine.documents import Kind
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import pending_work
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store import segments as store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles._wire import Wire
    from customer_profiles.engine.documents import Scope
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.documents import Document

_DAY = 86_400
# Assumed: an estimate is kept for a day.
_ESTIMATE_SECONDS = _DAY
_NO_PROFILE = "Profile does not exist in the domain"
_NOT_FOUND = 404


def _prepare(_scope: Scope, new: Wire, _old: Wire | None) -> Wire:
    return {**new, "SegmentType": "CLASSIC" if "SegmentGroups" in new else "ENHANCED"}


def _validate(scope: Scope, new: Wire, _old: Wire | None) -> Iterable[str]:
    yield from _query_problems(scope, new, "SegmentGroups")
    yield from segment_groups.problems(scope, new.get("SegmentGroups", {}))
    yield from segment_groups.sort_problems(scope, new.get("SegmentSort", {}))


def _query_problems(scope: Scope, request: Wire, member: str) -> Iterable[str]:
    # AG:customer-segments-building-segments: a segment is built in one of two ways.
    if (member in request) is ("SegmentSqlQuery" in request):
        yield f"The request needs one of {member} and SegmentSqlQuery"
    elif "SegmentSqlQuery" in request:
        yield from _sql_problems(scope, request["SegmentSqlQuery"])


def _sql_problems(scope: Scope, query: str) -> Iterable[str]:
    domain = domain_store.find(scope.connection, scope.domain_name)
    if domain is None or not domain.settings.get("DataStore", {}).get("Enabled"):
        yield "SegmentSqlQuery needs the data store; enable it with UpdateDomain"
    # Assumed: SegmentSqlQuery is a query, and nothing more of it is checked until it runs.
    if not query.lstrip(" \t\r\n(").upper().startswith(("SELECT", "WITH")):
        yield "SegmentSqlQuery must begin with SELECT or WITH"


def _remove_snapshots(scope: Scope, deleted: Document) -> None:
    # Assumed: the snapshots of a segment are forgotten with it; their files stay.
    store.remove_snapshots(scope.connection, scope.domain, deleted.name)


# Assumed: a domain may have a million segment definitions.
SEGMENTS = documents.register(
    Kind(
        noun=segment_groups.NOUN,
        key="SegmentDefinitionName",
        create="CreateSegmentDefinition",
        get="GetSegmentDefinition",
        list="ListSegmentDefinitions",
        delete="DeleteSegmentDefinition",
        quota="segment_definitions",
        arn="segment-definitions",
        arn_member="SegmentDefinitionArn",
        read_only=("SegmentType",),
        prepare=_prepare,
        validate=_validate,
        references=segment_groups.references_of,
        after_delete=_remove_snapshots,
    )
)


@operation("CreateSegmentEstimate")
def create_segment_estimate(context: Context, request: Wire) -> Wire:
    """Begin to count the profiles in groups, which need not be those of a segment."""
    now, estimate_id = context.clock.now(), context.clock.new_profile_id()
    with context.database.write() as connection:
        scope = documents.scope_of(context, connection, request)
        if found := list(_query_problems(scope, request, "SegmentQuery")):
            raise bad_request("; ".join(found))
        query = {"SegmentSqlQuery": request.get("SegmentSqlQuery")}
        if "SegmentQuery" in request:
            query = {"SegmentGroups": request["SegmentQuery"]}
            segment_groups.check_query(scope, request["SegmentQuery"])
        store.remove_estimates(connection, scope.domain, now - _ESTIMATE_SECONDS)
        estimate = store.Estimate(estimate_id, query, now, "RUNNING")
        store.put_estimate(connection, scope.domain, estimate)
        detail = {"id": estimate_id, "domain": scope.domain_name}
        pending_work.add(connection, scope.domain, pending_work.ESTIMATE, detail)
    return {"DomainName": request["DomainName"], "EstimateId": estimate_id}


@operation("GetSegmentEstimate", read_only=True)
def get_segment_estimate(context: Context, request: Wire) -> Wire:
    """Describe an estimate."""
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        since = context.clock.now() - _ESTIMATE_SECONDS
        found = store.find_estimate(connection, scope.domain, request["EstimateId"], since)
    _continue(context, found)
    if found is None:
        raise not_found("The domain has no estimate with this id; estimates are kept for a day")
    return {
        "DomainName": request["DomainName"],
        "EstimateId": found.estimate_id,
        "Status": found.status,
        **({} if found.estimate is None else {"Estimate": str(found.estimate)}),
        **({} if found.message is None else {"Message": found.message}),
    }


@operation("GetSegmentMembership")
def get_segment_membership(context: Context, request: Wire) -> Wire:
    """Return which of some profiles are in a segment, as they are now."""
    # Observed in the service: each ProfileId comes back once, in Profiles or in Failures.
    asked = list(dict.fromkeys(request["ProfileIds"]))
    now = context.clock.now()
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        definition = documents.existing(SEGMENTS, scope, request)
        if "SegmentGroups" not in definition.body:
            # AG:customer-profiles-block: the members of such a segment are those of its snapshot.
            raise not_found(f"The segment has no completed snapshot. {snapshots.ENHANCED}")
        audience = segments.compile_groups(scope, definition.body["SegmentGroups"])
        rows = {
            profile_id: row
            for profile_id in asked
            if (row := _row(scope, profile_id, now)) is not None
        }
        found = {
            profile_id.hex(): subject
            for _, profile_id, subject in segments.subjects(
                scope, audience.windows, [*rows.values()]
            )
        }
    return {
        "SegmentDefinitionName": definition.name,
        "Profiles": [_result(audience, profile_id, found[profile_id]) for profile_id in rows],
        # Assumed: Status of a failure is that of the HTTP answer for a missing profile.
        "Failures": [
            {"ProfileId": profile_id, "Message": _NO_PROFILE, "Status": _NOT_FOUND}
            for profile_id in asked
            if profile_id not in rows
        ],
        # Assumed: LastComputedAt is the time of the request, because members are not stored.
        "LastComputedAt": now,
    }


def _row(scope: Scope, profile_id: str, now: float) -> int | None:
    row_id = keys.id_bytes(profile_id)
    return profile_store.row_of(scope.connection, scope.domain, row_id, now)


def _result(audience: segments.Audience, profile_id: str, subject: segments.Subject) -> Wire:
    if audience.holds(subject):
        return {"ProfileId": profile_id, "QueryResult": "PRESENT", "Profile": subject.profile}
    # Assumed: the answer has no Profile of those that are ABSENT.
    return {"ProfileId": profile_id, "QueryResult": "ABSENT"}


@operation("CreateSegmentSnapshot")
def create_segment_snapshot(context: Context, request: Wire) -> Wire:
    """Begin to write the members of a segment to files in S3."""
    now, snapshot_id = context.clock.now(), context.clock.new_profile_id()
    if found := list(_destination_problems(request)):
        raise bad_request("; ".join(found))
    with context.database.write() as connection:
        scope = documents.scope_of(context, connection, request)
        definition = documents.existing(SEGMENTS, scope, request)
        made = store.count_snapshots(connection, scope.domain, now - _DAY)
        if made >= context.quotas.snapshots:
            raise bad_request(
                f"The limit of {context.quotas.snapshots} snapshots in 24 hours is reached"
            )
        described = {
            name: value
            for name, value in request.items()
            if name not in {"DomainName", "SegmentDefinitionName"}
        }
        # Observed in the service: the answers have no slash at the end of DestinationUri.
        described["DestinationUri"] = request["DestinationUri"].rstrip("/")
        snapshot = store.Snapshot(definition.name, snapshot_id, described, now, "IN_PROGRESS")
        store.put_snapshot(connection, scope.domain, snapshot)
        detail = {"id": snapshot_id, "domain": scope.domain_name, "segment": definition.name}
        pending_work.add(connection, scope.domain, pending_work.SNAPSHOT, detail)
    return {"SnapshotId": snapshot_id}


def _destination_problems(request: Wire) -> Iterable[str]:
    # The model's text on CreateSegmentSnapshot: only the admin website may leave it out.
    if "DestinationUri" not in request:
        yield "DestinationUri is missing: name a folder in S3, such as s3://bucket/folder"
    elif snapshots.location(request["DestinationUri"]) is None:
        yield "DestinationUri must be a folder in S3, such as s3://bucket/folder"
    # Observed in the service: nobody could make a snapshot without passing a role.
    # Assumed: RoleArn is required and stored, and the engine writes with its own credentials.
    if "RoleArn" not in request:
        yield "RoleArn is missing: name a role that may write to the bucket"


@operation("GetSegmentSnapshot", read_only=True)
def get_segment_snapshot(context: Context, request: Wire) -> Wire:
    """Describe a snapshot."""
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        definition = documents.existing(SEGMENTS, scope, request)
        found = store.find_snapshot(
            connection, scope.domain, definition.name, request["SnapshotId"]
        )
    _continue(context, found)
    if found is None:
        raise not_found("The segment has no snapshot with this id")
    return {
        "SnapshotId": found.snapshot_id,
        "Status": found.status,
        **({} if found.message is None else {"StatusMessage": found.message}),
        **found.request,
    }


def _continue(context: Context, found: store.Estimate | store.Snapshot | None) -> None:
    """Let the engine do work that a killed process may have left."""
    if found is not None and found.status in {"RUNNING", "IN_PROGRESS"}:
        background.start(context)

"""The segments of a domain: their definitions, estimates, members and snapshots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime  # noqa: TC003  (pydantic reads it)
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, Unpack
from uuid import uuid4

from pydantic import Field as Member

from customer_profiles._problems import unknown
from customer_profiles._results import Results
from customer_profiles.channels import s3
from customer_profiles.channels.embedded import embedded
from customer_profiles.conditions import to_segment_groups, where
from customer_profiles.conditions.nodes import Condition, SortKey
from customer_profiles.conditions.reading import warn_of_empty_groups
from customer_profiles.errors import (
    BatchError,
    ConnectionFailedError,
    InvalidInputError,
    JobFailedError,
    ServiceError,
    WaitTimeoutError,
)
from customer_profiles.models.profile import Profile
from customer_profiles.models.segment import (
    Segment,
    SegmentEstimate,
    SegmentFields,
    SegmentMembership,
    SegmentSnapshot,
    SegmentSort,
    SortAttribute,
)

from .base import Answer, ReadOnlyCollection
from .documents import Documents
from .profiles import Profiles
from .snapshot_reader import SnapshotProfiles, no_pages

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.models.segment import SnapshotFormat

    from .base import Extra

JobT = TypeVar("JobT", SegmentEstimate, SegmentSnapshot)

_MEMBERSHIP = "GetSegmentMembership"
_CREATE_ESTIMATE = "CreateSegmentEstimate"
_CREATE_SNAPSHOT = "CreateSegmentSnapshot"
_MOST_IDS = 100
_LONGEST_NAME = 64
_VERSION = re.compile(r"(.*)-v([0-9]+)")
_NO_LIST = (
    "the service has no operation that lists the members of a segment, so only the embedded engine "
    "does; on AWS, segment.snapshot(to='s3://...', role_arn=...).wait().read() reads them from "
    "files, and segment.members(ids) returns which of some profiles are members"
)
_NO_UPDATE = (
    "the service cannot change a segment; segment.replace(...) creates a new version of it under "
    "another name, and segment.delete() removes the old one"
)


class _Result(Answer):
    profile_id: str = Member(validation_alias="ProfileId")
    result: str = Member(validation_alias="QueryResult")
    profile: Profile | None = Member(default=None, validation_alias="Profile")


class _Failure(Answer):
    profile_id: str = Member(validation_alias="ProfileId")
    message: str = Member(default="", validation_alias="Message")
    status: int = Member(default=0, validation_alias="Status")


class _Members(Answer):
    profiles: list[_Result] | None = Member(default=None, validation_alias="Profiles")
    failures: list[_Failure] | None = Member(default=None, validation_alias="Failures")
    last_computed_at: datetime | None = Member(default=None, validation_alias="LastComputedAt")


class Segments(Documents[Segment]):
    """The segments of one domain.

    Listed segments do not have their groups, query and sort; `refresh()` reads them.

    Source: CreateSegmentDefinition, GetSegmentDefinition, ListSegmentDefinitions,
    DeleteSegmentDefinition, CreateSegmentEstimate and GetSegmentMembership of the service's API
    reference.
    """

    _model, _noun, _arn = Segment, "segment definition", "segment-definitions"
    _key = "segment_definition_name"
    _fields: ClassVar = frozenset(
        {
            *("display_name", "description", "segment_groups", "segment_sql_query"),
            *("segment_sort", "tags"),
        }
    )
    _CREATE = "CreateSegmentDefinition"
    _GET = "GetSegmentDefinition"
    _LIST = "ListSegmentDefinitions"
    _DELETE = "DeleteSegmentDefinition"

    def create(
        self,
        name: str,
        /,
        condition: Condition | Mapping[str, Any] | None = None,
        *,
        sql: str | None = None,
        extra: Extra = None,
        **settings: Unpack[SegmentFields],
    ) -> Segment:
        """Create a segment of the profiles that meet a condition.

        ```python
        shop.segments.create("gold", where.attributes["tier"].is_in("gold"))
        ```

        Args:
            name: up to 64 letters, digits, `_` and `-`.
            condition: the condition, or a mapping with the service's own `SegmentGroups`.
            sql: a query, for a domain with a data store, in place of a condition.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: `display_name`, which is the name when it is left out, `description`, `sort`
                (the order of snapshots, such as `[where.last_name.ascending()]`) and `tags`.

        Raises:
            BadRequestError: the domain has a segment of that name, or a calculated attribute or
                segment that the condition names is missing.
            InvalidInputError: a segment cannot say the condition, or a setting breaks the
                service's rules; nothing was sent.
        """
        _check_one(condition, sql)
        for setting in settings:
            if setting not in SegmentFields.__annotations__:
                raise InvalidInputError(
                    unknown(setting, [*SegmentFields.__annotations__], "Segment")
                )
        fields: Wire = {"display_name": name, **settings}
        if "sort" in fields:
            fields["segment_sort"] = _sort_of(fields.pop("sort"))
        if condition is not None:
            fields["segment_groups"] = _groups_of(condition)
        if sql is not None:
            fields["segment_sql_query"] = sql
        segment = self._create(name, fields, extra)
        # The answer does not repeat these.
        for field in ("segment_groups", "segment_sql_query", "segment_sort"):
            if getattr(segment, field) is None and field in fields:
                setattr(segment, field, fields[field])
        return segment

    def replace(
        self,
        segment: Segment,
        condition: Condition | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        sql: str | None = None,
        **settings: Unpack[SegmentFields],
    ) -> Segment:
        """Create a new version of a segment under another name; see `Segment.replace`."""
        if segment.segment_groups is None and segment.segment_sql_query is None:
            segment = self.get(self._name_of(segment))
        if condition is None and sql is None:
            # Without the warning of `create`: an empty group was accepted when it was written.
            condition, sql = segment.condition, segment.segment_sql_query
        kept: dict[str, Any] = {
            "display_name": segment.display_name,
            "description": segment.description,
            "sort": segment.segment_sort,
            "tags": segment.tags,
        }
        kept = {key: value for key, value in kept.items() if value}
        name = _next_version(segment.segment_definition_name) if name is None else name
        merged: Any = kept | dict(settings)
        return self.create(name, condition, sql=sql, **merged)

    def save(self, record: Segment) -> NoReturn:  # noqa: ARG002  (the kernel's signature)
        """Refuse to change a segment."""
        raise InvalidInputError(_NO_UPDATE)

    def estimate(
        self,
        condition: Condition | Segment | str | Mapping[str, Any] | None = None,
        /,
        *,
        sql: str | None = None,
    ) -> SegmentEstimate:
        """Start to count the profiles that meet a condition; no segment is needed.

        ```python
        shop.segments.estimate(where.address.city.is_in("Seattle")).wait().count
        ```

        Args:
            condition: the condition, a segment or its name, or a mapping with the service's own
                `SegmentGroups`.
            sql: a query, for a domain with a data store, in place of a condition.

        Raises:
            ResourceNotFoundError: the domain has no segment of that name.
            InvalidInputError: a segment cannot say the condition; nothing was sent.
        """
        _check_one(condition, sql)
        if isinstance(condition, (Segment, str)):
            query = self._query_of(condition)
        elif condition is not None:
            query = {"SegmentQuery": _groups_of(condition)}
        else:
            query = {"SegmentSqlQuery": sql}
        return self.estimates._read(_CREATE_ESTIMATE, query)

    @property
    def estimates(self) -> Estimates:
        """The estimates by their ids; the service keeps them for a while."""
        return Estimates(self._gateway, self.domain_name)

    def snapshots(self, name: str) -> Snapshots:
        """Return the snapshots of a segment by their ids."""
        return Snapshots(self._gateway, self.domain_name, name)

    def members(self, name: str, profiles: Iterable[Profile | str]) -> SegmentMembership:
        """Find out which of some profiles are members of a segment, 100 with a request.

        Args:
            name: the name of the segment.
            profiles: profiles, or their ids.

        Raises:
            BatchError: some profiles do not exist; `.failed` has the error of each by its id, and
                `.succeeded` the members among the others.
            ResourceNotFoundError: there is no such segment, or it has a query and no snapshot.
        """
        if isinstance(profiles, (str, Profile)):
            msg = "profiles must be several profiles or ids; segment.has() takes a single one"
            raise InvalidInputError(msg)
        wanted = list(dict.fromkeys(map(_id_of, profiles)))
        results: dict[str, _Result] = {}
        failed: dict[str, ServiceError] = {}
        computed: datetime | None = None
        for start in range(0, len(wanted), _MOST_IDS):
            batch = wanted[start : start + _MOST_IDS]
            answer = self._members(name, batch)
            results |= {item.profile_id: item for item in answer.profiles or []}
            failed |= {item.profile_id: _error_of(item) for item in answer.failures or []}
            computed = computed or answer.last_computed_at
        for profile_id in wanted:
            if profile_id not in results and profile_id not in failed:
                failed[profile_id] = _error_of(_Failure.model_construct(message="", status=0))
        ordered = [results[profile_id] for profile_id in wanted if profile_id in results]
        present = [self._profile_of(item) for item in ordered if item.result == "PRESENT"]
        if failed:
            raise BatchError(_MEMBERSHIP, present, failed)
        absent = tuple(item.profile_id for item in ordered if item.result != "PRESENT")
        return SegmentMembership(tuple(present), absent, computed)

    def has(self, name: str, profile: Profile | str) -> bool:
        """Return whether a profile is a member of a segment.

        Raises:
            ResourceNotFoundError: there is no such profile or segment.
        """
        try:
            return bool(self.members(name, [profile]).present)
        except BatchError as error:
            raise next(iter(error.failed.values())) from None

    def snapshot(
        self,
        name: str,
        to: str,
        *,
        role_arn: str,
        data_format: SnapshotFormat = "CSV",
        encryption_key: str | None = None,
    ) -> SegmentSnapshot:
        """Start to write the members of a segment to S3; see `Segment.snapshot`."""
        s3.split(to)
        request: Wire = {
            "SegmentDefinitionName": name,
            "DataFormat": data_format,
            "DestinationUri": to,
            "RoleArn": role_arn,
            **({"EncryptionKey": encryption_key} if encryption_key else {}),
        }
        return self.snapshots(name)._start(request)

    def profiles(
        self,
        name: str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> Results[Profile]:
        """List the members of a segment; embedded only; see `Segment.profiles`."""
        channel = embedded(self._gateway.channel, _NO_LIST)
        home = Profiles(self._gateway, self.domain_name)
        read = partial(channel.list_segment_members, self.domain_name, name)
        return home._listed(read, limit=limit, page_size=page_size, start=start)

    def _query_of(self, segment: Segment | str) -> Wire:
        """Return what an estimate of a segment counts; listed segments are read for it."""
        if isinstance(segment, str):
            segment = self.get(segment)
        elif segment.segment_groups is None and segment.segment_sql_query is None:
            segment = self.get(self._name_of(segment))
        if segment.segment_groups is not None:
            return {"SegmentQuery": segment.segment_groups}
        return {"SegmentSqlQuery": segment.segment_sql_query}

    def _every_profile(
        self, folder: str, role_arn: str, limit: int | None, page_size: int | None
    ) -> Results[Profile]:
        """Return all profiles of the domain; see `Profiles.all`."""
        return _EveryProfile(self, folder, role_arn, limit, page_size)

    def _members(self, name: str, batch: list[str]) -> _Members:
        request = self._request({"SegmentDefinitionName": name, "ProfileIds": batch})
        reader = partial(_Members.model_validate_json, extra="allow")
        answer, _ = self._gateway.read(_MEMBERSHIP, request, reader)
        return answer

    def _profile_of(self, item: _Result) -> Profile:
        # The service documents that a member may come without its profile.
        profile = item.profile or Profile(profile_id=item.profile_id)
        wire = profile._to_wire()
        return profile._attach(Profiles(self._gateway, self.domain_name), wire)


class _Jobs(ReadOnlyCollection[JobT]):
    """What the service computes in the background."""

    _done: ClassVar[str]

    def wait(self, record: JobT, timeout: float | None = None) -> None:
        """Read a record repeatedly until the service has finished.

        Raises:
            JobFailedError: the service failed.
            WaitTimeoutError: it has not finished after that many seconds.
        """
        waits = self._gateway.waits(timeout)
        while not record.is_over:
            if record.status is not None and next(waits, None) is None:
                msg = (
                    f"the {self._noun} is still {record.status} after {timeout} seconds; the "
                    "service continues, and you can call wait() again"
                )
                raise WaitTimeoutError(msg)
            record.refresh()
        self._check_succeeded(record)

    def _check_succeeded(self, record: JobT) -> None:
        if record.status == "FAILED":
            message = getattr(record, "message", None) or getattr(record, "status_message", None)
            msg = f"the {self._noun} failed: {message or 'the service gives no reason'}"
            raise JobFailedError(msg)
        if not record.is_over:
            msg = f"the {self._noun} is not finished; call wait() first"
            raise InvalidInputError(msg)


class Estimates(_Jobs[SegmentEstimate]):
    """The estimates of segments and conditions.

    Source: GetSegmentEstimate of the service's API reference.
    """

    _model, _key, _noun = SegmentEstimate, "estimate_id", "estimate"
    _GET = "GetSegmentEstimate"
    _why_not_saved = "an estimate cannot be changed; count again with segments.estimate()"
    _why_not_deleted = "an estimate cannot be deleted; the service forgets it after a while"

    def get(self, estimate_id: str) -> SegmentEstimate:
        """Read an estimate.

        Raises:
            ResourceNotFoundError: there is none, or no longer.
        """
        return self._read_by_name(estimate_id)

    def count(self, record: SegmentEstimate) -> int:
        """Return the number of an estimate; see `SegmentEstimate.count`."""
        self._check_succeeded(record)
        return int(record.estimate or 0)


class Snapshots(_Jobs[SegmentSnapshot]):
    """The snapshots of one segment.

    Source: CreateSegmentSnapshot and GetSegmentSnapshot of the service's API reference.
    """

    _model, _key, _noun = SegmentSnapshot, "snapshot_id", "snapshot"
    _GET = "GetSegmentSnapshot"
    _why_not_saved = "a snapshot cannot be changed; make another one with segment.snapshot()"
    _why_not_deleted = "a snapshot cannot be deleted; delete its files in S3"

    def __init__(self, gateway: Gateway, domain_name: str, segment_name: str) -> None:
        super().__init__(gateway, domain_name)
        self._scope = {**self._scope, "SegmentDefinitionName": segment_name}
        self.segment_name = segment_name

    def get(self, snapshot_id: str) -> SegmentSnapshot:
        """Read a snapshot.

        Raises:
            ResourceNotFoundError: there is none with this id, or no such segment.
        """
        return self._read_by_name(snapshot_id)

    def read(self, record: SegmentSnapshot, client: Any = None) -> SnapshotProfiles:
        """Return the profiles in the files of a snapshot; see `SegmentSnapshot.read`."""
        self._check_succeeded(record)
        folder = s3.Folder(record.destination_uri or "", self._gateway.channel, client)
        home = Profiles(self._gateway, self.domain_name)
        return SnapshotProfiles(folder, record.snapshot_id, record.data_format or "CSV", home)

    def _start(self, request: Wire) -> SegmentSnapshot:
        started = self._read(_CREATE_SNAPSHOT, request)
        return self._named(started)

    def _read_by_name(self, name: str) -> SegmentSnapshot:
        return self._named(super()._read_by_name(name))

    def _named(self, record: SegmentSnapshot) -> SegmentSnapshot:
        record.segment_definition_name = self.segment_name
        return record


class _EveryProfile(Results[Profile]):
    """All profiles of a domain, by way of a segment of everybody and its snapshot.

    Each iteration makes both, waits for the files, reads them, and removes segment and files, also
    when it is abandoned.
    """

    def __init__(
        self,
        segments: Segments,
        folder: str,
        role_arn: str,
        limit: int | None,
        page_size: int | None,
    ) -> None:
        s3.split(folder)
        super().__init__(no_pages, limit=limit, page_size=page_size, model=Profile)
        self._segments, self._folder, self._role_arn = segments, folder.rstrip("/"), role_arn

    def _pages(self, limit: int | None) -> Iterator[list[Profile]]:
        name = f"all-profiles-{uuid4().hex}"
        to = f"{self._folder}/{name}"
        segment = self._segments.create(
            name, where.everybody, description="Temporary: lists all profiles, then is deleted"
        )
        try:
            snapshot = segment.snapshot(to, role_arn=self._role_arn).wait()
            profiles = islice(snapshot.read(), limit)
            while page := list(islice(profiles, self._page_size)):
                yield page
        except JobFailedError:
            # A bucket that refuses to be written may refuse this too, and has its reason above.
            with suppress(ServiceError, ConnectionFailedError):
                self._remove(to, segment)
            raise
        except BaseException:  # also when the iteration is abandoned
            self._remove(to, segment)
            raise
        self._remove(to, segment)

    def _remove(self, folder: str, segment: Segment) -> None:
        # The files first: while the segment exists, its name shows which files are left.
        try:
            s3.Folder(folder, self._segments._gateway.channel).delete()
        finally:
            segment.delete()


def _groups_of(condition: Condition | Mapping[str, Any]) -> Wire:
    """Return the groups of a condition, or those that are given in the service's own form."""
    if isinstance(condition, Mapping):
        warn_of_empty_groups(condition, stacklevel=4)
        return dict(condition)
    return to_segment_groups(condition)


def _sort_of(sort: Any) -> SegmentSort:
    if isinstance(sort, SegmentSort):
        return sort
    if isinstance(sort, (str, SortKey)) or not isinstance(sort, Iterable):
        msg = "sort must be a list, such as [where.last_name.ascending()]"
        raise InvalidInputError(msg)
    return SegmentSort(attributes=[_sort_attribute(key) for key in sort])


def _sort_attribute(key: Any) -> SortAttribute:
    if isinstance(key, SortAttribute):
        return key
    if not isinstance(key, SortKey) or key.field.kind == "object":
        msg = "sort must have fields with a direction, such as where.last_name.ascending()"
        raise InvalidInputError(msg)
    prefix = "Attributes." if key.field.kind == "attribute" else ""
    kind: Any = "CALCULATED" if key.field.kind == "calculated" else "PROFILE"
    return SortAttribute(name=f"{prefix}{key.field.name}", order=key.order, type=kind)


def _check_one(condition: object, sql: str | None) -> None:
    if (condition is None) is (sql is None):
        msg = "a segment needs a condition, such as where.last_name.is_in('Lovelace'), or sql="
        raise InvalidInputError(f"{msg}, not both" if sql else msg)


def _next_version(name: str) -> str:
    found = _VERSION.fullmatch(name)
    following = f"{found[1]}-v{int(found[2]) + 1}" if found else f"{name}-v2"
    if len(following) > _LONGEST_NAME:
        msg = f"the next version's name would have more than {_LONGEST_NAME} characters; give name="
        raise InvalidInputError(msg)
    return following


def _id_of(profile: object) -> str:
    if isinstance(profile, Profile):
        profile = profile.profile_id
    if not isinstance(profile, str) or not profile:
        msg = "profiles must be stored profiles, or their ids"
        raise InvalidInputError(msg)
    return profile


def _error_of(failure: _Failure) -> ServiceError:
    message = failure.message or "the answer has no result for this profile"
    return ServiceError.of_status(failure.status or 500, message, operation=_MEMBERSHIP)

"""Segments: groups of profiles by conditions, and what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    TypeAlias,
    TypedDict,
    cast,
)

from .base import Identifier, OpenEnum, Record, UnredactedModel
from .profile import Profile

if TYPE_CHECKING:
    from typing import Unpack

    from customer_profiles._results import Results
    from customer_profiles.conditions import Condition, SortKey
    from customer_profiles.repositories.segments import Estimates, Segments, Snapshots
    from customer_profiles.repositories.snapshot_reader import SnapshotProfiles

SegmentType = Literal["CLASSIC", "ENHANCED"]
EstimateStatus = Literal["RUNNING", "SUCCEEDED", "FAILED"]
SnapshotStatus = Literal["COMPLETED", "IN_PROGRESS", "FAILED"]
SnapshotFormat = Literal["CSV", "JSONL", "ORC"]
SortOrder = Literal["ASC", "DESC"]
SortDataType = Literal["STRING", "NUMBER", "DATE"]
SortAttributeType = Literal["PROFILE", "CALCULATED"]
SortKeys: TypeAlias = "SegmentSort | Iterable[SortAttribute | SortKey]"
"""The order of a snapshot: `[where.calculated("spend_90d").descending(), ...]`."""


class SortAttribute(UnredactedModel):
    """An attribute that orders the snapshots of a segment."""

    name: str
    """The name, such as `LastName`, `Address.City`, `Attributes.tier` or `spend_90d`."""
    order: Annotated[SortOrder, OpenEnum()]
    """The direction; profiles without a value come last in both."""
    data_type: Annotated[SortDataType, OpenEnum()] | None = None
    """How values are compared; the service finds out by itself when it is left out."""
    type: Annotated[SortAttributeType, OpenEnum()] | None = None
    """Whether it is an attribute of profiles, or a calculated one."""


class SegmentSort(UnredactedModel):
    """The order of the snapshots of a segment."""

    attributes: list[SortAttribute]
    """The attributes, the most important first; up to 10."""


class Segment(Record):
    """A group of profiles: all that meet a condition at the moment.

    A segment cannot be changed: `replace()` creates a new version under another name. Listed
    ones do not have their groups, their query and their order; `refresh()` reads them.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("segment_definition_name", "display_name", "segment_definition_arn"),
            *("created_at", "segment_type"),
        }
    )

    segment_definition_name: Annotated[str, Identifier()] = ""
    """The name: up to 64 letters, digits, `_` and `-`."""
    display_name: str | None = None
    """The name that users see."""
    description: str | None = None
    """What the segment is for."""
    segment_groups: dict[str, Any] | None = None
    """The groups as the service has them; `condition` reads them."""
    segment_sql_query: str | None = None
    """The SQL query of a segment that has one in place of groups."""
    segment_sort: SegmentSort | None = None
    """The order of snapshots."""
    segment_definition_arn: str | None = None
    """The ARN; read only."""
    segment_type: Annotated[SegmentType, OpenEnum()] | None = None
    """CLASSIC with groups, ENHANCED with a query; read only."""
    created_at: datetime | None = None
    """When the segment was created; read only."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""

    @property
    def condition(self) -> Condition | None:
        """The condition that members meet; None if the segment has a query, or was listed."""
        if self.segment_groups is None:
            return None
        from customer_profiles.conditions.reading import read_segment_groups

        return read_segment_groups(self.segment_groups)

    def estimate(self) -> SegmentEstimate:
        """Start to count the members; `wait().count` is their number.

        Raises:
            DetachedError: no repository returned this instance.
        """
        return self._home().estimate(self)

    def members(self, profiles: Iterable[Profile | str]) -> SegmentMembership:
        """Find out which of some profiles are members, 100 with a request.

        Args:
            profiles: profiles, or their ids.

        Raises:
            BatchError: some profiles do not exist; `.failed` has the error of each by its id, and
                `.succeeded` the members among the others.
            DetachedError: no repository returned this instance.
        """
        return self._home().members(self.segment_definition_name, profiles)

    def has(self, profile: Profile | str) -> bool:
        """Return whether a profile is a member.

        Args:
            profile: the profile, or its id.

        Raises:
            ResourceNotFoundError: there is no such profile.
            DetachedError: no repository returned this instance.
        """
        return self._home().has(self.segment_definition_name, profile)

    def snapshot(
        self,
        to: str,
        *,
        role_arn: str,
        data_format: SnapshotFormat = "CSV",
        encryption_key: str | None = None,
    ) -> SegmentSnapshot:
        """Start to write the members to S3; `wait().read()` reads them.

        Args:
            to: the folder, such as `s3://bucket/folder`; one of its own for each snapshot, because
                AWS does not document how it names its files.
            role_arn: the role with which the service writes; you need `iam:PassRole` for it. The
                embedded engine writes with its own credentials.
            data_format: `CSV`, `JSONL` or `ORC`.
            encryption_key: the ARN of the KMS key that encrypts the files.

        Raises:
            InvalidInputError: `to` is no folder of S3.
            DetachedError: no repository returned this instance.
        """
        return self._home().snapshot(
            self.segment_definition_name,
            to,
            role_arn=role_arn,
            data_format=data_format,
            encryption_key=encryption_key,
        )

    def profiles(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[Profile]:
        """List the members; embedded only.

        Pages are read as you iterate, so memory stays small however many members there are.

        Args:
            limit: the largest number of profiles; None lists all.
            page_size: how many profiles to read at a time, up to 100.
            start: a `next_token` to resume at.

        Raises:
            InvalidInputError: the client is not embedded; the message names the way on AWS.
            DetachedError: no repository returned this instance.
        """
        return self._home().profiles(
            self.segment_definition_name, limit=limit, page_size=page_size, start=start
        )

    def replace(
        self,
        condition: Condition | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        sql: str | None = None,
        **settings: Unpack[SegmentFields],
    ) -> Segment:
        """Create a new version of this segment under another name, and return it.

        The service cannot change a segment. This one stays until you delete it: move your campaigns
        and other segments to the new one first. What you leave out is taken from this one.

        Args:
            condition: the condition of the new version.
            name: its name; by default this name with the next version: `gold-v2` after `gold`, and
                `gold-v3` after `gold-v2`.
            sql: its query, in place of a condition.
            settings: `display_name`, `description`, `sort` and `tags`.

        Raises:
            BadRequestError: there is a segment of that name.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
            DetachedError: no repository returned this instance.
        """
        return self._home().replace(self, condition, name=name, sql=sql, **settings)

    def _home(self) -> Segments:
        return cast("Segments", self._origin().home)


@dataclass(frozen=True, slots=True)
class SegmentMembership:
    """Which of some profiles are members of a segment."""

    present: tuple[Profile, ...]
    """The members, in the order of the call."""
    absent: tuple[str, ...]
    """The ids of the others."""
    last_computed_at: datetime | None = None
    """When the service computed the members: now, or when an SQL segment's snapshot was made."""

    def __iter__(self) -> Iterator[Profile]:
        """Iterate over the members."""
        return iter(self.present)

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.present)

    def __contains__(self, profile: object) -> bool:
        """Return whether a profile, or the profile of an id, is a member."""
        profile_id = profile.profile_id if isinstance(profile, Profile) else profile
        return any(member.profile_id == profile_id for member in self.present)

    def __repr__(self) -> str:
        return f"SegmentMembership(<{len(self.present)} present>, <{len(self.absent)} absent>)"


class SegmentEstimate(Record):
    """The number of profiles that meet a condition, which the service counts in the background."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"domain_name", "estimate_id", "status", "estimate", "message"}
    )

    domain_name: Annotated[str, Identifier()] = ""
    """The name of the domain."""
    estimate_id: Annotated[str, Identifier()] = ""
    """The estimate's id."""
    status: Annotated[EstimateStatus, OpenEnum()] | None = None
    """The state; SUCCEEDED and FAILED are final."""
    estimate: str | None = None
    """The number of profiles as text; `count` is the number."""
    message: str | None = None
    """The reason why it failed."""

    @property
    def is_over(self) -> bool:
        """Whether the service has finished, successfully or not."""
        return self.status in ("SUCCEEDED", "FAILED")

    @property
    def count(self) -> int:
        """The number of profiles.

        Raises:
            JobFailedError: the service could not count them.
            InvalidInputError: the service has not finished; call `wait()` first.
        """
        return self._home().count(self)

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the number is known, refreshing this in place, and return it.

        Args:
            timeout: the most seconds to wait; None waits until the end.

        Raises:
            JobFailedError: the service could not count; the message is its reason.
            WaitTimeoutError: it has not finished after that time; it continues to count.
            DetachedError: no repository returned this instance.
        """
        self._home().wait(self, timeout)
        return self

    def _home(self) -> Estimates:
        return cast("Estimates", self._origin().home)


class SegmentSnapshot(Record):
    """The members of a segment at a moment, which the service writes to files in S3."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("segment_definition_name", "snapshot_id", "status", "status_message"),
            *("data_format", "destination_uri"),
        }
    )

    segment_definition_name: Annotated[str, Identifier()] = ""
    """The name of the segment."""
    snapshot_id: Annotated[str, Identifier()] = ""
    """The snapshot's id: 32 hexadecimal digits."""
    status: Annotated[SnapshotStatus, OpenEnum()] | None = None
    """The state; COMPLETED and FAILED are final."""
    status_message: str | None = None
    """The reason why it failed."""
    data_format: Annotated[SnapshotFormat, OpenEnum()] | None = None
    """The format of the files."""
    encryption_key: str | None = None
    """The ARN of the KMS key that encrypts the files."""
    role_arn: str | None = None
    """The role with which the service writes."""
    destination_uri: str | None = None
    """The folder of the files, without a slash at the end."""

    @property
    def is_over(self) -> bool:
        """Whether the service has finished, successfully or not."""
        return self.status in ("COMPLETED", "FAILED")

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the files are written, refreshing this in place, and return it.

        Args:
            timeout: the most seconds to wait; None waits until the end.

        Raises:
            JobFailedError: the service could not write them; the message is its reason.
            WaitTimeoutError: it has not finished after that time; it continues to write.
            DetachedError: no repository returned this instance.
        """
        self._home().wait(self, timeout)
        return self

    def read(self, *, s3: Any = None) -> SnapshotProfiles:
        """Read the profiles from the files, lazily: a file is opened when it is needed.

        Every `.csv` file below the folder that has a column `profileid`, in any case, is read;
        others are skipped. For `JSONL` and `ORC`, these are the files with that ending; ORC needs
        pyarrow.

        Args:
            s3: a boto3 client of S3; by default one with the credentials of this client.

        Raises:
            InvalidInputError: the snapshot is not COMPLETED; call `wait()` first.
            DetachedError: no repository returned this instance.
        """
        return self._home().read(self, s3)

    def _home(self) -> Snapshots:
        return cast("Snapshots", self._origin().home)


class SegmentFields(TypedDict, total=False):
    """The settings of a segment as keywords."""

    display_name: str
    """The name that users see."""
    description: str
    """What the segment is for."""
    sort: SortKeys
    """The order of snapshots, such as `[where.last_name.ascending()]`."""
    tags: Mapping[str, str]
    """The tags."""

"""A domain: the container of all customer data, and its settings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypedDict, TypeVar, cast, overload

from customer_profiles.errors import CustomerProfilesError

from .base import Record, UnredactedModel
from .matching import MatchingConfig, RuleBasedMatchingConfig

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import Literal

    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.repositories.attributes import Attributes
    from customer_profiles.repositories.calculated_attributes import CalculatedAttributes
    from customer_profiles.repositories.changes import Changes
    from customer_profiles.repositories.domains import Domains
    from customer_profiles.repositories.event_streams import EventStreams
    from customer_profiles.repositories.integrations import Integrations
    from customer_profiles.repositories.jobs import Jobs
    from customer_profiles.repositories.layouts import Layouts
    from customer_profiles.repositories.matches import Matches
    from customer_profiles.repositories.object_types import ObjectTypes
    from customer_profiles.repositories.profile_objects import ProfileObjects
    from customer_profiles.repositories.profiles import Profiles
    from customer_profiles.repositories.segments import Segments
    from customer_profiles.repositories.upload_jobs import UploadJobs
    from customer_profiles.transfer import ExportReport

    from .event_stream import Delivery
    from .profile_object import DeadLetter, JsonObject

ObjectT = TypeVar("ObjectT", bound="ProfileObject")


class DomainStats(UnredactedModel):
    """The numbers and sizes of what a domain contains."""

    profile_count: int | None = None
    """The number of profiles."""
    metering_profile_count: int | None = None
    """The number of profiles on the bill: one more for each 100 objects of a profile."""
    object_count: int | None = None
    """The number of objects."""
    total_size: int | None = None
    """The size of all objects in bytes."""


class Readiness(UnredactedModel):
    """The progress of the service in preparing a data store."""

    progress_percentage: int | None = None
    """The progress in percent, 0 to 100."""
    message: str | None = None
    """The service's comment."""


class DataStore(UnredactedModel):
    """The long-term store of a domain; once enabled it cannot be disabled."""

    enabled: bool | None = None
    """Whether data is kept for ten years."""
    readiness: Readiness | None = None
    """The progress of enabling it; read only."""


class Domain(Record):
    """A container of profiles, object types and settings, separate from other domains.

    `cp.domain("shop")` returns a domain with its name alone, and sends nothing; its other
    fields are None until `refresh()`.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"domain_name", "default_expiration_days", "created_at", "last_updated_at", "stats"}
    )

    domain_name: str
    """The name: up to 64 letters, digits, `_` and `-`."""
    default_expiration_days: int | None = None
    """Days after the last update until data expires, 1 to 1,098."""
    default_encryption_key: str | None = None
    """The ARN of the KMS key that encrypts the domain's data."""
    dead_letter_queue_url: str | None = None
    """The URL of the SQS queue for objects that ingestion rejects."""
    stats: DomainStats | None = None
    """The numbers and sizes of its contents; read only, and only by `get` and `refresh`."""
    matching: MatchingConfig | None = None
    """The settings of the weekly machine-learning matching."""
    rule_based_matching: RuleBasedMatchingConfig | None = None
    """The settings of the rule-based matching."""
    data_store: DataStore | None = None
    """The long-term store."""
    created_at: datetime | None = None
    """When the domain was created; read only."""
    last_updated_at: datetime | None = None
    """When the domain was last changed; read only."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""

    def __str__(self) -> str:
        """Describe what is in the domain, without any customer's values.

        An embedded domain is counted now, in its file. On AWS nothing is sent: the counts are
        those of the last `get` or `refresh`.
        """
        try:
            return self._home()._describe(self)
        except CustomerProfilesError:  # It is detached, gone, or its engine is closed.
            return repr(self)

    def __iter__(self) -> NoReturn:
        """Refuse: a domain is not a list, and its fields as pairs are of no use.

        Raises:
            TypeError: always; the message names what can be iterated over.
        """
        msg = (
            "a domain is no list; iterate over .profiles.search(...), .object_types.all(), "
            ".matches.all() or .jobs.all(), on the embedded engine also over .profiles.all() and "
            ".objects(...).all(); model_dump() returns its settings, print() shows what is in it"
        )
        raise TypeError(msg)

    @property
    def profiles(self) -> Profiles:
        """The domain's profiles."""
        return cast("Profiles", self._contents("profiles"))

    @property
    def object_types(self) -> ObjectTypes:
        """The domain's object types."""
        return cast("ObjectTypes", self._contents("object_types"))

    @overload
    def objects(self, object_type: type[ObjectT], /) -> ProfileObjects[ObjectT]: ...

    @overload
    def objects(self, object_type: str, /) -> ProfileObjects[JsonObject]: ...

    def objects(self, object_type: type[ProfileObject] | str, /) -> ProfileObjects[Any]:
        """Return the collection that puts objects of a type into the domain; sends nothing.

        Args:
            object_type: the class of the objects, or the object type's name for mappings and
                JSON texts.
        """
        return cast("ProfileObjects[Any]", self._contents("profile_objects", object_type))

    @property
    def integrations(self) -> Integrations:
        """The domain's integrations."""
        return cast("Integrations", self._contents("integrations"))

    def attributes(self, object_type: type[ProfileObject] | str = "_profile", /) -> Attributes:
        """Return the attributes of an object type, which are profiles if none is given.

        Nothing is sent.

        Args:
            object_type: the class of the objects, or the name of an object type.
        """
        return cast("Attributes", self._contents("attributes", object_type))

    @property
    def calculated_attributes(self) -> CalculatedAttributes:
        """The domain's calculated attributes: what is computed from the objects of a profile."""
        return cast("CalculatedAttributes", self._contents("calculated_attributes"))

    @property
    def layouts(self) -> Layouts:
        """The domain's layouts."""
        return cast("Layouts", self._contents("layouts"))

    @property
    def event_streams(self) -> EventStreams:
        """The domain's event stream, which sends each change to Kinesis."""
        return cast("EventStreams", self._contents("event_streams"))

    @property
    def changes(self) -> Changes:
        """The changes of the domain's profiles and objects, in order; embedded only."""
        return cast("Changes", self._contents("changes"))

    @property
    def segments(self) -> Segments:
        """The domain's segments: groups of profiles by conditions."""
        return cast("Segments", self._contents("segments"))

    @property
    def matches(self) -> Matches:
        """The domain's groups of profiles that probably belong to the same customer."""
        return cast("Matches", self._contents("matches"))

    @property
    def jobs(self) -> Jobs:
        """The domain's identity-resolution jobs."""
        return cast("Jobs", self._contents("jobs"))

    @property
    def upload_jobs(self) -> UploadJobs:
        """The domain's upload jobs: CSV files of customers that are imported."""
        return cast("UploadJobs", self._contents("upload_jobs"))

    def export(  # noqa: PLR0913  (all but the folder are seldom given)
        self,
        folder: str | os.PathLike[str],
        *,
        part_format: Literal["jsonl", "parquet"] = "jsonl",
        ids: Iterable[str] | None = None,
        snapshot: str | None = None,
        role_arn: str | None = None,
        on_progress: Callable[[str, int], object] | None = None,
    ) -> ExportReport:
        """Export the domain into a folder, from which `cp.domains.import_from` recreates it.

        The export has settings, object types, layouts, integrations, calculated attributes,
        segments, event streams, tags, profiles, keys, objects and decisions. The manifest with
        counts and hashes is written last. After an interruption, call it again with the same
        folder: it continues.

        Args:
            folder: a folder that is new or empty, or has the same export unfinished.
            part_format: `jsonl` (JSON lines), or `parquet`, which needs pyarrow.
            ids: the ids of the profiles; None for all profiles.
            snapshot: on AWS, which lists no profiles, an address such as `s3://bucket/prefix`, at
                which a snapshot of all profiles is made, read and removed.
            role_arn: the role with which AWS writes the snapshot.
            on_progress: called with a kind, such as `profiles`, and the number of its rows.

        Returns:
            The counts, and in `not_included` what this side of the service cannot give.

        Raises:
            TransferError: the folder has other content, or cannot be written.
            ResourceNotFoundError: there is no such domain.
        """
        return self._home().export(
            self,
            folder,
            part_format=part_format,
            ids=ids,
            snapshot=snapshot,
            role_arn=role_arn,
            on_progress=on_progress,
        )

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """The objects that ingestion rejected, the oldest first; embedded only.

        If `dead_letter_queue_url` is set, they are sent to that SQS queue instead, as on AWS.

        Raises:
            InvalidInputError: the client is connected to AWS, where only the queue has them.
            ResourceNotFoundError: the domain does not exist.
        """
        return self._home().dead_letters(self.domain_name)

    @property
    def deliveries(self) -> list[Delivery]:
        """How well changes and dead letters are delivered to Kinesis and SQS; embedded only.

        Raises:
            InvalidInputError: the client is connected to AWS.
            ResourceNotFoundError: the domain does not exist.
        """
        return self._home().deliveries(self.domain_name)

    def retry_deliveries(self) -> int:
        """Try undeliverable records again, and return how many there are; embedded only.

        Raises:
            InvalidInputError: the client is connected to AWS.
            ResourceNotFoundError: the domain does not exist.
        """
        return self._home().retry_deliveries(self.domain_name)

    def _contents(self, collection: str, *args: Any) -> Any:
        return self._home().contents(self.domain_name, collection, *args)

    def _home(self) -> Domains:
        return cast("Domains", self._origin().home)


class DomainFields(TypedDict, total=False):
    """The settings of a domain as keywords; None clears a setting in an update."""

    default_expiration_days: int
    default_encryption_key: str | None
    dead_letter_queue_url: str | None
    matching: MatchingConfig
    rule_based_matching: RuleBasedMatchingConfig
    data_store: DataStore
    tags: dict[str, str]

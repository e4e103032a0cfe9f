"""The jobs that find and merge duplicate profiles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, cast

from .base import Identifier, Model, OpenEnum, Record
from .matching import AutoMerging

if TYPE_CHECKING:
    from customer_profiles.repositories.jobs import Jobs

JobStatus = Literal[
    "PENDING",
    "PREPROCESSING",
    "FIND_MATCHING",
    "MERGING",
    "COMPLETED",
    "PARTIAL_SUCCESS",
    "FAILED",
]
_LAST = ("COMPLETED", "PARTIAL_SUCCESS", "FAILED")


class JobStats(Model):
    """What a job has done so far."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"number_of_profiles_reviewed", "number_of_matches_found", "number_of_merges_done"}
    )

    number_of_profiles_reviewed: int | None = None
    """How many profiles were compared."""
    number_of_matches_found: int | None = None
    """How many groups of profiles match."""
    number_of_merges_done: int | None = None
    """How many merges were done."""


class S3ExportingLocation(Model):
    """The S3 place that has the results."""

    _shown: ClassVar[frozenset[str]] = frozenset({"s3_bucket_name", "s3_key_name"})

    s3_bucket_name: str | None = None
    """The bucket."""
    s3_key_name: str | None = None
    """The prefix of the keys."""


class ExportingLocation(Model):
    """Where the results of a job are."""

    _shown: ClassVar[frozenset[str]] = frozenset({"s3_exporting"})

    s3_exporting: S3ExportingLocation | None = None
    """The S3 place that has them."""


class IdentityResolutionJob(Record):
    """A run of the matching, and of the merging if that is enabled.

    Listed jobs know no `auto_merging` and no times but start and end; `refresh()` reads the rest.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("domain_name", "job_id", "status", "message", "job_start_time", "job_end_time"),
            *("last_updated_at", "job_expiration_time", "job_stats", "exporting_location"),
        }
    )

    domain_name: Annotated[str, Identifier()] = ""
    """The domain."""
    job_id: Annotated[str, Identifier()] = ""
    """The job's id: 32 hexadecimal digits."""
    status: Annotated[JobStatus, OpenEnum()] | None = None
    """How far it is; it is over with COMPLETED, PARTIAL_SUCCESS and FAILED."""
    message: str | None = None
    """What went wrong."""
    job_start_time: datetime | None = None
    """When it was or will be started."""
    job_end_time: datetime | None = None
    """When it was over."""
    last_updated_at: datetime | None = None
    """When it was last changed."""
    job_expiration_time: datetime | None = None
    """When the service forgets it."""
    auto_merging: AutoMerging | None = None
    """Whether and how it merges."""
    exporting_location: ExportingLocation | None = None
    """Where its results are."""
    job_stats: JobStats | None = None
    """What it has done so far."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _LAST

    def wait(
        self,
        timeout: float | None = None,
        *,
        on_progress: Callable[[IdentityResolutionJob], object] | None = None,
    ) -> Self:
        """Wait until the job is over, reading it again in place, and give it.

        A job that failed is over too: look at `status` and `message`.

        Args:
            timeout: seconds to wait at the most; None waits as long as it takes.
            on_progress: called with the job at once, and whenever its status or what it has
                done is news.

        Raises:
            WaitTimeoutError: it is not over after that time; it goes on.
        """
        self._home().wait(self, timeout, on_progress)
        return self

    def _home(self) -> Jobs:
        return cast("Jobs", self._origin().home)

"""The jobs that find and merge duplicate profiles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, cast

from .base import Identifier, OpenEnum, Record, UnredactedModel
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


class JobStats(UnredactedModel):
    """The work that a job has done so far."""

    number_of_profiles_reviewed: int | None = None
    """The number of profiles that were compared."""
    number_of_matches_found: int | None = None
    """The number of groups of profiles that match."""
    number_of_merges_done: int | None = None
    """The number of merges that were done."""


class S3ExportingLocation(UnredactedModel):
    """The S3 location of the results."""

    s3_bucket_name: str | None = None
    """The bucket."""
    s3_key_name: str | None = None
    """The prefix of the keys."""


class ExportingLocation(UnredactedModel):
    """The location of the results of a job."""

    s3_exporting: S3ExportingLocation | None = None
    """The S3 location of the results."""


class IdentityResolutionJob(Record):
    """A run of the matching, and of the merging if that is enabled.

    Listed jobs have no `auto_merging` and no times but start and end; `refresh()` reads the rest.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("domain_name", "job_id", "status", "message", "job_start_time", "job_end_time"),
            *("last_updated_at", "job_expiration_time", "job_stats", "exporting_location"),
        }
    )

    domain_name: Annotated[str, Identifier()] = ""
    """The name of the domain."""
    job_id: Annotated[str, Identifier()] = ""
    """The job's id: 32 hexadecimal digits."""
    status: Annotated[JobStatus, OpenEnum()] | None = None
    """The state; COMPLETED, PARTIAL_SUCCESS and FAILED are final."""
    message: str | None = None
    """The reason why the job failed.

    On the embedded engine also how reliable the matches of a job are if they are doubtful, and how
    they differ from those of the job before.
    """
    job_start_time: datetime | None = None
    """When the job starts or started."""
    job_end_time: datetime | None = None
    """When the job ended."""
    last_updated_at: datetime | None = None
    """When the job was last changed."""
    job_expiration_time: datetime | None = None
    """When the service deletes the record of the job."""
    auto_merging: AutoMerging | None = None
    """The settings of the merging."""
    exporting_location: ExportingLocation | None = None
    """The location of the results."""
    job_stats: JobStats | None = None
    """The work that is done so far."""

    @property
    def is_over(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self.status in _LAST

    def wait(
        self,
        timeout: float | None = None,
        *,
        on_progress: Callable[[IdentityResolutionJob], object] | None = None,
    ) -> Self:
        """Wait until the job is over, refreshing it in place, and return it.

        A job that failed is over too: read `status` and `message`.

        Args:
            timeout: the most seconds to wait; None waits until the job is over.
            on_progress: called with the job at once, and whenever its status or `job_stats`
                have changed.

        Raises:
            WaitTimeoutError: the job is not over after that time; it continues to run.
            DetachedError: no repository returned this instance.
        """
        self._home().wait(self, timeout, on_progress)
        return self

    def _home(self) -> Jobs:
        return cast("Jobs", self._origin().home)

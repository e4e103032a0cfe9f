"""Upload jobs: files of customers that the service imports."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, BinaryIO, ClassVar, Literal, Self, TypeAlias, cast

from .base import Identifier, Model, OpenEnum, Record, UnredactedModel
from .object_type import ObjectTypeField

if TYPE_CHECKING:
    from customer_profiles.repositories.upload_jobs import UploadJobs

UploadStatus = Literal[
    "CREATED", "IN_PROGRESS", "PARTIALLY_SUCCEEDED", "SUCCEEDED", "FAILED", "STOPPED"
]
UploadFailure = Literal["VALIDATION_FAILURE", "INTERNAL_FAILURE"]
UploadFile: TypeAlias = "str | os.PathLike[str] | BinaryIO"
"""The path of a CSV file, or a binary stream that can be read twice."""
_LAST = ("PARTIALLY_SUCCEEDED", "SUCCEEDED", "FAILED", "STOPPED")


class UploadResults(UnredactedModel):
    """How many rows of a file had which outcome so far; the service names none of them."""

    updated_records: int | None = None
    """The rows whose profile existed and was updated."""
    created_records: int | None = None
    """The rows for which a profile was created."""
    failed_records: int | None = None
    """The rows that changed nothing, such as one without a unique value."""


class UploadPath(Model):
    """Where the file of an upload job is put, and the key that it is encrypted with."""

    _shown: ClassVar[frozenset[str]] = frozenset({"valid_until"})

    url: str
    """The URL of a PUT request; whoever has it can put the file until it expires."""
    client_token: str | None = None
    """The key, 32 bytes in Base64, which three headers of the request repeat."""
    valid_until: datetime | None = None
    """When the URL expires."""


class UploadJob(Record):
    """A CSV file of customers, and its import.

    Listed jobs have no `fields`, `unique_key` and `results_summary`; `refresh()` reads them.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("job_id", "display_name", "status", "status_reason", "created_at", "completed_at"),
            *("unique_key", "results_summary", "data_expiry"),
        }
    )

    job_id: Annotated[str, Identifier()] = ""
    """The job's id: 32 hexadecimal digits."""
    display_name: str | None = None
    """The name that users see, such as that of the file."""
    status: Annotated[UploadStatus, OpenEnum()] | None = None
    """The state; all but CREATED and IN_PROGRESS are final."""
    status_reason: Annotated[UploadFailure, OpenEnum()] | None = None
    """Why a job failed: VALIDATION_FAILURE is the file's fault."""
    created_at: datetime | None = None
    """When the job was created."""
    completed_at: datetime | None = None
    """When the job ended."""
    fields: dict[str, ObjectTypeField] | None = None
    """The mapping: by name, a column of the file and the member of a profile that it fills."""
    unique_key: str | None = None
    """The field whose values identify the customers."""
    results_summary: UploadResults | None = None
    """How many rows were imported so far."""
    data_expiry: int | None = None
    """The days that the imported profiles are kept at least."""

    @property
    def is_over(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self.status in _LAST

    def path(self) -> UploadPath:
        """Return a URL to put the file to, which is valid for some minutes.

        `put` requests one and uses it.

        Raises:
            BadRequestError: the job was started.
        """
        return self._home().path(self.job_id)

    def put(
        self, file: UploadFile, *, on_progress: Callable[[int, int], object] | None = None
    ) -> Self:
        """Upload the file, which replaces an earlier one, and return the job.

        Args:
            file: the path of the file, or a binary stream.
            on_progress: called with the bytes that were sent, and the size of the file.

        Raises:
            InvalidInputError: the service would refuse the file; nothing was sent.
            BadRequestError: the job was started.
            ConnectionFailedError: no answer came.
        """
        self._home().put(self.job_id, file, on_progress)
        return self

    def start(self) -> Self:
        """Start the import of the file that was uploaded, and return the job, read again.

        Raises:
            BadRequestError: the job was started before.
        """
        self._home().start(self.job_id)
        return self.refresh()

    def stop(self) -> Self:
        """Stop the import, and return the job, read again; what was imported stays.

        Raises:
            BadRequestError: the job is over.
        """
        self._home().stop(self.job_id)
        return self.refresh()

    def wait(
        self,
        timeout: float | None = None,
        *,
        on_progress: Callable[[UploadJob], object] | None = None,
    ) -> Self:
        """Wait until the job is over, refreshing it in place, and return it.

        A job that failed is over too: read `status` and `status_reason`.

        Args:
            timeout: the most seconds to wait; None waits until the job is over.
            on_progress: called with the job at once, and whenever its status or
                `results_summary` have changed.

        Raises:
            InvalidInputError: the job was not started, so that it never ends.
            WaitTimeoutError: the job is not over after that time; it continues to run.
        """
        self._home().wait(self, timeout, on_progress)
        return self

    def _home(self) -> UploadJobs:
        return cast("UploadJobs", self._origin().home)

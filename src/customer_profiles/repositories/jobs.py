"""The jobs that find and merge the duplicate profiles of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.errors import WaitTimeoutError
from customer_profiles.models.job import IdentityResolutionJob

from .base import ReadOnlyCollection

if TYPE_CHECKING:
    from collections.abc import Callable


class Jobs(ReadOnlyCollection[IdentityResolutionJob]):
    """The identity-resolution jobs of one domain.

    They are listed by their start. The service starts them by the schedule in the domain's
    `matching`. The embedded engine checks schedules when `cp.integrations.run_due()` is called,
    and `domain.matches.run()` starts a job at once. A job whose process was killed counts as
    running for half a minute; then it has failed, and you can start another one.

    Source: GetIdentityResolutionJob and ListIdentityResolutionJobs of the service's API
    reference.
    """

    _model, _key = IdentityResolutionJob, "job_id"
    _GET = "GetIdentityResolutionJob"
    _LIST = "ListIdentityResolutionJobs"
    _why_not_saved = (
        "a job cannot be changed; the settings of the next one are in the domain's matching"
    )
    _why_not_deleted = "a job cannot be deleted; the service deletes it at its job_expiration_time"

    def get(self, job_id: str) -> IdentityResolutionJob:
        """Read one job.

        Raises:
            ResourceNotFoundError: the domain has no such job.
        """
        return self._read_by_name(job_id)

    def wait(
        self,
        job: IdentityResolutionJob,
        timeout: float | None = None,
        on_progress: Callable[[IdentityResolutionJob], object] | None = None,
    ) -> None:
        """Read a job repeatedly until it is over.

        Raises:
            WaitTimeoutError: it is not over after that many seconds.
        """
        report = on_progress or (lambda _: None)
        report(job)
        waits = self._gateway.waits(timeout)
        while not job.is_over:
            if next(waits, None) is None:
                msg = (
                    f"the job is still {job.status} after {timeout} seconds; it keeps running, "
                    "and you can call wait() again"
                )
                raise WaitTimeoutError(msg)
            before = (job.status, job.job_stats)
            job.refresh()
            if (job.status, job.job_stats) != before:
                report(job)

"""The jobs that find and merge the duplicate profiles of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pydantic import Field

from customer_profiles._results import Results
from customer_profiles.errors import InvalidInputError, WaitTimeoutError
from customer_profiles.models.base import attach_all
from customer_profiles.models.job import IdentityResolutionJob

from .base import Answer, source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire

_GET = "GetIdentityResolutionJob"
_LIST = "ListIdentityResolutionJobs"


class _Page(Answer):
    items: list[IdentityResolutionJob] | None = Field(
        default=None, validation_alias="IdentityResolutionJobsList"
    )
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


class Jobs:
    """The identity-resolution jobs of one domain.

    The service starts them by the schedule in the domain's `matching`. The embedded engine looks
    at schedules when `cp.integrations.run_due()` is called, and starts one at once by
    `domain.matches.run()`. A job whose process was killed counts as running for half a minute;
    then it has failed, and another one can be started.

    Source: GetIdentityResolutionJob and ListIdentityResolutionJobs of the service's API
    reference.
    """

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self.domain_name = domain_name

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[IdentityResolutionJob]:
        """List the jobs by their start; pages are fetched as you iterate."""

        def fetch(size: int, token: str | None) -> tuple[list[IdentityResolutionJob], str | None]:
            page = {"MaxResults": size} | ({"NextToken": token} if token else {})
            answer, body = self._gateway.read(_LIST, self._request(page), _read_page)
            items = answer.items or []
            attach_all(items, self, body, "IdentityResolutionJobsList")
            return items, answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

    def get(self, job_id: str) -> IdentityResolutionJob:
        """Read one job.

        Raises:
            ResourceNotFoundError: the domain has no such job.
        """
        request = self._request({"JobId": job_id})
        job, body = self._gateway.read(_GET, request, IdentityResolutionJob._from_wire)
        return job._attach(self, body)

    def wait(
        self,
        job: IdentityResolutionJob,
        timeout: float | None = None,
        on_progress: Callable[[IdentityResolutionJob], object] | None = None,
    ) -> None:
        """Read a job again and again until it is over.

        Raises:
            WaitTimeoutError: it is not over after that many seconds.
        """
        tell = on_progress or (lambda _: None)
        tell(job)
        waits = self._gateway.waits(timeout)
        while not job.is_over:
            if next(waits, None) is None:
                msg = (
                    f"the job is still {job.status} after {timeout} seconds; it goes on, and "
                    "wait() can be called again"
                )
                raise WaitTimeoutError(msg)
            before = (job.status, job.job_stats)
            job.refresh()
            if (job.status, job.job_stats) != before:
                tell(job)

    def save(self, _record: IdentityResolutionJob) -> NoReturn:
        """Refuse: what a job did cannot be changed."""
        msg = "a job cannot be changed; the settings of the next one are the domain's matching"
        raise InvalidInputError(msg)

    def _reread(self, record: IdentityResolutionJob) -> IdentityResolutionJob:
        """Read a job again."""
        return self.get(str(source_of(record)["JobId"]))

    def _erase(self, _record: IdentityResolutionJob) -> NoReturn:
        """Refuse: a job cannot be deleted."""
        msg = "a job cannot be deleted; the service forgets it at its job_expiration_time"
        raise InvalidInputError(msg)

    def _request(self, members: Wire) -> Wire:
        return {"DomainName": self.domain_name} | members

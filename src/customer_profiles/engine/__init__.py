"""The service itself, locally: one function an operation, over SQLite.

A request is checked by the service's own model before its function sees it, whoever sent it.
What AWS does not document is marked with a comment that begins with `Assumed:`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from customer_profiles import _wire

from . import operations
from .aws import Aws
from .flows import runs
from .ingestion import dead_letter_queue
from .ingestion.put import apply_pending
from .matching import index, jobs, rules
from .profiles import provenance
from .profiles.access import domain_row, existing_profile
from .service import protocol
from .service.clock import Clock, ManualClock
from .service.context import Context, Quotas
from .service.paging import Pages
from .service.refusals import Refusal, bad_request, invalid, not_found
from .store import letters, matches
from .store.database import Database, StorageError, page_secret

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from botocore.client import BaseClient

    from customer_profiles.identity import Candidate

    from .aws import Session

__all__ = ["Clock", "Engine", "ManualClock", "Quotas", "Refusal", "StorageError"]

_WRITING = ("Create", "Update", "Put", "BatchPut", "Delete", "Merge")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Engine:
    """The service over one database; it may be shared by threads."""

    def __init__(  # noqa: PLR0913 - all but the path are seldom given
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        clock: Clock | None = None,
        region: str = "us-east-1",
        account_id: str = "000000000000",
        quotas: Quotas | None = None,
        ingestion_delay: float = 0.0,
        matching_delay: float = 0.0,
        session: Session | None = None,
        strict: bool = False,
    ) -> None:
        """Open the engine on a database file, which is made if it is missing.

        Args:
            path: the file; none keeps everything in memory.
            clock: gives the time and new ids.
            region: stands in ARNs.
            account_id: stands in ARNs.
            quotas: the service's limits, its defaults if none are given.
            ingestion_delay: seconds until an object that was put is seen, for tests of code that
                must wait for AWS; none is seen at once. Engines that share a file should share
                it: one without a delay looks only when it is opened whether any objects wait.
            matching_delay: seconds until the rules that an existing domain gets are applied, an
                hour on AWS; a new domain never waits.
            session: a boto3 session for the S3 files of flows and the SQS queues of dead letters;
                none is boto3's default session, which is not asked before it is needed.
            strict: check every answer against the service's model, for tests of the engine.

        Raises:
            StorageError: the file cannot be used; it is left as it was.
        """
        _check_kind("clock", clock, Clock)
        _check_kind("quotas", quotas, Quotas)
        self._clock = clock or Clock()
        self._database = Database(path)
        with self._database.read() as connection:
            pages = Pages(page_secret(connection), self._clock)
            waits = letters.anything_waits(connection)
        self._context = Context(
            self._database,
            self._clock,
            pages,
            quotas or Quotas(),
            region,
            account_id,
            ingestion_delay,
            matching_delay,
            aws=Aws(session, region),
        )
        # Objects may wait in a file since it was open with a delay.
        self._settles = ingestion_delay > 0 or waits
        self._strict = strict

    def answer(self, operation: str, request: dict[str, Any]) -> bytes:
        """Answer a request as the service would, in JSON.

        Raises:
            Refusal: the service says no.
            StorageError: the database failed; nothing of the request is stored.
        """
        function = operations.find(operation)
        request = protocol.without_nulls(request)
        problems = _wire.request_check(operation)(request)
        if problems:
            raise invalid(problems)
        self._settle()
        try:
            answer = function(self._context, request)
        except UnicodeEncodeError:
            # Assumed: text that is not valid Unicode, such as half a surrogate pair, is refused.
            raise bad_request("The request holds text that is not valid Unicode") from None
        if operation.startswith(_WRITING):
            rules.settle(self._context)
        body = answer if isinstance(answer, bytes) else _encode(answer).encode()
        if self._strict:
            _check_answer(operation, body)
        return body

    def _settle(self) -> None:
        """See the objects whose delay is over, and match what they made."""
        if self._settles:
            apply_pending(self._context)
            rules.settle(self._context)

    def dead_letters(self, domain_name: str) -> list[dict[str, Any]]:
        """Give the objects that ingestion rejected, the oldest first.

        Those of a domain with a DeadLetterQueueUrl leave for that queue.

        Raises:
            Refusal: there is no such domain.
        """
        self._settle()
        with self._database.read() as connection:
            found = letters.rejected(connection, domain_row(connection, domain_name).id)
        return [
            {
                "ObjectTypeName": letter.type,
                "Message": letter.message,
                "Object": letter.body,
                "FailedAt": letter.failed,
            }
            for letter in found
        ]

    def provenance(self, domain_name: str, profile_id: str) -> dict[str, dict[str, Any]]:
        """Give which object set which value of a profile, by paths such as `Address.City`.

        Raises:
            Refusal: there is no such domain or profile.
        """
        self._settle()
        with self._database.read() as connection:
            domain = domain_row(connection, domain_name)
            stored = existing_profile(self._context, connection, domain, profile_id)
        sources = provenance.spelled_out(stored.sources, json.loads(stored.body), "ProfileId")
        return {
            ".".join(path): {
                "ObjectTypeName": source.type,
                "ProfileObjectUniqueKey": source.unique_key,
                "SetAt": source.ingested,
            }
            for path, source in sources.named.items()
        }

    def handle(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None
    ) -> protocol.Response:
        """Answer an HTTP request with status, headers and body; a refusal is an answer too."""
        request_id = self._clock.new_request_id()
        try:
            operation, request = protocol.read(method, url, headers, body)
            return protocol.answered(self.answer(operation, request), request_id)
        except Refusal as refusal:
            return protocol.refused(refusal, request_id)
        except StorageError as error:
            fault = Refusal("InternalServerException", str(error))
            return protocol.refused(fault, request_id)

    def run_flow(self, domain_name: str, uri: str) -> dict[str, Any]:
        """Run the S3 flow of an integration now, as AppFlow's StartFlow does, and report.

        PutIntegration runs nothing, on AWS neither. The report has Status (Successful or Error),
        the numbers of Files, of Records in them, and of those that were Put, Dropped by the tasks
        or Rejected, and under Problems the files that could not be read. Message says why a run
        ended early, for example because its bucket is not there.

        Raises:
            Refusal: there is no such integration, or it has no flow of S3.
        """
        report = runs.run(self._context, domain_name, uri)
        rules.settle(self._context)
        return report

    def run_due(self) -> list[dict[str, Any]]:
        """Do what is due by the clock, and report on the flows that ran.

        Scheduled flows of S3 and identity-resolution jobs run, and dead letters that a queue did
        not take are sent again.
        The engine has no process of its own: call this as often as schedules should be looked at.
        """
        self._settle()
        reports = runs.run_due(self._context)
        rules.settle(self._context)
        jobs.run_due(self._context)
        dead_letter_queue.deliver_all(self._context)
        return reports

    def run_identity_resolution(self, domain_name: str) -> str:
        """Begin an identity-resolution job of a domain now, and give its id.

        It runs in a thread; GetIdentityResolutionJob says how far it is.

        Raises:
            Refusal: there is no such domain, its Matching is not enabled, or a job is running.
        """
        with self._database.read() as connection:
            domain_row(connection, domain_name)
        return jobs.start(self._context, domain_name)

    def find_candidates(
        self, domain_name: str, profile: Mapping[str, Any], *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find the stored profiles that may be one person's with one that is not stored.

        They are compared by the model of the domain's latest identity-resolution job. The first
        call after a job makes an index, which takes some time.

        Args:
            domain_name: the domain.
            profile: the profile, in the service's words.
            least: the least probability.
            limit: how many at the most.

        Raises:
            Refusal: there is no such domain, or no job of it has ended.
        """
        if self._settles:
            apply_pending(self._context)
        return index.find(self._context, domain_name, dict(profile), least, limit)

    def match_evidence(self, domain_name: str, match_id: str) -> dict[str, Any]:
        """Give what a match of the machine matching is explained from.

        Model is the JSON of the model that found it, ProfileIds are those that it found, and
        Evidence is what `customer_profiles.identity.Model.explain_group` takes.

        Raises:
            Refusal: there is no such domain or match.
        """
        with self._database.read() as connection:
            domain = domain_row(connection, domain_name)
            match = matches.find(connection, domain.id, match_id)
            if match is None:
                raise not_found("The domain has no match with this id")
            model, rows, evidence = matches.evidence(connection, domain.id, match)
            ids = matches.ids(connection, rows)
        gone = "(gone)"
        names = [ids.get(row, gone) for row in rows]
        return {"Model": model, "ProfileIds": names, "Evidence": evidence}

    def arn(self, resource: str) -> str:
        """Give the ARN of a resource such as `domains/shop`."""
        return self._context.arn(resource)

    def attach(self, client: BaseClient) -> Callable[[], None]:
        """Make a boto3 client talk to this engine; call what it gives to end that."""
        from .doors.hook import attach

        return attach(self, client)

    def patch(self) -> AbstractContextManager[Self]:
        """Make every boto3 client of the service in this process talk to this engine."""
        from .doors.hook import patch

        return patch(self)

    def close(self) -> None:
        """Close the database; what was acknowledged is in it, and jobs end at their next step."""
        jobs.close(self._context)
        self._database.close()

    def __enter__(self) -> Self:
        """Give the engine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.close()


def _check_kind(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        message = f"{name} must be a {kind.__name__}"
        raise TypeError(message)


def _check_answer(operation: str, body: bytes) -> None:
    shape = _wire.operation(operation).output_shape
    broken = _wire.problems(json.loads(body), shape) if shape is not None else []
    if broken:
        message = f"the answer of {operation} breaks the service's model: {broken}"
        raise AssertionError(message)

"""The embedded engine: Amazon Connect Customer Profiles over SQLite, one function an operation.

Every request is checked against the service's model before its operation is called. Behaviour that
AWS does not document is marked with a comment that begins with `Assumed:`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

from pydantic_core import to_json

from customer_profiles import _wire

from . import background, erasure, following, listing, operations
from .aws import Aws
from .events import feed, streams
from .flows import runs
from .ingestion import dead_letter_queue
from .ingestion.put import apply_pending
from .loading import checkpoints
from .loading import objects as loading_objects
from .loading import profiles as loading
from .matching import decisions, index, jobs, rules
from .profiles import provenance, rekeying
from .profiles.access import domain_row, existing_profile
from .service import protocol
from .service.clock import Clock, ManualClock
from .service.context import Context, Quotas
from .service.failures import report
from .service.faults import Fault, Faults, NoAnswerError
from .service.paging import Pages
from .service.refusals import Refusal, invalid, not_found
from .service.registry import READ_ONLY
from .store import dead_letters, inbox, matches
from .store.database import Database, StorageError, page_secret
from .uploads import location, spool, steps
from .uploads.receiving import Incoming

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from botocore.client import BaseClient

    from customer_profiles.identity import Candidate

    from .aws import Session
    from .doors.receiver import Receiver
    from .doors.server import Server
    from .loading.checkpoints import Checkpoint
    from .loading.profiles import Upserted
    from .service.faults import Counts
    from .service.registry import Operation

__all__ = [
    "Clock",
    "Engine",
    "Fault",
    "Faults",
    "ManualClock",
    "NoAnswerError",
    "Quotas",
    "Refusal",
    "StorageError",
]

P = ParamSpec("P")
T = TypeVar("T")

_WRITING = ("Create", "Update", "Put", "BatchPut", "Delete", "Merge")


class Engine:
    """The service over one database; threads may share it."""

    def __init__(  # noqa: PLR0913 - all but the path are rarely set
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
        upload_uri: str | None = None,
        faults: Faults | None = None,
        strict: bool = False,
    ) -> None:
        """Open the engine on a database file, which is created if it does not exist.

        Args:
            path: the file; None keeps everything in memory.
            clock: the source of the time and of new ids.
            region: the region in ARNs.
            account_id: the account in ARNs.
            quotas: the service's limits; None for the service's defaults.
            ingestion_delay: seconds until an object that was put is ingested, for tests of code
                that must wait for AWS; 0 ingests it at once. Engines that share a file should
                have the same delay: an engine without one ingests delayed objects only if there
                were any when it was opened.
            matching_delay: seconds until new rules of an existing domain are applied, which takes
                an hour on AWS; those of a new domain are applied at once.
            session: a boto3 session for the S3 files of flows, exports and snapshots, the SQS
                queues of dead letters, and Kinesis; None for boto3's default session. It is not
                used before it is needed.
            upload_uri: the folder of a bucket, such as `s3://bucket/uploads`, that the files of
                upload jobs are put into; None for a folder beside the database.
            faults: injected faults that it shares with other engines; None for its own.
            strict: check every answer against the service's model, for tests of the engine.

        Raises:
            StorageError: the file cannot be used; it is unchanged.
            TypeError: the clock or the quotas are of another type.
            ValueError: `upload_uri` is not a folder of a bucket.
        """
        location.parse(upload_uri)
        _check_type("clock", clock, Clock)
        _check_type("quotas", quotas, Quotas)
        self._clock = clock or Clock()
        self._database = Database(path)
        rekeying.renew(self._database)
        with self._database.read() as connection:
            pages = Pages(page_secret(connection), self._clock)
            has_delayed_objects = not inbox.is_empty(connection)
        self._context = Context(
            self._database,
            self._clock,
            pages,
            quotas or Quotas(),
            region,
            account_id,
            spool.Spool(self._database.path),
            upload_uri,
            ingestion_delay,
            matching_delay,
            aws=Aws(session, region),
        )
        # An engine with a delay may have left delayed objects in the file.
        self._delays_objects = ingestion_delay > 0 or has_delayed_objects
        self.faults: Faults = Faults() if faults is None else faults
        """Injected faults: which of the next requests fail, how, and how often."""
        self._strict = strict
        self._receiver: Receiver | None = None
        if self._database.has_pending_work(self._clock.now()):
            # Another process left work before it was finished.
            background.start(self._context)
        streams.resume(self._context)
        steps.sweep(self._context)

    def answer(self, operation: str, request: dict[str, Any]) -> bytes:
        """Answer a request as the service would, in JSON.

        Raises:
            Refusal: the service refuses the request.
            NoAnswerError: an injected fault took the answer away.
            StorageError: the database failed; no change of the request is stored.
        """
        function = operations.find(operation)
        request = protocol.cleaned(request)
        if self.faults.active:
            perform = partial(self._perform, operation, function, request)
            return self.faults.apply(operation, request, self._clock, perform)
        return self._perform(operation, function, request)

    @property
    def s3(self) -> Any:
        """The boto3 client of S3 that writes exports and snapshots."""
        return self._context.aws.s3

    def fail_next(self, operation: str, **counts: Unpack[Counts]) -> list[Fault]:
        """Make the next requests of an operation fail: see `Faults.fail_next`.

        ```python
        engine.fail_next("SearchProfiles", throttling=3)
        ```

        Raises:
            ValueError: there is no such operation or fault.
        """
        return self.faults.fail_next(operation, **counts)

    def _perform(self, operation: str, function: Operation, request: dict[str, Any]) -> bytes:
        problems = _wire.request_check(operation)(request)
        if problems:
            raise invalid(problems)
        self._apply_pending()
        answer = _repeat(function, self._context, request)
        if operation.startswith(_WRITING):
            self._after_write()
        body = answer if isinstance(answer, bytes) else to_json(answer)
        if self._strict:
            _check_answer(operation, body)
        return body

    def create_profiles(
        self,
        domain_name: str,
        records: Sequence[dict[str, Any]],
        *,
        checkpoint: Checkpoint | None = None,
    ) -> list[str | Refusal]:
        """Create the first of many profiles in one transaction.

        A call takes as many records as a transaction of about a tenth of a second stores, so that
        other writers need not wait long; call it again with those that are left. Each record has
        the outcome that a CreateProfile of its own would have.

        Args:
            domain_name: the domain.
            records: the members of the CreateProfile requests, without DomainName.
            checkpoint: what to store in the same transaction about the progress of a load.

        Returns:
            The ids of the new profiles, and the refusals of records that are not valid, in the
            order of the records; at least one, if there are records.

        Raises:
            Refusal: there is no such domain; nothing is stored.
            StorageError: the database failed; nothing of this call is stored.
        """
        return self._load(loading.create, domain_name, records, checkpoint)

    def upsert_profiles(
        self,
        domain_name: str,
        records: Sequence[dict[str, Any]],
        key: str,
        *,
        keep_stored: bool = False,
        checkpoint: Checkpoint | None = None,
    ) -> list[Upserted | Refusal]:
        """Find each of the first of many profiles by a key, and update it or create one.

        It is like `create_profiles`. The profile of a record is the only one that has the value
        of the key, in the member itself; a record whose value only other members of profiles
        have, or several profiles, changes nothing.

        Args:
            domain_name: the domain.
            records: the members of the requests, without DomainName and ProfileId.
            key: AccountNumber, EmailAddress or PhoneNumber.
            keep_stored: keep the stored profiles as they are.
            checkpoint: what to store in the same transaction about the progress of a load.

        Raises:
            Refusal: there is no such domain or key; nothing is stored.
            StorageError: the database failed; nothing of this call is stored.
        """
        return self._load(
            loading.upsert,
            domain_name,
            records,
            key,
            keep_stored=keep_stored,
            checkpoint=checkpoint,
        )

    def put_objects(
        self, domain_name: str, object_type_name: str, texts: Sequence[str]
    ) -> list[str | Refusal]:
        """Ingest the first of many objects in one transaction.

        It is like `create_profiles`: each object has the outcome that a PutProfileObject of its
        own would have. An object that ingestion rejects is accepted and becomes a dead letter.

        Args:
            domain_name: the domain.
            object_type_name: the type of the objects.
            texts: the JSON of the objects.

        Returns:
            The unique keys of the objects, and the refusals of those that are not valid.

        Raises:
            Refusal: there is no such domain or object type; nothing is stored.
            StorageError: the database failed; nothing of this call is stored.
        """
        return self._load(loading_objects.put, domain_name, object_type_name, texts)

    def load_position(self, domain_name: str, name: str) -> dict[str, Any] | None:
        """Return the position that a load stored last; None if there is none.

        Raises:
            Refusal: there is no such domain.
        """
        return checkpoints.read(self._context, protocol.valid_text(domain_name), name)

    def end_load(self, domain_name: str, name: str) -> None:
        """Remove the position of a load.

        Raises:
            Refusal: there is no such domain.
        """
        checkpoints.remove(self._context, protocol.valid_text(domain_name), name)

    def _load(
        self,
        function: Callable[Concatenate[Context, str, P], T],
        domain_name: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call a function that stores many records, and apply rules to what it wrote."""
        self._apply_pending()
        name = protocol.valid_text(domain_name)
        outcomes = _repeat(partial(function, self._context, name, *args, **kwargs))
        self._after_write()
        return outcomes

    def _after_write(self) -> None:
        """Apply rules to what was written, and deliver it."""
        if _repeat(rules.apply, self._context):
            background.start(self._context)
        if readers := self._database.take_changed_feeds():
            streams.changed(self._context, readers)

    def _apply_pending(self) -> None:
        """Ingest the objects whose delay is over, and apply rules to their profiles."""
        if self._delays_objects:
            apply_pending(self._context)
            rules.apply(self._context)

    def dead_letters(self, domain_name: str) -> list[dict[str, Any]]:
        """Return the objects of a domain that ingestion rejected, the oldest first.

        Objects that the domain's queue, its DeadLetterQueueUrl, has accepted are not among them.

        Raises:
            Refusal: there is no such domain.
        """
        domain_name = protocol.valid_text(domain_name)
        self._apply_pending()
        with self._database.read() as connection:
            rejected = dead_letters.of_domain(connection, domain_row(connection, domain_name).id)
        return [
            {
                "ObjectTypeName": letter.type,
                "Message": letter.message,
                "Object": letter.body,
                "FailedAt": letter.failed,
            }
            for letter in rejected
        ]

    def enable_changes(self, domain_name: str, keep_days: float = 7.0) -> None:
        """Keep the changes of a domain from now on, for `changes`.

        Args:
            domain_name: the domain.
            keep_days: how long to keep each; calling this again changes it.

        Raises:
            Refusal: there is no such domain, or the number of days is not positive.
        """
        following.enable(self._context, protocol.valid_text(domain_name), keep_days)

    def disable_changes(self, domain_name: str) -> None:
        """Keep the changes of a domain no longer, and remove those that are kept.

        Raises:
            Refusal: there is no such domain.
        """
        following.disable(self._context, protocol.valid_text(domain_name))

    def changes(
        self,
        domain_name: str,
        after: int | None = None,
        *,
        limit: int = 1000,
        wait: float = 0.0,
    ) -> bytes:
        """Return the changes of a domain beyond a position, in order of commit, as JSON.

        Items are the records that an event stream would send, with a Position, and those of
        removals and merges. Position is where to continue. First is the position from which
        reading is possible: an earlier one misses changes that are no longer kept. Last is the
        position of the newest change.

        Args:
            domain_name: the domain.
            after: the position; None for the first that is possible.
            limit: the largest number of changes.
            wait: the most seconds to wait for a change if there is none.

        Raises:
            Refusal: there is no such domain, or it keeps no changes.
        """
        self._apply_pending()
        name = protocol.valid_text(domain_name)
        return following.read(self._context, name, after, limit, wait)

    def follower_position(self, domain_name: str, name: str) -> int | None:
        """Return the position that a follower of a domain's changes stored; None if it has none.

        Raises:
            Refusal: there is no such domain, or it keeps no changes.
        """
        names = map(protocol.valid_text, (domain_name, name))
        return following.position(self._context, *names)

    def move_follower(self, domain_name: str, name: str, old: int | None, new: int) -> bool:
        """Store the position of a follower, unless another one of its name did meanwhile.

        Args:
            domain_name: the domain.
            name: the name of the follower.
            old: the position that it has now; None if it has none.
            new: the new position.

        Returns:
            Whether the position was `old`, and is now `new`.

        Raises:
            Refusal: there is no such domain, or it keeps no changes.
        """
        domain_name, name = map(protocol.valid_text, (domain_name, name))
        return following.move(self._context, domain_name, name, old, new)

    def deliveries(self, domain_name: str) -> list[dict[str, Any]]:
        """Describe the deliveries of a domain, to its event stream and its queue of dead letters.

        Each has What, Destination, how many items are Waiting, and how many are Undeliverable,
        because the destination does not accept them although it accepts others. If it accepts
        nothing, there are also Failures, FailingSince, RetryAt and the Problem.

        Raises:
            Refusal: there is no such domain.
        """
        return following.deliveries(self._context, protocol.valid_text(domain_name))

    def retry_deliveries(self, domain_name: str) -> int:
        """Try what is undeliverable again, and return how many items that are.

        Raises:
            Refusal: there is no such domain.
        """
        return following.retry(self._context, protocol.valid_text(domain_name))

    def provenance(self, domain_name: str, profile_id: str) -> dict[str, dict[str, Any]]:
        """Return which object set each value of a profile, by paths such as `Address.City`.

        Raises:
            Refusal: there is no such domain or profile.
        """
        self._apply_pending()
        domain_name = protocol.valid_text(domain_name)
        with self._database.read() as connection:
            domain = domain_row(connection, domain_name)
            stored = existing_profile(self._context, connection, domain, profile_id)
            sources = provenance.read_by_path(stored.sources, json.loads(stored.body), "ProfileId")
        return {
            ".".join(path): {
                "ObjectTypeName": source.type,
                "ProfileObjectUniqueKey": source.unique_key,
                "SetAt": source.ingested,
            }
            for path, source in sources.named.items()
        }

    def list_profiles(
        self, domain_name: str, *, limit: int = 100, token: str | None = None
    ) -> bytes:
        """Return a page of all profiles of a domain, as SearchProfiles answers one.

        Args:
            domain_name: the domain.
            limit: the largest number of profiles.
            token: the NextToken of the page before.

        Raises:
            Refusal: there is no such domain, or the token is not valid.
        """
        self._apply_pending()
        request = _paging(limit, token)
        return listing.list_profiles(self._context, protocol.valid_text(domain_name), request)

    def list_segment_members(
        self, domain_name: str, name: str, *, limit: int = 100, token: str | None = None
    ) -> bytes:
        """Return a page of the profiles in a segment, as SearchProfiles answers one.

        They are in the order in which they were created, whatever the segment's sort is.

        Args:
            domain_name: the domain.
            name: the segment, which must be defined by groups.
            limit: the largest number of profiles.
            token: the NextToken of the page before.

        Raises:
            Refusal: there is no such domain or segment, or the token is not valid.
        """
        self._apply_pending()
        request = {"DomainName": domain_name, "SegmentDefinitionName": name}
        request = {name: protocol.valid_text(value) for name, value in request.items()}
        return listing.list_segment_members(self._context, request | _paging(limit, token))

    def list_objects(
        self,
        domain_name: str,
        object_type_name: str,
        *,
        limit: int = 100,
        token: str | None = None,
    ) -> bytes:
        """Return a page of all objects of a type, as ListProfileObjects answers one.

        Each item also has the ProfileId of the object's profile.

        Args:
            domain_name: the domain.
            object_type_name: the object type, or a standard object such as `_order`.
            limit: the largest number of objects.
            token: the NextToken of the page before.

        Raises:
            Refusal: there is no such domain or object type, or the token is not valid.
        """
        self._apply_pending()
        domain_name, name = map(protocol.valid_text, (domain_name, object_type_name))
        return listing.list_objects(self._context, domain_name, name, _paging(limit, token))

    def contents(self, domain_name: str) -> dict[str, Any]:
        """Return what is in a domain: its counts, and the names of its object types and keys.

        Raises:
            Refusal: there is no such domain.
        """
        self._apply_pending()
        return listing.contents(self._context, protocol.valid_text(domain_name))

    def profile_keys(self, domain_name: str, profile_id: str) -> list[dict[str, Any]]:
        """Return the search keys of a profile: names, normalized values, and their sources.

        A source is `_profile` for the profile's own fields, `added` for keys of AddProfileKey,
        and otherwise the type of an object that provides the key.

        Raises:
            Refusal: there is no such domain or profile.
        """
        self._apply_pending()
        names = map(protocol.valid_text, (domain_name, profile_id))
        return listing.profile_keys(self._context, *names)

    def handle(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | str | None,
        uploads_at: Callable[[], str] | None = None,
    ) -> protocol.Response:
        """Answer an HTTP request with status, headers and body; refusals are answers too.

        Args:
            method: the method.
            url: the URL, or its path and query.
            headers: the headers.
            body: the body.
            uploads_at: returns the URL below which the caller can put files of upload jobs; None
                answers with `file://` URLs.

        Raises:
            NoAnswerError: an injected fault took the answer away: the connection is to be closed.
        """
        ids = self._clock.new_answer_ids()
        before = spool.uploads_at.set(uploads_at)
        try:
            operation, request = protocol.read(method, url, headers, body)
            return protocol.answered(self.answer(operation, request), ids)
        except Refusal as refusal:
            return protocol.refused(refusal, ids)
        except StorageError as error:
            fault = Refusal("InternalServerException", str(error))
            return protocol.refused(fault, ids)
        except NoAnswerError:
            raise
        except Exception as error:
            if self._strict:
                raise
            report(error)
            message = f"The engine failed: {type(error).__name__}; please report its log"
            return protocol.refused(Refusal("InternalServerException", message), ids)
        finally:
            spool.uploads_at.reset(before)

    def receive_file(self, job_id: str, query: str, headers: Mapping[str, str]) -> Incoming:
        """Begin to receive the file of an upload job, as its URL and its headers allow.

        Args:
            job_id: the last part of the URL's path.
            query: the URL's query.
            headers: the headers, with names in lower case.

        Returns:
            A context manager with `write` and `keep`.

        Raises:
            Refusal: the URL, a header or the job does not allow it.
            StorageError: the file cannot be stored.
        """
        return Incoming(self._context, job_id, query, headers)

    def uploads_at(self) -> str:
        """Return a URL of this machine below which files of upload jobs are received.

        The first call opens a port of 127.0.0.1 that accepts nothing else, until the engine is
        closed.
        """
        from .doors.receiver import Receiver

        with self._context.spool.lock:
            if self._receiver is None:
                self._receiver = Receiver(self)
        return self._receiver.url

    def check(self) -> None:
        """Read from the database, to know that it answers.

        Raises:
            StorageError: the database failed.
        """
        with self._database.read() as connection:
            page_secret(connection)

    def reads_at_once(self, operation: str) -> bool:
        """Return whether an operation reads, and waits for no transaction of others."""
        return (
            operation in READ_ONLY
            and not self._delays_objects
            and not self.faults.active
            and self._database.can_read_at_once
        )

    def run_flow(self, domain_name: str, uri: str) -> dict[str, Any]:
        """Run the S3 flow of an integration now, as AppFlow's StartFlow does.

        As on AWS, PutIntegration does not run the flow.

        Returns:
            A report: Status (Successful or Error), the number of Files and of their Records, how
            many records were Put, Dropped by tasks or Rejected, and in Problems the files that
            could not be read. Message is the reason if the run ended early, such as a bucket that
            does not exist.

        Raises:
            Refusal: there is no such integration, or it has no flow from S3.
        """
        names = protocol.valid_text(domain_name), protocol.valid_text(uri)
        report = runs.run(self._context, *names)
        self._after_write()
        return report

    def run_due(self) -> list[dict[str, Any]]:
        """Run everything that is due by the clock, and return the reports of the flows that ran.

        This runs scheduled flows and identity-resolution jobs, delivers changes to event streams,
        sends dead letters again that a queue did not accept, makes estimates and snapshots of
        segments that are not made yet, and removes uploaded files that were never imported. But for
        event streams, estimates and snapshots, the engine does this in no background process: call
        this as often as schedules should be checked.
        """
        self._apply_pending()
        reports = runs.run_due(self._context)
        background.finish(self._context)
        jobs.run_due(self._context)
        dead_letter_queue.deliver_all(self._context)
        streams.deliver_all(self._context)
        feed.trim_all(self._context)
        if self._database.take_changed_feeds():
            feed.notify(self._context)
        steps.sweep(self._context)
        return reports

    def run_identity_resolution(self, domain_name: str) -> str:
        """Start an identity-resolution job of a domain now, and return its id.

        It runs in a thread; GetIdentityResolutionJob returns its progress.

        Raises:
            Refusal: there is no such domain, its Matching is not enabled, or a job is running.
        """
        domain_name = protocol.valid_text(domain_name)
        with self._database.read() as connection:
            domain_row(connection, domain_name)
        return jobs.start(self._context, domain_name)

    def find_candidates(
        self, domain_name: str, profile: Mapping[str, Any], *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find the stored profiles that may describe the same person as one that is not stored.

        They are compared by the model of the domain's latest identity-resolution job. The first
        call after a job builds an index, which takes some time.

        Args:
            domain_name: the domain.
            profile: the profile, with the service's names.
            least: the smallest probability of a candidate.
            limit: the largest number of candidates.

        Raises:
            Refusal: there is no such domain, or none of its jobs has made a model.
        """
        if self._delays_objects:
            apply_pending(self._context)
        record = protocol.cleaned(dict(profile))
        if problems := _wire.problems(record, _wire.service().shape_for("Profile")):
            raise invalid(problems)
        return index.find(self._context, protocol.valid_text(domain_name), record, least, limit)

    def match_evidence(self, domain_name: str, match_id: str) -> dict[str, Any]:
        """Return the data that explain a match of an identity-resolution job.

        Model is the JSON of the model, ProfileIds are the profiles of the match, and Evidence is
        an argument of `customer_profiles.identity.Model.explain_group`.

        Raises:
            Refusal: there is no such domain or match.
        """
        domain_name, match_id = map(protocol.valid_text, (domain_name, match_id))
        with self._database.read() as connection:
            domain = domain_row(connection, domain_name)
            match = matches.find(connection, domain.id, match_id)
            if match is None:
                raise not_found("The domain has no match with this id")
            model, rows, evidence = matches.evidence(connection, domain.id, match)
            ids = matches.ids(connection, rows)
        profile_ids = [ids.get(row, "(gone)") for row in rows]
        return {"Model": model, "ProfileIds": profile_ids, "Evidence": evidence}

    def decide(self, domain_name: str, left: str, right: str, *, is_match: bool) -> None:
        """Store whether two profiles describe one person.

        Every later job of the domain honours it, until `forget_decision` removes it. A merge
        transfers it to the profile that is kept. It replaces an earlier decision about the same
        profiles.

        Args:
            domain_name: the domain.
            left: the id of a profile.
            right: the id of another profile.
            is_match: whether both describe one person.

        Raises:
            Refusal: there is no such domain or profile, or other decisions say the opposite.
        """
        self._apply_pending()
        names = map(protocol.valid_text, (domain_name, left, right))
        decisions.decide(self._context, *names, is_match=is_match)

    def forget_decision(self, domain_name: str, left: str, right: str) -> None:
        """Remove the decision about two profiles.

        Raises:
            Refusal: there is no such domain, profile or decision.
        """
        self._apply_pending()
        names = map(protocol.valid_text, (domain_name, left, right))
        decisions.forget(self._context, *names)

    def decisions(self, domain_name: str) -> list[dict[str, Any]]:
        """Return the decisions about pairs of a domain's profiles, the oldest first.

        Raises:
            Refusal: there is no such domain.
        """
        return decisions.listed(self._context, protocol.valid_text(domain_name))

    def current_profile_id(self, domain_name: str, profile_id: str) -> str:
        """Return the id of the profile that a profile was merged into, or its own id.

        Raises:
            Refusal: there is no such domain or profile, and no merge names it.
        """
        self._apply_pending()
        names = map(protocol.valid_text, (domain_name, profile_id))
        return erasure.current_id(self._context, *names)

    def erase_profile(self, domain_name: str, profile_id: str) -> dict[str, Any]:
        """Remove a profile with all that is stored about it: objects, keys, history and decisions.

        Rejected and pending objects with its values are removed too. `compact` then removes what
        deleted rows left in the file.

        Args:
            domain_name: the domain.
            profile_id: the profile, or one that was merged into it.

        Returns:
            A receipt: counts, and hashes that only this database's secret can compute.

        Raises:
            Refusal: there is no such domain or profile, and no merge names it.
        """
        self._apply_pending()
        names = map(protocol.valid_text, (domain_name, profile_id))
        receipt = erasure.erase(self._context, *names)
        self._after_write()
        return receipt

    def compact(self) -> bool:
        """Rewrite the database file without anything that was deleted.

        It needs as much free space on the disk as the file takes.

        Returns:
            Whether it was possible; another process that uses the file prevents it.
        """
        return self._database.compact()

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`."""
        return self._context.arn(resource)

    def attach(self, client: BaseClient) -> Callable[[], None]:
        """Send the requests of a boto3 client to this engine; call the result to undo that."""
        from .doors.hook import attach

        return attach(self, client)

    def patch(self) -> AbstractContextManager[Self]:
        """Send the requests of all boto3 clients of the service in this process to this engine."""
        from .doors.hook import patch

        return patch(self)

    def serve(self, host: str = "localhost", port: int = 0) -> Server:
        """Return a server of this engine over HTTP, for SDKs of all languages.

        ```python
        with engine.serve() as server:
            client = boto3.client("customer-profiles", endpoint_url=server.url)
        ```

        `customer_profiles.engine.doors.server.Server` has more options.

        Args:
            host: the name or the address to listen on.
            port: the port; 0 chooses a free one.
        """
        from .doors.server import Server

        return Server(self, host, port)

    def close(self) -> None:
        """Stop running jobs at their next step and close the database."""
        self._context.closing.set()
        feed.notify(self._context)
        if self._receiver is not None:
            self._receiver.close()
        jobs.close(self._context)
        self._database.close()
        self._context.spool.close()

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.close()


def _repeat(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function, and once more if its transaction failed on a full disk that has room now."""
    try:
        return function(*args, **kwargs)
    except StorageError as error:
        if not error.has_room:
            raise
    return function(*args, **kwargs)


def _paging(limit: int, token: str | None) -> dict[str, Any]:
    return {"MaxResults": limit} | ({} if token is None else {"NextToken": token})


def _check_type(name: str, value: object, expected: type) -> None:
    if value is not None and not isinstance(value, expected):
        message = f"{name} must be a {expected.__name__}"
        raise TypeError(message)


# AG:customerprofiles-default-calculated-attributes documents these, which the model does not allow.
_BEYOND_MODEL = ("Customer's maximum hold time", "TIME_DIFFERENCE_FROM_NOW")


def _check_answer(operation: str, body: bytes) -> None:
    shape, answer = _wire.operation(operation).output_shape, json.loads(body)
    problems = _wire.problems(answer, shape) if shape is not None else []
    found = [problem for problem in problems if not _is_documented(answer, problem)]
    if found:
        message = f"the answer of {operation} breaks the service's model: {found}"
        raise AssertionError(message)


def _is_documented(answer: Any, problem: _wire.Problem) -> bool:
    """Return whether the documentation has an answer that the model does not allow."""
    *path, last = problem.path
    for step in path:
        if isinstance(step, tuple):
            return False
        answer = answer[step]
    # Assumed: statistics without any number are null, although the model requires them.
    if problem.kind == "missing":
        return last in answer
    # Assumed: names of attributes in answers have dots, although their pattern has none.
    if last == "AttributeName":
        return problem.kind in {"pattern", "max_length"}
    return problem.kind in {"pattern", "enum"} and answer[last] in _BEYOND_MODEL

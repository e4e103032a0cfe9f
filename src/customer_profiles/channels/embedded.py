"""The channel to the embedded engine, and what such an engine can do beyond the service."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, cast

from customer_profiles import _wire
from customer_profiles.errors import (
    ConnectionFailedError,
    CustomerProfilesError,
    InvalidInputError,
    MultipleResultsError,
    ServiceError,
    StoreError,
)

from .base import limit

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine import Engine, Faults, NoAnswerError, Refusal, StorageError
    from customer_profiles.identity import Candidate

    from .base import Channel

    _Translate = Callable[[str, "Refusal | StorageError"], ServiceError | StoreError]

Stored = tuple[
    Literal["created", "updated", "kept", "failed"], str | None, CustomerProfilesError | None
]
"""What became of a record, with the id of its profile or the error."""
Position = tuple[str, "Callable[[list[Stored]], Wire]"]
"""The name of a load, and what returns its position after some outcomes."""
SEVERAL = "{} stored profiles have this {}, in that field or a related one"

P = ParamSpec("P")
T = TypeVar("T")


class EngineOnly(Protocol):
    """What the embedded engine can do and the service has no operation for."""

    @property
    def faults(self) -> Faults:
        """The injected faults."""
        ...

    def dead_letters(self, domain_name: str) -> list[Wire]:
        """Return the objects that ingestion rejected, the oldest first."""
        ...

    def enable_changes(self, domain_name: str, keep_days: float) -> None:
        """Keep the changes of a domain from now on."""
        ...

    def disable_changes(self, domain_name: str) -> None:
        """Keep the changes of a domain no longer."""
        ...

    def changes(self, domain_name: str, after: int | None, *, limit: int, wait: float) -> bytes:
        """Return changes beyond a position, as JSON with Items, Position, First and Last."""
        ...

    def follower_position(self, domain_name: str, name: str) -> int | None:
        """Return the position that a follower of a domain's changes stored."""
        ...

    def move_follower(self, domain_name: str, name: str, old: int | None, new: int) -> bool:
        """Store the position of a follower, unless another one did meanwhile."""
        ...

    def deliveries(self, domain_name: str) -> list[Wire]:
        """Describe how well changes and dead letters are delivered."""
        ...

    def retry_deliveries(self, domain_name: str) -> int:
        """Try undeliverable records again, and return how many there are."""
        ...

    def run_flow(self, domain_name: str, uri: str) -> Wire:
        """Run the flow of an integration now."""
        ...

    def run_due(self) -> list[Wire]:
        """Run the flows and jobs whose schedules are due."""
        ...

    def run_identity_resolution(self, domain_name: str) -> str:
        """Start an identity-resolution job, and return its id."""
        ...

    def find_candidates(
        self, domain_name: str, profile: Wire, *, least: float, limit: int
    ) -> list[Candidate]:
        """Match a profile that need not be stored against all stored ones."""
        ...

    def match_evidence(self, domain_name: str, match_id: str) -> Wire:
        """Return what a match is explained from."""
        ...

    def decide(self, domain_name: str, left: str, right: str, *, is_match: bool) -> None:
        """Store whether two profiles describe one person."""
        ...

    def forget_decision(self, domain_name: str, left: str, right: str) -> None:
        """Remove the decision about two profiles."""
        ...

    def decisions(self, domain_name: str) -> list[Wire]:
        """Return the decisions about pairs of profiles, the oldest first."""
        ...

    def provenance(self, domain_name: str, profile_id: str) -> Wire:
        """Return which objects set the values of a profile."""
        ...

    def list_profiles(
        self, domain_name: str, *, limit: int = 100, token: str | None = None
    ) -> bytes:
        """Return a page of all profiles, as JSON with Items and NextToken."""
        ...

    def list_segment_members(
        self, domain_name: str, name: str, *, limit: int = 100, token: str | None = None
    ) -> bytes:
        """Return a page of the members of a segment, as JSON with Items and NextToken."""
        ...

    def list_objects(
        self,
        domain_name: str,
        object_type_name: str,
        *,
        limit: int = 100,
        token: str | None = None,
    ) -> bytes:
        """Return a page of all objects of a type, each with the id of its profile."""
        ...

    def contents(self, domain_name: str) -> Wire:
        """Return the counts of a domain, and the names of its object types and keys."""
        ...

    def current_profile_id(self, domain_name: str, profile_id: str) -> str:
        """Return the id of the profile that a profile was merged into, or its own id."""
        ...

    def erase_profile(self, domain_name: str, profile_id: str) -> Wire:
        """Remove a profile with all that is stored about it, and return a receipt."""
        ...

    def compact(self) -> bool:
        """Rewrite the database file without anything that was deleted, if that is possible."""
        ...

    def profile_keys(self, domain_name: str, profile_id: str) -> list[Wire]:
        """Return the search keys of a profile, with their values and sources."""
        ...

    def create_profiles(
        self,
        operation: str,
        domain_name: str,
        records: Sequence[Wire],
        *,
        checkpoint: Position | None = None,
    ) -> list[Stored]:
        """Create the first of many profiles in one transaction; return what became of these.

        Errors name the `operation`, as those of single requests do.
        """
        ...

    def upsert_profiles(  # noqa: PLR0913  (names of requests, records and options)
        self,
        operation: str,
        domain_name: str,
        records: Sequence[Wire],
        *,
        key: str,
        keep_stored: bool,
        checkpoint: Position | None = None,
    ) -> list[Stored]:
        """Find the first of many profiles by a key; update them, or create them."""
        ...

    def put_objects(
        self, operation: str, domain_name: str, object_type_name: str, texts: Sequence[str]
    ) -> list[str | CustomerProfilesError]:
        """Put the first of many objects; return the unique key or the error of each."""
        ...

    def load_position(self, domain_name: str, name: str) -> Wire | None:
        """Return the position that a load stored last."""
        ...

    def end_load(self, domain_name: str, name: str) -> None:
        """Remove the position of a load."""
        ...


class EngineChannel:
    """The embedded engine, called in process: no HTTP, no credentials, no network.

    Args:
        engine: the engine; `close()` closes it.
    """

    retries = False

    def __init__(self, engine: Engine) -> None:
        from customer_profiles.engine import NoAnswerError, Refusal, StorageError

        self.engine = engine
        self._no_answer: type[NoAnswerError] = NoAnswerError
        self._refusal: type[Refusal] = Refusal
        self._storage_error: type[StorageError] = StorageError

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, **options: Any) -> EngineChannel:
        """Open an engine on a SQLite file, or in memory without a path.

        Args:
            path: the database file; it is created when it is missing.
            options: the options of `Engine`.

        Raises:
            StoreError: the file cannot be used; it is left as it was.
            InvalidInputError: the engine has no such option.
        """
        from customer_profiles.engine import Engine, StorageError

        try:
            return cls(Engine(path, **options))
        except StorageError as error:
            raise StoreError(str(error)) from error
        except (TypeError, ValueError) as error:
            raise InvalidInputError(str(error)) from error

    def send(self, operation: str, request: Wire) -> bytes:
        """Answer one request by the engine."""
        try:
            return self._answer(operation, request)
        except self._no_answer as error:
            # What botocore raises when a connection is closed, or nothing comes in time.
            reason = "ReadTimeoutError" if error.is_late else "ConnectionClosedError"
            raise ConnectionFailedError(operation, reason, sent=True) from error
        except (self._refusal, self._storage_error) as error:
            raise self._translated(operation, error) from error

    def _answer(self, operation: str, request: Wire) -> bytes:
        if limit.end is None or not self.engine.faults.active:
            return self.engine.answer(operation, request)
        from customer_profiles.engine.service.faults import patience

        with patience(limit.end - time.monotonic()):
            return self.engine.answer(operation, request)

    @property
    def extras(self) -> EngineOnly:
        """What the engine can do and the service has no operation for."""
        return cast("EngineOnly", _Extras(self._call, self.engine, self._translated))

    @property
    def bulk(self) -> EngineOnly | None:
        """What stores many records at once; None while the engine injects faults.

        Faults belong to operations, so that they need a request for each record.
        """
        return None if self.engine.faults.active else self.extras

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`."""
        return self.engine.arn(resource)

    def close(self) -> None:
        """Close the engine and its database."""
        self.engine.close()

    def _call(self, name: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the engine, and translate its exceptions into our errors."""
        try:
            return method(*args, **kwargs)
        except (self._refusal, self._storage_error) as error:
            raise self._translated(name, error) from error

    def _translated(self, name: str, error: Refusal | StorageError) -> ServiceError | StoreError:
        if isinstance(error, self._refusal):
            return ServiceError.of(error.code, error.message, operation=name, status=error.status)
        return StoreError(str(error))


class _Extras:
    """The engine's own methods, which raise our errors."""

    def __init__(self, call: Callable[..., Any], engine: Engine, error: _Translate) -> None:
        self._call, self._engine, self._error = call, engine, error
        self.faults: Faults = engine.faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, name, getattr(self._engine, name))

    def create_profiles(
        self,
        operation: str,
        domain_name: str,
        records: Sequence[Wire],
        *,
        checkpoint: Position | None = None,
    ) -> list[Stored]:
        """Create the first of many profiles; each outcome is an id or an error."""
        own = self._checkpoint(operation, checkpoint, "")
        create = self._engine.create_profiles
        outcomes = self._call(operation, create, domain_name, records, checkpoint=own)
        return self._stored(operation, outcomes, "")

    def upsert_profiles(  # noqa: PLR0913  (names of requests, records and options)
        self,
        operation: str,
        domain_name: str,
        records: Sequence[Wire],
        *,
        key: str,
        keep_stored: bool,
        checkpoint: Position | None = None,
    ) -> list[Stored]:
        """Find, update or create the first of many profiles."""
        upsert = self._engine.upsert_profiles
        options = {
            "keep_stored": keep_stored,
            "checkpoint": self._checkpoint(operation, checkpoint, key),
        }
        outcomes = self._call(operation, upsert, domain_name, records, key, **options)
        return self._stored(operation, outcomes, key)

    def put_objects(
        self, operation: str, domain_name: str, object_type_name: str, texts: Sequence[str]
    ) -> list[str | CustomerProfilesError]:
        """Put the first of many objects; each outcome is a unique key or an error."""
        put = self._engine.put_objects
        outcomes = self._call(operation, put, domain_name, object_type_name, texts)
        return [
            item if isinstance(item, str) else self._error(operation, item) for item in outcomes
        ]

    def _checkpoint(self, operation: str, checkpoint: Position | None, key: str) -> Any:
        if checkpoint is None:
            return None
        from customer_profiles.engine.loading.checkpoints import Checkpoint

        name, position = checkpoint
        return Checkpoint(name, lambda found: position(self._stored(operation, found, key)))

    def _stored(self, operation: str, outcomes: Sequence[Any], key: str) -> list[Stored]:
        return [self._outcome(operation, item, key) for item in outcomes]

    def _outcome(self, operation: str, item: Any, key: str) -> Stored:
        if isinstance(item, str):
            return "created", item, None
        if not isinstance(item, tuple):
            return "failed", None, self._error(operation, item)
        outcome, profile_id, holders = item
        if outcome == "several":
            message = SEVERAL.format(holders, _wire.field_name(key))
            return "failed", None, MultipleResultsError(message)
        return outcome, profile_id, None


def names_in_file(path: str | os.PathLike[str], domain_name: str | None = None) -> list[str]:
    """Return the names in a database file, which is neither created nor changed.

    Args:
        path: the file; one that cannot be read has no names.
        domain_name: the domain whose object types to name; None for the names of the domains.
    """
    from customer_profiles.engine.store import names

    if domain_name is None:
        return names.domain_names(path)
    return names.object_type_names(path, domain_name)


def embedded(channel: Channel, otherwise: str) -> EngineOnly:
    """Return what the engine behind a channel can do beyond the service.

    Args:
        channel: the way to the service.
        otherwise: the message for callers whose channel leads to AWS.

    Raises:
        InvalidInputError: the channel leads to AWS.
    """
    if not isinstance(channel, EngineChannel):
        raise InvalidInputError(otherwise)
    return channel.extras

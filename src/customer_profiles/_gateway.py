"""The gateway to the service: checks requests, sends them, and retries what may be repeated."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from . import _wire
from ._problems import refuse
from .channels.base import limit
from .errors import (
    AmbiguousWriteError,
    BadRequestError,
    ConnectionFailedError,
    CustomerProfilesError,
    InternalServerError,
    InvalidInputError,
    ThrottlingError,
    UnreadableAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenacity import RetryCallState

    from ._problems import Names
    from ._wire import Wire
    from .channels.base import Channel

log = logging.getLogger("customer_profiles")

T = TypeVar("T")
Answer = TypeVar("Answer")

_REPEATABLE = (
    *("Get", "List", "Search", "BatchGet", "Put", "BatchPut", "Update", "Delete"),
    *("Tag", "Untag", "Detect", "Add"),
)
_SUCCESSES_PER_RETRY = 5
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 10.0
_LONGEST_RETRY_AFTER = 3600.0
_SHORTEST_ATTEMPT = 0.005
"""Seconds that must be left for one more attempt: a time-out may end just before the deadline."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often a request is sent again.

    Throttling is retried for every operation. Failures of the service and of the network, answers
    that cannot be read, and updates that others disturb are retried only for operations that may
    be repeated: a create or merge is never sent twice once it may have arrived, because the
    service has no idempotency tokens.
    """

    attempts: int = 5
    """The most times a request is sent, the first time included; 1 retries nothing."""
    base: float = 0.1
    """Seconds: the first wait is a random part of this; the bound doubles with each wait."""
    cap: float = 20.0
    """The longest wait in seconds, unless the service asks for a longer one."""
    deadline: float | None = 60.0
    """Seconds that a request may take with all its attempts and waits; None sets no deadline.

    The time-outs of connections shrink to what is left. Looking up a host's name and fetching
    credentials have time-outs of their own.
    """
    budget: int | None = 100
    """Retries that all threads share; each five successes earn one back. None sets no limit."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InvalidInputError: a value is out of its range.
        """
        _check("attempts", self.attempts, int, 1)
        _check("base", self.base, float, 0)
        _check("cap", self.cap, float, 0)
        if self.deadline is not None:
            _check("deadline", self.deadline, float, 0, or_none=", or None")
        if self.budget is not None:
            _check("budget", self.budget, int, 0, or_none=", or None")


def _check(name: str, value: object, kind: type, least: int, *, or_none: str = "") -> None:
    kinds = int if kind is int else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not value >= least:
        what = "whole number" if kind is int else "number of seconds"
        msg = f"{name} must be a {what} of {least} or more{or_none}"
        raise InvalidInputError(msg)


class Gateway:
    """Sends requests through a channel, and retries them as the policy allows.

    Args:
        channel: the way to the service.
        retry: the policy; ignored if the channel retries by itself.
        sleep: waits for a number of seconds; tests pass their own.
    """

    def __init__(
        self,
        channel: Channel,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.channel = channel
        own = RetryPolicy(attempts=1, deadline=None)
        self._retry = own if channel.retries else retry or RetryPolicy()
        self._sleep = sleep
        self._budget = _Budget(self._retry.budget)

    def call(self, operation: str, request: Wire, names: Names | None = None) -> bytes:
        """Check a request, send it, and return the JSON of the answer.

        Args:
            operation: the operation, such as `CreateDomain`.
            request: the request in the service's own names.
            names: the caller's names for paths in the request, for error messages.

        Raises:
            InvalidInputError: the request breaks the service's description; nothing was sent.
            ServiceError: the service refused the request.
            ConnectionFailedError: no answer came.
            UnreadableAnswerError: the answer is not one of the service.
            AmbiguousWriteError: a write that must not be repeated was sent, and it is not known
                what became of it.
        """
        return self._send(operation, request, names, _body)[1]

    def read(
        self,
        operation: str,
        request: Wire,
        reader: Callable[[bytes], T],
        names: Names | None = None,
    ) -> tuple[T, bytes]:
        """Call an operation, and return what `reader` makes of the answer, and the answer.

        Raises:
            UnreadableAnswerError: the answer does not have the expected shape.
        """
        return self._send(operation, request, names, reader)

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Bound all requests of the block, with their retries, by one deadline of the policy."""
        outer = limit.end
        limit.end = self._end(outer)
        try:
            yield
        finally:
            limit.end = outer

    def _end(self, outer: float | None) -> float | None:
        """Return the deadline of what begins now, which is a part of what `outer` limits."""
        deadline = self._retry.deadline
        if deadline is None or deadline == math.inf:
            return outer
        end = time.monotonic() + deadline
        return end if outer is None or end < outer else outer

    def rounds(self) -> Iterator[int]:
        """Yield the numbers of the attempts that the policy allows, from 1, after each wait.

        It is for items of a batch that an answer reports as failed; the caller stops iterating
        when nothing is left to send again.
        """
        with self.limit():
            for attempt in range(1, self._retry.attempts + 1):
                yield attempt
                wait = self._jitter(attempt)
                if attempt == self._retry.attempts or not self._may_wait(wait):
                    return
                self._sleep(wait)

    def waits(self, timeout: float | None) -> Iterator[float]:
        """Wait between requests for the state of a job, longer each time; yield the time waited.

        Args:
            timeout: seconds in all, after which the iteration ends; None never ends it.
        """
        began, slept, wait = time.monotonic(), 0.0, _FIRST_WAIT
        while True:
            left = math.inf if timeout is None else timeout
            left -= max(slept, time.monotonic() - began)
            if left <= 0:
                return
            self._sleep(min(wait, left))
            yield (slept := slept + min(wait, left))
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def _send(
        self, operation: str, request: Wire, names: Names | None, reader: Callable[[bytes], T]
    ) -> tuple[T, bytes]:
        """Check a request, send it as often as needed, and return the answer as it is read."""
        if problems := _wire.request_check(operation)(request):
            refuse(problems, operation, names)
        # This is `with self.limit()`, written out because that takes two microseconds.
        outer = limit.end
        limit.end = self._end(outer)
        try:
            try:
                answer = self._receive(operation, request, reader)
            except CustomerProfilesError as error:
                failure = error
            else:
                self._budget.earn()
                return answer
            receive = partial(self._receive, operation, request, reader)
            try:
                answer = self._send_again(operation, failure, receive)
            except CustomerProfilesError as error:
                failure = error
            else:
                self._budget.earn()
                return answer
        finally:
            limit.end = outer
        raise self._final(operation, failure)

    def _receive(
        self, operation: str, request: Wire, reader: Callable[[bytes], T]
    ) -> tuple[T, bytes]:
        """Send a request once, and return the answer as it is read, and the answer.

        Raises:
            UnreadableAnswerError: it is not an answer to the operation. The error has no cause,
                because pydantic's errors hold the answer.
        """
        body = self.channel.send(operation, request)
        problem = _wire.answer_problem(operation, body, is_read=reader is not _body)
        if problem is None:
            try:
                return reader(body), body
            except ValueError as error:
                problem = f"the answer does not have the expected shape{_position(error)}"
        msg = f"{operation}: {problem}"
        raise UnreadableAnswerError(msg)

    def _send_again(
        self, operation: str, first: CustomerProfilesError, receive: Callable[[], Answer]
    ) -> Answer:
        """Retry after a failed first attempt; tenacity is imported only when it is needed."""
        import tenacity

        failures, sent = iter([first]), 0
        # A client's own retries do not read answers; its limit holds for all of its requests.
        most = self.channel.retries or self._retry.attempts

        def attempt() -> Answer:
            nonlocal sent
            try:
                if (failure := next(failures, None)) is not None:
                    raise failure
                return receive()
            except CustomerProfilesError as error:
                sent += error.attempts
                error.attempts = sent
                raise

        def wait(state: tenacity.RetryCallState) -> float:
            return max(self._jitter(sent), getattr(_failure_of(state), "retry_after", None) or 0.0)

        def log_retry(state: tenacity.RetryCallState) -> None:
            log.warning(
                "%s failed with %s on attempt %d; trying again in %.2f s",
                operation,
                type(_failure_of(state)).__name__,
                sent,
                state.upcoming_sleep,
            )

        return tenacity.Retrying(
            sleep=self._sleep,
            wait=wait,
            stop=lambda state: sent >= most or not self._may_wait(state.upcoming_sleep),
            retry=tenacity.retry_if_exception(
                lambda error: (
                    isinstance(error, CustomerProfilesError)
                    and self._is_retryable(operation, error)
                )
            ),
            before_sleep=log_retry,
            reraise=True,
        )(attempt)

    def _is_retryable(self, operation: str, error: CustomerProfilesError) -> bool:
        may_repeat = operation.startswith(_REPEATABLE)
        if self.channel.retries:
            return may_repeat and isinstance(error, UnreadableAnswerError)
        if isinstance(error, ThrottlingError):
            return True
        if isinstance(error, ConnectionFailedError) and not error.sent:
            return True
        is_disturbed = isinstance(error, BadRequestError) and error.retryable
        return may_repeat and (is_disturbed or _lost(error) is not None)

    def _jitter(self, attempt: int) -> float:
        """Return a random wait, so that callers spread, below a bound that doubles."""
        bound = min(self._retry.cap, self._retry.base * 2.0 ** min(attempt - 1, 60))
        return random.uniform(0, bound)  # noqa: S311  (spreads callers, keeps no secret)

    def _may_wait(self, wait: float) -> bool:
        """Return whether deadline and budget allow one more attempt after a wait."""
        left = _LONGEST_RETRY_AFTER if limit.end is None else limit.end - time.monotonic()
        return wait + _SHORTEST_ATTEMPT < left and self._budget.spend()

    def _final(self, operation: str, error: CustomerProfilesError) -> CustomerProfilesError:
        """Return what to raise: an AmbiguousWriteError if a create's or merge's answer is lost."""
        lost = _lost(error)
        if lost is None or operation.startswith(_REPEATABLE):
            if isinstance(error, UnreadableAnswerError):
                error.retryable = True
            return error
        remedies = (text for verb, text in _REMEDIES.items() if operation.startswith(verb))
        remedy = next(remedies, "Check whether it happened first.")
        repeated = ""
        if self.channel.retries > 1 and error.attempts > 1:
            repeated = (
                f"the client that you passed sent it {error.attempts} times (its own retries "
                f"allow {self.channel.retries}), so it may have happened more than once"
            )
        ambiguous = AmbiguousWriteError(operation, remedy, reason=lost, repeated=repeated)
        ambiguous.attempts = error.attempts
        ambiguous.__cause__ = error
        return ambiguous


def _failure_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _body(body: bytes) -> None:
    """Read nothing of an answer: it is only checked."""


def _position(error: ValueError) -> str:
    """Return where an answer differs from its model: a member's name and positions of lists.

    Other steps are left out, because they may be names that a customer chose.
    """
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return ""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    first, *rest = problem["loc"] or ("its top",)
    path = ".".join(str(step) for step in (first, *rest) if step is first or type(step) is int)
    return f" at {path} ({problem['type']})"


def _lost(error: CustomerProfilesError) -> str | None:
    """Return why the outcome of a request is unknown; None if it is known."""
    if isinstance(error, ConnectionFailedError) and error.sent:
        return "no answer came"
    if isinstance(error, InternalServerError):
        return f"the answer was a failure ({error.code})"
    if isinstance(error, UnreadableAnswerError):
        return "its answer could not be read"
    return "an earlier attempt got no answer" if error._was_lost else None  # noqa: SLF001  (set by channels)


_REMEDIES = {
    "Create": "Look for it, by its name or one of its search keys, before creating it again.",
    "Merge": "Search for the merged ids before merging again: those that are gone were merged.",
}


class _Budget:
    """Tokens that retries spend and successes earn, so that retries do not prolong an outage."""

    def __init__(self, retries: int | None) -> None:
        self._full = None if retries is None else retries
        self._left = float(retries or 0)
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Spend a retry; return False if none is left."""
        if self._full is None:
            return True
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def earn(self) -> None:
        """Add a part of a retry for a success."""
        if self._full is None or self._left >= self._full:
            return
        with self._lock:
            self._left = min(self._full, self._left + 1 / _SUCCESSES_PER_RETRY)

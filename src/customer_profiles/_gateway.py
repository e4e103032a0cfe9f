"""The gateway to the service: checks requests, sends them, and retries what may be repeated."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from . import _wire
from ._problems import refuse
from .errors import (
    AmbiguousWriteError,
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

_REPEATABLE = (
    *("Get", "List", "Search", "BatchGet", "Put", "BatchPut", "Update", "Delete"),
    *("Tag", "Untag", "Detect", "Add"),
)
_SUCCESSES_PER_RETRY = 5
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 10.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often a request is sent again.

    Throttling is retried for every operation. Failures of the service and of the network are
    retried only for operations that may be repeated: a create or merge is never sent twice
    once it may have arrived, because the service has no idempotency tokens.
    """

    attempts: int = 5
    """The most times a request is sent, the first time included; 1 retries nothing."""
    base: float = 0.1
    """Seconds: the first wait is a random part of this; the bound doubles with each wait."""
    cap: float = 20.0
    """The longest wait in seconds, unless the service asks for a longer one."""
    deadline: float | None = 60.0
    """Seconds after which no further attempt begins; None sets no deadline."""
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
        self._retry = RetryPolicy(attempts=1) if channel.retries else retry or RetryPolicy()
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
            AmbiguousWriteError: a write that must not be repeated was sent, and no answer came.
        """
        refuse(_wire.request_check(operation)(request), operation, names)
        try:
            answer = self.channel.send(operation, request)
        except CustomerProfilesError as error:
            if not self._is_retryable(operation, error) or self._retry.attempts == 1:
                _give_up(operation, error)
            return self._call_again(operation, request, error)
        self._budget.earn()
        return answer

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
        body = self.call(operation, request, names)
        try:
            return reader(body), body
        except ValueError as error:
            msg = f"{operation}: the answer does not have the expected shape: {error}"
            raise UnreadableAnswerError(msg) from error

    def rounds(self) -> Iterator[int]:
        """Yield the numbers of the attempts that the policy allows, from 1, after each wait.

        It is for items of a batch that an answer reports as failed; the caller stops iterating
        when nothing is left to send again.
        """
        began = time.monotonic()
        for attempt in range(1, self._retry.attempts + 1):
            yield attempt
            wait = random.uniform(0, min(self._retry.cap, self._retry.base * 2 ** (attempt - 1)))  # noqa: S311  (spreads callers, keeps no secret)
            deadline = self._retry.deadline
            if deadline is not None and time.monotonic() - began + wait > deadline:
                return
            if attempt == self._retry.attempts or not self._budget.spend():
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

    def _is_retryable(self, operation: str, error: CustomerProfilesError) -> bool:
        if isinstance(error, ThrottlingError):
            return True
        if isinstance(error, ConnectionFailedError) and not error.sent:
            return True
        lost = isinstance(error, (ConnectionFailedError, InternalServerError))
        return lost and operation.startswith(_REPEATABLE)

    def _call_again(self, operation: str, request: Wire, first: CustomerProfilesError) -> bytes:
        """Retry after a failed first attempt; tenacity is imported only when it is needed."""
        import tenacity

        failures = iter([first])

        def send() -> bytes:
            if (failure := next(failures, None)) is not None:
                raise failure
            return self.channel.send(operation, request)

        attempts = tenacity.Retrying(
            sleep=self._sleep,
            wait=self._wait(tenacity),
            stop=self._stop,
            retry=tenacity.retry_if_exception(
                lambda error: (
                    isinstance(error, CustomerProfilesError)
                    and self._is_retryable(operation, error)
                    and self._budget.spend()
                )
            ),
            before_sleep=_log_retry(operation),
            reraise=True,
        )
        try:
            answer = attempts(send)
        except CustomerProfilesError as error:
            error.attempts = int(attempts.statistics["attempt_number"])
            _give_up(operation, error)
        self._budget.earn()
        return answer

    def _wait(self, tenacity: Any) -> Callable[[RetryCallState], float]:
        """Return the wait before an attempt: full jitter, at least what the service asks for."""
        jitter = tenacity.wait_random_exponential(multiplier=self._retry.base, max=self._retry.cap)

        def wait(state: RetryCallState) -> float:
            return max(float(jitter(state)), _retry_after(state))

        return wait

    def _stop(self, state: RetryCallState) -> bool:
        """Return whether this was the last attempt, or the next would begin after the deadline."""
        if state.attempt_number >= self._retry.attempts:
            return True
        if self._retry.deadline is None:
            return False
        return (state.seconds_since_start or 0.0) + state.upcoming_sleep > self._retry.deadline


def _retry_after(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return getattr(error, "retry_after", None) or 0.0


def _log_retry(operation: str) -> Callable[[RetryCallState], None]:
    def write(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "%s failed with %s on attempt %d; trying again in %.2f s",
            operation,
            type(error).__name__,
            state.attempt_number,
            state.upcoming_sleep,
        )

    return write


_REMEDIES = {
    "Create": "Look for it, by its name or one of its search keys, before creating it again.",
    "Merge": "Search for the merged ids before merging again: those that are gone were merged.",
}


def _give_up(operation: str, error: CustomerProfilesError) -> NoReturn:
    """Raise the error, as an AmbiguousWriteError if a create or merge lost its answer."""
    lost = isinstance(error, ConnectionFailedError) and error.sent
    if not lost or operation.startswith(_REPEATABLE):
        raise error
    remedies = (text for verb, text in _REMEDIES.items() if operation.startswith(verb))
    ambiguous = AmbiguousWriteError(operation, next(remedies, "Check whether it happened first."))
    ambiguous.attempts = error.attempts
    raise ambiguous from error


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

"""The one door to the service: checks requests, sends them, and retries what may be repeated."""

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
    """How often a request is sent at the most, the first time included; 1 retries nothing."""
    base: float = 0.1
    """Seconds: the first wait is a random part of this, each further one of twice as much."""
    cap: float = 20.0
    """Seconds that no wait is longer than, unless the service asks for more."""
    deadline: float | None = 60.0
    """Seconds after which no further attempt begins; None has no such end."""
    budget: int | None = 100
    """Retries in a row, over all threads, before failing at once; successes earn them back."""

    def __post_init__(self) -> None:
        """Refuse a policy that cannot be followed."""
        _check("attempts", self.attempts, int, 1)
        _check("base", self.base, float, 0)
        _check("cap", self.cap, float, 0)
        if self.deadline is not None:
            _check("deadline", self.deadline, float, 0, or_none=", or None")
        if self.budget is not None:
            _check("budget", self.budget, int, 0, or_none=", or None")


def _check(name: str, value: Any, kind: type, least: int, *, or_none: str = "") -> None:
    kinds = int if kind is int else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not value >= least:
        what = "whole number" if kind is int else "number of seconds"
        msg = f"{name} must be a {what} of {least} or more{or_none}"
        raise InvalidInputError(msg)


class Gateway:
    """Sends requests through a channel, once or as often as the policy allows.

    Args:
        channel: the way to the service.
        retry: the policy; ignored where the channel retries by itself.
        sleep: waits between attempts; tests hand in their own.
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
        """Check a request, send it, and give the JSON of the answer.

        Args:
            operation: the service's name for it.
            request: what to send.
            names: what the caller wrote for places in the request, for the words of an error.

        Raises:
            InvalidInputError: the request breaks the service's description; nothing was sent.
            ServiceError: the service said no.
            ConnectionFailedError: no answer came.
            AmbiguousWriteError: a write that must not be repeated was sent, no answer came.
        """
        refuse(_wire.request_check(operation)(request), operation, names)
        try:
            answer = self.channel.send(operation, request)
        except CustomerProfilesError as error:
            if not self._may_repeat(operation, error) or self._retry.attempts == 1:
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
        """Call, and read the answer; give what was read and what it was read from."""
        body = self.call(operation, request, names)
        try:
            return reader(body), body
        except ValueError as error:
            msg = f"{operation}: the answer does not have the agreed shape: {error}"
            raise UnreadableAnswerError(msg) from error

    def rounds(self) -> Iterator[int]:
        """Count the attempts at what an answer says may succeed later, by the policy.

        The first comes at once, and each further one after a wait. Who has nothing left to
        send again stops asking.
        """
        begun = time.monotonic()
        for attempt in range(1, self._retry.attempts + 1):
            yield attempt
            wait = random.uniform(0, min(self._retry.cap, self._retry.base * 2 ** (attempt - 1)))  # noqa: S311  (spreads callers, keeps no secret)
            deadline = self._retry.deadline
            if deadline is not None and time.monotonic() - begun + wait > deadline:
                return
            if attempt == self._retry.attempts or not self._budget.spend():
                return
            self._sleep(wait)

    def waits(self, timeout: float | None) -> Iterator[float]:
        """Wait between questions about what takes a while, longer each time, until time is up.

        Args:
            timeout: seconds in all; None has no such end.
        """
        begun, slept, wait = time.monotonic(), 0.0, _FIRST_WAIT
        while True:
            left = math.inf if timeout is None else timeout
            left -= max(slept, time.monotonic() - begun)
            if left <= 0:
                return
            self._sleep(min(wait, left))
            yield (slept := slept + min(wait, left))
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def _may_repeat(self, operation: str, error: CustomerProfilesError) -> bool:
        if isinstance(error, ThrottlingError):
            return True
        if isinstance(error, ConnectionFailedError) and not error.sent:
            return True
        lost = isinstance(error, (ConnectionFailedError, InternalServerError))
        return lost and operation.startswith(_REPEATABLE)

    def _call_again(self, operation: str, request: Wire, first: CustomerProfilesError) -> bytes:
        """Go on after a failed first attempt; tenacity is imported by whoever needs it."""
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
                    and self._may_repeat(operation, error)
                    and self._budget.spend()
                )
            ),
            before_sleep=_note(operation),
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
        """Full jitter, and never less than the service asked for."""
        jitter = tenacity.wait_random_exponential(multiplier=self._retry.base, max=self._retry.cap)

        def wait(state: RetryCallState) -> float:
            return max(float(jitter(state)), _asked_for(state))

        return wait

    def _stop(self, state: RetryCallState) -> bool:
        """Stop after the last attempt, or where the next would begin past the deadline."""
        if state.attempt_number >= self._retry.attempts:
            return True
        if self._retry.deadline is None:
            return False
        return (state.seconds_since_start or 0.0) + state.upcoming_sleep > self._retry.deadline


def _asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return getattr(error, "retry_after", None) or 0.0


def _note(operation: str) -> Callable[[RetryCallState], None]:
    def note(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "%s failed with %s on attempt %d; trying again in %.2f s",
            operation,
            type(error).__name__,
            state.attempt_number,
            state.upcoming_sleep,
        )

    return note


_REMEDIES = {
    "Create": "Look for it, by its name or one of its search keys, before creating it again.",
    "Merge": "Search for the merged ids before merging again: those that are gone were merged.",
}


def _give_up(operation: str, error: CustomerProfilesError) -> NoReturn:
    """Raise what the caller sees: a lost answer to a create or merge is its own kind."""
    lost = isinstance(error, ConnectionFailedError) and error.sent
    if not lost or operation.startswith(_REPEATABLE):
        raise error
    remedy = next((it for verb, it in _REMEDIES.items() if operation.startswith(verb)), None)
    ambiguous = AmbiguousWriteError(operation, remedy or "Look whether it happened first.")
    ambiguous.attempts = error.attempts
    raise ambiguous from error


class _Budget:
    """Tokens that retries cost and successes earn, so that an outage is not hammered."""

    def __init__(self, retries: int | None) -> None:
        self._full = None if retries is None else retries
        self._left = float(retries or 0)
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take the price of one retry; False when the budget is used up."""
        if self._full is None:
            return True
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def earn(self) -> None:
        """Give back a part of a retry for a success."""
        if self._full is None or self._left >= self._full:
            return
        with self._lock:
            self._left = min(self._full, self._left + 1 / _SUCCESSES_PER_RETRY)

"""Injected faults: rules that say which requests fail, how, and how often.

The engine applies them between the registry and the operation, so that the client in process, the
botocore hook, HTTP and moto fail alike. A counted rule always hits the same requests, and chances
have seeds, so that a test fails in every run or in none.
"""

from __future__ import annotations

import difflib
import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypedDict, Unpack

from customer_profiles import _wire

from .refusals import Refusal, has_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from customer_profiles._wire import Wire

    from .clock import Clock


class NoAnswerError(Exception):
    """A fault took the answer away; doors turn it into a lost connection.

    Args:
        operation: the operation that gets no answer.
        is_late: the answer would come after the client's read time-out.
    """

    def __init__(self, operation: str, *, is_late: bool = False) -> None:
        super().__init__(f"{operation}: a fault took the answer away")
        self.operation = operation
        self.is_late = is_late


class Counts(TypedDict, total=False):
    """The faults of `fail_next`, and how many requests each of them hits."""

    throttling: int
    """429 ThrottlingException."""
    internal_error: int
    """500 InternalServerException."""
    unavailable: int
    """503 ServiceUnavailable."""
    access_denied: int
    """403 AccessDeniedException."""
    not_found: int
    """404 ResourceNotFoundException."""
    bad_request: int
    """400 BadRequestException."""
    concurrent_update: int
    """400 BadRequestException, because of another update of the profile."""
    lost_answer: int
    """The operation is performed, and the connection is closed without an answer."""
    lost_request: int
    """The connection is closed before the operation is performed."""


class _Error(NamedTuple):
    code: str
    message: str
    status: int | None = None


_ERRORS: dict[str, _Error] = {
    "throttling": _Error("ThrottlingException", "Rate exceeded"),
    "internal_error": _Error("InternalServerException", "Internal service error"),
    "unavailable": _Error("ServiceUnavailable", "Service is temporarily unavailable", 503),
    "access_denied": _Error("AccessDeniedException", "Not authorized to perform this operation"),
    "not_found": _Error("ResourceNotFoundException", "The resource does not exist"),
    "bad_request": _Error("BadRequestException", "The request is not valid"),
    # Observed in the service, for simultaneous writes of a profile.
    "concurrent_update": _Error(
        "BadRequestException", "Failed to update profile due to concurrent update in-progress."
    ),
}
_LOST_ANSWER, _LOST_REQUEST = "lost_answer", "lost_request"
_NAMES = (*_ERRORS, _LOST_ANSWER, _LOST_REQUEST)


class Fault:
    """A rule: which requests fail, how, and how often.

    Use it in a `with` block to remove it at the end of the block.

    Args:
        operations: the names of operations, such as `CreateProfile`; none means all.
        error: a code of the service, such as `ThrottlingException`, or one of the names of
            `fail_next`, such as `concurrent_update`; any other code needs a `status`.
        message: the error's message; None for one that suits the code.
        status: the HTTP status of the error; None for that of the code.
        after: perform the operation before the error is raised.
        lose_answer: perform the operation, and close the connection without an answer.
        lose_request: close the connection before the operation is performed.
        delay: seconds until the operation is performed, by the engine's clock: the system's
            waits, a `ManualClock` is advanced. A client whose read time-out is shorter gets no
            answer.
        times: how many requests it hits; None for all.
        skip: how many requests pass before the first that it may hit.
        every: hit only every n-th request.
        probability: the chance that a request is hit, from 0 to 1.
        seed: the seed of the chances; the same seed hits the same requests.
        when: returns whether a request, with the service's names of members, may be hit.

    Raises:
        ValueError: there is no such operation or error, or a number is out of its range; the
            message names the nearest right one.
    """

    hits: int
    """How many requests it has hit."""

    def __init__(  # noqa: PLR0913 - all of them are rarely set
        self,
        *operations: str,
        error: str | None = None,
        message: str | None = None,
        status: int | None = None,
        after: bool = False,
        lose_answer: bool = False,
        lose_request: bool = False,
        delay: float = 0.0,
        times: int | None = None,
        skip: int = 0,
        every: int = 1,
        probability: float = 1.0,
        seed: int = 0,
        when: Callable[[Wire], bool] | None = None,
    ) -> None:
        names = tuple(map(_operation, operations))
        self.operations: tuple[str, ...] = () if "*" in names else names
        self._error = None if error is None else _error(error, message, status)
        if self._error is None and not (lose_answer or lose_request or delay):
            problem = "a fault needs an error, lose_answer, lose_request or a delay"
            raise ValueError(problem)
        if (error is not None) + lose_answer + lose_request > 1:
            problem = "a rule has one of error, lose_answer and lose_request; use several rules"
            raise ValueError(problem)
        if not delay >= 0:
            problem = f"delay must be 0 or more, it was {delay!r}"
            raise ValueError(problem)
        _whole_number(0, skip=skip)
        _whole_number(1, every=every, times=1 if times is None else times)
        if not 0 <= probability <= 1:
            problem = f"probability must be from 0 to 1, it was {probability!r}"
            raise ValueError(problem)
        self.delay: float = delay
        self.times: int | None = times
        self.hits = 0
        self._after, self._lose_answer, self._lose_request = after, lose_answer, lose_request
        self._skip, self._every, self._probability = skip, every, probability
        self._random = random.Random(seed)  # noqa: S311 - chances of tests, no secrets
        self._when = when
        self._seen = 0
        self._is_removed = False

    @property
    def is_over(self) -> bool:
        """Whether it was removed, or has hit as many requests as it should."""
        return self._is_removed or self.hits == self.times

    def remove(self) -> None:
        """Hit no more requests."""
        self._is_removed = True

    def __enter__(self) -> Self:
        """Return the rule itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hit no more requests."""
        self.remove()

    def __repr__(self) -> str:
        """Show what the rule does, and how often it did."""
        faults = [f"{self.delay:g} s later"] if self.delay else []
        if self._error is not None:
            faults.append(self._error.code)
        elif self._lose_answer or self._lose_request:
            faults.append(_LOST_ANSWER if self._lose_answer else _LOST_REQUEST)
        hits = f"{self.hits}" if self.times is None else f"{self.hits} of {self.times}"
        return f"<Fault {', '.join(self.operations) or '*'}: {', '.join(faults)}; hits: {hits}>"

    def _hits(self, operation: str, request: Wire) -> bool:
        """Count a request, and return whether it is hit."""
        if self.is_over or (self.operations and operation not in self.operations):
            return False
        if self._when is not None and not self._when(request):
            return False
        self._seen += 1
        number = self._seen - self._skip
        if number <= 0 or number % self._every:
            return False
        if self._probability < 1 and self._random.random() >= self._probability:
            return False
        self.hits += 1
        return True

    def _apply(self, operation: str, clock: Clock, perform: Callable[[], bytes]) -> bytes:
        """Perform an operation, or fail in its place or after it."""
        longest = _patience.seconds
        is_late = longest is not None and self.delay > 0 and longest <= self.delay
        if self.delay:
            clock.sleep(self.delay if longest is None else max(0.0, min(self.delay, longest)))
        if self._lose_request:
            raise NoAnswerError(operation, is_late=is_late)
        answer = b""
        if self._error is None or self._after:
            try:
                answer = perform()
            except Refusal:
                if not (is_late or self._lose_answer):
                    raise
        if is_late or self._lose_answer:
            raise NoAnswerError(operation, is_late=is_late)
        if self._error is not None:
            raise Refusal(*self._error)
        return answer


class Faults:
    """The faults of an engine; the first rule that hits a request decides what happens to it.

    Engines may share them. Threads too.
    """

    active: tuple[Fault, ...]
    """The rules that may hit a request, and some that are over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.active = ()

    @property
    def pending(self) -> list[Fault]:
        """The counted rules that have not hit as many requests as they should.

        A test whose code must have met all of its faults ends with `assert not faults.pending`.
        """
        return [rule for rule in self.active if rule.times is not None and not rule.is_over]

    def on(  # noqa: PLR0913 - all of them are rarely set
        self,
        *operations: str,
        error: str | None = None,
        message: str | None = None,
        status: int | None = None,
        after: bool = False,
        lose_answer: bool = False,
        lose_request: bool = False,
        delay: float = 0.0,
        times: int | None = None,
        skip: int = 0,
        every: int = 1,
        probability: float = 1.0,
        seed: int = 0,
        when: Callable[[Wire], bool] | None = None,
    ) -> Fault:
        """Make requests fail from now on.

        ```python
        faults.on("CreateProfile", error="ThrottlingException", times=2)
        faults.on("MergeProfiles", lose_answer=True)
        faults.on("SearchProfiles", delay=0.2, every=10)
        ```

        The arguments are those of `Fault`.

        Returns:
            The rule, which counts its `hits`; use it in a `with` block to remove it at the end.

        Raises:
            ValueError: there is no such operation or error, or a number is out of its range.
        """
        return self.add(
            Fault(
                *operations,
                error=error,
                message=message,
                status=status,
                after=after,
                lose_answer=lose_answer,
                lose_request=lose_request,
                delay=delay,
                times=times,
                skip=skip,
                every=every,
                probability=probability,
                seed=seed,
                when=when,
            )
        )

    def fail_next(self, operation: str, **counts: Unpack[Counts]) -> list[Fault]:
        """Make the next requests of an operation fail, in the order of the arguments.

        ```python
        faults.fail_next("SearchProfiles", throttling=3)
        faults.fail_next("CreateProfile", internal_error=1, lost_answer=1)
        ```

        Args:
            operation: the name of an operation; `*` means all.
            counts: how many requests fail in which way.

        Raises:
            ValueError: there is no such operation or fault.
        """
        rules: list[Fault] = []
        for name, count in counts.items():
            if name not in _NAMES:
                message = f"{name} is no fault; {_nearest(name, _NAMES)}"
                raise ValueError(message)
            if not isinstance(count, int):
                message = f"{name} must be a number of requests, it was {count!r}"
                raise TypeError(message)
            rules.append(_named(operation, name, times=count))
        if not rules:
            message = "say how the next requests fail, such as throttling=3"
            raise ValueError(message)
        return [self.add(rule) for rule in rules]

    def add(self, rule: Fault) -> Fault:
        """Add a rule, after those that are there; return it."""
        with self._lock:
            self.active = (*(known for known in self.active if not known.is_over), rule)
        return rule

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            for rule in self.active:
                rule.remove()
            self.active = ()

    def __bool__(self) -> bool:
        """Return whether there are rules that may hit a request."""
        return any(not rule.is_over for rule in self.active)

    def __iter__(self) -> Iterator[Fault]:
        """Iterate over the rules that may hit a request."""
        return iter([rule for rule in self.active if not rule.is_over])

    def __repr__(self) -> str:
        """Show the rules."""
        return f"<Faults: {list(self)}>"

    def apply(
        self, operation: str, request: Wire, clock: Clock, perform: Callable[[], bytes]
    ) -> bytes:
        """Perform an operation, unless a rule hits it.

        Raises:
            Refusal: the service's refusal, or an injected one.
            NoAnswerError: the request or its answer is lost.
        """
        with self._lock:
            rule = next((rule for rule in self.active if rule._hits(operation, request)), None)  # noqa: SLF001
            if any(known.is_over for known in self.active):
                self.active = tuple(known for known in self.active if not known.is_over)
        return perform() if rule is None else rule._apply(operation, clock, perform)  # noqa: SLF001


class _Patience(threading.local):
    seconds: float | None = None


_patience = _Patience()


@contextmanager
def patience(seconds: float | None) -> Iterator[None]:
    """Let a fault delay the requests of this thread no longer than a client waits for them."""
    outer, _patience.seconds = _patience.seconds, seconds
    try:
        yield
    finally:
        _patience.seconds = outer


_OPTIONS = ("times", "every", "skip", "probability", "seed", "delay", "status")
_FORM = "write OPERATION:FAULT[:COUNT], such as SearchProfiles:throttling:3"


def parse(text: str) -> Fault:
    """Return the rule of a text of the form `OPERATION:FAULT[:COUNT][:NAME=VALUE...]`.

    ```python
    parse("SearchProfiles:throttling:3")
    parse("*:InternalServerException:probability=0.1:seed=7")
    parse("MergeProfiles:lost-answer")
    parse("SearchProfiles:delay=0.2:every=10")
    ```

    Raises:
        ValueError: the text is not of this form; the message says what is wrong.
    """
    operation, *parts = (part.strip() for part in text.split(":"))
    if not parts or not all(parts):
        message = f"{text!r} is no fault: {_FORM}"
        raise ValueError(message)
    name = "" if "=" in parts[0] else parts.pop(0)
    options: dict[str, float] = {}
    for part in parts:
        option, equals, value = part.partition("=")
        if not equals and part.isdecimal():
            option, value = "times", part
        elif option not in _OPTIONS:
            message = f"{part!r} of the fault {text!r}: {_nearest(option, _OPTIONS)}; {_FORM}"
            raise ValueError(message)
        try:
            number = float(value) if option in {"delay", "probability"} else int(value)
        except ValueError:
            message = f"{part!r} of the fault {text!r}: {value!r} is not a number"
            raise ValueError(message) from None
        options[option] = number
    return _named(operation, name, **options)


def _named(operation: str, name: str, **options: Any) -> Fault:
    known = name.replace("-", "_")
    if known in {_LOST_ANSWER, "lose_answer"}:
        options["lose_answer"] = True
    elif known in {_LOST_REQUEST, "lose_request"}:
        options["lose_request"] = True
    elif name:
        options["error"] = known if known in _ERRORS else name
    return Fault(operation, **options)


def _operation(name: str) -> str:
    names = _wire.service().operation_names
    if name in names or name == "*":
        return name
    message = f"{name} is no operation of the service; {_nearest(name, names)}"
    raise ValueError(message)


def _error(name: str, message: str | None, status: int | None) -> _Error:
    by_code = {error.code: error for error in reversed(_ERRORS.values())}
    error = _ERRORS.get(name) or by_code.get(name)
    if error is None:
        if status is None and not has_status(name):
            names = [*by_code, *_NAMES]
            text = f"{name} is no error of the service; {_nearest(name, names)}, or give a status"
            raise ValueError(text)
        error = _Error(name, "An injected fault", status)
    return _Error(error.code, message or error.message, status or error.status)


def _nearest(name: str, names: list[str] | tuple[str, ...]) -> str:
    """Return a sentence with the known name that is the most similar; case and `_` do not count."""
    folded = {known.replace("_", "").lower(): known for known in names}
    wanted = name.replace("_", "").replace("-", "").lower()
    found = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.0)
    return f"did you mean {folded[found[0]]}?"


def _whole_number(least: int, **numbers: float) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int) or number < least:
            message = f"{name} must be a whole number of {least} or more, it was {number!r}"
            raise ValueError(message)

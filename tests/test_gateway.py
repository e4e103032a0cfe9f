"""Retries, deadlines, budgets and lost answers, over a channel that is told to fail."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from customer_profiles import (
    AmbiguousWriteError,
    BadRequestError,
    ConnectionFailedError,
    CustomerProfiles,
    CustomerProfilesError,
    InternalServerError,
    InvalidInputError,
    RetryPolicy,
    ServiceError,
    ThrottlingError,
)
from customer_profiles._gateway import Gateway

ID = "0" * 32
ANSWER = b'{"ProfileId":"%s","DomainName":"shop","CreatedAt":1,"LastUpdatedAt":1}' % ID.encode()


@dataclass
class Failing:
    """A channel that fails as told, then answers."""

    failures: list[Exception]
    retries: bool = False
    sent: list[str] = field(default_factory=list)

    def send(self, operation: str, _request: dict[str, object]) -> bytes:
        self.sent.append(operation)
        if self.failures:
            raise self.failures.pop(0)
        return (
            b'{"ProfileId":"%s","DomainName":"shop","CreatedAt":1,"LastUpdatedAt":1}' % ID.encode()
        )

    def arn(self, resource: str) -> str:
        return resource

    def close(self) -> None:
        """Hold nothing."""


def throttled(retry_after: float | None = None) -> ServiceError:
    return ServiceError.of(
        "ThrottlingException", "slow down", operation="X", status=429, retry_after=retry_after
    )


def failed() -> ServiceError:
    return ServiceError.of("InternalServerException", "oops", operation="X", status=500)


def lost(*, sent: bool = True) -> ConnectionFailedError:
    return ConnectionFailedError("X", "ReadTimeoutError", sent=sent)


CREATE = ("CreateProfile", {"DomainName": "shop"})
GET = ("GetDomain", {"DomainName": "shop"})
UPDATE = ("UpdateProfile", {"DomainName": "shop", "ProfileId": ID, "FirstName": "Ada"})


def run(
    call: tuple[str, dict[str, object]], *failures: Exception, retry: RetryPolicy | None = None
) -> tuple[Failing, list[float], Exception | None]:
    channel, slept = Failing(list(failures)), list[float]()
    gateway = Gateway(channel, retry, sleep=slept.append)
    try:
        gateway.call(*call)
    except CustomerProfilesError as error:
        return channel, slept, error
    return channel, slept, None


@pytest.mark.parametrize("call", [CREATE, GET, UPDATE], ids=lambda call: call[0])
def test_throttling_is_retried_for_every_operation(call: tuple[str, dict[str, object]]) -> None:
    channel, slept, error = run(call, throttled(), throttled())

    assert error is None
    assert (len(channel.sent), len(slept)) == (3, 2)


@pytest.mark.parametrize("call", [GET, UPDATE], ids=lambda call: call[0])
@pytest.mark.parametrize("failure", [failed, lost])
def test_failures_are_retried_where_that_is_harmless(call: object, failure: object) -> None:
    channel, _, error = run(call, failure())  # type: ignore[arg-type, operator]

    assert error is None
    assert len(channel.sent) == 2


def test_a_lost_answer_to_a_create_is_ambiguous_and_sent_once() -> None:
    channel, _, error = run(CREATE, lost())

    assert channel.sent == ["CreateProfile"]
    assert isinstance(error, AmbiguousWriteError)
    assert error.operation == "CreateProfile"
    assert "before creating it again" in str(error)


def test_a_create_that_was_never_sent_is_retried() -> None:
    channel, _, error = run(CREATE, lost(sent=False))

    assert error is None
    assert len(channel.sent) == 2


def test_a_create_that_the_service_failed_is_not_repeated() -> None:
    channel, _, error = run(CREATE, failed())

    assert len(channel.sent) == 1
    assert isinstance(error, AmbiguousWriteError)
    assert isinstance(error.__cause__, InternalServerError)
    assert not error.retryable


def test_a_bad_request_is_not_retried() -> None:
    refused = ServiceError.of("BadRequestException", "no", operation="GetDomain", status=400)
    channel, slept, error = run(GET, refused)

    assert (len(channel.sent), slept) == (1, [])
    assert isinstance(error, BadRequestError)


def test_attempts_are_counted_and_end() -> None:
    channel, slept, error = run(
        GET, *[throttled() for _ in range(9)], retry=RetryPolicy(attempts=3)
    )

    assert isinstance(error, ThrottlingError)
    assert error.attempts == 3
    assert error.retryable
    assert (len(channel.sent), len(slept)) == (3, 2)


def test_waits_are_jittered_between_zero_and_a_doubling_cap() -> None:
    policy = RetryPolicy(attempts=8, base=1.0, cap=4.0, deadline=None)
    _, slept, _ = run(GET, *[throttled() for _ in range(7)], retry=policy)

    assert all(0 <= wait <= cap for wait, cap in zip(slept, [1, 2, 4, 4, 4, 4, 4], strict=True))
    assert len(set(slept)) > 1


def test_retry_after_is_honoured() -> None:
    _, slept, error = run(GET, throttled(retry_after=3.0))

    assert error is None
    assert slept[0] >= 3.0


def test_a_wait_past_the_deadline_is_not_begun() -> None:
    channel, slept, error = run(GET, throttled(retry_after=90.0), retry=RetryPolicy(deadline=60.0))

    assert isinstance(error, ThrottlingError)
    assert (len(channel.sent), slept) == (1, [])


def test_the_budget_ends_retries_and_successes_earn_them_back() -> None:
    channel = Failing([throttled() for _ in range(3)])
    gateway = Gateway(channel, RetryPolicy(attempts=10, budget=2), sleep=lambda _: None)
    with pytest.raises(ThrottlingError):
        gateway.call(*GET)
    assert len(channel.sent) == 3

    for _ in range(5):
        gateway.call(*GET)
    channel.failures = [throttled()]
    gateway.call(*GET)

    assert len(channel.sent) == 3 + 5 + 2


def test_a_channel_that_retries_gets_no_second_layer() -> None:
    channel = Failing([throttled()], retries=True)

    with pytest.raises(ThrottlingError):
        Gateway(channel).call(*GET)
    assert len(channel.sent) == 1


def test_a_policy_for_a_channel_that_retries_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="retry excludes a channel that retries"):
        CustomerProfiles(channel=Failing([], retries=True), retry=RetryPolicy())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"attempts": 0}, "attempts must be a whole number of 1 or more"),
        ({"attempts": "3"}, "attempts must be a whole number of 1 or more"),
        ({"attempts": True}, "attempts must be a whole number of 1 or more"),
        ({"base": -1.0}, "base must be a number of seconds of 0 or more"),
        ({"cap": "1"}, "cap must be a number of seconds of 0 or more"),
        ({"deadline": "60"}, "deadline must be a number of seconds of 0 or more, or None"),
        ({"budget": 1.5}, "budget must be a whole number of 0 or more, or None"),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{said}$"):
        RetryPolicy(**wrong)


def test_a_policy_without_ends_is_fine() -> None:
    assert RetryPolicy(attempts=1, base=0, deadline=None, budget=None).cap == 20


def test_a_retry_is_logged_without_the_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run(UPDATE, throttled())

    assert "UpdateProfile failed with ThrottlingError on attempt 1" in caplog.text
    assert "Ada" not in caplog.text


def test_a_request_that_breaks_the_model_is_not_sent() -> None:
    channel, _, error = run(("CreateProfile", {"DomainName": "shop", "FirstName": "x" * 256}))

    assert channel.sent == []
    assert isinstance(error, InvalidInputError)
    assert "first_name must have at most 255" in str(error)

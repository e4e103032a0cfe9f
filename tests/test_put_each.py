"""Batches of objects: lazily taken, split by size, and sent again where that may help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from customer_profiles import (
    BatchError,
    CustomerProfiles,
    InternalServerError,
    InvalidInputError,
    ProfileObjects,
    ResourceNotFoundError,
    RetryPolicy,
    ServiceError,
    StoredObject,
    ThrottlingError,
)
from customer_profiles._gateway import Gateway
from customer_profiles.models.profile_object import JsonObject

CANARY = "canary7f3a"


@dataclass
class Batches:
    """A channel that stores objects, but for those that it is told to refuse, with a status."""

    refused: dict[str, list[int]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    sent: list[list[str]] = field(default_factory=list)
    retries: bool = False

    def send(self, _operation: str, request: dict[str, Any]) -> bytes:
        texts = [item["Object"] for item in request["Items"]]
        self.sent.append(texts)
        if self.failures:
            raise self.failures.pop(0)
        good: list[Any] = []
        bad: list[Any] = []
        for item in request["Items"]:
            statuses = self.refused.get(json.loads(item["Object"])["id"], [])
            if statuses:
                said = f"no {item['Object']}"
                bad.append({"Id": item["Id"], "Code": statuses.pop(0), "Message": said})
            else:
                key = f"key-{json.loads(item['Object'])['id']}"
                good.append({"Id": item["Id"], "ProfileObjectUniqueKey": key})
        return json.dumps({"Successful": good, "Failed": bad}).encode()

    def arn(self, resource: str) -> str:
        return resource

    def close(self) -> None:
        """Hold nothing."""


def objects(channel: Batches, **policy: Any) -> ProfileObjects[JsonObject]:
    gateway = Gateway(channel, RetryPolicy(**policy), sleep=lambda _: None)
    return ProfileObjects(gateway, "shop", "Order")


def items(count: int) -> Iterator[dict[str, str]]:
    return ({"id": str(n)} for n in range(count))


def test_objects_go_ten_at_a_time() -> None:
    channel = Batches()
    keys = objects(channel).put_many(items(23))

    assert [len(batch) for batch in channel.sent] == [10, 10, 3]
    assert keys == [f"key-{n}" for n in range(23)]


def test_nothing_is_sent_for_nothing() -> None:
    channel = Batches()

    assert objects(channel).put_many([]) == []
    assert channel.sent == []


def test_objects_are_taken_as_their_results_are_asked_for() -> None:
    channel, taken = Batches(), list[int]()
    source = (taken.append(n) or {"id": str(n)} for n in range(1000))  # type: ignore[func-returns-value]
    results = objects(channel).put_each(source)
    assert taken == []

    assert next(results).unique_key == "key-0"
    assert len(taken) == 11


def test_a_batch_that_would_be_too_large_is_split() -> None:
    channel = Batches()
    # A letter outside the plane of most alphabets takes twelve bytes in JSON.
    large = [{"id": str(n), "note": "😀" * 200_000} for n in range(5)]

    assert len(objects(channel).put_many(large)) == 5
    assert [len(batch) for batch in channel.sent] == [3, 2]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_only_what_may_succeed_later_is_sent_again(status: int) -> None:
    channel = Batches(refused={"1": [status, status], "2": [400]})
    results = list(objects(channel).put_each(items(4)))

    assert [len(batch) for batch in channel.sent] == [4, 1, 1]
    assert [result.is_stored for result in results] == [True, True, False, True]


def test_a_client_with_retries_of_its_own_gets_no_second_layer() -> None:
    channel = Batches(refused={"1": [429] * 9}, retries=True)
    results = list(objects(channel).put_each(items(2)))

    assert len(channel.sent) == 1
    assert isinstance(results[1].error, ThrottlingError)


def test_sending_again_ends_with_the_policy() -> None:
    channel = Batches(refused={"1": [500] * 99})

    with pytest.raises(BatchError) as caught:
        objects(channel, attempts=3).put_many(items(2))
    assert len(channel.sent) == 3
    assert isinstance(caught.value.failed[1], InternalServerError)


def test_the_budget_ends_sending_again() -> None:
    channel = Batches(refused={"1": [429] * 99})
    list(objects(channel, attempts=9, budget=2).put_each(items(2)))

    assert len(channel.sent) == 3


def test_a_failure_of_a_batch_tells_positions_and_keys() -> None:
    channel = Batches(refused={"1": [400], "12": [400]})

    with pytest.raises(BatchError) as caught:
        objects(channel).put_many(items(14))
    assert list(caught.value.failed) == [1, 12]
    assert len(caught.value.succeeded) == 12


def test_an_object_that_cannot_be_sent_keeps_no_other_from_it() -> None:
    channel = Batches()
    bad: list[Any] = [{"id": datetime(2026, 1, 2, tzinfo=UTC)}, {"id": "x" * 256_000}, 3, ""]
    results = list(objects(channel).put_each([*items(1), *bad, {"id": "5"}]))

    assert [result.is_stored for result in results] == [True, False, False, False, False, True]
    assert all(isinstance(result.error, InvalidInputError) for result in results[1:5])
    assert [len(batch) for batch in channel.sent] == [2]


def test_a_failure_of_a_whole_request_is_raised_as_it_is() -> None:
    missing = ServiceError.of("ResourceNotFoundException", "no such domain", operation="X")
    channel = Batches(failures=[missing])

    with pytest.raises(ResourceNotFoundError):
        objects(channel).put_many(items(30))
    assert len(channel.sent) == 1


def test_a_lost_answer_to_a_batch_is_sent_again() -> None:
    lost = ServiceError.of("InternalServerException", "oops", operation="X")
    channel = Batches(failures=[lost])

    assert objects(channel).put_many(items(1)) == ["key-0"]
    assert len(channel.sent) == 2


def test_an_answer_that_forgets_an_object_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Batches()
    monkeypatch.setattr(channel, "send", lambda *_: b"{}")

    (result,) = objects(channel, attempts=1).put_each(items(1))
    assert isinstance(result.error, InternalServerError)


def test_no_error_and_no_repr_of_a_result_holds_a_value() -> None:
    channel = Batches(refused={CANARY: [400]})
    (result,) = objects(channel).put_each([{"id": CANARY}])

    assert CANARY not in f"{result!r} {result.error} {result.error!r}"


def test_a_stored_object_is_put_as_it_is() -> None:
    channel = Batches()
    objects(channel).put_many([StoredObject(object='{"id": "7"}')])

    assert channel.sent == [['{"id": "7"}']]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_are_refused(value: float) -> None:
    with CustomerProfiles.embedded() as cp, pytest.raises(InvalidInputError, match="JSON values"):
        cp.domain("shop").objects("Order").put({"id": value})

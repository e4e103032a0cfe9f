"""Many profiles: an iterator of items in, an iterator of numbered results out."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from customer_profiles import (
    AccessDeniedError,
    AmbiguousWriteError,
    ConnectionFailedError,
    CustomerProfiles,
    InvalidInputError,
    MultipleResultsError,
    Profile,
    Profiles,
    ResourceNotFoundError,
    RetryPolicy,
    ServiceError,
    ThrottlingError,
)
from customer_profiles._gateway import Gateway
from customer_profiles.repositories import bulk

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEMS: list[Any] = [
    {"first_name": "Ada", "address": {"city": "London", "postal_code": "W1"}},
    Profile(email_address="ada@example.com", attributes={"tier": "gold"}),
    {"first_name": "", "last_name": "Lovelace"},
    {"firstname": "Ada"},
    {"gender": "female"},
    {"first_name": "\ud800"},
    {"first_name": None, "middle_name": "Ünï", "attributes": {"a": None, "b": "1"}},
    {"address": {"town": "London"}},
    "Ada",
    {"first_name": "x" * 256},
    {},
]


@pytest.fixture
def profiles() -> Iterator[Profiles]:
    with CustomerProfiles.embedded(strict=True) as cp:
        yield cp.domains.create("shop", default_expiration_days=30).profiles


def one_by_one(profiles: Profiles, items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        try:
            made = profiles.create(item) if isinstance(item, Profile) else profiles.create(**item)
        except (InvalidInputError, ServiceError) as error:
            found.append((type(error), str(error)))
        else:
            found.append({**made._to_wire(), "ProfileId": ""})
    return found


def test_items_have_the_outcomes_of_single_creates(profiles: Profiles) -> None:
    items = [item for item in ITEMS if item != "Ada"]
    results = list(profiles.create_many(items))

    assert [result.position for result in results] == list(range(len(items)))
    found = [
        (type(result.error), str(result.error))
        if result.error
        else {**profiles.get(result.profile_id or "")._to_wire(), "ProfileId": ""}
        for result in results
    ]
    assert found == one_by_one(profiles, items)
    assert [result.is_stored for result in results].count(True) == 4


def test_an_item_that_is_no_profile_fails_alone(profiles: Profiles) -> None:
    bad, good = profiles.create_many(["Ada", {"first_name": "Ada"}])

    assert "not a str" in str(bad.error)
    assert good.outcome == "created"


def test_plain_fields_become_what_a_model_makes_of_them() -> None:
    fields = {"last_name": "L", "first_name": "É", "address": {"state": "", "city": "x"}}
    wire = bulk.wire_of(fields)

    assert json.dumps(wire) == json.dumps(Profile.model_validate(fields)._to_wire())
    assert bulk._plain({"gender": "FEMALE"}) is None


def test_items_are_read_as_results_are_taken(profiles: Profiles) -> None:
    taken: list[int] = []

    def endless() -> Iterator[dict[str, str]]:
        while True:
            taken.append(1)
            yield {"first_name": f"p{len(taken)}"}

    assert len(list(islice(profiles.create_many(endless()), 5_000))) == 5_000
    assert len(taken) <= 5_000 + bulk._MOST_ITEMS


def test_a_missing_domain_is_refused_at_once() -> None:
    with CustomerProfiles.embedded() as cp, pytest.raises(ResourceNotFoundError):
        list(cp.domain("none").profiles.create_many([{"first_name": "Ada"}]))


def test_profiles_are_found_by_a_key_and_updated(profiles: Profiles) -> None:
    items = [
        {"email_address": "a@x.org", "first_name": "Ada", "last_name": ""},
        {"email_address": "A@X.org", "last_name": "Lovelace"},
        {"email_address": "b@x.org", "personal_email_address": "c@x.org"},
        {"email_address": "c@x.org"},
        {"first_name": "Eve"},
    ]
    results = list(profiles.upsert_many(items, key="email_address"))

    assert [result.outcome for result in results] == [
        *("created", "updated", "created"),
        *("failed", "failed"),
    ]
    assert results[1].profile_id == results[0].profile_id
    ada = profiles.get(results[0].profile_id or "")
    assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    assert isinstance(results[3].error, MultipleResultsError)
    assert "email_address is empty" in str(results[4].error)
    kept = profiles.upsert_many(
        [{"email_address": "a@x.org"}], key="email_address", keep_stored=True
    )
    assert [result.outcome for result in kept] == ["kept"]


def test_a_key_that_identifies_nobody_is_refused(profiles: Profiles) -> None:
    with pytest.raises(InvalidInputError, match="email_address"):
        profiles.upsert_many([], key="email")  # type: ignore[arg-type]


@dataclass
class Creates:
    """A channel of a service that creates profiles, or fails as it is told for a name."""

    failures: dict[str, list[Exception]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    most_at_once: int = 0
    retries: bool = False
    _running: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def send(self, _operation: str, request: dict[str, Any]) -> bytes:
        name = request["FirstName"]
        with self._lock:
            self.sent.append(name)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        threading.Event().wait(0.002)
        with self._lock:
            self._running -= 1
        if failures := self.failures.get(name):
            raise failures.pop(0)
        return json.dumps({"ProfileId": f"{int(name):032x}"}).encode()

    def arn(self, resource: str) -> str:
        return resource

    def close(self) -> None:
        """Hold nothing."""


def of_service(channel: Creates) -> Profiles:
    gateway = Gateway(channel, RetryPolicy(attempts=3), sleep=lambda _: None)
    return Profiles(gateway, "shop")


def named(count: int) -> Iterator[dict[str, str]]:
    return ({"first_name": str(number)} for number in range(count))


def test_requests_are_sent_side_by_side_and_their_results_are_in_order() -> None:
    channel = Creates()
    results = list(of_service(channel).create_many(named(60), concurrency=4))

    assert [result.profile_id for result in results] == [f"{n:032x}" for n in range(60)]
    assert 1 < channel.most_at_once <= 4


def test_a_create_whose_answer_was_lost_is_ambiguous_and_not_repeated() -> None:
    channel = Creates(
        {"1": [ConnectionFailedError("CreateProfile", "lost", sent=True)], "2": [throttled()]}
    )
    results = list(of_service(channel).create_many(named(4)))

    assert [result.is_ambiguous for result in results] == [False, True, False, False]
    assert isinstance(results[1].error, AmbiguousWriteError)
    assert sorted(channel.sent) == ["0", "1", "2", "2", "3"]


def throttled() -> ServiceError:
    return ThrottlingError("ThrottlingException", "slow down", operation="CreateProfile")


def test_an_error_of_every_item_ends_the_sending_after_all_results() -> None:
    denied = AccessDeniedError("AccessDeniedException", "no", operation="CreateProfile")
    channel = Creates({"3": [denied]})
    results: list[Any] = []
    with pytest.raises(AccessDeniedError):
        results.extend(of_service(channel).create_many(named(1_000), concurrency=2))
    results = []
    channel.failures["3"] = [denied]
    channel.sent.clear()
    with pytest.raises(AccessDeniedError):
        for result in of_service(channel).create_many(named(1_000), concurrency=2):
            results.append(result)

    assert len(results) == len(channel.sent) < 12
    assert [result.position for result in results if result.error] == [3]


def test_an_interrupt_loses_no_result() -> None:
    channel = Creates()

    def items() -> Iterator[dict[str, str]]:
        yield from named(50)
        raise KeyboardInterrupt

    results = of_service(channel).create_many(items())
    assert len(list(islice(results, 50))) == len(channel.sent) == 50
    with pytest.raises(KeyboardInterrupt):
        next(results)


def test_injected_faults_hit_each_of_many_items() -> None:
    with CustomerProfiles.embedded() as cp:
        shop = cp.domains.create("shop", default_expiration_days=30)
        faults = cp._gateway.channel.engine.faults  # type: ignore[attr-defined]
        with faults.on("CreateProfile", lose_answer=True, times=1):
            results = list(shop.profiles.create_many(named(3), concurrency=1))

        assert [result.is_ambiguous for result in results] == [True, False, False]
        assert [profile.first_name for profile in shop.profiles.all()] == ["0", "1", "2"]

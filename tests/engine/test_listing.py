"""Lists for which the service has no operation: all profiles, all objects, contents and keys."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from customer_profiles.engine import Engine, ManualClock, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDERS = {
    "Fields": {
        "id": {"Source": "_source.id"},
        "email": {"Source": "_source.email", "Target": "_profile.EmailAddress"},
    },
    "Keys": {
        "orderId": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        "_email": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["email"]}],
    },
    "AllowProfileCreation": True,
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> Iterator[Engine]:
    with Engine(clock=clock, strict=True) as engine:
        for domain in ("shop", "other"):
            send(engine, "CreateDomain", DomainName=domain, DefaultExpirationDays=30)
            send(
                engine,
                "PutProfileObjectType",
                DomainName=domain,
                ObjectTypeName="order",
                Description="An order.",
                **ORDERS,
            )
        yield engine


def send(engine: Engine, operation: str, **request: Any) -> Any:
    return json.loads(engine.answer(operation, request))


def create(engine: Engine, name: str, domain: str = "shop") -> str:
    answer = send(engine, "CreateProfile", DomainName=domain, FirstName=name)
    return str(answer["ProfileId"])


def put(engine: Engine, number: int, domain: str = "shop") -> None:
    text = json.dumps({"id": str(number), "email": f"{number}@example.com"})
    send(engine, "PutProfileObject", DomainName=domain, ObjectTypeName="order", Object=text)


def names(engine: Engine, *, limit: int = 100, token: str | None = None) -> list[str]:
    page = json.loads(engine.list_profiles("shop", limit=limit, token=token))
    return [item["FirstName"] for item in page["Items"]]


def test_a_domain_lists_its_own_profiles_only(engine: Engine) -> None:
    create(engine, "Ada")
    create(engine, "Mallory", "other")
    create(engine, "Grace")

    assert names(engine) == ["Ada", "Grace"]


def test_a_page_has_the_token_of_the_next_one(engine: Engine) -> None:
    for name in ("Ada", "Grace", "Mary"):
        create(engine, name)

    first = json.loads(engine.list_profiles("shop", limit=2))

    assert [item["FirstName"] for item in first["Items"]] == ["Ada", "Grace"]
    assert names(engine, token=first["NextToken"]) == ["Mary"]
    assert json.loads(engine.list_profiles("shop", limit=3))["NextToken"] is None


def test_profiles_that_come_and_go_while_a_list_is_read(engine: Engine) -> None:
    ada, *_ = [create(engine, name) for name in ("Ada", "Grace", "Mary")]
    token = json.loads(engine.list_profiles("shop", limit=1))["NextToken"]
    send(engine, "DeleteProfile", DomainName="shop", ProfileId=ada)
    create(engine, "Emmy")

    assert names(engine, token=token) == ["Grace", "Mary", "Emmy"]


def test_what_has_expired_is_not_listed(engine: Engine, clock: ManualClock) -> None:
    create(engine, "Ada")
    put(engine, 1)
    clock.advance(days=31)
    create(engine, "Grace")

    assert names(engine) == ["Grace"]
    assert engine.contents("shop")["ProfileCount"] == 1
    assert json.loads(engine.list_objects("shop", "order"))["Items"] == []


def test_objects_have_the_ids_of_their_profiles(engine: Engine) -> None:
    for number in (1, 2):
        put(engine, number)
    put(engine, 3, "other")

    items = json.loads(engine.list_objects("shop", "order"))["Items"]

    assert [json.loads(item["Object"])["id"] for item in items] == ["1", "2"]
    found = send(
        engine, "SearchProfiles", DomainName="shop", KeyName="_email", Values=["2@example.com"]
    )
    assert items[1]["ProfileId"] == found["Items"][0]["ProfileId"]


@pytest.mark.parametrize("token", ["nonsense", ""])
def test_a_token_of_something_else_is_refused(engine: Engine, token: str) -> None:
    create(engine, "Ada")
    create(engine, "Grace")
    put(engine, 1)
    put(engine, 2)
    other = json.loads(engine.list_objects("shop", "order", limit=1))["NextToken"]

    for wrong in (token, other):
        with pytest.raises(Refusal, match="NextToken"):
            engine.list_profiles("shop", token=wrong)


def test_unknown_names_are_refused(engine: Engine) -> None:
    with pytest.raises(Refusal, match="Domain nowhere does not exist"):
        engine.list_profiles("nowhere")
    with pytest.raises(Refusal, match="Object type ordre does not exist"):
        engine.list_objects("shop", "ordre")
    with pytest.raises(Refusal, match="list those"):
        engine.list_objects("shop", "_profile")
    with pytest.raises(Refusal, match="Profile does not exist"):
        engine.profile_keys("shop", "0" * 32)


def test_delayed_objects_are_ingested_before_they_are_listed(clock: ManualClock) -> None:
    with Engine(clock=clock, ingestion_delay=5) as engine:
        send(engine, "CreateDomain", DomainName="shop", DefaultExpirationDays=30)
        send(
            engine,
            "PutProfileObjectType",
            DomainName="shop",
            ObjectTypeName="order",
            Description="An order.",
            **ORDERS,
        )
        put(engine, 1)
        assert json.loads(engine.list_objects("shop", "order"))["Items"] == []
        clock.advance(seconds=6)

        assert len(json.loads(engine.list_objects("shop", "order"))["Items"]) == 1


def test_the_contents_of_a_domain(engine: Engine) -> None:
    ada = create(engine, "Ada")
    put(engine, 1)
    send(engine, "AddProfileKey", DomainName="shop", ProfileId=ada, KeyName="crm", Values=["7"])

    contents = engine.contents("shop")

    assert (contents["ProfileCount"], contents["ObjectCount"]) == (2, 1)
    assert contents["ObjectTypeNames"] == ["order"]
    assert {"crm", "orderId"} <= set(contents["KeyNames"])


def test_the_memory_of_a_list_does_not_grow_with_the_domain(engine: Engine) -> None:
    for number in range(3_000):
        create(engine, f"Name{number}" + "x" * 200)

    def read() -> int:
        count, token = 0, None
        while True:
            page = json.loads(engine.list_profiles("shop", token=token))
            count, token = count + len(page["Items"]), page["NextToken"]
            if token is None:
                return count

    read()
    tracemalloc.start()
    try:
        assert read() == 3_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000

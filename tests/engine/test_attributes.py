"""The attributes of object types: their lists, values and statistics."""

import json
import statistics as python
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles.engine import Engine, Refusal
from customer_profiles.engine.audiences import statistics
from tests.engine.conftest import Shop

STORE = {
    "DefaultEncryptionKey": "arn:aws:kms:us-east-1:000000000000:key/a",
    "DataStore": {"Enabled": True},
}
ORDER = {
    "Description": "Orders",
    "Fields": {
        "id": {"Source": "_source.id"},
        "total": {"Source": "_source.sum.net"},
        "items": {"Source": "_source.items[].sku"},
        "label": {"Source": "{{_source.id}}/{{_source.state}}"},
        "email": {"Source": "_source.email", "Target": "_profile.EmailAddress"},
        "city": {"Source": "_source.city", "Target": "_profile.Address.City"},
    },
    "Keys": {
        "orderId": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE"]}],
        "mail": [{"FieldNames": ["email"], "StandardIdentifiers": ["PROFILE"]}],
    },
    "AllowProfileCreation": True,
}


def attributes(shop, name="_profile", **more):
    items = shop.ask("ListObjectTypeAttributes", ObjectTypeName=name, **more)["Items"]
    return {item["AttributeName"]: item["LastUpdatedAt"] for item in items}


def page(shop, attribute, name="_profile", **more):
    return shop.ask(
        "ListObjectTypeAttributeValues", ObjectTypeName=name, AttributeName=attribute, **more
    )


def values(shop, attribute, name="_profile", **more):
    return [item["Value"] for item in page(shop, attribute, name, **more)["Items"]]


def suggestions(shop, attribute):
    answer = shop.ask("ListProfileAttributeValues", AttributeName=attribute)
    assert (answer["DomainName"], answer["AttributeName"]) == ("shop", attribute)
    return [item["Value"] for item in answer["Items"]]


def statistics_of(shop, attribute, name="_profile"):
    return shop.ask(
        "GetObjectTypeAttributeStatistics", ObjectTypeName=name, AttributeName=attribute
    )


def put(shop, **members):
    shop.ask("PutProfileObject", ObjectTypeName="order", Object=json.dumps(members))


@pytest.fixture
def orders(shop):
    shop.ask("PutProfileObjectType", ObjectTypeName="order", **ORDER)
    return shop


@pytest.fixture
def stored(shop):
    shop.ask("UpdateDomain", **STORE)
    return shop


def test_the_attributes_of_profiles_are_the_members_in_use(shop, clock):
    shop.create(FirstName="Ada", Attributes={"tier": "gold", "a.b": "c"})
    clock.advance(days=1)
    shop.create(FirstName="Bob", Address={"City": "Rome"})

    assert attributes(shop) == {
        "Address.City": clock.now(),
        "Attributes.a.b": clock.now() - 86_400,
        "Attributes.tier": clock.now() - 86_400,
        "FirstName": clock.now(),
    }


def test_the_attributes_of_a_mapped_type_are_its_fields(orders, clock):
    made = clock.now()
    assert attributes(orders, "order") == dict.fromkeys(ORDER["Fields"], made)

    clock.advance(days=1)
    put(orders, id="1", sum={"net": 5}, email="ada@example.com")
    found = attributes(orders, "order")
    assert {name for name, time in found.items() if time == clock.now()} == {
        *("id", "total", "email", "label"),
    }
    assert {found["items"], found["city"]} == {made}


def test_the_attributes_of_standard_objects_are_the_members_in_use(shop):
    shop.ask(
        "PutProfileObjectType",
        ObjectTypeName="buy",
        Description="Orders",
        Fields={
            "id": {"Source": "_source.id", "Target": "_order.Name"},
            "price": {"Source": "_source.price", "Target": "_order.TotalPrice"},
            "mail": {"Source": "_source.mail", "Target": "_profile.EmailAddress"},
        },
        Keys={
            "buyId": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "ORDER"]}],
            "mail": [{"FieldNames": ["mail"], "StandardIdentifiers": ["PROFILE"]}],
        },
        AllowProfileCreation=True,
    )
    body = json.dumps({"id": "1", "price": "12.50", "mail": "a@example.com"})
    shop.ask("PutProfileObject", ObjectTypeName="buy", Object=body)

    assert {"Name", "TotalPrice"} <= attributes(shop, "_order").keys()
    assert "OrderId" not in attributes(shop, "_order")
    assert values(shop, "TotalPrice", "_order") == ["12.50"]


def test_attributes_come_page_by_page_in_the_order_of_their_names(shop):
    shop.create(Attributes={f"a{number}": "x" for number in range(5)})
    first = shop.ask("ListObjectTypeAttributes", ObjectTypeName="_profile", MaxResults=3)
    second = shop.ask(
        "ListObjectTypeAttributes",
        ObjectTypeName="_profile",
        MaxResults=3,
        NextToken=first["NextToken"],
    )

    names = [item["AttributeName"] for item in first["Items"] + second["Items"]]
    assert names == [f"Attributes.a{number}" for number in range(5)]
    assert second["NextToken"] is None


def test_values_are_distinct_and_the_newest_come_first(shop, clock):
    for city in ("Rome", "Oslo", "Rome", "Paris", "Oslo"):
        shop.create(Address={"City": city})
        clock.advance(seconds=10)

    items = page(shop, "Address.City")["Items"]
    assert [item["Value"] for item in items] == ["Oslo", "Paris", "Rome"]
    assert [clock.now() - item["LastUpdatedAt"] for item in items] == [10, 20, 30]
    assert suggestions(shop, "Address.City") == ["Oslo", "Paris", "Rome"]


def test_an_updated_profile_counts_as_written_last(shop, clock, monkeypatch):
    monkeypatch.setattr(statistics, "_LISTED", 1)
    ada = shop.create(FirstName="Ada")
    shop.create(FirstName="Bob")
    assert values(shop, "FirstName") == ["Bob"]

    clock.advance(seconds=10)
    shop.ask("UpdateProfile", ProfileId=ada, LastName="Lovelace")
    assert values(shop, "FirstName") == ["Ada"]


def test_what_expired_or_was_deleted_has_no_values(shop, clock):
    shop.create(FirstName="Ada")
    clock.advance(days=20)
    bob = shop.create(FirstName="Bob")
    clock.advance(days=15)
    assert values(shop, "FirstName") == ["Bob"]

    shop.ask("DeleteProfile", ProfileId=bob)
    assert (values(shop, "FirstName"), attributes(shop)) == ([], {})


def test_fields_of_every_source_have_values(orders):
    put(orders, id="1", sum={"net": 12.5}, items=[{"sku": "a"}], state="open", email="a@x.com")
    put(orders, id="2", sum={"net": True}, items=[], state=None, email="b@x.com", deep={"a": 7})

    assert sorted(values(orders, "total", "order")) == ["12.5", "true"]
    assert values(orders, "items", "order") == ["a"]
    assert "1/open" in values(orders, "label", "order")
    assert values(orders, "deep.a", "order") == ["7"]
    assert values(orders, "deep", "order") == []
    assert values(orders, "unused", "order") == []


def test_an_object_that_is_put_again_has_its_last_values_only(orders):
    put(orders, id="1", sum={"net": 1}, email="a@x.com")
    put(orders, id="1", sum={"net": 2}, email="a@x.com")

    assert values(orders, "total", "order") == ["2"]


def test_values_come_page_by_page_each_once(shop, clock):
    for number in range(7):
        shop.create(FirstName=f"Name {number}")
        clock.advance(seconds=number % 2)
    seen, token = [], {}
    while True:
        answer = page(shop, "FirstName", MaxResults=2, **token)
        seen += [item["Value"] for item in answer["Items"]]
        if answer["NextToken"] is None:
            break
        token = {"NextToken": answer["NextToken"]}
        shop.create(FirstName=f"Later {len(seen)}")

    assert sorted(name for name in seen if name.startswith("Name")) == [
        f"Name {number}" for number in range(7)
    ]
    assert len(seen) == len(set(seen))


def test_a_page_has_a_hundred_values_by_default(shop):
    for number in range(101):
        shop.create(FirstName=f"Name {number}")

    answer = page(shop, "FirstName")
    assert (len(answer["Items"]), answer["NextToken"] is None) == (100, False)


def test_values_end_at_350_kb(shop, monkeypatch):
    monkeypatch.setattr(statistics, "_MOST_BYTES", 25)
    for number in range(5):
        shop.create(FirstName=f"{number}" * 10)

    assert len(values(shop, "FirstName")) == 2


def test_values_that_an_answer_cannot_hold_are_left_out(shop):
    shop.create(AdditionalInformation="x" * 300)

    assert values(shop, "AdditionalInformation") == ["x" * 300]
    assert suggestions(shop, "AdditionalInformation") == []


def test_what_profiles_cannot_have_is_refused_with_the_nearest_name(shop):
    for ask in (values, suggestions):
        with pytest.raises(Refusal, match="did you mean 'FirstName'"):
            ask(shop, "FristName")
    with pytest.raises(Refusal, match="several values"):
        values(shop, "Address")


def test_a_missing_domain_or_type_is_not_found(shop):
    with pytest.raises(Refusal, match=r"ResourceNotFoundException: Object type order"):
        attributes(shop, "order")
    with pytest.raises(Refusal, match=r"ResourceNotFoundException: Domain none"):
        shop.ask("ListProfileAttributeValues", DomainName="none", AttributeName="FirstName")


def test_a_token_holds_no_value_and_belongs_to_its_attribute(shop):
    for name in ("Secret", "Hidden"):
        shop.create(FirstName=name, LastName=name)
    token = page(shop, "FirstName", MaxResults=1)["NextToken"]

    with pytest.raises(Refusal, match="another query"):
        page(shop, "LastName", NextToken=token)


def test_the_statistics_are_those_of_the_numbers(stored, clock):
    for value in ("1", "2", "3", "4", "n/a", "1e999"):
        stored.create(Attributes={"score": value})
    stored.create(FirstName="Ada")

    answer = statistics_of(stored, "Attributes.score")
    assert answer["CalculatedAt"] == clock.now()
    assert answer["Statistics"] == {
        "Minimum": 1,
        "Maximum": 4,
        "Average": 2.5,
        "StandardDeviation": pytest.approx(sqrt(1.25)),
        "Percentiles": {
            "P5": pytest.approx(1.15),
            "P25": 1.75,
            "P50": 2.5,
            "P75": 3.25,
            "P95": pytest.approx(3.85),
        },
    }


def test_the_statistics_of_repeated_values_count_each(stored):
    for value in ("10", "10", "10", "50"):
        stored.create(Attributes={"score": value})

    found = statistics_of(stored, "Attributes.score")["Statistics"]
    assert (found["Average"], found["Percentiles"]["P50"]) == (20, 10)


@given(
    st.lists(st.decimals(-(10**6), 10**6, places=2), min_size=2, max_size=30),
    st.lists(st.sampled_from(["", "n/a", "1,5", "0x10"]), max_size=5),
)
@settings(max_examples=30)
def test_statistics_agree_with_those_of_python(numbers, others):
    with Engine(strict=True) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30, **STORE)
        for value in [*map(str, numbers), *filter(None, others)]:
            shop.create(Attributes={"score": value})
        found = statistics_of(shop, "Attributes.score")["Statistics"]

    values = [float(number) for number in numbers]
    percentiles = python.quantiles(values, n=20, method="inclusive")
    assert (found["Minimum"], found["Maximum"]) == (min(values), max(values))
    assert found["Average"] == pytest.approx(python.fmean(values), abs=1e-6)
    assert found["StandardDeviation"] == pytest.approx(python.pstdev(values), abs=1e-6)
    for percent, value in zip(range(5, 100, 5), percentiles, strict=True):
        if f"P{percent}" in found["Percentiles"]:
            assert found["Percentiles"][f"P{percent}"] == pytest.approx(value, abs=1e-6)


def test_the_statistics_of_texts_are_null(stored):
    stored.create(FirstName="Ada")

    found = statistics_of(stored, "FirstName")["Statistics"]
    assert set(found.pop("Percentiles").values()) | set(found.values()) == {None}


def test_statistics_are_kept_until_midnight(stored, clock):
    clock.move_to(86_400 * 20_000 + 3_600)
    stored.create(Attributes={"score": "1"})
    first = statistics_of(stored, "Attributes.score")
    stored.create(Attributes={"score": "3"})
    clock.advance(seconds=22 * 3_600)
    assert statistics_of(stored, "Attributes.score") == first

    clock.advance(seconds=2 * 3_600)
    renewed = statistics_of(stored, "Attributes.score")
    assert (renewed["CalculatedAt"], renewed["Statistics"]["Maximum"]) == (clock.now(), 3)


def test_statistics_survive_a_restart_and_older_ones_do_not_pile_up(open_shop, clock):
    shop = open_shop()
    shop.ask("UpdateDomain", **STORE)
    first = statistics_of(shop, "Attributes.a")
    clock.advance(seconds=1)
    again = open_shop()
    assert statistics_of(again, "Attributes.a") == first

    clock.advance(days=1)
    statistics_of(again, "Attributes.b")
    with again.engine._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (1,)


def test_an_erased_person_is_in_no_statistics(stored):
    ada = stored.create(Attributes={"score": "987654"})
    assert statistics_of(stored, "Attributes.score")["Statistics"]["Maximum"] == 987654

    stored.engine.erase_profile("shop", ada)
    assert statistics_of(stored, "Attributes.score")["Statistics"]["Maximum"] is None


def test_statistics_need_a_data_store(shop):
    with pytest.raises(Refusal, match="enable DataStore with UpdateDomain"):
        statistics_of(shop, "FirstName")


def test_a_delayed_object_has_values_once_it_is_ingested(clock):
    with Engine(clock=clock, strict=True, ingestion_delay=60) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        shop.ask("PutProfileObjectType", ObjectTypeName="order", **ORDER)
        put(shop, id="1", email="a@x.com")
        assert values(shop, "id", "order") == []

        clock.advance(seconds=61)
        assert values(shop, "id", "order") == ["1"]

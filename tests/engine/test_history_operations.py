"""The history of a profile: what is in it, in which order, under which ids."""

from __future__ import annotations

import json

import pytest

from customer_profiles.engine import Clock, Engine, Refusal
from customer_profiles.engine.profiles.history import Record

from .conftest import Shop
from .test_ingestion import bigger, found, put, put_type
from .test_resolution import keyed, put_key

KEYS = {"Id": "id UNIQUE", "Who": "who PROFILE"}


@pytest.fixture
def orders(shop):
    """Give the shop with a type `Order` that sets a first name."""
    put_type(shop, "Order", KEYS, {"name": "_profile.FirstName"})
    return shop


class Ticking(Clock):
    """A clock on which time passes whenever it is looked at."""

    ticks = 1_700_000_000.0

    def now(self):
        self.ticks += 0.01
        return self.ticks


def records(shop, who, **more):
    answer = shop.ask("ListProfileHistoryRecords", ProfileId=who, **more)
    return answer["ProfileHistoryRecords"]


def told(shop, who):
    """Give types and actions of a history, with what the records hold."""
    return [
        (one["ObjectTypeName"], one["ActionType"], content(shop, who, one["Id"]))
        for one in records(shop, who)
    ]


def content(shop, who, record):
    found_one = shop.ask("GetProfileHistoryRecord", ProfileId=who, Id=record)
    return json.loads(found_one["Content"]) if "Content" in found_one else None


def remove(shop, who, unique):
    shop.ask(
        "DeleteProfileObject", ProfileId=who, ObjectTypeName="Order", ProfileObjectUniqueKey=unique
    )


def test_a_new_profile_was_created(shop, clock):
    ada = shop.create(FirstName="Ada")
    body = {"ProfileId": ada, "FirstName": "Ada"}
    assert told(shop, ada) == [("_profile", "CREATED", body)]
    (record,) = records(shop, ada)
    assert record["CreatedAt"] == clock.now()


def test_updates_are_remembered_with_what_they_made(shop, clock):
    ada = shop.create(FirstName="Ada")
    for name in ("B", "C"):
        clock.advance(seconds=1)
        shop.ask("UpdateProfile", ProfileId=ada, FirstName=name)
    actions = [(action, body["FirstName"]) for _, action, body in told(shop, ada)]
    assert actions == [("CREATED", "Ada"), ("UPDATED", "B"), ("UPDATED", "C")]


def test_keys_that_were_added_and_deleted_are_remembered(shop, clock):
    ada = shop.create()
    put_key(shop, ada, "Own", "1", "2")
    clock.advance(seconds=1)
    shop.ask("DeleteProfileKey", ProfileId=ada, KeyName="Own", Values=["1"])
    added, gone = told(shop, ada)[1:]
    assert added == ("_profile", "ADDED_PROFILE_KEY", {"KeyName": "Own", "Values": ["1", "2"]})
    assert gone == ("_profile", "DELETED_PROFILE_KEY", {"KeyName": "Own", "Values": ["1"]})


def test_each_time_that_an_object_came_is_remembered(orders, clock):
    for name in ("A", "B", "B", "C"):
        put(orders, "Order", id="1", who="ada", name=name)
        clock.advance(seconds=1)
    ada = found(orders, "Who", "ada")
    history = told(orders, ada)
    assert history[0][1] == "CREATED"
    assert [one["name"] for _, action, one in history[1:] if action == "INGESTED"] == list("ABBC")


def test_the_end_of_an_object_is_remembered_with_what_it_was(orders, clock):
    unique = put(orders, "Order", id="1", who="ada")
    ada = found(orders, "Who", "ada")
    clock.advance(seconds=1)
    remove(orders, ada, unique)
    order = {"id": "1", "who": "ada"}
    ended = [("Order", "INGESTED", order), ("Order", "DELETED_BY_CUSTOMER", order)]
    assert told(orders, ada)[1:] == ended
    assert records(orders, ada)[-1]["ProfileObjectUniqueKey"] == unique


def test_an_object_that_expired_or_was_evicted_is_remembered(clock):
    shop = bigger(clock, objects=1)
    put_type(shop, "Order", KEYS, ExpirationDays=1)
    ada = keyed(shop, Who="ada")
    put(shop, "Order", id="1", who="ada")
    put(shop, "Order", id="2", who="ada")
    clock.advance(days=1)
    shop.stats()
    actions = [(action, one["id"]) for kind, action, one in told(shop, ada) if kind == "Order"]
    assert sorted(actions) == [
        ("EXPIRED", "1"),
        ("EXPIRED", "2"),
        ("INGESTED", "1"),
        ("INGESTED", "2"),
    ]


def test_objects_of_a_deleted_type_are_remembered(orders):
    ada = keyed(orders, Who="ada")
    put(orders, "Order", id="1", who="ada")
    orders.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    actions = [action for kind, action, _ in told(orders, ada) if kind == "Order"]
    assert actions == ["INGESTED", "DELETED_BY_CUSTOMER"]


def test_the_ids_of_records_never_change(orders, clock):
    ada, seen = keyed(orders, Who="ada"), {}
    unique = put(orders, "Order", id="1", who="ada", name="A")
    for step in (
        lambda: put(orders, "Order", id="1", who="ada", name="B"),
        lambda: orders.ask("UpdateProfile", ProfileId=ada, LastName="L"),
        lambda: remove(orders, ada, unique),
        lambda: put(orders, "Order", id="1", who="ada", name="A"),
        lambda: orders.ask("DeleteProfileObjectType", ObjectTypeName="Order"),
        lambda: None,
    ):
        now = {one["Id"]: (one["ActionType"], one["CreatedAt"]) for one in records(orders, ada)}
        assert seen.items() <= now.items()
        seen = now
        clock.advance(seconds=1)
        step()


def test_all_records_have_ids_of_their_own(orders):
    ada = keyed(orders, Who="ada")
    for number in "1212":
        put(orders, "Order", id=number, who="ada", name=number)
        orders.ask("UpdateProfile", ProfileId=ada, LastName=number)
        put_key(orders, ada, "Own", number)
    ids = [one["Id"] for one in records(orders, ada)]
    assert len(set(ids)) == len(ids)


def test_ids_are_the_same_in_a_file_that_is_opened_again(open_shop):
    shop = open_shop()
    put_type(shop, "Order", KEYS)
    ada = keyed(shop, Who="ada")
    put(shop, "Order", id="1", who="ada")
    before = records(shop, ada)
    assert records(open_shop(), ada) == before


def test_an_object_that_moved_is_in_both_histories(orders, clock):
    ada, eve = keyed(orders, Who="ada"), keyed(orders, Who="eve")
    put(orders, "Order", id="1", who="ada")
    clock.advance(seconds=1)
    put(orders, "Order", id="1", who="eve")
    ingested = [("Order", "INGESTED", {"id": "1", "who": who}) for who in ("ada", "eve")]
    assert told(orders, ada)[-1] == ingested[0]
    assert told(orders, eve)[-1] == ingested[1]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"ActionType": "INGESTED"}, ["INGESTED", "INGESTED"]),
        ({"ObjectTypeName": "_profile"}, ["CREATED", "ADDED_PROFILE_KEY", "UPDATED"]),
        ({"ObjectTypeName": "Order"}, ["INGESTED", "INGESTED"]),
        ({"ActionType": "EXPIRED"}, []),
        ({"PerformedBy": "me"}, []),
    ],
)
def test_a_history_is_filtered(orders, clock, filters, expected):
    ada = orders.create()
    clock.advance(seconds=1)
    put_key(orders, ada, "Who", "ada")
    for number in "12":
        clock.advance(seconds=1)
        put(orders, "Order", id=number, who="ada")
    orders.ask("UpdateProfile", ProfileId=ada, LastName="L")
    assert [one["ActionType"] for one in records(orders, ada, **filters)] == expected


def pages(shop, who):
    """Read a history one record a page."""
    seen, more = [], {}
    while more.get("NextToken", "first"):
        answer = shop.ask("ListProfileHistoryRecords", ProfileId=who, MaxResults=1, **more)
        seen += [one["Id"] for one in answer["ProfileHistoryRecords"]]
        more = {"NextToken": answer["NextToken"]}
    return seen


def test_pages_make_up_the_whole_history(orders):
    ada = keyed(orders, Who="ada")
    for number in "123":
        put(orders, "Order", id=number, who="ada")
    assert pages(orders, ada) == [one["Id"] for one in records(orders, ada)]


def test_pages_neither_repeat_nor_skip_when_an_object_comes_again(orders, clock):
    ada = keyed(orders, Who="ada")
    clock.advance(seconds=1)
    for number in "123":
        put(orders, "Order", id=number, who="ada")
        clock.advance(seconds=1)
    ids = [one["Id"] for one in records(orders, ada, ObjectTypeName="Order")]
    first = orders.ask(
        "ListProfileHistoryRecords", ProfileId=ada, ObjectTypeName="Order", MaxResults=1
    )
    put(orders, "Order", id="1", who="ada")
    token = first["NextToken"]
    rest = records(orders, ada, ObjectTypeName="Order", NextToken=token)
    assert [one["Id"] for one in rest][:-1] == ids[1:]


def test_a_profile_is_created_before_anything_else_happens_to_it(shop):
    ada = keyed(shop, Own="1")
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="Ada")
    actions = [one["ActionType"] for one in records(shop, ada)]
    assert actions == ["CREATED", "ADDED_PROFILE_KEY", "UPDATED"]


def test_a_profile_is_created_before_its_first_object_comes(tmp_path):
    with Engine(tmp_path / "a.db", clock=Ticking()) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        put_type(shop, "Order", KEYS)
        put(shop, "Order", id="1", who="ada")
        actions = [one["ActionType"] for one in records(shop, found(shop, "Who", "ada"))]
    assert actions == ["CREATED", "INGESTED"]


def test_the_first_record_says_nothing_that_was_not_so(orders):
    put_type(orders, "Order", KEYS, {"name": "_profile.FirstName"}, SourcePriority=1)
    ada = orders.create(FirstName="Ada", LastName="L")
    put_key(orders, ada, "Who", "ada")
    put(orders, "Order", id="1", who="ada", name="B")
    orders.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    made = {"ProfileId": ada, "FirstName": "Ada", "LastName": "L"}
    _, action, held = told(orders, ada)[0]
    assert action == "CREATED"
    assert held in (None, made)


def test_the_first_record_says_so_after_another_object_came(orders):
    put_type(orders, "Order", KEYS, {"name": "_profile.FirstName"}, SourcePriority=1)
    put_type(orders, "Note", {"Note": "id UNIQUE", "Who": KEYS["Who"]}, {"l": "_profile.LastName"})
    ada = orders.create(FirstName="Ada", LastName="L")
    put_key(orders, ada, "Who", "ada")
    put(orders, "Order", id="1", who="ada", name="B")
    orders.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    put(orders, "Note", id="1", who="ada", l="X")
    held = told(orders, ada)[0][2]
    assert held in (None, {"ProfileId": ada, "FirstName": "Ada", "LastName": "L"})


def test_a_profile_that_an_object_made_is_not_said_to_be_made_as_it_is_now(orders):
    put(orders, "Order", id="1", who="ada", name="A")
    put(orders, "Order", id="1", who="ada", name="B")
    created = told(orders, found(orders, "Who", "ada"))[0]
    assert created[:2] == ("_profile", "CREATED")
    assert created[2] is None or created[2]["FirstName"] == "A"


def test_an_unknown_record_is_not_found(shop):
    ada, eve = shop.create(), shop.create()
    (record,) = records(shop, ada)
    for who, identity in ((ada, "0" * 32), (eve, record["Id"])):
        with pytest.raises(Refusal) as caught:
            shop.ask("GetProfileHistoryRecord", ProfileId=who, Id=identity)
        assert caught.value.code == "ResourceNotFoundException"


def test_a_deleted_profile_has_no_history(orders):
    ada = keyed(orders, Who="ada")
    orders.ask("DeleteProfile", ProfileId=ada)
    with pytest.raises(Refusal):
        records(orders, ada)


def test_a_page_makes_its_own_ids_only_and_reads_no_contents(orders, monkeypatch):
    ada = keyed(orders, Who="ada")
    for number in range(20):
        put(orders, "Order", id=str(number % 10), who="ada", name=f"Ada {number}")
    made, read = [], []
    monkeypatch.setattr(Record, "id", property(lambda record: made.append(record) or "0" * 32))
    orders.engine._database._writer.set_trace_callback(read.append)
    assert len(records(orders, ada, MaxResults=3)) == 3
    orders.engine._database._writer.set_trace_callback(None)
    assert len(made) == 3
    queries = [text for text in read if "FROM history" in text or "FROM objects WHERE id" in text]
    assert len(queries) >= 2
    assert all("content" not in text.split("FROM")[0] for text in queries)
    assert all("body" not in text.split("FROM")[0] for text in queries)

"""The change feed: which changes are recorded, in which order, and for how long."""

from __future__ import annotations

import json

import pytest

from customer_profiles.engine import Refusal
from customer_profiles.engine.events import feed

from .filling import ORDER

PERSON = {"FirstName": "Ada", "EmailAddress": "ada@example.com"}


@pytest.fixture
def shop(shop):
    """Return the shop, with its changes kept from now on."""
    shop.engine.enable_changes("shop")
    return shop


@pytest.fixture
def orders(shop):
    """Return the shop with an object type that fills `_order` and a town of the profile."""
    shop.ask("PutProfileObjectType", ObjectTypeName="Order", **ORDER)
    return shop


def put(shop, number, who="ada", **members):
    order = json.dumps({"id": str(number), "who": who, **members})
    return shop.ask("PutProfileObject", ObjectTypeName="Order", Object=order)[
        "ProfileObjectUniqueKey"
    ]


def read(shop, after=None, **options):
    return json.loads(shop.engine.changes("shop", after, **options))


def changes(shop, after=None):
    """Return the type and event of each change beyond a position."""
    return [(item["ObjectTypeName"], item["EventType"]) for item in read(shop, after)["Items"]]


def here(shop):
    return read(shop)["Last"]


# --- what is recorded ---


def test_a_created_profile_is_recorded_as_the_service_records_it(shop, clock):
    ada = shop.create(**PERSON, GenderString="FEMALE")
    (record,) = read(shop)["Items"]
    assert len(record.pop("EventId")) == 36
    assert record.pop("ProfileId") == ada
    assert record == {
        "Position": 1,
        "SchemaVersion": 0,
        "EventTimestamp": "2023-11-14T22:13:20.000Z",
        "EventType": "CREATED",
        "DomainName": "shop",
        "ObjectTypeName": "_profile",
        "Object": {"ProfileId": ada, **PERSON, "GenderString": "FEMALE", "Gender": "FEMALE"},
        "IsMessageRealTime": True,
    }


def test_an_update_is_recorded_with_the_whole_profile(shop):
    ada = shop.create(**PERSON)
    shop.ask("UpdateProfile", ProfileId=ada, LastName="King", EmailAddress="")
    record = read(shop)["Items"][-1]
    assert record["EventType"] == "UPDATED"
    assert record["Object"] == {"ProfileId": ada, "FirstName": "Ada", "LastName": "King"}


def test_an_update_without_a_change_is_not_recorded(shop):
    ada = shop.create(**PERSON)
    shop.ask("UpdateProfile", ProfileId=ada, **PERSON)
    assert changes(shop) == [("_profile", "CREATED")]


def test_an_object_is_recorded_after_its_profile_and_before_standard_objects(orders):
    key = put(orders, 1, town="London")
    profile, order, standard = read(orders)["Items"]
    assert changes(orders) == [
        ("_profile", "CREATED"),
        ("Order", "CREATED"),
        ("_order", "CREATED"),
    ]
    assert profile["Object"]["Address"] == {"City": "London"}
    assert order["Object"] == {"id": "1", "who": "ada", "town": "London"}
    assert order["ProfileObjectUniqueKey"] == key
    assert order["AssociatedProfileId"] == profile["Object"]["ProfileId"]
    assert standard["Object"]["Name"] == "1"
    assert standard["AssociatedProfileId"] == order["AssociatedProfileId"]
    assert "AssociatedProfileId" not in profile


def test_an_object_that_is_put_again_is_recorded_by_what_it_changed(orders):
    put(orders, 1, town="London")
    start = here(orders)
    put(orders, 1, town="London")
    assert changes(orders, start) == []
    put(orders, 1, town="London", note="x")
    assert changes(orders, start) == [("Order", "UPDATED")]
    put(orders, 1, town="Oxford", note="x")
    assert changes(orders, start)[1:] == [("_profile", "UPDATED"), ("Order", "UPDATED")]


def test_an_object_that_moves_to_another_profile_is_recorded_there(orders):
    put(orders, 1)
    put(orders, 2, who="bob")
    (bob,) = orders.search("Who", "bob")
    start = here(orders)
    put(orders, 1, who="bob")
    assert changes(orders, start) == [("Order", "UPDATED"), ("_order", "UPDATED")]
    assert {item["AssociatedProfileId"] for item in read(orders, start)["Items"]} == {bob}


def test_many_profiles_and_many_objects_are_recorded_one_by_one(orders):
    orders.engine.create_profiles("shop", [PERSON, {"FirstName": "Bob"}])
    orders.engine.upsert_profiles("shop", [{**PERSON, "LastName": "King"}], "EmailAddress")
    orders.engine.upsert_profiles("shop", [{"EmailAddress": "x@y.org"}, PERSON], "EmailAddress")
    assert changes(orders) == [
        ("_profile", "CREATED"),
        ("_profile", "CREATED"),
        ("_profile", "UPDATED"),
        ("_profile", "CREATED"),
    ]
    start = here(orders)
    orders.engine.put_objects("shop", "Order", ['{"id":"1","who":"a"}', '{"id":"2","who":"a"}'])
    assert [name for name, _ in changes(orders, start)].count("Order") == 2


def test_a_merge_is_recorded_for_the_merged_profile_and_then_the_main_one(shop):
    main, other = shop.create(**PERSON), shop.create(LastName="King")
    start = here(shop)
    shop.ask("MergeProfiles", MainProfileId=main, ProfileIdsToBeMerged=[other])
    merged, updated = read(shop, start)["Items"]
    assert (merged["EventType"], merged["ProfileId"]) == ("MERGED", other)
    assert merged["Object"] == {"MainProfileId": main}
    assert (updated["EventType"], updated["Object"]["LastName"]) == ("UPDATED", "King")


def test_a_merge_by_rules_is_recorded(shop):
    rules = {
        "Enabled": True,
        "MatchingRules": [{"Rule": ["EmailAddress"]}],
        "MaxAllowedRuleLevelForMatching": 1,
        "MaxAllowedRuleLevelForMerging": 1,
    }
    shop.ask("UpdateDomain", RuleBasedMatching=rules)
    shop.create(**PERSON)
    shop.create(**PERSON, LastName="King")
    assert changes(shop)[2:] == [("_profile", "MERGED"), ("_profile", "UPDATED")]


def test_removals_are_recorded_without_values(orders):
    key = put(orders, 1)
    put(orders, 2)
    (ada,) = orders.search("Who", "ada")
    start = here(orders)
    orders.ask(
        "DeleteProfileObject", ProfileId=ada, ObjectTypeName="Order", ProfileObjectUniqueKey=key
    )
    orders.ask("DeleteProfile", ProfileId=ada)
    order, profile = read(orders, start)["Items"]
    assert (order["EventType"], order["ProfileObjectUniqueKey"]) == ("DELETED", key)
    assert (profile["EventType"], profile["ProfileId"]) == ("DELETED", ada)
    assert "Object" not in order
    assert "Object" not in profile


def test_expiry_is_recorded_as_removal(orders, clock):
    orders.engine.enable_changes("shop", keep_days=1000)
    put(orders, 1)
    start = here(orders)
    clock.advance(days=31)
    orders.stats()
    assert changes(orders, start) == [("_profile", "DELETED")]


def test_a_deleted_object_type_is_recorded_with_the_values_that_it_set(orders):
    put(orders, 1, town="London")
    (ada,) = orders.search("Who", "ada")
    orders.ask("UpdateProfile", ProfileId=ada, FirstName="Ada")
    start = here(orders)
    orders.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    orders.engine.run_due()
    assert sorted(changes(orders, start)) == [
        ("Order", "DELETED"),
        ("_order", "DELETED"),
        ("_profile", "UPDATED"),
    ]
    assert read(orders, start)["Items"][-1]["EventType"] == "DELETED"


def test_keys_leave_no_record(shop):
    ada = shop.create(**PERSON)
    start = here(shop)
    shop.ask("AddProfileKey", ProfileId=ada, KeyName="_phone", Values=["+12065550100"])
    shop.ask("DeleteProfileKey", ProfileId=ada, KeyName="_phone", Values=["+12065550100"])
    assert changes(shop, start) == []


def test_what_is_refused_or_rejected_leaves_no_record(orders):
    start = here(orders)
    with pytest.raises(Refusal):
        orders.create(FirstName="x" * 300)
    too_large = json.dumps({"id": "3", "who": "ada", "text": "é" * 130_000}, ensure_ascii=False)
    orders.ask("PutProfileObject", ObjectTypeName="Order", Object=too_large)
    assert changes(orders, start) == []


# --- what is kept ---


def test_a_domain_keeps_no_changes_until_it_is_told_to(engine):
    engine.answer("CreateDomain", {"DomainName": "other", "DefaultExpirationDays": 30})
    engine.answer("CreateProfile", {"DomainName": "other", "FirstName": "Ada"})
    with pytest.raises(Refusal, match=r"keeps no changes; enable them first"):
        engine.changes("other")
    engine.enable_changes("other")
    assert json.loads(engine.changes("other"))["Items"] == []


def test_changes_are_kept_for_their_time_and_the_first_position_tells(shop, clock):
    shop.engine.enable_changes("shop", keep_days=2)
    shop.create(**PERSON)
    clock.advance(days=1)
    shop.create(**PERSON)
    clock.advance(days=1.5)
    shop.engine.run_due()
    answer = read(shop)
    assert (answer["First"], answer["Last"]) == (1, 2)
    assert [item["Position"] for item in answer["Items"]] == [2]


def test_positions_are_never_used_again(shop):
    shop.create(**PERSON)
    before = here(shop)
    shop.ask("DeleteDomain")
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    shop.engine.enable_changes("shop")
    shop.create(**PERSON)
    assert read(shop)["Items"][0]["Position"] > before
    assert read(shop)["First"] >= before


def test_disabled_changes_are_removed(shop):
    shop.create(**PERSON)
    shop.engine.disable_changes("shop")
    with shop.engine._database.read() as connection:
        for table in ("changes", "feeds", "consumers"):
            assert connection.execute(f"SELECT * FROM {table}").fetchall() == []  # noqa: S608
    shop.engine.enable_changes("shop")
    assert read(shop)["First"] == 1


def test_erasure_removes_the_records_of_a_person_but_for_its_end(orders):
    put(orders, 1, town="Secretville")
    (ada,) = orders.search("Who", "ada")
    other, third = orders.create(FirstName="Augusta"), orders.create(FirstName="Third")
    orders.ask("MergeProfiles", MainProfileId=other, ProfileIdsToBeMerged=[third])
    orders.ask("MergeProfiles", MainProfileId=ada, ProfileIdsToBeMerged=[other])
    bob = orders.create(FirstName="Bob")
    receipt = orders.engine.erase_profile("shop", ada)
    assert receipt["Removed"]["Changes"] > 5
    items = read(orders)["Items"]
    assert [(item["EventType"], item.get("ProfileId")) for item in items] == [
        ("CREATED", bob),
        ("DELETED", ada),
    ]


def test_many_old_changes_are_removed_and_young_ones_are_not(shop, clock, monkeypatch):
    monkeypatch.setattr(feed, "_ROWS_A_TRIM", 10)
    shop.engine.create_profiles("shop", [PERSON] * 25)
    clock.advance(days=8)
    young = shop.create(**PERSON)
    shop.engine.run_due()
    assert [item["ProfileId"] for item in read(shop)["Items"]] == [young]
    assert read(shop)["First"] == 25


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM changes WHERE domain = 1 AND id > 5 ORDER BY id LIMIT 9", "by_domain"),
        ("SELECT max(id) FROM changes WHERE domain = 1", "by_domain"),
        ("SELECT profile FROM changes WHERE target = 7", "by_target"),
        ("SELECT * FROM consumers WHERE domain = 1 AND name = 'x'", "sqlite_autoindex"),
        ("SELECT * FROM undelivered WHERE domain = 1 AND name = 'x'", "sqlite_autoindex"),
    ],
)
def test_the_feed_is_read_by_indexes_and_not_sorted(shop, query, index):
    with shop.engine._database.read() as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert len(plan) == 1
    assert index in plan[0]
    assert plan[0].startswith("SEARCH")


def test_the_feed_of_another_domain_costs_nothing(shop):
    def steps(call):
        taken = []
        connection = shop.engine._database._writer
        connection.set_progress_handler(lambda: taken.append(1) and None, 10)
        call()
        connection.set_progress_handler(None, 0)
        return len(taken)

    shop.create(**PERSON)
    before = steps(lambda: read(shop))
    shop.engine.answer("CreateDomain", {"DomainName": "other", "DefaultExpirationDays": 30})
    shop.engine.enable_changes("other")
    shop.engine.create_profiles("other", [PERSON] * 500)
    assert steps(lambda: read(shop)) <= before + 2


# --- followers ---


def test_a_follower_moves_its_position_only_from_where_it_is(shop):
    engine = shop.engine
    assert engine.follower_position("shop", "copy") is None
    assert engine.move_follower("shop", "copy", None, 3)
    assert not engine.move_follower("shop", "copy", None, 4)
    assert not engine.move_follower("shop", "copy", 2, 4)
    assert engine.move_follower("shop", "copy", 3, 4)
    assert engine.follower_position("shop", "copy") == 4


def test_a_page_ends_at_its_limit_and_continues(shop):
    for number in range(5):
        shop.create(FirstName=str(number))
    first = read(shop, limit=3)
    second = read(shop, first["Position"], limit=3)
    assert [len(first["Items"]), len(second["Items"])] == [3, 2]
    assert second["Position"] == second["Last"]


def test_the_next_change_is_waited_for(shop):
    shop.create(**PERSON)
    position = here(shop)
    assert read(shop, position, wait=0.01)["Items"] == []
    assert read(shop, 0, wait=60)["Items"] != []


def test_a_rolled_back_change_is_not_recorded(shop, monkeypatch):
    from customer_profiles.engine.store import domains

    def fail(*_):
        raise ValueError

    monkeypatch.setattr(domains, "count_rows", fail)
    with pytest.raises(Exception, match="cannot be used"):
        shop.create(**PERSON)
    monkeypatch.undo()
    assert changes(shop) == []

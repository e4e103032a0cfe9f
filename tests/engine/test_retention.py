"""How long objects stay, and which must go when a profile has too many."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from customer_profiles.engine import ManualClock

from .test_ingestion import bigger, counts, found, listed, put, put_text, put_type
from .test_resolution import keyed

KEYS = {"Id": "id UNIQUE", "Who": "who PROFILE", "Colour": "colour"}


def ids(shop, name, who="ada"):
    return [one["id"] for one in listed(shop, found(shop, "Who", who), name)]


# --- retention ---


def test_retention_is_the_types_or_else_the_domains(shop, clock):
    put_type(shop, "Short", KEYS, ExpirationDays=2)
    put_type(shop, "Long", KEYS)
    put(shop, "Long", id="1", who="ada")
    put(shop, "Short", id="2", who="ada")
    clock.advance(days=2)
    assert (ids(shop, "Short"), ids(shop, "Long")) == ([], ["1"])
    clock.advance(days=28)
    assert shop.search("Who", "ada") == []
    assert counts(shop) == (0, 0)


def test_retention_is_fixed_when_an_object_is_ingested(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=2)
    keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada")
    put_type(shop, "A", KEYS, ExpirationDays=10)
    put(shop, "A", id="2", who="ada")
    clock.advance(days=2)
    assert ids(shop, "A") == ["2"]
    put_type(shop, "A", KEYS, ExpirationDays=1)
    clock.advance(days=7)
    assert ids(shop, "A") == ["2"]


def test_an_object_that_comes_again_stays_anew(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=2)
    keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada")
    clock.advance(days=1)
    put(shop, "A", id="1", who="ada")
    clock.advance(days=1)
    assert ids(shop, "A") == ["1"]


def test_an_object_renews_its_profiles_expiry(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=20)
    ada = keyed(shop, Who="ada")
    clock.advance(days=29)
    put(shop, "A", id="1", who="ada")
    clock.advance(days=19)
    assert shop.search("Who", "ada") == [ada]
    clock.advance(days=1)
    assert shop.search("Who", "ada") == []


def test_a_short_object_shortens_no_profile(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=1)
    ada = keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada")
    clock.advance(days=29)
    assert shop.search("Who", "ada") == [ada]


def test_the_keys_of_an_expired_object_are_gone_with_the_next_write(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=1)
    keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada", colour="red")
    clock.advance(days=1)
    shop.create()
    assert shop.search("Colour", "red") == []
    assert counts(shop) == (2, 0)


def test_the_keys_of_an_expired_object_find_nothing(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=1)
    keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada", colour="red")
    clock.advance(days=1)
    assert shop.search("Colour", "red") == []


def test_the_keys_of_expired_objects_lead_no_object_to_a_profile(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=1)
    put_type(shop, "B", {"BId": "id UNIQUE", "Colour": "colour PROFILE"})
    keyed(shop, Who="ada")
    for number in range(50):
        put(shop, "A", id=str(number), who="ada", colour=str(number))
    clock.advance(days=1)
    put(shop, "B", id="1", colour="49")
    assert listed(shop, found(shop, "Who", "ada"), "B") == []


def test_an_expired_standard_object_is_not_filled_again(shop, clock):
    keys = {"Id": "id UNIQUE", "Who": "who PROFILE", "Plate": "plate ASSET"}
    put_type(
        shop, "Car", keys, {"name": "_asset.AssetName", "s": "_asset.Status"}, ExpirationDays=1
    )
    keyed(shop, Who="ada")
    for number in range(30):
        put(shop, "Car", id=str(number), who="ada", plate=str(number), name="old", s="old")
    clock.advance(days=1)
    put(shop, "Car", id="29", who="ada", plate="29", name="new")
    (asset,) = listed(shop, found(shop, "Who", "ada"), "_asset")
    del asset["AssetId"]
    assert asset == {"AssetName": "new"}


def test_the_keys_of_an_expired_object_are_no_keys_of_the_profile_in_a_filter(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=1)
    ada = keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada", colour="red")
    clock.advance(days=1)
    wanted = {"KeyName": "Colour", "Values": ["red"]}
    assert listed(shop, ada, "_profile", ObjectFilter=wanted) == []


def test_an_expired_object_keeps_no_key_from_being_deleted(shop, clock):
    put_type(shop, "A", KEYS, ExpirationDays=1)
    ada = keyed(shop, Who="ada", Colour="49")
    for number in range(50):
        put(shop, "A", id=str(number), who="ada", colour=str(number))
    clock.advance(days=1)
    shop.ask("DeleteProfileKey", ProfileId=ada, KeyName="Colour", Values=["49"])
    assert shop.search("Colour", "49") == []


# --- eviction ---


def test_a_full_profile_loses_the_oldest_object_of_the_type_that_comes(clock):
    shop = bigger(clock, objects=3)
    put_type(shop, "A", KEYS)
    put_type(shop, "B", KEYS)
    put(shop, "B", id="0", who="ada")
    for number in "12345":
        clock.advance(seconds=1)
        put(shop, "A", id=number, who="ada", colour=number)
    assert (ids(shop, "B"), ids(shop, "A")) == (["0"], ["4", "5"])
    assert counts(shop) == (1, 3)
    assert [len(shop.search("Colour", number)) for number in "12345"] == [0, 0, 0, 1, 1]


def test_a_full_profile_loses_an_object_of_the_type_that_is_furthest_over_its_limit(clock):
    shop = bigger(clock, objects=6)
    for name, most in (("A", 1), ("B", 1), ("C", None)):
        settings = {"MaxProfileObjectCount": most} if most else {}
        put_type(shop, name, KEYS, **settings)
    for name, number in (("A", 1), ("A", 2), ("B", 3), ("B", 4), ("B", 5), ("C", 6)):
        clock.advance(seconds=1)
        put(shop, name, id=str(number), who="ada")
    put(shop, "C", id="7", who="ada")
    assert [ids(shop, name) for name in "ABC"] == [["1", "2"], ["4", "5"], ["6", "7"]]


def test_a_limit_is_no_reason_to_lose_an_object_while_there_is_room(clock):
    shop = bigger(clock, objects=4)
    put_type(shop, "A", KEYS, MaxProfileObjectCount=1)
    for number in "123":
        put(shop, "A", id=number, who="ada")
    assert ids(shop, "A") == ["1", "2", "3"]


def test_an_object_that_is_alone_in_its_type_is_kept(clock):
    shop = bigger(clock, objects=2)
    put_type(shop, "A", KEYS)
    put_type(shop, "B", KEYS)
    for number in "12":
        clock.advance(seconds=1)
        put(shop, "A", id=number, who="ada")
    put(shop, "B", id="3", who="ada")
    assert (ids(shop, "A"), ids(shop, "B")) == (["2"], ["3"])


def test_an_object_that_comes_again_makes_nothing_go(clock):
    shop = bigger(clock, objects=2)
    put_type(shop, "A", KEYS)
    for number in "1212":
        clock.advance(seconds=1)
        put(shop, "A", id=number, who="ada")
    assert ids(shop, "A") == ["1", "2"]


def test_objects_go_when_they_are_too_large_together(clock):
    shop = bigger(clock, objects_bytes=200)
    put_type(shop, "A", KEYS)
    for number in "1234":
        clock.advance(seconds=1)
        put(shop, "A", id=number, who="ada", text="x" * 50)
    kept = ids(shop, "A")
    assert kept == ["3", "4"]
    assert counts(shop) == (1, 2)


def test_objects_of_a_batch_make_each_other_go(clock):
    shop = bigger(clock, objects=2)
    put_type(shop, "A", KEYS)
    items = [{"Id": n, "Object": f'{{"id": "{n}", "who": "ada"}}'} for n in "12345"]
    answer = shop.ask("BatchPutProfileObject", ObjectTypeName="A", Items=items)
    assert len(answer["Successful"]) == 5
    assert ids(shop, "A") == ["4", "5"]
    assert counts(shop) == (1, 2)


def test_standard_objects_count_for_nothing_and_stay(clock):
    shop = bigger(clock, objects=2)
    keys = {"Id": "id UNIQUE ASSET", "Who": "who PROFILE"}
    put_type(shop, "A", keys, {"name": "_asset.AssetName"})
    for number in "1234":
        clock.advance(seconds=1)
        put(shop, "A", id=number, who="ada", name=number)
    assert ids(shop, "A") == ["3", "4"]
    assert len(listed(shop, found(shop, "Who", "ada"), "_asset")) == 4
    assert counts(shop) == (1, 2)


def test_an_object_that_moves_makes_room_where_it_was(clock):
    shop = bigger(clock, objects=2)
    put_type(shop, "A", KEYS)
    for number, who in (("1", "ada"), ("2", "ada"), ("3", "eve"), ("2", "eve"), ("4", "ada")):
        clock.advance(seconds=1)
        put(shop, "A", id=number, who=who)
    assert (ids(shop, "A"), ids(shop, "A", "eve")) == (["1", "4"], ["2", "3"])


def test_an_evicted_object_comes_again_as_a_new_one(clock):
    shop = bigger(clock, objects=1)
    put_type(shop, "A", KEYS)
    for number in "121":
        clock.advance(seconds=1)
        put_text(shop, "A", f'{{"id": "{number}", "who": "ada"}}')
    assert ids(shop, "A") == ["1"]
    assert counts(shop) == (1, 1)


# --- web analytics ---


def browse(shop, number):
    event = {"id": str(number), "who": "ada", "name": f"event {number}"}
    put(shop, "Event", **event)


@pytest.mark.parametrize(("created", "kept"), [("2026-08-31", 255), ("2026-09-02", 250)])
def test_a_profile_keeps_250_objects_of_web_analytics(created, kept):
    clock = ManualClock(datetime.fromisoformat(f"{created}T00:00:00+00:00").timestamp())
    shop = bigger(clock)
    clock.advance(days=10)
    event_keys = {"Event": "id UNIQUE WEB_ANALYTICS", "Who": "who PROFILE"}
    put_type(shop, "Event", event_keys, {"name": "_webAnalytics.EventType"})
    for number in range(255):
        browse(shop, number)
        clock.advance(seconds=1)
    ada = found(shop, "Who", "ada")
    assert len(whole(shop, ada, "Event")) == 255
    names = [event["EventType"] for event in whole(shop, ada, "_webAnalytics")]
    assert names == [f"event {number}" for number in range(255 - kept, 255)]
    browse(shop, 254)
    assert len(whole(shop, ada, "_webAnalytics")) == kept


def whole(shop, profile, name):
    """Return the objects of a type from all pages."""
    objects, token = [], None
    while not objects or token:
        more = {"NextToken": token} if token else {}
        answer = shop.ask(
            "ListProfileObjects", ProfileId=profile, ObjectTypeName=name, MaxResults=100, **more
        )
        objects += [json.loads(item["Object"]) for item in answer["Items"]]
        token = answer["NextToken"]
    return objects

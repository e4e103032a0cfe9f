"""Who may write a value: priorities, values set by hand, and times of the source."""

from __future__ import annotations

import pytest

from .test_ingestion import found, listed, put, put_type
from .test_resolution import keyed

NAME = {"name": "_profile.FirstName"}
TIMED = {**NAME, "changed": "_profile.SourceLastUpdatedTimestamp"}
STANDARD = {"name": "_asset.AssetName"}
IN_MILLISECONDS = {"SourceLastUpdatedTimestampFormat": "EpochMilli"}


def source(shop, name, targets=None, priority=None, **settings):
    """Put a type whose objects set a customer's first name."""
    if priority:
        settings["SourcePriority"] = priority
    keys = {f"{name}Id": "id UNIQUE", "Who": "who PROFILE ASSET"}
    put_type(shop, name, keys, targets or NAME, **settings)


def name_of(shop, who="ada"):
    return shop.read(found(shop, "Who", who)).get("FirstName")


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        (None, None, "B"),
        (None, 1, "B"),
        (1, None, "A"),
        (1, 2, "A"),
        (2, 1, "B"),
        (3, 3, "B"),
        (10**6, None, "A"),
    ],
)
def test_a_lower_priority_writes_over_no_higher_one(shop, first, second, wins):
    source(shop, "A", priority=first)
    source(shop, "B", priority=second)
    put(shop, "A", id="1", who="ada", name="A")
    put(shop, "B", id="1", who="ada", name="B")
    assert name_of(shop) == wins


@pytest.mark.parametrize(("first", "second", "wins"), [(1, 2, "A"), (2, 1, "B"), (None, 1, "B")])
def test_priorities_hold_for_standard_objects_as_well(shop, first, second, wins):
    source(shop, "A", STANDARD, first)
    source(shop, "B", STANDARD, second)
    put(shop, "A", id="1", who="ada", name="A")
    put(shop, "B", id="1", who="ada", name="B")
    (asset,) = listed(shop, found(shop, "Who", "ada"), "_asset")
    assert asset["AssetName"] == wins


def test_a_lower_priority_fills_what_is_empty(shop):
    source(shop, "A", priority=1)
    source(shop, "B", {**NAME, "last": "_profile.LastName"}, 2)
    put(shop, "A", id="1", who="ada", name="A")
    put(shop, "B", id="1", who="ada", name="B", last="B")
    assert shop.read(found(shop, "Who", "ada")) == {"FirstName": "A", "LastName": "B"}


def test_members_of_an_address_have_each_their_own_priority(shop):
    city, zip_code = "_profile.Address.City", "_profile.Address.PostalCode"
    source(shop, "A", {"city": city}, 1)
    source(shop, "B", {"city": city, "zip": zip_code}, 2)
    put(shop, "A", id="1", who="ada", city="A")
    put(shop, "B", id="1", who="ada", city="B", zip="B")
    address = shop.read(found(shop, "Who", "ada"))["Address"]
    assert address == {"City": "A", "PostalCode": "B"}


# --- by hand ---


def test_a_value_that_was_set_by_hand_stays(shop):
    source(shop, "A")
    ada = keyed(shop, Who="ada")
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="hand")
    put(shop, "A", id="1", who="ada", name="A")
    assert name_of(shop) == "hand"


def test_a_type_with_a_priority_goes_above_what_was_set_by_hand(shop):
    source(shop, "A", priority=9)
    ada = keyed(shop, Who="ada")
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="hand")
    put(shop, "A", id="1", who="ada", name="A")
    assert name_of(shop) == "A"


def test_an_update_makes_a_value_one_that_was_set_by_hand(shop):
    source(shop, "A", {**NAME, "last": "_profile.LastName"})
    put(shop, "A", id="1", who="ada", name="A", last="A")
    ada = found(shop, "Who", "ada")
    assert set(shop.engine.provenance("shop", ada)) == {"FirstName", "LastName"}
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="hand")
    assert set(shop.engine.provenance("shop", ada)) == {"LastName"}
    put(shop, "A", id="1", who="ada", name="B", last="B")
    assert shop.read(ada) == {"FirstName": "hand", "LastName": "B"}


def test_the_same_value_set_by_hand_is_by_hand_too(shop):
    source(shop, "A")
    put(shop, "A", id="1", who="ada", name="A")
    shop.ask("UpdateProfile", ProfileId=found(shop, "Who", "ada"), FirstName="A")
    put(shop, "A", id="1", who="ada", name="B")
    assert name_of(shop) == "A"


def test_one_attribute_set_by_hand_leaves_the_others_to_their_objects(shop):
    targets = {"x": "_profile.Attributes.x", "y": "_profile.Attributes.y"}
    source(shop, "A", targets)
    put(shop, "A", id="1", who="ada", x="1", y="1")
    ada = found(shop, "Who", "ada")
    shop.ask("UpdateProfile", ProfileId=ada, Attributes={"x": "hand"})
    put(shop, "A", id="1", who="ada", x="2", y="2")
    assert shop.read(ada)["Attributes"] == {"x": "hand", "y": "2"}


def test_a_value_cleared_by_hand_is_set_by_the_next_object(shop):
    source(shop, "A")
    put(shop, "A", id="1", who="ada", name="A")
    ada = found(shop, "Who", "ada")
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="")
    assert shop.engine.provenance("shop", ada) == {}
    put(shop, "A", id="1", who="ada", name="B")
    assert name_of(shop) == "B"
    assert set(shop.engine.provenance("shop", ada)) == {"FirstName"}


def test_a_profile_made_by_hand_has_no_provenance(shop):
    ada = shop.create(FirstName="Ada", Attributes={"x": "1"})
    assert shop.engine.provenance("shop", ada) == {}


# --- times ---


@pytest.mark.parametrize(("earlier", "later", "wins"), [(1, 2, "B"), (2, 1, "A"), (1, 1, "B")])
def test_what_a_source_changed_last_wins(shop, earlier, later, wins):
    source(shop, "A", TIMED, **IN_MILLISECONDS)
    source(shop, "B", TIMED, **IN_MILLISECONDS)
    put(shop, "A", id="1", who="ada", name="A", changed=earlier)
    put(shop, "B", id="1", who="ada", name="B", changed=later)
    assert name_of(shop) == wins


def test_an_older_state_of_an_object_leaves_newer_values(shop):
    source(shop, "A", TIMED, **IN_MILLISECONDS)
    put(shop, "A", id="1", who="ada", name="new", changed=2_000)
    put(shop, "A", id="1", who="ada", name="old", changed=1_000)
    assert name_of(shop) == "new"


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ssXXX"])
def test_times_are_read_by_their_pattern(shop, pattern):
    source(shop, "A", TIMED, SourceLastUpdatedTimestampFormat=pattern)
    put(shop, "A", id="1", who="ada", name="new", changed="2024-05-06T07:08:09Z")
    put(shop, "A", id="2", who="ada", name="old", changed="2024-05-06T07:08:08Z")
    assert name_of(shop) == "new"


def test_a_time_that_cannot_be_read_counts_as_now(shop):
    source(shop, "A", TIMED, **IN_MILLISECONDS)
    put(shop, "A", id="1", who="ada", name="A", changed=1_000)
    put(shop, "A", id="2", who="ada", name="B", changed="yesterday")
    assert name_of(shop) == "B"
    assert "SourceLastUpdatedTimestamp" not in shop.read(found(shop, "Who", "ada"))


def test_a_priority_goes_before_a_time(shop):
    source(shop, "A", TIMED, 1, **IN_MILLISECONDS)
    source(shop, "B", TIMED, 2, **IN_MILLISECONDS)
    put(shop, "A", id="1", who="ada", name="A", changed=1_000)
    put(shop, "B", id="1", who="ada", name="B", changed=2_000)
    assert name_of(shop) == "A"


def test_an_object_changes_its_own_values_although_its_type_lost_its_priority(shop):
    source(shop, "A", priority=1)
    put(shop, "A", id="1", who="ada", name="old")
    source(shop, "A", priority=5)
    put(shop, "A", id="1", who="ada", name="new")
    assert name_of(shop) == "new"


# --- provenance ---


def test_provenance_names_the_object_that_set_a_value_and_when(shop, clock):
    source(shop, "A", {**NAME, "city": "_profile.Address.City"})
    source(shop, "B", {"last": "_profile.LastName"})
    first = put(shop, "A", id="1", who="ada", name="A", city="A")
    clock.advance(seconds=5)
    second = put(shop, "B", id="1", who="ada", last="B")
    ada = found(shop, "Who", "ada")
    made = {"ObjectTypeName": "A", "ProfileObjectUniqueKey": first, "SetAt": clock.now() - 5}
    added = {"ObjectTypeName": "B", "ProfileObjectUniqueKey": second, "SetAt": clock.now()}
    provenance = shop.engine.provenance("shop", ada)
    assert provenance == {"FirstName": made, "Address.City": made, "LastName": added}


def test_a_value_that_may_not_be_written_keeps_its_provenance(shop):
    source(shop, "A", priority=1)
    source(shop, "B", {**NAME, "last": "_profile.LastName"}, 2)
    put(shop, "A", id="1", who="ada", name="A")
    put(shop, "B", id="1", who="ada", name="B", last="B")
    provenance = shop.engine.provenance("shop", found(shop, "Who", "ada"))
    assert {name: one["ObjectTypeName"] for name, one in provenance.items()} == {
        "FirstName": "A",
        "LastName": "B",
    }

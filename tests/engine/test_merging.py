"""MergeProfiles: values, keys and objects of several profiles become those of one."""

from __future__ import annotations

import json

import pytest

from customer_profiles.engine import Refusal

from .test_ingestion import counts, found, listed, put, put_type
from .test_resolution import put_key


def merge(shop, main, *others, **chosen):
    members = {"FieldSourceProfileIds": chosen} if chosen else {}
    return shop.ask(
        "MergeProfiles", MainProfileId=main, ProfileIdsToBeMerged=list(others), **members
    )


def refused(shop, main, *others, **chosen):
    with pytest.raises(Refusal) as caught:
        merge(shop, main, *others, **chosen)
    return caught.value


def test_fields_are_united_and_the_main_profile_wins(shop):
    main = shop.create(FirstName="Ada", PhoneNumber="1")
    other = shop.create(FirstName="Eve", LastName="L", Attributes={"a": "1"})
    assert merge(shop, main, other) == {"Message": "Success!"}
    assert shop.read(main) == {
        "FirstName": "Ada",
        "PhoneNumber": "1",
        "LastName": "L",
        "Attributes": {"a": "1"},
    }


def test_attributes_are_united_one_by_one(shop):
    main = shop.create(Attributes={"a": "1", "b": "1"})
    other = shop.create(Attributes={"b": "2", "c": "2"})
    merge(shop, main, other)
    assert shop.read(main)["Attributes"] == {"a": "1", "b": "1", "c": "2"}


def test_of_values_that_only_others_have_the_first_named_counts(shop):
    main, one, two = shop.create(), shop.create(FirstName="A"), shop.create(FirstName="B")
    merge(shop, main, two, one)
    assert shop.read(main) == {"FirstName": "B"}


def test_two_addresses_are_not_mixed(shop):
    main = shop.create(Address={"City": "Rome"})
    other = shop.create(Address={"City": "Oslo", "PostalCode": "1"})
    merge(shop, main, other)
    assert shop.read(main)["Address"] == {"City": "Rome"}


def test_a_chosen_source_gives_its_value_even_if_it_has_none(shop):
    main = shop.create(FirstName="Ada", LastName="L", Attributes={"a": "1", "b": "1"})
    other = shop.create(FirstName="Eve", Attributes={"b": "2"})
    merge(shop, main, other, FirstName=other, LastName=other, Attributes={"a": other, "b": other})
    assert shop.read(main) == {"FirstName": "Eve", "Attributes": {"b": "2"}}


def test_all_keys_find_the_main_profile(shop):
    main = shop.create(EmailAddress="a@x.org")
    other = shop.create(EmailAddress="b@x.org", PhoneNumber="2065550100")
    put_key(shop, other, "Card", "7")
    merge(shop, main, other)
    assert shop.search("_email", "b@x.org") == shop.search("_phone", "2065550100") == [main]
    assert shop.search("Card", "7") == [main]
    assert shop.search("_profileId", other) == []


def test_objects_and_standard_objects_move(shop):
    keys = {"Id": "id UNIQUE ASSET", "Who": "who PROFILE"}
    put_type(shop, "Car", keys, {"name": "_asset.AssetName"})
    put(shop, "Car", id="1", who="ada", name="Beetle")
    put(shop, "Car", id="2", who="eve", name="Mini")
    main, other = found(shop, "Who", "ada"), found(shop, "Who", "eve")
    merge(shop, main, other)
    assert len(listed(shop, main, "Car")) == len(listed(shop, main, "_asset")) == 2
    assert shop.search("_assetName", "Mini") == [main]
    assert counts(shop) == (1, 2)


def test_a_later_object_with_a_key_of_the_merged_profile_lands_on_the_main_one(shop):
    put_type(shop, "Order", {"Id": "id UNIQUE", "Who": "who PROFILE"})
    put(shop, "Order", id="1", who="ada")
    put(shop, "Order", id="2", who="eve")
    main, other = found(shop, "Who", "ada"), found(shop, "Who", "eve")
    merge(shop, main, other)
    put(shop, "Order", id="3", who="eve")
    assert len(listed(shop, main, "Order")) == 3


def test_a_taken_value_keeps_who_set_it(shop):
    put_type(shop, "A", {"Id": "id UNIQUE", "Who": "who PROFILE"}, {"name": "_profile.FirstName"})
    put(shop, "A", id="1", who="ada", name="Ada")
    other, main = found(shop, "Who", "ada"), shop.create(LastName="L")
    merge(shop, main, other)
    assert set(shop.engine.provenance("shop", main)) == {"FirstName"}
    shop.ask("DeleteProfileObjectType", ObjectTypeName="A")
    assert shop.read(main) == {"LastName": "L"}


def test_a_merge_is_in_the_history(shop):
    main, other = shop.create(), shop.create()
    merge(shop, main, other)
    records = shop.ask("ListProfileHistoryRecords", ProfileId=main)["ProfileHistoryRecords"]
    assert [one["ActionType"] for one in records] == ["CREATED", "MERGED"]
    record = shop.ask("GetProfileHistoryRecord", ProfileId=main, Id=records[1]["Id"])
    assert json.loads(record["Content"]) == {"ProfileIdsToBeMerged": [other]}


def test_a_profile_is_not_merged_into_itself(shop):
    main = shop.create()
    assert "cannot be merged into itself" in refused(shop, main, main).message


def test_an_unknown_profile_keeps_all_from_being_merged(shop):
    main, other = shop.create(), shop.create(FirstName="Ada")
    assert refused(shop, main, other, "0" * 32).code == "ResourceNotFoundException"
    assert shop.read(other) == {"FirstName": "Ada"}


def test_a_source_that_takes_no_part_is_refused(shop):
    main, other, third = shop.create(), shop.create(), shop.create(FirstName="Ada")
    refusal = refused(shop, main, other, FirstName=third)
    assert "FirstName names a profile that takes no part" in refusal.message
    assert shop.stats()["ProfileCount"] == 3


def test_a_merge_that_would_be_too_large_changes_nothing(shop):
    notes = [{f"{letter}{number}": "x" * 255 for number in range(600)} for letter in "ab"]
    main, other = (shop.create(Attributes=note) for note in notes)
    before = shop.stats()
    assert "the limit is 256000 bytes" in refused(shop, main, other).message
    assert shop.stats() == before

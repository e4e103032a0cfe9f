"""MergeProfiles: values, keys and objects of several profiles become those of one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles.engine import Engine, ManualClock, Refusal

from .conftest import Shop
from .test_ingestion import bigger, counts, found, listed, put, put_type
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
    assert json.loads(record["Content"]) == {
        "ProfileIdsToBeMerged": [other],
        "LastChangedAt": 1_700_000_000.0,
    }


def test_a_profile_is_not_merged_into_itself(shop):
    main = shop.create()
    assert "cannot be merged into itself" in refused(shop, main, main).message


def test_an_unknown_profile_keeps_all_from_being_merged(shop):
    main, other = shop.create(), shop.create(FirstName="Ada")
    refusal = refused(shop, main, other, "0" * 32, "f" * 32)
    assert refusal.code == "ResourceNotFoundException"
    assert f"{'0' * 32}, {'f' * 32} do not exist" in refusal.message
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


def test_a_value_is_as_old_after_a_merge_as_before(shop, clock):
    rules = [{"Rule": ["EmailAddress"]}, {"Rule": ["PhoneNumber"]}]
    rules = {"Enabled": True, "MatchingRules": rules, "MaxAllowedRuleLevelForMerging": 2}
    shop.ask("UpdateDomain", RuleBasedMatching=rules)
    main = shop.create(EmailAddress="a@x.org", FirstName="First")
    clock.advance(seconds=9)
    shop.create(PhoneNumber="1", FirstName="Second")
    clock.advance(seconds=9)
    shop.create(EmailAddress="a@x.org", FirstName="Third")
    clock.advance(seconds=9)
    shop.create(EmailAddress="a@x.org", PhoneNumber="1")

    assert shop.stats()["ProfileCount"] == 1
    assert shop.read(main)["FirstName"] == "Third"


def test_the_first_object_after_a_merge_evicts_all_that_are_too_many(clock):
    shop = bigger(clock, objects=3)
    put_type(shop, "Order", {"Id": "id UNIQUE", "Who": "who PROFILE"})
    for number in range(3):
        for who in ("ada", "eve"):
            put(shop, "Order", id=f"{who}{number}", who=who)
    main = found(shop, "Who", "ada")
    merge(shop, main, found(shop, "Who", "eve"))
    assert len(listed(shop, main, "Order")) == 6

    put(shop, "Order", id="new", who="ada")
    assert len(listed(shop, main, "Order")) == 3


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "FirstName": st.sampled_from("ab"),
        "Address": st.sampled_from([{"City": "Rome"}, {"City": "Oslo", "PostalCode": "1"}]),
        "Attributes": st.dictionaries(st.sampled_from("kl"), st.sampled_from("ab"), min_size=1),
    },
)
NUMBERS = st.integers(0, 4)


def united(profiles):
    """Say what a merge without chosen sources makes of profiles, in the plainest way."""
    whole = {}
    for one in reversed(profiles):
        both = {**whole.get("Attributes", {}), **one.get("Attributes", {})}
        whole = {**whole, **one} | ({"Attributes": both} if both else {})
    return whole


class People:
    """Five profiles, each with a key and an object, and what merges must make of them."""

    def __init__(self, shop, values):
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        put_type(shop, "Order", {"Id": "id UNIQUE", "Who": "who PROFILE"})
        self.shop, self.ids = shop, [shop.create(**one) for one in values]
        self.values, self.groups = dict(enumerate(values)), {n: [n] for n in range(5)}
        for number, profile_id in enumerate(self.ids):
            put_key(shop, profile_id, "Who", f"w{number}")
            put(shop, "Order", id=f"o{number}", who=f"w{number}")

    def merge(self, main, named):
        others, asked = list(dict.fromkeys(named)), [self.ids[one] for one in (main, *named)]
        if main in others or not self.groups.keys() >= {main, *others}:
            refused(self.shop, *asked)
            return
        merge(self.shop, *asked)
        self.values[main] = united([self.values[one] for one in (main, *others)])
        self.groups[main] = sum((self.groups.pop(one) for one in others), self.groups[main])

    def check(self):
        assert counts(self.shop) == (len(self.groups), 5)
        for main, members in self.groups.items():
            assert self.shop.read(self.ids[main]) == self.values[main]
            assert {found(self.shop, "Who", f"w{one}") for one in members} == {self.ids[main]}
            orders = {one["id"] for one in listed(self.shop, self.ids[main], "Order")}
            assert orders == {f"o{one}" for one in members}


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(VALUES, min_size=5, max_size=5),
    merges=st.lists(st.tuples(NUMBERS, st.lists(NUMBERS, min_size=1, max_size=3)), max_size=5),
)
def test_no_sequence_of_merges_loses_a_value_a_key_or_an_object(values, merges):
    with Engine(clock=ManualClock(), strict=True) as engine:
        people = People(Shop(engine), values)
        for main, named in merges:
            people.merge(main, named)
        people.check()

        for main in people.groups:
            people.shop.ask("DeleteProfile", ProfileId=people.ids[main])
        assert people.shop.stats()["TotalSize"] == people.shop.stats()["ObjectCount"] == 0


MERGING = """
import random, sys
from customer_profiles.engine import Engine, Refusal
file, seed, *ids = sys.argv[1:]
draw = random.Random(int(seed))
with Engine(file) as engine:
    print("ready", flush=True)
    for _ in range(40):
        main, *others = draw.sample(ids, draw.randrange(2, 5))
        merge = {"DomainName": "shop", "MainProfileId": main, "ProfileIdsToBeMerged": others}
        try:
            engine.answer("MergeProfiles", merge)
        except Refusal as refusal:
            assert refusal.code == "ResourceNotFoundException"
        else:
            print("merged", flush=True)
"""


def test_processes_that_merge_overlapping_groups_lose_nothing_even_if_one_is_killed(
    open_shop, tmp_path
):
    shop = open_shop()
    put_type(shop, "Order", {"Id": "id UNIQUE", "Who": "who PROFILE"})
    for number in range(60):
        put(shop, "Order", id=f"o{number}", who=f"w{number}")
    ids = [found(shop, "Who", f"w{number}") for number in range(60)]
    command = [sys.executable, "-c", MERGING, str(tmp_path / "shop.db")]
    children = [
        subprocess.Popen([*command, str(seed), *ids], stdout=subprocess.PIPE) for seed in range(3)
    ]
    for _ in range(4):
        children[0].stdout.readline()
    children[0].kill()
    ends = [child.communicate() and child.returncode for child in children]

    assert ends[1:] == [0, 0]
    left = {found(shop, "Who", f"w{number}") for number in range(60)}
    assert counts(shop) == (len(left), 60)
    orders = [one["id"] for it in left for one in listed(shop, it, "Order", MaxResults=100)]
    assert sorted(orders) == sorted(f"o{number}" for number in range(60))

"""Which profile an object belongs to, and which keys are stored with it."""

from __future__ import annotations

import pytest

from .test_ingestion import AMBIGUOUS, counts, found, letters, listed, put, put_type

BOTH = {"Id": "id UNIQUE", "First": "first PROFILE", "Second": "second PROFILE SECONDARY"}


def put_key(shop, profile_id, name, *values):
    shop.ask("AddProfileKey", ProfileId=profile_id, KeyName=name, Values=list(values))


def keyed(shop, **keys):
    """Create a profile with keys of its own."""
    profile_id = shop.create()
    for name, value in keys.items():
        put_key(shop, profile_id, name, value)
    return profile_id


# --- what is the same value ---


@pytest.mark.parametrize(
    ("content_type", "stored", "same", "other"),
    [
        ("STRING", "Ab 1", "Ab 1", "ab 1"),
        ("NAME", "John  SMITH", " john smith", "johnsmith"),
        ("EMAIL_ADDRESS", "Ada@X.org", "ADA@x.ORG", "ad.a@x.org"),
        ("PHONE_NUMBER", "+1 (206) 345-7890", "2063457890", "2063457891"),
        ("PHONE_NUMBER", "+15551234567", "(555)-123-4567", "+15551234568"),
        ("NUMBER", "007.0", "7", "70"),
    ],
)
def test_a_key_compares_by_its_content_type(shop, content_type, stored, same, other):
    put_type(shop, "A", {"Id": "id UNIQUE", "Key": "key PROFILE"}, None, {"key": content_type})
    put(shop, "A", id="1", key=stored)
    put(shop, "A", id="2", key=same)
    put(shop, "A", id="3", key=other)
    assert counts(shop) == (2, 3)
    assert shop.search("Key", stored) == shop.search("Key", same) != shop.search("Key", other)


@pytest.mark.parametrize(
    ("content_type", "stored"), [("NUMBER", "007"), ("NAME", "Ada"), ("EMAIL_ADDRESS", "A@x.org")]
)
def test_a_predefined_key_is_found_by_the_value_that_was_put(shop, content_type, stored):
    keys = {"_zendeskUserId": "id UNIQUE PROFILE"}
    put_type(shop, "A", keys, None, {"id": content_type})
    put(shop, "A", id=stored)
    assert len(shop.search("_zendeskUserId", stored)) == 1


@pytest.mark.parametrize(
    ("types", "values"),
    [
        (("NAME", "EMAIL_ADDRESS"), ("Ada", "A@x.org")),
        (("STRING", "STRING"), ("Ada L", "x y")),
        (("NAME", "NAME"), ("Ada L", "X  Y")),
        (("NAME", "EMAIL_ADDRESS"), ("Ada L", "A@x.org")),
        (("PHONE_NUMBER", "PHONE_NUMBER"), ("2065550100", "2065550101")),
        (("NUMBER", "NUMBER"), ("01", "02")),
        (("NAME", "STRING"), ("Ada " * 16, "x")),
    ],
)
def test_a_key_of_two_fields_is_found_by_the_values_that_were_put(shop, types, values):
    content_types = {"a": types[0], "b": types[1]}
    put_type(shop, "A", {"Id": "id UNIQUE PROFILE", "Key": "a+b"}, None, content_types)
    put(shop, "A", id="1", a=values[0], b=values[1])
    assert len(shop.search("Key", " ".join(values))) == 1


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("NAME", "Beetle"), ("EMAIL_ADDRESS", "Beetle"), ("NUMBER", "007")],
)
def test_a_default_key_is_found_whatever_content_type_a_type_gives_it(shop, content_type, name):
    put_type(shop, "Car", {"Id": "id UNIQUE PROFILE ASSET"}, {"name": "_asset.AssetName"})
    put(shop, "Car", id="1", name=name)
    keys = {"OtherId": "id UNIQUE PROFILE", "_assetName": "car"}
    put_type(shop, "Other", keys, None, {"car": content_type})
    assert len(shop.search("_assetName", name)) == 1


def test_a_value_added_to_a_predefined_key_is_found_once_a_type_has_the_key(shop):
    ada = keyed(shop, _zendeskUserId="Ada")
    put_type(shop, "A", {"_zendeskUserId": "id UNIQUE PROFILE"}, None, {"id": "NAME"})
    assert shop.search("_zendeskUserId", "Ada") == [ada]


# --- the order of keys, and ambiguity ---


def test_a_primary_key_goes_before_a_secondary_one(shop):
    keys = {"Id": "id UNIQUE", "Second": "second PROFILE SECONDARY", "First": "first PROFILE"}
    put_type(shop, "A", keys)
    one, two = keyed(shop, First="f"), keyed(shop, Second="s")
    put(shop, "A", id="1", first="f", second="s")
    assert [len(listed(shop, who, "A")) for who in (one, two)] == [1, 0]


def test_a_secondary_key_decides_where_no_primary_one_does(shop):
    put_type(shop, "A", BOTH)
    two = keyed(shop, Second="s")
    put(shop, "A", id="1", first="new", second="s")
    put(shop, "A", id="2", first="new")
    assert len(listed(shop, two, "A")) == 2


def test_primary_keys_are_tried_as_they_are_declared(shop):
    keys = {"Id": "id UNIQUE", "Z": "z PROFILE", "A": "a PROFILE"}
    put_type(shop, "A", keys)
    one, two = keyed(shop, Z="z"), keyed(shop, A="a")
    put(shop, "A", id="1", z="z", a="a")
    assert [len(listed(shop, who, "A")) for who in (one, two)] == [1, 0]


def test_an_ambiguous_key_is_passed_over(shop):
    put_type(shop, "A", BOTH)
    keyed(shop, First="f")
    keyed(shop, First="f")
    two = keyed(shop, Second="s")
    put(shop, "A", id="1", first="f", second="s")
    assert len(listed(shop, two, "A")) == 1


def test_with_an_ambiguous_key_and_one_that_nobody_has_a_profile_is_made(shop):
    put_type(shop, "A", BOTH)
    keyed(shop, First="f")
    keyed(shop, First="f")
    put(shop, "A", id="1", first="f", second="s")
    made = found(shop, "Second", "s")
    assert len(shop.search("First", "f")) == 3
    put(shop, "A", id="1", first="f", second="s")
    assert len(listed(shop, made, "A")) == 1
    assert letters(shop) == []


@pytest.mark.parametrize("members", [{"first": "f"}, {"first": "f", "second": "s"}])
def test_an_object_whose_keys_are_all_ambiguous_is_a_dead_letter(shop, members):
    put_type(shop, "A", BOTH)
    for _ in range(2):
        keyed(shop, First="f", Second="s")
    put(shop, "A", id="1", **members)
    assert letters(shop) == [AMBIGUOUS]
    assert counts(shop) == (2, 0)


def test_profiles_that_expired_make_no_key_ambiguous(shop, clock):
    put_type(shop, "A", BOTH)
    for _ in range(50):
        keyed(shop, First="f")
    clock.advance(days=31)
    one = keyed(shop, First="f")
    put(shop, "A", id="1", first="f")
    assert len(listed(shop, one, "A")) == 1


def test_a_profile_that_was_made_by_hand_is_found_by_its_fields(shop):
    ada = shop.create(EmailAddress="ada@x.org", PhoneNumber="+12065550100")
    keys = {"Id": "id UNIQUE", "_email": "email PROFILE", "_phone": "phone PROFILE"}
    put_type(shop, "A", keys)
    put(shop, "A", id="1", email="ADA@x.org")
    put(shop, "A", id="2", phone="(206) 555-0100")
    assert len(listed(shop, ada, "A")) == 2


# --- profiles by id, and none ---


def test_an_object_may_name_its_profile(shop):
    put_type(shop, "A", {"Id": "id UNIQUE", "_profileId": "who PROFILE LOOKUP_ONLY"})
    ada = shop.create()
    put(shop, "A", id="1", who=ada)
    assert listed(shop, ada, "A") == [{"id": "1", "who": ada}]
    assert counts(shop) == (1, 1)


@pytest.mark.parametrize("who", ["0" * 32, "ada", "Z" * 32, " "])
def test_an_object_that_names_no_profile_makes_none_where_it_may_not(shop, who):
    keys = {"Id": "id UNIQUE", "_profileId": "who PROFILE LOOKUP_ONLY"}
    put_type(shop, "A", keys, AllowProfileCreation=False)
    put(shop, "A", id="1", who=who)
    (reason,) = letters(shop)
    assert "AllowProfileCreation" in reason
    assert who not in reason or who == " "
    assert counts(shop) == (0, 0)


def test_a_type_that_makes_no_profiles_still_fills_them(shop):
    put_type(shop, "A", BOTH, {"name": "_profile.FirstName"}, AllowProfileCreation=False)
    put(shop, "A", id="1", first="f", name="Ada")
    assert len(letters(shop)) == 1
    ada = keyed(shop, First="f")
    put(shop, "A", id="1", first="f", name="Ada")
    assert shop.read(ada) == {"FirstName": "Ada"}


# --- which keys are stored ---


def test_a_lookup_only_key_is_never_stored(shop):
    keys = {"Id": "id UNIQUE PROFILE", "Look": "look PROFILE LOOKUP_ONLY"}
    put_type(shop, "A", keys)
    put(shop, "A", id="1", look="l")
    assert shop.search("Look", "l") == []
    ada = keyed(shop, Look="k")
    put(shop, "A", id="2", look="k")
    assert found(shop, "Id", "2") == ada


def test_a_new_only_key_is_stored_with_a_new_profile_only(shop):
    put_type(shop, "A", {"Id": "id UNIQUE PROFILE", "New": "new NEW_ONLY"})
    ada = keyed(shop, Id="1")
    put(shop, "A", id="1", new="n")
    assert shop.search("New", "n") == []
    put(shop, "A", id="2", new="m")
    assert found(shop, "New", "m") != ada


def test_a_new_only_key_stays_when_the_same_object_comes_again(shop):
    put_type(shop, "A", {"Id": "id UNIQUE PROFILE", "New": "new NEW_ONLY"})
    for _ in range(3):
        put(shop, "A", id="1", new="n")
    ada = found(shop, "New", "n")
    put(shop, "A", id="1", new="other")
    assert [shop.search("New", value) for value in ("n", "other")] == [[], []]
    assert found(shop, "Id", "1") == ada


def test_a_key_without_identifiers_is_only_searched_by(shop):
    put_type(shop, "A", {"Id": "id UNIQUE PROFILE", "Colour": "colour"})
    for number in ("1", "2"):
        put(shop, "A", id=number, colour="red")
    assert len(shop.search("Colour", "red")) == 2


# --- inferred profiles ---


def test_content_types_fill_a_new_profile_without_targets(shop):
    keys = {"Id": "id UNIQUE PROFILE"}
    put_type(shop, "A", keys, None, {"mail": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER"})
    put(shop, "A", id="1", mail="Ada@x.org", phone="(206) 555-0100")
    ada = found(shop, "_email", "ada@x.org")
    assert shop.read(ada) == {"EmailAddress": "Ada@x.org", "PhoneNumber": "(206) 555-0100"}
    assert shop.search("_phone", "2065550100") == [ada]


def test_content_types_fill_no_profile_that_is_there(shop):
    put_type(shop, "A", {"Id": "id UNIQUE PROFILE"}, None, {"mail": "EMAIL_ADDRESS"})
    ada = keyed(shop, Id="1")
    put(shop, "A", id="1", mail="ada@x.org")
    assert shop.read(ada) == {}


def test_a_target_goes_before_what_is_inferred(shop):
    keys = {"Id": "id UNIQUE PROFILE"}
    types = {"mail": "EMAIL_ADDRESS", "own": "STRING"}
    put_type(shop, "A", keys, {"own": "_profile.EmailAddress"}, types)
    put(shop, "A", id="1", mail="a@x.org", own="b@x.org")
    assert shop.read(found(shop, "Id", "1")) == {"EmailAddress": "b@x.org"}


# --- objects that come again ---


def test_an_object_that_comes_again_makes_no_second_profile(shop):
    keys = {"Id": "id UNIQUE", "_profileId": "who PROFILE LOOKUP_ONLY"}
    put_type(shop, "A", keys)
    for _ in range(2):
        put(shop, "A", id="1", who="0" * 32)
    assert counts(shop) == (1, 1)


def test_an_object_found_only_by_a_looked_up_key_makes_no_second_profile(shop):
    keys = {"Id": "id UNIQUE", "Who": "who PROFILE", "Look": "look PROFILE LOOKUP_ONLY"}
    put_type(shop, "A", keys)
    for _ in range(2):
        put(shop, "A", id="1", look="l")
    assert counts(shop) == (1, 1)


def test_an_object_moves_to_the_profile_that_its_keys_lead_to(shop):
    keys = {"Id": "id UNIQUE", "Who": "who PROFILE", "Colour": "colour"}
    put_type(shop, "A", keys)
    ada, eve = keyed(shop, Who="ada"), keyed(shop, Who="eve")
    put(shop, "A", id="1", who="ada", colour="red")
    put(shop, "A", id="1", who="eve", colour="red")
    assert [listed(shop, who, "A") for who in (ada, eve)] == [
        [],
        [{"id": "1", "who": "eve", "colour": "red"}],
    ]
    assert shop.search("Colour", "red") == shop.search("Id", "1") == [eve]
    assert shop.search("Who", "ada") == [ada]
    assert counts(shop) == (2, 1)


def test_an_object_that_moved_away_can_be_deleted_where_it_is(shop):
    put_type(shop, "A", {"Id": "id UNIQUE", "Who": "who PROFILE"})
    ada, eve = keyed(shop, Who="ada"), keyed(shop, Who="eve")
    put(shop, "A", id="1", who="ada")
    unique = put(shop, "A", id="1", who="eve")
    shop.ask("DeleteProfile", ProfileId=ada)
    assert counts(shop) == (1, 1)
    shop.ask(
        "DeleteProfileObject", ProfileId=eve, ObjectTypeName="A", ProfileObjectUniqueKey=unique
    )
    assert counts(shop) == (1, 0)
    assert shop.search("Id", "1") == []

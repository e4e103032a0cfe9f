import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles import _wire
from customer_profiles._type_rules import SEARCH_KEYS
from customer_profiles.engine import Refusal
from customer_profiles.engine.profiles import keys

PHONES = st.text("0123456789+-() .x#", max_size=20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+15551234567", "(555)-123-4567"),
        ("+1 (206) 345-7890", "2063457890"),
        ("1-206-345-7890", "206.345.7890"),
        ("+44 20 7946 0958", "020 7946 0958"),
        ("+49 30 901820", "+49 (30) 90-18-20"),
        ("206 345 7890 x12", "+1 2063457890 ext. 12"),
        ("+86 138 1234 5678", "13812345678"),
    ],
)
def test_two_spellings_of_a_phone_number_are_one_key(one, other):
    assert keys.normalize("_phone", one) == keys.normalize("_phone", other)


def test_an_extension_tells_two_phone_numbers_apart():
    plain, extended = (keys.normalize("_phone", n) for n in ("2063457890", "2063457890 x12"))
    assert plain != extended


@pytest.mark.parametrize(
    "value", ["n/a", "", "call Bo", "+", "\uff10", "\u0663", "x" * 255, "1" * 255]
)
def test_what_is_no_phone_number_is_no_error(value):
    assert isinstance(keys.normalize("_phone", value), str)


@given(st.text(max_size=40) | PHONES)
def test_no_text_breaks_the_normalisation_of_phones(value):
    assert isinstance(keys.normalize("_phone", value), str)


@given(st.sampled_from(["_phone", "_email", "_fullName", "_account", "own"]), st.text() | PHONES)
def test_normalising_twice_changes_nothing(name, value):
    once = keys.normalize(name, value)
    assert keys.normalize(name, once) == once


def test_the_predefined_keys_are_those_of_the_service_model():
    shape = _wire.operation("SearchProfiles").input_shape.members["KeyName"]
    assert frozenset(re.findall(r"_[a-zA-Z]+", shape.documentation)) == SEARCH_KEYS


def test_an_added_key_finds_its_profile(shop):
    profile = shop.create(FirstName="Ada")
    answer = shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1", "2"])
    assert answer == {"KeyName": "crm", "Values": ["1", "2"]}
    assert shop.search("crm", "2") == [profile]


def test_an_added_predefined_key_is_normalised(shop):
    profile = shop.create(FirstName="Ada")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="_email", Values=["Ada@X.org"])
    assert shop.search("_email", "ada@x.org") == [profile]


def test_adding_a_key_twice_is_adding_it_once(shop):
    profile = shop.create(FirstName="Ada")
    for _ in range(2):
        shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    shop.ask("DeleteProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    assert shop.search("crm", "1") == []


def test_one_value_may_be_added_to_several_profiles(shop):
    made = [shop.create(FirstName=name) for name in ("Ada", "Bo")]
    for profile in made:
        shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    assert shop.search("crm", "1") == made


def test_a_key_name_stays_known_after_its_last_value(shop):
    profile = shop.create(FirstName="Ada")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    shop.ask("DeleteProfile", ProfileId=profile)
    assert shop.search("crm", "1") == []


def test_an_added_value_outlives_the_field_that_held_it_too(shop):
    profile = shop.create(EmailAddress="a@x.org")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="_email", Values=["A@x.org"])
    shop.ask("UpdateProfile", ProfileId=profile, EmailAddress="")
    assert shop.search("_email", "a@x.org") == [profile]


def test_deleting_a_key_removes_the_named_values_only(shop):
    profile = shop.create(FirstName="Ada")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1", "2"])
    answer = shop.ask("DeleteProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    assert answer == {"Message": "OK"}
    assert shop.search("crm", "1") == []
    assert shop.search("crm", "2") == [profile]


def test_deleting_a_value_that_is_not_there_succeeds(shop):
    profile = shop.create(FirstName="Ada")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    shop.ask("DeleteProfileKey", ProfileId=profile, KeyName="crm", Values=["9"])
    assert shop.search("crm", "1") == [profile]


def test_a_key_that_a_field_holds_is_cleared_by_updating_the_field(shop):
    profile = shop.create(EmailAddress="a@x.org")
    with pytest.raises(Refusal, match="clear the field with UpdateProfile"):
        shop.ask("DeleteProfileKey", ProfileId=profile, KeyName="_email", Values=["A@x.org"])
    assert shop.search("_email", "a@x.org") == [profile]


@pytest.mark.parametrize("operation", ["AddProfileKey", "DeleteProfileKey"])
def test_a_profiles_own_id_is_no_key_to_add_or_delete(shop, operation):
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal, match="_profileId is the profile's own id"):
        shop.ask(operation, ProfileId=profile, KeyName="_profileId", Values=["1"])


@pytest.mark.parametrize("operation", ["AddProfileKey", "DeleteProfileKey"])
def test_keys_belong_to_profiles_that_exist(shop, operation):
    with pytest.raises(Refusal, match="Profile does not exist"):
        shop.ask(operation, ProfileId="0" * 32, KeyName="crm", Values=["1"])


def test_a_refused_key_makes_no_name_known(shop):
    with pytest.raises(Refusal, match="Profile does not exist"):
        shop.ask("AddProfileKey", ProfileId="0" * 32, KeyName="crm", Values=["1"])
    with pytest.raises(Refusal, match="crm is not known"):
        shop.search("crm", "1")


def test_an_underscore_begins_only_predefined_names(shop):
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal, match="Key _crm does not exist"):
        shop.ask("AddProfileKey", ProfileId=profile, KeyName="_crm", Values=["1"])


def test_a_key_without_values_is_refused(shop):
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal, match="Values of key crm must not be empty"):
        shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=[])

import re

import phonenumbers
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
        ("+33 6 12 34 56 78", "06 12 34 56 78"),
        ("+41 44 668 18 00", "044 668 18 00"),
        ("+7 912 345-67-89", "8 (912) 345-67-89"),
        ("+375 29 491-19-11", "8 029 491-19-11"),
    ],
)
def test_two_spellings_of_a_phone_number_are_one_key(one, other):
    assert keys.normalize("_phone", one) == keys.normalize("_phone", other)


def _national_and_international(region):
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            formats = phonenumbers.PhoneNumberFormat
            for form in (formats.NATIONAL, formats.INTERNATIONAL, formats.E164):
                yield kind, phonenumbers.format_number(number, form)


def test_the_national_form_of_a_phone_number_is_found_in_almost_every_region():
    missed = set()
    for region in phonenumbers.SUPPORTED_REGIONS:
        forms = {}
        for kind, text in _national_and_international(region):
            forms.setdefault(kind, set()).add(keys.normalize("_phone", text))
        if any(len(found) > 1 for found in forms.values()):
            missed.add(region)
    # Their prefixes 06, 8 and 15 also begin numbers without a prefix elsewhere.
    assert missed == {"AR", "HU", "TM"}


TEXTS = [
    ("Zoe\u0308", "Zo\u00eb"),
    ("\uff21\uff11", "A1"),
    ("A\u200b1\ufeff", "A1"),
    ("\ufb01x", "fix"),
]


@pytest.mark.parametrize(("one", "other"), TEXTS)
@pytest.mark.parametrize("name", ["_email", "_fullName", "_account", "own"])
def test_two_encodings_of_a_text_are_one_key(name, one, other):
    assert keys.normalize(name, one) == keys.normalize(name, other)


@pytest.mark.parametrize("content_type", ["STRING", "NAME", "EMAIL_ADDRESS", "NUMBER"])
def test_two_encodings_of_a_text_are_one_value_of_each_content_type(content_type):
    for one, other in TEXTS:
        assert keys.rule_as(content_type)(one) == keys.rule_as(content_type)(other)
    assert keys.normalize("_phone", "\uff10\uff16 12 34 56 78") == "612345678"
    assert keys.rule_as("NUMBER")("\uff11\uff0e\uff15") == keys.rule_as("NUMBER")("1.50")


def test_a_text_is_found_by_its_other_encodings(shop):
    zoe = shop.create(FirstName="Zo\u00eb", AccountNumber="\uff21\uff11")
    shop.ask("AddProfileKey", ProfileId=zoe, KeyName="crm", Values=["e\u0301"])
    for key, value in (("_fullName", "zoe\u0308"), ("_account", "A1"), ("crm", "\u00e9")):
        assert shop.search(key, value) == [zoe]


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
    with pytest.raises(Refusal, match="crm is not defined"):
        shop.search("crm", "1")


def test_an_underscore_begins_only_predefined_names(shop):
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal, match="Key _crm does not exist"):
        shop.ask("AddProfileKey", ProfileId=profile, KeyName="_crm", Values=["1"])


def test_a_key_without_values_is_refused(shop):
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal, match="Values of key crm must not be empty"):
        shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=[])

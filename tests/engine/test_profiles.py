import uuid

import pytest

from customer_profiles.engine import Engine, ManualClock, Quotas, Refusal
from customer_profiles.engine.service.clock import made_at

UNKNOWN = "0" * 32


def test_a_created_profile_is_read_back_as_it_was_given(shop):
    fields = {"FirstName": "Zoë", "Address": {"City": "Köln"}, "Attributes": {"tier": "gold"}}
    assert shop.read(shop.create(**fields)) == fields


def test_ids_are_32_hex_digits_that_begin_with_the_time(shop, clock):
    first = shop.create(FirstName="Ada")
    clock.advance(seconds=1)
    second = shop.create(FirstName="Bo")
    assert len(first) == 32
    assert int(first[:12], 16) == clock.now() * 1000 - 1000
    assert first < second


def test_ids_repeat_with_the_clock_that_makes_them():
    first, second = ManualClock(), ManualClock()
    assert first.new_profile_id() == second.new_profile_id()
    assert first.new_profile_id() != first.new_profile_id()


def test_null_members_are_absent(shop):
    profile = shop.create(FirstName="Ada", LastName=None, Address={"City": None})
    assert shop.read(profile) == {"FirstName": "Ada"}


def test_an_empty_string_clears_a_field(shop):
    profile = shop.create(FirstName="Ada", LastName="King")
    shop.ask("UpdateProfile", ProfileId=profile, LastName="")
    assert shop.read(profile) == {"FirstName": "Ada"}


def test_an_omitted_field_is_kept(shop):
    profile = shop.create(FirstName="Ada", LastName="King")
    shop.ask("UpdateProfile", ProfileId=profile, LastName="Byron")
    assert shop.read(profile) == {"FirstName": "Ada", "LastName": "Byron"}


def test_an_address_is_changed_member_by_member(shop):
    profile = shop.create(Address={"City": "London", "Country": "UK", "State": "x"})
    shop.ask("UpdateProfile", ProfileId=profile, Address={"City": "Paris", "State": ""})
    assert shop.read(profile) == {"Address": {"City": "Paris", "Country": "UK"}}


@pytest.mark.parametrize("name", ["Address", "ShippingAddress", "MailingAddress", "BillingAddress"])
def test_an_address_without_members_disappears(shop, name):
    profile = shop.create(FirstName="Ada", **{name: {"City": "London"}})
    shop.ask("UpdateProfile", ProfileId=profile, **{name: {"City": ""}})
    assert shop.read(profile) == {"FirstName": "Ada"}


def test_attributes_are_changed_key_by_key(shop):
    profile = shop.create(Attributes={"a": "1", "b": "2"})
    shop.ask("UpdateProfile", ProfileId=profile, Attributes={"a": "", "c": "3"})
    assert shop.read(profile) == {"Attributes": {"b": "2", "c": "3"}}


def test_an_enum_is_replaced(shop):
    profile = shop.create(Gender="MALE")
    shop.ask("UpdateProfile", ProfileId=profile, Gender="UNSPECIFIED")
    assert shop.read(profile) == {"Gender": "UNSPECIFIED"}


def test_a_given_list_of_preferences_replaces_the_earlier_one(shop):
    old = {"Phone": [{"ContactType": "PhoneNumber"}], "Email": [{"ContactType": "EmailAddress"}]}
    new = {"Phone": [{"ContactType": "MobilePhoneNumber"}]}
    profile = shop.create(EngagementPreferences=old)
    shop.ask("UpdateProfile", ProfileId=profile, EngagementPreferences=new)
    assert shop.read(profile) == {"EngagementPreferences": {**old, **new}}


def test_an_empty_list_of_preferences_clears_it(shop):
    profile = shop.create(
        FirstName="Ada", EngagementPreferences={"Phone": [{"ContactType": "PhoneNumber"}]}
    )
    shop.ask("UpdateProfile", ProfileId=profile, EngagementPreferences={"Phone": []})
    assert shop.read(profile) == {"FirstName": "Ada"}


def test_a_refused_update_changes_nothing(shop):
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal):
        shop.ask("UpdateProfile", ProfileId=profile, FirstName="Bo", LastName="x" * 256)
    assert shop.read(profile) == {"FirstName": "Ada"}


@pytest.mark.parametrize("profile", [UNKNOWN, UNKNOWN + "0", "x" + UNKNOWN])
def test_an_unknown_profile_cannot_be_updated(shop, profile):
    with pytest.raises(Refusal, match="Profile does not exist") as caught:
        shop.ask("UpdateProfile", ProfileId=profile, FirstName="Ada")
    assert caught.value.code == "ResourceNotFoundException"


def test_a_profile_of_another_domain_is_unknown(shop):
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=1)
    profile = shop.create(FirstName="Ada")
    with pytest.raises(Refusal, match="Profile does not exist"):
        shop.ask("DeleteProfile", DomainName="other", ProfileId=profile)
    assert shop.read(profile) == {"FirstName": "Ada"}


def test_a_deleted_profile_is_gone_with_its_keys(shop):
    profile = shop.create(EmailAddress="ada@example.com")
    assert shop.ask("DeleteProfile", ProfileId=profile) == {"Message": "OK"}
    assert shop.search("_email", "ada@example.com") == []
    with pytest.raises(Refusal, match="Profile does not exist"):
        shop.ask("DeleteProfile", ProfileId=profile)


def test_a_profile_may_not_be_larger_than_its_limit(clock):
    with Engine(clock=clock, quotas=Quotas(profile_bytes=300)) as engine:
        engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 1})
        large = {"DomainName": "shop", "Attributes": {"note": "x" * 255}}
        with pytest.raises(Refusal, match="The profile is 328 bytes; the limit is 300 bytes"):
            engine.answer("CreateProfile", large)


def test_an_update_may_not_make_a_profile_larger_than_its_limit(shop):
    attributes = {f"key {number}": "x" * 255 for number in range(950)}
    profile = shop.create(Attributes=attributes)
    more = {f"more {number}": "x" * 255 for number in range(50)}
    with pytest.raises(Refusal, match="limit is 256000 bytes"):
        shop.ask("UpdateProfile", ProfileId=profile, Attributes=more)
    assert shop.read(profile) == {"Attributes": attributes}


def test_profiles_are_read_in_the_order_asked_each_once(shop):
    first, second = shop.create(FirstName="Ada"), shop.create(FirstName="Bo")
    answer = shop.ask("BatchGetProfile", ProfileIds=[second, first, second])
    assert [profile["FirstName"] for profile in answer["Profiles"]] == ["Bo", "Ada"]
    assert answer["Errors"] == []


def test_unknown_ids_are_reported_beside_the_profiles_found(shop):
    profile = shop.create(FirstName="Ada")
    answer = shop.ask("BatchGetProfile", ProfileIds=[UNKNOWN, profile])
    assert [found["ProfileId"] for found in answer["Profiles"]] == [profile]
    assert [(one["ProfileId"], one["Code"]) for one in answer["Errors"]] == [
        (UNKNOWN, "ResourceNotFoundException")
    ]


def test_half_a_surrogate_pair_is_refused(shop):
    with pytest.raises(Refusal, match="not valid Unicode"):
        shop.create(FirstName="\ud800")
    assert shop.stats()["ProfileCount"] == 0


def test_ids_are_uuids_of_version_4_in_the_order_of_their_creation(shop, clock):
    made = []
    for _ in range(20):
        made.append(shop.create(FirstName="Ada"))
        clock.advance(seconds=0.001)
    parsed = [uuid.UUID(profile_id) for profile_id in made]
    assert {(found.version, found.variant) for found in parsed} == {(4, uuid.RFC_4122)}
    assert made == sorted(made)
    assert made_at(parsed[0].bytes) == 1_700_000_000.0

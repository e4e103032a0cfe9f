"""Profiles, on every target."""

from __future__ import annotations

import pickle

import pytest

from customer_profiles import (
    Address,
    BatchError,
    ContactPreference,
    CustomerProfiles,
    Domain,
    EngagementPreferences,
    InvalidInputError,
    MalformedIdError,
    Profile,
    ResourceNotFoundError,
)

MISSING = "0" * 32


def test_a_created_profile_is_read_back(shop: Domain) -> None:
    made = shop.profiles.create(
        first_name="Ada",
        address=Address(city="London"),
        attributes={"tier": "gold"},
        gender="FEMALE",
    )

    found = shop.profiles.get(made.profile_id)

    assert found == made
    assert found.address is not None
    assert found.address.city == "London"


def test_a_model_is_created_like_keywords(shop: Domain) -> None:
    made = shop.profiles.create(Profile(first_name="Ada", middle_name=None))

    assert shop.profiles.get(made.profile_id).first_name == "Ada"


def test_engagement_preferences_are_read_back(shop: Domain) -> None:
    wanted = EngagementPreferences(email=[ContactPreference(contact_type="EmailAddress")])
    made = shop.profiles.create(email_address="ada@example.com", engagement_preferences=wanted)

    assert shop.profiles.get(made.profile_id).engagement_preferences == wanted


def test_an_empty_string_is_an_error_in_create(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="first_name must not be empty"):
        shop.profiles.create(first_name="")


def test_a_missing_profile_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.get(MISSING)


def test_many_profiles_come_in_the_order_asked(shop: Domain) -> None:
    made = [shop.profiles.create(first_name=f"N{n}").profile_id for n in range(45)]

    found = shop.profiles.get_many(reversed(made))

    assert [profile.profile_id for profile in found] == made[::-1]


def test_ids_that_fail_are_reported_with_the_rest(shop: Domain) -> None:
    made = shop.profiles.create(first_name="Ada")

    with pytest.raises(BatchError) as caught:
        shop.profiles.get_many([MISSING, made.profile_id])

    assert list(caught.value.failed) == [MISSING]
    assert [profile.profile_id for profile in caught.value.succeeded] == [made.profile_id]


def test_an_update_keeps_what_it_does_not_name(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada", last_name="Byron")
    shop.profiles.update(ada.profile_id, last_name="King")

    found = shop.profiles.get(ada.profile_id)
    assert (found.first_name, found.last_name) == ("Ada", "King")


@pytest.mark.parametrize("cleared", ["", None])
def test_an_empty_string_and_none_clear(shop: Domain, cleared: str | None) -> None:
    ada = shop.profiles.create(first_name="Ada", middle_name="Augusta")
    shop.profiles.update(ada.profile_id, middle_name=cleared)

    found = shop.profiles.get(ada.profile_id)
    assert (found.first_name, found.middle_name) == ("Ada", None)


def test_clearing_works_inside_addresses_and_attributes(shop: Domain) -> None:
    ada = shop.profiles.create(
        address=Address(city="London", country="UK"), attributes={"tier": "gold", "lang": "en"}
    )
    shop.profiles.update(
        ada.profile_id, address={"city": None}, attributes={"tier": None, "lang": "fr"}
    )

    found = shop.profiles.get(ada.profile_id)
    assert found.address == Address(country="UK")
    assert found.attributes == {"lang": "fr"}


def test_a_whole_address_is_cleared_by_none(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada", address=Address(city="London", country="UK"))
    shop.profiles.update(ada.profile_id, address=None)

    assert shop.profiles.get(ada.profile_id).address is None


def test_a_profile_as_a_patch_follows_the_same_rule(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada", middle_name="Augusta", last_name="Byron")
    shop.profiles.update(ada.profile_id, Profile(middle_name=None, last_name="King"))

    found = shop.profiles.get(ada.profile_id)
    assert (found.first_name, found.middle_name, found.last_name) == ("Ada", None, "King")


@pytest.mark.parametrize(
    ("field", "remedy"),
    [("gender", "gender_string"), ("party_type", "party_type_string"), ("profile_type", "another")],
)
def test_an_enum_that_cannot_be_cleared_is_refused(shop: Domain, field: str, remedy: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{field} cannot be cleared.*{remedy}"):
        shop.profiles.update(MISSING, Profile.model_validate({field: None}))


def test_updating_a_missing_profile_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.update(MISSING, first_name="Ada")


def test_a_profile_saves_refreshes_and_deletes_itself(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada", middle_name="Augusta", attributes={"a": "1"})
    ada.phone_number = "+1 206 555 0100"
    ada.middle_name = None
    assert ada.attributes is not None
    del ada.attributes["a"]
    ada.save()

    stored = shop.profiles.get(ada.profile_id)
    assert (stored.phone_number, stored.middle_name) == ("+1 206 555 0100", None)
    assert stored.attributes is None
    stored.delete()
    with pytest.raises(ResourceNotFoundError):
        ada.refresh()


def test_a_found_profile_saves_too(shop: Domain) -> None:
    shop.profiles.create(email_address="ada@example.com", first_name="Ada")
    found = shop.profiles.search(email="ada@example.com").one()
    found.last_name = "King"
    found.save()

    assert found.refresh().last_name == "King"


def test_a_key_is_added_found_and_removed(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada").profile_id
    shop.profiles.add_key(ada, "_orderId", "order-1", "order-2")
    shop.profiles.remove_key(ada, "_orderId", "order-1")

    assert shop.profiles.search(keys={"_orderId": "order-1"}).first() is None
    assert shop.profiles.search(keys={"_orderId": "order-2"}).one().profile_id == ada


def test_a_deleted_profile_is_no_longer_found(shop: Domain) -> None:
    ada = shop.profiles.create(email_address="ada@example.com")
    ada.delete()

    assert list(shop.profiles.search(email="ada@example.com")) == []
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.delete(ada.profile_id)


def test_profiles_of_a_missing_domain_are_not_found(cp: CustomerProfiles) -> None:
    gone = cp.domain("no-such-domain")

    with pytest.raises(ResourceNotFoundError):
        gone.profiles.create(first_name="Ada")


def test_a_text_that_cannot_be_an_id_is_not_found(shop: Domain) -> None:
    for text in ("zzz", "", "A" * 32, "ada@example.com"):
        with pytest.raises(ResourceNotFoundError, match="profile_id must match") as caught:
            shop.profiles.get(text)
        assert isinstance(caught.value, InvalidInputError)
        assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 404)
        assert type(pickle.loads(pickle.dumps(caught.value))) is MalformedIdError

"""Merging profiles, on every target."""

from __future__ import annotations

import pytest

from customer_profiles import Address, Domain, InvalidInputError, ResourceNotFoundError


def test_profiles_are_merged_into_one(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada", email_address="ada@example.com")
    other = shop.profiles.create(last_name="King", email_address="king@example.com")
    ada.merge(other)

    assert (ada.first_name, ada.last_name, ada.email_address) == ("Ada", "King", "ada@example.com")
    assert shop.profiles.search(email="king@example.com").one().profile_id == ada.profile_id
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.get(other.profile_id)


def test_fields_are_taken_from_the_profile_that_is_named(shop: Domain) -> None:
    ada = shop.profiles.create(
        email_address="a@x.org", address=Address(city="Rome"), attributes={"tier": "gold"}
    )
    other = shop.profiles.create(email_address="b@x.org", attributes={"tier": "silver"})
    take = {"email_address": other, "attributes.tier": other.profile_id, "address": other}
    ada.merge(other, take=take)

    assert (ada.email_address, ada.attributes, ada.address) == ("b@x.org", {"tier": "silver"}, None)


def test_several_profiles_are_merged_by_their_ids(shop: Domain) -> None:
    ids = [shop.profiles.create(attributes={str(n): "x"}).profile_id for n in range(4)]
    shop.profiles.merge(*ids)

    assert shop.profiles.get(ids[0]).attributes == {"0": "x", "1": "x", "2": "x", "3": "x"}


def test_a_field_that_cannot_be_chosen_is_refused_before_it_is_sent(shop: Domain) -> None:
    ada, other = shop.profiles.create(first_name="Ada"), shop.profiles.create(first_name="Eve")

    with pytest.raises(InvalidInputError, match="did you mean email_address"):
        ada.merge(other, take={"emial_address": other})
    with pytest.raises(InvalidInputError, match="attributes"):
        ada.merge(other, take={"attributes": other})


@pytest.mark.parametrize("changed", ["main", "other"])
def test_changes_that_were_not_saved_are_not_lost_by_a_merge(shop: Domain, changed: str) -> None:
    main, other = shop.profiles.create(first_name="Ada"), shop.profiles.create(last_name="King")
    (main if changed == "main" else other).middle_name = "M"

    with pytest.raises(InvalidInputError, match="not saved"):
        main.merge(other)
    (main if changed == "main" else other).save()
    assert main.merge(other).middle_name == "M"


def test_more_than_twenty_profiles_are_refused_before_they_are_sent(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada")

    with pytest.raises(InvalidInputError, match="at most 20 profiles"):
        shop.profiles.merge(ada, *(f"{number:032x}" for number in range(21)))


def test_a_profile_is_not_merged_into_itself(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada")

    with pytest.raises(InvalidInputError, match="into itself"):
        shop.profiles.merge(ada, ada)

"""What happened to a profile and where its values come from, on every target."""

from __future__ import annotations

from typing import Annotated

import pytest

from customer_profiles import (
    CustomerProfiles,
    Domain,
    EngineChannel,
    InvalidInputError,
    Key,
    Profile,
    ProfileObject,
    ResourceNotFoundError,
    Target,
)


class Person(ProfileObject, name="Person", allow_profile_creation=True):
    person_id: Annotated[str, Key("PersonId", unique=True, profile=True)]
    email: Annotated[str | None, Target("_profile.EmailAddress")] = None
    city: Annotated[str | None, Target("_profile.Address.City")] = None
    tier: Annotated[str | None, Target("_profile.Attributes.tier")] = None


@pytest.fixture
def ada(shop: Domain) -> Profile:
    """Give a profile that an object made, and a hand changed."""
    shop.object_types.put(Person)
    shop.objects(Person).put(
        Person(person_id="1", email="ada@example.com", city="London", tier="gold")
    )
    made = shop.profiles.search(keys={"PersonId": "1"}).one()
    made.first_name = "Ada"
    return made.save()


def test_an_ingested_object_is_in_the_history(ada: Profile) -> None:
    record = ada.history(action_type="INGESTED").one()

    assert (record.object_type_name, record.action_type) == ("Person", "INGESTED")
    assert record.created_at is not None
    assert record.profile_object_unique_key == ada.objects(Person).one().profile_object_unique_key


def test_a_change_by_hand_is_in_the_history(ada: Profile) -> None:
    actions = [record.action_type for record in ada.history()]

    assert "UPDATED" in actions


def test_a_listed_record_reads_its_content(ada: Profile) -> None:
    listed = ada.history(action_type="INGESTED").one()
    assert (listed.content, listed.data) == (None, {})

    assert listed.refresh().data["PersonId"] == "1"
    assert ada.history().get(listed.id).data["PersonId"] == "1"


def test_the_history_is_filtered(ada: Profile) -> None:
    assert {one.object_type_name for one in ada.history(object_type_name=Person)} == {"Person"}
    assert list(ada.history(object_type_name="Nothing")) == []
    assert list(ada.history(action_type="MERGED")) == []
    assert list(ada.history(performed_by="arn:aws:iam::1:user/nobody")) == []


def test_the_history_comes_page_by_page(shop: Domain, ada: Profile) -> None:
    for city in ("Paris", "Rome", "Oslo"):
        shop.objects(Person).put(Person(person_id="1", city=city))

    records = list(ada.history(page_size=1))
    assert len(records) == len({record.id for record in records}) >= 2


def test_a_missing_record_is_not_found(ada: Profile) -> None:
    with pytest.raises(ResourceNotFoundError):
        ada.history().get("0" * 32)


def test_what_happened_is_not_changed(ada: Profile) -> None:
    record = ada.history(action_type="INGESTED").one()

    with pytest.raises(InvalidInputError, match="cannot be changed"):
        record.save()
    with pytest.raises(InvalidInputError, match="cannot be deleted"):
        record.delete()


@pytest.mark.parametrize("field", ["email_address", "address.city", "attributes.tier"])
def test_a_value_of_an_object_names_the_object(ada: Profile, field: str) -> None:
    source = ada.provenance(field)

    assert (source.object_type_name, source.is_manual) == ("Person", False)
    assert source.profile_object_unique_key == ada.objects(Person).one().profile_object_unique_key
    assert source.set_at is not None


def test_a_value_that_was_set_by_hand_is_manual(ada: Profile) -> None:
    source = ada.provenance("first_name")

    assert source.is_manual
    assert (source.object_type_name, source.set_at) == (None, None)


@pytest.mark.parametrize("field", ["emial_address", "address.ciy", "address", "first_name.x"])
def test_a_field_that_a_profile_lacks_has_no_provenance(ada: Profile, field: str) -> None:
    with pytest.raises(InvalidInputError, match="Profile has no field"):
        ada.provenance(field)


def test_attributes_have_each_their_own_provenance(ada: Profile) -> None:
    with pytest.raises(InvalidInputError, match=r"attributes\.tier"):
        ada.provenance("attributes")


def test_rejected_objects_are_read_where_the_engine_is_embedded(
    cp: CustomerProfiles, shop: Domain
) -> None:
    strict = Person.object_type()
    strict.allow_profile_creation = False
    shop.object_types.put(strict)
    shop.objects(Person).put(Person(person_id="1", email="ada@example.com"))

    if not isinstance(cp._gateway.channel, EngineChannel):
        with pytest.raises(InvalidInputError, match="dead_letter_queue_url"):
            print(shop.dead_letters)  # noqa: T201
        return
    (letter,) = shop.dead_letters
    assert (letter.object_type_name, letter.data["PersonId"]) == ("Person", "1")
    assert letter.message
    assert "ada@example.com" not in repr(letter)

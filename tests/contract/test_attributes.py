"""The attributes of object types, their values and statistics, on every target."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import pytest

from customer_profiles import (
    BadRequestError,
    DataStore,
    Domain,
    InvalidInputError,
    Key,
    ProfileObject,
    ResourceNotFoundError,
    Target,
)


class Ticket(ProfileObject, name="Ticket", allow_profile_creation=True):
    ticket_id: Annotated[str, Key("TicketId", unique=True)]
    email: Annotated[str, Key("TicketMail", profile=True), Target("_profile.EmailAddress")]
    minutes: int | None = None


@pytest.fixture
def people(shop: Domain) -> Domain:
    """Give a domain with three profiles."""
    shop.profiles.create(first_name="Ada", address={"city": "London"}, attributes={"score": "1"})
    shop.profiles.create(first_name="Bob", address={"city": "London"}, attributes={"score": "3"})
    shop.profiles.create(first_name="Cyd", attributes={"score": "none", "tier": "gold"})
    return shop


def test_the_attributes_of_profiles_are_listed(people: Domain) -> None:
    found = list(people.attributes().all(page_size=2))

    assert [item.attribute_name for item in found] == [
        *("Address.City", "Attributes.score", "Attributes.tier", "FirstName"),
    ]
    assert all(isinstance(item.last_updated_at, datetime) for item in found)


def test_the_attributes_of_a_class_are_its_fields(shop: Domain) -> None:
    shop.object_types.put(Ticket)
    shop.objects(Ticket).put(Ticket(ticket_id="1", email="ada@example.com", minutes=7))

    names = {item.attribute_name for item in shop.attributes(Ticket).all()}
    assert names == set(Ticket.object_type().fields or {})
    (minutes,) = (name for name in names if name.lower() == "minutes")
    assert shop.attributes("Ticket").values(minutes).one().value == "7"


@pytest.mark.parametrize("name", ["address.city", "Address.City"])
def test_values_are_distinct(people: Domain, name: str) -> None:
    value = people.attributes().values(name).one()

    assert (value.value, value.last_updated_at is None) == ("London", False)
    assert "London" not in repr(value)
    assert people.attributes().suggestions(name) == ["London"]


def test_values_come_page_by_page(people: Domain) -> None:
    found = people.attributes().values("first_name", page_size=1)

    assert sorted(item.value for item in found) == ["Ada", "Bob", "Cyd"]


def test_the_statistics_of_numbers(people: Domain) -> None:
    people.default_encryption_key = "arn:aws:kms:us-east-1:000000000000:key/a"
    people.data_store = DataStore(enabled=True)
    people.save()

    found = people.attributes().statistics("attributes.score")
    assert (found.minimum, found.maximum, found.average) == (1, 3, 2)
    assert found.standard_deviation == 1
    assert found.percentiles is not None
    assert found.percentiles.p50 == 2
    assert found.calculated_at is not None
    assert found.calculated_at <= datetime.now(UTC)


def test_the_statistics_of_texts_are_none(people: Domain) -> None:
    people.default_encryption_key = "arn:aws:kms:us-east-1:000000000000:key/a"
    people.data_store = DataStore(enabled=True)
    people.save()

    found = people.attributes().statistics("first_name")
    assert (found.minimum, found.average, found.standard_deviation) == (None, None, None)
    assert found.percentiles is None or found.percentiles.p50 is None


def test_statistics_need_a_data_store(people: Domain) -> None:
    with pytest.raises(BadRequestError, match="enable DataStore"):
        people.attributes().statistics("attributes.score")


def test_a_misspelled_attribute_is_refused_before_it_is_sent(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="did you mean first_name"):
        shop.attributes().values("frist_name")
    with pytest.raises(BadRequestError, match="did you mean 'FirstName'"):
        list(shop.attributes().values("FristName"))


def test_only_profiles_have_suggestions(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match=r"values\('total'\)"):
        shop.attributes("order").suggestions("total")


def test_a_missing_object_type_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError):
        list(shop.attributes("Ticket").all())

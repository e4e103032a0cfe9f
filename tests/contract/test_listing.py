"""Lists of all that is in a domain, and what a domain prints, on every target."""

from __future__ import annotations

from typing import Annotated

import pytest

from customer_profiles import (
    CustomerProfiles,
    Domain,
    EngineChannel,
    InvalidInputError,
    Key,
    ProfileObject,
    ResourceNotFoundError,
    Target,
)


class Order(ProfileObject, name="Order"):
    """An order."""

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]


def is_embedded(cp: CustomerProfiles) -> bool:
    return isinstance(cp._gateway.channel, EngineChannel)


@pytest.fixture
def filled(shop: Domain) -> Domain:
    for name in ("Ada", "Grace", "Mary"):
        shop.profiles.create(first_name=name, email_address=f"{name}@example.com".lower())
    shop.object_types.put(Order)
    orders = [Order(order_id=str(n), email=f"{name}@example.com") for n, name in ORDERS.items()]
    shop.objects(Order).put_many(orders)
    return shop


ORDERS = {1: "ada", 2: "grace", 3: "ada"}


def test_all_profiles_come_in_the_order_of_their_creation(
    cp: CustomerProfiles, filled: Domain
) -> None:
    if not is_embedded(cp):
        pytest.skip("only the embedded engine lists all")
    names = [profile.first_name for profile in filled.profiles.all(page_size=2)]

    assert names == ["Ada", "Grace", "Mary"]
    assert [p.first_name for p in filled.profiles.all(limit=1)] == ["Ada"]


def test_a_listed_profile_is_saved_and_deleted(cp: CustomerProfiles, filled: Domain) -> None:
    if not is_embedded(cp):
        pytest.skip("only the embedded engine lists all")
    ada, grace, _ = filled.profiles.all()
    ada.last_name = "Lovelace"
    ada.save()
    grace.delete()

    assert [p.last_name for p in filled.profiles.all()] == ["Lovelace", None]


def test_a_list_resumes_at_its_token(cp: CustomerProfiles, filled: Domain) -> None:
    if not is_embedded(cp):
        pytest.skip("only the embedded engine lists all")
    found = filled.profiles.all(page_size=2)
    next(found.pages())

    left = filled.profiles.all(start=found.next_token)

    assert [profile.first_name for profile in left] == ["Mary"]


def test_all_objects_come_with_the_profiles_that_they_belong_to(
    cp: CustomerProfiles, filled: Domain
) -> None:
    if not is_embedded(cp):
        pytest.skip("only the embedded engine lists all")
    ada = filled.profiles.search(email="ada@example.com").one().profile_id

    found = list(filled.objects(Order).all(page_size=2).with_profile_ids())

    assert [order.order_id for _, order in found] == ["1", "2", "3"]
    assert [owner == ada for owner, _ in found] == [True, False, True]


def test_objects_of_a_name_know_their_profile_and_are_deleted(
    cp: CustomerProfiles, filled: Domain
) -> None:
    if not is_embedded(cp):
        pytest.skip("only the embedded engine lists all")
    first = filled.objects("Order").all().first()
    assert first is not None
    assert first.data["OrderId"] == "1"
    assert first.profile_id == filled.profiles.search(email="ada@example.com").one().profile_id

    first.delete()

    assert [stored.data["OrderId"] for stored in filled.objects("Order").all()] == ["2", "3"]


def test_an_object_of_a_profile_knows_it(filled: Domain) -> None:
    ada = filled.profiles.search(email="ada@example.com").one()

    assert {stored.profile_id for stored in ada.objects("Order")} == {ada.profile_id}


def test_what_cannot_be_listed_says_what_can(cp: CustomerProfiles, filled: Domain) -> None:
    if is_embedded(cp):
        with pytest.raises(ResourceNotFoundError, match="Nothing"):
            filled.objects("Nothing").all().first()
        with pytest.raises(ResourceNotFoundError):
            cp.domain("nowhere").profiles.all().first()
        return
    with pytest.raises(InvalidInputError, match=r"search\(\).*segment.*S3"):
        filled.profiles.all()
    with pytest.raises(InvalidInputError, match=r"profile\.objects\(\)"):
        filled.objects(Order).all()
    with pytest.raises(InvalidInputError, match="found_by"):
        filled.profiles.keys("0" * 32)


def test_the_keys_of_a_profile_say_where_they_come_from(
    cp: CustomerProfiles, filled: Domain
) -> None:
    if not is_embedded(cp):
        pytest.skip("only the embedded engine returns keys")
    grace = filled.profiles.search(email="grace@example.com").one()
    filled.profiles.add_key(grace.profile_id, "crm", "G-1")

    found = [(k.key_name, k.value, k.source) for k in filled.profiles.keys(grace.profile_id)]

    assert ("_email", "grace@example.com", "_profile") in found
    assert ("OrderId", "2", "Order") in found
    assert ("crm", "G-1", "added") in found


def test_a_domain_prints_what_is_in_it(cp: CustomerProfiles, filled: Domain) -> None:
    filled.refresh()

    text = str(filled)

    assert text.startswith(f"domain {filled.domain_name}: 3 profiles, 3 objects (0.0 MB)")
    if is_embedded(cp):
        assert text.splitlines()[1:] == [
            "object types: Order",
            "keys: _account, _email, _fullName, _phone, _profileId, OrderId",
        ]
    # The name is random hexadecimal digits, which may spell a customer's name.
    assert "ada" not in text.replace(filled.domain_name, "").lower()
    assert repr(filled).startswith("Domain(domain_name=")


def test_a_domain_prints_without_a_request_to_aws(cp: CustomerProfiles) -> None:
    text = str(cp.domain("nowhere"))

    expected = "Domain(domain_name='nowhere')" if is_embedded(cp) else "domain nowhere: refresh()"
    assert text.startswith(expected)


def test_a_domain_is_no_list(shop: Domain) -> None:
    with pytest.raises(TypeError, match=r"a domain is no list; iterate over \.profiles"):
        list(shop)
    with pytest.raises(TypeError, match="a domain is no list"):
        dict(shop)  # type: ignore[call-overload]

    copy = shop.model_copy()
    assert copy == shop
    assert Domain.model_validate_json(shop.model_dump_json()) == shop

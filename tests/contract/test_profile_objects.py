"""Objects of other systems, on every target."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated

import pytest

from customer_profiles import (
    BadRequestError,
    BatchError,
    Domain,
    InvalidInputError,
    Key,
    NoResultError,
    Profile,
    ProfileObject,
    ResourceNotFoundError,
    Target,
    UnreadableAnswerError,
)


class Order(ProfileObject, name="Order", allow_profile_creation=True):
    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: Annotated[Decimal | None, Target("_order.TotalPrice")] = None


def order(order_id: str, *, total: str = "1") -> Order:
    return Order(order_id=order_id, email="ada@example.com", total=Decimal(total))


@pytest.fixture
def orders(shop: Domain) -> Domain:
    """Give a domain that takes orders."""
    shop.object_types.put(Order)
    return shop


def ada(shop: Domain) -> Profile:
    return shop.profiles.search(email="ada@example.com").one()


def test_an_object_makes_a_profile_and_comes_back_typed(orders: Domain) -> None:
    key = orders.objects(Order).put(order("1", total="9.90"))

    found = ada(orders).objects(Order).one()
    assert (found.order_id, found.total) == ("1", Decimal("9.90"))
    assert found.profile_object_unique_key == key


def test_putting_again_replaces_the_object(orders: Domain) -> None:
    first = orders.objects(Order).put(order("1", total="1"))
    second = orders.objects(Order).put(order("1", total="2"))

    assert first == second
    assert ada(orders).objects(Order).one().total == Decimal(2)


def test_fields_that_the_class_lacks_are_kept(orders: Domain) -> None:
    orders.objects("Order").put({"OrderId": "1", "Email": "ada@example.com", "Gift": True})

    found = ada(orders).objects(Order).one()
    assert found.model_extra == {"Gift": True}
    orders.objects(Order).put(found)
    assert ada(orders).objects("Order").one().data["Gift"] is True


def test_objects_without_a_class_are_mappings_and_texts(orders: Domain) -> None:
    orders.objects("Order").put({"OrderId": "1", "Email": "ada@example.com"})
    orders.objects("Order").put('{"OrderId": "2", "Email": "ada@example.com"}')

    found = list(ada(orders).objects("Order"))
    assert sorted(one.data["OrderId"] for one in found) == ["1", "2"]
    assert {one.object_type_name for one in found} == {"Order"}


def test_standard_objects_are_listed(orders: Domain) -> None:
    orders.objects(Order).put(order("1", total="9.90"))

    assert ada(orders).objects("_order").one().data["TotalPrice"] == "9.90"


def test_objects_are_listed_page_by_page(orders: Domain) -> None:
    orders.objects(Order).put_many(order(str(n)) for n in range(23))

    listed = ada(orders).objects(Order, page_size=10)
    assert [len(page) for page in listed.pages()] == [10, 10, 3]
    assert {one.order_id for one in listed} == {str(n) for n in range(23)}


def test_objects_are_filtered_by_a_key(orders: Domain) -> None:
    orders.objects(Order).put_many([order("1"), order("2"), order("3")])

    found = ada(orders).objects(Order, keys={"OrderId": ["2", "3"]})
    assert {one.order_id for one in found} == {"2", "3"}
    assert ada(orders).objects(Order, keys={"OrderId": "2"}).one().order_id == "2"


def test_two_keys_are_refused_before_they_are_sent(orders: Domain) -> None:
    orders.objects(Order).put(order("1"))

    with pytest.raises(InvalidInputError, match="one key"):
        ada(orders).objects(Order, keys={"OrderId": "1", "_email": "a"})


def test_an_object_is_deleted_through_its_list(orders: Domain) -> None:
    orders.objects(Order).put_many([order("1"), order("2")])
    mine = ada(orders).objects(Order)
    mine.delete(next(one for one in mine if one.order_id == "1"))

    assert mine.one().order_id == "2"


def test_an_object_without_a_class_deletes_itself(orders: Domain) -> None:
    key = orders.objects(Order).put(order("1"))
    profile = ada(orders)
    profile.objects("Order").one().delete()

    assert profile.objects(Order).first() is None
    with pytest.raises(ResourceNotFoundError):
        orders.objects(Order).delete(profile.profile_id, key)


def test_an_object_that_was_never_stored_has_no_key_to_delete_by(orders: Domain) -> None:
    orders.objects(Order).put(order("1"))

    with pytest.raises(InvalidInputError, match="was not read from the service"):
        ada(orders).objects(Order).delete(order("1"))


def test_a_changed_text_is_saved(orders: Domain) -> None:
    orders.objects(Order).put(order("1", total="1"))
    stored = ada(orders).objects("Order").one()
    stored.object = json.dumps({**stored.data, "Total": "5"})
    stored.save()

    assert stored.refresh().data["Total"] == "5"
    assert ada(orders).objects(Order).one().total == Decimal(5)


def test_many_objects_give_their_keys_in_order(orders: Domain) -> None:
    keys = orders.objects(Order).put_many(order(str(n)) for n in range(25))

    assert len(set(keys)) == 25
    assert orders.objects(Order).put(order("7")) == keys[7]


def test_half_of_a_batch_is_bad_and_the_rest_is_stored(orders: Domain) -> None:
    bad = ["no json", "[1]", {"Email": "ada@example.com"}]
    good = [{"OrderId": str(n), "Email": "ada@example.com"} for n in range(3)]

    with pytest.raises(BatchError) as caught:
        orders.objects("Order").put_many([*bad, *good])

    assert list(caught.value.failed) == [0, 1, 2]
    assert len(caught.value.succeeded) == 3
    assert len(list(ada(orders).objects(Order))) == 3


def test_each_object_comes_back_with_what_became_of_it(orders: Domain) -> None:
    items = [{"OrderId": "1", "Email": "ada@example.com"}, "no json"]
    good, bad = orders.objects("Order").put_each(items)

    assert (good.position, good.is_stored, good.error) == (0, True, None)
    assert (bad.item, bad.unique_key) == ("no json", None)
    assert isinstance(bad.error, BadRequestError)


@pytest.mark.parametrize("text", ["no json", "[1]", '"x"', "{"])
def test_what_is_no_json_object_is_refused(orders: Domain, text: str) -> None:
    with pytest.raises(BadRequestError):
        orders.objects("Order").put(text)


def test_a_too_large_object_is_refused_before_it_is_sent(orders: Domain) -> None:
    with pytest.raises(InvalidInputError, match="object must have at most 256000"):
        orders.objects("Order").put({"OrderId": "1", "Note": "x" * 256_000})


@pytest.mark.parametrize("name", ["_profile", "_order"])
def test_standard_objects_are_not_put(orders: Domain, name: str) -> None:
    with pytest.raises(BadRequestError):
        orders.objects(name).put({"OrderId": "1", "Email": "ada@example.com"})


def test_an_unknown_object_type_is_not_found(shop: Domain) -> None:
    made = shop.profiles.create(first_name="Ada")

    with pytest.raises(ResourceNotFoundError):
        shop.objects("Nope").put({"Id": "1"})
    with pytest.raises(ResourceNotFoundError):
        made.objects("Nope").first()


def test_a_profile_without_objects_has_none(orders: Domain) -> None:
    made = orders.profiles.create(first_name="Ada")

    assert made.objects(Order).first() is None
    with pytest.raises(NoResultError):
        made.objects(Order).one()


def test_an_object_that_does_not_fit_its_class_is_told_without_its_values(orders: Domain) -> None:
    text = {"OrderId": "1", "Email": "ada@example.com", "Total": "much"}
    orders.objects("Order").put(text)

    with pytest.raises(UnreadableAnswerError, match=r"total.*objects") as caught:
        ada(orders).objects(Order).one()
    assert "much" not in str(caught.value)


def test_a_deleted_object_type_takes_what_it_filled(orders: Domain) -> None:
    made = orders.profiles.create(first_name="Ada", account_number="1")
    orders.objects(Order).put(order("1"))
    orders.object_types.delete(Order)

    assert orders.profiles.search(email="ada@example.com").first() is None
    assert orders.profiles.get(made.profile_id).first_name == "Ada"

"""Object types, on every target."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import pytest

from customer_profiles import (
    BadRequestError,
    CustomerProfiles,
    Domain,
    InvalidInputError,
    Key,
    ObjectType,
    ObjectTypeField,
    ObjectTypeKey,
    ProfileObject,
    ResourceNotFoundError,
    Target,
)


class Order(ProfileObject, name="Order", allow_profile_creation=True):
    """An order of the web shop."""

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: Annotated[Decimal | None, Target("_order.TotalPrice")] = None


class Ticket(ProfileObject, name="Ticket", expiration_days=10):
    ticket_id: Annotated[str, Key("TicketId", unique=True, profile=True)]


def test_what_a_class_declares_is_read_back(shop: Domain) -> None:
    put = shop.object_types.put(Order)
    found = shop.object_types.get(Order)

    assert (put.object_type_name, found.description) == ("Order", "An order of the web shop.")
    assert found.fields == Order.object_type().fields
    assert found.keys == Order.object_type().keys
    assert found.allow_profile_creation is True
    assert found.created_at is not None


def test_an_object_type_is_put_by_keywords(shop: Domain) -> None:
    shop.object_types.put(
        "Visit",
        fields={"Id": ObjectTypeField(source="_source.id")},
        keys={
            "VisitId": [
                ObjectTypeKey(standard_identifiers=["UNIQUE", "PROFILE"], field_names=["Id"])
            ]
        },
        source_priority=2,
    )

    found = shop.object_types.get("Visit")
    assert (found.description, found.source_priority) == ("Visit", 2)


def test_putting_again_replaces_the_mapping(shop: Domain) -> None:
    shop.object_types.put(Order)
    smaller = Order.object_type()
    del (smaller.fields or {})["Total"]
    smaller.keys = {
        **(smaller.keys or {}),
        "OrderId": [ObjectTypeKey(standard_identifiers=["UNIQUE"], field_names=["OrderId"])],
    }
    shop.object_types.put(smaller)

    assert "Total" not in (shop.object_types.get("Order").fields or {})


def test_an_object_type_is_made_of_a_template(shop: Domain) -> None:
    shop.object_types.put("Salesforce-Contact", template_id="Salesforce-Contact")

    found = shop.object_types.get("Salesforce-Contact")
    assert found.template_id == "Salesforce-Contact"
    assert found.fields


def test_a_missing_object_type_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError):
        shop.object_types.get("Nope")
    with pytest.raises(ResourceNotFoundError):
        shop.object_types.delete("Nope")


def test_a_deleted_object_type_is_gone(shop: Domain) -> None:
    shop.object_types.put(Order).delete()

    with pytest.raises(ResourceNotFoundError):
        shop.object_types.get(Order)


def test_object_types_are_listed_once_each(shop: Domain) -> None:
    shop.object_types.put(Order)
    shop.object_types.put(Ticket)

    names = [one.object_type_name for one in shop.object_types.all(page_size=1)]
    assert len(names) == len(set(names))
    assert {"Order", "Ticket"} <= set(names)


def test_a_listed_object_type_reads_the_rest(shop: Domain) -> None:
    shop.object_types.put(Order)

    listed = next(one for one in shop.object_types.all() if one.object_type_name == "Order")
    assert listed.fields is None
    assert listed.refresh().fields == Order.object_type().fields


def test_a_listed_object_type_is_not_saved_without_its_fields(shop: Domain) -> None:
    shop.object_types.put(Order)
    listed = next(one for one in shop.object_types.all() if one.object_type_name == "Order")
    listed.source_priority = 3

    with pytest.raises(InvalidInputError, match="refresh"):
        listed.save()
    assert shop.object_types.get(Order).source_priority is None


def test_a_change_is_saved(shop: Domain) -> None:
    order = shop.object_types.put(Order)
    order.source_priority = 3
    order.save()

    found = shop.object_types.get(Order)
    assert found.source_priority == 3
    assert found.fields == Order.object_type().fields


def test_a_mapping_without_a_unique_key_is_refused(shop: Domain) -> None:
    broken = ObjectType(
        object_type_name="Broken",
        fields={"Id": ObjectTypeField(source="_source.id")},
        keys={"Id": [ObjectTypeKey(standard_identifiers=["PROFILE"], field_names=["Id"])]},
    )

    with pytest.raises(BadRequestError, match="UNIQUE"):
        shop.object_types.put(broken)


def test_a_misspelled_setting_is_refused_before_it_is_sent(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="did you mean description"):
        shop.object_types.put("Order", descripton="x")  # type: ignore[call-overload]


def test_a_plan_is_applied_once(shop: Domain) -> None:
    shop.object_types.put("Order", template_id="Salesforce-Contact")
    plan = shop.object_types.plan(Order, Ticket)
    assert [change.action for change in plan.changes] == ["update", "create"]

    shop.object_types.apply(plan)
    assert shop.object_types.plan(Order, Ticket).is_empty


def test_applying_keeps_settings_that_are_not_declared(shop: Domain) -> None:
    deployed = Order.object_type()
    deployed.source_priority = 4
    del (deployed.fields or {})["Email"]
    deployed.keys = {
        "OrderId": [
            ObjectTypeKey(
                standard_identifiers=["UNIQUE", "PROFILE", "ORDER"], field_names=["OrderId"]
            )
        ]
    }
    shop.object_types.put(deployed)

    shop.object_types.apply(Order)
    found = shop.object_types.get(Order)
    assert (found.source_priority, found.fields) == (4, Order.object_type().fields)


def test_what_is_not_declared_is_deleted_when_asked(shop: Domain) -> None:
    shop.object_types.put(Order)
    shop.object_types.apply(Ticket)
    assert shop.object_types.get(Order)

    shop.object_types.apply(Ticket, delete_undeclared=True)
    with pytest.raises(ResourceNotFoundError):
        shop.object_types.get(Order)


def test_a_mapping_is_detected(shop: Domain) -> None:
    found = shop.object_types.detect({"id": "1", "email": "ada@example.com"})

    assert found[0].fields
    assert found[0].named("Visit").object_type_name == "Visit"


def test_an_object_that_is_not_json_is_not_detected(shop: Domain) -> None:
    with pytest.raises(BadRequestError, match="Could not parse object string into JSON"):
        shop.object_types.detect("{")


def test_objects_to_detect_by_are_counted_before_they_are_sent(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="objects must have at most 5"):
        shop.object_types.detect(*[{"id": "1"}] * 6)


def test_templates_are_listed_and_read(cp: CustomerProfiles) -> None:
    ids = [template.template_id for template in cp.templates.all(page_size=5)]
    contact = cp.templates.get("Salesforce-Contact")

    assert len(ids) == len(set(ids))
    assert "Salesforce-Contact" in ids
    assert (contact.source_name, contact.source_object) == ("Salesforce", "Contact")
    assert contact.fields
    assert contact.keys


def test_a_missing_template_is_not_found(cp: CustomerProfiles) -> None:
    with pytest.raises(ResourceNotFoundError):
        cp.templates.get("Nope")

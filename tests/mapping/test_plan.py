from __future__ import annotations

from typing import Annotated

import pytest

from customer_profiles.mapping import (
    Key,
    ObjectType,
    ObjectTypeField,
    ObjectTypeKey,
    Plan,
    ProfileObject,
    Target,
)


class Order(ProfileObject, name="Order", expiration_days=30):
    order_id: Annotated[str, Key("OrderId", unique=True, profile=True)]
    total: Annotated[str | None, Target("_order.TotalPrice")] = None


def deployed() -> ObjectType:
    """Give `Order` as a service may answer it."""
    object_type = Order.object_type()
    object_type.allow_profile_creation = False
    object_type.max_available_profile_object_count = 1000
    object_type.max_profile_object_count = 50
    for one in (object_type.fields or {}).values():
        one.content_type = None
    (object_type.keys or {})["OrderId"][0].standard_identifiers = ["ORDER", "PROFILE", "UNIQUE"]
    return object_type


def test_what_is_deployed_as_declared_needs_nothing() -> None:
    plan = Plan.between([Order], [deployed()])

    assert plan.is_empty
    assert [change.action for change in plan.changes] == ["unchanged"]
    assert str(plan) == "No changes."


def test_what_is_not_deployed_is_created() -> None:
    plan = Plan.between([Order], [])

    assert not plan.is_empty
    assert str(plan) == (
        "+ Order (create)\n"
        "    + description: Order\n"
        "    + expiration_days: 30\n"
        "    + field OrderId: _source.OrderId [STRING]\n"
        "    + field Total: _source.Total => _order.TotalPrice [STRING]\n"
        "    + key OrderId: OrderId [ORDER, PROFILE, UNIQUE]"
    )


def test_an_update_shows_what_is_added_removed_and_changed() -> None:
    there = deployed()
    there.expiration_days = 9
    there.fields = {
        "OrderId": ObjectTypeField(source="_source.Id"),
        "Old": ObjectTypeField(source="_source.Old"),
    }
    there.keys = {"Old": [ObjectTypeKey(field_names=["Old"])]}

    assert str(Plan.between([Order], [there])) == (
        "~ Order (update)\n"
        "    ~ expiration_days: 9 -> 30\n"
        "    ~ field OrderId: _source.Id [STRING] -> _source.OrderId [STRING]\n"
        "    + field Total: _source.Total => _order.TotalPrice [STRING]\n"
        "    - field Old: _source.Old [STRING]\n"
        "    + key OrderId: OrderId [ORDER, PROFILE, UNIQUE]\n"
        "    - key Old: Old [search only]"
    )


def test_an_update_that_stops_making_profiles_is_seen() -> None:
    there = deployed()
    there.allow_profile_creation = True

    assert "~ allow_profile_creation: True -> False" in str(Plan.between([Order], [there]))


def test_the_order_of_a_joined_key_matters_and_that_of_definitions_does_not() -> None:
    one, other = deployed(), deployed()
    joined, single = ObjectTypeKey(field_names=["A", "B"]), ObjectTypeKey(field_names=["A"])
    one.keys, other.keys = {"K": [joined, single]}, {"K": [single, joined]}
    assert Plan.between([one], [other]).is_empty

    other.keys = {"K": [ObjectTypeKey(field_names=["B", "A"]), single]}
    assert "[search only] -> A [search only] or A + B" in str(Plan.between([one], [other]))


def test_undeclared_object_types_are_deleted_only_when_asked() -> None:
    others = [ObjectType(object_type_name=name) for name in ("Zebra", "Ape", "_profile")]

    assert Plan.between([], others).is_empty
    plan = Plan.between([], others, delete_undeclared=True)
    assert str(plan) == "- Ape (delete)\n- Zebra (delete)"


def test_a_template_s_fields_are_not_compared() -> None:
    declared = ObjectType(object_type_name="T", description="t", template_id="Shopify-Order")
    there = declared.model_copy(update={"fields": {"A": ObjectTypeField(source="_source.A")}})

    assert Plan.between([declared], [there]).is_empty


def test_one_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="Order is declared twice"):
        Plan.between([Order, Order.object_type()], [])


def test_a_template_decides_whether_objects_create_profiles() -> None:
    declared = ObjectType(object_type_name="T", description="t", template_id="Shopify-Order")
    there = declared.model_copy(update={"allow_profile_creation": True})

    assert Plan.between([declared], [there]).is_empty

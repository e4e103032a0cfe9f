"""Calculated attributes: definitions and values, on every target."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import pytest

from customer_profiles import (
    BadRequestError,
    BatchError,
    CalculatedAttribute,
    CustomerProfiles,
    Domain,
    InvalidInputError,
    Key,
    Profile,
    ProfileObject,
    ResourceNotFoundError,
    Target,
    Threshold,
    where,
)
from customer_profiles.conditions import Condition


class Order(ProfileObject, name="order", allow_profile_creation=True):
    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("OrderMail", profile=True), Target("_profile.EmailAddress")]
    total: float | None = None
    price: float | None = None
    quantity: int | None = None
    status: str = "open"
    placed_at: str | None = None


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


@pytest.fixture
def ada(shop: Domain) -> Profile:
    """Give a profile with three orders, one of them cancelled."""
    shop.object_types.put(Order)
    orders = [
        Order(order_id="1", email="ada@example.com", total=400, placed_at=days_ago(40)),
        Order(order_id="2", email="ada@example.com", total=12.5, placed_at=days_ago(1)),
        Order(order_id="3", email="ada@example.com", total=99, status="cancelled"),
    ]
    for order in orders:
        shop.objects(Order).put(order)
    return shop.profiles.search(email="ada@example.com").one()


@pytest.fixture
def spend(shop: Domain, ada: Profile) -> CalculatedAttribute:
    return shop.calculated_attributes.create(
        "spend",
        "{order.Total}",
        statistic="SUM",
        display_name="Spend",
        use_historical_data=True,
        where=where.field("Status").is_not_in("cancelled"),
    ).wait(10)


def test_a_definition_is_written_from_its_expression(shop: Domain) -> None:
    shop.object_types.put(Order)
    created = shop.calculated_attributes.create(
        "spend_90d",
        "{order.Price} * {order.Quantity}",
        statistic="SUM",
        days=90,
        object_count=50,
        timestamp="PlacedAt",
        timestamp_format="ISO_8601",
        threshold=("GREATER_THAN", 500),
    )
    found = shop.calculated_attributes.get("spend_90d")

    assert found.attribute_details is not None
    assert [item.name for item in found.attribute_details.attributes or []] == ["Price", "Quantity"]
    assert (found.expression, found.object_type_name) == (created.expression, "order")
    assert found.conditions is not None
    assert found.conditions.threshold == Threshold(value="500", operator="GREATER_THAN")
    assert found.conditions.object_count == 50
    assert found.conditions.range is not None
    assert found.conditions.range.timestamp_source == "{order.PlacedAt}"
    assert (found.conditions.range.value, found.conditions.range.unit) == (90, "DAYS")
    assert (found.status, found.is_ready) == ("COMPLETED", True)


def test_the_condition_is_read_back(shop: Domain) -> None:
    shop.object_types.put(Order)
    condition = where.field("Status").is_in("open") & where.field("Total").over(100)
    shop.calculated_attributes.create("large", "{order.Total}", statistic="COUNT", where=condition)

    found = shop.calculated_attributes.get("large")
    assert found.where == condition
    assert (
        shop.calculated_attributes.create("all", "{order.Total}", statistic="COUNT").where is None
    )


def test_the_service_s_form_of_a_condition_is_taken_too(shop: Domain) -> None:
    shop.object_types.put(Order)
    test = {"DimensionType": "INCLUSIVE", "Values": ["open"]}
    group = {"Type": "ALL", "Dimensions": [{"Attributes": {"Status": test}}]}
    wire = {"Include": "ALL", "Groups": [group]}
    created = shop.calculated_attributes.create(
        "open", "{order.Total}", statistic="COUNT", where=wire
    )

    assert created.where == where.field("Status").is_in("open")


def test_a_value_has_the_type_of_its_statistic(
    shop: Domain, ada: Profile, spend: CalculatedAttribute
) -> None:
    value = ada.calculated_attributes["spend"]

    assert (value.text, value.value, value.number) == ("412.5", Decimal("412.5"), Decimal("412.5"))
    assert (value.calculated_attribute_name, value.display_name) == ("spend", "Spend")
    assert (value.profile_id, value.is_partial) == (ada.profile_id, False)
    assert value.last_object_timestamp is not None
    assert "412.5" not in repr(value)


def test_historical_data_is_waited_for(spend: CalculatedAttribute) -> None:
    assert (spend.status, spend.is_ready) == ("COMPLETED", True)
    assert spend.readiness is not None
    assert spend.readiness.progress_percentage == 100


def test_only_new_objects_count_without_historical_data(shop: Domain, ada: Profile) -> None:
    time.sleep(0.01)  # The time of creation has milliseconds.
    shop.calculated_attributes.create("orders", "{order.OrderId}", statistic="COUNT")
    assert ada.calculated_attributes["orders"].value is None

    shop.objects(Order).put(Order(order_id="4", email="ada@example.com"))
    assert ada.calculated_attributes["orders"].value == 1


@pytest.mark.parametrize(
    ("settings", "total"),
    [
        ({"days": 30}, Decimal("12.5")),
        ({"start": 50, "end": 30}, Decimal(400)),
        ({"start": 50}, Decimal("412.5")),
        ({"object_count": 1}, Decimal("12.5")),
    ],
)
def test_ranges_and_counts_choose_the_objects(
    shop: Domain, ada: Profile, settings: dict[str, int], total: Decimal
) -> None:
    shop.calculated_attributes.create(
        "spend",
        "{order.Total}",
        statistic="SUM",
        timestamp="PlacedAt",
        timestamp_format="ISO_8601",
        use_historical_data=True,
        where=where.field("Status").is_in("open"),
        **settings,  # type: ignore[arg-type]
    )

    assert ada.calculated_attributes["spend"].value == total


def test_a_threshold_makes_a_bool(shop: Domain, ada: Profile) -> None:
    for name, limit in (("some", 1), ("many", 5)):
        shop.calculated_attributes.create(
            name,
            "{order.OrderId}",
            statistic="COUNT",
            threshold=("GREATER_THAN", limit),
            use_historical_data=True,
        )

    values = ada.calculated_attributes
    assert (values["some"].value, values["many"].value) == (True, False)


def test_recent_occurrences_are_a_list(shop: Domain, ada: Profile) -> None:
    shop.calculated_attributes.create(
        "ids", "{order.OrderId}", statistic="RECENT_OCCURRENCES", use_historical_data=True
    )

    assert ada.calculated_attributes["ids"].value == ["3", "2", "1"]


def test_all_values_of_a_profile_are_listed(ada: Profile, spend: CalculatedAttribute) -> None:
    values = {value.calculated_attribute_name: value for value in ada.calculated_attributes}

    assert values["spend"].value == Decimal("412.5")
    assert values["spend"].profile_id == ada.profile_id
    assert values["_orders_count"].value is None
    assert isinstance(values["_new_customer"].value, bool)
    assert values["spend"].refresh().text == "412.5"


def test_the_values_of_many_profiles_are_read_in_batches(
    shop: Domain, ada: Profile, spend: CalculatedAttribute
) -> None:
    others = [shop.profiles.create(first_name=f"Name {number}") for number in range(101)]
    values = shop.calculated_attributes.values("spend", [*others, ada, ada.profile_id])

    assert [value.profile_id for value in values] == [
        *(profile.profile_id for profile in others),
        ada.profile_id,
    ]
    assert [value.value for value in values] == [*[None] * 101, Decimal("412.5")]
    assert [value.text for value in spend.values([ada])] == ["412.5"]


def test_missing_profiles_of_a_batch_do_not_hide_the_others(
    shop: Domain, ada: Profile, spend: CalculatedAttribute
) -> None:
    missing = "0" * 32
    with pytest.raises(BatchError) as caught:
        shop.calculated_attributes.values("spend", [missing, ada])

    assert [value.text for value in caught.value.succeeded] == ["412.5"]
    assert isinstance(caught.value.failed[missing], ResourceNotFoundError)


def test_a_request_has_its_own_days(shop: Domain, ada: Profile) -> None:
    shop.calculated_attributes.create(
        "spend",
        "{order.Total}",
        statistic="SUM",
        timestamp="PlacedAt",
        timestamp_format="ISO_8601",
        use_historical_data=True,
        where=where.field("Status").is_in("open"),
    )
    (value,) = shop.calculated_attributes.values("spend", [ada], days=30)
    assert value.value == Decimal("12.5")
    assert value.refresh().value == Decimal("12.5")
    assert ada.calculated_attributes.get("spend", start=50, end=30).value == Decimal(400)
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.calculated_attributes("0" * 32).get("spend", days=30)


def test_an_update_keeps_what_it_leaves_out(shop: Domain, ada: Profile) -> None:
    shop.calculated_attributes.create(
        "spend",
        "{order.Total}",
        statistic="SUM",
        days=90,
        object_count=7,
        timestamp="PlacedAt",
        timestamp_format="ISO_8601",
    )
    updated = shop.calculated_attributes.update("spend", days=30, description="In 30 days")

    found = shop.calculated_attributes.get("spend")
    for definition in (updated, found):
        assert definition.description == "In 30 days"
        assert definition.conditions is not None
        assert definition.conditions.object_count == 7
        assert definition.conditions.range is not None
        assert definition.conditions.range.value == 30
        assert definition.conditions.range.timestamp_source == "{order.PlacedAt}"

    updated = shop.calculated_attributes.update("spend", start=30, end=-5)
    assert updated.conditions is not None
    assert updated.conditions.range is not None
    assert updated.conditions.range.value is None
    assert updated.conditions.range.value_range is not None
    assert updated.conditions.range.value_range.end == -5


def test_changed_conditions_are_saved(shop: Domain, spend: CalculatedAttribute) -> None:
    updated = shop.calculated_attributes.update("spend", object_count=5)
    assert updated.conditions is not None
    updated.conditions.object_count = 9
    updated.save()

    found = shop.calculated_attributes.get("spend").conditions
    assert found is not None
    assert found.object_count == 9


def test_what_cannot_be_changed_is_refused(shop: Domain, spend: CalculatedAttribute) -> None:
    spend.statistic = "COUNT"
    with pytest.raises(InvalidInputError, match="statistic of a calculated attribute cannot be"):
        spend.save()
    with pytest.raises(InvalidInputError, match="expression of a calculated attribute cannot be"):
        shop.calculated_attributes.update("spend", expression="{order.Price}")  # type: ignore[call-arg]
    limited = shop.calculated_attributes.update("spend", object_count=5)
    limited.conditions = None
    with pytest.raises(InvalidInputError, match=r"conditions\.object_count cannot be removed"):
        limited.save()


def test_a_definition_is_copied_to_another_domain(
    cp: CustomerProfiles, shop: Domain, spend: CalculatedAttribute
) -> None:
    other = cp.domains.create(f"{shop.domain_name}-other")
    other.object_types.put(Order)
    copy = other.calculated_attributes.create(spend)
    found = other.calculated_attributes.get("spend")
    other.delete()

    assert (copy.expression, found.where) == (spend.expression, spend.where)
    listed = next(
        item
        for item in shop.calculated_attributes.all()
        if item.calculated_attribute_name == "spend"
    )
    with pytest.raises(InvalidInputError, match=r"refresh\(\) first"):
        shop.calculated_attributes.create(listed)


def test_a_definition_in_the_service_s_form_is_created(shop: Domain) -> None:
    test = {"DimensionType": "INCLUSIVE", "Values": ["open"]}
    group = {"Type": "ALL", "Dimensions": [{"Attributes": {"Status": test}}]}
    wire = {
        "CalculatedAttributeName": "coming",
        "DisplayName": "Coming",
        "AttributeDetails": {
            "Attributes": [{"Name": "TotalPrice"}],
            "Expression": "{_order.TotalPrice}",
        },
        "Statistic": "COUNT",
        "Conditions": {
            "Range": {
                "Unit": "DAYS",
                "ValueRange": {"Start": 0, "End": -30},
                "TimestampSource": "{_order.CreatedDate}",
                "TimestampFormat": "ISO_8601",
            },
            "ObjectCount": 10,
        },
        "Filter": {"Include": "ALL", "Groups": [group]},
    }
    shop.calculated_attributes.create(CalculatedAttribute.model_validate(wire))

    found = shop.calculated_attributes.get("coming")
    assert {name: value for name, value in found._to_wire().items() if name in wire} == wire


def test_every_domain_has_default_definitions(shop: Domain) -> None:
    found = shop.calculated_attributes.get("_new_customer")

    assert found.created_at is None
    assert found.is_ready
    found.delete()
    with pytest.raises(ResourceNotFoundError):
        shop.calculated_attributes.get("_new_customer")


def test_a_value_is_not_changed_or_deleted(ada: Profile, spend: CalculatedAttribute) -> None:
    value = ada.calculated_attributes["spend"]

    with pytest.raises(InvalidInputError, match="cannot be changed"):
        value.save()
    with pytest.raises(InvalidInputError, match="cannot be deleted"):
        value.delete()


def test_an_unknown_object_type_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError, match="nothing"):
        shop.calculated_attributes.create("a", "{nothing.Total}", statistic="SUM")


def test_an_object_type_in_use_is_not_deleted(shop: Domain, spend: CalculatedAttribute) -> None:
    with pytest.raises(BadRequestError, match="spend"):
        shop.object_types.delete(Order)


@pytest.mark.parametrize(
    ("expression", "settings", "message"),
    [
        ("order.Total", {}, r"\{order\.total\}"),
        ("{order.Total} + {visit.Length}", {}, "order and visit"),
        ("{order.Total}", {"days": 3, "start": 5}, "excludes"),
        ("{order.Total}", {"end": 5}, "end needs start"),
        ("{order.Total}", {"start": 5, "end": 6}, "further in the past"),
        ("{order.Total}", {"timestamp_format": "ISO_8601"}, "needs the timestamp"),
        ("{order.Total}", {"threshold": 5}, '"GREATER_THAN", 500'),
        ("{order.Total}", {"threshold": ("MORE", 5)}, "operator"),
        ("{order.Total}", {"day": 5}, "did you mean days"),
        ("{order.Total}", {"where": where.first_name.is_in("Ada")}, "field"),
    ],
)
def test_a_wrong_definition_is_refused_before_it_is_sent(
    shop: Domain, expression: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        shop.calculated_attributes.create("a", expression, statistic="SUM", **settings)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("expression", "condition", "meant"),
    [
        ("{order.total}", None, "'Total'"),
        ("{order.order_id}", None, "'OrderId'"),
        ("{order.Total}", where.field("status").is_in("open"), "'Status'"),
    ],
)
def test_a_name_that_is_nearly_a_field_is_refused(
    shop: Domain, expression: str, condition: Condition | None, meant: str
) -> None:
    shop.object_types.put(Order)

    with pytest.raises(InvalidInputError, match=f"did you mean {meant}"):
        shop.calculated_attributes.create("a", expression, statistic="COUNT", where=condition)


def test_a_path_of_the_mapping_s_source_is_taken(shop: Domain) -> None:
    shop.object_types.put(
        "visit",
        description="Visits",
        fields={
            "Id": {"source": "_source.id"},
            "Mail": {"source": "_source.mail", "target": "_profile.EmailAddress"},
        },
        keys={
            "VisitId": [{"field_names": ["Id"], "standard_identifiers": ["UNIQUE"]}],
            "VisitMail": [{"field_names": ["Mail"], "standard_identifiers": ["PROFILE"]}],
        },
        allow_profile_creation=True,
    )
    shop.calculated_attributes.create("visits", "{visit.id}", statistic="COUNT")
    shop.objects("visit").put({"id": "1", "mail": "ada@example.com"})

    ada = shop.profiles.search(email="ada@example.com").one()
    assert ada.calculated_attributes["visits"].value == 1


def test_several_profiles_are_needed_and_the_wrong_one_is_named(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="several profiles"):
        shop.calculated_attributes.values("spend", "0" * 32)
    with pytest.raises(InvalidInputError, match=r"profiles\[1\]"):
        shop.calculated_attributes.values("spend", ["0" * 32, 5])  # type: ignore[list-item]
    with pytest.raises(InvalidInputError, match=r"profiles\[0\]"):
        shop.calculated_attributes.values("spend", ["nobody"])

"""How calculated attributes are used and misused, read by mypy and pyright, never run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import assert_type

from customer_profiles import (
    Attribute,
    AttributesOfProfile,
    AttributeStatistics,
    AttributeValue,
    CalculatedAttribute,
    CalculatedAttributeValue,
    CustomerProfiles,
    Results,
    Threshold,
    where,
)

shop = CustomerProfiles.embedded().domain("shop")
ada = shop.profiles.get("id")

spend = shop.calculated_attributes.create(
    "spend",
    "{order.Total}",
    statistic="SUM",
    days=90,
    threshold=("GREATER_THAN", Decimal("0.5")),
    timestamp="PlacedAt",
    timestamp_format="ISO_8601",
    where=where.field("Status").is_in("open"),
    tags={"team": "crm"},
)
assert_type(spend, CalculatedAttribute)
assert_type(spend.wait(10), CalculatedAttribute)
assert_type(spend.is_ready, bool)
assert_type(shop.calculated_attributes.create(spend), CalculatedAttribute)
assert_type(shop.calculated_attributes.get("spend"), CalculatedAttribute)
assert_type(shop.calculated_attributes.all(limit=3), Results[CalculatedAttribute])
changed = shop.calculated_attributes.update(
    "spend", start=30, end=0, threshold=Threshold(value="1", operator="EQUAL_TO")
)
assert_type(changed, CalculatedAttribute)
values = shop.calculated_attributes.values("spend", [ada, "id"], days=30)
assert_type(values, list[CalculatedAttributeValue])
assert_type(spend.values([ada]), list[CalculatedAttributeValue])

assert_type(ada.calculated_attributes, AttributesOfProfile)
value = ada.calculated_attributes["spend"]
assert_type(value, CalculatedAttributeValue)
assert_type(value.value, Decimal | int | bool | str | list[str] | datetime | None)
assert_type(value.number, Decimal | None)
assert_type(value.text, str | None)
assert_type(value.is_partial, bool | None)
assert_type(value.last_object_timestamp, datetime | None)
assert_type(ada.calculated_attributes.get("spend", days=3), CalculatedAttributeValue)
for item in ada.calculated_attributes:
    assert_type(item, CalculatedAttributeValue)

assert_type(shop.attributes().all(), Results[Attribute])
assert_type(shop.attributes("order").values("Total"), Results[AttributeValue])
assert_type(shop.attributes().suggestions("address.city"), list[str])
assert_type(shop.attributes().statistics("attributes.score"), AttributeStatistics)
assert_type(shop.attributes().statistics("attributes.score").average, float | None)

# A statistic that does not exist, a misspelled setting, and settings of a copy.
shop.calculated_attributes.create("a", "{order.Total}", statistic="MEDIAN")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
shop.calculated_attributes.create("a", "{order.Total}", statistic="SUM", day=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
shop.calculated_attributes.create(spend, days=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

# What cannot be changed.
shop.calculated_attributes.update("a", statistic="SUM")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# A value that may be absent, or of another type, used without a look.
is_large = value.value > 500  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
is_large = value.number > 500  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand]

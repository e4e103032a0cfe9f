"""Calculated attributes: the types of values, and waiting for historical data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles import (
    CalculatedAttribute,
    CalculatedAttributeValue,
    CustomerProfiles,
    CustomerProfilesError,
    DetachedError,
    EngineChannel,
    InvalidInputError,
    JobFailedError,
    WaitTimeoutError,
    where,
)
from customer_profiles.engine import Engine, ManualClock

if TYPE_CHECKING:
    from customer_profiles import CalculatedValue, Domain

MOMENT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def definition(
    statistic: str, expression: str = "{order.Total}", *, compared: bool = False
) -> CalculatedAttribute:
    threshold = {"Threshold": {"Value": "1", "Operator": "EQUAL_TO"}} if compared else {}
    return CalculatedAttribute._from_wire(
        {
            "Statistic": statistic,
            "AttributeDetails": {"Attributes": [], "Expression": expression},
            "Conditions": threshold,
        }
    )


@pytest.mark.parametrize(
    ("statistic", "text", "value"),
    [
        ("COUNT", "12", 12),
        ("SUM", "412.5", Decimal("412.5")),
        ("AVERAGE", "-0.3333333333", Decimal("-0.3333333333")),
        ("MINIMUM", "24144", Decimal(24144)),
        ("MAXIMUM", "n/a", "n/a"),
        ("SUM", "NaN", "NaN"),
        ("COUNT", "many", "many"),
        ("LAST_OCCURRENCE", "VOICE", "VOICE"),
        ("LAST_OCCURRENCE", "true", "true"),
        ("FIRST_OCCURRENCE", "2026-05-01", "2026-05-01"),
        ("MAX_OCCURRENCE", "12", "12"),
        ("RECENT_OCCURRENCES", '["b", "a", 1]', ["b", "a", "1"]),
        ("RECENT_OCCURRENCES", "b", ["b"]),
        ("RECENT_OCCURRENCES", "12", ["12"]),
        ("A_NEW_STATISTIC", "b", "b"),
    ],
)
def test_the_statistic_says_the_type(statistic: str, text: str, value: CalculatedValue) -> None:
    found = definition(statistic).read_value(text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("statistic", ["COUNT", "SUM", "LAST_OCCURRENCE", "RECENT_OCCURRENCES"])
def test_a_threshold_makes_every_value_a_bool(statistic: str) -> None:
    compared = definition(statistic, compared=True)

    assert compared.read_value("true") is True
    assert compared.read_value("false") is False
    assert compared.read_value(None) is None


@pytest.mark.parametrize(
    "text",
    [
        *("2026-05-01T12:00:00Z", "2026-05-01T14:00:00+02:00", "2026-05-01T12:00:00"),
        *("1777636800", "1777636800000"),
    ],
)
@pytest.mark.parametrize(
    "expression", ["{_order.CreatedDate}", "{_webAnalytics.EventTimestamp}", "{CTR.a.bTimestamp}"]
)
def test_a_documented_date_is_a_moment(expression: str, text: str) -> None:
    assert definition("LAST_OCCURRENCE", expression).read_value(text) == MOMENT


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{order.CreatedDate}", "2026-05-01"),
        ("{_order.Name}", "2026-05-01"),
        ("{_order.CreatedDate}", "yesterday"),
        ("{_order.CreatedDate} - {_order.ClosedDate}", "1777636800"),
    ],
)
def test_other_texts_stay_texts(expression: str, text: str) -> None:
    assert definition("LAST_OCCURRENCE", expression).read_value(text) == text


@given(st.text(max_size=30), st.sampled_from(["COUNT", "SUM", "LAST_OCCURRENCE", "OTHER"]))
def test_any_text_has_a_value(text: str, statistic: str) -> None:
    found = definition(statistic, "{_order.CreatedDate}").read_value(text)

    assert found is not None


def test_a_value_without_its_collection_has_no_type() -> None:
    value = CalculatedAttributeValue._from_wire({"Value": "12", "IsDataPartial": "true"})

    assert (value.text, value.number, value.is_partial) == ("12", 12, True)
    with pytest.raises(DetachedError):
        print(value.value)  # noqa: T201


class PreparingChannel(EngineChannel):
    """Answers that historical data is not included."""

    status = "PREPARING"

    def send(self, operation: str, request: dict[str, Any]) -> bytes:
        answer = json.loads(super().send(operation, request))
        if "Status" in answer:
            reason = {"Message": "too many objects"}
            answer |= {"Status": self.status, "Readiness": reason}
        return json.dumps(answer).encode()


@pytest.fixture
def preparing(engine: Engine) -> PreparingChannel:
    return PreparingChannel(engine)


def create(shop: Domain) -> CalculatedAttribute:
    return shop.calculated_attributes.create(
        "spend", "{_order.TotalPrice}", statistic="SUM", use_historical_data=True
    )


def test_waiting_ends_at_its_deadline(preparing: PreparingChannel) -> None:
    created = create(CustomerProfiles(channel=preparing).domains.create("shop"))

    with pytest.raises(WaitTimeoutError, match=r"spend is still PREPARING after 0\.1 seconds"):
        created.wait(0.1)


def test_a_failure_is_raised_with_its_reason(preparing: PreparingChannel) -> None:
    created = create(CustomerProfiles(channel=preparing).domains.create("shop"))
    preparing.status = "FAILED"
    seen: list[str | None] = []

    with pytest.raises(JobFailedError, match="spend could not be included: too many objects"):
        created.wait(5, on_progress=lambda item: seen.append(item.status))
    assert seen == ["PREPARING", "FAILED"]


def test_waiting_needs_no_running_clock() -> None:
    with Engine(clock=ManualClock(), strict=True) as engine:
        shop = CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop")

        assert create(shop).wait(10).status == "COMPLETED"


def test_a_definition_is_copied_without_further_arguments(engine: Engine) -> None:
    shop = CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop")
    condition = where.field("Status").is_in("open")
    created = create(shop)

    with pytest.raises(InvalidInputError, match="copied as it is"):
        shop.calculated_attributes.create(created, where=condition)  # type: ignore[call-overload]


def test_no_value_is_in_reprs_and_errors(engine: Engine) -> None:
    shop = CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop")
    condition = where.field("Status").is_in("classified")
    created = shop.calculated_attributes.create(
        "spend", "{_order.TotalPrice}", statistic="SUM", where=condition, description="classified"
    )
    with pytest.raises(CustomerProfilesError) as caught:
        shop.calculated_attributes.create(
            "spend",
            "{_order.TotalPrice}",
            statistic="SUM",
            where=condition,
            threshold=("X", "classified"),
        )  # type: ignore[call-overload]

    assert "classified" not in f"{created!r} {created} {caught.value!r}"

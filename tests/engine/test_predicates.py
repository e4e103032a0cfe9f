"""The operators of conditions, one value at a time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from customer_profiles.engine import Refusal
from customer_profiles.engine.audiences import predicates

ABSENT = (None, "", [], {})
ALL = sorted(
    {"INCLUSIVE", "EXCLUSIVE", "CONTAINS", "BEGINS_WITH", "ENDS_WITH"}
    | predicates.NUMBERS
    | predicates.DATES
    | predicates.RANGES
    | predicates.LISTS
)
TRUE = [
    ("INCLUSIVE", ["gold", "silver"], "silver"),
    ("EXCLUSIVE", ["gold", "silver"], "bronze"),
    ("CONTAINS", ["zzz", "eattle"], "Seattle"),
    ("BEGINS_WITH", ["Sea"], "Seattle"),
    ("ENDS_WITH", ["tle"], "Seattle"),
    ("EQUAL", ["7", "10"], "10.0"),
    ("EQUAL", ["60"], 60.0),
    ("GREATER_THAN", ["500"], "500.00000000000000000001"),
    ("GREATER_THAN_OR_EQUAL", ["1e2"], "100"),
    ("LESS_THAN", ["-1"], "-1.5"),
    ("LESS_THAN_OR_EQUAL", [".5"], "+0.5"),
    ("BEFORE", ["2024-01-01"], "2023-12-31T23:59:59.999Z"),
    ("BEFORE", ["2024-01-01"], "2024-01-01T00:30:00+01:00"),
    ("AFTER", ["2024-01-01", "2030-01-01"], "2024-06-01"),
    ("ON", ["1990-05-01T00:00:00Z"], "1990-05-01"),
    ("ON", ["2024-01-01"], "1704067200"),
    ("ON", ["2024-01-01"], "1704067200000"),
    ("BETWEEN", ["2000-01-01", "2010-01-01"], "2010-01-01"),
    ("BETWEEN", ["5", "10"], "9.5"),
    ("NOT_BETWEEN", ["2000-01-01", "2010-01-01"], "1990-05-01"),
    ("LIST_CONTAINS", ["a", "z"], ["a", "b"]),
    ("LIST_CONTAINS_ALL", ["a", "b"], ["b", "a", "c"]),
    ("LIST_CONTAINS", ["2.5"], '["a", 2.5]'),
]
FALSE = [
    ("INCLUSIVE", ["gold"], "Gold"),
    ("EXCLUSIVE", ["gold", "silver"], "silver"),
    ("CONTAINS", ["EATTLE"], "Seattle"),
    ("BEGINS_WITH", ["eattle"], "Seattle"),
    ("GREATER_THAN", ["500"], "500"),
    ("EQUAL", ["1"], "gold"),
    ("EQUAL", ["1000"], "1_000"),
    ("BEFORE", ["2024-01-01"], "2024-01-01"),
    ("BEFORE", ["2024-01-01"], "2023-02-30"),
    ("BETWEEN", ["5", "10"], "2000-01-01"),
    ("NOT_BETWEEN", ["5", "10"], "gold"),
    ("LIST_CONTAINS_ALL", ["a", "d"], ["a", "b"]),
    ("LIST_CONTAINS", ["a"], "a"),
]


@pytest.mark.parametrize(("operator", "values", "value"), TRUE)
def test_the_operator_is_true(operator, values, value):
    assert predicates.test(operator, values)(value) is True


@pytest.mark.parametrize(("operator", "values", "value"), FALSE)
def test_the_operator_is_false(operator, values, value):
    assert predicates.test(operator, values)(value) is False


@pytest.mark.parametrize("operator", ALL)
@pytest.mark.parametrize("value", ABSENT, ids=repr)
def test_only_exclusive_is_true_of_an_absent_value(operator, value):
    values = ["2000-01-01", "2010-01-01"] if operator in predicates.RANGES else ["2000"]
    values = ["2000-01-01"] if operator in predicates.DATES else values
    assert predicates.test(operator, values)(value) is (operator == "EXCLUSIVE")


def test_bounds_of_a_date_are_dates_even_if_they_are_numbers():
    bounds = ["1000000000", "1000086400"]
    assert predicates.test("BETWEEN", bounds, is_date=True)("2001-09-09T02:00:00Z")
    assert not predicates.test("BETWEEN", bounds)("2001-09-09T02:00:00Z")
    assert predicates.test("BETWEEN", bounds)("1000000001")


@pytest.mark.parametrize(
    ("operator", "values", "message"),
    [
        ("GREATER_THAN", ["1", "many"], "GREATER_THAN compares numbers, and value 2 is no number"),
        ("BEFORE", ["in 3 days"], "value 1 is no date .* relative dates are not supported"),
        ("ON", ["2024-13-01"], "value 1 is no date"),
        ("BETWEEN", ["1"], "BETWEEN needs two values, the first and the last, not 1"),
        ("NOT_BETWEEN", ["1", "2", "3"], "not 3"),
        ("BETWEEN", ["many", "2024-01-01"], "value 1 is no date"),
    ],
)
def test_values_that_an_operator_cannot_have_are_refused(operator, values, message):
    with pytest.raises(Refusal, match=message):
        predicates.test(operator, values)


def test_all_any_and_none_combine_results():
    cases = {"ALL": [True, False, False], "ANY": [True, True, False], "NONE": [False, False, True]}
    for include, expected in cases.items():
        found = [predicates.combine(include, case) for case in ([True], [True, False], [False])]
        assert found == expected


def test_numbers_are_written_without_exponent_and_trailing_zeros():
    written = [predicates.decimal_text(Decimal(text)) for text in ("1E+3", "2.50", "10", "0.00")]
    assert written == ["1000", "2.5", "10", "0"]


def test_a_reference_is_a_whole_value():
    assert predicates.reference("{{_profile.Address.City}}") == (False, "Address.City")
    assert predicates.reference("{{_calculated_attribute.spend}}") == (True, "spend")
    assert predicates.reference("to {{_profile.FirstName}}") is None
    assert predicates.reference("{{_order.Status}}") is None

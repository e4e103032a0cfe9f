"""What the tasks of a flow make of a record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.engine import Refusal
from customer_profiles.engine.flows.tasks import DatasetDropped, compile_tasks

ADA = {"id": "7", "name": "Ada", "age": "36", "joined": "2026-01-02T10:00:00Z", "note": ""}


def task(kind, *sources, operator=None, to=None, **properties):
    made = {"TaskType": kind, "SourceFields": list(sources), "TaskProperties": properties}
    if operator:
        made["ConnectorOperator"] = {"S3": operator}
    return made | ({"DestinationField": to} if to else {})


def apply(record, *tasks):
    return compile_tasks(tasks, "S3").apply(record)


def keeps(field, operator, **properties):
    return apply(ADA, task("Filter", field, operator=operator, **properties)) is not None


def test_a_projection_keeps_its_fields_only():
    tasks = [task("Filter", "id", "name", "missing", operator="PROJECTION")]
    assert apply(ADA, *tasks) == {"id": "7", "name": "Ada"}


def test_without_projection_and_maps_a_record_stays_whole():
    assert apply(ADA, task("Filter", "id", operator="NO_OP")) == ADA


def test_a_map_renames_a_field():
    tasks = [
        task("Filter", "id", "name", operator="PROJECTION"),
        task("Map", "id", operator="NO_OP", to="CustomerId"),
        task("Map", "name"),
    ]
    assert apply(ADA, *tasks) == {"CustomerId": "7", "name": "Ada"}


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [
        ("LESS_THAN", "37", True),
        ("LESS_THAN", "36", False),
        ("LESS_THAN", "4e1", True),
        ("GREATER_THAN", "9", True),
        ("GREATER_THAN", "36", False),
        ("LESS_THAN_OR_EQUAL_TO", "36", True),
        ("LESS_THAN_OR_EQUAL_TO", "35", False),
        ("GREATER_THAN_OR_EQUAL_TO", "36.0", True),
        ("GREATER_THAN_OR_EQUAL_TO", "37", False),
        ("EQUAL_TO", "36.00", True),
        ("EQUAL_TO", "63", False),
        ("NOT_EQUAL_TO", "63", True),
        ("NOT_EQUAL_TO", "36.0", False),
    ],
)
def test_a_filter_compares_numbers(operator, value, kept):
    assert keeps("age", operator, DATA_TYPE="integer", VALUE=value) is kept


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [
        ("EQUAL_TO", "Ada", True),
        ("EQUAL_TO", "ada", False),
        ("GREATER_THAN", "9", True),
        ("LESS_THAN", "B", True),
    ],
)
def test_a_filter_compares_text(operator, value, kept):
    assert keeps("name", operator, DATA_TYPE="string", VALUE=value) is kept


def test_a_filter_takes_several_values():
    assert keeps("name", "EQUAL_TO", VALUES="Bob,Ada")
    assert not keeps("name", "NOT_EQUAL_TO", VALUES="Bob,Ada")
    assert keeps("name", "NOT_EQUAL_TO", VALUES="Bob,Eve")


@pytest.mark.parametrize(
    ("lower", "upper", "kept"), [("36", "40", True), ("30", "36", True), ("37", "40", False)]
)
def test_between_has_both_bounds(lower, upper, kept):
    bounds = {"DATA_TYPE": "long", "LOWER_BOUND": lower, "UPPER_BOUND": upper}
    assert keeps("age", "BETWEEN", **bounds) is kept


@pytest.mark.parametrize("value", ["2026-01-02T10:00:00.001+00:00", "1767348000001"])
def test_a_filter_compares_times(value):
    assert keeps("joined", "LESS_THAN", DATA_TYPE="datetime", VALUE=value)
    assert not keeps("joined", "GREATER_THAN", DATA_TYPE="datetime", VALUE=value)


@pytest.mark.parametrize("field", ["note", "missing", "name"])
def test_a_field_that_is_no_number_passes_not_equal_only(field):
    assert not keeps(field, "LESS_THAN", DATA_TYPE="double", VALUE="1")
    assert keeps(field, "NOT_EQUAL_TO", DATA_TYPE="double", VALUE="1")


def test_all_filters_must_pass():
    young = task("Filter", "age", operator="LESS_THAN", DATA_TYPE="integer", VALUE="40")
    bob = task("Filter", "name", operator="EQUAL_TO", VALUE="Bob")
    assert apply(ADA, young) == ADA
    assert apply(ADA, young, bob) is None


@pytest.mark.parametrize(
    ("operator", "length", "masked"),
    [
        ("MASK_ALL", None, "##########"),
        ("MASK_ALL", "5", "#####"),
        ("MASK_FIRST_N", "7", "#######100"),
        ("MASK_LAST_N", "3", "2065550###"),
        ("MASK_FIRST_N", "99", "##########"),
        ("MASK_LAST_N", "99", "##########"),
    ],
)
def test_a_mask_hides_characters(operator, length, masked):
    properties = {"MASK_VALUE": "#"} | ({"MASK_LENGTH": length} if length else {})
    record = {"phone": "2065550100", "empty": ""}
    made = apply(record, task("Mask", "phone", "empty", operator=operator, **properties))
    assert made == {"phone": masked, "empty": ""}
    assert record["phone"] == "2065550100"


def test_a_truncated_field_has_its_first_characters():
    assert apply({"a": "abcdef", "b": "xy"}, task("Truncate", "a", "b", TRUNCATE_LENGTH="4")) == {
        "a": "abcd",
        "b": "xy",
    }


@pytest.mark.parametrize(
    ("operator", "result"),
    [
        ("ADDITION", "8.5"),
        ("SUBTRACTION", "4.5"),
        ("MULTIPLICATION", "13"),
        ("DIVISION", "3.25"),
    ],
)
def test_arithmetic_makes_a_field_of_two(operator, result):
    record = {"a": "6.5", "b": 2}
    tasks = [
        task("Arithmetic", "a", "b", operator=operator, to="a,b"),
        task("Map", "a,b", to="result"),
    ]
    assert apply(record, *tasks) == {"result": result}


def test_the_order_of_the_operands_can_be_told():
    order = {"MATH_OPERATION_FIELDS_ORDER": "b,a"}
    tasks = [task("Arithmetic", "a", "b", operator="SUBTRACTION", to="c", **order)]
    assert apply({"a": "1", "b": "10"}, *tasks)["c"] == "9"


@pytest.mark.parametrize("right", ["0", "none", "", None, "1e999999"])
def test_what_cannot_be_calculated_is_no_value(right):
    division = task("Arithmetic", "a", "b", operator="DIVISION", to="c")
    assert apply({"a": "1", "b": right}, division, task("Map", "c")) == {}


def test_a_merge_joins_fields_as_its_format_says():
    layout = {"CONCAT_FORMAT": "${last}, ${first}"}
    record = {"first": "Ada", "last": "King"}
    tasks = [task("Merge", "first", "last", to="both", **layout), task("Map", "both", to="name")]
    assert apply(record, *tasks) == {"name": "King, Ada"}
    assert apply({"first": "Ada"}, *tasks) == {"name": ", Ada"}


@pytest.mark.parametrize(
    ("operator", "good", "bad"),
    [
        ("VALIDATE_NON_NULL", ["0", "x"], ["", None]),
        ("VALIDATE_NON_ZERO", ["1", "-1", "", "x"], ["0", "0.00", 0]),
        ("VALIDATE_NON_NEGATIVE", ["0", "5", "", "x"], ["-1", -0.5]),
        ("VALIDATE_NUMERIC", ["1", "-2.5e3", "", 7], ["x", "1_000", "NaN"]),
    ],
)
def test_a_validation_drops_records(operator, good, bad):
    drop = task("Validate", "a", operator=operator, VALIDATION_ACTION="DropRecord")
    assert [apply({"a": value}, drop) for value in good] == [{"a": value} for value in good]
    assert [apply({"a": value}, drop) for value in bad] == [None] * len(bad)


def test_a_validation_can_drop_everything():
    drop = task("Validate", "a", operator="VALIDATE_NON_NULL", VALIDATION_ACTION="DropDataset")
    assert apply({"a": "1"}, drop) == {"a": "1"}
    with pytest.raises(DatasetDropped):
        apply({}, drop)


def test_filters_see_what_masks_hide_later():
    mask = task("Mask", "name", operator="MASK_ALL")
    found = apply(ADA, mask, task("Filter", "name", operator="EQUAL_TO", VALUE="Ada"))
    assert found["name"] == "***"


def test_dots_lead_into_nested_objects():
    record = {"id": 1, "home": {"city": "London", "zip": "N1"}}
    mask = task("Mask", "home.city", operator="MASK_FIRST_N", MASK_LENGTH="3")
    assert apply(record, mask) == {"id": 1, "home": {"city": "***don", "zip": "N1"}}
    assert apply(record, task("Map", "home.zip", to="address.code")) == {"address": {"code": "N1"}}
    assert apply(record, task("Filter", "home.zip", operator="PROJECTION")) == {
        "home": {"zip": "N1"}
    }
    assert record["home"]["city"] == "London"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (task("Filter", "a"), r"Tasks\.1\.ConnectorOperator\.S3 is missing.* one of PROJECTION"),
        (task("Map", "a", operator="ADDITION"), "ADDITION is not for TaskType Map"),
        (task("Mask", "a", operator="NO_OP"), "use one of MASK_ALL, MASK_FIRST_N, MASK_LAST_N"),
        (task("Map", "a", "b", to="c"), "SourceFields has 2 fields"),
        (task("Map"), "SourceFields is empty"),
        (task("Filter", "a", operator="LESS_THAN"), "TaskProperties.VALUE is missing"),
        (task("Filter", "a", operator="BETWEEN", LOWER_BOUND="1"), "UPPER_BOUND is missing"),
        (
            task("Filter", "a", operator="EQUAL_TO", DATA_TYPE="long", VALUE="x"),
            "not of its DATA_TYPE long",
        ),
        (task("Mask", "a", operator="MASK_LAST_N"), "MASK_LENGTH is missing"),
        (task("Truncate", "a", TRUNCATE_LENGTH="0"), "TRUNCATE_LENGTH must be a positive number"),
        (task("Merge", "a", "b"), "DestinationField is missing"),
        (task("Merge", "a", to="c", CONCAT_FORMAT="${z}"), "CONCAT_FORMAT names 'z'"),
        (task("Arithmetic", "a", operator="ADDITION", to="c"), "must be two fields"),
        (
            task("Validate", "a", operator="VALIDATE_NUMERIC", VALIDATION_ACTION="Stop"),
            "must be DropRecord or DropDataset",
        ),
        (task("Map", "a") | {"ConnectorOperator": {"Zendesk": "NO_OP"}}, "Zendesk does not belong"),
    ],
)
def test_a_task_that_breaks_a_rule_is_named(broken, words):
    with pytest.raises(Refusal, match=words):
        compile_tasks([broken], "S3")


def test_a_map_of_a_field_that_the_projection_leaves_out_is_refused():
    tasks = [task("Filter", "a", operator="PROJECTION"), task("Map", "b")]
    with pytest.raises(Refusal, match="reads 'b', which no Filter task with PROJECTION lists"):
        compile_tasks(tasks, "S3")


@given(st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=9) | st.integers()))
def test_tasks_leave_the_record_itself_alone(record):
    before = dict(record)
    name = next(iter(record), "a")
    tasks = [
        task("Mask", name, operator="MASK_ALL"),
        task("Truncate", name, TRUNCATE_LENGTH="1"),
        task("Merge", name, to="x"),
        task("Arithmetic", name, "y", operator="ADDITION", to="z"),
    ]
    apply(record, *tasks)
    assert record == before

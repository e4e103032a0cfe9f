"""The typed conditions: written as the service's groups, read back, explained and evaluated."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from customer_profiles import InvalidInputError, Profile, _wire, conditions, where
from customer_profiles.conditions import (
    Comparison,
    Condition,
    EverybodyWarning,
    Field,
    Or,
    evaluate,
    explain,
    from_filter,
    from_segment_groups,
    to_filter,
    to_segment_groups,
)
from customer_profiles.conditions.operators import OPERATORS

SEATTLE = where.address.city.is_in("Seattle")
GOLD = where.attributes["tier"].is_in("gold")
SPEND = where.calculated("spend_90d").over(500, days=30)
# Conditions without an opposite, so that their negation needs a group of its own.
A, B, C, D = (where.attributes[name].contains(name) for name in "abcd")


def dimension(name: str, operator: str = "CONTAINS") -> dict[str, Any]:
    values = {"DimensionType": operator, "Values": [name]}
    return {"ProfileAttributes": {"Attributes": {name: values}}}


def group(kind: str, *names: str, **sources: Any) -> dict[str, Any]:
    return {"Type": kind, "Dimensions": [dimension(name) for name in names], **sources}


# What is written.


def test_the_example_of_the_specification_is_written() -> None:
    big = (
        where.address.city.is_in("Seattle", "Bellevue")
        & where.attributes["optIn"].is_in("true")
        & SPEND
    )

    assert to_segment_groups(big) == {
        "Include": "ALL",
        "Groups": [
            {
                "Type": "ALL",
                "Dimensions": [
                    {
                        "ProfileAttributes": {
                            "Address": {
                                "City": {
                                    "DimensionType": "INCLUSIVE",
                                    "Values": ["Seattle", "Bellevue"],
                                }
                            }
                        }
                    },
                    {
                        "ProfileAttributes": {
                            "Attributes": {
                                "optIn": {"DimensionType": "INCLUSIVE", "Values": ["true"]}
                            }
                        }
                    },
                    {
                        "CalculatedAttributes": {
                            "spend_90d": {
                                "DimensionType": "GREATER_THAN",
                                "Values": ["500"],
                                "ConditionOverrides": {
                                    "Range": {"Start": 30, "End": 0, "Unit": "DAYS"}
                                },
                            }
                        }
                    },
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("condition", "include", "groups"),
    [
        (A, "ALL", [group("ALL", "a")]),
        (~A, "ALL", [group("NONE", "a")]),
        (A & B, "ALL", [group("ALL", "a", "b")]),
        (A | B, "ALL", [group("ANY", "a", "b")]),
        (~(A | B), "ALL", [group("NONE", "a", "b")]),
        (~(A & B), "NONE", [group("ALL", "a", "b")]),
        (A & (B | C), "ALL", [group("ALL", "a"), group("ANY", "b", "c")]),
        (A | (B & C), "ANY", [group("ALL", "a"), group("ALL", "b", "c")]),
        ((A & B) | C | D, "ANY", [group("ALL", "a", "b"), group("ANY", "c", "d")]),
        (A & ~B, "ALL", [group("ALL", "a"), group("NONE", "b")]),
        (~(A & ~B), "ANY", [group("NONE", "a"), group("ALL", "b")]),
        (where.everybody, "ALL", [group("ALL")]),
    ],
    ids=repr,
)
def test_a_condition_becomes_two_levels(
    condition: Condition, include: str, groups: list[Any]
) -> None:
    assert to_segment_groups(condition) == {"Include": include, "Groups": groups}


def test_segments_become_the_start_of_groups() -> None:
    gold, vip = where.segment("gold"), where.segment("vip")
    names = [{"SegmentDefinitionName": name} for name in ("gold", "vip")]

    assert to_segment_groups(gold & vip & (A | B))["Groups"] == [
        group("ANY", "a", "b", SourceSegments=names, SourceType="ALL"),
    ]
    assert to_segment_groups((gold | vip) & A)["Groups"] == [
        group("ALL", "a", SourceSegments=names, SourceType="ANY"),
    ]
    assert to_segment_groups(A & ~gold & ~vip)["Groups"] == [
        group("ALL", "a", SourceSegments=names, SourceType="NONE"),
    ]


def test_is_in_has_an_opposite_so_that_not_needs_no_group() -> None:
    assert where.address.city.is_not_in("Seattle") == ~SEATTLE
    assert ~~A == A
    assert ~(SEATTLE & A) == (~SEATTLE | ~A)


def test_a_condition_of_three_levels_is_transformed() -> None:
    """(a | (b & (c | d))) is (a | b) & (a | c | d)."""
    written = to_segment_groups(A | (B & (C | D)))

    assert written["Include"] == "ALL"
    assert written["Groups"] == [group("ANY", "a", "b"), group("ANY", "a", "c", "d")]


def test_what_two_levels_cannot_say_is_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidInputError) as refused:
        to_segment_groups((A & ~B) | (C & ~D))

    message = str(refused.value)
    assert "two levels" in message
    assert "use where.segment('its name') in its place" in message
    assert "where.attributes['a'].contains(<1 value>) & ~where.attributes['b']" in message


def test_what_multiplies_is_refused_at_the_step_that_multiplies() -> None:
    """Twenty pairs whose normal form has a million terms."""
    condition = ~where.everybody
    for number in range(20):
        field = where.attributes[f"a{number}"]
        condition |= field.contains("x") & ~field.begins_with("y")

    with pytest.raises(InvalidInputError, match="would make 512 groups"):
        to_segment_groups(condition)


def test_twenty_alternatives_that_are_joined_fit_as_they_are() -> None:
    condition = where.everybody
    for number in range(20):
        field = where.attributes[f"a{number}"]
        condition &= field.contains("x") | field.begins_with("y")

    assert len(to_segment_groups(condition)["Groups"]) == 20


def test_a_long_chain_is_flat() -> None:
    condition = A
    for number in range(1_000):
        condition |= where.attributes[f"n{number}"].contains("x")

    assert isinstance(condition, Or)
    assert len(condition.parts) == 1_001
    assert pickle.loads(pickle.dumps(condition)) == condition
    with pytest.raises(InvalidInputError, match="at most 60 conditions, and this has 1,001"):
        to_segment_groups(condition)


def test_too_deep_a_condition_is_refused_when_it_is_made() -> None:
    condition = A
    with pytest.raises(InvalidInputError, match="more than 100 deep"):
        for number in range(200):
            other = where.attributes[f"n{number}"].contains("x")
            condition = condition | other if number % 2 else condition & other


# Lists of values.


def test_a_long_list_is_split_and_read_back_whole() -> None:
    ids = [f"id-{number}" for number in range(120)]
    condition = where.account_number.is_in(*ids)

    written = to_segment_groups(condition)

    dimensions = written["Groups"][0]["Dimensions"]
    lengths = [len(item["ProfileAttributes"]["AccountNumber"]["Values"]) for item in dimensions]
    assert (written["Groups"][0]["Type"], lengths) == ("ANY", [50, 50, 20])
    assert from_segment_groups(written) == condition


def test_a_long_list_of_what_is_excluded_is_split_under_all() -> None:
    condition = where.account_number.is_not_in(*map(str, range(100))) & A

    written = to_segment_groups(condition)

    assert [item["Type"] for item in written["Groups"]] == ["ALL"]
    assert len(written["Groups"][0]["Dimensions"]) == 3
    assert from_segment_groups(written) == condition


def test_three_thousand_values_fit_and_no_more() -> None:
    most = where.account_number.is_in(*map(str, range(3_000)))

    assert len(to_segment_groups(most)["Groups"][0]["Dimensions"]) == 60
    with pytest.raises(InvalidInputError, match="at most 60 conditions, and this has 61"):
        to_segment_groups(where.account_number.is_in(*map(str, range(3_001))))


def test_an_empty_list_never_becomes_everybody() -> None:
    ids: list[str] = []
    with pytest.raises(InvalidInputError, match=r"an empty list would mean nobody, but a segment"):
        where.account_number.is_in(*ids)


def test_an_empty_group_is_read_as_everybody_with_a_warning() -> None:
    with pytest.warns(EverybodyWarning, match="the list was empty"):
        read = from_segment_groups({"Groups": [{"Type": "ANY", "Dimensions": []}]})

    assert read == where.everybody


def test_more_than_ten_calculated_attributes_are_refused() -> None:
    condition = where.everybody
    for number in range(11):
        condition &= where.calculated(f"a{number}").over(1)

    with pytest.raises(InvalidInputError, match="at most 10 calculated attributes"):
        to_segment_groups(condition)


def test_nobody_is_refused() -> None:
    for nobody in (~where.everybody, A & (~A & (B | C)) & (B | ~C)):
        with pytest.raises(InvalidInputError, match="met by nobody"):
            to_segment_groups(nobody)


def test_everybody_is_refused_unless_it_is_written() -> None:
    with pytest.raises(InvalidInputError, match="met by everybody, because a part of it is always"):
        to_segment_groups(~A | (A & (B | A)))


# Filters.


def test_a_filter_is_written_and_read_back() -> None:
    status = where.field("status")
    condition = status.is_not_in("cancelled") & (
        where.field("total").over(10) | status.is_in("new")
    )

    written = to_filter(condition)

    assert written == {
        "Include": "ALL",
        "Groups": [
            {
                "Type": "ALL",
                "Dimensions": [
                    {
                        "Attributes": {
                            "status": {"DimensionType": "EXCLUSIVE", "Values": ["cancelled"]}
                        }
                    }
                ],
            },
            {
                "Type": "ANY",
                "Dimensions": [
                    {"Attributes": {"total": {"DimensionType": "GREATER_THAN", "Values": ["10"]}}},
                    {"Attributes": {"status": {"DimensionType": "INCLUSIVE", "Values": ["new"]}}},
                ],
            },
        ],
    }
    assert from_filter(written) == condition


def test_a_filter_has_groups_for_a_hundred_values() -> None:
    status = where.field("status")

    written = to_filter(status.is_in(*map(str, range(100))))

    assert len(written["Groups"][0]["Dimensions"]) == 10
    with pytest.raises(InvalidInputError, match=r"2 groups of 10 conditions with 10 values each"):
        to_filter(status.is_in(*map(str, range(101))))


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (SEATTLE, "a filter cannot compare where.address.city"),
        (where.segment("gold"), "a filter cannot use where.segment"),
        (where.field("a").is_in(where.last_name), "with another field"),
        (where.everybody, "leave it out"),
    ],
    ids=repr,
)
def test_a_filter_refuses_what_is_not_of_objects(condition: Condition, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(reason)):
        to_filter(condition)


def test_a_segment_refuses_fields_of_objects() -> None:
    with pytest.raises(InvalidInputError, match=r"a segment cannot compare where\.field"):
        to_segment_groups(where.field("status").is_in("new"))


@pytest.mark.parametrize("function", [to_segment_groups, to_filter, explain])
def test_what_is_no_condition_is_refused(function: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"a condition is needed.* not a field alone"):
        function(where.first_name)
    with pytest.raises(InvalidInputError, match=r"a condition is needed.* not str"):
        function("gold")


# Values.


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (where.birth_date.before(date(2000, 1, 2)), ("2000-01-02",)),
        (where.birth_date.on(datetime(2000, 1, 2, tzinfo=UTC)), ("2000-01-02T00:00:00Z",)),
        (
            where.birth_date.after(datetime(2000, 1, 2, tzinfo=timezone(timedelta(hours=1)))),
            ("2000-01-01T23:00:00Z",),
        ),
        (where.attributes["n"].over(0.1), ("0.1",)),
        (where.attributes["n"].over(1e-7), ("0.0000001",)),
        (where.attributes["n"].at_most(Decimal("1E+3")), ("1000",)),
        (where.attributes["n"].between(1, 1), ("1", "1")),
        (where.calculated("often").is_in(True), ("true",)),
        (where.first_name.is_in("a", "b", "a"), ("a", "b")),
        (where.last_name.is_in(where.first_name), ("{{_profile.FirstName}}",)),
        (where.last_name.is_in(where.address.city), ("{{_profile.Address.City}}",)),
        (where.last_name.is_in(where.attributes["x"]), ("{{_profile.Attributes.x}}",)),
        (where.attributes["n"].over(where.calculated("x")), ("{{_calculated_attribute.x}}",)),
    ],
    ids=repr,
)
def test_values_are_written_as_the_service_reads_them(
    condition: Comparison, values: tuple[str, ...]
) -> None:
    assert condition.values == values


WRONG: list[tuple[Any, str]] = [
    (lambda: where.first_name.is_in(["a"]), "is_in() takes texts one by one, as in is_in(*values)"),
    (lambda: where.first_name.is_in(3), "takes texts, not int"),
    (lambda: where.first_name.is_in(""), "values of 1 to 255 characters, not of 0"),
    (lambda: where.first_name.is_in("x" * 256), "values of 1 to 255 characters, not of 256"),
    (lambda: where.birth_date.on("2000-01-01"), "takes dates, not str"),
    (lambda: where.birth_date.on(datetime(2000, 1, 1)), "with a zone as in datetime("),  # noqa: DTZ001
    (lambda: where.birth_date.between(1, 2), "takes dates, not int"),
    (lambda: where.birth_date.between(date(2001, 1, 1), date(2000, 1, 1)), "smaller value first"),
    (lambda: where.attributes["n"].between(1, date(2000, 1, 1)), "not one of each"),
    (lambda: where.attributes["n"].over("500"), "takes numbers, not str"),
    (lambda: where.attributes["n"].over(True), "takes numbers, not bool"),
    (lambda: where.attributes["n"].over(float("nan")), "takes numbers, not float"),
    (lambda: where.attributes["n"].is_in(where.field("x")), "cannot be compared with where.field"),
    (lambda: where.attributes["n"].is_in(where.attributes["{"]), "cannot be compared with where"),
    (lambda: where.calculated("n").over(5, days=(1, 4)), "days=30 for the last 30 days"),
    (lambda: where.calculated("n").over(5, days="30"), "days=30 for the last 30 days"),
    (lambda: where.calculated("1n"), "where.calculated() takes a name that matches"),
    (lambda: where.segment("a b"), "where.segment() takes a name that matches"),
    (lambda: where.field(""), "where.field() takes a name that matches"),
    (lambda: where.attributes[""], "where.attributes[...] takes a name"),
    (lambda: where.first_name == "Ada", "where.first_name == ... compares nothing"),
    (lambda: bool(A), "neither true nor false"),
    (lambda: A and B, "join conditions with & and |"),
]


@pytest.mark.parametrize(("make", "reason"), WRONG, ids=[reason for _, reason in WRONG])
def test_a_wrong_value_is_refused_with_the_remedy(make: Any, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        make()

    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("frist_name", "where has no field 'frist_name'; did you mean first_name?"),
        ("gender", "segments compare gender_string"),
        ("profile_id", "segment.members(ids)"),
        ("address.ciy", "where.address has no field 'ciy'; did you mean city?"),
        ("address.address1", "segments compare city, country"),
    ],
)
def test_a_misspelled_field_is_refused_with_the_nearest(path: str, hint: str) -> None:
    value: Any = where
    with pytest.raises(AttributeError) as refused:
        for name in path.split("."):
            value = getattr(value, name)

    assert hint in str(refused.value)


def test_custom_attributes_cannot_be_iterated_over() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(where.attributes)  # type: ignore[call-overload]


# Conditions as values.


def test_conditions_are_equal_in_any_order_and_pickled() -> None:
    condition = (SEATTLE & GOLD & SPEND) | ~where.segment("vip")

    assert condition == (~where.segment("vip") | (SPEND & GOLD & SEATTLE))
    assert hash(condition) == hash(~where.segment("vip") | (SPEND & GOLD & SEATTLE))
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert SEATTLE & GOLD != SEATTLE | GOLD
    assert SEATTLE & SEATTLE == SEATTLE


def test_conditions_do_not_change() -> None:
    joined: Any = SEATTLE & GOLD
    with pytest.raises(AttributeError, match="conditions do not change"):
        joined.parts = ()
    with pytest.raises(AttributeError):
        SEATTLE.values = ()  # type: ignore[attr-defined]


def test_a_repr_shows_no_values() -> None:
    condition = where.email_address.is_in("ada@example.com", "bob@example.com") & (SPEND | ~GOLD)

    assert repr(condition) == (
        "where.email_address.is_in(<2 values>) & (where.calculated('spend_90d')."
        "over(<1 value>, days=30) | where.attributes['tier'].is_not_in(<1 value>))"
    )


def test_joining_a_condition_with_something_else_is_a_type_error() -> None:
    wrong: Any = True
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = A & wrong
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = wrong | A


# What the service's model has.


def shape(name: str) -> Any:
    return _wire.service().shape_for(name)


def field_names() -> set[str]:
    """Return the service's names of the fields of `where`, such as `Address.City`."""
    fields = [getattr(where, name) for name in dir(where) if not name.startswith("_")]
    nested = [
        value
        for field in fields
        if isinstance(field, conditions.AddressConditions)
        for value in vars(field).values()
    ]
    return {field.name for field in [*fields, *nested] if isinstance(field, Field)}


def test_each_member_that_segments_compare_is_a_field() -> None:
    expected: set[str] = set()
    for name, member in shape("ProfileAttributes").members.items():
        inner = member.members if member.name == "AddressDimension" else None
        expected |= {name} if inner is None else {f"{name}.{part}" for part in inner}

    assert field_names() == expected - {"Attributes"}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("StringDimensionType", where.first_name),
        ("DateDimensionType", where.birth_date),
        ("ProfileTypeDimensionType", where.profile_type),
        ("AttributeDimensionType", where.attributes["x"]),
        ("AttributeDimensionType", where.calculated("x")),
        ("FilterDimensionType", where.field("x")),
    ],
)
def test_each_operator_is_a_method(kind: str, field: Any) -> None:
    methods = {OPERATORS[name] for name in dir(field) if name in OPERATORS}

    assert methods == set(shape(kind).enum)


def test_what_is_written_fits_the_service_s_model() -> None:
    condition = (
        SEATTLE & GOLD & SPEND & where.segment("gold") & where.birth_date.on(date(2000, 1, 1))
    )
    request = {"DomainName": "shop", "SegmentQuery": to_segment_groups(condition)}

    assert _wire.request_check("CreateSegmentEstimate")(request) == []


# Reading what others wrote.


def test_a_dimension_with_several_attributes_needs_all_of_them() -> None:
    city = {"City": {"DimensionType": "INCLUSIVE", "Values": ["Seattle"]}}
    tier = {"tier": {"DimensionType": "INCLUSIVE", "Values": ["gold"]}}
    dimension = {"ProfileAttributes": {"Address": city, "Attributes": tier}}

    read = from_segment_groups({"Groups": [{"Type": "ANY", "Dimensions": [dimension]}]})

    assert read == SEATTLE & GOLD


def test_what_is_absent_has_its_default() -> None:
    sources = [{"SegmentDefinitionName": name} for name in ("gold", "vip")]
    groups = [{"SourceSegments": sources, "Dimensions": [dimension("a"), dimension("b")]}]

    read = from_segment_groups({"Groups": groups})

    assert read == (where.segment("gold") | where.segment("vip")) & A & B
    assert from_segment_groups({"Include": "NONE"}) == where.everybody


@pytest.mark.parametrize("wire", [{"Groups": [{"Dimensions": [{"ProfileAttributes": 3}]}]}, 3])
def test_what_are_no_groups_is_refused(wire: Any) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read as the groups of a segment"):
        from_segment_groups(wire)


NEWER: list[dict[str, Any]] = [
    {"Include": "SOME", "Groups": [group("ALL", "a")]},
    {"Groups": [group("MOST", "a")]},
    {"Groups": [group("ALL", "a", Newer=1)]},
    {"Groups": [group("ALL", "a")], "Newer": 1},
    {"Groups": [{"Dimensions": [{"Newer": {}}]}]},
    {"Groups": [{"Dimensions": [{"CalculatedAttributes": {"a": {"Newer": 1}}}]}]},
]


@pytest.mark.parametrize("wire", NEWER, ids=str)
def test_what_is_newer_than_this_version_is_refused_not_dropped(wire: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"has no (member|value)"):
        from_segment_groups(wire)


def test_a_period_of_another_unit_is_refused() -> None:
    condition = where.calculated("a").over(1, days=30)
    wire = to_segment_groups(condition)
    calculated = wire["Groups"][0]["Dimensions"][0]["CalculatedAttributes"]["a"]
    calculated["ConditionOverrides"]["Range"]["Unit"] = "WEEKS"

    with pytest.raises(InvalidInputError, match="a period has no unit 'WEEKS'"):
        from_segment_groups(wire)


def test_an_unknown_operator_is_not_evaluated() -> None:
    with pytest.raises(InvalidInputError, match="no operator 'SOUNDS_LIKE'"):
        evaluate(Comparison(where.first_name, "SOUNDS_LIKE", ("a",)), Profile())


# Explaining and evaluating.


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (SEATTLE & ~GOLD, 'address.city is "Seattle", and attribute tier is not "gold"'),
        (where.first_name.is_not_in("a", "b", "c"), 'first_name is not "a", "b" nor "c"'),
        (SPEND, "calculated attribute spend_90d is over 500 in the last 30 days"),
        (
            where.calculated("n").between(1, 2, days=(60, 30)),
            "calculated attribute n is between 1 and 2 from 60 to 30 days ago",
        ),
        (where.last_name.is_in(where.first_name), "last_name is the first_name"),
        (
            where.attributes["x"].contains_all("a", "b"),
            'attribute x is a list with all of "a" and "b"',
        ),
        (where.field("status").is_in("new"), 'field status is "new"'),
        (~(A | where.segment("s")), 'not (attribute a contains "a"), and not (in segment s)'),
        (where.everybody, "everybody"),
        (~where.everybody, "nobody"),
    ],
    ids=repr,
)
def test_a_condition_is_explained_in_words(condition: Condition, words: str) -> None:
    assert explain(condition) == words


def test_a_profile_is_evaluated() -> None:
    ada = Profile(first_name="Ada", attributes={"tier": "gold"})

    assert evaluate(GOLD & where.first_name.begins_with("A"), ada)
    assert evaluate(SPEND, ada, calculated={"spend_90d": "500.5"})
    assert not evaluate(SPEND, ada, calculated={"spend_90d": None})
    assert evaluate(SPEND, ada, calculated=lambda name, days: 501 if days == (30, 0) else name)
    assert evaluate(where.segment("vip"), ada, segments={"vip"})
    assert evaluate(where.field("a.b").over(1), {"a": {"b": 2}})


def test_what_an_evaluation_lacks_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"calculated=\{'spend_90d'"):
        evaluate(SPEND, Profile())
    with pytest.raises(InvalidInputError, match=r"segments=\[\.\.\.\]"):
        evaluate(where.segment("vip"), Profile())

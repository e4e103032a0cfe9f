"""The naive models of audiences answer the specification's test vectors."""

from __future__ import annotations

import pytest

from . import naive_audiences as naive
from .naive_audiences import DAY, Audiences, Definition, Thing

NOW = 1_700_000_000.0


def definition(expression, statistic, *, created=NOW - 400 * DAY, **members):
    details = {"AttributeDetails": {"Expression": expression}, "Statistic": statistic}
    return Definition(details | members, created)


def days(value):
    return {"Range": {"Value": value, "Unit": "DAYS"}}


def objects(*pairs):
    """Return objects of the type `o`, by how many days ago each was put and its content."""
    return [
        Thing("o", {"a": data} if not isinstance(data, dict) else data, NOW - ago * DAY, number)
        for number, (ago, data) in enumerate(pairs)
    ]


AHEAD = {
    "Range": {
        "ValueRange": {"Start": 0, "End": -30},
        "Unit": "DAYS",
        "TimestampSource": "{o.at}",
        "TimestampFormat": "EPOCHMILLI",
    }
}
MORE_THAN_1, MORE_THAN_5 = (
    days(7) | {"Threshold": {"Operator": "GREATER_THAN", "Value": value}} for value in "15"
)
VECTORS = [
    ("{o.a}", "SUM", days(30), [(40, 5), (20, 7.5), (1, 2.5)], "10"),
    ("{o.a}", "AVERAGE", {}, [(1, 1), (2, 2)], "1.5"),
    ("{o.a}", "COUNT", MORE_THAN_1, [(1, "x"), (2, "x"), (9, "x")], "true"),
    ("{o.a}", "COUNT", MORE_THAN_5, [], None),
    (
        "{o.a}",
        "MAX_OCCURRENCE",
        {},
        [(4, "VOICE"), (3, "CHAT"), (2, "CHAT"), (1, "VOICE")],
        "VOICE",
    ),
    ("{o.a}", "LAST_OCCURRENCE", {"ObjectCount": 1}, [(3, "a"), (1, "b")], "b"),
    (
        "{o.a} * {o.b}",
        "SUM",
        {},
        [(1, {"a": 2, "b": 3}), (1, {"a": 4}), (1, {"a": 5, "b": "x"})],
        "6",
    ),
    (
        "{o.at}",
        "COUNT",
        AHEAD,
        [(0, {"at": int(NOW + ahead * DAY) * 1000}) for ahead in (10, 40, -1)],
        "1",
    ),
]


@pytest.mark.parametrize(("expression", "statistic", "conditions", "things", "value"), VECTORS)
def test_calculated_attributes_have_the_values_of_the_vectors(
    expression, statistic, conditions, things, value
):
    made = definition(expression, statistic, Conditions=conditions)
    assert naive.value_of(made, objects(*things), NOW)["Value"] == value


A, B, C, D = (letter * 32 for letter in "abcd")
PEOPLE = [
    {
        "ProfileId": A,
        "Address": {"City": "Seattle"},
        "Attributes": {"tier": "gold"},
        "BirthDate": "1990-05-01",
    },
    {"ProfileId": B, "Address": {"City": "seattle"}},
    {"ProfileId": C},
    {"ProfileId": D, "Attributes": {"tier": "gold"}, "ProfileType": "ACCOUNT_PROFILE"},
]


def condition(operator, *values):
    return {"DimensionType": operator, "Values": list(values)}


def city(operator, *values):
    return {"ProfileAttributes": {"Address": {"City": condition(operator, *values)}}}


def tier(operator, *values):
    return {"ProfileAttributes": {"Attributes": {"tier": condition(operator, *values)}}}


def member(name, operator, *values):
    return {"ProfileAttributes": {name: condition(operator, *values)}}


def only(*dimensions, include="ALL", **members):
    return {"Include": include, "Groups": [{"Dimensions": list(dimensions), **members}]}


SEATTLE = city("INCLUSIVE", "Seattle")
GOLD, LOWER = tier("INCLUSIVE", "gold"), city("INCLUSIVE", "seattle")
TWO = {
    "Include": "ALL",
    "Groups": [{"Dimensions": [GOLD]}, {"Type": "NONE", "Dimensions": [SEATTLE]}],
}
SOURCES = [{"SegmentDefinitionName": name} for name in ("gold", "seattle-lower")]
FILTERS = [
    (only(SEATTLE), [A]),
    (only(city("EXCLUSIVE", "Seattle")), [B, C, D]),
    (only(city("CONTAINS", "eattle")), [A, B]),
    (only(tier("INCLUSIVE", "gold", "silver")), [A, D]),
    (only(member("ProfileType", "EXCLUSIVE", "ACCOUNT_PROFILE")), [A, B, C]),
    (only(member("BirthDate", "NOT_BETWEEN", "2000-01-01", "2010-01-01")), [A]),
    (only(member("BirthDate", "ON", "1990-05-01T00:00:00Z")), [A]),
    ({"Groups": []}, [A, B, C, D]),
    (only(SEATTLE, include="NONE"), [B, C, D]),
    (only(GOLD, LOWER, Type="ANY"), [A, B, D]),
    (TWO, [D]),
    ({"Groups": [{"SourceSegments": SOURCES}]}, [A, B, D]),
    (only(tier("EQUAL", "1")), []),
]


@pytest.mark.parametrize(("groups", "members"), FILTERS)
def test_segments_have_the_members_of_the_vectors(groups, members):
    segments = {
        "gold": {"SegmentGroups": only(GOLD)},
        "seattle-lower": {"SegmentGroups": only(LOWER)},
    }
    assert Audiences(PEOPLE, segments=segments).members(groups) == members


def test_a_snapshot_has_the_columns_that_its_members_use():
    people = [
        {"ProfileId": A, "LastName": "Byron", "Attributes": {"tier": "gold"}},
        {"ProfileId": B, "Address": {"City": "Seattle"}, "FirstName": "Ada"},
        {"ProfileId": C},
    ]
    assert Audiences(people).table({"SegmentGroups": {"Groups": []}}) == [
        ["ProfileId", "FirstName", "LastName", "Address.City", "Attributes.tier"],
        [A, "", "Byron", "", "gold"],
        [B, "Ada", "", "Seattle", ""],
        [C, "", "", "", ""],
    ]


def test_a_sort_puts_absent_values_last_and_the_lower_id_first():
    people = [
        {"ProfileId": A, "Attributes": {"n": "9"}},
        {"ProfileId": B, "Attributes": {"n": "10"}},
        {"ProfileId": C},
        {"ProfileId": D, "Attributes": {"n": "10"}},
    ]
    sort = {"Attributes": [{"Name": "Attributes.n", "Order": "DESC"}]}
    segment = {"SegmentGroups": {}, "SegmentSort": sort}
    assert Audiences(people).sorted_members(segment) == [B, D, A, C]


def test_widening_a_range_brings_in_no_older_data():
    made = definition("{o.a}", "SUM", created=NOW, UseHistoricalData=True, Conditions=days(10))
    made.update(Conditions=days(100))
    assert naive.value_of(made, objects((20, 1), (5, 2)), NOW)["Value"] == "2"

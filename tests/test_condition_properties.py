"""Conditions mean in the engine what they mean in Python, however they are written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from customer_profiles import CustomerProfiles, EngineChannel, InvalidInputError, Profile, where
from customer_profiles.conditions import (
    Condition,
    evaluate,
    explain,
    from_filter,
    from_segment_groups,
    to_filter,
    to_segment_groups,
)
from customer_profiles.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain

# Few values, so that conditions often hold, and some that are written in several ways.
TEXTS = st.sampled_from(["a", "b", "ab", "B", "1", "1.0", "10", "2000-01-01", '["a", "1"]'])
NUMBERS = st.sampled_from([1, 2, 10, 1.5])
DATES = st.sampled_from([date(2000, 1, 1), date(1999, 12, 31), date(2010, 6, 1)])
FIELDS = [where.first_name, where.last_name, where.address.city, where.gender_string]
CUSTOM = [where.attributes[name] for name in ("x", "y", "n")]
REFERENCES = st.sampled_from([where.last_name, where.attributes["y"], where.address.city])
SEGMENTS = ("seg-a", "seg-b")

texts = st.lists(TEXTS | REFERENCES, min_size=1, max_size=3)


def methods(names: list[str], fields: list[Any], values: Any) -> st.SearchStrategy[Condition]:
    return st.builds(
        lambda field, method, arguments: getattr(field, method)(*arguments),
        st.sampled_from(fields),
        st.sampled_from(names),
        values,
    )


def ordered(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=2, max_size=2).map(sorted)


TEXT_METHODS = ["is_in", "is_not_in", "contains", "begins_with", "ends_with"]
of_profiles = (
    methods(TEXT_METHODS, [*FIELDS, *CUSTOM], texts)
    | methods(["before", "after", "on"], [where.birth_date, *CUSTOM], DATES.map(lambda day: [day]))
    | methods(["between", "not_between"], [where.birth_date, *CUSTOM], ordered(DATES))
    | methods(["between", "not_between"], CUSTOM, ordered(NUMBERS))
    | methods(
        ["equal_to", "over", "at_least", "under", "at_most"],
        CUSTOM,
        NUMBERS.map(lambda number: [number]),
    )
    | methods(["contains_any", "contains_all"], CUSTOM, texts)
    | st.builds(
        lambda method, kind: getattr(where.profile_type, method)(kind),
        st.sampled_from(["is_in", "is_not_in"]),
        st.sampled_from(["PROFILE", "ACCOUNT_PROFILE"]),
    )
)
simple = of_profiles | st.sampled_from(SEGMENTS).map(where.segment)
of_objects = methods(
    TEXT_METHODS, [where.field(name) for name in ("x", "y", "n")], st.lists(TEXTS, min_size=1)
)


def trees(leaves: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.recursive(
        leaves,
        lambda inner: (
            inner.map(lambda condition: ~condition)
            | st.builds(lambda left, right: left & right, inner, inner)
            | st.builds(lambda left, right: left | right, inner, inner)
        ),
        max_leaves=8,
    )


conditions = trees(simple)


def written(condition: Condition) -> dict[str, Any]:
    """Return the groups of a condition; examples that no segment can say are left out."""
    try:
        return to_segment_groups(condition)
    except InvalidInputError as refused:
        assume("two levels" not in str(refused))
        assume("met by" not in str(refused))
        raise


@given(conditions)
def test_what_is_written_is_read_back_and_written_alike(condition: Condition) -> None:
    groups = written(condition)

    read = from_segment_groups(groups)

    assert to_segment_groups(read) == groups


@given(conditions)
def test_a_form_that_is_transformed_means_the_same(condition: Condition) -> None:
    """Of profiles that differ in the values that conditions compare."""
    read = from_segment_groups(written(condition))

    for profile in PROFILES:
        for segments in ((), SEGMENTS[:1], SEGMENTS):
            expected = evaluate(condition, profile, segments=segments)
            assert evaluate(read, profile, segments=segments) == expected
            assert evaluate(~condition, profile, segments=segments) != expected


PROFILES: list[dict[str, Any]] = [
    {},
    {"FirstName": "a", "LastName": "a", "Attributes": {"x": "1.0", "y": "1"}},
    {"FirstName": "ab", "Address": {"City": "ab"}, "BirthDate": "2000-01-01T23:00:00Z"},
    {"LastName": "B", "ProfileType": "ACCOUNT_PROFILE", "Attributes": {"n": "10", "x": "b"}},
    {"GenderString": "b", "Attributes": {"x": '["a", 1]', "y": "2000-01-01", "n": "946684800"}},
    {"ProfileType": "PROFILE", "BirthDate": "1.5", "Attributes": {"n": "1.5", "y": "ab"}},
    {"FirstName": "B", "LastName": "ab", "Address": {"City": "a"}, "Attributes": {"y": "10"}},
]


@given(st.lists(simple, min_size=1, max_size=6), st.sampled_from(["all", "any"]))
def test_conditions_joined_one_way_are_read_back_as_they_were(
    leaves: list[Condition], how: str
) -> None:
    condition = leaves[0]
    for leaf in leaves[1:]:
        condition = condition & leaf if how == "all" else condition | leaf

    assert from_segment_groups(to_segment_groups(condition)) == condition


@given(st.lists(st.lists(of_profiles, min_size=1, max_size=3), min_size=1, max_size=4))
def test_all_of_any_and_any_of_all_are_read_back_as_they_were(rows: list[list[Condition]]) -> None:
    all_of_any, any_of_all = where.everybody, ~where.everybody
    for row in rows:
        every, some = where.everybody, ~where.everybody
        for leaf in row:
            every, some = every & leaf, some | leaf
        all_of_any, any_of_all = all_of_any & some, any_of_all | every

    for condition in (all_of_any, any_of_all):
        assert from_segment_groups(to_segment_groups(condition)) == condition


@given(trees(of_objects))
def test_a_filter_is_read_back_and_means_the_same(condition: Condition) -> None:
    try:
        read = from_filter(to_filter(condition))
    except InvalidInputError as refused:
        assume("two levels" not in str(refused))
        assume("met by" not in str(refused))
        assume("2 groups of" not in str(refused))
        assume("leave it out" not in str(refused))
        raise

    for row in ({}, {"x": "a"}, {"x": "ab", "y": "B"}, {"n": "10", "y": "1.0"}):
        assert evaluate(read, row) == evaluate(condition, row)


@given(conditions)
def test_every_condition_can_be_explained_and_shown(condition: Condition) -> None:
    assert explain(condition)
    assert "'a'" not in repr(condition)


@pytest.fixture(scope="module")
def shop() -> Iterator[Domain]:
    with Engine(strict=True) as engine:
        domain = CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop")
        domain.segments.create("seg-a", where.last_name.is_in("a", "ab"))
        domain.segments.create("seg-b", where.attributes["y"].begins_with("1"))
        yield domain


@pytest.fixture(scope="module")
def people(shop: Domain) -> list[Profile]:
    return [shop.profiles.create(Profile.model_validate(wire)).refresh() for wire in PROFILES]


@settings(max_examples=300)
@given(conditions)
def test_the_engine_agrees(shop: Domain, people: list[Profile], condition: Condition) -> None:
    """The engine reads the groups, and has never seen the condition."""
    groups = written(condition)

    segment = shop.segments.create("drawn", groups)
    try:
        members = segment.members(people)
        expected = [evaluate(condition, person, segments=segments_of(person)) for person in people]
        assert [person in members for person in people] == expected
        assert shop.segments.estimate(condition).wait().count == sum(expected)
    finally:
        segment.delete()


def segments_of(person: Profile) -> list[str]:
    conditions = {
        "seg-a": where.last_name.is_in("a", "ab"),
        "seg-b": where.attributes["y"].begins_with("1"),
    }
    return [name for name, condition in conditions.items() if evaluate(condition, person)]

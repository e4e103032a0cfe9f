"""Merging: who is merged by which criteria, and whose values win."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.engine.matching.consolidation import consolidated
from customer_profiles.engine.profiles import merged_values
from customer_profiles.engine.profiles.merged_values import Part
from customer_profiles.engine.profiles.provenance import Source


def by(time: float, object_type: str = "Crm", ingested: float = 0.0) -> Source:
    """Return an object that set a value."""
    return Source(object_type, "", time, None, ingested)


NAMES_AND_EMAIL = ["FirstName", "LastName", "EmailAddress"]
SOURCE = {"ConflictResolvingModel": "SOURCE", "SourceName": "Shop"}


def part(name: str, changed: float = 0.0, **values: tuple[str, Source | None]) -> Part:
    sources = {(member,): source for member, (_, source) in values.items() if source}
    return Part(name, {member: value for member, (value, _) in values.items()}, sources, changed)


def test_the_documented_example_gives_jane_doe() -> None:
    mail = "doe@example.com"
    a = part("a", FirstName=("John", by(5)), LastName=("Doe", by(5)), EmailAddress=(mail, by(5)),
             PhoneNumber=("555-5555", by(7)))  # fmt: skip
    b = part("b", FirstName=("John", by(4)), LastName=("Doe", by(4)), EmailAddress=(mail, by(6)),
             PhoneNumber=("555-5556", by(4)))  # fmt: skip
    c = part("c", FirstName=("Jane", by(6)), LastName=("Doe", by(6)), EmailAddress=(mail, by(7)),
             PhoneNumber=("555-5555", by(6)))  # fmt: skip

    (one,) = consolidated([a, b, c], [NAMES_AND_EMAIL, ["PhoneNumber"]])
    assert one.ids == ("a", "b", "c")
    assert one.merged.values == {
        "FirstName": "Jane", "LastName": "Doe", "EmailAddress": mail, "PhoneNumber": "555-5555",
    }  # fmt: skip


def test_a_criterion_runs_on_what_the_one_before_made() -> None:
    a = part("a", FirstName=("Ada", by(1)), PhoneNumber=("1", by(1)))
    b = part("b", FirstName=("Ada", by(2)), PhoneNumber=("2", by(2)))
    c = part("c", PhoneNumber=("1", by(1)))

    found = consolidated([a, b, c], [["FirstName"], ["PhoneNumber"]])
    assert [one.ids for one in found] == [("a", "b"), ("c",)]


def test_a_criterion_that_nobody_meets_does_not_stop_the_next() -> None:
    a, b = (part(name, PhoneNumber=("1", by(1))) for name in "ab")

    (one,) = consolidated([a, b], [["FirstName", "LastName"], ["PhoneNumber"]])
    assert one.ids == ("a", "b")


def test_all_attributes_of_a_criterion_must_be_equal() -> None:
    a = part("a", FirstName=("Ada", by(1)), PhoneNumber=("1", by(1)))
    b = part("b", FirstName=("Ada", by(1)), PhoneNumber=("2", by(1)))

    found = consolidated([a, b], [["FirstName", "PhoneNumber"]])
    assert [one.ids for one in found] == [("a",), ("b",)]


def test_what_both_lack_is_not_equal() -> None:
    a, b = part("a", FirstName=("Ada", by(1))), part("b", FirstName=("Ada", by(1)))

    assert len(consolidated([a, b], [["FirstName", "PhoneNumber"]])) == 2


@pytest.mark.parametrize("name", ["Address.City", "Attributes.card.no", "Address"])
def test_parts_of_a_profile_are_compared_too(name: str) -> None:
    values = {"Address": {"City": "Bath"}, "Attributes": {"card.no": "7"}}
    other = {"Address": {"City": "York"}, "Attributes": {"card.no": "8"}}
    parts = [Part("a", values), Part("b", values), Part("c", other)]

    assert [it.ids for it in consolidated(parts, [[name]])] == [("a", "b"), ("c",)]


def test_the_latest_value_wins() -> None:
    old, new = part("a", FirstName=("Ada", by(1))), part("b", FirstName=("Eda", by(2)))

    assert merged_values.merged([old, new]).values == {"FirstName": "Eda"}
    assert merged_values.merged([old, new]).sources == {("FirstName",): by(2)}


def test_a_value_wins_over_none_however_late_that_is() -> None:
    old, new = part("a", FirstName=("Ada", by(1))), part("b", LastName=("King", by(9)))

    assert merged_values.merged([old, new]).values == {"FirstName": "Ada", "LastName": "King"}


def test_the_latest_value_of_the_source_wins() -> None:
    parts = [
        part("a", FirstName=("Ada", by(1, "Shop"))),
        part("b", FirstName=("Eda", by(2, "Shop"))),
        part("c", FirstName=("Ida", by(3, "Crm"))),
    ]

    assert merged_values.merged(parts, SOURCE).values == {"FirstName": "Eda"}
    assert merged_values.merged(parts).values == {"FirstName": "Ida"}


def test_without_the_source_the_latest_value_wins() -> None:
    parts = [part("a", FirstName=("Ada", by(1))), part("b", FirstName=("Eda", by(2)))]

    assert merged_values.merged(parts, SOURCE).values == {"FirstName": "Eda"}


@pytest.mark.parametrize("resolution", [None, SOURCE])
def test_what_was_set_by_hand_stays(resolution: dict[str, str] | None) -> None:
    by_hand = part("a", FirstName=("Ada", None))
    late = part("b", FirstName=("Eda", by(9, "Shop")), LastName=("King", by(9)))

    found = merged_values.merged([by_hand, late], resolution)
    assert found.values == {"FirstName": "Ada", "LastName": "King"}
    assert found.sources == {("LastName",): by(9)}


def test_between_hands_the_profile_that_changed_last_wins() -> None:
    parts = [part("a", 5.0, FirstName=("Ada", None)), part("b", 6.0, FirstName=("Eda", None))]

    assert merged_values.merged(parts).values == {"FirstName": "Eda"}


def test_addresses_are_not_mixed_and_attributes_are() -> None:
    city, country = ("Address", "City"), ("Address", "Country")
    x, y = ("Attributes", "x"), ("Attributes", "y")
    bath = {"Address": {"City": "Bath", "Country": "UK"}, "Attributes": {"x": "1"}}
    york = {"Address": {"City": "York"}, "Attributes": {"x": "2", "y": "3"}}
    a = Part("a", bath, {city: by(1), country: by(1), x: by(9)})
    b = Part("b", york, {city: by(2), x: by(1), y: by(1)})

    found = merged_values.merged([a, b])
    assert found.values == {"Address": {"City": "York"}, "Attributes": {"x": "1", "y": "3"}}
    assert found.sources == {city: by(2), x: by(9), y: by(1)}


def test_an_enum_and_its_free_text_come_from_one_profile() -> None:
    a = Part("a", {"Gender": "FEMALE"}, {("Gender",): by(2)})
    b = Part("b", {"GenderString": "male"}, {("GenderString",): by(1)})

    assert merged_values.merged([a, b]).values == {"Gender": "FEMALE"}


def test_merging_leaves_its_profiles_alone() -> None:
    a, b = (Part(name, {"Attributes": {name: "1"}}) for name in "ab")

    assert merged_values.merged([a, b]).values == {"Attributes": {"a": "1", "b": "1"}}
    assert (a.values, b.values) == ({"Attributes": {"a": "1"}}, {"Attributes": {"b": "1"}})


MAIN = Part("m", {"ProfileId": "m", "FirstName": "Ada", "Attributes": {"x": "1"}})
OTHER = Part(
    "o", {"ProfileId": "o", "FirstName": "Eda", "LastName": "King", "Attributes": {"x": "2"}}
)


def test_the_main_profile_s_value_is_taken_unless_told_otherwise() -> None:
    assert merged_values.chosen(MAIN, [OTHER], {}).values == {
        "FirstName": "Ada",
        "LastName": "King",
        "Attributes": {"x": "1"},
    }


def test_a_named_profile_s_value_is_taken() -> None:
    named = {"FirstName": "o", "Attributes": {"x": "o"}}

    assert merged_values.chosen(MAIN, [OTHER], named).values == {
        "FirstName": "Eda",
        "LastName": "King",
        "Attributes": {"x": "2"},
    }


def test_a_named_profile_s_missing_value_is_taken_too() -> None:
    found = merged_values.chosen(MAIN, [OTHER], {"LastName": "m"})

    assert found.values == {"FirstName": "Ada", "Attributes": {"x": "1"}}


def test_of_values_that_the_main_profile_lacks_the_first_counts() -> None:
    last = Part("p", {"LastName": "Byron"})

    assert merged_values.chosen(MAIN, [OTHER, last], {}).values["LastName"] == "King"
    assert merged_values.chosen(MAIN, [last, OTHER], {}).values["LastName"] == "Byron"


def test_what_is_taken_brings_who_set_it() -> None:
    other = part("o", LastName=("King", by(3)), FirstName=("Eda", by(4)))

    assert merged_values.chosen(MAIN, [other], {}).sources == {("LastName",): by(3)}


VALUES = st.tuples(st.sampled_from("xyz"), st.sampled_from([None, by(1), by(2), by(3)]))
PARTS = st.lists(
    st.dictionaries(st.sampled_from(["FirstName", "LastName", "PhoneNumber"]), VALUES), max_size=5
).map(lambda found: [part(str(n), **values) for n, values in enumerate(found)])
CRITERIA = st.lists(
    st.lists(st.sampled_from(["FirstName", "LastName", "PhoneNumber"]), min_size=1, max_size=2),
    max_size=3,
)


@given(PARTS, CRITERIA, st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_the_order_of_profiles(
    parts: list[Part], criteria: list[list[str]], dice: Any
) -> None:
    shuffled = dice.sample(parts, len(parts))

    assert merged_values.merged(parts).values == merged_values.merged(shuffled).values
    assert consolidated(parts, criteria) == consolidated(shuffled, criteria)


@given(PARTS, CRITERIA)
def test_consolidation_neither_loses_nor_repeats_a_profile_or_field(
    parts: list[Part], criteria: list[list[str]]
) -> None:
    found = consolidated(parts, criteria)

    assert sorted(one for it in found for one in it.ids) == [one.id for one in parts]
    named = {one.id: one for one in parts}
    for one in found:
        assert one.merged.values.keys() == {m for it in one.ids for m in named[it].values}

"""Rule-based matching: which profiles match, at which level, in which groups."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.engine.matching import rule_keys
from customer_profiles.engine.matching.rule_keys import Group, RuleKey, Rules

from .rule_groups import groups, level_between, to_merge

EMAILS = ["EmailAddress", "BusinessEmailAddress"]


def ruled(*levels: list[str], **selector: Any) -> Rules:
    """Return rules of these levels, compared in all e-mail addresses unless told otherwise."""
    selector = {"AttributeMatchingModel": "ONE_TO_ONE", "EmailAddress": EMAILS} | selector
    return Rules.of(
        {
            "Enabled": True,
            "MatchingRules": [{"Rule": rule} for rule in levels],
            "MaxAllowedRuleLevelForMerging": 1,
            "AttributeTypesSelector": selector,
        }
    )


def grouped(profiles: dict[str, dict[str, Any]], applied: Rules) -> list[Group[str]]:
    return groups({name: rule_keys.keys_of(one, applied) for name, one in profiles.items()})


def test_any_of_the_sub_types_suffices_one_to_one() -> None:
    one = {"EmailAddress": "a@example.com", "BusinessEmailAddress": "work@example.com"}
    other = {"EmailAddress": "b@example.com", "BusinessEmailAddress": "work@example.com"}

    assert level_between(one, other, ruled(["EmailAddress"])) == 1


def test_sub_types_do_not_cross_one_to_one() -> None:
    one, other = {"EmailAddress": "a@example.com"}, {"BusinessEmailAddress": "a@example.com"}

    assert level_between(one, other, ruled(["EmailAddress"])) is None


def test_sub_types_cross_many_to_many() -> None:
    one, other = {"EmailAddress": "a@example.com"}, {"BusinessEmailAddress": "a@example.com"}
    crossing = ruled(["EmailAddress"], AttributeMatchingModel="MANY_TO_MANY")

    assert level_between(one, other, crossing) == 1


def test_a_sub_type_that_is_not_chosen_is_not_compared() -> None:
    one = {"PersonalEmailAddress": "a@example.com"}

    assert level_between(one, one, ruled(["EmailAddress"])) is None


def test_without_a_selector_the_plain_member_is_compared() -> None:
    plain = Rules.of({"Enabled": True, "MatchingRules": [{"Rule": ["PhoneNumber"]}]})

    assert level_between({"PhoneNumber": "1"}, {"PhoneNumber": "1"}, plain) == 1
    assert level_between({"HomePhoneNumber": "1"}, {"HomePhoneNumber": "1"}, plain) is None


@pytest.mark.parametrize("other", [{"FirstName": "Ada"}, {"FirstName": "Ada", "LastName": "K"}])
def test_all_attributes_of_a_level_must_be_there_and_equal(other: dict[str, Any]) -> None:
    ada = {"FirstName": "Ada", "LastName": "King"}

    assert level_between(ada, ada, ruled(["FirstName", "LastName"])) == 1
    assert level_between(ada, other, ruled(["FirstName", "LastName"])) is None


def test_what_both_lack_is_no_match() -> None:
    assert level_between({"FirstName": ""}, {"FirstName": ""}, ruled(["FirstName"])) is None


def test_the_strongest_level_counts() -> None:
    ada = {"FirstName": "Ada", "EmailAddress": "a@example.com"}

    assert level_between(ada, ada, ruled(["EmailAddress"], ["FirstName"])) == 1
    assert level_between(ada, {"FirstName": "Ada"}, ruled(["EmailAddress"], ["FirstName"])) == 2


def test_a_custom_attribute_is_compared() -> None:
    one = {"Attributes": {"card.no": "7"}}

    assert level_between(one, one, ruled(["Attributes.card.no"])) == 1
    assert (
        level_between(one, {"Attributes": {"card.no": "8"}}, ruled(["Attributes.card.no"])) is None
    )


def test_the_members_of_an_address_are_compared_in_one_address() -> None:
    places = ruled(["Address.City", "Address.PostalCode"], Address=["Address", "ShippingAddress"])
    home, other = {"City": "Bath", "PostalCode": "BA1"}, {"City": "York", "PostalCode": "YO1"}
    mixed = {"City": "Bath", "PostalCode": "YO1"}
    one = {"Address": home, "ShippingAddress": other}

    assert level_between(one, {"ShippingAddress": other}, places) == 1
    assert level_between(one, {"Address": mixed}, places) is None


def test_the_service_s_own_names_of_addresses_are_known() -> None:
    chosen = ["BusinessAddress", "MaillingAddress"]
    places = ruled(["Address.City"], Address=chosen, AttributeMatchingModel="MANY_TO_MANY")
    billing, mailing = {"BillingAddress": {"City": "Bath"}}, {"MailingAddress": {"City": "Bath"}}

    assert level_between(billing, mailing, places) == 1


def test_the_lines_of_an_address_are_compared_together() -> None:
    one = {"Address": {"Address1": "1 High St", "Address2": "Flat 2"}}
    other = {"Address": {"Address1": "1 High St"}}

    assert level_between(one, one, ruled(["Address.Address"])) == 1
    assert level_between(one, other, ruled(["Address.Address"])) is None


def test_values_cannot_run_into_each_other() -> None:
    one, other = {"FirstName": 'A","B', "LastName": "C"}, {"FirstName": "A", "LastName": 'B","C'}

    assert level_between(one, other, ruled(["FirstName", "LastName"])) is None


def test_levels_beyond_the_greatest_that_matches_are_left_out() -> None:
    config = {
        "Enabled": True,
        "MatchingRules": [{"Rule": ["EmailAddress"]}, {"Rule": ["FirstName"]}],
        "MaxAllowedRuleLevelForMatching": 1,
        "MaxAllowedRuleLevelForMerging": 2,
    }

    assert rule_keys.keys_of({"FirstName": "Ada"}, Rules.of(config)) == []
    assert Rules.of(config).merge_level == 1


def test_rules_that_are_not_enabled_match_nothing() -> None:
    config = {"Enabled": False, "MatchingRules": [{"Rule": ["FirstName"]}]}

    assert rule_keys.keys_of({"FirstName": "Ada"}, Rules.of(config)) == []


def test_a_domain_without_rules_has_default_ones() -> None:
    ada = {"FirstName": "Ada", "LastName": "King", "EmailAddress": "a@example.com"}

    assert level_between(ada, ada, Rules.of({"Enabled": True})) == 2


def test_a_value_that_more_than_500_have_matches_nobody_by_itself() -> None:
    (key,) = rule_keys.keys_of({"FirstName": "Ada"}, ruled(["FirstName"]))

    values = rule_keys.values_of(key)
    assert rule_keys.is_too_common(values, lambda _: 501)
    assert not rule_keys.is_too_common(values, lambda _: 500)
    assert rule_keys.too_common_message(1) == (
        "All attributes at rule level 1 are associated with more than 500 records."
    )


def test_one_rare_value_keeps_a_level_open() -> None:
    (key,) = rule_keys.keys_of(
        {"FirstName": "Ada", "LastName": "King"}, ruled(["FirstName", "LastName"])
    )
    first, last = values = sorted(rule_keys.values_of(key))

    assert not rule_keys.is_too_common(values, {first: 9000, last: 2}.__getitem__)
    assert rule_keys.is_too_common(values, {first: 9000, last: 501}.__getitem__)


def test_unknown_attributes_and_sub_types_are_named() -> None:
    config = {
        "Enabled": True,
        "MatchingRules": [
            {"Rule": ["EmailAddress", "Attributes.x"]},
            {"Rule": ["Emial", "Address"]},
        ],
        "AttributeTypesSelector": {"Address": ["Address", "HomeAddress"]},
    }
    told = rule_keys.problems(config)

    assert [text.split(" is no ")[0] for text in told] == [
        "MatchingRules: 'Emial' at rule level 2",
        "MatchingRules: 'Address' at rule level 2",
        "AttributeTypesSelector: 'HomeAddress'",
    ]


def test_a_profile_moves_to_a_better_group_when_there_is_one() -> None:
    applied = ruled(["EmailAddress"], ["FirstName"])
    profiles = {
        "a": {"FirstName": "Ada", "EmailAddress": "a@example.com"},
        "b": {"FirstName": "Ada"},
    }
    assert grouped(profiles, applied) == [Group(2, ("a", "b"))]

    profiles["c"] = {"EmailAddress": "a@example.com"}
    assert grouped(profiles, applied) == [Group(1, ("a", "c")), Group(2, ("a", "b", "c"))]


def test_only_levels_that_merge_bring_profiles_together() -> None:
    applied = ruled(["EmailAddress"], ["FirstName"])
    profiles = {
        "a": {"EmailAddress": "a@example.com", "FirstName": "Ada"},
        "b": {"EmailAddress": "a@example.com"},
        "c": {"FirstName": "Ada"},
    }
    keys = {name: rule_keys.keys_of(one, applied) for name, one in profiles.items()}

    assert to_merge(keys, applied) == [("a", "b")]


FEW = st.sampled_from(["x", "y", "z"])
ADDRESSES = st.dictionaries(st.sampled_from(["City", "PostalCode"]), FEW)
PROFILES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["FirstName", "EmailAddress", "BusinessEmailAddress"], FEW),
        **dict.fromkeys(["Address", "ShippingAddress"], ADDRESSES),
        "Attributes": st.dictionaries(st.just("tier"), FEW),
    },
)
ATTRIBUTES = ["FirstName", "EmailAddress", "Address.City", "Address.PostalCode", "Attributes.tier"]
LEVELS = st.lists(
    st.lists(st.sampled_from(ATTRIBUTES), min_size=1, max_size=3), min_size=1, max_size=3
)
MODELS = st.sampled_from(["ONE_TO_ONE", "MANY_TO_MANY"])
PLACES = ["Address", "ShippingAddress"]


def applied_of(levels: list[list[str]], model: str) -> Rules:
    return ruled(*levels, AttributeMatchingModel=model, Address=PLACES)


def naive_match(one: Any, other: Any, rule: list[str], model: str) -> bool:
    """Compare two profiles as the documentation says, without keys."""
    pairs = itertools.product(range(2), range(2)) if model == "MANY_TO_MANY" else [(0, 0), (1, 1)]
    pairs = list(pairs)

    def equal(left: Any, right: Any) -> bool:
        return bool(left) and left == right

    def alike(name: str) -> bool:
        if name == "EmailAddress":
            return any(equal(one.get(EMAILS[i]), other.get(EMAILS[j])) for i, j in pairs)
        if name == "Attributes.tier":
            tiers = [it.get("Attributes", {}).get("tier") for it in (one, other)]
            return equal(*tiers)
        return equal(one.get(name), other.get(name))

    wanted = [name.removeprefix("Address.") for name in rule if name.startswith("Address.")]
    placed = not wanted or any(
        all(
            equal(one.get(PLACES[i], {}).get(name), other.get(PLACES[j], {}).get(name))
            for name in wanted
        )
        for i, j in pairs
    )
    return placed and all(alike(name) for name in rule if not name.startswith("Address."))


@given(PROFILES, PROFILES, LEVELS, MODELS)
def test_keys_match_whom_the_documented_sentences_match(
    one: Any, other: Any, levels: list[list[str]], model: str
) -> None:
    applied = applied_of(levels, model)
    naive = [n for n, rule in enumerate(levels, 1) if naive_match(one, other, rule, model)]

    shared = {*rule_keys.keys_of(one, applied)} & {*rule_keys.keys_of(other, applied)}
    assert {key.level for key in shared} == {*naive}
    assert level_between(one, other, applied) == min(naive, default=None)
    assert level_between(other, one, applied) == min(naive, default=None)


@given(st.lists(PROFILES, max_size=8), LEVELS, MODELS, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_profiles(
    profiles: list[Any], levels: list[list[str]], model: str, dice: Any
) -> None:
    named = [(str(n), one) for n, one in enumerate(profiles)]
    shuffled = dice.sample(named, len(named))

    applied = applied_of(levels, model)
    assert grouped(dict(named), applied) == grouped(dict(shuffled), applied)


def naive_groups(profiles: list[Any], levels: list[list[str]], model: str) -> set[Group[int]]:
    """Group by comparing all pairs, level by level, until nothing more can be reached."""

    def level_of(i: int, j: int) -> float:
        met = (
            n for n, r in enumerate(levels, 1) if naive_match(profiles[i], profiles[j], r, model)
        )
        return min(met, default=99)

    everyone, found = range(len(profiles)), set()
    for start in everyone:
        best = min((level_of(start, j) for j in everyone if j != start), default=99)
        reached = {start}
        while best < 99:
            more = {j for i in reached for j in everyone if level_of(i, j) <= best} | reached
            if more == reached:
                found.add(Group(int(best), tuple(sorted(reached))))
                break
            reached = more
    return found


@given(st.lists(PROFILES, max_size=7), LEVELS, MODELS)
def test_groups_are_those_of_all_pairs(
    profiles: list[Any], levels: list[list[str]], model: str
) -> None:
    keys = {n: rule_keys.keys_of(one, applied_of(levels, model)) for n, one in enumerate(profiles)}

    found = groups(keys)
    assert len(found) == len({*found})
    assert {*found} == naive_groups(profiles, levels, model)


@given(st.lists(PROFILES, max_size=8), LEVELS, MODELS)
def test_the_group_of_one_profile_is_that_of_all_groups(
    profiles: list[Any], levels: list[list[str]], model: str
) -> None:
    keys = {n: rule_keys.keys_of(one, applied_of(levels, model)) for n, one in enumerate(profiles)}

    def holders(key: RuleKey) -> list[int]:
        return [n for n, held in keys.items() if key in held]

    own = {n: rule_keys.group_of(n, keys.__getitem__, holders) for n in keys}
    assert {one for one in own.values() if one} == {*groups(keys)}
    assert all(n in one.ids for n, one in own.items() if one)

"""Each rule of object types: where it is broken, and that both sides have words for it."""

from __future__ import annotations

from typing import Any

import pytest

from customer_profiles._type_rules import Rule, source_path, violations
from customer_profiles.mapping import rules

ID = {"Source": "_source.id"}
UNIQUE = {"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "PROFILE"]}


def key(*identifiers: str, fields: tuple[str, ...] = ("id",)) -> dict[str, Any]:
    return {"FieldNames": list(fields), "StandardIdentifiers": list(identifiers)}


def with_field(name: str, **field: str) -> dict[str, Any]:
    return {"Fields": {"id": ID, name: {"Source": "_source.x"} | field}}


def with_key(name: str, *definitions: dict[str, Any]) -> dict[str, Any]:
    return {"Keys": {"k": [UNIQUE], name: list(definitions)}}


LOOKED_UP = key("PROFILE", "LOOKUP_ONLY")
TARGET = ("Fields", "f", "Target")
GENDERS = {
    "a": ID | {"Target": "_profile.Gender"},
    "b": ID | {"Target": "_profile.GenderString"},
}
BROKEN: list[tuple[Rule, dict[str, Any], tuple[str | int, ...]]] = [
    (Rule.TYPE_NAME, {"ObjectTypeName": "_own"}, ("ObjectTypeName",)),
    (Rule.FIELD_COUNT, {"Fields": {"id": ID} | {f"f{n}": ID for n in range(250)}}, ("Fields",)),
    (Rule.FIELD_RESERVED, with_field("tags"), ("Fields", "tags")),
    (Rule.FIELD_NAME, with_field("1st"), ("Fields", "1st")),
    (Rule.SOURCE, with_field("f", Source="x"), ("Fields", "f", "Source")),
    (Rule.TARGET_OBJECT, with_field("f", Target="_person.Name"), TARGET),
    (Rule.TARGET_MEMBER, with_field("f", Target="_profile"), TARGET),
    (Rule.TARGET_ID, with_field("f", Target="_profile.ProfileId"), TARGET),
    (Rule.TARGET_FILLED, with_field("f", Target="_profile.FoundByItems[].KeyName"), TARGET),
    (Rule.TARGET_PATH, with_field("f", Target="_profile.FristName"), TARGET),
    (Rule.TARGETS_EXCLUSIVE, {"Fields": {"id": ID} | GENDERS}, ("Fields", "b", "Target")),
    (
        Rule.TIMESTAMP_FORMAT,
        {"SourceLastUpdatedTimestampFormat": "qq"},
        ("SourceLastUpdatedTimestampFormat",),
    ),
    (
        Rule.TIMESTAMP_FORMAT_MISSING,
        with_field("f", Target="_profile.SourceLastUpdatedTimestamp"),
        TARGET,
    ),
    (Rule.KEY_COUNT, with_key("l", *[key()] * 10), ("Keys",)),
    (Rule.KEY_RESERVED, with_key("Tags", key()), ("Keys", "Tags", 0)),
    (Rule.KEY_NAME, with_key("l.m", key()), ("Keys", "l.m", 0)),
    (Rule.KEY_PREDEFINED, with_key("_own", key()), ("Keys", "_own", 0)),
    (Rule.KEY_EMPTY, with_key("l"), ("Keys", "l")),
    (Rule.KEY_FIELDS_MISSING, with_key("l", key(fields=())), ("Keys", "l", 0)),
    (Rule.KEY_FIELD_UNKNOWN, with_key("l", key(fields=("x",))), ("Keys", "l", 0)),
    (
        Rule.KEY_FIELD_DOT,
        with_field("f.g") | with_key("l", key(fields=("f.g",))),
        ("Keys", "l", 0),
    ),
    (Rule.KEY_LOOKED_UP, with_key("_caseId", key("PROFILE")), ("Keys", "_caseId", 0)),
    (
        Rule.KEY_UNIQUE_STORED,
        {"Keys": {"k": [key("UNIQUE", "PROFILE", "NEW_ONLY")]}},
        ("Keys", "k", 0),
    ),
    (
        Rule.KEY_CONTENT_TYPES,
        with_field("f", ContentType="NUMBER") | with_key("l", key(), key(fields=("f",))),
        ("Keys", "l", 1),
    ),
    (Rule.UNIQUE_MISSING, {"Keys": {"k": [key("PROFILE")]}}, ("Keys",)),
    (Rule.UNIQUE_SEVERAL, with_key("l", key(), key("UNIQUE")), ("Keys", "l", 1)),
    (Rule.PROFILE_MISSING, {"Keys": {"k": [key("UNIQUE")]}}, ("Keys",)),
    (
        Rule.PROFILE_STORED,
        {"AllowProfileCreation": True, "Keys": {"k": [key("UNIQUE")], "l": [LOOKED_UP]}},
        ("Keys", "l", 0),
    ),
    (Rule.IDENTIFIER_MISSING, with_field("f", Target="_order.Name"), TARGET),
]


def test_an_object_type_that_follows_the_rules_breaks_none() -> None:
    assert list(violations({"Fields": {"id": ID}, "Keys": {"k": [UNIQUE]}})) == []


@pytest.mark.parametrize(("rule", "change", "path"), BROKEN, ids=lambda value: str(value)[:30])
def test_a_broken_rule_is_found_where_it_is_broken(
    rule: Rule, change: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    definition = {"Fields": {"id": ID}, "Keys": {"k": [UNIQUE]}} | change
    (violation,) = violations(definition)

    assert (violation.rule, violation.path) == (rule, path)
    for spell in (rules._spell, str):
        assert violation.message(spell)


def test_every_rule_is_broken_above() -> None:
    assert [rule for rule, _, _ in BROKEN] == list(Rule)


def test_all_violations_of_a_strange_definition_are_found() -> None:
    definition = {
        "Fields": {"1": {"Source": "x", "Target": "_x"}, "id": {"Target": "_order.Name"}},
        "Keys": {"_own": [{"FieldNames": ["no"]}, {}], "tags": []},
    }

    assert [violation.rule for violation in violations(definition)] == [
        Rule.FIELD_NAME,
        Rule.SOURCE,
        Rule.TARGET_OBJECT,
        Rule.KEY_PREDEFINED,
        Rule.KEY_FIELD_UNKNOWN,
        Rule.KEY_FIELDS_MISSING,
        Rule.KEY_RESERVED,
        Rule.KEY_EMPTY,
        Rule.UNIQUE_MISSING,
        Rule.PROFILE_MISSING,
        Rule.IDENTIFIER_MISSING,
    ]


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ("_source.a", [["a"]]),
        ("_source.a b.c", [["a b", "c"]]),
        ("_source.a[].b.c", [["a"], ["b", "c"]]),
        ("_source.a[]", [["a"], []]),
    ],
)
def test_a_source_is_split_at_its_arrays(source: str, groups: list[list[str]]) -> None:
    assert source_path(source) == groups


@pytest.mark.parametrize("source", ["", "a", "_source", "_source.", "_source.a..b", "_source.a[0]"])
def test_a_source_that_is_no_path_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"use a path such as _source\.a\.b"):
        source_path(source)

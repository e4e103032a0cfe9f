import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.engine import Refusal
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.mapping import KeyValue, Mapping
from customer_profiles.engine.profiles import keys

PUBLISHED = sorted((Path(__file__).parents[1] / "data/mappings").glob("*.json"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner),
    max_leaves=20,
)
SOURCES = st.sampled_from(
    [
        "_source.a", "_source.a.b", "_source.a[].b", "_source.c[]", "_source.d.0", "plain", "{{a}}",
        "{{#each _source.a}}{{b}}{{this}}{{../x}}{{/each}}", "{{_source.a}} {{_source.b}}",
        "{{#with _source.a}}{{b}}{{/with}}{{#if _source.c}}x{{/if}}", "{{#if _source.a}}",
    ]
)  # fmt: skip
TARGETS = st.sampled_from(
    [
        "_profile.FirstName", "_profile.Gender", "_profile.ProfileType", "_profile.Address.City",
        "_profile.Attributes.x", "_profile.EngagementPreferences.Email", "_profile.ProfileId",
        "_profile.SourceLastUpdatedTimestamp", "_order.OrderItems[].Title", "_asset.Nothing",
        "_airSegment.Baggage.IsHeavy", "_communicationRecord.Events.{a}.Attributes.{{_source.b}}",
        "_webAnalytics.EventTimestamp", "_webAnalytics.Item.Id",
    ]
)  # fmt: skip
KINDS = st.sampled_from(["STRING", "NUMBER", "PHONE_NUMBER", "EMAIL_ADDRESS", "NAME"])
FIELD = st.fixed_dictionaries(
    {"Source": SOURCES}, optional={"Target": TARGETS, "ContentType": KINDS}
)
IDENTIFIERS = ["UNIQUE", "PROFILE", "ORDER", "AIR_SEGMENT", "WEB_ANALYTICS"]


def read(source, targets, **definition):
    fields = {
        f"f{at}": {"Source": f"_source.{name}", "Target": target}
        for at, (name, target) in enumerate(targets)
    }
    return Mapping({"Fields": fields, **definition}).read(source)


def key_of(content_types, source, name="k"):
    fields = {
        part: {"Source": f"_source.{part}", "ContentType": kind}
        for part, kind in content_types.items()
    }
    key = {"FieldNames": list(fields), "StandardIdentifiers": ["PROFILE"]}
    return Mapping({"Fields": fields, "Keys": {name: [key]}}).read(source).keys


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_published_mapping_loads_and_fills_every_target(path):
    definition = json.loads(path.read_text())
    compiled_types.check(definition, {})
    source = {field["Source"].split(".")[1]: "x" for field in definition["Fields"].values()}
    reading = Mapping(definition).read(source)

    targets = [field["Target"] for field in definition["Fields"].values() if "Target" in field]
    assert set(reading.standard) == {target.partition(".")[0] for target in targets}
    assert len(reading.keys) == len(definition["Keys"])
    assert reading.own_key[1] == "x"


def test_all_seven_published_mappings_are_there():
    assert len(PUBLISHED) == 7


def test_empty_values_are_not_written():
    targets = [("a", "_profile.FirstName"), ("b", "_profile.LastName"), ("c", "_asset.Status")]
    assert read({"a": "", "b": None}, targets).standard == {}


def test_values_are_nested_as_their_targets_say():
    targets = [("c", "_profile.Address.City"), ("t", "_profile.Attributes.Tier A.b")]
    reading = read({"c": "Bonn", "t": 3}, targets)
    profile = {"Address": {"City": "Bonn"}, "Attributes": {"Tier A.b": "3"}}
    assert reading.standard == {"_profile": profile}


def test_several_fields_fill_the_items_of_a_list_by_position():
    targets = [("i[].t", "_order.OrderItems[].Title"), ("i[].p", "_order.OrderItems[].Price")]
    reading = read({"i": [{"t": "Pen", "p": 2}, {"t": ""}, {"p": 3}]}, targets)
    assert reading.standard["_order"]["OrderItems"] == [
        {"Title": "Pen", "Price": "2"},
        {"Price": "3"},
    ]


def test_a_single_value_makes_a_list_of_one_item():
    reading = read({"heavy": True}, [("heavy", "_airSegment.Baggage.IsHeavy")])
    assert reading.standard == {"_airSegment": {"Baggage": [{"IsHeavy": "true"}]}}


def test_of_two_fields_with_one_target_the_last_that_is_not_empty_wins():
    targets = [("a", "_case.Title"), ("b", "_case.Title"), ("c", "_case.Title")]
    assert read({"a": "1", "b": "2", "c": ""}, targets).standard == {"_case": {"Title": "2"}}


@pytest.mark.parametrize(
    ("value", "profile"),
    [("female", {"Gender": "FEMALE"}), ("Other", {"GenderString": "Other"}), ("", None)],
)
def test_a_gender_outside_the_enum_is_kept_as_text(value, profile):
    assert read({"g": value}, [("g", "_profile.Gender")]).standard.get("_profile") == profile


def test_a_profile_type_that_does_not_exist_is_dropped():
    assert read({"p": "ROBOT"}, [("p", "_profile.ProfileType")]).standard == {}


def test_text_that_is_too_long_for_its_member_is_cut():
    reading = read({"n": "x" * 300}, [("n", "_profile.FirstName"), ("n", "_order.Name")])
    assert len(reading.standard["_profile"]["FirstName"]) == 255
    assert len(reading.standard["_order"]["Name"]) == 300


def test_an_event_is_filed_under_the_type_that_the_source_names():
    targets = [("id", "_communicationRecord.Events.{type}.Attributes.{{_source.name}}")]
    reading = read({"id": 1, "type": "Open", "name": "link"}, targets)
    events = {"Open": {"Attributes": {"link": "1"}}}
    assert reading.standard == {"_communicationRecord": {"Events": events}}
    assert read({"id": 1, "name": "link"}, targets).standard == {}


def test_contact_preferences_are_read_from_json_text():
    good = {"KeyName": "CustomerId", "KeyValue": "7", "ContactType": "EmailAddress"}
    text = json.dumps([good, {"ContactType": "Pigeon"}, 5])
    reading = read({"e": text}, [("e", "_profile.EngagementPreferences.Email")])
    assert reading.standard == {"_profile": {"EngagementPreferences": {"Email": [good]}}}


def test_contact_preferences_that_are_none_are_dropped():
    assert read({"e": "call me"}, [("e", "_profile.EngagementPreferences.Phone")]).standard == {}


def test_a_number_that_is_none_is_dropped():
    targets = [("w", "_device.ScreenWidth"), ("h", "_device.ScreenHeight")]
    assert read({"w": "1.5", "h": "tall"}, targets).standard == {"_device": {"ScreenWidth": 1.5}}


@pytest.mark.parametrize(("value", "timestamp"), [(1500, 1.5), ("soon", None), (None, None)])
def test_the_timestamp_of_the_profile_is_the_timestamp_of_the_object(value, timestamp):
    targets = [("t", "_profile.SourceLastUpdatedTimestamp")]
    reading = read({"t": value}, targets, SourceLastUpdatedTimestampFormat="EpochMilli")
    assert reading.timestamp == timestamp
    assert reading.standard == {}


def test_a_stored_format_that_is_refused_now_gives_no_timestamp():
    targets = [("t", "_profile.SourceLastUpdatedTimestamp")]
    reading = read({"t": "2024-02-29"}, targets, SourceLastUpdatedTimestampFormat="uuuu-MM-dd")
    assert reading.timestamp is None


def test_a_key_has_its_value_as_written_and_in_normal_form():
    (key,) = key_of({"mail": "EMAIL_ADDRESS"}, {"mail": "Ada@Example.com"})
    assert key == KeyValue("k", "Ada@Example.com", "ada@example.com", frozenset({"PROFILE"}))


def test_a_key_of_several_fields_joins_their_values_by_a_space():
    (key,) = key_of({"name": "NAME", "zip": "STRING"}, {"name": "Ada  KING", "zip": "N1"})
    assert (key.value, key.normal) == ("Ada  KING N1", "ada king N1")


def test_a_key_with_a_field_that_is_empty_is_not_there():
    assert key_of({"name": "NAME", "zip": "STRING"}, {"name": "Ada", "zip": None}) == []
    assert key_of({"mail": "EMAIL_ADDRESS"}, {"mail": "  "}) == []


def test_a_predefined_key_compares_as_its_own_kind():
    (key,) = key_of({"phone": "STRING"}, {"phone": "+1 (206) 555-0100"}, "_phone")
    assert key.normal == keys.normalize("_phone", "2065550100")


def test_several_definitions_of_one_key_give_several_values():
    fields = {name: {"Source": f"_source.{name}"} for name in ("a", "b")}
    definitions = [{"FieldNames": ["a"], "StandardIdentifiers": ["UNIQUE"]}, {"FieldNames": ["b"]}]
    reading = Mapping({"Fields": fields, "Keys": {"k": definitions}}).read({"a": 1, "b": 2})
    assert [key.value for key in reading.keys] == ["1", "2"]
    assert reading.own_key[1] == "1"


def test_content_types_fill_an_inferred_profile():
    source = {"a": "a@example.com", "b": "b@example.com", "c": "2065550100"}
    kinds = {"a": "EMAIL_ADDRESS", "b": "EMAIL_ADDRESS", "c": "PHONE_NUMBER"}
    fields = {name: {"Source": f"_source.{name}", "ContentType": kinds[name]} for name in kinds}
    inferred = Mapping({"Fields": fields}).read(source).inferred
    assert inferred == {"EmailAddress": "a@example.com", "PhoneNumber": "2065550100"}


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0"), ("+01.50", "1.5"), ("1e3", "1000"), ("-0", "0"), (" 7 ", "7.")]
)
def test_numbers_are_compared_by_their_value(one, other):
    assert keys.normalize_as("NUMBER", one) == keys.normalize_as("NUMBER", other)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(-9, 9, places=3))
def test_two_numbers_have_one_normal_form_only_if_they_are_equal(one, other):
    same = keys.normalize_as("NUMBER", str(one)) == keys.normalize_as("NUMBER", str(other))
    assert same == (one == other)


@given(KINDS, st.text())
def test_normalising_a_content_type_twice_changes_nothing(kind, value):
    once = keys.normalize_as(kind, value)
    assert keys.normalize_as(kind, once) == once


@given(st.lists(FIELD, min_size=1, max_size=6), st.dictionaries(st.sampled_from("abcd"), JSON))
def test_what_is_accepted_compiles_and_reads_any_object(fields, source):
    named = {f"f{at}": field for at, field in enumerate(fields)}
    key = {"FieldNames": ["f0"], "StandardIdentifiers": IDENTIFIERS}
    how = {"SourceLastUpdatedTimestampFormat": "EpochMilli"}
    definition = {"Fields": named, "Keys": {"k": [key]}, **how}
    try:
        compiled_types.check(definition, {})
    except Refusal:
        return
    reading = Mapping(definition).read(source)
    assert all(reading.standard.values())
    assert all(key.value and key.normal for key in reading.keys)

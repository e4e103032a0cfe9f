"""The engine answers of audiences what plain functions over dicts answer, whatever happens before.

The model is told what a domain holds by BatchGetProfile and ListProfileObjects, which tests of
their own cover; what calculated attributes and segments make of it, it works out by itself.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import ExitStack, closing

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws
from pyarrow import orc

from customer_profiles.engine import Engine, ManualClock, Refusal

from .naive_audiences import DAY, Audiences, Definition, Thing, instant, number, value_of

START = 1_700_000_000
BUCKET = "audiences"
ROLE = "arn:aws:iam::000000000000:role/exports"
UNKNOWN = "f" * 32

# --- what is in the domain ---

FIELDS = {
    "id": "id",
    "owner": "owner",
    "total": "total",
    "amount": "price",
    "price.net": "net",
    "status": "status",
    "rank": "deep.rank",
}
"""The fields of both types of objects: the path of each by its name."""
TYPES = ("Order", "Order", "Visit")
WORDS = st.sampled_from(["a", "ab", "b", "B", "10", "2.5", "9", "true", "é", ""])
NUMBERS = ["5", "7.5", "-3", "0", "10", "+1", ".5", "1e2", "100.10", 2, 2.5, 0, -1, 7.0]
ODD = ["x", "", None, True, "2023-11-15", "NaN", "1_0", [1], {"k": 1}]
# Most values are usable, so that most objects count.
SCALARS = st.sampled_from(3 * NUMBERS + ODD)
# Moments around the beginning of the test, in milliseconds, as ISO 8601, and unreadable ones.
AHEAD = [-35, -20, -10, -5, -1, -0.5, 0, 1, 5, 20]
EPOCHS = [int(START + ahead * DAY) * 1000 for ahead in AHEAD]
MOMENTS = st.sampled_from([*EPOCHS, *map(str, EPOCHS), "soon", "", None])
ISO = st.sampled_from(
    [
        *("2023-11-14T22:13:20Z", "2023-11-01T00:00:00Z", "2023-12-01T10:00:00+02:00"),
        *("2023-10-20T00:00:00-0500", "2023-11-14", "2023-11-20T12:30:00.250Z", "never", ""),
    ]
)
CONTENTS = st.fixed_dictionaries(
    {
        "total": SCALARS,
        "status": st.sampled_from(["open", "closed", "open", "Open", "", None]),
        "at": MOMENTS,
        "when": ISO,
        "price": SCALARS,
    },
    optional={
        "net": SCALARS,
        "deep": st.fixed_dictionaries({"rank": SCALARS, "a": WORDS}),
    },
)
DATES = st.sampled_from(
    ["2023-11-01", "1990-05-01", "1990-05-01T12:00:00Z", "1990-05-01T23:30:00-02:00", "2000-01-01"]
)
UNREADABLE = st.sampled_from(["", "01/05/1990", "May", "2023-02-30"])
MEMBERS = st.fixed_dictionaries(
    {
        "FirstName": WORDS,
        "LastName": WORDS,
        "BirthDate": DATES | UNREADABLE,
        "Address": st.fixed_dictionaries({"City": WORDS}, optional={"Country": WORDS}),
        "Attributes": st.fixed_dictionaries({"x": WORDS | DATES}, optional={"y.z": WORDS}),
    },
    optional={
        "ProfileType": st.sampled_from(["PROFILE", "ACCOUNT_PROFILE"]),
        "GenderString": st.sampled_from(["MALE", "other"]),
    },
)
PEOPLE = st.lists(
    st.tuples(
        MEMBERS, st.lists(st.tuples(st.sampled_from(TYPES), CONTENTS), min_size=2, max_size=6)
    ),
    min_size=3,
    max_size=5,
)


def without_empty(members):
    """Return what CreateProfile takes of members: no empty texts."""
    pruned = {
        name: without_empty(value) if isinstance(value, dict) else value
        for name, value in members.items()
    }
    return {name: value for name, value in pruned.items() if value not in ("", {})}


# --- conditions ---

TEXT_OPERATORS = ["INCLUSIVE", "EXCLUSIVE", "CONTAINS", "BEGINS_WITH", "ENDS_WITH"]
DATE_OPERATORS = ["BEFORE", "AFTER", "ON"]
NUMBER_OPERATORS = ["EQUAL", "GREATER_THAN", "LESS_THAN"]
NUMBER_OPERATORS += ["GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL"]
RANGES = ["BETWEEN", "NOT_BETWEEN"]
LISTS = ["LIST_CONTAINS", "LIST_CONTAINS_ALL"]
REFERENCES = st.sampled_from(
    ["FirstName", "LastName", "Address.City", "Attributes.x", "BirthDate"]
).map("{{{{_profile.{}}}}}".format)
ASKED_NUMBERS = st.sampled_from(["0", "1", "2.5", "10", "100.1", "-3", "7.50"])
ASKED_WORDS = WORDS.filter(bool) | st.sampled_from(["x", "open", "closed"])


def some(values):
    return st.lists(values, min_size=1, max_size=3)


def asked(operators, values):
    return st.fixed_dictionaries({"DimensionType": st.sampled_from(operators), "Values": values})


def two(values):
    return st.lists(values, min_size=2, max_size=2)


def conditions(*, references=True, lists=True):
    """Return conditions of all operators, on an attribute that may hold anything."""
    texts, numbers, dates = (
        values | REFERENCES if references else values
        for values in (ASKED_WORDS, ASKED_NUMBERS, DATES)
    )
    found = asked(NUMBER_OPERATORS, some(numbers)) | asked(TEXT_OPERATORS, some(texts | numbers))
    found |= asked(DATE_OPERATORS, some(dates)) | asked(RANGES, two(numbers) | two(dates))
    return found | asked(LISTS, some(ASKED_WORDS | ASKED_NUMBERS)) if lists else found


TEXT = asked(TEXT_OPERATORS, some(ASKED_WORDS | REFERENCES))
DATE = asked(DATE_OPERATORS, some(DATES)) | asked(RANGES, two(DATES))
KIND = asked(["INCLUSIVE", "EXCLUSIVE"], two(st.sampled_from(["PROFILE", "ACCOUNT_PROFILE"])))
KIND = KIND.map(lambda condition: condition | {"Values": condition["Values"][:1]})
PROFILE_ATTRIBUTES = st.one_of(
    st.fixed_dictionaries({"FirstName": TEXT}, optional={"LastName": TEXT}),
    st.fixed_dictionaries({"BirthDate": DATE}),
    st.fixed_dictionaries({"Address": st.fixed_dictionaries({"City": TEXT})}),
    st.fixed_dictionaries({"ProfileType": KIND}),
    st.fixed_dictionaries({"GenderString": TEXT}),
    st.fixed_dictionaries(
        {
            "Attributes": st.dictionaries(
                st.sampled_from(["x", "y.z", "none"]), conditions(), min_size=1
            )
        }
    ),
)
COMBINED = st.sampled_from(["ALL", "ANY", "NONE"])
SPANS = st.fixed_dictionaries(
    {"Start": st.sampled_from([1, 2, 10, 40]), "Unit": st.just("DAYS")},
    optional={"End": st.sampled_from([0, -1, -10])},
)
OVERRIDES = st.fixed_dictionaries({"Range": SPANS})


def now_and_then(draw):
    """Draw what is true in one example of twelve."""
    return draw(st.integers(0, 11)) == 7


@st.composite
def dimensions(draw, calculated):
    """Draw a dimension, about profile attributes or one of the calculated ones."""
    if not calculated or draw(st.booleans()):
        return {"ProfileAttributes": draw(PROFILE_ATTRIBUTES)}
    name, condition = draw(st.sampled_from(calculated)), draw(conditions())
    if now_and_then(draw):
        reference = f"{{{{_calculated_attribute.{draw(st.sampled_from(calculated))}}}}}"
        condition["Values"] = [reference, *condition["Values"][1:]]
    if draw(st.booleans()):
        condition = condition | {"ConditionOverrides": draw(OVERRIDES)}
    return {"CalculatedAttributes": {name: condition}}


@st.composite
def groups(draw, calculated, segments):
    """Draw segment groups that may start from segments and ask for calculated attributes."""
    found = {"Groups": [], **draw(st.fixed_dictionaries({}, optional={"Include": COMBINED}))}
    if now_and_then(draw):
        return found
    for _ in range(draw(st.integers(1, 2))):
        group = draw(st.fixed_dictionaries({}, optional={"Type": COMBINED, "SourceType": COMBINED}))
        # A group without dimensions has everybody in it.
        least = 0 if now_and_then(draw) else 1
        group["Dimensions"] = draw(st.lists(dimensions(calculated), min_size=least, max_size=3))
        if segments and draw(st.booleans()):
            names = draw(st.lists(st.sampled_from(segments), min_size=1, max_size=2))
            group["SourceSegments"] = [{"SegmentDefinitionName": name} for name in names]
        found["Groups"].append(group)
    return found


@st.composite
def sorts(draw, calculated):
    """Draw what a segment is sorted by."""
    plain = ["FirstName", "Address.City", "Attributes.x", "BirthDate", *calculated]
    return {
        "Attributes": [
            {"Name": name, "Order": draw(st.sampled_from(["ASC", "DESC"]))}
            | draw(
                st.fixed_dictionaries(
                    {}, optional={"DataType": st.sampled_from(["STRING", "NUMBER", "DATE"])}
                )
            )
            | (
                {"Type": "CALCULATED" if name in calculated else "PROFILE"}
                if draw(st.booleans())
                else {}
            )
            for name in draw(st.lists(st.sampled_from(plain), min_size=1, max_size=3, unique=True))
        ]
    }


# --- calculated attributes ---

NAMES = ["total", "amount", "total", "amount", "status", "price.net", "rank", "deep.a", "at"]
STATISTICS = ["FIRST_OCCURRENCE", "LAST_OCCURRENCE", "COUNT", "SUM", "MINIMUM", "MAXIMUM"]
STATISTICS += ["AVERAGE", "MAX_OCCURRENCE", "RECENT_OCCURRENCES"]
FILTERS = st.fixed_dictionaries(
    {
        "Include": COMBINED,
        "Groups": st.lists(
            st.fixed_dictionaries(
                {
                    "Type": COMBINED,
                    "Dimensions": st.lists(
                        st.fixed_dictionaries(
                            {
                                "Attributes": st.dictionaries(
                                    st.sampled_from(NAMES),
                                    conditions(references=False, lists=False),
                                    min_size=1,
                                    max_size=2,
                                )
                            }
                        ),
                        min_size=1,
                        max_size=2,
                    ),
                }
            ),
            min_size=1,
            max_size=2,
        ),
    }
)
THRESHOLDS = st.fixed_dictionaries(
    {"Operator": st.sampled_from(["EQUAL_TO", "NOT_EQUAL_TO"]), "Value": ASKED_WORDS}
) | st.fixed_dictionaries(
    {"Operator": st.sampled_from(["GREATER_THAN", "LESS_THAN"]), "Value": ASKED_NUMBERS}
)
SOURCES = [("at", "EPOCHMILLI"), ("when", "ISO_8601"), None, None]


@st.composite
def spans(draw, source, object_type):
    """Draw a range: of some days, from one day to another, or none but its source of time."""
    span = {"Unit": "DAYS"}
    kind = draw(st.sampled_from(["value", "values", "neither"]))
    if kind == "value":
        span["Value"] = draw(st.sampled_from([0, 1, 5, 7, 20, 30, 40]))
    if kind == "values":
        start = draw(st.sampled_from([-1, 0, 5, 10, 40]))
        span["ValueRange"] = {"Start": start, "End": start - draw(st.sampled_from([1, 5, 20, 60]))}
    if source is not None:
        path, span["TimestampFormat"] = source
        span["TimestampSource"] = f"{{{object_type}.{path}}}"
    return span


@st.composite
def condition_sets(draw, source, object_type):
    """Draw the conditions of a definition."""
    found = draw(
        st.fixed_dictionaries(
            {}, optional={"ObjectCount": st.integers(1, 3), "Threshold": THRESHOLDS}
        )
    )
    if source is not None or draw(st.booleans()):
        found["Range"] = draw(spans(source, object_type))
    return found


@st.composite
def definitions(draw):
    """Draw the request that creates a calculated attribute, but for its name."""
    object_type = draw(st.sampled_from(TYPES))
    names = draw(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=1)
        | st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)
    )
    operators = [draw(st.sampled_from(["+", " - ", " * ", "/"])) for _ in names[1:]]
    expression = "".join(
        f"{operator}{{{object_type}.{name}}}"
        for operator, name in zip(["", *operators], names, strict=True)
    )
    found = {
        "AttributeDetails": {
            "Attributes": [{"Name": name} for name in names],
            "Expression": expression,
        },
        "Statistic": draw(st.sampled_from(STATISTICS)),
    }
    if own := draw(condition_sets(draw(st.sampled_from(SOURCES)), object_type)):
        found["Conditions"] = own
    if draw(st.sampled_from([False, False, True])):
        found["Filter"] = draw(FILTERS)
    if draw(st.booleans()):
        found["UseHistoricalData"] = draw(st.sampled_from([True, True, False]))
    return found


# The default attributes of orders: AG:customerprofiles-default-calculated-attributes.
DEFAULTS = {
    "_orders_count": ("OrderId", "COUNT"),
    "_order_first_occurrence": ("CreatedDate", "FIRST_OCCURRENCE"),
    "_order_last_occurrence": ("CreatedDate", "LAST_OCCURRENCE"),
    "_orders_total_price_sum": ("TotalPrice", "SUM"),
    "_orders_total_price_average": ("TotalPrice", "AVERAGE"),
}
PURCHASE = {
    "Description": "Purchases",
    "Fields": {
        "id": {"Source": "_source.id", "Target": "_order.Attributes.own"},
        "total": {"Source": "_source.total", "Target": "_order.TotalPrice"},
        "made": {"Source": "_source.made", "Target": "_order.CreatedDate"},
        "owner": {"Source": "_source.owner"},
    },
    "Keys": {
        "PurchaseId": [{"StandardIdentifiers": ["UNIQUE", "ORDER"], "FieldNames": ["id"]}],
        "_profileId": [
            {"StandardIdentifiers": ["PROFILE", "LOOKUP_ONLY"], "FieldNames": ["owner"]}
        ],
    },
}
PURCHASES = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("123")},
        optional={
            "total": st.sampled_from(["5", "7.5", "100.10", "x", "0.333", "-1"]),
            "made": st.sampled_from(["2023-11-01", "2023-11-02T00:00:00Z"]),
        },
    ),
    max_size=6,
)


@st.composite
def generous_definitions(draw):
    """Draw a calculated attribute that has a value for most profiles."""
    found = {
        "AttributeDetails": {"Attributes": [{"Name": "total"}], "Expression": "{Order.total}"},
        "Statistic": draw(st.sampled_from(STATISTICS)),
        "UseHistoricalData": True,
    }
    span = {"Value": draw(st.sampled_from([2, 5, 40])), "Unit": "DAYS"}
    return found | draw(
        st.fixed_dictionaries({}, optional={"Conditions": st.just({"Range": span})})
    )


FORMATS = st.sampled_from(["CSV", "JSONL", "ORC"])


# --- the engine and the model side by side ---


class Audience(RuleBasedStateMachine):
    """A domain whose profiles, objects, definitions and segments change in any order."""

    def __init__(self):
        super().__init__()
        self.clock = ManualClock(now=START)
        self.engine = Engine(clock=self.clock, strict=True)
        self.ask("CreateDomain", DefaultExpirationDays=60)
        for name in set(TYPES):
            self.ask(
                "PutProfileObjectType",
                ObjectTypeName=name,
                Description=name,
                ExpirationDays=45,
                Fields={field: {"Source": f"_source.{path}"} for field, path in FIELDS.items()},
                Keys={
                    f"{name}Id": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
                    "_profileId": [
                        {"StandardIdentifiers": ["PROFILE", "LOOKUP_ONLY"], "FieldNames": ["owner"]}
                    ],
                },
            )
        self.made = 0
        self.ids = []
        self.puts = {}
        self.definitions = {}
        self.segments = {}

    def teardown(self):
        self.engine.close()

    close = teardown

    def ask(self, operation, **members):
        return json.loads(self.engine.answer(operation, {"DomainName": "shop", **members}))

    def name(self, prefix):
        self.made += 1
        return f"{prefix}{self.made}"

    # --- what happens ---

    @initialize(people=PEOPLE)
    def begin(self, people):
        """Begin with profiles that have objects, put within some days."""
        for members, contents in people:
            self.create(members)
            for count, (object_type, content) in enumerate(contents):
                self.clock.advance(days=count % 3)
                self.ingest(object_type, self.ids[-1], f"{self.ids[-1]}-{count}", content)

    @rule(members=MEMBERS)
    def create(self, members):
        self.ids.append(self.ask("CreateProfile", **without_empty(members))["ProfileId"])

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), members=MEMBERS)
    def update(self, data, members):
        self.ask("UpdateProfile", ProfileId=self.any_profile(data), **members)

    @precondition(lambda self: self.alive())
    @rule(
        data=st.data(),
        object_type=st.sampled_from(TYPES),
        number=st.integers(0, 4),
        contents=st.lists(CONTENTS, min_size=1, max_size=3),
    )
    def put(self, data, object_type, number, contents):
        owner = self.any_profile(data)
        for position, content in enumerate(contents, number):
            self.ingest(object_type, owner, f"{owner}-{position}", content)

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), object_type=st.sampled_from(TYPES), content=CONTENTS)
    def put_again(self, data, object_type, content):
        owner = self.any_profile(data)
        for item in self.objects(owner, object_type)[:1]:
            self.ingest(object_type, owner, json.loads(item["Object"])["id"], content)

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), object_type=st.sampled_from(TYPES))
    def delete_object(self, data, object_type):
        profile_id = self.any_profile(data)
        for item in self.objects(profile_id, object_type)[:1]:
            self.ask(
                "DeleteProfileObject",
                ProfileId=profile_id,
                ObjectTypeName=object_type,
                ProfileObjectUniqueKey=item["ProfileObjectUniqueKey"],
            )

    @precondition(lambda self: len(self.alive()) > 1)
    @rule(data=st.data())
    def merge(self, data):
        main = self.any_profile(data)
        other = next(each for each in self.alive() if each != main)
        self.ask("MergeProfiles", MainProfileId=main, ProfileIdsToBeMerged=[other])

    @precondition(lambda self: len(self.alive()) > 2)
    @rule(data=st.data())
    def delete(self, data):
        self.ask("DeleteProfile", ProfileId=self.any_profile(data))

    @rule(days=st.sampled_from([0.5, 1, 7, 20, 40]))
    def wait(self, days):
        self.clock.advance(days=days)
        self.engine.run_due()

    @precondition(lambda self: len(self.definitions) < 4)
    @rule(request=definitions())
    def define(self, request):
        name = self.name("calculated")
        self.ask("CreateCalculatedAttributeDefinition", CalculatedAttributeName=name, **request)
        self.definitions[name] = Definition(request, self.clock.now())

    @precondition(lambda self: self.definitions)
    @rule(data=st.data())
    def redefine(self, data):
        name = data.draw(st.sampled_from(sorted(self.definitions)))
        known = self.definitions[name]
        span = known.request.get("Conditions", {}).get("Range", {})
        path = span.get("TimestampSource", "").strip("{}").partition(".")[2]
        object_type = known.request["AttributeDetails"]["Expression"][1:].split(".")[0]
        changed = data.draw(
            condition_sets((path, span["TimestampFormat"]) if path else None, object_type)
        )
        if changed:
            self.ask(
                "UpdateCalculatedAttributeDefinition",
                CalculatedAttributeName=name,
                Conditions=changed,
            )
            known.update(Conditions=changed)

    @precondition(lambda self: len(self.segments) < 4)
    @rule(data=st.data())
    def segment(self, data):
        calculated = sorted(self.definitions)
        segment = {"SegmentGroups": data.draw(groups(calculated, sorted(self.segments)))}
        if data.draw(st.booleans()):
            segment["SegmentSort"] = data.draw(sorts(calculated))
        name = self.name("segment")
        wanted = {"SegmentDefinitionName": name, "DisplayName": name, **segment}
        if self.model().exceeds_limits(segment["SegmentGroups"]):
            with pytest.raises(Refusal, match="limit"):
                self.ask("CreateSegmentDefinition", **wanted)
            return
        self.ask("CreateSegmentDefinition", **wanted)
        self.segments[name] = segment

    # --- what is asked ---

    @rule(data=st.data())
    def estimate(self, data):
        asked_groups = data.draw(groups(sorted(self.definitions), sorted(self.segments)))
        if self.model().exceeds_limits(asked_groups):
            return
        estimate = self.ask("CreateSegmentEstimate", SegmentQuery=asked_groups)["EstimateId"]
        self.engine.run_due()
        answer = self.ask("GetSegmentEstimate", EstimateId=estimate)
        assert answer["Status"] == "SUCCEEDED"
        assert answer["Estimate"] == str(len(self.model().members(asked_groups))), asked_groups

    @precondition(lambda self: self.definitions and self.alive())
    @rule(data=st.data(), override=OVERRIDES)
    def override(self, data, override):
        name = data.draw(st.sampled_from(sorted(self.definitions)))
        model = self.model()
        answer = self.ask(
            "BatchGetCalculatedAttributeForProfile",
            CalculatedAttributeName=name,
            ProfileIds=[*model.profiles],
            ConditionOverrides=override,
        )
        assert answer["ConditionOverrides"] == override
        for item in answer["CalculatedAttributeValues"]:
            known = self.definitions[name]
            things = model.things[item["ProfileId"]]
            self.same(item, known, value_of(known, things, model.now, override))

    @precondition(lambda self: self.segments)
    @rule(data=st.data(), data_format=FORMATS)
    def snapshot(self, data, data_format):
        name = data.draw(st.sampled_from(sorted(self.segments)))
        made = self.ask(
            "CreateSegmentSnapshot",
            SegmentDefinitionName=name,
            DataFormat=data_format,
            DestinationUri=f"s3://{BUCKET}/all/",
            RoleArn=ROLE,
        )["SnapshotId"]
        self.engine.run_due()
        answer = self.ask("GetSegmentSnapshot", SegmentDefinitionName=name, SnapshotId=made)
        assert answer["Status"] == "COMPLETED", answer
        model, body = self.model(), written(made, data_format)
        segment = self.segments[name]
        if data_format == "ORC":
            table = orc.ORCFile(io.BytesIO(body)).read()
            header, rows = model.columns(segment)
            assert table.column_names == header, segment
            assert [present(row) for row in table.to_pylist()] == rows, segment
            return
        text = body.decode()
        if data_format == "CSV":
            assert [*csv.reader(io.StringIO(text))] == model.table(segment), segment
        else:
            expected = [model.profiles[one] for one in model.sorted_members(segment)]
            assert [json.loads(line) for line in text.splitlines()] == expected, segment

    @invariant()
    def every_attribute_has_the_value_of_the_model(self):
        model = self.model()
        if not model.profiles:
            return
        for name, known in self.definitions.items():
            answer = self.ask(
                "BatchGetCalculatedAttributeForProfile",
                CalculatedAttributeName=name,
                ProfileIds=[*model.profiles, UNKNOWN],
            )
            assert [item["ProfileId"] for item in answer["Errors"]] == [UNKNOWN]
            found = {item["ProfileId"]: item for item in answer["CalculatedAttributeValues"]}
            assert found.keys() == model.profiles.keys()
            for profile_id, item in found.items():
                things = model.things[profile_id]
                self.same(item, known, value_of(known, things, model.now))
        one = next(iter(model.profiles))
        listed = self.listed(one)
        for name, known in self.definitions.items():
            expected = value_of(known, model.things[one], model.now)
            self.same(listed[name], known, expected)
            self.same(
                self.ask(
                    "GetCalculatedAttributeForProfile",
                    ProfileId=one,
                    CalculatedAttributeName=name,
                ),
                known,
                expected,
            )

    @invariant()
    def every_segment_has_the_members_of_the_model(self):
        model = self.model()
        for name, segment in self.segments.items():
            answer = self.ask(
                "GetSegmentMembership",
                SegmentDefinitionName=name,
                ProfileIds=[*model.profiles, UNKNOWN],
            )
            assert [failure["ProfileId"] for failure in answer["Failures"]] == [UNKNOWN]
            results = {item["ProfileId"]: item for item in answer["Profiles"]}
            assert results.keys() == model.profiles.keys()
            members = [one for one, item in results.items() if item["QueryResult"] == "PRESENT"]
            assert sorted(members) == model.members(segment["SegmentGroups"]), segment
            for one in members:
                assert results[one]["Profile"] == model.profiles[one]

    # --- helpers ---

    def ingest(self, object_type, owner, unique, content):
        """Put an object, in a second of its own so that no two come at once."""
        self.clock.advance(seconds=1)
        text = json.dumps({"id": unique, "owner": owner, **content})
        self.ask("PutProfileObject", ObjectTypeName=object_type, Object=text)
        self.made += 1
        self.puts[object_type, unique] = (self.clock.now(), self.made)

    def same(self, item, known, expected):
        """Compare an answer about a calculated attribute with the model's."""
        assert item.get("Value") == expected["Value"], known
        assert item["IsDataPartial"] == expected["IsDataPartial"], known
        assert item.get("LastObjectTimestamp") == expected["LastObjectTimestamp"], known

    def alive(self):
        """Return the ids of the profiles that there are."""
        return [*self.profiles()]

    def any_profile(self, data):
        return data.draw(st.sampled_from(self.alive()))

    def profiles(self):
        """Return the profiles that there are, by their ids."""
        found = {}
        for begin in range(0, len(self.ids), 20):
            answer = self.ask("BatchGetProfile", ProfileIds=self.ids[begin : begin + 20])
            found |= {profile["ProfileId"]: profile for profile in answer["Profiles"]}
        return found

    def objects(self, profile_id, object_type):
        """Return a profile's objects of a type."""
        return self.ask(
            "ListProfileObjects", ProfileId=profile_id, ObjectTypeName=object_type, MaxResults=100
        )["Items"]

    def listed(self, profile_id):
        """Return what ListCalculatedAttributesForProfile lists, by the names of attributes."""
        found, token = {}, {}
        while token is not None:
            page = self.ask(
                "ListCalculatedAttributesForProfile", ProfileId=profile_id, MaxResults=25, **token
            )
            found |= {item["CalculatedAttributeName"]: item for item in page["Items"]}
            token = {"NextToken": page["NextToken"]} if page.get("NextToken") else None
        return found

    def model(self):
        """Return what the domain holds, for the plain functions."""
        profiles = self.profiles()
        things = {profile_id: [] for profile_id in profiles}
        for profile_id, own in things.items():
            for object_type in set(TYPES):
                for item in self.objects(profile_id, object_type):
                    data = json.loads(item["Object"])
                    ingested, number = self.puts[object_type, data["id"]]
                    own.append(Thing(object_type, data, ingested, number, FIELDS))
        return Audiences(
            profiles.values(), things, self.definitions, self.segments, self.clock.now()
        )


def present(row):
    """Return what a row of an ORC file holds, its map as a dict."""
    found = {name: value for name, value in row.items() if value}
    return found | ({"Attributes": dict(found["Attributes"])} if "Attributes" in found else {})


def written(snapshot_id, data_format):
    """Return a snapshot's only part."""
    s3 = boto3.client("s3", region_name="us-east-1")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"all/{snapshot_id}/")["Contents"]
    (key,) = [item["Key"] for item in listed if item["Key"].endswith(f".{data_format.lower()}")]
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """Keep a bucket of moto for all tests of this file."""
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield


NO_CHECK = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
STEPS = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=NO_CHECK
)
EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=NO_CHECK)
PARTS = st.lists(definitions(), min_size=1, max_size=3)


def attributes_have_the_values_of_the_model(people, before, after):
    """Define some attributes before the objects come, and some after."""
    with closing(Audience()) as domain:
        for request in before:
            domain.define(request)
        domain.begin(people)
        for request in after:
            domain.define(request)
        domain.every_attribute_has_the_value_of_the_model()
        domain.wait(7)
        domain.every_attribute_has_the_value_of_the_model()


def segments_have_the_members_of_the_model(data, people, requests):
    """Make segments that start from each other, and a snapshot of the last."""
    with closing(Audience()) as domain:
        domain.begin(people)
        for request in requests:
            domain.define(request)
        for _ in range(3):
            domain.segment(data)
            domain.estimate(data)
        domain.every_segment_has_the_members_of_the_model()
        domain.snapshot(data, data.draw(FORMATS))


def default_attributes_have_the_values_of_the_model(purchases):
    """Put orders again and again; the default attributes are about the standard objects."""
    with closing(Audience()) as domain:
        domain.ask("PutProfileObjectType", ObjectTypeName="Purchase", **PURCHASE)
        domain.create({})
        (owner,) = domain.ids
        for purchase in purchases:
            domain.ingest("Purchase", owner, purchase["id"], purchase)
        things = []
        for item in domain.objects(owner, "_order"):
            data = json.loads(item["Object"])
            things.append(
                Thing("_order", data, *domain.puts["Purchase", data["Attributes"]["own"]])
            )
        listed = domain.listed(owner)
        for name, (member, statistic) in DEFAULTS.items():
            details = {"Expression": f"{{_order.{member}}}"}
            known = Definition({"AttributeDetails": details, "Statistic": statistic}, float("-inf"))
            domain.same(listed[name], known, value_of(known, things, domain.clock.now()))


def profiles_have_their_own_values(members, days):
    """Ask for members of the profile itself, and whether it is new."""
    with closing(Audience()) as domain:
        domain.create(members)
        (owner,) = domain.ids
        for position, path in enumerate(["FirstName", "Address.City", "Attributes.x"]):
            domain.ask(
                "CreateCalculatedAttributeDefinition",
                CalculatedAttributeName=f"own{position}",
                AttributeDetails={
                    "Attributes": [{"Name": path}],
                    "Expression": f"{{_profile.{path}}}",
                },
                Statistic="LAST_OCCURRENCE",
                UseHistoricalData=True,
            )
            expected = domain.model().attribute(owner, path)
            assert domain.listed(owner)[f"own{position}"].get("Value") == expected
        domain.clock.advance(days=days)
        is_new = domain.listed(owner)["_new_customer"].get("Value")
        assert is_new == ("true" if days < 30 else "false")


# Values that a reader of numbers, of dates, of lists or of patterns may take for something else.
STRANGE = [
    *("0", "-0", "00", "007", "1", "1.0", "+1", "1e0", "1E2", "100", "1_0", "0x1", "NaN", "inf"),
    *(".5", "5.", "-.5", "--1", "1,5", " 1", "1 ", "9007199254740993", "9007199254740992.5"),
    *("0.1", "0.10000000000000001", "1e400", "-1e400", "1e-400", "٣", "²", "1700000000"),
    *("1700000000000", "2023-11-14", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00"),
    *("2023-11-14T22:13:20.5Z", "2023-11-14T22:13", "2023-11-15T00:30:00+0100", "2023-11-31"),
    *("2023-02-29", "2024-02-29", "1969-12-31T23:59:59Z", "0001-01-01", "9999-12-31", "a", "A"),
    *("ab", "b", "é", "É", "e\u0301", "ß", "SS", "😀", "%", "_", "*", "?", "[a]", "\\", '"', "'"),
    *("a%", "a*b", "a\nb", "a\tb", "null", "true", "[]", '["a"]', '["a","b"]', '["a", 1, 2.5]'),
    *('{"a": 1}', '["A"]', "{{x}}", "y" * 255),
]
STRANGE_NAMES = ["x", "y.z", 'q"q', "b\\b", "$", "[0]", "sp ace", "ü"]
CONDITIONS = st.tuples(
    st.sampled_from(STRANGE_NAMES),
    st.one_of(
        asked(TEXT_OPERATORS + LISTS, some(st.sampled_from(STRANGE))),
        asked(TEXT_OPERATORS + LISTS, st.lists(st.sampled_from(STRANGE), min_size=9, max_size=20)),
        asked(NUMBER_OPERATORS, some(st.sampled_from(list(filter(number, STRANGE))))),
        asked(RANGES, two(st.sampled_from(list(filter(number, STRANGE))))),
        asked(DATE_OPERATORS, some(st.sampled_from(list(filter(instant, STRANGE))))),
        asked(RANGES, two(st.sampled_from(list(filter(instant, STRANGE))))),
    ),
)


@pytest.fixture(scope="module")
def strange():
    """Give a domain with a profile for each strange value, in all attributes."""
    with closing(Audience()) as domain:
        for value in STRANGE:
            domain.create({"Attributes": dict.fromkeys(STRANGE_NAMES, value)})
        domain.create({})
        yield domain


def conditions_hold_for_the_same_values(domain, chosen):
    """Ask for the profiles that satisfy some conditions, which SQL evaluates over all of them."""
    dimensions = [{"ProfileAttributes": {"Attributes": {name: own}}} for name, own in chosen]
    segment = {"Groups": [{"Dimensions": dimensions}]}
    name = domain.name("strange")
    domain.ask(
        "CreateSegmentDefinition",
        SegmentDefinitionName=name,
        DisplayName=name,
        SegmentGroups=segment,
    )
    answer = domain.ask(
        "GetSegmentMembership", SegmentDefinitionName=name, ProfileIds=domain.ids[:100]
    )
    members = [item["ProfileId"] for item in answer["Profiles"] if item["QueryResult"] == "PRESENT"]
    expected = Audiences(domain.profiles().values()).members(segment)
    assert sorted(members) == expected
    estimate = domain.ask("CreateSegmentEstimate", SegmentQuery=segment)["EstimateId"]
    domain.engine.run_due()
    found = domain.ask("GetSegmentEstimate", EstimateId=estimate)
    assert found["Estimate"] == str(len(expected))


SOME_CONDITIONS = given(chosen=st.lists(CONDITIONS, min_size=1, max_size=2))
VALUES = given(PEOPLE, PARTS, PARTS)
MEMBERSHIPS = given(
    st.data(), PEOPLE, st.lists(generous_definitions() | definitions(), min_size=1, max_size=3)
)


def test_attributes_have_the_values_of_the_model():
    EXAMPLES(VALUES(attributes_have_the_values_of_the_model))()


def test_segments_have_the_members_of_the_model():
    EXAMPLES(MEMBERSHIPS(segments_have_the_members_of_the_model))()


def test_conditions_hold_for_the_same_strange_values(strange):
    settings(EXAMPLES, max_examples=60)(SOME_CONDITIONS(conditions_hold_for_the_same_values))(
        strange
    )


def test_default_attributes_have_the_values_of_the_model():
    EXAMPLES(given(PURCHASES)(default_attributes_have_the_values_of_the_model))()


def test_profiles_have_their_own_values():
    days = st.sampled_from([0, 1, 29, 30, 31, 59])
    EXAMPLES(given(MEMBERS, days)(profiles_have_their_own_values))()


def test_the_engine_agrees_with_the_model_after_any_steps():
    run_state_machine_as_test(Audience, settings=STEPS)


@pytest.mark.slow
def test_the_engine_agrees_with_the_model_in_many_examples(strange):
    many = settings(EXAMPLES, max_examples=400)
    many(VALUES(attributes_have_the_values_of_the_model))()
    many(MEMBERSHIPS(segments_have_the_members_of_the_model))()
    more = settings(many, max_examples=1_500)
    more(SOME_CONDITIONS(conditions_hold_for_the_same_values))(strange)
    run_state_machine_as_test(
        Audience, settings=settings(STEPS, max_examples=60, stateful_step_count=40)
    )

"""Calculated attributes: which objects count, what is computed from them, and the definitions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_profiles.engine import Engine, Quotas, Refusal
from customer_profiles.engine.audiences.default_attributes import default_attributes

MAPPINGS = Path(__file__).parents[1] / "data/mappings"
DAY = 86_400
DEFAULTS = len(default_attributes())
FIELDS = {
    "id": {"Source": "_source.id"},
    "mail": {"Source": "_source.mail", "Target": "_profile.EmailAddress"},
    "amount": {"Source": "_source.total.value"},
    "label": {"Source": "{{_source.city}} {{_source.street}}"},
    "Order.Kind": {"Source": "_source.kind"},
    "status": {"Source": "_source.state"},
}
KEYS = {
    "order": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE"]}],
    "mail": [{"FieldNames": ["mail"], "StandardIdentifiers": ["PROFILE"]}],
}


class Orders:
    """A domain with an object type `o`, a profile, and ways to put objects and read values."""

    def __init__(self, shop, clock):
        self.shop, self.clock, self.count = shop, clock, 0
        shop.ask("UpdateDomain", DefaultExpirationDays=1_000)
        put_type(shop, "o")

    def define(self, statistic="SUM", expression="{o.v}", name="a", **members):
        names = [part.partition("}")[0].partition(".")[2] for part in expression.split("{")[1:]]
        return self.shop.ask(
            "CreateCalculatedAttributeDefinition",
            CalculatedAttributeName=name,
            **{
                "AttributeDetails": {
                    "Attributes": [{"Name": name} for name in dict.fromkeys(names)],
                    "Expression": expression,
                },
                "Statistic": statistic,
                **members,
            },
        )

    def put(self, *values, days=0, mail="ada@example.com", **members):
        """Put objects, each with a value and a time some days ago."""
        for value in values or (None,):
            self.count += 1
            data = {"id": str(self.count), "mail": mail, **members}
            data["at"] = int((self.clock.now() - days * DAY) * 1000)
            if value is not None:
                data["v"] = value
            self.shop.ask("PutProfileObject", ObjectTypeName="o", Object=json.dumps(data))

    def id(self, mail="ada@example.com"):
        (found,) = self.shop.search("mail", mail)
        return found

    def answer(self, name="a", mail="ada@example.com"):
        return self.shop.ask(
            "GetCalculatedAttributeForProfile",
            ProfileId=self.id(mail),
            CalculatedAttributeName=name,
        )

    def value(self, name="a", mail="ada@example.com"):
        return self.answer(name, mail).get("Value")

    def update(self, name="a", **members):
        return self.shop.ask(
            "UpdateCalculatedAttributeDefinition", CalculatedAttributeName=name, **members
        )

    def get(self, name="a"):
        return self.shop.ask("GetCalculatedAttributeDefinition", CalculatedAttributeName=name)

    def delete(self, name="a"):
        return self.shop.ask("DeleteCalculatedAttributeDefinition", CalculatedAttributeName=name)


def put_type(shop, name, fields=None, **members):
    shop.ask(
        "PutProfileObjectType",
        ObjectTypeName=name,
        Description=name,
        AllowProfileCreation=True,
        **{"Fields": fields or FIELDS, "Keys": KEYS, **members},
    )


def span(days=None, **members):
    """Return conditions with a range whose times are those of the objects."""
    value = {} if days is None else {"Value": days}
    return {"Range": {"Unit": "DAYS", "TimestampSource": "{o.at}", **value, **members}}


@pytest.fixture
def orders(shop, clock):
    return Orders(shop, clock)


# --- the vectors of the specification ---


def test_sum_of_thirty_days(orders):
    orders.define(Conditions=span(30))
    for days, value in ((40, 5), (20, 7.5), (1, 2.5)):
        orders.put(value, days=days)
    assert orders.value() == "10"


def test_average_without_a_range(orders):
    orders.define("AVERAGE")
    orders.put(1, 2)
    assert orders.value() == "1.5"


@pytest.mark.parametrize(
    ("days", "bound", "value"), [((1, 2, 9), "1", "true"), ((1, 9), "1", "false"), ((), "5", None)]
)
def test_count_of_seven_days_with_a_threshold(orders, days, bound, value):
    threshold = {"Threshold": {"Operator": "GREATER_THAN", "Value": bound}}
    orders.define("COUNT", Conditions=span(7) | threshold)
    orders.put(days=9)
    for day in days:
        orders.put("x", days=day)
    assert orders.value() == value


def test_the_most_frequent_value_is_the_one_seen_last_among_equals(orders):
    orders.define("MAX_OCCURRENCE")
    orders.put("VOICE", "CHAT", "CHAT", "VOICE")
    assert orders.value() == "VOICE"


def test_the_last_value_of_one_object(orders):
    orders.define("LAST_OCCURRENCE", Conditions=span() | {"ObjectCount": 1})
    orders.put("b", days=1)
    orders.put("a", days=3)
    assert orders.value() == "b"
    assert orders.answer()["IsDataPartial"] == "false"


def test_a_product_of_two_attributes(orders):
    orders.define(expression="{o.a} * {o.b}")
    for a, b in ((2, 3), (4, None), (5, "x")):
        orders.put(a=a, b=b)
    assert orders.value() == "6"


def test_objects_of_the_next_thirty_days(orders):
    orders.define("COUNT", Conditions=span(ValueRange={"Start": 0, "End": -30}))
    for days in (-10, -40, 1):
        orders.put("x", days=days)
    assert orders.value() == "1"


# --- names ---


@pytest.mark.parametrize(
    ("name", "members", "value"),
    [
        ("amount", {"total": {"value": 3}, "amount": 9}, "3"),
        ("total.value", {"total": {"value": 4}}, "4"),
        ("total.value", {"total.value": 5}, "5"),
        ("label", {"city": "Bonn", "street": "Am Hof"}, "Bonn Am Hof"),
        ("Order.Kind", {"kind": "web", "Order": {"Kind": "x"}}, "web"),
        ("order.kind", {"kind": "web"}, None),
        ("total", {"total": {"value": 4}}, None),
        ("total", {"total": [4]}, None),
        ("amount", {"total": {"value": [1]}, "amount": 9}, None),
        ("items.0.sku", {"items": [{"sku": "A"}]}, "A"),
        ("flag", {"flag": True}, "true"),
        ("flag", {"flag": 7.0}, "7"),
        ("flag", {"flag": ""}, None),
    ],
)
def test_a_name_is_a_field_of_the_mapping_else_a_path_in_the_object(orders, name, members, value):
    orders.define("LAST_OCCURRENCE", f"{{o.{name}}}")
    orders.put(**members)
    assert orders.value() == value


def test_a_timestamp_source_is_a_path_first_and_a_field_else(orders):
    fields = {**FIELDS, "at": {"Source": "_source.other"}, "when": {"Source": "_source.at"}}
    put_type(orders.shop, "o", fields)
    orders.define("COUNT", Conditions=span(7))
    orders.define("COUNT", name="b", Conditions=span(7, TimestampSource="{o.when}"))
    orders.put("x", days=1, other=0)
    orders.put("x", days=9, other=0)
    assert (orders.value(), orders.value("b")) == ("1", "1")


def test_attributes_of_a_template_are_paths_of_the_object(shop, clock):
    orders = Orders(shop, clock)
    call = {"contactId": "c1", "customerEndpoint": {"address": "+12065550100"}}
    times = {
        "initiationTimestamp": "2023-11-14T22:00:00.000Z",
        "disconnectTimestamp": "2023-11-14T22:01:30.500Z",
    }
    shop.ask("PutProfileObject", ObjectTypeName="CTR", Object=json.dumps(call | times))
    orders.define("LAST_OCCURRENCE", "{CTR.customerEndpoint.address}", UseHistoricalData=True)
    (found,) = shop.search("_phone", "+12065550100")
    answers = shop.ask("ListCalculatedAttributesForProfile", ProfileId=found, MaxResults=100)
    values = {item["CalculatedAttributeName"]: item.get("Value") for item in answers["Items"]}
    assert values["_average_call_duration"] == "90500"
    assert values["_call_count"] == "1"
    assert values["a"] == "+12065550100"
    assert values["_average_hold_time"] is None


def test_standard_objects_are_read_by_the_paths_of_their_members(orders):
    fields = {
        **FIELDS,
        "price": {"Source": "_source.price", "Target": "_order.TotalPrice"},
        "kind": {"Source": "_source.kind", "Target": "_order.Attributes.kind.of"},
    }
    tie = {"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "ORDER"]}
    put_type(orders.shop, "o", fields, Keys={**KEYS, "order": [tie]})
    orders.define(expression="{_order.TotalPrice}", name="total")
    orders.define("LAST_OCCURRENCE", "{_order.Attributes.kind.of}", name="kind")
    orders.put(price="12.50", kind="web")
    orders.put(price=7, kind="shop")
    assert orders.value("total") == "19.5"
    assert orders.value("_orders_total_price_average") == "9.75"
    assert orders.value("_orders_count") == "2"
    assert orders.value("kind") == "shop"


def test_the_profile_is_one_object(shop, clock):
    orders = Orders(shop, clock)
    profile = shop.create(EmailAddress="ada@example.com", Attributes={"points": "12"})
    orders.define(expression="{_profile.Attributes.points}", UseHistoricalData=True)
    orders.define(expression="{_profile.Attributes.points}", name="later")
    ask = {"ProfileId": profile, "CalculatedAttributeName": "a"}
    first = shop.ask("GetCalculatedAttributeForProfile", **ask)
    shop.ask("UpdateProfile", ProfileId=profile, Attributes={"points": "13"})
    assert first["Value"] == "12"
    assert first["LastObjectTimestamp"] == clock.now()
    assert shop.ask("GetCalculatedAttributeForProfile", **ask)["Value"] == "13"


def test_a_customer_is_new_for_thirty_days(shop, clock):
    ask = {
        "ProfileId": shop.create(FirstName="Ada", EmailAddress="ada@example.com"),
        "CalculatedAttributeName": "_new_customer",
    }
    assert shop.ask("GetCalculatedAttributeForProfile", **ask)["Value"] == "true"
    clock.advance(days=29)
    assert shop.ask("GetCalculatedAttributeForProfile", **ask)["Value"] == "true"


# --- statistics ---


@pytest.mark.parametrize(
    ("statistic", "values", "value"),
    [
        ("FIRST_OCCURRENCE", ["b", "a"], "b"),
        ("LAST_OCCURRENCE", ["b", "a"], "a"),
        ("COUNT", ["b", None, "a"], "2"),
        ("COUNT", [None], None),
        ("SUM", ["0.1", 0.2, "x"], "0.3"),
        ("SUM", ["x"], None),
        ("SUM", [24_144.0], "24144"),
        ("SUM", ["1e3", "1E-3"], "1000.001"),
        ("SUM", [-1, 1], "0"),
        ("MINIMUM", [3, "2.50", "x"], "2.5"),
        ("MAXIMUM", [3, "2.50", "10.00"], "10"),
        ("AVERAGE", [2, 0, 0], "0.6666666667"),
        ("AVERAGE", ["1e-12"], "0"),
        ("RECENT_OCCURRENCES", ["a", "b", "a"], '["a","b","a"]'),
        ("RECENT_OCCURRENCES", [None], None),
        ("LAST_OCCURRENCE", ["x" * 300], "x" * 255),
        ("RECENT_OCCURRENCES", ["old", "x" * 200, "y" * 60], '["' + "y" * 60 + '"]'),
        ("SUM", ["NaN", "Infinity", "1_0", "٣", 4], "4"),
    ],
)
def test_the_text_of_a_statistic(orders, statistic, values, value):
    orders.define(statistic)
    orders.put(*values)
    assert orders.value() == value


def test_recent_occurrences_are_the_newest_of_the_object_count(orders):
    orders.define("RECENT_OCCURRENCES", Conditions={"ObjectCount": 2})
    orders.put("a", "b", "c")
    assert json.loads(orders.value()) == ["c", "b"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{o.a} + {o.b} * {o.a}", "8"),
        ("{o.a} - {o.b} - {o.a}", "-3"),
        ("{o.a} / {o.b} * {o.a}", "1.333333333333333333333333333"),
        ("{o.a}*{o.a}", "4"),
        ("  {o.b}/{o.zero} ", None),
        ("{o.later} - {o.earlier}", "1500"),
    ],
)
def test_arithmetic_has_the_usual_precedence(orders, expression, value):
    orders.define(expression=expression)
    times = {"later": "2024-01-01T00:00:01.5Z", "earlier": "2024-01-01T01:00:00+01:00"}
    orders.put(a=2, b="3", zero=0, **times)
    assert orders.value() == value


@pytest.mark.parametrize(
    ("operator", "bound", "value"),
    [
        ("EQUAL_TO", "10", "true"),
        ("EQUAL_TO", "10.00", "true"),
        ("NOT_EQUAL_TO", "10", "false"),
        ("LESS_THAN", "9", "false"),
        ("GREATER_THAN", "9", "true"),
        ("EQUAL_TO", "ten", "false"),
    ],
)
def test_a_threshold_compares_numbers_or_texts(orders, operator, bound, value):
    orders.define(Conditions={"Threshold": {"Operator": operator, "Value": bound}})
    orders.put("10.0")
    assert orders.value() == value


# --- which objects count ---


def test_objects_from_before_the_definition_do_not_count(orders, clock):
    orders.put(1)
    clock.advance(seconds=1)
    orders.define()
    orders.define(name="all", UseHistoricalData=True)
    orders.put(2)
    assert (orders.value(), orders.value("all")) == ("2", "3")


def test_an_object_that_is_put_again_counts_once_with_its_last_content(orders, clock):
    orders.define()
    orders.put(1)
    orders.count -= 1
    clock.advance(seconds=1)
    orders.put(5)
    assert orders.value() == "5"


def test_without_a_timestamp_source_the_time_of_ingestion_counts(orders, clock):
    orders.define(Conditions={"Range": {"Value": 7, "Unit": "DAYS"}})
    orders.put(1)
    clock.advance(days=5)
    orders.put(2)
    assert orders.value() == "3"
    clock.advance(days=2)
    assert orders.value() == "2"
    clock.advance(days=10)
    assert "LastObjectTimestamp" not in orders.answer()


def test_an_object_in_the_future_is_outside_of_a_range_of_days(orders):
    orders.define("COUNT", Conditions=span(7))
    orders.put("x", days=-1)
    assert orders.value() is None


@pytest.mark.parametrize("conditions", [span(), span(0)])
def test_a_range_without_days_has_no_limit(orders, conditions):
    orders.define("COUNT", Conditions=conditions)
    orders.put("x", days=500)
    orders.put("x", days=-500)
    assert orders.value() == "2"
    assert orders.answer()["IsDataPartial"] == "false"


@pytest.mark.parametrize(
    ("written", "at", "counts"),
    [
        ("EPOCHMILLI", "milliseconds", True),
        ("EPOCHMILLI", "seconds", True),
        ("EPOCHMILLI", "iso", False),
        ("ISO_8601", "iso", True),
        ("ISO_8601", "date", True),
        ("ISO_8601", "offset", True),
        ("ISO_8601", "seconds", False),
        (None, "iso", True),
        (None, "seconds", True),
        (None, "nonsense", False),
        (None, "far", False),
        (None, "farther", False),
        ("EPOCHMILLI", "far", False),
        (None, "missing", False),
    ],
)
def test_timestamps_are_read_in_their_format(orders, clock, written, at, counts):
    moment = clock.now() - DAY
    texts = {
        "milliseconds": int(moment * 1000),
        "seconds": str(int(moment)),
        "iso": datetime.fromtimestamp(moment, UTC).isoformat(),
        "date": datetime.fromtimestamp(moment, UTC).date().isoformat(),
        "offset": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "nonsense": "yesterday",
        "far": "1e300",
        "farther": 10**17,
        "missing": None,
    }
    format_ = {} if written is None else {"TimestampFormat": written}
    orders.define("COUNT", Conditions=span(7, TimestampSource="{o.moment}", **format_))
    orders.define("COUNT", name="b", Conditions=span(TimestampSource="{o.moment}", **format_))
    orders.put("x", moment=texts[at])
    assert orders.value() == orders.value("b") == ("1" if counts else None)


def rule(name, *values, operator="INCLUSIVE"):
    return {"Attributes": {name: {"DimensionType": operator, "Values": [*values]}}}


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ([("ALL", [rule("status", "open")])], "1"),
        ([("ALL", [rule("status", "open", operator="EXCLUSIVE")])], "14"),
        ([("ALL", [rule("state", "open", "closed")])], "3"),
        ([("ANY", [rule("status", "open"), rule("v", "4", operator="GREATER_THAN")])], "9"),
        ([("ALL", [rule("status", "open"), rule("v", "4", operator="GREATER_THAN")])], None),
        ([("NONE", [rule("status", "open"), rule("v", "2")])], "12"),
        (
            [
                (
                    "ALL",
                    [
                        {
                            "Attributes": rule("status", "open")["Attributes"]
                            | rule("v", "2")["Attributes"]
                        }
                    ],
                )
            ],
            None,
        ),
    ],
)
def test_a_filter_selects_objects(orders, definition, value):
    groups = [{"Type": kind, "Dimensions": dimensions} for kind, dimensions in definition]
    orders.define(Filter={"Include": "ALL", "Groups": groups})
    for number, state in ((1, "open"), (2, "closed"), (4, None), (8, "Open")):
        orders.put(number, state=state)
    assert orders.value() == value


@pytest.mark.parametrize(("include", "value"), [("ALL", "2"), ("ANY", "7"), ("NONE", "8")])
def test_the_groups_of_a_filter_are_combined(orders, include, value):
    groups = [
        {"Type": "ALL", "Dimensions": [rule("v", "3", operator="LESS_THAN")]},
        {"Type": "ALL", "Dimensions": [rule("v", "2", "4")]},
    ]
    orders.define(Filter={"Include": include, "Groups": groups})
    orders.put(1, 2, 4, 8)
    assert orders.value() == value


def test_object_count_keeps_the_newest_within_the_range(orders):
    orders.define(Conditions=span(30) | {"ObjectCount": 2})
    for days, value in ((1, 1), (2, 2), (3, 4), (-1, 8)):
        orders.put(value, days=days)
    assert orders.value() == "3"


def test_the_last_object_is_the_newest_that_has_a_value(orders, clock):
    orders.define()
    orders.put(1)
    first = clock.now()
    clock.advance(days=1)
    orders.put("x")
    assert orders.answer()["LastObjectTimestamp"] == first


def test_a_merge_brings_the_objects_of_both_profiles_together(orders):
    orders.define()
    orders.put(1)
    orders.put(2, mail="bob@example.com")
    main, other = orders.id(), orders.id("bob@example.com")
    orders.shop.ask("MergeProfiles", MainProfileId=main, ProfileIdsToBeMerged=[other])
    assert orders.value() == "3"


def test_deleted_and_expired_objects_are_gone(orders, clock):
    put_type(orders.shop, "o", ExpirationDays=10)
    orders.define()
    orders.put(1)
    clock.advance(days=5)
    orders.put(2)
    clock.advance(days=6)
    profile = orders.id()
    assert orders.value() == "2"
    listed = orders.shop.ask("ListProfileObjects", ProfileId=orders.id(), ObjectTypeName="o")
    orders.shop.ask(
        "DeleteProfileObject",
        ProfileId=orders.id(),
        ObjectTypeName="o",
        ProfileObjectUniqueKey=listed["Items"][0]["ProfileObjectUniqueKey"],
    )
    ask = {"ProfileId": profile, "CalculatedAttributeName": "a"}
    assert "Value" not in orders.shop.ask("GetCalculatedAttributeForProfile", **ask)


# --- partial data ---


def test_data_are_partial_until_the_range_has_passed(orders, clock):
    orders.define(Conditions={"Range": {"Value": 7, "Unit": "DAYS"}})
    orders.define(name="historical", Conditions=span(7), UseHistoricalData=True)
    orders.put(1)
    assert orders.answer()["IsDataPartial"] == "true"
    assert orders.answer("historical")["IsDataPartial"] == "true"
    clock.advance(days=7)
    assert orders.answer()["IsDataPartial"] == "false"
    assert orders.answer("historical")["IsDataPartial"] == "false"


def test_data_are_partial_until_there_are_enough_objects(orders):
    orders.define(Conditions={"ObjectCount": 2})
    orders.put(1)
    assert orders.answer()["IsDataPartial"] == "true"
    orders.put(1)
    assert orders.answer()["IsDataPartial"] == "false"


def test_a_range_of_no_days_has_passed_at_once(orders):
    today = span(ValueRange={"Start": 0, "End": 0})
    orders.define(Conditions={**today, "ObjectCount": 2})
    orders.define(name="days", Conditions=today)
    orders.put(1, days=5)
    assert orders.answer()["IsDataPartial"] == "false"
    assert orders.answer("days")["IsDataPartial"] == "false"


def test_a_range_that_is_widened_brings_in_no_older_data(orders, clock):
    orders.put(1, days=5)
    orders.put(2, days=20)
    orders.define(Conditions=span(10), UseHistoricalData=True)
    orders.define(name="wide", Conditions=span(30), UseHistoricalData=True)
    orders.update(Conditions={"Range": {"Value": 30, "Unit": "DAYS"}})
    assert (orders.value(), orders.value("wide")) == ("1", "3")
    clock.advance(days=12)
    orders.put(4, days=1)
    assert (orders.value(), orders.value("wide")) == ("5", "5")


# --- definitions ---


def test_a_definition_answers_what_was_requested_and_its_status(orders, clock):
    conditions = span(30) | {"ObjectCount": 5}
    created = orders.define(
        DisplayName="Spend", Description="All", Conditions=conditions, Tags={"team": "crm"}
    )
    assert created == {
        "CalculatedAttributeName": "a",
        "DisplayName": "Spend",
        "Description": "All",
        "AttributeDetails": {"Attributes": [{"Name": "v"}], "Expression": "{o.v}"},
        "Conditions": conditions,
        "Statistic": "SUM",
        "Status": "COMPLETED",
        "Readiness": {"ProgressPercentage": 100},
        "CreatedAt": clock.now(),
        "LastUpdatedAt": clock.now(),
        "Tags": {"team": "crm"},
    }
    assert orders.get() == created


def test_historical_data_are_ready_after_the_next_step(orders):
    created = orders.define(UseHistoricalData=True)
    orders.shop.engine.run_due()
    found = orders.get()
    assert (created["Status"], created["Readiness"]) == ("PREPARING", {"ProgressPercentage": 0})
    assert (found["Status"], found["Readiness"]) == ("COMPLETED", {"ProgressPercentage": 100})
    assert found["LastUpdatedAt"] == created["LastUpdatedAt"]


def test_a_definition_that_is_deleted_before_the_step_stays_deleted(orders):
    orders.define(UseHistoricalData=True)
    orders.delete()
    orders.shop.engine.run_due()
    with pytest.raises(Refusal, match="Calculated attribute definition a does not exist"):
        orders.get()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"expression": "{o.a} + 1"}, "Expression must be attributes such as"),
        ({"expression": "({o.a} + {o.b})"}, "parentheses, numbers"),
        ({"expression": "{o.a} {o.b}"}, "Expression must be"),
        ({"expression": "{o.a} +"}, "Expression must be"),
        ({"expression": "{o.a} + {o.b} + {o.c}"}, "Attributes has 3 attributes; .* two at most"),
        ({"expression": "{o.a} + {_order.b}"}, "object types o, _order; use attributes of one"),
        (
            {"AttributeDetails": {"Attributes": [{"Name": "a"}], "Expression": "{o.b}"}},
            "Expression uses b, which Attributes does not name; Attributes names a, which",
        ),
        (
            {"AttributeDetails": {"Attributes": [{"Name": "a"}], "Expression": "{o.a[].b}"}},
            r"\[\] are not supported",
        ),
        ({"Conditions": span(367)}, "Value of 367 days; it must be 366 at most"),
        ({"Conditions": span(ValueRange={"Start": 367, "End": 0})}, "Start of 367 days"),
        ({"Conditions": span(ValueRange={"Start": 0, "End": -367})}, "End of -367 days"),
        ({"Conditions": span(ValueRange={"Start": 1, "End": 2})}, "Start must not be less than"),
        ({"Conditions": {"ObjectCount": 101}}, "ObjectCount is 101; it must be 1 to 100"),
        ({"Conditions": span(7, TimestampSource="{_order.at}")}, "TimestampSource names the obj"),
        ({"Conditions": span(7, TimestampSource="at")}, "TimestampSource must be one attribute"),
        ({"Conditions": span(7, TimestampFormat="yyyy")}, "one of EPOCHMILLI, ISO_8601"),
        (
            {
                "Filter": {
                    "Include": "ALL",
                    "Groups": [{"Type": "ALL", "Dimensions": [rule("v", "1", operator="BETWEEN")]}],
                }
            },
            "Filter of v: BETWEEN needs two values",
        ),
        ({"statistic": "TIME_DIFFERENCE_FROM_NOW"}, "enum value set"),
    ],
)
def test_a_definition_that_is_not_valid_is_refused(orders, members, message):
    with pytest.raises(Refusal, match=f"BadRequestException: .*{message}"):
        orders.define(**members)
    assert len(orders.shop.ask("ListCalculatedAttributeDefinitions", MaxResults=100)["Items"]) == (
        DEFAULTS
    )


def test_an_unknown_object_type_is_not_found(orders):
    with pytest.raises(Refusal, match="ResourceNotFoundException: Object type oo does not exist"):
        orders.define(expression="{oo.v}")


def test_an_update_merges_the_members_of_conditions(orders, clock):
    threshold = {"Operator": "EQUAL_TO", "Value": "1"}
    orders.define(Conditions=span(30) | {"ObjectCount": 5}, DisplayName="First")
    clock.advance(seconds=5)
    orders.update(Conditions={"Threshold": threshold})
    updated = orders.update(Conditions={"Range": {"Value": 10, "Unit": "DAYS"}}, Description="x")
    expected = span(10) | {"ObjectCount": 5, "Threshold": threshold}
    assert updated["Conditions"] == expected
    assert (updated["DisplayName"], updated["Description"]) == ("First", "x")
    assert updated["LastUpdatedAt"] == clock.now()
    assert orders.get()["Conditions"] == expected


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"TimestampSource": "{o.other}"}, "TimestampSource"),
        ({"TimestampFormat": "ISO_8601"}, "TimestampFormat"),
    ],
)
def test_the_timestamp_of_a_definition_cannot_change(orders, changed, name):
    orders.define(Conditions=span(30))
    same = orders.update(Conditions=span(20))
    with pytest.raises(Refusal, match=f"{name} cannot be changed"):
        orders.update(Conditions=span(10, **changed))
    assert orders.get()["Conditions"] == same["Conditions"] == span(20)


def test_an_update_with_wrong_conditions_is_refused(orders):
    orders.define()
    with pytest.raises(Refusal, match="ObjectCount is 101"):
        orders.update(Conditions={"ObjectCount": 101})
    assert "Conditions" not in orders.get()


def test_a_domain_has_fifty_definitions_beside_the_defaults(shop, clock):
    with Engine(clock=clock, quotas=Quotas(calculated_attributes=2)) as engine:
        shop.engine = engine
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        orders = Orders(shop, clock)
        orders.update("_call_count", Description="changed")
        orders.define(name="a")
        orders.define(name="b")
        with pytest.raises(Refusal, match="limit of 2 calculated attribute definitions"):
            orders.define(name="c")


def test_what_is_in_use_cannot_be_deleted(orders):
    orders.define(name="spend")
    message = "Object type o is used by calculated attribute definition spend; delete what uses it"
    with pytest.raises(Refusal, match=message):
        orders.shop.ask("DeleteProfileObjectType", ObjectTypeName="o")
    orders.delete("spend")
    assert orders.shop.ask("DeleteProfileObjectType", ObjectTypeName="o") == {"Message": "OK"}


# --- values of several attributes and profiles ---


def test_several_profiles_are_answered_with_an_override(orders):
    orders.define(Conditions=span(90), UseHistoricalData=True)
    orders.put(1, days=1)
    orders.put(2, days=20)
    orders.put(4, days=20, mail="bob@example.com")
    ids = [orders.id(), "0" * 32, orders.id("bob@example.com"), orders.id()]
    overrides = {"Range": {"Start": 30, "End": 10, "Unit": "DAYS"}}
    answer = orders.shop.ask(
        "BatchGetCalculatedAttributeForProfile",
        CalculatedAttributeName="a",
        ProfileIds=ids,
        ConditionOverrides=overrides,
    )
    values = [(item["ProfileId"], item["Value"]) for item in answer["CalculatedAttributeValues"]]
    assert values == [(ids[0], "2"), (ids[2], "4")]
    assert answer["ConditionOverrides"] == overrides
    assert answer["Errors"] == [
        {
            "Code": "ResourceNotFoundException",
            "Message": "Profile does not exist in the domain",
            "ProfileId": "0" * 32,
        }
    ]


def test_an_override_without_end_ends_now_and_is_checked(orders):
    orders.define(Conditions=span(90))
    orders.put(1, days=0)
    orders.put(2, days=20)
    ask = {"CalculatedAttributeName": "a", "ProfileIds": [orders.id()]}
    operation = "BatchGetCalculatedAttributeForProfile"
    plain = orders.shop.ask(operation, **ask)
    shorter = {"Range": {"Start": 5, "Unit": "DAYS"}}
    answer = orders.shop.ask(operation, ConditionOverrides=shorter, **ask)
    assert plain["CalculatedAttributeValues"][0]["Value"] == "3"
    assert "ConditionOverrides" not in plain
    assert answer["CalculatedAttributeValues"][0]["Value"] == "1"
    for wrong, message in (({"Start": 1, "End": 2}, "less than"), ({"Start": 400}, "400 days")):
        with pytest.raises(Refusal, match=f"ConditionOverrides: .*{message}"):
            orders.shop.ask(
                operation, ConditionOverrides={"Range": {"Unit": "DAYS", **wrong}}, **ask
            )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ProfileId": "0" * 32}, "Profile does not exist"),
        ({"CalculatedAttributeName": "nothing"}, "definition nothing does not exist"),
        ({"DomainName": "nowhere"}, "Domain nowhere does not exist"),
    ],
)
def test_what_is_missing_is_not_found(orders, members, message):
    orders.put(1)
    known = {"ProfileId": orders.id(), "CalculatedAttributeName": "_call_count"}
    with pytest.raises(Refusal, match=f"ResourceNotFoundException: .*{message}"):
        orders.shop.ask("GetCalculatedAttributeForProfile", **known | members)


def test_all_attributes_of_a_profile_are_listed_page_by_page(orders):
    orders.define(name="a")
    orders.put(3)
    ask = {"ProfileId": orders.id(), "MaxResults": 10}
    names, token = {}, {}
    while True:
        page = orders.shop.ask("ListCalculatedAttributesForProfile", **ask, **token)
        names |= {item["CalculatedAttributeName"]: item.get("Value") for item in page["Items"]}
        assert len(page["Items"]) <= 10
        if not page["NextToken"]:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(names) == sorted([*default_attributes(), "a"])
    assert {name for name, value in names.items() if value is not None} == {"a", "_new_customer"}


# --- defaults ---


def test_the_defaults_are_in_every_domain_without_times(orders):
    found = orders.get("_frequent_caller")
    items = orders.shop.ask("ListCalculatedAttributeDefinitions", MaxResults=100)["Items"]
    assert (found["CreatedAt"], found["LastUpdatedAt"]) == (None, None)
    assert found["Conditions"] == {
        "Range": {"Value": 30, "Unit": "DAYS"},
        "Threshold": {"Value": "5", "Operator": "GREATER_THAN"},
    }
    assert [item["CalculatedAttributeName"] for item in items] == sorted(default_attributes())
    assert {item["Status"] for item in items} == {"COMPLETED"}


def test_defaults_are_listed_between_the_others_page_by_page(orders):
    for name in ("_b", "_orders", "zz"):
        orders.define(name=name)
    names, token = [], {}
    while True:
        page = orders.shop.ask("ListCalculatedAttributeDefinitions", MaxResults=7, **token)
        names += [item["CalculatedAttributeName"] for item in page["Items"]]
        if not page["NextToken"]:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == sorted([*default_attributes(), "_b", "_orders", "zz"])


def test_a_deleted_default_is_gone_for_good_and_its_name_is_free(open_shop):
    shop = open_shop()
    ask = {"CalculatedAttributeName": "_call_count"}
    assert shop.ask("DeleteCalculatedAttributeDefinition", **ask) == {}
    shop = open_shop()
    names = [
        item["CalculatedAttributeName"]
        for item in shop.ask("ListCalculatedAttributeDefinitions", MaxResults=100)["Items"]
    ]
    assert "_call_count" not in names
    for operation in ("GetCalculatedAttributeDefinition", "DeleteCalculatedAttributeDefinition"):
        with pytest.raises(Refusal, match="ResourceNotFoundException"):
            shop.ask(operation, **ask)
    details = {"Attributes": [{"Name": "OrderId"}], "Expression": "{_order.OrderId}"}
    created = shop.ask(
        "CreateCalculatedAttributeDefinition", AttributeDetails=details, Statistic="COUNT", **ask
    )
    shop.ask("DeleteCalculatedAttributeDefinition", **ask)
    assert created["CreatedAt"]
    with pytest.raises(Refusal, match="ResourceNotFoundException"):
        shop.ask("GetCalculatedAttributeDefinition", **ask)


def test_another_domain_keeps_a_default_that_one_deletes_or_changes(shop):
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    shop.ask("DeleteCalculatedAttributeDefinition", CalculatedAttributeName="_call_count")
    shop.ask(
        "UpdateCalculatedAttributeDefinition",
        CalculatedAttributeName="_last_channel",
        Description="Changed",
    )
    ask = {"DomainName": "other"}
    call = shop.ask(
        "GetCalculatedAttributeDefinition", CalculatedAttributeName="_call_count", **ask
    )
    channel = shop.ask(
        "GetCalculatedAttributeDefinition", CalculatedAttributeName="_last_channel", **ask
    )
    assert call["DisplayName"] == "Call count"
    assert "Description" not in channel


def test_a_changed_default_keeps_its_members_and_has_no_creation(orders, clock):
    orders.update("_maximum_hold_time", Description="Longest", Conditions={"ObjectCount": 3})
    found = orders.get("_maximum_hold_time")
    assert found["Description"] == "Longest"
    assert found["Conditions"] == {"Range": {"Value": 30, "Unit": "DAYS"}, "ObjectCount": 3}
    assert (found["CreatedAt"], found["LastUpdatedAt"]) == (None, clock.now())
    assert found["DisplayName"] == "Customer's maximum hold time"
    orders.delete("_maximum_hold_time")
    with pytest.raises(Refusal, match="does not exist"):
        orders.get("_maximum_hold_time")


def test_the_name_of_a_default_is_taken(orders):
    with pytest.raises(Refusal, match="definition with name _call_count already exists"):
        orders.define(name="_call_count")


def test_deleted_defaults_are_back_in_a_domain_that_is_created_again(shop):
    shop.ask("DeleteCalculatedAttributeDefinition", CalculatedAttributeName="_call_count")
    shop.ask("DeleteDomain")
    shop.engine.run_due()
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    found = shop.ask("GetCalculatedAttributeDefinition", CalculatedAttributeName="_call_count")
    assert found["Statistic"] == "COUNT"


# --- the attributes of AWS's sample for airlines ---


def travel(name, statistic, source, expression, **chosen):
    attribute = expression.partition(".")[2].rstrip("}")
    return {
        "CalculatedAttributeName": name,
        "AttributeDetails": {"Attributes": [{"Name": attribute}], "Expression": expression},
        "Statistic": statistic,
        "Conditions": {"Range": {"Unit": "DAYS", "TimestampSource": source, **chosen}},
        "UseHistoricalData": True,
    }


TRAVEL = {
    # The first two have the details of the definitions in AWS's sample.
    "Days": travel("Days", "COUNT", "{Booking.DepartureDate}", "{Booking.SegmentPNR}"),
    "Spent": travel(
        "Spent",
        "SUM",
        "{_airSegment.Departure.Date}",
        "{_airSegment.Seat.Price}",
        ValueRange={"Start": 366, "End": 0},
    ),
    "Seat": travel(
        "Seat",
        "LAST_OCCURRENCE",
        "{_airSegment.Departure.Date}",
        "{_airSegment.Seat.SeatNumber}",
        ValueRange={"Start": 366, "End": 0},
    ),
}


def test_the_attributes_of_the_travel_sample_are_accepted_and_count(shop, clock):
    shop.ask("UpdateDomain", DefaultExpirationDays=1_000)
    mapping = json.loads((MAPPINGS / "airlines-Booking.json").read_text())
    shop.ask("PutProfileObjectType", **mapping)
    names = [field["Source"].removeprefix("_source.") for field in mapping["Fields"].values()]
    flown = datetime.fromtimestamp(clock.now() - 10 * DAY, UTC).date().isoformat()
    booking = dict.fromkeys(names, "12A") | {
        "DepartureDate": flown,
        "LastUpdated": "2023-11-01T00:00:00Z",
    }
    shop.ask("PutProfileObject", ObjectTypeName="Booking", Object=json.dumps(booking))
    for definition in TRAVEL.values():
        shop.ask("CreateCalculatedAttributeDefinition", **definition)
    (profile,) = json.loads(shop.engine.list_profiles("shop"))["Items"]
    values = {
        name: shop.ask(
            "GetCalculatedAttributeForProfile",
            ProfileId=profile["ProfileId"],
            CalculatedAttributeName=name,
        ).get("Value")
        for name in TRAVEL
    }
    # The sample's mapping fills no price of a seat.
    assert values == {"Days": "1", "Spent": None, "Seat": "12A"}

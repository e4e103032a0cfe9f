"""Segments: their definitions, what groups mean, membership and estimates."""

from __future__ import annotations

import json

import pytest

from customer_profiles.engine import Refusal, background
from customer_profiles.engine.audiences import segments

UNKNOWN = "f" * 32
GOLD = {"Attributes": {"tier": {"DimensionType": "INCLUSIVE", "Values": ["gold"]}}}


def condition(operator, *values, **more):
    return {"DimensionType": operator, "Values": list(values), **more}


def city(operator, *values):
    return {"Address": {"City": condition(operator, *values)}}


def dimension(**attributes):
    return {"ProfileAttributes": attributes}


def group(*dimensions, **more):
    return {"Dimensions": [{"ProfileAttributes": each} for each in dimensions], **more}


def groups(*listed, **more):
    return {"Groups": list(listed), **more}


def where(attributes):
    """Return groups with one condition."""
    return groups(group(attributes))


def define(shop, name, query, **more):
    return shop.ask(
        "CreateSegmentDefinition",
        SegmentDefinitionName=name,
        DisplayName=name.capitalize(),
        SegmentGroups=query,
        **more,
    )


@pytest.fixture
def people(shop):
    """Create the profiles of the vectors, and give their ids by letter."""
    return {
        "A": shop.create(
            Address={"City": "Seattle"}, Attributes={"tier": "gold"}, BirthDate="1990-05-01"
        ),
        "B": shop.create(Address={"City": "seattle"}),
        "C": shop.create(),
        "D": shop.create(Attributes={"tier": "gold"}, ProfileType="ACCOUNT_PROFILE"),
    }


def members(shop, people, query, name="segment"):
    """Return the letters of a segment's members."""
    define(shop, name, query)
    answer = shop.ask(
        "GetSegmentMembership", SegmentDefinitionName=name, ProfileIds=list(people.values())
    )
    present = {item["ProfileId"] for item in answer["Profiles"] if item["QueryResult"] == "PRESENT"}
    return " ".join(letter for letter, profile_id in people.items() if profile_id in present)


def estimate(shop, query):
    """Return the end of an estimate."""
    made = shop.ask("CreateSegmentEstimate", SegmentQuery=query)
    shop.engine.run_due()
    return shop.ask("GetSegmentEstimate", EstimateId=made["EstimateId"])


VECTORS = [
    (where(city("INCLUSIVE", "Seattle")), "A"),
    (where(city("EXCLUSIVE", "Seattle")), "B C D"),
    (where(city("CONTAINS", "eattle")), "A B"),
    (where({"Attributes": {"tier": condition("INCLUSIVE", "gold", "silver")}}), "A D"),
    (where({"ProfileType": condition("EXCLUSIVE", "ACCOUNT_PROFILE")}), "A B C"),
    (where({"BirthDate": condition("NOT_BETWEEN", "2000-01-01", "2010-01-01")}), "A"),
    (where({"BirthDate": condition("ON", "1990-05-01T00:00:00Z")}), "A"),
    (groups(), "A B C D"),
    ({}, "A B C D"),
    (groups(group()), "A B C D"),
    (groups(group(city("INCLUSIVE", "Seattle")), Include="NONE"), "B C D"),
    (groups(group(GOLD, city("INCLUSIVE", "seattle"), Type="ANY")), "A B D"),
    (
        groups(group(GOLD), group(city("INCLUSIVE", "Seattle"), Type="NONE"), Include="ALL"),
        "D",
    ),
    (where({"Attributes": {"tier": condition("EQUAL", "1")}}), ""),
]


@pytest.mark.parametrize(("query", "expected"), VECTORS)
def test_groups_have_the_members_of_the_vectors(shop, people, query, expected):
    assert members(shop, people, query) == expected


@pytest.mark.parametrize(("query", "expected"), VECTORS)
def test_an_estimate_counts_the_members(shop, people, query, expected):
    assert people
    made = estimate(shop, query)
    assert made["Status"] == "SUCCEEDED"
    assert made["Estimate"] == str(len(expected.split()))


@pytest.mark.parametrize(
    ("source_type", "expected"),
    [(None, "A B D"), ("ANY", "A B D"), ("ALL", ""), ("NONE", "C")],
)
def test_a_group_starts_from_the_members_of_segments(shop, people, source_type, expected):
    define(shop, "gold", where(GOLD))
    define(shop, "lower", where(city("INCLUSIVE", "seattle")))
    sources = [{"SegmentDefinitionName": name} for name in ("gold", "lower")]
    start = {"SourceSegments": sources, **({"SourceType": source_type} if source_type else {})}
    assert members(shop, people, groups(start)) == expected


def test_a_definition_answers_with_its_members(shop, clock):
    sort = {"Attributes": [{"Name": "LastName", "Order": "ASC"}]}
    created = define(shop, "gold", where(GOLD), SegmentSort=sort, Tags={"team": "crm"})
    arn = shop.engine.arn("domains/shop/segment-definitions/gold")
    assert created == {
        "SegmentDefinitionName": "gold",
        "DisplayName": "Gold",
        "SegmentDefinitionArn": arn,
        "CreatedAt": clock.now(),
        "Tags": {"team": "crm"},
    }
    assert shop.ask("GetSegmentDefinition", SegmentDefinitionName="gold") == {
        **created,
        "SegmentGroups": where(GOLD),
        "SegmentSort": sort,
        "SegmentType": "CLASSIC",
    }
    (listed,) = shop.ask("ListSegmentDefinitions")["Items"]
    assert listed == {**created, "SegmentType": "CLASSIC"}


def test_a_name_is_free_again_after_its_deletion(shop):
    define(shop, "gold", where(GOLD))
    with pytest.raises(Refusal, match="Segment definition with name gold already exists"):
        define(shop, "gold", groups())
    assert shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="gold") == {"Message": "OK"}
    define(shop, "gold", groups())
    shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="gold")
    with pytest.raises(Refusal, match="Segment definition gold does not exist"):
        shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="gold")


def test_a_segment_that_another_starts_from_cannot_be_deleted(shop):
    define(shop, "gold", where(GOLD))
    define(shop, "more", groups({"SourceSegments": [{"SegmentDefinitionName": "gold"}]}))
    with pytest.raises(Refusal, match="gold is used by segment definition more; delete"):
        shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="gold")


def many(number, start=0):
    return [
        {"Attributes": {"id": condition("INCLUSIVE", f"{start + position}")}}
        for position in range(number)
    ]


def calculated(number):
    shape = condition("GREATER_THAN", "1")
    return [{"CalculatedAttributes": {"_call_count": shape}} for _ in range(number)]


def source(*names, **more):
    return {"SourceSegments": [{"SegmentDefinitionName": name} for name in names], **more}


def test_sixty_conditions_on_one_attribute_are_accepted_and_61_are_not(shop):
    define(shop, "most", groups(group(*many(60), Type="ANY")))
    with pytest.raises(Refusal, match=r"61 conditions.* more than the maximum limit of 60"):
        define(shop, "more", groups(group(*many(61), Type="ANY")))


def test_conditions_of_starting_segments_count(shop):
    define(shop, "some", groups(group(*many(40))))
    with pytest.raises(Refusal, match=r"80 conditions.*maximum limit of 60"):
        define(shop, "more", groups(source("some"), source("some")))


def test_references_count_as_conditions(shop):
    named = {"FirstName": condition("INCLUSIVE", *["{{_profile.LastName}}"] * 50)}
    with pytest.raises(Refusal, match="61 conditions"):
        define(shop, "more", groups(group(named, *many(10))))


def test_segments_start_from_each_other_five_levels_deep(shop):
    define(shop, "s0", where(GOLD))
    for level in range(1, 6):
        define(shop, f"s{level}", groups(source(f"s{level - 1}")))
    with pytest.raises(Refusal, match=r"6 levels deep.*maximum limit of 5"):
        define(shop, "s6", groups(source("s5")))


def test_a_group_starts_from_five_segments_at_most(shop):
    define(shop, "gold", where(GOLD))
    define(shop, "five", groups(source(*["gold"] * 5)))
    with pytest.raises(Refusal, match=r"Groups 1 starts from 6 segments.*maximum limit of 5"):
        define(shop, "six", groups(source(*["gold"] * 6)))


def test_a_starting_segment_must_exist(shop):
    define(shop, "gold", where(GOLD))
    with pytest.raises(Refusal, match="definition gould does not exist; did you mean gold"):
        define(shop, "more", groups(source("gould")))
    with pytest.raises(Refusal, match="without SegmentDefinitionName"):
        define(shop, "more", groups({"SourceSegments": [{}]}))


REFUSED = [
    (groups({"Dimensions": [{}]}), "must have one of .*, not none"),
    (
        groups({"Dimensions": [dimension(**GOLD) | calculated(1)[0]]}),
        "Groups 1, Dimensions 1 must have one of .*, not both",
    ),
    (groups(group({"BirthDate": condition("AFTER", "last week")})), "Dimensions 1, BirthDate: .*"),
    (where({"BirthDate": condition("BETWEEN", "2000-01-01")}), "BETWEEN needs two values"),
    (where({"Attributes": {"x": condition("EQUAL", "one")}}), "Dimensions 1, Attributes: EQUAL"),
    (where({"FirstName": condition("INCLUSIVE", "{{_profile.Nme}}")}), "names no attribute"),
]


@pytest.mark.parametrize(("query", "message"), REFUSED)
def test_what_groups_cannot_say_is_refused_in_definitions_and_estimates(shop, query, message):
    with pytest.raises(Refusal, match=message):
        define(shop, "segment", query)
    with pytest.raises(Refusal, match=message):
        shop.ask("CreateSegmentEstimate", SegmentQuery=query)


def test_a_calculated_attribute_must_exist(shop):
    dimensions = [{"CalculatedAttributes": {"spnd": condition("EQUAL", "1")}}]
    for operation, member in (
        ("CreateSegmentDefinition", "SegmentGroups"),
        ("CreateSegmentEstimate", "SegmentQuery"),
    ):
        named = {"SegmentDefinitionName": "a", "DisplayName": "a"}
        with pytest.raises(Refusal, match="attribute definition spnd does not exist"):
            shop.ask(
                operation,
                **(named if member == "SegmentGroups" else {}),
                **{member: groups({"Dimensions": dimensions})},
            )


def test_eleven_conditions_on_calculated_attributes_are_refused(shop):
    define(shop, "ten", groups({"Dimensions": calculated(10)}))
    with pytest.raises(Refusal, match=r"11 conditions on calculated attributes.*limit of 10"):
        define(shop, "eleven", groups({"Dimensions": calculated(11)}))


def test_a_custom_attribute_that_no_profile_has_finds_nobody(shop, people):
    assert members(shop, people, where({"Attributes": {"none": condition("EQUAL", "1")}})) == ""


def test_groups_and_sql_exclude_each_other(shop):
    with pytest.raises(Refusal, match="one of SegmentGroups and SegmentSqlQuery"):
        shop.ask("CreateSegmentDefinition", SegmentDefinitionName="a", DisplayName="a")
    with pytest.raises(Refusal, match="one of SegmentGroups and SegmentSqlQuery"):
        define(shop, "a", groups(), SegmentSqlQuery="SELECT 1")
    with pytest.raises(Refusal, match="one of SegmentQuery and SegmentSqlQuery"):
        shop.ask("CreateSegmentEstimate")


def test_a_value_may_refer_to_another_attribute(shop):
    same = shop.create(FirstName="Ada", LastName="Ada", Attributes={"least": "5", "score": "7"})
    other = shop.create(FirstName="Ada", LastName="Bee", Attributes={"least": "5", "score": "3"})
    bare = shop.create(FirstName="Ada", Attributes={"score": "9"})
    people = {"S": same, "O": other, "N": bare}
    equal = condition("INCLUSIVE", "{{_profile.LastName}}")
    assert members(shop, people, where({"FirstName": equal}), "a") == "S"
    unequal = condition("EXCLUSIVE", "{{_profile.LastName}}")
    assert members(shop, people, where({"FirstName": unequal}), "b") == "O N"
    over = condition("GREATER_THAN", "{{_profile.Attributes.least}}")
    query = where({"Attributes": {"score": over}})
    assert members(shop, people, query, "c") == "S"
    assert estimate(shop, query)["Estimate"] == "1"


def test_membership_answers_every_id_once(shop, people, clock):
    define(shop, "gold", where(GOLD))
    ids = [people["A"], UNKNOWN, people["B"], people["A"]]
    answer = shop.ask("GetSegmentMembership", SegmentDefinitionName="gold", ProfileIds=ids)
    assert answer == {
        "SegmentDefinitionName": "gold",
        "Profiles": [
            {
                "ProfileId": people["A"],
                "QueryResult": "PRESENT",
                "Profile": {"ProfileId": people["A"], **shop.read(people["A"])},
            },
            {"ProfileId": people["B"], "QueryResult": "ABSENT"},
        ],
        "Failures": [
            {
                "ProfileId": UNKNOWN,
                "Message": "Profile does not exist in the domain",
                "Status": 404,
            }
        ],
        "LastComputedAt": clock.now(),
    }


def test_membership_of_a_missing_segment_is_not_found(shop):
    with pytest.raises(Refusal, match="ResourceNotFoundException"):
        shop.ask("GetSegmentMembership", SegmentDefinitionName="a", ProfileIds=[UNKNOWN])


def test_members_are_those_of_now(shop, people, clock):
    assert members(shop, people, where(GOLD)) == "A D"
    shop.ask("UpdateProfile", ProfileId=people["A"], Attributes={"tier": ""})
    shop.ask("DeleteProfile", ProfileId=people["D"])
    assert estimate(shop, where(GOLD))["Estimate"] == "0"
    clock.advance(days=31)
    assert estimate(shop, groups())["Estimate"] == "0"


def test_an_estimate_is_kept_for_a_day(shop, clock):
    made = estimate(shop, groups())
    assert len(made["EstimateId"]) == 32
    clock.advance(days=1)
    with pytest.raises(Refusal, match="kept for a day"):
        shop.ask("GetSegmentEstimate", EstimateId=made["EstimateId"])


def enable_data_store(shop):
    shop.ask(
        "UpdateDomain",
        DefaultEncryptionKey="arn:aws:kms:us-east-1:000000000000:key/a",
        DataStore={"Enabled": True},
    )


def test_sql_segments_are_stored_and_not_run(shop):
    sql = {"SegmentSqlQuery": "SELECT profileid FROM profile_standard"}
    named = {"SegmentDefinitionName": "sql", "DisplayName": "SQL"}
    with pytest.raises(Refusal, match="needs the data store"):
        shop.ask("CreateSegmentDefinition", **named, **sql)
    enable_data_store(shop)
    with pytest.raises(Refusal, match="must begin with SELECT"):
        shop.ask("CreateSegmentDefinition", **named, SegmentSqlQuery="DROP TABLE a")
    shop.ask("CreateSegmentDefinition", **named, **sql)
    found = shop.ask("GetSegmentDefinition", SegmentDefinitionName="sql")
    assert (found["SegmentType"], found["SegmentSqlQuery"]) == ("ENHANCED", sql["SegmentSqlQuery"])
    with pytest.raises(Refusal, match="no segment can start from it"):
        define(shop, "more", groups(source("sql")))
    with pytest.raises(Refusal, match="no completed snapshot"):
        shop.ask("GetSegmentMembership", SegmentDefinitionName="sql", ProfileIds=[UNKNOWN])
    made = shop.ask("CreateSegmentEstimate", **sql)
    shop.engine.run_due()
    ended = shop.ask("GetSegmentEstimate", EstimateId=made["EstimateId"])
    assert ended["Status"] == "FAILED"
    assert "cannot run" in ended["Message"]


def test_a_sort_names_attributes_that_exist(shop):
    sort = {"Attributes": [{"Name": "LastNam", "Order": "ASC"}]}
    with pytest.raises(Refusal, match=r"SegmentSort 1 names LastNam.*did you mean"):
        define(shop, "a", groups(), SegmentSort=sort)
    sort = {"Attributes": [{"Name": "spend", "Order": "ASC", "Type": "CALCULATED"}]}
    with pytest.raises(Refusal, match="spend does not exist"):
        define(shop, "a", groups(), SegmentSort=sort)


def test_the_engine_makes_an_estimate_by_itself(open_shop):
    shop = open_shop()
    shop.create(FirstName="Ada")
    made = shop.ask("CreateSegmentEstimate", SegmentQuery=groups())["EstimateId"]
    thread = shop.engine._context.jobs.get("pending-work")
    if thread is not None:
        thread.join()
    ended = shop.ask("GetSegmentEstimate", EstimateId=made)
    assert (ended["Status"], ended["Estimate"]) == ("SUCCEEDED", "1")


def pages(shop, name, limit):
    """Return the ids of a segment's members, page by page."""
    token, found = None, []
    while True:
        body = shop.engine.list_segment_members("shop", name, limit=limit, token=token)
        page = json.loads(body)
        found.append([item["ProfileId"] for item in page["Items"]])
        token = page["NextToken"]
        if token is None:
            return found


def test_members_are_listed_page_by_page_in_the_order_of_creation(shop, monkeypatch):
    monkeypatch.setattr(segments, "_LEAST_PAGE", 2)
    made = [
        shop.create(FirstName=f"{number}", Attributes={"tier": "gold" if number % 3 else "silver"})
        for number in range(14)
    ]
    gold = [profile_id for number, profile_id in enumerate(made) if number % 3]
    define(shop, "gold", where(GOLD))
    assert pages(shop, "gold", 4) == [gold[:4], gold[4:8], gold[8:]]
    open_condition = condition("CONTAINS", "{{_profile.FirstName}}", "1")
    define(shop, "named", where({"FirstName": condition("INCLUSIVE", "{{_profile.FirstName}}")}))
    assert pages(shop, "named", 5) == [made[:5], made[5:10], made[10:]]
    define(shop, "none", where({"LastName": open_condition}))
    assert pages(shop, "none", 5) == [[]]


def test_members_of_missing_segments_cannot_be_listed(shop):
    with pytest.raises(Refusal, match="Segment definition gold does not exist"):
        shop.engine.list_segment_members("shop", "gold")


ORDER = {
    "ObjectTypeName": "Order",
    "Description": "Orders",
    "Fields": {
        "id": {"Source": "_source.id"},
        "who": {"Source": "_source.who", "Target": "_profile.AccountNumber"},
        "total": {"Source": "_source.total"},
    },
    "Keys": {
        "OrderId": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        "_account": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["who"]}],
    },
    "AllowProfileCreation": True,
}


@pytest.fixture
def spenders(shop, clock):
    """Create a calculated attribute, and profiles that spent 600 lately, 600 before, and 5."""
    shop.ask("PutProfileObjectType", **ORDER)
    shop.ask(
        "CreateCalculatedAttributeDefinition",
        CalculatedAttributeName="spend",
        AttributeDetails={"Attributes": [{"Name": "total"}], "Expression": "{Order.total}"},
        Statistic="SUM",
        Conditions={"Range": {"Value": 90, "Unit": "DAYS"}},
    )
    people = {name: shop.create(AccountNumber=name) for name in ("lately", "before", "little")}
    spent = [("before", 600, 10), ("lately", 300, 1), ("lately", 300, 0), ("little", 5, 0)]
    for number, (who, total, days) in enumerate(spent):
        body = json.dumps({"id": f"{number}", "who": who, "total": total})
        shop.ask("PutProfileObject", ObjectTypeName="Order", Object=body)
        clock.advance(days=days)
    return people


def spend(operator, *values, **more):
    shape = condition(operator, *values, **more)
    return groups({"Dimensions": [{"CalculatedAttributes": {"spend": shape}}]})


def last(days):
    return {"ConditionOverrides": {"Range": {"Start": days, "Unit": "DAYS"}}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (spend("GREATER_THAN", "500"), "lately before"),
        (spend("GREATER_THAN", "500", **last(5)), "lately"),
        (spend("GREATER_THAN", "1", **last(5)), "lately little"),
        (spend("BETWEEN", "5", "6"), "little"),
        (spend("EXCLUSIVE", "600"), "little"),
        (spend("EXCLUSIVE", "600", **last(5)), "before little"),
        (spend("EQUAL", "{{_calculated_attribute.spend}}"), "lately before little"),
        (spend("EQUAL", "{{_calculated_attribute.spend}}", **last(5)), "lately little"),
    ],
)
def test_calculated_attributes_select_profiles(shop, spenders, query, expected):
    assert members(shop, spenders, query) == expected
    assert estimate(shop, query)["Estimate"] == str(len(expected.split()))


def test_profile_and_calculated_attributes_combine(shop, spenders):
    dimension = {"ProfileAttributes": {"AccountNumber": condition("CONTAINS", "l")}}
    query = spend("GREATER_THAN", "500")
    query["Groups"][0]["Dimensions"].append(dimension)
    assert members(shop, spenders, query, "both") == "lately"
    query["Groups"][0]["Type"] = "ANY"
    assert members(shop, spenders, query, "any") == "lately before little"
    query["Groups"][0]["Type"] = "NONE"
    assert members(shop, spenders, query, "none") == ""
    assert pages(shop, "both", 10) == [[spenders["lately"]]]


@pytest.mark.usefixtures("spenders")
def test_a_calculated_attribute_that_a_segment_uses_cannot_be_deleted(shop):
    define(shop, "big", spend("GREATER_THAN", "500"))
    with pytest.raises(Refusal, match=r"spend is used by segment definition big"):
        shop.ask("DeleteCalculatedAttributeDefinition", CalculatedAttributeName="spend")
    shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="big")
    sort = {"Attributes": [{"Name": "spend", "Order": "DESC", "Type": "CALCULATED"}]}
    define(shop, "sorted", groups(), SegmentSort=sort)
    with pytest.raises(Refusal, match=r"spend is used by segment definition sorted"):
        shop.ask("DeleteCalculatedAttributeDefinition", CalculatedAttributeName="spend")


def test_a_range_of_a_segment_does_not_end_before_it_starts(shop, spenders):
    assert spenders
    span = {"ConditionOverrides": {"Range": {"Start": 1, "End": 5, "Unit": "DAYS"}}}
    with pytest.raises(Refusal, match=r"Dimensions 1, spend: .*Start"):
        define(shop, "a", spend("EQUAL", "1", **span))


def test_an_estimate_that_an_engine_left_is_made_by_the_next_one(open_shop, monkeypatch):
    shop = open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(background, "start", lambda _: None)
        made = shop.ask("CreateSegmentEstimate", SegmentQuery=groups())["EstimateId"]
        other = open_shop()
        assert other.ask("GetSegmentEstimate", EstimateId=made)["Status"] == "RUNNING"
    # Asking for it is enough to start the work.
    other.ask("GetSegmentEstimate", EstimateId=made)
    other.engine._context.jobs["pending-work"].join()
    assert other.ask("GetSegmentEstimate", EstimateId=made)["Status"] == "SUCCEEDED"


def test_an_error_of_the_engine_fails_the_estimate_and_names_no_value(shop, monkeypatch, caplog):
    name = "Ada"

    def broken(*_):
        raise RuntimeError(name)

    monkeypatch.setattr(segments, "scan", broken)
    ended = estimate(shop, groups())
    assert ended["Status"] == "FAILED"
    assert ended["Message"] == "The segment estimate failed: RuntimeError"
    assert "Ada" not in caplog.text
    assert "broken" in caplog.text


def test_an_estimate_fails_if_a_segment_that_it_starts_from_is_deleted(shop, monkeypatch):
    monkeypatch.setattr(background, "start", lambda _: None)
    define(shop, "gold", where(GOLD))
    made = shop.ask("CreateSegmentEstimate", SegmentQuery=groups(source("gold")))["EstimateId"]
    shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="gold")
    shop.engine.run_due()
    ended = shop.ask("GetSegmentEstimate", EstimateId=made)
    assert ended["Status"] == "FAILED"
    assert ended["Message"] == "Segment definition gold does not exist"

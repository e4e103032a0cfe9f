"""What a request costs grows with its answer, and not faster with what is stored.

Cost is the number of steps of SQLite's virtual machine, counted by its progress handler, so that
the tests do not depend on how busy the machine is.
"""

import json

import pytest

from customer_profiles.engine import Engine, ManualClock, Quotas
from customer_profiles.engine.service.refusals import Refusal

from .conftest import Shop

SMALL = 100
FLAT, LINEAR = 1.2, 2.4
"""How many times as much a request may cost for twice the rows."""
RULES = {
    "Enabled": True,
    "MatchingRules": [{"Rule": ["LastName"]}, {"Rule": ["EmailAddress"]}],
    "MaxAllowedRuleLevelForMatching": 2,
}
ORDER = {
    "Description": "Orders",
    "AllowProfileCreation": True,
    "Fields": {
        "id": {"Source": "_source.id"},
        "who": {"Source": "_source.who", "Target": "_profile.AccountNumber"},
    },
    "Keys": {
        "Id": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        "Who": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["who"]}],
    },
}


def steps(shop, call):
    """Return how many tens of steps the database takes to answer."""
    connection, taken = shop.engine._database._writer, []
    connection.set_progress_handler(lambda: taken.append(1) and None, 10)
    call()
    connection.set_progress_handler(None, 0)
    return len(taken)


def growth(prepare):
    """Return how many times as much a request costs after twice the preparation."""
    small, large = (steps(*prepare(count)) for count in (SMALL, 2 * SMALL))
    return large / small


def shop_with(quotas=None, **settings):
    shop = Shop(Engine(clock=ManualClock(), quotas=quotas or Quotas(), strict=True))
    shop.ask("CreateDomain", DefaultExpirationDays=30, **settings)
    return shop


def put(shop, number, who="ada"):
    text = json.dumps({"id": str(number), "who": who})
    return shop.ask("PutProfileObject", ObjectTypeName="Order", Object=text)


def shop_with_orders(count, quotas=None):
    shop = shop_with(quotas)
    shop.ask("PutProfileObjectType", ObjectTypeName="Order", **ORDER)
    for number in range(count):
        put(shop, number)
    (ada,) = shop.search("Who", "ada")
    return shop, ada


def group(count):
    """Return a shop with one group of rule-based matching."""
    shop = shop_with(RuleBasedMatching=RULES)
    for number in range(count):
        shop.create(LastName="Lovelace", EmailAddress=f"{number // 2}@example.com")
    return shop


def test_listing_a_group_that_matches_by_rule_costs_as_much_as_it_has_members():
    def prepare(count):
        shop = group(count)
        return shop, lambda: shop.ask("ListRuleBasedMatches")

    assert growth(prepare) < LINEAR


def test_a_group_is_listed_on_one_page_only():
    shop = shop_with(RuleBasedMatching=RULES)
    for number in range(12):
        shop.create(LastName=f"L{number % 3}")
    ids, token = [], None
    for _ in range(3):
        answer = shop.ask("ListRuleBasedMatches", MaxResults=1, NextToken=token)
        ids += answer["MatchIds"]
        token = answer["NextToken"]
    assert len(set(ids)) == 3
    assert shop.ask("ListRuleBasedMatches")["MatchIds"] == ids


def test_a_match_of_a_weaker_level_is_found_by_its_id():
    shop = shop_with(RuleBasedMatching=RULES)
    first = shop.create(LastName="Lovelace", EmailAddress="a@example.com")
    second = shop.create(LastName="Lovelace")
    third = shop.create(EmailAddress="a@example.com")
    listed = shop.ask("ListRuleBasedMatches")["MatchIds"]
    found = [
        shop.ask(
            "GetSimilarProfiles",
            MatchType="RULE_BASED_MATCHING",
            SearchKey="matchId",
            SearchValue=match_id,
        )
        for match_id in listed
    ]
    assert [(match["RuleLevel"], match["ProfileIds"]) for match in found] == [
        (1, [first, second]),
        (2, [first, second, third]),
    ]


@pytest.mark.parametrize("key", ["matchId", "profileId"])
def test_a_match_by_rule_costs_as_much_as_it_has_members(key):
    def prepare(count):
        shop = group(count)
        (value,) = shop.ask("ListRuleBasedMatches")["MatchIds"]
        if key == "profileId":
            (value,) = shop.search("_email", "0@example.com")[:1]
        request = {"MatchType": "RULE_BASED_MATCHING", "SearchKey": key, "SearchValue": value}
        return shop, lambda: shop.ask("GetSimilarProfiles", **request)

    assert growth(prepare) < LINEAR


def test_a_profile_that_is_merged_at_once_costs_the_same_after_many_merges():
    def prepare(count):
        shop = shop_with(RuleBasedMatching={**RULES, "MaxAllowedRuleLevelForMerging": 2})
        for number in range(count):
            shop.create(LastName="Lovelace", EmailAddress=f"{number}@example.com")
        return shop, lambda: shop.create(LastName="Lovelace", EmailAddress="new@example.com")

    assert growth(prepare) < FLAT


def test_the_first_object_after_a_merge_costs_as_much_as_objects_are_evicted():
    def prepare(count):
        shop, ada = shop_with_orders(count, Quotas(objects=count))
        for number in range(count):
            put(shop, f"b{number}", who="bob")
        (bob,) = shop.search("Who", "bob")
        shop.ask("MergeProfiles", MainProfileId=ada, ProfileIdsToBeMerged=[bob])

        def evict():
            put(shop, "new")
            assert shop.stats()["ObjectCount"] == count

        return shop, evict

    assert growth(prepare) < LINEAR


def test_an_object_that_evicts_another_parses_no_keys_of_the_others():
    shop, _ = shop_with_orders(SMALL, Quotas(objects=SMALL))
    read = []
    shop.engine._database._writer.set_trace_callback(read.append)
    put(shop, "new")
    shop.engine._database._writer.set_trace_callback(None)
    assert sum("SELECT ingested, id, type" in statement for statement in read) == 1
    assert sum("SELECT keys FROM objects" in statement for statement in read) == 0


def test_an_object_that_evicts_another_costs_as_much_as_its_profile_has_objects():
    def prepare(count):
        shop, _ = shop_with_orders(count, Quotas(objects=count))
        return shop, lambda: put(shop, "new")

    assert growth(prepare) < LINEAR


def test_a_batch_into_a_full_profile_looks_for_the_oldest_objects_once():
    shop, ada = shop_with_orders(10, Quotas(objects=10))
    items = [
        {"Id": str(number), "Object": json.dumps({"id": f"n{number}", "who": "ada"})}
        for number in range(10)
    ]
    read = []
    shop.engine._database._writer.set_trace_callback(read.append)
    shop.ask("BatchPutProfileObject", ObjectTypeName="Order", Items=items)
    shop.engine._database._writer.set_trace_callback(None)
    assert sum("SELECT ingested, id, type" in statement for statement in read) == 1
    listed = shop.ask("ListProfileObjects", ProfileId=ada, ObjectTypeName="Order", MaxResults=100)
    assert len(listed["Items"]) == 10
    assert all('"n' in item["Object"] for item in listed["Items"])


@pytest.mark.parametrize("members", [{}, {"ObjectFilter": {"KeyName": "Who", "Values": ["ada"]}}])
def test_a_page_of_objects_costs_the_same_however_many_there_are(members):
    def prepare(count):
        shop, ada = shop_with_orders(count)
        request = {"ProfileId": ada, "ObjectTypeName": "Order", **members}
        return shop, lambda: shop.ask("ListProfileObjects", **request)

    assert growth(prepare) < FLAT


def test_filtered_pages_of_objects_have_each_object_once():
    shop, ada = shop_with_orders(150)
    object_filter = {"KeyName": "Id", "Values": [str(number) for number in range(10)]}
    found, token = [], None
    while token is not None or not found:
        answer = shop.ask(
            "ListProfileObjects",
            ProfileId=ada,
            ObjectTypeName="Order",
            MaxResults=4,
            NextToken=token,
            ObjectFilter=object_filter,
        )
        found += [json.loads(item["Object"])["id"] for item in answer["Items"]]
        token = answer["NextToken"]
    assert found == [str(number) for number in range(10)]


@pytest.mark.parametrize("name", ["_profile", "Order"])
def test_a_filter_by_a_key_that_only_looks_alike_finds_nothing(name):
    shop, ada = shop_with_orders(1)
    for value in ('ada"]', '"ada', 'Who","ada', "a"):
        answer = shop.ask(
            "ListProfileObjects",
            ProfileId=ada,
            ObjectTypeName=name,
            ObjectFilter={"KeyName": "Who", "Values": [value]},
        )
        assert answer["Items"] == []


def test_an_update_costs_the_same_after_many_updates():
    def prepare(count):
        shop = shop_with()
        ada = shop.create(FirstName="Ada")
        for number in range(count):
            shop.ask("UpdateProfile", ProfileId=ada, FirstName=f"Ada {number}")
        return shop, lambda: shop.ask("UpdateProfile", ProfileId=ada, FirstName="Eve")

    assert growth(prepare) < FLAT


def test_a_first_update_costs_the_same_after_many_other_events():
    def prepare(count):
        shop = shop_with()
        ada = shop.create(FirstName="Ada")
        for number in range(count):
            shop.ask("AddProfileKey", ProfileId=ada, KeyName="k", Values=[str(number)])
        return shop, lambda: shop.ask("UpdateProfile", ProfileId=ada, FirstName="Eve")

    assert growth(prepare) < FLAT


def test_a_page_of_a_search_costs_the_same_however_many_profiles_have_the_key():
    def prepare(count):
        shop = shop_with()
        for _ in range(count):
            shop.create(LastName="Lovelace")
        return shop, lambda: shop.page("_fullName", "Lovelace", MaxResults=20)

    assert growth(prepare) < FLAT


TEMPLATES = {
    "nested": "{{#each _source.items}}{{#each _source.items}}x{{/each}}{{/each}}",
    "text": "{{#each _source.items}}{{_source.items}}{{/each}}",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_an_object_over_which_a_template_loops_too_often_is_refused(template):
    shop = shop_with()
    fields = {**ORDER["Fields"], "loop": {"Source": template, "Target": "_profile.FirstName"}}
    shop.ask("PutProfileObjectType", ObjectTypeName="Order", **{**ORDER, "Fields": fields})
    order = {"id": "1", "who": "ada", "items": [1] * 100_000}
    with pytest.raises(Refusal, match=r"^BadRequestException: Field loop brings .* 100000;"):
        shop.ask(
            "PutProfileObject",
            ObjectTypeName="Order",
            Object=json.dumps(order, separators=(",", ":")),
        )
    order["items"] = [1] * 100
    shop.ask("PutProfileObject", ObjectTypeName="Order", Object=json.dumps(order))


def test_an_object_over_which_many_array_paths_go_is_refused():
    shop = shop_with()
    loops = {
        f"n{number}": {"Source": "_source.items[].n", "Target": f"_profile.Attributes.n{number}"}
        for number in range(10)
    }
    fields = {**ORDER["Fields"], **loops}
    shop.ask("PutProfileObjectType", ObjectTypeName="Order", **{**ORDER, "Fields": fields})
    order = {"id": "1", "who": "ada", "items": [{"n": ""}] * 20_000}
    with pytest.raises(Refusal, match=r"Field n5 brings the values .* to more than 100000;"):
        shop.ask("PutProfileObject", ObjectTypeName="Order", Object=json.dumps(order))
    order["items"] = [{"n": "7"}] * 20_000
    shop.ask("PutProfileObject", ObjectTypeName="Order", Object=json.dumps(order))

import json

import pytest

from customer_profiles.engine import Engine, Quotas, Refusal

from .test_ingestion import put_type

KEY = "arn:aws:kms:us-east-1:000000000000:key/one"


def test_a_created_domain_answers_with_what_was_given(shop, clock):
    answer = shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=366)
    assert answer == {
        "DomainName": "other",
        "DefaultExpirationDays": 366,
        "CreatedAt": clock.now(),
        "LastUpdatedAt": clock.now(),
    }


def test_a_domain_name_is_used_only_once(shop):
    with pytest.raises(Refusal, match="Domain shop already exists") as caught:
        shop.ask("CreateDomain", DefaultExpirationDays=1)
    assert (caught.value.code, caught.value.status) == ("BadRequestException", 400)


@pytest.mark.parametrize("operation", ["GetDomain", "DeleteDomain"])
def test_a_missing_domain_is_not_found(shop, operation):
    with pytest.raises(Refusal, match="Domain nowhere does not exist") as caught:
        shop.ask(operation, DomainName="nowhere")
    assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 404)


def test_a_profile_cannot_be_created_in_a_missing_domain(shop):
    with pytest.raises(Refusal, match="Domain nowhere does not exist"):
        shop.ask("CreateProfile", DomainName="nowhere", FirstName="Ada")


def test_a_missing_domain_cannot_be_updated(shop):
    with pytest.raises(Refusal, match="Domain nowhere does not exist"):
        shop.ask("UpdateDomain", DomainName="nowhere", DefaultExpirationDays=1)


def test_an_update_keeps_the_settings_it_does_not_name(shop):
    shop.ask("UpdateDomain", Matching={"Enabled": True})
    answer = shop.ask("UpdateDomain", DefaultEncryptionKey=KEY)
    assert answer["Matching"] == {"Enabled": True}
    assert answer["DefaultExpirationDays"] == 30
    assert answer["DefaultEncryptionKey"] == KEY


def test_an_update_replaces_a_setting_whole(shop):
    schedule = {"DayOfTheWeek": "MONDAY", "Time": "12:00"}
    shop.ask("UpdateDomain", Matching={"Enabled": True, "JobSchedule": schedule})
    shop.ask("UpdateDomain", Matching={"Enabled": False})
    assert shop.ask("GetDomain")["Matching"] == {"Enabled": False}


@pytest.mark.parametrize("name", ["DefaultEncryptionKey", "DeadLetterQueueUrl"])
def test_an_empty_string_takes_a_setting_away(shop, name):
    shop.ask("UpdateDomain", **{name: "something"})
    assert shop.ask("GetDomain")[name] == "something"
    shop.ask("UpdateDomain", **{name: ""})
    assert name not in shop.ask("GetDomain")


def test_an_update_moves_the_time_of_the_last_update_only(shop, clock):
    created = clock.now()
    clock.advance(seconds=60)
    shop.ask("UpdateDomain", DefaultExpirationDays=31)
    domain = shop.ask("GetDomain")
    assert (domain["CreatedAt"], domain["LastUpdatedAt"]) == (created, created + 60)


def test_rule_based_matching_is_active_at_once(shop):
    rules = {"Enabled": True, "MatchingRules": [{"Rule": ["EmailAddress"]}]}
    answer = shop.ask("UpdateDomain", RuleBasedMatching=rules)
    assert answer["RuleBasedMatching"] == {**rules, "Status": "ACTIVE"}


def test_disabled_rule_based_matching_has_no_status(shop):
    shop.ask("UpdateDomain", RuleBasedMatching={"Enabled": False})
    assert shop.ask("GetDomain")["RuleBasedMatching"] == {"Enabled": False}


def test_a_data_store_cannot_be_disabled_again(shop):
    shop.ask("UpdateDomain", DataStore={"Enabled": True}, DefaultEncryptionKey=KEY)
    with pytest.raises(Refusal, match="cannot be disabled"):
        shop.ask("UpdateDomain", DataStore={"Enabled": False})
    assert shop.ask("GetDomain")["DataStore"]["Enabled"] is True


def test_a_data_store_needs_a_key(shop):
    with pytest.raises(Refusal, match="needs a DefaultEncryptionKey"):
        shop.ask("UpdateDomain", DataStore={"Enabled": True})
    assert "DataStore" not in shop.ask("GetDomain")


def test_an_enabled_data_store_says_how_ready_it_is(shop):
    shop.ask("UpdateDomain", DataStore={"Enabled": True}, DefaultEncryptionKey=KEY)
    assert shop.ask("GetDomain")["DataStore"]["Readiness"] == {"ProgressPercentage": 100}


def test_a_deleted_domain_takes_everything_with_it(shop):
    profile = shop.create(FirstName="Ada", EmailAddress="ada@example.com")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    assert shop.ask("DeleteDomain") == {"Message": "OK"}
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    assert shop.search("_email", "ada@example.com") == []
    assert shop.stats()["ProfileCount"] == 0
    with pytest.raises(Refusal, match="crm is not defined"):
        shop.search("crm", "1")


def test_deleting_a_domain_leaves_the_others_alone(shop):
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    ada = shop.create(EmailAddress="ada@example.com")
    shop.create(DomainName="other", EmailAddress="ada@example.com")
    shop.ask("DeleteDomain", DomainName="other")
    assert shop.search("_email", "ada@example.com") == [ada]


def test_domains_are_listed_in_the_order_of_their_names(shop):
    for name in ("zoo", "bank"):
        shop.ask("CreateDomain", DomainName=name, DefaultExpirationDays=1)
    listed = shop.ask("ListDomains")
    assert [item["DomainName"] for item in listed["Items"]] == ["bank", "shop", "zoo"]
    assert listed["NextToken"] is None


def test_domains_are_listed_page_by_page(shop):
    for name in ("bank", "zoo"):
        shop.ask("CreateDomain", DomainName=name, DefaultExpirationDays=1)
    first = shop.ask("ListDomains", MaxResults=2)
    second = shop.ask("ListDomains", MaxResults=2, NextToken=first["NextToken"])
    assert [item["DomainName"] for item in first["Items"]] == ["bank", "shop"]
    assert [item["DomainName"] for item in second["Items"]] == ["zoo"]
    assert second["NextToken"] is None


def test_listed_domains_show_their_tags(shop):
    shop.ask("CreateDomain", DomainName="bank", DefaultExpirationDays=1, Tags={"team": "one"})
    listed = shop.ask("ListDomains")["Items"]
    assert [item.get("Tags") for item in listed] == [{"team": "one"}, None]


def test_the_number_of_domains_is_limited(clock):
    with Engine(clock=clock, quotas=Quotas(domains=1)) as engine:
        engine.answer("CreateDomain", {"DomainName": "one", "DefaultExpirationDays": 1})
        with pytest.raises(Refusal, match="limit of 1 domains"):
            engine.answer("CreateDomain", {"DomainName": "two", "DefaultExpirationDays": 1})


def test_statistics_follow_every_write(shop):
    first, second = shop.create(FirstName="Ada"), shop.create(FirstName="Bo")
    shop.ask("UpdateProfile", ProfileId=first, FirstName="Adelheid")
    shop.ask("DeleteProfile", ProfileId=second)
    stored = '{"ProfileId":"' + first + '","FirstName":"Adelheid"}'
    assert shop.stats() == {
        "ProfileCount": 1,
        "MeteringProfileCount": 1,
        "ObjectCount": 0,
        "TotalSize": len(stored),
    }


@pytest.mark.parametrize(
    ("objects", "metered"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (201, 3), (250, 3)]
)
def test_a_profile_counts_once_for_each_started_hundred_objects(shop, objects, metered):
    put_type(shop, "Order", {"Order": "id UNIQUE", "_profileId": "who PROFILE LOOKUP_ONLY"})
    ada = shop.create(FirstName="Ada")
    for start in range(0, objects, 10):
        items = [
            {"Id": str(number), "Object": json.dumps({"id": str(number), "who": ada})}
            for number in range(start, min(start + 10, objects))
        ]
        shop.ask("BatchPutProfileObject", ObjectTypeName="Order", Items=items)
    assert shop.stats()["MeteringProfileCount"] == metered
    other = shop.create(FirstName="Bo")
    assert shop.stats()["MeteringProfileCount"] == metered + 1
    shop.ask("DeleteProfile", ProfileId=other)
    shop.ask("DeleteProfile", ProfileId=ada)
    assert shop.stats()["MeteringProfileCount"] == 0


def test_no_profile_is_read_to_count_the_profiles_that_are_paid_for(shop):
    query = "SELECT total((objects - 1) / 100) FROM profiles WHERE domain = ? AND objects > 100"
    with shop.engine._database.read() as connection:
        (plan,) = connection.execute(f"EXPLAIN QUERY PLAN {query}", (1,)).fetchall()
    assert "COVERING INDEX profiles_by_many_objects" in plan[-1]

"""Rules that match profiles as they arrive: the same as over all profiles at once."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_profiles.engine import Engine, ManualClock, Refusal
from customer_profiles.engine.matching import rule_keys
from customer_profiles.engine.matching import rules as rule_matching
from customer_profiles.engine.store import rule_matches as store

from .conftest import Shop
from .rule_groups import groups, to_merge

RULES = {
    "Enabled": True,
    "MatchingRules": [
        {"Rule": ["EmailAddress"]},
        {"Rule": ["LastName", "PhoneNumber"]},
        {"Rule": ["LastName", "Address.City"]},
    ],
    "AttributeTypesSelector": {
        "AttributeMatchingModel": "MANY_TO_MANY",
        "EmailAddress": ["EmailAddress", "BusinessEmailAddress"],
    },
}


def enable(shop, **more):
    return shop.ask("UpdateDomain", RuleBasedMatching={**RULES, **more})


def ids(shop):
    return shop.ask("ListRuleBasedMatches")["MatchIds"]


def similar(shop, key, value):
    return shop.ask(
        "GetSimilarProfiles", MatchType="RULE_BASED_MATCHING", SearchKey=key, SearchValue=value
    )


PROFILES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "EmailAddress": st.sampled_from(["a@x.org", "b@x.org"]),
            "BusinessEmailAddress": st.sampled_from(["a@x.org", "c@x.org"]),
            "LastName": st.sampled_from(["King", "Hopper"]),
            "PhoneNumber": st.sampled_from(["1", "2"]),
            "Address": st.sampled_from([{"City": "Rome"}, {"City": "Oslo"}]),
        },
    ),
    max_size=7,
)


def expected(rows, config=RULES):
    """Return the groups of all profiles at once, by the functions that are tested alone."""
    applied = rule_keys.Rules.of(config)
    found = groups({one: rule_keys.keys_of(wire, applied) for one, wire in rows.items()})
    return {(one.level, frozenset(one.ids)) for one in found}


def listed(engine):
    def ask(operation, **members):
        return json.loads(engine.answer(operation, {"DomainName": "shop", **members}))

    found, token = [], {}
    while token is not None:
        page = ask("ListRuleBasedMatches", MaxResults=2, **token)
        found += page["MatchIds"]
        token = {"NextToken": page["NextToken"]} if page["NextToken"] else None
    found_groups = set()
    for match_id in found:
        match = ask(
            "GetSimilarProfiles",
            MatchType="RULE_BASED_MATCHING",
            SearchKey="matchId",
            SearchValue=match_id,
        )
        found_groups.add((match["RuleLevel"], frozenset(match["ProfileIds"])))
    assert len(found_groups) == len(found) == len(set(found))
    return found_groups


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(profiles=PROFILES, changes=PROFILES, gone=st.integers(0, 3))
def test_what_arrives_one_by_one_is_matched_as_if_all_came_at_once(profiles, changes, gone):
    with Engine(clock=ManualClock(), strict=True) as engine:

        def ask(operation, **members):
            return json.loads(engine.answer(operation, {"DomainName": "shop", **members}))

        ask("CreateDomain", DefaultExpirationDays=30, RuleBasedMatching=RULES)
        rows = {}
        for wire in profiles:
            rows[ask("CreateProfile", **wire)["ProfileId"]] = wire
        for profile_id, wire in zip(list(rows), changes, strict=False):
            ask("UpdateProfile", ProfileId=profile_id, **wire)
            rows[profile_id] = {**rows[profile_id], **wire}
        for profile_id in list(rows)[:gone]:
            ask("DeleteProfile", ProfileId=profile_id)
            del rows[profile_id]
        assert listed(engine) == expected(rows)


def miscounted(engine):
    """Return the values of keys whose holders are not counted right."""
    with engine._database.read() as connection:
        held = connection.execute("SELECT DISTINCT profile FROM rule_keys").fetchall()
        keys = [store.keys_of(connection, profile) for (profile,) in held]
        stored = dict(connection.execute("SELECT hash, holders FROM rule_values").fetchall())
    own = [{part for key in some for part in store.parts_of(key)} for some in keys]
    counted = Counter(part for some in own for part in some)
    return {part for part in {*counted, *stored} if counted[part] != stored.get(part)}


CONFIGS = st.lists(
    st.sampled_from([
        {"Enabled": False},
        RULES,
        {"Enabled": True, "MatchingRules": [{"Rule": ["LastName"]}, {"Rule": ["PhoneNumber"]}]},
        {**RULES, "MaxAllowedRuleLevelForMatching": 1},
    ]),
    max_size=4,
)  # fmt: skip


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(profiles=PROFILES, configs=CONFIGS)
def test_rules_that_change_match_as_if_they_had_been_there_from_the_start(profiles, configs):
    with Engine(clock=ManualClock(), strict=True) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        rows = {shop.create(**wire): wire for wire in profiles}
        for config in configs:
            shop.ask("UpdateDomain", RuleBasedMatching=config)
            assert miscounted(engine) == set()
            if config["Enabled"]:
                assert listed(engine) == expected(rows, config)


def merged(profiles, level):
    """Return what rules that merge leave of profiles, each of which has an attribute of its own."""
    merging = {**RULES, "MaxAllowedRuleLevelForMerging": level}
    with Engine(clock=ManualClock(), strict=True) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30, RuleBasedMatching=merging)
        for name, wire in profiles:
            shop.create(**wire, Attributes={name: "x"})
        with engine._database.read() as connection:
            bodies = connection.execute("SELECT body FROM profiles").fetchall()
    return [json.loads(body) for (body,) in bodies]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(profiles=PROFILES, level=st.integers(1, 3))
def test_rules_merge_until_nothing_matches_and_lose_nobody(profiles, level):
    found = merged([(f"n{number}", wire) for number, wire in enumerate(profiles)], level)

    applied = rule_keys.Rules.of({**RULES, "MaxAllowedRuleLevelForMerging": level})
    keys = {one["ProfileId"]: rule_keys.keys_of(one, applied) for one in found}
    assert to_merge(keys, applied) == []
    names = [name for one in found for name in one["Attributes"]]
    assert sorted(names) == sorted(f"n{number}" for number in range(len(profiles)))


def customers(names):
    """Return possible profiles of a customer: where they have values, these are the same."""
    full = {"LastName": names, "EmailAddress": f"{names}@x.org", "PhoneNumber": f"1{names}"}
    return st.sets(st.sampled_from(sorted(full))).map(lambda own: {one: full[one] for one in own})


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(profiles=st.lists(customers("King") | customers("Hopper"), max_size=7), order=st.randoms())
def test_who_never_contradict_each_other_are_merged_alike_in_any_order(profiles, order):
    numbered = [(f"n{number}", wire) for number, wire in enumerate(profiles)]
    shuffled = order.sample(numbered, len(numbered))

    one, other = (
        {frozenset(it["Attributes"]) for it in merged(some, 2)} for some in (numbered, shuffled)
    )
    assert one == other


def test_a_match_keeps_its_id_as_it_grows(shop):
    enable(shop)
    first = shop.create(EmailAddress="a@x.org")
    shop.create(EmailAddress="a@x.org")
    (match_id,) = ids(shop)
    shop.create(EmailAddress="a@x.org")

    assert ids(shop) == [match_id]
    assert len(match_id) == 32
    assert first in similar(shop, "matchId", match_id)["ProfileIds"]


def test_another_level_gives_a_match_another_id(shop):
    enable(shop)
    ada = {"LastName": "King", "PhoneNumber": "1"}
    first, _ = shop.create(**ada), shop.create(**ada)
    (weaker,) = ids(shop)
    shop.ask("UpdateProfile", ProfileId=first, EmailAddress="a@x.org")
    shop.create(EmailAddress="a@x.org")

    assert similar(shop, "profileId", first)["MatchId"] != weaker


def test_rules_of_an_existing_domain_match_what_is_there(shop):
    shop.create(EmailAddress="a@x.org")
    shop.create(BusinessEmailAddress="a@x.org")
    enable(shop)

    assert len(ids(shop)) == 1
    assert shop.ask("GetDomain")["RuleBasedMatching"]["Status"] == "ACTIVE"


def test_disabled_rules_match_nothing_and_merged_profiles_stay_merged(shop):
    enable(shop, MaxAllowedRuleLevelForMerging=1)
    shop.create(EmailAddress="a@x.org", FirstName="Ada")
    shop.create(EmailAddress="a@x.org", LastName="King")
    shop.ask("UpdateDomain", RuleBasedMatching={"Enabled": False})

    (profile_id,) = shop.search("_email", "a@x.org")
    assert shop.read(profile_id)["LastName"] == "King"
    with pytest.raises(Refusal, match="not enabled"):
        ids(shop)


def test_a_chain_of_matches_is_merged_into_one(shop):
    enable(shop, MaxAllowedRuleLevelForMerging=2)
    first = shop.create(EmailAddress="a@x.org")
    shop.create(LastName="King", PhoneNumber="1")
    shop.create(LastName="King", PhoneNumber="1", EmailAddress="a@x.org")

    assert shop.stats()["ProfileCount"] == 1
    assert shop.search("_phone", "1") == [first]


def test_a_merge_by_rule_loses_no_object(shop):
    enable(shop, MaxAllowedRuleLevelForMerging=1)
    shop.ask(
        "PutProfileObjectType",
        ObjectTypeName="Person",
        Description="Person",
        AllowProfileCreation=True,
        Fields={
            "id": {"Source": "_source.id"},
            "mail": {"Source": "_source.mail", "Target": "_profile.EmailAddress"},
        },
        Keys={"PersonId": [{"StandardIdentifiers": ["UNIQUE", "PROFILE"], "FieldNames": ["id"]}]},
    )
    for number in range(3):
        body = json.dumps({"id": str(number), "mail": "a@x.org"})
        shop.ask("PutProfileObject", ObjectTypeName="Person", Object=body)

    (profile_id,) = shop.search("_email", "a@x.org")
    listed_ = shop.ask("ListProfileObjects", ProfileId=profile_id, ObjectTypeName="Person")
    assert len(listed_["Items"]) == 3
    assert shop.search("PersonId", "2") == [profile_id]


def test_values_of_more_than_500_profiles_match_nobody(shop):
    enable(shop, MatchingRules=[{"Rule": ["LastName"]}])
    for _ in range(501):
        shop.create(LastName="King")

    assert ids(shop) == []
    (letter, *_) = shop.engine.dead_letters("shop")
    assert letter["Message"] == (
        "All attributes at rule level 1 are associated with more than 500 records."
    )


def test_an_existing_domain_waits_as_long_as_the_engine_is_told():
    clock = ManualClock()
    with Engine(clock=clock, matching_delay=3_600, strict=True) as engine:

        def ask(operation, **members):
            return json.loads(engine.answer(operation, {"DomainName": "shop", **members}))

        ask("CreateDomain", DefaultExpirationDays=30)
        for _ in range(2):
            ask("CreateProfile", EmailAddress="a@x.org")
        ask("UpdateDomain", RuleBasedMatching=RULES)
        assert ask("GetDomain")["RuleBasedMatching"]["Status"] == "PENDING"
        assert ask("ListRuleBasedMatches")["MatchIds"] == []

        clock.advance(seconds=3_601)
        assert len(ask("ListRuleBasedMatches")["MatchIds"]) == 1
        assert ask("GetDomain")["RuleBasedMatching"]["Status"] == "ACTIVE"


def test_rules_that_wait_to_be_applied_can_be_changed():
    with Engine(clock=ManualClock(), matching_delay=3_600, strict=True) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        enable(shop)
        shop.ask("UpdateDomain", DefaultExpirationDays=40)
        enable(shop, MatchingRules=[{"Rule": ["LastName"]}])

        assert shop.ask("GetDomain")["RuleBasedMatching"]["Status"] == "PENDING"
        shop.ask("UpdateDomain", RuleBasedMatching={"Enabled": False})


def test_rules_are_locked_while_they_are_being_applied(shop, monkeypatch):
    enable(shop)
    monkeypatch.setattr(rule_matching, "apply", lambda _: None)
    shop.create(EmailAddress="a@x.org")

    with pytest.raises(Refusal, match="IN_PROGRESS"):
        shop.ask("UpdateDomain", RuleBasedMatching={"Enabled": False})


def test_rules_that_are_enabled_again_match_as_before(shop):
    enable(shop)
    for _ in range(251):
        shop.create(EmailAddress="info@x.org")
    shop.ask("UpdateDomain", RuleBasedMatching={"Enabled": False})
    enable(shop)

    assert len(ids(shop)) == 1


def test_a_deleted_domain_leaves_nothing_of_its_rules(shop):
    enable(shop)
    for _ in range(2):
        shop.create(EmailAddress="a@x.org")
    shop.ask("DeleteDomain")

    with shop.engine._database.read() as connection:
        for table in ("rule_domains", "rule_changes", "rule_keys", "rule_values"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608


def test_a_new_profile_brings_no_expired_one_back(shop, clock):
    enable(shop, MaxAllowedRuleLevelForMerging=1)
    for _ in range(30):  # A write removes some of what has expired, the oldest first.
        shop.create()
    shop.create(EmailAddress="a@x.org", FirstName="Ada")
    clock.advance(days=31)
    new = shop.create(EmailAddress="a@x.org", LastName="King")

    assert shop.search("_email", "a@x.org") == [new]
    assert shop.read(new) == {"EmailAddress": "a@x.org", "LastName": "King"}


def test_a_profile_matches_no_expired_one(shop, clock):
    enable(shop)
    shop.create(EmailAddress="a@x.org")
    clock.advance(days=20)
    new = shop.create(EmailAddress="a@x.org")
    clock.advance(days=11)

    assert similar(shop, "profileId", new)["ProfileIds"] == []
    assert ids(shop) == []


def test_who_is_left_of_too_many_is_merged(shop):
    for _ in range(500):
        shop.create(LastName="King", FirstName="Ada")
    shop.create(LastName="Hopper", FirstName="Ada")
    eve = shop.create(LastName="King", FirstName="Eve")
    rule = [{"Rule": ["LastName", "FirstName"]}]
    enable(shop, MatchingRules=rule, MaxAllowedRuleLevelForMerging=1)
    assert shop.stats()["ProfileCount"] == 502

    shop.ask("DeleteProfile", ProfileId=eve)
    assert shop.stats()["ProfileCount"] == 2


def test_two_engines_on_one_file_match_together(tmp_path):
    one, other = (Engine(tmp_path / "shop.db", strict=True) for _ in range(2))
    with one, other:
        shop = {"DomainName": "shop"}
        one.answer("CreateDomain", {**shop, "DefaultExpirationDays": 9, "RuleBasedMatching": RULES})
        one.answer("CreateProfile", {**shop, "EmailAddress": "a@x.org"})
        other.answer("CreateProfile", {**shop, "EmailAddress": "a@x.org"})

        assert len(json.loads(one.answer("ListRuleBasedMatches", shop))["MatchIds"]) == 1


CREATING = """
import sys
from customer_profiles.engine import Engine
engine = Engine(sys.argv[1])
for n in range(9_999):
    values = {"EmailAddress": f"{n % 5}@x.org", "Attributes": {f"n{n}": "x"}}
    engine.answer("CreateProfile", {"DomainName": "shop", **values})
    print(n, flush=True)
"""


def test_what_a_killed_process_left_to_merge_is_merged(open_shop, tmp_path):
    shop = open_shop()
    enable(shop, MaxAllowedRuleLevelForMerging=1)
    command = [sys.executable, "-c", CREATING, str(tmp_path / "shop.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        while int(child.stdout.readline()) < 40:
            pass
        child.kill()
        last = 40 + len(child.stdout.read().splitlines())

    assert shop.stats()["ProfileCount"] == 5
    found = [shop.read(*shop.search("_email", f"{n}@x.org"))["Attributes"] for n in range(5)]
    assert {f"n{n}" for n in range(last)} <= {name for one in found for name in one}


def test_a_match_id_that_is_none_finds_nothing(shop):
    enable(shop)

    assert similar(shop, "matchId", "no such id")["ProfileIds"] == []
    with pytest.raises(Refusal, match="SearchKey"):
        similar(shop, "name", "x")


@pytest.mark.parametrize("first", ["z", "A", "é", "0"])
def test_a_match_id_that_begins_with_no_level_finds_nothing(shop, first):
    enable(shop)
    profile_id, _ = (shop.create(EmailAddress="a@x.org") for _ in range(2))

    assert similar(shop, "matchId", first + profile_id[1:])["ProfileIds"] == []


def test_a_domain_without_rules_notes_no_writes(shop):
    shop.create(EmailAddress="a@x.org")

    assert not shop.engine._database.has_pending_work(0)

"""Decisions about pairs of profiles: every later job and merge honours them."""

import json

import pytest

from customer_profiles.engine import Engine, ManualClock, Refusal
from customer_profiles.engine.store import decisions as store

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}


@pytest.fixture
def matching(shop):
    """Return a domain that matches: three profiles of one customer, and thirty others."""
    shop.ask("UpdateDomain", Matching={"Enabled": True})
    shop.others = [
        shop.create(FirstName=f"First{n}", LastName=f"Last{n}", EmailAddress=f"p{n}@x.org")
        for n in range(30)
    ]
    shop.ada = [shop.create(**ADA, PhoneNumber=f"+1 206 555 010{n}") for n in range(3)]
    return shop


def matches(shop):
    """Run a job, and return the profiles of each of its matches."""
    job_id = shop.engine.run_identity_resolution("shop")
    while thread := shop.engine._context.jobs.get(job_id):
        thread.join()
    job = shop.ask("GetIdentityResolutionJob", JobId=job_id)
    assert job["Status"] == "COMPLETED", job
    return [set(match["ProfileIds"]) for match in shop.ask("GetMatches")["Matches"]]


def decide(shop, left, right, *, is_match):
    shop.engine.decide("shop", left, right, is_match=is_match)


def test_every_later_job_honours_decisions(matching):
    a, b, c = matching.ada
    x, y = matching.others[:2]
    assert matches(matching) == [{a, b, c}]

    decide(matching, a, b, is_match=False)
    decide(matching, x, y, is_match=True)
    for _ in range(2):
        found = matches(matching)
        assert {x, y} in found
        assert not any({a, b} <= match for match in found)


def test_a_decision_is_replaced_and_forgotten(matching):
    a, b = matching.ada[:2]
    decide(matching, a, b, is_match=False)
    decide(matching, b, a, is_match=True)
    (decision,) = matching.engine.decisions("shop")
    assert (set(decision["ProfileIds"]), decision["IsMatch"]) == ({a, b}, True)

    matching.engine.forget_decision("shop", a, b)
    assert matching.engine.decisions("shop") == []
    with pytest.raises(Refusal, match="no decision"):
        matching.engine.forget_decision("shop", a, b)


def test_decisions_that_contradict_others_are_refused_by_ids(matching):
    a, b, c = matching.ada
    decide(matching, a, b, is_match=True)
    decide(matching, b, c, is_match=False)
    with pytest.raises(Refusal, match=f"({b}|{c}) and ({b}|{c}) were decided to be no match"):
        decide(matching, a, c, is_match=True)

    decide(matching, c, b, is_match=True)
    with pytest.raises(Refusal, match=f"Other decisions join profiles {a} and {c}"):
        decide(matching, a, c, is_match=False)
    assert len(matching.engine.decisions("shop")) == 2


def test_a_merge_transfers_decisions_to_the_profile_that_is_kept(matching):
    a, b, c = matching.ada
    decide(matching, b, c, is_match=False)
    decide(matching, a, b, is_match=True)
    matching.ask("MergeProfiles", MainProfileId=a, ProfileIdsToBeMerged=[b])

    (decision,) = matching.engine.decisions("shop")
    assert (set(decision["ProfileIds"]), decision["IsMatch"]) == ({a, c}, False)
    assert not any({a, c} <= match for match in matches(matching))


def test_of_decisions_that_a_merge_brings_together_the_later_wins(matching):
    a, b, c = matching.ada
    decide(matching, a, c, is_match=True)
    matching.engine._context.clock.advance(seconds=1)
    decide(matching, b, c, is_match=False)
    matching.ask("MergeProfiles", MainProfileId=a, ProfileIdsToBeMerged=[b])

    (decision,) = matching.engine.decisions("shop")
    assert (set(decision["ProfileIds"]), decision["IsMatch"]) == ({a, c}, False)


def test_decisions_that_a_merge_makes_contradictory_do_not_fail_a_job(matching):
    a, b, c = matching.ada
    d, e = matching.others[:2]
    for left, right, is_match in ((a, d, True), (d, c, True), (b, e, True), (e, c, False)):
        decide(matching, left, right, is_match=is_match)
    matching.ask("MergeProfiles", MainProfileId=a, ProfileIdsToBeMerged=[b])
    assert {a, c, d} <= set.union(*matches(matching))


def test_decided_strangers_are_not_merged_automatically(matching):
    a, b = matching.ada[:2]
    decide(matching, a, b, is_match=False)
    criteria = {"MatchingAttributesList": [["EmailAddress"]]}
    merging = {
        "Enabled": True,
        "Consolidation": criteria,
        "ConflictResolution": {"ConflictResolvingModel": "RECENCY"},
    }
    matching.ask("UpdateDomain", Matching={"Enabled": True, "AutoMerging": merging})
    matches(matching)
    left = matching.ask("BatchGetProfile", ProfileIds=[a, b])
    assert len(left["Profiles"]) == 2


def test_decided_strangers_are_not_merged_by_rules(shop):
    a, b = shop.create(**ADA), shop.create(**ADA)
    shop.engine.decide("shop", a, b, is_match=False)
    rules = {
        "Enabled": True,
        "MatchingRules": [{"Rule": ["EmailAddress"]}],
        "MaxAllowedRuleLevelForMatching": 1,
        "MaxAllowedRuleLevelForMerging": 1,
        "AttributeTypesSelector": {
            "AttributeMatchingModel": "ONE_TO_ONE",
            "EmailAddress": ["EmailAddress"],
        },
        "ConflictResolution": {"ConflictResolvingModel": "RECENCY"},
    }
    shop.ask("UpdateDomain", RuleBasedMatching=rules)
    shop.ask("UpdateProfile", ProfileId=a, MiddleName="King")
    assert len(shop.ask("BatchGetProfile", ProfileIds=[a, b])["Profiles"]) == 2


def test_a_profile_that_is_deleted_leaves_no_decision(matching):
    a, b, c = matching.ada
    decide(matching, a, b, is_match=False)
    decide(matching, b, c, is_match=False)
    matching.ask("DeleteProfile", ProfileId=b)
    assert matching.engine.decisions("shop") == []


def test_wrong_pairs_are_refused(matching):
    a = matching.ada[0]
    for left, right in ((a, a), (a, "0" * 32), (a, "nonsense")):
        with pytest.raises(Refusal):
            decide(matching, left, right, is_match=True)
    with pytest.raises(Refusal):
        matching.engine.decide("nowhere", a, matching.ada[1], is_match=True)


def test_decisions_survive_a_new_engine(tmp_path):
    file = tmp_path / "shop.db"
    with Engine(file, clock=ManualClock()) as engine:
        engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
        ids = [
            json.loads(engine.answer("CreateProfile", {"DomainName": "shop"}))["ProfileId"]
            for _ in range(2)
        ]
        engine.decide("shop", *ids, is_match=True)
    with Engine(file, clock=ManualClock()) as engine:
        (decision,) = engine.decisions("shop")
    assert (set(decision["ProfileIds"]), decision["IsMatch"]) == (set(ids), True)


def test_separating_finds_a_pair_in_either_direction(matching):
    a, _, c = matching.ada
    decide(matching, c, a, is_match=False)
    with matching.engine._database.read() as connection:
        (found,) = store.of_domain(connection, 1)
        low, high = found.profile, found.other
        assert store.separating(connection, [low], [high]) == found
        assert store.separating(connection, [high], [low, 5]) == found
        assert store.separating(connection, [low], [low]) is None

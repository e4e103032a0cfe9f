"""Duplicates: found by rules and by the job, merged by hand and automatically, on every target."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated

import pytest

from customer_profiles import (
    AttributeTypesSelector,
    AutoMerging,
    BadRequestError,
    ConflictResolution,
    Consolidation,
    CustomerProfiles,
    Domain,
    EngineChannel,
    InvalidInputError,
    Key,
    Match,
    MatchingConfig,
    MatchingRule,
    NoResultError,
    Profile,
    ProfileObject,
    ResourceNotFoundError,
    RuleBasedMatchingConfig,
    Target,
)
from customer_profiles.models.match import MatchType

NOBODY = "f" * 32
MATCHED = MatchingConfig(
    enabled=True,
    auto_merging=AutoMerging(
        enabled=False,
        consolidation=Consolidation(matching_attributes_list=[["EmailAddress", "LastName"]]),
        conflict_resolution=ConflictResolution(conflict_resolving_model="RECENCY"),
    ),
)
RULED = RuleBasedMatchingConfig(
    enabled=True,
    matching_rules=[MatchingRule(rule=["EmailAddress"]), MatchingRule(rule=["PhoneNumber"])],
    max_allowed_rule_level_for_matching=2,
    attribute_types_selector=AttributeTypesSelector(
        attribute_matching_model="MANY_TO_MANY",
        email_address=["EmailAddress", "BusinessEmailAddress"],
    ),
)


class Person(ProfileObject, name="Person", allow_profile_creation=True):
    person_id: Annotated[str, Key("PersonId", unique=True, profile=True)]
    email: Annotated[str | None, Target("_profile.EmailAddress")] = None


@pytest.fixture
def pair(shop: Domain) -> tuple[Profile, Profile]:
    """Give two profiles of one customer."""
    main = shop.profiles.create(
        first_name="Ada", email_address="ada@example.com", attributes={"tier": "gold", "old": "1"}
    )
    other = shop.profiles.create(
        first_name="Augusta",
        last_name="King",
        phone_number="+12065550100",
        attributes={"tier": "tin", "new": "2"},
    )
    return main, other


@pytest.fixture
def ruled(cp: CustomerProfiles) -> Iterator[Domain]:
    """Give a new domain with rules: there they match at once, in an older one after an hour."""
    name = f"test-{uuid.uuid4().hex}"
    yield cp.domains.create(name, default_expiration_days=30, rule_based_matching=RULED)
    cp.domains.delete(name)


def embedded(cp: CustomerProfiles) -> bool:
    return isinstance(cp._gateway.channel, EngineChannel)


def test_a_merge_unites_fields_and_the_main_profile_wins(
    shop: Domain, pair: tuple[Profile, Profile]
) -> None:
    main, other = pair
    shop.profiles.merge(main, other)

    main.refresh()
    assert (main.first_name, main.last_name, main.phone_number) == ("Ada", "King", "+12065550100")
    assert main.attributes == {"tier": "gold", "old": "1", "new": "2"}


def test_a_merged_profile_is_gone(shop: Domain, pair: tuple[Profile, Profile]) -> None:
    main, other = pair
    shop.profiles.merge(main, other)

    with pytest.raises(ResourceNotFoundError):
        shop.profiles.get(other.profile_id)
    assert shop.profiles.search(profile_id=other.profile_id).first() is None


def test_what_is_taken_wins_even_if_it_is_nothing(
    shop: Domain, pair: tuple[Profile, Profile]
) -> None:
    main, other = pair
    shop.profiles.merge(
        main, other, take={"first_name": other, "email_address": other, "attributes.tier": other}
    )

    main.refresh()
    assert (main.first_name, main.email_address) == ("Augusta", None)
    assert main.attributes == {"tier": "tin", "old": "1", "new": "2"}


def test_keys_of_a_merged_profile_find_the_main_one(
    shop: Domain, pair: tuple[Profile, Profile]
) -> None:
    main, other = pair
    shop.profiles.add_key(other.profile_id, "_ctrContactId", "call-1")
    shop.profiles.merge(main, other)

    for found in (
        shop.profiles.search(phone="206-555-0100").one(),
        shop.profiles.search(keys={"_ctrContactId": "call-1"}).one(),
        shop.profiles.search(full_name="Augusta King").one(),
    ):
        assert found.profile_id == main.profile_id


def test_objects_of_a_merged_profile_are_the_main_one_s(shop: Domain) -> None:
    shop.object_types.put(Person)
    shop.objects(Person).put_many([Person(person_id="1"), Person(person_id="2")])
    main, other = (shop.profiles.search(keys={"PersonId": n}).one() for n in ("1", "2"))
    shop.profiles.merge(main, other)

    assert {one.person_id for one in main.objects(Person)} == {"1", "2"}
    shop.objects(Person).put(Person(person_id="2", email="late@example.com"))
    assert shop.profiles.search(email="late@example.com").one().profile_id == main.profile_id


def test_a_merge_is_in_the_history(shop: Domain, pair: tuple[Profile, Profile]) -> None:
    shop.profiles.merge(*pair)

    assert [one.action_type for one in pair[0].history(action_type="MERGED")] == ["MERGED"]


@pytest.mark.parametrize("repeat", ["again", "cycle", "unknown"])
def test_merging_what_is_not_there_changes_nothing(
    shop: Domain, pair: tuple[Profile, Profile], repeat: str
) -> None:
    main, other = (one.profile_id for one in pair)
    third = shop.profiles.create(first_name="Ida").profile_id
    shop.profiles.merge(main, other)
    again = {"again": (main, other), "cycle": (other, main), "unknown": (main, third, NOBODY)}

    with pytest.raises(ResourceNotFoundError):
        shop.profiles.merge(*again[repeat])
    assert shop.profiles.get(main).last_name == "King"
    assert shop.profiles.get(third).first_name == "Ida"


def test_twenty_profiles_are_merged_at_once(shop: Domain) -> None:
    ids = [shop.profiles.create(attributes={f"n{n}": "x"}).profile_id for n in range(21)]
    shop.profiles.merge(*ids)

    assert len(shop.profiles.get(ids[0]).attributes or {}) == 21


def test_rules_match_as_profiles_arrive(ruled: Domain) -> None:
    first = ruled.profiles.create(email_address="ada@example.com")
    assert ruled.matches.rule_based().first() is None

    second = ruled.profiles.create(business_email_address="ada@example.com")
    match = ruled.matches.rule_based().one()
    assert match.refresh().rule_level == 1
    assert {*match.profile_ids} == {first.profile_id, second.profile_id}
    assert {one.profile_id for one in match.profiles} == {*match.profile_ids}


def test_a_profile_moves_to_a_better_match(ruled: Domain) -> None:
    first = ruled.profiles.create(phone_number="1", email_address="ada@example.com")
    ruled.profiles.create(phone_number="1")
    match = ruled.matches.similar(first, match_type="RULE_BASED_MATCHING")
    assert (match.rule_level if match else None) == 2

    ruled.profiles.create(email_address="ada@example.com")
    match = ruled.matches.similar(first, match_type="RULE_BASED_MATCHING")
    assert (match.rule_level if match else None) == 1


def test_a_rule_based_match_is_read_by_its_id(ruled: Domain) -> None:
    ids = {ruled.profiles.create(phone_number="1").profile_id for _ in range(3)}
    listed = ruled.matches.rule_based().one()

    found = ruled.matches.get(listed.match_id, match_type="RULE_BASED_MATCHING")
    assert (found.match_id, {*found.profile_ids}) == (listed.match_id, ids)


def test_a_match_goes_when_its_profiles_change(ruled: Domain) -> None:
    first, _ = (ruled.profiles.create(phone_number="1") for _ in range(2))
    match = ruled.matches.rule_based().one()
    first.phone_number = "2"
    first.save()

    assert ruled.matches.rule_based().first() is None
    assert ruled.matches.similar(first, match_type="RULE_BASED_MATCHING") is None
    with pytest.raises(NoResultError):
        match.refresh()


def test_a_match_is_merged_by_hand(ruled: Domain) -> None:
    keep = ruled.profiles.create(phone_number="1", first_name="Ada")
    other = ruled.profiles.create(phone_number="1", first_name="Augusta", last_name="King")
    match = ruled.matches.rule_based().one()
    match.merge(keep=keep, take={"first_name": other})

    keep.refresh()
    assert (keep.first_name, keep.last_name) == ("Augusta", "King")
    assert ruled.matches.rule_based().first() is None


def test_rules_merge_at_the_levels_that_are_told_to(cp: CustomerProfiles) -> None:
    merging = RULED.model_copy(update={"max_allowed_rule_level_for_merging": 1})
    shop = cp.domains.create(f"test-{uuid.uuid4().hex}", rule_based_matching=merging)
    for name in ("Ada", "Augusta"):
        shop.profiles.create(email_address="ada@example.com", first_name=name)
        shop.profiles.create(phone_number="1", first_name=name)

    assert len(list(shop.profiles.search(email="ada@example.com"))) == 1
    assert len(list(shop.profiles.search(phone="1"))) == 2
    shop.delete()


def test_rule_based_matches_come_page_by_page(ruled: Domain) -> None:
    for n in range(6):
        ruled.profiles.create(phone_number=f"{n // 2}")

    found = [one.match_id for one in ruled.matches.rule_based(page_size=1)]
    assert len(found) == len({*found}) == 3


@pytest.mark.parametrize("rule", [["Emial"], ["Address"], ["Address.Town"]])
def test_a_rule_of_unknown_attributes_is_refused(shop: Domain, rule: list[str]) -> None:
    shop.rule_based_matching = RuleBasedMatchingConfig(
        enabled=True, matching_rules=[MatchingRule(rule=rule)]
    )

    with pytest.raises(BadRequestError, match="MatchingRules"):
        shop.save()


@pytest.mark.parametrize("match_type", ["RULE_BASED_MATCHING", "ML_BASED_MATCHING"])
def test_an_unknown_profile_is_similar_to_nobody(ruled: Domain, match_type: MatchType) -> None:
    ruled.matching = MATCHED
    ruled.save()

    with pytest.raises(ResourceNotFoundError):
        ruled.matches.similar(NOBODY, match_type=match_type)


def test_matches_of_a_domain_that_does_not_match_are_refused(shop: Domain) -> None:
    with pytest.raises(BadRequestError):
        shop.matches.all().first()
    with pytest.raises(BadRequestError):
        shop.matches.rule_based().first()


@pytest.fixture
def people(cp: CustomerProfiles, shop: Domain) -> list[Profile]:
    """Give profiles of a domain in which a job ran: a customer three times, and fifty others."""
    if not embedded(cp):
        pytest.skip("only the embedded engine starts jobs when it is asked to")
    shop.matching = MATCHED
    shop.save()
    for n in range(50):
        shop.profiles.create(
            first_name=f"First{n}", last_name=f"Last{n}", email_address=f"p{n}@example.com"
        )
    made = [
        shop.profiles.create(
            first_name=first, last_name="Lovelace", email_address=email, phone_number=phone
        )
        for first, email, phone in (
            ("Augusta", "lovelace@example.org", "+1 206 555 0100"),
            ("Augusta", "LOVELACE@example.org", "206-555-0100"),
            ("Agusta", "lovelace@example.org", "+12065550100"),
        )
    ]
    shop.matches.run().wait(timeout=60)
    return made


def found(shop: Domain) -> Match:
    return shop.matches.all().one()


def test_a_job_finds_who_is_one_customer(shop: Domain, people: list[Profile]) -> None:
    results = shop.matches.all()
    match = results.one()

    assert {*match.profile_ids} == {one.profile_id for one in people}
    assert 0.9 < (match.confidence_score or 0) <= 1
    assert results.potential_matches == 1
    assert results.generated_at is not None


def test_a_profile_knows_whom_the_job_found_similar(shop: Domain, people: list[Profile]) -> None:
    match = shop.matches.similar(people[0])

    assert match is not None
    assert match.match_type == "ML_BASED_MATCHING"
    assert (match.match_id, match.confidence_score) == (
        found(shop).match_id,
        found(shop).confidence_score,
    )
    assert shop.matches.similar(shop.profiles.search(email="p1@example.com").one()) is None


def test_a_job_tells_what_it_did(shop: Domain, people: list[Profile]) -> None:
    job = shop.jobs.all().one().refresh()

    assert (job.status, job.is_over) == ("COMPLETED", True)
    assert job.job_stats is not None
    assert job.job_stats.number_of_profiles_reviewed == 53
    assert job.job_stats.number_of_matches_found == 1
    assert job.job_stats.number_of_merges_done in (0, None)
    assert shop.jobs.get(job.job_id).job_end_time is not None


def test_an_unknown_job_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError):
        shop.jobs.get(NOBODY)


def test_a_domain_without_jobs_has_none(shop: Domain) -> None:
    assert list(shop.jobs.all()) == []


def test_a_preview_merges_nothing(shop: Domain, people: list[Profile]) -> None:
    preview = shop.matches.preview()

    assert preview.domain_name == shop.domain_name
    assert preview.number_of_matches_in_sample == 1
    assert preview.number_of_profiles_in_sample == 3
    assert len(found(shop).profiles) == 3


def test_a_plot_shows_what_each_minimum_confidence_would_merge(
    shop: Domain, people: list[Profile]
) -> None:
    criteria = Consolidation(matching_attributes_list=[["EmailAddress"]])
    axes = shop.matches.preview(AutoMerging(enabled=True, consolidation=criteria)).plot()

    (others,) = (it for it in axes.figure.axes if it is not axes)
    every, some = (line.get_ydata().tolist() for line in others.lines)
    assert (max(every), some[0]) == (3, 2)
    assert axes.get_title() == "3 profiles in 1 matches"
    assert len(found(shop).profiles) == 3


def test_a_match_of_the_job_is_merged_by_hand(shop: Domain, people: list[Profile]) -> None:
    found(shop).merge(keep=people[0], take={"email_address": people[1]})

    assert people[0].refresh().email_address == "LOVELACE@example.org"
    assert len(list(shop.profiles.search(email="lovelace@example.org"))) == 1


def test_a_job_merges_what_meets_a_criterion(shop: Domain, people: list[Profile]) -> None:
    shop.matching = MatchingConfig(
        enabled=True,
        auto_merging=AutoMerging(
            enabled=True,
            consolidation=Consolidation(matching_attributes_list=[["EmailAddress", "LastName"]]),
        ),
    )
    shop.save()
    job = shop.matches.run().wait(timeout=60)

    assert job.job_stats is not None
    assert job.job_stats.number_of_merges_done == 1
    assert len(list(shop.profiles.search(email="lovelace@example.org"))) == 2


def test_a_job_needs_a_domain_that_matches(cp: CustomerProfiles, shop: Domain) -> None:
    kind = BadRequestError if embedded(cp) else InvalidInputError

    with pytest.raises(kind):
        shop.matches.run()


def test_decisions_are_stored_replaced_and_forgotten(
    cp: CustomerProfiles, shop: Domain, pair: tuple[Profile, Profile]
) -> None:
    if not embedded(cp):
        with pytest.raises(InvalidInputError, match="only the embedded engine keeps decisions"):
            shop.matches.decide(*pair, same=True)
        return
    shop.matches.decide(*pair, same=True)
    shop.matches.decide(pair[1].profile_id, pair[0], same=False)
    (decision,) = shop.matches.decisions()
    assert set(decision.profile_ids) == {profile.profile_id for profile in pair}
    assert not decision.is_match

    shop.matches.forget(*pair)
    assert shop.matches.decisions() == []


def test_decisions_about_nobody_are_errors(
    cp: CustomerProfiles, shop: Domain, pair: tuple[Profile, Profile]
) -> None:
    kind = ResourceNotFoundError if embedded(cp) else InvalidInputError
    with pytest.raises(kind):
        shop.matches.decide(pair[0], NOBODY, same=True)
    with pytest.raises(BadRequestError if embedded(cp) else InvalidInputError):
        shop.matches.decide(pair[0], pair[0], same=True)
    with pytest.raises(kind):
        shop.matches.forget(*pair)

"""Domains, on every target."""

from __future__ import annotations

import pytest

from customer_profiles import (
    BadRequestError,
    CustomerProfiles,
    Domain,
    InvalidInputError,
    JobSchedule,
    MatchingConfig,
    MatchingRule,
    ResourceNotFoundError,
    RuleBasedMatchingConfig,
)


def test_a_created_domain_is_read_back(cp: CustomerProfiles, shop: Domain) -> None:
    found = cp.domains.get(shop.domain_name)

    assert found.domain_name == shop.domain_name
    assert found.default_expiration_days == 30
    assert found.created_at is not None
    assert found.created_at == shop.created_at


def test_a_second_domain_of_the_name_is_refused(cp: CustomerProfiles, shop: Domain) -> None:
    with pytest.raises(BadRequestError, match=f"Domain {shop.domain_name} already exists"):
        cp.domains.create(shop.domain_name)


def test_a_missing_domain_is_not_found(cp: CustomerProfiles) -> None:
    with pytest.raises(ResourceNotFoundError):
        cp.domains.get("no-such-domain")


def test_settings_that_are_not_given_are_kept(cp: CustomerProfiles, shop: Domain) -> None:
    cp.domains.update(
        shop.domain_name, matching=MatchingConfig(enabled=True), default_expiration_days=10
    )
    updated = cp.domains.update(shop.domain_name, default_expiration_days=20)

    assert updated.default_expiration_days == 20
    assert updated.matching is not None
    assert updated.matching.enabled is True


def test_a_text_setting_is_cleared_by_none(cp: CustomerProfiles, shop: Domain) -> None:
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/dead"
    cp.domains.update(shop.domain_name, dead_letter_queue_url=url)
    cp.domains.update(shop.domain_name, dead_letter_queue_url=None)

    assert not cp.domains.get(shop.domain_name).dead_letter_queue_url


def test_save_sends_the_difference(cp: CustomerProfiles, shop: Domain) -> None:
    shop.default_expiration_days = 99
    shop.matching = MatchingConfig(
        enabled=True, job_schedule=JobSchedule(day_of_the_week="SUNDAY", time="03:00")
    )
    shop.save()

    found = cp.domains.get(shop.domain_name)
    assert found.default_expiration_days == 99
    assert found.matching == shop.matching


def test_rules_are_read_back_with_a_status(cp: CustomerProfiles, shop: Domain) -> None:
    rules = RuleBasedMatchingConfig(
        enabled=True, matching_rules=[MatchingRule(rule=["EmailAddress"])]
    )
    cp.domains.update(shop.domain_name, rule_based_matching=rules)

    found = cp.domains.get(shop.domain_name).rule_based_matching
    assert found is not None
    assert found.matching_rules == rules.matching_rules
    assert found.status in ("PENDING", "IN_PROGRESS", "ACTIVE")


def test_a_domain_that_is_only_named_sends_nothing(cp: CustomerProfiles) -> None:
    assert cp.domain("never-made").domain_name == "never-made"


def test_refresh_reads_what_changed(cp: CustomerProfiles, shop: Domain) -> None:
    named = cp.domain(shop.domain_name)
    named.refresh()

    assert named.default_expiration_days == 30
    assert named.stats is not None


def test_statistics_count_profiles(cp: CustomerProfiles, shop: Domain) -> None:
    shop.profiles.create(first_name="Ada")
    gone = shop.profiles.create(first_name="Grace")
    gone.delete()

    stats = cp.domains.get(shop.domain_name).stats
    assert stats is not None
    assert stats.profile_count == 1


def test_all_lists_every_domain_once(cp: CustomerProfiles, shop: Domain) -> None:
    more = [cp.domains.create(f"{shop.domain_name[:20]}-{n}") for n in range(3)]

    names = [domain.domain_name for domain in cp.domains.all(page_size=2)]
    for domain in more:
        domain.delete()

    assert len(names) == len(set(names))
    assert {shop.domain_name, *(domain.domain_name for domain in more)} <= set(names)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "käse"])
def test_a_wrong_name_is_refused_before_it_is_sent(cp: CustomerProfiles, name: str) -> None:
    with pytest.raises(InvalidInputError, match="domain_name"):
        cp.domains.create(name)


def test_too_many_days_are_refused_before_they_are_sent(cp: CustomerProfiles) -> None:
    with pytest.raises(InvalidInputError, match="default_expiration_days must be at most 1098"):
        cp.domains.create("shop", default_expiration_days=2000)


def test_tags_come_and_go(cp: CustomerProfiles, shop: Domain) -> None:
    cp.tags.add(shop, {"team": "crm", "stage": "test"})
    cp.tags.add(shop, {"stage": "live"})
    cp.tags.remove(shop, "team")

    assert cp.tags.all(shop) == {"stage": "live"}


def test_tags_of_a_missing_domain_are_not_found(cp: CustomerProfiles) -> None:
    with pytest.raises(ResourceNotFoundError):
        cp.tags.all(cp.domain("no-such-domain"))

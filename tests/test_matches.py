"""Matches, merges and jobs over a channel that answers as told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customer_profiles import (
    AmbiguousWriteError,
    AutoMerging,
    BatchError,
    ConnectionFailedError,
    Consolidation,
    CustomerProfiles,
    DetachedError,
    Domain,
    EngineChannel,
    InvalidInputError,
    MatchingConfig,
    MergePreview,
    NoResultError,
    Profile,
    ResourceNotFoundError,
    RetryPolicy,
    ServiceError,
    WaitTimeoutError,
)
from customer_profiles._gateway import Gateway
from customer_profiles.engine import Engine
from customer_profiles.repositories.jobs import Jobs

A, B, C = "a" * 32, "b" * 32, "c" * 32
LOST = ConnectionFailedError("MergeProfiles", "ReadTimeoutError", sent=True)
MISSING = ServiceError.of("ResourceNotFoundException", "no such profile", operation="X", status=404)
MERGED = {"Message": "Success!"}
GONE = {
    "Profiles": [{"ProfileId": A}],
    "Errors": [{"Code": "ResourceNotFoundException", "Message": "no", "ProfileId": B}],
}
THERE = {"Profiles": [{"ProfileId": A}, {"ProfileId": B}], "Errors": []}


class Script:
    """A channel that answers from a list and remembers what it was asked."""

    retries = False

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers), list[dict[str, Any]]()
        self.sent: list[str] = []

    def send(self, operation: str, request: dict[str, Any]) -> bytes:
        self.sent.append(operation)
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    def arn(self, resource: str) -> str:
        return resource

    def close(self) -> None:
        """Hold nothing."""


DOMAIN = {"DomainName": "shop", "CreatedAt": 1, "LastUpdatedAt": 1}


def scripted(*answers: Any, attempts: int = 3) -> tuple[Script, Domain]:
    script = Script(*answers)
    retry = RetryPolicy(attempts=attempts, base=0, cap=0)
    return script, CustomerProfiles(channel=script, retry=retry).domain("shop")


def test_a_merge_sends_ids_and_what_is_taken() -> None:
    script, shop = scripted(MERGED)
    shop.profiles.merge(A, Profile(profile_id=B), take={"email_address": B, "attributes.a.b": A})

    assert script.requests == [
        {
            "DomainName": "shop",
            "MainProfileId": A,
            "ProfileIdsToBeMerged": [B],
            "FieldSourceProfileIds": {"EmailAddress": B, "Attributes": {"a.b": A}},
        }
    ]


def test_a_lost_merge_that_happened_is_not_repeated() -> None:
    script, shop = scripted(LOST, GONE)
    shop.profiles.merge(A, B)

    assert script.sent == ["MergeProfiles", "BatchGetProfile"]


def test_a_lost_merge_that_did_not_happen_is_repeated() -> None:
    script, shop = scripted(LOST, THERE, MERGED)
    shop.profiles.merge(A, B)

    assert script.sent == ["MergeProfiles", "BatchGetProfile", "MergeProfiles"]


def test_a_repeated_merge_that_finds_nothing_any_more_has_happened() -> None:
    script, shop = scripted(LOST, THERE, MISSING, GONE)
    shop.profiles.merge(A, B)

    assert script.sent.count("MergeProfiles") == 2


def test_a_merge_that_stays_in_doubt_is_said_to_be_so() -> None:
    script, shop = scripted(LOST, THERE, LOST, THERE, LOST, THERE)
    with pytest.raises(AmbiguousWriteError):
        shop.profiles.merge(A, B)

    assert script.sent.count("MergeProfiles") == 3


def test_without_retries_a_lost_merge_is_looked_for_and_not_repeated() -> None:
    script, shop = scripted(LOST, GONE, attempts=1)
    shop.profiles.merge(A, B)
    assert script.sent == ["MergeProfiles", "BatchGetProfile"]

    script, shop = scripted(LOST, THERE, attempts=1)
    with pytest.raises(AmbiguousWriteError):
        shop.profiles.merge(A, B)
    assert script.sent == ["MergeProfiles", "BatchGetProfile"]


def test_profiles_that_are_half_gone_are_no_sign_of_a_merge() -> None:
    half = {"Profiles": [{"ProfileId": A}, {"ProfileId": C}], "Errors": GONE["Errors"]}
    _, shop = scripted(LOST, half, attempts=1)

    with pytest.raises(AmbiguousWriteError):
        shop.profiles.merge(A, B, C)


def test_a_merge_into_a_profile_that_is_gone_stays_in_doubt() -> None:
    nobody = [{**GONE["Errors"][0], "ProfileId": one} for one in (A, B)]
    _, shop = scripted(LOST, {"Profiles": [], "Errors": nobody}, attempts=1)

    with pytest.raises(AmbiguousWriteError):
        shop.profiles.merge(A, B)


def test_a_merge_stays_in_doubt_when_nobody_answers_the_look() -> None:
    _, shop = scripted(LOST, MISSING, attempts=1)

    with pytest.raises(AmbiguousWriteError) as caught:
        shop.profiles.merge(A, B)
    assert isinstance(caught.value.__cause__, ResourceNotFoundError)


def test_a_throttled_look_is_no_sign_of_a_merge() -> None:
    slow = [{"Code": "ThrottlingException", "Message": "no", "ProfileId": B}]
    _, shop = scripted(LOST, {"Profiles": [{"ProfileId": A}], "Errors": slow}, attempts=1)

    with pytest.raises(AmbiguousWriteError):
        shop.profiles.merge(A, B)


def test_a_profile_that_is_missing_at_once_is_an_error() -> None:
    _, shop = scripted(MISSING)

    with pytest.raises(ResourceNotFoundError):
        shop.profiles.merge(A, B)


class Losing(EngineChannel):
    """The engine, behind a line that breaks after each of the first merges was done."""

    merges = 0

    def send(self, operation: str, request: dict[str, Any]) -> bytes:
        answer = super().send(operation, request)
        self.merges += operation == "MergeProfiles"
        if operation == "MergeProfiles" and self.merges == 1:
            raise LOST
        return answer


def test_a_merge_whose_answer_was_lost_happens_once(engine: Engine) -> None:
    channel = Losing(engine)
    shop = CustomerProfiles(channel=channel).domains.create("shop")
    main = shop.profiles.create(first_name="Ada")
    shop.profiles.merge(main, shop.profiles.create(last_name="King"))

    assert (main.refresh().last_name, channel.merges) == ("King", 1)
    assert len(list(main.history(action_type="MERGED"))) == 1


@pytest.mark.parametrize(
    ("others", "take", "told"),
    [
        ([], None, "at least one profile"),
        ([A], None, "into itself"),
        ([f"{n:032x}" for n in range(21)], None, "at most 20 profiles; 21"),
        ([Profile(first_name="Ada")], None, "stored profiles"),
        ([B], {"emial_address": B}, "did you mean email_address"),
        ([B], {"email_address": C}, r"take\['email_address'\] names a profile that is not"),
        ([B], {"address.city": B}, "address can only be taken as a whole"),
        ([B], {"attributes": B}, r"attributes\.tier"),
        ([B], {"attributes.": B}, r"attributes\.tier"),
        ([B], {"found_by": B}, "take has no field 'found_by'"),
        ([B], {1: B}, "the keys of take are names of fields"),
        (["B"], None, r"profile_ids_to_be_merged\[0\] must match"),
    ],
)
def test_a_wrong_merge_is_refused_before_it_is_sent(others: Any, take: Any, told: str) -> None:
    script, shop = scripted()

    with pytest.raises(InvalidInputError, match=told):
        shop.profiles.merge(A, *others, take=take)
    assert script.sent == []


def test_the_matches_come_with_when_they_were_found() -> None:
    match = {"MatchId": "1", "ProfileIds": [A, B], "ConfidenceScore": 0.9}
    script, shop = scripted(
        {"MatchGenerationDate": 5, "PotentialMatches": 2, "Matches": [match], "NextToken": "t"},
        {"MatchGenerationDate": 5, "PotentialMatches": 2, "Matches": None, "NextToken": None},
    )
    results = shop.matches.all()

    assert [(it.match_id, it.profile_ids, it.confidence_score) for it in results] == [
        ("1", [A, B], 0.9)
    ]
    assert results.potential_matches == 2
    assert results.generated_at is not None
    assert script.requests[1]["NextToken"] == "t"


def test_similar_profiles_are_read_from_all_pages() -> None:
    first = {"ProfileIds": [A], "MatchId": "1", "RuleLevel": 2, "NextToken": "t"}
    script, shop = scripted(first, {"ProfileIds": [B], "MatchId": "1", "RuleLevel": 2})
    match = shop.matches.similar(Profile(profile_id=A), match_type="RULE_BASED_MATCHING")

    assert match is not None
    assert (match.profile_ids, match.rule_level) == ([A, B], 2)
    assert match.match_type == "RULE_BASED_MATCHING"
    assert (script.requests[0]["SearchKey"], script.requests[0]["SearchValue"]) == ("profileId", A)


@pytest.mark.parametrize("ids", [None, []])
def test_a_profile_without_similar_ones_has_no_match(ids: list[str] | None) -> None:
    _, shop = scripted({"ProfileIds": ids, "MatchId": None})

    assert shop.matches.similar(A) is None


def test_a_match_that_is_gone_is_said_to_be_so() -> None:
    _, shop = scripted({"ProfileIds": None})

    with pytest.raises(NoResultError, match="no such match"):
        shop.matches.get("1")


def test_a_listed_rule_based_match_reads_its_profiles_when_asked() -> None:
    script, shop = scripted(
        {"MatchIds": ["1"]},
        {"MatchId": "1", "ProfileIds": [B], "RuleLevel": 1},
        THERE,
    )
    match = shop.matches.rule_based().one()
    assert match.profile_ids == []

    assert [one.profile_id for one in match.profiles] == [B]
    assert script.requests[1]["MatchType"] == "RULE_BASED_MATCHING"
    assert (script.requests[1]["SearchKey"], script.requests[1]["SearchValue"]) == ("matchId", "1")


def test_a_match_is_merged_into_the_profile_to_keep() -> None:
    listed = {"Matches": [{"MatchId": "1", "ProfileIds": [A, B, C]}]}
    script, shop = scripted(listed, MERGED)
    shop.matches.all().one().merge(keep=B, take={"email_address": C})

    assert script.requests[1]["MainProfileId"] == B
    assert script.requests[1]["ProfileIdsToBeMerged"] == [A, C]
    assert script.requests[1]["FieldSourceProfileIds"] == {"EmailAddress": C}


def test_a_large_match_is_merged_in_batches_and_keeps_what_was_taken() -> None:
    ids = [f"{n:032x}" for n in range(42)]
    script, shop = scripted({"Matches": [{"MatchId": "1", "ProfileIds": ids}]}, *[MERGED] * 3)
    shop.matches.all().one().merge(keep=ids[0], take={"email_address": ids[25]})

    merges = script.requests[1:]
    assert [len(it["ProfileIdsToBeMerged"]) for it in merges] == [20, 20, 1]
    assert [it.get("FieldSourceProfileIds") for it in merges] == [
        None,
        {"EmailAddress": ids[25]},
        {"EmailAddress": ids[0]},
    ]


@pytest.mark.parametrize(("keep", "take"), [(C, None), (A, {"email_address": C})])
def test_only_profiles_of_a_match_take_part_in_its_merge(keep: str, take: Any) -> None:
    script, shop = scripted({"Matches": [{"MatchId": "1", "ProfileIds": [A, B]}]})
    match = shop.matches.all().one()

    with pytest.raises(InvalidInputError, match="of this match"):
        match.merge(keep=keep, take=take)
    assert script.sent == ["GetMatches"]


def test_profiles_that_are_gone_from_a_match_are_named() -> None:
    listed = {"Matches": [{"MatchId": "1", "ProfileIds": [A, B]}]}
    _, shop = scripted(listed, {"Profiles": [{"ProfileId": A}], "Errors": GONE["Errors"]})
    match = shop.matches.all().one()

    with pytest.raises(BatchError) as caught:
        print(match.profiles)  # noqa: T201
    assert list(caught.value.failed) == [B]


MERGING = AutoMerging(
    enabled=True, consolidation=Consolidation(matching_attributes_list=[["EmailAddress"]])
)


@pytest.mark.parametrize("config", [MERGING, MatchingConfig(enabled=True, auto_merging=MERGING)])
def test_a_preview_sends_the_settings_and_gives_numbers(config: Any) -> None:
    script, shop = scripted({"DomainName": "shop", "NumberOfProfilesWillBeMerged": 3})

    assert shop.matches.preview(config).number_of_profiles_will_be_merged == 3
    assert script.requests == [
        {
            "DomainName": "shop",
            "Consolidation": {"MatchingAttributesList": [["EmailAddress"]]},
            "ConflictResolution": {"ConflictResolvingModel": "RECENCY"},
        }
    ]


def test_a_preview_of_nothing_asks_for_the_domain_s_own_settings() -> None:
    matching = {"Enabled": True, "AutoMerging": MERGING._to_wire()}
    own = {**DOMAIN, "Matching": matching}
    script, shop = scripted(own, {"DomainName": "shop"})
    shop.matches.preview()

    assert script.sent == ["GetDomain", "GetAutoMergingPreview"]


def test_a_plot_of_a_sample_counts_on_all_matches() -> None:
    pages = [{"MatchId": n, "ProfileIds": [A, B], "ConfidenceScore": 0.9} for n in "123"]
    sampled = {
        "DomainName": "shop",
        "NumberOfProfilesInSample": 2,
        "NumberOfProfilesWillBeMerged": 1,
    }
    script, shop = scripted({"Matches": pages}, *[sampled] * 8)
    axes = shop.matches.plot(MERGING)

    assert axes.figure.axes[1].lines[1].get_ydata().tolist() == [3.0] * 8
    tried = [it["MinAllowedConfidenceScoreForMerging"] for it in script.requests[1:]]
    assert (tried[0], tried[-1]) == (0.9, 1.0)


@pytest.mark.parametrize("matches", [[], [{"MatchId": "1", "ProfileIds": [A, B]}]])
def test_a_domain_without_criteria_has_a_plot_of_its_matches_alone(matches: Any) -> None:
    _, shop = scripted({"Matches": matches}, DOMAIN)
    axes = shop.matches.plot()

    assert len(axes.figure.axes[1].lines) == 1
    assert axes.get_title() == f"{2 * len(matches)} profiles in {len(matches)} matches"


def test_a_preview_of_nobody_s_matches_has_no_plot() -> None:
    with pytest.raises(DetachedError, match="preview"):
        MergePreview().plot()


@pytest.mark.parametrize("config", [AutoMerging(enabled=True), MatchingConfig(enabled=True)])
def test_a_preview_without_criteria_is_refused(config: Any) -> None:
    script, shop = scripted()

    with pytest.raises(InvalidInputError, match="matching_attributes_list"):
        shop.matches.preview(config)
    assert script.sent == []


def test_only_the_schedule_starts_a_job_on_aws() -> None:
    _, shop = scripted()

    with pytest.raises(InvalidInputError, match="job_schedule"):
        shop.matches.run()


def test_only_the_engine_matches_a_profile_that_is_not_stored() -> None:
    script, shop = scripted()
    with pytest.raises(InvalidInputError, match=r"on AWS create it, and use similar\(\)"):
        shop.matches.find(first_name="Ada")

    assert script.sent == []


def test_a_new_profile_finds_the_stored_one() -> None:
    with CustomerProfiles.embedded() as cp:
        matching = MatchingConfig(enabled=True)
        shop = cp.domains.create("shop", default_expiration_days=366, matching=matching)
        for number in range(30):
            shop.profiles.create(first_name=f"First{number}", last_name=f"Last{number}")
        ada = shop.profiles.create(first_name="Ada", last_name="King", phone_number="2065550100")
        shop.matches.run().wait(timeout=60)
        new = Profile(first_name="Ada", last_name="King", phone_number="+1 206 555 0100")

        (candidate,) = shop.matches.find(new)
        assert candidate.id == ada.profile_id
        assert shop.matches.find(**new.model_dump(exclude_unset=True)) == [candidate]


@pytest.mark.parametrize("wrong", [{"frist_name": "Ada"}, {"first_name": 5}])
def test_wrong_fields_of_a_new_profile_are_refused(wrong: Any) -> None:
    with CustomerProfiles.embedded() as cp:
        shop = cp.domains.create("shop", default_expiration_days=366)
        with pytest.raises(InvalidInputError, match=next(iter(wrong))):
            shop.matches.find(**wrong)


def test_a_match_is_neither_saved_nor_deleted() -> None:
    _, shop = scripted({"Matches": [{"MatchId": "1", "ProfileIds": [A, B]}]})
    match = shop.matches.all().one()

    with pytest.raises(InvalidInputError, match="cannot be changed"):
        match.save()
    with pytest.raises(InvalidInputError, match="cannot be deleted"):
        match.delete()


def waiting(*answers: dict[str, Any]) -> tuple[list[float], Any]:
    """Give a job that is read from answers, and the seconds slept between them."""
    slept: list[float] = []
    gateway = Gateway(Script(*({"JobId": A, **answer} for answer in answers)), sleep=slept.append)
    return slept, Jobs(gateway, "shop").get(A)


def test_waiting_for_a_job_tells_what_is_news() -> None:
    found = {"Status": "FIND_MATCHING", "JobStats": {"NumberOfProfilesReviewed": 7}}
    slept, job = waiting(
        {"Status": "PENDING"}, {"Status": "PENDING"}, found, {"Status": "COMPLETED"}
    )
    told: list[Any] = []

    assert job.wait(on_progress=lambda it: told.append(it.status)) is job
    assert told == ["PENDING", "FIND_MATCHING", "COMPLETED"]
    assert slept == pytest.approx([0.05, 0.075, 0.1125])


@pytest.mark.parametrize("status", ["COMPLETED", "PARTIAL_SUCCESS", "FAILED"])
def test_a_job_that_is_over_is_not_waited_for(status: str) -> None:
    slept, job = waiting({"Status": status})

    assert job.wait().is_over
    assert slept == []


def test_waiting_ends_when_the_time_is_up() -> None:
    slept, job = waiting(*[{"Status": "MERGING"}] * 9)

    with pytest.raises(WaitTimeoutError, match=r"still MERGING after 0\.1 seconds") as caught:
        job.wait(timeout=0.1)
    assert sum(slept) == pytest.approx(0.1, abs=0.01)
    assert isinstance(caught.value, TimeoutError)


def test_a_job_is_neither_saved_nor_deleted() -> None:
    _, job = waiting({"Status": "PENDING"})

    with pytest.raises(InvalidInputError, match="cannot be changed"):
        job.save()
    with pytest.raises(InvalidInputError, match="cannot be deleted"):
        job.delete()

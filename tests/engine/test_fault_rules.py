"""Injected faults: which requests a rule hits, and what every door makes of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from customer_profiles import (
    AmbiguousWriteError,
    BadRequestError,
    ConnectionFailedError,
    CustomerProfiles,
    EngineChannel,
    InvalidInputError,
    ResourceNotFoundError,
    RetryPolicy,
    ThrottlingError,
)
from customer_profiles.engine import Engine, Fault, Faults, ManualClock, NoAnswerError, Refusal
from customer_profiles.engine.service.faults import parse

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def shop(engine):
    engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
    return CustomerProfiles(channel=EngineChannel(engine), retry=RetryPolicy(base=0)).domain("shop")


@pytest.fixture
def client(engine, boto3_session):
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5)
    made = boto3_session.client("customer-profiles", config=config)
    engine.attach(made)
    return made


@pytest.fixture
def system_time():
    with Engine() as engine:
        yield engine


def outcomes(engine, count=8):
    """Return the code of each of several answers, or `-` for a success."""
    codes = []
    for _ in range(count):
        try:
            engine.answer("ListDomains", {})
            codes.append("-")
        except Refusal as refusal:
            codes.append(str(refusal.status))
    return " ".join(codes)


def test_a_counted_rule_hits_the_first_requests(engine):
    rule = engine.faults.on("ListDomains", error="ThrottlingException", times=2)
    assert outcomes(engine) == "429 429 - - - - - -"
    assert rule.hits == 2
    assert rule.is_over


def test_a_rule_without_a_count_hits_until_it_is_removed(engine):
    with engine.faults.on("ListDomains", error="InternalServerException") as rule:
        assert outcomes(engine, 3) == "500 500 500"
    assert outcomes(engine, 2) == "- -"
    assert rule.hits == 3


def test_a_rule_can_skip_requests_and_hit_every_nth(engine):
    engine.faults.on("ListDomains", error="not_found", skip=2, every=3)
    assert outcomes(engine) == "- - - - 404 - - 404"


def test_chances_are_the_same_in_every_run():
    seen = []
    for seed in (1, 1, 2):
        with Engine() as engine:
            engine.faults.on("ListDomains", error="throttling", probability=0.5, seed=seed)
            seen.append(outcomes(engine, 40))
    assert seen[0] == seen[1] != seen[2]
    assert 10 < seen[0].count("429") < 30


def test_a_rule_of_other_operations_hits_nothing(engine):
    engine.faults.on("CreateProfile", "MergeProfiles", error="throttling")
    assert outcomes(engine, 2) == "- -"


@pytest.mark.parametrize("operations", [(), ("*",)])
def test_a_rule_without_operations_hits_all(engine, operations):
    engine.faults.on(*operations, error="throttling")
    assert outcomes(engine, 2) == "429 429"


def test_a_rule_can_look_at_the_request(shop, engine):
    engine.faults.on(error="access_denied", when=lambda wire: wire.get("FirstName") == "Eve")
    shop.profiles.create(first_name="Ada")
    with pytest.raises(Exception, match="Not authorized"):
        shop.profiles.create(first_name="Eve")


def test_the_first_rule_that_hits_decides_and_the_others_wait(engine):
    engine.fail_next("ListDomains", throttling=1, internal_error=2)
    engine.faults.on("ListDomains", error="bad_request", times=1)
    assert outcomes(engine, 5) == "429 500 500 400 -"


def test_pending_rules_are_those_that_have_not_hit_all(engine):
    engine.fail_next("ListDomains", throttling=2)
    outcomes(engine, 1)
    assert str(engine.faults.pending) == (
        "[<Fault ListDomains: ThrottlingException; hits: 1 of 2>]"
    )
    outcomes(engine, 1)
    assert engine.faults.pending == []


def test_cleared_faults_hit_nothing(engine):
    rule = engine.faults.on(error="throttling")
    engine.faults.clear()
    assert outcomes(engine, 1) == "-"
    assert rule.is_over
    assert list(engine.faults) == []


def test_threads_together_are_hit_as_often_as_the_rule_says(engine):
    rule = engine.faults.on("ListDomains", error="throttling", times=50)
    with ThreadPoolExecutor(8) as threads:
        seen = " ".join(threads.map(lambda _: outcomes(engine, 10), range(16))).split()
    assert (rule.hits, seen.count("429"), seen.count("-")) == (50, 50, 110)


def test_a_rule_that_is_over_costs_nothing(engine):
    with engine.faults.on("ListDomains", error="throttling"):
        assert engine.faults
    assert not engine.faults


def test_engines_can_share_their_faults():
    faults = Faults()
    with Engine(faults=faults) as left, Engine(faults=faults) as right:
        faults.on("ListDomains", error="throttling", times=2)
        assert outcomes(left, 1) + outcomes(right, 2) == "429429 -"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("throttling", 429, "ThrottlingException"),
        ("internal_error", 500, "InternalServerException"),
        ("unavailable", 503, "ServiceUnavailable"),
        ("access_denied", 403, "AccessDeniedException"),
        ("not_found", 404, "ResourceNotFoundException"),
        ("bad_request", 400, "BadRequestException"),
        ("concurrent_update", 400, "BadRequestException"),
    ],
)
def test_boto3_gets_the_services_code_and_status(engine, client, name, status, code):
    engine.fail_next("ListDomains", **{name: 1})
    with pytest.raises(ClientError) as caught:
        client.list_domains()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert client.list_domains()["Items"] == []


def test_any_other_code_needs_a_status(engine, client):
    with pytest.raises(ValueError, match="ExpiredToken is no error of the service; did you mean"):
        engine.faults.on(error="ExpiredToken")
    engine.faults.on(error="ExpiredToken", status=403, message="Renew it")
    with pytest.raises(ClientError, match=r"ExpiredToken.*Renew it"):
        client.list_domains()


def test_the_sdk_repeats_a_throttled_call(shop, engine):
    (rule,) = engine.fail_next("SearchProfiles", throttling=3)
    assert shop.profiles.search(email="ada@example.com").first() is None
    assert rule.hits == 3


def test_the_sdk_gives_up_after_its_attempts(shop, engine):
    engine.fail_next("SearchProfiles", throttling=9)
    with pytest.raises(ThrottlingError) as caught:
        shop.profiles.search(email="ada@example.com").first()
    assert caught.value.attempts == 5


def test_the_sdk_repeats_an_update_that_another_disturbs(shop, engine):
    ada = shop.profiles.create(first_name="Ada")
    engine.fail_next("UpdateProfile", concurrent_update=1)
    shop.profiles.update(ada.profile_id, first_name="Augusta")
    assert shop.profiles.get(ada.profile_id).first_name == "Augusta"


def test_a_create_that_another_disturbs_is_not_repeated(shop, engine):
    engine.fail_next("CreateProfile", concurrent_update=1)
    with pytest.raises(BadRequestError) as caught:
        shop.profiles.create(first_name="Ada")
    assert caught.value.retryable


def test_a_create_whose_answer_is_lost_is_ambiguous_and_happened(shop, engine):
    engine.fail_next("CreateProfile", lost_answer=1)
    with pytest.raises(AmbiguousWriteError):
        shop.profiles.create(first_name="Ada", email_address="ada@example.com")
    assert shop.profiles.search(email="ada@example.com").one().first_name == "Ada"


def test_a_create_whose_request_is_lost_is_ambiguous_and_did_not_happen(shop, engine):
    engine.fail_next("CreateProfile", lost_request=1)
    with pytest.raises(AmbiguousWriteError):
        shop.profiles.create(first_name="Ada", email_address="ada@example.com")
    assert shop.profiles.search(email="ada@example.com").first() is None


def test_an_update_whose_answer_is_lost_is_repeated(shop, engine):
    ada = shop.profiles.create(first_name="Ada")
    (rule,) = engine.fail_next("UpdateProfile", lost_answer=2)
    shop.profiles.update(ada.profile_id, first_name="Augusta")
    assert rule.hits == 2


def test_a_merge_whose_answer_is_lost_is_looked_up(shop, engine):
    ada, twin = (shop.profiles.create(first_name="Ada") for _ in "ab")
    engine.fail_next("MergeProfiles", lost_answer=1)
    shop.profiles.merge(ada.profile_id, twin.profile_id)
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.get(twin.profile_id)


def test_an_error_after_the_operation_leaves_it_done(shop, engine):
    engine.faults.on("CreateProfile", error="InternalServerException", after=True, times=1)
    with pytest.raises(AmbiguousWriteError, match="InternalServerException"):
        shop.profiles.create(email_address="ada@example.com")
    assert shop.profiles.search(email="ada@example.com").one()


def test_a_refusal_whose_answer_is_lost_is_lost_too(engine):
    engine.fail_next("GetDomain", lost_answer=1)
    with pytest.raises(NoAnswerError):
        engine.answer("GetDomain", {"DomainName": "nowhere"})


def test_boto3_sees_a_closed_connection(engine, client):
    engine.fail_next("CreateDomain", lost_answer=1)
    with pytest.raises(ConnectionClosedError):
        client.create_domain(DomainName="shop", DefaultExpirationDays=1)
    assert client.list_domains()["Items"][0]["DomainName"] == "shop"


def test_boto3_repeats_by_its_own_retries(engine, boto3_session):
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    client = boto3_session.client("customer-profiles", config=config)
    engine.attach(client)
    (rule,) = engine.fail_next("ListDomains", lost_request=1)
    assert client.list_domains()["ResponseMetadata"]["RetryAttempts"] == 1
    assert rule.hits == 1


def test_a_delay_moves_a_manual_clock_and_takes_no_time():
    clock = ManualClock(now=1_000)
    with Engine(clock=clock) as engine:
        engine.faults.on("ListDomains", delay=3600, times=1)
        began = time.monotonic()
        engine.answer("ListDomains", {})
        engine.answer("ListDomains", {})
    assert clock.now() == 4_600
    assert time.monotonic() - began < 60


def test_a_delay_waits_on_the_clock_of_the_system(system_time):
    system_time.faults.on("ListDomains", delay=0.05)
    began = time.monotonic()
    system_time.answer("ListDomains", {})
    assert time.monotonic() - began >= 0.05


def test_a_delay_can_precede_an_error(system_time):
    system_time.faults.on("ListDomains", delay=0.05, error="throttling", times=1)
    began = time.monotonic()
    assert outcomes(system_time, 2) == "429 -"
    assert time.monotonic() - began >= 0.05


def test_boto3_times_out_when_the_delay_is_longer_than_it_waits(boto3_session):
    with Engine(clock=ManualClock()) as engine:
        config = Config(read_timeout=2, retries={"total_max_attempts": 1})
        client = boto3_session.client("customer-profiles", config=config)
        engine.attach(client)
        engine.faults.on("CreateDomain", delay=60, times=1)
        with pytest.raises(ReadTimeoutError):
            client.create_domain(DomainName="shop", DefaultExpirationDays=1)
        assert client.list_domains()["Items"][0]["DomainName"] == "shop"


def test_a_delay_can_precede_a_lost_request():
    clock = ManualClock(now=1_000)
    with Engine(clock=clock) as engine:
        engine.faults.on("ListDomains", delay=5, lose_request=True)
        with pytest.raises(NoAnswerError):
            engine.answer("ListDomains", {})
    assert clock.now() == 1_005


def test_the_sdk_times_out_when_the_delay_is_longer_than_its_deadline():
    with CustomerProfiles.embedded(clock=ManualClock(), retry=RetryPolicy(deadline=2)) as cp:
        cp.faults.on("ListDomains", delay=60)
        with pytest.raises(ConnectionFailedError, match="ReadTimeoutError"):
            cp.domains.all().first()


def test_injected_faults_do_not_reach_the_database(engine, shop):
    engine.faults.on("CreateProfile", error="throttling", times=1)
    with pytest.raises(ThrottlingError):
        CustomerProfiles(channel=EngineChannel(engine), retry=ONCE).domain("shop").profiles.create(
            email_address="ada@example.com"
        )
    assert shop.profiles.search(email="ada@example.com").first() is None


def test_the_client_of_an_embedded_engine_has_its_faults(engine):
    cp = CustomerProfiles(channel=EngineChannel(engine))
    assert cp.faults is engine.faults


def test_a_client_of_aws_has_no_faults():
    with pytest.raises(InvalidInputError, match=r"use CustomerProfiles\.embedded"):
        CustomerProfiles(region="us-east-1").faults.clear()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SearchProfile", "SearchProfiles"),
        ("search_profiles", "SearchProfiles"),
        ("searchprofiles", "SearchProfiles"),
        ("CreateProfil", "CreateProfile"),
        ("PutObject", "PutProfileObject"),
    ],
)
def test_an_unknown_operation_names_the_nearest(engine, name, nearest):
    with pytest.raises(ValueError, match=rf"{name} is no operation .* did you mean {nearest}\?"):
        engine.fail_next(name, throttling=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs an error"),
        ({"error": "Throttling"}, "did you mean throttling"),
        ({"error": "ThrotlingException"}, "did you mean ThrottlingException"),
        ({"error": "throttling", "lose_answer": True}, "use several rules"),
        (
            {"error": "throttling", "times": 0},
            "times must be a whole number of 1 or more, it was 0",
        ),
        ({"error": "throttling", "times": 2.5}, r"times must be a whole number .* 2\.5"),
        ({"error": "throttling", "every": 0}, "every must be a whole number of 1 or more"),
        ({"error": "throttling", "skip": -1}, "skip must be a whole number of 0"),
        ({"error": "throttling", "probability": 50}, "from 0 to 1, it was 50"),
        ({"delay": -1}, "delay must be 0 or more"),
        ({"delay": float("nan")}, "delay must be 0 or more"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Fault("ListDomains", **options)


def test_fail_next_names_the_nearest_fault(engine):
    with pytest.raises(ValueError, match="throtling is no fault; did you mean throttling"):
        engine.fail_next("ListDomains", throtling=1)
    with pytest.raises(ValueError, match="such as throttling=3"):
        engine.fail_next("ListDomains")
    with pytest.raises(TypeError, match="throttling must be a number of requests"):
        engine.fail_next("ListDomains", throttling="3")
    assert not engine.faults


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SearchProfiles:throttling:3", "SearchProfiles: ThrottlingException; hits: 0 of 3"),
        ("SearchProfiles:ThrottlingException", "SearchProfiles: ThrottlingException; hits: 0"),
        ("CreateProfile:lost-answer:1", "CreateProfile: lost_answer; hits: 0 of 1"),
        ("CreateProfile:lose-request", "CreateProfile: lost_request; hits: 0"),
        ("UpdateProfile:concurrent-update", "UpdateProfile: BadRequestException; hits: 0"),
        ("*:internal-error:probability=0.1:seed=7", "*: InternalServerException; hits: 0"),
        ("*:delay=0.2:every=10", "*: 0.2 s later; hits: 0"),
        ("ListDomains:throttling:delay=2:times=1", "2 s later, ThrottlingException; hits: 0 of 1"),
        ("ListDomains:SlowDown:status=503", "ListDomains: SlowDown; hits: 0"),
    ],
)
def test_a_fault_can_be_read_from_text(text, shown):
    assert shown in repr(parse(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no fault: write OPERATION:FAULT"),
        ("SearchProfiles", "write OPERATION:FAULT"),
        ("SearchProfiles:", "write OPERATION:FAULT"),
        ("SearchProfile:throttling", "did you mean SearchProfiles"),
        ("SearchProfiles:throtling", "did you mean throttling"),
        ("SearchProfiles:throttling:three", "'three' of the fault .* write OPERATION:FAULT"),
        ("SearchProfiles:throttling:evry=3", "did you mean every"),
        ("SearchProfiles:throttling:every=x", "'x' is not a number"),
        ("SearchProfiles:throttling:0", "times must be a whole number of 1"),
        ("SearchProfiles:every=3", "needs an error"),
    ],
)
def test_text_that_is_no_fault_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)

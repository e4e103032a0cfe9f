"""Event streams: what is delivered to Kinesis, when, and what happens if it is not accepted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from itertools import pairwise
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from customer_profiles.engine import Engine, ManualClock, Refusal
from customer_profiles.engine.events import delivery, streams

from .conftest import Shop
from .filling import ORDER
from .kinesis import STREAM, FakeKinesis

HOUR = 3_600
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def kinesis():
    return FakeKinesis()


@pytest.fixture
def engine(kinesis, clock, monkeypatch):
    """Return an engine that delivers only when `run_due` is called."""
    monkeypatch.setattr(streams, "_start_thread", lambda _: None)
    with Engine(clock=clock, strict=True, session=kinesis) as engine:
        yield engine


@pytest.fixture
def shop(shop):
    """Return the shop with an event stream and an object type."""
    shop.ask("PutProfileObjectType", ObjectTypeName="Order", **ORDER)
    shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
    return shop


def put(shop, number, **members):
    order = json.dumps({"id": str(number), "who": "ada", **members})
    shop.ask("PutProfileObject", ObjectTypeName="Order", Object=order)


def names(kinesis):
    """Return the first names of the accepted profiles, in order."""
    return [
        record["Object"].get("FirstName")
        for record in kinesis.accepted
        if record.get("ObjectTypeName") == "_profile"
    ]


def details(shop):
    return shop.ask("GetEventStream", EventStreamName="all")["DestinationDetails"]


def rows(shop, table):
    with shop.engine._database.read() as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


# --- the four operations ---


def test_a_stream_is_described(shop, clock):
    described = shop.ask("GetEventStream", EventStreamName="all")
    assert described == {
        "DomainName": "shop",
        "EventStreamArn": "arn:aws:profile:us-east-1:000000000000:domains/shop/event-streams/all",
        "CreatedAt": clock.now(),
        "State": "RUNNING",
        "DestinationDetails": {"Uri": STREAM, "Status": "HEALTHY"},
    }
    (item,) = shop.ask("ListEventStreams")["Items"]
    assert item["DestinationSummary"] == {"Uri": STREAM, "Status": "HEALTHY"}
    assert item["EventStreamName"] == "all"


def test_a_domain_has_one_stream_whatever_its_name(shop):
    for name in ("all", "second"):
        with pytest.raises(Refusal) as caught:
            shop.ask("CreateEventStream", EventStreamName=name, Uri=STREAM)
        assert caught.value.message == (
            "The Customer Profiles Domain: shop is already associated with an active EventStream"
        )


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (STREAM.replace("us-east-1", "eu-west-1"), "eu-west-1; the stream must be in the domain's"),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "not the ARN of a Kinesis data stream"),
        ("shop", "not the ARN of a Kinesis data stream"),
        (STREAM + "/consumer/x:1", "not the ARN of a Kinesis data stream"),
    ],
)
def test_a_uri_that_is_no_stream_of_the_region_is_refused(shop, uri, message):
    shop.ask("DeleteEventStream", EventStreamName="all")
    with pytest.raises(Refusal, match=message):
        shop.ask("CreateEventStream", EventStreamName="all", Uri=uri)
    assert shop.ask("ListEventStreams")["Items"] == []


def test_a_stream_of_another_account_is_refused_if_the_engine_knows_its_own(clock, kinesis):
    with Engine(clock=clock, account_id="210987654321", session=kinesis) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        with pytest.raises(Refusal, match="another account"):
            shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)


def test_a_deleted_stream_can_be_created_again_and_gets_only_what_follows(shop, kinesis):
    shop.create(FirstName="before")
    shop.ask("DeleteEventStream", EventStreamName="all")
    shop.create(FirstName="between")
    shop.engine.run_due()
    assert rows(shop, "changes") == rows(shop, "feeds") == rows(shop, "consumers") == []
    shop.ask("CreateEventStream", EventStreamName="again", Uri=STREAM)
    shop.create(FirstName="after")
    shop.engine.run_due()
    assert names(kinesis) == ["after"]


@pytest.mark.parametrize("operation", ["GetEventStream", "DeleteEventStream"])
def test_a_missing_stream_is_not_found(shop, operation):
    with pytest.raises(Refusal, match="Event stream other does not exist") as caught:
        shop.ask(operation, EventStreamName="other")
    assert caught.value.code == "ResourceNotFoundException"


def test_a_stream_has_tags(shop):
    shop.ask("DeleteEventStream", EventStreamName="all")
    made = shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM, Tags={"team": "data"})
    assert made["Tags"] == {"team": "data"}
    arn = made["EventStreamArn"]
    shop.ask("TagResource", resourceArn=arn, tags={"tier": "gold"})
    tags = shop.ask("ListTagsForResource", resourceArn=arn)["tags"]
    assert tags == {"team": "data", "tier": "gold"}


# --- records ---


def test_the_first_record_is_a_health_check(shop, kinesis, clock):
    shop.engine.run_due()
    (record,) = kinesis.accepted
    assert uuid.UUID(record.pop("EventId")).version == 4
    assert record == {
        "SchemaVersion": 0,
        "EventTimestamp": "2023-11-14T22:13:20.000Z",
        "EventType": "HEALTH_CHECK",
        "DomainName": "shop",
        "IsMessageRealTime": True,
    }


def test_records_have_what_the_service_sends_in_its_order(shop, kinesis):
    ada = shop.create(FirstName="Ada", Gender="FEMALE")
    put(shop, 1)
    shop.engine.run_due()
    _, profile, _, order, _ = kinesis.accepted
    assert [*profile] == [
        *("SchemaVersion", "EventId", "EventTimestamp", "EventType", "DomainName"),
        *("ObjectTypeName", "Object", "IsMessageRealTime"),
    ]
    assert profile["Object"] == {
        "ProfileId": ada,
        "FirstName": "Ada",
        "Gender": "FEMALE",
        "GenderString": "FEMALE",
    }
    assert order["Object"] == {"id": "1", "who": "ada"}
    assert order["AssociatedProfileId"]
    assert order["ProfileObjectUniqueKey"]


def test_partition_keys_are_uuids_and_not_the_ids_of_events(shop, kinesis):
    for number in range(20):
        shop.create(FirstName=str(number))
    shop.engine.run_due()
    events = {record["EventId"] for record in kinesis.accepted}
    assert len(events | set(kinesis.keys)) == 2 * len(kinesis.accepted)
    assert {uuid.UUID(key).version for key in kinesis.keys} == {4}


def test_removals_send_nothing_and_a_merge_updates_the_main_profile(shop, kinesis):
    main, other, gone = (shop.create(FirstName=name) for name in ("main", "other", "gone"))
    shop.engine.run_due()
    kinesis.accepted.clear()
    shop.ask("DeleteProfile", ProfileId=gone)
    shop.ask("MergeProfiles", MainProfileId=main, ProfileIdsToBeMerged=[other])
    shop.engine.run_due()
    (record,) = kinesis.accepted
    assert (record["EventType"], record["Object"]["ProfileId"]) == ("UPDATED", main)


def test_what_a_stream_has_got_is_removed(shop, kinesis):
    put(shop, 1)
    ada = shop.create(FirstName="Ada")
    shop.ask("DeleteProfile", ProfileId=ada)
    shop.engine.run_due()
    assert rows(shop, "changes") == []


# --- requests ---


def test_many_records_go_five_hundred_at_a_time(shop, kinesis):
    shop.engine.create_profiles("shop", [{"FirstName": str(n)} for n in range(500)])
    shop.engine.create_profiles("shop", [{"FirstName": str(n)} for n in range(500, 700)])
    shop.engine.run_due()
    assert [len(request) for request in kinesis.requests] == [500, 201]
    assert names(kinesis) == [str(number) for number in range(700)]


def test_a_request_has_five_mebibytes_at_most(shop, kinesis):
    large = {f"a{number}": "x" * 255 for number in range(800)}
    for number in range(30):
        shop.create(FirstName=str(number), Attributes=large)
    shop.engine.run_due()
    assert len(kinesis.requests) == 2
    assert names(kinesis) == [str(number) for number in range(30)]


def test_a_record_that_kinesis_can_never_accept_is_held_and_blocks_none(shop, kinesis, monkeypatch):
    monkeypatch.setattr(streams, "_LARGEST_RECORD", 1_000)
    ada = shop.create(FirstName="large", AdditionalInformation="x" * 1_000)
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="small", AdditionalInformation="")
    shop.engine.run_due()
    assert names(kinesis) == ["small"]
    (described,) = shop.engine.deliveries("shop")
    assert described["Undeliverable"] == 1
    assert described["Waiting"] == 0
    monkeypatch.setattr(streams, "_LARGEST_RECORD", 1 << 20)
    assert shop.engine.retry_deliveries("shop") == 1
    shop.engine.run_due()
    assert names(kinesis) == ["small", "large"]
    assert rows(shop, "changes") == rows(shop, "undelivered") == []


# --- failures ---


def test_a_stream_that_is_away_for_an_hour_loses_nothing(shop, kinesis, clock):
    kinesis.error = "ResourceNotFoundException"
    began = clock.now()
    for minute in range(60):
        shop.create(FirstName=str(minute))
        shop.engine.run_due()
        clock.advance(seconds=60)
    assert details(shop) == {
        "Uri": STREAM,
        "Status": "UNHEALTHY",
        "UnhealthySince": began,
        "Message": "the stream does not accept them: ResourceNotFoundException",
    }
    # The pauses grow to five minutes, so that the attempts are few.
    assert len(kinesis.requests) < 25
    (described,) = shop.engine.deliveries("shop")
    assert (described["Waiting"], described["Undeliverable"]) == (61, 0)
    kinesis.error = None
    clock.advance(seconds=300)
    shop.engine.run_due()
    assert names(kinesis) == [str(number) for number in range(60)]
    assert details(shop) == {"Uri": STREAM, "Status": "HEALTHY"}


def test_a_stream_that_fails_for_a_day_is_stopped_and_keeps_nothing(shop, kinesis, clock):
    kinesis.error = "AccessDeniedException"
    began = clock.now()
    for _ in range(25):
        shop.create(FirstName="Ada")
        shop.engine.run_due()
        clock.advance(seconds=HOUR)
    described = shop.ask("GetEventStream", EventStreamName="all")
    assert (described["State"], described["StoppedSince"]) == ("STOPPED", began + 24 * HOUR)
    assert described["DestinationDetails"]["Status"] == "UNHEALTHY"
    assert described["DestinationDetails"]["UnhealthySince"] == began
    (item,) = shop.ask("ListEventStreams")["Items"]
    assert item["DestinationSummary"]["UnhealthySince"] == began
    assert rows(shop, "changes") == rows(shop, "consumers") == []
    kinesis.error = None
    shop.create(FirstName="Ada")
    shop.engine.run_due()
    assert kinesis.accepted == []
    assert rows(shop, "changes") == []


def test_a_refused_record_goes_first_the_next_time_and_before_later_ones_of_its_profile(
    shop, kinesis
):
    shop.engine.run_due()
    kinesis.accepted.clear()
    ada = shop.create(FirstName="a1")
    shop.create(FirstName="b1")
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="a2")
    kinesis.refuses = lambda record: record["Object"]["FirstName"] == "a1"
    shop.engine.run_due()
    shop.create(FirstName="c1")
    kinesis.refuses = lambda _: False
    shop.engine.run_due()
    assert names(kinesis) == ["b1", "a2", "a1", "a2", "c1"]
    assert len({record["EventId"] for record in kinesis.accepted}) == 4


def test_later_records_of_a_profile_wait_for_a_refused_one_and_others_do_not(shop, kinesis, clock):
    ada = shop.create(FirstName="a0")
    kinesis.refuses = lambda record: record.get("Object", {}).get("FirstName", "b")[0] == "a"
    for number in range(1, 4):
        shop.ask("UpdateProfile", ProfileId=ada, FirstName=f"a{number}")
        shop.create(FirstName=f"b{number}")
        shop.engine.run_due()
    assert names(kinesis) == ["b1", "b2", "b3"]
    kinesis.refuses = lambda _: False
    clock.advance(seconds=300)
    shop.engine.run_due()
    assert names(kinesis)[3:] == ["a0", "a1", "a2", "a3"]


def test_a_record_that_is_refused_again_and_again_is_held(shop, kinesis, clock, caplog):
    ada = shop.create(FirstName="poison", LastName="Secret")
    kinesis.refuses = lambda record: record.get("Object", {}).get("FirstName") == "poison"
    for number in range(delivery.MOST_ATTEMPTS):
        shop.create(FirstName=str(number))
        shop.engine.run_due()
        clock.advance(seconds=300)
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="cured")
    shop.engine.run_due()
    assert names(kinesis)[-1] == "cured"
    (described,) = shop.engine.deliveries("shop")
    assert (described["Undeliverable"], described["Problem"]) == (1, "InternalFailure")
    assert "1 changes of shop are undeliverable" in caplog.text
    assert "Secret" not in caplog.text


def test_throttling_holds_nothing(shop, kinesis, clock):
    shop.create(FirstName="slow")
    kinesis.code = "ProvisionedThroughputExceededException"
    kinesis.refuses = lambda record: record.get("Object", {}).get("FirstName") == "slow"
    for number in range(delivery.MOST_ATTEMPTS + 3):
        shop.create(FirstName=str(number))
        shop.engine.run_due()
    (described,) = shop.engine.deliveries("shop")
    assert (described["Waiting"], described["Undeliverable"]) == (1, 0)


def test_a_domain_that_is_deleted_during_a_delivery_leaves_nothing(shop, kinesis):
    shop.create(FirstName="Ada")

    def delete(_):
        if shop.ask("ListDomains")["Items"]:
            shop.ask("DeleteDomain")
        return False

    kinesis.refuses = delete
    shop.engine.run_due()
    for table in ("changes", "feeds", "consumers", "undelivered", "documents"):
        assert rows(shop, table) == []


def test_a_stream_that_is_deleted_during_a_delivery_leaves_nothing(shop, kinesis):
    shop.create(FirstName="Ada")

    def delete(_):
        if shop.ask("ListEventStreams")["Items"]:
            shop.ask("DeleteEventStream", EventStreamName="all")
        return True

    kinesis.refuses = delete
    shop.engine.run_due()
    shop.create(FirstName="Bob")
    for table in ("changes", "feeds", "consumers", "undelivered", "documents"):
        assert rows(shop, table) == []


# --- killed processes, several processes ---


def test_a_process_that_dies_after_sending_sends_whole_batches_again(
    tmp_path, kinesis, clock, monkeypatch
):
    monkeypatch.setattr(streams, "_start_thread", lambda _: None)

    class KilledError(BaseException):
        pass

    def dies(*_):
        raise KilledError

    with Engine(tmp_path / "shop.db", clock=clock, session=kinesis) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
        shop.engine.create_profiles("shop", [{"FirstName": str(n)} for n in range(500)])
        monkeypatch.setattr(delivery, "_record", dies)
        with pytest.raises(KilledError):
            engine.run_due()
        monkeypatch.undo()
    monkeypatch.setattr(streams, "_start_thread", lambda _: None)
    with Engine(tmp_path / "shop.db", clock=clock, session=kinesis) as engine:
        engine.run_due()
    assert kinesis.requests[0] == kinesis.requests[1]
    assert names(kinesis)[499:] == [str(number) for number in range(500)]


@pytest.mark.skipif(os.name != "posix", reason="a process cannot kill itself elsewhere")
def test_no_change_is_missing_after_kills_and_repeats_are_whole_requests(tmp_path):
    stored = []
    for kill_after in (2, 1, 3, 0):
        # The last process ends by itself, after it has delivered all that is left.
        arguments = [tmp_path, len(stored), 1_000_000 if kill_after else 20, kill_after]
        command = [sys.executable, "-m", "tests.engine.delivering", *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, cwd=ROOT)
        assert (done.returncode == 0) == (kill_after == 0)
        stored += done.stdout.split()
    lines = (tmp_path / "kinesis.jsonl").read_text().splitlines()
    requests = [tuple(map(tuple, json.loads(line))) for line in lines]
    delivered = list(dict.fromkeys(event for request in requests for event in request))
    assert {int(name) for _, name in delivered if name} >= {int(number) for number in stored}
    # What was sent again is what the killed process sent last, and perhaps what was stored since.
    for event_id in {event_id for event_id, _ in delivered}:
        sent = [
            position
            for position, request in enumerate(requests)
            if event_id in {event for event, _ in request}
        ]
        for before, after in pairwise(sent):
            assert after == before + 1
            assert requests[after][: len(requests[before])] == requests[before]


def test_two_engines_on_a_file_deliver_each_change(tmp_path, kinesis, clock, monkeypatch):
    monkeypatch.setattr(streams, "_start_thread", lambda _: None)
    path = tmp_path / "shop.db"
    with (
        Engine(path, clock=clock, session=kinesis) as first,
        Engine(path, clock=clock, session=kinesis) as second,
    ):
        shop = Shop(first)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
        for number in range(5):
            Shop(second if number % 2 else first).create(FirstName=str(number))
            (first if number % 2 else second).run_due()
    assert names(kinesis) == ["0", "1", "2", "3", "4"]


def test_a_runner_that_lost_against_another_moves_nothing(shop, kinesis, monkeypatch):
    shop.create(FirstName="Ada")
    send = streams.ROUTE.send

    def overtaken(context, uri, items):
        """Send twice, as if another process did so meanwhile."""
        monkeypatch.setattr(kinesis, "put_records", original)
        with context.database.write() as connection:
            connection.execute("UPDATE consumers SET turn = turn + 1")
        return send(context, uri, items)

    original = kinesis.put_records
    route = streams.ROUTE
    object.__setattr__(route, "send", overtaken)
    try:
        shop.engine.run_due()
    finally:
        object.__setattr__(route, "send", send)
    assert len(rows(shop, "changes")) == 2
    shop.engine.run_due()
    assert rows(shop, "changes") == []
    assert names(kinesis) == ["Ada", "Ada"]


# --- by itself ---


def test_changes_are_delivered_by_themselves_soon_after_the_answer(kinesis):
    with Engine(session=kinesis) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
        for number in range(3):
            shop.create(FirstName=str(number))
        until(lambda: len(kinesis.accepted) == 4)
        shop.create(FirstName="3")
        until(lambda: len(kinesis.accepted) == 5)
        shop.ask("DeleteEventStream", EventStreamName="all")
        until(lambda: not engine._context.jobs)
        until(lambda: rows(shop, "changes") == [])


def test_an_engine_delivers_what_an_earlier_one_left(tmp_path, kinesis, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(streams, "_start_thread", lambda _: None)
        with Engine(tmp_path / "shop.db", session=kinesis) as engine:
            shop = Shop(engine)
            shop.ask("CreateDomain", DefaultExpirationDays=30)
            shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
            shop.create(FirstName="Ada")
    assert kinesis.accepted == []
    with Engine(tmp_path / "shop.db", session=kinesis):
        until(lambda: names(kinesis) == ["Ada"])


def test_a_domain_without_a_stream_starts_no_thread(clock):
    with Engine(clock=clock) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        shop.create(FirstName="Ada")
        assert engine._context.jobs == {}
        assert rows(shop, "changes") == []


def until(is_reached, seconds=20):
    end = time.monotonic() + seconds
    while not is_reached():
        assert time.monotonic() < end, "it was not reached in time"
        time.sleep(0.01)


# --- moto ---


def test_kinesis_of_moto_gets_the_records():
    with mock_aws():
        client = boto3.client("kinesis", region_name="us-east-1")
        client.create_stream(StreamName="shop", ShardCount=1)
        with Engine(clock=ManualClock()) as engine:
            shop = Shop(engine)
            shop.ask("CreateDomain", DefaultExpirationDays=30)
            shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
            ada = shop.create(FirstName="Ada")
            engine.run_due()
            until(lambda: shop.engine.deliveries("shop")[0]["Waiting"] == 0)
        found = client.get_records(
            ShardIterator=client.get_shard_iterator(
                StreamName="shop",
                ShardId=client.list_shards(StreamName="shop")["Shards"][0]["ShardId"],
                ShardIteratorType="TRIM_HORIZON",
            )["ShardIterator"]
        )["Records"]
    health, created = (json.loads(record["Data"]) for record in found)
    assert health["EventType"] == "HEALTH_CHECK"
    assert created["Object"] == {"ProfileId": ada, "FirstName": "Ada"}
    assert re.fullmatch(r"[0-9a-f-]{36}", found[1]["PartitionKey"])


def test_a_stream_that_moto_does_not_have_is_unhealthy():
    with mock_aws(), Engine(clock=ManualClock()) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        shop.ask("CreateEventStream", EventStreamName="all", Uri=STREAM)
        engine.run_due()
        found = details(shop)
    assert found["Status"] == "UNHEALTHY"
    assert found["Message"] == "the stream does not accept them: ResourceNotFoundException"

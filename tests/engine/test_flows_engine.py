"""Flows of S3: files of a bucket become objects of a domain."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from customer_profiles.engine import Engine, ManualClock, Refusal

from .conftest import Shop
from .test_integrations import FLOW, FLOW_URI, SALES, TASK, flow, put, schedule, take_orders

BUCKET = "shop-orders"
HOUR = 3_600


@pytest.fixture
def clock():
    return ManualClock(now=datetime.now(UTC).timestamp())


@pytest.fixture
def bucket():
    """Give a way to put files into a bucket that moto keeps."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)

        def write(key, text):
            body = text if isinstance(text, bytes) else text.encode()
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)

        yield write


@pytest.fixture
def orders(shop):
    return take_orders(shop)


@pytest.fixture
def made(orders, bucket):
    """Put the flow of the tests, with other members if wanted."""

    def make(folder="", **members):
        source = {"S3": {"BucketName": BUCKET} | ({"BucketPrefix": folder} if folder else {})}
        put(orders, FlowDefinition=flow({"SourceConnectorProperties": source}, **members))
        return orders

    return make


def run(shop):
    return shop.engine.run_flow("shop", FLOW_URI)


def found(shop, *ids):
    """Give those of some orders that a profile has."""
    return [one for one in ids if shop.search("OrderId", one)]


def test_a_flow_imports_the_files_of_its_bucket(made, bucket):
    shop = made()
    bucket("in/a.csv", "id,name\n1,Ada\n2,Bob\n")
    bucket("in/more/b.jsonl", '{"id": "3"}\n')
    assert run(shop) == {
        "DomainName": "shop",
        "Uri": FLOW_URI,
        "Status": "Successful",
        "Files": 2,
        "Records": 3,
        "Put": 3,
        "Dropped": 0,
        "Rejected": 0,
        "Problems": [],
    }
    assert found(shop, "1", "2", "3", "4") == ["1", "2", "3"]


def test_putting_an_integration_runs_nothing(made, bucket):
    bucket("a.csv", "id\n1\n")
    assert found(made(), "1") == []


def test_running_a_flow_again_changes_nothing(made, bucket):
    shop = made()
    bucket("a.csv", "id\n1\n2\n")
    run(shop)
    before = shop.stats()
    assert run(shop)["Put"] == 2
    assert shop.stats() == before


def test_the_flow_of_a_deleted_object_type_does_not_run_until_it_is_put_again(made, bucket):
    bucket("a.csv", "id\n1\n")
    shop = made(TriggerConfig=schedule())
    before = shop.ask("ListIntegrations")
    shop.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    take_orders(shop)

    assert shop.engine.run_due() == []
    assert shop.ask("ListIntegrations") == before

    put(shop, Uri=FLOW_URI)
    assert [report["Put"] for report in shop.engine.run_due()] == [1]


def test_a_prefix_is_a_folder(made, bucket):
    shop = made(folder="in")
    for key, text in {"in/": "", "in/a.csv": "id\n1\n", "inbox/b.csv": "id\n2\n"}.items():
        bucket(key, text)
    assert run(shop)["Files"] == 1
    assert found(shop, "1", "2") == ["1"]


def test_tasks_are_applied_to_each_record(made, bucket):
    tasks = [
        TASK | {"SourceFields": ["number", "state", "card"]},
        {
            "TaskType": "Filter",
            "SourceFields": ["state"],
            "ConnectorOperator": {"S3": "EQUAL_TO"},
            "TaskProperties": {"VALUE": "paid"},
        },
        {"TaskType": "Map", "SourceFields": ["number"], "DestinationField": "id"},
    ]
    shop = made(Tasks=tasks)
    bucket("a.csv", "number,state,card\n1,paid,4111\n2,open,4112\n")
    report = run(shop)
    assert (report["Records"], report["Put"], report["Dropped"]) == (2, 1, 1)
    (order,) = objects_of(shop, "1")
    assert json.loads(order) == {"id": "1"}


def objects_of(shop, order_id):
    (profile,) = shop.search("OrderId", order_id)
    page = shop.ask("ListProfileObjects", ObjectTypeName="Order", ProfileId=profile)
    return [item["Object"] for item in page["Items"]]


def test_records_that_are_no_objects_go_to_the_dead_letters(made, bucket):
    shop = made(Tasks=[TASK | {"ConnectorOperator": {"S3": "NO_OP"}}])
    bucket("a.jsonl", '{"id": "1"}\nnothing\n{"id": ""}\n{"id": "\\ud800"}\n')
    report = run(shop)
    assert (report["Records"], report["Rejected"]) == (4, 3)
    letters = {one["Object"]: one["Message"] for one in shop.engine.dead_letters("shop")}
    assert letters.keys() == {"nothing", '{"id":""}', '{"id":"\\ud800"}'}
    assert letters["nothing"] == "The record is not a JSON object"


def test_a_file_that_cannot_be_read_stops_no_other(made, bucket):
    shop = made()
    bucket("a.csv", "id,home.city\n1,London\n")
    bucket("b.csv", "id\n2\n")
    report = run(shop)
    assert report["Status"] == "Error"
    assert [problem["File"] for problem in report["Problems"]] == ["a.csv"]
    assert "has a dot in its name" in report["Problems"][0]["Message"]
    assert found(shop, "1", "2") == ["2"]


def test_a_validation_with_drop_dataset_imports_nothing(made, bucket):
    check = {
        "TaskType": "Validate",
        "SourceFields": ["id"],
        "ConnectorOperator": {"S3": "VALIDATE_NUMERIC"},
        "TaskProperties": {"VALIDATION_ACTION": "DropDataset"},
    }
    shop = made(Tasks=[TASK, check])
    bucket("a.csv", "id\n1\nx\n")
    assert "DropDataset; nothing was imported" in run(shop)["Message"]
    assert found(shop, "1") == []
    bucket("a.csv", "id\n1\n")
    assert run(shop)["Put"] == 1


def test_more_records_than_a_batch_are_all_imported(made, bucket):
    shop = made()
    bucket("a.csv", "id\n" + "".join(f"{number}\n" for number in range(1_201)))
    assert run(shop)["Put"] == 1_201
    assert shop.stats()["ProfileCount"] == 1_201


def test_a_bucket_that_is_not_there_is_reported(made, caplog):
    shop = made()
    boto3.client("s3", region_name="us-east-1").delete_bucket(Bucket=BUCKET)
    with caplog.at_level(logging.WARNING):
        report = run(shop)
    assert report["Status"] == "Error"
    assert report["Message"] == "bucket shop-orders cannot be listed: NoSuchBucket"
    assert report["Message"] in caplog.text


def test_an_object_type_that_is_gone_is_reported(made, bucket):
    shop = made()
    bucket("a.csv", "id\n1\n")
    shop.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    assert run(shop)["Message"] == "Object type Order does not exist in the domain"


def test_only_flows_of_s3_run(orders):
    put(orders, Uri="s3://plain")
    task = TASK | {"ConnectorOperator": {"Salesforce": "PROJECTION"}}
    put(orders, FlowDefinition=flow(SALES, Tasks=[task], TriggerConfig=schedule()))
    for uri in ("s3://plain", FLOW_URI):
        with pytest.raises(Refusal, match="has no flow of S3; only such flows run"):
            orders.engine.run_flow("shop", uri)
    assert orders.engine.run_due() == []


def test_a_flow_that_is_not_there_is_not_found(orders):
    with pytest.raises(Refusal, match="does not exist in the domain"):
        orders.engine.run_flow("shop", FLOW_URI)


def test_a_schedule_runs_when_it_is_due(made, bucket, clock):
    shop = made(TriggerConfig=schedule(ScheduleStartTime=clock.now() + HOUR))
    bucket("a.csv", "id\n1\n")
    assert shop.engine.run_due() == []
    clock.advance(seconds=HOUR)
    assert [report["Put"] for report in shop.engine.run_due()] == [1]
    assert shop.engine.run_due() == []


def test_missed_runs_become_one(made, clock):
    shop = made(TriggerConfig=schedule())
    clock.advance(days=3)
    assert len(shop.engine.run_due()) == 1
    assert shop.engine.run_due() == []
    clock.advance(seconds=HOUR)
    assert len(shop.engine.run_due()) == 1


def test_a_schedule_ends(made, clock):
    shop = made(TriggerConfig=schedule(ScheduleEndTime=clock.now() + HOUR))
    assert len(shop.engine.run_due()) == 1
    clock.advance(seconds=HOUR)
    assert len(shop.engine.run_due()) == 1
    clock.advance(days=1)
    assert shop.engine.run_due() == []


def test_a_run_that_fails_is_tried_again_at_its_next_time(made, bucket, clock):
    shop = made(TriggerConfig=schedule())
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.delete_bucket(Bucket=BUCKET)
    assert [report["Status"] for report in shop.engine.run_due()] == ["Error"]
    clock.advance(seconds=HOUR)
    s3.create_bucket(Bucket=BUCKET)
    bucket("a.csv", "id\n1\n")
    assert [report["Put"] for report in shop.engine.run_due()] == [1]


def test_an_incremental_run_takes_new_files_only(made, bucket):
    shop = made(TriggerConfig=schedule(DataPullMode="Incremental"))
    bucket("a.csv", "id\n1\n")
    assert run(shop)["Files"] == 1
    bucket("b.csv", "id\n2\n")
    assert run(shop)["Files"] == 1
    bucket("a.csv", "id\n1\n3\n")
    assert run(shop)["Records"] == 2
    assert run(shop)["Files"] == 0
    assert found(shop, "1", "2", "3") == ["1", "2", "3"]


def test_a_complete_run_takes_all_files(made, bucket):
    shop = made(TriggerConfig=schedule(DataPullMode="Complete"))
    bucket("a.csv", "id\n1\n")
    assert [run(shop)["Files"] for _ in range(2)] == [1, 1]


def test_the_first_incremental_run_looks_back_30_days(made, bucket, clock):
    shop = made(TriggerConfig=schedule())
    bucket("a.csv", "id\n1\n")
    clock.advance(days=31)
    assert run(shop)["Files"] == 0
    bucket("b.csv", "id\n1\n")
    clock.advance(days=-2)
    assert run(shop)["Files"] == 2


def test_the_first_incremental_run_may_look_back_further(made, bucket, clock):
    shop = made(TriggerConfig=schedule(FirstExecutionFrom=clock.now() - HOUR))
    bucket("a.csv", "id\n1\n")
    clock.advance(days=365)
    assert run(shop)["Files"] == 1


def test_a_run_that_drops_its_data_set_pulls_it_again(made, bucket):
    check = {
        "TaskType": "Validate",
        "SourceFields": ["id"],
        "ConnectorOperator": {"S3": "VALIDATE_NUMERIC"},
        "TaskProperties": {"VALIDATION_ACTION": "DropDataset"},
    }
    shop = made(Tasks=[TASK, check], TriggerConfig=schedule())
    bucket("a.csv", "id\n1\n")
    bucket("b.csv", "id\nx\n")
    run(shop)
    bucket("b.csv", "id\n2\n")
    assert run(shop)["Put"] == 2


def test_the_position_of_a_flow_outlives_the_process(open_shop, bucket):
    shop = open_shop()
    take_orders(shop)
    put(shop, FlowDefinition=flow(TriggerConfig=schedule()))
    bucket("a.csv", "id\n1\n")
    assert [report["Files"] for report in shop.engine.run_due()] == [1]
    again = open_shop()
    assert run(again)["Files"] == 0


def test_a_due_flow_runs_in_one_process_only(open_shop, bucket):
    shop, other = open_shop(), open_shop()
    take_orders(shop)
    put(shop, FlowDefinition=flow(TriggerConfig=schedule()))
    assert [len(one.engine.run_due()) for one in (shop, other)] == [1, 0]


def test_a_flow_works_through_boto3_and_moto_side_by_side(clock, bucket):
    bucket("a.csv", "id\n1\n")
    with Engine(clock=clock, strict=True) as engine, engine.patch():
        client = boto3.client("customer-profiles", region_name="us-east-1")
        client.create_domain(DomainName="shop", DefaultExpirationDays=1)
        take_orders(Shop(engine))
        client.put_integration(DomainName="shop", ObjectTypeName="Order", FlowDefinition=FLOW)
        assert engine.run_flow("shop", FLOW_URI)["Put"] == 1


def test_the_session_is_the_one_that_was_given(clock, bucket):
    asked = []

    class Session:
        def client(self, name, **options):
            asked.append(name)
            return boto3.client(name, **options)

    bucket("a.csv", "id\n1\n")
    with Engine(clock=clock, session=Session()) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=1)
        take_orders(shop)
        put(shop, FlowDefinition=FLOW)
        assert asked == []
        assert [run(shop)["Put"] for _ in range(2)] == [1, 1]
    assert asked == ["s3"]


def test_what_a_flow_brings_is_merged_by_rules(made, bucket):
    tasks = [{**TASK, "SourceFields": [one], "DestinationField": one} for one in ("id", "name")]
    shop = made(Tasks=tasks)
    shop.ask(
        "PutProfileObjectType",
        ObjectTypeName="Order",
        Description="Orders",
        AllowProfileCreation=True,
        Fields={
            "id": {"Source": "_source.id"},
            "name": {"Source": "_source.name", "Target": "_profile.FirstName"},
        },
        Keys={"OrderId": [{"StandardIdentifiers": ["UNIQUE", "PROFILE"], "FieldNames": ["id"]}]},
    )
    rules = {"Enabled": True, "MatchingRules": [{"Rule": ["FirstName"]}]}
    shop.ask("UpdateDomain", RuleBasedMatching={**rules, "MaxAllowedRuleLevelForMerging": 1})
    bucket("in/a.csv", "id,name\n1,Ada\n2,Ada\n")
    run(shop)

    with shop.engine._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM profiles").fetchone() == (1,)

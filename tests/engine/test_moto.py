"""The service beside moto: `mock_customer_profiles`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import unittest

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, NoCredentialsError
from moto import mock_aws
from moto.server import ThreadedMotoServer

from customer_profiles import CustomerProfiles
from customer_profiles.engine import ManualClock, Quotas
from customer_profiles.testing import mock_customer_profiles

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    """Nothing that signs a request, and nowhere to look for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def client(region=REGION, **options):
    return boto3.client("customer-profiles", region_name=region, **options)


def create(client, name="shop"):
    return client.create_domain(DomainName=name, DefaultExpirationDays=30)


def domains(client):
    return [item["DomainName"] for item in client.list_domains()["Items"]]


def test_boto3_uses_an_engine_within_the_block_and_aws_after_it():
    with mock_aws(), mock_customer_profiles():
        inside = client()
        create(inside)
        assert domains(inside) == ["shop"]
    with pytest.raises(NoCredentialsError):
        domains(client())


@pytest.mark.parametrize(
    "order", [(mock_aws, mock_customer_profiles), (mock_customer_profiles, mock_aws)]
)
def test_the_order_of_the_two_mocks_does_not_matter(order):
    first, second = order
    with first(), second():
        create(client())
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="files")
        assert domains(client()) == ["shop"]


def test_it_works_without_mock_aws_and_without_credentials():
    with mock_customer_profiles():
        create(client())
        assert domains(client()) == ["shop"]


def test_this_library_uses_it_like_boto3():
    with mock_aws(), mock_customer_profiles():
        shop = CustomerProfiles(region=REGION).domains.create("shop", default_expiration_days=30)
        shop.profiles.create(email_address="ada@example.com")
        assert shop.profiles.search(email="ada@example.com").one()


def test_a_client_that_was_made_before_uses_it_too():
    before = client()
    with mock_aws(), mock_customer_profiles():
        create(before)
        assert domains(client()) == ["shop"]


def test_each_region_has_data_of_its_own():
    with mock_aws(), mock_customer_profiles():
        create(client("eu-central-1"), "berlin")
        create(client("us-west-2"), "seattle")
        assert domains(client("eu-central-1")) == ["berlin"]
        assert domains(client("us-west-2")) == ["seattle"]


def test_the_account_in_arns_is_motos():
    with mock_aws(), mock_customer_profiles() as service:
        account = boto3.client("sts", region_name=REGION).get_caller_identity()["Account"]
        assert service.engine().arn("domains/shop") == (
            f"arn:aws:profile:us-east-1:{account}:domains/shop"
        )


def test_motos_setting_of_the_account_is_followed(monkeypatch):
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    with mock_aws(), mock_customer_profiles() as service:
        assert ":999999999999:" in service.engine().arn("domains/shop")
        create(client())
        assert service.engine(account_id="999999999999").answer("ListDomains", {}).count(b"shop")


def test_a_role_of_another_account_has_data_of_its_own():
    with mock_aws(), mock_customer_profiles() as service:
        create(client())
        role = boto3.client("sts", region_name=REGION).assume_role(
            RoleArn="arn:aws:iam::111111111111:role/reader", RoleSessionName="tests"
        )["Credentials"]
        other = client(
            aws_access_key_id=role["AccessKeyId"],
            aws_secret_access_key=role["SecretAccessKey"],
            aws_session_token=role["SessionToken"],
        )
        assert domains(other) == []
        create(other, "theirs")
        assert domains(client()) == ["shop"]
        assert b"theirs" in service.engine(account_id="111111111111").answer("ListDomains", {})


def test_every_block_begins_without_data():
    with mock_aws(), mock_customer_profiles():
        create(client())
    with mock_aws(), mock_customer_profiles():
        assert domains(client()) == []


def test_an_inner_block_shares_the_data_of_the_outer_one():
    with mock_customer_profiles():
        create(client())
        with mock_customer_profiles():
            create(client(), "inner")
        assert sorted(domains(client())) == ["inner", "shop"]


def test_reset_removes_data_and_faults():
    with mock_customer_profiles() as service:
        create(client())
        service.fail_next("ListDomains", throttling=100)
        service.reset()
        assert domains(client()) == []


def test_stopping_what_was_not_started_is_an_error():
    with pytest.raises(RuntimeError, match="before start"):
        mock_customer_profiles().stop()


def test_start_and_stop_do_what_a_block_does():
    mock = mock_customer_profiles()
    mock.start()
    try:
        create(client())
    finally:
        mock.stop()
    with pytest.raises(NoCredentialsError):
        domains(client())


@mock_aws
@mock_customer_profiles
def test_it_decorates_functions_without_parentheses(monkeypatch):
    assert monkeypatch, "fixtures arrive"
    create(client())


@mock_aws
@mock_customer_profiles()
def test_it_decorates_functions_with_parentheses():
    assert domains(client()) == [], "the test before left nothing"


def test_it_decorates_coroutine_functions():
    @mock_customer_profiles
    async def work():
        create(client())
        await asyncio.sleep(0)
        return domains(client())

    assert asyncio.run(work()) == ["shop"]
    with pytest.raises(NoCredentialsError):
        domains(client())


@pytest.fixture
@mock_customer_profiles
def yielding():
    made = client()
    create(made, "yielded")
    yield made
    assert domains(made) == ["yielded"]


def test_it_decorates_fixtures_that_yield(yielding):
    assert domains(yielding) == ["yielded"]


@mock_aws
@mock_customer_profiles
class TestTheMethodsOfADecoratedClass:
    def test_begin_without_data(self):
        create(client())

    def test_begin_without_data_whatever_came_before(self):
        assert domains(client()) == []
        create(client())

    @staticmethod
    def helper():
        return 1

    class TestWithin:  # noqa: D106
        def test_classes_within_it_too(self):
            assert domains(client()) == []
            assert TestTheMethodsOfADecoratedClass.helper() == 1


@mock_aws
@mock_customer_profiles
class TestASetUp:
    def setup_method(self, *_):
        create(client(), "set-up")

    def test_keeps_its_data_for_the_test(self):
        assert domains(client()) == ["set-up"]
        create(client(), "more")

    def test_begins_anew_for_each_test(self):
        assert domains(client()) == ["set-up"]


@mock_aws
@mock_customer_profiles
class TestUnittest(unittest.TestCase):
    def setUp(self):
        create(client(), "set-up")

    def test_keeps_the_data_of_set_up(self):
        assert domains(client()) == ["set-up"]


@mock_customer_profiles
class TestAsyncMethods(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        create(client(), "set-up")

    async def test_keep_the_data_of_set_up(self):
        await asyncio.sleep(0)
        assert domains(client()) == ["set-up"]


def test_faults_hit_the_clients_of_all_regions():
    with mock_customer_profiles() as service:
        (rule,) = service.fail_next("CreateDomain", access_denied=2)
        for region in ("us-east-1", "eu-west-1"):
            with pytest.raises(ClientError, match="AccessDeniedException"):
                create(client(region))
        assert rule.hits == 2
        service.faults.on("CreateDomain", lose_answer=True)
        with pytest.raises(ConnectionClosedError):
            create(client())
        service.faults.clear()
        assert domains(client()) == ["shop"]


def test_options_are_those_of_all_engines():
    clock = ManualClock(now=1_800_000_000)
    with mock_customer_profiles(clock=clock, quotas=Quotas(domains=1)):
        assert create(client())["CreatedAt"].timestamp() == 1_800_000_000
        with pytest.raises(ClientError, match="BadRequest"):
            create(client(), "second")


FLOW = {
    "FlowName": "orders",
    "KmsArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "SourceFlowConfig": {
        "ConnectorType": "S3",
        "SourceConnectorProperties": {"S3": {"BucketName": "files", "BucketPrefix": "orders"}},
    },
    "Tasks": [
        {
            "TaskType": "Map",
            "SourceFields": [name],
            "DestinationField": name,
            "ConnectorOperator": {"S3": "NO_OP"},
        }
        for name in ("id", "email")
    ],
    "TriggerConfig": {"TriggerType": "OnDemand"},
}
ORDERS = {
    "DomainName": "shop",
    "ObjectTypeName": "Order",
    "Description": "Orders",
    "AllowProfileCreation": True,
    "Fields": {
        "id": {"Source": "_source.id"},
        "email": {"Source": "_source.email", "Target": "_profile.EmailAddress"},
    },
    "Keys": {
        "order_id": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE"]}],
        "order_email": [{"FieldNames": ["email"], "StandardIdentifiers": ["PROFILE"]}],
    },
}


def take_orders(**options):
    made = client()
    made.create_domain(DomainName="shop", DefaultExpirationDays=30, **options)
    made.put_profile_object_type(**ORDERS)
    return made


def test_the_flows_of_the_engines_read_motos_s3():
    with mock_aws(), mock_customer_profiles() as service:
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="files")
        s3.put_object(Bucket="files", Key="orders/a.csv", Body=b"id,email\n1,ada@example.com\n")
        made = take_orders()
        uri = made.put_integration(DomainName="shop", ObjectTypeName="Order", FlowDefinition=FLOW)[
            "Uri"
        ]
        assert service.engine().run_flow("shop", uri)["Put"] == 1
        found = made.search_profiles(
            DomainName="shop", KeyName="order_email", Values=["ada@example.com"]
        )
        assert len(found["Items"]) == 1


def test_dead_letters_go_to_motos_queues():
    with mock_aws(), mock_customer_profiles():
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName="rejected")["QueueUrl"]
        made = take_orders(DeadLetterQueueUrl=url)
        # No profile has this e-mail address, and the type may create none.
        made.put_profile_object_type(**{**ORDERS, "AllowProfileCreation": False})
        order = json.dumps({"id": "1", "email": "ada@example.com"})
        made.put_profile_object(DomainName="shop", ObjectTypeName="Order", Object=order)
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        assert json.loads(message["Body"]) == json.loads(order)


def test_without_mock_aws_an_engine_sends_nothing_to_s3(caplog):
    with mock_customer_profiles() as service:
        made = take_orders()
        uri = made.put_integration(DomainName="shop", ObjectTypeName="Order", FlowDefinition=FLOW)[
            "Uri"
        ]
        report = service.engine().run_flow("shop", uri)
    assert (report["Status"], report["Put"]) == ("Error", 0)
    assert "MockAwsNotActiveError" in report["Message"]
    assert "write `with mock_aws(), mock_customer_profiles():`" in caplog.text


@pytest.mark.slow
def test_it_works_beside_motos_server_mode():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        settings = {
            "TEST_SERVER_MODE": "true",
            "TEST_SERVER_MODE_ENDPOINT": f"http://{host}:{port}",
        }
        command = [sys.executable, "-m", "pytest", "-q", __file__, "-k", "flows or queues or arns"]
        done = subprocess.run(
            command, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
    finally:
        server.stop()
    assert "3 passed" in done.stdout, done.stdout

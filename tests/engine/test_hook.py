import gc
import weakref

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from customer_profiles.engine import Engine


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    """Nothing that signs a request, and nowhere to look for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def other(clock):
    with Engine(clock=clock) as engine:
        yield engine


def client():
    return boto3.client("customer-profiles", region_name="us-east-1")


def domains(client):
    return [item["DomainName"] for item in client.list_domains()["Items"]]


@pytest.mark.usefixtures("shop")
def test_an_attached_client_talks_to_the_engine_without_credentials(engine):
    attached = client()
    engine.attach(attached)
    made = attached.create_profile(DomainName="shop", FirstName="Zoë")["ProfileId"]
    found = attached.search_profiles(DomainName="shop", KeyName="_fullName", Values=["ZOË"])
    assert [item["ProfileId"] for item in found["Items"]] == [made]


@pytest.mark.usefixtures("shop")
def test_a_detached_client_talks_to_the_network_again(engine):
    attached = client()
    detach = engine.attach(attached)
    assert domains(attached) == ["shop"]
    detach()
    with pytest.raises(NoCredentialsError):
        domains(attached)


def test_detaching_twice_is_detaching_once(engine):
    attached = client()
    detach = engine.attach(attached)
    detach()
    detach()


@pytest.mark.usefixtures("shop")
def test_the_last_engine_attached_answers(engine, other):
    attached = client()
    engine.attach(attached)
    detach = other.attach(attached)
    assert domains(attached) == []
    detach()
    assert domains(attached) == ["shop"]


def test_a_door_does_not_keep_its_client_alive(engine):
    attached = client()
    engine.attach(attached)
    watched = weakref.ref(attached)
    del attached
    gc.collect()
    assert watched() is None


def test_a_client_of_another_service_is_refused(engine):
    with pytest.raises(ValueError, match="client of s3"):
        engine.attach(boto3.client("s3", region_name="us-east-1"))


@pytest.mark.usefixtures("shop")
def test_refusals_become_boto3s_typed_exceptions(engine):
    attached = client()
    engine.attach(attached)
    with pytest.raises(attached.exceptions.ResourceNotFoundException) as caught:
        attached.get_domain(DomainName="nowhere")
    assert caught.value.response["Error"]["Message"] == "Domain nowhere does not exist"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.usefixtures("shop")
def test_a_patch_reaches_clients_made_before_and_after(engine):
    before = client()
    with engine.patch() as patched:
        assert patched is engine
        assert domains(before) == domains(client()) == ["shop"]


def test_a_patch_undoes_itself(engine):
    before = client()
    with engine.patch():
        domains(before)
        inside = client()
        domains(inside)
    for one in (before, inside, client()):
        with pytest.raises(NoCredentialsError):
            domains(one)


@pytest.mark.usefixtures("shop")
def test_the_inner_of_two_patches_answers(engine, other):
    one = client()
    with engine.patch(), engine.patch():
        with other.patch():
            assert domains(one) == []
        assert domains(one) == ["shop"]


@pytest.mark.usefixtures("shop")
def test_a_patch_ends_when_its_block_fails(engine):
    with pytest.raises(ClientError), engine.patch():
        client().get_domain(DomainName="nowhere")
    with pytest.raises(NoCredentialsError):
        domains(client())


@pytest.mark.usefixtures("shop")
def test_an_attached_client_keeps_its_engine_under_a_patch(engine, other):
    attached = client()
    engine.attach(attached)
    with other.patch():
        assert domains(attached) == ["shop"]
        assert domains(client()) == []
    assert domains(attached) == ["shop"]


@pytest.mark.usefixtures("shop")
def test_a_patch_leaves_other_services_to_moto(engine):
    with mock_aws(), engine.patch():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="some-bucket")
        assert domains(client()) == ["shop"]
        assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["some-bucket"]


@pytest.mark.usefixtures("shop")
def test_the_engine_answers_before_moto_whichever_came_first(engine):
    early = client()
    engine.attach(early)
    with mock_aws():
        late = client()
        engine.attach(late)
        assert domains(early) == domains(late) == ["shop"]


@pytest.mark.usefixtures("shop")
def test_pagination_and_tags_work_through_boto3(engine):
    with engine.patch():
        boto = client()
        arn = engine.arn("domains/shop")
        boto.tag_resource(resourceArn=arn, tags={"team": "one", "cost": "9"})
        boto.untag_resource(resourceArn=arn, tagKeys=["cost", "x"])
        assert boto.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "one"}

"""Waiting for estimates and snapshots, by the answers that AWS may give, and S3's credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from customer_profiles import (
    AwsChannel,
    BatchError,
    CustomerProfiles,
    InternalServerError,
    InvalidInputError,
    JobFailedError,
    SegmentSnapshot,
    WaitTimeoutError,
    where,
)

if TYPE_CHECKING:
    from customer_profiles import Domain

ID = "a" * 32
SNAPSHOT = {"SnapshotId": ID, "DataFormat": "CSV", "DestinationUri": "s3://exports/gold"}


def shop_with(*answers: tuple[str, dict[str, Any]]) -> Domain:
    """Return a domain of a client that gives these answers."""
    client = boto3.client(
        "customer-profiles",
        region_name="us-east-1",
        aws_access_key_id="own",
        aws_secret_access_key="own",
    )
    stub = Stubber(client)
    for operation, answer in answers:
        stub.add_response(operation, answer)
    stub.activate()
    return CustomerProfiles(client=client).domain("shop")


def estimate(status: str, **members: str) -> tuple[str, dict[str, Any]]:
    return "get_segment_estimate", {"EstimateId": ID, "Status": status, **members}


def snapshot(status: str, **members: str) -> tuple[str, dict[str, Any]]:
    return "get_segment_snapshot", {**SNAPSHOT, "Status": status, **members}


CREATED = ("create_segment_estimate", {"EstimateId": ID})
STARTED = ("create_segment_snapshot", {"SnapshotId": ID})


def test_an_estimate_is_read_until_it_is_over() -> None:
    shop = shop_with(CREATED, estimate("RUNNING"), estimate("SUCCEEDED", Estimate="1234"))

    assert shop.segments.estimate(where.everybody).wait().count == 1234


def test_an_estimate_that_failed_has_the_service_s_reason() -> None:
    shop = shop_with(CREATED, estimate("FAILED", Message="too many rows"))
    started = shop.segments.estimate(sql="SELECT profileid FROM profile_standard")

    with pytest.raises(JobFailedError, match="the estimate failed: too many rows"):
        started.wait()
    with pytest.raises(JobFailedError, match="too many rows"):
        _ = started.count


def test_a_deadline_ends_the_waiting_and_not_the_job() -> None:
    shop = shop_with(CREATED, *[estimate("RUNNING")] * 9)
    started = shop.segments.estimate(where.everybody)

    with pytest.raises(WaitTimeoutError, match=r"still RUNNING after 0\.1 seconds; the service c"):
        started.wait(timeout=0.1)
    assert started.status == "RUNNING"


def test_a_snapshot_that_is_not_finished_cannot_be_read() -> None:
    shop = shop_with(STARTED, snapshot("IN_PROGRESS"), snapshot("FAILED", StatusMessage="role"))
    started = shop.segments.snapshot("gold", "s3://exports/gold", role_arn="arn:aws:iam::1:role/x")

    with pytest.raises(InvalidInputError, match=r"the snapshot is not finished; call wait\(\)"):
        started.read()
    with pytest.raises(JobFailedError, match="the snapshot failed: role"):
        started.wait()
    assert started.segment_definition_name == "gold"


def test_profiles_that_an_answer_lacks_are_failures() -> None:
    result = {"ProfileId": ID, "QueryResult": "PRESENT"}
    shop = shop_with(
        (
            "get_segment_membership",
            {
                "Profiles": [result],
                "Failures": [{"ProfileId": "b" * 32, "Message": "busy", "Status": 500}],
            },
        )
    )

    with pytest.raises(BatchError) as caught:
        shop.segments.members("gold", [ID, "b" * 32, "c" * 32])

    assert [member.profile_id for member in caught.value.succeeded] == [ID]
    assert set(caught.value.failed) == {"b" * 32, "c" * 32}
    assert isinstance(caught.value.failed["b" * 32], InternalServerError)


def test_files_are_read_with_the_credentials_of_the_client() -> None:
    shop = shop_with()
    channel = shop.segments._gateway.channel
    assert isinstance(channel, AwsChannel)

    client = channel.s3_client()

    assert client._request_signer._credentials.access_key == "own"
    assert client.meta.region_name == "us-east-1"


def test_files_are_read_with_the_session_that_was_passed() -> None:
    session = boto3.Session("key", "secret", region_name="eu-west-1")
    channel = AwsChannel(session=session)

    assert channel.s3_client()._request_signer._credentials.access_key == "key"
    assert channel.s3_client().meta.region_name == "eu-west-1"


def test_a_detached_snapshot_has_no_files() -> None:
    with pytest.raises(InvalidInputError, match="s3://bucket/folder"):
        shop_with().segments.snapshots("gold").read(SegmentSnapshot(status="COMPLETED"))

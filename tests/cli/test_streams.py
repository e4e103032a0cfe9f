"""`customer-profiles streams`, on a database file and over HTTP, with Kinesis by moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests.cli.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"


@pytest.fixture(autouse=True)
def kinesis() -> Iterator[None]:
    with mock_aws():
        boto3.client("kinesis", "us-east-1").create_stream(StreamName="changes", ShardCount=1)
        yield


def records() -> int:
    client = boto3.client("kinesis", "us-east-1")
    (shard,) = client.list_shards(StreamName="changes")["Shards"]
    iterator = client.get_shard_iterator(
        StreamName="changes", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    return len(client.get_records(ShardIterator=iterator["ShardIterator"])["Records"])


def test_an_event_stream_is_created_and_listed(where: Where) -> None:
    assert "no event stream" in where.run("streams", "list").stderr
    created = where.run("streams", "create", "changes", ARN)

    assert created.exit_code == 0, created.output
    (row,) = where.rows("streams", "list")
    assert (row["event_stream_name"], row["state"]) == ("changes", "RUNNING")
    assert ARN in where.run("streams", "show", "changes", "--json").stdout


def test_what_waits_is_delivered(file: Where) -> None:
    file.run("streams", "create", "changes", ARN)
    file.run("profiles", "create", "--set", "first_name=Eva")
    result = file.run("streams", "deliver")

    assert result.exit_code == 0, result.output
    assert "all records are delivered" in result.stdout
    assert records() >= 1
    assert file.run("streams", "show", "changes").exit_code == 0


def test_what_kinesis_does_not_accept_is_left(file: Where) -> None:
    file.run("streams", "create", "changes", ARN.replace("changes", "nowhere"))
    file.run("profiles", "create", "--set", "first_name=Eva")
    result = file.run("streams", "deliver", "--timeout", "10", COLUMNS="200")

    assert result.exit_code == 1
    assert "nowhere" in result.stdout
    assert file.run("streams", "show", "changes").exit_code == 1
    assert "not delivered" in file.run("streams", "delete", "changes", text="n\n").output


def test_an_event_stream_is_deleted_after_a_confirmation(where: Where) -> None:
    where.run("streams", "create", "changes", ARN)

    assert where.run("streams", "delete", "changes", text="n\n").exit_code == 1
    assert where.run("streams", "delete", "changes", "--yes").exit_code == 0
    assert where.rows("streams", "list") == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["show", "chnges"], "did you mean changes?"),
        (["create", "more", ARN], "already associated"),
        (
            ["create", "more", "arn:aws:sqs:us-east-1:123456789012:changes"],
            "is not the arn of a kinesis data stream",
        ),
    ],
)
def test_errors_name_the_thing_and_the_remedy(where: Where, command: list[str], words: str) -> None:
    where.run("streams", "create", "changes", ARN)
    result = where.run("streams", *command)

    assert result.exit_code == 2
    assert words in result.stderr.lower()

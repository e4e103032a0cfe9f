"""`customer-profiles segments`, on a database file and over HTTP, with S3 by moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests.cli.where import NOBODY, SECRETS, Where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLE = "arn:aws:iam::111122223333:role/exports"


@pytest.fixture
def gold(where: Where) -> Where:
    where.shop.calculated_attributes.create(
        "spend", "{Order.Total}", statistic="SUM", use_historical_data=True
    )
    conditions = ["--where", "attributes.tier=gold", "--where", "calculated.spend over 10"]
    created = where.run("segments", "create", "gold", *conditions, "--display-name", "Gold!")
    assert created.exit_code == 0, created.output
    return where


@pytest.fixture
def bucket() -> Iterator[str]:
    with mock_aws():
        boto3.client("s3", "us-east-1").create_bucket(Bucket="exports")
        yield "s3://exports/gold"


def test_a_segment_is_explained_in_words_with_masked_values(gold: Where) -> None:
    shown = gold.run("segments", "show", "gold", COLUMNS="200")

    assert shown.exit_code == 0, shown.output
    assert "Gold!" in shown.stdout
    assert "spend is over 10" in shown.stdout
    assert "g•••" in shown.stdout
    assert "gold" not in shown.stdout.partition("condition")[2]
    revealed = gold.run("segments", "show", "gold", "--reveal", COLUMNS="200").stdout
    assert "gold" in revealed.partition("condition")[2]


def test_a_definition_is_shown_as_json_with_masked_values(gold: Where) -> None:
    masked = gold.run("segments", "show", "gold", "--jsonl")

    (groups,) = json.loads(masked.stdout)["segment_groups"]["Groups"]
    assert "gold" not in json.dumps(groups)
    assert "10" in json.dumps(groups)
    (row,) = gold.rows("segments", "show", "gold")
    assert "gold" in json.dumps(row["segment_groups"])


def test_segments_are_listed(gold: Where) -> None:
    assert [row["display_name"] for row in gold.rows("segments", "list")] == ["Gold!"]


@pytest.mark.parametrize("member", [None, "SegmentGroups", "SegmentQuery"])
def test_a_definition_in_the_format_of_aws_is_read(
    where: Where, tmp_path: Path, member: str | None
) -> None:
    city = {"City": {"DimensionType": "INCLUSIVE", "Values": ["London"]}}
    groups = {"Groups": [{"Dimensions": [{"ProfileAttributes": {"Address": city}}]}]}
    (tmp_path / "london.json").write_text(json.dumps({member: groups} if member else groups))
    created = where.run("segments", "create", "london", str(tmp_path / "london.json"))

    assert created.exit_code == 0, created.output
    assert where.run("segments", "estimate", "london").stdout == "1 profiles\n"


def test_conditions_are_counted_without_a_segment(where: Where) -> None:
    conditions = ["--where", "first_name=Ada", "--where", "last_name=Hopper"]

    assert where.run("segments", "estimate", *conditions).stdout == "0 profiles\n"
    assert where.run("segments", "estimate", *conditions, "--any").stdout == "2 profiles\n"
    assert '"count": 2' in where.run("segments", "estimate", *conditions, "--any", "--json").stdout


def test_members_are_told_from_others(gold: Where) -> None:
    ada, grace = gold.id_of("ada@example.com"), gold.id_of("grace@example.com")
    result = gold.run("segments", "members", "gold", ada, grace, NOBODY)

    assert result.exit_code == 1
    assert f"no profile {NOBODY}" in result.stderr
    assert [secret for secret in SECRETS if secret in result.output] == []
    rows = json.loads(
        gold.run("segments", "members", "gold", grace, ada, "--json", "--reveal").stdout
    )
    assert [(row["profile_id"], row["is_member"]) for row in rows] == [(grace, False), (ada, True)]
    assert rows[1]["first_name"] == "Ada"


def test_an_embedded_domain_lists_members(file: Where) -> None:
    file.run("segments", "create", "everybody", "--everybody")

    assert len(file.rows("segments", "members", "everybody")) == 2


def test_members_are_exported_to_s3_and_read(gold: Where, bucket: str) -> None:
    options = ["--to", f"{bucket}/", "--role-arn", ROLE]
    result = gold.run("segments", "snapshot", "gold", *options)

    assert result.exit_code == 0, result.output
    assert f"exported segment gold to {bucket}\n" in result.stdout
    read = gold.run("segments", "snapshot", "gold", *options, "--read", "--jsonl")
    assert json.loads(read.stdout)["profile_id"] == gold.id_of("ada@example.com")
    assert [secret for secret in SECRETS if secret in read.output] == []


def test_all_profiles_are_listed_by_way_of_a_snapshot(where: Where, bucket: str) -> None:
    rows = where.rows("profiles", "list", "--snapshot", bucket, "--role-arn", ROLE)

    assert sorted(row["first_name"] for row in rows) == ["Ada", "Grace"]
    assert where.rows("segments", "list") == []


def test_a_snapshot_that_fails_is_reported(gold: Where, bucket: str) -> None:
    options = ["--to", bucket.replace("exports", "nowhere"), "--role-arn", ROLE]
    result = gold.run("segments", "snapshot", "gold", *options)

    assert result.exit_code == 1
    assert "error: the snapshot failed" in result.stderr


def test_a_segment_is_deleted_after_a_confirmation(gold: Where) -> None:
    assert gold.run("segments", "delete", "gold", text="n\n").exit_code == 1
    assert gold.run("segments", "delete", "gold", text="y\n").exit_code == 0
    assert gold.rows("segments", "list") == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["create", "x"], "give conditions (--where), --everybody or a file"),
        (["create", "x", "--where", "frist_name=Ada"], "did you mean first_name"),
        (["create", "x", "--where", "segment.nobody"], "does not exist"),
        (["create", "x", "--everybody", "--sort", "last_nme"], "--sort"),
        (["create", "gold", "--everybody"], "exists"),
        (["estimate"], "give the name of a segment, or conditions"),
        (["show", "glod"], "did you mean gold?"),
        (["members", "silver", NOBODY], "no segment 'silver'"),
        (["snapshot", "gold", "--to", "folder", "--role-arn", ROLE], "s3://"),
        (["snapshot", "gold", "--to", "s3://a/b", "--role-arn", ROLE, "--format", "x"], "--format"),
    ],
)
def test_errors_name_the_thing_and_the_remedy(gold: Where, command: list[str], words: str) -> None:
    result = gold.run("segments", *command)

    assert result.exit_code == 2
    assert words in result.stderr

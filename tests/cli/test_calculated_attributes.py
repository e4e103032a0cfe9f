"""`customer-profiles calculated-attributes`, on a database file and over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.where import NOBODY, Where

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "calculated-attributes"


@pytest.fixture
def spend(where: Where) -> Where:
    created = where.run(
        GROUP, "create", "spend", "{Order.Total}", "--statistic", "SUM", "--historical"
    )
    assert created.exit_code == 0, created.output
    return where


def test_a_calculated_attribute_is_created_and_shown(spend: Where) -> None:
    shown = spend.run(GROUP, "show", "spend")

    assert shown.exit_code == 0
    assert "{Order.Total}" in shown.stdout
    assert "SUM" in shown.stdout
    names = [row["calculated_attribute_name"] for row in spend.rows(GROUP, "list")]
    assert "spend" in names
    assert "_new_customer" in names


def test_its_options_are_those_of_the_definition(where: Where) -> None:
    options = ["--days", "30", "--object-count", "9", "--threshold", "GREATER_THAN 2"]
    filtered = [
        "--where",
        "Total over 5",
        "--timestamp",
        "PlacedAt",
        "--display-name",
        "Big",
    ]
    command = [GROUP, "create", "big", "{Order.OrderId}", "--statistic", "COUNT"]
    assert where.run(*command, *options, *filtered).exit_code == 0

    (row,) = where.rows(GROUP, "show", "big")
    assert row["conditions"]["range"]["value"] == 30
    assert row["conditions"]["range"]["timestamp_source"] == "{Order.PlacedAt}"
    assert row["conditions"]["object_count"] == 9
    assert row["conditions"]["threshold"] == {"value": "2", "operator": "GREATER_THAN"}
    assert row["display_name"] == "Big"
    assert "Total" in where.run(GROUP, "show", "big").stdout
    assert row["filter"]["Groups"][0]["Dimensions"]


def test_a_definition_in_the_format_of_aws_is_read(where: Where, tmp_path: Path) -> None:
    definition = {
        "CalculatedAttributeName": "other",
        "AttributeDetails": {"Attributes": [{"Name": "Total"}], "Expression": "{Order.Total}"},
        "Statistic": "MAXIMUM",
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    (tmp_path / "largest.json").write_text(json.dumps(definition))
    created = where.run(GROUP, "create", "largest", "--file", str(tmp_path / "largest.json"))

    assert created.exit_code == 0, created.output
    assert where.rows(GROUP, "show", "largest")[0]["statistic"] == "MAXIMUM"


def test_values_are_masked_unless_they_are_revealed(spend: Where) -> None:
    ada = spend.id_of("ada@example.com")
    masked = spend.run(GROUP, "values", ada, "--name", "spend")

    assert masked.exit_code == 0
    assert ada in masked.stdout
    assert "12.5" not in masked.stdout
    (row,) = spend.rows(GROUP, "values", ada, "--name", "spend")
    assert row["value"] == "12.5"


def test_values_of_all_attributes_are_those_that_a_profile_has(spend: Where) -> None:
    rows = spend.rows(GROUP, "values", spend.id_of("grace@example.com"))

    values = {row["calculated_attribute_name"]: row["value"] for row in rows}
    assert values["spend"] == "99"


@pytest.mark.parametrize("options", [[], ["--name", "spend"]])
def test_profiles_that_do_not_exist_are_named(spend: Where, options: list[str]) -> None:
    ada = spend.id_of("ada@example.com")
    result = spend.run(GROUP, "values", ada, NOBODY, *options)

    assert result.exit_code == 1
    assert ada in result.stdout
    assert f"no profile {NOBODY}" in result.stderr


def test_a_calculated_attribute_is_deleted_after_a_confirmation(spend: Where) -> None:
    assert spend.run(GROUP, "delete", "spend", text="n\n").exit_code == 1
    assert spend.run(GROUP, "delete", "spend", text="y\n").exit_code == 0
    result = spend.run(GROUP, "show", "spend")

    assert result.exit_code == 2
    assert "no calculated attribute 'spend'" in result.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["create", "x"], "give an expression and a --statistic"),
        (["create", "x", "{Order.Total}", "--statistic", "SOME"], "statistic"),
        (["create", "x", "{Ordr.total}", "--statistic", "SUM"], "Ordr"),
        (["create", "x", "total", "--statistic", "SUM"], "in braces"),
        (["create", "x", "{Order.Total}", "--statistic", "SUM", "--threshold", "5"], "OPERATOR"),
        (["show", "_new_costumer"], "did you mean _new_customer"),
        (["values", NOBODY, "--days", "3"], "--days needs the --name"),
    ],
)
def test_errors_name_the_thing_and_the_remedy(where: Where, command: list[str], words: str) -> None:
    result = where.run(GROUP, *command)

    assert result.exit_code == 2
    assert words.lower() in result.stderr.lower()

"""`customer-profiles object-types`: files, plans and classes."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app

LOYALTY = Path(__file__).parents[1] / "data/mappings/hotels-Loyalty.json"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        cp.domains.create("shop", default_expiration_days=30)
    return tmp_path / "shop.db"


def run(db: Path, *arguments: str, text: str | None = None) -> Result:
    command = ["object-types", *arguments, "--domain", "shop", "--db", str(db)]
    return CliRunner().invoke(app, command, input=text)


def names(db: Path) -> list[str]:
    with CustomerProfiles.embedded(db) as cp:
        return [one.object_type_name for one in cp.domain("shop").object_types.all()]


def test_a_file_is_put_and_listed(db: Path) -> None:
    assert run(db, "put", str(LOYALTY)).exit_code == 0

    assert names(db) == ["HotelLoyalty"]
    assert "HotelLoyalty" in run(db, "list").output


def test_an_embedded_domain_is_made_when_it_is_missing(tmp_path: Path) -> None:
    assert run(tmp_path / "new.db", "put", str(LOYALTY)).exit_code == 0

    assert names(tmp_path / "new.db") == ["HotelLoyalty"]


def test_a_template_is_put_under_a_name(db: Path) -> None:
    assert run(db, "put", "--template", "Zendesk-users", "--name", "Users").exit_code == 0

    assert names(db) == ["Users"]


def test_neither_a_file_nor_a_template_is_an_error(db: Path) -> None:
    result = run(db, "put")

    assert result.exit_code == 2
    assert "give files, or a --template" in result.output


def test_what_is_got_can_be_put_again(db: Path, tmp_path: Path) -> None:
    run(db, "put", str(LOYALTY))
    file = tmp_path / "got.json"
    assert run(db, "get", "HotelLoyalty", "--output", str(file)).exit_code == 0

    assert run(db, "plan", str(file)).output.strip() == "No changes."
    assert run(db, "get", "HotelLoyalty", "--output", str(file)).exit_code == 2


def test_an_object_type_is_printed_as_json(db: Path) -> None:
    run(db, "put", str(LOYALTY))

    assert json.loads(run(db, "get", "HotelLoyalty").output)["ObjectTypeName"] == "HotelLoyalty"


def test_a_plan_says_by_its_exit_code_whether_there_is_a_difference(db: Path) -> None:
    before = run(db, "plan", str(LOYALTY))
    applied = run(db, "plan", str(LOYALTY), "--apply")
    after = run(db, "plan", str(LOYALTY))

    assert [before.exit_code, applied.exit_code, after.exit_code] == [1, 0, 0]
    assert "+ HotelLoyalty (create)" in before.output


def test_deleting_asks_first(db: Path) -> None:
    run(db, "put", str(LOYALTY))
    assert run(db, "delete", "HotelLoyalty", text="n\n").exit_code == 1
    assert names(db) == ["HotelLoyalty"]

    assert run(db, "delete", "HotelLoyalty", "--yes").exit_code == 0
    assert names(db) == []


def test_a_missing_object_type_is_one_line(db: Path) -> None:
    result = run(db, "get", "Nope")

    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert "Traceback" not in result.output


def test_the_written_class_declares_the_same_object_type(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(db, "put", str(LOYALTY))
    file = tmp_path / "loyalty.py"
    assert run(db, "codegen", "HotelLoyalty", "--output", str(file)).exit_code == 0

    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("loyalty")
    with CustomerProfiles.embedded(db) as cp:
        assert cp.domain("shop").object_types.plan(module.HotelLoyalty).is_empty


def test_options_of_aws_do_not_go_with_a_database_file(db: Path) -> None:
    assert run(db, "list", "--region", "us-east-1").exit_code == 2

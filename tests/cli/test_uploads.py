"""`customer-profiles uploads`, on a database file and over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.where import NOBODY, SECRETS, Where

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = "Email,First Name,Liste\nada@example.com,Augusta,june\neva@example.com,Eva,june\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE, "utf-8")
    return path


def job_id(where: Where) -> str:
    (row,) = where.rows("uploads", "list")
    return str(row["job_id"])


def test_a_file_is_imported(where: Where, people: Path) -> None:
    result = where.run("uploads", "run", str(people), "--map", "Liste=attributes.list")

    assert result.exit_code == 0, result.output
    assert "SUCCEEDED: 1 profiles created, 1 rows updated profiles, 0 rows refused" in result.stdout
    ada = where.shop.profiles.search(email="ada@example.com").one()
    assert (ada.first_name, ada.last_name) == ("Augusta", "Lovelace")
    assert (ada.attributes or {})["list"] == "june"
    assert where.shop.profiles.search(email="eva@example.com").one().first_name == "Eva"


def test_columns_are_found_by_their_names(where: Where, people: Path) -> None:
    result = where.run("uploads", "run", str(people))

    assert result.exit_code == 0, result.output
    assert "Email -> email_address" in result.stderr
    assert "not imported: Liste" in result.stderr
    assert [secret for secret in SECRETS if secret in result.output] == []


def test_rows_that_are_refused_are_counted(where: Where, people: Path) -> None:
    people.write_text(PEOPLE + ",Nobody,june\n", "utf-8")
    result = where.run("uploads", "run", str(people), "--json")

    assert result.exit_code == 1
    assert '"failed_records": 1' in result.stdout


def test_jobs_are_listed_and_shown(where: Where, people: Path) -> None:
    where.run("uploads", "run", str(people), "--name", "June", "--days", "30")
    (row,) = where.rows("uploads", "show", job_id(where))

    assert (row["display_name"], row["status"], row["data_expiry"]) == ("June", "SUCCEEDED", 30)


def test_a_job_is_stopped(where: Where) -> None:
    fields = {"Email": "email_address"}
    job = where.shop.upload_jobs.create("June", fields=fields, unique_key="Email")

    assert where.run("uploads", "stop", job.job_id).exit_code == 0
    assert where.rows("uploads", "show", job.job_id)[0]["status"] == "STOPPED"
    assert where.run("uploads", "stop", job.job_id).exit_code == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--map", "Liste"], "--map is COLUMN=FIELD"),
        (["--map", "Lista=attributes.list"], "no column 'Lista'"),
        (["--map", "Liste=frist_name"], "no field 'frist_name'"),
        (["--key", "phone_number"], "phone_number"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_sent(
    where: Where, people: Path, options: list[str], words: str
) -> None:
    result = where.run("uploads", "run", str(people), *options)

    assert result.exit_code == 2
    assert words in result.stderr
    assert where.rows("uploads", "list") == []


def test_a_job_that_does_not_exist_is_named(where: Where) -> None:
    result = where.run("uploads", "show", NOBODY)

    assert result.exit_code == 2
    assert "it had no upload job yet" in result.stderr

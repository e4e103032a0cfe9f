"""`customer-profiles load` cleans values, leaves out what is none, and says both."""

# ruff: noqa: RUF001  (words of many languages)
from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from customer_profiles import CustomerProfiles, Profile
from customer_profiles.cli.app import app
from customer_profiles.cli.records import map_columns
from customer_profiles.cli.values import clean, enum_of, is_company, split, split_name
from customer_profiles.engine import Engine
from customer_profiles.engine.doors.server import Server
from customer_profiles.files import Row


def load(path: Path, *options: str, db: bool = True) -> Result:
    where = ["--db", str(path.parent / "shop.db")] if db else []
    return CliRunner().invoke(app, ["load", str(path), "--domain", "shop", *where, *options])


def written(folder: Path, text: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def profiles(folder: Path) -> list[dict[str, Any]]:
    with CustomerProfiles.embedded(folder / "shop.db") as cp:
        shop = cp.domain("shop")
        found = [*shop.profiles.search(full_name="Ada King")]
        return [fields(profile) for profile in found]


def fields(profile: Profile) -> dict[str, Any]:
    return {
        name: value
        for name, value in profile.model_dump(exclude_none=True).items()
        if name not in {"profile_id", "found_by"}
    }


def read(header: str, row: str, *pairs: str) -> Any:
    mapping = map_columns(header.split(","), list(pairs))
    (record,) = mapping.records([Row(2, row.split(","))])
    return record


@pytest.mark.parametrize(
    ("cell", "kind", "text"),
    [
        ("'+1 206 555 0100", "phone", "+1 206 555 0100"),
        ('="000123"', "identifier", "000123"),
        ("12065550100.0", "phone", "12065550100"),
        (" --05-12", "date", "--05-12"),
        ("1990-05-12 00:00:00", "date", "1990-05-12"),
        ("Ada King <ada@example.com>", "email", "ada@example.com"),
        ("mailto:ada@example.com", "email", "ada@example.com"),
        ("'s-Gravenhage", "text", "'s-Gravenhage"),
        ("Null", "name", "Null"),
        ("Ada\u00a0King\u200b", "name", "Ada King"),
        ("4E12", "identifier", "4E12"),
    ],
)
def test_a_value_is_cleaned_as_its_field_needs_it(cell: str, kind: Any, text: str) -> None:
    assert clean(cell, kind).text == text


@pytest.mark.parametrize(
    ("cell", "kind", "reason"),
    [
        ("1.2E+10", "phone", "export it again"),
        ("1,2E+10", "identifier", "export it again"),
        ("######", "date", "export it again"),
        ("000-000-0000", "phone", "placeholder"),
        ("test@test.com", "email", "placeholder"),
        ("ask him", "phone", "no digits"),
        ("ada at example", "email", "no @"),
        ("N/A", "email", ""),
        ("-", "phone", ""),
        ("NULL", "name", ""),
        ("0/0/00", "date", ""),
    ],
)
def test_what_is_no_value_is_left_out_with_a_reason(cell: str, kind: Any, reason: str) -> None:
    found = clean(cell, kind)

    assert found.text == ""
    assert reason in found.problem
    assert bool(reason) == bool(found.problem)


@pytest.mark.parametrize(
    ("cell", "kind", "parts"),
    [
        ("a@x.org ::: b@y.org", "email", ["a@x.org", "b@y.org"]),
        ("a@x.org; b@y.org,c@z.org", "email", ["a@x.org", "b@y.org", "c@z.org"]),
        ("+1 206 555 0100 ::: +1 206 555 0101", "phone", ["+1 206 555 0100", "+1 206 555 0101"]),
        ("030 1234567 oder 0171 555555", "phone", ["030 1234567", "0171 555555"]),
        ("+49 30 123456 / +49 171 1234567", "phone", ["+49 30 123456", "+49 171 1234567"]),
        ("030/123456", "phone", ["030/123456"]),
    ],
)
def test_several_values_of_a_cell_are_split(cell: str, kind: Any, parts: list[str]) -> None:
    assert split(cell, kind) == parts


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada King", ("Ada", "", "King")),
        ("King, Ada B.", ("Ada", "B.", "King")),
        ("Ludwig van Beethoven", ("Ludwig", "", "van Beethoven")),
        ("Dr. Anna-Lena Schmidt", ("Anna-Lena", "", "Schmidt")),
        ("山田 太郎", ("太郎", "", "山田")),
        ("John Smith Jr.", ("John", "", "Smith Jr.")),
        ("Madonna", ("Madonna", "", "")),
    ],
)
def test_a_whole_name_is_split(text: str, name: tuple[str, str, str]) -> None:
    assert split_name(text) == name


def test_companies_are_told_by_their_legal_forms() -> None:
    assert all(map(is_company, ["Müller GmbH", "Acme Inc.", "株式会社山田", "Peugeot S.A."]))
    assert not any(map(is_company, ["Ada King", "Anna Sa", "Mei Co-Op Lee"]))


@pytest.mark.parametrize(
    "word",
    [
        "female",
        "F",
        "weiblich",
        "w",
        "femme",
        "Féminin",
        "mujer",
        "femenino",
        "feminino",
        "femmina",
        "vrouw",
        "kobieta",
        "žena",
        "kvinna",
        "kadın",
        "женский",
        "女性",
        "女",
        "여성",
        "أنثى",
    ],
)
def test_genders_are_read_in_many_languages(word: str) -> None:
    assert enum_of("gender", word) == "FEMALE"
    assert read("Geschlecht,Vorname", f"{word},x").fields["gender"] == "FEMALE"


def test_a_gender_that_is_not_known_is_text() -> None:
    assert read("Gender,First Name", "agender,x").fields["gender_string"] == "agender"
    assert read("Party Type,First Name", "Firmenkunde,x").fields["party_type"] == "BUSINESS"
    assert read("party_type,First Name", "vip,x").fields["party_type_string"] == "vip"


def test_parts_of_names_and_addresses_are_put_together() -> None:
    names = read("Apellido paterno,Apellido materno,Nombres", "García,López,Ana María").fields
    german = read("Vorname,Straße,Hausnummer,PLZ/Ort", "Ada,Weg,12a,12345 Berlin").fields
    french = read("Prénom,N° de rue,Rue,Ville", "Ada,12,rue Haute,Lyon").fields

    assert names == {"first_name": "Ana María", "last_name": "García López"}
    assert german["address"] == {"address1": "Weg 12a", "postal_code": "12345", "city": "Berlin"}
    assert french["address"] == {"address1": "12 rue Haute", "city": "Lyon"}


def test_the_first_address_of_a_row_is_the_main_one() -> None:
    header = "First Name,Home Street,Home City,Business Street,Business City"
    both = read(header, "Ada,1 St,Rome,2 St,Bonn")

    assert both.fields["address"] == {"address1": "1 St", "city": "Rome"}
    assert [value.value for value in both.left] == ["2 St", "Bonn"]
    assert read(header, "Ada,,,2 St,Bonn").fields["address"] == {"address1": "2 St", "city": "Bonn"}


def test_a_value_of_a_guessed_column_never_rejects_a_person() -> None:
    record = read("First Name,Telefon,E-Mail privat", f"Ada,1.2E+10,{'x' * 300}@example.com")

    assert (record.fields, record.problem) == ({"first_name": "Ada"}, "")
    assert [value.column for value in record.left] == ["E-Mail privat", "Telefon"]


def test_a_wrong_value_of_a_mapped_column_rejects_the_row() -> None:
    record = read("First Name,Nr", "Ada,1.2E+10", "Nr=account_number")

    assert record.problem.startswith("'Nr' (account_number): a spreadsheet has rounded the number")


def test_rows_whose_key_is_a_placeholder_never_overwrite_each_other(tmp_path: Path) -> None:
    text = "Email,First Name\ntest@test.com,Ada\ntest@test.com,Eve\nN/A,Bob\nada@example.com,Ida\n"
    result = load(written(tmp_path, text), "--key", "email_address")

    rejects = (tmp_path / "people.rejects.csv").read_text()
    assert "1 created, 0 updated, 3 rejected" in result.output
    assert "'Email' (email_address) is empty, but --key needs it (it is a placeholder" in rejects


def test_every_value_that_is_not_loaded_is_in_a_file(tmp_path: Path) -> None:
    header = "First Name,E-mail 1,E-mail 2,E-mail 3,E-mail 4,Fax"
    text = f"{header}\nAda,a@x.org,b@x.org,c@x.org,d@x.org,1\n"
    result = load(written(tmp_path, text))

    with (tmp_path / "people.left-out.csv").open(newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["line", "reason", "column", "value"]
    assert [[row[0], *row[2:]] for row in rows[1:]] == [["2", "E-mail 4", "d@x.org"]]
    assert "not loaded: Fax" in result.output
    assert "d@x.org" not in result.output


def test_a_dry_run_says_what_would_be_loaded_and_stores_nothing(tmp_path: Path) -> None:
    text = "Vorname;E-Mail;Mobil;Notiz\nAda;ada@example.com;1.2E+10;secret\n"
    result = load(written(tmp_path, text), "--dry-run")

    assert result.exit_code == 0
    assert "separated by semicolons" in result.output
    assert "E-Mail" in result.stdout
    assert "email_address" in result.stdout
    assert "1 rows of people.csv would be loaded, 0 rejected; nothing was stored" in result.stdout
    assert (
        "not loaded: 1 value of 'Mobil', first on line 2: a spreadsheet has rounded"
        in result.output
    )
    assert not {"ada@example.com", "secret", "Ada"} & set(result.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_a_second_load_without_a_key_warns_of_twins(tmp_path: Path) -> None:
    path = written(tmp_path, "Email,First Name\nada@example.com,Ada\nbo@example.com,Bo\n")
    first, second = load(path), load(path)

    assert "warning" not in first.output
    assert "2 of the first 2 rows are stored already" in second.output
    assert "--key email_address" in second.output
    assert "warning" not in load(path, "--key", "email_address").output


def test_columns_of_one_name_are_both_loaded(tmp_path: Path) -> None:
    path = written(tmp_path, "First Name,Last Name,Email,Email\nAda,King,a@x.org,b@x.org\n")
    result = load(path)

    (ada,) = profiles(tmp_path)
    assert (ada["email_address"], ada["personal_email_address"]) == ("a@x.org", "b@x.org")
    assert result.output.count("the header names Email 2 times") == 1


def test_json_and_nested_members_are_loaded(tmp_path: Path) -> None:
    text = (
        '[{"name": "Ada King", "emails": [{"type": "work", "value": "w@x.org"}, '
        '{"type": "home", "value": "h@x.org"}], "address": {"line1": "1 St", "city": "Rome"}}]'
    )
    assert load(written(tmp_path, text, "people.json")).exit_code == 0

    (ada,) = profiles(tmp_path)
    assert ada == {
        "first_name": "Ada",
        "last_name": "King",
        "email_address": "w@x.org",
        "business_email_address": "w@x.org",
        "personal_email_address": "h@x.org",
        "address": {"address1": "1 St", "city": "Rome"},
    }


def test_a_domain_behind_an_endpoint_is_loaded_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    path = written(tmp_path, "Email,First Name\nada@example.com,Ada\n")
    with Engine() as engine, Server(engine, port=0) as server:
        options = ["--endpoint-url", server.url, "--region", "us-east-1"]
        missing = load(path, *options, db=False)
        CustomerProfiles(endpoint_url=server.url, region="us-east-1").domains.create(
            "shop", default_expiration_days=366
        )
        result = load(path, *options, db=False)
        again = load(path, *options, "--key", "email_address", db=False)

    assert missing.exit_code != 0
    assert "1 created, 0 updated, 0 rejected in domain shop on AWS" in result.output
    assert "0 created, 1 updated" in again.output


def test_thousands_of_columns_are_mapped_in_seconds(tmp_path: Path) -> None:
    header = ",".join([f"field {n}" for n in range(5_000)] + ["Email"])
    row = ",".join(["x"] * 5_000 + ["ada@example.com"])
    result = load(written(tmp_path, f"{header}\n{row}\n"))

    assert "1 created" in result.output
    assert len(result.output) < 5_000


def test_a_file_without_a_header_is_refused_without_its_values(tmp_path: Path) -> None:
    result = load(written(tmp_path, "ada@example.com,Ada,King\nbo@example.com,Bo,Ray\n"))

    assert result.exit_code == 2
    assert "the first row holds values, not the names of columns" in result.output
    assert "Ada" not in result.output

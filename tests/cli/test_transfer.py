"""`customer-profiles export`, `import`, `profiles export` and `profiles forget`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app
from tests.test_duplicates import ORDERS

NOBODY = "f" * 32
VALUES = ("Zebulon", "Quuxley", "zq@example.org", "5550177", "Wibbleham", "CUST-4711", "Secretly")


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=text, env={"COLUMNS": "200"})


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Return a file with many customers, and one whose values are everywhere."""
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        shop = cp.domains.create("shop")
        shop.object_types.put("Order", description="Orders", **ORDERS)
        for n in range(60):
            shop.profiles.create(first_name=f"First{n}", email_address=f"p{n}@example.com")
        person = shop.profiles.create(
            first_name="Zebulon", last_name="Quuxley", email_address="zq@example.org"
        )
        other = shop.profiles.create(
            first_name="Zebulon", last_name="Quuxley", phone_number="+1 206 5550177"
        )
        shop.profiles.add_key(person.profile_id, "customerKey", "CUST-4711")
        shop.objects("Order").put({"id": "Secretly", "customer": "CUST-4711", "city": "Wibbleham"})
        shop.profiles.update(
            person.profile_id, middle_name="Secretly", address={"city": "Wibbleham"}
        )
        shop.profiles.update(person.profile_id, middle_name="Short")
        shop.matches.decide(person, other, same=True)
        person.refresh()
        person.merge(other)
        # Rejected: no such customer.
        shop.object_types.put(
            "Note", description="Notes", **ORDERS | {"allow_profile_creation": False}
        )
        shop.objects("Note").put({"id": "N", "customer": "nobody", "mail": "ZQ@example.org"})
        shop.objects("Note").put({"id": "M", "customer": "nobody", "text": "about somebody else"})
    return tmp_path / "shop.db"


def person_id(db: Path) -> str:
    with CustomerProfiles.embedded(db) as cp:
        return cp.domain("shop").profiles.search(email="zq@example.org").one().profile_id


def bytes_of(db: Path) -> bytes:
    files = [db, db.with_name(f"{db.name}-wal")]
    return b"".join(file.read_bytes() for file in files if file.exists())


def left_of(db: Path) -> list[str]:
    return [value for value in VALUES if value.lower().encode() in bytes_of(db).lower()]


def test_no_value_of_a_forgotten_person_is_in_the_bytes_of_the_file(db: Path) -> None:
    assert left_of(db) == list(VALUES)
    profile_id = person_id(db)

    result = run("profiles", "forget", profile_id, "--domain", "shop", "--db", str(db), "--yes")

    assert result.exit_code == 0
    assert left_of(db) == []
    receipt = json.loads(result.stdout)
    assert receipt["removed"]["DeadLetters"] == 1
    assert receipt["removed"]["Objects"] == 1
    assert len(receipt["merged_profile_ids"]) == 1
    assert receipt["is_compacted"] is True
    assert not any(value in result.output for value in VALUES)
    with CustomerProfiles.embedded(db) as cp:
        shop = cp.domains.get("shop")
        assert shop.stats is not None
        assert (shop.stats.profile_count, shop.stats.object_count) == (60, 0)
        assert len(shop.dead_letters) == 1


def test_the_id_of_a_merged_profile_stands_for_the_one_that_was_kept(db: Path) -> None:
    kept = person_id(db)
    with CustomerProfiles.embedded(db) as cp:
        record = cp.domain("shop").profiles.history(kept, action_type="MERGED").first()
        assert record is not None
        merged = record.refresh().data["ProfileIdsToBeMerged"][0]

    result = run("profiles", "forget", merged, "--domain", "shop", "--db", str(db), text="y\n")

    assert result.exit_code == 0
    assert f"was merged into {kept}" in result.output
    assert left_of(db) == []


def test_forgetting_asks_first_and_removes_undo_files(db: Path) -> None:
    profile_id = person_id(db)
    with CustomerProfiles.embedded(db) as cp:
        shop = cp.domain("shop")
        kept = shop.profiles.get(profile_id)
        twin = shop.profiles.create(first_name="Zeb")
        shop.matches._merge_ids(
            [profile_id, twin.profile_id], kept, undo=db.with_name("shop.db.undo")
        )
    command = ["profiles", "forget", profile_id, "--domain", "shop", "--db", str(db)]

    assert run(*command, text="n\n").exit_code == 1
    assert left_of(db) != []
    assert list(db.with_name("shop.db.undo").iterdir()) != []
    assert (
        run(
            *command,
            text="y\n",
        ).exit_code
        == 0
    )
    assert list(db.with_name("shop.db.undo").iterdir()) == []


def test_a_person_that_is_not_there_is_named(db: Path) -> None:
    result = run("profiles", "forget", NOBODY, "--domain", "shop", "--db", str(db), "--yes")

    assert result.exit_code == 2
    assert NOBODY in result.output


def test_a_person_can_be_exported_with_all_data(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "person.json"
    command = ["profiles", "export", person_id(db), "--domain", "shop", "--db", str(db)]

    assert run(*command, "--to", str(file)).exit_code == 0

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    person = json.loads(file.read_text())
    assert person["profile"]["email_address"] == "zq@example.org"
    assert person["objects"][0]["object"]["city"] == "Wibbleham"
    assert {record["action_type"] for record in person["history"]} >= {"MERGED", "CREATED"}
    assert "Attributes.city" in person["provenance"]
    assert "exists" in run(*command, "--to", str(file)).output


def test_export_and_import_move_a_domain(db: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    exported = run("export", "shop", "--to", str(folder), "--db", str(db), "--format", "parquet")
    assert exported.exit_code == 0
    assert "61 profiles" in exported.stdout

    imported = run("import", str(folder), "--as", "copy", "--db", str(tmp_path / "new.db"))
    assert imported.exit_code == 0
    assert "imported domain copy: 2 object types, 61 profiles, 1 object" in imported.stdout
    assert not any(value in exported.output + imported.output for value in VALUES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "shpo", "--to", "x"], "did you mean shop?"),
        (["export", "shop", "--to", "x", "--format", "csv"], "--format is jsonl or parquet"),
        (["import", "missing"], "missing is not a folder"),
        (["import", "."], "is no export of a domain"),
    ],
)
def test_errors_name_the_thing_and_the_remedy(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "--db", str(db))

    assert result.exit_code == 2
    assert words in result.output


def test_ids_that_do_not_exist_make_an_export_incomplete(db: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"{person_id(db)}\n{NOBODY}\n")
    folder = str(tmp_path / "out")
    result = run(
        "export", "shop", "--to", folder, "--db", str(db), "--ids", str(tmp_path / "ids.txt")
    )

    assert result.exit_code == 1
    assert "1 of the ids: no such profiles exist" in result.output

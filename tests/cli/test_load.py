"""`customer-profiles load`: mapping, rejects, repetition, interruption."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_profiles import CustomerProfiles, Profile
from customer_profiles.cli.app import app

COMMAND = [sys.executable, "-c", "from customer_profiles.cli import main; main()"]
GOOD = "Email,First Name,City,Tier\nada@example.com,Ada,London,gold\ngrace@example.com,Grace,,\n"


def load(path: Path, *options: str) -> Result:
    db = str(path.parent / "shop.db")
    return CliRunner().invoke(app, ["load", str(path), "--domain", "shop", "--db", db, *options])


def stored(folder: Path, email: str) -> Profile | None:
    with CustomerProfiles.embedded(folder / "shop.db") as cp:
        return cp.domain("shop").profiles.search(email=email).first()


def count(folder: Path) -> int:
    with CustomerProfiles.embedded(folder / "shop.db") as cp:
        stats = cp.domains.get("shop").stats
        return (stats.profile_count or 0) if stats else 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(GOOD, encoding="utf-8-sig")
    return path


def test_columns_named_like_fields_map_by_themselves(file: Path) -> None:
    result = load(file, "--map", "Tier=attributes.tier")

    ada = stored(file.parent, "ada@example.com")
    assert result.exit_code == 0
    assert ada is not None
    assert ada.address is not None
    assert (ada.first_name, ada.address.city, ada.attributes) == ("Ada", "London", {"tier": "gold"})


def test_columns_that_are_not_loaded_are_named(file: Path) -> None:
    assert "not loaded: Tier" in load(file).output


@pytest.mark.parametrize(
    ("pair", "hint"),
    [
        ("Tier=attribute.tier", "attributes.<name>"),
        ("Tier=frist_name", "did you mean first_name"),
        ("Teir=first_name", "did you mean Tier"),
        ("Tier", "takes Column=field"),
        ("Tier=first_name", "two columns go into one field: first_name"),
    ],
)
def test_a_wrong_mapping_is_an_error_before_anything_is_loaded(
    file: Path, pair: str, hint: str
) -> None:
    result = load(file, "--map", pair)

    assert result.exit_code == 2
    assert hint in result.output
    assert not (file.parent / "shop.db").exists()


def test_bad_rows_are_kept_aside_with_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f'Email,Name\n"a@b.c","x"\nb@b.c,{"x" * 300}\n\n"c@b.c","two\nlines"\nd@b.c\n')
    result = load(path, "--map", "Name=first_name")

    rejects = list(csv.reader(read(tmp_path / "people.rejects.csv")))
    assert result.exit_code == 1
    assert count(tmp_path) == 2
    assert [row[0] for row in rejects] == ["line", "3", "7"]
    assert rejects[1][1] == "'Name' (first_name) must have at most 255 characters or items"
    assert rejects[2] == ["7", "the row has 1 columns, the header has 2", "d@b.c"]


def test_a_rejected_row_is_not_shown_on_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"Email\n{'canary' * 60}\n")

    assert "canary" not in load(path).output


def test_with_a_key_a_second_run_updates_and_makes_no_twins(file: Path) -> None:
    load(file, "--key", "email_address")
    file.write_text("Email,First Name\nADA@example.com,Augusta\nnew@example.com,New\n")
    result = load(file, "--key", "email_address")

    ada = stored(file.parent, "ada@example.com")
    assert "1 created, 1 updated, 0 rejected" in result.output
    assert count(file.parent) == 3
    assert ada is not None
    assert ada.first_name == "Augusta"


def test_a_key_that_no_column_fills_is_an_error(file: Path) -> None:
    result = load(file, "--key", "account_number")

    assert result.exit_code == 2
    assert "no column goes into that field" in result.output


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no header"),
        (b"Email,Email\nx,y\n", "names columns twice: Email"),
        ("Email,Größe\n".encode("utf-16"), "cannot be read as utf-8-sig"),
        (b"What\nx\n", "no column is mapped"),
        (b'Email\na@b.c\n"open', "line 3 and what follows cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    result = load(path)

    assert result.exit_code == 2
    assert reason in result.output
    assert "Traceback" not in result.output


def test_another_delimiter_and_encoding_are_read(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email;City\na@b.c;Zürich\n", encoding="latin-1")
    load(path, "--delimiter", ";", "--encoding", "latin-1")

    found = stored(tmp_path, "a@b.c")
    assert found is not None
    assert found.address is not None
    assert found.address.city == "Zürich"


def test_ctrl_c_leaves_a_consistent_database_that_a_second_run_completes(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email\n" + "".join(f"p{n}@example.com\n" for n in range(20_000)))
    db = tmp_path / "shop.db"
    command = ["load", str(path), "--domain", "shop", "--db", str(db), "--key", "email_address"]
    running = subprocess.Popen([*COMMAND, *command], stderr=subprocess.PIPE, text=True)
    while not wal_size(db) > 200_000:
        assert running.poll() is None
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)

    assert running.returncode == 130
    done = count(tmp_path)
    assert f"interrupted after {done} rows" in said
    path.write_text("Email\n" + "".join(f"p{n}@example.com\n" for n in range(done + 10)))
    assert load(path, "--key", "email_address").exit_code == 0
    assert count(tmp_path) == done + 10


def read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def wal_size(db: Path) -> int:
    wal = db.with_name(f"{db.name}-wal")
    return wal.stat().st_size if wal.exists() else 0

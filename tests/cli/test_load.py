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

import customer_profiles
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
    path.write_text(
        f'Email,Name\n"a@b.c","x"\nb@b.c,{"x" * 300}\n\n"c@b.c","two\nlines"\nd@b.c,e,f\n'
    )
    result = load(path, "--map", "Name=first_name")

    rejects = list(csv.reader(read(tmp_path / "people.rejects.csv")))
    assert result.exit_code == 1
    assert count(tmp_path) == 2
    assert [row[0] for row in rejects] == ["line", "3", "7"]
    assert rejects[1][1] == "'Name' (first_name) must have at most 255 characters"
    assert rejects[2] == ["7", "the row has 3 columns, the header has 2", "d@b.c", "e", "f"]


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
    assert "no column is mapped to that field" in result.output


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no header"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the file is binary, not text"),
        (b"PK\x03\x04 no workbook", "no workbook that can be read; save it as CSV or .xlsx"),
        (b"PAR1 no Parquet", "the Parquet file is damaged or cut"),
        (b"%PDF-1.7", "the file is a PDF, not a table; export it as CSV"),
        (b"What\nx\n", "no column is mapped"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    result = load(path)

    assert result.exit_code == 2
    assert reason in result.output
    assert "Traceback" not in result.output


def test_a_row_that_cannot_be_read_is_rejected_and_the_others_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('Email\na@b.c\n"d"e@b.c\nf@b.c\n"open')
    result = load(path)

    assert result.exit_code == 1
    assert "2 created, 0 updated, 2 rejected" in result.output
    assert [line.split(",")[0] for line in read(tmp_path / "people.rejects.csv")[1:]] == ["3", "5"]


def test_bytes_of_another_encoding_late_in_a_file_end_it_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = b"".join(b"p%d@example.com,Jos\xc3\xa9\n" % n for n in range(3_000))
    path.write_bytes(b"Email,First Name\n" + rows + b"last@example.com,Jos\xe9\n")
    result = load(path)

    assert result.exit_code == 1
    assert "give its --encoding" in result.output
    assert count(tmp_path) > 2_000


def test_a_key_never_updates_a_profile_that_has_the_value_in_a_related_field(
    tmp_path: Path,
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("First Name,Email,Personal Email Address\nAda,a@x.org,o@x.org\nOdo,o@x.org,\n")
    result = load(path, "--key", "email_address")

    assert "1 created, 0 updated, 1 rejected" in result.output
    ada = stored(tmp_path, "a@x.org")
    assert ada is not None
    assert ada.first_name == "Ada"


@pytest.mark.parametrize(
    "rejects", ["people.csv", "shop.db", "notes.txt", "missing/rejects.csv", "."]
)
def test_a_rejects_file_that_would_hurt_is_refused_before_anything_is_stored(
    file: Path, rejects: str
) -> None:
    (file.parent / "notes.txt").write_text("mine")
    before = file.read_bytes()
    result = load(file, "--rejects", str(file.parent / rejects))

    assert result.exit_code == 2
    assert "give another" in result.output
    assert (file.read_bytes(), (file.parent / "notes.txt").read_text()) == (before, "mine")
    assert not (file.parent / "shop.db").exists()


def test_a_column_is_left_out_by_mapping_it_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email,E-mail\na@b.c,d@e.f\n")

    assert load(path, "--map", "E-mail=").exit_code == 0
    assert stored(tmp_path, "a@b.c") is not None


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
    path.write_text("Email\n" + "".join(f"p{n}@example.com\n" for n in range(200_000)))
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
    # The signal can strike between a row's storing and its counting.
    assert any(f"interrupted after {rows} rows" in said for rows in (done, done - 1))
    path.write_text("Email\n" + "".join(f"p{n}@example.com\n" for n in range(done + 10)))
    assert load(path, "--key", "email_address").exit_code == 0
    assert count(tmp_path) == done + 10


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_delimiter_is_found(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"Mail{mark}Name\na@b.c{mark}Ada, Countess\n")
    result = load(path, "--map", "Mail=email_address")

    assert result.exit_code == 0
    assert stored(tmp_path, "a@b.c") is not None


def test_a_header_of_one_column_hints_at_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Mail^Name\na@b.c^Ada\n")
    result = load(path)

    assert result.exit_code == 2
    assert "the header is one column; if it should be several, give their --delimiter" in (
        result.output
    )


def test_a_file_without_rows_says_that_there_was_nothing_to_load(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email,First Name\n")
    result = load(path)

    assert result.exit_code == 0
    assert "nothing was loaded" in result.output


@pytest.mark.parametrize(("name", "reason"), [("gone.csv", "No such file"), (".", "Is a direct")])
def test_a_file_that_cannot_be_opened_is_one_clear_line(
    tmp_path: Path, name: str, reason: str
) -> None:
    result = load(tmp_path / name)

    assert result.exit_code == 2
    assert f"cannot be read: {reason}" in result.output


def test_a_dash_reads_the_standard_input(tmp_path: Path) -> None:
    command = [*COMMAND, "load", "-", "--domain", "shop", "--db", "shop.db"]
    rows = f"{GOOD}{'x' * 300}@example.com,Eve,,\n"
    done = subprocess.run(
        command, input=rows, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, "2 created, 0 updated, 1 rejected" in done.stdout) == (1, True)
    assert stored(tmp_path, "ada@example.com") is not None
    assert read(tmp_path / "stdin.rejects.csv")[1].startswith("4,")


@pytest.mark.parametrize("command", ["load", "demo"])
def test_the_help_breaks_its_sentences_only_where_the_terminal_does(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "250"})
    said = result.output.partition("─")[0].strip(" ╭\n").splitlines()[1:]

    assert [line for line in said if line.strip() and not line.rstrip().endswith(".")] == []


def test_ctrl_c_while_the_libraries_load_prints_no_traceback() -> None:
    code = (
        "import sys, types; from customer_profiles.cli import main\n"
        "class Stop(types.ModuleType):\n"
        "    def __getattr__(self, name): raise KeyboardInterrupt\n"
        "sys.modules['customer_profiles.cli.app'] = Stop('app'); main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (130, "")


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "customer_profiles", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == customer_profiles.__version__


def read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def wal_size(db: Path) -> int:
    wal = db.with_name(f"{db.name}-wal")
    return wal.stat().st_size if wal.exists() else 0


def test_a_killed_load_continues_with_the_first_row_that_is_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    # Every tenth row is rejected: its e-mail address is too long.
    rows = [f"{n},p{n}{'x' * 255 * (n % 10 == 9)}@example.com\n" for n in range(30_000)]
    path.write_text("account_number,email_address\n" + "".join(rows))
    command = ["load", str(path), "--domain", "shop", "--db", str(tmp_path / "shop.db")]
    kills = 0
    while kills < 4:
        running = subprocess.Popen([*COMMAND, *command], stderr=subprocess.PIPE, text=True)
        grown = wal_size(tmp_path / "shop.db") + 300_000
        while wal_size(tmp_path / "shop.db") < grown and running.poll() is None:
            time.sleep(0.005)
        time.sleep(0.05 * kills)
        running.kill()
        running.communicate()
        kills += 1
        assert count(tmp_path) <= 27_000
    result = load(path)

    assert result.exit_code == 1
    assert "continuing after line" in result.stderr
    assert "27000 created, 0 updated, 3000 rejected" in result.stdout
    assert count(tmp_path) == 27_000
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        stored = cp.domain("shop").profiles
        assert stored.search(account="29998").one().email_address == "p29998@example.com"
    rejected = (tmp_path / "people.rejects.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in rejected] == [
        "line",
        *(str(n + 2) for n in range(9, 30_000, 10)),
    ]
    again = load(path)
    assert "continuing" not in again.stderr
    assert count(tmp_path) == 54_000

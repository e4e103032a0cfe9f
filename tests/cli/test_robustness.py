"""What the commands do with odd files, odd terminals and hostile text."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app
from customer_profiles.cli.spreadsheets import guarded, unguarded

COMMAND = [sys.executable, "-m", "customer_profiles"]
HOSTILE = "Orders\x1b]0;owned\x07\x1b[2J\x9b31m\u202eexe"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with CustomerProfiles.embedded(path) as cp:
        shop = cp.domains.create("shop")
        shop.object_types.put("Zendesk-users", template_id="Zendesk-users", description=HOSTILE)
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("Email,First Name\nada@example.com,Ada\n")
    return path


CHANGING_NOTHING = [
    ["object-types", "list"],
    ["object-types", "get", "Order"],
    ["object-types", "codegen"],
    ["matches", "list"],
    ["matches", "run"],
    ["matches", "preview"],
    ["matches", "explain", "0" * 32],
    ["object-types", "delete", "Order", "--yes"],
]


@pytest.mark.parametrize("command", CHANGING_NOTHING, ids=" ".join)
def test_a_mistyped_database_is_an_error_and_creates_no_file(db: Path, command: list[str]) -> None:
    result = run(*command, "--domain", "shop", "--db", str(db.with_name("shpo.db")))

    assert result.exit_code == 2
    assert "shpo.db does not exist" in result.output
    assert "did you mean shop.db?" in result.output
    assert [path.name for path in db.parent.iterdir()] == ["shop.db"]


@pytest.mark.parametrize(
    "command",
    [
        ["object-types", "list", "--db"],
        ["load", "people.csv", "--db"],
        ["demo", "--db"],
    ],
    ids=" ".join,
)
def test_a_folder_as_database_is_an_error(
    people: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(people.parent)
    domain = [] if command[0] == "demo" else ["--domain", "shop"]
    result = run(*command, ".", *domain)

    assert result.exit_code == 2
    assert "error:" in result.output
    assert not isinstance(result.exception, OSError)


@pytest.mark.parametrize(
    "command",
    [
        ["load", ".", "--domain", "shop"],
        ["objects", "put", ".", "--domain", "shop", "--type", "Zendesk-users"],
        ["object-types", "put", ".", "--domain", "shop"],
        ["object-types", "plan", ".", "--domain", "shop"],
        ["dedupe", "."],
    ],
    ids=" ".join,
)
def test_a_folder_as_file_is_an_error(db: Path, command: list[str]) -> None:
    target = [] if command[0] == "dedupe" else ["--db", str(db)]
    result = run(*command, *target)

    assert result.exit_code == 2
    assert "error:" in result.output


def test_control_characters_of_stored_text_are_escaped(db: Path) -> None:
    listed = run("object-types", "list", "--domain", "shop", "--db", str(db)).output
    shown = run("object-types", "get", "Zendesk-users", "--domain", "shop", "--db", str(db)).output

    for output in (listed, shown):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(output)
        assert "Orders" in output


def test_codegen_of_hostile_text_is_python_without_control_characters(db: Path) -> None:
    output = run("object-types", "codegen", "--domain", "shop", "--db", str(db)).output

    compile(output, "generated.py", "exec")
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(output)


USERS_FILES = [
    "line,reason\n12,because\n",
    "line,reason,Email\n12,because,ada@example.com\n",
    "line,reasoning\nmine,mine\n",
]


@pytest.mark.parametrize("content", USERS_FILES)
def test_a_file_of_the_user_is_never_taken_for_a_rejects_file(
    db: Path, people: Path, content: str
) -> None:
    mine = people.with_name("mine.csv")
    mine.write_text(content)
    options = ["--domain", "shop", "--db", str(db), "--rejects", str(mine)]
    result = run("load", str(people), *options)

    assert result.exit_code == 2
    assert "mine.csv exists" in result.output
    assert mine.read_text() == content


def test_the_rejects_file_of_an_earlier_run_is_replaced(db: Path, people: Path) -> None:
    people.write_text("Email,First Name\nada@example.com,Ada,too many\n")
    options = ["--domain", "shop", "--db", str(db)]
    assert run("load", str(people), *options).exit_code == 1
    assert run("load", str(people), *options).exit_code == 1

    rejects = people.with_suffix(".rejects.csv").read_text()
    rows = list(csv.reader(rejects.splitlines()))
    assert len(rows) == 2


FORMULAS = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "\t=1", "\r=1"]
HARMLESS = ["+1 206 555-0100", "-12.50", "(206) 555 0100", "Ada", "", "'quoted'", "a=b", "- ", "+"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_guarded(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", HARMLESS)
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert guarded(cell) == cell
    assert unguarded(cell) == cell


def test_rejected_formulas_are_guarded_and_load_again_unguarded(db: Path, people: Path) -> None:
    people.write_text("Email,First Name\nada@example.com,=1+1,too many\n")
    options = ["--domain", "shop", "--db", str(db)]
    run("load", str(people), *options)
    rejects = people.with_suffix(".rejects.csv")
    assert "'=1+1" in rejects.read_text()

    fixed = people.with_name("fixed.csv")
    fixed.write_text(rejects.read_text().replace(",too many", ""))
    assert run("load", str(fixed), *options).exit_code == 0

    with CustomerProfiles.embedded(db) as cp:
        stored = cp.domain("shop").profiles.search(email="ada@example.com").one()
    assert stored.first_name == "=1+1"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("stream", ["1", "2"])
@pytest.mark.parametrize(
    "command",
    ["object-types list --domain shop --db shop.db", "load people.csv --domain shop --db shop.db"],
)
def test_an_output_that_cannot_be_written_is_no_traceback(
    db: Path, people: Path, command: str, stream: str
) -> None:
    done = shell(f"{sys.executable} -m customer_profiles {command} {stream}>/dev/full", db.parent)

    assert "Traceback" not in done.stdout + done.stderr
    if stream == "1":
        assert done.returncode == 2
        assert "No space left on device" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a shell of POSIX")
@pytest.mark.parametrize(
    "command",
    [
        "load - --domain shop --db shop.db",
        "objects put - --domain shop --type Zendesk-users --db shop.db",
        "object-types delete Zendesk-users --domain shop --db shop.db",
    ],
)
def test_a_closed_standard_input_is_an_error(db: Path, command: str) -> None:
    done = shell(f"{sys.executable} -m customer_profiles {command} <&-", db.parent)

    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a shell of POSIX")
def test_a_reader_that_stops_early_is_no_error_message(db: Path) -> None:
    command = f"{sys.executable} -m customer_profiles object-types codegen --domain shop"
    done = shell(f"{command} --db shop.db | true", db.parent)

    assert "Traceback" not in done.stderr

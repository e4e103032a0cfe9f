"""`customer-profiles demo`, as a newcomer runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import customer_profiles
from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app

DATA = Path(customer_profiles.__file__).parent / "cli/data"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "demo.db"


@pytest.fixture(scope="module")
def first(db: Path) -> str:
    result = CliRunner().invoke(app, ["demo", "--db", str(db)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_demo_tells_one_story_in_two_screens_of_80_columns(first: str, db: Path) -> None:
    lines = [line.replace(str(db), "demo.db") for line in first.splitlines()]

    titles = [line[:2] for line in lines if re.match(r"\d\. ", line)]
    assert titles == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
    assert len(lines) <= 56
    assert [line for line in lines if len(line) > 80 and "customer-profiles" not in line] == []


def test_files_of_four_systems_come_in(first: str) -> None:
    for system in ("the CRM", "the help desk", "the loyalty club"):
        assert re.search(rf"{system}: \d{{3}} created, \d rejected", first)
    assert re.search(r"the web shop: \d{3} orders", first)
    assert "rejected, for example crm.csv, line" in first


def test_one_customer_is_found_explained_merged_and_has_orders(first: str) -> None:
    found = re.search(r'search\(email="[^"]+"\)\n   [^:]+: CRM-(\d+), DESK-\1, CLUB-\1\n', first)

    assert found
    assert first.count(f"CRM-{found[1]}") >= 3
    assert "one match has 3 records" in first
    assert re.search(r"family name +\S.* +\+\d+\.\d\d +█+", first)
    assert re.search(r"WEB-\d{5}  2026-\d\d-\d\d +\d+\.\d\d", first)
    assert "shipping_address.city is from an Order" in first
    assert "last_name is from the profile itself" in first


def test_a_second_run_continues_with_the_database(first: str, db: Path) -> None:
    second = CliRunner().invoke(app, ["demo", "--db", str(db)], env={"COLUMNS": "80"}).output

    assert second.count("stored by an earlier run") == 3
    assert "rejected" not in second
    assert re.findall(r"CRM-\d+", second)[0] != re.findall(r"CRM-\d+", first)[0]
    merged = [int(n) for text in (first, second) for n in re.findall(r"(\d+) customers are", text)]
    assert merged[1] < merged[0]


def test_what_it_tells_to_type_next_works(first: str, db: Path) -> None:
    commands = re.findall(r"^   customer-profiles (.+)$", first, re.MULTILINE)
    assert len(commands) == 3

    for command in commands[:2]:
        result = CliRunner().invoke(app, command.split(), env={"COLUMNS": "80"})
        assert result.exit_code == 0, result.output
        assert result.output.strip()


def test_what_the_demo_keeps_is_there_for_scripts(first: str, db: Path) -> None:
    with CustomerProfiles.embedded(db) as cp:
        assert len(list(cp.domain("demo").profiles.search(account="CRM-00002"))) == 1


def test_the_export_can_be_imported(first: str, db: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    options = ["demo", "--db", str(db), "--export", str(folder)]
    result = CliRunner().invoke(app, options, env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output

    count = re.findall(r"(\d+) customers are", result.output)
    with CustomerProfiles.embedded() as cp:
        assert cp.domains.import_from(folder, "copy").counts["profiles"] == int(count[0])


def test_without_a_file_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["demo"], env={"COLUMNS": "80"})

    assert result.exit_code == 0, result.output
    assert "in memory, which ends now" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but my notes" * 50)
    result = CliRunner().invoke(app, ["demo", "--db", str(path)])

    assert result.exit_code == 2
    assert "error:" in result.output
    assert "not a database" in result.output


def test_the_shipped_files_come_from_their_generator(tmp_path: Path) -> None:
    pytest.importorskip("faker")
    tool = Path(__file__).parents[2] / "tools/make_demo_data.py"
    subprocess.run([sys.executable, str(tool), str(tmp_path)], check=True)

    # Not the names: they are those of the version of Faker.
    assert {path.name: len(path.read_bytes().splitlines()) for path in tmp_path.iterdir()} == {
        path.name: len(path.read_bytes().splitlines()) for path in DATA.iterdir()
    }


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert result.output.strip() == customer_profiles.__version__


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_the_command_says_what_to_install(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from customer_profiles.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert 'pip install "customer-profiles[cli]"' in done.stderr

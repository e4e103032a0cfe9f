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


def test_the_demo_loads_searches_and_changes_in_memory() -> None:
    result = CliRunner().invoke(app, ["demo"], env={"COLUMNS": "200"})

    assert result.exit_code == 0, result.output
    for shown in ("customers.csv", "rejected", "with other spellings", "Stored afterwards"):
        assert shown in result.output
    assert "nobody" not in result.output
    assert int(re.findall(r"(\d+) profiles in domain demo", result.output)[0]) > 1000


def test_a_second_run_continues_with_the_database(tmp_path: Path) -> None:
    db = str(tmp_path / "demo.db")
    first = CliRunner().invoke(app, ["demo", "--db", db], env={"COLUMNS": "200"})
    second = CliRunner().invoke(app, ["demo", "--db", db], env={"COLUMNS": "200"})

    created = re.findall(r"(\d+) +│ created", first.output)
    assert re.findall(r"(\d+) +│ stored by an earlier run", second.output) == created
    assert re.findall(r"(\d+) +│ created", second.output) == ["0"]
    assert re.findall(r"\d+ profiles in", first.output) == re.findall(
        r"\d+ profiles in", second.output
    )


def test_a_wrong_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but my notes" * 50)
    result = CliRunner().invoke(app, ["demo", "--db", str(path)])

    assert result.exit_code == 2
    assert "error:" in result.output
    assert "not a database" in result.output


def test_the_shipped_customers_come_from_their_generator() -> None:
    faker = pytest.importorskip("faker")
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, str(root / "tools/make_demo_customers.py")],
        capture_output=True,
        check=True,
    )
    shipped = Path(customer_profiles.__file__).parent / "cli/data/customers.csv"

    assert faker
    assert len(made.stdout.splitlines()) == len(shipped.read_bytes().splitlines())


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


def test_what_the_demo_keeps_is_there_for_scripts(tmp_path: Path) -> None:
    db = tmp_path / "demo.db"
    CliRunner().invoke(app, ["demo", "--db", str(db)])

    with CustomerProfiles.embedded(db) as cp:
        assert len(list(cp.domain("demo").profiles.search(account="CRM-00001"))) == 1

"""From a file of one's own to a customer, the duplicates, and why: two commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from customer_profiles.cli.app import app

CONTACTS = """\
Name,Given Name,Family Name,E-mail 1 - Value,Phone 1 - Value,Address 1 - City
Ada King,Ada,King,ada@acme.org,+1 206 555 0100,London
A. King,A.,KING,Ada@ACME.org,(206) 555-0100,
Robert Kerner,Robert,Kerner,bob@acme.org,206 555 0101,Tacoma
Bob Kerner,Bob,Kerner,,2065550101,Tacoma
Grace Moreau,Grace,Moreau,grace@acme.org,,Paris
"""


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("contacts.csv").write_text(CONTACTS)
    return run("load contacts.csv --domain mine --db mine.db")


def run(command: str) -> str:
    result = CliRunner().invoke(app, command.split(), env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.output


def test_what_load_tells_to_type_next_shows_a_customer_the_duplicates_and_why(loaded: str) -> None:
    (command,) = [
        line.partition("customer-profiles ")[2]
        for line in loaded.splitlines()
        if line.startswith("duplicates among them: ")
    ]
    shown = run(command)

    assert "2 matches found" in shown
    assert "email_address  ada@acme.org     Ada@ACME.org" in shown
    assert "given name           initial" in shown
    assert "% one person" in shown


def test_the_first_match_is_masked_unless_revealed(loaded: str) -> None:
    shown = run("matches run --domain mine --db mine.db")

    assert "% one person" in shown
    assert "ada@acme.org" not in shown.lower()


def test_nothing_is_shown_where_nothing_matches(loaded: str, tmp_path: Path) -> None:
    Path("one.csv").write_text("First Name,E-mail\nAda,ada@acme.org\nEve,eve@acme.org\n")
    run("load one.csv --domain other --db mine.db")

    assert "one person" not in run("matches run --domain other --db mine.db")

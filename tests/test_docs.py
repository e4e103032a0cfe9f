"""The documentation names every command and every option."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from customer_profiles.cli.app import app

PAGE = (Path(__file__).parents[1] / "docs/reference/cli.md").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_options_are_documented(name: str) -> None:
    options = [option for param in COMMANDS[name].params for option in param.opts]

    assert f"## `customer-profiles {name}" in PAGE
    assert COMMANDS[name].help
    assert [one for one in options if one.startswith("--") and f"`{one}" not in PAGE] == []

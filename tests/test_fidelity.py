"""The page of assumptions is generated from the engine's source, and is up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_fidelity_page_is_current() -> None:
    command = [sys.executable, str(ROOT / "tools/make_fidelity.py"), "--check"]
    # The message names the title, the full stop or the command that is missing.
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


PAGE = (ROOT / "docs/fidelity.md").read_text("utf-8")


@pytest.mark.parametrize("word", ["ingestion_delay", "throttle", "501", "visible at once"])
def test_the_fidelity_page_names_what_differs_by_design(word: str) -> None:
    assert word in PAGE


def test_no_heading_of_the_fidelity_page_is_a_file_name() -> None:
    headings = [line for line in PAGE.splitlines() if line.startswith("#")]
    assert [heading for heading in headings if ".py" in heading or "_" in heading] == []


def test_the_readme_names_the_delay_of_ingestion() -> None:
    assert "ingestion_delay" in (ROOT / "README.md").read_text("utf-8")

"""The page of assumptions is generated from the engine's source, and is up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_fidelity_page_is_current() -> None:
    command = [sys.executable, str(ROOT / "tools/make_fidelity.py"), "--check"]
    # The message names the title, the full stop or the command that is missing.
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr

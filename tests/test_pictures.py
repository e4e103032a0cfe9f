"""The pictures of the documentation show what the engine answers today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_pictures_of_segments_are_current() -> None:
    command = [sys.executable, str(ROOT / "tools/make_segment_pictures.py"), "--check"]
    # The message names the picture and the command that makes it.
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr

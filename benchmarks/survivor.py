"""A process that creates profiles, tells each acknowledged id, and is killed while it does."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.people import person
from customer_profiles import BatchError, CustomerProfiles

if TYPE_CHECKING:
    from pathlib import Path


def survivors(path: Path, told: int) -> tuple[int, int]:
    """Kill a creator after that many ids: how many were told in the end, and how many are kept."""
    command = [sys.executable, "-m", "benchmarks.survivor", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ids = [process.stdout.readline().strip() for _ in range(told)]
        # Somewhere in the middle of a write, not in step with the reader.
        time.sleep(random.uniform(0.01, 0.05))
        process.kill()
        # What was in the pipe when it died was told as well; a torn last line was not.
        rest = process.stdout.read()
    ids += [line.strip() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return len(ids), _kept(path, ids)


def _kept(path: Path, ids: list[str]) -> int:
    with CustomerProfiles.embedded(path) as cp:
        try:
            return len(cp.domain("shop").profiles.get_many(ids))
        except BatchError as error:
            return len(error.succeeded)


def _create_until_killed(path: str) -> None:
    with CustomerProfiles.embedded(path) as cp:
        profiles = cp.domains.create("shop", default_expiration_days=366).profiles
        for number in count():
            print(profiles.create(person(number)).profile_id, flush=True)


if __name__ == "__main__":
    _create_until_killed(sys.argv[1])

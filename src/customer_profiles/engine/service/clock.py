"""Time and new identities, injected so that a test repeats."""

from __future__ import annotations

import os
import random
import time
import uuid


class Clock:
    """The system's time, and identities that no one can guess."""

    def now(self) -> float:
        """Give the time in epoch seconds."""
        return time.time()

    def new_profile_id(self) -> str:
        """Make 32 hex digits that begin with the time, so that an index of ids grows at its end."""
        return f"{int(self.now() * 1000) & 0xFFFFFFFFFFFF:012x}{self._bytes(10).hex()}"

    def new_request_id(self) -> str:
        """Make the id that an answer over HTTP carries."""
        return str(uuid.UUID(bytes=self._bytes(16), version=4))

    def _bytes(self, size: int) -> bytes:
        return os.urandom(size)


def made_at(profile_id: bytes) -> float:
    """Give the time in epoch seconds at which a clock made an id."""
    return int.from_bytes(profile_id[:6], "big") / 1000


class ManualClock(Clock):
    """A clock that stands still until it is told to go on; its identities repeat run by run."""

    def __init__(self, now: float = 1_700_000_000.0, seed: int = 0) -> None:
        """Start at `now`, in epoch seconds."""
        self._now = now
        self._random = random.Random(seed)  # noqa: S311 - identities of tests, nothing secret

    def now(self) -> float:
        """Give the time that was set, in epoch seconds."""
        return self._now

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        self._now += days * 86_400 + seconds

    def _bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)

"""The time and new ids, from a clock that tests replace to be repeatable."""

from __future__ import annotations

import base64
import os
import random
import time
from datetime import datetime

# The version and the variant of a UUID.
_FIXED_BITS, _VERSION_4 = 0xF << 76 | 3 << 62, 4 << 76 | 2 << 62


class Clock:
    """The system's time, and random ids."""

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait, as an injected fault does that delays an answer."""
        time.sleep(seconds)

    def new_profile_id(self) -> str:
        """Return the hex digits of a UUID, which has the bits of version 4 as on AWS.

        Its first 48 bits are the time, so that an index grows at its end.
        """
        made = int(self.now() * 1000) & 0xFFFFFFFFFFFF
        return _uuid_digits(made << 80 | int.from_bytes(self._bytes(10), "big"))

    def new_answer_ids(self) -> dict[str, str]:
        """Return the headers that name an HTTP answer, in the forms of API Gateway and X-Ray."""
        random_bytes = self._bytes(16)
        digits = _uuid_digits(int.from_bytes(random_bytes, "big"))
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return {
            "x-amzn-requestid": "-".join(parts),
            "x-amz-apigw-id": base64.b64encode(random_bytes[:11]).decode(),
            "x-amzn-trace-id": f"Root=1-{int(self.now()):08x}-{random_bytes[4:].hex()}",
        }

    def _bytes(self, size: int) -> bytes:
        return os.urandom(size)


def _uuid_digits(bits: int) -> str:
    """Return the hex digits of a UUID of version 4 with these bits; `uuid.UUID` takes longer."""
    return f"{bits & ~_FIXED_BITS | _VERSION_4:032x}"


def made_at(profile_id: bytes) -> float:
    """Return the time in epoch seconds at which a profile id was made."""
    return int.from_bytes(profile_id[:6], "big") / 1000


class ManualClock(Clock):
    """A clock that changes only when it is advanced, with the same ids in every run."""

    def __init__(self, now: float = 1_700_000_000.0, seed: int = 0) -> None:
        """Start at `now`, in epoch seconds."""
        self._now = now
        self._random = random.Random(seed)  # noqa: S311 - ids for tests, no secrets

    def now(self) -> float:
        """Return the time that was set, in epoch seconds."""
        return self._now

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        """Advance the time."""
        self._now += days * 86_400 + seconds

    def move_to(self, moment: float | datetime) -> None:
        """Set the time, in epoch seconds or as a datetime with a time zone.

        Raises:
            ValueError: the datetime has no time zone.
        """
        if isinstance(moment, datetime):
            if moment.tzinfo is None:
                message = "the datetime needs a time zone, such as tzinfo=datetime.UTC"
                raise ValueError(message)
            moment = moment.timestamp()
        self._now = float(moment)

    def sleep(self, seconds: float) -> None:
        """Advance the time, without waiting."""
        self.advance(seconds=seconds)

    def _bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)


class FreezableClock(ManualClock):
    """The system's time until it is frozen; then it changes only when it is advanced."""

    def __init__(self, seed: int = 0) -> None:
        """Start with the time of the system."""
        super().__init__(seed=seed)
        self._is_frozen = False
        self._ahead = 0.0

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._now if self._is_frozen else time.time() + self._ahead

    def freeze(self) -> None:
        """Stop the time, and make ids that are the same in every run."""
        self._now = self.now()
        self._is_frozen = True

    def thaw(self) -> None:
        """Let the time run again; it does not go back to what it was."""
        self._ahead = max(self._ahead, self._now - time.time())
        self._is_frozen = False

    def sleep(self, seconds: float) -> None:
        """Wait, or advance a frozen time."""
        if self._is_frozen:
            self.advance(seconds=seconds)
        else:
            time.sleep(seconds)

    def _bytes(self, size: int) -> bytes:
        return super()._bytes(size) if self._is_frozen else os.urandom(size)

"""The log of a server's requests, as JSON or as text, without any value of a customer."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TextIO

_MOST_WAITING = 10_000
_PAUSE = 0.1


class Entry(NamedTuple):
    """What is logged of a request: no path, query or body, which have values of customers."""

    time: float
    method: str
    operation: str
    """The operation; `-` if the path is not one of the service's."""
    status: int
    milliseconds: float
    request_id: str
    error: str | None = None
    """The code of a refusal."""


class AccessLog:
    """Writes entries by a thread of its own, so that a reader that is slow delays no request.

    If the reader falls behind by more than 10,000 entries, the oldest are dropped.
    """

    def __init__(self, stream: TextIO, *, as_json: bool = False) -> None:
        """Write to a stream, one line a request."""
        self._stream = stream
        self._format = _as_json if as_json else _as_text
        self._waiting: deque[Entry] = deque(maxlen=_MOST_WAITING)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Log a request."""
        self._waiting.append(entry)

    def close(self) -> None:
        """Write what is waiting; a reader that does not read it is not waited for long."""
        self._closing.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        # A reader that has gone ends the log, not the server.
        with suppress(OSError, ValueError):
            while True:
                is_last = self._closing.wait(_PAUSE)
                lines: list[str] = []
                while self._waiting:
                    lines.append(self._format(self._waiting.popleft()))
                if lines:
                    self._stream.write("".join(lines))
                    self._stream.flush()
                if is_last:
                    return


def _as_json(entry: Entry) -> str:
    members = entry._asdict() | {"time": _iso(entry.time)}
    if entry.error is None:
        del members["error"]
    return f"{json.dumps(members)}\n"


def _as_text(entry: Entry) -> str:
    error = f" {entry.error}" if entry.error else ""
    return (
        f"{_iso(entry.time)} {entry.method} {entry.operation} {entry.status}{error} "
        f"{entry.milliseconds:.1f}ms {entry.request_id}\n"
    )


def _iso(seconds: float) -> str:
    return (
        f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{int(seconds * 1000) % 1000:03}Z"
    )

"""Put the lines of a file as objects, with concurrent requests and a resumable position."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles.repositories import bulk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from customer_profiles import JsonObject, ProfileObjects, PutResult
    from customer_profiles.files import Table

    from .loading import Rejects

# On AWS, ten requests: enough to keep a worker busy, and few to repeat after an interruption.
_AT_ONCE, _AT_ONCE_EMBEDDED = 100, 2_000


class Line(NamedTuple):
    """A line of the file."""

    number: int
    text: str
    """The object as JSON, or the line itself if it cannot be read."""
    position: int
    """The number of bytes read up to the end of the line."""
    problem: str = ""
    """The reason why the line could not be read."""


class Done(NamedTuple):
    """The progress of an earlier run."""

    line: int
    stored: int
    rejected: int
    rejects_size: int


@dataclass(frozen=True)
class Progress:
    """The progress of a run, stored in a small file beside the file of objects."""

    file: Path
    domain: str
    object_type: str
    target: str

    @property
    def path(self) -> Path:
        """The path of the progress file."""
        return self.file.with_name(f"{self.file.name}.progress.json")

    def read(self) -> Done | None:
        """Return the progress of an interrupted run with the same file, domain and object type."""
        try:
            stored = json.loads(self.path.read_text("utf-8"))
            return Done(**stored["done"]) if stored["run"] == self._run() else None
        except (OSError, ValueError, KeyError, TypeError):
            # No run was interrupted, or the file is not a progress file.
            return None

    def write(self, done: Done) -> None:
        """Replace the progress file atomically."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.write_text(json.dumps({"run": self._run(), "done": done._asdict()}), "utf-8")
        fresh.replace(self.path)

    def delete(self) -> None:
        """Delete the progress file when the run is complete."""
        self.path.unlink(missing_ok=True)

    def _run(self) -> dict[str, Any]:
        stat = self.file.stat()
        run = asdict(self) | {"size": stat.st_size, "modified": stat.st_mtime_ns}
        return run | {"file": self.file.name}


def lines_of(table: Table) -> Iterator[Line]:
    """Yield the rows of a file as JSON objects; the service validates them."""
    for number, text, problem in table.objects():
        yield Line(number, text, table.position, problem)


class Run:
    """One run of the command: it puts batches, and records their results in the file's order."""

    def __init__(
        self,
        objects: ProfileObjects[JsonObject],
        rejects: Rejects,
        progress: Progress | None,
        *,
        report: Callable[[int], object] = lambda _position: None,
        done: Done | None = None,
    ) -> None:
        self._objects, self._rejects = objects, rejects
        self._progress, self._report = progress, report
        start = done or Done(0, 0, 0, 0)
        self.line: int = start.line
        self.stored: int = start.stored
        self.rejected: int = start.rejected
        self.interrupted: bool = False

    @property
    def can_resume(self) -> bool:
        """Whether the same command can continue an interrupted run."""
        return self._progress is not None

    def put(self, lines: Iterator[Line], jobs: int) -> None:
        """Put all lines, with `jobs` concurrent requests.

        Raises:
            CustomerProfilesError: a request failed as a whole; the progress before it is stored.
        """
        waiting: deque[tuple[Sequence[Line], Future[list[PutResult[JsonObject]]]]] = deque()
        is_embedded = bulk.engine_of(self._objects._gateway) is not None
        most = _AT_ONCE_EMBEDDED if is_embedded else _AT_ONCE
        with ThreadPoolExecutor(jobs) as workers:
            try:
                for batch in bulk.chunks(lines, most, size=lambda line: len(line.text)):
                    texts = [line.text for line in batch if not line.problem]
                    waiting.append((batch, workers.submit(self._send, texts)))
                    if len(waiting) > jobs:
                        self._record(*waiting.popleft())
                while waiting:
                    self._record(*waiting.popleft())
            except KeyboardInterrupt:
                self.interrupted = True
            finally:
                for _, future in waiting:
                    future.cancel()
                self._rejects.close()
        if not self.interrupted and self._progress is not None:
            self._progress.delete()

    def _send(self, texts: Sequence[str]) -> list[PutResult[JsonObject]]:
        return list(self._objects.put_each(texts))

    def _record(self, batch: Sequence[Line], future: Future[list[PutResult[JsonObject]]]) -> None:
        results = iter(future.result())
        for line in batch:
            reason = line.problem
            if not reason and (error := next(results).error) is not None:
                # The service's message, or ours for an object that was not sent.
                message = getattr(error, "message", str(error))
                reason = message.rpartition(" was not sent: ")[2]
            if reason:
                self._rejects.add(line.number, reason, [line.text])
            self.rejected += bool(reason)
            self.stored += not reason
        self.line = batch[-1].number
        if self._progress is not None:
            done = Done(self.line, self.stored, self.rejected, self._rejects.size)
            self._progress.write(done)
        self._report(batch[-1].position)

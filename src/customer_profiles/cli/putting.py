"""Putting the lines of a file as objects, several requests at once, so that it can go on later."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from customer_profiles import InvalidInputError

from .records import CsvFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from customer_profiles import JsonObject, ProfileObjects, PutResult

    from .loading import Rejects

# Ten requests' worth: enough to keep a worker busy, little to do again after an interruption.
_AT_ONCE = 100


class Line(NamedTuple):
    """A line of the file."""

    number: int
    text: str
    """The object as JSON, or the line itself where it is none."""
    position: int
    """How many bytes have been read with it."""
    problem: str = ""
    """Why it could not be read."""


class Done(NamedTuple):
    """How far an earlier run came."""

    line: int
    stored: int
    rejected: int
    rejects_size: int


@dataclass(frozen=True)
class Progress:
    """A small file beside the objects' file that says how far its objects are put."""

    file: Path
    domain: str
    object_type: str
    target: str

    @property
    def path(self) -> Path:
        """The file's path."""
        return self.file.with_name(f"{self.file.name}.progress.json")

    def read(self) -> Done | None:
        """Give how far an earlier run of the same file, domain and object type came."""
        try:
            noted = json.loads(self.path.read_text("utf-8"))
            return Done(**noted["done"]) if noted["run"] == self._run() else None
        except (OSError, ValueError, KeyError, TypeError):
            # None was interrupted, or what is there is not ours to go on from.
            return None

    def write(self, done: Done) -> None:
        """Note how far the run came; a reader sees the earlier note or this one whole."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.write_text(json.dumps({"run": self._run(), "done": done._asdict()}), "utf-8")
        fresh.replace(self.path)

    def forget(self) -> None:
        """Take the note away: the run is over."""
        self.path.unlink(missing_ok=True)

    def _run(self) -> dict[str, Any]:
        stat = self.file.stat()
        run = asdict(self) | {"size": stat.st_size, "modified": stat.st_mtime_ns}
        return run | {"file": self.file.name}


def json_lines(raw: IO[bytes], *, delimiter: str, encoding: str) -> Iterator[Line]:
    """Give the lines that hold anything; what each is worth, the service knows."""
    del delimiter
    position = 0
    for number, line in enumerate(raw, 1):
        position += len(line)
        try:
            text = line.decode(encoding if number == 1 else encoding.removesuffix("-sig")).strip()
        except UnicodeDecodeError:
            kept = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            yield Line(number, kept, position, f"the line is not {encoding}")
            continue
        except LookupError as error:
            msg = f"there is no encoding {encoding!r}; give one such as utf-8 or cp1252"
            raise InvalidInputError(msg) from error
        if text:
            yield Line(number, text, position)


def csv_lines(raw: IO[bytes], *, delimiter: str, encoding: str) -> Iterator[Line]:
    """Give each row as an object whose members are the columns; empty cells are left out."""
    source = CsvFile(raw, delimiter=delimiter, encoding=encoding)
    columns = source.header
    for number, cells, problem in source.rows():
        text, reason = json.dumps(cells, ensure_ascii=False), problem
        if not problem and len(cells) != len(columns):
            reason = f"the row has {len(cells)} columns, the header has {len(columns)}"
        if not reason:
            row = {name: cell for name, cell in zip(columns, cells, strict=True) if name and cell}
            text = json.dumps(row, ensure_ascii=False)
        yield Line(number, text, source.position, reason)
    source.release()


class Run:
    """One run of the command: it puts batches, and deals with them in the file's order."""

    def __init__(
        self,
        objects: ProfileObjects[JsonObject],
        rejects: Rejects,
        notes: Progress | None,
        *,
        report: Callable[[int], object] = lambda _position: None,
        done: Done | None = None,
    ) -> None:
        self._objects, self._rejects, self._notes, self._report = objects, rejects, notes, report
        begun = done or Done(0, 0, 0, 0)
        self.line: int = begun.line
        self.stored: int = begun.stored
        self.rejected: int = begun.rejected
        self.interrupted: bool = False

    @property
    def can_go_on(self) -> bool:
        """Whether the run can be taken up again."""
        return self._notes is not None

    def put(self, lines: Iterator[Line], jobs: int) -> None:
        """Put all lines, with as many requests at once as there are jobs.

        Raises:
            CustomerProfilesError: a request failed as a whole; what was put before is noted.
        """
        waiting: deque[tuple[Sequence[Line], Future[list[PutResult[JsonObject]]]]] = deque()
        with ThreadPoolExecutor(jobs) as workers:
            try:
                while batch := list(islice(lines, _AT_ONCE)):
                    texts = [line.text for line in batch if not line.problem]
                    waiting.append((batch, workers.submit(self._send, texts)))
                    if len(waiting) > jobs:
                        self._settle(*waiting.popleft())
                while waiting:
                    self._settle(*waiting.popleft())
            except KeyboardInterrupt:
                self.interrupted = True
            finally:
                for _, future in waiting:
                    future.cancel()
                self._rejects.close()
        if not self.interrupted and self._notes is not None:
            self._notes.forget()

    def _send(self, texts: Sequence[str]) -> list[PutResult[JsonObject]]:
        return list(self._objects.put_each(texts))

    def _settle(self, batch: Sequence[Line], future: Future[list[PutResult[JsonObject]]]) -> None:
        results = iter(future.result())
        for line in batch:
            reason = line.problem
            if not reason and (error := next(results).error) is not None:
                # The service's own words, or ours for what was not sent.
                said = getattr(error, "message", str(error))
                reason = said.rpartition(" was not sent: ")[2]
            if reason:
                self._rejects.add(line.number, reason, [line.text])
            self.rejected += bool(reason)
            self.stored += not reason
        self.line = batch[-1].number
        if self._notes is not None:
            done = Done(self.line, self.stored, self.rejected, self._rejects.size)
            self._notes.write(done)
        self._report(batch[-1].position)

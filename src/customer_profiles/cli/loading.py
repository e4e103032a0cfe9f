"""Store the rows of a file in a domain; rejected rows go to a file with the reason."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from customer_profiles import (
    BadRequestError,
    CustomerProfilesError,
    InvalidInputError,
    MultipleResultsError,
)
from customer_profiles.repositories import bulk

from .spreadsheets import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from customer_profiles import ProfileFields, Profiles
    from customer_profiles.repositories.bulk import CreateResult, Key

    from .records import Left, Record

KEYS: tuple[str, ...] = tuple(bulk.KEYS)
"""The fields that can identify a customer."""


@dataclass
class Tally:
    """The numbers of rows by outcome."""

    created: int = 0
    updated: int = 0
    kept: int = 0
    rejected: int = 0
    interrupted: bool = False

    @property
    def rows(self) -> int:
        """The number of rows that were processed."""
        return self.created + self.updated + self.kept + self.rejected


class Rejects:
    """A CSV file of rejected rows, created with the first one."""

    def __init__(self, path: Path | None, header: list[str]) -> None:
        self.path: Path | None = path
        self._header = ["line", "reason", *header]
        self._file: TextIO | None = None
        self.first: list[tuple[int, str]] = []
        self._writer: Any = None

    def check(self, used: Collection[Path], keep: int = 0) -> None:
        """Check, before anything is stored, that the file can be written and replaces no other.

        The rejects file of an earlier run is truncated to `keep` bytes, which are more than 0
        when this run continues that one.

        Raises:
            InvalidInputError: the path is an input, no rejects file, or in no folder.
        """
        path = self.path
        if path is None:
            return
        if path.resolve() in {other.resolve() for other in used}:
            msg = f"the rejects file {path} is an input of this command; give another --rejects"
            raise InvalidInputError(msg)
        try:
            is_ours = not path.exists() or self._is_rejects_file(path)
            if is_ours:
                with path.open("a") as file:
                    file.truncate(keep)
                if not keep:
                    path.unlink()
        except OSError as error:
            msg = f"the rejects file {path} cannot be written: {error.strerror}; give another"
            raise InvalidInputError(msg) from error
        if not is_ours:
            msg = f"{path} exists and holds no rejects of this file; give another --rejects"
            raise InvalidInputError(msg)

    def _is_rejects_file(self, path: Path) -> bool:
        with path.open(newline="", encoding="utf-8") as file:
            try:
                return next(csv.reader(file), []) == self._header
            except (UnicodeDecodeError, csv.Error):
                return False

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self.path.stat().st_size if self.path is not None and self.path.exists() else 0

    def keep(self, size: int) -> None:
        """Remove what an earlier run wrote after the file had a size."""
        if self.path is not None and self.path.exists():
            if size:
                with self.path.open("a") as file:
                    file.truncate(size)
            else:
                self.path.unlink()

    def rewind(self, size: int, first: list[tuple[int, str]]) -> None:
        """Remove the rows that this run wrote after the file had a size."""
        self.first = first
        if self._file is not None and self.size > size:
            self._file.flush()
            self._file.truncate(size)
            if not size:
                self._writer.writerow(self._header)

    def add(self, line: int, reason: str, cells: Sequence[str]) -> None:
        """Write a row with its line number and the reason."""
        self.first = [*self.first, (line, reason)][:5]
        if self.path is None:
            return
        if self._file is None:
            # Line-buffered: a process that is killed must not lose rejected rows.
            is_new = not self.path.exists()
            self._file = self.path.open("a", newline="", encoding="utf-8", buffering=1)
            self._writer = csv.writer(self._file)
            if is_new:
                self._writer.writerow(self._header)
        self._writer.writerow([line, guarded(reason), *map(guarded, cells)])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class LeftOut:
    """The values that are not loaded: a file of them, and how many of each column and reason."""

    def __init__(self, file: Rejects) -> None:
        self.file: Rejects = file
        self.counts: dict[tuple[str, str], int] = {}
        self.lines: dict[tuple[str, str], int] = {}
        """The first line of each."""

    def add(self, line: int, values: Iterable[Left]) -> None:
        """Record the values of a row."""
        for column, value, reason, _ in values:
            key = column, reason
            self.counts[key] = self.counts.get(key, 0) + 1
            self.lines.setdefault(key, line)
            self.file.add(line, reason, [column, value])

    def rewind(self, size: int, counts: dict[tuple[str, str], int]) -> None:
        """Remove the values that were recorded after the file had a size, with these counts."""
        self.file.rewind(size, [])
        self.counts = dict(counts)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


@dataclass
class _Progress:
    """What is stored, and what the rejects file tells about it."""

    line: int = 0
    rejects_size: int = 0
    left_size: int = 0
    tally: Tally = field(default_factory=Tally)
    first: list[tuple[int, str]] = field(default_factory=list)
    """The first rejects of this run."""
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """The counts of the values that this run has not loaded."""

    @classmethod
    def of(cls, position: dict[str, Any] | None) -> _Progress:
        """Read a stored position."""
        if position is None:
            return cls()
        tally = Tally(**position["tally"])
        sizes = position["rejects_size"], position["left_size"]
        return cls(position["line"], *sizes, tally)


@dataclass
class Load:
    """A load of a file's rows into a domain.

    The embedded engine stores how far the load is, together with the profiles. So a load that was
    interrupted, or killed, continues after the last row that is stored.
    """

    profiles: Profiles
    rejects: Rejects
    name: str
    """What identifies the file and the options."""
    left: LeftOut | None = None
    """Collects the values that are not loaded."""
    key: Key | None = None
    """The field that identifies a stored profile; None creates a profile for each row."""
    keep_stored: bool = False
    """Keep stored profiles as they are, instead of updating them."""
    in_columns: Callable[[str], str] = str
    """Returns a message with the names of columns instead of fields."""
    report: Callable[[Tally], object] = bool
    """Is called with the tally from time to time."""

    def __post_init__(self) -> None:
        """Read how far an interrupted load of the same name is."""
        self._has_position = bulk.engine_of(self.profiles._gateway) is not None
        self._stored = self._read()
        self._written: _Progress | None = None

    @property
    def line(self) -> int:
        """The line of the last row that is stored; 0 if none is."""
        return self._stored.line

    @property
    def can_continue(self) -> bool:
        """Whether the same load can continue after an interruption."""
        return self._has_position

    def restart(self) -> None:
        """Forget that an earlier load was interrupted."""
        if self.line:
            bulk.end_load(self.profiles, self.name)
        self._stored = _Progress()

    def run(self, records: Iterable[Record]) -> Tally:
        """Store the rows that no earlier run has stored."""
        self.rejects.keep(self._stored.rejects_size)
        if self.left is not None:
            self.left.file.keep(self._stored.left_size)
        begin = self._stored.line
        try:
            for result in self._results(record for record in records if record.line > begin):
                if not self._has_position:
                    self._note([result])
                if self._written is not None:
                    self._stored, self._written = self._written, None
                    self.report(self._stored.tally)
        except KeyboardInterrupt:
            self._stored = replace(self._read() if self._has_position else self._stored)
            self._stored.tally.interrupted = True
        finally:
            self._rewind()
            self.rejects.close()
            if self.left is not None:
                self.left.close()
        if self._has_position and not self._stored.tally.interrupted:
            bulk.end_load(self.profiles, self.name)
        return self._stored.tally

    def _read(self) -> _Progress:
        """Read what is stored; the first rejects are those of this run."""
        return _Progress.of(bulk.load_position(self.profiles, self.name))

    def _rewind(self) -> None:
        """Remove what the files tell about rows that are not stored."""
        stored = self._stored
        self.rejects.rewind(stored.rejects_size, stored.first or self.rejects.first)
        if self.left is not None:
            self.left.rewind(stored.left_size, stored.counts or self.left.counts)

    def _results(self, records: Iterable[Record]) -> Iterable[CreateResult[Record]]:
        checkpoint = bulk.Checkpoint(self.name, self._note)
        if self.key is None:
            return bulk.create_many(
                self.profiles, records, fields_of=self._fields, checkpoint=checkpoint
            )
        return bulk.upsert_many(
            self.profiles,
            records,
            self.key,
            keep_stored=self.keep_stored,
            fields_of=self._fields,
            checkpoint=checkpoint,
        )

    def _fields(self, record: Record) -> ProfileFields:
        if record.problem:
            raise InvalidInputError(record.problem)
        if not record.fields:
            msg = "the row has no value in any mapped column"
            raise InvalidInputError(msg)
        if self.key is not None and self.key not in record.fields:
            reason = next((value.reason for value in record.left), "")
            msg = f"{self.key} is empty, but --key needs it{f' ({reason})' if reason else ''}"
            raise InvalidInputError(msg)
        return record.fields

    def _note(self, results: Sequence[CreateResult[Any]]) -> dict[str, Any]:
        """Count results and write rejected rows, before the results are committed."""
        done = self._stored
        if self._has_position:
            # A transaction that is repeated comes here again.
            self.rejects.rewind(done.rejects_size, done.first)
            if self.left is not None:
                self.left.rewind(done.left_size, done.counts)
        tally = replace(done.tally)
        for result in results:
            outcome: str = result.outcome
            if result.error is not None:
                self._reject(result.item, result.error)
                tally.rejected += 1
                continue
            setattr(tally, outcome, getattr(tally, outcome) + 1)
            if self.left is not None and result.item.left:
                self.left.add(result.item.line, result.item.left)
        line = results[-1].item.line if results else done.line
        left, counts = (self.left.file.size, self.left.counts) if self.left else (0, {})
        self._written = _Progress(
            line, self.rejects.size, left, tally, self.rejects.first, dict(counts)
        )
        return {
            "line": line,
            "rejects_size": self._written.rejects_size,
            "left_size": left,
            "tally": asdict(tally),
        }

    def _reject(self, record: Record, error: CustomerProfilesError) -> None:
        if not isinstance(error, (InvalidInputError, BadRequestError, MultipleResultsError)):
            raise error
        # The cells follow the line's number and the reason, so a row may be cut or long.
        reason = record.problem or self.in_columns(str(error))
        self.rejects.add(record.line, reason, record.cells)

"""Store the rows of a file in a domain; rejected rows go to a file with the reason."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from customer_profiles import BadRequestError, InvalidInputError, MultipleResultsError

from .spreadsheets import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from customer_profiles import Profile, ProfileFields, Profiles

    from .records import Left, Mapping, Record

_SEVERAL, _NATIONAL = 10, 10
KEYS = {"account_number": "account", "email_address": "email", "phone_number": "phone"}
"""The fields that can identify a customer, and the search key of each."""


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

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def load_rows(  # noqa: PLR0913  (all but three are options)
    records: Iterable[Record],
    mapping: Mapping,
    profiles: Profiles,
    rejects: Rejects,
    *,
    left: LeftOut | None = None,
    key: str | None = None,
    keep_stored: bool = False,
    report: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Store each row as a profile, one by one, so that an interruption loses no stored row.

    Args:
        records: the customers of the file's rows.
        mapping: the fields of the columns.
        profiles: the profiles of the domain.
        rejects: the file for rejected rows.
        left: collects the values that are not loaded.
        key: the field that identifies a stored profile; None creates a profile for each row.
        keep_stored: keep stored profiles as they are, instead of updating them.
        report: called with the tally after each row.
    """
    tally = Tally()
    try:
        for record in records:
            try:
                if record.problem:
                    raise InvalidInputError(record.problem)  # noqa: TRY301  (handled as the other errors of a row)
                outcome = _store(record, profiles, key, keep_stored=keep_stored)
            except (InvalidInputError, BadRequestError, MultipleResultsError) as error:
                # The cells follow the line's number and the reason, so a row may be cut or long.
                reason = record.problem or mapping.in_columns(str(error))
                rejects.add(record.line, reason, record.cells)
                outcome = "rejected"
            else:
                if left is not None and record.left:
                    left.add(record.line, record.left)
            setattr(tally, outcome, getattr(tally, outcome) + 1)
            report(tally)
    except KeyboardInterrupt:
        tally.interrupted = True
    finally:
        rejects.close()
        if left is not None:
            left.close()
    return tally


def _store(record: Record, profiles: Profiles, key: str | None, *, keep_stored: bool) -> str:
    fields: ProfileFields = record.fields
    if key is not None:
        if key not in fields:
            reason = next((value.reason for value in record.left if value.field == key), "")
            msg = f"{key} is empty, but --key needs it{f' ({reason})' if reason else ''}"
            raise InvalidInputError(msg)
        keys: Any = {KEYS[key]: dict(fields)[key]}
        found = list(profiles.search(**keys, limit=_SEVERAL))
        same = [profile for profile in found if _has_value(profile, key, dict(fields)[key])]
        if found and len(same) != 1:
            msg = f"{len(found)} stored profiles have this {key}, in that field or a related one"
            raise MultipleResultsError(msg)
        if same and keep_stored:
            return "kept"
        if same:
            profiles.update(same[0].profile_id, **fields)
            return "updated"
    profiles.create(**fields)
    return "created"


def _has_value(profile: Profile, field: str, value: Any) -> bool:
    """Return whether the field itself has the value: a search key covers related fields too."""
    stored = getattr(profile, field)
    return bool(stored) and _normalized(field, stored) == _normalized(field, value)


def _normalized(field: str, value: str) -> str:
    if field == "phone_number":
        return "".join(filter(str.isdigit, value))[-_NATIONAL:]
    return value.strip().casefold() if field == "email_address" else value

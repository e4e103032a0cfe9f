"""Putting the rows of a file into a domain; what it cannot take is kept aside, with the reason."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from customer_profiles import BadRequestError, InvalidInputError, MultipleResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from customer_profiles import Profile, ProfileFields, Profiles

    from .records import CsvFile, Mapping

_HEAD = b"line,reason"
_SEVERAL, _NATIONAL = 10, 10
KEYS = {"account_number": "account", "email_address": "email", "phone_number": "phone"}
"""The fields that can tell whether a row is stored already, and the search key of each."""


@dataclass
class Tally:
    """What became of the rows."""

    created: int = 0
    updated: int = 0
    kept: int = 0
    rejected: int = 0
    interrupted: bool = False

    @property
    def rows(self) -> int:
        """How many rows were dealt with."""
        return self.created + self.updated + self.kept + self.rejected


class Rejects:
    """A CSV file of rejected rows, which is made when the first one comes."""

    def __init__(self, path: Path | None, header: list[str]) -> None:
        self.path: Path | None = path
        self._header = header
        self._file: TextIO | None = None
        self.first: list[tuple[int, str]] = []
        self._writer: Any = None

    def check(self, used: Collection[Path], keep: int = 0) -> None:
        """Make sure, before anything is stored, that the file can be written and hurts no other.

        An earlier rejects file is taken away, as it speaks of an earlier run, but for as many
        bytes of it as are to be kept, because this run goes on where that one stopped.

        Raises:
            InvalidInputError: it is one of the files in use, some other file, or has no folder.
        """
        path = self.path
        if path is None:
            return
        if path.resolve() in {other.resolve() for other in used}:
            msg = f"the rejects file {path} is in use here; give another --rejects"
            raise InvalidInputError(msg)
        try:
            ours = not path.exists() or _begins(path)
            if ours:
                with path.open("a") as file:
                    file.truncate(keep)
                if not keep:
                    path.unlink()
        except OSError as error:
            msg = f"the rejects file {path} cannot be written: {error.strerror}; give another"
            raise InvalidInputError(msg) from error
        if not ours:
            msg = f"{path} is there and no rejects file; move it, or give another --rejects"
            raise InvalidInputError(msg)

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self.path.stat().st_size if self.path is not None and self.path.exists() else 0

    def add(self, line: int, reason: str, cells: list[str]) -> None:
        """Keep a row with its line and the reason."""
        self.first = [*self.first, (line, reason)][:5]
        if self.path is None:
            return
        if self._file is None:
            # By lines: a process that is ended must not take rejected rows with it.
            is_new = not self.path.exists()
            self._file = self.path.open("a", newline="", encoding="utf-8", buffering=1)
            self._writer = csv.writer(self._file)
            if is_new:
                self._writer.writerow(["line", "reason", *self._header])
        self._writer.writerow([line, reason, *cells])

    def close(self) -> None:
        """Write out what is held."""
        if self._file is not None:
            self._file.close()


def _begins(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HEAD)) == _HEAD


def load_rows(  # noqa: PLR0913  (what, where to, how, and whom to tell)
    source: CsvFile,
    mapping: Mapping,
    profiles: Profiles,
    rejects: Rejects,
    *,
    key: str | None = None,
    keep_stored: bool = False,
    report: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Store each row as a profile, one by one, so that an interruption loses nothing.

    Args:
        source: the file.
        mapping: which column goes into which field.
        profiles: where to store.
        rejects: what takes the rows that cannot be stored.
        key: the field that tells whether a row is stored already; None always creates.
        keep_stored: leave what is stored already as it is, instead of updating it.
        report: is told after each row.
    """
    tally = Tally()
    try:
        for line, cells, problem in source.rows():
            try:
                if problem:
                    raise InvalidInputError(problem)  # noqa: TRY301  (a row like any other)
                outcome = _store(mapping.fields(cells), profiles, key, keep_stored=keep_stored)
            except (InvalidInputError, BadRequestError, MultipleResultsError) as error:
                rejects.add(line, mapping.in_columns(str(error)), cells)
                outcome = "rejected"
            setattr(tally, outcome, getattr(tally, outcome) + 1)
            report(tally)
    except KeyboardInterrupt:
        tally.interrupted = True
    finally:
        rejects.close()
    return tally


def _store(fields: ProfileFields, profiles: Profiles, key: str | None, *, keep_stored: bool) -> str:
    if not fields:
        msg = "the row has no value in any column that is loaded"
        raise InvalidInputError(msg)
    if key is not None:
        if key not in fields:
            msg = f"{key} is empty, and it is the key"
            raise InvalidInputError(msg)
        keys: Any = {KEYS[key]: dict(fields)[key]}
        found = list(profiles.search(**keys, limit=_SEVERAL))
        same = [profile for profile in found if _has(profile, key, dict(fields)[key])]
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


def _has(profile: Profile, field: str, value: Any) -> bool:
    """Say whether a profile has the value in this field: a key looks into related ones too."""
    stored = getattr(profile, field)
    return bool(stored) and _plain(field, stored) == _plain(field, value)


def _plain(field: str, value: str) -> str:
    if field == "phone_number":
        return "".join(filter(str.isdigit, value))[-_NATIONAL:]
    return value.strip().casefold() if field == "email_address" else value

"""Putting the rows of a file into a domain; what it cannot take is kept aside, with the reason."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from customer_profiles import BadRequestError, InvalidInputError, MultipleResultsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from customer_profiles import ProfileFields, Profiles
    from customer_profiles.cli.records import CsvFile, Mapping

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
        self.path, self._header = path, header
        self._file: TextIO | None = None
        self.first: list[tuple[int, str]] = []
        self._writer: Any = None

    def add(self, line: int, reason: str, cells: list[str]) -> None:
        """Keep a row with its line and the reason."""
        self.first = [*self.first, (line, reason)][:5]
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["line", "reason", *self._header])
        self._writer.writerow([line, reason, *cells])

    def close(self) -> None:
        """Write out what is held."""
        if self._file is not None:
            self._file.close()


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
        for line, cells in source.rows():
            try:
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
        found = profiles.find_or_create(defaults=fields, **keys)
        if found.created:
            return "created"
        if keep_stored:
            return "kept"
        profiles.update(found.profile.profile_id, **fields)
        return "updated"
    profiles.create(**fields)
    return "created"

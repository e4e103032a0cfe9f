"""Reading the files of a segment's snapshot as profiles."""

from __future__ import annotations

import csv
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pydantic import ValidationError

from customer_profiles import _wire
from customer_profiles._hints import extras
from customer_profiles._results import Results
from customer_profiles.errors import InvalidInputError, UnreadableAnswerError
from customer_profiles.models.profile import Profile

from .base import reasons_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from customer_profiles._wire import Wire
    from customer_profiles.channels.s3 import Folder

    from .profiles import Profiles

_ID = "profileid"
_END = object()
_ENDINGS = {"CSV": ".csv", "JSONL": ".jsonl", "ORC": ".orc"}


class SnapshotProfiles(Results[Profile]):
    """The profiles in the files of a snapshot; each iteration reads the files again.

    Nothing is read before the first profile is needed, and an abandoned iteration reads no more.
    The profiles are as they were when the snapshot was made. `refresh()` reads one again, and
    `save()` sends what you changed.
    """

    def __init__(
        self, folder: Folder, snapshot_id: str, data_format: str, profiles: Profiles
    ) -> None:
        super().__init__(no_pages, model=Profile)
        self._folder, self._snapshot_id, self._format = folder, snapshot_id, data_format
        self._profiles = profiles

    def _pages(self, limit: int | None) -> Iterator[list[Profile]]:
        left = self._page_size if limit is None else limit
        for rows in self._files():
            while page := [self._read(wire) for wire in islice(rows, min(left, self._page_size))]:
                yield page
                left -= 0 if limit is None else len(page)

    def _read(self, wire: Wire) -> Profile:
        try:
            profile = Profile._from_wire(wire)
        except ValidationError as error:
            msg = f"a file in {self._folder.uri} has a row that is no profile: {reasons_of(error)}"
            raise UnreadableAnswerError(msg) from None
        return profile._attach(self._profiles, wire)

    def rows(self) -> Iterator[Wire]:
        """Iterate over the profiles as the service's JSON.

        A column that is no member of a profile becomes a custom attribute.

        Raises:
            UnreadableAnswerError: there is no file with profiles in the folder, or one cannot be
                read.
            ServiceError: S3 refused access; the message names the permission.
        """
        for rows in self._files():
            yield from rows

    def _files(self) -> Iterator[Iterator[Wire]]:
        """Yield the rows of each file that has profiles."""
        found = False
        for key in self.files():
            rows = self._rows_of(key)
            if next(rows, _END) is not _END:
                found = True
                yield cast("Iterator[Wire]", rows)
        if not found:
            msg = (
                f"{self._folder.uri} has no {_ENDINGS[self._format]} file with a column profileid; "
                "if the snapshot is COMPLETED, its files were moved, or another format was written"
            )
            raise UnreadableAnswerError(msg)

    def files(self) -> list[str]:
        """Return the keys of the files with the snapshot's format, in the order of their names.

        If the id of the snapshot is in some keys, these are its files, and those of other
        snapshots in the same folder are left out.
        """
        ending = _ENDINGS[self._format]
        keys = sorted(filter(lambda key: key.lower().endswith(ending), self._folder.list_keys()))
        return [key for key in keys if self._snapshot_id in key] or keys

    def _rows_of(self, key: str) -> Iterator[Wire | None]:
        """Yield the profiles of a file, after a None that says that it has profiles."""
        reader = {"CSV": _csv, "JSONL": _jsonl, "ORC": _orc}[self._format]
        with self._folder.open(key) as body:
            try:
                yield from reader(body)
            except (UnicodeDecodeError, csv.Error, ValueError) as error:
                if isinstance(error, InvalidInputError):
                    raise
                # The messages of these may have values.
                msg = f"a file in {self._folder.uri} is not {self._format}: {type(error).__name__}"
                raise UnreadableAnswerError(msg) from None


def no_pages(_size: int, _token: str | None) -> NoReturn:
    """Stand for the pages of a list that the service does not have."""
    raise NotImplementedError


def _csv(body: BinaryIO) -> Iterator[Wire | None]:
    text = io.TextIOWrapper(body, encoding="utf-8-sig", newline="")
    lines = csv.reader(text, strict=True)
    header = next(lines, None) or []
    if _ID not in map(str.lower, header):
        return
    yield None
    setters = [_setter(name) for name in header]
    for line in lines:
        wire: Wire = {}
        for put, value in zip(setters, line, strict=False):
            if value:
                put(wire, value)
        if wire:
            yield wire


def _jsonl(body: BinaryIO) -> Iterator[Wire | None]:
    yield None
    for line in io.TextIOWrapper(body, encoding="utf-8-sig"):
        if line.strip():
            yield json.loads(line)


def _orc(body: BinaryIO) -> Iterator[Wire | None]:
    try:
        from pyarrow import orc
    except ModuleNotFoundError as error:
        msg = f"a snapshot in ORC needs pyarrow: {extras.install('identity')}"
        raise ModuleNotFoundError(msg, name=error.name) from error
    # ORC is read from its end, so the file is fetched whole.
    file = orc.ORCFile(io.BytesIO(body.read()))
    if _ID not in map(str.lower, file.schema.names):
        return
    yield None
    setters = {name: _setter(name) for name in file.schema.names}
    for number in range(file.nstripes):
        for row in file.read_stripe(number).to_pylist():
            wire: Wire = {}
            for name, value in row.items():
                if isinstance(value, str) and value:
                    setters[name](wire, value)
                elif value:  # the custom attributes
                    wire[name] = dict(value)
            yield wire


def _setter(column: str) -> Callable[[Wire, str], None]:
    """Return the function that puts a value of a column into a profile."""
    path = _paths().get(column.lower())
    if path is None:
        prefix, _, name = column.partition(".")
        path = ("Attributes", name if prefix.lower() == "attributes" and name else column)

    def put(wire: Wire, value: str) -> None:
        inner: Any = wire
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value

    return put


def _paths() -> dict[str, tuple[str, ...]]:
    """Return the paths of a profile's texts by their columns, in lower case."""
    shape: Any = _wire.service().shape_for("Profile")
    found: dict[str, tuple[str, ...]] = {}
    for name, member in shape.members.items():
        if member.type_name == "string":
            found[name.lower()] = (name,)
        elif member.name == "Address":
            found |= {f"{name}.{inner}".lower(): (name, inner) for inner in member.members}
    return found

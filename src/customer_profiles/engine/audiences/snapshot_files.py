"""The files of snapshots: profiles as CSV, as lines of JSON, and as ORC."""

from __future__ import annotations

import csv
import io
from functools import cache
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from customer_profiles import _wire
from customer_profiles._hints import extras

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from customer_profiles._wire import Wire

_ID, _CUSTOM = "ProfileId", "Attributes"


Shape = tuple[str | tuple[str, ...], ...]
"""The members of a profile, and for a member that is an object its name and its members."""


def shape_of(profile: Wire) -> Shape:
    """Return which members a profile has; few shapes are those of many profiles."""
    return tuple(
        [
            name if isinstance(value, str) else (name, *value)
            for name, value in profile.items()
        ]
    )  # fmt: skip


def columns(shapes: Iterable[Shape]) -> list[str]:
    """Return the columns of a CSV file that profiles fill, in the order of the file."""
    names: set[str] = set()
    for member in chain.from_iterable(shapes):
        if isinstance(member, str):
            names.add(member)
        elif member[0] in _addresses() or member[0] == _CUSTOM:
            names.update(f"{member[0]}.{inner}" for inner in member[1:])
    return _in_order(names)


def _in_order(names: Iterable[str]) -> list[str]:
    # Assumed: the columns of a snapshot are in the order of the service's model, ProfileId first.
    # Assumed: columns have names such as Address.City, and Attributes.tier, which come last.
    # Assumed: EngagementPreferences are no columns of a snapshot.
    known = _standard()
    standard = {name for name in names if name in known} | {_ID}
    custom = sorted(name for name in names if name not in known)
    return [*sorted(standard, key=known.__getitem__), *custom]


@cache
def _standard() -> dict[str, int]:
    shape: Any = _wire.service().shape_for("Profile")
    names = [_ID, *(name for name in shape.members if name != _ID)]
    found: list[str] = []
    for name in names:
        inner = shape.members[name].members if name in _addresses() else None
        found += [name] if inner is None else [f"{name}.{member}" for member in inner]
    return {name: position for position, name in enumerate(found)}


@cache
def _addresses() -> frozenset[str]:
    shape: Any = _wire.service().shape_for("Profile")
    return frozenset(name for name, member in shape.members.items() if member.name == "Address")


def check_format(name: str) -> None:
    """Check that files of a format can be written.

    Raises:
        ModuleNotFoundError: the library for ORC is not installed; the message says so.
    """
    if name == "ORC":
        _orc()


def write(name: str, header: Sequence[str], bodies: Iterable[bytes]) -> bytes:
    """Return a file of profiles in CSV, JSONL or ORC.

    Raises:
        ModuleNotFoundError: the library for ORC is not installed; the message says so.
    """
    return _WRITERS[name](header, bodies)


def _csv(header: Sequence[str], bodies: Iterable[bytes]) -> bytes:
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(header)
    read = _reader(header)
    lines.writerows(read(from_json(body)) for body in bodies)
    return out.getvalue().encode()


def _jsonl(_header: Sequence[str], bodies: Iterable[bytes]) -> bytes:
    # Assumed: a line of a JSONL file is a profile as BatchGetProfile answers it.
    return b"".join(chunk for body in bodies for chunk in (body, b"\n"))


def _orc_file(header: Sequence[str], bodies: Iterable[bytes]) -> bytes:
    # Assumed: an ORC file has the columns of a CSV file as strings, and Attributes as a map.
    pa, orc = _orc()
    names = [name for name in header if not name.startswith(f"{_CUSTOM}.")]
    read = _reader(names)
    rows: list[list[str | None]] = []
    custom: list[list[tuple[str, str]] | None] = []
    for body in bodies:
        profile = from_json(body)
        rows.append(read(profile))
        custom.append(list(profile[_CUSTOM].items()) if _CUSTOM in profile else None)
    text = pa.string()
    table = pa.table(
        [
            *(pa.array([row[number] for row in rows], text) for number in range(len(names))),
            pa.array(custom, pa.map_(text, text)),
        ],
        names=[*names, _CUSTOM],
    )
    out = io.BytesIO()
    orc.write_table(table, out)
    return out.getvalue()


def _orc() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import orc
    except ModuleNotFoundError as error:
        message = f"Snapshots in ORC need the library pyarrow: {extras.install('identity')}"
        raise ModuleNotFoundError(message, name=error.name) from error
    return pa, orc


def _reader(header: Sequence[str]) -> Callable[[Wire], list[str | None]]:
    """Return the function that reads the columns of a file from a profile."""
    paths = [name.split(".", 1) for name in header]
    # The columns of an object are side by side, so that it is read once for all of them.
    members = [
        (member, [path[-1] for path in group])
        for member, group in groupby(paths, lambda path: path[0] if path[1:] else "")
    ]

    def read(profile: Wire) -> list[str | None]:
        row: list[str | None] = []
        for member, names in members:
            found = profile.get(member, {}) if member else profile
            row += [found.get(name) for name in names]
        return row

    return read


_WRITERS: dict[str, Callable[[Sequence[str], Iterable[bytes]], bytes]] = {
    "CSV": _csv,
    "JSONL": _jsonl,
    "ORC": _orc_file,
}

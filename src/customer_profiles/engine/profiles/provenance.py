"""Provenance: which object set which value of a profile or standard object.

It decides whose value wins, and allows the values of a deleted object type to be removed exactly. A
value without a source was set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from customer_profiles._wire import Wire

Path = tuple[str, ...]
"""The names of the nested members that lead to a value; a list is a single value."""


class Source(NamedTuple):
    """An object that has set values."""

    type: str
    unique_key: str
    time: float
    """When its source changed it, else when it was ingested, in epoch seconds."""
    priority: int | None
    """The SourcePriority of its type; None is the lowest."""
    ingested: float
    """When the object was ingested, in epoch seconds."""

    def yields_to(self, other: Source) -> bool:
        """Return whether a value of another object replaces one of this object."""
        if other.type == self.type:
            # The stored priority may be outdated; both objects have the current one of their type.
            return other.time >= self.time
        # AG:profile-matching: 1 is the highest priority, and no priority is the lowest.
        mine = self.priority or _LOWEST
        others = other.priority or _LOWEST
        # Assumed: among objects of equal priority the one that its source changed last wins.
        return others < mine or (others == mine and other.time >= self.time)


_LOWEST = 1 << 62


@dataclass(slots=True)
class Sources:
    """The sources of the values of a profile or standard object."""

    named: dict[Path, Source] = field(default_factory=dict)
    rest: Source | None = None
    """The source of all values that are not in `named`; None if they were set by hand."""

    def of(self, path: Path) -> Source | None:
        """Return the source of a value; None if the value was set by hand."""
        return self.named.get(path, self.rest)


def leaves(values: Wire, before: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Iterate over the paths and values of a profile or standard object."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*before, name))
        else:
            yield (*before, name), value


def write(sources: Sources) -> bytes | None:
    """Write sources as JSON, grouped by object."""
    listed: list[list[Any]] = [] if sources.rest is None else [[*sources.rest, None]]
    by_source: dict[Source, list[Path]] = {}
    for path, source in sources.named.items():
        by_source.setdefault(source, []).append(path)
    listed.extend([*source, paths] for source, paths in by_source.items())
    return to_json(listed) if listed else None


def read(written: bytes | None) -> Sources:
    """Read sources from JSON."""
    sources = Sources()
    for *values, paths in from_json(written) if written else ():
        source = Source(*values)
        if paths is None:
            sources.rest = source
        else:
            sources.named.update((tuple(path), source) for path in paths)
    return sources


def read_by_path(written: bytes | None, values: Wire, identity: str) -> Sources:
    """Read sources, with an entry in `named` for every value that an object has set."""
    sources = read(written)
    if sources.rest is not None:
        for path, _ in leaves(values):
            if path != (identity,):
                sources.named.setdefault(path, sources.rest)
        sources.rest = None
    return sources


def merged(old: Wire, sources: Sources, values: Wire, source: Source, identity: str) -> Wire:
    """Return a profile or standard object with those values of an object that it may set.

    Args:
        old: the profile or standard object, which is not modified.
        sources: the sources of its values, which are updated.
        values: the values of the object.
        source: the object.
        identity: the member with the id, which no object sets.
    """
    if old.keys() == {identity}:
        sources.rest = source
        return {**old, **values}
    if not sources.named and sources.rest is not None and sources.rest.yields_to(source):
        # Fast path of the usual case: an object is put again, or another object of its type.
        earlier, sources.rest = sources.rest, source
        new = _overlaid(old, values, (), sources.named, earlier)
        del sources.named[identity,]
        return new
    return _written(old, values, (), sources, source)


def _overlaid(
    old: Wire, values: Wire, before: Path, kept: dict[Path, Source], earlier: Source
) -> Wire:
    """Return `old` with all values; the paths that are not set are added to `kept`."""
    new = {**old, **values}
    for name, value in old.items():
        if name not in values:
            found = leaves({name: value}, before)
            kept.update((path, earlier) for path, _ in found)
        elif isinstance(value, dict):
            new[name] = _overlaid(value, values[name], (*before, name), kept, earlier)
    return new


def _written(old: Wire, values: Wire, before: Path, sources: Sources, source: Source) -> Wire:
    """Return `old` with those values that the source may set."""
    new = dict(old)
    for name, value in values.items():
        path = (*before, name)
        if isinstance(value, dict):
            if inner := _written(old.get(name) or {}, value, path, sources, source):
                new[name] = inner
        elif name not in old or _may_write(sources.of(path), source):
            new[name] = value
            sources.named[path] = source
    return new


def _may_write(earlier: Source | None, source: Source) -> bool:
    if earlier is not None:
        return earlier.yields_to(source)
    # AG:profile-matching: values set by hand are kept, but a type may be ranked above them.
    # Assumed: only a type with a SourcePriority overwrites values that were set by hand.
    return source.priority is not None


def by_hand(written: bytes | None, old: Wire, request: Wire, identity: str) -> bytes | None:
    """Return the sources without those of values that a request sets or clears by hand."""
    if not written:
        return written
    sources = read_by_path(written, old, identity)
    for path, _ in leaves(request):
        sources.named.pop(path, None)
    return write(sources)


def of_type(sources: Sources, name: str) -> list[Path]:
    """Return the paths of the values that objects of a type have set, once all are in `named`."""
    return [path for path, source in sources.named.items() if source.type == name]


def mention(name: str) -> str:
    """Return a text that written sources contain if objects of a type are among them."""
    return f'["{name}",'


def without(old: Wire, paths: Collection[Path]) -> Wire:
    """Return a profile or standard object without some values, and without emptied maps."""
    new = old
    for path in paths:
        new = _without(new, path)
    return new


def _without(values: Wire, path: Path) -> Wire:
    name, *rest = path
    if name not in values:
        return values
    remaining = _without(values[name], tuple(rest)) if rest else None
    others = {other: value for other, value in values.items() if other != name}
    return {**others, name: remaining} if remaining else others

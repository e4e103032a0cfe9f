"""Which object set which value, so that what an object type populated can be taken back exactly.

Values of a profile that no object is known to have set were set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Wire = dict[str, Any]

Path = tuple[str, ...]
"""The names that lead to a value; a list is one value."""


class Source(NamedTuple):
    """An object that set values."""

    type: str
    unique_key: str
    time: float
    """When its source changed it, in epoch seconds."""
    priority: int | None
    """The SourcePriority of its type; none is the lowest."""
    ingested: float
    """When the object was ingested, in epoch seconds."""

    def yields_to(self, other: Source) -> bool:
        """Say whether another object's value takes the place of this one's."""
        if other.type == self.type:
            # Whatever priority their type once had, they have the same now.
            return other.time >= self.time
        # AG:profile-matching: 1 is the highest priority, none the lowest.
        mine = self.priority or _LOWEST
        others = other.priority or _LOWEST
        # Assumed: between objects of one priority the one that its source changed last wins.
        return others < mine or (others == mine and other.time >= self.time)


_LOWEST = 1 << 62


@dataclass(slots=True)
class Sources:
    """Who set the values of one standard object."""

    named: dict[Path, Source] = field(default_factory=dict)
    rest: Source | None = None
    """Who set all values that are not named; none if those were set by hand."""

    def of(self, path: Path) -> Source | None:
        """Give the object that set a value; None if it was set by hand."""
        return self.named.get(path, self.rest)


def leaves(values: Wire, before: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Give the values of a standard object with the names that lead to them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*before, name))
        else:
            yield (*before, name), value


def write(sources: Sources) -> bytes | None:
    """Write sources as JSON, the values of one object together."""
    listed: list[list[Any]] = [] if sources.rest is None else [[*sources.rest, None]]
    together: dict[Source, list[Path]] = {}
    for path, source in sources.named.items():
        together.setdefault(source, []).append(path)
    listed.extend([*source, paths] for source, paths in together.items())
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


def spelled_out(written: bytes | None, values: Wire, identity: str) -> Sources:
    """Read sources, with a name for every value that an object set."""
    sources = read(written)
    if sources.rest is not None:
        for path, _ in leaves(values):
            if path != (identity,):
                sources.named.setdefault(path, sources.rest)
        sources.rest = None
    return sources


def merged(old: Wire, sources: Sources, values: Wire, source: Source, identity: str) -> Wire:
    """Write an object's values into a standard object, as far as they may.

    Args:
        old: the standard object as it is; it is left alone.
        sources: who set its values; what the object sets is entered.
        values: what the object sets.
        source: the object.
        identity: the member that holds the standard object's id, which no object sets.
    """
    if old.keys() == {identity}:
        sources.rest = source
        return {**old, **values}
    if not sources.named and sources.rest is not None and sources.rest.yields_to(source):
        # The usual case is quick: an object comes again, or another one of its type.
        earlier, sources.rest = sources.rest, source
        new = _overlaid(old, values, (), sources.named, earlier)
        del sources.named[identity,]
        return new
    return _written(old, values, (), sources, source)


def _overlaid(old: Wire, values: Wire, before: Path, left: dict[Path, Source], by: Source) -> Wire:
    """Write all values, and note what they leave as it was."""
    new = {**old, **values}
    for name, value in old.items():
        if name not in values:
            found = leaves({name: value}, before)
            left.update((path, by) for path, _ in found)
        elif isinstance(value, dict):
            new[name] = _overlaid(value, values[name], (*before, name), left, by)
    return new


def _written(old: Wire, values: Wire, before: Path, sources: Sources, source: Source) -> Wire:
    """Write the values that may be written."""
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
    # AG:profile-matching: values set by hand stay, but a type may be ranked above them.
    # Assumed: a type with a SourcePriority overwrites what was set by hand, one without does not.
    return source.priority is not None


def by_hand(written: bytes | None, old: Wire, request: Wire, identity: str) -> bytes | None:
    """Forget who set the values that a request sets or clears: they are set by hand now."""
    if not written:
        return written
    sources = spelled_out(written, old, identity)
    for path, _ in leaves(request):
        sources.named.pop(path, None)
    return write(sources)


def of_type(sources: Sources, name: str) -> list[Path]:
    """Give the paths of the values that objects of a type set, once all are named."""
    return [path for path, source in sources.named.items() if source.type == name]


def mention(name: str) -> str:
    """Give a text that written sources contain if objects of a type are among them."""
    return f'["{name}",'


def without(old: Wire, paths: Collection[Path]) -> Wire:
    """Take values out of a standard object, and what is empty then."""
    new = old
    for path in paths:
        new = _without(new, path)
    return new


def _without(values: Wire, path: Path) -> Wire:
    name, *rest = path
    if name not in values:
        return values
    kept = _without(values[name], tuple(rest)) if rest else None
    others = {other: value for other, value in values.items() if other != name}
    return {**others, name: kept} if kept else others

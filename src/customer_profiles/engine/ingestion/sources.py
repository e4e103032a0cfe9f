"""The source of a field: a path below `_source`, or a Handlebars template."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from customer_profiles._type_rules import source_path

from .handlebars import compile_template
from .values import count, follow, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from customer_profiles._wire import Wire

    Read = Callable[[Wire], str | None]
    ReadAll = Callable[[Wire], list[str | None]]


class Source(NamedTuple):
    """A compiled source."""

    read: Read
    """Returns the value; of an array the first."""
    read_all: ReadAll
    """Returns the values of an array's items, in order; a single value is an array of one."""
    many: bool
    """Whether the path goes through an array."""
    member: str | None = None
    """The name of the value, if it is a member of the object itself; else None."""


def compile_source(source: str) -> Source:
    """Compile a field's source.

    Raises:
        ValueError: it is neither a path nor a template; the message says why.
    """
    if "{{" in source:
        return _single(compile_template(source))
    groups = source_path(source)
    if len(groups) > 1:
        return _array(groups)
    names = groups[0]
    if len(names) > 1:
        return _single(_path(names))
    return _single(_member(names[0]))._replace(member=names[0])


def _member(name: str) -> Read:
    def read(source: Wire) -> str | None:
        value = source.get(name)
        if value.__class__ is str:
            return value or None
        return None if value is None else text(value)

    return read


def _path(names: list[str]) -> Read:
    return lambda source: text(follow(source, names))


def _single(read: Read) -> Source:
    def read_all(source: Wire) -> list[str | None]:
        value = read(source)
        return [] if value is None else [value]

    return Source(read, read_all, many=False)


def _array(groups: list[list[str]]) -> Source:
    def values(source: Wire) -> Iterator[str | None]:
        found: Iterable[object] = [source]
        for names in groups[:-1]:
            found = _items(source, found, names)
        return (text(follow(value, groups[-1])) for value in found)

    def read_all(source: Wire) -> list[str | None]:
        return list(values(source))

    def read(source: Wire) -> str | None:
        # Assumed: where one value is needed, an array's first one that is not empty is taken.
        return next((value for value in values(source) if value is not None), None)

    return Source(read, read_all, many=True)


def _items(source: Wire, values: Iterable[object], names: list[str]) -> Iterator[object]:
    """Yield the items of the arrays that a path leads to."""
    for value in values:
        array = follow(value, names)
        # Assumed: a single value where a path has [] is an array of one.
        for item in array if isinstance(array, list) else [array]:
            if array is not None:
                count(source)
                yield item

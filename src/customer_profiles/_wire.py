"""The service's own description, read from botocore: the only schema of SDK and engine alike."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.loaders import Loader
    from botocore.model import (
        ListShape,
        MapShape,
        OperationModel,
        ServiceModel,
        Shape,
        StructureShape,
    )

SERVICE = "customer-profiles"

Wire: TypeAlias = dict[str, Any]
"""JSON as the service speaks it: PascalCase names, timestamps in epoch seconds."""

Entry: TypeAlias = tuple[int, str]
"""An entry of a map: its number, because its name is the customer's, and `name` or `value`."""

Path: TypeAlias = tuple[str | int | Entry, ...]

Cleared: TypeAlias = str | list[object] | Wire | None


class Problem(NamedTuple):
    """One way in which a value breaks its shape; it never holds the value."""

    path: Path
    """Member names, list positions and map entries from the top of the request."""
    kind: str
    """The broken rule: missing, type, max_length and so on, as `_problems` lists them."""
    bound: Any = None
    """What the shape requires: the limit, the pattern, the enum's values or the type's name."""


Check: TypeAlias = Callable[[object, Path, list[Problem]], None]
"""A compiled shape: appends to the list what is wrong with the value at the path."""


@cache
def loader() -> Loader:
    """Return botocore's loader, shared so that the description is read from disk once."""
    from botocore.loaders import create_loader

    made: Loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    return made


@cache
def service() -> ServiceModel:
    """Return botocore's model of the service."""
    from botocore.model import ServiceModel

    return ServiceModel(loader().load_service_model(SERVICE, "service-2"), SERVICE)


@cache
def operation(name: str) -> OperationModel:
    """Return botocore's model of one operation, such as `CreateDomain`."""
    return service().operation_model(name)


def input_shape(name: str) -> StructureShape:
    """Return the shape of an operation's requests."""
    return cast("StructureShape", operation(name).input_shape)


@cache
def shape(name: str) -> Shape:
    """Return a shape of the service's description by its name."""
    return service().shape_for(name)


def field_name(member: str) -> str:
    """Return a member's name as users write it: `first_name` for `FirstName`."""
    from botocore import xform_name

    return xform_name(member)


def _is_structure(shape: Shape) -> TypeGuard[StructureShape]:
    return shape.type_name == "structure"


def _is_list(shape: Shape) -> TypeGuard[ListShape]:
    return shape.type_name == "list"


def _is_map(shape: Shape) -> TypeGuard[MapShape]:
    return shape.type_name == "map"


def may_lack(shape: Shape, path: Path) -> bool:
    """Return whether the value at `path` may be left out of its structure or map."""
    inner = shape
    for step in path[:-1]:
        if _is_structure(inner):
            inner = inner.members[cast("str", step)]
        elif _is_list(inner):
            inner = inner.member
    last = path[-1]
    if _is_structure(inner):
        return last not in inner.required_members
    return isinstance(last, tuple) and last[1] == "value"


def fit(wire: Wire, shape: Shape) -> Wire:
    """Keep the members of `wire` that `shape` has, at every depth."""
    return cast("Wire", _fit(wire, shape))


def _fit(value: object, shape: Shape) -> object:
    if isinstance(value, dict) and _is_structure(shape):
        members = shape.members
        return {
            name: inner if type(inner) is str else _fit(inner, members[name])
            for name, inner in value.items()
            if name in members
        }
    if isinstance(value, list) and _is_list(shape):
        return [_fit(item, shape.member) for item in value]
    return value


def clearing(shape: Shape) -> Cleared:
    """Return the value that clears what `shape` describes; None when nothing on the wire can."""
    if shape.type_name == "string" and not shape.metadata.get("enum"):
        return None if shape.metadata.get("min") else ""
    if shape.type_name == "list":
        return None if shape.metadata.get("min") else []
    if _is_structure(shape):
        parts = {name: clearing(member) for name, member in shape.members.items()}
        return None if shape.required_members or None in parts.values() else parts
    return None


@cache
def _is_clearable(shape: Shape) -> bool:
    return clearing(shape) is not None


def _has_own_parts(shape: Shape) -> TypeGuard[StructureShape]:
    """Return whether a value of the shape is cleared and compared member by member."""
    return shape.type_name == "structure" and _is_clearable(shape)


def patch(wire: Wire, shape: StructureShape) -> tuple[Wire, list[Problem]]:
    """Replace each None of a request by the value that clears its member on the wire."""
    found: list[Problem] = []
    return _patch(wire, shape, (), found), found


def _patch(wire: Wire, shape: StructureShape, path: Path, found: list[Problem]) -> Wire:
    patched: Wire = {}
    for name, value in wire.items():
        member = shape.members[name]
        if value is not None and value != "":
            patched[name] = value
            if _has_own_parts(member):
                patched[name] = _patch(value, member, (*path, name), found)
        elif (cleared := clearing(member)) is None:
            found.append(Problem((*path, name), "clear", member.type_name))
        else:
            patched[name] = cleared
    return {name: value for name, value in patched.items() if value != {}}


def difference(old: Wire, new: Wire, shape: StructureShape) -> tuple[Wire, list[Problem]]:
    """Return the smallest request that changes what is stored from `old` to `new`.

    Structures whose members can all be cleared, and maps, are compared member by member;
    everything else is sent whole. `""`, None, an empty list or map, and absence are equal.
    """
    found: list[Problem] = []
    return _difference(old, new, shape, (), found), found


def _difference(
    old: Wire, new: Wire, shape: StructureShape, path: Path, found: list[Problem]
) -> Wire:
    changes: Wire = {}
    for name, member in shape.members.items():
        before, after = old.get(name) or None, new.get(name) or None
        if member.type_name in ("boolean", "integer", "double"):
            before, after = old.get(name), new.get(name)
        if member.type_name == "map":
            before, after = before or {}, after or {}
            changed = {key: value for key, value in after.items() if value != before.get(key, "")}
            changed |= {key: "" for key in before if not after.get(key)}
            changes[name] = changed
        elif _has_own_parts(member):
            changes[name] = _difference(before or {}, after or {}, member, (*path, name), found)
        elif before == after:
            continue
        elif after is not None:
            changes[name] = after
        elif (cleared := clearing(member)) is not None:
            changes[name] = cleared
        else:
            found.append(Problem((*path, name), "clear", member.type_name))
    # An empty list clears; an empty map or structure changes nothing.
    return {name: value for name, value in changes.items() if value != {}}


_URL = ("uri", "querystring")


@cache
def _name_shapes() -> frozenset[str]:
    """Return the shapes of names and ids: some URL holds them, and a pattern limits them."""
    return frozenset(
        member.name
        for name in service().operation_names
        for member in input_shape(name).members.values()
        if member.serialization.get("location") in _URL and "pattern" in member.metadata
    )


def private_texts(name: str, request: Wire) -> Iterator[str]:
    """Yield the texts of an operation's request that no message may repeat, at every depth.

    A text may be shown where its shape says that it names a resource: it is part of the URL, it
    has the shape of such a name, or it is a value of an enum. Every other text is private,
    because the service lacks the `sensitive` trait on addresses and on values of search keys.
    """
    return _private_texts(request, input_shape(name))


def _private_texts(value: object, shape: Shape | None) -> Iterator[str]:
    if shape is None or shape.metadata.get("sensitive"):
        yield from all_texts(value)
    elif shape.serialization.get("location") in _URL:
        return
    elif isinstance(value, dict):
        for key, inner in value.items():
            if _is_map(shape):
                yield from _private_texts(key, shape.key)
                yield from _private_texts(inner, shape.value)
            else:
                member = shape.members.get(key) if _is_structure(shape) else None
                yield from _private_texts(inner, member)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _private_texts(item, shape.member if _is_list(shape) else None)
    elif isinstance(value, str) and not _is_name(value, shape):
        yield from all_texts(value)


def _is_name(value: str, shape: Shape) -> bool:
    is_open = value in shape.metadata.get("enum", ()) or shape.name in _name_shapes()
    return is_open or value in _profile_members()


@cache
def _profile_members() -> frozenset[str]:
    """Return the names of a profile's members, which settings such as matching rules hold."""
    shape: Any = service().shape_for("Profile")
    return frozenset(shape.members)


def all_texts(value: object) -> Iterator[str]:
    """Yield every text and number in a value, those inside of JSON text included.

    Names that consist of the service's own words, such as `phone_number`, are left out.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _is_service_word(str(key)):
                yield from all_texts(key)
            yield from all_texts(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from all_texts(item)
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')):
            yield text
            return
        try:
            # Numbers stay as they are written.
            inner = json.loads(text.lstrip("\ufeff"), parse_int=str, parse_float=str)
            texts = list(all_texts(inner))
        except (ValueError, RecursionError):
            texts = [text, *_LITERALS.findall(text)]
        yield from texts


_LITERALS = re.compile(r'[^\s"{}\[\]:,]+|(?<=")[^"]+(?=")')
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@cache
def _service_words() -> frozenset[str]:
    """Return the words of which the names of the service's members consist."""
    shapes = map(service().shape_for, service().shape_names)
    return frozenset(
        word.lower()
        for shape in shapes
        if _is_structure(shape)
        for member in shape.members
        for word in _WORD.findall(member)
    )


def _is_service_word(name: str) -> bool:
    is_plain = not _WORD.sub("", name).strip("_")
    return is_plain and _service_words().issuperset(map(str.lower, _WORD.findall(name)))


class _Members(NamedTuple):
    """The members of an operation's answers."""

    names: tuple[str, ...]
    quoted: tuple[bytes, ...]
    """The names as JSON has them."""
    required: tuple[str, ...]


@cache
def _answer_members(name: str) -> _Members:
    """Return the members that an operation's answers have, and those that they must have."""
    shape = operation(name).output_shape
    if shape is None:
        return _Members((), (), ())
    wire = {
        member: str(inner.serialization.get("name", member))
        for member, inner in shape.members.items()
    }
    # Services leave out maps that are empty.
    required = (name for name in shape.required_members if not _is_map(shape.members[name]))
    quoted = tuple(b'"%b"' % name.encode() for name in wire.values())
    return _Members(tuple(wire.values()), quoted, tuple(wire[name] for name in required))


def answer_problem(name: str, body: bytes, *, is_read: bool) -> str | None:
    """Return why a body is no answer to an operation, or None; nothing of it is repeated.

    Args:
        name: the operation.
        body: the body of a successful answer.
        is_read: a model reads the body next and checks its JSON, so that large pages are not
            parsed twice.
    """
    members, quoted, required = _answer_members(name)
    if is_read and not required:
        for member in quoted:
            if member in body:
                return None
    if not body:
        return "the answer is empty" if members else None
    try:
        answer = (_fast_parser() if is_read else json.loads)(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return "the answer is not a JSON object"
    if lacking := [name for name in required if answer.get(name) is None]:
        return f"the answer lacks {', '.join(lacking)}"
    if answer and members and answer.keys().isdisjoint(members):
        return "the answer has no member of the service's answers"
    return None


@cache
def _fast_parser() -> Callable[[bytes], object]:
    """Return the parser that models use; only for callers that have loaded pydantic anyway."""
    from pydantic_core import from_json

    return from_json


MOST_PROBLEMS = 100
"""A check stops at the first problem beyond these, so that a large value costs little."""


class _EnoughError(Exception):
    """A check has found more problems than are needed."""


class _Found(list[Problem]):
    """The problems that a check has found."""

    def append(self, problem: Problem) -> None:
        super().append(problem)
        if len(self) > MOST_PROBLEMS:
            raise _EnoughError


def _run(check: Check, value: object) -> list[Problem]:
    found = _Found()
    try:
        check(value, (), found)
    except _EnoughError:  # `suppress` takes a third of a microsecond more
        return found
    return found


def problems(value: object, shape: Shape) -> list[Problem]:
    """Return the ways in which `value` breaks `shape`, the first 101 at the most."""
    return _run(_check_of(shape), value)


def is_unicode(text: str) -> bool:
    """Return whether text is valid Unicode, without halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@cache
def request_check(name: str) -> Callable[[Wire], list[Problem]]:
    """Compile the check of an operation's requests, once for each operation."""
    return partial(_run, _check_of(input_shape(name)))


_checks: dict[str, Check] = {}


def _check_of(shape: Shape) -> Check:
    """Compile a shape once; a shape that contains itself finds its own check by name."""
    if shape.name not in _checks:
        _checks[shape.name] = lambda *args: _checks[shape.name](*args)  # noqa: PLW0108  (not yet)
        _checks[shape.name] = _compile(shape)
    return _checks[shape.name]


def _compile(shape: Shape) -> Check:
    if _is_structure(shape):
        return _structure(shape)
    if _is_list(shape):
        return _list(shape)
    if _is_map(shape):
        return _map(shape)
    return _SCALARS.get(shape.type_name, _any)(shape)


def _any(_shape: Shape) -> Check:
    return lambda _value, _path, _found: None


def _structure(shape: StructureShape) -> Check:
    required = tuple(shape.required_members)
    checks = {name: _check_of(member) for name, member in shape.members.items()}
    # Most members are texts; calling a check for each that is right would double the time.
    texts = {
        name: _text_rules(member)
        for name, member in shape.members.items()
        if member.type_name == "string" and not member.metadata.get("enum")
    }

    def check(value: object, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            found.append(Problem(path, "type", "structure"))
            return
        for name in required:
            if value.get(name) is None:
                found.append(Problem((*path, name), "missing"))  # noqa: PERF401  (a hot path)
        for name, inner in value.items():
            if type(inner) is str and name in texts:
                lengths, search, searched = texts[name]
                if len(inner) in lengths and (search is None or search(inner, 0, searched)):
                    continue
            member = checks.get(name)
            if member is None:
                found.append(Problem((*path, name), "unknown", sorted(checks)))
            elif inner is not None:
                member(inner, (*path, name), found)

    return check


def _list(shape: ListShape) -> Check:
    item_check = _check_of(shape.member)
    check_size = _size(shape)

    def check(value: object, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, (list, tuple)):
            found.append(Problem(path, "type", "list"))
            return
        check_size(len(value), path, found)
        for position, item in enumerate(value):
            item_check(item, (*path, position), found)

    return check


def _map(shape: MapShape) -> Check:
    key_check, value_check = _check_of(shape.key), _check_of(shape.value)
    check_size = _size(shape)

    def check(value: object, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            found.append(Problem(path, "type", "map"))
            return
        check_size(len(value), path, found)
        for number, (key, inner) in enumerate(value.items(), 1):
            key_check(key, (*path, (number, "name")), found)
            value_check(inner, (*path, (number, "value")), found)

    return check


def _size(shape: Shape, what: str = "items") -> Callable[[int, Path, list[Problem]], None]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", sys.maxsize)

    def check(size: int, path: Path, found: list[Problem]) -> None:
        if size < low:
            found.append(Problem(path, f"min_{what}", low))
        elif size > high:
            found.append(Problem(path, f"max_{what}", high))

    return check


# ARNs and ids are the only values that have a pattern and no limit of their length.
_LONGEST_SEARCHED = 2048


class _TextRules(NamedTuple):
    """The rules of a text without those of its enum."""

    lengths: range
    search: Callable[[str, int, int], object] | None
    """The search for its pattern between two positions."""
    searched: int
    """How much of a text is searched."""


def _text_rules(shape: Shape) -> _TextRules:
    metadata: Mapping[str, Any] = shape.metadata
    lengths = range(metadata.get("min", 0), metadata.get("max", sys.maxsize) + 1)
    # Patterns are searched, not matched in full: the ARN's pattern is only a beginning.
    # Some are quadratic, so only as much of a value is searched as may be valid.
    search = re.compile(metadata["pattern"]).search if "pattern" in metadata else None
    return _TextRules(lengths, search, metadata.get("max", _LONGEST_SEARCHED))


def _string(shape: Shape) -> Check:
    metadata: Mapping[str, Any] = shape.metadata
    lengths, search, searched = _text_rules(shape)
    check_size = _size(shape, "length")
    enum = frozenset(metadata.get("enum", ()))

    def check(value: object, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, str):
            found.append(Problem(path, "type", "string"))
            return
        if len(value) not in lengths:
            check_size(len(value), path, found)
        if search is not None and not search(value, 0, searched):
            found.append(Problem(path, "pattern", metadata["pattern"]))
        if enum and value not in enum:
            found.append(Problem(path, "enum", tuple(metadata["enum"])))

    return check


def _number(shape: Shape) -> Check:
    kinds = (int,) if shape.type_name in ("integer", "long") else (int, float)
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: object, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, kinds) or isinstance(value, bool):
            found.append(Problem(path, "type", shape.type_name))
        elif low is not None and value < low:
            found.append(Problem(path, "min_value", low))
        elif high is not None and not value <= high:
            found.append(Problem(path, "max_value", high))

    return check


def _boolean(_shape: Shape) -> Check:
    def check(value: object, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, bool):
            found.append(Problem(path, "type", "boolean"))

    return check


_SCALARS: dict[str, Callable[[Shape], Check]] = {
    "string": _string,
    "integer": _number,
    "long": _number,
    "double": _number,
    "float": _number,
    "timestamp": _number,
    "boolean": _boolean,
}

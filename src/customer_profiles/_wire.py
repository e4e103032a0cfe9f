"""The service's own description, read from botocore: the only schema of SDK and engine alike."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.loaders import Loader
    from botocore.model import OperationModel, ServiceModel, Shape

SERVICE = "customer-profiles"

Wire = dict[str, Any]
"""JSON as the service speaks it: PascalCase names, timestamps in epoch seconds."""

Entry = tuple[int, str]
"""An entry of a map: its number, because its name is the customer's, and `name` or `value`."""

Path = tuple[str | int | Entry, ...]


class Problem(NamedTuple):
    """One way in which a value breaks its shape; it never holds the value."""

    path: Path
    """Member names, list positions and map entries from the top of the request."""
    kind: str
    """The broken rule: missing, type, max_length and so on, as `_problems` lists them."""
    bound: Any = None
    """What the shape demands: the limit, the pattern, the enum's values or the type's name."""


@cache
def loader() -> Loader:
    """Give botocore's loader, shared so that the description is read from disk once."""
    from botocore.loaders import create_loader

    made: Loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    return made


@cache
def service() -> ServiceModel:
    """Give botocore's model of the service."""
    from botocore.model import ServiceModel

    return ServiceModel(loader().load_service_model(SERVICE, "service-2"), SERVICE)


@cache
def operation(name: str) -> OperationModel:
    """Give botocore's model of one operation, such as `CreateDomain`."""
    return service().operation_model(name)


def may_lack(shape: Shape, path: Path) -> bool:
    """Say whether what stands at `path` may be left out of its structure or map."""
    inner: Any = shape
    for step in path[:-1]:
        inner = inner.members[step] if inner.type_name == "structure" else inner.member
    last = path[-1]
    if inner.type_name == "structure":
        return last not in inner.required_members
    return isinstance(last, tuple) and last[1] == "value"


def fit(wire: Wire, shape: Shape) -> Wire:
    """Keep of `wire` what `shape` takes, at every depth; the rest is dropped."""
    kept: Wire = _fit(wire, shape)
    return kept


def _fit(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            name: _fit(inner, members[name]) for name, inner in value.items() if name in members
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_fit(item, shape.member) for item in value]
    return value


def clearing(shape: Shape) -> Any:
    """Give the value that clears what `shape` describes; None when nothing on the wire can."""
    kind: Any = shape
    if kind.type_name == "string" and not kind.metadata.get("enum"):
        return None if kind.metadata.get("min") else ""
    if kind.type_name == "list":
        return None if kind.metadata.get("min") else []
    if kind.type_name == "structure":
        parts = {name: clearing(member) for name, member in kind.members.items()}
        return None if kind.required_members or None in parts.values() else parts
    return None


def patch(wire: Wire, shape: Shape) -> tuple[Wire, list[Problem]]:
    """Turn a request in which None means cleared into the wire's way of saying so."""
    found: list[Problem] = []
    return _patch(wire, shape, (), found), found


def _patch(wire: Wire, shape: Any, path: Path, found: list[Problem]) -> Wire:
    patched: Wire = {}
    for name, value in wire.items():
        member = shape.members[name]
        if value is not None and value != "":
            nested = member.type_name == "structure" and clearing(member) is not None
            patched[name] = _patch(value, member, (*path, name), found) if nested else value
        elif (cleared := clearing(member)) is None:
            found.append(Problem((*path, name), "clear", member.type_name))
        else:
            patched[name] = cleared
    return {name: value for name, value in patched.items() if value != {}}


def difference(old: Wire, new: Wire, shape: Shape) -> tuple[Wire, list[Problem]]:
    """Give the smallest request that takes what is stored from `old` to `new`.

    Structures whose members can all be cleared, and maps, are compared member by member;
    everything else is sent whole. `""`, None, an empty list or map, and absence are one.
    """
    found: list[Problem] = []
    return _difference(old, new, shape, (), found), found


def _difference(old: Wire, new: Wire, shape: Any, path: Path, found: list[Problem]) -> Wire:
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
        elif member.type_name == "structure" and clearing(member) is not None:
            changes[name] = _difference(before or {}, after or {}, member, (*path, name), found)
        elif before == after:
            continue
        elif after is not None:
            changes[name] = after
        elif (cleared := clearing(member)) is not None:
            changes[name] = cleared
        else:
            found.append(Problem((*path, name), "clear", member.type_name))
    # An empty list clears; an empty map or structure says nothing.
    return {name: value for name, value in changes.items() if value != {}}


def problems(value: Any, shape: Shape) -> list[Problem]:
    """Say all the ways in which `value` breaks `shape`; none is an empty list."""
    found: list[Problem] = []
    _check_of(shape)(value, (), found)
    return found


@cache
def request_check(name: str) -> Callable[[Wire], list[Problem]]:
    """Compile the check of an operation's requests, once an operation."""
    shape = operation(name).input_shape
    check = _check_of(shape)

    def run(request: Wire) -> list[Problem]:
        found: list[Problem] = []
        check(request, (), found)
        return found

    return run


_checks: dict[str, Any] = {}


def _check_of(shape: Any) -> Any:
    """Compile one shape; a shape that contains itself finds its own check by name."""
    if shape.name not in _checks:
        _checks[shape.name] = lambda *args: _checks[shape.name](*args)  # noqa: PLW0108  (not yet)
        _checks[shape.name] = _compilers.get(shape.type_name, _any)(shape)
    return _checks[shape.name]


def _any(_shape: Any) -> Any:
    return lambda _value, _path, _found: None


def _structure(shape: Any) -> Any:
    required = tuple(shape.required_members)
    checks = {name: _check_of(member) for name, member in shape.members.items()}

    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            found.append(Problem(path, "type", "structure"))
            return
        for name in required:
            if value.get(name) is None:
                found.append(Problem((*path, name), "missing"))  # noqa: PERF401  (a hot path)
        for name, inner in value.items():
            member = checks.get(name)
            if member is None:
                found.append(Problem((*path, name), "unknown", sorted(checks)))
            elif inner is not None:
                member(inner, (*path, name), found)

    return check


def _list(shape: Any) -> Any:
    item_check = _check_of(shape.member)
    sized = _length(shape.metadata)

    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, (list, tuple)):
            found.append(Problem(path, "type", "list"))
            return
        sized(value, path, found)
        for position, item in enumerate(value):
            item_check(item, (*path, position), found)

    return check


def _map(shape: Any) -> Any:
    key_check, value_check = _check_of(shape.key), _check_of(shape.value)
    sized = _length(shape.metadata)

    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            found.append(Problem(path, "type", "map"))
            return
        sized(value, path, found)
        for number, (key, inner) in enumerate(value.items(), 1):
            key_check(key, (*path, (number, "name")), found)
            value_check(inner, (*path, (number, "value")), found)

    return check


def _string(shape: Any) -> Any:
    metadata = shape.metadata
    low, high = metadata.get("min", 0), metadata.get("max", sys.maxsize)
    pattern = re.compile(metadata["pattern"]) if "pattern" in metadata else None
    enum = frozenset(metadata.get("enum", ()))

    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, str):
            found.append(Problem(path, "type", "string"))
            return
        if not low <= len(value) <= high:
            found.append(_wrong_length(value, path, low, high, "length"))
        # Patterns are searched, not matched in full: the ARN's pattern is only a beginning.
        if pattern is not None and not pattern.search(value):
            found.append(Problem(path, "pattern", metadata["pattern"]))
        if enum and value not in enum:
            found.append(Problem(path, "enum", tuple(metadata["enum"])))

    return check


def _number(shape: Any) -> Any:
    kinds = int if shape.type_name in ("integer", "long") else (int, float)
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, kinds) or isinstance(value, bool):
            found.append(Problem(path, "type", shape.type_name))
        elif low is not None and value < low:
            found.append(Problem(path, "min_value", low))
        elif high is not None and not value <= high:
            found.append(Problem(path, "max_value", high))

    return check


def _boolean(_shape: Any) -> Any:
    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not isinstance(value, bool):
            found.append(Problem(path, "type", "boolean"))

    return check


def _length(metadata: dict[str, Any]) -> Any:
    low, high = metadata.get("min", 0), metadata.get("max", sys.maxsize)

    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if not low <= len(value) <= high:
            found.append(_wrong_length(value, path, low, high, "items"))

    return check


def _wrong_length(value: Any, path: Path, low: int, high: int, what: str) -> Problem:
    short = len(value) < low
    return Problem(path, f"min_{what}" if short else f"max_{what}", low if short else high)


_compilers: dict[str, Any] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _number,
    "long": _number,
    "double": _number,
    "float": _number,
    "timestamp": _number,
    "boolean": _boolean,
}

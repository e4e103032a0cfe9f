"""The standard objects that a mapping may fill: their members, system ids and search indexes."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles import _wire
from customer_profiles._type_rules import PROFILE, STANDARD_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DATA = Path(__file__).with_name("data") / "standard_objects.json"
TIMESTAMP = "SourceLastUpdatedTimestamp"


@dataclass(frozen=True, slots=True)
class Node:
    """What a member of a standard object holds."""

    kind: str
    """text, number, preferences, structure, list or map."""
    members: Mapping[str, Node] = field(default_factory=dict)
    """A structure's members."""
    item: Node | None = None
    """What a list or a map holds."""
    longest: int = sys.maxsize
    """How many characters a text may have."""
    values: tuple[str, ...] = ()
    """The only texts that there may be, when they are an enum's."""


class Step(NamedTuple):
    """One step on the way to a value."""

    kind: str
    """member, item or key."""
    name: str
    """The member's name or the map's key; empty for a list's item."""


Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class StandardObject:
    """One of the objects that the service defines and mappings fill."""

    name: str
    identifier: str
    """The identifier of keys that tie an object of a source to this one."""
    id_member: str
    """The member that holds the id which the service gives."""
    keys: tuple[tuple[str, str], ...]
    """The search indexes that it has by itself: a key's name and the member behind it."""
    tree: Node

    def takes(self, path: str) -> bool:
        """Say whether `path`, without the object's name, leads to a value."""
        try:
            self.resolve(path)
        except ValueError:
            return False
        return True

    def resolve(self, path: str) -> tuple[Steps, Node]:
        """Give the steps to a value and what that value is.

        Raises:
            ValueError: there is no such value; the message says where the path leaves the object.
        """
        return _resolve(self.name, self.tree, _segments(path))


# A segment in braces stands for a value of the source; it may hold dots itself.
_SEGMENT = re.compile(r"((?:\{[^{}]*\}|\{\{[^{}]*\}\}|[^.{}])+)(?:\.|$)")


def _segments(path: str) -> list[str]:
    found, position = [], 0
    while match := _SEGMENT.match(path, position):
        found.append(match.group(1))
        position = match.end()
    if position != len(path) or path.endswith(".") or not found:
        raise ValueError(f"'{path}' is not a path of names with dots between them")
    return found


def _resolve(name: str, node: Node, segments: list[str]) -> tuple[Steps, Node]:
    steps: list[Step] = []
    place = name
    for position, segment in enumerate(segments):
        if node.kind == "map" and node.item is not None:
            key = segment if node.item.kind != "text" else ".".join(segments[position:])
            steps.append(Step("key", key))
            node = node.item
            if node.kind == "text":
                return tuple(steps), node
        else:
            node = _enter(node, segment, place, steps)
        place = f"{place}.{segment}"
    if node.kind in ("structure", "list", "map"):
        raise ValueError(f"'{place}' holds several values; name one of them")
    return tuple(steps), node


def _enter(node: Node, segment: str, place: str, steps: list[Step]) -> Node:
    member = segment.removesuffix("[]")
    inner = node.members.get(member)
    if inner is None or (member is not segment and inner.kind != "list"):
        raise ValueError(f"'{place}' has no member '{segment}'{_hint(node, member)}")
    steps.append(Step("member", member))
    if inner.kind == "list" and inner.item is not None:
        # Published mappings do so.
        # Assumed: a member of a list's items may be targeted without [], which means the same.
        steps.append(Step("item", ""))
        return inner.item
    return inner


def _hint(node: Node, name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, node.members, n=1)
    return f", did you mean '{close[0]}'?" if close else ""


def _profile() -> StandardObject:
    shape: Any = _wire.service().shape_for("Profile")
    members = {
        name: _of_shape(member)
        for name, member in shape.members.items()
        # The service fills this list when it searches.
        if name != "FoundByItems"
    }
    members[TIMESTAMP] = Node("text")
    # The indexes of a profile are `keys.of_fields`.
    return StandardObject(PROFILE, *STANDARD_OBJECTS[PROFILE], (), Node("structure", members))


def _of_shape(shape: Any) -> Node:
    if shape.type_name == "structure":
        return Node("structure", {name: _of_shape(inner) for name, inner in shape.members.items()})
    if shape.type_name == "map":
        return Node("map", item=_of_shape(shape.value))
    if shape.type_name == "list":
        # AG:customer-profiles-object-type-mappings: contact preferences are targeted as a whole.
        return Node("preferences")
    metadata = shape.metadata
    return Node(
        "text",
        longest=metadata.get("max", sys.maxsize),
        values=tuple(metadata.get("enum", ())),
    )


def _of_data(name: str, data: Mapping[str, Any], shared: Mapping[str, str]) -> StandardObject:
    # AG:standard-objects; every standard object has free attributes and a source's timestamp.
    text = data["members"][""] + f" {TIMESTAMP} Attributes{{}}"
    members = dict(_named(text, shared))
    for place, names in data["members"].items():
        if place:
            member, node = _wrapped(place, Node("structure", dict(_named(names, shared))))
            members[member] = node
    tree = Node("structure", members)
    return StandardObject(name, *STANDARD_OBJECTS[name], tuple(data["keys"].items()), tree)


def _wrapped(name: str, inner: Node) -> tuple[str, Node]:
    if name.endswith("[]"):
        return name[:-2], Node("list", item=inner)
    if name.endswith("{}"):
        return name[:-2], Node("map", item=inner)
    return name, inner


def _named(names: str, shared: Mapping[str, str]) -> Iterator[tuple[str, Node]]:
    for name in names.split():
        if name.startswith("@"):
            yield from _named(shared[name[1:]], shared)
        elif name.endswith("#"):
            yield name[:-1], Node("number")
        else:
            yield _wrapped(name, Node("text"))


@cache
def standard() -> Mapping[str, StandardObject]:
    """Give the standard objects by name, read when they are first asked for."""
    # Assumed: `_contact` cannot be mapped; the service's model has no identifier for it yet.
    data = json.loads(_DATA.read_text())
    objects = [_of_data(name, item, data["shared"]) for name, item in data["objects"].items()]
    return {item.name: item for item in (_profile(), *objects)}


def target(path: str) -> tuple[StandardObject, Steps, Node]:
    """Read a field's target.

    Raises:
        ValueError: it is none; the message says why.
    """
    name, _, rest = path.partition(".")
    found = standard().get(name)
    if found is None:
        raise ValueError(f"'{name}' is no standard object, use one of {', '.join(standard())}")
    if not rest:
        raise ValueError(f"'{name}' is a whole object; name one of its members")
    return found, *found.resolve(rest)

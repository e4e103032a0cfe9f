"""The standard objects that a mapping can fill: their members, ids and search indexes."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles import _wire
from customer_profiles._hints.nearest import listed, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DATA = Path(__file__).with_suffix(".json")
PROFILE = "_profile"
"""The name of the object type that stands for profiles themselves."""
TIMESTAMP = "SourceLastUpdatedTimestamp"


class StandardName(NamedTuple):
    """What a standard object is called by keys and fields."""

    identifier: str
    """The identifier of keys that tie a source's object to the standard object."""
    id_member: str
    """The member that holds the id; the service assigns it."""


# AG:standard-objects. Each of the service's identifiers has its standard object.
STANDARD_OBJECTS = {
    PROFILE: StandardName("PROFILE", "ProfileId"),
    "_asset": StandardName("ASSET", "AssetId"),
    "_case": StandardName("CASE", "CaseId"),
    "_order": StandardName("ORDER", "OrderId"),
    "_communicationRecord": StandardName("COMMUNICATION_RECORD", "CommunicationRecordId"),
    "_airPreference": StandardName("AIR_PREFERENCE", "PreferenceId"),
    "_hotelPreference": StandardName("HOTEL_PREFERENCE", "PreferenceId"),
    "_airBooking": StandardName("AIR_BOOKING", "BookingId"),
    "_airSegment": StandardName("AIR_SEGMENT", "SegmentId"),
    "_hotelReservation": StandardName("HOTEL_RESERVATION", "ReservationId"),
    "_hotelStayRevenue": StandardName("HOTEL_STAY_REVENUE", "StayRevenueId"),
    "_loyalty": StandardName("LOYALTY", "LoyaltyId"),
    "_loyaltyTransaction": StandardName("LOYALTY_TRANSACTION", "TransactionId"),
    "_loyaltyPromotion": StandardName("LOYALTY_PROMOTION", "PromotionId"),
    "_device": StandardName("DEVICE", "DeviceId"),
    "_webAnalytics": StandardName("WEB_ANALYTICS", "EventId"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """The kind of value that a member of a standard object has."""

    kind: str
    """text, number, preferences, structure, list or map."""
    members: Mapping[str, Node] = field(default_factory=dict)
    """A structure's members."""
    item: Node | None = None
    """The values of a list or map."""
    longest: int = sys.maxsize
    """The most characters of a text."""
    values: tuple[str, ...] = ()
    """The values of an enum; empty if any text is allowed."""


class Step(NamedTuple):
    """One step of the path to a value."""

    kind: str
    """member, item or key."""
    name: str
    """The member's name or the map's key; empty for a list's item."""


Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class StandardObject:
    """An object that the service defines and mappings fill."""

    name: str
    identifier: str
    """The identifier of keys that tie a source's object to this one."""
    id_member: str
    """The member with the id, which the service assigns."""
    keys: tuple[tuple[str, str], ...]
    """Its own search indexes: each key's name and the member that it indexes."""
    tree: Node

    def takes(self, path: str) -> bool:
        """Return whether `path`, without the object's name, leads to a value."""
        try:
            self.resolve(path)
        except ValueError:
            return False
        return True

    def resolve(self, path: str) -> tuple[Steps, Node]:
        """Return the steps to a value and the value's kind.

        Raises:
            ValueError: there is no such value; the message names the unknown member.
        """
        return _resolve(self.name, self.tree, _segments(path))


# A segment in braces is replaced by a value of the source; it may contain dots.
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
    path = name
    for position, segment in enumerate(segments):
        if node.kind == "map" and node.item is not None:
            key = segment if node.item.kind != "text" else ".".join(segments[position:])
            steps.append(Step("key", key))
            node = node.item
            if node.kind == "text":
                return tuple(steps), node
        else:
            node = _enter(node, segment, path, steps)
        path = f"{path}.{segment}"
    if node.kind in ("structure", "list", "map"):
        raise ValueError(f"'{path}' has several values; name one of them")
    return tuple(steps), node


def _enter(node: Node, segment: str, path: str, steps: list[Step]) -> Node:
    member = segment.removesuffix("[]")
    inner = node.members.get(member)
    if inner is None or (member is not segment and inner.kind != "list"):
        raise ValueError(f"'{path}' has no member '{segment}'{_hint(node, member)}")
    steps.append(Step("member", member))
    if inner.kind == "list" and inner.item is not None:
        # Published mappings leave it out.
        # Assumed: a target may leave out [] between a list and a member of its items.
        steps.append(Step("item", ""))
        return inner.item
    return inner


def _hint(node: Node, name: str) -> str:
    free = "; Attributes.<name> holds anything else" if "Attributes" in node.members else ""
    close = " or ".join(f"'{member}'" for member in nearest(name, node.members))
    return f"; it has {listed(node.members)}{free}" + (f"; did you mean {close}?" if close else "")


def _profile() -> StandardObject:
    shape: Any = _wire.service().shape_for("Profile")
    members = {
        name: _of_shape(member)
        for name, member in shape.members.items()
        # The service fills this list in search results.
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
    # AG:standard-objects; every standard object has free attributes and the source's timestamp.
    text = data["members"][""] + f" {TIMESTAMP} Attributes{{}}"
    members = dict(_named(text, shared))
    for name_and_kind, names in data["members"].items():
        if name_and_kind:
            member, node = _wrapped(name_and_kind, Node("structure", dict(_named(names, shared))))
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
    """Return the standard objects by name, read on first use."""
    # Assumed: `_contact` cannot be mapped; the service's model has no identifier for it yet.
    data = json.loads(_DATA.read_text())
    objects = [_of_data(name, item, data["shared"]) for name, item in data["objects"].items()]
    return {item.name: item for item in (_profile(), *objects)}


def target(path: str) -> tuple[StandardObject, Steps, Node]:
    """Resolve a field's target, which names a standard object and a path within it.

    Raises:
        ValueError: the object has no such member; the message says which.
    """
    name, _, rest = path.partition(".")
    found = standard()[name]
    return found, *found.resolve(rest)

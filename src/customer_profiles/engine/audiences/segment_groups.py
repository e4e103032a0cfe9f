"""Segment groups as requests write them: their conditions, and what is wrong with them."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles import _wire
from customer_profiles._hints.nearest import did_you_mean
from customer_profiles.engine import documents
from customer_profiles.engine.documents import Reference
from customer_profiles.engine.service.refusals import Refusal, bad_request, not_found

from . import calculated_attributes, predicates
from .attribute_definitions import range_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from customer_profiles._wire import Wire
    from customer_profiles.engine.documents import Scope

NOUN = "segment definition"
"""The noun of the kind of documents."""
ATTRIBUTES = "Attributes"

# AG:customer-segments-troubleshooting has the three limits. Observed in the service: the first
# counts conditions, also those on one attribute.
_MOST_CONDITIONS, _MOST_CALCULATED, _DEEPEST = 60, 10, 5
# Assumed: the limit of five starting segments of a group, seen in the admin website, is the API's.
_MOST_SOURCES = 5


class Asked(NamedTuple):
    """A condition of a segment, and where it is in the request."""

    path: tuple[str, ...]
    """The members, such as `Address` and `City`; of a calculated attribute its name alone."""
    is_calculated: bool
    condition: Wire
    where: str

    @property
    def is_date(self) -> bool:
        """Whether the values are dates even if they are numbers too."""
        return self.path == ("BirthDate",)

    @property
    def references(self) -> list[predicates.Reference]:
        """The other attributes that the values name."""
        values = self.condition["Values"]
        return [found for value in values if (found := predicates.reference(value))]


def conditions_of(groups: Wire) -> Iterator[Asked]:
    """Yield the conditions of groups, without those of starting segments."""
    for number, group in enumerate(groups.get("Groups", ()), 1):
        for position, dimension in enumerate(group.get("Dimensions", ()), 1):
            yield from dimension_conditions(dimension, f"Groups {number}, Dimensions {position}")


def dimension_conditions(dimension: Wire, where: str) -> Iterator[Asked]:
    """Yield the conditions of a dimension; `where` is its position in the request."""
    for name, asked in dimension.get("CalculatedAttributes", {}).items():
        yield Asked((name,), True, asked, f"{where}, {name}")  # noqa: FBT003 - a field's value
    for name, asked in dimension.get("ProfileAttributes", {}).items():
        if "DimensionType" in asked and name != ATTRIBUTES:
            yield Asked((name,), False, asked, f"{where}, {name}")  # noqa: FBT003
        else:
            for inner, own in asked.items():
                # The names of custom attributes are a customer's own, so they are not repeated.
                shown = name if name == ATTRIBUTES else f"{name}.{inner}"
                yield Asked((name, inner), False, own, f"{where}, {shown}")  # noqa: FBT003


def sources_of(groups: Wire) -> Iterator[str]:
    """Yield the names of the segments that groups start from."""
    for group in groups.get("Groups", ()):
        for source in group.get("SourceSegments", ()):
            if name := source.get("SegmentDefinitionName"):
                yield name


def references_of(body: Wire) -> Iterator[Reference]:
    """Yield the other segments and the calculated attributes that a definition uses."""
    groups = body.get("SegmentGroups", {})
    yield from (Reference(NOUN, name) for name in sources_of(groups))
    names = chain.from_iterable(map(_calculated_names, conditions_of(groups)))
    sorted_by = [
        item["Name"]
        for item in body.get("SegmentSort", {}).get("Attributes", ())
        if item.get("Type") == "CALCULATED"
    ]
    yield from (Reference(calculated_attributes.NOUN, name) for name in chain(names, sorted_by))


def _calculated_names(asked: Asked) -> Iterator[str]:
    if asked.is_calculated:
        yield asked.path[0]
    yield from (found.name for found in asked.references if found.is_calculated)


def member_path(name: str) -> tuple[str, ...]:
    """Return the members that a name such as `Address.City` or `Attributes.tier` means."""
    return tuple(name.split(".", 1))


def is_member(name: str) -> bool:
    """Return whether a name means a text of a profile, or a custom attribute."""
    first, *rest = member_path(name)
    shape: Any = _members().get(first)
    if shape is None:
        return False
    if shape.type_name == "structure":
        return bool(rest) and rest[0] in shape.members and first != "EngagementPreferences"
    return bool(rest) if shape.type_name == "map" else not rest and shape.type_name == "string"


@cache
def _members() -> Mapping[str, Any]:
    shape: Any = _wire.service().shape_for("Profile")
    return dict(shape.members)


def problems(scope: Scope, groups: Wire) -> Iterator[str]:
    """Describe what is wrong with groups that the service's model cannot express."""
    for number, group in enumerate(groups.get("Groups", ()), 1):
        yield from _group_problems(group, number)
    for asked in conditions_of(groups):
        yield from _condition_problems(asked)
    size = _size(scope, groups, {})
    # Observed in the service: a refusal with the words "maximum limit of 60".
    # Assumed: the limit of 60 conditions counts those on calculated attributes too.
    # Assumed: a reference counts as a condition on the attribute that it names.
    # Assumed: conditions of a starting segment count once for each start.
    counted = "counted through starting segments"
    if size.conditions > _MOST_CONDITIONS:
        yield (
            f"the segment has {size.conditions} conditions, {counted}: more than the maximum limit "
            f"of {_MOST_CONDITIONS}"
        )
    if size.calculated > _MOST_CALCULATED:
        yield (
            f"the segment has {size.calculated} conditions on calculated attributes, {counted}: "
            f"more than the maximum limit of {_MOST_CALCULATED}"
        )
    if size.depth > _DEEPEST:
        yield (
            f"the segment starts from segments {size.depth} levels deep: more than the maximum "
            f"limit of {_DEEPEST}"
        )


def _group_problems(group: Wire, number: int) -> Iterator[str]:
    sources = group.get("SourceSegments", ())
    if len(sources) > _MOST_SOURCES:
        yield (
            f"Groups {number} starts from {len(sources)} segments: more than the maximum limit of "
            f"{_MOST_SOURCES}"
        )
    if any("SegmentDefinitionName" not in source for source in sources):
        yield f"Groups {number} has a SourceSegment without SegmentDefinitionName"
    for position, dimension in enumerate(group.get("Dimensions", ()), 1):
        if len(dimension) != 1:
            yield (
                f"Groups {number}, Dimensions {position} must have one of ProfileAttributes and "
                f"CalculatedAttributes, not {'both' if dimension else 'none'}"
            )


def _condition_problems(asked: Asked) -> Iterator[str]:
    condition = asked.condition
    for problem in predicates.problems(
        condition["DimensionType"],
        condition["Values"],
        is_date=asked.is_date,
        references=True,
    ):
        yield f"{asked.where}: {problem}"
    for found in asked.references:
        if not found.is_calculated and not is_member(found.name):
            yield f"{asked.where}: a reference names no attribute of a profile"
    for problem in range_problems(condition.get("ConditionOverrides", {}).get("Range", {})):
        yield f"{asked.where}: {problem}"


class _Size(NamedTuple):
    conditions: int
    calculated: int
    depth: int


def _size(scope: Scope, groups: Wire, known: dict[str, _Size]) -> _Size:
    """Count conditions and levels, through the segments that groups start from."""
    asked = list(conditions_of(groups))
    referred = sum(len(condition.references) for condition in asked)
    calculated = sum(len(list(_calculated_names(condition))) for condition in asked)
    found = []
    for name in sources_of(groups):
        if name not in known:
            known[name] = _size(scope, groups_of(scope, name) or {}, known)
        found.append(known[name])
    return _Size(
        len(asked) + referred + sum(size.conditions for size in found),
        calculated + sum(size.calculated for size in found),
        1 + max((size.depth for size in found), default=0) if found else 0,
    )


def groups_of(scope: Scope, name: str) -> Wire | None:
    """Return the groups of a stored segment, or None without the segment.

    Raises:
        Refusal: the segment is defined by SQL.
    """
    document = documents.find(documents.KINDS[NOUN], scope, name)
    if document is None:
        return None
    if "SegmentGroups" not in document.body:
        # Assumed: a segment cannot start from one that is defined by SegmentSqlQuery.
        raise bad_request(
            f"Segment definition {name} is defined by SegmentSqlQuery, so no segment can start "
            "from it"
        )
    groups: Wire = document.body["SegmentGroups"]
    return groups


def check_query(scope: Scope, groups: Wire) -> None:
    """Refuse groups that a definition could not have."""
    if found := list(problems(scope, groups)):
        raise bad_request("; ".join(found))
    for noun, name in references_of({"SegmentGroups": groups}):
        if documents.find(documents.KINDS[noun], scope, name) is None:
            raise missing(scope, noun, name)


def missing(scope: Scope, noun: str, name: str) -> Refusal:
    """Return the refusal of groups that use what does not exist."""
    known = [document.name for document in documents.all_of(documents.KINDS[noun], scope)]
    return not_found(f"{noun[:1].upper()}{noun[1:]} {name} does not exist", name, known)


def sort_problems(scope: Scope, sort: Wire) -> Iterator[str]:
    """Describe what is wrong with a sort that the service's model cannot express."""
    for number, item in enumerate(sort.get("Attributes", ()), 1):
        name = item["Name"]
        if not is_calculated(scope, item) and not is_member(name):
            close = did_you_mean(name, [member for member in _members() if is_member(member)])
            hint = f"; {close}" if close else ""
            yield (
                f"SegmentSort {number} names {name}, which is neither a calculated attribute nor "
                f"a member of a profile such as LastName, Address.City or Attributes.tier{hint}"
            )


def is_calculated(scope: Scope, item: Wire) -> bool:
    """Return whether an attribute of a sort is a calculated one."""
    # Assumed: without a Type, a calculated attribute of the name is meant if there is one.
    kind = item.get("Type")
    if kind is None:
        known = documents.KINDS[calculated_attributes.NOUN]
        return documents.find(known, scope, item["Name"]) is not None
    return bool(kind == "CALCULATED")

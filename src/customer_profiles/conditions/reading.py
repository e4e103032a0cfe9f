"""Reading the service's groups as conditions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from customer_profiles._problems import unknown
from customer_profiles.errors import InvalidInputError

from .fields import CalculatedField, CustomField, ObjectField
from .nodes import EVERYBODY, And, Comparison, Condition, Field, InSegment, Or, joined
from .operators import FOR_ALL, RANGES
from .writing import FILTER, SEGMENT, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMBINATIONS = (None, "ALL", "ANY", "NONE")
_CONTENTS = ("Dimensions", "SourceSegments")
_UNIT = "DAYS"


class EverybodyWarning(UserWarning):
    """A group of a segment's definition is empty, which the service reads as everybody."""


def from_segment_groups(wire: Mapping[str, Any]) -> Condition:
    """Read the `SegmentGroups` of a segment's definition.

    What `to_segment_groups` wrote becomes the same condition again, or an equivalent one where
    the condition had to be transformed.

    Warns:
        EverybodyWarning: a group has neither conditions nor segments, so that it is everybody.

    Raises:
        InvalidInputError: these are no groups of a segment.
    """
    condition = read_segment_groups(wire)
    warn_of_empty_groups(wire, stacklevel=3)
    return condition


def warn_of_empty_groups(wire: Mapping[str, Any], *, stacklevel: int) -> None:
    """Warn if a group of a segment's definition is everybody, which few people intend."""
    groups = wire.get("Groups")
    if any(
        isinstance(group, Mapping) and not any(map(group.get, _CONTENTS))
        for group in (groups if isinstance(groups, list) else ())
    ):
        warnings.warn(
            "a group of this segment has no conditions, which the service reads as everybody; if "
            "the group was made of a list, the list was empty",
            EverybodyWarning,
            stacklevel=stacklevel,
        )


def read_segment_groups(wire: Mapping[str, Any]) -> Condition:
    """Read the `SegmentGroups` of a segment's definition, without warnings."""
    with _reading("the groups of a segment"):
        groups = _known(wire, "Groups", "Include").get("Groups") or ()
        return _combine(wire.get("Include"), [_read_group(group) for group in groups])


def from_filter(wire: Mapping[str, Any]) -> Condition:
    """Read the `Filter` of a calculated attribute.

    Raises:
        InvalidInputError: this is no such filter.
    """
    with _reading("a filter"):
        return _combine(
            wire["Include"],
            [
                _combine(group["Type"], _merged(_filter_dimensions(group), FILTER, group["Type"]))
                for group in wire["Groups"]
            ],
        )


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        msg = f"this cannot be read as {what}: {type(error).__name__}"
        raise InvalidInputError(msg) from error


def _known(wire: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return a structure; one with a member that is not known here might mean something else."""
    for name in wire:
        if name not in names:
            raise InvalidInputError(unknown(name, names, "a condition", "member"))
    return wire


def _combine(include: object, parts: list[Condition]) -> Condition:
    """Combine conditions as ALL, ANY or NONE do; no conditions are everybody."""
    if include not in _COMBINATIONS:
        raise InvalidInputError(unknown(str(include), ["ALL", "ANY", "NONE"], "a group", "value"))
    if not parts:
        return EVERYBODY
    if include == "NONE":
        return joined(And, [~part for part in parts])
    return joined(Or if include == "ANY" else And, parts)


def _read_group(group: Mapping[str, Any]) -> Condition:
    _known(group, "Dimensions", "SourceSegments", "SourceType", "Type")
    sources = [InSegment(item["SegmentDefinitionName"]) for item in group.get("SourceSegments", ())]
    kind = group.get("Type") or "ALL"
    dimensions = [_read_dimension(item) for item in group.get("Dimensions", ())]
    return joined(
        And,
        [
            _combine(group.get("SourceType") or "ANY", [*sources]),
            _combine(kind, _merged(dimensions, SEGMENT, kind)),
        ],
    )


def _read_dimension(dimension: Mapping[str, Any]) -> Condition:
    """Read a dimension: all the comparisons in it hold."""
    found: list[Condition] = []
    _known(dimension, "CalculatedAttributes", "ProfileAttributes")
    for name, value in (dimension.get("ProfileAttributes") or {}).items():
        if name == "Attributes":
            found += [_read_comparison(CustomField("attribute", k), v) for k, v in value.items()]
        elif "DimensionType" in value:
            found.append(_read_comparison(Field("profile", name), value))
        else:
            found += [
                _read_comparison(Field("profile", f"{name}.{member}"), inner)
                for member, inner in value.items()
            ]
    for name, value in (dimension.get("CalculatedAttributes") or {}).items():
        found.append(_read_comparison(CalculatedField("calculated", name), value))
    return joined(And, found)


def _read_comparison(field: Field[Any], wire: Mapping[str, Any]) -> Comparison:
    _known(wire, "ConditionOverrides", "DimensionType", "Values")
    period = _known(wire.get("ConditionOverrides") or {}, "Range").get("Range")
    if period and _known(period, "End", "Start", "Unit")["Unit"] != _UNIT:
        raise InvalidInputError(unknown(period["Unit"], [_UNIT], "a period", "unit"))
    days = (period["Start"], period.get("End") or 0) if period else None
    return Comparison(field, wire["DimensionType"], tuple(wire["Values"]), days)


def _filter_dimensions(group: Mapping[str, Any]) -> list[Condition]:
    return [
        joined(
            And,
            [
                _read_comparison(ObjectField("object", name), value)
                for name, value in dimension["Attributes"].items()
            ],
        )
        for dimension in group["Dimensions"]
    ]


def _merged(parts: list[Condition], target: Target, kind: str) -> list[Condition]:
    """Join the lists of values that were split when they were written."""
    merged: list[Condition] = []
    for part in parts:
        last = merged[-1] if merged else None
        if (
            isinstance(part, Comparison)
            and isinstance(last, Comparison)
            and len(last.values) % target.most_values == 0
            and _is_split(part, kind)
            and (part.field, part.operator, part.days) == (last.field, last.operator, last.days)
        ):
            values = (*last.values, *part.values)
            merged[-1] = Comparison(last.field, last.operator, values, last.days)
        else:
            merged.append(part)
    return merged


def _is_split(part: Comparison, kind: str) -> bool:
    """Return whether parts that are combined so may be those of one list."""
    if part.operator in RANGES:
        return False
    return (kind == "ALL") if part.operator in FOR_ALL else (kind in {"ANY", "NONE"})

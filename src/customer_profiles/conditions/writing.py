"""Writing conditions as the service's groups: of two levels, or refused."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from customer_profiles.errors import InvalidInputError

from .nodes import (
    EVERYBODY,
    NOBODY,
    And,
    Comparison,
    Condition,
    InSegment,
    Joined,
    Not,
    Or,
    check_is_condition,
    joined,
    leaves,
    parts_of,
    shown,
)
from .operators import FOR_ALL, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles._wire import Wire

    from .nodes import Kind

_MOST_CONDITIONS, _MOST_CALCULATED, _MOST_SOURCES = 60, 10, 5
_MOST_FILTER_GROUPS, _MOST_FILTER_DIMENSIONS = 2, 10
# What has more terms has more than 60 conditions, and takes long.
_MOST_TERMS = 256


class _Group(NamedTuple):
    """A group of a definition: starting segments, and comparisons."""

    source_type: str
    sources: tuple[InSegment, ...]
    type: str
    comparisons: tuple[Comparison, ...]


class Target(NamedTuple):
    """What a form of the service can say."""

    noun: str
    kinds: tuple[Kind, ...]
    most_values: int
    """The most values of a condition."""
    refused: str
    """What to do about the other fields."""


SEGMENT = Target(
    "a segment",
    ("profile", "attribute", "calculated"),
    50,
    "where.field() is for the filters of calculated attributes; a segment compares the calculated "
    "attribute itself with where.calculated()",
)
FILTER = Target(
    "a filter",
    ("object",),
    10,
    "a filter compares fields of the objects that are counted, with where.field()",
)


def to_segment_groups(condition: Condition) -> Wire:
    """Write a condition as the `SegmentGroups` of a segment's definition.

    Lists of more than 50 values are split. Where the two levels of groups cannot have the form of
    the condition, an equivalent form is used if there is a short one.

    Raises:
        InvalidInputError: a segment cannot say this; the message names the remedy.
    """
    include, groups = _arranged(condition, SEGMENT, _fits_segment)
    return {"Include": include, "Groups": [_segment_group(group) for group in groups]}


def to_filter(condition: Condition) -> Wire:
    """Write a condition as the `Filter` of a calculated attribute.

    Raises:
        InvalidInputError: a filter cannot say this; the message names the remedy.
    """
    check_is_condition(condition)
    if condition == EVERYBODY:
        msg = "a filter needs a condition; leave it out to count all objects"
        raise InvalidInputError(msg)
    include, groups = _arranged(condition, FILTER, _fits_filter)
    return {
        "Include": include,
        "Groups": [
            {
                "Type": group.type,
                "Dimensions": [
                    {"Attributes": {item.field.name: _dimension(item)}}
                    for item in group.comparisons
                ],
            }
            for group in groups
        ],
    }


def _segment_group(group: _Group) -> Wire:
    wire: Wire = {
        "Type": group.type,
        "Dimensions": [_segment_dimension(item) for item in group.comparisons],
    }
    if group.sources:
        names = [{"SegmentDefinitionName": source.name} for source in group.sources]
        wire |= {"SourceSegments": names, "SourceType": group.source_type}
    return wire


def _segment_dimension(comparison: Comparison) -> Wire:
    field, wire = comparison.field, _dimension(comparison)
    if field.kind == "calculated":
        if comparison.days:
            start, end = comparison.days
            period = {"Start": start, "End": end, "Unit": "DAYS"}
            wire["ConditionOverrides"] = {"Range": period}
        return {"CalculatedAttributes": {field.name: wire}}
    path = ["Attributes", field.name] if field.kind == "attribute" else field.name.split(".")
    return {"ProfileAttributes": reduce(lambda inner, name: {name: inner}, reversed(path), wire)}


def _dimension(comparison: Comparison) -> Wire:
    return {"DimensionType": comparison.operator, "Values": list(comparison.values)}


def _arranged(
    condition: Condition, target: Target, check: Callable[[list[_Group]], str | None]
) -> tuple[str, list[_Group]]:
    """Return groups that say what a condition says: its own form, or else an equivalent one."""
    check_is_condition(condition)
    for leaf in leaves(condition):
        _bind(leaf, target)
    split = _split(condition, target.most_values)
    reasons: list[str] = []
    # A form with more conditions than a segment takes has no equivalent that fits.
    is_small = len(set(leaves(split))) <= _MOST_CONDITIONS
    for outer in (None, And, Or) if is_small else (None,):
        try:
            form = split if outer is None else _normal(split, outer)
        except InvalidInputError as error:
            reasons.append(str(error))
            continue
        _check_varies(form, condition, target)
        groups = _two_levels(form)
        reason = groups and check(groups[1])
        if groups and not reason:
            return groups
        reasons += [reason] if reason else []
    if not reasons and not is_small:
        reasons.append(_too_many(len(set(leaves(split)))))
    raise InvalidInputError(reasons[0] if reasons else _why_not(split, target))


def _check_varies(form: Condition, condition: Condition, target: Target) -> None:
    """Refuse a condition that nobody meets, or everybody although it compares something."""
    if form == NOBODY:
        msg = f"the condition is met by nobody, which {target.noun} cannot say; leave a part out"
        raise InvalidInputError(msg)
    if form == EVERYBODY != condition:
        msg = (
            f"{shown(condition)} is met by everybody, because a part of it is always true; leave "
            "that out, or write where.everybody"
        )
        raise InvalidInputError(msg)


def _bind(leaf: Condition, target: Target) -> None:
    """Refuse a simple condition that the target does not have."""
    if isinstance(leaf, InSegment) and target is FILTER:
        msg = f"{target.noun} cannot use {leaf!r}; {target.refused}"
        raise InvalidInputError(msg)
    if not isinstance(leaf, Comparison):
        return
    if leaf.field.kind not in target.kinds:
        msg = f"{target.noun} cannot compare {leaf.field!r}; {target.refused}"
        raise InvalidInputError(msg)
    if target is FILTER and any(map(REFERENCE.fullmatch, leaf.values)):
        msg = f"{target.noun} cannot compare {leaf.field!r} with another field"
        raise InvalidInputError(msg)


def _why_not(condition: Condition, target: Target) -> str:
    """Describe what two levels of groups cannot say, without values."""
    parts = [part for part in getattr(condition, "parts", ()) if isinstance(part, Joined)]
    part = max(parts, key=lambda part: len(repr(part)), default=condition)
    remedy = (
        f"create a segment for a part of it, such as {shown(part)}, and use "
        "where.segment('its name') in its place, or write the segment in SQL"
        if target is SEGMENT
        else "simplify it, or count with several calculated attributes"
    )
    return (
        f"{target.noun} cannot say {shown(condition)}: it has two levels, groups that are joined "
        "by all, any or none, and conditions that are joined so in each group, and no equivalent "
        f"condition fits them; {remedy}"
    )


def _too_many(count: int) -> str:
    return (
        f"a segment takes at most {_MOST_CONDITIONS} conditions, and this has {count:,}; a "
        f"condition has up to 50 values, so a list may have {_MOST_CONDITIONS * 50:,} at most. "
        "Mark the profiles with a custom attribute, and compare that"
    )


def _fits_segment(groups: list[_Group]) -> str | None:
    comparisons = [item for group in groups for item in group.comparisons]
    references = sum(
        REFERENCE.fullmatch(value) is not None for item in comparisons for value in item.values
    )
    count = len(comparisons) + references
    calculated = {item.field.name for item in comparisons if item.field.kind == "calculated"}
    sources = max((len(group.sources) for group in groups), default=0)
    if count > _MOST_CONDITIONS:
        return _too_many(count)
    if len(calculated) > _MOST_CALCULATED:
        return (
            f"a segment takes at most {_MOST_CALCULATED} calculated attributes, and this has "
            f"{len(calculated)}; leave some out"
        )
    if sources > _MOST_SOURCES:
        return (
            f"a group of a segment starts from at most {_MOST_SOURCES} other segments, and this "
            f"would need {sources}; create a segment that joins some of them"
        )
    return None


def _fits_filter(groups: list[_Group]) -> str | None:
    most = max(len(group.comparisons) for group in groups)
    if len(groups) > _MOST_FILTER_GROUPS or most > _MOST_FILTER_DIMENSIONS:
        return (
            f"a filter takes {_MOST_FILTER_GROUPS} groups of {_MOST_FILTER_DIMENSIONS} conditions "
            f"with {FILTER.most_values} values each, and this needs {len(groups)} groups, the "
            f"largest of {most} conditions; simplify it"
        )
    return None


def _two_levels(condition: Condition) -> tuple[str, list[_Group]] | None:
    """Return the groups of a condition that has the form of two levels already."""
    if (group := _group(condition)) is not None:
        return "ALL", [group]
    forms = [("NONE", _several(parts_of(Or, ~condition), Or))]
    if isinstance(condition, And):
        forms.insert(0, ("ALL", _several(condition.parts, And)))
    elif isinstance(condition, Or):
        forms.insert(0, ("ANY", _several(condition.parts, Or)))
    possible = [(include, groups) for include, groups in forms if groups is not None]
    return min(possible, key=lambda form: len(form[1]), default=None)


def _several(parts: tuple[Condition, ...], join: type[And | Or]) -> list[_Group] | None:
    """Return the groups of parts that all, or any, hold; parts that may share a group do."""
    shared: dict[object, list[Condition]] = {}
    for position, part in enumerate(parts):
        key: object = position
        if join is And and isinstance(part, (Comparison, InSegment, Not)):
            key = f"negated {isinstance(part, Not)}"
        elif join is Or and isinstance(part, (Comparison, InSegment)):
            key = type(part)
        shared.setdefault(key, []).append(part)
    groups = [_group(joined(join, members)) for members in shared.values()]
    return None if None in groups else [group for group in groups if group is not None]


def _group(condition: Condition) -> _Group | None:
    """Return the group that says what a condition says, if a single one can."""
    if condition == EVERYBODY:
        return _Group("ANY", (), "ALL", ())
    sources: list[Condition] = []
    others: list[Condition] = []
    for part in parts_of(And, condition):
        inner = part.condition if isinstance(part, Not) else part
        is_source = all(isinstance(item, InSegment) for item in parts_of(Or, inner))
        (sources if is_source else others).append(part)
    source, comparisons = _combined(sources, InSegment), _combined(others, Comparison)
    if source is None or comparisons is None:
        return None
    return _Group(source[0], source[1], comparisons[0], comparisons[1])


C = TypeVar("C", bound=Condition)


def _combined(parts: list[Condition], kind: type[C]) -> tuple[str, tuple[C, ...]] | None:
    """Return how simple conditions of a kind are combined, if ALL, ANY or NONE says that."""
    if all(isinstance(part, kind) for part in parts):
        return "ALL", cast("tuple[C, ...]", tuple(parts))
    inner = tuple(part.condition if isinstance(part, Not) else part for part in parts)
    if all(isinstance(part, Not) for part in parts) and all(isinstance(p, kind) for p in inner):
        return "NONE", cast("tuple[C, ...]", inner)
    if len(parts) == 1 and all(isinstance(part, kind) for part in parts_of(Or, parts[0])):
        return "ANY", cast("tuple[C, ...]", parts_of(Or, parts[0]))
    return None


def _split(condition: Condition, most: int) -> Condition:
    """Return a condition whose comparisons have at most so many values each."""
    if isinstance(condition, (And, Or)):
        return joined(type(condition), [_split(part, most) for part in condition.parts])
    if isinstance(condition, Not):
        return ~_split(condition.condition, most)
    if not isinstance(condition, Comparison) or len(condition.values) <= most:
        return condition
    field, operator, values, days = (
        *(condition.field, condition.operator),
        *(condition.values, condition.days),
    )
    chunks = [
        Comparison(field, operator, values[start : start + most], days)
        for start in range(0, len(values), most)
    ]
    return joined(And if operator in FOR_ALL else Or, chunks)


def _normal(condition: Condition, outer: type[And | Or]) -> Condition:
    """Return an equivalent condition of two levels: `outer` joins terms of simple conditions."""
    inner = Or if outer is And else And
    return joined(outer, [joined(inner, term) for term in _terms(condition, outer)])


def _terms(condition: Condition, outer: type[And | Or]) -> list[tuple[Condition, ...]]:
    """Return the terms of the normal form of a condition.

    Raises:
        InvalidInputError: joining two parts would make too many.
    """
    if not isinstance(condition, Joined):
        return [(condition,)]
    terms: list[tuple[Condition, ...]] | None = None
    for part in condition.parts:
        more = _terms(part, outer)
        if terms is None:
            terms = more
        elif isinstance(condition, outer):
            terms = _fewest([*terms, *more])
        else:
            if len(terms) * len(more) > _MOST_TERMS:
                msg = (
                    f"the condition has no short form of two levels: joining {shown(part)} would "
                    f"make {len(terms) * len(more):,} groups of it; create a segment for that "
                    "part, and use where.segment('its name') in its place"
                )
                raise InvalidInputError(msg)
            terms = _fewest([(*left, *right) for left in terms for right in more])
    return terms or []


def _fewest(terms: list[tuple[Condition, ...]]) -> list[tuple[Condition, ...]]:
    """Return the terms without those that another one makes superfluous."""
    sets = {frozenset(term): tuple(dict.fromkeys(term)) for term in terms}
    useful = {
        members: term
        for members, term in sets.items()
        # A condition beside its opposite makes a term that is always true, or never.
        if not any(~member in members for member in members)
    }
    return [term for members, term in useful.items() if not any(o < members for o in useful)]

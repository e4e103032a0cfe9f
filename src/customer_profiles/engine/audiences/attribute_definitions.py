"""Definitions of calculated attributes: the checks that the service's model cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles._standard_objects import standard
from customer_profiles.engine.documents import Reference
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.templates import templates
from customer_profiles.engine.store import object_types

from . import expressions, predicates
from .calculated_attributes import COVERS, TIMESTAMP_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.engine.documents import Scope

OBJECT_TYPE = "object type"
_MOST_DAYS = 366
_MOST_OBJECTS = 100
_FIXED = ("TimestampSource", "TimestampFormat")


def prepare(_scope: Scope, new: Wire, old: Wire | None) -> Wire:
    """Return the body to store: with its status, or with the merged conditions of an update."""
    if old is None:
        # Assumed: without historical data a definition is COMPLETED at once.
        is_historical = bool(new.get("UseHistoricalData"))
        days = _covered_days(new.get("Conditions", {})) if is_historical else None
        covered = {} if days is None else {COVERS: days}
        status = "PREPARING" if is_historical else "COMPLETED"
        percentage = 0 if is_historical else 100
        return {
            **new,
            **covered,
            "Status": status,
            "Readiness": {"ProgressPercentage": percentage},
        }
    # Assumed: an update replaces the members of Conditions one by one, Range as one of them.
    before, after = old.get("Conditions", {}), new.get("Conditions", {})
    merged = {**before, **after}
    if "Range" in merged:
        # Assumed: a Range without TimestampSource and TimestampFormat keeps the earlier ones.
        kept = {name: before["Range"][name] for name in _FIXED if name in before.get("Range", {})}
        merged["Range"] = {**kept, **merged["Range"]}
    return {**new, "Conditions": merged} if merged else new


def problems(_scope: Scope, new: Wire, old: Wire | None) -> Iterator[str]:
    """Describe everything that is wrong with a definition."""
    details = new["AttributeDetails"]
    if old is None:
        names = [attribute["Name"] for attribute in details["Attributes"]]
        yield from expressions.problems(details["Expression"], names)
        yield from _filter_problems(new.get("Filter", {"Groups": []}))
    conditions = new.get("Conditions", {})
    yield from range_problems(conditions.get("Range", {}))
    yield from _timestamp_problems(conditions.get("Range", {}), details["Expression"])
    if old is not None:
        yield from _changes(old.get("Conditions", {}), conditions)
    count = conditions.get("ObjectCount")
    if count is not None and count > _MOST_OBJECTS:
        # AG:customerprofiles-calculated-attributes-apis: 1 to 100.
        yield f"ObjectCount is {count}; it must be 1 to {_MOST_OBJECTS}"


def range_problems(chosen: Wire) -> Iterator[str]:
    """Describe what is wrong with the days of a Range, or of one that overrides it."""
    # AG:customerprofiles-calculated-attributes-apis: 366 days at most.
    # Assumed: a range of the future has 366 days at most, too.
    if chosen.get("Value", 0) > _MOST_DAYS:
        yield f"Range has a Value of {chosen['Value']} days; it must be {_MOST_DAYS} at most"
    bounds = chosen.get("ValueRange", chosen)
    start, end = bounds.get("Start", 0), bounds.get("End", 0)
    for name, days in (("Start", start), ("End", end)):
        if not -_MOST_DAYS <= days <= _MOST_DAYS:
            yield f"Range has a {name} of {days} days; it must be -{_MOST_DAYS} to {_MOST_DAYS}"
    # Assumed: Start of a range is not after its End.
    if "Start" in bounds and start < end:
        yield (
            f"Range has a Start of {start} and an End of {end} days; days count back from now, "
            "so Start must not be less than End"
        )


def references(body: Wire) -> Iterator[Reference]:
    """Yield the object type that a definition uses."""
    for name, _ in expressions.ATTRIBUTE.findall(body["AttributeDetails"]["Expression"]):
        yield Reference(OBJECT_TYPE, name)


def check_object_type(scope: Scope, new: Wire, old: Wire | None) -> None:
    """Refuse a new definition whose object type does not exist."""
    expression = expressions.parse(new["AttributeDetails"]["Expression"])
    if old is not None or expression is None:
        return
    for name in dict.fromkeys(expression.object_types):
        # Assumed: a calculated attribute of a template's name needs no PutProfileObjectType.
        is_known = name in standard() or name in templates()
        if not is_known and not object_types.exists(scope.connection, scope.domain, name):
            # Assumed: an Expression with a missing object type is a ResourceNotFoundException.
            raise compiled_types.unknown(scope.connection, scope.domain, name)


def _covered_days(conditions: Wire) -> int | None:
    chosen = conditions.get("Range", {})
    if "ValueRange" in chosen:
        return int(chosen["ValueRange"]["Start"])
    return chosen.get("Value") or None


def _timestamp_problems(chosen: Wire, expression: str) -> Iterator[str]:
    source = chosen.get("TimestampSource")
    if source is not None:
        parsed = expressions.parse(source)
        named = expressions.parse(expression)
        if parsed is None or parsed.operators:
            yield "TimestampSource must be one attribute, such as {order.placedAt}"
        # Assumed: TimestampSource names the object type of Expression.
        elif named is not None and parsed.object_types[0] not in named.object_types:
            yield (
                f"TimestampSource names the object type {parsed.object_types[0]}, and Expression "
                f"{named.object_types[0]}; use attributes of one type"
            )
    written = chosen.get("TimestampFormat")
    if written is not None and written not in TIMESTAMP_FORMATS:
        yield f"TimestampFormat must be one of {', '.join(sorted(TIMESTAMP_FORMATS))}"


def _changes(before: Wire, after: Wire) -> Iterator[str]:
    # AG:customerprofiles-calculated-attributes-apis: both are fixed once they are created.
    old, new = before.get("Range", {}), after.get("Range", {})
    for name in _FIXED:
        if old.get(name) != new.get(name):
            yield f"{name} cannot be changed; leave it out, or create another calculated attribute"


def _filter_problems(chosen: Wire) -> Iterator[str]:
    for group in chosen["Groups"]:
        for dimension in group["Dimensions"]:
            for name, test in dimension["Attributes"].items():
                for problem in predicates.problems(test["DimensionType"], test["Values"]):
                    yield f"Filter of {name}: {problem}"

"""The definitions that an export has: calculated attributes, segments and event streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles.errors import AccessDeniedError
from customer_profiles.models.calculated_attribute import CalculatedAttribute
from customer_profiles.repositories.base import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.models.domain import Domain


def read_definitions(domain: Domain) -> tuple[dict[str, list[Wire]], list[str]]:
    """Return the definitions of a domain by member, and in words what could not be read."""
    found: dict[str, list[Wire]] = {}
    denied: list[str] = []
    readers: tuple[tuple[str, str, Callable[[Domain], Iterator[Wire]]], ...] = (
        ("CalculatedAttributes", "calculated attributes", _calculated_attributes),
        ("Segments", "segments", _segments),
        ("EventStreams", "event streams", _event_streams),
    )
    for member, noun, read in readers:
        try:
            found[member] = list(read(domain))
        except AccessDeniedError as error:
            denied.append(f"{noun}: {error}")
    if "Segments" in found:
        found["Segments"] = in_order(found["Segments"])
    return found, denied


def _calculated_attributes(domain: Domain) -> Iterator[Wire]:
    for item in domain.calculated_attributes.all():
        yield source_of(domain.calculated_attributes.get(item.calculated_attribute_name))


def _segments(domain: Domain) -> Iterator[Wire]:
    for item in domain.segments.all():
        yield source_of(domain.segments.get(item.segment_definition_name))


def _event_streams(domain: Domain) -> Iterator[Wire]:
    for item in domain.event_streams.all():
        yield {
            **source_of(domain.event_streams.get(item.event_stream_name)),
            "EventStreamName": item.event_stream_name,
        }


def in_order(segments: list[Wire]) -> list[Wire]:
    """Return segment definitions so that each follows those from which it starts."""
    waiting = {segment["SegmentDefinitionName"]: segment for segment in segments}
    ordered: dict[str, Wire] = {}
    while waiting:
        ready = [
            name
            for name, segment in waiting.items()
            if not any(source in waiting for source in _sources(segment))
        ]
        # The service allows no circles; if there is one, it decides what it refuses.
        for name in ready or list(waiting):
            ordered[name] = waiting.pop(name)
    return list(ordered.values())


def _sources(segment: Wire) -> Iterator[str]:
    for group in (segment.get("SegmentGroups") or {}).get("Groups", ()):
        for source in group.get("SourceSegments") or ():
            yield source["SegmentDefinitionName"]


# What of a calculated attribute an update can change, and what only a new one can have.
_CHANGEABLE = ("display_name", "description", "conditions")
_FIXED = ("attribute_details", "statistic", "filter", "use_historical_data")


class CalculatedAttributeWriter:
    """Writes calculated attributes into a domain, which has default ones from its beginning."""

    def __init__(self, domain: Domain) -> None:
        self._attributes = domain.calculated_attributes
        self._stored = {
            item.calculated_attribute_name: item.refresh() for item in self._attributes.all()
        }

    def others(self, wires: list[Wire]) -> list[str]:
        """Return the names of those that the domain has besides these."""
        return sorted(self._stored.keys() - {wire["CalculatedAttributeName"] for wire in wires})

    def delete(self, name: str) -> None:
        """Delete one."""
        self._attributes.delete(name)

    def write(self, wire: Wire) -> bool:
        """Create one, or change the one of its name until it is the same.

        Returns:
            Whether it is not one of those that every domain has.
        """
        wanted = CalculatedAttribute._from_wire(wire)
        stored = self._stored.get(wanted.calculated_attribute_name)
        if stored is not None and not _are_equal(stored, wanted, _FIXED):
            stored.delete()
            stored = None
        if stored is None:
            self._attributes.create(wanted)
        elif not _are_equal(stored, wanted, _CHANGEABLE):
            for name in _CHANGEABLE:
                setattr(stored, name, getattr(wanted, name))
            stored.save()
        return is_own(wire)


def is_own(wire: Wire) -> bool:
    """Return whether a calculated attribute is not one of those that every domain has."""
    return wire.get("CreatedAt") is not None


def _are_equal(
    left: CalculatedAttribute, right: CalculatedAttribute, names: tuple[str, ...]
) -> bool:
    return all((getattr(left, name) or None) == (getattr(right, name) or None) for name in names)


def settings_of(record: Any, fields: Any, *without: str) -> dict[str, Any]:
    """Return the settings of a record that its repository creates it with.

    Args:
        record: a record that was read from an export.
        fields: the `TypedDict` of the settings.
        without: settings to leave out.
    """
    return {
        name: value
        for name in fields.__annotations__
        if name not in without and (value := getattr(record, name)) is not None
    }

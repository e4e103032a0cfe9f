"""Merging: which profiles of a match group become one, and whose values it has then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Wire = dict[str, Any]

Path = tuple[str, ...]
"""The names that lead to a value; a list is one value."""


class Source(Protocol):
    """An object that set values of a profile."""

    @property
    def type(self) -> str:
        """The object's type."""
        ...

    @property
    def time(self) -> float:
        """When its source changed it, else when it was ingested, in epoch seconds."""
        ...

    @property
    def ingested(self) -> float:
        """When it was ingested, in epoch seconds."""
        ...


S = TypeVar("S", bound=Source)

_ID = "ProfileId"
_ATTRIBUTES = "Attributes"
# Assumed: the free text of a gender or party type is taken from where its enum is taken from.
_TOGETHER = {"Gender": ("Gender", "GenderString"), "PartyType": ("PartyType", "PartyTypeString")}
_FIELD_OF = {name: field for field, names in _TOGETHER.items() for name in names}


@dataclass(frozen=True)
class Part(Generic[S]):
    """A profile that takes part in a merge."""

    id: str
    """The profile's id."""
    values: Wire
    """The profile, as the service answers it."""
    sources: Mapping[Path, S] = field(default_factory=dict)
    """Which objects set its values; a value without one was set by hand."""
    changed: float = 0.0
    """When the profile was last changed, which stands for when its values were set by hand."""


@dataclass(slots=True)
class Merged(Generic[S]):
    """What a merge makes of the values of several profiles; it has no id of its own."""

    values: Wire = field(default_factory=dict)
    """The values."""
    sources: dict[Path, S] = field(default_factory=dict)
    """Which objects set them; a value without one was set by hand."""


def chosen(main: Part[S], others: Sequence[Part[S]], field_source_profile_ids: Wire) -> Merged[S]:
    """Unite values as MergeProfiles does: the main profile's, unless another's is asked for.

    Args:
        main: the profile that stays.
        others: those that it takes in; of values that the main profile lacks the first one's
            counts.
        field_source_profile_ids: by member, the profile whose value is taken, even if it has
            none; `Attributes` holds such ids by attribute.

    Raises:
        KeyError: an id is none of these profiles'.
    """
    # API:MergeProfiles: a named profile's value is taken "even if it is a NULL value".
    parts = {one.id: one for one in (main, *others)}
    result = Merged[S]()
    for place in _fields(parts.values()):
        named: Any = field_source_profile_ids
        for step in place:
            named = (named or {}).get(step)
        candidates = parts.values() if named is None else (parts[named],)
        taken = next((one for one in candidates if _held(one, place)), None)
        if taken is not None:
            _take(result, taken, place)
    return result


def merged(profiles: Iterable[Part[S]], resolution: Wire | None = None) -> Merged[S]:
    """Unite values as a ConflictResolution says; the order of the profiles does not matter.

    Values that were set by hand stay. Among the others the latest one wins, under SOURCE the
    latest that an object of type SourceName set, if there is any.
    """
    # Assumed: SOURCE without a SourceName is RECENCY.
    # Assumed: between values set by hand that of the profile that was changed last wins.
    # Assumed: among equally late values that of the profile with the smallest id wins.
    parts = sorted(profiles, key=lambda one: one.id)
    preferred = (resolution or {}).get("SourceName")
    if (resolution or {}).get("ConflictResolvingModel") != "SOURCE":
        preferred = None
    result = Merged[S]()
    for place in _fields(parts):
        holders = [one for one in parts if _held(one, place)]
        best = max(holders, key=lambda one: _rank(one, place, preferred))
        _take(result, best, place)
    return result


def _fields(parts: Iterable[Part[Any]]) -> list[Path]:
    """Give what is taken from one profile as a whole, for all that any profile has."""
    # Assumed: an address is one field, and so are EngagementPreferences; a merge mixes neither.
    found: dict[Path, None] = {}
    for one in parts:
        for name, value in one.values.items():
            if name == _ATTRIBUTES:
                found.update(((_ATTRIBUTES, inner), None) for inner in value)
            elif name != _ID:
                found[(_FIELD_OF.get(name, name),)] = None
    return list(found)


def _held(part: Part[Any], place: Path) -> dict[Path, Any]:
    """Give what a profile has of a field, by the names that lead there."""
    first, *rest = place
    if rest:
        inner = part.values.get(first) or {}
        return {place: inner[rest[0]]} if rest[0] in inner else {}
    names = _TOGETHER.get(first, place)
    return {(name,): part.values[name] for name in names if name in part.values}


def _take(result: Merged[S], part: Part[S], place: Path) -> None:
    """Take a field from a profile, with who set it."""
    for path, value in _held(part, place).items():
        *outer, name = path
        target = result.values
        for step in outer:
            target = target.setdefault(step, {})
        target[name] = value
        for leaf in _leaves(value, path):
            if leaf in part.sources:
                result.sources[leaf] = part.sources[leaf]


def _rank(part: Part[Any], place: Path, preferred: str | None) -> tuple[int, float, float]:
    """Say how well a profile's value for a field stands: the greatest wins."""
    held = _held(part, place)
    leaves = (leaf for path, value in held.items() for leaf in _leaves(value, path))
    sources = [part.sources.get(leaf) for leaf in leaves]
    # AG:create-consolidation-criteria: what was set by hand is preserved.
    # Assumed: a field of several members was set by hand if any member was.
    objects = [source for source in sources if source is not None]
    if len(objects) < len(sources):
        return 2, part.changed, 0.0
    time, ingested = max(((one.time, one.ingested) for one in objects), default=(0.0, 0.0))
    return int(any(one.type == preferred for one in objects)), time, ingested


def _leaves(value: Any, before: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*before, name))
    else:
        yield before

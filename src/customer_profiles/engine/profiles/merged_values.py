"""Which values a merged profile gets, and from which of the profiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .provenance import Path, Source, leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from customer_profiles._wire import Wire

_ID = "ProfileId"
_ATTRIBUTES = "Attributes"
# Assumed: the free text of a gender or party type is taken from where its enum is taken from.
_TOGETHER = {"Gender": ("Gender", "GenderString"), "PartyType": ("PartyType", "PartyTypeString")}
_FIELD_OF = {name: field for field, names in _TOGETHER.items() for name in names}


@dataclass(frozen=True)
class Part:
    """A profile that takes part in a merge."""

    id: str
    """The profile's id."""
    values: Wire
    """The profile, as the service answers it."""
    sources: Mapping[Path, Source] = field(default_factory=dict)
    """Which objects set its values; a value without a source was set by hand."""
    changed: float = 0.0
    """When the profile was last changed: the assumed time of values that were set by hand."""


@dataclass(slots=True)
class Merged:
    """The merged values of several profiles, without an id."""

    values: Wire = field(default_factory=dict)
    """The values."""
    sources: dict[Path, Source] = field(default_factory=dict)
    """Which objects set them; a value without a source was set by hand."""


def chosen(main: Part, others: Sequence[Part], field_source_profile_ids: Wire) -> Merged:
    """Merge values as MergeProfiles does: from the main profile, unless the request says otherwise.

    Args:
        main: the profile that stays.
        others: the profiles that are merged into it. A value that the main profile lacks is taken
            from the first of them that has it.
        field_source_profile_ids: by member, the id of the profile whose value is taken, even if
            it has none; `Attributes` has such ids by attribute.

    Raises:
        KeyError: an id belongs to none of these profiles.
    """
    # API:MergeProfiles: a named profile's value is taken "even if it is a NULL value".
    parts = {part.id: part for part in (main, *others)}
    result = Merged()
    for path in _fields(parts.values()):
        named: Any = field_source_profile_ids
        for name in path:
            named = (named or {}).get(name)
        candidates = parts.values() if named is None else (parts[named],)
        chosen_part = next((part for part in candidates if _values(part, path)), None)
        if chosen_part is not None:
            _copy(result, chosen_part, path)
    return result


def named_sources(field_source_profile_ids: Wire) -> Iterator[tuple[str, str]]:
    """Iterate over the pairs of a member and a profile's id in a FieldSourceProfileIds."""
    for name, value in field_source_profile_ids.items():
        if isinstance(value, dict):
            yield from ((name, profile_id) for profile_id in value.values())
        else:
            yield name, value


def merged(profiles: Iterable[Part], resolution: Wire | None = None) -> Merged:
    """Merge values by a ConflictResolution, whatever the order of the profiles.

    Values that were set by hand are kept. Among the others the latest one wins; under SOURCE, the
    latest one that an object of type SourceName set, if there is any.
    """
    # Assumed: SOURCE without a SourceName is RECENCY.
    # Assumed: between values set by hand that of the profile that was changed last wins.
    # Assumed: among equally late values that of the profile with the smallest id wins.
    parts = sorted(profiles, key=lambda part: part.id)
    preferred = (resolution or {}).get("SourceName")
    if (resolution or {}).get("ConflictResolvingModel") != "SOURCE":
        preferred = None
    result = Merged()
    for path in _fields(parts):
        holders = [part for part in parts if _values(part, path)]
        best = max(holders, key=lambda part: _rank(part, path, preferred))
        _copy(result, best, path)
    return result


def _fields(parts: Iterable[Part]) -> list[Path]:
    """Return the paths of the fields that any profile has; each is taken from a single profile."""
    # Assumed: an address is one field, and so are EngagementPreferences; a merge mixes neither.
    found: dict[Path, None] = {}
    for part in parts:
        for name, value in part.values.items():
            if name == _ATTRIBUTES:
                found.update(((_ATTRIBUTES, inner), None) for inner in value)
            elif name != _ID:
                found[(_FIELD_OF.get(name, name),)] = None
    return list(found)


def _values(part: Part, field_path: Path) -> dict[Path, Any]:
    """Return the values that a profile has for a field, by their paths."""
    first, *rest = field_path
    if rest:
        inner = part.values.get(first) or {}
        return {field_path: inner[rest[0]]} if rest[0] in inner else {}
    names = _TOGETHER.get(first, field_path)
    return {(name,): part.values[name] for name in names if name in part.values}


def _copy(result: Merged, part: Part, field_path: Path) -> None:
    """Copy a field and its sources from a profile."""
    for (*outer, name), value in _values(part, field_path).items():
        target = result.values
        for step in outer:
            target = target.setdefault(step, {})
        target[name] = value
        for leaf, _ in leaves({name: value}, tuple(outer)):
            if leaf in part.sources:
                result.sources[leaf] = part.sources[leaf]


def _rank(part: Part, field_path: Path, preferred: str | None) -> tuple[int, float, float]:
    """Return the rank of a profile's value for a field; the highest rank wins."""
    sources = [
        part.sources.get(leaf)
        for (*outer, name), value in _values(part, field_path).items()
        for leaf, _ in leaves({name: value}, tuple(outer))
    ]
    # AG:create-consolidation-criteria: values that were set by hand are preserved.
    # Assumed: a field of several members was set by hand if any member was.
    objects = [source for source in sources if source is not None]
    if len(objects) < len(sources):
        return 2, part.changed, 0.0
    latest = max(((source.time, source.ingested) for source in objects), default=(0.0, 0.0))
    return int(any(source.type == preferred for source in objects)), *latest

"""Profiles side by side: what agrees and what differs, for people who decide."""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher
from itertools import combinations
from typing import TYPE_CHECKING, Any

from customer_profiles.models.match import ComparedField, ProfileComparison

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from customer_profiles.models.match import Agreement
    from customer_profiles.models.profile import Profile

_NOT_COMPARED = ("profile_id", "found_by", "engagement_preferences")
_SIMILAR = 0.75
# A national number is the end of the international one.
_SHORTEST_NUMBER = 7


def compare(profiles: Sequence[Profile]) -> ProfileComparison:
    """Compare profiles field by field."""
    rows = [dict(_values(profile)) for profile in profiles]
    order = [name for name, _ in _values(_all_fields(profiles))] if profiles else []
    fields = [
        ComparedField(
            field=name,
            values=[row.get(name) for row in rows],
            agreement=_agreement(name, [row[name] for row in rows if name in row]),
        )
        for name in order
    ]
    fullest = max(range(len(rows)), key=lambda n: (len(rows[n]), -n), default=None)
    return ProfileComparison(
        profiles=list(profiles),
        fields=fields,
        fullest="" if fullest is None else profiles[fullest].profile_id,
    )


def _all_fields(profiles: Sequence[Profile]) -> Any:
    """Return a mapping with all fields that any of the profiles has, in the model's order."""
    merged: dict[str, Any] = {}
    for name in type(profiles[0]).model_fields:
        for profile in profiles:
            value = getattr(profile, name)
            if value is None:
                continue
            plain = value if isinstance(value, (str, dict, list)) else value.reveal()
            if isinstance(plain, dict):
                merged[name] = {**merged.get(name, {}), **plain}
            else:
                merged.setdefault(name, plain)
    return merged


def _values(source: Any) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a profile, with dots in the names of nested members."""
    members = source if isinstance(source, dict) else source.reveal()
    for name, value in members.items():
        if name in _NOT_COMPARED or value in (None, "", {}):
            continue
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", str(text)) for inner, text in value.items() if text)
        else:
            yield name, str(value)


def _agreement(name: str, values: list[str]) -> Agreement:
    if len(values) < 2:  # noqa: PLR2004
        return "missing"
    is_number = "phone" in name
    plain = [_plain(value, is_number=is_number) for value in values]
    if all(_is_same(left, right, is_number=is_number) for left, right in combinations(plain, 2)):
        return "same"
    alike = (
        SequenceMatcher(None, left, right, autojunk=False).ratio() >= _SIMILAR
        for left, right in combinations(plain, 2)
    )
    return "similar" if not is_number and all(alike) else "different"


def _is_same(left: str, right: str, *, is_number: bool) -> bool:
    if left == right:
        return True
    shorter, longer = sorted((left, right), key=len)
    return is_number and len(shorter) >= _SHORTEST_NUMBER and longer.endswith(shorter.lstrip("0"))


def _plain(value: str, *, is_number: bool) -> str:
    text = unicodedata.normalize("NFKD", value).casefold()
    if is_number:
        return "".join(filter(str.isdigit, text))
    # Marks such as accents are no letters; a text of symbols only is compared as it is.
    return "".join(filter(str.isalnum, text)) or text

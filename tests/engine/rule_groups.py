"""Rule-based matching of all profiles at once: what the index must agree with."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Generic

from customer_profiles.engine.matching.rule_keys import Group, Id, RuleKey, Rules, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def level_between(one: dict[str, Any], other: dict[str, Any], rules: Rules) -> int | None:
    """Return the strongest level at which two profiles match; None if they do not."""
    shared = {*keys_of(one, rules)} & {*keys_of(other, rules)}
    return min((key.level for key in shared), default=None)


def groups(keys: Mapping[Id, Iterable[RuleKey]]) -> list[Group[Id]]:
    """Group profiles by the keys that they share, level by level."""
    holders = _holders(keys)
    union, matched = _Union(keys), set[Id]()
    found: list[Group[Id]] = []
    for level, shared in itertools.groupby(sorted(holders), lambda key: key.level):
        new: set[Id] = set()
        for key in shared:
            union.join(holders[key])
            new.update(profile for profile in holders[key] if profile not in matched)
        found.extend(Group(level, ids) for ids in union.sets_of(new))
        matched |= new
    return found


def to_merge(keys: Mapping[Id, Iterable[RuleKey]], rules: Rules) -> list[tuple[Id, ...]]:
    """Return the sets of profiles that are connected at the levels that merge."""
    union, merging = _Union(keys), set[Id]()
    for key, ids in _holders(keys).items():
        if key.level <= rules.merge_level:
            union.join(ids)
            merging.update(ids)
    return list(union.sets_of(merging))


def _holders(keys: Mapping[Id, Iterable[RuleKey]]) -> dict[RuleKey, list[Id]]:
    """Return the keys that several profiles have, and these profiles."""
    found: dict[RuleKey, list[Id]] = {}
    for profile, own in keys.items():
        for key in set(own):
            found.setdefault(key, []).append(profile)
    return {key: ids for key, ids in found.items() if len(ids) > 1}


class _Union(Generic[Id]):
    """Disjoint sets of profiles; the smaller one joins the larger."""

    def __init__(self, ids: Iterable[Id]) -> None:
        self._sets: dict[Id, list[Id]] = {profile: [profile] for profile in ids}

    def join(self, ids: list[Id]) -> None:
        """Unite the sets of several profiles."""
        for profile in ids[1:]:
            small, large = sorted((self._sets[ids[0]], self._sets[profile]), key=len)
            if small is not large:
                large.extend(small)
                self._sets.update(dict.fromkeys(small, large))

    def sets_of(self, ids: Iterable[Id]) -> Iterator[tuple[Id, ...]]:
        """Yield the sets of profiles, each once, by their first profile."""
        sets = {id(found): found for found in map(self._sets.__getitem__, ids)}
        yield from sorted(tuple(sorted(found)) for found in sets.values())

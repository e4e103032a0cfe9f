"""Finding profiles by several keys at once, page by page, and saying what found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.store.database import Connection

_BATCH, _LARGEST_BATCH = 100, 1_000
_COMMON = 1_000


@dataclass(frozen=True, slots=True)
class Term:
    """One value of a key that is searched for."""

    value: str
    """The value as it was asked for."""
    hash: int = 0
    row: int | None = None
    """The only profile that it can find, when the value is a profile's id."""

    def holders(self, connection: Connection, after: int, limit: int) -> list[int]:
        """Give the first profiles beyond `after` that hold the value, in order."""
        if self.row is None:
            return key_store.holders(connection, self.hash, after, limit)
        return [self.row] if self.row > after else []


@dataclass(frozen=True, slots=True)
class Criterion:
    """A key that is searched for: a profile meets it by any of the terms."""

    name: str
    terms: tuple[Term, ...]

    def holders(self, connection: Connection, after: int, limit: int) -> list[int]:
        """Give the first profiles beyond `after` that meet the criterion, in order."""
        found = {
            profile for term in self.terms for profile in term.holders(connection, after, limit)
        }
        return sorted(found)[:limit]

    def among(self, connection: Connection, profiles: Sequence[int]) -> list[int]:
        """Give those of `profiles` that meet the criterion."""
        found = {term.row for term in self.terms}
        hashes = [term.hash for term in self.terms if term.row is None]
        if hashes:
            found |= key_store.held(connection, hashes, profiles)
        return [profile for profile in profiles if profile in found]

    def frequency(self, connection: Connection) -> int:
        """Estimate how many profiles meet the criterion; all common ones count alike."""
        return sum(
            1 if term.row is not None else key_store.frequency(connection, term.hash, _COMMON)
            for term in self.terms
        )


Hits = dict[int, list[tuple[int, str]]]
"""Profiles, each with the criteria that it meets: their positions and the values that hit."""


class Plan(Protocol):
    """A way to run through the profiles that a search finds."""

    def candidates(self, connection: Connection, after: int, limit: int) -> Hits:
        """Give the first profiles beyond `after`, in order; fewer than `limit` are the last."""
        ...


class AnyOf:
    """Profiles that meet at least one criterion."""

    def __init__(self, criteria: Sequence[Criterion]) -> None:
        """Look for each value by itself; their first pages hold the first page of all."""
        self._terms = [
            (position, term)
            for position, criterion in enumerate(criteria)
            for term in criterion.terms
        ]

    def candidates(self, connection: Connection, after: int, limit: int) -> Hits:
        """Give the first profiles beyond `after`, in order."""
        hits: Hits = {}
        for position, term in self._terms:
            for profile in term.holders(connection, after, limit):
                hits.setdefault(profile, []).append((position, term.value))
        return {profile: hits[profile] for profile in sorted(hits)[:limit]}


class AllOf:
    """Profiles that meet every criterion."""

    def __init__(self, connection: Connection, criteria: Sequence[Criterion]) -> None:
        """Run through the rarest criterion's profiles and check the others on them."""
        self._driver, *self._others = sorted(
            criteria, key=lambda criterion: criterion.frequency(connection)
        )
        # The model's text on FoundByItems: all pairs of the request, as all of them matched.
        self._hits = [
            (position, term.value)
            for position, criterion in enumerate(criteria)
            for term in criterion.terms
        ]

    def candidates(self, connection: Connection, after: int, limit: int) -> Hits:
        """Give the first profiles beyond `after`, in order."""
        found: list[int] = []
        size = max(limit, _BATCH)
        while len(found) < limit:
            batch = self._driver.holders(connection, after, size)
            found += self._checked(connection, batch)
            if len(batch) < size:
                break
            after, size = batch[-1], min(size * 2, _LARGEST_BATCH)
        return dict.fromkeys(found[:limit], self._hits)

    def _checked(self, connection: Connection, batch: list[int]) -> list[int]:
        for criterion in self._others:
            batch = criterion.among(connection, batch) if batch else batch
        return batch


@dataclass(frozen=True, slots=True)
class Find:
    """A profile that a search found."""

    row: int
    body: bytes
    hits: list[tuple[int, str]]


def run(connection: Connection, plan: Plan, after: int, limit: int, now: float) -> list[Find]:
    """Find the first `limit` profiles beyond `after` that have not expired."""
    found: list[Find] = []
    while len(found) < limit:
        hits = plan.candidates(connection, after, limit)
        bodies = profile_store.bodies(connection, list(hits), now) if hits else {}
        found += [Find(row, bodies[row], hits[row]) for row in hits if row in bodies]
        if len(hits) < limit:
            break
        after = max(hits)
    return found[:limit]

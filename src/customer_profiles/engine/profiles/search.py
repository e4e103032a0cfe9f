"""Searching profiles by several keys, page by page, and reporting which keys found them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pydantic_core import to_json

from customer_profiles._hints.nearest import did_you_mean
from customer_profiles._type_rules import PREDEFINED_KEYS
from customer_profiles.engine.service.refusals import not_found
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store.rows import key_slot

from . import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_profiles.engine.store.database import Connection

_BATCH, _LARGEST_BATCH = 100, 1_000
_COMMON = 1_000
_PROFILE_KEYS = ("_account", "_email", "_fullName", "_phone", "_profileId")


class Term(NamedTuple):
    """A value of a searched key."""

    value: str
    """The value in the request."""
    slot: int = 0
    """Where the index has the profiles with this value."""
    row: int | None = None
    """The only profile that the term can find, if the value is a profile's id."""

    def holders(self, connection: Connection, after: int, limit: int) -> list[int]:
        """Return the first profiles beyond `after` with the value, in order."""
        if self.row is None:
            return key_store.holders(connection, self.slot, after, limit)
        return [self.row] if self.row > after else []


class Criterion(NamedTuple):
    """A searched key: a profile meets the criterion with any of the terms."""

    name: str
    terms: tuple[Term, ...]

    def holders(self, connection: Connection, after: int, limit: int) -> list[int]:
        """Return the first profiles beyond `after` that meet the criterion, in order."""
        found = {
            profile for term in self.terms for profile in term.holders(connection, after, limit)
        }
        return sorted(found)[:limit]

    def among(self, connection: Connection, profiles: Sequence[int]) -> list[int]:
        """Return those of `profiles` that meet the criterion."""
        found = {term.row for term in self.terms}
        slots = [term.slot for term in self.terms if term.row is None]
        if slots:
            found |= key_store.holders_among(connection, slots, profiles)
        return [profile for profile in profiles if profile in found]

    def frequency(self, connection: Connection) -> int:
        """Estimate how many profiles meet the criterion, up to a limit for each term."""
        return sum(
            1 if term.row is not None else key_store.frequency(connection, term.slot, _COMMON)
            for term in self.terms
        )


def criterion(
    connection: Connection,
    domain: int,
    name: str,
    values: Sequence[str],
    content_types: Sequence[str],
) -> Criterion:
    """Return the criterion for a key of a request; a key without content types is unknown."""
    if not content_types:
        hint = "AddProfileKey defines it, and so does an object type that has it"
        if name.startswith("_"):
            hint = f"predefined keys are {', '.join(_PROFILE_KEYS)} and those of templates"
        known = [*sorted(PREDEFINED_KEYS), *type_store.key_names(connection, domain)]
        if close := did_you_mean(name, known):
            hint = f"{close} {hint[0].upper()}{hint[1:]}"
        # Assumed: a search by a key name that the domain lacks is a ResourceNotFoundException.
        raise not_found(f"KeyName {name} is not defined in the domain; {hint}")
    keys.check_values(name, values)
    if name == "_profileId":
        rows = {
            value: profile_store.row_of(connection, domain, keys.id_bytes(value))
            for value in values
        }
        return Criterion(name, tuple(Term(value, row=row) for value, row in rows.items() if row))
    terms = (
        Term(value, key_slot(domain, (name, normal)))
        for value in dict.fromkeys(values)
        for normal in sorted(keys.normals(name, content_types, value))
        if normal
    )
    return Criterion(name, tuple(terms))


Hit = tuple[int, str]
"""The position of a criterion that a profile meets, and the value by which it does."""

Hits = dict[int, list[Hit]]
"""The hits of profiles, by their rows."""


class Plan(Protocol):
    """A way to iterate over the profiles that a search finds."""

    def candidates(self, connection: Connection, after: int, limit: int) -> Hits:
        """Return the first profiles beyond `after`, in order; fewer than `limit` are the last."""
        ...


class AnyOf:
    """Profiles that meet at least one criterion."""

    def __init__(self, criteria: Sequence[Criterion]) -> None:
        """Search for each value by itself; their first pages contain the first page of all."""
        self._terms = [
            (position, term)
            for position, criterion in enumerate(criteria)
            for term in criterion.terms
        ]

    def candidates(self, connection: Connection, after: int, limit: int) -> Hits:
        """Return the first profiles beyond `after`, in order."""
        hits: Hits = {}
        for position, term in self._terms:
            for profile in term.holders(connection, after, limit):
                hits.setdefault(profile, []).append((position, term.value))
        return {profile: hits[profile] for profile in sorted(hits)[:limit]}


class AllOf:
    """Profiles that meet every criterion."""

    def __init__(self, connection: Connection, criteria: Sequence[Criterion]) -> None:
        """Iterate over the profiles of the rarest criterion, and check the other criteria."""
        self._driver, *self._others = sorted(
            criteria, key=lambda criterion: criterion.frequency(connection)
        )
        # The model's text on FoundByItems: with AND, all pairs of the request are answered.
        self._hits = [
            (position, term.value)
            for position, criterion in enumerate(criteria)
            for term in criterion.terms
        ]

    def candidates(self, connection: Connection, after: int, limit: int) -> Hits:
        """Return the first profiles beyond `after`, in order."""
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


class Find(NamedTuple):
    """A profile that a search has found."""

    row: int
    body: bytes
    hits: list[Hit]


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


def page(criteria: Sequence[Criterion], found: Sequence[Find], token: str | None) -> bytes:
    """Join the stored JSON of profiles, each with its FoundByItems, into an answer."""
    written: dict[tuple[Hit, ...], bytes] = {}
    items: list[bytes] = []
    for profile in found:
        hits = tuple(profile.hits)
        if hits not in written:
            written[hits] = to_json(_found_by(criteria, hits))
        items.append(b'%b,"FoundByItems":%b}' % (profile.body[:-1], written[hits]))
    # Seen from the service: the last page has a NextToken of null.
    next_token = b"null" if token is None else b'"%b"' % token.encode()
    return b'{"Items":[%b],"NextToken":%b}' % (b",".join(items), next_token)


def _found_by(criteria: Sequence[Criterion], hits: Iterable[Hit]) -> list[dict[str, Any]]:
    # Assumed: a search by a single key answers with FoundByItems too.
    values: dict[int, list[str]] = {}
    for position, value in dict.fromkeys(hits):
        values.setdefault(position, []).append(value)
    return [{"KeyName": criteria[position].name, "Values": values[position]} for position in values]

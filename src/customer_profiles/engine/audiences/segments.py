"""Segments: what their groups mean, and which profiles are in them.

The groups become a tree of conditions. SQL evaluates it over many profiles (`store.conditions`).
Conditions on calculated attributes, and those that refer to another attribute, are open: they are
evaluated here, for the profiles that the other conditions leave.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic_core import from_json

from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import segments as store
from customer_profiles.engine.store.conditions import Combined, Condition, Tree, compile_tree
from customer_profiles.engine.store.rows import row_range

from . import calculated_attributes, predicates
from .segment_groups import NOUN, Asked, dimension_conditions, groups_of, member_path, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.documents import Scope
    from customer_profiles.engine.store.conditions import Query
    from customer_profiles.engine.store.segments import Rows

_ROWS_A_RANGE, _MOST_RANGES = 25_000, 2_000
PROFILES_A_BATCH = 500
_LEAST_PAGE = 100
T = TypeVar("T")


class StoppedError(Exception):
    """The engine is being closed; the work continues when it is opened again."""


class Window(NamedTuple):
    """A calculated attribute, with the range that a segment asks for, as JSON."""

    name: str
    override: str = ""


class Subject(NamedTuple):
    """A profile, with the calculated attributes that a segment needs."""

    profile: Wire
    calculated: Mapping[Window, calculated_attributes.Value]

    def member(self, path: Sequence[str]) -> str | None:
        """Return the text of a member of the profile."""
        value: Any = self.profile
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return predicates.text(value)

    def value(self, reference: predicates.Reference) -> str | None:
        """Return the text of what a reference names."""
        if not reference.is_calculated:
            return self.member(member_path(reference.name))
        found = self.calculated.get(Window(reference.name))
        return found and found.text


class Audience(NamedTuple):
    """Groups of a segment, compiled to find the profiles that are in them."""

    tree: Tree
    windows: tuple[Window, ...]
    """The calculated attributes that open conditions need."""
    query: Query

    def holds(self, subject: Subject) -> bool:
        """Return whether a profile is in the segment."""
        return holds(self.tree, subject)


def compile_groups(scope: Scope, groups: Wire) -> Audience:
    """Return groups as a tree of conditions, with those of the segments that they start from."""
    windows: dict[Window, None] = {}
    tree = _tree(scope, groups, windows, {})
    return Audience(tree, tuple(windows), compile_tree(tree))


def _tree(scope: Scope, groups: Wire, windows: dict[Window, None], known: dict[str, Tree]) -> Tree:
    # Assumed: Include and Type are ALL where they are absent, and SourceType is ANY.
    found = [_group(scope, group, windows, known) for group in groups.get("Groups", ())]
    # Observed in the service: a group without conditions means every profile.
    # Assumed: groups without a group mean every profile too, whatever Include says.
    return _combined(groups.get("Include", "ALL"), found) if found else True


def _group(scope: Scope, group: Wire, windows: dict[Window, None], known: dict[str, Tree]) -> Tree:
    sources: list[Tree] = []
    for source in group.get("SourceSegments", ()):
        name = source["SegmentDefinitionName"]
        if name not in known:
            groups = groups_of(scope, name)
            if groups is None:
                raise missing(scope, NOUN, name)
            known[name] = _tree(scope, groups, windows, known)
        sources.append(known[name])
    # Assumed: several attributes in one Dimension must all match.
    dimensions = [
        _combined("ALL", [leaf(asked, windows) for asked in dimension_conditions(dimension, "")])
        for dimension in group.get("Dimensions", ())
    ]
    parts = []
    if sources:
        parts.append(_combined(group.get("SourceType", "ANY"), sources))
    if dimensions:
        parts.append(_combined(group.get("Type", "ALL"), dimensions))
    return _combined("ALL", parts)


def _combined(include: str, parts: Sequence[Tree]) -> Tree:
    """Combine trees, without those that are true or false of every profile."""
    constants = {part for part in parts if isinstance(part, bool)}
    conditions = tuple(part for part in parts if not isinstance(part, bool))
    if (include != "ALL") in constants:
        return include == "ANY"
    if not conditions:
        return include != "ANY"
    if include != "NONE" and len(conditions) == 1:
        return conditions[0]
    return Combined(include, conditions)


def leaf(asked: Asked, windows: dict[Window, None]) -> Condition:
    """Return a condition, and add the calculated attributes that it needs to `windows`."""
    operator, values = asked.condition["DimensionType"], tuple(asked.condition["Values"])
    references = asked.references
    windows.update((Window(found.name), None) for found in references if found.is_calculated)
    is_date = asked.is_date
    if asked.is_calculated:
        override = asked.condition.get("ConditionOverrides")
        window = Window(asked.path[0], json.dumps(override, sort_keys=True) if override else "")
        windows[window] = None
        test = partial(_test_calculated, window, operator)
    else:
        test = partial(_test_member, asked.path)
    match = _matcher(operator, values, is_date=is_date, has_references=bool(references))
    is_plain = _is_quotable(asked.path) and not any("\0" in value for value in values)
    is_open = asked.is_calculated or bool(references) or not is_plain
    if is_open:
        return Condition(asked.path, operator, values, partial(test, match), is_open=True)
    bounds, is_date = _bounds(operator, values, is_date=is_date)
    plain = predicates.matcher(operator, values, is_date=is_date)
    return Condition(asked.path, operator, values, plain, bounds, is_date)


def _matcher(
    operator: str, values: Sequence[str], *, is_date: bool, has_references: bool
) -> Callable[[object, Subject], bool]:
    if not has_references:
        plain = predicates.matcher(operator, values, is_date=is_date)
        return lambda value, _: plain(value)

    def match(value: object, subject: Subject) -> bool:
        # Assumed: a reference to an absent attribute matches nothing, and EXCLUSIVE ignores it.
        resolved = [_resolved(text, subject) for text in values]
        present = [text for text in resolved if text is not None]
        if operator == "LIST_CONTAINS_ALL" and len(present) < len(resolved):
            return False
        return predicates.matcher(operator, present, is_date=is_date)(value)

    return match


def _resolved(value: str, subject: Subject) -> str | None:
    found = predicates.reference(value)
    return subject.value(found) if found else value


def _test_member(
    path: tuple[str, ...], match: Callable[[object, Subject], bool], subject: Subject
) -> bool:
    return match(subject.member(path), subject)


def _test_calculated(
    window: Window, operator: str, match: Callable[[object, Subject], bool], subject: Subject
) -> bool:
    # Assumed: a calculated attribute that was deleted since has no value.
    found = subject.calculated.get(window)
    if found is None:
        return match(None, subject)
    return match(found.comparable if operator in predicates.LISTS else found.text, subject)


def _is_quotable(path: Sequence[str]) -> bool:
    """Return whether SQLite can write the names of a path between quotes."""
    return all(name.isprintable() and '"' not in name and "\\" not in name for name in path)


def _bounds(
    operator: str, values: Sequence[str], *, is_date: bool
) -> tuple[tuple[float, ...], bool]:
    """Return the numbers or dates that values are, and whether they are dates."""
    if operator in predicates.DATES or operator in predicates.RANGES:
        numbers = [predicates.number(value) for value in values]
        if operator in predicates.DATES or is_date or None in numbers:
            return tuple(predicates.instant(value) or 0.0 for value in values), True
    if operator in predicates.NUMBERS or operator in predicates.RANGES:
        return tuple(float(predicates.number(value) or 0) for value in values), False
    return (), False


def holds(tree: Tree, subject: Subject) -> bool:
    """Return whether a profile matches a tree."""
    if isinstance(tree, bool):
        return tree
    if isinstance(tree, Condition):
        return tree.test(subject if tree.is_open else subject.member(tree.path))
    return predicates.combine(tree.include, (holds(part, subject) for part in tree.parts))


def subjects(
    scope: Scope, windows: Sequence[Window], rows: Sequence[int]
) -> Iterator[tuple[int, bytes, Subject]]:
    """Yield the rows, ids and subjects of profiles that have not expired, in the order of rows."""
    now = scope.context.clock.now()
    for start in range(0, len(rows), PROFILES_A_BATCH):
        found = store.profiles(scope.connection, rows[start : start + PROFILES_A_BATCH], now)
        values = calculated(scope, windows, [row for row, *_ in found])
        for row, profile_id, body in found:
            yield row, profile_id, Subject(from_json(body), values[row])


def read_subjects(
    scope: Scope, windows: Sequence[Window], rows: Sequence[int]
) -> Iterator[tuple[int, bytes, Subject]]:
    """Yield the same as `subjects`, from a transaction for each batch.

    Raises:
        StoppedError: the engine is being closed.
    """
    for start in range(0, len(rows), PROFILES_A_BATCH):
        if scope.context.closing.is_set():
            raise StoppedError
        with scope.context.database.read() as connection:
            batch = rows[start : start + PROFILES_A_BATCH]
            found = list(subjects(scope._replace(connection=connection), windows, batch))
        yield from found


def calculated(
    scope: Scope, windows: Sequence[Window], rows: Sequence[int]
) -> dict[int, dict[Window, calculated_attributes.Value]]:
    """Compute calculated attributes of profiles, by their rows."""
    values: dict[int, dict[Window, calculated_attributes.Value]] = {row: {} for row in rows}
    wanted = {
        window: (attribute, json.loads(window.override) if window.override else None)
        for window in windows
        if (attribute := calculated_attributes.find(scope, window.name))
    }
    computed = calculated_attributes.values_of_many(scope, [*wanted.values()], rows)
    for window, found in zip(wanted, computed, strict=True):
        for row, value in found.items():
            values[row][window] = value
    return values


def members(scope: Scope, audience: Audience, rows: Rows) -> list[int]:
    """Return the rows of the profiles in a range that are in a segment, in order."""
    found = store.matching(scope.connection, audience.query, rows)
    return confirmed(scope, audience, found)


def confirmed(scope: Scope, audience: Audience, found: Sequence[tuple[int, bool]]) -> list[int]:
    """Return those of the found rows whose open conditions hold too."""
    doubtful = [row for row, is_sure in found if not is_sure]
    holding = {
        row
        for row, _, subject in subjects(scope, audience.windows, doubtful)
        if audience.holds(subject)
    }
    return [row for row, is_sure in found if is_sure or row in holding]


def count(scope: Scope, audience: Audience, rows: Rows) -> int:
    """Count the profiles in a range that are in a segment."""
    surely = store.count(scope.connection, audience.query, rows)
    if audience.query.is_exact:
        return surely
    doubtful = store.uncertain(scope.connection, audience.query, rows)
    found = subjects(scope, audience.windows, doubtful)
    return surely + sum(audience.holds(subject) for *_, subject in found)


def scan(scope: Scope, read: Callable[[Scope, Rows], T]) -> Iterator[T]:
    """Yield what a function returns of each range of a domain's rows, each in a transaction.

    Raises:
        StoppedError: the engine is being closed.
    """
    database, closing = scope.context.database, scope.context.closing
    with database.read() as connection:
        domain = domain_store.find_row(connection, scope.domain_name)
    if domain is None or domain.id != scope.domain:
        return
    now = scope.context.clock.now()
    # Two threads would take longer: SQLite's allocations wait for each other.
    for rows in store.ranges(domain.id, domain.last_row, _ROWS_A_RANGE, _MOST_RANGES, now):
        if closing.is_set():
            raise StoppedError
        with database.read() as connection:
            found = read(scope._replace(connection=connection), rows)
        yield found


def members_after(
    scope: Scope, audience: Audience, after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Read the rows and bodies of up to `limit` members beyond a row, in the order of rows."""
    domain = domain_store.find_row(scope.connection, scope.domain_name)
    last = domain.last_row if domain else 0
    now = scope.context.clock.now()
    first, _ = row_range(scope.domain)
    after = max(after, first - 1)
    found: list[int] = []
    while len(found) < limit and after < last:
        rows = store.Rows(scope.domain, after + 1, last, now)
        most = max(limit - len(found), _LEAST_PAGE)
        page = store.matching(scope.connection, audience.query, rows, most)
        found += confirmed(scope, audience, page)
        after = page[-1][0] if len(page) == most else last
    bodies = store.profiles(scope.connection, found[:limit], now)
    return [(row, body) for row, _, body in bodies]

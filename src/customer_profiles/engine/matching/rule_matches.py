"""Reading the matches that the rules of a domain find, from the index of keys."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store import rule_matches as store

from . import rule_keys
from .rule_keys import Group
from .rules import holders, keys_held

if TYPE_CHECKING:
    from customer_profiles.engine.store.database import Connection

_ROWS_A_READ = 200
_LEVELS = "0123456789abcdef"


class RuleMatch(NamedTuple):
    """Profiles that match by rule."""

    match_id: str
    level: int
    rows: tuple[int, ...]


class _Index:
    """The index of keys as one request reads it: each key and each profile's keys once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys_held = cache(partial(keys_held, connection))
        self._holders = cache(partial(holders, connection))

    def level(self, row: int) -> int | None:
        """Return the level of a profile's own group."""
        return rule_keys.level_of(row, self._keys_held, self._holders)

    def own_group(self, row: int) -> Group[int] | None:
        """Return the group of a profile; None if it matches no other."""
        return rule_keys.group_of(row, self._keys_held, self._holders)

    def connected(self, row: int, level: int) -> Group[int]:
        """Return a profile and all that are connected with it up to a level."""
        rows = rule_keys.connected(row, level, self._keys_held, self._holders)
        return Group(level, tuple(sorted(rows)))

    def match(self, group: Group[int]) -> RuleMatch:
        """Return the match of a group."""
        stored = profile_store.at(self._connection, group.ids[0])
        name = stored.profile_id.hex() if stored else ""
        # Assumed: a match id is 32 hexadecimal digits.
        # Assumed: a match keeps its id as long as its first profile and its level stay.
        return RuleMatch(_LEVELS[group.level] + name[1:], group.level, group.ids)


def of_profile(connection: Connection, row: int) -> RuleMatch | None:
    """Return the match of a profile; None if it matches no other."""
    index = _Index(connection)
    group = index.own_group(row)
    return None if group is None else index.match(group)


def find(connection: Connection, domain: int, match_id: str) -> RuleMatch | None:
    """Return a match by its id; None if there is no such match now."""
    level = _LEVELS.find(match_id[:1])
    first = profile_store.row_of(connection, domain, _first_of(match_id))
    if first is None or level < 1:
        return None
    index = _Index(connection)
    group = index.connected(first, level)
    # The first profile may belong to a stronger group than the one that is named after it.
    if not any(index.level(row) == level for row in group.ids):
        return None
    match = index.match(group)
    return match if match.match_id == match_id else None


def page(
    connection: Connection, domain: int, after: int, limit: int
) -> tuple[list[RuleMatch], int | None]:
    """Return matches of a domain in order, and the row after which the next page begins."""
    index = _Index(connection)
    found: list[RuleMatch] = []
    grouped = set[tuple[int | None, int]]()
    while len(found) < limit:
        read = store.sharing(connection, domain, after, _ROWS_A_READ)
        # A damaged index may return rows that were read before, again and again.
        rows = [row for row in read if row > after]
        for row in rows:
            after = row
            level = index.level(row)
            group = None if (level, row) in grouped else index.own_group(row)
            if group is None:
                continue
            grouped.update((level, other) for other in group.ids)
            # An earlier page has listed the group if it is an earlier profile's own group.
            if any(other < row and index.level(other) == level for other in group.ids):
                continue
            found.append(index.match(group))
            if len(found) == limit:
                break
        if not rows:
            return found, None
    more = store.sharing(connection, domain, after, 1)
    return found, after if more else None


def _first_of(match_id: str) -> bytes:
    try:
        return bytes.fromhex("0" + match_id[1:])
    except ValueError:
        return b""

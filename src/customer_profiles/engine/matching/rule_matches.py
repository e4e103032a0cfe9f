"""Reading the matches that the rules of a domain find, from the index of keys."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store import rule_matches as store

from . import rule_keys
from .rules import holders, keys_held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.engine.store.database import Connection

    from .rule_keys import Group

_ROWS_A_READ = 200
_LEVELS = "0123456789abcdef"


class RuleMatch(NamedTuple):
    """Profiles that match by rule."""

    match_id: str
    level: int
    rows: tuple[int, ...]


def of_profile(connection: Connection, row: int) -> RuleMatch | None:
    """Return the match of a profile; None if it matches no other."""
    group = _group(connection, row)
    return None if group is None else _match(connection, group)


def find(connection: Connection, domain: int, match_id: str) -> RuleMatch | None:
    """Return a match by its id; None if there is no such match now."""
    level = _LEVELS.find(match_id[:1])
    first = profile_store.row_of(connection, domain, _first_of(match_id))
    if first is None or level < 1:
        return None
    group = _group_at(connection, first, level)
    match = None if group is None else _match(connection, group)
    return match if match and match.match_id == match_id else None


def page(
    connection: Connection, domain: int, after: int, limit: int
) -> tuple[list[RuleMatch], int | None]:
    """Return matches of a domain in order, and the row after which the next page begins."""
    found: list[RuleMatch] = []
    while len(found) < limit:
        rows = store.sharing(connection, domain, after, _ROWS_A_READ)
        for row in rows:
            after = row
            group = _group(connection, row)
            if group is None or _is_listed_before(connection, group, row):
                continue
            found.append(_match(connection, group))
            if len(found) == limit:
                break
        if not rows:
            return found, None
    more = store.sharing(connection, domain, after, 1)
    return found, after if more else None


def profile_ids(connection: Connection, rows: Iterable[int], now: float) -> list[str]:
    """Return the ids of profiles that have not expired."""
    bodies = profile_store.bodies(connection, list(rows), now)
    return [json.loads(bodies[row])["ProfileId"] for row in sorted(bodies)]


def _group(connection: Connection, row: int) -> Group[int] | None:
    return rule_keys.group_of(row, partial(keys_held, connection), partial(holders, connection))


def _group_at(connection: Connection, row: int, level: int) -> Group[int] | None:
    """Return the group of a level whose first profile this is.

    The profile's own group may be stronger than the group that is named after it.
    """
    own = _group(connection, row)
    if own is None or own.level == level:
        return own
    rows = rule_keys.connected(
        row, level, partial(keys_held, connection), partial(holders, connection)
    )
    groups = (group for other in sorted(rows) if (group := _group(connection, other)))
    return next((group for group in groups if group.level == level), None)


def _is_listed_before(connection: Connection, group: Group[int], row: int) -> bool:
    """Return whether this is the own group of an earlier profile; others have a stronger one."""
    owns = (_group(connection, other) for other in group.ids if other < row)
    return any(own is not None and own.level == group.level for own in owns)


def _match(connection: Connection, group: Group[int]) -> RuleMatch:
    stored = profile_store.at(connection, group.ids[0])
    name = stored.profile_id.hex() if stored else ""
    # Assumed: a match id is 32 hexadecimal digits.
    # Assumed: a match keeps its id as long as its first profile and its level stay.
    return RuleMatch(_LEVELS[group.level] + name[1:], group.level, group.ids)


def _first_of(match_id: str) -> bytes:
    try:
        return bytes.fromhex("0" + match_id[1:])
    except ValueError:
        return b""

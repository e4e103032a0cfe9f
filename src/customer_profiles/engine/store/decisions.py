"""Decisions about pairs of profiles, by their rows: whether both describe one person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from .rows import row_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection

_COLUMNS = "profile, other, is_match, decided"
_PERSON = """
WITH RECURSIVE person (row) AS (
  SELECT ?
  UNION SELECT other FROM match_decisions JOIN person ON profile = row WHERE is_match
  UNION SELECT profile FROM match_decisions JOIN person ON other = row WHERE is_match
)
SELECT row FROM person
"""


class Decision(NamedTuple):
    """A decision about two profiles."""

    profile: int
    """The lower row of the pair."""
    other: int
    """The higher row."""
    is_match: bool
    decided: float
    """When it was decided."""


def put(connection: Connection, left: int, right: int, now: float, *, is_match: bool) -> None:
    """Store a decision, which replaces an earlier one of the pair."""
    pair = (min(left, right), max(left, right))
    connection.execute(
        "INSERT OR REPLACE INTO match_decisions VALUES (?, ?, ?, ?)", (*pair, is_match, now)
    )


def delete(connection: Connection, left: int, right: int) -> bool:
    """Remove the decision about a pair; return whether there was one."""
    pair = (min(left, right), max(left, right))
    found = connection.execute("DELETE FROM match_decisions WHERE (profile, other) = (?, ?)", pair)
    return found.rowcount > 0


def of_domain(connection: Connection, domain: int) -> list[Decision]:
    """Read the decisions of a domain, the oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM match_decisions "  # noqa: S608 - constants
        "WHERE profile BETWEEN ? AND ? ORDER BY decided, profile, other",
        row_range(domain),
    )
    return _decisions(rows)


def count_of(connection: Connection, row: int) -> int:
    """Count the decisions about a profile."""
    found = connection.execute(
        "SELECT count(*) FROM match_decisions WHERE profile = ? OR other = ?", (row, row)
    ).fetchone()
    return int(found[0])


def person_of(connection: Connection, row: int) -> set[int]:
    """Return the rows of the profiles that decisions join to a profile, with its own."""
    return {joined for (joined,) in connection.execute(_PERSON, (row,))}


def separating(
    connection: Connection, left: Iterable[int], right: Iterable[int]
) -> Decision | None:
    """Return a decision by which a profile of one set does not match a profile of the other."""
    rows = connection.execute(
        f"WITH sides (a, b) AS (VALUES (?, ?)) SELECT {_COLUMNS} FROM match_decisions, sides "  # noqa: S608 - constants
        "WHERE NOT is_match AND (profile IN (SELECT value FROM json_each(a)) "
        "AND other IN (SELECT value FROM json_each(b)) "
        "OR profile IN (SELECT value FROM json_each(b)) "
        "AND other IN (SELECT value FROM json_each(a))) LIMIT 1",
        (json.dumps(list(left)), json.dumps(list(right))),
    )
    return next(iter(_decisions(rows)), None)


def move(connection: Connection, old: int, new: int) -> None:
    """Move the decisions of a profile to the one that it is merged into.

    Of two decisions about the same pair, the later one stays, and "no match" of equally old ones.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM match_decisions WHERE profile = ? "  # noqa: S608 - constants
        f"UNION SELECT {_COLUMNS} FROM match_decisions WHERE other = ?",
        (old, old),
    )
    for decision in _decisions(rows):
        delete(connection, decision.profile, decision.other)
        partner = decision.other if decision.profile == old else decision.profile
        if partner != new:
            connection.execute(
                "INSERT INTO match_decisions VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "is_match = excluded.is_match, decided = excluded.decided "
                "WHERE (excluded.decided, is_match) > (decided, excluded.is_match)",
                (min(partner, new), max(partner, new), decision.is_match, decision.decided),
            )


def _decisions(rows: Iterable[Sequence[int | float]]) -> list[Decision]:
    return [
        Decision(int(profile), int(other), bool(is_match), decided)
        for profile, other, is_match, decided in rows
    ]

"""What the machine matching found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .database import Connection

_CHUNK = 20_000


class Match(NamedTuple):
    """Profiles that seem to be one person's."""

    id: int
    match_id: str
    confidence: float
    generated: float


class Found(NamedTuple):
    """A match to store: its profiles by their rows."""

    match_id: str
    confidence: float
    profiles: Sequence[int]
    evidence: bytes = b""
    """What the matcher explains its pairs from."""


# A match is what is left of it: one whose profiles were merged or deleted is none.
_LEFT = (
    "(SELECT count(*) FROM matched_profiles JOIN profiles ON profiles.id = profile "
    "WHERE match = matches.id AND expires > :now)"
)


def bodies(connection: Connection, domain: int, now: float) -> Iterator[list[tuple[int, bytes]]]:
    """Read all profiles of a domain, many at a time."""
    after = 0
    while True:
        rows = connection.execute(
            "SELECT id, body FROM profiles WHERE domain = ? AND id > ? AND expires > ? "
            "ORDER BY id LIMIT ?",
            (domain, max(after, domain << 40), now, _CHUNK),
        ).fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def replace(connection: Connection, domain: int, found: Iterable[Found], now: float) -> None:
    """Put what was found in the place of what was found before."""
    connection.execute(
        "DELETE FROM matched_profiles WHERE match IN (SELECT id FROM matches WHERE domain = ?)",
        (domain,),
    )
    connection.execute("DELETE FROM matches WHERE domain = ?", (domain,))
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM matches").fetchone()
    numbered = list(enumerate(found, last + 1))
    connection.executemany(
        "INSERT INTO matches VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (number, domain, it.match_id, it.confidence, now, json.dumps(it.profiles), it.evidence)
            for number, it in numbered
        ],
    )
    connection.executemany(
        "INSERT INTO matched_profiles VALUES (?, ?)",
        [(profile, number) for number, one in numbered for profile in one.profiles],
    )


def page(connection: Connection, domain: int, after: int, limit: int, now: float) -> list[Match]:
    """Read matches of which at least two profiles are left."""
    rows = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches "  # noqa: S608 - a constant
        f"WHERE domain = :domain AND id > :after AND {_LEFT} > 1 ORDER BY id LIMIT :limit",
        {"domain": domain, "after": after, "limit": limit, "now": now},
    )
    return [Match(*row) for row in rows.fetchall()]


def count(connection: Connection, domain: int, now: float) -> int:
    """Count the matches of which at least two profiles are left."""
    row = connection.execute(
        f"SELECT count(*) FROM matches WHERE domain = :domain AND {_LEFT} > 1",  # noqa: S608
        {"domain": domain, "now": now},
    ).fetchone()
    return int(row[0])


def find(connection: Connection, domain: int, match_id: str) -> Match | None:
    """Read a match by its id."""
    row = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches WHERE domain = ? AND match_id = ?",
        (domain, match_id),
    ).fetchone()
    return row and Match(*row)


def of_profile(connection: Connection, profile: int) -> Match | None:
    """Read the match that a profile is in."""
    row = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches "
        "WHERE id = (SELECT match FROM matched_profiles WHERE profile = ?)",
        (profile,),
    ).fetchone()
    return row and Match(*row)


def profiles_of(connection: Connection, match: Match, now: float) -> list[tuple[int, str]]:
    """Give the rows and ids of a match's profiles that are left."""
    rows = connection.execute(
        "SELECT profile, lower(hex(profile_id)) FROM matched_profiles "
        "JOIN profiles ON profiles.id = profile WHERE match = ? AND expires > ? ORDER BY profile",
        (match.id, now),
    )
    return rows.fetchall()


def put_model(connection: Connection, domain: int, model: str) -> None:
    """Keep the model that found a domain's matches."""
    connection.execute("INSERT OR REPLACE INTO matching_models VALUES (?, ?)", (domain, model))


def evidence(connection: Connection, domain: int, match: Match) -> tuple[str, list[int], bytes]:
    """Give the model that found a match, the rows it found, and what it explains them from."""
    row = connection.execute(
        "SELECT model, members, evidence FROM matches "
        "JOIN matching_models ON matching_models.domain = matches.domain "
        "WHERE matches.id = ? AND matches.domain = ?",
        (match.id, domain),
    ).fetchone()
    return row[0], json.loads(row[1]), row[2]


def ids(connection: Connection, rows: Sequence[int]) -> dict[int, str]:
    """Give the ids of profiles that are there, by their rows."""
    found = connection.execute(
        "SELECT id, lower(hex(profile_id)) FROM profiles "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(rows),),
    )
    return dict(found.fetchall())


def clear(connection: Connection, domain: int) -> None:
    """Forget what was found in a domain."""
    replace(connection, domain, [], 0.0)

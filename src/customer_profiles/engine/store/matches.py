"""Matches: the groups of profiles that the latest identity-resolution job found."""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, NamedTuple

from .rows import first_row, last_row, row_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection

_CHUNK = 50_000
_ROW_BYTES = 8


class Match(NamedTuple):
    """A group of profiles that seem to belong to one person."""

    id: int
    match_id: str
    confidence: float
    generated: float


class Found(NamedTuple):
    """A match to store."""

    match_id: str
    confidence: float
    profiles: bytes
    """The rows of its profiles, eight bytes each."""
    evidence: bytes = b""
    """What the model explains the pairs of the match from."""

    @property
    def rows(self) -> list[int]:
        """The rows of its profiles."""
        return array("q", self.profiles).tolist()


class Matches(NamedTuple):
    """All matches of a domain."""

    found: Sequence[Found]
    members: Iterable[tuple[int, int]]
    """The rows of profiles in order, each with the index of its match in `found`."""

    @classmethod
    def of(cls, found: Sequence[Found]) -> Matches:
        """Return matches with the index that each of their profiles belongs to."""
        members = ((row, index) for index, match in enumerate(found) for row in match.rows)
        return cls(found, sorted(members))


def bodies(connection: Connection, domain: int, after: int, now: float) -> list[tuple[int, bytes]]:
    """Read the profiles of a domain beyond the row `after`, in order, a chunk at a time."""
    return connection.execute(
        "SELECT id, body FROM profiles WHERE domain = ? AND id > ? AND id <= ? AND expires > ? "
        "ORDER BY id LIMIT ?",
        (domain, max(after, first_row(domain) - 1), last_row(domain), now, _CHUNK),
    ).fetchall()


def replace(connection: Connection, domain: int, matches: Matches, now: float) -> None:
    """Replace the matches of a domain."""
    rows = row_range(domain)
    connection.execute("DELETE FROM matched_profiles WHERE profile BETWEEN ? AND ?", rows)
    connection.execute("DELETE FROM matches WHERE domain = ?", (domain,))
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM matches").fetchone()
    first = last + 1
    connection.executemany(
        "INSERT INTO matches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                domain,
                match.match_id,
                match.confidence,
                now,
                len(match.profiles) // _ROW_BYTES,
                match.profiles,
                match.evidence,
            )
            for number, match in enumerate(matches.found, first)
        ],
    )
    connection.executemany(
        "INSERT INTO matched_profiles VALUES (?, ?)",
        ((profile, first + index) for profile, index in matches.members),
    )
    # Profiles that were merged or deleted while the job ran leave their matches now.
    gone = connection.execute(
        "SELECT match, profile FROM matched_profiles WHERE profile BETWEEN ? AND ? "
        "AND NOT EXISTS (SELECT 1 FROM profiles WHERE id = profile)",
        rows,
    ).fetchall()
    connection.executemany("DELETE FROM matched_profiles WHERE match = ? AND profile = ?", gone)
    connection.executemany(
        "UPDATE matches SET remaining = remaining - 1 WHERE id = ?", [(match,) for match, _ in gone]
    )


def members(connection: Connection, domain: int) -> list[tuple[int, int]]:
    """Return the rows of profiles that are in a match with others, each with its match."""
    return connection.execute(
        "SELECT profile, match FROM matched_profiles JOIN matches ON matches.id = match "
        "WHERE profile BETWEEN ? AND ? AND remaining > 1",
        row_range(domain),
    ).fetchall()


def match_ids(connection: Connection, domain: int) -> dict[int, str]:
    """Read the ids of the matches that still have at least two profiles."""
    found = connection.execute(
        "SELECT id, match_id FROM matches WHERE domain = ? AND remaining > 1", (domain,)
    )
    return dict(found.fetchall())


def page(connection: Connection, domain: int, after: int, limit: int) -> list[Match]:
    """Read the matches that still have at least two profiles, beyond the id `after`."""
    rows = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches "
        "WHERE domain = ? AND id > ? AND remaining > 1 ORDER BY id LIMIT ?",
        (domain, after, limit),
    )
    return [Match(*row) for row in rows.fetchall()]


def sample(connection: Connection, domain: int, limit: int) -> list[Match]:
    """Read a pseudo-random sample of the matches, which is the same at every call."""
    rows = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches "
        "WHERE domain = ? AND remaining > 1 ORDER BY id * 2654435761 % 4294967296 LIMIT ?",
        (domain, limit),
    )
    return [Match(*row) for row in rows.fetchall()]


def count(connection: Connection, domain: int) -> int:
    """Count the matches that still have at least two profiles."""
    row = connection.execute(
        "SELECT count(*) FROM matches WHERE domain = ? AND remaining > 1", (domain,)
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
    """Return the rows and ids of the profiles that a match still has."""
    (members,) = connection.execute(
        "SELECT members FROM matches WHERE id = ?", (match.id,)
    ).fetchone()
    return present(connection, array("q", members).tolist(), now)


def present(connection: Connection, rows: Sequence[int], now: float) -> list[tuple[int, str]]:
    """Return the rows and ids of those profiles that have not expired, in order."""
    return connection.execute(
        "SELECT id, lower(hex(profile_id)) FROM profiles "
        "WHERE id IN (SELECT value FROM json_each(?)) AND expires > ? ORDER BY id",
        (json.dumps(rows), now),
    ).fetchall()


def remove_dissolved(connection: Connection, domain: int) -> None:
    """Remove the matches of which one profile or none is left, with their evidence."""
    connection.execute(
        "DELETE FROM matched_profiles WHERE match IN "
        "(SELECT id FROM matches WHERE domain = ? AND remaining < 2)",
        (domain,),
    )
    connection.execute("DELETE FROM matches WHERE domain = ? AND remaining < 2", (domain,))


def put_model(connection: Connection, domain: int, model: str, now: float) -> None:
    """Store the model that found a domain's matches."""
    # The time must differ from that of the previous model even if the clock has not advanced.
    connection.execute(
        "INSERT OR REPLACE INTO matching_models VALUES (:domain, :model, max(:now, 0.001 + "
        "coalesce((SELECT made FROM matching_models WHERE domain = :domain), 0)))",
        {"domain": domain, "model": model, "now": now},
    )


def model_made(connection: Connection, domain: int) -> float | None:
    """Return when a domain's model was made, or None without a model."""
    row = connection.execute(
        "SELECT made FROM matching_models WHERE domain = ? AND model <> ''", (domain,)
    ).fetchone()
    return row and float(row[0])


def model(connection: Connection, domain: int) -> str:
    """Read the model of a domain, which must have one."""
    row = connection.execute("SELECT model FROM matching_models WHERE domain = ?", (domain,))
    return str(row.fetchone()[0])


def evidence(connection: Connection, domain: int, match: Match) -> tuple[str, list[int], bytes]:
    """Return the model that found a match, the rows of the match, and its evidence."""
    row = connection.execute(
        "SELECT model, members, evidence FROM matches "
        "JOIN matching_models ON matching_models.domain = matches.domain "
        "WHERE matches.id = ? AND matches.domain = ?",
        (match.id, domain),
    ).fetchone()
    return row[0], array("q", row[1]).tolist(), row[2]


def ids(connection: Connection, rows: Sequence[int]) -> dict[int, str]:
    """Return the ids of the profiles that still exist, by their rows."""
    found = connection.execute(
        "SELECT id, lower(hex(profile_id)) FROM profiles "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(rows),),
    )
    return dict(found.fetchall())


def clear(connection: Connection, domain: int) -> None:
    """Remove the matches of a domain."""
    replace(connection, domain, Matches([], []), 0.0)

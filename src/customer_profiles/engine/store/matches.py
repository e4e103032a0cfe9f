"""What the machine matching found."""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection

_CHUNK = 50_000
_ROW_BYTES = 8


class Match(NamedTuple):
    """Profiles that seem to be one person's."""

    id: int
    match_id: str
    confidence: float
    generated: float


class Found(NamedTuple):
    """A match to store."""

    match_id: str
    confidence: float
    profiles: bytes
    """Its profiles' rows, eight bytes each."""
    evidence: bytes = b""
    """What the matcher explains its pairs from."""

    @property
    def rows(self) -> list[int]:
        """Its profiles' rows."""
        return array("q", self.profiles).tolist()


class Matches(NamedTuple):
    """All matches of a domain."""

    found: Sequence[Found]
    held: Iterable[tuple[int, int]]
    """Profiles, in their order, each with the place of its match."""

    @classmethod
    def of(cls, found: Sequence[Found]) -> Matches:
        """Give matches with the places of their profiles."""
        held = ((profile, place) for place, one in enumerate(found) for profile in one.rows)
        return cls(found, sorted(held))


def bodies(connection: Connection, domain: int, after: int, now: float) -> list[tuple[int, bytes]]:
    """Read the next profiles of a domain, in the order of their rows."""
    return connection.execute(
        "SELECT id, body FROM profiles WHERE domain = ? AND id > ? AND id < ? AND expires > ? "
        "ORDER BY id LIMIT ?",
        (domain, max(after, domain << 40), (domain + 1) << 40, now, _CHUNK),
    ).fetchall()


def replace(connection: Connection, domain: int, matches: Matches, now: float) -> None:
    """Put what was found in the place of what was found before."""
    rows = (domain << 40, (domain + 1) << 40)
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
                it.match_id,
                it.confidence,
                now,
                len(it.profiles) // _ROW_BYTES,
                it.profiles,
                it.evidence,
            )
            for number, it in enumerate(matches.found, first)
        ],
    )
    connection.executemany(
        "INSERT INTO matched_profiles VALUES (?, ?)",
        ((profile, first + place) for profile, place in matches.held),
    )
    # Who was merged or deleted since the profiles were read leaves its match as if it left now.
    gone = connection.execute(
        "SELECT match, profile FROM matched_profiles WHERE profile BETWEEN ? AND ? "
        "AND NOT EXISTS (SELECT 1 FROM profiles WHERE id = profile)",
        rows,
    ).fetchall()
    connection.executemany("DELETE FROM matched_profiles WHERE match = ? AND profile = ?", gone)
    connection.executemany(
        "UPDATE matches SET remaining = remaining - 1 WHERE id = ?", [(one,) for one, _ in gone]
    )


def page(connection: Connection, domain: int, after: int, limit: int) -> list[Match]:
    """Read matches of which at least two profiles are left: neither merged nor deleted."""
    rows = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches "
        "WHERE domain = ? AND id > ? AND remaining > 1 ORDER BY id LIMIT ?",
        (domain, after, limit),
    )
    return [Match(*row) for row in rows.fetchall()]


def sample(connection: Connection, domain: int, limit: int) -> list[Match]:
    """Read matches that are anywhere among all, the same ones whenever they are asked for."""
    rows = connection.execute(
        "SELECT id, match_id, confidence, generated FROM matches "
        "WHERE domain = ? AND remaining > 1 ORDER BY id * 2654435761 % 4294967296 LIMIT ?",
        (domain, limit),
    )
    return [Match(*row) for row in rows.fetchall()]


def count(connection: Connection, domain: int) -> int:
    """Count the matches of which at least two profiles are left."""
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
    """Give the rows and ids of a match's profiles that are left."""
    (members,) = connection.execute(
        "SELECT members FROM matches WHERE id = ?", (match.id,)
    ).fetchone()
    rows = connection.execute(
        "SELECT id, lower(hex(profile_id)) FROM profiles "
        "WHERE id IN (SELECT value FROM json_each(?)) AND expires > ? ORDER BY id",
        (json.dumps(array("q", members).tolist()), now),
    )
    return rows.fetchall()


def put_model(connection: Connection, domain: int, model: str, now: float) -> None:
    """Keep the model that found a domain's matches."""
    # Later than the one before, also where a test's clock stands still.
    connection.execute(
        "INSERT OR REPLACE INTO matching_models VALUES (:domain, :model, max(:now, 0.001 + "
        "coalesce((SELECT made FROM matching_models WHERE domain = :domain), 0)))",
        {"domain": domain, "model": model, "now": now},
    )


def model_made(connection: Connection, domain: int) -> float | None:
    """Say when the model that a domain has was made."""
    row = connection.execute(
        "SELECT made FROM matching_models WHERE domain = ? AND model <> ''", (domain,)
    ).fetchone()
    return row and float(row[0])


def model(connection: Connection, domain: int) -> str:
    """Read the model of a domain that has one."""
    row = connection.execute("SELECT model FROM matching_models WHERE domain = ?", (domain,))
    return str(row.fetchone()[0])


def evidence(connection: Connection, domain: int, match: Match) -> tuple[str, list[int], bytes]:
    """Give the model that found a match, the rows it found, and what it explains them from."""
    row = connection.execute(
        "SELECT model, members, evidence FROM matches "
        "JOIN matching_models ON matching_models.domain = matches.domain "
        "WHERE matches.id = ? AND matches.domain = ?",
        (match.id, domain),
    ).fetchone()
    return row[0], array("q", row[1]).tolist(), row[2]


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
    replace(connection, domain, Matches([], []), 0.0)

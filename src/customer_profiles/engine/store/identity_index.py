"""What profiles are found by, when one record is matched against all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection


class Made(NamedTuple):
    """A domain's index."""

    made: float
    """When the model was made whose keys it has."""
    ready: bool


def find(connection: Connection, domain: int) -> Made | None:
    """Say which index a domain has."""
    row = connection.execute(
        "SELECT made, ready FROM identity_indexes WHERE domain = ?", (domain,)
    ).fetchone()
    return row and Made(row[0], bool(row[1]))


def begin(connection: Connection, domain: int, made: float) -> None:
    """Begin a domain's index; from now on what is written is noted.

    What another one has begun for the same model is kept: both add all keys, so whoever ends first
    has ended it.
    """
    known = find(connection, domain)
    if known is not None and known.made == made:
        return
    rows = _rows(domain)
    connection.execute("DELETE FROM identity_keys WHERE profile BETWEEN ? AND ?", rows)
    connection.execute("DELETE FROM identity_changes WHERE profile BETWEEN ? AND ?", rows)
    connection.execute("INSERT OR REPLACE INTO identity_indexes VALUES (?, ?, 0)", (domain, made))


def end(connection: Connection, domain: int, made: float) -> None:
    """Say that a domain's index is ready, unless somebody has begun another one."""
    connection.execute(
        "UPDATE identity_indexes SET ready = 1 WHERE domain = ? AND made = ?", (domain, made)
    )


def add(connection: Connection, keys: Iterable[tuple[int, int]]) -> None:
    """Give profiles keys: pairs of a key of 64 bits with a sign, and a profile's row."""
    connection.executemany("INSERT OR IGNORE INTO identity_keys VALUES (?, ?)", keys)


def changed(connection: Connection, domain: int, limit: int) -> list[int]:
    """Read some of the profiles that were written since their keys were made."""
    rows = connection.execute(
        "SELECT profile FROM identity_changes WHERE profile BETWEEN ? AND ? LIMIT ?",
        (*_rows(domain), limit),
    )
    return [profile for (profile,) in rows.fetchall()]


def settled(connection: Connection, profiles: Iterable[int]) -> None:
    """Say that profiles have their keys."""
    connection.executemany(
        "DELETE FROM identity_changes WHERE profile = ?", [(one,) for one in profiles]
    )


_HOLDERS = "SELECT profile FROM identity_keys WHERE key = ? AND profile BETWEEN ? AND ? LIMIT ?"
_LIVING = (
    "SELECT profile FROM identity_keys WHERE key = ? AND profile BETWEEN ? AND ? "
    "AND EXISTS (SELECT 1 FROM profiles WHERE id = profile AND expires > ?) LIMIT ?"
)


def holders(
    connection: Connection, domain: int, keys: Iterable[int], limit: int, now: float
) -> list[Sequence[int]]:
    """Read for each key the profiles that have it, up to a limit."""
    rows = _rows(domain)
    found: list[Sequence[int]] = []
    for key in keys:
        held = connection.execute(_HOLDERS, (key, *rows, limit)).fetchall()
        if len(held) == limit:
            # Some of so many may be gone.
            held = connection.execute(_LIVING, (key, *rows, now, limit)).fetchall()
        found.append([profile for (profile,) in held])
    return found


def _rows(domain: int) -> tuple[int, int]:
    return domain << 40, (domain + 1) << 40

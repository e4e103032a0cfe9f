"""The index of blocking keys, by which a single record is matched against all profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .rows import row_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection


class IdentityIndex(NamedTuple):
    """A domain's index."""

    made: float
    """When the model was made that the keys belong to."""
    ready: bool
    """Whether all profiles have been indexed."""


def find(connection: Connection, domain: int) -> IdentityIndex | None:
    """Read the state of a domain's index."""
    row = connection.execute(
        "SELECT made, ready FROM identity_indexes WHERE domain = ?", (domain,)
    ).fetchone()
    return row and IdentityIndex(row[0], bool(row[1]))


def begin(connection: Connection, domain: int, made: float) -> None:
    """Start a domain's index; from now on, triggers record which profiles are written.

    An index that another process has started for the same model is kept: both processes add all
    keys, so the index is complete when the first one ends.
    """
    known = find(connection, domain)
    if known is not None and known.made == made:
        return
    rows = row_range(domain)
    connection.execute("DELETE FROM identity_keys WHERE profile BETWEEN ? AND ?", rows)
    connection.execute("DELETE FROM identity_changes WHERE profile BETWEEN ? AND ?", rows)
    connection.execute("INSERT OR REPLACE INTO identity_indexes VALUES (?, ?, 0)", (domain, made))


def end(connection: Connection, domain: int, made: float) -> None:
    """Mark a domain's index as ready, unless the index of another model has been started."""
    connection.execute(
        "UPDATE identity_indexes SET ready = 1 WHERE domain = ? AND made = ?", (domain, made)
    )


def add(connection: Connection, keys: Iterable[tuple[int, int]]) -> None:
    """Add pairs of a key, which is a signed integer of 64 bits, and a profile's row."""
    connection.executemany("INSERT OR IGNORE INTO identity_keys VALUES (?, ?)", keys)


def remove(connection: Connection, profile: int) -> None:
    """Remove all keys of a profile, outdated ones too."""
    for table in ("identity_keys", "identity_changes"):
        connection.execute(f"DELETE FROM {table} WHERE profile = ?", (profile,))  # noqa: S608


def changed(connection: Connection, domain: int, limit: int) -> list[int]:
    """Read up to `limit` profiles that were written since their keys were computed."""
    rows = connection.execute(
        "SELECT profile FROM identity_changes WHERE profile BETWEEN ? AND ? LIMIT ?",
        (*row_range(domain), limit),
    )
    return [profile for (profile,) in rows.fetchall()]


def mark_indexed(connection: Connection, profiles: Iterable[int]) -> None:
    """Record that the keys of profiles are up to date."""
    connection.executemany(
        "DELETE FROM identity_changes WHERE profile = ?", [(profile,) for profile in profiles]
    )


_HOLDERS = "SELECT profile FROM identity_keys WHERE key = ? AND profile BETWEEN ? AND ? LIMIT ?"
_PRESENT_HOLDERS = (
    "SELECT profile FROM identity_keys WHERE key = ? AND profile BETWEEN ? AND ? "
    "AND EXISTS (SELECT 1 FROM profiles WHERE id = profile AND expires > ?) LIMIT ?"
)


def holders(
    connection: Connection, domain: int, keys: Iterable[int], limit: int, now: float
) -> list[Sequence[int]]:
    """Read for each key the profiles that have it, up to a limit."""
    bounds = row_range(domain)
    found: list[Sequence[int]] = []
    for key in keys:
        rows = connection.execute(_HOLDERS, (key, *bounds, limit)).fetchall()
        if len(rows) == limit:
            # Keys of removed profiles stay in the index and must not use up the limit.
            rows = connection.execute(_PRESENT_HOLDERS, (key, *bounds, now, limit)).fetchall()
        found.append([profile for (profile,) in rows])
    return found

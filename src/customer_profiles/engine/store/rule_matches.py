"""The index of rule-based matching: which keys profiles share by the rules of their domain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from .rows import ROW_BITS, first_row, last_row, row_range

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .database import Connection


class RuledDomain(NamedTuple):
    """A domain with rules."""

    domain: int
    config: dict[str, Any]
    """Its RuleBasedMatching."""
    due: float
    """When the rules are first applied."""


class IndexedKey(NamedTuple):
    """A key of a profile."""

    level: int
    hash: int
    parts: bytes


def parts_of(key: IndexedKey) -> Iterator[int]:
    """Return the hashes of a key's values."""
    for start in range(0, len(key.parts), 8):
        yield int.from_bytes(key.parts[start : start + 8], "big", signed=True)


def put_domain(connection: Connection, ruled: RuledDomain) -> None:
    """Store the rules of a domain."""
    connection.execute(
        "INSERT OR REPLACE INTO rule_domains VALUES (?, ?, ?)",
        (ruled.domain, json.dumps(ruled.config), ruled.due),
    )


def mark_profiles(connection: Connection, domain: int, after: int, limit: int) -> int | None:
    """Mark the next profiles of a domain as changed; return the last row, None after the last."""
    bounds = {"after": max(after, first_row(domain) - 1), "last": last_row(domain), "limit": limit}
    profiles = "SELECT id FROM profiles WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit"
    connection.execute(f"INSERT OR IGNORE INTO rule_changes {profiles}", bounds)
    rows = connection.execute(profiles, bounds).fetchall()
    return int(rows[-1][0]) if len(rows) == limit else None


def mark_changed(connection: Connection, domain: int, value: int) -> None:
    """Mark the profiles of a domain that have a value as changed."""
    connection.execute(
        "INSERT OR IGNORE INTO rule_changes SELECT DISTINCT profile FROM rule_keys "
        "WHERE profile BETWEEN ? AND ? AND instr(parts, ?)",
        (*row_range(domain), value.to_bytes(8, "big", signed=True)),
    )


def drop_domain(connection: Connection, domain: int) -> None:
    """Remove the rules of a domain; `drop_keys` removes its index."""
    connection.execute("DELETE FROM rule_domains WHERE domain = ?", (domain,))
    connection.execute("DELETE FROM rule_changes WHERE profile BETWEEN ? AND ?", row_range(domain))


def drop_keys(connection: Connection, domain: int, limit: int) -> bool:
    """Remove the keys of up to `limit` profiles from the index; return whether more may be left."""
    profiles = connection.execute(
        "SELECT DISTINCT profile FROM rule_keys WHERE profile BETWEEN ? AND ? LIMIT ?",
        (*row_range(domain), limit),
    ).fetchall()
    for (profile,) in profiles:
        keys = keys_of(connection, profile)
        count_values(connection, {part for key in keys for part in parts_of(key)}, -1)
        remove(connection, profile, keys)
    return len(profiles) == limit


def domain(connection: Connection, domain_id: int) -> RuledDomain | None:
    """Read a domain's rules, if it has any."""
    row = connection.execute("SELECT * FROM rule_domains WHERE domain = ?", (domain_id,)).fetchone()
    return row and RuledDomain(row[0], json.loads(row[1]), row[2])


def changed(
    connection: Connection, now: float, after: int, limit: int, domain: int | None = None
) -> list[int]:
    """Read the next changed profiles beyond the row `after`, of a domain or of all other domains.

    All other domains are those whose rules are due, and that have no pending work for their rules.
    """
    if domain is not None:
        rows = connection.execute(
            "SELECT profile FROM rule_changes WHERE profile > ? AND profile <= ? "
            "ORDER BY profile LIMIT ?",
            (max(after, first_row(domain) - 1), last_row(domain), limit),
        )
    else:
        rows = connection.execute(
            f"SELECT profile FROM rule_changes JOIN rule_domains ON domain = profile >> {ROW_BITS} "  # noqa: S608
            "WHERE due <= ? AND profile > ? AND domain NOT IN "
            "(SELECT domain FROM pending_work WHERE kind = 'rules') ORDER BY profile LIMIT ?",
            (now, after, limit),
        )
    return [profile for (profile,) in rows.fetchall()]


def has_changes(connection: Connection, domain_id: int) -> bool:
    """Return whether profiles of a domain were written since their keys were computed."""
    row = connection.execute(
        "SELECT 1 FROM rule_changes WHERE profile BETWEEN ? AND ? LIMIT 1",
        row_range(domain_id),
    )
    return row.fetchone() is not None


def mark_indexed(connection: Connection, profiles: Iterable[int]) -> None:
    """Record that the keys of profiles are up to date."""
    connection.executemany("DELETE FROM rule_changes WHERE profile = ?", [(p,) for p in profiles])


def keys_of(connection: Connection, profile: int) -> list[IndexedKey]:
    """Read the keys of a profile, in the order of their levels."""
    rows = connection.execute(
        "SELECT level, hash, parts FROM rule_keys WHERE profile = ? ORDER BY level, hash",
        (profile,),
    )
    return [IndexedKey(*row) for row in rows.fetchall()]


def add(connection: Connection, profile: int, keys: Iterable[IndexedKey]) -> None:
    """Add keys to a profile."""
    connection.executemany(
        "INSERT OR IGNORE INTO rule_keys VALUES (?, ?, ?, ?)",
        [(key.hash, profile, key.level, key.parts) for key in keys],
    )


def remove(connection: Connection, profile: int, keys: Iterable[IndexedKey]) -> None:
    """Remove keys from a profile."""
    connection.executemany(
        "DELETE FROM rule_keys WHERE hash = ? AND profile = ?",
        [(key.hash, profile) for key in keys],
    )


def count_values(connection: Connection, values: Collection[int], by: int) -> None:
    """Add `by`, which is 1 or -1, to the number of profiles with each of the values."""
    connection.executemany(
        "INSERT INTO rule_values VALUES (?, ?) "
        "ON CONFLICT (hash) DO UPDATE SET holders = holders + excluded.holders",
        [(value, by) for value in values],
    )
    if by < 0:
        connection.executemany(
            "DELETE FROM rule_values WHERE hash = ? AND holders <= 0",
            [(value,) for value in values],
        )


def holders_of_value(connection: Connection, value: int) -> int:
    """Return how many profiles have a value."""
    row = connection.execute("SELECT holders FROM rule_values WHERE hash = ?", (value,)).fetchone()
    return int(row[0]) if row else 0


def holders(connection: Connection, key: int) -> list[int]:
    """Read the profiles that have a key."""
    rows = connection.execute("SELECT profile FROM rule_keys WHERE hash = ?", (key,))
    return [profile for (profile,) in rows.fetchall()]


def is_single(connection: Connection, key: int) -> bool:
    """Return whether only one profile has a key."""
    rows = connection.execute("SELECT 1 FROM rule_keys WHERE hash = ? LIMIT 2", (key,)).fetchall()
    return len(rows) == 1


def sharing(connection: Connection, domain_id: int, after: int, limit: int) -> list[int]:
    """Read the profiles beyond the row `after` that share a key with another one, in order."""
    rows = connection.execute(
        "SELECT DISTINCT profile FROM rule_keys AS mine WHERE profile > ? AND profile <= ? "
        "AND EXISTS (SELECT 1 FROM rule_keys WHERE hash = mine.hash AND profile <> mine.profile) "
        "ORDER BY profile LIMIT ?",
        (max(after, first_row(domain_id) - 1), last_row(domain_id), limit),
    )
    return [profile for (profile,) in rows.fetchall()]

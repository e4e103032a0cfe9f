"""The index of what profiles have in common by the rules of their domain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .database import Connection


class RuledDomain(NamedTuple):
    """A domain with rules."""

    domain: int
    config: dict[str, Any]
    """Its RuleBasedMatching."""
    due: float
    """From when on the rules are applied."""


class Held(NamedTuple):
    """A key that a profile has."""

    level: int
    hash: int
    parts: bytes


def parts_of(key: Held) -> Iterator[int]:
    """Give the hashes of a key's values."""
    for place in range(0, len(key.parts), 8):
        yield int.from_bytes(key.parts[place : place + 8], "big", signed=True)


def put_domain(connection: Connection, ruled: RuledDomain) -> None:
    """Have the writes of a domain's profiles noticed, and notice all that there are."""
    connection.execute(
        "INSERT OR REPLACE INTO rule_domains VALUES (?, ?, ?)",
        (ruled.domain, json.dumps(ruled.config), ruled.due),
    )
    connection.execute(
        "INSERT OR IGNORE INTO rule_changes SELECT id FROM profiles WHERE domain = ?",
        (ruled.domain,),
    )


def notice_holders(connection: Connection, domain: int, value: int) -> None:
    """Have the profiles of a domain that have a value looked at again."""
    connection.execute(
        "INSERT OR IGNORE INTO rule_changes SELECT DISTINCT profile FROM rule_keys "
        "WHERE profile BETWEEN ? AND ? AND instr(parts, ?)",
        (domain << 40, (domain + 1) << 40, value.to_bytes(8, "big", signed=True)),
    )


def drop_domain(connection: Connection, domain: int) -> None:
    """Forget the rules of a domain and its index."""
    rows = (domain << 40, (domain + 1) << 40)
    connection.execute("DELETE FROM rule_domains WHERE domain = ?", (domain,))
    connection.execute("DELETE FROM rule_changes WHERE profile BETWEEN ? AND ?", rows)
    for (profile,) in connection.execute(
        "SELECT DISTINCT profile FROM rule_keys WHERE profile BETWEEN ? AND ?", rows
    ).fetchall():
        keys = held(connection, profile)
        count_values(connection, {part for key in keys for part in parts_of(key)}, -1)
        remove(connection, profile, keys)


def domain(connection: Connection, domain_id: int) -> RuledDomain | None:
    """Read a domain's rules, if it has any."""
    row = connection.execute("SELECT * FROM rule_domains WHERE domain = ?", (domain_id,)).fetchone()
    return row and RuledDomain(row[0], json.loads(row[1]), row[2])


def anything_changed(connection: Connection) -> bool:
    """Say whether a profile was written since its keys were made."""
    return connection.execute("SELECT 1 FROM rule_changes LIMIT 1").fetchone() is not None


def changed(connection: Connection, now: float, after: int, limit: int) -> list[int]:
    """Read the next profiles that were written, of domains whose rules are applied by now."""
    rows = connection.execute(
        "SELECT profile FROM rule_changes JOIN rule_domains ON domain = profile >> 40 "
        "WHERE due <= ? AND profile > ? ORDER BY profile LIMIT ?",
        (now, after, limit),
    )
    return [profile for (profile,) in rows.fetchall()]


def waits(connection: Connection, domain_id: int) -> bool:
    """Say whether profiles of a domain were written since their keys were made."""
    row = connection.execute(
        "SELECT 1 FROM rule_changes WHERE profile BETWEEN ? AND ? LIMIT 1",
        (domain_id << 40, (domain_id + 1) << 40),
    )
    return row.fetchone() is not None


def settled(connection: Connection, profiles: Iterable[int]) -> None:
    """Say that profiles have their keys."""
    connection.executemany("DELETE FROM rule_changes WHERE profile = ?", [(p,) for p in profiles])


def held(connection: Connection, profile: int) -> list[Held]:
    """Read the keys of a profile, those of the strongest level first."""
    rows = connection.execute(
        "SELECT level, hash, parts FROM rule_keys WHERE profile = ? ORDER BY level, hash",
        (profile,),
    )
    return [Held(*row) for row in rows.fetchall()]


def add(connection: Connection, profile: int, keys: Iterable[Held]) -> None:
    """Give a profile keys."""
    keys = list(keys)
    connection.executemany(
        "INSERT OR IGNORE INTO rule_keys VALUES (?, ?, ?, ?)",
        [(key.hash, profile, key.level, key.parts) for key in keys],
    )


def remove(connection: Connection, profile: int, keys: Iterable[Held]) -> None:
    """Take keys from a profile."""
    keys = list(keys)
    connection.executemany(
        "DELETE FROM rule_keys WHERE hash = ? AND profile = ?",
        [(key.hash, profile) for key in keys],
    )


def count_values(connection: Connection, more: Iterable[int], by: int) -> None:
    """Count who has values; -1 takes away."""
    more = list(more)
    connection.executemany(
        "INSERT INTO rule_values VALUES (?, ?) "
        "ON CONFLICT (hash) DO UPDATE SET holders = holders + excluded.holders",
        [(value, by) for value in more],
    )
    if by < 0:
        connection.executemany(
            "DELETE FROM rule_values WHERE hash = ? AND holders <= 0", [(one,) for one in more]
        )


def holders_of_value(connection: Connection, value: int) -> int:
    """Give how many profiles have a value."""
    row = connection.execute("SELECT holders FROM rule_values WHERE hash = ?", (value,)).fetchone()
    return int(row[0]) if row else 0


def holders(connection: Connection, key: int) -> list[int]:
    """Read the profiles that have a key."""
    rows = connection.execute("SELECT profile FROM rule_keys WHERE hash = ?", (key,))
    return [profile for (profile,) in rows.fetchall()]


def sharing(connection: Connection, domain_id: int, after: int, limit: int) -> list[int]:
    """Read profiles of a domain that share a key with another one, in the order of their rows."""
    rows = connection.execute(
        "SELECT DISTINCT profile FROM rule_keys AS mine WHERE profile > ? AND profile < ? "
        "AND EXISTS (SELECT 1 FROM rule_keys WHERE hash = mine.hash AND profile <> mine.profile) "
        "ORDER BY profile LIMIT ?",
        (max(after, domain_id << 40), (domain_id + 1) << 40, limit),
    )
    return [profile for (profile,) in rows.fetchall()]

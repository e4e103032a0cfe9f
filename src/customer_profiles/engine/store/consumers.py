"""Readers of numbered items, such as changes: their positions, and what was not delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Connection


class Consumer(NamedTuple):
    """A reader with its position, and how well it is delivered to."""

    domain: int
    name: str
    position: int = 0
    """The last item that needs no attention, but for those that are undelivered."""
    turn: int = 0
    """How often the position was stored; who knows an older turn has lost against another."""
    destination: str | None = None
    failures: int = 0
    """How many attempts in a row have failed."""
    failing_since: float | None = None
    retry_at: float = 0.0
    problem: str | None = None


class Undelivered(NamedTuple):
    """An item that was not delivered, or that waits for another one of its series."""

    item: int
    series: int
    """Items of one series are delivered in order; 0: in any order."""
    attempts: int
    due: float
    is_held: bool = False
    """Whether it is no longer tried."""
    problem: str | None = None


class Count(NamedTuple):
    """How many items were not delivered."""

    waiting: int
    undeliverable: int


_COLUMNS = ", ".join(Consumer._fields)
_PLACEHOLDERS = ", ".join("?" * len(Consumer._fields))


def find(connection: Connection, domain: int, name: str) -> Consumer | None:
    """Read a consumer."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM consumers WHERE domain = ? AND name = ?",  # noqa: S608
        (domain, name),
    ).fetchone()
    return row and Consumer(*row)


def of_domain(connection: Connection, domain: int) -> list[Consumer]:
    """Read the consumers of a domain, in the order of their names."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM consumers WHERE domain = ? ORDER BY name",  # noqa: S608
        (domain,),
    )
    return [Consumer(*row) for row in rows.fetchall()]


def domains_of(connection: Connection, name: str) -> list[tuple[int, str]]:
    """Read the ids and names of the domains that have a consumer of this name."""
    rows = connection.execute(
        "SELECT domains.id, domains.name FROM consumers JOIN domains ON domains.id = domain "
        "WHERE consumers.name = ? ORDER BY domains.id",
        (name,),
    )
    return rows.fetchall()


def replace(connection: Connection, old: Consumer | None, new: Consumer) -> bool:
    """Store a consumer unless another reader did since `old` was read; return whether it did."""
    new = new._replace(turn=new.turn + 1)
    if old is None:
        done = connection.execute(
            # The domain may have been deleted while something was sent.
            f"INSERT OR IGNORE INTO consumers ({_COLUMNS}) SELECT {_PLACEHOLDERS} "  # noqa: S608
            "WHERE EXISTS (SELECT 1 FROM domains WHERE id = ?)",
            (*new, new.domain),
        )
    else:
        done = connection.execute(
            "UPDATE consumers SET position = ?, turn = ?, destination = ?, failures = ?, "
            "failing_since = ?, retry_at = ?, problem = ? "
            "WHERE domain = ? AND name = ? AND turn = ?",
            (*new[2:], new.domain, new.name, old.turn),
        )
    return done.rowcount == 1


def delete(connection: Connection, domain: int, name: str) -> None:
    """Remove a consumer with what was not delivered to it."""
    for table in ("undelivered", "consumers"):
        connection.execute(
            f"DELETE FROM {table} WHERE domain = ? AND name = ?",  # noqa: S608
            (domain, name),
        )


def undelivered(
    connection: Connection, domain: int, name: str, limit: int
) -> list[Undelivered]:  # fmt: skip
    """Read items that are to be tried again, the oldest first."""
    rows = connection.execute(
        "SELECT item, series, attempts, due, held, problem FROM undelivered "
        "WHERE domain = ? AND name = ? AND NOT held ORDER BY item LIMIT ?",
        (domain, name, limit),
    )
    return [Undelivered(*row) for row in rows.fetchall()]


def waiting_series(connection: Connection, domain: int, name: str) -> set[int]:
    """Return the series with items that are to be tried again."""
    rows = connection.execute(
        "SELECT DISTINCT series FROM undelivered WHERE domain = ? AND name = ? AND NOT held",
        (domain, name),
    )
    return {series for (series,) in rows} - {0}


def put_undelivered(
    connection: Connection, domain: int, name: str, items: Iterable[Undelivered]
) -> None:
    """Store items that were not delivered, or replace what is known of them."""
    connection.executemany(
        "INSERT OR REPLACE INTO undelivered "
        "(domain, name, item, series, attempts, due, held, problem) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(domain, name, *item) for item in items],
    )


def remove_undelivered(
    connection: Connection, domain: int, name: str, items: Iterable[int]
) -> None:
    """Remove items that were delivered after all, or are gone."""
    connection.executemany(
        "DELETE FROM undelivered WHERE domain = ? AND name = ? AND item = ?",
        [(domain, name, item) for item in items],
    )


def count(connection: Connection, domain: int, name: str) -> Count:
    """Count the items that were not delivered."""
    row = connection.execute(
        "SELECT total(NOT held), total(held) FROM undelivered WHERE domain = ? AND name = ?",
        (domain, name),
    ).fetchone()
    return Count(*map(int, row))


def held_problem(connection: Connection, domain: int, name: str) -> str | None:
    """Return why the newest of the items is held that are no longer tried."""
    row = connection.execute(
        "SELECT problem FROM undelivered WHERE domain = ? AND name = ? AND held "
        "ORDER BY item DESC LIMIT 1",
        (domain, name),
    ).fetchone()
    return None if row is None else str(row[0])


def release(connection: Connection, domain: int, name: str) -> int:
    """Try the items again that were held; return how many there are."""
    return connection.execute(
        "UPDATE undelivered SET held = 0, attempts = 0, due = 0 "
        "WHERE domain = ? AND name = ? AND held",
        (domain, name),
    ).rowcount

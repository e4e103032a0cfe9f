"""Objects of other systems, and the standard objects that they fill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from .rows import owned_objects_slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection


class StoredObject(NamedTuple):
    """An object's row."""

    id: int
    domain: int
    profile: int
    """The row of the profile that it belongs to."""
    type: str
    unique_key: str
    """Its ProfileObjectUniqueKey."""
    ingested: float
    changed: float
    """When its source changed it, else when it was ingested."""
    expires: int
    keys: bytes
    """The keys by which a search finds its profile, as JSON."""
    own_keys: bytes
    """The keys by which ingestion finds the object itself, as JSON."""
    sources: bytes | None
    """Which objects set the values of a standard object, as JSON."""
    body: bytes

    @property
    def is_standard(self) -> bool:
        """Whether it is a standard object, which the service itself maintains."""
        return self.type.startswith("_")


_COLUMNS = ", ".join(StoredObject._fields)
_PLACEHOLDERS = ", ".join("?" * len(StoredObject._fields))


def put(connection: Connection, objects: Iterable[StoredObject]) -> None:
    """Insert objects, or replace those with the same ids."""
    connection.executemany(
        f"INSERT OR REPLACE INTO objects ({_COLUMNS}) VALUES ({_PLACEHOLDERS})",  # noqa: S608
        objects,
    )


def move(connection: Connection, profile: int, target: int) -> None:
    """Give all objects of a profile to another one."""
    slots = {"slot": owned_objects_slot(profile), "target": owned_objects_slot(target)}
    connection.execute(
        f"UPDATE objects SET profile = :profile WHERE {_OF_PROFILE}",  # noqa: S608
        {"profile": target, **slots},
    )
    for table in ("keys", "fresh_keys"):
        added = connection.execute(
            f"INSERT OR IGNORE INTO fresh_keys SELECT :target, holder FROM {table} "  # noqa: S608
            "WHERE slot = :slot",
            slots,
        )
        connection.fresh_rows += added.rowcount
        connection.execute(f"DELETE FROM {table} WHERE slot = :slot", slots)  # noqa: S608


def by_ids(
    connection: Connection, ids: Sequence[int], name: str | None = None
) -> list[StoredObject]:
    """Read objects, of one type or of all, in the order of their ids."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects "  # noqa: S608
        "WHERE id IN (SELECT value FROM json_each(:ids)) AND (:type IS NULL OR type = :type) "
        "ORDER BY id",
        {"ids": json.dumps(ids), "type": name},
    )
    return [StoredObject(*row) for row in rows.fetchall()]


def find(connection: Connection, identity: int) -> StoredObject | None:
    """Read an object by its id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE id = ?",  # noqa: S608
        (identity,),
    ).fetchone()
    return row and StoredObject(*row)


_FEW = 50
_OF_PROFILE = (
    "id IN (SELECT holder FROM keys WHERE slot = :slot "
    "UNION ALL SELECT holder FROM fresh_keys WHERE slot = :slot)"
)


def keys_among(connection: Connection, profile: int, wanted: Sequence[bytes]) -> list[bytes]:
    """Read the keys of the objects of a profile that have one of the wanted keys.

    With more than 50 wanted keys, the keys of all its objects are read.
    """
    if not wanted:
        return []
    names = [f"key{number}" for number in range(len(wanted) if len(wanted) <= _FEW else 0)]
    tests = " OR ".join(f"instr(keys, :{name})" for name in names) or "TRUE"
    rows = connection.execute(
        f"SELECT keys FROM objects WHERE {_OF_PROFILE} AND ({tests})",  # noqa: S608
        {"slot": owned_objects_slot(profile), **dict(zip(names, wanted, strict=False))},
    )
    return [row[0] for row in rows.fetchall()]


def counts(connection: Connection, profile: int) -> dict[str, int]:
    """Count the objects of other systems of a profile, by type."""
    rows = connection.execute(
        f"SELECT type, count(*) FROM objects WHERE {_OF_PROFILE} "  # noqa: S608
        "AND substr(type, 1, 1) <> '_' GROUP BY type",
        {"slot": owned_objects_slot(profile)},
    )
    return dict(rows.fetchall())


def oldest(
    connection: Connection, profile: int, name: str | None, except_id: int
) -> StoredObject | None:
    """Read the oldest object of a profile, of a type or of any, other than `except_id`."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE {_OF_PROFILE} "  # noqa: S608
        "AND id <> :except_id AND (type = :type OR :type IS NULL AND substr(type, 1, 1) <> '_') "
        "ORDER BY ingested, id LIMIT 1",
        {"slot": owned_objects_slot(profile), "type": name, "except_id": except_id},
    ).fetchone()
    return row and StoredObject(*row)


def of_type(
    connection: Connection, domain: int, name: str, after: int, limit: int
) -> list[StoredObject]:
    """Read up to `limit` objects of a type beyond the id `after`, in order."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects "  # noqa: S608
        "WHERE domain = ? AND type = ? AND id > ? ORDER BY id LIMIT ?",
        (domain, name, after, limit),
    )
    return [StoredObject(*row) for row in rows.fetchall()]


def filled_by(
    connection: Connection, domain: int, source: str, after: int, limit: int
) -> list[StoredObject]:
    """Read up to `limit` standard objects whose sources contain a text, beyond the id `after`."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects "  # noqa: S608
        "WHERE domain = ? AND id > ? AND instr(sources, CAST(? AS BLOB)) ORDER BY id LIMIT ?",
        (domain, after, source, limit),
    )
    return [StoredObject(*row) for row in rows.fetchall()]


def expired(connection: Connection, now: float, limit: int) -> list[StoredObject]:
    """Read up to `limit` expired objects."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE expires <= ? ORDER BY expires LIMIT ?",  # noqa: S608
        (now, limit),
    )
    return [StoredObject(*row) for row in rows.fetchall()]


def delete(connection: Connection, identity: int) -> None:
    """Remove an object."""
    connection.execute("DELETE FROM objects WHERE id = ?", (identity,))

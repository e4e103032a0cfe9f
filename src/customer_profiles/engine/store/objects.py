"""Objects of other systems, and the standard objects that they fill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json, to_json

from .rows import json_list, owned_objects_slot, row_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Connection

    Key = tuple[str, str]


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
    """Move all objects of a profile to another one."""
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
    connection: Connection,
    ids: Sequence[int],
    name: str | None = None,
    wanted: Iterable[Key] | None = None,
) -> list[StoredObject]:
    """Read objects in the order of their ids; of one type, or with one of the wanted keys only."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects "  # noqa: S608
        "WHERE id IN (SELECT value FROM json_each(:ids)) AND (:type IS NULL OR type = :type) "
        "AND (:keys IS NULL OR EXISTS "
        "(SELECT 1 FROM json_each(:keys) WHERE instr(keys, CAST(value AS BLOB)))) ORDER BY id",
        {
            "ids": json_list(ids),
            "type": name,
            "keys": None if wanted is None else json.dumps([to_json(k).decode() for k in wanted]),
        },
    )
    return [StoredObject(*row) for row in rows.fetchall()]


def find(connection: Connection, identity: int) -> StoredObject | None:
    """Read an object by its id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE id = ?",  # noqa: S608
        (identity,),
    ).fetchone()
    return row and StoredObject(*row)


def at_rows(connection: Connection, rows: Iterable[int]) -> dict[int, StoredObject]:
    """Read the objects among many rows."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json_list(rows),),
    )
    return {row[0]: StoredObject(*row) for row in found.fetchall()}


_FEW = 50
_OF_PROFILE = (
    "id IN (SELECT holder FROM keys WHERE slot = :slot "
    "UNION ALL SELECT holder FROM fresh_keys WHERE slot = :slot)"
)


def of_profile(
    connection: Connection, profile: int, name: str, unique_key: str
) -> StoredObject | None:
    """Read an object of a profile by its type and ProfileObjectUniqueKey."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM objects "  # noqa: S608
        f"WHERE {_OF_PROFILE} AND type = :type AND unique_key = :unique_key",
        {"slot": owned_objects_slot(profile), "type": name, "unique_key": unique_key},
    ).fetchone()
    return row and StoredObject(*row)


def keys_among(connection: Connection, profile: int, wanted: set[Key]) -> set[Key]:
    """Return those of the wanted keys that an object of a profile provides."""
    if not wanted:
        return set()
    slot = {"slot": owned_objects_slot(profile)}
    if len(wanted) > _FEW:
        rows = connection.execute(f"SELECT keys FROM objects WHERE {_OF_PROFILE}", slot)  # noqa: S608
        return wanted & {(name, normal) for (keys,) in rows for name, normal in from_json(keys)}
    names = {f"key{number}": to_json(key) for number, key in enumerate(wanted)}
    tests = ", ".join(f"max(instr(keys, :{name}))" for name in names)
    positions = connection.execute(
        f"SELECT {tests} FROM objects WHERE {_OF_PROFILE}",  # noqa: S608
        {**slot, **names},
    ).fetchone()
    return {key for key, position in zip(wanted, positions, strict=True) if position}


Age = tuple[float, int, str, int]
"""What eviction needs to know of an object: its ingestion, id, type and size."""


def ages(connection: Connection, profile: int) -> list[Age]:
    """Read the ages of a profile's objects of other systems, the oldest first."""
    rows = connection.execute(
        f"SELECT ingested, id, type, length(body) FROM objects WHERE {_OF_PROFILE} "  # noqa: S608
        "AND substr(type, 1, 1) <> '_'",
        {"slot": owned_objects_slot(profile)},
    )
    # Sorting them here is faster than ORDER BY, because ids are nearly in the order of ages.
    return sorted(rows.fetchall())


def ingestions(
    connection: Connection, profile: int, *, with_body: bool
) -> list[tuple[str, float, str, bytes | None]]:
    """Read the types, times and unique keys of a profile's objects of other systems.

    Their bodies are read on demand, because listing a history needs none.
    """
    body = "body" if with_body else "NULL"
    rows = connection.execute(
        f"SELECT type, ingested, unique_key, {body} FROM objects "  # noqa: S608
        f"WHERE {_OF_PROFILE} AND substr(type, 1, 1) <> '_' ORDER BY id",
        {"slot": owned_objects_slot(profile)},
    )
    return rows.fetchall()


def count_of_type(connection: Connection, profile: int, name: str) -> int:
    """Count the objects of a type of a profile."""
    (count,) = connection.execute(
        f"SELECT count(*) FROM objects WHERE {_OF_PROFILE} AND type = :type",  # noqa: S608
        {"slot": owned_objects_slot(profile), "type": name},
    ).fetchone()
    return int(count)


def older(connection: Connection, profile: int, name: str, newest: int) -> list[StoredObject]:
    """Read the objects of a type of a profile, without the newest ones."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE {_OF_PROFILE} AND type = :type "  # noqa: S608
        "ORDER BY ingested DESC, id DESC LIMIT -1 OFFSET :newest",
        {"slot": owned_objects_slot(profile), "type": name, "newest": newest},
    )
    return [StoredObject(*row) for row in rows.fetchall()]


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


class ListedObject(NamedTuple):
    """An object with the id of its profile."""

    id: int
    unique_key: str
    body: bytes
    profile_id: bytes


def listed(  # noqa: PLR0913 - the range and the filters
    connection: Connection, domain: int, name: str, after: int, *, now: float, limit: int
) -> list[ListedObject]:
    """Read objects of a type beyond the id `after`, in order, with the ids of their profiles."""
    first, last = row_range(domain)
    rows = connection.execute(
        "SELECT objects.id, unique_key, objects.body, profile_id FROM objects "
        "JOIN profiles ON profiles.id = objects.profile "
        "WHERE objects.id > ? AND objects.id <= ? AND type = ? "
        "AND objects.expires > ? AND profiles.expires > ? ORDER BY objects.id LIMIT ?",
        (max(after, first - 1), last, name, now, now, limit),
    )
    return [ListedObject(*row) for row in rows.fetchall()]


CountedObject = tuple[int, str, float, int, "bytes | dict[str, Any]"]
"""What calculated attributes need of an object: the row of its profile, its type, when it was
ingested, its own row, and its body, which may be parsed."""


def of_profiles(
    connection: Connection, profiles: Iterable[int], names: Iterable[str], now: float
) -> Iterable[CountedObject]:
    """Read the objects of types that belong to any of many profiles and have not expired."""
    return connection.execute(
        "SELECT profile, type, ingested, id, body FROM objects "
        "WHERE id IN (SELECT holder FROM keys WHERE slot IN (SELECT value FROM json_each(:slots)) "
        "UNION ALL SELECT holder FROM fresh_keys "
        "WHERE slot IN (SELECT value FROM json_each(:slots))) "
        "AND type IN (SELECT value FROM json_each(:names)) AND expires > :now",
        {
            "slots": json_list(map(owned_objects_slot, profiles)),
            "names": json.dumps([*names]),
            "now": now,
        },
    )


def touched_by(
    connection: Connection, name: str, source: str, after: int, until: int
) -> list[StoredObject]:
    """Read the objects of a type, and those whose sources contain a text, in a range of ids."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE id > ? AND id <= ? "  # noqa: S608
        "AND (type = ? OR instr(sources, CAST(? AS BLOB))) ORDER BY id",
        (after, until, name, source),
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

"""Renewing the search keys of a file whose keys an earlier version normalized by other rules.

Entries of the index for earlier forms stay: no value has these forms any more.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from pydantic_core import from_json

from customer_profiles.engine.store import key_rules
from customer_profiles.engine.store import keys as key_store
from customer_profiles.engine.store import object_types as type_store
from customer_profiles.engine.store import objects as object_store
from customer_profiles.engine.store.rows import domain_of, key_slots

from . import keys, owned_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles.engine.store.database import Connection, Database

    from .keys import Key

    Rules = Callable[[int, str], Callable[[str], str]]

_VERSION = 2


def renew(database: Database) -> None:
    """Renew the keys of a file once, in one transaction."""
    with database.read() as connection:
        if key_rules.version(connection) == _VERSION:
            return
    with database.write() as connection:
        rule = cache(partial(_rule, connection))
        for profile, domain, body in key_rules.bodies(connection):
            _enter(connection, domain, profile, keys.of_fields(from_json(body)))
        for stored in key_rules.objects(connection):
            _renew_object(connection, stored, rule)
        for profile, key in key_rules.added(connection):
            normal = rule(domain_of(profile), key.name)(key.normal)
            if normal != key.normal:
                key_store.remove_added(connection, profile, key.name, [key.normal])
                key_store.put_added(connection, profile, [key._replace(normal=normal)])
                _enter(connection, domain_of(profile), profile, {(key.name, normal)})
        key_rules.put_version(connection, _VERSION)


def _renew_object(connection: Connection, stored: object_store.StoredObject, rule: Rules) -> None:
    found, own = owned_keys.read_keys(stored.keys), owned_keys.read_keys(stored.own_keys)
    new, new_own = (
        {(name, rule(stored.domain, name)(normal)) for name, normal in before}
        for before in (found, own)
    )
    if (new, new_own) != (found, own):
        renewed = stored._replace(
            keys=owned_keys.write_keys(new), own_keys=owned_keys.write_keys(new_own)
        )
        object_store.put(connection, [renewed])
        slots = owned_keys.object_slots(renewed)
        key_store.add_missing(connection, [(slot, stored.id) for slot in slots])
        _enter(connection, stored.domain, stored.profile, new - found)


def _rule(connection: Connection, domain: int, name: str) -> Callable[[str], str]:
    known = None if name.startswith("_") else type_store.key_name(connection, domain, name)
    types = known.content_types if known else ()
    # The parts of a value of several fields cannot be told apart.
    return keys.rule_as(types[0]) if len(types) == 1 else keys.rule_of(name)


def _enter(connection: Connection, domain: int, profile: int, new: set[Key]) -> None:
    key_store.add_missing(connection, [(slot, profile) for slot in key_slots(domain, new)])

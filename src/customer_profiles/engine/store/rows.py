"""Row numbers and index slots: how both are packed, which nothing outside the store knows.

A row number holds its domain's id above the lowest 40 bits, so the profiles and objects of all
domains share tables, and the rows of one domain are a range. The search index (the tables `keys`
and `fresh_keys`) maps slots, which are signed integers of 64 bits, to the rows of their holders:

* a slot of a search key holds the profiles that have the key,
* a slot of an object's own key holds that object,
* a profile's row number is also the slot that holds its objects. Row numbers are small and hashes
  are large, so these slots lie together in the table.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROW_BITS = 40


def json_list(numbers: Iterable[int]) -> str:
    """Return rows or slots as the JSON list that `json_each` reads."""
    # Python writes a list of integers as JSON does, six times as fast as `json.dumps`.
    return str([*numbers])


def domain_of(row: int) -> int:
    """Return the id of the domain that a row belongs to."""
    return row >> ROW_BITS


def first_row(domain: int) -> int:
    """Return the first row number of a domain."""
    return (domain << ROW_BITS) + 1


def last_row(domain: int) -> int:
    """Return the last row number that a domain can have."""
    return ((domain + 1) << ROW_BITS) - 1


def row_range(domain: int) -> tuple[int, int]:
    """Return the first and the last row number of a domain, as BETWEEN expects them."""
    return first_row(domain), last_row(domain)


def key_slot(domain: int, key: tuple[str, str]) -> int:
    """Return the slot that holds the profiles with a search key (a name and a normalized value)."""
    text = f"{domain}\0{key[0]}\0{key[1]}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def key_slots(domain: int, keys: Iterable[tuple[str, str]]) -> set[int]:
    """Return the slots of several search keys."""
    return {key_slot(domain, key) for key in keys}


def object_slot(domain: int, object_type: str, key: tuple[str, str]) -> int:
    """Return the slot that holds the objects of a type with one of their own keys."""
    if object_type.startswith("_"):
        # A control character keeps the name apart from the names of search keys.
        return key_slot(domain, (f"\1{object_type} {key[0]}", key[1]))
    return object_slot_beside(key_slot(domain, key))


def object_slot_beside(slot: int) -> int:
    """Return the slot of the objects whose own key is the search key of `slot`.

    It is next to that slot, on a page of the table that the same ingestion writes anyway.
    """
    return slot ^ 1


def owned_objects_slot(profile: int) -> int:
    """Return the slot that holds the objects of a profile, given by its row."""
    return profile

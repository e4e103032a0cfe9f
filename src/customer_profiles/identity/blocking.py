"""Finding the pairs that are worth comparing: those that share at least one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .prepared import Prepared

_ODD = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)
_NONE = np.uint64(0)

Part = Any
"""What a key is made of: numbers of shape (records,) or (records, values), -1 for none."""


def atoms(prepared: Prepared) -> dict[str, Part]:
    """Give what keys are made of, by name."""
    found: dict[str, Part] = {}
    names = prepared.names
    if names is not None:

        def of(table: Any, codes: Any) -> Any:
            return np.append(table, np.full_like(table[:1], -1), axis=0)[codes]

        found["given"] = names.given
        found["formal given"] = of(names.canonical, names.given)
        found["given sound"] = of(names.sound, names.given)
        found["initial"] = of(names.initial, names.given)
        found["family"] = names.family
        found["family sound"] = of(names.sound, names.family)
        found["family initial"] = of(names.initial, names.family)
        found["middle"] = names.middle
        words = np.stack(
            [of(names.first_word, names.family), of(names.last_word, names.family)], axis=1
        )
        found["family word"] = words
        low, high = np.minimum(names.given, names.family), np.maximum(names.given, names.family)
        found["lesser name"] = np.where(low < 0, -1, low)
        found["greater name"] = np.where(low < 0, -1, high)
        found["any name"] = np.stack([names.given, names.family], axis=1)
    if prepared.birth is not None:
        birth = prepared.birth.astype(np.int64)
        whole = (birth & 0xFF > 0) & (birth > 0)
        found["birth"] = np.where(whole, birth, -1)
        found["year"] = np.where(birth > 0, birth >> 16, -1)
        found["day"] = np.where(whole, birth & 0xFFFF, -1)
    if prepared.emails is not None:
        codes = prepared.emails.codes
        found["email"] = codes
        found["local"] = np.append(prepared.emails.local, np.int32(-1))[codes]
        found["domain"] = np.append(prepared.emails.domain, np.int32(-1))[codes]
    if prepared.phones is not None:
        codes = prepared.phones.codes
        packed = np.append(prepared.phones.packed, np.uint64(0)).astype(np.int64)[codes]
        found["phone"] = codes
        found["phone end"] = np.where(codes >= 0, packed & 0xFFFFFFF, -1)
        found["phone tail"] = np.where(codes >= 0, packed & 0xFFFF, -1)
        found["phone head"] = np.where(codes >= 0, packed >> 16, -1)
    places = prepared.addresses
    if places is not None:
        both = (places.number >= 0) & (places.core >= 0)
        found["street"] = np.where(
            both,
            places.number.astype(np.int64) << 32 | places.core,
            np.where(places.street >= 0, np.int64(1) << 62 | places.street, -1),
        )
        word = np.append(places.first_word, np.int32(-1))[places.core]
        found["house"] = np.where(
            (places.number >= 0) & (word >= 0), places.number.astype(np.int64) << 32 | word, -1
        )
        found["house number"] = places.number
        found["postal"] = places.postal
        found["city"] = places.city
        found["state"] = places.state
    for kind, values in (("id", prepared.identifiers), ("text", prepared.texts)):
        for name, one in values.items():
            found[f"{kind} {name}"] = one.codes
    return {name: part for name, part in found.items() if (part >= 0).any()}


KEYS: tuple[tuple[str, ...], ...] = (
    ("local",), ("phone end",), ("street",), ("lesser name", "greater name"),
    ("family word", "formal given"), ("given sound", "family sound"),
    ("formal given", "family", "year"), ("formal given", "family", "city"),
    ("formal given", "family", "postal"), ("given", "family", "middle"),
    ("given", "family", "state"),
    ("given sound", "family sound", "year"), ("given sound", "family sound", "postal"),
    ("given sound", "family sound", "city"),
    ("initial", "family", "year"), ("initial", "family", "city"),
    ("initial", "family sound", "postal"), ("initial", "family sound", "birth"),
    ("initial", "family sound", "day"), ("family word", "initial", "year"),
    ("any name", "birth"), ("family sound", "birth"), ("given sound", "birth"),
    ("formal given", "birth"), ("birth", "postal"), ("birth", "city"), ("birth", "initial"),
    ("birth", "family initial"), ("birth", "phone tail"), ("family", "day"),
    ("given", "day", "family initial"), ("family sound", "year"), ("given sound", "year"),
    ("any name", "postal"), ("formal given", "postal"), ("given sound", "postal"),
    ("family sound", "postal"), ("family", "city"),
    ("any name", "house"), ("formal given", "house"), ("house", "postal"), ("house", "city"),
    ("family", "house number", "city"), ("house number", "postal"),
    ("any name", "phone tail"), ("formal given", "phone tail"), ("any name", "phone head"),
    ("any name", "local"), ("family", "domain", "initial"),
)  # fmt: skip
"""What records have to share to be compared: parts that survive different kinds of damage."""

_SINGLE = ("given", "family", "birth", "postal", "city", "any name")
"""Parts that are keys by themselves where there are few records."""
_FEW = 20_000
_WITH_TEXT = ("given", "family", "birth", "postal", "city", "phone tail")
_MOST_OF_TEXT = 0.05


def keys_for(found: dict[str, Part], count: int) -> list[tuple[str, ...]]:
    """Choose the keys that the records have parts for."""
    keys = list(KEYS)
    if count <= _FEW:
        keys += [(name,) for name in _SINGLE]
    for name, part in found.items():
        if name.startswith("id "):
            keys.append((name,))
        elif name.startswith("text ") and _tells(part):
            keys += [(name,), (name, "given", "family"), *((name, other) for other in _WITH_TEXT)]
    return [key for key in keys if all(part in found for part in key)]


def _tells(part: Part) -> bool:
    """Tell whether a text has so many values that sharing one says something."""
    counts = np.bincount(part[part >= 0])
    return float((counts / max(counts.sum(), 1)) @ (counts / max(counts.sum(), 1))) <= _MOST_OF_TEXT


def hashed(parts: Sequence[Part], salt: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Combine parts into one number a record and combination of values, with its record."""
    rows = np.arange(len(parts[0]))
    combined = np.full(len(rows), np.uint64(salt * 2 + 1))
    for several, odd in zip(parts, _ODD, strict=False):
        part = several[:, 0] if several.ndim > 1 and several.shape[1] == 1 else several
        if part.ndim == 1:
            values = part[rows]
            good = values >= 0
            if not good.all():
                rows, values, combined = rows[good], values[good], combined[good]
        else:
            values = part[rows]
            which, place = np.nonzero(values >= 0)
            values, combined, rows = values[which, place], combined[which], rows[which]
        combined = (combined ^ values.astype(np.uint64)) * odd
        combined ^= combined >> np.uint64(29)
    return combined, rows


def pairs_of(
    keys: NDArray[np.uint64], rows: NDArray[np.int64], count: int, budget: int
) -> NDArray[np.uint64]:
    """Give the pairs of records that have one key, smallest blocks first, within a budget.

    A pair is one number: the lesser record's times 2**32, plus the greater's.
    """
    bits = np.uint64(max(int(count - 1).bit_length(), 1))
    low = np.uint64((1 << int(bits)) - 1)
    packed = (keys & ~low) | rows.astype(np.uint64)
    packed.sort()
    # A record that has a key twice is once in its block.
    if len(packed) > 1:
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
    block = packed & ~low
    starts = (
        np.flatnonzero(np.append(True, block[1:] != block[:-1]))
        if len(block)
        else np.empty(0, np.int64)
    )
    sizes = np.diff(np.append(starts, len(block)))
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    if not len(sizes):
        return np.empty(0, np.uint64)
    counts = np.bincount(sizes)
    each = np.arange(len(counts)) * (np.arange(len(counts)) - 1) // 2 * counts
    largest = int(np.searchsorted(np.cumsum(each), budget, side="right")) - 1
    members = packed & low
    found = []
    for size in np.flatnonzero(counts[: largest + 1]).tolist():
        first = starts[sizes == size]
        one, other = np.triu_indices(size, 1)
        found.append(
            (
                (members[first[:, None] + one] << np.uint64(32)) | members[first[:, None] + other]
            ).ravel()
        )
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def union(pairs: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Give the distinct pairs of several keys."""
    joined = np.concatenate([np.empty(0, np.uint64), *pairs])
    joined.sort()
    return joined[np.append(True, joined[1:] != joined[:-1])] if len(joined) else joined

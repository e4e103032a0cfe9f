"""Finding the pairs that are worth comparing: those that share at least one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from customer_profiles.identity.columns.normalize import hash_of, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from customer_profiles.identity.columns.addresses import Addresses
    from customer_profiles.identity.columns.names import Names
    from customer_profiles.identity.columns.prepared import Prepared

ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
"""What parts of a key are multiplied by."""
_ODD = np.array(ODD, np.uint64)

Part = Any
"""What a key is made of: numbers of shape (records,) or (records, values), -1 for none."""
Pairs = tuple[Any, Any]
"""Of pairs the one records and the other ones."""


def as_numbered(codes: Any, _texts: Any) -> Part:
    """Take a value's number among these records, which says nothing about other ones."""
    return codes


def as_hashed(codes: Any, texts: Any) -> Part:
    """Take a number that a text has in whatever records it is."""
    return look_up(np.array([hash_of(one) for one in texts], np.int64), codes)


def mixed(one: Part, other: Part) -> Part:
    """Make one number of two, -1 where either is missing."""
    both = (one.astype(np.uint64) * _ODD[0]) ^ (other.astype(np.uint64) * _ODD[1])
    return np.where((one >= 0) & (other >= 0), (both >> np.uint64(2)).astype(np.int64), -1)


def atoms(prepared: Prepared, number: Callable[[Any, Any], Part] = as_numbered) -> dict[str, Part]:
    """Give what keys are made of, by name.

    Args:
        prepared: the records.
        number: `as_numbered` if keys are for these records only, `as_hashed` if they are kept.
    """
    found: dict[str, Part] = {}
    if prepared.names is not None:
        found |= _of_names(prepared.names, number)
    if prepared.birth is not None:
        birth = prepared.birth.astype(np.int64)
        whole = (birth & 0xFF > 0) & (birth > 0)
        found["birth"] = np.where(whole, birth, -1)
        found["year"] = np.where(birth > 0, birth >> 16, -1)
        found["day"] = np.where(whole, birth & 0xFFFF, -1)
    if prepared.emails is not None:
        emails = prepared.emails
        found["local"] = number(look_up(emails.local, emails.codes), emails.local_text)
        found["domain"] = number(look_up(emails.domain, emails.codes), emails.domain_text)
    if prepared.phones is not None:
        codes = prepared.phones.codes
        packed = np.append(prepared.phones.packed, np.uint64(0)).astype(np.int64)[codes]
        found["phone end"] = np.where(codes >= 0, packed & 0xFFFFFFF, -1)
        found["phone tail"] = np.where(codes >= 0, packed & 0xFFFF, -1)
        found["phone head"] = np.where(codes >= 0, packed >> 16, -1)
    if prepared.addresses is not None:
        found |= _of_addresses(prepared.addresses, number)
    for kind, values in (("id", prepared.identifiers), ("text", prepared.texts)):
        for name, one in values.items():
            found[f"{kind} {name}"] = number(one.codes, one.text)
    return {name: part for name, part in found.items() if (part >= 0).any()}


def _of_names(names: Names, number: Callable[[Any, Any], Part]) -> dict[str, Part]:
    def of(table: Any, codes: Any, texts: Any) -> Part:
        return number(np.append(table, np.full_like(table[:1], -1), axis=0)[codes], texts)

    given, family = number(names.given, names.text), number(names.family, names.text)
    both = (given >= 0) & (family >= 0)
    word = [
        of(table, names.family, names.word_text) for table in (names.first_word, names.last_word)
    ]
    return {
        "given": given,
        "formal given": of(names.canonical, names.given, names.formal_text),
        "given sound": of(names.sound, names.given, names.sound_text),
        "initial": of(names.initial, names.given, names.initial_text),
        "family": family,
        "family sound": of(names.sound, names.family, names.sound_text),
        "family initial": of(names.initial, names.family, names.initial_text),
        "middle": number(names.middle, names.text),
        "family word": np.stack(word, axis=1),
        "lesser name": np.where(both, np.minimum(given, family), -1),
        "greater name": np.where(both, np.maximum(given, family), -1),
        "any name": np.stack([given, family], axis=1),
    }


def _of_addresses(places: Addresses, number: Callable[[Any, Any], Part]) -> dict[str, Part]:
    house, street = (
        number(places.number, places.number_text),
        number(places.street, places.street_text),
    )
    core = number(places.core, places.core_text)
    word = number(look_up(places.first_word, places.core), places.word_text)
    line = mixed(house, core)
    return {
        "street": np.where(line >= 0, line, mixed(street, street)),
        "house": mixed(house, word),
        "house number": house,
        "postal": number(places.postal, places.postal_text),
        "city": number(places.city, places.city_text),
        "state": number(places.state, places.state_text),
    }


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
_MANY_TEXTS = 12
MOST_HELD = 50
"""A value of a key that more records have is no use to look one record up by."""
_SAMPLED_MATCHES, _SAMPLED_RECORDS, _SEED = 5_000, 25_000, 20_240_229
_ENOUGH_MATCHES = 1_000
_USUAL = frozenset(
    {
        *(("local",), ("phone end",), ("street",), ("given sound", "family sound")),
        *(("birth", "family initial"), ("any name", "postal"), ("any name", "birth")),
    }
)
"""Keys for records of which there are too few matches to learn from."""
_DRAWN_BITS = 5
_MOST_COMPARED, _LEAST_WORTH = 12, 0.00005
_LEAST_YIELD, _LEAST_WIDTH = 0.002, 0.1


def keys_for(found: dict[str, Part], count: int) -> list[tuple[str, ...]]:
    """Choose the keys that the records have parts for."""
    keys = list(KEYS)
    if count <= _FEW:
        keys += [(name,) for name in _SINGLE]
    texts = [name for name in found if name.startswith("text ")]
    for name, part in found.items():
        if name.startswith("id "):
            keys.append((name,))
        elif name.startswith("text ") and len(texts) > _MANY_TEXTS:
            # All pairs of so many columns would be too many keys.
            keys += [(name,), (name, "given", "family"), (name, "family")] if _tells(part) else []
        elif name.startswith("text ") and _tells(part):
            keys += [(name,), (name, "given", "family"), *((name, other) for other in _WITH_TEXT)]
    return [key for key in keys if all(part in found for part in key)]


def _tells(part: Part) -> bool:
    """Tell whether a text has so many values that sharing one says something."""
    counts = np.bincount(part[part >= 0])
    return float((counts / max(counts.sum(), 1)) @ (counts / max(counts.sum(), 1))) <= _MOST_OF_TEXT


def lasting(
    prepared: Prepared, keys: Sequence[tuple[str, ...]]
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Yield of each key its values, the same in all records, and the numbers of their records."""
    found = atoms(prepared, as_hashed)
    for salt, key in enumerate(keys):
        if found.keys() >= set(key):
            yield hashed([found[name] for name in key], salt)


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


class _Coverage(NamedTuple):
    """What a key would do."""

    covers: Any
    """Which of some matching pairs share a value of it that is not too common."""
    width: float
    """How many values of it a record has, on average."""


def best_keys(found: dict[str, Part], count: int, pairs: Pairs) -> list[tuple[str, ...]]:
    """Choose the few keys that find nearly all matches, to look one record up by.

    Args:
        found: what keys are made of.
        count: how many records there are.
        pairs: pairs that match.
    """
    pairs = _drawn(pairs, _SAMPLED_MATCHES)
    left = _coverages(found, count, pairs, MOST_HELD)
    chosen: list[tuple[str, ...]] = []
    if len(pairs[0]) < _ENOUGH_MATCHES:
        chosen = [key for key in left if key in _USUAL or key[0].startswith("id ")]
    missed = np.ones(len(pairs[0]))
    for key in chosen:
        missed[left.pop(key).covers] = 0
    return chosen + _greedily(left, missed, _LEAST_YIELD, lambda one: max(one.width, _LEAST_WIDTH))


def worthwhile_keys(
    found: dict[str, Part], count: int, pairs: Pairs, pool: Executor
) -> list[tuple[str, ...]]:
    """Leave out the keys that find nothing which others do not find.

    Args:
        found: what keys are made of.
        count: how many records there are.
        pairs: likely pairs of those that `some_pairs_of` gives for each key.
        pool: what looks at several keys at a time.
    """
    pairs = _drawn(pairs, 4 * _SAMPLED_MATCHES)
    left = _coverages(found, count, pairs, _MOST_COMPARED, pool.map)
    # A pair that many keys give is the more often among those that were drawn.
    times = sum((one.covers for one in left.values()), np.zeros(len(pairs[0])))
    return _greedily(left, 1 / np.maximum(times, 1), _LEAST_WORTH, lambda _: 1.0)


def _greedily(
    left: dict[tuple[str, ...], _Coverage],
    missed: NDArray[np.float64],
    least: float,
    price: Callable[[_Coverage], float],
) -> list[tuple[str, ...]]:
    """Choose keys by what they cover that is missed yet, as long as that is a least share."""
    chosen, total = list[tuple[str, ...]](), missed.sum()
    while left:
        gains = {key: float(missed[one.covers].sum()) for key, one in left.items()}
        best = max(gains, key=lambda key: gains[key] / price(left[key]))
        if gains[best] <= least * total:
            break
        chosen.append(best)
        missed[left.pop(best).covers] = 0
    return chosen


def _drawn(pairs: Pairs, most: int) -> Pairs:
    if len(pairs[0]) <= most:
        return pairs
    some = np.random.default_rng(_SEED).choice(len(pairs[0]), most, replace=False)
    return pairs[0][some], pairs[1][some]


def _coverages(
    found: dict[str, Part],
    count: int,
    pairs: Pairs,
    most: int,
    each: Callable[..., Iterable[_Coverage]] = map,
) -> dict[tuple[str, ...], _Coverage]:
    draw = np.random.default_rng(_SEED)
    records = np.arange(count)
    if count > _SAMPLED_RECORDS:
        records = np.sort(draw.choice(count, _SAMPLED_RECORDS, replace=False))
    keys, least = keys_for(found, count), most * len(records) / max(count, 1)

    def coverage(key: tuple[str, ...]) -> _Coverage:
        return _coverage([found[name] for name in key], pairs, records, least)

    return dict(zip(keys, each(coverage, keys), strict=True))


def _coverage(parts: Sequence[Part], pairs: Pairs, records: NDArray[Any], most: float) -> _Coverage:
    i, j = pairs
    rows, place = np.unique(np.concatenate([i, j]), return_inverse=True)
    keys, of = hashed([part[rows] for part in parts], 0)
    order = np.argsort(of, kind="stable")
    keys, of = keys[order], of[order]
    nth = np.arange(len(of)) - np.searchsorted(of, of)
    table = np.zeros((len(rows), int(nth.max(initial=0)) + 1), np.uint64)
    table[of, nth] = keys
    one, other = table[place[: len(i)]], table[place[len(i) :]]
    same = (one[:, :, None] == other[:, None, :]) & (one[:, :, None] > 0)
    values, held = np.unique(hashed([part[records] for part in parts], 0)[0], return_counts=True)
    common = values[held > max(most, 1)]
    same &= ~np.isin(one, common)[:, :, None]
    return _Coverage(same.any(axis=(1, 2)), float(held.sum()) / max(len(records), 1))


def some_pairs_of(parts: Sequence[Part], count: int, budget: int) -> NDArray[np.uint64]:
    """Give about a thirty-second of the pairs that have a key: those of some values of a part."""
    first = parts[0].astype(np.uint64) * _ODD[2]
    drawn = (parts[0] >= 0) & (first >> np.uint64(64 - _DRAWN_BITS) == 0)
    rows = np.flatnonzero(drawn if drawn.ndim == 1 else drawn.any(axis=1))
    if not len(rows):
        return np.empty(0, np.uint64)
    keys, of = hashed([part[rows] for part in parts], 0)
    return pairs_of(keys, rows[of], count, budget >> _DRAWN_BITS)


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

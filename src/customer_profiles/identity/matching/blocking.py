"""Blocking: finding the pairs that are worth comparing, those that share at least one key."""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from customer_profiles.identity.preparing.normalize import (
    encode,
    hash_of,
    look_up,
    pc,
    texts_of,
)

from .contents import agreement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Hashes, Integers, Mask, Rows, Texts
    from customer_profiles.identity.preparing.addresses import Addresses
    from customer_profiles.identity.preparing.names import Names
    from customer_profiles.identity.preparing.prepared import Prepared

    Key: TypeAlias = tuple[str, ...]
    """The names of the atoms that a blocking key combines."""
    Pairs: TypeAlias = tuple[Rows, Rows]
    """The first and the second record of each pair."""
    Number: TypeAlias = Callable[[Integers, Texts], Integers]
    """Returns the number of each record's value, from codes and the texts that they refer to."""

ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
"""Multipliers that mix the atoms of a key."""
_ODD = np.array(ODD, np.uint64)


def pack(i: Integers, j: Integers) -> Hashes:
    """Pack pairs of rows into one number each."""
    return (i.astype(np.uint64) << np.uint64(32)) | j.astype(np.uint64)


def unpack(pairs: Hashes) -> Pairs:
    """Return the rows of packed pairs."""
    low = pairs & np.uint64(0xFFFFFFFF)
    return (pairs >> np.uint64(32)).astype(np.int64), low.astype(np.int64)


def locate(keys: Hashes | Integers, wanted: Hashes | Integers) -> tuple[Rows, Mask]:
    """Return the positions of wanted numbers among sorted ones, and which of them are there.

    The position of a number that is not there has no meaning, but it is a valid one.
    """
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def hashes_of_rows(columns: Iterable[Integers], count: int) -> Hashes:
    """Return a hash of each row of numbers, which are in columns."""
    result = np.zeros(count, np.uint64)
    for column in columns:
        result = (result ^ column.astype(np.uint64)) * _ODD[0]
        result ^= result >> np.uint64(31)
    return result


def as_numbered(codes: Integers, _texts: Texts) -> Integers:
    """Return codes as they are: numbers of values that have a meaning among these records only."""
    return codes


def as_hashed(codes: Integers, texts: Texts) -> Integers:
    """Return the hash of each record's text, which is the same in all data sets."""
    return look_up(np.array([hash_of(text) for text in texts], np.int64), codes)


def mixed(left: Integers, right: Integers) -> Integers:
    """Combine two numbers into one, -1 where either is missing."""
    both = (left.astype(np.uint64) * _ODD[0]) ^ (right.astype(np.uint64) * _ODD[1])
    return np.where((left >= 0) & (right >= 0), (both >> np.uint64(2)).astype(np.int64), -1)


def atoms(prepared: Prepared, number: Number = as_numbered) -> dict[str, Integers]:
    """Return the atoms that blocking keys combine, by name.

    Args:
        prepared: the records.
        number: `as_numbered` for keys among these records only, `as_hashed` for stored keys.

    Returns:
        Numbers of shape (records,) or (records, values), -1 for a missing value.
    """
    found: dict[str, Integers] = {}
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
    for kind, columns in (("id", prepared.identifiers), ("text", prepared.texts)):
        for name, values in columns.items():
            found[f"{kind} {name}"] = number(values.codes, values.text)
    found |= {name: number(codes, texts) for name, (codes, texts) in prepared.own_keys.items()}
    for name, parts in prepared.own_atoms.items():
        if found.keys() >= set(parts):
            found[name] = reduce(_combined, (found[part] for part in parts))
    return {name: atom for name, atom in found.items() if (atom >= 0).any()}


def _combined(left: Integers, right: Integers) -> Integers:
    """Combine each value that a record has of one atom with each that it has of another."""
    count = len(left)
    pairs = mixed(left.reshape(count, -1, 1), right.reshape(count, 1, -1))
    return pairs.reshape(count, -1)


NAME_ENDS, OTHER_ENDS = (2, 3), (3,)
"""How many letters of a name, and of a postal code or a town, are compared from either end."""


def _ends(
    name: str, codes: Integers, texts: Texts, sizes: Sequence[int], number: Number
) -> dict[str, Integers]:
    """Return the first and last letters of texts, which errors elsewhere in the text leave."""
    found = {}
    values = pa.array(texts, pa.string())
    for size in sizes:
        for end, begin, stop in (("first", 0, size), ("last", -size, None)):
            part = encode(pc.utf8_slice_codeunits(values, begin, stop))
            of_records = number(look_up(part.codes, codes), texts_of(part))
            found[f"{name} {end} {size}"] = of_records
    return found


def _of_names(names: Names, number: Number) -> dict[str, Integers]:
    def of(table: Integers, codes: Integers, texts: Texts) -> Integers:
        return number(np.append(table, np.full_like(table[:1], -1), axis=0)[codes], texts)

    first, last = number(names.given, names.text), number(names.family, names.text)
    both = (first >= 0) & (last >= 0)
    words = [
        of(table, names.family, names.word_text) for table in (names.first_word, names.last_word)
    ]
    atoms = {
        "given": first,
        "formal given": of(names.canonical, names.given, names.formal_text),
        "given sound": of(names.sound, names.given, names.sound_text),
        "initial": of(names.initial, names.given, names.initial_text),
        "family": last,
        "family sound": of(names.sound, names.family, names.sound_text),
        "family initial": of(names.initial, names.family, names.initial_text),
        "middle": number(names.middle, names.text),
        "family word": np.stack(words, axis=1),
        "lesser name": np.where(both, np.minimum(first, last), -1),
        "greater name": np.where(both, np.maximum(first, last), -1),
        "any name": np.stack([first, last], axis=1),
        **_ends("given", names.given, names.text, NAME_ENDS, number),
        **_ends("family", names.family, names.text, NAME_ENDS, number),
    }
    for script, read in names.readings.items():
        for part, codes in (("given", names.given), ("family", names.family)):
            atoms[part + READ_IN + script.name] = of(read, codes, names.reading_text)
    return atoms


def _of_addresses(addresses: Addresses, number: Number) -> dict[str, Integers]:
    house = number(addresses.number, addresses.number_text)
    street = number(addresses.street, addresses.street_text)
    core = number(addresses.core, addresses.core_text)
    word = number(look_up(addresses.first_word, addresses.core), addresses.word_text)
    line = mixed(house, core)
    return {
        "street": np.where(line >= 0, line, mixed(street, street)),
        "house": mixed(house, word),
        "house number": house,
        "postal": number(addresses.postal, addresses.postal_text),
        "city": number(addresses.city, addresses.city_text),
        "state": number(addresses.state, addresses.state_text),
        **_ends("postal", addresses.postal, addresses.postal_text, OTHER_ENDS, number),
        **_ends("city", addresses.city, addresses.city_text, OTHER_ENDS, number),
    }


KEYS: tuple[Key, ...] = (
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
"""Records that share one of these keys are compared; each key survives different errors."""
_NAME_PARTS = tuple(
    tuple(f"{name} {end} {size}" for name in ("given", "family") for end in ("first", "last"))
    for size in NAME_ENDS
)
_TWO_LETTERS, _THREE_LETTERS = _NAME_PARTS
ENDS: tuple[Key, ...] = (
    *product(_THREE_LETTERS[:2], _THREE_LETTERS[2:]),
    *product(_TWO_LETTERS, ("postal first 3", "postal last 3", "city first 3", "city last 3")),
    *product(_TWO_LETTERS, ("house number", "phone tail")),
    *product(_THREE_LETTERS, ("year", "day")),
)
"""Keys of the first and last letters, for records with several typing errors each."""

OWN = "own "
"""The beginning of the names of keys that a user defines; they are always used."""
READ_IN = " read in "
"""In the name of an atom: a part of a name, as it is read beside names of another script."""
_GIVEN_READ = "given" + READ_IN
_SINGLE = ("given", "family", "birth", "postal", "city", "any name")
"""Atoms that are keys by themselves where there are few records."""
_FEW = 20_000
ALL_KEYS = 60_000
"""So many records are compared by all keys; of more, a sample chooses the keys."""
_WITH_TEXT = ("given", "family", "birth", "postal", "city", "phone tail")
MOST_OF_TEXT = 0.05
"""Texts that two records share more often are no keys."""
_MANY_TEXTS = 12
MOST_HELD = 50
"""A value of a key that more records have is not used to look a record up."""
_SAMPLED_MATCHES, _SAMPLED_RECORDS, _SEED = 5_000, 25_000, 20_240_229
_ENOUGH_MATCHES = 1_000
_DEFAULT = frozenset(
    {
        *(("local",), ("phone end",), ("street",), ("given sound", "family sound")),
        *(("birth", "family initial"), ("any name", "postal"), ("any name", "birth")),
    }
)
"""Keys to look records up by where there are too few matches to choose them."""
# The budget of a key: four pairs for each record, within these bounds.
_PAIRS_A_RECORD, _MOST_PAIRS, _FEWEST_PAIRS = 4, 300_000, 50_000
_FEW_TEXTS = 6
_RECORDS_SAMPLED_WHOLE, _MOST_SAMPLE_BITS = 10_000, 5
_MOST_COMPARED, _LEAST_WORTH = 12, 0.001
_PAIRS_PER_KEY = 0.2
"""As many pairs for each record can be compared in the time that a further key takes."""
_LEAST_YIELD, _LEAST_WIDTH = 0.002, 0.1


def keys_for(found: Mapping[str, Integers], count: int) -> list[Key]:
    """Return the keys for which the records have all atoms.

    Args:
        found: the records' atoms.
        count: the number of records.
    """
    texts = [name for name in found if name.startswith("text ")]
    return keys_of(found, count, {name for name in texts if _discriminates(found[name])})


def keys_of(found: Collection[str], count: int, distinctive: Collection[str]) -> list[Key]:
    """Return the keys for which the records have all atoms.

    Args:
        found: the names of the records' atoms.
        count: the number of records.
        distinctive: the texts among the atoms on which two records rarely agree.
    """
    keys = [*KEYS, *ENDS]
    if count <= _FEW:
        keys += [(name,) for name in _SINGLE]
    for script in (name[len(_GIVEN_READ) :] for name in found if name.startswith(_GIVEN_READ)):
        given, family = _GIVEN_READ + script, "family" + READ_IN + script
        keys += [(given, family), (given, "birth"), (family, "birth")]
    texts = [name for name in found if name.startswith("text ")]
    keys += [(name,) for name in found if name.startswith(("id ", OWN))]
    for name in filter(distinctive.__contains__, texts):
        keys += [(name,), (name, "given", "family")]
        # With many texts, all combinations would be too many keys.
        few = len(texts) <= _MANY_TEXTS
        keys += [(name, other) for other in _WITH_TEXT] if few else [(name, "family")]
    return [key for key in keys if all(atom in found for atom in key)]


def chosen(keys: Sequence[Key], chosen: Collection[Key]) -> list[Key]:
    """Return the chosen keys among all, and those that a user defines."""
    return [key for key in keys if key in chosen or key[0].startswith(OWN)]


def _discriminates(atom: Integers) -> bool:
    """Return whether two records rarely agree on a text."""
    return agreement(atom) <= MOST_OF_TEXT


def lasting(prepared: Prepared, keys: Sequence[Key]) -> Iterator[tuple[Hashes, Rows]]:
    """Yield for each key its hashes, which are the same in all data sets, and their rows."""
    found = atoms(prepared, as_hashed)
    for salt, key in enumerate(keys):
        if found.keys() >= set(key):
            yield hashed([found[name] for name in key], salt)


def hashed(key: Sequence[Integers], salt: int) -> tuple[Hashes, Rows]:
    """Return one hash for each record and combination of its values, with the record's row.

    Args:
        key: the atoms of a key.
        salt: the key's number, which keeps hashes of different keys apart.
    """
    count = len(key[0])
    rows = every = np.arange(count)
    combined = np.full(count, np.uint64(salt * 2 + 1))
    for atom, odd in zip(key, _ODD, strict=False):
        values = atom[:, 0] if atom.ndim > 1 and atom.shape[1] == 1 else atom
        values = values if rows is every else values[rows]
        if values.ndim == 1:
            good = values >= 0
            if not good.all():
                rows, values, combined = rows[good], values[good], combined[good]
        else:
            which, column = np.nonzero(values >= 0)
            values, combined, rows = values[which, column], combined[which], rows[which]
        combined = (combined ^ values.astype(np.uint64)) * odd
        combined ^= combined >> np.uint64(29)
    return combined, rows


def share(key: Sequence[Integers]) -> bool:
    """Return whether two records share a value of a key.

    Args:
        key: the atoms of the two records.
    """
    hashes, rows = hashed(key, 0)
    return bool(np.isin(hashes[rows == 0], hashes[rows == 1]).any())


class _Coverage(NamedTuple):
    """The yield and the cost of a key."""

    covers: Mask
    """Which of the sampled matches share a value of the key that is not too common."""
    width: float
    """The mean number of values of a record."""


def best_keys(found: Mapping[str, Integers], count: int, matches: Pairs) -> list[Key]:
    """Choose the few keys that find nearly all matches, to look records up by.

    Args:
        found: the records' atoms.
        count: the number of records.
        matches: pairs that match.
    """
    matches = _sampled(matches, _SAMPLED_MATCHES)
    left = _coverages(found, count, matches, MOST_HELD)
    chosen: list[Key] = []
    if len(matches[0]) < _ENOUGH_MATCHES:
        chosen = [key for key in left if key in _DEFAULT or key[0].startswith("id ")]
    missed = np.ones(len(matches[0]))
    for key in chosen:
        missed[left.pop(key).covers] = 0
    prices = {key: max(coverage.width, _LEAST_WIDTH) for key, coverage in left.items()}
    return chosen + _greedily(left, missed, _LEAST_YIELD, prices)


def worthwhile_keys(
    found: Mapping[str, Integers],
    count: int,
    matches: Pairs,
    sizes: Mapping[Key, int],
    pool: Executor,
) -> list[Key]:
    """Choose the keys that find matches which other keys miss, those with few pairs first.

    Args:
        found: the records' atoms.
        count: the number of records.
        matches: likely matches among the pairs that `sampled_pairs_of` returns for each key.
        sizes: the number of pairs that `sampled_pairs_of` returns for each key.
        pool: examines several keys at a time.
    """
    matches = _sampled(matches, 4 * _SAMPLED_MATCHES)
    left = _coverages(found, count, matches, _MOST_COMPARED, pool.map)
    # The more keys find a pair, the more probably it was sampled.
    times = sum((coverage.covers for coverage in left.values()), np.zeros(len(matches[0])))
    # Making a key costs as much as comparing some pairs.
    fixed = _PAIRS_PER_KEY * (count >> _sample_bits(count))
    prices = {key: sizes.get(key, 0) + fixed for key in left}
    return _greedily(left, 1 / np.maximum(times, 1), _LEAST_WORTH, prices)


def times_found(found: Mapping[str, Integers], count: int, matches: Pairs) -> NDArray[np.int64]:
    """Return for a sample of the matches how many keys find each.

    Args:
        found: the records' atoms.
        count: the number of records.
        matches: pairs that match.
    """
    matches = _sampled(matches, _SAMPLED_MATCHES)
    coverages = _coverages(found, count, matches, _MOST_COMPARED).values()
    times = np.zeros(len(matches[0]), np.int64)
    for coverage in coverages:
        times += coverage.covers
    return times


def _greedily(
    left: dict[Key, _Coverage],
    missed: NDArray[np.float64],
    least: float,
    prices: Mapping[Key, float],
) -> list[Key]:
    """Choose keys by the matches that they add for their price, until a key adds too few.

    Args:
        left: the keys to choose from.
        missed: the weight of each match; matches that a chosen key covers are set to 0.
        least: the least share of the matches that a key must add.
        prices: the price of each key.
    """
    chosen: list[Key] = []
    total = missed.sum()
    while left:
        gains = {key: float(missed[coverage.covers].sum()) for key, coverage in left.items()}
        worthwhile = [key for key in gains if gains[key] > least * total]
        if not worthwhile:
            break
        best = max(worthwhile, key=lambda key: gains[key] / prices[key])
        chosen.append(best)
        missed[left.pop(best).covers] = 0
    return chosen


def _sampled(pairs: Pairs, most: int) -> Pairs:
    if len(pairs[0]) <= most:
        return pairs
    drawn = np.random.default_rng(_SEED).choice(len(pairs[0]), most, replace=False)
    return pairs[0][drawn], pairs[1][drawn]


def _coverages(
    found: Mapping[str, Integers],
    count: int,
    matches: Pairs,
    most: int,
    each: Callable[..., Iterable[_Coverage]] = map,
) -> dict[Key, _Coverage]:
    draw = np.random.default_rng(_SEED)
    records = np.arange(count)
    if count > _SAMPLED_RECORDS:
        records = np.sort(draw.choice(count, _SAMPLED_RECORDS, replace=False))
    keys, most_sampled = keys_for(found, count), most * len(records) / max(count, 1)
    rows, position = np.unique(np.concatenate(matches), return_inverse=True)
    left, right = position[: len(matches[0])], position[len(matches[0]) :]
    names = {name for key in keys for name in key}
    matching = {name: found[name][rows] for name in names}
    sampled = {name: found[name][records] for name in names}

    def coverage(key: Key) -> _Coverage:
        return _coverage(
            [matching[name] for name in key],
            (left, right),
            [sampled[name] for name in key],
            most_sampled,
        )

    return dict(zip(keys, each(coverage, keys), strict=True))


def _coverage(
    key: Sequence[Integers], matches: Pairs, sampled: Sequence[Integers], most: float
) -> _Coverage:
    """Examine a key.

    Args:
        key: the atoms of the records of the matches.
        matches: the positions of these records.
        sampled: the atoms of a sample of all records.
        most: a value that more of the sampled records have is too common.
    """
    hashes, of = hashed(key, 0)
    order = np.argsort(of, kind="stable")
    hashes, of = hashes[order], of[order]
    nth = np.arange(len(of)) - np.searchsorted(of, of)
    table = np.zeros((len(key[0]), int(nth.max(initial=0)) + 1), np.uint64)
    table[of, nth] = hashes
    left, right = table[matches[0]], table[matches[1]]
    same = (left[:, :, None] == right[:, None, :]) & (left[:, :, None] > 0)
    values, counts = np.unique(hashed(sampled, 0)[0], return_counts=True)
    common = values[counts > max(most, 1)]
    same &= ~np.isin(left, common)[:, :, None]
    return _Coverage(same.any(axis=(1, 2)), float(counts.sum()) / max(len(sampled[0]), 1))


def _sample_bits(count: int) -> int:
    bits = (count // _RECORDS_SAMPLED_WHOLE).bit_length() - 1
    return min(max(bits, 1), _MOST_SAMPLE_BITS)


def sampled_rows(atom: Integers, count: int) -> Rows:
    """Return the records that have a sampled value of an atom.

    The share of the values falls from 1/4 for few records to 1/32 from 320,000 on, so that about as
    many matches are sampled.

    Args:
        atom: the first atom of keys.
        count: the number of records.
    """
    first = atom.astype(np.uint64) * _ODD[2]
    drawn = (atom >= 0) & (first >> np.uint64(64 - _sample_bits(count)) == 0)
    return np.flatnonzero(drawn if drawn.ndim == 1 else drawn.any(axis=1))


def sampled_pairs_of(key: Sequence[Integers], rows: Rows, count: int, budget: int) -> Hashes:
    """Return the pairs of sampled records that share a key.

    Args:
        key: the atoms of the key.
        rows: the records, which `sampled_rows` returns for the first atom.
        count: the number of records.
        budget: the greatest number of pairs that the whole key may have.
    """
    if not len(rows):
        return np.empty(0, np.uint64)
    hashes, of = hashed([atom[rows] for atom in key], 0)
    return pairs_of(hashes, rows[of], count, budget >> _sample_bits(count))


def pairs_of(keys: Hashes, rows: Rows, count: int, budget: int) -> Hashes:
    """Return the pairs of records that share a key, smallest blocks first, within a budget.

    Args:
        keys: the values of the key.
        rows: the record of each value.
        count: the number of records.
        budget: the greatest number of pairs.

    Returns:
        Packed pairs: the lower row times 2**32, plus the higher.
    """
    bits = np.uint64(max(int(count - 1).bit_length(), 1))
    low = np.uint64((1 << int(bits)) - 1)
    packed = (keys & ~low) | rows.astype(np.uint64)
    packed.sort()
    # A record may have a value twice.
    if len(packed) > 1:
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
    block = packed & ~low
    starts = np.empty(0, np.int64)
    if len(block):
        starts = np.flatnonzero(np.append(True, block[1:] != block[:-1]))
    sizes = np.diff(np.append(starts, len(block)))
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    if not len(sizes):
        return np.empty(0, np.uint64)
    kept = sizes <= largest_block(np.bincount(sizes), budget)
    return pairs_inside(packed & low, starts[kept], sizes[kept])


def budgets(count: int, texts: int) -> tuple[int, int]:
    """Return how many pairs a key may have, and a key of a text.

    Args:
        count: the number of records.
        texts: the number of columns of text.
    """
    budget = max(min(_PAIRS_A_RECORD * count, _MOST_PAIRS), count // 2, _FEWEST_PAIRS)
    return budget, budget // max(texts // _FEW_TEXTS, 1)


def largest_block(counts: Integers, budget: int) -> int:
    """Return the size of the largest blocks that a budget of pairs allows, smallest blocks first.

    Args:
        counts: how many blocks have each size, from 0 on.
        budget: the greatest number of pairs.
    """
    sizes = np.arange(len(counts))
    pairs = np.cumsum(sizes * (sizes - 1) // 2 * counts)
    return int(np.searchsorted(pairs, budget, side="right")) - 1


def pairs_inside(members: Hashes, starts: Rows, sizes: Integers) -> Hashes:
    """Return all pairs of records inside blocks.

    Args:
        members: the records of each block, in ascending order, block after block.
        starts: the position of each block's first record.
        sizes: the number of records of each block, at least 2.
    """
    found = [np.empty(0, np.uint64)]
    for size in np.unique(sizes).tolist():
        first = starts[sizes == size][:, None]
        i, j = np.triu_indices(size, 1)
        found.append(((members[first + i] << np.uint64(32)) | members[first + j]).ravel())
    return np.concatenate(found)


def union(pairs: Sequence[Hashes]) -> Hashes:
    """Return the distinct pairs of several keys, sorted."""
    joined = np.concatenate([np.empty(0, np.uint64), *pairs])
    joined.sort()
    return joined[np.append(True, joined[1:] != joined[:-1])] if len(joined) else joined

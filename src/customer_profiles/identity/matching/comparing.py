"""Comparing pairs of records, attribute by attribute, many pairs at once.

A comparison yields one byte for each pair, its code: how similar the two values are (the level)
and, where they are equal, how common the value is (its term-frequency class). Scoring needs only
these codes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from customer_profiles.identity.preparing import kinds
from customer_profiles.identity.preparing.companies import is_company_column
from customer_profiles.identity.preparing.normalize import LETTERS
from customer_profiles.identity.scripts.letters import Script

from . import contents, levels, redundant
from .blocking import locate
from .levels import EXACT, MISSING
from .term_frequency import IDENTIFIER_SHARE, TEXT_SHARE, TF_CLASSES, tf_by_counts, tf_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from enum import IntEnum

    from customer_profiles.identity.arrays import (
        Floats,
        Hashes,
        Integers,
        Levels,
        Mask,
        Rows,
        Texts,
    )
    from customer_profiles.identity.preparing.addresses import Addresses
    from customer_profiles.identity.preparing.names import Names
    from customer_profiles.identity.preparing.prepared import Emails, Phones, Prepared, Values

    from .contents import Content
    from .term_frequency import TermFrequency

    Found: TypeAlias = tuple[Levels, Levels]
    """The level of each pair, and the term-frequency class of the value that both records have."""
    Compare: TypeAlias = Callable[[Rows, Rows], Found]
    Slots: TypeAlias = tuple[Rows, int]
    """Rows of records, and which of their addresses."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one attribute is compared."""

    name: str
    level: type[IntEnum]
    find: Compare
    term_frequencies: dict[int, TermFrequency] = field(default_factory=dict)
    """Term frequencies of the values agreed on, by the levels that mean such an agreement."""
    counted: dict[int, float] = field(default_factory=dict)
    """How many pairs of records have a level that is too rare to estimate from random pairs."""
    shared: bool = False
    """Whether related people may share a value, in addition to the attributes known for that."""
    implied_by: tuple[str, ...] = ()
    """Attributes that determine this one: when they agree, this agreement is no evidence."""
    fixed: dict[int, tuple[float | None, float | None]] = field(default_factory=dict)
    """The fixed probabilities m and u of levels; None is estimated."""
    content: Content | None = None
    """What a column of unknown meaning contains."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The label of each level; the first is `missing`."""
        return levels.labels(self.level)

    @property
    def level_of(self) -> Levels:
        """The level of each code."""
        sizes = [TF_CLASSES if level in self.term_frequencies else 1 for level in self.level]
        return np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes)

    def codes(self, i: Rows, j: Rows) -> Levels:
        """Compare pairs and return the code of each: its level and term-frequency class."""
        level, tf_class = self.find(i, j)
        first = np.searchsorted(self.level_of, np.arange(len(self.level))).astype(np.uint8)
        has_tf = np.array([level in self.term_frequencies for level in self.level])
        return first[level] + np.where(has_tf[level], tf_class, np.uint8(0))


def adapted(comparison: Comparison, known: Sequence[str]) -> Comparison:
    """Return a comparison by the levels that an older model knows; other pairs are different."""
    table = np.array(levels.renumbered(comparison.levels, known), np.uint8)

    def find(i: Rows, j: Rows) -> Found:
        found, tf_class = comparison.find(i, j)
        return table[found], tf_class

    return replace(comparison, level=levels.level_type(known), find=find, counted={})


def comparisons(
    prepared: Prepared, implied_by: Mapping[str, Sequence[str]] | None = None
) -> list[Comparison]:
    """Return a comparison for each attribute that the records have values of.

    Args:
        prepared: the records.
        implied_by: for each text the attributes that determine it; without it, they are found in
            the records.
    """
    with ThreadPoolExecutor(2) as aside:
        # Counting the values of a million records takes a second.
        names = None if prepared.names is None else aside.submit(_names, prepared.names)
        addresses = (
            None if prepared.addresses is None else aside.submit(_addresses, prepared.addresses)
        )
        result: list[Comparison] = []
        if prepared.birth is not None:
            result.append(_birth(prepared.birth))
        if prepared.gender is not None:
            result.append(_gender(prepared.gender, prepared.names))
        if prepared.emails is not None:
            result.append(_email(prepared.emails, prepared.names))
        if prepared.phones is not None:
            result.append(_phone(prepared.phones))
        others = _others(prepared, implied_by)
        return [
            *(names.result() if names else ()),
            *result,
            *(addresses.result() if addresses else ()),
            *others,
        ]


def _others(prepared: Prepared, implied_by: Mapping[str, Sequence[str]] | None) -> list[Comparison]:
    """Return the comparisons of identifiers and of texts."""
    result = [
        _text(name, values, IDENTIFIER_SHARE) for name, values in prepared.identifiers.items()
    ]
    if implied_by is None:
        implied_by = redundant.redundant_columns(prepared)
    codes_of = redundant.codes_by_attribute(prepared)
    for name, values in prepared.texts.items():
        # A batch may have no values of an attribute.
        sources = implied_by.get(name, ())
        known = {source: codes_of[source] for source in sources if source in codes_of}
        # Colleagues share their company, and often its address and phone, as relatives do.
        people = prepared.names if is_company_column(name) else None
        apart = people.is_company if people else None
        found = _text(name, values, TEXT_SHARE, shared=True, implied_by=known, without=apart)
        result.append(replace(found, content=contents.content_of(values)))
    return result


def compare(found: Sequence[Comparison], i: Rows, j: Rows) -> Levels:
    """Compare pairs by all attributes and return codes of shape (pairs, attributes)."""
    result = np.empty((len(i), len(found)), np.uint8, order="F")
    for column, comparison in enumerate(found):
        result[:, column] = comparison.codes(i, j)
    return result


def _similarity(text: Texts, a: Integers, b: Integers) -> Floats:
    return cpdist(text[a], text[b], scorer=JaroWinkler.similarity, dtype=np.float32)


def _edits(text: Texts, a: Integers, b: Integers, most: int) -> Levels:
    return cpdist(text[a], text[b], scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)


def _kept(text: Texts, a: Integers, b: Integers) -> Floats:
    """Return the share of the letters that typing errors left."""
    return cpdist(text[a], text[b], scorer=OSA.normalized_similarity, dtype=np.float32)


def _unlike(letters: Integers, a: Integers, b: Integers) -> Levels:
    """Count the letters that only one of two texts has; many of them rule out similarity."""
    count: Levels = np.bitwise_count(letters[a] ^ letters[b])
    return count


def _exact_or(different: IntEnum, is_exact: Mask) -> Levels:
    # An enum's member as an operand would widen the array to 64 bits; a uint8 does not.
    return np.where(is_exact, np.uint8(EXACT), np.uint8(different))


def _at(found: Levels, level: IntEnum) -> Rows:
    """Return the positions of the pairs that have a level."""
    return np.flatnonzero(found == int(level))


# Names

MOST_UNLIKE, REMOTELY_UNLIKE = 7, 8
SIMILAR, NEARLY = 0.85, 0.88
SHORTEST, LONG = 3, 8
BEGUN = 0.8
BEGINNING = 2
CLOSELY_KEPT, REMOTELY_KEPT, FAINTLY_KEPT = 0.66, 0.6, 0.5
"""The shares of the letters that typing errors left, in names that are similar to a degree."""


def _near(names: Names, a: Integers, b: Integers, maybe: Rows, score: Floats) -> Rows:
    """Return which pairs of names are one typing error apart, or two if the names are long."""
    short = np.minimum(names.length[a[maybe]], names.length[b[maybe]])
    likely: Rows = maybe[(score >= NEARLY) & (short >= SHORTEST)]
    short = np.minimum(names.length[a[likely]], names.length[b[likely]])
    edits = _edits(names.text, a[likely], b[likely], 2)
    near: Mask = (edits <= 1) | ((edits == 2) & (short >= LONG))  # noqa: PLR2004  (edits)
    return likely[near]


def _resembling(
    names: Names, a: Integers, b: Integers, of: type[IntEnum], alike: Rows
) -> tuple[Rows, Levels]:
    """Find the levels of names with several typing errors.

    Args:
        names: the names.
        a: the names of one side.
        b: the names of the other side.
        of: the levels.
        alike: the positions of the pairs that are similar by Jaro and Winkler's measure.

    Returns:
        The positions of the pairs that are similar to some degree, and their levels.
    """
    same_script = names.script[a] == names.script[b]
    maybe = np.flatnonzero(same_script & (_unlike(names.letters, a, b) <= REMOTELY_UNLIKE))
    kept = np.zeros(len(a), np.float32)
    kept[maybe] = _kept(names.text, a[maybe], b[maybe])
    level = np.full(len(a), MISSING, np.uint8)
    level[kept >= FAINTLY_KEPT] = of["FAINTLY_SIMILAR"]
    level[kept >= REMOTELY_KEPT] = of["REMOTELY_SIMILAR"]
    level[alike] = of["REMOTELY_SIMILAR"]
    level[alike[kept[alike] >= REMOTELY_KEPT]] = of["SIMILAR"]
    level[kept >= CLOSELY_KEPT] = of["SIMILAR"]
    found = np.flatnonzero(level)
    return found, level[found]


def _swapped(names: Names, i: Rows, j: Rows) -> Mask:
    first, last = names.given, names.family
    known: Mask = (first[i] >= 0) & (last[i] >= 0)
    swapped: Mask = known & (first[i] == last[j]) & (first[j] == last[i])
    if names.readings:
        rest = np.flatnonzero(known & (first[j] >= 0) & (last[j] >= 0) & ~swapped)
        i, j = i[rest], j[rest]
        swapped[rest] = _reads_alike(names, first[i], last[j]) & _reads_alike(
            names, last[i], first[j]
        )
    return swapped


def _names(names: Names) -> list[Comparison]:
    exchanged = _exchanged_pairs(names.given, names.family) + _exchanged_across(names)
    swapped = {int(levels.GivenName.SWAPPED): exchanged}
    result = [
        _name(kinds.GIVEN_NAME, levels.GivenName, names, "given", _given_level, swapped),
        _name(kinds.FAMILY_NAME, levels.FamilyName, names, "family", _family_level),
    ]
    if (names.middle >= 0).any():
        result.append(_name(kinds.MIDDLE_NAME, levels.MiddleName, names, "middle", _middle_level))
    if (names.suffix >= 0).any():
        result.append(_suffix(names))
    return result


def _name(  # noqa: PLR0913, PLR0917  (what the comparisons of names differ by)
    kind: str,
    of: type[IntEnum],
    names: Names,
    part: str,
    lower: Callable[[Names, Rows, Rows, Levels], None],
    counted: dict[int, float] | None = None,
) -> Comparison:
    """Compare a part of names; `lower` finds the levels of those that differ, in place."""
    codes: Integers = getattr(names, part)
    tf, different = _tf_of_names(part, codes, names), max(of)
    has_companies = part != "middle" and names.is_company.any()

    def find(i: Rows, j: Rows) -> Found:
        a, b = codes[i], codes[j]
        level = _exact_or(different, (a == b) & (names.length[a] > 1))
        level[(a < 0) | (b < 0)] = MISSING
        rest = _at(level, different)
        now = level[rest]
        across, agree = _across(names, of, a[rest], b[rest], now)
        lower(names, i[rest], j[rest], now)
        now[across[agree]] = EXACT
        level[rest] = now
        if has_companies:
            level[names.is_company[i] != names.is_company[j]] = different
        tf_class = tf.class_of[a]
        same = rest[across[agree]]
        tf_class[same] = np.maximum(tf_class[same], tf.class_of[b[same]])
        return level, tf_class

    return Comparison(kind, of, find, {EXACT: tf}, counted or {})


NEAR_READING = 4
"""Readings of so many letters are near if they are one typing error apart."""


def _across(
    names: Names, of: type[IntEnum], a: Integers, b: Integers, level: Levels
) -> tuple[Rows, Mask]:
    """Find the levels of names in different scripts, in place.

    Returns:
        The positions of these pairs, and whether they agree.
    """
    if not names.readings:
        return np.zeros(0, np.int64), np.zeros(0, bool)
    rows = np.flatnonzero(names.script[a] != names.script[b])
    a, b = a[rows], b[rows]
    for script, read in names.readings.items():
        in_script = np.flatnonzero(np.maximum(names.script[a], names.script[b]) == script)
        has_han = np.minimum(names.script[a[in_script]], names.script[b[in_script]]) == Script.HAN
        x, y = read[a[in_script], 0], read[b[in_script], 0]
        texts = names.reading_text
        is_near = _edits(texts, x, y, 1) <= 1
        is_near &= (names.reading_length[x] >= NEAR_READING) & (
            names.reading_length[y] >= NEAR_READING
        )
        unlike = np.where(has_han | (script == Script.HAN), MISSING, int(max(of)))
        near = of.__members__.get("NEAR")
        level[rows[in_script]] = np.where(is_near, near, unlike) if near else unlike
    return rows, _reads_alike(names, a, b)


def _reads_alike(names: Names, a: Integers, b: Integers) -> Mask:
    """Return which pairs of names are in different scripts and share a reading."""
    result = np.zeros(len(a), bool)
    script = np.maximum(names.script[a], names.script[b])
    script[names.script[a] == names.script[b]] = 0
    for number, read in names.readings.items():
        at = np.flatnonzero(script == number)
        x, y = read[a[at]], read[b[at]]
        result[at] = ((x[:, :, None] == y[:, None, :]) & (x >= 0)[:, :, None]).any(axis=(1, 2))
    return result


def _tf_of_names(part: str, codes: Integers, names: Names) -> TermFrequency:
    """Count term frequencies; a name in one script is as common as it is in all scripts."""
    if not names.readings:
        return tf_of(part, codes, names.text)
    return tf_across(part, np.bincount(codes[codes >= 0], minlength=len(names.text)), names)


def tf_across(part: str, own: Integers, names: Names) -> TermFrequency:
    """Count the term frequencies of names in several scripts, by how many records have each."""
    counts = own.copy()
    for script, read in names.readings.items():
        native = names.script == script
        for which in (native, ~native):
            of_reading = np.zeros(len(names.reading_text))
            for column in read.T:
                has = ~which & (column >= 0)
                of_reading += np.bincount(column[has], own[has], len(of_reading))
            counts[which] += np.where(read >= 0, of_reading[read], 0)[which].max(axis=1).astype(int)
    return tf_by_counts(part, counts, own / np.maximum(counts, 1), int(own.sum()),
                        text=lambda number: names.text[number])  # fmt: skip


def _exchanged_pairs(first: Integers, second: Integers) -> float:
    """Count the pairs of records of which one has the other's two values in reverse order."""
    both = (first >= 0) & (second >= 0)
    keys, counts = np.unique(first[both].astype(np.int64) << 32 | second[both], return_counts=True)
    reverse = (keys & 0xFFFFFFFF) << 32 | keys >> 32
    at, found = locate(keys, reverse)
    found &= keys < reverse
    return float((counts[found] * counts[at[found]].astype(float)).sum())


def _exchanged_across(names: Names) -> float:
    """Count such pairs of names in different scripts, by their readings."""
    if not names.readings:
        return 0.0
    both = (names.given >= 0) & (names.family >= 0)
    packed = names.given[both].astype(np.int64) << 32 | names.family[both]
    people, counts = np.unique(packed, return_counts=True)
    given, family = people >> 32, people & 0xFFFFFFFF
    total = 0.0
    for script, read in names.readings.items():
        native = (names.script[given] == script) & (names.script[family] == script)
        other = (names.script[given] != script) & (names.script[family] != script)
        sides = []
        for first, second in ((given[native], family[native]), (family[other], given[other])):
            x, y = np.broadcast_arrays(read[first][:, :, None], read[second][:, None, :])
            found = np.nonzero((x >= 0) & (y >= 0))
            sides.append((x[found].astype(np.int64) << 32 | y[found], found[0]))
        keys, of = np.unique(sides[0][0], return_inverse=True)
        of_key = np.bincount(of, counts[native][sides[0][1]])
        at, same = locate(keys, sides[1][0])
        total += float(of_key[at[same]] @ counts[other][sides[1][1][same]])
    return total


def _given_level(names: Names, i: Rows, j: Rows, level: Levels) -> None:
    """Find the levels of given names that differ; later assignments take precedence."""
    a, b = names.given[i], names.given[j]
    maybe = np.flatnonzero(_unlike(names.letters, a, b) <= MOST_UNLIKE)
    score = _similarity(names.text, a[maybe], b[maybe])
    similar, degree = _resembling(names, a, b, levels.GivenName, maybe[score >= SIMILAR])
    level[similar] = degree
    level[_swapped(names, i, j)] = levels.GivenName.SWAPPED
    short = np.minimum(names.length[a], names.length[b])
    begins = maybe[(score >= BEGUN) & (short[maybe] >= BEGINNING)]
    longer = np.maximum(names.length[a[begins]], names.length[b[begins]])
    edits = _edits(names.text, a[begins], b[begins], 255)
    level[begins[edits == longer - short[begins]]] = levels.GivenName.BEGINNING
    same_initial = names.initial[a] == names.initial[b]
    level[(short == 1) & same_initial] = levels.GivenName.INITIAL
    is_middle = (a == names.middle[j]) | (b == names.middle[i])
    level[is_middle & (short > 1)] = levels.GivenName.MIDDLE_NAME
    level[_near(names, a, b, maybe, score)] = levels.GivenName.NEAR
    formal_a, formal_b = names.canonical[a], names.canonical[b]
    for x in range(formal_a.shape[1]):
        for y in range(formal_b.shape[1]):
            same = (formal_a[:, x] == formal_b[:, y]) & (formal_a[:, x] >= 0) & (a != b)
            level[same] = levels.GivenName.NICKNAME


def _family_level(names: Names, i: Rows, j: Rows, level: Levels) -> None:
    """Find the levels of family names that differ; later assignments take precedence."""
    a, b = names.family[i], names.family[j]
    maybe = np.flatnonzero(_unlike(names.letters, a, b) <= MOST_UNLIKE)
    score = _similarity(names.text, a[maybe], b[maybe])
    similar, degree = _resembling(names, a, b, levels.FamilyName, maybe[score >= SIMILAR])
    level[similar] = degree
    first_a, first_b = names.first_word[a], names.first_word[b]
    last_a, last_b = names.last_word[a], names.last_word[b]
    several_a, several_b = last_a >= 0, last_b >= 0
    part = (several_a | several_b) & (first_a == first_b)
    part |= several_a & ((last_a == first_b) | (last_a == last_b))
    part |= several_b & (last_b == first_a)
    level[part] = levels.FamilyName.PART
    level[_near(names, a, b, maybe, score)] = levels.FamilyName.NEAR
    # An equal initial is too weak to be a level of its own.
    short = np.minimum(names.length[a], names.length[b]) == 1
    level[short & (names.initial[a] == names.initial[b])] = MISSING
    # Swapped names count once, as evidence of the given name.
    level[_swapped(names, i, j)] = MISSING


def _middle_level(names: Names, i: Rows, j: Rows, level: Levels) -> None:
    a, b = names.middle[i], names.middle[j]
    short = np.minimum(names.length[a], names.length[b]) == 1
    level[(names.initial[a] == names.initial[b]) & short] = levels.MiddleName.INITIAL
    level[a == b] = EXACT


def _suffix(names: Names) -> Comparison:
    def find(i: Rows, j: Rows) -> Found:
        a, b = names.suffix[i], names.suffix[j]
        level = _exact_or(levels.Suffix.DIFFERENT, a == b)
        level[(a < 0) != (b < 0)] = levels.Suffix.ONE_HAS_NONE
        level[(a < 0) & (b < 0)] = MISSING
        return level, np.zeros(len(i), np.uint8)

    return Comparison(kinds.SUFFIX, levels.Suffix, find)


# Birth dates and gender

_NIBBLES = 0x1111111111111111


def _differing_digits(difference: Integers) -> Levels:
    """Count the BCD digits that are not 0."""
    dtype = difference.dtype.type
    difference = difference | (difference >> dtype(1))
    difference = difference | (difference >> dtype(2))
    nibbles = dtype(_NIBBLES & ((1 << 8 * difference.itemsize) - 1))
    count: Levels = np.bitwise_count(difference & nibbles)
    return count


def _counts_of_digits(packed: Integers) -> Hashes:
    """Count each digit of BCD numbers in unary, so that XOR leaves those of one number.

    Each of the ten digits has six bits, so that more than six occurrences count as six.
    """
    rest, result = packed.astype(np.uint64), np.zeros(len(packed), np.uint64)
    unit, field = np.uint64(1), np.uint64(0x3F)
    while rest.any():
        shift = np.uint64(6) * (rest & np.uint64(0xF))
        more = ((((result >> shift) & field) << unit) | unit) & field
        result |= np.where(rest > 0, more << shift, 0)
        rest >>= np.uint64(4)
    return result


def _mistyped(values: Integers, digits_of: Hashes, a: Integers, b: Integers, most: int) -> Rows:
    """Return which pairs of BCD numbers are at most so many typing errors apart.

    Pairs that differ by replaced digits only may be left out: `_differing_digits` finds them.
    """
    # Besides replacing a digit, an error changes how often one digit occurs, or none.
    maybe = np.flatnonzero(_unlike(digits_of, a, b) <= 2 * most - 1)
    texts = ([f"{number:x}" for number in values[codes[maybe]].tolist()] for codes in (a, b))
    edits = cpdist(*texts, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)
    return maybe[edits <= most]


DATE_EDITS = 2


def _birth(birth: Integers) -> Comparison:
    values, codes = np.unique(birth, return_inverse=True)
    digits_of = _counts_of_digits(values)
    codes = np.where(birth > 0, codes, -1).astype(np.int32)
    tf = tf_of("birth", codes, values.tolist())

    def find(i: Rows, j: Rows) -> Found:
        a, b = birth[i], birth[j]
        level = np.full(len(i), levels.BirthDate.DIFFERENT, np.uint8)
        year_a, year_b = a >> 16, b >> 16
        month_a, month_b, day_a, day_b = a >> 8 & 0xFF, b >> 8 & 0xFF, a & 0xFF, b & 0xFF
        same_year = year_a == year_b
        level[year_a >> 4 == year_b >> 4] = levels.BirthDate.SAME_DECADE
        level[same_year] = levels.BirthDate.SAME_YEAR
        left = codes[i]
        similar = _mistyped(values, digits_of, left, codes[j], DATE_EDITS)
        level[similar] = levels.BirthDate.SIMILAR
        same_month, same_day = month_a == month_b, day_a == day_b
        digits = _differing_digits(a ^ b)
        level[digits == 2] = levels.BirthDate.TWO_DIGITS  # noqa: PLR2004  (digits)
        two_parts = (same_year & (same_month | same_day)) | (same_month & same_day)
        level[two_parts] = levels.BirthDate.TWO_PARTS
        level[digits == 1] = levels.BirthDate.ONE_DIGIT
        swapped = same_year & (month_a == day_b) & (day_a == month_b)
        level[swapped] = levels.BirthDate.DAY_AND_MONTH_SWAPPED
        level[a == b] = EXACT
        # Where only the year is known, only the year can agree.
        level[((day_a == 0) | (day_b == 0)) & same_year] = levels.BirthDate.SAME_YEAR
        level[(a == 0) | (b == 0)] = MISSING
        return level, tf.class_of[left]

    year, month, day = birth >> 16, birth >> 8 & 0xFF, birth & 0xFF
    whole = (day > 0) & (month != day)
    swapped = _exchanged_pairs(
        np.where(whole, year.astype(np.int64) << 8 | month, -1),
        np.where(whole, year.astype(np.int64) << 8 | day, -1),
    )
    counted = {int(levels.BirthDate.DAY_AND_MONTH_SWAPPED): swapped}
    return Comparison(kinds.BIRTH_DATE, levels.BirthDate, find, {EXACT: tf}, counted)


def _gender(gender: Integers, names: Names | None) -> Comparison:
    def find(i: Rows, j: Rows) -> Found:
        a, b = gender[i], gender[j]
        level = _exact_or(levels.Gender.DIFFERENT, a == b)
        level[(a < 0) | (b < 0)] = MISSING
        if names is not None:
            # A given name usually implies the gender, so its agreement must not count twice.
            x, y = names.given[i], names.given[j]
            implied = (names.canonical[y] == x[:, None]) | (names.canonical[x] == y[:, None])
            level[implied.any(axis=1) & (x >= 0) & (y >= 0)] = MISSING
        return level, np.zeros(len(i), np.uint8)

    return Comparison(kinds.GENDER, levels.Gender, find)


# E-mail addresses and phone numbers, of which a record may have several


def _combinations(
    columns: Sequence[Integers], i: Rows, j: Rows
) -> Iterator[tuple[Rows, Integers, Integers]]:
    """Yield, for each combination of columns, the pairs that have both values, and the values."""
    for left in columns:
        a = left[i]
        having = np.flatnonzero(a >= 0)
        if not len(having):
            continue
        a, others = a[having], j[having]
        for right in columns:
            b = right[others]
            both = b >= 0
            yield having[both], a[both], b[both]


def _of_several(
    codes: Integers,
    tf: TermFrequency,
    different: IntEnum,
    level_of: Callable[[Integers, Integers], Levels],
) -> Compare:
    """Compare each value of one record with each of the other; the best level counts.

    Of several common values the rarest counts.
    """
    columns = [np.ascontiguousarray(column) for column in codes.T]

    def find(i: Rows, j: Rows) -> Found:
        level = np.full(len(i), different, np.uint8)
        level[(columns[0][i] < 0) | (columns[0][j] < 0)] = MISSING
        rarest = np.zeros(len(i), np.uint8)
        for pairs, a, b in _combinations(columns, i, j):
            same = a == b
            level[pairs[same]] = EXACT
            rarest[pairs[same]] = np.maximum(rarest[pairs[same]], tf.class_of[a[same]])
        rest = _at(level, different)
        for pairs, a, b in _combinations(columns, i[rest], j[rest]):
            level[rest[pairs]] = np.minimum(level[rest[pairs]], level_of(a, b))
        return level, rarest

    return find


EMAIL_EDITS = 2


def _email(emails: Emails, names: Names | None) -> Comparison:
    tf = tf_of("email", emails.codes, emails.text)

    def level_of(a: Integers, b: Integers) -> Levels:
        level = np.full(len(a), levels.Email.DIFFERENT, np.uint8)
        maybe = np.flatnonzero(_unlike(emails.letters, a, b) <= 2 * EMAIL_EDITS)
        edits = _edits(emails.text, a[maybe], b[maybe], EMAIL_EDITS)
        level[maybe[edits <= EMAIL_EDITS]] = levels.Email.NEAR
        # A local part without digits may be just the name, which is compared elsewhere.
        same_local = (emails.local[a] == emails.local[b]) & emails.distinctive[a]
        level[same_local] = levels.Email.SAME_LOCAL_PART
        return level

    of_values = _of_several(emails.codes, tf, levels.Email.DIFFERENT, level_of)

    def find(i: Rows, j: Rows) -> Found:
        level, rarest = of_values(i, j)
        if names is not None:
            # Addresses made from one surname resemble each other, whoever owns them.
            near = _at(level, levels.Email.NEAR)
            a, b = names.family[i[near]], names.family[j[near]]
            alike = (a == b) | (names.sound[a] == names.sound[b])
            level[near[alike & (a >= 0) & (b >= 0)]] = MISSING
        return level, rarest

    return Comparison(kinds.EMAIL, levels.Email, find, {EXACT: tf})


PHONE_EDITS = 3


def _phone(phones: Phones) -> Comparison:
    tf = tf_of("phone", phones.codes, phones.packed)
    digits_of = _counts_of_digits(phones.packed)

    def level_of(a: Integers, b: Integers) -> Levels:
        left, right = phones.packed[a], phones.packed[b]
        difference = left ^ right
        digits = _differing_digits(difference)
        level = np.full(len(a), levels.Phone.DIFFERENT, np.uint8)
        level[digits <= PHONE_EDITS] = levels.Phone.SIMILAR
        similar = _mistyped(phones.packed, digits_of, a, b, PHONE_EDITS)
        level[similar] = levels.Phone.SIMILAR
        level[digits == 1] = levels.Phone.ONE_DIGIT
        two = np.flatnonzero(digits == 2)  # noqa: PLR2004  (digits)
        level[two[_neighbours_swapped(left[two], right[two])]] = levels.Phone.ONE_DIGIT
        level[(difference & np.uint64(0xFFFFFFF)) == 0] = levels.Phone.SAME_END
        return level

    find = _of_several(phones.codes, tf, levels.Phone.DIFFERENT, level_of)
    return Comparison(kinds.PHONE, levels.Phone, find, {EXACT: tf})


def _neighbours_swapped(left: Integers, right: Integers) -> Mask:
    """Return which BCD numbers that differ in two digits have two neighbours exchanged."""
    result = np.zeros(len(left), bool)
    for bit in range(0, 4 * 15, 4):
        shift = np.uint64(bit)
        a, b = (left >> shift) & np.uint64(0xFF), (right >> shift) & np.uint64(0xFF)
        exchanged = (b >> np.uint64(4)) | ((b & np.uint64(0xF)) << np.uint64(4))
        result |= (a == exchanged) & ((left ^ right) & ~(np.uint64(0xFF) << shift) == 0)
    return result


# Addresses

LOCALITY_LEVELS = np.array([[0, 3, 4, 7], [2, 1, 1, 2], [4, 3, 4, 6], [7, 3, 5, 7]], np.uint8)
"""The `levels.Locality` by the `levels.Text` of postal codes (rows) and of cities (columns)."""
STREET_UNLIKE = 8
RESEMBLING = 0.7
"""The least similarity of cities whose letters are compared one by one."""


def _addresses(addresses: Addresses) -> list[Comparison]:
    result = []
    if (addresses.street >= 0).any():
        line = tf_of("street", addresses.line, addresses.line_text)
        streets = _best_of(addresses, lambda i, j: _street(addresses, line, i, j))
        result.append(Comparison(kinds.STREET, levels.Street, streets, {EXACT: line}))
    if (addresses.postal >= 0).any() or (addresses.city >= 0).any():
        postal = tf_of("postal", addresses.postal, addresses.postal_text)
        city = tf_of("city", addresses.city, addresses.city_text)
        localities = _best_of(addresses, lambda i, j: _locality(addresses, postal, city, i, j))
        tfs: dict[int, TermFrequency] = {
            levels.Locality.POSTAL_CODE_AND_CITY: postal,
            levels.Locality.POSTAL_CODE: postal,
            levels.Locality.CITY: city,
        }
        result.append(Comparison(kinds.LOCALITY, levels.Locality, localities, tfs))
    return result


def _best_of(addresses: Addresses, find: Callable[[Slots, Slots], Found]) -> Compare:
    """Compare each address of one record with each of the other; the best level counts."""
    count = addresses.street.shape[1]

    def best(i: Rows, j: Rows) -> Found:
        level, tf_class = find((i, 0), (j, 0))
        for x in range(count):
            for y in range(count):
                if x or y:
                    now, tf_now = find((i, x), (j, y))
                    better = (now > 0) & ((now < level) | (level == 0))
                    level[better], tf_class[better] = now[better], tf_now[better]
        return level, tf_class

    return best


def _street(addresses: Addresses, tf: TermFrequency, i: Slots, j: Slots) -> Found:
    a, b = addresses.line[i], addresses.line[j]
    level = _exact_or(levels.Street.DIFFERENT, a == b)
    level[(a < 0) | (b < 0)] = MISSING
    rest = _at(level, levels.Street.DIFFERENT)
    i, j = (i[0][rest], i[1]), (j[0][rest], j[1])
    core_a, core_b = addresses.core[i], addresses.core[j]
    number_a, number_b = addresses.number[i], addresses.number[j]
    like = (core_a == core_b) & (core_a >= 0)
    unlike = _unlike(addresses.core_letters, core_a, core_b) > STREET_UNLIKE
    maybe = np.flatnonzero((core_a >= 0) & (core_b >= 0) & ~like & ~unlike)
    like[maybe[_similarity(addresses.core_text, core_a[maybe], core_b[maybe]) >= NEARLY]] = True
    now = np.where(like, np.uint8(levels.Street.SAME_STREET), np.uint8(levels.Street.DIFFERENT))
    same_number = (number_a == number_b) | (number_a < 0) | (number_b < 0)
    now[like & same_number] = levels.Street.NEAR
    level[rest] = now
    return level, tf.class_of[a]


def _locality(
    addresses: Addresses, postal: TermFrequency, city: TermFrequency, i: Slots, j: Slots
) -> Found:
    postal_a, postal_b = addresses.postal[i], addresses.postal[j]
    city_a, city_b = addresses.city[i], addresses.city[j]
    by_postal = _text_level(
        postal_a, postal_b, lambda a, b: _edits(addresses.postal_text, a, b, 1) <= 1
    )
    by_city = _text_level(city_a, city_b, lambda a, b: _is_near_city(addresses.city_text, a, b))
    tf_class = np.where(by_postal == EXACT, postal.class_of[postal_a], city.class_of[city_a])
    return LOCALITY_LEVELS[by_postal, by_city], tf_class


def _is_near_city(text: Texts, a: Integers, b: Integers) -> Mask:
    """Return which cities are nearly equal, or keep two thirds of the letters."""
    score = _similarity(text, a, b)
    near: Mask = score >= NEARLY
    maybe = np.flatnonzero(~near & (score >= RESEMBLING))
    near[maybe] = _kept(text, a[maybe], b[maybe]) >= CLOSELY_KEPT
    return near


def _text_level(a: Integers, b: Integers, is_near: Callable[[Integers, Integers], Mask]) -> Levels:
    """Return the `levels.Text` of pairs of values."""
    level = _exact_or(levels.Text.DIFFERENT, a == b)
    level[(a < 0) | (b < 0)] = MISSING
    rest = _at(level, levels.Text.DIFFERENT)
    level[rest[is_near(a[rest], b[rest])]] = levels.Text.NEAR
    return level


# All other values

TEXT_NEAR, TEXT_KEPT = 0.9, 0.6
WORDED = sum(bit for letter, bit in LETTERS.items() if letter.isalpha())
"""The bits of letters among `LETTERS`."""
BEGINNING_OF_TEXT = 60


def _text(  # noqa: PLR0913  (what the comparisons of texts differ by)
    name: str,
    values: Values,
    prior: float,
    *,
    shared: bool = False,
    implied_by: Mapping[str, Integers] = {},
    without: Mask | None = None,
) -> Comparison:
    """Compare an identifier or a text, but not of the records that a mask leaves out."""
    tf = tf_of(name, values.codes, values.text, prior)
    codes = values.codes[:, 0]
    # The beginning of a long text, such as a note, is enough.
    begins = np.array([text[:BEGINNING_OF_TEXT] for text in values.text.tolist()], object)

    def is_near(codes_a: Integers, codes_b: Integers) -> Mask:
        near: Mask = _unlike(values.letters, codes_a, codes_b) <= MOST_UNLIKE
        maybe: Rows = np.flatnonzero(near)
        a, b = codes_a[maybe], codes_b[maybe]
        near[maybe] = _similarity(begins, a, b) >= TEXT_NEAR
        # Numbers have many digits in common by chance.
        worded = maybe[(values.letters[a] & WORDED > 0) & (values.letters[b] & WORDED > 0)]
        a, b = codes_a[worded], codes_b[worded]
        near[worded] |= _kept(begins, a, b) >= TEXT_KEPT
        return near

    def find(i: Rows, j: Rows) -> Found:
        a = codes[i]
        level = _text_level(a, codes[j], is_near)
        for source in implied_by.values():
            level[(source[i] == source[j]) & (source[i] >= 0)] = MISSING
        if without is not None:
            level[without[i] | without[j]] = MISSING
        return level, tf.class_of[a]

    return Comparison(
        name, levels.Text, find, {EXACT: tf}, shared=shared, implied_by=tuple(implied_by)
    )

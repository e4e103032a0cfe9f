"""Comparing pairs of records, attribute by attribute, many pairs at once.

What a comparison gives is a code for each pair: how alike the two values are (its level) and, where
they agree on a value, how rare that value is. Scoring needs nothing but these codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from customer_profiles.identity.columns import redundant
from customer_profiles.identity.columns.kinds import (
    BIRTH_DATE,
    EMAIL,
    FAMILY_NAME,
    GENDER,
    GIVEN_NAME,
    MIDDLE_NAME,
    PHONE,
    PLACE,
    STREET,
    SUFFIX,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.columns.addresses import Addresses
    from customer_profiles.identity.columns.names import Names
    from customer_profiles.identity.columns.prepared import Prepared, Values

Rows = Any
"""Numbers of records: the one of each pair, or the other."""
Found = tuple[Any, Any]
"""Of each pair its level, and the rarity of the value that the two agree on."""

TF_CLASSES = 44
"""Classes of rarity, half a bit each: class 10 is of values that 2 ** -5 of the records have."""
_HALF_BITS = 2.0
_COMMON = 4
_PRIOR_RECORDS = 300
MISSING, EXACT = 0, 1

# How many people have the same value of each list of values, as a rule.
_USUAL = {
    "given": 1 / 300,
    "family": 1 / 300,
    "middle": 1 / 300,
    "birth": 1 / 20_000,
    "email": 1e-5,
    "phone": 1e-5,
    "street": 1e-4,
    "postal": 1 / 1_000,
    "city": 1 / 200,
}
AN_IDENTIFIER, A_TEXT = 1e-5, 1 / 30


@dataclass(slots=True)
class TermFrequency:
    """How rare the values of an attribute are."""

    of: Any
    """uint8: of each value its class; one more at the end, for no value."""
    share: Any
    """Of each class, the mean share of the records that have a value of it."""
    pairs: Any
    """Of each class, how many pairs of records agree on a value of it."""
    name: str
    """Which list of values this is about."""
    rarest: int
    """The class of a value that two records have, which is the rarest to agree on."""
    text: Callable[[int], str]
    """Gives a value by its number."""

    def is_common(self, classes: Any) -> Any:
        """Say of classes whether values of them are too common to be taken for one record's."""
        return classes <= max(self.rarest - _COMMON, 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one attribute is compared."""

    name: str
    levels: tuple[str, ...]
    """What its levels mean; the first is `missing`."""
    find: Callable[[Rows, Rows], Found]
    tfs: dict[int, TermFrequency] = field(default_factory=dict)
    """Of the levels at which two records agree on a value, how rare these values are."""
    counted: dict[int, float] = field(default_factory=dict)
    """Of levels that are too rare among random pairs, how many pairs of records have them."""
    shared: bool = False
    """Whether related people may share it, though it is of no kind that is known for that."""
    told_by: tuple[str, ...] = ()
    """Attributes that tell it already: where they agree, this is no news."""

    @property
    def level_of(self) -> NDArray[np.uint8]:
        """The level of each code."""
        sizes = [TF_CLASSES if level in self.tfs else 1 for level in range(len(self.levels))]
        return np.repeat(np.arange(len(self.levels), dtype=np.uint8), sizes)

    def codes(self, i: Rows, j: Rows) -> NDArray[np.uint8]:
        """Compare pairs: of each its level and how rare the value is, as one number."""
        level, tf = self.find(i, j)
        level_of = self.level_of
        first = np.searchsorted(level_of, np.arange(len(self.levels))).astype(np.uint8)
        told = np.array([level in self.tfs for level in range(len(self.levels))])
        return first[level] + np.where(told[level], tf, np.uint8(0))


def tf_of(name: str, codes: Any, texts: Any, usual: float | None = None) -> TermFrequency:
    """Tell how rare values are, from the values that records have.

    Args:
        name: which list of values this is.
        codes: the records' values.
        texts: the values, or numbers that stand for them, by their numbers.
        usual: the share of people that have one value of such a list, as a rule, where the name
            does not tell.
    """
    counts = np.bincount(codes[codes >= 0].ravel(), minlength=len(texts))
    having = int((codes.reshape(len(codes), -1) >= 0).any(axis=1).sum())

    def text(number: int) -> str:
        value = texts[number]
        return value if isinstance(value, str) else f"{value:x}"

    return tf_by_counts(name, counts, np.ones(len(counts)), having, usual, text)


def tf_by_counts(  # noqa: PLR0913, PLR0917  (what is known of a list of values)
    name: str,
    counts: Any,
    times: Any,
    having: int,
    usual: float | None = None,
    text: Callable[[int], str] = str,
) -> TermFrequency:
    """Tell how rare values are, from how often so many of them stand.

    The share that one value has as a rule is what counts where there are few records.

    Args:
        name: which list of values this is.
        counts: how many records have a value.
        times: of how many values that is true.
        having: how many records have any value.
        usual: the share of people that have one value, where the name does not tell.
        text: gives a value by its place in `counts`.
    """
    usual = _USUAL[name] if usual is None else usual
    share = _share(counts, having, usual)
    classes = _class_of(share)
    pairs = counts * (counts - 1) / 2.0 * times
    total = np.bincount(classes, weights=pairs, minlength=TF_CLASSES)
    weighted = np.bincount(classes, weights=pairs * share, minlength=TF_CLASSES)
    middle = 2.0 ** -((np.arange(TF_CLASSES) + 0.5) / _HALF_BITS)
    mean = np.where(total > 0, weighted / np.maximum(total, 1e-12), middle)
    rarest = int(_class_of(_share(np.full(1, 2), having, usual))[0])
    return TermFrequency(np.append(classes, np.uint8(0)), mean, total, name, rarest, text)


def _share(counts: Any, having: int, usual: float) -> Any:
    return (np.maximum(counts, 1) + _PRIOR_RECORDS * usual) / (having + _PRIOR_RECORDS)


def _class_of(share: Any) -> Any:
    return np.clip(-_HALF_BITS * np.log2(share), 0, TF_CLASSES - 1).astype(np.uint8)


def comparisons(prepared: Prepared) -> list[Comparison]:
    """Give the comparisons that the records have values for."""
    result: list[Comparison] = []
    if prepared.names is not None:
        result += _names(prepared.names)
    if prepared.birth is not None:
        result.append(_birth(prepared.birth))
    if prepared.gender is not None:
        result.append(_gender(prepared.gender, prepared.names))
    if prepared.emails is not None:
        result.append(_email(prepared.emails, prepared.names))
    if prepared.phones is not None:
        result.append(_phone(prepared.phones))
    if prepared.addresses is not None:
        result += _addresses(prepared.addresses)
    result += [_plain(name, one, AN_IDENTIFIER) for name, one in prepared.identifiers.items()]
    told_by = redundant.echoes(prepared)
    for name, one in prepared.texts.items():
        known = {it: redundant.codes_of(prepared, it) for it in told_by[name]}
        shared = not _COMPANY.search(name)
        result.append(_plain(name, one, A_TEXT, shared=shared, told_by=known))
    return result


_COMPANY = re.compile(
    "business|company|employer|organi[sz]ation|firma|empresa|societe", re.IGNORECASE
)
"""Columns of firms: who works there is not related, as a rule."""


def compare(found: Sequence[Comparison], i: Rows, j: Rows) -> NDArray[np.uint8]:
    """Compare pairs by all attributes: an array of shape (pairs, attributes)."""
    result = np.empty((len(i), len(found)), np.uint8, order="F")
    for place, comparison in enumerate(found):
        result[:, place] = comparison.codes(i, j)
    return result


def _similarity(text: NDArray[Any], one: Any, other: Any) -> NDArray[np.float32]:
    return cpdist(text[one], text[other], scorer=JaroWinkler.similarity, dtype=np.float32)


def _edits(text: NDArray[Any], one: Any, other: Any, most: int) -> NDArray[np.uint8]:
    scorer = OSA.distance
    return cpdist(text[one], text[other], scorer=scorer, score_cutoff=most, dtype=np.uint8)


def _unlike(letters: Any, one: Any, other: Any) -> Any:
    """Count the letters that only one of two texts has: many say at once that they differ."""
    return np.bitwise_count(letters[one] ^ letters[other])


# Names

GIVEN_LEVELS = (
    "missing", "exact", "nickname", "near", "middle name", "initial", "beginning", "swapped",
    "similar", "different",
)  # fmt: skip
FAMILY_LEVELS = ("missing", "exact", "near", "part", "similar", "different")
_MIDDLE = ("missing", "exact", "initial", "different")
_SUFFIX = ("missing", "exact", "different", "one has none")
MOST_UNLIKE = 7
SIMILAR, NEARLY = 0.85, 0.88
SHORTEST, LONG = 3, 8
BEGUN = 0.8
BEGINNING = 2


def _is_near(names: Names, a: Any, b: Any, maybe: Any, score: Any) -> Any:
    """Tell which of pairs are one typing error apart, or two in a long name."""
    short = np.minimum(names.length[a[maybe]], names.length[b[maybe]])
    likely = maybe[(score >= NEARLY) & (short >= SHORTEST)]
    short = np.minimum(names.length[a[likely]], names.length[b[likely]])
    edits = _edits(names.text, a[likely], b[likely], 2)
    return likely[(edits <= 1) | ((edits == 2) & (short >= LONG))]  # noqa: PLR2004  (edits)


def _swapped(names: Names, i: Rows, j: Rows) -> Any:
    given, family = names.given, names.family
    return (given[i] == family[j]) & (given[j] == family[i]) & (given[i] >= 0) & (family[i] >= 0)


def _names(names: Names) -> list[Comparison]:
    given_tf, family_tf = (
        tf_of("given", names.given, names.text),
        tf_of("family", names.family, names.text),
    )

    def given(i: Rows, j: Rows) -> Found:
        a, b = names.given[i], names.given[j]
        level = np.where((a == b) & (names.length[a] > 1), np.uint8(EXACT), np.uint8(9))
        level[(a < 0) | (b < 0)] = MISSING
        tf = given_tf.of[a]
        rest = np.flatnonzero(level == 9)  # noqa: PLR2004  (different)
        level[rest] = _given_level(names, i[rest], j[rest], a[rest], b[rest])
        return level, tf

    def family(i: Rows, j: Rows) -> Found:
        a, b = names.family[i], names.family[j]
        level = np.where((a == b) & (names.length[a] > 1), np.uint8(EXACT), np.uint8(5))
        level[(a < 0) | (b < 0)] = MISSING
        tf = family_tf.of[a]
        rest = np.flatnonzero(level == 5)  # noqa: PLR2004  (different)
        level[rest] = _family_level(names, i[rest], j[rest], a[rest], b[rest])
        return level, tf

    result = [
        Comparison(
            GIVEN_NAME,
            GIVEN_LEVELS,
            given,
            {EXACT: given_tf},
            {GIVEN_LEVELS.index("swapped"): _swapped_pairs(names.given, names.family)},
        ),
        Comparison(FAMILY_NAME, FAMILY_LEVELS, family, {EXACT: family_tf}),
    ]
    if (names.middle >= 0).any():
        result.append(_middle(names))
    if (names.suffix >= 0).any():
        result.append(_suffix(names))
    return result


def _swapped_pairs(one: Any, other: Any) -> float:
    """Count the pairs of records of which one has the other's two values in the other order."""
    both = (one >= 0) & (other >= 0)
    keys, held = np.unique(one[both].astype(np.int64) << 32 | other[both], return_counts=True)
    if not len(keys):
        return 0.0
    turned = (keys & 0xFFFFFFFF) << 32 | keys >> 32
    place = np.minimum(np.searchsorted(keys, turned), len(keys) - 1)
    found = (keys[place] == turned) & (keys < turned)
    return float((held[found] * held[place[found]].astype(float)).sum())


def _given_level(names: Names, i: Rows, j: Rows, a: Any, b: Any) -> Any:
    level = np.full(len(a), 9, np.uint8)
    level[names.script[a] != names.script[b]] = MISSING
    maybe = np.flatnonzero(_unlike(names.letters, a, b) <= MOST_UNLIKE)
    score = _similarity(names.text, a[maybe], b[maybe])
    level[maybe[score >= SIMILAR]] = 8
    level[_swapped(names, i, j)] = 7
    short = np.minimum(names.length[a], names.length[b])
    begins = maybe[(score >= BEGUN) & (short[maybe] >= BEGINNING)]
    level[begins[_begins(names, a[begins], b[begins])]] = 6
    level[(short == 1) & (names.initial[a] == names.initial[b])] = 5
    middle_i, middle_j = names.middle[i], names.middle[j]
    level[((a == middle_j) | (b == middle_i)) & (short > 1)] = 4
    level[_is_near(names, a, b, maybe, score)] = 3
    formal_a, formal_b = names.canonical[a], names.canonical[b]
    for x in range(formal_a.shape[1]):
        for y in range(formal_b.shape[1]):
            level[(formal_a[:, x] == formal_b[:, y]) & (formal_a[:, x] >= 0) & (a != b)] = 2
    return level


def _begins(names: Names, a: Any, b: Any) -> Any:
    """Tell which of pairs of names are such that one begins with the other."""
    size = np.minimum(names.length[a], names.length[b]).astype(float)
    longer = np.maximum(names.length[a], names.length[b])
    edits = _edits(names.text, a, b, 255)
    return edits == longer - size


def _family_level(names: Names, i: Rows, j: Rows, a: Any, b: Any) -> Any:
    level = np.full(len(a), 5, np.uint8)
    level[names.script[a] != names.script[b]] = MISSING
    maybe = np.flatnonzero(_unlike(names.letters, a, b) <= MOST_UNLIKE)
    score = _similarity(names.text, a[maybe], b[maybe])
    level[maybe[score >= SIMILAR]] = 4
    first_a, first_b = names.first_word[a], names.first_word[b]
    last_a, last_b = names.last_word[a], names.last_word[b]
    several_a, several_b = last_a >= 0, last_b >= 0
    part = (several_a | several_b) & (first_a == first_b)
    part |= several_a & ((last_a == first_b) | (last_a == last_b))
    part |= several_b & (last_b == first_a)
    level[part] = 3
    level[_is_near(names, a, b, maybe, score)] = 2
    # An initial that agrees says too little to be a level of its own.
    short = np.minimum(names.length[a], names.length[b]) == 1
    level[short & (names.initial[a] == names.initial[b])] = MISSING
    # Swapped names are told once, by the given name.
    level[_swapped(names, i, j)] = MISSING
    return level


def _middle(names: Names) -> Comparison:
    tf = tf_of("middle", names.middle, names.text)

    def find(i: Rows, j: Rows) -> Found:
        a, b = names.middle[i], names.middle[j]
        level = np.full(len(i), 3, np.uint8)
        level[names.script[a] != names.script[b]] = MISSING
        short = np.minimum(names.length[a], names.length[b]) == 1
        level[(names.initial[a] == names.initial[b]) & short] = 2
        level[a == b] = EXACT
        level[(a < 0) | (b < 0)] = MISSING
        return level, tf.of[a]

    return Comparison(MIDDLE_NAME, _MIDDLE, find, {EXACT: tf})


def _suffix(names: Names) -> Comparison:
    def find(i: Rows, j: Rows) -> Found:
        a, b = names.suffix[i], names.suffix[j]
        level = np.where(a == b, np.uint8(EXACT), np.uint8(2))
        level[(a < 0) != (b < 0)] = 3
        level[(a < 0) & (b < 0)] = MISSING
        return level, np.zeros(len(i), np.uint8)

    return Comparison(SUFFIX, _SUFFIX, find)


# Birth dates and gender

_BIRTH = (
    "missing", "exact", "day and month swapped", "one digit", "two parts", "same year",
    "same decade", "different",
)  # fmt: skip
_DIGITS = 0x1111111111111111


def _differing_digits(off: Any) -> Any:
    """Count the half-bytes that are not 0."""
    off = off | (off >> off.dtype.type(1))
    off = off | (off >> off.dtype.type(2))
    return np.bitwise_count(off & off.dtype.type(_DIGITS & ((1 << 8 * off.dtype.itemsize) - 1)))


def _birth(birth: Any) -> Comparison:
    values, codes = np.unique(birth, return_inverse=True)
    codes = np.where(birth > 0, codes, -1).astype(np.int32)
    tf = tf_of("birth", codes, values.tolist())

    def find(i: Rows, j: Rows) -> Found:
        a, b = birth[i], birth[j]
        level = np.full(len(i), 7, np.uint8)
        year_a, year_b = a >> 16, b >> 16
        month_a, month_b, day_a, day_b = a >> 8 & 0xFF, b >> 8 & 0xFF, a & 0xFF, b & 0xFF
        same_year = year_a == year_b
        level[year_a >> 4 == year_b >> 4] = 6
        level[same_year] = 5
        same_month, same_day = month_a == month_b, day_a == day_b
        level[(same_year & (same_month | same_day)) | (same_month & same_day)] = 4
        level[_differing_digits(a ^ b) == 1] = 3
        level[same_year & (month_a == day_b) & (day_a == month_b)] = 2
        level[a == b] = EXACT
        # Where only the year is known, nothing but the year can agree.
        level[((day_a == 0) | (day_b == 0)) & same_year] = 5
        level[(a == 0) | (b == 0)] = MISSING
        return level, tf.of[codes[i]]

    year, month, day = birth >> 16, birth >> 8 & 0xFF, birth & 0xFF
    whole = (day > 0) & (month != day)
    turned = _swapped_pairs(
        np.where(whole, year.astype(np.int64) << 8 | month, -1),
        np.where(whole, year.astype(np.int64) << 8 | day, -1),
    )
    return Comparison(BIRTH_DATE, _BIRTH, find, {EXACT: tf}, {2: turned})


def _gender(gender: Any, names: Names | None) -> Comparison:
    def find(i: Rows, j: Rows) -> Found:
        a, b = gender[i], gender[j]
        level = np.where(a == b, np.uint8(EXACT), np.uint8(2))
        level[(a < 0) | (b < 0)] = MISSING
        if names is not None:
            # One given name has, as a rule, one gender: it would be told twice.
            x, y = names.given[i], names.given[j]
            told = (names.canonical[y] == x[:, None]) | (names.canonical[x] == y[:, None])
            level[told.any(axis=1) & (x >= 0) & (y >= 0)] = MISSING
        return level, np.zeros(len(i), np.uint8)

    return Comparison(GENDER, ("missing", "exact", "different"), find)


# Several values a record: e-mail addresses, phone numbers


def _combinations(codes: Any, i: Rows, j: Rows) -> Iterator[tuple[Any, Any, Any]]:
    """Yield pairs that have a value each at two places: which pairs, and their values."""
    for x in range(codes.shape[1]):
        a = codes[i, x]
        having = np.flatnonzero(a >= 0)
        if not len(having):
            continue
        for y in range(codes.shape[1]):
            b = codes[j[having], y]
            both = b >= 0
            yield having[both], a[having][both], b[both]


def _any_exact(codes: Any, tf: TermFrequency, i: Rows, j: Rows, different: int) -> Found:
    """Find pairs with a value in common; of several the rarest, which says most."""
    level = np.full(len(i), different, np.uint8)
    level[(codes[i, 0] < 0) | (codes[j, 0] < 0)] = MISSING
    best = np.zeros(len(i), np.uint8)
    for pairs, a, b in _combinations(codes, i, j):
        same = a == b
        level[pairs[same]] = EXACT
        best[pairs[same]] = np.maximum(best[pairs[same]], tf.of[a[same]])
    return level, best


_EMAIL = ("missing", "exact", "same local part", "near", "different")
EMAIL_EDITS = 2


def _email(emails: Values, names: Names | None) -> Comparison:
    tf = tf_of("email", emails.codes, emails.text)

    def find(i: Rows, j: Rows) -> Found:
        level, best = _any_exact(emails.codes, tf, i, j, 4)
        rest = np.flatnonzero(level == 4)  # noqa: PLR2004  (different)
        for pairs, a, b in _combinations(emails.codes, i[rest], j[rest]):
            now = np.full(len(pairs), 4, np.uint8)
            maybe = np.flatnonzero(_unlike(emails.letters, a, b) <= 2 * EMAIL_EDITS)
            edits = _edits(emails.text, a[maybe], b[maybe], EMAIL_EDITS)
            now[maybe[edits <= EMAIL_EDITS]] = 3
            # A local part without digits may be no more than the name, which is told elsewhere.
            now[(emails.local[a] == emails.local[b]) & emails.distinctive[a]] = 2
            level[rest[pairs]] = np.minimum(level[rest[pairs]], now)
        if names is not None:
            # Addresses made of one surname are near each other, whoever's they are.
            near = np.flatnonzero(level == 3)  # noqa: PLR2004  (near)
            one, other = names.family[i[near]], names.family[j[near]]
            alike = (one == other) | (names.sound[one] == names.sound[other])
            level[near[alike & (one >= 0) & (other >= 0)]] = MISSING
        return level, best

    return Comparison(EMAIL, _EMAIL, find, {EXACT: tf})


_PHONE = ("missing", "exact", "same end", "one digit", "different")
_LAST_SEVEN = np.uint64(0xFFFFFFF)


def _phone(phones: Values) -> Comparison:
    tf = tf_of("phone", phones.codes, phones.text)

    def find(i: Rows, j: Rows) -> Found:
        level, best = _any_exact(phones.codes, tf, i, j, 4)
        rest = np.flatnonzero(level == 4)  # noqa: PLR2004  (different)
        for pairs, a, b in _combinations(phones.codes, i[rest], j[rest]):
            one, other = phones.packed[a], phones.packed[b]
            off = one ^ other
            digits = _differing_digits(off)
            now = np.full(len(pairs), 4, np.uint8)
            now[digits == 1] = 3
            two = np.flatnonzero(digits == 2)  # noqa: PLR2004  (digits)
            now[two[_neighbours_swapped(one[two], other[two])]] = 3
            now[(off & _LAST_SEVEN) == 0] = 2
            level[rest[pairs]] = np.minimum(level[rest[pairs]], now)
        return level, best

    return Comparison(PHONE, _PHONE, find, {EXACT: tf})


def _neighbours_swapped(one: Any, other: Any) -> Any:
    """Tell which numbers of two differing digits have two neighbours swapped."""
    result = np.zeros(len(one), bool)
    for place in range(0, 4 * 15, 4):
        shift = np.uint64(place)
        a, b = (one >> shift) & np.uint64(0xFF), (other >> shift) & np.uint64(0xFF)
        back = (b >> np.uint64(4)) | ((b & np.uint64(0xF)) << np.uint64(4))
        result |= (a == back) & ((one ^ other) & ~(np.uint64(0xFF) << shift) == 0)
    return result


# Addresses

_STREET = ("missing", "exact", "near", "same street", "different")
_PLACE = (
    "missing", "postal code and city", "postal code", "city", "near", "in part", "different",
)  # fmt: skip
# By postal code and city, each of: missing, same, near, different.
PLACES = np.array([[0, 3, 4, 6], [2, 1, 1, 2], [4, 3, 4, 5], [6, 3, 5, 6]], np.uint8)
STREET_UNLIKE = 8


def _addresses(places: Addresses) -> list[Comparison]:
    result = []
    if (places.street >= 0).any():
        tf = tf_of("street", places.line, places.line_text)
        find = _best_of(places, lambda i, j: _street(places, tf, i, j))
        result.append(Comparison(STREET, _STREET, find, {EXACT: tf}))
    if (places.postal >= 0).any() or (places.city >= 0).any():
        postal = tf_of("postal", places.postal, places.postal_text)
        city = tf_of("city", places.city, places.city_text)
        find = _best_of(places, lambda i, j: _place(places, postal, city, i, j))
        result.append(Comparison(PLACE, _PLACE, find, {1: postal, 2: postal, 3: city}))
    return result


def _best_of(places: Addresses, find: Any) -> Callable[[Rows, Rows], Found]:
    """Compare each address of a record with each of the other; the best counts."""
    count = places.street.shape[1]

    def best(i: Rows, j: Rows) -> Found:
        level, tf = find((i, 0), (j, 0))
        for x in range(count):
            for y in range(count):
                if x or y:
                    now, rare = find((i, x), (j, y))
                    better = (now > 0) & ((now < level) | (level == 0))
                    level[better], tf[better] = now[better], rare[better]
        return level, tf

    return best


def _street(places: Addresses, tf: TermFrequency, i: Any, j: Any) -> Found:
    a, b = places.line[i], places.line[j]
    level = np.where(a == b, np.uint8(EXACT), np.uint8(4))
    level[(a < 0) | (b < 0)] = MISSING
    found = tf.of[a]
    rest = np.flatnonzero(level == 4)  # noqa: PLR2004  (different)
    i, j = (i[0][rest], i[1]), (j[0][rest], j[1])
    core_a, core_b, number_a, number_b = (
        places.core[i], places.core[j], places.number[i], places.number[j]
    )  # fmt: skip
    like = (core_a == core_b) & (core_a >= 0)
    maybe = _unlike(places.core_letters, core_a, core_b) <= STREET_UNLIKE
    maybe = np.flatnonzero(maybe & (core_a >= 0) & (core_b >= 0) & ~like)
    like[maybe[_similarity(places.core_text, core_a[maybe], core_b[maybe]) >= NEARLY]] = True
    now = np.where(like, np.uint8(3), np.uint8(4))
    now[like & ((number_a == number_b) | (number_a < 0) | (number_b < 0))] = 2
    level[rest] = now
    return level, found


def _place(places: Addresses, postal: TermFrequency, city: TermFrequency, i: Any, j: Any) -> Found:
    post_a, post_b, city_a, city_b = (
        places.postal[i], places.postal[j], places.city[i], places.city[j]
    )  # fmt: skip
    by_post = _likeness(post_a, post_b, lambda a, b: _edits(places.postal_text, a, b, 1) <= 1)
    by_city = _likeness(city_a, city_b, lambda a, b: _similarity(places.city_text, a, b) >= NEARLY)
    tf = np.where(by_post == 1, postal.of[post_a], city.of[city_a])
    return PLACES[by_post, by_city], tf


def _likeness(a: Any, b: Any, is_near: Any) -> Any:
    """Tell missing 0, same 1, near 2 and different 3."""
    result = np.where(a == b, np.uint8(1), np.uint8(3))
    result[(a < 0) | (b < 0)] = 0
    rest = np.flatnonzero(result == 3)  # noqa: PLR2004  (different)
    result[rest[is_near(a[rest], b[rest])]] = 2
    return result


# All other values

_PLAIN = ("missing", "exact", "near", "different")
PLAIN_NEAR = 0.9
BEGINNING_OF_TEXT = 60


def _plain(
    name: str,
    values: Values,
    usual: float,
    *,
    shared: bool = False,
    told_by: Mapping[str, Any] = {},
) -> Comparison:
    tf = tf_of(name, values.codes, values.text, usual)
    codes = values.codes[:, 0]
    # Of long texts, as notes, the beginnings say enough.
    begins = np.array([text[:BEGINNING_OF_TEXT] for text in values.text.tolist()], object)

    def find(i: Rows, j: Rows) -> Found:
        a, b = codes[i], codes[j]
        level = np.where(a == b, np.uint8(EXACT), np.uint8(3))
        level[(a < 0) | (b < 0)] = MISSING
        rest = np.flatnonzero(level == 3)  # noqa: PLR2004  (different)
        x, y = a[rest], b[rest]
        maybe = np.flatnonzero(_unlike(values.letters, x, y) <= MOST_UNLIKE)
        score = _similarity(begins, x[maybe], y[maybe])
        level[rest[maybe[score >= PLAIN_NEAR]]] = 2
        for one in told_by.values():
            level[(one[i] == one[j]) & (one[i] >= 0)] = MISSING
        return level, tf.of[a]

    return Comparison(name, _PLAIN, find, {EXACT: tf}, shared=shared, told_by=tuple(told_by))

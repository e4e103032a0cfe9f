"""Read postal addresses into codes; a record may have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from . import normalize
from .kinds import address_of, line_of
from .normalize import Coded, encode, encode_visible, look_up, pc, recode, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Codes, Texts

    from .kinds import Kind

PARTS: tuple[Kind, ...] = ("street", "city", "state", "postal_code")
PLUS_FOUR = r"^(\d{5})\d{4}$"
"""A ZIP code with the four digits that may follow it."""
SEPARATOR = "\n"
"""Separates the house number and the words of a line."""
NUMBER, NUMBERS = r"(?:^| )(?P<part>\d+[a-z]?)(?: |$)", r"\d+[a-z]?"
_STOP_SHARE, _FEWEST_STREETS = 0.02, 250
"""A word in more than this share of all streets is a stop word, such as `street` or `rue`."""


@dataclass(slots=True, kw_only=True)
class Addresses:
    """The addresses of all records: codes of shape (records, addresses), and their texts."""

    street: Codes
    street_text: Texts
    number: Codes
    """The house number."""
    number_text: Texts
    core: Codes
    """The words of a street, without stop words."""
    core_text: Texts
    core_letters: NDArray[np.uint64]
    """Of each distinct core its letters as a bit set."""
    first_word: Codes
    """Of each distinct core the code of its first word in `word_text`."""
    word_text: Texts
    line: Codes
    """Number and core together: two streets are the same if their lines are."""
    line_text: list[str]
    city: Codes
    city_text: Texts
    state: Codes
    state_text: Texts
    postal: Codes
    postal_text: Texts
    stop_words: list[str]


def read(
    columns: Mapping[str, pa.Array],
    by_kind: Mapping[Kind, list[str]],
    count: int,
    statistics: normalize.DatasetStatistics | None = None,
) -> Addresses | None:
    """Read addresses from columns such as `City` or `ShippingAddress.City`.

    Args:
        columns: the records.
        by_kind: the names of the columns of each kind.
        count: the number of records.
        statistics: the statistics of another dataset; by default those of these records.
    """
    parts = _parts(columns, by_kind, count)
    if not parts:
        return None
    street, city, state, postal = parts
    city, state = (recode(column, normalize.words(column.values)) for column in (city, state))
    postal_codes = pc.replace_substring_regex(pc.utf8_lower(postal.values), r"[^\p{L}\p{N}]", "")
    postal = recode(postal, pc.replace_substring_regex(postal_codes, PLUS_FOUR, r"\1"))
    numbers, cores, stop_words = _street_parts(street, statistics)
    number, core = encode(numbers), encode(cores)
    first_word = encode(normalize.part_of(core.values, r"^(?P<part>\S+)"))
    lines, street_of = _lines(number.codes, core.codes)
    line_texts = pc.coalesce(pc.binary_join_element_wise(numbers, cores, SEPARATOR), street.values)
    return Addresses(
        street=street.codes,
        street_text=texts_of(street),
        number=look_up(number.codes, street.codes),
        number_text=texts_of(number),
        core=look_up(core.codes, street.codes),
        core_text=texts_of(core),
        core_letters=normalize.letters_of(core.values),
        first_word=first_word.codes,
        word_text=texts_of(first_word),
        line=look_up(lines, street.codes),
        line_text=line_texts.take(street_of).to_pylist(),
        city=city.codes,
        city_text=texts_of(city),
        state=state.codes,
        state_text=texts_of(state),
        postal=postal.codes,
        postal_text=texts_of(postal),
        stop_words=stop_words,
    )


def count_words(
    columns: Mapping[str, pa.Array], by_kind: Mapping[Kind, list[str]], count: int
) -> tuple[dict[str, int], int]:
    """Return how many streets have each word, and how many streets there are."""
    parts = _parts(columns, by_kind, count)
    if not parts:
        return {}, 0
    words = _StreetWords.of(parts[0])
    counts = zip(words.known.values.to_pylist(), words.counts.astype(int).tolist(), strict=True)
    return dict(counts), words.streets


def most_of_streets(streets: int) -> float:
    """Return how many of all streets may have a word that identifies one."""
    return _STOP_SHARE * max(float(streets), _FEWEST_STREETS)


def _parts(
    columns: Mapping[str, pa.Array], by_kind: Mapping[Kind, list[str]], count: int
) -> list[Coded]:
    """Return the streets, in words, and the other parts of addresses, as they were read."""
    addresses: dict[str, dict[str, list[str]]] = {}
    for kind in PARTS:
        for name in by_kind.get(kind, ()):
            addresses.setdefault(address_of(name), {}).setdefault(kind, []).append(name)
    if not addresses:
        return []
    street, *others = (
        _stack([_column(columns, names.get(kind, []), count) for names in addresses.values()])
        for kind in PARTS
    )
    return [recode(street, normalize.words(street.values)), *others]


def _column(columns: Mapping[str, pa.Array], names: list[str], count: int) -> Coded:
    """Join the lines of a street, or merge the columns of another part of an address."""
    if len(names) > 1 and any(line_of(name) != 1 for name in names):
        lines = [
            pc.cast(columns[name], pa.string()).fill_null("") for name in sorted(names, key=line_of)
        ]
        joined = pc.utf8_trim(pc.binary_join_element_wise(*lines, " "), " ")
        return encode_visible(normalize.empty_as_null(joined))
    return normalize.first_of([encode_visible(columns[name]) for name in names], count)


def _stack(columns: list[Coded]) -> Coded:
    codes, values = normalize.share_values(columns)
    return Coded(np.stack(codes, axis=1), values)


def _lines(number: Codes, core: Codes) -> tuple[Codes, NDArray[np.intp]]:
    """Encode the lines of streets, and return one street of each line.

    Streets without a house number or without words are the same only if their whole text is.
    """
    both = (number.astype(np.int64) << 32) | core.astype(np.int64)
    half = (number < 0) | (core < 0)
    both[half] = -1 - np.flatnonzero(half)
    _, street_of, lines = np.unique(both, return_index=True, return_inverse=True)
    return lines.astype(np.int32), street_of


@dataclass(frozen=True, slots=True)
class _StreetWords:
    """The words of distinct streets."""

    rest: pa.StringArray
    """Each street without its numbers."""
    words: pa.StringArray
    street_of: NDArray[np.integer]
    """The street of each word."""
    known: Coded
    """The words, encoded."""
    counts: NDArray[np.float64]
    """How many streets have each distinct word."""
    streets: int
    """The number of all streets."""

    @classmethod
    def of(cls, street: Coded) -> _StreetWords:
        rest = pc.replace_substring_regex(street.values, NUMBERS, " ")
        rest = pc.utf8_trim(pc.replace_substring_regex(rest, " +", " "), " ")
        weights = np.bincount(street.codes[street.codes >= 0], minlength=len(street.values))
        lists = pc.utf8_split_whitespace(rest)
        words, street_of = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
        known = encode(words)
        counts = np.bincount(known.codes, weights[street_of], minlength=len(known.values))
        return cls(rest, words, street_of, known, counts.astype(float), int(weights.sum()))


def _street_parts(
    street: Coded, statistics: normalize.DatasetStatistics | None
) -> tuple[pa.Array, pa.Array, list[str]]:
    """Split streets into house numbers and cores, and return the stop words that were left out."""
    values = street.values
    number = normalize.part_of(values, NUMBER)
    split = _StreetWords.of(street)
    known, rest = split.known, split.rest
    if statistics:
        texts = known.values.to_pylist()
        is_stop = np.array(
            [normalize.hash_of(text) in statistics.stop_words for text in texts], bool
        )
    else:
        is_stop = split.counts > most_of_streets(split.streets)
    kept = ~is_stop[known.codes]
    words, street_of = split.words.filter(pa.array(kept)), split.street_of[kept]
    edges = np.searchsorted(street_of, np.arange(len(values) + 1)).astype(np.int32)
    core = pc.binary_join(pa.ListArray.from_arrays(pa.array(edges), words), " ")
    core = normalize.empty_as_null(pc.if_else(pc.equal(core, ""), rest, core))
    return number, core, known.values.filter(pa.array(is_stop)).to_pylist()

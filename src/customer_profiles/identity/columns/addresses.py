"""Postal addresses as numbers; a record may have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from . import normalize
from .kinds import line_of, place_of
from .normalize import (
    Coded,
    DatasetStatistics,
    empty_as_null,
    encode,
    first_of,
    hash_of,
    letters_of,
    look_up,
    part_of,
    pc,
    recode,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PARTS = ("street", "city", "state", "postal_code")
PLUS_FOUR = r"^(\d{5})\d{4}$"
"""The four digits that may follow a ZIP code."""
SEPARATOR = "\n"
"""What stands between number and words of a line."""
NUMBER, NUMBERS = r"(?:^| )(?P<it>\d+[a-z]?)(?: |$)", r"\d+[a-z]?"
_STOP_SHARE, _FEWEST_STREETS = 0.02, 250
"""A word that this part of all streets have says nothing, as `street` or `rue`."""


@dataclass(slots=True)
class Addresses:
    """The addresses of all records: numbers of shape (records, addresses), -1 for none."""

    street: Any
    number: Any
    """The house number."""
    core: Any
    """The words of a street, without those that most streets have."""
    line: Any
    """Number and core as one: what makes two streets the same."""
    city: Any
    state: Any
    postal: Any
    core_text: NDArray[Any]
    core_letters: Any
    first_word: Any
    """Of each core its first word."""
    city_text: NDArray[Any]
    postal_text: NDArray[Any]
    street_text: NDArray[Any]
    number_text: NDArray[Any]
    word_text: NDArray[Any]
    state_text: NDArray[Any]
    line_text: Any
    """Of each line what makes it the same as another one."""
    stop_words: list[str]
    """Words of streets that say nothing."""


def read(
    columns: Mapping[str, pa.Array],
    by_kind: Mapping[str, list[str]],
    count: int,
    facts: DatasetStatistics | None = None,
) -> Addresses | None:
    """Read addresses from columns such as `City` or `ShippingAddress.City`."""
    places: dict[str, dict[str, list[str]]] = {}
    for kind in _PARTS:
        for name in by_kind.get(kind, ()):
            places.setdefault(place_of(name), {}).setdefault(kind, []).append(name)
    if not places:
        return None
    found = [
        _beside([_column(columns, members.get(kind, []), count) for members in places.values()])
        for kind in _PARTS
    ]
    street, city, state = (recode(one, normalize.words(one.values)) for one in found[:3])
    postal = recode(found[3], _postal_codes(found[3].values))
    numbers, cores, stop_words = _street_parts(street, facts)
    number, core = encode(numbers), encode(cores)
    first = encode(part_of(core.values, r"^(?P<it>\S+)"))
    lines, street_of = _lines(number.codes, core.codes)
    return Addresses(
        street.codes,
        look_up(number.codes, street.codes),
        look_up(core.codes, street.codes),
        look_up(lines, street.codes),
        city.codes,
        state.codes,
        postal.codes,
        texts_of(core),
        letters_of(core.values),
        first.codes,
        texts_of(city),
        texts_of(postal),
        texts_of(street),
        texts_of(number),
        texts_of(first),
        texts_of(state),
        _line_texts(street_of, numbers, cores, street.values),
        stop_words,
    )


def _column(columns: Mapping[str, pa.Array], names: list[str], count: int) -> Coded:
    """Make one column of the lines of a street, or of what is there once anyway."""
    if len(names) > 1 and any(line_of(name) != 1 for name in names):
        lines = [columns[name].fill_null("") for name in sorted(names, key=line_of)]
        joined = pc.utf8_trim(pc.binary_join_element_wise(*lines, " "), " ")
        return encode(empty_as_null(joined))
    return first_of([encode(columns[name]) for name in names], count)


def _beside(columns: list[Coded]) -> Coded:
    """Put columns beside each other, each at its place, over one list of values."""
    joined = encode(pa.concat_arrays([one.values for one in columns]))
    codes, start = [], 0
    for one in columns:
        end = start + len(one.values)
        codes.append(look_up(joined.codes[start:end], one.codes))
        start = end
    return Coded(np.stack(codes, axis=1), joined.values)


def _postal_codes(values: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(pc.utf8_lower(values), r"[^\p{L}\p{N}]", "")
    return pc.replace_substring_regex(plain, PLUS_FOUR, r"\1")


def _lines(number: Any, core: Any) -> tuple[Any, Any]:
    """Number the streets that are the same, and give one street of each number.

    Without a house number or words streets are the same only if all of them is.
    """
    both = (number.astype(np.int64) << 32) | core.astype(np.int64)
    half = (number < 0) | (core < 0)
    both[half] = -1 - np.flatnonzero(half)
    _, street_of, lines = np.unique(both, return_index=True, return_inverse=True)
    return lines.astype(np.int32), street_of


def _line_texts(street_of: Any, numbers: pa.Array, cores: pa.Array, streets: pa.Array) -> Any:
    both = pc.binary_join_element_wise(numbers, cores, SEPARATOR)
    return pc.coalesce(both, streets).take(street_of).to_pylist()


def _street_parts(
    street: Coded, facts: DatasetStatistics | None
) -> tuple[pa.Array, pa.Array, list[str]]:
    """Split streets into house number and words, and give the words that say nothing."""
    values = street.values
    number = part_of(values, NUMBER)
    rest = pc.replace_substring_regex(values, NUMBERS, " ")
    rest = pc.utf8_trim(pc.replace_substring_regex(rest, " +", " "), " ")
    weights = np.bincount(street.codes[street.codes >= 0], minlength=len(values))
    lists = pc.utf8_split_whitespace(rest)
    words, of = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    known = encode(words)
    totals = np.bincount(known.codes, weights=weights[of], minlength=len(known.values))
    most = _STOP_SHARE * max(float(weights.sum()), _FEWEST_STREETS)
    says_nothing = totals > most
    if facts:
        texts = known.values.to_pylist()
        says_nothing = np.array([hash_of(one) in facts.stop_words for one in texts], bool)
    kept = ~says_nothing[known.codes]
    words, of = words.filter(pa.array(kept)), of[kept]
    edges = np.searchsorted(of, np.arange(len(values) + 1)).astype(np.int32)
    core = pc.binary_join(pa.ListArray.from_arrays(pa.array(edges), words), " ")
    core = empty_as_null(pc.if_else(pc.equal(core, ""), rest, core))
    return number, core, known.values.filter(pa.array(says_nothing)).to_pylist()

"""People's names as numbers: given, middle and family names in one list of names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from . import normalize
from .misplaced import Words, moved
from .normalize import (
    Coded,
    DatasetStatistics,
    encode,
    filled,
    first_of,
    letters_of,
    look_up,
    part_of,
    pc,
    recode,
    texts_of,
)
from .scripts import script_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .kinds import Kind

APART = (r"(\p{L})\.(\S)", r"\1. \2")
"""Puts a space after the point of an initial, as in `J.P.`"""
INITIALS = (r"^((?:[a-z] )+)(\S{2}.*)$", r"\2 \1")
"""Puts initials behind the first name that is none."""
COMMA = r"^([^,]+),\s*(.+)$"
"""A full name that begins with the family name."""
FULL = r"^(?P<given>\S+)(?: (?P<middle>.+?))??(?: (?P<family>\S+(?: (?:jr|sr|ii|iii))?))?$"
KINDS: tuple[Kind, ...] = ("given_name", "middle_name", "family_name", "full_name")
_FORMAL = 5
"""How many formal names a nickname may stand for."""
_SOUND_LENGTH = 5


@dataclass(slots=True)
class Names:
    """The names of all records; codes are numbers into `text`, -1 where there is no name."""

    given: Any
    middle: Any
    family: Any
    suffix: Any
    """jr, sr and the like, as numbers of their own."""
    text: NDArray[Any]
    """The names that there are; what follows is one value for each of them."""
    first_word: Any
    last_word: Any
    """The last of several words, -1 if there is only one."""
    sound: Any
    """Names that are written alike have one number."""
    initial: Any
    length: Any
    letters: Any
    """Which letters it has, as bits."""
    script: Any
    """Of its writing a number: names in two of them can't be compared."""
    canonical: Any
    """The name itself and the formal names that it may be a nickname of."""
    formal_text: NDArray[Any]
    """The names that there are, and the formal names that nobody has."""
    word_text: NDArray[Any]
    sound_text: NDArray[Any]
    initial_text: NDArray[Any]
    words: Words | None
    """Which words are given and family names, if that was asked."""


def read(
    columns: Sequence[list[Coded]], count: int, facts: DatasetStatistics | None = None
) -> Names | None:
    """Read names from columns; a full name is split where there are no parts of it.

    Args:
        columns: those of given, of middle, of family and of full names.
        count: how many records there are.
        facts: what other records together told; without it these records do.
    """
    words: Words | None = None
    given, middle, family, full = columns
    if not (given or family or full):
        return None
    if family and full and not given:
        # `name` beside a surname is a given name.
        given, full = full, []
    whole_given, whole_family = first_of(given, count), joined(family, count)
    first, second, last = map(_cleaned, (whole_given, first_of(middle, count), whole_family))
    if given and family:
        known = Words(facts.given_words, facts.family_words) if facts else None
        parts, words = moved((first, second, last), whole_given, whole_family, split, known)
        first, second, last = parts
    if full:
        of_full = split(first_of(full, count))
        first, second, last = (
            filled(*both) for both in zip((first, second, last), of_full, strict=True)
        )
    last_names, suffixes = normalize.suffixes(last.values)
    suffix = look_up(encode(suffixes).codes, last.codes)
    last = recode(last, last_names)
    # An initial before a given name is of a middle name, or of the father's.
    first = recode(first, pc.utf8_trim(pc.replace_substring_regex(first.values, *INITIALS), " "))
    # A second word of a given name is a middle name, where there is none.
    second = filled(second, recode(first, part_of(first.values, r"^\S+ (?P<it>.+)$")))
    first = recode(first, pc.replace_substring_regex(first.values, r" .*$", ""))
    parts = (first, second, last)
    vocabulary = encode(pa.concat_arrays([one.values for one in parts]))
    if not len(vocabulary.values):
        return None
    edges = np.cumsum([0, *(len(one.values) for one in parts)])
    codes = [
        look_up(vocabulary.codes[start:end], one.codes)
        for one, (start, end) in zip(parts, pairwise(edges.tolist()), strict=True)
    ]
    return _described(vocabulary.values, codes, suffix, words)


def _described(values: pa.Array, codes: list[Any], suffix: Any, words: Words | None) -> Names:
    given, middle, family = codes
    size = len(values)
    text = values.to_numpy(zero_copy_only=False)
    apart = [values, part_of(values, r"^(?P<it>\S+)"), part_of(values, r" (?P<it>\S+)$")]
    numbered = encode(pa.concat_arrays(apart))
    sounds, initials = encode(sound(values)), encode(pc.utf8_slice_codeunits(values, 0, 1))
    counts = np.bincount(given[given >= 0], minlength=size)
    length = pc.utf8_length(values).to_numpy(zero_copy_only=False)
    scripts = np.fromiter(map(script_of, text.tolist()), np.uint8, size)
    canonical, formal_text = _canonicals(text, counts)
    return Names(
        given,
        middle,
        family,
        suffix,
        text,
        numbered.codes[size : 2 * size],
        numbered.codes[2 * size :],
        sounds.codes,
        initials.codes,
        # One Chinese character is a whole name, not an initial.
        np.maximum(length, np.where(scripts > 0, 2, 0)).clip(0, 255).astype(np.uint8),
        letters_of(values),
        scripts,
        canonical,
        formal_text,
        texts_of(numbered),
        texts_of(sounds),
        texts_of(initials),
        words,
    )


def joined(columns: Sequence[Coded], count: int) -> Coded:
    """Join columns, as two surnames are, into one with the words of all."""
    if len(columns) < 2:  # noqa: PLR2004  (nothing to join)
        return first_of(columns, count)
    texts = [
        one.values.take(pa.array(one.codes, mask=one.codes < 0)).fill_null("") for one in columns
    ]
    both = pc.utf8_trim(pc.binary_join_element_wise(*texts, " "), " ")
    return encode(normalize.empty_as_null(both))


def _cleaned(column: Coded) -> Coded:
    values = pc.replace_substring_regex(column.values, *APART)
    return recode(column, normalize.without_titles(normalize.letters(normalize.words(values))))


def split(full: Coded) -> tuple[Coded, Coded, Coded]:
    """Split full names, also those that begin with the family name and a comma."""
    values = pc.replace_substring_regex(full.values, COMMA, r"\2 \1")
    values = normalize.without_titles(normalize.words(values))
    parts = pc.extract_regex(values, FULL)
    given, middle, family = (
        recode(full, pc.struct_field(parts, name)) for name in ("given", "middle", "family")
    )
    return given, middle, family


_SOUNDS = ((r"ph", "f"), (r"[ckq]+", "k"), (r"[sz]+", "s"))
_SILENT = (
    (r"[aeiouyhw ]+", ""),
    *((letter + "+", letter) for letter in "bdfgjklmnprstvx"),
)


def sound(values: pa.Array) -> pa.Array:
    """Give a key that names keep when they are misspelled: their first letter and consonants."""
    for pattern, instead in _SOUNDS:
        values = pc.replace_substring_regex(values, pattern, instead)
    first, rest = pc.utf8_slice_codeunits(values, 0, 1), pc.utf8_slice_codeunits(values, 1)
    for pattern, instead in _SILENT:
        rest = pc.replace_substring_regex(rest, pattern, instead)
    whole = pc.binary_join_element_wise(first, rest, "")
    return pc.utf8_slice_codeunits(whole, 0, _SOUND_LENGTH)


def sound_of(name: str) -> str:
    """Do to one name what `sound` does to many."""
    for pattern, instead in _SOUNDS:
        name = re.sub(pattern, instead, name)
    rest = name[1:]
    for pattern, instead in _SILENT:
        rest = re.sub(pattern, instead, rest)
    return (name[:1] + rest)[:_SOUND_LENGTH]


@cache
def _nicknames() -> dict[str, tuple[str, ...]]:
    """Give the formal names of each nickname."""
    from nicknames import name_triplets

    of: dict[str, set[str]] = {}
    for triplet in name_triplets():
        of.setdefault(triplet.name2, set()).add(triplet.name1)
    return {name: tuple(sorted(names)) for name, names in of.items()}


def formal_names(name: str) -> tuple[str, ...]:
    """Give the formal names that a name may be a nickname of."""
    return _nicknames().get(name, ())


def _canonicals(text: NDArray[Any], counts: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Of each name give itself and the formal names that it may stand for, the commonest first.

    They are numbers into the second result: the names, and formal names that are not among them.
    """
    numbers = {name: number for number, name in enumerate(text)}
    result = np.full((len(text), _FORMAL + 1), -1, np.int32)
    result[:, 0] = np.arange(len(text))
    extra: dict[str, int] = {}
    for name, formal in _nicknames().items():
        row = numbers.get(name)
        if row is None:
            continue
        ranked = sorted(formal, key=lambda one: -counts[numbers[one]] if one in numbers else 0)
        for place, one in enumerate(ranked[:_FORMAL], 1):
            number = numbers.get(one)
            if number is None:
                number = extra.setdefault(one, len(text) + len(extra))
            result[row, place] = number
    return result, np.append(text, np.array(list(extra), object))

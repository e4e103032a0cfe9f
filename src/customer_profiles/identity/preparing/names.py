"""Read people's names into given, middle and family names over one vocabulary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_profiles.identity.scripts import eastern
from customer_profiles.identity.scripts.letters import Script, script_of
from customer_profiles.identity.scripts.readings import readings, romanised

from . import normalize
from .companies import are_companies, cores
from .misplaced import NameColumns, NameWords, split_misplaced_names
from .normalize import Coded, encode, first_of, look_up, part_of, pc, recode, texts_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Codes, Mask, Texts

    from .kinds import Kind

APART = (r"(\p{L})\.(\S)", r"\1. \2")
"""Inserts a space after the full stop of an initial, as in `J.P.`"""
INITIALS = (r"^((?:[a-zα-ωа-яєіґ] )+)(\S{2}.*)$", r"\2 \1")
"""Moves leading initials behind the first whole name."""
COMMA = r"^([^,]+),\s*(.+)$"
"""A full name that begins with the family name and a comma."""
_PARTICLE = (
    "(?:van|von|van de|vom|zum|zur|den|der|del|della|dei|degli|dal|dalla|dos|das|des|de las?|de los"
    "|las?|los|les|ter|ten|ibn|bint|binti|abu|abou|al|el|ould|mac|mc|st|saint|santa"
    "|بن|ابن|بنت|ال|ابو|ابا|ابي|ام|בנ|בת|בר|אבו|אבנ|אל|שמ)"
)
_SHORT_PARTICLE = "(?:de|da|di|do|du|la|le|bin|ben)"
"""Particles that are syllables of Chinese given names, too: no Chinese surname may follow them."""
_SURNAME = rf"(?:{_PARTICLE} )*(?:{_SHORT_PARTICLE} \S{{4,}}[^g\s]|\S+)"
FULL = (
    r"^(?P<given>\S+)(?: (?P<middle>.+?))??"
    rf"(?: (?P<family>(?:{_PARTICLE} \S+ )*{_SURNAME}(?: (?:jr|sr|ii|iii))?))?$"
)
"""A full name; the words that belong to a surname of several words, such as `van der`, begin it.

What follows from one another must not be two attributes: their agreement would count twice.
"""
KINDS: tuple[Kind, ...] = ("given_name", "middle_name", "family_name", "full_name")
_MOST_FORMAL = 5
"""How many formal names of a nickname are compared."""
_SOUND_LENGTH = 5


def count_words(columns: Sequence[list[Coded]], count: int) -> list[Counter[str]]:
    """Count the words of given and of family names of records with both; see `NameWords`."""
    (given_name, middle, family, _), _ = _separate_companies(columns)
    if not (given_name and family):
        return []
    parts = first_of(given_name, count), first_of(middle, count), _join(family, count)
    return [*NameWords.counted(NameColumns(*map(_clean, parts)))]


@dataclass(slots=True, kw_only=True)
class Names:
    """The names of all records: codes into `text`, and what follows from each distinct name."""

    given: Codes
    middle: Codes
    family: Codes
    suffix: Codes
    """Generational suffixes such as `jr`: codes into `suffix_text`."""
    suffix_text: Texts
    text: Texts
    """The distinct names."""
    first_word: Codes
    """Of each distinct name the code of its first word in `word_text`."""
    last_word: Codes
    """The code of its last word, -1 if it has only one."""
    word_text: Texts
    sound: Codes
    """The code of its phonetic key in `sound_text`."""
    sound_text: Texts
    initial: Codes
    """The code of its first letter in `initial_text`."""
    initial_text: Texts
    length: NDArray[np.uint8]
    letters: NDArray[np.uint64]
    """Its letters as a bit set."""
    script: NDArray[np.uint8]
    """Its script; names in different scripts are compared by their readings."""
    readings: dict[Script, Codes]
    """Of each script beside others, the codes of each name's readings, of shape (names, readings).

    The readings are those by which the name is compared with names in that script.
    """
    reading_text: Texts
    reading_length: NDArray[np.uint8]
    """Of each reading its number of letters."""
    canonical: Codes
    """The codes in `formal_text` of the name and of the formal names of which it is a nickname."""
    formal_text: Texts
    """The distinct names, followed by formal names that no record has."""
    is_company: Mask
    """Which records are those of companies, whose names are in `family`."""
    words: NameWords | None
    """Which words are given and family names, if there were full names to split."""


def read(
    columns: Sequence[list[Coded]],
    count: int,
    statistics: normalize.DatasetStatistics | None = None,
    employers: Sequence[Coded] = (),
) -> Names | None:
    """Read names; full names are split for records that lack their parts.

    A record with the name of a company in place of a person's, or without any name and with a
    company, is that company's; its family name is the company's name.

    Args:
        columns: the columns of given, of middle, of family and of full names.
        count: the number of records.
        statistics: the statistics of another dataset; by default those of these records.
        employers: the columns of companies.
    """
    words: NameWords | None = None
    batch = statistics if isinstance(statistics, normalize.BatchStatistics) else None
    (given_name, middle, family, full), of_companies = _separate_companies(columns)
    if not (given_name or family or full):
        return None
    whole_given, whole_family = first_of(given_name, count), _join(family, count)
    names = NameColumns(*map(_clean, (whole_given, first_of(middle, count), whole_family)))
    if given_name and family:
        known = NameWords(statistics.given_words, statistics.family_words) if statistics else None
        names, words = split_misplaced_names(names, whole_given, whole_family, split, known)
    if full:
        names = NameColumns(*map(normalize.fill, names, split(first_of(full, count))))
    first, second, last = names
    last_names, suffixes = normalize.split_suffixes(last.values)
    suffix, last = recode(last, suffixes), recode(last, last_names)
    firms = first_of([*of_companies, *map(_core, employers)], count)
    is_company = (first.codes < 0) & (last.codes < 0) & (firms.codes >= 0)
    if is_company.any():
        last = normalize.fill(last, Coded(np.where(is_company, firms.codes, -1), firms.values))
    # An initial before a given name stands for a middle name or a patronymic.
    first = recode(first, pc.utf8_trim(pc.replace_substring_regex(first.values, *INITIALS), " "))
    # The second word of a given name fills an empty middle name.
    second = normalize.fill(second, recode(first, part_of(first.values, r"^\S+ (?P<part>.+)$")))
    first = recode(first, pc.replace_substring_regex(first.values, r" .*$", ""))
    first, second = _join_syllables(first, second, last)
    codes, vocabulary = normalize.share_values((first, second, last))
    return (
        _describe(vocabulary, codes, suffix, is_company, words, batch) if len(vocabulary) else None
    )


def of_vocabulary(values: pa.StringArray, batch: normalize.BatchStatistics) -> Names:
    """Return what follows from distinct names, without records."""
    nobody = np.empty(0, np.int32)
    codes = [nobody, nobody, nobody]
    return _describe(values, codes, Coded(nobody, values[:0]), nobody.astype(bool), None, batch)


def _describe(  # noqa: PLR0913, PLR0917  (the parts of names)
    values: pa.StringArray,
    codes: list[Codes],
    suffix: Coded,
    is_company: Mask,
    words: NameWords | None,
    batch: normalize.BatchStatistics | None,
) -> Names:
    given_name, middle, family = codes
    size = len(values)
    text: Texts = values.to_numpy(zero_copy_only=False)
    ends = [part_of(values, r"^(?P<part>\S+)"), part_of(values, r" (?P<part>\S+)$")]
    word = encode(pa.concat_arrays([values, *ends]))
    scripts = np.zeros(size, np.uint8)
    special = ~pc.string_is_ascii(values).to_numpy(zero_copy_only=False)
    scripts[special] = [script_of(name) for name in text[special].tolist()]
    sounds, initials = (
        encode(sound(_romanised(values, scripts > 0))),
        encode(pc.utf8_slice_codeunits(_romanised(values, scripts > Script.HANGUL), 0, 1)),
    )
    length = pc.utf8_length(values).to_numpy(zero_copy_only=False)
    is_eastern = (scripts == Script.HAN) | (scripts == Script.HANGUL)
    read, reading_text = _readings(text, scripts, batch.scripts if batch else ())
    if batch:
        counts = batch.given_names
    else:
        found = np.bincount(given_name[given_name >= 0], minlength=size).tolist()
        counts = dict(zip(text.tolist(), found, strict=True))
    canonical, formal_text = _canonical(text, counts)
    return Names(
        given=given_name,
        middle=middle,
        family=family,
        suffix=suffix.codes,
        suffix_text=texts_of(suffix),
        text=text,
        first_word=word.codes[size : 2 * size],
        last_word=word.codes[2 * size :],
        word_text=texts_of(word),
        sound=sounds.codes,
        sound_text=texts_of(sounds),
        initial=initials.codes,
        initial_text=texts_of(initials),
        # A single Chinese character is a whole name, not an initial.
        length=np.maximum(length, np.where(is_eastern, 2, 0)).clip(0, 255).astype(np.uint8),
        letters=normalize.letters_of(values),
        script=scripts,
        readings=read,
        reading_text=reading_text,
        reading_length=np.fromiter(map(len, reading_text.tolist()), np.uint8),
        canonical=canonical,
        formal_text=formal_text,
        is_company=is_company,
        words=words,
    )


def _separate_companies(
    columns: Sequence[list[Coded]],
) -> tuple[list[list[Coded]], list[Coded]]:
    """Move the names of companies from the columns of names into columns of their own."""
    people: list[list[Coded]] = []
    firms: list[Coded] = []
    for of_kind in columns:
        people.append([])
        for column in of_kind:
            found = are_companies(column.values).to_numpy(zero_copy_only=False)
            if not found.any():
                people[-1].append(column)
                continue
            is_firm = look_up(found, column.codes, 0)
            people[-1].append(Coded(np.where(is_firm, -1, column.codes), column.values))
            firms.append(_core(Coded(np.where(is_firm, column.codes, -1), column.values)))
    return people, firms


def _core(column: Coded) -> Coded:
    return recode(column, cores(normalize.words(column.values)))


def _romanised(values: pa.StringArray, which: Mask) -> pa.Array:
    if not which.any():
        return values
    mask = pa.array(which)
    return pc.replace_with_mask(
        values, mask, pa.array(map(romanised, values.filter(mask).to_pylist()), pa.string())
    )


def _readings(
    text: Texts, scripts: NDArray[np.uint8], more: Collection[int]
) -> tuple[dict[Script, Codes], Texts]:
    """Return the readings by which names in different scripts are compared, and their texts."""
    present = [Script(number) for number in sorted({*scripts.tolist(), *more})]
    if len(present) < 2:  # noqa: PLR2004  (scripts)
        return {}, np.array([], object)
    known: dict[str, int] = {}
    result = {}
    for script in filter(None, present):
        rows = [readings(name, script) for name in text.tolist()]
        codes = np.full((len(rows), max(map(len, rows))), -1, np.int32)
        for row, found in zip(codes, rows, strict=True):
            row[: len(found)] = [known.setdefault(reading, len(known)) for reading in found]
        result[script] = codes
    return result, np.array([*known, ""], object)[:-1]


def _join_syllables(first: Coded, second: Coded, last: Coded) -> tuple[Coded, Coded]:
    """Join given names of two syllables that are written as two words, as in Xiao Ming."""

    def matches(column: Coded, pattern: str) -> Mask:
        found = pc.match_substring_regex(column.values, pattern).to_numpy(zero_copy_only=False)
        return look_up(found.astype(bool), column.codes, 0)

    rows = np.flatnonzero(matches(second, eastern.IS_SYLLABLE))
    rows = rows[matches(first, eastern.IS_SYLLABLE)[rows]]
    rows = rows[matches(last, eastern.IS_SURNAME)[rows]]
    if not len(rows):
        return first, second
    parts = [column.values.take(pa.array(column.codes[rows])) for column in (first, second)]
    joined = encode(pc.binary_join_element_wise(*parts, ""))
    kept, added, rest = (
        first.codes.copy(),
        np.full(len(first.codes), -1, np.int32),
        second.codes.copy(),
    )
    kept[rows], added[rows], rest[rows] = -1, joined.codes, -1
    return (
        normalize.fill(Coded(kept, first.values), Coded(added, joined.values)),
        Coded(rest, second.values),
    )


def _join(columns: Sequence[Coded], count: int) -> Coded:
    """Concatenate columns, such as two of surnames, into one."""
    if len(columns) < 2:  # noqa: PLR2004  (nothing to join)
        return first_of(columns, count)
    texts = [
        column.values.take(pa.array(column.codes, mask=column.codes < 0)).fill_null("")
        for column in columns
    ]
    joined = pc.utf8_trim(pc.binary_join_element_wise(*texts, " "), " ")
    return encode(normalize.empty_as_null(joined))


def _clean(column: Coded) -> Coded:
    values = normalize.words_of_names(pc.replace_substring_regex(column.values, *APART))
    return recode(column, normalize.without_titles(normalize.without_digits(values)))


def split(full: Coded) -> NameColumns:
    """Split full names into their parts; they may begin with the family name and a comma."""
    values = pc.replace_substring_regex(full.values, COMMA, r"\2 \1")
    for pattern, replacement in eastern.REORDERED:
        found = pc.match_substring_regex(values, pattern)
        turned = pc.replace_substring_regex(values.filter(found), pattern, replacement)
        values = pc.replace_with_mask(values, found, turned)
    values = normalize.without_titles(normalize.words_of_names(values))
    values = _given_first(values)
    parts = pc.extract_regex(values, FULL)
    return NameColumns(
        *(recode(full, pc.struct_field(parts, part)) for part in NameColumns._fields)
    )


def _given_first(values: pa.Array) -> pa.Array:
    """Move the surname of Chinese, Japanese and Korean full names behind the given name."""
    turned = pc.match_substring_regex(values, eastern.FAMILY_FIRST)
    turned = pc.fill_null(pc.or_(turned, pc.invert(pc.string_is_ascii(values))), fill_value=False)
    names = pa.array(map(eastern.given_first, values.filter(turned).to_pylist()), pa.string())
    return pc.replace_with_mask(values, turned, names)


_SOUNDS = ((r"ph", "f"), (r"[ckq]+", "k"), (r"[sz]+", "s"))
_SILENT = (
    (r"[aeiouyhw ]+", ""),
    *((letter + "+", letter) for letter in "bdfgjklmnprstvx"),
)


def sound(values: pa.Array) -> pa.Array:
    """Return phonetic keys, which misspelled names keep: the first letter and the consonants."""
    for pattern, replacement in _SOUNDS:
        values = pc.replace_substring_regex(values, pattern, replacement)
    first, rest = pc.utf8_slice_codeunits(values, 0, 1), pc.utf8_slice_codeunits(values, 1)
    for pattern, replacement in _SILENT:
        rest = pc.replace_substring_regex(rest, pattern, replacement)
    keys = pc.binary_join_element_wise(first, rest, "")
    return pc.utf8_slice_codeunits(keys, 0, _SOUND_LENGTH)


def sound_of(name: str) -> str:
    """Return the phonetic key of one name, as `sound` does for a column."""
    for pattern, replacement in _SOUNDS:
        name = re.sub(pattern, replacement, name)
    rest = name[1:]
    for pattern, replacement in _SILENT:
        rest = re.sub(pattern, replacement, rest)
    return (name[:1] + rest)[:_SOUND_LENGTH]


@cache
def formal_names() -> dict[str, tuple[str, ...]]:
    """Return the formal names of each nickname."""
    from nicknames import name_triplets

    formal: dict[str, set[str]] = {}
    for triplet in name_triplets():
        formal.setdefault(triplet.name2, set()).add(triplet.name1)
    return {name: tuple(sorted(names)) for name, names in formal.items()}


def _canonical(text: Texts, counts: Mapping[str, int]) -> tuple[Codes, Texts]:
    """Return the codes of each name and of its most frequent formal names, and their texts.

    The texts are the distinct names, followed by the formal names that are not among them.
    """
    numbers = {name: number for number, name in enumerate(text)}
    result = np.full((len(text), _MOST_FORMAL + 1), -1, np.int32)
    result[:, 0] = np.arange(len(text))
    extra: dict[str, int] = {}
    for nickname, formal in formal_names().items():
        row = numbers.get(nickname)
        if row is None:
            continue
        ranked = sorted(formal, key=lambda name: -counts.get(name, 0))
        for column, name in enumerate(ranked[:_MOST_FORMAL], 1):
            number = numbers.get(name)
            if number is None:
                number = extra.setdefault(name, len(text) + len(extra))
            result[row, column] = number
    return result, np.append(text, np.array(list(extra), object))

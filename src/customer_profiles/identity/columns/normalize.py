"""Bringing values into the form in which they are compared, a whole column at a time.

Every column is made a list of its distinct values and an array of numbers into it, so that what
is done to text is done once a value, not once a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from hashlib import blake2b
from time import gmtime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from .scripts import latin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

pc: Any = pyarrow.compute
"""Arrow's functions, which are made when it is imported, so that no type checker sees them."""

Codes = Any  # an array of int32, -1 where there is no value

MARKS = r"['\x{2019}`\x{b4}.]"
_AT_ONCE = 200_000
LETTERS = {
    letter: 1 << place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789")
}
"""A bit for each letter and digit."""
_BITS = np.zeros(256, np.uint64)
_BITS[[ord(letter) for letter in LETTERS]] = list(LETTERS.values())


@dataclass(frozen=True, slots=True)
class DatasetStatistics:
    """What only all records together tell, for reading one more. Texts are there as hashes."""

    days_first: bool = False
    """Whether days come before months in dates that do not tell."""
    stop_words: frozenset[int] = frozenset()
    """Words of streets that say nothing."""
    junk: frozenset[int] = frozenset()
    """E-mail addresses, phone numbers and identifiers that are nobody's own."""
    given_words: frozenset[int] = frozenset()
    family_words: frozenset[int] = frozenset()
    """Words that are given or family names, if whole names stand where a part of them should."""


@dataclass(slots=True)
class Coded:
    """A column: its distinct values, and for each record which of them it has."""

    codes: Codes
    """int32 of shape (records,) or (records, values); -1 where there is none."""
    values: pa.StringArray


@lru_cache(100_000)
def hash_of(text: str) -> int:
    """Give a number of 62 bits for a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 2


def fold(values: pa.Array) -> pa.Array:
    """Write in lower case and Latin letters what people write differently without meaning to."""
    values = pc.utf8_lower(values)
    special = pc.fill_null(pc.invert(pc.string_is_ascii(values)), fill_value=False)
    if not pc.any(special).as_py():
        return values
    folded = [latin(text) for text in values.filter(special).to_pylist()]
    return pc.replace_with_mask(values, special, pa.array(folded, pa.string()))


def words(values: pa.Array) -> pa.Array:
    """Fold, and leave only letters and digits with one space between the words."""
    values = pc.replace_substring_regex(fold(values), MARKS, "")
    values = pc.replace_substring_regex(values, r"[^\p{L}\p{N}]+", " ")
    return pc.utf8_trim(values, " ")


INSIDE_NAMES = r"[\p{L}][01358]|[01358][\p{L}]"
TAKEN_FOR = (("0", "o"), ("1", "l"), ("5", "s"), ("8", "b"), ("3", "e"))


def letters(values: pa.Array) -> pa.Array:
    """Read digits inside of names as the letters that they are taken for."""
    wrong = pc.fill_null(pc.match_substring_regex(values, INSIDE_NAMES), fill_value=False)
    if not pc.any(wrong).as_py():
        return values
    changed = values.filter(wrong)
    for digit, letter in TAKEN_FOR:
        changed = pc.replace_substring(changed, digit, letter)
    return pc.replace_with_mask(values, wrong, changed)


def empty_as_null(values: pa.Array) -> pa.Array:
    """Make empty text no value."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def encode(column: pa.ChunkedArray | pa.Array) -> Coded:
    """Number the distinct values of a column of text."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Coded(codes.astype(np.int32, copy=False), encoded.dictionary)


def texts_of(column: Coded) -> Any:
    """Give the distinct values as an array of objects."""
    return column.values.to_numpy(zero_copy_only=False)


def recode(column: Coded, values: pa.Array) -> Coded:
    """Replace the distinct values, each by one text or by none, and number them anew."""
    again = encode(empty_as_null(values))
    table = np.append(again.codes, np.int32(-1))
    return Coded(table[column.codes], again.values)


def look_up(table: NDArray[Any], codes: Codes, missing: int = -1) -> NDArray[Any]:
    """Read what a table has for each code, and `missing` for -1."""
    return np.append(table, table.dtype.type(missing))[codes]


def beside(columns: Sequence[Coded]) -> Coded:
    """Make one column with several values a record of several, none of them twice."""
    if not columns:
        return Coded(np.empty((0, 1), np.int32), pa.array([], pa.string()))
    joined = pa.concat_arrays([one.values for one in columns])
    numbers = encode(joined)
    offset, parts = 0, []
    for one in columns:
        size = len(one.values)
        parts.append(look_up(numbers.codes[offset : offset + size], one.codes))
        offset += size
    return Coded(compact(np.stack(parts, axis=1)), numbers.values)


def first_of(columns: Sequence[Coded], count: int) -> Coded:
    """Make one column of several: the first value that a record has; empty if there are none."""
    if not columns:
        return Coded(np.full(count, -1, np.int32), pa.array([], pa.string()))
    return reduce(filled, columns)


def filled(column: Coded, other: Coded) -> Coded:
    """Fill what a column lacks from another one."""
    instead = np.where(other.codes < 0, -1, other.codes + len(column.values))
    again = encode(pa.concat_arrays([column.values, other.values]))
    codes = np.where(column.codes < 0, instead, column.codes)
    return Coded(look_up(again.codes, codes), again.values)


def part_of(values: pa.Array, pattern: str) -> pa.Array:
    """Give what a pattern's group `it` matches in each text, or nothing."""
    return pc.struct_field(pc.extract_regex(values, pattern), "it")


def letters_of(values: pa.Array) -> NDArray[np.uint64]:
    """Of each text give its letters and digits as bits, to see at once what can't be alike.

    Letters of other scripts have none, so that no two of their texts are ruled out.
    """
    _, offsets, data = values.buffers()
    if not len(values) or data is None:
        return np.zeros(len(values), np.uint64)
    edges = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    raw = np.frombuffer(data, np.uint8)
    result = np.zeros(len(values), np.uint64)
    for start in range(0, len(values), _AT_ONCE):
        some = edges[start : start + _AT_ONCE + 1]
        sizes = np.diff(some)
        filled = sizes > 0
        bits = _BITS[raw[some[0] : some[-1]]]
        found = np.bitwise_or.reduceat(bits, (some[:-1] - some[0])[filled]) if filled.any() else 0
        result[start : start + len(sizes)][filled] = found
    return result


def compact(codes: Codes) -> Codes:
    """Move each record's values to the left, drop repeated ones and columns without a value."""
    if codes.shape[1] > 1:
        codes = -np.sort(-codes, axis=1)
        codes[:, 1:][codes[:, 1:] == codes[:, :-1]] = -1
        codes = -np.sort(-codes, axis=1)
    used = int((codes >= 0).any(axis=0).sum())
    return np.ascontiguousarray(codes[:, : max(used, 1)])


# Names

SUFFIXES = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "iii": "iii",
             "iv": "iv", "2nd": "ii", "3rd": "iii"}  # fmt: skip
SUFFIX = r"^(?P<name>.+?) (?P<suffix>" + "|".join(SUFFIXES) + r")$"
TITLES = r"^(?:(?:mr|mrs|ms|miss|dr|prof|sir|herr|frau|sr|sra|mme|mlle)\s)+(.)"


def suffixes(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Split cleaned names from the suffix that follows them, as jr of `adams jr`."""
    found = pc.extract_regex(values, SUFFIX)
    names = pc.coalesce(pc.struct_field(found, "name"), values)
    keys, wanted = pa.array(list(SUFFIXES)), pa.array(list(SUFFIXES.values()))
    suffix = wanted.take(pc.index_in(pc.struct_field(found, "suffix"), keys))
    return names, suffix


def without_titles(values: pa.Array) -> pa.Array:
    """Drop titles before cleaned names."""
    return pc.replace_substring_regex(values, TITLES, r"\1")


# Dates, as eight half-bytes of year, month and day; 0 where a part is unknown.

_YEAR_FIRST = re.compile(r"^(\d{4})[-/. ]?(\d{1,2})[-/. ]?(\d{1,2})(?:\D.*)?$")
_YEAR_LAST = re.compile(r"^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d\d)(?:[T ,].*)?$")
_YEAR = re.compile(r"^(\d{4})$")
_IN_WORDS = re.compile(
    r"^(?:(\d{1,2})[^a-z0-9]*(?:de )?([a-z]{3,})|([a-z]{3,})[^a-z0-9]*(\d{1,2}))"
    r"[^0-9]*?(\d{4}|\d\d)$"
)
# How months begin in English, German, French, Spanish, Portuguese, Italian and Dutch.
_BEGINNINGS = (
    "jan ene gen", "feb fev", "mar mae mrt maa", "apr avr abr", "may mai mag mei", "jun juin giu",
    "jul juil lug", "aug aou ago", "sep set", "oct okt out ott", "nov", "dec dez dic",
)  # fmt: skip
_MONTHS = {begin: month for month, some in enumerate(_BEGINNINGS, 1) for begin in some.split(" ")}
_TOP_MONTH, _TOP_DAY = 12, 31
_THIS_YEAR = gmtime().tm_year


def days_come_first(texts: Sequence[str]) -> bool:
    """Tell from the dates of one column whether days or months come first."""
    found = [_YEAR_LAST.match(in_digits(text)) for text in texts]
    days_first = sum(int(it[1]) > _TOP_MONTH for it in found if it)
    months_first = sum(int(it[2]) > _TOP_MONTH for it in found if it)
    return days_first > months_first


def date(text: str, *, days_first: bool) -> int:
    """Read a date as half-bytes; 0 if it is none."""
    text = in_digits(text)
    return _date(text, _YEAR_LAST.match(text), swap=days_first)


def in_digits(text: str) -> str:
    """Write a date in digits: the name of a month, and what stands for year, month and day."""
    text = text.strip()
    if not text.isascii():
        text = latin(re.sub("[年月]", "-", text).replace("日", "").strip("-").lower())
    if any(map(str.isalpha, text)) and (one := _IN_WORDS.match(text.lower())):
        name = one[2] or one[3]
        month = _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])
        if month:
            return f"{_whole_year(one[5])}-{month:02d}-{int(one[1] or one[4]):02d}"
    return text


def _whole_year(year: str) -> int:
    """Give the whole year of two digits: people are not born in the future."""
    if len(year) > 2:  # noqa: PLR2004  (digits)
        return int(year)
    century, past = divmod(_THIS_YEAR, 100)
    return int(year) + 100 * (century - (int(year) > past))


def _date(text: str, last: re.Match[str] | None, *, swap: bool) -> int:
    if last:
        first, second, year = int(last[1]), int(last[2]), _whole_year(last[3])
        # Where dates are written with dots, days come first.
        month, day = (second, first) if swap or "." in text else (first, second)
        if month > _TOP_MONTH >= day:
            month, day = day, month
    elif one := _YEAR_FIRST.match(text):
        year, month, day = (int(it) for it in one.groups())
    elif one := _YEAR.match(text):
        year, month, day = int(one[1]), 0, 0
    else:
        return 0
    if month > _TOP_MONTH or day > _TOP_DAY:
        return 0
    return int(f"{year:04d}{month:02d}{day:02d}", 16)


# Phones, as half-bytes of the last nine digits of the national number.

JUNK_DIGITS = r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|0?123456789\d?|9876543210?)$"
KEPT_DIGITS = 9
NO_PHONE = r"[@\p{L}]"
"""What a number in a column of e-mail addresses does not have."""
FEWEST_DIGITS = 6


@cache
def phone_steps() -> tuple[tuple[str, str], ...]:
    """Give what leads from a phone number in lower case to its national digits, in order."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    codes = sorted(map(str, COUNTRY_CODE_TO_REGION_CODE), key=len, reverse=True)
    return (
        (r"(?:ext|x|#|;).*$", ""),
        (r"[^0-9+]", ""),
        (r"^(?:\+|00)(?:" + "|".join(codes) + r")(.{6})", r"\1"),
        (r"\+", ""),
        (r"^1(\d{10})$", r"\1"),
        (r"^0*", ""),
    )


def phones(values: pa.Array) -> pa.Array:
    """Give the national digits of phone numbers; none where there are too few or junk."""
    values = fold(values)
    for pattern, instead in phone_steps():
        values = pc.replace_substring_regex(values, pattern, instead)
    long = pc.greater_equal(pc.binary_length(values), FEWEST_DIGITS)
    good = pc.and_(long, pc.invert(pc.match_substring_regex(values, JUNK_DIGITS)))
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


def half_bytes(digits: pa.Array) -> NDArray[np.uint64]:
    """Pack the last nine digits of texts of digits, four bits each."""
    last = pc.utf8_slice_codeunits(digits, -KEPT_DIGITS)
    numbers = pc.cast(last, pa.int64()).to_numpy(zero_copy_only=False).astype(np.uint64)
    packed = np.zeros(len(numbers), np.uint64)
    for place in range(KEPT_DIGITS):
        packed |= (numbers % np.uint64(10)) << np.uint64(4 * place)
        numbers //= np.uint64(10)
    return packed


# E-mail

PLUS_TAG, EMAIL = r"\+[^@]*@", r"^[^@]+@[^@]+$"


def emails(values: pa.Array) -> pa.Array:
    """Give e-mail addresses in lower case without a plus tag; none where there is no @."""
    values = pc.replace_substring_regex(fold(values), r"\s+", "")
    values = pc.replace_substring_regex(values, PLUS_TAG, "@")
    good = pc.match_substring_regex(values, EMAIL)
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


def split_emails(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Split into local part, without dots and underscores, and domain."""
    parts = pc.extract_regex(values, r"^(?P<local>[^@]+)@(?P<domain>.+)$")
    local = pc.replace_substring_regex(pc.struct_field(parts, "local"), r"[._-]", "")
    return local, pc.struct_field(parts, "domain")

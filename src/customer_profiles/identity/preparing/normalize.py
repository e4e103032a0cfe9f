"""Normalize values for comparison, a whole column at a time.

A column is dictionary-encoded: a list of its distinct values, and one code for each record. Text is
normalized once for each distinct value, not once for each record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache, reduce
from hashlib import blake2b
from itertools import pairwise
from time import gmtime, strftime, time
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute

from customer_profiles.identity.scripts import eastern
from customer_profiles.identity.scripts.letters import latin, letters_of_names, without_invisible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Codes, Integers, Texts

pc: Any = pyarrow.compute
"""Arrow's compute functions; it creates them at import, so that type checkers cannot see them."""

_Scalar = TypeVar("_Scalar", bound=np.generic)

MARKS = r"['\x{2019}`\x{b4}.]"
"""Characters that do not separate words: `O'Neil` is one word."""
_CHUNK = 200_000
_HASHED = 16_384
"""How many texts are hashed at once: their bytes fit in the cache."""
LETTERS = {letter: 1 << bit for bit, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789")}
"""A bit for each letter and digit."""
_BITS = np.zeros(256, np.uint64)
_BASE, _INVERSE = np.uint64(0x9E3779B97F4A7C15), np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_BYTES = np.random.default_rng(0).integers(1, 1 << 63, 256, np.uint64)
"""A number for each byte, of which hashes of texts are made."""
_BITS[[ord(letter) for letter in LETTERS]] = list(LETTERS.values())


@dataclass(frozen=True, slots=True)
class DatasetStatistics:
    """What only a whole dataset shows, for reading a single record; texts are stored as hashes."""

    days_first: bool = False
    """Whether the day comes before the month in ambiguous dates."""
    stop_words: frozenset[int] = frozenset()
    """Words that are too common in street names to identify a street."""
    junk: frozenset[int] = frozenset()
    """E-mail addresses, phone numbers and identifiers that are placeholders."""
    given_words: frozenset[int] = frozenset()
    """Words that are mostly given names; empty if the records have no misplaced names."""
    family_words: frozenset[int] = frozenset()
    """Words that are mostly family names; empty if the records have no misplaced names."""


@dataclass(frozen=True, slots=True)
class BatchStatistics(DatasetStatistics):
    """What the preparation of a batch of records has to know of the whole dataset."""

    given_names: dict[str, int] = field(default_factory=dict)
    """How many records have each formal given name."""
    scripts: frozenset[int] = frozenset()
    """The scripts of names."""


@dataclass(slots=True)
class Coded:
    """A dictionary-encoded column of text."""

    codes: Codes
    """Of shape (records,) or (records, values)."""
    values: pa.StringArray
    """The distinct values."""


@lru_cache(100_000)
def hash_of(text: str) -> int:
    """Return a hash of 62 bits of a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 2


def fold(values: pa.Array, letters: Callable[[str], str] = latin) -> pa.Array:
    """Convert text to lower case and to Latin letters without accents.

    Args:
        values: the text.
        letters: what to do with text that is not ASCII: `latin`, or `letters_of_names`.
    """
    return replace_special(pc.utf8_lower(values), letters)


def replace_special(values: pa.Array, replacement: Callable[[str], str]) -> pa.Array:
    """Replace the texts that are not ASCII."""
    special = pc.fill_null(pc.invert(pc.string_is_ascii(values)), fill_value=False)
    if not pc.any(special).as_py():
        return values
    replaced = [replacement(text) for text in values.filter(special).to_pylist()]
    return pc.replace_with_mask(values, special, pa.array(replaced, pa.string()))


def words(values: pa.Array, letters: Callable[[str], str] = latin) -> pa.Array:
    """Fold text and keep only its letters and digits, with one space between words."""
    values = pc.replace_substring_regex(fold(values, letters), MARKS, "")
    values = pc.replace_substring_regex(values, r"[^\p{L}\p{N}]+", " ")
    return pc.utf8_trim(values, " ")


def words_of_names(values: pa.Array) -> pa.Array:
    """Fold names, but keep the letters of scripts in which names are compared."""
    values = words(values, letters_of_names)
    has_tones = pc.fill_null(pc.match_substring_regex(values, eastern.TONES), fill_value=False)
    if not pc.any(has_tones).as_py():
        return values
    return pc.replace_with_mask(
        values, has_tones, pc.replace_substring_regex(values.filter(has_tones), r"\d", "")
    )


INSIDE_NAMES = r"[\p{L}][01358]|[01358][\p{L}]"
"""A digit next to a letter, as in `C0nnor`."""
LOOK_ALIKES = (("0", "o"), ("1", "l"), ("5", "s"), ("8", "b"), ("3", "e"))


def without_digits(values: pa.Array) -> pa.Array:
    """Replace digits inside names by the letters that look like them."""
    wrong = pc.fill_null(pc.match_substring_regex(values, INSIDE_NAMES), fill_value=False)
    if not pc.any(wrong).as_py():
        return values
    changed = values.filter(wrong)
    for digit, letter in LOOK_ALIKES:
        changed = pc.replace_substring(changed, digit, letter)
    return pc.replace_with_mask(values, wrong, changed)


def empty_as_null(values: pa.Array) -> pa.Array:
    """Replace empty text by null."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def encode(column: pa.ChunkedArray | pa.Array) -> Coded:
    """Dictionary-encode a column of text."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_string(column.type) and not pa.types.is_dictionary(column.type):
        column = pc.cast(column, pa.string())
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Coded(codes.astype(np.int32, copy=False), encoded.dictionary)


def encode_visible(column: pa.ChunkedArray | pa.Array) -> Coded:
    """Dictionary-encode a column as it was read, without the characters that are invisible."""
    encoded = encode(column)
    visible = replace_special(encoded.values, without_invisible)
    return encoded if visible.equals(encoded.values) else recode(encoded, visible)


def texts_of(column: Coded) -> Texts:
    """Return the distinct values as an array of objects."""
    texts: Texts = column.values.to_numpy(zero_copy_only=False)
    return texts


def recode(column: Coded, values: pa.Array) -> Coded:
    """Replace the distinct values, each by one text or by none, and encode them again."""
    encoded = encode(empty_as_null(values))
    return Coded(look_up(encoded.codes, column.codes), encoded.values)


def look_up(table: NDArray[_Scalar], codes: Integers, missing: int = -1) -> NDArray[_Scalar]:
    """Return the table's entry of each code, and `missing` for -1."""
    return np.append(table, table.dtype.type(missing))[codes]


def share_values(columns: Sequence[Coded]) -> tuple[list[Codes], pa.StringArray]:
    """Encode columns over one list of distinct values: return the codes of each, and the values."""
    encoded = encode(pa.concat_arrays([column.values for column in columns]))
    edges = np.cumsum([0, *(len(column.values) for column in columns)]).tolist()
    codes = [
        look_up(encoded.codes[start:end], column.codes)
        for column, (start, end) in zip(columns, pairwise(edges), strict=True)
    ]
    return codes, encoded.values


def merge(columns: Sequence[Coded]) -> Coded:
    """Merge columns into one with several distinct values for each record."""
    if not columns:
        return Coded(np.empty((0, 1), np.int32), pa.array([], pa.string()))
    codes, values = share_values(columns)
    return Coded(compact(np.stack(codes, axis=1)), values)


def first_of(columns: Sequence[Coded], count: int) -> Coded:
    """Merge columns into one with the first value that each record has."""
    if not columns:
        return Coded(np.full(count, -1, np.int32), pa.array([], pa.string()))
    return reduce(fill, columns)


def fill(column: Coded, other: Coded) -> Coded:
    """Fill the missing values of a column from another column."""
    (codes, other_codes), values = share_values((column, other))
    return Coded(np.where(codes < 0, other_codes, codes), values)


def part_of(values: pa.Array, pattern: str) -> pa.Array:
    """Return what the group `part` of a pattern matches in each text, null if nothing."""
    return pc.struct_field(pc.extract_regex(values, pattern), "part")


def letters_of(values: pa.Array) -> NDArray[np.uint64]:
    """Return each text's letters and digits as a bit set, which shows quickly which texts differ.

    Characters of other scripts set no bit, so that none of their texts is ruled out.
    """
    _, offsets, data = values.buffers()
    if not len(values) or data is None:
        return np.zeros(len(values), np.uint64)
    edges = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    raw = np.frombuffer(data, np.uint8)
    result = np.zeros(len(values), np.uint64)
    for start in range(0, len(values), _CHUNK):
        chunk = edges[start : start + _CHUNK + 1]
        sizes = np.diff(chunk)
        filled = sizes > 0
        if filled.any():
            bits = _BITS[raw[chunk[0] : chunk[-1]]]
            starts = (chunk[:-1] - chunk[0])[filled]
            result[start : start + len(sizes)][filled] = np.bitwise_or.reduceat(bits, starts)
    return result


def hashes_of(values: pa.StringArray) -> NDArray[np.uint64]:
    """Return a hash of each text, the same in every process; faster than `hash_of` for each."""
    _, offsets, data = values.buffers()
    result = np.zeros(len(values), np.uint64)
    if not len(values) or data is None:
        return result
    edges = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    raw = np.frombuffer(data, np.uint8)
    begins = np.arange(0, len(values), _HASHED)
    longest = int((edges[np.minimum(begins + _HASHED, len(values))] - edges[begins]).max())
    # A polynomial of the bytes, whose powers are counted from the beginning of the chunk.
    powers, inverses = (np.cumprod(np.full(longest, base)) for base in (_BASE, _INVERSE))
    for start in begins.tolist():
        chunk = edges[start : start + _HASHED + 1]
        sizes = np.diff(chunk)
        filled = sizes > 0
        if filled.any():
            starts = (chunk[:-1] - chunk[0])[filled]
            terms = _BYTES[raw[chunk[0] : chunk[-1]]]
            terms *= powers[: len(terms)]
            inverse = inverses[starts]
            result[start : start + len(sizes)][filled] = np.add.reduceat(terms, starts) * inverse
    result ^= result >> np.uint64(32)
    result *= _BASE
    return result ^ (result >> np.uint64(29))


def compact(codes: Codes) -> Codes:
    """Move each record's values to the left, and drop repeated values and empty columns."""
    if codes.shape[1] > 1:
        codes = -np.sort(-codes, axis=1)
        codes[:, 1:][codes[:, 1:] == codes[:, :-1]] = -1
        codes = -np.sort(-codes, axis=1)
    used = int((codes >= 0).any(axis=0).sum())
    return np.ascontiguousarray(codes[:, : max(used, 1)])


SUFFIXES = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "iii": "iii",
             "iv": "iv", "2nd": "ii", "3rd": "iii"}  # fmt: skip
SUFFIX = r"^(?P<name>.+?) (?P<suffix>" + "|".join(SUFFIXES) + r")$"
TITLES = r"^(?:(?:mr|mrs|ms|miss|dr|prof|sir|herr|frau|sr|sra|mme|mlle)\s)+(.)"


def split_suffixes(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Split cleaned names from their suffix, such as `jr` in `adams jr`."""
    parts = pc.extract_regex(values, SUFFIX)
    names = pc.coalesce(pc.struct_field(parts, "name"), values)
    written, standard = pa.array(list(SUFFIXES)), pa.array(list(SUFFIXES.values()))
    suffixes = standard.take(pc.index_in(pc.struct_field(parts, "suffix"), written))
    return names, suffixes


def without_titles(values: pa.Array) -> pa.Array:
    """Remove titles from the beginning of cleaned names."""
    return pc.replace_substring_regex(values, TITLES, r"\1")


_YEAR_FIRST = re.compile(r"^(\d{4})([-/. ]?)(\d{1,2})\2(\d{1,2})(?:\D.*)?$")
_YEAR_LAST = re.compile(r"^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d\d)(?:[T ,].*)?$")
_YEAR = re.compile(r"^(\d{4})$")
_IN_WORDS = re.compile(
    r"^(?:(\d{1,2})[^a-z0-9]*(?:de )?([a-z]{3,})|([a-z]{3,})[^a-z0-9]*(\d{1,2}))"
    r"[^0-9]*?(\d{4}|\d\d)$"
)
# Names of months in English, German, French, Spanish, Portuguese, Italian and Dutch, abbreviated.
_MONTH_NAMES = (
    "jan ene gen", "feb fev", "mar mae mrt maa", "apr avr abr", "may mai mag mei", "jun juin giu",
    "jul juil lug", "aug aou ago", "sep set", "oct okt out ott", "nov", "dec dez dic",
)  # fmt: skip
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split(" ")}
_LAST_MONTH, _LAST_DAY = 12, 31
_MAX_DATE_LENGTH = 64
_THIS_YEAR = gmtime().tm_year
_PLACEHOLDERS = (0, 1, 9999)
_FEWEST_OF_DATE, _MOST_OF_DATE, _MOST_OTHERS = 6, 11, 2
EARLY = 0x19000000
# A day later than here: it may be tomorrow elsewhere.
LATE = int(strftime("%Y%m%d", gmtime(time() + 86_400)), 16)
"""Birth dates before and after these are usually wrong."""


def days_come_first(texts: Sequence[str]) -> bool:
    """Return whether the day comes before the month in the dates of a column."""
    return sum(map(order_of_day, texts)) > 0


def order_of_day(text: str) -> int:
    """Return 1 if the day comes before the month in a date, -1 if after it, 0 if both may be."""
    if match := _YEAR_LAST.match(_in_digits(text)):
        return (int(match[1]) > _LAST_MONTH) - (int(match[2]) > _LAST_MONTH)
    return 0


_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def dates(values: pa.Array, *, days_first: bool | None = None) -> tuple[bool, NDArray[np.uint32]]:
    """Parse dates.

    Args:
        values: the dates.
        days_first: whether days come before months; by default this is found in the dates.

    Returns:
        Whether days come before months, and of each text what `date` returns.
    """
    is_iso = pc.match_substring_regex(values, _ISO_DATE)
    others = values.filter(pc.invert(is_iso)).to_pylist()
    first = days_come_first(others) if days_first is None else days_first
    result = np.zeros(len(values), np.uint32)
    mask = is_iso.to_numpy(zero_copy_only=False)
    result[~mask] = [date(text, days_first=first) for text in others]
    found = bcd(pc.replace_substring(values.filter(is_iso), "-", "")).astype(np.uint32)
    month, day = found >> 8 & 0xFF, found & 0xFF
    good = (month <= _bcd(_LAST_MONTH)) & (day <= _bcd(_LAST_DAY))
    good &= ~np.isin(found >> 16, [_bcd(year) for year in _PLACEHOLDERS])
    result[mask] = np.where(good, found, 0)
    return first, result


def _bcd(number: int) -> int:
    """Return a number whose hexadecimal digits are the decimal ones of another."""
    return int(str(number), 16)


def date(text: str, *, days_first: bool) -> int:
    """Parse a date.

    Args:
        text: the date, in digits or with the month's name.
        days_first: whether the day comes before the month where both are possible.

    Returns:
        The date as BCD, such as 0x19800301; month and day are 0 if only the year is known, and the
        whole is 0 if the text is not a date, or is the first or the last year of databases, 1 and
        9999, which stand for unknown dates.
    """
    text = _in_digits(text)
    if match := _YEAR_LAST.match(text):
        first, second, year = int(match[1]), int(match[2]), _full_year(match[3])
        # In dates that are written with dots, the day comes first.
        month, day = (second, first) if days_first or "." in text else (first, second)
        if month > _LAST_MONTH >= day:
            month, day = day, month
    elif match := _YEAR_FIRST.match(text):
        year, month, day = map(int, match.group(1, 3, 4))
    elif _YEAR.match(text):
        year, month, day = int(text), 0, 0
    else:
        return 0
    if month > _LAST_MONTH or day > _LAST_DAY or year in _PLACEHOLDERS:
        return 0
    return int(f"{year:04d}{month:02d}{day:02d}", 16)


def damaged_date(text: str, *, days_first: bool) -> int:
    """Return the digits of a text that typing errors made unreadable as a date, as BCD.

    The digits are in the order of `date`, so that they can be compared with those of dates; 0 if
    there are too few or too many, or too many other characters.
    """
    groups = re.findall(r"[0-9]+", text)
    digits = "".join(groups)
    others = len(text) - len(digits) - sum(map(text.count, "-/. "))
    if not _FEWEST_OF_DATE <= len(digits) <= _MOST_OF_DATE or others > _MOST_OTHERS:
        return 0
    if len(groups) == 3 and len(groups[0]) < 3 <= len(groups[2]):  # noqa: PLR2004  (parts, digits)
        day, month, year = groups if days_first or "." in text else (groups[i] for i in (1, 0, 2))
        digits = year + month.zfill(2) + day.zfill(2)
    if int(digits[:4]) in _PLACEHOLDERS or re.search(JUNK_DIGITS, digits):
        return 0
    return int(digits[:8], 16)


def _in_digits(text: str) -> str:
    """Rewrite a date with a month's name, or with Chinese characters, in digits."""
    text = text.strip()
    if not text.isascii():
        text = latin(re.sub("[年月]", "-", text).replace("日", "").strip("-").lower())
    # The pattern is quadratic, and a longer text is no date.
    is_short = len(text) <= _MAX_DATE_LENGTH
    # Only texts with letters differ in case.
    lower = text.lower()
    if is_short and lower != text.upper() and (match := _IN_WORDS.match(lower)):
        name = match[2] or match[3]
        month = _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])
        if month:
            return f"{_full_year(match[5])}-{month:02d}-{int(match[1] or match[4]):02d}"
    return text


def _full_year(year: str) -> int:
    """Return a year with its century; years of two digits are not in the future."""
    if len(year) > 2:  # noqa: PLR2004  (digits)
        return int(year)
    century, this_year = divmod(_THIS_YEAR, 100)
    return int(year) + 100 * (century - (int(year) > this_year))


JUNK_DIGITS = r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|0?123456789\d?|9876543210?)$"
KEPT_DIGITS = 9
NO_PHONE = r"[@\p{L}]"
"""Matches values of an e-mail column that are not phone numbers."""
FEWEST_DIGITS = 6


@cache
def phone_steps() -> tuple[tuple[str, str], ...]:
    """Return the substitutions that reduce a phone number in lower case to its national digits."""
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
    """Return the national digits of phone numbers; null if they are too few or junk."""
    values = fold(values)
    for pattern, replacement in phone_steps():
        values = pc.replace_substring_regex(values, pattern, replacement)
    long = pc.greater_equal(pc.binary_length(values), FEWEST_DIGITS)
    good = pc.and_(long, pc.invert(pc.match_substring_regex(values, JUNK_DIGITS)))
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


def bcd(digits: pa.Array) -> NDArray[np.uint64]:
    """Pack the last nine of each text's digits as BCD, four bits each."""
    last = pc.utf8_slice_codeunits(digits, -KEPT_DIGITS)
    numbers = pc.cast(last, pa.int64()).to_numpy(zero_copy_only=False).astype(np.uint64)
    packed = np.zeros(len(numbers), np.uint64)
    for position in range(KEPT_DIGITS):
        packed |= (numbers % np.uint64(10)) << np.uint64(4 * position)
        numbers //= np.uint64(10)
    return packed


PLUS_TAG, EMAIL = r"\+[^@]*@", r"^[^@]+@[^@]+$"


def emails(values: pa.Array) -> pa.Array:
    """Return e-mail addresses in lower case without a plus tag; null if there is no @."""
    values = pc.replace_substring_regex(fold(values), r"\s+", "")
    values = pc.replace_substring_regex(values, PLUS_TAG, "@")
    good = pc.match_substring_regex(values, EMAIL)
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


def split_emails(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Split e-mail addresses into local part, without dots, underscores and hyphens, and domain."""
    parts = pc.extract_regex(values, r"^(?P<local>[^@]+)@(?P<domain>.+)$")
    local = pc.replace_substring_regex(pc.struct_field(parts, "local"), r"[._-]", "")
    return local, pc.struct_field(parts, "domain")

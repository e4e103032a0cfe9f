"""The records of one resolution, ready to be blocked and compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import normalize
from .columns import kind_of, line_of, place_of
from .normalize import Coded, compact, encode, look_up, recode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from .columns import Kind

Columns = dict[str, pa.Array]
_NAME_KINDS: tuple[Kind, ...] = ("given_name", "middle_name", "family_name", "full_name")
_KINDS_OF: dict[str, tuple[Kind, ...]] = {
    "given name": ("given_name", "full_name"),
    "middle name": ("middle_name", "full_name"),
    "family name": ("family_name", "full_name"),
    "suffix": ("family_name", "full_name"),
    "birth date": ("birth_date",),
    "gender": ("gender",),
    "email": ("email",),
    "phone": ("phone",),
    "street": ("street",),
    "place": ("postal_code", "city"),
}
_STOP_SHARE = 0.02
_FORMAL = 5
_JUNK_COUNT = 10
_JUNK_SHARE = 0.5


@dataclass(slots=True)
class Names:
    """Given, middle and family names, all numbers into one list of names."""

    given: Any
    middle: Any
    family: Any
    suffix: Any
    values: pa.StringArray
    text: NDArray[Any]
    first_word: Any
    last_word: Any
    sound: Any
    initial: Any
    length: Any
    letters: Any
    canonical: Any
    """Of each name, up to three numbers of the names it is a nickname of, or itself."""


@dataclass(slots=True)
class Addresses:
    """Up to four addresses a record: arrays of shape (records, addresses)."""

    street: Any
    number: Any
    core: Any
    city: Any
    state: Any
    postal: Any
    street_text: NDArray[Any]
    core_text: NDArray[Any]
    core_letters: Any
    city_text: NDArray[Any]
    postal_text: NDArray[Any]
    first_word: Any
    line: Any
    """Number and core as one number: what makes two streets the same."""


@dataclass(slots=True)
class Values:
    """Values that are compared as they are: of shape (records, values)."""

    codes: Any
    text: NDArray[Any]
    packed: Any = None
    local: Any = None
    domain: Any = None
    letters: Any = None
    distinctive: Any = None


@dataclass(slots=True)
class Prepared:
    """The records as numbers."""

    count: int
    names: Names | None = None
    birth: Any = None
    """uint32: half-bytes of year, month and day; 0 where unknown."""
    gender: Any = None
    emails: Values | None = None
    phones: Values | None = None
    addresses: Addresses | None = None
    identifiers: dict[str, Values] = field(default_factory=dict)
    texts: dict[str, Values] = field(default_factory=dict)
    by_kind: dict[str, list[str]] = field(default_factory=dict)
    """The columns of each kind."""

    def columns_of(self, attribute: str) -> list[str]:
        """Give the columns that an attribute's values come from."""
        kinds = _KINDS_OF.get(attribute)
        if kinds is None:
            return [attribute]
        return [name for kind in kinds for name in self.by_kind.get(kind, ())]


def prepare(columns: Columns, kinds: Mapping[str, Kind], pool: Executor) -> Prepared:
    """Normalise all columns, several at a time."""
    count = len(next(iter(columns.values()))) if columns else 0
    by_kind: dict[str, list[str]] = {}
    for name, column in columns.items():
        kind = kinds.get(name) or kind_of(name)
        if kind != "ignored" and column.null_count < count:
            by_kind.setdefault(kind, []).append(name)

    def of(*wanted: Kind) -> list[list[Coded]]:
        return [[encode(columns[name]) for name in by_kind.get(kind, ())] for kind in wanted]

    names = pool.submit(lambda: _names(*of(*_NAME_KINDS), count))
    emails = pool.submit(lambda: _emails(*of("email")))
    phones = pool.submit(lambda: _phones(*of("phone")))
    addresses = pool.submit(lambda: _addresses(columns, by_kind, count))
    births = pool.submit(lambda: _births(*of("birth_date")))
    genders = pool.submit(lambda: _gender(*of("gender")))
    identifiers = {
        name: pool.submit(lambda name=name: _plain(encode(columns[name]), spaces=False))
        for name in by_kind.get("identifier", ())
    }
    texts = {
        name: pool.submit(lambda name=name: _plain(encode(columns[name]), spaces=True))
        for name in by_kind.get("text", ())
    }
    prepared = Prepared(
        count, names.result(), births.result(), genders.result(), emails.result(),
        phones.result(), addresses.result(),
        {name: one.result() for name, one in identifiers.items()},
        {name: one.result() for name, one in texts.items() if len(one.result().text) > 1},
        by_kind,
    )  # fmt: skip
    _drop_junk(prepared)
    return prepared


def _text(values: pa.Array) -> NDArray[Any]:
    return values.to_numpy(zero_copy_only=False)


def letters_of(values: pa.Array) -> NDArray[np.uint64]:
    """Of each text the set of its letters and digits as bits, to see fast what can't be alike."""
    result = np.zeros(len(values), np.uint64)
    for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789"):
        has = pc.match_substring(values, letter).to_numpy(zero_copy_only=False)
        result |= has.astype(np.uint64) << np.uint64(place)
    return result


def _words_at(values: pa.Array, pattern: str) -> pa.Array:
    return pc.struct_field(pc.extract_regex(values, pattern), "it")


def _clean_names(column: Coded) -> Coded:
    return recode(column, normalize.without_titles(normalize.words(column.values)))


def _first_of(columns: list[Coded], count: int) -> Coded:
    if not columns:
        return Coded(np.full(count, -1, np.int32), pa.array([], pa.string()))
    if len(columns) == 1:
        return columns[0]
    joined = normalize.beside(columns)
    return Coded(np.ascontiguousarray(joined.codes[:, 0]), joined.values)


def _split_names(full: Coded) -> tuple[Coded, Coded, Coded]:
    comma = pc.replace_substring_regex(full.values, r"^([^,]+),\s*(.+)$", r"\2 \1")
    values = normalize.without_titles(normalize.words(comma))
    values, _ = normalize.suffixes(values)
    parts = pc.extract_regex(values, r"^(?P<g>\S+)(?: (?P<m>.+?))??(?: (?P<f>\S+))?$")
    return (recode(full, pc.struct_field(parts, "g")), recode(full, pc.struct_field(parts, "m")),
            recode(full, pc.struct_field(parts, "f")))  # fmt: skip


def _filled(column: Coded, other: Coded) -> Coded:
    codes = np.where(
        column.codes < 0,
        np.where(other.codes < 0, -1, other.codes + len(column.values)),
        column.codes,
    )
    again = encode(pa.concat_arrays([column.values, other.values]))
    return Coded(look_up(again.codes, codes), again.values)


def _names(
    given_columns: list[Coded],
    middle_columns: list[Coded],
    family_columns: list[Coded],
    full: list[Coded],
    count: int,
) -> Names | None:
    if not (given_columns or family_columns or full):
        return None
    given, middle, family = (
        _clean_names(_first_of(columns, count))
        for columns in (given_columns, middle_columns, family_columns)
    )
    if full:
        one, two, three = _split_names(_first_of(full, count))
        given, middle, family = _filled(given, one), _filled(middle, two), _filled(family, three)
    family_names, suffix = normalize.suffixes(family.values)
    suffix_codes = encode(suffix).codes
    suffix_of = look_up(suffix_codes, family.codes)
    family = recode(family, family_names)
    # A second word of a given name is a middle name, where there is none.
    second = recode(given, _words_at(given.values, r"^\S+ (?P<it>.+)$"))
    middle = _filled(middle, second)
    alone = pc.replace_substring_regex(given.values, r" .*$", "")
    given = recode(given, alone)
    vocabulary = encode(pa.concat_arrays([given.values, middle.values, family.values]))
    sizes = np.cumsum([0, len(given.values), len(middle.values), len(family.values)])
    of = [vocabulary.codes[a:b] for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
    values = vocabulary.values
    text = _text(values)
    first = encode(_words_at(values, r"^(?P<it>\S+)"))
    last = _words_at(values, r" (?P<it>\S+)$")
    both = encode(pa.concat_arrays([values, first.values.take(pa.array(first.codes)), last]))
    size = len(values)
    given_codes = look_up(of[0], given.codes)
    return Names(
        given_codes, look_up(of[1], middle.codes), look_up(of[2], family.codes),
        suffix_of, values, text,
        both.codes[size:2 * size], both.codes[2 * size:],
        encode(sound(values)).codes, encode(pc.utf8_slice_codeunits(values, 0, 1)).codes,
        pc.utf8_length(values).to_numpy(zero_copy_only=False).astype(np.uint8), letters_of(values), _canonicals(text, np.bincount(given_codes[given_codes >= 0], minlength=size)),
    )  # fmt: skip


def sound(values: pa.Array) -> pa.Array:
    """Give a key that names keep when they are misspelled: their first letter and consonants."""
    values = pc.replace_substring_regex(values, r"ph", "f")
    values = pc.replace_substring_regex(values, r"[ckq]+", "k")
    values = pc.replace_substring_regex(values, r"[sz]+", "s")
    first = pc.utf8_slice_codeunits(values, 0, 1)
    rest = pc.replace_substring_regex(pc.utf8_slice_codeunits(values, 1), r"[aeiouyhw ]+", "")
    for letter in "bdfgjklmnprstvx":
        rest = pc.replace_substring_regex(rest, letter + "+", letter)
    return pc.utf8_slice_codeunits(pc.binary_join_element_wise(first, rest, ""), 0, 5)


@cache
def _nicknames() -> dict[str, tuple[str, ...]]:
    """Give the formal names of each nickname."""
    from nicknames import name_triplets

    of: dict[str, set[str]] = {}
    for triplet in name_triplets():
        of.setdefault(triplet.name2, set()).add(triplet.name1)
    return {name: tuple(sorted(names)) for name, names in of.items()}


def _canonicals(text: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.int32]:
    """Of each name give itself and the formal names that it may stand for, the commonest first."""
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
    return result


def _births(columns: list[Coded]) -> NDArray[np.uint32] | None:
    if not columns:
        return None
    column = _first_of(columns, 0)
    return look_up(normalize.dates(column.values.to_pylist()), column.codes, 0)


def _gender(columns: list[Coded]) -> Any:
    if not columns:
        return None
    column = _first_of(columns, 0)
    return recode(column, pc.utf8_slice_codeunits(normalize.words(column.values), 0, 1)).codes


def _emails(columns: list[Coded]) -> Values | None:
    if not columns:
        return None
    coded = normalize.beside([recode(one, normalize.emails(one.values)) for one in columns])
    if not len(coded.values):
        return None
    local, domain = normalize.split_emails(coded.values)
    return Values(
        coded.codes,
        _text(coded.values),
        None,
        encode(local).codes,
        encode(domain).codes,
        letters_of(coded.values),
        pc.match_substring_regex(local, r"\d").to_numpy(zero_copy_only=False),
    )


def _phones(columns: list[Coded]) -> Values | None:
    if not columns:
        return None
    coded = normalize.beside([recode(one, normalize.phones(one.values)) for one in columns])
    if not len(coded.values):
        return None
    # Numbers that differ in what is before the last nine digits are one.
    packed = normalize.half_bytes(coded.values)
    distinct, of = np.unique(packed, return_inverse=True)
    codes = compact(look_up(of.astype(np.int32), coded.codes))
    return Values(codes, distinct, distinct)


def _plain(column: Coded, *, spaces: bool) -> Values:
    values = normalize.words(column.values)
    if not spaces:
        values = pc.replace_substring(values, " ", "")
    coded = recode(column, values)
    return Values(coded.codes.reshape(-1, 1), _text(coded.values), letters=letters_of(coded.values))


def _addresses(columns: Columns, by_kind: Mapping[str, list[str]], count: int) -> Addresses | None:
    places: dict[str, dict[str, list[str]]] = {}
    for kind in ("street", "city", "state", "postal_code"):
        for name in by_kind.get(kind, ()):
            places.setdefault(place_of(name), {}).setdefault(kind, []).append(name)
    if not places:
        return None

    def of(kind: str) -> tuple[Any, pa.Array]:
        parts = []
        for members in places.values():
            names = sorted(members.get(kind, ()), key=line_of)
            if kind == "street" and len(names) > 1:
                lines = [columns[name].fill_null("") for name in names]
                parts.append(
                    encode(
                        empty_as_null(pc.utf8_trim(pc.binary_join_element_wise(*lines, " "), " "))
                    )
                )
            else:
                parts.append(_first_of([encode(columns[name]) for name in names], count))
        joined = encode(pa.concat_arrays([one.values for one in parts]))
        offset, codes = 0, []
        for one in parts:
            codes.append(look_up(joined.codes[offset : offset + len(one.values)], one.codes))
            offset += len(one.values)
        return np.stack(codes, axis=1), joined.values

    empty_as_null = normalize.empty_as_null
    street = recode(Coded(*of("street")), normalize.words(Coded(*of("street")).values))
    city_codes, city_values = of("city")
    city = recode(Coded(city_codes, city_values), normalize.words(city_values))
    state_codes, state_values = of("state")
    state = recode(Coded(state_codes, state_values), normalize.words(state_values))
    postal_codes, postal_values = of("postal_code")
    postal = pc.replace_substring_regex(pc.utf8_lower(postal_values), r"[^a-z0-9]", "")
    postal = pc.replace_substring_regex(postal, r"^(\d{5})\d{4}$", r"\1")
    post = recode(Coded(postal_codes, postal_values), postal)
    number, core = street_parts(street)
    core_coded, number_coded = encode(core), encode(number)
    lines = np.stack([number_coded.codes, core_coded.codes], axis=1)
    # What has no number or no words is the same only if all of it is.
    half = (lines < 0).any(axis=1)
    lines[half] = np.stack([np.full(half.sum(), -2), np.flatnonzero(half)], axis=1)
    same_line = np.unique(lines, axis=0, return_inverse=True)[1].astype(np.int32)
    return Addresses(
        street.codes, look_up(number_coded.codes, street.codes), look_up(core_coded.codes, street.codes),
        city.codes, state.codes, post.codes,
        _text(street.values), _text(core_coded.values), letters_of(core_coded.values), _text(city.values), _text(post.values),
        encode(_words_at(core_coded.values, r"^(?P<it>\S+)")).codes, look_up(same_line, street.codes),
    )  # fmt: skip


def street_parts(street: Coded) -> tuple[pa.Array, pa.Array]:
    """Split streets into house number and words, without the words that most streets have."""
    values = street.values
    number = _words_at(values, r"(?:^| )(?P<it>\d+[a-z]?)(?: |$)")
    rest = pc.replace_substring_regex(values, r"\d+[a-z]?", " ")
    weights = np.bincount(street.codes[street.codes >= 0], minlength=len(values))
    counts: Counter[str] = Counter()
    lists = pc.utf8_split_whitespace(pc.utf8_trim(rest, " "))
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    tokens = encode(flat)
    totals = np.bincount(tokens.codes, weights=weights[parents], minlength=len(tokens.values))
    stop = tokens.values.filter(pa.array(totals > _STOP_SHARE * max(weights.sum(), 50)))
    kept = pc.invert(pc.is_in(flat, stop)) if len(stop) else pa.array(np.ones(len(flat), bool))
    kept = kept.to_numpy(zero_copy_only=False)
    parents, flat = parents[kept], flat.filter(pa.array(kept))
    offsets = np.searchsorted(parents, np.arange(len(values) + 1)).astype(np.int32)
    core = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), flat), " ")
    core = pc.if_else(pc.equal(core, ""), pc.utf8_trim(rest, " "), core)
    return number, normalize.empty_as_null(core)


def _drop_junk(prepared: Prepared) -> None:
    """Forget e-mails and phones that many people of different names have."""
    names = prepared.names
    if names is None:
        return
    for values in (prepared.emails, prepared.phones, *prepared.identifiers.values()):
        if values is None:
            continue
        counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.text))
        suspects = counts >= _JUNK_COUNT
        if not suspects.any():
            continue
        rows, places = np.nonzero((values.codes >= 0) & suspects[values.codes])
        codes = values.codes[rows, places]
        family = look_up(names.sound, names.family[rows])
        distinct = np.unique((codes.astype(np.int64) << 32) | (family + 1))
        kinds = np.bincount((distinct >> 32).astype(np.int64), minlength=len(values.text))
        junk = suspects & (kinds > _JUNK_SHARE * counts)
        values.codes[look_up(junk, values.codes, 0).astype(bool)] = -1

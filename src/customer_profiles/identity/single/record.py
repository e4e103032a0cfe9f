"""One record in the form in which it is compared: what `prepared` is for many, without arrays.

Arrays cost milliseconds before the first value is read. What is here does to one value what
`normalize`, `names` and `addresses` do to a column; a test holds the two equal.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.identity.columns import addresses, names, normalize
from customer_profiles.identity.columns.kinds import kind_of, line_of, place_of
from customer_profiles.identity.columns.misplaced import Split, Words
from customer_profiles.identity.columns.normalize import hash_of
from customer_profiles.identity.columns.reading import flat
from customer_profiles.identity.columns.scripts import latin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from customer_profiles.identity.columns.kinds import Kind
    from customer_profiles.identity.columns.normalize import DatasetStatistics

_CACHED = 100_000


class Place(NamedTuple):
    """One address."""

    street: str | None = None
    number: str | None = None
    core: str | None = None
    city: str | None = None
    state: str | None = None
    postal: str | None = None

    @property
    def line(self) -> tuple[str | None, ...] | None:
        """What makes two streets the same: number and core, or all of it if one is missing."""
        if self.street is None:
            return None
        return (self.number, self.core) if self.number and self.core else (self.street,)


class Record(NamedTuple):
    """One record, normalised."""

    given: str | None
    middle: str | None
    family: str | None
    suffix: str | None
    birth: int
    """Half-bytes of year, month and day; 0 where unknown."""
    gender: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    """The last nine digits of each."""
    places: tuple[Place, ...]
    others: Mapping[str, str]
    """Identifiers and texts, by column."""


def read(record: Mapping[str, Any], kinds: Mapping[str, Kind], facts: DatasetStatistics) -> Record:
    """Bring one record into the form in which it is compared.

    Args:
        record: its values by column; nested ones are read as `Address.City`.
        kinds: what columns hold whose names do not tell.
        facts: what the records told together that the model was estimated from.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for name, value in flat(record):
        if value:
            found.setdefault(kinds.get(name) or _kind_of(name), []).append((name, value))

    def of(kind: Kind) -> list[str]:
        return [value for _, value in found.get(kind, ())]

    given, middle, family, suffix = _names([of(kind) for kind in names.KINDS], facts)
    mail, numbers = of("email"), of("phone")
    emails = dict.fromkeys(email for one in (*mail, *numbers) if (email := _email(one)))
    numbers += [one for one in mail if not _NO_PHONE.search(one)]
    phones = dict.fromkeys(phone for one in numbers if (phone := _phone(one)))
    others = {name: plain for name, one in found.get("identifier", ()) if (plain := _joined(one))}
    junk = facts.junk
    if junk:
        emails = {one: None for one in emails if hash_of(one) not in junk}
        phones = {one: None for one in phones if hash_of(one) not in junk}
        others = {name: one for name, one in others.items() if hash_of(one) not in junk}
    others |= {name: plain for name, one in found.get("text", ()) if (plain := words(one))}
    births, genders = of("birth_date"), [words(one)[:1] for one in of("gender")]
    return Record(
        given,
        middle,
        family,
        suffix,
        normalize.date(births[0], days_first=facts.days_first) if births else 0,
        next(filter(None, genders), None),
        tuple(emails),
        tuple(phones),
        tuple(_places(found, facts)),
        others,
    )


_kind_of = cache(kind_of)
_place_of, _line_of = cache(place_of), cache(line_of)


# Text


@lru_cache(_CACHED)
def fold(text: str) -> str:
    """Do to one text what `normalize.fold` does to many."""
    return latin(text.lower())


_MARKS, _NO_WORD = re.compile("['\u2019`\xb4.]"), re.compile(r"[\W_]+")


@lru_cache(_CACHED)
def words(text: str) -> str:
    """Do to one text what `normalize.words` does to many."""
    return _NO_WORD.sub(" ", _MARKS.sub("", fold(text))).strip(" ")


def _joined(text: str) -> str:
    return words(text).replace(" ", "")


# Names

_TITLES, _SUFFIX = re.compile(normalize.TITLES), re.compile(normalize.SUFFIX)
_COMMA, _FULL = re.compile(names.COMMA), re.compile(names.FULL)
# Python has no classes of letters by property: what is a word's and no digit is a letter.
_APART, _INITIALS, _INSIDE_NAMES = (
    re.compile(one.replace(r"[\p{L}]", r"[^\W\d_]").replace(r"\p{L}", r"[^\W\d_]"))
    for one in (names.APART[0], names.INITIALS[0], normalize.INSIDE_NAMES)
)


def _names(
    columns: list[list[str]], facts: DatasetStatistics
) -> tuple[str | None, str | None, str | None, str | None]:
    given, middle, family, full = columns
    if family and full and not given:
        given, full = full, []
    first, second = (next(filter(None, map(_cleaned, some)), "") for some in (given, middle))
    last = _cleaned(" ".join(family)) if family else ""
    if facts.family_words and bool(first) != bool(last):
        whole, place = (given[0], 0) if first else (" ".join(family), 2)
        known = Words(facts.given_words, facts.family_words)
        if split := known.split(first or last, _split(whole), place):
            first, second, last = (one or "" for one in split)
    if full:
        of_full = _split(full[0])
        first, second = first or of_full.given or "", second or of_full.middle or ""
        last = last or of_full.family or ""
    suffix = None
    if ending := _SUFFIX.search(last):
        last, suffix = ending["name"], normalize.SUFFIXES[ending["suffix"]]
    first, _, rest = _INITIALS.sub(names.INITIALS[1], first).strip().partition(" ")
    return first or None, second or rest or None, last or None, suffix


def _split(text: str) -> Split:
    found = _FULL.search(_titleless(words(_COMMA.sub(r"\2 \1", text))))
    return Split(*found.group("given", "middle", "family")) if found else Split(None, None, None)


@lru_cache(_CACHED)
def _cleaned(text: str) -> str:
    text = words(_APART.sub(names.APART[1], text))
    if _INSIDE_NAMES.search(text):
        for digit, letter in normalize.TAKEN_FOR:
            text = text.replace(digit, letter)
    return _titleless(text)


def _titleless(text: str) -> str:
    return _TITLES.sub(r"\1", text)


# E-mail and phone

_SPACES, _PLUS_TAG = re.compile(r"\s+"), re.compile(normalize.PLUS_TAG)
_EMAIL = re.compile(normalize.EMAIL)
DIGIT = re.compile("[0-9]")


@lru_cache(_CACHED)
def _email(text: str) -> str | None:
    text = _PLUS_TAG.sub("@", _SPACES.sub("", fold(text)))
    return text if _EMAIL.search(text) else None


@lru_cache(_CACHED)
def split_email(email: str) -> tuple[str, str]:
    """Split into local part, without dots and underscores, and domain."""
    local, _, domain = email.partition("@")
    return re.sub(r"[._-]", "", local), domain


@cache
def _phone_steps() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(one), other) for one, other in normalize.phone_steps())


_JUNK = re.compile(normalize.JUNK_DIGITS)
_NO_PHONE = re.compile(normalize.NO_PHONE.replace(r"\p{L}", "") + r"|[^\W\d_]")


@lru_cache(_CACHED)
def _phone(text: str) -> str | None:
    text = fold(text)
    for pattern, instead in _phone_steps():
        text = pattern.sub(instead, text)
    if len(text) < normalize.FEWEST_DIGITS or _JUNK.search(text):
        return None
    return text[-normalize.KEPT_DIGITS :].rjust(normalize.KEPT_DIGITS, "0")


# Addresses

_NOT_PLAIN = re.compile(r"[\W_]+")
_PLUS_FOUR, _NUMBER, _NUMBERS = (
    re.compile(one) for one in (addresses.PLUS_FOUR, addresses.NUMBER, addresses.NUMBERS)
)


def _places(
    found: Mapping[str, list[tuple[str, str]]], facts: DatasetStatistics
) -> Iterable[Place]:
    parts: dict[str, dict[str, Any]] = {}
    for kind in ("street", "city", "state", "postal_code"):
        for name, value in found.get(kind, ()):
            parts.setdefault(_place_of(name), {}).setdefault(kind, []).append((name, value))
    for one in parts.values():
        lines = one.get("street", [])
        if len(lines) > 1:
            lines.sort(key=lambda line: _line_of(line[0]))
            if all(_line_of(name) == 1 for name, _ in lines):
                del lines[1:]
        street = words(" ".join(value for _, value in lines))
        city, state, postal = (
            next((value for _, value in one.get(kind, ())), "")
            for kind in ("city", "state", "postal_code")
        )
        number, core = _street(street, facts) if street else (None, None)
        postal = _PLUS_FOUR.sub(r"\1", _NOT_PLAIN.sub("", postal.lower()))
        yield Place(
            street or None, number, core, words(city) or None, words(state) or None, postal or None
        )


def _street(street: str, facts: DatasetStatistics) -> tuple[str | None, str | None]:
    number = _NUMBER.search(street)
    rest = _NUMBERS.sub(" ", street).split()
    core = " ".join(one for one in rest if hash_of(one) not in facts.stop_words)
    return (number["it"] if number else None), core or " ".join(rest) or None

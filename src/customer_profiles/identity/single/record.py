"""Prepare one record for comparison, as `preparing.prepared` does a table, but without arrays.

Creating arrays would take milliseconds. The functions do to one value what `normalize`, `names` and
`addresses` do to a column; tests hold the results equal.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles.identity.preparing import addresses, companies, names, normalize
from customer_profiles.identity.preparing.kinds import address_of, kind_of, line_of
from customer_profiles.identity.preparing.misplaced import FullName, NameWords
from customer_profiles.identity.preparing.normalize import hash_of
from customer_profiles.identity.preparing.reading import flatten
from customer_profiles.identity.scripts import eastern
from customer_profiles.identity.scripts.letters import (
    latin,
    letters_of_names,
    without_invisible,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.normalize import DatasetStatistics

_CACHED = 100_000


class Address(NamedTuple):
    """One address, normalized."""

    street: str | None
    number: str | None
    core: str | None
    city: str | None
    state: str | None
    postal: str | None

    @property
    def line(self) -> tuple[str | None, ...] | None:
        """What equal streets share: number and core, or the whole street if one is missing."""
        if self.street is None:
            return None
        return (self.number, self.core) if self.number and self.core else (self.street,)


class Record(NamedTuple):
    """One record, normalized."""

    given: str | None
    middle: str | None
    family: str | None
    suffix: str | None
    birth: int
    """Year, month and day as BCD; parts are 0 where unknown."""
    gender: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    """The last nine digits of each."""
    addresses: tuple[Address, ...]
    others: Mapping[str, str]
    """Identifiers and texts, by column."""
    is_company: bool = False
    """Whether it is the record of a company, whose name is in `family`."""
    own: Mapping[str, Any] = {}
    """Values for the comparisons and blocking keys that a user defines, by name."""


def read(
    record: Mapping[str, object], kinds: Mapping[str, Kind], statistics: DatasetStatistics
) -> Record:
    """Normalize one record for comparison.

    Args:
        record: its values by column; nested ones are read as `Address.City`.
        kinds: what columns hold, by name; all others are classified by their names.
        statistics: the statistics of the records from which the model was estimated.
    """
    columns: dict[str, list[tuple[str, str]]] = {}
    for name, text in sorted(flatten(record), key=itemgetter(0)):
        if text and (visible := without_invisible(text)):
            columns.setdefault(kinds.get(name) or _kind_of(name), []).append((name, visible))

    def of(kind: Kind) -> list[str]:
        return [text for _, text in columns.get(kind, ())]

    people: list[list[str]] = []
    firms: list[str] = []
    for kind in names.KINDS:
        by_company: dict[bool, list[str]] = {False: [], True: firms}
        for text in of(kind):
            by_company[_is_company(text)].append(text)
        people.append(by_company[False])
    firms += [text for name, text in columns.get("text", ()) if companies.is_company_column(name)]
    given_name, middle, family, suffix = _names(people, statistics)
    firm = None if given_name or family else next(filter(None, map(_core, firms)), None)
    mail, numbers = of("email"), of("phone")
    emails = dict.fromkeys(email for text in (*mail, *numbers) if (email := _email(text)))
    numbers += [text for text in mail if not _NO_PHONE.search(text)]
    phones = dict.fromkeys(phone for text in numbers if (phone := _phone(text)))
    others = {
        name: plain
        for name, text in columns.get("identifier", ())
        if (plain := words(text).replace(" ", ""))
    }
    if junk := statistics.junk:
        emails = {email: None for email in emails if hash_of(email) not in junk}
        phones = {phone: None for phone in phones if hash_of(phone) not in junk}
        others = {name: text for name, text in others.items() if hash_of(text) not in junk}
    others |= {
        name: plain
        for name, text in columns.get("text", ())
        if (plain := _core(text) if companies.is_company_column(name) else words(text))
    }
    births, genders = of("birth_date"), [words(text)[:1] for text in of("gender")]
    return Record(
        given_name,
        middle,
        firm or family,
        suffix,
        _date(births[0], days_first=statistics.days_first) if births else 0,
        next(filter(None, genders), None),
        tuple(emails),
        tuple(phones),
        tuple(_addresses(columns, statistics)),
        others,
        firm is not None,
    )


_kind_of = cache(kind_of)
_address_of, _line_of = cache(address_of), cache(line_of)


@lru_cache(_CACHED)
def fold(text: str) -> str:
    """Do to one text what `normalize.fold` does to a column."""
    return latin(text.lower())


@lru_cache(_CACHED)
def _words_of_names(text: str) -> str:
    """Do to one text what `normalize.words_of_names` does to a column."""
    text = letters_of_names(text.lower())
    text = _NO_WORD.sub(" ", _MARKS.sub("", text)).strip(" ")
    return _DIGITS.sub("", text) if _TONES.search(text) else text


_TONES, _DIGITS = re.compile(eastern.TONES), re.compile(r"\d")
_MARKS, _NO_WORD = re.compile("['\u2019`\xb4.]"), re.compile(r"[\W_]+")


@lru_cache(_CACHED)
def words(text: str) -> str:
    """Do to one text what `normalize.words` does to a column."""
    return _NO_WORD.sub(" ", _MARKS.sub("", fold(text))).strip(" ")


_IS_COMPANY = re.compile(companies.IS_COMPANY)
_IN_CAPITALS = re.compile(companies.IN_CAPITALS.replace(r"\p{Ll}", r"[^\W\d_A-Z]"))
_LEGAL_FORMS = [
    re.compile(pattern) for pattern in (companies.ENDING, companies.BEGINNING, companies.EASTERN)
]


@lru_cache(_CACHED)
def _is_company(text: str) -> bool:
    """Do to one name what `companies.are_companies` does to a column."""
    folded = words(text.replace("&", " and "))
    return bool(_IS_COMPANY.search(folded) or _IN_CAPITALS.search(text))


@lru_cache(_CACHED)
def _core(text: str) -> str:
    """Do to the name of one company what `companies.cores` does to a column."""
    name = words(text)
    short = name
    for pattern in _LEGAL_FORMS:
        short = pattern.sub("", short)
    return short or name


_TITLES, _SUFFIX = re.compile(normalize.TITLES), re.compile(normalize.SUFFIX)
_COMMA, _FULL = re.compile(names.COMMA), re.compile(names.FULL)
# Python has no `\p{L}`: letters are the word characters other than digits and underscores.
_APART, _INITIALS, _INSIDE_NAMES = (
    re.compile(pattern.replace(r"[\p{L}]", r"[^\W\d_]").replace(r"\p{L}", r"[^\W\d_]"))
    for pattern in (names.APART[0], names.INITIALS[0], normalize.INSIDE_NAMES)
)


def _names(
    columns: list[list[str]], statistics: DatasetStatistics
) -> tuple[str | None, str | None, str | None, str | None]:
    given_name, middle, family, full = columns
    first, second = (next(filter(None, map(_clean, texts)), "") for texts in (given_name, middle))
    last = _clean(" ".join(family)) if family else ""
    if statistics.family_words and bool(first) != bool(last):
        known = NameWords(statistics.given_words, statistics.family_words)
        parts = _split(given_name[0] if first else " ".join(family))
        if name := known.split(first or last, parts, is_family=not first):
            first, second, last = (part or "" for part in name)
    if full:
        parts = _split(full[0])
        first, second = first or parts.given or "", second or parts.middle or ""
        last = last or parts.family or ""
    suffix = None
    if match := _SUFFIX.search(last):
        last, suffix = match["name"], normalize.SUFFIXES[match["suffix"]]
    first, _, rest = _INITIALS.sub(names.INITIALS[1], first).strip().partition(" ")
    second = second or rest
    if _SURNAME.search(last) and _SYLLABLE.search(first) and _SYLLABLE.search(second):
        first, second = first + second, ""
    return first or None, second or None, last or None, suffix


_SYLLABLE, _SURNAME, _FAMILY_FIRST = map(
    re.compile, (eastern.IS_SYLLABLE, eastern.IS_SURNAME, eastern.FAMILY_FIRST)
)
_REORDERED = [(re.compile(pattern), names_of) for pattern, names_of in eastern.REORDERED]


def _split(text: str) -> FullName:
    text = _COMMA.sub(r"\2 \1", text)
    for pattern, replacement in _REORDERED:
        text = pattern.sub(replacement, text)
    text = _TITLES.sub(r"\1", _words_of_names(text))
    if not text.isascii() or _FAMILY_FIRST.search(text):
        text = eastern.given_first(text)
    match = _FULL.search(text)
    parts = match.group("given", "middle", "family") if match else (None, None, None)
    return FullName(*parts)


@lru_cache(_CACHED)
def _clean(text: str) -> str:
    text = _words_of_names(_APART.sub(names.APART[1], text))
    if _INSIDE_NAMES.search(text):
        for digit, letter in normalize.LOOK_ALIKES:
            text = text.replace(digit, letter)
    return _TITLES.sub(r"\1", text)


_SPACES, _PLUS_TAG = re.compile(r"\s+"), re.compile(normalize.PLUS_TAG)
_EMAIL = re.compile(normalize.EMAIL)
DIGIT = re.compile("[0-9]")


@lru_cache(_CACHED)
def _email(text: str) -> str | None:
    text = _PLUS_TAG.sub("@", _SPACES.sub("", fold(text)))
    return text if _EMAIL.search(text) else None


@lru_cache(_CACHED)
def split_email(email: str) -> tuple[str, str]:
    """Do to one address what `normalize.split_emails` does to a column."""
    local, _, domain = email.partition("@")
    return re.sub(r"[._-]", "", local), domain


def _date(text: str, *, days_first: bool) -> int:
    date = normalize.date(text, days_first=days_first)
    return date or normalize.damaged_date(text, days_first=days_first)


@cache
def _phone_steps() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), text) for pattern, text in normalize.phone_steps())


_JUNK = re.compile(normalize.JUNK_DIGITS)
_NO_PHONE = re.compile(normalize.NO_PHONE.replace(r"\p{L}", "") + r"|[^\W\d_]")


@lru_cache(_CACHED)
def _phone(text: str) -> str | None:
    text = fold(text)
    for pattern, replacement in _phone_steps():
        text = pattern.sub(replacement, text)
    if len(text) < normalize.FEWEST_DIGITS or _JUNK.search(text):
        return None
    return text[-normalize.KEPT_DIGITS :].rjust(normalize.KEPT_DIGITS, "0")


_PLUS_FOUR, _NUMBER, _NUMBERS = (
    re.compile(pattern) for pattern in (addresses.PLUS_FOUR, addresses.NUMBER, addresses.NUMBERS)
)


def _addresses(
    columns: Mapping[str, list[tuple[str, str]]], statistics: DatasetStatistics
) -> Iterable[Address]:
    by_address: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for kind in addresses.PARTS:
        for name, text in columns.get(kind, ()):
            by_address.setdefault(_address_of(name), {}).setdefault(kind, []).append((name, text))
    for parts in by_address.values():
        lines = parts.get("street", [])
        if len(lines) > 1:
            lines.sort(key=lambda line: _line_of(line[0]))
            if all(_line_of(name) == 1 for name, _ in lines):
                del lines[1:]
        street = words(" ".join(text for _, text in lines))
        city, state, postal = (
            parts[kind][0][1] if kind in parts else "" for kind in addresses.PARTS[1:]
        )
        number, core = _street_parts(street, statistics) if street else (None, None)
        postal = _PLUS_FOUR.sub(r"\1", _NO_WORD.sub("", postal.lower()))
        yield Address(
            street or None, number, core, words(city) or None, words(state) or None, postal or None
        )


def _street_parts(street: str, statistics: DatasetStatistics) -> tuple[str | None, str | None]:
    number = _NUMBER.search(street)
    rest = _NUMBERS.sub(" ", street).split()
    core = " ".join(word for word in rest if hash_of(word) not in statistics.stop_words)
    return (number["part"] if number else None), core or " ".join(rest) or None

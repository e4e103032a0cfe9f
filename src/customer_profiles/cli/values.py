"""Clean the values of files as the field that they belong to needs it."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from customer_profiles.identity.placeholders import (
    NO_LOCALS,
    WORDS,
    Of,
    is_placeholder,
)
from customer_profiles.identity.preparing.headers import fold
from customer_profiles.identity.preparing.vocabulary import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

DAMAGED = (
    "a spreadsheet has rounded the number; in the source, format the column as text and export it "
    "again"
)
"""The reason to refuse `1.2E+10`."""
PLACEHOLDER = "it is a placeholder, which many customers share"
_SCIENTIFIC = re.compile(r"\d[.,]\d+[eE][+-]?\d{1,3}|\d[eE]\+\d{1,3}")
_OVERFLOW = re.compile(r"#{3,}")
_WHOLE = re.compile(r"(\d+)[.,]0+")
_EQUALS = re.compile(r'="(.*)"', re.DOTALL)
_QUOTED = re.compile(r"'(?=[=+@\d-])")
_SPACES = re.compile(r"[ \t\u00a0\u2007\u202f]{2,}|[\u00a0\u2007\u202f]")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

Kind = Literal["text", "name", "email", "phone", "identifier", "date", "postal", "street"]
"""How the values of a field are cleaned."""
_OF: dict[Kind, Of] = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "identifier": "identifier",
    "date": "date",
}


class Cleaned(NamedTuple):
    """A cleaned value, or the reason why there is none."""

    text: str
    problem: str = ""


def unguarded_cell(cell: str) -> str:
    """Return a cell without what keeps spreadsheets from changing it, as `'+1…` and `="000123"`."""
    text = cell.strip()
    if text.startswith("=") and (match := _EQUALS.fullmatch(text)):
        return match[1].replace('""', '"').strip()
    return _QUOTED.sub("", text, count=1) if text.startswith("'") else text


# Values that are as they should be, which most are: they need no further look.
_TEXT = r"(?=.{1,254}$)(?!.* {2})[^\W_][\w .,&/'-]{0,253}"
_NO_LOCAL = "|".join(map(re.escape, sorted(NO_LOCALS)))
_PLAIN: dict[Kind, re.Pattern[str]] = {
    "text": re.compile(_TEXT),
    "name": re.compile(_TEXT),
    "street": re.compile(_TEXT),
    "email": re.compile(
        rf"(?=.{{5,254}}$)(?!(?:{_NO_LOCAL}|email|mail|name|user)@)"
        r"[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+",
        re.IGNORECASE | re.ASCII,
    ),
    "phone": re.compile(
        r"(?=.{7,22}$)(?!\D*1?\D*(\d)(?:\D*\1)+$)(?!.*1\D*2\D*3\D*4\D*5\D*6)(?!.*9\D*8\D*7\D*6\D*5\D*4)"
        r"\+?[(]?\d[\d ()-]{6,18}",
        re.ASCII,
    ),
    "identifier": re.compile(r"(?!0+$)(?!\d+[eE])[A-Za-z0-9][A-Za-z0-9_-]{0,100}", re.ASCII),
    "postal": re.compile(r"(?!\d+[eE])[A-Za-z0-9][A-Za-z0-9 -]{0,20}", re.ASCII),
    "date": re.compile(
        r"(?!0000|0001|1604)\d{4}-\d\d-\d\d|(?!00?[./]00?)\d\d?[./]\d\d?[./]\d{4}", re.ASCII
    ),
}


def is_plain(cell: str, kind: Kind) -> bool:
    """Return whether a value is as it should be, at one quick look; most are."""
    return _PLAIN[kind].fullmatch(cell) is not None and cell.lower() not in WORDS


def clean(cell: str, kind: Kind) -> Cleaned:
    """Clean a value.

    Returns:
        The value; empty with a problem if it cannot be used, and without one if there is none.
    """
    text = unguarded_cell(_INVISIBLE.sub("", cell))
    if kind in {"phone", "identifier", "postal"}:
        text = text.removeprefix("'")
    if not text:
        return Cleaned("")
    if is_placeholder(text, _OF.get(kind, "text")):
        # What many write for nothing needs no remark; an address or a number of nobody does.
        said = any(character.isdigit() or character == "@" for character in text)
        return Cleaned("", PLACEHOLDER if said and kind != "date" else "")
    return _CLEANERS[kind](text)


def _text(text: str) -> Cleaned:
    return Cleaned(_SPACES.sub(" ", text))


def _number(text: str) -> Cleaned:
    if _SCIENTIFIC.fullmatch(text) or _OVERFLOW.fullmatch(text):
        return Cleaned("", DAMAGED)
    match = _WHOLE.fullmatch(text)
    return Cleaned(match[1] if match else _SPACES.sub(" ", text))


def _phone(text: str) -> Cleaned:
    found = _number(re.sub(r"^(?:tel|phone|mobile|fax)\s*:\s*", "", text, flags=re.IGNORECASE))
    if found.text and not any(map(str.isdigit, found.text)):
        return Cleaned("", "it has no digits, so it is no phone number")
    return found


_ANGLE = re.compile(r"[^<>]*<\s*([^<>\s]+@[^<>\s]+)\s*>")


def _email(text: str) -> Cleaned:
    text = re.sub(r"^(?:mailto|smtp)\s*:\s*", "", text, flags=re.IGNORECASE)
    if match := _ANGLE.fullmatch(text):
        text = match[1]
    text = text.strip(" ;,.<>\"'")
    if "@" not in text.strip("@"):
        return Cleaned("", "it has no @, so it is no e-mail address")
    return Cleaned(text)


_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{2,4})[T ]0?0:00(?::00(?:\.0+)?)?Z?")
_OMITTED_YEAR = re.compile(r"1604-(\d\d-\d\d)")


def _date(text: str) -> Cleaned:
    if _SCIENTIFIC.fullmatch(text) or _OVERFLOW.fullmatch(text):
        return Cleaned("", DAMAGED)
    if match := _DATE_TIME.fullmatch(text):
        text = match[1]
    # Apple writes this year for none.
    return Cleaned(_OMITTED_YEAR.sub(r"--\1", text))


_CLEANERS: dict[Kind, Callable[[str], Cleaned]] = {
    "text": _text,
    "name": _text,
    "email": _email,
    "phone": _phone,
    "identifier": _number,
    "date": _date,
    "postal": _number,
    "street": lambda text: Cleaned(_SPACES.sub(" ", text)),
}

_AND = r"\s+(?:or|oder|ou|o|und|and|et|y)\s+"
_EMAILS = re.compile(rf"\s*(?::::|[;|,\n])\s*|{_AND}|\s+/\s+")
_PHONES = re.compile(rf"\s*(?::::|[;|\n])\s*|{_AND}")
_FEWEST_DIGITS, _LONGEST_CELL = 7, 2_000


def split(cell: str, kind: Kind) -> list[str]:
    """Return the values of a cell that holds several e-mail addresses or phone numbers."""
    text = unguarded_cell(cell)
    if len(text) > _LONGEST_CELL:
        return [text]
    if kind == "email":
        parts = _EMAILS.split(text)
        if len(parts) == 1 and text.count("@") > 1 and " " in text and "<" not in text:
            parts = text.split()
    else:
        parts = _PHONES.split(text)
        for mark in (",", "/"):
            # Both are also written inside of one number.
            pieces = [text.split(mark) for text in parts]
            parts = [
                part
                for text, halves in zip(parts, pieces, strict=True)
                for part in (halves if all(map(_is_long, halves)) else [text])
            ]
    return [part.strip() for part in parts if part.strip()]


def _is_long(text: str) -> bool:
    return sum(map(str.isdigit, text)) >= _FEWEST_DIGITS


@cache
def _enums() -> dict[str, dict[str, str]]:
    words = words_of("value_words")
    genders = (("female", "FEMALE"), ("male", "MALE"), ("neither", "UNSPECIFIED"))
    parties = (
        ("individual", "INDIVIDUAL"),
        ("business_party", "BUSINESS"),
        ("other_party", "OTHER"),
    )
    return {
        name: {fold(word): value for key, value in pairs for word in words[key]}
        for name, pairs in (("gender", genders), ("party_type", parties))
    }


def enum_of(field: str, text: str) -> str | None:
    """Return the value of an enum that a word of any language names; None if it is not known."""
    word = fold(text).strip(" .")
    if field == "gender" and word in _NOT_SAID:
        return "UNSPECIFIED"
    return _enums()[field].get(word)


_NOT_SAID = frozenset({
    "unspecified", "not specified", "prefer not to say", "nicht angegeben", "keine angabe",
    "non specifie", "non precise", "no especificado", "nao especificado", "non specificato",
    "niet opgegeven", "ej angivet",
})  # fmt: skip


_TITLES = re.compile(
    r"^(?:(?:(?:mr|mrs|ms|miss|dr|prof|herrn?|frau|dipl\.? ?-?ing|mme|mlle|sra|srta|dott|dhr|mevr)"
    r"\.?|(?:m|mag|ing|sr|sig|hr)\.)\s+)+(?=\S)",
    re.IGNORECASE,
)
_PARTICLE = re.compile(
    r"^(?:van|von|vom|zu|zum|zur|de|del|della|der|den|des|di|da|do|dos|das|du|la|le|el|al|bin|ibn|ben|ter|"
    r"ten|af|av|st\.?|mac|y|i|'t|d'|dal|degli)$",
    re.IGNORECASE,
)
_GENERATION = re.compile(r"^(?:jr|sr|ii|iii|iv)\.?$", re.IGNORECASE)
_EASTERN = re.compile(r"^[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+$")


class Name(NamedTuple):
    """The parts of a whole name."""

    first: str = ""
    middle: str = ""
    last: str = ""


@lru_cache(10_000)
def split_name(text: str) -> Name:
    """Split a whole name as `Ada King`, `King, Ada` or `山田 太郎` into its parts."""
    plain = _TITLES.sub("", " ".join(text.split()))
    family, comma, rest = plain.partition(",")
    if comma and rest.strip() and not _GENERATION.match(rest.strip()):
        first, *middle = rest.split()
        return Name(first, " ".join(middle), family.strip())
    words = plain.replace(",", "").split()
    if len(words) <= 1:
        return Name(first=" ".join(words))
    if all(map(_EASTERN.match, words)) and len(words) == 2:  # noqa: PLR2004  (family and given name)
        return Name(words[1], "", words[0])
    tail = 2 if _GENERATION.match(words[-1]) and len(words) > 2 else 1  # noqa: PLR2004
    start = len(words) - tail
    while start > 1 and _PARTICLE.match(words[start - 1]):
        start -= 1
    return Name(words[0], " ".join(words[1:start]), " ".join(words[start:]))


_NAMES_TOO = frozenset({"sa", "as", "ab", "sas", "spa", "ek", "e k", "a s", "ug", "kg", "se", "ag"})
_LONGEST_FORM = 4
_IN_CAPITALS = re.compile(r"\s(?:AB|AS|A/S|SA|S\.A\.|SE|SAS|S\.A\.S\.|AG|KG|UG|SpA|S\.p\.A\.)$")


@cache
def _legal_forms() -> tuple[frozenset[str], tuple[str, ...]]:
    words = words_of("value_words")
    # What ends the names of people, too, is a form in capitals only.
    return frozenset(words["legal_form"]) - _NAMES_TOO, words["cjk_form"]


@lru_cache(10_000)
def is_company(text: str) -> bool:
    """Return whether a name is that of a company, by its legal form."""
    forms, eastern = _legal_forms()
    words = fold(text).replace(".", "").split()
    ends = (" ".join(words[-count:]) for count in range(1, min(len(words), _LONGEST_FORM)))
    return (
        any(end in forms for end in ends)
        or any(form in text for form in eastern)
        or bool(_IN_CAPITALS.search(text.strip()))
    )

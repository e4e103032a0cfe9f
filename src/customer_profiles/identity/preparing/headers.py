"""Read what a column's header says, in many languages.

A header such as `E-Mail privat`, `mailingPostalCode` or `顧客番号` is split into words, each word
stands for a concept such as `phone` or `number`, and rules over the set of concepts name what the
column holds.
This module needs only the standard library, so that every reader of files can use it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from .vocabulary import words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Noun = Literal[
    "row_id",
    "identifier",
    "account_number",
    "given_name",
    "middle_name",
    "family_name",
    "full_name",
    "name",
    "birth_date",
    "gender",
    "email",
    "phone",
    "fax",
    "street",
    "house_number",
    "city",
    "state",
    "postal_code",
    "country",
    "company",
    "other",
]
"""What a header names. `name` is a whole name or a part of one, which the neighbouring columns
decide; `other` does not identify a person."""


def fold(text: str) -> str:
    """Return a text in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDED))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    # NFKD takes Hangul syllables apart.
    return unicodedata.normalize("NFC", letters)


_FOLDED = str.maketrans({"ł": "l", "\u0131": "i", "ø": "o", "æ": "ae", "đ": "d", "œ": "oe"})
_CONCEPTS: dict[str, set[str]] = {}
for _concept, _words_of_concept in words_of("header_words").items():
    for _word in _words_of_concept:
        _CONCEPTS.setdefault(fold(_word), set()).add(_concept)


class Header(NamedTuple):
    """What a header says."""

    noun: Noun | None
    """What the column holds; None if the header does not tell."""
    qualifiers: frozenset[str] = frozenset()
    """Which of several values it is: home, work, mobile, shipping, billing, mailing, elsewhere."""
    number: int = 1
    """The number of the value, as in `E-mail 2`, or of a street's line: 0 for a house number."""
    address: str = ""
    """Which of a record's addresses the column belongs to."""


_QUALIFIERS = frozenset({"home", "work", "mobile", "shipping", "billing", "mailing", "elsewhere"})
_LOCATIONS = _QUALIFIERS - {"mobile"}
_WITH_ANY_NAME = _QUALIFIERS | {
    "plain",
    "and",
    "customer",
    "person",
    "account",
    "company",
    "number",
}
_NAME_PARTS = frozenset({
    "given", "first", "family", "kin", "last", "middle", "second", "further", "name", "full",
    "whole",
})  # fmt: skip
_COUNTED = frozenset({"first", "second", "further"})
_LOCATED = frozenset({"city", "state", "postal", "country", "street", "address", "place"})
_OF_ADDRESS_LINES = _LOCATIONS | {"extra", "plain", "and", "name"}
_LONGEST = 200
"""How many characters of a header are read."""
_SHORT, _UNAMBIGUOUS = 3, frozenset({"tel", "fax", "zip", "plz", "dob", "sex", "ssn", "gsm"})
"""Words of so few letters may mean something else beside an unknown word, but for a few."""


@lru_cache(10_000)
def read(name: str) -> Header:
    """Read a header such as `FirstName`, `Billing.City`, `Téléphone fixe` or `顧客番号`."""
    return _read(name, list(_words(name[:_LONGEST])))


def described(name: str) -> Header | None:
    """Read the header of the column whose values this one describes, as `Phone 1 - Type` does.

    Returns:
        What the other column's header says; None if a header describes no other column.
    """
    words = list(_words(name[:_LONGEST]))
    if len(words) < 2 or "label" not in _CONCEPTS.get(words[-1], ()):  # noqa: PLR2004  (two words)
        return None
    return _read(name, words[:-1])


def _read(name: str, words: list[str]) -> Header:
    meanings = [_CONCEPTS.get(word) for word in words if not word.isdecimal()]
    is_complete = None not in meanings
    if not is_complete:
        meanings = [
            _CONCEPTS.get(word) for word in words if not word.isdecimal() and not _is_doubtful(word)
        ]
    concepts = frozenset[str]().union(*filter(None, meanings))
    # An unknown word at the end may be the noun, as in `city tier`.
    is_qualified = is_complete or (bool(meanings) and meanings[-1] is not None)
    noun = _noun(concepts, is_complete=is_complete, is_qualified=is_qualified)
    if noun == "street" and "company" in (meanings[-1] or ()) and meanings[0] != {"address"}:
        # The company of an address, not the address of a company.
        noun = "company"
    line, number = _numbers(words)
    if noun == "house_number":
        line = 0
    elif line == 1 and "extra" in concepts:
        line = 2
    qualifiers = concepts & _QUALIFIERS
    if noun in {"email", "phone"} and "company" in concepts:
        qualifiers |= {"work"}
    path = name[: match.start()] if (match := _LAST_STEP.search(name)) else ""
    groups = [path, *sorted(concepts & _LOCATIONS), number]
    return Header(
        noun,
        qualifiers,
        line,
        " ".join(filter(None, groups)),
    )


_LAST_STEP = re.compile(r"(?<=\S)\.[^.\s][^.]*$")
"""The end of a path such as `billing.city`; the dot of `Tel. home` is none."""


def _is_doubtful(word: str) -> bool:
    is_short = len(word) <= _SHORT and word.isascii() and word not in _UNAMBIGUOUS
    return is_short and "not" not in _CONCEPTS.get(word, ())


def read_all(names: Iterable[str]) -> list[Header]:
    """Read all headers of a table: a name is the part of it that no other column holds."""
    found = [read(name) for name in names]
    part = missing_part({header.noun for header in found})
    return [header._replace(noun=part) if header.noun == "name" else header for header in found]


def missing_part(nouns: Collection[str | None]) -> Noun:
    """Return what a column of names holds beside others: in many languages, one word is both.

    `Nom` beside `Prénom` and `Name` beside `Vorname` are family names, `Nome` beside `Cognome` and
    `名` beside `姓` are given names, and without such a column each is a whole name.
    """
    given, family = "given_name" in nouns, "family_name" in nouns
    if given == family:
        return "full_name"
    return "family_name" if given else "given_name"


def _noun(  # noqa: PLR0911  (one for each rule)
    concepts: frozenset[str], *, is_complete: bool, is_qualified: bool
) -> Noun | None:
    """Return what a header's concepts name together; the first rule that holds decides.

    Args:
        concepts: the concepts of the header's words.
        is_complete: whether all words are known.
        is_qualified: whether the last word is known.
    """
    if "not" in concepts:
        return "other"
    if concepts >= {"address"} and "street" not in concepts and concepts & _NAME_PARTS:
        # The name of the person at an address, as in `billing_address.first_name`.
        return _name_at_address(concepts)
    if is_qualified and (noun := _contact(concepts) or _location(concepts)):
        return noun
    if not is_complete:
        return "other" if concepts & {"birth", "birth_date", "date"} else None
    if concepts & {"birth", "birth_date"}:
        return "other" if concepts & (_LOCATED | _NAME_PARTS) else "birth_date"
    if "date" in concepts:
        return "other"
    return "gender" if "gender" in concepts else _name(concepts) or _number(concepts)


def _name_at_address(concepts: frozenset[str]) -> Noun | None:
    is_part = bool(concepts & {"given", "family", "middle", "kin"}) or (
        "name" in concepts and bool(concepts & {"first", "last"})
    )
    if is_part:
        return _name((concepts - {"address", "email"}) & (_NAME_PARTS | _WITH_ANY_NAME))
    return "other" if "name" in concepts else _contact(concepts) or _location(concepts)


def _contact(concepts: frozenset[str]) -> Noun | None:
    if "email" in concepts:
        return "other" if concepts & (_NAME_PARTS - _COUNTED | {"code"}) else "email"
    if concepts & {"birth", "birth_date"}:
        return None
    if "fax" in concepts:
        return "fax"
    if concepts & {"phone", "mobile"}:
        return "other" if concepts & {"code", "country"} else "phone"
    return None


def _location(concepts: frozenset[str]) -> Noun | None:
    if concepts & {"birth", "birth_date", "email"}:
        return None
    is_address = bool(concepts & {"street", "address"})
    is_code, is_number = "code" in concepts, "number" in concepts
    is_house = ("house" in concepts) != ("street" in concepts)
    is_post = "post" in concepts
    return _first_of(
        ("postal_code", "postal" in concepts and (is_code or not (is_address and is_post))),
        ("postal_code", is_post and (is_code or is_number)),
        ("country", "country" in concepts),
        ("city", "city" in concepts and not is_code),
        ("state", "state" in concepts),
        ("house_number", is_number and is_house),
        ("street", is_address or ("extra" in concepts and concepts <= _OF_ADDRESS_LINES)),
    )


def _first_of(*rules: tuple[Noun, bool]) -> Noun | None:
    return next((noun for noun, holds in rules if holds), None)


def _name(concepts: frozenset[str]) -> Noun | None:
    if not concepts <= _NAME_PARTS | _WITH_ANY_NAME:
        return "company" if "company" in concepts else None
    is_name, is_further = "name" in concepts, "further" in concepts
    is_of_company = "account" in concepts or ("work" in concepts and "person" not in concepts)
    is_last = bool(concepts & {"family", "last"}) or (is_name and "kin" in concepts)
    # A first surname is no first name.
    is_first = "given" in concepts or ("first" in concepts and not concepts & {"family"})
    both = is_first and is_last
    either = is_first or is_last
    is_middle = "middle" in concepts or (is_further and not is_last and (is_first or is_name))
    is_whole = bool(concepts & {"full", "customer", "person", "shipping", "billing"})
    return _first_of(
        ("given_name", is_middle and is_first and "and" in concepts),
        ("middle_name", is_middle or (is_first and "second" in concepts)),
        ("full_name", "whole" in concepts or both or (either and is_name and "and" in concepts)),
        ("given_name", is_first),
        ("family_name", is_last or (is_name and "second" in concepts)),
        ("company", "company" in concepts or (is_name and is_of_company)),
        ("full_name", is_name and is_whole and "number" not in concepts),
        ("name", is_name and "number" not in concepts),
    )


def _number(concepts: frozenset[str]) -> Noun | None:
    is_number = bool(concepts & {"number", "id", "code"})
    if "account" in concepts and (
        ("name" in concepts and "id" in concepts) or ("person" in concepts and not is_number)
    ):
        return "other"
    is_row = "row_id" in concepts or ("row" in concepts and bool(concepts & {"id", "number"}))
    return _first_of(
        ("row_id", is_row or concepts == frozenset({"id"})),
        ("identifier", "official" in concepts),
        ("account_number", "account" in concepts or ("customer" in concepts and is_number)),
        ("identifier", "document" in concepts and is_number),
    )


_EMAIL = re.compile(r"(?<![^\W\d_])e[-_ ](?=mail|post)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"\d+|[^\W\d_]+")
_ABBREVIATED = re.compile(r"(?<![^\W_])([^\W\d_])\.(?=[^\W\d_](?![^\W_]))")
"""The first full stops of an abbreviation such as `C.P.`"""
_ENDINGS = re.compile(r"(?<=[^\W\d_])\((?:s|e|es|en|n|in|innen)\)")
"""Endings that may be left out, as in `Apellido(s)`."""
_WHOLE_NAME = re.compile("(?:\u6c0f\u540d|\u304a?\u540d\u524d)[(\uff08]")
"""The beginning of Japanese headers of the parts of a name."""
_JAPANESE_POST = "\u90f5\u4fbf"
_POSSESSIVE = re.compile("['\u2019]s\\b")


def _words(name: str) -> Iterator[str]:
    """Split a header into words and numbers; words written together, if all parts are known."""
    name = _ENDINGS.sub("", _ABBREVIATED.sub(r"\1", _POSSESSIVE.sub("", name)))
    name = _WHOLE_NAME.sub("(", name).replace("\u3012", _JAPANESE_POST)
    name = fold(_CAMEL.sub(" ", name))
    for word in _WORD.findall(_EMAIL.sub("e", name)):
        yield from [word] if word in _CONCEPTS or word.isdecimal() else _parts(word)


_LEAST, _LONGEST_PART = 3, 24
_SHORT_ENDS = frozenset({"id", "nr", "no"})


def _parts(word: str) -> list[str]:
    """Split a word into the fewest known words, or return it as it is."""
    word = word.removeprefix(_ARTICLE)
    if word in _CONCEPTS:
        return [word]
    best: list[list[str] | None] = [[]]
    for end in range(1, len(word) + 1):
        splits = [
            [*before, word[start:end]]
            for start in range(max(0, end - _LONGEST_PART), end)
            if (before := best[start]) is not None
            and _may_be_part(word[start:end], is_end=end == len(word))
        ]
        best.append(min(splits, key=len, default=None))
    return best[-1] or [word]


_ARTICLE = "\u0627\u0644"
"""The Arabic article, which is written together with its noun."""


def _may_be_part(part: str, *, is_end: bool) -> bool:
    concepts = _CONCEPTS.get(part)
    if concepts is None:
        return False
    if not part.isascii():
        return True
    return (len(part) >= _LEAST and not concepts <= {"plain", "and"}) or (
        is_end and part in _SHORT_ENDS
    )


def _numbers(words: list[str]) -> tuple[int, str]:
    """Return the number at the end of a header, else 1, and the number inside of it.

    `Address 2` is the second line of an address, `Address 2 - City` the town of the second address.
    """
    ends = [words[-1]] if words and words[-1].isdecimal() else []
    inner = [word for word in words[: len(words) - len(ends)] if word.isdecimal()]
    return int(ends[0][:4]) if ends else 1, inner[0] if inner else ""

"""Recognise what a column holds by its values, where its header does not tell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from time import gmtime
from typing import TYPE_CHECKING, NamedTuple

from .headers import fold
from .vocabulary import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .kinds import Kind

MOST_VALUES = 1_000
"""How many distinct values of a column are looked at."""
_FEWEST_VALUES, _FEWEST_ROWS = 20, 20
_ALL, _NEARLY_ALL, _MOST, _HALF, _SEVERAL = 0.97, 0.9, 0.8, 0.5, 0.2


class Guess(NamedTuple):
    """What a column seems to hold."""

    kind: Kind
    share: float
    """The share of its values that show it."""
    what: str
    """What these values are, in the plural."""


@dataclass(frozen=True)
class Sample:
    """Some distinct values of a column, and how many records have each."""

    texts: list[str]
    counts: list[int]
    rows: int
    """The number of records with a value."""
    distinct: int
    """The number of distinct values."""

    @classmethod
    def of(cls, values: Sequence[str]) -> Sample:
        """Make a sample of all values of a column."""
        counts = Counter(values)
        return cls.from_counts(list(counts), list(counts.values()))

    @classmethod
    def from_counts(cls, texts: Sequence[str], counts: Sequence[int]) -> Sample:
        """Make a sample of distinct values with their counts: evenly chosen, if they are many."""
        step = -(-len(texts) // MOST_VALUES) or 1
        kept = [text.strip() for text in texts[::step]]
        return cls(kept, list(counts[::step]), sum(counts), len(texts))

    def share(self, test: Callable[[str], object], texts: Sequence[str] | None = None) -> float:
        """Return the share of the sampled records whose value passes a test."""
        pairs = zip(self.texts if texts is None else texts, self.counts, strict=True)
        return sum(count for text, count in pairs if test(text)) / max(sum(self.counts), 1)

    @cached_property
    def folded(self) -> list[str]:
        """The sampled values in lower case, without accents."""
        return [" ".join(fold(text).split()) for text in self.texts]


def guess(sample: Sample) -> Guess | None:
    """Return what a column seems to hold; None if its values do not tell."""
    if sample.rows < _FEWEST_ROWS:
        return None
    found = _few_values(sample)
    if found is not None or sample.distinct < _FEWEST_VALUES:
        return found
    is_email = sample.share(lambda text: "@" in text and " " not in text)
    if is_email >= _MOST:
        return Guess("email", is_email, "e-mail addresses")
    for test in (_dates, _phones, _streets, _companies, _names, _identifiers):
        if (found := test(sample)) is not None:
            return found
    return None


_FOUR_DIGITS = r"(?:1\d|20)\d\d"
_YEAR = re.compile(_FOUR_DIGITS)
_DATE = re.compile(
    rf"{_FOUR_DIGITS}[-/.年]?[01]?\d[-/.月]?[0-3]?\d日?(?:[T ].{{0,40}})?"
    rf"|\d\d?[-/. ]\d\d?[-/. ](?:\d\d|{_FOUR_DIGITS})"
    rf"|\d\d?[-. ]{{1,2}}[^\W\d_]{{3,10}}\.?[-, ]{{1,2}}(?:\d\d|{_FOUR_DIGITS})"
)
_TIME = re.compile(r"[T ]\d\d:(?!00:00|00$)")
_FEWEST_YEARS = 30
_THIS_YEAR = str(gmtime().tm_year)


def _dates(sample: Sample) -> Guess | None:
    share = sample.share(_DATE.fullmatch)
    if share < _MOST:
        return None
    years = {match[0] for text in sample.texts if (match := _YEAR.search(text))}
    # Birth dates span many years and have no time; dates of orders and visits span few.
    spans = len([year for year in years if year <= _THIS_YEAR]) >= _FEWEST_YEARS
    if spans and sample.share(_TIME.search) < _SEVERAL:
        return Guess("birth_date", share, "dates of many years")
    return Guess("text", share, "dates of events")


_PHONE = re.compile(r"(?=.*\d)[+(]?[\d()/. \-]{7,20}(?: ?(?:x|ext).*)?")
_DIALLED_PHONE = re.compile(
    r"(?=(?:.*?\d){7})(?:\+|\(|00[1-9]|0\d+[ /-]|0[1-9]\d{7,10}$|\d{3}[-. ]\d{3}[-. ]\d{4}).*"
    r"|1[3-9]\d{9}"
)
_NORTH_AMERICAN = re.compile(r"1?[2-9]\d\d[2-9]\d{6}")


def _phones(sample: Sample) -> Guess | None:
    share = sample.share(_PHONE.fullmatch)
    # Plain numbers look like phones, too: several have to be written as numbers are dialled.
    is_dialled = sample.share(_DIALLED_PHONE.fullmatch) >= _SEVERAL
    if share >= _MOST and (is_dialled or sample.share(_NORTH_AMERICAN.fullmatch) >= _ALL):
        return Guess("phone", share, "phone numbers")
    return None


_POSTAL_CODE = re.compile(
    r"\d{4,6}|\d{5}-\d{4}|\d{5}-?\d{3}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d"
    r"|\d{4} ?[A-Z]{2}|\d\d-\d{3}|〒?\d{3}-\d{4}|\d{3} \d\d|\d{4}-\d{3}|[A-Z]{1,2}-\d{4,5}|AD\d{3}",
    re.IGNORECASE,
)
_PLAIN_NUMBER = re.compile(r"\d+")
_FEW_ZEROS, _MANY_ZEROS, _OF_ONE_LENGTH = 0.005, 0.4, 0.7


class Codes(NamedTuple):
    """How far values are like postal codes."""

    is_like: bool
    """Whether most have the form of a postal code, and one length."""
    is_plain: bool
    """Whether the form is that of any number."""


def postal_codes(sample: Sample) -> Codes:
    """Return how far values are like postal codes, which other codes and numbers resemble."""
    if sample.distinct < _FEWEST_VALUES or sample.share(_POSTAL_CODE.fullmatch) < _MOST:
        return Codes(is_like=False, is_plain=True)
    plain = sample.share(_PLAIN_NUMBER.fullmatch)
    if plain < _MOST:
        return Codes(is_like=True, is_plain=False)
    lengths = Counter[int]()
    for text, count in zip(sample.texts, sample.counts, strict=True):
        lengths[len(text)] += count
    length, most = lengths.most_common(1)[0]
    zeros = sample.share(lambda text: len(text) == length and text.startswith("0"))
    is_like = most >= _OF_ONE_LENGTH * lengths.total()
    return Codes(is_like, is_plain=not _FEW_ZEROS <= zeros <= _MANY_ZEROS)


_WORDS = words_of("value_words")


def _any_of(name: str) -> str:
    return "|".join(re.escape(fold(word)) for word in _WORDS[name])


_STREET_WORDS, _STREET_ENDS = frozenset(map(fold, _WORDS["street"])), _WORDS["street_end"]
_CJK_STREET = re.compile(
    r"[\u4e00-\u9fff].*(?:路|街|道|巷|号|弄|丁目|番地|町\d)|[\uac00-\ud7a3].*(?:로|길|동) ?\d"
)
_NUMBERED = re.compile(r"\d+[a-z]?,? +[^\W\d_]{2}.*|[^\W\d_].*[^\d] ?\d+ ?[a-z]?\.?(?:[ ,/-].*)?")
_LONG_WORD = re.compile(r"[^\W\d_]{4}")
_WORD, _NUMBERS = re.compile(r"[^\W\d_]+|c/"), re.compile(r"\d+ ?[a-z]?\b|[^\w ]")


def _is_street(text: str) -> bool:
    if _CJK_STREET.search(text):
        return True
    words = [] if "://" in text else _WORD.findall(text)
    return len(text) > len(max(words, default="", key=len)) + 1 and any(
        word in _STREET_WORDS or (len(word) > 5 and word.endswith(_STREET_ENDS))  # noqa: PLR2004  (letters before an ending)
        for word in words
    )


def _streets(sample: Sample) -> Guess | None:
    share = sample.share(_is_street, sample.folded)
    numbered = sample.share(
        lambda text: _NUMBERED.fullmatch(text) or _CJK_STREET.search(text), sample.folded
    )
    towns = known_values()["city"]
    if share >= _HALF and sample.share(towns.__contains__, sample.folded) < _SEVERAL:
        return Guess("street", share, "streets")
    if numbered < _HALF:
        return None
    # Streets without such a word have many names, other numbered things have few.
    names = {_NUMBERS.sub("", text) for text in sample.folded}
    is_varied = len(names) >= _HALF * len(sample.texts) and sample.share(_LONG_WORD.search) >= _MOST
    if share >= _SEVERAL or (numbered >= _NEARLY_ALL and is_varied):
        return Guess("street", numbered, "streets with numbers")
    return None


_LEGAL_FORM = re.compile(rf"(?:.*[ ,])?(?:{_any_of('legal_form')})|.*(?:{_any_of('cjk_form')}).*")


def _companies(sample: Sample) -> Guess | None:
    share = sample.share(lambda text: _LEGAL_FORM.fullmatch(text.replace(".", "")), sample.folded)
    return Guess("text", share, "companies") if share >= _SEVERAL else None


_LETTERS = re.compile(r"[^\W\d_][^\d_@]*")
_CJK = re.compile(r"[\u4e00-\u9fff]{2,4}|[\uac00-\ud7a3]{2,4}")
_ENOUGH, _A_FEW, _SOME, _CLEARLY, _MUCH, _MOST_WORDS = 0.35, 0.15, 0.1, 1.3, 1.6, 6
_TOWN = re.compile(
    rf"(?:{_any_of('town_begin')}) [^ ]{{3,}}(?: [^ ]+)?|.{{2,}}(?:{_any_of('town_end')})"
    rf"|.{{2,}}[ -](?:{_any_of('town_inside')})(?:[ -].*)?"
    r"|[\u4e00-\u9fff]{1,8}[市区町村县縣郡]|[\uac00-\ud7a3]{1,6}[시군구읍면]"
)
_FAMILY = re.compile(rf".{{2,}}(?:{_any_of('family_end')})")
_WHAT: dict[Kind, str] = {
    "given_name": "given names",
    "family_name": "family names",
    "city": "towns",
}


def _names(sample: Sample) -> Guess | None:
    """Recognise names of people and towns by the words that are known, and by their endings."""
    folded = sample.folded
    if sample.share(_LETTERS.fullmatch, folded) < _MOST:
        return None
    known = known_values()
    given_names, family_names, towns = known["given_name"], known["family_name"], known["city"]

    def is_whole(text: str) -> bool:
        if _CJK.fullmatch(text):
            return text not in family_names and any(text[:n] in family_names for n in (1, 2))
        parts = _parts(text)
        given_at = [position for position, word in enumerate(parts) if word in given_names]
        family_at = [position for position, word in enumerate(parts) if _is_family(word)]
        return bool(given_at and family_at) and len({*given_at, *family_at}) > 1

    shares = _shares(sample)
    people = max(shares["given_name"], shares["family_name"])
    whole = sample.share(is_whole, folded)
    # Chinese and Korean given names may begin with a character of family names, too.
    least = _MOST if sample.share(_CJK.fullmatch, folded) >= _HALF else _ENOUGH
    if whole >= least and whole >= _CLEARLY * max(people, shares["city"]):
        return Guess("full_name", whole, "whole names")
    begun = sample.share(
        lambda text: len(parts := _parts(text)) > 1 and not given_names.isdisjoint(parts), folded
    )
    if begun >= _HALF and whole >= _SEVERAL and begun >= _CLEARLY * max(people, shares["city"]):
        return Guess("full_name", begun, "given names and other words")
    best = max(shares, key=lambda kind: shares[kind])
    others = max(share for kind, share in shares.items() if kind != best)
    if shares[best] >= _ENOUGH and shares[best] >= _CLEARLY * others:
        return Guess(best, shares[best], _WHAT[best])
    endings = sample.share(lambda text: text in towns or _TOWN.fullmatch(text), folded)
    if endings >= _HALF and endings >= _CLEARLY * people:
        return Guess("city", endings, _WHAT["city"])
    return None


def _is_family(word: str) -> bool:
    return word in known_values()["family_name"] or _FAMILY.fullmatch(word) is not None


def _shares(sample: Sample) -> dict[Kind, float]:
    """Return how many values are known given names, family names and towns."""
    folded, known = sample.folded, known_values()
    family = sample.share(known["family_name"].__contains__, folded)
    return {
        "given_name": sample.share(
            lambda text: all(word in known["given_name"] for word in text.split(" ")), folded
        ),
        # Endings alone are those of adjectives, too.
        "family_name": sample.share(_is_family, folded) if family >= _SOME else family,
        "city": sample.share(known["city"].__contains__, folded),
    }


def may_be_family_names(sample: Sample) -> bool:
    """Return whether values are family names, if the table has a column of given names."""
    if sample.distinct < _FEWEST_VALUES or sample.share(_LETTERS.fullmatch, sample.folded) < _MOST:
        return False
    shares = _shares(sample)
    others = max(shares["given_name"], shares["city"])
    return shares["family_name"] >= max(_A_FEW, _MUCH * others)


def _parts(text: str) -> list[str]:
    return text.replace(",", " ").replace(".", " ").split()[:_MOST_WORDS]


_IDENTIFIER = re.compile(r"(?=(?:.*?\d){4})[A-Z0-9]+(?:[-./ ][A-Z0-9]+){0,4}", re.IGNORECASE)
_ADDRESS_OF_MACHINE = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE
)
_SHORTEST_NUMBER = 6


def _identifiers(sample: Sample) -> Guess | None:
    """Recognise codes of one length that few records share."""
    if sample.distinct < _HALF * sample.rows:
        return None
    lengths = Counter[int]()
    for text, count in zip(sample.texts, sample.counts, strict=True):
        lengths[len(text)] += count
    length, _ = lengths.most_common(1)[0]

    def is_identifier(text: str) -> bool:
        return (
            len(text) == length
            and _IDENTIFIER.fullmatch(text) is not None
            and _ADDRESS_OF_MACHINE.fullmatch(text) is None
            and (not text.isdecimal() or len(text) >= _SHORTEST_NUMBER)
            # Decimal numbers are measurements.
            and re.fullmatch(r"\d+\.\d+", text) is None
        )

    share = sample.share(is_identifier)
    if share < _MOST:
        return None
    return Guess("identifier", share, "codes of one length that few records share")


_MALE, _FEMALE, _NEITHER = (
    frozenset(map(fold, _WORDS[name])) for name in ("male", "female", "neither")
)
_LEAST_OF_ONE_SEX = 0.02
_MOST_GENDERS = 12


def _few_values(sample: Sample) -> Guess | None:
    """Recognise genders, countries and states, of which there are only so many."""
    folded = sample.folded
    if sample.distinct <= _MOST_GENDERS:
        male, female, neither = (
            sample.share(words.__contains__, folded) for words in (_MALE, _FEMALE, _NEITHER)
        )
        share = male + female + neither
        if share >= _NEARLY_ALL and min(male, female) >= _LEAST_OF_ONE_SEX:
            return Guess("gender", share, "genders")
    known = known_values()
    states = max(sample.share(names.__contains__, folded) for names in (_STATES, *_STATE_CODES))
    countries = max(
        sample.share(known["country"].__contains__, folded),
        sample.share(lambda text: text in _country_codes()) if sample.distinct > 1 else 0.0,
    )
    several = sample.distinct >= _FEWEST_STATES
    if states >= _NEARLY_ALL and states > countries and several:
        # Provinces of Italy and Spain have the names of their towns.
        names = _STATES & known["city"]
        towns = sample.share(names.__contains__, folded)
        if towns >= _ENOUGH_TOWNS and sample.distinct >= _FEWEST_VALUES:
            return Guess("city", towns, "towns")
        return Guess("state", states, "states or provinces")
    least = _ENOUGH_COUNTRIES if several else _NEARLY_ALL
    return Guess("country", countries, "countries") if countries >= least else None


_FEWEST_STATES, _ENOUGH_COUNTRIES, _ENOUGH_TOWNS = 5, 0.7, 0.6
_STATES = frozenset(map(fold, _WORDS["state"]))
_STATE_CODES = [frozenset(codes) for name, codes in _WORDS.items() if name.startswith("state_")]


def is_value(kind: Kind, text: str) -> bool:
    """Return whether a text, such as a header, is itself a value of a kind."""
    tests: dict[Kind, Callable[[str], object]] = {
        "email": lambda text: "@" in text,
        "phone": _PHONE.fullmatch,
        "birth_date": _DATE.fullmatch,
        "street": lambda text: re.search(r"\d", text) and _is_street(fold(text)),
        "postal_code": _POSTAL_CODE.fullmatch,
        "identifier": _IDENTIFIER.fullmatch,
    }
    if kind in tests:
        return bool(tests[kind](text.strip()))
    return fold(text.strip()) in known_values().get(kind, ())


@cache
def _country_codes() -> frozenset[str]:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return frozenset(
        region for regions in COUNTRY_CODE_TO_REGION_CODE.values() for region in regions
    )


@cache
def known_values() -> dict[str, frozenset[str]]:
    """Return known names of people, towns and countries by kind, as `fold` returns them."""
    return {kind: frozenset(words) for kind, words in words_of("known_values").items()}

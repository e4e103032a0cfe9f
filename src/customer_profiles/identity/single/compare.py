"""Comparing two records, as `comparing` does with many at once; a test holds the two equal."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from customer_profiles.identity.columns import kinds, redundant
from customer_profiles.identity.columns.addresses import SEPARATOR
from customer_profiles.identity.columns.names import formal_names, sound_of
from customer_profiles.identity.columns.normalize import LETTERS
from customer_profiles.identity.columns.scripts import script_of
from customer_profiles.identity.matching import comparing
from customer_profiles.identity.matching.levels import (
    EXACT,
    MISSING,
    FamilyNameLevel,
    GivenNameLevel,
)

from .record import DIGIT, split_email

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles.identity.model import Model

    from .record import Place, Record

Agreed = tuple[str, str]
"""A value that two records agree on: its list of values, and its text."""
Found = tuple[int, tuple[Agreed, ...]]
"""A level, and the values agreed on, whose rarity counts."""

_CACHED = 200_000
_SAME, _NEAR, _DIFFERENT = 1, 2, 3


class Name(NamedTuple):
    """What follows from a name."""

    initial: str
    formal: frozenset[str]
    """The name itself and the formal names that it may be a nickname of."""
    first_word: str
    last_word: str | None
    """The last of several words."""
    sound: str
    script: int
    length: int
    """How many letters it has; two if it is one Chinese character, which is no initial."""


@lru_cache(_CACHED)
def name_of(text: str) -> Name:
    """Tell what follows from a name."""
    words = text.split(" ")
    last = words[-1] if len(words) > 1 else None
    formal, script = frozenset((text, *formal_names(text))), script_of(text)
    length = max(len(text), 2 if script else 0)
    return Name(text[:1], formal, words[0], last, sound_of(text), script, length)


@lru_cache(_CACHED)
def _letters(text: str) -> int:
    bits = 0
    for one in text:
        bits |= LETTERS.get(one, 0)
    return bits


def _similarity(one: str, other: str, unlike: int) -> float:
    """Give how similar two texts are; 0 if more letters than that are in only one of them."""
    if (_letters(one) ^ _letters(other)).bit_count() > unlike:
        return 0.0
    return JaroWinkler.similarity(one, other)


class Scorer:
    """Compares and scores pairs by a model, one at a time."""

    def __init__(self, model: Model) -> None:
        self._steps = [
            _Step(
                _COMPARE.get(one.name) or _plain(one.name, one.implied_by),
                [int((one.level_of < level).sum()) for level in range(len(one.levels))],
                one.has_tf.tolist(),
                logs.T.tolist(),
            )
            for one, logs in zip(model.weights.attributes, model.weights.logs(), strict=True)
        ]
        self._priors = model.weights.priors().tolist()
        self._tf = model.term_frequencies.class_of

    def codes(self, one: Record, other: Record) -> list[int]:
        """Compare two records: of each attribute its code."""
        result = []
        for step in self._steps:
            level, agreed = step.compare(one, other)
            code = step.first[level]
            if agreed and step.told[code]:
                # Of several the rarest, which says most.
                code += max(self._tf(*one) for one in agreed)
            result.append(code)
        return result

    def probability(self, codes: Sequence[int]) -> float:
        """Say how probable it is that records compared like this are one person's."""
        match, related, chance = self._priors
        for step, code in zip(self._steps, codes, strict=True):
            one, two, three = step.logs[code]
            match += one
            related += two
            chance += three
        return 1 / (1 + math.exp(min(related - match, 700)) + math.exp(min(chance - match, 700)))


class _Step(NamedTuple):
    """How one attribute is compared, and what its codes are worth."""

    compare: Callable[[Record, Record], Found]
    first: list[int]
    told: list[bool]
    logs: list[list[float]]


# Names


def _is_near(one: str, other: str, score: float) -> bool:
    short = min(name_of(one).length, name_of(other).length)
    if score < comparing.NEARLY or short < comparing.SHORTEST:
        return False
    edits = OSA.distance(one, other, score_cutoff=2)
    return edits <= 1 or (edits == 2 and short >= comparing.LONG)  # noqa: PLR2004  (edits)


def _is_swapped(one: Record, other: Record) -> bool:
    return one.given == other.family and other.given == one.family


def _given(one: Record, other: Record) -> Found:
    a, b = one.given, other.given
    if a is None or b is None:
        return MISSING, ()
    if a == b and name_of(a).length > 1:
        return EXACT, (("given", a),)
    return _GIVEN_LEVELS[_given_level(one, other, a, b)], ()


_GIVEN_LEVELS = {name: level for level, name in enumerate(GivenNameLevel.labels())}


def _given_level(  # noqa: PLR0911  (one for each level)
    one: Record, other: Record, a: str, b: str
) -> str:
    x, y = name_of(a), name_of(b)
    if a != b and not x.formal.isdisjoint(y.formal):
        return "nickname"
    score = _similarity(a, b, comparing.MOST_UNLIKE)
    if _is_near(a, b, score):
        return "near"
    short = min(x.length, y.length)
    if short > 1 and (a == other.middle or b == one.middle):
        return "middle name"
    if short == 1 and a[:1] == b[:1]:
        return "initial"
    if score >= comparing.BEGUN and short >= comparing.BEGINNING:
        edits = OSA.distance(a, b)
        if edits == max(x.length, y.length) - short:
            return "beginning"
    if one.family is not None and other.family is not None and _is_swapped(one, other):
        return "swapped"
    if score >= comparing.SIMILAR:
        return "similar"
    return "different" if x.script == y.script else "missing"


def _family(one: Record, other: Record) -> Found:
    a, b = one.family, other.family
    if a is None or b is None:
        return MISSING, ()
    x, y = name_of(a), name_of(b)
    if a == b and x.length > 1:
        return EXACT, (("family", a),)
    # An initial that agrees says too little to be a level of its own.
    if x.initial == y.initial and min(x.length, y.length) == 1:
        return MISSING, ()
    if one.given is not None and other.given is not None and _is_swapped(one, other):
        return MISSING, ()
    return _FAMILY_LEVELS[_family_level(a, b)], ()


_FAMILY_LEVELS = {name: level for level, name in enumerate(FamilyNameLevel.labels())}


def _family_level(a: str, b: str) -> str:
    score = _similarity(a, b, comparing.MOST_UNLIKE)
    if _is_near(a, b, score):
        return "near"
    x, y = name_of(a), name_of(b)
    part = (x.last_word or y.last_word) and x.first_word == y.first_word
    part = part or (x.last_word and x.last_word in {y.first_word, y.last_word})
    if part or (y.last_word and y.last_word == x.first_word):
        return "part"
    if score >= comparing.SIMILAR:
        return "similar"
    return "different" if x.script == y.script else "missing"


def _middle(one: Record, other: Record) -> Found:
    a, b = one.middle, other.middle
    if a is None or b is None:
        return MISSING, ()
    if a == b:
        return EXACT, (("middle", a),)
    x, y = name_of(a), name_of(b)
    if x.initial == y.initial and min(x.length, y.length) == 1:
        return 2, ()
    return (3 if x.script == y.script else MISSING), ()


def _suffix(one: Record, other: Record) -> Found:
    a, b = one.suffix, other.suffix
    if a is None or b is None:
        return (MISSING if a == b else 3), ()
    return (EXACT if a == b else 2), ()


# Birth dates and gender


def _birth(one: Record, other: Record) -> Found:  # noqa: PLR0911  (one for each level)
    a, b = one.birth, other.birth
    if not a or not b:
        return MISSING, ()
    month_a, month_b, day_a, day_b = a >> 8 & 0xFF, b >> 8 & 0xFF, a & 0xFF, b & 0xFF
    same_year = a >> 16 == b >> 16
    if (day_a == 0 or day_b == 0) and same_year:
        return 5, ()
    if a == b:
        return EXACT, (("birth", f"{a:x}"),)
    if same_year and month_a == day_b and day_a == month_b:
        return 2, ()
    if sum(x != y for x, y in zip(f"{a:08x}", f"{b:08x}", strict=True)) == 1:
        return 3, ()
    if same_year + (month_a == month_b) + (day_a == day_b) == 2:  # noqa: PLR2004  (parts)
        return 4, ()
    if same_year:
        return 5, ()
    return (6 if a >> 20 == b >> 20 else 7), ()


def _gender(one: Record, other: Record) -> Found:
    a, b = one.gender, other.gender
    if a is None or b is None:
        return MISSING, ()
    if one.given is not None and other.given is not None:
        x, y = name_of(one.given).formal, name_of(other.given).formal
        if one.given in y or other.given in x:
            return MISSING, ()
    return (EXACT if a == b else 2), ()


# E-mail addresses and phone numbers


def _email(one: Record, other: Record) -> Found:
    if not one.emails or not other.emails:
        return MISSING, ()
    level, agreed = 4, list[Agreed]()
    for a in one.emails:
        for b in other.emails:
            now = _email_level(a, b)
            if now == EXACT:
                agreed.append(("email", a))
            level = min(level, now)
    if level == 3 and _has_like_surnames(one, other):  # noqa: PLR2004  (near)
        # Addresses made of one surname are near each other, whoever's they are.
        return MISSING, ()
    return level, tuple(agreed)


def _has_like_surnames(one: Record, other: Record) -> bool:
    a, b = one.family, other.family
    return a is not None and b is not None and name_of(a).sound == name_of(b).sound


def _email_level(a: str, b: str) -> int:
    if a == b:
        return EXACT
    local = split_email(a)[0]
    if local == split_email(b)[0] and DIGIT.search(local):
        return 2
    return 3 if OSA.distance(a, b, score_cutoff=2) <= comparing.EMAIL_EDITS else 4


def _phone(one: Record, other: Record) -> Found:
    if not one.phones or not other.phones:
        return MISSING, ()
    level, agreed = 4, list[Agreed]()
    for a in one.phones:
        for b in other.phones:
            if a == b:
                agreed.append(("phone", a.lstrip("0")))
            level = min(level, _phone_level(a, b))
    return level, tuple(agreed)


def _phone_level(a: str, b: str) -> int:
    if a == b:
        return EXACT
    if a[2:] == b[2:]:
        return 2
    off = [place for place in range(len(a)) if a[place] != b[place]]
    if len(off) == 1:
        return 3
    if len(off) == 2 and off[1] == off[0] + 1:  # noqa: PLR2004  (digits)
        first, second = off
        if a[first] == b[second] and a[second] == b[first]:
            return 3
    return 4


# Addresses


def _best(one: Record, other: Record, compare: Callable[[Place, Place], Found]) -> Found:
    best: Found = (MISSING, ())
    for a in one.places:
        for b in other.places:
            found = compare(a, b)
            if found[0] and (not best[0] or found[0] < best[0]):
                best = found
    return best


def _street(one: Record, other: Record) -> Found:
    return _best(one, other, _street_level)


def _street_level(a: Place, b: Place) -> Found:
    if a.street is None or b.street is None:
        return MISSING, ()
    if a.line == b.line:
        return EXACT, (("street", SEPARATOR.join(filter(None, a.line or ()))),)
    if a.core is None or b.core is None:
        return 4, ()
    if a.core != b.core:
        score = _similarity(a.core, b.core, comparing.STREET_UNLIKE)
        if score < comparing.NEARLY:
            return 4, ()
    same = a.number is None or b.number is None or a.number == b.number
    return (2 if same else 3), ()


def _place(one: Record, other: Record) -> Found:
    return _best(one, other, _place_level)


def _place_level(a: Place, b: Place) -> Found:
    by_post = _likeness(a.postal, b.postal, lambda x, y: OSA.distance(x, y, score_cutoff=1) <= 1)
    by_city = _likeness(
        a.city, b.city, lambda x, y: JaroWinkler.similarity(x, y) >= comparing.NEARLY
    )
    level = int(comparing.LOCALITY_LEVELS[by_post, by_city])
    if by_post == _SAME and a.postal is not None:
        return level, (("postal", a.postal),)
    return level, (("city", a.city),) if by_city == _SAME and a.city is not None else ()


def _likeness(a: str | None, b: str | None, is_near: Callable[[str, str], bool]) -> int:
    if a is None or b is None:
        return MISSING
    if a == b:
        return _SAME
    return _NEAR if is_near(a, b) else _DIFFERENT


# All other values


_TELLING: dict[str, Callable[[Record], str | None]] = {
    kinds.GIVEN_NAME: lambda record: record.given,
    kinds.FAMILY_NAME: lambda record: record.family,
    kinds.GENDER: lambda record: record.gender,
    redundant.POSTAL: lambda record: record.places[0].postal if record.places else None,
    redundant.CITY: lambda record: record.places[0].city if record.places else None,
}


def _plain(name: str, told_by: Sequence[str]) -> Callable[[Record, Record], Found]:
    telling = [_TELLING.get(one) or _other(one) for one in told_by]

    def compare(one: Record, other: Record) -> Found:
        a, b = one.others.get(name), other.others.get(name)
        if a is None or b is None:
            return MISSING, ()
        if any((known := of(one)) is not None and known == of(other) for of in telling):
            return MISSING, ()
        if a == b:
            return EXACT, ((name, a),)
        unlike = (_letters(a) ^ _letters(b)).bit_count() > comparing.MOST_UNLIKE
        begins = (text[: comparing.BEGINNING_OF_TEXT] for text in (a, b))
        is_near = not unlike and JaroWinkler.similarity(*begins) >= comparing.TEXT_NEAR
        return (_NEAR if is_near else _DIFFERENT), ()

    return compare


def _other(name: str) -> Callable[[Record], str | None]:
    return lambda record: record.others.get(name)


_COMPARE: dict[str, Callable[[Record, Record], Found]] = {
    kinds.GIVEN_NAME: _given,
    kinds.FAMILY_NAME: _family,
    kinds.MIDDLE_NAME: _middle,
    kinds.SUFFIX: _suffix,
    kinds.BIRTH_DATE: _birth,
    kinds.GENDER: _gender,
    kinds.EMAIL: _email,
    kinds.PHONE: _phone,
    kinds.STREET: _street,
    kinds.PLACE: _place,
}

"""Compare two records, as `matching.comparing` does many pairs; tests hold the results equal."""

from __future__ import annotations

import math
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from customer_profiles.identity.matching import comparing, levels, redundant
from customer_profiles.identity.matching.levels import EXACT, MISSING
from customer_profiles.identity.preparing import kinds
from customer_profiles.identity.preparing.addresses import SEPARATOR
from customer_profiles.identity.preparing.companies import is_company_column
from customer_profiles.identity.preparing.names import formal_names, sound_of
from customer_profiles.identity.preparing.normalize import LETTERS
from customer_profiles.identity.scripts.letters import Script, script_of
from customer_profiles.identity.scripts.readings import readings, romanised

from .record import DIGIT, split_email

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from enum import IntEnum

    from customer_profiles.identity.matching.scoring import Attribute
    from customer_profiles.identity.model import Model

    from .record import Address, Record

    Agreed = tuple[str, str]
    """A value that both records have: its vocabulary, and its text."""
    Found = tuple[int, tuple[Agreed, ...]]
    """A level, and the values agreed on, whose term frequency counts."""
    Compare = Callable[[Record, Record], Found]
    # Any: a birth date is an integer, all other parts are texts.
    LevelOf = Callable[[Record, Record, Any, Any], int]

_CACHED = 200_000


class Name(NamedTuple):
    """What follows from a name."""

    initial: str
    formal: frozenset[str]
    """The name itself and the formal names of which it is a nickname."""
    first_word: str
    last_word: str | None
    """The last of several words."""
    sound: str
    script: Script
    length: int
    """The number of letters; 2 for a single Chinese character, which is not an initial."""


@lru_cache(_CACHED)
def name_of(text: str) -> Name:
    """Return what follows from a name."""
    words = text.split(" ")
    last = words[-1] if len(words) > 1 else None
    formal, script = frozenset((text, *formal_names().get(text, ()))), script_of(text)
    is_eastern = script in {Script.HAN, Script.HANGUL}
    latin = romanised(text)
    initial, length = (text[:1], max(len(text), 2)) if is_eastern else (latin[:1], len(text))
    return Name(initial, formal, words[0], last, sound_of(latin), script, length)


@lru_cache(_CACHED)
def _letters(text: str) -> int:
    bits = 0
    for letter in text:
        bits |= LETTERS.get(letter, 0)
    return bits


def _similarity(a: str, b: str, most_unlike: int) -> float:
    """Return the similarity of two texts; 0 if more letters than that are in only one of them."""
    if (_letters(a) ^ _letters(b)).bit_count() > most_unlike:
        return 0.0
    return JaroWinkler.similarity(a, b)


def _readings_of(a: str, b: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return the readings by which two names are compared; none if they are in one script."""
    x, y = name_of(a).script, name_of(b).script
    if x == y:
        return (), ()
    script = max(x, y)
    return readings(a, script), readings(b, script)


def _reads_alike(a: str, b: str) -> bool:
    """Return whether two names are in different scripts and share a reading."""
    x, y = _readings_of(a, b)
    return not set(x).isdisjoint(y)


def _is_near_across(a: str, b: str) -> bool:
    """Return whether the usual readings of two names in different scripts are nearly equal."""
    x, y = _readings_of(a, b)
    return (
        min(map(len, (*x[:1], *y[:1])), default=0) >= comparing.NEAR_READING
        and OSA.distance(x[0], y[0], score_cutoff=1) <= 1
    )


def _unlike(a: str, b: str) -> str:
    """Return the name of the level of names that have nothing in common."""
    x, y = name_of(a).script, name_of(b).script
    return "MISSING" if x != y and Script.HAN in {x, y} else "DIFFERENT"


class Scorer:
    """Compares and scores single pairs of records by a model."""

    def __init__(self, model: Model) -> None:
        own = {
            comparison.name: _own(comparison.name, comparison.single(model.term_frequencies))
            for comparison in model.own.compared
        }
        self._steps = [
            _Step(
                own.get(attribute.name)
                or _COMPARE.get(attribute.name)
                or _plain(attribute.name, attribute.implied_by),
                _first_codes(attribute, is_own=attribute.name in own),
                attribute.has_tf.tolist(),
                logs.T.tolist(),
            )
            for attribute, logs in zip(model.weights.attributes, model.weights.logs(), strict=True)
        ]
        self._priors = model.weights.priors().tolist()
        self._tf = model.term_frequencies.class_of

    def codes(self, left: Record, right: Record) -> list[int]:
        """Compare two records and return the code of each attribute."""
        result = []
        for step in self._steps:
            level, agreed = step.compare(left, right)
            code = step.first[level]
            if agreed and step.has_tf[code]:
                # Of several common values, the rarest is the strongest evidence.
                code += max(self._tf(*value) for value in agreed)
            result.append(code)
        return result

    def probability(self, codes: Sequence[int]) -> float:
        """Return the probability that records with these codes are of the same person."""
        match, related, chance = self._priors
        for step, code in zip(self._steps, codes, strict=True):
            of_match, of_related, of_chance = step.logs[code]
            match += of_match
            related += of_related
            chance += of_chance
        return 1 / (1 + math.exp(min(related - match, 700)) + math.exp(min(chance - match, 700)))


def _first_codes(attribute: Attribute, *, is_own: bool) -> list[int]:
    """Return the first code of each level; a model may be older than some built-in levels."""
    first, level = attribute.first_codes(), _LEVELS.get(attribute.name)
    if level is None or is_own:
        return first
    return [first[number] for number in levels.renumbered(levels.labels(level), attribute.levels)]


class _Step(NamedTuple):
    """How one attribute is compared, and the weights of its codes."""

    compare: Compare
    first: list[int]
    """The first code of each level."""
    has_tf: list[bool]
    """Whether a code stands for a value whose term frequency counts."""
    logs: list[list[float]]
    """Of each code the log densities of the three classes of pairs."""


def _is_near(a: str, b: str, score: float) -> bool:
    short = min(name_of(a).length, name_of(b).length)
    if score < comparing.NEARLY or short < comparing.SHORTEST:
        return False
    edits = OSA.distance(a, b, score_cutoff=2)
    return edits <= 1 or (edits == 2 and short >= comparing.LONG)  # noqa: PLR2004  (edits)


def _dissimilar(a: str, b: str, score: float) -> str:
    """Return the name of the level of names that have at most letters in common."""
    is_alike, kept = score >= comparing.SIMILAR, 0.0
    if name_of(a).script != name_of(b).script:
        if not is_alike:
            return "NEAR" if _is_near_across(a, b) else _unlike(a, b)
    elif (_letters(a) ^ _letters(b)).bit_count() <= comparing.REMOTELY_UNLIKE:
        kept = OSA.normalized_similarity(a, b)
    if kept >= comparing.CLOSELY_KEPT or (is_alike and kept >= comparing.REMOTELY_KEPT):
        return "SIMILAR"
    if is_alike or kept >= comparing.REMOTELY_KEPT:
        return "REMOTELY_SIMILAR"
    return "FAINTLY_SIMILAR" if kept >= comparing.FAINTLY_KEPT else "DIFFERENT"


def _is_swapped(left: Record, right: Record) -> bool:
    a, b, c, d = left.given, right.family, left.family, right.given
    if not (a and b and c and d):
        return False
    return (a == b and c == d) or (_reads_alike(a, b) and _reads_alike(c, d))


_UNLIKE_COMPANIES = {
    "given": levels.GivenName.DIFFERENT,
    "family": levels.FamilyName.DIFFERENT,
}
"""The level of the names of a company and of a person."""


def _part(name: str, level_of: LevelOf) -> Compare:
    """Compare a part that each record has once; only its level depends on the part."""
    part = attrgetter(name)
    unlike = _UNLIKE_COMPANIES.get(name)

    def compare(left: Record, right: Record) -> Found:
        if unlike and left.is_company != right.is_company:
            return unlike, ()
        a, b = part(left), part(right)
        if not a or not b:
            return MISSING, ()
        level = level_of(left, right, a, b)
        if level != EXACT:
            return level, ()
        # Names in different scripts agree without being equal.
        values = (a,) if a == b else (a, b)
        return level, tuple((name, x if isinstance(x, str) else f"{x:x}") for x in values)

    return compare


def _given(  # noqa: PLR0911  (one for each level)
    left: Record, right: Record, a: str, b: str
) -> int:
    x, y = name_of(a), name_of(b)
    if (a == b and x.length > 1) or _reads_alike(a, b):
        return levels.GivenName.EXACT
    if a != b and not x.formal.isdisjoint(y.formal):
        return levels.GivenName.NICKNAME
    score = _similarity(a, b, comparing.MOST_UNLIKE)
    if _is_near(a, b, score):
        return levels.GivenName.NEAR
    short = min(x.length, y.length)
    if short > 1 and (a == right.middle or b == left.middle):
        return levels.GivenName.MIDDLE_NAME
    if short == 1 and a[:1] == b[:1]:
        return levels.GivenName.INITIAL
    if score >= comparing.BEGUN and short >= comparing.BEGINNING:
        edits = OSA.distance(a, b)
        if edits == max(x.length, y.length) - short:
            return levels.GivenName.BEGINNING
    if _is_swapped(left, right):
        return levels.GivenName.SWAPPED
    return levels.GivenName[_dissimilar(a, b, score)]


def _family(left: Record, right: Record, a: str, b: str) -> int:
    x, y = name_of(a), name_of(b)
    if (a == b and x.length > 1) or _reads_alike(a, b):
        return levels.FamilyName.EXACT
    # An equal initial is too weak to be a level of its own.
    if x.initial == y.initial and min(x.length, y.length) == 1:
        return levels.FamilyName.MISSING
    if _is_swapped(left, right):
        return levels.FamilyName.MISSING
    score = _similarity(a, b, comparing.MOST_UNLIKE)
    if _is_near(a, b, score):
        return levels.FamilyName.NEAR
    part = (x.last_word or y.last_word) and x.first_word == y.first_word
    part = part or (x.last_word and x.last_word in {y.first_word, y.last_word})
    if part or (y.last_word and y.last_word == x.first_word):
        return levels.FamilyName.PART
    return levels.FamilyName[_dissimilar(a, b, score)]


def _middle(_left: Record, _right: Record, a: str, b: str) -> int:
    if a == b or _reads_alike(a, b):
        return levels.MiddleName.EXACT
    x, y = name_of(a), name_of(b)
    if x.initial == y.initial and min(x.length, y.length) == 1:
        return levels.MiddleName.INITIAL
    return levels.MiddleName[_unlike(a, b)]


def _suffix(left: Record, right: Record) -> Found:
    a, b = left.suffix, right.suffix
    if a is None or b is None:
        return (MISSING if a == b else levels.Suffix.ONE_HAS_NONE), ()
    return (EXACT if a == b else levels.Suffix.DIFFERENT), ()


def _birth(_left: Record, _right: Record, a: int, b: int) -> levels.BirthDate:  # noqa: PLR0911
    if a == b and a & 0xFF:
        return levels.BirthDate.EXACT
    month_a, month_b, day_a, day_b = a >> 8 & 0xFF, b >> 8 & 0xFF, a & 0xFF, b & 0xFF
    same_year = a >> 16 == b >> 16
    if (day_a == 0 or day_b == 0) and same_year:
        return levels.BirthDate.SAME_YEAR
    if same_year and month_a == day_b and day_a == month_b:
        return levels.BirthDate.DAY_AND_MONTH_SWAPPED
    digits = sum(x != y for x, y in zip(f"{a:08x}", f"{b:08x}", strict=True))
    if digits == 1:
        return levels.BirthDate.ONE_DIGIT
    if same_year + (month_a == month_b) + (day_a == day_b) == 2:  # noqa: PLR2004  (parts)
        return levels.BirthDate.TWO_PARTS
    if digits == 2:  # noqa: PLR2004  (digits)
        return levels.BirthDate.TWO_DIGITS
    edits = OSA.distance(f"{a:x}", f"{b:x}", score_cutoff=comparing.DATE_EDITS)
    if edits <= comparing.DATE_EDITS:
        return levels.BirthDate.SIMILAR
    if same_year:
        return levels.BirthDate.SAME_YEAR
    return levels.BirthDate.SAME_DECADE if a >> 20 == b >> 20 else levels.BirthDate.DIFFERENT


def _gender(left: Record, right: Record, a: str, b: str) -> levels.Gender:
    if left.given is not None and right.given is not None:
        # A given name usually implies the gender, so its agreement must not count twice.
        x, y = name_of(left.given).formal, name_of(right.given).formal
        if left.given in y or right.given in x:
            return levels.Gender.MISSING
    return levels.Gender.EXACT if a == b else levels.Gender.DIFFERENT


def _email(left: Record, right: Record) -> Found:
    if not left.emails or not right.emails:
        return MISSING, ()
    if agreed := tuple(("email", email) for email in left.emails if email in right.emails):
        return EXACT, agreed
    level = min(_email_level(a, b) for a in left.emails for b in right.emails)
    a, b = left.family, right.family
    if level == levels.Email.NEAR and a and b and name_of(a).sound == name_of(b).sound:
        # Addresses made from one surname resemble each other, whoever owns them.
        return MISSING, ()
    return level, ()


def _email_level(a: str, b: str) -> levels.Email:
    local = split_email(a)[0]
    if local == split_email(b)[0] and DIGIT.search(local):
        return levels.Email.SAME_LOCAL_PART
    is_near = OSA.distance(a, b, score_cutoff=2) <= comparing.EMAIL_EDITS
    return levels.Email.NEAR if is_near else levels.Email.DIFFERENT


def _phone(left: Record, right: Record) -> Found:
    if not left.phones or not right.phones:
        return MISSING, ()
    if agreed := tuple(("phone", a.lstrip("0")) for a in left.phones if a in right.phones):
        return EXACT, agreed
    return min(_phone_level(a, b) for a in left.phones for b in right.phones), ()


def _phone_level(a: str, b: str) -> levels.Phone:
    if a[2:] == b[2:]:
        return levels.Phone.SAME_END
    differing = [position for position in range(len(a)) if a[position] != b[position]]
    if len(differing) == 1:
        return levels.Phone.ONE_DIGIT
    if len(differing) == 2 and differing[1] == differing[0] + 1:  # noqa: PLR2004  (digits)
        first, second = differing
        if a[first] == b[second] and a[second] == b[first]:
            return levels.Phone.ONE_DIGIT
    most = comparing.PHONE_EDITS
    edits = OSA.distance(a.lstrip("0"), b.lstrip("0"), score_cutoff=most)
    is_similar = min(len(differing), edits) <= most
    return levels.Phone.SIMILAR if is_similar else levels.Phone.DIFFERENT


def _best_of(compare: Callable[[Address, Address], Found]) -> Compare:
    """Compare each address of one record with each of the other; the best level counts."""

    def best(left: Record, right: Record) -> Found:
        result: Found = (MISSING, ())
        for a in left.addresses:
            for b in right.addresses:
                found = compare(a, b)
                if found[0] and (not result[0] or found[0] < result[0]):
                    result = found
        return result

    return best


def _street(a: Address, b: Address) -> Found:
    if a.street is None or b.street is None:
        return MISSING, ()
    if a.line == b.line:
        return EXACT, (("street", SEPARATOR.join(filter(None, a.line or ()))),)
    if a.core is None or b.core is None:
        return levels.Street.DIFFERENT, ()
    if a.core != b.core:
        score = _similarity(a.core, b.core, comparing.STREET_UNLIKE)
        if score < comparing.NEARLY:
            return levels.Street.DIFFERENT, ()
    same_number = a.number is None or b.number is None or a.number == b.number
    return (levels.Street.NEAR if same_number else levels.Street.SAME_STREET), ()


_LOCALITY_LEVELS: list[list[int]] = comparing.LOCALITY_LEVELS.tolist()


def _locality(a: Address, b: Address) -> Found:
    by_postal = _text_level(
        a.postal, b.postal, lambda x, y: OSA.distance(x, y, score_cutoff=1) <= 1
    )
    by_city = _text_level(a.city, b.city, _is_near_city)
    level = _LOCALITY_LEVELS[by_postal][by_city]
    if by_postal == EXACT and a.postal is not None:
        return level, (("postal", a.postal),)
    return level, (("city", a.city),) if by_city == EXACT and a.city is not None else ()


def _is_near_city(a: str, b: str) -> bool:
    score = JaroWinkler.similarity(a, b)
    if not comparing.RESEMBLING <= score < comparing.NEARLY:
        return score >= comparing.NEARLY
    return OSA.normalized_similarity(a, b) >= comparing.CLOSELY_KEPT


def _is_near_text(a: str, b: str) -> bool:
    letters_a, letters_b = _letters(a), _letters(b)
    if (letters_a ^ letters_b).bit_count() > comparing.MOST_UNLIKE:
        return False
    a, b = a[: comparing.BEGINNING_OF_TEXT], b[: comparing.BEGINNING_OF_TEXT]
    if JaroWinkler.similarity(a, b) >= comparing.TEXT_NEAR:
        return True
    # Numbers have many digits in common by chance.
    if not (letters_a & comparing.WORDED and letters_b & comparing.WORDED):
        return False
    return OSA.normalized_similarity(a, b) >= comparing.TEXT_KEPT


def _text_level(a: str | None, b: str | None, is_near: Callable[[str, str], bool]) -> int:
    if a is None or b is None:
        return MISSING
    if a == b:
        return EXACT
    return levels.Text.NEAR if is_near(a, b) else levels.Text.DIFFERENT


_IMPLYING: dict[str, Callable[[Record], str | None]] = {
    kinds.GIVEN_NAME: lambda record: record.given,
    kinds.FAMILY_NAME: lambda record: record.family,
    kinds.GENDER: lambda record: record.gender,
    redundant.POSTAL: lambda record: record.addresses[0].postal if record.addresses else None,
    redundant.CITY: lambda record: record.addresses[0].city if record.addresses else None,
}


def _plain(name: str, implied_by: Sequence[str]) -> Compare:
    """Return the comparison of an identifier or text, given the attributes that determine it."""
    implying = [_IMPLYING.get(attribute) or _other(attribute) for attribute in implied_by]
    is_firm = is_company_column(name)

    def compare(left: Record, right: Record) -> Found:
        a, b = left.others.get(name), right.others.get(name)
        if a is None or b is None or (is_firm and (left.is_company or right.is_company)):
            return MISSING, ()
        for get in implying:
            if (value := get(left)) is not None and value == get(right):
                return MISSING, ()
        level = _text_level(a, b, _is_near_text)
        return level, ((name, a),) if level == EXACT else ()

    return compare


def _own(name: str, compare: Callable[[Any, Any], Found]) -> Compare:
    """Return a comparison that a user defines."""
    return lambda left, right: compare(left.own[name], right.own[name])


def _other(name: str) -> Callable[[Record], str | None]:
    return lambda record: record.others.get(name)


_COMPARE: dict[str, Compare] = {
    kinds.GIVEN_NAME: _part("given", _given),
    kinds.FAMILY_NAME: _part("family", _family),
    kinds.MIDDLE_NAME: _part("middle", _middle),
    kinds.SUFFIX: _suffix,
    kinds.BIRTH_DATE: _part("birth", _birth),
    kinds.GENDER: _part("gender", _gender),
    kinds.EMAIL: _email,
    kinds.PHONE: _phone,
    kinds.STREET: _best_of(_street),
    kinds.LOCALITY: _best_of(_locality),
}
_LEVELS: dict[str, type[IntEnum]] = {
    kinds.GIVEN_NAME: levels.GivenName,
    kinds.FAMILY_NAME: levels.FamilyName,
    kinds.BIRTH_DATE: levels.BirthDate,
    kinds.PHONE: levels.Phone,
    kinds.LOCALITY: levels.Locality,
}
"""The levels that have grown since models were stored."""

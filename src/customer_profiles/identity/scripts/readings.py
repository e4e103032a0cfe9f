"""Compare names across scripts: how a name sounds, in the letters that its spellings share.

Romanisations of one name differ: Mohammed and Muhammad, Yulia and Julia, Lee and Yi. For each
script, a reduction maps what romanisations confuse to the same letters. Two names in different
scripts agree if they share a reduction; names in the same script are never reduced.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import islice, product
from typing import TYPE_CHECKING, Protocol

from anyascii import anyascii

from .letters import Script, latin, script_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Reduction = Callable[[str], str]
    Read = Callable[[str], Iterator[str]]
    """Yields the readings of a name."""

_CACHED = 200_000
_MOST_READINGS = 8
"""How many readings of one name are compared."""


@lru_cache(_CACHED)
def readings(name: str, script: Script) -> tuple[str, ...]:
    """Return how a name reads when it is compared with names of a script.

    Args:
        name: a cleaned name of any script.
        script: a script other than Latin.

    Returns:
        The reductions of the name's spellings, the usual one first.
    """
    read = _READ_NATIVE if script_of(name) == script else _READ_ROMANISED
    return tuple(dict.fromkeys(filter(None, islice(read[script](name), _MOST_READINGS))))


@lru_cache(_CACHED)
def romanised(name: str) -> str:
    """Return the usual Latin spelling of a cleaned name."""
    if name.isascii():
        return name
    return " ".join("".join(filter(str.isalnum, anyascii(word).lower())) for word in name.split())


def _sequence(*steps: tuple[str, str]) -> Reduction:
    """Return a reduction that makes substitutions one after the other."""
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in steps]

    def reduce(spelling: str) -> str:
        for pattern, replacement in compiled:
            spelling = pattern.sub(replacement, spelling)
        return spelling

    return reduce


_NO_LETTER = (r"[^a-z]+", "")
_DOUBLED = (r"(.)\1+", r"\1")

# Chinese and Japanese: both are written in Han characters, and their readings are kept apart.

_CHINESE, _JAPANESE = "-", "~"
_READ_AS_SURNAMES = {
    "曾": "zeng", "单": "shan", "單": "shan", "解": "xie", "仇": "qiu", "区": "ou", "區": "ou",
    "朴": "piao", "查": "zha", "盖": "ge", "葛": "ge", "尉迟": "yuchi", "乐": "yue", "翟": "zhai",
    "覃": "qin", "万俟": "moqi", "缪": "miao", "冼": "xian", "长孙": "zhangsun", "员": "yun",
    "种": "chong", "秘": "bi", "召": "shao", "澹台": "tantai", "牟": "mu", "祭": "zhai",
}  # fmt: skip
_PINYIN = _sequence(_NO_LETTER, (r"(?<=[nl])v", "u"))
_ROMAJI = _sequence(
    _NO_LETTER, (r"oh(?![aiueo])|ou|oo", "o"), (r"uu", "u"), (r"aa", "a"), (r"ii", "i"),
    (r"s(?=i(?![aueo]))", "sh"), (r"sy", "sh"), (r"t(?=i)", "ch"), (r"ty|tch|cch", "ch"),
    (r"tu", "tsu"), (r"hu", "fu"), (r"(?:[zd]|dz)i", "ji"), (r"[zj]y", "j"), (r"du|dzu", "zu"),
    (r"m(?=[bp])", "n"), (r"l", "r"), _DOUBLED,
)  # fmt: skip


def _read_han(name: str) -> Iterator[str]:
    yield _CHINESE + _PINYIN(romanised(name))
    if name in _READ_AS_SURNAMES:
        yield _CHINESE + _READ_AS_SURNAMES[name]
    yield from (_JAPANESE + _ROMAJI(latin(kana)) for kana in _japanese(name))


def _read_as_han(name: str) -> Iterator[str]:
    spelling = romanised(name)
    yield _CHINESE + _PINYIN(spelling)
    yield _JAPANESE + _ROMAJI(spelling)


class _Word(Protocol):
    """A word of the Japanese dictionary."""

    def reading_form(self) -> str:
        """Return the word in katakana."""
        ...

    def part_of_speech(self) -> Sequence[str]:
        """Return the word's classes, from general to special."""
        ...


class _Dictionary(Protocol):
    """The dictionary of SudachiPy, which has no types."""

    def lookup(self, surface: str) -> Iterable[_Word]:
        """Return the words that are written so."""
        ...


@cache
def _dictionary() -> tuple[_Dictionary, Callable[[str], Iterable[_Word]]] | None:
    """Return the Japanese dictionary and its tokenizer; None if it is not installed."""
    try:
        from sudachipy import Dictionary
    except ImportError:
        return None
    dictionary = Dictionary(dict="small")
    return dictionary, dictionary.tokenizer().tokenize


def _japanese(name: str) -> Iterator[str]:
    """Yield a name's readings in kana: those of names, else of its words."""
    if (found := _dictionary()) is None:
        return
    dictionary, tokenize = found
    words = list(dictionary.lookup(name))
    known = [word for word in words if _NAME in word.part_of_speech()] or words
    if known:
        yield from (word.reading_form() for word in known)
    else:
        yield "".join(word.reading_form() for word in tokenize(name))


_NAME, _SURNAME, _GIVEN = "人名", "姓", "名"


@lru_cache(_CACHED)
def is_japanese(surname: str, given: str = "") -> bool:
    """Return whether the Japanese dictionary has a surname, and a given name if there is one."""
    found = _dictionary()
    return found is not None and all(
        any(part in word.part_of_speech() for word in found[0].lookup(name))
        for name, part in ((surname, _SURNAME), (given, _GIVEN))
        if name
    )


# Korean: vowels become capitals, so that they are not replaced twice.

_KOREAN = _sequence(
    _NO_LETTER, (r"r(?=k)", ""), (r"sh", "s"), (r"rh", "l"), (r"ph", "p"), (r"th", "t"),
    (r"kh|q|c(?!h)", "k"),
    (r"ch|z", "j"), (r"[fv]", "p"), (r"x", "ks"), (r"g", "k"), (r"b", "p"), (r"d", "t"),
    (r"r", "l"), (r"([klmnpstj])\1+", r"\1"), (r"([aeou])h(?![aeiouyw])", r"\1"),
    (r"ya[ei]|ye(?!o)", "yE"), (r"y(?:eo|ou|oo|o|u)", "yO"), (r"ya", "yA"), (r"woo|wu", "O"),
    (r"w(?:eo|o)", "wO"), (r"wa[ei]|we|oe|oi|oy", "wE"), (r"wa", "wA"),
    (r"wi|eui|u[iy]|yi|ee|i", "I"), (r"a[eiy]|e(?![ou])", "E"), (r"eo|eu|oo|ou|o|u", "O"),
    (r"a", "A"), (r"([A-Z])\1+", r"\1"),
)  # fmt: skip


def _read_korean(name: str) -> Iterator[str]:
    spelling = romanised(name)
    yield _KOREAN(spelling)
    if len(name) == 1:
        # The first consonant of surnames such as Ri, Ryu and Roh is not spoken in the South.
        if spelling[:1] in "iy":
            yield _KOREAN("l" + spelling)
        elif spelling[:1] in "nrl":
            yield _KOREAN("l" + spelling[1:])
            yield _KOREAN(spelling[1:])


# Arabic, Persian and Hebrew: the consonants. Native letters are mapped to the reduced alphabet.

_ARTICLE = re.compile(r"(?:^|(?<= ))ال(?=\S\S)")
_ARABIC_LETTERS = {
    "ا": "a", "ع": "a", "ئ": "", "ؤ": "w", "ء": "", "ب": "b", "پ": "b", "ت": "t", "ة": "h",
    "ث": "t/s", "ج": "j/k", "چ": "S", "ح": "h", "خ": "k", "د": "d", "ذ": "d/z", "ر": "r",
    "ز": "z", "ژ": "j", "س": "s", "ش": "S", "ص": "s", "ض": "d/z", "ط": "t", "ظ": "z/d",
    "غ": "k", "ف": "f", "ق": "k", "ك": "k", "گ": "k", "ل": "l", "م": "m", "ن": "n", "ه": "h",
    "و": "w", "ي": "y",
}  # fmt: skip
_CONSONANTS = (
    (r" ", ""), (r"h$", ""), _DOUBLED, (r"^[aeiou]", "A"), (r"^[vw]", "W"), (r"^y", "Y"),
    (r"[aeiouyvw]", ""), (r"^(Abd)l(?=..)", r"\1"),
)  # fmt: skip
_REDUCE_CONSONANTS = _sequence(*_CONSONANTS)
_ARABIC = _sequence(
    (r"(?:^|(?<= ))(?:al|el) (?=\S)", ""), _NO_LETTER, (r"t?ch|s?sh|sch", "S"), (r"zh|dj", "j"),
    (r"[kg]h|ck|[gqc]", "k"), (r"x", "ks"), (r"th", "t"), (r"dh", "d"), (r"ph", "f"), (r"p", "b"),
    *_CONSONANTS,
)  # fmt: skip
_HEBREW_LETTERS = {
    "א": "a", "ב": "b", "ג": "g", "ד": "d", "ה": "h", "ו": "/b", "ז": "s", "ח": "h", "ט": "t",
    "י": "y", "כ": "k/h", "ל": "l", "מ": "m", "נ": "n", "ס": "s", "ע": "a", "פ": "p", "צ": "s",
    "ק": "k", "ר": "r", "ש": "s", "ת": "t",
}  # fmt: skip
_HEBREW = _sequence(
    _NO_LETTER, (r"t[zs]|cz", "z"), (r"sch|sh", "s"), (r"[ck]h", "h"), (r"ck|[cq]", "k"),
    (r"x", "ks"), (r"z", "s"), (r"ph|f", "p"), (r"[vw]", "b"), (r"th", "t"), (r"^j", "y"),
    (r"j", "g"), *_CONSONANTS,
)  # fmt: skip


def _variants(name: str, letters: Mapping[str, str]) -> Iterator[str]:
    """Yield the ways to read a name, of which some letters may be read in two ways."""
    ways = product(*(letters.get(letter, letter).split("/") for letter in name))
    return (_REDUCE_CONSONANTS("".join(way)) for way in ways)


def _read_arabic(name: str) -> Iterator[str]:
    for text in dict.fromkeys((_ARTICLE.sub("", name), name)):
        yield from islice(_variants(text, _ARABIC_LETTERS), _MOST_READINGS // 2)


def _read_hebrew(name: str) -> Iterator[str]:
    yield from islice(_variants(name, _HEBREW_LETTERS), _MOST_READINGS // 2)
    if name.startswith("י"):
        yield from _variants("א" + name[1:], _HEBREW_LETTERS)


# Cyrillic and Greek

_CYRILLIC = _sequence(
    _NO_LETTER, (r"shch|t?sch|tch|sh|ch|t[sz]|cz|c(?=[eiy])", "s"), (r"c", "k"),
    (r"zh", "z"), (r"x", "ks"), (r"kh|[hg]", "h"), (r"ck|q", "k"), (r"ph|[wf]", "v"),
    (r"th", "t"), (r"[jy]", "i"), (r"ou", "u"), _DOUBLED, (r"i[eo]", "e"), _DOUBLED,
)  # fmt: skip
_GREEK = _sequence(
    _NO_LETTER, (r"^y(?=[aeou])", "gi"), (r"(?<=[aeio])y(?=i)", "g"), (r"o[uy]", "u"),
    (r"ph|f", "v"), (r"a[uy]", "av"), (r"e[uy]", "ev"), (r"ai", "e"),
    (r"[eouy]i", "i"), (r"ch|kh", "h"), (r"x", "ks"), (r"th", "t"), (r"ck|[cq]", "k"),
    (r"m[bp]|p(?=b)", "b"), (r"nt", "d"), (r"gk|n?g+h?|ngk", "g"), (r"t[zs]|dj|z|j", "s"),
    (r"y", "i"), _DOUBLED,
)  # fmt: skip


def _read_cyrillic(name: str) -> Iterator[str]:
    spelling = romanised(name)
    yield _CYRILLIC(spelling)
    if "zh" in spelling:
        # As in French.
        yield _CYRILLIC(spelling.replace("zh", "j"))


def _by(reduce: Reduction) -> Read:
    return lambda name: iter([reduce(romanised(name))])


_READ_ROMANISED: dict[Script, Read] = {
    Script.HAN: _read_as_han,
    Script.HANGUL: _by(_KOREAN),
    Script.ARABIC: _by(_ARABIC),
    Script.HEBREW: _by(_HEBREW),
    Script.CYRILLIC: _by(_CYRILLIC),
    Script.GREEK: _by(_GREEK),
}
_READ_NATIVE: dict[Script, Read] = {
    Script.HAN: _read_han,
    Script.HANGUL: _read_korean,
    Script.ARABIC: _read_arabic,
    Script.HEBREW: _read_hebrew,
    Script.CYRILLIC: _read_cyrillic,
    Script.GREEK: _by(_GREEK),
}

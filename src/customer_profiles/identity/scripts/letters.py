"""Transliterate text of any script to Latin letters, so that spellings of a name become equal."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from typing import TYPE_CHECKING

from anyascii import anyascii

if TYPE_CHECKING:
    from collections.abc import Callable


class Script(IntEnum):
    """The scripts whose names are compared in their own letters; all others become Latin."""

    LATIN, HAN, HANGUL, ARABIC, HEBREW, CYRILLIC, GREEK = range(7)


_HANGUL = range(0xAC00, 0xD7B0)
_CHINESE, _MORE_CHINESE = range(0x2E80, 0xA4D0), range(0xF900, 0x32000)
_ALPHABETS = {
    Script.GREEK: (range(0x370, 0x400), range(0x1F00, 0x2000)),
    Script.CYRILLIC: (range(0x400, 0x530),),
    Script.HEBREW: (range(0x590, 0x600),),
    Script.ARABIC: (range(0x600, 0x700), range(0x750, 0x780)),
}
_KANA = re.compile("[\u3041-\u30fe]")
_PRESENTATION_FORMS = range(0xFB00, 0x10000)
_COMBINING_ACCENTS_END = 0x370
# Soft hyphens, joiners, marks of direction, byte order marks, selectors of variants, and fillers.
# The non-joiner is among them: Persian names are written with it, with a space, or with neither.
_INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def without_invisible(text: str) -> str:
    """Remove the characters that are not displayed, such as zero-width spaces."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def script_of(text: str) -> Script:
    """Return the script of a normalized text: that of its first character that is not Latin."""
    if text.isascii():
        return Script.LATIN
    return next(filter(None, (_script(ord(letter)) for letter in text)), Script.LATIN)


def _script(code: int) -> Script:
    if code < _COMBINING_ACCENTS_END:
        return Script.LATIN
    if code in _HANGUL:
        return Script.HANGUL
    if _is_ideogram(code):
        return Script.HAN
    for script, ranges in _ALPHABETS.items():
        if any(code in letters for letters in ranges):
            return script
    return Script.LATIN


class _Letters(dict[int, str]):
    """What replaces each character, computed on first use."""

    def __init__(self, replacement: Callable[[str], str]) -> None:
        super().__init__()
        self._replacement = replacement

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        category = unicodedata.category(letter)
        if unicodedata.combining(letter) and code < _COMBINING_ACCENTS_END:
            plain = ""
        elif category == "Cn":
            # Arrow may know letters of a newer Unicode than Python does.
            plain = " "
        elif not (letter.isalnum() or category[0] == "M") or _is_ideogram(code):
            plain = letter
        else:
            plain = self._replacement(letter)
        self[code] = plain
        return plain


def _in_latin(letter: str) -> str:
    plain = "".join(filter(str.isalnum, anyascii(letter).lower()))
    if not plain and unicodedata.category(letter) == "Lo":
        # The letters that carry vowels in Semitic scripts.
        plain = "a"
    return plain


def _as_is(letter: str) -> str:
    """Return a letter of a script of names without its accents, and all others in Latin."""
    if unicodedata.decimal(letter, None) is not None or not _script(ord(letter)):
        return _in_latin(letter)
    base = unicodedata.normalize("NFD", letter)[0]
    return "" if unicodedata.combining(base) else base.translate(_VARIANTS)


# Letters of names that are written in several ways: Persian and final forms, ta marbuta.
_VARIANTS = str.maketrans(
    "ىیےکۀةۃھہٱٲٳۥۦςךםןףץ", "يييكهههههاااويσכמנפצ", "\u0640ءьъ"
)  # fmt: skip
_IN_LATIN, _AS_IS = _Letters(_in_latin), _Letters(_as_is)


def _is_ideogram(code: int) -> bool:
    """Return whether a character is a whole syllable or word, which is not transliterated."""
    if _KANA.match(chr(code)):
        return False
    is_more_chinese = code in _MORE_CHINESE and code not in _PRESENTATION_FORMS
    return code in _CHINESE or code in _HANGUL or is_more_chinese


def latin(text: str) -> str:
    """Transliterate a text in lower case to plain Latin letters and digits.

    Chinese characters and Hangul are kept: many names would become equal if they were spelled out.
    """
    return text if text.isascii() else _transliterated(text, _IN_LATIN)


def letters_of_names(text: str) -> str:
    """Return a name in lower case without accents, in its own script where `Script` has that."""
    return text if text.isascii() else _SERVANT.sub(r"\1", _transliterated(text, _AS_IS))


_SERVANT = re.compile(r"\b(عبد) (?=\S)")
"""The first half of names such as Abd Allah, which is written with and without a space."""


def _transliterated(text: str, letters: _Letters) -> str:
    text = unicodedata.normalize("NFKC", text)
    has_kana = _KANA.search(text) is not None
    if has_kana:
        text = _FULL_SIZE_Y.sub(_BREAK, text)
    text = text.translate(letters)
    if has_kana:
        for pattern, replacement in _KANA_SPELLING:
            text = re.sub(pattern, replacement, text)
    return text


# Small kana merge with the syllable before them; long vowels are not always written.
_FULL_SIZE_Y, _BREAK = re.compile("(?=[ヤユヨやゆよ])"), "\x1f"
_KANA_SPELLING = (
    (r"(?<=[a-z])iy(?=[auo])", "y"),
    (r"(?<=sh)y|(?<=ch)y|(?<=j)y", ""),
    (r"uu", "u"),
    (r"o[ou]", "o"),
    (_BREAK, ""),
)

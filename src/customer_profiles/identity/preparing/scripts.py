"""Transliterate text of any script to Latin letters, so that spellings of a name become equal."""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_CHINESE, _HANGUL = range(0x2E80, 0xA4D0), range(0xAC00, 0xD7B0)
_MORE_CHINESE = range(0xF900, 0x32000)
_KANA = re.compile("[\u3041-\u30fe]")
_PRESENTATION_FORMS = range(0xFB00, 0x10000)
_COMBINING_ACCENTS_END = 0x370


class _Letters(dict[int, str]):
    """The transliteration of each character, computed on first use."""

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
            plain = "".join(filter(str.isalnum, anyascii(letter).lower()))
            if not plain and category == "Lo":
                # The letters that carry vowels in Semitic scripts.
                plain = "a"
        self[code] = plain
        return plain


_LETTERS = _Letters()


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
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    has_kana = _KANA.search(text) is not None
    text = text.translate(_LETTERS)
    if has_kana:
        for pattern, replacement in _KANA_SPELLING:
            text = re.sub(pattern, replacement, text)
    return text


# Small kana merge with the syllable before them; long vowels are not always written.
_KANA_SPELLING = (
    (r"(?<=[a-z])iy(?=[auo])", "y"),
    (r"(?<=sh)y|(?<=ch)y|(?<=j)y", ""),
    (r"uu", "u"),
    (r"o[ou]", "o"),
)


def script_of(text: str) -> int:
    """Return the script of a transliterated text: 0 for Latin, 1 for Chinese, 2 for Hangul."""
    if not text or ord(text[0]) < _CHINESE.start:
        return 0
    return 2 if ord(text[0]) in _HANGUL else 1

"""Letters of all alphabets as plain Latin ones, so that a name written in either is one name."""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_CHINESE, _HANGUL = range(0x2E80, 0xA4D0), range(0xAC00, 0xD7B0)
_MORE_CHINESE = range(0xF900, 0x32000)
_KANA = re.compile("[\u3041-\u30fe]")
_PRESENTED = range(0xFB00, 0x10000)
_FIRST_AFTER_ACCENTS = 0x370


class _Letters(dict[int, str]):
    """What each character is written as; made when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        if unicodedata.combining(letter) and code < _FIRST_AFTER_ACCENTS:
            plain = ""
        elif not (letter.isalnum() or unicodedata.category(letter)[0] == "M") or is_whole(code):
            plain = letter
        else:
            plain = "".join(one for one in anyascii(letter).lower() if one.isalnum())
            if not plain and unicodedata.category(letter) == "Lo":
                # Of Semitic scripts the letters that carry vowels.
                plain = "a"
        self[code] = plain
        return plain


_LETTERS = _Letters()


def is_whole(code: int) -> bool:
    """Say whether a character is no letter but a syllable or word, which stays as it is."""
    if _KANA.match(chr(code)):
        return False
    return code in _CHINESE or code in _HANGUL or (code in _MORE_CHINESE and code not in _PRESENTED)


def latin(text: str) -> str:
    """Write a text in lower case in plain Latin letters and digits, where its script has letters.

    Chinese characters and Hangul stay: many names would be one if they were spelled out.
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    has_kana = _KANA.search(text) is not None
    text = text.translate(_LETTERS)
    if has_kana:
        # What small kana do to the one before them, and vowels that are written long or not.
        for pattern, instead in _SYLLABLES:
            text = pattern.sub(instead, text)
    return text


_SYLLABLES = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"(?<=[a-z])iy(?=[auo])", "y"),
        (r"(?<=sh)y|(?<=ch)y|(?<=j)y", ""),
        (r"uu", "u"),
        (r"o[ou]", "o"),
    )
)


def script_of(text: str) -> int:
    """Tell which of the writings that are left a text is in: 0 Latin, 1 Chinese, 2 Hangul."""
    if not text or ord(text[0]) < _CHINESE.start:
        return 0
    return 2 if ord(text[0]) in _HANGUL else 1

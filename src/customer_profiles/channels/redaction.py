"""Redaction of texts that repeat a request: error messages, and the exceptions behind them."""

from __future__ import annotations

import html
import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "the text of the service is hidden, because it may repeat values of the request"
"""Replaces a text from which values cannot be removed safely."""

_LONGEST_TEXT = 10_000
# Fewer letters and digits cannot be replaced: the words around the gap would reveal them.
_SHORTEST_REPLACED = 3
# Values of this length are found inside words, and longer ones across spaces and punctuation.
_SHORTEST_INSIDE, _SHORTEST_ACROSS = 4, 6
# A text that shares so many letters and digits with a value repeats a part of it.
_PART = 10
_MOST_DECODINGS = 10
_MASK = "\0"
_ENCODED = frozenset("\\%&+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Redactor:
    """Removes private values from texts, in whatever case and encoding a text repeats them.

    Args:
        private: the values that no text may repeat.
    """

    def __init__(self, private: Iterable[str]) -> None:
        self._forms = {
            value: [
                (folded, _squeeze(folded))
                for form in _decodings(value)
                if (folded := _fold(form).strip())
            ]
            for value in {value.replace(_MASK, " ").strip() for value in private}
        }

    def text(self, text: str) -> str:
        """Replace each private value by `<redacted>`, or the whole text if that is not safe."""
        if len(text) > _LONGEST_TEXT:
            return HIDDEN
        text = text.replace(_MASK, " ")
        lowered = text.casefold()
        present = [
            value
            for value in sorted(self._forms, key=len, reverse=True)
            if value.casefold() in lowered and _is_replaceable(value)
        ]
        # An encoded value may contain a plain one, whose mask would leave a part of it.
        if self._resembles(text, self._forms.keys() - set(present)):
            return HIDDEN
        if present:
            masked = "|".join(map(_whole, present))
            text = re.sub(masked, _MASK, text, flags=re.IGNORECASE)
            if self._resembles(text, self._forms.keys()):
                return HIDDEN
        return text.replace(_MASK, "<redacted>")

    def value(self, value: object, shown: frozenset[object] = frozenset()) -> object:
        """Redact the texts in a value at every depth, but those of `shown`."""
        if isinstance(value, str):
            return value if value in shown else self.text(value)
        if isinstance(value, dict):
            return {name: self.value(inner, shown) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)([self.value(item, shown) for item in value])
        return value

    def _resembles(self, text: str, values: Iterable[str]) -> bool:
        """Return whether a text, as it is or decoded, has one of the values or a part of it."""
        forms = [form for value in values for form in self._forms[value]]
        return any(_has_any(_fold(decoded), forms) for decoded in _decodings(text))


def _has_any(text: str, forms: list[tuple[str, str]]) -> bool:
    squeezed = _squeeze(text)
    parts = set(_parts(squeezed))
    return any(
        _has(text, squeezed, folded, value) or not parts.isdisjoint(_parts(value))
        for folded, value in forms
    )


def _parts(text: str) -> Iterator[str]:
    return (text[at : at + _PART] for at in range(len(text) - _PART + 1))


def _has(text: str, squeezed: str, folded: str, value: str) -> bool:
    if not value:
        # One or two marks of ASCII reveal nothing, and any text has them.
        return (len(folded) >= _SHORTEST_REPLACED or not folded.isascii()) and folded in text
    if len(value) >= _SHORTEST_ACROSS and value in squeezed:
        return True
    if len(value) >= _SHORTEST_INSIDE and value in text:
        return True
    return any(
        form in text and re.search(_whole(form), text) is not None for form in (folded, value)
    )


def _is_replaceable(value: str) -> bool:
    return len(_squeeze(value) or value) >= _SHORTEST_REPLACED


def _whole(value: str) -> str:
    """Return the pattern of a value that is not part of a longer word or number."""
    before, after = (
        r"[^\W\d_]" if end.isalpha() else r"\d" if end.isdigit() else r"(?!)"
        for end in (value[0], value[-1])
    )
    return f"(?<!{before}){re.escape(value)}(?!{after})"


def _fold(text: str) -> str:
    """Remove case, accents and compatibility forms."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in text if not unicodedata.combining(character))


def _squeeze(text: str) -> str:
    """Return the letters and digits of a text, and its masks."""
    return "".join(filter(_is_squeezed, text))


def _is_squeezed(character: str) -> bool:
    return character.isalnum() or character == _MASK


def _decodings(text: str) -> list[str]:
    """Return a text and what it reads as when JSON, HTML and URL escapes are decoded."""
    forms = [text]
    if text.isascii() and _ENCODED.isdisjoint(text):
        return forms
    for _ in range(_MOST_DECODINGS):
        text = unquote_plus(html.unescape(_ESCAPE.sub(_character, text)))
        # Escaped surrogates are joined, and UTF-8 that was read as Latin-1 is read again.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        with suppress(UnicodeError):
            text = text.encode("latin-1").decode()
        if text == forms[-1]:
            break
        forms.append(text)
    return forms


def _character(escape: re.Match[str]) -> str:
    if (letter := escape[4]) is not None:
        return _CONTROLS.get(letter, letter)
    with suppress(ValueError):
        return chr(int(escape[1] or escape[2] or escape[3], 16))
    return escape[0]

"""Masking: what output shows of personal data unless it is revealed.

A masked value keeps its shape, so that two rows can be told apart and a wrong column is noticed:
`Ada King` is `A•• K•••`, `ada@example.com` is `a•••@e•••.com`, and a phone number keeps its
separators and its last two digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

DOT = "•"
HIDDEN = DOT * 3
"""Replaces a value of which any part would reveal too much."""

_LONGEST_WORD = 10
_MOST_PHONE_DIGITS_SHOWN, _FEWEST_PHONE_DIGITS = 2, 6
_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}+|\d+|[^\x20-\x7e]")
_EMAIL = re.compile(r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+")
_PHONE = re.compile(r"\+[\d\s()./-]+")
_PHONE_NAME = re.compile(r"phone|mobile|telephone|\bfax\b", re.IGNORECASE)
# Their values are so few that a first letter or a length reveals them.
_ENUMS = re.compile(
    r"(?:^|[._])(?:gender|sex|party_?type|profile_?type)(?:_?string)?$", re.IGNORECASE
)


def mask(value: Any, name: str = "", *, shown: Collection[str] = ()) -> Any:
    """Mask a value at every depth, but keep the names of members.

    Args:
        value: a text, a number, a list or a mapping; None and empty values stay as they are.
        name: the name of its column or member, which shows phone numbers and enums.
        shown: the members of mappings whose values stay as they are.
    """
    if value is None or value in ("", [], {}):
        return value
    if isinstance(value, str):
        return mask_text(value, name)
    if isinstance(value, Mapping):
        return {
            key: inner if key in shown else mask(inner, str(key), shown=shown)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [mask(item, name, shown=shown) for item in value]
    return HIDDEN


def mask_text(text: str, name: str = "") -> str:
    """Mask a text, and keep its shape."""
    if _ENUMS.search(name):
        return HIDDEN
    if "@" in text:
        masked = _mask_emails(text)
    elif (_PHONE_NAME.search(name) or _PHONE.fullmatch(text)) and _digits(text) >= (
        _FEWEST_PHONE_DIGITS
    ):
        masked = _mask_phone(text)
    else:
        masked = _mask_words(text)
    return HIDDEN if text.strip().casefold() in masked.casefold() else masked


def _mask_words(text: str) -> str:
    return _WORD.sub(lambda word: _mask_word(word.group()), text)


def _mask_word(word: str) -> str:
    # A single character of a script without case can be a whole name.
    has_case = word[0].lower() != word[0].upper()
    kept = word[0] if has_case and len(word) > 1 else ""
    return kept + DOT * min(len(word) - len(kept), _LONGEST_WORD)


def _mask_emails(text: str) -> str:
    parts, position = [], 0
    for email in _EMAIL.finditer(text):
        parts += [_mask_words(text[position : email.start()]), _mask_email(email.group())]
        position = email.end()
    return "".join([*parts, _mask_words(text[position:])])


def _mask_email(email: str) -> str:
    local, _, host = email.rpartition("@")
    name, dot, top = host.rpartition(".")
    if not (name and top.isascii() and top.isalpha()):
        name, dot, top = host, "", ""
    return f"{_initial(local)}{HIDDEN}@{_initial(name)}{HIDDEN}{dot}{top}"


def _initial(text: str) -> str:
    return text[0] if len(text) > 1 and text[0].isascii() and text[0].isalpha() else ""


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _mask_phone(text: str) -> str:
    hidden = _digits(text) - _MOST_PHONE_DIGITS_SHOWN
    masked = []
    for character in text:
        if character.isdigit():
            hidden -= 1
            masked.append(DOT if hidden >= 0 else character)
        else:
            plain = " " <= character <= "~" and not character.isalpha()
            masked.append(character if plain else DOT)
    return "".join(masked)

"""Recognise values that stand for a missing one, and so identify nobody.

`matching` finds the placeholders of a dataset by how many people share them; these are known
without a dataset. This module needs only the standard library.
"""

from __future__ import annotations

import re
from typing import Literal

Of = Literal["text", "name", "email", "phone", "identifier", "date"]
"""What a value is taken for."""

_MISSING = frozenset({
    "", "-", "--", "---", ".", "..", "?", "??", "???", "/", "*", "#", "_", "n/a", "#n/a", "n.a.",
    "n.a", "na/na", "#null!", "#value!", "#ref!", "#name?", "#div/0!", "#num!", "null", "(null)",
    "<null>",
    "[null]", "\\n", "nil", "nan", "<na>", "undefined", "(none)", "<none>", "not available",
    "not applicable", "(blank)", "(leer)", "(empty)", "keine angabe", "k.a.", "k. a.", "k/a", "s/o",
    "non renseigné", "n/r", "n.r.", "sin datos", "s/d", "no disponible", "не указано", "нет данных",
    "不明", "なし", "該当なし", "未入力", "无", "없음",
})  # fmt: skip
_MISSING_KEYS = frozenset({
    "none", "na", "no", "unknown", "unbekannt", "inconnu", "desconocido", "sconosciuto",
    "empty", "missing", "tbd", "tba", "xxx", "xxxx", "keine", "kein", "aucun", "ninguno", "nessuno",
    "geen", "brak", "нет", "anonymous", "anonym", "guest", "dummy", "not provided",
})  # fmt: skip
_NO_LOCAL = frozenset({
    "test", "none", "null", "na", "n/a", "no", "noemail", "no-email", "no_email", "noemailaddress",
    "nomail", "no-mail", "unknown", "invalid", "fake", "dummy", "nobody", "notprovided", "nan",
    "xxx", "keine", "unbekannt", "aucun", "ninguno", "asdf", "abc", "aaa",
})  # fmt: skip
_NO_DOMAIN = _NO_LOCAL | {"email", "mail", "domain"}
_NO_ADDRESS = frozenset({"email@email.com", "mail@mail.com", "name@domain.com", "user@domain.com"})
_NOBODY = frozenset({"noemail", "no-email", "no_email", "nomail", "no-mail", "noemailaddress"})
_DIGITS = re.compile(r"\D+")
_FEWEST_DIGITS = 3
_COUNTED = "01234567890123456789"
_COUNTED_DOWN = _COUNTED[::-1]
_LONG = 7


def is_placeholder(text: str, of: Of = "text") -> bool:
    """Return whether a text stands for a missing value, such as `N/A` or `000-000-0000`.

    Args:
        text: the text.
        of: what it is taken for. What may be a person's name, such as `Null`, is one.
    """
    word = text.strip().casefold()
    if of == "name":
        return (word in _MISSING and word != "null") or text.strip() in {"NULL", "null"}
    if word in _MISSING or (of != "text" and word in _MISSING_KEYS):
        return True
    if of == "email":
        return _is_no_email(word)
    if of == "phone":
        return _is_no_number(word)
    if of == "date":
        digits = _DIGITS.sub("", word)
        is_zero = bool(digits) and not digits.strip("0")
        return is_zero or word.startswith(("0000-", "0001-01-01"))
    digits = _DIGITS.sub("", word)
    return of == "identifier" and len(digits) == len(word) and not word.strip("0")


def _is_no_email(address: str) -> bool:
    local, at, domain = address.partition("@")
    if not at:
        return False
    name = domain.partition(".")[0]
    return (
        address in _NO_ADDRESS
        or not local
        or (local in _NO_LOCAL and (name in _NO_DOMAIN or local == name))
        or local in _NOBODY
    )


def _is_no_number(text: str) -> bool:
    digits = _DIGITS.sub("", text)
    if not digits:
        return False
    national = digits.removeprefix("1") if len(digits) == 11 else digits  # noqa: PLR2004
    if len(set(national)) == 1 and (len(national) >= _FEWEST_DIGITS or national == "0"):
        return True
    is_counted = national in _COUNTED or national in _COUNTED_DOWN
    return len(national) >= _LONG and is_counted


NO_LOCALS: frozenset[str] = _NO_LOCAL | _NOBODY
"""The parts before the @ that placeholders have."""
WORDS: frozenset[str] = _MISSING | _MISSING_KEYS
"""Placeholders in small letters."""

"""Values of a source object: how they are reached and the text that each is."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def text(value: Any) -> str | None:
    """Give a value as text; None when it is empty."""
    if value.__class__ is str:
        return value or None
    if value is None:
        return None
    # Assumed: the text of a truth value is true or false.
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        # Assumed: a number's text is its shortest spelling, so 1.50 becomes 1.5 and 1 stays 1.
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, (list, dict)):
        # Assumed: a list or an object where one value is meant becomes its JSON text.
        return _json(value) if value else None
    return _plain(value)


def _plain(value: Any) -> str | None:
    try:
        return str(value) or None
    except ValueError:
        # Python refuses to spell out integers of several thousand digits.
        return None


def _json(value: Any) -> str | None:
    try:
        return _encode(value)
    except (ValueError, RecursionError):
        return None


def follow(value: Any, names: Sequence[str]) -> Any:
    """Give what the names lead to from `value`; None when there is nothing."""
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and name.isascii():
            position = int(name) if len(name) <= _DIGITS else len(value)
            value = value[position] if position < len(value) else None
        else:
            return None
    return value


_DIGITS = 9

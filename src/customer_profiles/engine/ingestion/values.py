"""Values of a source object: following a path to a value, and its text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.service.protocol import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = 9
# Assumed: the templates and [] paths of a mapping produce 100,000 values of an object at the most.
# Assumed: ten characters that a loop of a template writes count as one of these values.
MOST_VALUES = 100_000
_CHARACTERS = 10


class TooManyValuesError(Exception):
    """The loops over an object produce more values than a mapping may."""


class Counted(dict[str, Any]):
    """A source object that counts the values that loops over it produce."""

    produced = 0


def count(source: object, text: str = "") -> None:
    """Count a value that a loop over a source object produces, and the text that it writes."""
    if isinstance(source, Counted):
        source.produced += 1 + len(text) // _CHARACTERS
        if source.produced > MOST_VALUES:
            raise TooManyValuesError


def text(value: object) -> str | None:
    """Return a value as text; None when it is empty."""
    if type(value) is str:
        return value or None
    if value is None:
        return None
    # Assumed: the text of a Boolean is true or false.
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        # Assumed: a number's text is its shortest spelling, so 1.50 becomes 1.5 and 1 stays 1.
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, (list, dict)):
        # Assumed: a list or an object in place of a single value becomes its JSON text.
        return _json(value) if value else None
    return _plain(value)


def _plain(value: object) -> str | None:
    try:
        return str(value) or None
    except ValueError:
        # Python does not convert integers of several thousand digits.
        return None


def _json(value: object) -> str | None:
    try:
        return encode(value)
    except (ValueError, RecursionError):
        return None


def follow(value: object, names: Sequence[str]) -> object:
    """Return the value at a path of names below `value`; None when there is none."""
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and name.isascii():
            position = int(name) if len(name) <= _DIGITS else len(value)
            value = value[position] if position < len(value) else None
        else:
            return None
    return value

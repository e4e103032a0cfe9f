"""Timestamps of sources: `EpochMilli`, or a pattern of Java's SimpleDateFormat."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str | float], float]

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The milliseconds of the year 9999's end.
_LAST = 253_402_300_799_999
# A run of one letter, text in quotes, or one character that stands for itself.
_TOKEN = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|([^A-Za-z'])")
_SHORT_NAME = 3


@cache
def reader(pattern: str) -> Reader:
    """Give what reads a timestamp in epoch seconds.

    Raises:
        ValueError: the pattern is none, or has a letter that is not supported. The reader raises
            it too, for a text that does not follow the pattern.
    """
    # AG:mapping-field-definitions writes EpochMilli; EPOCHMILLI is known to work.
    if pattern.lower() == "epochmilli":
        return _epoch
    return _Pattern(pattern).read


def _epoch(value: str | float) -> float:
    milliseconds = float(value)
    if not abs(milliseconds) <= _LAST:
        raise ValueError("the timestamp is not a number of milliseconds since 1970")
    return milliseconds / 1000


class _Pattern:
    def __init__(self, pattern: str) -> None:
        runs = _runs(pattern)
        self._letters = [letter for letter, _, _ in runs if letter]
        if not {"y", "u"} & set(self._letters):
            raise ValueError("a timestamp's format needs a year, such as yyyy")
        if len(set(self._letters)) < len(self._letters):
            raise ValueError("a timestamp's format has each letter in one place only")
        parts = [
            _part(letter, count, adjacent=_is_number(following)) if letter else re.escape(literal)
            for (letter, count, literal), following in zip(
                runs, [*runs[1:], ("", 0, "")], strict=True
            )
        ]
        self._match = re.compile("".join(parts), re.IGNORECASE | re.ASCII).fullmatch

    def read(self, value: str | float) -> float:
        found = self._match(str(value).strip())
        if found is None:
            raise ValueError("the timestamp does not follow its format")
        try:
            return _moment(found.groupdict()).timestamp()
        except (OverflowError, IndexError):
            raise ValueError("the timestamp is out of range") from None


_Run = tuple[str, int, str]


def _runs(pattern: str) -> list[_Run]:
    """Give a pattern's letters with their counts, and the literal texts between them."""
    runs: list[_Run] = []
    position = 0
    while match := _TOKEN.match(pattern, position):
        position = match.end()
        letter, quoted, other = match.groups()
        if letter and letter not in _DIGITS and letter not in _WORDS:
            known = " ".join(sorted({*_DIGITS, *_WORDS}))
            raise ValueError(f"'{letter}' is no letter of a timestamp's format, use {known}")
        literal = "" if letter else (quoted.replace("''", "'") or "'") if other is None else other
        runs.append((letter or "", len(match.group()) if letter else 0, literal))
    if position != len(pattern):
        raise ValueError("a timestamp's format has a quote that is not closed")
    return runs


def _is_number(run: _Run) -> bool:
    letter, count, _ = run
    return letter in _DIGITS and not (letter in "ML" and count >= _SHORT_NAME)


# The most digits of each number.
_DIGITS = {
    "y": 4, "u": 4, "M": 2, "L": 2, "d": 2, "D": 3, "H": 2, "k": 2, "K": 2, "h": 2,
    "m": 2, "s": 2, "S": 9,
}  # fmt: skip
_OFFSET = r"Z|UTC|GMT|(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?"
_WORDS = {"E": r"[a-z]+", "a": "[AP]M", "z": _OFFSET, "Z": _OFFSET, "X": _OFFSET}


def _part(letter: str, count: int, *, adjacent: bool) -> str:
    if letter in _WORDS:
        words = "|".join(f"{day}|{day[:3]}" for day in _DAYS) if letter == "E" else _WORDS[letter]
        return f"(?P<{letter}>{words})"
    if letter in "ML" and count >= _SHORT_NAME:
        return f"(?P<{letter}>{'|'.join(f'{name}|{name[:3]}' for name in _MONTHS)})"
    if letter == "y" and count == _TWO:
        return rf"(?P<y>\d{{{_TWO}}}|\d{{4}})" if not adjacent else rf"(?P<y>\d{{{_TWO}}})"
    # Numbers that touch have the pattern's width; one that stands alone may be shorter or longer.
    width = str(count) if adjacent else f"1,{max(count, _DIGITS[letter])}"
    return rf"(?P<{letter}>\d{{{width}}})"


_TWO = 2
# Assumed: a year of two digits is one of 1969 to 2068.
_PIVOT = 69


def _moment(parts: dict[str, str]) -> datetime:
    year = _year(parts.get("y") or parts["u"])
    # Assumed: a timestamp without zone is in UTC.
    zone = _zone(parts.get("z") or parts.get("Z") or parts.get("X") or "Z")
    month, day = _month(parts.get("M") or parts.get("L") or "1"), int(parts.get("d", "1"))
    minute, second = int(parts.get("m", "0")), int(parts.get("s", "0"))
    moment = datetime(year, month, day, _hour(parts), minute, second, tzinfo=zone)
    if "D" in parts:
        moment += timedelta(days=int(parts["D"]) - 1)
    # Assumed: S are decimals of a second, however many there are.
    fraction = float(f"0.{parts['S']}") if "S" in parts else 0.0
    return moment + timedelta(seconds=fraction)


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > _TWO:
        return year
    return year + (2000 if year < _PIVOT else 1900)


def _month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    short = text.lower()[:_SHORT_NAME]
    return next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(short))


def _hour(parts: dict[str, str]) -> int:
    if "H" in parts:
        return int(parts["H"])
    if "k" in parts:
        return int(parts["k"]) % 24
    half = int(parts.get("h") or parts.get("K") or "0")
    if half > _NOON:
        raise ValueError("an hour of a half day is at most 12")
    return half % _NOON + (_NOON if parts.get("a", "").upper() == "PM" else 0)


_NOON = 12


def _zone(text: str) -> timezone:
    offset = re.sub("[^0-9+-]", "", text)
    if not offset:
        return UTC
    digits = offset[1:].rjust(2, "0") if len(offset) <= _SHORT_NAME else offset[1:].rjust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:] or "0")
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset[0] == "-" else shift)

"""Timestamps as sources write them: `EpochMilli`, or a pattern of Java's SimpleDateFormat."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOKEN = re.compile(r"(?P<run>([A-Za-z])\2*)|'(?P<quoted>(?:[^']|'')*)'|(?P<other>[^A-Za-z'])")
_OFFSET = r"Z|(?:GMT|UTC)?[+-]\d{2}:?(?:\d{2})?|GMT|UTC"
_PARTS = {
    "y": r"\d+", "M": r"\d+", "d": r"\d+", "H": r"\d+", "h": r"\d+", "m": r"\d+", "s": r"\d+",
    "S": r"\d+", "a": "AM|PM", "E": "[A-Za-z]+", "X": _OFFSET, "Z": _OFFSET, "z": _OFFSET,
}  # fmt: skip
_WORD = 3
_SHORT_YEAR = 2
# Where a century of two-digit years begins and ends.
_PIVOT = 69


class Format(NamedTuple):
    """How a timestamp is written and read."""

    write: Callable[[datetime], str | int]
    read: Callable[[str | int], datetime]
    """Raises ValueError for what does not follow the format."""


@cache
def timestamp_format(pattern: str) -> Format:
    """Compile a format.

    Raises:
        ValueError: the pattern has something that is not supported; the message says what.
    """
    if pattern.lower() == "epochmilli":
        return Format(_to_epoch, _from_epoch)
    runs = _runs(pattern)
    letters = [run[0] for run, _ in runs if run]
    if len(set(letters)) < len(letters) or "y" not in letters:
        msg = "a timestamp's format has a year, and each letter in one place only"
        raise ValueError(msg)
    following = [run for run, _ in runs[1:]] + [""]
    match = re.compile("".join(map(_group, runs, following)), re.IGNORECASE | re.ASCII).fullmatch

    def write(moment: datetime) -> str:
        return "".join(_write(run, moment) if run else text for run, text in runs)

    def read(text: str | int) -> datetime:
        found = match(str(text).strip())
        if found is None:
            msg = "the timestamp does not follow its format"
            raise ValueError(msg)
        return _moment(found.groupdict())

    # Without a zone on paper the timestamp is one of UTC; X alone has no minutes of a zone.
    has_zone = any(run and run[0] in "XZz" and run != "X" for run, _ in runs)
    return Format((lambda moment: write(_aware(moment, keep=has_zone))), read)


def _to_epoch(moment: datetime) -> int:
    return round(_aware(moment, keep=False).timestamp() * 1000)


def _from_epoch(value: str | int) -> datetime:
    return datetime.fromtimestamp(float(value) / 1000, UTC)


def _aware(moment: datetime, *, keep: bool) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment if keep else moment.astimezone(UTC)


def _runs(pattern: str) -> list[tuple[str, str]]:
    """Give a pattern's runs of a letter, and the literal texts between them."""
    runs: list[tuple[str, str]] = []
    position = 0
    while found := _TOKEN.match(pattern, position):
        position = found.end()
        run, quoted, other = found["run"], found["quoted"], found["other"]
        if run and run[0] not in _PARTS:
            msg = f"'{run[0]}' is no letter of a timestamp's format, use {' '.join(_PARTS)}"
            raise ValueError(msg)
        literal = other if quoted is None else quoted.replace("''", "'") or "'"
        runs.append((run, "") if run else ("", literal))
    if position != len(pattern):
        msg = "a timestamp's format has a quote that is not closed"
        raise ValueError(msg)
    return runs


def _group(run_and_text: tuple[str, str], following: str) -> str:
    run, text = run_and_text
    if not run:
        return re.escape(text)
    letter, width = run[0], len(run)
    if letter == "M" and width >= _WORD:
        return "(?P<M>[a-z]+)"
    # Numbers that touch have the pattern's width.
    touches = following[:1] in "yMdHhmsS" and following and _PARTS[letter] == r"\d+"
    return rf"(?P<{letter}>\d{{{width}}})" if touches else f"(?P<{letter}>{_PARTS[letter]})"


def _write(run: str, moment: datetime) -> str:  # noqa: PLR0911  (one return a kind of letter)
    letter, width = run[0], len(run)
    if letter == "E":
        name = _DAYS[moment.weekday()]
        return name if width > _WORD else name[:_WORD]
    if letter == "M" and width >= _WORD:
        name = _MONTHS[moment.month - 1]
        return name if width > _WORD else name[:_WORD]
    if letter == "y":
        year = f"{moment.year:04}"
        return year[-_SHORT_YEAR:] if width == _SHORT_YEAR else year
    if letter == "a":
        return "AM" if moment.hour < _NOON else "PM"
    if letter == "S":
        return f"{moment.microsecond:06}".ljust(width, "0")[:width]
    if letter in "XZz":
        return _offset(letter, width, moment)
    return str(_numbers(moment)[letter]).rjust(width, "0")


_NOON = 12


def _numbers(moment: datetime) -> dict[str, int]:
    half = moment.hour % _NOON or _NOON
    return {
        "M": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "h": half,
        "m": moment.minute,
        "s": moment.second,
    }


def _offset(letter: str, width: int, moment: datetime) -> str:
    shift = moment.utcoffset() or timedelta()
    if letter == "X" and not shift:
        return "Z"
    minutes = int(shift.total_seconds() // 60)
    sign, hours, rest = "-" if minutes < 0 else "+", *divmod(abs(minutes), 60)
    if letter == "z":
        return f"GMT{sign}{hours:02}:{rest:02}" if shift else "GMT"
    colon = ":" if letter == "X" and width >= _WORD else ""
    return f"{sign}{hours:02}" + ("" if letter == "X" and width == 1 else f"{colon}{rest:02}")


def _moment(parts: dict[str, str]) -> datetime:
    hour = int(parts.get("H", "0"))
    if "h" in parts:
        hour = int(parts["h"]) % _NOON + (_NOON if parts.get("a", "").upper() == "PM" else 0)
    zone = _zone(parts.get("X") or parts.get("Z") or parts.get("z") or "Z")
    micro = int(parts.get("S", "0").ljust(6, "0")[:6])
    month, day = _month(parts.get("M", "1")), int(parts.get("d", "1"))
    minute, second = int(parts.get("m", "0")), int(parts.get("s", "0"))
    return datetime(_year(parts["y"]), month, day, hour, minute, second, micro, zone)


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > _SHORT_YEAR:
        return year
    return year + (2000 if year < _PIVOT else 1900)


def _month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    names = [name.lower()[:_WORD] for name in _MONTHS]
    return names.index(text.lower()[:_WORD]) + 1


def _zone(text: str) -> timezone:
    digits = re.sub(r"\D", "", text).ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if "-" in text else shift)

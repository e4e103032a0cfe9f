"""The timestamp formats of object types, read and written: `EpochMilli` and SimpleDateFormat.

A pattern follows the documentation of Java's `SimpleDateFormat`, with English names. Reading is
strict where Java is lenient: a number outside its field's range is an error, never a carry into
the next field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    Value = str | float | Decimal

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The milliseconds at which the year 1 begins and the year 9999 ends.
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
_NOON = 12


class TimestampFormat(Protocol):
    """How a source writes its timestamps."""

    def read(self, value: Value) -> datetime:
        """Return the moment that a value names; the datetime is aware.

        Raises:
            ValueError: the value does not follow the format; the message does not contain it.
        """
        ...

    def seconds(self, value: Value) -> float:
        """Return the same moment in seconds since 1970; errors are those of `read`."""
        ...

    def write(self, moment: datetime) -> str | int:
        """Write a moment; a naive datetime is in UTC."""
        ...


@lru_cache(maxsize=512)
def timestamp_format(pattern: str) -> TimestampFormat:
    """Compile a format: `EpochMilli` in any case, or a pattern such as `yyyy-MM-dd'T'HH:mm:ssX`.

    Raises:
        ValueError: the pattern is not supported; the message says why.
    """
    # AG:mapping-field-definitions writes EpochMilli; EPOCHMILLI is known to work.
    return _EpochMilli() if pattern.lower() == "epochmilli" else _Pattern(pattern)


class _EpochMilli:
    def read(self, value: Value) -> datetime:
        return _EPOCH + timedelta(milliseconds=_milliseconds(value))

    def seconds(self, value: Value) -> float:
        return _milliseconds(value) / 1000

    def write(self, moment: datetime) -> int:
        return round((_aware(moment) - _EPOCH) / timedelta(milliseconds=1))


def _milliseconds(value: Value) -> float:
    try:
        milliseconds = float(value)
    except (ValueError, OverflowError):
        milliseconds = _LAST + 1
    if not _FIRST <= milliseconds <= _LAST:
        raise ValueError("the timestamp is not a number of milliseconds since 1970")
    return milliseconds


# The letters that are numbers, and the most digits that each needs.
_DIGITS = {
    "y": 4, "M": 2, "L": 2, "d": 2, "D": 3, "u": 1, "H": 2, "k": 2, "K": 2, "h": 2,
    "m": 2, "s": 2, "S": 9,
}  # fmt: skip
# The ranges that datetime does not check.
_RANGES = {"D": (1, 366), "u": (1, 7), "k": (1, 24), "K": (0, 11), "h": (1, 12)}
_HOURS, _MINUTES = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_RFC_822 = rf"[+-]{_HOURS}{_MINUTES}"
# Assumed: of the names of time zones, a timestamp's format reads GMT and UTC only.
_GENERAL = rf"GMT[+-](?:{_HOURS}|\d):{_MINUTES}|GMT|UTC"
_ISO_8601 = (rf"Z|[+-]{_HOURS}", rf"Z|{_RFC_822}", rf"Z|[+-]{_HOURS}:{_MINUTES}")
_WORDS = {
    "E": "|".join(f"{day}|{day[:3]}" for day in _DAYS),
    "a": "AM|PM",
    "z": f"{_GENERAL}|{_RFC_822}",
    "Z": f"{_GENERAL}|{_RFC_822}",
    "X": "",
}
_MONTH_WORDS = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)
_MONTH_NUMBERS = {month[:3].lower(): number for number, month in enumerate(_MONTHS, 1)}
# A run of one letter, text in quotes, or one character that stands for itself.
_TOKEN = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|([^A-Za-z'])")
_NAME, _LONG_NAME = 3, 4
_SHORT_YEAR, _MILLISECONDS = 2, 3
# Java's hundred years begin 80 years before today.
# Assumed: a year of two digits, where the format has y or yy, is one of 1969 to 2068.
_PIVOT = 69


class _Run(NamedTuple):
    """A run of one pattern letter, or the literal text between two runs."""

    letter: str
    """The letter; empty for literal text."""
    width: int
    """How often the letter is repeated; 0 for literal text."""
    text: str
    """The literal text."""

    @property
    def is_number(self) -> bool:
        return self.letter in _DIGITS and not (self.letter in "ML" and self.width >= _NAME)


class _Pattern:
    # Assumed: a timestamp ends where its format ends; Java would ignore what follows.
    # Assumed: a timestamp's day of the week is read and not compared with its date.

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._runs = _runs(pattern)
        widths = {run.letter: run.width for run in self._runs}
        self._has_short_year = widths["y"] <= _SHORT_YEAR
        self._has_milliseconds = widths.get("S", 0) <= _MILLISECONDS
        self._ranges = {letter: _RANGES[letter] for letter in widths if letter in _RANGES}
        # Without an offset in the text the timestamp is in UTC; X alone has no minutes.
        self._has_offset = bool({"z", "Z"} & widths.keys()) or widths.get("X", 0) > 1
        following = [*self._runs[1:], _Run("", 0, "")]
        regex = "".join(map(_regex, self._runs, following))
        self._match = re.compile(regex, re.ASCII).fullmatch

    def read(self, value: Value) -> datetime:
        text = str(value)
        found = self._match(text) or self._match(text.strip())
        if found is None:
            raise ValueError(f"the timestamp does not follow its format {self._pattern}")
        try:
            return self._moment(found.groupdict())
        except OverflowError:
            raise ValueError("the timestamp is out of range") from None

    def seconds(self, value: Value) -> float:
        return self.read(value).timestamp()

    def write(self, moment: datetime) -> str:
        moment = _aware(moment)
        if not self._has_offset:
            moment = moment.astimezone(UTC)
        return "".join(_write(run, moment) if run.letter else run.text for run in self._runs)

    def _moment(self, parts: dict[str, str]) -> datetime:
        for letter, (lowest, highest) in self._ranges.items():
            if not lowest <= int(parts[letter]) <= highest:
                raise ValueError(f"'{letter}' of a timestamp must be {lowest} to {highest}")
        zone = parts.get("X") or parts.get("Z") or parts.get("z")
        moment = datetime(
            self._year(parts["y"]),
            _month(parts.get("M") or parts.get("L") or "1"),
            int(parts.get("d", "1")),
            _hour(parts),
            int(parts.get("m", "0")),
            int(parts.get("s", "0")),
            self._microseconds(parts["S"]) if "S" in parts else 0,
            # Assumed: a timestamp without zone is in UTC.
            _zone(zone) if zone else UTC,
        )
        # Where a pattern has both, the day of the month decides, not the day of the year.
        if "D" not in parts or "d" in parts:
            return moment
        moment = moment.replace(month=1) + timedelta(days=int(parts["D"]) - 1)
        if moment.year != self._year(parts["y"]):
            raise ValueError("'D' of a timestamp is 366 in leap years only")
        return moment

    def _year(self, digits: str) -> int:
        year = int(digits)
        if not self._has_short_year or len(digits) != _SHORT_YEAR:
            return year
        return year + (2000 if year < _PIVOT else 1900)

    def _microseconds(self, digits: str) -> int:
        # Assumed: four and more digits of S are decimals of a second; Java counts milliseconds.
        if self._has_milliseconds and len(digits) <= _MILLISECONDS:
            return int(digits) * 1000
        return int(digits.ljust(6, "0")[:6])


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _runs(pattern: str) -> list[_Run]:
    """Split a pattern into its runs of a letter and the literal texts between them."""
    runs: list[_Run] = []
    position = 0
    while match := _TOKEN.match(pattern, position):
        position = match.end()
        letter, quoted, other = match.groups()
        if letter:
            runs.append(_Run(letter, len(match.group()), ""))
        else:
            # Two quotes are one, within quotes and outside of them.
            runs.append(_Run("", 0, other or quoted.replace("''", "'") or "'"))
    if position != len(pattern):
        raise ValueError("a timestamp's format has a quote that is not closed")
    _check_letters([run for run in runs if run.letter])
    return runs


def _check_letters(runs: list[_Run]) -> None:
    letters = [run.letter for run in runs]
    for letter, width, _ in runs:
        if letter not in _DIGITS and letter not in _WORDS:
            raise ValueError(
                f"'{letter}' is not a supported letter of a timestamp's format; use "
                f"{' '.join([*_DIGITS, *_WORDS])}, or put text in quotes"
            )
        if letter == "X" and width > len(_ISO_8601):
            raise ValueError("a timestamp's format has at most three X")
        # Assumed: a timestamp's format has a year, and each letter in one position only.
        if letters.count(letter) > 1:
            raise ValueError(f"a timestamp's format has '{letter}' in two positions; keep one")
    if "y" not in letters:
        raise ValueError("a timestamp's format needs a year, such as yyyy")


def _regex(run: _Run, following: _Run) -> str:
    letter, width, text = run
    if not letter:
        return re.escape(text)
    if run.is_number:
        # Numbers that touch have the pattern's width; others may be shorter or longer, up to a
        # bound, so that there are few ways to divide a text of many digits.
        digits = str(width) if following.is_number else f"1,{max(width, _DIGITS[letter])}"
        return rf"(?P<{letter}>\d{{{digits}}})"
    if letter == "X":
        return f"(?P<X>{_ISO_8601[width - 1]})"
    return f"(?P<{letter}>(?i:{_MONTH_WORDS if letter in 'ML' else _WORDS[letter]}))"


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTH_NUMBERS[text[:_NAME].lower()]


def _hour(parts: dict[str, str]) -> int:
    if "H" in parts:
        return int(parts["H"])
    if "k" in parts:
        return int(parts["k"]) % 24
    half = int(parts.get("h") or parts.get("K") or "0") % _NOON
    return half + (_NOON if parts.get("a", "").upper() == "PM" else 0)


def _zone(text: str) -> timezone:
    offset = text.upper().removeprefix("GMT")
    if offset in ("", "Z", "UTC"):
        return UTC
    # An hour has one digit only in front of a colon.
    hours = offset[1:].partition(":")[0][:2]
    minutes = offset[len(hours) + 1 :].removeprefix(":") or "0"
    shift = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-shift if offset[0] == "-" else shift)


def _write(run: _Run, moment: datetime) -> str:  # noqa: PLR0911  (one return a kind of letter)
    letter, width, _ = run
    if letter == "y":
        year = str(moment.year).rjust(width, "0")
        return year[-_SHORT_YEAR:] if width == _SHORT_YEAR else year
    if letter == "S" and width > _MILLISECONDS:
        return f"{moment.microsecond:06}".ljust(width, "0")[:width]
    if run.is_number:
        return str(_NUMBERS[letter](moment)).rjust(width, "0")
    if letter == "E":
        return _named(_DAYS[moment.weekday()], width)
    if letter == "a":
        return "AM" if moment.hour < _NOON else "PM"
    if letter in "ML":
        return _named(_MONTHS[moment.month - 1], width)
    return _offset(letter, width, moment)


def _named(name: str, width: int) -> str:
    return name if width >= _LONG_NAME else name[:_NAME]


_NUMBERS: dict[str, Callable[[datetime], int]] = {
    "M": lambda moment: moment.month,
    "L": lambda moment: moment.month,
    "d": lambda moment: moment.day,
    "D": lambda moment: moment.timetuple().tm_yday,
    "u": lambda moment: moment.isoweekday(),
    "H": lambda moment: moment.hour,
    "k": lambda moment: moment.hour or 24,
    "K": lambda moment: moment.hour % _NOON,
    "h": lambda moment: moment.hour % _NOON or _NOON,
    "m": lambda moment: moment.minute,
    "s": lambda moment: moment.second,
    "S": lambda moment: moment.microsecond // 1000,
}


def _offset(letter: str, width: int, moment: datetime) -> str:
    shift = moment.utcoffset() or timedelta()
    if not shift and letter != "Z":
        return "Z" if letter == "X" else "GMT"
    minutes = int(shift.total_seconds() // 60)
    sign, hours, rest = "-" if minutes < 0 else "+", *divmod(abs(minutes), 60)
    if letter == "z":
        return f"GMT{sign}{hours:02}:{rest:02}"
    if letter == "X" and width == 1:
        return f"{sign}{hours:02}"
    colon = ":" if letter == "X" and width == len(_ISO_8601) else ""
    return f"{sign}{hours:02}{colon}{rest:02}"

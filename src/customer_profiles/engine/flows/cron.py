"""Cron expressions in the syntax of EventBridge: six fields, in UTC."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from customer_profiles._flow_rules import CronFields

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if number}
# EventBridge's cron counts the days of a week from Sunday, which is 1.
_WEEKDAYS = {
    name: number
    for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)
}
_WEEK = range(1, 8)
LAST_YEAR = 2199
"""The last year that an expression may name."""


class Cron(NamedTuple):
    """The minutes that the six fields of a cron expression name, in UTC."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Callable[[int, int], set[int]]
    """Returns the days of a month, from its year and number."""
    months: tuple[int, ...]
    years: tuple[int, ...]

    def first(self, at: float) -> float | None:
        """Return the first moment at or after a time, in epoch seconds; None if there is none."""
        earliest = datetime.fromtimestamp(math.ceil(at / 60) * 60, UTC)
        for day in self._days_from(earliest.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    if moment >= earliest:
                        return moment.timestamp()
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in self.years:
            if year < first.year:
                continue
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    days = sorted(self.days(year, month))
                    yield from (date(year, month, day) for day in days)


def compile_cron(fields: CronFields) -> Cron:
    """Compile the six fields of an expression.

    Raises:
        ValueError: a field is wrong; the message names it.
    """
    minutes, hours, day, month, weekday, year = (field.upper() for field in fields)
    # EventBridge's user guide: exactly one of the two is a question mark.
    if (day == "?") == (weekday == "?"):
        message = "one of the day and the weekday of a cron expression must be ?, and only one"
        raise ValueError(message)
    return Cron(
        _numbers("minutes", minutes, 0, 59),
        _numbers("hours", hours, 0, 23),
        _days_of_month(day) if weekday == "?" else _days_of_week(weekday),
        _numbers("month", month, 1, 12, _MONTHS),
        _numbers("year", year, 1970, LAST_YEAR),
    )


def _numbers(
    name: str, field: str, low: int, high: int, names: dict[str, int] | None = None
) -> tuple[int, ...]:
    """Return the numbers of a field such as `0,30`, `8-17`, `0/15` or `*`."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        begin, _, end = span.partition("-")
        first = low if begin == "*" else _number(name, begin, low, high, names)
        last = _number(name, end, low, high, names) if end else first
        if begin == "*" or (step and not end):
            last = high
        by = _number(name, step, 1, high, None) if step else 1
        if first > last:
            message = f"the {name} of the cron expression end before they begin"
            raise ValueError(message)
        found.update(range(first, last + 1, by))
    return tuple(sorted(found))


def _number(name: str, text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    number = (names or {}).get(text, -1)
    if text.isdecimal() and text.isascii():
        number = int(text)
    if not low <= number <= high:
        message = f"the {name} of the cron expression must be from {low} to {high}"
        raise ValueError(message)
    return number


def _days_of_month(field: str) -> Callable[[int, int], set[int]]:
    plain = [item for item in field.split(",") if not re.fullmatch("L|[0-9]+W", item)]
    fixed = set(_numbers("day", ",".join(plain), 1, 31)) if plain else set()
    near = {_number("day", item[:-1], 1, 31, None) for item in re.findall(r"[0-9]+W", field)}
    has_last = "L" in field.split(",")

    def days(year: int, month: int) -> set[int]:
        last = calendar.monthrange(year, month)[1]
        found = {day for day in fixed if day <= last}
        found |= {_working_day(year, month, day, last) for day in near if day <= last}
        return found | {last} if has_last else found

    return days


def _working_day(year: int, month: int, day: int, last: int) -> int:
    """Return the day from Monday to Friday that is nearest to a day, in the same month."""
    weekday = date(year, month, day).weekday()
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str) -> Callable[[int, int], set[int]]:
    items = ["SAT" if item == "L" else item for item in field.split(",")]
    plain = [item for item in items if not re.fullmatch("[0-9A-Z]+(L|#[1-5])", item)]
    fixed = set(_numbers("weekday", ",".join(plain), 1, 7, _WEEKDAYS)) if plain else set()
    ranked: list[tuple[int, int]] = []
    for item in items:
        if item not in plain:
            # `6L` is the last Friday, `6#3` the third one.
            name, _, rank = item.partition("#") if "#" in item else (item[:-1], "", "0")
            ranked.append((_number("weekday", name, 1, 7, _WEEKDAYS), int(rank) - 1))

    def days(year: int, month: int) -> set[int]:
        weeks = calendar.Calendar(calendar.SUNDAY).monthdayscalendar(year, month)
        by_weekday = {
            number: [week[number - 1] for week in weeks if week[number - 1]] for number in _WEEK
        }
        found = {day for number in fixed for day in by_weekday[number]}
        return found | {
            by_weekday[number][rank] for number, rank in ranked if rank < len(by_weekday[number])
        }

    return days

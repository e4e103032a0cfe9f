"""When a scheduled flow runs: rate and cron expressions, and the moments that they name."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .cron import LAST_YEAR, compile_cron

if TYPE_CHECKING:
    from customer_profiles._wire import Wire


class Schedule(Protocol):
    """The moments at which something is to happen."""

    def first(self, at: float) -> float | None:
        """Give the first moment at or after a time, in epoch seconds; None if there is none."""
        ...


_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_RATE = re.compile(r"rate\s*\(\s*([1-9][0-9]{0,5})\s*(minute|hour|day|week|month)s?\s*\)")
_CRON = re.compile(r"cron\s*\(\s*(\S+(?:\s+\S+){5})\s*\)")


def compile_schedule(expression: str, start: float) -> Schedule:
    """Read an expression such as `rate(5 minutes)` or `cron(0 12 * * ? *)`.

    Args:
        expression: the expression; spaces may be left out of a rate, as Amazon AppFlow does.
        start: where a rate begins to count, in epoch seconds.

    Raises:
        ValueError: it is neither; the message says what is wrong.
    """
    if rate := _RATE.fullmatch(expression.strip()):
        count, unit = int(rate[1]), rate[2]
        return Months(start, count) if unit == "month" else Rate(start, count * _SECONDS[unit])
    if cron := _CRON.fullmatch(expression.strip()):
        return compile_cron(cron[1].split())
    message = (
        "it is neither rate(<number> minutes|hours|days|weeks|months) "
        "nor cron(<minutes> <hours> <day> <month> <weekday> <year>)"
    )
    raise ValueError(message)


class Rate(NamedTuple):
    """Every so many seconds from a start on."""

    start: float
    seconds: int

    def first(self, at: float) -> float:
        """Give the first moment at or after a time."""
        return self.start + max(0, math.ceil((at - self.start) / self.seconds)) * self.seconds


class Months(NamedTuple):
    """Every so many months from a start on, on its day or the month's last."""

    start: float
    months: int

    def first(self, at: float) -> float | None:
        """Give the first moment at or after a time."""
        begin = datetime.fromtimestamp(self.start, UTC)
        wanted = datetime.fromtimestamp(max(at, self.start), UTC)
        passed = (wanted.year - begin.year) * 12 + wanted.month - begin.month
        step = passed // self.months * self.months
        while (moment := _months_later(begin, step)) is not None and moment.timestamp() < at:
            step += self.months
        return None if moment is None else moment.timestamp()


def _months_later(begin: datetime, months: int) -> datetime | None:
    years, month = divmod(begin.month - 1 + months, 12)
    year = begin.year + years
    if year > LAST_YEAR:
        return None
    last = calendar.monthrange(year, month + 1)[1]
    return begin.replace(year=year, month=month + 1, day=min(begin.day, last))


def first_run(trigger: Wire, made: float, at: float) -> float | None:
    """Give the first run of a scheduled flow that is due at or after a time.

    Args:
        trigger: the flow's ScheduledTriggerProperties.
        made: when the flow was made.
        at: the time, in epoch seconds.
    """
    # Assumed: a schedule without ScheduleStartTime starts when the flow is put, with a first run.
    start = trigger.get("ScheduleStartTime", made)
    schedule = compile_schedule(trigger["ScheduleExpression"], start)
    # Assumed: ScheduleOffset moves every run by its seconds.
    offset: int = trigger.get("ScheduleOffset", 0)
    moment = schedule.first(max(at - offset, start))
    end = trigger.get("ScheduleEndTime")
    # Assumed: a run that is due after ScheduleEndTime does not happen, one at it does.
    if moment is None or (end is not None and moment + offset > end):
        return None
    return moment + offset


def time_zone_is_known(name: str) -> bool:
    """Say whether a time zone's name is one of the IANA's, as far as this machine knows them."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    for one in (name, "America/New_York"):
        try:
            ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return one == name
    # A machine without the database knows none.
    return True

"""When a scheduled flow runs: the moments that rate and cron expressions name."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from customer_profiles._flow_rules import CronFields, parse_schedule

from .cron import LAST_YEAR, compile_cron

if TYPE_CHECKING:
    from customer_profiles._wire import Wire


class Schedule(Protocol):
    """The moments at which a flow runs."""

    def first(self, at: float) -> float | None:
        """Return the first moment at or after a time, in epoch seconds; None if there is none."""
        ...


_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


def compile_schedule(expression: str, start: float) -> Schedule:
    """Compile an expression such as `rate(5 minutes)` or `cron(0 12 * * ? *)`.

    Args:
        expression: the expression; a rate may leave out its spaces, as Amazon AppFlow does.
        start: where a rate begins to count, in epoch seconds.

    Raises:
        ValueError: it is neither, or a field of the cron expression is wrong.
    """
    schedule = parse_schedule(expression)
    if isinstance(schedule, CronFields):
        return compile_cron(schedule)
    if schedule.unit == "month":
        return EveryMonths(start, schedule.number)
    return EverySeconds(start, schedule.number * _SECONDS[schedule.unit])


class EverySeconds(NamedTuple):
    """Every so many seconds from a start."""

    start: float
    seconds: int

    def first(self, at: float) -> float:
        """Return the first moment at or after a time."""
        return self.start + max(0, math.ceil((at - self.start) / self.seconds)) * self.seconds


class EveryMonths(NamedTuple):
    """Every so many months from a start, on its day or the month's last."""

    start: float
    months: int

    def first(self, at: float) -> float | None:
        """Return the first moment at or after a time; None after the last year."""
        begin = datetime.fromtimestamp(self.start, UTC)
        earliest = datetime.fromtimestamp(max(at, self.start), UTC)
        passed = (earliest.year - begin.year) * 12 + earliest.month - begin.month
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


def first_run(trigger: Wire, created: float, at: float) -> float | None:
    """Return the first run of a scheduled flow that is due at or after a time, in epoch seconds.

    Args:
        trigger: the flow's ScheduledTriggerProperties.
        created: when the flow was put, in epoch seconds.
        at: the time, in epoch seconds.

    Raises:
        ValueError: the schedule's expression is wrong.
    """
    # Assumed: a schedule without ScheduleStartTime starts when the flow is put, with a first run.
    start = trigger.get("ScheduleStartTime", created)
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
    """Return whether a name is one of the IANA time zones, as far as this machine has them."""
    return _is_time_zone(name) or not _is_time_zone("America/New_York")


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

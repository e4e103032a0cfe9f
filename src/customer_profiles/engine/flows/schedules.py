"""When a scheduled flow runs: the moments that rate and cron expressions name."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from customer_profiles._flow_rules import CronFields, parse_schedule

from .cron import LAST_YEAR, compile_cron

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles._wire import Wire


_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


def compile_schedule(expression: str, start: float) -> Callable[[float], float | None]:
    """Compile an expression such as `rate(5 minutes)` or `cron(0 12 * * ? *)`.

    Args:
        expression: the expression; a rate may leave out its spaces, as Amazon AppFlow does.
        start: where a rate begins to count, in epoch seconds.

    Returns:
        What returns the first moment at or after a time, in epoch seconds; None if there is none.

    Raises:
        ValueError: it is neither, or a field of the cron expression is wrong.
    """
    schedule = parse_schedule(expression)
    if isinstance(schedule, CronFields):
        return compile_cron(schedule).first
    if schedule.unit == "month":
        return partial(_first_by_months, start, schedule.number)
    seconds = schedule.number * _SECONDS[schedule.unit]
    return lambda at: start + max(0, math.ceil((at - start) / seconds)) * seconds


def _first_by_months(start: float, months: int, at: float) -> float | None:
    """Return the first moment at or after a time; the day is that of the start, or the last."""
    begin = datetime.fromtimestamp(start, UTC)
    earliest = datetime.fromtimestamp(max(at, start), UTC)
    passed = (earliest.year - begin.year) * 12 + earliest.month - begin.month
    step = passed // months * months
    while (moment := _months_later(begin, step)) is not None and moment.timestamp() < at:
        step += months
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
    first = compile_schedule(trigger["ScheduleExpression"], start)
    # Assumed: ScheduleOffset moves every run by its seconds.
    offset: int = trigger.get("ScheduleOffset", 0)
    moment = first(max(at - offset, start))
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

"""What flows of Amazon AppFlow allow: the operators of tasks, and the forms of schedules."""

from __future__ import annotations

import re
from typing import NamedTuple

# AppFlow's API:Task has the types; AWS's own cdk-appflow shows which properties each reads.
# Assumed: a task type allows the operators whose names fit it, if the connector has them.
OPERATORS: dict[str, tuple[str, ...]] = {
    "Arithmetic": ("ADDITION", "MULTIPLICATION", "DIVISION", "SUBTRACTION"),
    "Filter": (
        *("PROJECTION", "CONTAINS", "BETWEEN", "LESS_THAN", "GREATER_THAN", "EQUAL_TO"),
        *("NOT_EQUAL_TO", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN_OR_EQUAL_TO", "NO_OP"),
    ),
    "Map": ("NO_OP", "PROJECTION"),
    "Mask": ("MASK_ALL", "MASK_FIRST_N", "MASK_LAST_N"),
    "Merge": ("NO_OP",),
    "Truncate": ("NO_OP",),
    "Validate": (
        *("VALIDATE_NON_NULL", "VALIDATE_NON_ZERO"),
        *("VALIDATE_NON_NEGATIVE", "VALIDATE_NUMERIC"),
    ),
}
_RATE = re.compile(r"rate\s*\(\s*([1-9][0-9]{0,5})\s*(minute|hour|day|week|month)s?\s*\)")
_CRON = re.compile(r"cron\s*\(\s*([0-9A-Za-z*/,?#-]+(?:\s+[0-9A-Za-z*/,?#-]+){5})\s*\)")


class Rate(NamedTuple):
    """A schedule that runs after every so many units of time."""

    number: int
    unit: str
    """minute, hour, day, week or month."""


class CronFields(NamedTuple):
    """The six fields of a cron expression; their values are not checked."""

    minutes: str
    hours: str
    day: str
    month: str
    weekday: str
    year: str


def parse_schedule(expression: str) -> Rate | CronFields:
    """Read a schedule such as `rate(5 minutes)` or `cron(0 12 * * ? *)`.

    A rate may leave out its spaces, as Amazon AppFlow does.

    Raises:
        ValueError: it is neither a rate nor a cron expression.
    """
    expression = expression.strip()
    if rate := _RATE.fullmatch(expression):
        return Rate(int(rate[1]), rate[2])
    if cron := _CRON.fullmatch(expression):
        return CronFields(*cron[1].split())
    raise ValueError(
        "a schedule is either rate(<number> minutes|hours|days|weeks|months) "
        "or cron(<minutes> <hours> <day> <month> <weekday> <year>)"
    )

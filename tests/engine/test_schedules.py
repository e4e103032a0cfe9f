"""When a scheduled flow runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.engine.flows.schedules import compile_schedule, first_run, time_zone_is_known

START = "2026-01-31 10:07"


def epoch(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def after(expression, moment, start=START):
    """Give the first moment at or after another one, as text."""
    found = compile_schedule(expression, epoch(start))(epoch(moment))
    return None if found is None else f"{datetime.fromtimestamp(found, UTC):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("expression", "moment"),
    [
        ("rate(5 minutes)", "2026-01-31 10:12"),
        ("rate(5minutes)", "2026-01-31 10:12"),
        ("rate (1 hours)", "2026-01-31 11:07"),
        ("rate(2 days)", "2026-02-02 10:07"),
        ("rate(1 week)", "2026-02-07 10:07"),
        ("rate(1 month)", "2026-02-28 10:07"),
    ],
)
def test_a_rate_counts_from_its_start(expression, moment):
    assert after(expression, START) == START
    assert after(expression, "2026-01-31 10:08") == moment


def test_a_month_that_is_too_short_does_not_move_the_later_runs():
    assert after("rate(1 month)", "2026-03-01 00:00") == "2026-03-31 10:07"


def test_a_rate_does_not_run_before_its_start():
    assert after("rate(1 hour)", "2020-01-01 00:00") == START


@pytest.mark.parametrize(
    ("expression", "moment"),
    [
        ("cron(0 12 * * ? *)", "2026-01-31 12:00"),
        ("cron(7 10 * * ? *)", "2026-01-31 10:07"),
        ("cron(0/15 8-17 ? * MON-FRI *)", "2026-02-02 08:00"),
        ("cron(30,45 10 * * ? *)", "2026-01-31 10:30"),
        ("cron(0 6 1-7/3 * ? *)", "2026-02-01 06:00"),
        ("cron(0 6 L * ? *)", "2026-02-28 06:00"),
        ("cron(0 6 1W MAR ? *)", "2026-03-02 06:00"),
        ("cron(0 6 15W AUG ? *)", "2026-08-14 06:00"),
        ("cron(0 6 ? * 1 *)", "2026-02-01 06:00"),
        ("cron(0 6 ? * L *)", "2026-02-07 06:00"),
        ("cron(0 6 ? * 6#3 *)", "2026-02-20 06:00"),
        ("cron(0 6 ? * FRIL *)", "2026-02-27 06:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00"),
        ("cron(0 0 1 1 ? 2027-2030)", "2027-01-01 00:00"),
    ],
)
def test_a_cron_expression_names_minutes(expression, moment):
    assert after(expression, START) == moment


@pytest.mark.parametrize("expression", ["cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2020)"])
def test_a_cron_expression_may_name_no_moment_any_more(expression):
    assert after(expression, START) is None


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("every day", "either rate"),
        ("rate(0 days)", "either rate"),
        ("rate(1 year)", "either rate"),
        ("cron(0 12 * *)", "either rate"),
        ("cron(0 12 * * * *)", "must be \\?, and only one"),
        ("cron(0 12 ? * ? *)", "must be \\?, and only one"),
        ("cron(60 12 * * ? *)", "minutes of the cron expression must be from 0 to 59"),
        ("cron(0 12 32 * ? *)", "day of the cron expression must be from 1 to 31"),
        ("cron(0 12 ? * 8 *)", "weekday of the cron expression must be from 1 to 7"),
        ("cron(0 12 ? * FRI#6 *)", "weekday of the cron expression"),
        ("cron(0 17-8 * * ? *)", "hours of the cron expression end before they begin"),
        ("cron(0/0 8 * * ? *)", "minutes of the cron expression must be from 1 to 59"),
        ("cron(0 8 * JANUARY ? *)", "month of the cron expression must be from 1 to 12"),
    ],
)
def test_any_other_expression_says_what_is_wrong(expression, words):
    with pytest.raises(ValueError, match=words):
        compile_schedule(expression, 0)


@given(
    st.sampled_from(["rate(7 minutes)", "rate(3 months)", "cron(0/7 3,4 ? * SUN-TUE *)"]),
    st.integers(0, 4_000_000_000),
)
def test_the_first_moment_is_itself_the_first_at_that_time(expression, at):
    first = compile_schedule(expression, 1_000_000_000)
    moment = first(at)

    assert moment is not None
    assert moment >= at
    assert first(moment) == moment
    assert first(moment + 0.001) > moment


def run(at, **trigger):
    trigger = {"ScheduleExpression": "rate(1 hour)"} | trigger
    return first_run(trigger, created=1_000, at=at)


def test_a_schedule_without_a_start_begins_when_it_is_made():
    assert run(1_000) == 1_000
    assert run(1_001) == 4_600


def test_a_schedule_begins_at_its_start():
    assert run(1_000, ScheduleStartTime=50_000) == 50_000


def test_a_schedule_that_has_begun_keeps_its_beat():
    assert run(1_000, ScheduleStartTime=100) == 3_700


def test_an_offset_moves_every_run():
    assert run(1_000, ScheduleOffset=60) == 1_060
    assert run(1_061, ScheduleOffset=60) == 4_660


def test_a_schedule_ends():
    assert run(1_001, ScheduleEndTime=4_600) == 4_600
    assert run(1_001, ScheduleEndTime=4_599) is None


def test_time_zones_have_the_names_of_the_iana():
    assert time_zone_is_known("Europe/London")
    assert not time_zone_is_known("Europe/Nowhere")
    assert not time_zone_is_known("../etc/passwd")

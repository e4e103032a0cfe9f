import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles._timestamps import timestamp_format

MOMENT = dt.datetime(2024, 2, 29, 13, 5, 9, tzinfo=dt.UTC)


def moment(*, hour=0, minute=0, second=0, microsecond=0, year=2024, month=2, day=29):
    return dt.datetime(year, month, day, hour, minute, second, microsecond, dt.UTC)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "2024-02-29T13:05:09Z"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T15:05:09.000+02:00"),
        ("yyyy-MM-dd'T'HH:mm:ssZ", "2024-02-29T08:05:09-0500"),
        ("yyyyMMddHHmmss", "20240229130509"),
        ("M/d/yy h:mm:ss a", "2/29/24 1:05:09 PM"),
        ("EEE, dd MMM yyyy HH:mm:ss z", "Thu, 29 Feb 2024 13:05:09 GMT"),
        ("MMMM d, yyyy 'at' HH''mm''ss", "February 29, 2024 at 13'05'09"),
        ("yyyy-DDD kk:mm:ss", "2024-060 13:05:09"),
        ("EPOCHMILLI", "1709211909000"),
    ],
)
def test_a_timestamp_is_read_by_its_pattern(pattern, text):
    assert timestamp_format(pattern).seconds(text) == MOMENT.timestamp()
    assert timestamp_format(pattern).read(text) == MOMENT


# What Java's documentation of SimpleDateFormat says of each letter; None is a refusal.
JAVA = [
    ("yyyy-DDD", "2024-366", moment(month=12, day=31)),
    ("yyyy-DDD", "2023-366", None),
    ("yyyy-D", "2024-60", moment()),
    ("yyyy-MM-dd kk:mm", "2024-02-29 24:00", moment()),
    ("yyyy-MM-dd kk:mm", "2024-02-29 00:00", None),
    ("yyyy-MM-dd HH:mm", "2024-02-29 24:00", None),
    ("yyyy-MM-dd hh:mm a", "2024-02-29 12:05 AM", moment(minute=5)),
    ("yyyy-MM-dd hh:mm a", "2024-02-29 12:05 pm", moment(hour=12, minute=5)),
    ("yyyy-MM-dd hh:mm a", "2024-02-29 13:10 PM", None),
    ("yyyy-MM-dd hh:mm a", "2024-02-29 00:10 AM", None),
    ("yyyy-MM-dd KK:mm a", "2024-02-29 00:05 PM", moment(hour=12, minute=5)),
    ("yyyy-MM-dd KK:mm a", "2024-02-29 12:05 PM", None),
    ("yyyy-MM-dd HH:mmX", "2024-02-29 05:00+05", moment()),
    ("yyyy-MM-dd HH:mmX", "2024-02-29 05:00+5", None),
    ("yyyy-MM-dd HH:mmX", "2024-02-29 05:00+05:00", None),
    ("yyyy-MM-dd HH:mmX", "2024-02-29 05:00GMT", None),
    ("yyyy-MM-dd HH:mmXX", "2024-02-29 05:30+0530", moment()),
    ("yyyy-MM-dd HH:mmXX", "2024-02-29 05:30+05:30", None),
    ("yyyy-MM-dd HH:mmXXX", "2024-02-29 00:00Z", moment()),
    ("yyyy-MM-dd HH:mmXXX", "2024-02-29 05:30+05:30", moment()),
    ("yyyy-MM-dd HH:mmXXX", "2024-02-29 05:00+05:60", None),
    ("yyyy-MM-dd HH:mmZ", "2024-02-29 00:00Z", None),
    ("yyyy-MM-dd HH:mmZ", "2024-02-29 05:00+2500", None),
    ("yyyy-MM-dd HH:mm z", "2024-02-28 16:00 GMT-8:00", moment()),
    ("yyyy-MM-dd HH:mm z", "2024-02-28 16:00 GMT-08:00", moment()),
    ("yyyy-MM-dd HH:mm z", "2024-02-28 16:00 -0800", moment()),
    ("yyyy-MM-dd HH:mm z", "2024-02-29 00:00 utc", moment()),
    ("yyyy-MM-dd HH:mm z", "2024-02-28 16:00 PST", None),
    ("EEE yyyy-MM-dd", "Thursday 2024-02-29", moment()),
    ("EEEE yyyy-MM-dd", "thu 2024-02-29", moment()),
    ("EEE yyyy-MM-dd", "Xyz 2024-02-29", None),
    ("u yyyy-MM-dd", "4 2024-02-29", moment()),
    ("u yyyy-MM-dd", "8 2024-02-29", None),
    ("yyyy-MMM-dd", "2024-FEBRUARY-29", moment()),
    ("yyyy-LLL-d", "2024-Feb-29", moment()),
    ("yyyy-MMM-dd", "2024-02-29", None),
    ("yy-MM-dd", "68-02-29", moment(year=2068)),
    ("yy-MM-dd", "72-02-29", moment(year=1972)),
    ("yy-MM-dd", "2024-02-29", moment()),
    ("yy-MM-dd", "4-02-29", moment(year=4)),
    ("yyyy-MM-dd", "24-02-29", moment(year=24)),
    ("y-MM-dd", "24-02-29", moment()),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2024-02-29 00:00:00.5", moment(microsecond=5000)),
    ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-02-29 00:00:00.5", moment(microsecond=500_000)),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2024-02-29 00:00:00.123456", moment(microsecond=123_456)),
    ("yyyy-MM-dd", "2023-02-29", None),
    ("yyyy-MM-dd", "2024-02-29T00:00", None),
    ("yyyy-MM-dd'T'HH", "2024-02-29t00", None),
    ("MM/dd/yyyy", "2/29/2024", moment()),
    ("yyyyMMdd", "2024229", None),
    ("yyyy-MM-dd", " 2024-02-29 ", moment()),
    ("yyyy-MM-dd HH:mm:ss", "2024-02-29 00:00:60", None),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), JAVA)
def test_a_pattern_is_read_as_java_documents_it(pattern, text, expected):
    if expected is not None:
        assert timestamp_format(pattern).read(text) == expected
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message varies, and is checked
        timestamp_format(pattern).read(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("y yy", None),
        ("y-M-d", "2024-2-29"),
        ("yy-MM-dd", "24-02-29"),
        ("EEE EEEE", None),
        ("EEEE d MMMM yyyy", "Thursday 29 February 2024"),
        ("EEE d MMM yyyy", "Thu 29 Feb 2024"),
        ("yyyy D u", "2024 60 4"),
        ("yyyy k K h a", "2024 13 1 1 PM"),
        ("yyyy ss.S", "2024 09.7"),
        ("yyyy ss.SSS", "2024 09.007"),
        ("yyyy ss.SSSSSS", "2024 09.007000"),
        ("yyyy X", "2024 Z"),
        ("yyyy Z", "2024 +0000"),
        ("yyyy z", "2024 GMT"),
        ("yyyy 'o''clock' ''", "2024 o'clock '"),
    ],
)
def test_a_pattern_is_written_as_java_documents_it(pattern, text):
    if text is None:
        with pytest.raises(ValueError, match="format"):
            timestamp_format(pattern)
        return
    assert timestamp_format(pattern).write(MOMENT.replace(microsecond=7000)) == text


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy X", "2024 Z"),
        ("yyyy HH XX", "2024 13 -0530"),
        ("yyyy HH XXX", "2024 13 -05:30"),
        ("yyyy HH Z", "2024 13 -0530"),
        ("yyyy HH z", "2024 13 GMT-05:30"),
        ("yyyy HH:mm", "2024 18:35"),
    ],
)
def test_an_offset_is_written_where_the_pattern_has_one(pattern, text):
    zone = dt.timezone(-dt.timedelta(hours=5, minutes=30))
    assert timestamp_format(pattern).write(MOMENT.replace(tzinfo=zone)) == text


def test_epoch_milliseconds_keep_their_fraction_of_a_second():
    compiled = timestamp_format("EpochMilli")
    assert compiled.seconds(1709211909250) == MOMENT.timestamp() + 0.25
    assert compiled.write(compiled.read(1709211909250)) == 1709211909250


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "needs a year"),
        ("HH:mm", "needs a year"),
        ("uuuu-MM-dd", "needs a year"),
        ("yyyy-MM-dd'T", "quote that is not closed"),
        ("yyyy-bb", "'b' is not a supported letter"),
        ("YYYY-ww", "'Y' is not a supported letter"),
        ("yyyy yyyy", "'y' in two positions"),
        ("yyyyXXXX", "at most three X"),
    ],
)
def test_a_pattern_that_cannot_be_followed_is_an_error(pattern, reason):
    with pytest.raises(ValueError, match="format") as caught:
        timestamp_format(pattern)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd", "2023-02-29"),
        ("yyyy-MM-dd", "yesterday"),
        ("yyyy-MM-dd", "0000-01-01"),
        ("EpochMilli", "soon"),
        ("EpochMilli", "1e400"),
        ("EpochMilli", "nan"),
        ("EpochMilli", 10**400),
    ],
)
def test_a_text_that_does_not_follow_its_pattern_is_an_error(pattern, text):
    compiled = timestamp_format(pattern)
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own words differ
        compiled.seconds(text)
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own words differ
        compiled.read(text)


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 30)))  # noqa: DTZ001
def test_what_a_pattern_writes_is_read_back(moment):
    read = timestamp_format("yyyy-MM-dd'T'HH:mm:ss.SSSSSS").seconds
    assert read(moment.isoformat(timespec="microseconds")) == pytest.approx(
        moment.replace(tzinfo=dt.UTC).timestamp(), abs=1e-5
    )


YEARS = ("yyyy", "y", "yyyyy")
DAYS = ("MM-dd", "M/d", "MMM d", "dd MMMM", "LL-dd", "EEE d LLLL", "DDD", "D", "u dd.MM")
HOURS = ("HH", "H", "kk", "k", "hh a", "a h", "KK a", "aa K")
FRACTIONS = ("'.'SSS", "'.'S", "'.'SSSSSS")
ZONES = ("", "X", " XX", "XXX", " Z", " z", " 'Z'", " '''UTC'''")


@given(
    st.tuples(*map(st.sampled_from, (YEARS, DAYS, HOURS, FRACTIONS, ZONES))).map(
        lambda parts: "{} {}'T'{}:mm:ss{}{}".format(*parts)
    )
    | st.sampled_from(("EpochMilli", "yyyyMMddHHmmssSSS", "yyyyDDDHHmmssSSSZ")),
    st.datetimes(dt.datetime(1000, 1, 2), dt.datetime(9999, 12, 30)),  # noqa: DTZ001
    st.sampled_from((dt.UTC, dt.timezone(dt.timedelta(hours=-5, minutes=-30)))),
)
def test_what_any_supported_pattern_writes_it_reads_back(pattern, moment, zone):
    microsecond = moment.microsecond
    if "SSSSSS" not in pattern:
        microsecond -= microsecond % 1000
    moment = moment.replace(tzinfo=zone, microsecond=microsecond)
    compiled = timestamp_format(pattern)

    assert compiled.read(compiled.write(moment)) == moment


@given(st.text("yMdDuHkKhmsSaEzZXL'-:/ T.0", max_size=20), st.text(max_size=20))
def test_no_pattern_and_no_text_raise_anything_else(pattern, text):
    with contextlib.suppress(ValueError):
        assert isinstance(timestamp_format(pattern).seconds(text), float)


def test_a_long_text_is_refused_at_once():
    pattern = "yyyy'0'M'0'd'0'H'0'm'0's'0'S"
    with pytest.raises(ValueError, match="does not follow"):
        timestamp_format(pattern).read("0" * 100_000)

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles._timestamps import reader

MOMENT = dt.datetime(2024, 2, 29, 13, 5, 9, tzinfo=dt.UTC).timestamp()


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
    assert reader(pattern)(text) == MOMENT


def test_epoch_milliseconds_keep_their_fraction_of_a_second():
    assert reader("EpochMilli")(1709211909250) == MOMENT + 0.25


@pytest.mark.parametrize("pattern", ["", "HH:mm", "yyyy-MM-dd'T", "yyyy-bb", "yyyy yyyy"])
def test_a_pattern_that_cannot_be_followed_is_an_error(pattern):
    with pytest.raises(ValueError, match="format"):
        reader(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd", "2023-02-29"),
        ("yyyy-MM-dd", "yesterday"),
        ("yyyy-MM-dd", "0000-01-01"),
        ("EpochMilli", "soon"),
        ("EpochMilli", "1e400"),
        ("EpochMilli", "nan"),
    ],
)
def test_a_text_that_does_not_follow_its_pattern_is_an_error(pattern, text):
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own words differ
        reader(pattern)(text)


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 30)))  # noqa: DTZ001
def test_what_a_pattern_writes_is_read_back(moment):
    read = reader("yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
    assert read(moment.isoformat(timespec="microseconds")) == pytest.approx(
        moment.replace(tzinfo=dt.UTC).timestamp(), abs=1e-5
    )


@given(st.text("yMdHhmsSaEzZX'-:/ T.", max_size=20), st.text(max_size=20))
def test_no_pattern_and_no_text_raise_anything_else(pattern, text):
    with contextlib.suppress(ValueError):
        assert isinstance(reader(pattern)(text), float)

"""Lazy lists: what is fetched, when, and how much."""

from __future__ import annotations

import pytest

from customer_profiles import InvalidInputError, PaginationError, Results


class Source:
    """Numbers in pages, remembering what was asked."""

    def __init__(self, total: int) -> None:
        self.total, self.asked = total, list[tuple[int, str | None]]()

    def __call__(self, size: int, token: str | None) -> tuple[list[int], str | None]:
        self.asked.append((size, token))
        begin = int(token or 0)
        end = min(begin + size, self.total)
        return list(range(begin, end)), str(end) if end < self.total else None


def test_nothing_is_fetched_before_it_is_asked_for() -> None:
    source = Source(5)
    results = Results(source)
    iter(results)
    repr(results)

    assert source.asked == []


def test_an_abandoned_iteration_sends_no_further_request() -> None:
    source = Source(500)
    for number in Results(source):
        if number == 99:
            break

    assert source.asked == [(100, None)]


@pytest.mark.parametrize(
    ("limit", "asked"),
    [(1, [1]), (100, [100]), (250, [100, 100, 50]), (None, [100, 100, 100])],
)
def test_a_page_is_as_large_as_what_is_still_wanted(limit: int | None, asked: list[int]) -> None:
    source = Source(300)

    assert list(Results(source, limit=limit)) == list(range(limit or 300))
    assert [size for size, _ in source.asked] == asked


def test_a_truth_value_is_refused_naming_first_and_fetches_nothing() -> None:
    source = Source(5)
    results = Results(source)

    with pytest.raises(InvalidInputError, match=r"first\(\) is not None"):
        bool(results)
    assert source.asked == []


def test_first_asks_for_one_and_one_asks_for_two() -> None:
    source = Source(1)
    results = Results(source)

    assert (results.first(), results.one()) == (0, 0)
    assert [size for size, _ in source.asked] == [1, 2]


def test_a_second_iteration_begins_again() -> None:
    results = Results(Source(150))

    assert list(results) == list(results)


def test_empty_pages_with_a_token_are_passed_over() -> None:
    pages: list[tuple[list[int], str | None]] = [([], "a"), ([1], "b"), ([], None)]

    assert list(Results(lambda _size, _token: pages.pop(0))) == [1]


def test_a_repeated_token_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(PaginationError):
        list(Results(lambda _size, _token: ([1], "same")))


def test_a_page_with_more_than_was_asked_for_is_cut() -> None:
    assert list(Results(lambda _size, _token: ([1, 2, 3], None), limit=2)) == [1, 2]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"page_size": 0}, {"page_size": 101}])
def test_impossible_sizes_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError):
        Results(Source(1), **wrong)

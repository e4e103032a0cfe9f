"""Odd requests over a socket get an answer, and change nothing when they are refused."""

from __future__ import annotations

import os

from tools import fuzz


def test_fuzzed_requests_get_answers_over_a_socket():
    requests, seed = (
        int(os.environ.get(f"FUZZ_{name}", default))
        for name, default in (("REQUESTS", 300), ("SEED", 1))
    )
    report = fuzz.run(seed, range(requests), by_socket=True)
    assert report.failures == []
    assert report.statuses.total() == requests
    assert report.statuses[200] > requests // 10

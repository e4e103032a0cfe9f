"""How a matching result is used, read by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from customer_profiles.identity import (
    Changes,
    Estimate,
    Evaluation,
    Expectation,
    Explanation,
    Group,
    Household,
    Membership,
    PairError,
    Resolution,
    Score,
    Verdict,
    resolve,
)


def judge(records: list[dict[str, str]], truth: dict[int, str]) -> None:
    """Use what a result says about itself."""
    found = assert_type(resolve(records, precision=0.99), Resolution)
    assert_type(found.at(precision=0.9), list[Group])
    assert_type(found.precision, float | None)
    expected = assert_type(found.expected([0.8]), Expectation)
    assert_type(expected.people, Estimate)
    for at in expected:
        assert_type(at.recall.low, float)
    result = assert_type(found.evaluate(truth), Evaluation)
    found.evaluate([1, None, "a"])
    found.evaluate("person")
    assert_type(result.cubed, Score)
    for error in assert_type(result.errors("related", limit=3), list[PairError]):
        assert_type(error.explain(), Explanation)
    verdict = assert_type(found.verdict, Verdict)
    if not verdict:
        remedies = [reason.remedy for reason in verdict.reasons if reason.kind == "few_matches"]
        assert_type(remedies, list[str])


def compare(found: Resolution, before: Resolution, stored: str) -> None:
    """Compare a result with an earlier one."""
    assert_type(found.changes_since(before), Changes)
    changes = assert_type(found.changes_since(Membership.from_json(stored)), Changes)
    assert_type([change.groups for change in changes.grown], list[tuple[str, ...]])
    assert_type(changes.counts["split"], int)
    assert_type(found.membership({1: 7, 2: 7})[1], str)
    for household in assert_type(found.households, list[Household]):
        assert_type(household.people, tuple[tuple[Any, ...], ...])

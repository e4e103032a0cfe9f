"""Groups and their confidence."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.identity.matching import clusters


def columns(pairs):
    """Return a mapping of pairs to probabilities, as {(0, 1): 0.9}, as columns."""
    i, j = np.array(list(pairs)).T
    return i, j, np.array(list(pairs.values()))


def test_a_group_of_two_is_as_sure_as_its_pair():
    label = np.array([0, 0, 2])

    assert clusters.confidence(label, *columns({(0, 1): 0.97})).tolist() == [0.97, 1.0, 1.0]


def test_a_group_is_as_sure_as_the_pairs_that_join_it_best():
    pairs = {(0, 1): 0.98, (1, 2): 0.96, (0, 2): 0.6}

    found = clusters.confidence(np.zeros(3, int), *columns(pairs))
    assert found[0] == pytest.approx(0.98 * 0.96)


def test_a_join_that_most_pairs_doubt_is_worth_less():
    pairs = dict.fromkeys(itertools.combinations(range(4), 2), 0.99)
    pairs |= {(row, 4): 0.1 for row in range(3)} | {(3, 4): 0.99}

    found = clusters.confidence(np.zeros(5, int), *columns(pairs))
    doubted = 1 / (1 + 0.01 / 0.99 * 4)
    assert found[0] == pytest.approx(0.99**3 * doubted)


def test_a_third_record_is_evidence_for_a_pair():
    pairs = {(0, 1): 0.99, (1, 2): 0.98, (0, 2): 0.05}

    paths = clusters.best_paths(np.zeros(3, int), *columns(pairs))
    assert paths.tolist() == pytest.approx([0.99, 0.98, 0.99 * 0.98])


def test_records_of_other_groups_are_no_evidence():
    pairs = {(0, 1): 0.99, (1, 2): 0.98, (0, 2): 0.05}

    paths = clusters.best_paths(np.array([0, 0, 2]), *columns(pairs))
    assert paths.tolist() == [0, 0, 0]


@st.composite
def grouped(draw):
    """Draw records in groups, and a probability of each pair."""
    label = np.array(draw(st.lists(st.integers(0, 3), min_size=1, max_size=12)))
    least = np.array([int(np.flatnonzero(label == group)[0]) for group in label])
    chance = st.floats(0.001, 0.999)
    pairs = {pair: draw(chance) for pair in itertools.combinations(range(len(label)), 2)}
    return least, pairs


def products(members, pairs, start, end):
    """Yield the product of probabilities along each path between two records."""
    others = [record for record in members if record not in {start, end}]
    for length in range(len(others) + 1):
        for middle in itertools.permutations(others, length):
            steps = itertools.pairwise((start, *middle, end))
            yield math.prod(pairs[tuple(sorted(step))] for step in steps)


@given(grouped())
def test_the_best_path_is_the_best_of_all_paths(drawn):
    label, pairs = drawn
    if not pairs:
        return
    members = {group: np.flatnonzero(label == group).tolist() for group in set(label.tolist())}
    paths = clusters.best_paths(label, *columns(pairs))

    for (start, end), found in zip(pairs, paths.tolist(), strict=True):
        together = members[label[start]]
        if label[start] != label[end] or not 2 < len(together) < 7:
            continue
        assert found == pytest.approx(max(products(together, pairs, start, end)))


@given(grouped(), st.randoms(use_true_random=False))
def test_confidence_does_not_depend_on_the_order_of_pairs(drawn, dice):
    label, pairs = drawn
    if not pairs:
        return
    shuffled = dict(dice.sample(list(pairs.items()), len(pairs)))

    first = clusters.confidence(label, *columns(pairs))
    assert clusters.confidence(label, *columns(shuffled)) == pytest.approx(first)
    assert ((first > 0) & (first <= 1)).all()

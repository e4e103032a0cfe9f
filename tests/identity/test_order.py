"""A result does not depend on the order of rows and columns, nor on the number of threads."""

from __future__ import annotations

import os
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles.identity import resolve
from customer_profiles.identity.preparing.normalize import hashes_of

from .people import people
from .test_estimation import households


@pytest.fixture(scope="module")
def rows():
    found, _ = people(120, seed=8)
    copies = [found[0] | {"ProfileId": f"copy {number}"} for number in range(15)]
    return [*found, *copies]


def result(rows):
    """Return the groups, their confidence, and all pairs with their probability, by ids."""
    found = resolve(rows)
    pairs = found.pairs(0)
    ids = [row["ProfileId"] for row in rows]
    groups = {frozenset(group.ids): group.confidence for group in found.groups}
    return groups, {
        frozenset((ids[left], ids[right])): float(probability)
        for left, right, probability in zip(*pairs, strict=True)
    }


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_order_of_rows_and_columns_gives_the_same(rows, dice):
    names = list(dict.fromkeys(name for row in rows for name in row))
    dice.shuffle(names)
    shuffled = [{name: row.get(name) for name in names} for row in dice.sample(rows, len(rows))]

    assert result(shuffled) == result(rows)


def test_any_number_of_threads_gives_the_same(rows, monkeypatch):
    found = []
    for count in (1, 3, 8):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        found.append(result(rows))

    assert found[0] == found[1] == found[2]


@given(st.lists(st.text(max_size=9), max_size=30, unique=True), st.integers(0, 5))
def test_hashes_of_texts_follow_from_the_texts(texts, start):
    values = pa.array(texts, pa.string())
    hashes = hashes_of(values)

    assert len({*hashes.tolist()}) == len(texts)
    assert hashes_of(values.slice(start)).tolist() == hashes[start:].tolist()


def test_the_hash_of_a_text_is_the_same_in_every_process():
    assert hashes_of(pa.array(["", "ab", "ba"])).tolist()[1:] == [HASH_AB, HASH_BA]


HASH_AB, HASH_BA = 16169397772803703624, 5944310637295796258


def test_any_order_of_many_rows_gives_the_same():
    rows, _ = households(41, 6_000, 60)
    named = [{"ProfileId": str(number), **row} for number, row in enumerate(rows)]
    shuffled = Random(1).sample(named, len(named))

    assert result(shuffled) == result(named)

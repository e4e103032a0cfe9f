"""Records with several typing errors each share a blocking key."""

from __future__ import annotations

import random

import numpy as np
import pytest

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import blocking, matcher

STARTS = ["Bal", "Ker", "Lom", "Nar", "Pet", "Sul", "Tor", "Vik", "Wes", "Zan", "Dor", "Fen", "Gar"]
ENDINGS = ["mann", "ford", "well", "ham", "bach", "stein", "ski", "wicz"]
GIVEN = [f"{start}{end}" for start in STARTS for end in ("ina", "bert", "ra", "olf", "lis")]


def dirty(count, errors, seed=4):
    """Return two records of each person, with some typing errors in each, and their people."""
    dice = random.Random(seed)
    rows, truth = [], []
    for person in range(count):
        values = {
            "FirstName": dice.choice(GIVEN),
            "LastName": "".join(dice.sample(STARTS, 2)).capitalize() + dice.choice(ENDINGS),
            "City": dice.choice(STARTS) + dice.choice(STARTS).lower() + "stadt",
            "PostalCode": f"{dice.randrange(10_000, 99_999)}",
        }
        for _ in range(2):
            record = dict(values)
            for _ in range(dice.randint(*errors)):
                name = dice.choice(list(record))
                record[name] = mistyped(record[name], dice)
            rows.append(record)
            truth.append(person)
    return rows, np.array(truth)


def mistyped(text, dice):
    at = dice.randrange(len(text))
    letter = dice.choice("abcdefghijklmnopqrstuvwxyz" if text.isalpha() else "0123456789")
    return dice.choice((
        text[:at] + letter + text[at + 1 :],
        text[:at] + text[at + 1 :] if len(text) > 3 else text,
        text[:at] + letter + text[at:],
        text[: at + 1][:-1] + text[at : at + 2][::-1] + text[at + 2 :],
    ))  # fmt: skip


@pytest.mark.parametrize("errors", [(1, 2), (2, 3)])
def test_narrow_records_with_several_errors_are_compared(errors):
    rows, truth = dirty(2_000, errors)
    pairs = resolve(rows).pairs(0)

    compared = (truth[pairs.left] == truth[pairs.right]).sum()
    assert compared >= 0.98 * 2_000


def test_of_many_records_a_sample_chooses_the_keys_that_find_most(monkeypatch):
    rows, truth = dirty(6_000, (1, 2))
    monkeypatch.setattr(blocking, "ALL_KEYS", 5_000)
    found = resolve(rows)
    pairs = found.pairs(0)

    every = blocking.keys_for(blocking.atoms(found._matcher.prepared), len(rows))
    assert len(found._matcher._used_keys) < len(every)
    assert (truth[pairs.left] == truth[pairs.right]).sum() >= 0.95 * 6_000


@pytest.mark.parametrize("all_keys", [5_000, 10_000])
def test_samples_of_the_candidates_are_not_compared_again(monkeypatch, all_keys):
    rows, _ = dirty(3_000, (1, 2))
    monkeypatch.setattr(blocking, "ALL_KEYS", all_keys)
    monkeypatch.setattr(matcher, "_RANDOM_PAIRS", 0)
    compared, compare = [], matcher.compare

    def counted(comparisons, i, j):
        compared.append(blocking.pack(i, j))
        return compare(comparisons, i, j)

    monkeypatch.setattr(matcher, "compare", counted)
    resolve(rows)
    pairs, counts = np.unique(np.concatenate(compared), return_counts=True)
    assert len(pairs) > 10_000
    # Pairs inside groups that were dropped as chance are.
    assert (counts > 1).mean() < 0.01


def test_a_record_is_found_by_the_ends_of_its_names():
    rows, _ = dirty(2_000, (2, 3))
    found = resolve(rows[:-1])
    keys = {atom for key in found.model.keys for atom in key}

    assert any("first" in atom or "last" in atom for atom in keys)
    assert found.find(rows[0])[0].id in {0, 1}

"""What labels teach: best pair F1 by the number of labels, chosen by `uncertain` or at random.

The labels are the truth of the chosen pairs. Those of `uncertain` are chosen 25 at a time, each
time by the model that the labels so far have taught.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.made_sets import table
from benchmarks.report import Goal, Line, show
from customer_profiles.identity import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles.identity import Resolution

_SETS = ("few_100", "kyc_en_US", "kyc_it_IT", "households_es_ES", "narrow_en_GB")
_QUICK = _SETS[:2]
_COUNTS = (0, 25, 50, 100, 200)
_STEP, _CERTAIN = 25, 0.99
_GAINED = {"few_100": 0.05}
"""How much 100 labels must add to the best F1."""


def run(*, quick: bool) -> list[str]:
    """Measure all sets, and give the goals that were missed."""
    return [missed for name in (_QUICK if quick else _SETS) for missed in _shown(name)]


def _shown(name: str) -> list[str]:
    records = table(name)
    truth = np.unique(records["truth"].to_pylist(), return_inverse=True)[1]
    records = records.drop_columns(["truth"])
    chosen = dict(_curve(records, truth, by_information=True))
    random = dict(_curve(records, truth, by_information=False))
    lines = [
        Line(
            f"{count} labels",
            (f"{chosen[count]:.3f}", f"{random[count]:.3f}"),
            chosen[count] - chosen[0],
            Goal(_GAINED[name], unit="") if count == 100 and name in _GAINED else None,  # noqa: PLR2004
        )
        for count in _COUNTS
    ]
    return show(f"best pair F1 of {name}", ("uncertain()", "random"), lines)


def _curve(records: Any, truth: Any, *, by_information: bool) -> Iterator[tuple[int, float]]:
    labels: list[tuple[int, int, bool]] = []
    first = resolution = resolve(records)
    pairs = first.pairs(0.05)
    doubtful = np.flatnonzero(pairs.probability < _CERTAIN)
    drawn = np.random.default_rng(0).permutation(doubtful)
    for count in _COUNTS:
        while len(labels) < count:
            if by_information:
                asked = [(q.left, q.right) for q in resolution.uncertain(_STEP)]
            else:
                rows = drawn[len(labels) : len(labels) + _STEP]
                asked = list(zip(*(side[rows].tolist() for side in pairs[:2]), strict=True))
            if not asked:
                break
            labels += [(left, right, bool(truth[left] == truth[right])) for left, right in asked]
            resolution = resolve(records, labels=labels)
        yield count, _best(resolution, truth)


def _best(resolution: Resolution, truth: Any) -> float:
    pairs = resolution.pairs(0.0)
    order = np.argsort(-pairs.probability, kind="stable")
    hits = np.cumsum((truth[pairs.left] == truth[pairs.right])[order])
    sizes = np.bincount(truth)
    return float((2 * hits / (np.arange(1, len(hits) + 1) + (sizes * (sizes - 1) / 2).sum())).max())

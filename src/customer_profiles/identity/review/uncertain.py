"""The pairs whose labels would teach most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from customer_profiles.identity.matching import known, scoring

if TYPE_CHECKING:
    from customer_profiles.identity.arrays import Floats, Levels, Rows
    from customer_profiles.identity.matching.scoring import Weights

_MOST_PATTERNS = 2_500
_LEAST_VARIANCE = 0.004
"""Pairs whose variance p(1 - p) is less teach too little to be considered."""


class Question(NamedTuple):
    """A pair of records to be labelled."""

    left: Any
    """The id of a record."""
    right: Any
    """The id of the other record."""
    probability: float
    """The probability that both belong to one person."""
    information: float
    """How much of the variance p(1 - p) of all pairs a label is expected to remove."""


def most_informative(  # noqa: PLR0913, PLR0917  (pairs are columns)
    weights: Weights,
    codes: Levels,
    probability: Floats,
    groups: tuple[Rows, Rows],
    labelled: Levels,
    count: int,
) -> tuple[Rows, Floats]:
    """Choose the pairs whose labels would teach most.

    A label does two things. It decides its pair, which removes the pair's variance p(1 - p). And it
    corrects the weights by `known.teach`, a logistic regression: its posterior covariance
    follows from the labels that are known and those chosen so far, and from it the reduction of the
    variance of each pair's probability, which is summed over all pairs. Each choice reduces the
    covariance, so that the next pairs differ from it. How many records a label would join does not
    count: among large groups, the most probable pair of many is probable by chance.

    Args:
        weights: the model.
        codes: the codes of the pairs to choose from.
        probability: the probabilities of the pairs.
        groups: the groups of each pair's records; each group is asked about once.
        labelled: the codes of pairs that are labelled.
        count: how many pairs to choose.

    Returns:
        The positions of the chosen pairs and their information, the most informative first.
    """
    variance = probability * (1 - probability)
    pool = np.flatnonzero(variance >= _LEAST_VARIANCE)
    chosen: list[int] = []
    information: list[float] = []
    if not len(pool):
        return np.array(chosen, np.int64), np.array(information)
    own = variance[pool]
    # Pairs of one pattern of levels teach the same about the weights.
    table, pattern = np.unique(known.features(weights, codes[pool]), axis=0, return_inverse=True)
    pattern = pattern.ravel()
    total = np.bincount(pattern, weights=variance[pool] ** 2)
    kept = np.sort(np.argsort(-total, kind="stable")[:_MOST_PATTERNS])
    number = np.full(len(table), -1)
    number[kept] = np.arange(len(kept))
    shared = table[kept] @ _covariance(weights, labelled) @ table[kept].T
    total, pattern = total[kept], number[pattern]
    taken: set[int] = set()
    while len(chosen) < min(count, len(pool)):
        # A pattern that is too rare to be kept only decides its own pairs.
        per_pattern = np.append(shared**2 @ total, 0.0)
        doubt = 1 / own + np.append(np.diag(shared), 0.0)[pattern]
        gain = own + per_pattern[pattern] / doubt
        gain[list(taken)] = -1
        best = int(gain.argmax())
        if gain[best] < 0:
            break
        chosen.append(int(pool[best]))
        information.append(float(gain[best]))
        asked = {int(group[pool[best]]) for group in groups}
        taken |= {
            int(row)
            for group in groups
            for row in np.flatnonzero(np.isin(group[pool], list(asked)))
        }
        if pattern[best] >= 0:
            column = shared[:, pattern[best]].copy()
            shared -= np.outer(column, column) / doubt[best]
    return np.array(chosen, np.int64), np.array(information)


def _covariance(weights: Weights, labelled: Levels) -> Floats:
    """Return the posterior covariance of the corrections of the weights."""
    table = known.features(weights, labelled)
    logs = scoring.log_classes(weights, labelled)
    match = scoring.responsibilities(logs)[scoring.MATCH].astype(float)
    curvature = (table * (match * (1 - match))[:, None]).T @ table
    return np.linalg.inv(curvature + np.diag(known.spreads(weights) ** -2.0))

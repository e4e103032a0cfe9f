"""Learn from labelled pairs: in the estimation, and afterwards by correcting the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import scoring
from .levels import MISSING
from .scoring import MATCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Hashes, Levels, Mask

    from .known import Known
    from .scoring import Weights

_LABEL_PAIRS = 10.0
"""How many pairs a labelled pair counts as in the estimation."""
_LEVEL_SPREAD, _RATE_SPREAD = 0.3, 0.3
"""Standard deviations of the errors that a level's weight and the rate may have, in nats."""
_MOST_STEPS, _CONVERGED = 30, 1e-8


class Patterns(NamedTuple):
    """What the estimation reads: patterns of codes, their numbers, and what is known of each."""

    codes: Levels
    counts: NDArray[np.float64]
    evidence: NDArray[np.float32]
    labelled: int
    """How many of them, the last ones, are of labelled pairs."""


def patterns(
    known: Known, pairs: Hashes, codes: Levels, times: float, labelled: Levels
) -> Patterns:
    """Return the patterns of pairs, apart by what is known of them, and those of labelled pairs.

    Args:
        known: what is known.
        pairs: a sample of the pairs.
        codes: their codes.
        times: how many pairs each one of the sample stands for.
        labelled: the codes of the labelled pairs.
    """
    verdicts = known.verdicts(pairs)
    values = (-1, 0, 1)
    parts = [scoring.patterns(codes[verdicts == value]) for value in values]
    numbers = [
        np.full(len(counts), value) for value, (_, counts) in zip(values, parts, strict=True)
    ]
    signs = np.where(known.is_match, 1, -1)
    return Patterns(
        np.concatenate([*(rows for rows, _ in parts), labelled]),
        np.concatenate(
            [*(counts * times for _, counts in parts), np.full(len(signs), _LABEL_PAIRS)]
        ),
        known.log_evidence(np.concatenate([*numbers, signs]).astype(np.int8), known.shift),
        len(signs),
    )


def features(weights: Weights, codes: Levels) -> NDArray[np.float64]:
    """Return for each pair its levels as indicators, and 1 for the rate of matches.

    A missing value has none, because it is no evidence.
    """
    columns = [np.ones((len(codes), 1))]
    for column, attribute in enumerate(weights.attributes):
        level = attribute.level_of[codes[:, column]]
        columns.append(level[:, None] == np.arange(MISSING + 1, len(attribute.levels)))
    return np.concatenate(columns, axis=1).astype(float)


def spreads(weights: Weights) -> NDArray[np.float64]:
    """Return the standard deviation of the error that each feature's weight may have."""
    levels = sum(len(attribute.levels) - 1 for attribute in weights.attributes)
    return np.append(_RATE_SPREAD, np.full(levels, _LEVEL_SPREAD))


def teach(weights: Weights, codes: Levels, is_match: Mask) -> None:
    """Correct the weights, in place, by labelled pairs.

    This is a logistic regression whose offsets are the pairs' log odds, and whose coefficients
    have normal priors around 0: without labels nothing changes.

    Args:
        weights: the model.
        codes: the codes of the labelled pairs.
        is_match: whether each of them matches.
    """
    if not len(codes):
        return
    logs = scoring.log_classes(weights, codes).astype(float)
    offset = logs[MATCH] - np.logaddexp(logs[scoring.RELATED], logs[scoring.CHANCE])
    table, precision = features(weights, codes), spreads(weights) ** -2.0
    change = np.zeros(table.shape[1])
    for _ in range(_MOST_STEPS):
        probability = sigmoid(offset + table @ change)
        slope = table.T @ (is_match - probability) - precision * change
        curvature = (table * (probability * (1 - probability))[:, None]).T @ table
        step = np.linalg.solve(curvature + np.diag(precision), slope)
        change += np.clip(step, -1, 1)
        if np.abs(step).max() < _CONVERGED:
            break
    weights.rates[MATCH] *= np.exp(change[0])
    start = 1
    for attribute in weights.attributes:
        levels = len(attribute.levels) - 1
        # Of the evidence of some columns only a share counts.
        share = attribute.weight if attribute.is_free else 1.0
        factors = np.append(1.0, np.exp(change[start : start + levels] / share))
        factors[[level for level, m, _ in attribute.fixed if m is not None]] = 1
        attribute.match *= factors
        start += levels


def sigmoid(log_odds: Floats) -> NDArray[np.float64]:
    """Return the probabilities of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))), float)

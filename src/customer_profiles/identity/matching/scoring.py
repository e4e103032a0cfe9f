"""How probable it is that two records are one person's: the model of Fellegi and Sunter.

Every pair of records is of one of three classes: *match* (one person), *related* (two people who
share a surname, an address or a phone, as households do) or *chance* (all others). Given its class,
a pair's attributes are taken to be independent. What two unrelated records agree on by chance is
counted in the records themselves; all else is estimated by expectation maximisation, from no
labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from customer_profiles.identity.columns.kinds import (
    BIRTH_DATE,
    EMAIL,
    FAMILY_NAME,
    PHONE,
    PLACE,
    STREET,
)

from .comparing import TF_CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .comparing import Comparison

MATCH, RELATED, CHANCE = 0, 1, 2
SHARED = frozenset({FAMILY_NAME, STREET, PLACE, PHONE, EMAIL})
"""What people share who live or work together."""

# Where estimation begins. Any start that ranks the levels the same way ends at the same place.
_START_EXACT, _START_BETWEEN = 0.8, 0.15
_START_SHARED = {FAMILY_NAME: 0.6, STREET: 0.6, PLACE: 0.6, PHONE: 0.2, EMAIL: 0.02}
_START_TEXT = 0.1
# Of related pairs so many are born on one day.
_TWINS = 0.004
# Nobody has more records than so many, as a rule.
_MOST_RECORDS = 50
_START_PAIRS = 0.5
_MOST_ROUNDS, _SETTLED = 300, 1e-7
_LEAST_CHANCE = 0.02
_UNSEEN, _PRIOR_PAIRS = 0.1, 20.0
_LEAST_PROBABILITY = 1e-9
LIKELY = 0.8
"""Groups of pairs at least so probable show how records of one person differ."""
_SURE, _UNSURE = 0.97, 0.5
# What is believed before any pair is seen: as much as so many pairs, and of who agrees on a value
# that but this part are strangers.
_PRIOR_MATCHES, _PRIOR_STRANGERS = 10.0, 0.05


@dataclass(slots=True)
class Attribute:
    """What is known of one attribute's codes."""

    name: str
    levels: tuple[str, ...]
    level_of: NDArray[np.uint8]
    """The level of each code."""
    share: NDArray[np.float64]
    """The share of records that have the value agreed on, for each code; 1 if none is told."""
    told: NDArray[np.bool_]
    """Which codes tell a value that both have."""
    pairs: NDArray[np.float64]
    """How many pairs of records agree on a value of each code's rarity."""
    group: NDArray[np.int64]
    """Codes of one rarity of one list of values, which share those pairs."""
    raw: NDArray[np.float64]
    """How often random pairs have each level."""
    levels_chance: NDArray[np.float64]
    match: NDArray[np.float64]
    related: NDArray[np.float64]
    strangers: NDArray[np.float64]
    """Of all pairs that agree on a value, the part that is not of matches or related pairs."""
    shared: bool
    """Whether related people may share it; all else they have in common only by chance."""
    told_by: tuple[str, ...]
    """Attributes that tell it already."""


@dataclass(slots=True)
class Weights:
    """The estimated model."""

    attributes: list[Attribute]
    records: int
    rates: NDArray[np.float64]
    """Matching and related pairs, as a part of all pairs."""

    @property
    def all_pairs(self) -> float:
        """How many pairs of records there are."""
        return max(self.records * (self.records - 1) / 2, 1.0)

    def logs(self) -> list[NDArray[np.float32]]:
        """Give of each attribute the logarithms of its codes' densities, for each class."""
        return [_log_densities(one) for one in self.attributes]

    def priors(self) -> Any:
        """Give the logarithms of the classes' rates."""
        return np.log(np.append(self.rates, max(1 - self.rates.sum(), 0.5)))


def begin(
    comparisons: Sequence[Comparison], random_codes: NDArray[np.uint8], records: int
) -> Weights:
    """Make a model to begin with, from the codes of random pairs."""
    pairs = max(records * (records - 1) / 2, 1.0)
    attributes = [
        _attribute(one, random_codes[:, place], pairs) for place, one in enumerate(comparisons)
    ]
    return Weights(attributes, records, np.full(2, _START_PAIRS * max(records, 1) / pairs))


def _attribute(
    comparison: Comparison, random_codes: NDArray[np.uint8], all_pairs: float
) -> Attribute:
    level_of = comparison.level_of
    size, levels = len(level_of), len(comparison.levels)
    share, pairs = np.ones(size), np.zeros(size)
    told, group = np.zeros(size, bool), np.arange(size)
    lists: list[Any] = []
    for level, tf in comparison.tfs.items():
        codes = np.flatnonzero(level_of == level)
        known = [place for place, one in enumerate(lists) if one is tf]
        number = known[0] if known else len(lists)
        lists += [] if known else [tf]
        share[codes], pairs[codes], told[codes] = tf.share, tf.pairs, True
        group[codes] = size + number * TF_CLASSES + np.arange(TF_CLASSES)
    counts = np.bincount(level_of[random_codes], minlength=levels).astype(float)
    # Of few records the same pairs are drawn again and again.
    counts *= min(all_pairs / max(len(random_codes), 1), 1.0)
    counts[0] = 0
    usual = np.full(levels, _UNSEEN)
    usual[-1] = _PRIOR_PAIRS
    usual[0] = 0
    raw = (counts + usual) / (counts.sum() + usual.sum())
    for level, counted in comparison.counted.items():
        raw[level] = (counted + _UNSEEN) / all_pairs
    raw[1:] /= raw[1:].sum()
    raw[0] = 1
    start = _start(levels, _START_EXACT)
    related = raw.copy()
    shared = comparison.shared or comparison.name in SHARED
    if shared:
        related = _start(levels, _START_SHARED.get(comparison.name, _START_TEXT))
    return Attribute(
        comparison.name, comparison.levels, level_of, share, told, pairs, group, raw,
        raw.copy(), start, related, np.where(told, _PRIOR_STRANGERS, 1.0), shared,
        comparison.told_by,
    )  # fmt: skip


def _start(levels: int, exact: float) -> NDArray[np.float64]:
    """Give probabilities of levels to begin with: nearly all exact or different."""
    start = np.full(levels, _START_BETWEEN / max(levels - 3, 1))
    start[1], start[-1] = exact, 1 - exact - _START_BETWEEN
    start[1:] /= start[1:].sum()
    start[0] = 1
    return start


def _log_densities(one: Attribute) -> Any:
    """Give log densities of shape (3, codes).

    Where a value is told, densities are relative to how often records have that value: a match
    has it twice for the price of once, chance has to hit it again.
    """
    levels = one.level_of
    match = one.match[levels]
    related = one.related[levels]
    if not one.shared:
        related = np.where(one.told, one.share + (_TWINS if one.name == BIRTH_DATE else 0), related)
    chance = np.where(one.told, one.share * one.strangers, one.levels_chance[levels])
    return np.log(np.stack([match, related, chance])).astype(np.float32)


def log_classes(weights: Weights, codes: NDArray[np.uint8]) -> Any:
    """Give of each pair the logarithms of what each class makes of it: shape (3, pairs)."""
    result = np.repeat(weights.priors().astype(np.float32)[:, None], len(codes), axis=1)
    for place, logs in enumerate(weights.logs()):
        column = codes[:, place]
        for kind in range(3):
            result[kind] += logs[kind][column]
    return result


def responsibilities(logs: Any) -> Any:
    """Give how probable each class is, from `log_classes`."""
    parts = np.exp(logs - logs.max(axis=0))
    return parts / parts.sum(axis=0)


def likeness(weights: Weights, codes: NDArray[np.uint8]) -> Any:
    """Give of each pair the log odds of a match against a relation; negative contradicts it."""
    logs = log_classes(weights, codes) - weights.priors().astype(np.float32)[:, None]
    return logs[MATCH] - logs[RELATED]


def seen_in_groups(match: Any, related: Any, same: Any) -> tuple[Any, Any]:
    """Say anew how probable pairs are to match and to be related, by whether a group has both."""
    return (
        np.where(same, np.maximum(match, _SURE), np.minimum(match, _UNSURE)),
        np.where(same, related * (1 - _SURE), related),
    )


def log_odds(probability: Any) -> Any:
    """Give the logarithm of the odds of probabilities, kept off 0 and 1."""
    kept = np.clip(np.asarray(probability, float), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.log(kept / (1 - kept))


def with_bits(probability: Any, bits: Any) -> Any:
    """Add bits to the odds of probabilities."""
    changed = bits != 0
    odds = log_odds(probability[changed]) + bits[changed].astype(float) * np.log(2)
    result = probability.copy()
    result[changed] = 1 / (1 + np.exp(-odds))
    return result


def patterns(codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the distinct rows of codes, and how many pairs have each."""
    mixed = np.zeros(len(codes), np.uint64)
    for place in range(codes.shape[1]):
        mixed = (mixed ^ codes[:, place]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(31)
    _, first, counts = np.unique(mixed, return_index=True, return_counts=True)
    return np.ascontiguousarray(codes[first]), counts


def estimate(weights: Weights, codes: NDArray[np.uint8], counts: NDArray[Any]) -> int:
    """Estimate the model from patterns of codes and how many pairs have each; give the rounds."""
    if not len(counts):
        return 0
    before = -np.inf
    for rounds in range(1, _MOST_ROUNDS + 1):
        logs = log_classes(weights, codes)
        top = logs.max(axis=0)
        parts = np.exp(logs - top)
        total = parts.sum(axis=0)
        fit = float(np.dot(top + np.log(total), counts) / counts.sum())
        update(weights, codes, parts[:2] / total * counts)
        if abs(fit - before) < _SETTLED:
            return rounds
        before = fit
    return _MOST_ROUNDS


def update(weights: Weights, codes: NDArray[np.uint8], expected: NDArray[Any]) -> None:
    """Set the model to what expected numbers of matching and related pairs, by code, say."""
    weights.rates = (expected.sum(axis=1).astype(float) + 1) / weights.all_pairs
    for place, one in enumerate(weights.attributes):
        _update(one, codes[:, place], expected, weights)


def _update(one: Attribute, column: NDArray[np.uint8], expected: Any, weights: Weights) -> None:
    rates = weights.rates
    size, levels = len(one.level_of), len(one.levels)
    by_code = [np.bincount(column, weights=expected[kind], minlength=size) for kind in range(2)]
    one.match = _shares_of_levels(by_code[MATCH], one, levels, _start(levels, _START_EXACT))
    if one.shared:
        start = _start(levels, _START_SHARED.get(one.name, _START_TEXT))
        one.related = _shares_of_levels(by_code[RELATED], one, levels, start)
    else:
        one.related = one.levels_chance.copy()
    taken = np.bincount(one.group, weights=by_code[MATCH] + by_code[RELATED])[one.group]
    left = 1 - taken / (one.pairs + 1)
    left = np.maximum(left, 0.5 / (one.pairs + 1) + 0.002)
    # Who has a value that so many have is not one person.
    left = np.maximum(left, 1 - weights.records * _MOST_RECORDS / 2 / (one.pairs + 1))
    one.strangers = np.where(one.told, left, 1.0)
    chance = one.raw - rates[MATCH] * one.match - rates[RELATED] * one.related
    chance = np.maximum(chance, _LEAST_CHANCE * one.raw)
    chance[1:] /= chance[1:].sum()
    chance[0] = 1
    one.levels_chance = chance


def _shares_of_levels(
    by_code: Any, one: Attribute, levels: int, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    result = np.bincount(one.level_of, weights=by_code, minlength=levels) + _PRIOR_MATCHES * prior
    result[1:] /= result[1:].sum()
    result[0] = 1
    return result

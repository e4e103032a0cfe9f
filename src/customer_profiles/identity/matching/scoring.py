"""The probability that two records belong to one person: the model of Fellegi and Sunter.

Every pair of records belongs to one of three classes: *match* (one person), *related* (two people
who share a surname, an address or a phone, as households do) or *chance* (all others). The
attributes are assumed independent, given the class. Chance agreement (the u probabilities) is
counted in the records; everything else (the m probabilities and the sizes of the classes) is
estimated by expectation maximisation, without labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from customer_profiles.identity.preparing import kinds

from .levels import EXACT, MISSING
from .term_frequency import TF_CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Integers, Levels, Mask

    from .comparing import Comparison

MATCH, RELATED, CHANCE = 0, 1, 2
SHARED = frozenset({kinds.FAMILY_NAME, kinds.STREET, kinds.LOCALITY, kinds.PHONE, kinds.EMAIL})
"""What people who live or work together share."""

# Where estimation starts. Any start that ranks the levels in this order converges to one solution.
_START_EXACT, _START_BETWEEN = 0.8, 0.15
_START_SHARED: dict[str, float] = {
    kinds.FAMILY_NAME: 0.6,
    kinds.STREET: 0.6,
    kinds.LOCALITY: 0.6,
    kinds.PHONE: 0.2,
    kinds.EMAIL: 0.02,
}
_START_TEXT = 0.1
# The share of related pairs that are born on the same day.
_TWINS = 0.004
# Few people have more records than this.
_MOST_RECORDS = 50
_START_PAIRS = 0.5
_MOST_ROUNDS, _CONVERGED = 300, 1e-7
_LEAST_CHANCE = 0.02
_UNSEEN, _PRIOR_PAIRS = 0.1, 20.0
_LEAST_PROBABILITY = 1e-9
LIKELY = 0.8
"""Groups joined by pairs of at least this probability show how records of one person differ."""
_SURE, _UNSURE = 0.97, 0.5
# Priors: pseudo-counts of matching pairs, and the share of strangers among those that agree on a
# value.
_PRIOR_MATCHES, _PRIOR_STRANGERS = 10.0, 0.05


@dataclass(slots=True, kw_only=True)
class Attribute:
    """One attribute of the model: what its codes mean, and the probabilities of its levels."""

    name: str
    levels: tuple[str, ...]
    """The label of each level; the first is `missing`."""
    shared: bool
    """Whether related people may share a value; other values they share only by chance."""
    implied_by: tuple[str, ...]
    """Attributes that determine this one."""

    level_of: NDArray[np.uint8]
    """The level of each code."""
    has_tf: NDArray[np.bool_]
    """Which codes stand for a value that both records have, by its term-frequency class."""
    share: NDArray[np.float64]
    """For each code, the share of the records that have the value agreed on; 1 without a class."""
    pairs: NDArray[np.float64]
    """For each code, how many pairs of records agree on a value of its class."""
    group: NDArray[np.int64]
    """Codes of one class of one vocabulary have the same number: they share those pairs."""

    observed: NDArray[np.float64]
    """The frequency of each level among random pairs."""
    match: NDArray[np.float64]
    """The m probability of each level: its frequency among matches."""
    related: NDArray[np.float64]
    """The frequency of each level among related pairs."""
    chance: NDArray[np.float64]
    """The u probability of each level: its frequency among all other pairs."""
    strangers: NDArray[np.float64]
    """For each code, the share of chance pairs among the pairs that agree on a value."""
    fixed: tuple[tuple[int, float | None, float | None], ...] = ()
    """Levels whose m and u are not estimated, with these probabilities."""

    def log_densities(self) -> NDArray[np.float32]:
        """Return the log density of each code in each class, of shape (3, codes).

        Where two records have the same value, densities are relative to the value's frequency: a
        match draws the value once, a chance pair has to draw it twice.
        """
        match, related = self.match[self.level_of], self.related[self.level_of]
        if not self.shared:
            twins = _TWINS if self.name == kinds.BIRTH_DATE else 0
            related = np.where(self.has_tf, self.share + twins, related)
        chance = self.chance[self.level_of]
        chance = np.where(self.has_tf, self.share * self.strangers, chance)
        return np.log(np.stack([match, related, chance])).astype(np.float32)

    def first_codes(self) -> list[int]:
        """Return the first code of each level, which a term-frequency class is added to."""
        return [int((self.level_of < level).sum()) for level in range(len(self.levels))]


@dataclass(slots=True)
class Weights:
    """The estimated model."""

    attributes: list[Attribute]
    records: int
    rates: NDArray[np.float64]
    """The shares of matching and of related pairs among all pairs."""

    def logs(self) -> list[NDArray[np.float32]]:
        """Return the log densities of each attribute's codes."""
        return [attribute.log_densities() for attribute in self.attributes]

    def priors(self) -> NDArray[np.float64]:
        """Return the logarithms of the classes' shares."""
        shares = np.append(self.rates, max(1 - float(self.rates.sum()), 0.5))
        return np.asarray(np.log(shares))


def begin(comparisons: Sequence[Comparison], random_codes: Levels, records: int) -> Weights:
    """Make an initial model from the codes of random pairs."""
    pairs = _pairs_of(records)
    attributes = [
        _attribute(comparison, random_codes[:, column], pairs)
        for column, comparison in enumerate(comparisons)
    ]
    return Weights(attributes, records, np.full(2, _START_PAIRS * max(records, 1) / pairs))


def _pairs_of(records: int) -> float:
    return max(records * (records - 1) / 2, 1.0)


def _attribute(comparison: Comparison, random_codes: Levels, all_pairs: float) -> Attribute:
    level_of = comparison.level_of
    size, levels = len(level_of), len(comparison.level)
    share, pairs = np.ones(size), np.zeros(size)
    has_tf, group = np.zeros(size, bool), np.arange(size)
    vocabularies = list(dict.fromkeys(tf.name for tf in comparison.term_frequencies.values()))
    for level, tf in comparison.term_frequencies.items():
        if comparison.fixed.get(level, (None, None))[1] is not None:
            continue  # A fixed u replaces the term frequencies.
        codes = np.flatnonzero(level_of == level)
        share[codes], pairs[codes], has_tf[codes] = tf.share, tf.pairs, True
        group[codes] = size + vocabularies.index(tf.name) * TF_CLASSES + np.arange(TF_CLASSES)
    observed = _observed(comparison, np.bincount(level_of[random_codes], minlength=levels),
                         all_pairs)  # fmt: skip
    shared = comparison.shared or comparison.name in SHARED
    attribute = Attribute(
        name=comparison.name,
        levels=comparison.levels,
        shared=shared,
        implied_by=comparison.implied_by,
        level_of=level_of,
        has_tf=has_tf,
        share=share,
        pairs=pairs,
        group=group,
        observed=observed,
        match=_start(levels, _START_EXACT),
        related=_start_related(comparison.name, levels) if shared else observed.copy(),
        chance=observed.copy(),
        strangers=np.where(has_tf, _PRIOR_STRANGERS, 1.0),
        fixed=tuple((level, *weight) for level, weight in comparison.fixed.items()),
    )
    _fix(attribute)
    return attribute


def _fix(attribute: Attribute) -> None:
    """Set the fixed probabilities, and scale the others of the class to what they leave."""
    m = {level: value for level, value, _ in attribute.fixed if value is not None}
    u = {level: value for level, _, value in attribute.fixed if value is not None}
    of_strangers = [attribute.chance] if attribute.shared else [attribute.chance, attribute.related]
    for known, classes in ((m, [attribute.match]), (u, of_strangers)):
        free = [level for level in range(1, len(attribute.levels)) if level not in known]
        for shares in classes if known else ():
            shares[free] *= max(1 - sum(known.values()), 0) / shares[free].sum() if free else 1
            shares[[*known]] = [*known.values()]


def _observed(
    comparison: Comparison, counts: NDArray[np.int64], all_pairs: float
) -> NDArray[np.float64]:
    """Return how often random pairs have each level, smoothed."""
    # In a small set the same pairs are drawn repeatedly.
    scaled = counts * min(all_pairs / max(int(counts.sum()), 1), 1.0)
    scaled[MISSING] = 0
    prior = np.full(len(scaled), _UNSEEN)
    prior[-1] = _PRIOR_PAIRS
    prior[MISSING] = 0
    observed = (scaled + prior) / (scaled.sum() + prior.sum())
    for level, counted in comparison.counted.items():
        observed[level] = (counted + _UNSEEN) / all_pairs
    return _normalised(observed)


def _normalised(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the levels sum to 1 in place; a missing value has the density 1 in every class."""
    levels[1:] /= levels[1:].sum()
    levels[MISSING] = 1
    return levels


def _start(levels: int, exact: float) -> NDArray[np.float64]:
    """Return initial probabilities of levels: nearly all exact or different."""
    start = np.full(levels, _START_BETWEEN / max(levels - 3, 1))
    start[EXACT], start[-1] = exact, 1 - exact - _START_BETWEEN
    return _normalised(start)


def _start_related(name: str, levels: int) -> NDArray[np.float64]:
    return _start(levels, _START_SHARED.get(name, _START_TEXT))


def log_classes(weights: Weights, codes: Levels) -> NDArray[np.float32]:
    """Return the log density of each pair in each class, of shape (3, pairs)."""
    result = np.repeat(weights.priors().astype(np.float32)[:, None], len(codes), axis=1)
    for column, logs in enumerate(weights.logs()):
        of_pairs = codes[:, column]
        for number in range(3):
            result[number] += logs[number][of_pairs]
    return result


def responsibilities(logs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of each class, from `log_classes`."""
    parts = np.exp(logs - logs.max(axis=0))
    result: NDArray[np.float32] = parts / parts.sum(axis=0)
    return result


def likeness(weights: Weights, codes: Levels) -> NDArray[np.float32]:
    """Return each pair's log odds of a match against a relation; negative values contradict."""
    logs = log_classes(weights, codes) - weights.priors().astype(np.float32)[:, None]
    result: NDArray[np.float32] = logs[MATCH] - logs[RELATED]
    return result


def seen_in_groups(match: Floats, related: Floats, same: Mask) -> tuple[Floats, Floats]:
    """Revise the probabilities of match and relation by whether a pair is in one group."""
    return (
        np.where(same, np.maximum(match, _SURE), np.minimum(match, _UNSURE)),
        np.where(same, related * (1 - _SURE), related),
    )


def log_odds(probability: Floats) -> NDArray[np.float64]:
    """Return the log odds of probabilities, which are kept off 0 and 1."""
    kept = np.clip(np.asarray(probability, float), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(kept / (1 - kept)))


def with_bits(probability: Floats, bits: Floats) -> Floats:
    """Add bits of evidence to the odds of probabilities."""
    changed = bits != 0
    odds = log_odds(probability[changed]) + bits[changed].astype(float) * np.log(2)
    result = probability.copy()
    result[changed] = 1 / (1 + np.exp(-odds))
    return result


def patterns(codes: Levels) -> tuple[Levels, NDArray[np.int64]]:
    """Return the distinct rows of codes, and how many pairs have each."""
    mixed = np.zeros(len(codes), np.uint64)
    for column in range(codes.shape[1]):
        mixed = (mixed ^ codes[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(31)
    _, first, counts = np.unique(mixed, return_index=True, return_counts=True)
    return np.ascontiguousarray(codes[first]), counts


def estimate(
    weights: Weights, codes: Levels, counts: Integers | Floats, known: Floats | float = 0.0
) -> None:
    """Estimate the model by expectation maximisation.

    Args:
        weights: the model, changed in place.
        codes: distinct patterns of codes.
        counts: how many pairs have each pattern.
        known: what is known of each pattern's pairs: log densities to add, of shape (3, patterns).
    """
    if not len(counts):
        return
    before = -np.inf
    for _ in range(_MOST_ROUNDS):
        logs = log_classes(weights, codes) + known
        top = logs.max(axis=0)
        parts = np.exp(logs - top)
        total = parts.sum(axis=0)
        fit = float(np.dot(top + np.log(total), counts) / counts.sum())
        update(weights, codes, parts[:2] / total * counts)
        if abs(fit - before) < _CONVERGED:
            return
        before = fit


def update(weights: Weights, codes: Levels, expected: Floats) -> None:
    """Perform the maximisation step.

    Args:
        weights: the model, changed in place.
        codes: patterns of codes.
        expected: of shape (2, patterns): the expected numbers of matching and of related pairs.
    """
    weights.rates = (expected.sum(axis=1).astype(float) + 1) / _pairs_of(weights.records)
    for column, attribute in enumerate(weights.attributes):
        _update(attribute, codes[:, column], expected, weights)


def _update(attribute: Attribute, codes: Levels, expected: Floats, weights: Weights) -> None:
    rates, levels = weights.rates, len(attribute.levels)
    match, related = (
        np.bincount(codes, weights=pairs, minlength=len(attribute.level_of)) for pairs in expected
    )
    attribute.match = _level_shares(match, attribute, _start(levels, _START_EXACT))
    if attribute.shared:
        start = _start_related(attribute.name, levels)
        attribute.related = _level_shares(related, attribute, start)
    else:
        attribute.related = attribute.chance.copy()
    explained = np.bincount(attribute.group, weights=match + related)[attribute.group]
    agreeing = attribute.pairs + 1
    strangers = 1 - explained / agreeing
    strangers = np.maximum(strangers, 0.5 / agreeing + 0.002)
    # Those who have a value that so many have are not one person.
    strangers = np.maximum(strangers, 1 - weights.records * _MOST_RECORDS / 2 / agreeing)
    attribute.strangers = np.where(attribute.has_tf, strangers, 1.0)
    observed = attribute.observed
    chance = observed - rates[MATCH] * attribute.match - rates[RELATED] * attribute.related
    attribute.chance = _normalised(np.maximum(chance, _LEAST_CHANCE * observed))
    _fix(attribute)


def _level_shares(
    by_code: Integers | Floats, attribute: Attribute, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    counts = np.bincount(attribute.level_of, weights=by_code, minlength=len(prior))
    return _normalised(counts + _PRIOR_MATCHES * prior)

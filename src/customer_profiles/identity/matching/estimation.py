"""Estimation of the model by expectation maximisation, from patterns of codes.

Expectation maximisation finds classes of similar pairs, whichever they are. So that the first class
is that of the matches, estimation begins with the attributes that identify people and with assumed
m probabilities, learns what the other columns tell from the matches that those find, and checks the
result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from customer_profiles.identity.preparing import kinds

from . import levels
from .levels import EXACT, MISSING
from .scoring import (
    MATCH,
    RELATED,
    SHARED,
    Attribute,
    Weights,
    agreeing_levels,
    log_classes,
    pairs_of,
)
from .term_frequency import TF_CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Integers, Levels

    from .comparing import Comparison
    from .contents import Content

# Assumed m probabilities, and what related people share.
_START_EXACT, _START_BETWEEN = 0.8, 0.15
_START_SHARED: dict[str, float] = {
    kinds.FAMILY_NAME: 0.6,
    kinds.STREET: 0.6,
    kinds.LOCALITY: 0.6,
    kinds.PHONE: 0.2,
    kinds.EMAIL: 0.02,
}
_START_TEXT = 0.1
_NAMESAKES, _NAMESAKES_PAIRS = 0.0015, 1_000.0
"""The share of related pairs that have one given name, beyond those who do by chance; and the
number of pairs that outweigh this assumption."""
# Few people have more records than this.
_MOST_RECORDS = 50
_START_PAIRS = 0.5
_MOST_ROUNDS, _CONVERGED = 300, 1e-7
_ROUNDS_OF_START, _NEARLY_CONVERGED = 40, 1e-5
_LEAST_CHANCE = 0.02
_UNSEEN, _PRIOR_PAIRS = 0.1, 20.0
_PRIOR_STRANGERS = 0.05
"""The share of strangers among those that agree on a value, before estimation."""
_SOLE_STRANGERS, _SOLE_OTHER = 0.002, 0.01
"""Of the pairs that agree on the only column, the share of strangers; and the share of matches that
do not agree on it."""
_FEWEST_PSEUDO_PAIRS, _PSEUDO_PAIRS = 10.0, 0.01
"""The weight of the assumed m probabilities: so many pairs, and so many for each record.

Pairs that resemble matches by coincidence grow in number with the records. Where the real matches
are fewer, what they show is not distinguishable from what the coincidences show."""
_MOST_BITS: dict[Content, float] = {
    "free text": 4.0,
    "numbers": 4.0,
    "dates": 4.0,
    "few values": 3.0,
}
"""The most evidence of a column of unknown meaning, by what it contains."""
_LEAST_SOURCE, _SOURCE = 20.0, 0.5
"""Of a column of sources, matches agree less often than this share of what chance would explain."""
_SAMPLED_PATTERNS, _SEED = 20_000, 20_240_229
_LEAST_AGREED = 0.5
"""The least share of the matches that agree on what identifies people."""


def begin(comparisons: Sequence[Comparison], random_codes: Levels, records: int) -> Weights:
    """Make an initial model from the codes of random pairs."""
    pairs = pairs_of(records)
    attributes = [
        _attribute(comparison, random_codes[:, column], pairs)
        for column, comparison in enumerate(comparisons)
    ]
    allow_for_overlaps(attributes, random_codes)
    return Weights(attributes, records, np.full(2, _START_PAIRS * max(records, 1) / pairs))


def _attribute(comparison: Comparison, random_codes: Levels, all_pairs: float) -> Attribute:
    level_of = comparison.level_of
    size, count = len(level_of), len(comparison.level)
    share, pairs = np.ones(size), np.zeros(size)
    has_tf, group = np.zeros(size, bool), np.arange(size)
    vocabularies = list(dict.fromkeys(tf.name for tf in comparison.term_frequencies.values()))
    for level, tf in comparison.term_frequencies.items():
        if comparison.fixed.get(level, (None, None))[1] is not None:
            continue  # A fixed u replaces the term frequencies.
        codes = np.flatnonzero(level_of == level)
        share[codes], pairs[codes], has_tf[codes] = tf.share, tf.pairs, True
        group[codes] = size + vocabularies.index(tf.name) * TF_CLASSES + np.arange(TF_CLASSES)
    observed = _observed(comparison, np.bincount(level_of[random_codes], minlength=count),
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
        match=observed.copy(),
        related=observed.copy(),
        chance=observed.copy(),
        strangers=np.where(has_tf, _PRIOR_STRANGERS, 1.0),
        fixed=tuple((level, *weight) for level, weight in comparison.fixed.items()),
        namesakes=_NAMESAKES if comparison.name == kinds.GIVEN_NAME else 0.0,
        is_free=comparison.content is not None,
        best=_best_level(comparison),
        most=None if comparison.content is None else _MOST_BITS.get(comparison.content),
    )
    attribute.match = _prior_match(attribute)
    if shared:
        attribute.related = _prior_related(attribute)
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


_OVERLAPPING, _SAMPLED_RANDOM = 0.05, 20_000


def allow_for_overlaps(attributes: Sequence[Attribute], random_codes: Levels) -> None:
    """Lower the weight of columns of unknown meaning on which the same strangers agree.

    Two such columns that always agree together count as one.
    """
    free = [column for column, attribute in enumerate(attributes) if attribute.is_free]
    for column in free:
        attributes[column].weight = 1.0
    step = max(len(random_codes) // _SAMPLED_RANDOM, 1)
    if len(free) < 2 or len(random_codes) < 2:  # noqa: PLR2004  (nothing to correlate)
        return
    agrees = np.empty((len(random_codes[::step]), len(free)), np.float32)
    for position, column in enumerate(free):
        attribute = attributes[column]
        level = attribute.level_of[random_codes[::step, column]]
        known = level != MISSING
        agrees[:, position] = level == EXACT
        agrees[:, position] -= agrees[known, position].mean() if known.any() else 0
        agrees[~known, position] = 0
    together = agrees.T @ agrees
    own = np.sqrt(np.maximum(np.diag(together), 1e-9))
    correlation = together / own / own[:, None]
    correlation[correlation < _OVERLAPPING] = 0
    np.fill_diagonal(correlation, 1)
    for column, overlap in zip(free, correlation.sum(axis=1), strict=True):
        attributes[column].weight = 1 / float(overlap)


def _normalised(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the levels sum to 1 in place; a missing value has the density 1 in every class."""
    shares[1:] /= shares[1:].sum()
    shares[MISSING] = 1
    return shares


def _start(attribute: Attribute, exact: float) -> NDArray[np.float64]:
    """Return assumed probabilities of levels: nearly all exact or different."""
    count = len(attribute.levels)
    start = np.full(count, _START_BETWEEN / max(count - 3, 1))
    start[attribute.best], start[-1] = exact, 1 - exact - _START_BETWEEN
    return _normalised(start)


def _assumed(attribute: Attribute) -> NDArray[np.float64]:
    return _start(attribute, _START_EXACT)


def sole(comparison: Comparison, records: int) -> Weights:
    """Make the model of a table with one column that identifies: equal values match, others do not.

    Estimation compares what several attributes say of a pair, and with one there is nothing to
    compare.
    """
    weights = begin([comparison], np.zeros((1, 1), np.uint8), records)
    attribute = weights.attributes[0]
    attribute.shared = False
    attribute.match = _SOLE_OTHER * attribute.observed
    attribute.match[EXACT] = 1 - _SOLE_OTHER
    attribute.match = _normalised(attribute.match)
    attribute.strangers = np.where(attribute.has_tf, _SOLE_STRANGERS, 1.0)
    return weights


def _best_level(comparison: Comparison) -> int:
    """Return the level of pairs that agree as far as the records' values allow."""
    if comparison.name != kinds.LOCALITY:
        return EXACT
    has_postal, has_city = (
        len(comparison.term_frequencies[level].class_of) > 1
        for level in (levels.Locality.POSTAL_CODE, levels.Locality.CITY)
    )
    if has_postal and has_city:
        return EXACT
    return int(levels.Locality.POSTAL_CODE if has_postal else levels.Locality.CITY)


def _prior_match(attribute: Attribute) -> NDArray[np.float64]:
    """Return the m probabilities before estimation; those of unknown columns tell nothing."""
    return attribute.observed.copy() if attribute.is_free else _assumed(attribute)


def _prior_related(attribute: Attribute) -> NDArray[np.float64]:
    if attribute.is_free:
        return attribute.observed.copy()
    return _start(attribute, _START_SHARED.get(attribute.name, _START_TEXT))


class _Pairs(NamedTuple):
    """Pairs to estimate from."""

    codes: Integers
    """Patterns of codes."""
    counts: Floats
    """How many pairs have each pattern."""
    known: Floats | float
    """What is known of each pattern's pairs: log densities to add, of shape (3, patterns)."""

    def sample(self, kept: int) -> _Pairs:
        """Return a sample of the patterns, and the last ones, of which so many are kept."""
        count = len(self.counts) - kept
        if count <= _SAMPLED_PATTERNS:
            return self
        draw = np.random.default_rng(_SEED)
        drawn = np.sort(draw.choice(count, _SAMPLED_PATTERNS, replace=False))
        rows = np.append(drawn, np.arange(count, count + kept))
        counts = self.counts[rows]
        counts[: len(drawn)] *= self.counts[:count].sum() / self.counts[drawn].sum()
        known = self.known[:, rows] if isinstance(self.known, np.ndarray) else self.known
        return _Pairs(self.codes[rows], counts, known)


class _Start(NamedTuple):
    """A model to start from, and the logarithm of its posterior probability."""

    weights: Weights
    fit: float


def estimate(
    weights: Weights,
    codes: Levels,
    counts: Integers | Floats,
    known: Floats | float = 0.0,
    kept: int = 0,
) -> None:
    """Estimate the model by expectation maximisation.

    Args:
        weights: the model, changed in place.
        codes: distinct patterns of codes.
        counts: how many pairs have each pattern.
        known: what is known of each pattern's pairs: log densities to add, of shape (3, patterns).
        kept: the number of last patterns that every sample contains, such as those of labels.
    """
    if not len(counts):
        return
    # Each column is an index many times.
    pairs = _Pairs(np.asfortranarray(codes, np.intp), np.asarray(counts, float), known)
    sample = pairs.sample(kept)
    starts = [_estimated_from(weights, anchors, sample) for anchors in _anchors(weights.attributes)]
    best = max(starts, key=lambda start: (round(_agreement(start.weights), 1), start.fit))
    weights.rates = best.weights.rates
    weights.attributes[:] = best.weights.attributes
    if is_sound(weights):
        _maximise(weights, pairs)
    if not is_sound(weights):
        # Only how many pairs match is estimated.
        for attribute in weights.attributes:
            attribute.match = _prior_match(attribute)
            _fix(attribute)
        _maximise(weights, pairs, fixed=True)


def _anchors(attributes: Sequence[Attribute]) -> list[list[int]]:
    """Return the columns that estimation may begin with: those that may identify people.

    Columns whose kind is known for that come first, then these and other distinctive columns.
    """
    known = [n for n, attribute in enumerate(attributes) if attribute.name in kinds.KINDS_OF]
    more = [
        n for n, attribute in enumerate(attributes) if not attribute.is_free or not attribute.most
    ]
    every = list(range(len(attributes)))
    identifying = {*kinds.KINDS_OF} - {
        kinds.GENDER,
        kinds.SUFFIX,
        kinds.LOCALITY,
        kinds.MIDDLE_NAME,
    }
    result = [known] if any(attributes[n].name in identifying for n in known) else []
    return [*result, *([more] if more and more not in result else [])] or [every]


def _estimated_from(weights: Weights, anchors: Sequence[int], pairs: _Pairs) -> _Start:
    """Estimate a model from the matches that some attributes find by assumed m probabilities."""
    attributes = [replace(attribute) for attribute in weights.attributes]
    result = Weights(attributes, weights.records, weights.rates.copy())
    anchored = Weights([attributes[n] for n in anchors], weights.records, weights.rates.copy())
    for attribute in anchored.attributes:
        attribute.match = _assumed(attribute)
        _fix(attribute)
    of_anchors = pairs._replace(codes=pairs.codes[:, anchors])
    _maximise(anchored, of_anchors, to_start=True, fixed=True)
    expected, _ = _expected(anchored, of_anchors)
    update(result, pairs.codes, expected * pairs.counts)
    return _Start(result, _maximise(result, pairs, to_start=True))


def _expected(weights: Weights, pairs: _Pairs) -> tuple[Floats, Floats]:
    """Return the probabilities of the first two classes, and the logarithm of the density."""
    logs = log_classes(weights, pairs.codes) + pairs.known
    top = logs.max(axis=0)
    parts = np.exp(logs - top)
    total = parts.sum(axis=0)
    return parts[:2] / total, top + np.log(total)


def _maximise(
    weights: Weights, pairs: _Pairs, *, to_start: bool = False, fixed: bool = False
) -> float:
    """Maximise the posterior probability of the model, and return its logarithm.

    Args:
        weights: the model, changed in place.
        pairs: the pairs to estimate from.
        to_start: whether to stop at once when the model changes little.
        fixed: whether the m probabilities stay as they are.
    """
    total = float(pairs.counts.sum())
    before, fit = -np.inf, 0.0
    rounds, converged = (
        (_ROUNDS_OF_START, _NEARLY_CONVERGED) if to_start else (_MOST_ROUNDS, _CONVERGED)
    )
    for _ in range(rounds):
        expected, log = _expected(weights, pairs)
        fit = float((log * pairs.counts).sum()) / total
        update(weights, pairs.codes, expected * pairs.counts, fixed=fixed)
        if abs(fit - before) < converged:
            break
        before = fit
    prior = sum(
        float(_prior_match(attribute)[1:] @ np.log(np.maximum(attribute.match[1:], 1e-12)))
        for attribute in weights.attributes
    )
    return fit * total + prior * _pseudo_pairs(weights.records)


def is_sound(weights: Weights) -> bool:
    """Return whether the matches agree on what identifies people, as records of one person do."""
    return _agreement(weights) >= _LEAST_AGREED


def _agreement(weights: Weights) -> float:
    """Return the share of the matches that agree on what identifies people; 1 if nothing does.

    Family names, addresses and phones do not suffice, because people who live together share them.
    Of two attributes that many people share, such as given and family names, both have to agree.
    """
    agreed = {
        attribute.name: float(attribute.match[agreeing].sum())
        for attribute in weights.attributes
        if (agreeing := agreeing_levels(attribute))
    }
    if len(agreed) == 2 and agreed.keys().isdisjoint({kinds.EMAIL, kinds.PHONE}):  # noqa: PLR2004
        return min(agreed.values())
    personal = [share for name, share in agreed.items() if name not in SHARED]
    return float(min(np.mean(shares or [1.0]) for shares in (list(agreed.values()), personal)))


def update(weights: Weights, codes: Integers, expected: Floats, *, fixed: bool = False) -> None:
    """Perform the maximisation step.

    Args:
        weights: the model, changed in place.
        codes: patterns of codes.
        expected: of shape (2, patterns): the expected numbers of matching and of related pairs.
        fixed: whether the m probabilities stay as they are.
    """
    weights.rates = (expected.sum(axis=1).astype(float) + 1) / pairs_of(weights.records)
    for column, attribute in enumerate(weights.attributes):
        _update(attribute, codes[:, column], expected, weights, fixed=fixed)


def _pseudo_pairs(records: int) -> float:
    return max(_FEWEST_PSEUDO_PAIRS, _PSEUDO_PAIRS * records)


def _update(
    attribute: Attribute, codes: Integers, expected: Floats, weights: Weights, *, fixed: bool
) -> None:
    rates = weights.rates
    match, related = (
        np.bincount(codes, weights=pairs, minlength=len(attribute.level_of)) for pairs in expected
    )
    if not fixed:
        attribute.match = _level_shares(
            match, attribute, _prior_match(attribute), _pseudo_pairs(weights.records)
        )
        if attribute.levels == _TEXT and not _is_source(attribute, match):
            attribute.match = _in_order(attribute.match, attribute.observed)
        elif attribute.name == kinds.SUFFIX and not attribute.fixed:
            _contradict(attribute)
    if attribute.shared:
        attribute.related = _level_shares(
            related, attribute, _prior_related(attribute), _FEWEST_PSEUDO_PAIRS
        )
        if attribute.is_free and attribute.related[EXACT] > attribute.match[EXACT]:
            # Records of one person agree at least as often as those of related people.
            attribute.related = attribute.match.copy()
    else:
        attribute.related = attribute.chance.copy()
    if attribute.namesakes:
        attribute.namesakes = _namesakes(attribute, related)
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


def _contradict(attribute: Attribute) -> None:
    """Let different suffixes be evidence against a match, though only few people have any."""
    ratios = attribute.match[1:] / attribute.observed[1:]
    most = min(ratios[levels.Suffix.ONE_HAS_NONE - 1], 1.0)
    different = levels.Suffix.DIFFERENT
    attribute.match[different] = min(ratios[different - 1], most) * attribute.observed[different]
    attribute.match = _normalised(attribute.match)


def _namesakes(attribute: Attribute, related: Integers | Floats) -> float:
    """Return the share of related pairs that have one value beyond those who do by chance."""
    share = attribute.namesakes / (attribute.share + attribute.namesakes)
    alike = float(related @ (share * attribute.has_tf))
    pairs = float(related[attribute.level_of != MISSING].sum())
    estimate = (alike + _NAMESAKES * _NAMESAKES_PAIRS) / (pairs + _NAMESAKES_PAIRS)
    return max(estimate, _NAMESAKES)


def _level_shares(
    by_code: Integers | Floats,
    attribute: Attribute,
    prior: NDArray[np.float64],
    pseudo_pairs: float,
) -> NDArray[np.float64]:
    counts = np.bincount(attribute.level_of, weights=by_code, minlength=len(prior))
    return _normalised(counts + pseudo_pairs * prior)


_TEXT = tuple(level.name.lower() for level in levels.Text)


def _is_source(attribute: Attribute, match: Integers | Floats) -> bool:
    """Return whether matches agree much less often than by chance, as on sources of records."""
    counts = np.bincount(attribute.level_of, weights=match)
    by_chance = attribute.observed[EXACT] * counts[1:].sum()
    return bool(by_chance > _LEAST_SOURCE and counts[EXACT] < _SOURCE * by_chance)


def _in_order(shares: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest m probabilities by which exact >= near >= different, by their ratios to u.

    Levels in the wrong order get the ratio of all of them together (isotonic regression).
    """
    blocks: list[tuple[float, float, int]] = []
    for share, chance in zip(shares[1:].tolist(), observed[1:].tolist(), strict=True):
        blocks.append((share, chance, 1))
        while len(blocks) > 1 and blocks[-1][0] * blocks[-2][1] > blocks[-2][0] * blocks[-1][1]:
            below, above = blocks.pop(), blocks.pop()
            blocks.append((above[0] + below[0], above[1] + below[1], above[2] + below[2]))
    ratios = np.concatenate([np.full(size, share / chance) for share, chance, size in blocks])
    return _normalised(np.append(1.0, ratios * observed[1:]))

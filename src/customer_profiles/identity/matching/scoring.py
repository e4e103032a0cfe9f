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

from . import levels
from .blocking import hashes_of_rows
from .levels import EXACT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Integers, Levels, Mask


MATCH, RELATED, CHANCE = 0, 1, 2
SHARED = frozenset({kinds.FAMILY_NAME, kinds.STREET, kinds.LOCALITY, kinds.PHONE, kinds.EMAIL})
"""What people who live or work together share."""
IDENTIFYING: dict[str, list[int]] = {
    kinds.GIVEN_NAME: list(range(levels.GivenName.EXACT, levels.GivenName.SIMILAR)),
    kinds.FAMILY_NAME: list(range(levels.FamilyName.EXACT, levels.FamilyName.SIMILAR)),
    kinds.BIRTH_DATE: list(range(levels.BirthDate.EXACT, levels.BirthDate.SIMILAR)),
    kinds.EMAIL: list(range(levels.Email.EXACT, levels.Email.DIFFERENT)),
    kinds.PHONE: list(range(levels.Phone.EXACT, levels.Phone.SIMILAR)),
    kinds.STREET: list(range(levels.Street.EXACT, levels.Street.SAME_STREET)),
}
"""The attributes that identify people, and the levels at which two records agree on them."""

_TWINS = 0.004
"""The share of related pairs that are born on the same day."""
_LEAST_PROBABILITY = 1e-9
LIKELY = 0.8
"""Groups joined by pairs of at least this probability show how records of one person differ."""
_SURE, _UNSURE = 0.97, 0.5


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

    namesakes: float = 0.0
    """The share of related pairs that have one given name, as some fathers and sons do."""
    is_free: bool = False
    """Whether the attribute is a column of unknown meaning."""
    weight: float = 1.0
    """The share of its evidence that counts; lower if other columns agree in the same pairs."""
    most: float | None = None
    """The most bits that agreement or difference may add."""
    best: int = EXACT
    """The level of pairs that agree as far as the records' values allow."""

    def log_densities(self) -> NDArray[np.float32]:
        """Return the log density of each code in each class, of shape (3, codes).

        Where two records have the same value, densities are relative to the value's frequency: a
        match draws the value once, a chance pair has to draw it twice.
        """
        match, related = self._of_codes(self.match), self._of_codes(self.related)
        if not self.shared:
            alike = _TWINS if self.name == kinds.BIRTH_DATE else self.namesakes
            related = np.where(self.has_tf, self.share + alike, related)
        chance = self.chance[self.level_of]
        chance = np.where(self.has_tf, self.share * self.strangers, chance)
        logs = np.log(np.stack([match, related, chance]))
        if self.is_free:
            evidence = self.weight * (logs - logs[CHANCE])
            most = np.inf if self.most is None else self.most * np.log(2)
            logs = logs[CHANCE] + np.clip(evidence, -most, most)
        return logs.astype(np.float32)

    def _of_codes(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the density of each code in a class."""
        level, observed = levels[self.level_of], self.observed[self.level_of]
        if not self.is_free:
            return level
        # Some pairs have one value because they draw it once; the others agree by chance.
        once = (level - observed) / np.maximum(1 - observed, 1e-9)
        agreed = np.where(once > 0, once + (1 - once) * self.share, self.share * level / observed)
        return np.where(self.has_tf, agreed, level)

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


def agreeing_levels(attribute: Attribute) -> list[int]:
    """Return the levels at which records agree on an attribute that identifies people."""
    known = IDENTIFYING.get(attribute.name, [])
    # A comparison of the user's own may have the name of an attribute, and other levels.
    last = len(attribute.levels) - 1
    return known if not known or known[-1] < last else [*range(EXACT, last)]


def pairs_of(records: int) -> float:
    """Return the number of pairs of records."""
    return max(records * (records - 1) / 2, 1.0)


def log_classes(weights: Weights, codes: Integers) -> NDArray[np.float32]:
    """Return the log density of each pair in each class, of shape (3, pairs)."""
    result = np.repeat(weights.priors().astype(np.float32)[:, None], len(codes), axis=1)
    for column, logs in enumerate(weights.logs()):
        # Indices are cast once, not for each class.
        of_pairs = codes[:, column].astype(np.intp, copy=False)
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


def sigmoid(log_odds: Floats) -> NDArray[np.float64]:
    """Return the probabilities of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))), float)


def with_bits(probability: Floats, bits: Floats) -> Floats:
    """Add bits of evidence to the odds of probabilities."""
    changed = bits != 0
    odds = log_odds(probability[changed]) + bits[changed].astype(float) * np.log(2)
    result = probability.copy()
    result[changed] = sigmoid(odds)
    return result


def patterns(codes: Levels) -> tuple[Levels, NDArray[np.int64]]:
    """Return the distinct rows of codes, and how many pairs have each."""
    hashes = hashes_of_rows(codes.T, len(codes))
    _, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    return np.ascontiguousarray(codes[first]), counts

"""What is known of pairs before they are compared, and how the model learns from it.

Labels of people and the records' sources decide pairs. Labels are also learned from: in the
estimation, and afterwards by correcting the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import scoring
from .blocking import pack, unpack
from .clusters import components
from .levels import MISSING
from .scoring import MATCH, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Hashes, Integers, Levels, Mask, Rows

    from .copies import RowMap
    from .scoring import Weights

    Verdicts = NDArray[np.int8]
    """1 for pairs that surely match, -1 for pairs that surely do not, 0 for all others."""

_IMPOSSIBLE = -1e9
_LABEL_PAIRS, _MANY_LABELS = 10.0, 100
"""How many pairs a labelled pair counts as in the estimation if there are so many labels.

Of fewer labels each one counts as fewer pairs, and as one at least: a few unusual ones must not
outweigh all other pairs."""
_LEVEL_SPREAD, _RATE_SPREAD = 0.3, 0.3
"""Standard deviations of the errors that a level's weight and the rate may have, in nats."""
_MOST_STEPS, _CONVERGED = 30, 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Which source each record is from."""

    names: tuple[str, ...]
    codes: Integers
    """The number of each record's source, or -1."""
    unique: Mask
    """Of each source, whether none of its people has two records."""
    across_only: bool
    """Whether records of one source are never linked."""

    def same(self, i: Integers, j: Integers) -> Mask:
        """Return which pairs are from one source."""
        return np.asarray((self.codes[i] == self.codes[j]) & (self.codes[i] >= 0))

    def duplicates(self, i: Integers, j: Integers) -> Mask:
        """Return which pairs are from one source that has no duplicates."""
        return self.same(i, j) & np.append(self.unique, np.False_)[self.codes[i]]

    @property
    def share(self) -> float:
        """The share of all pairs that may match."""
        count = len(self.codes)
        sizes = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).astype(float)
        barred = np.ones(len(sizes), bool) if self.across_only else self.unique
        pairs = max(count * (count - 1) / 2, 1.0)
        return max(1 - float((sizes * (sizes - 1) / 2)[barred].sum()) / pairs, 1 / pairs)


class Known:
    """Pairs that are known to match or not to match, of a table's rows or of compared records."""

    def __init__(
        self,
        count: int,
        labels: tuple[Rows, Rows, Mask],
        sources: Sources | None = None,
        labelled: Sequence[int] = (),
    ) -> None:
        """Collect what is known.

        Args:
            count: the number of records.
            labels: the lower and the higher row of pairs without contradictions, and whether the
                pair matches.
            sources: the sources of the records.
            labelled: the rows that labels name, in the order of their ids.
        """
        self._labelled = np.array(labelled, np.int64)
        i, j, is_match = labels
        self.sources = sources
        self.pairs: Hashes = pack(i, j)
        """The labelled pairs."""
        self.is_match: Mask = is_match
        self.person: Rows = components(count, i[is_match], j[is_match])
        """The lowest row among the records that labels join."""
        self._apart = self._of_people(i[~is_match], j[~is_match])

    def of_records(self, rows: RowMap) -> Known:
        """Return what is known of the records that are compared, from what is known of rows."""
        i, j = (rows.record_of[part] for part in unpack(self.pairs))
        low, high = np.minimum(i, j), np.maximum(i, j)
        order = np.lexsort((high, low))
        sources = self.sources
        if sources is not None:
            sources = replace(sources, codes=sources.codes[rows.row_of])
        labels = (low[order], high[order], self.is_match[order])
        return Known(len(rows.row_of), labels, sources)

    @property
    def classes(self) -> Rows:
        """A number for each row; equal rows are copies only if their numbers are equal, too.

        Each labelled row has its own number, which follows from the ids. Rows of different sources
        differ if it depends on the sources whether two rows may match.
        """
        sources, count = self.sources, len(self.person)
        result = np.zeros(count, np.int64)
        if sources is not None and (sources.across_only or sources.unique.any()):
            result = sources.codes.astype(np.int64)
        result[self._labelled] = count + np.arange(len(self._labelled))
        return result

    @property
    def shift(self) -> float:
        """What to add to the log odds of pairs that may match while the model is estimated.

        The estimated rate is a share of all pairs, of which only some may match.
        """
        return 0.0 if self.sources is None else -float(np.log(self.sources.share))

    def _of_people(self, i: Rows, j: Rows) -> Hashes:
        left, right = self.person[i], self.person[j]
        return pack(np.minimum(left, right), np.maximum(left, right))

    def verdicts(self, pairs: Hashes) -> Verdicts:
        """Return what labels, with all that follows from them, and sources say of pairs."""
        i, j = unpack(pairs)
        result = np.zeros(len(pairs), np.int8)
        if self.sources is not None:
            result[self.sources.duplicates(i, j)] = -1
        if len(self.pairs):
            result[self.separated(pairs)] = -1
            result[self.person[i] == self.person[j]] = 1
        return result

    def separated(self, pairs: Hashes) -> Mask:
        """Return which pairs labels separate."""
        return np.isin(self._of_people(*unpack(pairs)), self._apart)

    @staticmethod
    def log_evidence(verdicts: Verdicts, shift: float = 0.0) -> NDArray[np.float32]:
        """Return what verdicts add to the log density of each class, of shape (3, pairs).

        Args:
            verdicts: the verdicts on pairs.
            shift: what to add to the log odds of pairs that may match.
        """
        result = np.zeros((3, len(verdicts)), np.float32)
        result[MATCH] = shift
        result[:, verdicts > 0] = _IMPOSSIBLE
        result[MATCH, verdicts > 0] = 0
        result[MATCH, verdicts < 0] = _IMPOSSIBLE
        return result

    def candidates(self, pairs: Hashes) -> Hashes:
        """Return the pairs to compare: those of blocking that may match, and labelled ones."""
        if self.sources is not None and self.sources.across_only:
            pairs = pairs[~self.sources.same(*unpack(pairs))]
        return np.union1d(pairs, self.pairs)

    def shared(self, pairs: Hashes, match: Floats) -> Floats:
        """Return probabilities that are equal for all records that labels join.

        Each pair gets the greatest probability of the pairs between the same two people: a damaged
        record that hardly resembles another one adds no evidence against it, once a label says
        whose it is.
        """
        i, j = unpack(pairs)
        labelled = np.bincount(self.person, minlength=1)[self.person] > 1
        rows = np.flatnonzero((labelled[i] | labelled[j]) & (self.verdicts(pairs) == 0))
        if not len(rows):
            return match
        _, number = np.unique(self._of_people(i[rows], j[rows]), return_inverse=True)
        greatest = np.zeros(len(rows), match.dtype)
        np.maximum.at(greatest, number, match[rows])
        result = match.copy()
        result[rows] = greatest[number]
        return result

    def clash(self) -> tuple[int, int] | None:
        """Return two records of a source without duplicates that labels join, if there are such."""
        if self.sources is None:
            return None
        unique = np.append(self.sources.unique, np.False_)[self.sources.codes]
        rows = np.flatnonzero(unique & (np.bincount(self.person, minlength=1)[self.person] > 1))
        rows = rows[np.lexsort((self.sources.codes[rows], self.person[rows]))]
        same = (np.diff(self.person[rows]) == 0) & (np.diff(self.sources.codes[rows]) == 0)
        at = np.flatnonzero(same)
        return (int(rows[at[0]]), int(rows[at[0] + 1])) if len(at) else None

    def may_join(self, pairs: Hashes) -> Mask:
        """Return which pairs may join two records, if they are probable enough."""
        if self.sources is None or not self.sources.across_only:
            return np.ones(len(pairs), bool)
        return ~self.sources.same(*unpack(pairs)) | (self.verdicts(pairs) > 0)

    def joined(self, label: Rows) -> Rows:
        """Join the groups of records that labels join, where the groups do not."""
        rows = np.flatnonzero(label != label[self.person])
        if not len(rows):
            return label
        return components(len(label), label[rows], label[self.person[rows]])[label]


class Patterns(NamedTuple):
    """What the estimation reads: patterns of codes, their numbers, and what is known of each."""

    codes: Levels
    counts: NDArray[np.float64]
    evidence: NDArray[np.float32]
    labelled: int
    """How many of them, the last ones, are of labelled pairs."""


def known_patterns(
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
    weight = np.clip(_LABEL_PAIRS * len(signs) / _MANY_LABELS, 1, _LABEL_PAIRS)
    return Patterns(
        np.concatenate([*(rows for rows, _ in parts), labelled]),
        np.concatenate([*(counts * times for _, counts in parts), np.full(len(signs), weight)]),
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

"""Estimates of precision, recall and the number of people, without labels.

A merged pair is right with the confidence of its group. Beyond that, three things are uncertain:
whether probabilities are calibrated, how many of the likely pairs are matches by chance, and how
many matches were never compared. The last is estimated as ecologists count unseen species: from
the matches that only one or two blocking keys find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching import blocking, scoring

from .verdict import CLEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from customer_profiles.identity.arrays import Floats, Rows
    from customer_profiles.identity.matching.matcher import Matcher, Scored
    from customer_profiles.identity.matching.scoring import Weights

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
"""The thresholds of `Resolution.expected` unless others are asked for."""
_STEPS, _LOWEST, _HIGHEST = 64, 0.5, 1 - 1e-6
# Intervals are to hold nine times in ten. Their width was set by the development sets: the odds of
# an error are right within this factor, and more of it is unknown where there are few matches.
_CALIBRATION, _FEW = math.log(3), 10.0
# The share of unseen matches, which are harder to find than those that are seen, within this one.
_UNSEEN = math.log(5)
# Nine in ten draws of a normal distribution are within so many standard deviations.
_NINE_IN_TEN = 1.645
_BLURRED, _LEAST_SEPARATION = 1.5, 1e-3
_MARKS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_SURE = _MARKS.index(0.95)


class Estimate(NamedTuple):
    """An estimated value, and the interval in which the real one lies nine times in ten."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class ExpectedAt:
    """What to expect of the groups at one threshold."""

    threshold: float
    """The least probability of a pair that joins two records."""
    precision: Estimate
    """The share of the pairs inside groups whose two records belong to one person."""
    recall: Estimate
    """The share of all pairs of one person's records that are inside a group."""
    people: int
    """The number of people that the groups make of the records, single records included."""

    @property
    def f1(self) -> float:
        """The harmonic mean of the estimated precision and recall."""
        total = self.precision.value + self.recall.value
        return 2 * self.precision.value * self.recall.value / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect of the groups, threshold by threshold, without labels."""

    thresholds: tuple[ExpectedAt, ...]
    """The thresholds in ascending order."""
    people: Estimate
    """The number of people to whom the records belong in reality."""
    never_compared: Estimate
    """The share of the matching pairs that no blocking key found."""

    def __iter__(self) -> Iterator[ExpectedAt]:
        return iter(self.thresholds)

    def to_arrow(self) -> pa.Table:
        """Return a table of the thresholds: threshold, precision, recall, their bounds, people."""
        return pa.table({
            "threshold": [row.threshold for row in self],
            **{
                f"{name}{suffix}": [getattr(getattr(row, name), bound) for row in self]
                for name in ("precision", "recall")
                for suffix, bound in (("", "value"), ("_low", "low"), ("_high", "high"))
            },
            "people": [row.people for row in self],
        })  # fmt: skip

    def text(self) -> str:
        """Return the estimates as lines of text."""
        lines = [f"{'threshold':<10} {'precision':<24} {'recall':<24} {'people':>10}"]
        lines += [
            f"{row.threshold:<10.6g} {row.precision!s:<24} {row.recall!s:<24} {row.people:>10,}"
            for row in self
        ]
        value, low, high = self.people
        lines.append(f"estimated people: {value:,.0f} ({low:,.0f} to {high:,.0f})")
        lines.append(f"matching pairs that were never compared: {self.never_compared}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class _Merged:
    """The pairs inside the groups at one threshold."""

    threshold: float
    label: Rows
    pairs: float
    right: float
    """The expected number of pairs whose records belong to one person."""
    doubt: float
    """The variance of that number."""

    @classmethod
    def of(cls, threshold: float, label: Rows, sizes: Rows, confidence: Floats) -> _Merged:
        pairs = sizes * (sizes - 1) / 2
        doubt = float(pairs**2 @ (confidence * (1 - confidence)))
        return cls(threshold, label, float(pairs.sum()), float(pairs @ confidence), doubt)

    @property
    def precision(self) -> float:
        return self.right / self.pairs if self.pairs else 1.0

    @property
    def groups(self) -> int:
        """The number of groups, single records included."""
        return int((self.label == np.arange(len(self.label))).sum())


class Estimator:
    """Estimates the quality of groups from the probabilities of pairs."""

    def __init__(self, matcher: Matcher, weights: Weights, scored: Scored, inner: Scored) -> None:
        self._matcher, self._weights, self._scored, self._inner = matcher, weights, scored, inner
        self._rows = matcher.rows

    def threshold_for(self, precision: float) -> float:
        """Return the lowest threshold at which merged pairs have this expected precision.

        It is 0.5 or more, and 1.0 if no threshold reaches the precision.
        """
        odds = np.linspace(_log_odds(_LOWEST), _log_odds(_HIGHEST), _STEPS)
        marks = (1 / (1 + np.exp(-odds))).tolist()
        low, high = 0, _STEPS
        while low < high:
            middle = (low + high) // 2
            merged = self._merged(marks[middle])
            # No higher threshold joins pairs if this one joins none.
            if not merged.pairs or merged.precision >= precision:
                high = middle
            else:
                low = middle + 1
        chosen = marks[high] if high < _STEPS else 1.0
        merged = self._merged(chosen)
        return chosen if merged.pairs and merged.precision >= precision else 1.0

    def expectation(self, thresholds: Sequence[float]) -> Expectation:
        """Estimate precision, recall and number of people at thresholds."""
        merged = [self._merged(threshold) for threshold in sorted(set(thresholds))]
        rows = tuple(
            ExpectedAt(part.threshold, self._precision(part), self._recall(part), part.groups)
            for part in merged
        )
        return Expectation(rows, self._people, self._unseen)

    def precision_of(self, sizes: Rows, confidence: Floats) -> Estimate:
        """Estimate the precision of the pairs inside groups of these sizes and confidences."""
        return self._precision(_Merged.of(0.0, np.empty(0, np.int64), sizes, confidence))

    def _precision(self, merged: _Merged) -> Estimate:
        if not merged.pairs:
            return Estimate(1.0, 0.0, 1.0)
        value = merged.precision
        sampling = math.sqrt(merged.doubt) / merged.pairs
        low, high = _shifted(value, self._uncertainty)
        return _around(value, max(low - _NINE_IN_TEN * sampling, 0.0),
                       min(high + _NINE_IN_TEN * sampling, 1.0))  # fmt: skip

    def _recall(self, merged: _Merged) -> Estimate:
        found = merged.right
        missed = max(self._expected - found, 0.0)
        if found + missed <= 0:
            return Estimate(1.0, 0.0, 1.0)
        unseen = self._unseen
        factor = math.exp(self._uncertainty)

        def share(missed: float, never: float) -> float:
            return found / (found + missed) * (1 - never)

        return _around(
            share(missed, unseen.value),
            share(missed * factor, unseen.high),
            share(missed / factor, unseen.low),
        )

    @cached_property
    def _uncertainty(self) -> float:
        """How far the log odds of an error may be off, for an interval of nine in ten."""
        match = self._scored.match
        matches = float(match.sum(dtype=float))
        clear = float(match[match >= CLEAR].sum(dtype=float))
        few = _FEW / math.sqrt(max(matches, 1.0))
        # Where no pairs stand out, the model tells matches from others by assumption.
        separation = max(clear, _LEAST_SEPARATION * matches) / max(matches, 1e-9)
        blurred = _BLURRED * math.log(1 / separation) if matches else 0.0
        return math.hypot(_CALIBRATION, few, blurred)

    @cached_property
    def _expected(self) -> float:
        """The expected number of matches: inside the groups at 0.5, and among all other pairs."""
        base = self._merged(_LOWEST)
        label, inner = base.label[self._rows.row_of], self._inner
        i, j = inner.i, inner.j
        apart = label[i] != label[j]
        outside = ~np.isin(self._scored.pairs, inner.pairs, assume_unique=True)
        if self._matcher.known is not None:
            apart &= self._matcher.known.may_join(inner.pairs)
        rest = float(inner.match[apart].sum(dtype=float))
        return base.right + rest + float(self._scored.match[outside].sum(dtype=float))

    @cached_property
    def _unseen(self) -> Estimate:
        """The share of matches that no blocking key finds (Chao's estimator)."""
        likely = self._inner.match >= scoring.LIKELY
        pairs = (self._inner.i[likely], self._inner.j[likely])
        times = blocking.times_found(
            blocking.atoms(self._matcher.prepared), self._matcher.count, pairs
        )
        seen = int(np.count_nonzero(times))
        _, once, twice = np.bincount(times, minlength=3)[:3].tolist()
        unseen = once * (once - 1) / (2 * (twice + 1))
        share = (unseen + 0.5) / (unseen + seen + 1)
        return _around(unseen / max(unseen + seen, 1), *_shifted(share, _UNSEEN))

    @cached_property
    def _people(self) -> Estimate:
        """The number of people: the records, less the expected merges at all thresholds."""
        count = len(self._rows.record_of)
        merged = [self._merged(mark) for mark in _MARKS]
        merges = [float(count - part.groups) for part in merged]
        # A group that contradicts itself may be larger at a higher threshold.
        sure, most = merges[_SURE], max(merges)
        # A merge that happens at all thresholds up to p is right with the probability p.
        seen = merges[0] * _MARKS[0] + float(np.trapezoid(merges, _MARKS))
        doubtful = min(max(seen - sure, 0.0) / max(most - sure, 1.0), 1.0)
        # The bounds move the doubtful merges, and those that no key found.
        less, more = _shifted(doubtful, self._uncertainty)
        right = self._precision(merged[_SURE]).low
        # A model of n matches is off by a share of about 1 / sqrt(n).
        chance = _NINE_IN_TEN * math.sqrt(most)
        # Matches below all these thresholds: records that are joined share two pairs or so.
        label, scored = merged[0].label[self._rows.row_of], self._scored
        weak = float(scored.match[label[scored.i] != label[scored.j]].sum(dtype=float))
        seen += weak / 2
        sizes = np.bincount(merged[_SURE].label, minlength=count)
        twos = 2 * np.count_nonzero(sizes == 2) / max(int(sizes[sizes > 1].sum()), 1)  # noqa: PLR2004

        def people(merges: float, unseen: float) -> float:
            # A record of a larger group is lost only if its other pairs are not compared either.
            unseen *= twos + (1 - twos) * unseen
            return min(max(count - merges / (1 - unseen), min(count, 1)), count)

        unseen = self._unseen
        return _around(
            people(seen, unseen.value),
            people(sure + more * (most - sure) + weak + chance, unseen.high),
            people(right * (sure + less * (most - sure)) - chance, 0.0),
        )

    def _merged(self, threshold: float) -> _Merged:
        groups = self._matcher.group(self._weights, self._inner, threshold)
        label = self._rows.labels(groups)
        confidence = np.ones(len(label))
        confidence[label] = self._matcher.confidence(groups, self._inner)
        sizes = np.bincount(label, minlength=len(label))
        return _Merged.of(threshold, label, sizes, confidence)


def _around(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, min(low, value), max(high, value))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _shifted(share: float, by: float) -> tuple[float, float]:
    """Return a share with its log odds lowered and raised."""
    if not 0 < share < 1:
        return share, share
    odds = _log_odds(share)
    return 1 / (1 + math.exp(by - odds)), 1 / (1 + math.exp(-by - odds))

"""Clustering: making groups of matching pairs such that no group holds two people."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .scoring import log_odds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Integers, Rows

_CONTRADICTION = -1.0
_MOST = 7.0
# More than all other evidence of a group together.
_CERTAIN = 1e6
_LIKELY, _SUREST = 0.5, 1 - 1e-9
LEAST_DOUBT = 1e-6
"""Components that pairs closer to certainty than this connect stay as they are, however large."""
_CELLS = 1 << 20
# Transitive evidence comes from groups of surely joined records. It is capped, because an error in
# one record may be repeated in the others.
_SURELY_JOINED, _MOST_TRANSITIVE = 0.95, 0.9


def components(count: int, i: Integers, j: Integers) -> Rows:
    """Return the lowest row of each record's connected component.

    Args:
        count: the number of records.
        i: the first record of each pair that connects two.
        j: the second record.
    """
    label = np.arange(count)
    while len(i):
        left, right = label[i], label[j]
        apart = left != right
        i, j, left, right = i[apart], j[apart], left[apart], right[apart]
        low = np.minimum(left, right)
        np.minimum.at(label, np.maximum(left, right), low)
        while True:
            shorter = label[label]
            if (shorter == label).all():
                break
            label = shorter
    return label


def loosely_connected(  # noqa: PLR0913  (pairs are columns)
    count: int,
    i: Integers,
    j: Integers,
    probability: Floats,
    *,
    least: float,
    largest: int,
    sizes: Integers | None = None,
) -> Rows:
    """Connect what may belong together; components that are too large by surer pairs only.

    Args:
        count: the number of records, or of whatever the pairs are of.
        i: the lower row of each pair.
        j: the higher row.
        probability: the probability of each pair.
        least: the least probability of a pair that connects.
        largest: the greatest size of a component.
        sizes: what each record adds to the size of its component; by default 1.

    Returns:
        The lowest row of each record's component.
    """
    joins = probability >= least
    while True:
        label = components(count, i[joins], j[joins])
        large = (np.bincount(label, weights=sizes, minlength=count) > largest)[label]
        least = 1 - (1 - least) / 2
        if not large.any() or least > 1 - LEAST_DOUBT:
            return label
        joins &= ~(large[i] & (probability < least))


def inside(label: Rows, most: int) -> tuple[Rows, Rows]:
    """Return all pairs of records inside the groups of at most `most` records."""
    order = np.argsort(label, kind="stable")
    sizes = np.bincount(label, minlength=len(label))[label[order]]
    keep = (sizes > 1) & (sizes <= most)
    order, sizes = order[keep], sizes[keep]
    found = [np.empty((2, 0), np.int64)]
    for size in np.unique(sizes):
        members = order[sizes == size].reshape(-1, size)
        i, j = np.triu_indices(size, 1)
        found.append(np.stack([members[:, i].ravel(), members[:, j].ravel()]))
    i, j = np.concatenate(found, axis=1)
    return np.minimum(i, j), np.maximum(i, j)


def group(  # noqa: PLR0913, PLR0917  (pairs are columns)
    count: int,
    i: Integers,
    j: Integers,
    probability: Floats,
    likeness: Floats,
    threshold: float,
    verdicts: NDArray[np.int8] | None = None,
) -> Rows:
    """Group records by pairs of at least a threshold, and split groups that contradict themselves.

    Args:
        count: the number of records.
        i: the lower row of all pairs inside possible groups.
        j: the higher row.
        probability: the probability that a pair matches.
        likeness: log odds of a match against a relation; negative values contradict.
        threshold: the least probability of a pair that joins two records.
        verdicts: 1 for pairs that surely match, -1 for pairs that surely do not, 0 for others.

    Returns:
        The lowest row of each record's group.
    """
    if verdicts is None:
        verdicts = np.zeros(len(i), np.int8)
    joins = np.where(verdicts, verdicts > 0, probability >= threshold)
    label = components(count, i[joins], j[joins])
    own = label[i] == label[j]
    i, j, probability, likeness = i[own], j[own], probability[own], likeness[own]
    joins, verdicts = joins[own], verdicts[own]
    doubtful = np.zeros(count, bool)
    doubtful[label[i[(likeness < _CONTRADICTION) | (verdicts < 0)]]] = True
    # A single pair cannot contradict itself.
    doubtful &= np.bincount(label[i], minlength=count) > 1
    rest = np.flatnonzero(doubtful[label[i]])
    rest = rest[np.lexsort((-probability[rest], -verdicts[rest], label[i[rest]]))]
    i, j, probability, likeness = i[rest], j[rest], probability[rest], likeness[rest]
    joins, verdicts = joins[rest], verdicts[rest]
    odds = np.log(np.maximum(probability, 1e-9) / np.maximum(1 - probability, 1e-9))
    value = np.where(probability >= _LIKELY, np.minimum(odds, _MOST), np.clip(likeness, -_MOST, 0))
    value = np.where(verdicts, verdicts * _CERTAIN, value)
    edges = np.append(np.flatnonzero(np.diff(label[i], prepend=-1)), len(i)).tolist()
    columns = [column.tolist() for column in (i, j, value, joins)]
    parts: dict[int, int] = {}
    for start, end in pairwise(edges):
        parts |= _split(*(column[start:end] for column in columns))
    label[list(parts)] = list(parts.values())
    return label


def _split(
    left: list[int], right: list[int], value: list[float], joins: list[bool]
) -> dict[int, int]:
    """Build a component again from its surest pairs, never against the sum of the evidence.

    Most components have three records, for which arrays are slow.
    """
    members = {record: [record] for record in (*left, *right)}
    between: dict[int, dict[int, float]] = {record: {} for record in members}
    for a, b, evidence in zip(left, right, value, strict=True):
        between[a][b] = between[b][a] = evidence
    part = {record: record for record in members}
    for a, b, is_joined in zip(left, right, joins, strict=True):
        x, y = part[a], part[b]
        if x == y or not is_joined or between[x].get(y, 0.0) <= 0:
            continue
        for z, evidence in between.pop(y).items():
            del between[z][y]
            if z != x:
                between[x][z] = between[z][x] = between[x].get(z, 0.0) + evidence
        for record in members[y]:
            part[record] = x
        members[x] += members.pop(y)
    return {record: min(records) for records in members.values() for record in records}


def transitive_evidence(  # noqa: PLR0913, PLR0917  (pairs are columns)
    count: int,
    i: Integers,
    j: Integers,
    probability: Floats,
    likeness: Floats,
    verdicts: NDArray[np.int8] | None = None,
) -> NDArray[np.float16]:
    """Return the bits that records which surely match both records of a pair add to its odds.

    The arguments are those of `group`.
    """
    label = group(count, i, j, probability, likeness, _SURELY_JOINED, verdicts)
    path = best_paths(label, i, j, probability)
    more = np.flatnonzero((path > probability) & (True if verdicts is None else verdicts == 0))
    # Evidence against the pair itself still counts.
    against = np.minimum(likeness[more], 0.0)
    odds = log_odds(np.minimum(path[more], _MOST_TRANSITIVE)) + against
    added = (odds - log_odds(probability[more])) / np.log(2)
    result = np.zeros(len(path), np.float16)
    result[more] = np.maximum(added, 0)
    return result


def best_paths(label: Rows, i: Integers, j: Integers, probability: Floats) -> NDArray[np.float64]:
    """Return for each pair the greatest product of probabilities along a path inside its group.

    Args:
        label: the group of each record.
        i: the lower row of each pair.
        j: the higher row.
        probability: the probability that a pair matches.

    Returns:
        The probability of the best path; 0 in groups of less than three records.
    """
    result = np.zeros(len(i))
    for groups in _by_size(label, i, j):
        if groups.size > 2:  # noqa: PLR2004  (no third record)
            best = groups.matrices(probability)
            for middle in range(groups.size):
                path = best[:, :, middle, None] * best[:, None, middle, :]
                np.maximum(best, path, out=best)
            result[groups.pairs] = best[groups.group, groups.row, groups.column]
    return result


def confidence(label: Rows, i: Integers, j: Integers, probability: Floats) -> NDArray[np.float64]:
    """Return the probability that all records of a group belong to one person.

    The surest pairs join the group, part by part, and the confidence is the product of their
    probabilities. Where a pair joins two parts of several records, its odds are multiplied by the
    share of likely pairs among all pairs between the parts: it is the best of so many pairs, most
    of which may be improbable.

    Returns:
        The confidence of each group, at its lowest row; 1 at all other rows.
    """
    result = np.ones(len(label))
    for groups in _by_size(label, i, j):
        found = groups.matrices(probability)
        if groups.size == 2:  # noqa: PLR2004  (one pair)
            result[groups.first] = found[:, 0, 1]
            continue
        likely = found >= _LIKELY
        part = np.tile(np.arange(groups.size), (len(found), 1))
        every = np.arange(len(found))
        for _ in range(groups.size - 1):
            apart = part[:, :, None] != part[:, None, :]
            best = np.where(apart, found, -1.0).reshape(len(found), -1).argmax(axis=1)
            row, column = np.divmod(best, groups.size)
            left = part == part[every, row][:, None]
            right = part == part[every, column][:, None]
            between = left[:, :, None] & right[:, None, :]
            pairs = between.sum(axis=(1, 2))
            share = np.maximum((between & likely).sum(axis=(1, 2)), 1) / pairs
            surest = np.minimum(found[every, row, column], _SUREST)
            result[groups.first] *= 1 / (1 + (1 - surest) / (surest * share))
            part = np.where(right, part[every, row][:, None], part)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Groups:
    """Groups of one size, and the pairs inside them."""

    size: int
    first: Rows
    """The lowest row of each group."""
    pairs: Rows
    """Positions of the pairs."""
    group: Rows
    """The group of each pair, counted from 0."""
    row: Rows
    """The position of each pair's lower record inside its group."""
    column: Rows
    """The position of each pair's higher record inside its group."""

    def matrices(self, values: Floats) -> NDArray[np.float64]:
        """Return the values of the pairs as one symmetric matrix for each group."""
        result = np.zeros((len(self.first), self.size, self.size))
        own = values[self.pairs]
        result[self.group, self.row, self.column] = own
        result[self.group, self.column, self.row] = own
        return result


def _by_size(label: Rows, i: Integers, j: Integers) -> Iterator[_Groups]:
    """Yield the groups of each size with their pairs, a limited number of groups at a time."""
    inside = np.flatnonzero(label[i] == label[j])
    if not len(inside):
        return
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(label)))
    position = np.empty(len(label), np.int64)
    position[order] = np.arange(len(label)) - np.repeat(starts, sizes)
    size_of = np.zeros(len(label), np.int64)
    size_of[label[order[starts]]] = sizes
    of = label[i[inside]]
    inside = inside[np.lexsort((of, size_of[of]))]
    of = label[i[inside]]
    for size in np.unique(size_of[of]).tolist():
        low, high = np.searchsorted(size_of[of], [size, size + 1])
        groups, which = np.unique(of[low:high], return_inverse=True)
        step = max(_CELLS // size**2, 1)
        for start in range(0, len(groups), step):
            begin, end = low + np.searchsorted(which, [start, start + step])
            pairs = inside[begin:end]
            yield _Groups(
                size=size,
                first=groups[start : start + step],
                pairs=pairs,
                group=which[begin - low : end - low] - start,
                row=position[i[pairs]],
                column=position[j[pairs]],
            )

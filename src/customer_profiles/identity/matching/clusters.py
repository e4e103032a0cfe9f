"""Making groups of matching pairs, such that no group holds two people."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .scoring import log_odds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_CONTRADICTION = -1.0
_MOST = 7.0
_LIKELY, _SUREST = 0.5, 1 - 1e-9
_CELLS = 1 << 20
# Records that are surely one person's speak for pairs that say too little by themselves, though
# never more surely than this: what is wrong with the one may be wrong with the other.
_SURELY_JOINED, _MOST_THROUGH_OTHERS = 0.95, 0.9


def components(count: int, i: NDArray[Any], j: NDArray[Any]) -> NDArray[np.int64]:
    """Give each record the least number of those that it is connected with by pairs."""
    label = np.arange(count)
    while len(i):
        one, other = label[i], label[j]
        apart = one != other
        i, j, one, other = i[apart], j[apart], one[apart], other[apart]
        low = np.minimum(one, other)
        np.minimum.at(label, np.maximum(one, other), low)
        while True:
            shorter = label[label]
            if (shorter == label).all():
                break
            label = shorter
    return label


def inside(label: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give all pairs of records within each group of at most so many records."""
    order = np.argsort(label, kind="stable")
    sizes = np.bincount(label, minlength=len(label))[label[order]]
    keep = (sizes > 1) & (sizes <= most)
    order, sizes = order[keep], sizes[keep]
    found: list[Any] = []
    for size in np.unique(sizes):
        members = order[sizes == size].reshape(-1, size)
        one, other = np.triu_indices(size, 1)
        found.append(np.stack([members[:, one].ravel(), members[:, other].ravel()]))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    i, j = np.concatenate(found, axis=1)
    return np.minimum(i, j), np.maximum(i, j)


def group(  # noqa: PLR0913, PLR0917  (pairs are columns)
    count: int,
    i: NDArray[Any],
    j: NDArray[Any],
    probability: NDArray[Any],
    likeness: NDArray[Any],
    threshold: float,
) -> NDArray[np.int64]:
    """Group records by pairs of at least a threshold, and split what contradicts itself.

    Args:
        count: how many records there are.
        i: the lesser records of all pairs inside the groups that might be.
        j: the greater records.
        probability: how probable it is that a pair matches.
        likeness: log odds of a match against a relation; negative is a contradiction.
        threshold: the least probability of a pair that joins.

    Returns:
        The least record number of each record's group.
    """
    joins = probability >= threshold
    label = components(count, i[joins], j[joins])
    own = label[i] == label[j]
    i, j, probability, likeness = i[own], j[own], probability[own], likeness[own]
    joins = joins[own]
    doubtful = np.zeros(count, bool)
    doubtful[label[i[likeness < _CONTRADICTION]]] = True
    # One pair that joins two records is no contradiction.
    doubtful &= np.bincount(label[i], minlength=count) > 1
    rest = np.flatnonzero(doubtful[label[i]])
    rest = rest[np.lexsort((-probability[rest], label[i[rest]]))]
    odds = np.log(np.maximum(probability, 1e-9) / np.maximum(1 - probability, 1e-9))
    value = np.where(probability >= _LIKELY, np.minimum(odds, _MOST), np.clip(likeness, -_MOST, 0))
    edges = np.append(np.flatnonzero(np.diff(label[i[rest]], prepend=-1)), len(rest)).tolist()
    columns = [column[rest].tolist() for column in (i, j, value, joins)]
    parts: dict[int, int] = {}
    for start, end in pairwise(edges):
        parts |= _split(*(column[start:end] for column in columns))
    label[list(parts)] = list(parts.values())
    return label


def _split(
    one: list[int], other: list[int], value: list[float], joins: list[bool]
) -> dict[int, int]:
    """Group one component anew: join the surest first, never against the sum of the evidence.

    Most components are of three records, for which arrays are slow.
    """
    members = {record: [record] for record in (*one, *other)}
    between: dict[int, dict[int, float]] = {record: {} for record in members}
    for a, b, it in zip(one, other, value, strict=True):
        between[a][b] = between[b][a] = it
    part = {record: record for record in members}
    for a, b, is_joined in zip(one, other, joins, strict=True):
        x, y = part[a], part[b]
        if x == y or not is_joined or between[x].get(y, 0.0) <= 0:
            continue
        for z, it in between.pop(y).items():
            del between[z][y]
            if z != x:
                between[x][z] = between[z][x] = between[x].get(z, 0.0) + it
        for record in members[y]:
            part[record] = x
        members[x] += members.pop(y)
    return {record: min(some) for some in members.values() for record in some}


def said_by_others(
    count: int,
    i: NDArray[Any],
    j: NDArray[Any],
    probability: NDArray[Any],
    likeness: NDArray[Any],
) -> NDArray[np.float16]:
    """Give of each pair the bits that records which surely match both add to its odds.

    The arguments are those of `group`.
    """
    label = group(count, i, j, probability, likeness, _SURELY_JOINED)
    way = through_others(label, i, j, probability)
    more = np.flatnonzero(way > probability)
    # What speaks against the pair itself is not forgotten.
    against = np.minimum(likeness[more], 0.0)
    odds = log_odds(np.minimum(way[more], _MOST_THROUGH_OTHERS)) + against
    added = (odds - log_odds(probability[more])) / np.log(2)
    result = np.zeros(len(way), np.float16)
    result[more] = np.maximum(added, 0)
    return result


def through_others(
    label: NDArray[np.int64], i: NDArray[Any], j: NDArray[Any], probability: NDArray[Any]
) -> NDArray[np.float64]:
    """Give of each pair in a group the greatest product of probabilities along a way in it.

    Args:
        label: of each record its group.
        i: the lesser records of the pairs.
        j: the greater records.
        probability: how probable it is that a pair matches.

    Returns:
        What the best way through the group gives; 0 where there are less than three records.
    """
    result = np.zeros(len(i))
    for some in _by_size(label, i, j):
        if some.size > 2:  # noqa: PLR2004  (no third record)
            best = some.matrices(probability)
            for middle in range(some.size):
                way = best[:, :, middle, None] * best[:, None, middle, :]
                np.maximum(best, way, out=best)
            result[some.pairs] = best[some.group, some.row, some.column]
    return result


def confidence(
    label: NDArray[np.int64], i: NDArray[Any], j: NDArray[Any], probability: NDArray[Any]
) -> NDArray[np.float64]:
    """Give of each group, by its least record, how probable it is that all of it is one person's.

    The surest pairs join the group, part by part; it is the product of what these joins are worth.
    A pair that joins two parts of several records is worth the less the more of the other pairs
    between them are improbable: it is the best of so many chances to be wrong.
    """
    result = np.ones(len(label))
    for some in _by_size(label, i, j):
        found = some.matrices(probability)
        if some.size == 2:  # noqa: PLR2004  (one pair)
            result[some.first] = found[:, 0, 1]
            continue
        likely = found >= _LIKELY
        part = np.tile(np.arange(some.size), (len(found), 1))
        every = np.arange(len(found))
        for _ in range(some.size - 1):
            apart = part[:, :, None] != part[:, None, :]
            best = np.where(apart, found, -1.0).reshape(len(found), -1).argmax(axis=1)
            one, other = np.divmod(best, some.size)
            left = part == part[every, one][:, None]
            right = part == part[every, other][:, None]
            between = left[:, :, None] & right[:, None, :]
            pairs = between.sum(axis=(1, 2))
            share = np.maximum((between & likely).sum(axis=(1, 2)), 1) / pairs
            surest = np.minimum(found[every, one, other], _SUREST)
            result[some.first] *= 1 / (1 + (1 - surest) / (surest * share))
            part = np.where(right, part[every, one][:, None], part)
    return result


class _Sized(NamedTuple):
    """The groups of one size."""

    size: int
    first: Any
    """The least record of each group."""
    pairs: Any
    """Which pairs are inside these groups."""
    group: Any
    """Of each pair its group, from 0."""
    row: Any
    """Of each pair the place of its lesser record in the group."""
    column: Any

    def matrices(self, values: NDArray[Any]) -> Any:
        """Give what all pairs have, as one matrix for each group."""
        result = np.zeros((len(self.first), self.size, self.size))
        own = values[self.pairs]
        result[self.group, self.row, self.column] = own
        result[self.group, self.column, self.row] = own
        return result


def _by_size(label: NDArray[np.int64], i: NDArray[Any], j: NDArray[Any]) -> Iterator[_Sized]:
    """Sort pairs inside groups by the size of their group, a limited number of groups at a time."""
    inside = np.flatnonzero(label[i] == label[j])
    if not len(inside):
        return
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(label)))
    place = np.empty(len(label), np.int64)
    place[order] = np.arange(len(label)) - np.repeat(starts, sizes)
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
            yield _Sized(
                size,
                groups[start : start + step],
                pairs,
                which[begin - low : end - low] - start,
                place[i[pairs]],
                place[j[pairs]],
            )

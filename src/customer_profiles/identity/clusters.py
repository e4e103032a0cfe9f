"""Making groups of matching pairs, such that no group holds two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTRADICTION = -1.0
_MOST = 7.0


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
    rest = np.flatnonzero(doubtful[label[i]])
    rest = rest[np.lexsort((-probability[rest], label[i[rest]]))]
    cuts = np.flatnonzero(np.diff(label[i[rest]])) + 1
    odds = np.log(np.maximum(probability, 1e-9) / np.maximum(1 - probability, 1e-9))
    value = np.where(probability >= 0.5, np.minimum(odds, _MOST), np.clip(likeness, -_MOST, 0))  # noqa: PLR2004
    for part in np.split(rest, cuts):
        if len(part):
            _split(label, i[part], j[part], value[part], int(joins[part].sum()))
    return label


def _split(label: Any, i: Any, j: Any, value: Any, joining: int) -> None:
    """Group one component anew: join the surest first, never against the sum of the evidence."""
    records, place = np.unique(np.concatenate([i, j]), return_inverse=True)
    one, other = place[: len(i)], place[len(i) :]
    between = np.zeros((len(records), len(records)))
    between[one, other] = between[other, one] = value
    of = np.arange(len(records))
    for a, b in zip(one[:joining].tolist(), other[:joining].tolist(), strict=True):
        x, y = of[a], of[b]
        if x != y and between[x, y] > 0:
            between[x] += between[y]
            between[:, x] += between[:, y]
            of[of == y] = x
    least = np.full(len(records), len(label))
    np.minimum.at(least, of, records)
    label[records] = least[of]


def confidence(
    label: NDArray[np.int64], i: NDArray[Any], j: NDArray[Any], probability: NDArray[Any]
) -> NDArray[np.float64]:
    """Give of each group, by its least record, the product of the pairs that join it best.

    These pairs are its maximum spanning tree; all groups' trees grow at the same time (Boruvka).
    """
    order = np.lexsort((j, i, -probability))
    i, j, logs = i[order], j[order], np.log(np.maximum(probability[order], 1e-12))
    total, tree = np.zeros(len(label)), np.arange(len(label))
    while len(i):
        best = np.full(len(label), len(i))
        rank = np.arange(len(i))
        np.minimum.at(best, tree[i], rank)
        np.minimum.at(best, tree[j], rank)
        chosen = np.unique(best[best < len(i)])
        np.add.at(total, label[i[chosen]], logs[chosen])
        joined = components(len(label), tree[i[chosen]], tree[j[chosen]])
        tree = joined[tree]
        apart = tree[i] != tree[j]
        i, j, logs = i[apart], j[apart], logs[apart]
    return np.exp(total)

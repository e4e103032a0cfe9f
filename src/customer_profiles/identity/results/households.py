"""Households: resolved people who share what relatives share, such as a surname and an address."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from customer_profiles.identity.matching import clusters, scoring
from customer_profiles.identity.matching.blocking import pack, unpack
from customer_profiles.identity.matching.comparing import compare
from customer_profiles.identity.matching.matcher import LARGEST

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Hashes, Rows
    from customer_profiles.identity.matching.matcher import Matcher, Scored
    from customer_profiles.identity.matching.scoring import Weights

# Below this, more people are put into a wrong household than are missed.
_TOGETHER = 0.7
_WORTH = 0.3
_CHUNK = 400_000


class Household(NamedTuple):
    """Two or more people who are related: they share a surname, an address or a phone."""

    people: tuple[tuple[Any, ...], ...]
    """The record ids of each person, in the records' order."""
    confidence: float
    """The probability that all of them are related."""


def households(
    matcher: Matcher, weights: Weights, scored: Scored, label: Rows, ids: pa.Array
) -> list[Household]:
    """Group people who are related by the model's class of related pairs, the surest first.

    Args:
        matcher: the compared records.
        weights: the model.
        scored: the pairs that blocking found.
        label: for each compared record, the number of the first record of its person.
        ids: the ids of all rows.
    """
    _, first, person = np.unique(label, return_index=True, return_inverse=True)
    count = len(first)
    a, b = person[scored.i], person[scored.j]
    home = clusters.loosely_connected(
        count, a, b, scored.related,
        least=_WORTH, largest=LARGEST, sizes=np.bincount(person, minlength=count),
    )  # fmt: skip
    # All pairs of people in one component, also those that share no blocking key.
    i, j = clusters.inside(first[home][person], LARGEST)
    apart = person[i] != person[j]
    pairs, likeness = _related(matcher, weights, person, i[apart], j[apart])
    a, b = unpack(pairs)
    prior = weights.priors()
    probability = scoring.sigmoid(likeness + prior[scoring.RELATED] - prior[scoring.CHANCE])
    home = clusters.group(count, a, b, probability, likeness, _TOGETHER)
    own = home[a] == home[b]
    confidence = clusters.confidence(home, a[own], b[own], probability[own])
    return _listed(home, person[matcher.rows.record_of], confidence, ids)


def _related(
    matcher: Matcher, weights: Weights, person: Rows, i: Rows, j: Rows
) -> tuple[Hashes, NDArray[np.float64]]:
    """Return pairs of people with the log likelihood ratio of a relation against chance.

    It is that of the most similar records of both: the others may be older, or say less.
    """
    parts = []
    for start in range(0, len(i), _CHUNK):
        part = slice(start, start + _CHUNK)
        logs = scoring.log_classes(weights, compare(matcher.comparisons, i[part], j[part]))
        parts.append((logs[scoring.RELATED] - logs[scoring.CHANCE]).astype(float))
    prior = weights.priors()
    ratio = np.concatenate([np.empty(0), *parts])
    ratio -= prior[scoring.RELATED] - prior[scoring.CHANCE]
    a, b = person[i], person[j]
    packed = pack(np.minimum(a, b), np.maximum(a, b))
    pairs, of = np.unique(packed, return_inverse=True)
    best = np.full(len(pairs), -np.inf)
    np.maximum.at(best, of, ratio)
    return pairs, best


def _listed(
    home: Rows, person: Rows, confidence: NDArray[np.float64], ids: pa.Array
) -> list[Household]:
    shared = np.bincount(home, minlength=len(home))[home] > 1
    rows = np.flatnonzero(shared[person])
    rows = rows[np.lexsort((rows, person[rows], home[person[rows]]))]
    members = zip(
        home[person[rows]].tolist(), person[rows].tolist(), ids.take(rows).to_pylist(), strict=True
    )
    found = [
        Household(
            tuple(
                tuple(record for _, _, record in records)
                for _, records in groupby(people, lambda member: member[1])
            ),
            float(confidence[number]),
        )
        for number, people in groupby(members, lambda member: member[0])
    ]
    return sorted(found, key=lambda household: -household.confidence)

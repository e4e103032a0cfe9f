"""From records to groups of records that are one person's."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from .columns.kinds import KINDS
from .columns.prepared import prepare
from .columns.reading import read
from .explaining import explain
from .index import Index, InMemory
from .matching import blocking, clusters, scoring
from .matching.comparing import compare, comparisons
from .model import Model, TermFrequencies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from .columns.kinds import Kind
    from .columns.prepared import Columns, Prepared
    from .columns.reading import Records
    from .explaining import Explanation
    from .index import Candidate
    from .matching.comparing import Comparison
    from .matching.scoring import Weights

Pairs = Any
"""uint64: of each pair the lesser record's number times 2**32, plus the greater's."""

_RANDOM_PAIRS, _FEW_RECORDS = 200_000, 1_000
_SAMPLED_PAIRS = 300_000
_CHUNK = 400_000
_SEED = 20_240_229
# A key may give four pairs a record, but not more than this many, except one for two records.
_PAIRS_A_RECORD, _MOST_PAIRS, _FEWEST_PAIRS = 4, 300_000, 50_000
_KEYS_AT_ONCE = 16
_MANY_TEXTS = 6
# Pairs less probable than this to be anything but chance are forgotten at once.
WORTH_KEEPING = 0.003
LEAST_JOINED = 0.3
LARGEST = 400
_LEAST_LIKELY = 0.5
# The second time adds little, and costs the more the more records there are.
_ROUNDS, _ROUNDS_OF_MANY, _MANY = 2, 1, 300_000


@dataclass(slots=True)
class Scored:
    """Pairs that may match, and what is thought of them."""

    pairs: Pairs
    codes: NDArray[np.uint8]
    match: NDArray[np.float32]
    related: NDArray[np.float32]

    @property
    def i(self) -> Any:
        """The lesser records."""
        return (self.pairs >> np.uint64(32)).astype(np.int64)

    @property
    def j(self) -> Any:
        """The greater records."""
        return (self.pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def pack(i: Any, j: Any) -> Pairs:
    """Make pairs of records one number each."""
    return (i.astype(np.uint64) << np.uint64(32)) | j.astype(np.uint64)


def _sample(pairs: Pairs) -> Pairs:
    if len(pairs) <= _SAMPLED_PAIRS:
        return pairs
    draw = np.random.default_rng(_SEED)
    return np.sort(draw.choice(pairs, _SAMPLED_PAIRS, replace=False))


def _some_pairs(count: int) -> Pairs:
    """Give random pairs of records, or all of them where there are few."""
    if count <= _FEW_RECORDS:
        return pack(*np.triu_indices(count, 1))
    draw = np.random.default_rng(_SEED)
    i, j = draw.integers(0, count, (2, _RANDOM_PAIRS))
    return pack(i, j)[i != j]


class Matcher:
    """Blocks, compares and scores the pairs of one set of records."""

    def __init__(self, columns: Columns, kinds: Mapping[str, Kind]) -> None:
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
            self.prepared: Prepared = prepare(columns, kinds, pool)
        self.count: int = self.prepared.count
        self.comparisons: list[Comparison] = comparisons(self.prepared)
        self._by_chance: NDArray[np.uint8] | None = None

    def candidates(self, pool: Executor) -> Pairs:
        """Find the pairs that share a key."""
        atoms = blocking.atoms(self.prepared)
        most = min(_PAIRS_A_RECORD * self.count, _MOST_PAIRS)
        budget = max(most, self.count // 2, _FEWEST_PAIRS)
        of_text = budget // max(len(self.prepared.texts) // _MANY_TEXTS, 1)
        keys = list(enumerate(self._keys(atoms, budget, pool)))

        def pairs_of(numbered: tuple[int, tuple[str, ...]]) -> Pairs:
            salt, key = numbered
            most = of_text if any(name.startswith("text ") for name in key) else budget
            hashes, rows = blocking.hashed([atoms[name] for name in key], salt)
            return blocking.pairs_of(hashes, rows, self.count, most)

        found = np.empty(0, np.uint64)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            found = blocking.union(
                [found, *pool.map(pairs_of, keys[start : start + _KEYS_AT_ONCE])]
            )
        return found

    def _keys(self, atoms: dict[str, Any], budget: int, pool: Executor) -> list[tuple[str, ...]]:
        """Choose keys: of many records only those that a part of the pairs shows to be of use."""
        keys = blocking.keys_for(atoms, self.count)
        if self.count < _MANY:
            return keys

        def some(key: tuple[str, ...]) -> Pairs:
            return blocking.some_pairs_of([atoms[name] for name in key], self.count, budget)

        pairs = _sample(blocking.union(list(pool.map(some, keys))))
        codes = self.compared(pairs, pool)
        scored = self.rescored(self._estimated(codes, 1.0, pool), pairs, codes)
        likely = scored.match >= _LEAST_LIKELY
        ends = (scored.i[likely], scored.j[likely])
        return blocking.worthwhile_keys(atoms, self.count, ends, pool) or keys

    def compared(self, pairs: Pairs, pool: Executor) -> NDArray[np.uint8]:
        """Compare pairs."""
        scored = self._by_chunks(pairs, pool, lambda codes: np.ones(len(codes), bool))
        return scored[1]

    def _by_chunks(
        self, pairs: Pairs, pool: Executor, worth: Callable[[Any], Any]
    ) -> tuple[Pairs, NDArray[np.uint8]]:
        """Compare pairs a chunk at a time, and keep those that are worth it."""

        def part(start: int) -> tuple[Pairs, NDArray[np.uint8]]:
            now = pairs[start : start + _CHUNK]
            i = (now >> np.uint64(32)).astype(np.int64)
            j = (now & np.uint64(0xFFFFFFFF)).astype(np.int64)
            codes = compare(self.comparisons, i, j)
            kept = worth(codes)
            return now[kept], codes[kept]

        parts = list(pool.map(part, range(0, max(len(pairs), 1), _CHUNK)))
        return np.concatenate([one for one, _ in parts]), np.concatenate([two for _, two in parts])

    def begin(self, pairs: Pairs, pool: Executor) -> Weights:
        """Estimate a model from random pairs and a sample of candidates."""
        sample = _sample(pairs)
        codes = self.compared(sample, pool)
        return self._estimated(codes, len(pairs) / max(len(sample), 1), pool)

    def _estimated(self, codes: NDArray[np.uint8], times: float, pool: Executor) -> Weights:
        """Estimate a model from random pairs and from pairs of which each stands for several."""
        if self._by_chance is None:
            self._by_chance = self.compared(_some_pairs(self.count), pool)
        weights = scoring.begin(self.comparisons, self._by_chance, self.count)
        patterns, counts = scoring.patterns(codes)
        scoring.estimate(weights, patterns, counts * times)
        return weights

    def score(self, weights: Weights, pairs: Pairs, pool: Executor) -> Scored:
        """Score candidates, and keep those that are more than chance."""

        def worth(codes: NDArray[np.uint8]) -> Any:
            logs = scoring.log_classes(weights, codes)
            return scoring.responsibilities(logs)[scoring.CHANCE] < 1 - WORTH_KEEPING

        kept, codes = self._by_chunks(pairs, pool, worth)
        return self.rescored(weights, kept, codes)

    def rescored(self, weights: Weights, pairs: Pairs, codes: NDArray[np.uint8]) -> Scored:
        """Score pairs that were compared before."""
        parts = scoring.responsibilities(scoring.log_classes(weights, codes))
        return Scored(pairs, codes, parts[scoring.MATCH], parts[scoring.RELATED])

    def within(
        self, weights: Weights, scored: Scored, pool: Executor, known: Sequence[Scored] = ()
    ) -> Scored:
        """Score all pairs inside the groups that pairs might make.

        Args:
            weights: the model.
            scored: the pairs that make the groups.
            pool: what compares.
            known: pairs that were compared before.
        """
        i, j = clusters.inside(self._loosely(scored), LARGEST)
        pairs = np.sort(pack(i, j))
        codes = np.empty((len(pairs), len(self.comparisons)), np.uint8, order="F")
        fresh = np.ones(len(pairs), bool)
        for one in (scored, *known):
            if len(one.pairs):
                at = np.minimum(np.searchsorted(one.pairs, pairs), len(one.pairs) - 1)
                old = fresh & (one.pairs[at] == pairs)
                codes[old] = one.codes[at[old]]
                fresh &= ~old
        codes[fresh] = self.compared(pairs[fresh], pool)
        return self.rescored(weights, pairs, codes)

    def _loosely(self, scored: Scored) -> NDArray[np.int64]:
        """Connect what might belong together; too large a component, by surer pairs only."""
        i, j, least = scored.i, scored.j, LEAST_JOINED
        joins = scored.match >= least
        while True:
            label = clusters.components(self.count, i[joins], j[joins])
            large = (np.bincount(label, minlength=self.count) > LARGEST)[label]
            weak = joins & large[i] & (scored.match < 1 - (1 - least) / 2)
            least = 1 - (1 - least) / 2
            if not large.any() or least > 1 - 1e-6:
                return label
            joins &= ~weak

    def group(self, weights: Weights, inner: Scored, threshold: float) -> NDArray[np.int64]:
        """Group the records by the pairs of at least a threshold."""
        likeness = scoring.likeness(weights, inner.codes)
        return clusters.group(self.count, inner.i, inner.j, inner.match, likeness, threshold)

    def said_by_others(self, weights: Weights, inner: Scored) -> NDArray[np.float16]:
        """Give of each pair the bits that records which surely match both add to its odds."""
        likeness = scoring.likeness(weights, inner.codes)
        return clusters.said_by_others(self.count, inner.i, inner.j, inner.match, likeness)

    def learn_from_groups(self, weights: Weights, scored: Scored, inner: Scored) -> None:
        """Estimate the model anew from likely groups.

        Pairs that are one person's only because both match a third record show how records of
        one person differ, which pairs that match by themselves cannot.
        """
        label = self.group(weights, inner, scoring.LIKELY)
        same = label[inner.i] == label[inner.j]
        match, related = scoring.seen_in_groups(inner.match, inner.related, same)
        outside = ~np.isin(scored.pairs, inner.pairs, assume_unique=True)
        expected = np.stack([
            np.concatenate([match, scored.match[outside]]),
            np.concatenate([related, scored.related[outside]]),
        ])  # fmt: skip
        scoring.update(weights, np.concatenate([inner.codes, scored.codes[outside]]), expected)


class Group(NamedTuple):
    """Records that are one person's."""

    ids: tuple[Any, ...]
    """The records' ids, as the records have them."""
    confidence: float
    """How probable it is that all are: the product over the surest pairs that join them."""


class GroupColumns(NamedTuple):
    """Groups of records as columns."""

    ids: Any
    """The records' ids, those of a group beside each other."""
    edges: NDArray[np.int64]
    """Where each group begins, and where the last one ends."""
    confidence: NDArray[np.float64]
    places: NDArray[np.int64]
    """Of each group its place in the order of first records."""


def _listed(columns: GroupColumns) -> list[Group]:
    members, edges = columns.ids.to_pylist(), pairwise(columns.edges.tolist())
    return [
        Group(tuple(members[start:end]), sure)
        for (start, end), sure in zip(edges, columns.confidence.tolist(), strict=True)
    ]


class ScoredPairs(NamedTuple):
    """Pairs of records and how probable it is that they match, as columns."""

    left: Any
    """The one record's number, from 0."""
    right: Any
    """The other record's number."""
    probability: Any


class Resolution:
    """What `resolve` found."""

    def __init__(  # noqa: PLR0913, PLR0917  (the parts of a result)
        self,
        matcher: Matcher,
        weights: Weights,
        scored: Scored,
        inner: Scored,
        ids: Any,
        columns: Columns,
        kinds: Mapping[str, Kind],
        threshold: float,
    ) -> None:
        self._matcher, self._weights, self._scored, self._inner = matcher, weights, scored, inner
        self._ids, self._columns, self._kinds = ids, columns, dict(kinds)
        self.threshold = threshold
        """The least probability of a pair that joins two records."""

    def __repr__(self) -> str:
        return (
            f"Resolution(records={self.count}, groups={len(self.groups)}, "
            f"threshold={self.threshold})"
        )

    @property
    def count(self) -> int:
        """How many records there are."""
        return self._matcher.count

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of two and more records at the threshold, the surest first."""
        return _listed(self.columns)

    @cached_property
    def columns(self) -> GroupColumns:
        """The groups as columns, for what is too much for lists."""
        return self._columns_of(self.labels)

    @cached_property
    def evidence(self) -> list[bytes]:
        """Of each group what `Model.explain_group` explains its pairs from; no values are in it."""
        with ThreadPoolExecutor(1) as aside:
            heard = aside.submit(lambda: self._said_by_others)
            label, places = self.labels, self.columns.places
            i = self._inner.i
            own = np.flatnonzero(label[i] == label[self._inner.j])
            # Pairs are in order, so each group's are in the order of its members.
            own = own[np.argsort(label[i[own]], kind="stable")]
            codes = np.ascontiguousarray(self._inner.codes[own])
            of = label[i[own]]
            edges = np.append(np.flatnonzero(np.diff(of, prepend=-1)), len(of)).tolist()
            others = heard.result()[own]
        parts = [
            codes[start:end].tobytes() + others[start:end].tobytes()
            for start, end in pairwise(edges)
        ]
        return [parts[place] for place in places.tolist()]

    @cached_property
    def _said_by_others(self) -> NDArray[np.float16]:
        return self._matcher.said_by_others(self._weights, self._inner)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Of each record the number of the first record of its group, in the records' order."""
        return self._labels(self.threshold)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Of each record the confidence of its group, in the records' order; 1 if it is alone."""
        return self._confidence(self.labels)[self.labels]

    @cached_property
    def model(self) -> Model:
        """The estimated model, to keep and to use again."""
        likely = self._inner.match >= scoring.LIKELY
        pairs = (self._inner.i[likely], self._inner.j[likely])
        prepared = self._matcher.prepared
        keys = blocking.best_keys(blocking.atoms(prepared), self.count, pairs)
        tfs = TermFrequencies.told_by(self._matcher.comparisons)
        kinds: dict[str, Kind] = {**prepared.told_kinds, **self._kinds}
        return Model(self._weights, kinds, tuple(keys), prepared.facts, tfs)

    def at(self, threshold: float) -> list[Group]:
        """Group the records anew, by pairs of at least another threshold."""
        return _listed(self._columns_of(self._labels(threshold)))

    def pairs(self, least: float = 0.01) -> ScoredPairs:
        """Give the pairs that match with at least some probability, as columns of numbers.

        A pair that says little by itself is the more probable if both records match a third one.
        """
        outside = ~np.isin(self._scored.pairs, self._inner.pairs, assume_unique=True)
        pairs = np.concatenate([self._inner.pairs, self._scored.pairs[outside]])
        inner = scoring.with_bits(self._inner.match, self._said_by_others)
        match = np.concatenate([inner, self._scored.match[outside]])
        kept = match >= least
        pairs = pairs[kept]
        left, right = pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)
        return ScoredPairs(left.astype(np.int64), right.astype(np.int64), match[kept])

    def explain(self, left: Any, right: Any) -> Explanation:
        """Say why two records, given by their ids, are thought to be one person's or not.

        Raises:
            KeyError: there is no record with such an id.
        """
        i, j = self._number(left), self._number(right)
        if i == j:
            msg = "a record cannot be compared with itself"
            raise ValueError(msg)
        low, high = min(i, j), max(i, j)
        names = (str(self._ids[low].as_py()), str(self._ids[high].as_py()))

        def values(attribute: str) -> Any:
            columns = self._matcher.prepared.columns_of(attribute)
            kept = [self._columns[name] for name in columns if name in self._columns]
            found = ([column[row].as_py() for column in kept] for row in (low, high))
            return tuple(tuple(text for text in one if text is not None) for one in found)

        pair = compare(self._matcher.comparisons, np.array([low]), np.array([high]))
        return explain(self._weights, pair[0], names, values, self._others_of(low, high))

    def find(
        self, record: Mapping[str, Any], *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find the records that may be one person's with a new record, the most probable first.

        The new record is compared by the model that these records gave, and is not kept. The
        first call makes an index, which takes some time.

        Args:
            record: the new record's values by column.
            least: the least probability.
            limit: how many at the most.

        Raises:
            ValueError: the records were resolved with keep_values=False.
        """
        index, stored = self._index
        return index.find(record, stored, least=least, limit=limit)

    @cached_property
    def _index(self) -> tuple[Index, InMemory]:
        if self.count and not self._columns:
            msg = "their values were not kept; resolve the records with keep_values=True"
            raise ValueError(msg)
        keys = blocking.lasting(self._matcher.prepared, self.model.keys)
        return Index(self.model), InMemory(self._ids, self._columns, keys)

    def plot(self, ax: Any = None) -> Any:
        """Draw how pairs score and what each threshold would merge; gives matplotlib axes."""
        from .plotting import thresholds

        return thresholds(self, ax)

    def _others_of(self, low: int, high: int) -> float:
        """Give the bits that other records add to a pair."""
        wanted = np.uint64(low << 32 | high)
        place = int(np.searchsorted(self._inner.pairs, wanted))
        known = place < len(self._inner.pairs) and self._inner.pairs[place] == wanted
        return float(self._said_by_others[place]) if known else 0.0

    def _number(self, wanted: Any) -> int:
        place = self._places.get(wanted)
        if place is None:
            msg = "there is no record with this id"
            raise KeyError(msg)
        return place

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {one: place for place, one in enumerate(self._ids.to_pylist())}

    def _labels(self, threshold: float) -> NDArray[np.int64]:
        if not 0 < threshold <= 1:
            msg = f"threshold is a probability above 0 and at most 1, not {threshold}"
            raise ValueError(msg)
        return self._matcher.group(self._weights, self._inner, threshold)

    def _confidence(self, label: NDArray[np.int64]) -> NDArray[np.float64]:
        i, j = self._inner.i, self._inner.j
        own = label[i] == label[j]
        return clusters.confidence(label, i[own], j[own], self._inner.match[own])

    def _columns_of(self, label: NDArray[np.int64]) -> GroupColumns:
        """Give the groups of two and more records, the surest first, as columns."""
        confidence = self._confidence(label)
        order = np.argsort(label, kind="stable")
        starts = np.flatnonzero(np.diff(label[order], prepend=-1))
        sizes = np.diff(np.append(starts, len(label)))
        starts, sizes = starts[sizes > 1], sizes[sizes > 1]
        sure = confidence[label[order[starts]]]
        places = np.argsort(-sure, kind="stable")
        starts, sizes = starts[places], sizes[places]
        ends = np.cumsum(sizes)
        within = np.arange(sizes.sum()) - np.repeat(ends - sizes, sizes)
        members = order[np.repeat(starts, sizes) + within]
        return GroupColumns(self._ids.take(members), np.append(0, ends), sure[places], places)


def resolve(  # noqa: PLR0913  (all but the records are seldom given)
    records: Records,
    *,
    kinds: Mapping[str, Kind] | None = None,
    id_column: str | None = None,
    threshold: float = 0.95,
    model: Model | None = None,
    keep_values: bool = True,
) -> Resolution:
    """Find the records that are one person's, without labels or training.

    Args:
        records: an iterable of mappings, a mapping of columns, or a pandas, polars or Arrow table.
        kinds: what columns hold whose names do not tell, as {"vorname": "given_name"}; a column
            may also be "ignored".
        id_column: the column of the records' ids; without it `ProfileId` or `id`, and if there is
            none, rows are numbered from 0.
        threshold: the least probability of a pair that joins two records.
        model: a model that was estimated before; without it one is estimated from these records.
        keep_values: whether explanations show the records' values; without them less memory is
            needed.

    Raises:
        ValueError: a column, kind or threshold is wrong; the message names it.
        TypeError: records are of no form that can be read.
    """
    ids, columns = read(records, id_column)
    known: dict[str, Kind] = dict(kinds or {})
    _check(known, columns, threshold)
    for name, kind in (model.kinds if model else {}).items():
        if name in columns:
            known.setdefault(name, kind)
    matcher = Matcher(columns, known)
    del records
    if not keep_values:
        columns = {}
        # What the records took goes back to the system, and is there for the pairs.
        pa.default_memory_pool().release_unused()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        weights, scored, inner = _scored(matcher, model, pool)
    return Resolution(matcher, weights, scored, inner, ids, columns, known, threshold)


def _scored(
    matcher: Matcher, model: Model | None, pool: Executor
) -> tuple[Weights, Scored, Scored]:
    candidates = matcher.candidates(pool)
    if model is not None:
        weights = model.fitted(matcher.comparisons)
        scored = matcher.score(weights, candidates, pool)
        return weights, scored, matcher.within(weights, scored, pool)
    weights = matcher.begin(candidates, pool)
    scored = matcher.score(weights, candidates, pool)
    inner = matcher.within(weights, scored, pool)
    for _ in range(_ROUNDS if matcher.count < _MANY else _ROUNDS_OF_MANY):
        matcher.learn_from_groups(weights, scored, inner)
        scored = matcher.rescored(weights, scored.pairs, scored.codes)
        inner = matcher.within(weights, scored, pool, [inner])
    return weights, scored, inner


def _check(kinds: Mapping[str, Any], columns: Columns, threshold: float) -> None:
    for name, kind in kinds.items():
        if kind not in KINDS:
            msg = f"kinds[{name!r}] is {kind!r}; a kind is one of {', '.join(KINDS)}"
            raise ValueError(msg)
        if name not in columns:
            msg = f"kinds names the column {name!r}, which the records do not have"
            raise ValueError(msg)
    if not 0 < threshold <= 1:
        msg = f"threshold is a probability above 0 and at most 1, not {threshold}"
        raise ValueError(msg)

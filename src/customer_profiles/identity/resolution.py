"""Entity resolution: from records to groups of records that belong to one person."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from .explaining import explain
from .index import Index, InMemory
from .matching import blocking, clusters, scoring
from .matching.comparing import compare
from .matching.matcher import Matcher, pack, unpack
from .model import Model, TermFrequencies
from .own.comparisons import OwnKind
from .own.definitions import Definitions
from .preparing.kinds import KINDS
from .preparing.reading import read

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from .arrays import Rows
    from .explaining import Explanation
    from .index import Candidate
    from .matching.matcher import Scored
    from .matching.scoring import Weights
    from .own.comparisons import Comparison
    from .own.definitions import Weights as FixedWeights
    from .own.keys import BlockingKey
    from .preparing.kinds import Kind
    from .preparing.prepared import Columns
    from .preparing.reading import Records


class Group(NamedTuple):
    """Records that belong to one person."""

    ids: tuple[Any, ...]
    """The records' ids, as the records have them."""
    confidence: float
    """The probability that all records belong to one person."""


class GroupColumns(NamedTuple):
    """Groups of records as columns."""

    ids: pa.Array
    """The records' ids, group by group."""
    edges: Rows
    """Where each group begins, and where the last one ends."""
    confidence: NDArray[np.float64]
    order: Rows
    """The position of each group among the groups sorted by their first record."""


class ScoredPairs(NamedTuple):
    """Pairs of records and the probability that they match, as columns."""

    left: Rows
    """The number of the pair's first record, counted from 0."""
    right: Rows
    """The number of the pair's second record."""
    probability: NDArray[np.float32]


class Resolution:
    """The result of `resolve`."""

    def __init__(  # noqa: PLR0913, PLR0917  (the parts of a result)
        self,
        matcher: Matcher,
        weights: Weights,
        scored: Scored,
        inner: Scored,
        ids: pa.Array,
        columns: Columns,
        kinds: Mapping[str, Kind],
        threshold: float,
        own: Definitions = Definitions(),  # noqa: B008  (it is frozen)
    ) -> None:
        self._matcher, self._weights, self._scored, self._inner = matcher, weights, scored, inner
        self._ids, self._columns, self._kinds, self._own = ids, columns, dict(kinds), own
        self.threshold = threshold
        """The least probability of a pair that joins two records."""

    def __repr__(self) -> str:
        return (
            f"Resolution(records={self.count}, groups={len(self.groups)}, "
            f"threshold={self.threshold})"
        )

    @property
    def count(self) -> int:
        """The number of records."""
        return self._matcher.count

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of two or more records at the threshold, the surest first."""
        return _listed(self.group_columns)

    @cached_property
    def group_columns(self) -> GroupColumns:
        """The groups as columns, for results that are too large for lists."""
        return self._columns_of(self.labels)

    @cached_property
    def evidence(self) -> list[bytes]:
        """The codes from which `Model.explain_group` explains each group, without values."""
        with ThreadPoolExecutor(1) as aside:
            pending = aside.submit(lambda: self._transitive_evidence)
            label, order = self.labels, self.group_columns.order
            i = self._inner.i
            own = np.flatnonzero(label[i] == label[self._inner.j])
            # Pairs are sorted, so each group's pairs are in the order of its members.
            own = own[np.argsort(label[i[own]], kind="stable")]
            codes = np.ascontiguousarray(self._inner.codes[own])
            group = label[i[own]]
            edges = np.append(np.flatnonzero(np.diff(group, prepend=-1)), len(group)).tolist()
            transitive = pending.result()[own]
        parts = [
            codes[start:end].tobytes() + transitive[start:end].tobytes()
            for start, end in pairwise(edges)
        ]
        return [parts[number] for number in order.tolist()]

    @cached_property
    def _transitive_evidence(self) -> NDArray[np.float16]:
        return self._matcher.transitive_evidence(self._weights, self._inner)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """For each record, the number of the first record of its group, in the records' order."""
        return self._labels(self.threshold)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """For each record, the confidence of its group, in the records' order; 1 if it is alone."""
        return self._confidence(self.labels)[self.labels]

    @cached_property
    def model(self) -> Model:
        """The estimated model, to store and to use again."""
        likely = self._inner.match >= scoring.LIKELY
        pairs = (self._inner.i[likely], self._inner.j[likely])
        prepared = self._matcher.prepared
        keys = blocking.best_keys(blocking.atoms(prepared), self.count, pairs)
        own = [(key.atom,) for key in self._own.keys]
        keys += [key for key in own if key not in keys]
        return Model(
            self._weights,
            {**prepared.detected_kinds, **self._kinds},
            tuple(keys),
            prepared.statistics,
            TermFrequencies.counted_by(self._matcher.comparisons),
            self._own,
        )

    def at(self, threshold: float) -> list[Group]:
        """Return the groups at another threshold.

        Args:
            threshold: the least probability of a pair that joins two records.

        Raises:
            ValueError: the threshold is not a probability.
        """
        return _listed(self._columns_of(self._labels(threshold)))

    def pairs(self, least: float = 0.01) -> ScoredPairs:
        """Return pairs with their probability, as columns of record numbers.

        Transitive evidence is included: records that surely match a third one match more probably.

        Args:
            least: the least probability.
        """
        outside = ~np.isin(self._scored.pairs, self._inner.pairs, assume_unique=True)
        pairs = np.concatenate([self._inner.pairs, self._scored.pairs[outside]])
        inner = scoring.with_bits(self._inner.match, self._transitive_evidence)
        match = np.concatenate([inner, self._scored.match[outside]])
        kept = match >= least
        return ScoredPairs(*unpack(pairs[kept]), match[kept])

    def explain(self, left: Hashable, right: Hashable) -> Explanation:
        """Explain why two records probably belong to one person, or not.

        Args:
            left: the id of a record.
            right: the id of another record.

        Raises:
            KeyError: there is no record with such an id.
            ValueError: both ids are the same.
        """
        i, j = self._row(left), self._row(right)
        if i == j:
            msg = "a record cannot be compared with itself"
            raise ValueError(msg)
        low, high = min(i, j), max(i, j)
        names = (str(self._ids[low].as_py()), str(self._ids[high].as_py()))

        def values(attribute: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
            columns = self._own.columns_of(attribute, self._columns)
            columns = columns or self._matcher.prepared.columns_of(attribute)
            kept = [self._columns[name] for name in columns if name in self._columns]

            def of(row: int) -> tuple[str, ...]:
                return tuple(text for column in kept if (text := column[row].as_py()) is not None)

            return of(low), of(high)

        codes = compare(self._matcher.comparisons, np.array([low]), np.array([high]))[0]
        return explain(self._weights, codes, names, values, self._transitive_bits(low, high))

    def find(
        self, record: Mapping[str, Any], *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find records that may belong to one person with a new record, the most probable first.

        The new record is compared by the model of these records, and is not stored. The first
        call builds an index, which takes longer.

        Args:
            record: the new record's values by column.
            least: the least probability.
            limit: the greatest number of candidates.

        Raises:
            ValueError: the records were resolved with keep_values=False.
        """
        index, stored = self._index
        return index.find(record, stored, least=least, limit=limit)

    @cached_property
    def _index(self) -> tuple[Index, InMemory]:
        if self.count and not self._columns:
            msg = "the records' values were not kept; call resolve() with keep_values=True"
            raise ValueError(msg)
        keys = blocking.lasting(self._matcher.prepared, self.model.keys)
        return Index(self.model), InMemory(self._ids, self._columns, keys)

    # Any: matplotlib's union type of Axes.figure has no savefig.
    def plot(self, ax: Axes | None = None) -> Any:
        """Draw the distribution of probabilities, and what each threshold would merge.

        Args:
            ax: the matplotlib axes to draw on; without them a figure is made.

        Returns:
            The axes.
        """
        from .plotting import thresholds

        return thresholds(self, ax)

    def _transitive_bits(self, low: int, high: int) -> float:
        """Return the transitive evidence of a pair, in bits."""
        wanted = pack(np.array(low), np.array(high))
        at = int(np.searchsorted(self._inner.pairs, wanted))
        known = at < len(self._inner.pairs) and self._inner.pairs[at] == wanted
        return float(self._transitive_evidence[at]) if known else 0.0

    def _row(self, record_id: Hashable) -> int:
        row = self._row_of.get(record_id)
        if row is None:
            msg = "there is no record with this id"
            raise KeyError(msg)
        return row

    @cached_property
    def _row_of(self) -> dict[Hashable, int]:
        return {record_id: row for row, record_id in enumerate(self._ids.to_pylist())}

    def _labels(self, threshold: float) -> Rows:
        _check_threshold(threshold)
        return self._matcher.group(self._weights, self._inner, threshold)

    def _confidence(self, label: Rows) -> NDArray[np.float64]:
        i, j = self._inner.i, self._inner.j
        own = label[i] == label[j]
        return clusters.confidence(label, i[own], j[own], self._inner.match[own])

    def _columns_of(self, label: Rows) -> GroupColumns:
        """Return the groups of two or more records, the surest first, as columns."""
        confidence = self._confidence(label)
        by_group = np.argsort(label, kind="stable")
        starts = np.flatnonzero(np.diff(label[by_group], prepend=-1))
        sizes = np.diff(np.append(starts, len(label)))
        starts, sizes = starts[sizes > 1], sizes[sizes > 1]
        confidence = confidence[label[by_group[starts]]]
        order = np.argsort(-confidence, kind="stable")
        starts, sizes = starts[order], sizes[order]
        ends = np.cumsum(sizes)
        within = np.arange(sizes.sum()) - np.repeat(ends - sizes, sizes)
        members = by_group[np.repeat(starts, sizes) + within]
        return GroupColumns(self._ids.take(members), np.append(0, ends), confidence[order], order)


def _listed(columns: GroupColumns) -> list[Group]:
    members, edges = columns.ids.to_pylist(), pairwise(columns.edges.tolist())
    return [
        Group(tuple(members[start:end]), confidence)
        for (start, end), confidence in zip(edges, columns.confidence.tolist(), strict=True)
    ]


def resolve(  # noqa: PLR0913  (all but the records are options)
    records: Records,
    *,
    kinds: Mapping[str, Kind | OwnKind] | None = None,
    id_column: str | None = None,
    threshold: float = 0.95,
    model: Model | None = None,
    keep_values: bool = True,
    comparisons: Sequence[Comparison] = (),
    blocking: Sequence[BlockingKey] = (),
    weights: FixedWeights | None = None,
) -> Resolution:
    """Find the records that belong to one person, without labels or training.

    Args:
        records: an iterable of mappings, a mapping of columns, or a pandas, polars or Arrow table.
        kinds: what columns hold whose names do not tell, as {"vorname": "given_name"}; a column
            may also be "ignored", or of an `OwnKind`.
        id_column: the column of the records' ids; without it `ProfileId` or `id`, and if there is
            none, rows are numbered from 0.
        threshold: the least probability of a pair that joins two records.
        model: a model that was estimated before; without it, one is estimated from these records.
        keep_values: whether to keep the records' values, which explanations show and `find`
            needs; without them less memory is used.
        comparisons: comparisons of your own, in addition to those of the recognised attributes.
        blocking: blocking keys of your own, in addition to the built-in ones: columns, tuples of
            columns, or functions of a record.
        weights: fixed probabilities m and u of levels, as
            {"birth date": {"exact": Weight(m=0.95)}}; all others are estimated.

    Raises:
        ValueError: a column, kind or threshold is wrong; the message names it.
        TypeError: the records have a form that cannot be read.
    """
    ids, columns = read(records, id_column)
    own = Definitions.of(comparisons, blocking, weights, kinds).resolved(columns)
    if model is not None:
        own = _added(model, own)
    known: dict[str, Kind] = {
        name: "text" if isinstance(kind, OwnKind) else kind for name, kind in (kinds or {}).items()
    }
    check(known, columns, threshold)
    for name, kind in (model.kinds if model else {}).items():
        if name in columns:
            known.setdefault(name, kind)
    matcher = Matcher(columns, known, own)
    del records
    if not keep_values:
        columns = {}
        # Comparing needs the memory that the records took.
        pa.default_memory_pool().release_unused()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        if model is None:
            fitted, scored, inner = matcher.estimated(pool)
        else:
            matcher.comparisons = model.adapted(matcher.comparisons)
            fitted = model.fitted(matcher.comparisons)
            scored, inner = matcher.scored(fitted, pool)
    return Resolution(matcher, fitted, scored, inner, ids, columns, known, threshold, own)


def _added(model: Model, own: Definitions) -> Definitions:
    """Return what a model was estimated with, and more blocking keys."""
    if own.comparisons or own.weights:
        msg = (
            "comparisons, weights and kinds of your own belong to a model: it was estimated with "
            "them; pass comparisons to Model.from_json"
        )
        raise ValueError(msg)
    known = {key.name for key in model.own.keys}
    more = tuple(key for key in own.keys if key.name not in known)
    return replace(model.own, keys=(*model.own.keys, *more))


def check(kinds: Mapping[str, str], columns: Collection[str], threshold: float) -> None:
    """Check the arguments of `resolve`.

    Raises:
        ValueError: one is wrong; the message names it.
    """
    for name, kind in kinds.items():
        if kind not in KINDS:
            msg = f"kinds[{name!r}] is {kind!r}; a kind is one of {', '.join(KINDS)}"
            raise ValueError(msg)
        if name not in columns:
            msg = f"kinds names the column {name!r}, which the records do not have"
            raise ValueError(msg)
    _check_threshold(threshold)


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        msg = f"threshold is a probability above 0 and at most 1, not {threshold}"
        raise ValueError(msg)

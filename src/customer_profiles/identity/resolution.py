"""Entity resolution: from records to groups of records that belong to one person."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack

import numpy as np
import pyarrow as pa

from .explaining import CERTAIN, Evidence, explain
from .index import Index, InMemory
from .matching import blocking, clusters, scoring
from .matching.blocking import locate, unpack
from .matching.comparing import compare
from .matching.known import Known
from .matching.matcher import LARGEST, Matcher
from .matching.roles import ColumnUse
from .model import Model, StoredLabel, TermFrequencies
from .own.comparisons import OwnKind
from .own.definitions import Definitions
from .preparing.classifying import check as check_kinds
from .preparing.normalize import hash_of
from .preparing.reading import read_with_id
from .results import changes, evaluation, households, verdict
from .results.expected import THRESHOLDS, Estimator
from .results.verdict import JoinedByLabels
from .review.labels import LabelError, Labels
from .review.uncertain import Question, most_informative
from .sources import ID, SOURCE, SourceRules, joined, read_sources
from .sources import check as check_sources

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from .arrays import Hashes, Mask, Rows
    from .explaining import Explanation
    from .index import Candidate
    from .matching.known import Sources
    from .matching.matcher import Scored
    from .matching.scoring import Weights
    from .own.comparisons import Comparison
    from .own.definitions import Weights as FixedWeights
    from .own.keys import BlockingKey
    from .preparing.kinds import Kind
    from .preparing.prepared import Columns
    from .preparing.reading import Records
    from .results.changes import Changes, Membership
    from .results.evaluation import Evaluation, Truth
    from .results.expected import Expectation
    from .results.households import Household
    from .results.verdict import Verdict
    from .review.labels import LabelTuple
    from .sources import Link

_THRESHOLD = 0.95
_LIKELY = 0.5


class Options(TypedDict, total=False):
    """The arguments of `resolve` that `resolve_tables` passes on."""

    kinds: Mapping[str, Kind] | None
    threshold: float | None
    precision: float | None
    model: Model | None
    keep_values: bool
    comparisons: Sequence[Comparison]
    blocking: Sequence[BlockingKey]
    weights: FixedWeights | None
    labels: Labels | Iterable[LabelTuple]
    link: Link
    unique_sources: bool | Collection[str]


class Group(NamedTuple):
    """Records that belong to one person."""

    ids: tuple[Any, ...]
    """The records' ids, as the records have them."""
    confidence: float
    """The probability that all records belong to one person."""

    @property
    def id(self) -> str:
        """A hash of the smallest record id, which is the same in each run on the same records."""
        return changes.group_id(self.ids)


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
        precision: float | None = None,
        *,
        own: Definitions = Definitions(),  # noqa: B008  (it is frozen)
        is_estimated: bool = True,
        rules: SourceRules | None = None,
        sources: Sources | None = None,
        unsure: tuple[Rows, Rows] | None = None,
        id_column: str | None = None,
    ) -> None:
        self._id_column = id_column
        self._rules, self._sources = rules, sources
        self._unsure = np.empty(0, np.uint64) if unsure is None else matcher.rows.compared(*unsure)
        self._matcher, self._weights, self._scored, self._inner = matcher, weights, scored, inner
        self._ids, self._columns, self._kinds, self._own = ids, columns, dict(kinds), own
        self.threshold = threshold
        """The least probability of a pair that joins two records."""
        self._is_estimated = is_estimated
        self.precision = precision
        """The expected precision that was asked for, if it set the threshold."""

    def __repr__(self) -> str:
        return (
            f"Resolution(records={self.count}, groups={len(self.groups)}, "
            f"threshold={self.threshold:.4g})"
        )

    @property
    def count(self) -> int:
        """The number of records."""
        return len(self._matcher.rows.record_of)

    @property
    def refusal(self) -> str | None:
        """Why nothing was matched: the columns do not identify people; None if they do."""
        return self._matcher.refusal

    @cached_property
    def columns(self) -> dict[str, ColumnUse]:
        """What each column of the records was used for, and why."""
        uses = self._matcher.uses(self._weights)
        if self._rules is not None:
            reason = "it names the sources of the records, which are not compared"
            uses[self._rules.column] = ColumnUse("ignored", "ignored", reason)
        if self._id_column is not None:
            reason = "it holds the records' ids"
            uses[self._id_column] = ColumnUse("ignored", "ignored", reason, "name")
        return uses

    @property
    def _ignored(self) -> dict[str, Kind]:
        """The kinds of the columns that the model does not compare though it could."""
        return {
            name: "ignored"
            for name in self._matcher.ignored
            if name in self._matcher.prepared.by_kind.get("text", ())
        }

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of two or more records at the threshold, the surest first."""
        return _listed(self.group_columns)

    @cached_property
    def group_columns(self) -> GroupColumns:
        """The groups as columns, for results that are too large for lists."""
        return self._columns_of(self._record_labels)

    @cached_property
    def evidence(self) -> list[bytes]:
        """The codes from which `Model.explain_group` explains each group, without values.

        They describe all pairs of a group, or if it has more than 400 records, the pairs of its
        first record.
        """
        with ThreadPoolExecutor(1) as aside:
            pending = aside.submit(lambda: self._transitive_evidence)
            label, order = self.labels, self.group_columns.order
            i, j = clusters.inside(label, LARGEST)
            rest = np.flatnonzero(np.bincount(label, minlength=len(label))[label] > LARGEST)
            rest = rest[rest != label[rest]]
            i, j = np.append(i, label[rest]), np.append(j, rest)
            by_group = np.lexsort((j, i, label[i]))
            i, j = i[by_group], j[by_group]
            pairs = self._matcher.rows.compared(i, j)
            # Labels may join more records than are compared with each other.
            at, found = locate(self._inner.pairs, pairs)
            codes = np.empty((len(pairs), self._inner.codes.shape[1]), np.uint8)
            codes[found] = self._inner.codes[at[found]]
            codes[~found] = compare(self._matcher.comparisons, *unpack(pairs[~found]))
            edges = np.append(np.flatnonzero(np.diff(label[i], prepend=-1)), len(i)).tolist()
            transitive = np.zeros(len(pairs), np.float16)
            transitive[found] = pending.result()[at[found]]
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
        return self._matcher.confidence(self._record_labels, self._inner)

    @cached_property
    def model(self) -> Model:
        """The estimated model, to store and to use again."""
        likely = self._inner.match >= scoring.LIKELY
        pairs = (self._inner.i[likely], self._inner.j[likely])
        prepared = self._matcher.prepared
        keys = blocking.best_keys(blocking.atoms(prepared), prepared.count, pairs)
        own = [(key.atom,) for key in self._own.keys]
        keys += [key for key in own if key not in keys]
        return Model(
            self._weights,
            {**prepared.kinds, **self._ignored},
            tuple(keys),
            prepared.statistics,
            TermFrequencies.counted_by(self._matcher.comparisons),
            self._own,
            self._rules,
            self._stored_labels(),
            self._matcher.chosen_keys,
        )

    def _stored_labels(self) -> tuple[StoredLabel, ...]:
        known = self._matcher.known
        if known is None:
            return ()
        left, right = (
            [hash_of(str(self._ids[row].as_py())) for row in self._rows_of(records)]
            for records in unpack(known.pairs)
        )
        codes = [row.tobytes() for row in np.ascontiguousarray(self._matcher.labelled)]
        parts = zip(left, right, known.is_match.tolist(), codes, strict=True)
        return tuple(StoredLabel(*label) for label in parts)

    @property
    def sources(self) -> list[str | None] | None:
        """The source of each record, in the records' order; None without sources."""
        if self._sources is None:
            return None
        names = (*self._sources.names, None)
        return [names[code] for code in self._sources.codes.tolist()]

    def at(self, threshold: float | None = None, *, precision: float | None = None) -> list[Group]:
        """Return the groups at another threshold.

        Args:
            threshold: the least probability of a pair that joins two records.
            precision: the expected precision of all pairs inside groups; sets the threshold.

        Raises:
            ValueError: the threshold or the precision is not a probability, or both or none is set.
        """
        check_cut(threshold, precision)
        if precision is not None:
            threshold = self._estimator.threshold_for(precision)
        return _listed(self._columns_of(self._groups(threshold or _THRESHOLD)))

    def expected(self, thresholds: Sequence[float] = THRESHOLDS) -> Expectation:
        """Estimate precision, recall and the number of people at thresholds, without labels.

        Args:
            thresholds: the thresholds; that of the result is added.

        Raises:
            ValueError: a threshold is not a probability.
        """
        for threshold in thresholds:
            check_cut(threshold, None)
        return self._estimator.expectation([*thresholds, self.threshold])

    def evaluate(self, truth: Truth) -> Evaluation:
        """Judge the groups by the truth: pairs, B-cubed, and the errors by kind.

        Records whose person is unknown (None, or not in the mapping) are left out.

        Args:
            truth: which person each record belongs to: a mapping of record ids, or a list, array or
                series in the records' order, or the name of a column of kind "ignored".

        Raises:
            ValueError: the truth does not fit the records; the message says how.
        """
        people = evaluation.people_of(truth, self._ids, self._truth_column)
        return evaluation.evaluate(
            self._matcher, self._weights, self._scored, self._inner,
            label=self.labels, people=people, threshold=self.threshold,
            ids=self._ids, explain=self.explain,
        )  # fmt: skip

    def _truth_column(self, name: str) -> pa.Array:
        if name not in self._columns:
            msg = f"truth names the column {name!r}, which the records do not have"
            if not self._columns:
                msg = "the records' values were not kept; pass the truth itself"
            raise ValueError(msg)
        if self._kinds.get(name) != "ignored":
            msg = (
                f"the truth in column {name!r} was compared; call resolve() with "
                f"kinds={{{name!r}: 'ignored'}}"
            )
            raise ValueError(msg)
        return self._columns[name]

    def membership(self, previous: Mapping[Hashable, Hashable] | None = None) -> Membership:
        """Return the group id of each record, to store and to compare the next run with.

        Args:
            previous: the group id of each record in the previous run, as this method returned it;
                groups keep the ids that they had there.

        Raises:
            ValueError: `previous` has records, but none of these.
        """
        return changes.membership(self._ids.to_pylist(), self.labels, previous)

    def changes_since(self, previous: Resolution | Mapping[Hashable, Hashable]) -> Changes:
        """Return which groups were created, have grown, were merged, and so on.

        Args:
            previous: an earlier result, or the group id of each record in it.

        Raises:
            ValueError: both have records, but none in common.
        """
        if isinstance(previous, Resolution):
            previous = previous.membership()
        return self.membership(previous).changes_since(previous)

    @cached_property
    def households(self) -> list[Household]:
        """People who are related (they share a surname, an address or a phone), the surest first.

        The people are the groups of the result and all single records.
        """
        return households.households(
            self._matcher, self._weights, self._scored, self._record_labels, self._ids
        )

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the result can be relied on, and why not; true if it can."""
        groups = self.group_columns
        sizes = np.diff(groups.edges)
        precision = self._estimator.precision_of(sizes, groups.confidence) if len(sizes) else None
        return verdict.assess(
            self._weights, self._scored, self._inner, records=self.count, threshold=self.threshold,
            asked=self.precision, precision=precision, is_estimated=self._is_estimated,
            columns=self.columns, labels=self._joined_by_labels(),
        )  # fmt: skip

    def _joined_by_labels(self) -> JoinedByLabels:
        known = self._matcher.known
        if known is None:
            return JoinedByLabels(0, ())
        pairs = known.pairs[known.is_match]
        codes = compare(self._matcher.comparisons, *unpack(pairs))
        left, right = unpack(pairs[verdict.look_like_strangers(self._weights, codes)])
        names = zip(self._rows_of(left), self._rows_of(right), strict=True)
        strangers = tuple((self._ids[i].as_py(), self._ids[j].as_py()) for i, j in names)
        return JoinedByLabels(len(pairs), strangers)

    @cached_property
    def _estimator(self) -> Estimator:
        return Estimator(self._matcher, self._weights, self._scored, self._inner)

    def pairs(self, least: float = 0.01) -> ScoredPairs:
        """Return pairs with their probability, as columns of record numbers.

        Transitive evidence is included: records that surely match a third one match more probably.
        Of more than 20 records that are equal in all that is compared, only the first one has pairs
        with the others and with different records.

        Args:
            least: the least probability.
        """
        outside = ~np.isin(self._scored.pairs, self._inner.pairs, assume_unique=True)
        pairs = np.concatenate([self._inner.pairs, self._scored.pairs[outside]])
        inner = scoring.with_bits(self._inner.match, self._transitive_evidence)
        match = np.concatenate([inner, self._scored.match[outside]])
        kept = match >= least
        if self._matcher.known is not None:
            kept &= self._matcher.known.may_join(pairs)
        pairs, match = self._matcher.rows.pairs(pairs[kept], match[kept])
        return ScoredPairs(*unpack(pairs), match)

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

        packed = self._matcher.rows.compared(np.array([low]), np.array([high]))
        codes = compare(self._matcher.comparisons, *unpack(packed))
        found = explain(self._weights, codes[0], names, values, self._transitive_bits(packed))
        if certain := self._certain(packed):
            return replace(found, evidence=(*found.evidence, certain))
        not_compared = self._matcher.why_not_compared(self._weights, codes, packed, self._scored)
        return replace(found, not_compared=not_compared)

    def _certain(self, pair: Hashes) -> Evidence | None:
        """Return the evidence of labels and sources, which no other evidence outweighs."""
        known = self._matcher.known
        verdict = 0 if known is None else int(known.verdicts(pair)[0])
        if known is None or not verdict:
            return None
        if verdict < 0 and not known.separated(pair)[0]:
            return Evidence("source", "no duplicates within", -CERTAIN)
        return Evidence("label", "match" if verdict > 0 else "no match", verdict * CERTAIN)

    def record(self, record_id: Hashable) -> dict[str, str | None]:
        """Return the values of a record by column, as they were compared.

        Args:
            record_id: the id of the record.

        Raises:
            KeyError: there is no record with this id.
            ValueError: the records were resolved with keep_values=False.
        """
        self._check_values()
        row = self._row(record_id)
        return {name: column[row].as_py() for name, column in self._columns.items()}

    def uncertain(self, count: int = 50) -> list[Question]:
        """Return the pairs whose labels would teach most, the most informative first.

        They are uncertain, similar to many other uncertain pairs, and different from one another;
        no record is in two of them. Label them, and pass all labels to `resolve`.

        Args:
            count: the greatest number of pairs.
        """
        known, scored = self._matcher.known, self._scored
        pairs = np.union1d(scored.pairs, self._inner.pairs)
        inner = np.isin(pairs, self._inner.pairs, assume_unique=True)
        codes = np.empty((len(pairs), len(self._weights.attributes)), np.uint8, order="F")
        match = np.empty(len(pairs), np.float32)
        at = np.searchsorted(pairs, scored.pairs)
        codes[at], match[at] = scored.codes, scored.match
        codes[inner] = self._inner.codes
        match[inner] = scoring.with_bits(self._inner.match, self._transitive_evidence)
        if known is not None:
            match[(known.verdicts(pairs) != 0) | ~known.may_join(pairs)] = 0
        match[np.isin(pairs, self._unsure)] = 0
        i, j = unpack(pairs)
        label = self._groups(_LIKELY)
        chosen, information = most_informative(
            self._weights, codes, match, (label[i], label[j]), self._matcher.labelled, count
        )
        return [
            Question(self._ids[left].as_py(), self._ids[right].as_py(), probability, bits)
            for left, right, probability, bits in zip(
                self._rows_of(i[chosen]),
                self._rows_of(j[chosen]),
                match[chosen].tolist(),
                information.tolist(),
                strict=True,
            )
        ]

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
        self._check_values()
        row_of = self._matcher.rows.row_of
        lasting = blocking.lasting(self._matcher.prepared, self.model.keys)
        keys = ((hashes, row_of[records]) for hashes, records in lasting)
        return Index(self.model), InMemory(self._ids, self._columns, keys)

    def _check_values(self) -> None:
        if self.count and not self._columns:
            msg = "the records' values were not kept; call resolve() with keep_values=True"
            raise ValueError(msg)

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

    def _transitive_bits(self, pair: Hashes) -> float:
        """Return the transitive evidence of a pair, in bits."""
        at, found = locate(self._inner.pairs, pair)
        return float(self._transitive_evidence[at[0]]) if found[0] else 0.0

    def _rows_of(self, records: Rows) -> list[int]:
        """Return the rows of records that were compared."""
        rows: list[int] = self._matcher.rows.row_of[records].tolist()
        return rows

    def _row(self, record_id: Hashable) -> int:
        row = self._row_of.get(record_id)
        if row is None:
            msg = "there is no record with this id"
            types = [type(value).__name__ for value in (next(iter(self._row_of), None), record_id)]
            if self.count and types[0] != types[1]:
                msg += f": ids of these records are {types[0]}, and this is {types[1]}"
            raise KeyError(msg)
        return row

    @cached_property
    def _row_of(self) -> dict[Hashable, int]:
        return {record_id: row for row, record_id in enumerate(self._ids.to_pylist())}

    def _labels(self, threshold: float) -> Rows:
        return self._matcher.rows.labels(self._groups(threshold))

    @cached_property
    def _record_labels(self) -> Rows:
        return self._groups(self.threshold)

    def _groups(self, threshold: float) -> Rows:
        """Return the first record of the group of each record that was compared."""
        _check_threshold(threshold)
        return self._matcher.group(self._weights, self._inner, threshold)

    def _columns_of(self, groups: Rows) -> GroupColumns:
        """Return the groups of two or more records, the surest first, as columns."""
        label = self._matcher.rows.labels(groups)
        confidence = self._matcher.confidence(groups, self._inner)
        by_group = np.argsort(label, kind="stable")
        starts = np.flatnonzero(np.diff(label[by_group], prepend=-1))
        sizes = np.diff(np.append(starts, len(label)))
        starts, sizes = starts[sizes > 1], sizes[sizes > 1]
        confidence = confidence[by_group[starts]]
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
    threshold: float | None = None,
    model: Model | None = None,
    keep_values: bool = True,
    comparisons: Sequence[Comparison] = (),
    blocking: Sequence[BlockingKey] = (),
    weights: FixedWeights | None = None,
    precision: float | None = None,
    labels: Labels | Iterable[LabelTuple] = (),
    source: str | None = None,
    link: Link = "link_and_dedupe",
    unique_sources: bool | Collection[str] = False,
) -> Resolution:
    """Find the records that belong to one person, without labels or training.

    Args:
        records: an iterable of mappings, a mapping of columns, or a pandas, polars or Arrow table.
        kinds: what columns hold, as {"c": "given_name"}, where `columns` is wrong about them; a
            column may also be "ignored", or of an `OwnKind`.
        id_column: the column of the records' ids; without it `ProfileId` or `id`, and if there is
            none, rows are numbered from 0.
        threshold: the least probability of a pair that joins two records; default: 0.95.
        model: a model that was estimated before; without it, one is estimated from these records.
        keep_values: whether to keep the records' values, which explanations show and `find`
            needs; without them less memory is used.
        comparisons: comparisons of your own, in addition to those of the recognised attributes.
        blocking: blocking keys of your own, in addition to the built-in ones: columns, tuples of
            columns, or functions of a record.
        weights: fixed probabilities m and u of levels, as
            {"birth date": {"exact": Weight(m=0.95)}}; all others are estimated.
        precision: in place of a threshold, the expected precision of all pairs inside groups.
        labels: pairs that people labelled, as tuples of two ids and whether both are one person.
            They teach the model, and they are links: groups never contradict them.
        source: the column of the records' sources, such as "crm" and "shop".
        link: "link_and_dedupe", or "link_only" for pairs of different sources only.
        unique_sources: the sources in which no person has two records, or True if all are such; a
            group has at most one record of each.

    Warns:
        UserWarning: birth dates are after today or before 1900; the message names the column.

    Raises:
        ValueError: a column, kind, threshold, label or source is wrong; the message names it.
        TypeError: the records have a form that cannot be read.
    """
    id_column, ids, columns = read_with_id(records, id_column)
    own = Definitions.of(comparisons, blocking, weights, kinds).resolved(columns)
    if model is not None:
        own = _added(model, own)
    known: dict[str, Kind] = {
        name: "text" if isinstance(kind, OwnKind) else kind for name, kind in (kinds or {}).items()
    }
    check(known, columns, _THRESHOLD if threshold is None else threshold)
    check_cut(threshold, precision, default=True)
    check_sources(source, link, unique_sources)
    for name, kind in (model.kinds if model else {}).items():
        if name in columns:
            known.setdefault(name, kind)
    stored = None if source is not None or model is None else model.sources
    if stored is not None and stored.column in columns:
        source, link, unique_sources = stored
    rules, sources = read_sources(columns, source, link, unique_sources)
    known |= {} if source is None else {source: "ignored"}
    every_label = _labels(labels, model, ids)
    unsure = every_label.unsure_rows(ids)
    matcher = Matcher(columns, known, own, _known(ids, every_label.rows(ids), sources), model=model)
    for warning in matcher.prepared.warnings:
        warnings.warn(warning, stacklevel=2)
    if matcher.refusal:
        warnings.warn(matcher.refusal, stacklevel=2)
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
    if precision is not None:
        threshold = Estimator(matcher, fitted, scored, inner).threshold_for(precision)
    return Resolution(
        matcher, fitted, scored, inner, ids, columns, known, threshold or _THRESHOLD, precision,
        own=own, is_estimated=model is None, rules=rules, sources=sources, unsure=unsure,
        id_column=id_column,
    )  # fmt: skip


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


def resolve_tables(
    tables: Mapping[str, Records], *, id_column: str | None = None, **options: Unpack[Options]
) -> Resolution:
    """Find the records of several tables that belong to one person.

    The ids of the result begin with the table's name, as in "crm/17".

    Args:
        tables: the tables by the names of their sources.
        id_column: the column of the ids in each table, as in `resolve`.
        options: more arguments of `resolve`.

    Raises:
        ValueError: a table, column, kind, threshold, label or source is wrong.
        TypeError: the tables are no mapping, or one has a form that cannot be read.
    """
    return resolve(joined(tables, id_column), id_column=ID, source=SOURCE, **options)


def _labels(labels: Labels | Iterable[LabelTuple], model: Model | None, ids: pa.Array) -> Labels:
    """Return the labels of a model whose records are there, and new ones, which replace them."""
    fresh = Labels.of(labels)
    if model is None or not model.labels:
        return fresh
    wanted = {number for label in model.labels for number in label[:2]}
    texts = ids.cast(pa.string()).to_pylist()
    text_of = {number: text for text in texts if (number := hash_of(text)) in wanted}
    stored = [label for label in model.labels if {*label[:2]} <= text_of.keys()]
    known = Labels((text_of[label.left], text_of[label.right], label.match) for label in stored)
    for label in fresh:
        known.add(*label)
    return known


def _known(ids: pa.Array, labels: tuple[Rows, Rows, Mask], sources: Sources | None) -> Known | None:
    """Return what is known of pairs, if anything is.

    Raises:
        LabelError: labels join two records of a source that has no duplicates.
    """
    if not len(labels[0]) and sources is None:
        return None
    labelled = np.unique(np.concatenate(labels[:2])).tolist()
    labelled.sort(key=lambda row: str(ids[row].as_py()))
    known = Known(len(ids), labels, sources, labelled)
    if (clash := known.clash()) is not None and sources is not None:
        left, right = (ids[row].as_py() for row in clash)
        name = sources.names[int(sources.codes[clash[0]])]
        msg = (
            f"labels join {left!r} and {right!r}, two records of the source {name!r}, in which "
            f"nobody has two; correct the labels or leave {name!r} out of unique_sources"
        )
        raise LabelError(msg)
    return known


def check(kinds: Mapping[str, str], columns: Collection[str], threshold: float) -> None:
    """Check the arguments of `resolve`.

    Raises:
        ValueError: one is wrong; the message names it.
    """
    check_kinds(kinds, columns)
    _check_threshold(threshold)


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        msg = f"threshold is a probability above 0 and at most 1, not {threshold}"
        raise ValueError(msg)


def check_cut(threshold: float | None, precision: float | None, *, default: bool = False) -> None:
    """Check a threshold or a precision.

    Raises:
        ValueError: it is not a probability, both are set, or none is and there is no default.
    """
    if threshold is not None and precision is not None:
        msg = "set threshold or precision, not both: precision chooses the threshold"
        raise ValueError(msg)
    if threshold is not None:
        _check_threshold(threshold)
    elif precision is None and not default:
        msg = "set threshold or precision"
        raise ValueError(msg)
    if precision is not None and not 0 < precision < 1:
        msg = f"precision is above 0 and below 1, not {precision}"
        raise ValueError(msg)

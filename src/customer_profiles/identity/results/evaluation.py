"""Judging groups by the truth: precision and recall, and the errors by kind."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from customer_profiles.identity.matching import clusters, scoring
from customer_profiles.identity.matching.blocking import locate, unpack
from customer_profiles.identity.matching.comparing import compare
from customer_profiles.identity.matching.levels import EXACT, MISSING
from customer_profiles.identity.matching.matcher import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Integers, Levels, Rows
    from customer_profiles.identity.explaining import Explanation
    from customer_profiles.identity.matching.matcher import Matcher, Scored
    from customer_profiles.identity.matching.scoring import Weights

    Truth: TypeAlias = str | Mapping[Any, object] | Iterable[object]
    """Who is who: a column, a mapping of record ids, or values in the records' order."""

ErrorKind: TypeAlias = Literal[
    "same values", "related", "strangers", "never compared", "scored low", "cut by clustering"
]
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
_SAME, _RELATED, _STRANGERS, _NEVER, _LOW, _CUT = range(len(ERROR_KINDS))
_MEANING: dict[ErrorKind, str] = {
    "same values": "merged, but two people: nothing that was compared differs",
    "related": "merged, but two people who share what relatives share",
    "strangers": "merged, but two people who have nothing in common but these values",
    "never compared": "one person, but no blocking key found the pair",
    "scored low": "one person, but the pair's probability is below the threshold",
    "cut by clustering": "one person and a probable pair, but other pairs of the group contradict",
}
_CHUNK = 400_000
# Less than a bit against a match is no reason.
_SAYS_MUCH = -np.log(2)


class Score(NamedTuple):
    """Precision and recall."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def __str__(self) -> str:
        return f"precision {self.precision:.3f}, recall {self.recall:.3f}, F1 {self.f1:.3f}"


@dataclass(frozen=True, slots=True, eq=False)
class PairError:
    """Two records that are in one group but not of one person, or the reverse."""

    left: Any
    """The id of the one record."""
    right: Any
    """The id of the other record."""
    kind: ErrorKind
    probability: float | None
    """The pair's probability; None if it was not compared or almost certainly does not match."""
    attribute: str | None
    """The attribute that says most against a match; None if none says much."""
    _explain: Callable[[Hashable, Hashable], Explanation]

    def __repr__(self) -> str:
        return f"PairError({self.left!r}, {self.right!r}, {self.kind!r})"

    def __str__(self) -> str:
        parts = [f"{self.left} and {self.right}"]
        if self.probability is not None:
            parts.append(f"{self.probability:.1%} one person")
        if self.attribute is not None:
            parts.append(f"{self.attribute} differs")
        return ", ".join(parts)

    def explain(self) -> Explanation:
        """Explain the pair's probability, attribute by attribute."""
        return self._explain(self.left, self.right)


class Scores(NamedTuple):
    """How two groupings of the same records agree."""

    pairs: Score
    """Precision and recall of pairs of records."""
    cubed: Score
    """B-cubed precision and recall."""
    false_pairs: int
    """The number of pairs of one group that are not of one person."""
    missed_pairs: int
    """The number of pairs of one person that are not of one group."""


class _Errors(NamedTuple):
    """Errors as columns."""

    i: Rows
    j: Rows
    kind: NDArray[np.int64]
    probability: NDArray[np.float64]
    """The probability; NaN where it is not known."""
    attribute: NDArray[np.int64]
    """The attribute that says most against a match; -1 if none says much."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How good groups are, judged by the truth."""

    threshold: float
    """The threshold of the groups."""
    records: int
    """The number of records whose person is known; all others are left out."""
    people: int
    """The number of their people."""
    groups: int
    """The number of people that the groups make of these records."""
    pairs: Score
    """Precision and recall of pairs of records."""
    cubed: Score
    """B-cubed precision and recall: the mean over records of their groups' and people's share."""
    false_pairs: int
    """The number of pairs that are in one group but not of one person."""
    missed_pairs: int
    """The number of pairs of one person that are in no group together."""
    _errors: _Errors
    _ids: pa.Array
    _attributes: tuple[str, ...]
    _explain: Callable[[Hashable, Hashable], Explanation]

    def __repr__(self) -> str:
        return f"Evaluation(threshold={self.threshold}, pairs={self.pairs}, cubed={self.cubed})"

    @property
    def counts(self) -> dict[ErrorKind, int]:
        """The number of errors of each kind.

        Pairs of people with more than 400 records are not listed as errors.
        """
        counts = np.bincount(self._errors.kind, minlength=len(ERROR_KINDS)).tolist()
        return dict(zip(ERROR_KINDS, counts, strict=True))

    def errors(self, kind: ErrorKind | None = None, limit: int | None = None) -> list[PairError]:
        """Return errors, the most probable pairs first.

        Args:
            kind: the kind of the errors; without it, errors of all kinds.
            limit: the greatest number of errors.

        Raises:
            ValueError: there is no such kind.
        """
        if kind is not None and kind not in ERROR_KINDS:
            msg = f"kind is one of {', '.join(ERROR_KINDS)}, not {kind!r}"
            raise ValueError(msg)
        found = self._errors
        rows = np.arange(len(found.kind))
        if kind is not None:
            rows = np.flatnonzero(found.kind == ERROR_KINDS.index(kind))
        rows = rows[np.lexsort((-np.nan_to_num(found.probability[rows], nan=-1), found.kind[rows]))]
        return [self._error(row) for row in rows[:limit].tolist()]

    def _error(self, row: int) -> PairError:
        found = self._errors
        probability, attribute = float(found.probability[row]), int(found.attribute[row])
        return PairError(
            self._ids[int(found.i[row])].as_py(),
            self._ids[int(found.j[row])].as_py(),
            ERROR_KINDS[int(found.kind[row])],
            None if np.isnan(probability) else probability,
            None if attribute < 0 else self._attributes[attribute],
            self._explain,
        )

    def text(self, most: int = 3) -> str:
        """Return the evaluation as lines of text.

        Args:
            most: the greatest number of errors of each kind to show, by their record ids.
        """
        lines = [
            f"{self.records:,} records of {self.people:,} people; {self.groups:,} people found",
            f"pairs: {self.pairs}",
            f"B-cubed: {self.cubed}",
            f"false pairs: {self.false_pairs:,}; missed pairs: {self.missed_pairs:,}",
        ]
        for kind, count in self.counts.items():
            if not count:
                continue
            lines.append(f"{kind}: {count:,} ({_MEANING[kind]})")
            if kind == "scored low":
                lines += self._reasons()
            lines += [f"  {error}" for error in self.errors(kind, most)]
        return "\n".join(lines)

    def _reasons(self) -> Iterator[str]:
        """Yield how many pairs were scored low because of each attribute."""
        low = self._errors.attribute[self._errors.kind == _LOW]
        for attribute, count in Counter(low.tolist()).most_common():
            name = f"{self._attributes[attribute]} differs" if attribute >= 0 else "little agrees"
            yield f"  {name}: {count:,}"

    def __str__(self) -> str:
        return self.text()


def people_of(truth: Truth, ids: pa.Array, column: Callable[[str], pa.Array]) -> Rows:
    """Return the number of each record's person, -1 if unknown.

    Args:
        truth: the column of the people, a mapping of record ids, or values in the records' order.
        ids: the records' ids.
        column: returns a column of the records by its name.

    Raises:
        ValueError: the truth does not fit the records.
    """
    if isinstance(truth, str):
        values = column(truth).to_pylist()
    elif isinstance(truth, Mapping):
        values = [truth.get(record) for record in ids.to_pylist()]
        if len(ids) and all(value is None for value in values):
            msg = "truth names the person of none of these records; its keys are record ids"
            raise ValueError(msg)
    else:
        values = _listed(truth)
        if len(values) != len(ids):
            msg = f"truth has {len(values)} values, but there are {len(ids)} records"
            raise ValueError(msg)
    known = [None if value is None or value != value else value for value in values]  # noqa: PLR0124  (NaN)
    numbers: dict[object, int] = {}
    people = [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in known]
    if ids and not numbers:
        msg = "truth names no person"
        raise ValueError(msg)
    return np.array(people, np.int64)


def _listed(truth: Iterable[object]) -> list[object]:
    # Values of numpy and pandas are converted, so that missing ones are recognised.
    for name in ("to_pylist", "tolist"):
        if (convert := getattr(truth, name, None)) is not None:
            return list(convert())
    return list(truth)


def evaluate(  # noqa: PLR0913  (the parts of a result)
    matcher: Matcher,
    weights: Weights,
    scored: Scored,
    inner: Scored,
    *,
    label: Rows,
    people: Rows,
    threshold: float,
    ids: pa.Array,
    explain: Callable[[Hashable, Hashable], Explanation],
) -> Evaluation:
    """Judge groups by the truth.

    Args:
        matcher: the compared records.
        weights: the model.
        scored: the pairs that blocking found.
        inner: all pairs inside possible groups.
        label: the number of each record's group.
        people: the number of each record's person, -1 if unknown.
        threshold: the threshold of the groups.
        ids: the records' ids.
        explain: explains a pair of record ids.
    """
    rows = np.flatnonzero(people >= 0)
    group, person = (np.unique(part[rows], return_inverse=True)[1] for part in (label, people))
    parts = (
        _false(matcher, weights, inner, *_apart(group, person, rows)),
        _missed(matcher, weights, scored, inner, threshold, *_apart(person, group, rows)),
    )
    errors = _Errors(
        np.concatenate([part.i for part in parts]),
        np.concatenate([part.j for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.attribute for part in parts]),
    )
    return Evaluation(
        threshold,
        len(rows),
        int(person.max(initial=-1)) + 1,
        int(group.max(initial=-1)) + 1,
        *scores(group, person),
        errors,
        ids,
        tuple(comparison.name for comparison in matcher.comparisons),
        explain,
    )


def scores(group: Integers, person: Integers) -> Scores:
    """Judge groups by people.

    Args:
        group: the number of each record's group, counted from 0 without gaps.
        person: the number of each record's person, counted in the same way.
    """
    packed = group.astype(np.int64) * (int(person.max(initial=0)) + 1) + person
    _, cell, shared = np.unique(packed, return_inverse=True, return_counts=True)
    groups, people = np.bincount(group), np.bincount(person)
    merged, true, both = _pairs(groups), _pairs(people), _pairs(shared)
    parts = [(shared[cell] / sizes).sum() for sizes in (groups[group], people[person])]
    return Scores(
        Score(both / merged if merged else 1.0, both / true if true else 1.0),
        Score(*(float(part) / len(group) if len(group) else 1.0 for part in parts)),
        int(merged - both),
        int(true - both),
    )


def _pairs(counts: Integers) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _apart(together: Rows, apart: Rows, rows: Rows) -> tuple[Rows, Rows]:
    """Return pairs of rows that are together in one grouping but not in the other."""
    # `inside` wants the lowest row of each group as its number.
    first = np.unique(together, return_index=True)[1]
    i, j = clusters.inside(first[together], LARGEST)
    wrong = apart[i] != apart[j]
    return rows[i[wrong]], rows[j[wrong]]


def _false(matcher: Matcher, weights: Weights, inner: Scored, i: Rows, j: Rows) -> _Errors:
    kind, attribute = np.empty(len(i), np.int64), np.empty(len(i), np.int64)
    for part in _chunks(len(i)):
        codes = compare(matcher.comparisons, *unpack(matcher.rows.compared(i[part], j[part])))
        classes = scoring.log_classes(weights, codes)
        related = classes[scoring.RELATED] > classes[scoring.CHANCE]
        differs = np.zeros(len(codes), bool)
        for column, comparison in enumerate(matcher.comparisons):
            level = comparison.level_of[codes[:, column]]
            differs |= (level != MISSING) & (level != EXACT)
        kind[part] = np.where(~differs, _SAME, np.where(related, _RELATED, _STRANGERS))
        attribute[part] = np.where(differs, _against(weights, codes), -1)
    return _Errors(i, j, kind, _probability(inner, matcher, i, j), attribute)


def _missed(  # noqa: PLR0913, PLR0917  (the parts of a result)
    matcher: Matcher,
    weights: Weights,
    scored: Scored,
    inner: Scored,
    threshold: float,
    i: Rows,
    j: Rows,
) -> _Errors:
    probability = _probability(inner, matcher, i, j)
    rest = np.isnan(probability)
    probability[rest] = _probability(scored, matcher, i[rest], j[rest])
    kind = np.full(len(i), _LOW)
    kind[probability >= threshold] = _CUT
    unknown = np.flatnonzero(np.isnan(probability))
    if len(unknown):
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
            candidates = matcher.candidates(pool)
        compared = np.isin(matcher.rows.compared(i[unknown], j[unknown]), candidates)
        kind[unknown[~compared]] = _NEVER
    attribute = np.full(len(i), -1)
    low = np.flatnonzero(kind == _LOW)
    for part in _chunks(len(low)):
        pairs = low[part]
        records = unpack(matcher.rows.compared(i[pairs], j[pairs]))
        attribute[pairs] = _against(weights, compare(matcher.comparisons, *records))
    return _Errors(i, j, kind, probability, attribute)


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, _CHUNK):
        yield slice(start, start + _CHUNK)


def _probability(known: Scored, matcher: Matcher, i: Rows, j: Rows) -> NDArray[np.float64]:
    """Return the probability of pairs, NaN where it is not known."""
    result = np.full(len(i), np.nan)
    at, found = locate(known.pairs, matcher.rows.compared(i, j))
    result[found] = known.match[at[found]]
    return result


def _against(weights: Weights, codes: Levels) -> NDArray[np.int64]:
    """Return the attribute that says most against a match of each pair, -1 if none says much."""
    evidence: Sequence[Floats] = [
        (logs[scoring.MATCH] - np.maximum(logs[scoring.RELATED], logs[scoring.CHANCE]))[code]
        for logs, code in zip(weights.logs(), codes.T, strict=True)
    ]
    if not evidence:
        return np.full(len(codes), -1)
    table = np.stack(evidence)
    return np.where(table.min(axis=0) < _SAYS_MUCH, table.argmin(axis=0), -1)

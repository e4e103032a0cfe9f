"""Blocking, comparing, scoring and grouping the pairs of one set of records."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_profiles.identity.preparing.canonical import in_canonical_order
from customer_profiles.identity.preparing.companies import is_company_column
from customer_profiles.identity.preparing.prepared import prepare

from . import blocking, clusters, estimation, roles, scoring
from .blocking import locate, pack, unpack
from .comparing import compare, comparisons
from .contents import repeated
from .copies import nothing_identifies, without_copies
from .known import known_patterns, teach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Hashes, Integers, Levels, Mask, Rows
    from customer_profiles.identity.model import Model
    from customer_profiles.identity.own.definitions import Definitions
    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.prepared import Columns, Prepared

    from .blocking import Key
    from .comparing import Comparison
    from .contents import Content
    from .copies import RowMap
    from .known import Known, Verdicts
    from .roles import ColumnUse
    from .scoring import Weights

_RANDOM_PAIRS, _FEW_RECORDS = 200_000, 1_000
_SAMPLED_PAIRS = 300_000
CHUNK = 131_072
_SEED = 20_240_229
_KEYS_AT_ONCE = 16
_MANY_ATTRIBUTES = 30
# Pairs that are chance with at least 1 - this probability are dropped at once.
WORTH_KEEPING = 0.003
LEAST_JOINED = 0.3
LARGEST = 400
_LEAST_LIKELY = 0.1
# A second round improves little, and its cost grows with the number of records.
_ROUNDS, _ROUNDS_OF_MANY, _MANY = 2, 1, 300_000


@dataclass(slots=True)
class Scored:
    """Pairs that may match, with their codes and probabilities."""

    pairs: Hashes
    """Packed pairs, in ascending order."""
    codes: Levels
    match: NDArray[np.float32]
    related: NDArray[np.float32]

    @property
    def i(self) -> Rows:
        """The lower row of each pair."""
        return unpack(self.pairs)[0]

    @property
    def j(self) -> Rows:
        """The higher row of each pair."""
        return unpack(self.pairs)[1]


def _sample(pairs: Hashes, most: int = _SAMPLED_PAIRS) -> Hashes:
    if len(pairs) <= most:
        return pairs
    draw = np.random.default_rng(_SEED)
    return np.sort(draw.choice(pairs, most, replace=False))


def _random_pairs(count: int) -> Hashes:
    """Return random pairs of records, or all pairs of few records."""
    if count <= _FEW_RECORDS:
        return pack(*np.triu_indices(count, 1))
    draw = np.random.default_rng(_SEED)
    i, j = draw.integers(0, count, (2, _RANDOM_PAIRS))
    apart: Mask = i != j
    return pack(i, j)[apart]


def _left_out(columns: Columns, prepared: Prepared) -> dict[str, str]:
    """Return why columns are not compared, whatever the records' values tell."""
    compared = set(chain.from_iterable(prepared.by_kind.values()))
    reasons = {}
    for name, column in columns.items():
        if column.null_count == len(column):
            reasons[name] = "it has no values"
        elif name not in compared:
            reasons[name] = prepared.columns[name].reason
        elif name in prepared.by_kind.get("text", ()) and name not in prepared.texts:
            reasons[name] = "it has one value only"
    return reasons


def _refusal(prepared: Prepared) -> str | None:
    """Describe why records cannot be matched, if nothing that they hold identifies a person."""
    columns = [name for names in prepared.by_kind.values() for name in names]
    if prepared.count < 2 or not nothing_identifies(prepared):  # noqa: PLR2004  (a pair)
        return None
    return (
        f"no record is matched, because the columns that are compared ({', '.join(columns)}) do "
        "not identify people; add full names, birth dates, e-mail addresses, phone numbers or "
        "customer numbers, or name the kind of such a column with kinds={column: kind}"
    )


class Matcher:
    """Blocks, compares, scores and groups the pairs of one set of records."""

    def __init__(
        self,
        columns: Columns,
        kinds: Mapping[str, Kind],
        own: Definitions | None = None,
        known: Known | None = None,
        *,
        model: Model | None = None,
    ) -> None:
        """Prepare the records.

        Args:
            columns: the records.
            kinds: what columns hold, by name.
            own: the user's definitions.
            known: what is known of pairs of rows.
            model: the model to score pairs by; without it, one is estimated from the records.
        """
        self._names = [*columns]
        classes = None if known is None else known.classes
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
            sorted_columns, order = in_canonical_order(columns, pool, classes)
            every = prepare(sorted_columns, kinds, pool)
        copies = {} if model else repeated(sorted_columns, every)
        del sorted_columns
        self.prepared: Prepared
        self.rows: RowMap
        # Rows that are equal otherwise may differ in what a user compares.
        self.prepared, self.rows = without_copies(every, order, classes, keep_all=bool(own))
        self.count: int = self.prepared.count
        self.ignored: dict[str, str] = _left_out(columns, self.prepared)
        """Why columns are not compared, by name."""
        self._declared = frozenset((*kinds, *(own.weights if own else ())))
        self._ignore(copies)
        implied_by = model.implied_by if model else None
        self.comparisons: list[Comparison] = comparisons(self.prepared, implied_by)
        self.chosen_keys: tuple[Key, ...] = model.chosen_keys if model else ()
        """The blocking keys that were chosen for many records; empty if all are used."""
        self._own_columns: set[str] = set()
        self._pairs_of_rules: Callable[[], Hashes] | None = None
        if own:
            columns = {name: column.take(pa.array(order)) for name, column in columns.items()}
            self._own_columns = {
                name for comparison in own.comparisons for name in comparison.columns
            }
            own.add_keys(self.prepared, columns)
            self.comparisons = own.applied(self.comparisons, columns)
            if own.splink:
                self._pairs_of_rules = partial(own.splink.candidates, columns)
        is_own = bool(own) or not self.comparisons
        self.refusal: str | None = None if is_own else _refusal(self.prepared)
        """Why nothing is matched: the columns do not identify people."""
        self._is_sole = not own and len(self.comparisons) == 1
        self.known: Known | None = None if known is None else known.of_records(self.rows)
        """What is known of pairs of compared records."""
        self._shift = 0.0 if self.known is None else self.known.shift
        self._random_codes: Levels | None = None
        self._compared_before: list[tuple[Hashes, Levels]] = []
        """Samples of the pairs that keys find, with their codes."""
        self._used_keys: list[Key] = []

    def estimated(self, pool: Executor) -> tuple[Weights, Scored, Scored]:
        """Estimate a model from the records.

        Returns:
            The model, the pairs that blocking found, and all pairs inside possible groups.
        """
        candidates = self.candidates(pool)
        if self._is_sole:
            weights = estimation.sole(self.comparisons[0], self.count)
            scored = self._scored(weights, candidates, pool)
            inner = self._within(weights, scored, pool)
            return self._taught(weights, candidates, scored, inner, pool)
        sample = _sample(candidates, self._few(_SAMPLED_PAIRS))
        times = len(candidates) / max(len(sample), 1)
        weights = self._estimated(sample, self._sampled(sample, pool), times, pool)
        self._ignore(roles.unrelated(weights, self._contents), weights)
        scored = self._scored(weights, candidates, pool)
        inner = self._within(weights, scored, pool)
        for _ in range(_ROUNDS if self.count < _MANY else _ROUNDS_OF_MANY):
            before = [replace(attribute) for attribute in weights.attributes]
            self._learn_from_groups(weights, scored, inner)
            if not estimation.is_sound(weights):
                weights.attributes[:] = before
                break
            scored = self._rescored(weights, scored.pairs, scored.codes)
            inner = self._within(weights, scored, pool, [inner])
        return self._taught(weights, candidates, scored, inner, pool)

    def _taught(
        self, weights: Weights, candidates: Hashes, scored: Scored, inner: Scored, pool: Executor
    ) -> tuple[Weights, Scored, Scored]:
        """Correct the estimated model by labels, and score the pairs again."""
        weights.rates[scoring.MATCH] *= np.exp(self._shift)
        self._shift = 0.0
        if self.known is not None and len(self.known.pairs):
            teach(weights, self.labelled, self.known.is_match)
            scored = self._scored(weights, candidates, pool)
            inner = self._within(weights, scored, pool, [inner])
        return weights, scored, inner

    def uses(self, weights: Weights) -> dict[str, ColumnUse]:
        """Describe what each column is used for."""
        found = roles.uses(self.prepared, weights, self._contents, self.ignored, self._own_columns)
        return {name: found[name] for name in self._names}

    @property
    def _contents(self) -> dict[str, Content]:
        """What columns of unknown meaning contain."""
        return {
            comparison.name: comparison.content
            for comparison in self.comparisons
            if comparison.content is not None
        }

    def _ignore(self, reasons: Mapping[str, str], weights: Weights | None = None) -> None:
        """Stop comparing columns of unknown meaning, unless their kinds are declared."""
        # Columns of companies also tell companies from people.
        dropped = {
            name: why
            for name, why in reasons.items()
            if name not in self._declared and not is_company_column(name)
        }
        self.ignored |= dropped
        for name in dropped:
            del self.prepared.texts[name]
        if weights is None:
            return
        kept = [
            n for n, comparison in enumerate(self.comparisons) if comparison.name not in dropped
        ]
        self.comparisons = [self.comparisons[n] for n in kept]
        weights.attributes[:] = [weights.attributes[n] for n in kept]
        self._compared_before = [(pairs, codes.T[kept].T) for pairs, codes in self._compared_before]
        if self._random_codes is not None:
            self._random_codes = self._random_codes[:, kept]
            estimation.allow_for_overlaps(weights.attributes, self._random_codes)

    def scored(self, weights: Weights, pool: Executor) -> tuple[Scored, Scored]:
        """Score the records' pairs by a model.

        Returns:
            The pairs that blocking found, and all pairs inside possible groups.
        """
        self._shift = 0.0
        scored = self._scored(weights, self.candidates(pool), pool)
        return scored, self._within(weights, scored, pool)

    def group(self, weights: Weights, inner: Scored, threshold: float) -> Rows:
        """Group the records by pairs of at least a threshold; return each group's lowest row."""
        i, j, match, likeness, verdicts = self._evidence(weights, inner)
        label = clusters.group(self.count, i, j, match, likeness, threshold, verdicts)
        return label if self.known is None else self.known.joined(label)

    def confidence(self, groups: Rows, inner: Scored) -> NDArray[np.float64]:
        """Return the confidence of the group of each row of the table; 1 if it is alone.

        Args:
            groups: the group of each compared record, as `group` returns it.
            inner: all pairs inside possible groups.
        """
        own = groups[inner.i] == groups[inner.j]
        i, j = unpack(inner.pairs[own])
        found = clusters.confidence(groups, i, j, inner.match[own])
        # Copies of a row are not compared, but grouped as the row is.
        return self.rows.spread(groups, found[groups])

    def transitive_evidence(self, weights: Weights, inner: Scored) -> NDArray[np.float16]:
        """Return the bits that records which surely match both add to each pair's odds."""
        bits = clusters.transitive_evidence(self.count, *self._evidence(weights, inner))
        return bits if self.known is None else bits * self.known.may_join(inner.pairs)

    def _evidence(
        self, weights: Weights, inner: Scored
    ) -> tuple[Rows, Rows, Floats, Floats, Verdicts | None]:
        """Return what clustering knows of pairs."""
        likeness, match, verdicts = scoring.likeness(weights, inner.codes), inner.match, None
        if self.known is not None:
            verdicts = self.known.verdicts(inner.pairs)
            match = np.where(self.known.may_join(inner.pairs), match, 0)
        return inner.i, inner.j, match, likeness, verdicts

    @property
    def labelled(self) -> Levels:
        """The codes of the labelled pairs."""
        pairs = np.empty(0, np.uint64) if self.known is None else self.known.pairs
        return compare(self.comparisons, *unpack(pairs))

    def why_not_compared(  # noqa: PLR0911  (one for each reason)
        self, weights: Weights, codes: Levels, pair: Hashes, scored: Scored
    ) -> str | None:
        """Return why blocking left a pair out; None if the pair was compared.

        Args:
            weights: the model.
            codes: the pair's codes, of shape (1, attributes).
            pair: the packed pair.
            scored: the pairs that were compared and kept.
        """
        if self.refusal:
            return "the columns do not identify people"
        if self.known is not None and not self.known.may_join(pair)[0]:
            return "the records are of one source, and only those of different sources are linked"
        if np.isin(pair, scored.pairs)[0]:
            return None
        if np.isin(unpack(pair), self.rows.ambiguous).any():
            return "many other records equal one of them, which does not identify a person"
        atoms = blocking.atoms(self.prepared.take(np.concatenate(unpack(pair))))
        share_key = any(
            blocking.share([atoms[name] for name in key])
            for key in self._used_keys
            if atoms.keys() >= set(key)
        )
        if not share_key:
            return "the records share no blocking key"
        chance = scoring.responsibilities(scoring.log_classes(weights, codes))[scoring.CHANCE]
        if chance[0] >= 1 - WORTH_KEEPING:
            return None
        return "the records share only blocking keys that too many records have"

    def candidates(self, pool: Executor) -> Hashes:
        """Find the pairs that share a blocking key, and those that labels name."""
        if self._pairs_of_rules:
            found = self._pairs_of_rules()
        elif self.refusal:
            found = np.empty(0, np.uint64)
        else:
            found = self._pairs_of_keys(pool)
        return found if self.known is None else self.known.candidates(found)

    def _pairs_of_keys(self, pool: Executor) -> Hashes:
        atoms = blocking.atoms(self.prepared)
        if len(self.rows.ambiguous):
            kept = np.ones(self.count, bool)
            kept[self.rows.ambiguous] = False
            atoms = {name: np.where(kept, atom.T, -1).T for name, atom in atoms.items()}
        budget, of_text = blocking.budgets(self.count, len(self.prepared.texts))
        self._used_keys = self._keys(atoms, budget, pool)
        keys = list(enumerate(self._used_keys))

        def pairs_of(numbered: tuple[int, tuple[str, ...]]) -> Hashes:
            salt, key = numbered
            most = of_text if any(name.startswith("text ") for name in key) else budget
            hashes, rows = blocking.hashed([atoms[name] for name in key], salt)
            return blocking.pairs_of(hashes, rows, self.count, most)

        found = np.empty(0, np.uint64)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            found = blocking.union(
                [found, *pool.map(pairs_of, keys[start : start + _KEYS_AT_ONCE])]
            )
        names = self.prepared.names
        if names is not None and names.is_company.any():
            # A company is none of its people.
            i, j = unpack(found)
            found = found[names.is_company[i] == names.is_company[j]]
        return found

    def _keys(
        self, atoms: dict[str, Integers], budget: int, pool: Executor
    ) -> list[tuple[str, ...]]:
        """Choose the blocking keys: of many records only those that a sample shows to be useful."""
        keys = blocking.keys_for(atoms, self.count)
        if self.count <= blocking.ALL_KEYS:
            return keys
        if self.chosen_keys:
            return blocking.chosen(keys, self.chosen_keys)

        first = list({key[0] for key in keys})
        drawn = pool.map(lambda name: blocking.sampled_rows(atoms[name], self.count), first)
        rows = dict(zip(first, drawn, strict=True))

        def sampled(key: tuple[str, ...]) -> Hashes:
            of_key = [atoms[name] for name in key]
            return blocking.sampled_pairs_of(of_key, rows[key[0]], self.count, budget)

        found = dict(zip(keys, pool.map(sampled, keys), strict=True))
        sizes = {key: len(pairs) for key, pairs in found.items()}
        pairs = _sample(blocking.union([*found.values()]))
        del found
        codes = self._sampled(pairs, pool)
        scored = self._rescored(self._estimated(pairs, codes, 1.0, pool), pairs, codes)
        likely = scored.match >= _LEAST_LIKELY
        matches = (scored.i[likely], scored.j[likely])
        chosen = blocking.worthwhile_keys(atoms, self.count, matches, sizes, pool) or keys
        self.chosen_keys = (*chosen,)
        return blocking.chosen(keys, self.chosen_keys)

    def _few(self, pairs: int) -> int:
        """Return the number of pairs to estimate from: fewer if there are many attributes."""
        return pairs * _MANY_ATTRIBUTES // max(len(self.comparisons), _MANY_ATTRIBUTES)

    def _sampled(self, sample: Hashes, pool: Executor) -> Levels:
        """Compare a sample of the pairs, and keep the codes until all pairs are compared."""
        codes = self._compared(sample, pool, self._compared_before)
        self._compared_before.append((sample, codes))
        return codes

    def _compared(
        self, pairs: Hashes, pool: Executor, sources: Sequence[tuple[Hashes, Levels]] = ()
    ) -> Levels:
        """Return the codes of pairs; those that no source has are compared."""
        return self._by_chunks(pairs, pool, lambda _, codes: np.ones(len(codes), bool), sources)[1]

    def _codes(self, pairs: Hashes, sources: Sequence[tuple[Hashes, Levels]]) -> Levels:
        """Return the codes of pairs; those that no source has are compared.

        Args:
            pairs: the pairs.
            sources: pairs in ascending order, with their codes.
        """
        codes = np.empty((len(pairs), len(self.comparisons)), np.uint8, order="F")
        fresh = np.ones(len(pairs), bool)
        for known, known_codes in sources:
            at, found = locate(known, pairs)
            found &= fresh
            codes[found] = known_codes[at[found]]
            fresh &= ~found
        if fresh.any():
            codes[fresh] = compare(self.comparisons, *unpack(pairs[fresh]))
        return codes

    def _by_chunks(
        self,
        pairs: Hashes,
        pool: Executor,
        keep: Callable[[Hashes, Levels], Mask],
        sources: Sequence[tuple[Hashes, Levels]] = (),
    ) -> tuple[Hashes, Levels]:
        """Compare pairs in chunks, and return the chosen pairs with their codes."""

        def compared(start: int) -> tuple[Hashes, Levels]:
            chunk = pairs[start : start + CHUNK]
            codes = self._codes(chunk, sources)
            kept = keep(chunk, codes)
            # The codes of an attribute stay next to each other.
            return chunk[kept], codes.T[:, kept].T

        parts = list(pool.map(compared, range(0, max(len(pairs), 1), CHUNK)))
        kept, codes = zip(*parts, strict=True)
        return np.concatenate(kept), np.concatenate(codes)

    def _estimated(self, pairs: Hashes, codes: Levels, times: float, pool: Executor) -> Weights:
        """Estimate a model from random pairs and from a sample of `1 / times` of the candidates."""
        if self._random_codes is None:
            random = _random_pairs(self.count)
            self._random_codes = self._compared(_sample(random, self._few(len(random))), pool)
        weights = estimation.begin(self.comparisons, self._random_codes, self.count)
        if self.known is not None:
            estimation.estimate(
                weights, *known_patterns(self.known, pairs, codes, times, self.labelled)
            )
            return weights
        patterns, counts = scoring.patterns(codes)
        estimation.estimate(weights, patterns, counts * times)
        return weights

    def _scored(self, weights: Weights, pairs: Hashes, pool: Executor) -> Scored:
        """Compare and score pairs, and keep those that are not almost certainly chance."""

        def keep(pairs: Hashes, codes: Levels) -> Mask:
            parts = self._responsibilities(weights, pairs, codes)
            worth: Mask = parts[scoring.CHANCE] < 1 - WORTH_KEEPING
            return worth

        kept, codes = self._by_chunks(pairs, pool, keep, self._compared_before)
        self._compared_before.clear()
        return self._rescored(weights, kept, codes)

    def _responsibilities(
        self, weights: Weights, pairs: Hashes, codes: Levels
    ) -> NDArray[np.float32]:
        """Return the probability of each class, with what is known of the pairs."""
        logs = scoring.log_classes(weights, codes)
        if self.known is not None:
            logs += self.known.log_evidence(self.known.verdicts(pairs), self._shift)
        return scoring.responsibilities(logs)

    def _rescored(self, weights: Weights, pairs: Hashes, codes: Levels) -> Scored:
        """Score pairs whose codes are known."""
        parts = self._responsibilities(weights, pairs, codes)
        return Scored(pairs, codes, parts[scoring.MATCH], parts[scoring.RELATED])

    def _within(
        self, weights: Weights, scored: Scored, pool: Executor, known: Sequence[Scored] = ()
    ) -> Scored:
        """Score all pairs inside possible groups.

        Args:
            weights: the model.
            scored: the pairs that make the groups.
            pool: runs the comparisons.
            known: more pairs whose codes are known.
        """
        connected = clusters.loosely_connected(
            self.count, scored.i, scored.j, scored.match, least=LEAST_JOINED, largest=LARGEST
        )
        i, j = clusters.inside(connected, LARGEST)
        pairs = np.sort(pack(i, j))
        sources = [(source.pairs, source.codes) for source in (scored, *known)]
        codes = self._compared(pairs, pool, sources)
        inner = self._rescored(weights, pairs, codes)
        if self.known is not None:
            inner.match = self.known.shared(inner.pairs, inner.match)
            inner.related = np.minimum(inner.related, 1 - inner.match)
        return inner

    def _learn_from_groups(self, weights: Weights, scored: Scored, inner: Scored) -> None:
        """Estimate the model again from likely groups.

        Pairs that belong to one person only because both match a third record show how records of
        one person differ, which pairs that match by themselves cannot show.
        """
        label = self.group(weights, inner, scoring.LIKELY)
        same = label[inner.i] == label[inner.j]
        match, related = scoring.seen_in_groups(inner.match, inner.related, same)
        outside = ~np.isin(scored.pairs, inner.pairs, assume_unique=True)
        expected = np.stack([
            np.concatenate([match, scored.match[outside]]),
            np.concatenate([related, scored.related[outside]]),
        ])  # fmt: skip
        estimation.update(weights, np.concatenate([inner.codes, scored.codes[outside]]), expected)

"""Pairs of records on Spark: found, compared, scored and grouped in Arrow batches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching import blocking, clusters, estimation, scoring
from customer_profiles.identity.matching.blocking import unpack
from customer_profiles.identity.matching.comparing import comparisons
from customer_profiles.identity.matching.matcher import CHUNK, LARGEST, LEAST_JOINED, WORTH_KEEPING
from customer_profiles.identity.model import TermFrequencies
from customer_profiles.identity.preparing.normalize import DatasetStatistics, hashes_of, look_up

from .records import AMBIGUOUS, ROW, each_batch, partitions, use_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyspark.sql import DataFrame

    from customer_profiles.identity.arrays import (
        Floats,
        Hashes,
        Integers,
        Levels,
        Mask,
        Rows,
        Texts,
    )
    from customer_profiles.identity.matching.blocking import Key
    from customer_profiles.identity.matching.scoring import Weights
    from customer_profiles.identity.model import Model

    from .records import Classes, Table

ENDS = ("left", "right")
COMPONENT, PAIR, CODES = "component", "pair", "codes"
_SAME = "same"
_PER_CELL = 25_000
"""Records are compared in cells: all pairs between two ranges of so many records."""
_MOST_PARTITIONS = 2_000
_SCORES = ("match", "chance", "likeness")
_PAIRS = pa.schema([(PAIR, pa.int64())])
_COMPARED = pa.schema([*((end, pa.int64()) for end in ENDS), (CODES, pa.binary())])
_SCORED = pa.schema([*_COMPARED, *((name, pa.float32()) for name in _SCORES)])


# Blocking


class _Blocks(NamedTuple):
    """The records that share a value of a key, block after block."""

    members: Hashes
    starts: Rows
    sizes: Integers
    key: Integers
    """The number of each block's key."""


def candidates(table: Table, keys: Sequence[Key], texts: int) -> DataFrame:
    """Return the pairs that share a key, as `Matcher.candidates` finds them; some repeatedly.

    Args:
        table: the records.
        keys: the blocking keys.
        texts: the number of columns of text.
    """
    from pyspark.sql import functions as sf

    hashed = _keys(table, keys)
    kind = pa.schema([("key", pa.int64()), ("size", pa.int64()), ("count", pa.int64())])

    def sizes(blocks: _Blocks) -> pa.Table:
        found = np.stack([blocks.key, blocks.sizes])
        distinct, counts = np.unique(found, axis=1, return_counts=True)
        return pa.table([*distinct, counts], schema=kind)

    histogram = _each_partition(hashed, kind, sizes).groupBy("key", "size")
    counted = histogram.agg(sf.sum("count").alias("count")).toArrow()
    of_key, size, count = (counted[name].to_numpy() for name in kind.names)
    budget, of_text = blocking.budgets(table.count, texts)
    largest = np.zeros(len(keys), np.int64)
    for number, key in enumerate(keys):
        own = of_key == number
        counts = np.bincount(size[own], count[own]).astype(np.int64)
        most = of_text if any(name.startswith("text ") for name in key) else budget
        largest[number] = blocking.largest_block(counts, most)

    def pairs(blocks: _Blocks) -> pa.Table:
        kept = blocks.sizes <= largest[blocks.key]
        found = blocking.pairs_inside(blocks.members, blocks.starts[kept], blocks.sizes[kept])
        return pa.table([blocking.union([found]).view(np.int64)], schema=_PAIRS)

    return _each_partition(hashed, _PAIRS, pairs)


def _as_hashed(codes: Integers, texts: Texts) -> Integers:
    """Return the hash of each record's text, as `blocking.as_hashed` does, but faster."""
    hashes = hashes_of(pa.array(texts, pa.string())) >> np.uint64(2)
    return look_up(hashes.astype(np.int64), codes)


def _keys(table: Table, keys: Sequence[Key]) -> DataFrame:
    """Return the hashes of each record's keys; equal hashes are in one partition."""
    schema = pa.schema([("key", pa.int32()), ("hash", pa.int64()), (ROW, pa.int64())])
    reader = table.reader

    def hashes(batch: pa.RecordBatch) -> pa.Table:
        found = blocking.atoms(reader.prepared(batch), _as_hashed)
        rows = batch.column(ROW).to_numpy()
        parts = [pa.table([[], [], []], schema=schema)]
        for number, key in enumerate(keys):
            if found.keys() >= set(key):
                values, of = blocking.hashed([found[name] for name in key], number)
                numbers = np.full(len(of), number, np.int32)
                parts.append(pa.table([numbers, values.view(np.int64), rows[of]], schema=schema))
        return pa.concat_tables(parts)

    frame = table.frame.where(f"NOT {AMBIGUOUS}")
    parts = partitions(frame, table.count)
    return each_batch(frame, schema, hashes).repartition(parts, "hash").checkpoint()


def _each_partition(
    hashed: DataFrame, schema: pa.Schema, compute: Callable[[_Blocks], pa.Table]
) -> DataFrame:
    """Return the tables that are computed from the blocks of each partition."""
    from pyspark.sql.pandas.types import from_arrow_schema

    def compute_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if parts := [batch for batch in batches if batch.num_rows]:
            yield from compute(_blocks(pa.Table.from_batches(parts))).to_batches(CHUNK)

    return hashed.mapInArrow(compute_batches, from_arrow_schema(schema))


def _blocks(table: pa.Table) -> _Blocks:
    key, values, rows = (table[name].to_numpy() for name in ("key", "hash", ROW))
    order = np.lexsort((rows, values))
    key, values, rows = key[order], values[order], rows[order]
    # A record may have a value twice.
    kept = np.append(True, (values[1:] != values[:-1]) | (rows[1:] != rows[:-1]))
    key, values, rows = key[kept], values[kept], rows[kept]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    sizes = np.diff(np.append(starts, len(values)))
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    return _Blocks(rows.astype(np.uint64), starts, sizes, key[starts].astype(np.int64))


# Comparing and scoring


def compared(  # noqa: PLR0913  (what is compared, and how)
    table: Table,
    pairs: DataFrame,
    model: Model,
    classes: Classes,
    *,
    scores: bool = True,
    every: bool = False,
) -> DataFrame:
    """Compare pairs, all those between two ranges of records at a time.

    Args:
        table: the records.
        pairs: packed pairs of their numbers, which may be repeated.
        model: what to compare and score by.
        classes: the term-frequency classes of all records.
        scores: whether to score the pairs.
        every: whether to keep pairs inside possible groups: companies beside people, and those
            that are almost certainly chance.
    """
    from pyspark.sql import functions as sf
    from pyspark.sql.pandas.types import from_arrow_schema

    reader, schema = table.reader, _SCORED if scores else _COMPARED
    # Workers do not need what a model stores to compare single records.
    model = replace(model, term_frequencies=TermFrequencies(), statistics=DatasetStatistics())
    width = len(model.weights.attributes)

    def compute(pairs: pa.Table, records: pa.Table) -> pa.Table:
        parts = [schema.empty_table()]
        if not len(pairs):
            return parts[0]
        records = records.sort_by(ROW)
        rows, prepared = records[ROW].to_numpy(), reader.prepared(records)
        found = comparisons(prepared, model.implied_by)
        use_classes(found, classes)
        of_name = {comparison.name: comparison for comparison in model.adapted(found)}
        packed = blocking.union([pairs[PAIR].to_numpy().view(np.uint64)])
        i, j = (np.searchsorted(rows, end) for end in unpack(packed))
        if not every and prepared.names is not None:
            # A company is none of its people.
            own = prepared.names.is_company[i] == prepared.names.is_company[j]
            i, j = i[own], j[own]
        for start in range(0, len(i), CHUNK):
            a, b = i[start : start + CHUNK], j[start : start + CHUNK]
            codes = np.zeros((len(a), width), np.uint8)
            for column, attribute in enumerate(model.weights.attributes):
                if attribute.name in of_name:
                    codes[:, column] = of_name[attribute.name].codes(a, b)
            columns = [rows[a], rows[b], _binary(codes)]
            parts.append(_scored(model.weights, columns, codes, every=every)
                         if scores else pa.table(columns, schema=schema))  # fmt: skip
        return pa.concat_tables(parts)

    ranges = max(-(-table.rows // _PER_CELL), 1)
    left, right = f"shiftright({PAIR}, 32)", f"({PAIR} & {0xFFFFFFFF})"
    cell = f"({left} div {_PER_CELL}) * {ranges} + ({right} div {_PER_CELL}) AS cell"
    own = f"{ROW} div {_PER_CELL}"
    of_row = f"x -> least(x, {own}) * {ranges} + greatest(x, {own})"
    every_cell = sf.expr(f"explode(transform(sequence(0L, {ranges - 1}L), {of_row}))").alias("cell")
    parts = max(partitions(pairs, 0), min(ranges * (ranges + 1) // 2, _MOST_PARTITIONS))
    sides = (pairs.selectExpr(PAIR, cell), table.frame.select("*", every_cell))
    left_side, right_side = (side.repartition(parts, "cell").groupBy("cell") for side in sides)
    compared = left_side.cogroup(right_side).applyInArrow(compute, from_arrow_schema(schema))
    return compared.checkpoint()


def _binary(codes: Levels) -> pa.Array:
    count, width = codes.shape
    edges = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(np.ascontiguousarray(codes))]
    return pa.Array.from_buffers(pa.binary(), count, buffers)


def _codes(column: pa.Array | pa.ChunkedArray, weights: Weights) -> Levels:
    codes = np.frombuffer(b"".join(column.to_pylist()), np.uint8)
    return codes.reshape(len(column), len(weights.attributes))


def _scored(
    weights: Weights, columns: Sequence[pa.Array], codes: Levels, *, every: bool
) -> pa.Table:
    """Score pairs, and keep those that are not almost certainly chance, or every one."""
    parts = scoring.responsibilities(scoring.log_classes(weights, codes))
    chance = parts[scoring.CHANCE]
    scores = [parts[scoring.MATCH], chance, scoring.likeness(weights, codes)]
    result = pa.table([*columns, *scores], schema=_SCORED)
    worth: Mask = chance < 1 - WORTH_KEEPING
    return result if every else result.filter(pa.array(worth))


def rescored(weights: Weights, pairs: DataFrame, *, every: bool = False) -> DataFrame:
    """Score compared pairs by other weights, and keep those that are worth it, or every one."""

    def compute(batch: pa.RecordBatch) -> pa.Table:
        codes = _codes(batch.column(CODES), weights)
        columns = [batch.column(name) for name in _COMPARED.names]
        return _scored(weights, columns, codes, every=every)

    return each_batch(pairs, _SCORED, compute).checkpoint()


def patterns(weights: Weights, pairs: DataFrame, *more: str) -> tuple[Levels, Floats, pa.Table]:
    """Count pairs by their codes, and by more columns.

    Returns:
        The distinct rows of codes, their counts, and the table with the other columns.
    """
    table = pairs.groupBy(CODES, *more).count().toArrow()
    return _codes(table[CODES], weights), table["count"].to_numpy().astype(float), table


def learn_from_groups(weights: Weights, pairs: DataFrame, inner: DataFrame) -> None:
    """Estimate the model again from likely groups, as `Matcher` does.

    Args:
        weights: the model, changed in place.
        pairs: the scored pairs that blocking found.
        inner: all scored pairs inside possible groups.
    """
    joined = grouped(inner, scoring.LIKELY)
    joined = joined.selectExpr(*ENDS, f"left_group = right_group AS {_SAME}")
    inside = inner.join(joined, [*ENDS]).select(CODES, _SAME)
    outside = pairs.join(inner, [*ENDS], "left_anti").selectExpr(CODES, "NULL")
    codes, counts, table = patterns(weights, inside.union(outside), _SAME)
    match, related, _ = scoring.responsibilities(scoring.log_classes(weights, codes))
    same = table[_SAME].fill_null(False).to_numpy()  # noqa: FBT003  (Arrow's signature)
    revised = scoring.seen_in_groups(match, related, same)
    known = table[_SAME].is_valid().to_numpy()
    expected = np.where(known, np.stack(revised), np.stack([match, related])) * counts
    estimation.update(weights, codes, expected)


# Groups


def inside_groups(pairs: DataFrame) -> DataFrame:
    """Return all pairs inside possible groups, packed, and the component of each record."""
    from pyspark.sql import functions as sf

    connected = possible_groups(pairs)
    size = connected.groupBy(COMPONENT).count().where(sf.col("count").between(2, LARGEST))
    kept = connected.join(size.select(COMPONENT), COMPONENT)
    left, right = (kept.select(COMPONENT, sf.col(ROW).alias(end)) for end in ENDS)
    return left.join(right, COMPONENT).where("left < right").select(*ENDS, COMPONENT).checkpoint()


def packed(pairs: DataFrame) -> DataFrame:
    """Return pairs of numbers of records as one number each, as `blocking.pack` does."""
    return pairs.selectExpr(f"shiftleft(`left`, 32) | `right` AS {PAIR}")


def possible_groups(pairs: DataFrame) -> DataFrame:
    """Connect what may belong together; components that are too large by surer pairs only.

    Returns:
        The records that any pair connects, and the lowest number of each one's component.
    """
    from pyspark.sql import functions as sf

    edges, least = pairs.where(sf.col("match") >= _single(LEAST_JOINED)), LEAST_JOINED
    while True:
        connected = _components(edges)
        least = 1 - (1 - least) / 2
        size = connected.groupBy(COMPONENT).count().where(sf.col("count") > LARGEST)
        if least > 1 - clusters.LEAST_DOUBT or size.isEmpty():
            return connected
        large = connected.join(size, COMPONENT).select(sf.col(ROW).alias("left"))
        weak = edges.join(large, "left").where(sf.col("match") < _single(least))
        edges = edges.join(weak.select(*ENDS), [*ENDS], "left_anti").checkpoint()


def _single(number: float) -> float:
    """Return a number as probabilities are stored, in single precision."""
    return float(np.float32(number))


def _components(edges: DataFrame) -> DataFrame:
    """Lower the label of each record to that of its neighbours, and to its label's own label."""
    from pyspark.sql import functions as sf

    # A record is its own neighbour.
    ends = edges.selectExpr("array(left, right) AS ends")
    both = ends.selectExpr("ends", f"explode(ends) AS {ROW}").selectExpr(
        ROW, "explode(ends) AS other"
    )
    label = both.groupBy(ROW).agg(sf.min("other").alias(COMPONENT)).checkpoint()
    while True:
        nearest = both.join(label.selectExpr(f"{ROW} AS other", COMPONENT), "other")
        lower = nearest.groupBy(ROW).agg(sf.min(COMPONENT).alias(COMPONENT)).checkpoint()
        roots = lower.selectExpr(f"{ROW} AS {COMPONENT}", f"{COMPONENT} AS root")
        shorter = lower.join(roots, COMPONENT).selectExpr(ROW, f"root AS {COMPONENT}").checkpoint()
        if shorter.exceptAll(label).isEmpty():
            return label
        label = shorter


_GROUPED = pa.schema([
    *((name, pa.int64()) for name in (*ENDS, "left_group", "right_group")),
    ("probability", pa.float32()),
])  # fmt: skip


def grouped(inner: DataFrame, threshold: float) -> DataFrame:
    """Group the records of each component, and add transitive evidence to the pairs.

    Returns:
        Pairs with `left_group`, `right_group` and `probability`.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    def group(table: pa.Table) -> pa.Table:
        table = table.sort_by([(end, "ascending") for end in ENDS])
        ends = [table[name].to_numpy() for name in ENDS]
        rows, numbers = np.unique(np.concatenate(ends), return_inverse=True)
        i, j = np.split(numbers, 2)
        match, likeness = (table[name].to_numpy() for name in ("match", "likeness"))
        label = clusters.group(len(rows), i, j, match, likeness, threshold)
        bits = clusters.transitive_evidence(len(rows), i, j, match, likeness)
        found = scoring.with_bits(match, bits)
        return pa.table([*ends, rows[label[i]], rows[label[j]], found], schema=_GROUPED)

    columns = inner.select(*ENDS, COMPONENT, "match", "likeness")
    return columns.groupBy(COMPONENT).applyInArrow(group, from_arrow_schema(_GROUPED))

"""Pairs of records on Spark: comparing, scoring and grouping them in Arrow batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching import clusters, estimation, scoring
from customer_profiles.identity.matching.matcher import LARGEST, LEAST_JOINED, WORTH_KEEPING
from customer_profiles.identity.single.compare import Scorer

from .records import ID, RECORD, record_of, with_columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from customer_profiles.identity.arrays import Floats, Levels
    from customer_profiles.identity.matching.scoring import Weights
    from customer_profiles.identity.model import Model

ENDS = ("left", "right")
COMPONENT, _CODES, _SAME = "component", "codes", "same"


def sharing(records: DataFrame, column: str, most: int) -> DataFrame:
    """Return the pairs of records that share a value, unless more than `most` records have it."""
    from pyspark.sql import functions as sf

    size = records.groupBy(column).count().where(sf.col("count").between(2, most))
    kept = records.select(ID, column).join(size.select(column), column)
    left, right = (kept.select(column, sf.col(ID).alias(end)) for end in ENDS)
    return left.join(right, column).where("left < right")


def compared(model: Model, normal: DataFrame, pairs: DataFrame) -> DataFrame:
    """Compare pairs, and add the bytes of their codes as a column.

    Args:
        model: the attributes to compare by, and the term frequencies.
        normal: the normalised records.
        pairs: the ids of the pairs.
    """
    kept = pairs.columns
    for end in ENDS:
        pairs = pairs.join(normal.selectExpr(f"{ID} AS {end}", f"{RECORD} AS {end}_{RECORD}"), end)

    def compute(batch: pa.RecordBatch) -> list[pa.Array]:
        codes_of = Scorer(model).codes
        left, right = (map(record_of, batch.column(f"{end}_{RECORD}").to_pylist()) for end in ENDS)
        return [pa.array(map(bytes, map(codes_of, left, right)), pa.binary())]

    return with_columns(pairs, kept, {_CODES: pa.binary()}, compute).checkpoint()


def _codes(column: pa.Array | pa.ChunkedArray, weights: Weights) -> Levels:
    codes = np.frombuffer(b"".join(column.to_pylist()), np.uint8)
    return codes.reshape(len(column), len(weights.attributes))


def scored(weights: Weights, pairs: DataFrame, *, every: bool = False) -> DataFrame:
    """Score compared pairs, and keep those that are not almost certainly chance, or every one."""
    names = ("match", "chance", "likeness")

    def compute(batch: pa.RecordBatch) -> list[pa.Array]:
        codes = _codes(batch.column(_CODES), weights)
        parts = scoring.responsibilities(scoring.log_classes(weights, codes))
        likeness = scoring.likeness(weights, codes)
        columns = (parts[scoring.MATCH], parts[scoring.CHANCE], likeness)
        return [pa.array(column.astype(float)) for column in columns]

    kept = [name for name in pairs.columns if name not in names]
    result = with_columns(pairs, kept, dict.fromkeys(names, pa.float64()), compute)
    least = 1 - WORTH_KEEPING
    return (result if every else result.where(f"chance < {least}")).checkpoint()


def patterns(weights: Weights, pairs: DataFrame, *more: str) -> tuple[Levels, Floats, pa.Table]:
    """Count pairs by their codes, and by more columns.

    Returns:
        The distinct rows of codes, their counts, and the table with the other columns.
    """
    table = pairs.groupBy(_CODES, *more).count().toArrow()
    return _codes(table[_CODES], weights), table["count"].to_numpy().astype(float), table


def learn_from_groups(weights: Weights, pairs: DataFrame, inner: DataFrame) -> None:
    """Estimate the model again from likely groups, as `Matcher` does.

    Args:
        weights: the model, changed in place.
        pairs: the scored pairs that blocking found.
        inner: all scored pairs inside possible groups.
    """
    joined = grouped(inner, scoring.LIKELY)
    joined = joined.selectExpr(*ENDS, f"left_group = right_group AS {_SAME}")
    inside = inner.join(joined, [*ENDS]).select(_CODES, _SAME)
    outside = pairs.join(inner, [*ENDS], "left_anti").selectExpr(_CODES, "NULL")
    codes, counts, table = patterns(weights, inside.union(outside), _SAME)
    match, related, _ = scoring.responsibilities(scoring.log_classes(weights, codes))
    same = table[_SAME].fill_null(False).to_numpy()  # noqa: FBT003  (Arrow's signature)
    revised = scoring.seen_in_groups(match, related, same)
    known = table[_SAME].is_valid().to_numpy()
    expected = np.where(known, np.stack(revised), np.stack([match, related])) * counts
    estimation.update(weights, codes, expected)


def possible_groups(pairs: DataFrame) -> DataFrame:
    """Connect what may belong together; components that are too large by surer pairs only.

    Returns:
        The records that any pair connects, and the lowest id of each one's component.
    """
    from pyspark.sql import functions as sf

    edges, least = pairs.where(sf.col("match") >= LEAST_JOINED), LEAST_JOINED
    while True:
        connected = _components(edges)
        least = 1 - (1 - least) / 2
        size = connected.groupBy(COMPONENT).count().where(sf.col("count") > LARGEST)
        if least > 1 - 1e-6 or size.isEmpty():
            return connected
        large = connected.join(size, COMPONENT).select(sf.col(ID).alias("left"))
        weak = edges.join(large, "left").where(sf.col("match") < least)
        edges = edges.join(weak.select(*ENDS), [*ENDS], "left_anti").checkpoint()


def _components(edges: DataFrame) -> DataFrame:
    """Lower the label of each record to that of its neighbours, and to its label's own label."""
    from pyspark.sql import functions as sf

    # A record is its own neighbour.
    ends = edges.selectExpr("array(left, right) AS ends")
    both = ends.selectExpr("ends", f"explode(ends) AS {ID}").selectExpr(
        ID, "explode(ends) AS other"
    )
    label = both.groupBy(ID).agg(sf.min("other").alias(COMPONENT)).checkpoint()
    while True:
        nearest = both.join(label.selectExpr(f"{ID} AS other", COMPONENT), "other")
        lower = nearest.groupBy(ID).agg(sf.min(COMPONENT).alias(COMPONENT)).checkpoint()
        roots = lower.selectExpr(f"{ID} AS {COMPONENT}", f"{COMPONENT} AS root")
        shorter = lower.join(roots, COMPONENT).selectExpr(ID, f"root AS {COMPONENT}").checkpoint()
        if shorter.exceptAll(label).isEmpty():
            return label
        label = shorter


def grouped(inner: DataFrame, threshold: float) -> DataFrame:
    """Group the records of each component, and add transitive evidence to the pairs.

    Returns:
        Pairs with `left_group`, `right_group` and `probability`.
    """
    id_type = inner.schema["left"].dataType.simpleString()
    names = (*ENDS, "left_group", "right_group")
    schema = ", ".join([*(f"`{name}` {id_type}" for name in names), "probability double"])

    def group(table: pa.Table) -> pa.Table:
        ends = [table.column(name).to_pylist() for name in ENDS]
        ids = sorted({*ends[0], *ends[1]})
        row_of = {record_id: row for row, record_id in enumerate(ids)}
        i, j = (np.array([row_of[record_id] for record_id in end]) for end in ends)
        i, j = np.minimum(i, j), np.maximum(i, j)
        match, likeness = (table.column(name).to_numpy() for name in ("match", "likeness"))
        label = clusters.group(len(ids), i, j, match, likeness, threshold)
        bits = clusters.transitive_evidence(len(ids), i, j, match, likeness)
        return pa.table(
            {
                "left": [ids[row] for row in i],
                "right": [ids[row] for row in j],
                "left_group": [ids[row] for row in label[i]],
                "right_group": [ids[row] for row in label[j]],
                "probability": scoring.with_bits(match, bits),
            }
        )

    columns = inner.select(*ENDS, COMPONENT, "match", "likeness")
    return columns.groupBy(COMPONENT).applyInArrow(group, schema)

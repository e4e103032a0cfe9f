"""Entity resolution on Spark, by the blocking keys, comparisons and model of `identity.resolve`.

Records are normalised and compared on the cluster, in Arrow batches. Only counts (of values, and of
patterns of codes) and a sample of records, from which dataset statistics are computed, reach this
process.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from customer_profiles.identity.matching import blocking, estimation
from customer_profiles.identity.matching.comparing import comparisons
from customer_profiles.identity.matching.contents import repeated
from customer_profiles.identity.matching.matcher import LARGEST
from customer_profiles.identity.matching.term_frequency import IDENTIFIER_SHARE, TEXT_SHARE
from customer_profiles.identity.model import Model
from customer_profiles.identity.preparing.prepared import prepare
from customer_profiles.identity.preparing.reading import read as read_columns
from customer_profiles.identity.resolution import check

from .pairs import (
    COMPONENT,
    ENDS,
    compared,
    grouped,
    learn_from_groups,
    patterns,
    possible_groups,
    scored,
    sharing,
)
from .records import ID, KEYS, count_terms, normalised, with_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from customer_profiles.identity.preparing.kinds import Kind

_SAMPLED, _RANDOM_RECORDS, _SEED = 50_000, 500, 20_240_229
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class SparkResolution:
    """The result of `resolve`, on the cluster."""

    pairs: DataFrame
    """Pairs of records: `left`, `right` and `probability`."""
    groups: DataFrame
    """The lowest id of each record's group: `id` and `group`, which are equal if it is alone."""
    model: Model


def resolve(
    records: DataFrame,
    *,
    id_column: str,
    kinds: Mapping[str, Kind] | None = None,
    threshold: float = 0.95,
    model: Model | None = None,
) -> SparkResolution:
    """Find the records that belong to one person, on the cluster of their data frame.

    Args:
        records: the records; their columns are recognised by name, as in `identity.resolve`.
        id_column: the column of the records' ids.
        kinds: what columns hold whose names do not tell.
        threshold: the least probability of a pair that joins two records.
        model: a model that was estimated before, here or by `identity.resolve`; without it, one is
            estimated from these records.

    Raises:
        ValueError: a column, kind or threshold is wrong, or the session has no folder for
            checkpoints; the message says which.
    """
    known: dict[str, Kind] = {**(kinds or {}), **(model.kinds if model else {})}
    if id_column not in records.columns:
        msg = f"id_column: the records have no column {id_column!r}"
        raise ValueError(msg)
    check(known, records.columns, threshold)
    if records.sparkSession.sparkContext.getCheckpointDir() is None:
        msg = (
            "the Spark session has no folder for checkpoints, without which plans grow with every "
            "step; set one with spark.sparkContext.setCheckpointDir()"
        )
        raise ValueError(msg)
    records = records.withColumnRenamed(id_column, ID)
    if model is not None:
        if model.own:
            msg = "a model with own comparisons or of splink does not run on Spark; use resolve"
            raise ValueError(msg)
        normal = normalised(records, known, model.statistics, model.keys)
        pairs = scored(model.weights, compared(model, normal, _candidates(normal)))
        return _resolution(model, pairs, _inner(model, normal, pairs), normal, threshold)
    return _estimated(records, known, threshold)


def _estimated(records: DataFrame, kinds: dict[str, Kind], threshold: float) -> SparkResolution:
    """Estimate a model from the records, and resolve them by it."""
    count = records.count()
    sample = records.orderBy(_random()).limit(_SAMPLED).toArrow()
    with ThreadPoolExecutor(1) as pool:
        columns = read_columns(sample, ID)[1]
        prepared = prepare(columns, kinds, pool)
    repeats: dict[str, Kind] = {
        name: "ignored" for name in repeated(columns, prepared) if name not in kinds
    }
    for name in repeats:
        del prepared.texts[name]
    kinds = {**prepared.kinds, **repeats}
    known = comparisons(prepared)
    if not known:
        msg = "the records have no column with values that could be compared"
        raise ValueError(msg)
    keys = tuple(blocking.keys_for(blocking.atoms(prepared), count))
    normal = normalised(records, kinds, prepared.statistics, keys)
    priors: dict[str, float | None] = {
        tf.name: None for comparison in known for tf in comparison.term_frequencies.values()
    }
    priors |= dict.fromkeys(prepared.identifiers, IDENTIFIER_SHARE)
    priors |= dict.fromkeys(prepared.texts, TEXT_SHARE)
    tfs, every, common = count_terms(with_terms(normal), priors)
    for number, comparison in enumerate(known):
        counted = {level: tfs[tf.name] for level, tf in comparison.term_frequencies.items()}
        known[number] = replace(comparison, term_frequencies=counted)
    weights = estimation.begin(known, np.zeros((1, len(known)), np.uint8), count)
    # Estimation must use the classes by which `TermFrequency` counted the pairs.
    model = Model(weights, kinds, keys, prepared.statistics, every)
    codes, counts, _ = patterns(weights, compared(model, normal, _random_pairs(normal)))
    weights = estimation.begin(known, np.repeat(codes, counts.astype(int), axis=0), count)
    candidates = compared(model, normal, _candidates(normal))
    estimation.estimate(weights, *patterns(weights, candidates)[:2])
    model = replace(model, weights=weights)
    pairs = scored(weights, candidates)
    inner = _inner(model, normal, pairs)
    for _ in range(_ROUNDS):
        learn_from_groups(weights, pairs, inner)
        pairs = scored(weights, pairs)
        inner = _inner(model, normal, pairs)
    model = replace(model, term_frequencies=common)
    return _resolution(model, pairs, inner, normal, threshold)


def _candidates(normal: DataFrame) -> DataFrame:
    """Return the pairs that share a blocking key which not too many records have."""
    from pyspark.sql import functions as sf

    exploded = normal.select(ID, sf.explode(KEYS).alias("key"))
    return sharing(exploded, "key", blocking.MOST_HELD).select(*ENDS).distinct()


def _random_pairs(normal: DataFrame) -> DataFrame:
    """Return all pairs of a random sample of records."""
    from pyspark.sql import functions as sf

    sample = normal.select(ID).orderBy(_random()).limit(_RANDOM_RECORDS).checkpoint()
    left, right = (sample.select(sf.col(ID).alias(end)) for end in ENDS)
    return left.crossJoin(right).where("left < right")


def _inner(model: Model, normal: DataFrame, pairs: DataFrame) -> DataFrame:
    """Compare and score all pairs inside possible groups."""
    inside = sharing(possible_groups(pairs), COMPONENT, LARGEST)
    return scored(model.weights, compared(model, normal, inside), every=True)


def _resolution(
    model: Model, pairs: DataFrame, inner: DataFrame, normal: DataFrame, threshold: float
) -> SparkResolution:
    from pyspark.sql import functions as sf

    joined = grouped(inner, threshold).checkpoint()
    left, right = (joined.selectExpr(f"{end} AS id", f"{end}_group AS group") for end in ENDS)
    every = normal.select(sf.col(ID).alias("id"))
    groups = every.join(left.union(right).distinct(), "id", "left")
    outside = pairs.join(inner, [*ENDS], "left_anti")
    both = joined.select(*ENDS, "probability").union(
        outside.selectExpr(*ENDS, "CAST(match AS DOUBLE) AS probability")
    )
    return SparkResolution(both, groups.selectExpr("id", "coalesce(group, id) AS group"), model)


def _random() -> Column:
    from pyspark.sql import functions as sf

    return sf.xxhash64(sf.col(ID), sf.lit(_SEED))

"""Entity resolution on Spark: splink blocks and compares, our estimation weighs the counts.

The model is that of `identity.resolve`: its keys, comparisons, weights and threshold. Records are
normalised and pairs are scored on the cluster. Only counts (of values, and of patterns of codes)
and a sample of records, from which dataset statistics are computed, reach this process.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from customer_profiles.identity.columns.prepared import prepare
from customer_profiles.identity.columns.reading import read as read_columns
from customer_profiles.identity.matching import blocking, scoring
from customer_profiles.identity.matching.comparing import comparisons
from customer_profiles.identity.matching.matcher import LARGEST, LEAST_JOINED
from customer_profiles.identity.matching.term_frequency import (
    IDENTIFIER_SHARE,
    TEXT_SHARE,
    tf_by_counts,
)
from customer_profiles.identity.model import Model, TermFrequencies
from customer_profiles.identity.resolution import check
from customer_profiles.identity.single.keys import keys_of
from customer_profiles.identity.single.record import read as read_record

from .columns import ID, KEYS, Layout, is_list, text_of
from .pairs import COMPONENT, ENDS, compared, grouped, learn_from_groups, patterns, scored
from .session import quiet, splink_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from customer_profiles.identity.arrays import Levels
    from customer_profiles.identity.columns.kinds import Kind
    from customer_profiles.identity.columns.normalize import DatasetStatistics
    from customer_profiles.identity.matching.comparing import Comparison
    from customer_profiles.identity.matching.scoring import Weights
    from customer_profiles.identity.matching.term_frequency import TermFrequency

    Row = dict[str, Any]

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
        ValueError: a column, kind or threshold is wrong, or the session lacks splink's functions;
            the message says which.
    """
    known: dict[str, Kind] = {**(kinds or {}), **(model.kinds if model else {})}
    if id_column not in records.columns:
        msg = f"id_column: the records have no column {id_column!r}"
        raise ValueError(msg)
    check(known, records.columns, threshold)
    run = _Run(records, id_column, known)
    return run.by(model, threshold) if model is not None else run.estimated(threshold)


class _Run:
    """The steps of one resolution."""

    def __init__(self, records: DataFrame, id_column: str, kinds: dict[str, Kind]) -> None:
        columns = [name for name in records.columns if name != id_column]
        self._kinds, self._layout = kinds, Layout.of(columns, kinds)
        self._records = records.withColumnRenamed(id_column, ID)
        self._count = records.count()
        self._api = splink_api(records.sparkSession)

    def by(self, model: Model, threshold: float) -> SparkResolution:
        """Resolve the records by a model."""
        normal = self._normalised(model.statistics, model.keys, model.term_frequencies)
        pairs = scored(model.weights, self._compared(model.weights, normal, KEYS))
        inner = self._inner(model.weights, normal, pairs)
        return _resolution(model, normal, pairs, inner, threshold)

    def estimated(self, threshold: float) -> SparkResolution:
        """Estimate a model from the records, and resolve them by it."""
        sample = self._records.orderBy(_random()).limit(_SAMPLED).toArrow()
        with ThreadPoolExecutor(1) as pool:
            prepared = prepare(read_columns(sample, ID)[1], self._kinds, pool)
        statistics = prepared.statistics
        keys = tuple(blocking.keys_for(blocking.atoms(prepared), self._count))
        plain = self._normalised(statistics, keys)
        tfs: dict[str, TermFrequency] = {}
        classes: dict[int, int] = {}
        common: dict[int, int] = {}
        for name in self._layout.vocabularies():
            tfs[name], of_name = self._tf(plain, name)
            classes |= of_name
            most = tfs[name].common
            common |= {key: number for key, number in of_name.items() if number <= most}
        rarest = {name: tf.rarest for name, tf in tfs.items()}
        # Estimation must use the classes by which `TermFrequency` counted the pairs.
        normal = self._normalised(statistics, keys, TermFrequencies(rarest, classes))
        plain.unpersist()
        known = [_with(comparison, tfs) for comparison in comparisons(prepared)]
        if not known:
            msg = "the records have no column with values that could be compared"
            raise ValueError(msg)
        weights = scoring.begin(known, self._random_codes(known, normal), self._count)
        candidates = self._compared(weights, normal, KEYS)
        codes, counts = patterns(candidates, len(known))
        scoring.estimate(weights, codes, counts[:, 0])
        pairs = scored(weights, candidates)
        inner = self._inner(weights, normal, pairs)
        for _ in range(_ROUNDS):
            learn_from_groups(weights, pairs, inner)
            pairs = scored(weights, pairs)
            inner = self._inner(weights, normal, pairs)
        frequencies = TermFrequencies(rarest, common)
        model = Model(weights, self._kinds, keys, statistics, frequencies)
        return _resolution(model, normal, pairs, inner, threshold)

    def _normalised(
        self,
        statistics: DatasetStatistics,
        keys: Sequence[tuple[str, ...]],
        frequencies: TermFrequencies | None = None,
    ) -> DataFrame:
        """Normalise all records and add their blocking keys and, if known, term frequencies."""
        kinds, layout = self._kinds, self._layout
        fields = [*layout.fields(), (KEYS, pa.list_(pa.int64()))]
        fields += layout.tf_fields() if frequencies is not None else ()

        def normalise(rows: Iterator[Row]) -> Iterator[Row]:
            for row in rows:
                record_id = row.pop(ID)
                record = read_record(row, kinds, statistics)
                values = layout.values(record)
                classes = layout.tf_classes(frequencies, values) if frequencies else {}
                signed = [_signed(key) for key in keys_of(record, keys)]
                yield {ID: record_id, KEYS: signed, **values, **classes}

        return _without_common_keys(_mapped(self._records, normalise, fields)).checkpoint()

    def _compared(self, weights: Weights, normal: DataFrame, rule: str) -> DataFrame:
        return compared(self._api, self._layout, weights, normal, rule)

    def _inner(self, weights: Weights, normal: DataFrame, pairs: DataFrame) -> DataFrame:
        """Compare and score all pairs inside possible groups."""
        from pyspark.sql import functions as sf

        component = self._loosely_connected(normal.select(ID), pairs)
        size = component.groupBy(COMPONENT).count()
        kept = size.where(sf.col("count").between(2, LARGEST)).select(COMPONENT)
        inside = normal.join(component.join(kept, COMPONENT), ID)
        return scored(weights, self._compared(weights, inside, COMPONENT), every=True)

    def _loosely_connected(self, ids: DataFrame, pairs: DataFrame) -> DataFrame:
        """Connect what may belong together; components that are too large by surer pairs only."""
        from pyspark.sql import functions as sf

        edges, least = pairs.where(sf.col("match") >= LEAST_JOINED), LEAST_JOINED
        while True:
            connected = self._components(ids, edges).checkpoint()
            least = 1 - (1 - least) / 2
            size = connected.groupBy(COMPONENT).count().where(sf.col("count") > LARGEST)
            if least > 1 - 1e-6 or size.isEmpty():
                return connected
            large = connected.join(size, COMPONENT).select(sf.col(ID).alias("left"))
            weak = edges.join(large, "left").where(sf.col("match") < least)
            edges = edges.join(weak.select(*ENDS), [*ENDS], "left_anti").checkpoint()

    def _components(self, ids: DataFrame, edges: DataFrame) -> DataFrame:
        with quiet():
            from splink.clustering import cluster_pairwise_predictions_at_threshold as connected
        nodes, pairs = self._api.register(ids), self._api.register(edges.select(*ENDS))
        frame: DataFrame = connected(nodes, pairs, self._api, ID, *ENDS).as_spark_dataframe()
        return frame.selectExpr(ID, f"cluster_id AS {COMPONENT}")

    def _tf(self, normal: DataFrame, name: str) -> tuple[TermFrequency, dict[int, int]]:
        """Count a vocabulary's term frequencies.

        Returns:
            The term frequencies, and the classes of all values but the rarest, by key.
        """
        from pyspark.sql import functions as sf

        columns = self._layout.vocabularies()[name]
        arrays = [sf.col(column) if is_list(column) else sf.array(column) for column in columns]
        lists = normal.select(sf.array_distinct(sf.concat(*arrays)).alias("list"))
        values = lists.select(sf.explode("list").alias("value")).where("value IS NOT NULL")
        counted = values.groupBy("value").count().checkpoint()
        table = counted.groupBy("count").agg(sf.count("*").alias("times")).toArrow()
        having = lists.where("exists(list, value -> value IS NOT NULL)").count()
        prior = None
        if name in self._layout.others:
            prior = IDENTIFIER_SHARE if name in self._layout.identifiers else TEXT_SHARE
        counts, times = table["count"].to_numpy(), table["times"].to_numpy()
        tf = tf_by_counts(name, counts, times, having, prior)
        class_of = dict(zip(counts.tolist(), tf.class_of.tolist(), strict=False))
        least = min((count for count in class_of if class_of[count] < tf.rarest), default=None)
        if least is None:
            return tf, {}
        frequent = counted.where(sf.col("count") >= least).toArrow()
        texts, of_texts = frequent["value"].to_pylist(), frequent["count"].to_pylist()
        return tf, {
            TermFrequencies.key(name, text_of(name, text)): class_of[count]
            for text, count in zip(texts, of_texts, strict=True)
        }

    def _random_codes(self, known: Sequence[Comparison], normal: DataFrame) -> Levels:
        """Compare all pairs of a random sample of records."""
        weights = scoring.begin(known, np.zeros((1, len(known)), np.uint8), self._count)
        sample = normal.orderBy(_random()).limit(_RANDOM_RECORDS)
        codes, counts = patterns(self._compared(weights, sample, "1=1"), len(known))
        return np.repeat(codes, counts[:, 0].astype(int), axis=0)


def _resolution(
    model: Model, normal: DataFrame, pairs: DataFrame, inner: DataFrame, threshold: float
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


def _signed(key: int) -> int:
    return key - (1 << 64) if key >= 1 << 63 else key


def _mapped(
    frame: DataFrame,
    change: Callable[[Iterator[Row]], Iterator[Row]],
    fields: Sequence[tuple[str, pa.DataType]],
) -> DataFrame:
    """Change the rows of a data frame; the type of their ids stays as it is."""
    from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type
    from pyspark.sql.types import StructField, StructType

    kept = frame.schema[ID]
    schema = pa.schema([(ID, to_arrow_type(kept.dataType)), *fields])
    spark = StructType([kept, *(StructField(name, from_arrow_type(kind)) for name, kind in fields)])

    def map_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = list(change(iter(batch.to_pylist())))
            yield pa.RecordBatch.from_pylist(rows, schema)

    return frame.mapInArrow(map_batches, spark)


def _without_common_keys(normal: DataFrame) -> DataFrame:
    """Drop keys that one record or too many records have."""
    from pyspark.sql import functions as sf

    exploded = normal.select(ID, sf.explode(KEYS).alias("key"))
    rare = exploded.groupBy("key").count().where(sf.col("count").between(2, blocking.MOST_HELD))
    kept = exploded.join(rare, "key").groupBy(ID).agg(sf.collect_list("key").alias(KEYS))
    return normal.drop(KEYS).join(kept, ID, "left")


def _with(comparison: Comparison, tfs: Mapping[str, TermFrequency]) -> Comparison:
    """Return a comparison with the term frequencies of all records."""
    counted = {level: tfs[tf.name] for level, tf in comparison.term_frequencies.items()}
    return replace(comparison, term_frequencies=counted)

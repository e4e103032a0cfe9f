"""The matcher on Spark: splink blocks and compares, our estimation weighs what it counted.

It is the same model as that of `identity.resolve`: keys, comparisons, weights, threshold. Records
are normalised where they lie and pairs stay on the cluster. To this process come counts only (of
values, and of patterns of comparison) and a sample of records, to tell dates and words of streets.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from customer_profiles.identity.columns.kinds import KINDS
from customer_profiles.identity.columns.prepared import prepare
from customer_profiles.identity.columns.reading import read as read_columns
from customer_profiles.identity.matching import blocking, clusters, scoring
from customer_profiles.identity.matching.comparing import (
    A_TEXT,
    AN_IDENTIFIER,
    comparisons,
    tf_by_counts,
)
from customer_profiles.identity.model import Model, TermFrequencies
from customer_profiles.identity.resolution import LARGEST, LEAST_JOINED, WORTH_KEEPING
from customer_profiles.identity.single.keys import keys_of
from customer_profiles.identity.single.record import read as read_record

from .columns import ID, KEYS, Layout, is_list, text_of
from .levels import levels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame, SparkSession

    from customer_profiles.identity.columns.kinds import Kind
    from customer_profiles.identity.columns.normalize import DatasetStatistics
    from customer_profiles.identity.matching.comparing import Comparison, TermFrequency
    from customer_profiles.identity.matching.scoring import Weights

    from .levels import Levels

    Batches = Iterable[pa.RecordBatch]

_SAMPLED, _RANDOM_RECORDS, _SEED = 50_000, 500, 20_240_229
_ROUNDS = 2
_COMPONENT, _SAME = "component", "same"


@dataclass(frozen=True, slots=True)
class SparkResolution:
    """What `resolve` found, on the cluster."""

    pairs: DataFrame
    """Pairs of records: `left`, `right` and `probability`."""
    groups: DataFrame
    """Of each record, `id`, the least id of its group, `group`: its own if it is alone."""
    model: Model


def session(master: str | None = None, config: Mapping[str, str] | None = None) -> SparkSession:
    """Make a Spark session that has splink's functions.

    Args:
        master: Spark's master, as "local[2]".
        config: more settings.
    """
    from pyspark.sql import SparkSession

    with _quiet():
        from splink.backends.spark import similarity_jar_location
    made = SparkSession.builder.config("spark.jars", similarity_jar_location())
    if master is not None:
        made = made.master(master)
        if master.startswith("local"):
            # Workers of this machine are to have what this process has.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in (config or {}).items():
        made = made.config(name, value)
    spark = made.getOrCreate()
    if _checkpoints(spark) is None and master is not None and master.startswith("local"):
        spark.sparkContext.setCheckpointDir(mkdtemp(prefix="customer-profiles-"))
    return spark


def resolve(
    records: DataFrame,
    *,
    id_column: str,
    kinds: Mapping[str, Kind] | None = None,
    threshold: float = 0.95,
    model: Model | None = None,
) -> SparkResolution:
    """Find the records that are one person's, on the cluster of their data frame.

    Args:
        records: the records; their columns are told by name, as in `identity.resolve`.
        id_column: the column of the records' ids.
        kinds: what columns hold whose names do not tell.
        threshold: the least probability of a pair that joins two records.
        model: a model that was estimated before, here or by `identity.resolve`; without it one is
            estimated from these records.

    Raises:
        ValueError: a column, kind or threshold is wrong, or the session lacks splink's functions;
            the message says which.
    """
    known: dict[str, Kind] = {**(kinds or {}), **(model.kinds if model else {})}
    _check(records, id_column, known, threshold)
    run = _Run(records, id_column, known)
    return run.by(model, threshold) if model is not None else run.estimated(threshold)


def _check(records: DataFrame, id_column: str, kinds: Mapping[str, str], threshold: float) -> None:
    if id_column not in records.columns:
        msg = f"id_column: the records have no column {id_column!r}"
        raise ValueError(msg)
    if not 0 < threshold <= 1:
        msg = f"threshold is a probability above 0 and at most 1, not {threshold}"
        raise ValueError(msg)
    for name, kind in kinds.items():
        if kind not in KINDS or name not in records.columns:
            msg = f"kinds[{name!r}] is {kind!r}: there is no such column or kind"
            raise ValueError(msg)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hear nothing of which pandas pyspark would like to have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Run:
    """One resolution."""

    def __init__(self, records: DataFrame, id_column: str, kinds: dict[str, Kind]) -> None:
        columns = [name for name in records.columns if name != id_column]
        self._kinds, self._layout = kinds, Layout.of(columns, kinds)
        self._records = records.withColumnRenamed(id_column, ID)
        self._count = records.count()
        self._api = _splink(records.sparkSession)

    # By a model

    def by(self, model: Model, threshold: float) -> SparkResolution:
        """Resolve by a model."""
        normal = self._normalised(model.facts, model.keys, model.tfs)
        scored = _scored(model.weights, self._compared(model.weights, normal, KEYS)).checkpoint()
        inner = self._inner(model.weights, normal, scored)
        return self._found(model, normal, scored, inner, threshold)

    def _normalised(
        self,
        facts: DatasetStatistics,
        keys: Sequence[tuple[str, ...]],
        tfs: TermFrequencies | None = None,
    ) -> DataFrame:
        """Normalise all records, with the keys that not too many of them have."""
        kinds, layout = self._kinds, self._layout
        fields = [*layout.fields(), (KEYS, pa.list_(pa.int64()))]
        lists = layout.lists() if tfs is not None else {}
        for columns in lists.values():
            for column in columns:
                kind = pa.map_(pa.string(), pa.int32()) if is_list(column) else pa.int32()
                fields.append((f"{column}_tf", kind))

        def normalise(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
            for row in rows:
                record_id = row.pop(ID)
                record = read_record(row, kinds, facts)
                values = layout.values(record)
                numbers = [_signed(one) for one in keys_of(record, keys)]
                found = {ID: record_id, KEYS: numbers, **values}
                yield found | (_tfs(tfs, lists, values) if tfs else {})

        return self._without_common(_mapped(self._records, normalise, fields)).checkpoint()

    def _without_common(self, normal: DataFrame) -> DataFrame:
        """Forget keys that so many records have that they say nothing."""
        from pyspark.sql import functions as sf

        apart = normal.select(ID, sf.explode(KEYS).alias("key"))
        rare = apart.groupBy("key").count().where(sf.col("count").between(2, blocking.MOST_HELD))
        kept = apart.join(rare, "key").groupBy(ID).agg(sf.collect_list("key").alias(KEYS))
        return normal.drop(KEYS).join(kept, ID, "left")

    def _compared(self, weights: Weights, normal: DataFrame, rule: str) -> DataFrame:
        """Have splink block by a column and compare: give pairs and their codes.

        Args:
            weights: the attributes, and what splink's own charts show of them.
            normal: the records.
            rule: `keys`, `component`, or a condition.
        """
        with _quiet():
            from splink import Linker, SettingsCreator, block_on
        rules: Any = rule
        if rule in {KEYS, _COMPONENT}:
            explode = [KEYS] if rule == KEYS else None
            rules = block_on(rule, arrays_to_explode=explode) if explode else block_on(rule)
        tfs = [name for name in normal.columns if name.endswith("_tf")]
        levels = {
            one.name: levels_of(one.name, one.told_by, self._layout.places)
            for one in weights.attributes
        }
        plain = {f"a{place}": one for place, one in enumerate(weights.attributes)}
        values = [name for name, _ in self._layout.fields()]
        extra = [_COMPONENT] if rule == _COMPONENT else []
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=ID,
            comparisons=[_comparison(name, one, levels[one.name]) for name, one in plain.items()],
            blocking_rules_to_generate_predictions=[rules],
            # Without this splink keeps its levels to itself.
            retain_matching_columns=True,
            additional_columns_to_retain=[*values, *tfs, *extra],
        )
        linker = Linker(self._api.register(normal), settings, log_level=logging.ERROR)
        found: DataFrame = linker.inference.predict(warning_mode="never").as_spark_dataframe()
        codes = [
            f"{_code(name, one, levels[one.name], tfs=bool(tfs))} AS {name}"
            for name, one in plain.items()
        ]
        component = [f"{_COMPONENT}_l AS {_COMPONENT}"] if extra else []
        chosen = found.selectExpr(
            f"least({ID}_l, {ID}_r) AS left",
            f"greatest({ID}_l, {ID}_r) AS right",
            *component,
            *codes,
        )
        return chosen.checkpoint()

    def _inner(self, weights: Weights, normal: DataFrame, scored: DataFrame) -> DataFrame:
        """Compare and score all pairs inside the groups that pairs might make."""
        from pyspark.sql import functions as sf

        component = self._loosely(normal.select(ID), scored)
        size = component.groupBy(_COMPONENT).count()
        some = size.where(sf.col("count").between(2, LARGEST)).select(_COMPONENT)
        inside = normal.join(component.join(some, _COMPONENT), ID)
        return _scored(
            weights, self._compared(weights, inside, _COMPONENT), every=True
        ).checkpoint()

    def _loosely(self, ids: DataFrame, scored: DataFrame) -> DataFrame:
        """Connect what might belong together; too large a component, by surer pairs only."""
        from pyspark.sql import functions as sf

        edges, least = scored.where(sf.col("match") >= LEAST_JOINED), LEAST_JOINED
        while True:
            found = self._components(ids, edges).checkpoint()
            least = 1 - (1 - least) / 2
            size = found.groupBy(_COMPONENT).count().where(sf.col("count") > LARGEST)
            if least > 1 - 1e-6 or size.isEmpty():
                return found
            large = found.join(size, _COMPONENT).select(sf.col(ID).alias("left"))
            weak = edges.join(large, "left").where(sf.col("match") < least)
            edges = edges.join(
                weak.select("left", "right"), ["left", "right"], "left_anti"
            ).checkpoint()

    def _components(self, ids: DataFrame, edges: DataFrame) -> DataFrame:
        with _quiet():
            from splink.clustering import cluster_pairwise_predictions_at_threshold as connected
        found = connected(
            self._api.register(ids),
            self._api.register(edges.select("left", "right")),
            self._api,
            ID,
            "left",
            "right",
        )
        frame: DataFrame = found.as_spark_dataframe()
        return frame.selectExpr(ID, f"cluster_id AS {_COMPONENT}")

    def _found(
        self,
        model: Model,
        normal: DataFrame,
        scored: DataFrame,
        inner: DataFrame,
        threshold: float,
    ) -> SparkResolution:
        from pyspark.sql import functions as sf

        grouped = _grouped(inner, threshold).checkpoint()
        ends = [grouped.selectExpr(f"{one} AS id", f"{one}_group AS group") for one in _ENDS]
        groups = ends[0].union(ends[1]).distinct()
        every = normal.select(sf.col(ID).alias("id"))
        outside = scored.join(inner, [*_ENDS], "left_anti")
        pairs = grouped.select(*_ENDS, "probability").union(
            outside.selectExpr(*_ENDS, "CAST(match AS DOUBLE) AS probability")
        )
        alone = every.join(groups, "id", "left").selectExpr("id", "coalesce(group, id) AS group")
        return SparkResolution(pairs, alone, model)

    # Without a model

    def estimated(self, threshold: float) -> SparkResolution:
        """Estimate a model from the records, and resolve by it."""
        sample = self._records.orderBy(_random()).limit(_SAMPLED).toArrow()
        with ThreadPoolExecutor(1) as pool:
            prepared = prepare(read_columns(sample, ID)[1], self._kinds, pool)
        found = blocking.atoms(prepared)
        keys = tuple(blocking.keys_for(found, self._count))
        plain = self._normalised(prepared.facts, keys)
        lists = {name: self._tf(plain, name) for name in self._layout.lists()}
        known = [_with(one, {name: one for name, (one, _) in lists.items()})
                 for one in comparisons(prepared)]  # fmt: skip
        rarest = {name: one.rarest for name, (one, _) in lists.items()}
        # What is estimated must be counted by the very classes that `TermFrequency` counts by.
        tfs = TermFrequencies(
            rarest, {key: it for _, of in lists.values() for key, it in of.items()}
        )
        common = {key: it for one, of in lists.values() for key, it in of.items()
                  if one.is_common(it)}  # fmt: skip
        normal = self._normalised(prepared.facts, keys, tfs)
        plain.unpersist()
        if not known:
            msg = "the records have no column with values that could be compared"
            raise ValueError(msg)
        weights = scoring.begin(known, self._by_chance(known, normal), self._count)
        compared = self._compared(weights, normal, KEYS).checkpoint()
        codes, counts = _patterns(compared, len(known))
        scoring.estimate(weights, codes, counts[:, 0])
        scored = _scored(weights, compared).checkpoint()
        inner = self._inner(weights, normal, scored)
        for _ in range(_ROUNDS):
            _learn(weights, scored, inner)
            scored = _scored(weights, scored).checkpoint()
            inner = self._inner(weights, normal, scored)
        return self._found(
            Model(weights, self._kinds, keys, prepared.facts, TermFrequencies(rarest, common)),
            normal, scored, inner, threshold,
        )  # fmt: skip

    def _tf(self, normal: DataFrame, name: str) -> tuple[TermFrequency, dict[int, int]]:
        """Tell how rare the values of a list are, and the classes of all but the rarest."""
        from pyspark.sql import functions as sf

        columns = self._layout.lists()[name]
        several = [sf.col(one) if is_list(one) else sf.array(one) for one in columns]
        held = normal.select(sf.array_distinct(sf.concat(*several)).alias("held"))
        values = held.select(sf.explode("held").alias("value")).where("value IS NOT NULL")
        counted = values.groupBy("value").count().checkpoint()
        table = counted.groupBy("count").agg(sf.count("*").alias("times")).toArrow()
        having = held.where("exists(held, it -> it IS NOT NULL)").count()
        usual = None
        if name in self._layout.others:
            usual = AN_IDENTIFIER if name in self._layout.identifiers else A_TEXT
        counts, times = table["count"].to_numpy(), table["times"].to_numpy()
        tf = tf_by_counts(name, counts, times, having, usual)
        of = {int(count): int(one) for count, one in zip(counts, tf.of, strict=False)}
        least = min((count for count in of if of[count] < tf.rarest), default=None)
        if least is None:
            return tf, {}
        often = counted.where(sf.col("count") >= least).toArrow()
        texts = (text_of(name, one) for one in often["value"].to_pylist())
        classes = (of[count] for count in often["count"].to_pylist())
        return tf, {
            TermFrequencies.key(name, it): one for it, one in zip(texts, classes, strict=True)
        }

    def _by_chance(self, known: Sequence[Comparison], normal: DataFrame) -> NDArray[np.uint8]:
        """Compare all pairs of some random records."""
        weights = scoring.begin(known, np.zeros((1, len(known)), np.uint8), self._count)
        some = normal.orderBy(_random()).limit(_RANDOM_RECORDS)
        codes, counts = _patterns(self._compared(weights, some, "1=1"), len(known))
        return np.repeat(codes, counts[:, 0].astype(int), axis=0)


_ENDS = ("left", "right")


def _splink(spark: SparkSession) -> Any:
    with _quiet():
        from splink import SparkAPI

        make: Any = SparkAPI
        api = make(spark_session=spark, break_lineage_method="checkpoint")
    if spark.sql("SHOW USER FUNCTIONS LIKE 'jaro_winkler'").isEmpty():
        msg = (
            "the Spark session lacks splink's functions; make it with "
            "customer_profiles.identity.spark.session(), or set spark.jars to "
            "splink.backends.spark.similarity_jar_location()"
        )
        raise ValueError(msg)
    if _checkpoints(spark) is None:
        msg = (
            "the Spark session has no folder for checkpoints, without which plans grow with every "
            "step; set one with spark.sparkContext.setCheckpointDir()"
        )
        raise ValueError(msg)
    return api


def _checkpoints(spark: SparkSession) -> str | None:
    folder: str | None = spark.sparkContext.getCheckpointDir()
    return folder


def _random() -> Any:
    from pyspark.sql import functions as sf

    return sf.xxhash64(sf.col(ID), sf.lit(_SEED))


def _signed(key: int) -> int:
    return key - (1 << 64) if key >= 1 << 63 else key


def _tfs(
    tfs: TermFrequencies, lists: Mapping[str, list[str]], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the classes of a record's values."""
    found: dict[str, Any] = {}
    for name, columns in lists.items():
        for column in columns:
            value = values.get(column)
            if value and is_list(column):
                of = [(one, tfs.of(name, text_of(name, one))) for one in value]
                found[f"{column}_tf"] = of
            elif value:
                found[f"{column}_tf"] = tfs.of(name, text_of(name, value))
    return found


def _mapped(
    frame: DataFrame,
    change: Callable[[Iterator[dict[str, Any]]], Iterator[dict[str, Any]]],
    fields: Sequence[tuple[str, pa.DataType]],
) -> DataFrame:
    """Change rows, each as a mapping; their ids stay as they are."""
    from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type
    from pyspark.sql.types import StructField, StructType

    kept = frame.schema[ID]
    schema = pa.schema([(ID, to_arrow_type(kept.dataType)), *fields])
    spark = StructType([kept, *(StructField(name, from_arrow_type(kind)) for name, kind in fields)])

    def batches(given: Batches) -> Iterator[pa.RecordBatch]:
        for batch in given:
            rows = list(change(iter(batch.to_pylist())))
            yield pa.RecordBatch.from_pylist(rows, schema)

    return frame.mapInArrow(batches, spark)


def _comparison(name: str, attribute: scoring.Attribute, levels: Levels) -> Any:
    """Describe an attribute to splink."""
    with _quiet():
        from splink import comparison_level_library as cll
        from splink import comparison_library as cl

    def shown(level: int) -> dict[str, Any]:
        match, chance = attribute.match[level], attribute.levels_chance[level]
        bounds = 1e-9, 1 - 1e-9
        return {
            "m_probability": float(np.clip(match, *bounds)),
            "u_probability": float(np.clip(chance, *bounds)),
        }

    conditions = [
        cll.CustomLevel(condition, attribute.levels[level]).configure(**shown(level))
        for level, condition in levels.conditions
    ]
    return cl.CustomComparison(
        output_column_name=name,
        comparison_levels=[
            cll.CustomLevel(levels.missing, "missing").configure(is_null_level=True),
            *conditions,
            cll.ElseLevel().configure(**shown(levels.otherwise)),
        ],
    )


def _code(name: str, attribute: scoring.Attribute, levels: Levels, *, tfs: bool) -> str:
    """Say in SQL which code an attribute has: that of its level, and how rare the value is."""
    first = [int((attribute.level_of < level).sum()) for level in range(len(attribute.levels))]
    cases = [f"WHEN gamma_{name} = -1 THEN {first[0]}"]
    ranks = range(len(levels.conditions), 0, -1)
    for rank, (level, _) in zip(ranks, levels.conditions, strict=True):
        code = str(first[level])
        if tfs and attribute.told[first[level]]:
            code += f" + coalesce({levels.tf}, 0)"
        cases.append(f"WHEN gamma_{name} = {rank} THEN {code}")
    return f"CAST(CASE {' '.join(cases)} ELSE {first[levels.otherwise]} END AS SMALLINT)"


def _columns(batch: pa.RecordBatch, count: int) -> NDArray[np.uint8]:
    """Read the codes of a batch of pairs."""
    codes = np.empty((batch.num_rows, count), np.uint8, order="F")
    for place in range(count):
        codes[:, place] = batch.column(f"a{place}").to_numpy(zero_copy_only=False)
    return codes


def _scored(weights: Weights, pairs: DataFrame, *, every: bool = False) -> DataFrame:
    """Score pairs, and keep those that are more than chance, or every one."""
    from pyspark.sql.types import DoubleType, StructField, StructType

    names = [name for name in pairs.columns if name not in _SCORES]
    kept = pairs.select(*names)
    count = len(weights.attributes)
    spark = StructType(
        [*kept.schema.fields, *(StructField(name, DoubleType()) for name in _SCORES)]
    )

    def score(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            codes = _columns(batch, count)
            parts = scoring.responsibilities(scoring.log_classes(weights, codes))
            likeness = scoring.likeness(weights, codes)
            columns = [*batch.columns, *(
                pa.array(one.astype(float))
                for one in (parts[scoring.MATCH], parts[scoring.RELATED], likeness)
            )]  # fmt: skip
            done = pa.RecordBatch.from_arrays(columns, [*batch.schema.names, *_SCORES])
            if not every:
                worth = parts[scoring.CHANCE] < 1 - WORTH_KEEPING
                done = done.filter(pa.array(worth))
            yield done

    return kept.mapInArrow(score, spark)


_SCORES = ("match", "related", "likeness")


def _patterns(pairs: DataFrame, count: int, *more: str) -> tuple[NDArray[np.uint8], Any]:
    """Count pairs by their codes, and by more columns of true and false: two counts then."""
    from pyspark.sql import functions as sf

    names = [f"a{place}" for place in range(count)]
    sums = [sf.count("*").alias("pairs")]
    sums += [sf.sum(sf.col(one).cast("long")).alias(one) for one in more]
    table = pairs.groupBy(*names).agg(*sums).toArrow().combine_chunks()
    batches = table.to_batches()
    if not batches:
        return np.empty((0, count), np.uint8), np.empty((0, 1 + len(more)))
    batch = batches[0]
    counts = [batch.column(one).to_numpy(zero_copy_only=False) for one in ("pairs", *more)]
    return _columns(batch, count), np.stack(counts, axis=1).astype(float)


def _learn(weights: Weights, scored: DataFrame, inner: DataFrame) -> None:
    """Estimate the model anew from likely groups, as `Matcher.learn_from_groups` does."""
    count = len(weights.attributes)
    grouped = _grouped(inner, scoring.LIKELY)
    same = inner.join(grouped.selectExpr(*_ENDS, f"left_group = right_group AS {_SAME}"), [*_ENDS])
    codes, counts = _patterns(same, count, _SAME)
    outside, others = _patterns(scored.join(inner, [*_ENDS], "left_anti"), count)
    expected = []
    for rows, are_same, number in (
        (codes, True, counts[:, 1]),
        (codes, False, counts[:, 0] - counts[:, 1]),
    ):
        parts = scoring.responsibilities(scoring.log_classes(weights, rows))
        seen = scoring.seen_in_groups(
            parts[scoring.MATCH], parts[scoring.RELATED], np.full(len(rows), are_same)
        )
        expected.append(np.stack(seen) * number)
    parts = scoring.responsibilities(scoring.log_classes(weights, outside))
    expected.append(parts[: scoring.CHANCE] * others[:, 0])
    scoring.update(
        weights, np.concatenate([codes, codes, outside]), np.concatenate(expected, axis=1)
    )


def _grouped(inner: DataFrame, threshold: float) -> DataFrame:
    """Group the records of each component, and let third records speak for pairs."""
    from pyspark.sql.types import DoubleType, StructField, StructType

    one = inner.schema["left"].dataType
    spark = StructType(
        [
            *(StructField(name, one) for name in ("left", "right", "left_group", "right_group")),
            StructField("probability", DoubleType()),
        ]
    )

    def group(table: pa.Table) -> pa.Table:
        ends = [table.column(name).to_pylist() for name in _ENDS]
        ids = sorted({*ends[0], *ends[1]})
        places = {one: place for place, one in enumerate(ids)}
        i, j = (np.array([places[one] for one in end]) for end in ends)
        i, j = np.minimum(i, j), np.maximum(i, j)
        match, likeness = (table.column(name).to_numpy() for name in ("match", "likeness"))
        label = clusters.group(len(ids), i, j, match, likeness, threshold)
        bits = clusters.said_by_others(len(ids), i, j, match, likeness)
        return pa.table(
            {
                "left": [ids[one] for one in i],
                "right": [ids[one] for one in j],
                "left_group": [ids[one] for one in label[i]],
                "right_group": [ids[one] for one in label[j]],
                "probability": scoring.with_bits(match, bits),
            }
        )

    columns = inner.select(*_ENDS, _COMPONENT, "match", "likeness")
    return columns.groupBy(_COMPONENT).applyInArrow(group, spark)


def _with(comparison: Comparison, lists: Mapping[str, TermFrequency]) -> Comparison:
    """Give a comparison that knows how rare values are among all records."""
    told = {level: lists[one.name] for level, one in comparison.tfs.items()}
    return replace(comparison, tfs=told)

"""Pairs of records on Spark: comparing, scoring and grouping them in Arrow batches."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching import clusters, scoring
from customer_profiles.identity.matching.matcher import WORTH_KEEPING

from .columns import ID, KEYS
from .levels import levels_of
from .session import quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from customer_profiles.identity.arrays import Levels
    from customer_profiles.identity.matching.scoring import Attribute, Weights

    from .columns import Layout
    from .levels import SqlLevels

    Batches = Iterable[pa.RecordBatch]

ENDS = ("left", "right")
COMPONENT = "component"
_SCORES = ("match", "related", "likeness")
_SAME = "same"


def compared(
    api: Any, layout: Layout, weights: Weights, records: DataFrame, rule: str
) -> DataFrame:
    """Return the pairs that a blocking rule finds, with their codes in columns `a0`, `a1`, ….

    Args:
        api: splink's interface to the session.
        layout: the columns of the records.
        weights: the attributes to compare by.
        records: the normalised records.
        rule: `keys`, `component`, or a condition in SQL.
    """
    with quiet():
        from splink import Linker, SettingsCreator, block_on
    rules: Any = rule
    if rule == KEYS:
        rules = block_on(rule, arrays_to_explode=[KEYS])
    elif rule == COMPONENT:
        rules = block_on(rule)
    tfs = [name for name in records.columns if name.endswith("_tf")]
    extra = [COMPONENT] if rule == COMPONENT else []
    attributes = [
        (f"a{number}", attribute, levels_of(attribute.name, attribute.implied_by, layout.addresses))
        for number, attribute in enumerate(weights.attributes)
    ]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=ID,
        comparisons=[_comparison(*attribute) for attribute in attributes],
        blocking_rules_to_generate_predictions=[rules],
        # Splink keeps the columns of levels only along with the columns that it compares.
        retain_matching_columns=True,
        additional_columns_to_retain=[*(name for name, _ in layout.fields()), *tfs, *extra],
    )
    linker = Linker(api.register(records), settings, log_level=logging.ERROR)
    pairs: DataFrame = linker.inference.predict(warning_mode="never").as_spark_dataframe()
    return pairs.selectExpr(
        f"least({ID}_l, {ID}_r) AS left",
        f"greatest({ID}_l, {ID}_r) AS right",
        *(f"{name}_l AS {name}" for name in extra),
        *(f"{_code(*attribute, tfs=bool(tfs))} AS {attribute[0]}" for attribute in attributes),
    ).checkpoint()


def _comparison(name: str, attribute: Attribute, levels: SqlLevels) -> Any:
    """Return splink's description of a comparison."""
    with quiet():
        from splink import comparison_level_library as cll
        from splink import comparison_library as cl

    def probabilities(level: int) -> dict[str, Any]:
        kept = np.clip([attribute.match[level], attribute.chance[level]], 1e-9, 1 - 1e-9)
        return dict(zip(("m_probability", "u_probability"), kept.tolist(), strict=True))

    conditions = [
        cll.CustomLevel(condition, attribute.levels[level]).configure(**probabilities(level))
        for level, condition in levels.conditions
    ]
    return cl.CustomComparison(
        output_column_name=name,
        comparison_levels=[
            cll.CustomLevel(levels.missing, "missing").configure(is_null_level=True),
            *conditions,
            cll.ElseLevel().configure(**probabilities(levels.otherwise)),
        ],
    )


def _code(name: str, attribute: Attribute, levels: SqlLevels, *, tfs: bool) -> str:
    """Return the SQL of an attribute's code: its level and term-frequency class."""
    first = attribute.first_codes()
    cases = [f"WHEN gamma_{name} = -1 THEN {first[0]}"]
    ranks = range(len(levels.conditions), 0, -1)
    for rank, (level, _) in zip(ranks, levels.conditions, strict=True):
        code = str(first[level])
        if tfs and attribute.has_tf[first[level]]:
            code += f" + coalesce({levels.tf}, 0)"
        cases.append(f"WHEN gamma_{name} = {rank} THEN {code}")
    return f"CAST(CASE {' '.join(cases)} ELSE {first[levels.otherwise]} END AS SMALLINT)"


def _codes(batch: pa.RecordBatch, count: int) -> Levels:
    """Return the codes of a batch of pairs."""
    codes = np.empty((batch.num_rows, count), np.uint8, order="F")
    for number in range(count):
        codes[:, number] = batch.column(f"a{number}").to_numpy(zero_copy_only=False)
    return codes


def scored(weights: Weights, pairs: DataFrame, *, every: bool = False) -> DataFrame:
    """Score compared pairs, and keep those that are not almost certainly chance, or every one."""
    from pyspark.sql.types import DoubleType, StructField, StructType

    kept = pairs.select(*(name for name in pairs.columns if name not in _SCORES))
    count = len(weights.attributes)
    schema = StructType(
        [*kept.schema.fields, *(StructField(name, DoubleType()) for name in _SCORES)]
    )

    def score(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            codes = _codes(batch, count)
            parts = scoring.responsibilities(scoring.log_classes(weights, codes))
            likeness = scoring.likeness(weights, codes)
            columns = [*batch.columns, *(
                pa.array(column.astype(float))
                for column in (parts[scoring.MATCH], parts[scoring.RELATED], likeness)
            )]  # fmt: skip
            result = pa.RecordBatch.from_arrays(columns, [*batch.schema.names, *_SCORES])
            if not every:
                worth = parts[scoring.CHANCE] < 1 - WORTH_KEEPING
                result = result.filter(pa.array(worth))
            yield result

    return kept.mapInArrow(score, schema).checkpoint()


def patterns(pairs: DataFrame, count: int, *more: str) -> tuple[Levels, NDArray[np.float64]]:
    """Count pairs by their codes.

    Args:
        pairs: the compared pairs.
        count: the number of attributes.
        more: boolean columns, each of which adds a count of the pairs for which it is true.

    Returns:
        The distinct rows of codes, and their counts of shape (patterns, 1 + len(more)).
    """
    from pyspark.sql import functions as sf

    names = [f"a{number}" for number in range(count)]
    sums = [sf.count("*").alias("pairs")]
    sums += [sf.sum(sf.col(name).cast("long")).alias(name) for name in more]
    batches = pairs.groupBy(*names).agg(*sums).toArrow().combine_chunks().to_batches()
    if not batches:
        return np.empty((0, count), np.uint8), np.empty((0, 1 + len(more)))
    batch = batches[0]
    counts = [batch.column(name).to_numpy(zero_copy_only=False) for name in ("pairs", *more)]
    return _codes(batch, count), np.stack(counts, axis=1).astype(float)


def learn_from_groups(weights: Weights, pairs: DataFrame, inner: DataFrame) -> None:
    """Estimate the model again from likely groups, as `Matcher` does.

    Args:
        weights: the model, changed in place.
        pairs: the scored pairs that blocking found.
        inner: all scored pairs inside possible groups.
    """
    count = len(weights.attributes)
    joined = grouped(inner, scoring.LIKELY)
    same = inner.join(joined.selectExpr(*ENDS, f"left_group = right_group AS {_SAME}"), [*ENDS])
    codes, counts = patterns(same, count, _SAME)
    outside, others = patterns(pairs.join(inner, [*ENDS], "left_anti"), count)
    parts = scoring.responsibilities(scoring.log_classes(weights, codes))
    expected = []
    for are_same, number in ((True, counts[:, 1]), (False, counts[:, 0] - counts[:, 1])):
        seen = scoring.seen_in_groups(
            parts[scoring.MATCH], parts[scoring.RELATED], np.full(len(codes), are_same)
        )
        expected.append(np.stack(seen) * number)
    parts = scoring.responsibilities(scoring.log_classes(weights, outside))
    expected.append(parts[: scoring.CHANCE] * others[:, 0])
    scoring.update(
        weights, np.concatenate([codes, codes, outside]), np.concatenate(expected, axis=1)
    )


def grouped(inner: DataFrame, threshold: float) -> DataFrame:
    """Group the records of each component, and add transitive evidence to the pairs.

    Returns:
        Pairs with `left_group`, `right_group` and `probability`.
    """
    from pyspark.sql.types import DoubleType, StructField, StructType

    id_type = inner.schema["left"].dataType
    schema = StructType(
        [
            *(StructField(name, id_type) for name in (*ENDS, "left_group", "right_group")),
            StructField("probability", DoubleType()),
        ]
    )

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

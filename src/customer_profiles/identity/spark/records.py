"""Normalised records on Spark: read in Arrow batches, and kept as JSON to be compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching.term_frequency import tf_by_counts
from customer_profiles.identity.model import TermFrequencies
from customer_profiles.identity.preparing.addresses import SEPARATOR
from customer_profiles.identity.single.keys import keys_of
from customer_profiles.identity.single.record import Address, Record, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame

    from customer_profiles.identity.matching.term_frequency import TermFrequency
    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.normalize import DatasetStatistics

    Compute = Callable[[pa.RecordBatch], Sequence[pa.Array]]

ID, KEYS, RECORD, TERMS = "record_id", "keys", "record", "terms"
_TERMS = pa.list_(pa.struct([("name", pa.string()), ("text", pa.string())]))


def with_columns(
    frame: DataFrame, kept: Sequence[str], added: Mapping[str, pa.DataType], compute: Compute
) -> DataFrame:
    """Return some columns of a data frame, and columns computed from each Arrow batch.

    Args:
        frame: the data frame.
        kept: the names of the columns to keep.
        added: the names and types of the new columns.
        compute: returns the new columns of a batch.
    """
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StructField, StructType

    fields = [StructField(name, from_arrow_type(kind)) for name, kind in added.items()]
    names = [*kept, *added]

    def map_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [*(batch.column(name) for name in kept), *compute(batch)]
            yield pa.RecordBatch.from_arrays(columns, names)

    schema = StructType([*(frame.schema[name] for name in kept), *fields])
    return frame.mapInArrow(map_batches, schema)


def normalised(
    records: DataFrame,
    kinds: Mapping[str, Kind],
    statistics: DatasetStatistics,
    keys: Sequence[tuple[str, ...]],
) -> DataFrame:
    """Return the ids of records, the normalised records as JSON, and their blocking keys."""

    def compute(batch: pa.RecordBatch) -> list[pa.Array]:
        rows = batch.drop_columns([ID]).to_pylist()
        normal = [read(row, kinds, statistics) for row in rows]
        # Spark has no unsigned integers.
        unsigned = (np.array([*keys_of(record, keys)], np.uint64) for record in normal)
        signed = [of_record.view(np.int64) for of_record in unsigned]
        texts = [json.dumps(record) for record in normal]
        return [pa.array(texts, pa.string()), pa.array(signed, pa.list_(pa.int64()))]

    added = {RECORD: pa.string(), KEYS: pa.list_(pa.int64())}
    return with_columns(records, [ID], added, compute).checkpoint()


def record_of(text: str) -> Record:
    """Return a normalised record from its JSON."""
    record = Record._make(json.loads(text))
    return record._replace(addresses=tuple(map(Address._make, record.addresses)))


def with_terms(normal: DataFrame) -> DataFrame:
    """Return the values of each record whose term frequencies count, by vocabulary."""

    def compute(batch: pa.RecordBatch) -> list[pa.Array]:
        records = map(record_of, batch.column(RECORD).to_pylist())
        rows = [[{"name": name, "text": text} for name, text in _terms(row)] for row in records]
        return [pa.array(rows, _TERMS)]

    return with_columns(normal, (), {TERMS: _TERMS}, compute)


def _terms(record: Record) -> set[tuple[str, str]]:
    """Return the vocabularies and texts of a record's values, as `single.compare` has them."""
    terms: list[tuple[str, str | None]] = [
        ("given", record.given),
        ("middle", record.middle),
        ("family", record.family),
    ]
    terms += [("birth", f"{record.birth:x}" if record.birth else None)]
    terms += [("email", email) for email in record.emails]
    terms += [("phone", phone.lstrip("0")) for phone in record.phones]
    for address in record.addresses:
        line = SEPARATOR.join(filter(None, address.line)) if address.line else None
        terms += [("street", line), ("postal", address.postal), ("city", address.city)]
    return {(name, text) for name, text in (*terms, *record.others.items()) if text is not None}


def count_terms(
    terms: DataFrame, priors: Mapping[str, float | None]
) -> tuple[dict[str, TermFrequency], TermFrequencies, TermFrequencies]:
    """Count the term frequencies of vocabularies.

    Args:
        terms: the records' values, as `with_terms` returns them.
        priors: the prior share of each vocabulary's values, as `tf_by_counts` takes it.

    Returns:
        The term frequencies; the classes of all values but the rarest, by which pairs have to be
        compared to estimate a model; and those of the common values, which the model stores.
    """
    from pyspark.sql import functions as sf

    values = terms.select(sf.inline(TERMS))
    counted = values.groupBy("name", "text").count().checkpoint()
    histogram = counted.groupBy("name", "count").agg(sf.count("*").alias("times")).toArrow()
    names = terms.select(sf.explode(sf.array_distinct(f"{TERMS}.name")).alias("name"))
    having = {row["name"]: row["count"] for row in names.groupBy("name").count().collect()}
    tfs, classes, is_frequent = {}, {}, sf.lit(False)  # noqa: FBT003  (a column's value)
    for name, prior in priors.items():
        table = histogram.filter(pa.array([text == name for text in histogram["name"].to_pylist()]))
        counts, times = table["count"].to_numpy(), table["times"].to_numpy()
        tf = tfs[name] = tf_by_counts(name, counts, times, having.get(name, 0), prior)
        known = dict(zip(counts.tolist(), tf.class_of.tolist(), strict=False))
        classes[name] = {count: number for count, number in known.items() if number < tf.rarest}
        if classes[name]:
            least = min(classes[name])
            is_frequent |= (sf.col("name") == name) & (sf.col("count") >= least)
    every, common = {}, {}
    for row in counted.where(is_frequent).toArrow().to_pylist():
        name, key = row["name"], TermFrequencies.key(row["name"], row["text"])
        every[key] = classes[name][row["count"]]
        if every[key] <= tfs[name].common:
            common[key] = every[key]
    rarest = {name: tf.rarest for name, tf in tfs.items()}
    return tfs, TermFrequencies(rarest, every), TermFrequencies(rarest, common)

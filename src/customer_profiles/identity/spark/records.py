"""Records on Spark: numbered in canonical order, and prepared in Arrow batches.

What the preparation of a record depends on in all others (`BatchStatistics`), term frequencies and
copies are counted on the cluster, by the rules of `identity.resolve`.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching import blocking, copies
from customer_profiles.identity.matching.blocking import locate
from customer_profiles.identity.matching.comparing import tf_across
from customer_profiles.identity.matching.contents import agreement_of
from customer_profiles.identity.matching.term_frequency import (
    IDENTIFIER_SHARE,
    TEXT_SHARE,
    tf_by_counts,
)
from customer_profiles.identity.model import TermFrequencies
from customer_profiles.identity.preparing import addresses, kinds, names
from customer_profiles.identity.preparing.canonical import canonical_numbers
from customer_profiles.identity.preparing.misplaced import NameWords
from customer_profiles.identity.preparing.normalize import (
    BatchStatistics,
    encode_visible,
    first_of,
    hash_of,
    hashes_of,
    look_up,
    order_of_day,
    pc,
)
from customer_profiles.identity.preparing.prepared import are_junk, prepare, texts_by_value
from customer_profiles.identity.preparing.reading import read as read_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from customer_profiles.identity.arrays import Hashes, Integers, Levels, Texts
    from customer_profiles.identity.matching.comparing import Comparison
    from customer_profiles.identity.matching.term_frequency import TermFrequency
    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.prepared import Columns, Prepared

    Classes = dict[str, tuple[Hashes, Levels, int]]
    """For each vocabulary the hashes of values, their classes, and that of all other values."""
    Tally = tuple[str, str | None, str | None, int]
    """A vocabulary, a value, what else it is counted by, and how often it occurs."""

ID, ROW, AMBIGUOUS = "record_id", "row", "ambiguous"
_TALLY = pa.schema([
    ("name", pa.string()), ("text", pa.string()), ("more", pa.string()), ("count", pa.int64()),
])  # fmt: skip
_GIVEN, _FAMILY, _STREET, _STREETS, _DATE = "given", "family", "street", "streets", "date"
_SCRIPT = "script"
_PARTS = (_GIVEN, "middle", _FAMILY)
_PER_PARTITION = 50_000
_UNORDERED = ("email", "phone")
"""Several values of a record are in the order of their numbers, which differ between batches."""
_PRIORS: dict[Kind, float] = {"identifier": IDENTIFIER_SHARE, "text": TEXT_SHARE}
_NO_CLASSES = (np.empty(0, np.uint64), np.empty(0, np.uint8), 0)


def partitions(frame: DataFrame, count: int) -> int:
    """Return into how many partitions to divide so many records."""
    most = -(-count // _PER_PARTITION)
    return max(frame.sparkSession.sparkContext.defaultParallelism, most)


def each_batch(
    frame: DataFrame, schema: pa.Schema, compute: Callable[[pa.RecordBatch], pa.Table]
) -> DataFrame:
    """Return the tables that are computed from each Arrow batch of a data frame."""
    from pyspark.sql.pandas.types import from_arrow_schema

    def compute_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from compute(batch).to_batches()

    return frame.mapInArrow(compute_batches, from_arrow_schema(schema))


@dataclass(frozen=True, slots=True)
class Table:
    """The records on the cluster, and what is known of all of them to prepare a batch."""

    frame: DataFrame = field(repr=False)
    """The numbers, ids and columns of the records, sorted by number."""
    reader: Reader
    rows: int
    """The number of all records."""
    count: int
    """The number of records that are compared."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Prepares batches of records; it is sent to the workers."""

    columns: dict[str, str]
    """The columns of the data frame, by the names of the records' columns."""
    kinds: dict[str, Kind]
    statistics: BatchStatistics = field(default_factory=BatchStatistics)

    def read(self, batch: pa.RecordBatch | pa.Table) -> Columns:
        """Return the columns of a batch."""
        return {name: batch.column(column) for name, column in self.columns.items()}

    def prepared(self, batch: pa.RecordBatch | pa.Table) -> Prepared:
        """Prepare a batch as a part of all records."""
        with ThreadPoolExecutor(1) as pool:
            return prepare(self.read(batch), self.kinds, pool, self.statistics)


def numbered(records: DataFrame, id_column: str) -> tuple[DataFrame, dict[str, str], int]:
    """Read records as text, and number them in the order of `in_canonical_order`.

    Records with the same values are in the order of their ids.

    Returns:
        The records, the columns of the data frame by the records' columns, and their number.
    """
    from pyspark.sql import functions as sf

    none = records.limit(0).toArrow()
    columns = {name: f"c{number}" for number, name in enumerate(read_columns(none, id_column)[1])}
    order = ("total", "by_name")
    schema = pa.schema([
        (ID, none.schema.field(id_column).type),
        *((name, pa.int64()) for name in order),
        *((column, pa.string()) for column in columns.values()),
    ])  # fmt: skip

    def compute(batch: pa.RecordBatch) -> pa.Table:
        ids, read = read_columns(batch, id_column)
        numbers = [_signed(number) for number in canonical_numbers(read)]
        return pa.table([ids, *numbers, *(read[name] for name in columns)], schema=schema)

    # Spark would join partitions by their size, which says little about the work on them.
    parts = partitions(records, records.count())
    every = each_batch(records, schema, compute).repartitionByRange(parts, *order)
    every = every.sortWithinPartitions(*order, ID).drop(*order)
    # The number counts from 0 in each partition, whose number is in the upper 31 bits.
    every = every.withColumn("n", sf.monotonically_increasing_id()).checkpoint()
    sizes = every.groupBy(sf.shiftright("n", 33).cast("int").alias("part")).count()
    size_of = {row["part"]: row["count"] for row in sizes.collect()}
    found = [size_of.get(part, 0) for part in range(max(size_of, default=0) + 1)]
    starts = sf.array(*(sf.lit(int(n)).cast("long") for n in np.cumsum([0, *found])[:-1]))
    part = sf.shiftright("n", 33)
    row = sf.get(starts, part.cast("int")) + sf.col("n") - sf.shiftleft(part, 33)
    return every.withColumn(ROW, row).drop("n"), columns, sum(found)


def _signed(numbers: Hashes) -> NDArray[np.int64]:
    """Return unsigned numbers as signed ones of the same order; Spark has no others."""
    return (numbers ^ np.uint64(1 << 63)).view(np.int64)


def _tallied(frame: DataFrame, tallies: Callable[[pa.RecordBatch], Iterable[Tally]]) -> DataFrame:
    """Count what is found in each batch."""
    from pyspark.sql import functions as sf

    def compute(batch: pa.RecordBatch) -> pa.Table:
        columns = [*zip(*tallies(batch), strict=True)] or [()] * len(_TALLY)
        return pa.table([pa.array(column) for column in columns], schema=_TALLY)

    every = each_batch(frame, _TALLY, compute)
    return every.groupBy("name", "text", "more").agg(sf.sum("count").alias("count"))


def with_statistics(table: Table) -> Table:
    """Count what the preparation of a record depends on in all others."""
    reader = table.reader
    columns_of: dict[Kind, list[str]] = {}
    for name, kind in sorted(reader.kinds.items()):
        columns_of.setdefault(kind, []).append(name)

    def words(batch: pa.RecordBatch) -> Iterator[Tally]:
        columns, count = reader.read(batch), batch.num_rows
        coded = [
            [encode_visible(columns[name]) for name in columns_of.get(kind, ())]
            for kind in (*names.KINDS, "birth_date")
        ]
        counts = names.count_words(coded[:-1], count)
        for part, of_part in zip((_GIVEN, _FAMILY), counts, strict=False):
            yield from ((part, text, None, times) for text, times in of_part.items())
        counted, streets = addresses.count_words(columns, columns_of, count)
        yield from ((_STREET, text, None, times) for text, times in counted.items())
        yield _STREETS, None, None, streets
        dates = first_of(coded[-1], count).values.to_pylist()
        yield from ((_DATE, text, str(order), 1) for text in dates if (order := order_of_day(text)))

    fewest = addresses.most_of_streets(0)
    tallies = _tallied(table.frame, words).where(f"name != '{_STREET}' OR count > {fewest}")
    found: dict[str, Counter[str]] = {name: Counter() for name in (_GIVEN, _FAMILY, _STREET)}
    order, streets = 0, 0
    for row in tallies.toArrow().to_pylist():
        if row["name"] == _STREETS:
            streets = row["count"]
        elif row["name"] == _DATE:
            order += int(row["more"])
        else:
            found[row["name"]][row["text"]] = row["count"]
    most = addresses.most_of_streets(streets)
    statistics = BatchStatistics(
        order > 0,
        frozenset(hash_of(text) for text, times in found[_STREET].items() if times > most),
        frozenset(),
        *NameWords.from_counts(found[_GIVEN], found[_FAMILY]),
    )
    return replace(table, reader=_with_names(table.frame, replace(reader, statistics=statistics)))


def _with_names(frame: DataFrame, reader: Reader) -> Reader:
    """Count formal given names and the values that people of several names share."""
    from pyspark.sql import functions as sf

    formal = {name for found in names.formal_names().values() for name in found}

    def tallies(batch: pa.RecordBatch) -> Iterator[Tally]:
        prepared = reader.prepared(batch)
        if prepared.names is None:
            return
        yield from (
            (_SCRIPT, str(script), None, 1) for script in np.unique(prepared.names.script).tolist()
        )
        counts = Counter(prepared.names.text[prepared.names.given[prepared.names.given >= 0]])
        yield from ((_GIVEN, name, None, counts[name]) for name in formal & counts.keys())
        family = look_up(prepared.names.sound, prepared.names.family)
        # Records without a family name share the name of none.
        sounds = [*prepared.names.sound_text.tolist(), None]
        contacts = {"email": prepared.emails, "phone": prepared.phones, **prepared.identifiers}
        for name, values in contacts.items():
            if values is None:
                continue
            texts = texts_by_value(values)
            rows, columns = np.nonzero(values.codes >= 0)
            pairs = np.stack([values.codes[rows, columns], family[rows]])
            distinct, times = np.unique(pairs, axis=1, return_counts=True)
            for (code, sound), count in zip(distinct.T.tolist(), times.tolist(), strict=True):
                yield f"junk {name}", texts[code], sounds[sound], count

    tallied = _tallied(frame, tallies).checkpoint()
    few = tallied.where(~sf.col("name").startswith("junk ")).toArrow().to_pylist()
    values = tallied.where(sf.col("name").startswith("junk ")).groupBy("name", "text")
    shared = values.agg(sf.sum("count").alias("count"), sf.count("*").alias("names")).toArrow()
    junk = are_junk(shared["count"].to_numpy(), shared["names"].to_numpy())
    shared = shared.filter(pa.array(junk))
    statistics = replace(
        reader.statistics,
        junk=frozenset(map(hash_of, shared["text"].to_pylist())),
        given_names={row["text"]: row["count"] for row in few if row["name"] == _GIVEN},
        scripts=frozenset(int(row["text"]) for row in few if row["name"] == _SCRIPT),
    )
    return replace(reader, statistics=statistics)


@dataclass(frozen=True, slots=True)
class Copies:
    """Records that are not compared, because two others stand for them; see `RowMap`."""

    frame: DataFrame = field(repr=False)
    """The numbers and ids of the copies, the numbers of the first and second of their equals, and
    how many copies each first one has."""

    def labels(self, labels: DataFrame) -> DataFrame:
        """Return the groups of the copies, from those of all other records."""
        found = self.frame
        for end in ("first", "second"):
            found = found.join(labels.selectExpr(f"{ROW} AS {end}", f"number AS {end}_group"), end)
        own = f"if(first_group = second_group, first_group, {ROW}) AS number"
        return found.selectExpr(ROW, ID, own)

    def pairs(self, pairs: DataFrame) -> DataFrame:
        """Return all pairs of records, as `RowMap.pairs` does, from those of compared records."""
        names = ("left", "right", "probability")
        ends = "first AS left", "second AS right"
        own = self.frame.selectExpr(*ends, f"{ROW} AS copy", "size").join(pairs, ["left", "right"])
        result = pairs.union(own.selectExpr("left", "copy AS right", "probability"))
        listed = own.where(f"size <= {copies.MOST_LISTED - 2}")
        other = listed.selectExpr("left", "copy AS other")
        among = listed.join(other, "left").where("copy < other")
        result = result.union(among.selectExpr("copy AS left", "other AS right", "probability"))
        # A pair of other records is a pair of each of their copies, too.
        few = self.frame.where(f"size <= {copies.MOST_LISTED - 2}")
        left, right = (
            few.selectExpr(f"first AS {end}", f"{ROW} AS {end}_copy") for end in names[:2]
        )
        of_left, of_right = pairs.join(left, "left"), pairs.join(right, "right")
        return (
            result.union(of_left.selectExpr("left_copy", "right", "probability"))
            .union(of_right.selectExpr("left", "right_copy", "probability"))
            .union(
                of_left.join(right, "right").selectExpr("left_copy", "right_copy", "probability")
            )
        )


def content(prepared: Prepared) -> Hashes:
    """Return a hash of all that is compared of each record, the same in all batches."""
    result = np.zeros(prepared.count, np.uint64)
    every = [*vocabularies(prepared), *_without_terms(prepared)]
    if (people := prepared.names) is not None:
        every.append(("company", people.is_company.astype(np.int32) - 1, ["company"]))
    if (found := prepared.addresses) is not None:
        every.append(("whole street", found.street, found.street_text))
        every.append(("state", found.state, found.state_text))
    for name, codes, texts in every:
        hashes = np.append(hashes_of(pa.array(texts, pa.string())), np.uint64(0))[codes]
        hashes = hashes.reshape(prepared.count, -1)
        if name in _UNORDERED:
            hashes = hashes.sum(axis=1, keepdims=True)
        # What is missing adds nothing: a batch may have no value of a column.
        for slot, column in enumerate(hashes.T):
            mixed = column * np.uint64(2 * hash_of(f"{name} {slot}") + 1)
            result += mixed ^ (mixed >> np.uint64(31))
    return result


def _without_terms(prepared: Prepared) -> Iterator[tuple[str, Integers, Texts]]:
    """Yield the values of records whose frequencies do not count."""
    if prepared.gender is not None and prepared.gender_text is not None:
        yield kinds.GENDER, prepared.gender, prepared.gender_text
    if prepared.names is not None:
        yield kinds.SUFFIX, prepared.names.suffix, prepared.names.suffix_text


def without_copies(table: Table) -> tuple[Table, Copies | None]:
    """Leave out copies as `matching.copies.without_copies` does, and mark ambiguous records."""
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    frame, reader = table.frame, table.reader
    schema = pa.schema([(ROW, pa.int64()), ("content", pa.int64())])

    def contents(batch: pa.RecordBatch) -> pa.Table:
        hashes = content(reader.prepared(batch)).view(np.int64)
        return pa.table([batch.column(ROW), hashes], schema=schema)

    every = each_batch(frame, schema, contents).checkpoint()
    distinct = every.groupBy("content").agg(sf.min(ROW).alias("first"), sf.count("*").alias("size"))
    distinct = distinct.checkpoint()
    many = distinct.where(sf.col("size") > copies.FEWEST)
    if many.isEmpty():
        return replace(table, frame=frame.withColumn(AMBIGUOUS, sf.lit(False))), None  # noqa: FBT003
    found = distinct.count()
    firsts = frame.join(distinct.selectExpr(f"first AS {ROW}"), ROW, "left_semi")
    shared = {
        name: agreement_of(histogram["count"].to_numpy(), histogram["times"].to_numpy())
        for name, histogram in _histograms(firsts, reader).items()
    }
    kind = pa.schema([("first", pa.int64()), ("identifies", pa.bool_())])
    count = table.count

    def identify(batch: pa.RecordBatch) -> pa.Table:
        prepared = reader.prepared(batch)
        every = {name: shared.get(name, 1.0) for name in prepared.texts}
        return pa.table(
            [batch.column(ROW), copies.identify(prepared, every, found, count)], schema=kind
        )

    firsts = frame.join(many.selectExpr(f"first AS {ROW}"), ROW, "left_semi")
    decided = many.join(each_batch(firsts, kind, identify), "first").drop("first", "size")
    rows = every.join(decided, "content")
    window = Window.partitionBy("content").orderBy(ROW)
    rows = rows.withColumn("nth", sf.row_number().over(window)).checkpoint()
    equal = rows.where("identifies")
    ends = (
        equal.where("nth <= 2")
        .groupBy("content")
        .agg(sf.min(ROW).alias("first"), sf.max(ROW).alias("second"))
    )
    left_out = equal.where("nth > 2").join(ends, "content").select(ROW, "first", "second")
    sizes = left_out.groupBy("first").agg(sf.count("*").alias("size"))
    left_out = left_out.join(sizes, "first").join(frame.select(ROW, ID), ROW).checkpoint()
    ambiguous = rows.where("NOT identifies").select(ROW, sf.lit(True).alias(AMBIGUOUS))  # noqa: FBT003
    kept = frame.join(left_out.select(ROW), ROW, "left_anti").join(ambiguous, ROW, "left")
    kept = kept.withColumn(AMBIGUOUS, sf.coalesce(AMBIGUOUS, sf.lit(False))).checkpoint()  # noqa: FBT003
    return replace(table, frame=kept, count=kept.count()), Copies(left_out)


def vocabularies(prepared: Prepared) -> Iterator[tuple[str, Integers, Sequence[str] | Texts]]:
    """Yield the values of records by vocabulary, as `matching.comparing` counts their terms."""
    if (people := prepared.names) is not None:
        for part in (_GIVEN, "middle", _FAMILY):
            yield part, getattr(people, part), people.text
    if (birth := prepared.birth) is not None:
        dates, codes = np.unique(birth, return_inverse=True)
        yield "birth", np.where(birth > 0, codes, -1), [f"{date:x}" for date in dates.tolist()]
    if prepared.emails is not None:
        yield "email", prepared.emails.codes, prepared.emails.text
    if prepared.phones is not None:
        packed = prepared.phones.packed.tolist()
        yield "phone", prepared.phones.codes, [f"{number:x}" for number in packed]
    if (found := prepared.addresses) is not None:
        yield "street", found.line, found.line_text
        yield "postal", found.postal, found.postal_text
        yield "city", found.city, found.city_text
    for name, values in (*prepared.identifiers.items(), *prepared.texts.items()):
        yield name, values.codes, values.text


def _histograms(frame: DataFrame, reader: Reader) -> dict[str, pa.Table]:
    """Return for each column of text how many of its values have each number of records."""
    texts = [name for name, kind in reader.kinds.items() if kind == "text"]
    every = _tallied(frame, lambda batch: _terms(reader.prepared(batch), texts))
    return _histograms_of(every)


def _histograms_of(tallied: DataFrame) -> dict[str, pa.Table]:
    from pyspark.sql import functions as sf

    counted = tallied.groupBy("name", "count").agg(sf.count("*").alias("times")).toArrow()
    names = pc.unique(counted["name"]).to_pylist()
    return {name: counted.filter(pc.equal(counted["name"], name)) for name in names}


def _terms(prepared: Prepared, only: Sequence[str] | None = None) -> Iterator[Tally]:
    for name, codes, texts in vocabularies(prepared):
        if only is None or name in only:
            counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
            found = zip(texts, counts, strict=True)
            yield from ((name, text, None, times) for text, times in found if times)


@dataclass(frozen=True, slots=True)
class Terms:
    """Term frequencies of all records, and what else they have."""

    having: dict[str, int]
    """How many records have a value, by vocabulary; or by the name of an attribute without one."""
    histograms: dict[str, pa.Table]
    """For each vocabulary how many of its values have each number of records."""
    atoms: frozenset[str]
    """The atoms that blocking keys combine."""
    frequencies: dict[str, TermFrequency] = field(default_factory=dict)
    classes: dict[str, tuple[Hashes, Levels]] = field(default_factory=dict)
    """The hashes of the values of each vocabulary, sorted, and their classes; of those that are
    more common than the rarest class."""
    common: dict[int, int] = field(default_factory=dict)
    """The classes of the common values, as a model stores them."""

    def agreement(self, name: str) -> float:
        """Return the probability that two records share a value of a column."""
        histogram = self.histograms.get(name)
        if histogram is None:
            return 0.0
        return agreement_of(histogram["count"].to_numpy(), histogram["times"].to_numpy())

    def is_constant(self, name: str) -> bool:
        """Return whether all records share the value of a column."""
        histogram = self.histograms.get(name)
        return histogram is not None and pc.sum(histogram["times"]).as_py() == 1

    @property
    def classes_by_vocabulary(self) -> Classes:
        """What workers need to find the classes of values."""
        return {
            name: (*found, self.frequencies[name].rarest) for name, found in self.classes.items()
        }


def count_terms(table: Table) -> Terms:
    """Count the term frequencies of all records."""
    from pyspark.sql import functions as sf

    reader = table.reader

    def tallies(batch: pa.RecordBatch) -> Iterator[Tally]:
        prepared = reader.prepared(batch)
        yield from _terms(prepared)
        for name, codes, _ in (*vocabularies(prepared), *_without_terms(prepared)):
            count = int((codes.reshape(len(codes), -1) >= 0).any(axis=1).sum())
            yield name, None, "having", count
        for name in blocking.atoms(prepared):
            yield name, None, "atom", 1

    every = _tallied(table.frame, tallies).checkpoint()
    more = every.where("more IS NOT NULL").toArrow().to_pylist()
    values = every.where("more IS NULL")
    terms = Terms(
        {row["name"]: row["count"] for row in more if row["more"] == "having" and row["count"]},
        _histograms_of(values),
        frozenset(row["name"] for row in more if row["more"] == "atom"),
    )
    for name, histogram in terms.histograms.items():
        prior = _PRIORS.get(reader.kinds.get(name, "ignored"))
        if name in _PARTS and len(reader.statistics.scripts) > 1:
            found = values.where(sf.col("name") == name).toArrow()
            texts, own = found["text"].combine_chunks(), found["count"].to_numpy()
            people = names.of_vocabulary(texts, reader.statistics)
            terms.frequencies[name] = tf = tf_across(name, own, people)
            numbers = tf.class_of[:-1]
        else:
            counts, times = histogram["count"].to_numpy(), histogram["times"].to_numpy()
            terms.frequencies[name] = tf = tf_by_counts(
                name, counts, times, terms.having[name], prior
            )
            known = dict(zip(counts.tolist(), tf.class_of.tolist(), strict=False))
            frequent = [count for count, number in known.items() if number < tf.rarest]
            if not frequent:
                terms.classes[name] = (np.empty(0, np.uint64), np.empty(0, np.uint8))
                continue
            found = values.where((sf.col("name") == name) & (sf.col("count") >= min(frequent)))
            found = found.toArrow()
            texts = found["text"].combine_chunks()
            numbers = np.array([known[count] for count in found["count"].to_pylist()], np.uint8)
        kept = numbers < tf.rarest
        hashes = hashes_of(texts)[kept]
        order = np.argsort(hashes)
        terms.classes[name] = hashes[order], numbers[kept][order]
        found = zip(texts.filter(pa.array(kept)).to_pylist(), numbers[kept].tolist(), strict=True)
        terms.common.update(
            (TermFrequencies.key(name, text), number)
            for text, number in found
            if number <= tf.common
        )
    return terms


def use_classes(found: Sequence[Comparison], classes: Classes) -> None:
    """Let comparisons of a batch use the term-frequency classes of all records, in place."""
    for tf in {id(tf): tf for c in found for tf in c.term_frequencies.values()}.values():
        texts = pa.array([tf.text(number) for number in range(len(tf.class_of) - 1)], pa.string())
        hashes, numbers, rarest = classes.get(tf.name, _NO_CLASSES)
        at, known = locate(hashes, hashes_of(texts))
        of_values = np.full(len(texts), rarest, np.uint8)
        of_values[known] = numbers[at[known]]
        tf.class_of = np.append(of_values, np.uint8(0))

"""Entity resolution on Spark, with the result of `identity.resolve` for a model that is passed.

Spark reads, joins and groups; records are prepared, compared and scored by the code of
`identity.resolve`, in Arrow batches on the cluster. Only counts (of values, of sizes of blocks and
of patterns of codes) and a sample of records reach this process.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from customer_profiles.identity.matching import blocking, copies, estimation, roles, scoring
from customer_profiles.identity.matching.comparing import comparisons
from customer_profiles.identity.matching.contents import repeated
from customer_profiles.identity.model import Model, TermFrequencies
from customer_profiles.identity.preparing import kinds as known_kinds
from customer_profiles.identity.preparing.canonical import in_canonical_order
from customer_profiles.identity.preparing.classifying import SAMPLED, classify
from customer_profiles.identity.preparing.companies import is_company_column
from customer_profiles.identity.preparing.normalize import DatasetStatistics
from customer_profiles.identity.preparing.prepared import prepare
from customer_profiles.identity.resolution import check

from .pairs import (
    ENDS,
    candidates,
    compared,
    grouped,
    inside_groups,
    learn_from_groups,
    packed,
    patterns,
    rescored,
)
from .records import (
    ID,
    ROW,
    Reader,
    Table,
    count_terms,
    numbered,
    with_statistics,
    without_copies,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from customer_profiles.identity.matching.comparing import Comparison
    from customer_profiles.identity.matching.contents import Content
    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.prepared import Columns, Prepared

    from .records import Copies, Terms

_SAMPLED_RECORDS, _RANDOM_RECORDS = 50_000, 500
_ROUNDS = 2
_ATTRIBUTES = {
    "given": known_kinds.GIVEN_NAME,
    "middle": known_kinds.MIDDLE_NAME,
    "family": known_kinds.FAMILY_NAME,
    "birth": known_kinds.BIRTH_DATE,
    "email": known_kinds.EMAIL,
    "phone": known_kinds.PHONE,
    "street": known_kinds.STREET,
    "postal": known_kinds.LOCALITY,
    "city": known_kinds.LOCALITY,
}
"""The attributes by the vocabularies of their values."""


@dataclass(frozen=True, slots=True)
class SparkResolution:
    """The result of `resolve`, on the cluster."""

    pairs: DataFrame
    """Pairs of records, the lower id first: `left`, `right` and `probability`."""
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
        records: the records; what their columns hold is recognised as in `identity.resolve`.
        id_column: the column of the records' ids.
        kinds: what columns hold, where that is not recognised.
        threshold: the least probability of a pair that joins two records.
        model: a model that was estimated before, here or by `identity.resolve`; without it, one is
            estimated from these records.

    Raises:
        ValueError: a column, kind, threshold or model is wrong, or the session has no folder for
            checkpoints; the message says which.
    """
    if id_column not in records.columns:
        msg = f"id_column: the records have no column {id_column!r}"
        raise ValueError(msg)
    _check_model(model)
    if records.sparkSession.sparkContext.getCheckpointDir() is None:
        msg = (
            "the Spark session has no folder for checkpoints, without which plans grow with every "
            "step; set one with spark.sparkContext.setCheckpointDir()"
        )
        raise ValueError(msg)
    _check_ids(records, id_column)
    frame, columns, count = numbered(records, id_column)
    known: dict[str, Kind] = dict(kinds or {})
    check(known, columns, threshold)
    for name, kind in (model.kinds if model else {}).items():
        if name in columns:
            known.setdefault(name, kind)
    table = Table(frame, Reader(columns, known), count, count)
    if model is None:
        return _estimated(table, known, threshold)
    if columns.keys() - known.keys():
        found = classify(_sample(table, SAMPLED), known)
        table = _with_kinds(table, {name: column.kind for name, column in found.items()})
    table, terms, copied = _counted(table)
    _check_attributes(model, terms)
    packed_pairs = _candidates(table, terms, model)
    pairs = compared(table, packed_pairs, model, terms.classes_by_vocabulary)
    return _resolution(table, copied, pairs, _inner(table, terms, model, pairs), model, threshold)


def _check_model(model: Model | None) -> None:
    if model is not None and model.own:
        msg = "a model with own comparisons or of splink does not run on Spark; use resolve"
        raise ValueError(msg)
    if model is not None and (model.labels or model.sources):
        msg = (
            "a model with labels or sources links records in a way that Spark does not; use "
            "resolve, or pass dataclasses.replace(model, labels=(), sources=None) to score and "
            "group the pairs without these links"
        )
        raise ValueError(msg)


def _check_ids(records: DataFrame, id_column: str) -> None:
    from pyspark.sql import functions as sf

    ids = records.select(sf.col(f"`{id_column}`").alias(ID))
    wrong = ids.groupBy(ID).count().where(sf.col(ID).isNull() | (sf.col("count") > 1))
    if not wrong.isEmpty():
        msg = f"id_column: ids in {id_column!r} are missing or not distinct; name another column"
        raise ValueError(msg)


def _check_attributes(model: Model, terms: Terms) -> None:
    """Check that a model knows the attributes that the records have values of."""
    known = {attribute.name for attribute in model.weights.attributes}
    for name in terms.having:
        if _ATTRIBUTES.get(name, name) not in known:
            msg = f"the model was estimated without the attribute {_ATTRIBUTES.get(name, name)!r}"
            raise ValueError(msg)


def _sample(table: Table, size: int) -> Columns:
    """Return the first records in canonical order, which is random."""
    rows = table.frame.where(f"{ROW} < {size}").toArrow().sort_by(ROW)
    return {name: rows[column] for name, column in table.reader.columns.items()}


def _with_kinds(table: Table, kinds: Mapping[str, Kind]) -> Table:
    return replace(table, reader=replace(table.reader, kinds={**kinds}))


def _counted(table: Table) -> tuple[Table, Terms, Copies | None]:
    """Count the statistics of all records, leave out copies, and count term frequencies."""
    table, copied = without_copies(with_statistics(table))
    terms = count_terms(table)
    texts = [name for name, kind in table.reader.kinds.items() if kind == "text"]
    # A text that all records share distinguishes none of them.
    constant = {name for name in texts if terms.is_constant(name)}
    if constant:
        table = _with_kinds(table, _ignoring(table.reader.kinds, constant))
        terms = count_terms(table)
    return table, terms, copied


def _candidates(table: Table, terms: Terms, model: Model | None = None) -> DataFrame:
    """Return the packed pairs that share a blocking key; none if nothing identifies a person."""
    of_kind = table.reader.kinds.items()
    texts = [name for name, kind in of_kind if kind == "text" and name in terms.having]
    shared = {f"text {name}": terms.agreement(name) for name in texts}
    contacts = {"email", "phone", *(name for name, kind in of_kind if kind == "identifier")}
    personal = sum(name in terms.having for name in ("given", "family", "birth", "street"))
    nothing = terms.having.keys().isdisjoint(contacts) and copies.little_identifies(
        personal, [*shared.values()], table.count
    )
    distinctive = {name for name, share in shared.items() if share <= blocking.MOST_OF_TEXT}
    keys = [] if nothing else blocking.keys_of(terms.atoms, table.count, distinctive)
    if table.count > blocking.ALL_KEYS and model is not None and model.chosen_keys:
        keys = blocking.chosen(keys, model.chosen_keys)
    return candidates(table, keys, len(texts))


def _inner(table: Table, terms: Terms, model: Model, pairs: DataFrame) -> DataFrame:
    """Compare and score all pairs inside possible groups."""
    inside = inside_groups(pairs)
    classes = terms.classes_by_vocabulary
    scored = compared(table, packed(inside), model, classes, every=True)
    return scored.join(inside, [*ENDS])


def _estimated(table: Table, declared: Mapping[str, Kind], threshold: float) -> SparkResolution:
    """Estimate a model from the records as `Matcher.estimated` does, and resolve them by it."""
    sampled = _sample(table, _SAMPLED_RECORDS)
    with ThreadPoolExecutor(1) as pool:
        columns, _ = in_canonical_order(sampled, pool)
        prepared = prepare(columns, declared, pool)
    free = {name for name in prepared.texts if name not in declared and not is_company_column(name)}
    copied = {name for name in repeated(columns, prepared) if name in free}
    for name in copied:
        del prepared.texts[name]
    table = _with_kinds(table, _ignoring(prepared.kinds, copied))
    table, terms, copied_rows = _counted(table)
    known = _with_terms(prepared, terms, table.count)
    if not known:
        msg = "the records have no column with values that could be compared"
        raise ValueError(msg)
    weights = estimation.begin(known, np.zeros((1, len(known)), np.uint8), table.count)
    model = Model(weights, table.reader.kinds)
    pairs = _candidates(table, terms)
    classes = terms.classes_by_vocabulary
    found = compared(table, pairs, model, classes, scores=False)
    codes, counts, _ = patterns(
        weights, compared(table, _random_pairs(table), model, classes, scores=False, every=True)
    )
    random = np.repeat(codes, counts.astype(int), axis=0)
    weights = estimation.begin(known, random, table.count)
    estimation.estimate(weights, *patterns(weights, found)[:2])
    contents: dict[str, Content] = {
        comparison.name: comparison.content
        for comparison in known
        if comparison.content is not None
    }
    unrelated = {name for name in roles.unrelated(weights, contents) if name in free}
    if unrelated:
        kept = [n for n, comparison in enumerate(known) if comparison.name not in unrelated]
        weights.attributes[:] = [weights.attributes[n] for n in kept]
        estimation.allow_for_overlaps(weights.attributes, random[:, kept])
        table = _with_kinds(table, _ignoring(table.reader.kinds, unrelated))
        found = compared(table, pairs, replace(model, weights=weights), classes, scores=False)
    model = replace(model, weights=weights, kinds=table.reader.kinds)
    scored = rescored(weights, found)
    inner = _inner(table, terms, model, scored)
    for _ in range(_ROUNDS):
        before = [replace(attribute) for attribute in weights.attributes]
        learn_from_groups(weights, scored, inner)
        if not estimation.is_sound(weights):
            weights.attributes[:] = before
            break
        scored = rescored(weights, scored)
        inner = _inner(table, terms, model, scored)
    model = _stored(model, table, terms, prepared)
    return _resolution(table, copied_rows, scored, inner, model, threshold)


def _ignoring(kinds: Mapping[str, Kind], names: set[str]) -> dict[str, Kind]:
    return {name: "ignored" if name in names else kind for name, kind in kinds.items()}


def _with_terms(prepared: Prepared, terms: Terms, count: int) -> list[Comparison]:
    """Return the comparisons of a sample, with what was counted in all records."""
    times = scoring.pairs_of(count) / scoring.pairs_of(prepared.count)
    return [
        replace(
            comparison,
            term_frequencies={
                level: terms.frequencies.get(tf.name, tf)
                for level, tf in comparison.term_frequencies.items()
            },
            counted={level: pairs * times for level, pairs in comparison.counted.items()},
        )
        for comparison in comparisons(prepared)
    ]


def _random_pairs(table: Table) -> DataFrame:
    """Return all pairs of some records, the first ones in canonical order, which is random."""
    from pyspark.sql import functions as sf

    sample = table.frame.select(ROW).orderBy(ROW).limit(_RANDOM_RECORDS).checkpoint()
    left, right = (sample.select(sf.col(ROW).alias(end)) for end in ENDS)
    return packed(left.crossJoin(right).where("left < right"))


def _stored(model: Model, table: Table, terms: Terms, prepared: Prepared) -> Model:
    """Return an estimated model with what is needed to compare further records."""
    statistics = table.reader.statistics
    names = ("days_first", "stop_words", "junk", "given_words", "family_words")
    rarest = {name: tf.rarest for name, tf in terms.frequencies.items()}
    return replace(
        model,
        keys=tuple(blocking.keys_for(blocking.atoms(prepared), table.count)),
        statistics=DatasetStatistics(*(getattr(statistics, name) for name in names)),
        term_frequencies=TermFrequencies(rarest, terms.common),
    )


def _resolution(  # noqa: PLR0913, PLR0917  (the parts of a result)
    table: Table,
    copied: Copies | None,
    pairs: DataFrame,
    inner: DataFrame,
    model: Model,
    threshold: float,
) -> SparkResolution:
    from pyspark.sql import functions as sf

    joined = grouped(inner, threshold).checkpoint()
    left, right = (joined.selectExpr(f"{end} AS {ROW}", f"{end}_group AS number") for end in ENDS)
    ids = table.frame.select(ROW, ID)
    labels = ids.join(left.union(right).distinct(), ROW, "left")
    labels = labels.selectExpr(ROW, ID, f"coalesce(number, {ROW}) AS number").checkpoint()
    outside = pairs.join(inner, [*ENDS], "left_anti")
    both = joined.select(*ENDS, "probability").union(
        outside.selectExpr(*ENDS, "match AS probability")
    )
    if copied is not None:
        ids = ids.union(copied.frame.select(ROW, ID))
        both = copied.pairs(both.checkpoint())
        labels = labels.union(copied.labels(labels))
    lowest = labels.groupBy("number").agg(sf.min(ID).alias("group"))
    groups = labels.join(lowest, "number").select(sf.col(ID).alias("id"), "group")
    for end in ENDS:
        both = both.join(ids.selectExpr(f"{ROW} AS {end}", f"{ID} AS {end}_id"), end)
    ends = ("least(left_id, right_id) AS left", "greatest(left_id, right_id) AS right")
    probability = "CAST(probability AS DOUBLE) AS probability"
    return SparkResolution(both.selectExpr(*ends, probability), groups, model)

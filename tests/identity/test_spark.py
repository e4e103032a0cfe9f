"""A local Spark finds the same as `resolve` in this process."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

from customer_profiles.identity import resolve

from .people import people

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
    pytest.mark.filterwarnings("ignore"),  # pyspark's, of pandas and of its own sockets
]


@pytest.fixture(scope="module")
def spark():
    from customer_profiles.identity import spark

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        # Compiling and optimising the plans takes longer than running them on so few rows.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.adaptive.enabled": "false",
    }
    session = spark.session("local[1]", settings)
    yield session
    session.stop()


@pytest.fixture(scope="module")
def rows():
    made, _ = people(260, seed=12)
    empty = dict.fromkeys({name for row in made for name in row})
    return [empty | row | {"ProfileId": f"p{n:05d}"} for n, row in enumerate(made)]


@pytest.fixture(scope="module")
def frame(spark, rows):
    return spark.createDataFrame(pa.Table.from_pylist(rows))


@pytest.fixture(scope="module")
def embedded(rows):
    return resolve(rows)


def pairs_in(groups):
    return {(a, b) for ids in groups for a in ids for b in ids if a < b}


def grouped(embedded, found):
    """Return the pairs of records that are in one group, here and on Spark."""
    members = {}
    table = found.groups.toArrow()
    for record, group in zip(table["id"].to_pylist(), table["group"].to_pylist(), strict=True):
        members.setdefault(group, []).append(record)
    return pairs_in(group.ids for group in embedded.groups), pairs_in(members.values())


def test_a_model_finds_the_same_on_spark(frame, embedded, rows):
    """Two differences are known, so nearly all pairs must agree.

    Values that few records share count as if two records had them, and blocking ignores keys that
    more than 50 records have.
    """
    from customer_profiles.identity import spark

    found = spark.resolve(frame, id_column="ProfileId", model=embedded.model)
    here, there = grouped(embedded, found)
    table = found.pairs.toArrow().to_pydict()
    ends = zip(table["left"], table["right"], strict=True)
    scored = dict(zip(ends, table["probability"], strict=True))
    pairs = embedded.pairs(0.5)
    likely = {
        (rows[i]["ProfileId"], rows[j]["ProfileId"]): p
        for i, j, p in zip(pairs.left, pairs.right, pairs.probability, strict=True)
    }
    off = np.array([abs(scored.get(pair, 0) - p) for pair, p in likely.items()])

    assert len(here & there) >= 0.97 * len(here | there)
    assert (off < 0.05).mean() >= 0.95
    assert found.groups.count() == len(rows)


def test_a_model_estimated_on_spark_finds_nearly_the_same(frame, embedded):
    from customer_profiles.identity import spark

    found = spark.resolve(frame, id_column="ProfileId")
    here, there = grouped(embedded, found)

    assert len(here & there) >= 0.95 * len(here | there)
    names, expected = (
        [attribute.name for attribute in model.weights.attributes]
        for model in (found.model, embedded.model)
    )
    assert names == expected


WRONG = [
    ({"id_column": "nr"}, "no column 'nr'"),
    ({"id_column": "ProfileId", "threshold": 95}, "threshold is a probability"),
    (
        {"id_column": "ProfileId", "kinds": {"x": "email"}},
        "the column 'x', which the records do not have",
    ),
]


def test_values_of_a_few_records_are_counted_in_the_classes_they_are_estimated_by(spark):
    from customer_profiles.identity.model import TermFrequencies
    from customer_profiles.identity.spark.records import TERMS, count_terms

    emails = ["four@example.org"] * 4 + [f"two{n % 20}@example.org" for n in range(40)]
    terms = [{TERMS: [{"name": "email", "text": email}]} for email in emails]

    tfs, every, _ = count_terms(spark.createDataFrame(pa.Table.from_pylist(terms)), {"email": None})
    tf, classes = tfs["email"], every.common

    four = TermFrequencies.key("email", "four@example.org")
    assert classes.keys() == {four}
    assert classes[four] < tf.rarest
    assert tf.pairs[classes[four]] == 6
    assert tf.pairs[tf.rarest] == 20


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_input_is_named(frame, arguments, message):
    from customer_profiles.identity import spark

    with pytest.raises(ValueError, match=message):
        spark.resolve(frame, **arguments)

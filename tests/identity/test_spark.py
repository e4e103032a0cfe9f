"""A local Spark finds the same as `resolve` in this process, for a given model."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pyarrow as pa
import pytest

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import blocking

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
        # The records have to be in several batches.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "200",
    }
    session = spark.session("local[1]", settings)
    yield session
    session.stop()


NOTES, SHOPS, NUMBERS = 90, ("North Road", "South Gate", "West End"), 700


def made(households, seed):
    """Return records of several scripts, with columns of their own, copies and namesakes."""
    rows = [
        row | {"Shop": SHOPS[n % 3], "Nr": f"K{n % NUMBERS:05d}", "Note": f"no {n % NOTES} {n % 7}"}
        for n, row in enumerate(people(households, seed=seed)[0])
    ]
    home = next(row for row in rows if "Address1" in row and "City" in row)
    company = {"LastName": "Nordwind GmbH", "Address1": home["Address1"], "City": home["City"]}
    rows += [company, company | {"LastName": home.get("LastName", "Nordwind") + " AG"}]
    copies = [row | {"FirstName": row["FirstName"].upper()} for row in [named(rows, 0)] * 14]
    rows += [*copies, *[named(rows, 1)] * 30, *[{"FirstName": "Maria"}] * 15]
    empty = dict.fromkeys({name for row in rows for name in row})
    return [empty | row | {"ProfileId": f"p{n:05d}"} for n, row in enumerate(rows)]


def named(rows, number):
    return [row for row in rows if row.get("FirstName") and row.get("LastName")][number]


@pytest.fixture(scope="module")
def rows():
    return made(140, seed=12)


@pytest.fixture(scope="module")
def frame(spark, rows):
    return spark.createDataFrame(pa.Table.from_pylist(rows))


@pytest.fixture(scope="module")
def embedded(rows):
    return resolve(rows)


def memberships(found):
    members = {}
    table = found.groups.toArrow()
    for record, group in zip(table["id"].to_pylist(), table["group"].to_pylist(), strict=True):
        members.setdefault(group, set()).add(record)
    assert all(min(records) == group for group, records in members.items())
    return members.values()


def groups_of(found):
    """Return the groups of two or more records that Spark found."""
    return {frozenset(records) for records in memberships(found) if len(records) > 1}


def pairs_in(groups):
    return {(a, b) for ids in groups for a in ids for b in ids if a < b}


def assert_equal(found, here, rows):
    """Check that Spark found the pairs, probabilities and groups that were found here."""
    ids = [row["ProfileId"] for row in rows]
    pairs = here.pairs(0.003)
    expected = {
        (ids[i], ids[j]): probability
        for i, j, probability in zip(*(column.tolist() for column in pairs), strict=True)
    }
    table = found.pairs.where("probability >= 0.003").toArrow().to_pydict()
    scored = {
        (left, right): probability for left, right, probability in zip(*table.values(), strict=True)
    }

    assert len(scored) == len(table["left"])
    assert scored == pytest.approx(expected, abs=1e-5)
    assert groups_of(found) == {frozenset(group.ids) for group in here.groups}
    assert sum(map(len, memberships(found))) == len(rows)


def test_a_model_of_other_records_finds_the_same_on_spark(frame, rows, monkeypatch):
    """Blocks exceed the budget of their key, and pairs are compared in several cells."""
    from customer_profiles.identity import spark
    from customer_profiles.identity.spark import pairs

    monkeypatch.setattr(blocking, "_FEWEST_PAIRS", 300)
    monkeypatch.setattr(blocking, "_PAIRS_A_RECORD", 1)
    monkeypatch.setattr(pairs, "_PER_CELL", 300)
    model = resolve(made(200, seed=13), kinds={"Note": "text", "Shop": "text"}).model
    here = resolve(rows, model=model)

    assert len(here._matcher.rows.copies)
    assert len(here._matcher.rows.ambiguous)
    assert here._matcher.prepared.names.readings
    assert here._matcher.prepared.identifiers
    assert here._matcher.prepared.texts
    assert len(here.groups) > 100
    assert_equal(spark.resolve(frame, id_column="ProfileId", model=model), here, rows)


def test_a_model_estimated_on_spark_finds_nearly_the_same(frame, embedded):
    from customer_profiles.identity import spark

    found = spark.resolve(frame, id_column="ProfileId")
    here, there = pairs_in(group.ids for group in embedded.groups), pairs_in(groups_of(found))

    assert len(here & there) >= 0.97 * len(here | there)
    names, expected = (
        [attribute.name for attribute in model.weights.attributes]
        for model in (found.model, embedded.model)
    )
    assert names == expected


def test_records_that_nothing_identifies_stay_alone(spark, embedded):
    from customer_profiles.identity import spark as on_spark

    rows = [{"ProfileId": f"p{n}", "FirstName": ("Eva", "Uwe")[n % 2]} for n in range(30)]
    frame = spark.createDataFrame(pa.Table.from_pylist(rows))
    with pytest.warns(UserWarning, match="do not identify people"):
        here = resolve(rows, model=embedded.model)

    assert_equal(on_spark.resolve(frame, id_column="ProfileId", model=embedded.model), here, rows)


WRONG = [
    ({"id_column": "nr"}, "no column 'nr'"),
    ({"id_column": "ProfileId", "threshold": 95}, "threshold is a probability"),
    ({"id_column": "Shop"}, "ids in 'Shop' are missing or not distinct"),
    (
        {"id_column": "ProfileId", "kinds": {"x": "email"}},
        "the column 'x', which the records do not have",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_input_is_named(frame, arguments, message):
    from customer_profiles.identity import spark

    with pytest.raises(ValueError, match=message):
        spark.resolve(frame, **arguments)


def test_models_that_spark_cannot_use_are_refused(frame, rows, embedded):
    from customer_profiles.identity import spark

    own = resolve(rows, blocking=["Note"]).model
    label = (rows[0]["ProfileId"], rows[1]["ProfileId"], False)
    unknown = replace(embedded.model, weights=replace(embedded.model.weights))
    unknown.weights.attributes = unknown.weights.attributes[1:]

    for model, message in (
        (own, "own comparisons or of splink does not run on Spark; use resolve"),
        (resolve(rows, labels=[label]).model, "labels or sources links records"),
        (unknown, "estimated without the attribute 'given name'"),
    ):
        with pytest.raises(ValueError, match=message):
            spark.resolve(frame, id_column="ProfileId", model=model)

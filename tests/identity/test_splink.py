"""Models of splink, read and run here: the same probabilities as splink's own."""

from __future__ import annotations

import json
import logging
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from customer_profiles.identity import Model, resolve
from customer_profiles.identity.index import Index
from customer_profiles.identity.matching import scoring
from customer_profiles.identity.matching.comparing import compare
from customer_profiles.identity.own.sql import classes_of

from .people import people

splink = pytest.importorskip("splink")

RULES = [
    'l."FirstName" = r."FirstName" AND substr(l.BirthDate, 1, 4) = substr(r.BirthDate, 1, 4)',
    "l.LastName = r.LastName",
    "l.EmailAddress = r.EmailAddress",
    "l.City = r.City AND l.BirthDate = r.BirthDate",
]


@pytest.fixture(scope="module")
def table():
    """Return records as splink reads them, with ids in their order."""
    rows, _ = people(400, seed=5)
    names = ["FirstName", "LastName", "BirthDate", "EmailAddress", "City", "PostalCode"]
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pa.table({"unique_id": list(range(len(rows))), **columns})


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    """Train a model with splink; return its file and splink's own predictions."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.NameComparison("FirstName").configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("LastName", [0.9, 0.7]).configure(
                term_frequency_adjustments=True
            ),
            cl.DateOfBirthComparison("BirthDate", input_is_string=True),
            cl.EmailComparison("EmailAddress"),
            cl.LevenshteinAtThresholds("City", 1).configure(term_frequency_adjustments=True),
            cl.ExactMatch("PostalCode"),
        ],
        blocking_rules_to_generate_predictions=RULES,
    )
    connection = duckdb.connect()
    connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    api = DuckDBAPI(connection)
    linker = Linker(api.register(table), settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("FirstName", "LastName")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e5, seed=1)
    for names in (("FirstName", "LastName"), ("BirthDate",)):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*names))
    path = tmp_path_factory.mktemp("splink") / "model.json"
    linker.misc.save_model_to_json(str(path))
    found = connection.table(linker.inference.predict().physical_name)
    columns = "unique_id_l, unique_id_r, match_probability"
    return path, found.project(columns).fetchnumpy()


@pytest.fixture(scope="module")
def resolution(table, trained):
    return resolve(table, model=Model.from_splink(trained[0]), id_column="unique_id")


@pytest.fixture
def settings(trained):
    """Return the settings of the trained model, to be changed."""
    return json.loads(trained[0].read_text())


def pairs_of(predictions):
    left, right = (predictions[f"unique_id_{side}"].astype(np.int64) for side in "lr")
    return np.minimum(left, right), np.maximum(left, right)


def compared(resolution, i, j):
    """Return the codes of pairs of rows."""
    record_of = resolution._matcher.rows.record_of
    return compare(resolution._matcher.comparisons, record_of[i], record_of[j])


def probabilities(resolution, i, j):
    codes = compared(resolution, i, j)
    return scoring.responsibilities(scoring.log_classes(resolution._weights, codes))[0]


def test_all_pairs_have_splink_s_probabilities(resolution, trained):
    i, j = pairs_of(trained[1])

    found = probabilities(resolution, i, j)

    assert len(i) > 2_000
    assert np.abs(found - trained[1]["match_probability"]).max() < 1e-6
    assert 0.1 < found.mean() < 0.9


def test_blocking_rules_find_splink_s_pairs(resolution, trained):
    found = resolution._matcher.candidates(None)
    pairs, _ = resolution._matcher.rows.pairs(found, np.zeros(len(found)))

    assert {divmod(pair, 2**32) for pair in pairs.tolist()} == {
        *zip(*(side.tolist() for side in pairs_of(trained[1])), strict=True)
    }


def test_weights_of_a_level_are_splink_s(resolution, trained):
    (first, *_) = json.loads(trained[0].read_text())["comparisons"]
    exact = first["comparison_levels"][1]
    (attribute, *_) = resolution._weights.attributes

    assert attribute.name == "FirstName"
    assert attribute.levels[1] == exact["label_for_charts"]
    assert attribute.match[1] == exact["m_probability"]


def test_explanations_add_up_to_splink_s_probability(resolution, trained):
    (i, j), probability = pairs_of(trained[1]), trained[1]["match_probability"]
    for at in np.flatnonzero((probability > 0.2) & (probability < 0.99))[:20].tolist():
        explanation = resolution.explain(int(i[at]), int(j[at]))
        other = [part.weight for part in explanation.evidence if part.attribute == "other records"]
        odds = explanation.score - sum(other)

        assert 1 / (1 + 2**-odds) == pytest.approx(probability[at], abs=1e-5)


def test_a_stored_model_of_splink_gives_the_same(resolution, table):
    model = Model.from_json(resolution.model.to_json())
    again = resolve(table, model=model, id_column="unique_id")

    assert [group.ids for group in again.groups] == [group.ids for group in resolution.groups]
    assert model.explain_group(resolution.groups[0].ids, resolution.evidence[0])


def test_one_record_is_compared_by_a_model_of_splink_as_many_are(resolution, table, trained):
    index = Index(Model.from_json(resolution.model.to_json()))
    rows = table.drop_columns(["unique_id"]).to_pylist()
    i, j = (side[::20] for side in pairs_of(trained[1]))

    single = [
        index._scorer.codes(index._read(rows[a]), index._read(rows[b]))
        for a, b in zip(i.tolist(), j.tolist(), strict=True)
    ]

    assert single == compared(resolution, i, j).tolist()
    assert resolution.find(rows[3])[0].probability > 0.9


def test_a_record_may_lack_columns(resolution):
    scorer = Index(resolution.model)
    ada, eve = (scorer._read({"FirstName": name, "LastName": "Kerner"}) for name in ("Ada", "Eve"))

    codes = scorer._scorer.codes(ada, eve)

    assert [code > 0 for code in codes] == [True, True, False, False, False, False]


def test_a_model_of_splink_looks_up_after_it_has_seen_records(trained):
    model = Model.from_json(Model.from_splink(trained[0]).to_json())
    with pytest.raises(ValueError, match="model of resolve"):
        Index(model)


def test_records_without_a_column_of_a_comparison_are_refused(trained):
    rows = [{"id": n, "FirstName": "Ada"} for n in range(3)]
    with pytest.raises(ValueError, match=r"comparison 'LastName' reads \['LastName'\], no column"):
        resolve(rows, model=Model.from_splink(trained[0]))


def test_more_term_frequencies_than_codes_share_classes():
    counts = np.arange(1, 2_000)
    class_of, of_classes = classes_of(counts, 100)

    assert class_of.max() < len(of_classes) <= 100
    assert np.abs(np.log(of_classes[class_of] / counts)).max() < 0.06
    assert classes_of(np.array([5, 1, 5, 2]), 100)[0].tolist() == [0, 2, 0, 1]


def test_settings_may_be_a_dict_with_rules_as_text(settings, table):
    settings["blocking_rules_to_generate_predictions"] = RULES[:1]
    found = resolve(table, model=Model.from_splink(settings), id_column="unique_id")

    assert 10 < len(found._matcher.candidates(None)) < 1_000


def test_a_model_of_splink_is_shown_with_its_comparisons(trained):
    assert "FirstName, LastName, BirthDate" in repr(Model.from_splink(trained[0]))


def level(settings, position=2):
    return settings["comparisons"][1]["comparison_levels"][position]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict.clear, "no settings of splink: they have no comparisons"),
        (lambda s: s.update(sql_dialect="spark"), "in the SQL of 'spark'"),
        (lambda s: s.update(probability_two_random_records_match=0), "is between 0 and 1, not 0.0"),
        (
            lambda s: level(s).update(m_probability="level not observed in training dataset"),
            "comparison 'LastName', '.*': the level has no m_probability",
        ),
        (
            lambda s: level(s, 1).update(sql_condition="lower(LastName_l) = lower(LastName_r)"),
            "the term frequencies of 'LastName' need a level of exact agreement",
        ),
        (
            lambda s: s.update(
                blocking_rules_to_generate_predictions=[
                    {"blocking_rule": "l.x = r.x", "arrays_to_explode": ["x"]}
                ]
            ),
            "arrays_to_explode are not supported",
        ),
    ],
)
def test_settings_that_cannot_be_run_are_refused(settings, change, message):
    change(settings)
    with pytest.raises(ValueError, match=message):
        Model.from_splink(settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: level(s).update(sql_condition="no_such_function(LastName_l) = 1"),
            "comparison 'LastName' cannot be evaluated: .*no_such_function",
        ),
        (
            lambda s: level(s).update(sql_condition="Surname_l = Surname_r"),
            "comparison 'LastName' cannot be evaluated: .*Surname_l",
        ),
        (
            lambda s: s.update(blocking_rules_to_generate_predictions=["l.Surname = r.Surname"]),
            "blocking rule 'l.Surname = r.Surname' cannot be evaluated: .*Surname",
        ),
        (
            lambda s: level(s).update(
                sql_condition="(SELECT count(*) FROM read_csv('/etc/hosts')) > LastName_l::INT"
            ),
            "comparison 'LastName' cannot be evaluated: Permission Error",
        ),
    ],
)
def test_sql_that_cannot_be_run_is_named(settings, table, change, message):
    change(settings)
    with pytest.raises(ValueError, match=message):
        resolve(table, model=Model.from_splink(settings), id_column="unique_id")


def test_a_model_of_splink_without_duckdb_names_the_extra(trained, table, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ModuleNotFoundError, match=r"customer-profiles\[splink\]"):
        resolve(table, model=Model.from_splink(trained[0]), id_column="unique_id")

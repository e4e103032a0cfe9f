"""Entity resolution as a whole: groups, probabilities, explanations and models."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from customer_profiles.identity import Model, resolve

from .people import JUNK_MAIL, people

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}


@pytest.fixture(scope="module")
def made():
    """Return a few thousand records of six languages, and the person of each."""
    return people(1500)


@pytest.fixture(scope="module")
def resolution(made):
    return resolve(made[0])


def same_person(pairs, truth):
    truth = np.array(truth)
    return truth[pairs.left] == truth[pairs.right]


def groups_of(resolution):
    return {frozenset(group.ids) for group in resolution.groups}


def test_pairs_that_are_sure_are_right(made, resolution):
    pairs = resolution.pairs(0.95)

    assert len(pairs.left) > 1_500
    assert same_person(pairs, made[1]).mean() >= 0.98


def test_most_of_a_person_s_records_are_found(made, resolution):
    number = {row["ProfileId"]: position for position, row in enumerate(made[0])}
    truth = made[1]
    sizes = np.bincount(truth)
    found = sum(
        truth[number[a]] == truth[number[b]]
        for group in resolution.groups
        for a, b in itertools.combinations(group.ids, 2)
    )

    assert found / (sizes * (sizes - 1) // 2).sum() >= 0.8


def test_groups_hold_one_person(made, resolution):
    truth = dict(zip((row["ProfileId"] for row in made[0]), made[1], strict=True))
    pure = [len({truth[record] for record in group.ids}) == 1 for group in resolution.groups]

    assert np.mean(pure) >= 0.98


def test_probabilities_mean_what_they_say(made, resolution):
    pairs = resolution.pairs(0)
    right = same_person(pairs, made[1])
    bins = np.minimum((pairs.probability * 10).astype(int), 9)
    error = sum(
        abs(pairs.probability[own].mean() - right[own].mean()) * own.sum()
        for own in (bins == number for number in np.unique(bins))
    )

    assert error / len(right) <= 0.03


def test_the_order_of_records_does_not_matter():
    rows, _ = people(150, seed=5)
    shuffled = random.Random(3).sample(rows, len(rows))

    assert groups_of(resolve(rows)) == groups_of(resolve(shuffled))


def test_the_same_records_give_the_same_result():
    rows, _ = people(200, seed=6)

    assert resolve(rows).groups == resolve(rows).groups


def test_two_of_three_records_are_enough_to_match():
    other = {"FirstName": "Bob", "LastName": "King", "EmailAddress": "bob@example.org"}
    found = resolve([{**ADA, "id": 1}, {**ADA, "id": 2}, {**other, "id": 3}])

    assert groups_of(found) == {frozenset({1, 2})}


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_records_to_match_are_no_error(count):
    found = resolve([ADA] * count)

    assert found.groups == []
    assert found.count == count


def test_values_of_nobody_match_nobody(made, resolution):
    number = {row["ProfileId"]: row for row in made[0]}
    for group in resolution.groups:
        rows = [number[record] for record in group.ids]
        if all(row.get("EmailAddress") == JUNK_MAIL for row in rows):
            assert any(len({row.get(name) for row in rows}) == 1 for name in ("LastName",))


def as_wire(row):
    inner = ("Address1", "City", "PostalCode")
    wire = {key: value for key, value in row.items() if key not in inner}
    return wire | {"Address": {key: row[key] for key in inner if key in row}}


FORMS = {
    "mappings": lambda rows: rows,
    "an iterator": iter,
    "columns": lambda rows: pa.Table.from_pylist(rows).to_pydict(),
    "pandas": pd.DataFrame,
    "polars": lambda rows: pl.DataFrame(rows, infer_schema_length=None),
    "arrow": pa.Table.from_pylist,
}


@pytest.mark.parametrize("form", FORMS)
def test_records_of_any_form_give_the_same(form):
    rows, _ = people(60, seed=2)
    empty = dict.fromkeys({name for row in rows for name in row})
    rows = [empty | row for row in rows]

    assert groups_of(resolve(FORMS[form](rows))) == groups_of(resolve(rows))


def test_nested_addresses_are_read():
    rows, _ = people(60, seed=2)

    assert groups_of(resolve(list(map(as_wire, rows)))) == groups_of(resolve(rows))


def test_a_weight_for_each_attribute_adds_up_to_the_score(resolution):
    group = resolution.groups[len(resolution.groups) // 2]
    explanation = resolution.explain(*group.ids[:2])
    pairs = resolution.pairs()
    ids = resolution._ids.to_pylist()
    wanted = {ids.index(record) for record in group.ids[:2]}
    position = next(
        n
        for n, pair in enumerate(zip(pairs.left, pairs.right, strict=True))
        if {*map(int, pair)} == wanted
    )

    assert explanation.probability == pytest.approx(float(pairs.probability[position]), abs=1e-3)
    total = explanation.prior + sum(part.weight for part in explanation.evidence)
    assert explanation.score == pytest.approx(total)


def test_records_that_match_both_are_evidence_too(resolution):
    explained = [
        explanation
        for group, evidence in zip(resolution.groups, resolution.evidence, strict=True)
        if len(group.ids) > 2
        for explanation in resolution.model.explain_group(group.ids, evidence)
    ]
    helped = [found for found in explained if found.evidence[-1].attribute == "other records"]

    assert 0 < len(helped) < len(explained)
    assert all(found.evidence[-1].weight > 0 and found.probability < 0.901 for found in helped)


def test_an_explanation_shows_values_only_when_asked(resolution):
    explanation = resolution.explain(*resolution.groups[0].ids[:2])
    values = {value for part in explanation.evidence for value in (*part.left, *part.right)}

    assert values
    shown = f"{explanation!r}{explanation}{explanation.text()}"
    assert not [value for value in values if value in shown]
    assert any(value in explanation.text(values=True) for value in values)


def test_a_stored_model_finds_the_same(resolution, made):
    model = Model.from_json(resolution.model.to_json())

    again = groups_of(resolve(made[0], model=model))
    assert len(again ^ groups_of(resolution)) <= 0.01 * len(again)


def test_a_model_that_the_previous_version_wrote_is_read(resolution):
    now = json.loads(resolution.model.to_json())
    renamed = {"has_tf": "told", "implied_by": "told_by", "observed": "raw"}
    renamed |= {"chance": "levels_chance"}
    attributes = [
        {renamed.get(name, name): value for name, value in attribute.items()}
        for attribute in now["attributes"]
    ]
    then = now | {"version": 2, "attributes": attributes, "facts": now.pop("statistics")}

    assert Model.from_json(json.dumps(then)).to_json() == resolution.model.to_json()


def test_a_model_holds_no_values_of_records(resolution, made):
    text = resolution.model.to_json()

    assert not [row for row in made[0][:200] if row.get("EmailAddress", "@") in text]


def test_groups_are_explained_from_their_evidence(resolution):
    group, evidence = resolution.groups[0], resolution.evidence[0]
    (explained, *_) = resolution.model.explain_group(group.ids, evidence)

    assert explained.score == pytest.approx(resolution.explain(*group.ids[:2]).score)
    with pytest.raises(ValueError, match="not of a group"):
        resolution.model.explain_group(("a", "b", "c", "d", "e", "f"), evidence)


def test_a_higher_threshold_joins_less(resolution):
    joined = [sum(len(group.ids) - 1 for group in resolution.at(mark)) for mark in (0.5, 0.8, 0.99)]

    assert joined == sorted(joined, reverse=True)


def test_a_plot_has_margins_for_the_labels_of_its_bars(resolution):
    axes = resolution.explain(*resolution.groups[0].ids[:2]).plot()
    ends = [end for bar in axes.patches for end in (bar.get_x(), bar.get_x() + bar.get_width())]

    left, right = axes.get_xlim()
    assert left < min(ends) - 1
    assert right > max(ends) + 1


def test_plots_are_drawn_without_a_window(resolution, tmp_path):
    resolution.explain(*resolution.groups[0].ids[:2]).plot().figure.savefig(tmp_path / "a.png")
    resolution.plot().figure.savefig(tmp_path / "b.png")

    assert (tmp_path / "b.png").stat().st_size > 10_000


WRONG = [
    ({"records": 5}, TypeError, "an iterable of mappings"),
    ({"records": ["Ada"]}, TypeError, "record 0 is not a mapping"),
    ({"id_column": "nr"}, ValueError, "no column 'nr'"),
    ({"kinds": {"FirstName": "vorname"}}, ValueError, r"kinds\['FirstName'\] is 'vorname'"),
    ({"kinds": {"Vorname": "given_name"}}, ValueError, "'Vorname', which the records do not have"),
    ({"threshold": 95}, ValueError, "threshold is a probability"),
    ({"records": [{"id": 1}, {"id": 1}]}, ValueError, "'id' are not distinct"),
    ({"records": [{"id": 1}, {"id": None}]}, ValueError, "1 records without an id"),
    ({"records": {"a": [[1], [2]]}}, ValueError, "column 'a' holds list"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_wrong_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        resolve(**{"records": [ADA | {"id": 1}, ADA | {"id": 2}], **arguments})


def test_an_unknown_id_cannot_be_explained(resolution):
    with pytest.raises(KeyError, match="no record"):
        resolution.explain("nobody", resolution.groups[0].ids[0])


def test_kinds_say_what_other_columns_hold():
    rows = [
        {"vorname": "Jürgen", "nachname": "Balmann", "mail": "j.balmann7@x.org"},
        {"vorname": "Juergen", "nachname": "Balmann", "mail": "j.balmann7@x.org"},
        {"vorname": "Käthe", "nachname": "Tormann", "mail": "k@x.org"},
    ]
    kinds = {"vorname": "given_name", "nachname": "family_name"}

    assert groups_of(resolve(rows, kinds=kinds)) == {frozenset({0, 1})}

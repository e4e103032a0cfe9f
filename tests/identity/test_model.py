"""Stored models: their versions, and what happens to text that is no model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from customer_profiles.identity import Model, resolve
from customer_profiles.identity.matching import levels

from .people import people

DATA = Path(__file__).parents[1] / "data"


def stored(version):
    """Return a model that this version wrote, and groups that it explained then."""
    found = json.loads((DATA / f"model_version_{version}.json").read_text("utf-8"))
    return Model.from_json(json.dumps(found["model"])), found["groups"]


@pytest.mark.parametrize("version", [2, 3])
def test_a_model_of_an_earlier_version_scores_as_it_did(version):
    model, groups = stored(version)

    for group in groups:
        ids = range(group["size"])
        (explained, *_) = model.explain_group(ids, bytes.fromhex(group["evidence"]))
        assert explained.score == pytest.approx(group["score"], abs=2e-4)


@pytest.mark.parametrize("version", [2, 3])
def test_a_model_of_an_earlier_version_resolves_records(version):
    rows, truth = people(40, seed=12)
    groups = resolve(rows, model=stored(version)[0]).groups

    person = {row["ProfileId"]: number for row, number in zip(rows, truth, strict=True)}
    assert len(groups) > 35
    assert sum(len({person[id_] for id_ in group.ids}) > 1 for group in groups) <= 1


def test_levels_that_a_model_does_not_know_are_those_that_they_were_part_of():
    known = ("missing", "in part", "different")

    assert levels.renumbered(("near city", "in part", "similar"), known) == [1, 1, 2]


@pytest.mark.parametrize("version", [2, 3])
def test_a_model_of_an_earlier_version_is_written_in_this_one(version):
    text = stored(version)[0].to_json()

    assert json.loads(text)["version"] == 4
    assert Model.from_json(text).to_json() == text


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (1, r"estimate the model again with resolve\(\)"),
        (5, "upgrade customer-profiles"),
        ("3", r"estimate the model again with resolve\(\)"),
    ],
)
def test_a_model_of_another_version_is_refused_with_the_remedy(version, remedy):
    known = "versions 2, 3 and 4 can be read"
    with pytest.raises(
        ValueError, match=f"the model has version {version!r}, and {known}: {remedy}"
    ):
        Model.from_json(json.dumps({"version": version}))

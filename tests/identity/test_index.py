"""One new record is matched against many stored records."""

from __future__ import annotations

import pytest

from customer_profiles.identity import Index, Model, lasting_keys, resolve

from .people import people


@pytest.fixture(scope="module")
def made():
    rows, truth = people(900, seed=4)
    return rows[:-200], truth[:-200], rows[-200:], truth[-200:]


@pytest.fixture(scope="module")
def resolution(made):
    return resolve(made[0])


def test_most_new_records_find_their_person(made, resolution):
    old, truth, new, persons = made
    whose = {row["ProfileId"]: person for row, person in zip(old, truth, strict=True)}
    known, found, right = 0, 0, []
    for row, person in zip(new, persons, strict=True):
        candidates = resolution.find(row)
        known += person in whose.values()
        found += person in {whose[candidate.id] for candidate in candidates}
        right += [whose[candidate.id] == person for candidate in candidates]

    assert found >= 0.85 * known
    assert sum(right) >= 0.95 * len(right)


def test_candidates_come_the_most_probable_first(made, resolution):
    several = [found for row in made[2] if len(found := resolution.find(row, least=0)) > 1]

    assert several
    for found in several:
        probabilities = [candidate.probability for candidate in found]
        assert probabilities == sorted(probabilities, reverse=True)
        assert resolution.find(made[2][0], limit=1) == resolution.find(made[2][0])[:1]


def test_a_candidate_is_explained(made, resolution):
    candidate = next(found[0] for row in made[2] if (found := resolution.find(row)))
    explanation = candidate.explain()

    assert explanation.probability == pytest.approx(candidate.probability, abs=1e-4)
    assert str(candidate.id) in str(explanation)


def test_a_record_without_values_finds_nothing(resolution):
    assert resolution.find({}) == []
    assert resolution.find({"FirstName": "", "EmailAddress": None}) == []


def test_values_that_were_not_kept_cannot_be_compared(made):
    with pytest.raises(ValueError, match="keep_values=True"):
        resolve(made[0][:50], keep_values=False).find(made[2][0])


def test_a_store_of_ones_own_gives_the_same(made, resolution):
    old = made[0]
    model = Model.from_json(resolution.model.to_json())
    holders = {}
    for key, row in zip(*lasting_keys(old, model), strict=True):
        holders.setdefault(int(key), []).append(row)

    class Stored:
        def holders(self, keys, most):
            return [holders.get(key, [])[:most] for key in keys]

        def records(self, rows):
            return [(old[row]["ProfileId"], old[row]) for row in rows]

    for row in made[2]:
        assert Index(model).find(row, Stored()) == resolution.find(row)


def test_a_single_record_has_the_keys_that_it_has_among_many(made, resolution):
    model = resolution.model
    index = Index(model)
    stored = [set() for _ in made[0]]
    for key, row in zip(*lasting_keys(made[0], model), strict=True):
        stored[row].add(int(key))

    assert all(keys <= index.keys(row) for keys, row in zip(stored, made[0], strict=True))

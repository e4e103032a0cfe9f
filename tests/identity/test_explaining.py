"""Explanations: weights that add up, whatever the order of columns, and that read right."""

from __future__ import annotations

import numpy as np
import pytest

from customer_profiles.identity import explaining, resolve
from customer_profiles.identity.matching.scoring import Weights, log_classes

from .people import people


@pytest.fixture(scope="module")
def resolution():
    """Resolve records with a column that tells nothing and a column that another determines."""
    rows, _ = people(800, seed=3)
    sources = ("shop", "till", "app", "post")
    for number, row in enumerate(rows):
        row["Source"] = sources[number % 4]
        if "City" in row:
            row["Fair"] = f"fair of {row['City'][:3].lower()}"
    return resolve(rows)


@pytest.fixture(scope="module")
def explained(resolution):
    """Explain the pairs of all groups."""
    return [
        explanation
        for group, evidence in zip(resolution.groups, resolution.evidence, strict=True)
        for explanation in resolution.model.explain_group(group.ids, evidence)
    ]


def codes_of(resolution):
    return np.ascontiguousarray(resolution._inner.codes)


def test_bits_add_up_to_the_log_odds(resolution):
    codes = codes_of(resolution)
    logs = log_classes(resolution._weights, codes).astype(float)

    prior, bits = explaining.attributed(resolution._weights, codes)

    odds = (logs[0] - np.logaddexp(logs[1], logs[2])) / np.log(2)
    assert prior + bits.sum(axis=1) == pytest.approx(odds, abs=1e-4)


def test_the_order_of_columns_changes_no_weight(resolution):
    weights, codes = resolution._weights, codes_of(resolution)
    order = np.random.default_rng(1).permutation(codes.shape[1])
    attributes = [weights.attributes[number] for number in order]
    mixed = Weights(attributes, weights.records, weights.rates)

    _, bits = explaining.attributed(weights, codes)
    _, other = explaining.attributed(mixed, codes[:, order])

    assert other == pytest.approx(bits[:, order])


def test_the_closed_form_is_the_integral_along_the_path(resolution):
    weights, codes = resolution._weights, codes_of(resolution)[:50]
    logs = [of[:, codes[:, n]].astype(float) for n, of in enumerate(weights.logs())]
    match, related, chance = np.stack(logs, axis=2)
    against, steps = match < chance, 4_000
    expected = np.zeros(match.shape)
    _, log_related, log_chance = weights.priors()
    for phase in (False, True):
        for step in (np.arange(steps) + 0.5) / steps:
            share = np.where(against, 1.0 if phase else step, step if phase else 0.0)
            log_odds = log_related - log_chance + (share * (related - chance)).sum(axis=1)
            of_related = 1 / (1 + np.exp(-log_odds))[:, None]
            slope = match - of_related * related - (1 - of_related) * chance
            expected += np.where(against ^ phase, slope / steps, 0)

    _, bits = explaining.attributed(weights, codes)

    assert bits == pytest.approx(expected / np.log(2), abs=1e-3)


def test_agreements_count_for_a_match_and_differences_against(explained):
    parts = [part for explanation in explained for part in explanation.evidence]
    wrong = [
        part
        for part in parts
        if (part.level == "exact" and part.weight <= -0.005)
        or (part.level == "different" and part.weight >= 0.005)
    ]

    assert len(explained) > 1_000
    assert all(part.reason for part in wrong)
    assert {part.attribute for part in wrong} <= {"Source"}


def test_a_moved_relative_is_no_evidence_for_a_match(resolution):
    """The difference rules out a household, which only the family name suggests."""
    weights = resolution._weights
    codes = np.zeros((1, len(weights.attributes)), np.uint8)
    names = [attribute.name for attribute in weights.attributes]
    for name in ("given name", "family name", "birth date", "e-mail"):
        if name in names:
            codes[0, names.index(name)] = weights.attributes[names.index(name)].first_codes()[1]
    street = weights.attributes[names.index("street")]
    codes[0, names.index("street")] = len(street.level_of) - 1

    _, bits = explaining.attributed(weights, codes)

    assert bits[0, names.index("street")] < 0
    assert (bits[0][codes[0] > 0] < 0).sum() == 1


def test_an_agreement_that_relatives_have_more_often_says_so(resolution):
    weights = resolution._weights
    names = [attribute.name for attribute in weights.attributes]
    street = weights.attributes[names.index("street")]
    kept = street.match, street.related
    street.match, street.related = street.match.copy(), street.related.copy()
    street.match[1], street.related[1] = 0.02, 0.97
    codes = np.zeros(len(names), np.uint8)
    for name in ("family name", "place", "street"):
        codes[names.index(name)] = weights.attributes[names.index(name)].first_codes()[1] + 20
    codes[names.index("given name")] = (
        len(weights.attributes[names.index("given name")].level_of) - 1
    )

    explanation = explaining.explain(weights, codes, ("a", "b"))
    street.match, street.related = kept

    (part,) = [part for part in explanation.evidence if part.attribute == "street"]
    assert part.weight < 0
    assert part.reason == "related people agree more often than one person's records"
    assert part.reason in str(explanation)
    assert part.reason in explanation.__rich__()
    labels = [label.get_text() for label in explanation.plot().get_yticklabels()]
    assert [label for label in labels if part.reason in label]


def test_a_column_that_another_one_determines_is_shown_without_weight(resolution):
    columns = resolution._columns
    both = [(group.ids[0], group.ids[1]) for group in resolution.groups if len(group.ids) == 2]
    explanations = [resolution.explain(*pair) for pair in both]
    implied = [
        part
        for explanation in explanations
        for part in explanation.evidence
        if part.level == "implied"
    ]

    assert "Fair" in columns
    assert implied
    assert {(part.attribute, part.weight) for part in implied} == {("Fair", 0.0)}
    assert all(part.reason.endswith("city") for part in implied)


def test_a_weight_of_nothing_has_no_sign():
    part = explaining.Evidence("Source", "different", -0.001)

    assert "+0.00 bits" in explaining.Explanation("a", "b", -3.0, (part,)).text()

"""Labels: what people say of pairs is learned from, and never contradicted."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from customer_profiles.identity import LabelError, Labels, Model, resolve
from customer_profiles.identity.matching import estimation, scoring
from customer_profiles.identity.matching.known import teach
from tests.identity.people import Maker


@pytest.fixture(scope="module")
def made():
    maker = Maker(5)
    while len(maker.rows) < 900:
        maker.household()
    rows = [{"id": f"r{number}", **row} for number, row in enumerate(maker.rows)]
    return rows, {row["id"]: person for row, person in zip(rows, maker.truth, strict=True)}


@pytest.fixture(scope="module")
def plain(made):
    return resolve(made[0])


def group_of(resolution, record):
    return next((set(group.ids) for group in resolution.groups if record in group.ids), {record})


def probability_of(resolution, left, right):
    return resolution.explain(left, right).probability


def test_a_label_that_says_match_joins_and_one_that_says_no_separates(made, plain):
    a, b = plain.groups[0].ids[:2]
    far = next(row["id"] for row in made[0] if made[1][row["id"]] != made[1][a])
    taught = resolve(made[0], labels=[(a, b, False), (a, far, True)])

    assert b not in group_of(taught, a)
    assert far in group_of(taught, a)
    assert probability_of(taught, a, far) > 1 - 1e-9
    assert probability_of(taught, b, a) < 1e-9


def test_labels_that_join_strangers_are_named_with_the_remedy(made, plain):
    rows, persons = made
    ids = [row["id"] for row in rows]
    strangers = [(a, b) for a, b in pairwise(ids[::90]) if probability_of(plain, a, b) < 1e-4][:3]
    right = [group.ids[:2] for group in plain.groups if len({persons[i] for i in group.ids}) == 1]
    assert len(strangers) == 3

    wrong = resolve(rows, labels=[(*pair, True) for pair in strangers])
    (reason,) = [part for part in wrong.verdict.reasons if part.kind == "labels_join_strangers"]
    assert not wrong.verdict
    assert {frozenset(pair) for pair in reason.pairs} == {frozenset(pair) for pair in strangers}
    assert reason.text == "3 of 3 labels of matches join records that look like strangers"
    assert all(" and ".join(pair) in str(reason) for pair in reason.pairs)
    assert "correct labels that are wrong" in reason.remedy

    few = resolve(rows, labels=[(*pair, True) for pair in [*strangers[:1], *right[:40]]])
    (reason,) = [part for part in few.verdict.reasons if part.kind == "labels_join_strangers"]
    assert (reason.level, len(reason.pairs)) == ("reliable", 1)
    sure = resolve(rows, labels=[(*pair, True) for pair in right[:40]])
    assert "labels_join_strangers" not in {reason.kind for reason in sure.verdict.reasons}


def test_what_follows_from_labels_is_known_too(made, plain):
    a, b = plain.groups[0].ids[:2]
    x, y, z = (row["id"] for row in made[0][-3:])
    taught = resolve(made[0], labels=[(x, y, True), (y, z, True), (a, x, False), (a, b, True)])

    assert {x, y, z} <= group_of(taught, x)
    assert group_of(taught, a).isdisjoint({x, y, z})
    assert probability_of(taught, x, z) > 1 - 1e-9
    assert probability_of(taught, b, z) < 1e-9


def test_groups_at_every_threshold_obey_labels(made, plain):
    pairs = [group.ids[:2] for group in plain.groups[::7]]
    taught = resolve(made[0], labels=[(a, b, False) for a, b in pairs])

    for threshold in (0.05, 0.5, 0.99):
        groups = [set(group.ids) for group in taught.at(threshold)]
        assert not any({a, b} <= group for a, b in pairs for group in groups)


def test_the_evidence_of_a_label_adds_up(made, plain):
    a, b = plain.groups[0].ids[:2]
    explanation = resolve(made[0], labels=[(a, b, False)]).explain(a, b)

    assert explanation.evidence[-1].attribute == "label"
    assert explanation.evidence[-1].level == "no match"
    total = explanation.prior + sum(part.weight for part in explanation.evidence)
    assert explanation.score == pytest.approx(total)


def test_labels_of_the_truth_teach(made, plain):
    rows, truth = made
    labels = Labels()
    resolution = plain
    for _ in range(3):
        for question in resolution.uncertain(20):
            same = truth[question.left] == truth[question.right]
            labels.add(question.left, question.right, match=same)
        resolution = resolve(rows, labels=labels)

    def loss(found):
        pairs, ids = found.pairs(0.001), [row["id"] for row in rows]
        is_match = [truth[ids[i]] == truth[ids[j]] for i, j in zip(*pairs[:2], strict=True)]
        return sum(abs(p - m) for p, m in zip(pairs.probability, is_match, strict=True))

    assert loss(resolution) < 0.9 * loss(plain)
    assert resolution.model.weights.rates[0] != plain.model.weights.rates[0]


def test_questions_are_uncertain_different_and_never_repeated(made, plain):
    questions = plain.uncertain(30)
    asked = [record for question in questions for record in question[:2]]
    information = [question.information for question in questions]

    assert len(questions) == 30
    assert len(asked) == len(set(asked))
    assert all(q.probability * (1 - q.probability) + 1e-6 >= 0.004 for q in questions)
    assert information == sorted(information, reverse=True)

    labels = [(q.left, q.right, made[1][q.left] == made[1][q.right]) for q in questions]
    again = resolve(made[0], labels=labels).uncertain(30)
    assert not {frozenset(q[:2]) for q in again} & {frozenset(label[:2]) for label in labels}


def test_nothing_uncertain_is_no_question():
    rows = [{"FirstName": f"Name{n}", "EmailAddress": f"person{n}@x.org"} for n in range(3)]
    assert resolve(rows).uncertain(5) == []


def test_unsure_labels_change_nothing(made, plain):
    a, b = plain.groups[0].ids[:2]
    assert resolve(made[0], labels=[(a, b, None)]).groups == plain.groups


def test_the_order_and_the_direction_of_labels_do_not_matter(made, plain):
    labels = [(*group.ids[:2], bool(number % 2)) for number, group in enumerate(plain.groups[:20])]
    turned = [(right, left, match) for left, right, match in reversed(labels)]

    assert resolve(made[0], labels=labels).groups == resolve(made[0], labels=turned).groups


def test_a_stored_model_keeps_its_labels_as_links_without_ids(made, plain):
    a, b = plain.groups[0].ids[:2]
    text = resolve(made[0], labels=[(a, b, False)]).model.to_json()
    model = Model.from_json(text)

    assert f'"{a}"' not in text
    assert b not in group_of(resolve(made[0], model=model), a)
    assert b in group_of(resolve(made[0], model=model, labels=[(a, b, True)]), a)
    assert resolve(made[0][:50][::-1], model=plain.model).model.labels == ()


def test_a_model_without_labels_is_read(plain):
    text = plain.model.to_json().replace(', "labels": []', "").replace(', "sources": null', "")
    assert Model.from_json(text).labels == ()


def test_labels_of_numbers_fit_labels_of_text(made):
    rows = [{**row, "id": number} for number, row in enumerate(made[0])]
    group = resolve(rows).groups[0]
    taught = resolve(rows, labels=[(str(group.ids[0]), str(group.ids[1]), False)])
    assert group.ids[1] not in group_of(taught, group.ids[0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([("r1", "r2", True), ("r2", "r3", True), ("r3", "r1", False)],
         "'r3' and 'r1' are no match, but 'r3' = 'r2' = 'r1' match; correct one"),
        ([("r1", "r1", True)], "'r1' is labelled with itself"),
        ([("r1", "r2", "yes")], "True, False or None, not 'yes'"),
        ([("r1", "r2")], "not a tuple of two ids and True, False or None"),
        (["r1"], "not a tuple of two ids"),
        ([("x1", "x2", True)], "no ids such as 'x1' and 'x2'"),
    ],
)  # fmt: skip
def test_wrong_labels_are_named_by_their_ids(made, labels, message):
    with pytest.raises(LabelError, match=message):
        resolve(made[0], labels=labels)


def test_a_later_label_of_the_same_pair_replaces_the_earlier(made):
    labels = Labels([("r1", "r2", True), ("r2", "r1", False)])
    assert [label.match for label in labels] == [False]


def test_labels_of_missing_records_are_a_warning(made):
    with pytest.warns(UserWarning, match="1 labels are not used.*no such ids as 'gone'"):
        resolve(made[0], labels=[("r1", "r2", False), ("r1", "gone", True)])


def test_of_contradicting_labels_the_latest_are_kept():
    labels = Labels([("a", "b", True), ("b", "c", True), ("a", "c", False), ("c", "d", None)])
    assert [label[:2] for label in labels.consistent()] == [("b", "c"), ("a", "c")]
    labels.consistent().check()


def test_labels_are_written_and_read(tmp_path):
    labels = Labels([("a, b", 'c"d', True), ("e", "f", False), ("g", "h", None)])
    labels.write(tmp_path / "labels.csv")
    assert list(Labels.read(tmp_path / "labels.csv")) == list(labels)
    assert "a, b" not in repr(labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n1,2\n", "no column 'left'"), ("left,right,match\n1,2,maybe\n", "line 2")],
)
def test_a_file_that_holds_no_labels_is_named(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(LabelError, match=message):
        Labels.read(tmp_path / "labels.csv")


def test_many_records_of_one_label_chain_are_one_group():
    rows = [{"FirstName": f"Name{n:03x}", "LastName": f"Other{n * 7:04x}"} for n in range(900)]
    chain = [(n, n + 1, True) for n in range(500)]
    groups = resolve(rows, labels=chain).groups
    assert {len(group.ids) for group in groups if 0 in group.ids} == {501}


ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}


def with_copies(made, count=30):
    return [*made[0], *({"id": f"c{number:02}", **ADA} for number in range(count))]


def test_a_label_keeps_two_equal_rows_of_many_apart(made):
    taught = resolve(with_copies(made), labels=[("c07", "c21", False)])
    first, second = group_of(taught, "c07"), group_of(taught, "c21")

    assert first.isdisjoint(second)
    assert len(first | second) == 30
    assert {len(first), len(second)} == {1, 29}
    assert probability_of(taught, "c07", "c21") < 1e-9
    assert probability_of(taught, "c03", "c04") > 0.95
    assert probability_of(taught, "c03", "c07") > 0.95


def test_a_label_that_joins_equal_rows_or_a_copy_and_another_row_is_obeyed(made):
    rows = with_copies(made)
    taught = resolve(rows, labels=[("c07", "c21", True), ("c11", "r5", True)])

    assert {"r5", *(f"c{number:02}" for number in range(30))} <= group_of(taught, "r5")
    assert {frozenset(label[:2]) for label in taught.model.labels} == {
        frozenset(label[:2])
        for label in resolve(rows[::-1], labels=[("c21", "c07", True), ("r5", "c11", True)])
        .model.labels
    }  # fmt: skip
    assert taught.record("c11")["FirstName"] == "Augusta"


def test_a_pair_of_copies_that_is_unsure_is_not_asked_again(made):
    rows = with_copies(made)
    question = resolve(rows).uncertain(1)[0]
    again = resolve(rows, labels=[(question.left, question.right, None)]).uncertain(40)
    assert {question.left, question.right} not in [{q.left, q.right} for q in again]


def test_the_order_of_rows_does_not_matter_with_labels(made, plain):
    rows = with_copies(made)
    labels = [(*group.ids[:2], bool(number % 3)) for number, group in enumerate(plain.groups[:40])]
    labels += [("c07", "c21", False), ("c09", "c12", True), ("c07", "r5", True)]

    def without_copies(pairs):
        return {pair: value for pair, value in pairs.items() if all(n[0] == "r" for n in pair)}

    def result(rows):
        found = resolve(rows, labels=labels)
        ids = [row["id"] for row in rows]
        pairs = {
            frozenset((ids[i], ids[j])): float(probability)
            for i, j, probability in zip(*found.pairs(0), strict=True)
        }
        groups = {frozenset(group.ids): group.confidence for group in found.groups}
        return groups, pairs, {frozenset(q[:2]) for q in found.uncertain(10)}

    groups, pairs, questions = result(rows)
    for seed in range(3):
        other = result(Random(seed).sample(rows, len(rows)))
        assert other[0] == groups
        # Of many copies, the first one in the table has pairs.
        assert sorted(other[1].values()) == sorted(pairs.values())
        assert without_copies(other[1]) == without_copies(pairs)
        assert other[2] == questions


def test_evidence_explains_groups_that_labels_join():
    rows = [{"FirstName": f"Name{n:03x}", "LastName": f"Other{n * 7:04x}"} for n in range(501)]
    found = resolve(rows, labels=[(n, n + 1, True) for n in range(500)])
    assert len(found.evidence) == len(found.groups)
    position = next(n for n, group in enumerate(found.groups) if 0 in group.ids)
    explained = found.model.explain_group(found.groups[position].ids, found.evidence[position])
    for explanation in explained[::50]:
        own = found.explain(int(explanation.left), int(explanation.right))
        weights = [(part.attribute, part.level, part.weight) for part in own.evidence]
        shown = [(part.attribute, part.level, part.weight) for part in explanation.evidence]
        assert shown == weights[: len(shown)]


def test_rows_that_identify_nobody_are_joined_by_labels():
    rows = [{"City": f"Town {number % 7}"} for number in range(60)]
    with pytest.warns(UserWarning, match="do not identify people"):
        found = resolve(rows, labels=[(1, 12, True), (2, 9, False)])
    assert [group.ids for group in found.groups] == [(1, 12)]
    assert len(found.evidence) == 1


def test_labels_are_in_every_sample_of_the_patterns(made, plain, monkeypatch):
    pairs = [group.ids[:2] for group in plain.groups[:60]]
    monkeypatch.setattr(estimation, "_SAMPLED_PATTERNS", 200)
    sizes = []
    sample = estimation._Pairs.sample

    def recorded(pairs, kept):
        drawn = sample(pairs, kept)
        sizes.append((kept, len(drawn.counts), (drawn.codes[-kept:] == pairs.codes[-kept:]).all()))
        assert drawn.counts.sum() == pytest.approx(pairs.counts.sum())
        return drawn

    monkeypatch.setattr(estimation._Pairs, "sample", recorded)
    resolve(made[0], labels=[(a, b, False) for a, b in pairs])
    assert sizes
    assert all(kept == 60 and count == 260 and same for kept, count, same in sizes)


def test_a_label_teaches_columns_of_which_only_a_share_counts(plain):
    def change(share):
        weights = deepcopy(plain.model.weights)
        for attribute in weights.attributes:
            attribute.is_free, attribute.weight, attribute.most = True, share, None
        codes = np.array([[0] * len(weights.attributes)], np.uint8)
        codes[0, 0] = weights.attributes[0].first_codes()[-1]
        before = scoring.log_classes(weights, codes)
        teach(weights, codes, np.array([True]))
        return float((scoring.log_classes(weights, codes) - before)[0, 0])

    assert change(0.5) == pytest.approx(change(0.25), rel=0.3)


def test_two_unusual_labels_do_not_outweigh_all_other_pairs():
    rows = [
        {"FirstName": f"First{n}", "LastName": f"Last{n}", "EmailAddress": f"p{n}@x.org"}
        for n in range(30)
    ]
    rows += [{**ADA, "PhoneNumber": f"+1 206 555 010{n}"} for n in range(3)]
    found = resolve(rows, labels=[(30, 31, False), (0, 1, True)])
    assert (0, 1) in [group.ids for group in found.groups]
    assert all(len(group.ids) == 2 for group in found.groups)

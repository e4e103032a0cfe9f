"""Labels: what people say of pairs is learned from, and never contradicted."""

from __future__ import annotations

import pytest

from customer_profiles.identity import LabelError, Labels, Model, resolve
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

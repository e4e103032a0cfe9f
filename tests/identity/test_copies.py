"""Equal rows are one group if what they hold identifies somebody, and disturb no other group."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from customer_profiles.identity import resolve

from .people import people

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}
BORN = {"FirstName": "Augusta", "LastName": "Lovelace", "BirthDate": "1955-12-10"}
MANY = 200_000


@pytest.fixture(scope="module")
def others():
    rows, _ = people(250, seed=3)
    return rows


@pytest.fixture(scope="module")
def many():
    return resolve(pa.table({name: [value] * MANY for name, value in ADA.items()}))


def copies(row, count):
    return [row | {"ProfileId": f"copy {number}"} for number in range(count)]


def groups_of(resolution):
    return {frozenset(group.ids) for group in resolution.groups}


def test_two_hundred_thousand_equal_rows_are_one_group(many):
    assert [len(group.ids) for group in many.groups] == [MANY]
    assert many.labels.max() == 0
    assert many.confidence.min() == many.groups[0].confidence >= 0.95


def test_pairs_of_many_equal_rows_are_a_star(many):
    pairs = many.pairs()

    assert len(pairs.left) == MANY - 1
    assert (pairs.left == 0).all()
    assert sorted(pairs.right.tolist()) == list(range(1, MANY))


def test_many_equal_rows_are_explained_and_found(many):
    assert many.explain(7, MANY - 1).probability == pytest.approx(many.groups[0].confidence)
    assert many.find(ADA)[0].probability >= 0.95


def test_a_group_above_the_limit_is_explained_by_the_pairs_of_its_first_record():
    found = resolve(copies(ADA, 450))
    (group,), (evidence,) = found.groups, found.evidence

    explained = found.model.explain_group(group.ids, evidence)
    assert [(pair.left, pair.right) for pair in explained[:2]] == [
        ("copy 0", "copy 1"),
        ("copy 0", "copy 2"),
    ]
    assert len(explained) == 449
    assert min(pair.probability for pair in explained) >= 0.95


@pytest.mark.parametrize("row", [ADA, BORN])
def test_equal_rows_beyond_the_second_do_not_change_other_groups(others, row):
    expected = groups_of(resolve([*others, *copies(row, 2)]))
    assert frozenset({"copy 0", "copy 1"}) in expected

    for count in (11, 300, 399, 400, 401, 2_000):
        found = groups_of(resolve([*others, *copies(row, count)]))
        (changed,) = found - expected
        assert changed == {f"copy {number}" for number in range(count)}


@pytest.mark.parametrize("row", [ADA, BORN])
@pytest.mark.parametrize("count", [2, 3, 9, 10, 11, 300, 399, 400, 401])
def test_any_number_of_equal_rows_alone_is_one_group(row, count):
    (group,) = resolve([row] * count).groups

    assert group.ids == tuple(range(count))


@pytest.mark.parametrize("count", [12, 15, 20, 21, 40])
def test_copies_have_the_pairs_codes_and_labels_of_their_equals(others, count):
    person = others[0]
    rows = [*others, *copies({k: v for k, v in person.items() if k != "ProfileId"}, count)]
    found = resolve(rows)
    own = {number for number, row in enumerate(rows) if row["ProfileId"].startswith("copy")} | {0}
    pairs = found.pairs(0)
    listed = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))

    assert len(set(listed)) == len(listed)
    assert all(left < right for left, right in listed)
    inside = [pair for pair in listed if own.issuperset(pair)]
    size = count + 1
    assert len(inside) == (size * (size - 1) // 2 if size <= 20 else size - 1)
    assert len({found.labels[row] for row in own}) == 1
    group = next(group for group in found.groups if "copy 0" in group.ids)
    evidence = found.evidence[found.groups.index(group)]
    probability = {
        frozenset((pair.left, pair.right)): pair.probability
        for pair in found.model.explain_group(group.ids, evidence)
    }
    assert len(probability) == len(group.ids) * (len(group.ids) - 1) // 2
    for pair in itertools.combinations(("copy 0", "copy 1", f"copy {count - 1}"), 2):
        assert found.explain(*pair).probability == pytest.approx(probability[frozenset(pair)])


def test_other_records_of_a_person_have_pairs_with_all_its_copies():
    spelled = ADA | {"FirstName": "Augsta", "ProfileId": "other"}
    rows, _ = people(50)
    found = resolve([*rows, *copies(ADA, 15), spelled])
    pairs = found.pairs(0)
    last = len(rows) + 15

    assert sorted(pairs.left[pairs.right == last].tolist()) == list(range(len(rows), last))
    assert {len(group.ids) for group in found.groups if "other" in group.ids} == {16}


@pytest.mark.parametrize("row", [{"FirstName": "Uwe"}, {"FirstName": "Uwe", "City": "Balstadt"}])
@pytest.mark.parametrize("count", [11, 300, 401])
def test_many_rows_that_identify_nobody_are_no_group(others, row, count):
    rows = [*others, *copies(row, count)]
    found = resolve(rows)

    assert not [group for group in found.groups if any("copy" in name for name in group.ids)]
    assert found.confidence[-1] == 1
    assert "does not identify a person" in found.explain("copy 0", "copy 1").not_compared


IDENTIFYING = {
    "EmailAddress": [f"user{n * 7}@mail{n % 50}.org" for n in range(1_000)],
    "PhoneNumber": [f"+49 170 {1_000_003 * n % 10**7:07d}" for n in range(1_000)],
    "customer_number": [f"K{n * 37 + 1000}" for n in range(1_000)],
    "reference": [f"R-{n * 37 + 1000}" for n in range(1_000)],
}


@pytest.mark.parametrize("column", IDENTIFYING)
def test_one_column_that_identifies_groups_its_equal_values(column):
    values = IDENTIFYING[column]
    rows = values + values[:200] + values[:3] * 30

    found = resolve({column: rows})
    assert len(found.groups) == 200
    assert all(len({rows[row] for row in group.ids}) == 1 for group in found.groups)
    assert max(len(group.ids) for group in found.groups) == 32


NAMELESS = {
    "given names": {"FirstName": ["Ann", "Bob", "Cy", "Uwe"] * 300},
    "towns": {"City": ["Rome", "Paris"] * 500},
    "answers": {"active": ["yes", "no"] * 500},
    "all of them": {
        "FirstName": ["Ann", "Bob", "Cy", "Uwe", "Eva"] * 200,
        "City": ["Rome", "Paris"] * 500,
        "active": ["yes", "no", "yes", "yes"] * 250,
    },
}


@pytest.mark.parametrize("columns", NAMELESS)
def test_columns_that_identify_nobody_are_refused_in_words(columns):
    table = NAMELESS[columns]
    with pytest.warns(UserWarning, match="do not identify people; add full names") as caught:
        found = resolve(table)

    assert found.groups == []
    assert found.refusal == str(caught[0].message)
    assert all(column in found.refusal for column in table)


def test_a_pair_that_was_never_compared_says_so(others):
    found = resolve(others)
    strangers = next(
        explanation
        for row in others[1:]
        if (explanation := found.explain(others[0]["ProfileId"], row["ProfileId"])).not_compared
    )

    assert strangers.not_compared == "the records share no blocking key"
    assert strangers.text().endswith("never compared: the records share no blocking key")
    assert found.explain(*found.groups[0].ids[:2]).not_compared is None


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"FirstName": pa.array([], pa.string())}),
        {"FirstName": ["Ann"]},
        {"id": [7], "EmailAddress": ["ann@example.org"]},
        [],
        [{}],
        {"id": [1, 2]},
    ],
)
def test_tables_without_a_pair_to_compare_have_no_groups(table):
    found = resolve(table)

    assert found.groups == []
    assert found.evidence == []
    assert found.labels.tolist() == list(range(found.count))
    assert len(found.pairs().left) == 0
    assert found.find({"EmailAddress": "bob@example.org"}) == []

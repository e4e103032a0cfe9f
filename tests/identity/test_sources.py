"""Records of several sources: a column or several tables."""

from __future__ import annotations

from itertools import combinations

import pytest

from customer_profiles.identity import LabelError, Model, resolve, resolve_tables
from tests.identity.people import Maker


def made(seed=7, sources=("crm", "shop", "till")):
    """Return records of households; the source of each is drawn."""
    maker = Maker(seed)
    while len(maker.rows) < 900:
        maker.household()
    rows = [
        {"id": f"r{n}", "Register": maker.random.choice(sources), **row}
        for n, row in enumerate(maker.rows)
    ]
    return rows, maker.truth


@pytest.fixture(scope="module")
def rows():
    return made()[0]


@pytest.fixture(scope="module")
def unique():
    """Return records of which no source has two of one person, and their people."""
    seen, kept, people = set(), [], {}
    for row, person in zip(*made(), strict=True):
        if (person, row["Register"]) not in seen:
            seen.add((person, row["Register"]))
            kept.append(row)
            people[row["id"]] = person
    return kept, people


def sources_of(rows):
    return {row["id"]: row["Register"] for row in rows}


def confidences(resolution):
    return {group.ids: group.confidence for group in resolution.groups}


def test_a_source_is_not_compared(rows):
    other = resolve([{k: v for k, v in row.items() if k != "Register"} for row in rows])
    named = resolve(rows, source="Register")

    # Sums of floats depend on the order of the records, and so on all columns.
    assert confidences(named) == pytest.approx(confidences(other), abs=1e-5)
    assert named.sources == [row["Register"] for row in rows]
    assert other.sources is None


def test_link_only_answers_pairs_of_different_sources_only(rows):
    resolution = resolve(rows, source="Register", link="link_only")
    pairs, sources = resolution.pairs(0.0), resolution.sources

    assert len(pairs.left)
    assert all(sources[i] != sources[j] for i, j in zip(*pairs[:2], strict=True))
    of = sources_of(rows)
    assert all(len({of[record] for record in group.ids}) > 1 for group in resolution.groups)
    assert all(of[q.left] != of[q.right] for q in resolution.uncertain(20))


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.95])
def test_a_source_without_duplicates_has_one_record_a_group(unique, threshold):
    resolution = resolve(unique[0], source="Register", unique_sources=True)
    of = sources_of(unique[0])

    for group in resolution.at(threshold):
        found = [of[record] for record in group.ids]
        assert len(found) == len(set(found))


def test_only_the_sources_that_are_named_have_no_duplicates(rows):
    resolution = resolve(rows, source="Register", unique_sources=["till"])
    of = sources_of(rows)
    pairs = {(of[a], of[b]) for group in resolution.groups for a, b in combinations(group.ids, 2)}
    assert ("till", "till") not in pairs
    assert {("crm", "crm"), ("shop", "shop")} <= pairs


def test_knowing_that_sources_have_no_duplicates_makes_fewer_errors(unique):
    def errors(resolution):
        ids = [row["id"] for row in unique[0]]
        pairs = resolution.pairs(0.001)
        return sum(
            abs(p - (unique[1][ids[i]] == unique[1][ids[j]]))
            for i, j, p in zip(*pairs, strict=True)
        )

    known = resolve(unique[0], source="Register", unique_sources=True)
    assert errors(known) < errors(resolve(unique[0], source="Register"))


def test_a_pair_of_one_source_without_duplicates_is_explained(unique):
    resolution = resolve(unique[0], source="Register", unique_sources=True)
    a, b = [row["id"] for row in unique[0] if row["Register"] == "crm"][:2]
    explanation = resolution.explain(a, b)

    assert explanation.probability < 1e-9
    assert explanation.evidence[-1].attribute == "source"
    assert explanation.evidence[-1].level == "no duplicates within"


def test_sources_that_hardly_overlap_have_the_rate_of_the_pairs_that_may_match(unique):
    large = [row for row in unique[0] if row["Register"] == "crm"]
    small = [row for row in unique[0] if row["Register"] == "shop"][:20]
    resolution = resolve([*large, *small], source="Register", unique_sources=True)
    sources, model = resolution.sources, resolution.model
    across = sources.count("crm") * sources.count("shop")
    expected = float(resolution.pairs(0.0).probability.sum())
    assert float(model.weights.rates[0]) * across == pytest.approx(expected, rel=0.5, abs=3)


def test_a_model_keeps_its_sources(unique):
    resolution = resolve(unique[0], source="Register", unique_sources=["crm"])
    model = Model.from_json(resolution.model.to_json())
    again = resolve(unique[0], model=model)

    assert model.sources == ("Register", "link_and_dedupe", ("crm",))
    assert again.sources == resolution.sources
    assert confidences(again) == pytest.approx(confidences(resolution), abs=1e-5)


def test_a_new_record_is_not_found_in_its_own_source(unique):
    resolution = resolve(unique[0], source="Register", unique_sources=True)
    record = next(row for row in unique[0] if row["Register"] == "crm" and len(row) > 6)
    other = {**record, "Register": "till"}

    of = sources_of(unique[0])
    assert record["id"] in {found.id for found in resolution.find(other, least=0)}
    assert "crm" not in {of[found.id] for found in resolution.find(record, least=0)}


def test_several_tables_are_sources(rows):
    in_order = sorted(rows, key=lambda row: row["Register"])
    tables = {
        name: [{**row, "Register": None} for row in in_order if row["Register"] == name]
        for name in ("crm", "shop", "till")
    }
    of = sources_of(rows)
    found = resolve_tables(tables, link="link_only")
    column = resolve(in_order, source="Register", link="link_only")

    expected = {frozenset(f"{of[x]}/{x}" for x in group.ids) for group in column.groups}
    assert {frozenset(group.ids) for group in found.groups} == expected
    assert found.sources == column.sources


def test_tables_may_have_the_same_ids_and_different_columns():
    crm = [{"id": 1, "FirstName": "Augusta", "LastName": "Lovelace", "Phone": "2065550100"}]
    shop = [{"id": 1, "LastName": "Lovelace", "EmailAddress": "a@x.org"}, {"id": 2}]
    assert resolve_tables({"crm": crm, "shop": shop}).count == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "Registre"}, "source: the records have no column 'Registre'"),
        ({"source": "Register", "link": "across"}, "link is 'across'; it is one of"),
        ({"link": "link_only"}, "need source="),
        ({"unique_sources": True}, "need source="),
        (
            {"source": "Register", "unique_sources": ["crn"]},
            "no value 'crn'; it has '(crm|shop|till)'",
        ),
        ({"source": "EmailAddress"}, "'EmailAddress' has .* values in .* does not hold sources"),
    ],
)
def test_wrong_sources_are_named(rows, options, message):
    with pytest.raises(ValueError, match=message):
        resolve(rows, **options)


@pytest.mark.parametrize(("value", "what"), [("crm", "has only one value"), (None, "is empty")])
def test_a_source_column_with_one_value_is_named(rows, value, what):
    same = [{**row, "Register": value} for row in rows[:50]]
    with pytest.warns(UserWarning, match=f"'Register'.*{what}.*name another column"):
        resolve(same, source="Register")
    with pytest.raises(ValueError, match=f"'Register'.*{what}.*nothing to link"):
        resolve(same, source="Register", link="link_only")


def test_labels_that_join_two_records_of_a_source_without_duplicates_are_named(unique):
    a, b = [row["id"] for row in unique[0] if row["Register"] == "crm"][:2]
    c = next(row["id"] for row in unique[0] if row["Register"] == "shop")
    with pytest.raises(LabelError, match=f"join '{a}' and '{b}', two records of the source 'crm'"):
        resolve(
            unique[0],
            source="Register",
            unique_sources=True,
            labels=[(a, c, True), (b, c, True)],
        )


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"crm": [{"a": "b"}]}, "at least two tables"),
        ([{"a": "b"}], "at least two tables"),
        ({"crm": [{"a": "b"}], "shop": 3}, "table 'shop': records are an iterable"),
        ({"crm": [{"a": "b"}], "shop": [{"source": "b"}]}, "'shop' has a column 'source'"),
    ],
)
def test_wrong_tables_are_named(tables, message):
    with pytest.raises((TypeError, ValueError), match=message):
        resolve_tables(tables)


ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}


def with_copies(rows, crm, shop):
    sources = ["crm"] * crm + ["shop"] * shop
    copies = [{"id": f"c{n:02}", "Register": name, **ADA} for n, name in enumerate(sources)]
    return [*rows, *copies]


def group_of(resolution, record):
    return next((set(group.ids) for group in resolution.groups if record in group.ids), {record})


def test_many_equal_rows_of_one_source_are_linked_through_another_source_only(rows):
    alone = resolve(with_copies(rows, 15, 0), source="Register", link="link_only")
    linked = resolve(with_copies(rows, 15, 12), source="Register", link="link_only")

    assert group_of(alone, "c00") == {"c00"}
    assert group_of(linked, "c00") == {f"c{n:02}" for n in range(27)}
    pairs, sources = linked.pairs(0.0), linked.sources
    assert all(sources[i] != sources[j] for i, j in zip(*pairs[:2], strict=True))
    assert sources == [row["Register"] for row in with_copies(rows, 15, 12)]
    assert "of one source" in linked.explain("c03", "c04").not_compared
    assert linked.explain("c03", "c20").probability > 0.95


@pytest.mark.parametrize("shop", [1, 14])
def test_many_equal_rows_of_a_source_without_duplicates_stay_apart(rows, shop):
    table = with_copies(rows, 30, shop)
    resolution = resolve(table, source="Register", unique_sources=["crm", "shop"])
    of = sources_of(table)

    for threshold in (0.05, 0.95):
        for group in resolution.at(threshold):
            found = [of[record] for record in group.ids]
            assert found.count("crm") <= 1 >= found.count("shop")
    assert any(group_of(resolution, f"c{n:02}") != {f"c{n:02}"} for n in range(30))
    assert resolution.explain("c20", "c21").evidence[-1].attribute == "source"


def test_equal_rows_of_all_sources_are_one_group_by_default(rows):
    resolution = resolve(with_copies(rows, 15, 12), source="Register")
    assert group_of(resolution, "c00") == {f"c{n:02}" for n in range(27)}


def test_labels_cannot_join_equal_rows_of_a_source_without_duplicates(rows):
    with pytest.raises(LabelError, match="'c03' and 'c04', two records of the source 'crm'"):
        resolve(
            with_copies(rows, 15, 0),
            source="Register",
            unique_sources=True,
            labels=[("c03", "c04", True)],
        )


def test_the_column_of_the_sources_is_ignored_and_says_why(rows):
    use = resolve(rows, source="Register").columns["Register"]
    assert use.role == "ignored"
    assert "names the sources" in use.reason


def test_the_expected_recall_does_not_count_pairs_that_are_not_linked(rows):
    resolution = resolve(rows, source="Register", link="link_only")
    assert next(iter(resolution.expected([0.5]))).recall.value > 0.9

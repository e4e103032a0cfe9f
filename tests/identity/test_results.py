"""What a resolution says about itself: expectation, evaluation, verdict, changes, households."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles.identity import Membership, Resolution, resolve
from customer_profiles.identity.results.changes import KINDS, membership
from customer_profiles.identity.results.evaluation import ERROR_KINDS

from .people import at_home

if TYPE_CHECKING:
    from collections.abc import Sequence

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}


@pytest.fixture(scope="module")
def made() -> tuple[list[dict[str, str]], list[int], list[int]]:
    """Return records, the person of each, and the household of each."""
    return at_home(700, seed=5)


@pytest.fixture(scope="module")
def resolution(made: Any) -> Resolution:
    return resolve(made[0])


def real_precision(groups: Any, truth: dict[str, int]) -> float:
    pairs = [pair for group in groups for pair in itertools.combinations(group.ids, 2)]
    return sum(truth[a] == truth[b] for a, b in pairs) / len(pairs)


def truth_of(made: Any) -> dict[str, int]:
    return {row["ProfileId"]: person for row, person in zip(made[0], made[1], strict=True)}


# A precision in place of a threshold


@pytest.mark.parametrize("precision", [0.95, 0.98, 0.99])
def test_a_precision_sets_the_threshold(made: Any, resolution: Resolution, precision: float):
    groups = resolution.at(precision=precision)

    assert real_precision(groups, truth_of(made)) >= precision - 0.01
    assert sum(len(group.ids) for group in groups) > 1_000


def test_a_higher_precision_groups_fewer_records(resolution: Resolution):
    records = [
        sum(len(group.ids) for group in resolution.at(precision=precision))
        for precision in (0.9, 0.98, 0.99, 0.999)
    ]

    assert records == sorted(records, reverse=True)
    assert records[0] > records[-1]


def test_resolve_cuts_where_at_does(made: Any, resolution: Resolution):
    found = resolve(made[0], precision=0.99)

    assert found.groups == resolution.at(precision=0.99)
    assert found.precision == 0.99
    (at,) = found.expected([]).thresholds
    assert at.precision.value >= 0.99


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.9, "precision": 0.9}, "threshold or precision, not both"),
        ({"precision": 0.0}, "above 0 and below 1, not 0.0"),
        ({"precision": 1.0}, "above 0 and below 1, not 1.0"),
        ({"threshold": 1.5}, "at most 1, not 1.5"),
    ],
)
def test_a_cut_that_makes_no_sense_is_refused(
    resolution: Resolution, options: dict[str, float], message: str
):
    with pytest.raises(ValueError, match=message):
        resolve([ADA], **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        resolution.at(**options)


def test_a_cut_of_nothing_is_refused(resolution: Resolution):
    with pytest.raises(ValueError, match="set threshold or precision"):
        resolution.at()


def test_a_precision_that_no_threshold_reaches_groups_nothing():
    rows = [{"FirstName": f"F{n % 9}", "LastName": f"L{n % 7}"} for n in range(60)]

    assert resolve(rows, precision=0.9999).groups == []


# What is expected without labels


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_real_precision_and_recall_are_in_the_expected_intervals(seed: int):
    rows, truth, _ = at_home(300, seed)
    found = resolve(rows)
    for threshold in (0.5, 0.8, 0.95):
        (at,) = [at for at in found.expected([threshold]) if at.threshold == threshold]
        groups = [[*group.ids] for group in found.at(threshold)]
        label = {record: number for number, ids in enumerate(groups) for record in ids}
        real = resolve(rows, threshold=threshold).evaluate(truth)

        assert at.precision.low <= real.pairs.precision <= at.precision.high
        assert at.recall.low <= real.pairs.recall <= at.recall.high
        assert at.people == len(rows) - len(label) + len(groups)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_real_number_of_people_is_in_the_expected_interval(seed: int):
    rows, truth, _ = at_home(300, seed)

    value, low, high = resolve(rows).expected().people

    assert low <= len(set(truth)) <= high
    assert abs(value - len(set(truth))) < 0.05 * len(set(truth))


def test_the_expectation_is_a_table_and_a_text(resolution: Resolution):
    expected = resolution.expected([0.8])

    assert expected.to_arrow().column_names == [
        *("threshold", "precision", "precision_low", "precision_high"),
        *("recall", "recall_low", "recall_high", "people"),
    ]
    assert [at.threshold for at in expected] == [0.8, 0.95]
    assert 0 < expected.thresholds[0].f1 < 1
    assert "estimated people: 1," in str(expected)
    assert len(str(expected).splitlines()) == 5


@pytest.mark.parametrize("rows", [[], [ADA], [ADA, {"FirstName": "Bert", "LastName": "Kern"}]])
def test_nothing_to_group_is_expected_to_be_nothing(rows: list[dict[str, str]]):
    expected = resolve(rows).expected()

    assert all(at.people == len(rows) for at in expected)
    assert expected.people.high == len(rows)
    assert resolve(rows, precision=0.9).groups == []


def test_a_threshold_that_is_none_has_no_expectation(resolution: Resolution):
    with pytest.raises(ValueError, match="not 2"):
        resolution.expected([2])


# What the truth says


def brute_force(label: list[int], truth: list[int]) -> tuple[float, float, float, float]:
    """Return pairwise and B-cubed precision and recall, computed from their definitions."""
    rows = range(len(label))
    pairs = list(itertools.combinations(rows, 2))
    merged = [truth[i] == truth[j] for i, j in pairs if label[i] == label[j]]
    true = [label[i] == label[j] for i, j in pairs if truth[i] == truth[j]]
    cubed = [[], []]
    for i in rows:
        group = {j for j in rows if label[j] == label[i]}
        person = {j for j in rows if truth[j] == truth[i]}
        cubed[0].append(len(group & person) / len(group))
        cubed[1].append(len(group & person) / len(person))
    return (np.mean(merged), np.mean(true), np.mean(cubed[0]), np.mean(cubed[1]))


def test_precision_and_recall_are_those_of_the_definitions():
    rows, truth, _ = at_home(40, seed=9)
    found = resolve(rows, threshold=0.6)
    result = found.evaluate(truth)

    assert (*result.pairs, *result.cubed) == pytest.approx(
        brute_force(found.labels.tolist(), truth)
    )
    assert result.people == len(set(truth))
    assert result.groups == len(set(found.labels.tolist()))


@pytest.mark.filterwarnings("error")
def test_nothing_is_judged_to_be_right():
    for rows, truth in (([], []), ([ADA], [1])):
        result = resolve(rows).evaluate(truth)

        assert (result.pairs, result.cubed) == ((1, 1), (1, 1))
        assert result.people == result.groups == len(rows)


def test_truth_has_many_forms(made: Any, resolution: Resolution):
    truth = made[1]
    names = [f"person {person}" for person in truth]
    forms: list[Any] = [
        truth_of(made), truth, np.array(truth), pd.Series(names), pl.Series(names),
        pa.array(truth), pa.chunked_array([names]), iter(names),
    ]  # fmt: skip

    assert {str(resolution.evaluate(form)) for form in forms} == {str(resolution.evaluate(truth))}


def test_truth_may_be_a_column_that_is_ignored(made: Any):
    rows, truth, _ = made
    rows = [{**row, "person": person} for row, person in zip(rows, truth, strict=True)]
    found = resolve(rows, kinds={"person": "ignored"})

    assert found.evaluate("person").pairs == found.evaluate(truth).pairs
    with pytest.raises(ValueError, match=r"kinds=\{'FirstName': 'ignored'\}"):
        found.evaluate("FirstName")
    with pytest.raises(ValueError, match="'nobody', which the records do not have"):
        found.evaluate("nobody")


def test_records_of_unknown_people_are_left_out(made: Any, resolution: Resolution):
    truth = truth_of(made)
    known = dict(list(truth.items())[:500])
    result = resolution.evaluate(known)
    without = resolution.evaluate([known.get(row["ProfileId"]) for row in made[0]])

    assert result.records == 500
    assert result.pairs == without.pairs
    assert result.pairs.precision > 0.9


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ([1, 2], "truth has 2 values, but there are 1 records"),
        ([None], "truth names no person"),
        ([float("nan")], "truth names no person"),
        ({"x": 1}, "none of these records; its keys are record ids"),
    ],
)
def test_truth_that_does_not_fit_is_refused(truth: Any, message: str):
    with pytest.raises(ValueError, match=message):
        resolve([ADA]).evaluate(truth)


def test_without_the_values_the_truth_cannot_be_a_column(made: Any):
    with pytest.raises(ValueError, match="values were not kept; pass the truth itself"):
        resolve([ADA], keep_values=False).evaluate("person")


def test_errors_are_counted_by_kind_and_explain_themselves(made: Any):
    truth = truth_of(made)
    result = resolve(made[0], threshold=0.5).evaluate(truth)
    errors = result.errors()

    assert sum(result.counts.values()) == len(errors) == result.false_pairs + result.missed_pairs
    for error in errors:
        is_false = error.kind in {"same values", "related", "strangers"}
        assert is_false == (truth[error.left] != truth[error.right])
    first = result.errors("scored low", 1)[0]
    assert first.kind == "scored low"
    assert first.explain().left in {first.left, first.right}
    assert result.errors("scored low", 1)[0].probability == pytest.approx(
        max(error.probability or 0 for error in result.errors("scored low"))
    )


def test_an_error_kind_that_there_is_none_of_is_refused(resolution: Resolution, made: Any):
    with pytest.raises(ValueError, match="kind is one of same values, related"):
        resolution.evaluate(made[1]).errors("unlucky")  # type: ignore[arg-type]


def test_the_evaluation_as_text_shows_ids_and_no_values(made: Any):
    result = resolve(made[0], threshold=0.5).evaluate(made[1])

    assert "pairs: precision 0." in result.text()
    assert all(kind in str(result) for kind, count in result.counts.items() if count)
    assert not any(row.get("EmailAddress", "@") in str(result) for row in made[0])


def errors_of(rows: list[dict[str, str]], truth: dict[str, str], **options: Any) -> dict[str, int]:
    """Return the errors among many records, of which only those of `truth` are judged."""
    crowd, _, _ = at_home(150, seed=4)
    found = resolve([*crowd, *rows], **options).evaluate(truth)
    return {kind: count for kind, count in found.counts.items() if count}


BASE = {"LastName": "Zanweskaya", "Address1": "Petnarweg 17", "City": "Dorstadt",
        "PostalCode": "41222"}  # fmt: skip


def test_two_people_with_the_same_values_are_an_error_of_their_own():
    same = {**BASE, "FirstName": "Wojciech", "BirthDate": "1960-02-03"}
    rows = [{**same, "ProfileId": "father"}, {**same, "ProfileId": "son"}]

    assert errors_of(rows, {"father": "f", "son": "s"}) == {"same values": 1}


def test_a_pair_that_shares_nothing_was_never_compared():
    rows = [
        {"FirstName": "Wojciech", "LastName": "Kerzanwicz", "ProfileId": "old"},
        {"EmailAddress": "new.address77@x.org", "ProfileId": "new"},
    ]

    assert errors_of(rows, {"old": "w", "new": "w"}) == {"never compared": 1}


def test_a_pair_below_the_threshold_names_what_differs():
    rows = [
        {**BASE, "FirstName": "Wojciech", "BirthDate": "1960-02-03", "ProfileId": "a"},
        {**BASE, "FirstName": "Agnieszka", "BirthDate": "1984-11-27", "ProfileId": "b"},
    ]
    crowd, _, _ = at_home(150, seed=4)
    found = resolve([*crowd, *rows]).evaluate({"a": "w", "b": "w"})
    (error,) = found.errors()

    assert error.kind == "scored low"
    assert error.attribute in {"given name", "birth date"}
    assert f"{error.attribute} differs: 1" in str(found)
    assert f"{error.attribute} differs" in str(error)
    assert repr(error) == "PairError('a', 'b', 'scored low')"


def test_relatives_who_are_merged_are_an_error_of_their_own():
    twins = {**BASE, "BirthDate": "1960-02-03", "PhoneNumber": "+49 151 4455667"}
    rows = [
        {**twins, "FirstName": "Ewa", "ProfileId": "a"},
        {**twins, "FirstName": "Ewka", "ProfileId": "b"},
    ]

    assert errors_of(rows, {"a": "1", "b": "2"}, threshold=0.01) == {"related": 1}


# Whether to rely on it


def reasons(found: Resolution) -> dict[str, str]:
    return {reason.kind: reason.level for reason in found.verdict.reasons}


def test_a_good_run_is_reliable(resolution: Resolution):
    assert resolution.verdict
    assert resolution.verdict.level == "reliable"


def test_few_matches_are_not_enough_to_estimate_from():
    rows, _, _ = at_home(40, seed=2)
    found = resolve(rows[:90])

    assert not found.verdict
    assert reasons(found)["few_matches"] in {"doubtful", "unreliable"}
    assert "pass a model that was estimated from more records" in str(found.verdict)


def test_a_given_model_needs_no_matches(resolution: Resolution, made: Any):
    found = resolve(made[0][:60], model=resolution.model)

    assert not {"few_matches", "nothing_found"} & reasons(found).keys()


def test_finding_nothing_is_said():
    draw = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = [
        {"FirstName": "".join(draw.choices(letters, k=7)),
         "EmailAddress": f"{''.join(draw.choices(letters, k=9))}@x.org"}
        for _ in range(200)
    ]  # fmt: skip

    assert "nothing_found" in reasons(resolve(rows))


@pytest.mark.parametrize("rows", [[], [ADA]])
def test_a_table_of_one_row_has_nothing_to_compare(rows: list[dict[str, str]]):
    found = resolve(rows)

    assert reasons(found) == {"nothing_found": "doubtful"}
    assert "fewer than two records" in str(found.verdict)
    assert "resolve more records at once" in str(found.verdict)


def test_one_column_that_carries_all_is_named():
    draw = random.Random(2)
    people = [
        {
            "EmailAddress": f"{draw.randrange(10**7)}@x.org",
            "Gender": draw.choice("MF"),
            "City": draw.choice(("Bern", "Basel", "Genf")),
        }
        for _ in range(600)
    ]
    rows = [*people, *people[:300]]
    found = resolve(rows)
    (reason,) = [reason for reason in found.verdict.reasons if reason.kind == "one_column"]

    assert "without email" in reason.text
    assert not found.verdict


def test_columns_that_say_nothing_are_a_note(made: Any):
    draw = random.Random(1)
    extra = {"Country": "CH", "key": "x"}
    found = resolve(
        [{**row, "flag": draw.choice(("yes", "no")), "Gender": "F", **extra} for row in made[0]],
        kinds={"key": "ignored"},
    )
    (silent,) = [part for part in found.verdict.reasons if part.kind == "columns_say_nothing"]

    # `flag` is not compared, because it says nothing; `Gender` is, though all have the same.
    assert found.columns["flag"].role == "ignored"
    assert silent.text.startswith("2 of ")
    assert silent.text.endswith(" columns say nothing about who is who: flag, Gender")
    assert silent.level == "reliable"
    assert found.verdict


def test_columns_of_which_none_identifies_people_are_doubtful():
    draw = random.Random(1)
    rows = [
        {"City": draw.choice(("Bern", "Basel")), "note": draw.choice(("a", "b"))}
        for _ in range(100)
    ]
    with pytest.warns(UserWarning, match="do not identify people"):
        found = resolve(rows)
    (silent,) = [part for part in found.verdict.reasons if part.kind == "columns_say_nothing"]

    assert silent.level == "doubtful"
    assert "note" in silent.text


def test_a_precision_that_is_out_of_reach_is_said(made: Any):
    rows = [{name: row.get(name, "") for name in ("FirstName", "LastName")} for row in made[0]]
    found, at_default = resolve(rows, precision=0.99999), resolve(rows)

    assert "the expected precision is 0.9" in str(at_default.verdict)
    assert "less than 0.95; raise the threshold" in str(at_default.verdict)
    assert found.groups == []
    assert reasons(found)["low_precision"] == "doubtful"
    assert "no threshold reaches the precision 0.99999" in str(found.verdict)


def test_a_population_of_relatives_with_few_duplicates_is_doubtful():
    rows, truth, _ = at_home(900, seed=8)
    first = {person: row for row, person in zip(reversed(rows), reversed(truth), strict=True)}
    members = ("LastName", "Address1", "City", "PostalCode", "FirstName", "ProfileId")
    unique = [{name: row[name] for name in members if name in row} for row in first.values()]
    assert len(unique) == len(set(truth))
    found = resolve(unique)

    assert not found.verdict


def test_a_verdict_shows_no_values(made: Any):
    found = resolve([{**row, "note": "x"} for row in made[0][:80]])

    assert not found.verdict
    assert not any(row.get("LastName", "@") in str(found.verdict) for row in made[0][:80])


# Ids that last, and what changed


def test_group_ids_do_not_depend_on_the_order_of_the_records(made: Any, resolution: Resolution):
    again = resolve(list(reversed(made[0])))
    same = {group.ids and frozenset(group.ids): group.id for group in resolution.groups}
    there = {frozenset(group.ids): group.id for group in again.groups}

    assert {same[ids] == there[ids] for ids in same.keys() & there.keys()} == {True}
    assert len(same.keys() & there.keys()) > 300


def test_a_group_has_the_id_that_its_records_have(resolution: Resolution):
    members = resolution.membership()

    assert len(members) == resolution.count
    for group in resolution.groups:
        assert {members[record] for record in group.ids} == {group.id}
    assert len(set(members.values())) == len(set(resolution.labels.tolist()))


def test_nothing_changes_when_nothing_changes(made: Any, resolution: Resolution):
    changes = resolve(made[0]).changes_since(resolution)

    assert not changes
    assert changes.unchanged == len(resolution.groups)
    assert list(changes) == []
    assert str(changes) == f"{len(resolution.groups)} unchanged"


def grouped(*groups: str) -> Membership:
    """Return a membership whose groups are words, and whose records are their letters."""
    return Membership({letter: word for word in groups for letter in word})


@pytest.mark.parametrize(
    ("before", "now", "kind", "joined", "left"),
    [
        ("a b", "ab", "created", "ab", ""),
        ("ab", "a b", "removed", "", "ab"),
        ("ab c", "abc", "grown", "c", ""),
        ("abc", "ab c", "shrunk", "", "c"),
        ("abc", "ab", "shrunk", "", "c"),
        ("ab cd e", "abcde", "merged", "e", ""),
        ("abcd", "ab cd", "split", "", ""),
        ("abc d", "abd c", "regrouped", "d", "c"),
        ("abc de", "ab cde", "regrouped", "", ""),
        ("a", "ab", "created", "ab", ""),
    ],
)
def test_changes_have_a_kind(before: str, now: str, kind: str, joined: str, left: str):
    changes = grouped(*now.split()).changes_since(grouped(*before.split()))
    (change,) = changes

    assert change.kind == kind
    assert {*change.joined} == {*joined}
    assert {*change.left} == {*left}
    assert {*change.groups} == {word for word in now.split() if len(word) > 1}
    assert {*change.before} == {word for word in before.split() if len(word) > 1}
    assert str(change).startswith(f"{kind}: ")
    assert changes.counts == {name: int(name == kind) for name in KINDS}


LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(LABELS, LABELS)
def test_ids_are_kept_and_never_shared(first: list[int], second: list[int]):
    ids = [*"abcdefghijkl"]
    before = membership(ids[: len(first)], np.array(first))
    now = membership(ids[: len(second)], np.array(second), before)
    changes = now.changes_since(before)
    sets = [
        {name: frozenset(r for r in side if side[r] == name) for name in side.values()}
        for side in (before, now)
    ]

    # One id for each group, and a group that is unchanged keeps its own.
    assert len(set(now.values())) == len(set(second))
    for name, records in sets[0].items():
        if records in sets[1].values():
            assert sets[1][name] == records
    several = [{records for records in side.values() if len(records) > 1} for side in sets]
    assert changes.unchanged == len(several[0] & several[1])
    listed = [name for change in changes for name in change.groups]
    assert len(listed) == len(set(listed)) == len(several[1] - several[0])


def test_the_largest_part_keeps_the_id():
    before = Membership(dict.fromkeys("abcde", "first"))
    now = membership([*"abcdef"], np.array([0, 0, 1, 1, 1, 1]), before)

    assert now["c"] == "first"
    assert now["a"] == now["b"] != "first"


def test_a_membership_is_stored_as_json_and_as_arrow(resolution: Resolution):
    members = resolution.membership()

    assert Membership.from_json(members.to_json()) == members
    assert Membership.from_arrow(members.to_arrow()) == members
    numbers = resolve([ADA, ADA]).membership()
    assert Membership.from_json(numbers.to_json()) == numbers
    assert repr(numbers) == "Membership(records=2, groups=1)"


def test_groups_of_a_store_of_your_own_are_compared(resolution: Resolution):
    own = {record: int(label) for record, label in zip(
        resolution.membership(), resolution.labels, strict=True)}  # fmt: skip

    assert not resolution.changes_since(own)
    assert set(resolution.membership(own).values()) == set(map(str, own.values()))


def test_a_previous_result_of_other_records_is_refused(resolution: Resolution):
    with pytest.raises(ValueError, match=r"same id_column \(ids are int there, and str here\)"):
        resolution.changes_since({1: "a", 2: "a"})
    with pytest.raises(ValueError, match="previous has none of these records"):
        resolution.membership({1: "a"})


@pytest.mark.parametrize("text", ["[]", "{}", '{"groups": {"a": 1}}', '{"groups": [1]}'])
def test_what_is_not_a_membership_is_refused(text: str):
    with pytest.raises(ValueError, match="not a membership"):
        Membership.from_json(text)


def test_a_table_without_groups_is_refused():
    with pytest.raises(ValueError, match="no column 'group'"):
        Membership.from_arrow(pa.table({"record": [1]}))


@pytest.mark.parametrize(
    ("record", "message"),
    [("nobody", "no record with this id'"), (7, "ids of these records are str, and this is int")],
)
def test_an_id_that_no_record_has_is_refused_by_its_type(
    resolution: Resolution, record: Any, message: str
):
    with pytest.raises(KeyError, match=message):
        resolution.record(record)


def test_a_long_list_of_changes_is_shortened():
    words = [a + b for a, b in zip("abcdefghij", "klmnopqrst", strict=True)]
    text = grouped(*words).changes_since(Membership({word[0]: word for word in words})).text(2)

    assert text.splitlines()[0] == "10 created, 0 unchanged"
    assert text.splitlines()[-1] == "  created: 8 more"


# Who lives together


@pytest.mark.parametrize("seed", [1, 5])
def test_people_who_live_together_are_a_household(seed: int):
    rows, truth, homes = at_home(600, seed)
    found = resolve(rows)
    person = {row["ProfileId"]: number for row, number in zip(rows, truth, strict=True)}
    home = {row["ProfileId"]: number for row, number in zip(rows, homes, strict=True)}
    pairs = {
        frozenset((person[a], person[b])): home[a] == home[b]
        for household in found.households
        for one, two in itertools.combinations(household.people, 2)
        for a, b in itertools.product(one, two)
        if person[a] != person[b]
    }
    sizes = np.bincount([*dict(zip(truth, homes, strict=True)).values()])

    assert sum(pairs.values()) / len(pairs) >= 0.94
    assert sum(pairs.values()) / (sizes * (sizes - 1) // 2).sum() >= 0.92


def test_a_household_holds_people_rather_than_records(resolution: Resolution):
    members = resolution.membership()

    for household in resolution.households:
        assert len(household.people) > 1
        assert 0 <= household.confidence <= 1
        for person in household.people:
            assert len({members[record] for record in person}) == 1
    records = [r for home in resolution.households for person in home.people for r in person]
    assert len(records) == len(set(records))
    confidences = [household.confidence for household in resolution.households]
    assert confidences == sorted(confidences, reverse=True)


@pytest.mark.parametrize("rows", [[], [ADA], [ADA, ADA]])
def test_nobody_else_is_no_household(rows: list[dict[str, str]]):
    assert resolve(rows).households == []


def test_all_kinds_of_errors_are_known():
    assert len(ERROR_KINDS) == 6


FIRST = ("Ann", "Bob", "Cora", "Dirk", "Eva", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Lea")
LAST = ("Adler", "Baker", "Clay", "Drake", "Estes", "Frost", "Grant", "Hayes", "Ives", "Jacobs")


def namesakes_at_home(columns: Sequence[str]) -> list[dict[str, str]]:
    draw = random.Random(17)
    rows = []
    for _ in range(500):
        family, road = [draw.choice(LAST) + draw.choice(LAST).lower() for _ in range(2)]
        address = f"{draw.randrange(1, 90)} {road} Road"
        for _ in range(3):
            name = draw.choice(FIRST) + draw.choice(FIRST).lower()
            birth = f"19{draw.randrange(40, 99)}-0{draw.randrange(1, 9)}-{draw.randrange(10, 29)}"
            row = {"FirstName": name, "LastName": family, "Address1": address, "BirthDate": birth}
            rows += [{column: row[column] for column in columns}] * draw.choice((1, 1, 2))
    return rows


def test_namesakes_of_one_home_are_doubtful_unless_a_column_tells_them_apart():
    names_and_address = ("FirstName", "LastName", "Address1")
    found = resolve(namesakes_at_home(names_and_address))

    assert reasons(found)["namesakes"] == "doubtful"
    assert "add birth dates" in str(found.verdict)
    more = resolve(namesakes_at_home((*names_and_address, "BirthDate")))
    assert "namesakes" not in reasons(more)


def test_matches_of_few_people_with_many_records_are_few():
    draw = random.Random(5)
    people = [
        {"FirstName": draw.choice(FIRST), "LastName": draw.choice(LAST),
         "EmailAddress": f"{draw.randrange(10**6)}@x.org"}
        for _ in range(20)
    ]  # fmt: skip
    rows = [row for row in people for _ in range(5)]

    assert "few_matches" in reasons(resolve(rows))

"""Comparisons, kinds, blocking keys and weights that users define."""

from __future__ import annotations

import json
import operator
import random
from itertools import repeat

import numpy as np
import pytest

from customer_profiles.identity import (
    Comparison,
    Index,
    Level,
    Model,
    OwnKind,
    Weight,
    lasting_keys,
    resolve,
)
from customer_profiles.identity.matching.comparing import compare

from .people import people


def one_sign(a, b):
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def plain(text):
    return "".join(filter(str.isalnum, text.upper())) or None


PLATE = Comparison(
    "plate",
    "Plate",
    [Level.exact(), Level("one sign", one_sign)],
    normalize=plain,
)
LICENCE = OwnKind([Level.exact(), Level("one sign", one_sign)], normalize=plain)


def first_of_both_names(record):
    names = record.get("FirstName"), record.get("LastName")
    return "".join(name[:2].lower() for name in names) if all(names) else None


PARTS = ("given sound", "phone tail", "family word")
KEYS = ["Plate", ("City", "BirthDate"), PARTS, first_of_both_names]


@pytest.fixture(scope="module")
def made():
    """Return records, some with the plate of their person's car, and the person of each."""
    rows, truth = people(500, seed=7)
    dice = random.Random(7)
    plates = {
        person: f"{dice.choice('BMK')}-XY {dice.randrange(1000, 9999)}" for person in {*truth}
    }
    for row, person in zip(rows, truth, strict=True):
        if dice.random() < 0.6:
            plate = plates[person]
            row["Plate"] = plate.lower().replace(" ", "") if dice.random() < 0.5 else plate
    return rows, truth


@pytest.fixture(scope="module")
def resolution(made):
    return resolve(made[0], comparisons=[PLATE], blocking=KEYS)


def attribute(resolution, name):
    (found,) = [found for found in resolution._weights.attributes if found.name == name]
    return found


def groups_of(resolution):
    return {frozenset(group.ids) for group in resolution.groups}


def test_a_comparison_of_one_s_own_is_estimated_and_explained(resolution):
    plate = attribute(resolution, "plate")
    parts = [
        part
        for group in resolution.groups
        if len(group.ids) == 2
        for part in resolution.explain(*group.ids).evidence
        if part.attribute == "plate"
    ]

    assert plate.levels == ("missing", "exact", "one sign", "different")
    assert plate.match[1] > 0.9
    assert plate.chance[1] < 0.01
    assert {part.level for part in parts} >= {"exact"}
    assert all(part.weight > 5 and part.tf for part in parts if part.level == "exact")
    assert all(part.left and part.right for part in parts)


def test_a_comparison_of_one_s_own_finds_more(made, resolution):
    without = resolve(made[0], kinds={"Plate": "ignored"})

    assert len(resolution.pairs(0.95).left) > 1.03 * len(without.pairs(0.95).left)
    assert "Plate" not in [found.name for found in resolution._weights.attributes]


def test_a_kind_of_one_s_own_compares_its_columns(made):
    found = resolve(made[0], kinds={"Plate": LICENCE})

    assert attribute(found, "Plate").levels == ("missing", "exact", "one sign", "different")
    model = Model.from_json(found.model.to_json(), kinds={"Plate": LICENCE})
    assert groups_of(resolve(made[0], model=model)) == groups_of(found)


def test_vectorised_levels_give_the_same(made, resolution):
    many = Comparison(
        "plate",
        "Plate",
        [Level.exact(), Level("one sign", np.vectorize(one_sign, otypes=[bool]), vectorised=True)],
        normalize=plain,
    )
    found = resolve(made[0], comparisons=[many], blocking=KEYS)

    assert groups_of(found) == groups_of(resolution)


def test_several_columns_are_compared_together(made):
    whole = Comparison(
        "whole name",
        ["FirstName", "LastName"],
        [
            Level.exact(),
            Level("reversed", lambda a, b: a == b[::-1]),
            Level("one missing", lambda a, b: None in a or None in b),
        ],
    )
    found = resolve(made[0], comparisons=[whole])
    rows = {row["ProfileId"]: row for row in made[0]}
    levels = {
        part.level: (group.ids, part)
        for group in found.groups
        if len(group.ids) == 2
        for part in found.explain(*group.ids).evidence
        if part.attribute == "whole name"
    }

    assert {"exact", "different"} <= levels.keys()
    (a, b), part = levels["exact"]
    assert rows[a].get("FirstName") == rows[b].get("FirstName")
    assert part.left == part.right


def test_the_order_of_two_records_means_nothing():
    seen = set()

    def test(a, b):
        seen.add((a, b))
        return False

    rows = [{"id": n, "Note": text} for n, text in enumerate(["b", "a", "c", "a", "b"])]
    for order in (rows, rows[::-1]):
        resolve(order, comparisons=[Comparison("note", "Note", [Level("near", test)])])

    assert seen == {("a", "b"), ("a", "c"), ("b", "c"), ("a", "a"), ("b", "b")}


def test_a_function_is_called_once_for_each_pair_of_values():
    calls = []

    def test(a, b):
        calls.append((a, b))
        return a == b

    rows = [{"id": n, "Note": f"n{n % 7}"} for n in range(200)]
    resolve(rows, comparisons=[Comparison("note", "Note", [Level("near", test)])])

    assert len(calls) == len({*calls}) == 28


def test_a_comparison_with_the_name_of_an_attribute_replaces_it(made):
    by_year = Comparison(
        "birth date", "BirthDate", [Level("same year", lambda a, b: a[:4] == b[:4], m=0.95, u=0.02)]
    )
    found = resolve(made[0], comparisons=[by_year])

    birth = attribute(found, "birth date")
    assert birth.levels == ("missing", "same year", "different")
    assert (birth.match[1], birth.chance[1]) == (0.95, 0.02)
    assert birth.match[2] == pytest.approx(0.05)
    assert birth.related[1] == 0.02
    row = next(row for row in made[0] if row.get("BirthDate"))
    (same, *_) = found.find(row, least=0.0)
    levels = {evidence.attribute: evidence.level for evidence in same.explain().evidence}
    assert levels["birth date"] == "same year"


@pytest.mark.parametrize("weight", [Weight(m=0.9), Weight(u=0.001), (0.9, 0.001), (None, 0.2)])
def test_weights_of_built_in_attributes_can_be_fixed(made, weight):
    found = resolve(made[0], weights={"birth date": {"exact": weight}})

    birth = attribute(found, "birth date")
    m, u = weight
    assert m is None or birth.match[1] == m
    assert u is None or birth.chance[1] == u
    assert u is None or not birth.has_tf.any()
    assert birth.match[1:].sum() == pytest.approx(1)
    assert birth.chance[1:].sum() == pytest.approx(1)


def test_a_model_with_fixed_weights_is_stored(made):
    found = resolve(made[0], weights={"birth date": {"exact": (0.9, 0.001)}})
    model = Model.from_json(found.model.to_json())

    assert groups_of(resolve(made[0], model=model)) == groups_of(found)


def test_a_blocking_key_of_one_s_own_finds_pairs():
    dice = random.Random(2)
    names = [f"{dice.choice('BDFGK')}{dice.choice('aeiou')}{n}" for n in range(400)]
    rows = [{"id": n, "Note": name, "Box": f"box {n % 200}"} for n, name in enumerate(names)]
    box = Comparison("box", "Note", [Level("any", lambda a, b: True, m=0.9, u=0.1)])  # noqa: ARG005

    def compared(**options):
        found = resolve(rows, kinds={"Box": "ignored"}, comparisons=[box], **options)
        row_of = found._matcher.rows.row_of.tolist()
        pairs = map(divmod, found._matcher.candidates(Now()).tolist(), repeat(2**32))
        return {(*sorted((row_of[left], row_of[right])),) for left, right in pairs}

    class Now:
        map = map

    same_box = {(n, n + 200) for n in range(200)}
    assert not same_box & compared()
    assert same_box <= compared(blocking=["Box"])
    assert same_box <= compared(blocking=[("Box",)])
    assert same_box <= compared(blocking=[lambda record: record["Box"][4:]])
    assert same_box <= compared(blocking=[lambda record: [record["Box"], "", record["Note"]]])


def test_one_record_is_compared_as_many_are(made, resolution):
    model = resolution.model
    index = Index(model)
    rows = [{k: v for k, v in row.items() if k != "ProfileId"} for row in made[0]]
    i, j = resolution._scored.i[:300], resolution._scored.j[:300]

    codes = compare(resolution._matcher.comparisons, i, j)

    row_of = resolution._matcher.rows.row_of
    single = [
        index._scorer.codes(index._read(rows[a]), index._read(rows[b]))
        for a, b in zip(row_of[i].tolist(), row_of[j].tolist(), strict=True)
    ]
    level = [of.level_of for of in resolution._weights.attributes]
    names = [of.name for of in resolution._weights.attributes]
    at = names.index("plate")
    assert codes[:, at].any()
    assert [level[at][row[at]] for row in single] == level[at][codes[:, at]].tolist()


def test_a_new_record_is_found_by_a_key_of_one_s_own(made, resolution):
    rows = [row for row in made[0] if "Plate" in row][:200]
    own = {
        f"own {n}" for n in ("Plate", "City, BirthDate", ", ".join(PARTS), "first_of_both_names")
    }
    assert own <= {name for key in resolution.model.keys for name in key}

    keys, of = lasting_keys(rows, resolution.model)

    index = Index(resolution.model)
    for number, row in enumerate(rows[:50]):
        assert {*keys[of == number].tolist()} == index.keys(row)
    found = resolution.find({**rows[0], "ProfileId": "new"})
    assert rows[0]["ProfileId"] in [candidate.id for candidate in found]
    assert "plate" in [part.attribute for part in found[0].explain().evidence]


def test_a_stored_model_asks_for_its_functions(made, resolution):
    text = resolution.model.to_json()

    with pytest.raises(ValueError, match=r"comparisons of your own, \['plate'\], and stores no"):
        Model.from_json(text)
    with pytest.raises(ValueError, match=r"blocking of your own, \['first_of_both_names'\]"):
        Model.from_json(text, comparisons=[PLATE])
    model = Model.from_json(text, comparisons=[PLATE], blocking=[first_of_both_names])
    assert groups_of(resolve(made[0], model=model)) == groups_of(resolution)
    assert model.to_json() == text


def test_a_model_refuses_functions_that_it_was_estimated_without(made, resolution):
    other = Comparison("other", "Plate", [Level.exact()])
    text = resolution.model.to_json()

    with pytest.raises(ValueError, match=r"estimated without \['other'\]"):
        Model.from_json(text, comparisons=[PLATE, other], blocking=[first_of_both_names])
    model = Model.from_json(text, comparisons=[PLATE], blocking=[first_of_both_names])
    with pytest.raises(ValueError, match="belong to a model"):
        resolve(made[0], model=model, comparisons=[PLATE])


def test_a_model_without_functions_names_none(made):
    assert json.loads(resolve(made[0][:50]).model.to_json())["own"] is None


last = operator.itemgetter(99)


def one(_a, _b):
    return [True]


ROWS = [{"id": n, "FirstName": f"Ada{n % 9}", "Plate": f"B {n % 11}"} for n in range(60)]
NEAR = Level("near", operator.eq)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Level("near", operator.ne, m=1.5), "level 'near': m is a probability"),
        (lambda: Level("near", one_sign, term_frequency=True), "use Level.exact"),
        (lambda: Comparison("plate", [], [NEAR]), "'plate' needs a name, a column and a level"),
        (lambda: Comparison("plate", "Plate", []), "'plate' needs a name, a column and a level"),
        (lambda: Comparison("plate", "Plate", [NEAR, NEAR]), "labels that differ"),
        (lambda: Comparison("plate", "Plate", [Level("missing", one_sign)]), "labels that differ"),
        (
            lambda: Comparison("plate", "Plate", [Level.exact(m=0.7)], different=Weight(m=0.6)),
            "the fixed m of its levels add up to 1.3",
        ),
    ],
)
def test_a_wrong_comparison_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"comparisons": [Comparison("plate", "Number", [NEAR])]},
            r"comparison 'plate' reads the column 'Number', which the records do not have: \[",
        ),
        (
            {"comparisons": [Comparison("plate", "Plate", [Level("bad", lambda a, b: a / b)])]},
            "comparison 'plate': the test of the level 'bad' raised TypeError",
        ),
        (
            {"comparisons": [Comparison("plate", "Plate", [Level("bad", one, vectorised=True)])]},
            r"returned an array of shape \(1,\) for",
        ),
        (
            {
                "comparisons": [
                    Comparison("plate", "Plate", [NEAR], normalize=lambda text: text[99])
                ]
            },
            "comparison 'plate': normalize raised IndexError",
        ),
        (
            {"comparisons": [Comparison("plate", "Plate", [NEAR], normalize=list)]},
            "normalize raised TypeError, or returned what cannot be hashed",
        ),
        ({"weights": {"Plate": {"exact": 0.9}}}, r"weights are pairs \(m, u\) by attribute"),
        ({"weights": {"Plate": (0.9, 0.1)}}, r"weights are pairs \(m, u\) by attribute"),
        ({"comparisons": [PLATE, PLATE]}, "comparisons: 'plate' is defined twice"),
        (
            {"blocking": ["Number"]},
            r"'Number' is no column of the records \(FirstName, Plate\), and no",
        ),
        ({"blocking": [("Plate", "given sound")]}, r"'given sound' is no column of the records"),
        ({"blocking": [()]}, "a key is a column, several columns or a function"),
        ({"blocking": [lambda record: record["x"]]}, "key function '<lambda>' raised KeyError"),
        ({"blocking": [lambda record: [len(record)]]}, "'<lambda>' returned what is not text"),
        ({"weights": {"age": {"exact": (0.9, 0.1)}}}, "'age' is no attribute of these records"),
        ({"weights": {"Plate": {"close": (0.9, 0.1)}}}, "'Plate' has no level 'close'; its levels"),
        ({"weights": {"Plate": {"exact": (2, 0.1)}}}, r"weights\['Plate'\]\['exact'\]: m is a"),
        (
            {"weights": {"Plate": {"exact": (0.9, 0.1), "near": (0.3, 0.1)}}},
            r"weights\['Plate'\]: the fixed m of its levels add up to 1.2",
        ),
    ],
)
def test_a_wrong_definition_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        resolve(ROWS, **options)


def test_records_without_a_value_are_no_error():
    nothing = Comparison("plate", "Plate", [NEAR], normalize=lambda text: None)  # noqa: ARG005

    found = resolve(ROWS, comparisons=[nothing], blocking=[lambda record: None])  # noqa: ARG005
    assert {*attribute(found, "plate").level_of[found._scored.codes[:, -1]].tolist()} <= {0}
    assert resolve([{"id": 1, "Plate": None}], comparisons=[PLATE]).groups == []

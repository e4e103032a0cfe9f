"""Conditions as SQL hold for the same values as in Python, over any texts and any groups."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from customer_profiles.engine.audiences import predicates, segments
from customer_profiles.engine.audiences.segment_groups import Asked
from customer_profiles.engine.store import conditions
from customer_profiles.engine.store.conditions import Combined

# SQLite 3.40 ends a text of JSON at its first NUL.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
TEXTS |= st.sampled_from(
    [
        "gold",
        "Gold",
        "old",
        "%",
        "_",
        "*",
        "[a]",
        "é",
        "e\u0301",
        '"',
        "\\",
        "\n",
        "😀",
    ]
)
NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.decimals(-10, 10, places=1).map(str),
    st.integers(-3, 3).map(str),
    st.sampled_from(
        [
            *("1e3", "1E-2", "-1e300", "1e999", "-1e999", ".5", "5.", "+1", "-0", "0.1", "0.10"),
            *("0.1000000000000000000001", "9" * 40, "-" + "9" * 40, "1" + "0" * 200, "1e-400"),
            *("1.0000000000001", "0." + "0" * 100 + "1"),
        ]
    ),
)
NO_NUMBERS = st.sampled_from(
    [
        "",
        ".",
        "-",
        "1_0",
        " 1",
        "1 ",
        "1.2.3",
        "--1",
        "0x10",
        "NaN",
        "inf",
        "٣",
        "1e",
        "5-",
        "1e5000",
    ]
)
DATES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z"),
    st.integers(-3, 3).map(lambda days: f"2024-03-0{days + 4}"),
    st.integers(0, 23).map(lambda hour: f"2024-03-04T{hour:02}:00:00-05:00"),
    st.integers(-(10**12), 10**13).map(str),
    st.sampled_from(
        [
            *("2024-03-04T00:00:00.000001Z", "2024-03-04 10:00", "2024-02-29", "0001-01-01"),
            *(
                "9999-12-31T23:59:59Z",
                "0001-01-01T00:00:00+14:00",
                "1709510400",
                "2024-03-04T10:00",
            ),
        ]
    ),
)
NO_DATES = st.sampled_from(
    [
        *("2023-02-29", "2023-02-30", "2024-13-01", "0000-01-01", "2024-03-04T24:00:00Z", "now"),
        *("2024-03-04T10", "2024-03-04x", "2024-3-4", "20240304", "12:00", "2024-03-04T10:00:60Z"),
        *("2024-03-04T23:59:59+24:00", "-", "1-2", "2024-03-04Z", "2460373.5"),
    ]
)
LISTS = st.lists(TEXTS | st.integers() | st.none(), max_size=3).map(to_json)
VALUES = st.one_of(st.none(), TEXTS, NUMBERS, NO_NUMBERS, DATES, NO_DATES, LISTS.map(bytes.decode))
TEXT_OPERATORS = ("INCLUSIVE", "EXCLUSIVE", "CONTAINS", "BEGINS_WITH", "ENDS_WITH")


def asked(operators, values, least=1, most=4):
    listed = st.lists(values, min_size=least, max_size=most)
    return st.tuples(st.sampled_from(sorted(operators)), listed)


CONDITIONS = st.one_of(
    asked(TEXT_OPERATORS, TEXTS.filter(bool) | NUMBERS),
    asked(["INCLUSIVE", "EXCLUSIVE"], TEXTS.filter(bool), least=9, most=12),
    asked(predicates.NUMBERS, NUMBERS),
    asked(predicates.DATES, DATES),
    asked(predicates.RANGES, NUMBERS, least=2, most=2),
    asked(predicates.RANGES, DATES, least=2, most=2),
    asked(predicates.LISTS, TEXTS.filter(bool)),
)


def leaf(operator, values, *path):
    shape = {"DimensionType": operator, "Values": values}
    return segments.leaf(Asked(path or ("Attributes", "x"), False, shape, ""), {})


def rows_matching(tree, profiles):
    """Return the positions of the profiles that match a tree, as SQL answers it."""
    query = conditions.compile_tree(tree)
    assert query.is_exact
    return rows_of(query.may, query, profiles)


def rows_of(expression, query, profiles):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE profiles (id INTEGER PRIMARY KEY, body BLOB)")
    connection.executemany(
        "INSERT INTO profiles VALUES (?, ?)",
        [(position, to_json(profile)) for position, profile in enumerate(profiles)],
    )
    conditions.prepare(connection, query)
    found = connection.execute(
        f"SELECT id FROM profiles WHERE {expression}",  # noqa: S608 - written from conditions
        query.parameters,
    )
    rows = [row for (row,) in found]
    connection.close()
    return rows


def matching(tree, profiles):
    """Return the same as Python has it."""
    return [
        position
        for position, profile in enumerate(profiles)
        if segments.holds(tree, segments.Subject(profile, {}))
    ]


def profile(value):
    return {} if value is None else {"Attributes": {"other": "1", "x": value}}


@given(CONDITIONS, st.lists(VALUES, min_size=1, max_size=8))
@example(("BETWEEN", ["10", "5"]), ["7", "3", "12"])
@example(("NOT_BETWEEN", ["10", "5"]), ["7", "3", "12"])
@example(("EQUAL", ["0.1"]), ["0.10", "0.1000000000000000000001", ".1"])
def test_a_condition_in_sql_is_the_one_in_python(condition, values):
    profiles = [profile(value) for value in values]
    tree = leaf(*condition)
    assert rows_matching(tree, profiles) == matching(tree, profiles)


@given(CONDITIONS, st.data())
def test_values_near_a_bound_are_compared_exactly(condition, data):
    operator, bounds = condition
    near = st.sampled_from(bounds)
    near |= st.tuples(near, st.sampled_from(["0", ".0", "1", " ", "e0", "Z"])).map("".join)
    near |= near.map(lambda text: text[:-1])
    profiles = [profile(value) for value in data.draw(st.lists(near, min_size=1, max_size=6))]
    tree = leaf(operator, bounds)
    assert rows_matching(tree, profiles) == matching(tree, profiles)


PATHS = st.sampled_from(
    [("FirstName",), ("Address", "City"), ("Attributes", "x"), ("Attributes", "y.z")]
)
WORDS = st.sampled_from(["a", "b", "ab"])
LEAVES = st.builds(
    lambda path, condition: leaf(*condition, *path), PATHS, asked(TEXT_OPERATORS, WORDS)
)
TREES = st.recursive(
    LEAVES | st.booleans(),
    lambda parts: st.builds(
        Combined, st.sampled_from(["ALL", "ANY", "NONE"]), st.lists(parts, max_size=4).map(tuple)
    ),
    max_leaves=12,
)
PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        "FirstName": WORDS,
        "Address": st.fixed_dictionaries({}, optional={"City": WORDS}),
        "Attributes": st.dictionaries(st.sampled_from(["x", "y.z", "City"]), WORDS),
    },
)


@given(TREES, st.lists(PEOPLE, min_size=1, max_size=8))
def test_combined_conditions_in_sql_are_those_in_python(tree, people):
    assert rows_matching(tree, people) == matching(tree, people)


@given(TREES, TREES, st.lists(PEOPLE, min_size=1, max_size=8), st.data())
def test_open_conditions_leave_what_surely_and_what_may_match(left, right, people, data):
    def opened(tree):
        if isinstance(tree, Combined):
            return Combined(tree.include, tuple(map(opened, tree.parts)))
        if isinstance(tree, bool) or data.draw(st.booleans()):
            return tree
        path, test = tree.path, tree.test
        return tree._replace(
            is_open=True, test=lambda subject, path=path, test=test: test(subject.member(path))
        )

    tree = opened(Combined(data.draw(st.sampled_from(["ALL", "ANY", "NONE"])), (left, right)))
    query = conditions.compile_tree(tree)
    exact = set(matching(tree, people))
    may, surely = (
        set(rows_of(expression, query, people)) for expression in (query.may, query.surely)
    )
    assert surely <= exact <= may


def test_a_long_list_of_values_becomes_one_set():
    parts = tuple(leaf("INCLUSIVE", [f"{n}-{m}" for m in range(50)]) for n in range(60))
    query = conditions.compile_tree(Combined("ANY", parts))
    assert query.may.count("json_extract") == 1
    people = [profile("59-49"), profile("60-0")]
    assert rows_matching(Combined("ANY", parts), people) == [0]


def test_a_value_with_nul_is_left_to_python():
    assert leaf("CONTAINS", ["\0"]).is_open


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"])
def test_a_name_that_sqlite_cannot_quote_is_left_to_python(name):
    tree = leaf("INCLUSIVE", ["1"], "Attributes", name)
    assert tree.is_open
    assert matching(tree, [{"Attributes": {name: "1"}}]) == [0]

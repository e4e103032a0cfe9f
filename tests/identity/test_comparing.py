"""How values are normalised and compared, how pairs are found and groups are made."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.identity.matching import blocking, clusters
from customer_profiles.identity.matching.comparing import comparisons
from customer_profiles.identity.preparing import kinds, normalize
from customer_profiles.identity.preparing.prepared import prepare
from customer_profiles.identity.preparing.reading import read


def level(left, right, attribute):
    """Return the level of two records, which are read along with an unrelated one."""
    _, found = read([left, right, {"FirstName": "Zebulon", "LastName": "Quux"}])
    with ThreadPoolExecutor(1) as pool:
        prepared = prepare(found, {}, pool)
    (comparison,) = [found for found in comparisons(prepared) if found.name == attribute]
    codes = [comparison.codes(np.array([i]), np.array([j]))[0] for i, j in ((0, 1), (1, 0))]
    assert codes[0] == codes[1]
    return comparison.levels[comparison.level_of[codes[0]]]


NAMES = [
    ("Robert", "ROBERT ", "exact"),
    ("Dr. José", "jose", "exact"),
    ("Robert", "Bob", "nickname"),
    ("Bob", "Rob", "nickname"),
    ("Katherine", "Kathrine", "near"),
    ("Robert", "R.", "initial"),
    ("Alexandra", "Alex", "nickname"),
    ("Wilhelmine", "Wilhelm", "beginning"),
    ("Robert", "Susan", "different"),
    ("Jessica", "jfsica", "similar"),
    ("Jessica", "qeswsqca", "remotely similar"),
    ("Γιώργος", "ΓΙΩΡΓΟΣ", "exact"),
    ("Łukasz", "lukasz", "exact"),
]


@pytest.mark.parametrize(("left", "right", "expected"), NAMES)
def test_given_names_are_compared(left, right, expected):
    assert level({"FirstName": left}, {"FirstName": right}, "given name") == expected


FAMILIES = [
    ("O'Brien", "obrien", "exact"),
    ("Garcia-Lopez", "Lopez", "part"),
    ("Müller", "Muller", "exact"),
    ("Johnson", "Jonhson", "near"),
    ("Smith", "Jones", "different"),
    ("Lee", "Lea", "similar"),
    ("Stewart", "ztewxrt", "similar"),
    ("Stewart", "ztewxqrt", "remotely similar"),
    ("Stewart", "ztewxqrxt", "faintly similar"),
]


@pytest.mark.parametrize(("left", "right", "expected"), FAMILIES)
def test_family_names_are_compared(left, right, expected):
    assert level({"LastName": left}, {"LastName": right}, "family name") == expected


def test_swapped_names_count_once():
    left = {"FirstName": "Thomas", "LastName": "Kerner"}
    right = {"FirstName": "Kerner", "LastName": "Thomas"}

    assert level(left, right, "given name") == "swapped"
    assert level(left, right, "family name") == "missing"


def test_a_father_and_a_son_differ_in_their_suffix():
    left, right = {"LastName": "Adams Jr."}, {"LastName": "Adams Sr"}

    assert level(left, right, "suffix") == "different"
    assert level(left, right, "family name") == "exact"


PLACES = [
    ("Springfield", "62704", "Springfield", "62704", "postal code and city"),
    ("Springfield", "62704", "Sprngfeild", "62704", "postal code and city"),
    ("Springfield", "62704", "Sprngfeild", "91355", "near city"),
    ("Springfield", "62704", "prxngfeld", "91355", "near city"),
    ("Springfield", "62704", "Boston", "62705", "in part"),
    ("Springfield", "62704", "Boston", "91355", "different"),
]


@pytest.mark.parametrize(("city", "postal", "other_city", "other_postal", "expected"), PLACES)
def test_localities_are_compared(city, postal, other_city, other_postal, expected):
    left = {"City": city, "PostalCode": postal}
    right = {"City": other_city, "PostalCode": other_postal}

    assert level(left, right, "place") == expected


DATES = [
    ("1980-03-12", "12.03.1980", "exact"),
    ("1980-03-12", "1980-12-03", "day and month swapped"),
    ("1980-03-12", "1980-03-13", "one digit"),
    ("1980-03-12", "1980-03-25", "two parts"),
    ("1980-03-12", "1986-03-02", "two digits"),
    ("1980-03-12", "1980", "same year"),
    ("1980-03-12", "19803-1w2", "two parts"),
    ("1980-03-12", "19890-03-12", "similar"),
    ("1980-03-12", "1980-3w1", "similar"),
    ("1985-03-12", "1985-03-97", "two parts"),
    ("12.03.1980", "12.073.1980", "similar"),
    ("1980-03-12", "1951-07-30", "different"),
    ("1980-03-12", "yesterday", "missing"),
]


@pytest.mark.parametrize(("left", "right", "expected"), DATES)
def test_birth_dates_are_compared(left, right, expected):
    assert level({"BirthDate": left}, {"BirthDate": right}, "birth date") == expected


PHONES = [
    ("+1 206 555 0143", "(206) 555-0143", "exact"),
    ("+49 171 2345678", "0171/2345678", "exact"),
    ("+44 20 7946 0958 ext. 12", "020 7946 0958", "exact"),
    ("206-555-0143", "206-555-0142", "one digit"),
    ("206-555-0143", "206-555-0134", "one digit"),
    ("206-555-0143", "415-555-0143", "same end"),
    ("206-555-0143", "206-575-0149", "similar"),
    ("206-555-0143", "236-575-0149", "similar"),
    ("206-555-0143", "206-550-1439", "similar"),
    ("206-555-0143", "205-550-1439", "similar"),
    ("206-555-0143", "000-000-0000", "missing"),
    ("206-555-0143", "415-123-9876", "different"),
]


@pytest.mark.parametrize(("left", "right", "expected"), PHONES)
def test_phone_numbers_are_compared(left, right, expected):
    assert level({"PhoneNumber": left}, {"PhoneNumber": right}, "phone") == expected


def test_a_number_in_another_field_is_the_same():
    left, right = {"HomePhoneNumber": "+12065550143"}, {"MobilePhoneNumber": "206 555 0143"}

    assert level(left, right, "phone") == "exact"


EMAILS = [
    ("Ada7@X.org", " ada7@x.org", "exact"),
    ("ada7+shop@x.org", "ada7@x.org", "exact"),
    ("ada.king7@x.org", "adaking7@y.org", "same local part"),
    ("ada.lovelace@x.org", "ada.lovelacw@x.org", "near"),
    ("ada@x.org", "unknown", "missing"),
    ("ada@x.org", "grace@y.org", "different"),
]


@pytest.mark.parametrize(("left", "right", "expected"), EMAILS)
def test_email_addresses_are_compared(left, right, expected):
    assert level({"EmailAddress": left}, {"EmailAddress": right}, "email") == expected


def test_a_street_is_its_number_and_its_words():
    left = {"Address1": "12 Kerner Street Apt 4", "City": "Rome"}
    right = {"Address1": "12 kerner street apt. 4", "City": "rome"}

    assert level(left, right, "street") == "exact"
    assert level(left, right | {"Address1": "14 Kerner Street"}, "street") == "same street"


KINDS = [
    ("FirstName", "given_name"),
    ("last_name", "family_name"),
    ("Address.Address1", "street"),
    ("ShippingAddress.PostalCode", "postal_code"),
    ("PersonalEmailAddress", "email"),
    ("mobile_phone", "phone"),
    ("date_of_birth", "birth_date"),
    ("AccountNumber", "identifier"),
    ("Attributes.City", "text"),
    ("favourite_colour", "text"),
]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_columns_are_recognised_by_their_names(name, kind):
    assert kinds.kind_of(name) == kind


@given(st.lists(st.text(max_size=12), max_size=8))
def test_normalising_twice_is_normalising_once(texts):
    once = normalize.words(pa.array(texts, pa.string()))

    assert normalize.words(once).equals(once)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_components_are_those_of_a_naive_search(edges):
    i, j = (np.array([edge[end] for edge in edges], np.int64) for end in (0, 1))
    label = clusters.components(10, i, j)
    naive = {record: {record} for record in range(10)}
    for a, b in edges:
        joined = naive[a] | naive[b]
        for record in joined:
            naive[record] = joined

    assert label.tolist() == [min(naive[record]) for record in range(10)]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=25))
def test_pairs_of_a_key_are_those_that_share_it(values):
    keys, rows = blocking.hashed([np.array(values)], 1)
    found = blocking.pairs_of(keys, rows, len(values), 10_000)
    expected = {(a, b) for a, b in itertools.combinations(range(len(values)), 2)
                if values[a] == values[b]}  # fmt: skip

    assert {(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in found} == expected


def test_large_blocks_are_left_out_when_a_key_gives_too_many_pairs():
    keys, rows = blocking.hashed([np.array([1] * 50 + [2] * 3)], 1)

    assert len(blocking.pairs_of(keys, rows, 53, 100)) == 3


def test_a_contradiction_splits_a_group():
    i, j = np.array([0, 1, 0]), np.array([1, 2, 2])
    sure = np.array([0.99, 0.97, 0.01])

    assert clusters.group(3, i, j, sure, np.array([5.0, 5.0, 0.0]), 0.95).tolist() == [0, 0, 0]
    assert clusters.group(3, i, j, sure, np.array([5.0, 5.0, -9.0]), 0.95).tolist() == [0, 0, 2]


@given(st.lists(st.floats(0.5, 0.999), min_size=6, max_size=6))
def test_the_confidence_of_a_group_is_that_of_its_best_tree(probabilities):
    i, j = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 2, 3, 3])
    sure = clusters.confidence(np.zeros(4, np.int64), i, j, np.array(probabilities))
    tree, best = {frozenset({n}) for n in range(4)}, 1.0
    for pair in np.argsort(-np.array(probabilities), kind="stable"):
        a, b = (next(part for part in tree if end[pair] in part) for end in (i, j))
        if a is not b:
            tree = tree - {a, b} | {a | b}
            best *= probabilities[pair]

    assert sure[0] == pytest.approx(best, rel=1e-4)

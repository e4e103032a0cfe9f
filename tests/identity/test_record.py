"""A single record is read, compared and blocked with the results of the bulk functions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import blocking, comparing
from customer_profiles.identity.preparing import names, normalize
from customer_profiles.identity.preparing.prepared import Phones
from customer_profiles.identity.single import compare, keys, record

from .people import people

TEXTS = st.text(max_size=30) | st.text("aäßøłüñİıΣςéΩ '-.,´`’_0129½ⅣⅫ日本語हिन्दी", max_size=12)  # noqa: RUF001
PARTS = st.text("0123456789+-()/ .x#ext", max_size=18)
MAIL = st.from_regex(r"[A-Za-z.+_ß0-9]{0,8}@?[a-zé.+ ]{0,8}", fullmatch=True)


def in_bulk(function, text):
    return function(pa.array([text]))[0].as_py()


@settings(deadline=None)  # Arrow builds tables at the first letter that is not ASCII
@given(TEXTS)
def test_text_is_folded_alike(text):
    assert record.fold(text) == in_bulk(normalize.fold, text)
    assert record.words(text) == in_bulk(normalize.words, text)


def test_characters_that_only_arrow_knows_are_read_alike():
    # It is in Unicode 15, and Python 3.11 knows 14.
    assert record.words("a\U00031350b") == in_bulk(normalize.words, "a\U00031350b")


@given(TEXTS.map(record.words))
def test_names_sound_alike(name):
    assert names.sound_of(name) == in_bulk(names.sound, name)


@given(MAIL)
def test_mail_addresses_are_read_alike(text):
    email = in_bulk(normalize.emails, text)

    assert record._email(text) == email
    if email:
        local, domain = normalize.split_emails(pa.array([email]))
        assert record.split_email(email) == (local[0].as_py(), domain[0].as_py())


@given(PARTS)
def test_phone_numbers_are_read_alike(text):
    numbers = normalize.phones(pa.array([text]))
    digits = None if numbers[0].as_py() is None else f"{normalize.bcd(numbers)[0]:09x}"

    assert record._phone(text) == digits


@pytest.fixture(scope="module")
def made():
    rows, _ = people(700)
    for number, row in enumerate(rows):
        row["CustomerNumber"] = f"K-{number % 900}"
        row["GenderString"] = ("F", "male", "")[number % 3]
        row["ShippingAddress.City"] = ("Wesstadt", "Kerstadt", "")[number % 3]
        row["Attributes.tier"] = "gold" if number % 5 else ""
        if number % 7 == 0:
            row["LastName"] = row.get("LastName", "x") + " Jr."
        if number % 11 == 0:
            row["FirstName"] = f"Dr. {row.get('FirstName', 'Ada')} Maria"
    return rows


@pytest.fixture(scope="module")
def resolution(made):
    return resolve(made)


@pytest.fixture(scope="module")
def alone(made, resolution):
    """Return every record, read by itself, in the order in which the matcher has them."""
    model = resolution.model
    return [
        record.read(
            {name: value for name, value in made[row].items() if value},
            model.kinds,
            model.statistics,
        )
        for row in resolution._matcher.rows.row_of.tolist()
    ]


def test_pairs_have_the_same_codes(resolution, alone):
    scored, scorer = resolution._scored, compare.Scorer(resolution.model)
    level_of = [attribute.level_of for attribute in resolution.model.weights.attributes]
    i, j = scored.i, scored.j
    differing = 0
    for pair in range(0, len(i), max(len(i) // 5_000, 1)):
        codes = scorer.codes(alone[i[pair]], alone[j[pair]])
        levels = zip(level_of, codes, scored.codes[pair].tolist(), strict=True)
        differing += any(of[single] != of[bulk] for of, single, bulk in levels)

    # The bulk functions keep only five formal names of a nickname.
    assert differing <= 2


def mistyped(digits, errors):
    """Return digits with errors: each replaces, removes, adds or exchanges digits."""
    for kind, position, digit in errors:
        at = position % len(digits)
        before, after = digits[:at], digits[at + 1 :]
        digits = (before + digit + after, before + after or "1", before + digit + digits[at:],
                  before + after[:1] + digits[at] + after[1:])[kind]  # fmt: skip
    return digits


ERRORS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 8), st.sampled_from("0123456789")), max_size=4
)


@given(st.from_regex(r"[1-9][0-9]{7,8}", fullmatch=True), ERRORS)
def test_mistyped_phone_numbers_have_the_same_levels(number, errors):
    texts = [number, mistyped(number, errors)[:9].lstrip("0") or "1"]
    packed = np.array([int(text, 16) for text in texts], np.uint64)
    assume(packed[0] != packed[1])
    phones = Phones(codes=np.array([[0], [1]]), packed=packed)
    level, _ = comparing._phone(phones).find(np.array([0]), np.array([1]))

    assert level.tolist() == [compare._phone_level(*(text.rjust(9, "0") for text in texts))]


@given(st.dates(), ERRORS)
def test_mistyped_birth_dates_have_the_same_levels(date, errors):
    texts = [date.isoformat(), mistyped(date.isoformat().replace("-", ""), errors)]
    births = [record._date(text, days_first=False) for text in texts]
    found, _ = comparing._birth(np.array(births, np.uint32)).find(np.array([0]), np.array([1]))

    assert not all(births) or found.tolist() == [compare._birth(None, None, *births)]


def test_pairs_are_scored_alike(resolution, alone):
    scored, scorer = resolution._scored, compare.Scorer(resolution.model)
    for pair in range(0, len(scored.pairs), max(len(scored.pairs) // 500, 1)):
        codes = scored.codes[pair].tolist()

        assert scorer.probability(codes) == pytest.approx(float(scored.match[pair]), abs=1e-5)


def test_term_frequencies_of_a_model_are_those_of_its_records(resolution):
    frequencies = resolution.model.term_frequencies
    for comparison in resolution._matcher.comparisons:
        for tf in comparison.term_frequencies.values():
            classes = tf.class_of[:-1].tolist()
            alone = [frequencies.class_of(tf.name, tf.text(n)) for n in range(len(classes))]

            off = np.array(alone) - np.array(classes)
            # A value of one record is never agreed on, so that a value of two is the rarest.
            assert ((off >= -2) & (off < 4)).all()


def test_records_have_the_same_blocking_keys(resolution, alone):
    prepared = resolution._matcher.prepared
    chosen = blocking.keys_for(blocking.atoms(prepared), len(alone))
    found = [set() for _ in alone]
    for numbers, rows in blocking.lasting(prepared, chosen):
        for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
            found[row].add(number)

    assert sum(map(len, found)) > 20 * len(alone)
    for single, bulk in zip(alone, found, strict=True):
        assert bulk <= keys.keys_of(single, chosen)


def test_statistics_of_all_records_are_used_for_some_of_them(made, resolution):
    from customer_profiles.identity.preparing.prepared import prepare
    from customer_profiles.identity.preparing.reading import read

    statistics = resolution.model.statistics
    with ThreadPoolExecutor(1) as pool:
        part = prepare(read(made[:50])[1], {}, pool, statistics)

    assert part.statistics is statistics
    assert "test@test.com" not in set(part.emails.text[part.emails.codes[part.emails.codes >= 0]])

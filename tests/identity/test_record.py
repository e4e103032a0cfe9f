"""One record alone is read, compared and keyed as it is among many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.identity import resolve
from customer_profiles.identity.columns import names, normalize
from customer_profiles.identity.matching import blocking
from customer_profiles.identity.single import compare, keys, record

from .people import people

TEXTS = st.text(max_size=30) | st.text("aäßøłüñİıΣςéΩ '-.,´`’_0129½ⅣⅫ日本語हिन्दी", max_size=12)  # noqa: RUF001
PARTS = st.text("0123456789+-()/ .x#ext", max_size=18)
MAIL = st.from_regex(r"[A-Za-z.+_ß0-9]{0,8}@?[a-zé.+ ]{0,8}", fullmatch=True)


def of_many(function, text):
    return function(pa.array([text]))[0].as_py()


@given(TEXTS)
def test_text_is_folded_alike(text):
    assert record.fold(text) == of_many(normalize.fold, text)
    assert record.words(text) == of_many(normalize.words, text)


@given(TEXTS.map(record.words))
def test_names_sound_alike(name):
    assert names.sound_of(name) == of_many(names.sound, name)


@given(MAIL)
def test_mail_addresses_are_read_alike(text):
    many = of_many(normalize.emails, text)

    assert record._email(text) == many
    if many:
        local, domain = normalize.split_emails(pa.array([many]))
        assert record.split_email(many) == (local[0].as_py(), domain[0].as_py())


@given(PARTS)
def test_phone_numbers_are_read_alike(text):
    many = normalize.phones(pa.array([text]))
    digits = None if many[0].as_py() is None else f"{normalize.bcd(many)[0]:09x}"

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
    """Give every record, read by itself."""
    model = resolution.model
    return [
        record.read({name: it for name, it in row.items() if it}, model.kinds, model.statistics)
        for row in made
    ]


def test_pairs_have_the_same_codes(resolution, alone):
    scored, scorer = resolution._scored, compare.Scorer(resolution.model)
    level_of = [one.level_of for one in resolution.model.weights.attributes]
    i, j = scored.i, scored.j
    differing = 0
    for place in range(0, len(i), max(len(i) // 5_000, 1)):
        codes = scorer.codes(alone[i[place]], alone[j[place]])
        many = scored.codes[place].tolist()
        levels = zip(level_of, codes, many, strict=True)
        differing += any(of[one] != of[other] for of, one, other in levels)

    # Only of nicknames with more than five formal names is one forgotten among many.
    assert differing <= 2


def test_pairs_are_scored_alike(resolution, alone):
    scored, scorer = resolution._scored, compare.Scorer(resolution.model)
    for place in range(0, len(scored.pairs), max(len(scored.pairs) // 500, 1)):
        codes = scored.codes[place].tolist()

        assert scorer.probability(codes) == pytest.approx(float(scored.match[place]), abs=1e-5)


def test_common_values_are_as_rare_alone_as_among_many(resolution):
    frequencies = resolution.model.term_frequencies
    for comparison in resolution._matcher.comparisons:
        for tf in comparison.term_frequencies.values():
            classes = tf.class_of[:-1].tolist()
            alone = [frequencies.class_of(tf.name, tf.text(n)) for n in range(len(classes))]

            off = np.array(alone) - np.array(classes)
            # What one record has is never agreed on; what two have is the rarest.
            assert ((off >= -2) & (off < 4)).all()


def test_records_have_the_keys_that_they_have_among_many(resolution, alone):
    prepared = resolution._matcher.prepared
    wanted = blocking.keys_for(blocking.atoms(prepared), len(alone))
    found = [set() for _ in alone]
    for numbers, rows in blocking.lasting(prepared, wanted):
        for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
            found[row].add(number)

    assert sum(map(len, found)) > 20 * len(alone)
    for one, many in zip(alone, found, strict=True):
        assert many <= keys.keys_of(one, wanted)


def test_what_all_told_is_used_for_a_part(made, resolution):
    from customer_profiles.identity.columns.prepared import prepare
    from customer_profiles.identity.columns.reading import read

    statistics = resolution.model.statistics
    with ThreadPoolExecutor(1) as pool:
        part = prepare(read(made[:50])[1], {}, pool, statistics)

    assert part.statistics is statistics
    assert "test@test.com" not in set(part.emails.text[part.emails.codes[part.emails.codes >= 0]])

"""What a table's columns hold is found by their names, their neighbours and their values."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.identity import Model, columns, resolve
from customer_profiles.identity.preparing.kinds import KINDS
from customer_profiles.identity.preparing.values import Sample, guess

from .people import people


def kinds(table):
    return {name: column.kind for name, column in columns(table).items()}


PARTS = [
    ({"Nom": ["Petit", "Roux"], "Prénom": ["Luc", "Zoé"]}, ["family_name", "given_name"]),
    ({"Name": ["Kern", "Vogt"], "Vorname": ["Uwe", "Ute"]}, ["family_name", "given_name"]),
    ({"Naam": ["Bos", "Vos"], "Voornaam": ["Jan", "Ans"]}, ["family_name", "given_name"]),
    ({"Nombre": ["Ana", "Luz"], "Apellidos": ["Gil Paz", "Rey"]}, ["given_name", "family_name"]),
    ({"Nome": ["Ada", "Ugo"], "Cognome": ["Riva", "Neri"]}, ["given_name", "family_name"]),
    ({"Nome": ["Ana", "Rui"], "Sobrenome": ["Reis", "Luz"]}, ["given_name", "family_name"]),
    ({"Jméno": ["Jan", "Eva"], "Příjmení": ["Bílek", "Malá"]}, ["given_name", "family_name"]),
    ({"Namn": ["Ek", "Berg"], "Förnamn": ["Ulf", "Eva"]}, ["family_name", "given_name"]),
    ({"Ad": ["Can", "Ece"], "Soyad": ["Kaya", "Koç"]}, ["given_name", "family_name"]),
    ({"名": ["伟", "芳"], "姓": ["王", "李"]}, ["given_name", "family_name"]),
    ({"名前": ["花子", "太郎"], "姓": ["山田", "鈴木"]}, ["given_name", "family_name"]),
    ({"이름": ["민준", "서연"], "성": ["김", "이"]}, ["given_name", "family_name"]),
    ({"الاسم": ["ليلى", "عمر"], "اللقب": ["حداد", "نصر"]}, ["given_name", "family_name"]),
    ({"Name": ["Uwe Kern", "Ute Vogt"], "Vorname": ["Uwe", "Ute"]}, ["full_name", "given_name"]),
    ({"Name": ["Ada King", "Al Ross"], "Surname": ["King", "Ross"]}, ["full_name", "family_name"]),
    ({"Nom": ["Luc Petit", "Zoé Roux"], "Ville": ["Lyon", "Nice"]}, ["full_name", "city"]),
    (
        {"Name": ["x", "y"], "Vorname": ["Uwe", "Ute"], "Nachname": ["Kern", "Vogt"]},
        ["full_name", "given_name", "family_name"],
    ),
]


@pytest.mark.parametrize(("table", "expected"), PARTS)
def test_a_name_is_the_part_that_no_other_column_holds(table, expected):
    assert list(kinds(table).values()) == expected


def renamed(rows, names):
    return [{names.get(key, key): value for key, value in row.items()} for row in rows]


def grouped(resolution):
    return {frozenset(group.ids) for group in resolution.groups}


HEADERS = {
    "French": "Prénom, Nom, Date de naissance, Courriel perso, Téléphone fixe, Adresse, Ville, CP",
    "German": "Vorname, Name, Geb.-Datum, E-Mail privat, Telefon geschäftlich, "
    "Straße und Hausnummer, Ort, PLZ",
    "Japanese": "名, 姓, 生年月日, メールアドレス, 電話番号, 住所, 市区町村, 郵便番号",
    "Outlook": "First Name, Last Name, Birthday, E-mail 2 Address, Home Phone, Home Street, "
    "Home City, Home Postal Code",
}
SERVICE = [
    *("FirstName", "LastName", "BirthDate", "EmailAddress", "PhoneNumber"),
    *("Address1", "City", "PostalCode"),
]


@pytest.mark.parametrize("language", HEADERS)
def test_headers_of_other_languages_give_the_same_groups(language):
    rows, _ = people(200, seed=8)
    names = dict(zip(SERVICE, HEADERS[language].split(", "), strict=True))

    assert grouped(resolve(renamed(rows, names))) == grouped(resolve(rows))


def test_parts_of_an_address_under_headers_of_one_letter_count_once():
    dice, fake = random.Random(9), Faker("en_US")
    fake.seed_instance(9)
    rows, persons = [], []
    for person in range(1_200):
        if person % 3 == 0:
            home = [fake.street_address(), fake.city(), fake.state(), fake.postcode()]
            family = fake.last_name()
        born = f"{fake.date_of_birth():%Y-%m-%d}"
        row = [fake.first_name(), family, born, *home]
        for _ in range(1 + (person % 4 == 0)):
            row = [None if dice.random() < 0.1 else value for value in row]
            rows.append(dict(zip("abcdefg", row, strict=True)))
            persons.append(person)
    found = resolve(rows).evaluate(persons)

    assert found.pairs.precision >= 0.98
    assert found.pairs.recall >= 0.8


LOCALES = ["en_US", "de_DE", "es_ES", "ja_JP", "ko_KR", "tr_TR", "ar_SA", "en_IN"]


@pytest.mark.parametrize("locale", LOCALES)
def test_values_tell_where_headers_do_not(locale):
    fake = Faker(locale)
    fake.seed_instance(3)
    makers = {
        "given_name": fake.first_name,
        "family_name": fake.last_name,
        "city": fake.city,
        "street": fake.street_address,
        "phone": fake.phone_number,
        "email": fake.email,
        "birth_date": lambda: f"{fake.date_of_birth():%d.%m.%Y}",
        "country": fake.country,
        "gender": lambda: fake.random_element(["M", "F"]),
        "identifier": lambda: fake.bothify("??######"),
        "text": lambda: fake.random_element(["red", "blue", "green"]),
    }
    table = {
        f"Spalte{number}": [make().replace("\n", " ") for _ in range(1_000)]
        for number, make in enumerate(makers.values())
    }

    assert list(kinds(table).values()) == list(makers)


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "es_ES", "ru_RU", "zh_CN", "ar_SA"])
def test_whole_names_are_recognised(locale):
    fake = Faker(locale)
    fake.seed_instance(3)

    assert kinds({"a": [fake.name() for _ in range(500)]}) == {"a": "full_name"}


DISTRACTORS = [
    *("job", "catch_phrase", "color_name", "word", "sentence", "user_name", "url", "ipv4"),
    *("license_plate", "currency_code", "language_name", "month_name", "day_of_week", "hex_color"),
    *("pricetag", "date_time_this_year", "file_name", "timezone", "credit_card_provider"),
]


@pytest.mark.parametrize("locale", ["en_US", "en_GB", "pl_PL", "nl_NL"])
@pytest.mark.parametrize("maker", DISTRACTORS)
def test_what_identifies_nobody_is_not_taken_for_a_kind(locale, maker):
    fake = Faker(locale)
    fake.seed_instance(3)
    values = [str(getattr(fake, maker)()) for _ in range(600)]

    assert kinds({"a": values}) == {"a": "text"}


def test_dates_of_events_and_numbers_are_no_birth_dates():
    dice = random.Random(1)
    table = {
        "a": [f"20{dice.randrange(18, 26)}-{dice.randrange(1, 13):02d}-05" for _ in range(300)],
        "b": [f"{dice.randrange(1950, 2010)}-03-04T10:{n % 60:02d}:00" for n in range(300)],
        "c": [str(dice.randrange(18, 90)) for _ in range(300)],
        "Datum": [f"{dice.randrange(1930, 2010)}-01-01" for _ in range(300)],
        "last visit date": [f"{dice.randrange(1930, 2010)}-01-01" for _ in range(300)],
        "Age": [str(dice.randrange(18, 90)) for _ in range(300)],
    }

    assert set(kinds(table).values()) == {"text"}


def test_plain_numbers_are_postal_codes_only_beside_the_towns_that_people_share():
    dice = random.Random(2)
    codes = [str(dice.randrange(10_000, 99_999)) for _ in range(150)]
    rows = [dice.randrange(150) for _ in range(2_000)]
    given_names = [f"G{number}" for number in range(2_000)]
    beside = {"FirstName": given_names, "b": [codes[row] for row in rows]}
    unrelated = ["Springfield" if n % 2 else f"Portland {n}" for n in range(2_000)]

    assert kinds(beside)["b"] == "text"
    assert kinds({**beside, "City": unrelated})["b"] == "text"
    assert kinds({**beside, "City": [f"Town {row}" for row in rows]})["b"] == "postal_code"


def test_each_column_has_a_kind_and_a_plain_reason():
    fake = Faker("en_US")
    fake.seed_instance(1)
    table = {
        "Nom": ["Petit"] * 50,
        "a": [fake.email() for _ in range(50)],
        "tier": ["gold"] * 50,
        "x": ["y"] * 50,
        "id": list(range(50)),
    }
    found = columns(table, kinds={"x": "phone"})

    assert found["Nom"] == ("full_name", "name", "its name says a whole name")
    assert found["a"] == ("email", "values", "100% of its values are e-mail addresses")
    assert found["tier"][:2] == ("text", "default")
    assert found["x"] == ("phone", "declared", "it is declared as phone")
    assert found["id"] == ("ignored", "name", "it holds the records' ids")


def test_wrong_kinds_are_refused_as_resolve_does():
    with pytest.raises(ValueError, match="a kind is one of"):
        columns({"a": ["x"]}, kinds={"a": "nmae"})
    with pytest.raises(ValueError, match="which the records do not have"):
        columns({"a": ["x"]}, kinds={"b": "phone"})


def test_one_new_record_is_read_by_the_kinds_of_the_model():
    rows, _ = people(300, seed=3)
    names = {"FirstName": "Prénom", "LastName": "Nom", "EmailAddress": "a", "PhoneNumber": "b"}
    found = resolve(renamed(rows, names))
    stored = Model.from_json(found.model.to_json())
    row = next(row for row in rows if all(row.get(name) for name in names))
    new = {names[name]: row[name] for name in names}

    assert stored.kinds["Nom"] == "family_name"
    assert (stored.kinds["a"], stored.kinds["b"]) == ("email", "phone")
    assert row["ProfileId"] in {candidate.id for candidate in found.find(new)}


def test_parts_of_two_addresses_are_not_mixed():
    rows, _ = people(200, seed=5)
    parts = ("Address1", "City", "PostalCode")

    def with_prefix(prefix):
        return [{prefix * (key in parts) + key: row[key] for key in row} for row in rows]

    nested, flat = with_prefix("ShippingAddress."), with_prefix("Shipping ")
    assert grouped(resolve(flat)) == grouped(resolve(nested)) == grouped(resolve(rows))


@given(
    st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=8), min_size=25, max_size=25))
)
def test_any_table_is_read(table):
    found = kinds(pa.table(table)) if table else {}

    assert set(found.values()) <= set(KINDS)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=60), st.randoms())
def test_the_order_of_rows_does_not_matter(values, dice):
    other = list(values)
    dice.shuffle(other)

    assert guess(Sample.of(values)) == guess(Sample.of(other))


def test_the_order_of_columns_does_not_matter():
    rows, _ = people(300, seed=9)
    names = sorted({name for row in rows for name in row} - {"ProfileId"})
    table = {f"c{n}": [row.get(name) for row in rows] for n, name in enumerate(names)}
    backwards = {name: table[name] for name in reversed(table)}

    assert columns(backwards) == columns(table)

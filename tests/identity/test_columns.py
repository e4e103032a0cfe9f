"""Columns are classified by their names in many languages, and by their values."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import redundant
from customer_profiles.identity.matching.redundant import redundant_columns
from customer_profiles.identity.preparing.kinds import kind_of, line_of
from customer_profiles.identity.preparing.values import Sample, guess
from customer_profiles.identity.resolution import Matcher

from .people import people

NAMES = [
    ("FirstName", "given_name"), ("Vorname", "given_name"), ("prénom", "given_name"),
    ("имя", "given_name"), ("last_name", "family_name"), ("Nachname", "family_name"),
    ("apellido_paterno", "family_name"), ("фамилия", "family_name"), ("full name", "full_name"),
    ("birth_place", "text"), ("Geburtsdatum", "birth_date"), ("fecha_nacimiento", "birth_date"),
    ("PLZ", "postal_code"), ("code postal", "postal_code"), ("Ort", "city"), ("ciudad", "city"),
    ("Straße", "street"), ("house_number", "street"), ("Handy", "phone"), ("correo", "email"),
    ("Kundennummer", "identifier"), ("ssn", "identifier"), ("Attributes.tier", "text"),
    ("ShippingAddress.City", "city"), ("rec_id", "ignored"), ("occupation", "text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_a_column_is_classified_by_its_name(name, kind):
    assert kind_of(name) == kind


def test_a_house_number_precedes_the_lines_of_a_street():
    assert [line_of(name) for name in ("house_number", "Address1", "Address2", "street")] == [
        *(0, 1, 2, 1)
    ]


VALUES = [
    ([f"u{n}@example.org" for n in range(40)], "email"),
    ([f"+49 170 {n:07d}" for n in range(40)], "phone"),
    ([f"{1940 + n}-03-0{n % 9 + 1}" for n in range(40)], "birth_date"),
    ([f"202{n % 5}-03-{n % 28 + 1:02d}" for n in range(40)], "text"),
    ([f"{n * 137:05d}" for n in range(40)], "text"),
    ([f"note {n}" for n in range(40)], "text"),
    (["u@example.org"] * 3, "text"),
]


@pytest.mark.parametrize(("values", "kind"), VALUES)
def test_a_column_without_a_known_name_is_classified_by_its_values(values, kind):
    found = guess(Sample.of(values))

    assert (found.kind if found else "text") == kind


def renamed(rows, names):
    return [{names.get(key, key): value for key, value in row.items()} for row in rows]


def grouped(resolution):
    return {frozenset(group.ids) for group in resolution.groups}


def test_german_column_names_give_the_same_groups():
    rows, _ = people(200, seed=8)
    german = {
        "FirstName": "Vorname", "LastName": "Nachname", "BirthDate": "Geburtsdatum",
        "EmailAddress": "E-Mail", "PhoneNumber": "Telefon", "Address1": "Straße",
        "City": "Ort", "PostalCode": "PLZ",
    }  # fmt: skip

    assert grouped(resolve(renamed(rows, german))) == grouped(resolve(rows))


def test_columns_with_meaningless_names_still_distinguish_people():
    rows, truth = people(700, seed=9)
    names = [
        name for name in dict.fromkeys(key for row in rows for key in row) if name != "ProfileId"
    ]
    hidden = {name: f"c{number}" for number, name in enumerate(names)}
    found = resolve(renamed(rows, hidden))
    person_of = dict(zip((row["ProfileId"] for row in rows), truth, strict=True))
    pure = [len({person_of[record] for record in group.ids}) == 1 for group in found.groups]

    assert len(pure) > 500
    assert sum(pure) >= 0.97 * len(pure)


def test_a_column_that_another_one_determines_is_redundant():
    dice = random.Random(1)
    towns = [(f"{n:05d}", f"Town{n % 60}") for n in range(200)]
    rows = []
    for number in range(6_000):
        code, town = dice.choice(towns)
        rows.append({"FirstName": f"A{number}", "LastName": f"B{number}", "code": code, "t": town})
    matcher = Matcher({name: pa.array([row[name] for row in rows]) for name in rows[0]}, {})

    assert redundant_columns(matcher.prepared) == {"code": (), "t": ("code",)}


def test_the_search_for_redundant_columns_does_not_grow_with_their_square(monkeypatch):
    dice = random.Random(2)
    columns = {f"c{n}": [dice.choice("abcdefgh") * 4 for _ in range(200)] for n in range(400)}
    columns |= {"x": ["left", "right"] * 100, "y": ["top", "bottom"] * 100}
    prepared = Matcher({name: pa.array(column) for name, column in columns.items()}, {}).prepared
    compared, determining = [], redundant._determining

    def counted(text, by_chance, i, *others):
        compared.append(i.size)
        return determining(text, by_chance, i, *others)

    monkeypatch.setattr(redundant, "_determining", counted)
    found = redundant_columns(prepared)
    assert found.keys() == columns.keys()
    assert len(compared) == 402
    assert max(compared) <= 250 * 500
    monkeypatch.setattr(redundant, "_MOST_SOURCES", 1_000)
    assert redundant_columns(prepared)["y"] == ("x",)

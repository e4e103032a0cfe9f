"""Odd records raise no errors, and do not merge many people into one."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from pathlib import Path

import pyarrow as pa
import pytest

from customer_profiles.identity import Model, resolve

dice = random.Random(1)
GIVEN, FAMILY = ["Ann", "Bob", "Cy", "Dora"], ["Smith", "Jones", "Wood", "Hill"]


def many(count, **values):
    return [{name: make(n) for name, make in values.items()} for n in range(count)]


ODD = {
    "all missing": many(50, FirstName=lambda _: None, LastName=lambda _: None),
    "all blank": many(50, FirstName=lambda _: " ", BirthDate=lambda _: "?", Phone=lambda _: "-"),
    "all the same": many(2_000, FirstName=lambda _: "Ann", LastName=lambda _: "Lee"),
    "one column": many(3_000, foo=lambda n: f"n{n % 500}"),
    "few towns": many(3_000, City=lambda n: ("Paris", "Rome")[n % 2]),
    "one firm": many(
        3_000,
        FirstName=lambda n: f"{GIVEN[n % 4]}{n}",
        LastName=lambda n: f"{FAMILY[n % 4]}{n}",
        EmailAddress=lambda _: "info@corp.com",
        PhoneNumber=lambda _: "+1 206 555 0100",
    ),
    "wrong dates": many(
        200, FirstName=lambda n: f"A{n}", BirthDate=lambda n: ("31/31/1990", "1e9", "12:30")[n % 3]
    ),
    "odd digits": many(
        200,
        FirstName=lambda n: f"A{n}",
        PhoneNumber=lambda n: ("²³⁴", "++++", "ext 5", "1+1")[n % 4],
    ),
    "odd text": many(
        100,
        FirstName=lambda n: f"😀{n}",
        LastName=lambda _: "\u202eabc\u0000",
        EmailAddress=lambda n: f"ü{n}@ö.de",
        Address1=lambda n: f"№ {n}",
    ),
    "long notes": many(
        300,
        FirstName=lambda n: f"A{n}",
        notes=lambda _: " ".join(dice.choice(GIVEN) for _ in range(300)),
    ),
    "many texts": many(
        500, **{f"c{k}": lambda _: f"v{dice.randrange(99)}" for k in range(20)}
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:no record is matched, because the columns")
@pytest.mark.parametrize("odd", ODD)
def test_odd_records_are_read_and_not_merged(odd):
    found = resolve(ODD[odd])

    assert found.groups == []
    assert found.evidence == []
    assert found.find(ODD[odd][0]) == [] or found.count


def test_values_of_any_type_are_compared():
    day = dt.date(1980, 1, 1)
    rows = [
        {"FirstName": f"A{n % 400}", "BirthDate": day + dt.timedelta(days=n % 400), "age": n}
        for n in range(800)
    ]

    assert {frozenset(group.ids) for group in resolve(rows).groups} == {
        frozenset({n, n + 400}) for n in range(400)
    }


def test_missing_values_of_pandas_are_missing():
    rows = many(12, EmailAddress=lambda n: f"u{n}@x.y", FirstName=lambda _: float("nan"))

    assert resolve(rows, threshold=0.5).groups == []


def test_numbers_are_read_alike_in_a_single_record_and_in_bulk():
    rows = many(30, LastName=lambda n: f"B{n}", PhoneNumber=lambda n: 2065551100.0 + n)
    found = resolve(rows)

    assert found.find(rows[3])[0].id == 3
    assert found.find({"LastName": "B3", "PhoneNumber": "2065551103"})[0].id == 3


@pytest.mark.parametrize("rows", [[], [{}, {}], [{"id": 1}, {"id": 2}]])
def test_records_without_values_are_no_error(rows):
    found = resolve(rows)

    assert found.count == len(rows)
    assert found.find({"FirstName": "Ada"}) == []
    assert found.model.to_json()


@pytest.mark.parametrize("ids", [("a", 1), (uuid.UUID(int=1), uuid.UUID(int=2)), (1, 1 << 70)])
def test_ids_of_mixed_types_are_refused_without_showing_them(ids):
    rows = [{"id": value, "FirstName": "Ada"} for value in ids]
    with pytest.raises(ValueError, match=r"ids in 'id' are not all text or all numbers") as error:
        resolve(rows)

    assert error.value.__context__ is None


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"least": 2}])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(ValueError, match="least is a probability"):
        resolve(many(3, FirstName=lambda n: f"A{n}")).find({}, **wrong)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 4}'])
def test_text_that_is_not_a_model_is_refused(text):
    with pytest.raises(ValueError, match=r"this is not a (complete )?model"):
        Model.from_json(text)


def born(*births):
    return [
        {"FirstName": f"A{n}", "LastName": f"B{n}", "BirthDate": birth}
        for n, birth in enumerate(births)
    ]


def test_birth_dates_before_1900_and_after_today_are_reported_with_a_remedy():
    rows = born("1980-01-02", "2999-12-31", "31.12.2999", "1899-12-30", "1999-02-03", "?")
    text = "'BirthDate': of 5 birth dates, 1 are before 1900 and 2 after today; .* remove them"
    with pytest.warns(UserWarning, match=text):
        birth = resolve(rows)._matcher.prepared.birth

    # A mistyped digit still agrees with the right date in all others.
    assert sorted(birth.tolist()) == [0, 0x18991230, 0x19800102, 0x19990203, *[0x29991231] * 2]


@pytest.mark.filterwarnings("error")
def test_people_of_another_century_are_no_warning():
    assert resolve(born("1820-05-06", "1790-01-01", "1950-01-01")).count == 3


@pytest.mark.parametrize("placeholder", ["0001-01-01", "9999-12-31", "01/01/0000"])
def test_the_first_and_the_last_date_of_databases_are_no_birth_dates(placeholder):
    birth = resolve(born(placeholder, "1980-01-02"))._matcher.prepared.birth

    assert sorted(birth.tolist()) == [0, 0x19800102]


LISTS = [["a", "b"], ["c"]]


@pytest.mark.parametrize("table", [{"name": ["A", "B"], "tags": LISTS}, pa.table({"tags": LISTS})])
def test_a_column_of_lists_is_refused_with_its_name_and_a_remedy(table):
    with pytest.raises(ValueError, match=r"'tags' holds list.* leave it out, or .*'tags1'"):
        resolve(table)


@pytest.mark.parametrize("name", ["customers.csv", Path("customers.csv")])
def test_the_name_of_a_file_is_refused_with_a_remedy(name):
    with pytest.raises(TypeError, match=r"or Arrow table, not \w+; read a file first"):
        resolve(name)


def test_lists_in_mappings_become_columns():
    found = resolve([{"EmailAddress": ["a@b.c", "d@e.f"]}, {"EmailAddress": ["d@e.f"]}])

    assert found._matcher.prepared.by_kind["email"] == ["EmailAddress1", "EmailAddress2"]


def test_binary_values_are_refused_by_the_name_of_their_column():
    with pytest.raises(ValueError, match="'photo' holds binary"):
        resolve(pa.table({"photo": [b"\xff", b"a"]}))

"""Names, dates and numbers are read in any notation, and from any column."""

from __future__ import annotations

import pyarrow as pa
import pytest

from customer_profiles.identity.preparing import normalize
from customer_profiles.identity.preparing.normalize import DatasetStatistics
from customer_profiles.identity.preparing.reading import read as read_columns
from customer_profiles.identity.resolution import Matcher
from customer_profiles.identity.scripts.letters import latin
from customer_profiles.identity.single.record import read

WRITTEN = [
    ("Щукин", "shchukin"), ("γιώργος", "giorgos"), ("أحمد", "ahmd"), ("ショウイチ", "shoichi"),
    ("しょういち", "shoichi"), ("राम", "ram"), ("straße", "strasse"), ("łukasz", "lukasz"),
    ("王小明", "王小明"), ("김민수", "김민수"), ("e\u0301", "e"), ("١٢٣", "123"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "plain"), WRITTEN)
def test_letters_of_all_scripts_are_transliterated(text, plain):
    assert latin(text.lower()) == plain


DATES = [
    ("1980-03-01", 0x19800301), ("01.03.1980", 0x19800301), ("3 Mar 1980", 0x19800303),
    ("28-Feb-66", 0x19660228), ("1972年10月27日", 0x19721027), ("12 de mayo de 1990", 0x19900512),
    ("März 5, 2001", 0x20010305), ("1980", 0x19800000), ("31/31/1990", 0), ("?", 0),
    ("03/28/1966 00:00", 0x19660328), ("٢٠٠١-٠٣-٠٥", 0x20010305),  # noqa: RUF001
]  # fmt: skip


@pytest.mark.parametrize(("text", "date"), DATES)
def test_dates_are_read(text, date):
    assert normalize.date(text, days_first=False) == date


DAMAGED = [
    ("1942w03-05", 0x19420305), ("1967-03-148", 0x19670314), ("1955-07-97", 0x19550797),
    ("31/31/1990", 0x19903131), ("97.07.1955", 0x19550797), ("9999-99-99", 0), ("00/00/00000", 0),
    ("?", 0), ("1985", 0), ("tel 1985-07-9", 0), ("123456789", 0), ("1980-03-12-1980-04-13", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "digits"), DAMAGED)
def test_the_digits_of_damaged_dates_are_kept_in_the_order_of_dates(text, digits):
    assert normalize.damaged_date(text, days_first=False) == digits


@pytest.mark.parametrize("days_first", [True, False])
def test_dates_of_a_column_are_read_as_single_ones_are(days_first):
    texts = [text for text, _ in DATES] + [
        "", "0000-01-02", "0001-01-01", "9999-12-31", "1980-13-01", "1980-01-32", "1980-12-31",
        "1980-00-00", "1980-1-2", "1980-03-01 ", "1980-03-01T00:00", "01/02/1980", "3/28/66",
        "1980-0a-01", "1234-56-78",
    ]  # fmt: skip
    _, found = normalize.dates(pa.array(texts), days_first=days_first)
    assert found.tolist() == [normalize.date(text, days_first=days_first) for text in texts]


@pytest.mark.parametrize(("text", "days_first"), [("28/03/1966", True), ("03/28/1966", False)])
def test_the_order_of_days_and_months_is_found_beside_iso_dates(text, days_first):
    found, dates = normalize.dates(pa.array(["1980-03-01", "01/02/1980", text]))
    assert found is days_first
    assert dates.tolist()[0] == 0x19800301
    assert dates.tolist()[1] == (0x19800201 if days_first else 0x19800102)


def test_years_of_two_digits_are_not_in_the_future():
    assert normalize.date("01/02/99", days_first=False) >> 16 == 0x1999
    assert normalize.date("01/02/03", days_first=True) == 0x20030201


def names(**row):
    found = read(row, {}, DatasetStatistics())
    return found.given, found.middle, found.family, found.suffix


READ = [
    ({"FirstName": "J.P.", "LastName": "Adams Jr."}, ("j", "p", "adams", "jr")),
    ({"FirstName": "M. Nikita", "LastName": "Rao"}, ("nikita", "m", "rao", None)),
    ({"FirstName": "Dr. Anna Maria", "LastName": "O'Neil"}, ("anna", "maria", "oneil", None)),
    ({"FirstName": "C0nn0r", "LastName": "8ell"}, ("connor", None, "bell", None)),
    ({"name": "Rossi, Mario"}, ("mario", None, "rossi", None)),
    ({"name": "María", "apellido1": "García", "apellido2": "Díaz"},
     ("maria", None, "garcia diaz", None)),
    ({"FirstName": " ", "LastName": None}, (None, None, None, None)),
    ({"name": "Jan van der Berg"}, ("jan", None, "van der berg", None)),
    ({"name": "João Pedro da Silva"}, ("joao", "pedro", "da silva", None)),
    ({"name": "Ludwig van Beethoven Jr."}, ("ludwig", None, "van beethoven", "jr")),
    ({"name": "Juan Garcia Lopez"}, ("juan", "garcia", "lopez", None)),
    ({"name": "נועם בן דוד"}, ("נועמ", None, "בנ דוד", None)),
    ({"name": "מאיה שם טוב"}, ("מאיה", None, "שמ טוב", None)),
    ({"name": "شوقي أبو داوود"}, ("شوقي", None, "ابو داوود", None)),
    ({"name": "نوف آل محمد بن علي بن جماز"}, ("نوف", None, "ال محمد بن علي بن جماز", None)),
    ({"name": "عبد الجليل العجلان"}, ("عبدالجليل", None, "العجلان", None)),
    ({"FirstName": "عبد الله", "LastName": "حداد"}, ("عبدالله", None, "حداد", None)),
]  # fmt: skip


@pytest.mark.parametrize(("row", "parts"), READ)
def test_names_are_read(row, parts):
    assert names(**row) == parts


def test_a_phone_number_in_an_email_column_is_read_as_a_phone_number():
    row = {"EmailAddress": "+1 206 555 0100", "PhoneNumber": "ada@example.org"}
    found = read(row, {}, DatasetStatistics())

    assert found.emails == ("ada@example.org",)
    assert found.phones == ("065550100",)


GIVEN = ["Ann", "Bob", "Cora", "Dirk", "Eva", "Finn"]
FAMILY = ["Adler", "Baker", "Clay", "Drake", "Estes"]


def test_a_full_name_in_the_column_of_given_names_is_split():
    whole = {"FirstName": "Ann Baker", "EmailAddress": "u1@x.y"}
    rows = [{"FirstName": given, "LastName": family} for given in GIVEN for family in FAMILY]
    matcher = Matcher(read_columns([*rows, whole])[1], {})
    names_of = matcher.prepared.names
    row = matcher.rows.record_of[-1]
    last = [names_of.text[codes[row]] for codes in (names_of.given, names_of.family)]

    assert last == ["ann", "baker"]
    alone = read(whole, {}, matcher.prepared.statistics)
    assert (alone.given, alone.family) == ("ann", "baker")


def test_two_given_names_are_not_a_full_name():
    rows = [{"FirstName": given, "LastName": family} for given in GIVEN for family in FAMILY]
    matcher = Matcher(read_columns([*rows, {"FirstName": "Ann Eva"}])[1], {})

    assert matcher.prepared.names.family[matcher.rows.record_of[-1]] == -1


def test_a_chinese_name_in_one_field_is_split():
    rows = [
        {"FirstName": given, "LastName": family}
        for given in ["小明", "伟", "芳"]
        for family in "王李张"
    ]
    matcher = Matcher(read_columns([*rows, {"FirstName": "王小明"}])[1], {})
    names_of, row = matcher.prepared.names, matcher.rows.record_of[-1]

    assert names_of.text[names_of.family[row]] == "王"
    assert names_of.text[names_of.given[row]] == "小明"


def test_a_family_name_that_begins_with_another_is_not_a_full_name():
    rows = [{"FirstName": "直子", "LastName": family} for family in ("中村", "中", "鈴木")]
    matcher = Matcher(read_columns([*rows, {"LastName": "中村"}, {"FirstName": "直子"}])[1], {})
    names_of = matcher.prepared.names
    last, first = matcher.rows.record_of[-2:]

    assert names_of.text[names_of.family[last]] == "中村"
    assert names_of.given[last] == -1
    assert names_of.text[names_of.given[first]] == "直子"
    assert read({"LastName": "中村"}, {}, matcher.prepared.statistics).family == "中村"

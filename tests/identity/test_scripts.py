"""Names are compared across scripts, and invisible characters are no part of any value."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import blocking
from customer_profiles.identity.preparing.normalize import DatasetStatistics
from customer_profiles.identity.scripts import readings as module
from customer_profiles.identity.scripts.eastern import given_first
from customer_profiles.identity.scripts.letters import Script, letters_of_names, script_of
from customer_profiles.identity.scripts.readings import readings
from customer_profiles.identity.single import compare, keys, record

from . import writings


def judge(rows, truth):
    labels = resolve(rows).labels.tolist()

    def pairs(groups):
        return sum(count * (count - 1) // 2 for count in Counter(groups).values())

    both = pairs(zip(labels, truth, strict=True))
    return both / pairs(truth), both / max(pairs(labels), 1)


LEAST_RECALL = {"zh": 0.95, "ja": 0.9, "ko": 0.95} | dict.fromkeys(("ar", "fa", "he"), 0.95)


@pytest.mark.parametrize("language", writings.GIVEN)
def test_people_are_found_in_their_script_and_in_latin_letters(language):
    recall, precision = judge(*writings.people(language, 800))

    assert recall >= LEAST_RECALL.get(language, 0.98)
    assert precision >= 0.98


@pytest.mark.parametrize("language", writings.GIVEN)
def test_people_are_found_by_full_names(language):
    recall, precision = judge(*writings.people(language, 800, seed=2, full=True))

    assert recall >= 0.95
    assert precision >= 0.93


def cleaned(name):
    return letters_of_names(name.lower())


@pytest.mark.parametrize("language", writings.GIVEN)
def test_spellings_share_a_reading(language):
    spelled = [*writings.spelled(writings.GIVEN[language])]
    script = script_of(cleaned(spelled[0][0]))
    missed = [
        (native, spelling)
        for native, spellings in spelled
        for spelling in spellings
        if not {*readings(cleaned(native), script)} & {*readings(cleaned(spelling), script)}
    ]

    assert len(missed) <= 0.05 * len(spelled)


SAME = [
    ("Юлия", "Julia"), ("محمد", "Mohammed"), ("王", "Wang"), ("이", "Rhee"),
    ("Ευαγγελία", "Evangelia"), ("曾", "Zeng"),
    ("吕", "Lv"), ("健一", "Kenichi"), ("יצחק", "Yitzhak"),
    ("عبد الرحمن", "Abdulrahman"),
]  # fmt: skip


def test_kanji_say_nothing_about_romaji_without_the_dictionary(monkeypatch):
    monkeypatch.setattr(module, "_dictionary", lambda: None)
    readings.cache_clear()
    module.is_japanese.cache_clear()
    try:
        assert not compare._reads_alike("健一", "kenichi")
        assert compare._unlike("健一", "kenichi") == "MISSING"
        assert compare._reads_alike("小明", "xiaoming")
        assert given_first("高橋誠") == "橋誠 高"
    finally:
        readings.cache_clear()
        module.is_japanese.cache_clear()


DIFFERENT = [
    ("Юлия", "Olga"), ("محمد", "Hamid"), ("王", "Wong"), ("이", "Kim"), ("Νίκος", "Nikitas"),
    ("健一", "Kenji"), ("דוד", "Dan"), ("Иван", "Ivanov"),
]  # fmt: skip


@pytest.mark.parametrize(("native", "spelling"), SAME)
def test_a_name_agrees_with_its_spellings(native, spelling):
    assert compare._reads_alike(cleaned(native), cleaned(spelling))


@pytest.mark.parametrize(("native", "spelling"), DIFFERENT)
def test_a_name_does_not_agree_with_other_names(native, spelling):
    assert not compare._reads_alike(cleaned(native), cleaned(spelling))


def prepared(rows):
    matcher = resolve(rows)._matcher
    return matcher.prepared.take(matcher.rows.record_of)


def test_latin_spellings_are_reduced_only_beside_another_script():
    rows = [{"FirstName": name, "LastName": "Khan"} for name in ("Mohammed", "Muhammad")]

    assert not prepared(rows).names.readings
    assert prepared([*rows, {"FirstName": "محمد"}]).names.readings.keys() == {Script.ARABIC}


ORDERS = [
    ("王小明", "小明 王"), ("王 小明", "小明 王"), ("欧阳伟", "伟 欧阳"), ("김민수", "민수 김"),
    ("남궁민수", "민수 남궁"), ("wang xiaoming", "xiaoming wang"),
    ("xiaoming wang", "xiaoming wang"),
    ("kim minsu", "minsu kim"), ("山田太郎", "太郎 山田"), ("佐々木 健一", "健一 佐々木"),
    ("长谷川", "谷川 长"), ("中村零", "零 中村"), ("坂本零", "零 坂本"), ("高建国", "建国 高"),
    ("иванов иван", "иванов иван"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turned"), ORDERS)
def test_the_family_name_may_be_first(name, turned):
    assert given_first(name) == turned


NAMES = [
    ({"FullName": "Wang Xiao Ming"}, ("xiaoming", None, "wang")),
    ({"FullName": "Xiao Ming Wang"}, ("xiaoming", None, "wang")),
    ({"FullName": "Wáng Xiǎomíng"}, ("xiaoming", None, "wang")),
    ({"FullName": "Wang2 Xiao3ming2"}, ("xiaoming", None, "wang")),
    ({"FirstName": "Xiao-Ming", "LastName": "Wang"}, ("xiaoming", None, "wang")),
    ({"FullName": "Kim Min-su"}, ("minsu", None, "kim")),
    ({"FullName": "王小明"}, ("小明", None, "王")),
    ({"FullName": "Wang Xiao De"}, ("xiaode", None, "wang")),
    ({"FullName": "Xiao Bin Zhang"}, ("xiaobin", None, "zhang")),
    ({"FullName": "さとう　けんいち"}, ("kenichi", None, "sato")),
    ({"FullName": "サトウ ケンイチ"}, ("kenichi", None, "sato")),
    ({"FullName": "ジョン・スミス"}, ("jon", None, "sumisu")),
    ({"FirstName": "А. Иван", "LastName": "Щукин"}, ("иван", "а", "щукин")),
    ({"FullName": "Kim Davis"}, ("kim", None, "davis")),
    ({"FirstName": "Bel1a", "LastName": "Wang"}, ("bella", None, "wang")),
]


@pytest.mark.parametrize(("row", "parts"), NAMES)
def test_names_of_all_orders_are_read(row, parts):
    found = record.read(row, {}, DatasetStatistics())
    people = prepared([row, {"FirstName": "Ada"}]).names

    assert (found.given, found.middle, found.family) == parts
    codes = (people.given[0], people.middle[0], people.family[0])
    assert tuple(people.text[code] if code >= 0 else None for code in codes) == parts


@pytest.fixture(scope="module")
def mixed():
    rows = [
        row
        for number, language in enumerate(writings.GIVEN)
        for row in writings.people(language, 60, full=number % 2 == 0)[0]
    ]
    return rows, resolve(rows)


def test_single_records_are_compared_alike(mixed):
    rows, resolution = mixed
    rows = [rows[row] for row in resolution._matcher.rows.row_of.tolist()]
    model, scored = resolution.model, resolution._scored
    alone = [record.read(row, model.kinds, model.statistics) for row in rows]
    scorer = compare.Scorer(model)
    level_of = [attribute.level_of for attribute in model.weights.attributes]
    for pair in range(0, len(scored.i), max(len(scored.i) // 10_000, 1)):
        codes = scorer.codes(alone[scored.i[pair]], alone[scored.j[pair]])
        bulk = scored.codes[pair].tolist()

        assert [of[c] for of, c in zip(level_of, codes, strict=True)] == [
            of[c] for of, c in zip(level_of, bulk, strict=True)
        ]


def test_single_records_have_the_same_keys(mixed):
    rows, resolution = mixed
    rows = [rows[row] for row in resolution._matcher.rows.row_of.tolist()]
    model, prepared = resolution.model, resolution._matcher.prepared
    chosen = blocking.keys_for(blocking.atoms(prepared), len(rows))
    found = [set() for _ in rows]
    for numbers, of in blocking.lasting(prepared, chosen):
        for number, row in zip(numbers.tolist(), of.tolist(), strict=True):
            found[row].add(number)

    assert any("given read in HAN" in key for key in chosen)
    for row, bulk in zip(rows, found, strict=True):
        assert bulk <= keys.keys_of(record.read(row, model.kinds, model.statistics), chosen)


def test_a_record_in_another_script_is_found():
    rows = [{"FirstName": "Юлия", "LastName": "Щербакова", "BirthDate": "1980-02-03"}]
    rows += [
        {"FirstName": f"Olga{n}", "LastName": f"Orlova{n}", "BirthDate": f"19{n + 40}-01-02"}
        for n in range(50)
    ] * 2
    found = resolve(rows).find(
        {"FirstName": "Yulia", "LastName": "Shcherbakova", "BirthDate": "1980-02-03"}, least=0.0
    )

    assert found[0].id == 0


INVISIBLE = "\u200b\u200c\u200d\ufeff\xad\u200e\u200f\u202a\u202c\u2060\u2066\ufe0f\u061c"
ROW = {
    "FirstName": "Anna", "LastName": "Keller", "BirthDate": "1980-03-01", "Gender": "female",
    "EmailAddress": "anna@keller.org", "PhoneNumber": "+49 30 1234567", "Address1": "Hauptstraße 7",
    "City": "Bern", "State": "BE", "PostalCode": "3011", "CustomerNumber": "K12345", "team": "red",
}  # fmt: skip


@pytest.mark.parametrize("letter", INVISIBLE)
def test_invisible_characters_are_removed_from_every_attribute(letter):
    odd = {name: f"{letter}{text[:2]}{letter}{text[2:]}{letter}" for name, text in ROW.items()}
    empty = dict.fromkeys(ROW, letter)
    statistics = DatasetStatistics()
    read = record.read(ROW, {}, statistics)

    assert record.read(odd, {}, statistics) == read
    assert record.read(empty, {}, statistics) == record.read({}, {}, statistics)
    levels = resolve([ROW, odd, empty]).pairs(0.0)
    assert (levels.left.tolist(), levels.right.tolist()) == ([0], [1])
    codes = resolve([ROW, odd])._scored.codes
    # A gender is not compared where the given name implies it.
    assert np.flatnonzero(codes[0] == 0).tolist() == [3]

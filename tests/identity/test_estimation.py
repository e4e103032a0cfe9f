"""Estimation finds the class of one person's records, whatever else a table holds."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import estimation
from customer_profiles.identity.matching.levels import EXACT

faker = pytest.importorskip("faker", reason="faker is not installed")

CORE = ("FirstName", "LastName", "EmailAddress", "PhoneNumber")
WORDS = (
    *("order", "late", "about", "called", "again", "client", "asked", "refund", "phone", "broken"),
    *("send", "letter", "box", "red"),
)


def flag(dice):
    return dice.choice(("yes", "no"))


def number(dice):
    return f"{dice.random() * 1000:.2f}"


def count(dice):
    return str(min(int(dice.expovariate(0.15)), 90))


def date(dice):
    return f"202{dice.randrange(1, 5)}-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}"


def note(dice):
    return " ".join(dice.choice(WORDS) for _ in range(dice.randrange(4, 12)))


def typed(dice, text):
    """Return a text with a letter or digit left out."""
    at = dice.randrange(len(text))
    return text[:at] + text[at + 1 :]


def damaged(dice, row, names):
    """Return a second record of a person: one value is missing or mistyped."""
    name = dice.choice(names)
    return row | {name: None if dice.random() < 0.4 else typed(dice, row[name])}


def customers(seed, columns=None, *, kept=True, people=800, again=120, locale="en_US"):
    """Make records of people, of whom some have a second record, and the person of each record.

    Args:
        seed: the random seed.
        columns: makers of the values of more columns.
        kept: whether the second record has the same values of these columns.
        people: the number of people.
        again: how many have a second record.
        locale: the language of names.
    """
    dice, fake = random.Random(seed), faker.Faker(locale)
    fake.seed_instance(seed)
    rows = [
        {
            "FirstName": fake.first_name(),
            "LastName": fake.last_name(),
            "EmailAddress": fake.email(),
            "PhoneNumber": fake.phone_number(),
        }
        | {name: make(dice) for name, make in (columns or {}).items()}
        for _ in range(people)
    ]
    persons = list(range(people))
    for person in dice.sample(range(people), again):
        changed = {} if kept else {name: make(dice) for name, make in (columns or {}).items()}
        rows.append(damaged(dice, rows[person], CORE) | changed)
        persons.append(person)
    return rows, persons


def households(seed, people, again):
    """Make families at one address, with cousins in their town, and second records of some."""
    dice, fake = random.Random(seed), faker.Faker("en_US")
    fake.seed_instance(seed)
    rows = []
    while len(rows) < people:
        family, town = fake.last_name(), {"City": fake.city(), "PostalCode": fake.postcode()}
        for _ in range(dice.choice((1, 1, 2, 3))):
            street, born = fake.street_address(), dice.randrange(1945, 1990)
            size = dice.choice((1, 2, 2, 3, 4, 5))
            names = {fake.first_name() for _ in range(3 * size)}
            for position, name in enumerate(sorted(names)[:size]):
                year = born + dice.randrange(5) + (25 if position > 1 else 0)
                birth = f"{year}-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}"
                rows.append({"FirstName": name, "LastName": family, "BirthDate": birth,
                             "Address1": street, **town})  # fmt: skip
    rows, persons = rows[:people], list(range(people))
    for person in dice.sample(persons, again):
        rows.append(damaged(dice, rows[person], ("FirstName", "LastName", "BirthDate", "Address1")))
        persons.append(person)
    return rows, persons


def judged(rows, persons):
    """Resolve records, and return the result, the pairs found and the false ones among them."""
    found = resolve(rows)
    pairs = [pair for group in found.groups for pair in combinations(group.ids, 2)]
    return found, len(pairs), sum(persons[a] != persons[b] for a, b in pairs)


def numbered(make, size, prefix="c"):
    return {f"{prefix}{n}": make for n in range(size)}


MIXED = {
    **numbered(date, 3, "date"),
    **numbered(note, 2, "note"),
    **numbered(count, 3, "count"),
    **numbered(flag, 2, "flag"),
    "constant": lambda _: "x",
}
NOISE = {
    "nothing": {},
    "5 yes/no columns": numbered(flag, 5),
    "10 yes/no columns": numbered(flag, 10),
    "6 numbers": numbered(number, 6),
    "12 numbers": numbered(number, 12),
    "8 counts": numbered(count, 8),
    "mixed": MIXED,
    "attributes of profiles": {
        **numbered(flag, 6, "Attributes.flag"),
        **numbered(number, 6, "Attributes.number"),
    },
}


@pytest.mark.parametrize("kept", [True, False], ids=["same values", "other values"])
@pytest.mark.parametrize("noise", NOISE)
def test_columns_that_say_nothing_do_nothing(noise, kept):
    _, pairs, false = judged(*customers(21, NOISE[noise], kept=kept))

    assert (pairs - false, false) == (120, 0)


@pytest.mark.parametrize("kept", [True, False], ids=["same values", "other values"])
def test_few_family_names_and_yes_no_columns_do_not_make_a_class(kept):
    options = {"people": 3_000, "locale": "ko_KR"}
    _, without, _ = judged(*customers(22, **options))
    _, pairs, false = judged(*customers(22, numbered(flag, 3), kept=kept, **options))

    assert without >= 72
    assert pairs - false >= 0.9 * without
    assert false <= 1


def test_200_columns_of_noise_do_nothing_and_are_named():
    columns = numbered(flag, 100, "flag") | numbered(number, 100, "number")
    found, pairs, false = judged(*customers(23, columns, kept=False))

    assert (pairs - false, false) == (120, 0)
    assert sum(found.columns[name].role == "ignored" for name in columns) >= 195


def test_columns_of_noise_count_as_one_where_they_always_agree_together():
    """A hundred copies of one yes/no column are one bit of evidence, not a hundred."""
    dice = random.Random(24)
    rows, persons = customers(24)
    flags = [flag(dice) for _ in range(800)]
    for row, person in zip(rows, persons, strict=True):
        row.update(dict.fromkeys(numbered(flag, 30), flags[person]))
    _, pairs, false = judged(rows, persons)

    assert (pairs - false, false) == (120, 0)


def test_copies_of_columns_are_not_counted_twice():
    rows, persons = customers(25)
    for row in rows:
        row["nick"] = row["FirstName"]
        row["label"] = f"{row['LastName'] or ''}, {row['FirstName'] or ''}"
    found, pairs, false = judged(rows, persons)

    assert (pairs - false, false) == (120, 0)
    assert found.columns["nick"].reason == "it repeats FirstName"
    assert set(found.columns["label"].reason.removeprefix("it repeats ").split(", ")) == {
        "FirstName",
        "LastName",
    }


@pytest.fixture(scope="module")
def mixed():
    columns = MIXED | {"segment": lambda dice: dice.choice("ABCDE")}
    rows, _ = customers(26, columns, kept=False)
    dice = random.Random(26)
    for row in rows:
        row["empty"] = None
        # Records of one person have one number, which is not their own, as of a branch.
        branch = sum(map(ord, row["EmailAddress"] or "")) % 40
        row["branch"] = f"office{chr(97 + branch // 7)}{chr(104 + branch % 7)}"
        row["index"] = str(dice.random())
    return resolve(rows)


def test_the_use_of_each_column_is_said(mixed):
    uses = mixed.columns

    assert list(uses)[:4] == [*CORE]
    assert {name: uses[name].role for name in CORE} == dict.fromkeys(CORE, "identifies")
    assert uses["branch"].role == "supports"
    assert {name for name, use in uses.items() if use.role == "ignored"} == {
        *MIXED, "segment", "empty", "index"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("FirstName", "of the matching pairs agree, and"),
        ("branch", "words: "),
        ("date0", "dates: "),
        ("note1", "free text: "),
        ("count2", "numbers: "),
        ("segment", "few values: "),
        ("constant", "it has one value only"),
        ("empty", "it has no values"),
        ("index", ""),
    ],
)
def test_the_reason_for_the_use_of_a_column_is_said(mixed, column, reason):
    assert reason in mixed.columns[column].reason


def test_a_declared_column_is_compared_whatever_it_says():
    rows, _ = customers(27, numbered(flag, 2), kept=False)
    found = resolve(rows, kinds={"c0": "text"})

    assert {name: found.columns[name].role for name in ("c0", "c1")} == {
        "c0": "supports",
        "c1": "ignored",
    }
    assert "c0" in {attribute.name for attribute in found.model.weights.attributes}


def test_a_model_ignores_the_columns_that_it_was_estimated_without():
    rows, _ = customers(28, MIXED, kept=False)
    found = resolve(rows)
    again = resolve([row | {"constant": str(n)} for n, row in enumerate(rows)], model=found.model)

    assert again.groups == found.groups
    assert [c.id for c in found.find(rows[5] | {"note0": "another"})][:1] == [5]


def test_levels_stay_in_order():
    rows, _ = customers(29, {**numbered(count, 4), "x": lambda dice: dice.choice(WORDS)})
    weights = resolve(rows).model.weights
    free = [attribute for attribute in weights.attributes if attribute.is_free]

    assert len(free) == 5
    for attribute in free:
        ratios = attribute.match[EXACT:] / attribute.observed[EXACT:]
        assert (ratios[1:] <= ratios[:-1] * (1 + 1e-9)).all()


def test_evidence_of_a_column_that_cannot_identify_is_bounded():
    rows, _ = customers(30, {**numbered(number, 2), **numbered(flag, 2, "flag")})
    weights = resolve(rows).model.weights

    free = [attribute for attribute in weights.attributes if attribute.is_free]
    assert len(free) == 4
    for attribute in free:
        match, _, chance = attribute.log_densities() / np.log(2)
        assert np.abs(match - chance).max() <= attribute.most + 1e-3


@pytest.mark.parametrize("again", [0, 20, 100, 450])
def test_few_duplicates_among_families_are_found_or_nothing_is(again):
    _, pairs, false = judged(*households(31 + again, 9_000 if again else 10_000, again))

    assert false <= max(again == 0, 0.05 * pairs)
    assert pairs - false >= 0.3 * again


def test_a_class_of_pairs_that_share_a_home_only_is_refused():
    rows, _ = households(33, 3_000, 50)
    weights = resolve(rows).model.weights
    given = next(part for part in weights.attributes if part.name == "given name")

    assert estimation.is_sound(weights)
    given.match[EXACT:-1], given.match[-1] = 0, 1
    birth = next(part for part in weights.attributes if part.name == "birth date")
    birth.match[EXACT:-1], birth.match[-1] = 0, 1
    assert not estimation.is_sound(weights)


def test_a_class_that_is_not_sound_is_replaced_by_the_assumed_model(monkeypatch):
    rows, persons = customers(34)
    sound = iter([True, False])
    monkeypatch.setattr(estimation, "is_sound", lambda _: next(sound, True))
    found = resolve(rows)
    false = sum(len({persons[row] for row in group.ids}) > 1 for group in found.groups)

    assert len(found.groups) >= 110
    assert false == 0


def test_records_that_share_only_one_of_two_names_are_no_class_of_matches():
    dice = random.Random(61)
    names = [f"{start}{end}" for start in ("ka", "mo", "ri", "su", "te") for end in
             ("bel", "dor", "fin", "gam", "hul", "jit", "lon", "nar")]  # fmt: skip
    people = [(dice.choice(names), dice.choice(names).title() + "sson") for _ in range(600)]
    rows = [
        ({"FirstName": given, "LastName": family}, person)
        for person, (given, family) in enumerate(people)
        for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))
    ]
    found = resolve([row for row, _ in rows])
    shared = [{rows[row][0]["FirstName"] for row in group.ids} for group in found.groups]

    assert estimation.is_sound(found.model.weights)
    assert all(len(given) == 1 for given in shared)
    assert len(found.groups) <= 5


def test_different_suffixes_are_no_evidence_for_a_match():
    rows, _ = customers(62, people=400, again=150)
    dice = random.Random(62)
    for row in rows:
        if row["LastName"] and dice.random() < 0.3:
            row["LastName"] += dice.choice((" Jr", " Sr"))
    weights = resolve(rows).model.weights
    suffix = next(part for part in weights.attributes if part.name == "suffix")
    different = suffix.levels.index("different")

    assert suffix.match[different] <= suffix.chance[different] * 1.05


@pytest.mark.parametrize(("share", "is_raised"), [(0.0, False), (0.4, True)])
def test_the_share_of_namesakes_is_estimated(share, is_raised):
    rows, _ = households(63, 2_000, 300)
    dice = random.Random(63)
    homes = {}
    for row in rows:
        home = homes.setdefault((row["LastName"], row["Address1"]), row)
        if home is not row and dice.random() < share:
            row["FirstName"] = home["FirstName"]
    weights = resolve(rows).model.weights
    given = next(part for part in weights.attributes if part.name == "given name")

    assert (given.namesakes > 0.003) == is_raised

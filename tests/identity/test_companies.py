"""Companies are compared without their legal forms, and are not merged with their people."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from customer_profiles.identity import resolve
from customer_profiles.identity.matching import blocking
from customer_profiles.identity.preparing.companies import are_companies, cores
from customer_profiles.identity.preparing.normalize import DatasetStatistics, words
from customer_profiles.identity.single import compare, keys, record

from .people import STARTS, people

FORMS = [
    ("Acme GmbH", "ACME"), ("Acme GmbH & Co. KG", "acme"), ("Acme, Inc.", "acme"),
    ("Acme Co., Ltd.", "acme"), ("Acme S.A.", "acme"), ("Acme S.à r.l.", "acme"),
    ("Acme SARL", "acme"), ("Acme S.r.l.", "acme"), ("Acme B.V.", "acme"), ("Acme AB", "acme"),
    ("Acme Oy", "acme"), ("Acme ApS", "acme"), ("Acme A/S", "acme"), ("Acme sp. z o.o.", "acme"),
    ("ООО Ромашка", "romashka"), ("ООО «Ромашка»", "Ромашка"), ("株式会社トヨタ", "トヨタ"),
    ("トヨタ株式会社", "トヨタ"), ("华为技术有限公司", "华为技术"), ("주식회사 카카오", "카카오"),
    ("PT Acme Tbk", "acme"), ("Acme S.A. de C.V.", "acme"), ("Acme Pty Ltd", "acme"),
    ("GmbH", "gmbh"), ("Coop", "coop"), ("The Ltd Shop", "the ltd shop"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "core"), FORMS)
def test_legal_forms_are_no_part_of_a_name(name, core):
    found = record.read({"BusinessName": name}, {}, DatasetStatistics())

    assert cores(words(pa.array([name])))[0].as_py() == record.words(core)
    assert found.others == {"BusinessName": record.words(core)}


COMPANIES = ["Acme GmbH", "ACME LTD", "Müller & Co", "Volvo AB", "Novo Nordisk A/S", "Total S.A.",
             "ООО Ромашка", "株式会社トヨタ", "Barilla S.p.A.", "Acme Sp. z o.o."]  # fmt: skip
PEOPLE = ["Anna Sa", "ANNA SA", "Maria de Sá", "Erik Sas", "Ab Jansen", "Kim Co", "Co", "Inc",
          "Anna Limited-Meyer", "王小明", "Se Min Ag Kim"]  # fmt: skip


@pytest.mark.parametrize("name", COMPANIES)
def test_a_company_is_recognised(name):
    assert are_companies(pa.array([name]))[0].as_py()
    assert record._is_company(name)


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_is_no_company(name):
    assert not are_companies(pa.array([name]))[0].as_py()
    assert not record._is_company(name)


def customers(*, in_name):
    """Return people, 60 companies, and records of three people of each company."""
    dice = random.Random(3)
    rows, _ = people(400)
    firms = {}
    for number in range(60):
        parts = dice.choice(("Nord", "Alpen", "Rhein")), dice.choice(("tech", "bau", "food"))
        core = f"{''.join(parts)} {number}"
        shared = {
            "PhoneNumber": f"+49 {dice.randrange(30, 90)} {dice.randrange(10**7):07d}",
            "EmailAddress": f"info@{core.replace(' ', '').lower()}.de",
            "Address1": f"{dice.choice(STARTS)}{dice.choice(STARTS).lower()}weg {number + 1}",
            "City": f"{dice.choice(STARTS)}stadt",
            "PostalCode": f"{dice.randrange(90_000):05d}",
        }
        for form in ("GmbH", ""):
            firm = {"LastName" if in_name and form else "BusinessName": f"{core} {form}".strip()}
            firms[len(rows)] = number
            rows.append(shared | firm | {"ProfileId": f"f{number}{form}"})
        for given in dice.sample(["Anna", "Uwe", "Ida", "Kai", "Lea", "Tom"], 3):
            family = dice.choice(("Adler", "Beck", "Conrad", "Dorn"))
            person = {"FirstName": given, "LastName": family, "BusinessName": core}
            person["EmailAddress"] = f"{given}.{family}{shared['EmailAddress'][4:]}".lower()
            rows.append(shared | person | {"ProfileId": f"e{number}{given}"})
    return rows, firms


@pytest.fixture(scope="module", params=[False, True])
def made(request):
    rows, firms = customers(in_name=request.param)
    return rows, firms, resolve(rows)


def test_a_company_is_not_merged_with_its_people(made):
    _, firms, resolution = made
    labels = resolution.labels
    of_firm = {labels[row] for row in firms}

    assert not of_firm & {labels[row] for row in range(len(labels)) if row not in firms}


def test_the_records_of_a_company_are_merged(made):
    _, firms, resolution = made
    rows = sorted(firms)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    merged = sum(resolution.labels[a] == resolution.labels[b] for a, b in pairs)

    assert merged >= 0.9 * len(rows) / 2
    assert len({resolution.labels[row] for row in rows}) >= len(rows) / 2


def test_people_of_a_company_stay_apart(made):
    rows, _, resolution = made
    people_of = [n for n, row in enumerate(rows) if row["ProfileId"].startswith("e")]

    assert len({resolution.labels[row] for row in people_of}) == len(people_of)


def test_single_records_of_companies_are_compared_alike(made):
    rows, _, resolution = made
    model, scored = resolution.model, resolution._scored
    compared = [rows[number] for number in resolution._matcher.rows.row_of.tolist()]
    alone = [record.read(row, model.kinds, model.statistics) for row in compared]
    scorer = compare.Scorer(model)
    level_of = [attribute.level_of for attribute in model.weights.attributes]
    for pair in range(0, len(scored.i), max(len(scored.i) // 5_000, 1)):
        codes = scorer.codes(alone[scored.i[pair]], alone[scored.j[pair]])

        assert [of[c] for of, c in zip(level_of, codes, strict=True)] == [
            of[c] for of, c in zip(level_of, scored.codes[pair].tolist(), strict=True)
        ]
    chosen = blocking.keys_for(blocking.atoms(resolution._matcher.prepared), len(rows))
    for numbers, of in blocking.lasting(resolution._matcher.prepared, chosen):
        for number, row in list(zip(numbers.tolist(), of.tolist(), strict=True))[::50]:
            assert number in keys.keys_of(alone[row], chosen)

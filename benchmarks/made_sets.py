"""Labelled sets that are made up: populations, languages and damage that matching was not tuned on.

Every set is made from a seed. `python -m benchmarks.made_sets FOLDER [--seed N] [NAME ...]` writes
Parquet files whose column `truth` says which person a record belongs to.
"""

from __future__ import annotations

import argparse
import random
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from faker import Faker
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Record = dict[str, str | None]
Person = dict[str, str]


_DOCUMENT = string.ascii_uppercase + string.digits


class Population:
    """People of one country in households, who share surname, address and a phone."""

    def __init__(self, locale: str, seed: int, *, towns: int = 400, alone: bool = False) -> None:
        self.draw = random.Random(seed)
        self.fake = Faker(locale)
        self.fake.seed_instance(seed)
        self.towns = [(self.fake.city(), self.fake.postcode()) for _ in range(towns)]
        self.sizes = [1] if alone else [1, 1, 2, 2, 3, 4, 5, 6]
        self.count = 0

    def household(self) -> list[Person]:
        """Return one to six people who live together, most of whom share a surname."""
        fake, draw = self.fake, self.draw
        family, street, phone = fake.last_name(), fake.street_address(), fake.phone_number()
        town, postal = draw.choice(self.towns)
        eldest = draw.randint(1940, 1990)
        people = []
        for member in range(draw.choice(self.sizes)):
            self.count += 1
            female = draw.random() < 0.5
            given = fake.first_name_female() if female else fake.first_name_male()
            own = family if draw.random() < 0.85 else fake.last_name()
            year = eldest + draw.randint(-4, 4) if member < 2 else eldest + draw.randint(20, 35)
            people.append({
                "truth": str(self.count), "FirstName": given, "LastName": own,
                "BirthDate": f"{year}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
                "Gender": "F" if female else "M", "Address1": street.replace("\n", " "),
                "City": town, "PostalCode": postal,
                "PhoneNumber": phone if draw.random() < 0.4 else fake.phone_number(),
                "EmailAddress": fake.email(),
                "DocumentNumber": "".join(draw.choices(_DOCUMENT, k=9)),
            })  # fmt: skip
        return people

    def people(self, count: int) -> list[Person]:
        """Return so many people."""
        found: list[Person] = []
        while len(found) < count:
            found += self.household()
        return found[:count]

    def typed(self, text: str, errors: int) -> str:
        """Return a text with so many typing errors: letters replaced, lost, added or exchanged."""
        draw, letters = self.draw, list(text)
        for _ in range(errors):
            at = draw.randrange(len(letters)) if letters else 0
            kind = draw.randrange(4)
            alphabet = (
                string.digits if letters and letters[at].isdigit() else string.ascii_lowercase
            )
            if kind == 0 and letters:
                letters[at] = draw.choice(alphabet)
            elif kind == 1 and len(letters) > 1:
                del letters[at]
            elif kind == 2 or len(letters) < 2:
                letters.insert(at, draw.choice(alphabet))
            else:
                at = max(at, 1)
                letters[at - 1], letters[at] = letters[at], letters[at - 1]
        return "".join(letters)

    def record(
        self, person: Person, members: Iterable[str], *, damage: float, lost: float
    ) -> Record:
        """Return one record of a person; each value may be damaged or missing."""
        record: Record = {"truth": person["truth"]}
        for member in members:
            value: str | None = person[member]
            if self.draw.random() < lost:
                value = None
            elif self.draw.random() < damage and member != "Gender":
                value = self.typed(person[member], self.draw.choice([1, 1, 1, 2]))
            record[member] = value
        return record


def _repeated(draw: random.Random, likely: tuple[int, ...] = (1, 1, 1, 2, 2, 3)) -> int:
    return draw.choice(likely)


ALL = ("FirstName", "LastName", "BirthDate", "Gender", "Address1", "City", "PostalCode",
       "PhoneNumber", "EmailAddress")  # fmt: skip
WITHOUT_CONTACTS = ALL[:7]


def narrow(locale: str, seed: int) -> list[Record]:
    """Voters in five registers, none of which has a person twice; 45 % have 2 to 5 errors."""
    population = Population(locale, seed, towns=3_000, alone=True)
    members = ("FirstName", "LastName", "City", "PostalCode")
    records = []
    for person in population.people(9_000):
        for register in population.draw.sample(
            range(5), _repeated(population.draw, (1, 2, 2, 3, 3))
        ):
            record = population.record(person, members, damage=0, lost=0.01)
            if population.draw.random() < 0.45:
                for _ in range(population.draw.randint(2, 5)):
                    member = population.draw.choice(members)
                    record[member] = population.typed(record[member] or "x", 1)
            records.append({**record, "Register": str(register)})
    return records


def few(duplicates: int, seed: int, count: int = 9_000) -> list[Record]:
    """Households with few duplicates, which have one to three damaged or missing values."""
    population = Population("en_US", seed)
    people = population.people(count)
    again = population.draw.sample(people, duplicates)
    return [
        *(population.record(person, WITHOUT_CONTACTS, damage=0.02, lost=0.03) for person in people),
        *(population.record(person, WITHOUT_CONTACTS, damage=0.15, lost=0.08) for person in again),
    ]


def households(locale: str, seed: int) -> list[Record]:
    """Households with shared phones and addresses, one to three records a person."""
    population = Population(locale, seed)
    return [
        population.record(person, ALL, damage=0.12, lost=0.2)
        for person in population.people(5_000)
        for _ in range(_repeated(population.draw))
    ]


def kyc(locale: str, seed: int) -> list[Record]:
    """Records of people's documents, half of whose values are destroyed."""
    population = Population(locale, seed)
    members = ("FirstName", "LastName", "BirthDate", "DocumentNumber", "Address1", "City",
               "PhoneNumber")  # fmt: skip
    records = []
    for person in population.people(4_000):
        for _ in range(_repeated(population.draw, (1, 2, 3, 4))):
            record = population.record(person, members, damage=0.0, lost=0.25)
            for member in members:
                value = record[member]
                if value and population.draw.random() < 0.5:
                    record[member] = population.typed(value, population.draw.randint(1, 4))
            records.append(record)
    return records


def noisy(columns: Callable[[random.Random], Record], seed: int, *, locale: str = "en_US",
          count: int = 800, duplicates: int = 120) -> list[Record]:  # fmt: skip
    """Name, e-mail and phone, with columns that do not identify anybody."""
    population = Population(locale, seed)
    members = ("FirstName", "LastName", "EmailAddress", "PhoneNumber")
    people = population.people(count)
    again = population.draw.sample(people, duplicates)
    records = [
        *(population.record(person, members, damage=0, lost=0.02) for person in people),
        *(population.record(person, members, damage=0.1, lost=0.05) for person in again),
    ]
    return [record | columns(population.draw) for record in records]


def _yes_or_no(count: int) -> Callable[[random.Random], Record]:
    return lambda draw: {f"flag_{n}": draw.choice(["yes", "no"]) for n in range(count)}


def _numbers(count: int) -> Callable[[random.Random], Record]:
    return lambda draw: {f"value_{n}": f"{draw.random() * 1000:.2f}" for n in range(count)}


_WORDS = ("called", "about", "the", "bill", "late", "order", "again")


def _mixed(draw: random.Random) -> Record:
    year, month, day = draw.randint(2019, 2025), draw.randint(1, 12), draw.randint(1, 28)
    return {
        "last_order": f"{year}-{month:02}-{day:02}",
        "orders": str(draw.randint(0, 40)),
        "segment": draw.choice("ABCD"),
        "active": draw.choice("01"),
        "note": " ".join(draw.choices(_WORDS, k=6)),
        "constant": "x",
    }


MADE: dict[str, Callable[[int], list[Record]]] = {
    **{f"narrow_{c}": lambda s, c=c: narrow(c, s) for c in ("en_GB", "de_DE", "fr_FR", "pl_PL")},
    **{f"few_{n}": lambda s, n=n: few(n, s) for n in (20, 100, 450)},
    "unique_10k": lambda seed: few(0, seed, 10_000),
    **{f"households_{c}": lambda s, c=c: households(c, s) for c in ("en_US", "es_ES")},
    **{f"kyc_{c}": lambda s, c=c: kyc(c, s) for c in ("en_US", "it_IT")},
    "plain": lambda seed: noisy(lambda _: {}, seed),
    **{f"yes_no_{n}": lambda s, n=n: noisy(_yes_or_no(n), s) for n in (5, 10)},
    **{f"numbers_{n}": lambda s, n=n: noisy(_numbers(n), s) for n in (6, 12)},
    "yes_no_korean": lambda seed: noisy(_yes_or_no(3), seed, locale="ko_KR", count=3_000),
    "mixed_noise": lambda seed: noisy(_mixed, seed),
    "noise_200": lambda seed: noisy(_yes_or_no(200), seed),
}  # fmt: skip


def table(name: str, seed: int = 11) -> pa.Table:
    """Return a set with its column `truth`, in random order."""
    records: list[Any] = MADE[name](seed)
    random.Random(seed).shuffle(records)
    return pa.Table.from_pylist(records)


def main() -> None:
    """Write sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=[*MADE])
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    for name in options.names:
        parquet.write_table(table(name, options.seed), options.folder / f"{name}.parquet")


if __name__ == "__main__":
    main()

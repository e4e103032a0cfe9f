"""Generate the demo's files: people as four systems of a company record them, errors included.

Usage: python tools/make_demo_data.py src/customer_profiles/cli/data

All data is invented: names come from Faker, e-mail addresses use domains that are reserved for
examples, phone numbers the fictional range 555-01xx. The same seed generates the same files.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from faker import Faker

PEOPLE = 620
HEADER = (
    *("Customer No", "First Name", "Middle Name", "Last Name", "Company", "Gender"),
    *("Birth Date", "E-mail", "Phone", "Mobile", "Street", "City", "State", "ZIP", "Country"),
    *("Loyalty Tier", "Notes"),
)
LOCALES = (("en_US", 70), ("de_DE", 8), ("fr_FR", 8), ("es_ES", 8), ("pl_PL", 6))
AREAS = (*range(202, 300, 5), *range(302, 900, 7))
DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com")
SOURCES = (("CRM", 0.8), ("DESK", 0.35), ("CLUB", 0.3))
BUYERS = 0.4


@dataclass
class Person:
    """A person with correct data, before any system records it."""

    number: int
    first: str
    middle: str
    last: str
    gender: str
    born: tuple[int, int, int]
    email: str
    phone: str
    mobile: str
    street: str
    city: str
    state: str
    zip: str
    country: str
    company: str


def person(number: int, rng: random.Random, fakers: dict[str, Faker]) -> Person:
    """Invent one person."""
    names = fakers[rng.choices([name for name, _ in LOCALES], [n for _, n in LOCALES])[0]]
    home = fakers["en_US"]
    female = rng.random() < 0.5
    first = names.first_name_female() if female else names.first_name_male()
    last = names.last_name()
    if rng.random() < 0.04:
        last = f"{last}-{names.last_name()}"
    ascii_name = "".join(
        letter for letter in f"{first}.{last}".lower() if letter.isascii() and letter not in " '"
    )
    return Person(
        number=number,
        first=first,
        middle=names.first_name() if rng.random() < 0.3 else "",
        last=last,
        gender="FEMALE" if female else "MALE",
        born=(rng.randint(1940, 2005), rng.randint(1, 12), rng.randint(1, 28)),
        email=f"{ascii_name}{number % 97}@{rng.choice(DOMAINS)}",
        phone=f"{rng.choice(AREAS)}555{100 + number % 100:04d}",
        mobile=f"{rng.choice(AREAS)}555{100 + (number * 7) % 100:04d}",
        street=home.street_address().replace("\n", ", "),
        city=home.city(),
        state=home.state_abbr(include_territories=False),
        zip=home.postcode(),
        country="US",
        company=home.company() if rng.random() < 0.15 else "",
    )


def phone(digits: str, rng: random.Random) -> str:
    """Return a phone number in a format that one of the systems uses."""
    area, middle, last = digits[:3], digits[3:6], digits[6:]
    return rng.choice(
        (
            f"+1 {area} {middle} {last}",
            f"({area}) {middle}-{last}",
            f"{area}-{middle}-{last}",
            f"{area}.{middle}.{last}",
            f"+1{digits}",
            f"1-{area}-{middle}-{last}",
            digits,
        )
    )


def born(day: tuple[int, int, int], source: str) -> str:
    """Return a birth date in the format of a system."""
    year, month, date = day
    return f"{date}.{month}.{year}" if source == "CLUB" else f"{year}-{month:02d}-{date:02d}"


def seen(who: Person, source: str, rng: random.Random) -> list[str]:
    """Return the row that a source system has of a person."""

    def maybe(value: str, chance: float) -> str:
        return value if rng.random() < chance else ""

    names = [who.first, maybe(who.middle, 0.7), who.last]
    if source == "DESK":
        names = [name.upper() for name in names]
    elif source == "CLUB" and rng.random() < 0.3:
        names = [f" {name.lower()} " for name in names]
    email = who.email.upper() if rng.random() < 0.1 else who.email
    note = ""
    if source == "DESK" and rng.random() < 0.25:
        note = 'Called about an order.\nSaid: "please call back", not before noon'
    return [
        f"{source}-{who.number:05d}",
        *names,
        maybe(who.company, 0.8),
        maybe(who.gender, 0.5),
        maybe(born(who.born, source), 0.6),
        maybe(email, 0.85 if source != "DESK" else 0.6),
        maybe(phone(who.phone, rng), 0.75),
        maybe(phone(who.mobile, rng), 0.4),
        *(
            [who.street, who.city, who.state, who.zip, who.country]
            if rng.random() < 0.7
            else [""] * 5
        ),
        rng.choice(("gold", "silver", "basic")) if source == "CLUB" else "",
        note,
    ]


def spoiled(rows: list[list[str]], rng: random.Random) -> list[list[str]]:
    """Insert the errors of real files: blank rows, truncated rows and invalid values."""
    for position in sorted(rng.sample(range(len(rows)), 6), reverse=True):
        old = [*rows[position]]
        old[0] += "-OLD"
        broken = (
            [old[0], "x" * 300, *old[2:]],
            old[:4],
            [*old[:5], "unknown", *old[6:]],
            [""] * len(HEADER),
        )[position % 4]
        rows.insert(position, broken)
    return rows


def orders(who: Person, first: int, rng: random.Random) -> list[dict[str, str]]:
    """Return the orders of a person in the web shop, which writes e-mail addresses in small."""
    made = []
    for number in range(rng.choice((1, 1, 1, 2, 2, 3))):
        placed = datetime(2026, 1, 2, 9, tzinfo=UTC) + timedelta(minutes=rng.randrange(400_000))
        made.append(
            {
                "order_id": f"WEB-{first + number:05d}",
                "email": who.email,
                "total": f"{rng.randint(990, 29900) / 100:.2f}",
                "city": who.city,
                "placed_at": placed.isoformat().replace("+00:00", "Z"),
            }
        )
    return made


def main() -> None:
    """Write the files into the folder of the first argument."""
    folder = Path(sys.argv[1])
    rng = random.Random(2026)
    Faker.seed(2026)
    fakers = {name: Faker(name) for name, _ in LOCALES}
    people = [person(number, rng, fakers) for number in range(1, PEOPLE + 1)]
    for source, chance in SOURCES:
        rows = [seen(who, source, rng) for who in people if rng.random() < chance]
        # With a byte-order mark, as spreadsheets write it.
        with (folder / f"{source.lower()}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(HEADER)
            writer.writerows(spoiled(rows, rng))
    made: list[dict[str, str]] = []
    for who in people:
        if rng.random() < BUYERS:
            made += orders(who, len(made) + 1, rng)
    lines = (json.dumps(order, ensure_ascii=False) + "\n" for order in made)
    (folder / "orders.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()

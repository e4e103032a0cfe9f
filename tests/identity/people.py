"""Made-up customers of several languages, with the errors that real sources have."""

from __future__ import annotations

import random

GIVEN = {
    "de": ("Jürgen Günther Käthe Björn Lieselotte", "Uwe Anneliese Dieter Heike Torsten"),
    "es": ("José María Begoña Íñigo Concepción", "Andrés Lucía Joaquín Ángeles Raúl"),
    "pl": ("Łukasz Małgorzata Wojciech Bożena Ewa", "Grzegorz Zofia Michał Agnieszka Paweł"),
    "tr": ("Çağla Ömer Gülşen Şükrü Ayşe", "İbrahim Zeynep Yiğit Fatma Cem"),
    "el": ("Γιώργος Ελένη Δημήτρης Κατερίνα Νίκος", "Μαρία Σταύρος Άννα Κώστας Σοφία"),
    "en": ("Robert William Elizabeth Margaret James", "Katherine Thomas Susan Andrew Helen"),
}
ENDINGS = {
    "de": ("mann", "er", "bach", "stein"),
    "es": ("ez", "ero", "illo", "ales"),
    "pl": ("ski", "czyk", "wicz", "ak"),
    "tr": ("oğlu", "er", "kaya", "demir"),
    "el": ("όπουλος", "ίδης", "άκης", "ιάδης"),
    "en": ("son", "ford", "well", "ham"),
}
SHORT = {"Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Margaret": "Peggy"}
STARTS = ["Bal", "Ker", "Lom", "Nar", "Pet", "Sul", "Tor", "Vik", "Wes", "Zan", "Dor", "Fen", "Gar"]
STARTS_EL = ["Παπ", "Δημ", "Γεω", "Λαμ", "Θεο", "Σταμ", "Φωτ", "Λιβ", "Ψαλ", "Ξεν"]
JUNK_MAIL, JUNK_PHONE = "test@test.com", "000-000-0000"


class Maker:
    """Makes people and their records."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows: list[dict[str, str]] = []
        self.truth: list[int] = []
        self.homes: list[int] = []
        """The household of each person."""
        self._people = 0

    def household(self) -> None:
        """Make the records of one to four people who live together."""
        dice = self.random
        language = dice.choice(list(GIVEN))
        family = self._family(language)
        street = f"{dice.choice(STARTS)}{dice.choice(STARTS).lower()}weg {dice.randrange(1, 200)}"
        town = {
            "City": f"{dice.choice(STARTS)}stadt",
            "PostalCode": f"{dice.randrange(90000):05d}",
        }
        home = self._phone()
        home_number = len(set(self.homes))
        births = [self._birth() for _ in range(dice.choice((1, 1, 2, 3, 4)))]
        given = dice.sample(" ".join(GIVEN[language]).split(), len(births))
        for name, birth in zip(given, births, strict=True):
            person = {"FirstName": name, "LastName": family, "BirthDate": birth,
                      "EmailAddress": f"{dice.choice(STARTS).lower()}{dice.randrange(10**6)}@x.org",
                      "PhoneNumber": dice.choice((home, self._phone())), "Address1": street,
                      **town}  # fmt: skip
            for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
                self.rows.append(self._record(person))
                self.truth.append(self._people)
            self.homes.append(home_number)
            self._people += 1

    def _family(self, language: str) -> str:
        starts = STARTS_EL if language == "el" else STARTS
        middle = self.random.choice(starts).lower() if self.random.random() < 0.7 else ""
        return self.random.choice(starts) + middle + self.random.choice(ENDINGS[language])

    def _birth(self) -> str:
        dice = self.random
        return (
            f"{dice.randrange(1940, 2004)}-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}"
        )

    def _phone(self) -> str:
        return f"+49 {self.random.randrange(150, 180)} {self.random.randrange(10**7):07d}"

    def _record(self, person: dict[str, str]) -> dict[str, str]:
        dice = self.random
        keep = {"FirstName": 0.97, "LastName": 0.97, "BirthDate": 0.5, "EmailAddress": 0.65,
                "PhoneNumber": 0.65, "Address1": 0.5, "City": 0.6, "PostalCode": 0.6}  # fmt: skip
        row = {name: value for name, value in person.items() if dice.random() < keep[name]}
        row = {
            name: self._typo(value) if dice.random() < 0.04 else value
            for name, value in row.items()
        }
        if row.get("FirstName") in SHORT and dice.random() < 0.3:
            row["FirstName"] = SHORT[row["FirstName"]]
        if dice.random() < 0.05:
            row = {name: value.upper() for name, value in row.items()}
        if dice.random() < 0.02 and {"FirstName", "LastName"} <= row.keys():
            row["FirstName"], row["LastName"] = row["LastName"], row["FirstName"]
        if "PhoneNumber" in row and dice.random() < 0.3:
            row["PhoneNumber"] = "0" + row["PhoneNumber"][4:].replace(" ", "/", 1)
        if dice.random() < 0.02:
            row["EmailAddress"] = JUNK_MAIL
        if dice.random() < 0.02:
            row["PhoneNumber"] = JUNK_PHONE
        return row

    def _typo(self, text: str) -> str:
        position = self.random.randrange(len(text))
        return text[:position] + text[position + 1 :] if len(text) > 3 else text


def people(households: int, seed: int = 1) -> tuple[list[dict[str, str]], list[int]]:
    """Return records in a random order, and the number of each record's person."""
    return at_home(households, seed)[:2]


def at_home(households: int, seed: int) -> tuple[list[dict[str, str]], list[int], list[int]]:
    """Return records in a random order, each record's person, and each record's household."""
    maker = Maker(seed)
    for _ in range(households):
        maker.household()
    order = list(range(len(maker.rows)))
    random.Random(seed).shuffle(order)
    rows = [maker.rows[row] | {"ProfileId": f"p{number}"} for number, row in enumerate(order)]
    truth = [maker.truth[row] for row in order]
    return rows, truth, [maker.homes[person] for person in truth]

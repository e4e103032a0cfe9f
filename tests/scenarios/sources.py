"""What source systems send: customers who come again in other spellings, and all sorts of gaps.

Everything is drawn from a seed, so that a run repeats.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass

FIRST = ("Ada", "Grace", "Élodie", "Ngozi", "José", "Mei-Ling", "Åsa", "Olu", "Zoë", "Mary Jane")
LAST = ("King", "O'Neill", "García Márquez", "Nguyễn", "Sørensen", "van der Berg", "李", "Smith")
WORDS = (
    "ACTIVE",
    "gold",
    "Window",
    "Zürich",
    "SEA",
    "B738",
    "N",
    "late arrival",
    "東京 ✈",
    "a&b<c>",
)
BROKEN = ("not JSON", "[1, 2]", '"text"', '{"LoyaltyId": ', "null", "17")
NUMBER = re.compile(r"Price|Amount|Count$|Capacity|^Number|Points|Miles|Percent|Charge|Guests$")
TIME = re.compile(r"Date$|On$|LastUpdated$|Time$")
TRUTH = re.compile(r"^Is|OptIn$|Early|Late[CA]|Proximity|Wheelchair|Animal|Allowed|Refundable|Has")
# Values of these are keys, and a search takes at most 255 characters.
SHORT = re.compile(r"Id$|PNR|Ref$|ConfirmationNumber|Name$|Phone|Email")


@dataclass(frozen=True)
class Person:
    """A customer, with the loyalty numbers that systems know the customer by."""

    first: str
    middle: str
    last: str
    phone: str
    email: str
    memberships: tuple


@dataclass(frozen=True)
class Create:
    """Someone creates a profile by hand, with values and with values of the LoyaltyId key."""

    fields: dict
    keys: tuple


@dataclass(frozen=True)
class AddKey:
    """Someone gives the profile of a loyalty number another one."""

    holder: str
    value: str


@dataclass(frozen=True)
class Update:
    """Someone changes the profile of a loyalty number."""

    holder: str
    fields: dict


@dataclass(frozen=True)
class Put:
    """A system sends objects of its type."""

    type: str
    items: tuple


class Sources:
    """Systems that send objects of some types about the same customers."""

    def __init__(self, definitions, seed):
        self.random = random.Random(seed)
        self.definitions = definitions
        self.people = [self._person(number) for number in range(120)]
        self.owners = {one: person for person in self.people for one in person.memberships}
        self.loyalty = sorted(self.owners)
        self.codes = [f"{self.random.randrange(36**5):05X}" for _ in range(200)]
        self.sent = {name: [] for name in definitions}
        self.last_id = 5_000

    def steps(self, count):
        """Give what happens: people at work by hand, and `count` objects of each type."""
        creating = all(one["AllowProfileCreation"] for one in self.definitions.values())
        # Where objects may not make profiles, most customers have one by hand.
        known = len(self.loyalty) // (8 if creating else 2)
        shared, *numbers = self.random.sample(self.loyalty, known)
        for position, number in enumerate(numbers):
            # One loyalty number is known of two profiles, so that it leads nowhere.
            yield self._create(number, *([shared] if position < 2 else []))
        left = {name: self._objects(name, count) for name in self.definitions}
        while left:
            name = self.random.choice(sorted(left))
            size = self.random.randint(1, 30)
            yield Put(name, tuple(left[name][:size]))
            left[name] = left[name][size:]
            if not left[name]:
                del left[name]
            if self._chance(0.15):
                yield self._work()

    # --- by hand ---

    def _create(self, number, *others):
        person = self.owners[number]
        fields = {"first_name": person.first, "last_name": person.last}
        more = {
            "email_address": self._email(person),
            "phone_number": str(self._phone(person)),
            "gender": "UNSPECIFIED",
            "account_number": number,
            "attributes": {"PhoneCountryCode": "+1", "Tier": "by hand"},
        }
        fields |= {name: value for name, value in more.items() if self._chance(0.3)}
        return Create(fields, (number, *others))

    def _work(self):
        holder = self.random.choice(self.loyalty)
        if self._chance(0.3):
            return AddKey(holder, self.random.choice(self.loyalty))
        fields = {"last_name": "By-Hand", "address": {"city": "Oslo"}, "birth_date": "1970-01-01"}
        name = self.random.choice(sorted(fields))
        return Update(holder, {name: fields[name]})

    # --- objects ---

    def _objects(self, name, count):
        """Give objects of a type, and some texts that are none."""
        items = []
        for _ in range(count):
            made = self._object(name)
            self.sent[name].append(made)
            # In texts, some numbers are such as 1.50.
            text = re.sub(r"(?<=\.\d)(?=[,\n])", "0", json.dumps(made, indent=1))
            items.append(text if self._chance(0.3) else made)
        for broken in BROKEN:
            items.insert(self.random.randrange(len(items)), broken)
        # More bytes than characters: only the service sees that it is too large.
        own = self._own_member(name)
        large = {**self._object(name), own: self._value(name, own, self.loyalty[0])}
        large["Memo"] = "é" * 130_000
        items.insert(self.random.randrange(len(items)), large)
        return items

    def _object(self, name):
        earlier = self.sent[name]
        if earlier and self._chance(0.25):
            return self._again(name, dict(self.random.choice(earlier)))
        number = self.random.choice(self.loyalty)
        made = {member: self._value(name, member, number) for member in self._members(name)}
        for member in list(made):
            self._spoil(made, member)
        made["SourceSystem"] = {"name": "legacy", "batch": [1, 2, None]}
        return made

    def _again(self, name, made):
        """Give an object that was sent before, as it was or changed."""
        own = self._own_member(name)
        if isinstance(made.get(own), int):
            made[own] = str(made[own])
        elif isinstance(made.get(own), str) and made[own].isdecimal() and self._chance(0.5):
            made[own] = int(made[own])
        if self._chance(0.4):
            return made
        number = self.random.choice(self.loyalty)
        members = [member for member in self._members(name) if member != own]
        for member in self.random.sample(members, self.random.randint(1, 8)):
            if member not in ("LoyaltyId", "GuestId") or self._chance(0.5):
                made[member] = self._value(name, member, number)
                self._spoil(made, member)
        return made

    def _members(self, name):
        fields = self.definitions[name]["Fields"].values()
        return list(dict.fromkeys(item["Source"].removeprefix("_source.") for item in fields))

    def _own_member(self, name):
        definition = self.definitions[name]
        for variants in definition["Keys"].values():
            if "UNIQUE" in variants[0].get("StandardIdentifiers", ()):
                source = definition["Fields"][variants[0]["FieldNames"][0]]["Source"]
                return source.removeprefix("_source.")
        raise LookupError(name)

    def _spoil(self, made, member):
        dice = self.random.random()
        if dice < 0.05:
            made.pop(member, None)
        elif dice < 0.09:
            made[member] = self.random.choice([None, "", None, "", "  "])
        elif dice < 0.1 and not SHORT.search(member):
            made[member] = self.random.choice(["x" * 300, [], {}, ["a", 1], {"de": "ü"}, " pad "])

    def _value(self, name, member, number):  # noqa: PLR0911
        person, pick = self.owners[number], self.random.choice
        match member:
            case "LoyaltyId" | "GuestId":
                return self._membership(number)
            case "SegmentId" if self._chance(0.1):
                return pick([one.get(member) for one in self.sent[name]] or ["none yet"])
            case _ if member in ("SegmentId", self._own_member(name)):
                self.last_id += 1
                return pick([self.last_id, str(self.last_id), f"{name[:2]}-{self.last_id}"])
            case "PNR" | "ConfirmationNumber" | "ReferenceId" | "PreferenceRef":
                return pick(self.codes)
            case "FirstName" | "MiddleName" | "LastName":
                spelled = {"F": person.first, "M": person.middle, "L": person.last}[member[0]]
                return pick([spelled, spelled.upper(), spelled.lower(), f" {spelled}  "])
            case "Email" | "ContactDetailEmail":
                return self._email(person)
            case "Phone" | "PhoneNumber" | "ContactDetailPhone":
                return self._phone(person)
            case "Gender":
                return pick(["MALE", "female", "Unspecified", "X", "non-binary", "f"])
        return self._plain(member)

    def _plain(self, member):
        pick = self.random.choice
        if TIME.search(member):
            return f"202{pick('0123')}-0{pick('123456789')}-1{pick('0123456789')}T08:00:00Z"
        if TRUTH.search(member):
            return pick([True, False, "Y", "false", 0, 1])
        if NUMBER.search(member):
            number = self.random.randrange(100_000)
            return pick(
                [number, number / 100, str(number), f"{number / 100:.2f}", 0, "0", 1e22, -7, 2**70]
            )
        return pick(WORDS)

    # --- customers and their spellings ---

    def _person(self, number):
        first, last = self.random.choice(FIRST), self.random.choice(LAST)
        middle = self.random.choice(["", "B.", "von"])
        phone = f"206555{1000 + number // 2}" if number % 9 else f"+44 20 7946 {1000 + number}"
        ids = (f"LOY-{number:04}", f"loy-{number:04}", f"7{number:05}")
        memberships = ids[: self.random.randint(1, 3)] if number % 2 else ids[2:]
        email = f"c{number}@example.com"
        return Person(first, middle, last, phone, email, memberships)

    def _membership(self, number):
        # Numbers come as numbers and as text.
        return int(number) if number.isdecimal() and self._chance(0.4) else number

    def _email(self, person):
        spelled = person.email
        return self.random.choice([spelled, spelled.upper(), spelled.title(), f" {spelled} "])

    def _phone(self, person):
        if person.phone.startswith("+"):
            return self.random.choice([person.phone, person.phone.replace(" ", "")])
        area, office, line = person.phone[:3], person.phone[3:6], person.phone[6:]
        spellings = (
            person.phone,
            int(person.phone),
            f"({area}) {office}-{line}",
            f"+1 {area} {office} {line}",
            f"+1{person.phone}",
            f"1-{area}-{office}-{line}",
            f"{area}.{office}.{line} ext. 7",
            "unknown",
        )
        return self.random.choice(spellings)

    def _chance(self, probability):
        return self.random.random() < probability

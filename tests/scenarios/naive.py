"""Ingestion as the service's documentation tells it, in the plainest way: dicts and loops.

It shares nothing with the engine, so that one error cannot be in both. It knows what the published
mappings use and refuses others: they have no arrays, no templates, no content type but STRING, no
SourcePriority and no field for `_profile.SourceLastUpdatedTimestamp`. So a key value is compared
as it stands, an object's time is when it came, and of two objects the one that came last wins.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

# AG:enable-customer-profiles has these messages of the dead-letter queue.
AMBIGUOUS = "All keys of this object are binding to more than one profiles"
TOO_LARGE = "Your data contains profile object larger than 256000 bytes"
# AG:profile-matching has the rule; the words are assumed, as in ingestion/intake.py.
NO_PROFILE = "No profile matches the object and AllowProfileCreation is false"
MOST_BYTES = 250 * 1024

# AG:standard-objects: what ties an object to a standard object, that one's own id, and the
# search indexes that it has by itself.
STANDARD = {
    "_airBooking": ("AIR_BOOKING", "BookingId", {"_airPreferenceRef": "PreferenceRef"}),
    "_airSegment": ("AIR_SEGMENT", "SegmentId", {"_airBookingRef": "BookingRef"}),
    "_airPreference": ("AIR_PREFERENCE", "PreferenceId", {"_airReferenceId": "ReferenceId"}),
    "_loyalty": ("LOYALTY", "LoyaltyId", {"_loyaltyMembershipId": "MembershipId"}),
    "_hotelReservation": (
        "HOTEL_RESERVATION",
        "ReservationId",
        {"_hotelPreferenceRef": "PreferenceRef"},
    ),
    "_hotelPreference": (
        "HOTEL_PREFERENCE",
        "PreferenceId",
        {"_hotelReferenceId": "ReferenceId"},
    ),
    "_hotelStayRevenue": ("HOTEL_STAY_REVENUE", "StayRevenueId", {}),
}
LISTS = {("_airSegment", "Baggage")}
# The service's model: a profile's texts, parts of addresses and attributes are this long at most.
LONGEST = 255
GENDERS = ("MALE", "FEMALE", "UNSPECIFIED")
PHONES = ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber")
EMAILS = ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")
NAMES = ("FirstName", "MiddleName", "LastName")


@dataclass(eq=False)
class NaiveProfile:
    """A profile: its values by their paths, those set by hand, and the keys added by hand."""

    id: str | None = None
    values: dict = field(default_factory=dict)
    by_hand: set = field(default_factory=set)
    added: set = field(default_factory=set)


@dataclass(eq=False)
class NaiveObject:
    """An object of another system, as it came last."""

    type: str
    unique: str
    data: dict
    profile: NaiveProfile
    keys: set = field(default_factory=set)


@dataclass(eq=False)
class NaiveStandard:
    """A standard object, and what it is found by."""

    name: str
    identities: set
    profile: NaiveProfile
    values: dict = field(default_factory=dict)


class Rejected(Exception):  # noqa: N818
    """An object that goes to the dead letters."""


class Model:
    """A domain."""

    def __init__(self):
        self.types = {}
        self.profiles = []
        self.objects = {}
        self.standards = []
        self.letters = []
        self.seen = set()
        """The search keys that ever came, as they were spelled; not all of them still find."""

    def put_type(self, definition):
        for item in definition["Fields"].values():
            assert re.fullmatch(r"_source\.\w+", item["Source"]), item
            assert item.get("ContentType", "STRING") == "STRING", item
            assert not item.get("Target", "").endswith("SourceLastUpdatedTimestamp"), item
        for name, variants in definition["Keys"].items():
            known = {"UNIQUE", "PROFILE", *(identifier for identifier, *_ in STANDARD.values())}
            assert not name.startswith("_"), name
            assert all(known.issuperset(one.get("StandardIdentifiers", ())) for one in variants)
        assert "SourcePriority" not in definition
        self.types[definition["ObjectTypeName"]] = definition

    # --- by hand ---

    def create(self, profile_id, values):
        profile = NaiveProfile(profile_id)
        self.profiles.append(profile)
        self.update(profile, values)
        return profile

    def update(self, profile, values):
        profile.values |= values
        profile.by_hand |= values.keys()
        self.seen |= spelled_keys(values)

    def add_key(self, profile, name, *values):
        profile.added |= {(name, value) for value in values}
        self.seen |= profile.added

    # --- ingestion ---

    def put(self, type_name, text):
        """Ingest an object; give its unique value, or None if it is refused at once."""
        definition = self.types[type_name]
        data = read_json(text)
        if data is None:
            return None
        values = {
            name: text_of(data.get(item["Source"].removeprefix("_source.")))
            for name, item in definition["Fields"].items()
        }
        keys = keys_of(definition, values)
        self.seen |= {(name, value) for name, value, _ in keys}
        unique = next((value for _, value, named in keys if "UNIQUE" in named), None)
        if unique is None or not any("PROFILE" in named for _, _, named in keys):
            # PutProfileObject's own error, as the service was seen to answer.
            return None
        try:
            check_size(text)
            thing = NaiveObject(type_name, unique, data, self._profile(definition, unique, keys))
        except Rejected as reason:
            self.letters.append((type_name, str(reason), data))
        else:
            self._write(thing, keys, targeted(definition, values))
        return unique

    def _profile(self, definition, unique, keys):
        """Find or make the profile of an object."""
        profile = self._resolved(keys)
        earlier = self.objects.get((definition["ObjectTypeName"], unique))
        if profile is None and earlier is not None:
            # Assumed in ingestion/intake.py: it stays where it is if its keys lead nowhere.
            profile = earlier.profile
        if profile is None:
            if not definition["AllowProfileCreation"]:
                raise Rejected(NO_PROFILE)
            profile = NaiveProfile()
            self.profiles.append(profile)
        return profile

    def _write(self, thing, keys, filled):
        # AG:how-object-type-mapping-works: the object is replaced, standard objects accumulate.
        # Assumed in operations/profile_objects.py: objects are listed as they first came.
        self.objects[thing.type, thing.unique] = thing
        thing.keys = {(name, value) for name, value, _ in keys}
        for name, values in filled.items():
            if name != "_profile":
                self._fill(name, thing, keys, values)
                continue
            # AG:profile-matching: what was set by hand stays.
            profile = thing.profile
            kept = {path: it for path, it in values.items() if path not in profile.by_hand}
            profile.values |= kept
            self.seen |= spelled_keys(values) | spelled_keys(profile.values)

    def _resolved(self, keys):
        """AG:profile-matching; no published mapping has SECONDARY keys."""
        found = [self.holders(name, value) for name, value, named in keys if "PROFILE" in named]
        for holders in found:
            if len(holders) == 1:
                return holders[0]
        if all(len(holders) > 1 for holders in found):
            raise Rejected(AMBIGUOUS)
        return None

    def holders(self, name, value):
        """Give the profiles that hold a key which object types declare."""
        key = (name, value)
        found = [one for one in self.profiles if key in one.added]
        for thing in self.objects.values():
            if key in thing.keys and thing.profile not in found:
                found.append(thing.profile)
        return found

    def _fill(self, name, thing, keys, filled):
        identifier = STANDARD[name][0]
        identities = {(key, value) for key, value, named in keys if identifier in named}
        # Assumed in ingestion/intake.py: one that no key identifies is that of the object itself.
        identities = identities or {(thing.type, None, thing.unique)}
        found = [one for one in self.standards if one.name == name and one.identities & identities]
        # AG:examples-object-type-mappings: several are rejected. A published mapping has one key
        # for each standard object, which finds one at the most.
        assert len(found) <= 1
        if not found:
            found = [NaiveStandard(name, identities, thing.profile)]
            self.standards += found
        found[0].values |= filled
        self.seen |= default_keys(name, filled)
        # Assumed in ingestion/intake.py: it belongs to the profile of what filled it last.
        found[0].profile = thing.profile

    # --- what came out ---

    def index(self):
        """Give the profiles that each search key finds, but for ids, which the service makes."""
        index = {}
        for profile in self.profiles:
            for key in profile.added | own_keys(profile.values):
                index.setdefault(key, set()).add(profile)
        for thing in self.objects.values():
            for key in thing.keys:
                index.setdefault(key, set()).add(thing.profile)
        for one in self.standards:
            for key in default_keys(one.name, one.values):
                index.setdefault(key, set()).add(one.profile)
        return index


def read_json(text):
    """Give a JSON object; None for anything else."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def check_size(text):
    """AG:amazon-connect-service-limits: 250 KB."""
    if len(text.encode()) > MOST_BYTES:
        raise Rejected(TOO_LARGE)


def text_of(value):
    """Give a value as text; None if it is empty."""
    # AG:mapping-field-definitions: what is missing is empty, and what is empty is absent.
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        # Assumed in ingestion/values.py: the JSON text.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Assumed in ingestion/values.py: a number's shortest spelling.
    return str(value)


def keys_of(definition, values):
    """Give name, value and identifiers of the keys whose fields all have a value."""
    keys = []
    for name, variants in definition["Keys"].items():
        for variant in variants:
            parts = [values[part] for part in variant["FieldNames"]]
            if all(parts):
                # AG:examples-object-type-mappings: STRING is exact.
                keys.append((name, " ".join(parts), set(variant.get("StandardIdentifiers", ()))))
    return keys


def targeted(definition, values):
    """Give the values by the standard object and the path that they are for."""
    filled = {}
    for name, item in definition["Fields"].items():
        value, target = values[name], item.get("Target")
        if value is None or target is None:
            continue
        standard, first, *rest = target.split(".")
        path = (first, *rest)
        if standard == "_profile":
            value = value[:LONGEST]
        if first == "Attributes":
            path = (first, ".".join(rest))
        elif (standard, first) in LISTS:
            # Assumed in ingestion/standard.py: a list's member without [] means the same.
            path, value = (first,), [{rest[0]: value}]
        elif (standard, first) == ("_profile", "Gender"):
            # Assumed in ingestion/targets.py: in any case; what does not exist is a GenderString.
            gender = value.strip().upper()
            path, value = (first,), gender
            if gender not in GENDERS:
                path, value = ("GenderString",), values[name][:LONGEST]
        # Assumed in ingestion/mapping.py: of several fields with one target the last one wins.
        filled.setdefault(standard, {})[path] = value
    return filled


def default_keys(name, values):
    """Give the keys that a standard object has by itself, but for its id."""
    indexes = STANDARD[name][2].items()
    return {(key, values[member,]) for key, member in indexes if (member,) in values}


def spelled_keys(values):
    """Give the keys of a profile's own fields. AG:standard-profile-definition."""
    keys = {("_phone", values[name,]) for name in PHONES if (name,) in values}
    keys |= {("_email", values[name,]) for name in EMAILS if (name,) in values}
    if ("AccountNumber",) in values:
        keys.add(("_account", values["AccountNumber",]))
    names = [values[name,] for name in NAMES if (name,) in values]
    return keys | {("_fullName", " ".join(names))} if names else keys


def own_keys(values):
    """Give the keys of a profile's own fields, each as all its spellings are compared."""
    keys = {(name, normal(name, value)) for name, value in spelled_keys(values)}
    return {(name, value) for name, value in keys if value}


def normal(name, value):
    """Give a value of a search key as all its spellings are compared."""
    match name:
        case "_phone":
            return phone(value)
        case "_email":
            return email(value)
        case "_fullName":
            return words(value)
    return value


def email(value):
    """AG:mapping-field-definitions: in any case; the white space around is assumed not to count."""
    return value.strip().lower()


def words(value):
    """AG:examples-object-type-mappings: in any case and with any white space."""
    return re.sub(r"\s+", " ", value).strip().lower()


def phone(value):
    """AG:mapping-field-definitions: the country code is optional, punctuation is ignored."""
    value, _, extension = value.lower().partition("ext")
    digits = re.sub(r"\D", "", value)
    if not digits:
        # Assumed in profiles/keys.py: what has no digits is compared by its letters.
        return value.strip()
    # Assumed in profiles/keys.py: no country code is part of the key; an extension is.
    if value.strip().startswith("+44"):
        digits = digits.removeprefix("44")
    elif value.strip().startswith("+1") or len(digits) == len("12065550100"):
        digits = digits.removeprefix("1")
    inner = re.sub(r"\D", "", extension)
    return f"{digits}x{inner}" if inner else digits


def nested(values):
    """Give values as JSON has them."""
    made = {}
    for path, value in values.items():
        inner = made
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return made

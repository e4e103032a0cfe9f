"""Calculated attributes and segments as the service's documentation has them, in the plainest way.

Functions over dicts, one profile and one object at a time, and nothing shared with the engine, so
that one error cannot be in both. A profile is what BatchGetProfile answers; an object is a `Thing`.
Times are epoch seconds. A definition and a segment are the requests that created them, in the API's
own JSON; `Definition` adds when that was.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

DAY = 86_400
MOST_RECENT = 100
LONGEST_VALUE = 255
MOST_CONDITIONS, MOST_CALCULATED, DEEPEST = 60, 10, 5
AVERAGE_PLACES = Decimal("1e-10")
# An epoch of fewer digits is in seconds, one of more in milliseconds.
FIRST_MILLISECONDS = 100_000_000_000

MEMBERS = [
    *("AccountNumber", "AdditionalInformation", "PartyType", "BusinessName", "FirstName"),
    *("MiddleName", "LastName", "BirthDate", "Gender", "PhoneNumber", "MobilePhoneNumber"),
    *("HomePhoneNumber", "BusinessPhoneNumber", "EmailAddress", "PersonalEmailAddress"),
    *("BusinessEmailAddress", "Address", "ShippingAddress", "MailingAddress", "BillingAddress"),
    *("PartyTypeString", "GenderString", "ProfileType"),
]
"""The members of a profile in the order of the service's model, without maps."""
ADDRESS = [
    *("Address1", "Address2", "Address3", "Address4", "City", "County", "State", "Province"),
    *("Country", "PostalCode"),
]


@dataclass(eq=False)
class Thing:
    """An object of a profile: its content, and when it was put last."""

    type: str
    data: dict
    ingested: float
    number: int = 0
    """The order of ingestion."""
    fields: dict = field(default_factory=dict)
    """The paths in the content by the names of the type's fields."""


@dataclass(eq=False)
class Definition:
    """A calculated attribute: the request that created it, as updates left it, and its times."""

    request: dict
    created: float
    covers_from: float = float("-inf")

    def __post_init__(self):
        window = window_of(self.request, self.created)
        if self.request.get("UseHistoricalData") and window:
            self.covers_from = window[0]

    def update(self, **members):
        """Apply what UpdateCalculatedAttributeDefinition may change."""
        conditions = self.request.get("Conditions", {}) | members.pop("Conditions", {})
        self.request = self.request | members | ({"Conditions": conditions} if conditions else {})


# --- values ---


def text_of(value):
    """Return the text of a JSON value; None for an empty text, null, a list and an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain(Decimal(str(value)))
    return value or None if isinstance(value, str) else None


def follow(data, path):
    """Return the value at a path; names may have dots."""
    if not isinstance(data, dict):
        return None
    if path in data:
        return data[path]
    for position, letter in enumerate(path):
        if letter == "." and path[:position] in data:
            return follow(data[path[:position]], path[position + 1 :])
    return None


def number(text):
    """Return the number that a text is, or None."""
    is_number = re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text or "")
    return Decimal(text) if is_number else None


def instant(text):
    """Return the epoch seconds of a date, a moment or an epoch, or None."""
    if re.fullmatch(r"-?[0-9]+", text or ""):
        return int(text) / (1 if abs(int(text)) < FIRST_MILLISECONDS else 1000)
    if not re.fullmatch(
        r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", text or "", re.ASCII
    ):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def plain(amount):
    """Return the shortest text of a number, without an exponent."""
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


# --- operators ---


def compare(operator, value, values, *, is_date=False):  # noqa: C901, PLR0911, PLR0912
    """Return whether a text, or None for none, satisfies a condition."""
    value = value or None
    match operator:
        case "INCLUSIVE":
            return value in values and value is not None
        case "EXCLUSIVE":
            return value not in values or value is None
        case "CONTAINS":
            return value is not None and any(each in value for each in values)
        case "BEGINS_WITH":
            return value is not None and any(value.startswith(each) for each in values)
        case "ENDS_WITH":
            return value is not None and any(value.endswith(each) for each in values)
        case "LIST_CONTAINS" | "LIST_CONTAINS_ALL":
            found = [each in elements(value) for each in values]
            return any(found) if operator == "LIST_CONTAINS" else bool(found) and all(found)
        case "BETWEEN" | "NOT_BETWEEN":
            return between(operator == "BETWEEN", value, values, is_date=is_date)
        case "BEFORE" | "AFTER" | "ON":
            own, others = instant(value), [instant(each) for each in values]
        case _:
            own, others = number(value), [number(each) for each in values]
    if own is None:
        return False
    others = [other for other in others if other is not None]
    match operator:
        case "BEFORE" | "LESS_THAN":
            return any(own < other for other in others)
        case "AFTER" | "GREATER_THAN":
            return any(own > other for other in others)
        case "LESS_THAN_OR_EQUAL":
            return any(own <= other for other in others)
        case "GREATER_THAN_OR_EQUAL":
            return any(own >= other for other in others)
        case "EQUAL":
            return any(own == other for other in others)
        case "ON":
            return any(own // DAY == other // DAY for other in others)
    raise AssertionError(operator)


def between(is_inside, value, bounds, *, is_date):
    """Return whether a readable value is, or is not, from the first bound to the second."""
    if len(bounds) != 2 or None in bounds:
        return False
    as_numbers = not is_date and None not in [number(bound) for bound in bounds]
    own, low, high = [(number if as_numbers else instant)(each) for each in (value, *bounds)]
    if None in (own, low, high):
        return False
    return (low <= own <= high) is is_inside


def elements(value):
    """Return the texts of a JSON array, none for any other text."""
    try:
        found = json.loads(value or "")
    except ValueError:
        return []
    return [text_of(each) for each in found] if isinstance(found, list) else []


def combine(kind, results):
    """Combine results by ALL, ANY or NONE."""
    results = list(results)
    if kind == "ALL":
        return all(results)
    return any(results) if kind == "ANY" else not any(results)


# --- calculated attributes ---


def window_of(request, now, override=None):
    """Return from when to when objects count, and whether the start itself does; None for always.

    The sizes are those of a definition's range, or of the range that replaces it.
    """
    spans = (request.get("Conditions") or {}).get("Range") or {}
    span = (override or {}).get("Range") or spans.get("ValueRange")
    if span:
        return now - span["Start"] * DAY, now - span.get("End", 0) * DAY, True
    if spans.get("Value"):
        return now - spans["Value"] * DAY, now, False
    return None


def attribute_of(thing, name):
    """Return the text that a name of an expression or a filter stands for."""
    return text_of(follow(thing.data, thing.fields.get(name, name)))


def time_of(request, thing):
    """Return when an object happened, None if it does not tell."""
    spans = (request.get("Conditions") or {}).get("Range") or {}
    if "TimestampSource" not in spans:
        return thing.ingested
    path = spans["TimestampSource"].strip("{}").split(".", 1)[1]
    found = follow(thing.data, path)
    if found is None:
        found = follow(thing.data, thing.fields.get(path, path))
    text = text_of(found)
    is_epoch = re.fullmatch(r"-?[0-9]+", text or "") is not None
    if "TimestampFormat" in spans and is_epoch != (spans["TimestampFormat"] == "EPOCHMILLI"):
        return None
    return instant(text)


def operand(text):
    """Return the number of an arithmetic expression's item: a moment is its milliseconds."""
    if number(text) is None and instant(text) is not None:
        return Decimal(str(instant(text))) * 1000
    return number(text)


def evaluate(expression, thing):
    """Return the text that an expression has for an object, or None."""
    items = re.split(r"\s*(\{[^}]*\})\s*", expression.strip())
    names, operators = [item[1:-1].split(".", 1)[1] for item in items[1::2]], items[2:-1:2]
    texts = [attribute_of(thing, name) for name in names]
    if not operators:
        return texts[0]
    values = [operand(text) for text in texts]
    if None in values:
        return None
    terms = [("+", values[0])]
    for operator, value in zip(operators, values[1:], strict=True):
        if operator in "+-":
            terms.append((operator, value))
        elif operator == "/" and value == 0:
            return None
        else:
            sign, term = terms[-1]
            terms[-1] = sign, term * value if operator == "*" else term / value
    return plain(sum((term if sign == "+" else -term for sign, term in terms), Decimal(0)))


def passes(conditions, thing):
    """Return whether an object passes a definition's filter."""
    if not conditions:
        return True
    return combine(
        conditions["Include"],
        (
            combine(
                group["Type"],
                (
                    all(
                        compare(asked["DimensionType"], attribute_of(thing, name), asked["Values"])
                        for name, asked in dimension["Attributes"].items()
                    )
                    for dimension in group["Dimensions"]
                ),
            )
            for group in conditions["Groups"]
        ),
    )


def counted(definition, things, now, override=None):
    """Return the objects that count for a definition, with their times, the earliest first."""
    request = definition.request
    wanted = request["AttributeDetails"]["Expression"].strip("{").split(".", 1)[0]
    window = window_of(request, now, override)
    found = []
    for thing in things:
        moment = time_of(request, thing)
        if thing.type != wanted or moment is None or moment < definition.covers_from:
            continue
        if thing.ingested < definition.created and not request.get("UseHistoricalData"):
            continue
        if window is not None:
            start, end, has_start = window
            if not (start < moment <= end or (has_start and moment == start)):
                continue
        if passes(request.get("Filter"), thing):
            found.append((moment, thing))
    found.sort(key=lambda pair: (pair[0], pair[1].ingested, pair[1].number))
    count = (request.get("Conditions") or {}).get("ObjectCount")
    return found[-count:] if count else found


def statistic(name, texts, count):  # noqa: C901, PLR0911
    """Return the text of a statistic over the values, the earliest first, or None."""
    if name in ("SUM", "AVERAGE", "MINIMUM", "MAXIMUM"):
        numbers = [number(text) for text in texts if number(text) is not None]
        if not numbers:
            return None
        match name:
            case "SUM":
                return plain(sum(numbers))
            case "AVERAGE":
                return plain((sum(numbers) / len(numbers)).quantize(AVERAGE_PLACES))
            case "MINIMUM":
                return plain(min(numbers))
        return plain(max(numbers))
    if not texts:
        return None
    match name:
        case "COUNT":
            return str(len(texts))
        case "FIRST_OCCURRENCE":
            return texts[0]
        case "LAST_OCCURRENCE":
            return texts[-1]
        case "MAX_OCCURRENCE":
            most = max(Counter(texts).values())
            return next(text for text in reversed(texts) if texts.count(text) == most)
        case "RECENT_OCCURRENCES":
            newest = texts[::-1][: count or MOST_RECENT]
            # As many as a value has room for, so that it stays readable.
            while len(text := json.dumps(newest, separators=(",", ":"))) > LONGEST_VALUE:
                newest = newest[:-1]
            return text
    raise AssertionError(name)


def value_of(definition, things, now, override=None):
    """Return what Get answers of a profile's attribute: Value, time of the last object, partial.

    What is absent from the answer is None.
    """
    request = definition.request
    conditions = request.get("Conditions") or {}
    count, threshold = conditions.get("ObjectCount"), conditions.get("Threshold")
    found = counted(definition, things, now, override)
    values = [
        (moment, text)
        for moment, thing in found
        if (text := evaluate(request["AttributeDetails"]["Expression"], thing)) is not None
    ]
    if request["Statistic"] in ("SUM", "AVERAGE", "MINIMUM", "MAXIMUM"):
        values = [(moment, text) for moment, text in values if number(text) is not None]
    text = statistic(request["Statistic"], [text for _, text in values], count)
    if text is not None:
        text = text[:LONGEST_VALUE]
        if threshold:
            text = "true" if exceeds(text, threshold) else "false"
    window = window_of(request, now, override)
    is_full = count is not None and len(found) >= count
    if window is None:
        has_passed = count is None
    else:
        has_passed = now - definition.created >= window[1] - window[0]
    return {
        "Value": text,
        "IsDataPartial": "false" if is_full or has_passed else "true",
        "LastObjectTimestamp": values[-1][0] if values else None,
    }


def exceeds(text, threshold):
    """Return whether a value satisfies a threshold: as numbers if both are, else as texts."""
    own, other = number(text), number(threshold["Value"])
    if own is None or other is None:
        own, other = text, threshold["Value"]
    return {
        "EQUAL_TO": own == other,
        "NOT_EQUAL_TO": own != other,
        "GREATER_THAN": own > other,
        "LESS_THAN": own < other,
    }[threshold["Operator"]]


# --- segments ---


class Audiences:
    """The profiles of a domain with their objects, its calculated attributes and its segments."""

    def __init__(self, profiles, things=None, definitions=None, segments=None, now=0.0):
        self.profiles = {profile["ProfileId"]: profile for profile in profiles}
        self.things = things or {}
        self.definitions = definitions or {}
        self.segments = segments or {}
        self.now = now

    def calculated(self, profile_id, name, override=None):
        """Return a calculated attribute's value for a profile, or None."""
        things = self.things.get(profile_id, [])
        return value_of(self.definitions[name], things, self.now, override)["Value"]

    def attribute(self, profile_id, name):
        """Return what a name such as `LastName` or `Address.City` stands for, or None."""
        return text_of(follow(self.profiles[profile_id], name))

    def members(self, groups):
        """Return the ids of the profiles in groups, in the order of ids."""
        return sorted(
            profile_id for profile_id in self.profiles if self.is_member(profile_id, groups)
        )

    def is_member(self, profile_id, groups):
        """Return whether a profile is in `SegmentGroups`."""
        own = groups.get("Groups") or []
        return not own or combine(
            groups.get("Include", "ALL"), [self.is_in_group(profile_id, group) for group in own]
        )

    def is_in_group(self, profile_id, group):
        """Return whether a profile is in one of the groups of a segment."""
        sources, dimensions = group.get("SourceSegments") or [], group.get("Dimensions") or []
        names = [source["SegmentDefinitionName"] for source in sources]
        if names and not combine(
            group.get("SourceType", "ANY"),
            [self.is_member(profile_id, self.segments[name]["SegmentGroups"]) for name in names],
        ):
            return False
        results = [self.fits(profile_id, dimension) for dimension in dimensions]
        return not results or combine(group.get("Type", "ALL"), results)

    def fits(self, profile_id, dimension):
        """Return whether a profile satisfies all conditions of a dimension."""
        calculated = dimension.get("CalculatedAttributes", {})
        return all(
            compare(
                asked["DimensionType"],
                self.attribute(profile_id, name),
                self.resolved(profile_id, asked),
                is_date=name == "BirthDate",
            )
            for name, asked in flat(dimension.get("ProfileAttributes", {}))
        ) and all(
            compare(
                asked["DimensionType"],
                self.calculated(profile_id, name, asked.get("ConditionOverrides")),
                self.resolved(profile_id, asked),
            )
            for name, asked in calculated.items()
        )

    def resolved(self, profile_id, asked):
        """Return a condition's values with references replaced by this profile's own values."""
        values = []
        for value in asked["Values"]:
            reference = re.fullmatch(r"\{\{(_profile|_calculated_attribute)\.(.+)\}\}", value)
            if reference is None:
                values.append(value)
            elif reference[1] == "_profile":
                values.append(self.attribute(profile_id, reference[2]))
            else:
                values.append(self.calculated(profile_id, reference[2]))
        is_range = asked["DimensionType"] in ("BETWEEN", "NOT_BETWEEN")
        return values if is_range else [value for value in values if value is not None]

    def exceeds_limits(self, groups):
        """Return whether groups have too many conditions, or start too deep."""
        conditions, calculated, depth = self.sizes(groups)
        return conditions > MOST_CONDITIONS or calculated > MOST_CALCULATED or depth > DEEPEST

    def sizes(self, groups):
        """Return the number of conditions, of those on calculated attributes, and the depth.

        What a group starts from counts as often as it is named, and so does a reference.
        """
        conditions = calculated = depth = 0
        for group in groups.get("Groups") or []:
            for dimension in group.get("Dimensions") or []:
                own = dimension.get("CalculatedAttributes", {})
                asked = [each for _, each in flat(dimension.get("ProfileAttributes", {}))]
                asked += own.values()
                values = [value for each in asked for value in each["Values"]]
                references = [value for value in values if value.startswith("{{")]
                inner = [value for value in references if "_calculated_attribute" in value]
                conditions += len(asked) + len(references)
                calculated += len(own) + len(inner)
            for source in group.get("SourceSegments") or []:
                name = source["SegmentDefinitionName"]
                theirs = self.sizes(self.segments[name]["SegmentGroups"])
                conditions, calculated = conditions + theirs[0], calculated + theirs[1]
                depth = max(depth, 1 + theirs[2])
        return conditions, calculated, depth

    def sorted_members(self, segment):
        """Return the ids of a segment's members in the order of its sort."""
        found = self.members(segment["SegmentGroups"])
        for rule in reversed((segment.get("SegmentSort") or {}).get("Attributes", [])):
            found = self.sorted_by(rule, found)
        return found

    def sorted_by(self, rule, ids):
        """Return ids sorted by an attribute: those without a value last, ties as they were."""
        name = rule["Name"]
        is_calculated = rule.get("Type", "CALCULATED") == "CALCULATED" and name in self.definitions
        texts = {
            profile_id: self.calculated(profile_id, name)
            if is_calculated
            else self.attribute(profile_id, name)
            for profile_id in ids
        }
        present = [text for text in texts.values() if text is not None]
        readers = {"NUMBER": number, "DATE": instant, "STRING": str}
        inferred = next(
            kind
            for kind, read in readers.items()
            if all(read(text) is not None for text in present)
        )
        read = readers[rule.get("DataType") or inferred]
        keys = {profile_id: read(text) for profile_id, text in texts.items() if text is not None}
        keys = {profile_id: key for profile_id, key in keys.items() if key is not None}
        with_value = sorted(
            (profile_id for profile_id in ids if profile_id in keys),
            key=lambda profile_id: keys[profile_id],
            reverse=rule["Order"] == "DESC",
        )
        return with_value + [profile_id for profile_id in ids if profile_id not in keys]

    def table(self, segment):
        """Return a snapshot's CSV as rows of cells, its header first."""
        rows = [cells(self.profiles[profile_id]) for profile_id in self.sorted_members(segment)]
        header = sorted({name for row in rows for name in row} - {"ProfileId"}, key=column_order)
        header = ["ProfileId", *header]
        return [header, *([row.get(name, "") for name in header] for row in rows)]

    def columns(self, segment):
        """Return a snapshot's ORC as the names of its columns and what each row holds."""
        header, *_ = self.table(segment)
        names = [name for name in header if not name.startswith("Attributes.")]
        profiles = [self.profiles[profile_id] for profile_id in self.sorted_members(segment)]
        rows = []
        for profile in profiles:
            own = {name: value for name, value in cells(profile).items() if name in names}
            custom = profile.get("Attributes")
            rows.append(own | ({"Attributes": custom} if custom else {}))
        return [*names, "Attributes"], rows


def flat(attributes):
    """Yield the conditions of `ProfileAttributes` by their paths."""
    for name, asked in attributes.items():
        if "DimensionType" in asked:
            yield name, asked
        else:
            yield from ((f"{name}.{inner}", own) for inner, own in asked.items())


def cells(profile):
    """Return a profile's values by the names of a snapshot's columns."""
    row = {}
    for name, value in profile.items():
        if isinstance(value, dict):
            row |= {f"{name}.{inner}": own for inner, own in value.items()}
        else:
            row[name] = value
    return row


def column_order(name):
    """Return the key that sorts columns as the service's model has their members."""
    member, _, inner = name.partition(".")
    if member == "Attributes":
        return len(MEMBERS), 0, inner
    return MEMBERS.index(member), ADDRESS.index(inner) if inner else 0, ""


def day(text):
    """Return the epoch seconds of a date."""
    moment = date.fromisoformat(text)
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC).timestamp()

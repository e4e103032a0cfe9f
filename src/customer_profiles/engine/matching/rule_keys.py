"""Keys and groups of rule-based matching: two profiles match at a level if they share a key of it.

A key is the JSON of a profile's values for all attributes of a rule. It depends on no other
profile, so that an index of keys finds the matches of a profile when it is written.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from customer_profiles._wire import Wire

Id = TypeVar("Id", int, str)
Value = TypeVar("Value")

MOST_HOLDERS = 500
"""A value that more profiles than this have does not identify any of them."""

# Assumed: a domain that enables matching without rules of its own gets these four rules.
DEFAULT_RULES = (
    ("FirstName", "LastName", "EmailAddress", "PhoneNumber"),
    ("FirstName", "LastName", "EmailAddress"),
    ("FirstName", "LastName", "PhoneNumber"),
    ("FirstName", "LastName", "BirthDate", "Address.PostalCode"),
)

# AG:how-rule-based-identity-resolution-works lists the attributes of rules.
_PLAIN = frozenset(
    (
        "AccountNumber",
        "BirthDate",
        "BusinessName",
        "FirstName",
        "Gender",
        "LastName",
        "MiddleName",
    )
)
_ADDRESS = "Address"
_LINES = ("Address1", "Address2", "Address3", "Address4")
# Assumed: Address.Address is compared as the lines of an address, joined by line breaks.
_OF_ADDRESS = {"Address": _LINES} | {
    name: (name,) for name in ("City", "Country", "County", "PostalCode", "State", "Province")
}
_KNOWN = _PLAIN | {"EmailAddress", "PhoneNumber"} | {f"{_ADDRESS}.{name}" for name in _OF_ADDRESS}
_CUSTOM = "Attributes."


def _sub_types(suffix: str, *members: str) -> dict[str, str]:
    """Return the members of a profile by their names and by their names without a suffix."""
    return {name: member for member in members for name in (member, member.removesuffix(suffix))}


# Assumed: the sub-type BusinessAddress is a profile's BillingAddress; it has no other business one.
# Assumed: sub-types are also known by the short names and spellings in the model's texts.
_SUB_TYPES = {
    _ADDRESS: {
        "Address": "Address",
        "BusinessAddress": "BillingAddress",
        "BillingAddress": "BillingAddress",
        "MaillingAddress": "MailingAddress",
        "MailingAddress": "MailingAddress",
        "ShippingAddress": "ShippingAddress",
    },
    "PhoneNumber": _sub_types(
        "Number", "PhoneNumber", "HomePhoneNumber", "MobilePhoneNumber", "BusinessPhoneNumber"
    ),
    "EmailAddress": _sub_types(
        "Address", "EmailAddress", "BusinessEmailAddress", "PersonalEmailAddress"
    ),
}


class RuleKey(NamedTuple):
    """Values that all profiles of a match have in common at a level."""

    level: int
    """The rule level; 1 is the strongest."""
    key: str
    """The values of the level's attributes, as JSON."""


class _Part(NamedTuple):
    """Attributes of a rule that are read together from one of several members of a profile."""

    names: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    """Each member of a profile with its label; values under the same label can match."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a domain, ready to be applied."""

    levels: tuple[tuple[_Part, ...], ...]
    """The rules that match, the strongest first."""
    merge_level: int
    """The weakest level that merges; 0 if none does."""

    @classmethod
    def of(cls, config: Wire) -> Rules:
        """Read a domain's RuleBasedMatching."""
        if not config.get("Enabled"):
            return cls((), 0)
        rules: Sequence[Sequence[str]] = _configured(config) or DEFAULT_RULES
        # Assumed: without MaxAllowedRuleLevelForMatching all levels match.
        rules = rules[: config.get("MaxAllowedRuleLevelForMatching", len(rules))]
        selector = config.get("AttributeTypesSelector") or {}
        levels = tuple(tuple(_parts(dict.fromkeys(rule), selector)) for rule in rules)
        # AG:setup-matching-rule-examples: without this member, profiles match and never merge.
        return cls(levels, min(config.get("MaxAllowedRuleLevelForMerging", 0), len(levels)))


def problems(config: Wire) -> list[str]:
    """Describe the unknown attributes and sub-types of a configuration."""
    found: list[str] = []
    for level, rule in enumerate(_configured(config), 1):
        found.extend(
            f"MatchingRules: {name!r} at rule level {level} is no attribute of a rule; known are "
            f"{', '.join(sorted(_KNOWN))} and any that begins with {_CUSTOM}"
            for name in rule
            if not _is_known(name)
        )
    selector = config.get("AttributeTypesSelector") or {}
    for attribute, known in _SUB_TYPES.items():
        found.extend(
            f"AttributeTypesSelector: {name!r} is no sub-type of {attribute}; known are "
            f"{', '.join(known)}"
            for name in selector.get(attribute) or ()
            if name not in known
        )
    return found


def keys_of(profile: Wire, rules: Rules) -> list[RuleKey]:
    """Return the keys of a profile, one for each way in which another profile can match it."""
    found: dict[RuleKey, None] = {}
    for level, parts in enumerate(rules.levels, 1):
        for combination in itertools.product(*(list(_readings(profile, part)) for part in parts)):
            values = [value for reading in combination for value in reading]
            found[RuleKey(level, _text(values))] = None
    return list(found)


def values_of(key: RuleKey) -> set[str]:
    """Return the single values of a key, whose holders are counted."""
    return {_text(value) for value in json.loads(key.key)}


def is_too_common(values: Iterable[Value], count: Callable[[Value], int]) -> bool:
    """Return whether each of a key's values belongs to more than 500 profiles.

    Args:
        values: the values of the key, or their hashes.
        count: returns how many profiles have a value.
    """
    # AG:setup-matching-rule-examples: no match if all attributes belong to more than 500 profiles.
    # Assumed: this stops the matching at that level, and other levels still match.
    return all(count(value) > MOST_HOLDERS for value in values)


def too_common_message(level: int) -> str:
    """Return the dead-letter queue's message for a profile that is not matched at a level."""
    # AG:setup-matching-rule-examples has the message.
    count = f"more than {MOST_HOLDERS} records"
    return f"All attributes at rule level {level} are associated with {count}."


@dataclass(frozen=True)
class Group(Generic[Id]):
    """Profiles that match at a level or a stronger one."""

    level: int
    """The weakest level that is needed to connect them."""
    ids: tuple[Id, ...]
    """The profiles, in order."""


def connected(
    profile: Id,
    level: int,
    keys_held: Callable[[Id], Iterable[RuleKey]],
    holders: Callable[[RuleKey], Iterable[Id]],
) -> set[Id]:
    """Return a profile and all that shared keys connect with it, up to a level.

    Args:
        profile: the profile's id.
        level: the weakest level of the keys that are followed.
        keys_held: returns the keys of a profile, without those that are too common.
        holders: returns the profiles that have a key.
    """
    seen, waiting, followed = {profile}, [profile], set[RuleKey]()
    while waiting:
        keys = {key for key in keys_held(waiting.pop()) if key.level <= level} - followed
        followed |= keys
        new = {other for key in keys for other in holders(key)} - seen
        seen |= new
        waiting.extend(new)
    return seen


def level_of(
    profile: Id,
    keys_held: Callable[[Id], Iterable[RuleKey]],
    holders: Callable[[RuleKey], Iterable[Id]],
) -> int | None:
    """Return the strongest level at which a profile matches any other one, None without any."""
    for key in sorted(keys_held(profile)):
        if any(other != profile for other in holders(key)):
            return key.level
    return None


def group_of(
    profile: Id,
    keys_held: Callable[[Id], Iterable[RuleKey]],
    holders: Callable[[RuleKey], Iterable[Id]],
) -> Group[Id] | None:
    """Return the group of a profile; None if it matches no other.

    That is the strongest level at which it matches any other profile, with all profiles that are
    connected at that level or a stronger one. A profile moves to a stronger group as soon as there
    is one. The order in which profiles are written does not matter.
    """
    # Assumed: a profile that matches a member of a stronger group is grouped with all its members.
    level = level_of(profile, keys_held, holders)
    if level is None:
        return None
    return Group(level, tuple(sorted(connected(profile, level, keys_held, holders))))


def _configured(config: Wire) -> list[list[str]]:
    return [level["Rule"] for level in config.get("MatchingRules", [])]


def _parts(rule: Iterable[str], selector: Wire) -> Iterator[_Part]:
    # Assumed: without a selector the sub-types are compared one to one.
    is_crossing = selector.get("AttributeMatchingModel") == "MANY_TO_MANY"
    in_addresses: list[str] = []
    for name in rule:
        if name.startswith(f"{_ADDRESS}."):
            in_addresses.append(name)
        elif name in _SUB_TYPES:
            yield _Part((name,), _members(name, selector, is_crossing=is_crossing))
        else:
            yield _Part((name,), (("", name),))
    if in_addresses:
        # Assumed: the members of an address that a rule names are compared in one address together.
        members = _members(_ADDRESS, selector, is_crossing=is_crossing)
        yield _Part(tuple(in_addresses), members)


def _members(attribute: str, selector: Wire, *, is_crossing: bool) -> tuple[tuple[str, str], ...]:
    """Return the labelled members of a profile in which a rule's attribute is compared."""
    known = _SUB_TYPES[attribute]
    # Assumed: where no sub-types are chosen, only the member that has the type's own name counts.
    chosen = selector.get(attribute) or (attribute,)
    members = dict.fromkeys(known[name] for name in chosen if name in known)
    return tuple(("" if is_crossing else member, member) for member in members)


def _readings(profile: Wire, part: _Part) -> Iterator[list[list[str]]]:
    """Yield a profile's values for a part, for each member that has all of its attributes."""
    for label, member in part.members:
        values = [_value(profile, name, member) for name in part.names]
        # A missing value matches nothing.
        if all(values):
            yield [[name, label, value] for name, value in zip(part.names, values, strict=True)]


def _value(profile: Wire, name: str, member: str) -> str:
    # Assumed: values are compared exactly as they are stored.
    if name.startswith(_CUSTOM):
        return str((profile.get("Attributes") or {}).get(name.removeprefix(_CUSTOM)) or "")
    if name.startswith(f"{_ADDRESS}."):
        address = profile.get(member) or {}
        lines = _OF_ADDRESS.get(name.removeprefix(f"{_ADDRESS}."), ())
        return "\n".join(str(address[line]) for line in lines if address.get(line))
    return str(profile.get(member) or "") if _is_known(name) else ""


def _is_known(name: str) -> bool:
    if name.startswith(_CUSTOM):
        return name != _CUSTOM
    return name in _KNOWN


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

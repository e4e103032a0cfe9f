"""Rule-based matching: two profiles match at a level exactly if they share a key of it.

A key is what a profile has for all attributes of a rule. Keys need no other profile, so that an
index of them finds the matches of a profile as it arrives.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Wire = dict[str, Any]
Id = TypeVar("Id", int, str)

CROWD = 500
"""How many profiles may have a value before it says nothing about who they are."""

# Assumed: without rules of its own a domain has these.
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
# Assumed: Address.Address is the lines of an address, one below the other.
_OF_ADDRESS = {"Address": _LINES} | {
    name: (name,) for name in ("City", "Country", "County", "PostalCode", "State", "Province")
}
_KNOWN = _PLAIN | {"EmailAddress", "PhoneNumber"} | {f"{_ADDRESS}.{it}" for it in _OF_ADDRESS}
_CUSTOM = "Attributes."
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
    "PhoneNumber": {
        "PhoneNumber": "PhoneNumber",
        "Phone": "PhoneNumber",
        "HomePhoneNumber": "HomePhoneNumber",
        "HomePhone": "HomePhoneNumber",
        "MobilePhoneNumber": "MobilePhoneNumber",
        "MobilePhone": "MobilePhoneNumber",
        "BusinessPhoneNumber": "BusinessPhoneNumber",
        "BusinessPhone": "BusinessPhoneNumber",
    },
    "EmailAddress": {
        "EmailAddress": "EmailAddress",
        "Email": "EmailAddress",
        "BusinessEmailAddress": "BusinessEmailAddress",
        "BusinessEmail": "BusinessEmailAddress",
        "PersonalEmailAddress": "PersonalEmailAddress",
        "PersonalEmail": "PersonalEmailAddress",
    },
}


class RuleKey(NamedTuple):
    """What profiles that match at a level have in common."""

    level: int
    """The rule level; 1 is the strongest."""
    key: str
    """The values of the level's attributes, as JSON."""


class _Part(NamedTuple):
    """Attributes of a rule whose values come from one place in a profile, of several possible."""

    names: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    """The label of a place, which keys hold, and the profile's member."""


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
        rules: Sequence[Sequence[str]] = _given(config) or DEFAULT_RULES
        # Assumed: without MaxAllowedRuleLevelForMatching all levels match.
        rules = rules[: config.get("MaxAllowedRuleLevelForMatching", len(rules))]
        selector = config.get("AttributeTypesSelector") or {}
        levels = tuple(tuple(_parts(dict.fromkeys(rule), selector)) for rule in rules)
        # AG:setup-matching-rule-examples: profiles only match until this member is set.
        return cls(levels, min(config.get("MaxAllowedRuleLevelForMerging", 0), len(levels)))


def problems(config: Wire) -> list[str]:
    """Say which attributes and sub-types of a configuration are not known, and what is."""
    told: list[str] = []
    for level, rule in enumerate(_given(config), 1):
        told.extend(
            f"MatchingRules: {name!r} at rule level {level} is no attribute of a rule; known are "
            f"{', '.join(sorted(_KNOWN))} and any that begins with {_CUSTOM}"
            for name in rule
            if not _is_known(name)
        )
    selector = config.get("AttributeTypesSelector") or {}
    for kind, known in _SUB_TYPES.items():
        told.extend(
            f"AttributeTypesSelector: {name!r} is no sub-type of {kind}; known are "
            f"{', '.join(known)}"
            for name in selector.get(kind) or ()
            if name not in known
        )
    return told


def keys_of(profile: Wire, rules: Rules) -> list[RuleKey]:
    """Give the keys of a profile: each stands for a way in which others may match it."""
    found: dict[RuleKey, None] = {}
    for level, parts in enumerate(rules.levels, 1):
        held = [list(_held(profile, part)) for part in parts]
        for chosen in itertools.product(*held):
            values = [value for values in chosen for value in values]
            found[RuleKey(level, _text(values))] = None
    return list(found)


def values_of(keys: Iterable[RuleKey]) -> set[str]:
    """Give the attributes' values in keys, each once, for counting who has them."""
    return {value for one in keys for value in _values_in(one)}


def is_crowded(key: RuleKey, count: Callable[[str], int]) -> bool:
    """Say whether more than 500 profiles have each of a key's values, so that it matches none.

    Args:
        key: a key of a profile.
        count: gives how many profiles have a value of those that `values_of` gives.
    """
    # AG:setup-matching-rule-examples: no match if all attributes belong to more than 500 profiles.
    # Assumed: this stops the matching at that level, and other levels still match.
    return all(count(value) > CROWD for value in _values_in(key))


def crowd_reason(level: int) -> str:
    """Say to the dead-letter queue why a profile is not matched at a level."""
    # AG:setup-matching-rule-examples has the words.
    return f"All attributes at rule level {level} are associated with more than {CROWD} records."


def level_between(one: Wire, other: Wire, rules: Rules) -> int | None:
    """Give the strongest level at which two profiles match; None if they do not."""
    shared = {*keys_of(one, rules)} & {*keys_of(other, rules)}
    return min((key.level for key in shared), default=None)


@dataclass(frozen=True)
class Group(Generic[Id]):
    """Profiles that match at a level or a stronger one."""

    level: int
    """The weakest level that is needed to connect them."""
    ids: tuple[Id, ...]
    """The profiles, in order."""

    @property
    def match_id(self) -> str:
        """Give the group's name, which stays while its first profile and its level do."""
        # Assumed: a match id is 32 hexadecimal digits.
        name = f"{self.level}/{self.ids[0]}"
        return hashlib.sha256(name.encode()).hexdigest()[:32]


def groups(keys: Mapping[Id, Iterable[RuleKey]]) -> list[Group[Id]]:
    """Group profiles by what they share; the order in which they came does not matter.

    A profile's group is that of the strongest level at which it matches any other, with all who
    are connected at that level or a stronger one. So a profile moves to a better group as soon
    as there is one.

    Args:
        keys: the keys of each profile, without crowded ones.
    """
    # Assumed: who matches a member of a stronger group is grouped with that group, at its level.
    holders = _holders(keys)
    union, matched = _Union(keys), set[Id]()
    found: list[Group[Id]] = []
    for level, some in itertools.groupby(sorted(holders), lambda key: key.level):
        new: set[Id] = set()
        for key in some:
            union.join(holders[key])
            new.update(one for one in holders[key] if one not in matched)
        found.extend(Group(level, ids) for ids in union.sets_of(new))
        matched |= new
    return found


def group_of(
    profile: Id,
    keys_held: Callable[[Id], Iterable[RuleKey]],
    holders: Callable[[RuleKey], Iterable[Id]],
) -> Group[Id] | None:
    """Give the group of one profile as `groups` does, reading no more than it must.

    Args:
        profile: the profile's id.
        keys_held: gives the keys of a profile, without crowded ones.
        holders: gives the profiles that have a key.
    """
    own = sorted(keys_held(profile))
    level = next((key.level for key in own if any(it != profile for it in holders(key))), None)
    if level is None:
        return None
    seen, waiting = {profile}, [profile]
    asked: set[RuleKey] = set()
    while waiting:
        held = {key for key in keys_held(waiting.pop()) if key.level <= level} - asked
        asked |= held
        new = {other for key in held for other in holders(key)} - seen
        seen |= new
        waiting.extend(new)
    return Group(level, tuple(sorted(seen)))


def to_merge(keys: Mapping[Id, Iterable[RuleKey]], rules: Rules) -> list[tuple[Id, ...]]:
    """Give who is merged with whom: all who are connected at the levels that merge.

    Args:
        keys: the keys of each profile, without crowded ones.
        rules: the domain's rules.
    """
    union, merging = _Union(keys), set[Id]()
    for key, ids in _holders(keys).items():
        if key.level <= rules.merge_level:
            union.join(ids)
            merging.update(ids)
    return list(union.sets_of(merging))


def _holders(keys: Mapping[Id, Iterable[RuleKey]]) -> dict[RuleKey, list[Id]]:
    """Give the keys that several profiles have, and these."""
    found: dict[RuleKey, list[Id]] = {}
    for one, held in keys.items():
        for key in set(held):
            found.setdefault(key, []).append(one)
    return {key: ids for key, ids in found.items() if len(ids) > 1}


class _Union(Generic[Id]):
    """Disjoint sets of profiles; the smaller one joins the larger."""

    def __init__(self, ids: Iterable[Id]) -> None:
        self._sets: dict[Id, list[Id]] = {one: [one] for one in ids}

    def join(self, ids: list[Id]) -> None:
        """Make one set of those that profiles are in."""
        for one in ids[1:]:
            small, large = sorted((self._sets[ids[0]], self._sets[one]), key=len)
            if small is not large:
                large.extend(small)
                self._sets.update(dict.fromkeys(small, large))

    def sets_of(self, ids: Iterable[Id]) -> Iterator[tuple[Id, ...]]:
        """Give the sets that profiles are in, each once, by their first profile."""
        sets = {id(found): found for found in map(self._sets.__getitem__, ids)}
        yield from sorted(tuple(sorted(found)) for found in sets.values())


def _given(config: Wire) -> list[list[str]]:
    return [one["Rule"] for one in config.get("MatchingRules", [])]


def _parts(rule: Iterable[str], selector: Wire) -> Iterator[_Part]:
    # Assumed: without a selector the sub-types are compared one to one.
    alike = selector.get("AttributeMatchingModel") == "MANY_TO_MANY"
    in_addresses: list[str] = []
    for name in rule:
        if name.startswith(f"{_ADDRESS}."):
            in_addresses.append(name)
        elif name in _SUB_TYPES:
            yield _Part((name,), _places(name, selector, alike=alike))
        else:
            yield _Part((name,), (("", name),))
    if in_addresses:
        # Assumed: the members of an address that a rule names are compared in one address together.
        yield _Part(tuple(in_addresses), _places(_ADDRESS, selector, alike=alike))


def _places(kind: str, selector: Wire, *, alike: bool) -> tuple[tuple[str, str], ...]:
    """Give the members of a profile that a rule's attribute is compared in."""
    known = _SUB_TYPES[kind]
    # Assumed: where no sub-types are chosen, only the member that has the type's own name counts.
    members = [known[name] for name in selector.get(kind) or (kind,) if name in known]
    return tuple(("" if alike else member, member) for member in dict.fromkeys(members))


def _held(profile: Wire, part: _Part) -> Iterator[list[list[str]]]:
    """Give what a profile has for a part, once for each place that has all of its attributes."""
    for label, member in part.places:
        values = [_value(profile, name, member) for name in part.names]
        # What is missing matches nothing.
        if all(values):
            yield [[name, label, value] for name, value in zip(part.names, values, strict=True)]


def _value(profile: Wire, name: str, member: str) -> str:
    # Assumed: values are compared as they are stored, in every letter and sign.
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


def _values_in(key: RuleKey) -> list[str]:
    return [_text(value) for value in json.loads(key.key)]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

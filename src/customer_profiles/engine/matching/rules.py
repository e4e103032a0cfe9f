"""Rule-based matching as profiles arrive: an index of what they have in common.

Triggers note every profile that is written, in the transaction that writes it. What was noted is
settled after the request, and before anything asks for matches: keys are made anew, and what
matches at a level that merges is merged. So no way of writing profiles has to know of rules.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json

from customer_profiles.engine.profiles import merged_values as identity
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import letters
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store import rule_matches as store
from customer_profiles.engine.store.rule_matches import Held

from . import consolidation, rule_keys
from .rule_keys import CROWD, RuleKey, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

Wire = dict[str, Any]

_A_FEW = 200
_LEVELS = "0123456789abcdef"


class RuleMatch(NamedTuple):
    """Profiles that match by rule."""

    match_id: str
    level: int
    rows: tuple[int, ...]


def configure(
    context: Context, connection: Connection, domain: int, old: Wire | None, new: Wire | None
) -> None:
    """Apply a domain's new RuleBasedMatching; the old one is None if the domain is new.

    Raises:
        Refusal: a rule has an unknown attribute, or the rules are being applied.
    """
    before = (old or {}).get("RuleBasedMatching") or {}
    config = (new or {}).get("RuleBasedMatching") or {}
    if config == before:
        return
    if problems := rule_keys.problems(config):
        raise bad_request("; ".join(problems))
    if old is not None and status(context, connection, domain) == "IN_PROGRESS":
        # AG:how-rule-based-identity-resolution-works: the configuration is locked then.
        # Assumed: an ACTIVE configuration can be changed at any time, not only a day later.
        raise bad_request("RuleBasedMatching cannot be changed while its Status is IN_PROGRESS")
    if config.get("Enabled"):
        # Assumed: an ExportingConfig of RuleBasedMatching is kept, and nothing is exported.
        # AG:enable-identity-resolution: an existing domain waits an hour, a new one does not.
        # Assumed: the hour of an existing domain is none, unless the engine is told otherwise.
        delay = 0.0 if old is None else context.matching_delay
        due = context.clock.now() + delay
        store.put_domain(connection, store.RuledDomain(domain, config, due))
    else:
        # AG:disable-identity-resolution: what was consolidated stays.
        store.drop_domain(connection, domain)


def status(context: Context, connection: Connection, domain: int) -> str | None:
    """Give the Status of a domain's rules."""
    ruled = store.domain(connection, domain)
    if ruled is None:
        return None
    if ruled.due > context.clock.now():
        return "PENDING"
    return "IN_PROGRESS" if store.waits(connection, domain) else "ACTIVE"


def settle(context: Context) -> None:
    """Bring the index up to date with what was written, and merge what the rules merge."""
    waiting = context.database.notes_changes()
    if waiting:
        _index_many(context)
    while waiting:
        with context.database.write() as connection:
            rows = store.changed(connection, context.clock.now(), 0, _A_FEW)
            for row in rows:
                _index(context, connection, row)
            store.settled(connection, rows)
            for row in rows:
                _merge_matches_of(context, connection, row)
        waiting = bool(rows)


def _index_many(context: Context) -> None:
    """Index what is too much to be settled at once, so that crowds are known before any merge."""
    after, rows = 0, [0]
    while rows:
        with context.database.write() as connection:
            rows = store.changed(connection, context.clock.now(), after, _A_FEW)
            if after == 0 and len(rows) < _A_FEW:
                return
            for row in rows:
                after = row
                if _merge_level(connection, row):
                    _index(context, connection, row)


def _index(context: Context, connection: Connection, row: int) -> None:
    """Make the keys of a profile anew."""
    stored = profile_store.at(connection, row)
    before = set(store.held(connection, row))
    ruled = store.domain(connection, row >> 40)
    applied = Rules.of(ruled.config) if ruled else Rules((), 0)
    profile = from_json(stored.body) if stored else {}
    keys = rule_keys.keys_of(profile, applied)
    now = {_held(row >> 40, key) for key in keys}
    store.remove(connection, row, before - now)
    store.add(connection, row, now - before)
    had, has = _values(before), _values(now)
    store.count_values(connection, had - has, -1)
    store.count_values(connection, has - had, 1)
    if applied.merge_level:
        _notice_who_is_left(connection, row >> 40, had - has)
    if stored and now != before:
        _tell_of_crowds(context, connection, stored, now)


def _notice_who_is_left(connection: Connection, domain: int, gone: set[int]) -> None:
    """Have those merged who were too many to be matched until now."""
    for value in gone:
        if store.holders_of_value(connection, value) == CROWD:
            store.notice_holders(connection, domain, value)


def _held(domain: int, key: RuleKey) -> Held:
    parts = sorted(_hash(domain, 0, text) for text in rule_keys.values_of([key]))
    joined = b"".join(part.to_bytes(8, "big", signed=True) for part in parts)
    return Held(key.level, _hash(domain, key.level, key.key), joined)


def _hash(domain: int, level: int, text: str) -> int:
    digest = hashlib.blake2b(f"{domain}/{level}/{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _values(keys: Iterable[Held]) -> set[int]:
    return {part for key in keys for part in store.parts_of(key)}


def _is_crowded(connection: Connection, key: Held) -> bool:
    # AG:setup-matching-rule-examples: no match if all attributes belong to more than 500 profiles.
    return all(store.holders_of_value(connection, part) > CROWD for part in store.parts_of(key))


def _tell_of_crowds(
    context: Context, connection: Connection, stored: profile_store.Stored, keys: set[Held]
) -> None:
    crowded = {key.level for key in keys if _is_crowded(connection, key)}
    for level in sorted(crowded):
        # Assumed: the dead letter of a profile that is not matched holds the profile.
        letter = letters.DeadLetter(
            0,
            stored.domain,
            PROFILE,
            stored.body.decode(),
            rule_keys.crowd_reason(level),
            context.clock.now(),
        )
        letters.reject(connection, letter)


def _keys_held(connection: Connection, row: int) -> list[RuleKey]:
    held = store.held(connection, row)
    return [RuleKey(key.level, str(key.hash)) for key in held if not _is_crowded(connection, key)]


def _group(connection: Connection, row: int, most: int = 15) -> rule_keys.Group[int] | None:
    """Give the group of a profile, by levels up to one."""

    def keys_held(one: int) -> list[RuleKey]:
        return [key for key in _keys_held(connection, one) if key.level <= most]

    return rule_keys.group_of(row, keys_held, lambda key: store.holders(connection, int(key.key)))


def _merge_matches_of(context: Context, connection: Connection, row: int) -> None:
    """Merge a profile with all that are connected with it at the levels that merge."""
    merge_level = _merge_level(connection, row)
    if not merge_level:
        return
    together, rest = {row}, [row]
    while rest:
        for key in _keys_held(connection, rest.pop()):
            if key.level <= merge_level:
                new = set(store.holders(connection, int(key.key))) - together
                together |= new
                rest.extend(new)
    found = (profile_store.at(connection, one) for one in sorted(together))
    now = context.clock.now()
    stored = [one for one in found if one is not None and one.expires > now]
    if len(stored) < 2 or row not in {one.id for one in stored}:  # noqa: PLR2004  (a pair)
        return
    parts = [merging.part(connection, one) for one in stored]
    ruled = store.domain(connection, row >> 40)
    united = identity.merged(parts, ruled and ruled.config.get("ConflictResolution"))
    # Assumed: a value that a merge does not keep matches nobody, so the order may matter then.
    if consolidation.unite(context, connection, stored, united):
        for one in stored:
            _index(context, connection, one.id)


def _merge_level(connection: Connection, row: int) -> int:
    ruled = store.domain(connection, row >> 40)
    return Rules.of(ruled.config).merge_level if ruled else 0


def match_of_profile(connection: Connection, row: int) -> RuleMatch | None:
    """Give the match that a profile is in."""
    found = _group(connection, row)
    return None if found is None else _match(connection, found)


def match_by_id(connection: Connection, domain: int, match_id: str) -> RuleMatch | None:
    """Give a match by its id."""
    level = _LEVELS.find(match_id[:1])
    first = profile_store.row_of(connection, domain, _first_of(match_id))
    if first is None or level < 1:
        return None
    found = _at_level(connection, first, level)
    match = None if found is None else _match(connection, found)
    return match if match and match.match_id == match_id else None


def _at_level(connection: Connection, row: int, level: int) -> rule_keys.Group[int] | None:
    """Give the group that a profile is the first of at a level, though it may have a better one."""
    own = _group(connection, row)
    if own is None or own.level == level:
        return own
    together, rest, asked = {row}, [row], set[RuleKey]()
    while rest:
        for key in set(_keys_held(connection, rest.pop())) - asked:
            if key.level <= level:
                asked.add(key)
                new = set(store.holders(connection, int(key.key))) - together
                together |= new
                rest.extend(new)
    whose = (group for one in sorted(together) if (group := _group(connection, one)))
    return next((group for group in whose if group.level == level), None)


def matches(
    connection: Connection, domain: int, after: int, limit: int
) -> tuple[list[RuleMatch], int | None]:
    """Give matches of a domain in order, and where the next ones begin."""
    found: list[RuleMatch] = []
    while len(found) < limit:
        rows = store.sharing(connection, domain, after, _A_FEW)
        for row in rows:
            after = row
            group = _group(connection, row)
            if group is None or row != _teller(connection, group):
                continue
            found.append(_match(connection, group))
            if len(found) == limit:
                break
        if not rows:
            return found, None
    more = store.sharing(connection, domain, after, 1)
    return found, after if more else None


def _teller(connection: Connection, group: rule_keys.Group[int]) -> int:
    """Give the first profile whose own group this is; others in it may have a better one."""
    return next(
        one
        for one in group.ids
        if (own := _group(connection, one)) is not None and own.level == group.level
    )


def _match(connection: Connection, group: rule_keys.Group[int]) -> RuleMatch:
    stored = profile_store.at(connection, group.ids[0])
    name = stored.profile_id.hex() if stored else ""
    # Assumed: a match keeps its id as long as its first profile and its level stay.
    return RuleMatch(_LEVELS[group.level] + name[1:], group.level, group.ids)


def _first_of(match_id: str) -> bytes:
    try:
        return bytes.fromhex("0" + match_id[1:])
    except ValueError:
        return b""


def profile_ids(connection: Connection, rows: Iterable[int], now: float) -> list[str]:
    """Give the ids of profiles that have not expired."""
    found = profile_store.bodies(connection, list(rows), now)
    return [json.loads(found[row])["ProfileId"] for row in sorted(found)]

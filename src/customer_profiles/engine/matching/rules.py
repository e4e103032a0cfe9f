"""Rule-based matching of profiles as they are written.

Triggers note every written profile, in the transaction that writes it. After a request, and before
matches are read, `apply` indexes the noted profiles and merges those that match at a level that
merges. So no operation that writes profiles has to know of rules.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from pydantic_core import from_json

from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.keys import PROFILE
from customer_profiles.engine.profiles.merged_values import merged
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import dead_letters
from customer_profiles.engine.store import profiles as profile_store
from customer_profiles.engine.store import rule_matches as store
from customer_profiles.engine.store.rows import domain_of
from customer_profiles.engine.store.rule_matches import IndexedKey

from . import consolidation, rule_keys
from .rule_keys import MOST_HOLDERS, RuleKey, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_ROWS_A_TRANSACTION = 200


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
        # Assumed: an existing domain does not wait an hour, unless the engine has a matching_delay.
        delay = 0.0 if old is None else context.matching_delay
        due = context.clock.now() + delay
        store.put_domain(connection, store.RuledDomain(domain, config, due))
    else:
        # AG:disable-identity-resolution: profiles that were merged stay merged.
        store.drop_domain(connection, domain)


def status(context: Context, connection: Connection, domain: int) -> str | None:
    """Return the Status of a domain's rules; None if it has no rules."""
    ruled = store.domain(connection, domain)
    if ruled is None:
        return None
    if ruled.due > context.clock.now():
        return "PENDING"
    return "IN_PROGRESS" if store.has_changes(connection, domain) else "ACTIVE"


def apply(context: Context) -> None:
    """Index the profiles that were written and merge those that match at a level that merges."""
    pending = context.database.has_rule_changes()
    if pending:
        _index_backlog(context)
    while pending:
        with context.database.write() as connection:
            rows = store.changed(connection, context.clock.now(), 0, _ROWS_A_TRANSACTION)
            for row in rows:
                _index(context, connection, row)
            store.mark_indexed(connection, rows)
            for row in rows:
                _merge_matches_of(context, connection, row)
        pending = bool(rows)


def _index_backlog(context: Context) -> None:
    """Index more profiles than one transaction takes, to know common values before any merge."""
    after, rows = 0, [0]
    while rows:
        with context.database.write() as connection:
            rows = store.changed(connection, context.clock.now(), after, _ROWS_A_TRANSACTION)
            if after == 0 and len(rows) < _ROWS_A_TRANSACTION:
                return
            for row in rows:
                after = row
                if _rules_for(connection, row).merge_level:
                    _index(context, connection, row)


def _rules_for(connection: Connection, row: int) -> Rules:
    ruled = store.domain(connection, domain_of(row))
    return Rules.of(ruled.config if ruled else {})


def _index(context: Context, connection: Connection, row: int) -> None:
    """Replace the keys of a profile by those of its present values."""
    stored = profile_store.at(connection, row)
    domain, rules = domain_of(row), _rules_for(connection, row)
    before = set(store.keys_of(connection, row))
    keys = rule_keys.keys_of(from_json(stored.body) if stored else {}, rules)
    after = {_stored_key(domain, key) for key in keys}
    store.remove(connection, row, before - after)
    store.add(connection, row, after - before)
    old_values, new_values = _values(before), _values(after)
    store.count_values(connection, old_values - new_values, -1)
    store.count_values(connection, new_values - old_values, 1)
    if rules.merge_level:
        _recheck_holders(connection, domain, old_values - new_values)
    if stored and after != before:
        _reject_too_common(context, connection, stored, after)


def _recheck_holders(connection: Connection, domain: int, lost: set[int]) -> None:
    """Note the holders of values that are no longer too common, so that they are merged."""
    for value in lost:
        if store.holders_of_value(connection, value) == MOST_HOLDERS:
            store.mark_changed(connection, domain, value)


def _stored_key(domain: int, key: RuleKey) -> IndexedKey:
    parts = sorted(_hash(domain, 0, text) for text in rule_keys.values_of(key))
    joined = b"".join(part.to_bytes(8, "big", signed=True) for part in parts)
    return IndexedKey(key.level, _hash(domain, key.level, key.key), joined)


def _hash(domain: int, level: int, text: str) -> int:
    digest = hashlib.blake2b(f"{domain}/{level}/{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _values(keys: Iterable[IndexedKey]) -> set[int]:
    return {part for key in keys for part in store.parts_of(key)}


def _is_too_common(connection: Connection, key: IndexedKey) -> bool:
    count = partial(store.holders_of_value, connection)
    return rule_keys.is_too_common(store.parts_of(key), count)


def _reject_too_common(
    context: Context, connection: Connection, stored: profile_store.Stored, keys: set[IndexedKey]
) -> None:
    """Write a dead letter for each level at which a profile's values are too common to match."""
    for level in sorted({key.level for key in keys if _is_too_common(connection, key)}):
        # Assumed: the dead letter of a profile that is not matched holds the profile.
        letter = dead_letters.DeadLetter(
            stored.domain,
            PROFILE,
            stored.body.decode(),
            rule_keys.too_common_message(level),
            context.clock.now(),
        )
        dead_letters.add(connection, letter)


def keys_held(connection: Connection, row: int) -> list[RuleKey]:
    """Return the stored keys of a profile, without those that are too common."""
    return [
        RuleKey(key.level, str(key.hash))
        for key in store.keys_of(connection, row)
        if not _is_too_common(connection, key)
    ]


def holders(connection: Connection, key: RuleKey) -> list[int]:
    """Return the rows of the profiles that have a stored key."""
    return store.holders(connection, int(key.key))


def _merge_matches_of(context: Context, connection: Connection, row: int) -> None:
    """Merge a profile with all that are connected with it at the levels that merge."""
    ruled = store.domain(connection, domain_of(row))
    merge_level = Rules.of(ruled.config).merge_level if ruled else 0
    if ruled is None or not merge_level:
        return
    rows = rule_keys.connected(
        row, merge_level, partial(keys_held, connection), partial(holders, connection)
    )
    now = context.clock.now()
    found = (profile_store.at(connection, other) for other in sorted(rows))
    stored = [profile for profile in found if profile is not None and profile.expires > now]
    if len(stored) < 2 or row not in {profile.id for profile in stored}:  # noqa: PLR2004  (a pair)
        return
    parts = [merging.part(connection, profile) for profile in stored]
    result = merged(parts, ruled.config.get("ConflictResolution"))
    # Assumed: a value that a merge does not keep no longer matches, so the order can matter.
    if consolidation.merge(context, connection, stored, result):
        for profile in stored:
            _index(context, connection, profile.id)

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

from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.merged_values import merged
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import dead_letters, pending_work
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
    from customer_profiles.engine.store.pending_work import Work

_ROWS_A_TRANSACTION, _ROWS_A_MARK, _PROFILES_A_DROP = 200, 5_000, 1_000
_STEPS_A_REQUEST = 10
_MARK, _INDEX, _MERGE, _DROP = "mark", "index", "merge", "drop"
"""The stages of pending work of rules."""


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
        for work in pending_work.of_domain(connection, domain, pending_work.RULES):
            if work.detail["stage"] != _DROP:
                pending_work.update(connection, work, None)
        marked = store.mark_profiles(connection, domain, 0, _ROWS_A_MARK)
        if marked is not None:
            # Assumed: a large domain lists matches by new rules as they are found, IN_PROGRESS.
            pending_work.add(connection, domain, pending_work.RULES, _at(_MARK, marked), due)
    else:
        # AG:disable-identity-resolution: profiles that were merged stay merged.
        store.drop_domain(connection, domain)
        pending_work.clear(connection, domain, pending_work.RULES)
        if drop_some(connection, domain):
            pending_work.add(connection, domain, pending_work.RULES, _at(_DROP))


def drop_some(connection: Connection, domain: int) -> bool:
    """Remove profiles from the index of rules; return whether more may be left."""
    return store.drop_keys(connection, domain, _PROFILES_A_DROP)


def status(context: Context, connection: Connection, domain: int) -> str | None:
    """Return the Status of a domain's rules; None if it has no rules."""
    ruled = store.domain(connection, domain)
    if ruled is None:
        return None
    if ruled.due > context.clock.now():
        return "PENDING"
    is_pending = pending_work.of_domain(connection, domain, pending_work.RULES)
    return "IN_PROGRESS" if is_pending or store.has_changes(connection, domain) else "ACTIVE"


def apply(context: Context) -> bool:
    """Index the profiles that were written and merge those that match at a level that merges.

    Returns:
        Whether work of any kind is left, after as many steps as a request can wait for.
    """
    now = context.clock.now()
    for _ in range(_STEPS_A_REQUEST):
        if not context.database.has_pending_work(now):
            return False
        with context.database.write() as connection:
            # Changes of other domains do not wait for the pending work of a large one.
            if not apply_some(context, connection):
                work = pending_work.next_due(connection, now, pending_work.RULES)
                if work is None or context.is_working:
                    return pending_work.next_due(connection, now) is not None
                pending_work.update(connection, work, step(context, connection, work))
    return True


def apply_some(context: Context, connection: Connection) -> bool:
    """Apply rules to some changed profiles of domains without pending work; return if any."""
    rows = store.changed(connection, context.clock.now(), 0, _ROWS_A_TRANSACTION)
    if len(rows) == _ROWS_A_TRANSACTION:
        # Many profiles are indexed before any are merged, so that common values are known.
        merging_domains = {
            domain_of(row) for row in rows if _rules_for(connection, row).merge_level
        }
        for domain in merging_domains:
            pending_work.add(connection, domain, pending_work.RULES, _at(_INDEX))
        rows = [row for row in rows if domain_of(row) not in merging_domains]
        if merging_domains and not rows:
            return True
    _apply_to(context, connection, rows)
    return bool(rows)


def step(context: Context, connection: Connection, work: Work) -> Wire | None:
    """Do one step of applying new rules, or rules to many changed profiles of a domain.

    All profiles are marked as changed, then indexed, then merged: a common value must be known
    before any merge.
    """
    stage, after = work.detail["stage"], work.detail["after"]
    if stage == _DROP:
        return work.detail if drop_some(connection, work.domain) else None
    if stage == _MARK:
        last = store.mark_profiles(connection, work.domain, after, _ROWS_A_MARK)
        return _at(_INDEX) if last is None else _at(_MARK, last)
    rows = store.changed(connection, 0, after, _ROWS_A_TRANSACTION, work.domain)
    has_more = len(rows) == _ROWS_A_TRANSACTION
    if stage == _INDEX:
        is_merging = bool(rows and _rules_for(connection, rows[0]).merge_level)
        for row in rows if is_merging else ():
            _index(context, connection, row)
        return _at(_INDEX, rows[-1]) if is_merging and has_more else _at(_MERGE)
    _apply_to(context, connection, rows)
    return _at(_MERGE) if has_more else None


def _at(stage: str, after: int = 0) -> Wire:
    """Return the detail of pending work of rules."""
    return {"stage": stage, "after": after}


def _apply_to(context: Context, connection: Connection, rows: list[int]) -> None:
    for row in rows:
        _index(context, connection, row)
    store.mark_indexed(connection, rows)
    for row in rows:
        _merge_matches_of(context, connection, row)


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
        _reject_too_common(context, connection, stored, after, new_values - old_values)


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
    context: Context,
    connection: Connection,
    stored: profile_store.Stored,
    keys: set[IndexedKey],
    new_values: set[int],
) -> None:
    """Write a dead letter for each level at which a profile's values became too common to match."""
    counts = {value: store.holders_of_value(connection, value) for value in new_values}
    crossed = {value for value, count in counts.items() if count == MOST_HOLDERS + 1}
    rejected = {
        key.level
        for key in keys
        if _is_too_common(connection, key)
        and (not crossed.isdisjoint(store.parts_of(key)) or store.is_single(connection, key.hash))
    }
    for level in sorted(rejected):
        # Assumed: values too common to match are one dead letter with a profile that has them.
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

"""Matching by similarity: identity resolution over the JSON of a domain's stored profiles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.store import matches as store
from customer_profiles.engine.store.matches import Found, Matches

from .profile_columns import LEFT_OUT, ROW, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.decisions import Decision
    from customer_profiles.identity import Model, Resolution

# Assumed: profiles match from a confidence of 0.8 on; the threshold of the service is not known.
THRESHOLD = 0.8


def find(
    bodies: Iterable[list[tuple[int, bytes]]], decisions: Sequence[Decision] = ()
) -> Resolution | None:
    """Group the profiles that describe the same person, by row; None if there are fewer than two.

    Args:
        bodies: the rows and bodies of the profiles, in chunks.
        decisions: decisions about pairs of rows, the oldest first.

    Raises:
        ModuleNotFoundError: the extra `identity` is not installed; the message says so.
    """
    from customer_profiles.identity import Labels, resolve

    tables = [table for table in [read(bodies)] if table is not None and table.num_rows > 1]
    if not tables:
        return None
    labels: Labels | None = None
    if decisions:
        rows = set(tables[0].column(ROW).to_pylist())
        there = [found for found in decisions if {found.profile, found.other} <= rows]
        # Merges may have brought decisions together that contradict each other.
        labels = Labels((low, high, match) for low, high, match, _ in there).consistent()
    # `pop` leaves no reference here, so that `resolve` can free the table once it is read.
    return resolve(
        tables.pop(), id_column=ROW, threshold=THRESHOLD, keep_values=False, labels=labels or ()
    )


def matches(resolution: Resolution, prefix: str) -> Matches:
    """Return the groups of rows as matches, whose ids begin with a prefix.

    The rows stay in arrays, because lists of a million rows take seconds.
    """
    import numpy as np

    evidence = resolution.evidence
    groups = resolution.group_columns
    rows, edges = groups.ids.to_numpy(), groups.edges
    packed, size = rows.tobytes(), rows.itemsize
    parts = zip(pairwise(edges.tolist()), groups.confidence.tolist(), evidence, strict=True)
    found = [
        Found(f"{prefix}{number:08x}", confidence, packed[start * size : end * size], evidence)
        for number, ((start, end), confidence, evidence) in enumerate(parts)
    ]
    order = np.argsort(rows)
    match_of = np.repeat(np.arange(len(found)), np.diff(edges))[order]
    return Matches(found, zip(rows[order].tolist(), match_of.tolist(), strict=True))


def verdict(resolution: Resolution) -> str:
    """Return in a sentence how far the matches can be relied on; empty if they can."""
    found = resolution.verdict
    reasons = [f"{r.text}; {r.remedy}" for r in found.reasons if r.level != "reliable"]
    return f"The matches are {found.level}: {'. '.join(reasons)}." if reasons else ""


def continued(
    before: Sequence[tuple[int, int]], ids: Mapping[int, str], now: Sequence[Found]
) -> tuple[list[Found], str]:
    """Return matches with the ids of those that they continue, and what changed in a sentence.

    The sentence is empty if nothing changed.

    Args:
        before: the rows of profiles that were in a match of the job before, each with its match.
        ids: the ids of those matches.
        now: the new matches.
    """
    import numpy as np

    from customer_profiles.identity.results.changes import compare, continued, counted

    old, old_match = np.array(before, np.int64).reshape(-1, 2).T
    new = np.frombuffer(b"".join(match.profiles for match in now), np.int64)
    new_match = np.repeat(
        np.arange(len(now)), [len(match.profiles) // new.itemsize for match in now]
    )
    rows = np.union1d(old, new)
    numbers = np.full((2, len(rows)), -1)
    matches, numbers[0, np.searchsorted(rows, old)] = np.unique(old_match, return_inverse=True)
    numbers[1, np.searchsorted(rows, new)] = new_match
    names = [ids[match] for match in matches.tolist()]
    kept = [
        match if number < 0 else match._replace(match_id=names[number])
        for match, number in zip(now, continued(*numbers), strict=True)
    ]
    found = compare(*numbers)
    if not any(found.counts.values()):
        return kept, ""
    return kept, f"Since the job before: {counted(found.counts, found.unchanged)}."


def bodies(context: Context, domain: int) -> Iterator[list[tuple[int, bytes]]]:
    """Yield rows and bodies of all profiles of a domain, each chunk from a short transaction."""
    after, now = 0, context.clock.now()
    while True:
        with context.database.read() as connection:
            rows = store.bodies(connection, domain, after, now)
        if not rows:
            return
        after = rows[-1][0]
        yield rows


def compared(profile: Mapping[str, Any]) -> Wire:
    """Return the members of a profile that are compared."""
    return {name: value for name, value in profile.items() if name not in LEFT_OUT}


def keys_of(
    bodies: Iterable[list[tuple[int, bytes]]], model: Model, limit: int
) -> Iterator[list[tuple[int, int]]]:
    """Yield the blocking keys of profiles as signed integers with rows, in order, in chunks."""
    import numpy as np

    from customer_profiles.identity import lasting_keys

    table = read(bodies)
    if table is None:
        return
    rows = table.column(ROW).to_numpy()
    keys, positions = lasting_keys(table.drop_columns([ROW]), model)
    signed = keys.astype(np.int64)
    order = np.argsort(signed)
    signed, found = signed[order], rows[positions[order]]
    for start in range(0, len(signed), limit):
        part = slice(start, start + limit)
        yield list(zip(signed[part].tolist(), found[part].tolist(), strict=True))

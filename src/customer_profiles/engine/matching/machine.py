"""Finding a domain's duplicates with the machine matcher, straight from the stored JSON."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from customer_profiles.engine.store.matches import Found, Matches

from .profile_columns import LEFT_OUT, ROW, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from customer_profiles.identity import Model, Resolution

# Assumed: profiles match from a confidence of 0.8 on; how sure the service must be is not known.
THRESHOLD = 0.8


def find(bodies: Iterable[list[tuple[int, bytes]]]) -> Resolution | None:
    """Find the profiles that are one person's, by their rows; None if there are less than two.

    Raises:
        ModuleNotFoundError: the extra `identity` is not installed; the message says so.
    """
    from customer_profiles.identity import resolve

    tables = [one for one in [read(bodies)] if one is not None and one.num_rows > 1]
    if not tables:
        return None
    # Handed over, so that nobody holds the table once it is read.
    return resolve(tables.pop(), id_column=ROW, threshold=THRESHOLD, keep_values=False)


def found(resolution: Resolution, name: str) -> Matches:
    """Give the groups of rows as matches, whose ids begin with a name.

    Much of it stays in arrays: lists of a million rows take seconds.
    """
    import numpy as np

    evidence = resolution.evidence
    groups = resolution.columns
    rows, edges = groups.ids.to_numpy(), groups.edges
    held, size = rows.tobytes(), rows.itemsize
    parts = zip(pairwise(edges.tolist()), groups.confidence.tolist(), evidence, strict=True)
    matches = [
        Found(f"{name}{number:08x}", sure, held[start * size : end * size], evidence)
        for number, ((start, end), sure, evidence) in enumerate(parts)
    ]
    order = np.argsort(rows)
    of = np.repeat(np.arange(len(matches)), np.diff(edges))[order]
    return Matches(matches, zip(rows[order].tolist(), of.tolist(), strict=True))


def compared(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a profile is compared."""
    return {name: value for name, value in profile.items() if name not in LEFT_OUT}


def keys_of(
    bodies: Iterable[list[tuple[int, bytes]]], model: Model, limit: int
) -> Iterator[list[tuple[int, int]]]:
    """Yield what profiles are found by, as signed keys with rows, in the order of the keys."""
    import numpy as np

    from customer_profiles.identity import lasting_keys

    table = read(bodies)
    if table is None:
        return
    rows = table.column(ROW).to_numpy()
    keys, places = lasting_keys(table.drop_columns([ROW]), model)
    signed = keys.astype(np.int64)
    order = np.argsort(signed)
    signed, found = signed[order], rows[places[order]]
    for start in range(0, len(signed), limit):
        part = slice(start, start + limit)
        yield list(zip(signed[part].tolist(), found[part].tolist(), strict=True))

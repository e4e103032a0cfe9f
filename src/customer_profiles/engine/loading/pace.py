"""How many records a call stores, so that other writers never wait long for its transaction."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from customer_profiles.engine.store import domains, rule_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles.engine.service.context import Context

SECONDS = 0.15
"""About how long a transaction of many records may take."""
LONGEST = 0.2
"""Seconds after which a transaction takes no further object."""
MOST_BYTES = 8 << 20
"""How many bytes of JSON a call writes, in addition to its first record."""
_FIRST, _FEWEST, _MOST = 500, 50, 5_000


def most_records(context: Context, domain_name: str, what: str) -> int:
    """Return how many records of a kind the next transaction should take."""
    with context.database.read() as connection:
        domain = domains.find_row(connection, domain_name)
        if domain is not None and rule_matches.domain(connection, domain.id) is not None:
            return 1
    return context.pace.get(what, _FIRST)


@contextmanager
def measured(context: Context, what: str, records: int) -> Iterator[None]:
    """Measure a transaction of records of a kind, for the size of the next one."""
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    if records >= _FEWEST:
        fitting = int(records * SECONDS / max(seconds, 1e-6))
        # Not more than twice as many: a short transaction may have been a lucky one.
        context.pace[what] = max(_FEWEST, min(fitting, 2 * records, _MOST))

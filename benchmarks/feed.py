"""What the change feed and an event stream cost ingestion, in CPU time of the thread that ingests.

The other thread, which delivers to a Kinesis that accepts everything at once, is printed beside it.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.objects import _domain, row
from benchmarks.report import Goal, Line, show
from customer_profiles import CustomerProfiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles import Domain, JsonObject

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/shop"
OBJECTS = 10_000
LOSS = 25.0


class Kinesis:
    """A boto3 session whose client accepts all records."""

    def client(self, *_: Any, **__: Any) -> Kinesis:
        """Return itself as the client of any service."""
        return self

    def put_records(self, *, Records: list[Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        """Accept all records."""
        return {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1"}] * len(Records)}


def _nothing(_: Domain) -> None:
    """Record no changes."""


VARIANTS: dict[str, Callable[[Domain], object]] = {
    "no feed": _nothing,
    "changes kept": lambda shop: shop.changes.enable(),
    "event stream": lambda shop: shop.event_streams.create("all", STREAM),
}


def run(*, quick: bool) -> list[str]:
    """Ingest the same objects with each variant in turn; return the goals that were missed."""
    objects: list[JsonObject] = [json.dumps(row(number)) for number in range(OBJECTS)]
    rounds = [
        {name: _ingest(prepare, objects) for name, prepare in VARIANTS.items()}
        for _ in range(3 if quick else 7)
    ]
    lines = []
    for name in VARIANTS:
        own, all_threads = (median(taken[name][part] for taken in rounds) for part in (0, 1))
        loss = median(100 * (1 - taken["no feed"][0] / taken[name][0]) for taken in rounds)
        goal = Goal(LOSS, at_least=False, unit=" %") if name != "no feed" else None
        cells = (f"{OBJECTS / own:,.0f}", f"{loss:.0f} %", f"{all_threads / OBJECTS * 1e6:.0f} µs")
        lines.append(Line(name, cells, loss, goal))
    heads = ("objects a second of CPU", "lost", "CPU of all threads an object")
    return show("Ingestion with a change feed", heads, lines)


def _ingest(prepare: Callable[[Domain], object], objects: list[JsonObject]) -> tuple[float, float]:
    """Return the CPU seconds of the thread that ingests, and those of all threads."""
    with (
        tempfile.TemporaryDirectory(prefix="customer-profiles-") as folder,
        CustomerProfiles.embedded(Path(folder, "shop.db"), session=Kinesis()) as cp,
    ):
        shop = _domain(cp)
        prepare(shop)
        own, all_threads = time.thread_time(), time.process_time()
        for result in shop.objects("Customer").put_each(objects):
            if result.error is not None:
                raise result.error
        own = time.thread_time() - own
        cp.integrations.run_due()
        return own, time.process_time() - all_threads

"""What machine matching costs by the number of records and of columns: seconds, CPU, memory.

The tables are made up; a fifth of their records are copies of others, most of them damaged. Ten
million records need several minutes and about 10 GB: they are measured if MATCHING_TEN_MILLION is
set.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from faker import Faker
from pyarrow import compute

from benchmarks.identity import ROOT
from benchmarks.report import Goal, Line, show

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
COLUMNS = (50, 500, 5_000)
ROWS = 200
_LARGEST = 10_000_000
_GOALS = {
    "1,000,000 records": (Goal(20.0, at_least=False, unit=" s"), "seconds"),
    "10,000,000 records": (Goal(13.0, at_least=False, unit=" GB"), "gb"),
    "5,000 columns": (Goal(20.0, at_least=False, unit=" s"), "seconds"),
}
_COPIES, _DAMAGED = 0.2, 0.8
_SEED = 12
# The functions of this module are made when it is imported, so no types are known.
_compute: Any = compute


def run(*, quick: bool) -> list[str]:
    """Measure all sizes, and give the goals that were missed."""
    sizes = [size for size in SIZES if size < _LARGEST or "MATCHING_TEN_MILLION" in os.environ]
    if quick:
        sizes = [size // 10 for size in sizes]
    tables = [("records", size) for size in sizes] + [("columns", count) for count in COLUMNS]
    lines = []
    for part, size in tables:
        name, cost = f"{size:,} {part}", _child(part, size)
        goal, key = _GOALS.get(name, (None, "seconds"))
        cells = (
            f"{cost['seconds']:.1f} s",
            f"{cost['cpu']:.1f} s",
            f"{1e6 * cost['cpu'] / size:.0f} µs",
            f"{cost['gb']:.2f} GB",
            f"{cost['groups']:,}",
        )
        lines.append(Line(name, cells, cost[key], goal))
    heads = ("time", "CPU", "CPU for each", "peak memory", "groups")
    return show("cost of matching by size", heads, lines)


def _child(part: str, size: int) -> Any:
    """Measure in a process of its own, because the peak of memory is that of a process."""
    command = [sys.executable, "-m", "benchmarks.cost", part, str(size)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(part: str, size: int) -> dict[str, float]:
    """Resolve a table that was made up."""
    from customer_profiles.identity import resolve

    tables = [records(size) if part == "records" else columns(size)]
    began, cpu = time.perf_counter(), time.process_time()
    # `pop` leaves no reference here, so that the table is freed once it is read.
    found = resolve(tables.pop(), keep_values=False)
    groups = len(found.group_columns.confidence)
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "groups": groups,
    }


def columns(count: int) -> pa.Table:
    """Return a table of many columns with 16 values each, which do not identify anybody."""
    codes = np.random.default_rng(_SEED).integers(0, 16, (count, ROWS), np.int8)
    values = pa.array([3 * letter + "x" for letter in "abcdefghijklmnop"])
    return pa.table({f"c{number}": values.take(pa.array(own)) for number, own in enumerate(codes)})


def records(count: int) -> pa.Table:
    """Return records of people, a fifth of which are copies with one value damaged and one lost."""
    fake, draw = Faker("en_US"), np.random.default_rng(_SEED)
    fake.seed_instance(_SEED)
    people = int(count * (1 - _COPIES))
    given = _drawn([fake.first_name() for _ in range(3_000)], people, draw)
    family = _drawn([fake.last_name() for _ in range(5_000)], people, draw)
    days = np.datetime64("1940-01-01") + draw.integers(0, 25_000, people)
    towns = [(fake.city(), fake.postcode()) for _ in range(5_000)]
    town = draw.integers(0, len(towns), people)
    streets = _drawn([fake.street_name() for _ in range(5_000)], people, draw)
    number = _text(draw.integers(1, 3_000, people))
    tail = _text(draw.integers(0, 10_000, people))
    domain = pa.array(["example.com", "example.org", "mail.example"]).take(
        pa.array(draw.integers(0, 3, people))
    )
    columns = {
        "FirstName": given,
        "LastName": family,
        "BirthDate": _text(days),
        "Address1": _joined(" ", number, streets),
        "City": pa.array([city for city, _ in towns]).take(pa.array(town)),
        "PostalCode": pa.array([postal for _, postal in towns]).take(pa.array(town)),
        "EmailAddress": _joined("@", _joined(".", given, family, tail), domain),
        "PhoneNumber": _text(draw.integers(2_000_000_000, 9_999_999_999, people)),
    }
    rows = np.append(np.arange(people), draw.integers(0, people, count - people))
    damaged, lost = draw.integers(0, len(columns), (2, count))
    draw.shuffle(order := np.arange(count))
    is_copy = (order >= people) & (draw.random(count) < _DAMAGED)
    result = {}
    for position, name in enumerate([*columns]):
        values = columns.pop(name).take(pa.array(rows[order]))
        wrong = pa.array(is_copy & (damaged == position))
        values = _compute.if_else(wrong, _damaged(values), values)
        missing = pa.array(is_copy & (lost == position))
        result[name] = _compute.if_else(missing, pa.scalar(None, pa.string()), values)
    return pa.table(result)


def _drawn(vocabulary: list[str], count: int, draw: np.random.Generator) -> pa.Array:
    """Draw values, some of which are much more common than others."""
    chosen = (len(vocabulary) * draw.random(count) ** 2).astype(np.int32)
    return pa.array(vocabulary).take(pa.array(chosen))


def _text(values: NDArray[Any]) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _joined(separator: str, *parts: pa.Array) -> pa.Array:
    return _compute.binary_join_element_wise(*parts, separator)


def _damaged(values: pa.Array) -> pa.Array:
    """Drop the third character, as a typing error does."""
    return _compute.utf8_replace_slice(values, 2, 3, "")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))

"""Loading many records into a file, beside single calls and plain INSERTs of the same JSON.

The plain INSERTs are the limit: a table of ids and JSON without keys, checks or history, written by
transactions of a thousand rows. All run in turn in one process, on the same customers.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.objects import _domain, row
from benchmarks.people import people
from benchmarks.report import Goal, Line, console, show
from customer_profiles import CustomerProfiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CUSTOMERS, QUICK_CUSTOMERS = 1_000_000, 50_000
OBJECTS, QUICK_OBJECTS = 200_000, 20_000
SINGLE = 5_000
SECONDS_A_MILLION = 150.0
OBJECTS_A_SECOND = 12_000.0
MEGABYTES_MORE = 100.0
CHUNK = 1_000
COLUMNS = (
    *("First Name", "Middle Name", "Last Name", "Email", "Phone", "Mobile"),
    *("Street", "City", "State", "Country", "Zip"),
)
HEADS = ("took", "µs a record", "a second", "x plain INSERT", "µs of CPU")


class Taken(NamedTuple):
    """What storing some records took."""

    records: int
    seconds: float
    cpu: float


def run(*, quick: bool) -> list[str]:
    """Load a file, profiles and objects; give the goals missed."""
    customers = QUICK_CUSTOMERS if quick else CUSTOMERS
    objects = QUICK_OBJECTS if quick else OBJECTS
    with tempfile.TemporaryDirectory(prefix="customer-profiles-") as name:
        folder = Path(name)
        missed = _files(folder, customers)
        missed += _profiles(folder, QUICK_CUSTOMERS)
        return missed + _objects(folder, objects)


def _files(folder: Path, size: int) -> list[str]:
    """Load a file by the command, and a tenth of it for the memory that size takes."""
    lines = []
    small = _load(folder, size // 10)
    large = _load(folder, size)
    bound = SECONDS_A_MILLION * size / CUSTOMERS
    for rows, (seconds, cpu, megabytes) in ((size // 10, small), (size, large)):
        cells = (
            f"{seconds:.1f} s",
            f"{cpu:.1f} s",
            f"{rows / seconds:,.0f}",
            f"{megabytes:.0f} MB",
        )
        goal = Goal(bound, at_least=False, unit=" s") if rows == size else None
        lines.append(Line(f"load of {rows:,} rows", cells, seconds, goal))
    more = large[2] - small[2]
    goal = Goal(MEGABYTES_MORE, at_least=False, unit=" MB")
    lines.append(
        Line("memory that ten times the rows take", ("", "", "", f"{more:.0f} MB"), more, goal)
    )
    return show("A CSV file into a new database", ("took", "CPU", "rows a second", "memory"), lines)


def _load(folder: Path, rows: int) -> tuple[float, float, float]:
    """Run the command on a file of customers; give its seconds, its CPU time and its megabytes."""
    path = folder / f"{rows}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for customer in people(rows):
            address: Any = customer.address
            writer.writerow(
                (
                    *(customer.first_name, customer.middle_name, customer.last_name),
                    *(customer.email_address, customer.phone_number),
                    customer.mobile_phone_number,
                    *(address.address1, address.city, address.state),
                    *(address.country, address.postal_code),
                )
            )
    main = "from customer_profiles.cli import main; main()"
    options = ("--domain", "shop", "--db", str(folder / f"{rows}.db"))
    # The program prints what it used itself: this process cannot tell two children apart.
    code = (
        "import atexit, resource\n"
        "def tell():\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    print('used', used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)\n"
        f"atexit.register(tell)\n{main}"
    )
    begun = time.perf_counter()
    command = [sys.executable, "-c", code, "load", str(path), *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if f"{rows} created" not in done.stdout:
        message = f"the command did not load all rows: {done.stdout}"
        raise AssertionError(message)
    _, cpu, megabytes = done.stdout.splitlines()[-1].split()
    return seconds, float(cpu), float(megabytes)


def _profiles(folder: Path, size: int) -> list[str]:
    wires = [customer._to_wire() for customer in people(size)]
    customers = [*people(size)]
    plain = _plain(folder / "plain-profiles.db", wires)
    with CustomerProfiles.embedded(folder / "profiles.db") as cp:
        many = cp.domains.create("many", default_expiration_days=366).profiles
        keyed = cp.domains.create("keyed", default_expiration_days=366).profiles
        single = cp.domains.create("single", default_expiration_days=366).profiles
        taken = {
            "create_many": _measure(size, lambda: _drain(many.create_many(customers))),
            "upsert_many, all new": _measure(
                size, lambda: _drain(keyed.upsert_many(customers, key="email_address"))
            ),
            "upsert_many, all stored": _measure(
                size, lambda: _drain(keyed.upsert_many(customers, key="email_address"))
            ),
            "a loop of create": _measure(
                SINGLE, lambda: [single.create(customer) for customer in customers[:SINGLE]]
            ),
        }
    lines = [_line(name, found, plain) for name, found in {"plain INSERT": plain, **taken}.items()]
    return show(f"{size:,} profiles", HEADS, lines)


def _objects(folder: Path, size: int) -> list[str]:
    rows = [row(number) for number in range(size)]
    texts = [json.dumps(item) for item in rows]
    plain = _plain(folder / "plain-objects.db", rows)
    with CustomerProfiles.embedded(folder / "objects.db") as cp:
        objects = _domain(cp).objects("Customer")
        many = _measure(size, lambda: _drain(objects.put_each(texts)))
    with CustomerProfiles.embedded(folder / "single.db") as cp:
        objects = _domain(cp).objects("Customer")
        single = _measure(SINGLE, lambda: [objects.put(text) for text in texts[:SINGLE]])
    rate = Goal(OBJECTS_A_SECOND, unit=" a second")
    lines = [
        _line("plain INSERT", plain, plain),
        _line("put_many", many, plain)._replace(figure=many.records / many.seconds, goal=rate),
        _line("a loop of put", single, plain),
    ]
    return show(f"{size:,} objects of 20 fields and 4 keys", HEADS, lines)


def _plain(path: Path, records: Sequence[dict[str, Any]]) -> Taken:
    """Write the JSON of records and insert it, a thousand in a transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, body TEXT)")

    def insert() -> None:
        for begin in range(0, len(records), CHUNK):
            bodies = [(json.dumps(record),) for record in records[begin : begin + CHUNK]]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO records (body) VALUES (?)", bodies)
            connection.execute("COMMIT")

    taken = _measure(len(records), insert)
    connection.close()
    return taken


def _drain(results: Iterable[Any]) -> None:
    failed = sum(result.error is not None for result in results)
    if failed:
        message = f"{failed} records were not stored"
        raise AssertionError(message)


def _measure(records: int, call: Callable[[], object]) -> Taken:
    console.print(f"storing {records:,}", style="dim")
    cpu, begun = time.process_time(), time.perf_counter()
    call()
    return Taken(records, time.perf_counter() - begun, time.process_time() - cpu)


def _line(name: str, taken: Taken, plain: Taken) -> Line:
    each, cpu = taken.seconds / taken.records, taken.cpu / taken.records
    times = each / (plain.seconds / plain.records)
    cells = (f"{taken.seconds:.1f} s", f"{each * 1e6:.0f}", f"{1 / each:,.0f}", f"{times:.1f}")
    return Line(name, (*cells, f"{cpu * 1e6:.0f}"))

"""Ingestion into a file: objects a second through the SDK, and how little the stored ones matter.

Each customer is in two source systems, so every other object makes a profile and every other one
finds it again. The mapping has 20 fields and 4 keys. Beside it stands the least that any store of
JSON has to do: write and read each object's JSON and insert it, ten in a transaction.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.progress import track

from benchmarks.people import person
from benchmarks.report import Goal, Line, console, duration, show
from benchmarks.timing import Variant, in_turn
from customer_profiles import CustomerProfiles, ObjectTypeField, ObjectTypeKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles import Domain, JsonObject

SMALL = 10_000
LARGE = 1_000_000
OBJECTS_A_SECOND = 5_000.0
TIMES_SLOWER = 1.5
CHUNK = 5_000
CALLS = 10
TARGETS = {
    "RowId": None,
    "FirstName": "_profile.FirstName",
    "MiddleName": "_profile.MiddleName",
    "LastName": "_profile.LastName",
    "Email": "_profile.EmailAddress",
    "Phone": "_profile.PhoneNumber",
    "Mobile": "_profile.MobilePhoneNumber",
    "Born": "_profile.BirthDate",
    "Company": "_profile.BusinessName",
    "Street": "_profile.Address.Address1",
    "City": "_profile.Address.City",
    "State": "_profile.Address.State",
    "Country": "_profile.Address.Country",
    "PostalCode": "_profile.Address.PostalCode",
    "Note": "_profile.AdditionalInformation",
    "Tier": "_profile.Attributes.tier",
    "Points": "_profile.Attributes.points",
    "Store": "_profile.Attributes.store",
    "Source": "_profile.Attributes.source",
    "LastOrder": "_profile.Attributes.lastOrder",
}
TYPES = {
    "FirstName": "NAME",
    "LastName": "NAME",
    "Email": "EMAIL_ADDRESS",
    "Phone": "PHONE_NUMBER",
    "Mobile": "PHONE_NUMBER",
}
KEYS = {
    "RowId": (["UNIQUE"], ["RowId"]),
    "_email": (["PROFILE"], ["Email"]),
    "_phone": (["PROFILE", "SECONDARY"], ["Phone"]),
    "Member": ([], ["LastName", "Born"]),
}


def run(*, quick: bool) -> list[str]:
    """Ingest, then ingest some more into a small and into a large file; give the goals missed."""
    large = LARGE // 10 if quick else LARGE
    with tempfile.TemporaryDirectory(prefix="customer-profiles-") as folder:
        small_file, large_file = Path(folder, "small.db"), Path(folder, "large.db")
        missed = _ingesting(small_file, Path(folder, "floor.db"))
        chunks = _load(large_file, large)
        missed += _loaded(large_file, chunks, large)
        return missed + _growing(small_file, large_file, large, rounds=11 if quick else 41)


def row(number: int) -> dict[str, Any]:
    """Give the object of that number; two neighbours are of one customer."""
    customer = person(number // 2)
    address = customer.address
    found = {
        "RowId": f"row-{number}",
        "FirstName": customer.first_name,
        "MiddleName": customer.middle_name or "",
        "LastName": customer.last_name,
        "Email": customer.email_address,
        "Phone": customer.phone_number,
        "Mobile": customer.mobile_phone_number or "",
        "Born": f"19{number // 2 % 90 + 10}-01-02",
        "Company": "Market Street Bakery",
        "Street": address and address.address1,
        "City": address and address.city,
        "State": address and address.state,
        "Country": address and address.country,
        "PostalCode": address and address.postal_code,
        "Note": "prefers to be called in the morning",
        "Tier": ("gold", "silver", "bronze")[number % 3],
        "Points": number % 10_000,
        "Store": f"store {number % 97}",
        "Source": ("crm", "shop")[number % 2],
        "LastOrder": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
    }
    return {name: value for name, value in found.items() if value != ""}


def _domain(cp: CustomerProfiles) -> Domain:
    shop = cp.domains.create("shop", default_expiration_days=366)
    shop.object_types.put(
        "Customer",
        fields={
            name: ObjectTypeField(
                source=f"_source.{name}", target=target, content_type=TYPES.get(name, "STRING")
            )
            for name, target in TARGETS.items()
        },
        keys={
            name: [ObjectTypeKey(standard_identifiers=identifiers, field_names=fields)]
            for name, (identifiers, fields) in KEYS.items()
        },
        allow_profile_creation=True,
    )
    return shop


def _load(path: Path, size: int) -> list[float]:
    """Put that many objects; give the seconds that each chunk took, without making them up."""
    taken = []
    with CustomerProfiles.embedded(path) as cp:
        objects = _domain(cp).objects("Customer")
        for begin in track(range(0, size, CHUNK), f"ingesting {size:,}", console=console):
            rows: list[JsonObject] = [row(number) for number in range(begin, begin + CHUNK)]
            begun = time.perf_counter()
            objects.put_many(rows)
            taken.append(time.perf_counter() - begun)
    return taken


def _floor(path: Path, rows: Sequence[dict[str, Any]]) -> float:
    """Write and read JSON and store it, ten objects in a transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS objects (id INTEGER PRIMARY KEY, body TEXT)")
    begun = time.perf_counter()
    for begin in range(0, len(rows), 10):
        connection.execute("BEGIN IMMEDIATE")
        for one in rows[begin : begin + 10]:
            text = json.dumps(one)
            connection.execute("INSERT INTO objects (body) VALUES (?)", (text,))
            json.loads(text)
        connection.execute("COMMIT")
    taken = time.perf_counter() - begun
    connection.close()
    return taken


def _ingesting(small: Path, floor: Path) -> list[str]:
    """Ingest the first objects into a new file, beside the floor."""
    rows = [row(number) for number in range(CHUNK)]
    seconds = median(_load(small, SMALL)) / CHUNK
    least = median(_floor(floor, rows) for _ in range(3)) / CHUNK
    cells = (duration(seconds), f"{1 / seconds:,.0f}", f"{seconds / least:.1f}")
    line = Line(f"{SMALL:,} objects", cells, 1 / seconds, Goal(OBJECTS_A_SECOND, unit=" a second"))
    heads = ("an object", "a second", "x JSON and INSERT alone")
    return show("Ingesting into a file", heads, [line])


def _loaded(path: Path, chunks: Sequence[float], size: int) -> list[str]:
    rate = size / sum(chunks)
    megabytes = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6
    cells = (f"{sum(chunks):.0f} s", f"{rate:,.0f}", f"{megabytes:.0f} MB")
    line = Line(f"{size:,} objects", cells, rate, Goal(OBJECTS_A_SECOND, unit=" a second"))
    return show("Ingesting many into a file", ("took", "a second", "file"), [line])


def _growing(small: Path, large: Path, size: int, rounds: int) -> list[str]:
    """Ingest in turn into both files."""
    with CustomerProfiles.embedded(small) as few, CustomerProfiles.embedded(large) as many:
        stores = {SMALL: few.domain("shop"), size: many.domain("shop")}
        variants = [
            Variant(str(stored), _putting(shop, stored), CALLS) for stored, shop in stores.items()
        ]
        timings = in_turn(variants, rounds)
    small_timing, large_timing = timings[str(SMALL)], timings[str(size)]
    ratio = large_timing.median / small_timing.median
    low, high = small_timing.spread(large_timing)
    medians = duration(small_timing.median), duration(large_timing.median)
    cpu = small_timing.times_less_cpu_than(large_timing)
    cells = (*medians, f"{ratio:.2f}", f"{low:.2f} - {high:.2f}", f"{cpu:.2f}")
    line = Line("put_many of 100", cells, ratio, Goal(TIMES_SLOWER, at_least=False))
    title = f"Medians with {SMALL:,} and with {size:,} objects stored"
    return show(title, (f"{SMALL:,}", f"{size:,}", "x", "half of the rounds", "x CPU"), [line])


def _putting(shop: Domain, stored: int) -> Callable[[], object]:
    objects, numbers = shop.objects("Customer"), count(stored, 100)

    def put() -> object:
        begin = next(numbers)
        return objects.put_many([row(number) for number in range(begin, begin + 100)])

    return put

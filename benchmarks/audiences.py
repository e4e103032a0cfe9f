"""What segments, calculated attributes and streams cost by the number of profiles stored.

Each size has a file of its own, loaded once. A segment of three conditions, which a tenth of the
profiles satisfies, is counted, asked about 100 profiles and written as a CSV; S3 and Kinesis are an
object that counts what it gets. Beside that, the same objects are ingested in turn into a domain
without calculated attributes, into one with five, and into one with an event stream.
"""

from __future__ import annotations

import json
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
from customer_profiles.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = (10_000, 100_000, 1_000_000)
BATCH = 2_000
BUYERS, ORDERS = 100, 100
TIERS = ("gold", "silver", "bronze", "none")
STATISTICS = ("SUM", "AVERAGE", "COUNT", "MAXIMUM", "LAST_OCCURRENCE")
PUTS = 100
"""Objects in a round of ingestion."""
ESTIMATE, MEMBERSHIP, SNAPSHOT = "estimate of 3 conditions", "membership of 100", "snapshot of 10 %"
CALCULATED, ONE, MANY = "estimate with a calculated one", "value of 1 profile", "value of 100"
GOALS = {ESTIMATE: 2.0, MEMBERSHIP: 0.02, SNAPSHOT: 10.0, ONE: 0.001, MANY: 0.05}
"""The seconds that each may take at the largest size."""
ROUNDS = {ESTIMATE: 5, MEMBERSHIP: 21, SNAPSHOT: 3, CALCULATED: 3, ONE: 41, MANY: 21}
KEPT_WITH_DEFINITIONS, KEPT_WITH_STREAM = 0.95, 0.75
"""How much of its rate ingestion must keep."""
ROLE = "arn:aws:iam::000000000000:role/exports"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/changes"
ORDER = {
    "Description": "Orders",
    "Fields": {
        name: {"Source": f"_source.{name}"} for name in ("id", "who", "total", "status", "placedAt")
    },
    "Keys": {
        "OrderId": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        "_email": [{"StandardIdentifiers": ["PROFILE", "LOOKUP_ONLY"], "FieldNames": ["who"]}],
    },
}


def run(*, quick: bool) -> list[str]:
    """Measure at each size, and ingestion; return the goals that were missed."""
    sizes = [size // 10 for size in SIZES] if quick else list(SIZES)
    with tempfile.TemporaryDirectory(prefix="customer-profiles-") as folder:
        costs = [_costs(Path(folder, f"{size}.db"), size) for size in sizes]
        missed = _growth(sizes, costs)
        return missed + _ingestion(Path(folder), rounds=11 if quick else 41)


class CountingSession:
    """A session whose clients accept everything, as S3 and Kinesis do, and count it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.bytes = 0
        self.records = 0

    def client(self, _service: Any, /, *_args: Any, **_options: Any) -> CountingSession:
        """Return itself: it answers the requests of all services."""
        return self

    def put_object(self, **members: Any) -> dict[str, Any]:
        """Count the bytes of a file."""
        body = members.get("Body", b"")
        self.bytes += len(body if isinstance(body, bytes | str) else body.read())
        return {}

    def upload_fileobj(self, file: Any, *_args: Any, **_options: Any) -> None:
        """Count the bytes of a file that comes in parts."""
        self.put_object(Body=file)

    def put_records(self, **members: Any) -> dict[str, Any]:
        """Count the records of a batch, and accept each."""
        self.records += len(members["Records"])
        accepted = [{"SequenceNumber": "1", "ShardId": "shardId-0"} for _ in members["Records"]]
        return {"FailedRecordCount": 0, "Records": accepted}

    def describe_stream_summary(self, **_members: Any) -> dict[str, Any]:
        """Describe a stream that is ready."""
        return {"StreamDescriptionSummary": {"StreamStatus": "ACTIVE", "StreamARN": STREAM}}


# --- what is asked ---


def _ask(engine: Engine, operation: str, **members: Any) -> Any:
    return json.loads(engine.answer(operation, {"DomainName": "shop", **members}))


def _condition(operator: str, *values: str) -> dict[str, Any]:
    return {"DimensionType": operator, "Values": list(values)}


def _groups(*dimensions: dict[str, Any]) -> dict[str, Any]:
    return {"Groups": [{"Type": "ALL", "Dimensions": list(dimensions)}]}


THREE = (
    {"ProfileAttributes": {"Address": {"City": _condition("INCLUSIVE", "Seattle")}}},
    {"ProfileAttributes": {"Attributes": {"tier": _condition("INCLUSIVE", "gold", "silver")}}},
    {"ProfileAttributes": {"EmailAddress": _condition("ENDS_WITH", "@example.com")}},
)
SPENT = {"CalculatedAttributes": {"sum": _condition("GREATER_THAN", "500")}}


def _estimate(engine: Engine, *dimensions: dict[str, Any]) -> int:
    """Return how many profiles satisfy conditions."""
    made = _ask(engine, "CreateSegmentEstimate", SegmentQuery=_groups(*dimensions))
    return int(_finished(engine, "GetSegmentEstimate", EstimateId=made["EstimateId"])["Estimate"])


def _snapshot(engine: Engine, number: int) -> None:
    made = _ask(
        engine,
        "CreateSegmentSnapshot",
        SegmentDefinitionName="tenth",
        DataFormat="CSV",
        DestinationUri=f"s3://exports/{number}",
        RoleArn=ROLE,
    )
    snapshot = {"SegmentDefinitionName": "tenth", "SnapshotId": made["SnapshotId"]}
    _finished(engine, "GetSegmentSnapshot", **snapshot)


def _finished(engine: Engine, operation: str, **members: Any) -> Any:
    """Return the answer about work that the engine does after the request."""
    while True:
        engine.run_due()
        answer = _ask(engine, operation, **members)
        if answer["Status"] in ("SUCCEEDED", "COMPLETED"):
            return answer
        if answer["Status"] == "FAILED":
            raise RuntimeError(answer)
        time.sleep(0.001)


def _value(engine: Engine, profile_id: str) -> None:
    _ask(
        engine,
        "GetCalculatedAttributeForProfile",
        CalculatedAttributeName="sum",
        ProfileId=profile_id,
    )


def _values(engine: Engine, profile_ids: list[str]) -> None:
    operation = "BatchGetCalculatedAttributeForProfile"
    _ask(engine, operation, CalculatedAttributeName="sum", ProfileIds=profile_ids)


def _membership(engine: Engine, profile_ids: list[str]) -> None:
    operation = "GetSegmentMembership"
    _ask(engine, operation, SegmentDefinitionName="tenth", ProfileIds=profile_ids)


# --- what is stored ---


def _domain(engine: Engine, definitions: tuple[str, ...]) -> None:
    _ask(engine, "CreateDomain", DefaultExpirationDays=366)
    _ask(engine, "PutProfileObjectType", ObjectTypeName="Order", **ORDER)
    for statistic in definitions:
        _ask(
            engine,
            "CreateCalculatedAttributeDefinition",
            CalculatedAttributeName=statistic.lower(),
            AttributeDetails={"Attributes": [{"Name": "total"}], "Expression": "{Order.total}"},
            Statistic=statistic,
            Conditions={
                "Range": {
                    "Value": 90,
                    "Unit": "DAYS",
                    "TimestampSource": "{Order.placedAt}",
                    "TimestampFormat": "EPOCHMILLI",
                }
            },
            Filter={
                "Include": "ALL",
                "Groups": [
                    {
                        "Type": "ALL",
                        "Dimensions": [
                            {"Attributes": {"status": _condition("EXCLUSIVE", "cancelled")}}
                        ],
                    }
                ],
            },
        )


def _members(number: int) -> dict[str, Any]:
    return person(number)._to_wire() | {"Attributes": {"tier": TIERS[number % len(TIERS)]}}


def _load(engine: Engine, size: int) -> Iterator[str]:
    """Create that many profiles, and yield their ids."""
    for begin in track(range(0, size, BATCH), f"loading {size:,}", console=console):
        records = [_members(number) for number in range(begin, min(begin + BATCH, size))]
        while records:
            outcomes = engine.create_profiles("shop", records)
            yield from map(str, outcomes)
            records = records[len(outcomes) :]


def _order(number: int, buyer: int, now: float) -> str:
    order = {
        "id": f"order-{number}",
        "who": person(buyer).email_address,
        "total": f"{number % 50}.25",
        "status": "cancelled" if number % 10 == 0 else "paid",
        "placedAt": int(1000 * (now - number % 120 * 86_400)),
    }
    return json.dumps(order)


# --- the parts ---


def _costs(path: Path, size: int) -> dict[str, tuple[float, float]]:
    """Return the seconds that each takes at a size, by the clock and by the processor."""
    with Engine(path, session=CountingSession()) as engine:
        _domain(engine, STATISTICS)
        ids = [*_load(engine, size)]
        buyers, now = range(0, size, size // BUYERS), time.time()
        orders = [
            _order(number, buyer, now)
            for number, buyer in enumerate(buyer for buyer in buyers for _ in range(ORDERS))
        ]
        while orders:
            orders = orders[len(engine.put_objects("shop", "Order", orders)) :]
        _ask(
            engine,
            "CreateSegmentDefinition",
            SegmentDefinitionName="tenth",
            DisplayName="A tenth of the profiles",
            SegmentGroups=_groups(*THREE),
        )
        if abs((found := _estimate(engine, *THREE)) - size / 10) > size / 100:
            message = f"the segment has {found:,} of {size:,} profiles"
            raise RuntimeError(message)
        sample, numbers = [ids[buyer] for buyer in buyers], count()
        calls: dict[str, Callable[[], object]] = {
            ESTIMATE: lambda: _estimate(engine, *THREE),
            CALCULATED: lambda: _estimate(engine, *THREE[:1], SPENT),
            MEMBERSHIP: lambda: _membership(engine, sample),
            SNAPSHOT: lambda: _snapshot(engine, next(numbers)),
            ONE: lambda: _value(engine, sample[0]),
            MANY: lambda: _values(engine, sample),
        }
        return {name: _medians(call, ROUNDS[name]) for name, call in calls.items()}


def _medians(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    call()
    taken = []
    for _ in range(rounds):
        begun, cpu = time.perf_counter(), time.process_time()
        call()
        taken.append((time.perf_counter() - begun, time.process_time() - cpu))
    return median(wall for wall, _ in taken), median(cpu for _, cpu in taken)


def _growth(sizes: list[int], costs: list[dict[str, tuple[float, float]]]) -> list[str]:
    lines = []
    for name in costs[0]:
        walls = [cost[name][0] for cost in costs]
        cells = (
            *map(duration, walls),
            f"{walls[-1] / walls[-2]:.1f}",
            duration(costs[-1][name][1]),
        )
        goal = GOALS.get(name)
        limit = Goal(goal, at_least=False, unit=" s") if goal else None
        lines.append(Line(name, cells, walls[-1], limit))
    heads = (
        *(f"{size:,} profiles" for size in sizes),
        "growth in the last step",
        "CPU of the last",
    )
    return show("Audiences by the number of profiles", heads, lines)


def _ingestion(folder: Path, rounds: int) -> list[str]:
    """Ingest the same objects in turn, without and with what follows from them."""
    plain, defined, streamed = "without either", "5 calculated attributes", "an event stream"
    kept = {defined: KEPT_WITH_DEFINITIONS, streamed: KEPT_WITH_STREAM}
    session = CountingSession()
    engines = {
        name: Engine(folder / f"{number}.ingested.db", session=session)
        for number, name in enumerate((plain, defined, streamed))
    }
    for name, engine in engines.items():
        _domain(engine, STATISTICS if name == defined else ())
        if name == streamed:
            _ask(engine, "CreateEventStream", EventStreamName="changes", Uri=STREAM)
        engine.create_profiles("shop", [_members(number) for number in range(BUYERS)])
    timings = in_turn(
        [Variant(name, _putting(engine), 1) for name, engine in engines.items()], rounds
    )
    for engine in engines.values():
        engine.close()
    lines = []
    for name, timing in timings.items():
        share = timing.times_faster_than(timings[plain])
        low, high = timing.spread(timings[plain])
        cpu = timing.times_less_cpu_than(timings[plain])
        rate = f"{PUTS / timing.median:,.0f}"
        cells = (rate, f"{share:.2f}", f"{low:.2f} - {high:.2f}", f"{cpu:.2f}")
        # A goal of a few per cent needs the steadier of the two ratios.
        lines.append(Line(name, cells, cpu, Goal(kept[name]) if name in kept else None))
    missed = show(
        "Ingesting objects, one request each",
        ("a second", "x without", "half of the rounds", "x CPU"),
        lines,
    )
    console.print(f"The stream got {session.records:,} records.")
    return missed


def _putting(engine: Engine) -> Callable[[], object]:
    numbers, now = count(), time.time()

    def put() -> None:
        for _ in range(PUTS):
            number = next(numbers)
            text = _order(number, number % BUYERS, now)
            _ask(engine, "PutProfileObject", ObjectTypeName="Order", Object=text)
        engine.run_due()

    return put

"""Searches over HTTP from one core, beside a get of the same customer from moto's server.

The server runs on one core and the client on another, over connections that are kept open. On a
machine that does other work too, the requests a second of processor time tell more than those a
second of the clock.
"""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path
from typing import Any

import boto3

from benchmarks.people import people
from benchmarks.report import Goal, Line, duration, show
from benchmarks.served import Served, load, moto_served, served, wait_for
from benchmarks.survivor import served_survivors
from customer_profiles import CustomerProfiles

STORED = 1_000
KILLS = 3
REGION = "us-east-1"


def run(*, quick: bool) -> list[str]:
    """Measure searches, their times at half of the load, and moto's gets; give the goals missed."""
    seconds = 2.0 if quick else 8.0
    with tempfile.TemporaryDirectory(prefix="customer-profiles-") as name:
        folder = Path(name)
        ours, half = _ours(folder, seconds)
        writes = _writes(folder, seconds)
        moto = _moto(folder, seconds)
        missed = _killing(folder, 1 if quick else KILLS)
    ratio = ours["of_cpu"] / moto["of_cpu"]
    heads = ("requests/s", "of CPU time", "p50", "p99")
    title = "Over HTTP, from one core"
    return missed + show(
        title,
        heads,
        [
            _line("SearchProfiles", ours, ours["of_cpu"], Goal(2_500, unit="/s of CPU")),
            _line("SearchProfiles at half of that", half, half["p99"] * 1e3, Goal(10, False, "ms")),  # noqa: FBT003
            _line("CreateProfile", writes),
            _line("moto_server get_item", moto, ratio, Goal(5, unit="x as many searches")),
        ],
    )


def _killing(folder: Path, rounds: int) -> list[str]:
    """Kill the server under load again and again, and look for what it acknowledged."""
    lines = []
    for attempt in range(rounds):
        told, kept = served_survivors(folder / "killed.db", told=1000 * (attempt + 1))
        lost = Goal(0, at_least=False, unit=" lost")
        cells = (f"{told:,}", f"{kept:,}")
        lines.append(Line(f"kill -9, round {attempt + 1}", cells, float(told - kept), lost))
    heads = ("acknowledged", "found")
    return show("Creates over HTTP after kill -9 of the server", heads, lines)


def _line(
    name: str, measured: dict[str, Any], figure: float | None = None, goal: Goal | None = None
) -> Line:
    cells = (
        f"{measured['rate']:,.0f}",
        f"{measured['of_cpu']:,.0f}",
        duration(measured["p50"]),
        duration(measured["p99"]),
    )
    return Line(name, cells, figure, goal)


def _measure(server: Served, file: Path, seconds: float, rate: float = 0.0) -> dict[str, Any]:
    before = server.cpu
    measured = load(server.port, file, seconds=seconds, rate=rate)
    if measured["failed"] or not measured["count"]:
        message = f"{measured['failed']} of {measured['count']} requests failed"
        raise RuntimeError(message)
    return {**measured, "of_cpu": measured["count"] / (server.cpu - before)}


def _ours(folder: Path, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    with CustomerProfiles.embedded(folder / "shop.db") as cp:
        profiles = cp.domains.create("shop", default_expiration_days=366).profiles
        for customer in people(STORED):
            profiles.create(customer)
    bodies = [
        {"KeyName": "_email", "Values": [customer.email_address]} for customer in people(STORED)
    ]
    file = _written(folder / "searches", "/domains/shop/profiles/search", bodies)
    with served("--db", str(folder / "shop.db")) as server:
        _measure(server, file, 1.0)
        full = _measure(server, file, seconds)
        return full, _measure(server, file, seconds, rate=full["rate"] / 2)


def _writes(folder: Path, seconds: float) -> dict[str, Any]:
    bodies = [customer._to_wire() for customer in people(STORED, STORED)]
    file = _written(folder / "creates", "/domains/shop/profiles", bodies)
    with served("--db", str(folder / "shop.db")) as server:
        return _measure(server, file, seconds)


def _moto(folder: Path, seconds: float) -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    key = {"HashKey": "EmailAddress"}
    with moto_served(port) as server:
        wait_for(server.url)
        client: Any = boto3.client(
            *("dynamodb", REGION),
            endpoint_url=server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        client.create_table(
            TableName="customers",
            KeySchema=[{"AttributeName": key["HashKey"], "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key["HashKey"], "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for customer in people(100):
            item = {name: {"S": value} for name, value in customer._to_wire().items()
                    if isinstance(value, str)}  # fmt: skip
            client.put_item(TableName="customers", Item=item)
        client.close()
        bodies = [
            {"TableName": "customers", "Key": {"EmailAddress": {"S": customer.email_address}}}
            for customer in people(100)
        ]
        headers = (
            "X-Amz-Target: DynamoDB_20120810.GetItem\r\n"
            "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/dynamodb/"
            "aws4_request, SignedHeaders=host, Signature=0\r\n"
        )
        file = _written(folder / "gets", "/", bodies, headers)
        return _measure(server, file, seconds)


def _written(file: Path, path: str, bodies: list[dict[str, Any]], headers: str = "") -> Path:
    """Write the bytes of requests to a file, one JSON text a line."""
    lines = []
    for body in bodies:
        text = json.dumps(body)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
        lines.append(json.dumps(f"{head}Content-Length: {len(text)}\r\n\r\n{text}"))
    file.write_text("\n".join(lines))
    return file

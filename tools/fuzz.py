"""Send requests made from the service's model, valid and damaged, to an engine in memory.

Usage: python tools/fuzz.py [--requests 100000] [--seed 0] [--only NUMBER] [--socket]

It prints the exceptions, the answers with status 500 and above (501 excepted) and the requests
that took the most CPU time, each with its number, which `--only` repeats. With `--socket` they go
to a server of an engine on a file, some with damaged HTTP as well; a request that gets no answer
within 20 seconds, and one that is refused and changes the file, are failures too.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from customer_profiles import _wire
from customer_profiles.engine import Engine, ManualClock
from customer_profiles.engine.doors.server import Server
from customer_profiles.engine.service import protocol, registry

HUGE = 250_000
NOT_BUILT = 501
# Each is repeated up to the size of the largest object, or nested as deeply.
UNITS = ("1", "a", " ", ".", "{", "{{", "}", "[", "'", '"', ",", ":", "-", "\n", "\\", "1.", "a ",
         "{{#if _source.a}}", "{{#each _source.a}}", "{{!--", "${", "arn:aws:kms:", "\u00e9",
         "\u3042", "\U0001f600", "\0", "e9", "_source.", "a@", "../")  # fmt: skip
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, -(10**18), 0.5, 1e308, -0.0),
    *(float("nan"), float("inf"), "", " ", "\0", "\ud800", "a\ud800", "x" * 256, "NaN", "null"),
    *([], {}, [None], [[]], {"": ""}, {"a": None}, {"\ud800": "a"}, ["a"] * 300),
)
URLS = ("http://[", "//[::", "/%", "/%00", "/domains/%ff", "/domains/\ud800", "", "/" * 5_000,
        "http://\u2100/", "?", "/domains?max-results=" + "9" * 4_301, "/domains/a%2Fb/profiles",
        "/domains?next-token=%F0%28", "/domains?" + "a=b&" * 5_000)  # fmt: skip
ODD_HEADERS = tuple(f"{line}\r\n" for line in (
    "content-encoding: aws-chunked", "origin: null", "content-length: 5", "x-a: " + "a" * 300_000,
    "authorization: AWS4-HMAC-SHA256 a", "\0: a", "upgrade: h2c\r\nconnection: upgrade",
    "sec-fetch-site: cross-site", "expect: 100-continue", "transfer-encoding: gzip"))  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "", "get", "\ud800")
# Values by which requests find what earlier ones made.
KNOWN: dict[str, tuple[str, ...]] = {
    "DomainName": ("shop",) * 9 + ("other",),
    "ObjectTypeName": ("Crm", "Crm", "CTR", "_profile", "Other"),
    "KeyName": ("_email", "_account", "_fullName", "_phone", "_profileId", "loyalty"),
    "TemplateId": ("Salesforce-Account", "CTR"),
    "Source": ("_source.id", "_source.a[].b", "{{_source.id}}", "{{#if _source.a}}b{{/if}}"),
    "Target": ("_profile.AccountNumber", "_profile.Attributes.a", "_case.Title", "_order.Items.x"),
    "SourceLastUpdatedTimestampFormat": ("EpochMilli", "yyyy-MM-dd'T'HH:mm:ssXXX"),
    "ScheduleExpression": ("rate(5 minutes)", "cron(0 12 * * ? *)", "cron(0 12 L-3 * 2#6 2100)"),
    "resourceArn": ("arn:aws:profile:us-east-1:000000000000:domains/shop",),
    "Object": ('{"id":"1","mail":"a@x.org"}', '{"id":1e400}', "{}", "[1]", '{"id":' + "9" * 5_000),
}
PATTERNED = ("shop", "Crm", "10:30", "arn:aws:iam::1:role/a", "arn:aws:kms:a:1:key/a", "0" * 32,
             "arn:aws:profile:us-east-1:0:domains/shop", "a-b", "a.b")  # fmt: skip
TYPE = {
    "Description": "Customers",
    "AllowProfileCreation": True,
    "Fields": {
        "id": {"Source": "_source.id", "Target": "_profile.AccountNumber", "ContentType": "NUMBER"},
        "mail": {"Source": "_source.mail", "ContentType": "EMAIL_ADDRESS"},
    },
    "Keys": {"own": [{"StandardIdentifiers": ["PROFILE", "UNIQUE"], "FieldNames": ["id"]}]},
}

Request = tuple[str, str, dict[str, str], bytes | str]


class Requests:
    """Requests of a seed; each depends on its number and on the ids that answers gave."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.profile_ids = ["0" * 32]
        self._random = random.Random()

    def make(self, number: int) -> tuple[str, Request]:
        """Return the operation and the request with a number."""
        self._random.seed(f"{self.seed} {number}")
        names = sorted(registry.OPERATIONS)
        if self._random.random() < 0.02:
            names = list(_wire.service().operation_names)
        name = self._random.choice(names)
        if name.startswith("Delete") and self._random.random() < 0.8:
            name = self._random.choice(("CreateProfile", "PutProfileObject", "PutIntegration"))
        shape: Any = _wire.operation(name).input_shape
        members = self._value(shape, name, 0)
        for _ in range(self._random.choice((0, 0, 0, 1, 3))):
            members = self._mutated(members)
        if not isinstance(members, dict):
            members = {"": members}
        return name, self._damaged(self._request(name, shape, members))

    def _value(self, shape: Any, name: str, depth: int) -> Any:  # noqa: PLR0911 - one for each kind
        dice = self._random
        if shape.type_name == "structure":
            wanted = [
                member
                for member in shape.members
                if member in shape.required_members
                or dice.random() < (0.1 if member == "NextToken" else 0.6 / (depth + 1))
            ]
            return {key: self._value(shape.members[key], key, depth + 1) for key in wanted}
        if shape.type_name in {"list", "map"}:
            count = max(shape.metadata.get("min", 0), dice.choice((0, 1, 1, 2)))
            if shape.type_name == "list":
                return [self._value(shape.member, name, depth + 1) for _ in range(count)]
            return {
                self._text(shape.key, ""): self._value(shape.value, name, depth + 1)
                for _ in range(count)
            }
        if shape.type_name == "string":
            return self._text(shape, name)
        if shape.type_name == "boolean":
            return dice.random() < 0.7
        if shape.type_name in {"integer", "long"}:
            return shape.metadata.get("min", 0) + dice.choice((0, 1, 5))
        return dice.choice((0, 0.5, 1_700_000_000, 1))

    def _text(self, shape: Any, name: str) -> str:
        dice = self._random
        if enum := shape.metadata.get("enum"):
            return dice.choice(enum)
        if "ProfileId" in name or shape.metadata.get("pattern") == "[a-f0-9]{32}":
            return dice.choice(self.profile_ids)
        if name in KNOWN and dice.random() < 0.9:
            return dice.choice(KNOWN[name])
        fitting = [text for text in PATTERNED if _fits(text, shape)]
        if shape.metadata.get("pattern") and fitting:
            return dice.choice(fitting)
        text = dice.choice(("Ada", "ada@x.org", "+1 206 555 0100", "1.50", "a", dice.choice(UNITS)))
        if dice.random() < 0.02:
            text *= shape.metadata.get("max", 1_000) // len(text)
        return text

    def _mutated(self, value: Any) -> Any:  # noqa: PLR0911 - one for each kind
        """Replace, remove or add one value somewhere in a request."""
        dice = self._random
        if isinstance(value, dict) and value and dice.random() < 0.85:
            key = dice.choice(list(value))
            chance = dice.random()
            if chance < 0.05:
                return {name: inner for name, inner in value.items() if name != key}
            if chance < 0.1:
                return {**value, dice.choice((key + "s", "", "x" * 300, "\ud800")): value[key]}
            if chance < 0.12:
                return {**value, **{f"k{number}": "a" for number in range(2_000)}}
            return {**value, key: self._mutated(value[key])}
        if isinstance(value, list) and value and dice.random() < 0.7:
            if dice.random() < 0.2:
                return value * dice.choice((2, 200))
            position = dice.randrange(len(value))
            return [*value[:position], self._mutated(value[position]), *value[position + 1 :]]
        chance = dice.random()
        if chance < 0.2:
            unit = dice.choice(UNITS)
            return dice.choice(("", "1", "{", "_source.")) + unit * (
                dice.choice((100, 1_000, HUGE)) // len(unit)
            ) + dice.choice(("", "x", "}", "."))  # fmt: skip
        if chance < 0.3:
            return _nested(dice.choice((5, 70, 200, 500, 800, 985)), as_list=dice.random() < 0.5)
        if isinstance(value, str) and chance < 0.4:
            return value[: len(value) // 2]
        return dice.choice(ODD)

    def _request(self, name: str, shape: Any, members: dict[str, Any]) -> Request:
        http = _wire.operation(name).http
        url, query, body = http["requestUri"], [], dict(members)
        for member, inner in shape.members.items():
            location, key = (inner.serialization.get(part) for part in ("location", "name"))
            if member not in body or location is None:
                continue
            value = body.pop(member)
            values = value if isinstance(value, list) else [value]
            texts = [quote(_written(item), "", errors="replace") for item in values]
            if location == "uri":
                url = url.replace(f"{{{key or member}}}", ",".join(texts))
            elif location == "querystring":
                query += [f"{key}={text}" for text in texts]
        url += f"?{'&'.join(query)}" if query else ""
        return http["method"], url, {}, _written(body).encode()

    def _damaged(self, request: Request) -> Request:  # noqa: PLR0911 - one for each kind
        """Damage one request in ten: its method, its URL or its bytes."""
        method, url, headers, body = request
        dice = self._random
        chance = dice.random()
        if chance < 0.01:
            return dice.choice(METHODS), url, headers, body
        if chance < 0.03:
            return method, dice.choice(URLS), headers, body
        if chance < 0.05:
            return method, url + dice.choice(URLS), headers, body
        if chance < 0.07:
            return method, url, headers, body[: dice.randrange(len(body) + 1)]
        if chance < 0.09:
            flipped = bytearray(body or b"{}")
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
            return method, url, headers, bytes(flipped)
        if chance < 0.1:
            depth = dice.choice((500, 985, 100_000))
            return method, url, headers, dice.choice(("[" * depth, '{"a":' * depth, "\ud800", "1"))
        return request


def _written(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except (ValueError, RecursionError):
        # Python writes neither integers of several thousand digits nor what is nested too deeply.
        return "9" * 5_000


def _fits(text: str, shape: Any) -> bool:
    return not _wire.problems(text, shape)


def _nested(depth: int, *, as_list: bool) -> Any:
    value: Any = "a"
    for _ in range(depth):
        value = [value] if as_list else {"a": value}
    return value


@dataclass
class Report:
    """The results of a run."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: list[tuple[float, int, str]] = field(default_factory=list)


def run(seed: int, numbers: range, *, by_socket: bool = False) -> Report:
    """Send requests to an engine in memory, or to a server."""
    report, requests = Report(), Requests(seed)
    with _by_socket(seed) if by_socket else _in_process() as (engine, send):
        for number in numbers:
            if number % 20 == 0 or number == numbers.start:
                _restore(engine)
            name, request = requests.make(number)
            began = time.process_time()
            try:
                status, headers, body = send(request)
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                report.failures.append(f"{number} {name}: {type(error).__name__}: {error}"[:300])
                continue
            entry = (time.process_time() - began, number, name)
            report.slowest = heapq.nlargest(10, [*report.slowest, entry])
            report.statuses[status] += 1
            if status >= 500 and status != NOT_BUILT:
                report.failures.append(f"{number} {name}: {status} {body[:200]!r}")
            elif headers["content-length"] != str(len(body)) or not isinstance(
                json.loads(body), dict
            ):
                report.failures.append(f"{number} {name}: no JSON object in the answer")
            elif name == "CreateProfile" and status == 200:
                requests.profile_ids = [*requests.profile_ids[-20:], json.loads(body)["ProfileId"]]
    return report


Send = Callable[[Request], protocol.Response]


@contextmanager
def _in_process() -> Iterator[tuple[Engine, Send]]:
    with Engine(clock=ManualClock(), strict=True) as engine:
        yield engine, lambda request: engine.handle(*request)


@contextmanager
def _by_socket(seed: int) -> Iterator[tuple[Engine, Send]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Engine(Path(folder) / "shop.db", clock=ManualClock(), strict=True) as engine,
        Server(engine, port=0, run_due_every=None) as server,
        closing(Line(server.port, seed)) as line,
        closing(sqlite3.connect(Path(folder) / "shop.db")) as watcher,
    ):

        def version() -> int:
            # It changes whenever another connection changes the file.
            return int(watcher.execute("PRAGMA data_version").fetchone()[0])

        def send(request: Request) -> protocol.Response:
            while engine._context.is_working:  # noqa: SLF001 - what is accepted may take longer
                time.sleep(0.001)
            before = version()
            response = line.send(request)
            if response[0] >= 400 and version() != before:
                message = f"{response[0]} {response[2][:200]!r}, but the file has changed"
                raise AssertionError(message)
            return response

        yield engine, send


class Line:
    """A connection to a server, which is opened again when the server closes it."""

    def __init__(self, port: int, seed: int) -> None:
        """Connect to a port of this machine."""
        self._port = port
        self._random = random.Random(seed)
        self._socket, self._stream = self._open()

    def send(self, request: Request) -> protocol.Response:
        """Send a request, and return its answer.

        Raises:
            OSError: no answer came in time.
        """
        is_over = True
        try:
            # What is refused before all of it was sent has an answer nevertheless.
            with suppress(ConnectionError):
                self._socket.sendall(self._encoded(request))
            response = self._read()
            is_over = response[1].get("connection") == "close"
        finally:
            if is_over:
                self.close()
                self._socket, self._stream = self._open()
        return response

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()

    def _open(self) -> tuple[socket.socket, BinaryIO]:
        opened = socket.create_connection(("127.0.0.1", self._port), timeout=20)
        return opened, opened.makefile("rb")

    def _encoded(self, request: Request) -> bytes:
        """Write a request as HTTP, one in fifty with damaged bytes or an odd framing."""
        method, url, headers, body = request
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        framing = f"content-length: {len(content)}\r\n"
        chance = self._random.random()
        if chance < 0.1:
            half = len(content) // 2
            framing = "transfer-encoding: chunked\r\n"
            content = b"".join(
                b"%x\r\n%b\r\n" % (len(piece), piece)
                for piece in (content[:half], content[half:], b"")
                if piece or not half or piece is not content[:half]
            )
        if chance < 0.01:
            framing += self._random.choice(ODD_HEADERS)
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {url} HTTP/1.1\r\nhost: localhost\r\n{fields}{framing}"
        # A connection is not used again after bytes that may be the beginning of another request.
        head += "connection: close\r\n" if chance < 0.02 else ""
        data = bytearray(f"{head}\r\n".encode("utf-8", "surrogatepass") + content)
        if 0.01 < chance < 0.02:
            data[self._random.randrange(min(len(data), 80))] ^= 1 << self._random.randrange(8)
            data += b"\r\n" * 4
        return bytes(data)

    def _read(self) -> protocol.Response:
        line = self._stream.readline()
        if not line:
            message = "the connection was closed without an answer"
            raise ConnectionError(message)
        status, headers = int(line.split()[1]), dict[str, str]()
        if status == 100:
            self._stream.readline()
            return self._read()
        while line := self._stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self._stream.read(int(headers["content-length"]))
        return status, headers, body


def _restore(engine: Engine) -> None:
    """Create the domain and its object type again, which requests may have deleted."""
    domain = json.dumps({"DefaultExpirationDays": 30}).encode()
    engine.handle("POST", "/domains/shop", {}, domain)
    engine.handle("PUT", "/domains/shop/object-types/Crm", {}, json.dumps(TYPE).encode())


def main() -> None:
    """Run what the command line says, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--socket", action="store_true")
    options = parser.parse_args()
    numbers = range(options.requests)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    report = run(options.seed, numbers, by_socket=options.socket)
    print("statuses:", dict(sorted(report.statuses.items())))
    print("failures:", len(report.failures), *report.failures[:50], sep="\n  ")
    print("slowest:")
    for seconds, number, name in report.slowest:
        print(f"  {seconds:.3f} s CPU: {number} {name}")
    if report.failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

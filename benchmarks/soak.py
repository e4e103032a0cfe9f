"""Mixed traffic on a server for minutes: its memory, descriptors and threads must stay flat.

Usage: python -m benchmarks.soak [--minutes 10] [--signed]

Customers and their objects are created, searched, changed, merged and deleted, so that the data
stay about as large; some requests are refused, some connections are cut in the middle. The first
third of the time warms up; the last third is compared with the second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import socket
import tempfile
import threading
import time
from collections import Counter, deque
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.people import person
from benchmarks.served import Served, served

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 4
KEPT = 200
_NUMBER = re.compile(r"^(VmRSS|Threads):\s+(\d+)", re.MULTILINE)
KEY, SECRET = "AKIDSOAK", "secret"
OBJECT_TYPE = {
    "Description": "Orders",
    "AllowProfileCreation": True,
    "Fields": {
        "id": {"Source": "_source.id", "ContentType": "STRING"},
        "mail": {"Source": "_source.mail", "Target": "_profile.EmailAddress",
                 "ContentType": "EMAIL_ADDRESS"},
    },
    "Keys": {
        "order": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        "_email": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["mail"]}],
    },
}  # fmt: skip


class Sample(NamedTuple):
    """What a process uses."""

    megabytes: float
    descriptors: int
    threads: int


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The server answered with another status than 200."""


class Worker(threading.Thread):
    """A client that sends one request after the other."""

    def __init__(self, server: Served, number: int, end: float, *, signed: bool) -> None:
        super().__init__(daemon=True)
        self.statuses: Counter[int] = Counter()
        self.problems: list[str] = []
        self._server, self._number, self._end, self._signed = server, number, end, signed
        self._dice = random.Random(number)
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._kept: deque[tuple[str, str]] = deque()
        self._made = 0

    def run(self) -> None:
        """Send until the time is over."""
        while time.monotonic() < self._end:
            try:
                self._step()
            except Refused as error:
                self.problems.append(str(error))
            except (OSError, HTTPException) as error:
                self.problems.append(f"{type(error).__name__}: {error}")
                self._connection.close()
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _step(self) -> None:
        chance = self._dice.random()
        if len(self._kept) < KEPT or chance < 0.2:
            self._create()
        elif chance < 0.6:
            mail = self._dice.choice(self._kept)[1]
            self.ask("POST", "/profiles/search", {"KeyName": "_email", "Values": [mail]})
        elif chance < 0.7:
            ids = [profile_id for profile_id, _ in self._dice.sample(self._kept, 5)]
            self.ask("POST", "/batch-get-profiles", {"ProfileIds": ids})
        elif chance < 0.8:
            body = {"ProfileId": self._dice.choice(self._kept)[0], "LastName": str(chance)}
            self.ask("PUT", "/profiles", body)
        elif chance < 0.87:
            self._put_object()
        elif chance < 0.9:
            self._merge()
        elif chance < 0.95:
            self.ask("GET", "", expected=200)
            self.ask("GET", "/nowhere", expected=404)
        elif chance < 0.97:
            self._connection.close()
        else:
            self._cut()
        while len(self._kept) > KEPT:
            self._remove(self._kept.popleft()[0])

    def _create(self) -> None:
        self._made += 1
        customer = person(self._made * WORKERS + self._number)._to_wire()
        answer = self.ask("POST", "/profiles", customer)
        self._kept.append((answer["ProfileId"], customer["EmailAddress"]))

    def _put_object(self) -> None:
        order = {"id": f"{self._number}-{self._made}", "mail": self._dice.choice(self._kept)[1]}
        body = {"ObjectTypeName": "Order", "Object": json.dumps(order)}
        self.ask("PUT", "/profiles/objects", body)

    def _merge(self) -> None:
        kept, gone = self._kept.popleft(), self._kept.popleft()
        body = {"MainProfileId": kept[0], "ProfileIdsToBeMerged": [gone[0]]}
        self.ask("POST", "/profiles/objects/merge", body)
        self._remove(kept[0])

    def _remove(self, profile_id: str) -> None:
        self.ask("POST", "/profiles/delete", {"ProfileId": profile_id})

    def _cut(self) -> None:
        """Leave in the middle of a request, and before the answer of another one."""
        head = b"POST /domains/shop/profiles/search HTTP/1.1\r\nHost: localhost\r\n"
        for data in (head, head + b"Content-Length: 100\r\n\r\n{", head * 50):
            with socket.create_connection(("127.0.0.1", self._server.port), timeout=60) as cut:
                cut.sendall(data)

    def ask(
        self, method: str, path: str, body: object = None, *, expected: int = 200
    ) -> dict[str, Any]:
        """Send a request about the domain, and return the answer."""
        url = f"/domains/shop{path}"
        content = b"" if body is None else json.dumps(body).encode()
        headers = self._signature(method, url, content) if self._signed else {}
        self._connection.request(method, url, content, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self.statuses[answer.status] += 1
        if answer.status != expected:
            message = f"{answer.status} {method} {path}: {text[:200]!r}"
            raise Refused(message)
        read: dict[str, Any] = json.loads(text)
        return read

    def _signature(self, method: str, url: str, content: bytes) -> dict[str, str]:
        nonce = {"X-Nonce": str(self._dice.getrandbits(64))}
        request = AWSRequest(method, f"{self._server.url}{url}", nonce, content)
        SigV4Auth(Credentials(KEY, SECRET), "profile", "us-east-1").add_auth(request)
        return dict(request.headers.items())


def sample(pid: int) -> Sample:
    """Return what a process uses now."""
    status = Path(f"/proc/{pid}/status").read_text()
    numbers = {name: int(number) for name, number in _NUMBER.findall(status)}
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    return Sample(numbers["VmRSS"] / 1024, descriptors, numbers["Threads"])


def samples(pid: int, end: float) -> Iterator[Sample]:
    """Take a sample each second."""
    while time.monotonic() < end:
        time.sleep(1)
        yield sample(pid)


def growth(taken: list[Sample]) -> list[str]:
    """Describe what has grown from the second third to the last."""
    third = len(taken) // 3
    second, last = taken[third : 2 * third], taken[2 * third :]
    before, after = (median(item.megabytes for item in part) for part in (second, last))
    problems = []
    if after > before * 1.05 + 4:
        problems.append(f"memory grew from {before:.0f} to {after:.0f} MB")
    for name in ("descriptors", "threads"):
        before, after = (max(getattr(item, name) for item in part) for part in (second, last))
        # Connections that were cut may be closed a moment later than the next are opened.
        if after > before + 8:
            problems.append(f"{name} grew from {before} to {after}")
    return problems


def soak(minutes: float, *, signed: bool) -> list[str]:
    """Run the traffic, print what was measured, and give what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        auth = ("--auth", f"{KEY}={SECRET}") if signed else ()
        with served("--db", f"{folder}/shop.db", "--region", "us-east-1", *auth) as server:
            first = Worker(server, 0, 0, signed=signed)
            first.ask("POST", "", {"DefaultExpirationDays": 30})
            first.ask("PUT", "/object-types/Order", OBJECT_TYPE)
            first.close()
            end = time.monotonic() + minutes * 60
            workers = [Worker(server, number, end, signed=signed) for number in range(WORKERS)]
            for worker in workers:
                worker.start()
            taken = list(samples(server.process.pid, end))
            for worker in workers:
                worker.join()
            problems = growth(taken)
    statuses = sum((worker.statuses for worker in workers), Counter[int]())
    problems += [problem for worker in workers for problem in worker.problems][:20]
    print(f"{statuses.total():,} requests, {statuses.total() / minutes / 60:,.0f} a second:",
          dict(statuses))  # fmt: skip
    for number in range(0, len(taken), max(len(taken) // 10, 1)):
        item = taken[number]
        print(f"{number:5} s  {item.megabytes:6.1f} MB  {item.descriptors:4} descriptors  "
              f"{item.threads:3} threads")  # fmt: skip
    return problems


def main() -> int:
    """Run what the command line says; 1 if something has grown or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--signed", action="store_true")
    options = parser.parse_args()
    problems: list[str] = []
    with contextlib.suppress(KeyboardInterrupt):
        problems = soak(options.minutes, signed=options.signed)
    print("\n".join(problems) or "flat")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())

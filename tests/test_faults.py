"""What calls do when the network, a proxy or the service misbehaves; writes the table of it.

`python -m tests.test_faults` writes docs/reference/faults.md from what the calls do.
"""

from __future__ import annotations

import gzip
import json
import pickle
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from unittest.mock import patch

import boto3
import botocore.endpoint
import pytest
from botocore.config import Config

from customer_profiles import (
    AwsChannel,
    CustomerProfiles,
    CustomerProfilesError,
    EngineChannel,
    RetryPolicy,
)
from customer_profiles.engine import Engine
from tests.serving import Answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[1] / "docs/reference/faults.md"
MARK = "KEPT-FROM-ERRORS"
HTML = f"<html><body>{MARK}</body></html>".encode()
A, B = "a" * 32, "b" * 32
GOOD = json.dumps(
    {
        "ProfileId": A,
        "ProfileObjectUniqueKey": "k",
        "Message": "OK",
        "Items": [],
        "DomainName": "shop",
        "CreatedAt": 1,
        "LastUpdatedAt": 2,
        "Note": MARK,
    }
).encode()
OWN_ATTEMPTS, GIVEN_ATTEMPTS = 3, 2


def refused(status: int, code: str, message: str = "no") -> Answer:
    return status, {"x-amzn-errortype": code}, json.dumps({"message": message}).encode()


def page(status: int, body: bytes = HTML) -> Answer:
    return status, {"content-type": "text/html"}, body


def cut() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(GOOD) + 9)
    yield GOOD


def chunks() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    yield b"%x\r\n%b" % (len(GOOD) + 9, GOOD)


def dripping() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(GOOD)
    for start in range(0, len(GOOD), 16):
        time.sleep(0.15)
        yield GOOD[start : start + 16]


def silent() -> Iterator[bytes]:
    time.sleep(0.15)
    yield b""


CONCURRENT = "Failed to update profile due to concurrent update in-progress."
FAULTS: dict[str, Callable[[], Answer]] = {
    "closes the connection without an answer": lambda: None,
    "does not answer before the read time-out": silent,
    "answers byte by byte, beyond the deadline": dripping,
    "answers with what is not HTTP": lambda: [MARK.encode() * 9],
    "400 `BadRequestException`": lambda: refused(400, "BadRequestException"),
    f"400 `BadRequestException`: {CONCURRENT}": lambda: refused(
        400, "BadRequestException", CONCURRENT
    ),
    "400 `RequestTimeout`": lambda: refused(400, "RequestTimeout"),
    "400 `Throttling`": lambda: refused(400, "Throttling"),
    "400, HTML": lambda: page(400),
    "403 `AccessDeniedException`": lambda: refused(403, "AccessDeniedException"),
    "403 `ExpiredToken`": lambda: refused(403, "ExpiredToken"),
    "403 `SignatureDoesNotMatch`": lambda: refused(403, "SignatureDoesNotMatch"),
    "403, HTML": lambda: page(403),
    "404 `ResourceNotFoundException`": lambda: refused(404, "ResourceNotFoundException"),
    "404, HTML": lambda: page(404),
    "404, JSON that is a list": lambda: (404, {}, b'["%b"]' % MARK.encode()),
    "429 `ThrottlingException`": lambda: refused(429, "ThrottlingException"),
    "429, empty": lambda: page(429, b""),
    "429, HTML": lambda: page(429),
    "500 `InternalServerException`": lambda: refused(500, "InternalServerException"),
    "500 `InternalFailure`": lambda: refused(500, "InternalFailure"),
    "500, empty": lambda: page(500, b""),
    "500, HTML": lambda: page(500),
    "500, not UTF-8": lambda: page(500, b"\xff\xfe" + MARK.encode()),
    "501 `NotImplemented`": lambda: refused(501, "NotImplemented"),
    "502, HTML": lambda: page(502),
    "503 `ServiceUnavailable`": lambda: refused(503, "ServiceUnavailable"),
    "503 `SlowDown`": lambda: refused(503, "SlowDown"),
    "503, empty": lambda: page(503, b""),
    "504, HTML": lambda: page(504),
    "302, HTML": lambda: page(302),
    "200, shorter than its Content-Length": cut,
    "200, a chunk that is cut short": chunks,
    "200, cut JSON": lambda: (200, {}, GOOD[:-9]),
    "200, JSON cut after an inner object": lambda: (
        200,
        {},
        b'{"Items":[{"ProfileId":"%b"}' % A.encode(),
    ),
    "200, HTML": lambda: page(200),
    "200, JSON as text/html": lambda: page(200, GOOD),
    "200, random bytes": lambda: (200, {}, b"\x00\x9c\x80" + MARK.encode()),
    "200, empty": lambda: (200, {}, b""),
    "200, `null`": lambda: (200, {}, b"null"),
    "200, `[]`": lambda: (200, {}, b"[]"),
    "200, not UTF-8": lambda: (200, {}, GOOD[:-1] + b',"x":"\xff"}'),
    "200, gzip that is not announced": lambda: (200, {}, gzip.compress(GOOD)),
    "200, deeply nested JSON": lambda: (200, {}, b'{"Items":' + b"[" * 10**5 + b"]" * 10**5 + b"}"),
    "200, none of the operation's members": lambda: (200, {}, b'{"%b":1}' % MARK.encode()),
}
NO_CONNECTION = "cannot be connected to"
Calls: TypeAlias = "tuple[Callable[[CustomerProfiles], object], ...]"
CALLS: dict[str, Calls] = {
    "read": (
        lambda cp: cp.domains.get("shop"),
        lambda cp: cp.domain("shop").profiles.search(email="a").first(),
    ),
    "put, update, delete": (
        lambda cp: cp.domain("shop").objects("Order").put("{}"),
        lambda cp: cp.domain("shop").profiles.update(A, first_name="Ada"),
        lambda cp: cp.domain("shop").profiles.delete(A),
    ),
    "create": (lambda cp: cp.domain("shop").profiles.create(first_name="Ada"),),
    "merge": (lambda cp: cp.domain("shop").profiles.merge(A, B),),
}


class Outcome(NamedTuple):
    """How a call ended, and after how many of its own requests."""

    error: CustomerProfilesError | None
    requests: int

    def __str__(self) -> str:
        """Return the cell of the table."""
        end = "success" if self.error is None else f"`{type(self.error).__name__}`"
        return f"{end} ({self.requests})"


class Server:
    """Answers with a fault, as often as it is told to, and then properly."""

    def __init__(self) -> None:
        self.url, self.fault, self.left, self.seen = "", FAULTS["500, empty"], 0, list[str]()

    def __call__(self, _method: str, url: str, _headers: object, _body: bytes) -> Answer:
        self.seen.append(url)
        self.left -= 1
        return self.fault() if self.left >= 0 else (200, {}, GOOD)

    def run(self, call: Callable[[], object], fault: str, times: int) -> Outcome:
        self.left, self.seen = times, []
        if fault != NO_CONNECTION:
            self.fault = FAULTS[fault]
        try:
            call()
        except CustomerProfilesError as error:
            # A request whose deadline is over may reach this server's thread later.
            end = time.monotonic() + 5
            while fault != NO_CONNECTION and self.count() < error.attempts:
                assert time.monotonic() < end, "a request that was sent did not arrive"
                time.sleep(0.005)
            return Outcome(error, self.count())
        return Outcome(None, len(self.seen))

    def count(self) -> int:
        """Return how many requests came, look-ups of profiles aside."""
        return sum("batch-get" not in url for url in self.seen)


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    server = Server()
    pause = SimpleNamespace(sleep=lambda _: None)
    with serving(server) as server.url, patch.object(botocore.endpoint, "time", pause):
        yield server


def connect(server: Server, fault: str) -> list[CustomerProfiles]:
    """Return our own client, a client of a user's, and such a client with our retries."""
    url = "http://127.0.0.1:1" if fault == NO_CONNECTION else server.url
    deadline = 0.35 if fault.startswith("answers byte by byte") else 60.0
    retry = RetryPolicy(attempts=OWN_ATTEMPTS, base=0, deadline=deadline, budget=None)
    retries: Any = {"mode": "standard", "total_max_attempts": GIVEN_ATTEMPTS}
    patience = 0.05 if fault.startswith("does not answer") else 60
    config = Config(read_timeout=patience, retries=retries)
    where: Any = {"endpoint_url": url, "config": config}
    client = boto3.client("customer-profiles", region_name="us-east-1", **where)
    return [
        CustomerProfiles(region="us-east-1", retry=retry, **where),
        CustomerProfiles(client=client),
        CustomerProfiles(client=client, retry=retry),
    ]


def row(server: Server, fault: str) -> list[Outcome]:
    """Return what each kind of call does on our own client and on a user's."""
    cells = list[Outcome]()
    clients = connect(server, fault)
    for calls in CALLS.values():
        own, passed, taken_over = (outcome_of(server, fault, calls, cp) for cp in clients)
        assert str(taken_over) == str(own)
        cells += [own, passed]
    return cells


def outcome_of(server: Server, fault: str, calls: Calls, cp: CustomerProfiles) -> Outcome:
    """Return what calls of a kind do, after checks of what does not fit in a cell."""
    outcomes = []
    for call in calls:
        outcome = server.run(partial(call, cp), fault, 10**6)
        outcomes.append(outcome)
        check(outcome)
        if outcome.requests > 1:
            # What is repeated succeeds as soon as the fault is over.
            assert server.run(partial(call, cp), fault, 1) == (None, 2)
    assert len(set(map(str, outcomes))) == 1, outcomes
    return outcomes[0]


def check(outcome: Outcome) -> None:
    """Check that an error counts its requests and holds nothing of the answer."""
    if outcome.error is None:
        return
    if outcome.requests:
        assert outcome.error.attempts == outcome.requests
    seen, waiting = [repr(pickle.dumps(outcome.error))], list[BaseException | None]([outcome.error])
    while waiting:
        if (error := waiting.pop()) is not None:
            seen += [str(error), repr(error), repr(error.args), repr(vars(error))]
            waiting += [error.__cause__, error.__context__]
    assert MARK not in "\n".join(seen), seen


def line(fault: str, cells: list[Outcome]) -> str:
    return f"| {fault} | {' | '.join(map(str, cells))} |"


@pytest.mark.parametrize("fault", [NO_CONNECTION, *FAULTS])
def test_a_fault_has_the_outcome_that_the_docs_name(server: Server, fault: str) -> None:
    assert line(fault, row(server, fault)) in PAGE.read_text(encoding="utf-8").splitlines(), (
        "run python -m tests.test_faults"
    )


def test_the_table_has_a_line_for_each_fault_and_no_other() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    named = [text.split(" | ")[0][2:] for text in lines if text.startswith("| ")]

    assert named[1:] == [NO_CONNECTION, *FAULTS]


INJECTED: dict[str, dict[str, Any]] = {
    "closes the connection without an answer": {"lose_answer": True},
    "400 `BadRequestException`": {"error": "bad_request"},
    f"400 `BadRequestException`: {CONCURRENT}": {"error": "concurrent_update"},
    "400 `RequestTimeout`": {"error": "RequestTimeout", "status": 400},
    "400 `Throttling`": {"error": "Throttling", "status": 400},
    "403 `AccessDeniedException`": {"error": "access_denied"},
    "403 `ExpiredToken`": {"error": "ExpiredToken", "status": 403},
    "404 `ResourceNotFoundException`": {"error": "not_found"},
    "429 `ThrottlingException`": {"error": "throttling"},
    "500 `InternalServerException`": {"error": "internal_error"},
    "503 `ServiceUnavailable`": {"error": "unavailable"},
    "503 `SlowDown`": {"error": "SlowDown", "status": 503},
}
"""The faults of the table that an engine injects."""


@pytest.mark.parametrize("fault", INJECTED)
@pytest.mark.parametrize("door", ["in process", "hook"])
def test_an_injected_fault_has_the_outcome_of_a_real_one(fault: str, door: str) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = next(text for text in lines if text.startswith(f"| {fault} |")).split(" | ")[1::2]
    retry = RetryPolicy(attempts=OWN_ATTEMPTS, base=0, budget=None)
    with Engine() as engine:
        channel: Any = EngineChannel(engine)
        if door == "hook":
            channel = AwsChannel(region="us-east-1")
            engine.attach(channel.client)
        cp = CustomerProfiles(channel=channel, retry=retry)
        ends = {
            call: injected(engine, cp, call, fault) for calls in CALLS.values() for call in calls
        }
    for kind, cell in zip(CALLS, cells, strict=True):
        assert {str(ends[call]) for call in CALLS[kind]} == {cell.rstrip(" |")}


def injected(
    engine: Engine, cp: CustomerProfiles, call: Callable[[CustomerProfiles], object], fault: str
) -> Outcome:
    """Return how a call ends on an engine that always has a fault."""
    rule = engine.faults.on(**INJECTED[fault], when=lambda wire: "ProfileIds" not in wire)
    with rule, engine.faults.on("BatchGetProfile", error="internal_error"):
        try:
            call(cp)
        except CustomerProfilesError as error:
            return Outcome(error, rule.hits)
    return Outcome(None, rule.hits)


INTRODUCTION = f"""# Faults

What a call does when the server, or something on the way to it, does the same thing again and
again: the error and, in brackets, how often the request was sent. The tests send every fault over
HTTP and write this table (`python -m tests.test_faults`).

* *own*: the client that `CustomerProfiles()` makes, with `RetryPolicy(attempts={OWN_ATTEMPTS})`.
  `CustomerProfiles(client=…, retry=…)` does the same.
* *passed*: `CustomerProfiles(client=…)` with a client whose `retries` are
  `{{"mode": "standard", "total_max_attempts": {GIVEN_ATTEMPTS}}}`. botocore repeats creates and
  merges too; the message of the `AmbiguousWriteError` says how often they were sent.

Whatever is sent several times succeeds if a repetition succeeds. A merge whose outcome is unknown
is looked up, and sent again if it did not happen; here the look-up failed too.

"""


def write() -> None:
    """Write the page."""
    titles = [f"{kind}: {whose}" for kind in CALLS for whose in ("own", "passed")]
    server = Server()
    with (
        serving(server) as server.url,
        patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None)),
    ):
        rows = [line(fault, row(server, fault)) for fault in (NO_CONNECTION, *FAULTS)]
    head = [f"| the server | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    PAGE.write_text(INTRODUCTION + "\n".join((*head, *rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()

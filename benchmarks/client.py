"""An HTTP client that does nothing but send prepared requests and time the answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import deque
from itertools import cycle
from pathlib import Path

CONNECTIONS = 8
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TICK = 0.001


class Load:
    """What is sent, and what was measured."""

    def __init__(self, requests: list[bytes], rate: float, seconds: float) -> None:
        self.requests = cycle(requests)
        self.rate = rate
        self.end = time.perf_counter() + seconds
        self.times: list[float] = []
        self.failed = 0
        self.due: deque[float] = deque()
        self.idle: deque[Connection] = deque()

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() >= self.end

    async def tick(self) -> None:
        """Send at the rate; what finds no connection waits, and its waiting counts."""
        begun, sent = time.perf_counter(), 0
        while not self.is_over:
            while sent < (time.perf_counter() - begun) * self.rate:
                self.due.append(begun + sent / self.rate)
                sent += 1
            while self.due and self.idle:
                self.idle.popleft().send(self.due.popleft())
            await asyncio.sleep(_TICK)


class Connection(asyncio.Protocol):
    """A connection, which is kept as long as the server keeps it."""

    def __init__(self, load: Load, port: int) -> None:
        self._load, self._port = load, port
        self._received = b""
        self._size = -1
        self._since = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to send."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def send(self, since: float) -> None:
        """Send the next request, which was due at a time."""
        assert self._transport is not None
        self._since = since
        self._transport.write(next(self._load.requests))

    def _next(self) -> None:
        load = self._load
        if load.rate and not load.due:
            load.idle.append(self)
        elif load.rate:
            self.send(load.due.popleft())
        elif not load.is_over:
            self.send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        """Time an answer once all of it is there."""
        self._received += data
        if self._size < 0 and (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, head)
            self._size = head + 4 + (int(length[1]) if length else 0)
        if 0 <= self._size <= len(self._received):
            self._load.times.append(time.perf_counter() - self._since)
            self._load.failed += not self._received.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
            is_closing = b"connection: close" in self._received[: self._size].lower()
            self._received, self._size = b"", -1
            if not is_closing:
                self._next()

    def connection_lost(self, _: Exception | None) -> None:
        """Connect again, if the server closes every connection."""
        if not self._load.is_over:
            loop = asyncio.get_running_loop()
            self._again = loop.create_task(connect(self._load, self._port))


async def connect(load: Load, port: int) -> None:
    """Open a connection that sends requests."""
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: Connection(load, port), "127.0.0.1", port)


async def run(port: int, requests: list[bytes], rate: float, seconds: float) -> Load:
    """Send requests until the time is over."""
    load = Load(requests, rate, seconds)
    for _ in range(CONNECTIONS):
        await connect(load, port)
    if rate:
        await load.tick()
    while not load.is_over:  # noqa: ASYNC110 - the time is over, whatever happens
        await asyncio.sleep(0.05)
    return load


def main() -> None:
    """Send what the command line says, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("requests", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    lines = options.requests.read_text().splitlines()
    requests = [json.loads(line).encode("latin-1") for line in lines]
    load = asyncio.run(run(options.port, requests, options.rate, options.seconds))
    times = sorted(load.times) or [0.0]
    measured = {
        "count": len(load.times),
        "failed": load.failed,
        "rate": len(load.times) / options.seconds,
        "p50": times[len(times) // 2],
        "p99": times[int(len(times) * 0.99)],
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()

"""A raw client of a server, which sends what no SDK would send."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from customer_profiles.engine import Engine
from customer_profiles.engine.doors.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Answer(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str | None:
        return self.headers.get("x-amzn-errortype")


class Raw:
    """A connection on which bytes are sent as they are."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._stream = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request, and return its answer."""
        fields = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"{method} {url} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)
        return self.read(method)

    def read(self, method: str = "GET") -> Answer:
        """Read one answer."""
        status = int(self._stream.readline().split()[1])
        headers = {}
        while (line := self._stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return Answer(status, headers, self._stream.read(length))

    def is_closed(self) -> bool:
        """Return whether the server has closed the connection."""
        return self._stream.read(1) == b""

    def close(self) -> None:
        self._stream.close()
        self.socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers of one engine in memory, which has the domain `shop`."""
    with Engine(strict=True) as engine:
        engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
        servers: list[Server] = []

        def start(**options: Any) -> Server:
            servers.append(Server(engine, port=0, **{"run_due_every": None, **options}))
            return servers[-1].start()

        yield start
        for server in servers:
            server.stop()


@pytest.fixture
def connect() -> Iterator[Callable[[Server], Raw]]:
    """Open raw connections, which are closed at the end."""
    opened: list[Raw] = []

    def open_one(server: Server) -> Raw:
        opened.append(Raw(server.port))
        return opened[-1]

    yield open_one
    for raw in opened:
        raw.close()

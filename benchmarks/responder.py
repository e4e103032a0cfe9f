"""A service that answers canned bodies, in a process of its own and far faster than any client.

Its first line of output is its port. The domain in a request's path names the body.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.bodies import bodies

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOMAIN = re.compile(rb"^[A-Z]+ /domains/([a-z0-9]+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@contextlib.contextmanager
def responding(delay: float = 0.0) -> Iterator[str]:
    """Start a responder that waits `delay` seconds before each answer, and give its URL."""
    command = [sys.executable, "-m", "benchmarks.responder", "--delay", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _answers() -> dict[bytes, bytes]:
    return {name.encode(): _answer(body) for name, body in bodies().items()}


def _answer(body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Responder(asyncio.Protocol):
    """One connection, kept open for request after request."""

    def __init__(self, answers: dict[bytes, bytes], delay: float) -> None:
        self._answers = answers
        self._delay = delay
        self._unread = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send at once, whatever the size: Nagle's wait would be measured as ours."""
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request; the rest waits for more."""
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head = self._unread[:end]
            length = _LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._unread) < size:
                return
            self._unread = self._unread[size:]
            self._reply(head)

    def _reply(self, head: bytes) -> None:
        domain = _DOMAIN.match(head)
        answer = self._answers.get(domain[1]) if domain else None
        if answer is None:
            self._transport.abort()
        elif self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def _serve(delay: float) -> None:
    answers = _answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Responder(answers, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    asyncio.run(_serve(parser.parse_args().delay))

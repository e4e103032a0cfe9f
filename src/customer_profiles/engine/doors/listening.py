"""uvicorn, with limits on what a client may send and how long it may take."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .application import ABORT
from .receiver import UPLOADS

if TYPE_CHECKING:
    import socket
    import ssl

    from .application import Application, Limits

# The application logs its own faults, and uvicorn's text of an exception may quote a customer.
_log: logging.Logger = logging.getLogger("customer_profiles.engine.uvicorn")
_log.setLevel(logging.CRITICAL)
_CHECK_EVERY = 1.0
_LONGEST_STOP = 20


class _HeadTooLongError(Exception):
    """The first line and the headers of a request exceed the limit."""


class _Connection(HttpToolsProtocol):
    """A connection of a client, which must send its requests in time and within limits."""

    limits: Limits

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Not uvicorn's loggers: those are the program's own, if it uses uvicorn too.
        self.access_log = False
        self.logger = _log

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.extensions = {ABORT: transport.abort}
        # None while no request is being received.
        self.receiving_since: float | None = self.loop.time()
        self.writing_since: float | None = None
        self.head_bytes = 0
        self.is_in_head = True
        self.is_upload = False
        if len(self.connections) > self.limits.connections:
            self.refuse(503, "ThrottlingException", "Too many connections at a time")

    def data_received(self, data: bytes) -> None:
        if self.receiving_since is None:
            self.receiving_since = self.loop.time()
        if self.is_in_head:
            self.head_bytes += len(data)
        elif self.is_upload:
            # A large file may take long, as long as some of it arrives.
            self.receiving_since = self.loop.time()
        super().data_received(data)
        # The parser keeps a header that has not ended to itself.
        if self.is_in_head and self.head_bytes > self.limits.head_bytes:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.receiving_since is None:
            self.receiving_since = self.loop.time()
        cast("dict[str, Any]", self.scope)["extensions"] = self.extensions

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        if self.head_bytes > self.limits.head_bytes:
            head = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if head > self.limits.head_bytes:
                raise _HeadTooLongError
        self.head_bytes = 0
        self.is_upload = self.url.startswith(UPLOADS.encode())
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.receiving_since = None
        self.is_in_head = True

    def pause_writing(self) -> None:
        super().pause_writing()
        self.writing_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.writing_since = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text is no JSON
        """Refuse what the parser could not read."""
        if self.head_bytes > self.limits.head_bytes:
            limit = self.limits.head_bytes
            message = f"The first line and the headers are longer than {limit} bytes"
            self.refuse(431, "BadRequestException", message)
        else:
            self.refuse(400, "BadRequestException", "The request is not valid HTTP")

    def refuse(self, status: int, code: str, message: str) -> None:
        """Answer outside of the application, and close the connection."""
        if self.transport.is_closing():
            return
        body = json.dumps({"message": message, "Message": message}).encode()
        head = (
            f"HTTP/1.1 {status} \r\nx-amzn-errortype: {code}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        # Before the first request there is no cycle.
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            # What came after a whole request is wrong; the request itself will be answered.
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        # An answer that has begun cannot be replaced.
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(head.encode() + body)
        self.transport.close()

    def check_time(self, now: float) -> None:
        """Close the connection of a client that sends or reads too slowly."""
        longest = self.limits.receive_seconds
        if self.receiving_since is not None and now - self.receiving_since > longest:
            self.refuse(408, "BadRequestException", f"No request within {longest:g} s")
        elif self.writing_since is not None and now - self.writing_since > longest:
            self.transport.abort()


class HttpServer(uvicorn.Server):
    """uvicorn's server, which another thread starts and stops."""

    def __init__(
        self, application: Application, limits: Limits, tls: ssl.SSLContext | None
    ) -> None:
        protocol = type("_LimitedConnection", (_Connection,), {"limits": limits})
        super().__init__(
            uvicorn.Config(
                application,
                http=protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                workers=1,
                log_config=None,
                log_level=None,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=int(limits.idle_seconds),
                timeout_graceful_shutdown=_LONGEST_STOP,
                ssl_context_factory=None if tls is None else lambda *_: tls,
            )
        )
        self._ready = threading.Event()
        self._wake: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until another thread stops the server."""
        try:
            super().run(sockets)
        finally:
            self._ready.set()

    def wait_until_ready(self, thread: threading.Thread, seconds: float) -> bool:
        """Wait until requests are accepted; return whether they are."""
        return self._ready.wait(seconds) and self.started and thread.is_alive()

    def stop(self, *, at_once: bool) -> None:
        """Stop from another thread."""
        self.force_exit: bool = self.force_exit or at_once
        self.should_exit = True
        if self._loop is not None and self._wake is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake.set)

    async def main_loop(self) -> None:
        """Do what is due each second until the server stops."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        self._ready.set()
        while not self.should_exit:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _CHECK_EVERY)
            await self.on_tick(0)
            now = self._loop.time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, _Connection):
                    connection.check_time(now)

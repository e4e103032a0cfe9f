"""The ASGI application: HTTP requests are checked, and answered by `Engine.handle`."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles._version import __version__
from customer_profiles.engine.service import protocol
from customer_profiles.engine.service.clock import Clock
from customer_profiles.engine.service.failures import report
from customer_profiles.engine.service.faults import NoAnswerError
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store.database import StorageError

from .access_log import Entry
from .receiver import UPLOADS
from .scopes import Scope
from .signing import Request, credential_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from customer_profiles.engine import Engine

    from .access_log import AccessLog
    from .origins import Gate
    from .scopes import Scopes, SingleEngine
    from .signing import Verifier

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

ABORT = "customer_profiles.abort"
"""The extension of the ASGI scope that closes the connection at once."""
_HEALTH = "/health"
# A file's path has an account, a region and a job.
_UPLOAD_SLASHES, _PIECE = 4, 1 << 20
_LONGEST_CHUNK_HEAD, _MOST_DIGITS, _HEX = 256, 8, frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server accepts; more is refused."""

    body_bytes: int = 10 * 1024 * 1024
    """Bytes of a request's body."""
    head_bytes: int = 192 * 1024
    """Bytes of a request's first line and headers."""
    requests: int = 256
    """Requests at a time; more are answered by a ThrottlingException, which SDKs send again."""
    connections: int = 1_000
    """Connections at a time; more are closed."""
    receive_seconds: float = 30.0
    """The time in which a request must arrive."""
    answer_seconds: float = 60.0
    """The time in which an operation must answer; it is not stopped, but its answer is lost."""
    idle_seconds: float = 75.0
    """The time after which a connection without requests is closed."""


class Application:
    """An ASGI 3 application: the service over HTTP.

    Reads are answered in the event loop, where they take a fraction of a millisecond. Writes,
    which wait for the disk and for other writers, and reads that turn out to be slow go to a few
    threads, so that they delay no other request.
    """

    def __init__(  # noqa: PLR0913 - what the server's options are
        self,
        engines: Scopes | SingleEngine,
        gate: Gate,
        *,
        verifier: Verifier | None = None,
        limits: Limits | None = None,
        access_log: AccessLog | None = None,
        latency: float = 0.0,
        threads: int = 4,
    ) -> None:
        """Answer by these engines what the gate and the verifier let pass."""
        self._engines = engines
        self._gate = gate
        self._verifier = verifier
        self._limits = limits or Limits()
        self._access_log = access_log
        self._latency = latency
        # Apart, so that reads are answered while another process keeps all writers waiting.
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="customer-profiles-read")
        self._writers = ThreadPoolExecutor(threads, thread_name_prefix="customer-profiles-write")
        self._clock = Clock()
        self._running = 0
        self._slow_until: dict[str, float] = {}

    def close(self, *, at_once: bool = False) -> None:
        """Wait for the requests in threads, or begin no more of them."""
        for threads in (self._readers, self._writers):
            threads.shutdown(wait=not at_once, cancel_futures=at_once)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        call = _call_of(scope)
        try:
            response = await self._respond(call, receive)
        except Refusal as refusal:
            response = protocol.refused(refusal, self._clock.new_answer_ids())
            if refusal.status == _THROTTLED:
                # By this server's limits; the service's own throttling has no such header.
                response[1]["retry-after"] = "1"
        except StorageError as error:
            response = self._failed(str(error))
        except NoAnswerError:
            response = None
            await _close(scope, receive)
        except Exception as error:  # noqa: BLE001 - a client must get an answer
            report(error)
            response = self._failed(f"The server failed: {type(error).__name__}; see its log")
        if response is not None:
            await self._send(send, response, call.headers)
        if self._access_log is not None:
            self._access_log.add(_entry(call, response, time.perf_counter() - began))

    async def _respond(self, call: _Call, receive: Receive) -> protocol.Response | None:
        """Return the response to a request; None if the client has left."""
        self._gate.check(call.headers)
        if call.method == "OPTIONS":
            return self._options(call.headers)
        if call.path == _HEALTH:
            return await self._health()
        if self._running >= self._limits.requests:
            # Assumed: more requests at a time than a server's limit are throttled.
            raise Refusal("ThrottlingException", "Too many requests at a time; send it again later")
        self._running += 1
        try:
            if _is_upload(call):
                return await self._receive_file(call, receive)
            body = await self._read_body(receive, call.headers)
            if body is None:
                return None
            engine, scope = await self._engine(call, body)
            uploads_at = partial(_uploads_at, call, scope)
            if self._latency:
                await asyncio.sleep(self._latency)
            if _is_aws_chunked(call.headers):
                body = _without_aws_chunks(body)
            if len(body) <= _SMALL and self._is_quick(engine, call.operation):
                return self._handle_here(engine, call, body)
            return await self._handle_in_thread(engine, call, body, uploads_at)
        finally:
            self._running -= 1

    def _is_quick(self, engine: Engine, operation: str | None) -> bool:
        """Return whether an operation is answered in the event loop."""
        if operation is None or not engine.reads_at_once(operation):
            return False
        until = self._slow_until.get(operation)
        return until is None or until < time.monotonic()

    def _handle_here(self, engine: Engine, call: _Call, body: bytes) -> protocol.Response:
        # Not by the clock: on a busy machine every operation is slow at times.
        began = time.thread_time()
        response = engine.handle(call.verb, call.url, call.headers, body)
        if call.operation is not None and time.thread_time() - began > _SLOW:
            # Answers of many megabytes, for instance; others of this domain may be as large.
            self._slow_until[call.operation] = time.monotonic() + _SLOW_FOR
        return response

    async def _handle_in_thread(
        self, engine: Engine, call: _Call, body: bytes, uploads_at: Callable[[], str]
    ) -> protocol.Response:
        is_read = call.operation is None or engine.reads_at_once(call.operation)
        threads = self._readers if is_read else self._writers
        future = asyncio.get_running_loop().run_in_executor(
            threads, engine.handle, call.verb, call.url, call.headers, body, uploads_at
        )
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._limits.answer_seconds)
        except TimeoutError:
            # It counts as running until it ends, so that they do not pile up.
            self._running += 1
            future.add_done_callback(self._ended)
            seconds = self._limits.answer_seconds
            # Assumed: an operation that exceeds a server's time is an InternalServerException.
            return self._failed(f"No answer within {seconds:g} s; the operation may still succeed")

    def _ended(self, future: asyncio.Future[protocol.Response]) -> None:
        self._running -= 1
        future.exception()

    async def _engine(self, call: _Call, body: bytes) -> tuple[Engine, Scope]:
        """Return the engine of a request's account and region, once its signature is verified."""
        if self._verifier is None:
            credential = credential_of(call.query, call.headers)
        else:
            request = Request(call.method, call.path, call.query, call.headers, body)
            credential = self._verifier.verify(request)
        scope = self._engines.scope_of(credential)
        engine = self._engines.find(scope)
        if engine is None:
            loop = asyncio.get_running_loop()
            engine = await loop.run_in_executor(self._writers, self._engines.open, scope)
        return engine, scope

    async def _receive_file(self, call: _Call, receive: Receive) -> protocol.Response | None:
        """Receive the file of an upload job; its URL is the right to put it.

        It needs no signature, as a presigned URL of S3 needs none beside its own.
        """
        account, region, job_id = call.path.removeprefix(UPLOADS).split("/")
        engine = self._engines.find(Scope(account, region))
        if engine is None:
            # It is opened by the request for a URL, not by anybody who can write one.
            message = "The URL was not made by this server; request the path of the job again"
            raise Refusal("AccessDeniedException", message)
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._writers)
        file = await in_thread(engine.receive_file, job_id, call.query, call.headers)
        with file:
            pieces: list[bytes] = []
            more = True
            while more:
                event = await receive()
                if event["type"] != "http.request":
                    return None
                pieces.append(event.get("body", b""))
                more = event.get("more_body", False)
                if not more or sum(map(len, pieces)) > _PIECE:
                    await in_thread(file.write, b"".join(pieces))
                    pieces.clear()
            confirmed = await in_thread(file.keep)
        status, headers, body = protocol.answered(b"", self._clock.new_answer_ids())
        return status, headers | confirmed, body

    async def _read_body(self, receive: Receive, headers: Mapping[str, str]) -> bytes | None:
        """Return the body of a request; None if the client has left."""
        limit = self._limits.body_bytes
        # Refused before it is read, so that a client that waits for 100 Continue sends nothing.
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdecimal() and (len(length) > 15 or int(length) > limit):  # noqa: PLR2004
            raise _too_long(limit)
        pieces: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                raise _too_long(limit)
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _health(self) -> protocol.Response:
        loop = asyncio.get_running_loop()
        for engine in self._engines.engines:
            await loop.run_in_executor(self._readers, engine.check)
        body = json.dumps({"status": "ok", "version": __version__}).encode()
        return protocol.answered(body, self._clock.new_answer_ids())

    def _options(self, headers: Mapping[str, str]) -> protocol.Response:
        if "access-control-request-method" in headers:
            if not self._gate.allows(headers.get("origin", "")):
                raise Refusal("AccessDeniedException", "This Origin is not allowed")
            return 204, self._gate.preflight(headers), b""
        return 204, {"allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}, b""

    def _failed(self, message: str) -> protocol.Response:
        refusal = Refusal("InternalServerException", message)
        return protocol.refused(refusal, self._clock.new_answer_ids())

    async def _send(
        self, send: Send, response: protocol.Response, headers: Mapping[str, str]
    ) -> None:
        status, fields, body = response
        lines = [
            (name.encode(), value.encode("latin-1"))
            for name, value in fields.items()
            if name != "access-control-allow-origin"
        ]
        if "origin" in headers:
            lines += [
                (name.encode(), value.encode("latin-1"))
                for name, value in self._gate.cors(headers).items()
            ]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})


class _Call(NamedTuple):
    """A request without its body."""

    method: str
    verb: str
    """The method by which the operation is found: GET for a HEAD."""
    path: str
    query: str
    headers: dict[str, str]
    operation: str | None
    scheme: str

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


def _call_of(scope: Message) -> _Call:
    method = scope["method"]
    verb = "GET" if method == "HEAD" else method
    path = _text(scope.get("raw_path") or scope["path"].encode())
    headers = _read_headers(scope["headers"])
    operation = protocol.operation_of(verb, path)
    query, scheme = _text(scope["query_string"]), scope.get("scheme", "http")
    return _Call(method, verb, path, query, headers, operation, scheme)


def _entry(call: _Call, response: protocol.Response | None, seconds: float) -> Entry:
    status, sent, _ = response or (_LEFT, {}, b"")
    return Entry(
        time.time(),
        call.method if call.method in _METHODS else "-",
        call.operation or _entry_of_path(call),
        status,
        round(seconds * 1000, 2),
        sent.get("x-amzn-requestid", "-"),
        sent.get("x-amzn-errortype"),
    )


def _entry_of_path(call: _Call) -> str:
    """Return what the log calls a request that is no operation."""
    if call.path == _HEALTH:
        return "health"
    return "upload" if _is_upload(call) else "-"


def _is_upload(call: _Call) -> bool:
    return (
        call.method == "PUT"
        and call.path.startswith(UPLOADS)
        and call.path.count("/") == _UPLOAD_SLASHES
    )


def _uploads_at(call: _Call, scope: Scope) -> str:
    """Return the URL below which the caller, by the name that it used, can put files."""
    return f"{call.scheme}://{call.headers['host']}{UPLOADS}{scope.account}/{scope.region}"


# A read that takes longer goes to the threads for some seconds, and so does a larger body.
_SLOW, _SLOW_FOR, _SMALL = 0.02, 10.0, 64 * 1024
_THROTTLED = 429
# The status in the log of a request whose client left before it was answered, as nginx has it.
_LEFT = 499
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _close(scope: Message, receive: Receive) -> None:
    """Close the connection without an answer, as an injected fault wants it."""
    scope["extensions"][ABORT]()
    while (await receive())["type"] != "http.disconnect":
        pass


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _read_headers(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _too_long(limit: int) -> Refusal:
    # Assumed: a body that is longer than a server's limit is a BadRequestException.
    return bad_request(f"The body of the request is longer than {limit} bytes")


def _is_aws_chunked(headers: Mapping[str, str]) -> bool:
    return "aws-chunked" in headers.get("content-encoding", "").lower()


def _without_aws_chunks(body: bytes) -> bytes:
    """Return the content of a body whose chunks carry signatures or trailers, as SDKs send them."""
    content = bytearray()
    position = 0
    while 0 <= (line := body.find(b"\r\n", position)) < position + _LONGEST_CHUNK_HEAD:
        digits = body[position:line].partition(b";")[0]
        if not digits.isalnum() or len(digits) > _MOST_DIGITS or not _HEX.issuperset(digits):
            break
        begin = line + 2
        end = begin + int(digits, 16)
        if end == begin:
            return bytes(content)
        content += body[begin:end]
        if body[end : end + 2] != b"\r\n":
            break
        position = end + 2
    raise bad_request("The body is not encoded as aws-chunked, which Content-Encoding names")

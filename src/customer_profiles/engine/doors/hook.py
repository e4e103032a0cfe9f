"""The botocore door: boto3 clients of the service send requests to an engine in this process."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import botocore
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from customer_profiles import _wire
from customer_profiles.engine.service.faults import NoAnswerError, patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from customer_profiles.engine import Engine

    EngineT = TypeVar("EngineT", bound=Engine)


class Caller(NamedTuple):
    """The client that sends a request."""

    region: str
    credentials: Any
    """botocore's credentials; None without any."""


_lock = threading.RLock()
_patched: list[Callable[[Caller], Engine]] = []
"""The active patches, which choose an engine for a client, the innermost last."""
_doors: WeakKeyDictionary[BaseClient, _Door] = WeakKeyDictionary()


class _Body(io.BytesIO):
    """A body with the interface of urllib3's."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the rest of the body at once."""
        yield self.read()


class _Door:
    """The handlers that send a client's requests to its own engine, or the innermost patch's."""

    def __init__(self, client: BaseClient) -> None:
        self.own: list[Engine] = []
        self._region: str = client.meta.region_name
        self._read_timeout: float | None = getattr(client.meta.config, "read_timeout", None)
        # Private to botocore; moto finds the account by the access key.
        self._signer: Any = getattr(client, "_request_signer", None)
        # Without a reference to the client, the door does not keep it alive.
        self._events = client.meta.events
        # Registered first, the engine answers before moto and everyone else.
        self._each("register_first")

    def close(self) -> None:
        self._each("unregister")

    def _each(self, change: str) -> None:
        for event, handler in (("before-send", self._send), ("choose-signer", self._choose_signer)):
            name = f"{event}.{_wire.SERVICE}"
            getattr(self._events, change)(name, handler, unique_id=f"engine-{event}-{id(self)}")

    def _engine(self) -> Engine | None:
        if self.own:
            return self.own[-1]
        for find in _patched[-1:]:
            return find(Caller(self._region, getattr(self._signer, "_credentials", None)))
        return None

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        engine = self._engine()
        if engine is None:
            return None
        body = request.body.read() if hasattr(request.body, "read") else request.body
        arguments = (request.method, request.url, request.headers, body, engine.uploads_at)
        if engine.faults.active:
            try:
                with patience(self._read_timeout):
                    status, headers, answer = engine.handle(*arguments)
            except NoAnswerError as error:
                lost = ReadTimeoutError if error.is_late else ConnectionClosedError
                raise lost(endpoint_url=request.url) from None
        else:
            status, headers, answer = engine.handle(*arguments)
        fields: Any = HeadersDict(headers)
        return AWSResponse(request.url, status, fields, _Body(answer))

    def _choose_signer(self, **_: Any) -> Any:
        # The engine checks no signatures, so that no credentials are needed.
        return botocore.UNSIGNED if self.own or _patched else None


def attach(engine: Engine, client: BaseClient) -> Callable[[], None]:
    """Send a client's requests to an engine; return a function that ends that.

    Raises:
        ValueError: it is a client of another service.
    """
    if client.meta.service_model.service_name != _wire.SERVICE:
        message = f"a client of {client.meta.service_model.service_name} cannot use this engine"
        raise ValueError(message)
    with _lock:
        _door(client).own.append(engine)

    def detach() -> None:
        with _lock:
            door = _doors.get(client)
            if door is not None and engine in door.own:
                door.own.remove(engine)
            _close_unused()

    return detach


@contextmanager
def patch(engine: EngineT) -> Iterator[EngineT]:
    """Send the requests of all clients of the service to an engine, within a `with` block."""
    undo = route(lambda _: engine)
    try:
        yield engine
    finally:
        undo()


def route(find: Callable[[Caller], Engine]) -> Callable[[], None]:
    """Send the requests of all clients to the engines that a function finds; return the undo."""
    with _lock:
        if not _patched:
            _watch_calls()
        _patched.append(find)

    def undo() -> None:
        with _lock:
            _patched.remove(find)
            if not _patched:
                _stop_watching()
            _close_unused()

    return undo


def _door(client: BaseClient) -> _Door:
    if client not in _doors:
        _doors[client] = _Door(client)
    return _doors[client]


def _close_unused() -> None:
    for client, door in list(_doors.items()):
        if not door.own and not _patched:
            door.close()
            del _doors[client]


# Private to botocore, but all calls pass through it, and other mocks rely on this name too.
_CALL = "_make_api_call"
_original: list[Any] = []


def _watch_calls() -> None:
    original = getattr(BaseClient, _CALL)

    def call(self: BaseClient, *args: Any, **kwargs: Any) -> Any:
        if _patched and self.meta.service_model.service_name == _wire.SERVICE:
            with _lock:
                _door(self)
        return original(self, *args, **kwargs)

    _original.append(original)
    setattr(BaseClient, _CALL, call)


def _stop_watching() -> None:
    setattr(BaseClient, _CALL, _original.pop())

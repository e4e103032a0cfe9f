"""A server of the service over HTTP: uvicorn in a thread, around the ASGI application."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, Self

from customer_profiles.engine.service.failures import report
from customer_profiles.engine.store.database import StorageError

from .access_log import AccessLog
from .application import Application, Limits
from .origins import Gate, is_loopback
from .scopes import Scopes, SingleEngine
from .signing import Verifier

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from customer_profiles.engine import Engine

    from .listening import HttpServer

__all__ = ["Limits", "Server", "StartError"]

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_START_SECONDS = 30.0
_PORTS_TRIED = 10
_LAST_PORT = 65_535
_STOP_SECONDS, _HURRY_SECONDS = 30.0, 2.0


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


class Server:
    """The service over HTTP, for every AWS SDK: set its endpoint URL to `url`.

    ```python
    with Server(engine, port=0) as server:
        boto3.client("customer-profiles", endpoint_url=server.url)
    ```

    It runs in a thread of this process. Schedules and jobs of its engines run as long as it does.
    """

    def __init__(  # noqa: PLR0913 - all of them are rarely set
        self,
        engine: Engine | Scopes,
        host: str = "localhost",
        port: int = 4580,
        *,
        keys: Mapping[str, str] | None = None,
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        certificate: str | os.PathLike[str] | None = None,
        private_key: str | os.PathLike[str] | None = None,
        limits: Limits | None = None,
        log_to: TextIO | None = None,
        log_json: bool = False,
        latency: float = 0.0,
        run_due_every: float | None = 1.0,
    ) -> None:
        """Prepare a server, which `start` starts.

        Args:
            engine: the engine that answers for all accounts and regions, or one for each of them.
            host: the name or the address to listen on; `localhost` is 127.0.0.1 and ::1.
            port: the port; 0 chooses a free one.
            keys: the secrets of access keys; requests must be signed by one of them. None accepts
                all requests.
            allowed_hosts: names that requests may have in their Host header, beside `host` and
                the names of loopback.
            allowed_origins: the origins of web pages that may send requests.
            certificate: the file of the TLS certificate and its chain, in PEM.
            private_key: the file of the certificate's key; None if `certificate` contains it.
            limits: what is accepted of a request, and how many at a time.
            log_to: the stream to which each request is logged.
            log_json: log JSON lines.
            latency: seconds by which every answer is delayed.
            run_due_every: seconds between two runs of schedules and jobs that are due; None
                leaves that to `Engine.run_due`.

        Raises:
            ValueError: a host or an origin is not valid.
        """
        self._host, self._port = host, port
        self._engines = engine if isinstance(engine, Scopes) else SingleEngine(engine)
        self._keys = keys
        self._gate = Gate(host, allowed_hosts, allowed_origins)
        self._certificate, self._private_key = certificate, private_key
        self._limits = limits or Limits()
        self._log_to, self._log_json = log_to, log_json
        self._latency = latency
        self._run_due_every = run_due_every
        self._sockets: list[socket.socket] = []
        self._bound = 0
        self._server: HttpServer | None = None
        self._thread: threading.Thread | None = None
        self._application: Application | None = None
        self._access_log: AccessLog | None = None
        self._stopping = threading.Event()
        self._due: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL for clients, once the server is started."""
        scheme = "http" if self._certificate is None else "https"
        if is_loopback(self._host) and self._host != "::1":
            name = "localhost" if self._certificate is not None else "127.0.0.1"
        else:
            name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)  # noqa: S104
        return f"{scheme}://{f'[{name}]' if ':' in name and name[0] != '[' else name}:{self.port}"

    @property
    def port(self) -> int:
        """The port, once the server is started."""
        return self._bound or self._port

    @property
    def engine(self) -> Engine:
        """The engine of requests that name no account and region.

        A server of one engine answers by another when this is set, so that tests can share a
        server.
        """
        return self._engines.engines[0]

    @engine.setter
    def engine(self, engine: Engine) -> None:
        if isinstance(self._engines, Scopes):
            message = "a server with an engine for each account and region keeps them"
            raise TypeError(message)
        self._engines.engine = engine

    def start(self) -> Self:
        """Start the server, which accepts requests when this returns.

        Raises:
            StartError: it cannot start, because the port is in use for instance.
        """
        if self._thread is not None:
            message = "the server was started already"
            raise StartError(message)
        try:
            from .listening import HttpServer
        except ImportError as error:
            message = (
                f'the library {error.name} is missing; run: pip install "customer-profiles[serve]"'
            )
            raise StartError(message) from error
        context = self._tls()
        self._sockets = _listen(self._host, self._port)
        self._bound = int(self._sockets[0].getsockname()[1])
        if self._log_to is not None:
            self._access_log = AccessLog(self._log_to, as_json=self._log_json)
        self._application = Application(
            self._engines,
            self._gate,
            verifier=None if self._keys is None else Verifier(self._keys),
            limits=self._limits,
            access_log=self._access_log,
            latency=self._latency,
        )
        self._server = HttpServer(self._application, self._limits, context)
        self._thread = threading.Thread(
            target=self._server.run, args=(self._sockets,), name="http-server", daemon=True
        )
        self._thread.start()
        if not self._server.wait_until_ready(self._thread, _START_SECONDS):
            self.stop()
            message = "the server did not start; its log says why"
            raise StartError(message)
        if self._run_due_every is not None:
            self._due = threading.Thread(target=self._run_due, name="run-due", daemon=True)
            self._due.start()
        return self

    def stop(self, *, at_once: bool = False) -> None:
        """Finish the requests that are running, and stop.

        Args:
            at_once: close all connections without waiting for requests.
        """
        self._stopping.set()
        if self._server is not None:
            self._server.stop(at_once=at_once)
        for thread in (self._thread, self._due):
            if thread is not None and thread is not threading.current_thread():
                thread.join(_HURRY_SECONDS if at_once else _STOP_SECONDS)
        for listener in self._sockets:
            listener.close()
        if self._application is not None:
            self._application.close(at_once=at_once)
        if self._access_log is not None:
            self._access_log.close()

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    def _run_due(self) -> None:
        while not self._stopping.wait(self._run_due_every):
            for engine in self._engines.engines:
                _run_due(engine)

    def _tls(self) -> ssl.SSLContext | None:
        if self._certificate is None:
            if self._private_key is not None:
                message = "a private key needs a certificate"
                raise StartError(message)
            return None
        for file in (self._certificate, self._private_key):
            try:
                if file is not None:
                    with open(file, "rb") as stream:  # noqa: PTH123  (a path of any kind)
                        stream.read(1)
            except OSError as error:
                message = f"{file} cannot be read: {error.strerror}"
                raise StartError(message) from error
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._certificate, self._private_key, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise StartError(self._tls_problem(error)) from error
        return context

    def _tls_problem(self, error: Exception) -> str:
        key = self._private_key or self._certificate
        if isinstance(error, _EncryptedKeyError):
            return f"the private key in {key} is encrypted; give one without a password"
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            return f"the private key in {key} is not the key of the certificate {self._certificate}"
        return (
            f"{self._certificate} and {key} are not a certificate and its private key in PEM "
            f"({getattr(error, 'reason', None) or 'not readable'})"
        )


class _EncryptedKeyError(ValueError):
    """A private key needs a password."""


def _no_password() -> str:
    raise _EncryptedKeyError


def _run_due(engine: Engine) -> None:
    try:
        engine.run_due()
    except StorageError as error:
        log.warning("what is due was not run: %s", error)
    except Exception as error:  # noqa: BLE001 - the next run may succeed
        report(error)


def _listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on all addresses of a host, on the same port."""
    if not 0 <= port <= _LAST_PORT:
        message = f"{port} is not a port; give a number from 0 to {_LAST_PORT}"
        raise StartError(message)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        message = (
            f"the host {host} is not known ({error}); give a name or an address of this machine"
        )
        raise StartError(message) from error
    addresses = sorted({(family, address[0]) for family, *_, address in found})
    for attempt in range(_PORTS_TRIED):
        try:
            return _bind(addresses, port)
        except OSError as error:
            # The port that was free for the first address may be used on the second.
            if port == 0 and error.errno == errno.EADDRINUSE and attempt + 1 < _PORTS_TRIED:
                continue
            raise StartError(_bind_problem(host, port, error)) from error
    raise AssertionError


def _bind(addresses: Sequence[tuple[int, Any]], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for family, address in addresses:
            try:
                listener = socket.create_server((address, port), family=family, backlog=2048)
            except OSError as error:
                # A machine may know ::1 by name and have no IPv6.
                if bound and error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    continue
                raise
            bound.append(listener)
            port = listener.getsockname()[1]
    except BaseException:
        for listener in bound:
            listener.close()
        raise
    return bound


def _bind_problem(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use, perhaps by another server; stop that one, or give "
            "another port (0 chooses a free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} of {host} needs more rights; give a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; give one, or localhost"
    return f"port {port} of {host} cannot be used: {error.strerror}"

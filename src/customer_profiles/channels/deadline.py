"""Connections that keep a deadline in total, however slowly the other side answers.

Time-outs of sockets bound the wait for the next byte only. These sockets wait no longer than
what is left until `limit.end`, so that a slow drip of bytes cannot outlast the deadline.
"""

from __future__ import annotations

import copy
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore import awsrequest
from botocore.httpsession import URLLib3Session
from urllib3 import PoolManager
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .base import limit

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LONGEST = 86_400.0
_SLACK = 0.02


def _left(usual: float | None) -> float | None:
    """Return the shorter of a time-out and the time that is left."""
    if limit.end is None:
        return usual
    left = min(max(limit.end - time.monotonic(), 0.001), _LONGEST)
    # Setting a time-out costs system calls, so one that is hardly longer stays.
    return usual if usual is not None and usual < left + _SLACK else left


class _Bounded(socket.socket):
    """A socket whose calls end at the deadline."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        return self._call(super().recv_into, *args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        return self._call(super().send, *args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        return self._call(super().sendall, *args, **kwargs)

    def _call(self, method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        usual = self.gettimeout()
        left = _left(usual)
        if left == usual:
            return method(*args, **kwargs)
        self.settimeout(left)
        try:
            return method(*args, **kwargs)
        finally:
            self.settimeout(usual)


class _BoundedTLS(_Bounded, ssl.SSLSocket):
    def do_handshake(self, *args: Any, **kwargs: Any) -> None:
        return self._call(super().do_handshake, *args, **kwargs)


class _Connects:
    """A mixin for connections that makes sockets of the class above."""

    timeout: float | None
    port: int
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        usual, name = self.timeout, self._dns_host
        try:
            # urllib3 allows the whole time-out to each address of a name.
            found = socket.getaddrinfo(name.strip("[]"), self.port, 0, socket.SOCK_STREAM)
            addresses = [str(address[0]) for *_, address in found]
        except (OSError, UnicodeError):
            addresses = []
        try:
            for address in addresses[:-1]:
                try:
                    return self._connect(address, usual)
                except (ConnectTimeoutError, NewConnectionError):
                    continue
            return self._connect(addresses[-1] if addresses else name, usual)
        finally:
            self.timeout, self._dns_host = usual, name

    def _connect(self, address: str, usual: float | None) -> socket.socket:
        self._dns_host, self.timeout = address, _left(usual)
        made: socket.socket = cast("Any", super())._new_conn()  # noqa: SLF001  (its own)
        bounded = _Bounded(made.family, made.type, made.proto, fileno=made.detach())
        bounded.settimeout(self.timeout)
        return bounded


_HTTP = type("HTTPConnection", (_Connects, awsrequest.AWSHTTPConnection), {})
_HTTPS = type("HTTPSConnection", (_Connects, awsrequest.AWSHTTPSConnection), {})


class _Pool(awsrequest.AWSHTTPConnectionPool):
    ConnectionCls: Any = _HTTP


class _TLSPool(awsrequest.AWSHTTPSConnectionPool):
    ConnectionCls: Any = _HTTPS


class _Session(URLLib3Session):
    """botocore's HTTP session, with connections that keep the deadline."""

    _get_pool_manager_kwargs: Callable[[], dict[str, Any]]

    def renew(self) -> None:
        """Make new pools, with connections of the classes above."""
        self._pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        self._manager = PoolManager(**self._get_pool_manager_kwargs())
        self._manager.pool_classes_by_scheme = self._pool_classes_by_scheme
        self._proxy_managers: dict[str, PoolManager] = {}

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = cast("Any", super())._get_ssl_context()  # noqa: SLF001  (its own)
        context.sslsocket_class = _BoundedTLS
        return context


def bounded(session: URLLib3Session) -> URLLib3Session:
    """Return an HTTP session with the same settings whose connections keep the deadline."""
    twin: Any = copy.copy(session)
    twin.__class__ = _Session
    twin.renew()
    return cast("URLLib3Session", twin)

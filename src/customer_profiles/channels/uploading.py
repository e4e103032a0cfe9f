"""The upload of a file to the URL that the service answered: a PUT request, or a local file."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from customer_profiles._quiet import secret_url
from customer_profiles.errors import (
    ConnectionFailedError,
    ServiceError,
    StoreError,
    UnreadableAnswerError,
)

from .embedded import EngineChannel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .base import Channel

_SSE_C = "x-amz-server-side-encryption-customer-"
_PIECE = 1 << 20
_LOCAL = ("127.0.0.1", "localhost", "::1")
"""Hosts that no proxy is asked for."""
_OK = range(200, 300)
_CODES = {400: "BadRequestException", 403: "AccessDeniedException", 404: "AccessDeniedException"}


def put(channel: Channel, operation: str, url: str, token: str | None, body: Body) -> None:
    """Upload a file.

    Args:
        channel: the channel that answered with the URL.
        operation: the operation, for errors.
        url: the URL.
        token: the key in Base64, which the service stores the file with; None without one.
        body: the file.

    Raises:
        ConnectionFailedError: no answer came.
        ServiceError: the file was refused.
        StoreError: the file cannot be written for an embedded engine.
        UnreadableAnswerError: the URL or the key is none.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file" and isinstance(channel, EngineChannel):
        _write(Path(url2pathname(urlsplit(url).path)), body)
    elif scheme in {"http", "https"}:
        headers = {"content-length": str(body.size), **_encryption(token)}
        _send(channel, operation, url, headers, body)
    else:
        msg = f"{operation}: the answer has a URL that no file can be sent to"
        raise UnreadableAnswerError(msg)


class Body:
    """A file, from where it is, that reports how much of it was sent."""

    def __init__(self, file: BinaryIO, size: int, report: Callable[[int, int], object]) -> None:
        """Report the bytes that were sent, and the size in bytes."""
        self.size = size
        self._file, self._report = file, report
        self._sent = self._reported = 0

    def read(self, amount: int = -1) -> bytes:
        """Read the next bytes."""
        piece = self._file.read(amount)
        self._sent += len(piece)
        if piece and (self._sent - self._reported >= _PIECE or self._sent == self.size):
            self._reported = self._sent
            self._report(self._sent, self.size)
        return piece


def _encryption(token: str | None) -> dict[str, str]:
    """Return the headers with which S3 encrypts by a customer's key."""
    if token is None:
        return {}
    try:
        key = base64.b64decode(token, validate=True)
    except binascii.Error:
        msg = "the answer has a key that is not Base64"
        raise UnreadableAnswerError(msg) from None
    digest = hashlib.md5(key, usedforsecurity=False).digest()
    return {
        f"{_SSE_C}algorithm": "AES256",
        f"{_SSE_C}key": token,
        f"{_SSE_C}key-MD5": base64.b64encode(digest).decode(),
    }


def _write(path: Path, body: Body) -> None:
    """Write the file into the folder of an engine in this process, readable by its owner only."""
    part = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(part, "xb", opener=_private) as target:
                while piece := body.read(_PIECE):
                    target.write(piece)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        msg = f"the file cannot be stored in {path.parent}: {error.strerror}"
        raise StoreError(msg) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _send(
    channel: Channel, operation: str, url: str, headers: Mapping[str, str], body: Body
) -> None:
    from botocore.awsrequest import AWSPreparedRequest, HeadersDict
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.exceptions import HTTPClientError

    # These types are wider than those of botocore's stubs.
    stream: Any = body
    fields: Any = HeadersDict(headers)
    session = _session(channel, url)
    try:
        # The URL is a right to put the file, and the headers have its key.
        with secret_url():
            request = AWSPreparedRequest("PUT", url, fields, stream, stream_output=False)
            answer = session.send(request)
            reason = answer.content
    except (NoConnectionError, HTTPClientError) as error:
        raise ConnectionFailedError(operation, type(error).__name__, sent=True) from None
    finally:
        session.close()
    if answer.status_code not in _OK:
        raise ServiceError.of(
            _CODES.get(answer.status_code, "InternalServerException"),
            f"the file was refused with HTTP status {answer.status_code}{_words(reason)}",
            operation=operation,
            status=answer.status_code,
        )


def _session(channel: Channel, url: str) -> Any:
    """Return an HTTP session with the certificates, proxies and time-outs of a channel's client."""
    from botocore.config import Config
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    client: Any = getattr(channel, "client", None)
    config: Any = Config() if client is None else client.meta.config
    # Private to botocore, which has no other way to read it.
    used = getattr(getattr(client, "_endpoint", None), "http_session", None)
    # botocore's stubs do not know that there may be two.
    timeouts: Any = (config.connect_timeout, config.read_timeout)
    is_local = urlsplit(url).hostname in _LOCAL
    return URLLib3Session(
        verify=getattr(used, "_verify", True),
        proxies={} if is_local else config.proxies or get_environ_proxies(url),
        timeout=timeouts,
        client_cert=config.client_cert,
        proxies_config=config.proxies_config,
    )


def _words(body: bytes) -> str:
    """Return the code or the message of an answer of S3 or the engine, without values."""
    import re

    match = re.search(rb'<Code>([A-Za-z]{1,60})</Code>|"message": ?"([^"]{1,200})"', body[:4096])
    found = match and (match[1] or match[2])
    return f": {found.decode(errors='replace')}" if found else ""

"""Page tokens: opaque, signed, tied to their query and short-lived."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import struct
from typing import TYPE_CHECKING, Any

from .refusals import bad_request

if TYPE_CHECKING:
    from .clock import Clock

_HEAD = struct.Struct(">BQ8s")
_VERSION = 1
_SEAL = 16
# Assumed: a page token is good for 24 hours.
_LIFE = 86_400


class Pages:
    """Write page tokens and read them back."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        """Sign with the database's own secret, so that its tokens outlive the process."""
        self._secret = secret
        self._clock = clock

    def token(self, query: Any, position: str) -> str:
        """Say where the next page of a query begins."""
        head = _HEAD.pack(_VERSION, int(self._clock.now()) + _LIFE, _digest(query))
        body = head + position.encode()
        return base64.urlsafe_b64encode(body + self._seal(body)).decode()

    def position(self, query: Any, token: str | None) -> str | None:
        """Read where a page begins; no token is the first page."""
        if token is None:
            return None
        body = self._opened(token)
        _, expires, digest = _HEAD.unpack_from(body)
        # Assumed: MaxResults may change from page to page, everything else of a query may not.
        if digest != _digest(query):
            raise bad_request("NextToken belongs to another query; repeat the query it came from")
        if expires <= self._clock.now():
            raise bad_request("NextToken has expired; start again without it")
        return body[_HEAD.size :].decode()

    def _opened(self, token: str) -> bytes:
        try:
            sealed = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            sealed = b""
        body, seal = sealed[:-_SEAL], sealed[-_SEAL:]
        if len(body) < _HEAD.size or not hmac.compare_digest(seal, self._seal(body)):
            raise bad_request("NextToken is not one that this service gave; start again without it")
        return body

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_SEAL]


def _digest(query: Any) -> bytes:
    return hashlib.blake2b(json.dumps(query).encode(), digest_size=8).digest()

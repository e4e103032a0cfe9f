"""Page tokens: opaque, signed, tied to their query and short-lived."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import struct
from typing import TYPE_CHECKING, Any, TypeVar

from .refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles._wire import Wire

    from .clock import Clock

_HEAD = struct.Struct(">BQ8s")
_VERSION = 1
_SIGNATURE_BYTES = 16
# Assumed: a page token is valid for 24 hours.
_LIFETIME = 86_400
# Assumed: lists have 20 items a page unless MaxResults says otherwise.
PAGE_SIZE = 20

Row = TypeVar("Row")


class Pages:
    """A writer and reader of page tokens."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        """Sign with the database's own secret, so that its tokens outlive the process."""
        self._secret = secret
        self._clock = clock

    def token(self, query: object, position: str) -> str:
        """Return the token of the page of a query that begins at a position."""
        head = _HEAD.pack(_VERSION, int(self._clock.now()) + _LIFETIME, _digest(query))
        body = head + position.encode()
        return base64.urlsafe_b64encode(body + self._signature(body)).decode()

    def position(self, query: object, token: str | None) -> str | None:
        """Return the position of a token, None without one, or refuse a token that is not valid."""
        if token is None:
            return None
        body = self._verified(token)
        _, expires, digest = _HEAD.unpack_from(body)
        # Assumed: MaxResults may change from page to page, everything else of a query may not.
        if digest != _digest(query):
            raise bad_request("NextToken belongs to another query; repeat the query it came from")
        if expires <= self._clock.now():
            raise bad_request("NextToken has expired; start again without it")
        return body[_HEAD.size :].decode()

    def read_page(
        self,
        query: object,
        request: Wire,
        read: Callable[[Any, int], Sequence[Row]],
        position: Callable[[Row], str | int],
        start: str | int = "",
    ) -> tuple[Sequence[Row], str | None]:
        """Return the rows of the page that a request names, and the token of the next page.

        Args:
            query: what the token is tied to.
            request: the request, with `MaxResults` and `NextToken`.
            read: reads the rows after a position, up to a number.
            position: returns the position of a row.
            start: the position before the first page; the others have its type.
        """
        limit = request.get("MaxResults", PAGE_SIZE)
        after = self.position(query, request.get("NextToken"))
        # One row more shows whether there is a next page.
        rows = read(start if after is None else type(start)(after), limit + 1)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], self.token(query, str(position(rows[limit - 1])))

    def _verified(self, token: str) -> bytes:
        try:
            signed = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            signed = b""
        body, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
        if len(body) < _HEAD.size or not hmac.compare_digest(signature, self._signature(body)):
            raise bad_request("NextToken is not a token of this service; start again without it")
        return body

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_SIGNATURE_BYTES]


def _digest(query: object) -> bytes:
    return hashlib.blake2b(json.dumps(query).encode(), digest_size=8).digest()

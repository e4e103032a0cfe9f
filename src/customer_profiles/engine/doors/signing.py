"""Verification of AWS Signature Version 4, in a header or in the query of a presigned URL."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_plus

from customer_profiles import _wire
from customer_profiles.engine.service.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW = 300
_LONGEST_VALIDITY = 7 * 24 * 3600
_DATE = "%Y%m%dT%H%M%SZ"
# A parameter of the Authorization header. The header is cut to a length before it is read.
_PARAMETER = re.compile(r"([A-Za-z]{1,32})=([^,\s]*)")
_LONGEST_HEADER = 8_192
_CREDENTIAL_PARTS = 5
_SAFE = "-_.~"
_MARK_BITS = 64
_MARK = (1 << _MARK_BITS) - 1
# A client signs by the second; what it sends at its end arrives a little later.
_REPEATED_WITHIN = 2_000


class Request(NamedTuple):
    """An HTTP request as it was sent: nothing of it is decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """The headers by their names in lower case; the values of one name are joined by commas."""
    body: bytes


class Credential(NamedTuple):
    """The credential scope of a signature."""

    access_key: str
    date: str
    region: str
    service: str

    @property
    def scope(self) -> str:
        """The scope as it is signed."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


class _Signature(NamedTuple):
    credential: Credential
    signed_headers: Sequence[str]
    value: str
    date: str
    seconds: int | None
    """How long a presigned URL is valid; None for a signature in a header."""


def credential_of(query: str, headers: Mapping[str, str]) -> Credential | None:
    """Return the credential scope that a request names, verified or not."""
    try:
        signature = _read(query, headers)
    except Refusal:
        return None
    return signature.credential if signature else None


class _Used(NamedTuple):
    """The signatures that were used; numbers take a third of the memory of objects."""

    first: dict[int, int]
    """The milliseconds of the first use, and the mark of the request that used it."""
    repeated: set[tuple[int, int]]
    """Later uses within the second, with their marks."""


class Verifier:
    """Verifies the signatures of requests by the secrets of access keys.

    A request is accepted once, so that one that was recorded cannot be sent again; a presigned URL
    of a GET is accepted until it expires.
    """

    def __init__(self, keys: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
        """Accept the signatures of these access keys, whose values are their secrets."""
        self._keys = dict(keys)
        self._now = now
        # By the minute in which they expire, so that they are forgotten many at a time.
        self._used: dict[int, _Used] = {}

    def verify(self, request: Request) -> Credential:
        """Return the credential of a request.

        Raises:
            Refusal: the request has no valid signature of a known key, or it was used already.
        """
        signature = _read(request.query, request.headers)
        if signature is None:
            # Assumed: a request without a signature is a MissingAuthenticationTokenException.
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        self._check_scope(signature)
        expiry = self._check_time(signature)
        secret = self._keys.get(signature.credential.access_key)
        if secret is None:
            # Assumed: a key that is not known is an UnrecognizedClientException.
            message = "The security token included in the request is invalid"
            raise Refusal("UnrecognizedClientException", message)
        expected = _sign(secret, signature, request)
        if not hmac.compare_digest(expected.encode(), signature.value.encode()):
            # Assumed: a wrong signature is an InvalidSignatureException, whatever was altered.
            raise _invalid(
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method."
            )
        if signature.seconds is None or request.method not in {"GET", "HEAD"}:
            self._use(expected, request, expiry)
        return signature.credential

    def _check_scope(self, signature: _Signature) -> None:
        credential, service = signature.credential, _signing_name()
        if credential.service != service:
            raise _invalid(f"Credential should be scoped to correct service: '{service}'")
        if not signature.date.startswith(credential.date):
            raise _invalid("Date in Credential scope does not match the date of the request")
        if "host" not in signature.signed_headers:
            raise _invalid("'Host' must be a 'SignedHeader' in the AWS Authorization")

    def _check_time(self, signature: _Signature) -> float:
        """Return when a signature expires, or refuse it if it has, or is not valid yet."""
        try:
            signed = datetime.strptime(signature.date, _DATE).replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise _incomplete("The date of the request must be as in 20260131T235959Z") from None
        now = self._now()
        expiry = signed + (_SKEW if signature.seconds is None else signature.seconds)
        if now > expiry:
            # Assumed: an expired signature is an InvalidSignatureException, in a URL too.
            raise _invalid(f"Signature expired: {_stamp(expiry)} is now earlier than {_stamp(now)}")
        if signed > now + _SKEW:
            raise _invalid(
                f"Signature not yet current: {_stamp(signed)} is still later than "
                f"{_stamp(now + _SKEW)}"
            )
        return expiry

    def _use(self, signature: str, request: Request, expiry: float) -> None:
        """Remember a signature until it expires, or refuse it if the request was sent already."""
        now = self._now()
        for minute in [minute for minute in self._used if minute < now // 60]:
            del self._used[minute]
        used = self._used.setdefault(int(expiry // 60), _Used({}, set()))
        key = int(signature[:16], 16)
        # Equal requests of one second have one signature. botocore sends these headers, which it
        # does not sign, so that its repetitions can be told from a request that was recorded.
        sent = request.headers.get
        mark = hash((sent("amz-sdk-invocation-id"), sent("amz-sdk-request"))) & _MARK
        if key not in used.first:
            used.first[key] = int(now * 1000) << _MARK_BITS | mark
            return
        first = used.first[key]
        is_recorded = mark == first & _MARK or (key, mark) in used.repeated
        if is_recorded or now * 1000 - (first >> _MARK_BITS) > _REPEATED_WITHIN:
            # Assumed: a request is accepted once, where AWS accepts it until it expires.
            raise _invalid("The signature was used already; sign each request anew")
        used.repeated.add((key, mark))


def _read(query: str, headers: Mapping[str, str]) -> _Signature | None:
    """Read the signature of a request; None if it has none."""
    authorization = headers.get("authorization", "")
    if authorization:
        return _read_header(authorization, headers)
    if "X-Amz-Algorithm" in query or "X-Amz-Signature" in query:
        return _read_query(query)
    return None


def _read_header(authorization: str, headers: Mapping[str, str]) -> _Signature:
    algorithm, _, rest = authorization[:_LONGEST_HEADER].partition(" ")
    if algorithm != _ALGORITHM:
        raise _incomplete(f"The algorithm of the Authorization header must be {_ALGORITHM}")
    parameters = dict(_PARAMETER.findall(rest))
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not parameters.get(name):
            # Assumed: a header without a parameter is an IncompleteSignatureException.
            raise _incomplete(f"Authorization header requires '{name}' parameter")
    date = headers.get("x-amz-date")
    if not date:
        raise _incomplete("Authorization header requires existence of a 'X-Amz-Date' header")
    names = parameters["SignedHeaders"].lower().split(";")
    credential = _credential(parameters["Credential"])
    return _Signature(credential, names, parameters["Signature"], date, None)


def _read_query(query: str) -> _Signature:
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"):
        if not parameters.get(f"X-Amz-{name}"):
            raise _incomplete(f"AWS query-string parameters must include 'X-Amz-{name}'")
    seconds = parameters["X-Amz-Expires"]
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= len("604800")):
        raise _incomplete("X-Amz-Expires must be a number of seconds")
    if not 0 < int(seconds) <= _LONGEST_VALIDITY:
        raise _incomplete(f"X-Amz-Expires must be between 1 and {_LONGEST_VALIDITY} seconds")
    if parameters["X-Amz-Algorithm"] != _ALGORITHM:
        raise _incomplete(f"X-Amz-Algorithm must be {_ALGORITHM}")
    return _Signature(
        _credential(parameters["X-Amz-Credential"]),
        parameters["X-Amz-SignedHeaders"].lower().split(";"),
        parameters["X-Amz-Signature"],
        parameters["X-Amz-Date"],
        int(seconds),
    )


def _credential(text: str) -> Credential:
    parts = text.split("/")
    if len(parts) != _CREDENTIAL_PARTS or parts[-1] != "aws4_request" or not all(parts):
        raise _incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
    return Credential(*parts[:-1])


def _sign(secret: str, signature: _Signature, request: Request) -> str:
    """Return the signature that a request should have."""
    digest = hashlib.sha256(_canonical(signature, request).encode("latin-1")).hexdigest()
    credential = signature.credential
    text = f"{_ALGORITHM}\n{signature.date}\n{credential.scope}\n{digest}"
    key = _signing_key(secret, credential.date, credential.region, credential.service)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=256)
def _signing_key(secret: str, *parts: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*parts, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical(signature: _Signature, request: Request) -> str:
    headers = request.headers
    names = signature.signed_headers
    values = (f"{name}:{' '.join(headers.get(name, '').split())}" for name in names)
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query, presigned=signature.seconds is not None),
            *values,
            "",
            ";".join(names),
            _body_digest(request),
        )
    )


def _body_digest(request: Request) -> str:
    """Return the digest of the body, whatever the header says: a body is always signed."""
    digest = hashlib.sha256(request.body).hexdigest()
    claimed = request.headers.get("x-amz-content-sha256", digest)
    if not hmac.compare_digest(claimed.lower().encode("latin-1"), digest.encode()):
        # Assumed: a body that is not signed as a whole is refused, UNSIGNED-PAYLOAD too.
        raise _invalid("X-Amz-Content-SHA256 is not the SHA-256 of the body")
    return claimed


def _canonical_path(path: str) -> str:
    """Encode a path, which is encoded already, once more, as for all services but S3."""
    kept: list[str] = []
    for piece in path.split("/"):
        if piece == "..":
            kept[-1:] = []
        elif piece not in {"", "."}:
            kept.append(piece)
    ending = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{ending}", safe=f"/{_SAFE}", encoding="latin-1")


def _canonical_query(query: str, *, presigned: bool) -> str:
    pairs = []
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if not (presigned and name == "X-Amz-Signature"):
            pairs.append((_encoded_once(name), _encoded_once(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded_once(text: str) -> str:
    # Some clients send a space as a plus, which is read as one; all of them sign it as %20.
    return quote(unquote_plus(text, encoding="latin-1"), safe=_SAFE, encoding="latin-1")


@lru_cache(maxsize=1)
def _signing_name() -> str:
    return str(_wire.service().signing_name)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(_DATE)


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidSignatureException", message)


def _incomplete(message: str) -> Refusal:
    return Refusal("IncompleteSignatureException", message)

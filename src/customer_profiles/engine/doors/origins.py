"""Which names and which web pages a server answers: the checks of Host and Origin, and CORS."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from customer_profiles.engine.service.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL}){{0,20}}")
_ORIGIN = re.compile(
    rf"(https?)://({_LABEL}(?:\.{_LABEL}){{0,20}}|\[[0-9a-fA-F:.]+\])(:\d{{1,5}})?"
)
_TOKENS = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}")
_METHODS = "GET, POST, PUT, DELETE, PATCH, HEAD"
# What a script of a page may read of an answer.
_EXPOSED = "x-amzn-requestid, x-amzn-errortype, x-amzn-trace-id, x-amz-apigw-id, retry-after, date"


class Gate:
    """Refuses requests for unknown names, and requests of web pages that may not ask.

    A page of any site can send requests to this machine's loopback address, and a name of its own
    site that resolves to this machine makes these requests same-origin. So the name is checked,
    and what browsers say about the page.
    """

    def __init__(self, bound: str, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """Allow loopback names, the bound name, and these hosts and origins.

        Args:
            bound: the host that the server listens on.
            hosts: more host names, such as `profiles` or `*.example.com`.
            origins: the origins of web pages that may send requests, such as
                `http://localhost:3000`.

        Raises:
            ValueError: a host or an origin is not valid.
        """
        names = [checked_host(name) for name in hosts]
        self._names = {name for name in names if not name.startswith("*.")}
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))
        self._names |= {"localhost", bound.lower()}
        self._any_address = not is_loopback(bound)
        self._origins = {checked_origin(origin) for origin in origins}
        # Hosts that were allowed: there are few, and clients send the same one again and again.
        self._seen: set[str] = set()

    def check(self, headers: Mapping[str, str]) -> None:
        """Refuse a request if its Host, or the page that sent it, is not allowed.

        Raises:
            Refusal: it is not allowed.
        """
        host = headers.get("host", "")
        if host not in self._seen:
            self._check_host(host)
        origin = headers.get("origin")
        if origin is not None:
            if not self.allows(origin) and not _is_same(origin, host):
                raise _denied(
                    "Web pages of this Origin may not send requests to this server; allow it by "
                    "--allowed-origin"
                )
        elif headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise _denied(
                "A web page of another site may not send requests to this server; allow its "
                "origin by --allowed-origin"
            )

    def _check_host(self, host: str) -> None:
        name = _without_port(host).lower().rstrip(".")
        if not (
            name in self._names
            or name.endswith(".localhost")
            or (self._suffixes and name.endswith(self._suffixes))
            or self._is_allowed_address(name)
        ):
            raise _denied(
                "This server does not answer requests for the name in their Host header; allow "
                "it by --allowed-host"
            )
        if len(self._seen) < 1000:  # noqa: PLR2004  (a suffix allows any number of names)
            self._seen.add(host)

    def _is_allowed_address(self, name: str) -> bool:
        """Return whether a host is an IP address that may be ours; nobody can rebind one."""
        try:
            address = ip_address(name.strip("[]"))
        except ValueError:
            return False
        return self._any_address or address.is_loopback

    def allows(self, origin: str) -> bool:
        """Return whether an origin may send requests and read the answers."""
        return origin in self._origins

    def preflight(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that answer the preflight request of an allowed page."""
        answer = {**self.cors(headers), "access-control-allow-methods": _METHODS}
        wanted = headers.get("access-control-request-headers", "")
        if _TOKENS.fullmatch(wanted):
            answer["access-control-allow-headers"] = wanted
        if headers.get("access-control-request-private-network") == "true":
            answer["access-control-allow-private-network"] = "true"
        return {**answer, "access-control-max-age": "600"}

    def cors(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that let an allowed page read the answer; none for others."""
        origin = headers.get("origin")
        if origin is None or not self.allows(origin):
            return {}
        return {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": _EXPOSED,
            "vary": "origin",
        }


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback name or address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def checked_host(name: str) -> str:
    """Return a host name in lower case.

    Raises:
        ValueError: it is not a host name; the message says what to give.
    """
    bare = _without_port(re.sub(r"^[a-z]+://|/.*$", "", name)).strip("[]")
    if name == bare and (_HOST.fullmatch(name) or _is_address(name)):
        return name.lower()
    advice = bare if _HOST.fullmatch(bare) else "a name such as profiles.example"
    message = (
        f"allowed host {name!r} is not a host name without scheme, port and path; give {advice}"
    )
    raise ValueError(message)


def checked_origin(origin: str) -> str:
    """Return an origin as browsers write it.

    Raises:
        ValueError: it is not an origin; the message says what to give.
    """
    if _ORIGIN.fullmatch(origin):
        return origin.lower()
    found = _ORIGIN.match(origin)
    advice = found[0] if found else "scheme, host and port, such as http://localhost:3000"
    message = f"allowed origin {origin!r} is not the origin of a web page; give {advice}"
    raise ValueError(message)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    is_port = bool(colon) and port.isdecimal() and (":" not in name or name.endswith("]"))
    return name if is_port else host


def _is_same(origin: str, host: str) -> bool:
    """Return whether an origin is the server itself, whose name was checked."""
    scheme, _, rest = origin.partition("://")
    return scheme in {"http", "https"} and rest.lower() == host.lower()


def _denied(message: str) -> Refusal:
    return Refusal("AccessDeniedException", message)

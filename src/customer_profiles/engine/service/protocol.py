"""The REST-JSON protocol, read and written by botocore's shapes; no I/O."""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from customer_profiles import _wire

from .refusals import Refusal, bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from customer_profiles._wire import Wire

_LONGEST_URL = 128 * 1024
_LONGEST_BODY = 10 * 1024 * 1024
# What a hint about an unknown path looks at: the paths of the service are shorter.
_LONGEST_PIECE, _MOST_PIECES = 64, 12

encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Write JSON as the service does: without spaces, and not limited to ASCII."""
_MOST_CONTAINERS = 100_000
# A string of JSON; one without an end reaches to the end of the text.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_INTEGER = re.compile("-?[0-9]{1,18}")
# The deepest request of the service's model has ten levels.
_DEEPEST = 64
Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class _Bound(NamedTuple):
    """A member that travels outside of the body."""

    member: str
    name: str
    shape: Any


class Route(NamedTuple):
    """The method and the path of an operation."""

    method: str
    pieces: tuple[str | None, ...]
    """The pieces of the path; None for a label."""
    labels: tuple[str, ...]
    """The names of the labels; empty for other pieces."""
    operation: str
    queries: tuple[_Bound, ...]
    """The members that travel in the query string."""
    headers: tuple[_Bound, ...]
    """The members that travel in headers."""


@cache
def _routes() -> dict[tuple[str, int], list[Route]]:
    """Order the model's routes by method and length, literal pieces before labels."""
    table: dict[tuple[str, int], list[Route]] = {}
    for name in _wire.service().operation_names:
        route = _route(name)
        table.setdefault((route.method, len(route.pieces)), []).append(route)
    for routes in table.values():
        routes.sort(key=lambda route: [piece is None for piece in route.pieces])
    return table


def _route(name: str) -> Route:
    http = _wire.operation(name).http
    pieces = http["requestUri"].strip("/").split("/")
    labels = tuple(piece.strip("{}+") if piece.startswith("{") else "" for piece in pieces)
    literals = tuple(None if piece.startswith("{") else piece for piece in pieces)
    bound = (_bound_members(name, location) for location in ("querystring", "header"))
    return Route(http["method"], literals, labels, name, *bound)


def _bound_members(operation: str, location: str) -> tuple[_Bound, ...]:
    return tuple(
        _Bound(member, shape.serialization["name"], shape)
        for member, shape in _wire.input_shape(operation).members.items()
        if shape.serialization.get("location") == location
    )


def read(
    method: str, url: str, headers: Mapping[str, str], body: bytes | str | None
) -> tuple[str, Wire]:
    """Return the operation and the members of a request, or refuse."""
    if len(url) > _LONGEST_URL:
        # Assumed: a URL of more than 128 KiB is refused; fifty long tag keys need less.
        raise bad_request(f"The URL of the request is longer than {_LONGEST_URL} characters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise bad_request("The URL of the request is not valid") from None
    route, labels = _find_route(method, parts.path)
    request = _read_body(body)
    if parts.query:
        request.update(_read_bound(route.queries, _queries(parts.query)))
    if route.headers:
        texts = {name: [value] for name, value in headers.items()}
        request.update(_read_bound(route.headers, texts))
    request.update(labels)
    return route.operation, request


def _find_route(method: str, path: str) -> tuple[Route, Wire]:
    pieces = _pieces(path)
    for route in _routes().get((method, len(pieces)), ()):
        labels: Wire = {}
        for label, literal, piece in zip(route.labels, route.pieces, pieces, strict=True):
            if literal is None:
                labels[label] = piece
            elif literal != piece:
                break
        else:
            return route, labels
    # Assumed: a method and path of no operation are answered by ResourceNotFoundException.
    raise not_found(f"No operation of the service has this method and path; {_hint(method, path)}")


def _pieces(path: str) -> list[str]:
    # The path is split before it is decoded: an ARN's slashes arrive as %2F.
    return [unquote(piece) for piece in path.strip("/").split("/")]


def operation_of(method: str, path: str) -> str | None:
    """Return the operation of a method and a path, if there is one."""
    try:
        return _find_route(method, path)[0].operation
    except Refusal:
        return None


def _hint(method: str, path: str) -> str:
    """Name the operation whose method and path are the most similar, without values of the path."""
    pieces = [piece[:_LONGEST_PIECE] for piece in _pieces(path[:_LONGEST_URL])[:_MOST_PIECES]]
    nearest = max(
        (route for routes in _routes().values() for route in routes),
        key=lambda route: _similarity(route, method, pieces),
    )
    uri = _wire.operation(nearest.operation).http["requestUri"]
    return f"the nearest is {nearest.operation}: {nearest.method} {uri}"


def _similarity(route: Route, method: str, pieces: Sequence[str]) -> float:
    """Compare a route with a request; pieces that are similar but not equal count by a half."""
    total = -2.0 * abs(len(route.pieces) - len(pieces)) + 0.5 * (route.method == method)
    for literal, piece in zip(route.pieces, pieces, strict=False):
        if literal is None:
            total += 0.5
        elif literal == piece:
            total += 2
        else:
            total += difflib.SequenceMatcher(None, literal, piece).ratio()
    return total


def _queries(query: str) -> dict[str, list[str]]:
    queries: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        queries.setdefault(name, []).append(value)
    return queries


def _read_bound(bound: Sequence[_Bound], values: Mapping[str, Sequence[str]]) -> Wire:
    """Read the members that travel in the query string or the headers."""
    return {member: _typed(shape, values[name]) for member, name, shape in bound if name in values}


def _typed(shape: Any, values: Sequence[str]) -> object:
    if shape.type_name == "list":
        return [_scalar(shape.member.type_name, value) for value in values]
    return _scalar(shape.type_name, values[-1])


def _scalar(type_name: str, value: str) -> object:
    # A value that cannot be read stays text, which the check of the request's shape refuses.
    if type_name in {"integer", "long"} and _INTEGER.fullmatch(value):
        return int(value)
    return {"true": True, "false": False}.get(value, value) if type_name == "boolean" else value


def _read_body(body: bytes | str | None) -> Wire:
    if not body:
        return {}
    if len(body) > _LONGEST_BODY:
        # Assumed: a body of more than 10 MB is refused, which is the limit of Amazon API Gateway.
        raise bad_request(f"The body of the request is longer than {_LONGEST_BODY} bytes")
    if len(body) > _MOST_CONTAINERS and _count_containers(body) > _MOST_CONTAINERS:
        # Assumed: a body of more than 100,000 objects and lists is refused.
        raise bad_request(f"The body has more than {_MOST_CONTAINERS} objects and lists")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON") from None
    if not isinstance(read, dict):
        raise bad_request("The body is not a JSON object")
    return read


def _count_containers(body: bytes | str) -> int:
    """Count the objects and lists in JSON, which need not be valid.

    The garbage collector visits those of a large body again and again while it is parsed.
    """
    text = body if isinstance(body, str) else body.decode("latin-1")
    found = text.count("{") + text.count("[")
    if found > _MOST_CONTAINERS:
        text = _STRING.sub("", text)
        found = text.count("{") + text.count("[")
    return found


def cleaned(value: Any, depth: int = 0) -> Any:
    """Return a request without null members, which the service treats as absent.

    Raises:
        Refusal: the request is nested too deeply, or has a number that is not finite or text
            that is not valid Unicode.
    """
    if isinstance(value, (dict, list)):
        if depth == _DEEPEST:
            # Assumed: a request that is nested more than 64 levels deep is refused.
            raise bad_request(f"The request is nested more than {_DEEPEST} levels deep")
        # Most values are ASCII texts, which need no call.
        if isinstance(value, list):
            return [
                item if type(item) is str and item.isascii() else cleaned(item, depth + 1)
                for item in value
            ]
        return {
            name if type(name) is str and name.isascii() else cleaned(name): (
                inner if type(inner) is str and inner.isascii() else cleaned(inner, depth + 1)
            )
            for name, inner in value.items()
            if inner is not None
        }
    if isinstance(value, str):
        return value if value.isascii() else valid_text(value)
    if isinstance(value, float) and not isfinite(value):
        # Assumed: NaN and infinite numbers, which JSON does not have, are refused.
        raise bad_request("The request contains a number that is not finite")
    return value


def valid_text(text: str) -> str:
    """Return text unchanged, or refuse it if it is not valid Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # Assumed: text that is not valid Unicode, such as half a surrogate pair, is refused.
        raise bad_request("The request contains text that is not valid Unicode") from None
    return text


def answered(body: bytes, ids: Mapping[str, str]) -> Response:
    """Return the response with an operation's answer."""
    return 200, _headers(body, ids), body


def refused(refusal: Refusal, ids: Mapping[str, str]) -> Response:
    """Return the response of a refusal, with its code in a header and its message in the body."""
    # Clients read message, as answers have it, or Message, as the service's model names it.
    body = json.dumps({"message": refusal.message, "Message": refusal.message}).encode()
    headers = {**_headers(body, ids), "x-amzn-errortype": refusal.code}
    return refusal.status, headers, body


def _headers(body: bytes, ids: Mapping[str, str]) -> dict[str, str]:
    # Seen from the service: these headers, in answers of API Gateway.
    return {
        **ids,
        "access-control-allow-origin": "*",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }

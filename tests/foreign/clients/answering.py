"""What the clients in Python share: they read calls from stdin and answer on stdout, as JSON lines.

A call has the operation, its input, and maybe the size of the pages that the client's paginator
is to read, and the region and the keys that replace those of the environment. Its answer has the
output, or the items of all pages, or the error as the client shows it, or `lacking` for an
operation that this version of the client does not have. A timestamp is
`{"$date": "2030-01-31T12:00:00+00:00"}` where the client has a type for it.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Call = dict[str, Any]


def run(name: str, version: str, answer: Callable[[Call], dict[str, Any]]) -> None:
    """Answer calls until there are no more."""
    write({"client": name, "version": version})
    for call in read():
        write(answer(call))


def read() -> Iterator[Call]:
    """Yield the calls."""
    for line in sys.stdin:
        yield json.loads(line, object_hook=_with_dates)


def write(answer: dict[str, Any]) -> None:
    """Write an answer."""
    sys.stdout.write(json.dumps(answer, default=_plain) + "\n")
    sys.stdout.flush()


def describe(error: Any) -> dict[str, Any]:
    """Return what a client on botocore tells of an error."""
    meta = error.response["ResponseMetadata"]
    return {
        "class": type(error).__name__,
        "code": error.response["Error"]["Code"],
        "message": error.response["Error"]["Message"],
        "status": meta["HTTPStatusCode"],
        "request_id": meta["RequestId"],
    }


def _with_dates(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value["$date"]) if value.keys() == {"$date"} else value


def _plain(value: object) -> dict[str, str]:
    if not isinstance(value, datetime):
        message = f"an answer has a {type(value).__name__}"
        raise TypeError(message)
    return {"$date": value.isoformat()}

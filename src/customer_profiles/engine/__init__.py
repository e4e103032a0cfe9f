"""The service itself, locally: one function an operation, over SQLite.

A request is checked by the service's own model before its function sees it, whoever sent it.
What AWS does not document is marked with a comment that begins with `Assumed:`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from customer_profiles import _wire

from . import operations, protocol
from .clock import Clock, ManualClock
from .context import Context, Quotas
from .paging import Pages
from .refusals import Refusal, bad_request, invalid
from .store.database import Database, StorageError, page_secret

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from botocore.client import BaseClient

__all__ = ["Clock", "Engine", "ManualClock", "Quotas", "Refusal", "StorageError"]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Engine:
    """The service over one database; it may be shared by threads."""

    def __init__(  # noqa: PLR0913 - all but the path are seldom given
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        clock: Clock | None = None,
        region: str = "us-east-1",
        account_id: str = "000000000000",
        quotas: Quotas | None = None,
        strict: bool = False,
    ) -> None:
        """Open the engine on a database file, which is made if it is missing.

        Args:
            path: the file; none keeps everything in memory.
            clock: gives the time and new ids.
            region: stands in ARNs.
            account_id: stands in ARNs.
            quotas: the service's limits, its defaults if none are given.
            strict: check every answer against the service's model, for tests of the engine.

        Raises:
            StorageError: the file cannot be used; it is left as it was.
        """
        _check_kind("clock", clock, Clock)
        _check_kind("quotas", quotas, Quotas)
        self._clock = clock or Clock()
        self._database = Database(path)
        with self._database.read() as connection:
            pages = Pages(page_secret(connection), self._clock)
        self._context = Context(
            self._database, self._clock, pages, quotas or Quotas(), region, account_id
        )
        self._strict = strict

    def answer(self, operation: str, request: dict[str, Any]) -> bytes:
        """Answer a request as the service would, in JSON.

        Raises:
            Refusal: the service says no.
            StorageError: the database failed; nothing of the request is stored.
        """
        function = operations.find(operation)
        request = protocol.without_nulls(request)
        problems = _wire.request_check(operation)(request)
        if problems:
            raise invalid(problems)
        try:
            answer = function(self._context, request)
        except UnicodeEncodeError:
            # Assumed: text that is not valid Unicode, such as half a surrogate pair, is refused.
            raise bad_request("The request holds text that is not valid Unicode") from None
        body = answer if isinstance(answer, bytes) else _encode(answer).encode()
        if self._strict:
            _check_answer(operation, body)
        return body

    def handle(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None
    ) -> protocol.Response:
        """Answer an HTTP request with status, headers and body; a refusal is an answer too."""
        request_id = self._clock.new_request_id()
        try:
            operation, request = protocol.read(method, url, headers, body)
            return protocol.answered(self.answer(operation, request), request_id)
        except Refusal as refusal:
            return protocol.refused(refusal, request_id)
        except StorageError as error:
            fault = Refusal("InternalServerException", str(error))
            return protocol.refused(fault, request_id)

    def arn(self, resource: str) -> str:
        """Give the ARN of a resource such as `domains/shop`."""
        return self._context.arn(resource)

    def attach(self, client: BaseClient) -> Callable[[], None]:
        """Make a boto3 client talk to this engine; call what it gives to end that."""
        from .hook import attach

        return attach(self, client)

    def patch(self) -> AbstractContextManager[Self]:
        """Make every boto3 client of the service in this process talk to this engine."""
        from .hook import patch

        return patch(self)

    def close(self) -> None:
        """Close the database; what was acknowledged is in it."""
        self._database.close()

    def __enter__(self) -> Self:
        """Give the engine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.close()


def _check_kind(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        message = f"{name} must be a {kind.__name__}"
        raise TypeError(message)


def _check_answer(operation: str, body: bytes) -> None:
    shape = _wire.operation(operation).output_shape
    broken = _wire.problems(json.loads(body), shape) if shape is not None else []
    if broken:
        message = f"the answer of {operation} breaks the service's model: {broken}"
        raise AssertionError(message)

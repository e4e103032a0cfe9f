"""Redaction of botocore's debug records, which contain the bodies of requests and answers."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS = (
    "botocore.endpoint",
    "botocore.parsers",
    "botocore.hooks",
    "botocore.auth",
    "botocore.client",
    "botocore.httpsession",
    "botocore.retryhandler",
    "botocore.history",
)


_URLS = "urllib3.connectionpool"
"""The logger that prints URLs."""


class _Private(threading.local):
    in_flight: int = 0
    hidden_urls: int = 0


_private = _Private()


class _Quiet(logging.Filter):
    """Redacts botocore's debug records while it works for this library."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _private.in_flight and record.levelno <= logging.DEBUG:
            record.msg = f"{record.msg!s}".split("%", maxsplit=1)[0].strip() + " <redacted>"
            record.args = ()
        return True


class _WithoutUrls(logging.Filter):
    """Redacts debug records of URLs while such a URL is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _private.hidden_urls and record.levelno <= logging.DEBUG:
            record.msg, record.args = "<redacted>", ()
        return True


_quiet, _without_urls = _Quiet(), _WithoutUrls()


def quiet_botocore() -> None:
    """Add the filter to the loggers that print bodies, unless they have it."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_quiet)


@contextmanager
def private() -> Iterator[None]:
    """Redact botocore's records of what this thread sends and receives in the block."""
    _private.in_flight += 1
    try:
        yield
    finally:
        _private.in_flight -= 1


@contextmanager
def secret_url() -> Iterator[None]:
    """Redact what this thread sends and receives in the block, the URL included."""
    logging.getLogger(_URLS).addFilter(_without_urls)
    _private.hidden_urls += 1
    try:
        with private():
            yield
    finally:
        _private.hidden_urls -= 1

"""Botocore prints bodies into its debug records; this takes customers' data out of them."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TALKATIVE = (
    "botocore.endpoint",
    "botocore.parsers",
    "botocore.hooks",
    "botocore.auth",
    "botocore.client",
    "botocore.httpsession",
    "botocore.retryhandler",
    "botocore.history",
)


class _Private(threading.local):
    in_flight: int = 0


_private = _Private()


class _Quiet(logging.Filter):
    """Take customers' data out of botocore's records while it works for us."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _private.in_flight and record.levelno <= logging.DEBUG:
            record.msg = f"{record.msg!s}".split("%", maxsplit=1)[0].strip() + " <redacted>"
            record.args = ()
        return True


_quiet = _Quiet()


def quiet_botocore() -> None:
    """Set the filter on the loggers that print bodies; again is the same as once."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_quiet)


@contextmanager
def private() -> Iterator[None]:
    """Keep what this thread sends and receives in the block out of botocore's records."""
    _private.in_flight += 1
    try:
        yield
    finally:
        _private.in_flight -= 1

"""Reports of unexpected exceptions, without any value of a customer."""

from __future__ import annotations

import logging
import traceback

log: logging.Logger = logging.getLogger("customer_profiles.engine")


def report(error: Exception) -> None:
    """Log the type of an exception and its stack, but not its text, which may quote a value."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s at\n%s", type(error).__name__, stack)

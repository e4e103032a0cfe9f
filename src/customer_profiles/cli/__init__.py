"""The command line: one file for each command group; only this package prints and exits."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

_ERROR, _INTERRUPTED = 2, 130


def main() -> None:
    """Run `customer-profiles`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Characters that the terminal's encoding lacks are no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        app = _app()
    except KeyboardInterrupt:  # Ctrl-C before typer is imported, which handles it later.
        sys.exit(_INTERRUPTED)
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:  # A shell can close it.
                sys.stdout.flush()
    except OSError as error:
        # Python would try to write the rest at exit, and fail again.
        sys.stdout = None
        if sys.stderr is not None:
            sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
        sys.exit(_ERROR)


def _app() -> Typer:
    try:
        for library in ("rich", "typer"):
            import_module(library)
    except ModuleNotFoundError as error:
        from customer_profiles._hints.extras import install

        sys.exit(f"{error.name} is missing; run: {install('cli')}")
    from .app import app

    return app

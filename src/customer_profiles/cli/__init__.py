"""The command line: one file a command group; the only place that prints and exits."""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """Run `customer-profiles`."""
    try:
        for library in ("rich", "typer"):
            import_module(library)
    except ModuleNotFoundError as error:
        sys.exit(f'{error.name} is missing; run: pip install "customer-profiles[cli]"')
    from customer_profiles.cli.app import app

    app()

"""The command line as `python -m customer_profiles`, without the installed script."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()

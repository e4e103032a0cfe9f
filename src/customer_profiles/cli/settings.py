"""The user's own configuration file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import typer

from .console import fail


def reveals_by_setting(db: Path | None) -> bool:
    """Return whether the user's configuration file reveals the values of a database file.

    The setting is in the user's own file and not in the database, because a database file is
    passed on to others.
    """
    if db is None:
        return False
    folders = [path.expanduser().resolve() for path in _revealed_paths()]
    file = db.expanduser().resolve()
    return any(path in (file, *file.parents) for path in folders)


def configuration_file() -> Path:
    """Return the path of the user's configuration file, which need not exist."""
    path = os.environ.get("CUSTOMER_PROFILES_CONFIG")
    return Path(path) if path else Path(typer.get_app_dir("customer-profiles")) / "config.toml"


def _revealed_paths() -> list[Path]:
    file = configuration_file()
    try:
        settings = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be read: {error}")
    unknown = settings.keys() - {"reveal"}
    if unknown:
        fail(f"{file} has no setting {min(unknown)!r}; known is reveal")
    paths = settings.get("reveal", [])
    if not (isinstance(paths, list) and all(isinstance(path, str) for path in paths)):
        fail(f'{file}: reveal is a list of database files or folders, such as ["~/shop.db"]')
    return [Path(path) for path in paths]

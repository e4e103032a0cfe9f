"""Identity resolution as functions over records: which of them are one person's, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .columns.kinds import Kind
    from .explaining import Evidence, Explanation
    from .index import Candidate, Index, Stored, lasting_keys
    from .matching.blocking import MOST_HELD
    from .model import Model
    from .resolution import Group, Resolution, resolve

__all__ = [
    "MOST_HELD",
    "Candidate",
    "Evidence",
    "Explanation",
    "Group",
    "Index",
    "Kind",
    "Model",
    "Resolution",
    "Stored",
    "lasting_keys",
    "resolve",
]

_HOMES = {
    "MOST_HELD": "matching.blocking",
    "Candidate": "index",
    "Evidence": "explaining",
    "Explanation": "explaining",
    "Group": "resolution",
    "Index": "index",
    "Kind": "columns.kinds",
    "Model": "model",
    "Resolution": "resolution",
    "Stored": "index",
    "lasting_keys": "index",
    "resolve": "resolution",
}


def __getattr__(name: str) -> Any:
    """Import what needs numpy and others only when it is asked for."""
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    try:
        return getattr(import_module(f".{home}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("customer_profiles"):
            raise
        msg = f"matching needs {error.name}: pip install 'customer-profiles[identity]'"
        raise ModuleNotFoundError(msg, name=error.name) from error

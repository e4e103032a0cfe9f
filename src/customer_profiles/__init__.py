"""A typed SDK and ORM for Amazon Connect Customer Profiles, with the service itself embedded.

The exported names are listed once, in the stub beside this file, which type checkers and editors
read. A name is imported when it is first used, so that a script pays for what it uses (PEP 562).
"""

from __future__ import annotations

from importlib import import_module


def _exports() -> dict[str, str]:
    """Return the module of each exported name: the stub has one import on each line."""
    stub = __loader__.get_data(f"{__path__[0]}/__init__.pyi").decode()
    imports = (line.split() for line in stub.splitlines() if line.startswith("from "))
    return {name: module for _, module, _, name, *_ in imports}


_MODULES = _exports()
__all__ = sorted(_MODULES)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]

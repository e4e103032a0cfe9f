"""How to install the libraries of an extra, from a checkout as well as from an index."""

from __future__ import annotations

import re
from importlib import metadata

_PACKAGE = "customer-profiles"
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([\w,.-]+)\])?\s*([^;]*?)\s*(?:;(.*))?", re.ASCII)


def install(extra: str) -> str:
    """Return the command that installs what an extra of this package needs and is missing.

    It names the libraries, because the package itself may not be on an index.

    Args:
        extra: the extra's name, such as `identity`.
    """
    try:
        requirements = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        requirements = []
    missing = sorted(_missing(extra, requirements))
    if not missing:
        return f'pip install "{_PACKAGE}[{extra}]"'
    return f"pip install {' '.join(missing)} (the extra {extra!r} of {_PACKAGE})"


def _missing(extra: str, requirements: list[str]) -> set[str]:
    """Return the requirements of an extra, and of those in it, that are not installed."""
    found: set[str] = set()
    for requirement in requirements:
        match = _REQUIREMENT.fullmatch(requirement)
        if match is None or not re.search(rf"extra\s*==\s*['\"]{extra}['\"]", match[4] or ""):
            continue
        name, inner, version = match[1], match[2], match[3]
        if name == _PACKAGE:
            for other in (inner or "").split(","):
                found |= _missing(other, requirements)
        elif not _is_installed(name):
            found.add(f'"{name}{version}"')
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True

"""Read the files of words by which columns are recognised."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def words_of(name: str) -> dict[str, tuple[str, ...]]:
    """Return the words of a file of this package by the name that their lines begin with."""
    result: dict[str, tuple[str, ...]] = {}
    file = files("customer_profiles.identity.preparing").joinpath(f"{name}.txt")
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            key, _, words = line.partition("\t")
            # Names of several words are separated by bars.
            found = words.split("|") if "|" in words else words.split()
            result[key] = (*result.get(key, ()), *found)
    return result

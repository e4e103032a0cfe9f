"""Former and new ids of profiles: a log in a file, and a compact map in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ID_BYTES = 16
NO_ID = "0" * 32
"""Stands for the id of a profile that was not stored."""
_PAIR = 2 * ID_BYTES
_CHUNK = _PAIR * 4_096
_EMPTY = bytes(ID_BYTES)


class IdLog:
    """Pairs of a former and a new id in their order, appended to a file.

    Args:
        path: the file; a pair that was written in part is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            os.ftruncate(descriptor, size - size % _PAIR)
        finally:
            os.close(descriptor)
        self._waiting = bytearray()
        self.count: int = size // _PAIR

    def add(self, old: str, new: str) -> None:
        """Append a pair, which `flush` writes."""
        self._waiting += bytes.fromhex(old) + bytes.fromhex(new)
        self.count += 1

    def flush(self) -> None:
        """Write all pairs to the disk."""
        with self._path.open("ab") as file:
            file.write(self._waiting)
            file.flush()
            os.fsync(file.fileno())
        self._waiting.clear()

    def pairs(self, start: int = 0) -> Iterator[tuple[str, str]]:
        """Yield the pairs from a position on."""
        with self._path.open("rb") as file:
            file.seek(start * _PAIR)
            while chunk := file.read(_CHUNK):
                for at in range(0, len(chunk), _PAIR):
                    pair = chunk[at : at + _PAIR]
                    yield pair[:ID_BYTES].hex(), pair[ID_BYTES:].hex()

    def new_ids(self, start: int = 0) -> Iterator[str]:
        """Yield the new ids from a position on."""
        return (new for _, new in self.pairs(start))


class IdMap:
    """A map of former to new ids that takes 48 bytes for each, in one block of memory.

    Args:
        pairs: the pairs.
        count: how many there are.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], count: int) -> None:
        self._slots = count * 3 // 2 + 1
        self._table = bytearray(self._slots * _PAIR)
        for old, new in pairs:
            key = bytes.fromhex(old)
            at = self._find(key)
            self._table[at : at + _PAIR] = key + bytes.fromhex(new)

    def get(self, old: str) -> str | None:
        """Return the new id of a profile; None if it is not in the map."""
        at = self._find(bytes.fromhex(old))
        found = bytes(self._table[at + ID_BYTES : at + _PAIR])
        return None if found == _EMPTY else found.hex()

    def _find(self, key: bytes) -> int:
        """Return where a key is, or the free slot for it."""
        # Half of an id is random.
        slot = int.from_bytes(key[8:], "big") % self._slots
        while True:
            at = slot * _PAIR
            stored = self._table[at : at + ID_BYTES]
            if stored in (key, _EMPTY):
                return at
            slot = (slot + 1) % self._slots

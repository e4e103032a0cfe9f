"""The bytes of a file: a sample of its beginning, and then the whole file as a stream."""

from __future__ import annotations

import gzip
import io
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

SAMPLE = 1 << 20
"""How many bytes are looked at to find out what a file is."""
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


class Source(io.RawIOBase):
    """A file of bytes that can be read from its beginning once, after a look at a sample."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        super().__init__()
        self.name: str = name
        self._raw = raw
        self.is_seekable: bool = raw.seekable()
        self._start = raw.tell() if self.is_seekable else 0
        self._bytes: IO[bytes] | gzip.GzipFile = raw
        self.sample: bytes = _read(raw, SAMPLE)
        self.is_compressed: bool = self.sample.startswith(_GZIP)
        if self.is_compressed:
            self._bytes = gzip.GzipFile(fileobj=_Chained(self.sample, raw))
            self.sample = _read(self._bytes, SAMPLE)
        self.is_whole: bool = len(self.sample) < SAMPLE
        """Whether the sample is the whole file."""
        self._ahead = memoryview(self.sample)
        self._count = 0

    def whole(self) -> IO[bytes]:
        """Return the whole file as one that can be read at any position."""
        if self.is_seekable and not self.is_compressed:
            self._raw.seek(self._start)
            return self._raw
        return io.BytesIO(self.sample + self._bytes.read())

    def check(self, look: Callable[[bytes], bool]) -> None:
        """Pass the whole file in chunks, as long as the answer is true, and go back to its start.

        A file that cannot go back, such as a pipe, passes its sample alone.
        """
        if not look(self.sample) or self.is_whole or not self.is_seekable or self.is_compressed:
            return
        position = self._raw.tell()
        while (chunk := self._raw.read(_CHUNK)) and look(chunk):
            pass
        self._raw.seek(position)

    @property
    def position(self) -> int:
        """The number of bytes of the file that were read; 0 if it is unknown, as for a pipe."""
        return self._raw.tell() - self._start if self.is_seekable else 0

    def readable(self) -> bool:
        """Return that this can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read bytes: first those of the sample, then those that follow."""
        target = memoryview(buffer).cast("B")
        data = self._ahead[: len(target)] or self._bytes.read(len(target))
        target[: len(data)] = data
        self._ahead = self._ahead[len(data) :]
        return len(data)


class _Chained(io.RawIOBase):
    """Bytes that were read already, and those that follow."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        super().__init__()
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._first:
            size = len(self._first) if size < 0 else size
            data, self._first = self._first[:size], self._first[size:]
            return data
        return self._rest.read(size)


def _read(raw: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    """Read so many bytes, or all that there are: a pipe gives fewer at once."""
    parts: list[bytes] = []
    while size > 0 and (data := raw.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)

"""Writing files with personal data: whole or not at all, and readable by their owner only."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MODE = 0o600


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name when the block ends without an error.

    It is written beside its name, to the disk, and then renamed.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_private(path: Path, content: bytes) -> None:
    """Write a file as a whole."""
    with private_file(path) as file:
        file.write(content)

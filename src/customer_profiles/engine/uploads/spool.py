"""Where a file is uploaded to, and where it waits for its import.

The address is one that the caller can reach: of a bucket if the engine has one for uploads, of the
engine's own door if the request came over HTTP, else a `file://` URL into the spool folder.
Whoever has a URL may put a file until it expires, as with S3's presigned URLs, if the three headers
of SSE-C have the job's key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store.database import StorageError, page_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from customer_profiles.engine.service.context import Context

# Assumed: the address of an upload job is valid for 15 minutes.
VALID_SECONDS = 900
# Assumed: a file that was uploaded and not started is removed a day after its address expired.
KEPT_SECONDS = 86_400
_ALGORITHM = "x-amz-server-side-encryption-customer-algorithm"
_KEY = "x-amz-server-side-encryption-customer-key"
_KEY_MD5 = "x-amz-server-side-encryption-customer-key-md5"
_MOST_DIGITS = 15
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
PART, WHOLE = ".part", ".csv"
"""The endings of files that are being written, and of those that are whole."""

uploads_at: ContextVar[Callable[[], str] | None] = ContextVar("uploads_at", default=None)
"""Returns the URL below which the door of the current request accepts files, if it does."""


def door() -> str | None:
    """Return the URL below which the door of the current request accepts files, if it does."""
    address = uploads_at.get()
    return None if address is None else address()


class Spool:
    """The folder of uploaded files, beside the database; a temporary one if that is in memory."""

    def __init__(self, database: Path | None) -> None:
        """Use a folder that is created when it is first needed."""
        # Every process that opens the file must find the same folder, by whatever link it came.
        self._folder = database and Path(f"{os.path.realpath(database)}-uploads")
        self.lock: threading.Lock = threading.Lock()
        self.checking: threading.Lock = threading.Lock()
        """Held while a file is fetched and checked."""
        self._remove: Callable[[], object] = lambda: None

    @property
    def folder(self) -> Path:
        """The folder, which is created if it is missing.

        Raises:
            StorageError: it cannot be created.
        """
        with self.lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="customer-profiles-uploads-"))
                # Also at the end of a program that does not close its engine.
                self._remove = weakref.finalize(
                    self, shutil.rmtree, self._folder, ignore_errors=True
                )
        try:
            self._folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        except OSError as error:
            message = f"the folder {self._folder} cannot be created: {error.strerror}"
            raise StorageError(message) from error
        return self._folder

    def file(self, job_id: str) -> Path:
        """Return the path of a job's whole file."""
        return self.folder / f"{job_id}{WHOLE}"

    def files(self) -> list[Path]:
        """Return the files in the folder; none if there is no folder that can be read."""
        if self._folder is None:
            return []
        with suppress(OSError):
            return [Path(entry.path) for entry in os.scandir(self._folder)]
        return []

    def close(self) -> None:
        """Remove a temporary folder."""
        self._remove()

    def new_part(self, job_id: str) -> tuple[int, Path]:
        """Create a file that only its owner can read; return its descriptor and its path."""
        descriptor, name = tempfile.mkstemp(PART, f"{job_id}.", self.folder)
        os.chmod(name, _PRIVATE_FILE)  # noqa: PTH101 - a umask can have removed permissions
        return descriptor, Path(name)


def job_of(file: Path) -> str:
    """Return the id of the job that a file in the folder belongs to."""
    return file.name.partition(".")[0]


def key_of(context: Context, job_id: str) -> bytes:
    """Return the key of a job's file, which is derived from the database's own secret."""
    return _derived(context, f"upload key {job_id}")


def token_of(job_key: bytes) -> str:
    """Return the ClientToken of a key."""
    return base64.b64encode(job_key).decode()


def _derived(context: Context, text: str) -> bytes:
    with context.database.read() as connection:
        return hmac.digest(page_secret(connection), text.encode(), "sha256")


def signed_url(context: Context, base: str, job_id: str, until: int) -> str:
    """Return the URL of a door that accepts a job's file until a time in epoch seconds."""
    query = urlencode({"valid-until": until, "signature": _signature(context, job_id, until)})
    return f"{base}/{job_id}?{query}"


def _signature(context: Context, job_id: str, until: int) -> str:
    return _derived(context, f"upload url {job_id} {until}").hex()


def check_url(context: Context, job_id: str, query: str) -> None:
    """Refuse a URL that this engine did not make, or that has expired.

    Raises:
        Refusal: it is not valid.
    """
    values = parse_qs(query)
    until, signature = (values.get(name, [""])[0] for name in ("valid-until", "signature"))
    is_time = until.isascii() and until.isdecimal() and len(until) <= _MOST_DIGITS
    expected = _signature(context, job_id, int(until)) if is_time else ""
    if not is_time or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise _denied("The URL was not made by this engine, or it was changed")
    if int(until) <= context.clock.now():
        raise _denied("The URL has expired; request the path of the job again")


def check_headers(headers: Mapping[str, str], job_key: bytes) -> None:
    """Refuse a file without the three headers of SSE-C, or with another key than the job's.

    Raises:
        Refusal: a header is missing or wrong; the message names it.
    """
    digest = hashlib.md5(job_key, usedforsecurity=False).digest()
    expected = {
        _ALGORITHM: "AES256",
        _KEY: token_of(job_key),
        _KEY_MD5: base64.b64encode(digest).decode(),
    }
    for name, value in expected.items():
        sent = headers.get(name)
        if sent is None:
            raise _denied(f"The header {name} is missing")
        if not hmac.compare_digest(sent.strip().encode(), value.encode()):
            message = (
                "must be AES256"
                if name == _ALGORITHM
                else "must be the ClientToken of the job's path"
                if name == _KEY
                else "must be the MD5 of the decoded ClientToken, in Base64"
            )
            raise bad_request(f"The header {name} {message}")


def answer_headers(job_key: bytes) -> dict[str, str]:
    """Return the headers with which S3 confirms the encryption."""
    digest = hashlib.md5(job_key, usedforsecurity=False).digest()
    return {_ALGORITHM: "AES256", _KEY_MD5: base64.b64encode(digest).decode()}


def _denied(message: str) -> Refusal:
    # Assumed: a file with a wrong URL or without its headers is refused as S3 does, with 403.
    return Refusal("AccessDeniedException", message)

"""The reception of a file, piece by piece, into the spool folder."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import upload_jobs as store
from customer_profiles.engine.store.database import StorageError

from . import spool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles.engine.service.context import Context

_LENGTH_REQUIRED = 411


class Incoming:
    """A file that is being received; leaving its `with` block discards it unless it is kept."""

    def __init__(
        self, context: Context, job_id: str, query: str, headers: Mapping[str, str]
    ) -> None:
        """Check the URL, the headers and the job.

        Args:
            context: the parts of the engine.
            job_id: the job, from the path of the URL.
            query: the query of the URL.
            headers: the headers, with names in lower case.

        Raises:
            Refusal: the file is not accepted.
            StorageError: the folder cannot be written.
        """
        self._context, self._job_id = context, job_id
        spool.check_url(context, job_id, query)
        self._key = spool.key_of(context, job_id)
        spool.check_headers(headers, self._key)
        self.size: int = _length(headers, context.quotas.upload_bytes)
        """The bytes that the file has by its header."""
        with context.database.read() as connection:
            _check_state(store.find(connection, job_id))
        self._received = 0
        try:
            descriptor, self._part = context.spool.new_part(job_id)
        except OSError as error:
            raise _failed(error) from error
        self._file = os.fdopen(descriptor, "wb")

    def write(self, piece: bytes) -> None:
        """Write the next bytes.

        Raises:
            Refusal: there are more than the header says.
            StorageError: the disk is full or failed.
        """
        self._received += len(piece)
        if self._received > self.size:
            raise bad_request("The file is longer than its Content-Length")
        try:
            self._file.write(piece)
        except OSError as error:
            raise _failed(error) from error

    def keep(self) -> dict[str, str]:
        """Make the file that of its job, in place of an earlier one; return headers of the answer.

        Raises:
            Refusal: the file is not whole, or the job was started in the meantime.
            StorageError: the disk is full or failed.
        """
        if self._received < self.size:
            raise bad_request("The file is shorter than its Content-Length")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            # In a transaction, so that a job that is started at the same time reads a whole file.
            with self._context.database.write() as connection:
                _check_state(store.find(connection, self._job_id))
                self._part.replace(self._context.spool.file(self._job_id))
        except OSError as error:
            raise _failed(error) from error
        return spool.answer_headers(self._key)

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was received, unless it was kept."""
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)


def _check_state(job: store.UploadJob | None) -> None:
    if job is None or job.status != store.CREATED:
        raise Refusal("AccessDeniedException", "The upload job accepts no file any more")


def _length(headers: Mapping[str, str], limit: int) -> int:
    text = headers.get("content-length", "")
    if not (text.isascii() and text.isdecimal()) or "chunked" in headers.get(
        "transfer-encoding", ""
    ):
        # S3 refuses such uploads too: a presigned URL needs the length beforehand.
        message = "The header Content-Length is missing; send the file with its length"
        raise Refusal("BadRequestException", message, _LENGTH_REQUIRED)
    if len(text) > 15 or int(text) >= limit:  # noqa: PLR2004 - more digits than any file's size
        raise bad_request(f"The file has {text[:15]} bytes; it must have fewer than {limit}")
    return int(text)


def _failed(error: OSError) -> StorageError:
    return StorageError(f"the uploaded file cannot be stored: {error.strerror or 'disk error'}")

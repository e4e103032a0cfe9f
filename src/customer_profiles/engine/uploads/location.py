"""The bucket for uploads that an engine may have, and the keys of the files in it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.engine.aws import AwsError

from . import spool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.engine.service.context import Context

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.{0,900}))?", re.DOTALL)


class Folder(NamedTuple):
    """A folder of a bucket."""

    bucket: str
    prefix: str

    def key(self, job_id: str) -> str:
        """Return the key of a job's file."""
        return f"{self.prefix}{job_id}{spool.WHOLE}"


def parse(uri: str | None) -> Folder | None:
    """Return the folder of a URI such as `s3://bucket/uploads`.

    Raises:
        ValueError: it is no such URI.
    """
    if uri is None:
        return None
    match = _URI.fullmatch(uri)
    if match is None:
        message = f"upload_uri {uri!r} is not a folder of a bucket; give s3://bucket/folder"
        raise ValueError(message)
    prefix = (match[2] or "").strip("/")
    return Folder(match[1], f"{prefix}/" if prefix else "")


def remove(context: Context, job_ids: Iterable[str]) -> None:
    """Remove the files of jobs that are over from the bucket, if there is one.

    A failure is logged, as the jobs themselves are not concerned.
    """
    folder = parse(context.upload_uri)
    if folder is None:
        return
    for job_id in job_ids:
        try:
            context.aws.delete(folder.bucket, folder.key(job_id))
        except AwsError as error:
            log.warning("the file of upload job %s was not removed: %s", job_id, error)

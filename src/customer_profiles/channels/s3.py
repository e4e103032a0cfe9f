"""The files in S3 that the service writes for its callers."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from customer_profiles._quiet import private
from customer_profiles.errors import ConnectionFailedError, InvalidInputError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .base import Channel

_SCHEME = "s3://"
_MOST_DELETED = 1000


class Folder:
    """A folder in S3.

    Args:
        uri: the folder, such as `s3://bucket/folder`.
        channel: the channel to the service, whose credentials are used.
        client: a boto3 client of S3 in place of one with these credentials.

    Raises:
        InvalidInputError: the URI is no folder in S3.
    """

    def __init__(self, uri: str, channel: Channel, client: Any = None) -> None:
        bucket, prefix = split(uri)
        self.uri: str = uri.rstrip("/")
        self.bucket: str = bucket
        # With its slash: else the folder `all` would include a folder `all-2`.
        self._prefix = f"{prefix}/" if prefix else ""
        self._channel, self._given = channel, client

    def list_keys(self) -> Iterator[str]:
        """Yield the keys of the files in the folder and below, page by page.

        Raises:
            ServiceError: S3 refused.
            ConnectionFailedError: S3 did not answer.
        """
        pages = self._client.get_paginator("list_objects_v2")
        answers = iter(pages.paginate(Bucket=self.bucket, Prefix=self._prefix))
        while True:
            with _translated("ListObjectsV2", self.uri), private():
                answer = next(answers, None)
            if answer is None:
                return
            yield from (item["Key"] for item in answer.get("Contents", ()))

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """Open a file for reading.

        Raises:
            ServiceError: S3 refused.
            ConnectionFailedError: S3 did not answer, or not to the end of the file.
        """
        with _translated("GetObject", self.uri):
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
            with io.BufferedReader(body) as reader:
                yield cast("BinaryIO", reader)

    def delete(self) -> None:
        """Delete the files in the folder and below.

        Raises:
            ServiceError: S3 refused.
            ConnectionFailedError: S3 did not answer.
        """
        keys = list(self.list_keys())
        with _translated("DeleteObjects", self.uri), private():
            for start in range(0, len(keys), _MOST_DELETED):
                objects = [{"Key": key} for key in keys[start : start + _MOST_DELETED]]
                answer = self._client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}
                )
                if failed := answer.get("Errors"):
                    code = str(failed[0].get("Code"))
                    refusal = _refusal("DeleteObjects", code, self.uri)
                    raise refusal

    @property
    def _client(self) -> Any:
        if self._given is None:
            self._given = s3_client(self._channel)
        return self._given


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and the prefix of a folder in S3.

    Raises:
        InvalidInputError: it is no such folder.
    """
    bucket, _, prefix = uri.removeprefix(_SCHEME).partition("/")
    if not uri.startswith(_SCHEME) or not bucket:
        msg = "a folder in S3 is needed, such as s3://bucket/folder"
        raise InvalidInputError(msg)
    return bucket, prefix.strip("/")


def s3_client(channel: Channel) -> Any:
    """Return a client of S3 with the credentials and the region of a channel."""
    from .embedded import EngineChannel

    if isinstance(channel, EngineChannel):
        return channel.engine.s3
    make: Any = getattr(channel, "s3_client", None)
    if make is None:
        msg = "this channel has no credentials for S3; pass a boto3 client of S3 as s3="
        raise InvalidInputError(msg)
    return make()


@contextmanager
def _translated(operation: str, uri: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if isinstance(error, ServiceError):
            raise
        answer: Any = error.response
        raise _refusal(operation, str(answer["Error"]["Code"]), uri) from error
    except BotoCoreError as error:
        raise ConnectionFailedError(operation, type(error).__name__, sent=False) from error


def _refusal(operation: str, code: str, uri: str) -> ServiceError:
    needed = {"ListObjectsV2": "s3:ListBucket", "GetObject": "s3:GetObject"}
    permission = needed.get(operation, "s3:DeleteObject")
    message = f"{uri}: {code}; the credentials of this client need {permission} on the bucket"
    return ServiceError.of(code, message, operation=operation)

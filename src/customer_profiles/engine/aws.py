"""The engine's own use of AWS: files of S3, messages to SQS, and records to Kinesis.

Nothing is sent to AWS unless a flow of S3 runs, a job exports its matches to S3, a snapshot of a
segment is made, or a domain has a DeadLetterQueueUrl or an event stream.
"""

from __future__ import annotations

import io
import re
import threading
import time
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, cast

from customer_profiles._quiet import private, quiet_botocore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_QUEUE = re.compile(r"https?://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com")
_PIECE = 1 << 20
_PAUSE_SECONDS = 30.0
"""How long nothing is sent to a queue that did not answer, so that it does not slow requests."""
# SQS's error codes for a message that it will never accept; some come with an older prefix.
_PERMANENT = ("BatchRequestTooLong", "InvalidParameterValue", "InvalidMessageContents")


class Session(Protocol):
    """A boto3 session, or any object with its `client` method."""

    def client(self, service_name: Any, /, *args: Any, **options: Any) -> Any:
        """Return a client of a service."""
        ...


class AwsError(Exception):
    """AWS refused or did not answer; the message names the error and has no customer's values."""


class PausedError(AwsError):
    """Nothing was sent, because AWS did not answer a moment ago."""


class MissingFileError(AwsError):
    """A bucket has no file with a key."""


class File(NamedTuple):
    """A file in a bucket."""

    key: str
    etag: str
    modified: float
    """The time of the last write, by the clock of S3."""


class Message(NamedTuple):
    """A message to a queue."""

    id: int
    body: str
    reason: str


class DataRecord(NamedTuple):
    """A record for a data stream."""

    id: int
    body: bytes
    partition_key: str


class Sent(NamedTuple):
    """The ids of what was accepted or refused; all else may be sent again."""

    accepted: set[int]
    refused: set[int]
    """What will never be accepted."""
    failed: Mapping[int, str] = MappingProxyType({})
    """AWS's error codes for what was not accepted now."""


THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException")
"""Error codes that say nothing about what was sent."""


class Aws:
    """The clients of S3, SQS and Kinesis, made when they are first needed."""

    def __init__(self, session: Session | None = None, region: str = "us-east-1") -> None:
        """Use a session's clients, or those of boto3's default session."""
        self._session, self._region = session, region
        self._lock = threading.Lock()
        self._sending: dict[str, threading.Lock] = {}
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._paused_until: dict[str, float] = {}

    def sending(self, what: str) -> threading.Lock:
        """Return the lock for sending one kind of thing, so that this process sends each once."""
        with self._lock:
            return self._sending.setdefault(what, threading.Lock())

    @property
    def s3(self) -> Any:
        """The boto3 client of S3."""
        return self._client("s3")

    def files(self, bucket: str, folder: str) -> list[File]:
        """List the files in a bucket's folder and below, the oldest first.

        Raises:
            AwsError: the bucket cannot be listed.
        """
        with _translated(f"bucket {bucket} cannot be listed"):
            pages = self._client("s3").get_paginator("list_objects_v2")
            found = [
                File(item["Key"], item["ETag"], item["LastModified"].timestamp())
                for page in pages.paginate(Bucket=bucket, Prefix=folder)
                for item in page.get("Contents", ())
                if not item["Key"].endswith("/")
            ]
        return sorted(found, key=lambda file: (file.modified, file.key))

    @contextmanager
    def open(self, bucket: str, key: str) -> Iterator[BinaryIO]:
        """Open a file for reading.

        Raises:
            AwsError: the file cannot be opened or read to its end.
        """
        with _translated(f"a file of bucket {bucket} cannot be read"):
            body = self._client("s3").get_object(Bucket=bucket, Key=key)["Body"]
            with io.BufferedReader(body) as reader:
                yield cast("BinaryIO", reader)

    def put(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        """Write a file, encrypted with a key of KMS if there is one.

        Raises:
            AwsError: the file cannot be written.
        """
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        with _translated(f"a file cannot be written to bucket {bucket}"), private():
            self._client("s3").put_object(Bucket=bucket, Key=key, Body=body, **encryption)

    def presigned_put(self, bucket: str, key: str, secret: bytes, seconds: int) -> str:
        """Return a URL to which anybody can put a file, encrypted by the secret, for some seconds.

        Raises:
            AwsError: there are no credentials to sign it.
        """
        with _translated(f"a URL for bucket {bucket} cannot be signed"):
            # By version 4, the headers of the encryption are signed, so that they must be sent.
            client = self._client("s3", signature="s3v4")
            parameters = {"Bucket": bucket, "Key": key, **_encrypted_by(secret)}
            return str(client.generate_presigned_url("put_object", parameters, seconds))

    def download(self, bucket: str, key: str, secret: bytes, descriptor: int, limit: int) -> None:
        """Write a file that is encrypted by a secret to an open descriptor, and close that.

        Of a file that is not smaller than the limit, only as many bytes are written.

        Raises:
            MissingFileError: there is no such file.
            AwsError: the file cannot be read.
        """
        with (
            open(descriptor, "wb") as target,
            _translated(f"a file of bucket {bucket} cannot be read"),
        ):
            options = _encrypted_by(secret)
            body = self._client("s3").get_object(Bucket=bucket, Key=key, **options)["Body"]
            while limit > 0 and (piece := body.read(min(_PIECE, limit))):
                target.write(piece)
                limit -= len(piece)

    def delete(self, bucket: str, key: str) -> None:
        """Remove a file, if there is one.

        Raises:
            AwsError: it cannot be removed.
        """
        with _translated(f"a file of bucket {bucket} cannot be removed"):
            self._client("s3").delete_object(Bucket=bucket, Key=key)

    def send(self, queue_url: str, messages: Sequence[Message]) -> Sent:
        """Send up to ten messages to a queue.

        Raises:
            AwsError: the queue does not exist, denies access or does not answer. Messages that it
                accepted before the error are sent again by the next call.
        """
        if self._paused_until.get(queue_url, 0) > time.monotonic():
            message = "the queue did not answer a moment ago"
            raise PausedError(message)
        match = _QUEUE.match(queue_url)
        region = (match and (match[1] or match[2])) or self._region
        with _translated("the queue does not accept them"):
            return self._send(self._client("sqs", region), queue_url, messages)

    def _send(self, client: Any, queue_url: str, messages: Sequence[Message]) -> Sent:
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [_entry(message) for message in messages]
        try:
            with private():
                answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        except BotoCoreError:
            self._paused_until[queue_url] = time.monotonic() + _PAUSE_SECONDS
            raise
        except ClientError as error:
            if _code(error) not in _PERMANENT:
                raise
            if len(messages) == 1:
                return Sent(set(), {messages[0].id})
            # At least one message is refused: send each alone to find out which.
            each = [self._send(client, queue_url, [message]) for message in messages]
            return Sent(
                {message_id for sent in each for message_id in sent.accepted},
                {message_id for sent in each for message_id in sent.refused},
            )
        accepted = {int(item["Id"]) for item in answer.get("Successful", ())}
        failed = answer.get("Failed", ())
        return Sent(accepted, {int(item["Id"]) for item in failed if item.get("SenderFault")})

    def put_records(self, stream_arn: str, records: Sequence[DataRecord]) -> Sent:
        """Put up to 500 records into a data stream of Kinesis.

        Raises:
            AwsError: the stream does not exist, denies access or does not answer. Records that it
                accepted before the error are sent again by the next call.
        """
        entries = [
            {"Data": record.body, "PartitionKey": record.partition_key} for record in records
        ]
        with _translated("the stream does not accept them"), private():
            client = self._client("kinesis", stream_arn.split(":")[3])
            answer = client.put_records(StreamARN=stream_arn, Records=entries)
        results = zip(records, answer["Records"], strict=True)
        failed = {
            record.id: result["ErrorCode"] for record, result in results if result.get("ErrorCode")
        }
        return Sent({record.id for record in records} - failed.keys(), set(), failed)

    def _client(
        self, service: str, region: str | None = None, *, signature: str | None = None
    ) -> Any:
        with self._lock:
            client = self._clients.get((service, region or signature))
            if client is None:
                client = self._new_client(service, region, signature)
                self._clients[service, region or signature] = client
            return client

    def _new_client(self, service: str, region: str | None, signature: str | None) -> Any:
        import boto3
        from botocore.config import Config

        quiet_botocore()
        session: Any = self._session or boto3
        # Messages are sent before a request is answered, so a caller waits for the queue.
        timeouts = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
        config = timeouts if service in ("sqs", "kinesis") else None
        if service == "kinesis":
            # It takes a quarter of the time of a request of 500 records, which are valid.
            config = timeouts.merge(Config(parameter_validation=False))
        if signature is not None:
            config = Config(signature_version=signature)
        return session.client(service, region_name=region, config=config)


def _encrypted_by(secret: bytes) -> dict[str, Any]:
    """Return the parameters of a request for a file that S3 encrypts by a secret of ours."""
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": secret}


def _entry(message: Message) -> dict[str, Any]:
    # Observed in the service: the body is the failed object, the attribute Message is the reason.
    reason = {"DataType": "String", "StringValue": message.reason}
    return {
        "Id": str(message.id),
        "MessageBody": message.body,
        "MessageAttributes": {"Message": reason},
    }


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"]).rpartition(".")[2]


@contextmanager
def _translated(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        message = f"{what}: {_code(error)}"
        kind = MissingFileError if _code(error) == "NoSuchKey" else AwsError
        raise kind(message) from error
    except BotoCoreError as error:
        message = f"{what}: {type(error).__name__}"
        raise AwsError(message) from error

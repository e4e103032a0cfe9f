"""What the engine does on AWS itself: it reads files of S3 and sends messages to SQS.

Nothing goes there unless a flow of S3 runs, or a domain has a DeadLetterQueueUrl.
"""

from __future__ import annotations

import io
import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, cast

from customer_profiles._quiet import private, quiet_botocore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_QUEUE = re.compile(r"https?://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com")
_REST_SECONDS = 30.0
"""How long a queue that gave no answer is left alone, so that it does not slow every request."""
# SQS's words for a message that it will never take, with and without their old prefix.
_NEVER = ("BatchRequestTooLong", "InvalidParameterValue", "InvalidMessageContents")


class Session(Protocol):
    """What makes clients: a boto3 session, or anything with its method."""

    def client(self, service_name: Any, /, *args: Any, **options: Any) -> Any:
        """Make the client of a service."""
        ...


class AwsError(Exception):
    """AWS said no, or nothing; the message names the error and carries no customer's value."""


class File(NamedTuple):
    """A file in a bucket."""

    key: str
    etag: str
    modified: float
    """When it was written, by the clock of S3."""


class Message(NamedTuple):
    """A message to a queue."""

    id: int
    body: str
    reason: str


class Sent(NamedTuple):
    """What became of messages."""

    taken: set[int]
    refused: set[int]
    """Those that the queue will never take."""


class Aws:
    """The clients of S3 and SQS, made when they are first needed."""

    def __init__(self, session: Session | None = None, region: str = "us-east-1") -> None:
        """Use a session's clients, or those of boto3's default session."""
        self.sending: threading.Lock = threading.Lock()
        """Held while dead letters are sent, so that each is sent once."""
        self._session, self._region = session, region
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._resting: dict[str, float] = {}

    def files(self, bucket: str, folder: str) -> list[File]:
        """List the files in a bucket's folder and below, the oldest first.

        Raises:
            AwsError: the bucket cannot be listed.
        """
        with _translated(f"bucket {bucket} cannot be listed"):
            pages = self._client("s3").get_paginator("list_objects_v2")
            found = [
                File(one["Key"], one["ETag"], one["LastModified"].timestamp())
                for page in pages.paginate(Bucket=bucket, Prefix=folder)
                for one in page.get("Contents", ())
                if not one["Key"].endswith("/")
            ]
        return sorted(found, key=lambda file: (file.modified, file.key))

    @contextmanager
    def open(self, bucket: str, key: str) -> Iterator[BinaryIO]:
        """Give a file to read.

        Raises:
            AwsError: the file cannot be read, or not to its end.
        """
        with _translated(f"a file of bucket {bucket} cannot be read"):
            body = self._client("s3").get_object(Bucket=bucket, Key=key)["Body"]
            with io.BufferedReader(body) as reader:
                yield cast("BinaryIO", reader)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write a file.

        Raises:
            AwsError: the bucket does not take it.
        """
        with _translated(f"bucket {bucket} does not take a file"), private():
            self._client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def send(self, queue_url: str, messages: Sequence[Message]) -> Sent:
        """Send up to ten messages to a queue.

        Raises:
            AwsError: the queue is not there, not ours to use or does not answer; what was
                taken before is sent again then.
        """
        if self._resting.get(queue_url, 0) > time.monotonic():
            message = "the queue gave no answer a moment ago"
            raise AwsError(message)
        match = _QUEUE.match(queue_url)
        region = (match and (match[1] or match[2])) or self._region
        with _translated("the queue does not take them"):
            return self._send(self._client("sqs", region), queue_url, messages)

    def _send(self, client: Any, queue_url: str, messages: Sequence[Message]) -> Sent:
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [_entry(message) for message in messages]
        try:
            with private():
                answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        except BotoCoreError:
            self._resting[queue_url] = time.monotonic() + _REST_SECONDS
            raise
        except ClientError as error:
            if _code(error) not in _NEVER:
                raise
            if len(messages) == 1:
                return Sent(set(), {messages[0].id})
            # One of them is too much for the queue: find out which.
            each = [self._send(client, queue_url, [message]) for message in messages]
            return Sent(
                {one for sent in each for one in sent.taken},
                {one for sent in each for one in sent.refused},
            )
        taken = {int(one["Id"]) for one in answer.get("Successful", ())}
        failed = answer.get("Failed", ())
        return Sent(taken, {int(one["Id"]) for one in failed if one.get("SenderFault")})

    def _client(self, service: str, region: str | None = None) -> Any:
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[service, region] = self._made(service, region)
            return client

    def _made(self, service: str, region: str | None) -> Any:
        import boto3
        from botocore.config import Config

        quiet_botocore()
        maker: Any = self._session or boto3
        # A queue is asked while a caller waits for the answer to a request of its own.
        timeouts = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
        config = timeouts if service == "sqs" else None
        return maker.client(service, region_name=region, config=config)


def _entry(message: Message) -> dict[str, Any]:
    # Seen from the service: the body is the failed object, the attribute Message has the reason.
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
        raise AwsError(message) from error
    except BotoCoreError as error:
        message = f"{what}: {type(error).__name__}"
        raise AwsError(message) from error

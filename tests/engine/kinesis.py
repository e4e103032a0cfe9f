"""A data stream of Kinesis that accepts, refuses or fails as a test tells it to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/shop"


class FakeKinesis:
    """A boto3 session whose only client keeps the records that it accepts."""

    def __init__(self) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        """The records of each request, accepted or not."""
        self.accepted: list[dict[str, Any]] = []
        """The accepted records, in order."""
        self.keys: list[str] = []
        """The partition keys of the accepted records."""
        self.error: str | None = None
        """The code of an error with which each request fails."""
        self.refuses: Callable[[dict[str, Any]], bool] = lambda _: False
        """Whether a record of a request that succeeds is not accepted."""
        self.code = "InternalFailure"
        """The error code of such a record."""

    def client(self, *_: Any, **__: Any) -> FakeKinesis:
        """Return itself as the client of any service."""
        return self

    def put_records(self, *, StreamARN: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Accept or refuse records as Kinesis answers it."""
        assert StreamARN == STREAM
        assert 1 <= len(Records) <= 500
        assert sum(len(item["Data"]) + len(item["PartitionKey"]) for item in Records) <= 5 << 20
        records = [json.loads(item["Data"]) for item in Records]
        self.requests.append(records)
        if self.error is not None:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "PutRecords")
        results: list[dict[str, Any]] = []
        for item, record in zip(Records, records, strict=True):
            if self.refuses(record):
                results.append({"ErrorCode": self.code, "ErrorMessage": "no"})
            else:
                self.accepted.append(record)
                self.keys.append(item["PartitionKey"])
                results.append({"SequenceNumber": "1", "ShardId": "shardId-000000000000"})
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedRecordCount": failed, "Records": results}

"""A process that writes profiles and delivers them to a file, until it kills itself or is told to.

Each line of the file is a request to Kinesis: the JSON list of the events that it accepted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from customer_profiles.engine import Engine

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/shop"


class FileKinesis:
    """A boto3 session whose client writes what it accepts to a file."""

    def __init__(self, path: Path, kill_after: int) -> None:
        self._file = path.open("a")
        self._left = kill_after

    def client(self, *_: Any, **__: Any) -> FileKinesis:
        """Return itself as the client of any service."""
        return self

    def put_records(self, *, StreamARN: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002, N803
        """Accept all records, and kill the process after the last request that it may answer."""
        events = [json.loads(item["Data"]) for item in Records]
        line = [[event["EventId"], event.get("Object", {}).get("FirstName")] for event in events]
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1"}] * len(Records)}


def main(folder: Path, first: int, count: int, kill_after: int) -> None:
    """Create numbered profiles, and print each number once it is stored."""
    kinesis = FileKinesis(folder / "kinesis.jsonl", kill_after)
    with Engine(folder / "shop.db", session=kinesis) as engine:
        if not json.loads(engine.answer("ListDomains", {}))["Items"]:
            engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
            stream = {"DomainName": "shop", "EventStreamName": "all", "Uri": STREAM}
            engine.answer("CreateEventStream", stream)
        for number in range(first, first + count):
            engine.answer("CreateProfile", {"DomainName": "shop", "FirstName": str(number)})
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
        engine.run_due()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

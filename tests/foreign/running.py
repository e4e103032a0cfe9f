"""The clients, and the processes that answer calls by them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

HERE = Path(__file__).parent
_FOLDER = os.environ.get("CUSTOMER_PROFILES_CLIENTS")
INSTALLED = None if _FOLDER is None else Path(_FOLDER).absolute()
ACCOUNT = "000000000000"
SECRETS = {ACCOUNT: "first", "111122223333": "second", "444455556666": "right"}
"""The keys of the server; a key of 12 digits is the account."""
SECRETS_USED = {**SECRETS, "444455556666": "wrong", "777788889999": "unknown"}
PATIENCE = 180.0


class Client(NamedTuple):
    """A client, and what it shows of answers beside their members."""

    name: str
    command: tuple[str, ...]
    generic: str = "ClientError"
    """The class of errors that the service's model lacks."""
    shows_errors_class: bool = True
    shows_status: bool = True
    shows_status_of_errors: bool = True
    snake_case: bool = False
    typed_dates: bool = True
    repeats_at_once: bool = True
    """Whether equal requests of one second, which have one signature, have other ids. The server
    takes those of a client without such ids for one request that was recorded and sent again."""
    lacks: frozenset[str] = frozenset()
    """Operations that the installed version does not have."""
    lacks_members: frozenset[str] = frozenset()
    """Members that the installed version neither sends nor reads."""


def python(name: str) -> tuple[str, ...]:
    file = f"with_{name.replace('-', '_')}.py"
    return (f"{INSTALLED}/{name}/bin/python", str(HERE / "clients" / file))


CLIENTS = (
    Client("boto3", (sys.executable, str(HERE / "clients/with_boto3.py"))),
    Client(
        "javascript",
        ("node", str(HERE / "clients/javascript/client.mjs")),
        generic="CustomerProfilesServiceException",
        lacks=frozenset({"BatchPutProfileObject"}),
        lacks_members=frozenset({"SegmentSort"}),  # It is older than the member.
    ),
    Client(
        "aws-cli",
        python("aws-cli"),
        shows_errors_class=False,
        shows_status=False,
        shows_status_of_errors=False,
        typed_dates=False,
    ),
    Client("aiobotocore", python("aiobotocore")),
    Client(
        "capo",
        python("capo"),
        generic="UnknownServiceError",
        shows_status=False,
        snake_case=True,
        repeats_at_once=False,
    ),
)


class Running:
    """A process that answers calls by a client."""

    def __init__(self, client: Client, url: str, folder: Path) -> None:
        self._client = client
        self._log = folder / "stderr"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                client.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                cwd=f"{INSTALLED}/javascript" if client.name == "javascript" else folder,
                env=environment(client, url, folder),
            )
        self._watchdog = threading.Timer(PATIENCE, self._process.kill)
        self._watchdog.start()
        try:
            self.version = self._read()["version"]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a call."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """Stop the process."""
        self._watchdog.cancel()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            pytest.fail(f"{self._client.name} ended: {self._log.read_text('utf-8')}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def environment(client: Client, url: str, folder: Path) -> dict[str, str]:
    """Return credentials and a region, which every client needs, and the URL of the service."""
    return {
        # A retry within a second has the signature of the first attempt.
        **({} if client.repeats_at_once else {"AWS_MAX_ATTEMPTS": "1"}),
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRETS[ACCOUNT],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_CUSTOMER_PROFILES": url,
    }


def reason_to_skip(client: Client) -> str | None:
    """Return why a client cannot run, or None."""
    if client.name == "boto3":
        return None
    if INSTALLED is None:
        return "run tests/foreign/install FOLDER, and set CUSTOMER_PROFILES_CLIENTS=FOLDER"
    if client.name == "javascript" and shutil.which("node") is None:
        return "there is no node on this machine"
    if not (INSTALLED / client.name).is_dir():
        return f"{client.name} is not in {INSTALLED}"
    return None

"""`customer-profiles serve` runs until a signal, and says what is wrong before it starts."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.request import urlopen

import boto3
import pytest
from typer.testing import CliRunner

from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app
from customer_profiles.engine.store import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAIN = "from customer_profiles.cli import main; main()"


class Serving:
    """A process that serves."""

    def __init__(self, *options: str, env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-c", MAIN, "serve", "--port", "0", *options]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env)
        assert self.process.stdout is not None
        # All that it prints: `communicate` loses what was read and not asked for.
        lines = [self.process.stdout.readline() for _ in range(3)]
        self.output = "".join(lines)
        self.url = lines[0].split()[-1]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, and return exit code, output and errors."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=30)
        return self.process.returncode, self.output + output, errors


@pytest.fixture
def start() -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def make(*options: str, **more: dict[str, str]) -> Serving:
        started.append(Serving(*options, **more))
        return started[-1]

    yield make
    for serving in started:
        if serving.process.poll() is None:
            serving.process.kill()
            serving.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_database_is_whole(start, tmp_path: Path, number: int) -> None:
    serving = start("--db", str(tmp_path / "shop.db"), "--log", "json")
    with CustomerProfiles(region="us-east-1", endpoint_url=serving.url) as cp:
        cp.domains.create("shop").profiles.create(first_name="Ada")
    code, output, errors = serving.stop(number)

    assert code == 0
    assert f"export AWS_ENDPOINT_URL_CUSTOMER_PROFILES={serving.url}" in output
    assert [json.loads(line)["operation"] for line in errors.splitlines()] == [
        "CreateDomain",
        "CreateProfile",
    ]
    # The log of SQLite is gone: the database was closed.
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]


def test_a_request_that_is_running_is_finished(start) -> None:
    serving = start("--latency", "1", "--log", "off")
    port = int(serving.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /domains HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.3)
        code, _, errors = serving.stop()
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert (code, errors) == (0, "")


def test_a_second_signal_waits_for_nobody(start) -> None:
    serving = start("--latency", "60", "--log", "off")
    port = int(serving.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /domains HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.3)
        serving.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        began = time.monotonic()
        code, _, _ = serving.stop(signal.SIGINT)
    assert code == 130
    assert time.monotonic() - began < 10


def test_other_machines_are_warned_of_unless_requests_are_signed(start) -> None:
    serving = start("--host", "0.0.0.0", "--log", "off")  # noqa: S104  (what users give)
    assert urlopen(f"{serving.url}/health").status == 200  # noqa: S310
    assert "every machine that reaches this one" in " ".join(serving.stop()[2].split())
    serving = start("--host", "0.0.0.0", "--log", "off", "--auth", "A=b")  # noqa: S104
    assert serving.stop()[2] == ""


@pytest.mark.parametrize("by_variable", [False, True])
def test_keys_come_from_options_files_and_the_environment(
    start, tmp_path: Path, monkeypatch, by_variable: bool
) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\n\nAKIDFILE=file/+=secret\n")
    if by_variable:
        monkeypatch.setenv("CUSTOMER_PROFILES_AUTH", f"AKIDONE=secret @{file}")
        serving = start()
    else:
        serving = start("--auth", "AKIDONE=secret", "--auth", f"@{file}")
    for key, secret in (("AKIDONE", "secret"), ("AKIDFILE", "file/+=secret")):
        client = boto3.client(
            *("customer-profiles", "us-east-1"),
            endpoint_url=serving.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        assert client.list_domains()["Items"] == []
        client.close()


def test_faults_are_injected(start) -> None:
    serving = start("--fault", "ListDomains:throttling:2")
    with CustomerProfiles(region="us-east-1", endpoint_url=serving.url) as cp:
        assert list(cp.domains.all()) == []
    logged = serving.stop()[2].splitlines()
    assert [line.split()[3] for line in logged] == ["429", "429", "200"]


def test_the_region_is_the_one_that_boto3_finds(start, monkeypatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    serving = start("--log", "off")
    _, output, _ = serving.stop()
    assert "account 000000000000, region eu-central-1: in memory" in output


def serve(*options: str, env: dict[str, str] | None = None) -> str:
    """Return the message of a command that cannot start."""
    result = CliRunner().invoke(app, ["serve", "--port", "0", *options], env=env)
    assert result.exit_code == 2, result.output
    return re.sub(r"\s+", " ", result.output)


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = serve("--port", str(port))
    assert f"port {port} of localhost is in use" in message
    assert "0 chooses a free one" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "99999"], "99999 is not a port; give a number from 0 to 65535"),
        (["--host", "nowhere.invalid"], "the host nowhere.invalid is not known"),
        (["--allowed-host", "http://a.example:1/"], "is not a host name"),
        (["--allowed-host", "http://a.example/"], "give a.example"),
        (["--allowed-origin", "a.example"], "is not the origin of a web page"),
        (["--certificate", "none.pem"], "none.pem cannot be read: No such file or directory"),
        (["--key", "none.pem"], "a private key needs a certificate"),
        (["--fault", "SearchProfile:throttling"], "did you mean SearchProfiles?"),
        (["--fault", "SearchProfiles"], "is no fault: write OPERATION:FAULT"),
        (["--log", "xml"], "--log must be plain, json or off"),
        (["--account", "12"], "--account must be 12 digits"),
        (["--region", "../.."], "is not the name of a region"),
        (["--auth", "@none"], "none of --auth cannot be read: No such file"),
        (["--latency", "-1"], "--latency"),
        (["--latency", "inf"], "--latency must be a number of seconds"),
        (["--timeout", "nan"], "--timeout"),
        (["--db", "none/shop.db"], "the folder"),
    ],
)
def test_what_is_wrong_is_told_before_it_starts(options: list[str], message: str) -> None:
    assert message in serve(*options)


@pytest.mark.parametrize("value", ["hunter2", "=hunter2", "KEY=", "a b=hunter2"])
def test_a_key_that_is_none_is_told_without_the_secret(value: str) -> None:
    message = serve("--auth", "A=b", "--auth", value)
    assert "--auth number 2 must be KEY=SECRET" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A=b\nhunter2\n", "line 2 of"),
        (b"# nothing\n", "has no keys; write one KEY=SECRET a line"),
        (b"\xff\xfe", "is not a text file"),
    ],
)
def test_a_file_of_keys_that_is_none_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "keys").write_bytes(content)
    told = serve("--auth", f"@{tmp_path / 'keys'}")
    assert message in told
    assert "hunter2" not in told


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_bytes(b"no database" * 500)
    assert "it is not a database; give another path" in serve("--db", str(tmp_path / "shop.db"))


def test_a_database_of_another_application_is_an_error(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE a (b)")
    other.close()
    message = serve("--db", str(tmp_path / "other.db"))
    assert "is a database of another application" in message


def test_a_locked_database_is_an_error(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(database, "_WAIT_SECONDS", 0.1)
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    message = serve("--db", str(tmp_path / "shop.db"))
    other.close()
    assert "another process locked it" in message


def test_a_missing_library_names_the_command_that_installs_it(monkeypatch) -> None:
    for name in ("uvicorn", "customer_profiles.engine.doors.listening"):
        monkeypatch.setitem(sys.modules, name, None)
    assert 'pip install "customer-profiles[serve]"' in serve()

"""Servers in processes of their own, and a client that loads them from another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MAIN = "from customer_profiles.cli import main; main()"
_MOTO = "from moto.server import main; main()"


class Served(NamedTuple):
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def cpu(self) -> float:
        """The seconds of processor time that it has used."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """Run `customer-profiles serve` on the first core of this process's cores."""
    command = [sys.executable, "-c", _MAIN, "serve", "--port", "0", "--log", "off", *options]
    with _started(command, core=0) as process:
        assert process.stdout is not None
        yield Served(process.stdout.readline().split()[-1], process)


@contextmanager
def moto_served(port: int) -> Iterator[Served]:
    """Run moto's server on the first core of this process's cores."""
    command = [sys.executable, "-c", _MOTO, "-p", str(port)]
    with _started(command, core=0, stderr=subprocess.DEVNULL) as process:
        yield Served(f"http://127.0.0.1:{port}", process)


def load(port: int, requests: Path, *, seconds: float, rate: float = 0.0) -> dict[str, Any]:
    """Send requests from a process on the last core; give their number and their times.

    Args:
        port: the port of the server.
        requests: a file with one JSON text a line, each the bytes of a request.
        seconds: how long to send.
        rate: requests a second; 0 sends the next one as soon as one is answered.
    """
    command = [sys.executable, "-m", "benchmarks.client", str(port), str(requests)]
    command += ["--seconds", str(seconds), "--rate", str(rate)]
    with _started(command, core=-1) as process:
        output, _ = process.communicate()
    measured: dict[str, Any] = json.loads(output)
    return measured


@contextmanager
def _started(
    command: Sequence[str], core: int, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process:
        with suppress(AttributeError, OSError):  # not on macOS and Windows
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(process.pid, {cores[core]})
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=30)
            process.kill()


def wait_for(url: str, seconds: float = 30.0) -> None:
    """Wait until something listens at a URL."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urlopen(url).close()  # noqa: S310
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)

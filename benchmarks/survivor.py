"""Processes that are killed while they write: what they acknowledged must be there afterwards.

One creates profiles itself and tells each acknowledged id; the other is a server, whose clients
remember what was acknowledged.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.people import person
from benchmarks.served import served
from customer_profiles import BatchError, CustomerProfiles

if TYPE_CHECKING:
    from pathlib import Path


def survivors(path: Path, told: int) -> tuple[int, int]:
    """Kill a creator after that many ids: how many were told in the end, and how many are kept."""
    command = [sys.executable, "-m", "benchmarks.survivor", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ids = [process.stdout.readline().strip() for _ in range(told)]
        # Somewhere in the middle of a write, not in step with the reader.
        time.sleep(random.uniform(0.01, 0.05))
        process.kill()
        # What was in the pipe when it died was told as well; a torn last line was not.
        rest = process.stdout.read()
    ids += [line.strip() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return len(ids), _kept(path, ids)


CLIENTS = 4


def served_survivors(path: Path, told: int) -> tuple[int, int]:
    """Kill a server after that many creates: how many it acknowledged, and how many are kept."""
    ids: list[str] = []
    if not path.exists():
        with CustomerProfiles.embedded(path) as cp:
            cp.domains.create("shop", default_expiration_days=366)
    with served("--db", str(path)) as server:
        threads = [
            threading.Thread(target=_create_by_http, args=(server.port, number, ids))
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        while len(ids) < told and any(thread.is_alive() for thread in threads):
            time.sleep(0.01)
        server.process.kill()
        for thread in threads:
            thread.join()
    # It starts again on the file as it is, and answers from it.
    with served("--db", str(path)) as server:
        ask = HTTPConnection("127.0.0.1", server.port, timeout=60)
        kept = 0
        for begin in range(0, len(ids), 20):
            body = json.dumps({"ProfileIds": ids[begin : begin + 20]})
            ask.request("POST", "/domains/shop/batch-get-profiles", body)
            kept += len(json.loads(ask.getresponse().read())["Profiles"])
        ask.close()
    return len(ids), kept


def _create_by_http(port: int, number: int, ids: list[str]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    # Until the server is killed.
    with suppress(OSError, HTTPException):
        for made in count(number, CLIENTS):
            body = json.dumps(person(made)._to_wire())
            connection.request("POST", "/domains/shop/profiles", body)
            answer = connection.getresponse()
            read = json.loads(answer.read())
            ids.append(read["ProfileId"])
    connection.close()


def _kept(path: Path, ids: list[str]) -> int:
    with CustomerProfiles.embedded(path) as cp:
        try:
            return len(cp.domain("shop").profiles.get_many(ids))
        except BatchError as error:
            return len(error.succeeded)


def _create_until_killed(path: str) -> None:
    with CustomerProfiles.embedded(path) as cp:
        profiles = cp.domains.create("shop", default_expiration_days=366).profiles
        for number in count():
            print(profiles.create(person(number)).profile_id, flush=True)


if __name__ == "__main__":
    _create_until_killed(sys.argv[1])

"""`customer-profiles serve`: the service over HTTP on this machine, for every AWS SDK."""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .console import INTERRUPTED, echo, err, fail, out

if TYPE_CHECKING:
    from customer_profiles.engine.doors.scopes import Scope
    from customer_profiles.engine.doors.server import Server

_PORT = 4580
_KEY = re.compile("[A-Za-z0-9_-]{1,128}")


def serve(  # noqa: PLR0913  (the command's options)
    *,
    db: Annotated[
        Path | None,
        typer.Option(help="The database file, created if it is missing; default: in memory."),
    ] = None,
    port: Annotated[int, typer.Option(help="The port; 0 chooses a free one.")] = _PORT,
    host: Annotated[
        str, typer.Option(help="The address to listen on; other machines reach 0.0.0.0.")
    ] = "localhost",
    auth: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=SECRET",
            envvar="CUSTOMER_PROFILES_AUTH",
            help="Accept only requests that this access key signed; may be repeated. @FILE reads "
            "a file with one KEY=SECRET a line.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="The region of --db; default: the one that boto3 finds, or us-east-1."),
    ] = None,
    account: Annotated[str, typer.Option(help="The account of --db, 12 digits.")] = "000000000000",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Answer requests for this host name too, such as the service's name in Docker "
            "Compose or *.example.com; may be repeated.",
        ),
    ] = None,
    allowed_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Let web pages of this origin send requests, such as http://localhost:3000; may "
            "be repeated.",
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Serve HTTPS with this certificate (PEM, with its chain).")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The certificate's private key, if it is in another file.")
    ] = None,
    latency: Annotated[
        float, typer.Option(min=0, help="Seconds by which every answer is delayed.")
    ] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPERATION:FAULT",
            help="Make requests fail, such as SearchProfiles:throttling:3 or "
            "MergeProfiles:lost-answer; may be repeated.",
        ),
    ] = None,
    delay: Annotated[
        float,
        typer.Option(min=0, help="Seconds until an object that was put is visible, as on AWS."),
    ] = 0.0,
    max_body: Annotated[int, typer.Option(min=1, help="The most bytes of a request's body.")] = 10
    * 1024
    * 1024,
    max_requests: Annotated[
        int, typer.Option(min=1, help="The most requests at a time; others are throttled.")
    ] = 256,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds in which an operation must answer.")
    ] = 60.0,
    log: Annotated[
        str, typer.Option(metavar="plain|json|off", help="How requests are logged.")
    ] = "plain",
) -> None:
    """Serve the service over HTTP, for every AWS SDK in every language.

    An SDK uses it when AWS_ENDPOINT_URL_CUSTOMER_PROFILES=http://127.0.0.1:4580 is set. It stops
    at Ctrl-C or SIGTERM, once the requests that are running are answered.

    Exit code: 0 stopped, 2 it cannot start, 130 stopped at once by a second Ctrl-C.
    """
    if log not in {"plain", "json", "off"}:
        fail(f"--log must be plain, json or off; it was {log!r}")
    if not (len(account) == 12 and account.isascii() and account.isdecimal()):  # noqa: PLR2004
        fail(f"--account must be 12 digits; it was {account!r}")
    for name, number in (("latency", latency), ("delay", delay), ("timeout", timeout)):
        if not math.isfinite(number):
            fail(f"--{name} must be a number of seconds; it was {number}")
    keys = _keys(auth)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    from customer_profiles.engine import Engine, Faults, StorageError
    from customer_profiles.engine.doors.origins import is_loopback
    from customer_profiles.engine.doors.scopes import Scope, Scopes, is_region
    from customer_profiles.engine.doors.server import Limits, Server, StartError
    from customer_profiles.engine.service.faults import parse

    scope = Scope(account, region or _region())
    if not is_region(scope.region):
        fail(f"--region {scope.region!r} is not the name of a region; give one such as us-east-1")
    engines, faults = None, Faults()
    try:
        for rule in fault or ():
            faults.add(parse(rule))
        make = partial(Engine, ingestion_delay=delay, faults=faults)
        engines = Scopes(make, db, scope)
        server = Server(
            engines,
            host,
            port,
            keys=keys,
            allowed_hosts=allowed_host or (),
            allowed_origins=allowed_origin or (),
            certificate=certificate,
            private_key=key,
            limits=Limits(body_bytes=max_body, requests=max_requests, answer_seconds=timeout),
            log_to=None if log == "off" else sys.stderr,
            log_json=log == "json",
            latency=latency,
        )
        _run(server, db, scope, is_open=keys is None and not is_loopback(host))
    except (StartError, StorageError, ValueError) as error:
        fail(str(error))
    finally:
        if engines is not None:
            engines.close()


def _run(server: Server, db: Path | None, scope: Scope, *, is_open: bool) -> None:
    """Start a server, and stop it at a signal; a second signal does not wait for requests."""
    signalled = threading.Event()
    is_urgent = threading.Event()

    def note(*_: object) -> None:
        (is_urgent if signalled.is_set() else signalled).set()

    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.start()
        data = "in memory, gone when it stops" if db is None else escape(str(db))
        # Read by programs that start this one: the URL is the last word of the first line.
        echo(f"Customer Profiles on {server.url}")
        out.print(f"account {scope.account}, region {scope.region}: {data}", soft_wrap=True)
        echo(f"export AWS_ENDPOINT_URL_CUSTOMER_PROFILES={server.url}")
        if is_open:
            err.print(
                "[yellow]warning:[/] every machine that reaches this one can read and change the "
                "data; give --auth KEY=SECRET",
                soft_wrap=True,
            )
        sys.stdout.flush()
        # Windows interrupts no wait without an end.
        while not signalled.wait(1.0):
            pass
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        while stopper.is_alive():
            stopper.join(0.1)
            if is_urgent.is_set():
                server.stop(at_once=True)
                # A thread may wait for a lock; what was acknowledged survives a killed process.
                os._exit(INTERRUPTED)
    finally:
        server.stop()
        for number, handler in former.items():
            signal.signal(number, handler)


def _keys(auth: list[str] | None) -> dict[str, str] | None:
    """Read the access keys of `--auth`; None without any. Messages never quote a secret."""
    if not auth:
        return None
    pairs: list[tuple[str, str]] = []
    for number, value in enumerate(auth, 1):
        if value.startswith("@"):
            pairs += _keys_of(Path(value[1:]))
        else:
            pairs.append((value, f"--auth number {number}"))
    keys: dict[str, str] = {}
    for pair, where in pairs:
        name, equals, secret = pair.partition("=")
        if not equals or not secret or not _KEY.fullmatch(name):
            fail(f"{where} must be KEY=SECRET, with a key of letters, digits, - and _, or @FILE")
        keys[name] = secret
    return keys


def _keys_of(file: Path) -> list[tuple[str, str]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        fail(f"{file} of --auth cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{file} of --auth is not a text file; give a file with one KEY=SECRET a line")
    pairs = [
        (line.strip(), f"line {number} of {file}")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not pairs:
        fail(f"{file} of --auth has no keys; write one KEY=SECRET a line")
    return pairs


def _region() -> str:
    """Return the region that boto3 would use."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        return str(Session().get_config_variable("region") or "us-east-1")
    except BotoCoreError:  # AWS_PROFILE may name a profile that is missing.
        return "us-east-1"

"""Clients in other languages and of other makers run a scenario over all operations.

`tests/foreign/install FOLDER` installs them, and `.ci/run clients` runs them. Their only
setting is the URL of the service; the server verifies the signature of every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore import xform_name
from moto import mock_aws

from customer_profiles.engine import Engine
from customer_profiles.engine.doors.scopes import Scope, Scopes
from customer_profiles.engine.doors.server import Server
from customer_profiles.engine.service.registry import OPERATIONS

from .running import (
    ACCOUNT,
    CLIENTS,
    HERE,
    PATIENCE,
    SECRETS,
    SECRETS_USED,
    Client,
    Running,
    reason_to_skip,
)
from .scenario import FILE, STEPS, Reading, differences, model, paginated, resolve, to_snake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scenario import Step


class Run:
    """The run of the scenario by a client."""

    def __init__(self, client: Client, running: Running, engine: Engine) -> None:
        self._client = client
        self._running = running
        self._engine = engine
        self._answers: dict[str, Any] = {}
        self._request_ids: set[str] = set()
        self._sent: dict[str, float] = {}

    def problems(self) -> Iterator[str]:
        """Run all steps, and yield what is wrong."""
        for number, step in enumerate(STEPS, 1):
            title = f"step {number}, {step.get('call', 'no call')}: {step['say']}"
            try:
                for problem in self._problems_of(step):
                    yield f"{title}: {problem}"
            except (KeyError, IndexError) as error:
                yield f"{title}: an earlier answer lacks {error}"

    def _problems_of(self, step: Step) -> Iterator[str]:
        if "call" not in step:
            self._do(step)
            return
        reading = Reading(snake_case=self._client.snake_case, typed_dates=self._client.typed_dates)
        answer = self._ask(step, reading)
        if "error" in answer:
            if "error" in step:
                yield from self._problems_of_error(step["error"], answer["error"])
            else:
                yield f"it was refused: {answer['error']}"
            return
        if "error" in step:
            yield f"it was answered: {answer}"
            return
        output = answer["output"]
        for name, member in step.get("sorted", {}).items():
            output[name].sort(key=lambda item: item[member])
        if "as" in step:
            self._answers[step["as"]] = output
        yield from reading.problems
        expected = resolve(step.get("expect", {}), self._answers)
        for name in self._client.lacks_members & expected.keys():
            if expected.pop(name) != "<absent>" and name in output:
                yield f"the client has {name}; remove it from its lacks_members"
        yield from differences(expected, output)

    def _do(self, step: Step) -> None:
        """Do what no request does."""
        if "job" in step:
            run_job(self._engine, step["job"])
        elif "due" in step:
            self._engine.run_due()
        else:
            put_file(*resolve([step["put"], step["key"], step["content"]], self._answers))

    def _ask(self, step: Step, reading: Reading) -> dict[str, Any]:
        if "pages" not in step:
            return self._call(step, {}, reading)
        items, size = step["pages"]["items"], step["pages"]["size"]
        if step["call"] in paginated():
            name = self._name(items)
            return self._call(step, {}, reading, {"page_size": size, "items": name})
        found: list[Any] = []
        page: dict[str, Any] = {}
        while not found or "NextToken" in page:
            token = {"NextToken": page["NextToken"]} if page else {}
            answer = self._call(step, {"MaxResults": size, **token}, reading)
            if "error" in answer:
                return answer
            page = answer["output"]
            if not 0 < len(page[items]) <= size:
                reading.problems.append(f"a page of {size} has {len(page[items])} items")
                break
            found += page[items]
        return {"output": {items: found}}

    def _call(
        self,
        step: Step,
        more: dict[str, Any],
        reading: Reading,
        paging: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        operation = model().operation_model(step["call"])
        request = resolve({**step.get("input", {}), **more}, self._answers)
        answer = self._send(step, operation.input_shape, request, paging or {})
        if "error" in answer:
            return answer
        if "lacking" in answer:
            # Later steps need what this one does.
            if step["call"] not in self._client.lacks:
                reading.problems.append("the client does not have this operation")
            return {"output": json.loads(self._engine.answer(step["call"], request))}
        shape = operation.output_shape
        if paging is None:
            if self._client.shows_status:
                reading.problems += self._problems_of_status(200, answer)
            return {"output": reading.read(shape, answer["output"])}
        items, size = step["pages"]["items"], step["pages"]["size"]
        found = reading.read(shape.members[items], answer["items"], f".{items}")
        fewest = -(-len(found) // size)
        if answer.get("pages", fewest) < fewest:
            reading.problems.append(f"{len(found)} items came in {answer['pages']} pages")
        return {"output": {items: found}}

    def _send(
        self, step: Step, shape: Any, request: dict[str, Any], paging: dict[str, Any]
    ) -> dict[str, Any]:
        request = to_snake(shape, request) if self._client.snake_case else request
        call = {"operation": step["call"], "input": request, **paging}
        if "region" in step:
            call["region"] = step["region"]
        if "account" in step:
            call |= {"key": step["account"], "secret": SECRETS_USED[step["account"]]}
        if not self._client.repeats_at_once:
            text = json.dumps(call)
            time.sleep(max(0.0, self._sent.get(text, 0.0) + 1.1 - time.monotonic()))
            self._sent[text] = time.monotonic()
        return self._running.call(call)

    def _problems_of_error(self, expected: dict[str, Any], actual: dict[str, Any]) -> Iterator[str]:
        if actual["code"] != expected["code"]:
            yield f"its code is {actual['code']}, not {expected['code']}"
        if not actual["message"] or expected.get("message", "") not in actual["message"]:
            yield f"its message is {actual['message']!r}, without {expected.get('message')!r}"
        if self._client.shows_status_of_errors:
            yield from self._problems_of_status(expected["status"], actual)
        if self._client.shows_errors_class:
            wanted = expected["code"] if expected.get("modeled", True) else self._client.generic
            if actual["class"] != wanted:
                yield f"its class is {actual['class']}, not {wanted}"

    def _problems_of_status(self, status: int, answer: dict[str, Any]) -> Iterator[str]:
        if answer["status"] != status:
            yield f"the status is {answer['status']}, not {status}"
        request_id = answer["request_id"] or ""
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id):
            yield f"{request_id!r} is not the id of a request"
        if request_id in self._request_ids:
            yield f"{request_id} is the id of two requests"
        self._request_ids.add(request_id)

    def _name(self, member: str) -> str:
        return xform_name(member) if self._client.snake_case else member


def run_job(engine: Engine, domain: str) -> None:
    """Run a job of identity resolution, and wait for its end."""
    request = {"DomainName": domain, "JobId": engine.run_identity_resolution(domain)}
    until = time.monotonic() + PATIENCE
    while "JobEndTime" not in json.loads(engine.answer("GetIdentityResolutionJob", request)):
        assert time.monotonic() < until, "the job does not end"
        time.sleep(0.05)


def put_file(url: str, key: str, content: str) -> None:
    """Put a file as the service's users do: encrypted with a key that S3 does not keep."""
    digest = hashlib.md5(base64.b64decode(key), usedforsecurity=False).digest()
    prefix = "x-amz-server-side-encryption-customer"
    headers = {
        f"{prefix}-algorithm": "AES256",
        f"{prefix}-key": key,
        f"{prefix}-key-MD5": base64.b64encode(digest).decode(),
    }
    request = Request(url, content.encode(), headers, method="PUT")  # noqa: S310  (the engine's)
    with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        assert answer.status == HTTPStatus.OK


@pytest.fixture
def engines() -> Iterator[Scopes]:
    """Yield an engine for each account and region, which checks its answers by their shapes."""
    with mock_aws():
        boto3.client("s3", "us-east-1").create_bucket(Bucket="exports")
        boto3.client("kinesis", "us-east-1").create_stream(StreamName="changes", ShardCount=1)
        made = Scopes(partial(Engine, strict=True), None, Scope(ACCOUNT, "us-east-1"))
        yield made
        made.close()


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
def test_a_client_runs_the_scenario(
    client: Client, engines: Scopes, tmp_path: Path, record_property: Any
) -> None:
    if (reason := reason_to_skip(client)) is not None:
        pytest.skip(reason)
    with (
        Server(engines, port=0, keys=SECRETS, run_due_every=None) as server,
        Running(client, server.url, tmp_path) as running,
    ):
        record_property("version", running.version)
        problems = list(Run(client, running, engines.engines[0]).problems())

    assert problems == [], "\n".join([f"{client.name} {running.version}", *problems])


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
def test_a_client_repeats_a_request_that_is_throttled(
    client: Client, engines: Scopes, tmp_path: Path
) -> None:
    if (reason := reason_to_skip(client)) is not None:
        pytest.skip(reason)
    client = client._replace(repeats_at_once=True)  # without signatures that are verified
    throttled = engines.engines[0].faults.on("ListDomains", error="ThrottlingException", times=1)
    with (
        Server(engines, port=0, run_due_every=None) as server,
        Running(client, server.url, tmp_path) as running,
    ):
        answer = running.call({"operation": "ListDomains", "input": {}})

    assert throttled.hits == 1
    assert answer["output"] == {"items" if client.snake_case else "Items": []}


def test_the_scenario_calls_every_operation() -> None:
    called = {step["call"] for step in STEPS if "call" in step and "error" not in step}

    missing = sorted(OPERATIONS.keys() - called)
    assert missing == [], f"add steps that call {missing} to {FILE}"


def test_the_scenario_uses_every_paginator() -> None:
    used = {step["call"] for step in STEPS if "pages" in step}

    missing = sorted(paginated() & OPERATIONS.keys() - used)
    assert missing == [], f"add steps with pages that call {missing} to {FILE}"


def test_the_locked_packages_name_no_registry() -> None:
    packages = json.loads((HERE / "clients/javascript/package-lock.json").read_text())["packages"]

    named = sorted(name for name, package in packages.items() if "resolved" in package)
    assert named == [], "run npm with --omit-lockfile-registry-resolved"

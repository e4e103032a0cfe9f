"""Each request is logged, and nothing of a customer."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest

from customer_profiles.engine.doors.access_log import AccessLog, Entry

CANARY = "canary"


def lines(stream, server):
    server.stop()
    return stream.getvalue().splitlines()


def test_a_request_is_a_line_with_its_operation_and_its_id(serve, connect):
    stream = io.StringIO()
    server = serve(log_to=stream)
    answer = connect(server).ask("GET", "/domains/shop")
    (line,) = lines(stream, server)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z GET GetDomain 200 [\d.]+ms \S{36}", line)
    assert line.endswith(answer.headers["x-amzn-requestid"])


def test_json_lines_have_names(serve, connect):
    stream = io.StringIO()
    server = serve(log_to=stream, log_json=True)
    raw = connect(server)
    raw.ask("GET", "/domains/none")
    raw.ask("GET", "/health")
    refused, health = map(json.loads, lines(stream, server))
    assert refused.items() >= {
        ("method", "GET"),
        ("operation", "GetDomain"),
        ("status", 404),
        ("error", "ResourceNotFoundException"),
    }
    assert refused.keys() == {
        *("time", "method", "operation", "status", "milliseconds", "request_id", "error")
    }
    assert (health["operation"], "error" in health) == ("health", False)


def test_no_value_of_a_customer_is_logged(serve, connect, caplog):
    stream = io.StringIO()
    server = serve(log_to=stream)
    raw = connect(server)
    body = json.dumps({"FirstName": CANARY, "EmailAddress": f"{CANARY}@example.com"}).encode()
    with caplog.at_level(logging.DEBUG):
        raw.ask("POST", "/domains/shop/profiles", body)
        raw.ask("POST", "/domains/shop/profiles", body[:-1])
        raw.ask(
            "POST",
            "/domains/shop/profiles/search",
            f'{{"KeyName":"_email","Values":["{CANARY}"]}}'.encode(),
        )
        raw.ask("GET", f"/domains/{CANARY}?max-results={CANARY}")
        raw.ask("GET", f"/{CANARY}/{CANARY}")
        raw.ask("GET", "/domains", headers={"Host": CANARY, "Origin": CANARY})
        raw.ask(CANARY.upper(), "/domains")
    logged = lines(stream, server)
    assert len(logged) >= 6
    assert CANARY not in (stream.getvalue() + caplog.text).lower()


def test_a_fault_of_the_server_is_logged_without_its_text(serve, connect, caplog, monkeypatch):
    server = serve()

    def fail(*_):
        raise ValueError(CANARY)

    monkeypatch.setattr(server.engine, "handle", fail)
    answer = connect(server).ask("GET", "/domains")
    assert (answer.status, answer.error) == (500, "InternalServerException")
    assert "ValueError" in caplog.text
    assert CANARY not in caplog.text + answer.body.decode()


class Stuck(io.StringIO):
    """A stream whose reader does not read."""

    def write(self, _text):
        raise BrokenPipeError


def test_a_reader_that_has_gone_stops_no_request(serve, connect):
    raw = connect(serve(log_to=Stuck()))
    assert [raw.ask("GET", "/domains").status for _ in range(20)] == [200] * 20


def test_a_reader_that_falls_behind_loses_the_oldest_lines():
    stream = io.StringIO()
    log = AccessLog(stream)
    log._waiting.extend(Entry(0, "GET", "-", status, 0, "-") for status in range(20_000))
    log.close()
    assert len(stream.getvalue().splitlines()) >= 10_000
    assert " 19999 " in stream.getvalue()


@pytest.mark.parametrize("milliseconds", [0.0, 0.0005, 999.4])
def test_the_time_of_a_line_is_in_utc(milliseconds):
    stream = io.StringIO()
    log = AccessLog(stream)
    log.add(Entry(1_700_000_000 + milliseconds / 1000, "GET", "-", 200, 1.0, "id"))
    log.close()
    assert stream.getvalue().startswith("2023-11-14T22:13:20.")

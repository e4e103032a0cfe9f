"""Requests for other names, and of other sites' pages, are refused; CORS for those allowed."""

from __future__ import annotations

import pytest

from customer_profiles.engine import Refusal
from customer_profiles.engine.doors.origins import Gate, checked_host, checked_origin

PAGE = "http://localhost:3000"


def is_allowed(gate, **headers):
    try:
        gate.check({name.replace("_", "-"): value for name, value in headers.items()})
    except Refusal as refusal:
        return refusal.code != "AccessDeniedException"
    return True


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:4580", "127.0.0.1:4580", "127.1.2.3", "[::1]:4580", "[::1]"),
        *("profiles.localhost", "localhost.", "mine", "a.b.example.com"),
    ],
)
def test_names_of_loopback_and_allowed_ones_are_answered(host):
    assert is_allowed(Gate("localhost", ["mine", "*.example.com"]), host=host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "example.com"),
        *("192.168.1.1", "8.8.8.8", "[fd00::1]", "localhost@evil.example", "notlocalhost"),
        *("127.0.0.1:4580:80", "badexample.com", "\xff", "a" * 50_000),
    ],
)
def test_other_names_are_refused(host):
    assert not is_allowed(Gate("localhost", ["*.example.com"]), host=host)


def test_a_request_without_a_host_is_refused():
    assert not is_allowed(Gate("localhost"))


def test_a_server_of_other_machines_answers_addresses_but_no_names():
    gate = Gate("0.0.0.0")  # noqa: S104  (what users give)
    assert is_allowed(gate, host="192.168.1.1:4580")
    assert is_allowed(gate, host="[fd00::1]:4580")
    assert not is_allowed(gate, host="rebound.evil.example:4580")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": "http://localhost"}, True),
        ({"origin": PAGE}, True),
        ({"origin": "http://localhost:4000"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "file://localhost"}, False),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"origin": PAGE, "sec_fetch_site": "cross-site"}, True),
    ],
)
def test_pages_of_other_sites_are_refused(headers, allowed):
    assert is_allowed(Gate("localhost", origins=[PAGE]), host="localhost", **headers) == allowed


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("http://profiles.example/", "give profiles.example"),
        ("profiles:4580", "give profiles"),
        ("profiles.example/path", "give profiles.example"),
        ("", "a name such as"),
        ("*", "a name such as"),
        ("a b", "a name such as"),
        ("*.*.example", "a name such as"),
        ("a" * 100_000, "a name such as"),
    ],
)
def test_a_host_that_is_no_name_is_told(name, advice):
    with pytest.raises(ValueError, match="is not a host name") as caught:
        checked_host(name)
    assert advice in str(caught.value)


@pytest.mark.parametrize("name", ["profiles", "a.b-c.example", "*.example.com", "10.0.0.1", "::1"])
def test_names_and_addresses_are_hosts(name):
    assert checked_host(name.upper()) == name


@pytest.mark.parametrize(
    ("origin", "advice"),
    [
        ("http://localhost:3000/", "give http://localhost:3000"),
        ("localhost:3000", "such as http://localhost:3000"),
        ("null", "scheme, host and port"),
        ("*", "scheme, host and port"),
        ("ftp://localhost", "scheme, host and port"),
    ],
)
def test_an_origin_that_is_none_is_told(origin, advice):
    with pytest.raises(ValueError, match="is not the origin of a web page") as caught:
        checked_origin(origin)
    assert advice in str(caught.value)


ASKED = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}


def test_a_preflight_of_an_allowed_page_is_answered(serve, connect):
    raw = connect(serve(allowed_origins=[PAGE]))
    wanted = {"Access-Control-Request-Headers": "content-type,x-amz-date"}
    answer = raw.ask("OPTIONS", "/domains", headers={**ASKED, **wanted})
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type,x-amz-date"
    assert raw.ask("GET", "/domains").status == 200


def test_a_preflight_needs_no_signature_and_the_request_does(serve, connect):
    raw = connect(serve(allowed_origins=[PAGE], keys={"A": "b"}))
    assert raw.ask("OPTIONS", "/domains", headers=ASKED).status == 204
    refused = raw.ask("GET", "/domains", headers={"Origin": PAGE})
    assert refused.error == "MissingAuthenticationTokenException"
    assert refused.headers["access-control-allow-origin"] == PAGE


def test_a_preflight_of_another_page_is_refused(serve, connect):
    answer = connect(serve()).ask("OPTIONS", "/domains", headers=ASKED)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_page_may_read_the_answer_and_no_other(serve, connect):
    raw = connect(serve(allowed_origins=[PAGE]))
    answer = raw.ask("GET", "/domains", headers={"Origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "x-amzn-requestid" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "origin"
    assert "access-control-allow-origin" not in raw.ask("GET", "/domains").headers


def test_a_refused_page_changes_nothing(serve, connect):
    raw = connect(serve())
    for headers in ({"Origin": "http://a.example"}, {"Host": "a.example"}):
        answer = raw.ask("POST", "/domains/mine", b'{"DefaultExpirationDays":1}', headers)
        assert (answer.status, answer.error) == (403, "AccessDeniedException")
    assert raw.ask("GET", "/domains/mine").status == 404


def test_options_without_a_page_names_the_methods(serve, connect):
    answer = connect(serve()).ask("OPTIONS", "/domains")
    assert (answer.status, "DELETE" in answer.headers["allow"]) == (204, True)

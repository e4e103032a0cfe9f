"""What a server of the service answers over HTTP, and when."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import boto3
import pytest

from customer_profiles import CustomerProfiles
from customer_profiles.engine import Engine, Refusal
from customer_profiles.engine.doors.server import Limits, Server, StartError
from customer_profiles.engine.service import registry

CANARY = "canary"
SEARCH = "/domains/shop/profiles/search"
BY_EMAIL = b'{"KeyName":"_email","Values":["ada@example.com"]}'


def test_a_client_needs_nothing_but_the_url(serve):
    with CustomerProfiles(region="us-east-1", endpoint_url=serve().url) as cp:
        shop = cp.domain("shop")
        shop.profiles.create(first_name="Ada", email_address="ada@example.com")
        assert shop.profiles.search(email="ADA@example.com").one().first_name == "Ada"


def test_the_environment_variable_is_enough(serve, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_CUSTOMER_PROFILES", serve().url)
    with CustomerProfiles() as cp:
        assert cp.domains.get("shop").domain_name == "shop"
    client = boto3.client("customer-profiles")
    assert client.list_domains()["Items"][0]["DomainName"] == "shop"
    client.close()


def test_an_engine_serves_itself():
    with Engine() as engine, engine.serve() as server:
        client = boto3.client("customer-profiles", endpoint_url=server.url)
        assert client.list_domains()["Items"] == []
        client.close()


def test_a_connection_is_kept_for_many_requests(serve, connect):
    raw = connect(serve())
    ids = {raw.ask("POST", SEARCH, BY_EMAIL).headers["x-amzn-requestid"] for _ in range(50)}
    assert len(ids) == 50


def test_requests_that_arrive_together_are_answered_in_order(serve, connect):
    raw = connect(serve())
    request = "{} /domains{} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    raw.send("".join(request.format("GET", end) for end in ("", "/shop", "/none")).encode())
    assert [raw.read().status for _ in range(3)] == [200, 200, 404]


def test_a_refusal_is_what_sdks_expect(serve, connect):
    answer = connect(serve()).ask("GET", "/domains/none")
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException")
    assert answer.json["message"] == answer.json["Message"] == "Domain none does not exist"
    assert answer.headers["content-type"] == "application/json"


def test_health_tells_that_the_database_answers(serve, connect):
    answer = connect(serve()).ask("GET", "/health")
    assert (answer.status, answer.json["status"]) == (200, "ok")


def test_health_fails_when_the_database_does(tmp_path, connect):
    with Engine(tmp_path / "shop.db") as engine, engine.serve() as server:
        engine.close()
        answer = connect(server).ask("GET", "/health")
    assert (answer.status, answer.error) == (500, "InternalServerException")


def test_head_is_answered_without_a_body(serve, connect):
    raw = connect(serve())
    assert raw.ask("HEAD", "/domains/shop").status == 200
    assert raw.ask("HEAD", "/domains/none").status == 404


def test_chunked_bodies_are_read(serve, connect):
    raw = connect(serve())
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BY_EMAIL), BY_EMAIL)
    raw.send(
        f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n".encode()
    )
    raw.send(b"\r\n" + chunks)
    assert raw.read().json == {"Items": [], "NextToken": None}


@pytest.mark.parametrize(
    "ending", [b"0\r\n\r\n", b"0;chunk-signature=b\r\nx-amz-trailer: a\r\n\r\n"]
)
def test_aws_chunked_bodies_are_read(serve, connect, ending):
    size = b"%x;chunk-signature=abc\r\n" % len(BY_EMAIL)
    body = size + BY_EMAIL + b"\r\n" + ending
    answer = connect(serve()).ask("POST", SEARCH, body, {"Content-Encoding": "aws-chunked"})
    assert answer.json == {"Items": [], "NextToken": None}


@pytest.mark.parametrize("body", [b"{}", b"ff\r\n{}\r\n0\r\n\r\n", b"2\r\n{}"])
def test_what_claims_to_be_aws_chunked_and_is_not_is_refused(serve, connect, body):
    answer = connect(serve()).ask("POST", SEARCH, body, {"Content-Encoding": "aws-chunked"})
    assert (answer.status, answer.error) == (400, "BadRequestException")


def test_a_client_that_waits_for_100_continue_gets_it(serve, connect):
    raw = connect(serve())
    head = f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    raw.send(f"{head}Content-Length: {len(BY_EMAIL)}\r\n\r\n".encode())
    assert raw.read().status == 100
    raw.send(BY_EMAIL)
    assert raw.read().status == 200


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(serve, connect):
    raw = connect(serve(limits=Limits(body_bytes=1000)))
    head = f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    raw.send(f"{head}Content-Length: 1001\r\n\r\n".encode())
    assert raw.read().status == 400


@pytest.mark.parametrize("length", ["1001", "9" * 400])
def test_a_long_body_is_refused(serve, connect, length):
    raw = connect(serve(limits=Limits(body_bytes=1000)))
    raw.send(
        f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
    )
    answer = raw.read()
    assert answer.status == 400


def test_a_long_chunked_body_is_refused(serve, connect):
    raw = connect(serve(limits=Limits(body_bytes=1000)))
    raw.send(
        f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    raw.send(b"400\r\n" + b" " * 0x400 + b"\r\n")
    assert "longer than 1000 bytes" in raw.read().json["message"]


@pytest.mark.parametrize("piece", ["x-a: {}\r\n\r\n", "x-{}: a\r\n\r\n", "x-a: {}"])
def test_long_headers_are_refused_also_when_they_do_not_end(serve, connect, piece):
    raw = connect(serve(limits=Limits(head_bytes=10_000)))
    raw.send(f"GET /domains HTTP/1.1\r\nHost: localhost\r\n{piece.format('a' * 20_000)}".encode())
    assert raw.read().status == 431
    assert raw.is_closed()


def test_a_long_url_is_refused(serve, connect):
    answer = connect(serve()).ask("GET", "/domains/" + "a" * 140_000)
    assert (answer.status, answer.error) == (400, "BadRequestException")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS on a port without it
        b"GET\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(serve, connect, data):
    raw = connect(serve())
    raw.send(data)
    answer = raw.read()
    assert (answer.status, answer.error) == (400, "BadRequestException")
    assert raw.is_closed()


def test_what_follows_a_request_and_is_not_http_does_not_take_its_answer(serve, connect):
    raw = connect(serve(latency=0.2))
    raw.send(b"GET /domains/shop HTTP/1.1\r\nHost: localhost\r\n\r\n")
    raw.send(b"\x00garbage\r\n\r\n")
    answer = raw.read()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert raw.is_closed()


def test_a_client_that_sends_too_slowly_is_dismissed(serve, connect):
    server = serve(limits=Limits(receive_seconds=0.5))
    waiting = [connect(server) for _ in range(3)]
    waiting[1].send(b"GET /domains HT")
    waiting[2].send(
        f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{".encode()
    )
    assert [raw.read().status for raw in waiting] == [408, 408, 408]
    assert all(raw.is_closed() for raw in waiting)


def test_a_request_that_begins_behind_another_one_is_timed_too(serve, connect):
    raw = connect(serve(limits=Limits(receive_seconds=0.5)))
    raw.send(b"GET /domains HTTP/1.1\r\nHost: localhost\r\n\r\nGET /dom")
    assert [raw.read().status for _ in range(2)] == [200, 408]


def test_connections_beyond_the_limit_are_closed(serve, connect):
    server = serve(limits=Limits(connections=2))
    first, second = connect(server), connect(server)
    assert first.ask("GET", "/domains").status == second.ask("GET", "/domains").status == 200
    assert connect(server).read().status == 503
    second.close()
    assert first.ask("GET", "/domains").status == 200


def test_more_requests_than_the_limit_are_throttled(serve, connect):
    server = serve(limits=Limits(requests=1), latency=0.5)
    busy, other = connect(server), connect(server)
    busy.send(b"GET /domains HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.2)
    refused = other.ask("GET", "/domains")
    assert (refused.status, refused.error) == (429, "ThrottlingException")
    assert refused.headers["retry-after"] == "1"
    assert busy.read().status == 200
    assert other.ask("GET", "/domains").status == 200


def test_an_operation_that_takes_too_long_is_answered_without_its_result(tmp_path, connect):
    with Engine(tmp_path / "shop.db") as engine:
        engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
        limits = Limits(answer_seconds=0.3)
        with Server(engine, port=0, limits=limits) as server, engine._database.write():
            late = connect(server).ask("POST", "/domains/shop/profiles", b"{}")
            assert (late.status, late.error) == (500, "InternalServerException")
            assert "may still succeed" in late.json["message"]
            assert connect(server).ask("GET", "/domains").status == 200
            # Not even when all threads for writes wait.
            for _ in range(8):
                raw = connect(server)
                raw.send(CREATE_RAW)
            assert connect(server).ask("GET", "/health").status == 200
        stats = json.loads(engine.answer("GetDomain", {"DomainName": "shop"}))["Stats"]
        assert stats["ProfileCount"] == 9


CREATE_RAW = (
    b"POST /domains/shop/profiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
)
SHOP = {"DomainName": "shop"}
PROFILE = {**SHOP, "ProfileId": "0" * 32}
SPEND = {"CalculatedAttributeName": "spend"}
READS = {
    "BatchGetProfile": {**SHOP, "ProfileIds": ["0" * 32]},
    "GetCalculatedAttributeDefinition": {**SHOP, **SPEND},
    "GetCalculatedAttributeForProfile": {**PROFILE, **SPEND},
    "GetDomainLayout": {**SHOP, "LayoutDefinitionName": "a"},
    "GetEventStream": {**SHOP, "EventStreamName": "a"},
    "GetIntegration": {**SHOP, "Uri": "arn:aws:app:a:1:b"},
    "GetProfileHistoryRecord": {**PROFILE, "Id": "0" * 32},
    "GetProfileObjectType": {**SHOP, "ObjectTypeName": "CTR"},
    "GetProfileObjectTypeTemplate": {"TemplateId": "CTR"},
    "GetSegmentDefinition": {**SHOP, "SegmentDefinitionName": "a"},
    "GetSegmentEstimate": {**SHOP, "EstimateId": "0" * 32},
    "GetSegmentSnapshot": {**SHOP, "SegmentDefinitionName": "a", "SnapshotId": "0" * 32},
    "GetUploadJob": {**SHOP, "JobId": "0" * 32},
    "ListAccountIntegrations": {"Uri": "arn:aws:app:a:1:b"},
    "ListCalculatedAttributeDefinitions": SHOP,
    "ListDomainLayouts": SHOP,
    "ListDomains": {},
    "ListEventStreams": SHOP,
    "ListIntegrations": SHOP,
    "ListProfileHistoryRecords": PROFILE,
    "ListProfileObjectTypeTemplates": {},
    "ListProfileObjectTypes": SHOP,
    "ListProfileObjects": {**PROFILE, "ObjectTypeName": "CTR"},
    "ListSegmentDefinitions": SHOP,
    "ListTagsForResource": {"resourceArn": "arn:aws:profile:us-east-1:000000000000:domains/shop"},
    "ListUploadJobs": SHOP,
    "SearchProfiles": {**SHOP, "KeyName": "_email", "Values": ["a"]},
}


def test_the_operations_that_are_answered_at_once_wait_for_no_writer(tmp_path):
    with Engine(tmp_path / "shop.db") as engine, ThreadPoolExecutor() as threads:
        engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
        at_once = {name for name in registry.OPERATIONS if engine.reads_at_once(name)}
        assert at_once == READS.keys()
        with engine._database.write():
            for name, request in READS.items():
                done = threads.submit(_answer, engine, name, request)
                assert done.result(timeout=5) in {"answered", "ResourceNotFoundException"}, name


def _answer(engine, name, request):
    try:
        engine.answer(name, request)
    except Refusal as refusal:
        return refusal.code
    return "answered"


def test_in_memory_reads_are_at_once_unless_something_is_running():
    with Engine() as engine, ThreadPoolExecutor() as threads:
        assert engine.reads_at_once("SearchProfiles")
        with engine._database.write():
            assert not threads.submit(engine.reads_at_once, "SearchProfiles").result()
        assert not engine.reads_at_once("GetDomain")


def test_delayed_objects_make_every_operation_write():
    with Engine(ingestion_delay=1) as engine:
        assert not engine.reads_at_once("SearchProfiles")


def test_a_read_that_is_slow_moves_to_the_threads(serve, connect, monkeypatch):
    server = serve()
    threads = set()
    handle = server.engine.handle

    def slow(*request):
        threads.add(threading.current_thread().name.rstrip("0123456789_"))
        end = time.thread_time() + 0.03
        while time.thread_time() < end:
            pass
        return handle(*request)

    monkeypatch.setattr(server.engine, "handle", slow)
    raw = connect(server)
    assert [raw.ask("GET", "/domains").status for _ in range(3)] == [200] * 3
    assert threads == {"http-server", "customer-profiles-read"}


def test_a_large_body_is_read_in_a_thread(serve, connect, monkeypatch):
    server = serve()
    threads = []
    handle = server.engine.handle

    def note(*request):
        threads.append(threading.current_thread().name)
        return handle(*request)

    monkeypatch.setattr(server.engine, "handle", note)
    assert connect(server).ask("POST", SEARCH, BY_EMAIL + b" " * 70_000).status == 200
    assert threads[0].startswith("customer-profiles-read")


def test_many_clients_write_at_the_same_time(serve):
    server = serve()
    with CustomerProfiles(region="us-east-1", endpoint_url=server.url) as cp:
        profiles = cp.domain("shop").profiles
        with ThreadPoolExecutor(16) as threads:
            made = list(threads.map(lambda n: profiles.create(first_name=f"A{n}"), range(200)))
        assert len(profiles.get_many([profile.profile_id for profile in made])) == 200


def test_stop_finishes_the_requests_that_are_running(serve, connect):
    server = serve(latency=0.5)
    raw = connect(server)
    raw.send(
        b"POST /domains/shop/profiles HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 2\r\n\r\n{}"
    )
    time.sleep(0.2)
    port = server.port
    server.stop()
    answer = raw.read()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_stop_at_once_does_not_wait(serve, connect):
    server = serve(latency=30.0)
    raw = connect(server)
    raw.send(b"GET /domains HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.2)
    began = time.monotonic()
    server.stop(at_once=True)
    assert time.monotonic() - began < 5


class Counting(Engine):
    """An engine whose work that is due fails each second time."""

    def __init__(self):
        super().__init__()
        self.runs = threading.Semaphore(0)
        self.fails = False

    def run_due(self):
        self.runs.release()
        self.fails = not self.fails
        if self.fails:
            raise ValueError(CANARY)
        return super().run_due()


def test_what_is_due_is_run_again_and_again_whatever_fails(caplog):
    with Counting() as engine, Server(engine, port=0, run_due_every=0.01):
        assert all(engine.runs.acquire(timeout=10) for _ in range(6))
    assert "ValueError" in caplog.text
    assert CANARY not in caplog.text


def test_the_loggers_of_uvicorn_are_left_as_they_are(serve):
    theirs = [logging.getLogger(f"uvicorn.{name}") for name in ("error", "access")]
    before = [(log.level, log.propagate, list(log.handlers)) for log in theirs]
    serve()
    assert [(log.level, log.propagate, list(log.handlers)) for log in theirs] == before


def test_a_server_leaves_no_thread_and_no_socket(serve):
    before = set(threading.enumerate())
    server = serve()
    CustomerProfiles(region="us-east-1", endpoint_url=server.url).domains.get("shop")
    server.stop()
    assert set(threading.enumerate()) - before == set()


def test_a_port_in_use_is_told_at_the_start(serve):
    port = serve().port
    with (
        Engine() as engine,
        pytest.raises(StartError, match=f"port {port} of localhost is in use"),
    ):
        Server(engine, port=port).start()


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("nowhere.invalid", "the host nowhere.invalid is not known"),
        ("203.0.113.7", "203.0.113.7 is not an address of this machine"),
        ("a" * 70 + ".example", "is not known"),
    ],
)
def test_a_host_that_is_not_of_this_machine_is_told(host, message):
    with Engine() as engine, pytest.raises(StartError, match=message):
        Server(engine, host, 0).start()


def test_a_port_that_is_none_is_told():
    with Engine() as engine, pytest.raises(StartError, match="70000 is not a port"):
        Server(engine, port=70_000).start()


def test_node_reaches_localhost_over_ipv6_too(serve):
    server = serve()
    try:
        probe = socket.create_connection(("::1", server.port), timeout=5)
    except OSError:
        pytest.skip("this machine has no IPv6")
    probe.close()


def test_a_server_starts_once(serve):
    with pytest.raises(StartError, match="started already"):
        serve().start()


CREATE = ("POST", "/domains/shop/profiles", b"{}")


def test_injected_errors_are_answers(serve, connect):
    server = serve()
    server.engine.fail_next("CreateProfile", throttling=1, unavailable=1)
    raw = connect(server)
    throttled, unavailable, created = (raw.ask(*CREATE) for _ in range(3))
    assert (throttled.status, throttled.error) == (429, "ThrottlingException")
    assert (unavailable.status, created.status) == (503, 200)


@pytest.mark.parametrize(("fault", "count"), [("lost_answer", 1), ("lost_request", 0)])
def test_a_lost_answer_closes_the_connection(serve, connect, fault, count):
    server = serve()
    server.engine.fail_next("CreateProfile", **{fault: 1})
    raw = connect(server)
    body = b"POST /domains/shop/profiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    raw.send(body)
    with suppress(ConnectionResetError):
        assert raw.is_closed()
    stats = json.loads(server.engine.answer("GetDomain", {"DomainName": "shop"}))["Stats"]
    assert stats["ProfileCount"] == count


def test_a_fault_that_waits_delays_no_other_operation(serve, connect):
    server = serve()
    server.engine.faults.on("SearchProfiles", delay=1.0)
    slow, other = connect(server), connect(server)
    head = f"POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BY_EMAIL)}\r\n\r\n"
    slow.send(head.encode() + BY_EMAIL)
    time.sleep(0.1)
    began = time.monotonic()
    assert other.ask("GET", "/domains").status == 200
    assert time.monotonic() - began < 0.8
    assert slow.read().status == 200

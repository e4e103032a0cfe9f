"""The HTTP door for the files of upload jobs, with a raw client; also behind a boto3 client."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import logging
import stat
import time
from typing import TYPE_CHECKING
from unittest.mock import Mock
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from moto import mock_aws

from customer_profiles import (
    CustomerProfiles,
    InternalServerError,
    RetryPolicy,
    UnreadableAnswerError,
)
from customer_profiles.engine import Engine, ManualClock, Quotas, StorageError
from customer_profiles.engine.doors.scopes import Scopes
from customer_profiles.engine.doors.server import Limits, Server
from customer_profiles.engine.uploads import spool
from customer_profiles.testing import mock_customer_profiles
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Raw

SHOP = {"DomainName": "shop"}
FIELDS = {"mail": {"Source": "_source.Email", "Target": "_profile.EmailAddress"}}
FILE = b"Email\na@x.org\n"
SSE_C = "x-amz-server-side-encryption-customer-"


def encryption(token):
    digest = hashlib.md5(base64.b64decode(token), usedforsecurity=False).digest()
    return {
        f"{SSE_C}algorithm": "AES256",
        f"{SSE_C}key": token,
        f"{SSE_C}key-MD5": base64.b64encode(digest).decode(),
    }


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def engine(tmp_path, clock):
    with Engine(tmp_path / "shop.db", clock=clock, strict=True) as made:
        made.answer("CreateDomain", {**SHOP, "DefaultExpirationDays": 30})
        yield made


@pytest.fixture
def server(engine):
    with Server(engine, port=0, run_due_every=None) as running:
        yield running


def new_job(engine):
    request = {**SHOP, "DisplayName": "j", "Fields": FIELDS, "UniqueKey": "mail"}
    return json.loads(engine.answer("CreateUploadJob", request))["JobId"]


def path_of(raw: Raw, job):
    answer = raw.ask("GET", f"/domains/shop/upload-jobs/{job}/path")
    assert answer.status == 200, answer.body
    return answer.json


def target(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def put(raw: Raw, path, body=FILE, **changed):
    """Put a file; a header is changed by its last word, such as `algorithm`, None leaves it out."""
    headers = encryption(path["ClientToken"])
    names = {name.removeprefix(SSE_C): name for name in headers}
    headers |= {names[name.replace("_", "-")]: value for name, value in changed.items()}
    kept = {name: value for name, value in headers.items() if value is not None}
    return raw.ask("PUT", target(path["Url"]), body, kept)


def run(engine, job):
    engine.answer("StartUploadJob", {**SHOP, "JobId": job})
    deadline = time.monotonic() + 30
    while True:
        answer = json.loads(engine.answer("GetUploadJob", {**SHOP, "JobId": job}))
        if answer["Status"] != "IN_PROGRESS":
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_file_is_put_to_the_name_by_which_the_server_was_called(engine, server, connect):
    job = new_job(engine)
    path = path_of(connect(server), job)
    assert path["Url"].startswith("http://127.0.0.1/uploads/000000000000/us-east-1/")

    answer = put(connect(server), path)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers[f"{SSE_C}algorithm"] == "AES256"
    assert "x-amzn-requestid" in answer.headers
    assert run(engine, job)["Status"] == "SUCCEEDED"


def test_a_file_is_private_and_replaced_by_a_later_one(engine, server, connect, tmp_path):
    path = path_of(connect(server), new_job(engine))
    put(connect(server), path)
    assert put(connect(server), path, b"Email\nb@x.org\n").status == 200

    (file,) = (tmp_path / "shop.db-uploads").iterdir()
    assert file.read_bytes() == b"Email\nb@x.org\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"algorithm": None}, 403),
        ({"key": None}, 403),
        ({"key_MD5": None}, 403),
        ({"algorithm": "aws:kms"}, 400),
        ({"key": base64.b64encode(b"k" * 32).decode()}, 400),
        ({"key_MD5": base64.b64encode(b"k" * 16).decode()}, 400),
    ],
)
def test_the_three_headers_must_have_the_key_of_the_job(engine, server, connect, changed, status):
    path = path_of(connect(server), new_job(engine))

    answer = put(connect(server), path, **changed)

    assert answer.status == status
    (name,) = changed
    assert name.replace("_", "-").lower() in answer.json["message"]
    assert engine._context.spool.files() == []


def test_a_url_that_was_changed_is_refused(engine, server, connect):
    path = path_of(connect(server), new_job(engine))
    other = path_of(connect(server), new_job(engine))
    url = path["Url"]
    job, other_job = (urlsplit(item["Url"]).path.rpartition("/")[2] for item in (path, other))
    until = path["ValidUntil"]

    for changed in (
        url.replace(job, other_job),
        url.replace(job, "0" * 32),
        url.replace(f"valid-until={until:.0f}", f"valid-until={until + 900:.0f}"),
        url.replace(f"valid-until={until:.0f}", "valid-until=x"),
        url.partition("?")[0],
        url + "0",
    ):
        answer = put(connect(server), {**path, "Url": changed})
        assert (answer.status, answer.error) == (403, "AccessDeniedException")
    for method in ("GET", "DELETE", "POST"):
        assert connect(server).ask(method, target(url)).status == 404


def test_a_url_expires(engine, server, connect, clock):
    path = path_of(connect(server), new_job(engine))
    clock.advance(seconds=899)
    assert put(connect(server), path).status == 200

    clock.advance(seconds=1)

    answer = put(connect(server), path)
    assert answer.status == 403
    assert "expired" in answer.json["message"]


def test_a_job_that_was_started_gets_no_file(engine, server, connect):
    job = new_job(engine)
    path = path_of(connect(server), job)
    put(connect(server), path)
    run(engine, job)

    assert put(connect(server), path).status == 403


def test_a_file_without_length_or_of_the_largest_size_is_refused(tmp_path, connect):
    quotas = Quotas(upload_bytes=100)
    with Engine(tmp_path / "shop.db", quotas=quotas) as engine, Server(engine, port=0) as server:
        engine.answer("CreateDomain", {**SHOP, "DefaultExpirationDays": 30})
        path = path_of(connect(server), new_job(engine))
        assert put(connect(server), path, b"a" * 100).status == 400
        assert put(connect(server), path, b"a" * 99).status == 200
        raw = connect(server)
        fields = {"Host": "localhost", "Transfer-Encoding": "chunked"}
        fields |= encryption(path["ClientToken"])
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        raw.send(f"PUT {target(path['Url'])} HTTP/1.1\r\n{lines}\r\n0\r\n\r\n".encode())
        assert raw.read().status == 411


def test_a_client_that_leaves_leaves_nothing(engine, server, connect, tmp_path):
    path = path_of(connect(server), new_job(engine))
    raw = connect(server)
    fields = {"Host": "localhost", "Content-Length": "1000", **encryption(path["ClientToken"])}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    raw.send(f"PUT {target(path['Url'])} HTTP/1.1\r\n{lines}\r\nEmail\n".encode())
    folder = tmp_path / "shop.db-uploads"
    deadline = time.monotonic() + 20
    while not list(folder.glob("*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    raw.socket.close()
    raw._stream.close()

    while list(folder.glob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_signed_server_takes_files_by_their_url_alone(engine, connect):
    keys = {"AKIDEXAMPLE": "secret"}
    with Server(engine, port=0, keys=keys, run_due_every=None) as server:
        client = boto3.client(
            "customer-profiles",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
        )
        job = new_job(engine)
        path = client.get_upload_job_path(**SHOP, JobId=job)
        assert path["Url"].startswith(server.url)
        assert put(connect(server), path).status == 200
        assert connect(server).ask("GET", f"/domains/shop/upload-jobs/{job}/path").status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_the_checks_of_host_and_origin_stay(engine, server, connect, headers):
    path = path_of(connect(server), new_job(engine))

    answer = connect(server).ask(
        "PUT", target(path["Url"]), FILE, encryption(path["ClientToken"]) | headers
    )

    assert (answer.status, answer.error) == (403, "AccessDeniedException")


def test_each_account_and_region_receives_its_own_files(tmp_path, connect):
    scopes = Scopes(Engine, tmp_path / "shop.db")
    with Server(scopes, port=0, run_due_every=None) as server:
        clients = [
            boto3.client(
                "customer-profiles",
                endpoint_url=server.url,
                region_name=region,
                aws_access_key_id="123456789012",
                aws_secret_access_key="x",
            )
            for region in ("eu-west-1", "us-west-2")
        ]
        paths = []
        for client in clients:
            client.create_domain(**SHOP, DefaultExpirationDays=30)
            job = client.create_upload_job(
                **SHOP, DisplayName="j", Fields=FIELDS, UniqueKey="mail"
            )["JobId"]
            paths.append(client.get_upload_job_path(**SHOP, JobId=job))
        assert [put(connect(server), path).status for path in paths] == [200, 200]
        assert "/uploads/123456789012/eu-west-1/" in paths[0]["Url"]
        wrong = paths[0]["Url"].replace("eu-west-1", "us-west-2")
        assert put(connect(server), {**paths[0], "Url": wrong}).status == 403
        assert len(list(tmp_path.glob("*-uploads/*.csv"))) == 2
    scopes.close()


def test_a_slow_upload_may_take_longer_than_a_request(engine, connect):
    with Server(engine, port=0, limits=Limits(receive_seconds=1.5)) as server:
        path = path_of(connect(server), new_job(engine))
        raw = connect(server)
        fields = {"Host": "localhost", "Content-Length": "12", **encryption(path["ClientToken"])}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        raw.send(f"PUT {target(path['Url'])} HTTP/1.1\r\n{lines}\r\n".encode())
        for letter in "Email\na@x.or":
            time.sleep(0.4)
            raw.send(letter.encode())
        assert raw.read().status == 200


def test_a_file_of_many_megabytes_is_not_held_in_memory(engine, server, tmp_path):
    job = new_job(engine)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"/domains/shop/upload-jobs/{job}/path")
    path = json.loads(connection.getresponse().read())
    size = 40 << 20  # Four times as large as the largest request.

    def pieces():
        yield b"Email\n"
        left = size - 6
        while left:
            piece = b"x" * min(left, 1 << 16)
            left -= len(piece)
            yield piece

    headers = encryption(path["ClientToken"]) | {"Content-Length": str(size)}
    connection.request("PUT", target(path["Url"]), pieces(), headers)

    assert connection.getresponse().status == 200
    connection.close()
    (file,) = (tmp_path / "shop.db-uploads").iterdir()
    assert file.stat().st_size == size


@pytest.fixture
def client(engine):
    made = boto3.client("customer-profiles", region_name="us-east-1")
    engine.attach(made)
    return made


def send(url, body, headers):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.request("PUT", f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


def test_behind_a_boto3_client_plain_http_reaches_an_engine_in_this_process(engine, client):
    job = client.create_upload_job(**SHOP, DisplayName="j", Fields=FIELDS, UniqueKey="mail")[
        "JobId"
    ]
    path = client.get_upload_job_path(**SHOP, JobId=job)
    assert path["Url"].startswith("http://127.0.0.1:")

    assert send(path["Url"], FILE, encryption(path["ClientToken"])) == (200, b"")

    assert run(engine, job)["Status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        (lambda url: url + "0", {}, 403),
        (lambda url: url.replace("/uploads/", "/domains/"), {}, 404),
        (lambda url: url, {f"{SSE_C}key": "x"}, 400),
        (lambda url: url, {"Host": "evil.example"}, 403),
        (lambda url: url, {"Origin": "https://evil.example"}, 403),
    ],
)
def test_the_port_for_files_accepts_nothing_else(
    engine, client, change: Callable[[str], str], headers, status
):
    path = client.get_upload_job_path(**SHOP, JobId=new_job(engine))

    answer, body = send(change(path["Url"]), FILE, encryption(path["ClientToken"]) | headers)

    assert answer == status
    assert json.loads(body)["message"]


def test_the_port_for_files_is_closed_with_the_engine(tmp_path):
    with Engine(tmp_path / "shop.db") as engine:
        engine.answer("CreateDomain", {**SHOP, "DefaultExpirationDays": 30})
        first, second = engine.uploads_at(), engine.uploads_at()
        assert first == second
        port = urlsplit(first).port
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("PUT", "/uploads/x")


@mock_aws()
@mock_customer_profiles()
def test_under_moto_a_file_is_put_by_plain_http():
    client = boto3.client("customer-profiles", region_name="us-east-1")
    client.create_domain(**SHOP, DefaultExpirationDays=30)
    request = {**SHOP, "DisplayName": "j", "Fields": FIELDS, "UniqueKey": "mail"}
    job = client.create_upload_job(**request)["JobId"]
    path = client.get_upload_job_path(**SHOP, JobId=job)

    headers = encryption(path["ClientToken"])
    assert requests.put(path["Url"], data=FILE, headers=headers, timeout=20).status_code == 200

    client.start_upload_job(**SHOP, JobId=job)
    deadline = time.monotonic() + 30
    while client.get_upload_job(**SHOP, JobId=job)["Status"] == "IN_PROGRESS":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    found = client.search_profiles(**SHOP, KeyName="_email", Values=["a@x.org"])
    assert len(found["Items"]) == 1


def test_neither_the_url_nor_the_key_of_a_file_is_logged(engine, server, tmp_path, caplog):
    file = tmp_path / "people.csv"
    file.write_bytes(FILE)
    with (
        CustomerProfiles(region="us-east-1", endpoint_url=server.url) as cp,
        caplog.at_level(logging.DEBUG),
    ):
        job = cp.domain("shop").upload_jobs.upload(file)

    assert job.status == "SUCCEEDED"
    assert "signature=" not in caplog.text
    assert spool.token_of(spool.key_of(engine._context, job.job_id)) not in caplog.text
    assert "a@x.org" not in caplog.text


def test_a_refused_file_raises_why(engine, server, tmp_path, monkeypatch):
    monkeypatch.setattr(Engine, "receive_file", Mock(side_effect=StorageError("the disk is full")))
    file = tmp_path / "people.csv"
    file.write_bytes(FILE)
    retry = RetryPolicy(attempts=2, base=0)
    with (
        CustomerProfiles(region="us-east-1", endpoint_url=server.url, retry=retry) as cp,
        pytest.raises(InternalServerError, match="HTTP status 500: the disk is full"),
    ):
        cp.domain("shop").upload_jobs.upload(file)
    assert Engine.receive_file.call_count == 2


def test_a_server_that_answers_with_a_local_file_is_not_believed(tmp_path):
    target = tmp_path / "authorized_keys"
    path = {"Url": target.as_uri(), "ClientToken": "a2V5", "ValidUntil": 1}

    def answer(method, url, *_):
        body = path if url.endswith("/path") else {"JobId": "0" * 32, "Status": "CREATED"}
        return 200, {"content-type": "application/json"}, json.dumps(body).encode()

    with (
        serving(answer) as url,
        CustomerProfiles(region="us-east-1", endpoint_url=url) as cp,
        pytest.raises(UnreadableAnswerError, match="URL that no file can be sent to"),
    ):
        cp.domain("shop").upload_jobs.upload(io.BytesIO(FILE))
    assert not target.exists()

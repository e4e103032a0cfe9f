"""What goes over the wire when the network or the service misbehaves."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from customer_profiles import (
    AccessDeniedError,
    AmbiguousWriteError,
    BadRequestError,
    ConnectionFailedError,
    CustomerProfiles,
    InternalServerError,
    InvalidInputError,
    RetryPolicy,
    ServiceError,
    ThrottlingError,
    UnreadableAnswerError,
)
from tests.serving import Answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUICK = RetryPolicy(attempts=3, base=0.001, cap=0.001)


def connect(url: str, retry: RetryPolicy | None = QUICK) -> CustomerProfiles:
    return CustomerProfiles(region="us-east-1", endpoint_url=url, retry=retry)


class Script:
    """Answers requests from a list, then with the last of it, and remembers them."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.seen = list(answers), list[str]()

    def __call__(self, method: str, url: str, _headers: object, _body: bytes) -> Answer:
        self.seen.append(f"{method} {url}")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


THROTTLED: Answer = (
    429,
    {"x-amzn-errortype": "ThrottlingException", "retry-after": "0", "x-amzn-requestid": "r-1"},
    b'{"message": "Rate exceeded"}',
)
DOMAIN: Answer = (200, {}, b'{"DomainName":"shop","CreatedAt":1.5,"LastUpdatedAt":2,"Next":null}')


def test_a_connection_that_drops_after_create_profile_means_one_post() -> None:
    script = Script(None)
    with serving(script) as url, pytest.raises(AmbiguousWriteError) as caught:
        connect(url).domain("shop").profiles.create(first_name="Ada")

    assert script.seen == ["POST /domains/shop/profiles"]
    assert isinstance(caught.value.__cause__, ConnectionFailedError)


def test_a_connection_that_drops_on_a_read_is_tried_again() -> None:
    script = Script(None, None, DOMAIN)
    with serving(script) as url:
        domain = connect(url).domains.get("shop")

    assert domain.domain_name == "shop"
    assert len(script.seen) == 3


def test_our_layer_is_the_only_one_that_retries() -> None:
    script = Script(THROTTLED)
    with serving(script) as url, pytest.raises(ThrottlingError) as caught:
        connect(url).domains.get("shop")

    assert len(script.seen) == 3
    assert (caught.value.attempts, caught.value.request_id) == (3, "r-1")
    assert isinstance(caught.value, ClientError)
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def test_a_config_cannot_stack_a_second_layer() -> None:
    script = Script(THROTTLED)
    config = Config(retries={"total_max_attempts": 4, "mode": "standard"}, read_timeout=5)
    with serving(script) as url, pytest.raises(ThrottlingError):
        CustomerProfiles(
            region="us-east-1", endpoint_url=url, config=config, retry=RetryPolicy(attempts=1)
        ).domains.get("shop")

    assert len(script.seen) == 1


def test_a_client_that_is_handed_in_keeps_its_own_retries() -> None:
    script = Script(THROTTLED)
    config = Config(retries={"total_max_attempts": 2, "mode": "standard"})
    with serving(script) as url, pytest.raises(ThrottlingError):
        client = boto3.client("customer-profiles", endpoint_url=url, config=config)
        CustomerProfiles(client=client).domains.get("shop")

    assert len(script.seen) == 2


def test_a_client_that_is_handed_in_still_answers_dicts_to_its_owner() -> None:
    with serving(Script(DOMAIN)) as url:
        client = boto3.client("customer-profiles", endpoint_url=url)
        ours = CustomerProfiles(client=client).domains.get("shop")
        theirs = client.get_domain(DomainName="shop")

    assert theirs["DomainName"] == ours.domain_name == "shop"
    assert theirs["CreatedAt"] == ours.created_at


def test_no_service_at_all_is_a_connection_that_failed() -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        connect("http://127.0.0.1:1").domains.get("shop")

    assert caught.value.sent is False
    assert caught.value.attempts == 3


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"DomainName": 3}'])
def test_an_answer_that_cannot_be_read_is_said_to_be_so(body: bytes) -> None:
    with serving(Script((200, {}, body))) as url, pytest.raises(UnreadableAnswerError):
        connect(url).domains.get("shop")


def test_what_aws_knows_and_we_do_not_is_kept_but_not_sent() -> None:
    answer: Answer = (
        200,
        {},
        b'{"Items":[{"ProfileId":"%s","Gender":"NEW","Mood":"fine","Address":{"Moon":"Io"}}],'
        b'"NextToken":null,"Extra":1}' % (b"0" * 32),
    )
    with serving(Script(answer)) as url:
        found = connect(url).domain("shop").profiles.search(email="a").one()

    assert (found.gender, found.model_extra) == ("NEW", {"Mood": "fine"})
    assert found._to_wire() == {"ProfileId": "0" * 32, "Gender": "NEW", "Address": {}}


@pytest.mark.parametrize(
    ("header", "least"), [("2", 2.0), ("Wed, 21 Oct 2099 07:28:00 GMT", 1e6), ("soon", 0.0)]
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, least: float) -> None:
    answer = (429, {**THROTTLED[1], "retry-after": header}, THROTTLED[2])  # type: ignore[index]
    with serving(Script(answer)) as url, pytest.raises(ThrottlingError) as caught:
        connect(url, RetryPolicy(attempts=1)).domains.get("shop")

    assert (caught.value.retry_after or 0.0) >= least


def test_requests_name_us_and_claim_nothing_of_attempts_that_the_gateway_counts() -> None:
    sent: list[dict[str, str]] = []

    def answer(_method: str, _url: str, headers: dict[str, str], _body: bytes) -> Answer:
        sent.append({name.lower(): value for name, value in headers.items()})
        return DOMAIN

    with serving(answer) as url:
        connect(url).domains.get("shop")

    assert sent[0]["user-agent"].startswith("customer-profiles/")
    assert sent[0]["user-agent"].count("Botocore/") == 1
    assert not [name for name in sent[0] if name.startswith("amz-sdk")]


def ids(*found: str) -> Answer:
    profiles = ",".join(f'{{"ProfileId":"{one}"}}' for one in found)
    return (200, {}, f'{{"Profiles":[{profiles}],"Errors":[]}}'.encode())


MERGED: Answer = (200, {}, b'{"Message":"Success!"}')
A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_a_merge_whose_answer_is_lost_is_looked_up_and_not_repeated() -> None:
    script = Script(None, ids(A))
    with serving(script) as url:
        connect(url).domain("shop").profiles.merge(A, B, C)

    assert script.seen == [
        "POST /domains/shop/profiles/objects/merge",
        "POST /domains/shop/batch-get-profiles",
    ]


def test_what_is_left_of_a_merge_whose_answer_is_lost_is_merged_then() -> None:
    script = Script(None, ids(A, C), MERGED)
    with serving(script) as url:
        connect(url).domain("shop").profiles.merge(A, B, C)

    assert len(script.seen) == 3
    assert script.seen[0] == script.seen[2]


def test_a_merge_whose_answers_are_all_lost_says_so() -> None:
    script = Script(None, *[ids(A, B), None] * 2, ids(A, B))
    with serving(script) as url, pytest.raises(AmbiguousWriteError):
        connect(url).domain("shop").profiles.merge(A, B)

    assert len(script.seen) == 6


def test_a_merge_keeps_one_deadline_with_all_its_requests() -> None:
    def answer(*_: object) -> Answer:
        time.sleep(0.1)
        return None

    with serving(answer) as url:
        late = overtime(url, 0.35, lambda cp: cp.domain("shop").profiles.merge(A, B))

    assert late < 0.1


def drip(*pieces: bytes) -> Iterator[bytes]:
    """Send bytes one by one for ten seconds, unless the other side leaves."""
    yield from pieces
    for _ in range(1000):
        time.sleep(0.01)
        yield b"x"


HEAD = b"HTTP/1.1 200 OK\r\n"
SLOW: dict[str, Callable[[], Answer]] = {
    "status line": drip,
    "headers": lambda: drip(HEAD),
    "body": lambda: drip(HEAD, b"content-length: 9999\r\n\r\n"),
    "body without end": lambda: drip(HEAD, b"\r\n"),
    "chunks": lambda: drip(HEAD, b"transfer-encoding: chunked\r\n\r\n", b"fff\r\n"),
    "throttled": lambda: THROTTLED,
    "failing": lambda: (500, {}, b""),
}


def overtime(url: str, deadline: float, call: Callable[[CustomerProfiles], object]) -> float:
    """Return by how much a call fails after its deadline, at best of three."""
    retry = RetryPolicy(attempts=10**6, base=0.01, cap=0.01, deadline=deadline, budget=None)
    late = []
    for _ in range(3):
        with CustomerProfiles(
            region="us-east-1", endpoint_url=url, retry=retry, config=Config(proxies={})
        ) as cp:
            began = time.monotonic()
            with pytest.raises((ConnectionFailedError, ServiceError, AmbiguousWriteError)):
                call(cp)
            late.append(time.monotonic() - began - deadline)
        if late[-1] < 0.1:
            break
    return min(late)


@pytest.mark.parametrize("what", SLOW)
def test_a_deadline_is_kept_in_total(what: str) -> None:
    with serving(lambda *_: SLOW[what]()) as url:
        assert overtime(url, 0.3, lambda cp: cp.domains.get("shop")) < 0.1


def test_a_deadline_is_kept_where_a_wait_for_an_answer_would_take_longer() -> None:
    script = Script(None)

    def answer(*request: Any) -> Answer:
        time.sleep(0.5)
        return script(*request)

    with serving(answer) as url:
        assert overtime(url, 0.2, lambda cp: cp.domains.get("shop")) < 0.1


def certificate(folder: Path) -> Path:
    """Write a key and a certificate for this machine."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(1))
        .not_valid_after(now + dt.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    text = signed.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "localhost.pem"
    path.write_bytes(text)
    return path


def test_a_deadline_is_kept_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    answers: list[Callable[[], Answer]] = [lambda: DOMAIN, SLOW["body"]]
    with serving(lambda *_: answers[0](), context) as url:
        assert connect(url).domains.get("shop").domain_name == "shop"
        del answers[0]
        assert overtime(url, 0.3, lambda cp: cp.domains.get("shop")) < 0.1


@pytest.mark.parametrize(
    "header",
    [
        *("inf", "nan", "-inf", "1e300", "-5", "9" * 400, "soon", "\xb2"),
        "Wed, 21 Oct 2015 07:28:00 -0000",
        "Wed, 21 Oct 2099 07:28:00 GMT",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
    ],
)
@pytest.mark.parametrize("deadline", [30.0, None])
def test_no_retry_after_delays_a_call_without_end(header: str, deadline: float | None) -> None:
    retry = RetryPolicy(attempts=3, base=0, deadline=deadline)
    answer: Answer = (429, {"retry-after": header}, b"")
    with serving(Script(answer)) as url, pytest.raises(ThrottlingError) as caught:
        connect(url, retry).domains.get("shop")

    assert caught.value.attempts == (1 if header == "1e300" or "2099" in header else 3)


DENIED = {
    "ExpiredToken": "renew the session's credentials",
    "ExpiredTokenException": "renew the session's credentials",
    "IncompleteSignature": "whether a proxy changes requests",
    "SignatureDoesNotMatch": "check the secret access key",
    "RequestTimeTooSkewed": "check the clock",
    "UnrecognizedClientException": "check the access key",
}


@pytest.mark.parametrize(("code", "hint"), DENIED.items())
@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_of_credentials_says_what_to_check(code: str, hint: str, status: int) -> None:
    script = Script((status, {"x-amzn-errortype": code}, b'{"message":"no"}'))
    with serving(script) as url, pytest.raises(AccessDeniedError, match=hint):
        connect(url).domains.get("shop")

    assert len(script.seen) == 1


CONCURRENT: Answer = (
    400,
    {"x-amzn-errortype": "BadRequestException"},
    b'{"message":"Failed to update profile due to concurrent update in-progress."}',
)


def test_an_update_that_others_disturb_is_repeated() -> None:
    script = Script(CONCURRENT, (200, {}, b'{"ProfileId":"%b"}' % A.encode()))
    with serving(script) as url:
        connect(url).domain("shop").profiles.update(A, first_name="update")

    assert len(script.seen) == 2


def test_a_create_that_others_disturb_may_be_repeated_by_the_caller() -> None:
    with serving(Script(CONCURRENT)) as url, pytest.raises(BadRequestError) as caught:
        connect(url).domain("shop").profiles.create(first_name="Ada")

    assert (caught.value.retryable, caught.value.attempts) == (True, 1)


def given(url: str, attempts: int = 4, mode: Any = "standard") -> Any:
    config = Config(retries={"total_max_attempts": attempts, "mode": mode}, read_timeout=5)
    return boto3.client("customer-profiles", endpoint_url=url, config=config)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore's retries wait for nothing."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.usefixtures("unhurried")
def test_the_error_says_how_often_the_passed_client_sent_a_create() -> None:
    script = Script((500, {}, b""))
    with serving(script) as url, pytest.raises(AmbiguousWriteError) as caught:
        CustomerProfiles(client=given(url)).domain("shop").profiles.create(first_name="Ada")

    assert len(script.seen) == caught.value.attempts == 4
    assert "the client that you passed sent it 4 times (its own retries allow 4)" in str(
        caught.value
    )
    assert "not repeated" not in str(caught.value)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("last", [THROTTLED, CONCURRENT])
def test_a_create_whose_first_answer_was_lost_is_ambiguous_whatever_came_last(last: Answer) -> None:
    with serving(Script(None, last)) as url, pytest.raises(AmbiguousWriteError, match="earlier"):
        CustomerProfiles(client=given(url, 2)).domain("shop").profiles.create(first_name="Ada")


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_a_policy_takes_over_from_a_passed_client_and_leaves_it_as_it_is(mode: str) -> None:
    script = Script((500, {}, b""))
    with serving(script) as url:
        client = given(url, 4, mode)
        cp = CustomerProfiles(client=client, retry=QUICK)
        with pytest.raises(AmbiguousWriteError, match="it was not repeated"):
            cp.domain("shop").profiles.create(first_name="Ada")
        assert len(script.seen) == 1
        with pytest.raises(InternalServerError):
            cp.domains.get("shop")
        assert len(script.seen) == 1 + 3
        with pytest.raises(ClientError):
            client.get_domain(DomainName="shop")
        assert len(script.seen) == 1 + 3 + 4
        script.answers = [DOMAIN]
        assert client.get_domain(DomainName="shop")["DomainName"] == "shop"
        assert cp.domains.get("shop").domain_name == "shop"


def test_a_policy_takes_over_from_clients_of_botocore_only() -> None:
    fake = SimpleNamespace(search_profiles=None)
    with pytest.raises(InvalidInputError, match="retry needs a client that boto3"):
        CustomerProfiles(client=fake, retry=QUICK)


def test_a_404_of_a_proxy_does_not_make_a_twin() -> None:
    script = Script((404, {"content-type": "text/html"}, b"<html>no such page</html>"))
    with serving(script) as url, pytest.raises(ServiceError, match="check endpoint_url, proxies"):
        connect(url).domain("shop").profiles.find_or_create(email="a@example.com")

    assert len(script.seen) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"", b'{"Items":[{', b"\xff"])
def test_an_answer_that_cannot_be_read_does_not_make_a_twin(body: bytes) -> None:
    script = Script((200, {}, body))
    with serving(script) as url, pytest.raises(UnreadableAnswerError) as caught:
        cp = CustomerProfiles(client=given(url, 2))
        cp.domain("shop").profiles.find_or_create(email="a@example.com")

    assert (len(script.seen), caught.value.retryable) == (2, True)


@pytest.mark.usefixtures("unhurried")
def test_the_limit_of_a_passed_client_holds_for_failures_and_unreadable_answers_together() -> None:
    script = Script((500, {}, b""), (200, {}, b"<html>"))
    with serving(script) as url, pytest.raises(UnreadableAnswerError) as caught:
        CustomerProfiles(client=given(url, 3)).domains.get("shop")

    assert len(script.seen) == caught.value.attempts == 3

"""Signatures are verified as botocore, an independent implementation, makes them."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles import AccessDeniedError, CustomerProfiles
from customer_profiles.engine import Refusal
from customer_profiles.engine.doors.signing import Request, Verifier, credential_of

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = dt.datetime(2026, 5, 17, 12, 0, 0, tzinfo=dt.UTC).timestamp()


@pytest.fixture(autouse=True)
def at(monkeypatch):
    """Let botocore sign at a time."""

    def set_time(seconds):
        now = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)

    set_time(NOW)
    return set_time


def signed(method="POST", url="http://localhost:4580/domains", body=b"{}", **options):
    """Return a request as botocore signs it."""
    region, service = options.get("region", "us-east-1"), options.get("service", "profile")
    credentials = Credentials(options.get("key", KEY), options.get("secret", SECRET))
    request = AWSRequest(method, url, dict(options.get("headers", {})), body)
    if "seconds" in options:
        SigV4QueryAuth(credentials, service, region, options["seconds"]).add_auth(request)
    else:
        SigV4Auth(credentials, service, region).add_auth(request)
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(method, parts.path, parts.query, {"host": parts.netloc, **headers}, body)


def code(request, verifier=None, now=NOW):
    """Return the code of the refusal of a request; None if it is accepted."""
    verifier = verifier or Verifier({KEY: SECRET, "OTHER": "secret"}, lambda: now)
    try:
        verifier.verify(request)
    except Refusal as refusal:
        return refusal.code
    return None


def test_refusals_have_the_status_of_aws():
    with pytest.raises(Refusal) as caught:
        Verifier({}).verify(Request("GET", "/", "", {}, b""))
    assert caught.value.status == 403


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=12)
NAMES = st.from_regex("[a-z][a-z0-9-]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(
    method=st.sampled_from(("GET", "POST", "PUT", "DELETE")),
    pieces=st.lists(TEXTS.map(lambda text: quote(text, safe="")), max_size=4),
    query=st.lists(st.tuples(TEXTS, TEXTS), max_size=4),
    headers=st.dictionaries(NAMES.map("x-{}".format), VALUES, max_size=3),
    ending=st.sampled_from((b"", b"{}", b"\xff")) | st.integers(1, 604_800),
)
def test_what_botocore_signs_is_accepted(method, pieces, query, headers, ending):
    pairs = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query
    )
    url = f"http://localhost:4580/{'/'.join(pieces)}" + (f"?{pairs}" if pairs else "")
    body, options = (b"", {"seconds": ending}) if isinstance(ending, int) else (ending, {})
    request = signed(method, url, body, headers=headers, **options)

    assert code(request) is None


def test_a_space_of_a_query_may_be_sent_as_a_plus():
    request = signed(url="http://localhost:4580/domains?next-token=a%20b%2Bc")

    sent = request._replace(query=request.query.replace("%20", "+"))
    assert code(sent) is None
    assert code(sent._replace(query=sent.query.replace("%2B", "+"))) is not None


@pytest.mark.parametrize(
    "altered",
    [
        {"method": "PUT"},
        {"path": "/domains/other"},
        {"path": "/domains/a%2Fb"},
        {"query": "max-results=2"},
        {"query": "max-results=1&next-token=a"},
        {"body": b'{"a": 1}'},
        {"body": b"[]"},
    ],
)
@pytest.mark.parametrize("seconds", [None, 60])
def test_an_altered_request_is_refused(altered, seconds):
    options = {} if seconds is None else {"seconds": seconds}
    # botocore moves the body of a presigned request to its query.
    body = b"{}" if seconds is None else b""
    request = signed(url="http://localhost/domains/shop?max-results=1", body=body, **options)
    if seconds and "query" in altered:
        altered = {"query": request.query.replace("max-results=1", altered["query"])}

    assert code(request) is None
    assert code(request._replace(**altered)) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "evil.example"),
        ("x-amz-date", "20260517T120001Z"),
        ("x-mine", "b"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-content-sha256", "0" * 64),
        ("x-amz-content-sha256", "\xff"),
    ],
)
def test_an_altered_header_is_refused(name, value):
    request = signed(headers={"x-mine": "a"})

    altered = request._replace(headers={**request.headers, name: value})
    assert code(altered) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"key": "NOBODY"}, "UnrecognizedClientException"),
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"key": "OTHER"}, "InvalidSignatureException"),
        ({"service": "s3"}, "InvalidSignatureException"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"seconds": 60, "body": b""}])
def test_a_signature_of_another_key_or_service_is_refused(options, expected, more):
    options = {**options, **more}

    assert code(signed(**options)) == expected


def test_a_request_without_a_signature_is_refused():
    request = Request("GET", "/domains", "", {"host": "localhost"}, b"")

    assert code(request) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (-299, None),
        (-301, "InvalidSignatureException"),
        (299, None),
        (301, "InvalidSignatureException"),
    ],
)
def test_a_signature_is_valid_for_five_minutes_around_the_time(at, shift, expected):
    at(NOW + shift)

    assert code(signed()) == expected


@pytest.mark.parametrize(
    ("seconds", "later", "expected"),
    [(60, 59, None), (60, 61, "InvalidSignatureException"), (604_800, 604_799, None)],
)
def test_a_presigned_url_is_valid_as_long_as_it_says(seconds, later, expected):
    assert code(signed("GET", body=b"", seconds=seconds), now=NOW + later) == expected


@pytest.mark.parametrize("seconds", ["0", "604801", "-1", "1e3", "", "\u0661", "9" * 5_000])
def test_a_validity_that_is_no_number_of_seconds_is_refused(seconds):
    request = signed("GET", body=b"", seconds=60)
    query = request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={quote(seconds)}")

    assert code(request._replace(query=query)) == "IncompleteSignatureException"


def test_a_signature_is_accepted_once(at):
    verifier = Verifier({KEY: SECRET}, lambda: NOW)
    request = signed()
    wrong = request._replace(body=b"[]")

    assert code(wrong, verifier) == "InvalidSignatureException"
    assert code(request, verifier) is None, "a forged request uses up no signature"
    assert code(request, verifier) == "InvalidSignatureException"
    at(NOW + 1)
    assert code(signed(), verifier) is None


def test_a_replay_is_refused_until_the_signature_expires_and_is_forgotten_then(at):
    now = [NOW]
    verifier = Verifier({KEY: SECRET}, lambda: now[0])
    request = signed()
    assert code(request, verifier) is None
    now[0] += 299
    assert code(request, verifier) == "InvalidSignatureException"
    now[0] += 120
    at(now[0])
    assert code(signed(), verifier) is None
    assert sum(len(used.first) for used in verifier._used.values()) == 1


def sdk(request, invocation, attempt=1):
    """Return a request with the headers that botocore sends without signing them."""
    added = {"amz-sdk-invocation-id": invocation, "amz-sdk-request": f"attempt={attempt}"}
    return request._replace(headers={**request.headers, **added})


def test_equal_requests_of_one_second_are_told_from_a_recorded_one():
    now = [NOW]
    verifier = Verifier({KEY: SECRET}, lambda: now[0])
    request = signed()
    sent = [sdk(request, "a"), sdk(request, "b"), sdk(request, "b", attempt=2)]
    assert [code(one, verifier) for one in sent] == [None] * 3
    assert {code(one, verifier) for one in sent} == {"InvalidSignatureException"}
    now[0] += 3
    assert code(sdk(request, "forged"), verifier) == "InvalidSignatureException"


def test_a_presigned_url_of_a_read_may_be_used_again_and_that_of_a_write_not():
    verifier = Verifier({KEY: SECRET}, lambda: NOW)
    read, write = signed("GET", body=b"", seconds=60), signed("DELETE", body=b"", seconds=60)

    assert [code(read, verifier) for _ in range(2)] == [None, None]
    assert [code(write, verifier) for _ in range(2)] == [None, "InvalidSignatureException"]


GOOD = "AWS4-HMAC-SHA256 Credential=A/20260517/r/profile/aws4_request, SignedHeaders=host, "


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic YTpi",
        "AWS4-HMAC-SHA256",
        "AWS4-ECDSA-P256-SHA256 Credential=a",
        GOOD,
        GOOD + "Signature=",
        GOOD.replace("A/", "") + "Signature=a",
        GOOD.replace("/r/", "//") + "Signature=a",
        GOOD.replace("aws4_request", "aws5") + "Signature=a",
        "AWS4-HMAC-SHA256 " + "Credential=" * 50_000,
        "\xff" * 100,
    ],
)
def test_an_authorization_that_is_not_whole_is_incomplete(authorization):
    headers = {"host": "a", "x-amz-date": "20260517T120000Z", "authorization": authorization}
    request = Request("GET", "/domains", "", headers, b"")

    assert code(request) == "IncompleteSignatureException"
    assert credential_of("", headers) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-amz-date": "yesterday"}, "InvalidSignatureException"),
        ({"x-amz-date": "20260517T126000Z"}, "IncompleteSignatureException"),
        ({"x-amz-date": ""}, "IncompleteSignatureException"),
        ({"x-amz-date": "20260518T120000Z"}, "InvalidSignatureException"),
        (
            {"authorization": GOOD.replace("host", "x-a") + "Signature=a"},
            "InvalidSignatureException",
        ),
        ({"authorization": GOOD + "Signature=\xff"}, "UnrecognizedClientException"),
        (
            {"authorization": GOOD.replace("A/", f"{KEY}/") + "Signature=\xff"},
            "InvalidSignatureException",
        ),
    ],
)
def test_odd_dates_and_signatures_are_refused(headers, expected):
    request = signed()

    assert code(request._replace(headers={**request.headers, **headers})) == expected


@pytest.fixture
def client_of():
    clients = []

    def make(url, **options):
        options = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, **options}
        clients.append(boto3.client("customer-profiles", "us-east-1", endpoint_url=url, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def today(at):
    at(dt.datetime.now(dt.UTC).timestamp())


@pytest.mark.usefixtures("today")
def test_boto3_works_over_a_server_that_checks_signatures(serve, client_of):
    client = client_of(serve(keys={KEY: SECRET}).url)
    profile_id = client.create_profile(DomainName="shop", FirstName="Zo\u00eb")["ProfileId"]
    found = client.batch_get_profile(DomainName="shop", ProfileIds=[profile_id])
    assert found["Profiles"][0]["FirstName"] == "Zo\u00eb"
    arn = "arn:aws:profile:us-east-1:000000000000:domains/shop"
    client.tag_resource(resourceArn=arn, tags={"a+b": "\u00fc ~*"})
    client.untag_resource(resourceArn=arn, tagKeys=["a+b", "c:d="])
    assert not client.list_tags_for_resource(resourceArn=arn).get("tags")
    assert [client.list_domains()["Items"][0]["DomainName"] for _ in range(3)] == ["shop"] * 3


@pytest.mark.usefixtures("today")
def test_our_own_client_may_repeat_a_read_within_a_second(serve, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    server = serve(keys={KEY: SECRET})
    with CustomerProfiles(region="us-east-1", endpoint_url=server.url) as cp:
        assert {cp.domains.get("shop").domain_name for _ in range(20)} == {"shop"}


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "NOBODY"}, "UnrecognizedClientException"),
        (
            {"config": botocore.config.Config(signature_version=botocore.UNSIGNED)},
            "MissingAuthenticationTokenException",
        ),
    ],
)
def test_boto3_gets_the_codes_of_aws(serve, client_of, options, expected):
    client = client_of(serve(keys={KEY: SECRET}).url, **options)
    with pytest.raises(ClientError) as caught:
        client.create_profile(DomainName="shop")
    assert caught.value.response["Error"]["Code"] == expected
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.usefixtures("today")
def test_our_client_says_what_to_check(serve, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    server = serve(keys={"testing": SECRET})
    with (
        CustomerProfiles(region="us-east-1", endpoint_url=server.url) as cp,
        pytest.raises(AccessDeniedError),
    ):
        cp.domains.get("shop")


@pytest.mark.usefixtures("today")
def test_a_presigned_url_opens_without_credentials(serve, client_of):
    client = client_of(serve(keys={KEY: SECRET}).url)
    url = client.generate_presigned_url("get_domain", {"DomainName": "shop"}, ExpiresIn=60)
    for _ in range(2):
        with urlopen(url) as answer:  # noqa: S310  (a URL of ours)
            assert b'"shop"' in answer.read()


def test_health_needs_no_signature_and_everything_else_does(serve, connect):
    raw = connect(serve(keys={KEY: SECRET}))
    assert raw.ask("GET", "/health").status == 200
    assert raw.ask("GET", "/domains").error == "MissingAuthenticationTokenException"
    assert raw.ask("GET", "/nowhere").error == "MissingAuthenticationTokenException"

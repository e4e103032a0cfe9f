"""What goes over the wire when the network or the service misbehaves."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from customer_profiles import (
    AmbiguousWriteError,
    ConnectionFailedError,
    CustomerProfiles,
    RetryPolicy,
    ThrottlingError,
    UnreadableAnswerError,
)
from tests.serving import Answer, serving

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

import base64
import json
import re
import time
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from customer_profiles import ServiceError, _wire
from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.engine import Engine
from customer_profiles.engine.service import protocol

PROFILES = "/domains/shop/profiles"


def call(engine, method, url, body=b""):
    status, headers, answer = engine.handle(method, url, {}, body)
    assert headers["content-length"] == str(len(answer))
    return status, headers, json.loads(answer)


def error(message):
    """Return the body of an error."""
    return {"message": message, "Message": message}


def test_every_operation_of_the_model_has_a_route():
    for name in _wire.service().operation_names:
        http = _wire.operation(name).http
        labels = [p.strip("{}") for p in http["requestUri"].split("/") if p.startswith("{")]
        url = http["requestUri"].replace("{", "a-").replace("}", "")
        operation, request = protocol.read(http["method"], url, {}, b"")
        assert (operation, request) == (name, {label: f"a-{label}" for label in labels})


@pytest.mark.usefixtures("shop")
def test_an_answer_is_json_with_a_request_id(engine):
    status, headers, answer = call(engine, "POST", PROFILES, b'{"FirstName":"Ada"}')
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert len(headers["x-amzn-requestid"]) == 36
    assert len(answer["ProfileId"]) == 32


def test_a_search_without_hits_answers_as_the_service_was_seen_to(shop, engine):
    body = b'{"KeyName":"_email","Values":["x"]}'
    status, headers, _ = engine.handle("POST", f"{PROFILES}/search", {}, body)
    assert (status, headers["content-length"]) == (200, "29")
    assert shop.page("_email", "x") == {"Items": [], "NextToken": None}


def test_a_refusal_names_its_type_in_a_header(engine):
    status, headers, answer = call(engine, "GET", "/domains/shop")
    assert (status, headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert answer == {
        "message": "Domain shop does not exist",
        "Message": "Domain shop does not exist",
    }


def test_paths_and_queries_are_decoded_after_they_are_cut(shop, engine):
    arn = "arn%3Aaws%3Aprofile%3Aus-east-1%3A000000000000%3Adomains%2Fshop"
    assert call(engine, "POST", f"/tags/{arn}", b'{"tags":{"a b":"1","c":"2","d":"3"}}')[0] == 400
    assert call(engine, "POST", f"/tags/{arn}", b'{"tags":{"a":"1","c":"2","d":"3"}}')[0] == 200
    assert call(engine, "DELETE", f"/tags/{arn}?tagKeys=a&tagKeys=%63")[0] == 200
    assert shop.ask("GetDomain")["Tags"] == {"d": "3"}


def test_a_query_string_gives_numbers(shop, engine):
    made = [shop.create(FirstName="Ada") for _ in range(2)]
    url = f"http://localhost:1{PROFILES}/search?max-results=1"
    _, _, answer = call(engine, "POST", url, b'{"KeyName":"_fullName","Values":["ada"]}')
    assert [item["ProfileId"] for item in answer["Items"]] == made[:1]


@pytest.mark.parametrize(("number", "words"), [("x", "be a integer"), ("0", "than or equal to 1")])
def test_a_query_string_is_checked(engine, number, words):
    status, _, answer = call(engine, "GET", f"/domains?max-results={number}")
    assert status == 400
    assert words in answer["message"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"nul"])
def test_a_body_that_is_not_json_is_refused(engine, body):
    status, headers, answer = call(engine, "POST", PROFILES, body)
    assert (status, headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert answer == error("The body is not JSON")


def test_a_body_that_is_no_object_is_refused(engine):
    status, _, answer = call(engine, "POST", PROFILES, b"[1]")
    assert (status, answer) == (400, error("The body is not a JSON object"))


@pytest.mark.usefixtures("shop")
def test_nulls_in_a_body_are_absent(engine):
    body = b'{"FirstName":"Ada","LastName":null,"Address":{"City":null}}'
    assert call(engine, "POST", PROFILES, body)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("PATCH", "/domains", "ListDomains: GET /domains"),
        ("GET", "/", "ListDomains: GET /domains"),
        ("GET", "/domain/shop", "GetDomain: GET /domains/{DomainName}"),
        ("POST", "/domains/Ada/profile", "CreateProfile: POST /domains/{DomainName}/profiles"),
        (
            "POST",
            "/domains/shop/profiles/serach",
            "SearchProfiles: POST /domains/{DomainName}/profiles/search",
        ),
    ],
)
def test_an_unknown_path_or_method_is_not_found(engine, method, path, nearest):
    status, _, answer = call(engine, method, path)
    assert status == 404
    assert answer == error(
        f"No operation of the service has this method and path; the nearest is {nearest}"
    )


@pytest.mark.parametrize("path", ["/" * 100_000, "/a" * 60_000, "/" + "a" * 100_000, "/domain/%"])
def test_a_hint_for_an_odd_path_is_found_in_milliseconds(engine, path):
    began = time.process_time()
    status, _, answer = call(engine, "GET", path)
    assert (status, len(answer["message"]) < 300) == (404, True)
    assert time.process_time() - began < 0.5


def test_an_operation_that_is_not_built_says_so(engine):
    status, headers, answer = call(engine, "GET", "/domains/shop/event-triggers")
    assert (status, headers["x-amzn-errortype"]) == (501, "NotImplementedException")
    assert re.fullmatch(NOT_BUILT, answer["message"])


NOT_BUILT = (
    "ListEventTriggers is not built into this engine yet; "
    r"https://\S+/docs/fidelity\.md lists what is built"
)


def test_no_handler_of_bad_requests_hides_what_is_not_built(engine):
    client = boto3.client("customer-profiles", region_name="us-east-1")
    engine.attach(client)
    with pytest.raises(ClientError, match=NOT_BUILT) as caught:
        client.list_event_triggers(DomainName="shop")
    assert not isinstance(caught.value, client.exceptions.BadRequestException)
    assert caught.value.response["Error"]["Code"] == "NotImplementedException"
    with pytest.raises(ServiceError, match=NOT_BUILT) as unbuilt:
        EngineChannel(engine).send("ListEventTriggers", {"DomainName": "shop"})
    assert (type(unbuilt.value), unbuilt.value.status) == (ServiceError, 501)


def test_an_error_has_its_message_under_both_names(engine):
    client = boto3.client("customer-profiles", region_name="us-east-1")
    engine.attach(client)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.get_domain(DomainName="shop")
    assert caught.value.response["Message"] == "Domain shop does not exist"
    assert caught.value.response["Error"]["Message"] == "Domain shop does not exist"


@pytest.mark.parametrize("path", ["/domains", "/nowhere"])
def test_answers_have_the_headers_of_the_service(engine, path):
    _, headers, _ = call(engine, "GET", path)
    assert headers["access-control-allow-origin"] == "*"
    assert uuid.UUID(headers["x-amzn-requestid"]).version == 4
    assert len(base64.b64decode(headers["x-amz-apigw-id"], validate=True)) == 11
    assert re.fullmatch("Root=1-6553f100-[0-9a-f]{24}", headers["x-amzn-trace-id"])


def test_the_path_wins_over_the_body(shop, engine):
    body = b'{"DomainName":"other","FirstName":"Ada"}'
    _, _, answer = call(engine, "POST", PROFILES, body)
    assert shop.read(answer["ProfileId"]) == {"FirstName": "Ada"}


@pytest.mark.parametrize(
    "url", ["/domains/" + "%41" * 100_000, "/domains?max-results=" + "1" * 200_000]
)
def test_a_url_that_is_too_long_is_refused_unread(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "urlsplit", None)
    with Engine() as engine:
        status, _, body = engine.handle("GET", url, {}, b"")

    assert status == 400
    assert b"longer than 131072 characters" in body


@pytest.mark.parametrize("text", [b"[{}]", b'["a\\"", {}]', b"[[", b'"{", ['])
def test_a_body_of_too_many_lists_is_refused_unread(text, monkeypatch):
    monkeypatch.setattr(protocol.json, "loads", None)
    body = b'{"Objects": [' + b", ".join([text] * 100_000) + b"]}"
    with Engine() as engine:
        status, _, answer = engine.handle("POST", "/domains/shop", {}, body)

    assert status == 400
    assert b"more than 100000 objects and lists" in answer


@pytest.mark.parametrize("kind", [bytes, str])
def test_lists_in_the_text_of_a_body_are_not_counted(kind):
    text = json.dumps({"text": '[{"' * 100_000 + "\\"})
    body = json.dumps({"Name": text})
    with Engine() as engine:
        request = body if kind is str else body.encode()
        status, _, answer = engine.handle("POST", "/domains/shop", {}, request)

    assert status == 400
    assert b"objects and lists" not in answer
    assert b"Name" in answer


def test_a_body_that_is_too_long_is_refused_unread(monkeypatch):
    monkeypatch.setattr(protocol.json, "loads", None)
    with Engine() as engine:
        status, _, body = engine.handle("POST", "/domains/shop", {}, b" " * (10 * 1024 * 1024 + 1))

    assert status == 400
    assert b"longer than 10485760 bytes" in body

"""Errors show the names of resources and no value of a customer, as the shapes tell them apart."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from customer_profiles import AwsChannel, ServiceError, _wire
from tests.serving import serving

OPERATIONS = _wire.service().operation_names
URL = ("uri", "querystring")
# A name is what some operation has in its URL, if the service limits how it is written.
NAMES = {
    member.name
    for name in OPERATIONS
    for member in _wire.input_shape(name).members.values()
    if member.serialization.get("location") in URL and member.metadata.get("pattern")
}


class Sample:
    """A request of an operation with another text in each string, and which may be shown."""

    def __init__(self, operation: str) -> None:
        self.names: list[str] = []
        self.private: list[str] = []
        self.request = self.value(_wire.input_shape(operation), None, ())

    def value(self, shape: Any, shown: bool | None, above: tuple[str, ...]) -> Any:
        """Make a value of a shape; `shown` is None where the shape itself decides."""
        if shape.metadata.get("sensitive"):
            shown = False
        elif shape.serialization.get("location") in URL:
            shown = True
        above = (*above, shape.name)
        if shape.type_name == "structure":
            return {
                name: self.value(member, shown, above)
                for name, member in shape.members.items()
                if member.name not in above
            }
        if shape.type_name == "list":
            return [self.value(shape.member, shown, above)]
        if shape.type_name == "map":
            return {self.value(shape.key, shown, above): self.value(shape.value, shown, above)}
        return self.text(shape, shown) if shape.type_name == "string" else 1

    def text(self, shape: Any, shown: bool | None) -> str:
        """Return a text that no other member has."""
        texts = self.names if (shape.name in NAMES if shown is None else shown) else self.private
        prefix = "name" if texts is self.names else "private"
        texts.append(f"{prefix}-{len(texts):04}-x")
        return texts[-1]


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve refusals at a URL; the message is what the test writes into the body."""
    body = {"message": ""}
    headers = {"x-amzn-errortype": "BadRequestException"}
    with serving(lambda *_: (400, headers, json.dumps(body).encode())) as url:
        yield url, body


def refusal(service: Any, operation: str, request: dict[str, Any], message: str) -> ServiceError:
    url, body = service
    body["message"] = message
    channel = AwsChannel(region="us-east-1", endpoint_url=url)
    with pytest.raises(ServiceError) as caught:
        channel.send(operation, request)
    return caught.value


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_names_of_resources_survive_in_an_error(
    service: Any, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sample = Sample(operation)

    message = " ".join([*sample.names, *sample.private])
    error = refusal(service, operation, sample.request, message)

    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)
    assert [text for text in sample.names if text not in error.message] == []
    assert [text for text in sample.private if text in shown + caplog.text] == []


@pytest.mark.parametrize(
    ("operation", "request_", "message", "shown"),
    [
        (
            "GetProfileObjectType",
            {"DomainName": "shop", "ObjectTypeName": "Nope"},
            "Object type Nope does not exist",
            "Object type Nope does not exist",
        ),
        (
            "SearchProfiles",
            {"DomainName": "shop", "KeyName": "_phone", "Values": ["+1 206 555 0100"]},
            "_phone of shop: no '+1 206 555 0100'",
            "_phone of shop: no '<redacted>'",
        ),
        (
            "GetSimilarProfiles",
            {"DomainName": "shop", "MatchType": "ML_BASED_MATCHING", "SearchValue": "a@x.org"},
            "no ML_BASED_MATCHING of a@x.org",
            "no ML_BASED_MATCHING of <redacted>",
        ),
        (
            "CreateProfile",
            {"DomainName": "shop", "Address": {"City": "London"}, "FirstName": "Ada"},
            "Ada of London is no customer of shop",
            "<redacted> of <redacted> is no customer of shop",
        ),
        (
            "PutProfileObject",
            {"DomainName": "shop", "ObjectTypeName": "Order", "Object": '{"Phone": 2065550100}'},
            "an Order with a phone 2065550100",
            "an Order with a phone <redacted>",
        ),
        (
            "MergeProfiles",
            {"DomainName": "shop", "MainProfileId": "a" * 32, "ProfileIdsToBeMerged": ["b" * 32]},
            f"{'a' * 32} and {'b' * 32}",
            f"{'a' * 32} and {'b' * 32}",
        ),
    ],
)
def test_an_error_keeps_what_helps_and_hides_what_is_private(
    service: Any, operation: str, request_: dict[str, Any], message: str, shown: str
) -> None:
    assert refusal(service, operation, request_, message).message == shown

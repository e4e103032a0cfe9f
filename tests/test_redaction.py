"""Errors show the names of resources and no value of a customer, as the shapes tell them apart."""

from __future__ import annotations

import copy
import html
import json
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from customer_profiles import AwsChannel, InvalidInputError, ServiceError, _wire
from customer_profiles.channels.redaction import HIDDEN, Redactor
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


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "lower": str.lower,
    "upper": str.upper,
    "quoted": quote,
    "twice quoted": lambda text: quote(quote(text)),
    "form": quote_plus,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps({"value": text})),
    "JSON of Unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "HTML": lambda text: html.escape(text.upper()),
    "references": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "repr": repr,
    "Latin-1": lambda text: text.encode().decode("latin-1"),
}
VALUES = st.one_of(
    st.sampled_from(
        [
            *["Al", "Bo", "李", "Zoë", "ß", "O'Neil & Sons", "+1 (206) 555-0100", "7", "42", "😀"],
            *["ada.king@example.com", "12 Long Street", "C:\\new", "100%", "a+b", "İpek", '"x"'],
        ]
    ),
    st.emails(),
    st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "M"]), min_size=4, max_size=20),
).filter(lambda text: any(map(str.isalnum, text)) or not text.isascii())
PLAIN = "Some rule of this request is broken"


class Refusing:
    """A client whose calls are all refused with one answer, which repeats a text in each part."""

    meta = MagicMock()

    def __init__(self, text: str) -> None:
        self.text = text

    def search_profiles(self, **_: Any) -> None:
        metadata = {"RequestId": "0f-1", "HTTPStatusCode": 400, "HTTPHeaders": {"x": self.text}}
        raise ClientError(
            {
                "Error": {"Code": "BadRequestException", "Message": self.text},
                "Message": self.text,
                "message": self.text,
                "Reasons": [{"Text": self.text}],
                "ResponseMetadata": metadata,
            },  # type: ignore[arg-type]
            "SearchProfiles",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.search_profiles


def refused(operation: str, request: dict[str, Any], text: str) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        AwsChannel(client=Refusing(text)).send(operation, request)
    return caught.value


def shown_by(error: BaseException) -> str:
    """Return all that an error shows, when it is printed, copied, pickled or inspected."""
    chain: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None:
        chain += [seen, copy.copy(seen), pickle.loads(pickle.dumps(seen))]
        seen = seen.__cause__ or seen.__context__
    parts = [(str(each), repr(each), each.args, each.__dict__) for each in chain]
    return "".join(traceback.format_exception(error)[-1:]) + repr(parts)


def has(shown: str, value: str) -> bool:
    """Return whether a text has a value as a word, in any case, plain or decoded."""
    word = rf"(?<![^\W_]){re.escape(value.strip().casefold())}(?![^\W_])"
    decoded = [shown, unquote(unquote(shown)), unquote_plus(shown), html.unescape(shown)]
    decoded += [
        re.sub(r"\\+u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), shown),
        shown.encode("latin-1", "ignore").decode("utf-8", "ignore"),
    ]
    return any(re.search(word, text.casefold()) for text in decoded)


class Filled(Sample):
    """A request whose private texts are the values of a customer, one after the other."""

    def __init__(self, operation: str, values: list[str]) -> None:
        self.values = values
        super().__init__(operation)

    def text(self, shape: Any, shown: bool | None) -> str:
        super().text(shape, shown)
        if self.private and self.private[-1].startswith("private-"):
            self.private[-1] = self.values[len(self.private) % len(self.values)]
            if shape.name == "stringifiedJson":
                self.private[-1] = json.dumps({"Phone": self.values, self.values[0]: 1})
            return self.private[-1]
        return self.names[-1]


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=3, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=4), form=st.sampled_from(sorted(FORMS)))
def test_no_value_survives_in_any_case_or_encoding(
    operation: str, values: list[str], form: str
) -> None:
    sample = Filled(operation, values)
    private = set(_wire.private_texts(operation, sample.request))
    frame = shown_by(refused(operation, {}, PLAIN)) + HIDDEN + PLAIN
    repeated = [value for value in values if value in private and not has(frame, value)]

    for value in repeated:
        message = f"Value '{FORMS[form](value)}' of this customer is not valid"
        assert not has(shown_by(refused(operation, sample.request, message)), value)


@pytest.mark.parametrize("form", FORMS)
@given(values=st.lists(VALUES, min_size=1, max_size=5))
@example(values=["Al", "Bo"])
@example(values=["vip customer of 2024", "yes"])
def test_no_value_inside_of_an_object_survives(form: str, values: list[str]) -> None:
    nested = json.dumps({values[0]: {"Email": values, "more": json.dumps(values)}})
    request = {"DomainName": "shop", "ObjectTypeName": "Order", "Object": nested}
    assume(not any(has(PLAIN + HIDDEN, value) for value in values))

    for value in values:
        message = f"{PLAIN}: {FORMS[form](value)}"
        error = refused("PutProfileObject", request, message)
        assert not has(error.message, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Al", "no customer Al"),
        ("Al", "no customer 'AL'"),
        ("42", "age=42 is refused"),
        ("+1 206 555 0100", "+1-206-555-0100 is no phone"),
        ("+1 206 555 0100", "(206) 5550100 is no phone of +12065550100"),
        ("Zoë Müller", "ZOE MULLER is no name"),
        ("12 Long Street, Springfield", "the address '12 Long Stre...' is refused"),
        ("lovelace", "xlovelacex"),
        ("a@x.org", "name%3Da%40x.org"),
        ("😀", "no 😀"),
        ("x" * 20, "y" * 20_000),
    ],
)
def test_a_text_that_still_resembles_a_value_is_hidden(value: str, text: str) -> None:
    assert Redactor([value]).text(text) == HIDDEN


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("Al", "Invalid value at 'channel'", "Invalid value at 'channel'"),
        ("Ann", "ANN of a channel", "<redacted> of a channel"),
        (".", "A. B.", "A. B."),
        ("redacted", "no redacted value", "no <redacted> value"),
        ("ada king", "Ada King (ADA KING)", "<redacted> (<redacted>)"),
    ],
)
def test_a_text_is_kept_where_it_is_safe(value: str, text: str, shown: str) -> None:
    assert Redactor([value]).text(text) == shown


def test_an_object_that_is_not_json_is_redacted_by_its_parts() -> None:
    request = {"DomainName": "shop", "ObjectTypeName": "Order", "Object": '{"Name": "Ada", 12345'}

    error = refused("PutProfileObject", request, "Unexpected 12345 after ADA")

    assert error.message == "Unexpected <redacted> after <redacted>"


def test_numbers_are_redacted_as_they_are_written() -> None:
    digits = "9" * 5000
    request = {"DomainName": "shop", "ObjectTypeName": "O", "Object": f'[{digits}, 1.50e3, "Ada"]'}

    assert "Ada" not in refused("PutProfileObject", request, "no Ada").message
    assert refused("PutProfileObject", request, "no 1.50e3").message == "no <redacted>"


def test_the_code_and_the_id_of_a_request_survive() -> None:
    request = {"DomainName": "shop", "FirstName": "Exception", "LastName": "0f-1"}

    error = refused("CreateProfile", request, "no Exception 0f-1")

    assert (error.code, error.request_id) == ("BadRequestException", "0f-1")
    assert error.message == "no <redacted> <redacted>"
    assert isinstance(error.__cause__, ClientError)
    assert error.__cause__.response["Error"]["Code"] == "BadRequestException"
    assert "(BadRequestException) when calling the SearchProfiles" in str(error.__cause__)


def test_what_botocore_refuses_is_not_repeated() -> None:
    class Checking(Refusing):
        def search_profiles(self, **_: Any) -> None:
            raise ParamValidationError(report=f"Invalid type for FirstName, value: {self.text}")

    channel = AwsChannel(client=Checking("Ada"))
    with pytest.raises(InvalidInputError) as caught:
        channel.send("CreateProfile", {"DomainName": "shop", "FirstName": "Ada"})

    assert "Invalid type for FirstName, value: <redacted>" in str(caught.value)
    assert not has(shown_by(caught.value), "Ada")

"""The error tree: static, picklable, and at home in code that knows botocore."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from customer_profiles import (
    AccessDeniedError,
    AmbiguousWriteError,
    AwsChannel,
    BadRequestError,
    BatchError,
    ConnectionFailedError,
    CustomerProfiles,
    CustomerProfilesError,
    EngineChannel,
    InternalServerError,
    InvalidInputError,
    Profiles,
    ResourceNotFoundError,
    ServiceError,
    StoreError,
    ThrottlingError,
    errors,
)
from customer_profiles.engine import Engine

CLASSES = {
    "BadRequestException": BadRequestError,
    "AccessDeniedException": AccessDeniedError,
    "ResourceNotFoundException": ResourceNotFoundError,
    "ThrottlingException": ThrottlingError,
    "InternalServerException": InternalServerError,
    "BrandNewException": ServiceError,
}


@pytest.mark.parametrize(("code", "kind"), CLASSES.items())
def test_a_code_has_its_class(code: str, kind: type[ServiceError]) -> None:
    error = ServiceError.of(code, "no", operation="GetDomain", status=400, request_id="r")

    assert type(error) is kind
    assert isinstance(error, (CustomerProfilesError, ClientError))
    assert error.response["Error"] == {"Code": code, "Message": "no"}
    assert str(error) == f"GetDomain: no ({code})"


@pytest.mark.parametrize(
    "error",
    [
        ServiceError.of("ThrottlingException", "no", operation="X", status=429, retry_after=2.0),
        ConnectionFailedError("X", "ReadTimeoutError", sent=True),
        AmbiguousWriteError("CreateProfile", "Look."),
        BatchError("X", [1], {"a": ServiceError.of("BadRequestException", "no", operation="X")}),
        InvalidInputError("no"),
        StoreError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_a_pickle(error: CustomerProfilesError) -> None:
    error.attempts = 3
    back = pickle.loads(pickle.dumps(error))

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert repr(back.__dict__) == repr(error.__dict__)


def test_every_error_of_ours_has_one_base() -> None:
    ours = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = [kind for kind in ours if kind.__module__ == errors.__name__]

    assert [kind for kind in raised if not issubclass(kind, CustomerProfilesError)] == []


def test_code_that_catches_client_error_goes_on_working(profiles: Profiles) -> None:
    with pytest.raises(ClientError) as caught:
        profiles.delete("0" * 32)

    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_no_region_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(InvalidInputError, match="region"):
        CustomerProfiles()


def test_no_credentials_is_an_access_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AccessDeniedError, match="nothing was sent"):
        CustomerProfiles(endpoint_url="http://127.0.0.1:1").domains.get("shop")


def test_a_client_and_a_region_contradict_each_other() -> None:
    client = boto3.client("customer-profiles")
    with pytest.raises(InvalidInputError, match="client excludes session"):
        CustomerProfiles(client=client, region="eu-west-1")
    with pytest.raises(InvalidInputError, match="channel excludes all other"):
        CustomerProfiles(channel=EngineChannel(Engine()), region="eu-west-1")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client": object()}, "client must be a boto3 client of customer-profiles"),
        ({"client": boto3.client("s3", region_name="us-east-1")}, "client must be a boto3 client"),
        ({"session": "default"}, "session must be a boto3 session"),
        ({"config": {"read_timeout": 5}}, "config must be a botocore Config"),
        ({"channel": object()}, "channel must be a Channel"),
        ({"retry": {"attempts": 3}}, "retry must be a RetryPolicy"),
    ],
)
def test_what_cannot_be_connected_with_is_refused_at_once(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        CustomerProfiles(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"quotas": {}}, "quotas must be a Quotas"),
        ({"quotas": {"domains": 1}}, "quotas must be a Quotas"),
        ({"clock": 1_800_000_000}, "clock must be a Clock"),
        ({"path": 3}, "str, bytes or os.PathLike"),
    ],
)
def test_what_the_engine_cannot_be_opened_with_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        CustomerProfiles.embedded(**wrong)


def test_a_session_is_used_as_it_is(engine: Engine) -> None:
    session = boto3.Session(region_name="eu-west-1")
    channel = AwsChannel(session=session, account_id="111122223333")
    engine.attach(channel.client)
    cp = CustomerProfiles(channel=channel)

    assert cp.domains.create("shop").domain_name == "shop"
    assert channel.arn("domains/x") == "arn:aws:profile:eu-west-1:111122223333:domains/x"


def test_the_default_session_of_boto3_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name="eu-central-1"))

    assert AwsChannel().client.meta.region_name == "eu-central-1"


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"x" * 4096])
def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"shop\.db"):
        CustomerProfiles.embedded(path)
    assert path.read_bytes() == content


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    cp = CustomerProfiles.embedded(tmp_path / "shop.db")
    cp.close()

    with pytest.raises(StoreError, match="closed"):
        cp.domains.create("shop")

"""The targets that one contract suite runs on, and the fixtures that all tests share."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import settings

from customer_profiles import AwsChannel, CustomerProfiles, EngineChannel
from customer_profiles.engine import Engine
from customer_profiles.engine.doors.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain, Profiles

# An example may take longer than 200 ms on a busy machine, or under coverage.
settings.register_profile("customer-profiles", deadline=None)
settings.load_profile("customer-profiles")

TARGETS = ("embedded", "file", "own client", "given client", "http", "aws")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person with credentials run the contract suite against AWS itself."""
    parser.addoption("--aws", action="store_true", help="also run the contract suite on AWS")


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Hide the credentials of the person who runs the tests, except from tests on AWS."""
    if request.config.getoption("--aws"):
        return
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture(scope="session")
def boto3_session() -> boto3.Session:
    """Return a session whose clients share the service's description, which is slow to read."""
    return boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
    )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Yield a running server, whose engine each test replaces by its own."""
    with Engine() as unused, Server(unused, port=0, run_due_every=None) as running:
        yield running


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Yield a strict engine in memory: each of its answers is checked against its shape."""
    with Engine(strict=True) as made:
        yield made


@pytest.fixture(params=TARGETS)
def cp(
    request: pytest.FixtureRequest,
    engine: Engine,
    tmp_path: Any,
    boto3_session: boto3.Session,
    no_credentials: None,
) -> Iterator[CustomerProfiles]:
    """Yield the SDK on each of the targets in turn."""
    match request.param:
        case "embedded":
            yield CustomerProfiles(channel=EngineChannel(engine))
        case "file":
            with CustomerProfiles.embedded(tmp_path / "shop.db", strict=True) as made:
                yield made
        case "own client":
            channel = AwsChannel(region="us-east-1", account_id="000000000000")
            engine.attach(channel.client)
            yield CustomerProfiles(channel=channel)
        case "given client":
            client = boto3_session.client("customer-profiles")
            engine.attach(client)
            yield CustomerProfiles(client=client, account_id="000000000000")
        case "http":
            server: Server = request.getfixturevalue("server")
            server.engine = engine
            with CustomerProfiles(
                region="us-east-1", endpoint_url=server.url, account_id="000000000000"
            ) as made:
                yield made
        case "aws":
            if not request.config.getoption("--aws"):
                pytest.skip("runs with --aws")
            yield CustomerProfiles()


@pytest.fixture
def shop(cp: CustomerProfiles) -> Iterator[Domain]:
    """Yield a new domain, and delete it at the end."""
    domain = cp.domains.create(f"test-{uuid.uuid4().hex}", default_expiration_days=30)
    yield domain
    cp.domains.delete(domain.domain_name)


@pytest.fixture
def profiles(engine: Engine) -> Profiles:
    """Return the profiles of a new domain in the engine, for tests of one target."""
    return CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop").profiles

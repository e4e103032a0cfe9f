"""A pytest plugin with the embedded engine as fixtures, and `mock_customer_profiles` for moto.

pytest loads it by itself, as it is an entry point of the package; without entry points, write
`-p customer_profiles.testing`. Nothing else is imported before a fixture is used.

| fixture | what it is |
|---|---|
| `customer_profiles` | a `CustomerProfiles` on an engine in memory |
| `profiles_domain` | a new `Domain` of it |
| `profiles_endpoint` | the URL at which the same engine is served over HTTP |
| `profiles_clock` | a `ManualClock`: the engine's time, which stands still until it is moved |
| `profiles_faults` | the `Faults` of the engine |
| `profiles_engine` | the `Engine` itself |
| `profiles_options` | the options of the engine: override it |

Every test has an engine of its own; with `--customer-profiles-scope=session`, or the setting
`customer_profiles_scope`, all tests of a session share one, and have domains of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Unpack

    from customer_profiles import CustomerProfiles, Domain
    from customer_profiles.engine import Engine, Fault, Faults, ManualClock
    from customer_profiles.engine.doors.moto import (
        EngineOptions,
        MockCustomerProfiles,
        MockOptions,
    )
    from customer_profiles.engine.doors.server import Server
    from customer_profiles.engine.service.clock import FreezableClock

__all__ = [
    "CustomerProfiles",
    "Domain",
    "Engine",
    "EngineOptions",
    "Fault",
    "Faults",
    "ManualClock",
    "MockCustomerProfiles",
    "MockOptions",
    "customer_profiles",
    "mock_customer_profiles",
    "profiles_clock",
    "profiles_domain",
    "profiles_endpoint",
    "profiles_engine",
    "profiles_faults",
    "profiles_options",
]

_MODULES = {
    "CustomerProfiles": "customer_profiles",
    "Domain": "customer_profiles",
    "Engine": "customer_profiles.engine",
    "EngineOptions": "customer_profiles.engine.doors.moto",
    "Fault": "customer_profiles.engine",
    "Faults": "customer_profiles.engine",
    "ManualClock": "customer_profiles.engine",
    "MockCustomerProfiles": "customer_profiles.engine.doors.moto",
    "MockOptions": "customer_profiles.engine.doors.moto",
}
_SCOPES = ("function", "session")

F = TypeVar("F", bound="Callable[..., Any]")


def __getattr__(name: str) -> Any:
    # pytest asks a plugin for each of its names, so that these are in no dir().
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting of the scope."""
    text = "whether each test has an engine of its own, or all tests of a session share one"
    group = parser.getgroup("customer-profiles")
    group.addoption("--customer-profiles-scope", choices=_SCOPES, default=None, help=text)
    parser.addini("customer_profiles_scope", f"{text}: function (default) or session")


def _scope(fixture_name: str, config: pytest.Config) -> Literal["function", "session"]:  # noqa: ARG001 - pytest calls it so
    scope = config.getoption("customer_profiles_scope") or config.getini("customer_profiles_scope")
    if scope not in {*_SCOPES, ""}:
        msg = f"customer_profiles_scope must be function or session, it was {scope!r}"
        raise pytest.UsageError(msg)
    return "session" if scope == "session" else "function"


@pytest.fixture(scope="session")
def profiles_options() -> EngineOptions:
    """Return the options of the engine; override it to set `quotas`, `ingestion_delay` or others.

    The options are those of `Engine`, but for the clock, which `profiles_clock` moves.
    """
    return {}


@pytest.fixture(scope=_scope)
def _profiles_time() -> FreezableClock:
    from customer_profiles.engine.service.clock import FreezableClock

    return FreezableClock()


@pytest.fixture(scope=_scope)
def profiles_engine(
    _profiles_time: FreezableClock, profiles_options: EngineOptions
) -> Iterator[Engine]:
    """Yield the engine of the test, in memory.

    Its `patch()` sends the requests of all boto3 clients of the service to it.
    """
    from customer_profiles.engine import Engine

    if "clock" in profiles_options:
        msg = "profiles_options cannot set the clock: use the fixture profiles_clock"
        raise pytest.UsageError(msg)
    with Engine(clock=_profiles_time, **profiles_options) as engine:
        yield engine


@pytest.fixture(scope=_scope)
def customer_profiles(profiles_engine: Engine) -> CustomerProfiles:
    """Return a client of the engine of the test; its retries do not wait."""
    from customer_profiles import CustomerProfiles, EngineChannel, RetryPolicy

    return CustomerProfiles(channel=EngineChannel(profiles_engine), retry=RetryPolicy(base=0))


@pytest.fixture
def profiles_domain(
    customer_profiles: CustomerProfiles, request: pytest.FixtureRequest
) -> Iterator[Domain]:
    """Yield a new domain of `customer_profiles`, which no other test uses."""
    if _scope("", request.config) == "function":
        yield customer_profiles.domains.create("test", default_expiration_days=366)
        return
    from uuid import uuid4

    from customer_profiles import ResourceNotFoundError

    name = f"test-{uuid4().hex}"
    yield customer_profiles.domains.create(name, default_expiration_days=366)
    customer_profiles.faults.clear()
    try:
        customer_profiles.domains.delete(name)
    except ResourceNotFoundError:
        return  # the test deleted it


@pytest.fixture
def profiles_clock(_profiles_time: FreezableClock) -> Iterator[ManualClock]:
    """Yield the engine's clock, which stands still until the test moves it.

    It begins with the time of the system.
    """
    _profiles_time.freeze()
    yield _profiles_time
    _profiles_time.thaw()


@pytest.fixture
def profiles_faults(profiles_engine: Engine) -> Iterator[Faults]:
    """Yield the faults of the engine of the test; they end with the test."""
    yield profiles_engine.faults
    profiles_engine.faults.clear()


@pytest.fixture(scope="session")
def _profiles_server() -> Iterator[Server]:
    from customer_profiles.engine import Engine
    from customer_profiles.engine.doors.server import Server

    with Engine() as unused, Server(unused, port=0, run_due_every=None) as server:
        yield server
        server.engine = unused


@pytest.fixture
def profiles_endpoint(profiles_engine: Engine, _profiles_server: Server) -> Iterator[str]:
    """Yield the URL of a server of the engine of the test, on a free port of this machine.

    Set `AWS_ENDPOINT_URL_CUSTOMER_PROFILES` to it, or pass it as `endpoint_url`.
    """
    unused = _profiles_server.engine
    _profiles_server.engine = profiles_engine
    yield _profiles_server.url
    _profiles_server.engine = unused


@overload
def mock_customer_profiles(target: F) -> F: ...


@overload
def mock_customer_profiles(
    target: None = None, **options: Unpack[MockOptions]
) -> MockCustomerProfiles: ...


def mock_customer_profiles(
    target: F | None = None, **options: Unpack[MockOptions]
) -> MockCustomerProfiles | F:
    """Send the requests of all boto3 clients of the service to engines in memory, beside moto.

    ```python
    with mock_aws(), mock_customer_profiles() as service:
        boto3.client("customer-profiles", region_name="us-east-1").list_domains()

    @mock_aws
    @mock_customer_profiles
    def test_it(): ...
    ```

    Args:
        target: what it decorates when it is written without parentheses.
        options: options of the engines.

    Returns:
        The mock, which is a context manager and a decorator; or what it decorated.
    """
    from customer_profiles.engine import Engine
    from customer_profiles.engine.doors.moto import MockCustomerProfiles

    mock = MockCustomerProfiles(Engine, **options)
    return mock if target is None else mock(target)

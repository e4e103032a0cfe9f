"""The moto door: within `mock_customer_profiles()`, boto3's clients of the service use engines.

It is used together with moto's `mock_aws()`, which has no Customer Profiles. Each account and
region has an engine of its own, in memory; account and region are those of moto, and the S3 files
and SQS queues of the engines are moto's.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import threading
import unittest
from types import FunctionType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    NamedTuple,
    Self,
    TypedDict,
    TypeVar,
    cast,
)

from botocore.exceptions import BotoCoreError

from customer_profiles.engine.service.faults import Faults

from . import hook

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Unpack

    from customer_profiles.engine import Clock, Engine, Fault, Quotas
    from customer_profiles.engine.aws import Session
    from customer_profiles.engine.service.faults import Counts

log: logging.Logger = logging.getLogger("customer_profiles.engine")

F = TypeVar("F", bound="Callable[..., Any]")
_SET_UP = ("setUp", "asyncSetUp", "setup_method")
# moto's, which unknown access keys have; moto need not be installed.
_ACCOUNT = "123456789012"


class _Options(TypedDict, total=False):
    quotas: Quotas
    ingestion_delay: float
    matching_delay: float
    session: Session
    """A boto3 session for S3 and SQS."""
    strict: bool


class EngineOptions(_Options, total=False):
    """The options of `Engine` that tests set."""

    region: str
    account_id: str


class MockOptions(_Options, total=False):
    """The options of all engines of a mock; a `session` replaces moto's S3 and SQS."""

    clock: Clock


class MockAwsNotActiveError(BotoCoreError):
    """An engine needs S3 or SQS, and moto does not stand for them."""

    fmt = "an engine needs {service}: write `with mock_aws(), mock_customer_profiles():`"


class _MotoSession:
    """Clients of moto's services with the credentials of the engine's first client."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def client(self, service_name: Any, /, *args: Any, **options: Any) -> Any:
        """Return a client of one of moto's services.

        Raises:
            MockAwsNotActiveError: `mock_aws()` is not active, so that AWS itself would answer.
        """
        if not _is_moto_active():
            error = MockAwsNotActiveError(service=service_name)
            log.warning("%s", error)
            raise error
        import boto3

        frozen = self._credentials and self._credentials.get_frozen_credentials()
        options["aws_access_key_id"] = frozen.access_key if frozen else "testing"
        options["aws_secret_access_key"] = frozen.secret_key if frozen else "testing"
        options["aws_session_token"] = frozen.token if frozen else None
        # moto's server mode replaces this function, not those of sessions.
        make: Any = boto3.client
        return make(service_name, *args, **options)


def _is_moto_active() -> bool:
    models = sys.modules.get("moto.core.models")
    modes = ("MockAWS", "ServerModeMockAWS", "ProxyModeMockAWS")
    return any(getattr(getattr(models, mode, None), "_nested_count", 0) > 0 for mode in modes)


def _account_of(credentials: Any) -> str:
    """Return the account of an access key, as moto knows it."""
    import os

    if "MOTO_ACCOUNT_ID" in os.environ:
        return os.environ["MOTO_ACCOUNT_ID"]
    # moto has imported it if a test has made keys or roles.
    iam = sys.modules.get("moto.iam.models")
    if iam is None or credentials is None:
        return _ACCOUNT
    return str(iam.get_account_id_from(credentials.access_key))


class _Scope(NamedTuple):
    account: str
    region: str


class _State:
    """What all active mocks share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0
        self.engines: dict[_Scope, Engine] = {}
        self.faults = Faults()
        self.options: MockOptions = {}
        self.undo: Callable[[], None] = lambda: None

    def engine(self, make: Callable[..., Engine], scope: _Scope, credentials: Any = None) -> Engine:
        with self.lock:
            engine = self.engines.get(scope)
            if engine is None:
                options: MockOptions = {"session": _MotoSession(credentials), **self.options}
                engine = self.engines[scope] = make(
                    region=scope.region, account_id=scope.account, faults=self.faults, **options
                )
            return engine

    def find(self, make: Callable[..., Engine], caller: hook.Caller) -> Engine:
        credentials = caller.credentials
        return self.engine(make, _Scope(_account_of(credentials), caller.region), credentials)

    def reset(self) -> None:
        with self.lock:
            engines, self.engines = self.engines, {}
            self.faults.clear()
        for engine in engines.values():
            engine.close()


class MockCustomerProfiles:
    """Sends the requests of all boto3 clients of the service to engines in memory, while active.

    It is a context manager and a decorator of functions, coroutine functions, fixtures that yield,
    and classes of tests, and nests as moto's `mock_aws` does: the outermost one starts without data
    and removes them at the end. Its options are those of all engines.
    """

    _state: ClassVar[_State] = _State()

    def __init__(self, make: Callable[..., Engine], **options: Unpack[MockOptions]) -> None:
        """Prepare a mock.

        Args:
            make: the class `Engine`.
            options: options of all engines.
        """
        self._make, self._options = make, options

    @property
    def faults(self) -> Faults:
        """The faults of all accounts and regions."""
        return self._state.faults

    def fail_next(self, operation: str, **counts: Unpack[Counts]) -> list[Fault]:
        """Make the next requests of an operation fail: see `Faults.fail_next`.

        Raises:
            ValueError: there is no such operation or fault.
        """
        return self.faults.fail_next(operation, **counts)

    def engine(self, region: str = "us-east-1", account_id: str | None = None) -> Engine:
        """Return the engine of a region, for what only an engine can do.

        Args:
            region: the region of the clients.
            account_id: the account; None for moto's default account.
        """
        return self._state.engine(self._make, _Scope(account_id or _account_of(None), region))

    def start(self, *, reset: bool = True) -> None:
        """Begin to answer, without data unless an outer mock is active.

        Args:
            reset: remove the data of an earlier mock that kept them.
        """
        state = self._state
        with state.lock:
            if state.depth == 0:
                if reset:
                    state.reset()
                state.options = self._options
                state.undo = hook.route(functools.partial(state.find, self._make))
            state.depth += 1

    def stop(self, *, remove_data: bool = True) -> None:
        """End what `start` began.

        Args:
            remove_data: remove all data if no outer mock is active.

        Raises:
            RuntimeError: it was not started.
        """
        state = self._state
        with state.lock:
            if state.depth == 0:
                message = "stop() was called before start()"
                raise RuntimeError(message)
            state.depth -= 1
            if state.depth == 0:
                state.undo()
                if remove_data:
                    state.reset()

    def reset(self) -> None:
        """Remove all data and faults of all accounts and regions."""
        self._state.reset()

    def __enter__(self) -> Self:
        """Begin to answer, and return the mock."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    def __call__(self, target: F) -> F:
        """Decorate a function, a coroutine function, a fixture that yields, or a class of tests."""
        owner: object = target
        if not isinstance(owner, type):
            return self._decorated(target)
        self._decorate_methods(owner)
        return target

    def _decorate_methods(self, owner: type) -> None:
        """Decorate the methods of a class: each test starts without data, or its set-up does."""
        bases = [base for base in owner.__mro__ if base not in (object, unittest.TestCase)]
        has_set_up = any(name in vars(base) for base in bases for name in _SET_UP)
        for name, member in list(vars(owner).items()):
            if name.startswith("_"):
                continue
            if inspect.isclass(member):
                self._decorate_methods(member)
            elif isinstance(member, FunctionType):
                is_fresh = name in _SET_UP or (name.startswith("test") and not has_set_up)
                removes = is_fresh and name not in _SET_UP
                setattr(owner, name, self._decorated(member, reset=is_fresh, remove_data=removes))

    def _decorated(self, function: F, *, reset: bool = True, remove_data: bool = True) -> F:
        mock = _Block(self, reset=reset, remove_data=remove_data)

        async def wait(*args: Any, **kwargs: Any) -> Any:
            with mock:
                return await function(*args, **kwargs)

        def iterate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with mock:
                return (yield from function(*args, **kwargs))

        def call(*args: Any, **kwargs: Any) -> Any:
            with mock:
                return function(*args, **kwargs)

        wrapper: Any = call
        if inspect.iscoroutinefunction(function):
            wrapper = wait
        elif inspect.isgeneratorfunction(function):
            wrapper = iterate
        return cast("F", functools.update_wrapper(wrapper, function))


class _Block:
    """A mock with the arguments of its start and its stop."""

    def __init__(self, mock: MockCustomerProfiles, *, reset: bool, remove_data: bool) -> None:
        self._mock, self._reset, self._remove_data = mock, reset, remove_data

    def __enter__(self) -> None:
        self._mock.start(reset=self._reset)

    def __exit__(self, *_: object) -> None:
        self._mock.stop(remove_data=self._remove_data)

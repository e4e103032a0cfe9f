"""The engines of a server: one for each account and region, as the credential scope names them."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol

from customer_profiles.engine.service.refusals import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from customer_profiles.engine import Engine

    from .signing import Credential

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+){0,5}")
_LONGEST_REGION = 32
# Anybody who reaches the server without --auth can name a new scope, which opens a database.
_MOST_SCOPES = 32


class Scope(NamedTuple):
    """An account and a region."""

    account: str
    region: str


def is_region(name: str) -> bool:
    """Return whether a text may be the name of a region; new ones need not be known."""
    return len(name) <= _LONGEST_REGION and _REGION.fullmatch(name) is not None


class MakeEngine(Protocol):
    """`Engine`, or a function that sets more of its options."""

    def __call__(self, path: Path | None, *, region: str, account_id: str) -> Engine:
        """Open the engine of an account and a region."""
        ...


class Scopes:
    """The engines of accounts and regions, which are opened when they are first used.

    The default scope has the given file, `shop.db`; others have a file beside it, such as
    `shop.123456789012.eu-west-1.db`. Without a file all are in memory.
    """

    def __init__(
        self, make: MakeEngine, path: Path | None = None, default: Scope | None = None
    ) -> None:
        """Open the engine of the default scope.

        Args:
            make: the class `Engine`, or a function that has its arguments.
            path: the database file of the default scope; None keeps everything in memory.
            default: the scope of requests that name none.

        Raises:
            StorageError: the file cannot be used.
        """
        self.default: Scope = default or Scope("000000000000", "us-east-1")
        self._path = path
        self._make = make
        self._lock = threading.Lock()
        self._engines = {self.default: self._open(self.default)}

    def scope_of(self, credential: Credential | None) -> Scope:
        """Return the scope of a credential; a key of 12 digits is the account.

        Raises:
            Refusal: the region is not valid.
        """
        if credential is None:
            return self.default
        key, region = credential.access_key, credential.region
        if not is_region(region):
            # Assumed: a credential scope whose region is no name of a region is refused.
            message = "Credential should be scoped to a valid region"
            raise Refusal("InvalidSignatureException", message)
        return Scope(key if _ACCOUNT.fullmatch(key) else self.default.account, region)

    def find(self, scope: Scope) -> Engine | None:
        """Return the engine of a scope if it is open."""
        return self._engines.get(scope)

    def open(self, scope: Scope) -> Engine:
        """Return the engine of a scope, and open it first if necessary.

        Raises:
            Refusal: too many scopes are open.
            StorageError: the file of the scope cannot be used.
        """
        with self._lock:
            engine = self._engines.get(scope)
            if engine is None:
                if len(self._engines) == _MOST_SCOPES:
                    message = f"This server has {_MOST_SCOPES} accounts and regions already"
                    raise Refusal("AccessDeniedException", message)
                engine = self._engines[scope] = self._open(scope)
                log.warning(
                    "account %s in region %s is used for the first time; it has its own data, in "
                    "%s. The default is account %s in region %s (--account, --region)",
                    *(*scope, self._file(scope) or "memory", *self.default),
                )
        return engine

    @property
    def engines(self) -> list[Engine]:
        """The engines that are open."""
        return list(self._engines.values())

    def close(self) -> None:
        """Close all engines."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()

    def _open(self, scope: Scope) -> Engine:
        return self._make(self._file(scope), region=scope.region, account_id=scope.account)

    def _file(self, scope: Scope) -> Path | None:
        if self._path is None or scope == self.default:
            return self._path
        name = f"{self._path.stem}.{scope.account}.{scope.region}{self._path.suffix}"
        return self._path.with_name(name)


class SingleEngine:
    """One engine for all accounts and regions."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Engine = engine
        self.default: Scope = Scope("000000000000", "us-east-1")

    def scope_of(self, _credential: Credential | None) -> Scope:
        """Return the same scope for all."""
        return self.default

    def find(self, _scope: Scope) -> Engine:
        """Return the engine."""
        return self.engine

    def open(self, _scope: Scope) -> Engine:
        """Return the engine."""
        return self.engine

    @property
    def engines(self) -> list[Engine]:
        """The engine, in a list."""
        return [self.engine]

"""The SQLite file: opening, transactions, schema versions, and errors of files."""

from __future__ import annotations

import os
import secrets
import sqlite3
import struct
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APPLICATION_ID = 0x41435046
"""SQLite's application id of our files, "ACPF" in ASCII."""

# So many rows of fresh_keys move to keys at once: merges are rare and take a second at most.
_MERGE_AT = 200_000
_WRITER_CACHE_KIB, _READER_CACHE_KIB = 128 * 1024, 64 * 1024
_WAIT_SECONDS = 30.0
_SHORTEST_PAUSE = 0.01


class StorageError(Exception):
    """The database file cannot be used; the message names the file and says what to do."""


class Connection(sqlite3.Connection):
    """A connection that counts the rows of fresh_keys that it added."""

    fresh_rows: int = 0

    def __del__(self) -> None:
        """Close a connection that its user did not close; committed data is in the file."""
        # A connection that failed to open cannot be closed.
        with suppress(sqlite3.ProgrammingError):
            self.close()


def _run(connection: Connection, file: str) -> None:
    script = files("customer_profiles.engine.store").joinpath(file).read_text("utf-8")
    for statement in script.split(";\n"):
        connection.execute(statement)


def _create_tables(connection: Connection) -> None:
    _run(connection, "schema.sql")
    connection.execute("INSERT INTO meta VALUES ('page_secret', ?)", (secrets.token_bytes(32),))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _create_tables,
    partial(_run, file="objects.sql"),
    partial(_run, file="matches.sql"),
    partial(_run, file="index.sql"),
    partial(_run, file="documents.sql"),
    partial(_run, file="names.sql"),
    partial(_run, file="actions.sql"),
    partial(_run, file="pending_work.sql"),
)
"""The migrations in order; the one at index n turns version n of the schema into version n + 1."""


class Database:
    """A database in a file that several processes may share, or in memory.

    With a file, each reader has its own connection and never waits for a writer; in memory, all
    share one connection. A database cannot be used across `os.fork`.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        """Open the file, or create it; without a path the database is in memory."""
        in_memory = path is None or os.fspath(path) == ":memory:"
        self._path = None if path is None or in_memory else Path(os.fspath(path)).absolute()
        self._lock = threading.RLock()
        self._idle: list[Connection] = []
        self._closed = False
        if self._path is not None:
            _check_path(self._path)
        self._writer = self._open()

    def _open(self) -> Connection:
        with self._translate_errors():
            connection = self._connect(_WRITER_CACHE_KIB)
            try:
                _prepare(connection, self._name)
            except BaseException:
                connection.close()
                raise
            return connection

    def _connect(self, cache_kib: int) -> Connection:
        connection: Connection = sqlite3.connect(
            ":memory:" if self._path is None else self._path,
            factory=Connection,
            timeout=_WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run the block in one write transaction, which an exception rolls back."""
        with self._lock, self._translate_errors():
            connection = self._writer
            if connection.fresh_rows >= _MERGE_AT:
                with _transaction(connection, "BEGIN IMMEDIATE"):
                    merge_fresh_keys(connection)
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run the block in one read transaction, which sees a single state of the database."""
        if self._path is None:
            with self._lock, self._translate_errors():
                yield self._writer
            return
        with self._translate_errors():
            connection = self._borrow()
            try:
                with _transaction(connection, "BEGIN"):
                    yield connection
            finally:
                self._give_back(connection)

    def has_pending_work(self, now: float) -> bool:
        """Return whether profiles were written and not indexed by rules, or other work is due."""
        with self._lock, self._translate_errors():
            query = (
                "SELECT EXISTS (SELECT 1 FROM rule_changes) "
                "OR EXISTS (SELECT 1 FROM pending_work WHERE due <= ?)"
            )
            return bool(self._writer.execute(query, (now,)).fetchone()[0])

    def _borrow(self) -> Connection:
        if self._closed:
            raise sqlite3.ProgrammingError
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect(_READER_CACHE_KIB)

    def _give_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        if self._closed:
            self._close_idle()

    def close(self) -> None:
        """Close all connections; committed data is in the file."""
        with self._lock:
            self._closed = True
            self._close_idle()
            self._writer.close()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @property
    def _name(self) -> str:
        return "the database in memory" if self._path is None else str(self._path)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, *_UNREADABLE) as error:
            advice = _CLOSED if self._closed else _advice(error)
            _remove_values(error)
            message = f"{self._name} cannot be used: {advice}"
            raise StorageError(message) from error


_CLOSED = "the engine was closed; create a new one"
# What reading a damaged row raises: requests are checked before a transaction begins.
_UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    struct.error,
)


def _remove_values(error: BaseException) -> None:
    """Remove what an error and those before it quote of stored data; tracebacks remain."""
    seen: BaseException | None = error
    while seen is not None:
        if not hasattr(seen, "sqlite_errorcode"):
            seen.args = ()
        for name, value in (("doc", ""), ("obj", None)):
            if hasattr(seen, name):
                setattr(seen, name, value)
        if isinstance(seen, UnicodeDecodeError):
            seen.object = b""
        elif isinstance(seen, UnicodeEncodeError):
            seen.object = ""
        seen = seen.__context__


def merge_fresh_keys(connection: Connection) -> None:
    """Move the rows of fresh_keys to keys, in the order of that table."""
    connection.execute("INSERT OR IGNORE INTO keys SELECT * FROM fresh_keys ORDER BY slot, holder")
    connection.execute("DELETE FROM fresh_keys")
    connection.fresh_rows = 0


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    if connection.in_transaction:
        # An interrupt can arrive between the end of the block and the COMMIT.
        connection.execute("ROLLBACK")
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _check_path(path: Path) -> None:
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        message = f"{path} cannot be reached; check the permissions of its parent folders"
        raise StorageError(message) from error
    if "\0" in str(path) or not _is_encodable(str(path)):
        message = f"{str(path)!r} is no valid path; give a path without NUL and half surrogates"
        raise StorageError(message)
    if is_folder:
        message = f"{path} is a folder; give the path of a file in it"
        raise StorageError(message)
    if not has_folder:
        message = f"{path} cannot be created: the folder {path.parent} is missing; create it first"
        raise StorageError(message)


def _is_encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _prepare(connection: Connection, name: str) -> None:
    """Migrate the file to the newest schema, once it is known to be ours."""
    _check_owner(connection, name)
    with _transaction(connection, "BEGIN IMMEDIATE"):
        # Checked again, as another process may have created or migrated the file in between.
        version = _check_owner(connection, name)
        for migrate in MIGRATIONS[version:]:
            migrate(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        # Written even if unchanged: a read-only file must fail now, not at the first write.
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 16000")
    (connection.fresh_rows,) = connection.execute("SELECT count(*) FROM fresh_keys").fetchone()


def _check_owner(connection: Connection, name: str) -> int:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if owner != APPLICATION_ID and (tables or owner or version):
        message = f"{name} is a database of another application; give another path"
        raise StorageError(message)
    if version > len(MIGRATIONS):
        message = (
            f"{name} was written by a newer release (schema {version}, this one knows "
            f"{len(MIGRATIONS)}); upgrade customer-profiles"
        )
        raise StorageError(message)
    return int(version)


def turns() -> Iterator[None]:
    """Iterate with pauses as long as the iterations, so that other writers can get the lock.

    SQLite polls for the lock. A loop of transactions without pauses would starve other processes.
    """
    while True:
        began = time.perf_counter()
        yield
        time.sleep(max(time.perf_counter() - began, _SHORTEST_PAUSE))


def page_secret(connection: Connection) -> bytes:
    """Return the secret that signs this database's page tokens."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'page_secret'").fetchone()
    return bytes(row[0])


def _advice(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        # The low byte of an extended code is the primary code.
        return _ADVICE.get(code & 0xFF) or str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a row cannot be read ({type(error).__name__} at {Path(last.filename).name}:{last.lineno})"
        "; restore it from a backup, or report a bug if it is intact"
    )


_UNOPENABLE = "it cannot be opened; check the permissions of the file and its folder"
_ADVICE = {
    sqlite3.SQLITE_NOTADB: "it is not a database; give another path",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
    sqlite3.SQLITE_FULL: "the disk is full; free some space and repeat the request",
    sqlite3.SQLITE_READONLY: "it is read-only; check the permissions of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: _UNOPENABLE,
    sqlite3.SQLITE_PERM: _UNOPENABLE,
    sqlite3.SQLITE_BUSY: f"another process locked it for {_WAIT_SECONDS:.0f} s; repeat the request",
    sqlite3.SQLITE_IOERR: "the disk failed or is full; check it and repeat the request",
}

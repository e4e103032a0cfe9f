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
# The write-ahead log may grow as large as the file, within these bounds.
_SMALLEST_LOG, _LARGEST_LOG = 4 << 20, 64 << 20
_CHECK_LOG_AFTER = 1000
"""Changed rows between two checks of the log, because each `stat` takes 2 µs."""
_PAGE = 4096
_SHORTEST_PAUSE = 0.01


class StorageError(Exception):
    """The database file cannot be used; the message names the file and says what to do."""

    has_room: bool = False
    """Whether the disk was full and space was freed since, so that a repetition may succeed."""


class Connection(sqlite3.Connection):
    """A connection that counts the rows of fresh_keys that it added."""

    fresh_rows: int = 0
    changed_feeds: int = 0
    """Who reads the changes that it stored since this was last reset, as bits."""

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
    partial(_run, file="metering.sql"),
    partial(_run, file="pending_work.sql"),
    partial(_run, file="decisions.sql"),
    partial(_run, file="changes.sql"),
    partial(_run, file="uploads.sql"),
    partial(_run, file="segments.sql"),
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
        self._file = self._log = _UNKNOWN
        self._log_size = self._log_limit = self._log_checked_at = 0
        if self._path is not None:
            _check_path(self._path)
            _create(self._path)
        self._writer = self._open()
        if self._path is not None:
            # Not before: opening a file for writing may copy it to another layer of a container.
            self._file = _identity(_status(str(self._path)))
            self._log = _identity(_status(f"{self._path}-wal"))
            self._set_log_limit(self._path)

    def _open(self) -> Connection:
        try:
            connection = self._connect(_WRITER_CACHE_KIB)
            try:
                _prepare(connection, self._name)
            except BaseException:
                connection.close()
                raise
        except _UNUSABLE as error:
            raise self._failure(error) from error
        return connection

    def _connect(self, cache_kib: int) -> Connection:
        # SQLite would create a file that is missing.
        self._check_file()
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
        # Transactions are written out here and in `read`: each context manager inside of another
        # takes more than a microsecond of every request.
        with self._lock:
            connection = self._writer
            try:
                if connection.fresh_rows >= _MERGE_AT:
                    with _transaction(connection, "BEGIN IMMEDIATE"):
                        merge_fresh_keys(connection)
                    if self._path is not None:
                        self._set_log_limit(self._path)
                try:
                    _begin(connection, "BEGIN IMMEDIATE")
                    try:
                        yield connection
                        self._check_file()
                        connection.execute("COMMIT")
                    finally:
                        _end(connection)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL and self._free_space():
                        message = f"{self._name} cannot be used: {_ADVICE[sqlite3.SQLITE_FULL]}"
                        failure = StorageError(message)
                        failure.has_room = True
                        raise failure from error
                    raise
                if connection.total_changes - self._log_checked_at >= _CHECK_LOG_AFTER:
                    self._log_checked_at = connection.total_changes
                    self._limit_log()
            except _UNUSABLE as error:
                raise self._failure(error) from error

    @contextmanager
    def write_securely(self) -> Iterator[Connection]:
        """Run the block in one write transaction that overwrites what it deletes with zeros."""
        with self._lock:
            self._writer.execute("PRAGMA secure_delete = ON")
            try:
                with self.write() as connection:
                    yield connection
            finally:
                if not self._closed:
                    self._writer.execute("PRAGMA secure_delete = OFF")

    def compact(self) -> bool:
        """Rewrite the file without anything that was deleted, and empty its log.

        Returns:
            Whether it was possible; a long read, or another process that uses the file, prevents
            it.
        """
        with self._lock:
            connection = self._writer
            # Idle readers have pages in their caches.
            self._close_idle()
            # SQLite builds the new file beside the old one, which may be larger than the memory.
            connection.execute("PRAGMA temp_store = FILE")
            try:
                connection.execute("VACUUM")
                return self._path is None or self._checkpoint()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF in _BUSY:
                    return False
                raise self._failure(error) from error
            finally:
                connection.execute("PRAGMA temp_store = MEMORY")

    def _check_file(self) -> None:
        """Refuse if the path leads to another file than the one that was opened."""
        if self._file != _UNKNOWN and _identity(_status(str(self._path))) != self._file:
            raise StorageError(_REMOVED.format(self._path))

    def _limit_log(self) -> None:
        """Empty the write-ahead log if it is too large, and check that it is still there.

        SQLite moves a log that reaches the limit to the file, but not during a long read, and
        makes the log smaller only in a later transaction.
        """
        if self._path is None:
            return
        status = _status(f"{self._path}-wal")
        if status is None or _identity(status) != self._log:
            raise StorageError(_REMOVED.format(f"{self._path}-wal"))
        if status.st_size > self._log_limit or _log_size_for(self._path) > self._log_size:
            self._set_log_limit(self._path)
            if status.st_size > self._log_limit and not self._checkpoint():
                # While a read prevents it, each attempt waits for the log to grow as much again.
                self._log_limit = status.st_size + self._log_size

    def _set_log_limit(self, path: Path) -> None:
        """Let the log grow as large as the file, within bounds."""
        self._log_size = _log_size_for(path)
        # The last transaction before SQLite moves the log exceeds its size.
        self._log_limit = self._log_size * 5 // 4
        self._writer.execute(f"PRAGMA wal_autocheckpoint = {self._log_size // _PAGE}")
        self._writer.execute(f"PRAGMA journal_size_limit = {self._log_limit}")

    def _checkpoint(self) -> bool:
        """Move the log to the file and empty it, unless a read or another process prevents it."""
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            row = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000:.0f}")
        return bool(row[0] == 0)

    def _free_space(self) -> bool:
        """Return whether emptying the log freed space on the disk."""
        log = None if self._path is None else _status(f"{self._path}-wal")
        with suppress(sqlite3.OperationalError):
            return log is not None and log.st_size > 0 and self._checkpoint()
        return False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run the block in one read transaction, which sees a single state of the database."""
        try:
            if self._path is None:
                with self._lock:
                    yield self._writer
                return
            connection = self._borrow()
            try:
                _begin(connection, "BEGIN")
                yield connection
                connection.execute("COMMIT")
            finally:
                _end(connection)
                self._give_back(connection)
        except _UNUSABLE as error:
            raise self._failure(error) from error

    @property
    def can_read_at_once(self) -> bool:
        """Whether a read need not wait: with a file always, in memory while nothing is running."""
        if self._path is not None:
            return True
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return True
        return False

    def has_pending_work(self, now: float) -> bool:
        """Return whether profiles were written and not indexed by rules, or other work is due."""
        query = (
            "SELECT EXISTS (SELECT 1 FROM rule_changes) "
            "OR EXISTS (SELECT 1 FROM pending_work WHERE due <= ?)"
        )
        try:
            with self._lock:
                return bool(self._writer.execute(query, (now,)).fetchone()[0])
        except _UNUSABLE as error:
            raise self._failure(error) from error

    def take_changed_feeds(self) -> int:
        """Return who reads the changes that were stored since the last call, as bits."""
        changed = self._writer.changed_feeds
        if changed:
            self._writer.changed_feeds = 0
        return changed

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
    def path(self) -> Path | None:
        """The file; None if the database is in memory."""
        return self._path

    @property
    def _name(self) -> str:
        return "the database in memory" if self._path is None else str(self._path)

    def _failure(self, error: Exception) -> StorageError:
        """Return what to raise instead of an error of SQLite or of a damaged row."""
        advice = _CLOSED if self._closed else _advice(error)
        _remove_values(error)
        return StorageError(f"{self._name} cannot be used: {advice}")


_CLOSED = "the engine was closed; create a new one"
# SQLite's errors, and what reading a damaged row raises: requests are checked before a transaction
# begins.
_UNUSABLE = (
    sqlite3.Error,
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    struct.error,
)


_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


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


def _begin(connection: Connection, statement: str) -> None:
    # An interrupt can arrive between the end of a block and its COMMIT.
    _end(connection)
    connection.execute(statement)


def _end(connection: Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    _begin(connection, begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        _end(connection)


_UNKNOWN, _NO_FILE = (-1, -1), (0, 0)
_REMOVED = (
    "{} was removed or replaced while it was open, so nothing more is stored; put the file back "
    "and create a new engine"
)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  (making a Path takes longer)
    except OSError:
        return None


def _log_size_for(path: Path) -> int:
    """Return how large the log of a file may grow."""
    return min(max(path.stat().st_size, _SMALLEST_LOG), _LARGEST_LOG)


def _identity(status: os.stat_result | None) -> tuple[int, int]:
    return _NO_FILE if status is None else (status.st_dev, status.st_ino)


def _create(path: Path) -> None:
    """Create a missing file that only its owner can read; its log gets the same permissions."""
    # What is wrong with the file or its folder, SQLite reports when it opens it.
    with suppress(OSError):
        # The file of a symbolic link is created, as SQLite does it.
        target = Path(os.path.realpath(path))
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        # A umask can only have removed permissions.
        target.chmod(0o600)


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
    _use_write_ahead_log(connection)
    (connection.fresh_rows,) = connection.execute("SELECT count(*) FROM fresh_keys").fetchone()


def _use_write_ahead_log(connection: Connection) -> None:
    """Switch to the write-ahead log; SQLite itself does not wait for a lock to do so."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_SHORTEST_PAUSE)
        else:
            return


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

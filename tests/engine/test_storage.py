import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext, suppress

import pytest

from customer_profiles.engine import Clock, Engine, StorageError
from customer_profiles.engine.store import database
from tests.engine.conftest import Shop

WRITER = """
import json, sys
from customer_profiles.engine import Engine
engine = Engine(sys.argv[1])
for number in range(int(sys.argv[2])):
    made = engine.answer("CreateProfile", {"DomainName": "shop", "AccountNumber": str(number)})
    print(json.loads(made)["ProfileId"], flush=True)
"""
OPENER = "import sys; from customer_profiles.engine import Engine; Engine(sys.argv[1]).close()"
NOBODY = 65_534


def python(code, *arguments, **options):
    """Start an interpreter on a piece of code."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def test_a_file_keeps_what_was_acknowledged(open_shop):
    shop = open_shop()
    profile = shop.create(FirstName="Ada")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    shop.engine.close()
    again = open_shop()
    assert again.search("crm", "1") == again.search("_fullName", "ada") == [profile]
    assert again.stats()["ProfileCount"] == 1


def test_a_killed_process_loses_nothing_that_it_acknowledged(open_shop, tmp_path):
    shop = open_shop()
    writer = python(WRITER, tmp_path / "shop.db", 1_000_000)
    made = [writer.stdout.readline().strip() for _ in range(300)]
    os.kill(writer.pid, signal.SIGKILL)
    made += writer.communicate()[0].split()
    shop.engine.close()
    again = open_shop()
    missing = [one for one in made if again.search("_profileId", one) != [one]]
    assert (missing, len(made) >= 300) == ([], True)


def test_two_processes_write_to_one_file(open_shop, tmp_path):
    shop = open_shop(Clock())
    writers = [python(WRITER, tmp_path / "shop.db", 200) for _ in range(2)]
    mine = [shop.create(FirstName="Ada") for _ in range(200)]
    made = [one for writer in writers for one in writer.communicate()[0].split()]
    assert len(set(made + mine)) == shop.stats()["ProfileCount"] == 600
    assert shop.search("_account", "7") == sorted(shop.search("_account", "7"))
    assert len(shop.search("_account", "7")) == 2


def test_several_processes_may_make_one_file_at_once(tmp_path):
    openers = [python(OPENER, tmp_path / "new.db") for _ in range(4)]
    for opener in openers:
        opener.communicate()
    assert [opener.returncode for opener in openers] == [0, 0, 0, 0]


def test_opening_a_new_file_waits_for_the_lock_of_another_process(tmp_path, monkeypatch):
    path, writer = tmp_path / "new.db", None
    transaction = database._transaction

    @contextmanager
    def written_by_another_at_the_end(*arguments):
        nonlocal writer
        with transaction(*arguments):
            yield
        if writer is None:
            writer = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            writer.execute("BEGIN IMMEDIATE")
            threading.Timer(0.3, writer.close).start()

    monkeypatch.setattr(database, "_transaction", written_by_another_at_the_end)
    with closing(database.Database(path)) as opened, opened.read() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_opening_a_new_file_stops_waiting_for_a_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_WAIT_SECONDS", 0.1)
    Engine(tmp_path / "shop.db").close()
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(database, "_transaction", lambda *_: nullcontext())
        with pytest.raises(StorageError, match="another process locked it"):
            Engine(tmp_path / "shop.db")


def test_threads_share_an_engine(open_shop):
    shop = open_shop()

    def work(number):
        profile = shop.create(AccountNumber=str(number))
        return shop.search("_account", str(number)) == [profile]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert shop.stats()["ProfileCount"] == 400


def test_threads_share_an_engine_in_memory(shop):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: shop.create(AccountNumber=str(n)), range(400)))
        found = list(pool.map(lambda n: shop.search("_account", str(n)), range(400)))
    assert found == [[profile] for profile in made]


def test_a_reader_does_not_wait_for_a_writer(open_shop):
    shop = open_shop()
    profile = shop.create(FirstName="Ada")
    with shop.engine._database.write(), ThreadPoolExecutor(1) as pool:
        found = pool.submit(shop.search, "_fullName", "ada").result(timeout=5)
    assert found == [profile]


def test_keys_are_found_before_and_after_their_merge(open_shop, monkeypatch):
    monkeypatch.setattr(database, "_MERGE_AT", 10)
    shop = open_shop()
    made = [shop.create(FirstName="Ada", AccountNumber=str(n)) for n in range(25)]
    assert shop.search("_fullName", "ada", MaxResults=100) == made
    assert [shop.search("_account", str(n)) for n in range(25)] == [[one] for one in made]
    shop.ask("DeleteProfile", ProfileId=made[0])
    shop.ask("UpdateProfile", ProfileId=made[1], FirstName="Bo")
    assert shop.search("_fullName", "ada", MaxResults=100) == made[2:]
    with shop.engine._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM fresh_keys").fetchone()[0] <= 12


def test_keys_that_wait_for_their_merge_are_counted_again_on_opening(open_shop, monkeypatch):
    shop = open_shop()
    for number in range(6):
        shop.create(AccountNumber=str(number))
    shop.engine.close()
    monkeypatch.setattr(database, "_MERGE_AT", 6)
    again = open_shop()
    again.create(AccountNumber="6")
    with again.engine._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (6,)


def test_a_full_disk_changes_nothing_and_ends_with_the_trouble(open_shop):
    shop = open_shop()
    ada = shop.create(FirstName="Ada")
    writer = shop.engine._database._writer
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    large = {f"key {n}": "x" * 255 for n in range(900)}
    with pytest.raises(StorageError, match=r"shop\.db cannot be used: the disk is full"):
        shop.ask("UpdateProfile", ProfileId=ada, Attributes=large)
    assert shop.read(ada) == {"FirstName": "Ada"}
    writer.execute("PRAGMA max_page_count = 1000000")
    shop.ask("UpdateProfile", ProfileId=ada, Attributes=large)
    assert shop.read(ada)["Attributes"] == large


def test_a_full_disk_is_an_internal_error_over_http(open_shop):
    shop = open_shop()
    writer = shop.engine._database._writer
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    body = json.dumps({"Attributes": {f"key {n}": "x" * 255 for n in range(900)}})
    status, headers, answer = shop.engine.handle("POST", "/domains/shop/profiles", {}, body)
    assert (status, headers["x-amzn-errortype"]) == (500, "InternalServerException")
    assert b"the disk is full" in answer


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)  # noqa: S607


def fill(disk):
    """Use up the space of a disk."""
    with (disk / "ballast").open("ab", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(4096)):
            pass


def test_a_full_disk_is_given_the_space_of_the_log(small_disk):
    with closing(Engine(small_disk / "shop.db")) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        ada = shop.create(FirstName="Ada")
        # The free pages of deleted profiles let the database change without growing.
        large = {f"key {n}": "x" * 255 for n in range(900)}
        for profile in [shop.create(Attributes=large) for _ in range(8)]:
            shop.ask("DeleteProfile", ProfileId=profile)
        engine._database._checkpoint()
        for number in range(100):
            shop.ask("UpdateProfile", ProfileId=ada, FirstName=f"Ada {number}")
        assert (small_disk / "shop.db-wal").stat().st_size > 1 << 20
        fill(small_disk)
        for number in range(100):
            shop.ask("UpdateProfile", ProfileId=ada, LastName=f"King {number}")
        assert shop.read(ada) == {"FirstName": "Ada 99", "LastName": "King 99"}


def test_a_disk_that_stays_full_says_so(small_disk):
    with closing(Engine(small_disk / "shop.db")) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        ada = shop.create(FirstName="Ada")
        fill(small_disk)
        large = {f"key {n}": "x" * 255 for n in range(900)}
        made = []
        with pytest.raises(StorageError, match="the disk is full; free some space"):
            for _ in range(1000):
                made.append(shop.create(Attributes=large))
                fill(small_disk)
        assert shop.read(ada) == {"FirstName": "Ada"}
        (small_disk / "ballast").unlink()
        made.append(shop.create(Attributes=large))
        assert [shop.read(profile)["Attributes"] for profile in made] == [large] * len(made)
        assert shop.stats()["ProfileCount"] == len(made) + 1


def test_a_write_is_repeated_once_when_the_disk_has_room_again(open_shop, monkeypatch):
    shop = open_shop()
    ada = shop.create(FirstName="Ada")
    writer = shop.engine._database._writer
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    freed = []

    def free(database):
        freed.append(database)
        writer.execute("PRAGMA max_page_count = 1000000")
        return True

    monkeypatch.setattr(database.Database, "_free_space", free)
    large = {f"key {n}": "x" * 255 for n in range(900)}
    shop.ask("UpdateProfile", ProfileId=ada, Attributes=large)
    assert (shop.read(ada)["Attributes"], len(freed)) == (large, 1)


def sizes(tmp_path):
    """Return the sizes of the database and of its log in MiB."""
    return [(tmp_path / name).stat().st_size / (1 << 20) for name in ("shop.db", "shop.db-wal")]


def test_the_log_does_not_outgrow_the_database(open_shop, tmp_path):
    shop = open_shop()
    ada = shop.create(FirstName="Ada")
    largest = 0
    for number in range(3000):
        shop.ask("UpdateProfile", ProfileId=ada, FirstName=f"Ada {number}")
        largest = max(largest, sizes(tmp_path)[1])
    assert largest < 6


def test_a_large_transaction_leaves_no_large_log(open_shop, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_LARGEST_LOG", database._SMALLEST_LOG)
    shop = open_shop()
    rows = [(n, "x" * 2000) for n in range(8000)]
    with shop.engine._database.write() as connection:
        connection.execute("CREATE TABLE large (id INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany("INSERT INTO large VALUES (?, ?)", rows)
    file, log = sizes(tmp_path)
    assert (file > 15, log) == (True, 0)


def test_a_long_read_lets_the_log_grow_only_until_it_ends(open_shop, tmp_path, monkeypatch):
    shop = open_shop()
    attempts = []
    checkpoint = database.Database._checkpoint

    def counted(self):
        attempts.append(checkpoint(self))
        return attempts[-1]

    monkeypatch.setattr(database.Database, "_checkpoint", counted)

    def write(times):
        for number in range(times):
            with shop.engine._database.write() as connection:
                connection.execute("REPLACE INTO meta VALUES ('large', ?)", (bytes(99_000),))
                rows = [(f"n{n}", b"%d" % number) for n in range(1000)]
                connection.executemany("REPLACE INTO meta VALUES (?, ?)", rows)

    with shop.engine._database.read() as reader:
        (before,) = reader.execute("SELECT count(*) FROM meta").fetchone()
        write(200)
        grown = sizes(tmp_path)[1]
        assert reader.execute("SELECT count(*) FROM meta").fetchone() == (before,)
    assert grown > 20
    # Attempts are rare: each waits for the log to grow as much again.
    assert 2 <= len(attempts) < 16
    write(60)
    assert sizes(tmp_path)[1] < 6


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_new_file_and_its_log_are_private(open_shop, tmp_path, umask):
    before = os.umask(umask)
    try:
        shop = open_shop()
        shop.create(FirstName="Ada")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["shop.db", "shop.db-shm", "shop.db-wal"], 0o600)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_target_of_a_link_is_private_too(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    Engine(tmp_path / "link.db").close()
    assert (tmp_path / "real.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o400 | 0o200, 0o664])
def test_a_file_keeps_the_mode_that_its_owner_gave_it(open_shop, tmp_path, mode):
    open_shop().engine.close()
    (tmp_path / "shop.db").chmod(mode)
    shop = open_shop()
    shop.create(FirstName="Ada")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {mode}


def remove(file):
    file.unlink()


def replace_by_another(file):
    Engine(file.with_name("other.db")).close()
    file.with_name("other.db").replace(file)


def replace_by_a_copy(file):
    shutil.copy(file, file.with_name("copy.db"))
    file.with_name("copy.db").replace(file)


def move_away(file):
    file.rename(file.with_name("moved.db"))


@pytest.mark.skipif(os.name != "posix", reason="open files cannot be removed elsewhere")
@pytest.mark.parametrize("change", [remove, replace_by_another, replace_by_a_copy, move_away])
def test_nothing_is_acknowledged_that_a_removed_file_would_lose(open_shop, tmp_path, change):
    shop = open_shop()
    ada = shop.create(FirstName="Ada")
    change(tmp_path / "shop.db")
    for operation, more in (
        ("CreateProfile", {"FirstName": "Bo"}),
        ("UpdateProfile", {"ProfileId": ada, "FirstName": "Bo"}),
        ("DeleteProfile", {"ProfileId": ada}),
    ):
        with pytest.raises(
            StorageError, match=r"shop\.db was removed or replaced while it was open"
        ):
            shop.ask(operation, **more)
    status, _, answer = shop.engine.handle("POST", "/domains/shop/profiles", {}, b"{}")
    assert (status, b"was removed or replaced" in answer) == (500, True)
    # What was read before the change stays readable through the connections that are open.
    assert shop.read(ada) == {"FirstName": "Ada"}


@pytest.mark.skipif(os.name != "posix", reason="open files cannot be removed elsewhere")
def test_a_read_neither_creates_the_removed_file_nor_reads_another(open_shop, tmp_path):
    shop = open_shop()
    shop.create(FirstName="Ada")
    shop.engine._database._close_idle()
    (tmp_path / "shop.db").unlink()
    with pytest.raises(StorageError, match="was removed or replaced"):
        shop.ask("GetDomain")
    assert not (tmp_path / "shop.db").exists()


@pytest.mark.skipif(os.name != "posix", reason="open files cannot be removed elsewhere")
def test_a_file_that_comes_back_is_written_again(open_shop, tmp_path):
    shop = open_shop()
    (tmp_path / "shop.db").rename(tmp_path / "moved.db")
    with pytest.raises(StorageError, match="was removed or replaced"):
        shop.create(FirstName="Ada")
    (tmp_path / "moved.db").rename(tmp_path / "shop.db")
    ada = shop.create(FirstName="Ada")
    shop.engine.close()
    assert open_shop().read(ada) == {"FirstName": "Ada"}


@pytest.mark.skipif(os.name != "posix", reason="open files cannot be removed elsewhere")
def test_a_log_that_is_removed_is_noticed(open_shop, tmp_path):
    shop = open_shop()
    (tmp_path / "shop.db-wal").unlink()
    with pytest.raises(StorageError, match=r"shop\.db-wal was removed or replaced"):
        for number in range(1000):
            shop.create(FirstName=f"Ada {number}")


def test_a_write_looks_at_the_file_once(open_shop, monkeypatch):
    shop = open_shop()
    looks = []
    status = database._status
    monkeypatch.setattr(database, "_status", lambda path: looks.append(path) or status(path))
    for number in range(100):
        shop.create(FirstName=f"Ada {number}")
    assert 100 <= len(looks) <= 105


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(b"not a database, just notes " * 100)
    with pytest.raises(StorageError, match=r"notes\.txt cannot be used: it is not a database"):
        Engine(file)
    assert file.read_bytes() == b"not a database, just notes " * 100
    assert list(tmp_path.iterdir()) == [file]


def test_a_database_of_another_application_stays_as_it_is(tmp_path):
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE things (name TEXT)")
    before = file.read_bytes()
    with pytest.raises(StorageError, match=r"other\.db is a database of another application"):
        Engine(file)
    assert file.read_bytes() == before


def test_a_newer_schema_stays_as_it_is(open_shop, tmp_path):
    open_shop().engine.close()
    file = tmp_path / "shop.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match=r"newer release \(schema 99, .*upgrade"):
        Engine(file)
    assert file.read_bytes() == before


def test_a_later_migration_keeps_what_is_stored(open_shop, monkeypatch):
    shop = open_shop()
    profile = shop.create(FirstName="Ada")
    shop.engine.close()

    def later(connection):
        connection.execute("CREATE TABLE later (id INTEGER PRIMARY KEY)")

    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, later))
    again = open_shop()
    assert again.search("_fullName", "ada") == [profile]
    with again.engine._database.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)


def test_a_migration_that_fails_changes_nothing(open_shop, tmp_path, monkeypatch):
    open_shop().engine.close()

    def broken(connection):
        connection.execute("CREATE TABLE later (id INTEGER PRIMARY KEY)")
        connection.execute("SELECT nonsense")

    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, broken))
        with pytest.raises(StorageError, match="nonsense"):
            Engine(tmp_path / "shop.db")
    with open_shop().engine._database.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name='later'").fetchone()


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StorageError, match="is a folder; give the path of a file"):
        Engine(tmp_path)


def test_a_missing_folder_is_not_made(tmp_path):
    with pytest.raises(StorageError, match=r"the folder .*nowhere is missing; create it first"):
        Engine(tmp_path / "nowhere" / "shop.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can change its user")
@pytest.mark.parametrize("folder_mode", [0o755, 0o777])
def test_a_read_only_file_says_so(open_shop, tmp_path, folder_mode):
    open_shop().engine.close()
    before = (tmp_path / "shop.db").read_bytes()
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    tmp_path.chmod(folder_mode)
    # Everything is imported before the rights to read the interpreter's files may be gone.
    code = OPENER.replace("; Engine", f"; Engine(); import os; os.setuid({NOBODY}); Engine")
    opener = python(code, tmp_path / "shop.db", stderr=subprocess.PIPE)
    words = opener.communicate()[1]
    assert "StorageError" in words
    assert "check the permissions of the file and its folder" in words
    assert (tmp_path / "shop.db").read_bytes() == before


def test_an_engine_that_was_closed_says_so(open_shop):
    shop = open_shop()
    shop.engine.close()
    shop.engine.close()
    for operation, more in (("GetDomain", {}), ("CreateProfile", {"FirstName": "Ada"})):
        with pytest.raises(StorageError, match="engine was closed"):
            shop.ask(operation, **more)


def test_a_write_that_is_interrupted_leaves_no_trace(shop, monkeypatch):
    from customer_profiles.engine.store import keys

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keys, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            shop.create(FirstName="Ada")
    assert shop.stats()["ProfileCount"] == 0
    assert shop.search("_fullName", "ada") == []


def test_a_busy_file_is_waited_for(open_shop, tmp_path):
    shop = open_shop()
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.execute, ["COMMIT"]).start()
    profile = shop.create(FirstName="Ada")
    assert shop.read(profile) == {"FirstName": "Ada"}
    other.close()


def test_a_connection_that_never_opened_ends_without_noise():
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect("/proc/shop.db", factory=database.Connection)
    broken = database.Connection.__new__(database.Connection)

    broken.__del__()

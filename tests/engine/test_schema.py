"""The schema: every table is cleared with its domain, and files of earlier versions migrate."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from customer_profiles.engine import Engine, ManualClock

from .filling import answers, fill, merge_keys, rows

DATA = Path(__file__).parent.parent / "data"
# Tables whose rows belong to no domain.
OF_NO_DOMAIN = {"key_rules", "meta"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


def test_a_deleted_domain_leaves_no_row_in_any_table(file: Path) -> None:
    with Engine(file, clock=ManualClock(), strict=True) as engine:
        fill(file, engine, "kept")
        merge_keys(engine)
        before = rows(engine)
        fill(file, engine, "deleted")
        filled = rows(engine)
        empty = {table for table in filled if len(filled[table]) == len(before[table])}
        assert empty == OF_NO_DOMAIN, (
            f"fill() in tests/engine/filling.py writes no row to {sorted(empty - OF_NO_DOMAIN)}: "
            "add an operation that does, so that this test can see whether the table is cleared; "
            "a table whose rows belong to no domain goes into OF_NO_DOMAIN"
        )

        engine.answer("DeleteDomain", {"DomainName": "deleted"})

        after = rows(engine)
        for table in sorted(after):
            assert after[table] == before[table], (
                f"DeleteDomain must remove the rows of its domain from {table}, and no others: "
                "name the column with the domain's id `domain`, or the column with row numbers "
                "`profile`, and delete() in engine/store/domains.py clears the table; or clear it "
                "in delete_domain() of engine/operations/domains.py"
            )


@pytest.fixture
def version_4(file: Path) -> Path:
    """Return a file as schema version 4 had it, with rows in every table."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((DATA / "store_version_4.sql").read_text("utf-8"))
    return file


def test_a_file_of_version_4_keeps_every_row(version_4: Path) -> None:
    with closing(sqlite3.connect(version_4)) as connection:
        before = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        }
    assert all(before.values())
    with Engine(version_4, clock=ManualClock()) as engine, engine._database.read() as connection:
        for table, found in before.items():
            # A later version may rename columns, and add some behind these.
            after = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            kept = [row[: len(found[0])] for row in after]
            assert sorted(map(repr, kept)) == sorted(map(repr, found)), table


def test_a_file_of_version_4_answers_as_before(version_4: Path) -> None:
    expected = json.loads((DATA / "store_version_4.json").read_text("utf-8"))
    with Engine(version_4, clock=ManualClock(), strict=True) as engine:
        assert answers(engine, "shop", expected["ada"]) == expected["answers"]


def test_a_file_of_version_4_can_be_written(version_4: Path) -> None:
    ada = json.loads((DATA / "store_version_4.json").read_text("utf-8"))["ada"]
    with Engine(version_4, clock=ManualClock(seed=1), strict=True) as engine:
        order = {
            "DomainName": "shop",
            "ObjectTypeName": "Order",
            "Object": '{"id":"9","who":"ada"}',
        }
        engine.answer("PutProfileObject", order)
        listing = {"DomainName": "shop", "ProfileId": ada, "ObjectTypeName": "Order"}
        assert len(json.loads(engine.answer("ListProfileObjects", listing))["Items"]) == 3

        engine.answer("DeleteDomain", {"DomainName": "shop"})
        remaining = {table for table, found in rows(engine).items() if found}
        assert remaining == OF_NO_DOMAIN

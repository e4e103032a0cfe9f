"""The fixtures that tests of commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from customer_profiles import CustomerProfiles, EngineChannel
from customer_profiles.engine import Engine
from customer_profiles.engine.doors.server import Server
from tests.cli.where import Where, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        fill(cp)
    return tmp_path / "shop.db"


@pytest.fixture
def file(db: Path) -> Iterator[Where]:
    with CustomerProfiles.embedded(db) as cp:
        yield Where(["--db", str(db)], lambda: cp.domain("shop"))


@pytest.fixture(params=["file", "http"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    if request.param == "file":
        yield request.getfixturevalue("file")
        return
    with Engine(strict=True) as engine, Server(engine, port=0) as server:
        cp = CustomerProfiles(channel=EngineChannel(engine))
        fill(cp)
        options = ["--endpoint-url", server.url, "--region", "us-east-1"]
        yield Where(options, lambda: cp.domain("shop"))

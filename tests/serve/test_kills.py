"""What a server acknowledged is there after it was killed, and it starts again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import soak
from benchmarks.survivor import served_survivors

if TYPE_CHECKING:
    from pathlib import Path


def test_every_acknowledged_write_survives_kills(tmp_path: Path) -> None:
    for _ in range(2):
        told, kept = served_survivors(tmp_path / "shop.db", told=100)
        assert told >= 100
        assert kept == told


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("signed", [False, True])
def test_mixed_traffic_leaves_memory_descriptors_and_threads_flat(signed: bool) -> None:
    assert soak.soak(0.5, signed=signed) == []

"""Spark sessions with what the matcher needs: a folder for checkpoints."""

from __future__ import annotations

import os
import sys
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession


def session(master: str | None = None, config: Mapping[str, str] | None = None) -> SparkSession:
    """Make a Spark session; a local one has a folder for checkpoints.

    Args:
        master: Spark's master, as "local[2]".
        config: more settings.
    """
    from pyspark.sql import SparkSession

    is_local = master is not None and master.startswith("local")
    if is_local:
        # Local workers need the packages of this process.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {"spark.master": master} if master is not None else {}
    spark = SparkSession.builder.config(map={**settings, **(config or {})}).getOrCreate()
    if is_local and spark.sparkContext.getCheckpointDir() is None:
        spark.sparkContext.setCheckpointDir(mkdtemp(prefix="customer-profiles-"))
    return spark

"""Spark sessions with what the matcher needs: splink's functions and a folder for checkpoints."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession


def session(master: str | None = None, config: Mapping[str, str] | None = None) -> SparkSession:
    """Make a Spark session that has splink's functions.

    Args:
        master: Spark's master, as "local[2]".
        config: more settings.
    """
    from pyspark.sql import SparkSession

    with quiet():
        from splink.backends.spark import similarity_jar_location
    builder = SparkSession.builder.config("spark.jars", similarity_jar_location())
    is_local = master is not None and master.startswith("local")
    if master is not None:
        builder = builder.master(master)
    if is_local:
        # Local workers need the packages of this process.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in (config or {}).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    if is_local and spark.sparkContext.getCheckpointDir() is None:
        spark.sparkContext.setCheckpointDir(mkdtemp(prefix="customer-profiles-"))
    return spark


def splink_api(spark: SparkSession) -> Any:
    """Return splink's interface to a session.

    Raises:
        ValueError: the session lacks splink's functions or a folder for checkpoints.
    """
    with quiet():
        from splink import SparkAPI

        make: Any = SparkAPI
        api = make(spark_session=spark, break_lineage_method="checkpoint")
    if spark.sql("SHOW USER FUNCTIONS LIKE 'jaro_winkler'").isEmpty():
        msg = (
            "the Spark session lacks splink's functions; make it with "
            "customer_profiles.identity.spark.session(), or set spark.jars to "
            "splink.backends.spark.similarity_jar_location()"
        )
        raise ValueError(msg)
    if spark.sparkContext.getCheckpointDir() is None:
        msg = (
            "the Spark session has no folder for checkpoints, without which plans grow with every "
            "step; set one with spark.sparkContext.setCheckpointDir()"
        )
        raise ValueError(msg)
    return api


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the warnings of pyspark and splink about versions of pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

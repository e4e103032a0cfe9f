"""Record linkage on Spark; the only package that imports pyspark."""

from .resolution import SparkResolution, resolve
from .session import session

__all__ = ["SparkResolution", "resolve", "session"]

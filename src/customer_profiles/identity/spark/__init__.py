"""The same matcher on Spark; the only package that imports pyspark."""

from .resolution import SparkResolution, resolve, session

__all__ = ["SparkResolution", "resolve", "session"]

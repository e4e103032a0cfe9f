"""The attributes of object types: their names, values and statistics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from .base import Identifier, Model, UnredactedModel


class Attribute(UnredactedModel):
    """An attribute that the profiles or objects of a type have."""

    attribute_name: Annotated[str, Identifier()] = ""
    """The service's name or path, such as `Address.City` or `Attributes.tier`."""
    last_updated_at: datetime | None = None
    """When a profile or object with it was last changed."""


class AttributeValue(Model):
    """A value that an attribute has in some profiles or objects."""

    _shown: ClassVar[frozenset[str]] = frozenset({"last_updated_at"})

    value: Annotated[str, Identifier()] = ""
    """The value as text."""
    last_updated_at: datetime | None = None
    """When a profile or object with it was last changed."""


class AttributePercentiles(Model):
    """The values below which a share of the numbers is; each is None if there are no numbers."""

    p5: float | None = None
    """The value below which 5 percent are."""
    p25: float | None = None
    """The value below which 25 percent are."""
    p50: float | None = None
    """The median."""
    p75: float | None = None
    """The value below which 75 percent are."""
    p95: float | None = None
    """The value below which 95 percent are."""


class AttributeStatistics(Model):
    """The statistics of an attribute's numbers; each is None if there are no numbers."""

    _shown: ClassVar[frozenset[str]] = frozenset({"calculated_at"})

    maximum: float | None = None
    """The largest number."""
    minimum: float | None = None
    """The smallest number."""
    average: float | None = None
    """The mean."""
    standard_deviation: float | None = None
    """The standard deviation."""
    percentiles: AttributePercentiles | None = None
    """The distribution of the numbers."""
    calculated_at: datetime | None = None
    """When the statistics were computed; the service does that once a day."""

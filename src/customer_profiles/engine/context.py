"""What an operation is given beside its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clock import Clock
    from .paging import Pages
    from .store.database import Database


@dataclass(frozen=True, slots=True)
class Quotas:
    """The service's limits that its model does not state."""

    domains: int = 100
    """Domains in one engine. AG:amazon-connect-service-limits"""
    profile_bytes: int = 250 * 1024
    """Bytes of a profile as JSON. AG:amazon-connect-service-limits"""
    tags: int = 50
    """Tags of one resource. API:TagResource"""


@dataclass(frozen=True, slots=True)
class Context:
    """The engine's parts, as an operation sees them."""

    database: Database
    clock: Clock
    pages: Pages
    quotas: Quotas
    region: str
    account_id: str

    def arn(self, resource: str) -> str:
        """Give the ARN of a resource such as `domains/shop`."""
        return f"arn:aws:profile:{self.region}:{self.account_id}:{resource}"

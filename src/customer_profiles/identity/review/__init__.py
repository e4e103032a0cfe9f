"""What people say of pairs of records, and which pairs to ask them about."""

from __future__ import annotations

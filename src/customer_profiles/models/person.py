"""All that is stored about one person, and the receipt of its erasure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from .base import Model, UnredactedModel
from .history import HistoryRecord, Provenance
from .match import MatchDecision
from .profile import Profile, ProfileKey
from .profile_object import StoredObject


class PersonData(Model):
    """All that a domain stores about one person, as `profiles.export` returns it."""

    _shown: ClassVar[frozenset[str]] = frozenset({"domain_name", "exported_at", "not_included"})

    domain_name: str
    """The domain."""
    exported_at: datetime
    """When it was read."""
    profile: Profile
    """The profile."""
    keys: list[ProfileKey] = Field(default_factory=list)
    """The search keys; AWS does not return them."""
    objects: list[StoredObject] = Field(default_factory=list)
    """The objects of all types, standard ones too."""
    history: list[HistoryRecord] = Field(default_factory=list)
    """What happened to the profile, with contents."""
    provenance: dict[str, Provenance] = Field(default_factory=dict)
    """Which object set a value, by paths such as `Address.City`; AWS does not return it."""
    matched_profile_ids: list[str] = Field(default_factory=list)
    """The ids of the profiles that the latest job found to be the same customer."""
    decisions: list[MatchDecision] = Field(default_factory=list)
    """What was decided about the profile and others."""
    not_included: list[str] = Field(default_factory=list)
    """What this side of the service cannot give, in words."""

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return everything as JSON, personal data included; objects as JSON and not as text."""
        data = self.model_dump(mode="json", exclude_none=True)
        for item in data.get("objects", ()):
            item["object"] = _parsed(item.get("object"))
        for record in data.get("history", ()):
            if "content" in record:
                record["content"] = _parsed(record["content"])
        return json.dumps(data, ensure_ascii=False, indent=indent)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


class ErasureReceipt(UnredactedModel):
    """What was removed of a person, without any of the values."""

    domain_name: str
    """The domain."""
    profile_id: str
    """The id of the profile that was removed."""
    merged_profile_ids: list[str] = Field(default_factory=list)
    """The ids of profiles that were merged into it earlier."""
    erased_at: datetime
    """When it was removed."""
    removed: dict[str, int] = Field(default_factory=dict)
    """How many of each were removed, such as `Objects` and `HistoryRecords`."""
    objects_by_type: dict[str, int] = Field(default_factory=dict)
    """How many objects of each type were removed."""
    hashes: dict[str, str] = Field(default_factory=dict)
    """HMAC-SHA-256 hashes of what was removed, with the database's own secret as the key, so that
    nobody without the database can find values by trying; empty on AWS."""
    is_compacted: bool = False
    """Whether the database file was rewritten, so that it has no bytes of the person; False on
    AWS, and if another process prevented it."""
    undo_files: list[str] = Field(default_factory=list)
    """The names of the undo files of merges that were removed."""
    not_reached: list[str] = Field(default_factory=list)
    """Where values of the person may still be, in words."""

"""Undo files of merges: the profiles as they were before, from which they can be recreated."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.errors import (
    BadRequestError,
    InvalidInputError,
    ResourceNotFoundError,
)
from customer_profiles.models.match import RestoredMerge
from customer_profiles.models.profile import Profile
from customer_profiles.repositories.private_files import write_private

from .base import source_of
from .object_types import ObjectTypes
from .profile_objects import ObjectsOfProfile, ProfileObjects
from .profiles import Profiles, creatable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.models.profile_object import StoredObject

    FileName = str | os.PathLike[str]

FORMAT = "customer-profiles undo of a merge"
_VERSION = 1
_SUFFIX = ".undo.json"
# The service cannot clear these members.
_FIXED = ("gender", "party_type", "profile_type")
_ADDED = "added"
_PROFILE = "_profile"


def write_before(
    gateway: Gateway, domain_name: str, kept: str, profiles: Sequence[Profile], target: FileName
) -> Path:
    """Write the profiles of a merge, with keys and objects, into a file before it is sent.

    Args:
        gateway: where to read keys and objects.
        domain_name: the domain.
        kept: the id of the profile that the others are merged into.
        profiles: all profiles of the merge.
        target: a file that does not exist yet, or a folder.

    Returns:
        The path of the file.
    """
    path = _path(Path(target), kept)
    content: Wire = {
        "Format": FORMAT,
        "Version": _VERSION,
        "DomainName": domain_name,
        "WrittenAt": datetime.now(UTC).isoformat(),
        "KeptProfileId": kept,
        "Profiles": [_stored(gateway, domain_name, profile) for profile in profiles],
        "After": None,
        "Restored": {},
        "RestoredAt": None,
    }
    _write(path, content)
    return path


def write_after(path: Path, merged: Profile) -> None:
    """Add the kept profile as it is after the merge, so that later changes of it can be told."""
    content = read_undo(path)
    content["After"] = source_of(merged)
    _write(path, content)


def _path(target: Path, kept: str) -> Path:
    if target.suffix != ".json" or target.is_dir():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        return target / f"merge-{time}-{kept[:8]}{_SUFFIX}"
    if target.exists():
        msg = f"{target} exists; each merge needs an undo file of its own, or give a folder"
        raise InvalidInputError(msg)
    return target


def _write(path: Path, content: Wire) -> None:
    write_private(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def _stored(gateway: Gateway, domain_name: str, profile: Profile) -> Wire:
    keys = None
    if isinstance(gateway.channel, EngineChannel):
        keys = gateway.channel.extras.profile_keys(domain_name, profile.profile_id)
    objects = [
        {
            "ObjectTypeName": name,
            "ProfileObjectUniqueKey": item.profile_object_unique_key,
            "Object": item.object,
        }
        for name, item in _objects(gateway, domain_name, profile.profile_id)
    ]
    return {"Profile": source_of(profile), "Keys": keys, "Objects": objects}


def _objects(
    gateway: Gateway, domain_name: str, profile_id: str
) -> Iterable[tuple[str, StoredObject]]:
    for object_type in ObjectTypes(gateway, domain_name).all():
        name = object_type.object_type_name
        for item in ObjectsOfProfile["StoredObject"](gateway, domain_name, profile_id, name):
            yield name, item


def read_undo(path: FileName) -> Wire:
    """Read an undo file.

    Raises:
        InvalidInputError: it is no undo file, or one of a newer release.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("Format") != FORMAT:
        msg = f"{os.fspath(path)} is not an undo file of a merge; `merge` writes them"
        raise InvalidInputError(msg)
    if content.get("Version") != _VERSION:
        msg = f"{os.fspath(path)} was written by another release; upgrade customer-profiles"
        raise InvalidInputError(msg)
    return content


def remove_undo_files(folder: FileName, ids: Collection[str]) -> list[str]:
    """Remove the undo files that contain a profile; return their names."""
    removed: list[str] = []
    for path in sorted(Path(folder).glob(f"*{_SUFFIX}")):
        with suppress(InvalidInputError):
            content = read_undo(path)
            known = {content["KeptProfileId"], *content["Restored"].values()}
            known |= {item["Profile"]["ProfileId"] for item in content["Profiles"]}
            if known & set(ids):
                _overwrite(path)
                removed.append(path.name)
    return removed


def _overwrite(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\0" * size)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def restore(gateway: Gateway, domain_name: str, path: FileName, *, apart: bool) -> RestoredMerge:
    """Recreate the profiles of a merge from its undo file."""
    content = read_undo(path)
    if content["DomainName"] != domain_name:
        msg = f"{os.fspath(path)} is of domain {content['DomainName']}, not of {domain_name}"
        raise InvalidInputError(msg)
    if content["RestoredAt"]:
        msg = f"{os.fspath(path)} was restored already, at {content['RestoredAt']}"
        raise InvalidInputError(msg)
    return _Restoring(gateway, domain_name, Path(path), content).run(apart=apart)


class _Restoring:
    """Restores one merge; what was done is written to the file, so that it can be run again."""

    def __init__(self, gateway: Gateway, domain_name: str, path: Path, content: Wire) -> None:
        self._gateway, self._domain_name = gateway, domain_name
        self._path, self._content = path, content
        self._profiles = Profiles(gateway, domain_name)
        self._ids: dict[str, str] = content["Restored"]
        self._differences: list[str] = []
        self._kept: str = content["KeptProfileId"]

    def run(self, *, apart: bool) -> RestoredMerge:
        stored = self._content["Profiles"]
        own = next(item for item in stored if item["Profile"]["ProfileId"] == self._kept)
        others = [item for item in stored if item is not own]
        kept = self._current()
        if kept is None:
            others = [own, *others]
            self._differences.append("the profile that was kept no longer exists; it is new too")
        for item in others:
            self._create(item, kept is not None)
        if kept is not None:
            self._release(own, others)
        for item in others:
            self._add_keys(item)
            self._put_objects(item)
        if kept is not None:
            self._reset(kept, own)
        else:
            self._kept = self._ids[self._kept]
        if apart:
            self._keep_apart()
        new = ", ".join(f"{new} for {old}" for old, new in self._ids.items())
        self._differences.insert(0, f"restored profiles have new ids: {new}")
        self._differences.append("the history of restored profiles begins now")
        self._content["RestoredAt"] = datetime.now(UTC).isoformat()
        _write(self._path, self._content)
        return RestoredMerge(
            kept_profile_id=self._kept, profile_ids=self._ids, differences=self._differences
        )

    def _current(self) -> Profile | None:
        if self._kept in self._ids:
            return None
        try:
            return self._profiles.get(self._kept)
        except ResourceNotFoundError:
            return None

    def _create(self, item: Wire, check: bool) -> None:  # noqa: FBT001
        wire = item["Profile"]
        old = wire["ProfileId"]
        if old in self._ids:
            return
        if check and self._exists(old):
            msg = (
                f"profile {old} exists, so that the merge of this file did not happen; nothing was "
                "restored"
            )
            raise InvalidInputError(msg)
        new = self._profiles.create(
            Profile._from_wire(creatable(wire))
        )  # fmt: skip
        self._ids[old] = new.profile_id
        _write(self._path, self._content)

    def _exists(self, profile_id: str) -> bool:
        try:
            self._profiles.get(profile_id)
        except ResourceNotFoundError:
            return False
        return True

    def _release(self, own: Wire, others: list[Wire]) -> None:
        """Remove from the kept profile what the merge moved to it."""
        for item in others:
            for stored in item["Objects"]:
                name = stored["ObjectTypeName"]
                objects = ProfileObjects[Any](self._gateway, self._domain_name, name)
                with suppress(ResourceNotFoundError):
                    objects.delete(self._kept, stored["ProfileObjectUniqueKey"])
        if own["Keys"] is None:
            self._differences.append(
                "the kept profile is still found by the keys of the others, which AWS does not "
                "return"
            )
            return
        before = {(key["KeyName"], key["Value"]) for key in own["Keys"]}
        gained = {
            (key["KeyName"], key["Value"]) for item in others for key in item["Keys"] or ()
        }  # fmt: skip
        for key in self._profiles.keys(self._kept):
            name = (key.key_name, key.value)
            if key.source == _ADDED and name in gained - before:
                with suppress(BadRequestError):
                    self._profiles.remove_key(self._kept, *name)

    def _add_keys(self, item: Wire) -> None:
        """Add the keys of objects too, by which the objects find the profile when they are put."""
        profile_id = self._ids[item["Profile"]["ProfileId"]]
        for key in item["Keys"] or ():
            if key["Source"] != _PROFILE:
                self._profiles.add_key(profile_id, key["KeyName"], key["Value"])

    def _put_objects(self, item: Wire) -> None:
        profile_id = self._ids[item["Profile"]["ProfileId"]]
        lost = 0
        names = dict.fromkeys(stored["ObjectTypeName"] for stored in item["Objects"])
        for name in names:
            objects = ProfileObjects[Any](self._gateway, self._domain_name, name)
            texts = [
                stored["Object"] for stored in item["Objects"] if stored["ObjectTypeName"] == name
            ]
            wanted = {result.unique_key for result in objects.put_each(texts)}
            if isinstance(self._gateway.channel, EngineChannel):
                found = self._profiles.objects(profile_id, name)
                lost += len(wanted - {stored.profile_object_unique_key for stored in found})
        if lost:
            self._differences.append(
                f"{lost} objects of {profile_id} have keys of several profiles, and are at another "
                "profile or among the dead letters"
            )
        # The objects may have set values that were different before.
        self._assign(self._profiles.get(profile_id), item["Profile"], {})

    def _reset(self, current: Profile, own: Wire) -> None:
        """Restore the kept profile's former values where they are unchanged since the merge."""
        after = self._content["After"]
        current.refresh()
        self._assign(current, own["Profile"], source_of(current) if after is None else after)

    def _assign(self, current: Profile, before: Wire, after: Wire) -> None:
        """Set the fields of a profile to earlier values.

        Args:
            current: the profile.
            before: the values to set.
            after: the values that may be replaced; an empty mapping replaces all.
        """
        wanted, expected = Profile._from_wire(before), Profile._from_wire(after)
        changed: list[str] = []
        for name in Profile.model_fields:
            value, now = getattr(wanted, name), getattr(current, name)
            if name in ("profile_id", "found_by") or value == now:
                continue
            if after and now != getattr(expected, name):
                changed.append(name)
            elif value is None and name in _FIXED:
                self._differences.append(f"{name} of {current.profile_id} cannot be cleared")
            else:
                setattr(current, name, value)
        if changed:
            self._differences.append(
                f"{', '.join(changed)} of the kept profile changed since the merge, and stay"
            )
        current.save()

    def _keep_apart(self) -> None:
        channel = self._gateway.channel
        if not isinstance(channel, EngineChannel):
            self._differences.append(
                "AWS keeps no decisions, so that a later job may match the profiles again"
            )
            return
        ids = dict.fromkeys([self._kept, *self._ids.values()])
        pairs = [(left, right) for n, left in enumerate(ids) for right in [*ids][n + 1 :]]
        for left, right in pairs:
            try:
                channel.extras.decide(self._domain_name, left, right, is_match=False)
            except BadRequestError as error:
                self._differences.append(f"{left} and {right} are not kept apart: {error}")
